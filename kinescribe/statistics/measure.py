"""A run in numbers: read once, clip by clip."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import chisquare

from kinescribe.exporters import Failure, RunReader, in_order
from kinescribe.metrics.density import WORD
from kinescribe.records import (
    CAMERA,
    Caption,
    Captions,
    Clip,
    Facts,
    Question,
    Questions,
    Tracks,
    Verdicts,
)
from kinescribe.runs.ledger import Ledger
from kinescribe.runs.summary import KINDS, Counts, Tally, seconds_by_stage
from kinescribe.statistics.calls import Asked as AskedModels
from kinescribe.statistics.calls import asked as asked_models
from kinescribe.statistics.spread import Spread, Values
from kinescribe.vocabulary import CHECKLIST

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LEAST_EXPECTED = 5.0
"""Questions that every position should have before a chi-square value means anything (Cochran 1954)."""
HOLDS = {True: "holds", False: "contradicted", None: "unknown"}
NOT_JUDGED = "not_judged"
EDITS = ("claims_sent_back", "claims_left_out", "sentences_cut", "answers_not_used", "video_alone", "other")
"""What an entry of ``Caption.edits`` may count as."""
_EDITS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], int]], ...] = (
    ("sentences_cut", re.compile(r'cut "'), lambda _: 1),
    ("claims_left_out", re.compile(r'left out "'), lambda _: 1),
    (
        "claims_left_out",
        re.compile(r".*: \d+ statements, .* (\d+) contradicted, "),
        lambda said: int(said[1]),
    ),
    (
        "claims_left_out",
        re.compile(r".*: (\d+) of (\d+) not measured are kept"),
        lambda said: int(said[2]) - int(said[1]),
    ),
    (
        "claims_sent_back",
        re.compile(r".*?(\d+) contradicted (?:claims?|tuples?) sent back"),
        lambda said: int(said[1]),
    ),
    ("answers_not_used", re.compile(r".*the model's answer was "), lambda _: 1),
    ("video_alone", re.compile(r".*: asked from the video alone"), lambda _: 1),
)
"""What ``stages.mending`` and the writers that ask a model note, and what is counted of it."""


@dataclass(frozen=True)
class Videos:
    """The clips themselves."""

    duration_s: Spread
    fps: Spread
    frames: Spread
    """Source frames of a clip."""
    samples: Spread
    """Pictures of a clip that were looked at."""
    sizes: Mapping[str, int]
    """Clips by width x height in pixels, as shown."""


@dataclass(frozen=True)
class Writer:
    """The captions of one writer and scope."""

    writer: str
    scope: str
    captions: int
    clips: int
    """Clips that have one."""
    words: Spread
    """Per caption. KPM-Bench: 171.39 per video."""
    words_per_s: Spread
    """Words of a caption over its clip's length. KPM-Bench: 22.21."""
    verbs: Spread
    """Motions that a caption asserts, as our parser reads them. MotionAtlas: 23 verbs per sample."""
    verdicts: Mapping[str, int]
    """Claims by verdict: holds, contradicted, unknown, not_judged."""
    contradicted: int
    """Captions with a contradicted claim: exports leave them out."""
    edits: Mapping[str, int]
    """What was done to the texts, by ``EDITS``."""


@dataclass(frozen=True)
class Balance:
    """Where the right answer stands."""

    positions: Mapping[str, int]
    """Questions by the letter of the right answer."""
    expected: Mapping[str, float]
    """What chance would give."""
    p: float | None
    """Of a chi-square test that all positions are equally likely; None where fewer than five are expected at one."""


@dataclass(frozen=True)
class Lengths:
    """Whether a right answer can be told by its length."""

    right: Spread
    """Characters of right answers."""
    wrong: Spread
    longest: float | None
    """Share of questions in which the right answer is the longest option; n of equal length count 1/n each."""
    shortest: float | None
    chance: float | None
    """The share that chance would give."""


