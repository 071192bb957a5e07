"""Subjects that somebody has marked: boxes or masks in frames of videos, read from JSON Lines (also gzipped).

Every line is told by its keys:

- ours: ``{"video": NAME, "id": ..., "label": ..., "frames": {"<frame>": {"box": [l, t, r, b]}}}``: one subject of one
  video. Instead of ``box`` (edges as shares of the picture, 0 to 1, as in our JSON Lines export) a frame may have
  ``box_px`` (in pixels) or ``mask`` (COCO RLE); ``null`` says that the subject is not visible in that frame.
- MotionAtlas's benchmark (``target_masks.jsonl.gz``): ``{"sample_id": 1, "masks": {"<frame>": RLE}}``; the videos'
  names come from ``mcqs.jsonl`` beside the file.
- MotionAtlas's training records: ``{"video": NAME, "annotation": {"frames": [{"frame_idx", "mask", "bbox"}]}}``.

Frames count from 0 at the video's first frame, pictures are upright. Of masks only the boxes are kept. A line that is
not as it should be is an error that names it; nothing is skipped.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kinescribe.errors import RecipeError, nearest
from kinescribe.masks import rle_box, rle_counts

QUESTIONS = ("mcqs.jsonl", "mcqs.jsonl.gz")
"""Where MotionAtlas's benchmark says which sample is of which video."""
MAX_LABEL = 40
"""Letters of a label: the longest class name of LVIS has 37."""
MAX_SHARE = 2.0
"""Edges as shares of the picture beyond this are pixels by mistake; amodal boxes reach out of the picture by less."""
MAX_FRAME = 10**8
"""No video has more frames: 38 days at 30 a second."""
SHOWN = 3
"""Names that a message lists."""
MOST_COMPARED = 100
"""Names of a file, and videos, among which a message looks for what was meant."""
ALIKE = 0.6
"""Share of letters from which a name may be meant for another one (``difflib.get_close_matches`` has it, too)."""
_LABEL = re.compile(r"[^\W_]+(?:[ '_-][^\W_]+)*")
_UNKNOWN = np.full(4, np.nan)
_EXAMPLE = '{"video": "clip.mp4", "id": 1, "frames": {"0": {"box": [0.1, 0.2, 0.3, 0.6]}}}'


@dataclass(frozen=True, eq=False)
class Region:
    """A marked subject of a video."""

    id: str
    """Unique within its video."""
    label: str | None
    """What it is, in lower case; None where the file does not say."""
    frames: Int[np.ndarray, "F"]
    """Numbers of the frames that are spoken of, counted from the video's first; increasing."""
    boxes: Float[np.ndarray, "F 4"]
    """xyxy on a picture of ``size``; NaN where the subject is said not to be visible."""
    size: Float[np.ndarray, "F 2"]
    """Width and height of the picture that ``boxes`` lie on: (1, 1) for shares; NaN for the video's own."""
    line: int
    """Of the file, from 1."""


@dataclass(frozen=True, eq=False)
class Regions:
    """What a file says of videos."""

    path: str
    videos: Mapping[str, tuple[Region, ...]]
    """By the video's name as the file gives it, the subjects in the file's order."""

    def of(self, source: str) -> tuple[Region, ...]:
        """Return the subjects of a video, none where the file does not speak of it.

        A name is compared from its end, folder by folder: ``a.mp4`` and ``x/a.mp4`` name ``/data/x/a.mp4``, ``y/a.mp4``
        does not.

        Raises:
            RecipeError: several names of the file fit the video.
        """
        parts = Path(source).parts
        fitting = [name for name, own in self._by_file.get(parts[-1], ()) if _fits(own, parts)]
        if len(fitting) > 1:
            raise RecipeError(
                f"{self.path}: both {fitting[0]} and {fitting[1]} may name {source}; write more of its path in each"
            )
        return self.videos[fitting[0]] if fitting else ()

    def among(self, sources: Sequence[str]) -> list[str]:
        """Return those of a run's videos that the file speaks of.

        Raises:
            RecipeError: a name fits several of them, or several names fit one, or none fits any.
        """
        named: dict[str, str] = {}
        found = [source for source in sources if self.of(source)]
        for source in found:
            (name,) = (n for n, own in self._by_file[Path(source).name] if _fits(own, Path(source).parts))
            if name in named:
                raise RecipeError(
                    f"{self.path}: {name} may be {named[name]} or {source}; write more of its path in the file"
                )
            named[name] = source
        if not found:
            raise RecipeError(self._none_of(sources))
        return found

    def _none_of(self, sources: Sequence[str]) -> str:
        """Say which names of the file fit none of which videos, and which of them may have been meant."""
        named, given = sorted(self.videos), sorted(sources)
        files = {Path(source).name: source for source in given}
        likeness = {
            (name, file): SequenceMatcher(None, self._parts(name)[-1], file).ratio()
            for name in named[:MOST_COMPARED]
            for file in list(files)[:MOST_COMPARED]
        }
        name, file = max(likeness, key=lambda pair: likeness[pair], default=("", ""))
        hint = (
            f'; did you mean "{files[file]}" by "{name}"?' if likeness.get((name, file), 0.0) >= ALIKE else ""
        )
        return (
            f"{self.path} names {_listed(named)}; that is not among the videos of the run, {_listed(given)}{hint} "
            "(names are compared from their end, with their folders)"
        )

    @cached_property
    def _by_file(self) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
        """The names, and their folders and files, by file name."""
        found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for name in self.videos:
            parts = self._parts(name)
            found.setdefault(parts[-1], []).append((name, parts))
        return found

    def _parts(self, name: str) -> tuple[str, ...]:
        """Return a name's folders and file; one that climbs (``../a.mp4``) is taken from the file's own folder."""
        path = Path(name.replace("\\", "/")).expanduser()
        if ".." in path.parts:
            path = Path(os.path.abspath(Path(self.path).parent / path))
        return path.parts


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _fits(name: tuple[str, ...], source: tuple[str, ...]) -> bool:
    return bool(name) and source[-len(name) :] == name


