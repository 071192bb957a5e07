"""What hands touch in single pictures: side, contact state, the object in the hand, what that is used on.

Model: Hands23, a Faster R-CNN (ResNeXt-101) with heads for sides, contact and pairs; any net that answers as below will
do. Paper: Cheng, Shan et al. 2023, "Towards a richer 2D understanding of hands at scale" (NeurIPS). Weights:
``model_hands23.pth`` at fouheylab.eecs.umich.edu/~dandans/projects/hands23; neither they nor the authors' code
(github.com/EvaCheng-cty/hands23_detector) came with a licence when this was written: ask the authors before you pass on
what comes of it. Memory: 0.4 GB of weights in 32 bits; about 100 million parameters.

The original needs detectron2, which has no wheels and is built for one PyTorch at a time, so it is no dependency. Give
one of two things:

- ``model = "onnx:FILE"`` or ``"torchscript:FILE"``: an exported net, which is run on the CPU (onnxruntime) or on
  ``device`` (PyTorch). It takes one picture, float32 (1, 3, height, width), 0 to 255, in the order of ``colours``; the
  picture lies in the top-left corner, grey beyond it. It answers, for M boxes, with or without a leading axis of 1:

  ============== ============= =====================================================================================
  ``boxes``      (M, 4)        x1, y1, x2, y2 in pixels of the input
  ``scores``     (M,)          in [0, 1]; rows of padding have 0
  ``labels``     (M,)          0 hand, 1 object in a hand, 2 object that the first is used on
  ``pair_probs`` (M, M, 5)     row to column: nothing, other person, own body, object, object to object; sum 1
  ``side``       (M,)          0 left, 1 right; of hands
  ============== ============= =====================================================================================

  A TorchScript module returns a dictionary, or the five in this order. Instead of the last two there may be
  ``pred_dz`` (M, 10 or more), the original's own table: column 4 the row of the object (-1: none), 5 the side, 8 the
  state, 9 how sure that is.
- ``predictor = "package.module:name"``: anything that is called with a picture (height, width, 3), uint8, blue first,
  and answers in its pixels: such a dictionary, or detectron2's ``{"instances": ...}``. For the original::

      cfg = set_cfg(...)                  # of the authors' demo.py, with the thresholds below
      predictor = DefaultPredictor(cfg)   # then predictor = "my_hands:predictor"

Thresholds are FoundationMotion's (its code): a net that was exported with higher ones of its own stays above these.
Not run where Kinescribe was made: the published weights and detectron2; the tests build nets of this layout.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from kinescribe import weights
from kinescribe.backends import SeenContacts
from kinescribe.backends.card import Card
from kinescribe.backends.nets import huggingface
from kinescribe.backends.nets.session import identity_of, open_session, split_spec
from kinescribe.errors import BackendError
from kinescribe.records import Clip
from kinescribe.video import Frame, Frames
from kinescribe.vocabulary import CONTACTS

__all__ = ["Hands23"]

NAME = "hands backend hands23"
KINDS = ("onnx", "torchscript")
EXAMPLE = "onnx:/models/hands23.onnx"
STATES = ("no_contact", "other_person_contact", "self_contact", "object_contact", "unknown")
"""Of ``pair_probs`` and of ``pred_dz``, in their order. The last is contact between two objects: no state of a hand."""
STATE_OF = np.array([CONTACTS.index(state) for state in STATES], dtype=np.int64)
NO, OBJECT, UNKNOWN = (STATES.index(state) for state in ("no_contact", "object_contact", "unknown"))
HAND, FIRST, SECOND = 0, 1, 2
PARTS = ("boxes", "scores", "labels", "pair_probs", "side")
LINK, SIDE, STATE, SURE = 4, 5, 8, 9
"""Columns of ``pred_dz``."""
GREY = 114
"""Of what the picture does not cover: near the mean that the net subtracts."""


@dataclass(frozen=True)
class Hands23:
    """Contact states and objects in hands, by a net that looks at single pictures."""

    model: str = ""
    """``onnx:FILE`` or ``torchscript:FILE``: a path, or an address with ``#sha256=...``."""
    predictor: str = ""
    """``package.module:name`` of what is called with a picture."""
    min_hand: float = 0.8
    """Score of a hand."""
    min_object: float = 0.3
    """Score of the object in it ..."""
    min_second: float = 0.05
    """... and of what that is used on."""
    min_relation: float = 0.3
    """How sure the net must be that hand and object touch; else there is no contact ..."""
    min_second_relation: float = 0.05
    """... and that the one object is used on the other."""
    every: int = 2
    """Look at every second sample, 5 times a second; FoundationMotion keeps every fifth frame, 6 a second."""
    colours: str = "bgr"
    """Order in which an exported net takes them: ``bgr`` as detectron2 does, or ``rgb``."""
    short_side: int = 800
    """Pixels of the picture's shorter side, where the file leaves the size open ..."""
    long_side: int = 1333
    """... but no more than this for the longer one (detectron2's own)."""
    device: str = "auto"
    """Of TorchScript."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="Hands23 (contact states and objects in hands)",
        paper="Cheng, Shan et al. 2023 (NeurIPS)",
        licence="none stated by the authors, for weights and code",
        weights=(
            "https://fouheylab.eecs.umich.edu/~dandans/projects/hands23/model_weights/model_hands23.pth",
        ),
        memory="0.4 GB for the weights in 32 bits, by the number of parameters of its ResNeXt-101",
        extra="onnx",
        gpu=True,
        run_here="neither the published weights nor detectron2: nets of the same layout",
    )

    def __post_init__(self) -> None:
        if self.model and self.predictor:
            raise ValueError("set model or predictor, not both")
        if self.model:
            split_spec(self.model, KINDS, EXAMPLE)
        if self.predictor and not all(self.predictor.partition(":")):
            raise ValueError(f'predictor "{self.predictor}": expected package.module:name')
        shares = (
            self.min_hand,
            self.min_object,
            self.min_second,
            self.min_relation,
            self.min_second_relation,
        )
        if not all(0 < share < 1 for share in shares):
            raise ValueError("scores and relations must be between 0 and 1")
        if self.every < 1 or not 32 <= self.short_side <= self.long_side:
            raise ValueError("every must be 1 or more, short_side 32 or more and no longer than long_side")
        if self.colours not in ("bgr", "rgb"):
            raise ValueError(f'colours "{self.colours}": expected bgr or rgb')
        huggingface.check_choice(self.device, "auto")

    def identity(self) -> str:
        """Name what runs the net and the file's checksum, or the predictor and its package's version."""
        if self.predictor:
            package = self.predictor.partition(":")[0].partition(".")[0]
            try:
                return f"{self.predictor} {metadata.version(package)}"
            except metadata.PackageNotFoundError:
                return self.predictor
        kind, _, file = self.model.partition(":")
        if kind != "torchscript":
            return identity_of(self.model)
        try:
            return f"torch {metadata.version('torch')} {weights.sha256_of(weights.find(file))}"
        except metadata.PackageNotFoundError:
            return "no torch"
        except (BackendError, OSError):
            return "no file"

    def touches(self, clip: Clip, frames: Frames) -> SeenContacts:
        """Look at every ``every``-th sample.

        Raises:
            BackendError: nothing to run is set or installed, the file is of another form, or it answers nonsense.
        """
        look = self._looker()
        seen = [
            hand
            for frame in frames
            if frame.sample % self.every == 0
            for hand in self.read(look(frame.image), (frame.image.shape[1], frame.image.shape[0]), frame)
        ]
        return _columns(seen)

    def read(self, answer: Mapping[str, np.ndarray], size: tuple[int, int], frame: Frame) -> Iterator[_Hand]:
        """Yield the hands of an answer in a picture's pixels, and what they touch.

        The rules are the original's: a hand touches the object that it touches most surely, if it does so surely
        enough; else nothing.

        Args:
            answer: boxes, scores, labels, and links (pair_probs and side, or pred_dz).
            size: width and height of the picture, in which boxes are cut off.
            frame: the sample.

        Raises:
            BackendError: the answer is not of the form that is documented above.
        """
        table = _table(answer)
        limit = np.array([*size, *size], dtype=np.float64)
        boxes = np.clip(table.boxes, 0, limit) * frame.scale
        real = (np.clip(table.boxes, 0, limit)[:, 2:] - np.clip(table.boxes, 0, limit)[:, :2] >= 1).all(1)
        first = real & (table.labels == FIRST) & (table.scores >= self.min_object)
        second = real & (table.labels == SECOND) & (table.scores >= self.min_second)
        for row in np.flatnonzero(real & (table.labels == HAND) & (table.scores >= self.min_hand)).tolist():
            link = table.link(row, first, self.min_relation)
            held = boxes[link.to] if link.state == OBJECT and link.to >= 0 else np.full(4, np.nan)
            used = np.full(4, np.nan)
            if np.isfinite(held[0]):
                onward = table.link(link.to, second, self.min_second_relation)
                used = boxes[onward.to] if onward.to >= 0 else used
            yield _Hand(
                frame.sample, boxes[row], float(table.scores[row]), bool(table.right[row]),
                int(STATE_OF[link.state]), held, used,
            )  # fmt: skip

    def _looker(self) -> Callable[[UInt8[np.ndarray, "H W 3"]], Mapping[str, np.ndarray]]:
        if self.predictor:
            return _Predictor.load(self.predictor)
        if not self.model:
            raise BackendError(f"{NAME} needs model, e.g. {EXAMPLE}, or predictor (see its documentation)")
        kind, file = split_spec(self.model, KINDS, EXAMPLE)
        path = weights.find(file)
        run = _onnx(path) if kind == "onnx" else _torchscript(path, self.device)
        return _Exported(run, self)


class _Hand(NamedTuple):
    """A row of ``SeenContacts``."""

    sample: int
    xyxy: Float[np.ndarray, "4"]
    score: float
    right: bool
    contact: int
    held_xyxy: Float[np.ndarray, "4"]
    second_xyxy: Float[np.ndarray, "4"]


def _columns(hands: list[_Hand]) -> SeenContacts:
    def stacked(boxes: list[np.ndarray]) -> Float[np.ndarray, "D 4"]:
        return np.array(boxes, dtype=np.float64).reshape(-1, 4)

    return SeenContacts(
        sample=np.array([hand.sample for hand in hands], dtype=np.int64),
        xyxy=stacked([hand.xyxy for hand in hands]),
        score=np.array([hand.score for hand in hands], dtype=np.float64),
        right=np.array([hand.right for hand in hands], dtype=bool),
        contact=np.array([hand.contact for hand in hands], dtype=np.int64),
        held_xyxy=stacked([hand.held_xyxy for hand in hands]),
        second_xyxy=stacked([hand.second_xyxy for hand in hands]),
    )


# --- answers ------------------------------------------------------------------------------------------------


class _Link(NamedTuple):
    """What a hand or an object touches."""

    to: int
    """Row; -1 for none."""
    state: int
    """Index into ``STATES``."""


@dataclass(frozen=True, eq=False)
class _Table:
    """An answer whose form was checked."""

    boxes: Float[np.ndarray, "M 4"]
    scores: Float[np.ndarray, "M"]
    labels: Int[np.ndarray, "M"]
    right: Int[np.ndarray, "M"]
    pairs: Float[np.ndarray, "M M 5"] | None
    links: Float[np.ndarray, "M F"] | None
    """The original's table, where there are no pairs."""

    def link(self, row: int, candidates: np.ndarray, at_least: float) -> _Link:
        """Return what a row touches among some candidates."""
        if self.links is not None:
            to, state, sure = int(self.links[row, LINK]), int(self.links[row, STATE]), self.links[row, SURE]
            if to < 0 or sure < at_least:
                return _Link(-1, NO)
            # What it touches is too weak to count, so what the contact is stays open.
            return _Link(to, state) if candidates[to] else _Link(-1, UNKNOWN)
        assert self.pairs is not None
        sure = np.where(candidates, 1 - self.pairs[row, :, 0], 0.0)
        to = int(sure.argmax())
        if sure[to] < at_least:
            return _Link(-1, NO)
        return _Link(to, 1 + int(self.pairs[row, to, 1:].argmax()))


