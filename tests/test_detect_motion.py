"""Moving things are boxed where they are, and nothing is boxed where nothing moves; people explain their parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from kinescribe import plugins
from kinescribe.backends.detectors._plate import sort_pixels
from kinescribe.backends.detectors.motion import MotionRegions
from kinescribe.errors import BackendError
from kinescribe.geometry import apply_affine, box_iou, invert_affine
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.stages.camera import MeasureCamera
from kinescribe.stages.detect import DetectSubjects, joined, nothing, select
from kinescribe.video import ArrayFrames, Frames, VideoFrames, make_clip, scan
from kinescribe.vocabulary import BLAZEPOSE_33
from tests.test_camera import HEIGHT, WIDTH, clip_of, driving, filmed, shaking, steady, texture

SIDE = 48


def find(images: np.ndarray, camera: CameraMotion | None = None, **options: object) -> Detections:
    clip = clip_of(images)
    frames = ArrayFrames(images, clip.times_s)
    return MotionRegions(**options)(clip, frames, camera or MeasureCamera()(clip, frames), nothing())


def with_patch(
    images: np.ndarray,
    path: Sequence[tuple[float, float]] | np.ndarray,
    places: np.ndarray | None = None,
    seed: int = 31,
) -> tuple[np.ndarray, np.ndarray]:
    """Paste a textured square along a path (its middle; in the scene where the camera's places are given)."""
    images, patch, boxes = images.copy(), texture(SIDE, SIDE, seed), []
    for t, (image, middle) in enumerate(zip(images, np.asarray(path, dtype=float), strict=True)):
        here = middle if places is None else apply_affine(invert_affine(places[t]), middle)
        x, y = np.round(here - SIDE / 2).astype(int)
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + SIDE, WIDTH), min(y + SIDE, HEIGHT)
        if x0 < x1 and y0 < y1:
            image[y0:y1, x0:x1] = patch[y0 - y : y1 - y, x0 - x : x1 - x]
        boxes.append((x0, y0, x1, y1))
    return images, np.array(boxes, dtype=float)


def straight(
    count: int, start: tuple[float, float] = (60, 80), step: tuple[float, float] = (6, 2)
) -> np.ndarray:
    return np.array(start) + np.arange(count)[:, None] * np.array(step)


def best_iou(found: Detections, truth: np.ndarray) -> np.ndarray:
    """Best overlap with the true box, per sample; 0 where nothing was found."""
    return np.array(
        [box_iou(found.xyxy[found.sample == t], truth[t : t + 1]).max(initial=0.0) for t in range(len(truth))]
    )


def strays(found: Detections, truth: np.ndarray) -> int:
    """How many boxes have nothing to do with the true one."""
    return sum(
        float(box_iou(found.xyxy[i : i + 1], truth[s : s + 1])[0, 0]) < 0.1
        for i, s in enumerate(found.sample)
    )


# --- nothing moves ------------------------------------------------------------------------------------------


def flickering(images: np.ndarray) -> np.ndarray:
    gain = np.random.default_rng(1).uniform(0.85, 1.15, len(images))
    return np.clip(images * gain[:, None, None, None], 0, 255).astype(np.uint8)


def brightening(images: np.ndarray) -> np.ndarray:
    return np.clip(images * np.linspace(0.6, 1.1, len(images))[:, None, None, None], 0, 255).astype(np.uint8)


def compressed(images: np.ndarray) -> np.ndarray:
    quality = [cv2.IMWRITE_JPEG_QUALITY]
    return np.stack(
        [
            cv2.imdecode(cv2.imencode(".jpg", image, [*quality, 30 + 20 * (t % 3)])[1], 1)
            for t, image in enumerate(images)
        ]
    )


def shaded(images: np.ndarray) -> np.ndarray:
    """A soft shadow wanders over the wall."""
    images = images.copy()
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for t, image in enumerate(images):
        shade = 1 - 0.17 * np.exp(-(((x - 40 - 8 * t) / 50) ** 2 + ((y - 140) / 60) ** 2))
        image[:] = (image * shade[..., None]).astype(np.uint8)
    return images


