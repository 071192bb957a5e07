"""Records on disk: one append-only Lance dataset per record type, keyed by clip, stage and fingerprint.

Appends are atomic: a killed writer leaves whole batches or nothing. A key may occur twice (a batch that was
committed here but not noted in the ledger may be done again); the later row counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa

from kinescribe.errors import StoreError
from kinescribe.runs import codec
from kinescribe.runs.spool import schema_of

COMPACT_EVERY = 32
"""Appends between compactions: every append adds a file, and a scan opens each of them."""
ROWS_PER_FILE = 256
"""Files with as many rows are not merged again, so that the cost of compaction stays linear."""
KEEP_OLD = timedelta(hours=1)
"""Old versions stay this long for readers that opened the run before."""

Key = tuple[str, str]
"""Clip id and fingerprint."""


class Table:
    """The dataset of one record type; reads see what was committed when ``refresh`` was last called.

    Args:
        path: the dataset's folder, which need not exist yet.
        record_type: what the rows hold.
    """

    def __init__(self, path: Path, record_type: type) -> None:
        self.path, self.record_type = path, record_type
        self._dataset: lance.LanceDataset | None = None
        self._rows: dict[Key, int] = {}
        self._appends = 0
        self.refresh()

    def refresh(self) -> None:
        """See what has been committed since."""
        if not self.path.exists():
            return
        try:
            self._dataset = lance.dataset(str(self.path))
            keys = self._dataset.to_table(columns=["clip_id", "fingerprint"])
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
        self._rows = {key: row for row, key in enumerate(_keys(keys))}

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def read(self, keys: Sequence[Key]) -> list[Any]:
        """Return the records of keys, in their order; KeyError if one is not there."""
        rows = [self._rows[key] for key in keys]
        if not rows or self._dataset is None:
            return []
        try:
            cells = self._dataset.take(rows).to_pylist()
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
        return [codec.from_row(self.record_type, cell) for cell in cells]

    def append(self, table: pa.Table) -> None:
        """Commit rows in one step.

        Raises:
            StoreError: the disk refuses, or the dataset has other columns.
        """
        expected = schema_of(self.record_type)
        if self._dataset is not None and not self._dataset.schema.equals(expected):
            raise StoreError(
                f"{self.path} was written by another version of Kinescribe (its columns differ); annotate into a "
                "new folder, or delete that folder to have its records computed again"
            )
        try:
            mode = "create" if self._dataset is None else "append"
            self._dataset = lance.write_dataset(table, str(self.path), mode=mode)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"cannot write to {self.path}: {error}; is the disk full or read-only?"
            ) from error
        first = self._dataset.count_rows() - table.num_rows
        self._rows.update({key: first + i for i, key in enumerate(_keys(table))})
        self._appends += 1
        if self._appends % COMPACT_EVERY == 0:
            self.compact()

    def compact(self) -> None:
        """Merge small files, and drop versions that no reader can still hold. If it fails, nothing is lost."""
        if self._dataset is None or len(self._dataset.get_fragments()) < COMPACT_EVERY // 2:
            return
        try:
            self._dataset.optimize.compact_files(target_rows_per_fragment=ROWS_PER_FILE)
            self._dataset.cleanup_old_versions(older_than=KEEP_OLD)
        except OSError:
            return
        self.refresh()

    def _broken(self, error: Exception) -> StoreError:
        return StoreError(
            f"cannot read {self.path}: {error}; delete that folder and annotate again to have its records "
            "computed anew"
        )


def _keys(table: pa.Table) -> list[Key]:
    return list(zip(table["clip_id"].to_pylist(), table["fingerprint"].to_pylist(), strict=True))
