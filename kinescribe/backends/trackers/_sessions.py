"""Videos of any length through nets that follow masks from picture to picture: sessions that overlap, and who is who.

A net of this kind (SAM 2, SAM 3) keeps something of every picture and everything that it ever followed. Here a session
ends after so many samples, and the next begins a little before that end: what both follow there, with one mask, is one
subject. At a cut a session ends without an overlap. What is kept of a sample is a run-length string per subject.

Boxes are those round the masks. Where a mask vanishes, the subject is unknown: no box is carried on. A detection that
no mask shows is somebody new, whenever that is: FoundationMotion, which asks its detector in the first picture only,
never finds who comes later. In every so many samples a detection that fits a mask is shown to the net again, so that
the mask does not drift away (its second pass does so on every 5th frame).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import NamedTuple, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from kinescribe.geometry import (
    apply_affine,
    box_center,
    box_cover,
    box_iou,
    box_size,
    invert_affine,
    touches_border,
)
from kinescribe.masks import mask_box, mask_iou, rle, rle_mask
from kinescribe.records import CameraMotion, Clip, Detections, Masks, Tracks
from kinescribe.video import Frame, Frames
from kinescribe.vocabulary import NAMELESS

FIT_IOU = 0.5
"""A detection shows what a mask shows if their boxes overlap so: as COCO and the detectors' own suppression have it."""
COVERED = 0.5
"""A detection of which masks fill this share shows nothing new: bodies fill about half of their boxes."""
COVERED_REGION, PART = 0.3, 0.7
"""... and for regions without a name, which have shadows and halos, this share, or so much of the region in the box of
somebody who is followed: an arm that moves (``TrackSubjects.part_cover``)."""
SAME_MASK = 0.7
"""Two masks of a sample that overlap so are one: SAM 3 suppresses at this overlap (its configuration)."""
STITCH_IOU = 0.5
"""Masks of two sessions that overlap so, in all their common samples taken together, are of one subject."""
FOUND_IOU = 0.3
"""Who is found again must overlap so with where they must be (``naming.PERSON_IOU``) ..."""
RESTED_IOU = 0.5
"""... or, out of sight for longer, with where they were (``stages.regions.RESTED_IOU``)."""
FIT_S = 0.6
"""Stretch before a subject is lost from which its speed is taken, as in ``TrackSubjects``."""
WHOLE, WHOLE_S = 0.85, 1.2
"""What shows the whole thing has this share of the sides that it usually has over so long (``stages/track.py``)."""
NEAR = 5
"""Samples after a return in which it may fit: behind a post a thing comes out bit by bit."""
MAX_SIZE_RATIO = 1.6
"""As in ``TrackSubjects.max_size_ratio``."""
SPECK = 0.02
"""Parts of a mask that have less than this share of it are none: one stray pixel would stretch the box."""
MIN_SAME = 2
"""Samples in which two must be one mask to be one, and more than half of those that show both."""
CONFIRM_S = 0.5
"""Where detections are the prompts, a subject needs two of them so close in time: chance ones stay alone, but a net
that was shown a patch of the ground keeps it for as long as it takes until chance strikes there again."""
MIN_NAMED = 0.2
"""Share of its sightings that must bear a name (``TrackSubjects.min_named``)."""


class Seen(NamedTuple):
    """What a net says of one subject in one picture."""

    mask: Bool[np.ndarray, "H W"]
    """Of the picture's size; empty where the subject does not show."""
    score: float
    """In [0, 1]: that it shows."""
    label: str | None = None
    """What it was asked for as, where names are the prompts."""


class Prompt(NamedTuple):
    """What to follow, or to look at again; one of box and mask."""

    subject: int
    """Its number within the session."""
    box: Float[np.ndarray, "4"] | None = None
    """In pixels of the picture."""
    mask: Bool[np.ndarray, "H W"] | None = None


