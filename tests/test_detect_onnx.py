"""Named things: what a net answers is read to the pixel, and meets what moves and who has a skeleton."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from kinescribe import plugins, recipe
from kinescribe.backends.detectors._onnx_boxes import Boxes, cells, letterbox, read_grid, suppressed
from kinescribe.backends.detectors.onnx import NORMALISED, Net, OnnxDetector, _refuse_other_family
from kinescribe.errors import BackendError, RecipeError
from kinescribe.geometry import box_iou
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.stages.detect import DetectSubjects, joined, nothing
from kinescribe.stages.naming import mistaken, name_regions, people_without_skeleton, with_named_boxes
from kinescribe.video import ArrayFrames
from kinescribe.vocabulary import BLAZEPOSE_33, COCO_CLASSES
from tests.test_camera import clip_of

SIDE = 64
CELLS = (SIDE // 8) ** 2 + (SIDE // 16) ** 2 + (SIDE // 32) ** 2


# --- tiny nets of the true form -----------------------------------------------------------------------------


def save(file: Path, outputs: dict[str, np.ndarray], side: int | str = SIDE, **metadata: str) -> Path:
    """Write a net that answers the same whatever it is given."""
    graph = helper.make_graph(
        [
            helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
            for name, value in outputs.items()
        ],
        "planted",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, side, side])],
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in outputs.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, str(file))
    return file


def grid_answer(
    planted: list[tuple[tuple[float, float, float, float], int, float]],
    classes: int = 80,
    decoded: bool = False,
    height: int = SIDE,
    width: int = SIDE,
) -> np.ndarray:
    """What YOLOX answers for boxes (xyxy in net pixels, class, score): each in the cell of its centre."""
    count = sum((height // s) * (width // s) for s in (8, 16, 32))
    answer = np.zeros((count, 5 + classes), np.float32)
    start, planes = 0, {}
    for stride in (8, 16, 32):
        rows, columns = height // stride, width // stride
        planes[stride] = start
        if decoded:
            for row in range(rows):
                for column in range(columns):
                    answer[start + row * columns + column, :4] = (
                        (column + 0.5) * stride,
                        (row + 0.5) * stride,
                        stride,
                        stride,
                    )
        start += rows * columns
    for k, ((x0, y0, x1, y1), kind, score) in enumerate(planted):
        stride = (8, 16, 32)[k % 3]
        x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        column, row = int(x // stride), int(y // stride)
        cell = planes[stride] + row * (width // stride) + column
        if decoded:
            answer[cell, :4] = x, y, w, h
        else:
            answer[cell, :4] = x / stride - column, y / stride - row, np.log(w / stride), np.log(h / stride)
        answer[cell, 4], answer[cell, 5 + kind] = 1.0, score
    return answer[None]


def run(
    model: str, images: np.ndarray, camera: CameraMotion | None = None, scale: float = 1.0, **options: object
) -> Detections:
    clip = clip_of(images)
    clip = replace(clip, width=round(clip.width * scale), height=round(clip.height * scale))
    frames = ArrayFrames(images, clip.times_s, scale)
    return OnnxDetector(model=model, **options)(clip, frames, camera or steady_like(clip), nothing())


def steady_like(clip: Clip) -> CameraMotion:
    count = len(clip.times_s)
    maps = np.tile(np.eye(2, 3), (count, 1, 1))
    return CameraMotion(maps, np.ones(count), np.ones(count), 0.0, np.zeros(4), ("static",))


PLANTED = [
    ((4.0, 6.0, 20.0, 30.0), 2, 0.9),
    ((30.0, 10.0, 61.0, 40.0), 0, 0.8),
    ((8.0, 40.0, 40.0, 62.0), 41, 0.4),
]


@pytest.fixture
def pictures() -> np.ndarray:
    return np.zeros((3, 48, 96, 3), np.uint8)


@pytest.mark.parametrize("decoded", [False, True])
def test_boxes_of_a_grid_are_read_to_the_pixel(decoded: bool, tmp_path: Path, pictures: np.ndarray) -> None:
    """48 x 96 into 64 x 64: the scale is 2/3, the picture stands at the top."""
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED, decoded=decoded)})
    found = run(f"yolox:{file}", pictures)
    assert found.sample.tolist() == [0, 0, 1, 1, 2, 2]  # the third lies below the picture
    first = {label: found.xyxy[i] for i, label in enumerate(found.label[:2])}
    np.testing.assert_allclose(first["car"], np.array(PLANTED[0][0]) * 1.5, atol=1e-3)
    np.testing.assert_allclose(first["person"], [45, 15, 91.5, 48], atol=1e-3)  # cut at the picture's edge
    assert found.score[:2] == pytest.approx([0.9, 0.8])
    assert found.source == ("onnx",) * 6


def test_boxes_are_in_pixels_of_the_clip(tmp_path: Path, pictures: np.ndarray) -> None:
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED[:1])})
    small, large = run(f"yolox:{file}", pictures), run(f"yolox:{file}", pictures, scale=4.0)
    np.testing.assert_allclose(large.xyxy, 4 * small.xyxy, atol=1e-3)


def test_boxes_with_class_numbers_are_read(tmp_path: Path, pictures: np.ndarray) -> None:
    """The form of RTMDet's exports, which leave the input's size open and hold rows of no worth."""
    dets = np.array([[[10, 12, 30, 40, 0.7], [0, 0, 5, 5, 0.05], [50, 5, 60, 20, 0.6]]], np.float32)
    labels = np.array([[0, 0, 16]], np.int64)
    file = save(tmp_path / "net.onnx", {"dets": dets, "labels": labels}, side="side")
    found = run(f"rtmdet:{file}", pictures, input_side=192)
    np.testing.assert_allclose(found.xyxy[:2], np.array([[10, 12, 30, 40], [50, 5, 60, 20]]) / 2, atol=1e-3)
    assert found.label[:2] == ("person", "dog")


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 2**31))
def test_every_cell_of_a_grid_is_where_it_is(rows: int, columns: int, seed: int) -> None:
    """Whatever cell and shape: what is encoded by the definition is decoded to the same box."""
    height, width = 32 * rows, 32 * columns
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(8, width - 8), rng.uniform(8, height - 8)
    w, h = rng.uniform(4, 200, 2)
    box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    answer = grid_answer([(box, 3, 0.9)], 5, height=height, width=width)[0]
    found = read_grid(answer, height, width, 0.5)
    np.testing.assert_allclose(found.xyxy, [box], rtol=1e-4, atol=1e-2)
    assert found.kind.tolist() == [3]


def test_a_grid_that_fits_no_strides_is_refused() -> None:
    with pytest.raises(BackendError, match="no YOLOX export"):
        cells(100, 64, 64)


@pytest.mark.parametrize(("kind", "pixel"), [("yolox", (30, 20, 10)), ("rtmdet", None)])
def test_pictures_are_given_as_the_nets_were_trained(kind: str, pixel: tuple[int, ...] | None) -> None:
    """BGR; YOLOX as it is, RTMDet normalised; grey 114 where the picture ends."""
    image = np.full((32, 64, 3), (10, 20, 30), np.uint8)
    mean, std = NORMALISED[kind]
    given_ = letterbox(image, 64, 64, mean, std)
    expected = (np.array((30, 20, 10)) - mean) / std
    np.testing.assert_allclose(given_.pixels[0, :, 0, 0], expected, atol=1e-4)
    np.testing.assert_allclose(given_.pixels[0, :, 31, 63], expected, atol=1e-4)
    np.testing.assert_allclose(given_.pixels[0, :, 32, 0], (114 - np.array(mean)) / std, atol=1e-4)
    assert given_.stretch == (1.0, 1.0)


def test_doubles_are_suppressed_by_class() -> None:
    one, near, same = (0.0, 0.0, 100.0, 100.0), (0.0, 0.0, 100.0, 70.0), (0.0, 0.0, 100.0, 95.0)
    boxes = Boxes(np.array([near, one, near, same]), np.array([0.5, 0.9, 0.6, 0.8]), np.array([2, 2, 5, 7]))
    kept = suppressed(boxes, 0.5)
    assert list(zip(kept.kind.tolist(), kept.score.tolist(), strict=True)) == [(2, 0.9), (5, 0.6)]


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["{0: 'cat', 1: 'dog', 2: 'red car'}", '["cat", "dog", "red car"]', "cat, dog, red car"]
)
def test_names_come_from_the_file_itself(written: str, tmp_path: Path, pictures: np.ndarray) -> None:
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED[:1], 3)}, names=written)
    assert set(run(f"yolox:{file}", pictures).label) == {"red car"}


def test_names_come_from_a_text_beside_the_file(tmp_path: Path, pictures: np.ndarray) -> None:
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED[:1], 3)})
    with pytest.raises(BackendError, match=r"3 classes.*net\.names"):
        run(f"yolox:{file}", pictures)
    file.with_suffix(".names").write_text("cat\ndog\nsheep\n")
    assert set(run(f"yolox:{file}", pictures).label) == {"sheep"}


def test_only_wanted_classes_are_kept(tmp_path: Path, pictures: np.ndarray) -> None:
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED)})
    assert set(run(f"yolox:{file}", pictures, classes=("car",)).label) == {"car"}
    assert set(run(f"yolox:{file}", pictures, min_score=0.85).label) == {"car"}
    with pytest.raises(BackendError, match='did you mean "car"'):
        run(f"yolox:{file}", pictures, classes=("carr",))


def test_looking_less_often_puts_things_on_the_line_between(tmp_path: Path) -> None:
    images = np.zeros((8, 48, 96, 3), np.uint8)
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED[:1])})
    often, seldom = run(f"yolox:{file}", images), run(f"yolox:{file}", images, every=3)
    assert seldom.sample.tolist() == [0, 1, 2, 3, 4, 5, 6]  # nothing is known after the last look
    np.testing.assert_allclose(seldom.xyxy, often.xyxy[:7], atol=1e-6)


def test_nothing_is_put_across_a_cut(tmp_path: Path) -> None:
    images = np.zeros((7, 48, 96, 3), np.uint8)
    clip = clip_of(images)
    camera = replace(steady_like(clip), cuts_s=(float(clip.times_s[2]),))
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED[:1])})
    assert run(f"yolox:{file}", images, camera, every=3).sample.tolist() == [0, 3, 4, 5, 6]


# --- what can be wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("", "needs a model, e.g. yolox:yolox_s"),
        ("yolox:/nowhere/net.onnx", "there is no file"),
        ("yolox:yolox_ss", 'did you mean "yolox_s"'),
        ("yolox:https://example.org/net.onnx", "sha256="),
    ],
)
def test_a_wrong_model_is_told_with_a_remedy(model: str, message: str, pictures: np.ndarray) -> None:
    with pytest.raises(BackendError) as error:
        run(model, pictures)
    assert message in str(error.value)
    assert OnnxDetector(model=model).identity() == "no file"


@pytest.mark.parametrize("model", ["yolo:net.onnx", "yolox", "yolox:"])
def test_a_model_of_no_known_kind_is_refused_before_any_video_is_opened(model: str) -> None:
    with pytest.raises(RecipeError, match=r"yolox\|rtmdet"):
        recipe.load(None, ["detect.named=onnx", f'detect.named_options.model="{model}"'])
    with pytest.raises(RecipeError, match="every"):
        recipe.load(None, ["detect.named=onnx", "detect.named_options.every=0"])


def test_what_is_no_onnx_file_is_told(tmp_path: Path, pictures: np.ndarray) -> None:
    (tmp_path / "net.onnx").write_bytes(b"no net")
    with pytest.raises(BackendError, match="cannot be read as an ONNX model"):
        run(f"yolox:{tmp_path / 'net.onnx'}", pictures)
    file = save(tmp_path / "other.onnx", {"output": np.zeros((1, 7), np.float32)})
    with pytest.raises(BackendError, match="expected one"):
        run(f"yolox:{file}", pictures)


def test_other_weights_make_results_stale(tmp_path: Path) -> None:
    file = save(tmp_path / "net.onnx", {"output": grid_answer(PLANTED[:1])})
    options = {"model": f"yolox:{file}"}
    before = DetectSubjects(named="onnx", named_options=options).identity()
    assert before == DetectSubjects(named="onnx", named_options=options).identity()
    assert plugins.identity("detectors", "onnx", options) in before
    save(file, {"output": grid_answer(PLANTED)})
    assert DetectSubjects(named="onnx", named_options=options).identity() != before


def test_a_recipe_names_the_weights(tmp_path: Path) -> None:
    chosen = recipe.load(None, ["detect.named=onnx", 'detect.named_options.model="yolox:/w/net.onnx"'])
    assert recipe.models(chosen) == ["/w/net.onnx"]
    assert recipe.models(recipe.load()) == []


# --- names meet regions and people --------------------------------------------------------------------------


def seen(
    *rows: tuple[int, str, tuple[float, float, float, float], float], source: str = "onnx"
) -> Detections:
    none = np.zeros((len(rows), 0, 3))
    return Detections(
        np.array([r[0] for r in rows], np.int64),
        np.array([r[2] for r in rows], np.float64).reshape(-1, 4),
        np.array([r[3] for r in rows], np.float64),
        tuple(r[1] for r in rows),
        (source,) * len(rows),
        none,
        none,
    )


def skeleton(sample: int, box: tuple[float, float, float, float]) -> Detections:
    """Somebody who stands in a box, the head in its upper seventh."""
    x0, y0, x1, y1 = box
    place = {"nose": (0.5, 0.07), "left_eye": (0.53, 0.05), "right_eye": (0.47, 0.05), "left_ear": (0.56, 0.06),
             "right_ear": (0.44, 0.06), "left_ankle": (0.6, 0.97), "right_ankle": (0.4, 0.97)}  # fmt: skip
    points = np.array([[*place.get(name, (0.5, 0.5)), 1.0] for name in BLAZEPOSE_33])
    points[:, 0], points[:, 1] = x0 + points[:, 0] * (x1 - x0), y0 + points[:, 1] * (y1 - y0)
    person = seen((sample, "person", box, 0.9), source="blazepose")
    return replace(person, keypoints=points[None], world=np.full((1, 33, 3), np.nan), skeleton="blazepose33")


def test_a_region_gets_the_name_and_the_steadier_box() -> None:
    velocity = np.array([[3.0, 4.0]])
    region = replace(seen((0, "object", (10, 10, 60, 40), 0.8), source="flow"), velocity_px_s=velocity)
    named = seen(
        (0, "car", (12, 12, 50, 38), 0.6),
        (0, "cup", (200, 10, 220, 40), 0.9),
        (1, "car", (12, 12, 50, 38), 0.6),
    )
    got = name_regions(region, named)
    assert got.regions.label == ("car",)
    assert got.regions.source == ("flow+onnx",)
    np.testing.assert_array_equal(got.regions.xyxy[0], [12, 12, 50, 38])
    np.testing.assert_array_equal(got.regions.velocity_px_s, velocity)
    assert got.used.tolist() == [True, False, False]


@pytest.mark.parametrize(("label", "left"), [("car", 0), ("dining table", 1)])
def test_parts_of_things_are_explained_but_not_what_a_table_holds(label: str, left: int) -> None:
    region = seen((0, "object", (80, 50, 100, 70), 0.8), source="flow")
    got = name_regions(region, seen((0, label, (10, 10, 200, 100), 0.6)))
    assert len(got.regions.sample) == left
    assert not got.used.any()


def test_a_skeleton_explains_one_named_person() -> None:
    people = skeleton(0, (100, 0, 160, 200))
    named = seen(
        (0, "person", (95, 5, 165, 210), 0.9), (0, "person", (110, 0, 170, 190), 0.5),
        (0, "person", (300, 0, 360, 200), 0.9), (1, "person", (100, 0, 160, 200), 0.9),
        (0, "car", (100, 0, 160, 200), 0.9),
    )  # fmt: skip
    assert people_without_skeleton(named, people).tolist() == [False, True, True, True, False]


def test_people_have_one_kind_of_box() -> None:
    """With a skeleton or without: the namer's, where it sees them; all else of the skeleton is kept."""
    people = joined([skeleton(0, (100, 0, 160, 200)), skeleton(1, (100, 0, 160, 200))])
    got = with_named_boxes(
        people, seen((0, "person", (95, 5, 165, 210), 0.6), (1, "dog", (95, 5, 165, 210), 0.6))
    )
    np.testing.assert_array_equal(got.xyxy, [[95, 5, 165, 210], [100, 0, 160, 200]])
    assert got.source == ("blazepose+onnx", "blazepose")
    np.testing.assert_array_equal(got.keypoints, people.keypoints)
    np.testing.assert_array_equal(got.score, people.score)


