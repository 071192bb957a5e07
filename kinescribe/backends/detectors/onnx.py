"""Things and people by name: object detectors that were exported to ONNX (YOLOX, RTMDet), on onnxruntime.

Published weights: docs/install.md. Run here with YOLOX-nano (COCO, 80 classes) and RTMDet-nano (people).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import UInt8

from kinescribe import weights
from kinescribe.backends.card import Card
from kinescribe.backends.detectors._looks import Look, as_detections, with_between
from kinescribe.backends.detectors._onnx_boxes import Boxes, letterbox, picked, read_answers
from kinescribe.backends.nets.session import identity_of, open_session, split_spec
from kinescribe.errors import BackendError, nearest
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frames
from kinescribe.vocabulary import COCO_CLASSES

__all__ = ["OnnxDetector"]

NORMALISED = {
    "yolox": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "rtmdet": ((103.53, 116.28, 123.675), (57.375, 57.12, 58.395)),
}
"""Mean and standard deviation of B, G, R that each family was trained with. YOLOX: none, since release 0.1.1."""
EXAMPLE = "yolox:yolox_s or yolox:/models/yolox_s.onnx"


@dataclass(frozen=True)
class OnnxDetector:
    """Detections labelled with the names of the net's classes."""

    model: str = ""
    """``yolox:FILE`` or ``rtmdet:FILE``: how pictures are prepared, and a path, an address with ``#sha256=...`` or
    a name of ``weights.PUBLISHED``."""
    min_score: float = 0.3
    """Weaker boxes are left out. The tracker begins a subject at 0.5 and goes on with it from here."""
    max_iou: float = 0.5
    """Boxes of one class that overlap by more are one thing."""
    classes: tuple[str, ...] = ()
    """Names to keep; empty keeps all."""
    every: int = 1
    """Look at every k-th sample. Between two looks, what both saw is put on the straight line."""
    input_side: int = 640
    """Pixels of the square input, where the file leaves it open (where it does not, the file's is taken)."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="YOLOX, RTMDet",
        paper="Ge et al. 2021, arXiv:2107.08430; Lyu et al. 2022, arXiv:2212.07784",
        licence="Apache-2.0",
        weights=("yolox_s", "yolox_m", "yolox_tiny", "yolox_nano", "rtmdet_m_person"),
        memory="4 to 100 MB of files",
        extra="onnx",
        run_here="YOLOX-nano and RTMDet-nano, from local copies (docs/install.md)",
    )

    def __post_init__(self) -> None:
        if self.model:
            split_spec(self.model, NORMALISED, EXAMPLE)
        if not (
            0 < self.min_score < 1 and 0 < self.max_iou <= 1 and self.every > 0 and self.input_side >= 32
        ):
            raise ValueError(
                "min_score and max_iou must be between 0 and 1, every 1 or more, input_side 32 or more"
            )

    def identity(self) -> str:
        """Name onnxruntime and the file, by its checksum: other weights make earlier answers stale."""
        return identity_of(self.model)

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Detect what the net knows by name.

        Raises:
            BackendError: no onnxruntime, no such file, a file of another form, or an unknown class.
        """
        net = Net.load(self)
        looks: list[Look] = []
        for frame in frames:
            if frame.sample % self.every == 0:
                boxes = net(frame.image, self.min_score, self.max_iou)
                looks.append(Look(frame.sample, boxes._replace(xyxy=boxes.xyxy * frame.scale)))
        return as_detections(clip, with_between(clip, camera, looks), net.names, "onnx")


