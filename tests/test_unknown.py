"""What is not known for a while must not turn into something that happens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.vocabulary import BLAZEPOSE_33
from tests.bodies import Body, Skeletons, stage_bodies


def standing(seconds: float) -> Skeletons:
    return stage_bodies("stands", (Body(px_per_m=70.0, ground=lambda t: (160.0, 175.0)),), seconds, (), 1)


def predicates(body: Skeletons, to_scene: np.ndarray) -> list[str]:
    camera = replace(body.camera, score=0.0, terms=np.zeros(4), to_scene=to_scene, labels=("complex",))
    kinematics = MeasureKinematics()(body.clip, camera, body.tracks, body.poses)
    events = FindEvents()(body.clip, camera, body.tracks, body.poses, kinematics)
    return [f.predicate for f in StateFacts()(body.clip, camera, body.tracks, events).facts]


@pytest.mark.parametrize("lost", [4, 6, 8])
def test_nobody_jumps_because_the_camera_is_lost(lost: int) -> None:
    """It has tilted by 80 px before: joints as filmed and joints in the scene lie that far apart."""
    body = standing(6.0)
    times = len(body.clip.times_s)
    shift = 80 * np.minimum(np.arange(times) / 10, 1)
    keypoints = body.poses.keypoints.copy()
    keypoints[..., 1] -= shift[:, None] - shift[-1]
    maps = np.tile(np.eye(2, 3), (times, 1, 1))
    maps[:, 1, 2] = shift
    maps[25 : 25 + lost] = np.nan
    found = predicates(replace(body, poses=replace(body.poses, keypoints=keypoints)), maps)
    assert "jump" not in found


@pytest.mark.parametrize("known", [(-1,), (-1, -3), (-1, -4), (0,), (0, 2), (0, -1)])
def test_a_joint_that_is_seen_once_or_twice_is_measured_without_an_error(known: tuple[int, ...]) -> None:
    body = standing(3.0)
    lost = np.ones(len(body.clip.times_s), bool)
    lost[list(known)] = False
    wrist = BLAZEPOSE_33.index("left_wrist")
    keypoints, world = body.poses.keypoints.copy(), body.poses.world.copy()
    keypoints[:, lost, wrist], world[:, lost, wrist] = np.nan, np.nan
    found = predicates(
        replace(body, poses=replace(body.poses, keypoints=keypoints, world=world)), body.camera.to_scene
    )
    assert set(found) <= {"stay"}
