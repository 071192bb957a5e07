"""What a model is shown: frames at a true rate, and boxes and text that tell of the same subjects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.draw import PALETTE, color_of
from kinescribe.errors import VideoError
from kinescribe.inputs import InputSettings, show
from kinescribe.inputs.facts import fact_lines
from kinescribe.inputs.frames import FrameSettings, choose, side_px
from kinescribe.inputs.motion import trajectories
from kinescribe.inputs.subjects import COLOR_NAMES, color_words, only, person_of, shown, tags
from kinescribe.llm.messages import Frames as Shots
from kinescribe.llm.messages import Text
from kinescribe.plain import normalised_boxes
from kinescribe.records import Clip, Event, Events, Facts, Hands, MotionFact, Span, Tracks
from kinescribe.video import ArrayFrames, VideoFrames
from tests import fake_run


def grey(clip: Clip, size: tuple[int, int] = (320, 180)) -> ArrayFrames:
    """Pictures without anything, so that what is on them was drawn."""
    width, height = size
    images = np.full((len(clip.times_s), height, width, 3), 128, dtype=np.uint8)
    return ArrayFrames(images, clip.times_s, max(1.0, clip.width / width))


def decoded(shots: Shots) -> list[np.ndarray]:
    return [
        cv2.imdecode(np.frombuffer(s.image.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for s in shots.shots
    ]


# --- frames -------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0.001, 1.0), min_size=1, max_size=200),
    st.floats(0.1, 60),
    st.integers(2, 64),
)
def test_chosen_frames_keep_to_the_stated_rate_and_end_with_the_last(
    steps: list[float], rate_hz: float, most: int
) -> None:
    times = np.concatenate([[0.0], np.cumsum(steps)])
    samples, rate = choose(times, FrameSettings(rate_hz=rate_hz, max_frames=most))
    assert list(samples) == sorted(set(samples))
    assert samples[-1] == len(times) - 1
    assert 1 <= len(samples) <= most
    assert rate <= rate_hz * (1 + 1e-9)
    # Every frame but the last is the nearest one to an instant of the rate, and every instant has its frame.
    near = {int(np.abs(times - k / rate).argmin()) for k in range(int(times[-1] * rate) + 1)}
    distance = {
        i: np.abs(times[i] - np.arange(0, times[-1] + 1 / rate, 1 / rate)).min() for i in samples[:-1]
    }
    assert all(d <= np.diff(times).max() / 2 + 1e-9 for d in distance.values())
    assert len(near - set(samples)) <= 1 + sum(
        np.isclose(abs(times - k / rate).min(), np.sort(abs(times - k / rate))[1]) for k in range(len(near))
    )


@pytest.mark.parametrize("fps", [15, 24, 25, 29.97, 30, 60])
def test_the_rate_does_not_depend_on_the_source(fps: float) -> None:
    grid = np.unique(np.round(np.arange(0, 10, 0.1) * fps)) / fps
    samples, rate = choose(grid, FrameSettings(rate_hz=2.0))
    times = grid[list(samples)]
    assert rate == 2.0
    np.testing.assert_allclose(times[:-1], np.arange(len(times) - 1) / 2, atol=0.5 / fps + 1e-9)
    assert times[-1] == grid[-1]


def test_a_slow_source_is_not_said_to_be_fast() -> None:
    samples, rate = choose(np.arange(5) * 2.0, FrameSettings(rate_hz=4.0))
    assert (samples, rate) == ((0, 1, 2, 3, 4), 0.5)


@pytest.mark.parametrize("number", [1, 2])
def test_the_shortest_clips(number: int) -> None:
    samples, _ = choose(np.arange(number) * 0.1, FrameSettings())
    assert samples == tuple(range(number))


def test_an_hour_is_shown_within_the_budget_at_a_whole_part_of_the_rate() -> None:
    samples, rate = choose(np.arange(36_000) / 10, FrameSettings(rate_hz=2.0, max_frames=32))
    assert 25 <= len(samples) <= 32
    assert (2.0 / rate) == pytest.approx(round(2.0 / rate))


def test_pictures_carry_their_true_times_and_the_words_beside_them(tmp_path: Path) -> None:
    clip = fake_run.street_video(tmp_path / "street.mp4")
    records = fake_run.street(clip)
    seen = show(clip, VideoFrames(clip), records[Tracks], records[Facts])
    times = [s.time_s for s in seen.frames.shots]
    samples, rate = choose(clip.times_s, FrameSettings())
    assert times == clip.times_s[list(samples)].tolist()
    assert (seen.frames.rate_hz, rate) == (2.0, 2.0)
    assert seen.times == (
        "7 frames, taken 2 times a second, the last frame of the clip besides; the first is at 0.00 s, "
        "the last at 2.96 s"
    )
    from kinescribe.llm.messages import Request

    flat = list(Request((seen.frames,)).flat())
    assert [p.text for p in flat if isinstance(p, Text)] == [f"frame at {t:.2f} s" for t in times]
    assert flat[1] is seen.frames.shots[0].image


@given(st.integers(50, 4000), st.integers(50, 4000), st.integers(1, 32), st.integers(10_000, 10_000_000))
def test_the_budget_of_pixels_is_kept(width: int, height: int, most: int, pixels: int) -> None:
    side = side_px(width, height, most, FrameSettings(max_total_px=pixels))
    assert side <= 768
    if side > 16:
        longer, shorter = max(width, height), min(width, height)
        assert most * side * side * shorter / longer <= pixels * (1 + 1e-9)


def test_pictures_are_made_smaller_and_boxes_stay_where_they_are() -> None:
    clip = replace(fake_run.street_clip(), width=640, height=360)
    tracks = replace(fake_run.street_tracks(clip), xyxy=2 * fake_run.street_tracks(clip).xyxy)
    settings = InputSettings(FrameSettings(max_side_px=160))
    (first, *_) = decoded(show(clip, grey(clip, (640, 360)), tracks, Facts(()), settings=settings).frames)
    assert first.shape == (90, 160, 3)
    edge = first[60:68, 100:130].reshape(-1, 3).astype(int)  # the car's box begins at 200 of 640 / 2
    assert np.abs(edge - color_of(1000)).sum(axis=1).min() < 60


def test_without_boxes_the_pictures_are_clean_and_nothing_is_told() -> None:
    clip = fake_run.street_clip()
    seen = show(
        clip, grey(clip), fake_run.street_tracks(clip), Facts(()), settings=InputSettings(boxes=False)
    )
    assert (seen.motion, seen.facts) == ("", "")
    assert all(np.abs(image.astype(int) - 128).max() <= 2 for image in decoded(seen.frames))


def test_frames_that_are_gone_are_an_error() -> None:
    clip = fake_run.street_clip()
    half = ArrayFrames(grey(clip).images[:10], clip.times_s[:10])
    with pytest.raises(VideoError, match="annotate it again"):
        show(clip, half, fake_run.street_tracks(clip), Facts(()))


@pytest.mark.parametrize(
    "wrong",
    [{"rate_hz": 0}, {"max_frames": 0}, {"max_side_px": -1}, {"max_total_px": 0}, {"jpeg_quality": 101}],
)
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FrameSettings(**wrong)  # type: ignore[arg-type]


# --- the same on the picture and in the text ----------------------------------------------------------------


def test_every_listed_subject_is_drawn_in_its_colour_where_the_json_says() -> None:
    clip = fake_run.street_clip()
    records = fake_run.street(clip)
    hands = replace(records[Hands], xyxy=np.full_like(records[Hands].xyxy, np.nan))  # they hide each other
    hands = replace(hands, held_xyxy=hands.xyxy, keypoints=np.full_like(hands.keypoints, np.nan))
    seen = show(clip, grey(clip), records[Tracks], records[Facts], hands)
    objects = json.loads(seen.motion)
    for frame, image in enumerate(decoded(seen.frames)):
        for told in objects.values():
            name, code = told["color"].rsplit(" ", 1)
            color = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)])
            assert name == COLOR_NAMES[PALETTE.index(tuple(color.tolist()))]
            box = told["bbox"][frame]
            if box is None:
                continue
            left, _, right, bottom = np.array(box) * [320, 180, 320, 180]
            middle = round((left + right) / 2)
            under = image[round(bottom) - 2 : round(bottom) + 3, middle].astype(int)
            assert np.abs(under - color).sum(axis=1).min() < 90, (told["tag"], frame)
    unseen = [i for i, box in enumerate(objects["object_00"]["bbox"]) if box is None]
    assert unseen == [1]
    blank = decoded(seen.frames)[1].astype(int)
    assert np.abs(blank[40:135, 60:120] - 128).max() < 20  # where it will be seen again


def test_the_json_is_foundationmotions_with_true_numbers() -> None:
    clip = fake_run.street_clip()
    records = fake_run.street(clip)
    subjects = shown(records[Tracks], records[Hands], 16)
    samples = (0, 6, 20)
    objects = trajectories(clip, subjects, samples, records[Facts], None, records[Hands])
    assert list(objects) == ["object_00", "object_01", "object_02", "object_03", "object_04"]
    person, car, left, right, bag = objects.values()
    assert [o["object_type"] for o in objects.values()] == [
        "person", "car", "left hand", "right hand", "object in right hand",
    ]  # fmt: skip
    assert [o["track_id"] for o in objects.values()] == [0, 1000, 1, 4, 5]
    assert person["bbox"][0] == [0.25, 0.3333, 0.3438, 0.7222]
    assert person["bbox"][1] is None
    for told in objects.values():
        assert {len(told["bbox"]), len(told["interactions"])} == {3}
        assert told["tag"] == f"{told['object_type']} #{told['track_id']}"
    assert right["interactions"] == [None, None, ["object_04"]]
    assert bag["interactions"] == [None, None, ["object_03"]]
    assert (right["part_of"], bag["part_of"]) == ("object_00", "object_03")
    assert right["contact_state"] == [None, None, "object_contact"]
    assert left["contact_state"] == [None, None, None]
    assert person["interactions"] == [None] * 3  # coming nearer is no contact
    assert car["interactions"] == [None] * 3


def test_contacts_come_from_facts_events_and_hands() -> None:
    clip = fake_run.street_clip()
    records = fake_run.street(clip)
    samples = tuple(range(len(clip.times_s)))
    fact = MotionFact("f", 0, "touch", Span(1.0, 1.5), object=1000)
    event = Event(1000, "touch", Span(2.52, 2.53), other=0)  # between two samples
    track = np.full_like(records[Hands].held_track, -1)
    track[1, 25] = 1000
    hands = replace(records[Hands], held_track=track)
    subjects = shown(records[Tracks], hands, 16)
    objects = trajectories(clip, subjects, samples, Facts((fact,)), Events((event,)), hands)
    person, car = objects["object_00"]["interactions"], objects["object_01"]["interactions"]
    when = [i for i, names in enumerate(person) if names == ["object_01"]]
    near = int(np.abs(clip.times_s - 2.525).argmin())
    assert when == [*np.flatnonzero((clip.times_s >= 1.0) & (clip.times_s <= 1.5)), near]
    assert [i for i, names in enumerate(car) if names and "object_00" in names] == when
    assert "object_03" in (car[25] or [])
    for one, told in objects.items():
        for frame, names in enumerate(told["interactions"]):
            assert names is None or names == sorted(set(names))
            assert all(one in objects[other]["interactions"][frame] for other in names or ())


def test_contacts_with_subjects_that_are_not_shown_are_left_out() -> None:
    clip = fake_run.street_clip()
    subjects = only(fake_run.street_tracks(clip), 1000)
    fact = MotionFact("f", 0, "touch", Span(1.0, 1.5), object=1000)
    told = trajectories(clip, subjects, (0, 10), Facts((fact,)))
    assert list(told) == ["object_00"]
    assert told["object_00"]["interactions"] == [None, None]
    with pytest.raises(KeyError):
        only(subjects, 7)


@pytest.mark.parametrize("make", [fake_run.unknown, fake_run.hostile, fake_run.empty, fake_run.crowd])
def test_what_is_told_is_json_without_nan_on_one_line(make: object) -> None:
    records = make()  # type: ignore[operator]
    clip = records[Clip]
    seen = show(clip, grey(clip), records[Tracks], records[Facts], records.get(Hands), records.get(Events))

    def no_constant(name: str) -> None:
        raise AssertionError(name)

    for text in (seen.motion, *seen.facts.splitlines()):
        json.loads(text, parse_constant=no_constant)
        assert len(text.splitlines()) == 1
    assert len(seen.facts.splitlines()) == len(records[Facts].facts)


def test_of_a_crowd_those_seen_longest_are_shown() -> None:
    records = fake_run.crowd(count=40)
    tracks = records[Tracks]
    xyxy = tracks.xyxy.copy()
    for row in range(40):
        xyxy[row, : row % 7] = np.nan
    chosen = shown(replace(tracks, xyxy=xyxy), None, 6)
    assert chosen.ids.tolist() == [0, 70, 140, 210, 280, 350]
    xyxy[:] = np.nan
    assert not len(shown(replace(tracks, xyxy=xyxy), None, 6).ids)


@pytest.mark.parametrize(("part", "person"), [(1, 0), (2, 0), (4, 0), (5, 0), (31, 30), (35, 30), (124, 120)])
def test_whose_hand_it_is(part: int, person: int) -> None:
    assert person_of(part) == person


def test_colours_have_the_names_that_people_give_them() -> None:
    assert len(COLOR_NAMES) == len(set(COLOR_NAMES)) == len(PALETTE)
    for track_id in (0, 1, 4, 10, 30, 50, 60, 1000, 1006):
        name = color_words(track_id).split(" #")[0]
        red, green, blue = color_of(track_id)
        if name in ("blue", "sky blue"):
            assert blue > green > red
        elif name == "green":
            assert green > max(red, blue)
        elif name in ("orange", "red", "yellow"):
            assert red > green > blue
        else:
            assert name == "pink"
            assert red > blue > green


def test_facts_are_told_by_the_names_on_the_pictures() -> None:
    clip = fake_run.street_clip()
    tracks = fake_run.street_tracks(clip)
    lines = [json.loads(line) for line in fact_lines(fake_run.street_facts(), tracks).splitlines()]
    assert [line["subject"] for line in lines] == [
        "camera",
        "car #1000",
        "person #0",
        "person #0",
        "person #0",
    ]
    assert lines[3]["object"] == tags(tracks)[1000]
    assert lines[2]["t"] == [1.0, 2.5]
    assert lines[4] == {
        "id": "f5", "subject": "person #0", "predicate": "bend", "part": "right_elbow", "magnitude": "deeply",
        "count": 2, "t": [1.5, 2.2], "confidence": 1.0,
    }  # fmt: skip


@given(st.lists(st.floats(-1e4, 1e4) | st.just(float("nan")), min_size=4, max_size=4))
def test_boxes_are_within_the_picture_or_unknown(box: list[float]) -> None:
    clip = fake_run.street_clip()
    ((told,),) = normalised_boxes(clip, np.array([[box]]), 4)
    if told is not None:
        assert 0 <= told[0] < told[2] <= 1
        assert 0 <= told[1] < told[3] <= 1
        assert told == [round(number, 4) for number in told]
    else:
        left, top, right, bottom = box
        inside = min(right, 320) - max(left, 0) > 0.1 and min(bottom, 180) - max(top, 0) > 0.1
        assert not inside
