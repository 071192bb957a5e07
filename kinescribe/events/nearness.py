"""Coming nearer and going away as a depth net sees it, and who is before whom (``records.Depth``)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.events.scene import Scene, core, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import Smoother, median, turning_points
from kinescribe.records import Depth, Event

HALF_WINDOW_S = 0.6
"""Of the smoothing before turning points, as for sizes: seven looks at 5 Hz."""
NOISE_WINDOW_S = 1.2
"""Half window of the straight pieces that noise is measured from: a net's answer wanders over about a second, which a
shorter window takes for motion, and a longer one takes coming and going for noise."""
MIN_STEPS, MIN_TIME_S = 5, 0.8
"""Fewer looks, and a shorter time, show no change of depth."""
MAX_GAP_S = 0.65
"""Looks that are further apart are no series: two missing ones at 5 Hz can be bridged."""
MAD = 1.4826
"""Standard deviations per median absolute deviation."""
MAX_SUBJECTS = 12
"""Whose order is looked for: the longest seen ones, as for relations."""


class Series(NamedTuple):
    """One subject's depth over a time without gaps; M looks."""

    samples: Int[np.ndarray, "M"]
    signal: Float[np.ndarray, "M"]
    """``Depth.signal``: larger is nearer."""
    calm: Float[np.ndarray, "M"]
    """Smoothed."""
    noise: float
    """Standard deviation of what is not known better: the larger of the subject's own jitter and of the
    background's."""


def series(scene: Scene, row: int) -> Iterator[Series]:
    """Yield the depth of the subject in a row of the depth record, one stretch after another."""
    depth, times = scene.depth, scene.clip.times_s
    signal = depth.signal[row]
    known = np.flatnonzero(np.isfinite(signal))
    for run in np.split(known, np.flatnonzero(np.diff(times[known]) > MAX_GAP_S) + 1):
        if len(run) < MIN_STEPS or changes_depth(scene, run):
            continue
        calm = Smoother(times[run], HALF_WINDOW_S).value(signal[run][None])[0]
        calmest = Smoother(times[run], NOISE_WINDOW_S, degree=1).value(signal[run][None])[0]
        own = MAD * median(np.abs(signal[run] - calmest))
        yield Series(run, signal[run], calm, max(own, background_noise(depth, run)))


def background_noise(depth: Depth, samples: Int[np.ndarray, "M"]) -> float:
    """Return how much resting things seem to change their depth; 0 where no background tells."""
    known = depth.noise[samples][np.isfinite(depth.noise[samples])]
    return median(known) if len(known) else 0.0


def changes_depth(scene: Scene, samples: Int[np.ndarray, "M"]) -> bool:
    """Whether the camera itself comes nearer to things, or may; a zoom does not, once the background agrees."""
    span = span_of(scene.clip, int(samples[0]), int(samples[-1]))
    zoomless = [label for label in scene.camera.labels_in(span) if not label.startswith("zoom")]
    return any(label.startswith(("dolly", "complex", "unknown")) for label in zoomless)


def changes(scene: Scene, row: int, settings: EventSettings) -> Iterator[Event]:
    """Yield when a subject comes nearer or goes away, by its row in the depth record."""
    depth, times = scene.depth, scene.clip.times_s
    least = settings.min_depth_log if depth.metric else settings.min_depth_share
    for one in series(scene, row):
        needed = max(least, settings.min_depth_noise * one.noise)
        turns = turning_points(one.calm, needed / 2)
        for start, end in zip(turns[:-1], turns[1:], strict=True):
            change = end.value - start.value
            if abs(change) < needed:
                continue
            first, last = core(one.calm, start.at, end.at)
            i, j = int(one.samples[first]), int(one.samples[last])
            if times[j] - times[i] < MIN_TIME_S:
                continue
            within = slice(first, last + 1)
            trend = np.corrcoef(times[one.samples[within]], one.signal[within])[0, 1] ** 2
            if trend < settings.min_depth_fit:
                continue
            values = {
                "depth_change": float(change),
                "fit": float(trend),
                "needed": float(needed),
                "metric": float(depth.metric),
            }
            if depth.metric:
                ends = {"from_m": math.exp(-start.value), "to_m": math.exp(-end.value)}
                values |= {**ends, "metres": abs(ends["to_m"] - ends["from_m"])}
            kind = "nearer" if change > 0 else "farther"
            yield Event(int(depth.ids[row]), kind, span_of(scene.clip, i, j), values)


