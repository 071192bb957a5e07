"""Facts to sentences (``render``), sentences to actions (``parse``), actions to subjects (``ground``)."""

from kinescribe.language.grounding import ground
from kinescribe.language.parse import parse
from kinescribe.language.referring import names, resolve
from kinescribe.language.render import render, sentence

__all__ = ["ground", "names", "parse", "render", "resolve", "sentence"]
