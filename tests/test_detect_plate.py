"""Things that the clean plate takes for its own: what grows in its place, creeps, comes to rest, or sets off late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinescribe.backends.detectors._chains import mistakes
from kinescribe.backends.detectors._ends import without_residents
from kinescribe.backends.detectors._hollows import MIN_RING, hollows
from kinescribe.backends.detectors._plate import Plate
from kinescribe.backends.detectors._regions import Region
from kinescribe.backends.detectors.flow import FlowRegions
from kinescribe.backends.detectors.motion import MotionRegions
from kinescribe.geometry import box_iou
from kinescribe.records import Detections
from kinescribe.stages.camera import MeasureCamera
from kinescribe.stages.detect import nothing
from tests import worlds as w

SIZE = (36.0, 30.0)
DARK = w.Texture(3, (30.0, 25.0, 20.0), 8.0)


def seen(known: w.Rendered, backend: type[FlowRegions] | type[MotionRegions] = FlowRegions) -> Detections:
    camera = MeasureCamera()(known.clip, known.frames)
    return backend()(known.clip, known.frames, camera, nothing())


def best_iou(found: Detections, known: w.Rendered, subject: int = 0) -> np.ndarray:
    """Best overlap with a subject's true box, sample by sample."""
    truth = known.tracks.xyxy[subject]
    return np.array(
        [box_iou(found.xyxy[found.sample == t], truth[t : t + 1]).max(initial=0.0) for t in range(len(truth))]
    )


def world(*actors: w.Actor, duration_s: float = 4.0) -> w.World:
    return w.World("plate", 5, duration_s=duration_s, ground=w.Texture(7), actors=actors)


# --- what grows and shrinks in its place --------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["toward_camera", "away_from_camera"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_grows_or_shrinks_in_its_place_has_its_own_box_for_most_of_its_time(
    direction: str, seed: int
) -> None:
    known = w.render(w.SCENARIOS[direction](seed))
    found = seen(known)
    assert (
        best_iou(found, known) > 0.8
    ).mean() >= 0.75  # its image on the plate for half of the time: 0.6 and less
    truth = known.tracks.xyxy[0, found.sample]
    own = np.array([box_iou(one[None], two[None])[0, 0] for one, two in zip(found.xyxy, truth, strict=True)])
    assert (own > 0.5).mean() >= 0.8  # and hardly anything else


def ring_then_growth(still: int, grown: int, by: float = 1.0) -> list[list[Region]]:
    """A ring of one size and then a box that grows from it on all sides."""
    box = np.array([100.0, 60.0, 150.0, 100.0])
    out = np.array([-1.0, -1.0, 1.0, 1.0])
    boxes = [box] * still + [box + by * k * out for k in range(grown)]
    return [[Region(tuple(b.tolist()), 0.9, True)] for b in boxes]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_ring_is_told_by_the_growth_that_follows_it(backwards: bool) -> None:
    regions = ring_then_growth(10, 10)
    found = list(hollows(regions[::-1] if backwards else regions))
    assert len(found) == 1
    assert found[0].box == pytest.approx((100, 60, 150, 100), abs=2)
    widest = found[0].samples[0]
    assert widest == (19 if backwards else 0)
    assert len(found[0].samples) >= 9


@pytest.mark.parametrize(
    "regions",
    [
        ring_then_growth(MIN_RING - 2, 10),
        ring_then_growth(10, 3),
        ring_then_growth(10, 10, by=0.0),
        [[Region((100.0 + 3 * k, 60.0, 150.0 + 3 * k, 100.0), 0.9, True)] for k in range(20)],
        [[] for _ in range(20)],
        [None] * 20,
    ],
    ids=["too brief a ring", "too brief a growth", "no growth", "goes by", "nothing", "unknown"],
)
def test_nothing_else_is_a_ring(regions: list[list[Region] | None]) -> None:
    assert not list(hollows(regions))