# --- files --------------------------------------------------------------------------------------------------


def digest(path: str | Path) -> str:
    """Return a hash of all that a file of regions says: another content makes what was made of it stale.

    Raises:
        RecipeError: the file cannot be read.
    """
    told = hashlib.sha256()
    for file in (Path(path), _questions_beside(path)):
        if file is not None:
            told.update(_bytes(file))
    return told.hexdigest()[:16]


def read(path: str | Path) -> Regions:
    """Return what a file says; read once per process while the file stays as it is.

    Raises:
        RecipeError: it cannot be read, or a line is not as it should be; the message names it.
    """
    whole = os.path.abspath(Path(path).expanduser())
    try:
        stat = os.stat(whole)
    except OSError as error:
        raise RecipeError(
            f"cannot read the regions {path}: {error.strerror or error}; name the file again (--regions), "
            'or go on without (--set track.regions="")'
        ) from error
    return _read(whole, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: str, mtime_ns: int, size: int) -> Regions:
    reader = _Reader(path)
    videos: dict[str, dict[str, Region]] = {}
    for line, record in _records(Path(path)):
        video, region = reader.region(line, record)
        known = videos.setdefault(video, {})
        if region.id in known:
            raise RecipeError(
                f"{path}, line {line}: id: {region.id} is in line {known[region.id].line} already, of the same video; "
                "one line holds all frames of a subject"
            )
        known[region.id] = region
    if not videos:
        raise RecipeError(f"{path} holds no regions; expected lines such as {_EXAMPLE}")
    return Regions(path, {video: tuple(known.values()) for video, known in videos.items()})


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot read the regions {path}: {error.strerror or error}") from error


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield a file's objects with their line numbers; empty lines hold none."""
    content = _bytes(path)
    stream: Any = io.BytesIO(content)
    if content[:2] == b"\x1f\x8b":
        stream = gzip.GzipFile(fileobj=stream)
    elif content[:4] == b"PAR1":
        raise RecipeError(f"{path} is Parquet; write its rows as JSON Lines first, one object a line")
    number = 0
    try:
        for number, line in enumerate(stream, 1):
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                yield number, _object(path, number, text)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}, line {number}: is no UTF-8 text ({error.reason})") from error
    except (OSError, EOFError, zlib.error) as error:
        raise RecipeError(
            f"{path}: the gzip breaks off after line {number} ({error}); copy the file again"
        ) from error


def _object(path: Path, line: int, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            f"{path}, line {line}: is no JSON object on one line ({error}); expected e.g. {_EXAMPLE}"
        ) from error
    if not isinstance(record, dict):
        raise RecipeError(f"{path}, line {line}: expected an object, got {_shown(record)}; e.g. {_EXAMPLE}")
    return record


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f'"{next(n for n in names if names.count(n) > 1)}" is there twice')
    return record


def _questions_beside(path: str | Path) -> Path | None:
    """Return the benchmark's questions in a file's folder, if they are there."""
    beside = [Path(path).expanduser().parent / name for name in QUESTIONS]
    return next((file for file in beside if file.is_file()), None)


# --- lines --------------------------------------------------------------------------------------------------


class _Marked(NamedTuple):
    """A subject in a frame."""

    box: Float[np.ndarray, "4"]
    size: tuple[float, float]


_ABSENT = _Marked(_UNKNOWN, (1.0, 1.0))


class _Sample(NamedTuple):
    """A sample of MotionAtlas's benchmark."""

    video: str
    label: str | None


