"""ONNX files on onnxruntime, one thread each: a run's workers are processes, and each has one core."""

from __future__ import annotations

from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Any

from kinescribe import weights
from kinescribe.errors import BackendError


def open_session(file: Path, needed_by: str, extra: str) -> Any:
    """Return an ``onnxruntime.InferenceSession`` on the CPU.

    Args:
        file: the ONNX file.
        needed_by: which backend asks, for the message.
        extra: of Kinescribe, which brings the package.

    Raises:
        BackendError: onnxruntime is not installed, or cannot read the file.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise BackendError(
            f'{needed_by} needs the package "onnxruntime", which is not installed: pip install "kinescribe[{extra}]"'
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # warnings about how the file was exported help nobody here
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BackendError(f"{file} cannot be read as an ONNX model: {error}") from error


def split_spec(spec: str, kinds: Collection[str], example: str) -> tuple[str, str]:
    """Return the kind and the file of a ``KIND:FILE``.

    Raises:
        ValueError: it is not of this form, or of no such kind.
    """
    kind, colon, file = spec.partition(":")
    if not colon or not file or kind not in kinds:
        raise ValueError(
            f'model "{spec}": expected {"|".join(kinds)}, a colon and a file, an address or a name, e.g. {example}'
        )
    return kind, file


def identity_of(spec: str) -> str:
    """Name what answers depend on: onnxruntime's version and the checksum of the file, or what is missing."""
    try:
        version = metadata.version("onnxruntime")
        file = weights.find(spec.partition(":")[2])
        return f"onnxruntime {version} {weights.sha256_of(file)}"
    except metadata.PackageNotFoundError:
        return "no onnxruntime"
    except (BackendError, OSError):
        return "no file"
