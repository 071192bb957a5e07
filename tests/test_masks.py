"""Masks as strings, and videos through nets that follow masks: exact boxes, ids that last, bounded memory.

The net is a stub here: it knows the true masks of a world, and forgets what a real one forgets.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jaxtyping import Bool, Float

from kinescribe import masks
from kinescribe.backends.trackers import _sessions as sessions
from kinescribe.backends.trackers._sessions import Prompt, Rules, Seen
from kinescribe.exporters import jsonl, motionatlas
from kinescribe.geometry import apply_affine, invert_affine
from kinescribe.inputs import subjects
from kinescribe.records import Clip, Detections, Masks, Span, Tracks
from kinescribe.runs import codec
from kinescribe.stages.track import TrackSubjects
from kinescribe.video import Frame
from tests import worlds as w

Mask = Bool[np.ndarray, "H W"]

# --- masks as strings ---------------------------------------------------------------------------------------

pictures = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


def runs_of(mask: Mask) -> list[int]:
    """Run lengths, pixel by pixel."""
    runs, value = [0], False
    for pixel in mask.T.reshape(-1).tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def coco_string(runs: list[int]) -> str:
    """Write run lengths as COCO does, a bit at a time (the reference's own strings are in ``test_regions``)."""
    text = ""
    for i, run in enumerate(runs):
        number, more = run - (runs[i - 2] if i > 2 else 0), True
        while more:
            low, number = number & 31, number >> 5
            more = number != (-1 if low & 16 else 0)
            text += chr(48 + low + 32 * more)
    return text


@given(pictures)
def test_a_mask_comes_back_and_its_string_is_that_of_coco(mask: Mask) -> None:
    text = masks.rle(mask)
    assert text == coco_string(runs_of(mask))
    np.testing.assert_array_equal(masks.rle_mask(text, *mask.shape), mask)
    np.testing.assert_array_equal(masks.mask_box(mask), masks.rle_box(masks.rle_counts(text), *mask.shape))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12))
def test_runs_of_any_length_come_back(runs: list[int]) -> None:
    assert masks.rle_counts(masks.rle_string(np.array(runs, np.int64))).tolist() == runs


@given(hnp.arrays(bool, (2, 7, 9)), hnp.arrays(bool, (3, 7, 9)))
def test_overlap_is_counted_in_pixels(a: np.ndarray, b: np.ndarray) -> None:
    iou = masks.mask_iou(a, b)
    for i, one in enumerate(a):
        for j, two in enumerate(b):
            union = (one | two).sum()
            assert iou[i, j] == pytest.approx((one & two).sum() / union if union else 0)


def test_a_mask_of_another_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="the picture 3 x 3"):
        masks.rle_mask(masks.rle(np.zeros((2, 3), bool)), 3, 3)


def test_masks_are_stored_and_come_back() -> None:
    tracks = w.truth(w.SCENARIOS["move_right"](3)).tracks
    strings = tuple(tuple(None if k % 3 else "0123" for k in range(tracks.xyxy.shape[1])) for _ in tracks.ids)
    told = replace(tracks, masks=Masks(90, 160, strings))
    back = codec.from_row(Tracks, codec.to_row(told))
    assert back.masks is not None
    assert (back.masks.height, back.masks.width, back.masks.rle) == (90, 160, strings)
    before = {name: value for name, value in codec.to_row(tracks).items() if name != "masks"}
    assert codec.from_row(Tracks, before).masks is None


# --- a net that knows the truth -----------------------------------------------------------------------------


def true_mask(world: w.World, index: int, t: float) -> Mask:
    """The pixels of an actor that no later one hides."""
    width, height = world.size
    points = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1).reshape(-1, 2)

    def of(actor: w.Actor) -> np.ndarray:
        if not actor.present.start_s <= t < actor.present.end_s:
            return np.zeros(len(points), bool)
        own = apply_affine(invert_affine(w.placement(world, actor, t)), points) / np.asarray(actor.size)
        return np.asarray(w._in_shape(own, actor.shape))

    shown = of(world.actors[index])
    for other in world.actors[index + 1 :]:
        shown &= ~of(other)
    return shown.reshape(height, width)


