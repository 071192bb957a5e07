"""Tiny random checkpoints of depth nets, each of its true class, with its processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SEED = 0
SIDE = 56


def depth_anything(folder: Path, metric: bool = False, max_depth: int = 20) -> Path:
    """Save a Depth Anything model of two layers; its metric variant gives metres up to ``max_depth``."""
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    torch.manual_seed(SEED)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=SIDE,
        patch_size=14, out_features=["stage1", "stage2"], reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, reassemble_factors=[2, 1], neck_hidden_sizes=[8, 8],
        fusion_hidden_size=8, head_in_channels=8, head_hidden_size=8, patch_size=14,
        depth_estimation_type="metric" if metric else "relative", max_depth=max_depth if metric else 1,
    )  # fmt: skip
    return _saved(DepthAnythingForDepthEstimation(config), DPTImageProcessor, 14, folder)


def dpt(folder: Path) -> Path:
    """Save a DPT of four layers."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    torch.manual_seed(SEED)
    config = DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=64,
        patch_size=16, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
        is_hybrid=False, use_auxiliary_head=False,
    )  # fmt: skip
    saved = _saved(DPTForDepthEstimation(config), DPTImageProcessor, 1, folder, side=64)
    file = saved / "model.safetensors"  # as published: without what is never used
    weights = {
        name: value for name, value in load_file(file).items() if ".layers.0.residual_layer1." not in name
    }
    assert len(weights) < len(load_file(file))
    save_file(weights, file, {"format": "pt"})
    return saved


def glpn(folder: Path) -> Path:
    """Save a GLPN of four stages; it gives metres up to 10."""
    import torch
    from transformers import GLPNConfig, GLPNForDepthEstimation, GLPNImageProcessor

    torch.manual_seed(SEED)
    config = GLPNConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8, sr_ratios=[4, 2, 1, 1], mlp_ratios=[2, 2, 2, 2], max_depth=10,
    )  # fmt: skip
    _lively(GLPNForDepthEstimation(config)).save_pretrained(folder)
    GLPNImageProcessor(size_divisor=32).save_pretrained(folder)
    return folder


def zoedepth(folder: Path) -> Path:
    """Save a ZoeDepth over a tiny BEiT; it gives metres between 0.001 and 10."""
    import torch
    from transformers import BeitConfig, ZoeDepthConfig, ZoeDepthForDepthEstimation, ZoeDepthImageProcessor

    torch.manual_seed(SEED)
    backbone = BeitConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=64,
        patch_size=16, out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
        use_relative_position_bias=True,
    )  # fmt: skip
    config = ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, bottleneck_features=8,
        num_relative_features=8, bin_embedding_dim=8, num_attractors=[4, 2, 2, 1],
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
    )  # fmt: skip
    _lively(ZoeDepthForDepthEstimation(config)).save_pretrained(folder)
    ZoeDepthImageProcessor(size={"height": 64, "width": 64}, ensure_multiple_of=32).save_pretrained(folder)
    return folder


def depth_pro(folder: Path) -> Path:
    """Save a Depth Pro of patches of 32 pixels, at scales of 64 and 128."""
    import torch
    from transformers import DepthProConfig, DepthProForDepthEstimation, DepthProImageProcessor, Dinov2Config

    torch.manual_seed(SEED)
    part = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    config = DepthProConfig(
        patch_size=32, scaled_images_ratios=[0.5, 1.0], scaled_images_overlap_ratios=[0.0, 0.25],
        scaled_images_feature_dims=[8, 8], intermediate_hook_ids=[2, 0], intermediate_feature_dims=[8, 8],
        merge_padding_value=1, fusion_hidden_size=8, image_model_config=part, patch_model_config=part,
        fov_model_config=part, use_batch_norm_in_fusion_residual=False, num_fov_head_layers=1, use_fov_model=True,
    )  # fmt: skip
    _lively(DepthProForDepthEstimation(config)).save_pretrained(folder)
    DepthProImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def _lively(model: Any) -> Any:
    """Return a model whose weights are large enough for answers to differ from pixel to pixel, and be above 0."""
    import torch

    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.normal_(0.0, 1.5 / float(weights[0].numel()) ** 0.5)
            else:
                weights += 0.3
    return model


def _saved(model: Any, processor: type, multiple: int, folder: Path, side: int = SIDE) -> Path:
    _lively(model).save_pretrained(folder)
    made = processor(size={"height": side, "width": side}, ensure_multiple_of=multiple)
    made.save_pretrained(folder)
    return folder