@runtime_checkable
class Session(Protocol):
    """A net with its memory, which is given pictures in order."""

    prompted: bool
    """Whether it is told what to follow (by boxes and masks); else it finds things by itself."""

    def look(self, image: np.ndarray) -> dict[int, Seen]:
        """Return what is followed, in the next picture (RGB, H x W x 3, uint8)."""
        ...

    def again(self, prompts: Sequence[Prompt]) -> dict[int, Seen]:
        """Return what is followed, in the same picture, now with these prompts."""
        ...

    def mistakes(self) -> frozenset[int]:
        """Return what should never have been followed, as far as the net has found out."""
        ...


@dataclass(frozen=True)
class Rules:
    """How sessions are cut and subjects are told apart; the backends' settings of these names say why."""

    session: int = 300
    overlap: int = 10
    lost_s: float = 1.0
    sure_score: float = 0.5
    refine_every: int = 5
    min_area_px: float = 50.0
    max_subjects: int = 40

    def __post_init__(self) -> None:
        if not 0 < self.overlap < self.session:
            raise ValueError("overlap must be at least one sample, and session more than the overlap")
        if self.refine_every < 0 or self.max_subjects < 1 or self.lost_s < 0:
            raise ValueError(
                "refine_every and lost_s cannot be negative, and max_subjects must be at least 1"
            )


def follow(
    clip: Clip,
    frames: Frames,
    camera: CameraMotion,
    detections: Detections,
    begin: Callable[[], Session],
    rules: Rules,
) -> Tracks:
    """Return the subjects of a clip with their masks, by first appearance, ids from 0.

    Args:
        clip: for its samples and its size.
        frames: the pictures; each is taken once.
        camera: for its cuts, and for where somebody who is lost must be.
        detections: what sessions are prompted with, and what gives subjects their names.
        begin: makes a session.
        rules: how sessions are cut and subjects are told apart.
    """
    book = _Book(clip, camera, detections, rules)
    stream, held = iter(frames), deque[Frame]()
    spans = list(_spans(clip, camera, rules))
    for i, span in enumerate(spans):
        later = spans[i + 1].begin if i + 1 < len(spans) else span.end
        part = _Part(book, span, begin())
        kept = deque[Frame]()
        for frame in _until(chain(_emptied(held), stream), span.end):
            part.add(frame)
            if frame.sample >= later:
                kept.append(frame)
        held = kept
        book.join(part)
        del part
    return book.tracks()


class _Span(NamedTuple):
    """The samples of a session."""

    begin: int
    fresh: int
    """From here on; those before are the overlap with the session before."""
    end: int
    """Behind the last."""


def _spans(clip: Clip, camera: CameraMotion, rules: Rules) -> Iterator[_Span]:
    cuts = np.searchsorted(clip.times_s, np.asarray(sorted(camera.cuts_s), np.float64) - 1e-6)
    bounds = sorted({0, len(clip.times_s), *cuts.tolist()})
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        fresh = start
        while fresh < end:
            begin = max(start, fresh - rules.overlap)
            yield _Span(begin, fresh, min(begin + rules.session, end))
            fresh = min(begin + rules.session, end)


def _emptied(held: deque[Frame]) -> Iterator[Frame]:
    while held:
        yield held.popleft()


def _until(frames: Iterable[Frame], end: int) -> Iterator[Frame]:
    """Yield frames up to the sample before ``end``, and take none beyond it."""
    if end <= 0:
        return
    for frame in frames:
        yield frame
        if frame.sample >= end - 1:
            return


# --- one session --------------------------------------------------------------------------------------------


