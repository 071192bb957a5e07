"""How near subjects are to the camera, by a net that sees depth in single pictures.

Off by default: then nothing is known, at no cost. FoundationMotion and MotionAtlas name it as their limit that they
see the picture's plane only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_erosion

from kinescribe import plugins
from kinescribe.masks import rle_mask
from kinescribe.records import CameraMotion, Clip, Depth, Tracks
from kinescribe.stages.alignment import MAD, aligned, background, places_of
from kinescribe.video import Frames

MIN_RATE_HZ = 2.0
"""Looks that are further apart than 0.65 s are no series (``events.nearness``)."""
INNER = 0.6
"""Share of a box's width and height, about its middle, that is taken for the subject where nothing tells its outline:
corners of boxes show what is behind."""
MIN_FREE = 0.3
"""Share of that part that must be outside all other boxes for it to be enough: where boxes overlap, the pixels are the
nearer one's."""
NEARLY_ALL, MIN_SHOWN = 0.9, 0.1
"""Else what shows beside the other boxes in so much of the box, if it is this share of it; less tells nothing ..."""
CONTAINED = 0.02
"""... but for next to none: what lies within another box altogether is seen, so it is before it, and its middle is
its own."""
PERCENTILES = (5, 95)
"""Of a picture's nearness: its extent. The farthest and nearest twentieth are sky, edges and slips."""
UNZOOMED = 0.05
"""A camera whose map scales by less has not zoomed: a metric net is taken at its word where no background shows."""


@dataclass(frozen=True)
class EstimateDepth:
    """Pictures and tracks in, nearness of every subject out, brought in line over time by the background."""

    backend: str = ""
    """File in ``backends/depths``; empty for none: nothing is known, and nothing is looked at."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the backend."""
    rate_hz: float = 5.0
    """Pictures per second that the net sees. A walker gets nearer by 0.3 m from one to the next, less than nets see."""

    revision: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not self.rate_hz >= MIN_RATE_HZ:
            raise ValueError(f"rate_hz must be at least {MIN_RATE_HZ:g}: looks further apart show no motion")

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, tracks: Tracks) -> Depth:
        """Measure the depth of every track.

        Raises:
            BackendError: the net's packages or weights are not on this machine, or do not fit into memory.
        """
        if not self.backend or not len(tracks.ids):
            return _unknown(tracks)
        looked = looks(clip.times_s, self.rate_hz)
        chosen = set(looked.tolist())
        net = plugins.load("depths", self.backend)(**self.options)
        maps = net(clip, (frame for frame in frames if frame.sample in chosen))
        places = places_of(clip, camera.to_scene[looked])
        unknown: Float[np.ndarray, "N T"] = np.full(tracks.xyxy.shape[:2], np.nan)
        nearness, spread, extent = unknown, unknown.copy(), np.full(len(clip.times_s), np.nan)
        ground = np.full((len(clip.times_s), len(places)), np.nan)
        for sample, picture in maps.maps:
            exact = np.where(np.isfinite(picture), picture, np.nan).astype(np.float64)
            if np.isfinite(exact).any():
                extent[sample] = float(np.ptp(np.nanpercentile(exact, PERCENTILES)))
                boxes, to_scene = tracks.xyxy[:, sample], camera.to_scene[sample]
                ground[sample] = background(exact, clip, to_scene, places, boxes)
                for n in np.flatnonzero(tracks.seen[:, sample]).tolist():
                    nearness[n, sample], spread[n, sample] = of_subject(exact, clip, tracks, n, sample)
        found = Depth(
            ids=tracks.ids,
            nearness=nearness,
            spread=spread,
            extent=extent,
            **_in_line(camera, looked, ground[looked], maps.metric),
            metric=maps.metric,
            notes=tuple(maps.notes),
        )
        return found if found.metric else replace(found, noise=found.noise / found.usual_extent)

    def identity(self) -> str:
        """Name what the answer depends on besides the settings."""
        return plugins.identity("depths", self.backend, self.options)


class _Nearness(NamedTuple):
    """Of one subject in one picture."""

    middle: float
    spread: float


def looks(times_s: Float[np.ndarray, "T"], rate_hz: float) -> Int[np.ndarray, "L"]:
    """Return the samples that are looked at: at most so many a second, the first among them."""
    chosen: list[int] = []
    least = 1 / rate_hz - 0.4 * float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    for i, time in enumerate(times_s.tolist()):
        if not chosen or time - times_s[chosen[-1]] >= least:
            chosen.append(i)
    return np.array(chosen, dtype=np.int64)


