"""What is in the picture, sample by sample: things that move, and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from kinescribe import plugins
from kinescribe.errors import BackendError
from kinescribe.geometry import box_cover
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frames


@dataclass(frozen=True)
class DetectSubjects:
    """Frames in, detections out: first what moves, then who is a person, then one list of both."""

    objects: str = "motion"
    """File name in ``backends/detectors`` of what finds things; empty for none."""
    people: str = "blazepose"
    """File name in ``backends/detectors`` of what finds people; it is told where something moves. Empty for none."""
    objects_options: dict[str, Any] = field(default_factory=dict)
    """Settings of the first backend."""
    people_options: dict[str, Any] = field(default_factory=dict)
    """Settings of the second backend."""
    max_cover: float = 0.6
    """A moving region of which a person's box covers more is that person (an arm, a shadow at the feet)."""

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion) -> Detections:
        """Detect; a backend whose nets are missing is left out, and the notes say so and what to do."""
        things = self._run(self.objects, self.objects_options, clip, frames, camera, nothing())
        people = self._run(self.people, self.people_options, clip, frames, camera, things)
        explained = self._explained(things, people)
        return _ordered(joined([taken(things, ~explained), people]))

    def identity(self) -> str:
        """Name what the answer depends on besides the settings."""
        return " ".join(plugins.identity("detectors", name) for name in (self.objects, self.people))

    def _run(
        self,
        name: str,
        options: dict[str, Any],
        clip: Clip,
        frames: Frames,
        camera: CameraMotion,
        regions: Detections,
    ) -> Detections:
        if not name:
            return nothing()
        try:
            found: Detections = plugins.load("detectors", name)(**options)(clip, frames, camera, regions)
        except BackendError as error:
            return replace(nothing(), notes=(f"{name} left out: {error}",))
        return found

    def _explained(self, things: Detections, people: Detections) -> Bool[np.ndarray, "D"]:
        """Whether each moving region is (part of) a person, or a person with little round them."""
        result = np.zeros(len(things.sample), bool)
        for sample in np.unique(people.sample):
            here = np.flatnonzero(things.sample == sample)
            boxes = people.xyxy[people.sample == sample]
            inside = box_cover(things.xyxy[here], boxes).max(1, initial=0.0)
            # The other way round: a region that is mostly a person, only with more shadow or chair to it.
            around = box_cover(boxes, things.xyxy[here]).T
            area = _area(boxes)[None] / np.maximum(_area(things.xyxy[here])[:, None], 1e-9)
            result[here] = (inside >= self.max_cover) | ((around >= 0.8) & (area >= 0.35)).any(1)
        return result


def nothing() -> Detections:
    """Return detections of nothing."""
    none = np.zeros((0, 0, 3))
    return Detections(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0), (), (), none, none)


def taken(detections: Detections, rows: Bool[np.ndarray, "D"]) -> Detections:
    """Return the chosen rows."""
    index = np.flatnonzero(rows)
    return replace(
        detections,
        sample=detections.sample[index],
        xyxy=detections.xyxy[index],
        score=detections.score[index],
        label=tuple(detections.label[i] for i in index),
        source=tuple(detections.source[i] for i in index),
        keypoints=detections.keypoints[index],
        world=detections.world[index],
    )


def joined(parts: Sequence[Detections]) -> Detections:
    """Return all rows; those without a skeleton get unknown points."""
    points = max(part.keypoints.shape[1] for part in parts)
    skeletons = [part.skeleton for part in parts if part.skeleton]
    return Detections(
        sample=np.concatenate([part.sample for part in parts]),
        xyxy=np.concatenate([part.xyxy for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        label=sum((part.label for part in parts), ()),
        source=sum((part.source for part in parts), ()),
        keypoints=np.concatenate([_padded(part.keypoints, points) for part in parts]),
        world=np.concatenate([_padded(part.world, points) for part in parts]),
        skeleton=skeletons[0] if skeletons else None,
        notes=sum((part.notes for part in parts), ()),
    )


def _padded(values: Float[np.ndarray, "D K 3"], points: int) -> Float[np.ndarray, "D P 3"]:
    missing = points - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan)


def _area(xyxy: Float[np.ndarray, "D 4"]) -> Float[np.ndarray, "D"]:
    area: Float[np.ndarray, "D"] = np.prod(np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0), axis=1)
    return area


def _ordered(detections: Detections) -> Detections:
    """Order by sample, label and falling score, so that the same input gives the same rows."""
    order = sorted(
        range(len(detections.sample)),
        key=lambda i: (int(detections.sample[i]), detections.label[i], -float(detections.score[i]), i),
    )
    rows = np.array(order, np.int64)
    return replace(
        detections,
        sample=detections.sample[rows],
        xyxy=detections.xyxy[rows],
        score=detections.score[rows],
        label=tuple(detections.label[i] for i in order),
        source=tuple(detections.source[i] for i in order),
        keypoints=detections.keypoints[rows],
        world=detections.world[rows],
    )
