"""The motion sentences and the language model: trees are sound, words are known, the shipped weights read them."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.vocabulary import VERBS
from parser import treebanks, words
from parser.grammar import LONGEST, sentences
from parser.phrases import Dice, article, nonce, noun, with_case
from parser.trees import Node, Sentence, Token, linearise, read_conllu, text, write_conllu

if TYPE_CHECKING:
    from spacy.language import Language

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "kinescribe" / "language" / "model"
needs_treebanks = pytest.mark.skipif(
    not treebanks.FOLDER.is_dir(), reason=f"the treebanks are not there: {treebanks.FOLDER}"
)


@cache
def many() -> tuple[Sentence, ...]:
    """Sentences of a seed that nothing was trained on."""
    return tuple(sentences(4000, seed=77))


def ancestors(sentence: Sentence, i: int) -> list[int]:
    """The heads above a word, up to the root; fails on a circle."""
    above = []
    while sentence[i].head != i:
        i = sentence[i].head
        above.append(i)
        assert len(above) <= len(sentence), "the heads run in a circle"
    return above


# --- trees ---


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_trees_are_sound(seed: int) -> None:
    for sentence in sentences(10, seed):
        assert 1 <= len(sentence) <= LONGEST
        roots = [i for i, token in enumerate(sentence) if token.head == i]
        assert len(roots) == 1
        assert sentence[roots[0]].label == "root"
        assert not sentence[-1].space
        for i, token in enumerate(sentence):
            assert 0 <= token.head < len(sentence)
            assert token.label in treebanks.LABELS
            assert (token.label == "root") == (token.head == i)
            assert all(token[:4])
            low, high = sorted((i, token.head))
            for between in range(low + 1, high):  # projective: what stands between hangs on the head
                assert token.head in ancestors(sentence, between)


def test_words_of_a_tree_come_out_in_order() -> None:
    ball = article(noun("ball").left("amod", Node("old", "old", "ADJ", "JJ")), "a")
    root = Node("falls", "fall", "VERB", "VBZ").left("nsubj", ball)
    root = root.right("obl", with_case(article(noun("table"), "the"), "off"))
    found = linearise(root.right("punct", Node(".", ".", "PUNCT", ".", glued=True)))
    assert text(found) == "An old ball falls off the table."
    assert [token.head for token in found] == [2, 2, 3, 3, 6, 6, 3, 3]
    assert [token.label for token in found] == "det amod nsubj root case det obl punct".split()


def test_the_same_seed_gives_the_same_sentences_in_any_process() -> None:
    script = (
        "import hashlib; from parser.grammar import sentences;"
        "print(hashlib.sha256(repr(list(sentences(200, 5))).encode()).hexdigest())"
    )
    expected = hashlib.sha256(repr(list(sentences(200, 5))).encode()).hexdigest()
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.strip() == expected
    assert list(sentences(20, 5)) == list(sentences(200, 5))[:20]
    assert list(sentences(20, 5)) != list(sentences(20, 6))


def test_conllu_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = many()[:200]
    write_conllu(tmp_path / "some.conllu", written)
    assert tuple(read_conllu(tmp_path / "some.conllu")) == written
    (tmp_path / "some.conllu.gz").write_bytes(gzip.compress((tmp_path / "some.conllu").read_bytes()))
    assert tuple(read_conllu(tmp_path / "some.conllu.gz")) == written


def test_ranges_and_empty_nodes_are_left_out(tmp_path: Path) -> None:
    rows = ["1-2\tdon't" + "\t_" * 8, "1\tdo\tdo\tAUX\tVB\t_\t2\taux\t_\tSpaceAfter=No", "1.1\tx" + "\t_" * 8]
    rows.append("2\tn't\tnot\tPART\tRB\t_\t0\troot\t_\t_")
    (tmp_path / "a.conllu").write_text("# text = don't\n" + "\n".join(rows) + "\n\n")
    assert list(read_conllu(tmp_path / "a.conllu")) == [
        (
            Token("do", "do", "AUX", "VB", "", 1, "aux", False),
            Token("n't", "not", "PART", "RB", "", 1, "root", True),
        )
    ]


@pytest.mark.parametrize("line", ["1\tword\tword\tNOUN", "just words"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.conllu").write_text(f"# fine\n{line}\n\n")
    with pytest.raises(ValueError, match="line 2"):
        list(read_conllu(tmp_path / "a.conllu"))


# --- what the sentences hold ---


def test_every_vocabulary_verb_occurs_in_the_third_person() -> None:
    seen = Counter((token.lemma, token.xpos) for s in many() for token in s if token.upos == "VERB")
    for verb in VERBS:
        assert seen[verb.lemma, "VBZ"] >= 1, verb.lemma
        assert sum(seen[verb.lemma, tag] for tag in ("VBZ", "VBP", "VBG")) >= 3, verb.lemma


def test_verbs_have_the_form_that_their_tag_says() -> None:
    for sentence in many():
        for token in sentence:
            if token.upos == "VERB" and token.lemma != "be":
                forms = words.forms(token.lemma)
                tag = {"VBZ": forms.third, "VBD": forms.past, "VBN": forms.participle, "VBG": forms.gerund}
                assert token.form.lower() == tag.get(token.xpos, forms.base), token


def test_subject_and_verb_agree() -> None:
    checked = 0
    for sentence in many():
        for i, token in enumerate(sentence):
            if token.label != "nsubj" or token.xpos not in ("NN", "NNS", "PRP"):
                continue
            pair = any(other.head == i and other.label == "conj" for other in sentence)
            plural = pair or token.xpos == "NNS" or token.form.lower() == "they"
            head = sentence[token.head]
            carrier = [o for o in sentence if o.head == token.head and o.label in ("aux", "cop")] or [head]
            if carrier[0].xpos in ("VBZ", "VBP"):
                checked += 1
                assert (carrier[0].xpos == "VBP") == plural, text(sentence)
    assert checked > 2000


def test_words_that_look_like_verbs_are_nouns_too() -> None:
    tags = Counter((t.form.lower(), t.upos) for s in many() for t in s)
    both = [w for w in words.MOTION_NOUNS if tags[w, "NOUN"] and (tags[w, "VERB"] or tags[w + "s", "VERB"])]
    assert len(both) > 40


def test_what_the_annotation_conventions_speak_of_occurs() -> None:
    """Constructions of MoPE's annotation conventions; each in at least 15 of 4,000 sentences."""
    light = {listed for nouns in words.LIGHT_NOUNS.values() for listed in nouns}
    people = {"human", "individual", "someone", "robot", "twin"}
    temporal = "while as before after until once".split()
    names = "obl:agent nsubj:pass compound:prt iobj xcomp acl:relcl expl nummod obl:unmarked".split()
    found = Counter(dict.fromkeys([*names, *temporal], 0))
    for sentence in many():
        for i, token in enumerate(sentence):
            head = sentence[token.head]
            word, label = token.lemma, token.label
            found[label] += 1
            if label == "mark" and head.label == "advcl" and word in temporal:
                found[word] += 1
            found["side of a part"] += word in ("left", "right") and head.lemma in words.PAIRED_PARTS
            found["part as a subject"] += (
                word in words.PAIRED_PARTS and label == "nsubj" and head.xpos == "VBZ"
            )
            found["participle after a noun"] += label == "acl" and token.xpos == "VBG"
            found["light verb"] += label == "obj" and word in light and head.lemma in words.LIGHT_NOUNS
            found["count"] += label == "obl:unmarked" and word == "time"
            found["negation"] += word == "not"
            found["people"] += label == "nsubj" and word in people
            found["camera"] += label == "nsubj" and word == "camera"
            found["clause in front"] += label == "advcl" and i < token.head
    rare = {"csubj", "parataxis"}
    assert {name: count for name, count in found.items() if count < 15 and name not in rare} == {}


