"""The judge against measurements made by hand: true, false and unknown, and two texts against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.checks import Judgement, Measurements, beside, check, gap, located, travelled
from kinescribe.language import ground, names, parse
from kinescribe.records import (
    CAMERA,
    Action,
    CameraMotion,
    Claim,
    Clip,
    JointKinematics,
    Kinematics,
    Poses,
    Span,
    TrackKinematics,
    Tracks,
)
from kinescribe.vocabulary import ANGLE_PAIRS, ANGLES, BLAZEPOSE_33, COMPASS, OPPOSITES

W, H = 640, 360
T = np.arange(0, 6, 0.1)
YES, NO, UNKNOWN = True, False, None


def measured(
    paths: list[np.ndarray],
    *,
    size: np.ndarray | float = 60.0,
    labels: tuple[str, ...] = ("static",),
    label: str = "object",
    noise: float = 1.0,
    points: dict[str, np.ndarray] | None = None,
    angles: dict[str, np.ndarray] | None = None,
    image: list[np.ndarray] | None = None,
) -> Measurements:
    """Hand-made measurements: paths are given as they are, nothing is smoothed."""
    scene = np.stack(paths).astype(float)
    filmed = scene if image is None else np.stack(image).astype(float)
    shape = scene.shape[:2]
    sizes = np.broadcast_to(np.asarray(size, float), shape).copy()
    half = sizes[..., None] / 2
    xyxy = np.concatenate([filmed - half, filmed + half], -1)
    velocity = np.gradient(scene, T, axis=1)
    speed = np.hypot(velocity[..., 0], velocity[..., 1])
    step = 10 if label == "person" else 1
    ids = np.arange(len(paths), dtype=np.int64) * step + (0 if label == "person" else 1000)
    zeros = np.zeros(shape)
    motion = TrackKinematics(
        ids,
        ("scene",) * len(ids),
        filmed,
        scene,
        velocity,
        speed,
        zeros,
        zeros,
        sizes,
        zeros,
        np.full(len(ids), noise),
    )
    joints_of = np.full((len(ids), shape[1], len(ANGLES)), np.nan)
    for name, values in (angles or {}).items():
        joints_of[:, :, list(ANGLES).index(name)] = values
    none = np.zeros((len(ids), len(ANGLES)))
    pairs = np.zeros((len(ids), len(ANGLE_PAIRS)))
    joints = JointKinematics(ids, joints_of, joints_of, *[none] * 7, pairs, pairs, np.zeros(shape))
    maps = np.tile(np.eye(2, 3), (len(T), 1, 1))
    camera = CameraMotion(maps, np.ones(len(T)), np.ones(len(T)), 0.0, np.zeros(4), labels)
    clip = Clip("c", "s", "x", 0.0, 6.0, 10.0, W, H, 0, len(T), np.arange(len(T)), T)
    tracks = Tracks(ids, (label,) * len(ids), xyxy, np.ones(shape), np.zeros(shape, np.int64))
    return Measurements(clip, camera, tracks, body(ids, shape[1], points), Kinematics(motion, joints))


def body(ids: np.ndarray, num_samples: int, points: dict[str, np.ndarray] | None) -> Poses:
    """An upright person with a trunk of 100 px; ``points`` replace single body points."""
    keypoints = np.full((len(ids), num_samples, 33, 3), np.nan)
    if points is not None:
        keypoints[..., 2] = 1.0
        rest = {
            "shoulder": (100, 100),
            "hip": (100, 200),
            "wrist": (100, 210),
            "knee": (100, 260),
            "ankle": (100, 320),
        }
        for i, name in enumerate(BLAZEPOSE_33):
            keypoints[:, :, i, :2] = rest.get(name.split("_")[-1], (100, 80))
            if name in points:
                keypoints[:, :, i, :2] = points[name]
    return Poses(ids, keypoints, keypoints, "blazepose33")


def along(x: np.ndarray | float, y: np.ndarray | float = 180.0) -> np.ndarray:
    return np.column_stack(np.broadcast_arrays(np.asarray(x, float) + 0 * T, np.asarray(y, float) + 0 * T))


def judge(text: str, where: Measurements) -> Judgement:
    called = names(where.tracks)
    (claim,) = ground(parse(text), where.tracks, called)
    return check(claim, where)


RIGHT = measured([along(100 + 60 * T)])
UP = measured([along(320, 330 - 40 * T)])
DIAGONAL = measured([along(100 + 40 * T, 300 - 40 * T)])
BACK = measured([along(np.where(T < 3, 100 + 80 * T, 340 - 80 * (T - 3)))])
STILL = measured([along(300 + np.sin(40 * T))])
STOPS = measured([along(100 + 80 * np.minimum(T, 3))])
STARTS = measured([along(100 + 80 * np.maximum(T - 3, 0))])
PAUSES = measured([along(100 + 80 * (np.minimum(T, 2) + np.maximum(T - 4, 0)))])
FASTER = measured([along(50 + 12 * T**2)])
SLOWER = measured([along(50 + 12 * (36 - (6 - T) ** 2))])
NEARER = measured([along(300)], size=60 * np.exp(T / 6))
ZOOMED = measured([along(300)], size=60 * np.exp(T / 6), labels=("zoom_in",))
SWINGS = measured([along(320 + 100 * np.sin(2 * np.pi * T / 2 - np.pi / 2))])
CIRCLES = measured([along(320 + 90 * np.cos(2 * np.pi * T / 3), 180 - 90 * np.sin(2 * np.pi * T / 3))])
CURVES = measured([along(320 - 200 * np.cos(np.pi * T / 6), 300 - 200 * np.sin(np.pi * T / 6))])
ZIGZAG = measured([along(60 + 80 * T, 180 + 60 * (2 * np.abs((T / 1.5) % 2 - 1) - 1))])
BOBS = measured([along(np.where(T < 0.4, 100 - 40 * T, 84 + 90 * (T - 0.4)))])
WALKERS = measured([along(50 + 60 * T), along(600)])
SHORT = measured([along(np.where((T > 1) & (T < 1.3), 300, np.nan))])
HIDDEN = measured([along(np.where(T < 2, 100 + 60 * T, np.nan))])
HALF_TURNS = measured([along(320 + 100 * np.sin(2 * np.pi * np.minimum(T, 5) / 2 - np.pi / 2))])
PANNED = measured([along(100 + 60 * T)], image=[along(300)], labels=("pan_right",))


@pytest.mark.parametrize(
    ("text", "where", "holds"),
    [
        # Directions, with and without time.
        ("The object moves to the right.", RIGHT, YES),
        ("The object moves to the left.", RIGHT, NO),
        ("The object moves up.", RIGHT, NO),
        ("The object moves to the upper right.", RIGHT, YES),  # on the border between two sectors
        ("The object moves to the upper left.", RIGHT, NO),
        ("The object rises.", UP, YES),
        ("The object falls.", UP, NO),
        ("The object moves to the upper right.", DIAGONAL, YES),
        ("The object moves to the lower left.", DIAGONAL, NO),
        ("The object moves to the lower right.", DIAGONAL, NO),
        ("The object moves to the right from 1.0 s to 4.0 s.", RIGHT, YES),
        ("The object moves to the left from 1.0 s to 4.0 s.", RIGHT, NO),
        ("The object moves to the right.", BACK, YES),
        ("The object moves to the left.", BACK, YES),
        ("The object moves to the left from 0.0 s to 2.8 s.", BACK, NO),
        ("The object moves to the left from 3.2 s to 5.9 s.", BACK, YES),
        ("The object moves to the left from 0.0 s to 5.9 s.", BACK, UNKNOWN),  # there and back
        ("The object moves up from 0.0 s to 5.9 s.", BACK, NO),
        ("The object moves to the left.", BOBS, NO),  # 16 px against 500
        ("The object moves forward.", RIGHT, UNKNOWN),
        ("The object moves to the left and then to the right.", RIGHT, NO),
        # Staying.
        ("The object stays still.", STILL, YES),
        ("The object moves.", STILL, NO),
        ("The object moves to the left.", STILL, NO),
        ("The object stays in place.", RIGHT, NO),
        ("The object does not move.", RIGHT, NO),
        ("The object does not move to the left.", RIGHT, YES),
        ("The object does not move to the right.", RIGHT, NO),
        ("The object stays still from 3.2 s to 5.9 s.", STOPS, YES),
        ("The object stays still from 1.0 s to 2.5 s.", STOPS, NO),
        # Starting, stopping, pausing, speed.
        ("The object stops.", STOPS, YES),
        ("The object stops at 3.0 s.", STOPS, YES),
        ("The object stops at 1.0 s.", STOPS, NO),
        ("The object stops.", RIGHT, NO),
        ("The object stops.", STARTS, NO),
        ("The object sets off at 3.0 s.", STARTS, YES),
        ("The object sets off.", STOPS, NO),
        ("The object pauses.", PAUSES, YES),
        ("The object pauses from 2.0 s to 4.0 s.", PAUSES, YES),
        ("The object pauses.", RIGHT, NO),
        ("The object pauses.", STOPS, NO),
        ("The object speeds up.", FASTER, YES),
        ("The object slows down.", FASTER, NO),
        ("The object slows down from 1.0 s to 5.0 s.", SLOWER, YES),
        ("The object speeds up from 1.0 s to 5.0 s.", SLOWER, NO),
        ("The object accelerates.", RIGHT, NO),
        # Depth.
        ("The object moves toward the camera.", NEARER, YES),
        ("The object moves away from the camera.", NEARER, NO),
        ("The object moves toward the camera.", RIGHT, NO),
        ("The object moves toward the camera.", ZOOMED, UNKNOWN),
        # Shapes and repetitions.
        ("The object moves in a straight line.", RIGHT, YES),
        ("The object moves in a straight line.", CURVES, NO),
        ("The object moves along a curved path.", CURVES, YES),
        ("The object moves along a curved path.", RIGHT, NO),
        ("The object moves in a circle.", CIRCLES, YES),
        ("The object moves counterclockwise in a circle.", CIRCLES, YES),
        ("The object moves clockwise in a circle.", CIRCLES, NO),
        ("The object moves counterclockwise in a circle twice.", CIRCLES, YES),
        ("The object moves counterclockwise in a circle three times.", CIRCLES, NO),
        ("The object moves in a circle.", RIGHT, NO),
        ("The object moves in a zigzag.", ZIGZAG, YES),
        ("The object moves in a zigzag.", RIGHT, NO),
        ("The object moves in a straight line.", ZIGZAG, NO),
        ("The object moves back and forth.", SWINGS, YES),
        ("The object moves left and right three times.", SWINGS, YES),
        ("The object moves left and right twice.", SWINGS, NO),
        ("The object moves left and right four times.", SWINGS, NO),
        ("The object moves up and down.", SWINGS, NO),
        ("The object moves back and forth.", RIGHT, NO),
        ("The object moves left and right twice.", HALF_TURNS, UNKNOWN),  # two and a half times
        ("The object moves left and right once.", HALF_TURNS, NO),
        # Manners.
        ("The object moves quickly to the right.", RIGHT, NO),
        ("The object moves slowly to the right.", RIGHT, UNKNOWN),  # 0.09 widths/s
        ("The object moves far to the right.", RIGHT, YES),
        ("The object moves slightly to the right.", RIGHT, NO),
        ("The object moves elegantly to the right.", RIGHT, YES),  # no measurement: left out
        # Pairs.
        ("Object 1 approaches object 2.", WALKERS, YES),
        ("Object 2 approaches object 1.", WALKERS, NO),
        ("Object 1 moves away from object 2.", WALKERS, NO),
        ("Object 1 approaches the house.", WALKERS, UNKNOWN),
        # Entering and leaving.
        ("The object enters the frame.", RIGHT, NO),
        ("The object leaves the frame.", RIGHT, NO),
        ("The object leaves the frame.", HIDDEN, UNKNOWN),  # lost away from the border
        # Unknown.
        ("The object smiles.", RIGHT, UNKNOWN),
        ("The dog moves to the right.", RIGHT, UNKNOWN),
        ("The object moves to the right from 3.0 s to 5.0 s.", HIDDEN, UNKNOWN),
        ("The object moves to the right.", HIDDEN, YES),
        ("The object moves.", SHORT, UNKNOWN),
        ("The object lifts a box.", RIGHT, UNKNOWN),
        ("The object raises the left arm.", RIGHT, UNKNOWN),
        ("The object pans to the left.", RIGHT, UNKNOWN),
    ],
)  # fmt: skip
def test_paths(text: str, where: Measurements, holds: bool | None) -> None:
    found = judge(text, where)
    assert found.holds is holds, found.why
    assert found.why


@given(
    heading=st.sampled_from(COMPASS),
    speed=st.floats(30, 120),
    said_span=st.booleans(),
    off_deg=st.floats(-40, 40),
)
def test_a_swapped_direction_is_refused(heading: str, speed: float, said_span: bool, off_deg: float) -> None:
    angle = np.radians(COMPASS.index(heading) * 45 + off_deg)
    where = measured([along(320 + speed * np.cos(angle) * T, 180 - speed * np.sin(angle) * T)])
    span = Span(1.0, 4.0) if said_span else None
    for direction, holds in ((heading, True), (OPPOSITES[heading], False)):
        action = Action("move", 0, 1, agent="object", direction=(direction,), span=span)
        assert check(Claim(action, 1000), where).holds is holds


@given(st.integers(2, 8), st.floats(0.05, 0.95))
def test_counts_are_exact(count: int, phase: float) -> None:
    period = 5.6 / count
    x = np.where((T > 0.2) & (T < 5.8), 1 - np.cos(2 * np.pi * (T - 0.2) / period), 0.0)
    where = measured([along(200 + 80 * x)])
    for claimed in range(1, 10):
        action = Action("move", 0, 1, direction=("left", "right"), trajectory="back_and_forth", count=claimed)
        assert check(Claim(action, 1000), where).holds is (claimed == count)


def test_entering_and_leaving_by_the_sides() -> None:
    x = -30 + 110 * T
    seen = (x > 0) & (x < W - 60)
    where = measured([along(np.where(seen, x, np.nan))])
    where = replace(where, tracks=replace(where.tracks, xyxy=np.clip(where.tracks.xyxy, 0, None)))
    inside = where.tracks.xyxy.copy()
    inside[0, np.flatnonzero(seen)[-1], 2] = W
    where = replace(where, tracks=replace(where.tracks, xyxy=inside))
    for text, holds in {
        "The object enters the frame from the left.": YES,
        "The object comes into view from the right.": NO,
        "The object enters the frame at 0.3 s.": YES,
        "The object enters the frame at 3.0 s.": NO,
        "The object leaves the frame to the right.": YES,
        "The object leaves the frame to the left.": NO,
        "The object does not leave the frame.": NO,
    }.items():
        found = judge(text, where)
        assert found.holds is holds, (text, found.why)


RAISED = np.column_stack([0 * T + 100, np.where(T < 2, 210, np.where(T < 3, 210 - 200 * (T - 2), 10))])
TWICE = np.column_stack([0 * T + 100, 210 - 95 * (1 - np.cos(2 * np.pi * T / 3))])
BENT = 175 - 40 * (1 - np.cos(2 * np.pi * T / 3))
PERSON = measured(
    [along(300)], label="person", points={"left_wrist": RAISED, "right_wrist": TWICE},
    angles={"left_knee": BENT, "right_knee": 175 + 0 * T, "left_elbow": np.where(T < 5, np.nan, 100)},
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("The person raises the left arm.", YES),
        ("The person lifts her left hand.", YES),
        ("The person lowers the left arm.", NO),
        ("The person raises the left arm from 2.0 s to 3.0 s.", YES),
        ("The person raises the left arm from 3.2 s to 5.0 s.", NO),
        ("The person raises both arms.", YES),
        ("The person raises both arms from 1.8 s to 3.2 s.", NO),  # the right one falls then
        ("The person raises the right arm twice.", YES),
        ("The person raises the right arm once.", NO),
        ("The person raises the right arm three times.", NO),
        ("The left arm rises.", YES),
        ("The person bends the left knee.", YES),
        ("The person bends the left knee twice.", YES),
        ("The person straightens the left knee.", YES),
        ("The person bends the right knee.", NO),
        ("The person does not bend the right knee.", YES),
        ("The person bends both knees.", NO),
        ("The person bends the left elbow from 1.0 s to 3.0 s.", UNKNOWN),
        ("The person raises the left leg.", NO),
        ("The person bends forward.", UNKNOWN),
        ("The person raises a flag.", UNKNOWN),
    ],
)
def test_limbs(text: str, holds: bool | None) -> None:
    found = judge(text, PERSON)
    assert found.holds is holds, found.why


@pytest.mark.parametrize("size", [15.0, 40.0])
def test_a_small_swing_of_a_joint_is_unknown_or_absent(size: float) -> None:
    angle = 170 - size * (T > 3)
    where = measured([along(300)], label="person", points={}, angles={"left_knee": angle})
    assert judge("The person bends the left knee.", where).holds is (size > 30)


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ("The camera pans to the left.", ("pan_left",), YES),
        ("The camera pans to the right.", ("pan_left",), NO),
        ("The camera pans.", ("pan_left",), YES),
        ("The camera stays still.", ("static",), YES),
        ("The camera stays still.", ("slight",), YES),
        ("The camera stays still.", ("pan_left",), NO),
        ("The camera moves.", ("pan_left",), YES),
        ("The camera moves.", ("static",), NO),
        ("The camera moves forward.", ("dolly_in",), YES),
        ("The camera moves forward.", ("zoom_in",), NO),
        ("The camera zooms in.", ("pan_left", "zoom_in"), YES),
        ("The camera zooms out.", ("zoom_in",), NO),
        ("The camera tilts up.", ("complex",), UNKNOWN),
        ("The camera rolls clockwise.", ("roll_clockwise",), YES),
        ("The camera shakes.", ("handheld",), YES),
        ("The camera shakes.", ("static",), NO),
        ("The camera does not pan to the right.", ("pan_left",), YES),
        ("The camera flies over the city.", ("static",), NO),
        ("The camera pans to the left.", (), UNKNOWN),
    ],
)
def test_the_camera(text: str, labels: tuple[str, ...], holds: bool | None) -> None:
    found = judge(text, measured([along(300)], labels=labels))
    assert found.holds is holds, found.why


def test_the_scene_counts_and_not_the_picture() -> None:
    assert judge("The object moves to the right.", PANNED).holds is True
    assert judge("The object moves to the right.", PANNED.as_filmed()).holds is False
    assert judge("The object stays still.", PANNED.as_filmed()).holds is True


def test_why_gives_numbers() -> None:
    why = judge("The object moves to the left from 1.0 s to 4.0 s.", RIGHT).why
    assert "180 px right (0.28 widths) in 1.0-4.0 s" in why


def test_within_is_what_ever_means_in_a_span() -> None:
    early, late = BACK.within(Span(0, 2.8)), BACK.within(Span(3.2, 6))
    text = "The object moves to the left."
    assert judge(text, early).holds is False
    assert judge(text, late).holds is True
    assert np.isfinite(BACK.kinematics.tracks.scene_px).all(), "the original stays as it is"


def test_places() -> None:
    span = Span(0, 1)
    assert located(RIGHT, 1000, "upper_left", Span(0, 1)).holds is None  # on the middle line
    assert located(UP, 1000, "lower_right", span).holds is None
    low = measured([along(100, 300)])
    judged = {
        q: located(low, 1000, q, span).holds
        for q in ("lower_left", "lower_right", "upper_left", "upper_right")
    }
    assert judged == {"lower_left": True, "lower_right": False, "upper_left": False, "upper_right": False}
    assert located(HIDDEN, 1000, "lower_left", Span(4, 5)).holds is None
    sides = {side: beside(WALKERS, 1000, 1001, side, span).holds for side in ("left", "right", "up", "down")}
    assert sides == {"left": True, "right": False, "up": False, "down": False}
    diagonal = measured([along(100, 100), along(300, 300)])
    assert beside(diagonal, 1000, 1001, "left", span).holds is None
    assert travelled(RIGHT, 1000, (0.25, 0.32), Span(1, 4)).holds is True
    assert travelled(RIGHT, 1000, (0.5, 0.6), Span(1, 4)).holds is False


def test_the_distance_of_two() -> None:
    span = Span(0, 5.9)
    assert gap(WALKERS, 1000, 1001, "shrinks", span).holds is True
    assert gap(WALKERS, 1000, 1001, "grows", span).holds is False
    assert gap(WALKERS, 1000, 1001, "constant", span).holds is False
    assert gap(WALKERS, 1000, 1001, "grows_then_shrinks", span).holds is False
    there = measured([along(100 + 80 * np.minimum(T, 6 - T)), along(600)])
    assert gap(there, 1000, 1001, "shrinks_then_grows", span).holds is True
    still = measured([along(100), along(600)])
    assert gap(still, 1000, 1001, "constant", span).holds is True


def test_a_claim_about_nobody_is_unknown() -> None:
    assert check(Claim(Action("move", 0, 1), None), RIGHT).holds is None
    assert check(Claim(Action("move", 0, 1, agent="x"), 77), RIGHT).holds is None
    assert check(Claim(Action("move", 0, 1, agent="camera"), CAMERA), RIGHT).holds is False