@pytest.mark.parametrize("change", [None, flickering, brightening, compressed, shaded])
@pytest.mark.parametrize("noise", [2.0, 6.0])
def test_nothing_is_found_where_nothing_moves(change: object, noise: float) -> None:
    images = filmed(steady(50), noise=noise)
    found = find(images if change is None else change(images))  # type: ignore[operator]
    assert len(found.sample) == 0


@pytest.mark.parametrize("places", [steady(30, x=6), steady(30, y=-4), steady(30, grow=1.01), shaking(40)])
def test_nothing_is_found_when_only_the_camera_moves(places: np.ndarray) -> None:
    assert len(find(filmed(places)).sample) == 0


# --- something moves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [2.0, 6.0])
@pytest.mark.parametrize("step", [(6, 2), (1.5, 0.5), (20, 4)])
def test_a_moving_patch_is_boxed_by_a_steady_camera(noise: float, step: tuple[float, float]) -> None:
    count = 50 if step[0] < 10 else 18
    images, truth = with_patch(filmed(steady(count), noise=noise), straight(count, step=step))
    found = find(images)
    iou = best_iou(found, truth)
    assert (iou > 0.5).mean() >= 0.95
    assert np.median(iou) > 0.8
    assert strays(found, truth) == 0
    assert set(found.label) == {"object"}
    assert set(found.source) == {"motion"}
    assert ((found.score > 0) & (found.score < 1)).all()
    assert found.notes == ()


def test_a_stop_is_boxed_too() -> None:
    path = np.concatenate(
        [straight(20, (60, 80)), np.repeat([(174.0, 118.0)], 20, axis=0), straight(20, (180, 120))]
    )
    images, truth = with_patch(filmed(steady(60)), path)
    assert (best_iou(find(images), truth) > 0.5).mean() > 0.95


def test_a_thing_that_comes_and_stays_is_boxed_although_it_is_on_the_plate() -> None:
    path = np.concatenate([straight(20, (60, 80)), np.repeat([(174.0, 118.0)], 60, axis=0)])
    images, truth = with_patch(filmed(steady(80)), path)
    found = find(images)
    assert (best_iou(found, truth) > 0.5).mean() > 0.95
    assert strays(found, truth) == 0


def test_a_thing_that_rests_first_and_then_goes_is_boxed_all_along() -> None:
    path = np.concatenate([np.repeat([(200.0, 120.0)], 25, axis=0), straight(25, (212, 120), (12, 0))])
    images, truth = with_patch(filmed(steady(50)), path)
    found = find(images)
    in_view = truth[:, 2] - truth[:, 0] > SIDE / 2
    assert (best_iou(found, truth)[in_view] > 0.5).mean() > 0.95


def test_what_somebody_stood_in_front_of_is_no_thing() -> None:
    place = np.repeat([(200.0, 120.0)], 60, axis=0)
    path = np.concatenate(
        [np.repeat([(-100.0, 120.0)], 25, axis=0), place, straight(15, (212, 120), (40, 0))]
    )
    images, truth = with_patch(filmed(steady(100)), path)
    found = find(images)
    before, after = found.sample < 24, found.sample > 94
    assert not before.any(), "the wall is there before the patch covers it, although it is not on the plate"
    assert not after.any()
    assert (best_iou(found, truth)[86:91] > 0.4).all(), "while it leaves it is seen"


def test_boxes_are_in_the_sample_s_own_pixels_when_the_camera_trembles() -> None:
    places = shaking(50, px=6.0)
    images, truth = with_patch(filmed(places), straight(50), places)
    found = find(images)
    assert (best_iou(found, truth) > 0.5).mean() > 0.9
    assert np.median(best_iou(found, truth)) > 0.75
    assert strays(found, truth) <= 2


