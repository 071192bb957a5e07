"""Is this machine fit to annotate? Each check gives a line, and a remedy where it fails."""

from __future__ import annotations

import importlib
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import NamedTuple

from kinescribe import checkpoints, plugins, recipe, weights
from kinescribe.backends.card import Card
from kinescribe.errors import KinescribeError, RecipeError
from kinescribe.runs.store import PACKAGES

EXTRAS = {
    "amr": (("amrlib", "penman"), "graphs of sentences, with --parser amr:FOLDER"),
    "hf": (
        ("huggingface_hub", "pillow", "safetensors", "torch", "transformers"),
        "models on PyTorch: docs/backends.md",
    ),
    "metrics": (("sacrebleu",), "BLEU beside our own metrics"),
    "onnx": (("onnxruntime",), "things by name, with --detector"),
    "pose": (("onnxruntime", "rtmlib"), "133 points of a body, with --pose"),
    "vggt": (("einops",), "what VGGT's own package asks for besides the extra hf"),
}
"""Packages of each extra, as in pyproject.toml, and what for."""


class Check(NamedTuple):
    """One finding."""

    name: str
    fine: bool
    found: str
    remedy: str = ""
    needs: dict[str, str] | None = None
    """What an optional backend lacks (``extra``, ``torchvision``, ``weights``, ``gpu``), each with what to do."""


def examine() -> list[Check]:
    """Run all checks; none of them raises."""
    checks: list[Callable[[], Check]] = [_python, _processor, *map(_package, PACKAGES), _decoder, _cache]
    checks += [*map(_net, weights.NETS), *map(_extra, EXTRAS), _recipe]
    return [check() for check in checks] + backends()


def backends() -> list[Check]:
    """Say of every backend whether it is ready and, if not, what it lacks; a missing one is no fault."""
    return [_backend(kind, name) for kind in plugins.kinds() for name in plugins.names(kind)]


def _backend(kind: str, name: str) -> Check:
    title = f"{kind}/{name}"
    try:
        card: Card | None = getattr(plugins.load(kind, name), "card", None)
    except (KinescribeError, ImportError) as error:
        return Check(title, True, "cannot be loaded", needs={"extra": str(error)})
    if card is None:
        return Check(title, True, "ready")
    needs = lacks(card)
    if not needs:
        return Check(title, True, f"ready ({card.model})")
    words = {"extra": f"the extra {card.extra}", "gpu": "a GPU"}
    return Check(title, True, f"needs {', '.join(words.get(need, need) for need in needs)}", needs=needs)


def lacks(card: Card) -> dict[str, str]:
    """Return what a backend lacks here, each with what to do; empty where it is ready."""
    found = {}
    if card.extra and not installed(card.extra):
        found["extra"] = f'pip install "kinescribe[{card.extra}]"'
    if card.torchvision and not _there("torchvision"):
        found["torchvision"] = "a torchvision that fits the installed PyTorch: docs/install.md"
    if card.weights and not _in_place(card.weights):
        known = [name for name in card.weights if name in weights.NETS]
        how = weights.PULL if known else _how_to_get(card.weights)
        found["weights"] = "; ".join(filter(None, (how, f"licence: {card.licence}", card.memory)))
    if card.gpu and not _gpu():
        found["gpu"] = "it runs without one, but takes too long to be of use"
    return found


def _how_to_get(names: tuple[str, ...]) -> str:
    """Return the command for the first weights, or in words where they come from."""
    first, others = names[0], len(names) - 1
    more = f", or {others} other{'s' if others > 1 else ''} (docs/backends.md)" if others else ""
    pulled = checkpoints.is_checkpoint(first) or first in weights.PUBLISHED
    return f"{weights.PULL} {first}{more}" if pulled else f"{first}{more}"


def _in_place(names: tuple[str, ...]) -> bool:
    """Return whether a backend has weights: all of its nets, or any of the others."""
    nets = [name for name in names if name in weights.NETS]
    if nets:
        return all(weights.available(name) for name in nets)
    return any(
        checkpoints.in_place(name.removeprefix(checkpoints.PREFIX))
        if checkpoints.is_checkpoint(name)
        else name in weights.PUBLISHED and weights.in_place(name)
        for name in names
    )


def installed(extra: str) -> bool:
    """Return whether the packages of an extra are there, including those of an extra that it builds on."""
    return all(map(_there, EXTRAS[extra][0])) and (extra != "vggt" or installed("hf"))


def _there(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


@cache
def _gpu() -> bool:
    """Return whether PyTorch sees a GPU; not asked where it is not installed, as importing it takes seconds."""
    if not _there("torch"):
        return False
    try:
        torch = importlib.import_module("torch")
        return bool(torch.cuda.is_available() or torch.backends.mps.is_available())
    except (ImportError, RuntimeError, OSError):  # broken, e.g. by a torchvision that does not fit
        return False


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
