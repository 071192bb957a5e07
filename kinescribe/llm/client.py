"""Asks a model: many calls at once, each tried again, kept, checked, repaired and counted, whatever the backend.

A backend (``backends/llms``) sends one call. Everything that every backend needs stands here and beside.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

from pydantic import BaseModel

from kinescribe import plugins, prompts
from kinescribe.errors import BackendError, StoreError, nearest
from kinescribe.llm.budget import Budget, Prices
from kinescribe.llm.calls import Call, Calls, Spent
from kinescribe.llm.gate import Breaker, Gate, Waits
from kinescribe.llm.messages import (
    FAILED,
    OK,
    REFUSED,
    UNUSABLE,
    Answer,
    CallError,
    Reply,
    Request,
    Send,
    Status,
    Turn,
    schema_text,
)
from kinescribe.llm.structure import Unusable, parse

T = TypeVar("T")

LONGEST_CHARACTERS_A_TOKEN = 16
"""An answer with more characters than this for each of ``max_tokens`` ignores the limit: English has four."""
SHOWN_BACK = 4000
"""Characters of an unusable answer that go back to the model."""


@dataclass(frozen=True)
class CallSettings:
    """How a model is asked. None of these changes what is asked, so none is part of a request's key."""

    in_flight: int = 32
    """Calls at a time; less for a while after a 429. Hosted APIs bear tens, a local server its batch size."""
    timeout_s: float = 120.0
    """For one call: a long answer of a slow local model."""
    attempts: int = 6
    """Times a call is sent that fails with 408, 409, 5xx, a time-out or no connection: some 15 s of waits."""
    patience_s: float = 600.0
    """How long a call is tried at all, 429 or not: a limit per minute passes, one per day does not."""
    repairs: int = 2
    """Times a model is told what is wrong with an answer: what two corrections do not mend, more seldom do."""
    dead_after: int = 24
    """Failures in a row, of all calls together, after which the endpoint is taken for dead ..."""
    dead_s: float = 10.0
    """And for so long: a server that starts anew, or a line that is down for a moment, is not dead."""
    seed: int = 0
    """Of the jitter of the waits."""
    usd_per_million_in: float | None = None
    usd_per_million_out: float | None = None
    """Prices of tokens; None: unknown, and then costs are unknown, too."""
    budget_usd: float | None = None
    budget_tokens: int | None = None
    """What all calls of a run, past ones included, may take; None: no limit."""

    def __post_init__(self) -> None:
        for name in ("in_flight", "attempts", "dead_after"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        for name in ("timeout_s", "patience_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive")
        if self.repairs < 0:
            raise ValueError("repairs must not be negative")


def call_settings(given: Mapping[str, int | float]) -> CallSettings:
    """Return settings of calls; ValueError where there is no such setting, or it does not fit."""
    known = get_type_hints(CallSettings)
    for name, value in given.items():
        if name not in known:
            raise ValueError(f'calls: no setting "{name}"{nearest(name, known)}')
        if known[name] in (int, int | None) and not isinstance(value, int):
            raise ValueError(f"calls.{name} must be a whole number, not {value}")
    return CallSettings(**given)  # type: ignore[arg-type]


class Sent(NamedTuple):
    """A call with its answer, and how often it was sent now (0: it was answered before)."""

    call: Call
    attempts: int


class Client:
    """Asks one model.

    Args:
        model: a ``backends.LanguageModel``.
        settings: how.
        folder: where calls and their log are kept (a run's folder); None: nowhere.

    Raises:
        StoreError: nothing can be kept in the folder.
        BackendError: a budget in dollars without prices.
    """

    def __init__(self, model: Any, settings: CallSettings | None = None, folder: Path | None = None) -> None:
        self.model, self.settings, self.folder = model, settings or CallSettings(), folder
        own = self.settings
        self._prices = Prices(own.usd_per_million_in, own.usd_per_million_out)
        self._calls = Calls(folder)
        self._budget = Budget(self._prices, own.budget_usd, own.budget_tokens, self._calls)
        # A model in this process takes its batch at a time: what waits for it is not being answered.
        self._gate = Gate(min(own.in_flight, getattr(model, "at_once", own.in_flight)))
        self._breaker = Breaker(own.dead_after, own.dead_s)
        self._waits = Waits(own.seed)
        self._name = str(model.identity())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stack = AsyncExitStack()
        self._send: Send | None = None
        self._same: dict[str, asyncio.Future[Answer]] = {}
        self._written: asyncio.Future[None] | None = None
        self._leaving = 0
        """Calls whose places become free with the next write."""
        self._stopped: Exception | None = None
        """Why no more calls are sent, until it is asked anew."""
        self._halt = asyncio.Event()
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        """Answers by status, those given now and those kept from before."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and files."""
        if self._loop is not None:
            self._run(self._stack.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop = None
        self._calls.close()

    def spent(self) -> Spent:
        """Return what all calls of the folder took so far."""
        return self._run(_called(self._calls.spent))

    def ask(self, request: Request) -> Answer:
        """Return the answer to one request; errors as of ``ask_all``."""
        return self.ask_all([request])[0]

    def ask_all(self, requests: Iterable[Request]) -> list[Answer]:
        """Return an answer for each request, in their order.

        What fails for one request alone is that answer's status. Requests are taken one by one as places become
        free, so that a generator's pictures are not all in memory at once; it must not ask this client itself.

        Raises:
            BackendError: no further call can succeed: the endpoint is dead or denies access, or the budget is used up.
                Answers until then are kept; the message counts them.
            StoreError: answers cannot be kept.
        """
        with self._lock:
            return self._run(self._ask_all(requests))

    # --- one request ---

    async def _ask_all(self, requests: Iterable[Request]) -> list[Answer]:
        await self._connect()
        self._go_on()
        answers: dict[int, Answer] = {}
        waiting = enumerate(requests)

        async def work() -> None:
            try:
                for number, request in waiting:
                    answers[number] = await self._once(request)
                    if self._stopped is not None:
                        return
            except Exception as error:
                self._stop(error)
                raise

        # The others end their calls, which may have been paid for, before an error goes on.
        await asyncio.gather(*(work() for _ in range(self.settings.in_flight)), return_exceptions=True)
        self._calls.flush()
        if isinstance(self._stopped, BackendError):
            done = Counter(answer.status for answer in answers.values())
            told = ", ".join(f"{number} {status}" for status, number in sorted(done.items())) or "nothing"
            raise BackendError(f"{self._stopped} (so far: {told}; answers are kept)") from self._stopped
        if self._stopped is not None:
            raise self._stopped
        return [answers[number] for number in sorted(answers)]

    async def _once(self, request: Request) -> Answer:
        """Return the answer to a request; one that is being answered already is not asked a second time."""
        key = request.key(self._name)
        if key in self._same:
            return await asyncio.shield(self._same[key])
        self._same[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._answer(request, key)
        except BaseException as error:
            self._same[key].set_exception(error)
            self._same[key].exception()  # seen, also where nobody else waits for it
            raise
        else:
            self._same[key].set_result(answer)
        finally:
            del self._same[key]
        self.counts[answer.status] += 1
        self._calls.note(self._line(request, key, answer))
        return answer

    async def _answer(self, request: Request, key: str) -> Answer:
        """Ask, check, and ask again where the answer cannot be used."""
        sent: list[Sent] = []
        asked, wrong = request, ""
        for _ in range(1 + self.settings.repairs):
            try:
                sent.append(await self._call(asked, key))
            except CallError as error:
                return _summed(sent, Outcome(FAILED, error=str(error)))
            reply = sent[-1].call.reply
            try:
                return _summed(sent, _checked(request, reply))
            except Unusable as error:
                wrong = str(error)
                asked = replace(asked, turns=(*asked.turns, _turn(request, reply, wrong)))
                key = asked.key(self._name)
        self._calls.set_aside(one.call.key for one in sent)
        return _summed(sent, Outcome(UNUSABLE, sent[-1].call.reply.text, error=wrong))

    async def _call(self, request: Request, key: str) -> Sent:
        """Return the answer to exactly this request: the kept one, or a new one.

        Raises:
            CallError: this call has no answer.
            BackendError: no call has.
        """
        kept = self._calls.get(key)
        if kept is not None:
            return Sent(kept, 0)
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            try:
                call = await self._attempt(request, key, attempt)
            except CallError as error:
                wait_s = self._waits.after(attempt, error)
                over = time.monotonic() - began + wait_s > self.settings.patience_s
                last = error.kind != "rate" and attempt >= self.settings.attempts
                if not error.again or over or last:
                    tried = f" ({attempt} attempts)" if attempt > 1 else ""
                    raise CallError(error.kind, f"{error}{tried}", error.retry_after_s) from error
                await self._pause(wait_s)
            else:
                return Sent(call, attempt)

    async def _attempt(self, request: Request, key: str, attempt: int) -> Call:
        """Send a request once, and return its answer when it is on disk.

        The call's place is free only then: whatever happens, no more answers are lost than calls are in flight.
        """
        reserved = await self._budget.reserve(request)
        reply: Reply | None = None
        entered = await self._gate.enter()
        try:
            if self._stopped is not None:
                raise self._stopped
            await self._breaker.enter()
            reply = await self._noted(request, entered)
        except BaseException:
            self._gate.leave()
            raise
        finally:
            await self._budget.settle(reserved, reply)
        latency_s = time.monotonic() - entered
        cost = self._prices.of(reply.tokens_in, reply.tokens_out)
        call = Call(key, reply, latency_s, cost, self._name, request.prompt, attempt)
        self._calls.put(call)
        self._leaving += 1
        await self._flushed()
        return call

    async def _noted(self, request: Request, entered: float) -> Reply:
        """Send a request, and let breaker and gate know what came of it."""
        try:
            reply = await self._timed(request)
        except CallError as error:
            self._breaker.failed(error)
            if error.kind == "rate":
                self._gate.too_many(entered, error.retry_after_s)
            if error.kind == "denied":
                told = BackendError(str(error))
                self._stop(told)  # at once: others are about to send
                raise told from error
            raise
        except BaseException:
            self._breaker.tried()
            raise
        self._breaker.answered()
        self._gate.answered()
        return reply

    async def _timed(self, request: Request) -> Reply:
        assert self._send is not None
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                return await self._send(request)
        except TimeoutError:
            raise CallError("timeout", f"no answer within {self.settings.timeout_s:g} s") from None

    # --- keeping and telling ---

    def _flushed(self) -> asyncio.Future[None]:
        """Return a future that is done when all that was put so far is on disk: one write for one turn of the loop."""
        if self._written is None:
            loop = asyncio.get_running_loop()
            self._written = loop.create_future()
            loop.call_soon(self._flush)
        return self._written

    def _flush(self) -> None:
        written, self._written = self._written, None
        assert written is not None
        failure: StoreError | None = None
        try:
            self._calls.flush()
        except StoreError as error:
            failure = error
            self._stop(error)
        # Those who wait for a place go on before those whose answers these are.
        leaving, self._leaving = self._leaving, 0
        for _ in range(leaving):
            self._gate.leave()
        if written.cancelled():
            return  # whoever waited was interrupted
        if failure is not None:
            written.set_exception(failure)
        else:
            written.set_result(None)

    def _line(self, request: Request, key: str, answer: Answer) -> dict[str, Any]:
        return {
            "model": self._name,
            "prompt": request.prompt,
            "request": key[:16],
            "status": answer.status,
            "kept": answer.calls > 0 and answer.attempts == 0,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
            "cost_usd": answer.cost_usd if answer.attempts else 0.0,
            "latency_s": round(answer.latency_s, 4),
            "attempts": answer.attempts,
            "calls": answer.calls,
            **({"error": answer.error[:500]} if answer.error else {}),
            **({"notes": answer.notes} if answer.notes else {}),
        }

    # --- the loop ---

    def _go_on(self) -> None:
        self._stopped = None
        self._halt.clear()

    def _stop(self, error: Exception) -> None:
        """Let no more calls be sent."""
        self._stopped = self._stopped or error
        self._halt.set()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than there is something to wait for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._halt.wait()

    async def _connect(self) -> None:
        if self._send is None:
            self._send = await self._stack.enter_async_context(self.model.connect())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in the client's own loop, which lives in a thread of its own: callers may have a loop themselves."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_turn_over, args=[self._loop], daemon=True)
            self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


def _turn_over(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped."""
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _called(function: Callable[[], T]) -> T:
    return function()


class Outcome(NamedTuple):
    """An answer but for what it took."""

    status: Status
    text: str = ""
    value: BaseModel | None = None
    error: str = ""
    notes: tuple[str, ...] = ()


def _checked(request: Request, reply: Reply) -> Outcome:
    """Return what a reply comes to; Unusable, with words for the model, if it is no answer."""
    if reply.refusal is not None:
        words = reply.refusal[:300] or "without a word"
        return Outcome(REFUSED, reply.text, error=f"the model declines: {words}")
    if len(reply.text) > LONGEST_CHARACTERS_A_TOKEN * request.max_tokens:
        raise Unusable(
            f"the answer has {len(reply.text)} characters; give at most {request.max_tokens} tokens"
        )
    if request.schema is None:
        if not reply.text.strip():
            cut = ": all tokens went into what comes before it; raise max_tokens" if reply.cut_off else ""
            raise Unusable(f"the answer is empty{cut}")
        return Outcome(OK, reply.text.strip(), notes=("cut off at max_tokens",) if reply.cut_off else ())
    try:
        value = parse(reply.text, request.schema)
        wrong = request.check(value) if request.check is not None else ""
        if wrong:
            raise Unusable(wrong)
        return Outcome(OK, reply.text, value)
    except Unusable as error:
        cut = f"; it was cut off at {request.max_tokens} tokens: be brief" if reply.cut_off else ""
        raise Unusable(f"{error}{cut}") from error


def _summed(sent: list[Sent], outcome: Outcome) -> Answer:
    """Return an answer with what all its calls took."""
    calls = [one.call for one in sent]
    notes = dict.fromkeys((*outcome.notes, *(note for call in calls for note in call.reply.notes)))
    return Answer(
        status=outcome.status,
        text=outcome.text,
        value=outcome.value,
        error=outcome.error,
        tokens_in=_total([call.reply.tokens_in for call in calls]),
        tokens_out=_total([call.reply.tokens_out for call in calls]),
        cost_usd=_total([call.cost_usd for call in calls]),
        latency_s=sum([call.latency_s for call in calls]),
        attempts=sum([one.attempts for one in sent]),
        calls=len(sent),
        raw=tuple([call.reply.raw for call in calls]),
        notes=tuple(notes),
    )


def _turn(request: Request, reply: Reply, wrong: str) -> Turn:
    """Return what goes back to the model."""
    schema = schema_text(request.schema) if request.schema is not None else ""
    words = prompts.load("repair").render(problem=wrong, schema=prompts.Own(schema))
    return Turn(reply.text[:SHOWN_BACK], words.user)


def _total(numbers: list[Any]) -> Any:
    """Return the sum, or None if one of them is unknown."""
    return None if None in numbers else sum(numbers)


# --- which model, and where ---------------------------------------------------------------------------------


def model_of(spec: str) -> Any:
    """Return the backend that a text names, e.g. ``openai:MODEL[@URL]``, ``hf:FOLDER_OR_ID`` or ``scripted:FILE``.

    Raises:
        BackendError: there is no such backend, or it cannot read what follows its name.
    """
    name, colon, argument = spec.partition(":")
    if name not in plugins.names("llms") and "." in name:
        thing, colon, argument = argument.partition(":")
        name = f"{name}:{thing}"
    if not colon or not argument:
        raise BackendError(
            f'"{spec}" names no model; e.g. openai:gpt-4o-mini, hf:Qwen/Qwen3-VL-4B-Instruct, or scripted:answers.jsonl'
        )
    return plugins.load("llms", name).of(argument)


_FOLDER: ContextVar[Path | None] = ContextVar("folder of the calls", default=None)
_SHARED: dict[tuple[int, str, CallSettings, Path | None], Client] = {}


@contextmanager
def kept_in(folder: Path | None) -> Iterator[None]:
    """Let the clients that are asked for inside keep their calls in a folder; they answer the same without."""
    before = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(before)


def shared(spec: str, settings: CallSettings | None = None) -> Client:
    """Return this process's client for a model: clip after clip uses the same connections, limits and breaker.

    Raises: as ``model_of`` and ``Client``.
    """
    key = (os.getpid(), spec, settings or CallSettings(), _FOLDER.get())
    if key not in _SHARED:
        _SHARED[key] = Client(model_of(spec), key[2], key[3])
    return _SHARED[key]


def identity(spec: str) -> str:
    """Return what a model's answers depend on, for fingerprints."""
    return str(model_of(spec).identity()) if spec else ""
