"""The wiring check, fingerprints, and the walk through the stages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from kinescribe import pipeline, recipe
from kinescribe.errors import PipelineError, StageError
from kinescribe.records import CameraMotion, Clip, Facts, Questions
from kinescribe.video import ArrayFrames, Frames
from tests.run_stages import Ask, Look, Think, stages

CLIP = Clip("c0", "c.mp4", "0" * 64, 0.0, 0.3, 10.0, 4, 4, 0, 3, np.arange(3), np.arange(3) / 10)
FRAMES = ArrayFrames(np.full((3, 4, 4, 3), 100, np.uint8), np.arange(3) / 10)


def test_the_shipped_stages_fit_together() -> None:
    pipeline.check(list(recipe.load().stages.values()))


def test_a_stage_before_what_it_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="Think reads CameraMotion, which no earlier stage writes"):
        pipeline.check([Think(""), Look("")])
    with pytest.raises(PipelineError, match="Look writes CameraMotion a second time"):
        pipeline.check([Look(""), Look("")])
    pipeline.check([Think("")], pipeline.GIVEN | {CameraMotion})


def test_annotate_gives_every_record(tmp_path: Path) -> None:
    ran: list[str] = []
    records = pipeline.annotate(
        CLIP, FRAMES, stages(tmp_path), on_stage=lambda name, seconds: ran.append(name)
    )
    assert records.keys() == {Clip, CameraMotion, Facts, Questions}
    assert records[CameraMotion].score == 100.0
    assert ran == ["look", "think", "ask"]


def test_what_is_known_is_not_computed(tmp_path: Path) -> None:
    first = pipeline.annotate(CLIP, FRAMES, stages(tmp_path))
    have = {CameraMotion: replace(first[CameraMotion], score=7.0)}
    done = list(pipeline.steps(CLIP, FRAMES, stages(tmp_path), have))
    assert [step.stage for step in done] == ["think", "ask"]
    assert done[0].record.facts[0].evidence == {"light": 7.0}
    assert all(step.seconds >= 0 for step in done)


def test_what_came_before_a_failure_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "think.raise").touch()
    steps = pipeline.steps(CLIP, FRAMES, stages(tmp_path))
    assert next(steps).stage == "look"
    with pytest.raises(StageError, match="think failed on clip c0: ValueError: told to fail") as caught:
        next(steps)
    assert isinstance(caught.value.__cause__, ValueError)


def prints(given: str = "g", **changed: Any) -> dict[str, str]:
    return pipeline.fingerprints(stages(Path("x"), **changed), given)


def test_a_fingerprint_covers_settings_parents_and_what_the_door_gave() -> None:
    base = prints()
    assert base == prints()
    assert len(set(base.values())) == 3
    moved = prints(think={"word": "stay"})
    assert moved["look"] == base["look"]
    assert moved["think"] != base["think"]
    assert moved["ask"] != base["ask"]
    assert all(prints("other")[name] != base[name] for name in base)


def test_a_fingerprint_covers_revision_and_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    base = prints()
    monkeypatch.setattr(Think, "revision", 2)
    revised = prints()
    assert (revised["look"], revised["think"] != base["think"]) == (base["look"], True)
    monkeypatch.setattr(Ask, "identity", lambda self: "weights 1", raising=False)
    first = prints()
    monkeypatch.setattr(Ask, "identity", lambda self: "weights 2", raising=False)
    second = prints()
    assert (first["think"], first["ask"] != second["ask"]) == (second["think"], True)


def test_backends_are_asked_once_and_not_for_every_clip() -> None:
    asked: list[int] = []

    @dataclass(frozen=True)
    class Stage:
        revision: ClassVar[int] = 1

        def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
            raise NotImplementedError

        def identity(self) -> str:
            asked.append(1)
            return "weights"

    own = pipeline.digests({"look": Stage()})
    found = {pipeline.fingerprints({"look": Stage()}, f"clip {i}", own)["look"] for i in range(5)}
    assert len(asked) == 1
    assert len(found) == 5
    assert pipeline.fingerprints({"look": Stage()}, "clip 0")["look"] in found