class _Reader:
    """Turns the lines of one file into regions.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._samples: dict[int, _Sample] | None = None

    def region(self, line: int, record: Mapping[str, Any]) -> tuple[str, Region]:
        """Return the video's name, and what a line says of it.

        Raises:
            RecipeError: the line is not as it should be.
        """
        try:
            if "masks" in record:
                return self._of_benchmark(line, record)
            if "annotation" in record:
                return self._of_training(line, record)
            if "frames" in record:
                return self._of_ours(line, record)
            if "question" in record:
                raise ValueError(
                    'holds a question, no region; name target_masks.jsonl (field "masks") instead'
                )
            raise ValueError(f'expected a field "frames", "masks" or "annotation", e.g. {_EXAMPLE}')
        except ValueError as error:
            raise RecipeError(f"{self._path}, line {line}: {error}") from error

    def _of_ours(self, line: int, record: Mapping[str, Any]) -> tuple[str, Region]:
        known = ("video", "id", "label", "frames")
        for name in record:
            if name not in known:
                raise ValueError(f"{name}: no such field{nearest(name, known)}")
        frames = _mapping("frames", record["frames"])
        marked = {_frame(f"frames.{key}", key): _mark(f"frames.{key}", mark) for key, mark in frames.items()}
        name = _id("id", record["id"]) if "id" in record else f"line {line}"
        label = None if record.get("label") is None else _label(record["label"])
        return _video("video", record.get("video")), _region(name, label, marked, line)

    def _of_benchmark(self, line: int, record: Mapping[str, Any]) -> tuple[str, Region]:
        number = _whole("sample_id", record.get("sample_id"))
        masks = _mapping("masks", record["masks"])
        marked = {_frame(f"masks.{key}", key): _masked(f"masks.{key}", rle) for key, rle in masks.items()}
        if self._samples is None:
            self._samples = self._questions()
        if number not in self._samples:
            raise ValueError(f"sample_id: no question in {QUESTIONS[0]} has {number}; which video is it of?")
        sample = self._samples[number]
        return sample.video, _region(str(number), sample.label, marked, line)

    def _of_training(self, line: int, record: Mapping[str, Any]) -> tuple[str, Region]:
        video = record.get("video", record.get("video_path"))
        if isinstance(video, Mapping):
            video = video.get("path")
        frames = _mapping("annotation", record["annotation"]).get("frames")
        if not isinstance(frames, list):
            raise ValueError(f"annotation.frames: expected a list of frames, got {_shown(frames)}")
        marked: dict[int, _Marked] = {}
        for i, frame in enumerate(frames):
            where = f"annotation.frames[{i}]"
            number = _whole(f"{where}.frame_idx", _mapping(where, frame).get("frame_idx"))
            if number in marked:
                raise ValueError(f"{where}.frame_idx: {number} is there twice")
            mask, bbox = frame.get("mask"), frame.get("bbox")
            if mask:
                marked[number] = _masked(f"{where}.mask", mask)
            else:
                marked[number] = _ABSENT if bbox is None else _in_pixels(f"{where}.bbox", bbox)
        name = _id("id", record["id"]) if "id" in record else f"line {line}"
        return _video("video", video), _region(name, None, marked, line)

    def _questions(self) -> dict[int, _Sample]:
        """Return the benchmark's samples; where a question names the target by a plain noun, it is the label."""
        file = _questions_beside(self._path)
        if file is None:
            raise ValueError(
                f"sample_id: which video that is stands in {QUESTIONS[0]}; put it beside the masks, in "
                f"{Path(self._path).parent}"
            )
        samples: dict[int, _Sample] = {}
        for line, record in _records(file):
            try:
                number = _whole("sample_id", record.get("sample_id"))
                video = _video("video_path", record.get("video_path", record.get("video")))
                target = record.get("target_entity")
                sample = _Sample(video, _noun(target.get("name") if isinstance(target, Mapping) else None))
                if samples.setdefault(number, sample).video != video:
                    raise ValueError(f"video_path: sample {number} is of {samples[number].video} elsewhere")
            except ValueError as error:
                raise RecipeError(f"{file}, line {line}: {error}") from error
        return samples


def _region(name: str, label: str | None, marked: Mapping[int, _Marked], line: int) -> Region:
    if not any(np.isfinite(mark.box[0]) for mark in marked.values()):
        raise ValueError("no frame has a box or a mask; a region is marked in one frame at least")
    frames = sorted(marked)
    return Region(
        id=name,
        label=label,
        frames=np.array(frames, np.int64),
        boxes=np.array([marked[frame].box for frame in frames]),
        size=np.array([marked[frame].size for frame in frames]),
        line=line,
    )


# --- fields -------------------------------------------------------------------------------------------------


