"""Exact records of worlds and bodies, what is measured of them, and their symmetric twins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from unittest import mock

import numpy as np

from kinescribe.geometry import apply_affine, compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip, MotionFact, Poses, Tracks
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.vocabulary import SKELETONS
from tests import bodies, generator, worlds

EVERY = (*generator.ALL_SCENARIOS, "generated", *bodies.BODY_SCENARIOS)
"""Names of all worlds and bodies."""


class Known(NamedTuple):
    """What is known exactly of a clip."""

    clip: Clip
    camera: CameraMotion
    tracks: Tracks
    poses: Poses
    facts: tuple[MotionFact, ...]
    silent: tuple[str, ...]


def known(name: str, seed: int, fps: float = 10.0) -> Known:
    """Return the exact records of a world or a body, sampled so many times a second."""
    if name in bodies.BODY_SCENARIOS:
        # Scenarios of bodies have no frame rate of their own.
        with mock.patch.object(bodies, "stage_bodies", partial(bodies.stage_bodies, fps=fps)):
            people = bodies.BODY_SCENARIOS[name](seed)
        camera = replace(people.camera, score=0.0, terms=np.zeros(4))
        return Known(people.clip, camera, people.tracks, people.poses, people.facts, people.silent)
    world = generator.generate(seed) if name == "generated" else generator.ALL_SCENARIOS[name](seed)
    return of_world(world, fps)


def of_world(world: worlds.World, fps: float | None = None) -> Known:
    """Return the exact records of a world."""
    true = worlds.truth(world, fps)
    none = np.zeros((0, len(true.clip.times_s), 33, 3))
    poses = Poses(np.zeros(0, np.int64), none, none, "blazepose33")
    camera = replace(true.camera, score=0.0, terms=np.zeros(4))
    return Known(true.clip, camera, true.tracks, poses, true.facts, world.silent)


def facts_of(k: Known) -> list[MotionFact]:
    """Return what is stated of exact records."""
    kinematics = MeasureKinematics()(k.clip, k.camera, k.tracks, k.poses)
    events = FindEvents()(k.clip, k.camera, k.tracks, k.poses, kinematics)
    return list(StateFacts()(k.clip, k.camera, k.tracks, events).facts)


# --- twins --------------------------------------------------------------------------------------------------


def moved(
    k: Known, maps: np.ndarray, size: tuple[int, int] | None = None, labels: Sequence[str] = ()
) -> Known:
    """Return what another camera sees, whose pictures are those of the first, shifted and magnified.

    Args:
        k: what the first saw.
        maps: from the pixels of the first to those of the other, per sample; without rotation or shear.
        size: width and height of the new picture.
        labels: what the other camera does.
    """
    ends = apply_affine(maps, k.tracks.xyxy.reshape(*k.tracks.xyxy.shape[:2], 2, 2).transpose(0, 2, 1, 3))
    boxes = ends.transpose(0, 2, 1, 3).reshape(k.tracks.xyxy.shape)
    points = k.poses.keypoints.copy()
    points[..., :2] = apply_affine(maps, points[..., :2].transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    back = np.array([invert_affine(one) for one in maps])
    to_scene = np.array(
        [compose_affine(maps[0], compose_affine(a, b)) for a, b in zip(k.camera.to_scene, back, strict=True)]
    )
    width, height = size or (k.clip.width, k.clip.height)
    return k._replace(
        clip=replace(k.clip, width=width, height=height),
        camera=replace(k.camera, to_scene=to_scene, labels=tuple(labels) or k.camera.labels),
        tracks=replace(k.tracks, xyxy=boxes),
        poses=replace(k.poses, keypoints=points),
    )


def still_map(k: Known, scale: float = 1.0, dx: float = 0.0, dy: float = 0.0) -> np.ndarray:
    """Return one and the same map for every sample."""
    return np.tile(np.array([[scale, 0, dx], [0, scale, dy]]), (len(k.clip.times_s), 1, 1))


def mirrored(k: Known) -> Known:
    """Return what a mirror shows: left and right change places, also of the bodies."""
    flip = np.tile(np.array([[-1.0, 0, k.clip.width], [0, 1, 0]]), (len(k.clip.times_s), 1, 1))
    twin = moved(k, flip)
    names = SKELETONS[k.poses.skeleton]
    swap = [names.index(other_side(name)) for name in names]
    world = twin.poses.world[:, :, swap] * [-1, 1, 1]
    return twin._replace(
        tracks=replace(twin.tracks, xyxy=twin.tracks.xyxy[..., [2, 1, 0, 3]]),
        poses=replace(twin.poses, keypoints=twin.poses.keypoints[:, :, swap], world=world),
        camera=replace(twin.camera, labels=tuple(other_side(label) for label in k.camera.labels)),
    )


def other_side(word: str) -> str:
    """Return a word with left and right, clockwise and counterclockwise changed for each other."""
    for a, b in (("left", "right"), ("counterclockwise", "clockwise")):
        if a in word:
            return word.replace(a, b)
        if b in word:
            return word.replace(b, a)
    return word


def backward(k: Known) -> Known:
    """Return the clip played backward."""
    last = k.camera.to_scene[-1]
    to_last = invert_affine(last) if np.isfinite(last).all() else np.full((2, 3), np.nan)
    to_scene = np.array([compose_affine(to_last, one) for one in k.camera.to_scene[::-1]])
    times = k.clip.times_s
    return k._replace(
        clip=replace(k.clip, times_s=times[-1] - times[::-1]),
        camera=replace(
            k.camera, to_scene=to_scene, cuts_s=tuple(float(times[-1]) - at for at in k.camera.cuts_s)
        ),
        tracks=_at(k.tracks, slice(None, None, -1)),
        poses=_poses_at(k.poses, slice(None, None, -1)),
    )


def sampled(k: Known, index: np.ndarray) -> Known:
    """Return the clip as seen at some of its samples only; its time begins with the first of them."""
    times = k.clip.times_s[index]
    fps = 1 / float(np.diff(times).mean())
    clip = replace(
        k.clip, times_s=times - times[0], frame_indices=np.arange(len(index)), num_frames=len(index), fps=fps
    )
    first = k.camera.to_scene[index[0]]
    back = invert_affine(first) if np.isfinite(first).all() else np.full((2, 3), np.nan)
    camera = replace(
        k.camera,
        to_scene=np.array([compose_affine(back, one) for one in k.camera.to_scene[index]]),
        inlier_ratio=k.camera.inlier_ratio[index],
        coverage=k.camera.coverage[index],
    )
    return k._replace(clip=clip, camera=camera, tracks=_at(k.tracks, index), poses=_poses_at(k.poses, index))


def slowed(k: Known, factor: float) -> Known:
    """Return the clip played so many times more slowly."""
    cuts = tuple(factor * at for at in k.camera.cuts_s)
    clip = replace(k.clip, times_s=factor * k.clip.times_s, end_s=factor * k.clip.end_s)
    return k._replace(clip=clip, camera=replace(k.camera, cuts_s=cuts))


def _at(tracks: Tracks, index: slice | np.ndarray) -> Tracks:
    kept = {name: getattr(tracks, name)[:, index] for name in ("xyxy", "score", "detection")}
    return replace(tracks, **kept)


def _poses_at(poses: Poses, index: slice | np.ndarray) -> Poses:
    return replace(poses, keypoints=poses.keypoints[:, index], world=poses.world[:, index])