class Film:
    """A world whose pictures are numbered, and its true masks; nothing is rendered."""

    def __init__(self, world: w.World, scale: float = 1.0) -> None:
        self.world, self.truth, self.scale = world, w.truth(world), scale
        self.subjects = [i for i, actor in enumerate(world.actors) if actor.subject]
        self.alive: weakref.WeakSet[_Picture] = weakref.WeakSet()
        self.most_alive = 0
        self._known: dict[tuple[int, int], Mask] = {}

    def __len__(self) -> int:
        return len(self.truth.clip.times_s)

    def __iter__(self) -> Iterator[Frame]:
        width, height = (round(side / self.scale) for side in self.world.size)
        for k, t in enumerate(self.truth.clip.times_s.tolist()):
            picture = np.zeros((height, width, 3), np.uint8).view(_Picture)
            picture[0, 0] = divmod(k, 256)[0], k % 256, 0
            self.alive.add(picture)
            self.most_alive = max(self.most_alive, len(self.alive))
            yield Frame(k, t, picture, self.scale)

    def mask(self, actor: int, sample: int) -> Mask:
        key = (actor, sample)
        if key not in self._known:
            full = true_mask(self.world, actor, float(self.truth.clip.times_s[sample]))
            if self.scale > 1:
                step = int(self.scale)
                full = full[::step, ::step]
            self._known[key] = full
        return self._known[key]

    def boxes(self) -> Float[np.ndarray, "N T 4"]:
        """Round the true masks, in pixels of the clip."""
        found = [
            [masks.mask_box(self.mask(actor, k)) * self.scale for k in range(len(self))]
            for actor in self.subjects
        ]
        return np.array(found).reshape(len(self.subjects), len(self), 4)


class _Picture(np.ndarray):
    """An array that can be watched while it is alive."""

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return self is other


def _number(image: np.ndarray) -> int:
    return int(image[0, 0, 0]) * 256 + int(image[0, 0, 1])


@dataclass(eq=False)
class Prompted:
    """Follows the actor whose mask fits a prompt best, as SAM 2 does with a thing."""

    film: Film
    forgets: bool = False
    """What was hidden is not found again by itself."""
    asked: list[tuple[int, Prompt]] | None = None
    patches: bool = False
    """Whether a prompt that shows nothing has it follow a patch of the ground: a real net finds something anywhere."""
    prompted: bool = True

    def __post_init__(self) -> None:
        self.follows: dict[int, int] = {}
        self.gone: set[int] = set()
        self.ground: dict[int, Mask] = {}
        self.sample = -1

    def look(self, image: np.ndarray) -> dict[int, Seen]:
        self.sample = _number(image)
        return self._seen()

    def again(self, prompts: Sequence[Prompt]) -> dict[int, Seen]:
        for prompt in prompts:
            if self.asked is not None:
                self.asked.append((self.sample, prompt))
            fit = {actor: self._fit(actor, prompt) for actor in self.film.subjects}
            best = max(fit, key=lambda actor: fit[actor])
            if fit[best] > 0.2:
                self.follows[prompt.subject] = best
                self.gone.discard(prompt.subject)
            elif self.patches and prompt.subject not in self.follows:
                self.ground[prompt.subject] = self._patch(prompt)
        return self._seen()

    def _patch(self, prompt: Prompt) -> Mask:
        if prompt.box is None:
            assert prompt.mask is not None
            return prompt.mask
        mask = np.zeros_like(self.film.mask(self.film.subjects[0], self.sample))
        x0, y0, x1, y1 = prompt.box.astype(int).tolist()
        mask[y0:y1, x0:x1] = True
        return mask

    def _fit(self, actor: int, prompt: Prompt) -> float:
        mask = self.film.mask(actor, self.sample)
        if prompt.mask is not None:
            return float(masks.mask_iou(mask[None], prompt.mask[None])[0, 0])
        assert prompt.box is not None
        return float(sessions.box_iou(masks.mask_box(mask)[None], prompt.box[None])[0, 0])

    def _seen(self) -> dict[int, Seen]:
        found = {}
        for number, actor in self.follows.items():
            mask = self.film.mask(actor, self.sample)
            if self.forgets and not mask.any():
                self.gone.add(number)
            shown = mask if number not in self.gone else np.zeros_like(mask)
            found[number] = Seen(shown, 0.9 if shown.any() else 0.1)
        for number, mask in self.ground.items():
            found[number] = Seen(mask, 0.6)
        return found

    def mistakes(self) -> frozenset[int]:
        return frozenset()


