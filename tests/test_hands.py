"""Hands: boxes and ids from skeletons of known geometry, contact from rendered motion, the nets where they are."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe import video, weights
from kinescribe.backends import Arms, SeenHands
from kinescribe.backends.hands import handlandmark as backend
from kinescribe.backends.hands.handlandmark import LandmarkHands
from kinescribe.backends.nets import blazepose
from kinescribe.backends.nets import handlandmark as nets
from kinescribe.errors import BackendError
from kinescribe.geometry import box_center, box_iou, box_size
from kinescribe.records import CameraMotion, Clip, Detections, Hands, Poses, Tracks
from kinescribe.stages import comotion, touch
from kinescribe.stages import hands as stage
from kinescribe.stages.comotion import HandShapes, measure_comotion
from kinescribe.stages.hands import FindHands
from kinescribe.video import ArrayFrames, Frames
from kinescribe.vocabulary import BLAZEPOSE_33, COCO_WHOLEBODY_133, CONTACTS, HAND_21, hand_side
from kinescribe.wholebody import whole_body

PULLED = all(weights.available(name) for name in backend.NETS)
needs_nets = pytest.mark.skipif(not PULLED, reason="needs the nets: run `kinescribe models pull`")
SIGNER = Path(__file__).parents[2] / "shared" / "videos" / "asl_gestures" / "please.mkv"
SIDE, T = 320, 12
POINT = {name: i for i, name in enumerate(BLAZEPOSE_33)}
NO, SELF, OTHER, OBJECT = (CONTACTS.index(f"{s}_contact") for s in ("no", "self", "other_person", "object"))

FAN = np.array(
    [(0.0, 0.0), *((0.16 * (f - 2) * (1 + 0.3 * j), -0.25 * (j + 1)) for f in range(5) for j in range(4))]
)
"""An open hand of length 1 that points up from its wrist at (0, 0)."""


def clip_of(samples: int = T, size: int = SIDE) -> Clip:
    times = np.arange(samples) / 10
    return Clip(
        "c", "c.mp4", "0" * 64, 0.0, samples / 10, 10.0, size, size, 0, samples, np.arange(samples), times
    )


def still_camera(samples: int = T, cuts: tuple[float, ...] = (), pan: float = 0.0) -> CameraMotion:
    maps = np.tile(np.array([[1.0, 0, 0], [0, 1, 0]]), (samples, 1, 1))
    maps[:, 0, 2] = pan * np.arange(samples)
    ones = np.ones(samples)
    return CameraMotion(maps, ones, ones, 0.0, np.zeros(4), ("static",), cuts)


def body(places: dict[str, tuple[float, float]], samples: int = T, score: float = 0.9) -> np.ndarray:
    points = np.full((samples, 33, 3), np.nan)
    for name, place in places.items():
        points[:, POINT[name]] = (*place, score)
    return points


ARMS = {
    "left_shoulder": (200.0, 100.0), "right_shoulder": (120.0, 100.0), "left_hip": (190.0, 220.0),
    "right_hip": (130.0, 220.0), "left_elbow": (240.0, 140.0), "left_wrist": (240.0, 200.0),
    "right_elbow": (80.0, 140.0), "right_wrist": (80.0, 200.0), "left_pinky": (246.0, 212.0),
    "left_index": (234.0, 214.0), "left_thumb": (230.0, 208.0), "right_pinky": (74.0, 212.0),
    "right_index": (86.0, 214.0), "right_thumb": (90.0, 208.0), "nose": (160.0, 60.0),
    "left_ear": (175.0, 60.0), "right_ear": (145.0, 60.0), "mouth_left": (165.0, 75.0),
}  # fmt: skip
"""Somebody who faces the camera; forearms of 60 px point down."""


def poses_of(*bodies: np.ndarray) -> Poses:
    points = np.stack(bodies)
    world = np.where(np.isfinite(points), 0.0, np.nan)
    return Poses(10 * np.arange(len(bodies)), points, world, "blazepose33")


def nobody() -> Poses:
    return Poses(np.zeros(0, np.int64), np.zeros((0, T, 33, 3)), np.zeros((0, T, 33, 3)), "blazepose33")


def tracks_of(poses: Poses, things: np.ndarray | None = None) -> Tracks:
    xyxy = np.concatenate([poses.keypoints[..., :2].copy()] * 2, axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nobody there: NaN
        people = np.concatenate([np.nanmin(xyxy[..., :2], axis=2), np.nanmax(xyxy[..., 2:], axis=2)], axis=-1)
    things = np.zeros((0, people.shape[1], 4)) if things is None else things
    boxes = np.concatenate([people, things])
    ids = np.concatenate([poses.ids, 1000 + np.arange(len(things))])
    label = ("person",) * len(people) + ("object",) * len(things)
    return Tracks(ids, label, boxes, np.ones(boxes.shape[:2]), np.zeros(boxes.shape[:2], np.int64))


def detections_of(sample: list[int], boxes: list[list[float]]) -> Detections:
    count = len(sample)
    none = np.zeros((count, 0, 3))
    return Detections(
        np.array(sample, np.int64), np.array(boxes, float).reshape(-1, 4), np.full(count, 0.8),
        ("hand",) * count, ("test",) * count, none, none,
    )  # fmt: skip


NONE = detections_of([], [])


@dataclass(frozen=True)
class NoFrames:
    """Pictures that nobody may look at."""

    def __len__(self) -> int:
        return T

    def __iter__(self) -> Frames:
        raise AssertionError("there was nothing to look for")


def dark(samples: int = T) -> ArrayFrames:
    return ArrayFrames(np.zeros((samples, SIDE, SIDE, 3), np.uint8), np.arange(samples) / 10)


@dataclass(frozen=True)
class TruthHands:
    """A backend that sees an open hand of 40 px at every wrist, at even samples."""

    right: float = 0.0
    """What it says of the side, whichever the arm is."""
    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames, arms: Arms) -> SeenHands:
        even = (np.arange(arms.length_px.shape[1]) % 2 == 0) & np.isfinite(arms.points[:, :, 1, 0])
        points = arms.points[:, :, 1, None] + 40 * FAN * (1, -1)
        score = np.where(even, 0.9, np.nan)
        return SeenHands(
            np.where(even[..., None, None], points, np.nan), score, np.where(even, self.right, np.nan)
        )


@dataclass(frozen=True)
class MissingHands:
    """A backend whose nets are not on this machine."""

    def __call__(self, clip: Clip, frames: Frames, arms: Arms) -> SeenHands:
        raise BackendError("run `kinescribe models pull` to fetch it")


def find(poses: Poses, detections: Detections = NONE, name: str = "", frames: Frames | None = None) -> Hands:
    finder = FindHands(backend=f"tests.test_hands:{name}" if name else "")
    return finder(
        clip_of(), frames or dark(), still_camera(), detections, tracks_of(poses), poses
    )  # fmt: skip


# --- ids, sides and boxes -----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 99), min_size=1, max_size=8, unique=True))
def test_hands_are_the_first_and_fourth_after_their_person(people: list[int]) -> None:
    ids = stage.ids_of(10 * np.array(people))
    assert ids.tolist() == [10 * p + offset for p in people for offset in (1, 4)]
    assert [hand_side(i) for i in ids.tolist()] == ["left", "right"] * len(people)


def test_the_side_is_the_skeletons_and_not_the_pictures() -> None:
    hands = find(poses_of(body(ARMS)), name="TruthHands")
    assert hands.ids.tolist() == [1, 4]
    middle = box_center(hands.xyxy)
    assert (middle[0, :, 0] > 200).all()  # facing the camera: her left hand is on the picture's right
    assert (middle[1, :, 0] < 120).all()


def test_a_skeletons_box_is_one_and_a_half_times_its_hand_points() -> None:
    poses = poses_of(body(ARMS))
    hands = find(poses)
    low, high = np.array([230.0, 200.0]), np.array([246.0, 214.0])  # thumb to pinky, wrist to index
    arms, _ = stage.arms_of(poses)
    half = np.maximum(1.5 * (high - low), 0.5 * arms.length_px[0, 0]) / 2
    middle = (low + high) / 2
    np.testing.assert_allclose(hands.xyxy[0, 3], [*(middle - half), *(middle + half)])
    assert np.isnan(hands.keypoints).all()
    assert not hands.seen.any()
    np.testing.assert_allclose(hands.score, 0.9)
    assert (hands.contact == 0).all()


@given(st.floats(0.0, 1.0))
def test_a_hidden_wrist_gives_no_box(score: float) -> None:
    points = body(ARMS)
    points[:, POINT["left_wrist"], 2] = score
    hands = find(poses_of(points))
    assert np.isfinite(hands.xyxy[0, :, 0]).all() == (score >= 0.5)
    assert np.isfinite(hands.xyxy[1]).all()


def test_hands_outside_the_picture_have_no_box() -> None:
    gone = {**ARMS, "left_wrist": (400.0, 200.0), "left_pinky": (410.0, 212.0), "left_index": (400.0, 214.0),
            "left_thumb": (395.0, 205.0)}  # fmt: skip
    assert np.isnan(find(poses_of(body(gone))).xyxy[0]).all()


def test_a_forearm_that_points_at_the_camera_keeps_its_length() -> None:
    short = {**ARMS, "left_elbow": (240.0, 195.0)}
    arms, _ = stage.arms_of(poses_of(body(short)))
    np.testing.assert_allclose(arms.length_px[0], 0.45 * 120)
    np.testing.assert_allclose(arms.length_px[1], 60)


def test_a_skeleton_without_knuckles_has_its_hand_beyond_the_wrist() -> None:
    seventeen = np.zeros((1, T, 17, 3))
    seventeen[..., 2] = 0.9
    for i, place in {5: (200, 100), 6: (120, 100), 7: (240, 140), 8: (80, 140), 9: (240, 200), 10: (80, 200),
                     11: (190, 220), 12: (130, 220)}.items():  # fmt: skip
        seventeen[:, :, i, :2] = place
    poses = Poses(np.array([0]), seventeen, np.full_like(seventeen, np.nan), "coco17")
    hands = find(poses)
    np.testing.assert_allclose(box_center(hands.xyxy[0]), np.tile([240, 200 + 0.35 * 60], (T, 1)))


def test_points_give_the_box_and_say_who_saw_them() -> None:
    hands = find(poses_of(body(ARMS)), name="TruthHands")
    truth = np.array([240.0, 200.0]) + 40 * FAN * (1, -1)
    np.testing.assert_allclose(hands.keypoints[0, 4, :, :2], truth)
    np.testing.assert_allclose(hands.keypoints[0, 5, :, :2], truth)  # filled in
    assert hands.seen[0].tolist() == [True, False] * (T // 2)
    np.testing.assert_array_equal(hands.filled, ~hands.seen)
    assert set(hands.keypoints[0, 4, :, 2]) == {0.9}
    assert set(hands.keypoints[0, 5, :, 2]) == {0.5}
    np.testing.assert_array_equal(np.isnan(hands.score), hands.filled)
    low, high = truth.min(0), truth.max(0)
    assert (hands.xyxy[0, 4, :2] < low).all()
    assert (hands.xyxy[0, 4, 2:] > high).all()
    assert box_iou(hands.xyxy[0, 4][None], np.concatenate([low, high])[None])[0, 0] > 0.7


def test_nobody_has_no_hands_and_costs_nothing_without_a_net() -> None:
    hands = FindHands(backend="")(
        clip_of(), NoFrames(), still_camera(), NONE, tracks_of(poses_of(body(ARMS))), nobody()
    )
    assert hands.xyxy.shape == (0, T, 4)
    assert hands.keypoints.shape == (0, T, 21, 3)
    assert hands.notes == ()


def test_missing_nets_leave_boxes_and_the_remedy() -> None:
    hands = find(poses_of(body(ARMS)), name="MissingHands")
    assert np.isfinite(hands.xyxy).all()
    assert np.isnan(hands.keypoints).all()
    assert any("kinescribe models pull" in note for note in hands.notes)


def test_nets_that_are_not_pulled_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path))
    poses = poses_of(body(ARMS))
    hands = FindHands()(clip_of(), dark(), still_camera(), NONE, tracks_of(poses), poses)
    assert "hand_landmark_full" in hands.notes[0]
    assert "kinescribe models pull" in hands.notes[0]
    assert LandmarkHands.identity() == "none"


def test_a_wrong_backend_is_the_users_mistake() -> None:
    poses = poses_of(body(ARMS))
    with pytest.raises(BackendError, match="handlandmark"):
        FindHands(backend="handlandmarks")(
            clip_of(), dark(), still_camera(), NONE, tracks_of(poses), poses
        )  # fmt: skip


# --- one hand, once -----------------------------------------------------------------------------------------


def seen_at(middles: np.ndarray, right: np.ndarray, score: np.ndarray) -> SeenHands:
    return SeenHands(middles[:, None, None] + np.zeros((1, 1, 21, 1)), score[:, None], right[:, None])


@pytest.mark.parametrize(("right", "loser"), [(0.9, 0), (0.1, 1)])
def test_a_hand_seen_from_both_arms_belongs_to_the_side_that_it_shows(right: float, loser: int) -> None:
    seen = seen_at(np.array([[100.0, 100.0], [105.0, 100.0]]), np.array([right, right]), np.array([0.9, 0.9]))
    once = stage.once(seen, np.full((2, 1), 42.0))
    assert np.isnan(once.score[:, 0]).tolist() == [loser == 0, loser == 1]
    assert np.isnan(once.points[loser]).all()
    assert np.isnan(once.right[loser]).all()


def test_two_hands_side_by_side_stay_two() -> None:
    seen = seen_at(np.array([[100.0, 100.0], [120.0, 100.0]]), np.array([0.1, 0.9]), np.array([0.9, 0.6]))
    assert np.isfinite(stage.once(seen, np.full((2, 1), 42.0)).score).all()


BOX = st.tuples(st.floats(0, 200), st.floats(0, 200), st.floats(5, 60), st.floats(5, 60))


@given(st.lists(BOX, min_size=1, max_size=8), st.randoms())
def test_no_two_boxes_that_are_kept_are_of_one_hand(boxes: list[tuple[float, ...]], random: object) -> None:
    xyxy = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])[:, None]
    trust = np.array([[random.randint(0, 2)] for _ in boxes])  # type: ignore[attr-defined]
    drop = stage.doubles(xyxy, trust)[:, 0]
    middle, size = box_center(xyxy[:, 0]), box_size(xyxy[:, 0])

    def same(a: int, b: int) -> bool:
        return bool(np.hypot(*(middle[a] - middle[b])) < (size[a] + size[b]) / 6)

    kept = np.flatnonzero(~drop).tolist()
    assert not any(same(a, b) for a in kept for b in kept if a < b)
    for lost in np.flatnonzero(drop).tolist():
        assert any(same(lost, k) and trust[k, 0] >= trust[lost, 0] for k in kept)


def test_a_detected_hand_belongs_to_whom_it_overlaps_most() -> None:
    hands = np.array([[0.0, 0, 20, 20], [15, 0, 35, 20], [100, 100, 120, 120]])
    found = np.array([[14.0, 0, 34, 20], [2, 0, 22, 20], [115, 100, 135, 120]])
    assert stage.owners(hands, found, 0.3) == [(0, 1), (1, 0)]  # the third overlaps by a seventh
    assert stage.owners(hands, np.zeros((0, 4)), 0.3) == []


@given(st.floats(0, 40))
def test_overlap_must_exceed_three_tenths(shift: float) -> None:
    hand = np.array([[0.0, 0.0, 40.0, 40.0]])
    iou = (40 - shift) / (40 + shift)
    assert bool(stage.owners(hand, hand + np.array([shift, 0, shift, 0]), 0.3)) == (iou > 0.3)


def test_a_detectors_hand_box_replaces_the_skeletons_guess() -> None:
    poses = poses_of(body(ARMS))
    guess = find(poses).xyxy[0, 5]
    box = (guess + np.array([3, 2, 3, 2])).tolist()
    hands = find(poses, detections_of([5], [box]))
    np.testing.assert_allclose(hands.xyxy[0, 5], box)
    assert hands.score[0, 5] == 0.8
    np.testing.assert_allclose(hands.xyxy[0, 4], guess)


# --- gaps ---------------------------------------------------------------------------------------------------


def walk(samples: int = T) -> np.ndarray:
    """A wrist on a bow: nothing that a straight line between two looks would hit."""
    t = np.arange(samples)
    return np.stack([100 + 3.0 * t, 100 + 0.8 * (t - 5.0) ** 2], axis=1)[None]


def test_a_filled_hand_goes_where_the_wrist_goes() -> None:
    wrist = walk()
    truth = wrist[:, :, None] + 30 * FAN
    looked = truth.copy()
    looked[:, 1::2] = np.nan
    filled = stage.filled(clip_of(), still_camera(), looked, wrist, 0.3)
    np.testing.assert_allclose(filled, truth)


def test_long_gaps_cuts_and_lost_wrists_are_not_filled() -> None:
    wrist = walk()
    looked = wrist[:, :, None] + 30 * FAN
    looked[:, 3:6] = np.nan  # 0.4 s between looks
    filled = stage.filled(clip_of(), still_camera(), looked, wrist, 0.3)
    assert np.isnan(filled[0, 3:6]).all()
    looked = wrist[:, :, None] + 30 * FAN
    looked[:, 3:5] = np.nan
    assert np.isfinite(stage.filled(clip_of(), still_camera(), looked, wrist, 0.3)).all()
    lost = wrist.copy()
    lost[:, 4] = np.nan
    assert np.isnan(stage.filled(clip_of(), still_camera(), looked, lost, 0.3)[0, 4]).all()
    # The picture changes between samples 3 and 4: each side is the end of what was seen, and holds for 0.15 s.
    turned = looked.copy()
    turned[:, 5:] = wrist[:, 5:, None] - 30 * FAN
    filled = stage.filled(clip_of(), still_camera(cuts=(0.35,)), turned, wrist, 0.3)
    np.testing.assert_allclose(filled[0, 3] - wrist[0, 3], 30 * FAN)
    np.testing.assert_allclose(filled[0, 4] - wrist[0, 4], -30 * FAN)


# --- what moves along ---------------------------------------------------------------------------------------


def cloth(seed: int, size: tuple[int, int], coarse: int = 6) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (size[0] // coarse + 2, size[1] // coarse + 2, 3))
    big = cv2.resize(noise.astype(np.uint8), None, fx=coarse, fy=coarse, interpolation=cv2.INTER_CUBIC)
    return big[: size[0], : size[1]]


def hand_path() -> np.ndarray:
    t = np.arange(T)
    return np.stack([110 + 8.0 * t, 190 + 15 * np.sin(t / 2)], axis=1)


LENGTH = 60.0


def rendered(holding: bool, blank: bool = False, pan: float = 0.0) -> tuple[ArrayFrames, HandShapes]:
    """A hand of 60 px before a patterned wall, with or without a board of 170 x 90 px behind its fingers."""
    wall = np.full((SIDE, 2 * SIDE, 3), 128, np.uint8) if blank else cloth(1, (SIDE, 2 * SIDE))
    skin, cup = cloth(2, (SIDE, SIDE), 4), cloth(3, (SIDE, SIDE), 5)
    images, points = [], []
    for k, wrist in enumerate(hand_path()):
        shift = round(pan * k)
        image = wall[:, shift : shift + SIDE].copy()
        wrist = np.round(wrist).astype(int)
        at = wrist + LENGTH * FAN
        mask = np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(at.round().astype(np.int32)), 1)
        mask = cv2.dilate(mask, np.ones((9, 9), np.uint8)).astype(bool)
        moved = np.roll(skin, tuple(wrist[::-1]), (0, 1))
        if holding:
            left, top = wrist[0] - 85, wrist[1] - 115
            thing = np.roll(cup, tuple(wrist[::-1]), (0, 1))
            image[max(0, top) : top + 90, max(0, left) : left + 170] = thing[
                max(0, top) : top + 90, max(0, left) : left + 170
            ]
        image[mask] = moved[mask]
        images.append(image)
        points.append(at)
    one = np.array(points)
    shapes = HandShapes(
        np.stack([one, np.full_like(one, np.nan)]),
        np.stack([hand_path() + np.array([0, 80]), np.full((T, 2), np.nan)]),
        np.full((2, T), LENGTH),
        np.full((2, T, 2), np.nan),
    )
    return ArrayFrames(np.array(images), np.arange(T) / 10), shapes


def measured(frames: ArrayFrames, shapes: HandShapes, pan: float = 0.0) -> comotion.Comotion:
    return measure_comotion(clip_of(), frames, still_camera(pan=pan), shapes, 40.0)


@pytest.mark.parametrize("pan", [0.0, 5.0])
def test_what_is_held_moves_along_and_a_wall_does_not(pan: float) -> None:
    empty = measured(*rendered(holding=False, pan=pan), pan=pan).share[0, 1:]
    holds = measured(*rendered(holding=True, pan=pan), pan=pan).share[0, 1:]
    assert np.isfinite(empty).sum() >= 9
    assert np.nanmax(empty) < 0.1
    assert np.nanmin(holds) > 0.3
    assert np.nanmedian(holds) > 0.4


def test_the_box_of_what_is_held_lies_on_it() -> None:
    frames, shapes = rendered(holding=True)
    held = measured(frames, shapes).held_xyxy[0]
    k = np.flatnonzero(np.isfinite(held[:, 0]))
    wrist = np.round(hand_path()).astype(int)
    truth = np.concatenate([wrist - (85, 115), wrist + np.array([85, -25])], axis=1).astype(float)
    assert len(k) >= 8
    iou = [float(box_iou(held[i][None], truth[i][None])[0, 0]) for i in k]
    assert np.median(iou) > 0.5


def test_a_blank_wall_tells_nothing() -> None:
    assert np.isnan(measured(*rendered(holding=False, blank=True)).share).all()


def test_a_resting_hand_tells_nothing() -> None:
    frames, shapes = rendered(holding=True)
    still = ArrayFrames(np.repeat(frames.images[:1], T, axis=0), frames.times_s)
    rest = HandShapes(*(np.repeat(values[:, :1], T, axis=1) for values in shapes))
    assert np.isnan(measured(still, rest).share).all()


def test_a_hand_that_goes_with_its_body_tells_nothing() -> None:
    frames, shapes = rendered(holding=True)
    carried = shapes._replace(trunk=np.stack([hand_path() - 30, np.full((T, 2), np.nan)]))
    assert np.isnan(measured(frames, carried).share).all()


def test_a_slow_hand_is_compared_with_an_earlier_picture() -> None:
    frames, shapes = rendered(holding=True)
    slow = ArrayFrames(np.repeat(frames.images, 2, axis=0)[:T], frames.times_s)
    halved = HandShapes(*(np.repeat(values, 2, axis=1)[:, :T] for values in shapes))
    share = measured(slow, halved).share[0]
    assert np.isfinite(share[3:]).all()
    assert np.nanmin(share) > 0.3


def test_small_hands_are_not_measured() -> None:
    frames, shapes = rendered(holding=True)
    result = measure_comotion(clip_of(), frames, still_camera(), shapes, LENGTH + 1)
    assert np.isnan(result.share).all()


def test_an_unknown_camera_tells_nothing() -> None:
    frames, shapes = rendered(holding=True)
    camera = replace(still_camera(), to_scene=np.full((T, 2, 3), np.nan))
    assert np.isnan(measure_comotion(clip_of(), frames, camera, shapes, 40.0).share).all()


# --- contact ------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("+-?"), min_size=1, max_size=40))
def test_a_state_lasts_where_three_telling_samples_in_a_row_show_it(signs: list[str]) -> None:
    times = np.arange(len(signs)) / 10
    asked, holds = (np.array([s in which for s in signs]) for which in ("+-", "+"))
    result = touch.lasting(times, asked, holds)
    assert not (result & asked & ~holds).any()
    ends = np.flatnonzero(np.diff(np.r_[0, result.astype(int), 0])).reshape(-1, 2)
    for first, end in ends:
        assert signs[first] == signs[end - 1] == "+"
        assert signs[first:end].count("+") >= 3
    if "+++" in "".join(signs):
        assert result.any()


def test_telling_samples_far_apart_are_not_in_a_row() -> None:
    asked = np.zeros(20, bool)
    asked[[0, 6, 12]] = True
    assert not touch.lasting(np.arange(20) / 10, asked, asked).any()


def shapes_at(left: tuple[float, float], right: tuple[float, float] | None = None) -> HandShapes:
    hands = [np.tile(np.array(p) + 40 * FAN, (T, 1, 1)) for p in (left, right or (np.nan, np.nan))]
    nowhere = np.full((2, T, 2), np.nan)
    return HandShapes(np.stack(hands), nowhere, np.full((2, T), 40.0), nowhere)


def states(
    shapes: HandShapes, poses: Poses, share: float = np.nan, things: np.ndarray | None = None
) -> np.ndarray:
    moving = np.full((len(shapes.points), T), np.nan)
    moving[0] = share
    return touch.contact_states(clip_of(), tracks_of(poses, things), poses, shapes, moving, 25.0)


ASIDE = (300.0, 60.0)
"""Far from all of the body."""


@pytest.mark.parametrize(
    ("share", "state"), [(0.8, OBJECT), (0.41, OBJECT), (0.39, 0), (0.11, 0), (0.05, NO), (np.nan, 0)]
)
def test_objects_are_touched_by_comotion_alone(share: float, state: int) -> None:
    assert set(states(shapes_at(ASIDE), poses_of(body(ARMS)), share)[0].tolist()) == {state}


def test_a_hand_that_is_too_small_is_unknown() -> None:
    small = shapes_at(ASIDE)._replace(length_px=np.full((2, T), 24.0))
    assert not states(small, poses_of(body(ARMS)), 0.9).any()


@pytest.mark.parametrize("place", [(160.0, 160.0), (160.0, 90.0), (215.0, 140.0)])
def test_a_hand_before_the_body_is_unknown_though_nothing_moves_along(place: tuple[float, float]) -> None:
    assert NO not in states(shapes_at(place), poses_of(body(ARMS)), 0.0)[0]


def test_a_hand_beside_a_thing_is_unknown_though_nothing_moves_along() -> None:
    thing = np.tile([290.0, 30.0, 318.0, 50.0], (1, T, 1))
    assert not states(shapes_at(ASIDE), poses_of(body(ARMS)), 0.0, thing).any()


def test_a_fist_may_hold_what_does_not_show() -> None:
    fist = shapes_at(ASIDE)
    closed = fist.points.copy()
    for finger in range(5):  # tips back on the palm
        closed[:, :, 1 + 4 * finger + 3] = closed[:, :, 1 + 4 * finger]
    assert not states(fist._replace(points=closed), poses_of(body(ARMS)), 0.0).any()


@pytest.mark.parametrize(("behind", "state"), [(0.0, SELF), (0.1, SELF), (0.3, 0), (np.nan, 0)])
def test_hands_touch_only_at_the_same_depth(behind: float, state: int) -> None:
    poses = poses_of(body(ARMS))
    poses.world[0, :, POINT["left_wrist"], 2] = behind
    found = states(shapes_at((240.0, 200.0), (260.0, 205.0)), poses)
    assert set(found.ravel().tolist()) == {state}


def test_a_hand_at_the_mouth_touches_oneself_and_one_far_before_it_is_unknown() -> None:
    poses = poses_of(body(ARMS))
    at_mouth = shapes_at((165.0, 110.0))
    assert set(states(at_mouth, poses)[0].tolist()) == {SELF}
    poses.world[0, :, POINT["left_wrist"], 2] = -0.3
    assert set(states(at_mouth, poses)[0].tolist()) == {0}


def test_a_hand_before_the_trunk_touches_nothing_that_is_known() -> None:
    assert not states(shapes_at((160.0, 180.0)), poses_of(body(ARMS))).any()


def neighbour(scale: float) -> np.ndarray:
    """Somebody whose right upper arm goes through (300, 40), at a size."""
    middle = np.array([300.0, 40.0])
    shoulder, elbow = middle - (0, 30), middle + np.array([0, 30])
    places = {name: (np.array(p) - ARMS["right_shoulder"]) * scale + shoulder for name, p in ARMS.items()}
    places["right_elbow"] = elbow
    return body({name: (float(x), float(y)) for name, (x, y) in places.items()})


@pytest.mark.parametrize(("scale", "state"), [(1.0, OTHER), (1.2, OTHER), (0.6, 0), (1.6, 0)])
def test_another_is_touched_on_a_limb_and_only_at_the_same_distance(scale: float, state: int) -> None:
    poses = poses_of(body(ARMS), neighbour(scale))
    shapes = shapes_at((300.0, 62.0))
    thin = shapes.points * np.array([0.2, 1.0]) + np.array([0.8 * 300.0, 0.0])  # edge on, along the arm
    two = HandShapes(*(np.concatenate([v, np.full_like(v, np.nan)]) for v in shapes._replace(points=thin)))
    two.length_px[2:] = 40.0
    assert set(states(two, poses)[0].tolist()) == {state}


def test_the_track_in_the_hand_is_the_one_that_keeps_its_place_there() -> None:
    path = np.cumsum(np.random.default_rng(0).normal(0, 8, (T, 2)), axis=0) + 150
    hand = np.concatenate([path - 20, path + 20], axis=1)[None]
    rides = hand[0] + (15, 0, 15, 0) + np.random.default_rng(1).normal(0, 0.5, (T, 1))
    stays = np.tile([100.0, 100, 200, 200], (T, 1))
    far = rides + 100
    holds = np.ones((1, T), bool)
    holds[0, 0] = False
    tracks = tracks_of(poses_of(body(ARMS)), np.stack([stays, rides, far]))
    found = touch.held_tracks(tracks, hand, holds)
    assert found[0].tolist() == [-1] + [1001] * (T - 1)
    without = tracks_of(poses_of(body(ARMS)), np.stack([stays, far]))
    assert set(touch.held_tracks(without, hand, holds)[0].tolist()) == {-1}


@dataclass(frozen=True)
class PaintedHand:
    """A backend that knows where ``rendered`` paints the left hand."""

    def __call__(self, clip: Clip, frames: Frames, arms: Arms) -> SeenHands:
        unknown = np.full((2, T), np.nan)
        points = np.full((2, T, 21, 2), np.nan)
        points[0] = np.round(hand_path())[:, None] + LENGTH * FAN
        score = unknown.copy()
        score[0] = 0.9
        return SeenHands(points, score, score / 9)


@pytest.mark.parametrize("holding", [True, False])
def test_the_stage_finds_what_a_hand_holds(holding: bool) -> None:
    points = body(ARMS)
    points[:, POINT["left_wrist"], :2] = hand_path()
    points[:, POINT["left_elbow"], :2] = hand_path() + np.array([0, LENGTH / 0.7])
    frames, _ = rendered(holding)
    poses = poses_of(points)
    wrist = np.round(hand_path())
    thing = (
        np.concatenate([wrist - (85, 115), wrist + np.array([85, -25])], axis=1)[None] if holding else None
    )
    finder = FindHands(backend="tests.test_hands:PaintedHand")
    hands = finder(clip_of(), frames, still_camera(), NONE, tracks_of(poses, thing), poses)
    told = hands.contact[0] == OBJECT
    assert told.sum() >= 9 if holding else not told.any()
    assert set(hands.held_track[0, told].tolist()) == ({1000} if holding else set())
    if thing is not None:
        np.testing.assert_allclose(hands.held_xyxy[0, told], thing[0, told])
    assert np.isnan(hands.held_xyxy[0, ~told]).all()


# --- hands without bodies -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class FreeHands:
    """A backend that sees the hand which ``rendered`` paints, as a right hand, though there is nobody."""

    right: float = 0.9

    def __call__(self, clip: Clip, frames: Frames, arms: Arms) -> SeenHands:
        raise AssertionError("there are no arms")

    def free(self, clip: Clip, frames: Frames) -> SeenHands:
        points = (np.round(hand_path())[:, None] + LENGTH * FAN)[None]
        even = np.arange(T)[None] % 2 == 0
        score = np.where(even, 0.9, np.nan)
        return SeenHands(np.where(even[..., None, None], points, np.nan), score, score - 0.9 + self.right)


def free(right: float, holding: bool, tracks: Tracks | None = None) -> Hands:
    finder = FindHands(backend="tests.test_hands:FreeHands", options={"right": right})
    frames, _ = rendered(holding)
    nothing = np.zeros((0, T))
    none = Tracks(np.zeros(0, np.int64), (), np.zeros((0, T, 4)), nothing, nothing.astype(np.int64))
    return finder(clip_of(), frames, still_camera(), NONE, tracks or none, nobody())


@pytest.mark.parametrize(("right", "row"), [(0.9, 1), (0.1, 0)])
def test_a_hand_of_nobody_has_the_side_that_it_shows_and_holds_what_goes_with_it(
    right: float, row: int
) -> None:
    hands = free(right, holding=True)
    assert hands.ids.tolist() == [1, 4]
    np.testing.assert_allclose(
        hands.keypoints[row, 2, :, :2], np.round(hand_path()[2]) + LENGTH * FAN, atol=1e-9
    )
    assert np.isfinite(hands.keypoints[row, : T - 1, 0, 0]).all()  # filled between the looks
    assert np.isnan(hands.xyxy[1 - row]).all()
    assert (hands.contact[row] == OBJECT).sum() >= 8


def test_nothing_but_objects_is_said_of_a_hand_without_a_body() -> None:
    assert not free(0.9, holding=False).contact.any()


def test_hands_of_nobody_are_numbered_after_somebody_who_has_no_skeleton() -> None:
    alone = free(0.9, holding=True)
    beside = free(0.9, holding=True, tracks=tracks_of(poses_of(body(ARMS))))
    assert len(alone.ids)
    np.testing.assert_array_equal(beside.ids, alone.ids + 10)


def test_palm_anchors_are_the_cell_centres_of_two_grids() -> None:
    anchors = nets.palm_anchors()
    assert anchors.shape == (2016, 2)
    np.testing.assert_allclose(anchors[:2], 0.5 / 24)
    np.testing.assert_allclose(anchors[2], [1.5 / 24, 0.5 / 24])
    np.testing.assert_allclose(anchors[2 * 24 * 24 : 2 * 24 * 24 + 6], 0.5 / 12)


@needs_nets
def test_no_palm_is_seen_in_the_dark_and_a_painted_one_of_a_signer_is() -> None:
    palms = nets.PalmDetector()
    image = np.zeros((240, 320, 3), np.uint8)
    assert palms(image, blazepose.whole(image)) == []
    if not SIGNER.exists():
        return
    source = video.scan(SIGNER)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    frame = next(f for f in video.VideoFrames(clip) if f.sample == 12)
    found = palms(frame.image, blazepose.Region(np.array([270.0, 250.0]), 240.0, 0.0))
    hands = [nets.HandLandmarks().landmarks(frame.image, region) for region in found]
    assert any(hand.presence > 0.5 for hand in hands)


# --- the whole body -----------------------------------------------------------------------------------------


def test_a_body_and_its_hands_are_the_133_points_by_name() -> None:
    rng = np.random.default_rng(0)
    points, left, right = (rng.uniform(0, 100, (T, k, 3)) for k in (33, 21, 21))
    right[3] = np.nan
    whole = whole_body(points, left, right)
    assert whole.shape == (T, 133, 3)
    place = {name: i for i, name in enumerate(COCO_WHOLEBODY_133)}
    for name in ("nose", "left_wrist", "right_ankle", "left_heel", "right_foot_index"):
        np.testing.assert_array_equal(whole[:, place[name]], points[:, POINT[name]])
    np.testing.assert_array_equal(whole[:, 91:112], left)
    known = np.arange(T) != 3
    np.testing.assert_array_equal(whole[known, 112:133], right[known])
    # Where the hand is unknown, two knuckles are the body's.
    np.testing.assert_array_equal(whole[3, 112 + HAND_21.index("index_1")], points[3, POINT["right_index"]])
    assert np.isfinite(whole[3, 112:133, 0]).sum() == 2
    assert np.isnan(whole[:, place["left_small_toe"]]).all()
    assert np.isfinite(whole[:, 23:91, 0]).sum(1).tolist() == [6] * T  # corners of eyes and mouth


# --- the nets' geometry -------------------------------------------------------------------------------------


@given(st.floats(-np.pi, np.pi), st.floats(20, 200), st.floats(-50, 300))
def test_a_hands_square_holds_it_with_the_fingers_up(angle: float, length: float, x: float) -> None:
    cos, sin = np.cos(angle), np.sin(angle)
    points = length * FAN @ np.array([[cos, sin], [-sin, cos]]) + (x, 100)
    region = nets.region_of_hand(points)
    turn = np.array([[cos, -sin], [sin, cos]])
    inside = (points - region.center) @ turn / region.size + 0.5
    assert abs(np.angle(np.exp(1j * (region.angle - angle)))) < 1e-6
    assert (inside > 0).all()
    assert (inside < 1).all()
    assert inside[0, 1] > 0.6  # the wrist is below, the tips are above
    assert inside[HAND_21.index("middle_4"), 1] < 0.4
    again = nets.region_of_hand(blazepose.to_image(inside, region))
    np.testing.assert_allclose(again.center, region.center, atol=1e-6 * length)


def test_an_arm_gives_the_published_square() -> None:
    wrist, pinky, index = np.array([100.0, 100.0]), np.array([90.0, 70.0]), np.array([105.0, 70.0])
    region = nets.region_of_arm(wrist, pinky, index)
    np.testing.assert_allclose(region.center, [100, 70])
    assert region.size == pytest.approx(2.7 * 60)
    assert region.angle == pytest.approx(0)


def test_a_forearms_square_lies_beyond_the_wrist() -> None:
    region = backend.region_of_forearm(np.array([100.0, 100.0]), np.array([160.0, 100.0]), 60.0)
    np.testing.assert_allclose(region.center, [160 + 21, 100])
    assert region.size == pytest.approx(66)
    assert region.angle == pytest.approx(np.pi / 2)


# --- when the nets are asked --------------------------------------------------------------------------------


class Nets(nets.HandLandmarks):
    """Stands in for the nets: a hand at the first square's bottom, or ``off`` from there."""

    calls: ClassVar[list[float]] = []
    presence: ClassVar[float] = 0.9

    def __init__(self) -> None:
        pass

    def landmarks(self, image: np.ndarray, region: blazepose.Region) -> nets.Hand:
        self.calls.append(region.size)
        wrist = blazepose.to_image(np.array([0.5, 0.5 + 0.35 / 1.1]), region)
        points = np.concatenate([wrist + 20 * FAN, np.zeros((21, 1))], axis=1).astype(np.float32)
        return nets.Hand(points, self.presence, 0.2, region)

    def recrop(self, image: np.ndarray, region: blazepose.Region) -> blazepose.Region:
        return region


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> type[Nets]:
    monkeypatch.setattr(backend, "shared", Nets)
    monkeypatch.setattr(Nets, "calls", [])
    monkeypatch.setattr(Nets, "presence", 0.9)
    return Nets


