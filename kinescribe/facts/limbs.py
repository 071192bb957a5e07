"""What bodies do with their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from kinescribe.facts.fact import confidence_of, fact_of, overlap
from kinescribe.facts.settings import FactSettings
from kinescribe.records import Event, MotionFact, Span
from kinescribe.vocabulary import PARTS


def state(events: Sequence[Event], settings: FactSettings) -> Iterator[MotionFact]:
    """Repeated swings of one part are one fact with a count; swings of both sides at once are one part."""
    own = [e for e in events if e.part is not None and not _is_step(e, events)]
    both = _both_sides(own)
    for _, group in groupby(
        sorted(both, key=lambda e: (e.part or "", e.kind)), key=lambda e: (e.part, e.kind)
    ):
        for chain in _chains(sorted(group, key=lambda e: e.span), settings):
            effect = min(abs(e.values["to"] - e.values["from"]) for e in chain)
            yield fact_of(
                replace(chain[0], span=Span(chain[0].span.start_s, chain[-1].span.end_s), direction=()),
                chain[0].kind,
                count=len(chain) if len(chain) > 1 else None,
                level=PARTS[chain[0].part or ""][1],
                confidence=confidence_of(effect, chain[0].values["needed"]),
            )


def _chains(events: Sequence[Event], settings: FactSettings) -> list[list[Event]]:
    chains: list[list[Event]] = []
    for event in events:
        if chains and _continues(chains[-1], event, settings):
            chains[-1].append(event)
        else:
            chains.append([event])
    return chains


def _continues(chain: Sequence[Event], event: Event, settings: FactSettings) -> bool:
    """Whether an event repeats the ones before: soon enough, in their tempo, and as long as they were."""
    last = chain[-1].span
    if event.span.start_s - last.end_s > settings.max_pause_s:
        return False
    if _ratio(event.span.duration_s, last.duration_s) > 1.5 * settings.max_tempo:
        return False
    starts = [e.span.start_s for e in (*chain[-2:], event)]
    return len(starts) < 3 or _ratio(starts[2] - starts[1], starts[1] - starts[0]) <= settings.max_tempo


def _ratio(a: float, b: float) -> float:
    low, high = sorted((max(a, 1e-3), max(b, 1e-3)))
    return high / low


def _is_step(event: Event, events: Sequence[Event]) -> bool:
    """Whether a knee moves because the body travels: a leg bends at every step, and the walk is already said."""
    travels = (e for e in events if e.kind == "move" and abs(e.values["dx_px"]) > abs(e.values["dy_px"]))
    return (event.part or "").endswith("knee") and any(overlap(e.span, event.span) >= 0.5 for e in travels)


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
