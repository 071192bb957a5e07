"""VGGT's camera score: exact on poses that are known, on the geometry's maps, from a stand-in for the package."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from kinescribe import plugins, recipe
from kinescribe.backends.cameras import vggt as backend
from kinescribe.backends.cameras.lk_grid import LkGrid
from kinescribe.backends.cameras.vggt import Vggt, centres, sampled, score, squeezed
from kinescribe.errors import BackendError, RecipeError
from kinescribe.records import CameraMotion
from kinescribe.runs import codec
from kinescribe.stages.camera import MeasureCamera
from kinescribe.video import ArrayFrames, Frame
from tests.hf import tiny
from tests.hf.tiny_vggt import STANDINS, vggt
from tests.test_camera import clip_of, filmed, steady, texture

without_hf = pytest.mark.without_hf


# --- the score ----------------------------------------------------------------------------------------------


def poses(turns: Rotation, at: np.ndarray) -> np.ndarray:
    """Camera from world, for cameras at places ``at``."""
    matrices = turns.as_matrix()
    return np.concatenate([matrices, -(matrices @ at[..., None])], axis=-1)


def turning(step_deg: float, count: int = 4, axis: tuple[float, ...] = (0, 1, 0)) -> Rotation:
    unit = np.array(axis) / np.linalg.norm(axis)
    return Rotation.from_rotvec(np.radians(step_deg) * np.arange(count)[:, None] * unit)


AXIS = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1)


@without_hf
@given(st.floats(0, 179), AXIS, st.integers(2, 9), st.sampled_from(backend.FORMS))
def test_a_camera_that_turns_on_the_spot(step: float, axis: tuple[float, ...], count: int, form: str) -> None:
    found = score(poses(turning(step, count, axis), np.zeros((count, 3))), form)
    dr = 2 * np.sqrt(2) * np.sin(np.radians(step) / 2)
    np.testing.assert_allclose(found.terms, [0, dr, 0, dr], atol=1e-6)
    assert found.value == pytest.approx(1.5 * dr, abs=1e-6)


@without_hf
@pytest.mark.parametrize("form", backend.FORMS)
def test_eight_degrees_a_step_trip_the_published_threshold(form: str) -> None:
    assert score(poses(turning(8.1), np.zeros((4, 3))), form).value < 0.3
    assert score(poses(turning(8.12), np.zeros((4, 3))), form).value > 0.3


@without_hf
def test_weights_of_mean_and_greatest_step() -> None:
    at = np.array([[0.0, 0, 0], [0.1, 0, 0], [0.1, 0.3, 0], [0.1, 0.3, -0.2]])
    turns = Rotation.from_rotvec(np.radians([[0, 0, 0], [0, 0, 0], [0, 60, 0], [0, 60, 0]]))
    found = score(poses(turns, at))
    np.testing.assert_allclose(found.terms, [0.2, np.sqrt(2) / 3, 0.3, np.sqrt(2)], atol=1e-12)
    assert found.value == pytest.approx(0.2 + np.sqrt(2) / 3 + 0.15 + np.sqrt(2) / 2)
    published = score(poses(turns, at), "published")  # R C = (0.05, 0.3, -0.087) after C = (0.1, 0, 0)
    way = [0.1, np.sqrt(0.05**2 + 0.3**2 + 0.03 * 0.25), 0.2]
    np.testing.assert_allclose(
        published.terms, [np.mean(way), np.sqrt(2) / 3, way[1], np.sqrt(2)], atol=1e-12
    )


@without_hf
@given(st.floats(1, 60), st.floats(0.5, 5))
def test_the_published_form_takes_a_turn_away_from_the_origin_for_a_way(step: float, away: float) -> None:
    turned = poses(turning(step), np.tile([away, 0.0, 0.0], (4, 1)))
    assert score(turned).terms[0] == pytest.approx(0, abs=1e-9)
    assert score(turned, "published").terms[0] == pytest.approx(away * 2 * np.sin(np.radians(step) / 2))


@without_hf
@given(st.integers(0, 10_000))
def test_the_score_does_not_depend_on_where_the_world_begins(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turns, at = Rotation.random(5, rng), rng.normal(size=(5, 3))
    world, shift = Rotation.random(rng=rng), rng.normal(size=3)
    moved = poses(turns * world.inv(), world.apply(at) + shift)
    np.testing.assert_allclose(centres(moved), world.apply(at) + shift)
    np.testing.assert_allclose(score(moved).terms, score(poses(turns, at)).terms)


@without_hf
def test_what_is_not_known_is_nan() -> None:
    still = poses(turning(0), np.zeros((4, 3)))
    assert score(still).value == 0
    jump = poses(turning(0), np.array([[0.0, 0, 0], [0, 0, 0], [9, 0, 0], [9, 0, 0]]))
    assert score(jump, "centre", np.array([False, True, False])).value == 0
    assert score(jump).value == pytest.approx(3 + 4.5)
    nothing = score(still, "centre", np.ones(3, dtype=bool))
    assert np.isnan([nothing.value, *nothing.terms]).all()
    still[2, 0, 3] = np.inf
    assert not np.isfinite(score(still).value)


@without_hf
@pytest.mark.parametrize(
    ("total", "wanted", "found"),
    [(10, 4, [0, 3, 6, 9]), (11, 4, [0, 3, 6, 10]), (4, 4, [0, 1, 2, 3]), (2, 8, [0, 1]), (300, 2, [0, 299])],
)
def test_pictures_are_spread_evenly(total: int, wanted: int, found: list[int]) -> None:
    assert sampled(total, wanted).tolist() == found


# --- settings -----------------------------------------------------------------------------------------------


@without_hf
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"form": "center"}, 'did you mean "centre"'),
        ({"samples": 1}, "at least 2"),
        ({"device": "tpu"}, "expected one of"),
        ({"dtype": "int8"}, "expected one of"),
    ],
)
def test_impossible_settings(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Vggt(**options)


@without_hf
def test_it_is_chosen_in_a_recipe() -> None:
    chosen = recipe.load(
        None, ["camera.backend=vggt", 'camera.options.form="published"', "camera.options.samples=4"]
    )
    assert chosen.stages["camera"].options == {"form": "published", "samples": 4}
    with pytest.raises(RecipeError):
        recipe.load(None, ["camera.backend=vggt", 'camera.options.form="extrinsic"'])


@without_hf
def test_a_single_picture_asks_no_net() -> None:
    images = filmed(steady(1))
    motion = Vggt(model="/nowhere")(clip_of(images), ArrayFrames(images, np.zeros(1)))
    assert motion.labels == ("unknown",)
    assert motion.score == 0


@without_hf
@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("", "set model"),
        ("facebook/VGGT-1B", "kinescribe models pull hf:facebook/VGGT-1B"),
        ("/nowhere", "no checkpoint"),
    ],
)
def test_a_model_that_is_not_here(
    model: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BackendError, match=why):
        measured(PAN, model=model)
    assert "no " in Vggt(model=model).identity()


@without_hf
def test_the_card_names_weights_and_what_was_not_run() -> None:
    assert "hf:facebook/VGGT-1B" in Vggt.card.weights
    assert "stand-in" in Vggt.card.run_here


# --- the backend on the stand-in ----------------------------------------------------------------------------

PAN = filmed(steady(12, x=6))


def measured(images: np.ndarray, **options: Any) -> CameraMotion:
    clip = clip_of(images)
    return MeasureCamera(backend="vggt", options={"samples": 4, "device": "cpu", **options})(
        clip, ArrayFrames(images, clip.times_s)
    )


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stand-in on the path, for one test; a real package wins, so that these tests can be run with it."""
    monkeypatch.syspath_prepend(STANDINS)
    real = backend._net
    real.cache_clear()
    yield
    real.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "vggt"]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def folder(package: None, tmp_path: Path) -> Path:
    return vggt(tmp_path / "vggt")