@dataclass(eq=False)
class Named:
    """Finds all actors of its names by itself, and numbers them anew in every session, as SAM 3 does."""

    film: Film
    names: dict[int, str]
    ghosts: bool = False
    """Whether it takes a still region for something at first, and finds out."""
    prompted: bool = False
    begun: ClassVar[int] = 0

    def __post_init__(self) -> None:
        Named.begun += 1
        self.order = np.random.default_rng(Named.begun).permutation(self.film.subjects).tolist()

    def look(self, image: np.ndarray) -> dict[int, Seen]:
        k = _number(image)
        found = {
            i: Seen(self.film.mask(actor, k), 0.8, self.names[actor]) for i, actor in enumerate(self.order)
        }
        if self.ghosts:
            still = np.zeros(image.shape[:2], bool)
            still[2:20, 2:20] = True
            found[99] = Seen(still, 0.9, "cat")
        return found

    def again(self, prompts: Sequence[Prompt]) -> dict[int, Seen]:
        raise AssertionError("it takes no prompts")

    def mistakes(self) -> frozenset[int]:
        return frozenset({99}) if self.ghosts else frozenset()


def followed(
    film: Film, begin: Callable[[], object] | None = None, seen: Detections | None = None, **rules: object
) -> Tracks:
    known = film.truth
    return sessions.follow(
        known.clip,
        film,
        known.camera,
        known.detections if seen is None else seen,
        begin or (lambda: Prompted(film)),  # type: ignore[arg-type]
        Rules(**{"session": 12, "overlap": 4, **rules}),  # type: ignore[arg-type]
    )


def thing(path: w.Path2D, **more: object) -> w.Actor:
    return w.Actor(path, **{"size": (40.0, 30.0), "label": "dog", **more})  # type: ignore[arg-type]


def film(*actors: w.Actor, seconds: float = 4.0, **more: object) -> Film:
    return Film(w.World("masks", duration_s=seconds, actors=actors, **more))  # type: ignore[arg-type]


def rightward(y: float = 90.0, begin: float = 40.0, speed: float = 50.0) -> w.Path2D:
    return lambda t: (begin + speed * t, y)


def same_boxes(tracks: Tracks, expected: Float[np.ndarray, "N T 4"], known: np.ndarray | None = None) -> None:
    known = np.isfinite(expected[..., 0]) if known is None else known
    np.testing.assert_array_equal(np.isfinite(tracks.xyxy[..., 0]), known)
    np.testing.assert_array_equal(tracks.xyxy[known], expected[known])


# --- boxes and ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [100, 40, 13, 7, 5])
def test_boxes_are_those_of_the_masks_however_the_video_is_cut(length: int) -> None:
    known = film(thing(rightward()))
    tracks = followed(known, session=length)
    assert tracks.label == ("dog",)
    same_boxes(tracks, known.boxes())
    assert np.abs(tracks.xyxy - known.truth.tracks.xyxy).max() <= 0.5  # a pixel is there if its middle is
    assert (tracks.detection >= 0).all()
    assert tracks.masks is not None
    assert (tracks.masks.height, tracks.masks.width) == (180, 320)
    for k in range(len(known)):
        np.testing.assert_array_equal(masks.rle_mask(str(tracks.masks.rle[0][k]), 180, 320), known.mask(0, k))


def test_pictures_may_be_smaller_than_the_clip() -> None:
    half = Film(w.World("half", duration_s=2.0, actors=(thing(rightward()),)), scale=2.0)
    tracks = followed(half)
    same_boxes(tracks, half.boxes())
    assert np.abs(tracks.xyxy - half.truth.tracks.xyxy).max() <= 2.0
    assert tracks.masks is not None
    assert (tracks.masks.height, tracks.masks.width) == (90, 160)


