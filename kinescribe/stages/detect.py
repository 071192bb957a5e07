"""What is in each sample: people by their skeletons, and everything else that moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from kinescribe import plugins
from kinescribe.errors import BackendError
from kinescribe.geometry import box_cover, box_size
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frames

PERSON = "person"


@dataclass(frozen=True)
class DetectSubjects:
    """Pictures and the camera in, detections out: first what moves, then the people among it.

    A backend that is not on this machine (weights not pulled) leaves a note with the remedy; the other one's
    findings are kept.
    """

    objects: str = "motion"
    """File in ``backends/detectors`` that finds things; empty for none."""
    objects_options: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""
    people: str = "blazepose"
    """File in ``backends/detectors`` that finds people, asked with the things as proposals; empty for none."""
    people_options: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""
    part_cover: float = 0.6
    """A thing with this share of its box inside a person's box is a part of the person (a moving arm) ..."""
    free_cover: float = 0.35
    """... unless less than this share lies within reach of the skeleton: a ball before the feet stays a thing."""
    reach: float = 0.12
    """How far flesh and clothes reach from a bone, in heights of the person."""
    whole_cover: float = 0.7
    """A thing whose box holds this share of a person's box is the person too ..."""
    whole_size: float = 1.6
    """... if its area is at most so many times the person's (a larger one holds something else besides)."""

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion) -> Detections:
        """Detect the subjects of a clip, ordered by sample, label and falling score.

        Raises:
            BackendError: a backend's name is wrong, or no backend at all could work.
        """
        things, things_error = self._run(self.objects, self.objects_options, clip, frames, camera, nothing())
        people, people_error = self._run(self.people, self.people_options, clip, frames, camera, things)
        worked = [name for name, error in ((self.objects, things_error), (self.people, people_error)) if name and not error]
        errors = [error for error in (things_error, people_error) if error]
        if errors and not worked:
            raise BackendError("; ".join(str(error) for error in errors))
        merged = joined([people, _only(things, ~self._explained(things, people))])
        notes = (*things.notes, *people.notes, *(str(error) for error in errors))
        return replace(_ordered(merged), notes=notes)

    def identity(self) -> str:
        """Name both backends and what their answers depend on."""
        return f"{plugins.identity('detectors', self.objects)};{plugins.identity('detectors', self.people)}"

    def _run(
        self,
        name: str,
        options: Mapping[str, Any],
        clip: Clip,
        frames: Frames,
        camera: CameraMotion,
        regions: Detections,
    ) -> tuple[Detections, BackendError | None]:
        if not name:
            return nothing(), None
        backend = plugins.load("detectors", name)(**options)  # a wrong name is the user's mistake: no note
        try:
            found: Detections = backend(clip, frames, camera, regions)
        except BackendError as error:
            return nothing(), error
        return found, None

    def _explained(self, things: Detections, people: Detections) -> Bool[np.ndarray, "D"]:
        """Return which things are people or parts of people that were seen as such."""
        explained = np.zeros(len(things.sample), dtype=bool)
        if not len(people.sample):
            return explained
        by_sample = {int(s): np.flatnonzero(people.sample == s) for s in np.unique(people.sample)}
        for i, sample in enumerate(things.sample):
            for row in by_sample.get(int(sample), ()):
                explained[i] |= self._is_of(things.xyxy[i], people.xyxy[row], people.keypoints[row])
        return explained

    def _is_of(
        self, thing: Float[np.ndarray, "4"], person: Float[np.ndarray, "4"], points: Float[np.ndarray, "K 3"]
    ) -> bool:
        inside = float(box_cover(thing[None], person[None])[0, 0])
        holds = float(box_cover(person[None], thing[None])[0, 0])
        size = float(box_size(thing) / max(float(box_size(person)), 1e-9)) ** 2
        if holds >= self.whole_cover and size <= self.whole_size:
            return True
        if inside < self.part_cover:
            return False
        return body_cover(thing, points, self.reach * float(person[3] - person[1])) >= self.free_cover


def body_cover(thing: Float[np.ndarray, "4"], points: Float[np.ndarray, "K 3"], reach_px: float) -> float:
    """Return which share of a box lies within reach of a skeleton; 1 where there is no skeleton.

    Args:
        thing: a box.
        points: x, y, score of the keypoints (NaN where unknown); names as in ``vocabulary.BLAZEPOSE_33``.
        reach_px: half the thickness of a limb.
    """
    bones = _bones(points)
    if not len(bones):
        return 1.0
    x, y = np.meshgrid(*(np.linspace(a, b, 7)[:-1] + (b - a) / 12 for a, b in ((thing[0], thing[2]), (thing[1], thing[3]))))
    spots = np.stack([x.ravel(), y.ravel()], 1)
    start, along = bones[:, 0], bones[:, 1] - bones[:, 0]
    length = np.maximum((along**2).sum(1), 1e-9)
    away = spots[:, None] - start[None]
    where = np.clip((away * along).sum(-1) / length, 0, 1)
    off = away - where[..., None] * along
    return float((np.hypot(off[..., 0], off[..., 1]).min(1) <= reach_px).mean())
