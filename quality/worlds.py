"""Stage by stage, how wrong Kinescribe is on worlds whose truth is exact.

How errors propagate is seen by replacing records by the truth (``VARIANTS``): what is lost between two variants is lost
by the stages that one measures and the other is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from kinescribe import pipeline
from kinescribe.checks import Measurements, check
from kinescribe.geometry import apply_affine, box_iou
from kinescribe.records import (
    CAMERA,
    NO_DEPTH,
    CameraMotion,
    CameraStretch,
    Captions,
    Claim,
    Clip,
    Depth,
    Detections,
    Facts,
    Kinematics,
    MotionFact,
    Poses,
    Questions,
    Span,
    Tracks,
    Verdicts,
)
from kinescribe.stages.facts import StateFacts
from kinescribe.vocabulary import BLAZEPOSE_33, OPPOSITES
from quality.calibration import Point, points
from quality.matching import Score, score, subjects
from quality.measures import Said
from quality.measures import measure as measure_facts
from quality.tracking import Tracking
from quality.tracking import measure as measure_tracking
from tests.bodies import BODY_SCENARIOS, Skeletons, disturbed
from tests.generator import ALL_SCENARIOS, generate, look
from tests.worlds import Rendered, Truth, World, render

DEVELOPMENT, HELD_OUT = range(100), range(1000, 1100)

CUT_TOLERANCE_S = 0.15
"""A cut is found when it is said within one sample and a half at 10 Hz."""
REST = ("stay", "stop", "pause")
"""What may be said of things that do not move; every other fact is about motion."""
COMPOSED = "generated"
"""Name of the worlds that ``tests.generator.generate`` composes."""
EXACT, CAMERA_ONLY, TRACKER_ONLY, CAMERA_TOLD, MEASURED = (
    "tracks and camera exact: facts alone",
    "tracks exact, camera measured",
    "boxes and camera exact, tracks measured",
    "camera exact, boxes and tracks measured",
    "all measured",
)
VARIANTS = (EXACT, CAMERA_ONLY, TRACKER_ONLY, CAMERA_TOLD, MEASURED)
"""What is measured and what is told, from the least measured on."""


@dataclass(frozen=True)
class Report:
    """What one world showed; counts add up over worlds, errors are lists."""

    camera_error_px: tuple[float, ...]
    camera_label: tuple[int, int]
    """right, of"""
    boxes: Score
    fragments: tuple[int, int]
    """measured tracks that stand for a subject, subjects"""
    ghosts: int
    """measured tracks that stand for nothing"""
    tracking: Tracking
    """HOTA, IDF1, identity switches"""
    cuts: Score
    """cuts that were said, and that there are"""
    still_s: float
    """seconds of video in which neither a thing nor the camera moves"""
    false_motion: int
    """facts of motion that were stated in such a world"""
    said: Mapping[str, Said]
    """What facts got right, by variant."""
    points: tuple[Point, ...]
    """Confidence of every fact from pixels, and whether it is true."""
    claims: tuple[int, int, int]
    """judged true, false, unknown, of the claims in the product's own captions"""
    lies: tuple[int, int]
    """false variants of claims that the judge refused, of all"""
    answers: tuple[int, int]
    """questions whose answer rests on a true fact, of all"""

    @property
    def facts(self) -> Score:
        """Facts from the pixels up."""
        return self.said[MEASURED].score()

    @property
    def facts_from_truth(self) -> Score:
        """Facts measured on the world's exact boxes and camera."""
        return self.said[EXACT].score()


def world_of(name: str, seed: int, difficulty: str) -> World:
    """Return the world of a scenario's name, a seed and a difficulty."""
    return generate(seed, difficulty) if name == COMPOSED else look(ALL_SCENARIOS[name](seed), difficulty)


def measure_scenario(job: tuple[str, int, str]) -> Report:
    """Measure the world of a scenario's name, a seed and a difficulty, on one core."""
    cv2.setNumThreads(1)
    return measure(world_of(*job))


def measure_points(job: tuple[str, int, str]) -> tuple[Point, ...]:
    """Return every fact that might be stated of a world from pixels, however unsure, and whether it is true."""
    cv2.setNumThreads(1)
    world = world_of(*job)
    known = render(world)
    stages = {**_stages(*UNTIL_FACTS), "facts": StateFacts(min_confidence=0.0)}
    got = pipeline.annotate(known.clip, known.frames, stages)
    return points(_spoken(world, got[Facts]), known.facts, subjects(known.tracks, got[Tracks]))


