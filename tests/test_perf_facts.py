"""The crowd on which the speed of facts is measured is as full as it says, and there is something to say of it."""

from __future__ import annotations

import numpy as np

from perf import facts


def test_the_crowd_has_twenty_tracks_that_are_busy_for_ten_seconds():
    clip, camera, tracks, poses, kinematics = facts.crowd()
    assert clip.duration_s == 10
    assert tracks.xyxy.shape == (20, 100, 4)
    assert len(poses.ids) == facts.PEOPLE
    assert np.isfinite(tracks.xyxy).all()
    assert (tracks.xyxy[..., :2] < tracks.xyxy[..., 2:]).all()
    taken = facts.describe(clip, camera, tracks, poses, kinematics)
    assert taken.events > 60
    assert taken.facts > 40
    assert min(taken.events_ms, taken.facts_ms) > 0
