"""Checkpoints that ``kinescribe models pull hf:ORG/NAME`` fetches from the Hugging Face Hub, and where they lie.

They go into the Hub's own cache (``HF_HOME``), in its layout, so that every program that knows it finds them. What is
asked and how it is authorised is ``huggingface_hub``'s (``kinescribe[hf]``). The large files are received here, for two
reasons: a download that was cut off goes on where it stopped, also in another process (of what ``huggingface_hub``
receives itself nothing is kept), and each file is checked against the sha256 that the Hub states before it is put in
place. Only what loading needs is fetched, and no weights but safetensors: other formats can hold programs.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from kinescribe import weights
from kinescribe.errors import BackendError

PREFIX = "hf:"
TAKEN = ("*.json", "*.txt", "*.jinja", "*.model", "LICENSE*", "LICENCE*", "NOTICE*")
"""Settings, vocabularies, chat templates and terms of a checkpoint, at its root; weights come on top."""

_SPEC = re.compile(r"(?:hf:)?(?P<id>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>(?!.*\.\.)\w[\w./-]*))?")
_CHUNK = 1 << 20
_TIMEOUT_S = 30.0
_RETRIES = 3
"""Times that a cut connection is made again without a byte having come in between."""
_WAIT_S = 1.0
"""Before the first of them; each further one waits twice as long."""
_SPARE_BYTES = 100_000_000
"""Room that is left on the disk: small files, and what others write meanwhile."""


class File(NamedTuple):
    """A file of a checkpoint, as the Hub states it."""

    name: str
    size_bytes: int
    sha256: str
    """Of a large file; empty for one that git itself holds."""
    git_sha1: str
    """Of a small file: git's name for its content."""


