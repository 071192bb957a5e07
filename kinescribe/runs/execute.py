"""Annotate videos: one loop hands work to a pool of processes and is the only one that writes.

A crash, a hang or an error costs one clip, and of that only the stage that failed. Whatever has been computed
is never computed again: a record is found by its fingerprint, whether the ledger had time to note it or not.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pebble import ProcessExpired

from kinescribe import pipeline
from kinescribe.errors import RecipeError
from kinescribe.llm.calls import LOG
from kinescribe.recipe import Recipe, check_backends
from kinescribe.records import Clip
from kinescribe.runs import ingest, spool, worker
from kinescribe.runs.commit import Annotated, Annotation, Committer, Scan, Scanned
from kinescribe.runs.ledger import DONE, FAILED, SourceRow
from kinescribe.runs.pool import Pool, death_words, signals
from kinescribe.runs.store import INGEST, Drop, Failure, Run
from kinescribe.runs.worker import Job, Trouble

COMMIT_S = 5.0
"""Finished clips wait at most this long for their commit (some 0.1 s for all tables). A crash meanwhile loses
nothing: they lie in the spool."""
COMMIT_CLIPS = 32
SCAN_S_PER_MB = 10.0
"""Seconds allowed for the scan of a file per megabyte: slow machines decode 0.1 s of video in a second at worst."""
POLL_S = 0.2


class Progress(NamedTuple):
    """How far the work is; what was fresh from before is not counted."""

    sources_done: int
    sources: int
    clips_done: int
    clips: int
    """Known so far: grows while videos are scanned."""
    video_done_s: float
    video_s: float
    failures: int


@dataclass(frozen=True)
class Summary:
    """What ``annotate_all`` did, and what the run still lacks."""

    clips: int
    """Clips of the run."""
    annotated: int
    """Clips that were annotated now."""
    given_up: int
    """Clips that were worked on now and failed; ``failures`` says why."""
    scanned: int
    """Videos that went through the door now."""
    video_s: float
    """Seconds of video annotated now."""
    wall_s: float
    interrupted: bool
    failures: tuple[Failure, ...]
    """All of the run's failures."""
    dropped: tuple[Drop, ...] = ()
    """All of the run's clips that were not gone on with, on purpose."""
    answers: Mapping[str, int] = field(default_factory=dict)
    """What language models were asked now, answers that were kept from before included: how many of their answers were
    ``ok``, ``refused``, ``unusable`` and ``failed`` (``llm.messages.Status``)."""


def annotate_all(
    paths: Sequence[str | Path],
    run: Run,
    recipe: Recipe,
    progress: Callable[[Progress], None] | None = None,
    stages: Mapping[str, pipeline.Stage] | None = None,
) -> Summary:
    """Bring a run up to date: the given videos and those it has already, all by one recipe.

    Without paths, the videos that failed before are tried again. A first SIGINT or SIGTERM commits what is
    finished and returns (``Summary.interrupted``); a second one ends the process.

    Args:
        paths: videos, and folders of videos.
        run: open for writing.
        recipe: the run's recipe.
        progress: called whenever something was finished.
        stages: other stages than the recipe's.

    Raises:
        PipelineError, RecipeError, BackendError: the stages cannot run; found out before a video is opened.
        StoreError: the disk refuses.
    """
    started = time.perf_counter()
    driver = _Driver(run, recipe, stages or recipe.stages, progress)
    run.adopt(recipe)  # only now: its stages can run
    run.log("start", paths=[str(path) for path in paths], stages=driver.own)
    with signals() as stop:
        driver.plan(paths)
        driver.work(stop)
    summary = driver.summary(time.perf_counter() - started, stop.is_set())
    run.log(
        "end",
        **{k: v for k, v in vars(summary).items() if k not in ("failures", "dropped")},
        failed=len(summary.failures),
        dropped=len(summary.dropped),
    )
    return summary


