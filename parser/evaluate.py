"""The figures of the model card: on the treebank's test set, on captions that people wrote, and on verbs never seen.

Data of ``../shared`` is read where it lies. Of FAVOR-Bench's and DREAM-1K's captions the first 400 may be read while
working on the grammar; the rest is held out. The development gold of MoPE is only counted.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import lemminflect  # type: ignore[import-untyped]
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Token

from parser import treebanks, words
from parser.trees import Sentence

READ = 400
"""Captions of each set whose failures may be read."""
UNSEEN = (
    "abseil amble bobble canoodle careen caper cavort clamber clomp dawdle doddle flounce frolic galumph "
    "gambol genuflect "
    "gyrate hightail hopscotch jiggle jostle jounce judder lollop mince mosey parkour perambulate plonk "
    "pogo promenade "
    "rollick sashay schlep scoot scrabble scud shimmy shinny skedaddle sling slalom slosh somnambulate "
    "swash swoosh tootle "
    "traipse trampoline trundle twizzle vamoose volplane waggle wallow whirr wiggle yomp zing"
).split()
"""Rare verbs of movement; the ones that the model has met are left out when it is measured."""
THIRD = (
    "The man {} across the room.",
    "She {} and then stops.",
    "A small dog {}.",
    "Her left arm {} slowly.",
    "Before it falls, the robot {} to the left.",
    "Walking forward, he {} twice.",
    "The ball {} off the wall while a boy watches.",
)
"""Frames for the third person."""
PLAIN = (
    "The guests {} outside.",
    "His legs {}.",
    "Two robots {} around the table and stop.",
    "They {} slowly.",
)
"""Frames for the plural."""


class Share(NamedTuple):
    """So many of so many."""

    found: int
    total: int

    def __str__(self) -> str:
        return f"{100 * self.found / self.total:.1f} % ({self.found} of {self.total})" if self.total else "–"


class Parsed(NamedTuple):
    """Figures on a treebank, of gold words and sentence starts."""

    upos: Share
    xpos: Share
    uas: Share
    las: Share
    lemma: Share
    verb_lemma: Share
    """Of words that are verbs and tagged so; letters compared without case."""
    verb_lemma_listed: Share
    """The same with lemminflect's lemmas."""


def on_treebank(nlp: Language, gold: list[Sentence]) -> Parsed:
    """Return the figures on a treebank; labels are compared without their subtypes, punctuation counts."""
    hits: Counter[str] = Counter()
    total = verbs = 0
    docs = (
        Doc(nlp.vocab, [t.form for t in s], [t.space for t in s], sent_starts=[i == 0 for i in range(len(s))])
        for s in gold
    )
    for sentence, doc in zip(gold, nlp.pipe(docs), strict=True):
        for true, token in zip(sentence, doc, strict=True):
            total += 1
            attached = token.head.i == true.head
            label = "root" if token.dep_ == "ROOT" else token.dep_.split(":")[0]
            right = token.lemma_.lower() == true.lemma.lower()
            hits.update(
                upos=token.pos_ == true.upos, xpos=token.tag_ == true.xpos, uas=attached,
                las=attached and label == true.label.split(":")[0], lemma=right,
            )  # fmt: skip
            if true.upos == token.pos_ == "VERB":
                verbs += 1
                hits.update(verb=right, listed=verb_lemma(token) == true.lemma.lower())
    return Parsed(
        upos=Share(hits["upos"], total),
        xpos=Share(hits["xpos"], total),
        uas=Share(hits["uas"], total),
        las=Share(hits["las"], total),
        lemma=Share(hits["lemma"], total),
        verb_lemma=Share(hits["verb"], verbs),
        verb_lemma_listed=Share(hits["listed"], verbs),
    )


def verb_lemma(token: Token) -> str:
    """Return lemminflect's lemma of a verb."""
    found = lemminflect.getLemma(token.text.lower(), upos="VERB")
    return str(found[0]) if found else token.lower_


