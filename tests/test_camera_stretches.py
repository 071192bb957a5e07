"""What the camera does is said of the stretch of time in which it does it: paths, pictures, facts, judge, questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.backends.cameras import _summary
from kinescribe.checks import Measurements, check
from kinescribe.language.grounding import ground
from kinescribe.language.mope import parse
from kinescribe.language.referring import names
from kinescribe.language.render import render, said_span
from kinescribe.records import (
    CAMERA,
    CameraMotion,
    CameraStretch,
    Clip,
    Events,
    Facts,
    JointKinematics,
    Kinematics,
    MotionFact,
    Poses,
    Question,
    Span,
    TrackKinematics,
    Tracks,
)
from kinescribe.runs import codec
from kinescribe.stages.camera import MeasureCamera
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.qa import AskQuestions
from kinescribe.video import ArrayFrames, VideoFrames, make_clip, scan
from kinescribe.vocabulary import CAMERA_LABELS
from tests import worlds
from tests.test_camera import about_center, clip_of, filmed, steady, texture

CHANNELS = ("x", "y", "log_scale", "roll_deg")
TOLERANCE_S = 0.3

Said = list[tuple[float, float, tuple[str, ...]]]


def path_of(
    *parts: tuple[float, dict[str, float]], rate: float = 10.0, noise: float = 0.0, seed: int = 0
) -> _summary.Path:
    """A path of stretches (seconds, rate of each channel per second); noise in units of what deserves a word."""
    values = {name: [0.0] for name in CHANNELS}
    for duration_s, rates in parts:
        for _ in range(round(duration_s * rate)):
            for name in CHANNELS:
                values[name].append(values[name][-1] + rates.get(name, 0.0) / rate)
    rng = np.random.default_rng(seed)
    return _summary.Path(
        *(
            np.array(values[name])
            + rng.normal(0, noise * _summary.CHANNELS[name].net, len(values[name])) * noise**0
            for name in CHANNELS
        )
    )


def said(
    way: _summary.Path,
    rate: float = 10.0,
    unknown: tuple[tuple[float, float], ...] = (),
    unclear: tuple[tuple[float, float], ...] = (),
    driving: tuple[tuple[float, float], ...] = (),
    cuts: tuple[float, ...] = (),
) -> tuple[CameraStretch, ...]:
    times = np.arange(len(way.x)) / rate
    middle = (times[1:] + times[:-1]) / 2

    def during(spans: tuple[tuple[float, float], ...]) -> np.ndarray:
        found = np.zeros(len(middle), dtype=bool)
        for a, b in spans:
            found |= (middle > a) & (middle < b)
        return found

    return _summary.stretches(
        way,
        times,
        ~during(unknown) & ~during(unclear),
        during(unclear),
        during(driving).astype(np.int64),
        np.searchsorted(times, np.array(cuts) - 1e-6).astype(np.int64),
    )


def agree(found: tuple[CameraStretch, ...], true: Said) -> None:
    """Labels are exactly the true ones, and every border is within the tolerance."""
    assert [s.labels for s in found] == [labels for _, _, labels in true], found
    for stretch, (start, end, _) in zip(found, true, strict=True):
        assert abs(stretch.span.start_s - start) <= TOLERANCE_S, (stretch, start)
        assert abs(stretch.span.end_s - end) <= TOLERANCE_S, (stretch, end)


PAN, ZOOM, REST = {"x": -0.1}, {"log_scale": 0.1}, dict[str, float]()


# --- paths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_pan_rest_zoom(noise: float) -> None:
    found = said(path_of((2, PAN), (2, REST), (2, ZOOM), noise=noise, seed=1))
    agree(found, [(0, 2, ("pan_right",)), (2, 4, ("static",)), (4, 6, ("zoom_in",))])
    assert set(_summary.summary(found)) == {"pan_right", "zoom_in"}


def test_there_and_back_are_two_stretches_and_never_at_once() -> None:
    found = said(path_of((2, {"x": 0.12}), (2, {"x": -0.12})))
    agree(found, [(0, 2, ("pan_left",)), (2, 4, ("pan_right",))])
    assert _summary.summary(found) == ("pan_left", "pan_right")


def test_motions_that_overlap_share_a_stretch() -> None:
    both = {"x": -0.1, "y": 0.1}
    found = said(path_of((2, {"x": -0.1}), (1.5, both), (2, {"y": 0.1})))
    agree(found, [(0, 2, ("pan_right",)), (2, 3.5, ("pan_right", "tilt_up")), (3.5, 5.5, ("tilt_up",))])


def test_what_begins_nearly_together_begins_together() -> None:
    found = said(path_of((0.2, {"x": -0.1}), (2, {"x": -0.1, "y": -0.1}), (2, REST)))
    agree(found, [(0, 2.2, ("pan_right", "tilt_down")), (2.2, 4.2, ("static",))])


def test_a_cut_divides_and_its_step_means_nothing() -> None:
    way = path_of((3, PAN), (0.1, {"x": 8.0, "roll_deg": 900.0}), (2.9, REST))
    found = said(way, cuts=(3.1,))
    agree(found, [(0, 3.1, ("pan_right",)), (3.1, 6, ("static",))])
    assert found[0].span.end_s == found[1].span.start_s == pytest.approx(3.1)


def test_nothing_is_said_where_the_camera_is_unknown() -> None:
    way = path_of((2, PAN), (2, {"x": 5.0, "y": -3.0, "log_scale": 2.0, "roll_deg": 100.0}), (3, ZOOM))
    found = said(way, unknown=((2, 4),))
    agree(found, [(0, 2, ("pan_right",)), (2, 4, ("unknown",)), (4, 7, ("zoom_in",))])
    assert said(way, unclear=((2, 4),))[1].labels == ("complex",)
    assert _summary.summary(said(way, unknown=((1, 6),))) == ("unknown",)


def test_a_short_gap_is_bridged_and_a_short_glimpse_given_up() -> None:
    way = path_of((6, PAN))
    assert [s.labels for s in said(way, unknown=((2, 2.3),))] == [("pan_right",)]
    glimpse = said(way, unknown=((2, 3), (3.3, 4)))
    agree(glimpse, [(0, 2, ("pan_right",)), (2, 4, ("unknown",)), (4, 6, ("pan_right",))])


def test_driving_is_a_stretch() -> None:
    found = said(path_of((8, REST)), driving=((3, 6),))
    agree(found, [(0, 3, ("static",)), (3, 6, ("dolly_in", "complex")), (6, 8, ("static",))])
    assert _summary.summary(found) == ("dolly_in", "complex")


def trembling(seconds: float, amplitude: float = 0.008, seed: int = 0) -> _summary.Path:
    rng = np.random.default_rng(seed)
    jitter = rng.normal(0, amplitude, (2, round(10 * seconds) + 1))
    still = np.zeros(jitter.shape[1])
    return _summary.Path(jitter[0], jitter[1], still, still)


def joined(*ways: _summary.Path) -> _summary.Path:
    """One path after another, each from where the one before ended."""
    whole = [np.array(values) for values in ways[0]]
    for way in ways[1:]:
        whole = [np.concatenate([a, a[-1] + b[1:] - b[0]]) for a, b in zip(whole, way, strict=True)]
    return _summary.Path(*whole)


@pytest.mark.parametrize("seed", range(5))
def test_a_hand_that_trembles_is_one_long_stretch(seed: int) -> None:
    agree(said(trembling(8, seed=seed)), [(0, 8, ("handheld",))])


def test_from_tripod_to_hand() -> None:
    found = said(joined(path_of((4, REST)), trembling(5)))
    agree(found, [(0, 4, ("static",)), (4, 9, ("handheld",))])
    assert _summary.summary(found) == ("handheld",)


def test_a_pan_by_hand_is_both_while_it_lasts() -> None:
    shake, pan = trembling(7, 0.004), path_of((2, REST), (3, {"x": -0.15}), (2, REST))
    both = _summary.Path(*(a + b for a, b in zip(shake, pan, strict=True)))
    agree(said(both), [(0, 2, ("handheld",)), (2, 5, ("pan_right", "handheld")), (5, 7, ("handheld",))])


def test_a_hand_that_sways_does_not_pan() -> None:
    t = np.arange(101) / 10
    still = np.zeros(101)
    found = said(_summary.Path(0.055 * np.sin(2 * np.pi * t / 3), still, still, still))
    assert [s.labels for s in found] == [("slight",)]


def test_a_drift_below_what_deserves_a_word() -> None:
    assert [s.labels for s in said(path_of((10, {"x": 0.006})))] == [("slight",)]
    assert [s.labels for s in said(path_of((10, {"x": 0.0008})))] == [("static",)]
    assert [s.labels for s in said(path_of((40, {"x": -0.006})))] == [("pan_right",)], "a slow pan adds up"


def test_a_slow_drift_does_not_lengthen_a_pan() -> None:
    drift = {"x": -0.003}
    found = said(path_of((5, drift), (2, {"x": -0.1}), (5, drift)))
    agree(found, [(0, 5, ("slight",)), (5, 7, ("pan_right",)), (7, 12, ("slight",))])


RATES = {"x": 0.08, "y": 0.08, "log_scale": 0.08, "roll_deg": 5.0}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(15, 40), st.sampled_from(CHANNELS), st.sampled_from([-1, 0, 1])),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([0.0, 0.004, 0.008]),
)
def test_any_sequence_of_single_motions_comes_back(parts: list[tuple[int, str, int]], noise: float) -> None:
    """Motions of 1.5 to 4 s with rests of 1 s between them."""
    true: Said = []
    moves: list[tuple[float, dict[str, float]]] = []
    at = 0.0
    for tenths, name, sign in parts:
        if sign:
            moves.append((tenths / 10, {name: sign * RATES[name]}))
            true.append((at, at + tenths / 10, (_summary.LABELS[name][sign < 0],)))
            at += tenths / 10
        moves.append((1.0, REST))
        if true and true[-1][2] == ("static",):
            true[-1] = (true[-1][0], at + 1.0, ("static",))
        else:
            true.append((at, at + 1.0, ("static",)))
        at += 1.0
    agree(said(path_of(*moves, noise=noise, seed=len(parts))), true)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 59), max_size=4, unique=True),
)
def test_stretches_fill_the_time_whatever_happens(steps: int, seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    way = _summary.Path(*np.cumsum(rng.normal(0, 0.05, (4, steps + 1)), axis=1))
    times = np.cumsum(rng.uniform(0.05, 0.3, steps + 1))
    where = np.array(sorted(c for c in cuts if c <= steps), dtype=np.int64)
    found = _summary.stretches(
        way, times, rng.random(steps) < 0.6, rng.random(steps) < 0.5, rng.integers(-1, 2, steps), where
    )
    assert found[0].span.start_s == times[0]
    assert found[-1].span.end_s == times[-1]
    assert all(a.span.end_s == b.span.start_s for a, b in zip(found[:-1], found[1:], strict=True))
    assert all(s.labels and set(s.labels) <= set(CAMERA_LABELS) for s in found)
    for stretch in found:
        assert len(stretch.labels) == 1 or not {"unknown", "static", "slight"} & set(stretch.labels)
        for one, other in (("pan_left", "pan_right"), ("tilt_up", "tilt_down"), ("zoom_in", "zoom_out")):
            assert not {one, other} <= set(stretch.labels)
    summary = _summary.summary(found)
    assert summary
    assert len(set(summary)) == len(summary)
    assert not {"static", "unknown"} & set(summary) or len(summary) == 1
    assert set(summary) - {"complex", "unknown"} <= {label for s in found for label in s.labels}


# --- the summary --------------------------------------------------------------------------------------------


def stretch(start_s: float, end_s: float, *labels: str) -> CameraStretch:
    return CameraStretch(Span(start_s, end_s), labels)


@pytest.mark.parametrize(
    ("found", "labels"),
    [
        ((stretch(0, 9, "static"), stretch(9, 10, "unknown")), ("static",)),
        ((stretch(0, 9, "static"), stretch(9, 10, "slight")), ("slight",)),
        ((stretch(0, 9, "static"), stretch(9, 10, "pan_left")), ("pan_left",)),
        ((stretch(0, 19, "static"), stretch(19, 20, "pan_left")), ("pan_left",)),
        ((stretch(0, 10, "zoom_in"), stretch(10, 20, "static"), stretch(20, 21, "pan_left")), ("zoom_in",)),
        ((stretch(0, 4, "static"), stretch(4, 10, "unknown")), ("unknown",)),
        (
            (stretch(0, 6, "pan_left", "handheld"), stretch(6, 10, "complex")),
            ("pan_left", "handheld", "complex"),
        ),
        ((stretch(0, 10, "complex"),), ("complex",)),
    ],
)
def test_what_stands_for_the_clip(found: tuple[CameraStretch, ...], labels: tuple[str, ...]) -> None:
    assert _summary.summary(found) == labels


# --- pictures -----------------------------------------------------------------------------------------------


def measured(images: np.ndarray) -> CameraMotion:
    clip = clip_of(images)
    return MeasureCamera()(clip, ArrayFrames(images, clip.times_s))


def rendered(parts: list[tuple[int, float, float]]) -> np.ndarray:
    """Maps of a camera: (samples, shift per sample in px, growth of the content per sample)."""
    x, scale, maps = 0.0, 1.0, [about_center()]
    for count, shift, growth in parts:
        for _ in range(count):
            x, scale = x + shift * scale, scale / growth
            maps.append(about_center((x, 0.0), scale))
    return np.stack(maps)


def test_pictures_of_a_pan_a_rest_and_a_zoom() -> None:
    camera = measured(filmed(rendered([(20, 6.0, 1.0), (20, 0.0, 1.0), (20, 0.0, 1.01)])))
    agree(camera.stretches, [(0, 2, ("pan_right",)), (2, 4, ("static",)), (4, 6, ("zoom_in",))])
    assert set(camera.labels) == {"pan_right", "zoom_in"}


def test_pictures_of_a_pan_left_then_right() -> None:
    camera = measured(filmed(rendered([(20, -7.0, 1.0), (20, 7.0, 1.0)])))
    agree(camera.stretches, [(0, 2, ("pan_left",)), (2, 4, ("pan_right",))])


def test_what_the_camera_does_after_a_cut_is_known_though_its_place_is_not() -> None:
    other = texture(1600, 1200, 77)
    images = np.concatenate(
        [
            filmed(steady(20)),
            filmed(steady(20, x=5), wall=other),
            filmed(steady(25, grow=1 / 1.012), wall=texture(1600, 1200, 5)),
        ]
    )
    camera = measured(images)
    assert camera.cuts_s == (2.0, 4.0)
    assert np.isnan(camera.to_scene[20:]).all()
    agree(camera.stretches, [(0, 2, ("static",)), (2, 4, ("pan_right",)), (4, 6.4, ("zoom_out",))])


def test_slow_motion_after_a_cut_adds_up() -> None:
    """Every step is below noise: only a picture that is kept shows it, also in the second shot."""
    images = np.concatenate([filmed(steady(20)), filmed(steady(120, x=0.4), wall=texture(1600, 1200, 77))])
    camera = measured(images)
    assert camera.stretches[-1].labels == ("pan_right",)
    assert camera.stretches[-1].span.duration_s > 10


def test_a_black_screen_between_is_unknown() -> None:
    pictures = filmed(rendered([(20, 5.0, 1.0)]))
    black = np.full((20, *pictures.shape[1:]), 4, np.uint8)
    camera = measured(np.concatenate([pictures, black, filmed(steady(20), wall=texture(1600, 1200, 77))]))
    labels = [s.labels for s in camera.stretches]
    assert labels == [("pan_right",), ("unknown",), ("static",)], camera.stretches
    assert abs(camera.stretches[1].span.start_s - 2.1) <= TOLERANCE_S
    assert abs(camera.stretches[1].span.end_s - 4.1) <= TOLERANCE_S


def test_text_on_flat_ground_shows_no_camera() -> None:
    images = np.full((30, 270, 480, 3), 20, np.uint8)
    images[:, 125:145, 200:280] = texture(80, 20, 3)
    assert measured(images).labels == ("unknown",)


def test_a_fade_to_black_is_not_driving() -> None:
    pictures = filmed(steady(40, x=1.5)).astype(float)
    fading = np.clip(pictures * np.linspace(1, 0, 40)[:, None, None, None], 0, 255).astype(np.uint8)
    camera = measured(np.concatenate([fading, np.zeros((20, *fading.shape[1:]), np.uint8)]))
    assert not any("dolly" in label for s in camera.stretches for label in s.labels)


def test_a_pan_behind_something_that_passes_is_one_stretch() -> None:
    images = filmed(rendered([(30, 6.0, 1.0)]))
    images[14] = texture(480, 270, 50)
    assert [s.labels for s in measured(images).stretches] == [("pan_right",)]


@pytest.mark.parametrize("name", [n for n in worlds.SCENARIOS if n.startswith("camera_")])
def test_a_steady_camera_has_one_stretch(name: str) -> None:
    known = worlds.render(worlds.SCENARIOS[name](4))
    camera = MeasureCamera()(known.clip, known.frames)
    assert [s.labels for s in camera.stretches] == [known.camera.labels]


def test_stretches_are_stored() -> None:
    camera = camera_with(stretch(0, 2, "pan_left", "handheld"), stretch(2, 3, "unknown"))
    assert codec.from_row(CameraMotion, codec.to_row(camera)).stretches == camera.stretches


# --- facts, words, judge, questions -------------------------------------------------------------------------

TIMES = np.arange(101) / 10
CLIP = Clip("c", "c.mp4", "0", 0.0, 10.0, 10.0, 480, 270, 0, 101, np.arange(101, dtype=np.int64), TIMES)
NOBODY = Tracks(
    np.zeros(0, np.int64), (), np.zeros((0, 101, 4)), np.zeros((0, 101)), np.zeros((0, 101), np.int64)
)


def camera_with(*stretches: CameraStretch) -> CameraMotion:
    maps, ones = np.tile(np.eye(2, 3), (101, 1, 1)), np.ones(101)
    return CameraMotion(maps, ones, ones, 0.2, np.zeros(4), _summary.summary(stretches), stretches=stretches)


def measurements(camera: CameraMotion) -> Measurements:
    none, line = np.zeros((0, 101)), np.zeros((0, 101, 2))
    motion = TrackKinematics(
        np.zeros(0, np.int64), (), line, line, line, none, none, none, none, none, np.zeros(0)
    )
    joints = JointKinematics(
        np.zeros(0, np.int64), np.zeros((0, 101, 10)), np.zeros((0, 101, 10)),
        *[np.zeros((0, 10))] * 7, np.zeros((0, 5)), np.zeros((0, 5)), none,
    )  # fmt: skip
    poses = Poses(np.zeros(0, np.int64), np.zeros((0, 101, 33, 3)), np.zeros((0, 101, 33, 3)), "blazepose33")
    return Measurements(CLIP, camera, NOBODY, poses, Kinematics(motion, joints))


def facts_of(camera: CameraMotion) -> tuple[MotionFact, ...]:
    return StateFacts()(CLIP, camera, NOBODY, Events(())).facts


SHOTS = camera_with(
    stretch(0, 2, "static"),
    stretch(2, 5, "pan_left"),
    stretch(5, 6, "unknown"),
    stretch(6, 8, "zoom_out"),
    stretch(8, 10, "pan_right"),
)


def test_facts_have_the_times_of_their_stretches() -> None:
    found = [(f.predicate, f.direction, tuple(f.span)) for f in facts_of(SHOTS)]
    assert found == [
        ("stay", (), (0, 2)),
        ("pan", ("left",), (2, 5)),
        ("zoom", ("out",), (6, 8)),
        ("pan", ("right",), (8, 10)),
    ]
    assert all(said_span(f) == f.span for f in facts_of(SHOTS))


def test_what_goes_on_through_several_stretches_is_one_fact() -> None:
    camera = camera_with(
        stretch(0, 2, "handheld"), stretch(2, 5, "pan_left", "handheld"), stretch(5, 10, "static")
    )
    found = {(f.predicate, tuple(f.span)) for f in facts_of(camera)}
    assert found == {("shake", (0, 5)), ("pan", (2, 5)), ("stay", (5, 10))}


def test_what_holds_nearly_throughout_has_a_plain_sentence() -> None:
    (fact,) = facts_of(camera_with(stretch(0, 9.5, "zoom_in"), stretch(9.5, 10, "static")))
    assert fact.span == Span(0, 10)
    assert render([fact], names(NOBODY)) == "The camera zooms in."


def test_a_short_rest_is_not_said() -> None:
    camera = camera_with(stretch(0, 4, "pan_left"), stretch(4, 4.7, "static"), stretch(4.7, 10, "zoom_in"))
    assert {f.predicate for f in facts_of(camera)} == {"pan", "zoom"}


def test_the_text_reads_back_with_its_times_and_is_confirmed() -> None:
    facts = facts_of(SHOTS)
    text = render(facts, names(NOBODY))
    assert "from 6.0 s to 8.0 s" in text
    claims = ground(parse(text), NOBODY, names(NOBODY))
    assert [c.action.span for c in claims] == [f.span for f in facts]
    assert [check(c, measurements(SHOTS)).holds for c in claims] == [True] * 4


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("The camera zooms out from 6.0 s to 8.0 s.", True),
        ("The camera zooms out from 5.5 s to 8.5 s.", True),
        ("The camera zooms in from 6.0 s to 8.0 s.", False),
        ("The camera zooms out from 0.0 s to 4.0 s.", False),
        ("The camera zooms out from 5.0 s to 6.0 s.", None),
        ("The camera zooms out from 3.0 s to 6.0 s.", None),
        ("The camera zooms out from 0.0 s to 10.0 s.", None),
        ("The camera tilts up from 8.0 s to 10.0 s.", False),
        ("The camera pans to the left from 8.0 s to 10.0 s.", False),
        ("The camera stays still from 0.0 s to 2.0 s.", True),
        ("The camera stays still from 0.0 s to 5.0 s.", False),
        ("The camera stays still from 6.0 s to 8.0 s.", False),
        ("The camera moves from 2.0 s to 5.0 s.", True),
        ("The camera moves from 0.0 s to 2.0 s.", False),
        ("The camera zooms out.", True),
        ("The camera pans to the left.", True),
        ("The camera pans to the left and to the right.", True),
        ("The camera tilts up.", False),
        ("The camera moves.", True),
        ("The camera stays still.", None),
        ("At 7.0 s, the camera zooms out.", True),
        ("At 7.0 s, the camera pans.", False),
    ],
)
def test_a_claim_is_judged_in_its_time(text: str, holds: bool | None) -> None:
    (claim,) = ground(parse(text), NOBODY, names(NOBODY))
    found = check(claim, measurements(SHOTS))
    assert found.holds is holds, found.why


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("The camera moves forward.", True),
        ("The camera moves backward.", False),
        ("The camera zooms out.", False),
        ("The camera pans to the left.", None),
        ("The camera rolls clockwise.", None),
        ("The camera stays still.", False),
    ],
)
@pytest.mark.parametrize("stretched", [True, False])
def test_driving_refutes_its_opposite(text: str, holds: bool | None, stretched: bool) -> None:
    camera = camera_with(stretch(0, 10, "dolly_in", "complex"))
    camera = camera if stretched else replace(camera, stretches=())
    (claim,) = ground(parse(text), NOBODY, names(NOBODY))
    assert check(claim, measurements(camera)).holds is holds


def test_a_clip_of_which_much_is_unknown_refutes_nothing() -> None:
    camera = camera_with(stretch(0, 7, "static"), stretch(7, 10, "unknown"))
    for text, holds in (
        ("The camera pans.", None),
        ("The camera stays still.", None),
        ("The camera moves.", None),
    ):
        (claim,) = ground(parse(text), NOBODY, names(NOBODY))
        assert check(claim, measurements(camera)).holds is holds


def asked(camera: CameraMotion) -> tuple[Question, ...]:
    m = measurements(camera)
    facts = Facts(facts_of(camera))
    stage = AskQuestions(families=("foundationmotion",))
    return stage(m.clip, camera, m.tracks, m.poses, m.kinematics, facts).questions


def test_questions_speak_of_the_stretch() -> None:
    questions = {q.text: q for q in asked(SHOTS)}
    zoom = questions["What does the camera do between 6.0 s and 8.0 s?"]
    assert zoom.options[zoom.answer_index] == "Zooms out"
    assert len(questions) == 4
    for question in questions.values():
        assert question.subject == CAMERA
        (fact,) = (f for f in facts_of(SHOTS) if f.id == question.fact_id)
        for i, option in enumerate(question.options):
            sentence = (
                f"From {fact.span.start_s:.1f} s to {fact.span.end_s:.1f} s, the camera {option.lower()}."
            )
            (claim,) = ground(parse(sentence), NOBODY, names(NOBODY))
            assert check(claim, measurements(SHOTS)).holds is (i == question.answer_index), sentence


# --- what hangs on the labels -------------------------------------------------------------------------------


def test_labels_in_a_span() -> None:
    assert SHOTS.labels_in(Span(2.5, 3)) == {"pan_left"}
    assert SHOTS.labels_in(Span(4, 7)) == {"pan_left", "unknown", "zoom_out"}
    assert replace(SHOTS, stretches=()).labels_in(Span(0, 1)) == set(SHOTS.labels)


# --- real clips ---------------------------------------------------------------------------------------------


def real(shared: Path, name: str) -> CameraMotion:
    file = shared / "videos" / name
    if not file.exists():
        pytest.skip(f"needs {name} in ../shared/videos")
    source = scan(file)
    clip = make_clip(source, 0, source.duration_s, 10)
    return MeasureCamera()(clip, VideoFrames(clip))


def labels_at(camera: CameraMotion, time_s: float) -> tuple[str, ...]:
    (found,) = (s.labels for s in camera.stretches if s.span.start_s <= time_s < s.span.end_s)
    return found


AT: dict[str, dict[float, Callable[[set[str]], bool]]] = {
    "torchcodec_nasa/nasa_13013.mp4": {
        2.0: lambda found: found == {"static"},
        7.0: lambda found: found == {"static"},
        9.0: lambda found: found == {"zoom_out"},
    },
    "cosmos_curate/test_video_30s.mp4": {
        1.0: lambda found: "dolly_in" in found,  # a flight towards a mountain
        5.0: lambda found: found == {"pan_right", "tilt_up"},
        8.5: lambda found: found == {"unknown"},  # a title
        9.7: lambda found: found == {"unknown"},  # black
        13.0: lambda found: found == {"static"},
        20.7: lambda found: not found & {"dolly_in", "dolly_out", "zoom_in", "zoom_out"},
        26.2: lambda found: found == {"unknown"},  # black
    },
    "cosmos_curate/test_clip_10s.mp4": {
        2.0: lambda found: found == {"pan_right", "tilt_up"},
        5.5: lambda found: found == {"unknown"},
        9.5: lambda found: found == {"static"},
    },
    "udacity/solidWhiteRight.mp4": {t: lambda found: "dolly_in" in found for t in (1.0, 4.0, 8.0)},
}
"""Seen on contact sheets."""


@pytest.mark.parametrize("name", AT)
def test_real_clips_at_what_was_seen(shared: Path, name: str) -> None:
    camera = real(shared, name)
    for time_s, right in AT[name].items():
        assert right(set(labels_at(camera, time_s))), (time_s, camera.stretches)