@dataclass
class _Driver:
    """The state of one ``annotate_all``."""

    run: Run
    recipe: Recipe
    stages: Mapping[str, pipeline.Stage]
    progress: Callable[[Progress], None] | None
    waiting: deque[Scan | Annotation] = field(default_factory=deque)
    running: dict[Future[Any], tuple[Scan | Annotation, float]] = field(default_factory=dict)
    """Jobs given to the pool, and when."""
    scanned: list[Scanned] = field(default_factory=list)
    annotated: list[Annotated] = field(default_factory=list)
    """What came back, for the next commit."""
    planned: set[str] = field(default_factory=set)
    """Ids of the clips seen so far."""
    counts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(Progress._fields, 0))
    given_up: list[Clip] = field(default_factory=list)
    """Clips that failed now."""
    committed_at: float = field(default_factory=time.monotonic)
    log_bytes: int = 0
    """Of the log of model calls, when the work began."""

    def __post_init__(self) -> None:
        pipeline.check(list(self.stages.values()))
        log = self.run.path / LOG
        self.log_bytes = log.stat().st_size if log.is_file() else 0
        check_backends(self.stages)
        try:
            self.own = pipeline.digests(self.stages)
        except TypeError as error:  # a backend from outside was given an option that it does not have
            raise RecipeError(f"a stage's options do not fit its backend: {error}") from error
        self.committer = Committer(self.run, self.recipe.ingest, self.stages)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.pool = Pool(self.recipe.run.workers or cores, self.run.path / "workers.log")

    # --- what to do ---

    def plan(self, paths: Sequence[str | Path]) -> None:
        """Fill the queue with all that is not fresh."""
        self.committer.adopt()
        clips = self.run.clips()
        scans = self._scans(paths, {clip.source_sha256 for clip in clips})
        self.waiting.extend(scans)
        self.counts["sources"] = len(scans)
        known = self.run.ledger.sources()
        in_doubt = {known[task.path].sha256 for task in scans if task.path in known}
        for clip in clips:
            if clip.source_sha256 not in in_doubt:
                self._plan_clip(clip)

    def _scans(self, paths: Sequence[str | Path], present: set[str]) -> list[Scan]:
        """Return the files to scan: new, changed, failed before, or without clips in the run."""
        known = self.run.ledger.sources()
        failed = [row for row in known.values() if row.status == FAILED]
        empty = [row.path for row in failed if os.path.isdir(row.path)]  # folders without videos, until now
        named = dict.fromkeys(str(path) for path in ingest.expand(paths or empty, self.run.path))
        lost = {row.path for row in failed if paths and not os.path.exists(row.path)}
        gone = {*empty, *lost} - named.keys()
        self.committer.forget(row for row in failed if row.path in gone)
        again = [p for p, row in known.items() if row.status == DONE or (not paths and p not in gone)]
        tasks = [_looked_at(path) for path in dict.fromkeys([*named, *again])]
        return [t for t in tasks if self._needs_scan(t, known.get(t.path), t.path in named, present)]

    def _needs_scan(self, task: Scan, row: SourceRow | None, named: bool, present: set[str]) -> bool:
        if row is None or row.status == FAILED:
            return True
        if task.size is None and not named:
            return False  # moved or unmounted since; what was measured is still true
        seen = (row.size, row.mtime_ns, row.ingest)
        return (task.size, task.mtime_ns, self.committer.door) != seen or row.sha256 not in present

    def _plan_clip(self, clip: Clip) -> None:
        """Queue a clip, once; if all its records are stored already, only the ledger may have to catch up."""
        if clip.id in self.planned:
            return
        self.planned.add(clip.id)
        marks = pipeline.fingerprints(self.stages, self.committer.content(clip), self.own)
        stored = self.committer.stored(clip.id, marks)
        task = Annotation(clip, marks, tuple(name for name in self.stages if name not in stored))
        if task.missing and not self.committer.dropped(clip.id, marks):
            self.waiting.append(task)
            self.counts["clips"] += 1
            self.counts["video_s"] += clip.duration_s
        elif not self.committer.noted(task):
            self.annotated.append(Annotated(task, None))

    # --- the loop ---

    def work(self, stop: threading.Event) -> None:
        """Work the queue off; leaves early, with everything finished committed, when ``stop`` is set."""
        self._tell()
        try:
            while (self.waiting or self.running) and not stop.is_set():
                self._fill()
                done, _ = wait(self.running, timeout=POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    self._take(future, *self.running.pop(future))
                self._heal()
                if self._due():
                    self._commit()
        finally:
            self.pool.close()
            self._keep_interrupted()
            self._commit()
            spool.clear(self.run.spool)
        for table in self.run.tables():
            table.compact()

    def _fill(self) -> None:
        """Keep every worker busy and one job per worker in reserve: more would hold records in memory."""
        while self.waiting and len(self.running) < 2 * self.pool.workers and not self.pool.broken:
            task = self.waiting.popleft()
            if isinstance(task, Scan):
                future = self.pool.schedule(worker.scan, [task.path, self.recipe.ingest], self._limit_s(task))
            else:
                future = self.pool.schedule(worker.annotate, [self._job(task)], self._limit_s(task))
            self.running[future] = (task, time.monotonic())

    def _limit_s(self, task: Scan | Annotation) -> float:
        """Return how long a job may take."""
        settings = self.recipe.run
        if isinstance(task, Scan):
            return settings.clip_timeout_s + SCAN_S_PER_MB * (task.size or 0) / 1e6
        return settings.clip_timeout_s + settings.timeout_per_s * task.clip.duration_s

    def _job(self, task: Annotation) -> Job:
        """Return a clip's job with the stored records that its missing stages read."""
        missing = {name: self.stages[name] for name in task.missing}
        read = {record for stage in missing.values() for record in pipeline.reads(stage).values()}
        have: dict[type, Any] = {}
        for name, stage in self.stages.items():
            kind = pipeline.writes(stage)
            if name not in missing and kind in read:
                (have[kind],) = self.run.table(kind).read([(task.clip.id, task.fingerprints[name])])
        return Job(task.clip, self.recipe.ingest.max_side, missing, task.fingerprints, have, self.run.spool)

    def _take(self, future: Future[Any], task: Scan | Annotation, started: float) -> None:
        """Take what came back, be it an answer, an error or the news of a dead worker."""
        try:
            answer = future.result()
        except BrokenProcessPool:
            self.waiting.appendleft(task)
            return
        except TimeoutError:
            answer = self._lost(task, "Timeout", self._timeout_words(task))
        except ProcessExpired as error:
            answer = self._lost(task, "WorkerDied", death_words(error))
        except Exception as error:  # noqa: BLE001 (e.g. an answer that cannot be pickled)
            answer = self._lost(task, type(error).__name__, f"no answer from the worker: {error}")
        trouble = answer if isinstance(answer, Trouble) else None
        if isinstance(task, Annotation):
            self.annotated.append(Annotated(task, trouble))
        else:
            clips = [] if trouble else answer
            self.scanned.append(Scanned(task, clips, trouble, time.monotonic() - started))
            for clip in clips:
                self._plan_clip(clip)
        self._count(task, trouble)

    def _lost(self, task: Scan | Annotation, error_type: str, words: str) -> Trouble:
        """Return the trouble of a task that gave no answer."""
        if isinstance(task, Scan):
            return Trouble(INGEST, error_type, words)
        stage = spool.last_stage(self.run.spool, task.clip.id) or task.missing[0]
        return Trouble(stage, error_type, words)

    def _timeout_words(self, task: Scan | Annotation) -> str:
        limit = f"not finished within {self._limit_s(task):.0f} s"
        if isinstance(task, Scan):
            return f"{limit}: re-encode the file, or raise run.clip_timeout_s"
        return f"{limit}; raise run.clip_timeout_s or run.timeout_per_s"

    def _heal(self) -> None:
        """Queue the work of a pool that broke as a whole once more, for a new pool."""
        if self.pool.broken:
            self.pool.renew()
            self.waiting.extendleft(task for task, _ in self.running.values())
            self.running.clear()

    def _keep_interrupted(self) -> None:
        """Commit also the stages that were finished on clips that were not."""
        tasks = [task for task, _ in self.running.values() if isinstance(task, Annotation)]
        begun = [task for task in tasks if any(spool.take(self.run.spool, task.clip.id))]
        self.annotated += [Annotated(task, None) for task in begun]

    def _due(self) -> bool:
        number = len(self.scanned) + len(self.annotated)
        waited = time.monotonic() - self.committed_at > COMMIT_S
        return number >= COMMIT_CLIPS or (waited and number > 0)

    def _commit(self) -> None:
        scanned, annotated = self.scanned, self.annotated
        self.scanned, self.annotated = [], []
        if scanned or annotated:
            self.committer.commit(scanned, annotated)
        self.committed_at = time.monotonic()

    # --- telling ---

    def _count(self, task: Scan | Annotation, trouble: Trouble | None) -> None:
        self.counts["failures"] += trouble is not None
        if isinstance(task, Scan):
            self.counts["sources_done"] += 1
        else:
            self.given_up += [task.clip] if trouble else []
            self.counts["clips_done"] += 1
            self.counts["video_done_s"] += task.clip.duration_s
        self._tell()

    def _tell(self) -> None:
        if self.progress:
            self.progress(Progress(**self.counts))  # type: ignore[arg-type]

    def summary(self, wall_s: float, interrupted: bool) -> Summary:
        """Return what was done."""
        return Summary(
            clips=len(self.run.ledger.clips()),
            annotated=int(self.counts["clips_done"]) - len(self.given_up),
            given_up=len(self.given_up),
            scanned=int(self.counts["sources_done"]),
            video_s=max(0.0, self.counts["video_done_s"] - sum(clip.duration_s for clip in self.given_up)),
            wall_s=wall_s,
            interrupted=interrupted,
            failures=tuple(self.run.failures()),
            dropped=tuple(self.run.dropped()),
            answers=_statuses(self.run.path / LOG, self.log_bytes),
        )


def _looked_at(path: str) -> Scan:
    try:
        stat = os.stat(path)
    except OSError:
        return Scan(path, None, None)
    return Scan(path, stat.st_size, stat.st_mtime_ns)


def _statuses(log: Path, start: int) -> dict[str, int]:
    """Return how many lines of a log of model calls have each status, from a position on; a cut-off line has none."""
    found = Counter[str]()
    if log.is_file():
        with log.open("rb") as stream:
            stream.seek(start)
            for line in stream:
                with suppress(ValueError, KeyError, TypeError):
                    found[str(json.loads(line)["status"])] += 1
    return dict(sorted(found.items()))