@dataclass(frozen=True)
class Quiz:
    """Questions of one kind."""

    questions: int
    clips: int
    """Clips that were asked about, also in vain."""
    per_clip: Spread
    """FoundationMotion: 10.04."""
    per_s: Spread
    """Questions of a clip over its length. FoundationMotion: 1.671."""
    length: Spread
    """Characters of a question. FoundationMotion: 55.9."""
    categories: Mapping[str, int]
    evenness: float | None
    """Entropy of the categories that occur over its maximum (Pielou 1966): 1 is even; None below two categories."""
    templates: Mapping[str, int]
    subjects: Mapping[str, int]
    """Questions by whom they are about."""
    num_options: Mapping[str, int]
    balance: Balance
    lengths: Lengths
    answer_roles: Mapping[str, int]
    """Right answers by ``Question.roles``; those without roles are contents."""


@dataclass(frozen=True)
class Motions:
    """What the facts are about (their predicates: ``Counts.predicates``), and the verbs of the captions."""

    directions: Mapping[str, int]
    trajectories: Mapping[str, int]
    magnitudes: Mapping[str, int]
    parts: Mapping[str, int]
    levels: Mapping[str, int]
    subjects: Mapping[str, int]
    """Facts by the label of their subject."""
    verbs: Mapping[str, int]
    """Motions that captions assert, by lemma; without those that they deny."""


@dataclass(frozen=True)
class Failed:
    """What went wrong."""

    stages: Mapping[str, int]
    errors: Mapping[str, int]
    """By "stage: type of error"."""


@dataclass(frozen=True)
class Statistics:
    """A run in numbers."""

    run: str
    """Its folder."""
    holds: Counts
    video: Videos
    writers: tuple[Writer, ...]
    qa: Quiz
    """Questions about the video."""
    checklist: Quiz
    """Questions that a caption is to answer."""
    questions_dropped: Mapping[str, int]
    """Questions that were made and not kept, by why (``Questions.dropped``)."""
    motion: Motions
    failed: Failed
    calls: AskedModels | None
    """What language models took; None where none was asked."""


def measure(run: RunReader, ledger: Ledger | None = None, folder: Path | None = None) -> Statistics:
    """Return a run in numbers.

    Args:
        run: what is read.
        ledger: tells the time of stages and sources that gave no clip.
        folder: of the run; holds what language models were asked.

    Raises:
        StoreError: the run, or what it keeps of language models, is damaged.
    """
    tally, videos, writers, motions = Tally(), _Videos(), _Writers(), _Motions()
    qa, checklist, dropped = _Quiz(), _Quiz(), Counter[str]()
    clips = in_order(run.clips())
    for clip in clips:
        found = ((kind, run.record(clip.id, kind)) for kind in KINDS)
        records: dict[type, Any] = {
            Clip: clip,
            **{kind: record for kind, record in found if record is not None},
        }
        for counted in (tally, writers, motions):
            counted.add(records)
        videos.add(clip)
        if Questions in records:
            asked = records[Questions].questions
            dropped.update(records[Questions].dropped)
            labels = _labels(records.get(Tracks))
            qa.add(clip, [q for q in asked if q.category != CHECKLIST], labels)
            checklist.add(clip, [q for q in asked if q.category == CHECKLIST], labels)
    failures = run.failures()
    sources = {clip.source for clip in clips} | {failure.source for failure in failures}
    holds = tally.counts(
        len(sources if ledger is None else ledger.sources()),
        len(failures),
        len(run.dropped()),
        {} if ledger is None else seconds_by_stage(ledger),
    )
    return Statistics(
        run="" if folder is None else str(folder),
        holds=holds,
        video=videos.sum(),
        writers=writers.sum(),
        qa=qa.sum(),
        checklist=checklist.sum(),
        questions_dropped=_sorted(dropped),
        motion=motions.sum(),
        failed=_failed(failures),
        calls=None if folder is None else asked_models(folder),
    )


def position_balance(questions: Iterable[tuple[int, int]]) -> Balance:
    """Return where right answers stand, of (position, number of options) each."""
    found: Counter[int] = Counter()
    expected: Counter[int] = Counter()
    for position, options in questions:
        found[position] += 1
        for place in range(options):
            expected[place] += 1 / options  # type: ignore[assignment]  # a Counter adds floats as well
    places = sorted(expected)
    p = None
    if len(places) > 1 and min(expected.values()) >= LEAST_EXPECTED and set(found) <= set(places):
        p = float(chisquare([found[i] for i in places], [expected[i] for i in places]).pvalue)
    return Balance(
        {_letter(i): found[i] for i in sorted({*places, *found})},
        {_letter(i): float(expected[i]) for i in places},
        p,
    )


