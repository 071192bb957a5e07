"""Tiny random Qwen-VL and text checkpoints, saved as the published ones are: each takes a folder and returns it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SEED = 0
MARKS = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
SPREAD = 0.3
"""Standard deviation of the weights: with the usual 0.02 all answers would be nearly alike."""

TEMPLATE = """
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}
{%- for part in message.content -%}
{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}
{%- endfor -%}
{% endif %}<|im_end|>
{% endfor -%}
{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def _tokenizer(template: str | None = TEMPLATE) -> Any:
    """Return a tokenizer of bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {letter: i for i, letter in enumerate(letters)}
    bytewise = Tokenizer(models.BPE(vocab=words, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=bytewise, eos_token="<|im_end|>", pad_token="<|im_end|>",
        extra_special_tokens={
            "start_token": "<|im_start|>", "vision_bos_token": "<|vision_start|>", "vision_eos_token": "<|vision_end|>",
            "image_token": "<|image_pad|>", "video_token": "<|video_pad|>",
        },
    )  # fmt: skip
    made.add_special_tokens({"additional_special_tokens": list(MARKS)})
    if template is not None:
        made.chat_template = template
    return made


def qwen25(folder: Path, template: str | None = TEMPLATE) -> Path:
    """Save a Qwen2.5-VL of two layers; its pictures have a token for 28 x 28 pixels."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer, ids = _marked(template)
    torch.manual_seed(SEED)
    config = Qwen2_5_VLConfig(
        text_config={
            **_text(len(tokenizer), ids), "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32,
            "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 56,
            "fullatt_block_indexes": [1], "initializer_range": SPREAD,
        },
        **_seen(ids), tie_word_embeddings=False, initializer_range=SPREAD,
    )  # fmt: skip
    return _saved(Qwen2_5_VLForConditionalGeneration(config), tokenizer, folder, patch=14)


def qwen3(folder: Path, template: str | None = TEMPLATE) -> Path:
    """Save a Qwen3-VL of two layers with tied words, as the 4B's are; a token for 32 x 32 pixels."""
    import torch
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    tokenizer, ids = _marked(template)
    torch.manual_seed(SEED)
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "mrope_interleaved": True}
    config = Qwen3VLConfig(
        text_config={**_text(len(tokenizer), ids), "head_dim": 8, "rope_parameters": rope, "tie_word_embeddings": True},
        vision_config={
            "depth": 3, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32,
            "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2, "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1], "initializer_range": SPREAD,
        },
        **_seen(ids), tie_word_embeddings=True, initializer_range=SPREAD,
    )  # fmt: skip
    return _saved(Qwen3VLForConditionalGeneration(config), tokenizer, folder, patch=16)


def qwen2_text(folder: Path, template: str | None = TEMPLATE) -> Path:
    """Save a Qwen2 that sees nothing."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer, ids = _marked(template)
    torch.manual_seed(SEED)
    made = Qwen2ForCausalLM(Qwen2Config(**_text(len(tokenizer), ids)))
    return _saved(made, tokenizer, folder)


def _marked(template: str | None) -> tuple[Any, dict[str, int]]:
    tokenizer = _tokenizer(template)
    return tokenizer, {mark: tokenizer.convert_tokens_to_ids(mark) for mark in MARKS}


def _text(words: int, ids: dict[str, int]) -> dict[str, Any]:
    return {
        "vocab_size": words, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 16384,
        "initializer_range": SPREAD, "bos_token_id": None, "eos_token_id": ids["<|im_end|>"], "pad_token_id": None,
    }  # fmt: skip


def _seen(ids: dict[str, int]) -> dict[str, int]:
    return {
        "image_token_id": ids["<|image_pad|>"], "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"], "vision_end_token_id": ids["<|vision_end|>"],
    }  # fmt: skip


def _saved(net: Any, tokenizer: Any, folder: Path, patch: int = 0) -> Path:
    # What published checkpoints bring along and a request must not depend on.
    net.generation_config.update(do_sample=True, top_p=0.001, top_k=1, repetition_penalty=5.0)
    net.generation_config.eos_token_id = [tokenizer.eos_token_id]
    net.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if patch:
        from transformers import Qwen2VLImageProcessorPil

        Qwen2VLImageProcessorPil(
            patch_size=patch, merge_size=2, temporal_patch_size=2,
            size={"shortest_edge": 4 * patch * patch, "longest_edge": 16_777_216},
        ).save_pretrained(folder)  # fmt: skip
    return folder
