"""From the spool to the tables and the ledger: the one place that writes a run.

Records first, then the ledger in one transaction, then the spool is cleared; a crash between any two of these
is mended the next time. What the ledger calls current is always consistent: records of one clip that rest on
one another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from kinescribe import pipeline
from kinescribe.recipe import IngestSettings
from kinescribe.records import Clip
from kinescribe.runs import codec, ingest, spool
from kinescribe.runs.ledger import DONE, DROPPED, FAILED, ClipRow, ItemRow, SourceRow
from kinescribe.runs.store import GATE, INGEST, Run
from kinescribe.runs.worker import Trouble


@dataclass(frozen=True, eq=False)
class Scan:
    """A file to bring through the door."""

    path: str
    size: int | None
    """None where there is no such file."""
    mtime_ns: int | None


@dataclass(frozen=True, eq=False)
class Annotation:
    """The stages of a clip that are to run."""

    clip: Clip
    fingerprints: Mapping[str, str]
    """Of all stages."""
    missing: tuple[str, ...]
    """Stages whose records are not stored."""


class Scanned(NamedTuple):
    """A scan that came back."""

    task: Scan
    clips: list[Clip]
    trouble: Trouble | None
    seconds: float


class Annotated(NamedTuple):
    """An annotation that came back, or of which a part did."""

    task: Annotation
    trouble: Trouble | None


class Committer:
    """Writes what came back.

    Args:
        run: open for writing.
        settings: how videos become clips.
        stages: the stages that make the records, by name.
    """

    def __init__(self, run: Run, settings: IngestSettings, stages: Mapping[str, pipeline.Stage]) -> None:
        self.run, self.settings, self.stages = run, settings, stages
        self.door = ingest.key(settings)
        self._types = {stage: pipeline.writes(stages[stage]) for stage in stages}

    def content(self, clip: Clip) -> str:
        """Return what stands for a clip in the fingerprints of its records."""
        return ingest.content_key(clip, self.settings)

    def stored(self, clip_id: str, fingerprints: Mapping[str, str]) -> set[str]:
        """Return the stages whose records lie in the tables."""
        return {s for s, mark in fingerprints.items() if (clip_id, mark) in self.run.table(self._types[s])}

    def noted(self, task: Annotation) -> bool:
        """Return whether the ledger knows all records of a clip, and whether it was dropped."""
        items = self.run.ledger.items(task.clip.id)
        noted = {stage: item.fingerprint for (_, stage), item in items.items() if item.status == DONE}
        gate, drop = items.get((task.clip.id, GATE)), self.dropped(task.clip.id, task.fingerprints)
        if (gate and gate.error) != (drop and drop.why):
            return False
        wanted = _reached(task.fingerprints, drop)
        return all(noted.get(stage) == task.fingerprints[stage] for stage in wanted) and (
            drop is None or noted.keys() - {INGEST} <= set(wanted)
        )

    def dropped(self, clip_id: str, fingerprints: Mapping[str, str]) -> pipeline.Dropped | None:
        """Return which stage drops a clip, by its stored record, and why; None where none does."""
        have = {}
        for stage, mark in fingerprints.items():
            kind = self._types[stage]
            if _gated(self.stages[stage]) and (clip_id, mark) in self.run.table(kind):
                (have[kind],) = self.run.table(kind).read([(clip_id, mark)])
        return pipeline.dropped(self.stages, have) if have else None

    def adopt(self) -> None:
        """Take over what the workers of a killed driver left; the ledger catches up by fingerprint."""
        batch = self._batch(spool.take(self.run.spool))
        if batch:
            self.run.commit(batch, lambda: None)
        spool.clear(self.run.spool)

    def forget(self, sources: Iterable[SourceRow]) -> None:
        """Drop failed sources that are gone, e.g. mistyped names; those that gave clips before just count as done."""
        with self.run.ledger.transaction():
            for row in sources:
                if row.sha256 is None:
                    self.run.ledger.drop_sources([row.path])
                else:
                    self.run.ledger.put_source(row._replace(status=DONE, error_type=None, error=None))

    def commit(self, scanned: Sequence[Scanned], annotated: Sequence[Annotated]) -> None:
        """Store what came back."""
        left = {done.task.clip.id: list(spool.take(self.run.spool, done.task.clip.id)) for done in annotated}
        batch = self._batch(row for rows in left.values() for row in rows)
        clips = self._clips(scanned)
        rows = [spool.Row(clip.id, INGEST, _fingerprint(clip), clip) for clip in clips]
        rows = [row for row in rows if (row.clip_id, row.fingerprint) not in self.run.table(Clip)]
        if rows:
            batch[Clip] = [spool.to_table(Clip, rows)]

        def note() -> None:
            for scan in scanned:
                self._note_source(scan)
            for clip in clips:
                self._note_clip(clip)
            self._drop_orphans(scanned)
            for done in annotated:
                self._settle(done, {row.stage: row.seconds for row in left[done.task.clip.id]})

        self.run.commit(batch, note)
        for done in annotated:
            spool.clear(self.run.spool, done.task.clip.id)

    def _batch(self, rows: Iterable[spool.Spooled]) -> dict[type, list[pa.Table]]:
        """Group spooled rows by record type, without those that another version of Kinescribe left."""
        types = {kind.__name__: kind for kind in self._types.values()}
        batch: dict[type, list[pa.Table]] = {}
        for row in rows:
            if row.record in types and row.table.schema.equals(spool.schema_of(types[row.record])):
                batch.setdefault(types[row.record], []).append(row.table)
        return batch

    def _clips(self, scanned: Sequence[Scanned]) -> list[Clip]:
        """Return the clips of scans that are to be stored.

        Of several files with the same content, the clip names the first in the alphabet that exists.
        """
        known = {row.clip_id: (row.source, row.content) for row in self.run.ledger.clips().values()}
        new: dict[str, Clip] = {}
        for clip in (clip for scan in scanned for clip in scan.clips):
            source, content = known.get(clip.id, ("", ""))
            if content != self.content(clip) or clip.source <= source or not os.path.exists(source):
                new[clip.id] = clip
                known[clip.id] = (clip.source, self.content(clip))
        return list(new.values())

    # --- the ledger ---

    def _note_source(self, scan: Scanned) -> None:
        path = scan.task.path.encode("utf-8", "backslashreplace").decode()
        row = SourceRow(path, scan.task.size, scan.task.mtime_ns, self.door, seconds=scan.seconds)
        if scan.trouble is None:
            row = row._replace(sha256=scan.clips[0].source_sha256)
        else:
            before = self.run.ledger.sources().get(path)  # its clips stay: what was measured is still true
            row = row._replace(
                sha256=before.sha256 if before else None,
                status=FAILED,
                error_type=scan.trouble.error_type,
                error=scan.trouble.message,
            )
        self.run.ledger.put_source(row)
        self._log("source", scan.trouble, path=path, clips=[c.id for c in scan.clips], seconds=scan.seconds)

    def _note_clip(self, clip: Clip) -> None:
        relative = os.path.relpath(clip.source, self.run.path.absolute())
        content = self.content(clip)
        row = ClipRow(clip.id, clip.source_sha256, clip.start_s, clip.end_s, clip.source, relative, content)
        self.run.ledger.put_clip(row)
        self.run.ledger.put_item(ItemRow(clip.id, INGEST, Clip.__name__, _fingerprint(clip)))

    def _drop_orphans(self, scanned: Sequence[Scanned]) -> None:
        """Drop clips that no source gives any more: a file's content, or the way it is cut, has changed."""
        ledger = self.run.ledger
        contents = {row.sha256 for row in ledger.sources().values()}
        cut = {
            scan.clips[0].source_sha256: {clip.id for clip in scan.clips} for scan in scanned if scan.clips
        }
        ledger.drop_clips(
            row.clip_id
            for row in ledger.clips().values()
            if row.sha256 not in contents or row.clip_id not in cut.get(row.sha256, {row.clip_id})
        )

    def _settle(self, done: Annotated, seconds: Mapping[str, float]) -> None:
        """Make the ledger say of a clip what is true now; what rests on outdated records is no longer current."""
        ledger, clip_id, marks = self.run.ledger, done.task.clip.id, done.task.fingerprints
        before = ledger.items(clip_id)
        stored = self.stored(clip_id, marks)
        drop = self.dropped(clip_id, marks)
        reached = _reached(marks, drop)
        failed = _blamed(done.trouble, [stage for stage in reached if stage not in stored])
        for stage, mark in marks.items():
            row = ItemRow(clip_id, stage, self._types[stage].__name__, mark, seconds=seconds.get(stage))
            old = before.get((clip_id, stage))
            if stage not in reached:
                ledger.drop_items(clip_id, [stage])
            elif stage in stored:
                if old is None or (old.fingerprint, old.status) != (mark, DONE):
                    ledger.put_item(row)
            elif stage == failed and done.trouble is not None:
                error_type, error = done.trouble.error_type, done.trouble.message
                ledger.put_item(row._replace(status=FAILED, error_type=error_type, error=error))
            else:
                ledger.drop_items(clip_id, [stage])
        ledger.drop_items(clip_id, [stage for _, stage in before if stage not in marks and stage != INGEST])
        if drop:
            mark = marks[drop.stage]
            gate = ItemRow(clip_id, GATE, "", mark, status=DROPPED, error_type=drop.stage, error=drop.why)
            ledger.put_item(gate)
        self._log("clip", done.trouble, clip_id=clip_id, seconds=dict(seconds))

    def _log(self, event: str, trouble: Trouble | None, **details: object) -> None:
        wrong = {} if trouble is None else {"trouble": trouble._asdict()}
        self.run.log(event, **details, **wrong)


def _gated(stage: pipeline.Stage) -> bool:
    """Return whether a stage may drop a clip, by its settings."""
    return any(getattr(stage, name, None) is not None for name in getattr(stage, "GATES", ()))


def _reached(marks: Mapping[str, str], drop: pipeline.Dropped | None) -> list[str]:
    """Return the stages of a clip that are run: all, or those up to the one that drops it."""
    order = list(marks)
    return order if drop is None else order[: order.index(drop.stage) + 1]


def _blamed(trouble: Trouble | None, lacking: Sequence[str]) -> str | None:
    """Return the stage that failed: a worker may die after it delivered the stage it was last heard of in."""
    if trouble is None or not lacking:
        return None
    return trouble.stage if trouble.stage in lacking else lacking[0]


def _fingerprint(clip: Clip) -> str:
    """Return the fingerprint of a clip's own record, which also covers where its source lies."""
    return hashlib.sha256(repr(codec.to_row(clip)).encode()).hexdigest()[:16]
