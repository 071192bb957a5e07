"""Grounding DINO: each box has the one name it was found by, neighbours stay two, and every name is asked for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinescribe.backends.detectors import grounding_dino
from kinescribe.backends.detectors.grounding_dino import GroundingDinoDetector, read, tidy
from kinescribe.errors import BackendError
from kinescribe.stages.detect import DetectSubjects
from kinescribe.video import ArrayFrames
from tests.hf import tiny, tiny_detectors
from tests.hf.planted import clip_of, in_pictures, logit, model_that, pictures, rows, seen_by, still

pytestmark = pytest.mark.filterwarnings("ignore")
WIDTH, HEIGHT = 200, 100
OPEN = {"min_score": 0.01, "min_side": 0.0, "max_area": 1.0}
"""Settings that let through what a random net says."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_detectors.grounding_dino(tmp_path_factory.mktemp("dino"))


@pytest.fixture(scope="module")
def net(folder: Path) -> grounding_dino.Net:
    return grounding_dino._net(str(folder), "cpu", "auto", "test")


def planted(
    monkeypatch: pytest.MonkeyPatch, net: Any, things: dict[int, list[tuple]], fails_above: int = 99
) -> Any:
    """Make the detector's net see things, (xyxy, score) by the first token of their names, whatever the picture is."""
    import torch

    def answers(pixel_values: Any, input_ids: Any, **_: Any) -> tuple[Any, Any]:
        count, length = input_ids.shape
        if count > fails_above:
            raise RuntimeError("CUDA out of memory")
        logits = torch.full((count, 8, 256), -9.0)
        logits[..., length:] = -torch.inf
        boxes = torch.full((count, 8, 4), 0.5)
        for row in range(count):
            seen = [(token, *t) for token, found in things.items() for t in found if token in input_ids[row]]
            for query, (token, xyxy, score) in enumerate(seen):
                at = input_ids[row].tolist().index(token)
                logits[row, query, at] = logit(score)
                boxes[row, query] = torch.tensor(in_pictures(xyxy, WIDTH, HEIGHT))
        return logits, boxes

    model = model_that(answers, net.model.config)
    monkeypatch.setattr(grounding_dino, "_net", lambda *_: net._replace(model=model))
    return model


DOG, RED, PERSON, CUP = (200 + tiny_detectors.WORDS.index(word) for word in ("dog", "red", "person", "cup"))
SCENE = {
    DOG: [((20, 30, 60, 70), 0.9), ((21, 31, 61, 71), 0.6)],  # one dog, twice
    CUP: [
        ((100, 40, 120, 60), 0.8),
        ((130, 40, 150, 60), 0.7),
        ((121, 70, 141, 90), 0.2),
    ],  # 10 px apart; too weak
    RED: [((0, 0, 200, 90), 0.9), ((150, 10, 150.5, 40), 0.9)],  # nearly the whole picture; a speck
}
TRUE = [("cup", (100.0, 40.0, 120.0, 60.0), 0.8), ("cup", (130.0, 40.0, 150.0, 60.0), 0.7),
        ("dog", (20.0, 30.0, 60.0, 70.0), 0.9)]  # fmt: skip
NAMES = ("dog", "cup", "red ball")


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("together", [1, 2, 3])
def test_what_the_net_sees_is_told_once_by_name(
    monkeypatch: pytest.MonkeyPatch, net: Any, batch: int, together: int
) -> None:
    planted(monkeypatch, net, SCENE)
    detector = GroundingDinoDetector("m", NAMES, batch=batch, names_per_prompt=together)
    found = seen_by(detector, pictures(3, HEIGHT, WIDTH))
    assert rows(found) == [(sample, *thing) for sample in range(3) for thing in TRUE]
    assert set(found.source) == {"grounding_dino"}
    assert found.skeleton is None
    assert found.notes == ()


