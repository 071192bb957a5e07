"""What is asked of a language model (``Request``), what a backend gives (``Reply``), what a stage gets (``Answer``)."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from kinescribe.errors import BackendError

M = TypeVar("M", bound=BaseModel)

OK: Final = "ok"
REFUSED: Final = "refused"
UNUSABLE: Final = "unusable"
FAILED: Final = "failed"
Status = Literal["ok", "refused", "unusable", "failed"]


@dataclass(frozen=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True)
class Image:
    """An encoded picture."""

    data: bytes
    media_type: str = "image/jpeg"

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of the bytes, which stands for them where requests are compared."""
        return hashlib.sha256(self.data).hexdigest()


class TimedImage(NamedTuple):
    """A picture of a clip and its true presentation time."""

    time_s: float
    image: Image


@dataclass(frozen=True)
class Frames:
    """Pictures of a clip in order of time."""

    shots: tuple[TimedImage, ...]
    rate_hz: float
    """They were taken at this rate, the clip's last one besides."""


Part = Text | Image | Frames


class Turn(NamedTuple):
    """An earlier answer to the same request, and what was said about it."""

    answer: str
    reply: str


@dataclass(frozen=True)
class Request:
    """One question to a model: everything its answer depends on, and nothing else."""

    parts: tuple[Part, ...]
    """What the user says and shows, in order."""
    system: str = ""
    schema: type[BaseModel] | None = None
    """The answer is to be JSON of this kind, which the model class validates; None: any text."""
    temperature: float = 0.0
    seed: int = 0
    max_tokens: int = 2048
    """Of the answer. An answer that reaches it is cut off, and counts as unusable where JSON was asked for."""
    prompt: str = ""
    """Name and hash of the prompt file (``prompts.Prompt.identity``), for the log."""
    turns: tuple[Turn, ...] = ()
    """The repairs so far."""
    check: Callable[[Any], str] | None = field(default=None, compare=False, repr=False)
    """Says what is wrong with an answer of the schema, in words for the model, or nothing: what no schema can say,
    such as that a quote is not in the text. Not part of the key: kept answers are looked at again."""

    def flat(self) -> Iterator[Text | Image]:
        """Yield the parts with frames taken apart: each picture after a line that tells its time."""
        for part in self.parts:
            if isinstance(part, Frames):
                for time_s, image in part.shots:
                    yield Text(f"frame at {time_s:.2f} s")
                    yield image
            else:
                yield part

    def text(self) -> str:
        """Return all words of the request: system, user, repairs."""
        said = [part.text for part in self.flat() if isinstance(part, Text)]
        return "\n".join([self.system, *said, *(line for turn in self.turns for line in turn)])

    def key(self, model: str) -> str:
        """Return a hash of the whole request to a model; pictures count by their bytes."""
        shown = [["text", p.text] if isinstance(p, Text) else [p.media_type, p.sha256] for p in self.flat()]
        schema = schema_text(self.schema) if self.schema is not None else None
        settings = [self.temperature, self.seed, self.max_tokens]
        covered = json_bytes([model, self.system, shown, schema, settings, self.turns])
        return hashlib.sha256(covered).hexdigest()


def json_bytes(value: Any) -> bytes:
    """Return plain values as JSON; several times as fast as ``json.dumps``, which still takes what is no UTF-8."""
    try:
        return to_json(value)
    except (PydanticSerializationError, UnicodeEncodeError):  # half a surrogate pair, e.g. of a file's name
        return json.dumps(value).encode()


@functools.cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model class's JSON schema in the strict form that endpoints ask for: all keys, and no others."""
    return _strict(model.model_json_schema())


@functools.cache
def schema_text(model: type[BaseModel]) -> str:
    """Return a model class's JSON schema as JSON."""
    return json.dumps(schema_of(model))


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    done = {key: _strict(value) for key, value in node.items() if key != "default"}
    if isinstance(done.get("properties"), dict):
        done |= {"additionalProperties": False, "required": list(done["properties"])}
    return done


@dataclass(frozen=True)
class Reply:
    """What one call gave, as a backend reads it."""

    text: str
    refusal: str | None = None
    """The model's words where it declines."""
    cut_off: bool = False
    """Whether the answer ended because of ``max_tokens``."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    """None where the endpoint does not tell."""
    raw: str = ""
    """The body as it came."""
    notes: tuple[str, ...] = ()
    """What of the request the endpoint did not take, e.g. its seed."""


Send = Callable[[Request], Awaitable[Reply]]
"""What a backend's connection is."""


class CallError(BackendError):
    """A call that gave no answer: raised by backends, for the client to try again, or to make an ``Answer`` of.

    Attributes:
        kind: ``rate`` (429), ``busy`` (408, 409, 5xx), ``timeout``, ``lost`` (no connection), ``rejected`` (this
            request will never do), ``denied`` (no request will: key, address or model are wrong).
        retry_after_s: how long the endpoint asks to be left alone.
    """

    def __init__(self, kind: str, message: str, retry_after_s: float | None = None) -> None:
        self.kind, self.retry_after_s = kind, retry_after_s
        super().__init__(message)

    @property
    def again(self) -> bool:
        """Whether the same call may succeed later."""
        return self.kind in ("rate", "busy", "timeout", "lost")


SHOWN_ERROR = 300
"""Characters of an error that a line of ``Answer.problem`` shows."""


@dataclass(frozen=True)
class Answer:
    """What came of a request, with what it took."""

    status: Status
    text: str = ""
    """The model's last words."""
    value: BaseModel | None = None
    """The answer as an instance of ``Request.schema``; None unless the status is ``ok`` and a schema was asked for."""
    error: str = ""
    """Why the status is not ``ok``."""
    tokens_in: int | None = 0
    tokens_out: int | None = 0
    """Of all calls together, repairs included; None where the endpoint did not tell."""
    cost_usd: float | None = 0.0
    """None where tokens or prices are unknown."""
    latency_s: float = 0.0
    """From sending to the whole answer, all calls together, waiting in between not counted."""
    attempts: int = 0
    """Times something was sent; 0 where every call was answered before."""
    calls: int = 0
    """The first one and its repairs."""
    raw: tuple[str, ...] = ()
    """The body of each call's answer."""
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether this is what was asked for."""
        return self.status == OK

    def value_of(self, kind: type[M]) -> M:
        """Return ``value``; BackendError, as of ``required``, unless the answer is of the kind that was asked for."""
        value = self.required().value
        if not isinstance(value, kind):
            raise BackendError(f"the model was not asked for a {kind.__name__}; set Request.schema")
        return value

    @property
    def problem(self) -> str:
        """What an answer was that is not ``ok``, in a line for those who read what became of it."""
        return f"the model's answer was {self.status}: {' '.join(self.error.split())[:SHOWN_ERROR]}"

    def came(self) -> Answer:
        """Return this answer, whatever it says; BackendError if there is none (``failed``): asking again may help.

        For whom a text in the answer's place would stay for ever.
        """
        if self.status == FAILED:
            raise BackendError(f"a language model did not answer: {self.error}; run again to ask it again")
        return self

    def required(self) -> Answer:
        """Return this answer; BackendError, with the raw answer, unless it is what was asked for."""
        if not self.ok:
            raise BackendError(f"the model's answer is {self.status}: {self.error}", raw="\n".join(self.raw))
        return self
