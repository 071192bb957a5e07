"""How much a caption says: motions (MotionAtlas' verbs per sample), words, and words per second (KPM's density)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kinescribe.metrics import Column, Item, actions, column, read

__all__ = ["Density"]

WORD = re.compile(r"[\w']+")
"""What counts as a word."""


class Density:
    """Describes; more is not better."""

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return ``motions``, ``words`` and ``words_per_s``."""
        read(items)
        words = [len(WORD.findall(item.candidate)) for item in items]
        rates = [
            count / item.seconds if item.seconds else None for count, item in zip(words, items, strict=True)
        ]
        motions = [float(sum(not a.negated for a in actions(item.candidate))) for item in items]
        return {
            "motions": column(motions, None),
            "words": column([float(count) for count in words], None),
            "words_per_s": column(rates, None),
        }
