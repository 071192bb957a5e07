"""Tiny random detectors and pose nets of true architectures, saved as the published ones are: a family a function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SEED = 0
WORDS = ("dog", "red", "ball", "person", "cup", "tea", "##pot", "x")
"""Words that the tiny tokenizers know, from 200 on."""
COCO = {0: "person", 1: "bicycle", 2: "car"}


def _vocabulary() -> dict[str, int]:
    """BERT's own numbers of what divides names: Grounding DINO has them built in."""
    special = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}
    letters = {word: 200 + n for n, word in enumerate(WORDS)} | {
        f"name{n}": 300 + n for n in range(500)
    }  # whole words
    used = special | letters
    return used | {f"[unused{n}]": n for n in range(1100) if n not in used.values()}


def grounding_dino(folder: Path, mm: bool = False) -> Path:
    """Save Grounding DINO, or MM Grounding DINO, of one encoder and two decoder layers."""
    import torch
    import transformers as tf

    torch.manual_seed(SEED)
    backbone = tf.SwinConfig(
        image_size=64, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 4], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    words = tf.BertConfig(
        vocab_size=1100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=256,
    )  # fmt: skip
    config = (tf.MMGroundingDinoConfig if mm else tf.GroundingDinoConfig)(
        backbone_config=backbone, text_config=words, d_model=32, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, num_queries=20,
        max_text_len=256,
    )  # fmt: skip
    kind = tf.MMGroundingDinoForObjectDetection if mm else tf.GroundingDinoForObjectDetection
    kind(config).save_pretrained(folder)
    tf.GroundingDinoProcessor(
        tf.GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 128}),
        tf.BertTokenizer(vocab=_vocabulary()),
    ).save_pretrained(folder)
    return folder


def closed_set(folder: Path, family: str, names: dict[int, str] | None = None) -> Path:
    """Save a detector of a fixed list of classes: ``rt_detr_v2``, ``d_fine``, ``detr``, ``yolos`` or ``rf_detr``."""
    import torch

    torch.manual_seed(SEED)
    names = COCO if names is None else names
    model, pictures = FAMILIES[family]({"id2label": names, "label2id": {n: k for k, n in names.items()}})
    with torch.no_grad():  # as they begin, all their boxes are the whole picture's middle
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                continue
            if any(part in name for part in ("bbox", "quer", "detection_tokens")):
                weight.normal_(0, 0.2)
            elif "class" in name:
                weight.normal_(0, 0.05)
    model.save_pretrained(folder)
    pictures.save_pretrained(folder)
    return folder


SMALL = {
    "encoder_hidden_dim": 32, "encoder_in_channels": [16, 32, 64], "encoder_ffn_dim": 32, "encoder_layers": 1,
    "encoder_attention_heads": 2, "d_model": 32, "num_queries": 12, "decoder_in_channels": [32, 32, 32],
    "decoder_ffn_dim": 32, "decoder_layers": 2, "decoder_attention_heads": 2, "num_denoising": 0,
}  # fmt: skip


def _rt_detr_v2(labels: dict[str, Any]) -> tuple[Any, Any]:
    import transformers as tf

    backbone = tf.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    model = tf.RTDetrV2ForObjectDetection(tf.RTDetrV2Config(backbone_config=backbone, **SMALL, **labels))
    return model, tf.RTDetrImageProcessorPil(size={"height": 64, "width": 64})


def _d_fine(labels: dict[str, Any]) -> tuple[Any, Any]:
    import transformers as tf

    backbone = tf.HGNetV2Config(
        embedding_size=8, stem_channels=[3, 8, 8], hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1],
        stage_in_channels=[8, 8, 16, 32], stage_mid_channels=[8, 8, 8, 8], stage_out_channels=[8, 16, 32, 64],
        stage_num_blocks=[1, 1, 1, 1], stage_downsample=[False, True, True, True],
        stage_light_block=[False, False, True, True], stage_kernel_size=[3, 3, 5, 5], stage_numb_of_layers=[1, 1, 1, 1],
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    model = tf.DFineForObjectDetection(tf.DFineConfig(backbone_config=backbone, **SMALL, **labels))
    return model, tf.RTDetrImageProcessorPil(size={"height": 64, "width": 64})


def _detr(labels: dict[str, Any]) -> tuple[Any, Any]:
    import transformers as tf

    backbone = tf.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage4"],
    )  # fmt: skip
    config = tf.DetrConfig(
        backbone_config=backbone, use_timm_backbone=False, use_pretrained_backbone=False, d_model=32, num_queries=12,
        encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, **labels,
    )  # fmt: skip
    return tf.DetrForObjectDetection(config), tf.DetrImageProcessorPil(
        size={"shortest_edge": 64, "longest_edge": 128}
    )


def _yolos(labels: dict[str, Any]) -> tuple[Any, Any]:
    import transformers as tf

    config = tf.YolosConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=[64, 96],
        patch_size=16, num_detection_tokens=12, **labels,
    )  # fmt: skip
    return tf.YolosForObjectDetection(config), tf.YolosImageProcessorPil(
        size={"shortest_edge": 64, "longest_edge": 128}
    )


def _rf_detr(labels: dict[str, Any]) -> tuple[Any, Any]:
    import transformers as tf

    backbone = tf.RfDetrDinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14, num_windows=2,
        out_features=["stage1", "stage2"],
    )  # fmt: skip
    config = tf.RfDetrConfig(
        backbone_config=backbone, d_model=32, num_queries=12, decoder_ffn_dim=32, decoder_layers=1,
        decoder_self_attention_heads=2, decoder_cross_attention_heads=2, group_detr=1, **labels,
    )  # fmt: skip
    return tf.RfDetrForObjectDetection(config), tf.RfDetrImageProcessor(size={"height": 56, "width": 56})


FAMILIES = {
    "rt_detr_v2": _rt_detr_v2, "d_fine": _d_fine, "detr": _detr, "yolos": _yolos, "rf_detr": _rf_detr,
}  # fmt: skip


def vitpose(folder: Path, points: int = 17, experts: int = 1) -> Path:
    """Save ViTPose, or with several experts ViTPose+, of two layers."""
    import torch
    import transformers as tf

    torch.manual_seed(SEED)
    backbone = tf.VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_experts=experts, part_features=8 if experts > 1 else 0, out_indices=[2],
    )  # fmt: skip
    config = tf.VitPoseConfig(backbone_config=backbone, num_labels=points, use_simple_decoder=True)
    tf.VitPoseForPoseEstimation(config).save_pretrained(folder)
    tf.VitPoseImageProcessorPil(size={"height": 64, "width": 48}).save_pretrained(folder)
    return folder
