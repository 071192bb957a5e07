"""What looks as before is not looked at again, and what is new is: counted on nets that only pretend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kinescribe.backends.detectors import blazepose as detector
from kinescribe.backends.detectors._glances import Glance, is_new, unlikeness
from kinescribe.backends.detectors.blazepose import BlazePosePeople
from kinescribe.backends.nets.blazepose import BlazePose, Person, Proposal, Region
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.stages.detect import nothing
from kinescribe.video import ArrayFrames
from tests.test_camera import clip_of

SHAPE = (180, 320)
BODY = Region(np.array([100.0, 90.0]), 120.0, 0.0)


class Nets(BlazePose):
    """Somebody stands wherever a region is, if ``presence`` says so."""

    def __init__(self, proposals: Sequence[Region] = (), presence: float = 0.99, score: float = 0.95) -> None:
        self.proposals, self.presence, self.score = proposals, presence, score
        self.asked = 0
        self.windows: list[int] = []
        """How many windows each search looked at."""

    def detect(self, image: np.ndarray, windows: Sequence[Region] | None = None, *_: float) -> list[Proposal]:
        windows = windows or []
        self.windows.append(len(windows))
        return [Proposal(region, np.zeros(4), self.score) for region in self.proposals] if windows else []

    def landmarks(self, image: np.ndarray, region: Region) -> Person:
        self.asked += 1
        spread = np.linspace(-0.3, 0.3, 33) * region.size
        points = np.stack(
            [region.center[0] + spread / 2, region.center[1] + spread, np.full(33, 0.9)], axis=1
        )
        return Person(points.astype(np.float32), np.zeros((33, 3), np.float32), self.presence, region)


def still(count: int, noise: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(0)
    ground = np.kron(random.uniform(40, 200, (18, 32, 3)), np.ones((10, 10, 1)))
    return np.clip(ground + random.normal(0, noise, (count, *SHAPE, 3)), 0, 255).astype(np.uint8)


def find(
    monkeypatch: pytest.MonkeyPatch, nets: Nets, images: np.ndarray, regions: Detections | None = None
) -> Detections:
    monkeypatch.setattr(detector, "shared", lambda: nets)
    clip: Clip = clip_of(images)
    count = len(images)
    rest = np.repeat(np.eye(2, 3)[None], count, axis=0)
    camera = CameraMotion(rest, np.ones(count), np.ones(count), 0.0, np.zeros(4), ("static",))
    return BlazePosePeople()(clip, ArrayFrames(images, clip.times_s), camera, regions or nothing())


@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_who_holds_still_is_there_in_every_sample_and_looked_at_in_every_fifth(
    monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    nets = Nets([BODY])
    found = find(monkeypatch, nets, still(41, noise))
    assert found.sample.tolist() == list(range(41))
    assert nets.asked == 1 + 40 // 5
    assert sum(nets.windows) == 3, "the whole and both tiles, once"
    np.testing.assert_allclose(found.keypoints, np.repeat(found.keypoints[:1], 41, axis=0))


def test_who_moves_is_looked_at_in_every_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    images = still(21)
    for t, image in enumerate(images):
        image[70:100, 80 + 2 * t : 95 + 2 * t] = 255
    nets = Nets([BODY])
    find(monkeypatch, nets, images)
    assert nets.asked == 21


def test_a_hand_that_moves_is_movement(monkeypatch: pytest.MonkeyPatch) -> None:
    images = still(21)
    for t, image in enumerate(images):
        image[60:74, 120 + (t % 2) * 14 : 134 + (t % 2) * 14] = (230, 190, 160)
    nets = Nets([BODY])
    find(monkeypatch, nets, images)
    assert nets.asked == 21


def test_while_nobody_is_known_a_still_picture_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = Nets()
    assert len(find(monkeypatch, nets, still(60, noise=6.0)).sample) == 0
    assert nets.windows[:2] == [2, 1]
    assert sum(nets.windows) == 3


def test_a_newcomer_is_searched_for_at_the_next_search(monkeypatch: pytest.MonkeyPatch) -> None:
    images = still(40)
    images[22:, 60:140, 200:240] = 250
    nets = Nets()
    find(monkeypatch, nets, images)
    assert nets.windows[2:5] == [0, 0, 0]
    assert nets.windows[5] >= 1, "sample 25 is the first search after sample 22"


def test_after_a_cut_everything_is_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = Nets()
    monkeypatch.setattr(detector, "shared", lambda: nets)
    images = still(40)
    clip = clip_of(images)
    rest = np.repeat(np.eye(2, 3)[None], 40, axis=0)
    camera = CameraMotion(
        rest, np.ones(40), np.ones(40), 0.0, np.zeros(4), ("static",), (float(clip.times_s[20]),)
    )
    BlazePosePeople()(clip, ArrayFrames(images, clip.times_s), camera, nothing())
    assert nets.windows[4] == 2
    assert sum(nets.windows) == 6


def moving_region(count: int, speed: float = 0.0, growth: float = 1.0) -> Detections:
    """A region that goes right by so many pixels a sample, and grows by a factor a sample."""
    samples = np.arange(count)
    boxes = np.tile([60.0, 40.0, 60.0, 40.0], (count, 1))
    boxes[:, 2:] += np.array([50.0, 100.0]) * growth ** samples[:, None]
    boxes[:, [0, 2]] += speed * samples[:, None]
    none = np.zeros((count, 0, 3))
    return Detections(samples, boxes, np.ones(count), ("object",) * count, ("flow",) * count, none, none)


@pytest.mark.parametrize(("presence", "asked"), [(0.1, 2), (0.6, 8)])
def test_what_is_surely_nobody_is_asked_again_after_two_seconds_only(
    monkeypatch: pytest.MonkeyPatch, presence: float, asked: int
) -> None:
    nets = Nets(presence=presence)
    assert len(find(monkeypatch, nets, still(40), moving_region(40)).sample) == 0
    assert nets.asked == asked, "8 searches in 4 s"


def flicker(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (count, *SHAPE, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("presence", "growth", "asked"),
    [(0.1, 1.0, [0, 5, 25]), (0.6, 1.0, list(range(0, 40, 5))), (0.1, 1.05, [0, 5, 15, 25, 35])],
)
def test_who_was_twice_nobody_is_followed_and_left_alone_for_two_seconds_unless_it_grows(
    monkeypatch: pytest.MonkeyPatch, presence: float, growth: float, asked: list[int]
) -> None:
    nets = Nets(presence=presence)
    when: list[int] = []
    search = BlazePosePeople._asked

    def noted(self: BlazePosePeople, net: BlazePose, view: detector._View, *rest: object) -> Person | None:
        when.append(view.frame.sample)
        return search(self, net, view, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(BlazePosePeople, "_asked", noted)
    regions = moving_region(40, speed=4.0, growth=growth)
    assert len(find(monkeypatch, nets, flicker(40), regions).sample) == 0
    assert when == asked, "it never looks the same, so only its way can tell"
    assert nets.asked == len(asked)


def test_a_region_that_comes_anew_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = Nets(presence=0.1)
    regions = moving_region(40)
    boxes = regions.xyxy.copy()
    boxes[12:, [0, 2]] += 150.0
    find(monkeypatch, nets, flicker(40), replace(regions, xyxy=boxes))
    assert nets.asked == 4, "at 0 and 5, not at 10; at 15 and 20, not before 40"


@pytest.mark.parametrize(("score", "region", "windows"), [(0.95, False, 1), (0.6, False, 2), (0.95, True, 2)])
def test_while_all_that_moves_is_surely_people_one_window_is_searched_in_turn(
    monkeypatch: pytest.MonkeyPatch, score: float, region: bool, windows: int
) -> None:
    nets = Nets([BODY], score=score, presence=0.85)
    elsewhere = moving_region(40)
    elsewhere = replace(elsewhere, xyxy=elsewhere.xyxy + 180.0)
    find(monkeypatch, nets, flicker(40), elsewhere if region else None)
    assert nets.windows == [2] + 7 * [windows]


@pytest.mark.parametrize(("score", "every"), [(0.95, 5), (0.6, 20)])
def test_what_holds_still_and_is_no_person_after_a_second_is_looked_at_every_other_second(
    monkeypatch: pytest.MonkeyPatch, score: float, every: int
) -> None:
    nets = Nets([BODY], score=score, presence=0.85)
    when: list[int] = []
    add = detector._Chain.add

    def noted(self: detector._Chain, view: detector._View, person: Person) -> None:
        when.append(view.frame.sample)
        add(self, view, person)

    monkeypatch.setattr(detector._Chain, "add", noted)
    find(monkeypatch, nets, still(60))
    assert when[0] == 5
    assert np.diff(when)[1:].tolist() == [every] * len(np.diff(when)[1:])
    assert len(when) > 2


def test_what_was_just_found_to_be_nobody_is_no_news_when_it_moves_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = still(11)
    images[:10, 40:140, 60:110] = 250
    boxes = moving_region(10)  # and is gone with the thing
    nets = Nets(presence=0.1)
    find(monkeypatch, nets, images, boxes)
    assert nets.windows == [2, 1, 0]
    nets = Nets(presence=0.6)  # may be somebody, so the place that is left is looked at
    find(monkeypatch, nets, images, boxes)
    assert nets.windows == [2, 1, 2]


def test_between_two_looks_people_move_evenly() -> None:
    image = still(1)[0]
    frames = list(ArrayFrames(np.stack([image] * 4), np.arange(4) / 10))
    views = [detector._View(frame, Glance.of(frame.image)) for frame in frames]
    nets = Nets()
    here, there = (nets.landmarks(image, Region(np.array([x, 90.0]), 120.0, 0.0)) for x in (100.0, 106.0))
    chain = detector._Chain(views[0], here, 0.9)
    chain.hold(views[1])
    chain.hold(views[2])
    chain.add(views[3], there._replace(presence=0.69))
    assert chain.samples == [0, 1, 2, 3]
    x = [float(person.points[5, 0] - here.points[5, 0]) for person in chain.people]
    assert x == pytest.approx([0.0, 2.0, 4.0, 6.0], abs=1e-4)
    assert [person.presence for person in chain.people] == pytest.approx([0.99, 0.89, 0.79, 0.69])
    assert all(person.points.dtype == np.float32 for person in chain.people)


def test_noise_is_no_news_and_a_small_body_is() -> None:
    one, two = (Glance.of(image) for image in still(2, noise=6.0))
    assert not is_new(two.changed(one))
    assert unlikeness(one.thumbnail(BODY), two.thumbnail(BODY)) < BlazePosePeople().stillness
    image = still(1)[0]
    image[80:116, 150:162] = 255
    assert is_new(Glance.of(image).changed(one)), "a fifth of the height, a third as wide"
    assert not is_new(Glance.of(image).changed(one) & one.outside([np.array([150.0, 80.0, 162.0, 116.0])]))