def measure(world: World) -> Report:
    """Run the whole pipeline on a rendered world, and parts of it on the truth."""
    known = render(world)
    got = pipeline.annotate(known.clip, known.frames, _stages(*pipeline.STAGES))
    ids = subjects(known.tracks, got[Tracks])
    stated = _spoken(world, got[Facts])
    still = all(fact.predicate in REST for fact in known.facts)
    mapped = [track for track in ids if track >= 0]
    return Report(
        camera_error_px=_camera_error(known, got[CameraMotion]),
        camera_label=_label(known, got[CameraMotion]),
        boxes=_boxes(known, got[Detections]),
        fragments=(len(mapped), len(known.tracks.ids)),
        ghosts=len(got[Tracks].ids) - len(mapped),
        tracking=measure_tracking(known.tracks, known.seen, got[Tracks]),
        cuts=cut_score(got[CameraMotion].cuts_s, known.camera.cuts_s),
        still_s=known.clip.duration_s if still else 0.0,
        false_motion=sum(fact.predicate not in REST for fact in stated) if still else 0,
        said={**_replaced(world, known, got), MEASURED: _said(known, stated, got[Tracks])},
        points=points(stated, known.facts, ids),
        claims=_verdicts(got[Verdicts]),
        lies=_lies(got),
        answers=_answers(got[Questions], stated, known, ids),
    )


def _replaced(world: World, known: Rendered, got: Mapping[type, Any]) -> dict[str, Said]:
    """Return what is said if some records are the truth."""
    camera: dict[type, Any] = {CameraMotion: exact_camera(known)}
    told: dict[str, dict[type, Any]] = {
        EXACT: {**camera, **exact_tracks(known)},
        CAMERA_ONLY: {CameraMotion: got[CameraMotion], **exact_tracks(known)},
        TRACKER_ONLY: {**camera, Detections: known.detections},
        CAMERA_TOLD: camera,
    }
    said = {}
    for variant, have in told.items():
        records = pipeline.annotate(known.clip, known.frames, _stages(*UNTIL_FACTS), have)
        said[variant] = _said(known, _spoken(world, records[Facts]), records[Tracks])
    return said


UNTIL_FACTS = ("camera", "detect", "track", "pose", "depth", "kinematics", "events", "facts")
"""Stages that facts need; hands are not among them."""


def _stages(*names: str) -> dict[str, Any]:
    return {name: pipeline.STAGES[name]() for name in names}


def _spoken(world: World, facts: Facts) -> tuple[MotionFact, ...]:
    """Return the facts about which the world says whether they are true."""
    return tuple(fact for fact in facts.facts if fact.predicate not in world.silent)


def _said(known: Truth, stated: tuple[MotionFact, ...], tracks: Tracks) -> Said:
    return measure_facts(stated, known.facts, subjects(known.tracks, tracks), float(known.clip.times_s[-1]))


def exact_camera(known: Truth | Skeletons) -> CameraMotion:
    """Return the true camera as a record that stages can read: what it does holds in each of its shots."""
    edges = [0.0, *known.camera.cuts_s, float(known.clip.times_s[-1])]
    shots = tuple(CameraStretch(Span(a, b), known.camera.labels) for a, b in pairwise(edges))
    return replace(known.camera, score=0.0, terms=np.zeros(4), stretches=shots)


def exact_tracks(known: Truth) -> dict[type, Any]:
    """Return the true tracks, and that nobody has a skeleton, as records."""
    times = len(known.clip.times_s)
    empty = np.zeros((0, times, len(BLAZEPOSE_33), 3))
    return {
        Detections: known.detections,
        Tracks: known.tracks,
        Poses: Poses(np.zeros(0, np.int64), empty, empty, "blazepose33"),
    }


class Body(NamedTuple):
    """What facts of exact or disturbed joints got right."""

    said: Said
    points: tuple[Point, ...]


def _camera_error(known: Rendered, measured: CameraMotion) -> tuple[float, ...]:
    """Mean distance of mapped picture corners from where they belong, per sample in which the camera is known."""
    w, h = known.clip.width, known.clip.height
    corners = np.array([[0, 0], [w, 0], [0, h], [w, h]], dtype=float)
    errors = []
    for truth, found in zip(known.camera.to_scene, measured.to_scene, strict=True):
        if np.isfinite(truth).all() and np.isfinite(found).all():
            gap = apply_affine(truth[None], corners) - apply_affine(found[None], corners)
            errors.append(float(np.hypot(*gap.T).mean()))
    return tuple(errors)


