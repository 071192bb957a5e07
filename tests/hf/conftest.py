"""Tests of backends on PyTorch: they need ``kinescribe[hf]`` (``make test-hf``) and say so where it is missing."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
MISSING = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if HERE in item.path.parents]
    for item in here:
        if MISSING and item.get_closest_marker("without_hf") is None:
            item.add_marker(pytest.mark.skip(reason=f"no {' and '.join(MISSING)}: run make test-hf"))
        elif item.get_closest_marker("torchvision") and not torchvision_fits():
            item.add_marker(pytest.mark.skip(reason="no torchvision that fits the installed PyTorch"))


def torchvision_fits() -> bool:
    """Whether torchvision can be imported: next to a CPU build of PyTorch its wheel breaks."""
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        return False
    return True