@pytest.mark.parametrize("length", [100, 12, 6])
@pytest.mark.parametrize("named", [False, True])
def test_two_that_cross_keep_their_ids(length: int, named: bool) -> None:
    known = film(
        thing(rightward(91.0)), thing(lambda t: (280.0 - 50.0 * t, 92.0), size=(50.0, 36.0)), seconds=5.0
    )
    begin = (lambda: Named(known, {0: "dog", 1: "dog"})) if named else None
    tracks = followed(known, begin, session=length)
    assert len(tracks.ids) == 2
    order = np.argsort(tracks.xyxy[:, 0, 0])
    hidden = np.isnan(known.boxes()[..., 0])
    assert hidden.any()  # one is wholly behind the other for a moment
    same_boxes(replace(tracks, xyxy=tracks.xyxy[order]), known.boxes())


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("length", [100, 24, 14])
def test_what_is_hidden_is_unknown_and_the_same_afterwards(length: int, forgets: bool) -> None:
    post = w.Actor(w.still(160, 90), (60.0, 180.0), subject=False)
    known = film(thing(rightward(speed=70.0), size=(30.0, 30.0)), post)
    tracks = followed(known, lambda: Prompted(known, forgets), session=length)
    gone = np.isnan(known.boxes()[0, :, 0])
    assert 3 <= gone.sum() <= 10
    assert len(tracks.ids) == 1
    assert np.isnan(tracks.xyxy[0, gone]).all()
    back = int(np.flatnonzero(gone)[-1]) + 1
    if forgets:  # a sliver beside the post is not what the detection shows
        assert np.isnan(tracks.xyxy[0, back, 0])
        gone[back] = True
    same_boxes(tracks, known.boxes(), ~gone[None])
    assert tracks.masks is not None
    assert [one is None for one in tracks.masks.rle[0]] == gone.tolist()


def test_out_of_sight_for_long_is_somebody_new_unless_in_the_same_place() -> None:
    def hidden(path: w.Path2D, name: str) -> Film:
        actor = thing(path, present=Span(0.0, 1.5))
        back = thing(path, present=Span(3.0, 4.0))
        return Film(w.World(name, duration_s=4.0, actors=(actor, back)))

    rests, goes = hidden(w.still(150, 90), "rests"), hidden(rightward(), "goes")
    assert len(followed(rests).ids) == 1
    assert len(followed(goes).ids) == 2
    edge = hidden(w.still(10, 90), "edge")  # who leaves by a border and who enters there may be two
    assert len(followed(edge).ids) == 2


@pytest.mark.parametrize("length", [100, 12, 9])
def test_who_comes_later_is_found(length: int) -> None:
    late = thing(
        lambda t: (300.0 - 60.0 * (t - 1.7), 40.0), present=Span(1.7, w.ALWAYS.end_s), label="person"
    )
    known = film(thing(rightward(130.0)), late)
    tracks = followed(known, session=length)
    assert tracks.label == ("dog", "person")
    same_boxes(tracks, known.boxes())


def test_a_shown_cup_before_a_person_is_a_subject_of_its_own() -> None:
    person = thing(w.still(160, 90), size=(80.0, 150.0), label="person")
    cup = thing(lambda t: (150 + 5 * t, 80), size=(24.0, 24.0), label="cup", present=Span(1.0, 9.0))
    known = film(person, cup)
    tracks = followed(known)
    assert tracks.label == ("person", "cup")
    same_boxes(tracks, known.boxes())


def with_rows(known: Detections, *rows: tuple[int, list[float], float, str]) -> Detections:
    more = len(rows)
    return replace(
        known,
        sample=np.concatenate([known.sample, np.array([r[0] for r in rows], np.int64)]),
        xyxy=np.concatenate([known.xyxy, np.array([r[1] for r in rows], np.float64).reshape(-1, 4)]),
        score=np.concatenate([known.score, np.array([r[2] for r in rows], np.float64)]),
        label=(*known.label, *(r[3] for r in rows)),
        source=(*known.source, *("test",) * more),
        keypoints=np.concatenate([known.keypoints, np.full((more, *known.keypoints.shape[1:]), np.nan)]),
        world=np.concatenate([known.world, np.full((more, *known.world.shape[1:]), np.nan)]),
    )


def test_regions_and_doubles_of_what_is_followed_are_nobody_new() -> None:
    known = film(thing(rightward(), size=(40.0, 80.0), label="person"))
    boxes = known.boxes()[0]
    rows = []
    for k, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        rows += [
            (k, [x0 - 8, y0 - 4, x1 + 8, y1 + 10], 0.9, "object"),  # with its shadow
            (k, [x0, y0 + 10, x0 + 20, y0 + 40], 0.9, "object"),  # an arm
            (k, [x0 + 1, y0, x1 + 2, y1 - 3], 0.6, "person"),  # seen twice
            (k, [200.0, 20.0, 260.0, 60.0], 0.4, "cat"),  # not sure
            (k, [np.nan] * 4, 0.9, "cat"),
            (k, [50.0, 50.0, 50.0, 60.0], 0.9, "cat"),
        ]
    asked: list[tuple[int, Prompt]] = []
    tracks = followed(known, lambda: Prompted(known, asked=asked), with_rows(known.truth.detections, *rows))
    assert tracks.label == ("person",)
    same_boxes(tracks, known.boxes())
    assert {prompt.subject for _, prompt in asked} == {0}


