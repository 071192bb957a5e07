"""Records on their way from a worker to the committer: one small Arrow file per clip and stage.

A worker writes a record here as soon as a stage has made it, so a crash, a timeout or a killed driver loses at
most the stage that was running. The committer moves records from here into the tables.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from kinescribe.errors import StoreError
from kinescribe.runs import codec

KEYS = (("clip_id", pa.string()), ("stage", pa.string()), ("fingerprint", pa.string()))
"""The columns that stand before a record's own."""


class Row(NamedTuple):
    """A record with its key."""

    clip_id: str
    stage: str
    fingerprint: str
    record: Any


class Spooled(NamedTuple):
    """A record as a worker left it."""

    file: Path
    clip_id: str
    stage: str
    table: pa.Table
    """One row, keys included."""
    record: str
    """Name of the record type."""
    seconds: float


def schema_of(record_type: type) -> pa.Schema:
    """Return the columns of a stored record type: the key, then the record's fields."""
    own = codec.schema_of(record_type)
    if clash := {name for name, _ in KEYS} & set(own.names):
        raise StoreError(f"{record_type.__name__} has fields with a key's name: {', '.join(sorted(clash))}")
    return pa.schema([*(pa.field(name, kind) for name, kind in KEYS), *own])


def to_table(record_type: type, rows: Sequence[Row]) -> pa.Table:
    """Return rows of one record type as an Arrow table."""
    plain = [
        {
            "clip_id": row.clip_id,
            "stage": row.stage,
            "fingerprint": row.fingerprint,
            **codec.to_row(row.record),
        }
        for row in rows
    ]
    return pa.Table.from_pylist(plain, schema=schema_of(record_type))


def begin(folder: Path, clip_id: str, stage: str) -> None:
    """Note which stage a worker is in, for the case that it does not come back."""
    (folder / f"{clip_id}.now").write_text(stage, encoding="utf-8")


def last_stage(folder: Path, clip_id: str) -> str | None:
    """Return the stage that was begun last on a clip."""
    try:
        return (folder / f"{clip_id}.now").read_text(encoding="utf-8") or None
    except OSError:
        return None


def put(folder: Path, record_type: type, row: Row, seconds: float) -> None:
    """Write a record; it is there whole or not at all."""
    table = to_table(record_type, [row])
    table = table.replace_schema_metadata({"record": record_type.__name__, "seconds": repr(seconds)})
    partial = folder / f"{row.clip_id}.{row.stage}.part"
    with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    os.replace(partial, folder / f"{row.clip_id}.{row.stage}.arrow")


def take(folder: Path, clip_id: str = "*") -> Iterator[Spooled]:
    """Yield the records that lie here, of one clip or of all. Whoever has committed them calls ``clear``."""
    for file in sorted(folder.glob(f"{clip_id}.*.arrow")):
        try:
            with pa.OSFile(str(file), "rb") as source:
                table = pa.ipc.open_file(source).read_all()
        except (pa.ArrowInvalid, OSError):  # torn by a power cut: the stage will run again
            continue
        notes = table.schema.metadata or {}
        key = table.select(["clip_id", "stage"]).to_pylist()[0]
        yield Spooled(
            file,
            key["clip_id"],
            key["stage"],
            table.replace_schema_metadata(None),
            notes[b"record"].decode(),
            float(notes[b"seconds"]),
        )


def clear(folder: Path, clip_id: str = "*") -> None:
    """Remove what lies here of a clip, or everything."""
    for file in folder.glob(f"{clip_id}.*"):
        file.unlink(missing_ok=True)
