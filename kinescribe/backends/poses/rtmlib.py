"""Skeletons of the tracked people by a top-down net: RTMPose, DWPose (133 points), RTMW3D (133 points in space).

RTMPose: Jiang et al. 2023, arXiv:2303.07399. DWPose: Yang et al. 2023, arXiv:2307.15880. RTMW and RTMW3D: Jiang et
al. 2024, arXiv:2407.08634. The package ``rtmlib`` (Apache-2.0) cuts out each box and reads the answers; the weights
are a file that the user names. None of the published ones was run where Kinescribe was made: tests use tiny nets of
the same outputs.

What RTMW3D answers is not metric. x and y are places in the picture; the depth is the net's own, about metres from
the hips. They are brought to one scale by the lengths of an average adult's bones, sample by sample, so ``world`` is
in bodies more than in metres: angles mean something, sizes do not. rtmlib reads the depth on the scale of the crop's
height; the nets were trained on that of its own bins (mmpose's codec ``SimCC3DLabel``, input 288 x 384 x 288), which
is what is used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from kinescribe import weights
from kinescribe.backends.card import Card
from kinescribe.backends.nets.session import identity_of, open_session, split_spec
from kinescribe.errors import BackendError
from kinescribe.records import Clip, Detections, Poses, Tracks
from kinescribe.video import Frames
from kinescribe.vocabulary import PERSON, SKELETONS

__all__ = ["RtmlibPoses"]

KINDS = ("rtmpose", "dwpose", "rtmw", "rtmw3d")
EXAMPLE = "rtmw3d:rtmw3d_x or dwpose:/models/dwpose_l.onnx"
SIZES = {"rtmw3d": (288, 384)}
"""Width and height of the input where a file leaves it open; else 192 x 256."""
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of R, G, B: the nets were trained on RGB pictures (``bgr_to_rgb`` in mmpose's configurations)."""
POINTS = {len(SKELETONS[name]): name for name in ("coco17", "halpe26", "coco_wholebody133")}
"""Skeletons by their number of points."""

STATURE_M = 1.7
BONES = {
    ("left_shoulder", "left_elbow"): 0.186, ("right_shoulder", "right_elbow"): 0.186,
    ("left_elbow", "left_wrist"): 0.146, ("right_elbow", "right_wrist"): 0.146,
    ("left_hip", "left_knee"): 0.245, ("right_hip", "right_knee"): 0.245,
    ("left_knee", "left_ankle"): 0.246, ("right_knee", "right_ankle"): 0.246,
    ("left_shoulder", "left_hip"): 0.288, ("right_shoulder", "right_hip"): 0.288,
}  # fmt: skip
"""Lengths in statures (Drillis and Contini 1966, as in Winter, Biomechanics and Motor Control, 4th ed., fig. 4.1)."""
MAX_TILT = 0.8
"""A bone whose depth is more than this share of its length is too short in the picture to tell the scale."""


