"""Checkpoints in the layout of the Hugging Face Hub, on PyTorch: found, checked, loaded, run in batches.

A checkpoint is a folder (``config.json`` and safetensors), or the id of one that ``kinescribe models pull hf:ID`` has
fetched. Loading never touches the network. PyTorch and transformers come with ``kinescribe[hf]``.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import lru_cache
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from kinescribe import checkpoints
from kinescribe.errors import BackendError, nearest

T = TypeVar("T")
R = TypeVar("R")

EXTRA = 'pip install "kinescribe[hf]"'
DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = ("auto", "float32", "bfloat16", "float16")
_HEAD = 1 << 20
"""Bytes of a file of weights that its checksum reads: safetensors begin with the names and shapes of all tensors."""
_TORCHVISION = (
    "torchvision, which must fit the installed PyTorch (its wheels on PyPI are CUDA builds: next to a CPU build of "
    "PyTorch they break it; see docs/install.md)"
)


class Place(NamedTuple):
    """Where a model runs, and in which numbers."""

    device: str
    dtype: Any
    """A ``torch.dtype``."""


def check_choice(device: str, dtype: str, batch: int = 1) -> None:
    """Raise ValueError unless the settings that all backends on PyTorch share are possible."""
    if device.partition(":")[0] not in DEVICES:
        raise ValueError(f'device "{device}": expected one of {", ".join(DEVICES)}, or cuda:1')
    if dtype not in DTYPES:
        raise ValueError(f'dtype "{dtype}"{nearest(dtype, DTYPES)}: expected one of {", ".join(DTYPES)}')
    if batch < 1:
        raise ValueError("batch must be at least 1")


def torch(needed_by: str) -> Any:
    """Return the module ``torch``.

    Raises:
        BackendError: it is not installed, or broken.
    """
    return _module("torch", needed_by)


def transformers(needed_by: str, torchvision: bool = False) -> Any:
    """Return the module ``transformers``.

    Args:
        needed_by: which backend asks, for the message.
        torchvision: whether its processors need torchvision.

    Raises:
        BackendError: a package is not installed, or broken.
    """
    torch(needed_by)
    if torchvision:
        _module("torchvision", needed_by, f"install {_TORCHVISION}")
    return _module("transformers", needed_by)


def _module(name: str, needed_by: str, remedy: str = EXTRA) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise BackendError(
                f'{needed_by}: the package "{name}" cannot be loaded: {error}; {remedy}'
            ) from error
        raise BackendError(
            f'{needed_by} needs the package "{name}", which is not installed: {remedy}'
        ) from error
    except (ImportError, RuntimeError, OSError) as error:  # a torchvision that does not fit breaks torch
        raise BackendError(
            f'{needed_by}: the package "{name}" cannot be loaded: {error}; {remedy}'
        ) from error


def place(device: str, dtype: str, needed_by: str) -> Place:
    """Return where to run: what is asked for, or the best there is.

    Raises:
        BackendError: there is no such device here.
    """
    pt = torch(needed_by)
    there = {"cuda": pt.cuda.is_available(), "mps": pt.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name, found in there.items() if found)
    if not there[device.partition(":")[0]]:
        raise BackendError(f'{needed_by}: this machine has no {device} device; set device = "cpu" or "auto"')
    if dtype == "auto":
        dtype = "bfloat16" if device.startswith("cuda") else "float32"
    return Place(device, getattr(pt, dtype))


# --- checkpoints on disk ---


def checkpoint(model: str, needed_by: str) -> Path:
    """Return the folder of a checkpoint: a folder, or one that was pulled from the Hub.

    Raises:
        BackendError: there is none, or it is no checkpoint.
    """
    if not model:
        raise BackendError(
            f'{needed_by}: set model, e.g. to a folder with a config.json, or to an id ("org/name")'
        )
    model = model.removeprefix("hf:")  # as models of other stages are named
    local = Path(model).expanduser()
    folder = local if local.is_dir() else checkpoints.find(model)
    if folder is None:
        looks_like_id = model.count("/") == 1 and not model.startswith((".", "/", "~"))
        remedy = (
            f"run `kinescribe models pull hf:{model}`, or name a folder" if looks_like_id else "name a folder"
        )
        raise BackendError(f'{needed_by}: there is no checkpoint "{model}" on this machine; {remedy}')
    if not (folder / "config.json").is_file():
        raise BackendError(f"{needed_by}: {folder} is no checkpoint: it has no config.json")
    return folder


def architecture(folder: Path, needed_by: str) -> str:
    """Return the ``model_type`` of a checkpoint.

    Raises:
        BackendError: its ``config.json`` is not one.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendError(f"{needed_by}: {folder / 'config.json'} names no model_type: {error!r}") from error


def expect(folder: Path, kinds: Sequence[str], needed_by: str) -> str:
    """Return a checkpoint's architecture.

    Raises:
        BackendError: it is none of ``kinds``.
    """
    found = architecture(folder, needed_by)
    if found not in kinds:
        raise BackendError(f"{needed_by} needs a checkpoint of {' or '.join(kinds)}; {folder} is of {found}")
    return found