def test_maps_and_words_are_the_geometrys_and_the_score_is_the_nets(folder: Path) -> None:
    clip = clip_of(PAN)
    alone = LkGrid()(clip, ArrayFrames(PAN, clip.times_s))
    motion = measured(PAN, model=str(folder))
    for name in ("to_scene", "inlier_ratio", "coverage"):
        np.testing.assert_array_equal(getattr(motion, name), getattr(alone, name))
    assert (motion.labels, motion.cuts_s, motion.stretches) == (alone.labels, alone.cuts_s, alone.stretches)
    assert motion.labels == ("pan_right",)
    assert motion.score != alone.score
    assert motion.score == pytest.approx(float(motion.terms @ [1, 1, 0.5, 0.5]))
    assert motion.notes == (
        "the camera's score is VGGT's (4 pictures, dt of the camera's centre); its maps, labels and cuts are lk_grid's",
    )
    back = codec.from_row(CameraMotion, codec.to_row(motion))
    assert back.notes == motion.notes


def test_the_score_is_of_the_poses_that_the_package_itself_gives(folder: Path) -> None:
    import torch

    made = importlib.import_module("vggt.models.vggt").VGGT.from_pretrained(folder)
    decode = importlib.import_module("vggt.utils.pose_enc").pose_encoding_to_extri_intri
    picked = PAN[[0, 3, 7, 11]]
    pixels = torch.stack([torch.tensor(squeezed(image)).permute(2, 0, 1) / 255 for image in picked])
    with torch.no_grad():
        tokens, _ = made.eval().aggregator(pixels[None])
        known, _ = decode(made.camera_head(tokens)[-1], (518, 518))
    for form in backend.FORMS:
        expected = score(known[0].double().numpy(), form)
        found = measured(PAN, model=str(folder), form=form)
        np.testing.assert_allclose(found.terms, expected.terms, rtol=1e-4)
    assert (
        measured(PAN, model=str(folder)).terms[0]
        != measured(PAN, model=str(folder), form="published").terms[0]
    )


