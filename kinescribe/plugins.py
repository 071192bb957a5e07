"""A plugin is a file: ``load("trackers", "bytetrack")`` imports ``kinescribe/backends/trackers/bytetrack.py``.

``"their_pkg.module:Thing"`` reaches outside the package. A file offers the one name in its ``__all__``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from kinescribe.errors import BackendError, nearest

_TOP_LEVEL = {"exporters", "metrics"}
_SHARED = {"nets"}
"""What several backends run, and no kind of its own."""


def package_of(kind: str) -> str:
    """Return the dotted package that holds the plugins of a kind."""
    return f"kinescribe.{kind}" if kind in _TOP_LEVEL else f"kinescribe.backends.{kind}"


def kinds() -> list[str]:
    """Return the kinds of backends: the packages in ``kinescribe/backends``."""
    package = importlib.import_module("kinescribe.backends")
    return sorted(
        info.name
        for info in pkgutil.iter_modules(package.__path__)
        if info.ispkg and info.name not in _SHARED
    )


def names(kind: str) -> list[str]:
    """Return the names of the plugins of a kind that ship with Kinescribe."""
    package = importlib.import_module(package_of(kind))
    return sorted(
        info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")
    )


def load(kind: str, name: str) -> Any:
    """Return what the plugin ``name`` of a kind offers: a class or a function.

    Raises:
        BackendError: there is no such file, its package is not installed, or it offers no single name.
    """
    dotted, colon, attribute = name.partition(":")
    if colon:
        return _attribute(_import(dotted, kind, name), attribute, name)
    if name not in names(kind):
        raise BackendError(f'no {kind} backend "{name}"{nearest(name, names(kind))}')
    module = _import(f"{package_of(kind)}.{name}", kind, name)
    offered = getattr(module, "__all__", [])
    if len(offered) != 1:
        raise BackendError(f"{module.__name__} must offer exactly one name in __all__, not {len(offered)}")
    return _attribute(module, offered[0], name)


def identity(kind: str, name: str, options: Mapping[str, Any] | None = None) -> str:
    """Return what the answers of a plugin depend on besides its settings: its name, revision and weights.

    A class is asked with its settings: which file of weights it reads may be one of them.
    """
    if not name:
        return ""
    thing = load(kind, name)
    asked = thing(**(options or {})) if isinstance(thing, type) else thing
    own = asked.identity() if hasattr(thing, "identity") else ""
    return f"{name}/{getattr(thing, 'revision', 1)}/{own}"


def _import(dotted: str, kind: str, name: str) -> Any:
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kinescribe"):
            raise  # a hole in this installation, which no package from outside fills
        raise BackendError(
            f'{kind} backend "{name}" needs the package "{error.name}", which is not installed: '
            f"pip install {error.name}"
        ) from error


def _attribute(module: Any, attribute: str, name: str) -> Any:
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise BackendError(f'"{name}": {module.__name__} has no "{attribute}"') from error
