"""From boxes and joints whose motion is known to facts: the right ones, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinescribe.records import CameraMotion, Clip, Detections, Facts, MotionFact, Poses, Tracks
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.vocabulary import BLAZEPOSE_33, PREDICATES

W, H = 640, 360
T = np.arange(0, 10, 0.1)
MIDDLE = np.array([320.0, 180.0])


def clip_of(times: np.ndarray) -> Clip:
    return Clip("c", "s", "x", 0.0, float(times[-1]), 10.0, W, H, 0, len(times), np.arange(len(times)), times)


def camera_of(
    times: np.ndarray, labels: tuple[str, ...] = ("static",), to_scene: np.ndarray | None = None
) -> CameraMotion:
    maps = np.tile(np.eye(2, 3), (len(times), 1, 1)) if to_scene is None else to_scene
    ones = np.ones(len(times))
    return CameraMotion(maps, ones, ones, 0.0, np.zeros(4), labels)


def no_poses(times: np.ndarray) -> Poses:
    empty = np.zeros((0, len(times), 33, 3))
    return Poses(np.zeros(0, np.int64), empty, empty, "blazepose33")


def tracks_of(
    paths: list[np.ndarray], size: float | np.ndarray = 60, noise: float = 1.0, label: str = "object"
) -> Tracks:
    rng = np.random.default_rng(0)
    rows = []
    for path in paths:
        side = np.broadcast_to(np.asarray(size, float), len(path))[:, None]
        center = path + rng.normal(0, noise, path.shape)
        box = np.concatenate([center - side / 2, center + side / 2], 1)
        box[:, 0::2] = box[:, 0::2].clip(0, W)
        box[:, 1::2] = box[:, 1::2].clip(0, H)
        box[(box[:, 2] - box[:, 0] < 8) | (box[:, 3] - box[:, 1] < 8)] = np.nan
        rows.append(box)
    shape = (len(rows), len(paths[0]))
    first = 0 if label == "person" else 1000
    ids = np.array([first + (10 if label == "person" else 1) * i for i in range(len(rows))])
    return Tracks(ids, (label,) * len(rows), np.stack(rows), np.ones(shape), np.zeros(shape, np.int64))


def facts_of(
    paths: list[np.ndarray],
    *,
    times: np.ndarray = T,
    camera: CameraMotion | None = None,
    poses: Poses | None = None,
    **look: object,
) -> list[MotionFact]:
    clip, camera = clip_of(times), camera or camera_of(times)
    tracks, poses = tracks_of(paths, **look), poses or no_poses(times)  # type: ignore[arg-type]
    kinematics = MeasureKinematics()(clip, camera, tracks, poses)
    events = FindEvents()(clip, camera, tracks, poses, kinematics)
    facts: Facts = StateFacts()(clip, camera, tracks, events)
    assert all(fact.predicate in PREDICATES for fact in facts.facts)
    return [fact for fact in facts.facts if fact.subject >= 0]


def said(facts: list[MotionFact]) -> list[tuple]:
    return [(fact.predicate, *fact.direction) for fact in facts]


def along(x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray:
    return np.column_stack(np.broadcast_arrays(x + 0 * T, y + 0 * T))


@pytest.mark.parametrize(
    ("dx", "dy", "direction"),
    [
        (1, 0, "right"),
        (-1, 0, "left"),
        (0, 1, "down"),
        (0, -1, "up"),
        (0.7, -0.7, "upper_right"),
        (-0.7, 0.7, "lower_left"),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 1.5])
def test_direction(dx, dy, direction, noise):
    (fact,) = facts_of([MIDDLE + 25 * (T[:, None] - 5) * [dx, dy]], noise=noise)
    assert (fact.predicate, fact.direction, fact.trajectory) == ("move", (direction,), "straight")
    assert fact.span.start_s < 0.5
    assert fact.span.end_s > 9.3
    assert fact.frame == "scene"


def test_still_is_still_with_noise_and_says_nothing_else():
    for noise in (0.0, 1.0, 4.0):
        assert said(facts_of([along(320, 180)], noise=noise, label="person")) == [("stay",)]


def test_a_region_without_a_class_that_never_moves_says_nothing():
    assert said(facts_of([along(320, 180)])) == []


def test_stop_and_start_times():
    stay, move, stop = facts_of([along(100 + 60 * np.clip(T - 3, 0, 4), 180)])
    assert [stay.predicate, move.predicate, stop.predicate] == ["stay", "move", "stop"]
    assert move.span.start_s == pytest.approx(3, abs=0.3)
    assert move.span.end_s == pytest.approx(7, abs=0.4)


def test_a_rest_between_two_moves_is_a_pause():
    path = along(100 + 60 * np.clip(T, 0, 3) + 60 * np.clip(T - 6, 0, 3), 180)
    assert said(facts_of([path])) == [("move", "right"), ("pause",), ("move", "right")]


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize(("axis", "direction"), [(0, ("left", "right")), (1, ("up", "down"))])
def test_back_and_forth_is_counted(count, axis, direction):
    swing = 60 * np.sin(2 * np.pi * count * T / T[-1])
    path = along(320 + swing, 180) if axis == 0 else along(320, 180 + swing)
    (fact,) = facts_of([path])
    assert (fact.trajectory, fact.direction, fact.count) == ("back_and_forth", direction, count)


@pytest.mark.parametrize(("sense", "word"), [(1, "counterclockwise"), (-1, "clockwise")])
def test_circle(sense, word):
    a = sense * 2 * np.pi * T / T[-1]
    (fact,) = facts_of([MIDDLE + 100 * np.column_stack([np.cos(a), -np.sin(a)])])
    assert (fact.trajectory, fact.direction) == ("circular", (word,))


def test_there_and_back_is_two_moves_in_order():
    assert said(facts_of([along(100 + 60 * np.minimum(T, 10 - T), 180)])) == [
        ("move", "right"),
        ("move", "left"),
    ]


def test_growth_is_toward_the_camera_unless_the_camera_zooms():
    size = 40 * np.exp(0.1 * T)
    assert said(facts_of([along(320, 180)], size=size)) == [("move", "toward_camera")]
    assert said(facts_of([along(320, 180)], size=size[::-1])) == [("move", "away_from_camera")]
    zooming = camera_of(T, ("zoom_in",))
    assert ("move", "toward_camera") not in said(facts_of([along(320, 180)], size=size, camera=zooming))


def test_enter_and_leave_name_the_side():
    facts = facts_of([along(-80 + 90 * T, 180)])
    assert said(facts) == [("enter", "right"), ("move", "right"), ("leave", "right")]
    facts = facts_of([along(320, 440 - 60 * T)])
    assert said(facts) == [("enter", "up"), ("move", "up"), ("leave", "up")]


def test_a_subject_that_is_there_from_the_start_does_not_enter():
    assert "enter" not in {f.predicate for f in facts_of([along(20 + 30 * T, 180)])}


def test_speed_change():
    assert ("accelerate",) in said(facts_of([along(50 + 5 * T**2, 180)]))
    assert ("decelerate",) in said(facts_of([along(50 + 5 * (100 - (10 - T) ** 2), 180)]))
    assert {"accelerate", "decelerate"}.isdisjoint(f.predicate for f in facts_of([along(50 + 50 * T, 180)]))


def test_the_camera_is_taken_out():
    """A pan moves a still subject through the picture; the scene says it stays."""
    shift = 25 * T
    maps = np.tile(np.eye(2, 3), (len(T), 1, 1))
    maps[:, 0, 2] = shift
    panning = camera_of(T, ("pan_right",), maps)
    assert said(facts_of([along(400 - shift, 180)], camera=panning, label="person")) == [("stay",)]
    (fact,) = facts_of([along(320, 180)], camera=panning)  # kept in the middle by the camera
    assert (fact.predicate, fact.direction, fact.frame) == ("move", ("right",), "scene")


def test_where_the_camera_is_unknown_the_frame_of_reference_is_the_image():
    unknown = camera_of(T, ("complex",), np.full((len(T), 2, 3), np.nan))
    (fact,) = facts_of([along(100 + 40 * T, 180)], camera=unknown)
    assert fact.frame == "image"


def test_a_camera_that_was_hardly_measured_is_not_said_to_stand_still():
    maps = np.tile(np.eye(2, 3), (len(T), 1, 1))
    maps[20:] = np.nan
    clip, lost = clip_of(T), camera_of(T, ("static",), maps)
    tracks, poses = tracks_of([along(320, 180)]), no_poses(T)
    kinematics = MeasureKinematics()(clip, lost, tracks, poses)
    events = FindEvents()(clip, lost, tracks, poses, kinematics)
    assert not [f for f in StateFacts()(clip, lost, tracks, events).facts if f.subject < 0]


def test_two_subjects_approach_and_separate():
    facts = facts_of([along(60 + 40 * np.minimum(T, 10 - T), 180), along(500, 180)])
    relations = [(f.predicate, f.subject, f.object) for f in facts if f.object is not None]
    assert relations == [("approach", 1000, 1001), ("separate", 1000, 1001)]


def test_evidence_and_confidence_go_with_the_size_of_the_effect():
    (weak,) = facts_of([along(320 + 8 * T, 180)], noise=0.1)
    (strong,) = facts_of([along(100 + 40 * T, 180)], noise=0.2)
    assert 0.5 <= weak.confidence < strong.confidence <= 1
    assert strong.evidence["dx_px"] == pytest.approx(396, abs=8)
    assert strong.evidence["speed_px_s"] == pytest.approx(40, rel=0.05)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_rests_and_moves_begin_and_end_within_two_tenths_of_a_second(noise):
    facts = facts_of([along(100 + 60 * np.clip(T - 3, 0, 4), 180)], noise=noise)
    times = [(round(f.span.start_s, 3), round(f.span.end_s, 3)) for f in facts]
    for (start, end), (true_start, true_end) in zip(times, [(0, 3), (3, 7), (7, 9.9)], strict=True):
        assert (start, end) == (pytest.approx(true_start, abs=0.2), pytest.approx(true_end, abs=0.2))


def test_a_rest_of_a_second_is_a_pause_and_half_a_second_is_none():
    for rest, words in ((1.2, ["move", "pause", "move"]), (0.5, ["move"])):
        path = along(100 + 50 * np.clip(T, 0, 4) + 50 * np.clip(T - 4 - rest, 0, 9), 180)
        assert [f.predicate for f in facts_of([path], noise=0.5)] == words


def test_a_moment_of_doubt_in_between_changes_nothing():
    """A box that is doubted for two samples where the thing turns round does not cut a repetition in two."""
    path = along(320 + 80 * np.sin(2 * np.pi * 4 * T / T[-1]), 180)
    clip, camera, tracks, poses = clip_of(T), camera_of(T), tracks_of([path]), no_poses(T)
    whole = MeasureKinematics()(clip, camera, tracks, poses)
    for lost, count in ((slice(30, 32), 4), (slice(30, 38), None)):
        motion = replace(
            whole.tracks, **{k: getattr(whole.tracks, k).copy() for k in ("scene_px", "speed_px_s")}
        )
        motion.scene_px[0, lost] = np.nan
        motion.speed_px_s[0, lost] = np.nan
        events = FindEvents()(clip, camera, tracks, poses, replace(whole, tracks=motion))
        counts = [
            f.count
            for f in StateFacts()(clip, camera, tracks, events).facts
            if f.trajectory == "back_and_forth"
        ]
        assert (4 in counts) == (count == 4), counts


def test_setting_off_after_a_moment_is_a_start_and_after_a_rest_it_is_a_stay():
    for begin, words in ((0.8, ["start", "move"]), (2.0, ["stay", "move"]), (0.3, ["move"])):
        facts = facts_of([along(100 + 50 * np.clip(T - begin, 0, 20), 180)], noise=0.3)
        assert sorted(f.predicate for f in facts) == sorted(words)
        for fact in facts:
            if fact.predicate == "start":
                assert fact.span.start_s == pytest.approx(begin, abs=0.15)


def speeding(*phases: tuple[float, float]) -> np.ndarray:
    """A way at a speed that goes in straight lines through (time, pixels per second)."""
    times, speeds = zip(*phases, strict=True)
    speed = np.interp(T, times, speeds)
    return 40 + np.concatenate([[0], np.cumsum(0.1 * (speed[1:] + speed[:-1]) / 2)])


def test_speed_goes_up_then_down_in_two_phases_in_order():
    facts = [f for f in facts_of([along(speeding((0, 15), (5, 90), (10, 15)), 180)]) if f.predicate != "move"]
    assert [f.predicate for f in facts] == ["accelerate", "decelerate"]
    assert facts[0].span.end_s == pytest.approx(5, abs=0.6)
    assert facts[1].span.start_s == pytest.approx(5, abs=0.6)


def test_one_phase_is_found_where_the_rest_of_the_way_is_even():
    (fact,) = (
        f
        for f in facts_of([along(speeding((0, 20), (4, 20), (7, 90), (10, 90)), 180)])
        if f.predicate != "move"
    )
    assert fact.predicate == "accelerate"
    assert fact.span.start_s == pytest.approx(4, abs=0.7)
    assert fact.span.end_s == pytest.approx(7, abs=0.7)


def test_speeding_up_round_a_corner_is_one_phase_and_an_even_turn_is_none():
    for phases, words in ((((0, 15), (10, 90)), ["accelerate"]), (((0, 45), (10, 45)), [])):
        gone = speeding(*phases) - 40
        corner = gone[-1] * 0.5
        path = np.column_stack([150 + np.minimum(gone, corner), 60 + np.maximum(gone - corner, 0)])
        facts = facts_of([path], noise=0.3)
        assert [f.direction[0] for f in facts if f.predicate == "move"] == ["right", "down"]
        assert [f.predicate for f in facts if f.predicate != "move"] == words


@pytest.mark.parametrize("path", [
    along(100 + 60 * np.clip(T - 3, 0, 4), 180),  # a start and a stop
    along(320 + 80 * np.sin(2 * np.pi * 4 * T / T[-1]), 180),  # swings
    along(-60 + 60 * T, 180),  # comes in over the border: the middle of what shows goes half as fast
])  # fmt: skip
def test_starts_stops_swings_and_borders_are_no_changes_of_speed(path):
    assert {"accelerate", "decelerate"}.isdisjoint(f.predicate for f in facts_of([path]))


def test_a_move_tells_its_way_in_frame_widths_and_in_own_sizes():
    (fact,) = facts_of([along(100 + 40 * T, 180)], noise=0.2)
    assert fact.evidence["net_widths"] == pytest.approx(396 / W, rel=0.03)
    assert fact.evidence["net_sizes"] == pytest.approx(396 / 60, rel=0.03)
    assert fact.evidence["speed_sizes_s"] == pytest.approx(40 / 60, rel=0.05)


def test_every_fact_of_a_path_states_the_frame_it_is_measured_in():
    unknown = camera_of(T, ("complex",), np.full((len(T), 2, 3), np.nan))
    paths = [
        along(320 + 80 * np.sin(2 * np.pi * 4 * T / T[-1]), 90),
        along(100 + 60 * np.clip(T - 3, 0, 4), 250),
    ]
    for camera, frame in ((camera_of(T), "scene"), (unknown, "image")):
        facts = [f for f in facts_of(paths, camera=camera) if f.object is None]
        assert {f.predicate for f in facts} == {"move", "stay", "stop"}
        assert {f.frame for f in facts} == {frame}
    entering = [f for f in facts_of([along(-80 + 90 * T, 180)]) if f.predicate in ("enter", "leave")]
    assert [f.frame for f in entering] == ["image", "image"]  # the border is the picture's


def test_what_sways_and_drifts_goes_nowhere_that_could_be_told():
    """A juggler: single sways are too short for a movement, and their sum is a path much longer than its way."""
    sway = 30 * np.interp(T, np.arange(0, 10, 0.5), np.random.default_rng(3).uniform(-1, 1, 20))
    facts = facts_of([along(300 + 3.5 * T + sway, 180)], noise=0.5, label="person", size=200)
    assert said(facts) == []


@pytest.mark.parametrize("turns", [1, 2, 4])
def test_circles_are_counted_from_two_on(turns):
    a = 2 * np.pi * turns * T / T[-1]
    (fact,) = facts_of([MIDDLE + 100 * np.column_stack([np.cos(a), -np.sin(a)])])
    assert (fact.trajectory, fact.count) == ("circular", turns if turns > 1 else None)


# --- bodies -------------------------------------------------------------------------------------------------

AT = {name: i for i, name in enumerate(BLAZEPOSE_33)}
STANDING = {
    "nose": (0, -170), "left_shoulder": (20, -140), "right_shoulder": (-20, -140), "left_hip": (14, -80),
    "right_hip": (-14, -80), "left_knee": (14, -40), "right_knee": (-14, -40), "left_ankle": (14, 0),
    "right_ankle": (-14, 0), "left_heel": (12, 4), "right_heel": (-12, 4),
}  # fmt: skip


def person(arm_deg: dict[str, np.ndarray], score: float = 0.95) -> Poses:
    """A standing person whose straight arms hang (0) or point up (180), in the picture's plane."""
    points = np.full((1, len(T), 33, 3), np.nan)
    for name, (x, y) in STANDING.items():
        points[0, :, AT[name]] = (320 + x, 300 + y, score)
    for side, sign in (("left", 1), ("right", -1)):
        angle = np.radians(arm_deg.get(side, 0 * T))
        way = np.column_stack([sign * np.sin(angle), np.cos(angle)])
        shoulder = points[0, :, AT[f"{side}_shoulder"], :2]
        for joint, reach in (("elbow", 30), ("wrist", 58)):
            points[0, :, AT[f"{side}_{joint}"], :2] = shoulder + reach * way
            points[0, :, AT[f"{side}_{joint}"], 2] = score
    world = points.copy()
    world[..., :2] = (points[..., :2] - [320, 220]) / 100
    world[..., 2] = 0
    return Poses(np.array([0]), points, world, "blazepose33")


