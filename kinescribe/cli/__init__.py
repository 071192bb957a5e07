"""The command line: ``kinescribe --help``."""

from kinescribe.cli.app import main

__all__ = ["main"]
