"""Tiny random checkpoints of true architectures, saved as the published ones are: a family a function.

Each takes a folder, fills it and returns it. Weights come from a seed, so that answers are the same everywhere.
"""

from __future__ import annotations

from pathlib import Path

SEED = 0


def depth_anything(folder: Path, size: int = 56) -> Path:
    """Save a Depth Anything model of two layers."""
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    torch.manual_seed(SEED)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=size,
        patch_size=14, out_features=["stage1", "stage2"], reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, reassemble_factors=[2, 1], neck_hidden_sizes=[8, 8],
        fusion_hidden_size=8, head_in_channels=8, head_hidden_size=8, patch_size=14,
    )  # fmt: skip
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DPTImageProcessor(size={"height": size, "width": size}, ensure_multiple_of=14).save_pretrained(folder)
    return folder
