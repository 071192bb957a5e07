"""Top-down poses: what nets of the published form answer is read to the half pixel, and every stage takes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from kinescribe.backends.poses.rtmlib import BONES, STATURE_M, RtmlibPoses, in_bodies
from kinescribe.checks import Measurements, check
from kinescribe.draw import overlay
from kinescribe.errors import BackendError
from kinescribe.records import (
    Action,
    CameraMotion,
    Claim,
    Clip,
    Poses,
    TrackKinematics,
    Tracks,
)
from kinescribe.stages.detect import nothing
from kinescribe.stages.events import FindEvents
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.video import ArrayFrames
from kinescribe.vocabulary import (
    BLAZEPOSE_33,
    COCO_17,
    COCO_WHOLEBODY_133,
    HALPE_26,
    LIMBS,
    SKELETONS,
)
from tests import bodies
from tests.test_camera import clip_of

WIDTH, HEIGHT = 48, 64
"""Of the nets' input: a quarter of the published ones."""


def save(file: Path, bins: dict[str, np.ndarray], width: int = WIDTH, height: int = HEIGHT) -> Path:
    """Write a net whose distributions (1, points, bins) peak where ``bins`` says, 0.8 high, whatever it is shown."""
    sizes = {"x": 2 * width, "y": 2 * height, "z": 2 * width}
    nodes, outputs = [], []
    for name, places in bins.items():
        peaks = np.zeros((1, len(places), sizes[name]), np.float32)
        peaks[0, np.arange(len(places)), places] = 0.8
        nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(peaks)))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, peaks.shape))
    shape = [1, 3, height, width]
    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)
    model = helper.make_model(
        helper.make_graph(nodes, "planted", [entry], outputs),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    onnx.save(model, str(file))
    return file


def echo(file: Path, points: int = 17) -> Path:
    """Write a net whose every distribution is the middle pixel of its channel 0 (x) and channel 2 (y)."""

    def pixel(channel: int, name: str, size: int) -> list[onnx.NodeProto]:
        at = [0, channel, HEIGHT // 2, WIDTH // 2]
        ends = [1, channel + 1, HEIGHT // 2 + 1, WIDTH // 2 + 1]
        constants = {f"{name}_at": at, f"{name}_to": ends, f"{name}_shape": [1, 1, 1],
                     f"{name}_size": [1, points, size]}  # fmt: skip
        made = [
            helper.make_node("Constant", [], [k], value=numpy_helper.from_array(np.array(v, np.int64)))
            for k, v in constants.items()
        ]
        return [
            *made,
            helper.make_node("Slice", ["input", f"{name}_at", f"{name}_to"], [f"{name}_cut"]),
            helper.make_node("Reshape", [f"{name}_cut", f"{name}_shape"], [f"{name}_one"]),
            helper.make_node("Expand", [f"{name}_one", f"{name}_size"], [name]),
        ]

    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    outputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, points, 2 * WIDTH]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, points, 2 * HEIGHT]),
    ]
    nodes = [*pixel(0, "x", 2 * WIDTH), *pixel(2, "y", 2 * HEIGHT)]
    model = helper.make_model(
        helper.make_graph(nodes, "echo", [entry], outputs),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    onnx.save(model, str(file))
    return file


def scene(
    boxes: np.ndarray, labels: tuple[str, ...] = ("person",), scale: float = 1.0
) -> tuple[Clip, ArrayFrames, Tracks]:
    """A clip of grey pictures of 160 x 120 and tracks with boxes (N, T, 4) in its pixels."""
    count = boxes.shape[1]
    images = np.full((count, 120, 160, 3), 100, np.uint8)
    clip = clip_of(images)
    clip = replace(clip, width=round(160 * scale), height=round(120 * scale))
    seen = np.isfinite(boxes[..., 0])
    ids = np.arange(len(boxes), dtype=np.int64) * 10
    detection = np.where(seen, np.arange(seen.size).reshape(seen.shape), -1)
    tracks = Tracks(ids, labels, boxes, np.where(seen, 0.9, np.nan), detection)
    return clip, ArrayFrames(images, clip.times_s, scale), tracks


def bins_of(count: int, seed: int, axes: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = {"x": 2 * WIDTH, "y": 2 * HEIGHT, "z": 2 * WIDTH}
    return {axis: rng.integers(0, sizes[axis], count) for axis in axes}


def crop(box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corner and size of what a net is shown of a box: a quarter more, in the shape of its input (mmpose)."""
    center, size = (box[:2] + box[2:]) / 2, 1.25 * (box[2:] - box[:2])
    size = np.maximum(size, size[::-1] * (WIDTH / HEIGHT, HEIGHT / WIDTH))
    return center - size / 2, size


@pytest.mark.parametrize("skeleton", ["coco17", "halpe26", "coco_wholebody133"])
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_points_are_read_to_the_half_pixel(skeleton: str, scale: float, tmp_path: Path) -> None:
    bins = bins_of(len(SKELETONS[skeleton]), 3, "xy")
    file = save(tmp_path / "net.onnx", bins)
    box = np.array([20.0, 10.0, 60.0, 110.0]) * scale
    clip, frames, tracks = scene(np.stack([box, box + np.array([30.0, 0, 30, 0])])[None], scale=scale)
    poses = RtmlibPoses(model=f"rtmpose:{file}")(clip, frames, nothing(), tracks)
    assert (poses.skeleton, poses.ids.tolist()) == (skeleton, [0])
    for t in range(2):
        corner, size = crop(tracks.xyxy[0, t])
        expected = corner + np.stack([bins["x"], bins["y"]], 1) / 2 / (WIDTH, HEIGHT) * size
        np.testing.assert_allclose(poses.keypoints[0, t, :, :2], expected, atol=1e-3 * scale)
    np.testing.assert_allclose(poses.keypoints[..., 2], 0.8, atol=1e-6)
    assert np.isnan(poses.world).all()  # there is no depth, so there is no space


def test_only_people_that_are_seen_have_a_pose(tmp_path: Path) -> None:
    file = save(tmp_path / "net.onnx", bins_of(17, 1, "xy"))
    boxes = np.tile(np.array([20.0, 10.0, 60.0, 110.0]), (3, 4, 1))
    boxes[1, 2] = np.nan
    clip, frames, tracks = scene(boxes, ("car", "person", "person"))
    detection = tracks.detection.copy()
    detection[2, 0] = -1  # filled in: a box, but nobody was seen
    poses = RtmlibPoses(model=f"dwpose:{file}")(clip, frames, nothing(), replace(tracks, detection=detection))
    assert poses.ids.tolist() == [10, 20]
    known = np.isfinite(poses.keypoints).all((2, 3))
    assert known.tolist() == [[True, True, False, True], [False, True, True, True]]


def test_the_net_is_shown_normalised_rgb(tmp_path: Path) -> None:
    """Red is the first channel: its normalised value is the height of x's peak, blue's of y's."""
    file = echo(tmp_path / "net.onnx")
    clip, _, tracks = scene(np.array([[[20.0, 10.0, 60.0, 110.0]]]))
    red, blue = 123.675 + 0.2 * 58.395, 103.53 + 0.6 * 57.375
    images = np.full((1, 120, 160, 3), (round(red), 0, round(blue)), np.uint8)
    poses = RtmlibPoses(model=f"rtmpose:{file}")(clip, ArrayFrames(images, clip.times_s), nothing(), tracks)
    shown = ((round(red) - 123.675) / 58.395 + (round(blue) - 103.53) / 57.375) / 2
    np.testing.assert_allclose(poses.keypoints[0, 0, :, 2], shown, atol=1e-3)


def body(seed: int) -> tuple[np.ndarray, float]:
    """133 points of somebody with the bones of ``BONES``, in pixels (x, y) and metres (z), and metres per pixel."""
    rng = np.random.default_rng(seed)
    index = {name: i for i, name in enumerate(COCO_WHOLEBODY_133)}
    world = rng.uniform(-0.3, 0.3, (133, 3))
    for side, sign in (("left", 1), ("right", -1)):
        world[index[f"{side}_hip"]] = (0.1 * sign, 0, 0)
    for (one, two), share in sorted(
        BONES.items(), key=lambda bone: "hip" not in bone[0][0] and "hip" not in bone[0][1]
    ):
        first, second = (two, one) if two.endswith("hip") else (one, two)
        along = rng.normal(0, 1, 3) * (1, 1, 0.5)
        length = share * STATURE_M
        world[index[second]] = world[index[first]] + length * along / np.linalg.norm(along)
    scale = float(rng.uniform(0.004, 0.02))
    return world, scale


@pytest.mark.parametrize("seed", range(6))
def test_space_is_scaled_by_bones(seed: int) -> None:
    """The chain of bones is built with exact lengths, so their median scale is the true one."""
    index = {name: i for i, name in enumerate(COCO_WHOLEBODY_133)}
    world, scale = body(seed)
    places = world[:, :2] / scale + (300, 200)
    got = in_bodies(places[None], world[None, :, 2] + 5, "coco_wholebody133")[0]
    hips = world[[index["left_hip"], index["right_hip"]]].mean(0)
    np.testing.assert_allclose(got, world - hips, atol=1e-6)


def test_without_bones_there_is_no_space() -> None:
    got = in_bodies(np.zeros((1, 133, 2)), np.zeros((1, 133)), "coco_wholebody133")
    assert np.isnan(got).all()


def test_depth_is_that_of_the_bins(tmp_path: Path) -> None:
    """The middle bin is the depth of the hips; the ends are 2.17 before and behind it (mmpose, SimCC3DLabel)."""
    world, scale = body(1)
    lift = 2.1744869
    bins = {
        "x": np.round(2 * (world[:, 0] / scale / 8 + WIDTH / 2)).astype(int),
        "y": np.round(2 * (world[:, 1] / scale / 8 + HEIGHT / 2)).astype(int),
        "z": np.round(2 * (world[:, 2] / lift + 1) * WIDTH / 2).astype(int),
    }
    bins = {axis: np.clip(b, 0, 2 * (HEIGHT if axis == "y" else WIDTH) - 1) for axis, b in bins.items()}
    file = save(tmp_path / "net.onnx", bins)
    clip, frames, tracks = scene(np.array([[[20.0, 10.0, 60.0, 110.0]]]))
    poses = RtmlibPoses(model=f"rtmw3d:{file}")(clip, frames, nothing(), tracks)
    assert poses.skeleton == "coco_wholebody133"
    depth = bins["z"] / 2 / (WIDTH / 2) * lift - lift
    hips = [COCO_WHOLEBODY_133.index(f"{side}_hip") for side in ("left", "right")]
    np.testing.assert_allclose(poses.world[0, 0, :, 2], depth - depth[hips].mean(), atol=1e-5)
    corner, size = crop(tracks.xyxy[0, 0])
    expected = corner + np.stack([bins["x"], bins["y"]], 1) / 2 / (WIDTH, HEIGHT) * size
    np.testing.assert_allclose(poses.keypoints[0, 0, :, :2], expected, atol=1e-3)


# --- what can be wrong --------------------------------------------------------------------------------------


def test_a_net_of_another_kind_is_refused(tmp_path: Path) -> None:
    flat = save(tmp_path / "flat.onnx", bins_of(17, 0, "xy"))
    deep = save(tmp_path / "deep.onnx", bins_of(133, 0, "xyz"))
    odd = save(tmp_path / "odd.onnx", bins_of(21, 0, "xy"))
    clip, frames, tracks = scene(np.array([[[20.0, 10.0, 60.0, 110.0]]]))
    for model in (f"rtmw3d:{flat}", f"rtmpose:{deep}", f"rtmpose:{odd}"):
        with pytest.raises(BackendError, match="distributions"):
            RtmlibPoses(model=model)(clip, frames, nothing(), tracks)
    with pytest.raises(BackendError, match="needs a model"):
        RtmlibPoses()(clip, frames, nothing(), tracks)
    with pytest.raises(ValueError, match=r"rtmpose\|dwpose\|rtmw\|rtmw3d"):
        RtmlibPoses(model="yolox:net.onnx")


def test_other_weights_make_results_stale(tmp_path: Path) -> None:
    file = save(tmp_path / "net.onnx", bins_of(17, 0, "xy"))
    before = RtmlibPoses(model=f"rtmpose:{file}").identity()
    save(file, bins_of(17, 1, "xy"))
    assert RtmlibPoses(model=f"rtmpose:{file}").identity() != before
    assert RtmlibPoses(model="rtmpose:/nowhere.onnx").identity() == "no file"


# --- the stages take any of these skeletons -----------------------------------------------------------------


def test_one_joint_has_one_name() -> None:
    for names in (COCO_17, HALPE_26, COCO_WHOLEBODY_133):
        assert len(set(names)) == len(names)
        assert set(names) & set(BLAZEPOSE_33) >= set(COCO_17)
    assert set(BLAZEPOSE_33) - set(COCO_WHOLEBODY_133) == {"left_thumb", "right_thumb"}
    assert {name for bone in LIMBS for name in bone} <= set(COCO_WHOLEBODY_133)


@pytest.mark.parametrize("skeleton", ["coco17", "halpe26", "coco_wholebody133"])
def test_a_raised_arm_is_measured_said_and_judged_alike(skeleton: str) -> None:
    """The same body, told in other points: the same events of arms, and the same verdict."""
    truth = bodies.arm("raise", "left_arm", 0)
    told = _told_in(truth.poses, skeleton)
    kinds = []
    for poses in (truth.poses, told):
        kinematics = MeasureKinematics()(truth.clip, truth.camera, truth.tracks, poses)
        assert isinstance(kinematics.tracks, TrackKinematics)
        events = FindEvents()(truth.clip, truth.camera, truth.tracks, poses, kinematics).events
        kinds.append(
            [(e.part, e.kind, round(e.span.start_s, 2)) for e in events if (e.part or "").endswith("arm")]
        )
        measured = Measurements(truth.clip, truth.camera, truth.tracks, poses, kinematics)
        action = Action("raise", 0, 0, agent="the person", part="left_arm", level="limb")
        assert check(Claim(action, int(poses.ids[0])), measured).holds is True
        picture = np.zeros((truth.clip.height, truth.clip.width, 3), np.uint8)
        records = {CameraMotion: truth.camera, Tracks: truth.tracks, Poses: poses}
        drawn = overlay(picture, truth.clip, records, float(truth.clip.times_s[3]))
        assert np.asarray(drawn).any()
    assert kinds[0]
    assert kinds[0] == kinds[1]


def _told_in(poses: Poses, skeleton: str) -> Poses:
    names = SKELETONS[skeleton]
    keypoints = np.full((*poses.keypoints.shape[:2], len(names), 3), np.nan)
    world = keypoints.copy()
    for i, name in enumerate(names):
        if name in BLAZEPOSE_33:
            keypoints[:, :, i] = poses.keypoints[:, :, BLAZEPOSE_33.index(name)]
            world[:, :, i] = poses.world[:, :, BLAZEPOSE_33.index(name)]
    return replace(poses, keypoints=keypoints, world=world, skeleton=skeleton)
