"""The camera's score from poses in 3D (VGGT), over the maps and labels of ``lk_grid``.

Model: VGGT, about 1.26 billion parameters; only its aggregator and its camera head are built (1.1 billion). The net's
code is a package of its own, which is not on PyPI: ``pip install --no-deps git+https://github.com/facebookresearch/vggt``
(``--no-deps``: it pins old versions of PyTorch and numpy).
Weights: ``facebook/VGGT-1B`` (CC-BY-NC-4.0), ``facebook/VGGT-1B-Commercial`` (VGGT licence, no military use; on
request). A folder with ``config.json`` and ``model.safetensors`` (or ``model.pt``), or an id that was pulled.
Papers: Wang et al. 2025, arXiv:2503.11651; the score: FoundationMotion 3.1, and its code.
Memory: 4.5 GB for the weights in 32 bits, and 0.2 GB a picture on a GPU (VGGT's own table; 20 GB for a hundred).

Not run where Kinescribe was made: the published net, its package and its weights. The tests use a small stand-in with
the package's names, shapes and conventions.

FoundationMotion leaves out clips by s_m = mean dt + mean dr + 0.5 max dt + 0.5 max dr over a few pictures: dr is the
Frobenius norm of the difference of two rotation matrices, 2 sqrt(2) sin(angle / 2), and dt the length of the difference
of two extrinsic vectors t. That vector is not where the camera is: x_camera = R x + t puts the camera at -R^T t, and a
camera that turns on the spot changes t unless it stands in the world's origin. So dt is the way of the camera's centre
here (``form = "centre"``); ``"published"`` is the code to the letter. Lengths are in mean distances of what is seen
from the first camera, as VGGT was trained.

Poses of a few pictures give no map from pixel to pixel: ``to_scene``, labels, stretches and cuts are ``lk_grid``'s, and
the record's notes say so.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from kinescribe.backends.cameras._summary import SCORE_SAMPLES, Score
from kinescribe.backends.cameras.lk_grid import LkGrid
from kinescribe.backends.card import Card
from kinescribe.backends.nets import huggingface
from kinescribe.errors import BackendError, nearest
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import Frame, Frames

__all__ = ["Vggt"]

NAME = "cameras backend vggt"
FORMS = ("centre", "published")
SIDE = 518
"""Pictures are squeezed into a square of this side, whatever their shape (FoundationMotion's code; VGGT's own way is to
keep the shape and to cut)."""
WEIGHTS = (1.0, 1.0, 0.5, 0.5)
"""Of mean dt, mean dr, max dt, max dr: the code's; the paper leaves them open."""
UNUSED_HEADS = ("point_head", "depth_head", "track_head")
INSTALL = 'pip install --no-deps git+https://github.com/facebookresearch/vggt, next to pip install "kinescribe[vggt]"'


@dataclass(frozen=True)
class Vggt:
    """Score the camera by its poses in 3D."""

    model: str = ""
    """A folder, or an id that was pulled."""
    form: str = "centre"
    """``centre``: dt is the way of the camera's centre, and steps across a cut are left out. ``published``: dt is the
    change of the extrinsic vector, cuts count, and the camera head runs in the same numbers as the rest."""
    samples: int = SCORE_SAMPLES
    """Pictures, spread evenly over the clip. FoundationMotion's function has 8, as ``lk_grid``; its command line 4. An
    even pan scores the less, the more steps it is cut into: 0.3 is 8.1 degrees a step, 57 degrees with 8 pictures and
    24 with 4."""
    device: str = "auto"
    dtype: str = "auto"
    """Of the products (autocast); the weights stay in 32 bits, as in FoundationMotion's code."""
    geometry: Mapping[str, Any] = field(default_factory=dict)
    """Settings of ``lk_grid``."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="VGGT-1B (camera poses)",
        paper="Wang et al. 2025 (2503.11651)",
        licence="CC-BY-NC-4.0 (VGGT-1B); VGGT licence: commercial, not military use (VGGT-1B-Commercial, on request)",
        weights=("hf:facebook/VGGT-1B", "hf:facebook/VGGT-1B-Commercial"),
        memory="4.5 GB for the weights in 32 bits (1.1 billion parameters), 0.2 GB a picture (VGGT's README)",
        extra="vggt",
        gpu=True,
        run_here="neither the published weights nor the package vggt: a stand-in of its interface",
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype)
        if self.form not in FORMS:
            raise ValueError(f'form "{self.form}"{nearest(self.form, FORMS)}: expected {" or ".join(FORMS)}')
        if self.samples < 2:
            raise ValueError("samples must be at least 2")
        LkGrid(**self.geometry)

    def identity(self) -> str:
        """Name the packages, the checkpoint and the geometry's revision."""
        return f"{_version()} {huggingface.identity(self.model)} lk_grid/{LkGrid.revision}"

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
        """Measure a clip: the maps and words of ``lk_grid``, with the score of VGGT's poses.

        Raises:
            BackendError: a package or the checkpoint is missing, it is of another kind, or memory runs out.
        """
        geometry = LkGrid(**self.geometry)
        if len(frames) < 2:
            return geometry(clip, frames)
        net = _net(self.model, self.device, self.dtype, self.identity())
        picked = sampled(len(frames), self.samples)
        watched = _Watched(frames, frozenset(picked.tolist()))
        motion = geometry(clip, watched)
        pictures = np.stack([watched.pictures[sample] for sample in picked.tolist()])
        poses = net(pictures, exact=self.form == "centre")
        across = (
            _across(clip, motion, picked) if self.form == "centre" else np.zeros(len(picked) - 1, dtype=bool)
        )
        found = score(poses, self.form, across)
        place = "the camera's centre" if self.form == "centre" else "the extrinsic vector, as published"
        source = f"VGGT's ({len(picked)} pictures, dt of {place})"
        notes = [f"the camera's score is {source}; its maps, labels and cuts are lk_grid's"]
        if not np.isfinite(found.value):
            why = "each step goes across a cut" if across.all() else "the net's poses are not finite"
            notes.append(f"the camera's score is unknown: {why}")
        return replace(motion, score=found.value, terms=found.terms, notes=(*motion.notes, *notes))


