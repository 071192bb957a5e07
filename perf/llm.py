"""``python -m perf.llm``: how many calls a second the client makes, against an endpoint that answers in 50 ms.

256 calls in flight could be answered 5,120 times a second. The endpoint is a process of its own; both share the cores
with whatever else runs, so the CPU time per call of either is told, too, and what a client reaches that does nothing
but send and receive: what is left of the ideal there is the machine's. Calls are kept on disk and logged, as in a run;
every answer is JSON that is checked.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pydantic import BaseModel

from kinescribe.backends.llms._http import Endpoint
from kinescribe.backends.llms.openai import OpenAI
from kinescribe.llm.client import CallSettings, Client
from kinescribe.llm.messages import Request, Text
from tests.loopback import completion

ANSWER_S, IN_FLIGHT, CALLS = 0.05, 256, 15_360
LIMIT = 0.9
"""Share of the ideal."""
WORDS = "A person walks to the right and lifts a cup. " * 20
ROUNDS = 3


class Verdict(BaseModel):
    """The answer that is asked for."""

    holds: bool


class Taken(NamedTuple):
    """Seconds for all calls; opening and closing the files they are kept in is not counted."""

    wall_s: float
    cpu_s: float


class _Always(asyncio.Protocol):
    """Answers every request with the same, some time after it is complete."""

    body = completion('{"holds": true}')
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.came = transport, bytearray()
        self.later = asyncio.get_running_loop().call_later

    def data_received(self, data: bytes) -> None:
        self.came += data
        end = self.came.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self.came.rfind(b"content-length: ", 0, end) + len("content-length: ")
        if len(self.came) >= end + 4 + int(self.came[at : self.came.find(b"\r\n", at)]):
            self.came.clear()
            self.later(ANSWER_S, self.transport.write, self.answer)  # type: ignore[attr-defined]


def _serve(pipe: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Always, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        while True:
            await asyncio.sleep(0.01)
            if pipe.poll():
                pipe.recv()
                pipe.send(time.process_time())

    asyncio.run(main())


@contextmanager
def endpoint() -> Iterator[tuple[str, Connection]]:
    """An endpoint in another process, and a pipe that tells its CPU time when asked."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=[there], daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1", here
    finally:
        process.terminate()
        process.join()


def _cpu_of(pipe: Connection) -> float:
    pipe.send(None)
    cpu: float = pipe.recv()
    return cpu


def requests(number: int, tag: str = "") -> Iterator[Request]:
    """Requests that all differ."""
    return (Request((Text(f"{tag}{i}: {WORDS}"),), "Is it true?", Verdict) for i in range(number))


def with_client(url: str, folder: Path) -> Taken:
    """Ask through everything that a stage asks through."""
    with Client(OpenAI("m", url), CallSettings(in_flight=IN_FLIGHT), folder) as client:
        began, cpu = time.perf_counter(), time.process_time()
        answers = client.ask_all(requests(CALLS))
        taken = Taken(time.perf_counter() - began, time.process_time() - cpu)
    assert all(answer.ok for answer in answers)
    return taken


def bare(url: str, folder: Path) -> Taken:
    """Send and receive, and nothing else."""

    async def main() -> None:
        line = Endpoint(url, {})
        body = b'{"messages": "%b"}' % WORDS.encode()
        left = iter(range(CALLS))

        async def work() -> None:
            for _ in left:
                await line.post("/chat/completions", body)

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))

    began, cpu = time.perf_counter(), time.process_time()
    asyncio.run(main())
    return Taken(time.perf_counter() - began, time.process_time() - cpu)


def table() -> bool:
    """Print the table; return whether the limit was kept in the best round."""
    ideal = IN_FLIGHT / ANSWER_S
    print(f"\n### {CALLS} calls, {IN_FLIGHT} in flight, each answered after {1000 * ANSWER_S:.0f} ms\n")
    print(
        "| who asks | calls/s | of the ideal | CPU ms a call | of the endpoint |\n| --- | --- | --- | --- | --- |"
    )
    best = 0.0
    with endpoint() as (url, pipe):
        for name, ask in [("the client", with_client), ("nothing but HTTP", bare)] * ROUNDS:
            with TemporaryDirectory() as folder:
                before = _cpu_of(pipe)
                wall, cpu = ask(url, Path(folder))
            share = CALLS / wall / ideal
            best = max(best, share) if ask is with_client else best
            theirs = 1000 * (_cpu_of(pipe) - before) / CALLS
            mine = 1000 * cpu / CALLS
            print(f"| {name} | {CALLS / wall:.0f} | {share:.0%} | {mine:.3f} | {theirs:.3f} |")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"\n{os.cpu_count()} cores, load {load:.1f}; the ideal is {ideal:.0f} calls/s.")
    if best < LIMIT:
        print(f"\nmissed: at least {LIMIT:.0%} of the ideal")
    return best >= LIMIT


if __name__ == "__main__":
    sys.exit(not table())
