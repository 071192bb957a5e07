"""A clip is cut where its motion changes, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.events import EventSettings, Scene, segments
from kinescribe.geometry import smooth
from kinescribe.records import CameraMotion, Clip, Event, Events, Kinematics, Poses, Segment, Span, Tracks
from kinescribe.runs import codec
from kinescribe.stages.events import FindEvents
from kinescribe.stages.kinematics import MeasureKinematics
from tests import bodies
from tests import generator as g
from tests import worlds as w

ONE = np.ones(2)


def velocity_of(times: np.ndarray, bounds: list[float], levels: np.ndarray) -> np.ndarray:
    """The velocity that is measured (smoothed over 0.7 s) of something that changes it at once at each bound."""
    fine = np.arange(times[0], times[-1] + 1e-9, 0.001)
    speed = levels[np.searchsorted(bounds, fine, side="right")]
    path = np.cumsum(speed, axis=0) * 0.001
    seen = np.array([np.interp(times, fine, axis) for axis in path.T])
    return smooth(times, seen).rate.T


# --- change points ------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_sudden_changes_are_found_where_they_are_and_no_others(data):
    lengths = data.draw(st.lists(st.floats(1.2, 4.0), min_size=1, max_size=6))
    turns = data.draw(st.lists(st.floats(60, 300), min_size=len(lengths), max_size=len(lengths)))
    speeds = data.draw(
        st.lists(st.sampled_from([0.0, 20.0, 60.0]), min_size=len(lengths), max_size=len(lengths))
    )
    heading = np.radians(np.cumsum(turns))
    levels = np.array(speeds)[:, None] * np.column_stack([np.cos(heading), np.sin(heading)])
    bounds = np.cumsum(lengths)[:-1].tolist()
    changes = [
        at for at, a, b in zip(bounds, levels[:-1], levels[1:], strict=True) if np.abs(a - b).max() > 10
    ]
    times = np.arange(0, sum(lengths), 0.1)
    found = segments.change_points(times, velocity_of(times, bounds, levels), ONE)
    assert len(found) == len(changes)
    np.testing.assert_allclose(found, changes, atol=0.06)


@pytest.mark.parametrize("rate", [5, 10, 25, 30])
def test_the_frame_rate_moves_no_change(rate):
    times = np.arange(0, 9, 1 / rate)
    found = segments.change_points(
        times, velocity_of(times, [3.0, 6.2], np.array([[0.0, 0], [40, 0], [0, 0]])), ONE
    )
    np.testing.assert_allclose(found, [3.0, 6.2], atol=0.15)


def test_noise_is_not_cut():
    times, cut = np.arange(0, 20, 0.1), 0
    for seed in range(100):
        path = np.random.default_rng(seed).normal(0, 1.0, (2, len(times)))
        rate = smooth(times, path).rate.T
        cut += len(
            segments.change_points(
                times, rate, np.full(2, EventSettings().min_speed_noise_s / segments.NOTABLE)
            )
        )
    assert cut <= 25, "in 2,000 s"


def test_an_even_change_of_speed_is_no_flight_of_stairs():
    """What accelerates all the time is cut in a few pieces at most, not at every sample."""
    times = np.arange(0, 6, 0.1)
    assert len(segments.change_points(times, np.column_stack([10 * times, 0 * times]), ONE)) <= 6


@pytest.mark.parametrize("at", [58.0, 59.9, 60.0, 60.1, 62.0])
def test_where_the_search_goes_on_with_the_next_minute_nothing_is_seen(at):
    times = np.arange(0, 150, 0.1)
    signal = np.where(times < at, 0.0, 30.0)[:, None]
    assert segments.change_points(times, signal, ONE[:1]) == pytest.approx([at], abs=0.11)
    assert segments.change_points(times, 0 * signal, ONE[:1]) == []


def test_gaps_end_pieces_and_are_not_bridged():
    times = np.arange(0, 12, 0.1)
    signal = np.where(times < 6, 0.0, 30.0)[:, None]
    signal[55:65] = np.nan
    assert segments.change_points(times, signal, ONE[:1]) == []
    assert segments.change_points(times, np.full((120, 1), np.nan), ONE[:1]) == []
    assert segments.change_points(times[:1], signal[:1], ONE[:1]) == []


# --- growth -------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(1.0, 2.5), length=st.floats(0.8, 3.0), by=st.sampled_from([-0.8, -0.4, 0.4, 0.8]),
    early=st.floats(0.0, 1.0), late=st.floats(0.0, 1.0),
)  # fmt: skip
def test_rests_are_trimmed_off_a_growth(start, length, by, early, late):
    times = np.arange(0, 9, 0.1)
    log_size = 3 + by * np.clip((times - start) / length, 0, 1)
    turns = Span(start - early, start + length + late)
    changes = [start, start + length / 2, start + length]
    assert segments.trimmed(times, log_size, turns, changes) == pytest.approx(
        (start, start + length), abs=1e-9
    )


def test_what_cannot_be_trimmed_stays():
    times, span = np.arange(0, 5, 0.1), Span(1.0, 3.0)
    assert segments.trimmed(times, 0.3 * times, span, []) == span
    assert segments.trimmed(times, np.full(50, np.nan), span, [2.0]) == span
    assert segments.trimmed(times, 0 * times, span, [2.0]) == span


@pytest.mark.parametrize("jitter_px", [0.0, 0.5])
def test_a_growth_begins_and_ends_when_it_does_whatever_the_noise(jitter_px):
    off = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        start, length = rng.uniform(1.2, 2, 2)
        thing = w.Actor(
            w.still(160, 90), (36.0, 30.0), label="car", scale=w.ramp(start, start + length, 1, 2.2)
        )
        known = w.truth(w.World("grows", seed, duration_s=5.5, actors=(thing,)))
        boxes = known.tracks.xyxy + rng.normal(0, jitter_px, known.tracks.xyxy.shape)
        found = of(measured(replace(known, tracks=replace(known.tracks, xyxy=boxes)))[1], 1000)
        for span in (span for span, kinds in found if "grow" in kinds):
            off += [abs(span.start_s - start), abs(span.end_s - start - length)]
    assert len(off) >= 16, "outlines that breathe hide few"
    assert np.median(off) <= 0.1
    assert max(off) <= 0.4


# --- segments of worlds -------------------------------------------------------------------------------------


def measured(known: w.Truth | bodies.Skeletons) -> tuple[Scene, Events]:
    times = known.clip.times_s
    none = Poses(
        np.zeros(0, np.int64),
        np.zeros((0, len(times), 33, 3)),
        np.zeros((0, len(times), 33, 3)),
        "blazepose33",
    )
    poses = getattr(known, "poses", none)
    kinematics = MeasureKinematics()(known.clip, known.camera, known.tracks, poses)
    records = known.clip, known.camera, known.tracks, poses, kinematics
    return Scene(*records), FindEvents()(*records)


def of(events: Events, subject: int | None) -> list[tuple[Span, set[str]]]:
    return [
        (s.span, {events.events[i].kind for i in s.events}) for s in events.segments if s.subject == subject
    ]


EVERY = [*g.ALL_SCENARIOS, "generated"]


def world(name: str, seed: int) -> w.Truth:
    return w.truth(g.generate(seed) if name == "generated" else g.ALL_SCENARIOS[name](seed))


@pytest.mark.parametrize("name", [*EVERY, *bodies.BODY_SCENARIOS])
def test_segments_fill_each_life_and_hold_every_event(name):
    known = bodies.BODY_SCENARIOS[name](2) if name in bodies.BODY_SCENARIOS else world(name, 2)
    found = measured(known)[1]
    clip = known.clip
    for subject, boxes in zip(known.tracks.ids.tolist(), known.tracks.xyxy, strict=True):
        own = [s for s in found.segments if s.subject == subject]
        seen = clip.times_s[np.isfinite(boxes[:, 0])]
        if len(seen) < 2:
            continue
        assert own[0].span.start_s == seen[0]
        assert own[-1].span.end_s == seen[-1]
        for one, two in zip(own[:-1], own[1:], strict=True):
            assert one.span.end_s <= two.span.start_s
            assert one.events != two.events or one.span.end_s < two.span.start_s
        held = {i for s in own for i in s.events}
        assert held == {i for i, e in enumerate(found.events) if e.subject == subject and e.kind != "visible"}
    whole = [s.span for s in found.segments if s.subject is None]
    assert (whole[0].start_s, whole[-1].end_s) == (clip.times_s[0], clip.times_s[-1])
    assert all(one.end_s == two.start_s for one, two in zip(whole[:-1], whole[1:], strict=True))
    assert found == measured(known)[1], "twice the same"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["start_stop", "pause"])
def test_a_life_is_cut_where_its_motion_starts_and_stops(name, seed):
    known = world(name, seed)
    found = of(measured(known)[1], 1000)
    true = [f for f in known.facts if f.subject == 1000]
    assert [kinds for _, kinds in found] == [{"move"} if f.predicate == "move" else {"still"} for f in true]
    for (span, _), fact in zip(found, true, strict=True):
        true_end = min(fact.span.end_s, known.clip.times_s[-1])
        np.testing.assert_allclose(span, (fact.span.start_s, true_end), atol=0.06)


def test_a_repetition_is_one_segment():
    for seed in range(4):
        spans = of(measured(world("back_and_forth_horizontal", seed))[1], 1000)
        assert [kinds for _, kinds in spans if "oscillate" in kinds] == [{"oscillate"}]


def test_the_scene_is_cut_at_cuts_and_where_any_subject_changes():
    known = world("cut", 0)
    found = measured(known)[1]
    assert known.camera.cuts_s[0] in {s.span.start_s for s in found.segments if s.subject is None}
    found = measured(world("generated", 1))[1]
    inner = {s.span.start_s for s in found.segments if s.subject is not None and s.span.start_s > 0}
    scene = [s.span.start_s for s in found.segments if s.subject is None][1:]
    assert inner
    assert set(scene) <= inner
    assert all(min(abs(at - other) for other in (0.0, *scene, 5.9)) <= segments.MIN_PIECE_S for at in inner)


# --- by hand ------------------------------------------------------------------------------------------------


def by_hand(events: list[Event], stretches: tuple = (), cuts: tuple[float, ...] = ()) -> list[Segment]:
    """Segments of one person who rests in the picture for 10 s, for events that are told."""
    times = np.arange(0, 10.05, 0.1)
    clip = Clip("c", "s", "x", 0.0, 10.0, 10.0, 640, 360, 0, len(times), np.arange(len(times)), times)
    maps, ones = np.tile(np.eye(2, 3), (len(times), 1, 1)), np.ones(len(times))
    camera = CameraMotion(maps, ones, ones, 0.0, np.zeros(4), ("static",), cuts, stretches)
    box = np.tile([300.0, 100, 340, 260], (1, len(times), 1))
    tracks = Tracks(np.array([0]), ("person",), box, ones[None], np.zeros((1, len(times)), np.int64))
    empty = np.zeros((0, len(times), 33, 3))
    poses = Poses(np.zeros(0, np.int64), empty, empty, "blazepose33")
    kinematics: Kinematics = MeasureKinematics()(clip, camera, tracks, poses)
    return list(segments.find(Scene(clip, camera, tracks, poses, kinematics), EventSettings(), events))


def test_limbs_cut_a_rest_but_not_a_way():
    arm = Event(0, "raise", Span(4.0, 5.0), part="left_arm")
    still, move = Event(0, "still", Span(0.0, 10.0)), Event(0, "move", Span(0.0, 10.0))
    assert [s.events for s in by_hand([still, arm]) if s.subject == 0] == [(0,), (0, 1), (0,)]
    assert [s.events for s in by_hand([move, arm]) if s.subject == 0] == [(0, 1)]


def test_a_repeated_swing_is_one_piece():
    swings = [
        Event(0, kind, Span(2.0 + i, 3.0 + i), part="left_arm")
        for i, kind in enumerate(["raise", "lower"] * 2)
    ]
    assert len([s for s in by_hand(swings) if s.subject == 0]) == 6
    repeat = Event(0, "repeat", Span(2.0, 6.0), part="left_arm")
    assert [tuple(s.span) for s in by_hand([repeat, *swings]) if s.subject == 0] == [
        (0.0, 2.0),
        (2.0, 6.0),
        (6.0, 10.0),
    ]


def test_relations_and_changes_of_speed_fill_pieces_but_cut_none():
    told = [
        Event(0, "move", Span(0.0, 10.0)),
        Event(0, "accelerate", Span(1.0, 4.0)),
        Event(0, "approach", Span(2.0, 6.0), other=10),
    ]
    (one,) = (s for s in by_hand(told) if s.subject == 0)
    assert one.events == (0, 1, 2)


def test_the_scene_is_cut_where_the_camera_does_something_else():
    from kinescribe.records import CameraStretch

    stretches = (CameraStretch(Span(0.0, 4.0), ("static",)), CameraStretch(Span(4.0, 10.0), ("pan_left",)))
    scene = [tuple(s.span) for s in by_hand([], stretches) if s.subject is None]
    assert scene == [(0.0, 4.0), (4.0, 10.0)]
    assert [tuple(s.span) for s in by_hand([], stretches[:1]) if s.subject is None] == [(0.0, 10.0)]


def test_nothing_follows_a_change_sooner_than_half_a_second():
    told = [Event(0, "still", Span(0.0, 5.0)), Event(0, "raise", Span(5.1, 5.9), part="left_arm")]
    spans = [s.span for s in by_hand(told) if s.subject == 0]
    assert min(span.duration_s for span in spans) >= segments.MIN_PIECE_S


def test_segments_are_stored_and_events_of_before_have_none():
    events = Events(
        (Event(0, "move", Span(0.0, 1.0)),),
        (Segment(0, Span(0.0, 1.0), (0,)), Segment(None, Span(0.0, 1.0), ())),
    )
    row = codec.to_row(events)
    assert codec.from_row(Events, row) == events
    del row["segments"]
    assert codec.from_row(Events, row).segments == ()