# --- the score ----------------------------------------------------------------------------------------------


def sampled(total: int, wanted: int) -> Int[np.ndarray, "S"]:
    """Return which samples are looked at: all, or as many as wanted, from the first to the last, rounded down."""
    return np.arange(total) if total <= wanted else np.linspace(0, total - 1, wanted, dtype=np.int64)


def centres(extrinsics: Float[np.ndarray, "S 3 4"]) -> Float[np.ndarray, "S 3"]:
    """Return where cameras are: -R^T t, for x_camera = R x_world + t."""
    return -np.einsum("sij,si->sj", extrinsics[:, :, :3], extrinsics[:, :, 3])


def score(
    extrinsics: Float[np.ndarray, "S 3 4"], form: str = "centre", across: Bool[np.ndarray, "M"] | None = None
) -> Score:
    """Return FoundationMotion's score s_m of camera poses (its code, detect_camera_motion).

    Args:
        extrinsics: R and t, camera from world.
        form: whether dt is of the camera's ``centre`` or, as ``published``, of t.
        across: steps between neighbouring poses that are left out.

    Returns:
        The score and mean dt, mean dr, max dt, max dr; NaN where no step is left or a pose is not finite.
    """
    at = centres(extrinsics) if form == "centre" else extrinsics[:, :, 3]
    kept = np.ones(len(at) - 1, dtype=bool) if across is None else ~across
    dt = np.linalg.norm(np.diff(at, axis=0), axis=-1)[kept]
    dr = np.linalg.norm(np.diff(extrinsics[:, :, :3], axis=0), axis=(-2, -1))[kept]
    if not len(dt):
        return Score(float("nan"), np.full(4, np.nan))
    terms = np.array([dt.mean(), dr.mean(), dt.max(), dr.max()], dtype=np.float64)
    return Score(float(terms @ WEIGHTS), terms)


def _across(clip: Clip, motion: CameraMotion, picked: Int[np.ndarray, "S"]) -> Bool[np.ndarray, "M"]:
    """Return which steps go from one shot to another."""
    shot = np.searchsorted(np.asarray(motion.cuts_s, dtype=float), clip.times_s[picked] + 1e-6)
    return np.diff(shot) != 0


# --- pictures and net ---------------------------------------------------------------------------------------


class _Watched:
    """Frames that keep the pictures for the net while ``lk_grid`` goes through them: a clip is decoded once."""

    def __init__(self, frames: Frames, wanted: frozenset[int]) -> None:
        self.frames, self.wanted = frames, wanted
        self.pictures: dict[int, UInt8[np.ndarray, "518 518 3"]] = {}

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            if frame.sample in self.wanted:
                self.pictures[frame.sample] = squeezed(frame.image)
            yield frame


def squeezed(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "518 518 3"]:
    """Return a picture as a square, by Pillow's bicubic filter as in FoundationMotion's code."""
    pillow = importlib.import_module("PIL.Image")
    return np.asarray(pillow.fromarray(image).resize((SIDE, SIDE)), dtype=np.uint8)


