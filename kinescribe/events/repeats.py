"""What limbs and bodies do again and again: rhythm by autocorrelation, asked where the same was done at least twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Float

from kinescribe.events.scene import Scene
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import median
from kinescribe.kinematics.posture import Figure, bridged
from kinescribe.records import Event, Span
from kinescribe.repetition import WHOLE, Repetition, count
from kinescribe.vocabulary import ANGLES

LEAST_TRUNKS, LEAST_DEG = 0.12, 15.0
"""The smallest swings worth speaking of (12 % of a trunk, 6 cm; the error of a joint angle)."""
MARGIN_S = 0.3
"""So much before the first and after the last swing is looked at, too: smoothing cuts into them."""
MARGIN = 1.2
"""If so many periods on either side hold more cycles, they count: some swing was too small to be an event."""

Signals = Mapping[str, Float[np.ndarray, "T"]]


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield the repetition in every row of swings of one limb, or of jumps, that are no further apart than a pause."""
    for row, subject in enumerate(scene.poses.ids.tolist()):
        figure = scene.figures[row]
        own = [e for e in found if e.subject == subject and e.kind in _KINDS]
        for key, group in groupby(sorted(own, key=limb_of), key=limb_of):
            for events in _rows(sorted(group, key=lambda e: e.span), settings.max_pause_s):
                every = _every_s(events)
                if every is None:
                    continue
                span = Span(events[0].span.start_s, events[-1].span.end_s)
                rhythm = _rhythm(scene, row, figure, key, span, MARGIN * every)
                if rhythm is not None:
                    yield _event(subject, key, rhythm)


def _rhythm(
    scene: Scene, row: int, figure: Figure, limb: str, span: Span, farther_s: float
) -> Repetition | None:
    """Return the repetition in a time, or in a longer one if there is more of it."""
    times = scene.clip.times_s
    angles = np.array([bridged(times, angle) for angle in scene.kinematics.joints.angle_deg[row].T]).T
    signals = _signals(figure, angles, limb)

    def within(margin_s: float, names: Iterable[str]) -> Repetition | None:
        inside = (times >= span.start_s - margin_s) & (times <= span.end_s + margin_s)
        cut = {name: signals[name][inside] for name in names}
        return count(times[inside], cut, {n: LEAST_DEG if n.endswith("angle") else LEAST_TRUNKS for n in cut})

    near = within(MARGIN_S, signals)
    far = near and within(farther_s, [near.signal])
    return far if near and far and far.cycles > near.cycles + 2 * WHOLE else near


_KINDS = ("raise", "lower", "bend", "straighten", "jump")


def limb_of(event: Event) -> str:
    """Return the limb whose signals show an event: a hand is lifted by its arm; empty for the whole body."""
    return (event.part or "").replace("hand", "arm")


def _rows(events: Sequence[Event], max_pause_s: float) -> Iterator[list[Event]]:
    row: list[Event] = []
    for event in events:
        if row and event.span.start_s - row[-1].span.end_s > max_pause_s:
            yield row
            row = []
        row.append(event)
    if row:
        yield row


def _every_s(events: Sequence[Event]) -> float | None:
    """Return how long it takes from one to the next of a kind; None where there are no two."""
    starts = [[e.span.start_s for e in events if e.kind == kind] for kind in _KINDS]
    steps = np.concatenate([np.diff(some) for some in starts])
    return median(steps) if len(steps) else None


def _signals(figure: Figure, angle_deg: Float[np.ndarray, "T J"], limb: str) -> Signals:
    """Return what shows the rhythm of a limb, several signals of each: angles in degrees, the rest in trunk lengths."""
    if not limb:
        feet = [figure.at(f"{side}_ankle")[:, 1] for side in ("left", "right")]
        return {"hip": figure.at("hip")[:, 1], "shoulder": figure.at("shoulder")[:, 1],
                "left_ankle": feet[0], "right_ankle": feet[1]}  # fmt: skip
    side, joint = limb.split("_")
    angle = {
        name: angle_deg[:, list(ANGLES).index(f"{side}_{name}")]
        for name in ("shoulder", "elbow", "hip", "knee")
    }
    if joint == "hip":
        trunk = figure.at("shoulder") - figure.at("hip")
        return {"trunk": trunk[:, 1], "sideways": trunk[:, 0], "hip_angle": angle["hip"]}
    ends = ("wrist", "elbow", "shoulder") if joint in ("arm", "elbow") else ("ankle", "knee", "hip")
    end, middle, root = (figure.at(f"{side}_{name}") for name in ends)
    near = ("elbow", "shoulder") if joint in ("arm", "elbow") else ("knee", "hip")
    return {
        "height": (end - root)[:, 1],
        "middle": (middle - root)[:, 1],
        "reach": np.hypot(*(end - root).T),
        **{f"{name}_angle": angle[name] for name in near},
    }


def _event(subject: int, limb: str, repeated: Repetition) -> Event:
    values = {"cycles": repeated.cycles, "period_s": repeated.period_s, "confidence": repeated.confidence,
              "swing": repeated.swing, "agreeing": float(len(repeated.agreeing)),
              f"by_{repeated.signal}": 1.0}  # fmt: skip
    values |= {f"high_{i}_s": at for i, at in enumerate(repeated.highs_s)}
    if repeated.number is not None:
        values["count"] = float(repeated.number)
    return Event(subject, "repeat", Span(repeated.start_s, repeated.end_s), values, part=limb or None)
