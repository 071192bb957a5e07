"""People in real pictures: COCO's boxes and joints, signers' hands, and the offline detector beside YOLOX-nano."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from kinescribe import pipeline, video
from kinescribe.backends.detectors.blazepose import BlazePosePeople
from kinescribe.backends.detectors.onnx import OnnxDetector
from kinescribe.errors import KinescribeError
from kinescribe.geometry import box_iou
from kinescribe.records import CameraMotion, Clip, Detections, Tracks
from kinescribe.stages.detect import DetectSubjects, nothing
from kinescribe.vocabulary import BLAZEPOSE_33
from quality.sheets import clips

MATCH_IOU = 0.5
YOLOX_SCORE = 0.5
"""From which a YOLOX person is taken for one: where its tracker begins a subject."""
LOOK_EVERY = 5
LONGEST_S = 60.0
"""Of a clip, for the comparison of detectors: the rest of a surveillance video shows nothing new."""
STILL_SAMPLES = 13
"""A picture is shown for 1.2 s at 10 Hz: the offline detector trusts what it sees for a second."""

COCO_SIGMA = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062, "hip": 0.107,
    "knee": 0.087, "ankle": 0.089,
}  # fmt: skip
"""How far annotators differ, in square roots of the person's area (COCO keypoint evaluation)."""


class OnImages(NamedTuple):
    """One line of the table of pictures."""

    detector: str
    found: int
    true: int
    precision: float
    oks: float
    """Mean over the found people that have annotated joints; NaN from a detector without joints."""


class Signer(NamedTuple):
    """Shares of a clip's samples; NaN where the stage is missing."""

    video: str
    person: float
    left_hand: float
    right_hand: float


class Agreement(NamedTuple):
    """Boxes of two detectors in one clip, and how many of each the other has too."""

    video: str
    yolox: int
    of_yolox: int
    offline: int
    of_offline: int


# --- pictures -----------------------------------------------------------------------------------------------


def measure_images(shared: Path) -> list[OnImages]:
    """Ask each person detector about COCO's pictures; one whose weights are missing is left out."""
    folder = shared / "gt" / "coco_keypoints_mini"
    gold = json.loads((folder / "test_coco.json").read_text())
    detectors: dict[str, Any] = {
        "blazepose (offline)": BlazePosePeople(),
        "yolox_nano": OnnxDetector(f"yolox:{shared / 'weights' / 'yolox_nano.onnx'}", classes=("person",)),
        "rtmdet_nano_person": OnnxDetector(f"rtmdet:{shared / 'weights' / 'rtmdet_nano_person.onnx'}"),
    }
    rows = []
    for name, detector in detectors.items():
        try:
            told = [_on_image(folder, image, gold, detector) for image in gold["images"]]
        except KinescribeError:
            continue
        found, true, stated = (sum(getattr(row, name) for row in told) for name in _Told._fields[:3])
        scores = [score for row in told for score in row.oks]
        mean = float(np.mean(scores)) if scores else float("nan")
        rows.append(OnImages(name, found, true, found / stated if stated else float("nan"), mean))
    return rows


class _Told(NamedTuple):
    """People found, there, stated; the OKS of those found."""

    found: int
    true: int
    stated: int
    oks: list[float]


def _on_image(folder: Path, image: dict[str, Any], gold: dict[str, Any], detector: Any) -> _Told:
    people = [a for a in gold["annotations"] if a["image_id"] == image["id"] and not a["iscrowd"]]
    pixels = cv2.imread(str(folder / image["file_name"]))
    assert pixels is not None, f"{image['file_name']} cannot be read"
    seen = detector(*_still(np.ascontiguousarray(pixels[..., ::-1])), nothing())
    rows = np.flatnonzero((seen.sample == STILL_SAMPLES - 1) & (seen.score >= 0.5))
    corner = np.array([a["bbox"] for a in people], dtype=np.float64)
    true = np.concatenate([corner[:, :2], corner[:, :2] + corner[:, 2:]], axis=1)
    scores = []
    pairs = matched(true, seen.xyxy[rows])
    for person, row in pairs:
        joints = np.array(people[person]["keypoints"], dtype=np.float64).reshape(-1, 3)
        if seen.keypoints.shape[1] == len(BLAZEPOSE_33) and (joints[:, 2] > 0).any():
            points = _coco_points(seen.keypoints[rows[row]], gold)
            scores.append(oks(joints, points, float(people[person]["area"]), gold_names(gold)))
    return _Told(len(pairs), len(people), len(rows), scores)


