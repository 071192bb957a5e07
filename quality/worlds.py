"""Stage by stage, how wrong Kinescribe is on worlds whose truth is exact: error propagation in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from kinescribe import pipeline
from kinescribe.checks import Measurements, check
from kinescribe.geometry import apply_affine, box_iou
from kinescribe.records import (
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
from kinescribe.vocabulary import OPPOSITES
from quality.matching import Score, score, subjects
from tests.worlds import SCENARIOS, Rendered, Truth, World, render

DEVELOPMENT, HELD_OUT = range(100), range(1000, 1100)


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


def measure_scenario(job: tuple[str, int]) -> Report:
    """Measure the world of a scenario's name and a seed, on one core."""
    cv2.setNumThreads(1)
    name, seed = job
    return measure(SCENARIOS[name](seed))


def measure(world: World) -> Report:
    """Run the whole pipeline on a rendered world, and the measuring half of it on the truth."""
    known = render(world)
    stages = {name: stage() for name, stage in pipeline.STAGES.items()}
    got = pipeline.annotate(known.clip, known.frames, stages)
    ids = subjects(known.tracks, got[Tracks])
    stated = got[Facts].facts
    mapped = [track for track in ids if track >= 0]
    return Report(
        camera_error_px=_camera_error(known, got[CameraMotion]),
        camera_label=_label(known, got[CameraMotion]),
        boxes=_boxes(known, got[Detections]),
        fragments=(len(mapped), len(known.tracks.ids)),
        ghosts=len(got[Tracks].ids) - len(mapped),
        facts_from_truth=_from_truth(known),
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


def _from_truth(known: Truth) -> Score:
    stages = {name: pipeline.STAGES[name]() for name in ("kinematics", "events", "facts")}
    times = len(known.clip.times_s)
    empty = np.zeros((0, times, 33, 3))
    have: dict[type, Any] = {
        Clip: known.clip,
        CameraMotion: replace(known.camera, score=0.0, terms=np.zeros(4)),
        Tracks: known.tracks,
        Poses: Poses(np.zeros(0, np.int64), empty, empty, "blazepose33"),
    }
    for stage in stages.values():
        taken = {key: have[kind] for key, kind in pipeline.reads(stage).items()}
        have[pipeline.writes(stage)] = stage(**taken)
    return score(have[Facts].facts, known.facts, subjects(known.tracks, known.tracks))


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