class Listing(NamedTuple):
    """What is to be fetched."""

    id: str
    commit: str
    licence: str
    files: tuple[File, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class Received(NamedTuple):
    """How far a download is."""

    name: str
    done_bytes: int
    total_bytes: int


class Pulled(NamedTuple):
    """A checkpoint that is in place, every file as the Hub states it."""

    id: str
    folder: Path
    commit: str
    licence: str
    size_bytes: int
    fetched_bytes: int
    """Of the large files, by this call."""


def is_checkpoint(name: str) -> bool:
    """Return whether a name is meant as a checkpoint of the Hub (``hf:...``)."""
    return name.startswith(PREFIX)


def offline() -> bool:
    """Return whether the network is off limits: ``KINESCRIBE_OFFLINE=1`` or ``HF_HUB_OFFLINE=1``."""
    return weights.offline() or weights.is_set("HF_HUB_OFFLINE") or weights.is_set("TRANSFORMERS_OFFLINE")


def find(model: str) -> Path | None:
    """Return the folder of a checkpoint that was pulled (``ORG/NAME`` or ``ORG/NAME@REVISION``), or None.

    Never touches the network.
    """
    match = _SPEC.fullmatch(model)
    if match is None:
        return None
    try:
        hub = importlib.import_module("huggingface_hub")
        found = hub.try_to_load_from_cache(match["id"], "config.json", revision=match["revision"])
    except (ModuleNotFoundError, OSError, ValueError):
        return None
    return Path(found).parent if isinstance(found, str) else None


def in_place(model: str) -> bool:
    """Return whether a checkpoint was pulled, with weights."""
    folder = find(model)
    return folder is not None and any(folder.glob("*.safetensors"))


def there(model: str) -> bool:
    """Return whether a checkpoint that a setting names, by its folder or by its id, is on this machine."""
    folder = Path(model).expanduser()
    return (folder / "config.json").is_file() if folder.is_dir() else in_place(model)


def pull(
    spec: str,
    say: Callable[[str], None] = lambda message: None,
    progress: Callable[[Received], None] = lambda received: None,
) -> Pulled:
    """Fetch a checkpoint, or what of it is missing or damaged.

    Args:
        spec: ``hf:ORG/NAME``, with ``@REVISION`` for a branch, a tag or a commit.
        say: told what is fetched, and under which licence, one line at a time.
        progress: told how far the large files are.

    Raises:
        BackendError: no such checkpoint, no access, no safetensors, no network, no room, or a file that is not what
            the Hub states. What was received and is whole is kept.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise BackendError(f'"{spec}" names no checkpoint: expected hf:ORG/NAME or hf:ORG/NAME@REVISION')
    if offline():
        raise BackendError(
            f"{spec} is not fetched: KINESCRIBE_OFFLINE or HF_HUB_OFFLINE is set; unset it to go on the network"
        )
    hub = _hub(spec)
    with _errors_in_plain_words(spec, hub), _quiet(hub):
        listing = _listing(hub, match["id"], match["revision"])
        say(f"{listing.id}: {_size(listing.size_bytes)} in {len(listing.files)} files, {listing.licence}")
        home = Path(hub.constants.HF_HUB_CACHE) / f"models--{listing.id.replace('/', '--')}"
        fetched = _receive_all(hub, listing, home, say, progress)
        folder = _put_in_place(hub, listing, match["revision"])
    return Pulled(listing.id, folder, listing.commit, listing.licence, listing.size_bytes, fetched)


def _hub(spec: str) -> Any:
    try:
        hub = importlib.import_module("huggingface_hub")
    except ModuleNotFoundError as error:
        raise BackendError(
            f'{spec}: fetching a checkpoint needs the package "{error.name}", which is not installed: '
            'pip install "kinescribe[hf]"'
        ) from error
    for part in ("constants", "errors", "utils"):
        importlib.import_module(f"huggingface_hub.{part}")
    return hub


# --- what there is ---


def _listing(hub: Any, name: str, revision: str | None) -> Listing:
    info = hub.HfApi().model_info(name, revision=revision, files_metadata=True)
    stated = {file.rfilename: file for file in info.siblings or []}
    files = tuple(_file(stated[name]) for name in wanted(stated))
    if not any(file.name.endswith(".safetensors") for file in files):
        raise BackendError(
            f"{name} has no safetensors, and other weights can hold programs: choose another revision or checkpoint"
        )
    if "config.json" not in stated:
        raise BackendError(f"{name} is no checkpoint for transformers: it has no config.json")
    return Listing(name, str(info.sha), _licence(info), files)


def wanted(names: Iterable[str]) -> list[str]:
    """Return which files of a checkpoint loading needs: those of its root, and one set of safetensors."""
    root = sorted(name for name in names if "/" not in name and "\\" not in name)
    weights_there = [name for name in root if name.endswith(".safetensors")]
    if "model.safetensors" in weights_there:
        chosen = ["model.safetensors"]
    elif "model.safetensors.index.json" in root:
        chosen = [name for name in weights_there if fnmatchcase(name, "model-*-of-*.safetensors")]
    else:
        chosen = weights_there
    rest = [name for name in root if any(fnmatchcase(name, pattern) for pattern in TAKEN)]
    return rest + chosen


def _file(stated: Any) -> File:
    size = stated.lfs.size if stated.lfs is not None else stated.size
    sha256 = "" if stated.lfs is None else str(stated.lfs.sha256).lower()
    if not isinstance(size, int) or (sha256 and not re.fullmatch("[0-9a-f]{64}", sha256)):
        raise BackendError(f"the Hub states no size or checksum of {stated.rfilename}; try again later")
    return File(stated.rfilename, size, sha256, str(stated.blob_id or ""))


def _licence(info: Any) -> str:
    card = info.card_data
    told = [card.get(key) for key in ("license", "license_name", "license_link")] if card else []
    tags = [tag.removeprefix("license:") for tag in info.tags or [] if tag.startswith("license:")]
    words = [_printable(word) for word in told if isinstance(word, str)] or [_printable(tag) for tag in tags]
    page = f"https://huggingface.co/{info.id}"
    return f"licence {' '.join(words)}" if words else f"no licence stated: see {page} before you use it"


def _printable(text: str) -> str:
    """Return a stranger's word as it may stand on a terminal."""
    return "".join(char for char in text if char.isprintable())[:200]


# --- large files ---


def _receive_all(
    hub: Any,
    listing: Listing,
    home: Path,
    say: Callable[[str], None],
    progress: Callable[[Received], None],
) -> int:
    """Put the large files into the cache, and return how many bytes were received."""
    large = {file.sha256: file for file in listing.files if file.sha256}
    missing = [file for file in large.values() if not _whole(home, file)]
    parts = {file.name: _part(home, file) for file in missing}
    have = sum(_length(part) for part in parts.values())
    total = sum(file.size_bytes for file in missing)
    _demand_room(home, total - have + _SPARE_BYTES)
    if have:
        say(f"going on with what is there: {_size(have)} of {_size(total)}")
    before = 0
    for file in missing:
        start = before

        def told(done: int, name: str = file.name, start: int = start) -> None:
            progress(Received(name, start + done, total))

        _receive(hub, listing, file, home, told)
        before += file.size_bytes
    return total - have


def _receive(hub: Any, listing: Listing, file: File, home: Path, told: Callable[[int], None]) -> None:
    """Receive one file, check it, and put it among the cache's blobs under its checksum."""
    part, lock = _part(home, file), home.parent / ".locks" / home.name / f"{file.sha256}.lock"
    part.parent.mkdir(parents=True, exist_ok=True)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with hub.utils.WeakFileLock(lock):
        if (home / "blobs" / file.sha256).exists():  # another process was faster
            return
        url = hub.hf_hub_url(listing.id, file.name, revision=listing.commit)
        _complete(hub, url, part, file.size_bytes, told)
        found = weights.sha256_of(part)
        if found != file.sha256:
            part.unlink()
            raise BackendError(
                f"{listing.id}/{file.name} has the sha256 {found}, but the Hub states {file.sha256}. It was not kept; "
                "run the command again"
            )
        os.replace(part, home / "blobs" / file.sha256)


def _complete(hub: Any, url: str, part: Path, size: int, told: Callable[[int], None]) -> None:
    """Add to a part what is missing of it, over as many connections as it takes."""
    failures = 0
    if _length(part) > size:
        part.unlink()
    while (have := _length(part)) < size:
        try:
            _append(hub, url, part, size, told)
            problem: Exception = ConnectionError(
                f"the connection ended after {_length(part)} of {size} bytes"
            )
        except hub.errors.HfHubHTTPError:
            raise
        except hub.errors.HTTPError as error:
            problem = error
        if _length(part) >= size:
            break
        failures = 1 if _length(part) > have else failures + 1
        if failures > _RETRIES:
            raise problem
        time.sleep(_WAIT_S * 2 ** (failures - 1))
    if not size:
        part.touch()


def _append(hub: Any, url: str, part: Path, size: int, told: Callable[[int], None]) -> None:
    have = _length(part)
    headers = {**hub.utils.build_hf_headers(), "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with hub.utils.get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT_S) as answer:
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # it is of another file
            return
        hub.utils.hf_raise_for_status(answer)
        goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        with part.open("ab" if goes_on else "wb") as stream:
            have = stream.tell()
            told(have)
            for chunk in answer.iter_bytes():  # as they come: what is received before a cut is kept
                stream.write(chunk[: size - have])
                have = stream.tell()
                told(have)
                if have >= size:
                    break


def _whole(home: Path, file: File) -> bool:
    """Return whether a large file is in the cache and what the Hub states; a damaged one is removed."""
    blob = home / "blobs" / file.sha256
    if not blob.exists():
        return False
    if blob.stat().st_size == file.size_bytes and weights.sha256_of(blob) == file.sha256:
        return True
    blob.unlink()
    return False


def _part(home: Path, file: File) -> Path:
    return home / "blobs" / f"{file.sha256}.kinescribe.part"


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _demand_room(home: Path, needed: int) -> None:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise BackendError(
            f"{_size(needed)} are needed in {home.parent}, and {_size(free)} are free: make room, or set HF_HOME to "
            "a folder on another disk. Nothing was fetched"
        )


# --- in place ---


def _put_in_place(hub: Any, listing: Listing, revision: str | None) -> Path:
    """Fetch the small files and make the folder; return it once every file is there and as stated."""
    names = [file.name for file in listing.files]
    folder = Path(hub.snapshot_download(listing.id, revision=revision, allow_patterns=names, max_workers=4))
    if folder.name != listing.commit:
        raise BackendError(f"{listing.id} was changed meanwhile: run the command again")
    for file in listing.files:
        problem = _wrong(folder / file.name, file)
        if problem:
            _remove(folder / file.name)
            raise BackendError(f"{listing.id}/{file.name} {problem}. It was not kept; run the command again")
    return folder


def _wrong(path: Path, file: File) -> str:
    """Return what is wrong with a file in place; a large one was checked when it was received."""
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != file.size_bytes:
        return f"has {path.stat().st_size} bytes, but the Hub states {file.size_bytes}"
    if file.sha256:
        blob = path.resolve()
        known = blob.name == file.sha256  # elsewhere than in the cache's blobs: a system without links
        return "" if known or weights.sha256_of(blob) == file.sha256 else "is not what the Hub states"
    content = path.read_bytes()
    named = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return "" if file.git_sha1 in ("", named) else "is not what the Hub states"


def _remove(path: Path) -> None:
    for each in (path.resolve(), path):
        with suppress(OSError):
            each.unlink()


# --- words ---


@contextmanager
def _errors_in_plain_words(spec: str, hub: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        remedy = _remedy(spec.removeprefix(PREFIX), error, hub)
        if isinstance(error, BackendError) or not remedy:
            raise
        raise BackendError(f"{spec}: {remedy}") from error


def _remedy(model: str, error: Exception, hub: Any) -> str:
    """Return what went wrong and what to do; empty where it is none of the things that happen."""
    name, kinds = model.partition("@")[0], hub.errors
    status = error.response.status_code if isinstance(error, kinds.HfHubHTTPError) else 0
    stranger = status == HTTPStatus.UNAUTHORIZED and hub.get_token() is None
    login = "`hf auth login`, or HF_TOKEN"
    if isinstance(error, kinds.GatedRepoError):
        return (
            f"its makers ask for consent: accept the terms at https://huggingface.co/{name}, sign in here ({login}) "
            "and run the command again"
        )
    if isinstance(error, kinds.RevisionNotFoundError):
        return f"{name} has no such revision: see https://huggingface.co/{name}/commits/main"
    if isinstance(error, kinds.RepositoryNotFoundError) or stranger:
        return (
            f"the Hub has no such checkpoint for you: check the spelling; if it is private, sign in ({login})"
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"the Hub does not accept who you are ({status}): sign in again ({login})"
    if status:
        return f"the Hub answers {status}: run the command again later"
    if isinstance(error, (kinds.HTTPError, ConnectionError, TimeoutError)):
        return (
            f"the Hub cannot be reached ({_printable(str(error)) or type(error).__name__}): check the network and the "
            "proxy and run the command again (it goes on where it stopped)"
        )
    if isinstance(error, kinds.LocalEntryNotFoundError):
        return "a small file could not be fetched: check the network and run the command again"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return (
            f"{where}{error.strerror or _printable(str(error))}: make room, or set HF_HOME to another folder"
        )
    return ""


@contextmanager
def _quiet(hub: Any) -> Iterator[None]:
    """Keep the bars and the advice of the library off the terminal: what matters is said here."""
    level, shown = hub.logging.get_verbosity(), not hub.utils.are_progress_bars_disabled()
    hub.logging.set_verbosity_error()
    hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        hub.logging.set_verbosity(level)
        if shown:
            hub.utils.enable_progress_bars()


def _size(size_bytes: float) -> str:
    for unit, bytes_each in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= bytes_each:
            return f"{size_bytes / bytes_each:.1f} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"
