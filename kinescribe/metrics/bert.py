"""BERTScore (Zhang et al. 2020) by the package ``bert-score``, with a model that is on this machine.

Not run here with published weights; the package and the folder of a model are the user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kinescribe.errors import BackendError
from kinescribe.metrics import Column, Item, column

__all__ = ["Bert"]


class Bert:
    """F1 with the best reference, without rescaling."""

    def __init__(self, model: str = "", layer: int | None = None) -> None:
        self.model, self.layer = model, layer

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return ``bert_score``.

        Raises:
            BackendError: the package or the model is not here.
        """
        if not self.model or not Path(self.model).is_dir():
            raise BackendError(
                f'BERTScore needs the folder of a model, not "{self.model}": '
                "kinescribe score captions ... --metric bert --bert-model DIR"
            )
        try:
            from bert_score import score
        except ModuleNotFoundError as error:
            raise BackendError(
                f'BERTScore needs the package "{error.name}": pip install bert-score'
            ) from error
        known = [i for i, item in enumerate(items) if item.references]
        values: list[float | None] = [None] * len(items)
        if known:
            candidates = [items[i].candidate for i in known]
            references = [list(items[i].references) for i in known]
            *_, f1 = score(candidates, references, model_type=self.model, num_layers=self.layer)
            for i, value in zip(known, f1.tolist(), strict=True):
                values[i] = float(value)
        return {"bert_score": column(values)}
