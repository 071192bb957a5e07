"""SAM 3 with a tiny checkpoint of the true class: what transformers gives by itself, in bounded memory."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinescribe import masks, plugins
from kinescribe.backends.trackers import sam3
from kinescribe.backends.trackers._sessions import Rules
from kinescribe.backends.trackers.sam3 import Sam3, label_of
from kinescribe.errors import BackendError
from kinescribe.records import Detections, Tracks
from kinescribe.stages.track import TrackSubjects
from tests.hf import tiny_sam
from tests.hf.test_sam2 import film, stored, world

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_sam.sam3_video(tmp_path_factory.mktemp("sam3"))


@pytest.fixture(scope="module")
def net(folder: Path) -> Any:
    return sam3._load(str(folder), "cpu", "auto", Rules(session=60))


def without_detections(own: Detections) -> Detections:
    return replace(
        own, sample=own.sample[:0], xyxy=own.xyxy[:0], score=own.score[:0], label=(), source=(),
        keypoints=own.keypoints[:0], world=own.world[:0],
    )  # fmt: skip


# --- against transformers' own loop -------------------------------------------------------------------------


@pytest.mark.torchvision
def test_masks_are_those_that_transformers_gives_for_a_whole_video(net: Any) -> None:
    pictures = film(24)
    whole = net.processor.init_video_session(video=np.stack(pictures))
    net.processor.add_text_prompt(whole, ["man", "dog"])
    expected = [
        net.processor.postprocess_outputs(whole, out) for out in net.model.propagate_in_video_iterator(whole)
    ]
    session, shares = net.asked_for(("man", "dog"))(), []
    for picture, told in zip(pictures, expected, strict=True):
        seen = session.look(picture)
        assert sorted(seen) == sorted(told["object_ids"].tolist())
        for i, number in enumerate(told["object_ids"].tolist()):
            np.testing.assert_array_equal(seen[number].mask, told["masks"][i].numpy())
            assert seen[number].score == pytest.approx(float(told["scores"][i]))
            name = next(name for name, some in told["prompt_to_obj_ids"].items() if number in some)
            assert seen[number].label == label_of(name)
            shares.append(float(seen[number].mask.mean()))
    assert len(shares) > 24  # several are followed
    assert np.ptp(shares) > 0.01


@pytest.mark.torchvision
def test_what_is_forgotten_changes_no_answer(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> list[dict[int, Any]]:
        session = net.asked_for(("cat",))()
        return [session.look(picture) for picture in film(28)]

    short = run()
    monkeypatch.setattr(sam3, "forget", lambda *args, **more: None)
    for one, two in zip(short, run(), strict=True):
        assert one.keys() == two.keys()
        for number in one:
            np.testing.assert_array_equal(one[number].mask, two[number].mask)


@pytest.mark.torchvision
def test_the_state_does_not_grow(net: Any) -> None:
    session, sizes = net.asked_for(("cat", "dog"))(), []
    for k, picture in enumerate(film(40)):
        session.look(picture)
        if k in (22, 39):
            sizes.append(sum(stored(one) for one in vars(session.state).values()))
            assert not any(stored(one) for one in session.state.processed_frames.values())
    assert sizes[0] == sizes[1] > 0


# --- a clip -------------------------------------------------------------------------------------------------


def follow(tracker: Sam3, detections: Detections | None = None) -> Tracks:
    known = world()
    own = without_detections(known.detections) if detections is None else detections
    return tracker.follow(known.clip, known.frames, known.camera, own)


@pytest.mark.torchvision
@pytest.mark.parametrize("length", [300, 9])
def test_boxes_are_those_of_the_masks_and_all_is_the_same_again(folder: Path, length: int) -> None:
    tracker = Sam3(str(folder), names=["dog"], session_samples=length, overlap_samples=3, min_area_px=1.0)
    one, two = follow(tracker), follow(tracker)
    assert one.masks is not None
    assert two.masks is not None
    assert one.masks.rle == two.masks.rle
    assert len(one.ids) > 0
    assert set(one.label) == {"dog"}
    for n, k in np.argwhere(one.masks.known).tolist():
        shown = masks.rle_mask(str(one.masks.rle[n][k]), one.masks.height, one.masks.width)
        np.testing.assert_array_equal(masks.mask_box(shown), one.xyxy[n, k])
    np.testing.assert_array_equal(one.masks.known, np.isfinite(one.xyxy[..., 0]))
    np.testing.assert_array_equal(one.seen, one.masks.known)


@pytest.mark.torchvision
def test_without_names_it_looks_for_what_detections_are_called(folder: Path) -> None:
    known = world()
    found = follow(Sam3(str(folder), min_area_px=1.0), known.detections)
    assert found.label
    assert set(found.label) <= {"person", "dog"}
    unnamed = replace(known.detections, label=("object",) * len(known.detections.label))
    assert len(follow(Sam3(str(folder)), unnamed).ids) == 0
    assert len(follow(Sam3(str(folder))).ids) == 0


@pytest.mark.torchvision
def test_no_more_than_the_most_are_followed(folder: Path) -> None:
    loaded = sam3._load(str(folder), "cpu", "auto", Rules(max_subjects=2))
    session = loaded.asked_for(("cat", "dog"))()
    assert max(len(session.look(picture)) for picture in film(3)) == 2


@pytest.mark.torchvision
def test_five_hundred_names(net: Any) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = tuple(a + b + c for a in letters[:20] for b in letters for c in "x")[:500]
    assert len(names) == 500
    assert len(net.asked_for(names)().look(film(1)[0])) <= 4


@pytest.mark.torchvision
def test_a_name_that_is_too_long_is_named(net: Any) -> None:
    with pytest.raises(BackendError, match=r'the name "a+" is too long'):
        net.asked_for(("dog", "a" * 200))


@pytest.mark.torchvision
def test_the_stage_runs_it_by_name(folder: Path) -> None:
    known = world()
    stage = TrackSubjects("sam3", {"model": str(folder), "names": ["woman", "dog"], "min_area_px": 1.0})
    tracks = stage(known.clip, known.camera, known.detections, known.frames)
    assert tracks.masks is not None
    people = [label == "person" for label in tracks.label]
    assert all((i < 1000) == person for i, person in zip(tracks.ids.tolist(), people, strict=True))


@pytest.mark.torchvision
def test_another_architecture_and_a_cut_off_file(folder: Path, tmp_path: Path) -> None:
    for name in ("other", "cut"):
        shutil.copytree(folder, tmp_path / name)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "other" / "config.json").write_text(json.dumps({**config, "model_type": "sam2_video"}))
    with pytest.raises(BackendError, match="trackers/sam3 needs a checkpoint of sam3_video"):
        sam3._load(str(tmp_path / "other"), "cpu", "auto", Rules())
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BackendError, match="cannot be loaded"):
        sam3._load(str(tmp_path / "cut"), "cpu", "auto", Rules())


# --- what needs no PyTorch ----------------------------------------------------------------------------------


@pytest.mark.without_hf
@pytest.mark.parametrize(
    "wrong",
    [{"device": "gpu"}, {"dtype": "int8"}, {"overlap_samples": 0}, {"names": "dog"}, {"lost_s": -1.0}],
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected one of|must be|is a list|cannot be"):
        Sam3(**wrong)


@pytest.mark.without_hf
def test_names_are_tidied() -> None:
    assert Sam3(names=["Dog", " dog ", "object", "", "TENNIS_ball"]).names == ("dog", "tennis ball")
    assert [label_of(name) for name in ("woman", "old man", "dog")] == ["person", "person", "dog"]


@pytest.mark.without_hf
def test_it_is_found_by_name_and_says_what_it_is() -> None:
    assert plugins.load("trackers", "sam3") is Sam3
    assert Sam3().identity().startswith("no ")
    assert Sam3.card.weights == ("hf:facebook/sam3",)
