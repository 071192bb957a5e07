"""The order of the rooms, the wiring check, and ``annotate``: one clip in, its records out.

A stage is a frozen dataclass whose fields are its settings and whose ``__call__`` takes and returns records.
The parameter types say what it reads, the return type what it writes; nothing else is declared.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple, get_type_hints

from kinescribe.errors import PipelineError, StageError
from kinescribe.records import Clip
from kinescribe.stages.camera import MeasureCamera
from kinescribe.stages.caption import WriteCaptions
from kinescribe.stages.depth import EstimateDepth
from kinescribe.stages.detect import DetectSubjects
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.hands import FindHands
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.stages.pose import EstimatePoses
from kinescribe.stages.qa import AskQuestions
from kinescribe.stages.track import TrackSubjects
from kinescribe.stages.verify import VerifyCaptions
from kinescribe.video import Frames

Stage = Any
Records = Mapping[type, Any]

STAGES: dict[str, type] = {
    "camera": MeasureCamera,
    "detect": DetectSubjects,
    "track": TrackSubjects,
    "pose": EstimatePoses,
    "hands": FindHands,
    "depth": EstimateDepth,
    "kinematics": MeasureKinematics,
    "events": FindEvents,
    "facts": StateFacts,
    "caption": WriteCaptions,
    "verify": VerifyCaptions,
    "qa": AskQuestions,
}
"""The rooms in order; the key is the stage's table in a recipe."""

GIVEN: frozenset[type] = frozenset({Clip, Frames})
"""What the door provides."""


def reads(stage: Stage) -> dict[str, type]:
    """Return the records a stage takes, by parameter name."""
    hints = get_type_hints(type(stage).__call__)
    return {name: record for name, record in hints.items() if name != "return"}


def writes(stage: Stage) -> type:
    """Return the record a stage gives."""
    record: type = get_type_hints(type(stage).__call__)["return"]
    return record


def check(stages: Sequence[Stage], have: frozenset[type] = GIVEN) -> None:
    """Raise PipelineError unless every record is written before it is read, and only once."""
    known = set(have)
    for stage in stages:
        for record in reads(stage).values():
            if record not in known:
                raise PipelineError(
                    f"{type(stage).__name__} reads {record.__name__}, which no earlier stage writes; "
                    "put the stage that writes it before"
                )
        if writes(stage) in known:
            raise PipelineError(f"{type(stage).__name__} writes {writes(stage).__name__} a second time")
        known.add(writes(stage))


def digests(stages: Mapping[str, Stage]) -> dict[str, str]:
    """Return, by stage name, a hash of what a stage itself adds to its record.

    That is its settings, its revision and its backend with the weights it finds; asking the backends takes
    time, so a run asks once.
    """
    return {
        name: _hash([name, getattr(s, "revision", 1), _identity(s), _settings(s)])
        for name, s in stages.items()
    }


def fingerprints(
    stages: Mapping[str, Stage], given: str, own: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return, by stage name, a hash of everything its record depends on: itself and its parents' fingerprints.

    Args:
        stages: stages by name, in order.
        given: stands for what the door provides (clip and frames).
        own: the stages' ``digests``, where they are already known.
    """
    own = own or digests(stages)
    by_record: dict[type, str] = dict.fromkeys(GIVEN, given)
    result: dict[str, str] = {}
    for name, stage in stages.items():
        parents = sorted(by_record[record] for record in reads(stage).values())
        by_record[writes(stage)] = result[name] = _hash([own[name], parents])
    return result


class Done(NamedTuple):
    """A stage has run."""

    stage: str
    record: Any
    seconds: float


class Dropped(NamedTuple):
    """A stage found that a clip is not worth going on with."""

    stage: str
    why: str


def dropped(stages: Mapping[str, Stage], have: Records) -> Dropped | None:
    """Return the first stage that drops a clip by its record (``drops(record)``), if one does."""
    for name, stage in stages.items():
        why = stage.drops(have[writes(stage)]) if hasattr(stage, "drops") and writes(stage) in have else None
        if why:
            return Dropped(name, why)
    return None


def steps(
    clip: Clip, frames: Frames, stages: Mapping[str, Stage], have: Records | None = None
) -> Iterator[Done]:
    """Run the stages on a clip one by one; what was yielded stays good when a later stage fails.

    After a stage that drops the clip (``dropped``), also by a record that is already known, no other one runs.

    Args:
        clip: the clip.
        frames: the clip's samples.
        stages: stages by name, in order.
        have: records that are already known; the stages that write them are not run.

    Raises:
        StageError: a stage failed; ``__cause__`` holds the reason.
        PipelineError: a record is read before it is written.
    """
    known: dict[type, Any] = {Clip: clip, Frames: frames, **(have or {})}
    if dropped(stages, known):
        return
    missing = {name: stage for name, stage in stages.items() if writes(stage) not in known}
    check(list(missing.values()), frozenset(known))
    for name, stage in missing.items():
        started = time.perf_counter()
        try:
            record = stage(**{key: known[kind] for key, kind in reads(stage).items()})
        except Exception as error:
            raise StageError(name, clip.id, f"{type(error).__name__}: {error}") from error
        known[writes(stage)] = record
        yield Done(name, record, time.perf_counter() - started)
        if dropped({name: stage}, known):
            return


def annotate(
    clip: Clip,
    frames: Frames,
    stages: Mapping[str, Stage],
    have: Records | None = None,
    on_stage: Callable[[str, float], None] | None = None,
) -> dict[type, Any]:
    """Run the stages on a clip and return every record, including those it was given.

    Args and errors are those of ``steps``; ``on_stage`` is called with a stage's name and its seconds after it
    ran. When a stage fails, the records before it are lost: a run, which must not lose them, uses ``steps``.
    """
    known: dict[type, Any] = {Clip: clip, **(have or {})}
    for done in steps(clip, frames, stages, have):
        known[writes(stages[done.stage])] = done.record
        if on_stage:
            on_stage(done.stage, done.seconds)
    return known


def _settings(stage: Stage) -> dict[str, Any]:
    """Return the settings that decide what a record holds: not whether the clip goes on after it, nor how calls go."""
    apart = {*getattr(stage, "GATES", ()), *getattr(stage, "PATIENCE", ())}
    return {name: value for name, value in asdict(stage).items() if name not in apart}


def _identity(stage: Stage) -> str:
    return str(stage.identity()) if hasattr(stage, "identity") else ""


def _hash(covered: Any) -> str:
    return hashlib.sha256(json.dumps(covered, sort_keys=True, default=str).encode()).hexdigest()[:16]
