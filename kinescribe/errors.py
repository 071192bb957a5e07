"""Every error Kinescribe raises. Each message says what happened and what to do next.

KinescribeError
├ RecipeError      which key, what was expected, nearest valid name
├ PipelineError    stages in an impossible order
├ VideoError       path, time_s, the decoder's last words
├ BackendError     missing, not installed, or answered nonsense (raw answer kept)
├ ParseError       text and span
├ StoreError       what is on disk, what was expected, what to do
└ StageError       stage + clip id, wrapping the cause; only the runner raises it
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class KinescribeError(Exception):
    """Base of all errors that Kinescribe raises on purpose."""


class RecipeError(KinescribeError):
    """A recipe (or ``--set``) names an unknown key or holds an impossible value."""


class PipelineError(KinescribeError):
    """The stages stand in an order in which some record is read before it is written."""


class VideoError(KinescribeError):
    """A video cannot be read.

    Attributes:
        path: the file as the user named it.
        time_s: presentation time up to which frames could be read, if any.
        decoder: the decoder's last words.
    """

    def __init__(self, path: str, problem: str, *, time_s: float | None = None, decoder: str = "") -> None:
        self.path, self.problem, self.time_s, self.decoder = path, problem, time_s, decoder
        at = "" if time_s is None else f" at {time_s:.2f} s"
        said = f" (decoder: {decoder})" if decoder else ""
        super().__init__(f"{path}: {problem}{at}{said}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not survive pickling between processes by themselves.
        return _rebuild_video_error, (self.path, self.problem, self.time_s, self.decoder)


def _rebuild_video_error(path: str, problem: str, time_s: float | None, decoder: str) -> VideoError:
    return VideoError(path, problem, time_s=time_s, decoder=decoder)


class BackendError(KinescribeError):
    """A model behind a stage is missing, not installed, or answered nonsense.

    Attributes:
        raw: the raw answer, where there was one.
    """

    def __init__(self, message: str, raw: str | None = None) -> None:
        self.raw = raw
        super().__init__(message)


class ParseError(KinescribeError):
    """A text cannot be read.

    Attributes:
        text: the whole text.
        span: character offsets (start, end) of the part that failed.
    """

    def __init__(self, message: str, text: str = "", span: tuple[int, int] = (0, 0)) -> None:
        self.text, self.span = text, span
        super().__init__(message)


class StoreError(KinescribeError):
    """A run directory does not hold what it should."""


class StageError(KinescribeError):
    """A stage failed on a clip; ``__cause__`` holds the reason. Only the runner raises it."""

    def __init__(self, stage: str, clip_id: str, reason: str) -> None:
        self.stage, self.clip_id, self.reason = stage, clip_id, reason
        super().__init__(f"{stage} failed on clip {clip_id}: {reason}")

    def __reduce__(self) -> tuple[object, ...]:
        return StageError, (self.stage, self.clip_id, self.reason)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint such as ``; did you mean "camera"?``, or the list of what exists."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known: {', '.join(names)}" if names else ""
