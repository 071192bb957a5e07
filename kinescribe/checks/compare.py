"""Two texts: how alike are the motions that they assert (MoPE, KPM 4.2), and what exactly differs.

``kpm`` in ``checks/published.py`` is the three-term form of the paper. Here body sides, agents, patients and counts
count too, which that form cannot see, and every loss of score has a reason in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from kinescribe.language.grounding import FRAME_WORDS
from kinescribe.language.synonyms import same_verb
from kinescribe.records import Action
from kinescribe.vocabulary import COMPASS, VERB_BY_LEMMA

ORDER_WEIGHT = 0.3
"""How much of the score a wholly reversed order costs."""
SIDES = frozenset({"left", "right", "both"})
"""Words that tell one body part from its twin."""
EVERYBODY = frozenset({"they", "them", "both", "people"})


class Loss(NamedTuple):
    """What a difference in one attribute costs of a matched action's worth of 1."""

    contradicted: float
    """Both texts say it, and not the same."""
    one_sided: float
    """Only one of them says it."""


LOSSES: Mapping[str, Loss] = {
    "agent": Loss(0.5, 0.2),
    "patient": Loss(0.4, 0.2),
    "side": Loss(0.6, 0.3),
    "direction": Loss(0.6, 0.3),
    "repetitions": Loss(0.6, 0.3),
}
"""By attribute. A wrong side, way or number makes more of a sentence false than a thing called by another name."""


class Pair(NamedTuple):
    """One motion that both texts assert."""

    reference: int
    """Index of the action in the reference (likewise below)."""
    candidate: int
    differs: tuple[str, ...]
    """Attributes (keys of ``LOSSES``) in which they differ."""
    worth: float
    """1 less the losses, in [0, 1]."""


