"""Nets that see what hands touch: answers are read by the original's rules, and given to the hands of the skeletons."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from kinescribe import plugins, recipe
from kinescribe.backends import Arms, SeenContacts, SeenHands
from kinescribe.backends.hands.hands23 import Hands23
from kinescribe.errors import BackendError, RecipeError
from kinescribe.records import Hands, Tracks
from kinescribe.runs import codec
from kinescribe.stages.hands import FindHands
from kinescribe.stages.seen_contact import tracks_in_hand
from kinescribe.video import ArrayFrames, Frame
from kinescribe.vocabulary import CONTACTS
from tests.test_hands import (
    ARMS,
    NONE,
    SIDE,
    body,
    clip_of,
    dark,
    nobody,
    poses_of,
    still_camera,
    tracks_of,
)

T = 12
NO, SELF, OTHER, OBJECT = (CONTACTS.index(f"{s}_contact") for s in ("no", "self", "other_person", "object"))
FRAME = Frame(3, 0.3, np.zeros((SIDE, SIDE, 3), np.uint8), 1.0)

LEFT, RIGHT = [220.0, 195.0, 260.0, 235.0], [60.0, 195.0, 100.0, 235.0]
"""Boxes round the wrists of somebody who faces the camera (``ARMS``)."""
CUP, TABLE = [250.0, 180.0, 290.0, 230.0], [200.0, 220.0, 310.0, 300.0]


# --- answers of the documented form -------------------------------------------------------------------------


def answer(
    *rows: tuple[list[float], float, int, int], **links: list[tuple[int, int, float]]
) -> dict[str, np.ndarray]:
    """An answer of boxes (xyxy, score, label, side), and of pairs (row, column, state, probability)."""
    count = len(rows)
    pairs = np.zeros((count, count, 5), np.float32)
    pairs[..., 0] = 1
    for row, column, state, sure in links.get("links", []):  # type: ignore[misc]
        pairs[row, column] = [1 - sure, 0, 0, 0, 0]
        pairs[row, column, state] += sure
    return {
        "boxes": np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        "scores": np.array([row[1] for row in rows], np.float32),
        "labels": np.array([row[2] for row in rows], np.int32),
        "pair_probs": pairs,
        "side": np.array([row[3] for row in rows], np.int32),
    }


HOLDING = answer(
    (LEFT, 0.95, 0, 0), (RIGHT, 0.9, 0, 1), (CUP, 0.6, 1, 0), (TABLE, 0.1, 2, 0),
    links=[(0, 2, 3, 0.9), (2, 3, 4, 0.5)],
)  # fmt: skip
"""The left hand holds a cup, which is used on a table; the right touches nothing."""


def as_table(
    parts: dict[str, np.ndarray], min_relation: float = 0.3, min_second: float = 0.05
) -> dict[str, np.ndarray]:
    """The same answer as the original gives it: one row of the object, the state and how sure that is."""
    count = len(parts["boxes"])
    table = np.full((count, 10), 100.0, np.float32)
    for row, label in enumerate(parts["labels"].tolist()):
        to, state, most = -1, 0, 0.0
        for column, other in enumerate(parts["labels"].tolist()):
            sure = 1 - float(parts["pair_probs"][row, column, 0])
            if label < 2 and other == label + 1 and sure > most:
                to, most = column, sure
                state = 1 + int(parts["pair_probs"][row, column, 1:].argmax())
        if most < (min_relation if label == 0 else min_second):
            to, state = -1, 0
        table[row, 4:] = [to, parts["side"][row], 100, 100, state if label == 0 else 0, most]
    return {**{name: parts[name] for name in ("boxes", "scores", "labels")}, "pred_dz": table}


def read(parts: dict[str, np.ndarray], **settings: Any) -> list[Any]:
    return list(Hands23(**settings).read(parts, (SIDE, SIDE), FRAME))


@pytest.mark.parametrize("form", ["pairs", "table", "batch"])
def test_hands_sides_states_and_objects(form: str) -> None:
    parts = HOLDING if form == "pairs" else as_table(HOLDING)
    if form == "batch":
        parts = {name: part[None] for name, part in HOLDING.items()}
    left, right = read(parts)
    np.testing.assert_allclose(left.xyxy, LEFT)
    np.testing.assert_allclose(left.held_xyxy, CUP)
    np.testing.assert_allclose(left.second_xyxy, TABLE)
    assert (left.right, right.right) == (False, True)
    assert (left.contact, right.contact) == (OBJECT, NO)
    assert np.isnan([right.held_xyxy, right.second_xyxy]).all()
    assert left.score == pytest.approx(0.95)
    assert left.sample == 3


@pytest.mark.parametrize(("state", "contact"), [(1, OTHER), (2, SELF), (3, OBJECT), (4, 0)])
@pytest.mark.parametrize("form", [dict, as_table])
def test_an_object_is_in_the_hand_only_where_the_state_says_so(state: int, contact: int, form: Any) -> None:
    [hand] = read(form(answer((LEFT, 0.95, 0, 0), (CUP, 0.6, 1, 0), links=[(0, 1, state, 0.9)])))
    assert hand.contact == contact
    assert np.isfinite(hand.held_xyxy).all() == (contact == OBJECT)


@pytest.mark.parametrize(
    ("setting", "score", "without"),
    [
        ("min_hand", 0.95, None),
        ("min_object", 0.6, (NO, False, False)),
        ("min_relation", 0.9, (NO, False, False)),
        ("min_second", 0.1, (OBJECT, True, False)),
        ("min_second_relation", 0.5, (OBJECT, True, False)),
    ],
)
def test_each_threshold_counts_at_its_own_place(setting: str, score: float, without: Any) -> None:
    def left(threshold: float) -> tuple[int, bool, bool] | None:
        for hand in read(HOLDING, **{setting: threshold}):
            if not hand.right:
                return (
                    hand.contact,
                    bool(np.isfinite(hand.held_xyxy).all()),
                    bool(np.isfinite(hand.second_xyxy).all()),
                )
        return None

    assert left(score - 0.02) == (OBJECT, True, True)
    assert left(score + 0.02) == without


def test_the_published_thresholds() -> None:
    settings = Hands23()
    assert (settings.min_hand, settings.min_object, settings.min_second) == (0.8, 0.3, 0.05)
    assert (settings.min_relation, settings.min_second_relation) == (0.3, 0.05)


def test_a_weaker_object_is_no_candidate() -> None:
    """The original drops it before it asks what hands touch."""
    parts = answer(
        (LEFT, 0.95, 0, 0), (CUP, 0.2, 1, 0), (TABLE, 0.5, 1, 0), links=[(0, 1, 3, 0.9), (0, 2, 3, 0.4)]
    )
    [hand] = read(parts)
    np.testing.assert_allclose(hand.held_xyxy, TABLE)
    [hand] = read(as_table(parts))  # the table holds one link only: what is touched instead is not known
    assert hand.contact == 0
    assert np.isnan(hand.held_xyxy).all()


def test_what_is_used_on_something_needs_an_object_in_a_hand() -> None:
    [hand] = read(answer((LEFT, 0.9, 0, 0), (CUP, 0.6, 1, 0), (TABLE, 0.5, 2, 0), links=[(1, 2, 4, 0.9)]))
    assert hand.contact == NO
    assert np.isnan(hand.second_xyxy).all()


ROW = st.tuples(
    st.tuples(*[st.integers(0, 100)] * 2),
    st.sampled_from([0.04, 0.2, 0.5, 0.85, 0.99]),
    st.integers(0, 2),
    st.integers(0, 1),
)


@given(st.lists(ROW, max_size=6), st.integers(0, 10_000))
def test_both_forms_say_the_same_where_all_boxes_count(rows: list[Any], seed: int) -> None:
    boxes = [([float(x), float(y), x + 50.0, y + 40.0], 0.99, label, side) for (x, y), _, label, side in rows]
    parts = answer(*boxes)
    parts["pair_probs"] = (
        np.random.default_rng(seed).dirichlet(np.ones(5), (len(rows),) * 2).astype(np.float32)
    )
    parts["pair_probs"] = parts["pair_probs"].reshape(len(rows), len(rows), 5)
    for one, two in zip(read(parts), read(as_table(parts)), strict=True):
        assert (one.contact, one.right) == (two.contact, two.right)
        np.testing.assert_array_equal(one.held_xyxy, two.held_xyxy)
        np.testing.assert_array_equal(one.second_xyxy, two.second_xyxy)


@given(st.lists(ROW, max_size=8))
def test_only_sure_hands_within_the_picture_are_kept(rows: list[Any]) -> None:
    boxes = [
        ([float(x) - 60, float(y), x - 20.0, y + 40.0], score, label, side)
        for (x, y), score, label, side in rows
    ]
    found = read(answer(*boxes))
    expected = [box for box in boxes if box[1] >= 0.8 and box[2] == 0 and box[0][2] >= 1]
    assert len(found) == len(expected)
    for hand, (box, *_) in zip(found, expected, strict=True):
        np.testing.assert_allclose(hand.xyxy, np.maximum(box, 0))


def broken(**parts: Any) -> dict[str, Any]:
    return {name: part for name, part in {**HOLDING, **parts}.items() if part is not None}


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (broken(scores=None), "lacks scores"),
        (broken(side=None), "lacks side"),
        (broken(pair_probs=None), "lacks pred_dz, or pair_probs and side"),
        (broken(boxes=np.zeros((4, 5))), r"boxes has shape \(4, 5\), expected \(4, 4\)"),
        (broken(boxes=np.zeros(3)), r"boxes has shape \(3,\)"),
        (broken(boxes=np.array(1.0)), r"boxes has shape \(\)"),
        (broken(scores=np.zeros(3)), r"scores has shape \(3,\), expected \(4,\)"),
        (broken(pair_probs=np.zeros((4, 4, 4))), r"pair_probs has shape \(4, 4, 4\)"),
        (broken(boxes=np.full((4, 4), np.nan)), "not finite"),
        (broken(labels=np.full(4, 3)), "labels must be 0, 1 or 2"),
        (broken(side=np.full(4, 2)), "sides of hands 0 or 1"),
        (broken(labels=["hand"] * 4), "no numbers"),
        ({**as_table(HOLDING), "pred_dz": np.zeros((4, 9))}, r"pred_dz has shape \(4, 9\), expected \(4, 10\)"),
        ({**as_table(HOLDING), "pred_dz": np.full((4, 30), 100.0)}, "sides of hands"),
        ({**as_table(HOLDING), "pred_dz": np.tile([0, 0, 0, 0, 9.0, 0, 0, 0, 0, 0], (4, 1))}, "does not exist"),
        ({**as_table(HOLDING), "pred_dz": np.tile([0, 0, 0, 0, 0, 0, 0, 0, 7.0, 0], (4, 1))}, "does not exist"),
    ],
)  # fmt: skip
def test_nonsense_is_no_answer(parts: dict[str, Any], why: str) -> None:
    with pytest.raises(BackendError, match=why):
        read(parts)


# --- nets that were exported --------------------------------------------------------------------------------


def save(file: Path, outputs: dict[str, np.ndarray], side: int | str = "side", planes: int = 3) -> Path:
    """Write a net that answers the same whatever it is given."""
    graph = helper.make_graph(
        [helper.make_node("Constant", [], [n], value=numpy_helper.from_array(v)) for n, v in outputs.items()],
        "planted",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, planes, side, side])],
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
            for n, v in outputs.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(file))
    return file


def saved_brightness(file: Path) -> Path:
    """Write a net whose scores are the mean of the first colour that it is given, in [0, 1]."""
    parts = answer((LEFT, 0.0, 0, 0))
    constants = {name: parts[name] for name in ("boxes", "labels", "pair_probs", "side")}
    nodes = [
        helper.make_node("Constant", [], [n], value=numpy_helper.from_array(v)) for n, v in constants.items()
    ]
    index = numpy_helper.from_array(np.array([0], np.int64))
    whole = numpy_helper.from_array(np.array([255.0], np.float32))
    nodes += [
        helper.make_node("Constant", [], ["first"], value=index),
        helper.make_node("Constant", [], ["white"], value=whole),
        helper.make_node("Gather", ["image", "first"], ["plane"], axis=1),
        helper.make_node("ReduceMean", ["plane"], ["mean"], axes=[0, 2, 3], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["scores"]),
    ]
    shapes = {**{n: v.shape for n, v in constants.items()}, "scores": (1,)}
    kinds = {**{n: v.dtype for n, v in constants.items()}, "scores": np.dtype(np.float32)}
    graph = helper.make_graph(
        nodes, "brightness",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(kinds[n]), shapes[n]) for n in shapes],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(file))
    return file


def frames(height: int = SIDE, width: int = SIDE, scale: float = 1.0, samples: int = T) -> ArrayFrames:
    return ArrayFrames(np.zeros((samples, height, width, 3), np.uint8), np.arange(samples) / 10, scale)


def looked(model: Path, pictures: ArrayFrames | None = None, **settings: Any) -> SeenContacts:
    return Hands23(model=f"onnx:{model}", **settings).touches(clip_of(), pictures or frames())


@pytest.mark.parametrize(("side", "inner"), [(640, 640), ("side", 800), (96, 96)])
def test_boxes_come_back_to_the_clips_pixels(side: int | str, inner: int, tmp_path: Path) -> None:
    """The net's picture is larger, the clip is larger still: 160 x 160 decoded at half the size."""
    grown = {**HOLDING, "boxes": HOLDING["boxes"] * np.float32(inner / SIDE)}
    seen = looked(save(tmp_path / "net.onnx", grown, side), frames(SIDE // 2, SIDE // 2, scale=2.0), every=1)
    assert seen.sample.tolist() == np.repeat(np.arange(T), 2).tolist()
    np.testing.assert_allclose(seen.xyxy[0], LEFT, atol=1e-3)
    np.testing.assert_allclose(seen.held_xyxy[0], CUP, atol=1e-3)
    np.testing.assert_allclose(seen.second_xyxy[0], TABLE, atol=1e-3)
    assert np.isnan(seen.held_xyxy[1]).all()
    assert seen.contact[:2].tolist() == [OBJECT, NO]
    assert seen.right[:2].tolist() == [False, True]


@pytest.mark.parametrize(("height", "width"), [(320, 160), (120, 320), (90, 500), (33, 50)])
@pytest.mark.parametrize("side", [224, "side"])
def test_a_picture_of_any_shape_fits(height: int, width: int, side: int | str, tmp_path: Path) -> None:
    """A square net holds it whole; an open one takes detectron2's size; both keep its shape up to a pixel."""
    parts = answer(([10.0, 20.0, 60.0, 50.0], 0.9, 0, 0))
    seen = looked(save(tmp_path / "net.onnx", parts, side), frames(height, width, samples=1))
    wanted = (
        224 / max(height, width) if side == 224 else min(800 / min(height, width), 1333 / max(height, width))
    )
    expected = np.minimum(np.array([10, 20, 60, 50]) / wanted, [width, height] * 2)
    np.testing.assert_allclose(seen.xyxy[0], expected, rtol=0.5 / (wanted * min(height, width)) + 1e-6)


@pytest.mark.parametrize(("colours", "seen"), [("rgb", True), ("bgr", False)])
def test_colours_are_in_the_order_that_the_net_was_trained_with(
    colours: str, seen: bool, tmp_path: Path
) -> None:
    red = ArrayFrames(np.full((1, SIDE, SIDE, 3), (250, 0, 0), np.uint8), np.zeros(1))
    model = saved_brightness(tmp_path / "net.onnx")
    found = looked(model, red, colours=colours)
    assert len(found.score) == seen
    if seen:
        assert found.score[0] == pytest.approx(250 / 255, abs=0.01)


def test_it_looks_at_every_second_sample(tmp_path: Path) -> None:
    assert set(looked(save(tmp_path / "net.onnx", HOLDING)).sample.tolist()) == set(range(0, T, 2))
    assert set(looked(tmp_path / "net.onnx", every=5).sample.tolist()) == {0, 5, 10}


def test_nothing_seen_has_the_shape_of_nothing(tmp_path: Path) -> None:
    seen = looked(save(tmp_path / "net.onnx", answer()))
    assert seen.xyxy.shape == seen.held_xyxy.shape == (0, 4)
    assert seen.sample.dtype == np.int64
    padded = {
        name: np.concatenate([part, np.zeros_like(part)]) for name, part in answer((LEFT, 0.9, 0, 0)).items()
    }
    padded["pair_probs"] = np.zeros((2, 2, 5), np.float32)
    [score] = looked(
        save(tmp_path / "padded.onnx", padded), frames(samples=1), short_side=SIDE, long_side=SIDE
    ).score
    assert score == pytest.approx(0.9)


def test_files_that_are_no_such_net(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no net")
    with pytest.raises(BackendError, match="cannot be read as an ONNX model"):
        looked(tmp_path / "text.onnx")
    whole = save(tmp_path / "whole.onnx", HOLDING).read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackendError, match="cannot be read as an ONNX model"):
        looked(tmp_path / "cut.onnx")
    with pytest.raises(BackendError, match="there is no file"):
        looked(tmp_path / "nowhere.onnx")
    with pytest.raises(BackendError, match="expected one picture"):
        looked(save(tmp_path / "grey.onnx", HOLDING, planes=1))
    with pytest.raises(BackendError, match="lacks scores, labels"):
        looked(save(tmp_path / "other.onnx", {"boxes": HOLDING["boxes"]}))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"model": "detectron2:/w/net.pth"}, "expected onnx|torchscript"),
        ({"model": "onnx:/w/net.onnx", "predictor": "a:b"}, "not both"),
        ({"predictor": "my_hands"}, "expected package.module:name"),
        ({"predictor": "my_hands:"}, "expected package.module:name"),
        ({"min_hand": 0.0}, "between 0 and 1"),
        ({"min_second_relation": 1.5}, "between 0 and 1"),
        ({"every": 0}, "every must be"),
        ({"short_side": 900, "long_side": 800}, "no longer than"),
        ({"colours": "gbr"}, "expected bgr or rgb"),
        ({"device": "tpu"}, "expected one of"),
    ],
)
def test_impossible_settings(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("|", r"\|")):
        Hands23(**options)