@dataclass
class _Piece:
    """A subject as far as it is known: of one session, or of all."""

    rle: dict[int, str] = field(default_factory=dict)
    """By sample, as everything here."""
    box: dict[int, Float[np.ndarray, "4"]] = field(default_factory=dict)
    """In pixels of the clip."""
    score: dict[int, float] = field(default_factory=dict)
    detection: dict[int, int] = field(default_factory=dict)
    names: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Scores of the sightings that bear a name, and of those without, added up."""

    @property
    def label(self) -> str:
        """The name that most of the named sightings bear, if enough are named at all."""
        named = {name: weight for name, weight in self.names.items() if name != NAMELESS}
        best = max(sorted(named), key=lambda name: named[name], default=NAMELESS)
        enough = sum(named.values()) >= MIN_NAMED * sum(self.names.values())
        return best if named and enough and named[best] > sum(named.values()) / 2 else NAMELESS

    @property
    def first(self) -> int:
        return min(self.rle)

    @property
    def last(self) -> int:
        return max(self.rle)

    def take(self, other: _Piece, since: int = 0) -> None:
        """Add what another piece knows from a sample on, where this one knows nothing."""
        for sample in other.rle:
            if sample >= since and sample not in self.rle:
                self.rle[sample], self.box[sample] = other.rle[sample], other.box[sample]
                self.score[sample] = other.score[sample]
                if sample in other.detection:
                    self.detection[sample] = other.detection[sample]
        for name, weight in other.names.items():
            self.names[name] += weight


class _Part:
    """What one session sees."""

    def __init__(self, book: _Book, span: _Span, session: Session) -> None:
        self.book, self.span, self.session = book, span, session
        self.pieces: dict[int, _Piece] = {}
        self.origin: dict[int, _Piece] = {}
        """Subjects of the session before that were handed over, by their numbers in this one."""
        self.together: dict[tuple[int, int], int] = defaultdict(int)
        self.same: dict[tuple[int, int], int] = defaultdict(int)
        """In how many samples two were seen, and with one mask."""

    def add(self, frame: Frame) -> None:
        """Look at a sample."""
        self.book.size = (int(frame.image.shape[0]), int(frame.image.shape[1]))
        seen = self.session.look(frame.image)
        here = self.book.sightings(frame.sample)
        if self.session.prompted:
            prompts = [
                *(self._handed_over(frame) if frame.sample == self.span.begin else ()),
                *self._refined(frame, seen, here),
            ]
            shown = [prompt for prompt in prompts if prompt.mask is not None]
            known = {**seen, **{p.subject: Seen(p.mask, 1.0) for p in shown if p.mask is not None}}
            prompts += self._newcomers(frame, known, here)
            if prompts:
                seen = self.session.again(prompts)
        self._keep(frame, seen, here)

    # --- prompts ---

    def _handed_over(self, frame: Frame) -> Iterator[Prompt]:
        """Yield the masks that the session before gave for this sample; not of what was a chance detection."""
        if self.span.begin == self.span.fresh:
            return
        for subject in self.book.subjects:
            if frame.sample in subject.rle and self.book.is_sure(subject):
                number = len(self.origin)
                self.origin[number] = subject
                self.pieces[number] = _Piece(names=defaultdict(float, subject.names))
                yield Prompt(number, mask=rle_mask(subject.rle[frame.sample], *frame.image.shape[:2]))

    def _refined(self, frame: Frame, seen: dict[int, Seen], here: Int[np.ndarray, "M"]) -> Iterator[Prompt]:
        """Yield named detections that fit what is followed; regions of motion have halos, which masks have not."""
        every = self.book.rules.refine_every
        if not every or frame.sample == self.span.begin or (frame.sample - self.span.begin) % every:
            return
        for number, row in self._matched(frame, seen, here).items():
            if self.book.detections.label[row] != NAMELESS:
                yield Prompt(number, box=self._in_picture(frame, row))

    def _newcomers(self, frame: Frame, seen: dict[int, Seen], here: Int[np.ndarray, "M"]) -> list[Prompt]:
        """Return detections that show what no mask shows, the named and the sure ones first."""
        found, rules = self.book.detections, self.book.rules
        matched = set(self._matched(frame, seen, here).values())
        sure = [
            row
            for row in here.tolist()
            if row not in matched
            and found.score[row] >= rules.sure_score
            and float(box_size(found.xyxy[[row]])[0]) ** 2 >= rules.min_area_px
        ]
        sure.sort(key=lambda row: (found.label[row] == NAMELESS, -float(found.score[row]), row))
        chosen: list[int] = []
        for row in sure:
            twice = any(self._same_thing(row, other) for other in chosen)
            if not twice and not self._covered(frame, seen, row):
                chosen.append(row)
        first = max([*self.pieces, *seen, -1]) + 1
        free = max(rules.max_subjects - len(self.pieces), 0)
        return [Prompt(first + i, box=self._in_picture(frame, row)) for i, row in enumerate(chosen[:free])]

    def _same_thing(self, row: int, other: int) -> bool:
        found = self.book.detections
        iou = float(box_iou(found.xyxy[[row]], found.xyxy[[other]])[0, 0])
        part = (
            found.label[row] == NAMELESS
            and float(box_cover(found.xyxy[[row]], found.xyxy[[other]])[0, 0]) >= PART
        )
        return _may_be_one(found.label[row], found.label[other]) and (iou >= FIT_IOU or part)

    def _covered(self, frame: Frame, seen: dict[int, Seen], row: int) -> bool:
        """Whether masks show already what a detection shows; a cup before a person is none of the person."""
        found = self.book.detections
        alike = [
            one.mask
            for number, one in seen.items()
            if one.mask.any() and _may_be_one(self._label(number, one), found.label[row])
        ]
        if not alike:
            return False
        box = self._in_picture(frame, row)
        x0, y0, x1, y1 = _window(box, frame.image.shape[:2])
        share = float(np.any([mask[y0:y1, x0:x1] for mask in alike], axis=0).mean())
        boxes = np.array([mask_box(mask) for mask in alike])
        if float(box_iou(box[None], boxes).max()) >= SAME_MASK or share >= COVERED:
            return True
        inside = float(box_cover(box[None], boxes).max()) >= PART
        return found.label[row] == NAMELESS and (share >= COVERED_REGION or inside)

    def _label(self, number: int, one: Seen) -> str:
        return one.label or (self.pieces[number].label if number in self.pieces else NAMELESS)

    def _matched(self, frame: Frame, seen: dict[int, Seen], here: Int[np.ndarray, "M"]) -> dict[int, int]:
        """Return which detection is of which subject, by number; each is of one."""
        found = self.book.detections
        numbers = [number for number, one in seen.items() if one.mask.any()]
        if not numbers or not len(here):
            return {}
        boxes = np.array([mask_box(seen[number].mask) for number in numbers]) * frame.scale
        fit = box_iou(boxes, found.xyxy[here])
        for i, number in enumerate(numbers):
            for j, row in enumerate(here.tolist()):
                if not _may_be_one(self._label(number, seen[number]), found.label[row]):
                    fit[i, j] = 0
        rows, columns = linear_sum_assignment(-fit)
        return {
            numbers[i]: int(here[j])
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
            if fit[i, j] >= FIT_IOU
        }

    def _in_picture(self, frame: Frame, row: int) -> Float[np.ndarray, "4"]:
        height, width = frame.image.shape[:2]
        limit = np.array([width, height, width, height], np.float64)
        return np.asarray(np.clip(self.book.detections.xyxy[row] / frame.scale, 0, limit))

    # --- results ---

    def _keep(self, frame: Frame, seen: dict[int, Seen], here: Int[np.ndarray, "M"]) -> None:
        """Write down what was seen; of two with one mask, the surer (the older) one's it is."""
        clear = {number: one._replace(mask=_tidied(one.mask)) for number, one in seen.items()}
        area = self.book.rules.min_area_px / frame.scale**2
        clear = {number: one for number, one in clear.items() if one.mask.any() and one.mask.sum() >= area}
        weaker: set[int] = set()
        for a, b in combinations(sorted(clear), 2):
            self.together[a, b] += 1
            if float(mask_iou(clear[a].mask[None], clear[b].mask[None])[0, 0]) >= SAME_MASK:
                self.same[a, b] += 1
                weaker.add(b if clear[a].score >= clear[b].score else a)
        for number in seen:
            self.pieces.setdefault(number, _Piece())
        clear = {number: one for number, one in clear.items() if number not in weaker}
        matched = self._matched(frame, clear, here)
        for number, one in clear.items():
            piece, row = self.pieces[number], matched.get(number)
            piece.rle[frame.sample] = rle(one.mask)
            piece.box[frame.sample] = self.book.in_clip(mask_box(one.mask) * frame.scale)
            piece.score[frame.sample] = one.score
            if row is not None:
                piece.detection[frame.sample] = row
            if frame.sample >= self.span.fresh:
                if one.label is not None:
                    piece.names[one.label] += one.score
                elif row is not None:
                    piece.names[self.book.detections.label[row]] += float(self.book.detections.score[row])

    def result(self) -> dict[int, _Piece]:
        """Return the pieces that are something, those with one mask as one."""
        mistaken = self.session.mistakes()
        pieces = {n: piece for n, piece in self.pieces.items() if piece.rle and n not in mistaken}
        for (a, b), times in sorted(self.same.items()):
            twice = times >= MIN_SAME and times > self.together[a, b] / 2
            if twice and a in pieces and b in pieces and _may_be_one(pieces[a].label, pieces[b].label):
                pieces[a].take(pieces.pop(b))
        return pieces