def test_a_plate_that_explains_nothing_is_not_believed() -> None:
    regions = ring_then_growth(10, 10)
    hollow = next(hollows(regions))
    assert hollow.explained_by(regions) is None  # the ring is as it was
    assert hollow.explained_by([[] for _ in regions]) is None  # nothing is left


def test_pieces_of_what_grows_are_one_and_what_is_left_at_its_smallest_is_none() -> None:
    regions = ring_then_growth(12, 10)
    hollow = next(hollows(regions))
    again: list[list[Region]] = []
    for k, found in enumerate(regions):
        half = 12 + k if k < 12 else 0
        whole = (125.0 - half, 80.0 - 0.8 * half, 125.0 + half, 80.0 + 0.8 * half)
        left, right = (*whole[:2], 125.0, whole[3]), (125.0, *whole[1:])
        again.append(found if k >= 12 else [Region(left, 0.9, True), Region(right, 0.9, True)])
    again[0] = [Region((120.0, 78.0, 124.0, 82.0), 0.9, True)]
    told = hollow.explained_by(again)
    assert told is not None
    assert told[0] == []
    for k in range(1, 12):
        ours = told[k]
        assert ours is not None
        assert len(ours) == 1
        assert ours[0].xyxy[2] - ours[0].xyxy[0] == pytest.approx(2 * (12 + k), abs=1)


# --- what rests for long, and what creeps -------------------------------------------------------------------


def test_a_thing_that_comes_early_and_stays_is_seen_all_the_time() -> None:
    path = w.waypoints((0, 260, 90), (0.8, 160, 90))
    known = w.render(world(w.Actor(path, SIZE, DARK), duration_s=6.0))
    assert (best_iou(seen(known), known) > 0.7).mean() >= 0.95


def test_a_thing_that_rests_for_long_before_it_goes_is_seen_all_the_time() -> None:
    path = w.waypoints((4.5, 160, 90), (6.0, 280, 90))
    known = w.render(world(w.Actor(path, SIZE, DARK), duration_s=6.0))
    assert (best_iou(seen(known), known) > 0.7).mean() >= 0.95


def test_what_creeps_on_the_spot_for_most_of_the_time_leaves_no_hole() -> None:
    path = w.waypoints((0, 160, 50), (4.0, 160, 110))
    known = w.render(world(w.Actor(path, SIZE, DARK)))
    found = seen(known)
    assert (best_iou(found, known) > 0.7).mean() >= 0.9
    assert len(found.sample) <= 1.1 * len(known.clip.times_s)  # and nothing else is


def test_two_that_meet_and_rest_together_stay_in_sight() -> None:
    """The region of both is held by nothing of its size: it came of two."""
    one = w.Actor(w.waypoints((0, 250, 90), (1.0, 200, 90)), SIZE, DARK)
    two = w.Actor(w.waypoints((0, 40, 90), (3.0, 163, 90)), SIZE, replace(DARK, rgb=(220.0, 200.0, 60.0)))
    known = w.render(world(one, two, duration_s=6.0))
    found = seen(known, MotionRegions)
    late = found.xyxy[found.sample >= 40]
    both = np.array([[145.0, 75.0, 218.0, 105.0]])
    assert len(late) >= 15
    assert box_iou(late, both).min() > 0.6


