"""What language models took: the calls that a run keeps, read without writing to them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kinescribe.errors import StoreError
from kinescribe.llm.calls import CALLS, LOG, VERSION


@dataclass(frozen=True)
class ModelCalls:
    """The calls of one model."""

    model: str
    calls: int
    tokens_in: int
    """Known ones, here and below."""
    tokens_out: int
    cost_usd: float
    unpriced: int
    """Calls whose cost is not known."""
    attempts: int
    """Calls that were sent, those that had to be sent again included."""
    latency_s: float
    """Mean, of the attempt that was answered."""


@dataclass(frozen=True)
class Asked:
    """What language models were asked for a run."""

    models: tuple[ModelCalls, ...]
    prompts: Mapping[str, int]
    """Calls by prompt."""
    statuses: Mapping[str, int]
    """Requests by what came of them: ok, failed, ...; without those that an answer from before served."""
    kept: int
    """Requests that an answer from before served."""


def asked(folder: Path) -> Asked | None:
    """Return what the models of a run were asked; None where none was.

    Raises:
        StoreError: the kept calls cannot be read.
    """
    if not (folder / CALLS).is_file():
        return None
    try:
        models, prompts = _kept_calls(folder / CALLS)
    except sqlite3.Error as error:
        raise StoreError(
            f"cannot read {folder / CALLS}: {error}; move it away (its calls will be asked and paid for again)"
        ) from error
    statuses, kept = _statuses(folder / LOG)
    return Asked(models, prompts, statuses, kept)


def _kept_calls(path: Path) -> tuple[tuple[ModelCalls, ...], dict[str, int]]:
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        return _tables(uri)
    except sqlite3.OperationalError:
        # On a read-only medium: the log file that WAL wants cannot be made, and is not needed.
        return _tables(f"{uri}&immutable=1")


def _tables(uri: str) -> tuple[tuple[ModelCalls, ...], dict[str, int]]:
    db = sqlite3.connect(uri, uri=True, timeout=30)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:  # made, and not yet written to
            return (), {}
        if version != VERSION:
            raise StoreError(f"the run's model calls have version {version}, this Kinescribe reads {VERSION}")
        models = db.execute(
            "SELECT model, COUNT(*), COALESCE(SUM(tokens_in), 0), COALESCE(SUM(tokens_out), 0), "
            "COALESCE(SUM(cost_usd), 0.0), SUM(cost_usd IS NULL), SUM(attempts), AVG(latency_s) "
            "FROM calls GROUP BY model ORDER BY model"
        ).fetchall()
        prompts = db.execute(
            "SELECT prompt, COUNT(*) FROM calls GROUP BY prompt ORDER BY 2 DESC, 1"
        ).fetchall()
    finally:
        db.close()
    return tuple(ModelCalls(*row) for row in models), dict(prompts)


def _statuses(log: Path) -> tuple[dict[str, int], int]:
    """Count the lines of the log by status; a line that a crash tore tells nothing."""
    found: Counter[str] = Counter()
    kept = 0
    if not log.is_file():
        return {}, 0
    with log.open("rb") as stream:
        for line in stream:
            try:
                told = json.loads(line)
                status, again = str(told["status"]), bool(told["kept"])
            except (ValueError, KeyError, TypeError):
                continue
            kept += again
            if not again:
                found[status] += 1
    return dict(found.most_common()), kept
