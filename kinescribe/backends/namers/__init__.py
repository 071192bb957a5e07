"""Backends that say which things there are to look for."""