@pytest.mark.parametrize("pan", [5.0, -8.0])
def test_a_moving_patch_is_found_by_a_panning_camera_without_false_boxes(pan: float) -> None:
    places = steady(30, x=pan)
    on_screen = np.arange(-15, 15)[:, None] * (np.sign(pan) * 8, 4)
    path = np.array([WIDTH / 2, HEIGHT / 2]) + np.arange(30)[:, None] * (pan, 0) + on_screen
    images, truth = with_patch(filmed(places), path, places)
    found = find(images)
    assert (best_iou(found, truth) > 0.3).mean() > 0.6, "approximate: misses are allowed"
    assert strays(found, truth) == 0
    assert "camera moves" in found.notes[0]


def test_two_things_are_two_boxes() -> None:
    images, first = with_patch(filmed(steady(40)), straight(40, (60, 60), (6, 0)))
    images, second = with_patch(images, straight(40, (420, 200), (-6, 0)), seed=32)
    found = find(images)
    assert (best_iou(found, first) > 0.5).mean() > 0.95
    assert (best_iou(found, second) > 0.5).mean() > 0.95
    assert np.bincount(found.sample, minlength=40).max() == 2


def test_both_shots_are_looked_at() -> None:
    other = texture(1600, 1200, 77)
    first, truth_a = with_patch(filmed(steady(25)), straight(25))
    second, truth_b = with_patch(filmed(steady(25), wall=other), straight(25))
    found = find(np.concatenate([first, second]))
    iou = best_iou(found, np.concatenate([truth_a, truth_b]))
    assert (iou[:25] > 0.5).mean() > 0.9
    assert (iou[25:] > 0.5).mean() > 0.9


def test_nothing_is_looked_for_while_driving() -> None:
    found = find(driving(40))
    assert len(found.sample) == 0
    assert any("camera unknown" in note for note in found.notes)


def test_an_unknown_camera_that_pans_gives_nothing() -> None:
    images = filmed(steady(30, x=6))
    unknown = np.full((30, 2, 3), np.nan)
    nan = np.full(30, np.nan)
    found = find(images, CameraMotion(unknown, nan, nan, 0.0, np.zeros(4), ("slight",)))
    assert len(found.sample) == 0
    assert found.notes == ("motion: camera unknown at 0.0-2.9 s, nothing looked for",)


def test_a_plate_stands_for_a_minute_at_most() -> None:
    count = 1400
    clip = clip_of(np.zeros((count, 4, 4, 3), np.uint8))
    still = np.repeat(np.eye(2, 3)[None], count, axis=0)
    camera = CameraMotion(still, np.ones(count), np.ones(count), 0.0, np.zeros(4), ("static",), (30.0,))
    stretches = MotionRegions()._stretches(clip, camera)
    assert [s.start for s in stretches[1:]] == [s.stop for s in stretches[:-1]]
    assert stretches[0].start == 0
    assert stretches[-1].stop == count
    assert 300 in [s.start for s in stretches], "a cut begins a new plate"
    assert max(s.stop - s.start for s in stretches) <= 601


def test_short_and_tiny_clips_do_not_fail() -> None:
    for count in (1, 2, 3):
        assert len(find(filmed(steady(count))).sample) == 0
    rng = np.random.default_rng(0)
    find(rng.integers(0, 255, (6, 9, 7, 3), dtype=np.uint8))


@pytest.mark.parametrize("count", [1, 2, 3, 6, 13, 45])
def test_pictures_are_sorted_pixel_by_pixel(count: int) -> None:
    pictures = np.random.default_rng(count).integers(0, 256, (count, 12, 8), dtype=np.uint8)
    assert (np.stack(sort_pixels(list(pictures))) == np.sort(pictures, axis=0)).all()


# --- the stage ----------------------------------------------------------------------------------------------