def test_answers_are_the_same_each_time_and_differ_with_the_pictures(folder: Path) -> None:
    first = measured(PAN, model=str(folder))
    assert measured(PAN, model=str(folder)).score == first.score
    backend._net.cache_clear()
    assert measured(PAN, model=str(folder)).score == first.score
    assert measured(PAN[::-1].copy(), model=str(folder)).score != first.score


def test_numbers_of_sixteen_bits_are_near_those_of_thirty_two(folder: Path) -> None:
    for form in backend.FORMS:
        whole, half = (
            measured(PAN, model=str(folder), form=form, dtype=dtype, samples=2)
            for dtype in ("float32", "bfloat16")
        )
        assert half.score != whole.score
        np.testing.assert_allclose(half.terms, whole.terms, rtol=0.1, atol=0.02)


class Planted:
    """A net that gives known poses, whatever it is shown."""

    def __init__(self, turns: Rotation, at: np.ndarray) -> None:
        self.turns, self.at, self.seen = turns, at, []

    def aggregator(self, images: Any) -> tuple[list[Any], int]:
        import torch

        self.seen.append(images)
        return [None, torch.zeros((*images.shape[:2], 6, 32))], 5

    def camera_head(self, tokens: list[Any]) -> list[Any]:
        import torch

        known = poses(self.turns, self.at)
        code = np.concatenate([known[:, :, 3], self.turns.as_quat(), np.ones((len(known), 2))], axis=1)
        assert tokens[-1].shape[1] == len(known)
        return [torch.zeros((1, len(known), 9)), torch.tensor(code[None], dtype=torch.float32)]


