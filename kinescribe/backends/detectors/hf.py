"""Things and people by name: detectors with a fixed list of classes from the Hugging Face Hub.

Models: RT-DETR (Zhao et al. 2023, arXiv:2304.08069), RT-DETRv2 (Lv et al. 2024, arXiv:2407.17140), D-FINE (Peng et al.
2024, arXiv:2410.13842), RF-DETR (Robinson et al. 2025, arXiv:2511.09554; needs torchvision), DETR (Carion et al. 2020,
arXiv:2005.12872), YOLOS (Fang et al. 2021, arXiv:2106.00666), and the other descendants of DETR in ``KINDS``.
Weights: ``PekingU/rtdetr_v2_r50vd``, ``ustc-community/dfine-medium-obj2coco`` and many others. Licence: Apache-2.0 as a
rule; the checkpoint's card says. Memory: 10 to 76 million weights, 0.04 to 0.3 GB in float32, more for the pictures.
A checkpoint whose backbone is timm's (DETR's first ones) needs the package timm. None of the published weights was run
where Kinescribe was made: tests use tiny random nets of the same classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from kinescribe.backends.card import Card
from kinescribe.backends.detectors._looks import (
    Look,
    as_detections,
    every_kth,
    in_clip,
    plausible,
    with_between,
)
from kinescribe.backends.detectors._onnx_boxes import Boxes, picked, suppressed
from kinescribe.backends.nets import huggingface
from kinescribe.errors import BackendError, nearest
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frame, Frames
from kinescribe.vocabulary import PERSON

__all__ = ["ClosedSetDetector"]

NEEDED_BY = 'detectors backend "hf"'
KINDS = (
    "rt_detr", "rt_detr_v2", "d_fine", "rf_detr", "detr", "yolos", "conditional_detr", "deformable_detr", "dab-detr",
    "lw_detr", "deimv2",
)  # fmt: skip
NEED_TORCHVISION = ("rf_detr",)
"""Their pictures are prepared by torchvision alone."""
USUAL = {
    "people": PERSON, "human": PERSON, "pedestrian": PERSON, "motorbike": "motorcycle", "aeroplane": "airplane",
    "sofa": "couch", "pottedplant": "potted plant", "diningtable": "dining table", "tvmonitor": "tv",
    "trafficlight": "traffic light", "cellphone": "cell phone", "hair dryer": "hair drier",
}  # fmt: skip
"""What checkpoints call classes that COCO calls otherwise."""
NO_CLASS = frozenset(("n/a", "background", "no object", "none", ""))


@dataclass(frozen=True)
class ClosedSetDetector:
    """Detections labelled with the names of the net's classes, in COCO's spelling where COCO has them.

    As ``detect.people`` it finds people without joints: set ``only = ["person"]``, and a pose backend that finds them
    in boxes (``pose.backend``).
    """

    model: str = ""
    """Folder of a checkpoint, or an id that was pulled from the Hub."""
    only: tuple[str, ...] = ()
    """Names to keep; empty keeps all."""
    min_score: float = 0.3
    """Weaker boxes are left out. The tracker begins a subject at 0.5 and goes on with it from here."""
    min_person_score: float = 0.8
    """The same for people: FoundationMotion's (with another net, on the first picture only). A tracker keeps people
    who are less sure for a moment, but not for long: lower it where people are small or half hidden."""
    max_iou: float = 0.7
    """Boxes of one class that overlap by more are one thing. These nets learn to answer once for each thing (Carion et
    al. 2020), so only what is left of doubles goes; people who stand before each other stay two."""
    min_side: float = 0.005
    """Least width and height of a box, in shorter sides of the picture: COCO's nets see little below 5 pixels."""
    every: int = 1
    """Look at every k-th sample and the last one. Between two looks, what both saw is put on the straight line."""
    batch: int = 8
    """Pictures at a time."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    dtype: str = "auto"
    """``auto``, ``float32``, ``bfloat16`` or ``float16``."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="RT-DETR, RT-DETRv2, D-FINE, RF-DETR, DETR, YOLOS",
        paper="Lv et al. 2024, arXiv:2407.17140; Peng et al. 2024, arXiv:2410.13842; Carion et al. 2020, "
        "arXiv:2005.12872",
        licence="Apache-2.0 as a rule: see the checkpoint's card",
        weights=("hf:PekingU/rtdetr_v2_r50vd", "hf:ustc-community/dfine-medium-obj2coco"),
        memory="10 to 76 million weights: 0.04 to 0.3 GB in float32, and the pictures of a batch",
        extra="hf",
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype, self.batch)
        if not (0 < self.min_score < 1 and 0 < self.min_person_score < 1 and 0 < self.max_iou <= 1):
            raise ValueError("min_score, min_person_score and max_iou must be between 0 and 1")
        if not (0 <= self.min_side < 1 and self.every > 0):
            raise ValueError("min_side must be between 0 and 1, every must be 1 or more")

    def identity(self) -> str:
        """Name the packages and the checkpoint, by its checksum: other weights make earlier answers stale."""
        return huggingface.identity(self.model)

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Detect what the net knows by name.

        Raises:
            BackendError: no such checkpoint, an unknown class, or not enough memory for one picture.
        """
        net = _net(self.model, self.device, self.dtype, self.identity())
        least = self._least(net.names)
        notes: list[str] = []
        given = ((frame, net.pixels(frame)) for frame in every_kth(frames, self.every))
        answers = huggingface.batches(
            given, self.batch, lambda some: net.run(some, min(least.values())), notes.append, NEEDED_BY
        )
        looks = []
        for sample, boxes in answers:
            sure = np.array(
                [score >= least.get(kind, 2.0) for score, kind in zip(*boxes[1:], strict=True)], bool
            )
            boxes = picked(boxes, sure & plausible(boxes, clip, self.min_side, 1.0))
            looks.append(Look(sample, suppressed(boxes, self.max_iou)))
        return as_detections(clip, with_between(clip, camera, looks), net.names, "hf", notes)

    def _least(self, names: Mapping[int, str]) -> dict[int, float]:
        """Return the least score of each class that is wanted, by its number."""
        for name in self.only:
            if name not in names.values():
                raise BackendError(f'{self.model} knows no class "{name}"{nearest(name, names.values())}')
        return {
            kind: self.min_person_score if name == PERSON else self.min_score
            for kind, name in names.items()
            if not self.only or name in self.only
        }


class Net(NamedTuple):
    """A model that was loaded, and what prepares its inputs and reads its answers."""

    model: Any
    pictures: Any
    names: dict[int, str]
    """Of the classes, by number; numbers that mean nothing are left out."""
    where: huggingface.Place

    def pixels(self, frame: Frame) -> Any:
        """Return a picture as the net takes it."""
        given = self.pictures(images=frame.image, return_tensors="pt", input_data_format="channels_last")
        return given["pixel_values"][0].to(self.where.dtype)

    def run(self, given: Sequence[tuple[Frame, Any]], min_score: float) -> list[Look]:
        """Return what pictures show, in pixels of the clip."""
        pt = huggingface.torch(NEEDED_BY)
        sizes = [frame.image.shape[:2] for frame, _ in given]
        with pt.inference_mode():
            answer = self.model(pixel_values=pt.stack([pixels for _, pixels in given]).to(self.where.device))
            answer.logits, answer.pred_boxes = answer.logits.float().cpu(), answer.pred_boxes.float().cpu()
            if not (answer.logits.isfinite().all() and answer.pred_boxes.isfinite().all()):
                raise BackendError(
                    f'{NEEDED_BY} answers what is no number in {self.where.dtype}; set dtype = "float32"'
                )
            found = self.read(answer, sizes, min_score)
        return [
            Look(frame.sample, in_clip(boxes, frame.image.shape, frame.scale))
            for (frame, _), boxes in zip(given, found, strict=True)
        ]

    def read(self, answer: Any, sizes: Sequence[tuple[int, ...]], min_score: float) -> list[Boxes]:
        """Return the boxes of an answer, in pixels of the pictures, as the family's own processor reads them.

        Args:
            answer: with ``logits`` and ``pred_boxes``.
            sizes: height and width of each picture.
            min_score: boxes at or below are left out.
        """
        if getattr(self.model.config, "use_focal_loss", True) is False:
            # Classes that exclude each other, the last one "nothing": RT-DETR's processor (5.23) takes the softmax over
            # the pictures of the batch then. As logits of their own, it reads them rightly.
            answer.logits = answer.logits.softmax(-1)[..., :-1].logit(1e-6)
        read = self.pictures.post_process_object_detection(
            answer, threshold=min_score, target_sizes=[tuple(size) for size in sizes]
        )
        found = [
            Boxes(
                each["boxes"].double().numpy().reshape(-1, 4),
                each["scores"].double().numpy(),
                each["labels"].numpy().astype(np.int64),
            )
            for each in read
        ]
        return [picked(boxes, np.isin(boxes.kind, list(self.names))) for boxes in found]


def class_names(id2label: Mapping[Any, str], model: str) -> dict[int, str]:
    """Return the names of a net's classes by number, in COCO's spelling, without those that mean nothing.

    Args:
        id2label: as the checkpoint's ``config.json`` has it.
        model: for the message.

    Raises:
        BackendError: the checkpoint does not say what its classes are.
    """
    if all(str(name) == f"LABEL_{kind}" for kind, name in id2label.items()):
        raise BackendError(
            f"{model} does not say what its {len(id2label)} classes are: write id2label into its config.json"
        )
    found = {}
    for kind, name in id2label.items():
        plain = " ".join(str(name).replace("_", " ").lower().split())
        if plain not in NO_CLASS:
            first = plain.split("/")[0].strip() or plain
            found[int(kind)] = USUAL.get(first, first)
    return found


@lru_cache(maxsize=1)
def _net(model: str, device: str, dtype: str, identity: str) -> Net:
    """Load a checkpoint once for all clips; ``identity`` is asked for so that a changed file is loaded anew."""
    folder = huggingface.checkpoint(model, NEEDED_BY)
    kind = huggingface.expect(folder, KINDS, NEEDED_BY)
    library = huggingface.transformers(NEEDED_BY, torchvision=kind in NEED_TORCHVISION)
    where = huggingface.place(device, dtype, NEEDED_BY)
    # Pictures are prepared by the same code with and without torchvision, so that answers are the same.
    options = {} if kind in NEED_TORCHVISION else {"backend": "pil"}
    pictures = huggingface.processor(library.AutoImageProcessor, folder, NEEDED_BY, **options)
    loaded = huggingface.load(library.AutoModelForObjectDetection, folder, where, NEEDED_BY)
    return Net(loaded, pictures, class_names(loaded.config.id2label, model), where)
