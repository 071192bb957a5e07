"""The backends that give sentences their trees: our pipeline, other label schemes, graphs, none; and how they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from kinescribe.backends.parsers.amr import Amr
from kinescribe.backends.parsers.rules import Rules
from kinescribe.backends.parsers.spacy import Spacy
from kinescribe.errors import BackendError
from kinescribe.language import parse, parse_all
from kinescribe.language.chatter import mask_chatter
from kinescribe.language.directions import mask_times
from kinescribe.language.discourse import Discourse
from kinescribe.language.mope import loaded
from kinescribe.language.phrases import noun_phrases
from kinescribe.language.syntax import Parser, Tree
from kinescribe.language.tagging import tag
from kinescribe.language.tokens import LONGEST, sentences, tokenize

GOLD = Path(__file__).parents[1] / "quality" / "mope"


def captions() -> list[str]:
    lines = (GOLD / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["caption"] for line in lines]


def relations(tree: Tree, text: str) -> set[tuple[str, str, str]]:
    """What hangs on what: word, relation, head."""
    return {
        (text[w.start : w.end], w.relation, text[tree[w.head].start : tree[w.head].end])
        for w in tree
        if w.relation != "punct"
    }


# --- our pipeline ---


def test_words_keep_their_places() -> None:
    text = "The man   walks\tto the left, slowly."
    (tree,) = Spacy()([text])
    assert [text[w.start : w.end] for w in tree] == "The man walks to the left , slowly .".split()
    assert [w.form for w in tree if w.pos == "VERB"] == ["third"]
    assert ("man", "nsubj", "walks") in relations(tree, text)


def test_a_sentence_is_one_tree() -> None:
    """The parser must not split again what the rules hold for one sentence."""
    (tree,) = Spacy()(["He jumps, He claps; he bows - he sits"])
    assert sum(w.head == i for i, w in enumerate(tree)) == 1


@given(st.lists(st.text(max_size=60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_text_gets_a_tree(texts: list[str]) -> None:
    trees = loaded("spacy")(texts)
    assert len(trees) == len(texts)
    for tree, text in zip(trees, texts, strict=True):
        assert all(0 <= w.start < w.end <= len(text) and 0 <= w.head < len(tree) for w in tree)
        assert [w.start for w in tree] == sorted(w.start for w in tree)


def test_neighbours_in_a_batch_change_nothing() -> None:
    texts = captions()
    assert [parse(text) for text in texts] == list(parse_all(texts))
    assert list(parse_all(texts)) == list(reversed(list(parse_all(reversed(texts)))))


def test_parsing_reads_ahead_but_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinescribe.language.mope._BATCH", 4)
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield "He walks."

    found = parse_all(endless(), Rules())  # type: ignore[arg-type]
    assert [next(found)[0].predicate for _ in range(5)] == ["walk"] * 5
    assert taken <= 8


def test_a_fresh_process_reads_the_same() -> None:
    texts = captions()[:6]
    program = (
        "import json, sys; from kinescribe.language import parse_all; "
        "print(json.dumps([[a.predicate, a.agent, list(a.direction)] for found in parse_all(json.load(sys.stdin)) "
        "for a in found]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    here = [[a.predicate, a.agent, list(a.direction)] for found in parse_all(texts) for a in found]
    assert json.loads(answer.stdout) == here


# --- choosing one ---


def test_parsers_are_chosen_by_name() -> None:
    assert isinstance(loaded("rules"), Rules)
    assert loaded("spacy") is loaded("spacy")
    assert all(isinstance(loaded(name), Parser) for name in ("spacy", "rules"))
    with pytest.raises(BackendError, match='no parsers backend "spacey"; did you mean "spacy"'):
        loaded("spacey")
    with pytest.raises(BackendError, match="loads nothing"):
        loaded("rules:model")


def test_a_pipeline_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="cannot load the spaCy pipeline en_core_web_none"):
        parse("He walks.", "spacy:en_core_web_none")
    blank = spacy.blank("en")
    blank.to_disk(tmp_path / "blank")
    with pytest.raises(BackendError, match="has no tagger or no parser"):
        parse("He walks.", f"spacy:{tmp_path / 'blank'}")


# --- other label schemes ---

CLEAR = [  # word, tag, pos, head, label: as en_core_web_* labels a sentence
    ("The", "DT", "DET", 1, "det"), ("ball", "NN", "NOUN", 3, "nsubjpass"), ("is", "VBZ", "AUX", 3, "auxpass"),
    ("thrown", "VBN", "VERB", 3, "ROOT"), ("up", "RP", "ADP", 3, "prt"), ("by", "IN", "ADP", 3, "agent"),
    ("the", "DT", "DET", 7, "det"), ("girl", "NN", "NOUN", 5, "pobj"), (",", ",", "PUNCT", 7, "punct"),
    ("who", "WP", "PRON", 10, "nsubj"), ("catches", "VBZ", "VERB", 7, "relcl"), ("it", "PRP", "PRON", 10, "dobj"),
    ("with", "IN", "ADP", 10, "prep"), ("one", "CD", "NUM", 14, "nummod"), ("hand", "NN", "NOUN", 12, "pobj"),
    (".", ".", "PUNCT", 3, "punct"),
]  # fmt: skip


@Language.component("clear_labels")
def clear_labels(doc: Doc) -> Doc:
    for token, (_, penn, pos, _, label) in zip(doc, CLEAR, strict=True):
        token.tag_, token.pos_, token.dep_ = penn, pos, label
    heads = [row[3] for row in CLEAR]
    words = [row[0] for row in CLEAR]
    spaces = [bool(token.whitespace_) for token in doc]
    return Doc(
        doc.vocab, words, spaces, tags=[r[1] for r in CLEAR], pos=[r[2] for r in CLEAR], heads=heads,
        deps=[r[4] for r in CLEAR],
    )  # fmt: skip


def test_labels_of_clearnlp_are_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Preposition and noun change places, and the names are those of Universal Dependencies."""
    text = "The ball is thrown up by the girl, who catches it with one hand."
    pipeline = spacy.blank("en")
    pipeline.add_pipe("clear_labels")
    reader = Spacy()
    monkeypatch.setitem(reader.__dict__, "pipeline", pipeline)
    (tree,) = reader([text])
    assert {
        ("ball", "nsubj:pass", "thrown"), ("is", "aux:pass", "thrown"), ("up", "compound:prt", "thrown"),
        ("girl", "obl:agent", "thrown"), ("by", "case", "girl"), ("catches", "acl:relcl", "girl"),
        ("it", "obj", "catches"), ("hand", "obl", "catches"), ("with", "case", "hand"),
    } <= relations(tree, text)  # fmt: skip
    thrown, caught = parse(text, reader)
    assert (thrown.predicate, thrown.agent, thrown.patient, thrown.direction) == (
        "throw",
        "girl",
        "ball",
        ("up",),
    )
    assert (caught.predicate, caught.agent, caught.patient, caught.part) == ("catch", "girl", "ball", "hand")


