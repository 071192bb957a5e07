"""ViTPose: points lie where heat maps peak, to a twentieth of a cell, whoever else is in the batch or the picture."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.backends.poses import vitpose
from kinescribe.backends.poses.vitpose import VitPoses
from kinescribe.errors import BackendError
from kinescribe.records import Poses, Tracks
from kinescribe.stages.detect import nothing
from kinescribe.stages.pose import EstimatePoses
from kinescribe.video import ArrayFrames
from tests.hf import tiny, tiny_detectors
from tests.hf.planted import clip_of, pictures

pytestmark = pytest.mark.filterwarnings("ignore")
ROWS, COLUMNS = 16, 12
"""Of a heat map, at an input of 64 x 48."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_detectors.vitpose(tmp_path_factory.mktemp("vitpose"))


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_detectors.vitpose(tmp_path_factory.mktemp("experts"), 133, 6)


@pytest.fixture(scope="module")
def net(folder: Path) -> vitpose.Net:
    return vitpose._net(str(folder), "cpu", "auto", "test")


def tracks_of(boxes: np.ndarray, labels: tuple[str, ...] | None = None) -> Tracks:
    """Tracks of people with these boxes (N, T, 4), seen where they are known."""
    count, samples = boxes.shape[:2]
    seen = np.isfinite(boxes[..., 0])
    return Tracks(
        ids=10 * np.arange(count),
        label=labels or ("person",) * count,
        xyxy=boxes,
        score=np.where(seen, 0.9, np.nan),
        detection=np.where(seen, np.arange(count * samples).reshape(count, samples), -1),
    )


def posed(model: Any, images: np.ndarray, tracks: Tracks, scale: float = 1.0, **options: Any) -> Poses:
    clip = clip_of(images, scale)
    frames = ArrayFrames(images, clip.times_s, scale)
    return VitPoses(str(model), **options)(clip, frames, nothing(), tracks)


