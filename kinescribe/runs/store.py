"""A run: the directory that holds everything known about a set of clips.

=======================  ==========================================================================
``run.toml``             the resolved recipe, and the versions that wrote it
``ledger.sqlite``        what has been done, and what is current (``ledger``)
``records/NAME.lance``   the records of one type (``tables``)
``events.jsonl``         what happened when, one JSON object per line
``workers.log``          what codecs and nets printed
``llm_calls.sqlite``     what language models were asked and answered, its log beside it (``llm.calls``)
``spool/``               records on their way from workers to the tables (``spool``)
``lock``                 held by the one process that writes
=======================  ==========================================================================

Written in the order records, ledger. ``Run.open`` only reads: it never locks or waits, also while another
process writes.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import json
import os
import platform
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, TypeVar

import pyarrow as pa
import tomli_w

from kinescribe import records, video
from kinescribe.errors import RecipeError, StoreError
from kinescribe.llm.calls import CALLS, LOG
from kinescribe.recipe import Recipe, resolve, to_tables
from kinescribe.records import Clip
from kinescribe.runs.ledger import DONE, DROPPED, FAILED, Ledger
from kinescribe.runs.tables import Table

T = TypeVar("T")

INGEST = "ingest"
"""The door's name where stages are named; its record is the ``Clip``."""
GATE = "gate"
"""Stands in the ledger, as if it were a stage, for a clip that a stage dropped."""
RECORD_TYPES: dict[str, type] = {
    name: kind
    for name, kind in vars(records).items()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind)
}
"""Record types by name."""
OWN_NAMES = frozenset(
    {
        *("run.toml", "ledger.sqlite", "records", "events.jsonl", "spool", "lock", "workers.log"),
        *(CALLS, f"{CALLS}-wal", f"{CALLS}-shm", LOG),
    }
)
VERSIONS = "versions"
"""The table of ``run.toml`` that is no part of the recipe."""
PACKAGES = (
    "kinescribe",
    "numpy",
    "scipy",
    "av",
    "opencv-python-headless",
    "pylance",
    "trackers",
    "ai-edge-litert",
)


@dataclass(frozen=True)
class Failure:
    """Something that could not be done; running again tries it again."""

    source: str
    """Path of the video."""
    clip_id: str | None
    """None when the video never became clips."""
    stage: str
    error_type: str
    message: str
    attempts: int


class Drop(NamedTuple):
    """A clip that a stage found not worth going on with, e.g. because its camera moves too much."""

    source: str
    clip_id: str
    stage: str
    why: str


