"""A thing that the picture's border cuts off goes as its pixels go: its box hardly moves, the thing does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinescribe.records import CAMERA, CameraMotion, Clip, MotionFact, Poses, Span, TrackKinematics, Tracks
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from tests import worlds as w

T, WIDTH, HEIGHT = 60, 320, 180
PERIOD_S, SWING_PX = 1.8, 40.0
NOBODY = Poses(np.zeros(0, np.int64), np.zeros((0, T, 33, 3)), np.zeros((0, T, 33, 3)), "blazepose33")


def scene(camera: w.CameraPath = lambda t: np.eye(2, 3)) -> tuple[Clip, CameraMotion]:
    known = w.truth(w.World("cut_off", size=(WIDTH, HEIGHT), duration_s=T / 10, camera=camera))
    return known.clip, known.camera


def lifted(times_s: np.ndarray, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """How far a thing is below its highest place, going down and up ``count`` times from 0.3 s on; and its speed."""
    phase = 2 * np.pi * np.clip((times_s - 0.3) / PERIOD_S, 0, count)
    moves = (phase > 0) & (phase < 2 * np.pi * count)
    return SWING_PX * (1 - np.cos(phase)) / 2, np.where(
        moves, SWING_PX * np.pi / PERIOD_S * np.sin(phase), 0.0
    )


def kettle(clip: Clip, known: bool = True, label: str = "object") -> Tracks:
    """A thing that hangs in from above: only its lower part is seen, and the box seems to grow and shrink."""
    y, vy = lifted(clip.times_s)
    boxes = np.stack([np.full(T, 120.0), np.zeros(T), np.full(T, 190.0), 60.0 + y], axis=1)[None]
    velocity = np.stack([np.zeros(T), vy], axis=1)[None] if known else np.full((1, T, 2), np.nan)
    ids = w.track_ids((label,))
    return Tracks(ids, (label,), boxes, np.ones((1, T)), np.arange(T)[None], velocity)


def measured(clip: Clip, camera: CameraMotion, tracks: Tracks) -> TrackKinematics:
    return MeasureKinematics()(clip, camera, tracks, NOBODY).tracks


def stated(clip: Clip, camera: CameraMotion, tracks: Tracks) -> list[MotionFact]:
    kinematics = MeasureKinematics()(clip, camera, tracks, NOBODY)
    events = FindEvents()(clip, camera, tracks, NOBODY, kinematics)
    return [f for f in StateFacts()(clip, camera, tracks, events).facts if f.subject != CAMERA]


def moves(facts: list[MotionFact]) -> list[MotionFact]:
    return [fact for fact in facts if fact.predicate == "move"]


# --- what is stated -----------------------------------------------------------------------------------------


def test_a_cut_off_thing_whose_pixels_go_up_and_down_three_times_is_stated_so() -> None:
    clip, camera = scene()
    (fact,) = moves(stated(clip, camera, kettle(clip)))
    assert fact.count == 3
    assert set(fact.direction) == {"up", "down"}
    assert fact.trajectory == "back_and_forth"
    assert fact.span.start_s == pytest.approx(0.3, abs=0.4)
    assert fact.span.end_s == pytest.approx(0.3 + 3 * PERIOD_S, abs=0.4)


def test_a_cut_off_thing_does_not_come_nearer_because_its_box_grows() -> None:
    clip, camera = scene()
    facts = stated(clip, camera, kettle(clip))
    assert not {"toward_camera", "away_from_camera"} & {word for fact in facts for word in fact.direction}
    got = measured(clip, camera, kettle(clip))
    assert np.isnan(got.size_px).all()
    assert np.isnan(got.scale_rate_s).all()


def test_a_cut_off_thing_at_rest_is_not_said_to_move() -> None:
    clip, camera = scene()
    given = kettle(clip)
    boxes = np.tile(given.xyxy[:, :1], (1, T, 1))
    boxes[0, ::2, 3] += 1.0  # its outline trembles
    rest = Tracks(given.ids, given.label, boxes, given.score, given.detection, np.zeros((1, T, 2)))
    assert not moves(stated(clip, camera, rest))


# --- what is measured ---------------------------------------------------------------------------------------


def test_its_path_is_the_sum_of_its_pixels_ways() -> None:
    clip, camera = scene()
    given, (y, vy) = kettle(clip), lifted(clip.times_s)
    got = measured(clip, camera, given)
    np.testing.assert_allclose(np.ptp(got.image_px[0, :, 1]), SWING_PX, rtol=0.12)
    assert np.abs(got.image_px[0, :, 1] - 30 - y).max() < 0.1 * SWING_PX, "starts at the middle of the box"
    assert np.abs(got.image_px[0, :, 0] - 155).max() < 0.5
    assert np.corrcoef(got.velocity_px_s[0, :, 1], vy)[0, 1] > 0.98


@pytest.mark.parametrize(
    ("why", "given"),
    [
        ("its pixels' velocity is unknown", lambda clip: kettle(clip, known=False)),
        ("it is a person", lambda clip: kettle(clip, label="person")),
    ],
)
def test_else_the_box_is_asked(why: str, given: object) -> None:
    clip, camera = scene()
    got = measured(clip, camera, given(clip))  # type: ignore[operator]
    np.testing.assert_allclose(np.ptp(got.image_px[0, :, 1]), SWING_PX / 2, rtol=0.12, err_msg=why)


def test_a_thing_in_the_middle_of_the_picture_is_where_its_box_is() -> None:
    clip, camera = scene()
    given = kettle(clip)
    inside = given.xyxy + np.array([0, 20, 0, 20])
    tracks = Tracks(given.ids, given.label, inside, given.score, given.detection, given.velocity_px_s)
    got = measured(clip, camera, tracks)
    np.testing.assert_allclose(np.ptp(got.image_px[0, :, 1]), SWING_PX / 2, rtol=0.12)
    assert np.isfinite(got.size_px).all()


def test_gaps_in_the_velocity_are_bridged_and_gaps_in_the_boxes_stay() -> None:
    clip, camera = scene()
    given, (y, _) = kettle(clip), lifted(clip.times_s)
    velocity, boxes = given.velocity_px_s.copy(), given.xyxy.copy()  # type: ignore[union-attr]
    velocity[0, [10, 25, 26, 40]] = np.nan
    boxes[0, 30:33], velocity[0, 30:33] = np.nan, np.nan
    number = np.where(np.isfinite(boxes[..., 0]), given.detection, -1)
    got = measured(clip, camera, Tracks(given.ids, given.label, boxes, given.score, number, velocity))
    known = np.isfinite(got.image_px[0, :, 1])
    assert np.flatnonzero(~known).tolist() == [30, 31, 32]
    assert np.abs(got.image_px[0, known, 1] - 30 - y[known]).max() < 0.15 * SWING_PX


def test_the_camera_s_motion_is_removed_from_the_pixels_way() -> None:
    """A thing at rest in the scene that a panning camera leaves: its pixels go to the left as filmed."""
    clip, camera = scene(w.panning(20.0, 0.0))
    times = clip.times_s
    left = 150 - 20 * times
    boxes = np.stack([left, np.zeros(T), left + 70, np.full(T, 60.0)], axis=1)[None]
    velocity = np.tile([-20.0, 0.0], (1, T, 1))
    tracks = replace(kettle(clip), xyxy=boxes, velocity_px_s=velocity)
    got = measured(clip, camera, tracks)
    assert got.frame == ("scene",)
    np.testing.assert_allclose(got.scene_px[0, :, 0], 185.0, atol=0.5)
    assert got.speed_px_s[0].max() < 1.0
    assert not moves(stated(clip, camera, tracks))


def test_a_clip_of_uneven_times_is_summed_in_seconds() -> None:
    clip, camera = scene()
    times = np.concatenate([[0.0], np.cumsum(np.where(np.arange(T - 1) < 30, 0.14, 0.06))])
    uneven = replace(clip, times_s=times, end_s=float(times[-1]) + 0.1)
    y, _ = lifted(times)
    got = measured(uneven, camera, kettle(uneven))
    assert np.abs(got.image_px[0, :, 1] - 30 - y).max() < 0.15 * SWING_PX


def test_the_swings_are_those_of_a_whole_thing() -> None:
    """The same motion in the middle of the picture, whose box is whole, is stated alike."""
    clip, camera = scene()
    y, _ = lifted(clip.times_s)
    boxes = np.stack([np.full(T, 120.0), 50 + y, np.full(T, 190.0), 100 + y], axis=1)[None]
    whole = Tracks(w.track_ids(("object",)), ("object",), boxes, np.ones((1, T)), np.arange(T)[None], None)
    (one,), (two,) = moves(stated(clip, camera, kettle(clip))), moves(stated(clip, camera, whole))
    assert (one.count, set(one.direction), one.trajectory) == (two.count, set(two.direction), two.trajectory)
    assert _shared_s(one.span, two.span) > 0.85 * max(one.span.duration_s, two.span.duration_s)


def _shared_s(one: Span, two: Span) -> float:
    return min(one.end_s, two.end_s) - max(one.start_s, two.start_s)
