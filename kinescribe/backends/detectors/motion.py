"""Moving things without a name, from what changes in the picture. Needs no weights.

Steady camera: a *clean plate* per minute, the median of up to 45 samples before and after (not only before, so
drifting exposure and steady traffic do no harm), each brought to one exposure. A pixel is foreground where it
leaves the plate by more than its own noise; connected foreground becomes a box. Where a thing stands longer than
not, the plate shows the thing. The first and the last pictures tell (``_ends``); else a region seems to lie still at
its place before it comes, and the plate is mended with what is seen in that region. What grows or shrinks in its place
is told from its own image on the plate (``_hollows``). What moves in place all the time gets boxes only where it moves.

Moving camera: a sample is compared with neighbours that the camera's maps bring into its place; what fits neither
the past nor the future is boxed. Boxes are approximate, and thresholds prefer misses to false boxes. Where the
camera is unknown nothing is looked for, unless the picture itself proves to be steady.

``Detections.notes`` says which of these was done when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.backends.detectors._chains import seen_twice, without_mistakes
from kinescribe.backends.detectors._passing import passing_regions
from kinescribe.backends.detectors._pictures import Held, Sample, shrunk
from kinescribe.backends.detectors._regions import Region
from kinescribe.backends.detectors._steady import Scene
from kinescribe.geometry import apply_affine
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frames

__all__ = ["MotionRegions"]

MAX_STEADY_SHIFT = 0.08
"""A camera that strays less than this (of the longer side) keeps one plate, into which samples are warped."""
MIN_PLATE = 3
"""Samples without which there is no plate: the median of two is one of them."""
MIN_LIFE_S = 1.0
"""A region that is seen at one place for longer than this without any change is no moving thing but a mistake of the
plate (what somebody stood in front of for most of the minute)."""


class Stretch(NamedTuple):
    """Samples [start, stop) with one way of looking at them."""

    start: int
    stop: int
    way: str
    """``plate``, ``neighbours``, ``try`` (a plate, if the picture proves to be steady) or ``unknown`` (nothing)."""


@dataclass(frozen=True)
class MotionRegions:
    """Detections labelled ``object``, source ``motion``."""

    side: int = 320
    """Longer side of the picture that is looked at."""
    plate_s: float = 60.0
    """A plate stands for at most this long: memory stays flat, daylight may drift, and somebody may stand still
    for half of it without becoming background. 600 small pictures take 52 MB."""
    plate_samples: int = 45
    """Samples in a plate, spread evenly over its time: whatever covers a pixel in less than half of them is gone."""
    min_area: float = 0.0005
    """Smallest region, share of the picture: 29 pixels of 320 x 180, a ball of 6."""

    revision: ClassVar[int] = 3

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Find what moves; ``regions`` are not used."""
        notes: list[str] = []
        found: dict[int, list[Region]] = {}
        stretches = iter(self._stretches(clip, camera))
        stretch, samples, scale = next(stretches, None), list[Sample](), np.ones(2)
        for frame in frames:
            samples.append(shrunk(frame, self.side))
            if stretch is not None and frame.sample == stretch.stop - 1:
                rows, width = samples[0].yuv.shape
                scale = np.array([clip.width / width, clip.height / (rows * 2 // 3)])
                # No name for what is held: it would keep a minute of pictures through the next one.
                found |= self._look(Held.of(clip, camera, samples, scale, self.min_area), stretch, notes)
                stretch, samples = next(stretches, None), []
        return _detections(clip, found, scale, notes)

    def _stretches(self, clip: Clip, camera: CameraMotion) -> list[Stretch]:
        """Cut the clip where the picture cuts and where the camera's maps begin or end, then by the minute."""
        known = np.isfinite(camera.to_scene[:, 0, 0])
        cut = np.isin(np.arange(len(known)), np.searchsorted(clip.times_s, np.array(camera.cuts_s) - 1e-6))
        breaks = np.flatnonzero(cut[1:] | (known[1:] != known[:-1])) + 1
        blind = any(label.startswith(("dolly", "complex", "unknown")) for label in camera.labels)
        stretches: list[Stretch] = []
        for run in np.split(np.arange(len(known)), breaks):
            length = float(clip.times_s[run[-1]] - clip.times_s[run[0]])
            for part in np.array_split(run, max(1, int(np.ceil(length / self.plate_s - 1e-9)))):
                way = "unknown" if blind else "try"
                if known[part[0]]:
                    way = "plate" if _strays(clip, camera.to_scene[part]) < MAX_STEADY_SHIFT else "neighbours"
                stretches.append(Stretch(int(part[0]), int(part[-1]) + 1, way))
        return stretches

    def _look(self, held: Held, stretch: Stretch, notes: list[str]) -> dict[int, list[Region]]:
        """Return the regions of the samples that show any, and note what could not be done."""
        when = f"{held.times_s[0]:.1f}-{held.times_s[-1]:.1f} s"
        too_short = stretch.way != "neighbours" and len(held.samples) < MIN_PLATE
        found: list[list[Region]] | None = None
        if stretch.way == "neighbours":
            notes.append(f"motion: camera moves at {when}, boxes are approximate and many things are missed")
            found = seen_twice(list(passing_regions(held)), both_sides=True)
        elif stretch.way != "unknown" and not too_short:
            found = self._before_plate(held, stretch, when, notes)
        if found is None:
            if len(held.samples) > 1:  # in a single one nothing could be seen to move anyway
                notes.append(f"motion: camera unknown at {when}, nothing looked for")
            return {}
        kept = without_mistakes(found, round(MIN_LIFE_S * held.samples_per_s) + 1)
        return {sample.number: here for sample, here in zip(held.samples, kept, strict=True) if here}

    def _before_plate(
        self, held: Held, stretch: Stretch, when: str, notes: list[str]
    ) -> list[list[Region]] | None:
        """Return what stands out from the clean plate; None if there is none since the camera moves."""
        if stretch.way == "try":
            held = held._replace(places=np.repeat(np.eye(2, 3)[None], len(held.samples), axis=0))
        scene = Scene.of(held, self.plate_samples)
        if stretch.way == "try" and not scene.is_steady:
            return None
        regions = scene.regions()
        crowded = sum(found is None for found in regions)
        if crowded:
            notes.append(f"motion: {crowded} samples of {when} change almost everywhere (light?), left out")
        return seen_twice([[region for region in found or [] if not region.ghost] for found in regions])


def _strays(clip: Clip, places: Float[np.ndarray, "P 2 3"]) -> float:
    """Return how far the corners of the picture stray from their median place, share of the longer side."""
    corners = np.array(
        [[0, 0], [clip.width, 0], [0, clip.height], [clip.width, clip.height]], dtype=np.float64
    )
    moved = apply_affine(places[:, None], corners[None])
    away = moved - np.median(moved, axis=0)
    return float(np.hypot(away[..., 0], away[..., 1]).max()) / max(clip.width, clip.height)


def _detections(
    clip: Clip, found: dict[int, list[Region]], scale: Float[np.ndarray, "2"], notes: Sequence[str]
) -> Detections:
    rows = [(sample, region) for sample in sorted(found) for region in found[sample]]
    boxes = np.array([region.xyxy for _, region in rows], dtype=np.float64).reshape(-1, 4)
    none = np.zeros((len(rows), 0, 3))
    return Detections(
        sample=np.array([sample for sample, _ in rows], dtype=np.int64),
        xyxy=np.clip(boxes * np.tile(scale, 2), 0, np.tile([clip.width, clip.height], 2)),
        score=np.array([region.score for _, region in rows], dtype=np.float64),
        label=("object",) * len(rows),
        source=("motion",) * len(rows),
        keypoints=none,
        world=none,
        notes=tuple(notes),
    )