# --- words ---


@pytest.mark.parametrize(
    ("lemma", "rest"),
    [
        ("walk", "walks walked walked walking"), ("fly", "flies flew flown flying"), ("lie", "lies lay lain lying"),
        ("hop", "hops hopped hopped hopping"), ("zigzag", "zigzags zigzagged zigzagged zigzagging"),
        ("unzip", "unzips unzipped unzipped unzipping"), ("tie", "ties tied tied tying"),
        ("swing", "swings swung swung swinging"), ("canoe", "canoes canoed canoed canoeing"),
        ("lunge", "lunges lunged lunged lunging"), ("begin", "begins began begun beginning"),
        ("kneel", "kneels knelt knelt kneeling"), ("ski", "skis skied skied skiing"),
        ("freeze", "freezes froze frozen freezing"), ("hurry", "hurries hurried hurried hurrying"),
        ("throw", "throws threw thrown throwing"),
    ],
)  # fmt: skip
def test_forms(lemma: str, rest: str) -> None:
    assert " ".join(words.forms(lemma)[1:]) == rest


@pytest.mark.parametrize(
    ("one", "many_"),
    [("knee", "knees"), ("foot", "feet"), ("calf", "calves"), ("body", "bodies"), ("box", "boxes"), ("fish", "fish"),
     ("stomach", "stomachs"), ("boy", "boys")],
)  # fmt: skip
def test_plurals(one: str, many_: str) -> None:
    assert words.plural(one) == many_


