"""Detectors of a fixed list of classes: boxes and names as each family's own processor reads them, people at 0.8."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinescribe.backends.detectors import hf
from kinescribe.backends.detectors.hf import ClosedSetDetector, class_names
from kinescribe.errors import BackendError
from kinescribe.stages.detect import DetectSubjects
from kinescribe.stages.pose import EstimatePoses
from kinescribe.stages.track import TrackSubjects
from kinescribe.video import ArrayFrames
from kinescribe.vocabulary import COCO_CLASSES
from tests.hf import tiny, tiny_detectors
from tests.hf.planted import clip_of, in_pictures, logit, model_that, pictures, rows, seen_by, still

pytestmark = pytest.mark.filterwarnings("ignore")
WIDTH, HEIGHT = 200, 100
FAMILY = [
    pytest.param(name, marks=[pytest.mark.torchvision] if name in hf.NEED_TORCHVISION else [])
    for name in tiny_detectors.FAMILIES
]
SOFTMAX = ("detr", "yolos")
OPEN = {"min_score": 0.01, "min_person_score": 0.01, "min_side": 0.0}
"""Settings that let through what a random net says."""
PERSON, BICYCLE, CAR = 0, 1, 2


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A checkpoint of each family, made when it is asked for."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tiny_detectors.closed_set(tmp_path_factory.mktemp(family), family)
        return made[family]

    return folder


def answered(family: str, things: list[tuple[int, tuple[float, ...], float]]) -> tuple[Any, Any]:
    """Logits and boxes by which a family says that there are things: number of the class, xyxy, score."""
    import torch

    of_classes = 4 if family in SOFTMAX else 3  # the last one is "nothing"
    logits = torch.full((1, 8, of_classes), -12.0)
    if family in SOFTMAX:
        logits[..., -1] = 12.0
    boxes = torch.full((1, 8, 4), 0.5)
    for query, (kind, xyxy, score) in enumerate(things):
        boxes[0, query] = torch.tensor(in_pictures(xyxy, WIDTH, HEIGHT))
        if family in SOFTMAX:
            logits[0, query] = torch.log(torch.tensor(1e-9))
            logits[0, query, kind], logits[0, query, -1] = np.log(score), np.log(1 - score)
        else:
            logits[0, query, kind] = logit(score)
    return logits, boxes


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, folders: Any) -> Any:
    """Make the detector's net see things in every picture."""

    def plant(family: str, things: list[tuple[int, tuple[float, ...], float]]) -> Any:
        net = hf._net(str(folders(family)), "cpu", "auto", "test")

        def answers(pixel_values: Any) -> tuple[Any, Any]:
            logits, boxes = answered(family, things)
            return logits.repeat(len(pixel_values), 1, 1), boxes.repeat(len(pixel_values), 1, 1)

        model = model_that(answers, net.model.config)
        monkeypatch.setattr(hf, "_net", lambda *_: net._replace(model=model))
        return model

    return plant


SCENE = [
    (CAR, (20, 30, 60, 70), 0.9), (CAR, (21, 31, 61, 71), 0.6),  # one car, twice
    (BICYCLE, (100, 40, 120, 60), 0.8), (BICYCLE, (130, 40, 150, 60), 0.7),  # two, 10 px apart
    (PERSON, (160, 10, 190, 90), 0.85), (PERSON, (60, 10, 90, 90), 0.75),  # one is sure enough
    (BICYCLE, (121, 70, 141, 90), 0.25), (CAR, (150, 10, 150.2, 40), 0.9),  # too weak; a speck
]  # fmt: skip
TRUE = [
    ("bicycle", (100.0, 40.0, 120.0, 60.0), 0.8), ("bicycle", (130.0, 40.0, 150.0, 60.0), 0.7),
    ("car", (20.0, 30.0, 60.0, 70.0), 0.9), ("person", (160.0, 10.0, 190.0, 90.0), 0.85),
]  # fmt: skip


