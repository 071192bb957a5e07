"""What flows as one is one box with its velocity; what has stopped keeps its box; what the camera does is nothing."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.backends.detectors.flow import (
    FlowRegions,
    _Flow,
    _Look,
    _merged,
    _Seen,
    _stretched,
    _velocity_in,
    _Window,
)
from kinescribe.backends.detectors.motion import MotionRegions
from kinescribe.geometry import box_center, box_cover, box_iou
from kinescribe.records import CameraMotion, Clip, Detections, Span
from kinescribe.stages.camera import MeasureCamera
from kinescribe.stages.detect import nothing
from kinescribe.video import ArrayFrames, Frame
from tests import worlds as w
from tests.test_camera import clip_of
from tests.test_detect_motion import brightening, compressed, flickering, shaded

LIGHT = w.Texture(11, (225.0, 215.0, 200.0), 14.0)
DARK = w.Texture(12, (25.0, 30.0, 40.0), 14.0)
GROUND = w.Texture(3, (110.0, 120.0, 115.0), 28.0)
SIZE = (44.0, 34.0)


def world(*actors: w.Actor, **more: object) -> w.Rendered:
    settings = {"ground": GROUND, "duration_s": 4.0, **more}
    return w.render(w.World("flow", actors=actors, **settings))  # type: ignore[arg-type]


def going(*points: tuple[float, float, float], size: w.Point = SIZE, texture: w.Texture = LIGHT) -> w.Actor:
    return w.Actor(w.waypoints(*points), size, texture)


def find(known: w.Rendered, **options: object) -> Detections:
    return FlowRegions(**options)(known.clip, known.frames, known.camera, nothing())  # type: ignore[arg-type]


def changed(known: w.Rendered) -> Detections:
    return MotionRegions()(known.clip, known.frames, known.camera, nothing())


def counts(found: Detections, known: w.Rendered) -> np.ndarray:
    return np.bincount(found.sample, minlength=len(known.clip.times_s))


def best(found: Detections, known: w.Rendered, subject: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Best overlap with a subject's true box per sample, and the row that has it; 0 and -1 where there is none."""
    iou, row = np.zeros(len(known.clip.times_s)), np.full(len(known.clip.times_s), -1)
    for t in range(len(iou)):
        rows = np.flatnonzero(found.sample == t)
        if len(rows):
            each = box_iou(found.xyxy[rows], known.tracks.xyxy[subject, t : t + 1])[:, 0]
            iou[t], row[t] = each.max(), rows[each.argmax()]
    return iou, row


def strays(found: Detections, known: w.Rendered) -> int:
    """How many boxes have nothing to do with any true one."""
    return sum(
        float(box_iou(found.xyxy[[i]], known.tracks.xyxy[:, s]).max(initial=0.0)) < 0.1
        for i, s in enumerate(found.sample)
    )


# --- taken apart, put together, kept ------------------------------------------------------------------------

BODY = (100.0, 110.0)
HANDS = ((106.0, 33.0), (174.0, -33.0))
"""x, and the first way in y, of two hands before a body that stands at x = 140."""


def body_and_hands(*hands: tuple[float, float]) -> w.Rendered:
    """After 4 s somebody walks in and stands; from 6 s on the hands go to and fro, within the outline of the body."""
    actors = [going((4.2, -60.0, 100.0), (5.2, 140.0, 100.0), size=BODY)]
    for x, way in hands:
        waves = [(6.0 + 0.7 * k, x, 100.0 + (way / 2 if k % 2 else -way / 2)) for k in range(4)]
        arrives = (4.2, x - 200.0, waves[0][2]), (5.2, *waves[0][1:])
        actors.append(going(*arrives, *waves, size=(24.0, 24.0), texture=DARK))
    return world(*actors, duration_s=9.0)


WAVING = [t for t in range(61, 81) if t not in (66, 67, 68, 73, 74, 75)]
"""Samples between the turning points of the hands."""