def gold_names(gold: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the annotated joints, in order."""
    return tuple(gold["categories"][0]["keypoints"])


def _coco_points(points: Float[np.ndarray, "K 3"], gold: dict[str, Any]) -> Float[np.ndarray, "J 2"]:
    return points[[BLAZEPOSE_33.index(name) for name in gold_names(gold)], :2]


def _still(pixels: np.ndarray) -> tuple[Clip, video.ArrayFrames, CameraMotion]:
    times = np.arange(STILL_SAMPLES) / 10
    height, width = pixels.shape[:2]
    clip = Clip(
        "still", "still", "", 0.0, STILL_SAMPLES / 10, 10.0, width, height, 0, STILL_SAMPLES,
        np.arange(STILL_SAMPLES), times,
    )  # fmt: skip
    maps = np.tile(np.eye(2, 3), (STILL_SAMPLES, 1, 1))
    sure = np.ones(STILL_SAMPLES)
    camera = CameraMotion(maps, sure, sure.copy(), 0.0, np.zeros(4), ("static",))
    return clip, video.ArrayFrames(np.stack([pixels] * STILL_SAMPLES), times), camera


def matched(true: Float[np.ndarray, "N 4"], found: Float[np.ndarray, "M 4"]) -> list[tuple[int, int]]:
    """Return pairs of boxes with an IoU of at least 0.5, one to one, as many and as close as possible."""
    if not len(true) or not len(found):
        return []
    iou = box_iou(true, found)
    rows, columns = linear_sum_assignment(-np.where(iou >= MATCH_IOU, 1 + iou, 0))
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if iou[r, c] >= MATCH_IOU]


def oks(
    true: Float[np.ndarray, "J 3"], found: Float[np.ndarray, "J 2"], area_px2: float, names: tuple[str, ...]
) -> float:
    """Return COCO's object keypoint similarity: mean of exp(-d^2 / (2 area (2 sigma)^2)) over annotated joints.

    Args:
        true: x, y and visibility (0 not annotated) of each joint.
        found: x, y; unknown joints (NaN) count as 0.
        area_px2: of the person's segment.
        names: of the joints.
    """
    spread = np.array([2 * COCO_SIGMA[name.split("_")[-1]] for name in names])
    squared = ((true[:, :2] - found) ** 2).sum(1)
    similarity = np.nan_to_num(np.exp(-squared / (2 * area_px2 * spread**2)))
    return float(similarity[true[:, 2] > 0].mean())


# --- clips --------------------------------------------------------------------------------------------------


def signers(shared: Path) -> list[Path]:
    """Return the clips of one signer each."""
    return sorted((shared / "videos" / "asl_gestures").glob("*.mkv"))


def measure_signer(path: Path) -> Signer:
    """Return the share of a clip's samples in which the signer and each hand is found."""
    cv2.setNumThreads(1)
    clip, frames = _clip(path)
    early = {name: stage() for name, stage in pipeline.STAGES.items()}
    wanted = ("camera", "detect", "track", "pose", "hands")
    got = pipeline.annotate(clip, frames, {name: early[name] for name in wanted if name in early})
    tracks = got[Tracks]
    people = [row for row, label in enumerate(tracks.label) if label == "person"]
    person = float(np.isfinite(tracks.xyxy[people][..., 0]).any(0).mean()) if people else 0.0
    hands = next((record for kind, record in got.items() if kind.__name__ == "Hands"), None)
    if hands is None:
        return Signer(path.name, person, float("nan"), float("nan"))
    known = np.isfinite(hands.keypoints[..., 0, 0])
    left, right = (float(known[hands.ids % 10 == digit].any(0).mean()) for digit in (1, 4))
    return Signer(path.name, person, left, right)


def jobs(shared: Path) -> list[tuple[Path, Path]]:
    """Return clips to compare detectors on, each with the weights; none where the weights are not here."""
    weights = shared / "weights" / "yolox_nano.onnx"
    return [(path, weights) for path in clips(shared / "videos")] if weights.exists() else []


def measure_agreement(job: tuple[Path, Path]) -> Agreement | None:
    """Compare the people of the default detectors with YOLOX's; None where neither sees anybody."""
    cv2.setNumThreads(1)
    path, weights = job
    clip, frames = _clip(path)
    camera = pipeline.STAGES["camera"]()(clip, frames)
    offline = DetectSubjects()(clip, frames, camera)
    named = OnnxDetector(f"yolox:{weights}", min_score=YOLOX_SCORE, classes=("person",), every=LOOK_EVERY)
    yolox = named(clip, frames, camera, nothing())
    counts = np.zeros(4, int)
    for sample in range(0, len(clip.times_s), LOOK_EVERY):
        a, b = _people(yolox, sample), _people(offline, sample)
        pairs = len(matched(a, b))
        counts += (len(a), pairs, len(b), pairs)
    return Agreement(path.name, *(int(c) for c in counts)) if counts.any() else None


def _people(seen: Detections, sample: int) -> Float[np.ndarray, "M 4"]:
    here = [i for i in np.flatnonzero(seen.sample == sample) if seen.label[i] == "person"]
    return seen.xyxy[here]


def _clip(path: Path) -> tuple[Clip, video.VideoFrames]:
    source = video.scan(path)
    clip = video.make_clip(source, 0, min(LONGEST_S, source.duration_s), 10)
    return clip, video.VideoFrames(clip)