def _may_be_one(one: str, two: str) -> bool:
    return one == two or NAMELESS in (one, two)


def _window(box: Float[np.ndarray, "4"], size: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the pixels of a box, one at least."""
    height, width = size
    x0, y0 = (int(np.clip(np.floor(v), 0, top - 1)) for v, top in zip(box[:2], (width, height), strict=True))
    x1, y1 = (
        int(np.clip(np.ceil(v), low + 1, top))
        for v, low, top in zip(box[2:], (x0, y0), (width, height), strict=True)
    )
    return x0, y0, x1, y1


def _tidied(mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Return a mask without specks."""
    box = mask_box(mask)
    if not np.isfinite(box[0]):
        return mask
    x0, y0, x1, y1 = box.astype(int).tolist()
    number, parts, stats, _ = cv2.connectedComponentsWithStats(
        mask[y0:y1, x0:x1].view(np.uint8), connectivity=8
    )
    if number <= 2:
        return mask
    large = stats[:, cv2.CC_STAT_AREA] >= SPECK * stats[1:, cv2.CC_STAT_AREA].sum()
    large[0] = False
    tidied = mask.copy()
    tidied[y0:y1, x0:x1] = large[parts]
    return tidied


# --- all sessions -------------------------------------------------------------------------------------------


class _Book:
    """The subjects of a clip so far."""

    def __init__(self, clip: Clip, camera: CameraMotion, detections: Detections, rules: Rules) -> None:
        self.clip, self.camera, self.detections, self.rules = clip, camera, detections, rules
        self.subjects: list[_Piece] = []
        self.prompted = False
        self.size = (0, 0)
        usable = np.isfinite(detections.xyxy).all(1)
        usable &= (detections.xyxy[:, 2:] > detections.xyxy[:, :2]).all(1)
        self._usable = np.flatnonzero(usable)
        known = np.isfinite(camera.to_scene).all((1, 2))
        self._maps = np.where(known[:, None, None], camera.to_scene, np.eye(2, 3))
        self._shot = np.searchsorted(
            np.asarray(sorted(camera.cuts_s), np.float64) - 1e-6, clip.times_s, side="right"
        )

    def sightings(self, sample: int) -> Int[np.ndarray, "M"]:
        """Return the rows of a sample's detections."""
        return self._usable[self.detections.sample[self._usable] == sample]

    def in_clip(self, box: Float[np.ndarray, "4"]) -> Float[np.ndarray, "4"]:
        """Return a box as far as it is in the picture."""
        limit = np.array([self.clip.width, self.clip.height] * 2, np.float64)
        return np.asarray(np.clip(box, 0, limit))

    def is_sure(self, subject: _Piece) -> bool:
        """Whether detections confirm a subject."""
        gaps = np.diff(self.clip.times_s[sorted(subject.detection)])
        return bool((gaps <= CONFIRM_S + 1e-6).any())

    def join(self, part: _Part) -> None:
        """Add what a session saw: to the subjects that it is of, else as new ones.

        The overlap is the earlier session's, which knows those in it for longer.
        """
        self.prompted = part.session.prompted
        pieces = part.result()
        owner = {n: subject for n, subject in part.origin.items() if n in pieces}
        owner.update(self._stitched(part.span, {n: p for n, p in pieces.items() if n not in owner}, owner))
        if not self.prompted:
            self._withdraw(part.span, list(owner.values()))
        for number in sorted(pieces, key=lambda n: (pieces[n].first, n)):
            piece = _since(pieces[number], part.span.fresh)
            if not piece.rle:
                continue
            subject = owner.get(number) or self._found_again(piece)
            if subject is None:
                self.subjects.append(piece)
            else:
                if number in part.origin:
                    piece.names = _gained(piece.names, subject.names)
                subject.take(piece)

    def _withdraw(self, span: _Span, confirmed: Sequence[_Piece]) -> None:
        """Take out what the session before found in the overlap and this one, which sees it for longer, has not."""
        self.subjects = [
            subject
            for subject in self.subjects
            if not span.begin <= subject.first < span.fresh or any(subject is one for one in confirmed)
        ]

    def _stitched(
        self, span: _Span, pieces: dict[int, _Piece], taken: dict[int, _Piece]
    ) -> dict[int, _Piece]:
        """Return which subject a piece goes on, by their masks in the overlap."""
        rows = [s for s in self.subjects if not any(s is other for other in taken.values())]
        overlap = range(span.begin, span.fresh)
        agree = np.zeros((len(pieces), len(rows)))
        for i, piece in enumerate(pieces.values()):
            for j, subject in enumerate(rows):
                if _may_be_one(piece.label, subject.label):
                    agree[i, j] = self._agreement(piece, subject, overlap)
        numbers = list(pieces)
        return {
            numbers[i]: rows[j]
            for i, j in zip(*(found.tolist() for found in linear_sum_assignment(-agree)), strict=True)
            if agree[i, j] >= STITCH_IOU
        }

    def _agreement(self, one: _Piece, two: _Piece, samples: range) -> float:
        """Return the IoU of two over the samples that both know, as one picture."""
        shared = whole = 0
        for k in samples:
            if k in one.rle and k in two.rle:
                a, b = (rle_mask(piece.rle[k], *self.size) for piece in (one, two))
                shared += int((a & b).sum())
                whole += int((a | b).sum())
        return shared / whole if whole else 0.0

    def _found_again(self, piece: _Piece) -> _Piece | None:
        """Return the subject that was lost and that a new piece must be; None where there is none, or two may be."""
        offers = sorted(
            ((self._fits(subject, piece), -i) for i, subject in enumerate(self.subjects)), reverse=True
        )
        if not offers or offers[0][0] == 0 or (len(offers) > 1 and offers[1][0] > offers[0][0] / 2):
            return None
        return self.subjects[-offers[0][1]]

    def _fits(self, subject: _Piece, piece: _Piece) -> float:
        """Return how well a new piece goes on where a subject was lost (IoU); 0 where it cannot be."""
        last, first = subject.last, piece.first
        if (
            last >= first
            or self._shot[last] != self._shot[first]
            or not _may_be_one(subject.label, piece.label)
        ):
            return 0.0
        after = sorted(piece.rle)[:NEAR]
        boxes = np.array([piece.box[k] for k in after])
        _, whole = self._whole(subject)
        sizes = (float(np.median(box_size(whole))), float(box_size(boxes).max()))
        if max(sizes) > MAX_SIZE_RATIO * min(sizes):
            return 0.0
        soon = self.clip.times_s[first] - self.clip.times_s[last] <= self.rules.lost_s + 1e-6
        there = np.array([self._expected(subject, k, moving=bool(soon)) for k in after])
        fit = float(np.diagonal(box_iou(boxes, there)).max())
        if soon:
            return fit if fit >= FOUND_IOU else 0.0
        ends = np.array([subject.box[last], boxes[0]])
        inside = not touches_border(ends, self.clip.width, self.clip.height).any()
        return fit if inside and fit >= RESTED_IOU else 0.0

    def _expected(self, subject: _Piece, sample: int, moving: bool) -> Float[np.ndarray, "4"]:
        """Return where a subject must be at a sample: it goes on, or rests, in the scene."""
        times = self.clip.times_s
        recent, boxes = self._whole(subject)
        last = int(recent[-1])
        scene = apply_affine(self._maps[recent], box_center(boxes))
        center = scene[-1]
        if moving and len(recent) >= 3:
            speed, place = np.polyfit(times[recent] - times[last], scene, 1)
            center = place + speed * (times[sample] - times[last])
        center = apply_affine(invert_affine(self._maps[sample]), center)
        half = np.median(boxes[:, 2:] - boxes[:, :2], axis=0) / 2
        return np.concatenate([center - half, center + half])

    def _whole(self, subject: _Piece) -> tuple[Int[np.ndarray, "M"], Float[np.ndarray, "M 4"]]:
        """Return the last samples in which a subject shows as large as it was, and its boxes there.

        What goes behind a post gets smaller before it is lost, and the middle of what is left is not its own.
        """
        times = self.clip.times_s
        near = [k for k in sorted(subject.box) if times[subject.last] - times[k] <= WHOLE_S + 1e-6]
        boxes = np.array([subject.box[k] for k in near])
        sides = boxes[:, 2:] - boxes[:, :2]
        whole = np.flatnonzero((sides >= WHOLE * np.percentile(sides, 75, axis=0)).all(1))
        whole = whole if len(whole) else np.array([len(near) - 1])
        ends = times[near[int(whole[-1])]]
        recent = np.array([i for i in whole.tolist() if ends - times[near[i]] <= FIT_S + 1e-6])
        return np.asarray(near)[recent], boxes[recent]

    def tracks(self) -> Tracks:
        """Return the subjects."""
        kept = [s for s in self.subjects if s.rle and (not self.prompted or self.is_sure(s))]
        kept.sort(key=lambda subject: subject.first)
        shape = (len(kept), len(self.clip.times_s))
        xyxy, score = np.full((*shape, 4), np.nan), np.full(shape, np.nan)
        detection = np.full(shape, -1, np.int64)
        for n, subject in enumerate(kept):
            for k, box in subject.box.items():
                xyxy[n, k], score[n, k] = box, subject.score[k]
            for k, row in subject.detection.items():
                detection[n, k] = row
        strings = tuple(tuple(subject.rle.get(k) for k in range(shape[1])) for subject in kept)
        return Tracks(
            ids=np.arange(len(kept), dtype=np.int64),
            label=tuple(subject.label for subject in kept),
            xyxy=xyxy,
            score=score,
            detection=detection,
            masks=Masks(*self.size, strings),
        )


def _since(piece: _Piece, first: int) -> _Piece:
    """Return what a piece knows from a sample on."""
    later = _Piece()
    later.take(piece, first)
    return later


def _gained(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return defaultdict(float, {name: weight - before.get(name, 0.0) for name, weight in after.items()})