def swing(count: int) -> np.ndarray:
    return 85 * (1 - np.cos(2 * np.pi * count * T / T[-1]))


def body_facts(poses: Poses) -> list[tuple]:
    facts = facts_of([along(320, 220)], poses=poses, label="person", size=160)
    return sorted((f.predicate, f.part, f.count) for f in facts if f.part)


def test_one_arm_goes_up_and_down_and_the_other_does_not():
    assert body_facts(person({"left": swing(1)})) == [
        ("lower", "left_arm", None),
        ("raise", "left_arm", None),
    ]


@pytest.mark.parametrize("count", [2, 4])
def test_both_arms_together_are_counted_once(count):
    assert body_facts(person({"left": swing(count), "right": swing(count)})) == [
        ("lower", "both_arms", count),
        ("raise", "both_arms", count),
    ]


def test_arms_that_hang_say_nothing():
    assert body_facts(person({})) == []


def test_joints_that_are_not_seen_say_nothing():
    assert body_facts(person({"left": swing(2)}, score=0.2)) == []


def test_a_raised_arm_does_not_move_the_person():
    facts = facts_of([along(320, 220)], poses=person({"left": swing(2)}), label="person", size=160)
    assert [f.predicate for f in facts if not f.part] == ["stay"]


def test_shoulder_angle_is_the_one_that_was_drawn():
    poses = person({"left": 60 + 0 * T})
    kinematics = MeasureKinematics()(
        clip_of(T), camera_of(T), tracks_of([along(320, 220)], label="person"), poses
    )
    shoulder = kinematics.joints.angle_deg[0, :, 0]
    # The hip stands 6 px inside the shoulder's plumb line, 60 px below it.
    np.testing.assert_allclose(shoulder, 60 + np.degrees(np.arctan2(6, 60)), atol=0.5)


def test_no_tracks_give_no_facts():
    empty = Detections(
        np.zeros(0, np.int64),
        np.zeros((0, 4)),
        np.zeros(0),
        (),
        (),
        np.zeros((0, 33, 3)),
        np.zeros((0, 33, 3)),
    )
    assert empty.skeleton is None
    clip, camera, poses = clip_of(T), camera_of(T), no_poses(T)
    shape = (0, len(T))
    tracks = Tracks(
        np.zeros(0, np.int64), (), np.zeros((*shape, 4)), np.zeros(shape), np.zeros(shape, np.int64)
    )
    kinematics = MeasureKinematics()(clip, camera, tracks, poses)
    events = FindEvents()(clip, camera, tracks, poses, kinematics)
    assert events.events == ()
    assert [f.predicate for f in StateFacts()(clip, camera, tracks, events).facts] == ["stay"]  # the camera
