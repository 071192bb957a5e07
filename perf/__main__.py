"""``python -m perf``: speed and memory of the offline path on one core, as Markdown tables.

    python -m perf                 # a rendered 640x360 video
    python -m perf --video a.mp4   # your own
    python -m perf --memory        # also: peak memory for 1 and for 10 minutes

Seconds differ between machines and hours; the ratios are taken within one run: to the video's length (times
real time, CPU seconds of one core) and to a yardstick that is run beside it, decoding the same video to RGB.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np

from kinescribe import pipeline, video
from kinescribe.records import Detections, Tracks
from tests.worlds import Actor, Texture, World, render, swinging

LIMITS = {"whole path": 2.5}
"""Times real time that the whole path must reach on one core at 640x360 and 10 samples per second."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m perf", description=__doc__.splitlines()[0])
    parser.add_argument("--video", help="measure on this file instead of a rendered one")
    parser.add_argument("--rounds", type=int, default=3, help="the median of this many rounds counts")
    parser.add_argument(
        "--memory", action="store_true", help="also compare the peak memory of 1 and 10 minutes"
    )
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak:
        print(_peak_here(args.peak))
        return 0
    _one_core()
    with TemporaryDirectory() as folder:
        path = args.video or str(rendered(Path(folder) / "world.mp4"))
        code = _speed(path, args.rounds)
        if args.memory:
            code |= _memory(path, Path(folder))
    return code


def rendered(path: Path, seconds: float = 10.0) -> Path:
    """Write a 640x360, 30 fps video in which two things swing over a textured ground."""
    actors = tuple(
        Actor(swinging(center, swing, period, 0.5, 3), (60.0, 45.0), Texture(seed, (230.0, 200.0, 40.0)))
        for center, swing, period, seed in (
            ((200.0, 180.0), (120.0, 0.0), 3.0, 1),
            ((450.0, 180.0), (0.0, 90.0), 2.5, 2),
        )
    )
    world = replace(World("perf"), size=(640, 360), duration_s=seconds, actors=actors)
    known = render(world, 30.0)
    frames = ((frame.time_s, frame.image) for frame in known.frames)
    video.encode(path, frames, (640, 360), crf=23)
    return path


def _one_core() -> None:
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _speed(path: str, rounds: int) -> int:
    source = video.scan(path)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    times: dict[str, list[float]] = {}
    for _ in range(rounds + 1):  # the first round loads nets and libraries and does not count
        for name, seconds in _round(path, clip).items():
            times.setdefault(name, []).append(seconds)
    median = {name: float(np.median(values[1:])) for name, values in times.items()}
    median["whole path"] = sum(s for name, s in median.items() if name != "yardstick: decode to RGB")
    print(
        f"{Path(path).name}: {clip.width}x{clip.height}, {clip.duration_s:.1f} s, {len(clip.times_s)} samples"
    )
    print("\n| part | CPU ms per sample | times real time | of the yardstick |\n| --- | --- | --- | --- |")
    yardstick = median["yardstick: decode to RGB"]
    for name, seconds in median.items():
        print(
            f"| {name} | {1000 * seconds / len(clip.times_s):.2f} | {clip.duration_s / max(seconds, 1e-9):.1f} "
            f"| {seconds / yardstick:.2f} |"
        )
    missed = [n for n, limit in LIMITS.items() if clip.duration_s / median[n] < limit]
    for name in missed:
        print(f"\nmissed: {name} must reach {LIMITS[name]} times real time")
    return int(bool(missed))


def _round(path: str, clip: video.Clip) -> dict[str, float]:
    """CPU seconds of every part, once."""
    seconds: dict[str, float] = {}
    started = time.process_time()
    with av.open(path) as container:
        for frame in container.decode(video=0):
            frame.to_ndarray(format="rgb24")
    seconds["yardstick: decode to RGB"] = time.process_time() - started

    started = time.process_time()
    frames = video.VideoFrames(video.make_clip(video.scan(path), 0, clip.end_s, 10))
    list(frames)
    seconds["door: scan and decode"] = time.process_time() - started

    known: dict[type, object] = {type(clip): clip, video.Frames: frames}
    for name, kind in pipeline.STAGES.items():
        stage = kind()
        taken = {key: known[record] for key, record in pipeline.reads(stage).items()}
        started = time.process_time()
        known[pipeline.writes(stage)] = stage(**taken)
        seconds[name] = time.process_time() - started
    tracks, detections = known[Tracks], known[Detections]
    assert isinstance(tracks, Tracks)
    assert isinstance(detections, Detections)
    return seconds


def _memory(path: str, folder: Path) -> int:
    """Peak memory of a process that annotates the same pictures for one and for ten minutes."""
    peaks = {}
    for minutes in (1, 10):
        long = _looped(path, folder / f"{minutes}.mp4", 60.0 * minutes)
        command = [sys.executable, "-m", "perf", "--peak", str(long)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[minutes] = float(answer.stdout.split()[-1])
    ratio = peaks[10] / peaks[1]
    print("\n| video | peak memory MB |\n| --- | --- |")
    for minutes, peak in peaks.items():
        print(f"| {minutes} min | {peak:.0f} |")
    print(f"\n10 minutes take {ratio:.2f} times the memory of 1 minute")
    return int(ratio > 1.3)


def _peak_here(path: str) -> float:
    _one_core()
    source = video.scan(path)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    pipeline.annotate(
        clip, video.VideoFrames(clip), {name: stage() for name, stage in pipeline.STAGES.items()}
    )
    return peak_mb()


def peak_mb() -> float:
    """Return the most memory that this process has held.

    Linux's ``ru_maxrss`` is at least the parent's at the start of the process, so ``VmHWM`` is asked first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return float(fields["VmHWM"].split()[0]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _looped(path: str, out: Path, seconds: float) -> Path:
    """Repeat a video's packets, without encoding them again, until it lasts ``seconds``."""
    with av.open(path) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.pts is not None]
        length = max(packet.pts + (packet.duration or 0) for packet in packets)
        copies = int(np.ceil(seconds / float(length * stream.time_base)))
        with av.open(str(out), "w") as container:
            copy = container.add_stream_from_template(stream)
            times = [(packet.pts, packet.dts) for packet in packets]
            for k in range(copies):
                for packet, (pts, dts) in zip(packets, times, strict=True):
                    packet.pts, packet.dts = pts + k * length, dts + k * length
                    packet.stream = copy
                    container.mux(packet)
    return out


if __name__ == "__main__":
    sys.exit(main())
