"""Real clips against hand-made notes of what moves in them (../shared/gold/videos.jsonl, when it is there)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from kinescribe import pipeline, video
from kinescribe.records import CAMERA, CameraMotion, Facts, MotionFact, Tracks
from kinescribe.vocabulary import COMPASS

WORDS = re.compile(r"\b(up|down|left|right|forwards?|clockwise)\b")


class Note(NamedTuple):
    """One line of the table."""

    video: str
    note: str
    """Which note: its number and time. The notes' words stay where they are; they are not ours."""
    found: bool
    by: str


def measure(shared: Path) -> list[Note]:
    """Annotate the noted clips and look for each note among the facts."""
    notes: list[Note] = []
    for line in (shared / "gold" / "videos.jsonl").read_text().splitlines():
        gold = json.loads(line)
        source = video.scan(shared / gold["video"])
        clip = video.make_clip(source, 0, source.duration_s, 10)
        stages = {name: stage() for name, stage in pipeline.STAGES.items()}
        got = pipeline.annotate(clip, video.VideoFrames(clip), stages)
        notes += _notes(gold, got[Facts].facts, got[CameraMotion], got[Tracks])
    return notes


def _notes(
    gold: dict[str, Any], facts: tuple[MotionFact, ...], camera: CameraMotion, tracks: Tracks
) -> list[Note]:
    name = Path(gold["video"]).name
    still = gold["camera"] == "static"
    result = [Note(name, "camera", still != camera.moves, ", ".join(camera.labels))]
    for number, noted in enumerate(gold["facts"], 1):
        words = set(WORDS.findall(noted["direction"]))
        if not words:
            continue
        subject = CAMERA if noted["subject"].startswith("camera") else None
        hits = [fact for fact in facts if _speaks_of(fact, noted, words, subject)]
        said = f"{number}, {noted['t_start']}-{noted['t_end']} s"
        by = "; ".join(f"{_label(f, tracks)} {f.predicate} {'/'.join(f.direction)}" for f in hits[:3])
        result.append(Note(name, said, bool(hits), by))
    return result


def _speaks_of(fact: MotionFact, noted: dict[str, Any], words: set[str], subject: int | None) -> bool:
    shared_s = min(fact.span.end_s, noted["t_end"]) - max(fact.span.start_s, noted["t_start"])
    within = shared_s >= 0.4 * min(fact.span.duration_s, noted["t_end"] - noted["t_start"])
    own = {part for word in fact.direction for part in word.split("_")} & {*COMPASS, "forward", "clockwise"}
    if fact.predicate in ("raise", "lower"):
        own |= {"up" if fact.predicate == "raise" else "down"}
    asked = {word.rstrip("s") for word in words}
    right_subject = (fact.subject == CAMERA) == (subject == CAMERA)
    return right_subject and within and bool(own & asked)


def _label(fact: MotionFact, tracks: Tracks) -> str:
    return "camera" if fact.subject == CAMERA else tracks.label[tracks.row(fact.subject)]