@pytest.mark.parametrize("hands", [HANDS[:1], HANDS])
def test_hands_that_move_before_a_body_that_stands_are_taken_out_of_it(
    hands: tuple[tuple[float, float], ...],
) -> None:
    known = body_and_hands(*hands)
    found, region = find(known), changed(known)
    assert (counts(region, known)[WAVING] == 1).all(), "hands and body are one changed region"
    assert (best(region, known, 0)[0][WAVING] > 0.9).all()
    assert (counts(found, known)[WAVING] == len(hands)).all()
    for subject, (_, way) in enumerate(hands, 1):
        row = best(found, known, subject)[1]
        boxes, true = found.xyxy[row[WAVING]], known.tracks.xyxy[subject, WAVING]
        # Flow smears over a plain shirt by up to two patches of 8 pixels: the box is wide, its middle is the hand's.
        assert np.diagonal(box_cover(true, boxes)).min() > 0.9
        assert np.hypot(*(box_center(boxes) - box_center(true)).T).max() < 8.0
        assert (boxes[:, 2:] - boxes[:, :2]).max() <= 24 + 5 * 8
        first_way = row[[t for t in WAVING if t < 66]]
        assert found.velocity_px_s[first_way, 1] == pytest.approx(way / 0.7, rel=0.25)
        assert found.velocity_px_s[first_way, 0] == pytest.approx(0.0, abs=0.25 * 47)


def test_a_body_whose_hands_rest_again_is_whole_again() -> None:
    known = body_and_hands(*HANDS)
    iou, row = best(find(known), known, 0)
    before, after = slice(54, 60), slice(83, 90)
    assert (iou[before] > 0.9).all()
    assert (iou[after] > 0.9).all()
    assert np.abs(find(known).velocity_px_s[row[after]]).max() < 1.0


def test_pieces_that_flow_as_one_are_put_together() -> None:
    """A thing with the colour of the wall across its middle: the plate sees its ends only."""
    rows = tuple(going((0.0, 70.0, y), (4.0, 230.0, y), size=(30.0, 30.0)) for y in (70.0, 112.0))
    known = world(*rows, ground=replace(GROUND, kind="flat"))
    assert (counts(changed(known), known) == 2).all()
    found = find(known)
    assert (counts(found, known) == 1).mean() > 0.9
    whole = np.concatenate([known.tracks.xyxy[0, :, :2], known.tracks.xyxy[1, :, 2:]], axis=1)
    iou = [float(box_iou(found.xyxy[found.sample == t], whole[[t]]).max()) for t in range(len(whole))]
    assert np.median(iou) > 0.9


def test_things_in_step_with_ground_between_them_are_not_put_together() -> None:
    rows = tuple(going((0.0, 70.0, y), (4.0, 230.0, y), size=(30.0, 30.0)) for y in (70.0, 112.0))
    known = world(*rows)
    assert (counts(find(known), known) == 2).all()
    for subject in (0, 1):
        assert (best(find(known), known, subject)[0] > 0.8).all()


def test_things_that_pass_each_other_closely_are_not_put_together() -> None:
    one, two = (
        going((0.0, 90.0, 70.0), (4.0, 230.0, 70.0)),
        going((0.0, 230.0, 106.0), (4.0, 90.0, 106.0), texture=DARK),
    )
    known = world(one, two)
    found = find(known)
    apart = counts(changed(known), known) == 2
    assert (counts(found, known)[apart] == 2).all(), "what the plate has apart stays apart"
    for subject, vx in ((0, 35.0), (1, -35.0)):
        iou, row = best(found, known, subject)
        assert (iou[apart] > 0.8).all()
        assert (np.abs(found.velocity_px_s[row[apart], 0] - vx) < 0.3 * 35).mean() > 0.9


@pytest.mark.parametrize("path", [((0, 120, 90), (1.5, 220, 90)), ((1.5, 120, 90), (3.0, 220, 90))])
def test_a_thing_at_rest_keeps_its_box(path: tuple[tuple[float, float, float], ...]) -> None:
    known = world(going(*path))
    found = find(known)
    iou, row = best(found, known)
    assert (counts(found, known) == 1).all()
    assert (iou > 0.8).all()
    center = box_center(known.tracks.xyxy[0])[:, 0]
    rests = np.convolve(np.abs(np.gradient(center)) < 1e-6, np.ones(3), "same") == 3
    assert rests.sum() >= 10
    assert np.abs(found.velocity_px_s[row[rests]]).max() < 1.0, (
        "at rest is a velocity of zero, not an unknown one"
    )


# --- where flow is looked for -------------------------------------------------------------------------------

windows = st.builds(
    lambda x, y, w, h: _Window(x, y, x + w, y + h),
    st.integers(0, 300), st.integers(0, 160), st.integers(1, 90), st.integers(1, 60),
)  # fmt: skip


