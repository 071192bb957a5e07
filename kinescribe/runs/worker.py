"""What runs in a worker process: one file through the door, or one clip through its stages.

Nothing here writes to the run but the spool, and no error leaves as an exception: a crash or a hang is all
that the driver has to expect besides an answer.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from kinescribe import pipeline
from kinescribe.errors import KinescribeError, StageError
from kinescribe.llm.client import kept_in
from kinescribe.recipe import IngestSettings
from kinescribe.records import Clip
from kinescribe.runs import ingest, spool
from kinescribe.video import VideoFrames

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""Environment of workers: parallel work is one clip per process, and threads within would only compete."""
WATCH_S = 1.0
"""How often a worker looks whether its driver still lives."""
SCAN_MB = 4096
"""Memory that the scan of one file may take on top of what the worker has: sixteen reference pictures of 8K film
with 8 bits take 0.8 GB, a decoder that runs wild takes all there is."""


class Trouble(NamedTuple):
    """Why something failed, in words that can cross processes."""

    stage: str
    error_type: str
    message: str
    trace: str = ""


@dataclass(frozen=True)
class Job:
    """The stages to run on a clip."""

    clip: Clip
    max_side: int
    stages: Mapping[str, pipeline.Stage]
    fingerprints: Mapping[str, str]
    have: Mapping[type, Any]
    """Records of earlier stages that are stored already."""
    spool: Path


def start(driver: int, log: str) -> None:
    """Prepare a worker process: one thread, a log, and an end when the driver has ended without saying so.

    Args:
        driver: process id of the driver.
        log: file for whatever codecs and nets print, so that the driver's output stays its own.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    cv2.setNumThreads(1)
    threading.Thread(target=_watch, args=[driver], daemon=True).start()


def scan(path: str, settings: IngestSettings) -> list[Clip] | Trouble:
    """Return a video's clips."""
    try:
        with bounded_memory(SCAN_MB):
            return ingest.clips_of(path, settings)
    except Exception as error:  # noqa: BLE001
        return _trouble("ingest", error)


def annotate(job: Job) -> Trouble | None:
    """Run the stages on a clip and leave every record in the spool as soon as it is made."""
    stages = iter(job.stages)
    stage = next(stages)
    try:
        spool.begin(job.spool, job.clip.id, stage)
        frames = VideoFrames(job.clip, job.max_side)
        with kept_in(job.spool.parent):  # what models are asked and answer is kept in the run
            for done in pipeline.steps(job.clip, frames, job.stages, job.have):
                row = spool.Row(job.clip.id, done.stage, job.fingerprints[done.stage], done.record)
                spool.put(job.spool, pipeline.writes(job.stages[done.stage]), row, done.seconds)
                stage = next(stages, stage)
                spool.begin(job.spool, job.clip.id, stage)
    except StageError as error:
        return _trouble(error.stage, error.__cause__ or error)
    except Exception as error:  # noqa: BLE001
        return _trouble(stage, error)
    return None


@contextmanager
def bounded_memory(megabytes: int) -> Iterator[None]:
    """Let this process take at most so much more address space; beyond that, allocations fail.

    Where the system knows no such limit, or not how much is in use (macOS, Windows), nothing is bounded but by
    ``video.MAX_PIXELS``.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + megabytes * 2**20
    known = [value for value in (soft, hard) if value != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([limit, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _trouble(stage: str, error: BaseException) -> Trouble:
    trace = "".join(traceback.format_exception(error))
    words = str(error) or "no message"
    if not isinstance(error, KinescribeError):
        words = f"{words} (unexpected; the run's events.jsonl has the trace)"
    return Trouble(stage, type(error).__name__, words, trace)


def _watch(driver: int) -> None:
    while _alive(driver):
        time.sleep(WATCH_S)
    os._exit(1)


def _alive(process: int) -> bool:
    if os.name == "nt":  # there, a signal 0 would end the process; and pipes to a dead parent break at once
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
