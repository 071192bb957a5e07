"""What is in each sample: people by their skeletons, what else moves, and names where a detector knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe import plugins
from kinescribe.backends import Names
from kinescribe.errors import BackendError
from kinescribe.geometry import box_cover
from kinescribe.llm import client
from kinescribe.llm.client import call_settings
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.stages.naming import (
    mistaken,
    name_regions,
    people_without_skeleton,
    rows_of,
    with_named_boxes,
)
from kinescribe.video import Frames
from kinescribe.vocabulary import LIMBS, PERSON, SKELETONS

MORE_BONES = (
    ("nose", "left_shoulder"), ("nose", "right_shoulder"), ("left_shoulder", "right_hip"),
    ("left_wrist", "left_index"), ("right_wrist", "right_index"), ("left_ear", "right_ear"),
    ("mouth_left", "left_eye_outer"), ("mouth_right", "right_eye_outer"),
)  # fmt: skip
"""Besides those that are drawn: neck, the middle of the trunk, hands, face."""

EIGHTHS = (np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2) + 0.5) / 8
"""The middles of an 8 x 8 grid over a box, in its sides."""


@dataclass(frozen=True)
class DetectSubjects:
    """Pictures and the camera in, detections out: first what moves, then what has a name, then the people among it.

    A backend that is not on this machine (weights not pulled) leaves a note with the remedy; the others' findings
    are kept.
    """

    objects: str = "flow"
    """File in ``backends/detectors`` that finds things; empty for none."""
    objects_options: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""
    named: str = ""
    """File in ``backends/detectors`` that knows classes by name (``onnx``); empty for none. People whom it sees and
    nobody's skeleton explains are people without a skeleton."""
    named_options: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""
    namer: str = ""
    """File in ``backends/namers`` that says which names ``named`` and a tracker that takes names (SAM 3) are to look
    for (``vlm``), after those in their own settings; empty for none."""
    namer_options: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""
    model: str = ""
    """Whom the namer asks: ``openai:MODEL[@URL]``, ``hf:CHECKPOINT`` or ``scripted:FILE`` (``llm.client.model_of``)."""
    calls: Mapping[str, int | float] = field(default_factory=dict)
    """How the model is asked, and what it may cost: settings of ``llm.client.CallSettings``."""
    people: str = "blazepose"
    """File in ``backends/detectors`` that finds people, asked with the things and with the people who were named as
    proposals; empty for none."""
    people_options: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""
    part_cover: float = 0.6
    """A thing with this share of its box inside a person's box may be a part of the person (a moving arm) ..."""
    body_share: float = 0.5
    """... and is one if this share of it lies within reach of the skeleton: a ball beside the legs stays a thing."""
    reach: float = 0.1
    """How far flesh and clothes reach from a bone, in heights of the person's box; a torso is 0.2 wide."""
    whole_cover: float = 0.7
    """A thing whose box holds this share of a person's box may be the person, or several of them ..."""
    whole_share: float = 0.6
    """... and is if the people whom it holds fill this share of it; otherwise it is something larger."""

    revision: ClassVar[int] = 2
    PATIENCE: ClassVar[tuple[str, ...]] = ("calls",)
    """Settings that do not change what is asked."""

    def __post_init__(self) -> None:
        call_settings(self.calls)

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion) -> Detections:
        """Detect the subjects of a clip, ordered by sample, label and falling score.

        Raises:
            BackendError: a backend's name is wrong, no backend at all could work, or a model that is asked for names
                did not answer.
        """
        things, things_error = self._run(self.objects, self.objects_options, clip, frames, camera, nothing())
        told = self._names(clip, frames, things)
        named, named_error = self._run(
            self.named, self.named_options, clip, frames, camera, things, told.names
        )
        proposals = joined([things, select(named, _called(named, PERSON))])
        people, people_error = self._run(self.people, self.people_options, clip, frames, camera, proposals)
        errors = [error for error in (things_error, named_error, people_error) if error]
        if errors and len(errors) == bool(self.objects) + bool(self.named) + bool(self.people):
            raise BackendError("; ".join(str(error) for error in errors))
        merged = self._merged(things, named, people)
        order = sorted(
            range(len(merged.sample)),
            key=lambda i: (merged.sample[i], merged.label[i], -merged.score[i], *merged.xyxy[i]),
        )
        notes = (*things.notes, *told.notes, *named.notes, *people.notes, *(str(error) for error in errors))
        return replace(select(merged, np.array(order, dtype=np.int64)), notes=notes, names=told.names)

    def identity(self) -> str:
        """Name the backends and what their answers depend on.

        Raises:
            BackendError: there is a namer and no model, or the other way round, or a detector that takes no names.
        """
        if bool(self.namer) != bool(self.model):
            raise BackendError(
                "detect.namer asks detect.model: set both or neither, e.g. vlm and openai:gpt-4o-mini, or "
                "hf:Qwen/Qwen3-VL-4B-Instruct"
            )
        if self.namer and self.named and not hasattr(plugins.load("detectors", self.named), "with_names"):
            raise BackendError(
                f"detect.named = {self.named} knows classes of its own and takes no names: take grounding_dino, or no "
                "namer"
            )
        asked = f";{plugins.identity('namers', self.namer, self.namer_options)};{client.identity(self.model)}"
        chosen = (
            (self.objects, self.objects_options),
            (self.named, self.named_options),
            (self.people, self.people_options),
        )
        told = ";".join(plugins.identity("detectors", name, options) for name, options in chosen)
        return f"{told}{asked if self.namer else ''}"

    def _names(self, clip: Clip, frames: Frames, things: Detections) -> Names:
        """Return what the namer says there is to look for."""
        if not self.namer:
            return Names(())
        namer = plugins.load("namers", self.namer)(**self.namer_options)
        told: Names = namer(
            clip, frames, things, client.shared(self.model, call_settings(self.calls)).ask_all
        )
        return told

    def _merged(self, things: Detections, named: Detections, people: Detections) -> Detections:
        """Make one detection of each subject in each sample."""
        without_skeleton = select(named, people_without_skeleton(named, people))
        known = select(named, ~_called(named, PERSON) & ~mistaken(named, people))
        people = joined([with_named_boxes(people, named), without_skeleton])
        # Names come first: a ball before somebody's legs lies within reach of the skeleton as a moving leg does.
        things, nameless, used = name_regions(things, known)
        things = select(things, ~nameless | ~self._explained(things, people))
        return joined([people, things, select(known, ~used)])

    def _run(
        self,
        name: str,
        options: Mapping[str, Any],
        clip: Clip,
        frames: Frames,
        camera: CameraMotion,
        regions: Detections,
        names: Sequence[str] = (),
    ) -> tuple[Detections, BackendError | None]:
        if not name:
            return nothing(), None
        backend = plugins.load("detectors", name)(**options)  # a wrong name is the user's mistake: no note
        if names:
            backend = backend.with_names(tuple(dict.fromkeys((*backend.names, *names))))
        try:
            found: Detections = backend(clip, frames, camera, regions)
        except BackendError as error:
            return nothing(), error
        return found, None

    def _explained(self, things: Detections, people: Detections) -> Bool[np.ndarray, "D"]:
        """Return which things are people or parts of people that were seen as such."""
        explained = np.zeros(len(things.sample), dtype=bool)
        for sample in np.intersect1d(things.sample, people.sample):
            own, rows = np.flatnonzero(things.sample == sample), np.flatnonzero(people.sample == sample)
            bodies = people.xyxy[rows]
            inside = box_cover(things.xyxy[own], bodies) >= self.part_cover
            cover = box_cover(bodies, things.xyxy[own]).T
            held = cover >= self.whole_cover
            near = np.flatnonzero(inside.any(0))
            bones = {k: _bones(people.keypoints[rows[k]], people.skeleton) for k in near}
            for i, parts, wholes in zip(own, inside, held, strict=True):
                thing = things.xyxy[i]
                explained[i] = self._is_people(thing, bodies[wholes]) or any(
                    self._is_part(thing, bodies[k], bones[k]) for k in np.flatnonzero(parts)
                )
        return explained

    def _is_people(self, thing: Float[np.ndarray, "4"], held: Float[np.ndarray, "P 4"]) -> bool:
        """Whether the people whom a thing holds fill it."""
        if not len(held):
            return False
        spots = _spots(thing)[:, None]
        inside = np.any(np.all((spots >= held[:, :2]) & (spots <= held[:, 2:]), axis=-1), axis=1)
        return float(inside.mean()) >= self.whole_share

    def _is_part(
        self, thing: Float[np.ndarray, "4"], person: Float[np.ndarray, "4"], bones: Float[np.ndarray, "B 2 2"]
    ) -> bool:
        """Whether a thing in a person's box lies along the skeleton; without a skeleton the box has to do."""
        reach_px = self.reach * float(person[3] - person[1])
        return not len(bones) or _near_share(thing, bones, reach_px) >= self.body_share


