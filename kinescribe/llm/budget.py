"""What calls cost, and the sum that a run may spend."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from kinescribe.errors import BackendError
from kinescribe.llm.calls import Calls, Spent
from kinescribe.llm.messages import Image, Reply, Request

CHARACTERS_A_TOKEN = 4
"""Of English text, as OpenAI's documentation gives it; only to estimate what is not answered yet."""
TOKENS_AN_IMAGE = 1000
"""About what a picture of 512 to 1024 px costs; only to estimate what is not answered yet."""
REFRESH_S = 2.0
"""What other processes of the run spend is looked up this often."""


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens; None: not known, and then no cost is."""

    usd_in: float | None
    usd_out: float | None

    def of(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """Return what tokens cost; None where anything is unknown."""
        if self.usd_in is None or self.usd_out is None or tokens_in is None or tokens_out is None:
            return None
        return (self.usd_in * tokens_in + self.usd_out * tokens_out) / 1e6


@dataclass
class Budget:
    """Keeps the calls of a folder, past ones and other processes' included, within a sum.

    A call that is not answered yet counts with what it will take at most: its words and pictures by an estimate,
    its answer by ``max_tokens``. So only a wrong estimate of the words, or another process's calls of the last
    seconds, can exceed the sum.
    """

    prices: Prices
    most_usd: float | None
    most_tokens: int | None
    calls: Calls
    reserved_usd: float = 0.0
    reserved_tokens: int = 0
    _spent: Spent = field(default_factory=lambda: Spent(0, 0, 0.0, 0))
    _seen_at: float = float("-inf")
    _unknown_usd: float = 0.0
    _settled: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        if self.most_usd is not None and self.prices.of(0, 0) is None:
            raise BackendError("a budget in US dollars needs both prices; set them, or a budget in tokens")

    @property
    def bounded(self) -> bool:
        """Whether there is a limit at all."""
        return self.most_usd is not None or self.most_tokens is not None

    async def reserve(self, request: Request) -> int:
        """Wait until a call fits in, and return the tokens that are kept free for it; 0 without a limit.

        Raises:
            BackendError: it does not fit though no other call is under way.
        """
        if not self.bounded:
            return 0
        tokens = estimate(request)
        async with self._settled:
            while not self._fits(tokens):
                if not self.reserved_tokens:
                    raise BackendError(self._words(tokens))
                await self._settled.wait()
            self._take(tokens, 1)
        return tokens

    async def settle(self, tokens: int, reply: Reply | None) -> None:
        """Free what was reserved for a call, and count what it took instead (None: no answer)."""
        if not tokens:
            return
        async with self._settled:
            self._take(tokens, -1)
            if reply is not None:
                known = (reply.tokens_in or 0) + (reply.tokens_out or 0)
                cost = self.prices.of(reply.tokens_in, reply.tokens_out)
                # What the endpoint does not tell counts as estimated: a limit that is blind is none.
                self._unknown_usd += 0.0 if cost is not None else self._most_cost(tokens)
                self._spent = self._spent._replace(
                    tokens=self._spent.tokens + (known or tokens),
                    cost_usd=self._spent.cost_usd + (cost or 0.0),
                )
            self._settled.notify_all()

    def _fits(self, tokens: int) -> bool:
        if time.monotonic() - self._seen_at > REFRESH_S:
            self._spent, self._seen_at = self.calls.spent(), time.monotonic()
        taken_tokens = self._spent.tokens + self.reserved_tokens
        if self.most_tokens is not None and taken_tokens + tokens > self.most_tokens:
            return False
        if self.most_usd is None:
            return True
        taken = self._spent.cost_usd + self._unknown_usd + self.reserved_usd
        return taken + self._most_cost(tokens) <= self.most_usd

    def _take(self, tokens: int, sign: int) -> None:
        self.reserved_tokens += sign * tokens
        self.reserved_usd = max(0.0, self.reserved_usd + sign * self._most_cost(tokens))

    def _most_cost(self, tokens: int) -> float:
        """Return what tokens cost if all of them are of the dearer kind."""
        return max(self.prices.usd_in or 0.0, self.prices.usd_out or 0.0) * tokens / 1e6

    def _words(self, tokens: int) -> str:
        spent = self.calls.spent()
        limits = [] if self.most_usd is None else [f"{self.most_usd:.2f} USD"]
        limits += [] if self.most_tokens is None else [f"{self.most_tokens} tokens"]
        unknown = f" and {spent.unpriced} calls of unknown cost" if spent.unpriced else ""
        return (
            f"the budget of {' or '.join(limits)} is used up: {spent.calls} calls took {spent.tokens} tokens, "
            f"{spent.cost_usd:.4f} USD{unknown}, and the next one may take {tokens}; raise it and run again"
        )


def estimate(request: Request) -> int:
    """Return how many tokens a call takes at most, about: words and pictures, and the longest answer."""
    images = sum(isinstance(part, Image) for part in request.flat())
    return len(request.text()) // CHARACTERS_A_TOKEN + TOKENS_AN_IMAGE * images + request.max_tokens
