"""CPU seconds of the kinematics of 1,000 clips x 300 frames x 133 keypoints on one core."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kinescribe.kinematics import body, kpm

CLIPS, FRAMES, FPS, SKELETON = 1000, 300, 30.0, "coco_wholebody133"
MEASURED = 40
"""Clips that are measured, each of them different; as many as are asked for would take as long each."""
ROUNDS = 8
"""Of which the quickest counts: what else runs on the machine only adds, and caches are shared."""
MISSING = 0.43
"""Share of points that is unknown in the second half of the table: each on its own, the worst of patterns."""
PUBLISHED, DEFAULT = "published formulas, all frames", "default"
LIMITS = {PUBLISHED: 1.0, DEFAULT: 3.0}
"""Seconds that everything may take on one core, with every point known."""
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Poses(NamedTuple):
    """Of one person in one clip."""

    points: np.ndarray
    score: np.ndarray


def table() -> bool:
    """Print a table, and return whether the limits were kept.

    Measured in a process of its own: the number of threads that multiply matrices is settled when numpy is loaded.
    """
    one_thread = {**os.environ, **dict.fromkeys(THREADS, "1")}
    done = subprocess.run([sys.executable, "-m", "perf.kinematics"], env=one_thread, check=False)
    return done.returncode == 0


def _measure() -> bool:
    ways: dict[str, Callable[[Poses, np.ndarray], object]] = {
        "published formulas, 32 frames": lambda p, t: kpm.measure(p.points, p.score, t),
        PUBLISHED: lambda p, t: kpm.measure(p.points, p.score, t, settings=kpm.KpmSettings(frames=None)),
        DEFAULT: lambda p, t: body.measure(p.points, p.score, t, SKELETON),
    }
    times = np.arange(FRAMES) / FPS
    print(f"\n### kinematics of {CLIPS} clips of {FRAMES} frames and 133 points, one core\n")
    print("| formulas | precision | missing | CPU s | frames per second |\n| --- | --- | --- | --- | --- |")
    kept = True
    for missing in (0.0, MISSING):
        for kind in (np.float32, np.float64):
            clips = [_clip(seed, missing, kind) for seed in range(MEASURED)]
            for name, way in ways.items():
                seconds = _best_s(way, clips, times) * CLIPS / MEASURED
                print(
                    f"| {name} | {kind.__name__} | {missing:.0%} | {seconds:.2f} | {CLIPS * FRAMES / seconds:,.0f} |"
                )
                if not missing and kind is np.float32 and seconds > LIMITS.get(name, np.inf):
                    print(f"\nmissed: {name} must take at most {LIMITS[name]:g} s\n")
                    kept = False
    return kept


def _best_s(way: Callable[[Poses, np.ndarray], object], clips: list[Poses], times: np.ndarray) -> float:
    """CPU seconds for all of the clips."""
    rounds = []
    for _ in range(ROUNDS + 1):
        started = time.process_time()
        for poses in clips:
            way(poses, times)
        rounds.append(time.process_time() - started)
    return min(rounds[1:])


def _clip(seed: int, missing: float, kind: type) -> Poses:
    """A body whose points swing, each in its own way, with a centimetre of jitter."""
    rng = np.random.default_rng(seed)
    times, shape = np.arange(FRAMES)[:, None, None] / FPS, (1, 133, 3)
    swing = 0.1 * np.sin(2 * np.pi * rng.uniform(0.2, 2, shape) * times + rng.uniform(0, 6, shape))
    points = rng.normal(size=shape) + swing + rng.normal(0, 0.01, (FRAMES, 133, 3))
    score = np.where(rng.random((FRAMES, 133)) < missing, 0.0, 1.0)
    return Poses(points.astype(kind), score.astype(kind))


if __name__ == "__main__":
    sys.exit(0 if _measure() else 1)