# --- graphs ---

GRAPH = """
(a / and
   :op1 (p / push-01 :ARG0 (w / woman) :ARG1 (c / cart))
   :op2 (j / jump-03 :ARG0 w :time (t / then)))
"""


def drawn(*graphs: str | None) -> Amr:
    def draw(sentences: Sequence[str]) -> Sequence[str | None]:
        assert len(sentences) == len(graphs)
        return graphs

    return Amr(draw=draw)


def test_roles_of_a_graph_win_over_the_tree() -> None:
    """In "The cart the woman pushes jumps ..." a tree cannot give one word two heads; a graph can."""
    text = "The woman pushes the cart and then jumps."
    (tree,) = drawn(GRAPH)([text])
    told = {w.lemma: (w.agent, w.patient) for w in tree if w.form is not None}
    assert told == {"push": (1, 4), "jump": (1, None)}
    swapped = GRAPH.replace(":ARG0 w :time", ":ARG0 c :time")
    _, jump = parse(text, drawn(swapped))
    assert jump.agent == "cart"


def test_names_stand_for_their_nodes() -> None:
    graph = '(w / wave-04 :ARG0 (p / person :name (n / name :op1 "Ada")))'
    (tree,) = drawn(graph)(["Ada waves."])
    assert tree[1].agent == 0


