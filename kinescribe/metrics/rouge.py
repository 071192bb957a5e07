"""ROUGE-L (Lin 2004): the longest common subsequence of words, as an F-measure.

Words and formula are those of the package ``rouge-score`` without stemming (a test compares them where it is
installed); that package is published as source only, which a locked install does not build.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kinescribe.metrics import Column, Item, best, column

__all__ = ["Rouge"]


class Rouge:
    """ROUGE-L with the best reference."""

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return ``rouge_l`` in [0, 1]."""
        scores = [
            best([rouge_l(reference, item.candidate) for reference in item.references]) for item in items
        ]
        return {"rouge_l": column(scores)}


def rouge_l(reference: str, candidate: str) -> float:
    """Return the F-measure of the longest common subsequence; 0 if either text has no word."""
    one, two = _words(reference), _words(candidate)
    common = longest_common(one, two)
    return 2 * common / (len(one) + len(two)) if common else 0.0


def longest_common(one: Sequence[str], two: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, a row of the table at a time as bits of one integer.

    Crochemore et al. 2001: linear in the longer text for texts of a few hundred words.
    """
    places: dict[str, int] = {}
    for i, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << i
    everywhere = (1 << len(one)) - 1
    row = everywhere
    for word in two:
        hits = row & places.get(word, 0)
        row = (row + hits | row - hits) & everywhere
    return len(one) - row.bit_count()


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())
