"""Which things there are to look for, as a vision-language model tells from several pictures of a clip.

After FoundationMotion (3.2.1; arXiv:2512.10927), which asks Qwen2.5-VL-7B about the first frame alone, and so never
looks for what comes later. Here it is shown pictures from the whole clip, and one of everything that moves and is in
none of those. A name that is made up does no harm: the detector does not find it. The prompt is our own.

Any model will do that ``detect.model`` can name; no published one was asked where Kinescribe was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from pydantic import BaseModel

from kinescribe import prompts
from kinescribe.backends import Ask, Names
from kinescribe.backends.card import Card
from kinescribe.geometry import box_iou
from kinescribe.inputs.frames import Choice, FrameSettings, choose, pictures
from kinescribe.language.things import merged
from kinescribe.llm.messages import FAILED, Answer, Request, Text
from kinescribe.llm.messages import Frames as Shots
from kinescribe.records import Clip, Detections
from kinescribe.video import Frames

__all__ = ["AskedNamer"]

PROMPT = "namer"
SAME_IOU = 0.2
"""Regions of two samples in a row that overlap so are one thing that moves: at 10 Hz a thing that goes its own length
in 0.15 s still does."""
SHORTEST = 3
"""Samples that something has to move before a picture is spent on it: less is flicker."""
MOST_SHOWN = 5
"""Names that are left out are quoted up to so many."""


class Listed(BaseModel):
    """What is asked for."""

    moving: tuple[str, ...]
    still: tuple[str, ...]


@dataclass(frozen=True)
class AskedNamer:
    """Asks for the names of what moves and what stands out; ``detect.model`` says whom."""

    rate_hz: float = 0.5
    """Pictures per second; most things that are there are there for two."""
    max_frames: int = 8
    """Pictures at this rate; a longer clip is shown at half the rate, a third, ..."""
    more_frames: int = 4
    """Pictures besides, of things that move and are in none of those."""
    frames_per_request: int = 4
    """What a small model can still tell apart. Each request is an answer, and a name that many answers hold comes
    first."""
    max_side_px: int = 768
    most: int = 16
    """Names that are kept: every one is a query to the detector. FoundationMotion's 64 tokens hold about as many."""
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="any vision-language model (detect.model)",
        paper="FoundationMotion 3.2.1, arXiv:2512.10927",
        licence="that of the model",
        run_here="scripted answers, and tiny random Qwen-VL checkpoints",
    )

    def __post_init__(self) -> None:
        self._settings()
        if min(self.frames_per_request, self.most, self.max_tokens) < 1 or self.more_frames < 0:
            raise ValueError(
                "frames_per_request, most and max_tokens must be at least 1, more_frames at least 0"
            )

    def __call__(self, clip: Clip, frames: Frames, regions: Detections, ask: Ask) -> Names:
        """Return what to look for.

        Raises:
            BackendError: the model gave no answer; what it declines or muddles is noted.
            VideoError: the frames lack a sample.
        """
        if not len(clip.times_s):
            return Names((), ("namer: the clip has no pictures",))
        answers = ask(self._requests(clip, frames, regions))
        for answer in answers:
            if answer.status == FAILED:
                answer.required()
        return self._names(answers)

    def identity(self) -> str:
        """Name the prompt: another one gets other answers."""
        return prompts.load(PROMPT).identity

    def samples(self, clip: Clip, regions: Detections) -> tuple[int, ...]:
        """Return which samples are shown, in order: some at the rate, and one of each thing that is in none of them."""
        spread = choose(clip.times_s, self._settings()).samples
        return tuple(sorted({*spread, *_unseen(regions, spread, self.more_frames)}))

    def _requests(self, clip: Clip, frames: Frames, regions: Detections) -> Iterator[Request]:
        shown = Choice(self.samples(clip, regions), self.rate_hz)
        shots = pictures(clip, frames, shown, None, self._settings(len(shown.samples))).shots
        parts = -(-len(shots) // self.frames_per_request)
        for part in np.array_split(np.arange(len(shots)), parts):
            own = Shots(tuple(shots[i] for i in part.tolist()), self.rate_hz)
            told = prompts.load(PROMPT).render(number=len(part), most=self.most)
            yield Request(
                (own, Text(told.user)), told.system, Listed, self.temperature, self.seed, self.max_tokens, told.identity
            )  # fmt: skip

    def _names(self, answers: Sequence[Answer]) -> Names:
        lists = [answer.value_of(Listed) for answer in answers if answer.ok]
        # What moves in any answer comes before what stands out in any.
        moving = merged([listed.moving for listed in lists], self.most)
        both = merged([(*moving.names, *listed.still) for listed in lists], self.most)
        bad = [answer for answer in answers if not answer.ok]
        notes = [f"namer: {len(bad)} of {len(answers)} answers are of no use: {bad[0].error}"] if bad else []
        odd = tuple(dict.fromkeys((*moving.left_out, *both.left_out)))
        if odd:
            quoted = ", ".join(repr(name[:40]) for name in odd[:MOST_SHOWN])
            notes.append(
                f"namer: {len(odd)} names are left out ({quoted}{', ...' * (len(odd) > MOST_SHOWN)})"
            )
        return Names(both.names, tuple(notes))

    def _settings(self, number: int = 0) -> FrameSettings:
        return FrameSettings(self.rate_hz, max(self.max_frames, number), self.max_side_px)


class _Course(NamedTuple):
    """One thing that moves: where its region is largest, and how much picture and time it takes."""

    samples: frozenset[int]
    best: int
    weight: float


def _unseen(regions: Detections, shown: Sequence[int], most: int) -> tuple[int, ...]:
    """Return samples that show what moves and is in none of the shown ones, the largest and longest first."""
    found: list[int] = []
    courses = [course for course in _courses(regions) if len(course.samples) >= SHORTEST]
    for course in sorted(courses, key=lambda course: (-course.weight, course.best)):
        if len(found) < most and not course.samples & {*shown, *found}:
            found.append(course.best)
    return tuple(found)


def _courses(regions: Detections) -> Iterator[_Course]:
    """Yield regions of neighbouring samples that overlap, as one thing each."""
    open_rows: list[list[int]] = []
    for sample in np.unique(regions.sample).tolist():
        rows = np.flatnonzero(regions.sample == sample)
        ended = [course for course in open_rows if regions.sample[course[-1]] < sample - 1]
        yield from (_course(regions, course) for course in ended)
        open_rows = [course for course in open_rows if regions.sample[course[-1]] == sample - 1]
        open_rows += _continued(regions, open_rows, rows)
    yield from (_course(regions, course) for course in open_rows)


def _continued(regions: Detections, courses: list[list[int]], rows: Int[np.ndarray, "R"]) -> list[list[int]]:
    """Add rows to the courses that they go on with, each to one; return new courses of the others."""
    left = set(rows.tolist())
    for course in courses:
        candidates = sorted(left)
        if not candidates:
            break
        last = regions.xyxy[course[-1:]]
        overlap: Float[np.ndarray, "C"] = box_iou(last, regions.xyxy[candidates])[0]
        best = int(np.argmax(overlap))
        if overlap[best] >= SAME_IOU:
            course.append(candidates[best])
            left.discard(candidates[best])
    return [[row] for row in sorted(left)]


def _course(regions: Detections, rows: Sequence[int]) -> _Course:
    boxes = regions.xyxy[list(rows)]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    samples = regions.sample[list(rows)]
    return _Course(frozenset(samples.tolist()), int(samples[np.argmax(areas)]), float(areas.sum()))