class Match(NamedTuple):
    """How a candidate text's actions agree with a reference's.

    Shares are in [0, 1], and None where there is nothing to take a share of.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    agent: float | None
    """Share of the matched actions with the same agent, of those for which either text says one (likewise below)."""
    patient: float | None
    side: float | None
    direction: float | None
    repetitions: float | None
    order: float | None
    """Share of the successive motions of the reference, of those that both texts assert, in the same order."""
    pairs: tuple[Pair, ...]
    missing: tuple[int, ...]
    """Actions of the reference that the candidate does not assert."""
    added: tuple[int, ...]
    """Actions of the candidate that the reference does not assert."""
    reasons: tuple[str, ...]
    """In words, every loss of score."""

    @property
    def score(self) -> float | None:
        """One number in [0, 1], higher is more faithful; None if neither text asserts a motion.

        F1 in which a matched action counts for its worth, less up to ``ORDER_WEIGHT`` for the wrong order.
        """
        said = 2 * len(self.pairs) + len(self.missing) + len(self.added)
        if not said:
            return None
        worth = 2 * sum(pair.worth for pair in self.pairs) / said
        return worth * (1 - ORDER_WEIGHT * (1 - (1.0 if self.order is None else self.order)))


def compare(reference: Sequence[Action], candidate: Sequence[Action]) -> Match:
    """Align two texts' actions one to one (as multisets) and say what agrees.

    Verbs match by lemma or as synonyms (to raise, to lift); denied actions match denied ones only.
    """
    aligned = _aligned(reference, candidate)
    pairs = tuple(_pair(i, j, reference[i], candidate[j]) for i, j in aligned)
    missing = tuple(i for i in range(len(reference)) if i not in {p.reference for p in pairs})
    added = tuple(j for j in range(len(candidate)) if j not in {p.candidate for p in pairs})
    order, swapped = _order(reference, candidate, pairs)
    both = [(reference[p.reference], candidate[p.candidate]) for p in pairs]
    return Match(
        precision=len(pairs) / len(candidate) if candidate else None,
        recall=len(pairs) / len(reference) if reference else None,
        f1=2 * len(pairs) / (len(reference) + len(candidate)) if reference or candidate else None,
        **{name: _share(name, both) for name in LOSSES},
        order=order,
        pairs=pairs,
        missing=missing,
        added=added,
        reasons=(
            *(f'does not say: "{told(reference[i])}"' for i in missing),
            *(f'adds: "{told(candidate[j])}"' for j in added),
            *(_difference(reference[p.reference], candidate[p.candidate], p.differs) for p in pairs if p.differs),
            *swapped,
        ),
    )  # fmt: skip


def told(action: Action) -> str:
    """Return an action in a few words."""
    times = None if action.count is None else f"x{action.count}"
    words = (action.agent, "not" if action.negated else None, action.predicate, action.patient, times)
    ways = ("to " + "/".join(action.direction),) if action.direction else ()
    return " ".join([*(word for word in words if word), *ways])


def likeness(a: Action, b: Action, same: Callable[[str, str], bool] = same_verb) -> float:
    """Return 0 where the verbs do not match or one is denied; else 1 and more, the more attributes agree."""
    if a.negated != b.negated or not same(a.predicate, b.predicate):
        return 0.0
    agreed = sum(1 - _loss(name, a, b) for name in LOSSES)
    return 10.0 + 2 * (a.predicate == b.predicate) + agreed


def align(gain: np.ndarray) -> list[tuple[int, int]]:
    """Return (row, column) pairs of the heaviest one-to-one alignment, those with any gain."""
    if not gain.size:
        return []
    rows, columns = linear_sum_assignment(-gain)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if gain[i, j] > 0]


def ways(action: Action) -> frozenset[str]:
    """Return the directions of an action with those of its verb, diagonals as two."""
    verb = VERB_BY_LEMMA.get(action.predicate)
    own = action.direction or (verb.direction if verb is not None else ())
    named = {"upper": "up", "lower": "down"}
    return frozenset(named.get(p, p) for d in own for p in (d.split("_") if d in COMPASS else [d]))


def _aligned(reference: Sequence[Action], candidate: Sequence[Action]) -> list[tuple[int, int]]:
    """Align by verb and attributes; of motions that are alike, the first goes with the first."""
    gain = np.array([[likeness(a, b) for b in candidate] for a in reference]).reshape(
        len(reference), len(candidate)
    )
    last = max(len(reference), len(candidate), 2) - 1
    near = 1 - np.abs(np.subtract.outer(np.arange(len(reference)), np.arange(len(candidate)))) / last
    return align(np.where(gain > 0, gain + 0.5 * near, 0.0))


def _pair(i: int, j: int, a: Action, b: Action) -> Pair:
    losses = {name: _loss(name, a, b) for name in LOSSES}
    differs = tuple(name for name, loss in losses.items() if loss > 0)
    return Pair(i, j, differs, max(0.0, 1 - sum(losses.values())))


def _loss(name: str, a: Action, b: Action) -> float:
    one, two = _SAID[name](a), _SAID[name](b)
    if name == "repetitions" and {one, two} == {"", "1"}:
        return 0.0  # once is what is meant by nothing
    if one == two or (name in _ALIKE and one and two and _ALIKE[name](one, two)):
        return 0.0
    return LOSSES[name].contradicted if one and two else LOSSES[name].one_sided


def _share(name: str, both: Sequence[tuple[Action, Action]]) -> float | None:
    told_by_one = [(a, b) for a, b in both if _SAID[name](a) or _SAID[name](b)]
    return float(np.mean([_loss(name, a, b) == 0 for a, b in told_by_one])) if told_by_one else None


def _difference(a: Action, b: Action, names: Sequence[str]) -> str:
    parts = (f"{name} {_said(name, b)}, not {_said(name, a)}" for name in names)
    return f'"{told(a)}": {"; ".join(parts)}'


def _said(name: str, action: Action) -> str:
    value = _SAID[name](action)
    if not value:
        return "unsaid"
    return "/".join(sorted(value)) if isinstance(value, frozenset) else str(value)


# --- what a text says of an attribute ------------------------------------------------------------------------


def _agent(action: Action) -> str:
    return (action.agent or "").lower()


def _thing(action: Action) -> str:
    """What is moved, without its side."""
    words = (action.patient or action.part or "").lower().replace("_", " ").split()
    kept = " ".join(word for word in words if word not in SIDES)
    return "" if kept in FRAME_WORDS else kept  # "enters the frame" is "comes into view"


def _side(action: Action) -> frozenset[str]:
    words = f"{action.patient or ''} {action.part or ''}".lower().replace("_", " ").split()
    return frozenset(words) & SIDES


def _number(action: Action) -> str:
    """How often, where a text says so."""
    return "" if action.count is None else str(action.count)


_SAID: Mapping[str, Callable[[Action], Any]] = {
    "agent": _agent,
    "patient": _thing,
    "side": _side,
    "direction": ways,
    "repetitions": _number,
}


_OPPOSED = tuple(
    frozenset(words.split())
    for words in (
        "red green blue yellow orange purple violet pink brown black white gray grey beige golden silver",
        "tall taller tallest short shorter shortest",
        "big bigger large larger small smaller little tiny huge",
        "old older elderly young younger",
        "front back rear near far upper lower top bottom",
        "former latter last third fourth",
    )
)
"""Words that tell a thing from its rivals: one of a line in each of two names, and they are two things."""


def _same_name(one: str, two: str) -> bool:
    """Whether two phrases can mean the same: one head, and no word that tells it from its rivals."""
    a, b = one.split(), two.split()
    rivals = SIDES | {"other", "second", "first", "another"}
    if one in EVERYBODY and two in EVERYBODY:
        return True
    if a[-1].rstrip("s") != b[-1].rstrip("s") or set(a) & rivals != set(b) & rivals:
        return False
    return not any(set(a) & kind and set(b) & kind and not set(a) & set(b) & kind for kind in _OPPOSED)


_ALIKE: Mapping[str, Callable[[str, str], bool]] = {"agent": _same_name, "patient": _same_name}


def _order(
    reference: Sequence[Action], candidate: Sequence[Action], pairs: Sequence[Pair]
) -> tuple[float | None, tuple[str, ...]]:
    """Compare the order of successive motions; a text that has them at once is half right.

    Successive ones only: of ten motions, one swap changes one pair of nine, not one of forty-five.
    """
    happen = [p for p in pairs if not reference[p.reference].negated]
    timed = [p for p in happen if reference[p.reference].span and candidate[p.candidate].span]
    # Where a text gives seconds for most motions, they are the order; its sentences need not follow them.
    happen = timed if 2 * len(timed) > len(happen) else happen
    real = [_when(reference[p.reference], happen is timed) for p in happen]
    said = [_when(candidate[p.candidate], happen is timed) for p in happen]
    kept: list[float] = []
    swapped: list[str] = []
    for i, j in pairwise(sorted(range(len(happen)), key=lambda k: (real[k], happen[k].reference))):
        if real[i] == real[j]:
            continue
        kept.append(1.0 if said[j] > said[i] else 0.5 if said[j] == said[i] else 0.0)
        if said[j] <= said[i]:
            first, second = (told(reference[happen[k].reference]) for k in (i, j))
            how = "together with" if said[j] == said[i] else "before"
            swapped.append(f'order: "{second}" {how} "{first}"')
    return (float(np.mean(kept)) if kept else None), tuple(swapped)


def _when(action: Action, in_seconds: bool) -> float:
    return action.span.start_s if in_seconds and action.span is not None else float(action.order)
