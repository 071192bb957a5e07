"""Kinescribe turns videos into motion data that can be trusted."""

__version__ = "0.1.0"
