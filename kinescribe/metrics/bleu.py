"""BLEU-1 and BLEU-4 (Papineni et al. 2002) by sacrebleu, whose tokens and smoothing are its defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinescribe.errors import BackendError
from kinescribe.metrics import RESAMPLES, Column, Interval, Item

__all__ = ["Bleu"]


class Bleu:
    """Of the set as it is defined, not the mean of the items; of an item, sacrebleu's sentence BLEU. In [0, 1]."""

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return ``bleu_1`` and ``bleu_4``; items without a reference have none.

        Raises:
            BackendError: sacrebleu is not installed.
        """
        try:
            from sacrebleu.metrics.bleu import BLEU
        except ModuleNotFoundError as error:
            raise BackendError('BLEU needs sacrebleu: pip install "kinescribe[metrics]"') from error

        return {f"bleu_{order}": _column(BLEU, order, items) for order in (1, 4)}


def _column(bleu: type, order: int, items: Sequence[Item]) -> Column:
    single = bleu(max_ngram_order=order, effective_order=True)
    values = tuple(
        single.sentence_score(item.candidate, list(item.references)).score / 100 if item.references else None
        for item in items
    )
    known = [item for item in items if item.references]
    if not known:
        return Column(values, None)
    most = max(len(item.references) for item in known)
    streams = [
        [item.references[k] if k < len(item.references) else None for item in known] for k in range(most)
    ]
    found = bleu(max_ngram_order=order).corpus_score(
        [item.candidate for item in known], streams, n_bootstrap=RESAMPLES
    )
    # sacrebleu gives the half width of the 95 % interval round the mean of the resamples; its seed is fixed.
    low, high = found._mean - found._ci, found._mean + found._ci
    return Column(values, Interval(found.score / 100, low / 100, high / 100))
