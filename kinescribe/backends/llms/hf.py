"""A language model in this process: Qwen2.5-VL and Qwen3-VL on pictures and words, any causal model on words.

``hf:PATH_OR_ID``, with settings as in an address: ``hf:Qwen/Qwen3-VL-4B-Instruct?device=cuda:0&batch=8``. Weights:
``hf:Qwen/Qwen2.5-VL-7B-Instruct`` (FoundationMotion's namer), ``hf:Qwen/Qwen3-VL-4B-Instruct`` (MotionAtlas). Papers:
Bai et al. 2025, arXiv:2502.13923 and arXiv:2511.21631. Memory: two bytes a weight in bfloat16 (9 GB for 4B, 17 GB for
7B) and a gigabyte or two a request. No published weights were run here: tiny random checkpoints of the true classes
were, on CPU.

Frames go in as pictures with their times in words, as to every other model. Pictures are made ready by PIL, also where
torchvision is there: it resamples differently, and the same request would get another answer.

Every worker process loads a model of its own: set ``run.workers = 1`` on one GPU. Waiting for a place in a batch counts
for ``calls.timeout_s``: set ``calls.in_flight`` to ``batch``, and more seconds for a large model on a CPU.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from kinescribe.backends.card import Card
from kinescribe.backends.llms._local import WHO, Loaded, Ready, Told, loaded
from kinescribe.backends.nets import huggingface
from kinescribe.errors import BackendError, nearest
from kinescribe.llm.messages import CallError, Reply, Request, Send
from kinescribe.llm.structure import THOUGHTS_END

__all__ = ["HuggingFace"]

SETTINGS: Mapping[str, Callable[[str], Any]] = {
    "device": str, "dtype": str, "batch": int, "max_pixels": int, "max_total_pixels": int,
}  # fmt: skip
"""What can stand after the question mark."""
LINGER_S = 0.05
"""So long a batch that is not full waits for more: requests that follow an answer come within milliseconds."""


@dataclass(frozen=True)
class HuggingFace:
    """A checkpoint with a chat template, answering a few requests at a time in a thread.

    A temperature of 0 takes the likeliest token. Above, tokens are drawn by the request's own seed, whatever else is in
    the batch; settings of sampling in the checkpoint (top_p, penalties) are not used. In bfloat16 the rounding depends
    on the batch, and an answer may: ``batch=1`` repeats exactly.
    """

    model: str = ""
    """A folder, or an id that was pulled."""
    device: str = "auto"
    dtype: str = "auto"
    batch: int = 4
    """Requests at a time; halved where memory runs out."""
    max_pixels: int = 262_144
    """Of one picture; a larger one is made smaller. 256 tokens of Qwen3-VL: MotionAtlas trains with it, and
    FoundationMotion too (arXiv:2512.10927)."""
    max_total_pixels: int = 8_388_608
    """Of all pictures of a request: 32 of the largest. With more pictures each is made smaller."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="Qwen2.5-VL, Qwen3-VL; causal language models",
        paper="Bai et al. 2025, arXiv:2502.13923; Bai et al. 2025, arXiv:2511.21631",
        licence="Apache-2.0 (Qwen2.5-VL 7B, Qwen3-VL); the 3B of Qwen2.5-VL for research only",
        weights=("hf:Qwen/Qwen3-VL-4B-Instruct", "hf:Qwen/Qwen2.5-VL-7B-Instruct"),
        memory="9 GB for 4B and 17 GB for 7B in bfloat16 (two bytes a weight), and 1 to 2 GB a request",
        extra="hf",
        gpu=True,
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype, self.batch)
        if not 1024 <= self.max_pixels <= self.max_total_pixels:
            raise ValueError("max_pixels must be at least 1024 (32 x 32) and at most max_total_pixels")

    @classmethod
    def of(cls, argument: str) -> HuggingFace:
        """Return the model of ``PATH_OR_ID[?SETTING=VALUE[&...]]``; settings are this class's fields.

        Raises:
            BackendError: there is no such setting, or it does not take the value.
        """
        name, mark, query = argument.rpartition("?")
        if not mark or Path(argument).expanduser().is_dir():
            return cls(argument)
        try:
            given = dict(parse_qsl(query, strict_parsing=True))
            unknown = sorted(given.keys() - SETTINGS.keys())
            if unknown:
                raise ValueError(
                    f'no setting "{unknown[0]}"{nearest(unknown[0], SETTINGS)}; there are {", ".join(SETTINGS)}'
                )
            return cls(name, **{key: SETTINGS[key](value) for key, value in given.items()})
        except ValueError as error:
            raise BackendError(f'"hf:{argument}": {error}') from error

    @property
    def at_once(self) -> int:
        """How many requests are of use at a time: what waits for a place longer than that only waits."""
        return self.batch

    def identity(self) -> str:
        """Name versions and checkpoint, and the settings that change what the model sees and how it counts."""
        own = huggingface.identity(self.model, "tokenizers", "pillow")
        return f"hf/{self.revision}/{own}/{self.dtype}/{self.max_pixels}/{self.max_total_pixels}"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Send]:
        """Load the model, and give the function that asks it.

        Raises:
            BackendError: a package, the checkpoint, the device or memory is missing, or it is no such model.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix=WHO) as thread:
            model = await loop.run_in_executor(thread, loaded, self.model, self.device, self.dtype)
            desk = _Desk(model, self, thread)
            serving = asyncio.create_task(desk.serve())
            try:
                yield desk.send
            finally:
                serving.cancel()
                desk.dismiss()


# --- who waits ---


class _Ticket:
    """A request that waits, and where its answer goes."""

    def __init__(self, request: Request, answer: asyncio.Future[Reply]) -> None:
        self.request, self.answer = request, answer
        self.gone = False
        """Nobody waits any more. Read by the thread."""


class _Desk:
    """Takes requests as they come, and has them answered some at a time."""

    def __init__(self, loaded: Loaded, settings: HuggingFace, thread: ThreadPoolExecutor) -> None:
        self._loaded, self._settings, self._thread = loaded, settings, thread
        self._size = settings.batch
        self._queue: asyncio.Queue[_Ticket] = asyncio.Queue()
        self._taken: list[_Ticket] = []

    async def send(self, request: Request) -> Reply:
        """Answer a request; CallError where it cannot be."""
        ticket = _Ticket(request, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(ticket)
        try:
            return await ticket.answer
        finally:
            ticket.gone = True

    async def serve(self) -> None:
        """Answer what comes until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._taken = [await self._queue.get()]
            if self._size > 1 and self._queue.qsize() < self._size - 1:
                await asyncio.sleep(LINGER_S)
            while len(self._taken) < self._size and not self._queue.empty():
                self._taken.append(self._queue.get_nowait())
            self._taken = [ticket for ticket in self._taken if not ticket.gone]
            if not self._taken:
                continue
            try:
                replies = await loop.run_in_executor(self._thread, self._answered, self._taken)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is theirs who asked
                replies = [error] * len(self._taken)
            for ticket, reply in zip(self._taken, replies, strict=True):
                _put(ticket.answer, reply)

    def dismiss(self) -> None:
        """Let a generation that is under way end with its next token."""
        for ticket in self._taken:
            ticket.gone = True

    def _answered(self, tickets: Sequence[_Ticket]) -> list[Reply | Exception]:
        """Return a reply or what went wrong for each ticket. In the thread."""
        ready = [_ready(self._loaded, ticket.request, self._settings) for ticket in tickets]
        asked = [(t, r) for t, r in zip(tickets, ready, strict=True) if isinstance(r, Ready)]
        notes: list[str] = []
        replies = iter(self._in_batches(asked, notes))
        return [next(replies) if isinstance(r, Ready) else r for r in ready]

    def _in_batches(self, asked: list[tuple[_Ticket, Ready]], notes: list[str]) -> list[Reply | Exception]:
        """Answer so many at a time as fit into memory; from then on no more are tried."""
        done: list[Reply | Exception] = []
        while len(done) < len(asked):
            tickets, batch = zip(*asked[len(done) : len(done) + self._size], strict=True)
            try:
                with self._loaded.lock:
                    texts = self._loaded.generate(batch, _gone(tickets))
            except (RuntimeError, MemoryError) as error:
                if not huggingface.out_of_memory(error):
                    raise
                told = str(error).partition("\n")[0][:300]
                if len(batch) > 1:
                    self._size = len(batch) // 2
                    notes.append(
                        f"out of memory with {len(batch)} requests at a time, so {self._size} from now on"
                    )
                else:
                    done.append(_too_large(batch[0], told))
            else:
                done += [_reply(one, told, tuple(notes)) for one, told in zip(batch, texts, strict=True)]
                continue
            huggingface.free()
        return done


def _gone(tickets: Sequence[_Ticket]) -> Callable[[int], bool]:
    return lambda row: tickets[row].gone


def _put(answer: asyncio.Future[Reply], reply: Reply | Exception) -> None:
    if answer.done():
        return
    if isinstance(reply, Exception):
        answer.set_exception(reply)
    else:
        answer.set_result(reply)


def _ready(loaded: Loaded, request: Request, settings: HuggingFace) -> Ready | CallError:
    try:
        return loaded.ready(request, settings.max_pixels, settings.max_total_pixels)
    except CallError as error:
        return error


def _reply(ready: Ready, told: Told, notes: tuple[str, ...]) -> Reply:
    text = told.text.rpartition(THOUGHTS_END)[2].strip()
    notes = (*ready.notes, *notes)
    return Reply(text, None, not told.ended, len(ready.ids), len(told.ids), told.raw, notes)


def _too_large(ready: Ready, told: str) -> CallError:
    return CallError(
        "rejected",
        f"{WHO}: there is not enough memory for a request of {len(ready.ids)} tokens: {told}; show fewer or smaller "
        "pictures (max_pixels), or take a smaller model or another device",
    )
