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
    """Ids on the Hub (``hf:...``), or names and addresses: what ``kinescribe models pull`` takes."""
    memory: str = ""
    """What it takes, and where the number comes from."""
    extra: str = ""
    """Of Kinescribe, which brings the packages; empty for the base install."""
    gpu: bool = False
    """Whether it is of no practical use without one."""
    run_here: str = "no published weights"
    """What was run where Kinescribe was made."""