def test_boxes_are_in_pixels_of_the_clip(monkeypatch: pytest.MonkeyPatch, net: Any) -> None:
    planted(monkeypatch, net, {DOG: [((-20, 30, 60, 70), 0.9)]})
    found = seen_by(GroundingDinoDetector("m", ("dog",)), pictures(1, HEIGHT, WIDTH), scale=2.5)
    np.testing.assert_allclose(found.xyxy, [[0, 75, 150, 175]], atol=1e-4)


def test_two_names_of_one_thing_leave_the_surer(monkeypatch: pytest.MonkeyPatch, net: Any) -> None:
    same = (20, 30, 60, 70)
    planted(monkeypatch, net, {DOG: [(same, 0.6)], CUP: [(same, 0.7)], PERSON: [((40, 30, 80, 70), 0.5)]})
    found = seen_by(GroundingDinoDetector("m", ("dog", "cup", "person")), pictures(1, HEIGHT, WIDTH))
    assert [row[1] for row in rows(found)] == [
        "cup",
        "person",
    ]  # a person over a cup by a third is another thing


def test_looking_less_often_puts_things_on_the_line_between(
    monkeypatch: pytest.MonkeyPatch, net: Any
) -> None:
    model = planted(monkeypatch, net, SCENE)
    images = pictures(8, HEIGHT, WIDTH)
    often = seen_by(GroundingDinoDetector("m", NAMES), images)
    model.batches.clear()
    seldom = seen_by(GroundingDinoDetector("m", NAMES, every=3), images)
    assert sum(model.batches) == 4 * len(NAMES)  # samples 0, 3, 6 and the last
    assert [row[:3] for row in rows(seldom)] == [row[:3] for row in rows(often)]
    cut = replace(still(clip_of(images)), cuts_s=(0.1,))
    with_cut = seen_by(GroundingDinoDetector("m", NAMES, every=3), images, camera=cut)
    assert set(with_cut.sample.tolist()) == {0, 3, 4, 5, 6, 7}


def test_memory_that_runs_out_changes_no_answer_and_is_told(
    monkeypatch: pytest.MonkeyPatch, net: Any
) -> None:
    planted(monkeypatch, net, SCENE, fails_above=2)
    found = seen_by(GroundingDinoDetector("m", NAMES, batch=8), pictures(3, HEIGHT, WIDTH))
    assert rows(found) == [(sample, *thing) for sample in range(3) for thing in TRUE]
    assert len(found.notes) == 2
    assert "so 2 from now on" in found.notes[-1]


# --- reading answers ---


@pytest.mark.without_hf
def test_a_box_has_the_name_of_its_best_word_and_nothing_else_counts() -> None:
    # [CLS] dog . hot dog . [SEP]: "dog" is a part of "hot dog", and both are asked for.
    owner = (-1, 4, -1, 7, 7, -1, -1)
    logits = np.full((4, 9), -np.inf, np.float32)
    logits[:, :7] = -9
    logits[0, 1], logits[0, 4] = logit(0.6), logit(0.5)
    logits[1, 3], logits[1, 4], logits[1, 1] = logit(0.7), logit(0.9), logit(0.8)
    logits[2, [0, 2, 5, 6]] = 9  # the beginning, the stops and the end name nothing
    logits[3, 1] = logit(0.29)
    places = np.array([[0.5, 0.5, 0.2, 0.4], [0.25, 0.75, 0.5, 0.5], *[[0.5, 0.5, 1, 1]] * 2], np.float32)
    boxes = read(logits, places, owner, (100, 200), 0.3)
    np.testing.assert_allclose(boxes.xyxy, [[80, 30, 120, 70], [0, 50, 100, 100]], atol=1e-4)
    np.testing.assert_allclose(boxes.score, [0.6, 0.9], atol=1e-6)
    assert boxes.kind.tolist() == [4, 7]


@pytest.mark.without_hf
def test_names_are_tidied() -> None:
    assert tidy(["A Dog", " dog.", "dog", "no. 5 bus?", "", " . ", "tea\npot"]) == (
        "a dog",
        "dog",
        "no 5 bus",
        "tea pot",
    )


