"""How far a checkpoint is fetched: a live bar on a terminal, a sparse line elsewhere, on standard error."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from kinescribe.checkpoints import Received

EVERY_S = 10.0
"""Seconds between two lines where there is no terminal."""


class Reporter:
    """A context manager, and the callback of ``checkpoints.pull``."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self._live = console.is_terminal and not quiet
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not self._live,
        )
        self._task = self._bar.add_task("fetching", total=None, visible=False)
        self._said = time.monotonic()

    def __enter__(self) -> Reporter:
        self._bar.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, now: Received) -> None:
        """Show how far the download is."""
        if self._live:
            self._bar.update(
                self._task,
                description=now.name,
                completed=now.done_bytes,
                total=now.total_bytes,
                visible=True,
            )
        elif not self.quiet and time.monotonic() - self._said >= EVERY_S:
            self._said = time.monotonic()
            done = f"{now.done_bytes / 1e6:.0f} of {now.total_bytes / 1e6:.0f} MB"
            self.console.print(f"  {now.name}: {done}", highlight=False, markup=False)