def _label(known: Truth, measured: CameraMotion) -> tuple[int, int]:
    return int(set(known.camera.labels) <= set(measured.labels)), 1


def cut_score(said: tuple[float, ...], true: tuple[float, ...]) -> Score:
    """Match cuts one to one, within ``CUT_TOLERANCE_S``."""
    if not said or not true:
        return Score(0, len(said), len(true), 0)
    near = np.abs(np.subtract.outer(said, true)) <= CUT_TOLERANCE_S
    rows, columns = linear_sum_assignment(-near.astype(float))
    right = int(near[rows, columns].sum())
    return Score(right, len(said), len(true), right)


def _boxes(known: Truth, measured: Detections) -> Score:
    """Boxes with an IoU of at least 0.5, sample by sample, of subjects of which most can be seen."""
    right = found = true = 0
    for sample in range(len(known.clip.times_s)):
        boxes = measured.xyxy[measured.sample == sample]
        visible = np.isfinite(known.tracks.xyxy[:, sample, 0]) & (known.seen[:, sample] > 0.5)
        iou = box_iou(boxes, known.tracks.xyxy[visible, sample])
        right += int((iou >= 0.5).any(1).sum())
        found += int((iou >= 0.5).any(0).sum())
        true += int(visible.sum())
    return Score(right, len(measured.sample), true, found)


def measure_body(job: tuple[str, int, float]) -> Body:
    """Measure the facts of a body scenario by name and seed, whose joints are disturbed by so many metres."""
    name, seed, jitter_m = job
    known = disturbed(BODY_SCENARIOS[name](seed), seed, jitter_m)
    stated = _measured_facts(known, known.tracks, known.poses)
    stated = tuple(f for f in stated if f.subject != CAMERA and f.predicate not in known.silent)  # no camera
    ids = subjects(known.tracks, known.tracks)
    said = measure_facts(stated, known.facts, ids, float(known.clip.times_s[-1]))
    return Body(said, points(stated, known.facts, ids))


def _measured_facts(
    known: Truth | Skeletons, tracks: Tracks, poses: Poses | None = None
) -> tuple[MotionFact, ...]:
    """Return what the measuring half of the pipeline states of exact tracks and a known camera."""
    none = np.zeros((0, len(known.clip.times_s), len(BLAZEPOSE_33), 3))
    have: dict[type, Any] = {
        Clip: known.clip,
        CameraMotion: exact_camera(known),
        Tracks: tracks,
        Poses: poses or Poses(np.zeros(0, np.int64), none, none, "blazepose33"),
        Depth: NO_DEPTH,
    }
    for name in ("kinematics", "events", "facts"):
        stage = pipeline.STAGES[name]()
        have[pipeline.writes(stage)] = stage(**{k: have[kind] for k, kind in pipeline.reads(stage).items()})
    return tuple(have[Facts].facts)


def _verdicts(verdicts: Verdicts) -> tuple[int, int, int]:
    held = [verdict.holds for verdict in verdicts.verdicts]
    return held.count(True), held.count(False), held.count(None)


def _lies(got: dict[type, Any]) -> tuple[int, int]:
    """Turn every true claim into false ones and ask the judge."""
    measurements = Measurements(*(got[kind] for kind in (Clip, CameraMotion, Tracks, Poses, Kinematics)))
    truths = {(v.caption, v.claim) for v in got[Verdicts].verdicts if v.holds}
    refused = told = 0
    for i, caption in enumerate(got[Captions].captions):
        for j, claim in enumerate(caption.claims):
            if (i, j) in truths:
                for lie in lies_about(claim):
                    told += 1
                    refused += check(lie, measurements).holds is False
    return refused, told


def lies_about(claim: Claim) -> Iterator[Claim]:
    """Yield claims that must be false if this one is true: the opposite direction, another count."""
    action = claim.action
    if len(action.direction) == 1 and action.direction[0] in OPPOSITES:
        yield replace(claim, action=replace(action, direction=(OPPOSITES[action.direction[0]],)))
    if action.count is not None:
        yield replace(claim, action=replace(action, count=action.count + 2))


def _answers(
    questions: Questions, stated: tuple[MotionFact, ...], known: Truth, ids: dict[int, int]
) -> tuple[int, int]:
    by_id = {fact.id: fact for fact in stated}
    about = [by_id[q.fact_id] for q in questions.questions if q.fact_id in by_id]
    return sum(score([fact], known.facts, ids).right for fact in about), len(about)
