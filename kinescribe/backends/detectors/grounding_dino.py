"""Things by any name: Grounding DINO and MM Grounding DINO, which find what a text names.

Model: Grounding DINO (Liu et al. 2023, arXiv:2303.05499), MM Grounding DINO (Zhao et al. 2024, arXiv:2401.02361).
Weights: ``IDEA-Research/grounding-dino-tiny`` and ``-base``,
``openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det`` and others of both families. Licence: Apache-2.0.
Memory: 172 million weights (tiny), 233 million (base): 0.7 and 0.9 GB in float32, and about 1.5 GB for each pair of a
1333 x 750 picture and a text in a batch (random weights of the true size on a CPU; 20 s a pair on one core).
None of the published weights was run where Kinescribe was made: tests use tiny random nets of the same classes.

FoundationMotion (3.2.1) asks it for one name at a time, and so does this: a box has the one name that it was found by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float32

from kinescribe.backends.card import Card
from kinescribe.backends.detectors._looks import (
    Look,
    as_detections,
    every_kth,
    in_clip,
    joined,
    plausible,
    with_between,
)
from kinescribe.backends.detectors._onnx_boxes import Boxes, picked, suppressed
from kinescribe.backends.nets import huggingface
from kinescribe.errors import BackendError
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frame, Frames

__all__ = ["GroundingDinoDetector"]

NEEDED_BY = 'detectors backend "grounding_dino"'
KINDS = ("grounding-dino", "mm-grounding-dino")
DELIMITERS = ".?"
"""The net takes them for the end of a name."""


@dataclass(frozen=True)
class GroundingDinoDetector:
    """Detections labelled with the names that were asked for."""

    model: str = ""
    """Folder of a checkpoint, or an id that was pulled from the Hub."""
    names: tuple[str, ...] = ()
    """What to look for, in words; the names that the stage's naming step finds are added. Case and full stops do not
    matter, and a name that is there twice is asked for once."""
    min_score: float = 0.3
    """Weaker boxes are left out. FoundationMotion asks the net for 0.25 and then keeps what is above 0.3."""
    max_iou: float = 0.5
    """Boxes of one name that overlap by more are one thing (FoundationMotion's). Neighbours are never merged, however
    near their middles are."""
    min_side: float = 0.01
    """Least width and height of a box, in shorter sides of the picture (FoundationMotion: 10 pixels, whatever the
    picture's size; this is 10 of 1080)."""
    max_area: float = 0.8
    """Largest box, as a share of the picture (FoundationMotion's)."""
    every: int = 1
    """Look at every k-th sample and the last one. Between two looks, what both saw is put on the straight line."""
    names_per_prompt: int = 1
    """Names that one text holds. One is FoundationMotion's way: in a text of several, each name acts on the answers to
    the others. Ten take a tenth of the time; each box then has the name whose words it answers to most."""
    batch: int = 8
    """Pairs of a picture and a text at a time."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    dtype: str = "auto"
    """``auto``, ``float32``, ``bfloat16`` or ``float16``."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="Grounding DINO, MM Grounding DINO",
        paper="Liu et al. 2023, arXiv:2303.05499; Zhao et al. 2024, arXiv:2401.02361",
        licence="Apache-2.0",
        weights=(
            "hf:IDEA-Research/grounding-dino-tiny",
            "hf:IDEA-Research/grounding-dino-base",
            "hf:openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det",
        ),
        memory="172 (tiny) or 233 (base) million weights: 0.7 or 0.9 GB, and 1.5 GB a pair in a batch, in float32",
        extra="hf",
        gpu=True,
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype, self.batch)
        if not (0 < self.min_score < 1 and 0 < self.max_iou <= 1 and 0 < self.max_area <= 1):
            raise ValueError("min_score, max_iou and max_area must be between 0 and 1")
        if not (0 <= self.min_side < 1 and self.every > 0 and self.names_per_prompt > 0):
            raise ValueError("min_side must be between 0 and 1, every and names_per_prompt must be 1 or more")

    def identity(self) -> str:
        """Name the packages and the checkpoint, by its checksum: other weights make earlier answers stale."""
        return huggingface.identity(self.model)

    def with_names(self, names: Sequence[str]) -> GroundingDinoDetector:
        """Return the same detector looking for other names, which the stage's naming step found."""
        return replace(self, names=tuple(names))

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Detect what has one of the names.

        Raises:
            BackendError: there are no names, no such checkpoint, or not enough memory for one picture.
        """
        names = tidy(self.names)
        if not names:
            raise BackendError(
                f'{NEEDED_BY} has no names to look for: set names = ["dog", "ball"], or a naming backend '
                "(detect.namer)"
            )
        net = _net(self.model, self.device, self.dtype, self.identity())
        notes: list[str] = []
        prompts = net.prompts(names, self.names_per_prompt, notes.append)
        looks = []
        pairs = _pairs(every_kth(frames, self.every), prompts, net)
        answers = huggingface.batches(
            pairs, self.batch, lambda some: net.run(some, self.min_score), notes.append, NEEDED_BY
        )
        for sample, parts in groupby(answers, key=lambda answer: answer.sample):
            boxes = joined(part.boxes for part in parts)
            boxes = picked(boxes, plausible(boxes, clip, self.min_side, self.max_area))
            looks.append(Look(sample, suppressed(boxes, self.max_iou)))
        return as_detections(clip, with_between(clip, camera, looks), names, "grounding_dino", notes)


class Prompt(NamedTuple):
    """A text as the net reads it, and which of its words are which name."""

    tokens: tuple[int, ...]
    owner: tuple[int, ...]
    """Number of the name that a token belongs to; -1 for beginning, end and full stops."""


class Pair(NamedTuple):
    """A picture and what to look for in it."""

    frame: Frame
    pixels: Any
    """(3, height, width), a tensor, as the net takes it."""
    prompt: Prompt


class Net(NamedTuple):
    """A model that was loaded, and what prepares its inputs."""

    model: Any
    pictures: Any
    words: Any
    where: huggingface.Place

    def prompts(self, names: Sequence[str], together: int, note: Any) -> list[Prompt]:
        """Return texts that hold the names, so many each as asked for and as the net can read.

        A name of which the net knows no word, or that is longer than it can read, is left out and noted.

        Raises:
            BackendError: no name is left.
        """
        config = self.model.config
        longest = min(config.max_text_len, config.text_config.max_position_embeddings)
        begin, end = self.words.cls_token_id, self.words.sep_token_id
        stop, unknown = self.words.convert_tokens_to_ids("."), self.words.unk_token_id
        groups: list[list[tuple[int, list[int]]]] = []
        room = 0
        for number, name in enumerate(names):
            tokens = self.words(name, add_special_tokens=False)["input_ids"]
            if not set(tokens) - {unknown} or len(tokens) + 3 > longest:
                note(f'{NEEDED_BY}: "{name[:60]}" has no word that the model knows, or is too long: left out')
                continue
            if not groups or len(groups[-1]) == together or len(tokens) + 1 > room:
                groups.append([])
                room = longest - 2
            groups[-1].append((number, tokens))
            room -= len(tokens) + 1
        if not groups:
            raise BackendError(f"{NEEDED_BY} can look for none of the names ({', '.join(names)[:200]})")
        return [
            Prompt(
                (begin, *(token for _, tokens in group for token in (*tokens, stop)), end),
                (-1, *(owner for number, tokens in group for owner in (*(number,) * len(tokens), -1)), -1),
            )
            for group in groups
        ]

    def pixels(self, frame: Frame) -> Any:
        """Return a picture as the net takes it."""
        given = self.pictures(images=frame.image, return_tensors="pt", input_data_format="channels_last")
        return given["pixel_values"][0].to(self.where.dtype)

    def run(self, pairs: Sequence[Pair], min_score: float) -> list[Look]:
        """Return what each picture shows of what was asked for, in pixels of the clip."""
        pt = huggingface.torch(NEEDED_BY)
        length = max(len(pair.prompt.tokens) for pair in pairs)
        tokens = pt.zeros(len(pairs), length, dtype=pt.long)
        mask = pt.zeros(len(pairs), length, dtype=pt.long)
        for row, pair in enumerate(pairs):
            tokens[row, : len(pair.prompt.tokens)] = pt.tensor(pair.prompt.tokens)
            mask[row, : len(pair.prompt.tokens)] = 1
        device = self.where.device
        with pt.inference_mode():
            answer = self.model(
                pixel_values=pt.stack([pair.pixels for pair in pairs]).to(device),
                input_ids=tokens.to(device),
                token_type_ids=pt.zeros_like(tokens).to(device),
                attention_mask=mask.to(device),
            )
            logits = answer.logits[..., :length].float().cpu().numpy()
            places = answer.pred_boxes.float().cpu().numpy()
        if np.isnan(logits).any() or np.isnan(places).any():
            raise BackendError(
                f'{NEEDED_BY} answers what is no number in {self.where.dtype}; set dtype = "float32"'
            )
        looks = []
        for pair, logit, place in zip(pairs, logits, places, strict=True):
            shape = pair.frame.image.shape
            boxes = read(logit, place, pair.prompt.owner, shape[:2], min_score)
            looks.append(Look(pair.frame.sample, in_clip(boxes, shape, pair.frame.scale)))
        return looks


def read(
    logits: Float32[np.ndarray, "Q L"],
    places: Float32[np.ndarray, "Q 4"],
    owner: Sequence[int],
    size: tuple[int, ...],
    min_score: float,
) -> Boxes:
    """Return the boxes of an answer, in pixels: each with one name, by the word of it that fits best.

    Only words of names are read. (The published rule takes the best of all tokens, and calls a box by all the words
    above a second threshold, which need not be a name that was asked for.)

    Args:
        logits: how well each of Q boxes answers to each token; -inf behind the end.
        places: middle x, middle y, width and height, in pictures.
        owner: number of each token's name; -1 for none. May be shorter than the logits.
        size: height and width of the picture in pixels.
        min_score: boxes below are left out.
    """
    of_name = np.asarray(owner)
    kinds = np.unique(of_name[of_name >= 0])
    score = 1 / (1 + np.exp(-np.clip(logits[:, : len(of_name)].astype(np.float64), -60, 60)))
    by_name = np.stack([score[:, of_name == kind].max(1) for kind in kinds], axis=1)
    best = by_name.argmax(1)
    score = by_name[np.arange(len(by_name)), best]
    keep = score >= min_score
    middle, half = places[keep, :2].astype(np.float64), places[keep, 2:].astype(np.float64) / 2
    xyxy = np.concatenate([middle - half, middle + half], axis=1) * (size[1], size[0], size[1], size[0])
    return Boxes(xyxy, score[keep], kinds[best[keep]].astype(np.int64))


def tidy(names: Sequence[str]) -> tuple[str, ...]:
    """Return names in lower case, each once, without what the net takes for the end of a name."""
    words = (
        " ".join(name.lower().translate({ord(sign): " " for sign in DELIMITERS}).split()) for name in names
    )
    return tuple(dict.fromkeys(name for name in words if name))


def _pairs(frames: Iterator[Frame], prompts: Sequence[Prompt], net: Net) -> Iterator[Pair]:
    for frame in frames:
        pixels = net.pixels(frame)
        for prompt in prompts:
            yield Pair(frame, pixels, prompt)


@lru_cache(maxsize=1)
def _net(model: str, device: str, dtype: str, identity: str) -> Net:
    """Load a checkpoint once for all clips; ``identity`` is asked for so that a changed file is loaded anew."""
    library = huggingface.transformers(NEEDED_BY)
    where = huggingface.place(device, dtype, NEEDED_BY)
    folder = huggingface.checkpoint(model, NEEDED_BY)
    huggingface.expect(folder, KINDS, NEEDED_BY)
    # Pictures are prepared by the same code with and without torchvision, so that answers are the same.
    pictures = huggingface.processor(library.AutoImageProcessor, folder, NEEDED_BY, backend="pil")
    words = huggingface.processor(library.AutoTokenizer, folder, NEEDED_BY)
    make = library.AutoModelForZeroShotObjectDetection
    return Net(huggingface.load(make, folder, where, NEEDED_BY), pictures, words, where)
