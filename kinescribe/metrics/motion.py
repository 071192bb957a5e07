"""How faithful a caption's motions are to a reference's: ours, with sides, counts, agents and order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinescribe.checks import Match, compare
from kinescribe.metrics import Column, Item, actions, column, read

__all__ = ["Motion"]

PARTS = ("precision", "recall", "f1", "agent", "patient", "side", "direction", "repetitions", "order")


class Motion:
    """``checks.compare`` with the nearest reference: the score and what it is made of."""

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return ``motion`` and ``motion_*``."""
        read(items)
        found = [nearest(item) for item in items]
        scores = column([None if match is None else match.score for match in found])
        parts = {
            f"motion_{name}": column([None if match is None else getattr(match, name) for match in found])
            for name in PARTS
        }
        return {"motion": scores, **parts}


def nearest(item: Item) -> Match | None:
    """Return the match with the reference that a caption agrees with most; None without one that can be compared."""
    said = actions(item.candidate)
    matches = [compare(actions(reference), said) for reference in item.references]
    scored = [match for match in matches if match.score is not None]
    return max(scored, key=lambda match: match.score or 0.0, default=None)
