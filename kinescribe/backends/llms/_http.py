"""POST over kept-alive HTTP/1.1 connections, for an endpoint that is asked thousands of times.

General clients take a millisecond or more of the processor per call. This one knows what an endpoint for models needs
and no more: lengths and chunks, TLS, proxies of the environment (CONNECT). It follows no redirect, and keeps no cookie.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from kinescribe.errors import BackendError
from kinescribe.llm.messages import CallError

LARGEST = 2**26
"""Bytes of an answer: 64 MB of text is no answer."""
IDLE_S = 4.0
"""A connection that rested for longer is not used again: Node and uvicorn close theirs after five seconds."""


class Response(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Endpoint:
    """Connections to one address.

    Raises:
        BackendError: the address is no http or https URL.
    """

    base_url: str
    headers: Mapping[str, str]
    _idle: list[tuple[float, _Connection]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._url = _split(self.base_url)
        secure = self._url.scheme == "https"
        self._tls = ssl.create_default_context() if secure else None
        self._port = self._url.port or (443 if secure else 80)
        self._proxy = _proxy(self._url)
        fixed = {
            "host": self._url.netloc.rpartition("@")[2],
            "content-type": "application/json",
            **self.headers,
        }
        if any(c in text for pair in fixed.items() for text in pair for c in "\r\n\0"):
            raise BackendError("a header holds a line break; look at the key in the environment")
        self._head = "".join(f"{name}: {value}\r\n" for name, value in fixed.items()).encode(
            "latin-1", "replace"
        )

    @property
    def shown(self) -> str:
        """The address without a password that stands in it."""
        return without_login(self.base_url)

    async def post(self, path: str, body: bytes) -> Response:
        """Send a body to a path below the address.

        Raises:
            CallError: ``lost`` where there is no connection, or it ends before the answer does.
        """
        target = (self._url.path.rstrip("/") + path).encode()
        head = b"POST %b HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n" % (target, self._head, len(body))
        connection, fresh = await self._connection()
        try:
            response = await connection.exchange(head + body)
        except ConnectionError as error:
            if fresh or connection.began:
                raise CallError("lost", f"{self.shown} ended the connection: {error}") from error
            # The other side had closed a resting connection at this very moment: nothing was lost but that.
            connection, _ = await self._connection(fresh=True)
            try:
                response = await connection.exchange(head + body)
            except ConnectionError as again:
                raise CallError("lost", f"{self.shown} ended the connection: {again}") from again
        if connection.reusable:
            self._idle.append((asyncio.get_running_loop().time(), connection))
        else:
            connection.close()
        return response

    async def close(self) -> None:
        """Close resting connections."""
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _connection(self, fresh: bool = False) -> tuple[_Connection, bool]:
        """Return a connection, and whether it is new."""
        now = asyncio.get_running_loop().time()
        while self._idle and not fresh:
            since, connection = self._idle.pop()
            if connection.alive and now - since < IDLE_S:
                return connection, False
            connection.close()
        try:
            return await self._opened(), True
        except (OSError, ssl.SSLError) as error:
            raise CallError("lost", f"cannot connect to {self.shown}: {error}") from error

    async def _opened(self) -> _Connection:
        loop = asyncio.get_running_loop()
        host = self._url.hostname or ""
        if self._proxy is None:
            _, protocol = await loop.create_connection(_Connection, host, self._port, ssl=self._tls)
            return protocol
        proxy = self._proxy
        transport, protocol = await loop.create_connection(
            _Connection, proxy.hostname or "", proxy.port or 80
        )
        await protocol.tunnel(f"{host}:{self._port}", proxy)
        if self._tls is not None:
            secure = await loop.start_tls(transport, protocol, self._tls, server_hostname=host)
            if secure is None:
                raise ConnectionResetError("the proxy ended the connection")
            protocol.transport = secure
        return protocol


class _Connection(asyncio.Protocol):
    """One connection; one exchange at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[Response] | None = None
        self._head: tuple[int, dict[str, str], int] | None = None
        self._bare = False
        """Whether the answer is to CONNECT, which has no body."""
        self.alive, self.reusable, self.began = False, True, False
        """``began``: something of the answer has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.alive = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        if self._answer is None or self._answer.done():
            return
        if self._head is not None and self._until_end():
            self._finish(bytes(self._buffer[self._head[2] :]))
        else:
            self._answer.set_exception(
                ConnectionResetError(str(exc or "closed before the answer was complete"))
            )

    def data_received(self, data: bytes) -> None:
        if (
            self._answer is None or self._answer.done()
        ):  # nobody asked: whatever it is, nothing after it is in step
            self.reusable = False
            self.close()
            return
        self.began = True
        self._buffer += data
        try:
            self._read()
        except (ValueError, UnicodeError) as error:
            self.reusable = False
            self._answer.set_exception(ConnectionAbortedError(f"what came is no HTTP: {error}"))

    async def exchange(self, request: bytes, bare: bool = False) -> Response:
        """Send a request and return the answer; ConnectionError where the connection ends before."""
        if not self.alive:
            raise ConnectionResetError("closed")
        self._buffer.clear()
        self._head, self.began, self._bare = None, False, bare
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self.transport.write(request)
            return await self._answer
        except BaseException:
            self.close()  # given up in the middle: what comes later belongs to nobody
            raise

    async def tunnel(self, target: str, proxy: SplitResult) -> None:
        """Ask a proxy to lead on to a target."""
        login = ""
        if proxy.username:
            pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
            login = f"proxy-authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
        request = f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{login}\r\n"
        response = await self.exchange(request.encode(), bare=True)
        if response.status != 200:
            raise ConnectionRefusedError(f"the proxy {proxy.hostname} answered {response.status}")

    def close(self) -> None:
        """End the connection."""
        self.alive = False
        self.transport.close()

    # --- reading ---

    def _read(self) -> None:
        """Look whether the answer is complete."""
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                _demand(len(self._buffer) <= 65536, "endless headers")
                return
            self._head = (*_read_head(bytes(self._buffer[:end])), end + 4)
        status, headers, start = self._head
        _demand(len(self._buffer) <= LARGEST, "more than 64 MB")
        if 100 <= status < 200:
            del self._buffer[:start]
            self._head = None
            self._read()
        elif self._bare or status in (204, 304):
            self._finish(b"")
        elif headers.get("transfer-encoding", "identity").lower() != "identity":
            body = _dechunked(self._buffer, start)
            if body is not None:
                self._finish(body)
        elif not self._until_end():
            length = int(headers["content-length"])
            _demand(0 <= length <= LARGEST, "an odd length")
            if len(self._buffer) >= start + length:
                self.reusable = len(self._buffer) == start + length  # more than was asked for: out of step
                self._finish(bytes(self._buffer[start : start + length]))

    def _until_end(self) -> bool:
        assert self._head is not None
        headers = self._head[1]
        return "content-length" not in headers and "transfer-encoding" not in headers

    def _finish(self, body: bytes) -> None:
        assert self._head is not None
        assert self._answer is not None
        status, headers, _ = self._head
        closes = headers.get("connection", "").lower() == "close" or self._until_end()
        self.reusable = self.reusable and self.alive and (self._bare or not closes)
        self._answer.set_result(Response(status, headers, body))


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    _demand(version in ("HTTP/1.1", "HTTP/1.0"), f"{first[:40]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        _demand(bool(colon), f"{line[:40]!r}")
        headers[name.lower()] = value.strip()
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return int(rest[:3]), headers


def _dechunked(buffer: bytearray, at: int) -> bytes | None:
    """Return the body in chunks that begins at a place; None while it is not complete."""
    body = bytearray()
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return None
        length = int(bytes(buffer[at:line]).split(b";")[0], 16)
        _demand(length >= 0, "an odd length")
        if length == 0:
            # Trailers, if any, end with an empty line.
            return bytes(body) if buffer.find(b"\r\n\r\n", line) >= 0 else None
        at = line + 2 + length + 2
        if len(buffer) < at:
            return None
        body += buffer[line + 2 : at - 2]


def without_login(url: str) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine:
        raise BackendError(f'"{url}" is no address of an endpoint; e.g. http://localhost:8000/v1')
    return parts


def _proxy(url: SplitResult) -> SplitResult | None:
    """Return the proxy that the environment (or the system) names for a URL; None for none."""
    named = urllib.request.getproxies().get(url.scheme)
    if not named or urllib.request.proxy_bypass(url.hostname or ""):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _demand(fine: bool, message: str) -> None:
    if not fine:
        raise ValueError(message)
