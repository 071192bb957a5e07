"""A moving region that becomes a person, or is left of one, is that person; nothing else is, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinescribe.geometry import box_center
from kinescribe.records import Clip, Tracks
from kinescribe.stages.arrivals import absorb
from kinescribe.stages.track import TrackSubjects
from kinescribe.vocabulary import COMPASS
from tests import worlds as w
from tests.test_track import detections

MAX_LIFE_S, MAX_GAP_S = 2.0, 0.5
T = 60
BODY, HEAD = (60.0, 120.0), (40.0, 50.0)


def clip() -> Clip:
    return w.truth(w.World("arrivals", size=(640, 360), duration_s=T / 10)).clip


def life(
    start: int, stop: int, x: float = 300.0, vx: float = 0.0, size: w.Point = BODY, y: float = 180.0
) -> np.ndarray:
    """Boxes of samples [start, stop), in ``x`` at the first one and going at ``vx`` pixels per sample."""
    boxes = np.full((T, 4), np.nan)
    middle = np.stack([x + vx * np.arange(stop - start), np.full(stop - start, y)], axis=1)
    boxes[start:stop] = np.concatenate([middle - np.array(size) / 2, middle + np.array(size) / 2], axis=1)
    return boxes


def tracks(*rows: tuple[str, np.ndarray], velocity: bool = True) -> Tracks:
    """One track per (label, boxes), with a detection for every box; numbers tell where each came from."""
    labels, boxes = tuple(label for label, _ in rows), np.array([b for _, b in rows]).reshape(-1, T, 4)
    known = np.isfinite(boxes[..., 0])
    number = np.where(known, np.cumsum(known).reshape(known.shape) - 1, -1)
    speed = np.where(known[..., None], np.stack([number, -number], -1).astype(float), np.nan)
    score = np.where(known, 0.5 + number / 1000, np.nan)
    return Tracks(w.track_ids(labels), labels, boxes, score, number, speed if velocity else None)


def absorbed(given: Tracks) -> Tracks:
    """Absorb, and check what holds whatever happens."""
    before = [None if column is None else column.copy() for column in columns(given)]
    got = absorb(clip(), given, MAX_LIFE_S, MAX_GAP_S)
    for one, two in zip(before, columns(given), strict=True):
        np.testing.assert_array_equal(one, two, err_msg="the tracks that were given stay as they are")
    aligned(got)
    kept = [given.row(int(i)) for i in got.ids]
    assert got.label == tuple(given.label[n] for n in kept)
    used = got.detection[got.detection >= 0]
    assert len(used) == len(set(used.tolist())), "nothing is double"
    for column, old in zip(columns(got), columns(given), strict=True):
        if column is not None and old is not None:
            own = given.detection[kept] >= 0
            np.testing.assert_array_equal(column[own], old[kept][own], err_msg="own sightings stay")
    return got


def columns(given: Tracks) -> tuple[np.ndarray | None, ...]:
    return given.xyxy, given.score, given.detection, given.velocity_px_s


def aligned(got: Tracks) -> None:
    """Every column has a row per id, and each box comes with its own score, detection and velocity."""
    assert got.xyxy.shape == (len(got.ids), T, 4)
    assert len(got.label) == len(got.ids)
    seen = got.detection >= 0
    np.testing.assert_array_equal(np.isfinite(got.xyxy[..., 0]), seen)
    np.testing.assert_allclose(got.score[seen], 0.5 + got.detection[seen] / 1000)
    assert np.isnan(got.score[~seen]).all()
    if got.velocity_px_s is not None:
        np.testing.assert_allclose(got.velocity_px_s[seen, 0], got.detection[seen])
        assert np.isnan(got.velocity_px_s[~seen]).all()


def seen(got: Tracks, row: int = 0) -> list[int]:
    return np.flatnonzero(got.detection[row] >= 0).tolist()


def is_unchanged(got: Tracks, given: Tracks) -> bool:
    return got.ids.tolist() == given.ids.tolist() and np.array_equal(got.xyxy, given.xyxy, equal_nan=True)


COMES = ("object", life(5, 15, 240.0, 6.0, HEAD))
PERSON = ("person", life(15, 45, 300.0))
GOES = ("object", life(45, 55, 300.0, -6.0, HEAD))


# --- what is absorbed ---------------------------------------------------------------------------------------


def test_a_region_that_leads_into_a_person_is_the_person() -> None:
    given = tracks(PERSON, COMES)
    got = absorbed(given)
    assert got.ids.tolist() == [0]
    assert got.label == ("person",)
    assert seen(got) == list(range(5, 45))
    np.testing.assert_array_equal(got.xyxy[0, 5:15], given.xyxy[1, 5:15])
    assert box_center(got.xyxy[0, 5])[0] == 240.0, "it is known where the person came from"


def test_a_region_that_leads_out_of_a_person_is_the_person() -> None:
    given = tracks(PERSON, GOES)
    got = absorbed(given)
    assert got.ids.tolist() == [0]
    assert seen(got) == list(range(15, 55))
    np.testing.assert_array_equal(got.xyxy[0, 45:55], given.xyxy[1, 45:55])


def test_a_person_comes_and_goes() -> None:
    got = absorbed(tracks(COMES, PERSON, GOES))
    assert got.label == ("person",)
    assert seen(got) == list(range(5, 55))
    assert sorted(got.detection[0, 5:55].tolist()) == list(range(50)), "nothing is lost"


@pytest.mark.parametrize("missed", [0, 1, 4])
def test_a_short_gap_lies_between_and_stays_unknown(missed: int) -> None:
    got = absorbed(tracks(PERSON, ("object", life(4, 15 - missed, 290.0, size=HEAD))))
    assert got.label == ("person",)
    assert seen(got) == [*range(4, 15 - missed), *range(15, 45)]


def test_velocity_is_carried_along_and_may_be_unknown() -> None:
    got = absorbed(tracks(PERSON, COMES))
    assert got.velocity_px_s is not None
    assert np.isfinite(got.velocity_px_s[0, 5:45]).all()
    assert absorbed(tracks(PERSON, COMES, velocity=False)).velocity_px_s is None


@pytest.mark.parametrize("overlap", [1, 5, 10])
def test_the_person_s_own_sightings_win_while_both_are_seen(overlap: int) -> None:
    given = tracks(PERSON, ("object", life(5, 15 + overlap, 290.0, size=HEAD)))
    got = absorbed(given)
    assert got.ids.tolist() == [0]
    assert seen(got) == list(range(5, 45))
    np.testing.assert_array_equal(got.detection[0, 15:45], given.detection[0, 15:45])


def test_ids_of_those_that_stay_stay() -> None:
    ball = ("object", life(0, 60, 560.0, size=(20.0, 20.0)))
    other = ("person", life(10, 50, 100.0))
    given = tracks(COMES, PERSON, ball, other)
    got = absorbed(given)
    assert got.label == ("person", "object", "person")
    assert got.ids.tolist() == [0, 1001, 10]
    np.testing.assert_array_equal(got.xyxy[1], ball[1])
    np.testing.assert_array_equal(got.xyxy[2], other[1])


# --- what is not --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "boxes"),
    [
        ("it lives longer than an arrival takes", life(0, 22, 290.0, size=HEAD)),
        ("it ends too long before", life(0, 9, 290.0, size=HEAD)),
        ("it begins too long after", life(51, 59, 300.0, size=HEAD)),
        ("it is elsewhere when it ends", life(5, 15, 420.0, size=HEAD)),
        ("it is elsewhere when it begins", life(45, 55, 180.0, size=HEAD)),
        ("it is seen beside the person when the person is seen first", life(5, 20, 500.0, -12.0, HEAD)),
        ("it lies in the person's own time", life(16, 24, 300.0, size=HEAD)),
        ("it begins with the person", life(15, 24, 300.0, size=HEAD)),
        ("both are seen for longer than a moment", life(13, 30, 300.0, size=HEAD)),
        ("it holds the person's time", life(14, 34, 300.0, size=HEAD)),
    ],
)
def test_other_things_stay_things(why: str, boxes: np.ndarray) -> None:
    short = ("person", life(15, 33, 300.0)) if "holds" in why else PERSON
    given = tracks(short, ("object", boxes))
    got = absorbed(given)
    assert is_unchanged(got, given), why
    assert got.label == ("person", "object")


def test_how_far_is_too_far_goes_with_the_size() -> None:
    for size, taken in ((HEAD, True), ((10.0, 20.0), False)):
        person = ("person", life(15, 45, 300.0, size=BODY if taken else (12.0, 24.0)))
        got = absorbed(tracks(person, ("object", life(5, 15, 345.0, size=size))))
        assert (len(got.ids) == 1) is taken


def test_people_are_never_absorbed() -> None:
    given = tracks(PERSON, ("person", life(5, 15, 300.0, size=HEAD)))
    assert is_unchanged(absorbed(given), given)


# --- more than one --------------------------------------------------------------------------------------------


def test_a_region_goes_to_the_nearer_of_two_people_in_any_order() -> None:
    near, far = ("person", life(15, 45, 296.0)), ("person", life(15, 45, 350.0))
    for rows, first in (((near, far), 0), ((far, near), 1)):
        got = absorbed(tracks(*rows, COMES))
        assert got.label == ("person", "person")
        assert seen(got, first) == list(range(5, 45))
        assert seen(got, 1 - first) == list(range(15, 45))


def test_a_region_of_two_people_side_by_side_is_nobody_s() -> None:
    pair = ("person", life(15, 45, 270.0)), ("person", life(15, 45, 330.0))
    given = tracks(*pair, ("object", life(5, 15, 302.0, size=(110.0, 120.0))))
    assert is_unchanged(absorbed(given), given), "nobody can tell whose it is"


def test_a_person_comes_as_one_thing_and_the_other_stays() -> None:
    other = ("object", life(8, 15, 325.0, size=HEAD))
    for rows in ((PERSON, COMES, other), (PERSON, other, COMES)):
        given = tracks(*rows)
        got = absorbed(given)
        assert got.label == ("person", "object")
        assert seen(got) == list(range(5, 45)), "the nearer one"
        np.testing.assert_array_equal(got.xyxy[1], other[1])
        assert set(got.detection[got.detection >= 0]) == set(given.detection[given.detection >= 0]), (
            "nothing is lost"
        )


def test_pieces_in_a_row_are_not_strung_together() -> None:
    earlier = ("object", life(0, 4, 230.0, size=HEAD))
    for rows in ((earlier, COMES, PERSON), (COMES, earlier, PERSON)):
        got = absorbed(tracks(*rows))
        assert got.label == ("object", "person")
        assert seen(got, 1) == list(range(5, 45))


def test_two_people_come_in_one_after_the_other() -> None:
    second = ("person", life(30, 58, 300.0, y=60.0)), ("object", life(22, 30, 300.0, size=HEAD, y=60.0))
    got = absorbed(tracks(COMES, PERSON, *second))
    assert got.label == ("person", "person")
    assert seen(got, 0) == list(range(5, 45))
    assert seen(got, 1) == list(range(22, 58))


# --- nobody, nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [(), (COMES, GOES), (PERSON,), (PERSON, ("person", life(0, 60, 100.0)))])
def test_without_people_or_things_nothing_changes(rows: tuple[tuple[str, np.ndarray], ...]) -> None:
    given = tracks(*rows)
    got = absorbed(given)
    assert is_unchanged(got, given)
    assert got.label == given.label


def test_tracks_that_are_nowhere_seen_do_no_harm() -> None:
    nowhere = np.full((T, 4), np.nan)
    given = tracks(("person", nowhere), ("object", nowhere), PERSON, COMES)
    assert absorbed(given).label == ("person", "object", "person")


# --- in the stage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COMPASS)
def test_somebody_who_walks_in_is_one_track_from_the_first_moving_region(way: str) -> None:
    """What the detectors say: a region for a second, a person from then on; the stage gives one person."""
    here, middle, unit = clip(), np.array([320, 180]), np.array(w.UNIT[way])
    path = w.waypoints((0.0, *(middle - 130 * unit)), (5.9, *(middle + 60 * unit)))
    rows = []
    for t, time_s in enumerate(here.times_s.tolist()):
        person = time_s >= 1.2
        half = np.array(BODY if person else (54.0, 90.0)) / 2
        low, high = path(time_s) - half, path(time_s) + half
        rows.append((t, [*low, *high], "person" if person else "object", 0.8))
    found = replace(detections(here, rows), velocity_px_s=np.full((len(rows), 2), 7.0))
    camera = w.truth(w.World("arrivals", size=(640, 360), duration_s=T / 10)).camera
    got = TrackSubjects()(here, camera, found)
    assert got.label == ("person",)
    assert got.ids.tolist() == [0]
    first = int(seen(got)[0])
    assert here.times_s[first] < 0.5
    assert got.velocity_px_s is not None
    assert (got.velocity_px_s[0, got.detection[0] >= 0] == 7.0).all()