def is_form(word: str, lemma: str) -> bool:
    """A word can be a form of a verb."""
    return lemma in lemminflect.getAllLemmas(word.lower(), upos="VERB").get("VERB", ())


def tagged(doc: Doc, lemmas: Iterable[str]) -> Share:
    """Return how many of the verbs that people list, and that the text has in some form, are tagged VERB in it."""
    found = total = 0
    for lemma, listed in Counter(lemmas).items():
        forms = [token for token in doc if is_form(token.text, lemma)]
        total += min(listed, len(forms))
        found += min(listed, sum(token.pos_ == "VERB" for token in forms))
    return Share(found, total)


def add(shares: Iterable[Share]) -> Share:
    """Return the shares of all."""
    listed = list(shares)
    return Share(sum(s.found for s in listed), sum(s.total for s in listed))


class Caption(NamedTuple):
    """A text that somebody wrote, and what happens in it by their own list."""

    text: str
    events: tuple[str, ...]


def favor(shared: Path) -> list[Caption]:
    """Return FAVOR-Bench's captions with their motions ("Walks forward (Subject 1)")."""
    records = json.loads((shared / "bench/favor_bench/FAVOR_gt_annotations.json").read_text())
    return [
        Caption(r["caption"], tuple(m.strip() for m in r["chronological_motion_list"].split("),")))
        for r in records.values()
    ]


def dream(shared: Path) -> list[Caption]:
    """Return DREAM-1K's captions with their event sentences."""
    captions = []
    for line in (shared / "bench/tarsier_annotations/DREAM-1k.jsonl").read_text().splitlines():
        record = json.loads(line)
        text = next(
            part["reference"] for m in record["messages"] for part in m["content"] if part["reference"]
        )
        captions.append(Caption(text, tuple(record["extra_info"]["events"])))
    return captions


def listed_verb(phrase: str) -> str | None:
    """Return the verb that a motion begins with, None where its first word (an adverb aside) can be none."""
    for word in phrase.split()[:2]:
        lemmas = lemminflect.getAllLemmas(word.strip(",.()").lower(), upos="VERB").get("VERB", ())
        if lemmas and not word.lower().endswith("ly"):
            return str(lemmas[0])
    return None


def on_favor(nlp: Language, captions: list[Caption]) -> Share:
    """Return the share of listed motions whose verb is tagged VERB in the caption."""
    docs = nlp.pipe(c.text for c in captions)
    verbs = ([v for v in map(listed_verb, c.events) if v] for c in captions)
    return add(tagged(doc, lemmas) for doc, lemmas in zip(docs, verbs, strict=True))


def on_dream(nlp: Language, captions: list[Caption]) -> Share:
    """Return the share of event sentences whose root verb, by the model itself, is tagged VERB in the caption."""
    shares = []
    for caption, doc in zip(captions, nlp.pipe(c.text for c in captions), strict=True):
        roots = [
            token
            for event in nlp.pipe(caption.events)
            for token in event
            if token.dep_ == "ROOT" and token.pos_ == "VERB"
        ]
        shares.append(tagged(doc, map(verb_lemma, roots)))
    return add(shares)


class Gold(NamedTuple):
    """Figures on the development gold of MoPE."""

    tagged: Share
    lemma: Share
    """Of those tagged VERB."""
    lemma_listed: Share
    """The same with lemminflect's lemmas."""


def on_gold(nlp: Language, shared: Path) -> Gold:
    """Return how many words that are annotated as actions are tagged VERB, and have the annotated lemma."""
    records = [json.loads(line) for line in (shared / "gold/mope/dev.jsonl").read_text().splitlines()]
    hits: Counter[str] = Counter()
    total = 0
    for record, doc in zip(records, nlp.pipe(r["caption"] for r in records), strict=True):
        starts = {token.idx: token for token in doc}
        for action in record["actions"]:
            total += 1
            token = starts.get(action["start"])
            if token is not None and token.pos_ == "VERB":
                names = {action["predicate"], *action["alt_predicates"]}
                hits.update(tagged=1, own=token.lemma_ in names, listed=verb_lemma(token) in names)
    verbs = hits["tagged"]
    return Gold(Share(verbs, total), Share(hits["own"], verbs), Share(hits["listed"], verbs))


