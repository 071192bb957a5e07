"""Stage by stage, how wrong Kinescribe is on worlds whose truth is exact: error propagation in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from kinescribe import pipeline
from kinescribe.checks import Measurements, check
from kinescribe.geometry import apply_affine, box_iou
from kinescribe.records import (
    CAMERA,
    CameraMotion,
    Captions,
    Claim,
    Clip,
    Detections,
    Facts,
    Kinematics,
    MotionFact,
    Poses,
    Questions,
    Tracks,
    Verdicts,
)
from kinescribe.vocabulary import BLAZEPOSE_33, OPPOSITES
from quality.matching import Score, score, subjects
from quality.tracking import Tracking
from quality.tracking import measure as measure_tracking
from tests.generator import ALL_SCENARIOS, generate, look
from tests.worlds import BODY_SCENARIOS, Rendered, Skeletons, Truth, World, render

DEVELOPMENT, HELD_OUT = range(100), range(1000, 1100)

CUT_TOLERANCE_S = 0.15
"""A cut is found when it is said within one sample and a half at 10 Hz."""
REST = ("stay", "stop", "pause")
"""What may be said of things that do not move; every other fact is about motion."""
COMPOSED = "generated"
"""Name of the worlds that ``tests.generator.generate`` composes."""


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
    facts_from_truth: Score
    """Facts measured on the world's exact boxes and camera."""
    facts: Score
    """Facts from the pixels up."""
    claims: tuple[int, int, int]
    """judged true, false, unknown, of the claims in the product's own captions"""
    lies: tuple[int, int]
    """false variants of claims that the judge refused, of all"""
    answers: tuple[int, int]
    """questions whose answer rests on a true fact, of all"""


def measure_scenario(job: tuple[str, int, str]) -> Report:
    """Measure the world of a scenario's name, a seed and a difficulty, on one core."""
    cv2.setNumThreads(1)
    name, seed, difficulty = job
    if name == COMPOSED:
        return measure(generate(seed, difficulty))
    return measure(look(ALL_SCENARIOS[name](seed), difficulty))


def measure(world: World) -> Report:
    """Run the whole pipeline on a rendered world, and the measuring half of it on the truth."""
    known = render(world)
    stages = {name: stage() for name, stage in pipeline.STAGES.items()}
    got = pipeline.annotate(known.clip, known.frames, stages)
    ids = subjects(known.tracks, got[Tracks])
    stated = tuple(fact for fact in got[Facts].facts if fact.predicate not in world.silent)
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
        facts_from_truth=_from_truth(known, world.silent),
        facts=score(stated, known.facts, ids),
        claims=_verdicts(got[Verdicts]),
        lies=_lies(got),
        answers=_answers(got[Questions], stated, known, ids),
    )


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


def _from_truth(known: Truth, silent: tuple[str, ...]) -> Score:
    times = len(known.clip.times_s)
    empty = np.zeros((0, times, 33, 3))
    poses = Poses(np.zeros(0, np.int64), empty, empty, "blazepose33")
    stated = _measured_facts(known, known.tracks, poses)
    stated = tuple(fact for fact in stated if fact.predicate not in silent)
    return score(stated, known.facts, subjects(known.tracks, known.tracks))


def measure_body(job: tuple[str, int, float]) -> Score:
    """Measure the facts of a body scenario by name and seed, whose joints are disturbed by so many metres."""
    name, seed, jitter_m = job
    known = BODY_SCENARIOS[name](seed)
    noise_m = jitter_m * np.random.default_rng([seed, 5]).standard_normal(known.poses.world.shape)
    keypoints = known.poses.keypoints.copy()
    keypoints[..., :2] += _px_per_m(known) * noise_m[..., :2]
    world = known.poses.world + noise_m
    poses = replace(known.poses, keypoints=keypoints, world=world)
    stated = _measured_facts(known, known.tracks, poses)
    stated = tuple(fact for fact in stated if fact.subject != CAMERA)  # bodies stand before none
    return score(stated, known.facts, subjects(known.tracks, known.tracks))


def _px_per_m(known: Skeletons) -> float:
    names = list(BLAZEPOSE_33)
    a, b = names.index("left_shoulder"), names.index("left_hip")
    picture = known.poses.keypoints[0, 0, a, 1] - known.poses.keypoints[0, 0, b, 1]
    return float(picture / (known.poses.world[0, 0, a, 1] - known.poses.world[0, 0, b, 1]))


def _measured_facts(known: Truth | Skeletons, tracks: Tracks, poses: Poses) -> tuple[MotionFact, ...]:
    """Return what the measuring half of the pipeline states of exact tracks and a known camera."""
    have: dict[type, Any] = {
        Clip: known.clip,
        CameraMotion: replace(known.camera, score=0.0, terms=np.zeros(4)),
        Tracks: tracks,
        Poses: poses,
    }
    for name in ("kinematics", "events", "facts"):
        stage = pipeline.STAGES[name]()
        missing = {kind for kind in pipeline.reads(stage).values() if kind not in have}
        have |= {kind: _no_hands(len(known.clip.times_s)) for kind in missing}  # the only record left
        have[pipeline.writes(stage)] = stage(**{k: have[kind] for k, kind in pipeline.reads(stage).items()})
    return tuple(have[Facts].facts)


def _no_hands(times: int) -> Any:
    from kinescribe.records import Hands

    none = np.zeros((0, times))
    return Hands(
        ids=np.zeros(0, np.int64), xyxy=np.zeros((0, times, 4)), score=none, keypoints=np.zeros((0, times, 21, 3)),
        seen=none.astype(bool), right=none, contact=none.astype(np.int64), comotion=none,
        held_xyxy=np.zeros((0, times, 4)), held_track=none.astype(np.int64),
    )  # fmt: skip


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