def identity(model: str, *packages: str) -> str:
    """Name what answers depend on: versions, and a checksum of the checkpoint, or what is missing."""
    try:
        versions = " ".join(
            f"{name} {metadata.version(name)}" for name in ("torch", "transformers", *packages)
        )
    except metadata.PackageNotFoundError as error:
        return f"no {error.name}"
    try:
        return f"{versions} {_checksum(checkpoint(model, 'identity'))}"
    except (BackendError, OSError):
        return "no checkpoint"


def _checksum(folder: Path) -> str:
    files = sorted(
        f for f in folder.rglob("*") if f.is_file() and f.suffix in (".json", ".safetensors", ".bin", ".pt")
    )
    return _checksum_of(tuple((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files), str(folder))


@lru_cache(maxsize=64)
def _checksum_of(files: tuple[tuple[str, int, int], ...], folder: str) -> str:
    """Return a checksum of names, sizes and the heads and tails of files: whole ones are gigabytes."""
    found = hashlib.sha256()
    for name, size, _ in files:
        found.update(f"{os.path.relpath(name, folder)} {size}\n".encode())
        with Path(name).open("rb") as stream:
            found.update(stream.read(_HEAD))
            if size > 2 * _HEAD:
                stream.seek(-_HEAD, os.SEEK_END)
                found.update(stream.read(_HEAD))
    return found.hexdigest()[:16]


# --- loading and running ---


def load(
    make: Any, folder: Path, where: Place, needed_by: str, unused: Sequence[str] = (), **options: Any
) -> Any:
    """Return a model with a checkpoint's weights, ready to run.

    Args:
        make: a class of transformers with ``from_pretrained``.
        folder: the checkpoint.
        where: device and numbers.
        needed_by: which backend asks, for the message.
        unused: patterns of weights that the class has and never uses, so that published checkpoints lack them.

    Raises:
        BackendError: the weights are missing, cut off, or of another architecture, or do not fit into memory.
    """
    try:
        with _quiet():
            model, report = make.from_pretrained(
                folder, local_files_only=True, dtype=where.dtype, output_loading_info=True, **options
            )
    except Exception as error:
        remedy = "install it" if isinstance(error, ImportError) else "fetch the checkpoint again"
        raise BackendError(
            f"{needed_by}: {folder} cannot be loaded: {_first_line(error)}; {remedy}"
        ) from error
    missing = (key for key in report["missing_keys"] if not any(fnmatch(key, one) for one in unused))
    lost = sorted(missing) + sorted(str(key) for key in report["mismatched_keys"])
    if lost:  # transformers would go on with random numbers
        raise BackendError(
            f"{needed_by}: {folder} lacks {len(lost)} of the model's weights ({lost[0]}, ...); it is cut off or of "
            "another model: fetch it again"
        )
    try:
        return model.to(where.device).eval()
    except RuntimeError as error:
        raise BackendError(
            f"{needed_by}: {folder} does not fit on {where.device}: {_first_line(error)}"
        ) from error


def processor(make: Any, folder: Path, needed_by: str, **options: Any) -> Any:
    """Return a checkpoint's processor; BackendError if its files are missing or of another kind."""
    try:
        with _quiet():
            return make.from_pretrained(folder, local_files_only=True, **options)
    except Exception as error:
        remedy = f"install {_TORCHVISION}" if "orchvision" in str(error) else "fetch the checkpoint again"
        raise BackendError(
            f"{needed_by}: {folder} has no processor that can be loaded: {_first_line(error)}; {remedy}"
        ) from error


def batches(
    items: Iterable[T],
    size: int,
    run: Callable[[list[T]], Sequence[R]],
    note: Callable[[str], None],
    needed_by: str,
) -> Iterator[R]:
    """Yield what a model makes of items, so many at a time, in their order.

    Where memory runs out the batch is halved, for good, and ``note`` is told once for each halving.

    Raises:
        BackendError: there is not even memory for one.
    """
    waiting: list[T] = []
    source = iter(items)
    while True:
        waiting += islice(source, max(0, size - len(waiting)))
        if not waiting:
            return
        batch = waiting[:size]
        try:
            found = run(batch)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if len(batch) == 1:
                raise BackendError(
                    f"{needed_by}: there is not enough memory for a single picture: {_first_line(error)}; take a "
                    "smaller model or smaller pictures (ingest.max_side), or another device"
                ) from error
            size = max(1, len(batch) // 2)
            note(f"{needed_by}: out of memory with {len(batch)} pictures at a time, so {size} from now on")
            del error
            free()
            continue
        assert len(found) == len(batch), "an answer for each item"
        yield from found
        waiting = waiting[len(batch) :]


def free() -> None:
    """Give back what nobody uses any more."""
    gc.collect()
    pt = importlib.import_module("torch")
    if pt.cuda.is_available():
        pt.cuda.empty_cache()


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    told = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in told or "can't allocate memory" in told


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars and advice of the loading library off the terminal, and the library off the network.

    What matters of its advice is checked above. A config that names its backbone by an id would ask the Hub for it.
    """
    hub: Any = importlib.import_module("huggingface_hub.constants")
    library = importlib.import_module("transformers.utils.logging")
    level, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity_error()
    library.disable_progress_bar()
    offline, hub.HF_HUB_OFFLINE = hub.HF_HUB_OFFLINE, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        hub.HF_HUB_OFFLINE = offline
        library.set_verbosity(level)
        if bars:
            library.enable_progress_bar()
