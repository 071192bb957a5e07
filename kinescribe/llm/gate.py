"""When a call may be sent: how many at once, how long to wait after a failure, and when to give up on an endpoint."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field

from kinescribe.errors import BackendError
from kinescribe.llm.messages import CallError

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
"""Waits after failures double from the first to the longest, as hosted APIs advise."""
COOL_DOWN_S = 30.0
"""So long a dead endpoint is left alone before one call tries it again."""


@dataclass
class Gate:
    """Lets at most ``limit`` calls through at a time, fewer after the endpoint said that it is too many.

    The limit halves at a 429 (once per wave) and grows by one per ``limit`` answers, as TCP does (Jacobson 1988).
    """

    most: int
    limit: float = 0.0
    inside: int = 0
    not_before: float = 0.0
    """Monotonic seconds: the endpoint asked to be left alone until then."""
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    _halved_at: float = 0.0

    def __post_init__(self) -> None:
        self.limit = float(self.most)

    async def enter(self) -> float:
        """Wait for a place; return the monotonic time of entering."""
        while self.inside >= int(self.limit) or time.monotonic() < self.not_before:
            if self.inside < int(self.limit):
                await asyncio.sleep(self.not_before - time.monotonic())
            else:
                turn = asyncio.get_running_loop().create_future()
                self.waiting.append(turn)
                await turn
        self.inside += 1
        return time.monotonic()

    def leave(self) -> None:
        """Give the place back."""
        self.inside -= 1
        free = int(self.limit) - self.inside
        while self.waiting and free > 0:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

    def answered(self) -> None:
        """Note an answer: slowly more at once again."""
        if self.limit < self.most:
            self.limit = min(float(self.most), self.limit + 1 / self.limit)

    def too_many(self, entered: float, retry_after_s: float | None) -> None:
        """Note a 429 to a call that entered at a time."""
        if entered >= self._halved_at:
            self.limit = max(1.0, self.limit / 2)
            self._halved_at = time.monotonic()
        if retry_after_s:
            self.not_before = max(self.not_before, time.monotonic() + min(retry_after_s, LONGEST_WAIT_S))


class Waits:
    """How long to wait before the next attempt: exponential, with full jitter from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def after(self, attempt: int, error: CallError) -> float:
        """Return seconds to wait after a failed attempt (1 is the first); at least what the endpoint asked for."""
        most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))
        jittered = self._random.uniform(most / 2, most)
        return max(jittered, (error.retry_after_s or 0.0) + self._random.uniform(0, most / 2))


@dataclass
class Breaker:
    """Opens after ``most`` failures in a row over ``least_s``; after a while one call tries anew and the others wait.

    A 429 is an answer of sorts: the endpoint lives.
    """

    most: int
    least_s: float
    failures: int = 0
    since: float = 0.0
    """When the first of them was."""
    opened_at: float | None = None
    last_words: str = ""
    _trying: asyncio.Event | None = None

    async def enter(self) -> None:
        """Return when a call may be sent; BackendError while the endpoint is taken for dead."""
        while self.opened_at is not None:
            if self._trying is not None:
                await self._trying.wait()
            elif time.monotonic() - self.opened_at < COOL_DOWN_S:
                raise BackendError(
                    f"the endpoint is dead: {self.failures} calls in a row failed, the last one with: "
                    f"{self.last_words}; start it, or check its address, and run again"
                )
            else:
                self._trying = asyncio.Event()
                return

    def answered(self) -> None:
        """Note that the endpoint lives."""
        self.failures, self.opened_at = 0, None
        self.tried()

    def failed(self, error: CallError) -> None:
        """Note a call that gave no answer."""
        if error.kind not in ("busy", "timeout", "lost"):
            self.answered()
            return
        now = time.monotonic()
        self.since = self.since if self.failures else now
        self.failures += 1
        self.last_words = str(error)
        if self.failures >= self.most and now - self.since >= self.least_s:
            self.opened_at = now
        self.tried()

    def tried(self) -> None:
        """Let the others see what became of the one that tried."""
        if self._trying is not None:
            self._trying.set()
            self._trying = None
