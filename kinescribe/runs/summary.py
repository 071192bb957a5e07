"""What a run holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kinescribe.records import (
    CameraMotion,
    Captions,
    Clip,
    Depth,
    Detections,
    Facts,
    Hands,
    Questions,
    Tracks,
    Verdicts,
)
from kinescribe.runs.ledger import Ledger
from kinescribe.runs.store import Run

VERDICTS = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True)
class Counts:
    """A run in numbers."""

    sources: int = 0
    clips: int = 0
    video_s: float = 0.0
    people: int = 0
    objects: int = 0
    facts: int = 0
    captions: int = 0
    claims: Mapping[str, int] = field(default_factory=dict)
    """By verdict: true, false, unknown, and not judged (the captions' stage was the last to run)."""
    questions: int = 0
    failures: int = 0
    dropped: int = 0
    """Clips that were not gone on with, on purpose."""
    camera: Mapping[str, int] = field(default_factory=dict)
    """Clips by camera label."""
    predicates: Mapping[str, int] = field(default_factory=dict)
    """Facts by predicate."""
    categories: Mapping[str, int] = field(default_factory=dict)
    """Questions by category."""
    labels: Mapping[str, int] = field(default_factory=dict)
    """Tracks by label."""
    stage_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds spent in each stage for the current records."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """Clips by what could not be done or was left out in them; the most frequent first."""


KINDS = (CameraMotion, Detections, Tracks, Hands, Depth, Facts, Captions, Verdicts, Questions)
"""What is counted of a clip; poses and paths stay on the disk."""


class Tally:
    """Counts clips one by one; nothing of a clip is kept."""

    def __init__(self) -> None:
        names = ("plain", "claims", "camera", "predicates", "categories", "labels", "notes")
        self._found: dict[str, Counter[str]] = {name: Counter() for name in names}
        self._clips, self._video_s = 0, 0.0

    def add(self, records: Mapping[type, Any]) -> None:
        """Count a clip by its records."""
        self._clips += 1
        self._video_s += records[Clip].duration_s
        for name, found in _of_clip(records).items():
            self._found[name].update(found)

    def counts(self, sources: int, failures: int, dropped: int, stage_s: Mapping[str, float]) -> Counts:
        """Return the sum, with what the clips do not tell."""
        total = dict(self._found)
        plain = total.pop("plain")
        return Counts(
            sources=sources,
            clips=self._clips,
            video_s=self._video_s,
            people=total["labels"]["person"],
            objects=total["labels"].total() - total["labels"]["person"],
            facts=total["predicates"].total(),
            captions=plain["captions"],
            questions=total["categories"].total(),
            failures=failures,
            dropped=dropped,
            stage_s={stage: seconds for stage, seconds in stage_s.items() if seconds},
            **{name: dict(counter.most_common()) for name, counter in total.items()},
        )


def count(run: Run) -> Counts:
    """Count what a run holds now."""
    tally = Tally()
    for clip in run.clips():
        found = ((kind, run.record(clip.id, kind)) for kind in KINDS)
        tally.add({Clip: clip, **{kind: record for kind, record in found if record is not None}})
    return tally.counts(
        len(run.ledger.sources()), len(run.failures()), len(run.dropped()), seconds_by_stage(run.ledger)
    )


def seconds_by_stage(ledger: Ledger) -> dict[str, float]:
    """Return the seconds that were spent on the current records, by stage."""
    stage_s: dict[str, float] = {}
    for item in ledger.items().values():
        stage_s[item.stage] = stage_s.get(item.stage, 0.0) + (item.seconds or 0.0)
    return stage_s


def _of_clip(records: Mapping[type, Any]) -> dict[str, Counter[str]]:
    """Count one clip; a record that is not there counts nothing."""
    camera, tracks, facts = records.get(CameraMotion), records.get(Tracks), records.get(Facts)
    captions, questions = records.get(Captions), records.get(Questions)
    return {
        "plain": Counter(captions=len(captions.captions) if captions else 0),
        "claims": _claims(captions, records.get(Verdicts)),
        "camera": Counter(camera.labels if camera else ()),
        "predicates": Counter(fact.predicate for fact in (facts.facts if facts else ())),
        "categories": Counter(question.category for question in (questions.questions if questions else ())),
        "labels": Counter(tracks.label if tracks else ()),
        "notes": Counter(notes(records)),
    }


def notes(records: Mapping[type, Any]) -> tuple[str, ...]:
    """Return what the door, the detectors, the hands' stage and the depth net could not do in a clip, each once."""
    kinds = (records.get(kind) for kind in (Clip, Detections, Hands, Depth))
    return tuple(dict.fromkeys(note for record in kinds if record for note in record.notes))


def _claims(captions: Captions | None, verdicts: Verdicts | None) -> Counter[str]:
    if verdicts is not None:
        return Counter(VERDICTS[verdict.holds] for verdict in verdicts.verdicts)
    return Counter(
        {"not judged": sum(len(caption.claims) for caption in (captions.captions if captions else ()))}
    )
