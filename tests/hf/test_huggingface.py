"""Checkpoints: found, told from what is none, loaded whole or not at all, run in batches that fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from kinescribe.backends.nets import huggingface as hf
from kinescribe.errors import BackendError
from tests.hf import tiny

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.depth_anything(tmp_path_factory.mktemp("depth"))


def loaded(folder: Path) -> object:
    from transformers import DepthAnythingForDepthEstimation

    return hf.load(DepthAnythingForDepthEstimation, folder, hf.place("cpu", "auto", "a test"), "a test")


def test_a_checkpoint_is_loaded_with_its_weights(folder: Path) -> None:
    import torch

    assert hf.expect(folder, ("depth_anything",), "a test") == "depth_anything"
    one, two = loaded(folder).state_dict(), loaded(folder).state_dict()  # type: ignore[attr-defined]
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_another_architecture_is_refused_before_anything_is_loaded(folder: Path) -> None:
    with pytest.raises(BackendError, match=r"needs a checkpoint of sam2_video; .* is of depth_anything"):
        hf.expect(folder, ("sam2_video",), "sam2")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"architectures": []}', "\x00\x01"])
def test_a_config_that_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(BackendError, match="names no model_type"):
        hf.architecture(tmp_path, "a test")


def test_a_file_of_weights_that_is_cut_off(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "cut"))
    whole = (copy / "model.safetensors").read_bytes()
    for kept in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        (copy / "model.safetensors").write_bytes(whole[:kept])
        with pytest.raises(BackendError, match=r"cannot be loaded: .*fetch the checkpoint again"):
            loaded(copy)


def test_weights_that_are_missing_are_no_random_numbers(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = Path(shutil.copytree(folder, tmp_path / "part"))
    weights = load_file(copy / "model.safetensors")
    weights.pop(next(name for name in weights if name.startswith("head.")))
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(BackendError, match="lacks 1 of the model's weights"):
        loaded(copy)


def test_a_folder_without_weights_or_processor(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "config.json", tmp_path)
    with pytest.raises(BackendError, match="cannot be loaded"):
        loaded(tmp_path)
    from transformers import AutoImageProcessor

    with pytest.raises(BackendError, match="has no processor that can be loaded"):
        hf.processor(AutoImageProcessor, tmp_path, "a test")


def test_other_weights_are_another_identity(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "other"))
    assert hf.identity(str(copy)) == hf.identity(str(folder)) != "no checkpoint"
    content = bytearray((copy / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "model.safetensors").write_bytes(bytes(content))
    assert hf.identity(str(copy)) != hf.identity(str(folder))
    assert hf.identity(str(tmp_path / "nowhere")) == "no checkpoint"


# --- what needs no PyTorch ---


@pytest.mark.without_hf
def test_what_is_missing_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="set model"):
        hf.checkpoint("", "a test")
    with pytest.raises(BackendError, match="kinescribe models pull hf:org/name"):
        hf.checkpoint("org/name", "a test")
    with pytest.raises(BackendError, match="name a folder"):
        hf.checkpoint(str(tmp_path / "nowhere"), "a test")
    with pytest.raises(BackendError, match=r"is no checkpoint: it has no config\.json"):
        hf.checkpoint(str(tmp_path), "a test")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "x"}))
    assert hf.checkpoint(str(tmp_path), "a test") == tmp_path


@pytest.mark.without_hf
@pytest.mark.parametrize(
    ("device", "dtype", "batch"),
    [("gpu", "auto", 1), ("cpu", "float8", 1), ("cpu", "auto", 0), ("", "auto", 1)],
)
def test_settings_that_cannot_be(device: str, dtype: str, batch: int) -> None:
    with pytest.raises(ValueError, match=r"expected one of|at least 1"):
        hf.check_choice(device, dtype, batch)
    hf.check_choice("cuda:1", "bfloat16", 4)


def test_memory_that_runs_out_halves_the_batch_and_loses_nothing() -> None:
    asked: list[int] = []
    notes: list[str] = []

    def run(batch: list[int]) -> Sequence[int]:
        asked.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 1 GiB")
        return [10 * n for n in batch]

    assert list(hf.batches(range(11), 8, run, notes.append, "a test")) == [10 * n for n in range(11)]
    assert asked == [8, 4, 2, 2, 2, 2, 2, 1]
    assert notes == [
        "a test: out of memory with 8 pictures at a time, so 4 from now on",
        "a test: out of memory with 4 pictures at a time, so 2 from now on",
    ]


def test_without_memory_for_one_it_ends_with_what_to_do() -> None:
    def run(batch: list[int]) -> Sequence[int]:
        raise MemoryError

    with pytest.raises(BackendError, match="not enough memory for a single picture"):
        list(hf.batches(range(3), 2, run, lambda note: None, "a test"))


def test_another_error_is_not_taken_for_memory() -> None:
    def run(batch: list[int]) -> Sequence[int]:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(hf.batches(range(3), 2, run, lambda note: None, "a test"))
