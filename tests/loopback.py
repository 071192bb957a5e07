"""An endpoint on 127.0.0.1 that speaks OpenAI's chat completions, well or badly, as it is told.

A behaviour is a function of the request's body and of how many requests came before; it returns an ``Act``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Act:
    """What the endpoint does with one request."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    drop: bool = False
    """Close the connection instead of answering."""
    half: bool = False
    """Close it in the middle of the answer."""
    chunked: bool = False
    raw: bytes | None = None
    """Send exactly this, and close the connection unless it ``stays``."""
    stays: bool = False


Behaviour = Callable[[dict[str, Any], int], Act]


def completion(
    text: str | None, finish: str = "stop", usage: tuple[int, int] | None = (100, 20), **more: Any
) -> bytes:
    """A completion with a text; ``more`` goes into its message."""
    told: dict[str, Any] = {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **more}}],
    }  # fmt: skip
    if usage:
        told["usage"] = dict(zip(("prompt_tokens", "completion_tokens"), usage, strict=True))
    return json.dumps(told).encode()


def says(text: str | None, **more: Any) -> Act:
    return Act(completion(text, **more))


def refuses(status: int, message: str = "no", **headers: str) -> Act:
    """An error with OpenAI's body; ``retry_after="1"`` is a header."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Act(json.dumps({"error": {"message": message}}).encode(), status, named)


@dataclass
class Loopback:
    """The endpoint, in a thread of its own; a context manager."""

    behaviour: Behaviour
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies, in order."""
    heads: list[str] = field(default_factory=list)
    certificate: Path | None = None
    """With its key, for TLS."""
    connections: int = 0
    most_at_once: int = 0
    _now: int = 0

    def __enter__(self) -> Loopback:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        tls = None
        if self.certificate is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(self.certificate)
        started = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls), self._loop
        )
        self._server = started.result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    port: int = 0

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        body = json.loads(await reader.readexactly(length))
        number = len(self.asked)
        self.asked.append(body)
        self.heads.append(head)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            act = self.behaviour(body, number)
            await asyncio.sleep(act.delay_s)
        finally:
            self._now -= 1
        if act.drop:
            return False
        answer = act.raw if act.raw is not None else _written(act)
        writer.write(answer[: len(answer) // 2] if act.half else answer)
        await writer.drain()
        return not act.half and (act.raw is None or act.stays)


def _written(act: Act) -> bytes:
    lines = [
        f"HTTP/1.1 {act.status} X",
        "Content-Type: application/json",
        *(f"{n}: {v}" for n, v in act.headers),
    ]
    if act.chunked:
        third = max(1, len(act.body) // 3)
        pieces = [act.body[i : i + third] for i in range(0, len(act.body), third)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        return "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode() + chunks
    return "\r\n".join([*lines, f"Content-Length: {len(act.body)}", "", ""]).encode() + act.body