def test_a_chance_detection_is_no_subject() -> None:
    still = thing(w.still(250, 40), label="cat")  # true, but seen once only
    known = film(thing(rightward(130.0)), still)
    own = known.truth.detections
    keep = np.array([name == "dog" or k == 5 for name, k in zip(own.label, own.sample, strict=True)])
    rows = np.flatnonzero(keep)
    seen = replace(
        own,
        sample=own.sample[rows],
        xyxy=own.xyxy[rows],
        score=own.score[rows],
        label=tuple(own.label[i] for i in rows),
        source=tuple(own.source[i] for i in rows),
        keypoints=own.keypoints[rows],
        world=own.world[rows],
    )
    assert followed(known, seen=seen).label == ("dog",)


@pytest.mark.parametrize("every", [0, 5, 3])
def test_named_detections_that_fit_are_shown_again(every: int) -> None:
    asked: list[tuple[int, Prompt]] = []
    known = film(thing(rightward()))
    followed(known, lambda: Prompted(known, asked=asked), session=100, refine_every=every)
    shown = [k for k, prompt in asked if prompt.box is not None and k > 0]
    assert shown == (list(range(every, len(known), every)) if every else [])
    assert all(prompt.subject == 0 for _, prompt in asked)


def test_subjects_beyond_the_most_are_left_out() -> None:
    actors = [thing(w.still(40 + 60 * i, 90), label=name) for i, name in enumerate(["dog", "cat", "cow"])]
    assert len(followed(film(*actors), max_subjects=2).ids) == 2


def test_no_track_crosses_a_cut() -> None:
    known = film(thing(w.still(150, 90)), cuts=((2.0, w.Texture(5)),))
    tracks = followed(known)
    assert len(tracks.ids) == 2
    shot = known.truth.clip.times_s >= 2.0
    np.testing.assert_array_equal(np.isfinite(tracks.xyxy[..., 0]), [~shot, shot])


FAULTY = {"jitter_px": 2.0, "miss": 0.05, "false_per_sample": 0.3}


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize(
    "name", ["pair_cross", "pair_separate", "enter_left", "leave_right", "start_stop", "cut"]
)
def test_a_detector_with_faults_and_a_net_that_finds_something_anywhere(name: str, forgets: bool) -> None:
    known = Film(w.SCENARIOS[name](1))
    seen = w.observe(known.truth, 1, **FAULTY)  # type: ignore[arg-type]
    tracks = followed(known, lambda: Prompted(known, forgets, patches=True), seen, session=20, overlap=5)
    expected = known.boxes()
    assert len(tracks.ids) == len(expected)
    for n in range(len(tracks.ids)):
        there = np.isfinite(tracks.xyxy[n, :, 0])
        fits = [(tracks.xyxy[n, there] == boxes[there]).all() for boxes in expected]
        assert sum(fits) == 1, "all of its boxes are one subject's"
        assert there.sum() >= 0.8 * np.isfinite(expected[fits.index(True), :, 0]).sum()
    rows = tracks.detection[tracks.detection >= 0]
    assert len(set(rows.tolist())) == len(rows), "a detection belongs to one track"
    assert (seen.sample[rows] == np.nonzero(tracks.detection >= 0)[1]).all()


# --- nets that find things by themselves --------------------------------------------------------------------


@pytest.mark.parametrize("length", [100, 12, 6])
def test_sessions_that_number_anew_are_stitched_by_their_masks(length: int) -> None:
    known = film(
        thing(rightward(40.0)), thing(rightward(90.0)), thing(rightward(140.0, 260.0, -50.0)), seconds=4.0
    )
    names = {0: "dog", 1: "cat", 2: "dog"}
    tracks = followed(known, lambda: Named(known, names), w_nothing(known), session=length)
    assert len(tracks.ids) == 3
    order = np.argsort(tracks.xyxy[:, 0, 1])
    assert tuple(tracks.label[i] for i in order) == ("dog", "cat", "dog")
    same_boxes(replace(tracks, xyxy=tracks.xyxy[order]), known.boxes())
    assert (tracks.detection == -1).all()
    assert tracks.seen.all()


