"""What bodies do with their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from kinescribe.events.repeats import limb_of
from kinescribe.facts.fact import confidence_of, fact_of, overlap
from kinescribe.facts.settings import FactSettings
from kinescribe.records import Event, MotionFact, Span
from kinescribe.vocabulary import PARTS

TOGETHER = {"raise": "bend", "lower": "straighten"}
"""What an elbow does when it alone lifts the hand."""
ONE_HIP = ("left_hip", "right_hip")
"""Of these only both at once are said: one alone bends when its leg is lifted, and is off where the other is not."""
TRAVELS = ("move", "grow", "shrink", "nearer", "farther")


def state(events: Sequence[Event], settings: FactSettings) -> Iterator[MotionFact]:
    """Repeated swings of one part are one fact with a count; swings of both sides at once are one part."""
    swings = [e for e in events if e.part in PARTS and "to" in e.values and not _is_step(e, events, settings)]
    both = [
        e
        for e in _both_sides([e for e in swings if not _is_said(e, events, settings)])
        if e.part not in ONE_HIP
    ]
    for _, group in groupby(
        sorted(both, key=lambda e: (e.part or "", e.kind)), key=lambda e: (e.part, e.kind)
    ):
        for chain in chains(sorted(group, key=lambda e: e.span), settings):
            # Twice without a rhythm is one and another.
            once = len(chain) == 2 and counted(chain, events, settings) is None
            for some in ([event] for event in chain) if once else (chain,):
                yield _fact(some, events, settings)


def _fact(chain: Sequence[Event], events: Sequence[Event], settings: FactSettings) -> MotionFact:
    effect = min(abs(e.values["to"] - e.values["from"]) for e in chain)
    whole = replace(chain[0], span=Span(chain[0].span.start_s, chain[-1].span.end_s), direction=())
    return fact_of(
        whole,
        whole.kind,
        count=counted(chain, events, settings),
        magnitude=_magnitude(chain, settings),
        level=PARTS[whole.part or ""][1],
        confidence=confidence_of(effect, chain[0].values["needed"]),
    )


def counted(chain: Sequence[Event], events: Sequence[Event], settings: FactSettings) -> int | None:
    """Return how often something is done, if its rhythm has as many cycles; None for once, and where they disagree."""
    if len(chain) < 2:
        return None
    sides = {limb_of(chain[0])} | {
        limb_of(chain[0]).replace("both", side).rstrip("s")
        for side in ("left", "right")
        if limb_of(chain[0]).startswith("both")
    }
    span = Span(chain[0].span.start_s, chain[-1].span.end_s)
    rhythms = [
        e for e in events if e.kind == "repeat" and limb_of(e) in sides and _covers(e.span, span, settings)
    ]
    agree = [abs(e.values["cycles"] - len(chain)) <= settings.max_cycles_off for e in rhythms]
    return len(chain) if agree and all(agree) else None


def _covers(rhythm: Span, chain: Span, settings: FactSettings) -> bool:
    shared = min(rhythm.end_s, chain.end_s) - max(rhythm.start_s, chain.start_s)
    return shared >= settings.min_rhythm_share * chain.duration_s


def _magnitude(chain: Sequence[Event], settings: FactSettings) -> str | None:
    """How far, in words that hold for every swing of a chain and exceed the errors of monocular skeletons."""
    part, kind = chain[0].part or "", chain[0].kind
    start, end = ([e.values[key] for e in chain] for key in ("from", "to"))
    lifted = part.split("_")[-1].startswith(("arm", "hand"))
    if kind == "raise" and lifted:
        return "fully" if min(end) >= settings.full_torsos else None
    if kind not in ("bend", "straighten"):
        return None
    folded, open_deg = (end, start) if kind == "bend" else (start, end)
    slight = max(abs(a - b) for a, b in zip(start, end, strict=True)) < settings.slight_deg
    if slight and min(folded) >= 2 * settings.slight_deg:
        return "slightly"
    if max(folded) > settings.deep_deg:
        return None
    if kind == "bend":
        return "deeply"
    return "fully" if min(open_deg) >= settings.straight_deg else None


def _is_said(event: Event, events: Sequence[Event], settings: FactSettings) -> bool:
    """Whether another event says better what this one shows.

    A hand that goes up because the elbow bends; hips that bend because a leg is lifted, in a squat, or a little.
    """
    part = event.part or ""
    side, _, joint = part.partition("_")

    def at_once(parts: tuple[str, ...], kinds: tuple[str, ...]) -> bool:
        return any(e.part in parts and e.kind in kinds and overlap(e.span, event.span) >= 0.5 for e in events)

    if joint == "hand":
        return at_once((f"{side}_elbow",), (TOGETHER[event.kind],))
    if joint != "hip":
        return False
    little = abs(event.values["to"] - event.values["from"]) < settings.min_bow_deg
    return little or at_once((f"{side}_knee", f"{side}_leg"), ("raise", "lower", "bend", "straighten"))


def chains(events: Sequence[Event], settings: FactSettings) -> list[list[Event]]:
    """Return the rows in which events of one kind repeat each other."""
    rows: list[list[Event]] = []
    for event in events:
        if rows and _continues(rows[-1], event, settings):
            rows[-1].append(event)
        else:
            rows.append([event])
    return rows


def _continues(chain: Sequence[Event], event: Event, settings: FactSettings) -> bool:
    """Whether an event repeats the ones before: soon enough, in their tempo, and as long as they were."""
    last = chain[-1].span
    if event.span.start_s - last.end_s > settings.max_pause_s:
        return False
    if _ratio(event.span.duration_s, last.duration_s) > 1.8 * settings.max_tempo:
        return False
    middles = [(e.span.start_s + e.span.end_s) / 2 for e in (*chain[-2:], event)]
    return len(middles) < 3 or _ratio(middles[2] - middles[1], middles[1] - middles[0]) <= settings.max_tempo


def _ratio(a: float, b: float) -> float:
    low, high = sorted((max(a, 1e-3), max(b, 1e-3)))
    return high / low


def _is_step(event: Event, events: Sequence[Event], settings: FactSettings) -> bool:
    """Whether a leg moves because the body travels: it swings and bends at every step, and the walk is already said.

    A foot that goes up as far as in a kick makes no step.
    """
    part = event.part or ""
    kick = part.endswith("leg") and abs(event.values["to"] - event.values["from"]) >= settings.min_kick_torsos
    legs = part.endswith(("knee", "leg", "hip")) and not kick
    return legs and any(overlap(e.span, event.span) >= 0.5 for e in events if _travels(e))


def _travels(event: Event) -> bool:
    if event.kind != "move":
        return event.kind in TRAVELS
    return abs(event.values["dx_px"]) > abs(event.values["dy_px"])  # a squat moves the trunk down


def _both_sides(events: Sequence[Event]) -> list[Event]:
    """Join what the left and the right do together."""
    left = [e for e in events if e.part and e.part.startswith("left")]
    rest = [e for e in events if e not in left]
    joined: list[Event] = []
    for event in left:
        plural = "both_" + (event.part or "")[5:] + "s"
        twins = [e for e in rest if _mirrors(event, e)]
        if twins and plural in PARTS:
            rest.remove(twins[0])
            span = Span(
                min(event.span.start_s, twins[0].span.start_s), max(event.span.end_s, twins[0].span.end_s)
            )
            joined.append(replace(event, part=plural, span=span))
        else:
            joined.append(event)
    return joined + rest


def _mirrors(left: Event, right: Event) -> bool:
    """Whether the right side does at the same time what the left does."""
    same_part = right.part == "right" + (left.part or "")[4:]
    return right.kind == left.kind and same_part and overlap(right.span, left.span) >= 0.5
