"""What is not known: boxes that are no one thing's, joints that were mis-seen. Every wrong measurement here is made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.checks import Measurements
from kinescribe.geometry import inner_angle_deg
from kinescribe.kinematics.posture import (
    crossing_s,
    keeps_place,
    one_level,
    stays_in_view,
    trunk_px,
    wavering,
)
from kinescribe.records import CAMERA, CameraMotion, Clip, MotionFact, Poses, Tracks
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.stages.trust import doubtful, ghosts, overlarge, parallax, trusted
from kinescribe.vocabulary import ANGLES, BLAZEPOSE_33
from tests import worlds as w
from tests.test_checks import judge as judged

T, WIDTH, HEIGHT = 60, 640, 360
AT = {name: i for i, name in enumerate(BLAZEPOSE_33)}
NOBODY = Poses(np.zeros(0, np.int64), np.zeros((0, T, 33, 3)), np.zeros((0, T, 33, 3)), "blazepose33")


def scene(camera: w.CameraPath = lambda t: np.eye(2, 3)) -> tuple[Clip, CameraMotion]:
    known = w.truth(w.World("trust", size=(WIDTH, HEIGHT), duration_s=T / 10, camera=camera))
    return known.clip, known.camera


CLIP, STILL = scene()
S = CLIP.times_s


def boxes(x1: object, y1: object, x2: object, y2: object) -> np.ndarray:
    return np.stack([np.broadcast_to(np.asarray(v, float), (T,)) for v in (x1, y1, x2, y2)], axis=1)


def tracks_of(
    xyxy: np.ndarray, velocity: tuple[object, object] | None = None, label: str = "object"
) -> Tracks:
    flow = None
    if velocity is not None:
        flow = np.stack([np.broadcast_to(np.asarray(v, float), (T,)) for v in velocity], axis=1)[None]
    seen = np.isfinite(xyxy[:, 0])
    return Tracks(
        w.track_ids((label,)), (label,), xyxy[None], np.where(seen, 1.0, np.nan)[None],
        np.where(seen, np.arange(T), -1)[None], flow,
    )  # fmt: skip


def facts_of(tracks: Tracks, poses: Poses = NOBODY) -> list[MotionFact]:
    kinematics = MeasureKinematics()(CLIP, STILL, tracks, poses)
    events = FindEvents()(CLIP, STILL, tracks, poses, kinematics)
    return [f for f in StateFacts()(CLIP, STILL, tracks, events).facts if f.subject != CAMERA]


def judge(text: str, tracks: Tracks, poses: Poses = NOBODY) -> bool | None:
    kinematics = MeasureKinematics()(CLIP, STILL, tracks, poses)
    return judged(text, Measurements(CLIP, STILL, tracks, poses, kinematics)).holds


def doubts(tracks: Tracks) -> np.ndarray:
    return doubtful(CLIP, STILL, tracks, 0.35)[0]


# --- boxes --------------------------------------------------------------------------------------------------

GOES = 40 * S
MERGE = np.where(S < 3, 0, 200.0)


@given(st.floats(-80, 80), st.floats(-40, 40), st.booleans())
@settings(max_examples=12, deadline=None)
def test_what_is_carried_along_whole_is_believed_with_and_without_pixels(
    vx: float, vy: float, flow: bool
) -> None:
    x, y = 320 + vx * (S - 3), 180 + vy * (S - 3)
    tracks = tracks_of(boxes(x - 30, y - 20, x + 30, y + 20), (vx, vy) if flow else None)
    assert not doubts(tracks).any()


def test_a_whole_box_is_believed_where_the_flow_has_lost_it() -> None:
    fast = tracks_of(boxes(20 + 90 * S, 100, 50 + 90 * S, 130), (5.0, -3.0))
    assert not doubts(fast).any()
    assert [f.direction for f in facts_of(fast)] == [("right",)]


def test_a_merge_moves_one_edge_and_is_no_path() -> None:
    """A box at rest that takes in a neighbour: nothing went anywhere."""
    merged = boxes(100, 100, 160 + MERGE, 150)
    for velocity in (None, (0.0, 0.0)):
        tracks = tracks_of(merged, velocity)
        jump = np.abs(S - 2.95) < 0.26
        assert doubts(tracks)[jump].all()
        assert not doubts(tracks)[np.abs(S - 3) > 0.5].any()
        assert facts_of(tracks) == []
        assert judge("The object moves to the right from 2.0 s to 4.0 s.", tracks) is None
        assert judge("The object moves to the right.", tracks) is not True


def test_a_shrinking_box_over_resting_pixels_goes_nowhere() -> None:
    """The shadow of a mug: the box draws together from one side, the pixels rest."""
    tracks = tracks_of(boxes(100 + GOES, 100, 400, 200), (0.0, 0.0))
    assert doubts(tracks)[5:-5].all()
    assert facts_of(tracks) == []


def test_growing_on_all_sides_is_no_doubt() -> None:
    grow = 8 * S
    assert not doubts(tracks_of(boxes(200 - grow, 150 - grow, 300 + grow, 250 + grow), (0.0, 0.0))).any()


@pytest.mark.parametrize(("flow", "believed"), [(40.0, True), (-40.0, False), (0.0, False), (None, True)])
def test_at_the_border_the_free_edge_speaks(flow: float | None, believed: bool) -> None:
    """Something comes in from the left: its left edge is the picture's."""
    tracks = tracks_of(boxes(0, 100, 20 + GOES, 180), None if flow is None else (flow, 0.0))
    assert doubts(tracks)[5:-5].any() != believed


