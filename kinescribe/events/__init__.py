"""Measured happenings, one family a file: each has ``find``, and ``FINDERS`` holds their order."""

from kinescribe.events import borders, depth, limbs, pairs, travel
from kinescribe.events.scene import Finder, Scene
from kinescribe.events.settings import EventSettings

FINDERS: tuple[Finder, ...] = (borders.find, travel.find, depth.find, limbs.find, pairs.find)
"""Relations come last: they ask who moves."""

__all__ = ["FINDERS", "EventSettings", "Finder", "Scene"]