def of_subject(
    nearness: Float[np.ndarray, "h w"], clip: Clip, tracks: Tracks, row: int, sample: int
) -> _Nearness:
    """Return how near a subject is in one picture, and the spread: over its mask, else the middle of its box.

    Args:
        nearness: of the whole picture, in any resolution.
        clip: for its size.
        tracks: all subjects; those in the same picture may be before this one.
        row: the subject.
        sample: the picture.
    """
    mask = _mask(tracks, row, sample, nearness.shape)
    if mask is not None:
        return _told(nearness[mask])
    height, width = nearness.shape
    boxes = tracks.xyxy[:, sample] * np.tile([width / clip.width, height / clip.height], 2)
    inner, free = _part(nearness, boxes, row, INNER)
    if free.mean() >= MIN_FREE:
        return _told(inner[free])
    # What is before it hides its middle, or it is before all else.
    rest, shown = _part(nearness, boxes, row, NEARLY_ALL)
    if shown.mean() >= MIN_SHOWN:
        return _told(rest[shown])
    return _told(inner.ravel() if shown.mean() <= CONTAINED else np.zeros(0))


def _told(values: Float[np.ndarray, "P"]) -> _Nearness:
    values = values[np.isfinite(values)]
    if not len(values):
        return _Nearness(float("nan"), float("nan"))
    typical = float(np.median(values))
    return _Nearness(typical, MAD * float(np.median(np.abs(values - typical))))


def _mask(tracks: Tracks, row: int, sample: int, shape: tuple[int, ...]) -> Bool[np.ndarray, "h w"] | None:
    """Return a subject's pixels on a map of some shape, without its edge where more is left; None where unknown."""
    masks = tracks.masks
    told = None if masks is None else masks.rle[row][sample]
    if masks is None or told is None:
        return None
    whole = rle_mask(told, masks.height, masks.width)
    y = ((np.arange(shape[0]) + 0.5) * masks.height / shape[0]).astype(int)
    x = ((np.arange(shape[1]) + 0.5) * masks.width / shape[1]).astype(int)
    found = whole[np.ix_(y, x)]
    if not found.any():
        return None
    inner: Bool[np.ndarray, "h w"] = binary_erosion(found)
    return inner if inner.any() else found


def _part(
    nearness: Float[np.ndarray, "h w"], boxes: Float[np.ndarray, "N 4"], row: int, share: float
) -> tuple[Float[np.ndarray, "r c"], Bool[np.ndarray, "r c"]]:
    """Return the middle of a subject's box, at least a pixel, and which of it lies in nobody else's box."""
    height, width = nearness.shape
    middle, half = (boxes[row, :2] + boxes[row, 2:]) / 2, (boxes[row, 2:] - boxes[row, :2]) / 2 * share
    low = np.clip(np.floor(middle - half), 0, [width - 1, height - 1]).astype(int)
    high = np.maximum(np.clip(np.ceil(middle + half), 0, [width, height]).astype(int), low + 1)
    x, y = (np.arange(low[k], high[k]) + 0.5 for k in (0, 1))
    free = np.ones((len(y), len(x)), bool)
    for other in np.flatnonzero(np.isfinite(boxes[:, 0])).tolist():
        if other != row:
            left, top, right, bottom = boxes[other].tolist()
            free &= ~(((y >= top) & (y <= bottom))[:, None] & ((x >= left) & (x <= right))[None])
    return nearness[low[1] : high[1], low[0] : high[0]], free


def _in_line(
    camera: CameraMotion,
    looked: Int[np.ndarray, "L"],
    seen: Float[np.ndarray, "L C"],
    metric: bool,
) -> dict[str, np.ndarray]:
    """Return scale, shift and noise for all samples; NaN where nobody looked or nothing tells."""
    found = aligned(seen, metric)
    scale, shift = found.scale.copy(), found.shift.copy()
    if metric:
        linear = camera.to_scene[looked][:, :, :2]
        zoom = np.sqrt(np.abs(np.linalg.det(np.nan_to_num(linear))))
        with np.errstate(invalid="ignore"):
            alone = ~np.isfinite(scale) & np.isfinite(linear).all((1, 2)) & (np.abs(zoom - 1) <= UNZOOMED)
        scale[alone], shift[alone] = 1.0, 0.0
    columns = {"scale": scale, "shift": shift, "noise": found.noise}
    wide = {name: np.full(len(camera.to_scene), np.nan) for name in columns}
    for name, values in columns.items():
        wide[name][looked] = values
    return wide


def _unknown(tracks: Tracks) -> Depth:
    """Nobody looked."""
    times = np.full(tracks.xyxy.shape[1], np.nan)
    nobody = np.zeros((0, len(times)))
    return Depth(np.zeros(0, np.int64), nobody, nobody, times, times, times, times, metric=False)
