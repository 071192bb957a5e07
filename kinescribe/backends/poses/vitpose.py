"""Skeletons of the tracked people by a plain vision transformer: ViTPose and ViTPose+.

Models: ViTPose (Xu et al. 2022, arXiv:2204.12484), ViTPose+ (Xu et al. 2022, arXiv:2212.04246): a mixture of experts,
one for each data set that it learned from. Weights: ``usyd-community/vitpose-base-simple``,
``usyd-community/vitpose-plus-base`` to ``-huge``: 17 points of COCO. FoundationMotion uses the 133 points of ViTPose+
huge; its whole-body head is not among that organisation's conversions: such a checkpoint is the user's to bring.
Licence: Apache-2.0. Memory: 86 (base) to 632 million weights (huge), more with the experts; 0.4 to 3.8 GB in float32.
None of the published weights was run where Kinescribe was made: tests use tiny random nets of the same classes.

The answers are places in the picture: there is no depth, so ``world`` is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kinescribe.backends.card import Card
from kinescribe.backends.nets import huggingface
from kinescribe.errors import BackendError
from kinescribe.records import Clip, Detections, Poses, Tracks
from kinescribe.video import Frame, Frames
from kinescribe.vocabulary import PERSON, SKELETONS

__all__ = ["VitPoses"]

NEEDED_BY = 'poses backend "vitpose"'
POINTS = {len(SKELETONS[name]): name for name in ("coco17", "halpe26", "coco_wholebody133")}
"""Skeletons by their number of points."""
EXPERTS = {17: 0, 133: 5}
"""Which expert of ViTPose+ a head of so many points goes with: the order of the data sets in its training is COCO, AiC,
MPII, AP-10K, APT-36K, COCO-WholeBody."""
MAX_SHIFT = 1.5
"""Cells of a heat map by which a point may be refined: a quadratic fit to a flat or noisy peak leads anywhere, while a
true maximum lies within a cell of the highest one, along each axis."""


@dataclass(frozen=True)
class VitPoses:
    """Poses of every track labelled ``person``, at the samples at which it is seen."""

    model: str = ""
    """Folder of a checkpoint, or an id that was pulled from the Hub. The number of points follows from it."""
    expert: int = -1
    """Number of the data set whose expert of ViTPose+ is asked; -1 takes the one that the points go with."""
    batch: int = 32
    """People at a time, of one picture or of several."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    dtype: str = "auto"
    """``auto``, ``float32``, ``bfloat16`` or ``float16``."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="ViTPose, ViTPose+",
        paper="Xu et al. 2022, arXiv:2204.12484 and arXiv:2212.04246",
        licence="Apache-2.0",
        weights=(
            "hf:usyd-community/vitpose-base-simple",
            "hf:usyd-community/vitpose-plus-base",
            "hf:usyd-community/vitpose-plus-huge",
        ),
        memory="86 (base) to 632 (huge) million weights, more with experts: 0.4 to 3.8 GB in float32",
        extra="hf",
        gpu=True,
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype, self.batch)
        if self.expert < -1:
            raise ValueError("expert must be the number of a data set, or -1")

    def identity(self) -> str:
        """Name the packages and the checkpoint, by its checksum: other weights make earlier answers stale."""
        return huggingface.identity(self.model)

    def __call__(self, clip: Clip, frames: Frames, detections: Detections, tracks: Tracks) -> Poses:
        """Estimate the poses.

        Raises:
            BackendError: no such checkpoint, one of another number of points, or not enough memory for one person.
        """
        net = _net(self.model, self.device, self.dtype, self.identity()).asking(self.expert)
        rows = np.flatnonzero([label == PERSON for label in tracks.label])
        keypoints = np.full((len(rows), len(clip.times_s), len(SKELETONS[net.skeleton]), 3), np.nan)
        told: list[str] = []  # poses have no notes: that the batch was halved changes no answer
        people = _people(frames, tracks, rows, net)
        for seen in huggingface.batches(people, self.batch, net.run, told.append, NEEDED_BY):
            keypoints[seen.row, seen.sample] = seen.points
        return Poses(tracks.ids[rows], keypoints, np.full_like(keypoints, np.nan), net.skeleton)


class Person(NamedTuple):
    """Somebody in one picture, cut out."""

    row: int
    """On the N axis of the poses."""
    frame: Frame
    xywh: tuple[float, float, float, float]
    """Left, top, width and height in pixels of the picture: COCO's form, which the processor takes (``xyxy`` would do
    without an error, and cut out something else)."""
    pixels: Any
    """(3, height, width), a tensor, as the net takes it."""


class Seen(NamedTuple):
    """The skeleton of somebody in one picture."""

    row: int
    sample: int
    points: Float[np.ndarray, "K 3"]
    """x, y in pixels of the clip, a score in [0, 1]."""


class Net(NamedTuple):
    """A model that was loaded, and what prepares its inputs and reads its answers."""

    model: Any
    pictures: Any
    where: huggingface.Place
    skeleton: str
    expert: int | None
    """None where the net has only one."""

    def asking(self, expert: int) -> Net:
        """Return the same net, asking another of its experts.

        Args:
            expert: its number; -1 for the one that the number of points goes with.

        Raises:
            BackendError: there is no such expert.
        """
        many = int(getattr(self.model.config.backbone_config, "num_experts", 1))
        if expert == -1:
            expert = EXPERTS.get(len(SKELETONS[self.skeleton]), 0) if many > 1 else 0
        if expert >= many:
            raise BackendError(
                f"{NEEDED_BY}: the checkpoint has {many} expert{'s' * (many > 1)}, none of number {expert}; set expert"
            )
        return self._replace(expert=expert if many > 1 else None)

    def cut_out(self, frame: Frame, xyxy: Float[np.ndarray, "P 4"]) -> list[tuple[tuple[float, ...], Any]]:
        """Return the boxes of people in a picture as the processor takes them, and what it cuts out.

        Args:
            frame: the picture.
            xyxy: boxes in pixels of it.
        """
        boxes = np.concatenate([xyxy[:, :2], np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1)], axis=1).tolist()
        given = self.pictures(
            images=[frame.image], boxes=[boxes], return_tensors="pt", input_data_format="channels_last"
        )
        return [
            (tuple(box), pixels)
            for box, pixels in zip(boxes, given["pixel_values"].to(self.where.dtype), strict=True)
        ]

    def run(self, people: Sequence[Person]) -> list[Seen]:
        """Return the skeletons of some people."""
        pt = huggingface.torch(NEEDED_BY)
        options = (
            {}
            if self.expert is None
            else {"dataset_index": pt.full((len(people),), self.expert, device=self.where.device)}
        )
        with pt.inference_mode():
            pixels = pt.stack([person.pixels for person in people]).to(self.where.device)
            heat = self.model(pixel_values=pixels, **options).heatmaps.float().cpu()
        if not heat.isfinite().all():
            raise BackendError(
                f'{NEEDED_BY} answers what is no number in {self.where.dtype}; set dtype = "float32"'
            )
        found = self.read(heat, [person.xywh for person in people])
        return [
            Seen(person.row, person.frame.sample, points * (person.frame.scale, person.frame.scale, 1))
            for person, points in zip(people, found, strict=True)
        ]

    def read(self, heat: Any, boxes: Sequence[tuple[float, ...]]) -> Float[np.ndarray, "P K 3"]:
        """Return the points that heat maps show, as the processor reads them, in pixels of the picture.

        A point whose map is nowhere above 0 is unknown: NaN. Where the processor's refinement goes astray, the point is
        where the map is highest.

        Args:
            heat: (P, K, rows, columns), a tensor.
            boxes: left, top, width and height of the people, in pixels of the picture.
        """
        answer = _Answer(heat)
        given = [list(box) for box in boxes]
        read = self.pictures.post_process_pose_estimation(answer, boxes=[[box] for box in given])
        points = np.stack([each[0]["keypoints"].double().numpy() for each in read])
        score = np.stack([each[0]["scores"].double().numpy() for each in read])
        rows, columns = heat.shape[2:]
        corner, cell = _grid(
            np.asarray(boxes, np.float64),
            self.pictures.size["height"],
            self.pictures.size["width"],
            (rows, columns),
        )
        highest = heat.flatten(2).argmax(-1).numpy()
        at = np.stack([highest % columns, highest // columns], axis=-1) * cell[:, None] + corner[:, None]
        astray = ~(np.abs(points - at) <= MAX_SHIFT * cell[:, None]).all(-1)
        points[astray] = at[astray]
        points[score <= 0] = np.nan
        score = np.where(score <= 0, np.nan, np.clip(score, 0, 1))
        return np.concatenate([points, score[..., None]], axis=-1)


class _Answer(NamedTuple):
    """What the processor asks of a model's answer."""

    heatmaps: Any