@pytest.mark.parametrize("family", FAMILY)
def test_what_the_net_sees_is_told_once_by_name(planted: Any, family: str) -> None:
    model = planted(family, SCENE)
    found = seen_by(ClosedSetDetector("m", batch=2), pictures(3, HEIGHT, WIDTH))
    assert rows(found) == [(sample, *thing) for sample in range(3) for thing in TRUE]
    assert model.batches == [2, 1]
    assert set(found.source) == {"hf"}
    assert (found.skeleton, found.keypoints.shape, found.notes) == (None, (12, 0, 3), ())


def test_only_some_classes_and_another_threshold_for_people(planted: Any) -> None:
    planted("rt_detr_v2", SCENE)
    images = pictures(1, HEIGHT, WIDTH)
    people = seen_by(ClosedSetDetector("m", only=("person",), min_person_score=0.7), images)
    assert [row[1:] for row in rows(people)] == [
        ("person", (60.0, 10.0, 90.0, 90.0), 0.75),
        ("person", (160.0, 10.0, 190.0, 90.0), 0.85),
    ]
    assert set(seen_by(ClosedSetDetector("m", only=("car", "bicycle")), images).label) == {"car", "bicycle"}
    with pytest.raises(BackendError, match='knows no class "cra"; did you mean "car"'):
        seen_by(ClosedSetDetector("m", only=("cra",)), images)


def test_people_before_each_other_stay_two(planted: Any) -> None:
    planted("rt_detr_v2", [(PERSON, (50, 10, 90, 90), 0.9), (PERSON, (62, 10, 102, 90), 0.9)])  # IoU 0.54
    assert len(seen_by(ClosedSetDetector("m"), pictures(1, HEIGHT, WIDTH)).label) == 2


def test_boxes_are_in_pixels_of_the_clip_and_end_at_its_borders(planted: Any) -> None:
    planted("d_fine", [(CAR, (-20, 30, 60, 70), 0.9)])
    found = seen_by(ClosedSetDetector("m"), pictures(1, HEIGHT, WIDTH), scale=2.5)
    np.testing.assert_allclose(found.xyxy, [[0, 75, 150, 175]], atol=1e-4)
    planted("d_fine", [(CAR, (150, 60, 220, 120), 0.9)])
    found = seen_by(
        ClosedSetDetector("m"), pictures(1, HEIGHT, WIDTH), scale=2.502
    )  # 500 x 250, not 500.4 x 250.2
    assert found.xyxy[0, 2:].tolist() == [500, 250]


def test_looking_less_often_asks_less(planted: Any) -> None:
    model = planted("rt_detr_v2", SCENE)
    found = seen_by(ClosedSetDetector("m", every=4, batch=1), pictures(10, HEIGHT, WIDTH))
    assert sum(model.batches) == 4  # samples 0, 4, 8 and the last
    assert rows(found) == [(sample, *thing) for sample in range(10) for thing in TRUE]


def test_answers_that_are_no_numbers_are_an_error(planted: Any) -> None:
    planted("rt_detr_v2", [(CAR, (0, float("nan"), 10, 10), 0.9)])
    with pytest.raises(BackendError, match=r'no number in .*dtype = "float32"'):
        seen_by(ClosedSetDetector("m"), pictures(1, HEIGHT, WIDTH))


# --- the nets themselves ---


@pytest.mark.parametrize("family", FAMILY)
def test_batches_change_nothing_and_twice_is_the_same(folders: Any, family: str) -> None:
    found = [
        seen_by(ClosedSetDetector(str(folders(family)), batch=b, **OPEN), pictures(5)) for b in (1, 3, 3)
    ]
    assert len(found[0].sample) >= 5
    assert np.ptp(found[0].xyxy.mean(1)) > 1  # they are not all one box
    assert found[0].label == found[1].label
    np.testing.assert_allclose(found[0].xyxy, found[1].xyxy, atol=1e-3)
    np.testing.assert_allclose(found[0].score, found[1].score, atol=1e-5)
    np.testing.assert_array_equal(found[1].xyxy, found[2].xyxy)


