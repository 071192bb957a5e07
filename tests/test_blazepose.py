"""BlazePose: the geometry on its own, the nets where they are pulled, people where the clips are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe import weights
from kinescribe.backends.nets import blazepose
from kinescribe.backends.nets.blazepose import BlazePose, Person, Region
from kinescribe.errors import BackendError
from kinescribe.vocabulary import BLAZEPOSE_33

PULLED = all(weights.available(name) for name in ("pose_detection", "pose_landmark_full"))
needs_nets = pytest.mark.skipif(not PULLED, reason="needs the nets: run `kinescribe models pull`")
POINT = {name: index for index, name in enumerate(BLAZEPOSE_33)}

regions = st.builds(
    lambda x, y, size, angle: Region(np.array([x, y]), size, angle),
    st.floats(-500, 2500), st.floats(-500, 2500), st.floats(10, 3000), st.floats(-np.pi, np.pi),
)  # fmt: skip


def seen(angle: float, shape: tuple[int, int] = (240, 320)) -> np.ndarray:
    """Return an image that is dark but for a bright disc of 8 px, 60 px from the middle in a direction."""
    image = np.zeros((*shape, 3), np.uint8)
    middle = np.array([shape[1] / 2, shape[0] / 2])
    at = middle + 60 * np.array([np.sin(angle), -np.cos(angle)])
    cv2.circle(image, (int(at[0]), int(at[1])), 8, (255, 255, 255), -1)
    return image


def brightest(image: np.ndarray) -> np.ndarray:
    """Return the centre of mass of an image, as x, y from 0 to 1."""
    rows, columns = np.indices(image.shape[:2])
    mass = image[..., 0].astype(float)
    return np.array([(columns * mass).sum(), (rows * mass).sum()]) / mass.sum() / image.shape[0]


# --- windows and regions ------------------------------------------------------------------------------------


@given(regions, st.floats(0, 1), st.floats(0, 1))
def test_positions_in_a_region_keep_their_distances_in_units_of_its_side(
    region: Region, x: float, y: float
) -> None:
    corners = blazepose.to_image(np.array([[x, y], [0.5, 0.5]]), region)
    distance = np.hypot(*(corners[0] - corners[1]))
    assert distance == pytest.approx(np.hypot(x - 0.5, y - 0.5) * region.size, abs=1e-6)
    np.testing.assert_allclose(corners[1], region.center)


@pytest.mark.parametrize("angle", [0, np.pi / 6, np.pi / 2, np.pi, -2.0])
def test_what_lies_in_the_direction_of_a_region_is_up_in_its_crop(angle: float) -> None:
    region = Region(np.array([160.0, 120.0]), 200.0, angle)
    crop = blazepose.crop_region(seen(angle), region, 100, cv2.BORDER_CONSTANT)
    np.testing.assert_allclose(brightest(crop), [0.5, 0.2], atol=0.01)


@given(st.floats(-np.pi, np.pi))
def test_a_crop_and_its_way_back_to_the_image_agree(angle: float) -> None:
    image = seen(1.0)
    region = Region(np.array([150.0, 130.0]), 230.0, angle)
    found = brightest(blazepose.crop_region(image, region, 256, cv2.BORDER_CONSTANT))
    direct = brightest(image) * image.shape[0]
    np.testing.assert_allclose(blazepose.to_image(found, region), direct, atol=1.0)


def test_the_whole_image_is_letterboxed_with_black_and_not_stretched() -> None:
    image = np.full((100, 200, 3), 200, np.uint8)
    crop = blazepose.crop_region(image, blazepose.whole(image), 200, cv2.BORDER_CONSTANT)
    assert crop[:49].max() == 0
    assert crop[151:].max() == 0
    assert crop[51:149].min() == 200


@given(st.integers(16, 400), st.integers(16, 400))
def test_tiles_cover_the_image_and_stay_within_it(height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    tiles = blazepose.tiles(image)
    low = np.array([tile.center - tile.size / 2 for tile in tiles]).reshape(-1, 2)
    covered = np.zeros((height, width), bool)
    for x, y in np.round(low).astype(int):
        covered[y : y + min(height, width), x : x + min(height, width)] = True
    assert (low >= -1e-9).all()
    assert (low + min(height, width) <= np.array([width, height]) + 1e-9).all()
    assert covered.all() if height != width else tiles == []


@pytest.mark.parametrize(
    ("shape", "count"), [((360, 640), 2), ((480, 640), 2), ((640, 360), 2), ((100, 240), 3)]
)
def test_common_shapes_take_two_tiles(shape: tuple[int, int], count: int) -> None:
    assert len(blazepose.tiles(np.zeros((*shape, 3), np.uint8))) == count


def test_the_region_of_a_box_is_an_upright_square_around_its_longer_side() -> None:
    region = blazepose.region_of_box(np.array([10.0, 20.0, 30.0, 120.0]))
    np.testing.assert_allclose(region.center, [20, 70])
    assert (region.size, region.angle) == (pytest.approx(130), 0)


@pytest.mark.parametrize(
    ("tip", "angle"), [((100, 50), 0), ((150, 100), np.pi / 2), ((50, 100), -np.pi / 2), ((100, 150), np.pi)]
)
def test_a_body_axis_gives_a_region_in_which_the_body_stands_up(tip: tuple[int, int], angle: float) -> None:
    region = blazepose.region_of_axis(np.array([100.0, 100.0]), np.array(tip, dtype=float))
    assert abs(region.angle) == pytest.approx(abs(angle))
    assert region.size == pytest.approx(125)
    up = blazepose.to_image(np.array([0.5, 0.1]), region)  # The tip lies 50 of 125 px above the middle.
    np.testing.assert_allclose(up, tip)


@given(st.floats(-np.pi, np.pi), st.floats(-np.pi, np.pi))
def test_world_points_turn_with_the_region_and_keep_lengths_and_depth(angle: float, back: float) -> None:
    world = np.random.default_rng(0).normal(size=(33, 3)).astype(np.float32)
    turned = blazepose.upright_world(world, angle)
    np.testing.assert_allclose(np.hypot(*turned[:, :2].T), np.hypot(*world[:, :2].T), rtol=1e-4)
    np.testing.assert_array_equal(turned[:, 2], world[:, 2])
    np.testing.assert_allclose(blazepose.upright_world(turned, -angle), world, atol=1e-5)


def test_world_up_becomes_image_right_in_a_region_that_points_right() -> None:
    up = np.array([[0.0, -1.0, 0.3]], np.float32)
    np.testing.assert_allclose(blazepose.upright_world(up, np.pi / 2), [[1, 0, 0.3]], atol=1e-6)


def person(points: np.ndarray, size: float = 100.0) -> Person:
    full = np.column_stack([points, np.ones(33)]).astype(np.float32)
    return Person(full, np.zeros((33, 3), np.float32), 1.0, Region(np.zeros(2), size, 0.0))


def test_the_gap_of_two_skeletons_is_in_units_of_the_smaller_one() -> None:
    points = np.random.default_rng(1).uniform(0, 100, (33, 2))
    a, b = person(points), person(points + np.array([30, 40]), size=200.0)
    assert blazepose.joint_gap(a, a) == 0
    assert blazepose.joint_gap(a, b) == blazepose.joint_gap(b, a) == pytest.approx(0.5, rel=1e-5)


# --- what the nets' numbers mean ----------------------------------------------------------------------------


def test_anchors_are_the_cell_centres_of_three_grids_row_by_row() -> None:
    anchors = blazepose.anchors()
    assert anchors.shape == (2254, 2)
    half = 0.5 / 28
    np.testing.assert_allclose(anchors[:4], [[half, half], [half, half], [3 * half, half], [3 * half, half]])
    np.testing.assert_allclose(anchors[28 * 28 * 2], [0.5 / 14, 0.5 / 14])
    np.testing.assert_allclose(anchors[-6:], np.full((6, 2), 6.5 / 7))


def test_decoding_reads_box_and_axis_in_pixels_from_the_anchor() -> None:
    raw = np.array([[0, 0, 22.4, 44.8, 0, 112, 0, -112, 9, 9, 9, 9]], np.float32)
    box, axis = blazepose.decode(raw, np.array([[0.5, 0.25]]))
    np.testing.assert_allclose(box, [[[0.45, 0.15], [0.55, 0.35]]], atol=1e-6)
    np.testing.assert_allclose(axis, [[[0.5, 0.75], [0.5, -0.25]]], atol=1e-6)


BOX = np.array([0.0, 0.0, 100.0, 100.0])


def test_merging_averages_what_overlaps_by_score_and_keeps_the_best_score() -> None:
    head = np.array([BOX, BOX + 10, BOX + 500])
    axis = np.array([[[50, 200], [50, 100]], [[60, 200], [60, 100]], [[550, 700], [550, 600]]], dtype=float)
    first, second = blazepose.merge(np.array([0.6, 0.9, 0.7]), head, axis, 0.3)
    assert (first.score, second.score) == (0.9, 0.7)
    np.testing.assert_allclose(first.xyxy, BOX + 6)
    np.testing.assert_allclose(first.region.center, [56, 200])
    np.testing.assert_allclose(second.region.center, [550, 700])


@pytest.mark.parametrize(
    ("shift", "people"),
    [(53.0, 1), (54.5, 2)],  # IoU of two equal boxes: 47 / 153 = 0.307, 45.5 / 154.5 = 0.294
)
def test_boxes_that_overlap_less_than_the_threshold_are_two_people(shift: float, people: int) -> None:
    head = np.array([BOX, BOX + np.array([shift, 0, shift, 0])])
    assert len(blazepose.merge(np.array([0.9, 0.8]), head, np.ones((2, 2, 2)), 0.3)) == people


def test_merging_ends_on_empty_boxes_and_on_nothing() -> None:
    axis = np.ones((2, 2, 2))
    assert len(blazepose.merge(np.array([0.9, 0.8]), np.zeros((2, 4)), axis, 0.3)) == 2
    assert blazepose.merge(np.zeros(0), np.zeros((0, 4)), np.zeros((0, 2, 2)), 0.3) == []


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_merged_proposals_come_best_first_and_within_what_they_were_made_of(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    low = random.uniform(0, 300, (count, 2))
    head = np.concatenate([low, low + random.uniform(1, 100, (count, 2))], axis=1)
    score = random.uniform(0.5, 1, count)
    merged = blazepose.merge(score, head, random.uniform(0, 300, (count, 2, 2)), 0.3)
    scores = [proposal.score for proposal in merged]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == score.max()
    boxes = np.array([proposal.xyxy for proposal in merged])
    assert (boxes >= head.min(0) - 1e-9).all()
    assert (boxes <= head.max(0) + 1e-9).all()


def refine_one_by_one(at: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """The same refinement with loops, cell by cell, as a second opinion."""
    side, result = heatmap.shape[0], at.astype(float).copy()
    for index, (column, row) in enumerate(np.floor(at * side).astype(int)):
        if not (0 <= column < side and 0 <= row < side):
            continue
        total, best, x, y = 0.0, 0.0, 0.0, 0.0
        for r in range(max(row - 3, 0), min(row + 4, side)):
            for c in range(max(column - 3, 0), min(column + 4, side)):
                mass = 1 / (1 + np.exp(-heatmap[r, c, index]))
                total, best, x, y = total + mass, max(best, mass), x + mass * c, y + mass * r
        if best >= 0.5:
            result[index] = x / total / side, y / total / side
    return result


@given(st.integers(0, 2**32 - 1), st.floats(-8, 2))
def test_the_vectorised_refinement_equals_the_one_with_loops(seed: int, level: float) -> None:
    random = np.random.default_rng(seed)
    at = random.uniform(-0.1, 1.1, (9, 2))
    heatmap = random.normal(level, 2, (64, 64, 9)).astype(np.float32)
    np.testing.assert_allclose(
        blazepose.refine(at, heatmap), refine_one_by_one(at, heatmap), rtol=1e-5, atol=1e-7
    )


def test_a_sharp_peak_draws_its_point_and_a_faint_one_does_not() -> None:
    at = np.array([[0.5, 0.5], [0.5, 0.5]])
    heatmap = np.full((64, 64, 2), -30.0, np.float32)
    heatmap[33, 30] = 8.0, -1.0  # Row 33, column 30.
    np.testing.assert_allclose(blazepose.refine(at, heatmap), [[30 / 64, 33 / 64], [0.5, 0.5]], atol=1e-6)


# --- the nets -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def net() -> BlazePose:
    return BlazePose()


def texture(shape: tuple[int, int] = (360, 640)) -> np.ndarray:
    """Return grass, more or less: noise at three scales, always the same."""
    random, height, width = np.random.default_rng(3), *shape
    layers = [
        cv2.resize(random.uniform(0, 85, (height // grain, width // grain, 3)), (width, height))
        for grain in (1, 4, 24)
    ]
    return np.clip(np.sum(layers, axis=0), 0, 255).astype(np.uint8)


def test_nets_that_were_not_pulled_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path))
    with pytest.raises(BackendError, match="kinescribe models pull"):
        BlazePose()


@pytest.mark.parametrize("content", [None, b"not a net"])
def test_a_file_that_is_no_net_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "broken.tflite"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BackendError, match=r"cannot load the net .*broken\.tflite"):
        BlazePose(detector_path=file, landmark_path=file)


def test_a_missing_litert_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(BackendError, match="pip install ai-edge-litert"):
        BlazePose(detector_path=tmp_path / "any", landmark_path=tmp_path / "any")


@needs_nets
def test_dropping_the_mask_leaves_every_other_bit_alone() -> None:
    file = weights.path("pose_landmark_full")
    crop = texture((256, 256))
    full = blazepose.Net(file, 1)(crop, 1 / 255, 0)
    cut = blazepose.Net(file, 1, drop="Identity_2")(crop, 1 / 255, 0)
    assert set(full) - set(cut) == {"Identity_2"}
    for name, values in cut.items():
        np.testing.assert_array_equal(values, full[name])


@needs_nets
def test_without_the_schema_the_net_is_used_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    import ai_edge_litert

    model = weights.path("pose_landmark_full").read_bytes()
    monkeypatch.setitem(sys.modules, "ai_edge_litert.schema_py_generated", None)
    monkeypatch.delattr(ai_edge_litert, "schema_py_generated", raising=False)
    with pytest.raises(ModuleNotFoundError):
        import ai_edge_litert.schema_py_generated
    assert blazepose.without_output(model, "Identity_2") == model


@needs_nets
def test_nobody_is_found_in_a_texture_nor_in_the_dark(net: BlazePose) -> None:
    for image in (texture(), np.zeros((360, 640, 3), np.uint8)):
        assert net.detect(image, [blazepose.whole(image), *blazepose.tiles(image)]) == []
        for box in ([100.0, 50, 200, 300], [0.0, 0, 640, 360], [400.0, 100, 450, 160]):
            assert net.landmarks(image, blazepose.region_of_box(np.array(box))).presence < 0.5


@needs_nets
def test_no_windows_find_nobody(net: BlazePose) -> None:
    assert net.detect(texture(), []) == []


@needs_nets
@pytest.mark.parametrize(("x", "size"), [(-5000.0, 100.0), (100.0, 0.0), (100.0, 1e5)])
def test_a_region_that_drifted_away_is_answered_with_numbers(net: BlazePose, x: float, size: float) -> None:
    person = net.landmarks(texture(), Region(np.array([x, 100.0]), size, 0.3))
    assert np.isfinite(person.points).all()
    assert 0 <= person.presence < 0.5


# --- people -------------------------------------------------------------------------------------------------

Frames = Callable[[str, int], list[np.ndarray]]


@pytest.fixture(scope="module")
def frames_of() -> Frames:
    """Read ``count`` frames of a clip, evenly spread; skip where the clip is absent."""

    def read(name: str, count: int) -> list[np.ndarray]:
        file = Path(__file__).resolve().parents[2] / "shared" / "videos" / name
        if not file.exists():
            pytest.skip(f"needs ../shared/videos/{name}, which is not here")
        with av.open(str(file)) as container:
            total = container.streams.video[0].frames
            wanted = set(np.linspace(0, total - 1, count).astype(int).tolist())
            decoded = enumerate(container.decode(video=0))
            return [frame.to_ndarray(format="rgb24") for index, frame in decoded if index in wanted]

    return read


@needs_nets
def test_the_juggler_is_found_whole_in_every_frame(net: BlazePose, frames_of: Frames) -> None:
    for image in frames_of("sam2/05_default_juggle.mp4", 5):
        (proposal,) = net.detect(image)
        person = net.landmarks(image, proposal.region)
        assert person.presence > 0.9
        y = person.points[:, 1]
        assert y[POINT["nose"]] < y[POINT["left_hip"]] < y[POINT["left_ankle"]]
        # He faces the camera: his left is on the right of the image.
        assert person.points[POINT["left_shoulder"], 0] > person.points[POINT["right_shoulder"], 0]
        hip, knee, ankle = (person.world[POINT[name]] for name in ("left_hip", "left_knee", "left_ankle"))
        assert 0.6 < np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee) < 1.0  # Metres.


@needs_nets
def test_who_was_found_is_followed_without_the_detector(net: BlazePose, frames_of: Frames) -> None:
    images = frames_of("sam2/05_default_juggle.mp4", 60)
    region = net.detect(images[0])[0].region
    for image in images[1:]:
        person = net.landmarks(image, region)
        assert person.presence > 0.9
        region = person.region


@needs_nets
def test_tiles_find_the_person_who_is_too_small_in_the_whole_frame(net: BlazePose, frames_of: Frames) -> None:
    image = frames_of("sports2d/demo.mp4", 2)[0]  # Some 38 % of the frame's height.
    assert net.detect(image) == []
    (proposal,) = net.detect(image, [blazepose.whole(image), *blazepose.tiles(image)])
    person = net.landmarks(image, proposal.region)
    assert person.presence > 0.9
    inside = person.points[:, :2] / image.shape[1::-1]
    assert ((inside > (0.3, 0)) & (inside < (0.5, 0.6))).all()


@needs_nets
def test_an_upside_down_person_has_the_same_points_upside_down(net: BlazePose, frames_of: Frames) -> None:
    image = frames_of("sam2/05_default_juggle.mp4", 2)[0]
    upright = net.detect(image)[0].region
    turned = Region(np.array(image.shape[1::-1]) - upright.center, upright.size, upright.angle + np.pi)
    a = net.landmarks(image, upright)
    b = net.landmarks(np.ascontiguousarray(image[::-1, ::-1]), turned)
    back = np.array(image.shape[1::-1]) - b.points[:, :2]
    assert np.abs(back - a.points[:, :2]).mean() < 0.005 * upright.size
    np.testing.assert_allclose(b.world * [-1, -1, 1], a.world, atol=0.03)


@needs_nets
def test_the_same_frame_gives_the_same_bits(net: BlazePose, frames_of: Frames) -> None:
    image = frames_of("sam2/05_default_juggle.mp4", 2)[0]
    first, second = (each.landmarks(image, each.detect(image)[0].region) for each in (net, BlazePose()))
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.world, second.world)