def region(xyxy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corner and size of what is cut out for a box: 3 to 4, a quarter larger."""
    middle, (width, height) = (xyxy[:2] + xyxy[2:]) / 2, xyxy[2:] - xyxy[:2]
    size = 1.25 * np.array([max(width, height * 0.75), max(height, width / 0.75)])
    return middle - size / 2, size


def heat_at(points: np.ndarray, xyxy: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Heat maps that peak where points of a picture are (the first cell's middle is on the region's border)."""
    corner, size = region(xyxy)
    cells = (points - corner) / size * (COLUMNS - 1, ROWS - 1)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    square = (x - cells[:, :1, None]) ** 2 + (y - cells[:, 1:, None]) ** 2
    return peaks[:, None, None] * np.exp(-square / (2 * 1.2**2))


def planted(monkeypatch: pytest.MonkeyPatch, net: vitpose.Net, maps: np.ndarray) -> list[Any]:
    """Make the net answer heat maps (P, K, rows, columns), in the order in which people come; returns its batches."""
    import torch

    batches: list[Any] = []

    def model(pixel_values: Any, **options: Any) -> Any:
        first = sum(len(batch) for batch in batches)
        batches.append(pixel_values)
        answer = torch.tensor(maps[first : first + len(pixel_values)], dtype=torch.float32)
        return SimpleNamespace(heatmaps=answer)

    model.config = net.model.config  # type: ignore[attr-defined]
    monkeypatch.setattr(vitpose, "_net", lambda *_: net._replace(model=model))
    return batches


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_points_lie_where_the_maps_peak(
    monkeypatch: pytest.MonkeyPatch, net: vitpose.Net, batch: int
) -> None:
    rng = np.random.default_rng(1)
    boxes = np.array([[[10, 20, 70, 180], [14, 20, 74, 180]], [[120, 60, 200, 90], [np.nan] * 4],
                      [[150, 10, 240, 190], [140, 12, 230, 192]]])  # fmt: skip
    tracks = tracks_of(boxes)
    order = [(n, t) for t in range(2) for n in range(3) if np.isfinite(boxes[n, t, 0])]
    true, maps = np.full((3, 2, 17, 3), np.nan), []
    for n, t in order:
        corner, size = region(boxes[n, t])
        true[n, t, :, :2] = corner + size * rng.uniform(0.2, 0.8, (17, 2))
        true[n, t, :, 2] = rng.uniform(0.2, 0.9, 17)
        maps.append(heat_at(true[n, t, :, :2], boxes[n, t], true[n, t, :, 2]))
    batches = planted(monkeypatch, net, np.array(maps))
    poses = posed("m", pictures(2, 200, 260), tracks, batch=batch)
    assert [len(each) for each in batches] == {1: [1] * 5, 3: [3, 2], 32: [5]}[batch]
    assert (poses.ids.tolist(), poses.skeleton) == ([0, 10, 20], "coco17")
    for n, t in order:
        cell = region(boxes[n, t])[1] / (COLUMNS - 1, ROWS - 1)
        off = np.abs(poses.keypoints[n, t, :, :2] - true[n, t, :, :2]) / cell
        assert off.max() < 0.05, (n, t, off.max())
        score = poses.keypoints[n, t, :, 2]  # of the cell: at most what it is between cells
        assert (score <= true[n, t, :, 2] + 1e-6).all()
        assert (score >= 0.8 * true[n, t, :, 2]).all()
    assert np.isnan(poses.keypoints[1, 1]).all()
    assert np.isnan(poses.world).all()


def test_points_are_in_pixels_of_the_clip(monkeypatch: pytest.MonkeyPatch, net: vitpose.Net) -> None:
    box, points = np.array([40.0, 50, 100, 170]), np.tile([60.0, 90.0], (17, 1))
    planted(monkeypatch, net, heat_at(points, box, np.full(17, 0.8))[None])
    poses = posed("m", pictures(1, 200, 260), tracks_of(2.5 * box[None, None]), scale=2.5)
    np.testing.assert_allclose(poses.keypoints[0, 0, :, :2], 2.5 * points, atol=1)


def test_what_is_cut_out_is_the_person(monkeypatch: pytest.MonkeyPatch, net: vitpose.Net) -> None:
    """The processor takes left, top, width, height: with xyxy it would cut out something else without an error."""
    image = np.zeros((1, 200, 260, 3), np.uint8)
    image[0, 100:140, 180:210] = 255  # a box of 30 x 40, 3 to 4 as the input
    batches = planted(monkeypatch, net, np.full((1, 17, ROWS, COLUMNS), 0.5))
    posed("m", image, tracks_of(np.array([[[180.0, 100, 210, 140]]])))
    (pixels,) = batches[0].numpy()
    bright = pixels.mean(0) > 0
    assert bright.mean() == pytest.approx(1 / 1.25**2, abs=0.05)
    y, x = np.nonzero(bright)
    assert (x.mean(), y.mean()) == pytest.approx((23.5, 31.5), abs=0.75)


def test_where_the_refinement_goes_astray_the_highest_cell_counts(net: vitpose.Net) -> None:
    import torch

    rng = np.random.default_rng(0)
    box = (40.0, 50.0, 60.0, 80.0)
    heat = rng.uniform(0, 0.05, (1, 17, ROWS, COLUMNS))  # noise, in which a quadratic fit finds anything
    heat[0, 0] = 0.3  # a plateau
    heat[0, 1] = -0.1  # nothing at all
    (points,) = net.read(torch.tensor(heat, dtype=torch.float32), [box])
    corner, size = region(np.array([40, 50, 100, 130.0]))
    cell = size / (COLUMNS - 1, ROWS - 1)
    highest = heat[0].reshape(17, -1).argmax(1)
    at = corner + np.stack([highest % COLUMNS, highest // COLUMNS], axis=1) * cell
    known = np.arange(17) != 1
    assert (np.abs(points[known, :2] - at[known]) <= vitpose.MAX_SHIFT * cell + 1e-6).all()
    assert np.isnan(points[1]).all()


@pytest.mark.without_hf
@given(
    st.tuples(st.floats(-50, 200), st.floats(-50, 200), st.floats(1, 300), st.floats(1, 300)),
    st.sampled_from([(64, 48, 16, 12), (256, 192, 64, 48), (256, 256, 64, 64)]),
)
@settings(max_examples=50, deadline=None)
def test_a_grid_holds_its_box_in_its_middle(box: tuple[float, ...], shape: tuple[int, ...]) -> None:
    height, width, rows, columns = shape
    corner, cell = vitpose._grid(np.array([box]), height, width, (rows, columns))
    sides = cell[0] * (columns - 1, rows - 1)
    np.testing.assert_allclose(corner[0] + sides / 2, np.array(box[:2]) + np.array(box[2:]) / 2, atol=1e-6)
    assert sides[0] / sides[1] == pytest.approx(width / height)
    assert (sides >= 1.25 * np.array(box[2:]) - 1e-6).all()
    assert np.isclose(sides, 1.25 * np.array(box[2:])).any()


# --- the nets themselves ---


def crowd(people: int = 3, samples: int = 4) -> Tracks:
    rng = np.random.default_rng(2)
    low = rng.uniform(0, 60, (people, samples, 2))
    return tracks_of(np.concatenate([low, low + rng.uniform(15, 40, low.shape)], axis=-1))


@pytest.mark.parametrize("kind", ["one", "experts"])
def test_batches_change_nothing_and_twice_is_the_same(folder: Path, experts: Path, kind: str) -> None:
    model = {"one": folder, "experts": experts}[kind]
    images = pictures(4, 100, 100)
    one, three, again = (posed(model, images, crowd(), batch=b) for b in (1, 5, 5))
    assert one.keypoints.shape == (3, 4, {"one": 17, "experts": 133}[kind], 3)
    assert np.isfinite(one.keypoints).mean() > 0.2
    np.testing.assert_array_equal(three.keypoints, again.keypoints)
    same = np.isclose(one.keypoints, three.keypoints, atol=0.05, equal_nan=True).mean()
    assert same > 0.99  # a random map may have two cells of one height


def test_points_are_what_the_models_own_code_answers(folder: Path) -> None:
    import torch
    from transformers import AutoImageProcessor, VitPoseForPoseEstimation

    image = pictures(1, 100, 100)
    own = AutoImageProcessor.from_pretrained(folder, backend="pil")
    model = VitPoseForPoseEstimation.from_pretrained(folder).eval()
    boxes = [[[20.0, 10.0, 40.0, 60.0]]]
    with torch.no_grad():
        answer = model(**own(image[0], boxes=boxes, return_tensors="pt"))
    ((true,),) = own.post_process_pose_estimation(answer, boxes=boxes)
    found = posed(folder, image, tracks_of(np.array([[[20.0, 10, 60, 70]]])))
    score, refined = true["scores"].numpy(), true["keypoints"].numpy()
    corner, size = region(np.array([20.0, 10, 60, 70]))
    cell = size / (COLUMNS - 1, ROWS - 1)
    highest = answer.heatmaps[0].flatten(1).argmax(1).numpy()
    at = corner + np.stack([highest % COLUMNS, highest // COLUMNS], axis=1) * cell
    sane = (np.abs(refined - at) <= vitpose.MAX_SHIFT * cell).all(1)
    assert sane.sum() > 0
    expected = np.where(sane[:, None], refined, at)
    expected[score <= 0] = np.nan
    np.testing.assert_allclose(found.keypoints[0, 0, :, :2], expected, atol=1e-3)
    np.testing.assert_allclose(found.keypoints[0, 0, :, 2], np.where(score > 0, score, np.nan), atol=1e-6)


def test_each_expert_answers_otherwise_and_the_points_choose_one(experts: Path) -> None:
    images, tracks = pictures(1, 100, 100), crowd(1, 1)
    answers = {n: posed(experts, images, tracks, expert=n).keypoints for n in (-1, 0, 3, 5)}
    np.testing.assert_array_equal(answers[-1], answers[5])  # 133 points: COCO-WholeBody's
    assert not np.array_equal(answers[0], answers[3], equal_nan=True)
    assert not np.array_equal(answers[0], answers[5], equal_nan=True)
    with pytest.raises(BackendError, match="has 6 experts, none of number 6; set expert"):
        posed(experts, images, tracks, expert=6)


def test_a_net_without_experts_has_none(folder: Path) -> None:
    images, tracks = pictures(1, 100, 100), crowd(1, 1)
    none, zero = (posed(folder, images, tracks, expert=n) for n in (-1, 0))
    np.testing.assert_array_equal(none.keypoints, zero.keypoints)
    with pytest.raises(BackendError, match="has 1 expert, none of number 5"):
        posed(folder, images, tracks, expert=5)


def test_half_the_precision(experts: Path) -> None:
    poses = posed(experts, pictures(4, 100, 100), crowd(), dtype="bfloat16")
    assert np.isfinite(poses.keypoints).any()


# --- who is asked for ---


def test_only_people_and_only_where_they_are_seen(folder: Path) -> None:
    tracks = crowd(3, 4)
    tracks.xyxy[0, 2], tracks.detection[0, 2], tracks.score[0, 2] = np.nan, -1, np.nan
    tracks.detection[2, 1] = -1  # a gap that was bridged: nobody is seen there
    some = Tracks(tracks.ids, ("person", "dog", "person"), tracks.xyxy, tracks.score, tracks.detection)
    poses = posed(folder, pictures(4, 100, 100), some)
    assert poses.ids.tolist() == [0, 20]
    seen = np.isfinite(poses.keypoints).any((2, 3))
    assert seen.tolist() == [[True, True, False, True], [True, False, True, True]]


def test_nobody_there(folder: Path) -> None:
    for tracks in (tracks_of(np.zeros((0, 3, 4))), tracks_of(np.zeros((1, 3, 4)), ("ball",))):
        poses = posed(folder, pictures(3), tracks)
        assert (poses.ids.shape, poses.keypoints.shape, poses.skeleton) == ((0,), (0, 3, 17, 3), "coco17")


def test_the_stage_takes_it_by_its_name(folder: Path) -> None:
    stage = EstimatePoses("vitpose", {"model": str(folder)})
    images = pictures(4, 100, 100)
    clip = clip_of(images)
    poses = stage(clip, ArrayFrames(images, clip.times_s), nothing(), crowd())
    assert poses.ids.tolist() == [0, 10, 20]
    assert stage.identity().startswith("vitpose/1/torch")


def test_a_box_of_no_size_is_no_error(folder: Path) -> None:
    poses = posed(folder, pictures(1, 100, 100), tracks_of(np.array([[[50.0, 50, 50, 50]]])))
    assert poses.keypoints.shape == (1, 1, 17, 3)


# --- what can be wrong ---


def test_memory_that_runs_out_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch, net: vitpose.Net, folder: Path
) -> None:
    images, tracks = pictures(4, 100, 100), crowd()
    whole = posed(folder, images, tracks, batch=2)

    def model(pixel_values: Any, **options: Any) -> Any:
        if len(pixel_values) > 2:
            raise RuntimeError("CUDA out of memory")
        return net.model(pixel_values=pixel_values, **options)

    model.config = net.model.config  # type: ignore[attr-defined]
    monkeypatch.setattr(vitpose, "_net", lambda *_: net._replace(model=model))
    np.testing.assert_array_equal(posed("m", images, tracks, batch=8).keypoints, whole.keypoints)


def test_answers_that_are_no_numbers_are_an_error(monkeypatch: pytest.MonkeyPatch, net: vitpose.Net) -> None:
    planted(monkeypatch, net, np.full((1, 17, ROWS, COLUMNS), np.nan))
    with pytest.raises(BackendError, match=r'no number in .*dtype = "float32"'):
        posed("m", pictures(1, 100, 100), crowd(1, 1))


def test_other_checkpoints_are_refused(folder: Path, tmp_path: Path) -> None:
    images, tracks = pictures(1, 100, 100), crowd(1, 1)
    with pytest.raises(BackendError, match="needs a checkpoint of vitpose"):
        posed(tiny.depth_anything(tmp_path / "depth"), images, tracks)
    with pytest.raises(BackendError, match="answers 21 points; skeletons of 17, 26, 133 are known"):
        posed(tiny_detectors.vitpose(tmp_path / "hands", 21), images, tracks)
    cut = Path(shutil.copytree(folder, tmp_path / "cut"))
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(BackendError, match="cannot be loaded"):
        posed(cut, images, tracks)


@pytest.mark.without_hf
@pytest.mark.parametrize("setting", [{"batch": 0}, {"device": "gpu"}, {"dtype": "int8"}, {"expert": -2}])
def test_settings_that_cannot_be(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|expected"):
        VitPoses(**setting)


@pytest.mark.without_hf
def test_no_checkpoint_is_told_with_a_remedy() -> None:
    with pytest.raises(BackendError, match='poses backend "vitpose"'):
        posed("", pictures(1, 100, 100), crowd(1, 1))
    assert VitPoses().identity().startswith("no ")
