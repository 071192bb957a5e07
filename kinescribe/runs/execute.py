"""Annotate videos: one loop hands work to a pool of processes and is the only one that writes.

A crash, a hang or an error costs one clip, and of that only the stage that failed. Whatever has been computed
is never computed again: a record is found by its fingerprint, whether the ledger had time to note it or not.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pebble import ProcessExpired

from kinescribe import pipeline
from kinescribe.errors import RecipeError
from kinescribe.recipe import Recipe
from kinescribe.records import Clip
from kinescribe.runs import codec, ingest, spool, worker
from kinescribe.runs.ledger import DONE, FAILED, ClipRow, ItemRow, SourceRow
from kinescribe.runs.pool import Pool, death_words, signals
from kinescribe.runs.store import INGEST, Failure, Run
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
    """Clips that were worked on now."""
    scanned: int
    """Videos that went through the door now."""
    video_s: float
    """Seconds of video annotated now."""
    wall_s: float
    interrupted: bool
    failures: tuple[Failure, ...]
    """All of the run's failures."""


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
        "end", **{k: v for k, v in vars(summary).items() if k != "failures"}, failed=len(summary.failures)
    )
    return summary


@dataclass(frozen=True, eq=False)
class _Scan:
    """A file to bring through the door."""

    path: str
    size: int | None
    mtime_ns: int | None


@dataclass(frozen=True, eq=False)
class _Annotation:
    """A clip whose stages are not all fresh."""

    clip: Clip
    fingerprints: dict[str, str]
    missing: tuple[str, ...]


class _Finished(NamedTuple):
    """Work that came back, for the next commit."""

    task: _Scan | _Annotation
    clips: list[Clip]
    """Of a scan."""
    trouble: Trouble | None
    seconds: float


