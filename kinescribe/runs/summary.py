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
    Detections,
    Facts,
    Hands,
    Questions,
    Tracks,
    Verdicts,
)
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


def count(run: Run) -> Counts:
    """Count what a run holds now."""
    clips = run.clips()
    total: dict[str, Counter[str]] = {
        name: Counter()
        for name in ("plain", "claims", "camera", "predicates", "categories", "labels", "notes")
    }
    for clip in clips:
        for name, found in _of_clip({**run.records(clip.id), Clip: clip}).items():
            total[name].update(found)
    stage_s: Counter[str] = Counter()
    for item in run.ledger.items().values():
        stage_s[item.stage] += item.seconds or 0.0  # type: ignore[assignment]  # a Counter adds floats as well
    plain = total.pop("plain")
    return Counts(
        sources=len(run.ledger.sources()),
        clips=len(clips),
        video_s=sum(clip.duration_s for clip in clips),
        people=total["labels"]["person"],
        objects=total["labels"].total() - total["labels"]["person"],
        facts=total["predicates"].total(),
        captions=plain["captions"],
        questions=total["categories"].total(),
        failures=len(run.failures()),
        dropped=len(run.dropped()),
        stage_s={stage: seconds for stage, seconds in stage_s.items() if seconds},
        **{name: dict(counter.most_common()) for name, counter in total.items()},
    )


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
    """Return what the door, the detectors and the hands' stage could not do in a clip, each once."""
    kinds = (records.get(kind) for kind in (Clip, Detections, Hands))
    return tuple(dict.fromkeys(note for record in kinds if record for note in record.notes))


def _claims(captions: Captions | None, verdicts: Verdicts | None) -> Counter[str]:
    if verdicts is not None:
        return Counter(VERDICTS[verdict.holds] for verdict in verdicts.verdicts)
    return Counter(
        {"not judged": sum(len(caption.claims) for caption in (captions.captions if captions else ()))}
    )