def test_the_product_s_verbs_are_all_dealt() -> None:
    assert {verb.lemma for verb in VERBS} <= {*words.LISTED, *words.UNLISTED, *words.EXCLUDED}


def test_decks_deal_every_word_before_one_comes_again() -> None:
    dice = Dice(3)
    hand = [dice.deal(words.MOVE) for _ in set(words.MOVE)]
    assert sorted(hand) == sorted(set(words.MOVE))


def test_made_up_words_can_be_read_aloud() -> None:
    dice = Dice(1)
    assert all(
        made.isalpha() and made.islower() and len(made) >= 3 for made in (nonce(dice) for _ in range(500))
    )


# --- treebanks ---


def test_a_missing_treebank_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ewt-dev"):
        treebanks.read("ewt-dev", tmp_path)


def test_a_treebank_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    write_conllu(tmp_path / "plain", many()[:3])
    (tmp_path / "ewt-dev.conllu.gz").write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    with pytest.raises(ValueError, match="has 3 sentences, not 2001"):
        treebanks.read("ewt-dev", tmp_path)


@needs_treebanks
def test_treebanks_have_the_labels_that_the_grammar_knows() -> None:
    found = {token.label for sentence in treebanks.read("ewt-test") for token in sentence}
    assert found <= treebanks.LABELS
    used = {token.label for sentence in many() for token in sentence}
    assert used <= found | {"csubj:pass"}


@needs_treebanks
def test_features_and_tags_are_those_of_the_treebanks() -> None:
    """A tag, its part of speech and its features come together in the treebanks as in the grammar."""
    gold = {(t.upos, t.xpos, t.feats) for name in treebanks.TRAIN for s in treebanks.read(name) for t in s}
    made = Counter((t.upos, t.xpos, t.feats) for s in many() for t in s)
    assert [combination for combination in made if combination not in gold] == []


# --- the shipped model ---


@pytest.fixture(scope="module")
def nlp() -> Language:
    import spacy

    if not (MODEL / "meta.json").is_file():
        pytest.skip("no model has been trained: python -m parser ship")
    return spacy.load(MODEL)


def test_documents_hold_the_trees(nlp: Language) -> None:
    from parser.train import to_doc

    group = many()[:5]
    doc = to_doc(group, nlp.vocab)
    assert [token.text for token in doc] == [token.form for s in group for token in s]
    assert doc.text == " ".join(text(s) for s in group)
    assert [len(sentence) for sentence in doc.sents] == [len(s) for s in group]
    start = 0
    for sentence in group:
        for i, token in enumerate(sentence):
            found = doc[start + i]
            assert (found.head.i, found.lemma_) == (start + token.head, token.lemma)
            assert (found.pos_, found.tag_) == (token.upos, token.xpos)
            assert str(found.morph) == token.feats
            assert found.dep_ == ("ROOT" if token.label == "root" else token.label)
        start += len(sentence)


CARRIERS = (
    "The man {} forward.",
    "A red car {} slowly, then it stops.",
    "Before she sits down, the woman {} to the left.",
)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_vocabulary_verbs_are_read_as_verbs(nlp: Language, carrier: str) -> None:
    docs = nlp.pipe(carrier.format(verb.third) for verb in VERBS)
    found = {v.lemma: next(t for t in doc if t.text == v.third) for v, doc in zip(VERBS, docs, strict=True)}
    assert {
        lemma: token.tag_ for lemma, token in found.items() if (token.pos_, token.tag_) != ("VERB", "VBZ")
    } == {}
    assert {lemma: token.lemma_ for lemma, token in found.items() if token.lemma_ != lemma} == {}