@dataclass
class _Driver:
    """The state of one ``annotate_all``."""

    run: Run
    recipe: Recipe
    stages: Mapping[str, pipeline.Stage]
    progress: Callable[[Progress], None] | None
    waiting: deque[_Scan | _Annotation] = field(default_factory=deque)
    running: dict[Future[Any], tuple[_Scan | _Annotation, float]] = field(default_factory=dict)
    finished: list[_Finished] = field(default_factory=list)
    planned: set[str] = field(default_factory=set)
    """Ids of the clips seen so far."""
    counts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(Progress._fields, 0))
    committed_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        pipeline.check(list(self.stages.values()))
        try:
            self.own = pipeline.digests(self.stages)
        except TypeError as error:  # a backend was given an option that it does not have
            raise RecipeError(f"a stage's options do not fit its backend: {error}") from error
        self.door = ingest.key(self.recipe.ingest)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.pool = Pool(self.recipe.run.workers or cores, self.run.path / "workers.log")

    # --- what to do ---

    def plan(self, paths: Sequence[str | Path]) -> None:
        """Fill the queue with all that is not fresh."""
        self._adopt()
        clips = self.run.clips()
        scans = self._scans(paths, {clip.source_sha256 for clip in clips})
        self.waiting.extend(scans)
        self.counts["sources"] = len(scans)
        known = self.run.ledger.sources()
        in_doubt = {known[task.path].sha256 for task in scans if task.path in known}
        for clip in clips:
            if clip.source_sha256 not in in_doubt:
                self._plan_clip(clip)

    def _scans(self, paths: Sequence[str | Path], present: set[str]) -> list[_Scan]:
        """Return the files to scan: new, changed, failed before, or without clips in the run."""
        known = self.run.ledger.sources()
        named = [str(path) for path in ingest.expand(paths, self.run.path)]
        if paths:
            self._forget([path for path, row in known.items() if row.status == FAILED and path not in named])
        again = [path for path, row in known.items() if row.status == DONE or not paths]
        tasks = [_looked_at(path) for path in dict.fromkeys([*named, *again])]
        return [
            task
            for task in tasks
            if self._needs_scan(task, known.get(task.path), task.path in named, present)
        ]

    def _needs_scan(self, task: _Scan, row: SourceRow | None, named: bool, present: set[str]) -> bool:
        if row is None or row.status == FAILED:
            return True
        if task.size is None and not named:
            return False  # moved or unmounted since; what was measured is still true
        seen = (row.size, row.mtime_ns, row.ingest)
        return (task.size, task.mtime_ns, self.door) != seen or row.sha256 not in present

    def _adopt(self) -> None:
        """Take over what the workers of a killed driver left behind; the ledger catches up by fingerprint."""
        batch = self._batch(spool.take(self.run.spool))
        if batch:
            self.run.commit(batch, lambda: None)
        spool.clear(self.run.spool)

    def _forget(self, failed: Sequence[str]) -> None:
        """Drop failed sources that are not named again and do not exist: mistyped names."""
        with self.run.ledger.transaction():
            self.run.ledger.drop_sources(path for path in failed if not os.path.exists(path))

    def _content(self, clip: Clip) -> str:
        return ingest.content_key(clip, self.recipe.ingest)

    def _plan_clip(self, clip: Clip) -> None:
        """Queue a clip, once; if all its records are stored already, only the ledger may have to catch up."""
        if clip.id in self.planned:
            return
        self.planned.add(clip.id)
        prints = pipeline.fingerprints(self.stages, self._content(clip), self.own)
        missing = tuple(name for name in self.stages if not self._stored(clip.id, name, prints))
        task = _Annotation(clip, prints, missing)
        if missing:
            self.waiting.append(task)
            self.counts["clips"] += 1
            self.counts["video_s"] += clip.duration_s
        elif not self._noted(task):
            self.finished.append(_Finished(task, [], None, 0.0))

    def _stored(self, clip_id: str, stage: str, prints: Mapping[str, str]) -> bool:
        return (clip_id, prints[stage]) in self.run.table(pipeline.writes(self.stages[stage]))

    def _noted(self, task: _Annotation) -> bool:
        """Return whether the ledger says the same as the fingerprints."""
        items = self.run.ledger.items(task.clip.id)
        noted = {stage: item.fingerprint for (_, stage), item in items.items() if item.status == DONE}
        return all(noted.get(stage) == fingerprint for stage, fingerprint in task.fingerprints.items())

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

    def _keep_interrupted(self) -> None:
        """Commit also the stages that were finished on clips that were not."""
        tasks = [task for task, _ in self.running.values() if isinstance(task, _Annotation)]
        begun = [task for task in tasks if any(spool.take(self.run.spool, task.clip.id))]
        self.finished += [_Finished(task, [], None, 0.0) for task in begun]

    def _fill(self) -> None:
        """Keep every worker busy and one job per worker in reserve: more would hold records in memory."""
        while self.waiting and len(self.running) < 2 * self.pool.workers and not self.pool.broken:
            task = self.waiting.popleft()
            if isinstance(task, _Scan):
                limit = self.recipe.run.clip_timeout_s + SCAN_S_PER_MB * (task.size or 0) / 1e6
                future = self.pool.schedule(worker.scan, [task.path, self.recipe.ingest], limit)
            else:
                future = self.pool.schedule(worker.annotate, [self._job(task)], self._limit_s(task.clip))
            self.running[future] = (task, time.monotonic())

    def _limit_s(self, clip: Clip) -> float:
        return self.recipe.run.clip_timeout_s + self.recipe.run.timeout_per_s * clip.duration_s

    def _job(self, task: _Annotation) -> Job:
        """Return a clip's job with the stored records that its missing stages read."""
        missing = {name: self.stages[name] for name in task.missing}
        read = {record for stage in missing.values() for record in pipeline.reads(stage).values()}
        have = {
            pipeline.writes(stage): self.run.table(pipeline.writes(stage)).read(
                [(task.clip.id, task.fingerprints[name])]
            )[0]
            for name, stage in self.stages.items()
            if name not in missing and pipeline.writes(stage) in read
        }
        return Job(task.clip, self.recipe.ingest.max_side, missing, task.fingerprints, have, self.run.spool)

    def _take(self, future: Future[Any], task: _Scan | _Annotation, started: float) -> None:
        """Take what came back, be it an answer, an error or the news of a dead worker."""
        seconds = time.monotonic() - started
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
        clips = answer if isinstance(task, _Scan) and trouble is None else []
        self.finished.append(_Finished(task, clips, trouble, seconds))
        for clip in clips:
            self._plan_clip(clip)
        self._count(task, trouble)

    def _heal(self) -> None:
        """Queue the work of a pool that broke as a whole once more, for a new pool."""
        if self.pool.broken:
            self.pool.renew()
            self.waiting.extendleft(task for task, _ in self.running.values())
            self.running.clear()

    def _lost(self, task: _Scan | _Annotation, error_type: str, words: str) -> Trouble:
        """Return the trouble of a task that gave no answer."""
        if isinstance(task, _Scan):
            return Trouble(INGEST, error_type, words)
        stage = spool.last_stage(self.run.spool, task.clip.id) or task.missing[0]
        return Trouble(stage, error_type, words)

    def _timeout_words(self, task: _Scan | _Annotation) -> str:
        if isinstance(task, _Scan):
            return "the file was not decoded in time; re-encode it, or raise run.clip_timeout_s"
        limit = self._limit_s(task.clip)
        return f"not finished within {limit:.0f} s; raise run.clip_timeout_s or run.timeout_per_s"

    def _count(self, task: _Scan | _Annotation, trouble: Trouble | None) -> None:
        self.counts["failures"] += trouble is not None
        if isinstance(task, _Scan):
            self.counts["sources_done"] += 1
        else:
            self.counts["clips_done"] += 1
            self.counts["video_done_s"] += task.clip.duration_s
        self._tell()

    def _tell(self) -> None:
        if self.progress:
            self.progress(Progress(**self.counts))  # type: ignore[arg-type]

    # --- committing ---

    def _due(self) -> bool:
        waited = time.monotonic() - self.committed_at > COMMIT_S
        return len(self.finished) >= COMMIT_CLIPS or (waited and bool(self.finished))

    def _commit(self) -> None:
        """Store what is finished: records first, then the ledger, then the spool is cleared."""
        finished, self.finished = self.finished, []
        self.committed_at = time.monotonic()
        if not finished:
            return
        scans = [item for item in finished if isinstance(item.task, _Scan)]
        clips = [item for item in finished if isinstance(item.task, _Annotation)]
        left = {item.task.clip.id: list(spool.take(self.run.spool, item.task.clip.id)) for item in clips}  # type: ignore[union-attr]
        batch = self._batch(row for rows in left.values() for row in rows)
        new = self._new_clips(scans)
        rows = [spool.Row(clip.id, INGEST, _print(clip), clip) for clip in new.values()]
        rows = [row for row in rows if (row.clip_id, row.fingerprint) not in self.run.table(Clip)]
        if rows:
            batch[Clip] = [spool.to_table(Clip, rows)]
        self.run.commit(batch, lambda: self._note(scans, new, clips, left))
        for item in clips:
            spool.clear(self.run.spool, item.task.clip.id)  # type: ignore[union-attr]

    def _batch(self, rows: Iterator[spool.Spooled]) -> dict[type, list[pa.Table]]:
        """Group spooled rows by record type; rows of a record type that no stage here writes are left."""
        types = {pipeline.writes(stage).__name__: pipeline.writes(stage) for stage in self.stages.values()}
        batch: dict[type, list[pa.Table]] = {}
        for row in rows:
            if row.record in types and row.table.schema.equals(spool.schema_of(types[row.record])):
                batch.setdefault(types[row.record], []).append(row.table)
        return batch

    def _new_clips(self, scans: Sequence[_Finished]) -> dict[str, Clip]:
        """Return the clips of scans as they are to be stored, by id.

        Of several files with the same content, the clip names the first in the alphabet that exists.
        """
        known = self.run.ledger.clips()
        new: dict[str, Clip] = {}
        for clip in (clip for item in scans for clip in item.clips):
            other = (
                new[clip.id].source if clip.id in new else known[clip.id].source if clip.id in known else None
            )
            same = clip.id in new or (clip.id in known and known[clip.id].content == self._content(clip))
            if other is None or not same or clip.source <= other or not os.path.exists(other):
                new[clip.id] = clip
        return new

    def _note(
        self,
        scans: Sequence[_Finished],
        new: Mapping[str, Clip],
        clips: Sequence[_Finished],
        left: Mapping[str, list[spool.Spooled]],
    ) -> None:
        """Write a batch into the ledger."""
        for item in scans:
            self._note_source(item)
        for clip in new.values():
            self._note_clip(clip)
        self._drop_orphans(scans)
        for item in clips:
            assert isinstance(item.task, _Annotation)
            self._settle(item.task, item.trouble, {row.stage: row.seconds for row in left[item.task.clip.id]})

    def _note_source(self, item: _Finished) -> None:
        assert isinstance(item.task, _Scan)
        path, trouble = item.task.path.encode("utf-8", "backslashreplace").decode(), item.trouble
        row = SourceRow(path, item.task.size, item.task.mtime_ns, self.door, seconds=item.seconds)
        if trouble is None:
            row = row._replace(sha256=item.clips[0].source_sha256)
        else:
            before = self.run.ledger.sources().get(path)  # its clips stay: what was measured is still true
            row = row._replace(
                sha256=before.sha256 if before else None,
                status=FAILED,
                error_type=trouble.error_type,
                error=trouble.message,
            )
        self.run.ledger.put_source(row)
        self._log("source", trouble, path=path, clips=[clip.id for clip in item.clips], seconds=item.seconds)

    def _note_clip(self, clip: Clip) -> None:
        relative = os.path.relpath(clip.source, self.run.path.absolute())
        content = self._content(clip)
        row = ClipRow(clip.id, clip.source_sha256, clip.start_s, clip.end_s, clip.source, relative, content)
        self.run.ledger.put_clip(row)
        self.run.ledger.put_item(ItemRow(clip.id, INGEST, Clip.__name__, _print(clip)))

    def _drop_orphans(self, scans: Sequence[_Finished]) -> None:
        """Drop clips that no source gives any more: a file's content, or the way it is cut, has changed."""
        ledger = self.run.ledger
        contents = {row.sha256 for row in ledger.sources().values()}
        cut = {item.clips[0].source_sha256: {clip.id for clip in item.clips} for item in scans if item.clips}
        ledger.drop_clips(
            row.clip_id
            for row in ledger.clips().values()
            if row.sha256 not in contents or row.clip_id not in cut.get(row.sha256, {row.clip_id})
        )

    def _settle(self, task: _Annotation, trouble: Trouble | None, seconds: Mapping[str, float]) -> None:
        """Make the ledger say of a clip what is true now; what rests on outdated records is no longer current."""
        ledger, clip_id = self.run.ledger, task.clip.id
        items = ledger.items(clip_id)
        stored = {stage for stage in task.fingerprints if self._stored(clip_id, stage, task.fingerprints)}
        lacking = [stage for stage in task.fingerprints if stage not in stored]
        # A worker may die after it has delivered the stage it was last heard of in.
        failed = (
            None
            if trouble is None or not lacking
            else trouble.stage
            if trouble.stage in lacking
            else lacking[0]
        )
        for stage, fingerprint in task.fingerprints.items():
            record = pipeline.writes(self.stages[stage]).__name__
            before = items.get((clip_id, stage))
            row = ItemRow(clip_id, stage, record, fingerprint, seconds=seconds.get(stage))
            if stage in stored and (
                before is None or (before.fingerprint, before.status) != (fingerprint, DONE)
            ):
                ledger.put_item(row)
            elif stage == failed and trouble is not None:
                error_type, error = trouble.error_type, trouble.message
                ledger.put_item(row._replace(status=FAILED, error_type=error_type, error=error))
            elif stage not in stored:
                ledger.drop_items(clip_id, [stage])
        outside = [stage for _, stage in items if stage not in task.fingerprints and stage != INGEST]
        ledger.drop_items(clip_id, outside)
        self._log("clip", trouble, clip_id=clip_id, seconds=dict(seconds))

    def _log(self, event: str, trouble: Trouble | None, **details: object) -> None:
        wrong = {} if trouble is None else {"trouble": trouble._asdict()}
        self.run.log(event, **details, **wrong)

    def summary(self, wall_s: float, interrupted: bool) -> Summary:
        """Return what was done."""
        return Summary(
            clips=len(self.run.ledger.clips()),
            annotated=int(self.counts["clips_done"]),
            scanned=int(self.counts["sources_done"]),
            video_s=self.counts["video_done_s"],
            wall_s=wall_s,
            interrupted=interrupted,
            failures=tuple(self.run.failures()),
        )


def _looked_at(path: str) -> _Scan:
    try:
        stat = os.stat(path)
    except OSError:
        return _Scan(path, None, None)
    return _Scan(path, stat.st_size, stat.st_mtime_ns)


def _print(clip: Clip) -> str:
    """Return the fingerprint of a clip's own record, which also covers where its source lies."""
    return hashlib.sha256(repr(codec.to_row(clip)).encode("utf-8", "surrogateescape")).hexdigest()[:16]
