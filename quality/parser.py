"""How well captions are read: our own annotated captions (quality/mope), with parts of the parser left out.

The sets ``dev*`` were read while rules were made, ``heldout`` never was: only its totals are looked at. What counts as
right stands in quality/mope/README.md; the figures are those of the project's development captions, so that both can
be compared. ``overall`` = mean(action F1, agent recall, patient recall, direction F1, order, count recall) x (1 - false
dynamic rate).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinescribe.checks.compare import align
from kinescribe.language import directions, parse_all
from kinescribe.language.lexicon import verb_lemma
from kinescribe.language.mope import loaded
from kinescribe.language.nouns import singular
from kinescribe.language.tokens import sentences
from kinescribe.records import Action
from kinescribe.vocabulary import COMPASS, VERB_BY_LEMMA

FOLDER = Path(__file__).parent / "mope"
SETS = ("dev", "dev2", "dev3", "heldout")
Gold = dict[str, Any]
_RIVALS = frozenset("left right other second third former latter another first".split())
_POINTERS = frozenset("a an the his her hers its their theirs this that these those some own same".split())
_AFTER_HEAD = frozenset(
    (
        "in with of on who that which whose wearing at from near next behind to holding dressed standing sitting "
        "beside by under over inside around between above"
    ).split()
)


class Figures(NamedTuple):
    """Of one set."""

    captions: int
    actions: int
    f1: float
    agent: float
    patient: float
    direction: float
    order: float
    count_right: float
    false_dynamic: float
    overall: float


class Read(NamedTuple):
    """One caption: what is there and what was read."""

    gold: Gold
    said: tuple[Action, ...]
    pairs: list[tuple[int, int]]
    """Gold action that happens, action that was read and is not denied."""


def captions(name: str) -> list[Gold]:
    """Return an annotated set."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def measure(golds: Sequence[Gold], found: Sequence[Sequence[Action]]) -> tuple[Figures, Counter[str]]:
    """Return the figures of a set and its errors by type."""
    reads = [_matched(gold, said) for gold, said in zip(golds, found, strict=True)]
    errors: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for read in reads:
        _count(read, total, errors)
    recall = total["right"] / max(total["gold"], 1)
    precision = total["right"] / max(total["right"] + total["extra"], 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    ways = 2 * total["way_right"] / max(total["way_said"] + total["way_gold"], 1)
    order = total["order_right"] / max(total["order"], 1)
    false = total["false"] / max(total["states"], 1)
    shares = [total[name] / max(total["gold"], 1) for name in ("agent", "patient")]
    counted = total["counted_right"] / total["counted"] if total["counted"] else f1
    overall = float(np.mean([f1, *shares, ways, order, counted])) * (1 - false)
    matched = max(total["right"], 1)
    right = (total["agent"] / matched, total["patient"] / matched)
    return Figures(len(reads), total["gold"], f1, *right, ways, order, counted, false, overall), errors


def _matched(gold: Gold, said: Sequence[Action]) -> Read:
    """Align by verb, then by what agrees."""
    asserted = tuple(action for action in said if not action.negated)
    happen = [n for n, action in enumerate(gold["actions"]) if not action["negated"]]
    gain = np.array(
        [
            [
                _likeness(gold["actions"][n], a, i / len(happen) - k / len(asserted))
                for k, a in enumerate(asserted)
            ]
            for i, n in enumerate(happen)
        ]
    )
    pairs = align(gain.reshape(len(happen), len(asserted)))
    return Read(gold, asserted, [(happen[i], j) for i, j in pairs])


def _likeness(gold: Gold, said: Action, apart: float) -> float:
    """Return 0 for other verbs, else the more the more agrees; of equals, those at the same place in the text."""
    if not _same_verb(said.predicate, gold):
        return 0.0
    agree = 4 * _is(said.agent, gold, "agent") + 4 * _is(said.patient, gold, "patient")
    agree += 3 * (_ways(gold, said)[0] == _ways(gold, said)[1]) + (said.count == gold["count"])
    return 1000.0 + agree + 0.5 * (1 - abs(apart))


def _count(read: Read, total: Counter[str], errors: Counter[str]) -> None:
    gold, said = read.gold, read.said
    happen = [action for action in gold["actions"] if not action["negated"]]
    total["gold"] += len(happen)
    total["right"] += len(read.pairs)
    errors["missed"] += len(happen) - len(read.pairs)
    _false(read, total, errors)
    for i, j in read.pairs:
        _attributes(gold["actions"][i], said[j], total, errors)
    matched = dict(read.pairs)
    for i, action in enumerate(gold["actions"]):
        if not action["negated"] and i not in matched:
            total["way_gold"] += len(_split(action["direction"]))
    total["counted"] += sum(action["count"] is not None for action in happen)
    for i, j in gold["order"]:
        total["order"] += 1
        right = i in matched and j in matched and said[matched[i]].order < said[matched[j]].order
        total["order_right"] += right
        errors["order (both read)"] += not right and i in matched and j in matched


def _false(read: Read, total: Counter[str], errors: Counter[str]) -> None:
    """Count what was asserted beside the gold: denied motion and states are worse than the rest."""
    gold, used = read.gold, {j for _, j in read.pairs}
    rest = [a for j, a in enumerate(read.said) if j not in used and not _any(a.predicate, gold["optional"])]
    total["extra"] += len(rest)
    denied = [
        {"predicate": a["predicate"], "alt_predicates": a["alt_predicates"]}
        for a in gold["actions"]
        if a["negated"]
    ]
    states = [{"predicate": lemma, "alt_predicates": []} for lemma in gold["non_actions"]]
    total["states"] += len(denied) + len(states)
    for name, wrong in (("denied, asserted", denied), ("state or unreal, asserted", states)):
        for one in wrong:
            hit = next((a for a in rest if _same_verb(a.predicate, one)), None)
            if hit is not None:
                rest.remove(hit)
                total["false"] += 1
                errors[name] += 1
    errors["other word, asserted"] += len(rest)


def _attributes(gold: Gold, said: Action, total: Counter[str], errors: Counter[str]) -> None:
    for name, value in (("agent", said.agent), ("patient", said.patient)):
        right = _is(value, gold, name)
        total[name] += right
        errors[name] += not right
    want, have = _ways(gold, said)
    total["way_right"] += len(want & have)
    total["way_gold"] += len(want)
    total["way_said"] += len(have)
    errors["direction"] += want != have
    if gold["count"] is not None:
        total["counted_right"] += said.count == gold["count"]
        errors["count"] += said.count != gold["count"]


def _same_verb(predicate: str, gold: Gold) -> bool:
    return _any(predicate, [gold["predicate"], *(gold["alt_predicates"] or [])])


def _any(predicate: str, lemmas: Sequence[str]) -> bool:
    own = re.sub(r"-\d\d$", "", predicate.lower()).replace("_", " ").replace("-", " ")
    accepted = {lemma.lower().replace("-", " ") for lemma in lemmas}
    return own in accepted or own.split(" ")[0] in accepted


def _is(value: str | None, gold: Gold, role: str) -> bool:
    """Whether a phrase names who or what the gold says: same head, no word too few, none of a rival."""
    accepted = [gold[role], *(gold[f"{role}_alternatives"] or [])]
    if value is None:
        return None in accepted
    return any(_names(value, one) for one in accepted if one is not None)


def _names(said: str, gold: str) -> bool:
    (own, own_head), (other, other_head) = _words(said), _words(gold)
    rivals = (set(own) & _RIVALS) - set(other)
    return own_head == other_head and set(other) <= set(own) and not rivals


def _words(phrase: str) -> tuple[list[str], str]:
    plain = re.sub(r"'s\b", "", phrase.lower().replace("-", " "))
    every = [word for word in re.findall(r"[a-z0-9]+", plain) if word not in _POINTERS]
    words = [word if word in _RIVALS else singular(word) for word in every] or [plain]
    ends = next((n for n, word in enumerate(words) if n and word in _AFTER_HEAD), len(words))
    return words, words[ends - 1]


def _ways(gold: Gold, said: Action) -> tuple[frozenset[str], frozenset[str]]:
    """Return the directions that count: those that the verb holds or that the gold tolerates are left aside."""
    verb = VERB_BY_LEMMA.get(verb_lemma(said.predicate))
    want, have = _split(gold["direction"]), _split(said.direction)
    free = _split(gold["direction_optional"] or []) | frozenset(
        _split(verb.direction if verb is not None else ())
    )
    return want, have - (free - want)


def _split(ways: Sequence[str]) -> frozenset[str]:
    named = {"upper": "up", "lower": "down"}
    return frozenset(named.get(p, p) for way in ways for p in (way.split("_") if way in COMPASS else [way]))


# --- with parts left out --------------------------------------------------------------------------------------

Reader = Callable[[Sequence[str]], list[Sequence[Action]]]


def tree_alone(texts: Sequence[str]) -> list[Sequence[Action]]:
    """Read the trees and nothing else: every verb is an action of its subject on its object, in the text's order."""
    return [list(_from_trees(text)) for text in texts]


def _from_trees(text: str) -> Iterator[Action]:
    spans = list(sentences(text))
    order = 0
    for (start, end), tree in zip(spans, loaded("spacy")([text[a:b] for a, b in spans]), strict=True):
        for i, word in enumerate(tree):
            if word.pos != "VERB" or word.form is None:
                continue
            child = {w.relation.split(":")[0]: j for j, w in enumerate(tree) if w.head == i and j != i}
            words = {role: text[start + tree[j].start : start + tree[j].end] for role, j in child.items()}
            zone = text[start + word.end : end].split(",")[0]
            yield Action(
                predicate=word.lemma, start=start, end=end, agent=words.get("nsubj"), patient=words.get("obj"),
                direction=directions.way(zone).direction, count=directions.count(zone), order=order,
            )  # fmt: skip
            order += 1


def _with(parser: str, coreference: bool = True) -> Reader:
    return lambda texts: list(parse_all(texts, parser, coreference))


READERS: dict[str, Reader] = {
    "as shipped": _with("spacy"),
    "without coreference": _with("spacy", coreference=False),
    "rules without trees": _with("rules"),
    "trees without rules": tree_alone,
}


def tables() -> str:
    """Return the tables, as Markdown."""
    lines = [
        "### Reading captions: annotated sets, and the parser with parts left out",
        "",
        "| set | captions | actions | parser | action F1 | agent | patient | direction F1 | order | count "
        "| false dynamic | overall |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    errors: Counter[str] = Counter()
    for name in SETS:
        golds = captions(name)
        texts = [gold["caption"] for gold in golds]
        for title, reader in READERS.items():
            got, wrong = measure(golds, reader(texts))
            figures = " | ".join(f"{value:.3f}" for value in got[2:])
            lines.append(f"| {name} | {got.captions} | {got.actions} | {title} | {figures} |")
            if title == "as shipped" and name != "heldout":
                errors += wrong
    lines += ["", "Errors as shipped, all dev sets:", "", "| error | number |", "| --- | ---: |"]
    lines += [f"| {name} | {number} |" for name, number in errors.most_common()]
    return "\n".join(lines)
