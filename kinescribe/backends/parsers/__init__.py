"""Parsers: sentences to trees of words."""
