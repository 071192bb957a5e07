"""Is this machine fit to annotate? Each check gives a line, and a remedy where it fails."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from typing import NamedTuple

from kinescribe import recipe, weights
from kinescribe.errors import RecipeError
from kinescribe.runs.store import PACKAGES

EXTRAS = {
    "onnx": (("onnxruntime",), "things by name, with --detector"),
    "pose": (("onnxruntime", "rtmlib"), "133 points of a body, with --pose"),
}
"""Packages that the optional backends need, and what for."""


class Check(NamedTuple):
    """One finding."""

    name: str
    fine: bool
    found: str
    remedy: str = ""


def examine() -> list[Check]:
    """Run all checks; none of them raises."""
    checks: list[Callable[[], Check]] = [_python, _processor, *map(_package, PACKAGES), _decoder, _cache]
    checks += [*map(_net, weights.NETS), *map(_extra, EXTRAS), _recipe]
    return [check() for check in checks]


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.platform()}"
    return Check("Python", sys.version_info >= (3, 11), found, "install Python 3.11 or newer")


def _processor() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("CPU cores", True, f"{cores} (one worker each; --workers N takes another number)")


def _package(name: str) -> Callable[[], Check]:
    def check() -> Check:
        try:
            return Check(name, True, metadata.version(name))
        except metadata.PackageNotFoundError:
            return Check(name, False, "not installed", f"pip install {name}")

    return check


def _decoder() -> Check:
    try:
        import av

        versions = ", ".join(f"{name} {'.'.join(map(str, v))}" for name, v in av.library_versions.items())
        encodes = "libx264" in av.codecs_available
    except ImportError as error:
        return Check("FFmpeg", False, str(error), "pip install --force-reinstall av")
    remedy = "this PyAV cannot write H.264 (for overlays and reports): pip install --force-reinstall av"
    return Check("FFmpeg", encodes, versions, remedy)


def _cache() -> Check:
    folder = weights.folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Check(
            "cache", False, str(error), "make it writable, or set KINESCRIBE_CACHE to another folder"
        )
    return Check("cache", True, str(folder))


def _net(name: str) -> Callable[[], Check]:
    def check() -> Check:
        lost = "no body has joints" if name.startswith("pose_") else "hands are boxes without points"
        remedy = f"without it {lost}: {weights.PULL} (downloads once)"
        there = weights.available(name)
        return Check(f"net {name}", there, "in place" if there else "not on this machine, or damaged", remedy)

    return check


def _extra(name: str) -> Callable[[], Check]:
    def check() -> Check:
        packages, purpose = EXTRAS[name]
        try:
            found = ", ".join(f"{package} {metadata.version(package)}" for package in packages)
        except metadata.PackageNotFoundError as error:
            missing = f'no {error.name}: pip install "kinescribe[{name}]" ({purpose}; nothing else needs it)'
            return Check(f"extra {name}", True, missing)
        return Check(f"extra {name}", True, f"{found} ({purpose})")

    return check


def _recipe() -> Check:
    try:
        recipe.load()
    except RecipeError as error:
        return Check("recipe", False, str(error), "reinstall Kinescribe")
    return Check("recipe", True, f"{', '.join(recipe.names())} (default: {recipe.DEFAULT})")