def _table(answer: Mapping[str, np.ndarray]) -> _Table:
    """Check an answer's form.

    Raises:
        BackendError: a part is missing, or has another shape than the others or impossible values.
    """
    links = "pair_probs" not in answer
    wanted = ("boxes", "scores", "labels", "pred_dz") if links else PARTS
    missing = [name for name in wanted if name not in answer]
    if missing:
        other = ", or pair_probs and side" if links else ""
        raise BackendError(f"{NAME}: the net gives {sorted(answer)}; it lacks {', '.join(missing)}{other}")
    parts = {name: _numbers(name, answer[name]) for name in wanted}
    if parts["boxes"].ndim == 3:
        parts = {name: part[0] if len(part) == 1 else part for name, part in parts.items()}
    count = parts["boxes"].shape[0] if parts["boxes"].ndim else 0
    width = max((*parts["pred_dz"].shape[-1:], SURE + 1)) if links else 0
    shapes = {
        "boxes": (count, 4), "scores": (count,), "labels": (count,), "side": (count,),
        "pair_probs": (count, count, len(STATES)), "pred_dz": (count, width),
    }  # fmt: skip
    for name, part in parts.items():
        if part.shape != shapes[name]:
            raise BackendError(f"{NAME}: the net's {name} has shape {part.shape}, expected {shapes[name]}")
    labels = parts["labels"].astype(np.int64)
    right = (parts["pred_dz"][:, SIDE] if links else parts["side"]).astype(np.int64)
    hands = labels == HAND
    if not np.isin(labels, (HAND, FIRST, SECOND)).all() or not np.isin(right[hands], (0, 1)).all():
        raise BackendError(f"{NAME}: labels must be 0, 1 or 2 and sides of hands 0 or 1")
    if links:
        to, state = parts["pred_dz"][labels != SECOND, LINK], parts["pred_dz"][hands, STATE]
        if not ((to >= -1) & (to < count)).all() or not ((state >= 0) & (state < len(STATES))).all():
            raise BackendError(f"{NAME}: pred_dz names a row or a state that does not exist")
    return _Table(
        parts["boxes"], parts["scores"], labels, right, parts.get("pair_probs"), parts.get("pred_dz")
    )