@pytest.mark.parametrize("graph", [None, "", "(w / wave-04 :ARG0 (", "no graph at all"])
def test_without_a_graph_the_tree_stays(graph: str | None) -> None:
    assert drawn(graph)(["Ada waves."]) == Spacy()(["Ada waves."])


def test_a_model_of_graphs_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="amr:FOLDER"):
        loaded("amr")
    with pytest.raises(BackendError, match="there is no folder"):
        loaded(f"amr:{tmp_path / 'none'}")
    try:
        import amrlib  # noqa: F401
    except ImportError:
        with pytest.raises(BackendError, match=r"pip install \"kinescribe\[amr\]\""):
            loaded(f"amr:{tmp_path}")


# --- bad input ---


@pytest.mark.parametrize("parser", ["spacy", "rules"])
@pytest.mark.parametrize(
    "text",
    ["", " \n\t", ".", "…", "🤸‍♀️🤸‍♀️", "他向左走。", "Он идёт налево.", "يمشي إلى اليسار", "\x00\x07\x1b[31m",
     "<b>He</b> <i>walks</i>.",
     "```json\n{\"a\": 1}\n```", "Sure! Here is the caption:\n\nHe walks.\n\nLet me know if you need more.", "a" * 2000,
     "walk " * 500, "he " * 400 + "walks.", "(((((((((((", "'s n't 's", "- - - - -", "\u202eskl", "ﬁ ﬂ ²³"],
)  # fmt: skip
def test_odd_texts_are_read_without_a_crash(text: str, parser: str) -> None:
    for action in parse(text, parser):
        assert 0 <= action.start < action.end <= len(text)


def test_chatter_around_a_caption_asserts_nothing() -> None:
    caption = "The man walks to the left."
    text = f"Sure! Here is the caption you asked for:\n\n{caption}\n\nLet me know if you need anything else."
    (walk,) = parse(text)
    assert walk.predicate == "walk"
    assert text[walk.start : walk.end] == caption


def test_what_only_looks_like_chatter_stays() -> None:
    for text in (
        "There are two men: the taller one pushes the shorter one.",
        "There is a man who walks to the left and waves at time 0:12.",
        'A man says "I can\'t" and walks away from the table.',
        "The goalkeeper yells, I'm sorry, and throws the ball.",
        "Here is where the man jumps: he lands softly.",
    ):
        assert mask_chatter(text) == text


@pytest.mark.parametrize("parser", ["spacy", "rules"])
def test_half_a_character_is_no_reason_to_stop(parser: str) -> None:
    text = "He walks \ud83d to the left."
    (walk,) = parse(text, parser)
    assert (walk.predicate, walk.direction) == ("walk", ("left",))


@pytest.mark.parametrize(
    "unit", ["he jumps, ", "walk ", "1234567890", "that ", '"a" ', "a-b ", "the man who "]
)
def test_long_texts_are_cut(unit: str) -> None:
    """Sentences are bounded, so that what is done per sentence costs time in proportion to a text's length."""
    text = unit * (30_000 // len(unit))
    spans = list(sentences(text))
    assert max(end - start for start, end in spans) <= LONGEST
    assert "".join(text.split()) == "".join("".join(text[a:b].split()) for a, b in spans)
    masked, _ = mask_times(text)
    assert len(masked) == len(text)


def test_nobody_is_remembered_for_ever() -> None:
    discourse = Discourse()
    for n in range(500):
        discourse.begin()
        discourse.see(noun_phrases(tag(tokenize(f"The worker{chr(97 + n % 26)}{chr(97 + n // 26)} waves."))))
    assert len(discourse.entities) < 100


def test_trees_are_asked_for_some_at_a_time() -> None:
    asked: list[int] = []

    def counting(some: Sequence[str]) -> list[Tree]:
        asked.append(len(some))
        return [() for _ in some]

    assert len(list(parse_all(["He walks. " * 5000] * 3, counting))) == 3
    assert max(asked) <= 1024
    assert sum(asked) == 15000