def test_pixels_and_box_are_compared_in_the_scene() -> None:
    """With a pan of 60 px/s a box and its pixels go alike in the picture, whatever they do in the scene."""
    clip, camera = scene(w.panning(60, 0))
    shift = -camera.to_scene[:, 0, 2]
    x = 300 + shift
    resting = tracks_of(boxes(x, 100, x + 60, 150), (np.gradient(shift, clip.times_s), 0.0))
    merged = tracks_of(boxes(x, 100, x + 60 + 25 * S, 150), (np.gradient(shift, clip.times_s), 0.0))
    assert not doubtful(clip, camera, resting, 0.35).any()
    assert doubtful(clip, camera, merged, 0.35)[0, 10:-10].all()


def test_a_region_of_most_of_the_picture_is_no_thing() -> None:
    tracks = tracks_of(boxes(0, 0, 500 + 10 * S, 300), (10.0, 0.0))
    assert overlarge(CLIP, tracks).all()
    assert facts_of(tracks) == []


@pytest.mark.parametrize(("samples", "believed"), [(2, True), (3, False), (15, False)])
def test_flow_that_stumbles_for_a_moment_casts_no_doubt_on_a_box_that_keeps_its_shape(
    samples: int, believed: bool
) -> None:
    """It grows on both sides, so that it is not believed by its edges alone."""
    wrong = (np.arange(T) >= 30) & (np.arange(T) < 30 + samples)
    moving = boxes(GOES + 150 - 15 * S, 100, GOES + 250 + 15 * S, 140)
    found = doubts(tracks_of(moving, (np.where(wrong, -40.0, 40.0), 0.0)))
    assert bool(found.any()) != believed


@pytest.mark.parametrize(("zoom", "streams"), [(0.15, True), (0.0, False)])
def test_what_streams_from_the_focus_of_a_zoom_may_be_parallax(zoom: float, streams: bool) -> None:
    clip, camera = scene(w.about((WIDTH / 2, HEIGHT / 2), lambda t: float(np.exp(zoom * t))))
    # A card nearer than the wall: its place relative to the middle grows twice as fast.
    away = np.exp(0.3 * S)
    card = boxes(320 + 40 * away, 180 + 20 * away, 320 + 70 * away, 180 + 40 * away)
    own = parallax(clip, camera, tracks_of(card), 0.35)[0]
    assert own[5:-5].all() if streams else not own.any()
    x, y = 320 + 130 * np.cos(S), 180 + 130 * np.sin(S)
    round_it = boxes(x - 15, y - 10, x + 15, y + 10)
    assert not parallax(clip, camera, tracks_of(round_it), 0.35).any()
    assert not parallax(clip, camera, tracks_of(card, label="person"), 0.35).any()