# --- who is before whom -------------------------------------------------------------------------------------


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield how long one subject is before or behind another, where their boxes overlap in the picture.

    It needs no agreement over time: each picture tells by itself.
    """
    number = np.isfinite(scene.depth.nearness).sum(1)
    longest = sorted(np.argsort(-number, kind="stable")[:MAX_SUBJECTS].tolist())
    for i, j in combinations(longest, 2):
        yield from _order(scene, i, j, settings)


def _order(scene: Scene, i: int, j: int, settings: EventSettings) -> Iterator[Event]:
    depth, times = scene.depth, scene.clip.times_s
    ids = [int(depth.ids[row]) for row in (i, j)]
    lead, doubt = lead_of(depth, i, j)
    together = np.isfinite(lead) & overlapping(scene.tracks.xyxy[[scene.tracks.row(one) for one in ids]])
    with np.errstate(invalid="ignore"):
        clear = np.sign(lead) * (np.abs(lead) >= np.maximum(settings.min_order, doubt))
    clear = np.where(together, clear, 0.0)
    sure = np.flatnonzero(clear)
    breaks = (np.diff(times[sure]) > MAX_GAP_S) | (clear[sure][1:] != clear[sure][:-1])
    for ends in np.split(sure, np.flatnonzero(breaks) + 1):
        run = np.flatnonzero(together[ends[0] : ends[-1] + 1]) + ends[0] if len(ends) else ends
        if len(ends) < max(MIN_STEPS, settings.min_order_share * len(run)):
            continue
        if times[run[-1]] - times[run[0]] < settings.min_order_s:
            continue
        before = clear[ends[0]] > 0
        values = {
            "lead": float(np.median(np.abs(lead[run]))),
            "needed": max(settings.min_order, float(np.median(doubt[run]))),
            "metric": float(depth.metric),
        }
        if depth.metric:
            apart = np.abs(1 / depth.nearness[i, run] - 1 / depth.nearness[j, run])
            values["metres"] = float(np.median(apart))
        span = span_of(scene.clip, int(run[0]), int(run[-1]))
        kind = "in_front_of" if before else "behind"
        yield Event(ids[0], kind, span, values, other=ids[1])


def lead_of(depth: Depth, i: int, j: int) -> tuple[Float[np.ndarray, "T"], Float[np.ndarray, "T"]]:
    """Return by how much one subject is nearer than another in each picture, and how doubtful that is.

    Both in logarithms of distance where metric, else in shares of the picture's extent; by rows of the record.
    """
    one, two = depth.nearness[[i, j]]
    spread = depth.spread[[i, j]]
    with np.errstate(invalid="ignore", divide="ignore"):
        if depth.metric:
            return np.log(one / two), np.hypot(spread[0] / one, spread[1] / two)
        return (one - two) / depth.extent, np.hypot(*spread) / depth.extent


MIN_OVERLAP = 0.25
"""Share of the narrower box's width that lies over or under the other: what stands beside something is not before
it."""


def overlapping(boxes: Float[np.ndarray, "2 T 4"]) -> Bool[np.ndarray, "T"]:
    """Return where two boxes overlap so that one may be before the other."""
    low, high = np.maximum(*boxes[..., :2]), np.minimum(*boxes[..., 2:])
    narrower = (boxes[..., 2] - boxes[..., 0]).min(0)
    with np.errstate(invalid="ignore"):
        return np.asarray((high - low >= 0).all(-1) & ((high - low)[:, 0] >= MIN_OVERLAP * narrower))
