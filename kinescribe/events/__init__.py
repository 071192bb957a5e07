"""Measured happenings, one family a file: each has ``find``, and ``FINDERS`` holds their order."""

from kinescribe.events import bodies, borders, depth, limbs, nearness, pairs, repeats, segments, travel
from kinescribe.events.scene import Finder, Scene
from kinescribe.events.settings import EventSettings

FINDERS: tuple[Finder, ...] = (
    borders.find, travel.find, depth.find, limbs.find, bodies.find, repeats.find, pairs.find,
    nearness.find,
)  # fmt: skip
"""Repetitions ask what was done more than once; relations come last: they ask who moves."""

__all__ = ["FINDERS", "EventSettings", "Finder", "Scene", "segments"]
