"""What is stated of a clip and of its twin in a mirror, backward, at another rate or size, before another camera.

All on exact records of worlds and bodies, so that every difference is a fault of reasoning. Development seeds only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kinescribe.records import MotionFact, Span
from kinescribe.vocabulary import OPPOSITES
from tests import bodies, oracle
from tests.oracle import EVERY, Known, facts_of, known

Said = tuple[int | str | frozenset[str] | None, ...]

WORLDS = tuple(name for name in EVERY if name not in bodies.BODY_SCENARIOS)
MUTUAL = ("pass", "cross", "approach", "separate")
"""Of two that are alike, either may be said to do it to the other."""
SWAPPED = {
    "approach": "separate",
    "enter": "leave",
    "accelerate": "decelerate",
    "raise": "lower",
    "bend": "straighten",
}
BACKWARD = {**SWAPPED, **{b: a for a, b in SWAPPED.items()}}
IRREVERSIBLE = ("start", "touch", "lean", "jump", "pause")
"""Setting off, coming together, tipping over and taking off are none of these backward (a pause is: see below)."""

some = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
"""A few drawn worlds, the same every time: a name and a seed are as small as a failure can be made."""


@lru_cache(maxsize=64)
def stated(name: str, seed: int) -> tuple[Known, tuple[MotionFact, ...]]:
    """A clip and what is said of its subjects."""
    clip = known(name, seed)
    return clip, subjects_of(clip)


def subjects_of(clip: Known) -> tuple[MotionFact, ...]:
    """What is said of all but the camera, where the world is not silent."""
    return tuple(f for f in facts_of(clip) if f.subject >= 0 and f.predicate not in clip.silent)


def what(fact: MotionFact, manner: bool = True) -> Said:
    """All that a fact says but when; of two that do something to each other, from the side of the first."""
    one, other, way = fact.subject, fact.object, frozenset(fact.direction)
    if fact.predicate in MUTUAL and other is not None and one > other:
        one, other, way = other, one, frozenset(OPPOSITES.get(word, word) for word in way)
    said = (one, fact.predicate, way, fact.part, fact.count, fact.trajectory, other)
    return (*said, fact.magnitude) if manner else said


def differences(
    expected: Iterable[MotionFact], got: Iterable[MotionFact], manner: bool = True, within_s: float = 0.35
) -> list[str]:
    """Facts that only one of two lists has, and those whose times differ by more."""
    lists = [
        sorted(facts, key=lambda f: (str(what(f, manner)), f.span)) for facts in (list(expected), list(got))
    ]
    counts = [Counter(what(f, manner) for f in facts) for facts in lists]
    found = [f"missing: {said}" for said in (counts[0] - counts[1])]
    found += [f"new: {said}" for said in (counts[1] - counts[0])]
    if not found:
        for a, b in zip(*lists, strict=True):
            off = max(abs(one - other) for one, other in zip(a.span, b.span, strict=True))
            found += [f"{off:.2f} s off: {what(a, manner)}"] if off > within_s else []
    return found


# --- a mirror -----------------------------------------------------------------------------------------------


def in_a_mirror(fact: MotionFact) -> MotionFact:
    way = tuple(oracle.other_side(word) for word in fact.direction)
    return replace(fact, direction=way, part=oracle.other_side(fact.part) if fact.part else None)


@some
@given(name=st.sampled_from(EVERY), seed=st.integers(0, 99))
def test_a_mirror_swaps_left_and_right_and_keeps_the_rest(name: str, seed: int):
    clip, facts = stated(name, seed)
    # What is the same to the last digit but one may round to the next sample.
    assert differences(map(in_a_mirror, facts), subjects_of(oracle.mirrored(clip)), within_s=0.15) == []


@pytest.mark.parametrize("name", ["raise_left_arm", "circle", "enter_left", "leans_left", "turns_clockwise"])
def test_what_the_mirror_shows_is_not_what_was(name: str):
    """The comparison can fail: these have a side."""
    clip, facts = stated(name, 1)
    assert differences(facts, subjects_of(oracle.mirrored(clip)))


# --- backward -----------------------------------------------------------------------------------------------


def played_backward(fact: MotionFact, end_s: float) -> MotionFact:
    way = fact.direction
    if len(way) == 1:
        way = (OPPOSITES.get(way[0], way[0]),)
    subject, other = fact.subject, fact.object
    if fact.predicate == "follow" and other is not None:
        subject, other = other, subject
    predicate = BACKWARD.get(fact.predicate, fact.predicate)
    span = Span(end_s - fact.span.end_s, end_s - fact.span.start_s)
    return as_rest(
        replace(fact, subject=subject, object=other, predicate=predicate, direction=way, span=span)
    )


def as_rest(fact: MotionFact) -> MotionFact:
    """Before a movement a rest is said to be a stay, after it a stop. How deep a joint bends is no matter of time."""
    rest = fact.predicate in ("stay", "stop")
    return replace(
        fact, predicate="rest" if rest else fact.predicate, magnitude=None if fact.part else fact.magnitude
    )


def check_backward(name: str, seed: int, drop: tuple[str, ...] = ()) -> list[str]:
    clip, facts = stated(name, seed)
    left_out = (*IRREVERSIBLE, *drop)
    end_s = float(clip.clip.times_s[-1])
    expected = [played_backward(f, end_s) for f in facts if f.predicate not in left_out]
    got = [as_rest(f) for f in subjects_of(oracle.backward(clip)) if f.predicate not in left_out]
    return differences(expected, got)


@some
@given(name=st.sampled_from(EVERY), seed=st.integers(0, 99))
def test_backward_everything_is_undone_in_the_opposite_order(name: str, seed: int):
    assert check_backward(name, seed) == []


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("raise_left_arm", "raise", "lower"),
        ("curls_right_elbow", "bend", "straighten"),
        ("enter_left", "enter", "leave"),
        ("leave_up", "leave", "enter"),
        ("pair_approach", "approach", "separate"),
        ("pair_separate", "separate", "approach"),
        ("start_stop", "stop", "stay"),
    ],
)
def test_backward_a_word_becomes_its_opposite(name: str, one: str, other: str):
    for seed in (0, 1):
        clip, facts = stated(name, seed)
        twin = subjects_of(oracle.backward(clip))
        assert one in {f.predicate for f in facts}
        assert other in {f.predicate for f in twin}


@pytest.mark.parametrize("seed", range(3))
def test_a_pause_backward_is_a_pause(seed: int):
    clip, facts = stated("pause", seed)
    order = [f.predicate for f in sorted(facts, key=lambda f: f.span)]
    assert order == ["move", "pause", "move"]
    assert [f.predicate for f in subjects_of(oracle.backward(clip))] == order


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_two_happenings_turns_round(seed: int):
    clip, facts = stated("start_stop", seed)
    rests = [f for f in facts if f.predicate in ("stay", "stop")]
    twin = [f for f in subjects_of(oracle.backward(clip)) if f.predicate in ("stay", "stop")]
    lengths = [[f.span.duration_s for f in sorted(some, key=lambda f: f.span)] for some in (rests, twin)]
    assert lengths[0] == pytest.approx(lengths[1][::-1], abs=0.05)
    assert abs(lengths[0][0] - lengths[0][1]) > 0.05, "so that their order shows"


# --- how it is looked at ------------------------------------------------------------------------------------


@some
@given(name=st.sampled_from(EVERY), seed=st.integers(0, 99), scale=st.sampled_from([0.5, 1.5, 2.0, 4.0]))
def test_the_resolution_changes_nothing(name: str, seed: int, scale: float):
    """Bodies too small to tell are excepted (``posture.MIN_TRUNK_PX``): they are only made larger."""
    scale = max(scale, 1.0) if name in bodies.BODY_SCENARIOS else scale
    clip, facts = stated(name, seed)
    size = (round(scale * clip.clip.width), round(scale * clip.clip.height))
    twin = oracle.moved(clip, oracle.still_map(clip, scale), size)
    assert differences(facts, subjects_of(twin), within_s=0.01) == []


@some
@given(name=st.sampled_from(EVERY), seed=st.integers(0, 99), bar=st.sampled_from([20, 100, 300]))
def test_bars_above_and_below_change_nothing(name: str, seed: int, bar: int):
    """But what comes in and goes out at the top or the bottom: there is no border there any more."""
    clip, facts = stated(name, seed)
    if any(f.predicate in ("enter", "leave") for f in facts):
        return
    twin = oracle.moved(clip, oracle.still_map(clip, dy=bar), (clip.clip.width, clip.clip.height + 2 * bar))
    assert differences(facts, subjects_of(twin), within_s=0.01) == []


FINE_HZ = 150.0


def every(step: int, first: int = 0) -> Callable[[int, int], np.ndarray]:
    return lambda n, seed: np.arange(first, n, step)


def irregular(n: int, seed: int) -> np.ndarray:
    """10 Hz, each sample up to 0.06 s late."""
    index = np.arange(0, n - 9, 15)
    return index + np.random.default_rng(seed).integers(0, 10, len(index))


SAMPLINGS = {
    "5 Hz": every(30),
    "10 Hz, 0.05 s later": every(15, 7),
    "25 Hz": every(6),
    "30 Hz": every(5),
    "irregular": irregular,
}
UNSEEN_AT_5_HZ = ("touch",)
"""Contact is told from the moment before it."""


def check_sampling(name: str, seed: int, sampling: str, drop: tuple[str, ...] = ()) -> list[str]:
    """Words for how much or how fast are left out: they change at a limit, however little is measured otherwise."""
    _, facts = stated(name, seed)
    fine = known(name, seed, FINE_HZ)
    twin = subjects_of(oracle.sampled(fine, SAMPLINGS[sampling](len(fine.clip.times_s), seed)))
    drop += UNSEEN_AT_5_HZ if sampling == "5 Hz" else ()
    # Somebody who does something with a limb may be said to stay or not (``Skeletons.silent``); worlds say it.
    drop += ("stay",) if name in bodies.BODY_SCENARIOS else ()
    return differences(
        [f for f in facts if f.predicate not in drop],
        [f for f in twin if f.predicate not in drop],
        manner=False,
    )


@settings(some, max_examples=12)
@given(name=st.sampled_from(EVERY), seed=st.integers(0, 99), sampling=st.sampled_from([*SAMPLINGS]))
def test_rate_and_instants_of_sampling_change_nothing(name: str, seed: int, sampling: str):
    assert check_sampling(name, seed, sampling) == []


# --- another camera -----------------------------------------------------------------------------------------


STILL_IN_VIEW = (
    "start_stop",
    "pause",
    "back_and_forth_horizontal",
    "circle",
    "curve",
    "zigzag",
    "move_left",
    "pair_approach",
)


@some
@given(
    name=st.sampled_from(STILL_IN_VIEW), seed=st.integers(0, 99),
    vx=st.floats(-60, 60), vy=st.floats(-40, 40), zoom=st.floats(-0.08, 0.08),
)  # fmt: skip
def test_a_known_camera_changes_nothing_in_the_scene(name: str, seed: int, vx: float, vy: float, zoom: float):
    """A wide picture, so that whatever the camera does nothing leaves it."""
    clip, _ = stated(name, seed)
    # Of things that stream from a zoom's focus nothing is known (``trust.parallax``); of people it is.
    clip = clip._replace(tracks=replace(clip.tracks, label=("person",) * len(clip.tracks.ids)))
    size = (clip.clip.width + 1600, clip.clip.height + 1600)
    wide = oracle.moved(clip, oracle.still_map(clip, dx=800, dy=800), size)
    t = clip.clip.times_s
    scale = np.exp(zoom * t)
    maps = np.zeros((len(t), 2, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = scale
    maps[:, 0, 2], maps[:, 1, 2] = size[0] / 2 * (1 - scale) - vx * t, size[1] / 2 * (1 - scale) - vy * t
    twin = oracle.moved(wide, maps, labels=("pan_right", "zoom_in"))
    expected, got = ([f for f in subjects_of(k) if f.frame == "scene"] for k in (wide, twin))
    assert expected
    # Relations are told in the picture, where a zoom changes distances.
    kept = [[f for f in facts if f.object is None] for facts in (expected, got)]
    assert differences(*kept, within_s=0.1) == []


# --- time ---------------------------------------------------------------------------------------------------


@some
@given(name=st.sampled_from([w for w in WORLDS if w.startswith("move_")]), seed=st.integers(0, 99))
def test_slow_motion_halves_the_speed_in_the_evidence(name: str, seed: int):
    clip, facts = stated(name, seed)
    twin = subjects_of(oracle.slowed(clip, 2.0))
    assert [what(f, manner=False) for f in facts] == [what(f, manner=False) for f in twin]
    for one, other in zip(facts, twin, strict=True):
        assert other.span.duration_s == pytest.approx(2 * one.span.duration_s, abs=0.3)
        for number in ("speed_px_s", "speed_widths_s"):
            assert other.evidence[number] == pytest.approx(one.evidence[number] / 2, rel=0.03)
        assert other.evidence["net_px"] == pytest.approx(one.evidence["net_px"], rel=0.03)
        turned = other.evidence["heading_deg"] - one.evidence["heading_deg"]
        assert (turned + 180) % 360 - 180 == pytest.approx(0, abs=3)


def test_the_same_clip_gives_the_same_facts():
    for name in ("generated", "crowd", "bows"):
        clip, facts = stated(name, 3)
        assert subjects_of(clip) == facts
