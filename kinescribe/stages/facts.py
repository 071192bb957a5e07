"""From events to facts: what may be said, with its direction, count, magnitude, span and evidence (KPM 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar

from kinescribe.records import CAMERA, CameraMotion, Clip, Event, Events, Facts, MotionFact, Span, Tracks
from kinescribe.vocabulary import PARTS

CAMERA_FACTS = {
    "static": ("stay", ()), "pan_left": ("pan", ("left",)), "pan_right": ("pan", ("right",)),
    "tilt_up": ("tilt", ("up",)), "tilt_down": ("tilt", ("down",)),
    "roll_clockwise": ("roll", ("clockwise",)), "roll_counterclockwise": ("roll", ("counterclockwise",)),
    "zoom_in": ("zoom", ("in",)), "zoom_out": ("zoom", ("out",)),
    "dolly_in": ("move", ("forward",)), "dolly_out": ("move", ("backward",)), "handheld": ("shake", ()),
}  # fmt: skip
"""What each camera label lets us say; ``slight`` and ``complex`` say nothing that could be checked."""

MIN_SHAPE_QUALITY = {"straight": 0.8}
"""How well a shape must fit to be said: a straight way strays from its line by at most a fifth of its length."""


@dataclass(frozen=True)
class StateFacts:
    """Events in, facts out; an event that is not clear enough gives none."""

    min_confidence: float = 0.5
    """An effect at its threshold has 0.5; one twice as large 0.75."""
    slow_widths_s: float = 0.06
    """Slower than this many frame widths per second is "slowly": over 16 s from side to side."""
    quick_widths_s: float = 0.4
    """Faster is "quickly": under 2.5 s from side to side."""
    slight_widths: float = 0.06
    """A shorter way is "slightly"."""
    far_widths: float = 0.5
    """A longer one is "far"."""
    min_camera_share: float = 0.9
    """Share of the clip in which the camera must do something for it to be said of the whole clip, in which it must be
    known to be said to stand still where only the whole was looked at, and for a named thing that never
    moves to be said to stay."""
    min_camera_s: float = 1.0
    """The camera is said to stand still for at least this long; half as long between two motions is no pause."""
    min_life_s: float = 0.95
    """Nothing is said of regions without a class that are seen for less: fragments of people and of edges before an
    unsteady camera live 0.5 to 0.9 s, hands that come and go over 1 s."""
    max_pause_s: float = 4.0
    """Longer apart, two swings of a limb are two actions, not one that is repeated."""
    max_tempo: float = 1.7
    """The same if the time between them changes by more than this factor, or their length by 1.5 times it."""

    revision: ClassVar[int] = 2

    def __call__(self, clip: Clip, camera: CameraMotion, tracks: Tracks, events: Events) -> Facts:
        """State all facts, ordered by start."""
        stated = [*self._camera(clip, camera)]
        for subject, label in zip(tracks.ids.tolist(), tracks.label, strict=True):
            own = [event for event in events.events if event.subject == subject]
            if label == "object" and any(
                e.kind == "visible" and e.span.duration_s < self.min_life_s for e in own
            ):
                continue
            rests = _may_rest(label, own, camera.known_share >= self.min_camera_share)
            stated += self._travel(own if rests else [e for e in own if e.kind != "still"])
            stated += self._relations(own)
            stated += self._body([e for e in own if e.part is not None and not _is_step(e, own)])
        sure = [fact for fact in stated if fact.confidence >= self.min_confidence]
        sure.sort(key=lambda f: (f.span.start_s, f.subject, f.predicate, f.part or "", f.span.end_s))
        return Facts(tuple(replace(fact, id=f"f{i:03d}") for i, fact in enumerate(sure)))

    def _camera(self, clip: Clip, camera: CameraMotion) -> Iterator[MotionFact]:
        length = float(clip.times_s[-1])
        names = ("s_m_dt", "s_m_dr", "s_m_max_dt", "s_m_max_dr")
        evidence = {"score": camera.score, **dict(zip(names, camera.terms.tolist(), strict=True))}
        for label, (predicate, direction) in CAMERA_FACTS.items():
            frame = "image" if label.startswith("dolly") else "scene"
            for span in self._camera_spans(camera, label, length):
                yield MotionFact(
                    "",
                    CAMERA,
                    predicate,
                    span,
                    direction=direction,
                    frame=frame,
                    confidence=0.9,
                    evidence={**evidence, "clip_share": span.duration_s / length},
                )

    def _camera_spans(self, camera: CameraMotion, label: str, length_s: float) -> list[Span]:
        """Return when a label holds: the whole clip if that is nearly so, else stretch by stretch."""
        whole = Span(0.0, length_s)
        if length_s <= 0:
            return []
        if not camera.stretches:
            # that nothing was seen to move is not that nothing moved
            sure = label != "static" or camera.known_share >= self.min_camera_share
            return [whole] if label in camera.labels and sure else []
        spans: list[Span] = []
        for stretch in camera.stretches:
            if label not in stretch.labels:
                continue
            if spans and stretch.span.start_s - spans[-1].end_s < self.min_camera_s / 2:
                spans[-1] = Span(spans[-1].start_s, stretch.span.end_s)
            else:
                spans.append(stretch.span)
        if sum(span.duration_s for span in spans) >= self.min_camera_share * length_s:
            return [whole]
        return [span for span in spans if label != "static" or span.duration_s >= self.min_camera_s]

    # --- places ---------------------------------------------------------------------------------------------

    def _travel(self, events: Sequence[Event]) -> Iterator[MotionFact]:
        for event in events:
            v = event.values
            if event.kind == "move":
                yield self._move(event)
            elif event.kind == "oscillate":
                yield _fact(
                    event,
                    "move",
                    trajectory="back_and_forth",
                    count=int(v["count"]) if "count" in v else None,
                    confidence=0.5 + 0.5 * v["regularity"],
                )
            elif event.kind in ("grow", "shrink"):
                direction = "toward_camera" if event.kind == "grow" else "away_from_camera"
                confidence = _confidence(abs(v["log_scale"]), v["needed"]) * v["fit"]
                yield _fact(event, "move", direction=(direction,), confidence=confidence)
            elif event.kind in ("enter", "leave"):
                yield _fact(event, event.kind, confidence=0.8)
            elif event.kind in ("accelerate", "decelerate"):
                yield _fact(event, event.kind, confidence=v["fit"])
            elif event.kind == "still" and not _changes_depth(event, events):
                yield from self._still(event)

    def _move(self, event: Event) -> MotionFact:
        v = event.values
        effect = v["length_px"] if event.shape == "circular" else v["net_px"]
        turns = round(v["count"]) if "count" in v and abs(v["count"] - round(v["count"])) <= 0.25 else None
        return _fact(
            event,
            "move",
            magnitude=self._magnitude(event),
            trajectory=event.shape
            if v["shape_quality"] >= MIN_SHAPE_QUALITY.get(event.shape or "", 0.5)
            else None,
            count=turns if turns and turns > 1 else None,
            frame="scene" if v["in_scene"] else "image",
            confidence=_confidence(effect, v["needed_px"]),
        )

    def _magnitude(self, event: Event) -> str | None:
        """One manner per movement, the most telling first."""
        speed, way = event.values["speed_widths_s"], event.values["net_widths"]
        if speed >= self.quick_widths_s:
            return "quickly"
        if way >= self.far_widths and event.shape != "circular":
            return "far"
        if way < self.slight_widths and event.shape != "circular":
            return "slightly"
        return "slowly" if speed <= self.slow_widths_s else None

    def _still(self, event: Event) -> Iterator[MotionFact]:
        before, after = bool(event.values["after_move"]), bool(event.values["before_move"])
        if before and after:
            yield _fact(event, "pause", confidence=0.8)
        elif before:
            yield _fact(event, "stop", confidence=0.8)
        else:
            yield _fact(event, "stay", confidence=0.8)

    def _relations(self, events: Sequence[Event]) -> Iterator[MotionFact]:
        for event in events:
            if event.kind in ("approach", "separate"):
                change = abs(event.values["to_widths"] - event.values["from_widths"])
                confidence = _confidence(change, event.values["needed"])
                yield _fact(event, event.kind, object=event.other, frame="image", confidence=confidence)

    # --- bodies ---------------------------------------------------------------------------------------------

    def _body(self, events: Sequence[Event]) -> Iterator[MotionFact]:
        """Repeated swings of one part are one fact with a count; swings of both sides at once are one part."""
        both = _both_sides(events)
        for _, group in groupby(
            sorted(both, key=lambda e: (e.part or "", e.kind)), key=lambda e: (e.part, e.kind)
        ):
            for chain in self._chains(sorted(group, key=lambda e: e.span)):
                effect = min(abs(e.values["to"] - e.values["from"]) for e in chain)
                yield _fact(
                    replace(chain[0], span=Span(chain[0].span.start_s, chain[-1].span.end_s), direction=()),
                    chain[0].kind,
                    count=len(chain) if len(chain) > 1 else None,
                    level=PARTS[chain[0].part or ""][1],
                    confidence=_confidence(effect, chain[0].values["needed"]),
                )

    def _chains(self, events: Sequence[Event]) -> list[list[Event]]:
        chains: list[list[Event]] = []
        for event in events:
            if chains and self._continues(chains[-1], event):
                chains[-1].append(event)
            else:
                chains.append([event])
        return chains

    def _continues(self, chain: Sequence[Event], event: Event) -> bool:
        """Whether an event repeats the ones before: soon enough, in their tempo, and as long as they were."""
        last = chain[-1].span
        if event.span.start_s - last.end_s > self.max_pause_s:
            return False
        if _ratio(event.span.duration_s, last.duration_s) > 1.5 * self.max_tempo:
            return False
        starts = [e.span.start_s for e in (*chain[-2:], event)]
        return len(starts) < 3 or _ratio(starts[2] - starts[1], starts[1] - starts[0]) <= self.max_tempo


def _ratio(a: float, b: float) -> float:
    low, high = sorted((max(a, 1e-3), max(b, 1e-3)))
    return high / low


def _may_rest(label: str, events: Sequence[Event], camera_known: bool) -> bool:
    """Whether rest can be believed: a region without a class is only seen because something in it moves.

    A thing with a name that never moves rests in the scene if the camera is known; else it only keeps its place in
    the picture, as a car ahead does. People are said to rest as seen.
    """
    if any(event.kind in ("move", "oscillate") for event in events):
        return True
    return label == "person" or (label != "object" and camera_known)


def _changes_depth(still: Event, events: Sequence[Event]) -> bool:
    """Whether something that rests in the picture comes nearer or goes away meanwhile."""
    return any(e.kind in ("grow", "shrink") and _overlap(e.span, still.span) >= 0.3 for e in events)


def _is_step(event: Event, events: Sequence[Event]) -> bool:
    """Whether a knee moves because the body travels: a leg bends at every step, and the walk is already said."""
    travels = (e for e in events if e.kind == "move" and abs(e.values["dx_px"]) > abs(e.values["dy_px"]))
    return (event.part or "").endswith("knee") and any(_overlap(e.span, event.span) >= 0.5 for e in travels)


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
    return right.kind == left.kind and same_part and _overlap(right.span, left.span) >= 0.5


def _overlap(a: Span, b: Span) -> float:
    """Return the shared time as a share of the shorter span."""
    shared = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return shared / max(min(a.duration_s, b.duration_s), 1e-9)


def _confidence(effect: float, needed: float) -> float:
    """0.5 for an effect at its threshold, 0.75 for one twice as large, towards 1."""
    return 1 - 0.5 * needed / max(effect, needed / 2)


def _fact(event: Event, predicate: str, **more: object) -> MotionFact:
    evidence: Mapping[str, float] = event.values
    fields = {"direction": event.direction, "part": event.part, **more}
    return MotionFact("", event.subject, predicate, event.span, evidence=evidence, **fields)  # type: ignore[arg-type]
