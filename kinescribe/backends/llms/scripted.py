r"""Answers from a file instead of a model: for tests, and for demos without a network.

``scripted:FILE`` reads JSON Lines; the first rule that fits a request answers it. Keys of a rule, all optional:

- ``match``: a regular expression, looked for in all words of the request; ``prompt``: the name of its prompt file.
- ``answer``: text, or any other JSON, which is written out; or ``answers``: a list, of which one is chosen by the
  request (the same request always gets the same). ``\g<1>`` stands for a group of ``match``.
- ``refusal``: the words of a model that declines. ``cut_off``: true for an answer that reached its limit.
- ``before``, ``after``: prose around the answer. ``status``: fails like an HTTP answer of that status (429, 500, ...),
  ``retry_after_s`` with it; ``latency_s``: waits before it answers.
- ``times``: the rule serves so often, then the next ones do.

``scripted:pkg.module:function`` calls a function with each ``Request``; it returns text or a ``Reply``,
or raises ``CallError``.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from kinescribe.errors import BackendError, nearest
from kinescribe.llm.budget import CHARACTERS_A_TOKEN
from kinescribe.llm.messages import CallError, Reply, Request, Send

__all__ = ["Scripted"]

KEYS = frozenset(
    "match prompt answer answers refusal cut_off before after status retry_after_s latency_s times".split()
)
_GROUP = re.compile(r"\\+g<(\d+)>")  # written out as JSON, a backslash is two
Answers = Callable[[Request], Reply | str]


@dataclass(frozen=True)
class Scripted:
    """A model that says what a file says."""

    file: str = ""
    """JSON Lines."""
    function: Answers | None = field(default=None, compare=False)
    """Answers instead of a file."""
    name: str = ""
    """Stands for the function in fingerprints."""

    revision: ClassVar[int] = 1

    @classmethod
    def of(cls, argument: str) -> Scripted:
        """Return the model of ``FILE`` or ``pkg.module:function``."""
        dotted, colon, attribute = argument.partition(":")
        if not colon or Path(argument).exists() or not re.fullmatch(r"[\w.]+", dotted):
            return cls(argument)
        try:
            return cls("", getattr(importlib.import_module(dotted), attribute), argument)
        except (ImportError, AttributeError) as error:
            raise BackendError(f'"scripted:{argument}" is neither a file nor a function: {error}') from error

    def identity(self) -> str:
        """Name the function, or the file by what it says."""
        if self.function is not None:
            return f"scripted/{self.revision}/{self.name}"
        try:
            return f"scripted/{self.revision}/{hashlib.sha256(Path(self.file).read_bytes()).hexdigest()[:16]}"
        except OSError:
            return "no file"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Send]:
        """Give the function that answers a request."""
        yield _Script(_rules(self.file)).send if self.function is None else _asked(self.function)


@dataclass(frozen=True)
class _Rule:
    """One line of a file."""

    match: re.Pattern[str]
    prompt: str | None
    answers: tuple[str, ...]
    refusal: str | None
    cut_off: bool
    status: int
    retry_after_s: float | None
    latency_s: float
    times: float

    def fits(self, request: Request) -> re.Match[str] | None:
        """Return where the rule's expression stands in a request, if the rule is for it."""
        named = self.prompt is None or self.prompt == request.prompt.partition("@")[0]
        return self.match.search(request.text()) if named else None


@dataclass
class _Script:
    """The rules, and how often each one served."""

    rules: list[_Rule]
    served: Counter[int] = field(default_factory=Counter)

    async def send(self, request: Request) -> Reply:
        """Answer by the first rule that fits."""
        for number, rule in enumerate(self.rules):
            found = rule.fits(request) if self.served[number] < rule.times else None
            if found is not None:
                self.served[number] += 1
                await asyncio.sleep(rule.latency_s)
                return _reply(rule, request, found)
        named = f' (prompt "{request.prompt}")' if request.prompt else ""
        raise CallError("rejected", f"no rule of the script fits the request{named}; add one without a match")


def _reply(rule: _Rule, request: Request, found: re.Match[str]) -> Reply:
    if rule.status >= 400:
        kinds = {429: "rate", 408: "busy", 409: "busy", 401: "denied", 403: "denied", 404: "denied"}
        kind = kinds.get(rule.status, "busy" if rule.status >= 500 else "rejected")
        raise CallError(kind, f"the script answers {rule.status}", rule.retry_after_s)
    chosen = int(request.key("")[:8], 16) % len(rule.answers) if rule.answers else 0
    text = _GROUP.sub(lambda m: found[int(m[1])] or "", rule.answers[chosen]) if rule.answers else ""
    return _counted(request, Reply(text, rule.refusal, rule.cut_off, raw=text or rule.refusal or ""))


def _asked(function: Answers) -> Send:
    async def send(request: Request) -> Reply:
        said = function(request)
        return _counted(request, Reply(said, raw=said)) if isinstance(said, str) else said

    return send


def _counted(request: Request, reply: Reply) -> Reply:
    """Return a reply with about as many tokens as a model would count."""
    tokens_in, tokens_out = (len(text) // CHARACTERS_A_TOKEN for text in (request.text(), reply.text))
    return replace(reply, tokens_in=tokens_in, tokens_out=tokens_out)


# --- reading ------------------------------------------------------------------------------------------------


def _rules(file: str) -> list[_Rule]:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BackendError(f"cannot read the script {file}: {error}") from error
    return [_rule(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _rule(line: str, where: str) -> _Rule:
    try:
        told = json.loads(line)
        if not isinstance(told, dict):
            raise TypeError("a rule is a JSON object")
        unknown = sorted(told.keys() - KEYS)
        if unknown:
            raise ValueError(f'no key "{unknown[0]}"{nearest(unknown[0], KEYS)}')
        answers = told.get("answers", [told["answer"]] if "answer" in told else [])
        match = re.compile(told.get("match", ""), re.DOTALL)
        around = str(told.get("before", "")), str(told.get("after", ""))
        groups = [int(m[1]) for answer in answers for m in _GROUP.finditer(_text(answer))]
        if max(groups, default=0) > match.groups:
            raise ValueError(f"the expression has no group {max(groups)}")
        return _Rule(
            match=match,
            prompt=told.get("prompt"),
            answers=tuple(f"{around[0]}{_text(answer)}{around[1]}" for answer in answers),
            refusal=told.get("refusal"),
            cut_off=bool(told.get("cut_off", False)),
            status=int(told.get("status", 200)),
            retry_after_s=None if "retry_after_s" not in told else float(told["retry_after_s"]),
            latency_s=float(told.get("latency_s", 0)),
            times=float(told.get("times", "inf")),
        )
    except (ValueError, TypeError, re.error) as error:
        raise BackendError(f"{where}: {error}") from error


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
