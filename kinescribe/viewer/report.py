"""The report: a whole run as one HTML file that works from a disk, offline, and asks nobody for anything.

All text is escaped by the template; data for the script is JSON that cannot end its element; the page's own
policy allows no other script, style or address than those in the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import jinja2
from markupsafe import Markup

import kinescribe
from kinescribe.draw import palette_index
from kinescribe.errors import VideoError
from kinescribe.exporters import RunReader, in_order, whole_files
from kinescribe.plain import number
from kinescribe.records import Clip
from kinescribe.runs.summary import notes
from kinescribe.viewer.clippage import ClipPage, clip_page
from kinescribe.viewer.overlay import TimedImage, annotated, encode_overlay

TEMPLATES = Path(__file__).parent / "templates"

MAX_CLIPS = 20
"""Clips in a report: with half a megabyte of video each, the file stays easy to send and to open."""

MAX_VIDEO_S = 120.0
"""Longer clips show this much of their picture; their numbers are complete."""

CRF = 30
"""Of the embedded videos: boxes and letters stay sharp, at about 0.1 MB per second."""


class Media(NamedTuple):
    """A clip's picture, ready to embed; or why there is none."""

    video: str
    """Base64 of an H.264 mp4; empty where there is none."""
    poster: str
    """Base64 of a JPEG of the first frame."""
    width: int
    height: int
    problem: str


class Piece(NamedTuple):
    """A clip in the report."""

    page: ClipPage
    media: Media
    notes: tuple[str, ...]
    """What could not be done or was left out."""
    data: Mapping[str, Any]
    """What the script needs: samples and plotted values."""


def write_report(
    run: RunReader,
    path: str | Path,
    max_clips: int = MAX_CLIPS,
    max_side: int = 640,
    max_video_s: float = MAX_VIDEO_S,
) -> Path:
    """Write the report of a run and return its path.

    Args:
        run: where everything is.
        path: an ``.html`` file; its folder is made.
        max_clips: the first so many clips, by source and start, are shown; all are counted.
        max_side: longer side of the embedded videos, in pixels.
        max_video_s: seconds of a clip's picture that are embedded.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render(run, max_clips, max_side, max_video_s)
    with whole_files([path]) as (stream,):
        # Half of a surrogate pair, from a file name that is not UTF-8, cannot be written.
        stream.write(page.encode("utf-8", "replace").decode("utf-8"))
    return path


def render(run: RunReader, max_clips: int, max_side: int, max_video_s: float) -> str:
    """Return the report's HTML."""
    clips = in_order(run.clips())
    failures = list(run.failures())
    pieces = []
    for clip in clips[:max_clips]:
        own = [failure for failure in failures if failure.clip_id == clip.id]
        records = {**run.records(clip.id), Clip: clip}
        page = clip_page(clip, records, own)
        pieces.append(Piece(page, media(run, clip, max_side, max_video_s), notes(records), data(page)))
    css, js = (Markup((TEMPLATES / name).read_text("utf-8")) for name in ("report.css", "report.js"))
    return environment().get_template("report.html.j2").render(
        pieces=pieces, num_clips=len(clips), failures=failures, summary=summary(pieces), settings=settings(run),
        shared=shared_notes(pieces), version=kinescribe.__version__, css=css, js=js, policy=policy(css, js),
        max_video_s=max_video_s,
    )  # fmt: skip


def policy(css: str, js: str) -> str:
    """Return the page's content security policy: its own style and script, embedded pictures, nothing else."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, js)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "img-src data:; media-src blob:; base-uri 'none'; form-action 'none'"
    )


def summary(pieces: list[Piece]) -> Counter[str]:
    """Return how much of everything the shown clips hold."""
    total: Counter[str] = Counter()
    for page in (piece.page for piece in pieces):
        total.update(
            tracks=len(page.subjects), facts=len(page.facts), captions=len(page.captions),
            questions=len(page.questions), **page.tally,
        )  # fmt: skip
    return total


def shared_notes(pieces: list[Piece]) -> list[tuple[str, int]]:
    """Return the notes that more than one shown clip has, with how many have them; the most frequent first.

    With a single clip, its note stands right below and is not said twice.
    """
    counted = Counter(note for piece in pieces for note in piece.notes)
    return [(note, number) for note, number in counted.most_common() if number > 1]


def settings(run: RunReader) -> str:
    """Return the run's settings as text: its run.toml (recipe and versions) where it lies on disk."""
    folder = getattr(run, "path", None)
    if folder is not None and (Path(folder) / "run.toml").is_file():
        return (Path(folder) / "run.toml").read_text(encoding="utf-8", errors="replace").strip()
    return json.dumps(getattr(run, "recipe", {}), indent=2, default=str)


def data(page: ClipPage) -> dict[str, Any]:
    """Return what the script needs of a clip."""
    return {
        "length": page.length_s,
        "times": [round(t, 4) for t in page.clip.times_s.tolist()],
        "plots": [
            {"digits": plot.digits, "lines": [line.values for line in plot.lines]} for plot in page.plots
        ],
    }


def media(run: RunReader, clip: Clip, max_side: int, max_video_s: float) -> Media:
    """Return a clip's annotated picture; a source that cannot be read gives the reason instead."""
    if not Path(clip.source).is_file():
        return Media("", "", 0, 0, f"{clip.source} is not there any more.")
    poster: list[tuple[str, int, int]] = []
    with tempfile.TemporaryDirectory(prefix="kinescribe-report-") as folder:
        file = Path(folder) / "clip.mp4"
        try:
            frames = annotated(run, clip, max_side, max_video_s)
            encode_overlay(clip, _noting(frames, poster), file, crf=CRF)
        except VideoError as error:
            return Media("", "", 0, 0, str(error))
        return Media(base64.b64encode(file.read_bytes()).decode(), *poster[0], problem="")


def _noting(frames: Iterator[TimedImage], poster: list[tuple[str, int, int]]) -> Iterator[TimedImage]:
    """Pass frames on and keep the first as a JPEG with its size."""
    for t, image in frames:
        if not poster:
            _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
            poster.append((base64.b64encode(jpeg.tobytes()).decode(), image.shape[1], image.shape[0]))
        yield t, image


# --- the template -------------------------------------------------------------------------------------------


def environment() -> jinja2.Environment:
    """Return the template environment: everything is escaped, a name that is missing is an error."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "num": show_number,
        "s": show_seconds,
        "span": show_span,
        "file": file_name,
        "json": script_json,
        "color": palette_index,
    }
    return env


def show_number(value: float | None) -> str:
    """Return a number with three significant digits, or that it is unknown."""
    if value is None or not math.isfinite(value):
        return "unknown"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def show_seconds(value: float) -> str:
    """Return seconds (or a share) with two decimals."""
    return f"{value:.2f}" if math.isfinite(value) else "unknown"


def show_span(span: tuple[float, float]) -> str:
    """Return a span of seconds, e.g. ``1.00–2.50 s``."""
    return f"{show_seconds(span[0])}–{show_seconds(span[1])} s"


def file_name(source: str) -> str:
    """Return the last part of a path (of either kind)."""
    return source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or source


def script_json(value: Any) -> Markup:
    """Return JSON for inside a script element: no character in it can end the element or open a comment."""
    text = json.dumps(_known(value), allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _known(value: Any) -> Any:
    """Return a value with None for every number that is not finite."""
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_known(item) for item in value]
    return number(value) if isinstance(value, float) else value