@pytest.mark.parametrize("family", FAMILY)
def test_boxes_are_what_the_familys_own_code_answers(folders: Any, family: str) -> None:
    import torch
    from transformers import AutoImageProcessor, AutoModelForObjectDetection

    image, folder = pictures(1)[0], folders(family)
    own = AutoImageProcessor.from_pretrained(folder, **({} if family == "rf_detr" else {"backend": "pil"}))
    model = AutoModelForObjectDetection.from_pretrained(folder).eval()
    with torch.no_grad():
        answer = model(**own(images=image, return_tensors="pt"))
    (true,) = own.post_process_object_detection(answer, threshold=0.2, target_sizes=[(48, 96)])
    net = hf._net(str(folder), "cpu", "auto", "test")
    (frame,) = ArrayFrames(image[None], np.zeros(1))
    (look,) = net.run([(frame, net.pixels(frame))], 0.2)
    assert look.boxes.kind.tolist() == true["labels"].tolist()
    np.testing.assert_allclose(look.boxes.score, true["scores"].numpy(), atol=1e-5)
    limit = np.array([96, 48, 96, 48])
    np.testing.assert_allclose(look.boxes.xyxy, np.clip(true["boxes"].numpy(), 0, limit), atol=1e-3)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_the_precision(folders: Any, dtype: str) -> None:
    found = seen_by(ClosedSetDetector(str(folders("d_fine")), dtype=dtype, **OPEN), pictures(1))
    assert np.isfinite(found.xyxy).all()


def test_people_without_joints_get_them_from_boxes(planted: Any, tmp_path: Path) -> None:
    """``detect.people = "hf"`` and ``pose.backend = "vitpose"``: detected, tracked, and given skeletons."""
    planted("rt_detr_v2", SCENE)
    images = pictures(8, HEIGHT, WIDTH)
    clip = clip_of(images)
    frames, camera = ArrayFrames(images, clip.times_s), still(clip)
    detect = DetectSubjects(objects="", people="hf", people_options={"model": "m", "only": ("person",)})
    detections = detect(clip, frames, camera)
    assert set(detections.label) == {"person"}
    tracks = TrackSubjects()(clip, camera, detections)
    assert (tracks.ids.tolist(), tracks.label) == ([0], ("person",))
    pose = EstimatePoses("vitpose", {"model": str(tiny_detectors.vitpose(tmp_path))})
    poses = pose(clip, frames, detections, tracks)
    assert (poses.ids.tolist(), poses.skeleton, poses.keypoints.shape) == ([0], "coco17", (1, 8, 17, 3))
    without = EstimatePoses()(clip, frames, detections, tracks)
    assert len(without.ids) == 0  # the default pose backend gathers joints, and there are none


def test_a_clip_without_pictures(folders: Any) -> None:
    found = seen_by(ClosedSetDetector(str(folders("yolos"))), np.zeros((0, 48, 96, 3), np.uint8))
    assert (found.sample.shape, found.xyxy.shape, found.label) == ((0,), (0, 4), ())


# --- names ---


@pytest.mark.without_hf
def test_classes_are_called_as_coco_calls_them() -> None:
    told = {"0": "N/A", "1": "Person", "2": "motorbike", "3": "traffic_light", "4": "Cabinet/shelf", "5": "tvmonitor",
            "6": "sports ball", "7": "background", "8": "pottedplant", "9": "hair dryer"}  # fmt: skip
    names = class_names(told, "m")
    assert names == {
        1: "person", 2: "motorcycle", 3: "traffic light", 4: "cabinet", 5: "tv", 6: "sports ball", 8: "potted plant",
        9: "hair drier",
    }  # fmt: skip
    assert class_names(dict(enumerate(COCO_CLASSES)), "m") == dict(enumerate(COCO_CLASSES))
    assert all(name in COCO_CLASSES for name in hf.USUAL.values())


def test_classes_without_names_are_an_error(tmp_path: Path) -> None:
    folder = tiny_detectors.closed_set(tmp_path, "yolos", {0: "LABEL_0", 1: "LABEL_1"})
    with pytest.raises(BackendError, match="does not say what its 2 classes are"):
        seen_by(ClosedSetDetector(str(folder)), pictures(1))