class Run:
    """A run on disk, made by ``open`` or ``create_or_open``; a context manager that closes it."""

    def __init__(self, path: Path, ledger: Ledger, lock: BinaryIO | None = None) -> None:
        self.path, self.ledger, self._lock = path, ledger, lock
        self._tables: dict[type, Table] = {}

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a run for reading.

        Raises:
            StoreError: this is not a run, or one that this version cannot read.
        """
        folder = Path(path)
        if not (folder / "run.toml").is_file() or not (folder / "ledger.sqlite").is_file():
            what = "is not a run (it has no run.toml)" if folder.exists() else "does not exist"
            raise StoreError(f"{folder} {what}; make one with `kinescribe annotate VIDEO... --out {folder}`")
        return cls(folder, Ledger(folder / "ledger.sqlite"))

    @classmethod
    def create_or_open(cls, path: str | Path, recipe: Recipe) -> Run:
        """Open a run for writing, making it (with this recipe) where it does not exist.

        Raises:
            StoreError: another process writes to it, or the folder holds something else.
        """
        folder = Path(path)
        strange = folder.exists() and not (folder / "run.toml").exists() and _strangers(folder)
        if strange:
            raise StoreError(f"{folder} is not a run but holds {strange}; choose another --out")
        try:
            for inside in ("records", "spool"):
                (folder / inside).mkdir(parents=True, exist_ok=True)
            lock = _locked(folder / "lock")
        except OSError as error:
            raise StoreError(f"cannot write to {folder}: {error}; choose another --out") from error
        run = cls(folder, Ledger(folder / "ledger.sqlite", write=True), lock)
        if not (folder / "run.toml").exists():
            run.adopt(recipe)
        return run

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger and let others write."""
        self.ledger.close()
        if self._lock:
            self._lock.close()

    # --- reading ---

    @functools.cached_property
    def recipe(self) -> Recipe:
        """The recipe the run was last written with; StoreError if this version cannot read it."""
        try:
            tables = tomllib.loads((self.path / "run.toml").read_text(encoding="utf-8"))
            return resolve({name: table for name, table in tables.items() if name != VERSIONS})
        except (OSError, ValueError, RecipeError) as error:
            raise StoreError(
                f"{self.path / 'run.toml'}: {error}; another version of Kinescribe may have written it: annotate "
                "into a new folder"
            ) from error

    def clips(self) -> list[Clip]:
        """Return the run's clips, by source and start; the source's path is where the file lies now."""
        rows = self.ledger.clips()
        keys = [(clip_id, self.ledger.current(clip_id, "Clip")) for clip_id in rows]
        current = [(clip_id, fingerprint) for clip_id, fingerprint in keys if fingerprint is not None]
        clips = self._read(Clip, current)
        return sorted(
            (self._found(clip, rows[clip.id].relative) for clip in clips), key=lambda c: (c.source, c.start_s)
        )

    def record(self, clip_id: str, kind: type[T]) -> T | None:
        """Return a clip's current record of a type; None where its stage failed or has not run."""
        fingerprint = self.ledger.current(clip_id, kind.__name__)
        if fingerprint is None:
            return None
        found = self._read(kind, [(clip_id, fingerprint)])
        return found[0] if found else None

    def records(self, clip_id: str) -> dict[type, Any]:
        """Return all current records of a clip by type."""
        names = [item.record for item in self.ledger.items(clip_id).values() if item.status == DONE]
        found: dict[type, Any] = {
            RECORD_TYPES[name]: self.record(clip_id, RECORD_TYPES[name]) for name in names
        }
        return {kind: record for kind, record in found.items() if record is not None}

    def failures(self) -> list[Failure]:
        """Return what failed and was not mended since: videos, then stages of clips."""
        sources = [
            Failure(row.path, None, INGEST, row.error_type or "", row.error or "", row.attempts)
            for row in self.ledger.sources().values()
            if row.status == FAILED
        ]
        clips = self.ledger.clips()
        items = [
            Failure(
                clips[row.clip_id].source,
                row.clip_id,
                row.stage,
                row.error_type or "",
                row.error or "",
                row.attempts,
            )
            for row in self.ledger.items().values()
            if row.status == FAILED and row.clip_id in clips
        ]
        return sources + sorted(items, key=lambda f: (f.source, f.clip_id or "", f.stage))

    def dropped(self) -> list[Drop]:
        """Return the clips that were dropped on purpose, by source."""
        clips = self.ledger.clips()
        return sorted(
            Drop(clips[row.clip_id].source, row.clip_id, row.error_type or "", row.error or "")
            for row in self.ledger.items().values()
            if row.status == DROPPED and row.clip_id in clips
        )

    def _read(self, record_type: type[T], keys: list[tuple[str, str]]) -> list[T]:
        """Return the records of keys; a key that a torn write left without a record is passed over."""
        table = self.table(record_type)
        if any(key not in table for key in keys):  # committed since the table was opened
            table.refresh()
        return table.read([key for key in keys if key in table])

    def _found(self, clip: Clip, relative: str) -> Clip:
        """Return the clip with a source that exists, if the run was moved together with its media."""
        moved = Path(os.path.normpath(self.path.absolute() / relative))
        if os.path.exists(clip.source) or not moved.exists():
            return clip
        return video.with_source(clip, str(moved))

    # --- writing (the driver only) ---

    def table(self, record_type: type) -> Table:
        """Return the table of a record type."""
        if record_type not in self._tables:
            path = self.path / "records" / f"{record_type.__name__}.lance"
            self._tables[record_type] = Table(path, record_type)
        return self._tables[record_type]

    def tables(self) -> list[Table]:
        """Return the tables that were used so far."""
        return list(self._tables.values())

    @property
    def spool(self) -> Path:
        """Where workers leave records."""
        return self.path / "spool"

    def commit(self, batch: dict[type, list[pa.Table]], note: Callable[[], None]) -> None:
        """Store records, then let ``note`` write the ledger, in one transaction."""
        for record_type, tables in batch.items():
            self.table(record_type).append(pa.concat_tables(tables))
        with self.ledger.transaction():
            note()

    def log(self, event: str, **details: object) -> None:
        """Add a line to the event log."""
        line = json.dumps({"time": time.time(), "event": event, **details}, default=str)
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def adopt(self, recipe: Recipe) -> None:
        """Make a recipe the run's own."""
        tables = {VERSIONS: _versions(), **to_tables(recipe)}
        partial = self.path / "run.toml.part"
        partial.write_text(tomli_w.dumps(tables), encoding="utf-8")
        partial.replace(self.path / "run.toml")
        self.__dict__.pop("recipe", None)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _strangers(folder: Path) -> str:
    """Return some of what a folder holds that is no part of a run (also not of one that was just begun)."""
    if not folder.is_dir():
        return "a file's content"
    names = sorted(path.name for path in folder.iterdir() if path.name.removesuffix(".part") not in OWN_NAMES)
    return ", ".join(names[:3])


def _locked(path: Path) -> BinaryIO:
    """Return the open lock file. The lock is the operating system's: it ends with the process, however it ends."""
    stream = path.open("a+b")
    try:
        _lock_file(stream)
    except OSError as error:
        stream.seek(0)
        holder = stream.read().decode(errors="replace").strip() or "another process"
        stream.close()
        raise StoreError(
            f"{path.parent} is being written by {holder}; wait until it ends, or choose another --out"
        ) from error
    stream.seek(0)
    stream.truncate()
    stream.write(f"process {os.getpid()} on {platform.node()}".encode())
    stream.flush()
    return stream


def _lock_file(stream: BinaryIO) -> None:
    if os.name == "nt":
        import msvcrt

        stream.seek(0x7FFF0000)  # beyond the text, which others may want to read
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