def test_nothing_known_is_nothing_doubted() -> None:
    unseen = tracks_of(np.full((T, 4), np.nan))
    assert not doubts(unseen).any()
    none = Tracks(unseen.ids[:0], (), unseen.xyxy[:0], unseen.score[:0], unseen.detection[:0])
    assert doubtful(CLIP, STILL, none, 0.35).shape == (0, T)


def test_places_before_and_after_a_merge_are_not_compared() -> None:
    """The box of one hand becomes that of the other: neither went to the right."""
    x = np.where(S < 3, 100.0, 420.0)
    width = np.where(np.abs(S - 3) < 0.25, 400.0, 60.0)
    left = np.where(np.abs(S - 3) < 0.25, 90.0, x)
    tracks = tracks_of(boxes(left, 100, left + width, 150), (0.0, 0.0))
    assert facts_of(tracks) == []
    assert judge("The object moves to the right from 0.0 s to 5.9 s.", tracks) is None
    assert judge("The object moves to the right.", tracks) is False  # the longer part shows no such way


# --- coming, going, and each other --------------------------------------------------------------------------


@pytest.mark.parametrize(("first_s", "enters"), [(0.5, False), (3.0, True)])
def test_who_is_found_late_did_not_come_in(first_s: float, enters: bool) -> None:
    """Waist up at the lower border, walking away at 20 px/s: to get there took 6 s and more."""
    top = 230 - 20 * (S - first_s)
    xyxy = boxes(300, top, 360, HEIGHT)
    if enters:
        xyxy = boxes(300, np.maximum(HEIGHT - 70 * (S - first_s) - 20, 150), 360, HEIGHT)
    xyxy[first_s - 1e-6 > S] = np.nan
    tracks = tracks_of(xyxy, label="person")
    assert ("enter" in [f.predicate for f in facts_of(tracks)]) == enters
    assert judge("The person enters the frame.", tracks) is (True if enters else None)


def test_the_time_to_cross_a_border() -> None:
    box = boxes(0, 0, 100 + 50 * S, 50)
    assert crossing_s(S, box, 0, 0.0) == pytest.approx(2.0)
    assert crossing_s(S, boxes(0, 0, 100, 50), 0, 0.0) == float("inf")


def test_nobody_approaches_what_appears_and_never_moves() -> None:
    walker, floor = boxes(20 + 60 * S, 100, 60 + 60 * S, 200), boxes(560, 100, 600, 160)
    passing = floor.copy()
    passing[:20] = np.nan

    def both(other: np.ndarray) -> Tracks:
        one, two = tracks_of(walker, (60.0, 0.0)), tracks_of(other, (0.0, 0.0))
        joined = [np.concatenate([getattr(t, n) for t in (one, two)]) for n in ("xyxy", "score", "detection")]
        labels = ("object", "object")
        return Tracks(w.track_ids(labels), labels, *joined)

    assert "approach" in [f.predicate for f in facts_of(both(floor))]
    assert "approach" not in [f.predicate for f in facts_of(both(passing))]
    assert judge("Object 1 approaches object 2.", both(floor)) is True
    assert judge("Object 1 approaches object 2.", both(passing)) is None
    assert stays_in_view(floor)
    assert not stays_in_view(passing)


def test_a_roof_is_another_level_and_a_distance_is_not() -> None:
    here = np.array([100.0, 200, 150, 350])
    assert one_level(here, np.array([300.0, 190, 350, 340]))
    assert not one_level(here, np.array([300.0, 20, 350, 170]))
    assert one_level(
        here, np.array([300.0, 100, 325, 175])
    )  # farther away: smaller, and higher in the picture


# --- bodies -------------------------------------------------------------------------------------------------

STANDING = {
    "nose": (0, -170), "left_shoulder": (20, -140), "right_shoulder": (-20, -140), "left_hip": (14, -80),
    "right_hip": (-14, -80), "left_knee": (14, -40), "right_knee": (-14, -40), "left_ankle": (14, 0),
    "right_ankle": (-14, 0), "left_heel": (12, 4), "right_heel": (-12, 4), "left_elbow": (22, -110),
    "right_elbow": (-22, -110), "left_wrist": (22, -84), "right_wrist": (-22, -84),
}  # fmt: skip
UPPER = ("nose", "shoulder", "hip", "elbow", "wrist")


