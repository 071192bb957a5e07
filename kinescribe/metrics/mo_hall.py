"""Mo-Hall (KPM 5.1): the reward of eq. 9-12 as a metric; higher is less hallucination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinescribe.checks import kpm
from kinescribe.checks.published import WEIGHTS, Weights
from kinescribe.metrics import Column, Item, actions, column, read

__all__ = ["MoHall"]


class MoHall:
    """The published three-term form; the paper does not give the weights."""

    def __init__(self, weights: Weights = WEIGHTS) -> None:
        self.weights = weights

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return ``mo_hall`` and its terms, with the reference that the caption agrees with most."""
        read(items)
        found = []
        for item in items:
            said = actions(item.candidate)
            scored = [kpm(actions(reference), said, self.weights) for reference in item.references]
            found.append(max(scored, key=lambda one: -1.0 if one.total is None else one.total, default=None))
        names = ("total", "action", "order", "direction")
        figures = {
            name: column([None if one is None else getattr(one, name) for one in found]) for name in names
        }
        return {
            "mo_hall" if name == "total" else f"mo_hall_{name}": values for name, values in figures.items()
        }
