"""Facts to sentences (``render``), sentences to actions (``parse``), actions to subjects (``ground``)."""

from kinescribe.language.grounding import ground
from kinescribe.language.mope import parse, parse_all
from kinescribe.language.referring import names, resolve
from kinescribe.language.render import render, sentence

__all__ = ["ground", "names", "parse", "parse_all", "render", "resolve", "sentence"]
