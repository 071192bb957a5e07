"""Exporters: one file each, chosen by its file name; each offers ``export(run, out) -> Exported``.

An exporter reads a run and never changes it. Clips that failed, or that a stage dropped (``camera.drop_above``), are
left out: a half-annotated clip is not a clip in which little happened. Files appear whole or not at all.

Of what a clip says, captions with a contradicted claim and questions that were asked before are left out, too
(``Sieve``). Keyword-only parameters of ``export`` are its options (``kinescribe export --option KEY=VALUE``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, TypeVar, runtime_checkable

from kinescribe.errors import RecipeError, nearest
from kinescribe.questions.duplicates import Seen
from kinescribe.records import Captions, Clip, Question, Questions, Verdicts

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
    contradicted: int = 0
    """Captions that are left out because a claim of theirs was found false."""
    duplicates: int = 0
    """Questions that are left out because the same was asked before."""
    unfit: int = 0
    """Questions of a kind that the format has no place for."""


class Sieve:
    """Takes from the clips of one export what is not to be published, and counts it.

    Args:
        contradicted: whether captions with a contradicted claim are kept, with their verdicts.
    """

    def __init__(self, contradicted: bool = False) -> None:
        self._keep = contradicted
        self._source, self._seen = "", Seen()
        self.contradicted = self.duplicates = 0

    def __call__(self, clip: Clip, records: Mapping[type, Any]) -> dict[type, Any]:
        """Return a clip's records without contradicted captions (and their verdicts) and repeated questions."""
        sifted = dict(records)
        if not self._keep and Captions in records and Verdicts in records:
            sifted[Captions], sifted[Verdicts] = self._sayable(records[Captions], records[Verdicts])
        if Questions in records:
            asked = records[Questions].questions
            fresh = tuple(question for question in asked if self._is_new(clip, question))
            self.duplicates += len(asked) - len(fresh)
            sifted[Questions] = Questions(fresh)
        return sifted

    def exported(
        self, run: RunReader, files: Iterable[Path], clips: int, pending: int, unfit: int = 0
    ) -> Exported:
        """Return the account of an export that has ended."""
        return Exported(
            tuple(files), clips, num_failed(run), pending, self.contradicted, self.duplicates, unfit
        )

    def _sayable(self, captions: Captions, verdicts: Verdicts) -> tuple[Captions, Verdicts]:
        false = {verdict.caption for verdict in verdicts.verdicts if verdict.holds is False}
        kept = [i for i in range(len(captions.captions)) if i not in false]
        self.contradicted += len(captions.captions) - len(kept)
        place = {before: now for now, before in enumerate(kept)}
        left = (replace(v, caption=place[v.caption]) for v in verdicts.verdicts if v.caption in place)
        return Captions(tuple(captions.captions[i] for i in kept)), Verdicts(tuple(left))

    def _is_new(self, clip: Clip, question: Question) -> bool:
        """Whether the same was not asked of the same pictures before; what is no question is for others to refuse."""
        if (
            clip.source_sha256 != self._source
        ):  # questions of other videos are other questions: they are forgotten
            self._source, self._seen = clip.source_sha256, Seen()
        whole = 0 <= question.answer_index < len(question.options)
        return not whole or self._seen.first(clip, question)


def options(export: Callable[..., Exported], given: Sequence[str]) -> dict[str, Any]:
    """Return keyword arguments for an exporter from ``KEY=VALUE`` texts.

    Its keyword-only parameters are its options; the type of a default is the type of the value.

    Raises:
        RecipeError: there is no such option, or the value is not one of its type.
    """
    parameters = inspect.signature(export).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    chosen: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise RecipeError(f'--option {text}: write it as KEY=VALUE, e.g. "seed=7"')
        if name not in defaults:
            hint = nearest(name, defaults) or "; it has none"
            raise RecipeError(f'--option {text}: this format has no option "{name}"{hint}')
        chosen[name] = _typed(text, value.strip(), type(defaults[name]))
    return chosen


def _typed(text: str, value: str, kind: type) -> Any:
    if kind is bool:
        if value.lower() not in ("true", "false"):
            raise RecipeError(f"--option {text}: must be true or false")
        return value.lower() == "true"
    try:
        return kind(value)
    except ValueError as error:
        what = {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        raise RecipeError(f"--option {text}: must be {what}") from error


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
    streams: list[TextIO] = []
    with whole_paths(paths) as partials:
        try:
            for partial in partials:
                streams.append(partial.open("w", encoding="utf-8", newline="\n"))
            yield streams
        finally:
            for stream in streams:
                stream.close()


@contextmanager
def whole_paths(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Give temporary names to write to; what is there at the end takes the names wanted, together.

    A file that was not written leaves its name alone; an error leaves all that was there before.
    """
    targets = list(paths)
    partials = [path.with_name(path.name + ".part") for path in targets]
    try:
        yield partials
        for partial, path in zip(partials, targets, strict=True):
            if partial.exists():
                partial.replace(path)
    finally:
        for partial in partials:
            partial.unlink(missing_ok=True)
