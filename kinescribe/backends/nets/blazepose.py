"""BlazePose: where people are, and the 33 points of one of them.

Model: BlazePose GHUM "full" (detector 224 px, landmarks 256 px), as published in the mediapipe 0.10.21 wheel.
Weights: ``kinescribe models pull`` (see ``kinescribe/weights.py``). Licence: Apache-2.0.
Paper: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020 (arXiv:2006.10204).

Two nets work in turn. The detector looks at a square window of a frame and proposes people, each as the
square around a whole body, turned so that the body stands upright in it (``Region``). The landmark net looks
into one region and returns the points, how sure it is that a person is there at all, and the region in which
to look for the same person in the next frame. So a person who is followed costs no detection:

>>> net = BlazePose()  # doctest: +SKIP
>>> person = net.landmarks(first_image, net.detect(first_image)[0].region)  # doctest: +SKIP
>>> person = net.landmarks(second_image, person.region)  # doctest: +SKIP

Image coordinates are pixels, x right, y down.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from kinescribe import weights
from kinescribe.backends.nets.graph import in_eight_bits, without_output
from kinescribe.errors import BackendError
from kinescribe.geometry import box_iou

POINTS = 33
"""Points of a body; the net returns six more, of which the first two place the next region."""
DETECTOR_SIDE, LANDMARK_SIDE, HEATMAP_SIDE = 224, 256, 64
DETECTOR_GRIDS = ((28, 2), (14, 2), (7, 6))
"""Cells per side and anchors per cell: strides 8, 16 and three times 32, two anchors each."""
REFINE_RADIUS, REFINE_FLOOR = 3, 0.5
"""The heat map is averaged in a 7 x 7 patch, and only where it rises to the floor."""
BODY_MARGIN = 1.25
"""Side of a region over the diameter of the circle around the body."""
BLOB_MARGIN = 1.3
"""Side of a region over the longest side of a box of something that moves."""


class Region(NamedTuple):
    """A turned square of an image."""

    center: Float[np.ndarray, "2"]
    """x, y in px."""
    size: float
    """Side in px."""
    angle: float
    """Radians, clockwise as seen on the screen: where the square's up points, 0 for the image's up."""


class Proposal(NamedTuple):
    """A person as the detector sees one."""

    region: Region
    """The square around the whole body."""
    xyxy: Float[np.ndarray, "4"]
    """The detector's own box, around head and chest, in px."""
    score: float
    """0 to 1."""


class Person(NamedTuple):
    """The points of one body. The order is ``vocabulary.BLAZEPOSE_33``."""

    points: Float[np.ndarray, "33 3"]
    """x, y in px of the image, visibility from 0 (hidden or outside) to 1. float32."""
    world: Float[np.ndarray, "33 3"]
    """x, y, z in metres from the middle of the hips; x, y as in the image, z away from the camera. float32."""
    presence: float
    """0 to 1: that the region holds a person at all."""
    region: Region
    """Where to look for the same person in the next frame."""


