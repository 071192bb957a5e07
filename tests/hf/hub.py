"""A Hub on this machine: the few calls that fetching a checkpoint makes, and the ways in which they fail.

Large files are behind a redirect to another host (localhost instead of 127.0.0.1), as the Hub's are.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlparse

COMMIT = "a1" * 20
NAME = "some-lab/some-model"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub(ThreadingHTTPServer):
    """Serves one checkpoint. ``asked`` holds every request: method, path, range, and whether a token came along."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes], **facts: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files = dict(files)
        self.facts = facts
        self.served = dict(files)
        """What the files really hold, where that is not what is stated."""
        self.stated_size: dict[str, int] = {}
        self.cuts: list[int] = []
        """Bytes after which the next connections for large files are cut."""
        self.ranges = True
        self.refuse: tuple[int, dict[str, str]] | None = None
        """Status and headers of every answer, in place of what was asked for."""
        self.refuse_large: tuple[int, dict[str, str]] | None = None
        self.asked: list[tuple[str, str, str, bool]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def ranges_asked(self) -> list[str]:
        return [sent for method, path, sent, _ in self.asked if method == "GET" and path.startswith("/cdn/")]

    def large(self, name: str) -> bool:
        return name.endswith((".safetensors", ".bin", ".model"))


class _Answer(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        hub, path = self.server, unquote(urlparse(self.path).path)
        if (
            path == "/api/agent-harnesses"
        ):  # huggingface_hub's own business, asked for at times of its choosing
            return self._send(404, b"{}", {})
        hub.asked.append((self.command, path, self.headers.get("Range", ""), "Authorization" in self.headers))
        if hub.refuse:
            return self._send(hub.refuse[0], b"{}", hub.refuse[1])
        if path.startswith("/cdn/"):
            return self._large(path.removeprefix("/cdn/"))
        if path in (
            f"/api/models/{NAME}",
            f"/api/models/{NAME}/revision/main",
            f"/api/models/{NAME}/revision/{COMMIT}",
        ):
            return self._json(self._info())
        if path == f"/api/models/{NAME}/tree/{COMMIT}":
            return self._json(self._tree())
        if path.startswith(f"/api/models/{NAME}/revision/"):
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        name = path.removeprefix(f"/{NAME}/resolve/{COMMIT}/")
        if name != path and name in hub.files:
            return self._resolve(name)
        return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def _info(self) -> dict[str, Any]:
        siblings = [
            {"rfilename": name, "size": self._size(name), "blobId": git_sha1(content)}
            | self._lfs(name, "sha256")
            for name, content in self.server.files.items()
        ]
        return {"id": NAME, "sha": COMMIT, "siblings": siblings, "tags": [], **self.server.facts}

    def _tree(self) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": self._size(name), "oid": git_sha1(content)}
            | self._lfs(name, "oid")
            for name, content in self.server.files.items()
        ]

    def _size(self, name: str) -> int:
        return self.server.stated_size.get(name, len(self.server.files[name]))

    def _lfs(self, name: str, key: str) -> dict[str, Any]:
        if not self.server.large(name):
            return {}
        return {"lfs": {key: sha256(self.server.files[name]), "size": self._size(name), "pointerSize": 130}}

    def _resolve(self, name: str) -> None:
        content = self.server.files[name]
        large = self.server.large(name)
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{sha256(content) if large else git_sha1(content)}"'}
        if large:
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(content))}
            headers["Location"] = f"http://localhost:{self.server.server_port}/cdn/{name}"
            return self._send(302, b"", headers)
        return self._send(200, self.server.served[name], headers)

    def _large(self, name: str) -> None:
        hub, content = self.server, self.server.served[name]
        if hub.refuse_large:
            return self._send(hub.refuse_large[0], b"", hub.refuse_large[1])
        sent = self.headers.get("Range", "") if hub.ranges else ""
        start = int(sent.removeprefix("bytes=").removesuffix("-")) if sent else 0
        if start >= len(content) > 0:
            return self._send(416, b"", {})
        return self._send(206 if sent else 200, content[start:], {}, hub.cuts.pop(0) if hub.cuts else None)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(files: Mapping[str, bytes], **facts: Any) -> Iterator[Hub]:
    hub = Hub(files, **facts)
    thread = threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