def picture(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mottled I420 picture with dark boxes on it."""
    rng = np.random.default_rng(3)
    yuv = np.full((180 * 3 // 2, 320), 128, np.uint8)
    yuv[:180] = 120 + rng.normal(0, 6, (180, 320)).round().clip(-20, 20).astype(int)
    for x0, y0, x1, y1 in boxes:
        yuv[y0:y1, x0:x1] = 20
    return yuv


HERE, THERE = (100, 60, 140, 100), (200, 60, 240, 100)


@pytest.mark.parametrize(
    ("why", "early", "middle", "late", "plate", "wanted"),
    [
        ("comes and stays", (), (HERE,), (HERE,), (HERE,), ()),
        ("rests, then goes", (HERE,), (HERE,), (), (HERE,), ()),
        ("comes, rests, and goes", (), (HERE,), (), (HERE,), ()),
        ("is there at both ends only, as what swings is", (HERE,), (), (HERE,), (), ()),
        ("goes from one place to another", (HERE,), (THERE,), (THERE,), (THERE,), ()),
        ("rests always: a thing of the place", (HERE,), (HERE,), (HERE,), (HERE,), (HERE,)),
    ],
)
def test_the_plate_keeps_the_ground(
    why: str,
    early: tuple[tuple[int, int, int, int], ...],
    middle: tuple[tuple[int, int, int, int], ...],
    late: tuple[tuple[int, int, int, int], ...],
    plate: tuple[tuple[int, int, int, int], ...],
    wanted: tuple[tuple[int, int, int, int], ...],
) -> None:
    pictures = [picture(*early)] * 5 + [picture(*middle)] * 10 + [picture(*late)] * 5
    seen_plate = Plate.of(pictures, tolerant=False)
    shown = Plate.round(picture(*plate), seen_plate.noise * 0, tolerant=False)
    mended = without_residents(shown, pictures, 29.0, tolerant=False)
    off = np.abs(mended.median.astype(int) - picture(*wanted))
    assert (off > 10).sum() == 0, why


def test_a_change_of_light_is_no_thing_and_few_pictures_have_no_middle() -> None:
    dark, light = picture(), picture()
    light[:180] += 60
    plate = Plate.of([light] * 20, tolerant=False)
    assert without_residents(plate, [dark] * 5 + [light] * 15, 29.0, tolerant=False) is plate
    gone = Plate.of([picture(HERE)] * 8, tolerant=False)
    assert without_residents(gone, [picture()] * 3 + [picture(HERE)] * 8, 29.0, tolerant=False) is gone


def test_a_region_that_two_came_together_in_is_no_mistake() -> None:
    come = [[Region((10.0 + 5 * k, 50, 40 + 5 * k, 80), 0.9, True)] for k in range(12)]
    together = [[Region((65, 50, 140, 80), 0.9, False)] for _ in range(12)]
    alone = [list[Region]() for _ in range(12)]
    assert not mistakes([*come, *together], 5)
    assert len(mistakes([*alone, *together], 5)) == 1


# --- what a moving camera shows of plain things -------------------------------------------------------------


def in_step(gap: float, seed: int = 0) -> w.Rendered:
    """Two things side by side that go the same way before a camera that pans."""
    rng = w.draw("in step", seed)
    actors = tuple(
        w.Actor(
            w.waypoints((0, 90 + off, 90), (3, 190 + off, 90)), (32.0, 32.0),
            w.Texture(int(rng.integers(1 << 30)), (40.0, 50.0, 60.0), 20.0),
        )
        for off in (0.0, 32.0 + gap)
    )  # fmt: skip
    made = w.World(
        "in_step", seed, duration_s=3.0, ground=w.Texture(11), actors=actors, camera=w.panning(20, 0)
    )
    return w.render(made)


@pytest.mark.parametrize("gap", [20.0, 32.0])
def test_ground_between_two_things_in_step_keeps_them_apart(gap: float) -> None:
    known = in_step(gap)
    for subject in (0, 1):
        assert (best_iou(seen(known), known, subject) > 0.5).mean() > 0.9


@pytest.mark.parametrize("slow_px_s", [20.0, 30.0])
def test_a_plain_thing_under_a_pan_is_one_and_not_its_two_edges(slow_px_s: float) -> None:
    plain = w.Texture(5, (235.0, 235.0, 230.0), 1.0)
    path = w.waypoints((0, 150, 90), (3, 150 + 3 * slow_px_s, 90))
    made = w.World(
        "slow", 3, duration_s=3.0, ground=w.Texture(11), actors=(w.Actor(path, (34.0, 30.0), plain),),
        camera=w.panning(25, 0),
    )  # fmt: skip
    known = w.render(made)
    found = seen(known)
    assert (best_iou(found, known) > 0.5).mean() > 0.75  # its edges alone: never
    assert len(found.sample) <= 1.3 * len(known.clip.times_s)
