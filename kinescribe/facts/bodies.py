"""What bodies do as a whole without going anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kinescribe.facts.fact import confidence_of, fact_of, overlap
from kinescribe.facts.limbs import chains, counted
from kinescribe.facts.settings import FactSettings
from kinescribe.records import Event, MotionFact, Span

GOES = ("move", "oscillate", "start", "accelerate", "decelerate")
"""Events of travel."""
LANDING_S = 0.5
"""A rest begins so long after a jump at most: smoothing and bending knees."""


def state(events: Sequence[Event], settings: FactSettings) -> Iterator[MotionFact]:
    """Yield leaning of who stands, turns with the number of whole ones, and jumps with theirs."""
    going = [e for e in events if e.kind == "move"]
    for event in events:
        v = event.values
        if event.kind == "lean" and not any(overlap(e.span, event.span) >= 0.5 for e in going):
            sideways = event.direction[0] in ("left", "right")
            confidence = confidence_of(abs(v["to"] - v["from"]), v["needed"])
            yield fact_of(event, "lean", frame="image" if sideways else "scene", confidence=confidence)
        elif event.kind == "turn":
            by = abs(v["to"] - v["from"])
            yield fact_of(
                event, "turn", count=_whole_turns(by, settings), confidence=confidence_of(by, v["needed"])
            )
    for chain in chains([e for e in events if e.kind == "jump"], settings):
        whole = replace(chain[0], span=Span(chain[0].span.start_s, chain[-1].span.end_s))
        height = min(e.values["height_torsos"] for e in chain)
        confidence = confidence_of(height, chain[0].values["needed"])
        yield fact_of(whole, "jump", count=counted(chain, events, settings), confidence=confidence)


def without_jumps(events: Sequence[Event]) -> list[Event]:
    """Return events of travel without the ups and downs of jumps, which are said already: nobody sets off there."""
    jumps = [e for e in events if e.kind == "jump"]
    return [_rested(e, jumps) for e in events if not _is_jump(e, jumps)] if jumps else list(events)


def _is_jump(event: Event, jumps: Sequence[Event]) -> bool:
    vertical = {"up", "down"} >= set(event.direction)
    return event.kind in GOES and vertical and any(overlap(e.span, event.span) >= 0.5 for e in jumps)


def _rested(event: Event, jumps: Sequence[Event]) -> Event:
    """A rest between jumps is no stop."""
    if event.kind != "still":
        return event
    after = any(abs(e.span.end_s - event.span.start_s) <= LANDING_S for e in jumps)
    before = any(abs(e.span.start_s - event.span.end_s) <= LANDING_S for e in jumps)
    flags = {name: 0.0 for name, near in (("after_move", after), ("before_move", before)) if near}
    return replace(event, values={**event.values, **flags})


def _whole_turns(deg: float, settings: FactSettings) -> int | None:
    turns = deg / 360
    return round(turns) if turns >= 1.5 and abs(turns - round(turns)) <= settings.max_turns_off else None
