"""Depth nets err by a scale and a shift in every picture; what is said of depth is right nevertheless, or not said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe import pipeline, recipe
from kinescribe.checks import Measurements, check, check_all, claims_of
from kinescribe.errors import RecipeError
from kinescribe.events import EventSettings, Scene, nearness
from kinescribe.facts import calibration
from kinescribe.language import names, sentence
from kinescribe.masks import rle
from kinescribe.records import (
    CAMERA,
    NO_DEPTH,
    CameraMotion,
    Captions,
    Clip,
    Depth,
    Detections,
    Masks,
    MotionFact,
    Poses,
    Span,
    Tracks,
    Verdicts,
)
from kinescribe.runs import codec
from kinescribe.stages.alignment import aligned
from kinescribe.stages.depth import EstimateDepth, looks, of_subject
from kinescribe.stages.events import FindEvents
from kinescribe.video import ArrayFrames
from tests import depths
from tests.depths import Card, Errors, Room, Seen, seen

EXACT = Errors(wander=0.0)
REAL = Errors(wander=0.2, pixel=0.03, subject=0.015, seed=3)
"""About what relative nets do: 0.03 of pixel noise, a scale that wanders by a fifth."""


def ramp(start: float, end: float, begins_s: float = 1.0, ends_s: float = 4.0) -> Callable[[float], float]:
    def at(t: float) -> float:
        return start + (end - start) * min(1.0, max(0.0, (t - begins_s) / (ends_s - begins_s)))

    return at


def at(metres: float) -> Callable[[float], float]:
    return lambda t: metres


def measured(s: Seen) -> Measurements:
    return Measurements(s.clip, s.camera, s.tracks, s.poses, s.kinematics, s.depth)


def held(s: Seen, text: str) -> bool | None:
    """What the judge says of a sentence with one claim."""
    (claim,) = claims_of(text, s.tracks)
    assert claim.subject is not None, text
    return check(claim, measured(s)).holds


def by_depth(s: Seen) -> list[MotionFact]:
    return [fact for fact in s.facts.facts if "depth_change" in fact.evidence]


def toward_or_away(s: Seen) -> list[MotionFact]:
    ways = {"toward_camera", "away_from_camera"}
    return [f for f in s.facts.facts if ways & set(f.direction) and f.subject != CAMERA]


# --- toward and away ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", [True, False], ids=["relative", "metric"])
@pytest.mark.parametrize("errors", [EXACT, REAL], ids=["exact", "real"])
@pytest.mark.parametrize("pan", [0.0, 30.0], ids=["still", "pan"])
@pytest.mark.parametrize(("start", "end"), [(5.0, 3.0), (3.2, 5.5), (4.5, 3.6)])
def test_direction_and_metres_are_right(
    relative: bool, errors: Errors, pan: float, start: float, end: float
) -> None:
    labels = ("pan_right",) if pan else ("static",)
    room = Room((Card(ramp(start, end), at(0.4)),), pan_px_s=pan, labels=labels)
    s = seen(room, replace(errors, relative=relative))
    (fact,) = by_depth(s)
    way, other = ("toward", "away from") if end < start else ("away from", "toward")
    assert fact.direction == (f"{way.replace(' ', '_')}_camera",)
    assert fact.span.start_s == pytest.approx(1.0, abs=0.6)
    assert fact.span.end_s == pytest.approx(4.0, abs=0.6)
    assert fact.evidence["metric"] == float(not relative)
    if relative:
        assert fact.metres is None
    else:
        assert fact.metres == pytest.approx(abs(end - start), rel=0.15)
    assert [f for f in toward_or_away(s) if f is not fact] == [], "said once"
    assert held(s, f"The object moves {way} the camera from 1.0 s to 4.0 s.") is True
    assert held(s, f"The object moves {other} the camera from 1.0 s to 4.0 s.") is False
    assert held(s, f"The object moves {way} the camera.") is True
    assert held(s, f"The object moves {other} the camera.") is False


def test_metres_that_are_said_are_judged() -> None:
    metric = seen(Room((Card(ramp(5.0, 2.7)),)), replace(REAL, relative=False))
    said = "The object moves {} m toward the camera from 1.0 s to 4.0 s."
    found = {metres: held(metric, said.format(metres)) for metres in (0.8, 1.3, 2.2, 2.4, 4.5)}
    assert found[2.2] is found[2.4] is True
    assert found[0.8] is found[4.5] is False
    assert found[1.3] is not True
    (fact,) = by_depth(metric)
    told = sentence(fact, names(metric.tracks)[1000])
    assert f"{fact.metres:.1f} m toward the camera" in told
    assert held(metric, told) is True
    relative = seen(Room((Card(ramp(5.0, 2.7)),)), REAL)
    assert held(relative, said.format(2.3)) is None, "a relative net knows no metres"
    assert held(metric, "The object moves 2.3 m back to the left from 1.0 s to 4.0 s.") is not True


def test_coming_and_going_are_two() -> None:
    there_and_back = lambda t: 5.0 - 2.0 * np.sin(np.pi * t / 8)  # noqa: E731
    s = seen(Room((Card(there_and_back),), duration_s=8.0), replace(REAL, relative=False))
    assert [f.direction[0] for f in by_depth(s)] == ["toward_camera", "away_from_camera"]
    assert all(f.metres == pytest.approx(2.0, rel=0.2) for f in by_depth(s))


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_what_rests_is_not_said_to_come_or_go(relative: bool, seed: int) -> None:
    s = seen(Room((Card(at(3.6)),)), replace(REAL, relative=relative, seed=seed))
    assert by_depth(s) == []
    for way in ("toward", "away from"):
        assert held(s, f"The object moves {way} the camera from 1.0 s to 4.0 s.") is False


@pytest.mark.parametrize("relative", [True, False])
def test_within_the_noise_nothing_is_known(relative: bool) -> None:
    """The step is real, and far smaller than what the net wavers by: neither said, nor confirmed, nor denied."""
    errors = Errors(relative, wander=0.1, subject=0.25, seed=1)
    s = seen(Room((Card(ramp(4.0, 3.4)),)), errors)
    assert by_depth(s) == []
    s = replace(s, tracks=replace(s.tracks, xyxy=np.repeat(s.tracks.xyxy[:, :1], 60, axis=1)))
    claim = claims_of("The object moves toward the camera from 1.0 s to 4.0 s.", s.tracks)[0]
    sizeless = replace(s.kinematics.tracks, size_px=np.full_like(s.kinematics.tracks.size_px, np.nan))
    found = check(claim, replace(measured(s), kinematics=replace(s.kinematics, tracks=sizeless)))
    assert found.holds is None


def test_false_alarms_are_as_rare_as_the_threshold_says() -> None:
    """Of things that rest, whose depth wavers by 6 % (half of it for 0.2 s), 0.2 % are said to move: of 120, none."""
    room = Room((Card(at(4.0)),))
    clip, camera, tracks, poses = depths.records_of(room)
    kinematics = seen(room).kinematics
    rng = np.random.default_rng(11)
    at_looks = np.arange(0, 60, 2)
    one = np.full(60, np.nan)
    one[at_looks] = 1.0
    alarms = 0
    for _ in range(120):
        wavers = np.zeros(30)
        for i, push in enumerate(rng.normal(0, 0.06, 30)):
            wavers[i] = (0.5 * wavers[i - 1] if i else 0.0) + push * (np.sqrt(0.75) if i else 1.0)
        near = np.full((1, 60), np.nan)
        near[0, at_looks] = np.exp(wavers) / 4
        depth = Depth(tracks.ids, near, near * 0.01, one, one, one * 0, one * 0.0, metric=True)
        scene = Scene(clip, camera, tracks, poses, kinematics, depth)
        alarms += any(True for _ in nearness.changes(scene, 0, EventSettings()))
    assert alarms <= 1


# --- where the size of the box deceives ---------------------------------------------------------------------


def test_what_opens_does_not_come_nearer_where_a_metric_net_looks() -> None:
    opens = Room((Card(at(4.0), growth=ramp(1.0, 1.8)),))
    assert [f.direction for f in toward_or_away(seen(opens))] == [("toward_camera",)], "the box alone"
    s = seen(opens, replace(REAL, relative=False))
    assert toward_or_away(s) == []
    assert held(s, "The object moves toward the camera from 1.0 s to 4.0 s.") is not True


def test_what_says_the_opposite_of_the_size_is_not_said() -> None:
    """It goes away and opens faster than that: nobody knows."""
    s = seen(
        Room((Card(ramp(3.0, 4.5), size=(0.3, 0.4), growth=ramp(1.0, 3.5)),)), replace(REAL, relative=False)
    )
    assert toward_or_away(s) == []
    assert held(s, "The object moves away from the camera from 1.0 s to 4.0 s.") is None


def test_a_fact_says_what_it_rests_on() -> None:
    room = Room((Card(ramp(5.0, 3.0)),))
    (size,) = toward_or_away(seen(room))
    assert "log_scale" in size.evidence
    assert "depth_change" not in size.evidence
    (both,) = toward_or_away(seen(room, replace(REAL, relative=False)))
    assert both.evidence["log_scale"] == pytest.approx(np.log(5 / 3), rel=0.1)
    assert both.evidence["depth_change"] == pytest.approx(np.log(5 / 3), rel=0.1)
    assert (both.evidence["from_m"], both.evidence["to_m"]) == pytest.approx((5.0, 3.0), rel=0.1)
    assert calibration.family(size) == "depth"
    assert calibration.family(both) == "seen_depth"


def test_a_step_too_small_for_the_size_is_seen_by_depth() -> None:
    room = Room((Card(ramp(4.0, 3.2)),))
    assert toward_or_away(seen(room)) == []
    (fact,) = toward_or_away(seen(room, replace(REAL, relative=False)))
    assert fact.metres == pytest.approx(0.8, abs=0.15)


# --- the camera ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("fooled", [True, False], ids=["zoom is depth to the net", "and is not"])
def test_a_zoom_is_no_change_of_depth(relative: bool, fooled: bool) -> None:
    """Metric nets take a zoom for coming nearer: the background, which seems to come as well, tells."""
    room = Room((Card(at(4.0)),), zoom_s=0.08, labels=("zoom_in",))
    errors = replace(REAL, relative=relative, zoomed=room.zoom_s if fooled else 0.0)
    assert by_depth(seen(room, errors)) == []
    comes = replace(room, cards=(Card(ramp(5.0, 3.0)),))
    (fact,) = by_depth(seen(comes, errors))
    assert fact.direction == ("toward_camera",)


@pytest.mark.parametrize("relative", [True, False])
def test_a_camera_that_drives_leaves_only_the_order(relative: bool) -> None:
    cards = (Card(at(2.8), at(-0.1), (1.0, 0.8)), Card(ramp(5.0, 3.4), at(0.4), (1.0, 1.0)))
    s = seen(Room(cards, labels=("dolly_in",), known=False), replace(REAL, relative=relative))
    assert by_depth(s) == []
    assert held(s, "Object 2 moves toward the camera from 1.0 s to 4.0 s.") is None
    (order,) = [f for f in s.facts.facts if f.predicate in ("in_front_of", "behind")]
    assert (order.subject, order.predicate, order.object) == (1000, "in_front_of", 1001)


# --- who is before whom -------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize(("one", "two"), [(3.0, 3.8), (3.8, 3.0)])
def test_who_is_in_front_of_whom(relative: bool, one: float, two: float) -> None:
    cards = (Card(at(one), at(-0.2), (1.0, 0.8), "person"), Card(at(two), at(0.5), (1.0, 0.8), "car"))
    s = seen(Room(cards), replace(REAL, relative=relative))
    (order,) = [f for f in s.facts.facts if f.predicate in ("in_front_of", "behind")]
    right, wrong = ("in_front_of", "behind") if one < two else ("behind", "in_front_of")
    assert (order.subject, order.predicate, order.object, order.frame) == (0, right, 1000, "image")
    assert order.span.duration_s >= 5.5
    said = {"in_front_of": "is in front of", "behind": "is behind"}
    assert held(s, f"The person {said[right]} the car.") is True
    assert held(s, f"The person {said[wrong]} the car.") is False
    assert held(s, f"The car {said[wrong]} the person from 1.0 s to 3.0 s.") is True
    assert held(s, f"The car {said[right]} the person from 1.0 s to 3.0 s.") is False
    assert held(s, f"The person is not {said[wrong][3:]} the car.") is True
    nearer = "nearer to" if one < two else "farther from"
    assert held(s, f"The person is {nearer} the camera than the car.") is True
    if not relative:
        assert order.evidence["metres"] == pytest.approx(abs(one - two), rel=0.2)


def test_beside_is_not_in_front_of() -> None:
    cards = (Card(at(3.0), at(-1.0), label="person"), Card(at(3.9), at(1.2), label="car"))
    s = seen(Room(cards), REAL)
    assert [f for f in s.facts.facts if f.predicate in ("in_front_of", "behind")] == []
    assert held(s, "The person is in front of the car.") is None
    assert held(s, "The person is behind the car.") is False, "it is nearer"


def test_side_by_side_has_no_order() -> None:
    cards = (Card(at(3.0), at(-0.2), (1.0, 0.8), "person"), Card(at(3.1), at(0.5), (1.0, 0.8), "car"))
    for relative in (True, False):
        s = seen(Room(cards), replace(REAL, relative=relative))
        assert [f for f in s.facts.facts if f.predicate in ("in_front_of", "behind")] == []
        assert held(s, "The person is in front of the car.") is None


def test_an_order_that_changes_is_two() -> None:
    cards = (
        Card(ramp(2.6, 4.6, 1.0, 5.0), at(-0.2), (1.0, 1.2), "person"),
        Card(at(3.5), at(0.4), (1.2, 1.0), "car"),
    )
    s = seen(Room(cards), replace(REAL, relative=False))
    orders = [f for f in s.facts.facts if f.predicate in ("in_front_of", "behind")]
    assert [(f.subject, f.predicate) for f in orders] == [(0, "in_front_of"), (0, "behind")]
    assert orders[0].span.end_s < 2.9 < orders[1].span.start_s + 0.4
    assert held(s, "The person is in front of the car from 0.0 s to 2.0 s.") is True
    assert held(s, "The person is in front of the car from 4.0 s to 5.5 s.") is False


# --- off ----------------------------------------------------------------------------------------------------


def test_off_costs_nothing_and_knows_nothing() -> None:
    class Untouched:
        def __iter__(self) -> object:
            raise AssertionError("nobody looks")

        def __len__(self) -> int:
            return 60

    clip, camera, tracks, _ = depths.records_of(Room((Card(at(4.0)),)))
    found = EstimateDepth()(clip, Untouched(), camera, tracks)  # type: ignore[arg-type]
    assert not found.known
    assert len(found.ids) == 0
    assert found.scale.shape == clip.times_s.shape
    assert EstimateDepth().identity() == ""


def test_without_a_net_events_are_those_of_before() -> None:
    cards = (Card(ramp(5.0, 3.0), at(-0.6), label="person"), Card(ramp(3.0, 5.0), at(0.5), label="car"))
    s = seen(Room(cards))
    plain = FindEvents()(s.clip, s.camera, s.tracks, s.poses, s.kinematics)
    assert s.events == plain
    assert len(plain.events) > 2
    for text in ("The person is in front of the car.", "The person is behind the car."):
        assert held(s, text) is None
    without = Measurements(s.clip, s.camera, s.tracks, s.poses, s.kinematics)
    for text in ("The person moves toward the camera.", "The person stays still.", "The person moves."):
        (claim,) = claims_of(text, s.tracks)
        assert check(claim, measured(s)) == check(claim, without)


def test_it_is_a_stage_like_the_others() -> None:
    order = list(pipeline.STAGES)
    assert order.index("track") < order.index("depth") < order.index("kinematics")
    with pytest.raises(RecipeError, match=r'depth\.backend: no backend "hgf"'):
        recipe.load(None, ["depth.backend=hgf"])
    with pytest.raises(RecipeError, match="rate_hz must be at least 2"):
        recipe.load(None, ["depth.rate_hz=0"])
    with pytest.raises(RecipeError, match=r"depth\.options\.modle"):
        recipe.load(None, ["depth.backend=hf", "depth.options.modle=x"])
    made = recipe.load(
        None, ["depth.backend=hf", 'depth.options.model="org/name"', "depth.options.metric=true"]
    )
    assert made.stages["depth"].options == {"model": "org/name", "metric": True}
    assert "no " in made.stages["depth"].identity(), "no checkpoint, or no torch: said, not raised"


def test_a_whole_run_says_it_and_its_judge_agrees() -> None:
    cards = (Card(ramp(5.0, 2.8), at(-0.3), label="person"), Card(at(6.0), at(0.2), (2.0, 1.2), "car"))
    room = Room(cards)
    depths.ROOMS["run"] = (room, replace(REAL, relative=False))
    clip, camera, tracks, poses = depths.records_of(room)
    images = np.zeros((60, 36, 64, 3), np.uint8)
    stages = {name: pipeline.STAGES[name]() for name in pipeline.STAGES}
    stages["depth"] = EstimateDepth("tests.depths:TellsDepth", {"room": "run"})
    none = np.zeros((0, 0, 3))
    nothing = Detections(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0), (), (), none, none)
    have = {CameraMotion: camera, Detections: nothing, Tracks: tracks, Poses: poses}
    got = pipeline.annotate(clip, ArrayFrames(images, clip.times_s, 10.0), stages, have)
    text = " ".join(caption.text for caption in got[Captions].captions)
    assert "2.1 m toward the camera" in text or "2.2 m toward the camera" in text, text
    assert "is in front of" in text
    told = {
        got[Captions].captions[v.caption].claims[v.claim].action.predicate: v.holds
        for v in got[Verdicts].verdicts
    }
    assert told["in_front_of"] is True
    assert all(v.holds is not False for v in got[Verdicts].verdicts)


def test_the_record_is_stored_and_cut_like_the_others() -> None:
    s = seen(Room((Card(ramp(5.0, 3.0)),)), REAL)
    back = codec.from_row(Depth, codec.to_row(s.depth))
    for name, value in vars(s.depth).items():
        np.testing.assert_array_equal(getattr(back, name), value)
    part = measured(s).within(Span(1.0, 2.0)).depth
    np.testing.assert_array_equal(part.nearness, s.depth.nearness[:, 10:21])
    assert not NO_DEPTH.known
    assert check_all(claims_of("The object moves toward the camera, then stops.", s.tracks), measured(s))


# --- lining up ----------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    metric=st.booleans(),
    pictures=st.integers(2, 20),
    seen_share=st.floats(0.7, 1.0),
    moved_share=st.floats(0.0, 0.1),
)
def test_pictures_are_brought_in_line(
    seed: int, metric: bool, pictures: int, seen_share: float, moved_share: float
) -> None:
    """Exactly, whatever scale and shift each has, where some places are hidden and some hold what moves."""
    rng = np.random.default_rng(seed)
    field = rng.uniform(0.1, 0.5, 200)
    scale = np.exp(rng.normal(0, 0.5, pictures))
    shift = np.zeros(pictures) if metric else rng.normal(0, 0.3, pictures)
    shown = scale[:, None] * field + shift[:, None]
    moved = rng.random(shown.shape) < moved_share
    shown = np.where(moved, shown + scale[:, None] * rng.uniform(0.2, 0.5, shown.shape), shown)
    shown = np.where(rng.random(shown.shape) < seen_share, shown, np.nan)
    found = aligned(shown, metric)
    target = field[:10]
    lined = found.scale[:, None] * (scale[:, None] * target + shift[:, None]) + found.shift[:, None]
    assert np.isfinite(lined).all()
    assert np.ptp(lined, axis=0).max() < 1e-6 * np.abs(lined).max()
    usual = np.exp(np.median(np.log(found.scale))) if metric else np.median(found.scale)
    assert usual == pytest.approx(1.0)
    assert (found.noise < 1e-6).all()


def test_what_cannot_be_told_is_unknown() -> None:
    rng = np.random.default_rng(0)
    wall = np.full((6, 200), 0.25) * np.exp(rng.normal(0, 0.2, 6))[:, None]
    flat = wall * (1 + 0.01 * rng.normal(size=wall.shape))
    assert np.isnan(aligned(flat, metric=False).scale).all(), "a flat wall has any scale to a relative net"
    assert np.isfinite(aligned(flat, metric=True).scale).all()
    few = np.where(np.arange(200) < 10, flat, np.nan)
    assert np.isnan(aligned(few, metric=True).scale).all()
    assert aligned(np.zeros((0, 0)), metric=True).scale.shape == (0,)
    assert np.isnan(aligned(np.full((3, 0), np.nan), metric=False).scale).all()


def test_noise_does_not_shrink_the_scale() -> None:
    """A regression would, picture by picture."""
    rng = np.random.default_rng(2)
    field = rng.uniform(0.1, 0.5, 500)
    found = aligned(field + 0.03 * rng.normal(size=(40, 500)), metric=False)
    assert found.scale.min() > 0.95
    assert found.scale.max() < 1.05


def test_the_background_of_a_relative_net_is_needed() -> None:
    """A card before the whole picture hides it; then a change over time says nothing."""
    s = seen(Room((Card(ramp(3.0, 2.0), size=(12.0, 8.0)),)), REAL)
    assert np.isnan(s.depth.scale).all()
    assert np.isfinite(s.depth.nearness).any()
    assert by_depth(s) == []
    metric = seen(Room((Card(ramp(3.0, 2.0), size=(12.0, 8.0)),)), Errors(False, wander=0.0))
    assert (metric.depth.scale[::2] == 1).all(), "metres are metres"
    assert [f.direction for f in by_depth(metric)] == [("toward_camera",)]


# --- one picture --------------------------------------------------------------------------------------------


def tracks_of(*boxes: tuple[float, float, float, float], masks: Masks | None = None) -> Tracks:
    n = len(boxes)
    xyxy = np.array(boxes, dtype=float).reshape(n, 1, 4)
    rows = np.arange(n).reshape(n, 1)
    return Tracks(1000 + np.arange(n), ("object",) * n, xyxy, np.ones((n, 1)), rows, masks=masks)


def picture(*layers: tuple[float, float, float, float, float]) -> np.ndarray:
    """Nearness 0.1 behind boxes (in pixels of 64 x 36), the later before the earlier."""
    found = np.full((36, 64), 0.1)
    for left, top, right, bottom, near in layers:
        found[int(top) : int(bottom), int(left) : int(right)] = near
    return found


def clip_of_one() -> Clip:
    clip = depths.clip_of(Room(()))
    return replace(clip, width=64, height=36, times_s=np.zeros(1), frame_indices=np.zeros(1, np.int64))


def test_pixels_where_boxes_overlap_are_the_nearer_ones() -> None:
    clip = clip_of_one()
    back, front = (4.0, 4.0, 40.0, 32.0), (20.0, 4.0, 60.0, 32.0)
    shown = picture((*back, 0.2), (*front, 0.5))
    tracks = tracks_of(back, front)
    assert of_subject(shown, clip, tracks, 0, 0).middle == pytest.approx(0.2)
    assert of_subject(shown, clip, tracks, 1, 0).middle == pytest.approx(0.5)
    inside = (24.0, 10.0, 34.0, 20.0)
    shown = picture((*back, 0.2), (*inside, 0.6))
    tracks = tracks_of(back, inside)
    assert of_subject(shown, clip, tracks, 0, 0).middle == pytest.approx(0.2)
    assert of_subject(shown, clip, tracks, 1, 0).middle == pytest.approx(0.6)
    sliver = (4.0, 4.0, 41.0, 32.0)
    hides = (6.0, 2.0, 60.0, 34.0)
    shown = picture((*sliver, 0.2), (*hides, 0.5))
    assert np.isnan(of_subject(shown, clip, tracks_of(sliver, hides), 0, 0).middle), "too little of it shows"


def test_a_mask_says_which_pixels() -> None:
    clip = clip_of_one()
    ring = np.zeros((36, 64), bool)
    ring[4:32, 4:40] = True
    ring[10:26, 10:34] = False
    shown = np.where(ring, 0.4, 0.1)
    box = (4.0, 4.0, 40.0, 32.0)
    assert of_subject(shown, clip, tracks_of(box), 0, 0).middle == pytest.approx(0.1), "a hole, seen through"
    masked = tracks_of(box, masks=Masks(36, 64, ((rle(ring),),)))
    assert of_subject(shown, clip, masked, 0, 0) == pytest.approx((0.4, 0.0))
    unknown = tracks_of(box, masks=Masks(36, 64, ((None,),)))
    assert of_subject(shown, clip, unknown, 0, 0).middle == pytest.approx(0.1)


def test_looks_are_at_most_so_many_a_second() -> None:
    times = np.arange(60) / 10 + np.random.default_rng(0).uniform(-0.017, 0.017, 60)
    for rate, number in ((100.0, 60), (10.0, 60), (5.0, 30), (2.0, 12), (0.01, 1)):
        found = looks(times, rate)
        assert len(found) == number
        assert found[0] == 0
    assert looks(np.zeros(1), 5.0).tolist() == [0]
    assert looks(np.zeros(0), 5.0).tolist() == []