def _numbers(name: str, part: Any) -> np.ndarray:
    try:
        numbers = np.asarray(part, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BackendError(f"{NAME}: the net's {name} are no numbers: {error}") from error
    if not np.isfinite(numbers).all():
        raise BackendError(f"{NAME}: the net's {name} holds values that are not finite")
    return numbers


# --- nets ---------------------------------------------------------------------------------------------------

Run = Callable[[Float32[np.ndarray, "1 3 h w"]], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class _Exported:
    """An exported net, with what it is given and gives brought from and to the picture's pixels."""

    run: tuple[Run, int | None, int | None]
    """It, and the height and width that its file fixes."""
    settings: Hands23

    def __call__(self, image: UInt8[np.ndarray, "H W 3"]) -> Mapping[str, np.ndarray]:
        run, high, wide = self.run
        rows, columns = image.shape[:2]
        grow = self.settings.short_side / min(rows, columns)
        grow = min(grow, self.settings.long_side / max(rows, columns))
        height, width = high or max(1, round(grow * rows)), wide or max(1, round(grow * columns))
        ratio = min(height / rows, width / columns)
        size = max(1, round(ratio * columns)), max(1, round(ratio * rows))
        canvas = np.full((height, width, 3), GREY, np.uint8)
        canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        ordered = canvas if self.settings.colours == "rgb" else canvas[..., ::-1]
        answer = dict(run(np.ascontiguousarray(ordered.transpose(2, 0, 1)[None], dtype=np.float32)))
        boxes = np.asarray(answer.get("boxes"))
        if boxes.shape[-1:] == (4,):
            answer["boxes"] = boxes / np.array([size[0] / columns, size[1] / rows] * 2)
        return answer


def _onnx(path: Path) -> tuple[Run, int | None, int | None]:
    session = open_session(path, NAME, "onnx")
    entries, outputs = session.get_inputs(), [output.name for output in session.get_outputs()]
    shape = list(entries[0].shape) if len(entries) == 1 else []
    if len(shape) != 4 or shape[1] != 3:
        raise BackendError(
            f"{path} takes {[e.shape for e in entries]}, expected one picture (1, 3, height, width)"
        )
    high, wide = (side if isinstance(side, int) and side > 0 else None for side in shape[2:])

    def run(pixels: Float32[np.ndarray, "1 3 h w"]) -> Mapping[str, np.ndarray]:
        try:
            return dict(zip(outputs, session.run(outputs, {entries[0].name: pixels}), strict=True))
        except Exception as error:
            raise BackendError(f"{NAME}: {path} cannot be run: {error}") from error

    return run, high, wide


def _torchscript(path: Path, device: str) -> tuple[Run, None, None]:
    torch = huggingface.torch(NAME)
    where = huggingface.place(device, "float32", NAME)
    try:
        module = torch.jit.load(str(path), map_location=where.device).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise BackendError(f"{path} cannot be read as a TorchScript module: {error}") from error

    def run(pixels: Float32[np.ndarray, "1 3 h w"]) -> Mapping[str, np.ndarray]:
        try:
            with torch.inference_mode():
                answer = module(torch.from_numpy(pixels).to(where.device))
        except RuntimeError as error:
            raise BackendError(f"{NAME}: {path} cannot be run: {error}") from error
        if isinstance(answer, (tuple, list)):
            if len(answer) != len(PARTS):
                raise BackendError(f"{NAME}: {path} gives {len(answer)} tensors, expected {', '.join(PARTS)}")
            answer = dict(zip(PARTS, answer, strict=True))
        return _arrays(answer)

    return run, None, None


@dataclass(frozen=True)
class _Predictor:
    """Code of the user's."""

    name: str
    call: Callable[[UInt8[np.ndarray, "H W 3"]], Any]

    @classmethod
    def load(cls, name: str) -> _Predictor:
        module, _, attribute = name.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise BackendError(f'{NAME}: predictor "{name}" cannot be loaded: {error}') from error
        if not callable(found):
            raise BackendError(f'{NAME}: predictor "{name}" cannot be called')
        return cls(name, found)

    def __call__(self, image: UInt8[np.ndarray, "H W 3"]) -> Mapping[str, np.ndarray]:
        answer = self.call(np.ascontiguousarray(image[..., ::-1]))
        if isinstance(answer, Mapping) and "instances" in answer:
            instances = answer["instances"]
            answer = {
                "boxes": instances.pred_boxes.tensor,
                "scores": instances.scores,
                "labels": instances.pred_classes,
                "pred_dz": instances.pred_dz,
            }
        return _arrays(answer)


def _arrays(answer: Any) -> dict[str, np.ndarray]:
    """Return a dictionary of tensors or lists as arrays."""
    if not isinstance(answer, Mapping):
        raise BackendError(
            f"{NAME}: the net gives {type(answer).__name__}, expected a dictionary of {', '.join(PARTS)}"
        )
    whole = {
        str(name): part.detach().cpu() if hasattr(part, "detach") else part for name, part in answer.items()
    }
    try:
        return {name: np.asarray(part) for name, part in whole.items()}
    except ValueError as error:
        raise BackendError(f"{NAME}: the net's answer holds lists of different lengths: {error}") from error
