"""Progress on standard error: a live bar on a terminal, a sparse line elsewhere. Standard output stays clean."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kinescribe.runs import execute

EVERY_S = 10.0
"""Seconds between two lines where there is no terminal."""


class Reporter:
    """Shows how an annotation goes; a context manager, and the callback of ``annotate_all``."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._started = self._said = time.monotonic()

    def __enter__(self) -> Reporter:
        self._bar.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, now: execute.Progress) -> None:
        """Show the state of the work."""
        if not (now.sources or now.clips):
            return  # nothing to do: the summary says so
        if self.console.is_terminal:
            self._move(now)
        elif not self.quiet:
            self._say(now)

    def _move(self, now: execute.Progress) -> None:
        if self._task is None:
            self._task = self._bar.add_task("scanning", words="")
        scanning = now.sources_done < now.sources
        self._bar.update(
            self._task,
            description="scanning" if scanning and not now.clips_done else "annotating",
            total=now.video_s or None,
            completed=now.video_done_s,
            words=words(now),
        )

    def _say(self, now: execute.Progress) -> None:
        moment = time.monotonic()
        if moment - self._said < EVERY_S:
            return
        self._said = moment
        self.console.print(f"{words(now)}, {remaining(now, moment - self._started)}", highlight=False)


def words(now: execute.Progress) -> str:
    """Return the state of the work in words."""
    parts = []
    if now.sources:
        parts.append(f"{now.sources_done}/{now.sources} videos scanned")
    parts.append(f"{now.clips_done}/{now.clips} clips")
    if now.failures:
        parts.append(f"{now.failures} failed")
    return ", ".join(parts)


def remaining(now: execute.Progress, elapsed_s: float) -> str:
    """Return how long the rest will take, going by the seconds of video so far."""
    if now.video_done_s <= 0 or now.sources_done < now.sources:
        return "time left not known yet"
    left_s = elapsed_s * (now.video_s - now.video_done_s) / now.video_done_s
    return f"about {left_s / 60:.0f} min left" if left_s >= 90 else f"about {left_s:.0f} s left"