@given(st.lists(windows, max_size=8))
def test_windows_hold_what_they_are_made_of_and_do_not_touch(given_ones: list[_Window]) -> None:
    merged = _merged(given_ones)
    assert all(any(whole.holds(one) for whole in merged) for one in given_ones)
    assert not any(a.touches(b) for a in merged for b in merged if a is not b)


@given(st.floats(0, 320), st.floats(0, 100), st.integers(97, 400))
def test_a_window_is_large_enough_for_dis_and_within_the_picture(
    low: float, length: float, limit: int
) -> None:
    low = min(low, limit - 1.0)
    high = min(low + length, float(limit))
    start, stop = _stretched(low, high, limit)
    assert 0 <= start <= low
    assert high <= stop <= limit
    assert stop - start >= 96
    assert start == 0 or low - start >= 24
    assert stop == limit or stop - high >= 24


def test_things_that_are_far_apart_have_a_velocity_each() -> None:
    """Each has its own window."""
    one = going((0.0, 60.0, 50.0), (2.0, 140.0, 50.0))
    two = going((0.0, 270.0, 130.0), (2.0, 190.0, 130.0), texture=DARK)
    known = world(one, two, duration_s=2.0)
    found = find(known)
    assert (counts(found, known)[4:17] == 2).all(), "before and after that the plate shows a part of them"
    for subject, vx in ((0, 40.0), (1, -40.0)):
        iou, row = best(found, known, subject)
        assert (iou[4:17] > 0.8).all()
        assert np.median(found.velocity_px_s[row], axis=0) == pytest.approx([vx, 0.0], abs=5.0)


# --- a moving camera ----------------------------------------------------------------------------------------


def with_pan(vx: float, vy: float, speed: tuple[float, float]) -> w.Rendered:
    """A thing in the middle of the picture half way through; ``speed`` is that in the scene."""
    x, y = 160 + 1.5 * vx, 90 + 1.5 * vy
    path = (
        (0.0, x - 1.5 * speed[0], y - 1.5 * speed[1]),
        (3.0, x + 1.5 * speed[0], y + 1.5 * speed[1]),
    )
    return world(going(*path), duration_s=3.0, camera=w.panning(vx, vy), camera_labels=("pan_right",))


PANS = [((40.0, 0.0), (60.0, 0.0)), ((40.0, 0.0), (-30.0, 0.0)), ((-30.0, 10.0), (0.0, 35.0))]


@pytest.mark.parametrize(("pan", "speed"), PANS)
def test_a_mover_is_found_by_a_panning_camera_and_nothing_else_is(
    pan: tuple[float, float], speed: tuple[float, float]
) -> None:
    known = with_pan(*pan, speed)
    found = find(known)
    iou, row = best(found, known)
    assert (iou > 0.5).mean() >= 0.9
    assert strays(found, known) == 0
    assert counts(found, known).max() == 1
    filmed = np.subtract(speed, pan)
    off = np.hypot(*(np.median(found.velocity_px_s[row[row >= 0]], axis=0) - filmed))
    assert off < 0.15 * np.hypot(*filmed) + 1.0, "velocity is as filmed: the thing's less the camera's"


def test_a_thing_that_the_camera_follows_has_no_velocity_as_filmed() -> None:
    known = with_pan(40.0, 0.0, (40.0, 0.0))
    found = find(known)
    iou, row = best(found, known)
    assert (iou > 0.5).mean() >= 0.9
    assert np.hypot(*np.median(found.velocity_px_s[row[row >= 0]], axis=0)) < 3.0


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "name",
    ["camera_pan_right", "camera_tilt_up", "camera_zoom_in", "camera_roll_clockwise", "camera_handheld"],
)
def test_nothing_moves_when_only_the_camera_does(name: str, seed: int) -> None:
    known = w.render(w.SCENARIOS[name](seed))
    assert len(find(known).sample) == 0
    measured = MeasureCamera()(known.clip, known.frames)
    assert len(FlowRegions()(known.clip, known.frames, measured, nothing()).sample) == 0


# --- velocity -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(44.0, 34.0), (80.0, 60.0)])
@pytest.mark.parametrize(("vx", "vy"), [(30.0, 0.0), (0.0, -20.0), (-45.0, 20.0), (65.0, 10.0)])
def test_velocity_is_that_of_the_thing(size: tuple[float, float], vx: float, vy: float) -> None:
    known = world(going((0.0, 160 - vx, 90 - vy), (2.0, 160 + vx, 90 + vy), size=size), duration_s=2.0)
    found = find(known)
    _, row = best(found, known)
    assert (row >= 0).all()
    off = np.hypot(*(found.velocity_px_s[row] - [vx, vy]).T)
    assert np.median(off) < 0.15 * np.hypot(vx, vy)
    assert (off < 0.25 * np.hypot(vx, vy)).mean() > 0.9