def on_unseen(nlp: Language, seen: set[str]) -> tuple[Share, Share]:
    """Return how many verbs that were never met are tagged VERB, in the third person and in the plural."""
    verbs = [v for v in UNSEEN if not seen.intersection(words.forms(v))]
    results = []
    for frames, field in ((THIRD, "third"), (PLAIN, "base")):
        pairs = [(frame, getattr(words.forms(v), field)) for v in verbs for frame in frames]
        docs = nlp.pipe(frame.format(word) for frame, word in pairs)
        hits = sum(
            any(t.text == word and t.pos_ == "VERB" for t in doc)
            for doc, (_, word) in zip(docs, pairs, strict=True)
        )
        results.append(Share(hits, len(pairs)))
    return results[0], results[1]


def met(ud: Path) -> set[str]:
    """Return all words of the training data but the made-up ones."""
    words_ = {t.form.lower() for name in treebanks.TRAIN for s in treebanks.read(name, ud) for t in s}
    return words_ | {form for lemma in (*words.LISTED, *words.UNLISTED) for form in words.forms(lemma)}


def speed(nlp: Language, texts: list[str]) -> int:
    """Return words per second of CPU time, a thousand texts at a time."""
    start = time.process_time()
    count = sum(len(doc) for doc in nlp.pipe(islice(texts, 1000)))
    return round(count / (time.process_time() - start))


def failures(nlp: Language, shared: Path) -> Iterator[str]:
    """Yield listed verbs that are not tagged VERB, with their surroundings, from the captions that may be read."""
    captions = favor(shared)[:READ]
    for caption, doc in zip(captions, nlp.pipe(c.text for c in captions), strict=True):
        for lemma in {v for v in map(listed_verb, caption.events) if v}:
            forms = [t for t in doc if is_form(t.text, lemma)]
            if forms and not any(t.pos_ == "VERB" for t in forms):
                near = doc[max(0, forms[0].i - 6) : forms[0].i + 5]
                yield f"{lemma} {forms[0].tag_}: {near.text}"


def report(model: Path, ud: Path = treebanks.FOLDER) -> str:
    """Return the figures as a Markdown table."""
    shared = ud.parent
    start = time.process_time()
    nlp = spacy.load(model)
    loading = time.process_time() - start
    rows: list[tuple[str, object]] = []
    parsed = on_treebank(nlp, treebanks.read(treebanks.TEST, ud))
    for name, share in zip(Parsed._fields, parsed, strict=True):
        rows.append((f"EWT test, {name.replace('_', ' ')}", share))
    third, plain = on_unseen(nlp, met(ud))
    rows += [("verbs never seen, third person", third), ("verbs never seen, plural", plain)]
    for name, captions, measure in (
        ("FAVOR-Bench", favor(shared), on_favor),
        ("DREAM-1K", dream(shared), on_dream),
    ):
        rows.append((f"{name}, first {READ}: listed verbs tagged VERB", measure(nlp, captions[:READ])))
        rows.append((f"{name}, the rest: listed verbs tagged VERB", measure(nlp, captions[READ:])))
    for name, share in zip(Gold._fields, on_gold(nlp, shared), strict=True):
        rows.append((f"MoPE development gold, {name.replace('_', ' ')}", share))
    size = sum(f.stat().st_size for f in model.rglob("*") if f.is_file()) / 2**20
    rows += [("size on disk", f"{size:.1f} MiB"), ("load, CPU time", f"{loading:.2f} s")]
    rows.append(("words per second of CPU time", speed(nlp, [c.text for c in favor(shared)])))
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])
