"""Close views: the crop holds the subject, lies in the picture, and shows what is there at the true times."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.draw import OUTLINE, OUTLINE_PX, draw_outline
from kinescribe.errors import VideoError
from kinescribe.inputs.crops import Crop, CropSettings, View, crop_of, look, shown_on, within, words
from kinescribe.inputs.frames import Choice, FrameSettings, choose
from kinescribe.inputs.parts import life, parts_of
from kinescribe.llm.messages import Frames as Shots
from kinescribe.llm.messages import Image, TimedImage
from kinescribe.records import Clip, Segment, Span
from kinescribe.video import ArrayFrames
from tests import fake_run, worlds

NOWHERE = np.full(4, np.nan)


def clip_of(width: int, height: int, samples: int = 5) -> Clip:
    times = np.arange(samples) / 10
    indices = np.arange(samples)
    return replace(fake_run.street_clip(), width=width, height=height, times_s=times, frame_indices=indices)


def decoded(shots: Shots) -> list[np.ndarray]:
    return [
        cv2.imdecode(np.frombuffer(s.image.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for s in shots.shots
    ]


# --- geometry -----------------------------------------------------------------------------------------------

edges = st.floats(-0.3, 1.3, allow_nan=False)


@given(
    st.integers(16, 4000),
    st.integers(16, 4000),
    st.lists(st.tuples(edges, edges, edges, edges), min_size=1, max_size=8),
    st.floats(1, 4),
    st.floats(0, 1),
    st.floats(1, 3),
)
def test_a_crop_holds_every_box_and_lies_in_the_picture(
    width: int,
    height: int,
    shares: list[tuple[float, float, float, float]],
    context: float,
    least: float,
    aspect: float,
) -> None:
    found = np.array(shares) * [width, height, width, height]
    boxes = np.concatenate(
        [np.minimum(found[:, :2], found[:, 2:]), np.maximum(found[:, :2], found[:, 2:])], 1
    )
    settings = CropSettings(context, least, aspect)
    crop = crop_of(clip_of(width, height), np.vstack([boxes, NOWHERE]), settings)
    assert all(isinstance(edge, int) for edge in crop)
    assert 0 <= crop.left < crop.right <= width
    assert 0 <= crop.top < crop.bottom <= height
    seen = np.clip(boxes, 0, [width, height, width, height])
    assert (crop.left <= seen[:, 0]).all()
    assert (crop.top <= seen[:, 1]).all()
    assert (crop.right >= seen[:, 2]).all()
    assert (crop.bottom >= seen[:, 3]).all()
    # It is as large as asked for, as far as the picture has room.
    assert crop.width >= min(width, least * max(width, height)) - 1e-6
    assert crop.height >= min(height, least * max(width, height)) - 1e-6
    longer, shorter = max(crop[2] - crop[0], crop[3] - crop[1]), min(crop[2] - crop[0], crop[3] - crop[1])
    assert longer <= aspect * shorter + 2 * aspect or crop.width == width or crop.height == height


def test_a_crop_has_the_subject_in_its_middle_with_an_arms_reach_round_it() -> None:
    crop = crop_of(clip_of(1000, 1000), np.array([[400.0, 300.0, 440.0, 400.0]]), CropSettings(1.6, 0.0, 4.0))
    assert crop == Crop(370, 270, 470, 430)  # 0.3 of the longer side, 100 px, on every side


def test_what_is_round_a_subject_does_not_grow_with_its_way() -> None:
    boxes = np.array([[x, 450.0, x + 100, 550.0] for x in range(100, 801, 100)])
    crop = crop_of(clip_of(1000, 1000), boxes, CropSettings(1.6, 0.0, 100.0))
    assert crop == Crop(70, 420, 930, 580)


@pytest.mark.parametrize(
    ("box", "crop"),
    [
        ([0.0, 0.0, 20.0, 20.0], (0, 0, 40, 40)),
        ([80.0, 80.0, 100.0, 100.0], (60, 60, 100, 100)),
        ([-50.0, 40.0, 10.0, 60.0], (0, 30, 40, 70)),
        ([0.0, 0.0, 100.0, 100.0], (0, 0, 100, 100)),
        ([40.0, 40.0, 41.0, 41.0], (30, 30, 50, 50)),
    ],
)
def test_at_the_border_a_crop_is_pushed_inside_and_not_made_smaller(
    box: list[float], crop: tuple[int, ...]
) -> None:
    assert crop_of(clip_of(100, 100), np.array([box]), CropSettings(2.0, 0.2, 1.0)) == crop


def test_a_subject_that_is_nowhere_seen_gives_the_whole_picture() -> None:
    assert crop_of(clip_of(64, 48), np.stack([NOWHERE] * 3), CropSettings()) == (0, 0, 64, 48)


@pytest.mark.parametrize(
    "wrong", [{"context": 0.9}, {"least_share": 1.1}, {"max_aspect": 0.5}, {"max_enlarged": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CropSettings(**wrong)


# --- pixels -------------------------------------------------------------------------------------------------


def mosaic(width: int, height: int, samples: int) -> np.ndarray:
    """Smooth pictures of which each pixel tells its place (red and green) and its time (blue)."""
    y, x = np.mgrid[:height, :width]
    plain = np.stack([x * 255 / width, y * 255 / height, np.zeros_like(x)], -1)
    return np.stack([plain + np.array([0, 0, 20 * i]) for i in range(samples)]).astype(np.uint8)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_crop_shows_exactly_its_part_of_the_picture_at_the_true_time(scale: int) -> None:
    clip = clip_of(200, 160)
    images = mosaic(200 // scale, 160 // scale, 5)
    frames = ArrayFrames(images, clip.times_s, float(scale))
    crop = Crop(40, 20, 120, 80)
    view = View(Choice((1, 3), 5.0), crop)
    (shots,) = look(clip, frames, np.stack([NOWHERE] * 5), [view], FrameSettings(), max_enlarged=1.0)
    assert [shot.time_s for shot in shots.shots] == [0.1, 0.3]
    assert shots.rate_hz == 5.0
    for sample, shown in zip((1, 3), decoded(shots), strict=True):
        wanted = images[sample, 20 // scale : 80 // scale, 40 // scale : 120 // scale]
        assert shown.shape == wanted.shape
        assert np.abs(shown.astype(int) - wanted).mean() < 4  # JPEG
        # A crop that is off by eight pixels of the clip is told from the right one.
        off = images[sample, 20 // scale : 80 // scale, 48 // scale : 128 // scale]
        assert np.abs(shown.astype(int) - off).mean() > np.abs(shown.astype(int) - wanted).mean() + 1


@pytest.mark.parametrize(
    ("side", "enlarged", "size"),
    [(768, 2.0, (160, 120)), (768, 1.0, (80, 60)), (100, 2.0, (100, 75)), (768, 100.0, (768, 576))],
)
def test_a_crop_is_enlarged_within_both_limits(side: int, enlarged: float, size: tuple[int, int]) -> None:
    clip = clip_of(200, 160)
    frames = ArrayFrames(mosaic(200, 160, 5), clip.times_s)
    view = View(Choice((0,), 5.0), Crop(40, 20, 120, 80))
    boxes = np.stack([NOWHERE] * 5)
    (shots,) = look(clip, frames, boxes, [view], FrameSettings(max_side_px=side), enlarged)
    assert decoded(shots)[0].shape[:2] == size[::-1]


def test_a_whole_picture_is_never_enlarged() -> None:
    clip = clip_of(200, 160)
    frames = ArrayFrames(mosaic(200, 160, 5), clip.times_s)
    (shots,) = look(clip, frames, np.stack([NOWHERE] * 5), [View(Choice((0,), 5.0))], FrameSettings())
    assert decoded(shots)[0].shape[:2] == (160, 200)


def test_the_outline_is_a_contour_of_three_green_pixels_on_the_edge_of_the_box() -> None:
    canvas = np.zeros((60, 80, 3), np.uint8)
    draw_outline(canvas, np.array([20.0, 10.0, 50.0, 40.0]))
    # As MotionAtlas's renderer draws a mask of the same pixels.
    mask = np.zeros((60, 80), np.uint8)
    mask[10:40, 20:50] = 255
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    same = np.zeros((60, 80, 3), np.uint8)
    cv2.drawContours(same, contours, -1, (0, 255, 0), 3)
    assert (OUTLINE, OUTLINE_PX) == ((0, 255, 0), 3)
    np.testing.assert_array_equal(canvas, same)


@pytest.mark.parametrize("box", [[-30, -30, 200, 200], [70, 50, 300, 300], [0, 0, 1, 1], [90, 70, 95, 75]])
def test_an_outline_that_reaches_out_of_the_picture_is_seen_at_its_border(box: list[float]) -> None:
    canvas = np.zeros((60, 80, 3), np.uint8)
    draw_outline(canvas, np.array(box, dtype=float))
    assert (canvas[..., 1] == 255).any()


def test_nothing_is_drawn_where_the_subject_is_unknown() -> None:
    canvas = np.zeros((60, 80, 3), np.uint8)
    draw_outline(canvas, NOWHERE)
    assert not canvas.any()


def test_on_a_rendered_world_the_outlined_pixels_of_a_crop_are_the_subjects() -> None:
    """Through crop and scale: inside the outline lies the thing, at its place in the whole picture."""
    world = worlds.render(worlds.SCENARIOS["move_right"](3))
    boxes = world.tracks.xyxy[0]
    crop = crop_of(world.clip, boxes, CropSettings())
    sample = len(boxes) // 2
    views = [View(Choice((sample,), 1.0), crop, frozenset((sample,)))]
    (shots,) = look(world.clip, world.frames, boxes, views, FrameSettings(), 2.0)
    (shown,) = decoded(shots)
    green = (shown[..., 1].astype(int) - np.maximum(shown[..., 0], shown[..., 2])) > 120
    rows, columns = np.flatnonzero(green.any(1)), np.flatnonzero(green.any(0))
    factor = shown.shape[1] / crop.width
    found = [
        crop.left + (columns[0] + 1) / factor, crop.top + (rows[0] + 1) / factor,
        crop.left + columns[-1] / factor, crop.top + rows[-1] / factor,
    ]  # fmt: skip
    np.testing.assert_allclose(found, boxes[sample], atol=2.0)


def test_all_views_are_taken_in_one_pass() -> None:
    class Counted(ArrayFrames):
        passes = 0

        def __iter__(self):
            Counted.passes += 1
            return super().__iter__()

    clip = clip_of(64, 48)
    frames = Counted(mosaic(64, 48, 5), clip.times_s)
    views = [View(Choice((0, 2), 5.0)), View(Choice((2, 4), 5.0), Crop(0, 0, 32, 32))]
    shots = look(clip, frames, np.stack([NOWHERE] * 5), views, FrameSettings())
    assert Counted.passes == 1
    assert [[s.time_s for s in own.shots] for own in shots] == [[0.0, 0.2], [0.2, 0.4]]


def test_frames_that_are_missing_are_an_error() -> None:
    clip = clip_of(64, 48)
    frames = ArrayFrames(mosaic(64, 48, 3), clip.times_s[:3])
    with pytest.raises(VideoError, match="1 of 2 frames"):
        look(clip, frames, np.stack([NOWHERE] * 5), [View(Choice((0, 4), 5.0))], FrameSettings())


# --- times --------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0.01, 0.5), min_size=1, max_size=120),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.2, 30),
    st.integers(2, 20),
)
def test_the_samples_of_a_span_lie_in_it_at_the_stated_rate_and_end_with_its_last(
    steps: list[float], a: float, b: float, rate_hz: float, most: int
) -> None:
    times = np.concatenate([[0.0], np.cumsum(steps)])
    span = Span(*(float(at) for at in np.sort([a, b]) * times[-1]))
    choice = within(times, span, FrameSettings(rate_hz=rate_hz, max_frames=most))
    assert 1 <= len(choice.samples) <= most
    assert list(choice.samples) == sorted(set(choice.samples))
    inside = np.flatnonzero((times >= span.start_s - 1e-9) & (times <= span.end_s + 1e-9))
    if len(inside):
        assert set(choice.samples) <= set(inside.tolist())
        assert choice.samples[-1] == inside[-1]
        regular = choose(times[inside], FrameSettings(rate_hz=rate_hz, max_frames=most))
        assert choice.samples == tuple(inside[i] for i in regular.samples)
    else:
        assert len(choice.samples) == 1


def test_a_subject_seen_in_one_sample_is_shown_in_it() -> None:
    times = np.arange(50) / 10
    boxes = np.stack([NOWHERE] * 50)
    boxes[7] = [1, 2, 3, 4]
    regular = choose(times, FrameSettings(rate_hz=2.0))
    assert 7 not in regular.samples
    choice = shown_on(regular, boxes, Span(0.0, 5.0), times)
    assert set(choice.samples) == {*regular.samples, 7}
    assert shown_on(choice, boxes, Span(0.0, 5.0), times) == choice
    assert shown_on(regular, boxes, Span(3.0, 5.0), times) == regular


def test_the_words_tell_how_pictures_were_taken() -> None:
    shots = Shots(tuple(TimedImage(t, Image(b"")) for t in (1.0, 1.25, 1.4)), 4.0)
    assert words(View(Choice((), 4.0)), shots, "stretch") == (
        "3 pictures, taken 4 times a second, the last one of the stretch besides; "
        "the first is at 1.00 s, the last at 1.40 s"
    )
    assert "and one that shows the subject besides" in words(View(Choice((), 4.0), added=True), shots, "clip")


# --- parts of a life ----------------------------------------------------------------------------------------


def segments(*bounds: float) -> list[Segment]:
    ends = zip(bounds[:-1], bounds[1:], strict=True)
    return [Segment(0, Span(a, b), ()) for a, b in ends] + [
        Segment(None, Span(0, 9), ()),
        Segment(5, Span(0, 1), ()),
    ]


def test_crumbs_go_to_the_shorter_neighbour_and_long_rests_stay() -> None:
    assert parts_of(segments(0, 4, 4.5, 6, 9), 0, 6, 1.0) == [(0, 4), (4, 6), (6, 9)]
    assert parts_of(segments(0, 0.4, 3), 0, 6, 1.0) == [(0, 3)]


def test_the_shortest_are_joined_until_there_are_few_enough() -> None:
    assert parts_of(segments(0, 1, 3, 4, 8), 0, 2, 0.0) == [(0, 4), (4, 8)]
    assert parts_of(segments(0, 1, 3, 4, 8), 0, 1, 0.0) == [(0, 8)]


def test_a_crumb_goes_to_the_neighbour_beside_it_and_not_across_a_gap() -> None:
    found = [Segment(0, Span(0, 1), ()), Segment(0, Span(3, 3.5), ()), Segment(0, Span(3.5, 9), ())]
    assert parts_of(found, 0, 6, 1.0) == [(0, 1), (3, 9)]


@given(
    st.lists(st.floats(0.1, 5), min_size=1, max_size=30),
    st.lists(st.booleans(), min_size=30, max_size=30),
    st.integers(1, 6),
    st.floats(0, 2),
)
def test_parts_cover_every_segment_in_order(
    steps: list[float], kept: list[bool], most: int, least: float
) -> None:
    bounds = np.concatenate([[0.0], np.cumsum(steps)]).tolist()
    own = [s for s, stays in zip(segments(*bounds), kept, strict=False) if stays and s.subject == 0]
    parts = parts_of(own, 0, most, least)
    assert len(parts) <= most
    assert bool(parts) == bool(own)
    assert len(parts) < 2 or all(part.duration_s >= least for part in parts)
    assert all(a.end_s <= b.start_s for a, b in zip(parts[:-1], parts[1:], strict=True))
    for segment in own:
        assert any(p.start_s <= segment.span.start_s and segment.span.end_s <= p.end_s for p in parts)


def test_a_life_is_from_the_first_box_to_the_last() -> None:
    seen = worlds.truth(worlds.SCENARIOS["move_right"](3))
    times, boxes = seen.clip.times_s, seen.tracks.xyxy.copy()
    assert life(seen.clip, seen.tracks, 1000) == (times[0], times[-1])
    boxes[0, :4] = boxes[0, 9:] = np.nan
    assert life(seen.clip, replace(seen.tracks, xyxy=boxes), 1000) == (times[4], times[8])
    boxes[0] = np.nan
    assert life(seen.clip, replace(seen.tracks, xyxy=boxes), 1000) == (0.0, seen.clip.duration_s)
    with pytest.raises(KeyError):
        life(seen.clip, seen.tracks, 7)