def _called(detections: Detections, name: str) -> Bool[np.ndarray, "D"]:
    return np.array([label == name for label in detections.label], dtype=bool)


def nothing() -> Detections:
    """Return detections of nothing."""
    none = np.zeros((0, 0, 3))
    return Detections(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0), (), (), none, none)


def select(detections: Detections, rows: Bool[np.ndarray, "D"] | Int[np.ndarray, "R"]) -> Detections:
    """Return some rows of detections, in the given order."""
    return rows_of(detections, np.flatnonzero(rows) if rows.dtype == bool else rows)


def joined(parts: Sequence[Detections]) -> Detections:
    """Return the rows of several detections; those without keypoints get NaN.

    Raises:
        BackendError: two of them speak of different skeletons.
    """
    skeletons = {part.skeleton for part in parts if part.skeleton is not None}
    if len(skeletons) > 1:
        raise BackendError(
            f"detectors with different skeletons cannot be joined: {', '.join(sorted(skeletons))}"
        )
    count = max(part.keypoints.shape[1] for part in parts)
    return Detections(
        sample=np.concatenate([part.sample for part in parts]),
        xyxy=np.concatenate([part.xyxy for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        label=tuple(label for part in parts for label in part.label),
        source=tuple(source for part in parts for source in part.source),
        keypoints=np.concatenate([_padded(part.keypoints, count) for part in parts]),
        world=np.concatenate([_padded(part.world, count) for part in parts]),
        skeleton=skeletons.pop() if skeletons else None,
        velocity_px_s=np.concatenate([_velocity(part) for part in parts]),
    )


def _velocity(part: Detections) -> Float[np.ndarray, "D 2"]:
    return np.full((len(part.sample), 2), np.nan) if part.velocity_px_s is None else part.velocity_px_s


def _padded(points: Float[np.ndarray, "D K 3"], count: int) -> Float[np.ndarray, "D M 3"]:
    if points.shape[1] == count:
        return points
    return np.full((len(points), count, 3), np.nan)


def _spots(box: Float[np.ndarray, "4"]) -> Float[np.ndarray, "S 2"]:
    """Return 8 x 8 points spread evenly over a box."""
    return box[:2] + EIGHTHS * (box[2:] - box[:2])


def _bones(points: Float[np.ndarray, "K 3"], skeleton: str | None) -> Float[np.ndarray, "B 2 2"]:
    """Return both ends of the bones that are known."""
    bones: Float[np.ndarray, "B 2 2"] = points[_ends(skeleton or ""), :2]
    return bones[np.isfinite(bones).all((1, 2))]


@cache
def _ends(skeleton: str) -> Int[np.ndarray, "B 2"]:
    place = {name: i for i, name in enumerate(SKELETONS.get(skeleton, ()))}
    ends = [(place[a], place[b]) for a, b in (*LIMBS, *MORE_BONES) if a in place and b in place]
    return np.array(ends, dtype=np.int64).reshape(-1, 2)


def _near_share(thing: Float[np.ndarray, "4"], bones: Float[np.ndarray, "B 2 2"], reach_px: float) -> float:
    """Return which share of a box lies within reach of a bone."""
    start, along = bones[:, 0], bones[:, 1] - bones[:, 0]
    away = _spots(thing)[:, None] - start
    where = np.einsum("sbi,bi->sb", away, along) / np.maximum((along**2).sum(1), 1e-9)
    away -= np.minimum(np.maximum(where, 0), 1)[..., None] * along
    return float((np.einsum("sbi,sbi->sb", away, away).min(1) <= reach_px**2).mean())
