"""Two subjects: who passes, overtakes, crosses, follows and touches whom; and what only looks like it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.checks import Measurements, check
from kinescribe.events.two import Two, minima
from kinescribe.language import names
from kinescribe.questions import statements as say
from kinescribe.records import CameraMotion, Clip, Events, MotionFact, Poses, Span, Tracks
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.vocabulary import OPPOSITES, RELATIONS
from quality.matching import overlap
from tests import generator as g
from tests import worlds as w

W, H, SIDE = 640, 360, 40.0
T = np.arange(0, 6, 0.1)
MEETINGS = tuple(r for r in RELATIONS if r not in ("approach", "separate"))


class Told(NamedTuple):
    """What is measured and said of some tracks."""

    facts: list[MotionFact]
    """About two subjects."""
    events: Events
    measured: Measurements

    @property
    def said(self) -> list[tuple[str, int, int | None, tuple[str, ...]]]:
        return [(f.predicate, f.subject, f.object, f.direction) for f in self.facts]

    @property
    def predicates(self) -> set[str]:
        return {f.predicate for f in self.facts}

    def holds(self, fact: MotionFact, span: Span | None = None) -> bool | None:
        return check(say.claim(fact, names(self.measured.tracks), span), self.measured).holds


def line(*points: tuple[float, float, float], times: np.ndarray = T) -> np.ndarray:
    """A path through (time, x, y)."""
    t, x, y = (np.array(column) for column in zip(*points, strict=True))
    return np.column_stack([np.interp(times, t, x), np.interp(times, t, y)])


def tell(
    paths: list[np.ndarray],
    *,
    side: float = SIDE,
    label: str = "object",
    camera: CameraMotion | None = None,
    unseen: np.ndarray | None = None,
    times: np.ndarray = T,
) -> Told:
    """Measure exact boxes that follow paths in the scene; they are seen through the camera, if there is one.

    Args:
        unseen: samples in which the boxes are filled in by straight lines.
    """
    maps = np.tile(np.eye(2, 3), (len(times), 1, 1))
    ones = np.ones(len(times))
    camera = camera or CameraMotion(maps, ones, ones, 0.0, np.zeros(4), ("static",))
    boxes, hidden = [], np.zeros(len(times), bool) if unseen is None else unseen
    for path in paths:
        to_scene = camera.to_scene if np.isfinite(camera.to_scene).all() else maps
        scale = np.sqrt(np.linalg.det(to_scene[:, :, :2]))
        filmed = np.linalg.solve(to_scene[:, :, :2], (path - to_scene[:, :, 2])[..., None])[..., 0]
        filmed[hidden] = np.column_stack(
            [np.interp(times[hidden], times[~hidden], c[~hidden]) for c in filmed.T]
        )
        half = side / 2 / scale[:, None]
        boxes.append(np.concatenate([filmed - half, filmed + half], axis=1))
    step, first = (10, 0) if label == "person" else (1, 1000)
    shape = (len(paths), len(times))
    detection = np.where(hidden, -1, 0) * np.ones((len(paths), 1), np.int64)
    tracks = Tracks(
        np.arange(len(paths)) * step + first,
        (label,) * len(paths),
        np.stack(boxes),
        np.ones(shape),
        detection,
    )
    clip = Clip("c", "s", "x", 0.0, float(times[-1]), 10.0, W, H, 0, len(times), np.arange(len(times)), times)
    return measured(clip, camera, tracks)


def measured(clip: Clip, camera: CameraMotion, tracks: Tracks) -> Told:
    empty = np.zeros((0, len(clip.times_s), 33, 3))
    poses = Poses(np.zeros(0, np.int64), empty, empty, "blazepose33")
    kinematics = MeasureKinematics()(clip, camera, tracks, poses)
    events = FindEvents()(clip, camera, tracks, poses, kinematics)
    facts = StateFacts()(clip, camera, tracks, events).facts
    related = [fact for fact in facts if fact.object is not None]
    return Told(related, events, Measurements(clip, camera, tracks, poses, kinematics))


# --- worlds -------------------------------------------------------------------------------------------------

RELATED = sorted(name for name in g.ALL_SCENARIOS if name.startswith("pair_"))


def of_world(world: w.World) -> tuple[w.Truth, Told]:
    known = w.truth(world)
    camera = replace(known.camera, score=0.0, terms=np.zeros(4))
    return known, measured(known.clip, camera, known.tracks)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", RELATED)
def test_worlds_of_two_are_told_as_they_are(name: str, seed: int) -> None:
    known, told = of_world(g.ALL_SCENARIOS[name](seed))
    true = [f for f in known.facts if f.predicate in MEETINGS]
    found = [f for f in told.facts if f.predicate in MEETINGS]
    assert [(f.predicate, f.subject, f.object, f.direction) for f in found] == [
        (f.predicate, f.subject, f.object, f.direction) for f in true
    ]
    assert all(overlap(a.span, b.span) >= 0.8 for a, b in zip(found, true, strict=True))
    assert all(told.holds(fact, say.exact(fact)) is True for fact in told.facts)
    assert all(told.holds(fact) is True for fact in true), "at any time"


@pytest.mark.parametrize("name", RELATED)
def test_lies_about_two_are_refused(name: str) -> None:
    known, told = of_world(g.ALL_SCENARIOS[name](4))
    true = [f for f in known.facts if f.predicate in MEETINGS]
    for fact in true:
        if fact.direction:
            assert told.holds(replace(fact, direction=(OPPOSITES[fact.direction[0]],)), fact.span) is False
        if fact.predicate in ("overtake", "follow") or name == "pair_pass":
            assert told.holds(replace(fact, subject=fact.object, object=fact.subject), fact.span) is False
    lies = (
        set(MEETINGS)
        - {f.predicate for f in true}
        - ({"pass"} if "overtake" in {f.predicate for f in true} else set())
    )
    everything = Span(0.0, float(known.clip.times_s[-1]))
    for lie in lies:
        for one, other in ((1000, 1001), (1001, 1000)):
            answer = told.holds(MotionFact("", one, lie, everything, object=other))
            assert answer is (None if (lie, name) == ("pass", "pair_crossing") else False), lie


# --- passing ------------------------------------------------------------------------------------------------


def test_the_numbers_of_a_pass_are_those_of_the_paths() -> None:
    told = tell([line((0, 120, 120), (6, 520, 120)), line((0, 320, 180), (0.1, 320, 180))])
    assert told.said == [("pass", 1000, 1001, ("right",))]
    fact = told.facts[0]
    assert fact.frame == "scene"
    assert fact.evidence["nearest_widths"] == pytest.approx(60 / W, abs=1e-3)
    assert fact.evidence["nearest_sizes"] == pytest.approx(60 / SIDE, abs=0.01)
    assert fact.evidence["share"] == pytest.approx(1, abs=1e-6)
    # Beside each other while the middles are less than one side apart along the way: 200 px from the start, at 67 px/s.
    assert fact.span.start_s == pytest.approx((200 - SIDE) / (400 / 6), abs=0.1)
    assert fact.span.end_s == pytest.approx((200 + SIDE) / (400 / 6), abs=0.1)
    # The other lies to the lower right (60 down, 40 to the right) when the pass begins, to the lower left when it ends.
    assert fact.evidence["from_side_deg"] == pytest.approx(360 - np.degrees(np.arctan2(60, SIDE)), abs=6)
    assert fact.evidence["to_side_deg"] == pytest.approx(180 + np.degrees(np.arctan2(60, SIDE)), abs=6)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_minima_are_lower_than_two_before_and_not_higher_than_two_after(numbers: list[int]) -> None:
    found = minima(np.array(numbers, float)).tolist()
    assert found == [
        k
        for k in range(1, len(numbers) - 1)
        if numbers[k] < min(numbers[max(k - 2, 0) : k]) and numbers[k] <= min(numbers[k + 1 : k + 3])
    ]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_left_out_early_would_not_have_been_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stops = rng.uniform((60, 60), (W - 60, H - 60), (4, 4, 2))
    paths = [line(*((t, *stop) for t, stop in zip((0, 2, 4, 6), one, strict=True))) for one in stops]
    paths = [path + rng.normal(0, 1.5, path.shape) for path in paths]
    told = tell(paths, label="dog").events
    with (
        mock.patch.object(Two, "most_reach", float("inf")),
        mock.patch.object(Two, "paths_may_meet", property(lambda _: True, lambda _, __: None), create=True),
    ):
        assert tell(paths, label="dog").events == told


def turned(path: np.ndarray, angle_deg: float) -> np.ndarray:
    """A path turned counterclockwise, as seen, about the middle of the picture."""
    a = np.radians(angle_deg)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return (path - [320, 180]) @ turn.T + [320, 180]


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(range(8)), st.sampled_from(["pass", "overtake", "meet", "follow"]), st.booleans())
def test_all_ways_are_alike(eighth: int, kind: str, mirrored: bool) -> None:
    paths = {
        "pass": [line((0, 180, 160), (6, 460, 160)), line((0, 320, 210))],
        "overtake": [line((0, 180, 160), (6, 460, 160)), line((0, 260, 210), (6, 380, 210))],
        "meet": [line((0, 180, 160), (6, 460, 160)), line((0, 360, 210), (6, 270, 210))],
        "follow": [line((0, 180, 180), (6, 370, 180)), line((0, 270, 180), (6, 460, 180))],
    }[kind]
    flip = np.array([1.0, -1.0]) if mirrored else np.ones(2)
    told = tell([turned((p - [320, 180]) * flip + [320, 180], 45 * eighth) for p in paths])
    way = w.COMPASS[eighth]
    expected = {"pass": ("pass", (way,)), "meet": ("pass", (way,))}.get(kind, (kind, ()))
    assert told.said == [(expected[0], 1000, 1001, expected[1])]
    assert told.holds(told.facts[0], say.exact(told.facts[0])) is True


def test_backward_in_time_one_overtakes_as_well_but_the_follower_leads() -> None:
    overtake = [line((0, 100, 160), (6, 540, 160)), line((0, 260, 210), (6, 380, 210))]
    follow = [line((0, 180, 180), (6, 370, 180)), line((0, 270, 180), (6, 460, 180))]
    assert tell([p[::-1] for p in overtake]).said == [("overtake", 1000, 1001, ())]
    assert tell([p[::-1] for p in follow]).said == [("follow", 1001, 1000, ())]


def test_at_another_end_of_the_picture_nobody_passes() -> None:
    told = tell([line((0, 120, 60), (6, 520, 60)), line((0, 320, 310))])
    assert "pass" not in told.predicates
    assert told.holds(MotionFact("", 1000, "pass", Span(0, 6), object=1001)) is False


def test_who_comes_alongside_and_goes_back_has_not_passed() -> None:
    told = tell([line((0, 120, 120), (3, 320, 120), (6, 120, 120)), line((0, 320, 180))])
    assert told.predicates == {"approach", "separate"}
    assert told.holds(MotionFact("", 1000, "pass", Span(0, 6), object=1001)) is not True


def test_going_by_something_many_times_is_one_happening_with_a_number() -> None:
    sweep = [(i * 1.5, 160.0 if i % 2 == 0 else 480.0, 120.0) for i in range(5)]
    told = tell([line(*sweep), line((0, 320, 180))])
    (fact,) = [f for f in told.facts if f.predicate == "pass"]
    assert (fact.subject, fact.object, fact.count, fact.direction) == (1000, 1001, 4, ())
    assert told.holds(fact, say.exact(fact)) is True
    assert told.holds(replace(fact, count=6), say.exact(fact)) is False


def test_jitter_before_a_pass_does_not_make_it_longer() -> None:
    rng = np.random.default_rng(3)
    still, passing = line((0, 320, 180)), line((0, 120, 120), (2, 120, 120), (6, 520, 120))
    told = tell([path + rng.normal(0, 0.5, path.shape) for path in (passing, still)])
    assert told.said == [("pass", 1000, 1001, ("right",))]
    assert told.facts[0].span.start_s == pytest.approx(2 + (200 - SIDE) / 100, abs=0.15)


def test_a_roof_is_another_level_for_those_who_pass_below() -> None:
    paths = [line((0, 120, 240), (6, 520, 240)), line((0, 320, 150))]
    assert "pass" not in tell(paths, label="person", side=90).predicates
    told = tell([paths[0], line((0, 320, 230))], label="person", side=90)
    assert told.said == [("pass", 0, 10, ("right",))]


def test_coming_up_to_what_is_passed_is_no_news() -> None:
    told = tell([line((0, 60, 120), (6, 580, 120)), line((0, 320, 180))])
    assert {"approach", "separate"} <= {e.kind for e in told.events.events}
    assert told.predicates == {"pass"}


# --- cameras ------------------------------------------------------------------------------------------------


def camera(maps: np.ndarray, label: str) -> CameraMotion:
    ones = np.ones(len(maps))
    return CameraMotion(maps, ones, ones, 0.0, np.zeros(4), (label,))


def test_a_panned_camera_changes_nothing() -> None:
    paths = [line((0, 220, 140), (6, 420, 140)), line((0, 320, 190))]
    maps = np.tile(np.eye(2, 3), (len(T), 1, 1))
    maps[:, 0, 2] = 40 * T - 120
    assert tell(paths, camera=camera(maps, "pan_right")).said == tell(paths).said


def test_a_zoom_neither_parts_nor_joins() -> None:
    paths = [line((0, 240, 180), (6, 250, 230)), line((0, 400, 180))]
    maps = np.tile(np.eye(2, 3), (len(T), 1, 1))
    grown = np.linspace(1, 1.8, len(T))
    maps[:, 0, 0] = maps[:, 1, 1] = 1 / grown
    maps[:, :, 2] = np.array([320, 180]) * (1 - 1 / grown)[:, None]
    assert tell(paths, camera=camera(maps, "zoom_in")).said == []


def test_before_a_camera_that_is_not_known_nobody_is_said_to_pass() -> None:
    maps = np.full((len(T), 2, 3), np.nan)
    told = tell([line((0, 120, 120), (6, 520, 120)), line((0, 320, 180))], camera=camera(maps, "complex"))
    assert not told.predicates & set(MEETINGS)
    assert told.holds(MotionFact("", 1000, "pass", Span(0, 6), object=1001)) is None


# --- crossing and following ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("angle_deg", "crosses"), [(90, True), (60, True), (30, False), (0, False)])
def test_only_a_clear_angle_is_a_crossing(angle_deg: float, crosses: bool) -> None:
    first, second = line((0, 140, 180), (6, 500, 180)), line((0, 170, 180), (6, 530, 180))
    second = turned(second - np.array([60, 0]), angle_deg)
    told = tell([first, second], side=24)
    assert ("cross" in told.predicates) == crosses
    if crosses:
        fact = next(f for f in told.facts if f.predicate == "cross")
        assert fact.evidence["angle_deg"] == pytest.approx(angle_deg, abs=2)


def test_long_after_the_other_a_crossing_is_no_relation() -> None:
    first, second = line((0, 140, 180), (2, 500, 180)), line((3.5, 320, 80), (6, 320, 280))
    assert "cross" not in tell([first, second]).predicates
    sooner = line((1.5, 320, 80), (4.0, 320, 280))
    assert ("cross", 1001, 1000, ()) in tell([first, sooner]).said


def test_a_way_that_ends_at_the_other_does_not_cross_it() -> None:
    first, second = line((0, 140, 180), (6, 500, 180)), line((0, 260, 60), (5, 260, 178))
    assert "cross" not in tell([first, second], side=24).predicates


@pytest.mark.parametrize(
    ("leader", "answer"),
    [
        (((0, 250, 180), (6, 480, 180)), True),
        (((0, 320, 180), (6, 380, 180)), False),  # caught up with
        (((0, 150, 240), (6, 380, 240)), False),  # side by side
        (((0, 470, 180), (6, 600, 180)), None),  # far ahead, and caught up with a little
    ],
)
def test_who_goes_behind_at_a_steady_distance_follows(leader: tuple, answer: bool | None) -> None:
    told = tell([line((0, 150, 180), (6, 380, 180)), line(*leader)])
    assert ("follow" in told.predicates) == (answer is True)
    claimed = MotionFact("", 1000, "follow", Span(0, 6), object=1001)
    assert told.holds(claimed) is answer


def test_in_a_row_each_follows_the_next() -> None:
    row = [line((0, 100 + 75 * i, 180), (6, 330 + 75 * i, 180)) for i in range(3)]
    assert {f[:3] for f in tell(row, side=30).said} == {("follow", 0 + 1000, 1001), ("follow", 1001, 1002)}


# --- touching -----------------------------------------------------------------------------------------------

COMING = ((0, 100, 180), (3, 280, 180))


@pytest.mark.parametrize(
    ("one", "other", "touches"),
    [
        ((*COMING, (6, 280, 180)), ((0, 320, 180),), True),  # stops there
        ((*COMING, (6, 100, 180)), ((0, 320, 180),), True),  # bounces
        ((*COMING, (6, 280, 180)), ((3, 320, 180), (6, 500, 180)), True),  # pushes it on
        (((0, 100, 180), (3, 260, 180), (6, 260, 180)), ((0, 320, 180),), False),  # stops half a size before
        (((0, 100, 180), (6, 540, 180)), ((0, 320, 195),), False),  # goes through: before or behind it
        (((0, 100, 140), (6, 540, 140)), ((0, 320, 182),), False),  # slides past an edge
        (((0, 279, 180),), ((0, 320, 180),), False),  # side by side all the time
    ],
)
def test_contact_is_where_coming_nearer_ends_at_the_edge(one: tuple, other: tuple, touches: bool) -> None:
    told = tell([line(*one), line(*other)])
    assert ("touch" in told.predicates) == touches
    if touches:
        fact = next(f for f in told.facts if f.predicate == "touch")
        assert (fact.subject, fact.object) == (1000, 1001)
        assert fact.span.start_s == pytest.approx(3, abs=0.15)
        assert fact.evidence["closing_px_s"] == pytest.approx(60, rel=0.1)
        assert told.holds(fact, say.exact(fact)) is True
    else:
        assert told.holds(MotionFact("", 1000, "touch", Span(0, 6), object=1001)) is not True


def test_merged_boxes_hide_a_contact_and_lines_tell_of_it() -> None:
    paths = [line(*COMING, (6, 280, 180)), line((3, 320, 180), (6, 500, 180))]
    assert "touch" in tell(paths, unseen=(T > 2.85) & (T < 3.15)).predicates


def test_two_that_swap_names_while_merged_have_not_bounced() -> None:
    """They go through each other; each track then goes on with the other one."""
    through = [line((0, 100, 180), (6, 540, 180)), line((0, 540, 180), (6, 100, 180))]
    swapped = [np.where(T[:, None] < 3, a, b) for a, b in (through, through[::-1])]
    merged = np.abs(T - 3) < 0.35
    assert "touch" not in tell(swapped, unseen=merged).predicates


def test_people_who_stand_side_by_side_are_not_said_to_touch() -> None:
    told = tell([line(*COMING, (6, 280, 180)), line((0, 320, 180))], label="person")
    assert "touch" not in told.predicates
    assert told.holds(MotionFact("", 0, "touch", Span(0, 6), object=10)) is None


def test_what_was_not_tracked_cannot_be_passed() -> None:
    told = tell([line((0, 120, 120), (6, 520, 120)), line((0, 320, 180))])
    for predicate in MEETINGS:
        assert told.holds(MotionFact("", 1000, predicate, Span(0, 6))) is None
