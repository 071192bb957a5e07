"""The order of the rooms, the wiring check, and ``annotate``: one clip in, its records out.

A stage is a frozen dataclass whose fields are its settings and whose ``__call__`` takes and returns records.
The parameter types say what it reads, the return type what it writes; nothing else is declared.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_type_hints

from kinescribe.errors import KinescribeError, PipelineError, StageError
from kinescribe.records import Clip
from kinescribe.stages.camera import MeasureCamera
from kinescribe.stages.caption import WriteCaptions
from kinescribe.stages.detect import DetectSubjects
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
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


def fingerprints(stages: Mapping[str, Stage], clip_id: str) -> dict[str, str]:
    """Return, by stage name, a hash of everything its record depends on.

    It covers the stage's settings, revision and backend identities, and the fingerprints of its parents.
    """
    by_record: dict[type, str] = {Clip: clip_id, Frames: clip_id}
    result: dict[str, str] = {}
    for name, stage in stages.items():
        parents = sorted(by_record[record] for record in reads(stage).values())
        identity = stage.identity() if hasattr(stage, "identity") else ""
        covered = [name, getattr(stage, "revision", 1), identity, asdict(stage), parents]
        digest = hashlib.sha256(json.dumps(covered, sort_keys=True, default=str).encode()).hexdigest()[:16]
        by_record[writes(stage)] = result[name] = digest
    return result


def annotate(
    clip: Clip,
    frames: Frames,
    stages: Mapping[str, Stage],
    have: Records | None = None,
    on_stage: Callable[[str, float], None] | None = None,
) -> dict[type, Any]:
    """Run the stages on a clip and return every record, including those it was given.

    Args:
        clip: the clip; its record is part of the result.
        frames: the clip's samples.
        stages: stages by name, in order.
        have: records that are already known; their stages are not run again.
        on_stage: called with a stage's name and its seconds after it ran.

    Raises:
        StageError: a stage failed; the records before it are lost to the caller but not to its ``partial``.
    """
    check(list(stages.values()))
    known: dict[type, Any] = {Clip: clip, Frames: frames, **(have or {})}
    for name, stage in stages.items():
        if writes(stage) in known:
            continue
        started = time.perf_counter()
        try:
            known[writes(stage)] = stage(**{key: known[record] for key, record in reads(stage).items()})
        except (KinescribeError, ArithmeticError, LookupError, ValueError, TypeError, RuntimeError, OSError) as e:
            error = StageError(name, clip.id, f"{type(e).__name__}: {e}")
            error.partial = {k: v for k, v in known.items() if k is not Frames}  # type: ignore[attr-defined]
            raise error from e
        if on_stage:
            on_stage(name, time.perf_counter() - started)
    del known[Frames]
    return known