def w_nothing(known: Film) -> Detections:
    own = known.truth.detections
    return replace(
        own, sample=own.sample[:0], xyxy=own.xyxy[:0], score=own.score[:0], label=(), source=(),
        keypoints=own.keypoints[:0], world=own.world[:0],
    )  # fmt: skip


def test_what_the_net_takes_back_is_left_out() -> None:
    known = film(thing(rightward(130.0)))
    tracks = followed(known, lambda: Named(known, {0: "dog"}, ghosts=True))
    assert tracks.label == ("dog",)


def test_what_was_new_when_a_session_ended_is_taken_back_by_the_next() -> None:
    known = film(thing(rightward(130.0)))

    class Hasty(Named):
        """Takes a gleam in samples 9 to 13 for something, and finds out three samples later."""

        def look(self, image: np.ndarray) -> dict[int, Seen]:
            self.now = _number(image)
            found = super().look(image)
            if 9 <= self.now <= 13:
                gleam = np.zeros(image.shape[:2], bool)
                gleam[2:20, 2:20] = True
                found[99] = Seen(gleam, 0.9, "cat")
            return found

        def mistakes(self) -> frozenset[int]:
            return frozenset({99}) if self.now >= 16 else frozenset()

    tracks = followed(known, lambda: Hasty(known, {0: "dog"}), w_nothing(known), session=12, overlap=4)
    assert tracks.label == ("dog",)
    whole = followed(known, lambda: Hasty(known, {0: "dog"}), w_nothing(known), session=40, overlap=4)
    assert whole.label == ("dog",)


def test_who_is_seen_in_an_overlap_only_stays() -> None:
    known = film(thing(rightward(130.0)), thing(w.still(60, 40), label="cat", present=Span(0.9, 1.2)))
    tracks = followed(known, lambda: Named(known, {0: "dog", 1: "cat"}), w_nothing(known))
    assert sorted(tracks.label) == ["cat", "dog"]
    same_boxes(replace(tracks, xyxy=tracks.xyxy[np.argsort(tracks.label)[::-1]]), known.boxes())


def test_two_names_of_one_thing_are_one_subject_of_the_surer() -> None:
    known = film(thing(rightward()))

    class Twice(Named):
        def look(self, image: np.ndarray) -> dict[int, Seen]:
            (one,) = super().look(image).values()
            return {0: one._replace(label="object", score=0.5), 1: one._replace(score=0.8)}

    tracks = followed(known, lambda: Twice(known, {0: "dog"}))
    assert tracks.label == ("dog",)
    same_boxes(tracks, known.boxes())


def test_specks_do_not_stretch_a_box_and_halves_beside_a_post_do() -> None:
    mask = np.zeros((60, 80), bool)
    mask[20:40, 10:30] = mask[20:40, 40:60] = True
    mask[2, 70] = True
    tidied = sessions._tidied(mask)
    assert masks.mask_box(tidied).tolist() == [10, 20, 60, 40]
    assert masks.mask_box(sessions._tidied(np.zeros((5, 5), bool))).tolist() == pytest.approx(
        [np.nan] * 4, nan_ok=True
    )


# --- memory, empty input, settings --------------------------------------------------------------------------


def test_pictures_that_are_kept_do_not_grow_with_the_video() -> None:
    most = []
    for seconds in (4.0, 40.0):
        known = film(thing(w.still(150, 90)), seconds=seconds)
        tracks = followed(known)
        assert np.isfinite(tracks.xyxy).all()
        assert len(tracks.ids) == 1
        most.append(known.most_alive)
    assert most[0] == most[1] <= 4 + 2


@pytest.mark.parametrize("samples", [0, 1])
def test_a_clip_without_pictures_or_with_one(samples: int) -> None:
    known = film(thing(w.still(150, 90)))
    times = known.truth.clip.times_s[:samples]
    clip: Clip = replace(known.truth.clip, times_s=times, frame_indices=np.arange(samples))
    whole = known.truth.camera
    camera = replace(
        whole,
        to_scene=whole.to_scene[:samples],
        inlier_ratio=whole.inlier_ratio[:samples],
        coverage=whole.coverage[:samples],
    )
    pictures = [frame for frame in known if frame.sample < samples]
    tracks = sessions.follow(
        clip, pictures, camera, known.truth.detections, lambda: Prompted(known), Rules()  # type: ignore[arg-type]
    )  # fmt: skip
    assert tracks.xyxy.shape == (0, samples, 4)


