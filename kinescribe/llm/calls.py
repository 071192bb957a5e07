"""What was asked and answered, on disk: ``llm_calls.sqlite`` (WAL) and a log, ``llm_calls.jsonl``.

A call is written as soon as its answer is there, before anybody looks at it: whatever happens then, it is not paid
for twice. Processes share the two files; neither ever holds a key.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from kinescribe.errors import StoreError
from kinescribe.llm.messages import Reply, json_bytes

CALLS, LOG = "llm_calls.sqlite", "llm_calls.jsonl"
VERSION = 1
"""Raised when the table changes."""

CHECKPOINT_PAGES = 32768
"""The write-ahead log is folded in every 128 MB: the disk is waited for then, and with it every call."""

TABLE = """
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, serves INTEGER NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL,
    reply TEXT NOT NULL, tokens_in INTEGER, tokens_out INTEGER, cost_usd REAL, latency_s REAL NOT NULL,
    attempts INTEGER NOT NULL, finished_at REAL NOT NULL
)"""
INDEX = "CREATE UNIQUE INDEX by_key ON calls (key) WHERE serves = 1"
# An answer that led to nothing does not serve: it is counted, and the request is asked again. Rows are appended and
# keys are short, so that a few pages are written for a batch and not one for each row.
COLUMNS = (
    "key, serves, model, prompt, reply, tokens_in, tokens_out, cost_usd, latency_s, attempts, finished_at"
)


class Call(NamedTuple):
    """One answered call."""

    key: str
    """``Request.key``."""
    reply: Reply
    latency_s: float
    cost_usd: float | None
    model: str = ""
    prompt: str = ""
    attempts: int = 1


class Spent(NamedTuple):
    """What all calls of a folder took."""

    calls: int
    tokens: int
    """Known ones."""
    cost_usd: float
    """Of the calls whose cost is known."""
    unpriced: int
    """Calls whose cost is not known."""


class Calls:
    """The kept calls of one folder; in memory without one.

    Raises:
        StoreError: the file cannot be opened, or another version of Kinescribe wrote it.
    """

    def __init__(self, folder: Path | None) -> None:
        path = ":memory:" if folder is None else str(folder / CALLS)
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(
                "PRAGMA synchronous = NORMAL"
            )  # survives the end of the process, not that of power
            self._db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            version = _prepared(self._db)
            self._log = None if folder is None else (folder / LOG).open("ab", buffering=0)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"cannot keep model calls in {path}: {error}; choose another folder") from error
        if version != VERSION:
            raise StoreError(
                f"{path} has version {version}, this Kinescribe reads {VERSION}; move it away, or use a new folder"
            )
        self._new: list[Call] = []
        self._lines: list[dict[str, Any]] = []

    def close(self) -> None:
        """Write what is left, and close the files."""
        self.flush()
        self._db.close()
        if self._log is not None:
            self._log.close()

    def get(self, key: str) -> Call | None:
        """Return the kept answer to a request, if there is one that may serve."""
        row = self._db.execute(
            "SELECT reply, latency_s, cost_usd, model, prompt, attempts FROM calls WHERE key = ? AND serves = 1",
            [_short(key)],
        ).fetchone()
        if row is None:
            return None
        reply = json.loads(row[0])
        return Call(key, Reply(**{**reply, "notes": tuple(reply["notes"])}), *row[1:])

    def put(self, call: Call) -> None:
        """Keep an answered call, with the next ``flush``."""
        self._new.append(call)

    def note(self, line: dict[str, Any]) -> None:
        """Add a line to the log, with the next ``flush``."""
        self._lines.append({"at": round(time.time(), 3), **line})

    def flush(self) -> None:
        """Write calls in one transaction, then the lines of the log; StoreError if that cannot be done."""
        try:
            self._flush()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"cannot keep model calls: {error}; make room, and run again") from error

    def _flush(self) -> None:
        calls, self._new = self._new, []
        lines, self._lines = self._lines, []
        now = time.time()
        if calls:
            self._insert([_row(call, now) for call in calls])
        if lines and self._log is not None:
            self._log.write(b"".join(json_bytes(line) + b"\n" for line in lines))

    def set_aside(self, keys: Iterable[str]) -> None:
        """Let answers that led to nothing serve no more."""
        self.flush()
        self._db.executemany(
            "UPDATE calls SET serves = 0 WHERE key = ? AND serves = 1", [[_short(key)] for key in keys]
        )

    def spent(self) -> Spent:
        """Return what all calls took, those of other processes included."""
        self.flush()
        row = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(tokens_in), 0) + COALESCE(SUM(tokens_out), 0), "
            "COALESCE(SUM(cost_usd), 0.0), COALESCE(SUM(cost_usd IS NULL), 0) FROM calls"
        ).fetchone()
        return Spent(*row)

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        into = f"INTO calls ({COLUMNS}) VALUES ({', '.join('?' * len(rows[0]))})"
        self._db.execute("BEGIN IMMEDIATE")
        before = self._db.total_changes
        self._db.executemany(f"INSERT OR IGNORE {into}", rows)
        if self._db.total_changes - before < len(rows):
            # Another process asked the same meanwhile; both answers were paid for, and the first one serves.
            mine = "SELECT 1 FROM calls WHERE key = ? AND finished_at = ? AND latency_s = ?"
            late = [row for row in rows if not self._db.execute(mine, [row[0], row[10], row[8]]).fetchone()]
            self._db.executemany(f"INSERT {into}", [(row[0], 0, *row[2:]) for row in late])
        self._db.execute("COMMIT")


def _row(call: Call, now: float) -> tuple[Any, ...]:
    """Return the values of ``COLUMNS``."""
    reply = call.reply
    told = json_bytes(vars(reply)).decode()
    taken = (reply.tokens_in, reply.tokens_out, call.cost_usd, call.latency_s, call.attempts)
    return (_short(call.key), 1, call.model, call.prompt, told, *taken, now)


def _short(key: str) -> bytes:
    """Return the first 128 bits of a hash: no two requests in the world share them."""
    return bytes.fromhex(key[:32])


def _prepared(db: sqlite3.Connection) -> int:
    """Make the table where there is none, unless another process just did; return the version."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            db.execute(TABLE)
            db.execute(INDEX)
            db.execute(f"PRAGMA user_version = {VERSION}")
            version = VERSION
        db.execute("COMMIT")
    return version