def test_heads_and_people_under_other_names_are_no_things() -> None:
    people = skeleton(0, (100, 0, 160, 200))
    named = seen(
        (0, "sports ball", (118, 2, 142, 24), 0.6),  # the head
        (0, "sports ball", (118, 100, 142, 124), 0.6),  # before the body
        (0, "dog", (102, 10, 158, 200), 0.4),  # the whole of somebody
        (1, "dog", (102, 10, 158, 200), 0.4),  # when nobody is there
    )
    assert mistaken(named, people).tolist() == [True, False, True, False]
    agreed = joined([named, seen((0, "person", (100, 0, 160, 200), 0.9))])
    assert mistaken(agreed, people).tolist()[2] is False  # the namer sees both: a rider and a horse


def test_a_missing_file_leaves_a_note_and_what_moves(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (6, 64, 96, 3)).astype(np.uint8)
    clip = clip_of(images)
    stage = DetectSubjects(
        objects="motion", people="", named="onnx", named_options={"model": "yolox:/nowhere.onnx"}
    )
    found = stage(clip, ArrayFrames(images, clip.times_s), steady_like(clip))
    assert any("there is no file /nowhere.onnx" in note for note in found.notes)


def test_real_weights_find_the_people_of_real_pictures(shared: Path) -> None:
    """COCO's own boxes of 14 people on four pictures, at IoU 0.5; 11 and 12 were found when this was written."""
    import json

    import cv2

    folder = shared / "gt" / "coco_keypoints_mini"
    if not folder.is_dir() or not (shared / "weights").is_dir():
        pytest.skip("needs ../shared/gt and ../shared/weights")
    truth = json.loads((folder / "test_coco.json").read_text())
    for model, least in (("yolox:yolox_nano", 11), ("rtmdet:rtmdet_nano_person", 12)):
        kind, name = model.split(":")
        net = Net.load(OnnxDetector(model=f"{kind}:{shared / 'weights' / name}.onnx", input_side=320))
        hits = strays = 0
        for picture in truth["images"]:
            image = cv2.cvtColor(cv2.imread(str(folder / picture["file_name"])), cv2.COLOR_BGR2RGB)
            boxes = np.array(
                [a["bbox"] for a in truth["annotations"] if a["image_id"] == picture["id"]], dtype=np.float64
            )
            boxes[:, 2:] += boxes[:, :2]
            found = net(image, 0.3, 0.5)
            overlap = box_iou(boxes, found.xyxy[found.kind == 0])
            hits += int((overlap.max(1, initial=0.0) >= 0.5).sum())
            strays += int((overlap.max(0, initial=0.0) < 0.5).sum())
        assert (hits >= least, strays) == (True, 0), model


def test_coco_has_eighty_different_names() -> None:
    assert len(set(COCO_CLASSES)) == 80
    assert (COCO_CLASSES[0], COCO_CLASSES[2], COCO_CLASSES[79]) == ("person", "car", "toothbrush")


def test_a_file_named_after_another_family_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rtmdet_nano.onnx"
    _refuse_other_family("rtmdet", file)
    _refuse_other_family("yolox", tmp_path / "mine.onnx")
    with pytest.raises(BackendError, match="write rtmdet:"):
        _refuse_other_family("yolox", file)