def _grid(
    xywh: Float[np.ndarray, "P 4"], height: int, width: int, cells: tuple[int, int]
) -> tuple[Float[np.ndarray, "P 2"], Float[np.ndarray, "P 2"]]:
    """Return where the first cell of a heat map lies in the picture, and the size of a cell.

    A box is made as wide for its height as the net's input and a quarter larger; the middles of the first and of the
    last cell lie on its borders (Huang et al. 2020, arXiv:1911.07524).

    Args:
        xywh: boxes in pixels of the picture.
        height: of the net's input.
        width: of the net's input.
        cells: rows and columns of the heat maps.
    """
    sides = xywh[:, 2:].copy()
    sides[:, 0] = np.maximum(xywh[:, 2], xywh[:, 3] * width / height)
    sides[:, 1] = np.maximum(xywh[:, 3], xywh[:, 2] * height / width)
    sides *= 1.25
    return xywh[:, :2] + xywh[:, 2:] / 2 - sides / 2, sides / (np.array(cells[::-1]) - 1)


def _people(frames: Frames, tracks: Tracks, rows: Int[np.ndarray, "P"], net: Net) -> Iterator[Person]:
    seen = tracks.seen[rows]
    for frame in frames:
        here = np.flatnonzero(seen[:, frame.sample])
        if len(here):
            boxes = tracks.xyxy[rows[here], frame.sample] / frame.scale
            for row, (box, pixels) in zip(here.tolist(), net.cut_out(frame, boxes), strict=True):
                left, top, width, height = box
                yield Person(row, frame, (left, top, width, height), pixels)


@lru_cache(maxsize=1)
def _net(model: str, device: str, dtype: str, identity: str) -> Net:
    """Load a checkpoint once for all clips; ``identity`` is asked for so that a changed file is loaded anew."""
    library = huggingface.transformers(NEEDED_BY)
    where = huggingface.place(device, dtype, NEEDED_BY)
    folder = huggingface.checkpoint(model, NEEDED_BY)
    huggingface.expect(folder, ("vitpose",), NEEDED_BY)
    # Pictures are prepared by the same code with and without torchvision, so that answers are the same.
    pictures = huggingface.processor(library.AutoImageProcessor, folder, NEEDED_BY, backend="pil")
    loaded = huggingface.load(library.VitPoseForPoseEstimation, folder, where, NEEDED_BY)
    points = int(loaded.config.num_labels)
    if points not in POINTS:
        known = ", ".join(map(str, POINTS))
        raise BackendError(f"{NEEDED_BY}: {folder} answers {points} points; skeletons of {known} are known")
    return Net(loaded, pictures, where, POINTS[points], None)