def test_nobody_there() -> None:
    known = film(thing(rightward()))
    assert len(followed(known, seen=w_nothing(known)).ids) == 0


@pytest.mark.parametrize(
    "wrong", [{"overlap": 0}, {"overlap": 300}, {"refine_every": -1}, {"max_subjects": 0}]
)
def test_rules_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be|cannot be"):
        Rules(**wrong)


# --- the stage ----------------------------------------------------------------------------------------------

PLAYING: list[Film] = []


@dataclass(frozen=True)
class StubTracker:
    """A tracker that looks at the pictures, for the stage."""

    def follow(self, clip: Clip, frames: Film, camera: object, detections: Detections) -> Tracks:
        return followed(PLAYING[-1], session=100)


def test_the_stage_numbers_what_masks_show_and_bridges_nothing() -> None:
    post = w.Actor(w.still(160, 90), (60.0, 180.0), subject=False)
    known = film(
        thing(rightward(40.0, 60.0, 20.0)),
        thing(rightward(speed=70.0), size=(30.0, 30.0), label="person"),
        post,
    )
    tracks = played(known)
    assert tracks.ids.tolist() == [0, 1000]
    assert tracks.label == ("person", "dog")
    expected = known.boxes()[::-1]
    assert np.isnan(expected[0]).any()  # behind the post
    same_boxes(tracks, expected)
    assert not tracks.filled.any()
    assert tracks.masks is not None
    np.testing.assert_array_equal(tracks.masks.known, tracks.seen)


def played(known: Film, **settings: object) -> Tracks:
    PLAYING.append(known)
    own = known.truth
    stage = TrackSubjects(backend="tests.test_masks:StubTracker", **settings)  # type: ignore[arg-type]
    return stage(own.clip, own.camera, own.detections, known)


def test_who_is_marked_keeps_the_masks_of_the_track_that_it_is(tmp_path: Path) -> None:
    known = film(thing(rightward(40.0, 60.0, 20.0)), thing(rightward(130.0), label="cat"))
    box = [float(v) for v in known.boxes()[1, 10]]
    name = known.truth.clip.source
    mark = {"video": name, "id": "it", "label": "kitten", "frames": {"10": {"box_px": box}}}
    far = {"video": name, "id": "far", "label": "lamp", "frames": {"10": {"box_px": [280, 5, 300, 25]}}}
    file = tmp_path / "marks.jsonl"
    file.write_text(f"{json.dumps(mark)}\n{json.dumps(far)}\n")
    plain, marked = played(known), played(known, regions=str(file))
    assert plain.masks is not None
    assert marked.masks is not None
    assert len(marked.masks.rle) == len(marked.ids) == 3
    for label, before in (("dog", "dog"), ("kitten", "cat")):
        assert marked.masks.rle[marked.label.index(label)] == plain.masks.rle[plain.label.index(before)], (
            label
        )
    assert set(marked.masks.rle[marked.label.index("lamp")]) == {None}
    assert not marked.filled[marked.label.index("dog")].any()


def test_exports_have_masks_where_they_are_asked_for() -> None:
    known = film(thing(rightward()))
    tracks = played(known)
    records = {Clip: known.truth.clip, Tracks: tracks}
    (row,) = jsonl.track_rows(known.truth.clip, records, masks=True)
    assert row["masks"][3] == {"size": [180, 320], "counts": masks.rle(known.mask(0, 3))}
    assert row.keys() - {"masks"} == next(jsonl.track_rows(known.truth.clip, records)).keys()
    bare = {**records, Tracks: replace(tracks, masks=None)}
    assert next(jsonl.track_rows(known.truth.clip, bare, masks=True))["masks"] is None
    shown = motionatlas.boxes(known.truth.clip, tracks, 1000)
    assert shown["3"] == row["masks"][3]
    assert motionatlas.boxes(known.truth.clip, bare[Tracks], 1000)["3"]["size"] == [180, 320]


def test_who_is_shown_to_a_model_keeps_the_masks() -> None:
    tracks = played(film(thing(rightward(40.0)), thing(rightward(130.0), label="cat")))
    assert tracks.masks is not None
    few = subjects.shown(tracks, None, 1)
    assert few.masks is not None
    assert few.masks.rle == (tracks.masks.rle[0],)
    assert not few.filled.any()
    one = subjects.only(tracks, 1001)
    assert one.masks is not None
    assert one.masks.rle == (tracks.masks.rle[1],)
