"""What was measured of the texts that a model judges: the verdicts on their claims, beside its opinion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Statement(NamedTuple):
    """A claim of a text with its verdict."""

    start: int
    end: int
    holds: bool | None
    """None: it cannot be known from what was measured."""
    why: str = ""


class Verdicts(NamedTuple):
    """Claims by verdict."""

    holds: int
    contradicted: int
    unknown: int

    def shares(self) -> dict[str, float | None]:
        """Return the shares of the claims; None without any."""
        total = sum(self)
        return {name: n / total if total else None for name, n in self._asdict().items()}


_NAMES = {True: "holds", False: "contradicted", None: "unknown"}


def verdicts(statements: Iterable[Statement]) -> Verdicts:
    """Count claims by verdict."""
    found = [one.holds for one in statements]
    return Verdicts(found.count(True), found.count(False), found.count(None))


def verdict_at(statements: Sequence[Statement], start: int, end: int) -> str | None:
    """Return what was measured of a stretch of a text; None where no claim stands there.

    Where several claims do, one that is contradicted decides, then one that is unknown.
    """
    there = {one.holds for one in statements if one.start < end and start < one.end}
    return next((_NAMES[holds] for holds in (False, None, True) if holds in there), None)