def body(scale: float = 1.0, score: float = 0.95) -> np.ndarray:
    points = np.full((T, 33, 3), np.nan)
    for name, (x, y) in STANDING.items():
        points[:, AT[name]] = (320 + scale * x, 300 + scale * y, score)
    return points


def poses_of(points: np.ndarray, world: np.ndarray | None = None) -> Poses:
    flat = points.copy()
    flat[..., 2] = 0
    return Poses(np.array([0]), points[None], (flat if world is None else world)[None], "blazepose33")


def person_tracks(points: np.ndarray) -> Tracks:
    low, high = np.nanmin(points[..., :2], axis=1), np.nanmax(points[..., :2], axis=1)
    return tracks_of(np.concatenate([low - 5, high + 5], axis=1), label="person")


def scores(points: np.ndarray, *names: str) -> np.ndarray:
    seen = trusted(CLIP, person_tracks(points), poses_of(points))
    return seen.keypoints[0][:, [AT[name] for name in names], 2]


def raised(points: np.ndarray, side: str = "left") -> np.ndarray:
    """The arm goes up over the head between 2 and 2.6 s, and down between 4 and 4.6 s."""
    turn = np.pi * (np.clip((S - 2) / 0.6, 0, 1) - np.clip((S - 4) / 0.6, 0, 1))
    result = points.copy()
    shoulder = points[:, AT[f"{side}_shoulder"], :2]
    trunk = np.nanmedian(trunk_px(points, "blazepose33"))
    for joint, reach in (("elbow", 0.5), ("wrist", 0.95)):
        way = np.stack([np.sin(turn), np.cos(turn)], axis=1) * (1 if side == "left" else -1, 1)
        result[:, AT[f"{side}_{joint}"], :2] = shoulder + reach * trunk * way
    return result


def said(points: np.ndarray, world: np.ndarray | None = None) -> list[tuple[str, str | None]]:
    tracks = person_tracks(points)
    poses = trusted(CLIP, tracks, poses_of(points, world))
    return [(f.predicate, f.part) for f in facts_of(tracks, poses) if f.part]


def test_a_still_body_keeps_all_its_scores() -> None:
    points = body()
    np.testing.assert_array_equal(scores(points, *STANDING), 0.95)


def test_a_body_that_is_seen_well_raises_its_arm() -> None:
    assert said(raised(body())) == [("raise", "left_arm"), ("lower", "left_arm")]


def test_limbs_of_small_people_are_not_told() -> None:
    small = raised(body(0.35))  # trunk of 21 px
    assert said(small) == []
    assert (scores(small, "left_wrist", "right_knee") == 0).all()
    assert (scores(small, "left_shoulder", "right_hip") == 0.95).all()


def test_joints_outside_the_picture_are_not_seen() -> None:
    points = body()
    points[..., 1] += 120
    assert (scores(points, "left_ankle", "right_ankle", "left_knee") == 0).all()
    assert (scores(points, "left_hip", "right_wrist") == 0.95).all()


def test_a_wrist_that_jumps_about_was_not_followed() -> None:
    points = raised(body())
    points[:, AT["left_wrist"], 0] += np.where(np.arange(T) % 2, 30, -30)
    assert (scores(points, "left_wrist") == 0).all()
    assert (scores(points, "right_wrist", "left_elbow") == 0.95).all()
    assert said(points) == []


@pytest.mark.parametrize("parts", [("elbow", "wrist"), ("knee", "ankle")])
def test_limbs_that_have_changed_places_are_unknown_while_they_have(parts: tuple[str, ...]) -> None:
    points = body()
    for joint in parts:
        side = 60 if joint in ("wrist", "ankle") else 40  # apart, so that the exchange shows
        points[:, AT[f"left_{joint}"], 0] += side
        points[:, AT[f"right_{joint}"], 0] -= side
        left, right = AT[f"left_{joint}"], AT[f"right_{joint}"]
        points[20:30, [left, right]] = points[20:30, [right, left]]
    seen = scores(points, *(f"left_{joint}" for joint in parts), *(f"right_{joint}" for joint in parts))
    assert (seen[20:30] == 0).all()
    assert (np.delete(seen, np.s_[20:30], axis=0) == 0.95).all()
    assert (scores(points, "left_shoulder", "right_hip") == 0.95).all()