# --- what is counted ----------------------------------------------------------------------------------------


class _Videos:
    def __init__(self) -> None:
        self._duration, self._fps, self._frames, self._samples = (Values() for _ in range(4))
        self._sizes: Counter[str] = Counter()

    def add(self, clip: Clip) -> None:
        self._duration.add(clip.duration_s)
        self._fps.add(clip.fps)
        self._frames.add(clip.num_frames)
        self._samples.add(len(clip.times_s))
        self._sizes[f"{clip.width} x {clip.height}"] += 1

    def sum(self) -> Videos:
        return Videos(
            self._duration.spread(), self._fps.spread(), self._frames.spread(whole=True),
            self._samples.spread(whole=True), _sorted(self._sizes),
        )  # fmt: skip


class _Texts:
    """The captions of one writer and scope."""

    def __init__(self) -> None:
        self.captions = self.clips = self.contradicted = 0
        self.words, self.words_per_s, self.verbs = Values(), Values(), Values()
        self.verdicts: Counter[str] = Counter()
        self.edits: Counter[str] = Counter()

    def add(self, clip: Clip, caption: Caption, judged: Mapping[int, bool | None] | None) -> None:
        """Count a caption; ``judged`` has its claims' verdicts, None where there was no judge."""
        self.captions += 1
        words = len(WORD.findall(caption.text))
        self.words.add(words)
        self.words_per_s.add(_rate(words, clip))
        self.verbs.add(sum(not claim.action.negated for claim in caption.claims))
        told = [
            NOT_JUDGED if judged is None or i not in judged else HOLDS[judged[i]]
            for i in range(len(caption.claims))
        ]
        self.verdicts.update(told)
        self.contradicted += HOLDS[False] in told
        for edit in caption.edits:
            self.edits.update(edits_of(edit))

    def sum(self, writer: str, scope: str) -> Writer:
        return Writer(
            writer, scope, self.captions, self.clips, self.words.spread(whole=True), self.words_per_s.spread(),
            self.verbs.spread(whole=True), {name: self.verdicts[name] for name in (*HOLDS.values(), NOT_JUDGED)},
            self.contradicted, {name: self.edits[name] for name in EDITS},
        )  # fmt: skip


def edits_of(edit: str) -> dict[str, int]:
    """Return what an entry of ``Caption.edits`` counts as."""
    for name, pattern, number in _EDITS:
        if said := pattern.match(edit):
            return {name: number(said)}
    return {"other": 1}


class _Writers:
    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], _Texts] = {}

    def add(self, records: Mapping[type, Any]) -> None:
        told: Captions = records.get(Captions, Captions(()))
        verdicts: Verdicts | None = records.get(Verdicts)
        judged: dict[int, dict[int, bool | None]] = {}
        for verdict in verdicts.verdicts if verdicts is not None else ():
            judged.setdefault(verdict.caption, {})[verdict.claim] = verdict.holds
        seen = set()
        for i, caption in enumerate(told.captions):
            key = (caption.source, caption.scope)
            texts = self._texts.setdefault(key, _Texts())
            texts.add(records[Clip], caption, None if verdicts is None else judged.get(i, {}))
            seen.add(key)
        for key in seen:
            self._texts[key].clips += 1

    def sum(self) -> tuple[Writer, ...]:
        return tuple(texts.sum(*key) for key, texts in sorted(self._texts.items()))