@pytest.mark.parametrize("subject", ["human", "person", "individual", "robot", "twin", "boy"])
@pytest.mark.parametrize("verb", ["jumps", "swings", "steps", "squats"])
def test_subjects_that_could_be_adjectives(nlp: Language, subject: str, verb: str) -> None:
    doc = nlp(f"A {subject} {verb} forward.")
    assert [(t.text, t.pos_, t.dep_) for t in doc[1:3]] == [
        (subject, "NOUN", "nsubj"),
        (verb, "VERB", "ROOT"),
    ]


def test_structure_of_a_caption(nlp: Language) -> None:
    doc = nlp(
        "Before jumping, the dancer bends her knees and raises both arms while the ball is thrown by a boy."
    )
    edges = {(t.text, t.dep_, t.head.text) for t in doc}
    assert edges >= {
        ("Before", "mark", "jumping"), ("jumping", "advcl", "bends"), ("dancer", "nsubj", "bends"),
        ("knees", "obj", "bends"), ("her", "nmod:poss", "knees"), ("raises", "conj", "bends"),
        ("arms", "obj", "raises"),
        ("while", "mark", "thrown"), ("ball", "nsubj:pass", "thrown"), ("boy", "obl:agent", "thrown"),
    }  # fmt: skip


def test_most_particles_are_no_prepositions(nlp: Language) -> None:
    """19 of 27 by the model's card: a known weakness, watched here. Prepositions must stay what they are."""
    verbs = "picks up,puts down,takes off,puts on,lifts up,turns on,pulls out,throws away,sets down".split(
        ","
    )
    things = ("the cup", "a red bag", "her shoes")
    docs = nlp.pipe(f"The woman {verb} {thing}." for verb in verbs for thing in things)
    read = [(doc[3].dep_, doc[-2].dep_, doc[-2].head.i) == ("compound:prt", "obj", 2) for doc in docs]
    assert sum(read) >= 16
    for phrase in (
        "walks onto the stage",
        "runs through the door",
        "rides down the hill",
        "runs down the street",
    ):
        doc = nlp(f"The woman {phrase}.")
        assert [(t.dep_, t.head.i) for t in (doc[3], doc[5])] == [("case", 5), ("obl", 2)], phrase


def test_generated_trees_of_a_new_seed_are_found(nlp: Language) -> None:
    from spacy.tokens import Doc

    gold = many()[:300]
    docs = (Doc(nlp.vocab, [t.form for t in s], [t.space for t in s]) for s in gold)
    hits: Counter[str] = Counter()
    for sentence, doc in zip(gold, nlp.pipe(docs), strict=True):
        for true, token in zip(sentence, doc, strict=True):
            hits.update(words=1, heads=token.head.i == true.head, tags=token.tag_ == true.xpos)
            hits.update(verbs=true.upos == "VERB", found=true.upos == token.pos_ == "VERB")
    assert hits["heads"] > 0.88 * hits["words"]
    assert hits["tags"] > 0.95 * hits["words"]
    assert hits["found"] > 0.95 * hits["verbs"]


def test_parsing_does_not_depend_on_company(nlp: Language) -> None:
    texts = [text(s) for s in many()[300:360]]
    alone = [[(t.head.i, t.tag_, t.dep_, t.lemma_) for t in nlp(one)] for one in texts]
    for size in (7, 60):
        together = [
            [(t.head.i, t.tag_, t.dep_, t.lemma_) for t in d] for d in nlp.pipe(texts, batch_size=size)
        ]
        assert together == alone


@pytest.mark.parametrize(
    "odd", ["", " ", "\n\n", "🕺🕺", "<b>jumps</b>", "走る", "\x00\x07", "a" * 5000, "jump " * 3000]
)
def test_odd_texts_are_read_without_a_crash(nlp: Language, odd: str) -> None:
    assert nlp(odd).text == odd


def test_the_model_is_small_and_says_whose_it_is(nlp: Language) -> None:
    assert sum(f.stat().st_size for f in MODEL.rglob("*") if f.is_file()) < 8 * 2**20
    assert nlp.meta["license"] == "CC BY-SA 4.0"
    assert nlp.pipe_names == ["tok2vec", "tagger", "morphologizer", "parser", "trainable_lemmatizer"]
    for name in ("LICENSE", "README.md"):
        note = (MODEL / name).read_text(encoding="utf-8")
        assert all(part in note for part in ("CC BY-SA 4.0", "EWT", "PUD")), name
    assert not list(MODEL.rglob("*.conllu*"))
    assert str(ROOT) not in (MODEL / "config.cfg").read_text()
