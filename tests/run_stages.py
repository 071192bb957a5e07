"""Three small stages for tests of the run, which misbehave on demand, and small videos for them.

A stage does what the files in its ``orders`` folder say: ``NAME.raise``, ``NAME.hang.CLIP_ID`` and so on; every
call leaves a line in the file ``calls``. ``python -m tests.run_stages RUN ORDERS VIDEO...`` is a driver that can
be killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kinescribe import recipe, video
from kinescribe.records import CameraMotion, Clip, Facts, MotionFact, Questions, Span
from kinescribe.runs import execute, store
from kinescribe.video import Frames


def obey(name: str, orders: str, clip: Clip) -> None:
    folder = Path(orders)
    with (folder / "calls").open("a") as stream:
        stream.write(f"{name} {clip.id} {os.getpid()}\n")

    def ordered(what: str) -> bool:
        return any((folder / f"{name}.{what}{which}").exists() for which in ("", f".{clip.id}"))

    if ordered("raise"):
        raise ValueError("told to fail")
    if ordered("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if ordered("hang"):
        ctypes.CDLL(None).sleep(600)  # in C, deaf to everything but SIGKILL
    while ordered("wait"):
        time.sleep(0.01)
    if ordered("slow"):
        time.sleep(0.15)


@dataclass(frozen=True)
class Look:
    orders: str
    gain: float = 1.0
    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
        obey("look", self.orders, clip)
        light = np.array([frame.image.mean() for frame in frames]) * self.gain
        maps = np.full((len(light), 2, 3), np.nan)
        return CameraMotion(maps, light, light, float(light.mean()), np.full(4, np.nan), ("static",))


@dataclass(frozen=True)
class Think:
    orders: str
    word: str = "move"
    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, camera: CameraMotion) -> Facts:
        obey("think", self.orders, clip)
        span = Span(0.0, clip.duration_s)
        return Facts((MotionFact("f0", 0, self.word, span, evidence={"light": camera.score}),))


@dataclass(frozen=True)
class Ask:
    orders: str
    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, facts: Facts) -> Questions:
        obey("ask", self.orders, clip)
        return Questions(())


def die(driver: int, log: str) -> None:
    """Stands in for a worker's start."""
    os._exit(1)


def stages(orders: Path, **changed: Any) -> dict[str, Any]:
    """The three stages, some with other settings: ``stages(folder, think={"word": "stay"})``."""
    kinds = {"look": Look, "think": Think, "ask": Ask}
    return {name: kind(str(orders), **changed.get(name, {})) for name, kind in kinds.items()}


def write_video(path: Path, seed: int, seconds: float = 1.0) -> Path:
    """A small video whose brightness is its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(seed).integers(0, 255, (round(seconds * 10), 32, 48, 3), dtype=np.uint8)
    video.encode(path, ((i / 10, image) for i, image in enumerate(images)), (48, 32))
    return path


def main(run: str, orders: str, videos: Sequence[str]) -> int:
    settings = recipe.Recipe(run=recipe.RunSettings(workers=2))
    with store.Run.create_or_open(run, settings) as opened:
        done = execute.annotate_all(videos, opened, settings, stages=stages(Path(orders)))
    return 130 if done.interrupted else 1 if done.failures else 0


if __name__ == "__main__":
    # By its importable name: a worker knows no class of a script.
    from tests import run_stages

    sys.exit(run_stages.main(sys.argv[1], sys.argv[2], sys.argv[3:]))
