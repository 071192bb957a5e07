"""No model: word classes by closed lists, forms and place alone. For what must start at once, and for comparison."""

from __future__ import annotations

from collections.abc import Sequence

from kinescribe.errors import BackendError
from kinescribe.language.syntax import Tree

__all__ = ["Rules"]


class Rules:
    """Knows no trees.

    Args:
        model: must be empty.
    """

    def __init__(self, model: str = "") -> None:
        if model:
            raise BackendError(f'the parser "rules" loads nothing; leave out ":{model}"')

    def __call__(self, sentences: Sequence[str]) -> list[Tree]:
        """Return an empty tree for each sentence."""
        return [() for _ in sentences]