class BlazePose:
    """Both nets on LiteRT. Deterministic; one instance belongs to one thread.

    Args:
        detector_path: pose_detection.tflite; by default the pulled one.
        landmark_path: pose_landmark_full.tflite; by default the pulled one.
        threads: threads within one net.

    Raises:
        BackendError: nets not pulled or not readable, or ai-edge-litert not installed.
    """

    def __init__(
        self,
        detector_path: Path | None = None,
        landmark_path: Path | None = None,
        threads: int = 1,
    ) -> None:
        self._detector = Net(detector_path or weights.path("pose_detection"), threads)
        # Identity_2 is a segmentation mask, two fifths of the net's time, and nothing here needs it. All layers keep
        # their precision: coarse ones in 8 bits take 0.86 of the time, but lose a tenth of the signers' right hands,
        # which are looked for where the arm is.
        self._landmark = Net(landmark_path or weights.path("pose_landmark_full"), threads, drop="Identity_2")

    def detect(
        self,
        image: UInt8[np.ndarray, "H W 3"],
        windows: Sequence[Region] | None = None,
        min_score: float = 0.5,
        max_overlap: float = 0.3,
    ) -> list[Proposal]:
        """Return who is in an image, best first.

        Args:
            image: RGB.
            windows: squares to look at, one run of the net each; default ``[whole(image)]``. Add ``tiles``
                for people shorter than about a third of the image.
            min_score: weaker proposals are dropped; 0.5 as published.
            max_overlap: proposals whose own boxes overlap more (IoU) become one; 0.3 as published.
        """
        windows = [whole(image)] if windows is None else windows
        if not windows:
            return []
        found = [self._detect(image, window, min_score) for window in windows]
        score, head, axis = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return merge(score, head, axis, max_overlap)

    def landmarks(self, image: UInt8[np.ndarray, "H W 3"], region: Region) -> Person:
        """Return the points in a region, whatever its ``presence``.

        The caller decides: above 0.5 is enough to go on following somebody, a region proposed by mere motion
        (``region_of_box``) deserves 0.9.
        """
        crop = crop_region(image, region, LANDMARK_SIDE, cv2.BORDER_REPLICATE)
        answer = self._landmark(crop, scale=1 / 255, offset=0)
        raw = answer["Identity"].reshape(-1, 5)
        heatmap = answer["Identity_3"][0]
        at = to_image(refine(raw[:, :2] / LANDMARK_SIDE, heatmap), region)
        return Person(
            points=np.column_stack([at, _sigmoid(raw[:, 3])])[:POINTS].astype(np.float32),
            world=upright_world(answer["Identity_4"].reshape(-1, 3)[:POINTS], region.angle),
            presence=float(answer["Identity_1"][0, 0]),
            region=region_of_axis(at[POINTS], at[POINTS + 1]),
        )

    def _detect(
        self, image: UInt8[np.ndarray, "H W 3"], window: Region, min_score: float
    ) -> tuple[Float[np.ndarray, "D"], Float[np.ndarray, "D 4"], Float[np.ndarray, "D 2 2"]]:
        crop = crop_region(image, window, DETECTOR_SIDE, cv2.BORDER_CONSTANT)
        answer = self._detector(crop, scale=2 / 255, offset=-1)
        score = _sigmoid(answer["Identity_1"][0, :, 0])
        kept = score >= min_score
        head, axis = decode(answer["Identity"][0][kept], anchors()[kept])
        return score[kept], to_image(head, window).reshape(-1, 4), to_image(axis, window)


_OWN = threading.local()


def shared() -> BlazePose:
    """Return the thread's own instance of the pulled nets: loading takes as long as twenty looks.

    Raises:
        BackendError: as ``BlazePose``.
    """
    files = weights.path("pose_detection"), weights.path("pose_landmark_full")
    if getattr(_OWN, "files", None) != files:
        _OWN.net, _OWN.files = BlazePose(*files), files
    net: BlazePose = _OWN.net
    return net


class Net:
    """One LiteRT graph that takes one square RGB image.

    Args:
        file: the net.
        threads: threads within it.
        drop: an output that nobody asks for.
        coarse: an output up to which coarse layers work in 8 bits (``graph.in_eight_bits``).
    """

    def __init__(self, file: Path, threads: int, drop: str = "", coarse: str = "") -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ModuleNotFoundError as error:
            raise BackendError("BlazePose needs ai-edge-litert: pip install ai-edge-litert") from error
        try:
            content = file.read_bytes()
            content = without_output(content, drop) if drop else content
            content = in_eight_bits(content, coarse) if coarse else content
            self._interpreter: Any = Interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (OSError, ValueError, RuntimeError) as error:
            raise BackendError(f"cannot load the net {file}: {error}") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = {each["name"]: each["index"] for each in self._interpreter.get_output_details()}

    def __call__(
        self, crop: UInt8[np.ndarray, "S S 3"], scale: float, offset: float
    ) -> dict[str, Float[np.ndarray, "..."]]:
        """Return every output by name for the input ``crop * scale + offset``."""
        filled = self._interpreter.tensor(self._input)()[0]
        np.multiply(crop, np.float32(scale), out=filled)
        if offset:
            filled += np.float32(offset)
        del filled  # LiteRT refuses to run while a view of its memory is alive.
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}