# --- what the net is asked ---


def test_a_text_is_what_the_models_own_processor_makes_of_it(folder: Path, net: Any) -> None:
    from transformers import AutoProcessor

    names = ["red ball", "dog", "teapot", "name7"]
    (prompt,) = net.prompts(names, 9, print)
    own = AutoProcessor.from_pretrained(folder)(text=[names], return_tensors="pt", images=pictures(1)[0])
    assert list(prompt.tokens) == own["input_ids"][0].tolist()
    spelt = net.words.convert_ids_to_tokens(prompt.tokens)
    assert [spelt[i] for i, owner in enumerate(prompt.owner) if owner == 2] == ["tea", "##pot"]
    assert [spelt[i] for i, owner in enumerate(prompt.owner) if owner == -1] == ["[CLS]", *"....", "[SEP]"]


@pytest.mark.parametrize("together", [1, 7, 500])
def test_all_of_500_names_are_asked_for(net: Any, together: int) -> None:
    prompts = net.prompts([f"name{n}" for n in range(500)], together, print)
    asked = [[o for o in prompt.owner if o >= 0] for prompt in prompts]
    assert [o for owners in asked for o in owners] == list(range(500))
    assert max(len(owners) for owners in asked) == min(together, 127)  # 127 x 2 + 2 tokens fill 256
    assert max(len(prompt.tokens) for prompt in prompts) <= 256


def test_a_name_that_nobody_can_look_for_is_left_out_and_told(net: Any) -> None:
    told: list[str] = []
    prompts = net.prompts(["dog", "犬", "red " * 300, "zzz dog"], 1, told.append)
    assert [max(prompt.owner) for prompt in prompts] == [0, 3]
    assert len(told) == 2
    with pytest.raises(BackendError, match="can look for none of the names"):
        net.prompts(["犬"], 1, told.append)


# --- the net itself ---


@pytest.mark.parametrize("mm", [False, True])
def test_boxes_are_what_the_model_answers_to_its_own_processor(tmp_path: Path, mm: bool) -> None:
    import torch
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    folder = tiny_detectors.grounding_dino(tmp_path, mm)
    image = pictures(1)[0]
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    given = AutoProcessor.from_pretrained(folder)(images=image, text="red ball.", return_tensors="pt")
    with torch.no_grad():
        answer = model(**given)
    score = answer.logits[0, :, 1:3].sigmoid().amax(-1).numpy()
    middle, size = (
        answer.pred_boxes[0].numpy()[:, :2] * (96, 48),
        answer.pred_boxes[0].numpy()[:, 2:] * (96, 48),
    )
    true = np.clip(np.concatenate([middle - size / 2, middle + size / 2], axis=1), 0, (96, 48, 96, 48))
    net = grounding_dino._net(str(folder), "cpu", "auto", "test")
    (frame,) = ArrayFrames(image[None], np.zeros(1))
    (prompt,) = net.prompts(["red ball"], 1, print)
    (look,) = net.run([grounding_dino.Pair(frame, net.pixels(frame), prompt)], 1e-9)
    np.testing.assert_allclose(look.boxes.xyxy, true, atol=1e-3)
    np.testing.assert_allclose(look.boxes.score, score, atol=1e-5)


@pytest.mark.parametrize("together", [1, 2])
def test_batches_change_nothing_and_twice_is_the_same(folder: Path, together: int) -> None:
    names = ("dog", "red ball", "name3", "teapot")
    found = [
        seen_by(
            GroundingDinoDetector(str(folder), names, batch=b, names_per_prompt=together, **OPEN), pictures()
        )
        for b in (1, 5, 5)
    ]
    assert len(found[0].sample) > 10
    np.testing.assert_allclose(found[0].xyxy, found[1].xyxy, atol=1e-3)
    np.testing.assert_allclose(found[0].score, found[1].score, atol=1e-5)
    assert found[0].label == found[1].label == found[2].label
    np.testing.assert_array_equal(found[1].xyxy, found[2].xyxy)