def rows(*boxes: tuple[float, float, float, float], sample: int = 0, score: float = 0.5) -> Detections:
    count = len(boxes)
    return Detections(
        np.full(count, sample, np.int64), np.array(boxes, dtype=float).reshape(-1, 4), np.full(count, score),
        ("object",) * count, ("motion",) * count, np.zeros((count, 0, 3)), np.zeros((count, 0, 3)),
    )  # fmt: skip


STANDING = {
    "nose": (100, 30), "left_shoulder": (115, 60), "right_shoulder": (85, 60), "left_elbow": (125, 90),
    "right_elbow": (75, 90), "left_wrist": (130, 120), "right_wrist": (70, 120), "left_index": (131, 128),
    "right_index": (69, 128), "left_hip": (110, 120), "right_hip": (90, 120), "left_knee": (112, 160),
    "right_knee": (88, 160), "left_ankle": (113, 200), "right_ankle": (87, 200), "left_foot_index": (120, 206),
    "right_foot_index": (80, 206),
}  # fmt: skip


def person(sample: int = 0, dx: float = 0.0) -> Detections:
    points = np.full((1, 33, 3), np.nan)
    for name, (x, y) in STANDING.items():
        points[0, BLAZEPOSE_33.index(name)] = (x + dx, y, 0.9)
    return Detections(
        np.array([sample]), np.array([[55.0 + dx, 10, 145 + dx, 212]]), np.array([0.9]), ("person",), ("blazepose",),
        points, np.zeros((1, 33, 3)), "blazepose33",
    )  # fmt: skip


@dataclass(frozen=True)
class Objects:
    """A backend that finds what it is told."""

    found: Detections | None = None

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        if self.found is None:
            raise BackendError("the nets are not here: run kinescribe models pull")
        return self.found


@dataclass(frozen=True)
class People(Objects):
    """Another, which wants the regions of the first."""

    wants: int = 0

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        assert len(regions.sample) == self.wants
        return super().__call__(clip, frames, camera, regions)


def detect(things: Detections | None, people: Detections | None, **settings: object) -> Detections:
    images = np.zeros((2, 240, 320, 3), np.uint8)
    clip = clip_of(images)
    frames = ArrayFrames(images, clip.times_s)
    stage = DetectSubjects(
        objects=f"{__name__}:Objects", people=f"{__name__}:People", objects_options={"found": things},
        people_options={"found": people, "wants": 0 if things is None else len(things.sample)},
    )  # fmt: skip
    return stage(clip, frames, MeasureCamera()(clip, frames))


BALL_BESIDE, BALL_AT_FOOT, ARM = (150, 180, 175, 205), (125, 170, 145, 190), (110, 70, 138, 130)
WHOLE, CAR_BEHIND = (50, 8, 150, 215), (0, 0, 319, 239)


@pytest.mark.parametrize(
    ("box", "stays"),
    [
        (BALL_BESIDE, True),  # outside the person's box
        (BALL_AT_FOOT, True),  # inside the box, but where there is no body
        (ARM, False),
        ((85, 60, 115, 120), False),  # the trunk
        (WHOLE, False),  # the person as a moving region
        (CAR_BEHIND, True),  # holds the person, but much more
        ((90, 100, 190, 140), True),  # sticks out: something in the hand
    ],
)
def test_a_person_explains_its_parts_and_nothing_else(box: tuple[float, ...], stays: bool) -> None:
    found = detect(rows(box), person())  # type: ignore[arg-type]
    assert ("object" in found.label) is stays
    assert found.label.count("person") == 1


def test_a_region_of_two_people_is_explained_by_both() -> None:
    pair = joined([person(), person(dx=80)])
    assert detect(rows((50, 8, 230, 215)), pair).label == ("person", "person")
    assert "object" in detect(rows((50, 8, 230, 215)), person()).label


def test_people_of_other_samples_explain_nothing() -> None:
    assert detect(rows(ARM), person(sample=1)).label == ("object", "person")


