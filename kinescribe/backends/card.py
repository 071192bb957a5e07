"""What a backend is, in words for `kinescribe doctor` and `docs/backends.md`."""

from __future__ import annotations

from typing import NamedTuple


class Card(NamedTuple):
    """A backend's model, as its makers publish it."""

    model: str
    """Name of the model or of the family."""
    paper: str
    """Authors, year and arXiv number."""
    licence: str
    """Of the weights."""
    weights: tuple[str, ...] = ()
    """Any one of them will do: ids on the Hub (``hf:...``) or names that ``kinescribe models pull`` takes, else words
    on where they come from. Of the default nets all are needed."""
    memory: str = ""
    """What it takes, and where the number comes from."""
    extra: str = ""
    """Of Kinescribe, which brings the packages; empty for the base install."""
    gpu: bool = False
    """Whether it is of no practical use without one."""
    torchvision: bool = False
    """Whether it needs torchvision, which fits only some builds of PyTorch (docs/install.md)."""
    run_here: str = "no published weights"
    """What was run where Kinescribe was made."""
