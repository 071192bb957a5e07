"""Depth from single pictures: Depth Anything, its metric variants, DPT, ZoeDepth, GLPN and Depth Pro, by transformers.

Weights: any checkpoint of these architectures, for example
``depth-anything/Depth-Anything-V2-Small-hf`` (relative, Apache-2.0; Base and Large: CC-BY-NC-4.0),
``depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf`` and ``...-Outdoor-...`` (metres, Apache-2.0),
``Intel/dpt-large`` (relative, Apache-2.0), ``Intel/zoedepth-nyu-kitti`` (metres, MIT), ``apple/DepthPro-hf`` (metres,
Apple's research licence; needs torchvision).
Papers: Yang et al. 2024, arXiv:2401.10891 and 2406.09414; Ranftl et al. 2021, arXiv:2103.13413; Bhat et al. 2023,
arXiv:2302.12288; Kim et al. 2022, arXiv:2201.07436; Bochkovskii et al. 2024, arXiv:2410.02073.
Memory: 25 million parameters (V2 Small) to 950 million (Depth Pro): 0.1 to 4 GB in 32 bits, and the pictures'.
None of the published weights was run where Kinescribe was made: tests use tiny random checkpoints of these classes.

What is in metres is the checkpoint's business, not the architecture's: a net trained on rooms says metres of rooms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from kinescribe.backends import DepthMap, DepthMaps
from kinescribe.backends.card import Card
from kinescribe.backends.nets import huggingface
from kinescribe.records import Clip
from kinescribe.video import Frame

__all__ = ["HuggingFaceDepth"]

NAME = "depth backend hf"
ALWAYS_METRIC = ("depth_pro", "glpn", "zoedepth")
"""Architectures all of whose checkpoints give metres."""
KINDS = ("depth_anything", "dpt", *ALWAYS_METRIC)
METRIC_DPT = ("nyu", "kitti")
"""In the name of a DPT checkpoint: its head was trained on that data set's metres (``facebook/dpt-dinov2-...-nyu``)."""
UNUSED = ("neck.fusion_stage.layers.0.residual_layer1.*",)
"""Of DPT: the first stage has nothing to add to, so its published files (``Intel/dpt-large``) lack these."""
MAP_SIDE_PX = 512
"""Longer side of the maps: about what these nets look at (518 pixels; 384; 1536), finer ones hold no more."""
NEAREST_M = 0.05
"""Nothing is nearer: it would be in the lens."""
CANONICAL, PADDED = "depth_pro", "zoedepth"
"""The one that answers with inverse depth for a lens of its own; the one whose pictures get a frame of padding ..."""
PADDING = 3.0
"""... of so many times the square root of half the side (ZoeDepth's own code, which its processor follows)."""


@dataclass(frozen=True)
class HuggingFaceDepth:
    """Inverse depth of every picture: in 1/m from metric checkpoints, else up to a scale and a shift per picture."""

    model: str = ""
    """A folder, or an id that was pulled."""
    metric: bool | None = None
    """Whether the net gives metres; None takes what the checkpoint says. A relative net's answers are taken for inverse
    depth, a metric one's for depth (Depth Pro's are inverse either way)."""
    device: str = "auto"
    dtype: str = "auto"
    batch: int = 8
    """Pictures at a time; halved where memory runs out."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="Depth Anything V1/V2 (relative or metric), DPT, ZoeDepth, GLPN, Depth Pro",
        paper="Yang et al. 2024 (2406.09414), Ranftl et al. 2021 (2103.13413), Bhat et al. 2023 (2302.12288), "
        "Kim et al. 2022 (2201.07436), Bochkovskii et al. 2024 (2410.02073)",
        licence="Apache-2.0 (V2 Small, its metric variants, DPT), CC-BY-NC-4.0 (V2 Base, Large), MIT (ZoeDepth), "
        "Apple's research licence (Depth Pro)",
        weights=(
            "hf:depth-anything/Depth-Anything-V2-Small-hf",
            "hf:depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf",
            "hf:depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf",
            "hf:Intel/dpt-large",
            "hf:Intel/zoedepth-nyu-kitti",
            "hf:apple/DepthPro-hf",
        ),
        memory="0.1 GB (V2 Small) to 4 GB (Depth Pro) for the weights in 32 bits, by their number of parameters",
        extra="hf",
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype, self.batch)

    def identity(self) -> str:
        """Name the packages and the checkpoint."""
        return huggingface.identity(self.model)

    def __call__(self, clip: Clip, frames: Iterable[Frame]) -> DepthMaps:
        """Look at pictures, as many at a time as fit.

        Raises:
            BackendError: a package or the checkpoint is missing, or it is of another kind.
        """
        folder = huggingface.checkpoint(self.model, NAME)
        huggingface.expect(folder, KINDS, NAME)
        net = _Net.load(folder, self)
        notes: list[str] = []
        return DepthMaps(net.metric, self._maps(net, frames, notes), notes)

    def _maps(self, net: _Net, frames: Iterable[Frame], notes: list[str]) -> Iterator[DepthMap]:
        def run(batch: list[Frame]) -> list[DepthMap]:
            answers = net([frame.image for frame in batch])
            return [DepthMap(frame.sample, found) for frame, found in zip(batch, answers, strict=True)]

        yield from huggingface.batches(frames, self.batch, run, notes.append, NAME)


def is_metric(folder: Path, model: str) -> bool:
    """Return whether a checkpoint gives metres, by its ``config.json``, and by its name where that does not tell."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config["model_type"] == CANONICAL:
        return bool(config.get("use_fov_model", False))  # else nobody knows the lens
    if config["model_type"] in ALWAYS_METRIC:
        return True
    if config["model_type"] == "dpt":
        names = f"{model} {config.get('_name_or_path', '')}".lower()
        return any(word in names for word in METRIC_DPT)
    return bool(config.get("depth_estimation_type") == "metric")