def looked(frames: Frames, arms: Arms, **options: float) -> SeenHands:
    return LandmarkHands(**options)(clip_of(), frames, arms)  # type: ignore[arg-type]


def flickering() -> ArrayFrames:
    images = np.random.default_rng(0).integers(0, 255, (T, SIDE, SIDE, 3), dtype=np.uint8)
    return ArrayFrames(images, np.arange(T) / 10)


def moving(speed: float) -> Arms:
    """The left wrist moves to the side, so many pixels from sample to sample; the right one rests."""
    points = body(ARMS)
    for name in ("left_elbow", "left_wrist", "left_pinky", "left_index"):
        points[:, POINT[name], 0] += speed * np.arange(T)
    return stage.arms_of(poses_of(points))[0]


def test_every_third_sample_is_looked_at(asked: type[Nets]) -> None:
    arms, _ = stage.arms_of(poses_of(body(ARMS)))
    seen = looked(flickering(), arms)
    assert len(asked.calls) == 2 * T // 3
    assert np.isfinite(seen.score[0]).tolist() == [True, False, False] * (T // 3)
    np.testing.assert_allclose(seen.points[:, ::3, 0], arms.points[:, ::3, 1], atol=1e-3)


def test_an_arm_that_moves_half_its_length_in_between_is_looked_at_every_second_sample(
    asked: type[Nets],
) -> None:
    seen = looked(flickering(), moving(16.0))  # of 60 px
    assert np.isfinite(seen.score[0]).tolist() == [True, False] * (T // 2)
    assert np.isfinite(seen.score[1]).tolist() == [True, False, False] * (T // 3)
    seen = looked(flickering(), moving(14.0))
    assert np.isfinite(seen.score[0]).tolist() == [True, False, False] * (T // 3)


def test_an_arm_that_turns_is_looked_at_every_second_sample(asked: type[Nets]) -> None:
    angle = np.radians(170) + 0.3 * np.arange(T)  # through 180 degrees
    arms, _ = stage.arms_of(poses_of(body(ARMS)))
    arms.points[0, :, 1] = arms.points[0, :, 0] + 60 * np.column_stack([np.cos(angle), np.sin(angle)])
    every_second = [True, False] * (T // 2)
    assert np.isfinite(looked(flickering(), arms, max_move=9.0).score[0]).tolist() == every_second
    seen = looked(flickering(), arms, max_move=9.0, max_turn=0.7)
    assert np.isfinite(seen.score[0]).tolist() == [True, False, False] * (T // 3)


def test_a_hand_that_was_just_lost_is_looked_for_at_the_next_sample(
    asked: type[Nets], monkeypatch: pytest.MonkeyPatch
) -> None:
    arms, _ = stage.arms_of(poses_of(body(ARMS)))
    arms.points[1] = np.nan
    samples: list[int] = []

    def never(search: object, frame: video.Frame, *rest: object) -> tuple[None, int]:
        samples.append(frame.sample)
        return None, backend.FOREARM

    monkeypatch.setattr(backend._Search, "_along_the_arm", never)
    looked(flickering(), arms)
    assert samples == [0, 3, 6, 9]  # was never there

    def till_5(
        search: object, frame: video.Frame, region: blazepose.Region, *rest: object
    ) -> tuple[nets.Hand | None, int]:
        samples.append(frame.sample)
        return Nets().landmarks(frame.image, region) if frame.sample < 5 else None, backend.FOREARM

    samples.clear()
    monkeypatch.setattr(backend._Search, "_along_the_arm", till_5)
    looked(flickering(), arms)
    assert samples == [0, 3, 6, 7, 10]


def test_a_picture_that_does_not_change_is_looked_at_once(asked: type[Nets]) -> None:
    arms, _ = stage.arms_of(poses_of(body(ARMS)))
    seen = looked(dark(), arms)
    assert len(asked.calls) == 2
    assert np.isfinite(seen.score[:, ::3]).all()


def test_a_wrist_that_moves_is_looked_at_again(asked: type[Nets]) -> None:
    looked(dark(), moving(8.0))
    assert len(asked.calls) == T // 3 + 1


def test_the_largest_arms_are_asked_and_small_ones_are_not(asked: type[Nets]) -> None:
    arms, _ = stage.arms_of(poses_of(body(ARMS), body(ARMS)))
    arms.length_px[:] = np.array([[39.0], [60.0], [80.0], [41.0]])
    seen = looked(flickering(), arms, max_arms=2)
    assert np.isfinite(seen.score[:, 0]).tolist() == [False, True, True, False]
    assert np.isfinite(looked(flickering(), arms).score[:, 0]).tolist() == [False, True, True, True]


def test_what_is_no_hand_is_looked_for_in_both_ways_and_then_in_one_at_a_time(asked: type[Nets]) -> None:
    asked.presence = 0.3
    arms, _ = stage.arms_of(poses_of(body(ARMS)))
    arms.points[1] = np.nan
    seen = looked(flickering(), arms)
    assert np.isnan(seen.points).all()
    forearm, knuckles = asked.calls[:2]
    assert forearm != knuckles
    assert asked.calls[2:] == ([forearm, knuckles] * T)[: T // 3 - 1], "at samples 3, 6, 9"


def test_a_hand_is_looked_for_first_as_it_was_found_last(
    asked: type[Nets], monkeypatch: pytest.MonkeyPatch
) -> None:
    arms, _ = stage.arms_of(poses_of(body(ARMS)))
    arms.points[1] = np.nan
    by_forearm = backend.region_of_forearm(
        arms.points[0, 0, 0], arms.points[0, 0, 1], float(arms.length_px[0, 0])
    )
    landmarks = Nets.landmarks

    def only_by_knuckles(self: Nets, image: np.ndarray, region: blazepose.Region) -> nets.Hand:
        hand = landmarks(self, image, by_forearm)
        asked.calls[-1] = region.size
        return hand._replace(presence=0.9 if region.size != by_forearm.size else 0.1)

    monkeypatch.setattr(Nets, "landmarks", only_by_knuckles)
    seen = looked(flickering(), arms)
    assert np.isfinite(seen.score[0, ::3]).all()
    assert len(asked.calls) == 1 + T // 3, "the forearm only once"


def test_a_hand_elsewhere_is_another_hand(asked: type[Nets]) -> None:
    arms, _ = stage.arms_of(poses_of(body(ARMS)))
    assert np.isnan(looked(flickering(), arms, max_off=0.0).score).all()


class Palms:
    """Stands in for the palm detector: one square, always the same."""

    def __call__(self, image: np.ndarray, window: blazepose.Region) -> list[blazepose.Region]:
        return [blazepose.Region(np.array([100.0, 100.0]), 80.0, 0.0)]


def test_a_palm_is_followed_as_one_hand(asked: type[Nets], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "PalmDetector", Palms)
    seen = LandmarkHands().free(clip_of(), flickering())
    assert seen.score.shape == (1, T)
    assert np.isfinite(seen.score[0]).tolist() == [True, False] * (T // 2)


def test_what_does_not_last_is_no_hand(asked: type[Nets], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "PalmDetector", Palms)
    short = ArrayFrames(flickering().images[:6], np.arange(6) / 10)
    assert LandmarkHands().free(clip_of(6), short).score.shape == (0, 6)


# --- the nets themselves ------------------------------------------------------------------------------------


@needs_nets
def test_noise_holds_no_hand() -> None:
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    hand = nets.HandLandmarks().landmarks(image, blazepose.Region(np.array([160.0, 120.0]), 150.0, 0.3))
    assert hand.points.shape == (21, 3)
    assert hand.presence < 0.5


@needs_nets
@pytest.mark.skipif(not SIGNER.exists(), reason="needs the shared videos")
def test_a_signers_hands_are_found_on_their_sides() -> None:
    if not weights.available("pose_landmark_full"):
        pytest.skip("needs the nets: run `kinescribe models pull`")
    source = video.scan(SIGNER)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    frame = next(f for f in video.VideoFrames(clip) if f.sample == 12)
    pose = blazepose.BlazePose()
    person = pose.landmarks(frame.image, pose.detect(frame.image)[0].region)
    points = np.asarray(person.points, float)
    net = nets.HandLandmarks()
    for side, is_right in (("left", False), ("right", True)):
        elbow, wrist = (points[POINT[f"{side}_{name}"], :2] for name in ("elbow", "wrist"))
        region = backend.region_of_forearm(elbow, wrist, float(np.hypot(*(wrist - elbow))))
        hand = net.landmarks(frame.image, region)
        assert hand.presence > 0.5, side
        assert (hand.right > 0.5) == is_right
        assert np.hypot(*(hand.points[0, :2] - wrist)) < 0.4 * np.hypot(*(wrist - elbow))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**16))
def test_what_the_record_says_is_consistent_whatever_the_skeleton(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.concatenate(
        [rng.uniform(-50, SIDE + 50, (2, T, 33, 2)), rng.uniform(0, 1, (2, T, 33, 1))], -1
    )
    points[rng.uniform(size=(2, T)) < 0.2] = np.nan
    hands = find(Poses(np.array([0, 10]), points, np.zeros_like(points), "blazepose33"), name="TruthHands")
    has_points = np.isfinite(hands.keypoints[..., 0, 0])
    has_box = np.isfinite(hands.xyxy[..., 0])
    assert (hands.seen <= has_points).all()
    np.testing.assert_array_equal(np.isfinite(hands.right), hands.seen)
    assert np.isfinite(hands.score[hands.seen & has_box]).all()
    assert not {NO, OBJECT} & set(hands.contact.ravel().tolist())  # nothing but darkness is to be seen
    boxes = hands.xyxy[has_box]
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert boxes.min(initial=0) >= 0
    assert boxes.max(initial=0) <= SIDE