@dataclass(frozen=True)
class RtmlibPoses:
    """Poses of every track labelled ``person``, at the samples at which it is seen."""

    model: str = ""
    """``rtmpose:FILE``, ``dwpose:FILE``, ``rtmw:FILE`` or ``rtmw3d:FILE``: a path, an address with ``#sha256=...`` or
    a name of ``weights.PUBLISHED``. The number of points follows from the file."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="RTMPose, DWPose, RTMW, RTMW3D",
        paper="Jiang et al. 2023, arXiv:2303.07399; Yang et al. 2023, arXiv:2307.15880; Jiang et al. 2024, "
        "arXiv:2407.08634",
        licence="Apache-2.0",
        weights=("rtmw3d_x", "dwpose_l", "dwpose_m", "rtmpose_m_26", "rtmpose_m_17"),
        memory="50 to 370 MB of files",
        extra="pose",
    )

    def __post_init__(self) -> None:
        if self.model:
            split_spec(self.model, KINDS, EXAMPLE)

    def identity(self) -> str:
        """Name onnxruntime and the file, by its checksum: other weights make earlier answers stale."""
        return identity_of(self.model)

    def __call__(self, clip: Clip, frames: Frames, detections: Detections, tracks: Tracks) -> Poses:
        """Estimate the poses.

        Raises:
            BackendError: rtmlib or onnxruntime is not installed, no such file, or a net with other outputs.
        """
        net = Net.load(self)
        rows = [n for n, label in enumerate(tracks.label) if label == PERSON]
        count = len(SKELETONS[net.skeleton])
        keypoints = np.full((len(rows), len(clip.times_s), count, 3), np.nan)
        world, seen_at = keypoints.copy(), tracks.seen
        for frame in frames:
            here = [i for i, n in enumerate(rows) if seen_at[n, frame.sample]]
            if here:
                boxes = tracks.xyxy[[rows[i] for i in here], frame.sample] / frame.scale
                seen = net(frame.image, boxes)
                keypoints[here, frame.sample] = seen.points * (frame.scale, frame.scale, 1)
                world[here, frame.sample] = seen.world
        return Poses(tracks.ids[rows], keypoints, world, net.skeleton)


class Seen(NamedTuple):
    """Poses in one picture."""

    points: Float[np.ndarray, "P K 3"]
    """x, y in pixels of the picture, a score in [0, 1]."""
    world: Float[np.ndarray, "P K 3"]
    """Round the hips, x right, y down, z away from the camera, scaled to an average adult; NaN without depth."""


class Net(NamedTuple):
    """An open file, and what is known about it."""

    tool: Any
    """``rtmlib.RTMPose`` or ``rtmlib.RTMPose3d``."""
    skeleton: str
    depth_bins: int
    """Of the third output; 0 where there is none."""

    @classmethod
    def load(cls, settings: RtmlibPoses) -> Net:
        """Open what the settings name; errors as ``RtmlibPoses``."""
        if not settings.model:
            raise BackendError(
                f'poses backend "rtmlib" needs a model, e.g. {EXAMPLE} (--pose, or model = ...)'
            )
        kind, file = split_spec(settings.model, KINDS, EXAMPLE)
        path = weights.find(file)
        try:
            import rtmlib
        except ModuleNotFoundError as error:
            raise BackendError(
                f'poses backend "rtmlib" needs the package "{error.name}", which is not installed: '
                'pip install "kinescribe[pose]"'
            ) from error
        session = open_session(path, 'poses backend "rtmlib"', "pose")
        shape = session.get_inputs()[0].shape
        width, height = SIZES.get(kind, (192, 256))
        if len(shape) != 4:
            raise BackendError(f"{path} takes {shape}, expected one picture (1, 3, height, width)")
        size = tuple(
            side if isinstance(side, int) and side > 0 else open_
            for side, open_ in zip((shape[3], shape[2]), (width, height), strict=True)
        )
        blank = np.zeros((1, 3, size[1], size[0]), np.float32)
        answers = session.run(None, {session.get_inputs()[0].name: blank})
        in_space = kind == "rtmw3d"
        shapes = [answer.shape for answer in answers]
        if len(shapes) != 2 + in_space or any(len(s) != 3 or s[1] not in POINTS for s in shapes):
            known = ", ".join(map(str, POINTS))
            raise BackendError(
                f"{path} answers {shapes}: a {kind} net answers {2 + in_space} distributions (1, points, bins), with "
                f"{known} points"
            )
        tool = _tool(rtmlib.RTMPose3d if in_space else rtmlib.RTMPose, session, size)
        return cls(tool, POINTS[shapes[0][1]], shapes[2][2] if in_space else 0)

    def __call__(self, image: UInt8[np.ndarray, "H W 3"], boxes: Float[np.ndarray, "P 4"]) -> Seen:
        """Return the poses of the people in some boxes (pixels of the picture)."""
        answer = self.tool(image, bboxes=list(boxes))
        places = np.asarray(answer[3] if self.depth_bins else answer[0], np.float64)
        score = np.clip(np.asarray(answer[1], np.float64), 0, 1)
        points = np.concatenate([places, score[..., None]], axis=-1)
        if not self.depth_bins:
            return Seen(points, np.full_like(points, np.nan))
        # Two bins per unit, as in the picture; the middle bin is the depth of the hips.
        depth = (np.asarray(answer[2], np.float64)[..., 2] / (self.depth_bins / 4) - 1) * self.tool.z_range
        return Seen(points, in_bodies(places, depth, self.skeleton))


def in_bodies(
    places: Float[np.ndarray, "P K 2"], depth: Float[np.ndarray, "P K"], skeleton: str
) -> Float[np.ndarray, "P K 3"]:
    """Bring places in a picture and depths to the scale of an average adult, round the middle of the hips.

    The scale is the median, over the bones, of what is left of a bone's length beside its depth, divided by its
    length in the picture. NaN where fewer than three bones tell it.

    Args:
        places: pixels.
        depth: about metres from the hips, away from the camera.
        skeleton: key of ``vocabulary.SKELETONS``.
    """
    at = {name: i for i, name in enumerate(SKELETONS[skeleton])}
    one, two = (np.array([at[bone[end]] for bone in BONES]) for end in (0, 1))
    length = STATURE_M * np.array(list(BONES.values()))
    deep = np.abs(depth[:, one] - depth[:, two])
    wide = np.hypot(*np.moveaxis(places[:, one] - places[:, two], -1, 0))
    tells = (deep < MAX_TILT * length) & (wide > 1)
    rest = np.sqrt(np.maximum(length**2 - deep**2, 0))
    each = np.where(tells, rest / np.maximum(wide, 1), np.nan)
    each[tells.sum(1) < 3] = np.nan
    scale = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in each])
    points = np.concatenate([places * scale[:, None, None], depth[..., None]], axis=-1)
    hips = points[:, [at["left_hip"], at["right_hip"]]].mean(1, keepdims=True)
    world: Float[np.ndarray, "P K 3"] = points - hips
    world[np.isnan(scale)] = np.nan
    return world


def _tool(kind: Any, session: Any, size: tuple[int, ...]) -> Any:
    """Return rtmlib's reader on a session of ours: its own would take every core, and print what it loads."""
    tool = kind.__new__(kind)
    settings = {
        "session": session,
        "model_input_size": size,
        "mean": MEAN,
        "std": STD,
        "backend": "onnxruntime",
        "device": "cpu",
        "to_openpose": False,
        "z_range": 2.1744869,
    }
    for name, value in settings.items():
        setattr(tool, name, value)
    return tool
