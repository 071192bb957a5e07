"""From events to facts: what may be said, with its direction, count, magnitude, span and evidence (KPM 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from kinescribe import facts
from kinescribe.facts import FactSettings
from kinescribe.records import CameraMotion, Clip, Event, Events, Facts, MotionFact, Tracks
from kinescribe.vocabulary import NAMELESS


@dataclass(frozen=True)
class StateFacts(FactSettings):
    """Events in, facts out; an event that is not clear enough gives none."""

    revision: ClassVar[int] = 3

    def __call__(self, clip: Clip, camera: CameraMotion, tracks: Tracks, events: Events) -> Facts:
        """State all facts, ordered by start."""
        stated = [*facts.camera.state(clip, camera, self)]
        for subject, label in zip(tracks.ids.tolist(), tracks.label, strict=True):
            own = [event for event in events.events if event.subject == subject]
            marked = subject in tracks.given
            if marked or not self._fleeting(label, own):
                stated += self._of_subject(label, own, camera, marked)
        judged = [facts.calibration.calibrated(fact) for fact in stated]
        sure = [fact for fact in judged if fact.confidence >= self.min_confidence]
        sure.sort(key=lambda f: (f.span.start_s, f.subject, f.predicate, f.part or "", f.span.end_s))
        return Facts(tuple(replace(fact, id=f"f{i:03d}") for i, fact in enumerate(sure)))

    def identity(self) -> str:
        """Name the curves of confidence: other curves make other facts."""
        return facts.calibration.identity()

    def _fleeting(self, label: str, events: Sequence[Event]) -> bool:
        """Whether a region without a class is seen for too short a time to be anything."""
        lives = (event.span.duration_s for event in events if event.kind == "visible")
        return label == NAMELESS and any(life < self.min_life_s for life in lives)

    def _of_subject(
        self, label: str, events: Sequence[Event], camera: CameraMotion, marked: bool
    ) -> Iterator[MotionFact]:
        camera_known = camera.known_share >= self.min_camera_share
        rests = facts.travel.may_rest(label, events, camera_known) or (marked and camera_known)
        going = [e for e in facts.bodies.without_jumps(events) if rests or e.kind != "still"]
        yield from facts.travel.state(going, self)
        yield from facts.pairs.state(events, self)
        yield from facts.limbs.state(events, self)
        yield from facts.bodies.state(events, self)