@pytest.fixture
def planted(package: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Rotation, np.ndarray], Planted]:
    import torch

    decode = importlib.import_module("vggt.utils.pose_enc").pose_encoding_to_extri_intri

    def plant(turns: Rotation, at: np.ndarray) -> Planted:
        net = Planted(turns, at)
        where = backend.huggingface.Place("cpu", torch.float32)
        monkeypatch.setattr(backend, "_net", lambda *_: backend._Net(net, decode, where))
        return net

    return plant


@pytest.mark.parametrize("seed", range(3))
def test_codes_become_the_score_of_their_poses(seed: int, planted: Any) -> None:
    rng = np.random.default_rng(seed)
    turns, at = Rotation.random(4, rng), rng.normal(size=(4, 3))
    net = planted(turns, at)
    for form in backend.FORMS:
        motion = measured(PAN, form=form)
        np.testing.assert_allclose(motion.terms, score(poses(turns, at), form).terms, rtol=1e-5)
    pixels = net.seen[0]
    assert tuple(pixels.shape) == (1, 4, 3, 518, 518)
    shown = np.stack([squeezed(PAN[k]) for k in (0, 3, 7, 11)])
    np.testing.assert_allclose(pixels[0].permute(0, 2, 3, 1).numpy() * 255, shown, atol=1e-3)


def test_a_clip_is_kept_or_dropped_by_the_score(planted: Any) -> None:
    stage = MeasureCamera(backend="vggt", options={"samples": 4}, drop_above=0.3)
    planted(turning(8.0), np.zeros((4, 3)))
    assert stage.drops(measured(PAN)) is None
    planted(turning(8.2), np.zeros((4, 3)))
    assert "above camera.drop_above = 0.3" in (stage.drops(measured(PAN)) or "")


def test_steps_across_a_cut_are_left_out_but_where_published(planted: Any) -> None:
    # Pictures 0, 7, 15, 23; the picture changes at 12: between the second and the third.
    images = np.concatenate([filmed(steady(12)), filmed(steady(12), wall=texture(1600, 1200, 77))])
    planted(turning(0), np.array([[0.0, 0, 0], [0.1, 0, 0], [5, 0, 0], [5.1, 0, 0]]))
    motion = measured(images)
    assert motion.cuts_s == (1.2,)
    np.testing.assert_allclose(motion.terms, [0.1, 0, 0.1, 0], atol=1e-6)
    np.testing.assert_allclose(measured(images, form="published").terms, [5.1 / 3, 0, 4.9, 0], atol=1e-6)
    planted(turning(0, 2), np.array([[0.0, 0, 0], [5, 0, 0]]))
    torn = measured(images, samples=2)
    assert np.isnan(torn.score)
    assert "across a cut" in torn.notes[1]


def test_a_clip_is_gone_through_once(planted: Any) -> None:
    class Once(ArrayFrames):
        times = 0

        def __iter__(self) -> Iterator[Frame]:
            type(self).times += 1
            return super().__iter__()

    planted(turning(0), np.zeros((4, 3)))
    clip = clip_of(PAN)
    Vggt(samples=4)(clip, Once(PAN, clip.times_s))
    assert Once.times == 1


def test_poses_that_are_not_finite_give_no_score(planted: Any) -> None:
    planted(turning(0), np.full((4, 3), np.nan))
    motion = measured(PAN)
    assert np.isnan(motion.score)
    assert motion.labels == ("pan_right",)
    assert "not finite" in motion.notes[1]