@dataclass(frozen=True)
class _Net:
    """A checkpoint that was loaded."""

    model: Any
    processor: Any
    where: huggingface.Place
    metric: bool
    kind: str
    """Its ``model_type``."""

    @classmethod
    def load(cls, folder: Path, settings: HuggingFaceDepth) -> _Net:
        kind = huggingface.architecture(folder, NAME)
        library = huggingface.transformers(NAME, torchvision=kind == CANONICAL)
        where = huggingface.place(settings.device, settings.dtype, NAME)
        told = is_metric(folder, settings.model) if settings.metric is None else settings.metric
        processor = huggingface.processor(library.AutoImageProcessor, folder, NAME)
        model = huggingface.load(library.AutoModelForDepthEstimation, folder, where, NAME, UNUSED)
        return cls(model, processor, where, told, kind)

    def __call__(self, images: Sequence[np.ndarray]) -> list[Float[np.ndarray, "h w"]]:
        """Return the nearness of pictures of one size."""
        torch = huggingface.torch(NAME)
        height, width = images[0].shape[:2]
        pixels = self.processor(images=list(images), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            outputs = self.model(pixels.to(self.where.device, self.where.dtype))
            answers = outputs.predicted_depth.float()
            if self.kind == CANONICAL:
                answers = _in_metres(answers, outputs.field_of_view)
            elif self.metric:
                answers = 1 / answers.clamp(min=NEAREST_M)
            if self.kind == PADDED and getattr(self.processor, "do_pad", True):
                answers = _without_padding(answers, height, width)
            shrunk = min(1.0, MAP_SIDE_PX / max(height, width))
            size = (max(1, round(height * shrunk)), max(1, round(width * shrunk)))
            return list(_resized(answers, size).cpu().numpy())


def _resized(answers: Any, size: tuple[int, int]) -> Any:
    """Return maps in another size. Bilinear: nothing overshoots at edges."""
    torch = huggingface.torch(NAME)
    return torch.nn.functional.interpolate(
        answers[:, None], size=size, mode="bilinear", align_corners=False, antialias=False
    )[:, 0]


def _without_padding(answers: Any, height: int, width: int) -> Any:
    """Return ZoeDepth's maps of the pictures without the frame that its processor puts round them (Bhat et al.)."""
    down, across = (int(np.sqrt(side / 2) * PADDING) for side in (height, width))
    wide = _resized(answers, (height + 2 * down, width + 2 * across))
    return wide[:, down : down + height, across : across + width]


def _in_metres(answers: Any, field_of_view_deg: Any) -> Any:
    """Return Depth Pro's inverse depth in 1/m: it answers for a lens as long as the picture is wide (its eq. 1)."""
    if field_of_view_deg is None:
        return answers
    torch = huggingface.torch(NAME)
    half = torch.deg2rad(field_of_view_deg.float()).reshape(-1, 1, 1) / 2
    return answers * 2 * torch.tan(half)