def test_velocity_counts_clip_pixels_and_real_time() -> None:
    """The same pictures, said to be of a clip twice as wide and filmed at half the pace."""
    known = world(going((0.0, 100.0, 90.0), (2.0, 200.0, 90.0)), duration_s=2.0)
    clip = replace(known.clip, width=640, height=360, times_s=2 * known.clip.times_s, end_s=4.0, fps=5.0)
    frames = ArrayFrames(known.frames.images, clip.times_s, 2.0)
    plain, wide = find(known), FlowRegions()(clip, frames, known.camera, nothing())
    _, row = best(plain, known)
    assert np.median(plain.velocity_px_s[row], axis=0) == pytest.approx([50.0, 0.0], abs=7.5)
    np.testing.assert_allclose(wide.xyxy, 2 * plain.xyxy)
    np.testing.assert_allclose(wide.velocity_px_s, plain.velocity_px_s, atol=1e-3)


def test_a_thing_that_goes_up_and_down_has_both_signs_in_turn() -> None:
    path = w.swinging((160.0, 90.0), (0.0, 35.0), 1.6, 0.0, 3)
    known = world(w.Actor(path, SIZE, LIGHT), duration_s=4.8)
    found = find(known)
    _, row = best(found, known)
    true = np.gradient([path(t)[1] for t in known.clip.times_s.tolist()], known.clip.times_s)
    assert np.corrcoef(found.velocity_px_s[row, 1], true)[0, 1] > 0.98
    slope = np.polyfit(true, found.velocity_px_s[row, 1], 1)[0]
    assert 0.85 < slope < 1.1