class _Net(NamedTuple):
    model: Any
    decode: Any
    """``vggt.utils.pose_enc.pose_encoding_to_extri_intri``."""
    where: huggingface.Place

    def __call__(self, pictures: UInt8[np.ndarray, "S 518 518 3"], exact: bool) -> Float[np.ndarray, "S 3 4"]:
        """Return the poses of one scene's pictures.

        Args:
            pictures: RGB, in order of time: the first camera is the world's origin.
            exact: run the camera head in 32 bits, as VGGT's own forward pass does.
        """
        torch = huggingface.torch(NAME)
        try:
            with torch.inference_mode():
                pixels = torch.from_numpy(pictures).to(self.where.device).permute(0, 3, 1, 2).float() / 255
                with self._numbers(torch):
                    tokens, _ = self.model.aggregator(pixels[None])
                    if not exact:
                        encoding = self.model.camera_head(tokens)[-1]
                if exact:
                    # Newer versions keep only those layers that some head reads; the camera's is the last.
                    encoding = self.model.camera_head([tokens[-1].float()])[-1]
                extrinsics, _ = self.decode(encoding.float(), pixels.shape[-2:])
                return np.asarray(extrinsics[0].double().cpu().numpy())
        except RuntimeError as error:
            if not huggingface.out_of_memory(error):
                raise
            huggingface.free()
            raise BackendError(
                f"{NAME}: there is not enough memory for {len(pictures)} pictures of one clip at a time: set fewer "
                "samples, or another device"
            ) from error

    def _numbers(self, torch: Any) -> AbstractContextManager[Any]:
        kind = self.where.device.partition(":")[0]
        reduced = self.where.dtype != torch.float32
        return torch.autocast(kind, self.where.dtype if reduced else None, enabled=reduced)


def _version() -> str:
    """Return the installed version of the package vggt, which may lie on the path without saying one."""
    if importlib.util.find_spec("vggt") is None:
        return "no vggt"
    try:
        return f"vggt {metadata.version('vggt')}"
    except metadata.PackageNotFoundError:
        return "vggt"


def _package(module: str) -> Any:
    try:
        return importlib.import_module(f"vggt.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "vggt":
            raise BackendError(
                f'{NAME} needs the package "vggt", which is not installed: {INSTALL}'
            ) from error
        raise BackendError(
            f'{NAME}: the package "vggt" needs {error.name}: pip install {error.name}'
        ) from error
    except (ImportError, RuntimeError, OSError) as error:
        raise BackendError(f'{NAME}: the package "vggt" cannot be loaded: {error}; {INSTALL}') from error


@lru_cache(maxsize=1)
def _net(model: str, device: str, dtype: str, identity: str) -> _Net:
    """Load a checkpoint once for all clips; ``identity`` is asked for so that a changed file is loaded anew."""
    folder = huggingface.checkpoint(model, NAME)
    options = _options(folder)
    where = huggingface.place(device, dtype, NAME)
    make = _package("models.vggt").VGGT
    decode = _package("utils.pose_enc").pose_encoding_to_extri_intri
    known = inspect.signature(make.__init__).parameters
    heads = {f"enable_{head.partition('_')[0]}": False for head in UNUSED_HEADS}
    net = make(**{name: value for name, value in (options | heads).items() if name in known})
    for head in UNUSED_HEADS:  # versions before July 2025 always build them
        setattr(net, head, None)
    _fill(net, folder)
    try:
        return _Net(net.to(where.device).eval(), decode, where)
    except RuntimeError as error:
        raise BackendError(f"{NAME}: {folder} does not fit on {where.device}: {error}") from error


def _options(folder: Path) -> dict[str, Any]:
    """Return the settings of a checkpoint's net."""
    try:
        options = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = options.get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise BackendError(f"{NAME}: {folder / 'config.json'} cannot be read: {error!r}") from error
    if kind is not None:  # VGGT's names none
        raise BackendError(f"{NAME} needs a checkpoint of VGGT; {folder} is of {kind}")
    return dict(options)


def _fill(net: Any, folder: Path) -> None:
    """Put a checkpoint's weights into a net.

    ``VGGT.from_pretrained`` is not used: it takes what fits and leaves the rest at random.
    """
    safe, pickled = folder / "model.safetensors", folder / "model.pt"
    try:
        if safe.is_file():
            weights = importlib.import_module("safetensors.torch").load_file(safe)
        elif pickled.is_file():
            weights = huggingface.torch(NAME).load(pickled, map_location="cpu", weights_only=True)
        else:
            raise BackendError(f"{NAME}: {folder} has neither model.safetensors nor model.pt: fetch it again")
        lost = sorted(set(net.state_dict()) - set(weights))
        if not lost:
            net.load_state_dict(weights, strict=False)
    except BackendError:
        raise
    except Exception as error:
        told = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise BackendError(
            f"{NAME}: {folder} cannot be loaded: {told}; fetch the checkpoint again"
        ) from error
    if lost:
        raise BackendError(
            f"{NAME}: {folder} lacks {len(lost)} of the net's weights ({lost[0]}, ...); it is cut off or of another "
            "model: fetch it again"
        )
