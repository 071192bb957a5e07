"""Exporters: one file each, chosen by its file name; each offers ``export(run, out) -> Exported``.

An exporter reads a run and never changes it. Clips that failed, or that a stage dropped (``camera.drop_above``), are
left out: a half-annotated clip is not a clip in which little happened. Files appear whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, TypeVar, runtime_checkable

from kinescribe.records import Clip

R = TypeVar("R")


@runtime_checkable
class Failure(Protocol):
    """What a run remembers of a clip, or of a whole source, that failed."""

    @property
    def source(self) -> str: ...

    @property
    def clip_id(self) -> str | None: ...

    @property
    def stage(self) -> str: ...

    @property
    def error_type(self) -> str: ...

    @property
    def message(self) -> str: ...

    @property
    def attempts(self) -> int: ...


@runtime_checkable
class Drop(Protocol):
    """What a run remembers of a clip that a stage found not worth going on with."""

    @property
    def clip_id(self) -> str: ...


@runtime_checkable
class RunReader(Protocol):
    """What exporters and the viewer need of a run."""

    def clips(self) -> list[Clip]: ...

    def record(self, clip_id: str, kind: type[R], /) -> R | None: ...

    def records(self, clip_id: str) -> dict[type, Any]: ...

    def failures(self) -> Sequence[Failure]: ...

    def dropped(self) -> Sequence[Drop]: ...


class Exported(NamedTuple):
    """What an export wrote, and what it left out."""

    files: tuple[Path, ...]
    clips: int
    failed: int
    """Clips and unreadable sources that failed and are not in the files."""
    pending: int
    """Clips that no stage has seen yet and that are not in the files."""


def in_order(clips: Iterable[Clip]) -> list[Clip]:
    """Return clips by source, start and id: an order that does not depend on how the run went."""
    return sorted(clips, key=lambda clip: (clip.source, clip.start_s, clip.id))


def wanted_clips(run: RunReader) -> list[Clip]:
    """Return the clips of a run in which no stage failed and that none dropped, in order."""
    left_out = {failure.clip_id for failure in run.failures()} | {drop.clip_id for drop in run.dropped()}
    return in_order(clip for clip in run.clips() if clip.id not in left_out)


def num_failed(run: RunReader) -> int:
    """Return how many clips, and sources that gave no clip, failed."""
    return len({(failure.clip_id, failure.clip_id or failure.source) for failure in run.failures()})


def is_pending(records: Mapping[type, Any]) -> bool:
    """Whether no stage has seen a clip yet."""
    return not records.keys() - {Clip}


@contextmanager
def whole_files(paths: Iterable[Path]) -> Iterator[list[TextIO]]:
    """Open files for writing that take their names together at the end; an error leaves what was there."""
    targets = list(paths)
    partials = [path.with_name(path.name + ".part") for path in targets]
    streams: list[TextIO] = []
    try:
        for partial in partials:
            streams.append(partial.open("w", encoding="utf-8", newline="\n"))
        yield streams
        for stream in streams:
            stream.close()
        for partial, path in zip(partials, targets, strict=True):
            partial.replace(path)
    finally:
        for stream, partial in zip(streams, partials, strict=False):
            stream.close()
            partial.unlink(missing_ok=True)