class Net(NamedTuple):
    """An open file, and what is known about it."""

    session: Any
    height: int
    width: int
    names: tuple[str, ...]
    keep: frozenset[int] | None
    """Numbers of the classes that are wanted; None for all."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def load(cls, settings: OnnxDetector) -> Net:
        """Open what the settings name; errors as ``OnnxDetector``."""
        if not settings.model:
            raise BackendError(
                f'detectors backend "onnx" needs a model, e.g. {EXAMPLE} (--detector, or model = ...)'
            )
        kind, file = split_spec(settings.model, NORMALISED, EXAMPLE)
        path = weights.find(file)
        _refuse_other_family(kind, path)
        session = open_session(path, 'detectors backend "onnx"', "onnx")
        entries = session.get_inputs()
        shape = entries[0].shape
        if len(entries) != 1:
            raise BackendError(
                f"{path} takes {len(entries)} inputs, expected one picture (1, 3, height, width)"
            )
        sides = [side if isinstance(side, int) and side > 0 else settings.input_side for side in shape[2:]]
        if len(shape) != 4 or shape[1] != 3:
            raise BackendError(f"{path} takes {shape}, expected one picture (1, 3, height, width)")
        names = class_names(session, path)
        for name in settings.classes:
            if name not in names:
                raise BackendError(f'{path} knows no class "{name}"{nearest(name, names)}')
        keep = frozenset(names.index(name) for name in settings.classes) if settings.classes else None
        return cls(session, sides[0], sides[1], names, keep, *NORMALISED[kind])

    def __call__(self, image: UInt8[np.ndarray, "H W 3"], min_score: float, max_iou: float) -> Boxes:
        """Return what is seen in an RGB picture, in its pixels."""
        given = letterbox(image, self.height, self.width, self.mean, self.std)
        entry = self.session.get_inputs()[0]
        pixels = given.pixels.astype(np.float16) if "float16" in entry.type else given.pixels
        outputs = [output.name for output in self.session.get_outputs()]
        answers = dict(zip(outputs, self.session.run(outputs, {entry.name: pixels}), strict=True))
        boxes = read_answers(answers, self.height, self.width, min_score, max_iou)
        if len(boxes.kind) and int(boxes.kind.max()) >= len(self.names):
            raise BackendError(
                f"the net answers class {int(boxes.kind.max())}, but {len(self.names)} names are known: write one "
                "name a line into a file beside it, with its name and the ending .names"
            )
        if self.keep is not None:
            boxes = picked(boxes, np.isin(boxes.kind, list(self.keep)))
        size = np.array([image.shape[1], image.shape[0]] * 2, dtype=np.float64)
        xyxy = np.clip(boxes.xyxy / np.array(given.stretch * 2), 0, size)
        real = (xyxy[:, 2:] - xyxy[:, :2] >= 1).all(1)
        return picked(boxes._replace(xyxy=xyxy), real)


def _refuse_other_family(kind: str, path: Path) -> None:
    """Refuse a file whose name says another family: its pictures would be normalised wrongly, and nobody could tell."""
    named = [family for family in NORMALISED if family in path.name.lower()]
    if named and kind not in named:
        raise BackendError(
            f"{path.name} looks like a {named[0]} net: write {named[0]}:{path} (or give the file another name)"
        )


def class_names(session: Any, path: Path) -> tuple[str, ...]:
    """Return the names of a net's classes.

    They are taken from the file's metadata (``names`` or ``classes``), else from a text beside it (``.names`` or
    ``.txt``, one a line), else COCO's where the net tells 80 apart or does not say how many.

    Raises:
        BackendError: another number of classes, and no names.
    """
    found = session.get_modelmeta().custom_metadata_map
    for key in ("names", "classes"):
        if key in found:
            return _listed(found[key])
    for beside in (path.with_suffix(".names"), path.with_suffix(".txt")):
        if beside.is_file():
            lines = beside.read_text(encoding="utf-8").splitlines()
            return tuple(line.strip() for line in lines if line.strip())
    shape = session.get_outputs()[0].shape
    fields = shape[-1] if len(shape) == 3 else None
    if isinstance(fields, int) and fields > 5 and fields != 5 + len(COCO_CLASSES):
        raise BackendError(
            f"{path} tells {fields - 5} classes apart and does not say their names: write one name a line into "
            f"{path.with_suffix('.names')}"
        )
    return COCO_CLASSES


def _listed(text: str) -> tuple[str, ...]:
    """Return the names in a metadata entry: a list or a dictionary by number in Python's or JSON's words, or commas."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return tuple(name.strip() for name in text.split(",") if name.strip())
    if isinstance(value, dict):
        return tuple(str(value[key]) for key in sorted(value, key=int))
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)
