"""Tiny random checkpoints of SAM 2 and SAM 3 for videos."""

from __future__ import annotations

from pathlib import Path

SEED = 0


def sam2_video(folder: Path) -> Path:
    """Save a SAM 2 video model for pictures of 64 x 64."""
    import torch
    from transformers import (
        Sam2HieraDetConfig,
        Sam2ImageProcessor,
        Sam2VideoConfig,
        Sam2VideoModel,
        Sam2VideoProcessor,
        Sam2VideoVideoProcessor,
        Sam2VisionConfig,
    )

    torch.manual_seed(SEED)
    backbone = Sam2HieraDetConfig(
        hidden_size=16, num_attention_heads=1, image_size=[64, 64], blocks_per_stage=[1, 2, 1, 1],
        embed_dim_per_stage=[16, 32, 64, 128], num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[8, 4, 4, 2], global_attention_blocks=[2],
        window_positional_embedding_background_size=[4, 4],
    )  # fmt: skip
    vision = Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]], fpn_hidden_size=128, image_size=64,
    )  # fmt: skip
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 128, "image_size": 64, "patch_size": 16},
        mask_decoder_config={"hidden_size": 128, "iou_head_hidden_dim": 32, "mlp_dim": 32, "num_attention_heads": 2},
        image_size=64, memory_attention_hidden_size=128, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64, memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=128, memory_encoder_output_channels=64, mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=64, memory_fuser_num_layers=1,
    )  # fmt: skip
    Sam2VideoModel(config).save_pretrained(folder)
    size = {"height": 64, "width": 64}
    Sam2VideoProcessor(
        Sam2ImageProcessor(size=size, mask_size={"height": 16, "width": 16}),
        Sam2VideoVideoProcessor(size=size),
        target_size=64,
    ).save_pretrained(folder)
    return folder


def sam3_video(folder: Path) -> Path:
    """Save a SAM 3 video model for pictures of 112 x 112 and names in lower case; it takes everything for something."""
    import torch
    from transformers import (
        CLIPTextConfig,
        CLIPTokenizer,
        Sam3Config,
        Sam3ImageProcessor,
        Sam3TrackerVideoConfig,
        Sam3VideoConfig,
        Sam3VideoModel,
        Sam3VideoProcessor,
        Sam3VisionConfig,
    )
    from transformers.models.sam2_video import Sam2VideoVideoProcessor

    torch.manual_seed(SEED)
    grid = 8
    vision = {
        "backbone_config": {
            "model_type": "sam3_vit_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 112, "patch_size": 14, "window_size": 4,
            "global_attn_indexes": [1], "pretrain_image_size": 112,
        },
        "fpn_hidden_size": 128, "image_size": 112,
        "backbone_feature_sizes": [[4 * grid, 4 * grid], [2 * grid, 2 * grid], [grid, grid]],
    }  # fmt: skip
    part = {"hidden_size": 128, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    text = CLIPTextConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        projection_dim=32, max_position_embeddings=32,
    )  # fmt: skip
    detector = Sam3Config(
        vision_config=Sam3VisionConfig(**vision), text_config=text, geometry_encoder_config=part,
        detr_encoder_config=part, detr_decoder_config={**part, "num_queries": 5},
        mask_decoder_config={"hidden_size": 128, "num_attention_heads": 2},
    )  # fmt: skip
    tracker = Sam3TrackerVideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 128, "image_size": 112, "patch_size": 14},
        mask_decoder_config={"hidden_size": 128, "iou_head_hidden_dim": 32, "mlp_dim": 32, "num_attention_heads": 2},
        memory_attention_hidden_size=128, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64, memory_attention_rope_feat_sizes=[grid, grid],
        memory_encoder_hidden_size=128, memory_encoder_output_channels=64, mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=64, memory_fuser_num_layers=1, image_size=112,
    )  # fmt: skip
    config = Sam3VideoConfig(
        detector_config=detector, tracker_config=tracker, low_res_mask_size=4 * grid,
        score_threshold_detection=0.0, new_det_thresh=0.0, hotstart_delay=0, max_num_objects=4,
    )  # fmt: skip
    model = Sam3VideoModel(config)
    # Random weights say that nothing they follow shows, by a hair; then there would be nothing to look at.
    torch.nn.init.constant_(model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias, 1.0)
    model.save_pretrained(folder)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    tokenizer = CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[])
    size = {"height": 112, "width": 112}
    Sam3VideoProcessor(
        Sam3ImageProcessor(size=size, mask_size={"height": 4 * grid, "width": 4 * grid}),
        Sam2VideoVideoProcessor(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3),
        tokenizer,
        target_size=112,
    ).save_pretrained(folder)
    return folder
