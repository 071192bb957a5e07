"""CPU seconds of every stage on one core, against the video's length and a yardstick."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import av
import cv2
import numpy as np

from kinescribe import pipeline, video
from kinescribe.records import Clip
from kinescribe.stages.camera import MeasureCamera

CAMERA, WHOLE, WITHOUT_HANDS = "camera", "whole path", "whole path without hands"
YARDSTICK = "yardstick: decode to RGB"
SCREEN = "screening the camera by codec vectors alone"
LIMITS = {SCREEN: 50.0, CAMERA: 50.0, WHOLE: 6.0, WITHOUT_HANDS: 10.0}
"""Times real time that one core must reach at 640x360 and 10 samples per second."""


def one_core() -> None:
    """Keep this process to one core and OpenCV to one thread."""
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure(path: str, title: str, rounds: int, limits: Mapping[str, float] = LIMITS) -> bool:
    """Print a table, and return whether all limits were kept.

    Args:
        path: a video.
        title: what it shows.
        rounds: the median of so many counts; one more, which loads nets and libraries, does not.
        limits: times real time, by part.
    """
    source = video.scan(path)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    times: dict[str, list[float]] = {}
    for _ in range(rounds + 1):
        for name, seconds in _round(path, clip).items():
            times.setdefault(name, []).append(seconds)
    median = {name: float(np.median(values[1:])) for name, values in times.items()}
    yardstick = median[YARDSTICK]
    own = {name: seconds for name, seconds in median.items() if name not in (YARDSTICK, SCREEN)}
    median[WITHOUT_HANDS] = sum(seconds for name, seconds in own.items() if name != "hands")
    if "hands" in own:
        median[WHOLE] = sum(own.values())
    _print(title, clip, median, yardstick)
    reached = {name: clip.duration_s / max(median[name], 1e-9) for name in limits if name in median}
    missed = [name for name in reached if reached[name] < limits[name]]
    for name in missed:
        print(f"\nmissed: {name} must reach {limits[name]:g} times real time, not {reached[name]:.1f}")
    return not missed


def _print(title: str, clip: Clip, seconds: Mapping[str, float], yardstick: float) -> None:
    print(f"\n### {title}")
    print(
        f"\n{Path(clip.source).name}: {clip.width}x{clip.height}, {clip.duration_s:.1f} s, "
        f"{len(clip.times_s)} samples\n"
    )
    print("| part | CPU ms per sample | times real time | of the yardstick |\n| --- | --- | --- | --- |")
    for name, cpu_s in seconds.items():
        per_sample, speed = 1000 * cpu_s / len(clip.times_s), clip.duration_s / max(cpu_s, 1e-9)
        print(f"| {name} | {per_sample:.2f} | {speed:.1f} | {cpu_s / yardstick:.2f} |")


def _round(path: str, clip: Clip) -> dict[str, float]:
    """CPU seconds of every part, once."""
    seconds: dict[str, float] = {}
    started = time.process_time()
    with av.open(path) as container:
        for frame in container.decode(video=0):
            frame.to_ndarray(format="rgb24")
    seconds[YARDSTICK] = time.process_time() - started

    started = time.process_time()
    MeasureCamera(backend="codec")(clip, video.VideoFrames(clip))
    seconds[SCREEN] = time.process_time() - started

    started = time.process_time()
    frames = video.VideoFrames(video.make_clip(video.scan(path), 0, clip.end_s, 10))
    list(frames)
    seconds["door: scan and decode"] = time.process_time() - started

    known: dict[type, object] = {Clip: clip, video.Frames: frames}
    for name, kind in pipeline.STAGES.items():
        stage = kind()
        taken = {key: known[record] for key, record in pipeline.reads(stage).items()}
        started = time.process_time()
        known[pipeline.writes(stage)] = stage(**taken)
        seconds[name] = time.process_time() - started
    return seconds
