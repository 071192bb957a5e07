"""Contact sheets: one picture per clip with what was measured and what was said, to be looked at by a person.

A sheet shows instants spread over the clip with boxes, ids, trails, skeletons and hands drawn on them, and under
them every sentence with its verdicts. Nothing is judged here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kinescribe import pipeline, video
from kinescribe.draw import overlay
from kinescribe.errors import KinescribeError
from kinescribe.records import CameraMotion, Captions, Clip, Facts, Tracks, Verdicts

COLUMNS, TILE_PX = 4, 420
"""Tiles per row, and the longer side of a tile."""
TILES = 12
LINE_PX, FONT_SCALE = 17, 0.45
MARKS = {True: "[+]", False: "[FALSE]", None: "[?]"}
SUFFIXES = {".mp4", ".mkv", ".gif", ".mov", ".webm", ".avi"}


def clips(folder: Path) -> list[Path]:
    """Return the videos of a folder and of the folders in it."""
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def write_all(folder: Path, out: Path, only: str = "", workers: int = 2) -> list[Path]:
    """Write a sheet per clip whose name holds ``only``; returns the pictures' paths."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = [path for path in clips(folder) if only in path.name]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(write, out=out), chosen))


def write(path: Path, out: Path) -> Path:
    """Annotate a clip and write its sheet; a file that cannot be annotated gets a sheet that says why."""
    cv2.setNumThreads(1)
    picture = out / f"{path.parent.name}_{path.stem}.png"
    try:
        sheet = sheet_of(path)
    except KinescribeError as error:
        sheet = _text_block([f"{path.name}: {error}"], COLUMNS * TILE_PX)
    cv2.imwrite(str(picture), sheet[..., ::-1])
    return picture


def sheet_of(path: Path) -> np.ndarray:
    """Return a clip's sheet, RGB."""
    source = video.scan(path)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    frames = video.VideoFrames(clip)
    got = pipeline.annotate(clip, frames, {name: stage() for name, stage in pipeline.STAGES.items()})
    return sheet(path.name, clip, frames, got)


def sheet(name: str, clip: Clip, frames: video.Frames, got: Mapping[type, Any]) -> np.ndarray:
    """Return the sheet of a clip whose records are known, RGB."""
    times = len(clip.times_s)
    many = TILES if clip.duration_s < 30 else 2 * TILES
    chosen = set(np.linspace(0, times - 1, min(many, times)).round().astype(int).tolist())
    tiles = []
    for frame in frames:
        if frame.sample in chosen:
            tile = overlay(frame.image, clip, got, frame.time_s, frame.scale)
            share = TILE_PX / max(tile.shape[:2])
            tiles.append(cv2.resize(tile, None, fx=share, fy=share, interpolation=cv2.INTER_AREA))
    width = tiles[0].shape[1]
    columns = max(1, COLUMNS * TILE_PX // width)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack([*rows, _text_block(list(lines(name, clip, got)), columns * width)])


def lines(name: str, clip: Clip, got: Mapping[type, Any]) -> Iterator[str]:
    """Yield what stands under the pictures: counts, the camera, tracks with their times, sentences, facts."""
    camera, tracks = got[CameraMotion], got[Tracks]
    cuts = ", ".join(f"{cut:.1f}" for cut in camera.cuts_s)
    yield (
        f"{name}  {clip.duration_s:.1f} s  {clip.width}x{clip.height}  camera: {', '.join(camera.labels)}"
        f"  score {camera.score:.3f}  cuts: {cuts or 'none'}"
    )
    for row, track_id in enumerate(tracks.ids.tolist()):
        seen = np.flatnonzero(np.isfinite(tracks.xyxy[row, :, 0]))
        if len(seen):
            first, last = clip.times_s[seen[0]], clip.times_s[seen[-1]]
            yield f"{tracks.label[row]} #{track_id}: {first:.1f}-{last:.1f} s, in {len(seen)} samples"
    holds = {(v.caption, v.claim): v.holds for v in got[Verdicts].verdicts}
    for i, caption in enumerate(got[Captions].captions):
        marks = " ".join(MARKS[holds.get((i, j))] for j in range(len(caption.claims)))
        about = "scene" if caption.subject is None else f"#{caption.subject}"
        yield f"({about}) {caption.text}  {marks}"
    for fact in got[Facts].facts:
        what = [fact.predicate, *fact.direction, fact.part, fact.magnitude, fact.trajectory]
        words = " ".join(str(word) for word in what if word)
        count = f" x{fact.count}" if fact.count else ""
        other = f" with #{fact.object}" if fact.object is not None else ""
        yield f"  fact {fact.span.start_s:5.1f}-{fact.span.end_s:5.1f} #{fact.subject}{other} {words}{count}"


def _text_block(texts: list[str], width: int) -> np.ndarray:
    per_line = int(width / (LINE_PX * FONT_SCALE * 1.06))
    wrapped = [
        line for text in texts for line in textwrap.wrap(text, per_line, subsequent_indent="      ") or [""]
    ]
    block = np.full((LINE_PX * (len(wrapped) + 1), width, 3), 24, np.uint8)
    for i, line in enumerate(wrapped):
        at = (6, LINE_PX * (i + 1))
        color = (255, 120, 100) if "[FALSE]" in line else (230, 230, 230)
        cv2.putText(block, line, at, cv2.FONT_HERSHEY_SIMPLEX, FONT_SCALE, color, 1, cv2.LINE_AA)
    return block