# --- windows and regions ------------------------------------------------------------------------------------


def whole(image: UInt8[np.ndarray, "H W 3"]) -> Region:
    """Return the square that holds the whole image (letterbox)."""
    height, width = image.shape[:2]
    return Region(_middle(width, height), float(max(width, height)), 0.0)


def tiles(image: UInt8[np.ndarray, "H W 3"]) -> list[Region]:
    """Return overlapping squares along the longer side, as few as cover it: two for 4:3 and 16:9.

    A square image has none: its tile would be ``whole``.
    """
    height, width = image.shape[:2]
    short, long = sorted((width, height))
    count = -(-long // short)
    if count == 1:
        return []
    along = np.array([1.0, 0.0] if width > height else [0.0, 1.0])
    shifts = np.linspace(-0.5, 0.5, count) * (long - short)
    return [Region(_middle(width, height) + shift * along, float(short), 0.0) for shift in shifts]


def region_of_box(xyxy: Float[np.ndarray, "4"]) -> Region:
    """Return the upright square in which to ask whether a moving thing is a person."""
    low, high = np.asarray(xyxy[:2], dtype=float), np.asarray(xyxy[2:], dtype=float)
    return Region((low + high) / 2, BLOB_MARGIN * float(np.max(high - low)), 0.0)


def region_of_axis(hips: Float[np.ndarray, "2"], tip: Float[np.ndarray, "2"]) -> Region:
    """Return the region of a body from its two alignment points.

    Args:
        hips: middle of the hips, in px; the middle of the region.
        tip: a point in the direction of the head, on the circle around the body, in px.
    """
    across, up = (np.asarray(tip, dtype=float) - hips) * (1, -1)
    size = BODY_MARGIN * 2 * float(np.hypot(across, up))
    return Region(np.asarray(hips, dtype=float), size, float(np.arctan2(across, up)))


def joint_gap(a: Person, b: Person) -> float:
    """Return how far apart two skeletons are: mean distance of their points, over the smaller region's side.

    Measured on eight clips: one body found in two windows below 0.1; a wrong second skeleton on a body that a
    tile cut in two 0.2 to 0.5; two people side by side above 1.
    """
    distance = np.linalg.norm(a.points[:, :2] - b.points[:, :2], axis=1)
    return float(distance.mean()) / min(a.region.size, b.region.size)


def to_image(at: Float[np.ndarray, "*B 2"], region: Region) -> Float[np.ndarray, "*B 2"]:
    """Map positions in a region (0 to 1 from its top-left corner) to px of the image."""
    cos, sin = np.cos(region.angle), np.sin(region.angle)
    turn = np.array([[cos, sin], [-sin, cos]])  # Transposed: positions are rows.
    mapped: Float[np.ndarray, "*B 2"] = (at - 0.5) @ turn * region.size + region.center
    return mapped


def crop_region(
    image: UInt8[np.ndarray, "H W *C"], region: Region, side: int, border: int
) -> UInt8[np.ndarray, "S S *C"]:
    """Return a region as an upright image of ``side`` px; ``border`` is OpenCV's rule for the outside."""
    corners = to_image(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), region)
    origin, step_x, step_y = corners[0], (corners[1] - corners[0]) / side, (corners[2] - corners[0]) / side
    matrix = np.column_stack([step_x, step_y, origin])
    crop: UInt8[np.ndarray, "S S *C"] = cv2.warpAffine(
        image, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border
    )
    return crop


def _middle(width: int, height: int) -> Float[np.ndarray, "2"]:
    return np.array([width / 2, height / 2])


# --- what the nets' numbers mean ----------------------------------------------------------------------------


