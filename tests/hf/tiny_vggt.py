"""A tiny random checkpoint of VGGT's layout, by the stand-in for its package."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from tests.hf.tiny import SEED

STANDINS = Path(__file__).parent / "standins"


def vggt(folder: Path, embed_dim: int = 16, seed: int = SEED) -> Path:
    """Save a VGGT of two layers as the published one is: all heads, the settings in ``config.json``, no ``model_type``.

    The stand-in must be on the path.
    """
    import torch

    assert str(STANDINS) in sys.path
    torch.manual_seed(seed)
    module = importlib.import_module("vggt.models.vggt")
    settings = {"img_size": 518, "patch_size": 14, "embed_dim": embed_dim}
    module.VGGT(**settings).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(settings))
    return folder
