"""Any endpoint that speaks OpenAI's chat completions: a hosted API, vLLM, Ollama, llama.cpp, a LiteLLM proxy.

Source: OpenAI's API reference, "Create chat completion"; vLLM and Ollama follow it in part. What an endpoint does not
take (a JSON schema, a seed, a temperature, ``max_completion_tokens``) is not known beforehand: it says so with a 400,
is asked again without, and that is remembered as long as the connection lasts. Each answer notes what was left out.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, ClassVar

from kinescribe.backends.card import Card
from kinescribe.backends.llms._http import Endpoint, Response, without_login
from kinescribe.errors import BackendError
from kinescribe.llm.messages import CallError, Reply, Request, Send, Text, json_bytes, schema_of

__all__ = ["OpenAI"]

DEFAULT_URL = "https://api.openai.com/v1"
FORMS = ("schema", "json", "none")
"""Ways to ask for JSON, the strictest first: by schema, any JSON, by words alone."""
FORM_WORDS = (
    "response_format",
    "json_schema",
    "json_object",
    "guided",
    "grammar",
    "structured",
    "strict",
    "schema",
)
"""By these a 400 is known to be about the way JSON was asked for."""
DROPPABLE = ("seed", "temperature")
"""Settings that some models do not take."""


@dataclass(frozen=True)
class OpenAI:
    """A model behind an endpoint. The key is read from the environment when connecting, and kept nowhere."""

    model: str = ""
    """As the endpoint calls it."""
    base_url: str = ""
    """Up to ``/v1``; empty: ``OPENAI_BASE_URL`` of the environment, else OpenAI's own."""
    key_variable: str = "OPENAI_API_KEY"
    """Environment variable with the key; endpoints at home need none."""
    image_detail: str = "auto"
    """``low``, ``high`` or ``auto``: how closely hosted models look at pictures."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="whatever an endpoint offers: a hosted API, vLLM, Ollama, llama.cpp",
        paper="OpenAI's API reference, chat completions",
        licence="the model's",
        memory="the endpoint's",
        run_here="endpoints of our own on this machine; no published model",
    )

    @classmethod
    def of(cls, argument: str) -> OpenAI:
        """Return the model that ``MODEL[@BASE_URL]`` names; model names may hold an @ themselves."""
        for mark in ("@http://", "@https://"):
            model, found, rest = argument.partition(mark)
            if found:
                return cls(model, mark[1:] + rest.rstrip("/"))
        return cls(argument)

    @property
    def url(self) -> str:
        """The address that is asked."""
        return (self.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL).rstrip("/")

    def identity(self) -> str:
        """Name model and endpoint, without a password that stands in the address."""
        return f"openai/{self.revision}/{self.model}@{without_login(self.url)}/{self.image_detail}"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Send]:
        """Give the function that sends a request."""
        if not self.model:
            raise BackendError("no model is named; e.g. openai:gpt-4o-mini")
        key = os.environ.get(self.key_variable, "").strip()
        headers = {"accept": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        endpoint = Endpoint(self.url, headers)
        try:
            yield _Talk(self, endpoint, key).send
        finally:
            await endpoint.close()


class _Talk:
    """What was learnt about an endpoint while talking to it."""

    def __init__(self, model: OpenAI, endpoint: Endpoint, key: str) -> None:
        self._model, self._endpoint, self._key = model, endpoint, key
        self._form = 0
        self._left_out: set[str] = set()
        self._limit = "max_tokens"

    async def send(self, request: Request) -> Reply:
        """Send a request; CallError where there is no answer."""
        for _ in range(len(FORMS) + len(DROPPABLE) + 1):
            form, left_out, limit = self._form, frozenset(self._left_out), self._limit
            content = json_bytes(self._body(request, FORMS[form], left_out, limit))
            response = await self._endpoint.post("/chat/completions", content)
            if response.status == 200:
                return _reply(self._hidden(response.body), _notes(request, FORMS[form], left_out))
            told = self._hidden(response.body)
            learnt = response.status in (400, 422) and self._learnt(_message(told), form, request)
            # Another call may have learnt it meanwhile.
            changed = (form, left_out, limit) != (self._form, frozenset(self._left_out), self._limit)
            if not learnt and not (response.status in (400, 422) and changed):
                raise self._error(response, told)
        raise CallError("rejected", f"{self._endpoint.shown} takes the request in no form")

    def _learnt(self, told: str, form: int, request: Request) -> bool:
        """Note what the endpoint says it does not take; False if it says nothing of the kind."""
        said = told.lower()
        if self._limit in said and "max_completion_tokens" in said and self._limit == "max_tokens":
            self._limit = "max_completion_tokens"
            return True
        for name in DROPPABLE:
            if re.search(rf"\b{name}\b", said) and name not in self._left_out:
                self._left_out.add(name)
                return True
        asks = request.schema is not None and form < len(FORMS) - 1
        if asks and any(word in said for word in FORM_WORDS):
            self._form = max(self._form, form + 1)
            return True
        return False

    def _body(self, request: Request, form: str, left_out: frozenset[str], limit: str) -> dict[str, Any]:
        system = request.system
        wanted: dict[str, Any] = {}
        if request.schema is not None:
            schema = schema_of(request.schema)
            if form == "schema":
                shape = {"name": request.schema.__name__, "strict": True, "schema": schema}
                wanted["response_format"] = {"type": "json_schema", "json_schema": shape}
            else:
                asked = f"Answer with one JSON object of this schema and nothing else:\n{json.dumps(schema)}"
                system = f"{system}\n\n{asked}".strip()
                wanted |= {"response_format": {"type": "json_object"}} if form == "json" else {}
        settings = {"temperature": request.temperature, "seed": request.seed}
        wanted |= {name: value for name, value in settings.items() if name not in left_out}
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": self._content(request)})
        for turn in request.turns:
            messages.append({"role": "assistant", "content": turn.answer or "(nothing)"})
            messages.append({"role": "user", "content": turn.reply})
        return {"model": self._model.model, "messages": messages, limit: request.max_tokens, **wanted}

    def _content(self, request: Request) -> Any:
        parts = list(request.flat())
        if all(isinstance(part, Text) for part in parts):  # small servers take no list of parts
            return "\n\n".join(part.text for part in parts if isinstance(part, Text))
        content: list[dict[str, Any]] = []
        for part in parts:
            if isinstance(part, Text):
                content.append({"type": "text", "text": part.text})
            else:
                url = f"data:{part.media_type};base64,{base64.b64encode(part.data).decode()}"
                content.append(
                    {"type": "image_url", "image_url": {"url": url, "detail": self._model.image_detail}}
                )
        return content

    def _hidden(self, body: bytes) -> str:
        """Return a body as text, without the key should it be quoted there."""
        text = body.decode("utf-8", "replace")
        return text.replace(self._key, "[key]") if self._key else text

    def _error(self, response: Response, told: str) -> CallError:
        """Return what an answer other than 200 means."""
        status, where = response.status, f"{self._model.model} at {self._endpoint.shown}"
        said = f"{where} answered {status}: {_message(told)[:300]}"
        wait = retry_after_s(response)
        if status == 429:
            quota = "insufficient_quota" in told
            return CallError(
                "denied" if quota else "rate", said + ("; look at its billing" if quota else ""), wait
            )
        if status in (408, 409) or status >= 500:
            return CallError("busy", said, wait)
        if status in (401, 403):
            has = "was refused" if self._key else "is not set"
            return CallError("denied", f"{said}; the key in ${self._model.key_variable} {has}")
        if status == 404:
            return CallError("denied", f"{said}; look at the model's name and the address (it ends in /v1)")
        if 300 <= status < 400:
            to = response.headers.get("location", "elsewhere")
            return CallError("denied", f"{where} sends on to {to}; name that address")
        return CallError("rejected", said)


def _reply(body: str, notes: tuple[str, ...]) -> Reply:
    """Read a completion; CallError where it is none."""
    try:
        told = json.loads(body)
        choice = told["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        usage = told.get("usage") or {}
        if not isinstance(text, str | None) or not isinstance(refusal, str | None):
            raise TypeError("the content is no text")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CallError(
            "busy", f"what the endpoint answered is no completion ({error}): {body[:200]}"
        ) from error
    finish = choice.get("finish_reason")
    if finish == "content_filter" and refusal is None:
        refusal = "stopped by a content filter"
    return Reply(
        # Half a surrogate pair, which JSON can spell, is no text that can be kept.
        text=(text or "").encode("utf-8", "replace").decode(),
        refusal=refusal or None,
        cut_off=finish == "length",
        tokens_in=_count(usage, "prompt_tokens"),
        tokens_out=_count(usage, "completion_tokens"),
        raw=body,
        notes=notes,
    )


def _count(usage: Any, name: str) -> int | None:
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if isinstance(number, int) and number >= 0 else None


def _notes(request: Request, form: str, left_out: frozenset[str]) -> tuple[str, ...]:
    """Return what of the request the endpoint did not get."""
    loose = {"json": ["asked for any JSON"], "none": ["asked for JSON by words"]}.get(form, [])
    loose = loose if request.schema is not None else []
    return (*loose, *(f"without {name}" for name in sorted(left_out)))


def _message(told: str) -> str:
    """Return the words of an error: OpenAI's form, or whatever came."""
    try:
        error = json.loads(told).get("error", told)
        words = error.get("message", told) if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        words = told
    return " ".join(str(words).split())


def retry_after_s(response: Response) -> float | None:
    """Return how many seconds an answer asks to wait (RFC 9110, 10.2.3: seconds or a date); None where it does not."""
    told = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(response.headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time())
    except (ValueError, TypeError):
        return None