@cache
def anchors() -> Float[np.ndarray, "2254 2"]:
    """Return the cell centre that each of the detector's answers starts from, 0 to 1, row by row."""
    grids = []
    for cells, per_cell in DETECTOR_GRIDS:
        middles = (np.arange(cells) + 0.5) / cells
        rows, columns = np.meshgrid(middles, middles, indexing="ij")
        grids.append(np.repeat(np.column_stack([columns.ravel(), rows.ravel()]), per_cell, axis=0))
    return np.concatenate(grids)


def decode(
    raw: Float[np.ndarray, "D 12"], anchor: Float[np.ndarray, "D 2"]
) -> tuple[Float[np.ndarray, "D 2 2"], Float[np.ndarray, "D 2 2"]]:
    """Return the head boxes (two corners) and body axes (hips, tip) of the detector's answers.

    Args:
        raw: px of the window: middle of the box from the anchor, its width and height, then four points from
            the anchor. The last two points (shoulders) are not used.
        anchor: 0 to 1.

    Returns:
        Positions in the window, 0 to 1.
    """
    scaled = raw.reshape(-1, 6, 2) / DETECTOR_SIDE
    middle, half = scaled[:, 0] + anchor, scaled[:, 1] / 2
    return np.stack([middle - half, middle + half], axis=1), scaled[:, 2:4] + anchor[:, None]


def merge(
    score: Float[np.ndarray, "D"],
    head: Float[np.ndarray, "D 4"],
    axis: Float[np.ndarray, "D 2 2"],
    max_overlap: float,
) -> list[Proposal]:
    """Return one proposal per person: the average of the overlapping ones, weighted by score, best first.

    Averaging instead of taking the best one steadies the region from frame to frame (BlazeFace, section 3.3,
    arXiv:1907.05047).
    """
    order = np.argsort(-score, kind="stable")
    proposals = []
    while len(order):
        same = box_iou(head[order[:1]], head[order])[0] > max_overlap
        same[0] = True  # An empty box does not overlap itself, and must leave the queue all the same.
        group, order = order[same], order[~same]
        xyxy, (hips, tip) = (
            np.average(values[group], axis=0, weights=score[group]) for values in (head, axis)
        )
        proposals.append(Proposal(region_of_axis(hips, tip), xyxy, float(score[group[0]])))
    return proposals


def refine(at: Float[np.ndarray, "L 2"], heatmap: Float[np.ndarray, "S S L"]) -> Float[np.ndarray, "L 2"]:
    """Return points moved to the centre of mass of their heat map nearby, where it is clear enough.

    Args:
        at: positions in the crop, 0 to 1.
        heatmap: logits, one channel per point.
    """
    side = heatmap.shape[0]
    cell = np.floor(at * side).astype(int)  # (L, 2): column, row
    reach = np.arange(-REFINE_RADIUS, REFINE_RADIUS + 1)
    column, row = cell[:, :1] + reach, cell[:, 1:] + reach  # (L, 7)
    inside = _within(row, side)[:, :, None] & _within(column, side)[:, None, :]
    patch = heatmap[
        row.clip(0, side - 1)[:, :, None],
        column.clip(0, side - 1)[:, None, :],
        np.arange(len(at))[:, None, None],
    ]
    mass = np.where(inside, _sigmoid(patch), 0)  # (L, 7, 7)
    total = mass.sum((1, 2))
    clear = _within(cell, side).all(1) & (mass.max((1, 2)) >= REFINE_FLOOR)
    pull = np.stack([(mass.sum(1) * column).sum(1), (mass.sum(2) * row).sum(1)], axis=1)
    return np.where(clear[:, None], pull / np.where(clear, total, 1)[:, None] / side, at)


def upright_world(world: Float[np.ndarray, "K 3"], angle: float) -> Float[np.ndarray, "K 3"]:
    """Turn world points from a region's axes to the image's."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = world.T
    return np.column_stack([cos * x - sin * y, sin * x + cos * y, z]).astype(np.float32)


def _within(index: Any, side: int) -> Any:
    return (index >= 0) & (index < side)


def _sigmoid(logit: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return 1 / (1 + np.exp(-np.clip(logit, -80, 80)))