# --- a user's own predictor ---------------------------------------------------------------------------------


class Tensor:
    """As much of PyTorch's as is asked for."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> np.ndarray:
        return self.values


def detectron2(image: np.ndarray) -> dict[str, Any]:
    """Answer as detectron2's DefaultPredictor with the authors' heads; pictures come as OpenCV reads them."""
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert (image == (0, 0, 200)).all(), "red comes last"
    table = as_table(HOLDING)
    boxes = SimpleNamespace(tensor=Tensor(table["boxes"]))
    parts = {"scores": "scores", "labels": "pred_classes", "pred_dz": "pred_dz"}
    return {
        "instances": SimpleNamespace(pred_boxes=boxes, **{to: Tensor(table[n]) for n, to in parts.items()})
    }


def mapping(image: np.ndarray) -> dict[str, Any]:
    return {name: part.tolist() if name != "pair_probs" else Tensor(part) for name, part in HOLDING.items()}


def nothing_of_use(image: np.ndarray) -> list[int]:
    return [1, 2, 3]


NO_FUNCTION = 3


@pytest.mark.parametrize("name", ["detectron2", "mapping"])
def test_a_predictor_is_called_with_pictures(name: str) -> None:
    red = ArrayFrames(np.full((3, SIDE, SIDE, 3), (200, 0, 0), np.uint8), np.arange(3) / 10)
    seen = Hands23(predictor=f"tests.test_hands23:{name}").touches(clip_of(3), red)
    assert seen.sample.tolist() == [0, 0, 2, 2]
    np.testing.assert_allclose(seen.xyxy[:2], [LEFT, RIGHT])
    np.testing.assert_allclose(seen.held_xyxy[0], CUP)
    assert seen.contact.tolist() == [OBJECT, NO] * 2


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("tests.test_hands23:nowhere", "cannot be loaded"),
        ("no_such_package:hands", "No module named"),
        ("tests.test_hands23:NO_FUNCTION", "cannot be called"),
        ("tests.test_hands23:nothing_of_use", "gives list, expected a dictionary"),
    ],
)
def test_a_predictor_that_is_none(name: str, why: str) -> None:
    with pytest.raises(BackendError, match=why):
        Hands23(predictor=name).touches(clip_of(), dark())


# --- given to the hands of the skeletons --------------------------------------------------------------------


def columns(*rows: tuple[int, list[float], bool, int, list[float] | None]) -> SeenContacts:
    """Rows of sample, box, whether right, contact and held box."""
    unknown = [np.nan] * 4
    boxes = np.array([row[1] for row in rows], dtype=np.float64).reshape(-1, 4)
    held = np.array([row[4] or unknown for row in rows], dtype=np.float64).reshape(-1, 4)
    return SeenContacts(
        np.array([row[0] for row in rows], np.int64), boxes, np.full(len(rows), 0.9),
        np.array([row[2] for row in rows], bool), np.array([row[3] for row in rows], np.int64), held,
        np.full_like(held, np.nan),
    )  # fmt: skip


TOLD: list[SeenContacts] = []


class Told:
    """A backend that says what a test has planted."""

    def touches(self, clip: Any, frames: Any) -> SeenContacts:
        return TOLD[-1]


class Silent:
    """A backend whose net is not there."""

    def touches(self, clip: Any, frames: Any) -> SeenContacts:
        raise BackendError("there is no file /w/hands23.onnx")


class Points:
    """A backend that finds points only."""

    def __call__(self, clip: Any, frames: Any, arms: Arms) -> SeenHands:
        raise AssertionError("nobody asked for points")


def found(
    *rows: Any, things: np.ndarray | None = None, cuts: tuple[float, ...] = (), **settings: Any
) -> Hands:
    TOLD.append(columns(*rows))
    poses = poses_of(body(ARMS))
    finder = FindHands(backend="", touch="tests.test_hands23:Told", **settings)
    return finder(clip_of(), dark(), still_camera(cuts=cuts), NONE, tracks_of(poses, things), poses)


GUESS = found()
"""Hands by the skeleton alone."""
LEFT_GUESS, RIGHT_GUESS = GUESS.xyxy[:, 0].tolist()


def test_nothing_seen_leaves_contact_unknown() -> None:
    assert (GUESS.contact == 0).all()
    assert np.isnan(GUESS.held_xyxy).all()
    assert (GUESS.held_track == -1).all()
    assert GUESS.notes == ()


def test_a_hand_belongs_to_the_side_and_place_that_it_is_seen_at() -> None:
    shifted = (np.array(LEFT_GUESS) + 3).tolist()
    hands = found((2, shifted, False, OBJECT, CUP), (2, RIGHT_GUESS, True, SELF, None))
    assert hands.contact[:, 2].tolist() == [OBJECT, SELF]
    np.testing.assert_allclose(hands.xyxy[0, 2], shifted)
    np.testing.assert_allclose(hands.held_xyxy[0, 2], CUP)
    assert hands.score[:, 2].tolist() == [0.9, 0.9]
    assert (np.delete(hands.contact, 2, axis=1) == 0).all()
    np.testing.assert_array_equal(np.delete(hands.xyxy, 2, axis=1), np.delete(GUESS.xyxy, 2, axis=1))
    assert hands.second_xyxy is not None
    assert hands.second_xyxy.shape == hands.held_xyxy.shape
    assert np.isnan(hands.comotion).all()


def test_a_hand_of_the_other_side_is_somebody_elses() -> None:
    assert (found((2, LEFT_GUESS, True, OBJECT, CUP)).contact == 0).all()


@given(st.floats(0, 1))
def test_overlap_must_exceed_three_tenths(share: float) -> None:
    width = LEFT_GUESS[2] - LEFT_GUESS[0]
    moved = (np.array(LEFT_GUESS) + np.array([share * width, 0, share * width, 0])).tolist()
    iou = (1 - share) / (1 + share)
    if abs(iou - 0.3) > 1e-6:
        assert (found((2, moved, False, NO, None)).contact[0, 2] == NO) == (iou > 0.3)


def test_of_two_that_overlap_the_nearer_is_the_hand() -> None:
    near, far = ((np.array(LEFT_GUESS) + shift).tolist() for shift in (2, 8))
    assert found((2, far, False, NO, None), (2, near, False, SELF, None)).contact[0, 2] == SELF


def test_looks_that_agree_hold_in_between_and_others_do_not() -> None:
    moved = (np.array(CUP) + 10).tolist()
    hands = found(
        (0, LEFT_GUESS, False, OBJECT, CUP), (2, LEFT_GUESS, False, OBJECT, moved), (4, LEFT_GUESS, False, NO, None),
        (10, LEFT_GUESS, False, NO, None),
    )  # fmt: skip
    assert hands.contact[0].tolist() == [OBJECT, OBJECT, OBJECT, 0, NO, 0, 0, 0, 0, 0, NO, 0]
    np.testing.assert_allclose(hands.held_xyxy[0, 1], np.array(CUP) + 5)
    np.testing.assert_array_equal(hands.xyxy[0, 1], LEFT_GUESS)
    torn = found((0, LEFT_GUESS, False, NO, None), (2, LEFT_GUESS, False, NO, None), cuts=(0.15,))
    assert torn.contact[0, :4].tolist() == [NO, 0, NO, 0]


def test_an_object_without_object_contact_is_not_in_the_hand() -> None:
    assert np.isnan(found((2, LEFT_GUESS, False, SELF, CUP)).held_xyxy).all()


def test_the_track_in_the_hand_is_the_one_that_the_box_shows() -> None:
    rows = [(k, LEFT_GUESS, False, OBJECT, CUP) for k in range(0, 8, 2)]
    cup, table = (np.tile(box, (T, 1)) for box in (CUP, TABLE))
    cup[5:] = np.nan
    hands = found(*rows, things=np.stack([table, cup]))
    assert hands.held_track[0].tolist() == [1001] * 5 + [-1] * 7
    assert hands.held_track[1].tolist() == [-1] * T
    np.testing.assert_allclose(hands.held_xyxy[0, :7], np.tile(CUP, (7, 1)))
    assert (found(*rows, things=table[None]).held_track == -1).all()


def test_people_are_not_held() -> None:
    tracks = Tracks(
        np.array([0, 1000]),
        ("person", "hand"),
        np.tile(CUP, (2, 3, 1)),
        np.ones((2, 3)),
        np.zeros((2, 3), np.int64),
    )
    assert (tracks_in_hand(tracks, np.tile(CUP, (1, 3, 1))) == -1).all()


def test_a_net_that_is_not_there_leaves_what_was_measured_and_a_note() -> None:
    poses = poses_of(body(ARMS))
    inputs = clip_of(), dark(), still_camera(), NONE, tracks_of(poses), poses
    silent = FindHands(backend="tests.test_hands:TruthHands", touch="tests.test_hands23:Silent")(*inputs)
    alone = FindHands(backend="tests.test_hands:TruthHands")(*inputs)
    np.testing.assert_array_equal(silent.contact, alone.contact)
    np.testing.assert_array_equal(silent.comotion, alone.comotion)
    assert silent.notes == ("what hands touch is measured, not seen: there is no file /w/hands23.onnx",)
    unset = FindHands(backend="", touch="hands23")(*inputs)
    assert "needs model" in unset.notes[0]


def test_backends_in_the_wrong_place_are_the_users_mistake() -> None:
    poses = poses_of(body(ARMS))
    inputs = clip_of(), dark(), still_camera(), NONE, tracks_of(poses), poses
    with pytest.raises(BackendError, match=r"set it as hands\.touch"):
        FindHands(backend="hands23")(*inputs)
    with pytest.raises(BackendError, match=r"set it as hands\.backend"):
        FindHands(backend="", touch="tests.test_hands23:Points")(*inputs)


def test_where_nobody_is_the_net_is_not_asked() -> None:
    poses = nobody()
    finder = FindHands(backend="", touch="tests.test_hands23:Silent")
    hands = finder(clip_of(), dark(), still_camera(), NONE, tracks_of(poses), poses)
    assert hands.xyxy.shape == (0, T, 4)
    assert hands.notes == ()


# --- from pictures to the record ----------------------------------------------------------------------------


def test_from_a_file_to_the_record(tmp_path: Path) -> None:
    holding = answer(
        (LEFT_GUESS, 0.95, 0, 0), (RIGHT_GUESS, 0.9, 0, 1), (CUP, 0.6, 1, 0), (TABLE, 0.1, 2, 0),
        links=[(0, 2, 3, 0.9), (2, 3, 4, 0.5)],
    )  # fmt: skip
    model = save(tmp_path / "net.onnx", holding)
    options = {"model": f"onnx:{model}", "short_side": SIDE, "long_side": SIDE}
    poses = poses_of(body(ARMS))
    cup = np.tile(CUP, (1, T, 1))
    inputs = clip_of(), dark(), still_camera(), NONE, tracks_of(poses, cup), poses
    hands = FindHands(backend="", touch="hands23", touch_options=options)(*inputs)
    assert hands.contact[0].tolist() == [OBJECT] * 11 + [0]  # the last sample is not looked at
    assert hands.contact[1].tolist() == [NO] * 11 + [0]
    assert hands.held_track[0].tolist() == [1000] * 11 + [-1]
    np.testing.assert_allclose(hands.held_xyxy[0, 5], CUP, atol=1e-4)
    assert hands.second_xyxy is not None
    np.testing.assert_allclose(hands.second_xyxy[0, 5], TABLE, atol=1e-4)
    back = codec.from_row(Hands, codec.to_row(hands))
    np.testing.assert_array_equal(back.second_xyxy, hands.second_xyxy)
    again = FindHands(backend="", touch="hands23", touch_options=options)(*inputs)
    np.testing.assert_array_equal(again.held_xyxy, hands.held_xyxy)


def test_other_weights_make_answers_stale(tmp_path: Path) -> None:
    model = save(tmp_path / "net.onnx", HOLDING)
    options = {"model": f"onnx:{model}"}
    before = FindHands(touch="hands23", touch_options=options).identity()
    assert before == FindHands(touch="hands23", touch_options=options).identity()
    assert plugins.identity("hands", "hands23", options) in before
    assert FindHands().identity() == plugins.identity("hands", "handlandmark")
    save(tmp_path / "net.onnx", answer())
    assert FindHands(touch="hands23", touch_options=options).identity() != before
    assert Hands23(model="onnx:/nowhere.onnx").identity() == "no file"
    assert Hands23(model="torchscript:/nowhere.pt").identity() in ("no file", "no torch")
    assert Hands23(predictor="numpy.linalg:norm").identity() == f"numpy.linalg:norm {np.__version__}"
    assert Hands23(predictor="tests.test_hands23:mapping").identity() == "tests.test_hands23:mapping"


def test_it_is_chosen_in_a_recipe() -> None:
    model = 'hands.touch_options.model="onnx:/w/hands23.onnx"'
    chosen = recipe.load(None, ["hands.touch=hands23", model])
    assert recipe.models(chosen) == ["/w/hands23.onnx"]
    assert recipe.models(recipe.load(None, [model])) == []
    with pytest.raises(RecipeError):
        recipe.load(None, ["hands.touch=hands24"])
    with pytest.raises(RecipeError):
        recipe.load(None, ["hands.touch=hands23", "hands.touch_options.every=0"])
    by_code = recipe.load(None, ["hands.touch=hands23", 'hands.touch_options.predictor="my_hands:predictor"'])
    assert recipe.models(by_code) == []


def test_the_card_says_what_was_not_run() -> None:
    assert "detectron2" in Hands23.card.run_here