def test_no_memory_is_told_with_the_remedy(planted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = planted(turning(0), np.zeros((4, 3)))

    def full(images: Any) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(net, "aggregator", full)
    with pytest.raises(BackendError, match="set fewer samples"):
        measured(PAN)


# --- checkpoints --------------------------------------------------------------------------------------------


def test_only_the_camera_is_built_and_a_net_is_loaded_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    fill = backend._fill
    monkeypatch.setattr(backend, "_fill", lambda net, where: (loads.append(net), fill(net, where)))
    measured(PAN, model=str(folder))
    measured(PAN, model=str(folder), form="published")
    assert len(loads) == 1
    assert loads[0].point_head is loads[0].depth_head is loads[0].track_head is None


def test_a_net_that_always_builds_all_heads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the package did before July 2025."""
    module = importlib.import_module("vggt.models.vggt")
    expected = measured(PAN, model=str(folder)).score

    class Older(module.VGGT):  # type: ignore[misc, name-defined]
        def __init__(self, img_size: int = 518, patch_size: int = 14, embed_dim: int = 1024) -> None:
            super().__init__(img_size, patch_size, embed_dim)

    backend._net.cache_clear()
    monkeypatch.setattr(module, "VGGT", Older)
    assert measured(PAN, model=str(folder)).score == expected


def test_weights_as_a_pickle_give_the_same(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    expected = measured(PAN, model=str(folder)).score
    other = Path(shutil.copytree(folder, tmp_path / "pickled"))
    torch.save(load_file(other / "model.safetensors"), other / "model.pt")
    (other / "model.safetensors").unlink()
    assert measured(PAN, model=str(other)).score == expected


def test_other_weights_are_another_identity_and_are_loaded_anew(folder: Path, tmp_path: Path) -> None:
    options = {"model": str(folder)}
    before, old = plugins.identity("cameras", "vggt", options), measured(PAN, **options).score
    assert before == plugins.identity("cameras", "vggt", options)
    assert f"lk_grid/{LkGrid.revision}" in before
    shutil.copy(vggt(tmp_path / "other", seed=1) / "model.safetensors", folder)
    assert plugins.identity("cameras", "vggt", options) != before
    assert measured(PAN, **options).score != old


def test_files_that_are_no_checkpoint(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    def refused(name: str, why: str, change: Callable[[Path], object]) -> None:
        broken = Path(shutil.copytree(folder, tmp_path / name))
        change(broken)
        with pytest.raises(BackendError, match=why):
            measured(PAN, model=str(broken))

    weights = load_file(folder / "model.safetensors")
    whole = (folder / "model.safetensors").read_bytes()
    fewer = {name: value for name, value in weights.items() if not name.startswith("camera_head.pose_branch")}
    refused("cut", "fetch the checkpoint again", lambda f: (f / "model.safetensors").write_bytes(whole[:999]))
    refused("empty", "fetch the checkpoint again", lambda f: (f / "model.safetensors").write_bytes(b""))
    refused(
        "less",
        r"lacks 2 of the net's weights \(camera_head",
        lambda f: save_file(fewer, f / "model.safetensors"),
    )
    refused("none", "neither model.safetensors nor model.pt", lambda f: (f / "model.safetensors").unlink())
    refused("wide", "cannot be loaded", lambda f: (f / "config.json").write_text('{"embed_dim": 32}'))
    refused("torn", "cannot be read", lambda f: (f / "config.json").write_text("{"))
    refused("list", "cannot be read", lambda f: (f / "config.json").write_text("[]"))
    refused("bare", "no config.json", lambda f: (f / "config.json").unlink())


def test_another_architecture(package: None, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"needs a checkpoint of VGGT; .* is of depth_anything"):
        measured(PAN, model=str(tiny.depth_anything(tmp_path)))


def test_a_package_that_is_not_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(STANDINS)])
    for name in [name for name in sys.modules if name.partition(".")[0] == "vggt"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(
        BackendError, match=r'needs the package "vggt".*git\+https://github.com/facebookresearch/vggt'
    ):
        measured(PAN, model=str(folder))
    assert Vggt(model=str(folder)).identity().startswith("no vggt")


def test_a_device_that_is_not_here(folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(BackendError, match="no cuda device"):
        measured(PAN, model=str(folder), device="cuda")


def test_a_clip_of_two_pictures(folder: Path) -> None:
    motion = measured(PAN[:2], model=str(folder))
    assert np.isfinite(motion.score)
    assert "2 pictures" in motion.notes[0]
    assert replace(motion, notes=()).notes == ()
