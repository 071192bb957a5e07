"""Backends that find the points of hands where the arms are known."""