def _mark(where: str, mark: Any) -> _Marked:
    """Return one frame's box or mask in our format."""
    if mark is None:
        return _ABSENT
    known: dict[str, Callable[[str, Any], _Marked]] = {
        "box": _in_shares,
        "box_px": _in_pixels,
        "mask": _masked,
    }
    for name in _mapping(where, mark):
        if name not in known:
            raise ValueError(f"{where}.{name}: no such field{nearest(name, known)}")
    read = [known[name](f"{where}.{name}", mark[name]) for name in known if mark.get(name) is not None]
    if not read:
        raise ValueError(f"{where}: expected a box, box_px or mask, or null where the subject is not visible")
    return read[0]  # a box is what was drawn, a mask's is worked out


def _in_shares(where: str, box: Any) -> _Marked:
    edges = _edges(where, box)
    if np.abs(edges).max() > MAX_SHARE:
        raise ValueError(f"{where}: {_shown(box)} is beyond [0, 1]; boxes in pixels are called box_px")
    return _Marked(edges, (1.0, 1.0))


def _in_pixels(where: str, box: Any) -> _Marked:
    return _Marked(_edges(where, box), (math.nan, math.nan))


def _edges(where: str, box: Any) -> Float[np.ndarray, "4"]:
    if not (isinstance(box, list) and len(box) == 4 and all(_is_number(edge) for edge in box)):
        raise ValueError(f"{where}: expected [left, top, right, bottom], got {_shown(box)}")
    edges = np.array(box, np.float64)
    if not (edges[:2] < edges[2:]).all():
        raise ValueError(f"{where}: {_shown(box)}: right must be beyond left, and bottom below top")
    return edges


def _masked(where: str, mask: Any) -> _Marked:
    """Return the box round a mask, or round a list of masks; absent where there is none or it is empty."""
    if not mask:
        return _ABSENT
    masks: list[Any] = mask if isinstance(mask, list) else [mask]
    read = [
        _mask_box(f"{where}[{i}]" if isinstance(mask, list) else where, rle) for i, rle in enumerate(masks)
    ]
    if len({one.size for one in read}) > 1:
        raise ValueError(f"{where}: masks of one frame have one size")
    boxes = np.array([one.box for one in read])
    if not np.isfinite(boxes).any():
        return _ABSENT
    round_all = np.concatenate([np.nanmin(boxes[:, :2], axis=0), np.nanmax(boxes[:, 2:], axis=0)])
    return _Marked(round_all, read[0].size)


def _mask_box(where: str, rle: Any) -> _Marked:
    size = rle.get("size") if isinstance(rle, Mapping) and "counts" in rle else None
    if not (
        isinstance(size, list) and len(size) == 2 and all(type(n) is int and 0 < n < 2**16 for n in size)
    ):
        raise ValueError(
            f'{where}: expected a COCO mask {{"size": [height, width], "counts": ...}}, got {_shown(rle)}'
        )
    height, width = size
    try:
        counts = rle["counts"]
        if not isinstance(counts, (str, list)):
            raise ValueError(f"expected a COCO string or a list of run lengths, got {_shown(counts)}")
        return _Marked(rle_box(rle_counts(counts), height, width), (float(width), float(height)))
    except ValueError as error:
        raise ValueError(f"{where}.counts: {error}") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e6


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: expected an object, got {_shown(value)}")
    return value


def _whole(where: str, value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    if type(value) is not int or not 0 <= value <= MAX_FRAME:
        raise ValueError(f"{where}: expected a whole number from 0 on, got {_shown(value)}")
    return value


def _frame(where: str, key: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", key):
        raise ValueError(f"{where}: expected a frame number from 0 on, got {_shown(key)}")
    return _whole(where, key)


def _id(where: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).strip():
        raise ValueError(f"{where}: expected a number or a text, got {_shown(value)}")
    if len(str(value)) > 200 or not str(value).isprintable():
        raise ValueError(f"{where}: expected at most 200 printable letters, got {_shown(value)}")
    return str(value).strip()


def _video(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip("/. ") or not value.isprintable():
        raise ValueError(f"{where}: expected the name of a video file, got {_shown(value)}")
    return value


def _label(value: Any) -> str:
    noun = _noun(value)
    if noun is None:
        raise ValueError(
            f"label: expected a noun of at most {MAX_LABEL} letters, as in a sentence, got {_shown(value)}"
        )
    return noun


def _noun(value: Any) -> str | None:
    """Return a label as tracks have them, None where a text is no noun: it will stand in sentences."""
    if not isinstance(value, str) or len(value) > MAX_LABEL:
        return None
    words = " ".join(value.replace("_", " ").lower().split())
    return words if _LABEL.fullmatch(words) else None


def _shown(value: Any) -> str:
    told = json.dumps(value, ensure_ascii=True)
    return told if len(told) <= 60 else f"{told[:57]}..."