def test_a_skeleton_that_grows_into_its_body_raises_nothing() -> None:
    """Fitted to half the body at first, as in fog: the wrists go up and down with the fit."""
    points = raised(body())
    grown = np.clip(0.5 + 0.5 * (S - 1) / 2, 0.5, 1)
    points[..., :2] = [320, 300] + (points[..., :2] - [320, 300]) * grown[:, None, None]
    assert (scores(points, "left_wrist", "left_knee")[(S > 1.6) & (S < 2.4)] == 0).all()
    assert ("raise", "left_arm") not in said(points)


def test_a_body_that_another_fit_takes_over_does_not_move() -> None:
    """The track dies: within its last samples the box halves and the skeleton flies off."""
    points = body()
    points[T - 2 :, :, 0] -= np.array([25, 80])[:, None]
    tracks = person_tracks(points)
    tracks.xyxy[0, T - 2 :, 1::2] = [200, 290]
    poses = trusted(CLIP, tracks, poses_of(points))
    assert (poses.keypoints[0, -3:, AT["nose"], 2] == 0).all()
    assert (poses.keypoints[0, :-4, AT["nose"], 2] == 0.95).all()
    assert [f.predicate for f in facts_of(tracks, poses)] == ["stay"]


def test_a_step_to_the_side_with_a_raised_arm_is_no_jump() -> None:
    points = raised(body())
    points[..., 0] += 60 * np.clip(S - 3, 0, 1)[:, None]
    np.testing.assert_array_equal(scores(points, "left_shoulder", "left_wrist"), 0.95)


# --- standing, leaning, walking -----------------------------------------------------------------------------


def walk(points: np.ndarray, speed: float, cycle_s: float = 1.0) -> np.ndarray:
    """Feet in turn: each rests for 0.6 of a cycle and makes up the way in the rest."""
    result = points.copy()
    result[..., 0] += (speed * (S - 3))[:, None]
    for side, shift in (("left", 0.0), ("right", 0.5)):
        cycle = S / cycle_s + shift
        done = np.floor(cycle) + np.clip((cycle % 1 - 0.6) / 0.4, 0, 1)
        foot = speed * cycle_s * (done - shift) - 3 * speed
        for joint in ("ankle", "heel"):
            result[:, AT[f"{side}_{joint}"], 0] = points[:, AT[f"{side}_{joint}"], 0] + foot
    return result


def test_a_walk_goes_and_a_lean_does_not() -> None:
    def directions(points: np.ndarray) -> list[tuple[str, ...]]:
        tracks = person_tracks(points)
        poses = poses_of(points)
        return [f.direction for f in facts_of(tracks, poses) if f.predicate == "move"]

    assert directions(walk(body(), 60)) == [("right",)]
    leaning = body()
    upper = [AT[name] for name in STANDING if name.removeprefix("left_").removeprefix("right_") in UPPER]
    leaning[:, upper, 0] += (60 * np.clip((S - 2) / 1.5, 0, 1))[:, None]
    assert directions(leaning) == []
    tracks = person_tracks(leaning)
    assert judge("The person moves to the right from 1.8 s to 3.8 s.", tracks, poses_of(leaning)) is None


def test_who_steps_on_the_spot_does_not_stay() -> None:
    stepping = body()
    stepping[:, AT["right_ankle"], 0] -= 70 * np.clip(np.sin(2 * np.pi * S / 3), 0, 1)
    for points, stays in ((body(), True), (stepping, False)):
        tracks, poses = person_tracks(body()), poses_of(points)
        assert ("stay" in [f.predicate for f in facts_of(tracks, poses)]) == stays
        assert judge("The person stays in place.", tracks, poses) is (True if stays else None)
        assert keeps_place(points, np.ones(T, bool), "blazepose33") == stays