def test_numbers_of_classes_that_mean_nothing_are_left_out(planted: Any, folders: Any) -> None:
    planted("detr", SCENE)
    net = hf._net()
    gap = net._replace(names={BICYCLE: "bicycle", PERSON: "person"})
    (boxes,) = gap.read(_as_answer("detr"), [(HEIGHT, WIDTH)], 0.3)
    assert sorted(set(boxes.kind.tolist())) == [PERSON, BICYCLE]


def _as_answer(family: str) -> Any:
    from types import SimpleNamespace

    logits, boxes = answered(family, SCENE)
    return SimpleNamespace(logits=logits, pred_boxes=boxes)


def test_a_net_that_was_trained_to_choose_one_class_is_read_so(folders: Any, tmp_path: Path) -> None:
    """RT-DETR's settings may say that its classes exclude each other: then the last one is "nothing"."""
    copy = Path(shutil.copytree(folders("rt_detr_v2"), tmp_path / "softmax"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "use_focal_loss": False}))
    net = hf._net(str(copy), "cpu", "auto", "test")
    (boxes,) = net.read(_as_answer("detr"), [(HEIGHT, WIDTH)], 0.3)
    assert sorted(np.round(boxes.score, 2).tolist()) == [0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.9]


# --- what can be wrong ---


def test_other_checkpoints_are_refused(folders: Any, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"needs a checkpoint of rt_detr or .* is of depth_anything"):
        seen_by(ClosedSetDetector(str(tiny.depth_anything(tmp_path / "depth"))), pictures(1))
    cut = Path(shutil.copytree(folders("detr"), tmp_path / "cut"))
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(BackendError, match="cannot be loaded"):
        seen_by(ClosedSetDetector(str(cut)), pictures(1))
    (cut / "preprocessor_config.json").unlink()
    with pytest.raises(BackendError, match="has no processor that can be loaded"):
        seen_by(ClosedSetDetector(str(cut)), pictures(1))


def test_a_backbone_of_another_package_is_not_looked_for_on_the_network(
    folders: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Early configs of DETR name a backbone by an id: the loading library would ask the Hub for it."""
    import socket

    from huggingface_hub import constants

    asked: list[Any] = []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: asked.append(given))
    copy = Path(shutil.copytree(folders("detr"), tmp_path / "timm"))
    config = json.loads((copy / "config.json").read_text())
    config |= {"backbone_config": None, "use_timm_backbone": True, "backbone": "resnet50"}
    for extra, told in (({}, "timm library .*install it"), ({"backbone_kwargs": {"in_chans": 3}}, "offline")):
        (copy / "config.json").write_text(json.dumps(config | extra))
        with pytest.raises(BackendError, match=f"(?s)cannot be loaded: .*{told}"):
            seen_by(ClosedSetDetector(str(copy)), pictures(1))
    assert asked == []
    assert constants.HF_HUB_OFFLINE is False


@pytest.mark.without_hf
def test_no_checkpoint_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r'detectors backend "hf": set model'):
        seen_by(ClosedSetDetector(), pictures(1))
    with pytest.raises(BackendError, match="kinescribe models pull hf:PekingU/rtdetr_v2_r50vd"):
        seen_by(ClosedSetDetector("PekingU/rtdetr_v2_r50vd"), pictures(1))
    with pytest.raises(BackendError, match=r"no config\.json"):
        seen_by(replace(ClosedSetDetector(), model=str(tmp_path)), pictures(1))
    assert ClosedSetDetector().identity().startswith("no ")


@pytest.mark.without_hf
@pytest.mark.parametrize(
    "setting",
    [{"min_score": 0}, {"min_person_score": 1}, {"max_iou": 1.5}, {"min_side": -1}, {"every": 0}, {"batch": 0},
     {"device": "gpu"}, {"dtype": "int8"}],
)  # fmt: skip
def test_settings_that_cannot_be(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|expected"):
        ClosedSetDetector(**setting)
