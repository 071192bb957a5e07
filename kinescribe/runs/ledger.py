"""What has been done: one SQLite file (WAL) with a row per source, clip, and clip x stage.

The ledger is written after the records (``store``): an item marked done has its record on disk, so whatever
a crash tears is at worst done again. There is one writer, the driver; readers never block it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from kinescribe.errors import StoreError

VERSION = 1
"""Raised when the tables change."""

SCHEMA = """
CREATE TABLE sources (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ingest TEXT NOT NULL, sha256 TEXT,
    status TEXT NOT NULL, attempts INTEGER NOT NULL, error_type TEXT, error TEXT, seconds REAL, finished_at REAL
) WITHOUT ROWID;
CREATE TABLE clips (
    clip_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL,
    source TEXT NOT NULL, relative TEXT NOT NULL, content TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE items (
    clip_id TEXT NOT NULL, stage TEXT NOT NULL, record TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status TEXT NOT NULL, attempts INTEGER NOT NULL, error_type TEXT, error TEXT, seconds REAL, finished_at REAL,
    PRIMARY KEY (clip_id, stage)
) WITHOUT ROWID;
"""

DONE, FAILED, DROPPED = "done", "failed", "dropped"


class SourceRow(NamedTuple):
    """A file that went through the door, or failed to."""

    path: str
    size: int | None
    mtime_ns: int | None
    ingest: str
    """``ingest.key`` of the settings."""
    sha256: str | None = None
    status: str = DONE
    attempts: int = 1
    error_type: str | None = None
    error: str | None = None
    seconds: float | None = None
    finished_at: float | None = None
    """Seconds since the epoch."""


class ClipRow(NamedTuple):
    """A clip that belongs to the run."""

    clip_id: str
    sha256: str
    start_s: float
    end_s: float
    source: str
    relative: str
    """The source as seen from the run's folder: it is found again when both are moved together."""
    content: str
    """``ingest.content_key``."""


class ItemRow(NamedTuple):
    """What a stage gave for a clip: ``fingerprint`` says which stored record is the current one."""

    clip_id: str
    stage: str
    record: str
    """Name of the record type."""
    fingerprint: str
    status: str = DONE
    attempts: int = 1
    error_type: str | None = None
    error: str | None = None
    seconds: float | None = None
    finished_at: float | None = None


class Ledger:
    """The ledger of one run.

    Args:
        path: the SQLite file.
        write: whether to create it where it is missing, and to write.

    Raises:
        StoreError: it cannot be opened, or another version of Kinescribe wrote it.
    """

    def __init__(self, path: Path, write: bool = False) -> None:
        self.path = path
        try:
            self._db = _connect(path, write)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if write and version == 0:
                self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
                version = VERSION
        except sqlite3.Error as error:
            raise StoreError(f"cannot open the ledger {path}: {error}; annotate into a new folder") from error
        if version != VERSION:
            raise StoreError(
                f"{path} has ledger version {version}, this Kinescribe reads {VERSION}; annotate into a new folder"
            )

    def close(self) -> None:
        """Close the file; the write-ahead log is folded in."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside become visible at once, or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- sources and clips ---

    def sources(self) -> dict[str, SourceRow]:
        """Return all sources by path."""
        return {row[0]: SourceRow(*row) for row in self._db.execute("SELECT * FROM sources ORDER BY path")}

    def put_source(self, row: SourceRow) -> None:
        """Note the outcome of a scan; attempts add up while it keeps failing."""
        before = self._db.execute(
            "SELECT attempts, status FROM sources WHERE path = ?", [row.path]
        ).fetchone()
        attempts = before[0] + 1 if before and before[1] == FAILED else 1
        self._insert("sources", row._replace(attempts=attempts, finished_at=time.time()))

    def drop_sources(self, paths: Iterable[str]) -> None:
        """Forget sources."""
        self._db.executemany("DELETE FROM sources WHERE path = ?", [[path] for path in paths])

    def clips(self) -> dict[str, ClipRow]:
        """Return the run's clips by id."""
        return {row[0]: ClipRow(*row) for row in self._db.execute("SELECT * FROM clips ORDER BY clip_id")}

    def put_clip(self, row: ClipRow) -> None:
        """Add or replace a clip."""
        self._insert("clips", row)

    def drop_clips(self, clip_ids: Iterable[str]) -> None:
        """Forget clips with their items (their records stay on disk until they are cleaned up)."""
        ids = [[clip_id] for clip_id in clip_ids]
        self._db.executemany("DELETE FROM clips WHERE clip_id = ?", ids)
        self._db.executemany("DELETE FROM items WHERE clip_id = ?", ids)

    # --- items ---

    def items(self, clip_id: str | None = None) -> dict[tuple[str, str], ItemRow]:
        """Return the items of a clip or of all, by (clip id, stage)."""
        where, values = ("", []) if clip_id is None else (" WHERE clip_id = ?", [clip_id])
        rows = self._db.execute(f"SELECT * FROM items{where} ORDER BY clip_id, stage", values)
        return {(row[0], row[1]): ItemRow(*row) for row in rows}

    def current(self, clip_id: str, record: str) -> str | None:
        """Return the fingerprint of a clip's current record of a type; None if there is none."""
        found = self._db.execute(
            "SELECT fingerprint FROM items WHERE clip_id = ? AND record = ? AND status = ?",
            [clip_id, record, DONE],
        ).fetchone()
        return found[0] if found else None

    def put_item(self, row: ItemRow) -> None:
        """Note the outcome of a stage; attempts add up while it keeps failing with the same fingerprint."""
        before = self._db.execute(
            "SELECT attempts, status, fingerprint FROM items WHERE clip_id = ? AND stage = ?", row[:2]
        ).fetchone()
        again = before is not None and before[1:] == (FAILED, row.fingerprint)
        attempts = before[0] + 1 if again else 1
        self._insert("items", row._replace(attempts=attempts, finished_at=time.time()))

    def drop_items(self, clip_id: str, stages: Iterable[str]) -> None:
        """Forget what stages gave for a clip."""
        self._db.executemany(
            "DELETE FROM items WHERE clip_id = ? AND stage = ?", [[clip_id, stage] for stage in stages]
        )

    def _insert(self, table: str, row: tuple[object, ...]) -> None:
        self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _connect(path: Path, write: bool) -> sqlite3.Connection:
    if write:
        db = sqlite3.connect(path, isolation_level=None, timeout=30)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        return db
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        db.execute("SELECT 1 FROM sqlite_master")
        return db
    except sqlite3.OperationalError:
        # A finished run on a read-only medium: the log file that WAL wants cannot be made, and is not needed.
        db.close()
        db = sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None, check_same_thread=False)
        db.execute("SELECT 1 FROM sqlite_master")
        return db