def seen_with(clip: Clip, flows: list[_Flow] | None) -> _Seen:
    """A grey sample of half the clip's size."""
    image = np.zeros((clip.height, clip.width, 3), np.uint8)
    grey = np.zeros((clip.height // 2, clip.width // 2), np.uint8)
    return _Seen(_Look(Frame(0, 0.0, image, 1.0), grey, [flow.window for flow in flows or []], True), flows)


def test_without_a_neighbour_the_velocity_is_unknown() -> None:
    known = w.truth(w.World("flow"))
    seen = seen_with(known.clip, None)
    assert np.isnan(_velocity_in(known.clip, np.array([10.0, 10.0, 50.0, 40.0]), seen)).all()


@pytest.mark.parametrize(
    "box", [(319.9, 10.0, 320.0, 20.0), (10.0, 179.8, 30.0, 180.0), (5.0, 5.0, 5.1, 5.1)]
)
def test_a_sliver_at_the_border_has_the_velocity_of_the_pixels_there(box: tuple[float, ...]) -> None:
    known = w.truth(w.World("flow"))
    level = np.full((90, 160), 2.0, np.float32)
    flow = _Flow(_Window(0, 0, 160, 90), level, level, np.full((90, 160, 2), 5.0, np.float32))
    assert _velocity_in(known.clip, np.array(box), seen_with(known.clip, [flow])).tolist() == [5.0, 5.0]


# --- nothing is found where nothing moves -------------------------------------------------------------------


@pytest.mark.parametrize("change", [None, flickering, brightening, compressed, shaded])
@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_nothing_is_found_where_nothing_moves(change: object, noise: float) -> None:
    scenery = w.Actor(w.still(120, 90), SIZE, LIGHT, subject=False)
    known = world(scenery, noise=noise, size=(480, 270))
    images = known.frames.images if change is None else change(known.frames.images)  # type: ignore[operator]
    found = FlowRegions()(known.clip, ArrayFrames(images, known.clip.times_s), known.camera, nothing())
    assert len(found.sample) == 0
    assert found.velocity_px_s is not None
    assert found.velocity_px_s.shape == (0, 2)


@pytest.mark.parametrize("pan", [(45.0, 0.0), (-60.0, 20.0)])
def test_a_plain_wall_that_a_camera_pans_over_does_not_move(pan: tuple[float, float]) -> None:
    """Flow in flat areas is guessed: it lags behind the camera, without any pixel that shows it."""
    flat = w.Texture(1, (150.0, 160.0, 170.0), kind="flat")
    board = w.Actor(w.still(160 + pan[0], 90 + pan[1]), (170.0, 120.0), flat, subject=False)
    known = world(board, noise=2.0, duration_s=2.5, camera=w.panning(*pan), camera_labels=("pan_right",))
    assert len(find(known).sample) == 0


def test_an_unknown_camera_that_pans_gives_nothing() -> None:
    known = w.render(w.SCENARIOS["camera_pan_left"](2))
    unknown = replace(known.camera, to_scene=np.full_like(known.camera.to_scene, np.nan), labels=("complex",))
    found = FlowRegions()(known.clip, known.frames, unknown, nothing())
    assert len(found.sample) == 0
    assert any("camera unknown" in note for note in found.notes)


# --- cuts ---------------------------------------------------------------------------------------------------


def test_both_shots_have_boxes_and_no_flow_leads_across_the_cut() -> None:
    one = replace(going((0.0, 80.0, 60.0), (2.0, 200.0, 60.0)), present=Span(-np.inf, 2.0))
    two = replace(going((2.0, 240.0, 120.0), (4.0, 120.0, 120.0), texture=DARK), present=Span(2.0, np.inf))
    known = world(one, two, cuts=((2.0, w.Texture(9, (60.0, 90.0, 70.0), 30.0)),))
    found = find(known)
    assert (counts(found, known) == 1).all()
    for subject, samples, vx in ((0, slice(0, 20), 60.0), (1, slice(20, 40), -60.0)):
        iou, row = best(found, known, subject)
        assert (iou[samples] > 0.8).all()
        velocity = found.velocity_px_s[row[samples]]
        assert (np.hypot(*(velocity - [vx, 0.0]).T) < 0.25 * 60).all(), "at the cut as well"


# --- odd shapes ---------------------------------------------------------------------------------------------


def held(count: int, height: int, width: int) -> np.ndarray:
    """Noise that rests, with a bright bar that goes to the right."""
    images = np.repeat(
        np.random.default_rng(0).integers(0, 200, (1, height, width, 3), dtype=np.uint8), count, axis=0
    )
    for t, image in enumerate(images):
        image[height // 4 : height // 4 + max(1, height // 2), min(t, width - 1) : t + max(1, width // 4)] = (
            250
        )
    return images


def still_camera(count: int) -> CameraMotion:
    to_scene = np.repeat(np.eye(2, 3)[None], count, axis=0)
    return CameraMotion(to_scene, np.ones(count), np.ones(count), 0.0, np.zeros(4), ("static",))


SHAPES = [(1, 1), (2, 2), (8, 8), (9, 7), (12, 12), (16, 16), (16, 40), (4, 64), (64, 4)]
SHAPES += [(31, 320), (20, 320), (2, 640)]
"""Height and width."""


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_few_samples_and_small_or_narrow_pictures_do_not_fail(count: int, height: int, width: int) -> None:
    """DIS refuses pictures below 12 pixels, and crashes on some that are ten times as wide as high."""
    images = held(count, height, width)
    clip = clip_of(images)
    found = FlowRegions()(clip, ArrayFrames(images, clip.times_s), still_camera(count), nothing())
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [width, height, width, height]).all()
    assert np.isfinite(found.velocity_px_s).all()
    if count < 3:
        assert len(found.sample) == 0, "there is no plate without three samples"
    elif count == 8 and min(height, width) >= 16:
        assert len(found.sample) > 0


# --- the record ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["start_stop", "pan_with_mover", "cut"])
def test_the_same_pictures_give_the_same_record(name: str) -> None:
    known = w.render(w.SCENARIOS[name](1))
    one, two = find(known), find(known)
    assert len(one.sample) > 0
    for column in fields(Detections):
        a, b = getattr(one, column.name), getattr(two, column.name)
        assert np.array_equal(a, b, equal_nan=True) if isinstance(a, np.ndarray) else a == b, column.name
    assert set(one.label) == {"object"}
    assert set(one.source) == {"flow"}
    assert (np.diff(one.sample) >= 0).all()
    assert ((one.score > 0) & (one.score < 1)).all()
    assert one.velocity_px_s is not None
    assert one.velocity_px_s.shape == (len(one.sample), 2)


def test_settings_of_the_plate_are_passed_on() -> None:
    known = world(going((0.0, 100.0, 90.0), (2.0, 200.0, 90.0)), duration_s=2.0)
    assert len(find(known).sample) > 0
    assert len(find(known, plate={"min_area": 0.5}).sample) == 0, "flow without any change is smear"