def test_500_names_and_half_the_precision(folder: Path) -> None:
    names = tuple(f"name{n}" for n in range(500))
    detector = GroundingDinoDetector(
        str(folder), names, names_per_prompt=50, batch=16, dtype="bfloat16", **OPEN
    )
    found = seen_by(detector, pictures(1))
    assert set(found.label) <= set(names)
    assert np.isfinite(found.xyxy).all()
    assert len(found.sample) > 0


def test_the_stage_takes_it_by_its_name(folder: Path) -> None:
    options = {"model": str(folder), "names": ("dog", "person"), **OPEN}
    stage = DetectSubjects(objects="", people="", named="grounding_dino", named_options=options)
    images = pictures()
    clip = clip_of(images)
    found = stage(clip, ArrayFrames(images, clip.times_s), still(clip))
    assert set(found.label) <= {"dog", "person"}
    assert len(found.label) > 0
    assert "grounding_dino/1/torch" in stage.identity()


def test_a_clip_without_pictures(folder: Path) -> None:
    found = seen_by(GroundingDinoDetector(str(folder), ("dog",)), np.zeros((0, 48, 96, 3), np.uint8))
    assert (found.sample.shape, found.xyxy.shape, found.label) == ((0,), (0, 4), ())


def test_answers_that_are_no_numbers_are_an_error(monkeypatch: pytest.MonkeyPatch, net: Any) -> None:
    planted(monkeypatch, net, {DOG: [((0, float("nan"), 10, 10), 0.9)]})
    with pytest.raises(BackendError, match=r'no number in .*dtype = "float32"'):
        seen_by(GroundingDinoDetector("m", ("dog",)), pictures(1, HEIGHT, WIDTH))


# --- what can be wrong ---


def test_other_checkpoints_are_refused(folder: Path, tmp_path: Path) -> None:
    detector = GroundingDinoDetector(names=("dog",))
    other = tiny.depth_anything(tmp_path / "depth")
    with pytest.raises(BackendError, match="needs a checkpoint of grounding-dino or mm-grounding-dino"):
        seen_by(replace(detector, model=str(other)), pictures(1))
    cut = Path(shutil.copytree(folder, tmp_path / "cut"))
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(BackendError, match="cannot be loaded"):
        seen_by(replace(detector, model=str(cut)), pictures(1))
    weights.unlink()
    with pytest.raises(BackendError, match="cannot be loaded"):
        seen_by(replace(detector, model=str(cut)), pictures(1))


def test_a_checkpoint_that_was_replaced_is_loaded_anew(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    detector = GroundingDinoDetector(str(copy), ("dog",), **OPEN)
    before, name = seen_by(detector, pictures(1)), detector.identity()
    shutil.rmtree(copy)
    tiny_detectors.grounding_dino(copy, mm=True)
    assert detector.identity() != name
    assert rows(seen_by(detector, pictures(1))) != rows(before)


@pytest.mark.without_hf
def test_without_names_it_says_where_they_come_from() -> None:
    for names in ((), (" . ", "")):
        with pytest.raises(BackendError, match=r"no names to look for: set names .* or a naming backend"):
            seen_by(GroundingDinoDetector("m", names), pictures(1))
    assert GroundingDinoDetector("m", batch=3).with_names(["cat"]) == GroundingDinoDetector(
        "m", ("cat",), batch=3
    )


@pytest.mark.without_hf
@pytest.mark.parametrize(
    "setting",
    [{"min_score": 0}, {"max_iou": 1.5}, {"max_area": 0}, {"min_side": -1}, {"every": 0}, {"names_per_prompt": 0},
     {"batch": 0}, {"device": "gpu"}, {"dtype": "int8"}],
)  # fmt: skip
def test_settings_that_cannot_be(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|expected"):
        GroundingDinoDetector(**setting)
