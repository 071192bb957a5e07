"""Which questions of a run are the same question twice.

A form of question may recur: whether the camera rests is asked of every clip, and each time it is another question.
The same words, options and answer are a duplicate where they are asked of the same pictures:

- of two clips with the same content (``Clip.id``: the same bytes and span), in whichever run or folder, and
- of two clips of one source whose spans overlap by half of the shorter one, where the question names a time of the
  source's (the times in the words are compared in the source's time) or none.

Questions of different sources are never duplicates, whatever they say: their answers are known from other pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kinescribe.records import Clip, Question, Span

MIN_OVERLAP = 0.5
"""Share of the shorter clip from which two clips of one source show the same."""
SAME_TIME_S = 0.15
"""Times of two clips are the same if they are less than this apart: they are said in tenths of a second."""
_TIME = re.compile(r"\b(\d+(?:\.\d+)?) s\b")


class Place(NamedTuple):
    """Where a question was asked: the times of its words in the source."""

    clip: str
    span: Span
    times_s: tuple[float, ...]


@dataclass
class Seen:
    """The questions of a run so far; ``first`` tells of the next one whether it is new."""

    num_dropped: int = 0
    _asked: dict[tuple[str, ...], list[Place]] = field(default_factory=dict)

    def first(self, clip: Clip, question: Question) -> bool:
        """Return whether a question was not asked before of the same pictures, and remember it."""
        words = (clip.source_sha256 or clip.source, *_words(question))
        times_s = tuple(clip.start_s + float(t) for t in _TIME.findall(question.text))
        here = Place(clip.id, Span(clip.start_s, clip.end_s), times_s)
        before = self._asked.setdefault(words, [])
        if any(_same(here, place) for place in before):
            self.num_dropped += 1
            return False
        before.append(here)
        return True


def unique(
    asked: Iterable[tuple[Clip, Question]], seen: Seen | None = None
) -> Iterator[tuple[Clip, Question]]:
    """Yield the questions of a run without duplicates, the first of each; ``seen`` counts what was left out."""
    known = Seen() if seen is None else seen
    return ((clip, question) for clip, question in asked if known.first(clip, question))


def _words(question: Question) -> tuple[str, ...]:
    """Words without times, options in any order, and the answer."""
    told = [" ".join(_TIME.sub("", text).casefold().split()) for text in (question.text, *question.options)]
    return (told[0], *sorted(told[1:]), told[1 + question.answer_index])


def _same(one: Place, two: Place) -> bool:
    if one.clip != two.clip:
        shared = min(one.span.end_s, two.span.end_s) - max(one.span.start_s, two.span.start_s)
        if shared < MIN_OVERLAP * max(min(one.span.duration_s, two.span.duration_s), 1e-9):
            return False
    return len(one.times_s) == len(two.times_s) and all(
        abs(a - b) <= SAME_TIME_S for a, b in zip(one.times_s, two.times_s, strict=True)
    )


__all__ = ["Seen", "unique"]
