"""What is drawn is what was measured, where it was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe import draw
from kinescribe.records import CameraMotion, Hands, Kinematics, Poses, Tracks
from kinescribe.vocabulary import BLAZEPOSE_33
from tests import fake_run
from tests.fake_run import HEIGHT, WIDTH

GREY = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
PERSON, CAR = draw.color_of(0), draw.color_of(1000)


def street(*without: type) -> dict:
    return {kind: record for kind, record in fake_run.street().items() if kind not in without}


def drawn(records: dict, t: float, image: np.ndarray = GREY, scale: float = 1.0) -> np.ndarray:
    clip = next(record for kind, record in records.items() if kind.__name__ == "Clip")
    return draw.overlay(image, clip, records, t, scale)


def where(image: np.ndarray, color: tuple[int, int, int], tolerance: int = 0) -> np.ndarray:
    """Pixels (x, y) of a colour."""
    close = (np.abs(image.astype(int) - np.array(color)) <= tolerance).all(axis=2)
    return np.argwhere(close)[:, ::-1]


def bounds(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


BOXES_ONLY = (Poses, Kinematics, CameraMotion)


@pytest.mark.parametrize("t", [0.0, 1.0, 2.0, 2.93])
def test_a_box_lies_where_the_subject_is(t: float) -> None:
    left = float(fake_run.person_x(t)) - fake_run.PAN_PX_S * t
    image = drawn(street(*BOXES_ONLY), t)
    found = bounds(where(image, PERSON, tolerance=20))
    np.testing.assert_allclose(found[[0, 3]], [left, 130], atol=2)  # the tag hides the upper right


def test_boxes_between_samples_are_interpolated() -> None:
    records = street(*BOXES_ONLY)
    tracks: Tracks = records[Tracks]
    jump = tracks.xyxy[1:, :, :].copy()
    jump[0, :, [0, 2]] = np.linspace(20, 200, jump.shape[1]) + np.array([[0], [60]])
    records[Tracks] = replace(
        tracks,
        ids=tracks.ids[1:],
        label=("car",),
        xyxy=jump,
        score=tracks.score[1:],
        detection=tracks.detection[1:],
    )
    clip = fake_run.street_clip()
    middle = float(clip.times_s[10:12].mean())
    found = bounds(where(drawn(records, middle), CAR, tolerance=20))
    assert found[0] == pytest.approx(jump[0, 10:12, 0].mean(), abs=2)


def test_nothing_is_interpolated_across_a_cut() -> None:
    clip, records = fake_run.street_clip(), street(Poses, Kinematics)
    tracks: Tracks = records[Tracks]
    boxes = tracks.xyxy.copy()
    boxes[:, 11:] += 100  # another scene
    records[Tracks] = replace(tracks, xyxy=boxes)
    cut = float(clip.times_s[11])
    records[CameraMotion] = replace(records[CameraMotion], cuts_s=(cut,))
    before = draw._moment(clip, (cut,), cut - 0.01)
    after = draw._moment(clip, (cut,), cut)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.of(boxes), boxes[:, 10])
    np.testing.assert_array_equal(after.of(boxes), boxes[:, 11])
    later = draw._moment(clip, (cut,), float(clip.times_s[13]))
    assert later is not None
    trail = draw.trail_points(clip, None, records[Tracks], None, later)
    assert trail[1, :, 0].min() > boxes[1, 13, 0]  # nothing from before the cut


def test_who_is_not_seen_is_not_drawn() -> None:
    assert not len(where(drawn(street(*BOXES_ONLY), 0.6), PERSON, tolerance=10))
    assert len(where(drawn(street(*BOXES_ONLY), 0.6), CAR, tolerance=10))


def test_a_filled_box_is_dashed() -> None:
    records = street(*BOXES_ONLY)
    detected = replace(records[Tracks], detection=np.zeros_like(records[Tracks].detection))
    t = float(fake_run.street_clip().times_s[16])
    dashed = len(where(drawn(records, t)[70:], PERSON, tolerance=10))  # below the tag
    solid = len(where(drawn({**records, Tracks: detected}, t)[70:], PERSON, tolerance=10))
    assert dashed < 0.8 * solid


def test_nothing_is_drawn_far_from_any_sample() -> None:
    records = street(*BOXES_ONLY)
    untouched = drawn(street(*BOXES_ONLY, Tracks), 3.5)
    np.testing.assert_array_equal(drawn(records, 3.5), untouched)


def test_scale_maps_clip_pixels_to_a_smaller_picture() -> None:
    half = np.full((HEIGHT // 2, WIDTH // 2, 3), 128, np.uint8)
    below_the_tag = drawn(street(*BOXES_ONLY), 2.0, half, scale=2.0)[58:]
    found = bounds(where(below_the_tag, CAR, tolerance=20))
    np.testing.assert_allclose(found[[0, 2, 3]], [80, 110, 75 - 58], atol=2)


def test_the_trail_of_a_parked_car_is_a_point_however_the_camera_turns() -> None:
    clip, records = fake_run.street_clip(), fake_run.street()
    moment = draw._moment(clip, (), 2.5)
    assert moment is not None
    trail = draw.trail_points(clip, records[CameraMotion], records[Tracks], None, moment)
    known = trail[1][np.isfinite(trail[1]).all(axis=1)]
    assert len(known) >= 20
    np.testing.assert_allclose(known, np.broadcast_to([200 - 50 + 30, 130], known.shape), atol=1e-6)


def test_the_trail_of_a_walker_is_her_way_over_the_scene() -> None:
    clip, records = fake_run.street_clip(), fake_run.street()
    moment = draw._moment(clip, (), 2.5)
    assert moment is not None
    trail = draw.trail_points(clip, records[CameraMotion], records[Tracks], records[Kinematics], moment)[0]
    assert np.nanmin(trail[:, 0]) == pytest.approx(80 + 15 - 50, abs=0.5)  # where she started
    assert trail[-1, 0] == pytest.approx(140 + 15 - 50, abs=0.5)  # where she is
    assert np.isnan(trail).any()  # hidden in between: a hole, not a straight line


@pytest.mark.parametrize("known", ["never", "only before"])
def test_without_the_camera_trails_are_as_filmed(known: str) -> None:
    clip, records = fake_run.street_clip(), fake_run.street()
    camera: CameraMotion = records[CameraMotion]
    to_scene = camera.to_scene.copy()
    to_scene[20 if known == "only before" else 0 :] = np.nan
    moment = draw._moment(clip, (), float(clip.times_s[25]))
    assert moment is not None
    trail = draw.trail_points(clip, replace(camera, to_scene=to_scene), records[Tracks], None, moment)[1]
    np.testing.assert_allclose(trail[-1] - trail[0], [-fake_run.PAN_PX_S * draw.TRAIL_S, 0], atol=1e-6)


def test_the_camera_arrow_is_the_cameras_speed() -> None:
    clip, camera = fake_run.street_clip(), fake_run.street()[CameraMotion]
    moment = draw._moment(clip, (), 1.5)
    assert moment is not None
    speed = draw.camera_speed(clip, camera, moment)
    np.testing.assert_allclose(speed, [20 / WIDTH, 0], atol=1e-9)
    unknown = replace(camera, to_scene=np.full_like(camera.to_scene, np.nan))
    assert draw.camera_speed(clip, unknown, moment) is None


def test_left_limbs_are_blue_and_right_ones_orange() -> None:
    records = fake_run.street()
    del records[Hands]
    big = np.full((HEIGHT * 4, WIDTH * 4, 3), 128, np.uint8)
    image = drawn(records, 2.0, big, scale=0.25)
    points = records[Poses].keypoints[0, 20, :, :2] * 4
    for side, tint in (("left", draw.LEFT), ("right", draw.RIGHT)):
        hip, knee = (points[BLAZEPOSE_33.index(f"{side}_{joint}")] for joint in ("hip", "knee"))
        x, y = np.round((hip + knee) / 2).astype(int)
        np.testing.assert_allclose(image[y, x], tint, atol=12)


def test_lines_and_letters_grow_with_the_picture() -> None:
    small, large = (draw.Pen.of(np.empty((h, 2 * h, 3), np.uint8)) for h in (600, 1200))
    assert (large.line, large.font) == (2 * small.line, 2 * small.font)


def test_the_picture_itself_is_left_alone() -> None:
    image = GREY.copy()
    drawn(fake_run.street(), 1.0, image)
    np.testing.assert_array_equal(image, GREY)


def test_colours_depend_on_the_id_alone_and_differ_between_neighbours() -> None:
    for first in (0, 1000):
        step = 10 if first == 0 else 1
        row = [draw.palette_index(first + step * i) for i in range(7)]
        assert sorted(row) == list(range(len(draw.PALETTE)))
    assert draw.color_of(40) == draw.PALETTE[draw.palette_index(40)]


def test_tags_are_short_and_printable() -> None:
    assert draw.tag_of("person", 10) == "person #10"
    assert draw.tag_of("", 10) == "#10"
    assert draw.tag_of(fake_run.INJECTION, 0) == f"{fake_run.INJECTION} #0"
    long = draw.tag_of("a\n\tb\u2028" + "x" * 99, 3)
    assert long.isprintable()
    assert len(long) <= draw.LONGEST_TAG + 4


def test_tags_do_not_hide_each_other() -> None:
    taken: list[draw.Rect] = []
    for i in range(40):
        box = np.array([50.0 + i, 50 + i, 90 + i, 120 + i])
        draw._tag(GREY.copy(), "person", 10 * i, box, taken, draw.Pen.of(GREY))
    assert len(taken) >= 4
    assert not [1 for i, a in enumerate(taken) for b in taken[:i] if a.overlaps(b)]


@pytest.mark.parametrize(
    "records",
    [fake_run.empty(), fake_run.unknown(), fake_run.one_sample(), fake_run.crowd(), fake_run.hostile()],
)
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (180, 320)])
def test_nasty_records_are_drawn_without_complaint(records: dict, size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    for t in (0.0, 1.23, 99.0, -1.0):
        out = drawn(records, t, image)
        assert out.shape == image.shape


def test_an_older_opencv_without_fonts_draws_tags_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "_FONT", None)
    image = drawn(street(*BOXES_ONLY), 0.0)
    assert len(where(image, draw.DARK, tolerance=5))
    assert draw._text_width("person", 20) > draw._text_width("p", 20) > 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=32)] * 4), min_size=30, max_size=30
    )
)
def test_no_number_breaks_the_drawing(boxes: list[tuple[float, ...]]) -> None:
    clip = fake_run.street_clip()
    tracks = fake_run.tracks_of(clip, ["thing"])
    xyxy = np.array(boxes, dtype=np.float64)[None]
    records = {type(clip): clip, Tracks: replace(tracks, xyxy=xyxy)}
    with np.errstate(all="ignore"):
        assert drawn(records, 1.0).shape == GREY.shape


def test_hands_are_drawn_in_the_tint_of_their_side_and_what_they_hold_too() -> None:
    records = street(Poses, Kinematics, CameraMotion, Tracks)
    records[Tracks] = fake_run.tracks_of(fake_run.street_clip(), [])
    records[Hands] = fake_run.street()[Hands]
    t = float(fake_run.street_clip().times_s[22])
    image = drawn(records, t, np.full((HEIGHT * 4, WIDTH * 4, 3), 128, np.uint8), scale=0.25)
    for row, tint in enumerate((draw.LEFT, draw.RIGHT)):
        left, top, _, bottom = records[Hands].xyxy[row, 22] * 4
        column = image[round((top + bottom) / 2), round(left) - 2 : round(left) + 3].astype(int)
        assert np.abs(column - tint).max(axis=1).min() < 40
    bag = records[Hands].held_xyxy[1, 22] * 4
    below = image[round(bag[3]) - 3 : round(bag[3]) + 4, round(bag[0]) : round(bag[2])].astype(int)
    assert (np.abs(below - draw.RIGHT).max(axis=2) < 40).any()
