"""A run on disk that holds given records, as the driver would have stored them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kinescribe.recipe import Recipe, RunSettings
from kinescribe.records import Clip
from kinescribe.runs import spool
from kinescribe.runs.ledger import FAILED, ClipRow, ItemRow, SourceRow
from kinescribe.runs.store import Run

RECIPE = Recipe(run=RunSettings(workers=1))
SECONDS = 0.5
"""That every stage is said to have taken."""


def build(
    path: Path,
    clips: Sequence[Mapping[type, Any]],
    failed: Sequence[tuple[str, str, str]] = (),
    unreadable: Sequence[str] = (),
) -> Path:
    """Store clips' records; ``failed`` are (clip id, stage, type of error), ``unreadable`` are videos."""
    with Run.create_or_open(path, RECIPE) as run:
        for kind in dict.fromkeys(kind for records in clips for kind in records):
            rows = [
                spool.Row(records[Clip].id, kind.__name__.lower(), "one", records[kind])
                for records in clips
                if kind in records
            ]
            items = [ItemRow(r.clip_id, r.stage, kind.__name__, "one", seconds=SECONDS) for r in rows]
            run.commit(
                {kind: [spool.to_table(kind, rows)]}, lambda items=items: [*map(run.ledger.put_item, items)]
            )
        with run.ledger.transaction():
            for clip in (records[Clip] for records in clips):
                row = ClipRow(
                    clip.id, clip.source_sha256, clip.start_s, clip.end_s, clip.source, clip.source, "k"
                )
                run.ledger.put_clip(row)
                run.ledger.put_source(SourceRow(clip.source, 1, 1, "k", clip.source_sha256))
            for clip_id, stage, error in failed:
                run.ledger.put_item(ItemRow(clip_id, stage, "", "one", FAILED, 1, error, "why"))
            for source in unreadable:
                run.ledger.put_source(
                    SourceRow(source, 1, 1, "k", status=FAILED, error_type="VideoError", error="no video")
                )
    return path
