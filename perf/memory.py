"""The most memory that annotating takes, for short and long videos."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

from kinescribe import pipeline, recipe, video
from kinescribe.runs.execute import annotate_all
from kinescribe.runs.store import Run
from perf.speed import one_core
from perf.videos import looped

MAX_RATIO = 1.3
"""Ten minutes may take this many times the memory of one: what grows with time must be little beside what does not."""
POLL_S = 0.2


def compare(path: str, folder: Path) -> bool:
    """Print the peaks of processes that annotate the same pictures for one and for ten minutes in one clip each."""
    peaks = {}
    for minutes in (1, 10):
        long = looped(path, folder / f"{minutes}.mp4", 60.0 * minutes)
        command = [sys.executable, "-m", "perf", "--peak", str(long)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[minutes] = float(answer.stdout.split()[-1])
    ratio = peaks[10] / peaks[1]
    print("\n| video | peak memory MB |\n| --- | --- |")
    for minutes, peak in peaks.items():
        print(f"| {minutes} min | {peak:.0f} |")
    print(f"\n10 minutes take {ratio:.2f} times the memory of 1 minute")
    return ratio <= MAX_RATIO


def through_the_door(path: str, folder: Path, minutes: float = 60.0) -> None:
    """Print the peaks of a run (driver and worker) that annotates a long video, split into clips as users' are."""
    long = looped(path, folder / "long.mp4", 60.0 * minutes)
    command = [sys.executable, "-m", "perf", "--door", str(long), str(folder / "run")]
    started = time.perf_counter()
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peaks: dict[int, float] = {}
    together = 0.0
    while driver.poll() is None:
        now = {pid: memory for pid in _family(driver.pid) if (memory := _field(pid, "VmRSS")) is not None}
        together = max(together, sum(now.values()))
        for pid in now:
            peaks[pid] = max(peaks.get(pid, 0.0), _field(pid, "VmHWM") or 0.0)
        time.sleep(POLL_S)
    said = driver.stdout.read().strip() if driver.stdout else ""
    own = peaks.pop(driver.pid, float("nan"))
    print(f"\n{minutes:g} minutes through the door in {time.perf_counter() - started:.0f} s: {said}")
    print("\n| process | peak memory MB |\n| --- | --- |")
    print(f"| driver | {own:.0f} |\n| largest worker | {max(peaks.values(), default=float('nan')):.0f} |")
    print(f"| all at one time | {together:.0f} |")
    if driver.returncode:
        raise SystemExit(f"the run failed: exit code {driver.returncode}")


def run_here(path: str, out: str) -> None:
    """Annotate a video as a run with one worker, and print what came of it."""
    chosen = recipe.load("offline", ["run.workers=1"])
    with Run.create_or_open(out, chosen) as run:
        done = annotate_all([path], run, chosen)
    print(f"{done.annotated} clips annotated, {done.given_up} given up, {done.video_s:.0f} s of video")


def peak_here(path: str) -> float:
    """Annotate a video in this process as one clip, and return the most memory held, in MB."""
    one_core()
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
    if (peak := _field("self", "VmHWM")) is not None:
        return peak
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _field(pid: int | str, name: str) -> float | None:
    """Return a field of a process's status in MB; None where there is none (any more)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return float(values[0]) / 1024 if values else None


def _family(pid: int) -> list[int]:
    """Return a process and all that it started, and they (Linux)."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:
                continue
    return found
