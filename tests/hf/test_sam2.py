"""SAM 2 with a tiny checkpoint of the true class: what transformers gives by itself, in bounded memory."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinescribe import masks, plugins
from kinescribe.backends.trackers import _sessions, sam2
from kinescribe.backends.trackers._sessions import Prompt
from kinescribe.backends.trackers.sam2 import Sam2
from kinescribe.errors import BackendError
from kinescribe.stages.track import TrackSubjects
from tests import worlds as w
from tests.hf import tiny_sam

pytestmark = pytest.mark.filterwarnings("ignore")
SIZE = (48, 80)
BOX = np.array([20.0, 8.0, 60.0, 40.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_sam.sam2_video(tmp_path_factory.mktemp("sam2"))


@pytest.fixture(scope="module")
def net(folder: Path) -> Any:
    return sam2._load(str(folder), "cpu", "auto")


def film(number: int, seed: int = 0) -> list[np.ndarray]:
    """Smooth noise that drifts: random weights make more of it than of a plain picture."""
    rng = np.random.default_rng(seed)
    wide = np.kron(rng.integers(0, 255, (12, 40, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, k % 60 : k % 60 + SIZE[1]]) for k in range(number)]


def world() -> w.Rendered:
    def thing(path: w.Path2D, label: str) -> w.Actor:
        return w.Actor(path, (50.0, 40.0), label=label)

    actors = (thing(lambda t: (60 + 30 * t, 60), "person"), thing(lambda t: (250 - 30 * t, 120), "dog"))
    return w.render(w.World("sam", duration_s=1.6, actors=actors))


def stored(value: Any) -> int:
    """Numbers in tensors, however deep they lie."""
    if hasattr(value, "numel"):
        return int(value.numel())
    if isinstance(value, dict):
        return sum(stored(one) for one in value.values())
    if isinstance(value, (list, tuple)):
        return sum(stored(one) for one in value)
    return stored(vars(value)) if hasattr(value, "_vision_features") else 0


# --- against transformers' own loop -------------------------------------------------------------------------


@pytest.mark.torchvision
def test_masks_are_those_that_transformers_gives_for_a_whole_video(net: Any) -> None:
    pictures = film(24)
    whole = net.processor.init_video_session(video=np.stack(pictures))
    add = net.processor.add_inputs_to_inference_session
    add(whole, 0, [3], input_boxes=[[BOX.tolist()]])
    net.model(inference_session=whole, frame_idx=0)
    expected = [out.pred_masks for out in net.model.propagate_in_video_iterator(whole)]
    expected_masks = [
        net.processor.post_process_masks([one], [SIZE], binarize=True)[0][0, 0].numpy() for one in expected
    ]
    session, found = net.session(), []
    for k, picture in enumerate(pictures):
        seen = session.look(picture)
        assert bool(seen) == (k > 0)
        found.append((seen or session.again([Prompt(3, box=BOX)]))[3])
    shares = [float(one.mask.mean()) for one in found]
    assert 0.02 < min(shares) < max(shares) < 0.98  # there is something to compare
    for one, two in zip(found, expected_masks, strict=True):
        np.testing.assert_array_equal(one.mask, two)
        assert 0 <= one.score <= 1


@pytest.mark.torchvision
def test_what_is_forgotten_changes_no_answer(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> list[dict[int, Any]]:
        session, told = net.session(), []
        for k, picture in enumerate(film(40)):
            seen = session.look(picture)
            if k in (0, 7):
                seen = session.again([Prompt(k, box=BOX + k)])
            elif k and k % 5 == 0:
                seen = session.again([Prompt(0, box=BOX + 1)])
            told.append(seen)
        return told

    short = run()
    monkeypatch.setattr(sam2, "forget", lambda *args, **more: None)
    for one, two in zip(short, run(), strict=True):
        assert one.keys() == two.keys()
        for number in one:
            np.testing.assert_array_equal(one[number].mask, two[number].mask)
            assert one[number].score == two[number].score


@pytest.mark.torchvision
def test_the_state_does_not_grow(net: Any) -> None:
    session, sizes = net.session(), []
    for k, picture in enumerate(film(200)):
        if not session.look(picture):
            session.again(
                [Prompt(0, box=BOX), Prompt(1, mask=np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % 80 < 30)]
            )
        if k in (19, 199):
            sizes.append(sum(stored(vars(session.state)[name]) for name in vars(session.state)))
            assert len(session.state.processed_frames) == 1
    assert sizes[0] == sizes[1] > 0


@pytest.mark.torchvision
def test_a_mask_as_prompt_is_the_answer_and_boxes_go_with_it(net: Any) -> None:
    shown = np.zeros(SIZE, bool)
    shown[10:40, 8:40] = True
    session = net.session()
    session.look(film(1)[0])
    seen = session.again([Prompt(5, box=BOX), Prompt(2, mask=shown)])
    assert sorted(seen) == [2, 5]
    assert float(masks.mask_iou(seen[2].mask[None], shown[None])[0, 0]) > 0.7  # on a grid of 16 x 16
    np.testing.assert_array_equal(seen[5].mask, alone(net)[5].mask)  # another prompt changes nothing


def alone(net: Any) -> dict[int, Any]:
    session = net.session()
    session.look(film(1)[0])
    told: dict[int, Any] = session.again([Prompt(5, box=BOX)])
    return told


# --- a clip -------------------------------------------------------------------------------------------------


@pytest.mark.torchvision
@pytest.mark.parametrize("length", [300, 9])
def test_boxes_are_those_of_the_masks_and_all_is_the_same_again(
    folder: Path, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        _sessions._Book, "is_sure", lambda book, subject: True
    )  # random masks fit no detection
    known = world()
    tracker = Sam2(model=str(folder), session_samples=length, overlap_samples=3, min_area_px=1.0)
    one, two = (tracker.follow(known.clip, known.frames, known.camera, known.detections) for _ in range(2))
    assert one.masks is not None
    assert two.masks is not None
    assert one.masks.rle == two.masks.rle
    assert one.masks.known.any()
    np.testing.assert_array_equal(one.xyxy, two.xyxy)
    assert (one.masks.height, one.masks.width) == known.frames.images.shape[1:3]
    for n, k in np.argwhere(one.masks.known).tolist():
        shown = masks.rle_mask(str(one.masks.rle[n][k]), one.masks.height, one.masks.width)
        np.testing.assert_array_equal(masks.mask_box(shown), one.xyxy[n, k])
    np.testing.assert_array_equal(one.masks.known, np.isfinite(one.xyxy[..., 0]))
    np.testing.assert_array_equal(one.masks.known, np.isfinite(one.score))
    rows = one.detection[one.detection >= 0]
    assert len(set(rows.tolist())) == len(rows)
    assert (known.detections.sample[rows] == np.nonzero(one.detection >= 0)[1]).all()


@pytest.mark.torchvision
def test_the_stage_runs_it_by_name(folder: Path) -> None:
    known = world()
    stage = TrackSubjects("sam2", {"model": str(folder), "min_area_px": 1.0})
    assert "torchvision" in stage.identity()
    tracks = stage(known.clip, known.camera, known.detections, known.frames)
    assert tracks.masks is not None
    assert len(tracks.masks.rle) == len(tracks.ids)


@pytest.mark.torchvision
def test_nobody_there(folder: Path) -> None:
    known = world()
    own = known.detections
    nothing = replace(
        own, sample=own.sample[:0], xyxy=own.xyxy[:0], score=own.score[:0], label=(), source=(),
        keypoints=own.keypoints[:0], world=own.world[:0],
    )  # fmt: skip
    tracks = Sam2(model=str(folder)).follow(known.clip, known.frames, known.camera, nothing)
    assert tracks.xyxy.shape == (0, len(known.clip.times_s), 4)


@pytest.mark.torchvision
def test_memory_that_runs_out_is_an_error_with_a_remedy(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = net.session()
    session.look(film(1)[0])

    class Full:
        config = net.model.config

        def __call__(self, **settings: object) -> object:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    session.net = replace(net, model=Full())
    with pytest.raises(BackendError, match="trackers/sam2: there is not enough memory"):
        session.again([Prompt(0, box=BOX)])


# --- what is no checkpoint ----------------------------------------------------------------------------------


@pytest.mark.torchvision
def test_another_architecture_a_cut_off_file_and_no_processor(folder: Path, tmp_path: Path) -> None:
    def load(name: str) -> None:
        sam2._load(str(tmp_path / name), "cpu", "auto")

    for name in ("other", "cut", "bare"):
        shutil.copytree(folder, tmp_path / name)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "other" / "config.json").write_text(json.dumps({**config, "model_type": "sam3_video"}))
    with pytest.raises(BackendError, match="trackers/sam2 needs a checkpoint of sam2_video"):
        load("other")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BackendError, match="cannot be loaded"):
        load("cut")
    for file in (tmp_path / "bare").glob("*processor*"):
        file.unlink()
    with pytest.raises(BackendError, match="no processor that can be loaded"):
        load("bare")


@pytest.mark.torchvision
def test_a_device_that_is_not_there(folder: Path) -> None:
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("it is there")
    with pytest.raises(BackendError, match="no mps device"):
        sam2._load(str(folder), "mps", "auto")


@pytest.mark.torchvision
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_numbers_of_either_kind(folder: Path, dtype: str) -> None:
    session = sam2._load(str(folder), "cpu", dtype).session()
    for picture in film(3):
        seen = session.look(picture) or session.again([Prompt(0, box=BOX)])
    assert seen[0].mask.shape == SIZE


# --- what needs no PyTorch ----------------------------------------------------------------------------------


@pytest.mark.without_hf
@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "gpu"},
        {"dtype": "int8"},
        {"overlap_samples": 0},
        {"session_samples": 5},
        {"max_subjects": 0},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected one of|must be"):
        Sam2(**wrong)


@pytest.mark.without_hf
def test_it_is_found_by_name_and_says_what_it_is() -> None:
    assert plugins.load("trackers", "sam2") is Sam2
    assert Sam2().identity().startswith("no ")
    assert all(name.startswith("hf:facebook/sam2") for name in Sam2.card.weights)


@pytest.mark.without_hf
def test_a_missing_torchvision_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(BackendError, match=r"trackers/sam2.*torchvision"):
        sam2._load("somewhere", "cpu", "auto")


@pytest.mark.torchvision
def test_without_a_checkpoint_it_says_what_to_set() -> None:
    with pytest.raises(BackendError, match="set model"):
        sam2._load("", "cpu", "auto")
    with pytest.raises(BackendError, match="models pull hf:facebook/sam2"):
        sam2._load("facebook/sam2.1-hiera-small", "cpu", "auto")