class _Quiz:
    def __init__(self) -> None:
        self._clips = 0
        self._per_clip, self._per_s, self._length, self._right, self._wrong = (Values() for _ in range(5))
        self._counted: dict[str, Counter[str]] = {
            name: Counter() for name in ("categories", "templates", "subjects", "num_options", "answer_roles")
        }
        self._places: Counter[tuple[int, int]] = Counter()
        self._longest = self._shortest = self._chance = 0.0
        self._compared = 0

    def add(self, clip: Clip, questions: Sequence[Question], labels: Mapping[int, str]) -> None:
        self._clips += 1
        self._per_clip.add(len(questions))
        self._per_s.add(_rate(len(questions), clip))
        for question in questions:
            self._add(question, labels)

    def _add(self, question: Question, labels: Mapping[int, str]) -> None:
        self._length.add(len(question.text))
        count = self._counted
        count["categories"][question.category] += 1
        if question.template:
            count["templates"][question.template] += 1
        about = "the scene" if question.subject is None else labels.get(question.subject, "unknown")
        count["subjects"][about] += 1
        count["num_options"][str(len(question.options))] += 1
        right = question.answer_index
        if not 0 <= right < len(question.options):
            return
        count["answer_roles"][question.roles[right] if len(question.roles) > right else "content"] += 1
        self._places[right, len(question.options)] += 1
        lengths = [len(option) for option in question.options]
        self._right.add(lengths[right])
        for i, length in enumerate(lengths):
            if i != right:
                self._wrong.add(length)
        self._compared += 1
        self._chance += 1 / len(lengths)
        self._longest += (lengths[right] == max(lengths)) / lengths.count(max(lengths))
        self._shortest += (lengths[right] == min(lengths)) / lengths.count(min(lengths))

    def sum(self) -> Quiz:
        counted = {name: _sorted(found) for name, found in self._counted.items()}
        return Quiz(
            questions=sum(counted["categories"].values()),
            clips=self._clips,
            per_clip=self._per_clip.spread(whole=True),
            per_s=self._per_s.spread(),
            length=self._length.spread(whole=True),
            evenness=evenness(counted["categories"]),
            balance=position_balance(self._places.elements()),
            lengths=Lengths(
                self._right.spread(whole=True),
                self._wrong.spread(whole=True),
                *(
                    share / self._compared if self._compared else None
                    for share in (self._longest, self._shortest, self._chance)
                ),
            ),
            **counted,
        )


class _Motions:
    def __init__(self) -> None:
        names = ("directions", "trajectories", "magnitudes", "parts", "levels", "subjects", "verbs")
        self._counted: dict[str, Counter[str]] = {name: Counter() for name in names}

    def add(self, records: Mapping[type, Any]) -> None:
        count, labels = self._counted, _labels(records.get(Tracks))
        for fact in records.get(Facts, Facts(())).facts:
            count["directions"].update(fact.direction)
            told = {"trajectories": fact.trajectory, "magnitudes": fact.magnitude, "parts": fact.part}
            for name, word in told.items():
                if word is not None:
                    count[name][word] += 1
            count["levels"][fact.level] += 1
            count["subjects"][labels.get(fact.subject, "unknown")] += 1
        for caption in records.get(Captions, Captions(())).captions:
            actions = (claim.action for claim in caption.claims)
            count["verbs"].update(action.predicate for action in actions if not action.negated)

    def sum(self) -> Motions:
        return Motions(**{name: _sorted(found) for name, found in self._counted.items()})


def evenness(found: Mapping[str, int]) -> float | None:
    """Return how even categories are filled, 0 to 1; None where there are fewer than two."""
    total = sum(found.values())
    if len(found) < 2 or not total:
        return None
    shares = [number / total for number in found.values()]
    return -sum(share * math.log(share) for share in shares if share) / math.log(len(shares))


def _failed(failures: Sequence[Failure]) -> Failed:
    return Failed(
        _sorted(Counter(failure.stage for failure in failures)),
        _sorted(Counter(f"{failure.stage}: {failure.error_type}" for failure in failures)),
    )


def _labels(tracks: Tracks | None) -> dict[int, str]:
    named = {} if tracks is None else dict(zip(tracks.ids.tolist(), tracks.label, strict=True))
    return {**named, CAMERA: "the camera"}


def _rate(number: int, clip: Clip) -> float | None:
    """Return something per second of a clip; None for a single picture."""
    return number / clip.duration_s if clip.duration_s > 0 else None


def _sorted(found: Counter[str]) -> dict[str, int]:
    """Return counts, the largest first, then by name."""
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _letter(position: int) -> str:
    return LETTERS[position] if 0 <= position < len(LETTERS) else str(position)