def test_rows_are_ordered_and_padded() -> None:
    things = joined(
        [
            rows(BALL_BESIDE, sample=1, score=0.3),
            rows((0, 0, 20, 20), sample=1, score=0.8),
            rows((0, 0, 9, 9)),
        ]
    )
    found = detect(things, person())
    assert found.sample.tolist() == [0, 0, 1, 1]
    assert found.label == ("object", "person", "object", "object")
    assert found.score.tolist() == [0.5, 0.9, 0.8, 0.3]
    assert found.skeleton == "blazepose33"
    assert found.keypoints.shape == found.world.shape == (4, 33, 3)
    assert np.isnan(found.keypoints[[0, 2, 3]]).all()
    assert np.isfinite(found.keypoints[1]).any()


def test_missing_nets_leave_a_note_and_the_rest() -> None:
    found = detect(rows(BALL_BESIDE), None)
    assert found.label == ("object",)
    assert found.notes == ("the nets are not here: run kinescribe models pull",)
    assert found.skeleton is None
    with pytest.raises(BackendError, match="models pull"):
        detect(None, None)


def test_either_backend_can_be_off() -> None:
    images, truth = with_patch(filmed(steady(20)), straight(20))
    clip = clip_of(images)
    frames = ArrayFrames(images, clip.times_s)
    camera = MeasureCamera()(clip, frames)
    only_things = DetectSubjects(objects="motion", people="")(clip, frames, camera)
    assert (best_iou(only_things, truth) > 0.5).mean() > 0.9
    neither = DetectSubjects(objects="", people="")(clip, frames, camera)
    assert len(neither.sample) == 0
    again = DetectSubjects(objects="motion", people="")(clip, frames, camera)
    assert np.array_equal(only_things.xyxy, again.xyxy)


def test_a_wrong_name_is_an_error_and_identity_names_both() -> None:
    images = filmed(steady(2))
    clip = clip_of(images)
    frames = ArrayFrames(images, clip.times_s)
    with pytest.raises(BackendError, match="motion"):
        DetectSubjects(objects="motoin", people="")(clip, frames, MeasureCamera()(clip, frames))
    assert "motion" in plugins.names("detectors")
    both = DetectSubjects(objects="motion", people="blazepose").identity()
    alone = DetectSubjects(objects="motion", people="").identity()
    assert "motion" in both
    assert "blazepose" in both
    assert "blazepose" not in alone


def test_different_skeletons_cannot_be_joined() -> None:
    with pytest.raises(BackendError, match="skeleton"):
        joined(
            [
                person(),
                Detections(
                    *[
                        getattr(person(), f)
                        for f in ("sample", "xyxy", "score", "label", "source", "keypoints", "world")
                    ],
                    "coco17",
                ),
            ]
        )
    assert len(select(person(), np.array([False])).sample) == 0


# --- real clips ---------------------------------------------------------------------------------------------


def test_an_empty_room_is_empty(shared: Path) -> None:
    file = shared / "videos" / "intel_sample_videos" / "one-by-one-person-detection.mp4"
    if not file.exists():
        pytest.skip("needs the one-by-one clip in ../shared/videos")
    clip = make_clip(scan(file), 0, 60, 10)
    frames = VideoFrames(clip)
    found = MotionRegions()(clip, frames, MeasureCamera()(clip, frames), nothing())
    count = np.bincount(found.sample, minlength=len(clip.times_s))
    # Gold: somebody is there from 5.9 to 19.8, 22.7 to 44.9 and from 50.3 s; times are good to 0.3 s.
    times = clip.times_s
    empty = (times < 5.5) | ((times > 20.2) & (times < 22.3)) | ((times > 45.3) & (times < 49.9))
    walking = (
        ((times > 6.4) & (times < 7.4))
        | ((times > 18.4) & (times < 19.6))
        | ((times > 43.6) & (times < 44.6))
    )
    assert (count[empty] > 0).mean() < 0.15
    assert (count[walking] > 0).mean() > 0.9