def test_who_comes_nearer_does_not_stay_either() -> None:
    points = body()
    points[:, :, 0] = 320 + (points[:, :, 0] - 320) * np.linspace(1, 1.5, T)[:, None]
    assert not keeps_place(points, np.ones(T, bool), "blazepose33")


def test_whose_skeleton_is_lost_is_not_said_to_stay() -> None:
    points = body()
    points[30:, :, 2] = 0
    assert keeps_place(points, S < 2.9, "blazepose33")
    assert not keeps_place(points, S > 3.1, "blazepose33")
    assert keeps_place(np.full_like(points, np.nan), S > 3.1, "blazepose33")  # never had one


# --- knees --------------------------------------------------------------------------------------------------


def angle_of(points: np.ndarray, world: np.ndarray, name: str) -> np.ndarray:
    kinematics = MeasureKinematics()(CLIP, STILL, person_tracks(points), poses_of(points, world))
    return kinematics.joints.angle_deg[0, :, list(ANGLES).index(name)]


def test_depth_alone_bends_no_knee() -> None:
    """The leg is straight in the picture; only its guessed depth bends, by 80 degrees and back."""
    points = body()
    world = points.copy()
    world[..., 2] = 0
    world[:, AT["left_knee"], 2] = 16 * (1 - np.cos(2 * np.pi * S / 3))
    triplet = [world[:, AT[name]] for name in ANGLES["left_knee"]]
    assert inner_angle_deg(*triplet).min() < 110
    assert angle_of(points, world, "left_knee").min() >= 158
    assert said(points, world) == []


def test_a_knee_that_bends_in_both_is_told() -> None:
    points = body()
    aside = 16 * (1 - np.cos(2 * np.pi * S / 3))
    hip, knee, ankle = (points[0, AT[f"left_{joint}"], 1] for joint in ("hip", "knee", "ankle"))
    points[:, AT["left_knee"], 0] += aside
    points[:, AT["left_knee"], 1] = hip + np.sqrt((knee - hip) ** 2 - aside**2)
    points[:, AT["left_ankle"], 1] = points[:, AT["left_knee"], 1] + np.sqrt((ankle - knee) ** 2 - aside**2)
    world = points.copy()
    world[..., 2] = 0
    assert angle_of(points, world, "left_knee").min() < 125
    assert set(said(points, world)) == {("bend", "left_knee"), ("straighten", "left_knee")}


def test_a_swing_must_exceed_its_own_wavering() -> None:
    assert wavering(np.arange(10.0)) == 0
    assert wavering(np.where(np.arange(10) % 2, 1.0, -1.0)) == pytest.approx(2 * 1.4826 * 16 / np.sqrt(70))
    assert wavering(np.array([np.nan, 1, np.nan])) == 0
    assert wavering(np.zeros(0)) == 0


# --- ghosts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "xyxy", "flow", "label", "ghost"),
    [
        ("uncovered floor", boxes(100, 100, 160, 150), (0.0, 0.0), "object", True),
        ("an outline that loses a part", boxes(100, 100, 160 + MERGE / 8, 150), (0.0, 0.0), "object", True),
        ("a thing that moves", boxes(100 + GOES, 100, 160 + GOES, 150), (40.0, 0.0), "object", False),
        ("a thing cut off, by its pixels", boxes(0, 100, 60, 150), (20.0, 0.0), "object", False),
        ("a thing that grows", boxes(200 - GOES / 2, 180 - GOES / 3, 300, 250), (0.0, 0.0), "object", False),
        ("a thing with a name", boxes(100, 100, 160, 150), (0.0, 0.0), "cup", False),
        ("somebody", boxes(100, 100, 160, 250), None, "person", False),
    ],
)  # fmt: skip
def test_ghosts(
    why: str, xyxy: np.ndarray, flow: tuple[float, float] | None, label: str, ghost: bool
) -> None:
    passing = xyxy.copy()
    passing[:20] = np.nan
    assert ghosts(CLIP, STILL, tracks_of(passing, flow, label)).tolist() == [ghost]
    assert not ghosts(CLIP, STILL, tracks_of(xyxy, flow, label)).any()  # there all the time: it is a thing
