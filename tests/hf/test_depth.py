"""Depth nets of transformers: every family's true class, through the normal path, on tiny random checkpoints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kinescribe import plugins
from kinescribe.backends import DepthFinder
from kinescribe.backends.depths import hf
from kinescribe.backends.depths.hf import HuggingFaceDepth, is_metric
from kinescribe.backends.nets import huggingface
from kinescribe.errors import BackendError
from kinescribe.records import Depth
from kinescribe.stages.depth import EstimateDepth
from kinescribe.video import ArrayFrames
from tests import depths
from tests.hf import tiny_depth

pytestmark = pytest.mark.filterwarnings("ignore")
NEEDS_TORCHVISION = pytest.mark.torchvision
FAMILIES: list[Any] = [
    pytest.param("relative", False, id="Depth Anything"),
    pytest.param("metric", True, id="Depth Anything, metric"),
    pytest.param("dpt", False, id="DPT"),
    pytest.param("glpn", True, id="GLPN"),
    pytest.param("zoedepth", True, id="ZoeDepth"),
    pytest.param("depth_pro", True, id="Depth Pro", marks=NEEDS_TORCHVISION),
]
MAKE: dict[str, Callable[[Path], Path]] = {
    "relative": tiny_depth.depth_anything,
    "metric": lambda folder: tiny_depth.depth_anything(folder, metric=True),
    "dpt": tiny_depth.dpt,
    "glpn": tiny_depth.glpn,
    "zoedepth": tiny_depth.zoedepth,
    "depth_pro": tiny_depth.depth_pro,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each family's checkpoint, saved once."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = MAKE[name](tmp_path_factory.mktemp(name))
        return made[name]

    return get


def pictures(number: int, height: int = 54, width: int = 96) -> ArrayFrames:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (number, 6, 8, 3), dtype=np.uint8)
    big = coarse.repeat(height // 6, 1).repeat(width // 8, 2)
    return ArrayFrames(big, np.arange(number) / 10, 640 / width)


def looked(model: Path, frames: ArrayFrames, **options: Any) -> list[np.ndarray]:
    """The maps of pictures; all samples are there, in order."""
    found = HuggingFaceDepth(str(model), **options)(depths.clip_of(depths.Room(())), frames)
    maps = list(found.maps)
    assert [one.sample for one in maps] == list(range(len(frames)))
    assert found.notes == []
    return [one.nearness for one in maps]


# --- every family -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "metric"), FAMILIES)
def test_a_map_covers_each_picture(name: str, metric: bool, saved: Callable[[str], Path]) -> None:
    found = HuggingFaceDepth(str(saved(name)))(depths.clip_of(depths.Room(())), pictures(3))
    assert found.metric is metric
    maps = [one.nearness for one in found.maps]
    assert len(maps) == 3
    for one in maps:
        assert one.shape == (54, 96)
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        assert one.min() >= 0
        assert np.ptp(one) > 0
    assert not np.allclose(maps[0], maps[1])


@pytest.mark.parametrize(("name", "metric"), FAMILIES)
def test_a_batch_is_what_single_pictures_are(name: str, metric: bool, saved: Callable[[str], Path]) -> None:
    together = looked(saved(name), pictures(5), batch=4)
    alone = looked(saved(name), pictures(5), batch=1)
    again = looked(saved(name), pictures(5), batch=4)
    for one, other, repeated in zip(together, alone, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * float(np.abs(one).max()))
        np.testing.assert_array_equal(one, repeated)


@pytest.mark.parametrize(("name", "metric"), FAMILIES)
def test_the_checkpoint_says_whether_it_is_metric_and_a_setting_overrides_it(
    name: str, metric: bool, saved: Callable[[str], Path]
) -> None:
    clip = depths.clip_of(depths.Room(()))
    assert is_metric(saved(name), str(saved(name))) is metric
    for told in (True, False):
        assert HuggingFaceDepth(str(saved(name)), metric=told)(clip, pictures(1)).metric is told


def test_metres_are_the_inverse_of_nearness(saved: Callable[[str], Path]) -> None:
    """The same checkpoint once taken for depth, once for inverse depth."""
    depth = looked(saved("glpn"), pictures(2), metric=False)
    near = looked(saved("glpn"), pictures(2))
    for metres, nearness in zip(depth, near, strict=True):
        assert metres.max() <= 10.0
        smooth = metres > 1.0
        ordered = np.corrcoef(metres[smooth], nearness[smooth])[0, 1]
        assert ordered < -0.5
        assert 1 / nearness.max() == pytest.approx(metres.min(), rel=0.2, abs=0.06)


def test_large_pictures_give_maps_no_larger_than_the_net_sees(saved: Callable[[str], Path]) -> None:
    (one,) = looked(saved("relative"), pictures(1, 720, 1280))
    assert one.shape == (288, 512)


def test_other_numbers_and_devices_are_settings(saved: Callable[[str], Path]) -> None:
    full, half = (looked(saved("relative"), pictures(2), dtype=d) for d in ("float32", "bfloat16"))
    for one, other in zip(full, half, strict=True):
        assert np.abs(one - other).mean() < 0.1 * one.mean()
        assert not np.array_equal(one, other)
    with pytest.raises(BackendError, match="no mps device"):
        looked(saved("relative"), pictures(1), device="mps")


def test_memory_that_runs_out_is_noted(saved: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = looked(saved("relative"), pictures(4))
    real = hf._Net.__call__

    def tight(net: Any, images: Any) -> Any:
        if len(images) > 2:
            raise RuntimeError("CUDA out of memory")
        return real(net, images)

    monkeypatch.setattr(hf._Net, "__call__", tight)
    found = HuggingFaceDepth(str(saved("relative")), batch=4)(depths.clip_of(depths.Room(())), pictures(4))
    maps = [one.nearness for one in found.maps]
    assert found.notes == ["depth backend hf: out of memory with 4 pictures at a time, so 2 from now on"]
    for one, other in zip(maps, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * float(np.abs(one).max()))


# --- what the numbers mean ----------------------------------------------------------------------------------


class Bright:
    """A net that answers with brightness, on the grid that it is given."""

    def __call__(self, pixels: Any) -> SimpleNamespace:
        return SimpleNamespace(predicted_depth=pixels.mean(1), field_of_view=None)


@pytest.mark.parametrize("name", ["relative", "glpn", "zoedepth"])
def test_a_map_lies_where_the_picture_does(name: str, saved: Callable[[str], Path]) -> None:
    """Also where the processor puts a frame of padding round it."""
    images = np.full((1, 180, 320, 3), 40, np.uint8)
    images[0, 20:60, 200:290] = 220
    folder = saved(name)
    net = hf._Net.load(folder, HuggingFaceDepth(str(folder), metric=False))
    (found,) = hf._Net(Bright(), net.processor, net.where, False, net.kind)(list(images))
    bright = found > (found.min() + found.max()) / 2
    rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    np.testing.assert_allclose(box, [200, 20, 290, 60], atol=6)


@pytest.mark.torchvision
def test_zoedepths_padding_comes_off_as_its_processor_takes_it_off(saved: Callable[[str], Path]) -> None:
    torch = huggingface.torch("test")
    library = huggingface.transformers("test")
    processor = library.AutoImageProcessor.from_pretrained(saved("zoedepth"))
    answers = torch.linspace(1, 4, 64)[None, :, None] + torch.linspace(0, 2, 96)[None, None]
    told = processor.post_process_depth_estimation(
        SimpleNamespace(predicted_depth=answers), source_sizes=[(180, 320)], target_sizes=[(180, 320)]
    )[0]["predicted_depth"]
    own = hf._without_padding(answers, 180, 320)[0]
    np.testing.assert_allclose(own.numpy(), told.numpy(), atol=0.01)


@pytest.mark.torchvision
def test_depth_pros_metres_are_those_of_its_processor(saved: Callable[[str], Path]) -> None:
    torch = huggingface.torch("test")
    library = huggingface.transformers("test")
    processor = library.AutoImageProcessor.from_pretrained(saved("depth_pro"))
    answers = torch.linspace(0.2, 2, 64)[None, :, None].expand(1, 64, 64)
    angle = torch.tensor([50.0])
    told = processor.post_process_depth_estimation(
        SimpleNamespace(predicted_depth=answers, field_of_view=angle), target_sizes=[(64, 64)]
    )[0]["predicted_depth"]
    np.testing.assert_allclose(1 / hf._in_metres(answers, angle)[0].numpy(), told.numpy(), rtol=1e-3)
    assert hf._in_metres(answers, None) is answers


def test_the_stage_makes_a_record_of_it(saved: Callable[[str], Path]) -> None:
    room = depths.Room(
        (depths.Card(lambda t: 4.0), depths.Card(lambda t: 5.0, lambda t: 1.0)), duration_s=1.0
    )
    clip, camera, tracks, _ = depths.records_of(room)
    frames = pictures(len(clip.times_s))
    for name, metric in (("relative", False), ("metric", True)):
        stage = EstimateDepth("hf", {"model": str(saved(name)), "batch": 3})
        found = stage(clip, frames, camera, tracks)
        assert isinstance(found, Depth)
        assert found.metric is metric
        np.testing.assert_array_equal(found.ids, tracks.ids)
        assert np.isfinite(found.nearness[:, ::2]).all()
        assert np.isnan(found.nearness[:, 1::2]).all(), "five looks a second"
        again = stage(clip, frames, camera, tracks)
        np.testing.assert_array_equal(again.nearness, found.nearness)
        np.testing.assert_array_equal(again.scale, found.scale)
    one, other = (EstimateDepth("hf", {"model": str(saved(n))}).identity() for n in ("relative", "metric"))
    assert one != other


# --- bad input ----------------------------------------------------------------------------------------------


def test_what_is_no_such_checkpoint_is_refused(saved: Callable[[str], Path], tmp_path: Path) -> None:
    clip, frames = depths.clip_of(depths.Room(())), pictures(1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text(json.dumps({"model_type": "sam2_video"}))
    with pytest.raises(BackendError, match=r"needs a checkpoint of depth_anything or .* is of sam2_video"):
        HuggingFaceDepth(str(other))(clip, frames)
    cut = Path(shutil.copytree(saved("relative"), tmp_path / "cut"))
    whole = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackendError, match="cannot be loaded"):
        HuggingFaceDepth(str(cut))(clip, frames)
    (cut / "model.safetensors").unlink()
    with pytest.raises(BackendError, match="cannot be loaded"):
        HuggingFaceDepth(str(cut))(clip, frames)
    bare = Path(shutil.copytree(saved("relative"), tmp_path / "bare"))
    (bare / "preprocessor_config.json").unlink()
    with pytest.raises(BackendError, match="no processor"):
        HuggingFaceDepth(str(bare))(clip, frames)


def test_no_pictures_and_nobody(saved: Callable[[str], Path]) -> None:
    clip, camera, tracks, _ = depths.records_of(depths.Room((), duration_s=1.0))
    none = list(HuggingFaceDepth(str(saved("relative")))(clip, []).maps)
    assert none == []
    found = EstimateDepth("hf", {"model": "nowhere/at-all"})(clip, pictures(10), camera, tracks)
    assert not found.known, "nobody there: no net is needed"


@pytest.mark.torchvision
def test_without_torchvision_depth_pro_says_so(
    saved: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(BackendError, match="torchvision"):
        HuggingFaceDepth(str(saved("depth_pro")))(depths.clip_of(depths.Room(())), pictures(1))


# --- what needs no PyTorch ----------------------------------------------------------------------------------


@pytest.mark.without_hf
def test_settings() -> None:
    assert plugins.names("depths") == ["hf"]
    assert plugins.load("depths", "hf") is HuggingFaceDepth
    assert isinstance(HuggingFaceDepth(), DepthFinder)
    assert HuggingFaceDepth.card.extra == "hf"
    for bad in ({"device": "gpu"}, {"dtype": "int8"}, {"batch": 0}):
        with pytest.raises(ValueError, match=r"expected one of|at least 1"):
            HuggingFaceDepth("x", **bad)  # type: ignore[arg-type]
    clip = depths.clip_of(depths.Room(()))
    with pytest.raises(BackendError, match="set model"):
        HuggingFaceDepth()(clip, [])
    with pytest.raises(BackendError, match="models pull hf:org/name"):
        HuggingFaceDepth("org/name")(clip, [])


@pytest.mark.without_hf
@pytest.mark.parametrize(
    ("config", "model", "metric"),
    [
        ({"model_type": "depth_anything"}, "depth-anything/Depth-Anything-V2-Small-hf", False),
        ({"model_type": "depth_anything", "depth_estimation_type": "relative"}, "x", False),
        ({"model_type": "depth_anything", "depth_estimation_type": "metric", "max_depth": 80}, "x", True),
        ({"model_type": "dpt"}, "Intel/dpt-large", False),
        ({"model_type": "dpt"}, "facebook/dpt-dinov2-small-nyu", True),
        ({"model_type": "dpt", "_name_or_path": "facebook/dpt-dinov2-base-kitti"}, "here", True),
        ({"model_type": "zoedepth"}, "Intel/zoedepth-nyu-kitti", True),
        ({"model_type": "glpn"}, "vinvino02/glpn-kitti", True),
        ({"model_type": "depth_pro", "use_fov_model": True}, "apple/DepthPro-hf", True),
        ({"model_type": "depth_pro", "use_fov_model": False}, "x", False),
    ],
)
def test_what_a_checkpoint_says_of_metres(
    config: dict[str, Any], model: str, metric: bool, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert is_metric(tmp_path, model) is metric
