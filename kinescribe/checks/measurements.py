"""What claims are checked against, and the known stretch of a subject's path that a claim speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, NamedTuple, get_args, get_type_hints

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import find_peaks

from kinescribe.checks.tolerances import (
    DOUBT,
    INSTANT_S,
    MARGIN_S,
    MAX_LOST_S,
    MIN_KNOWN,
    MIN_REST_S,
    MIN_SHIFT_NOISE,
    MIN_SHIFT_SIZES,
    MIN_SHIFT_WIDTHS,
)
from kinescribe.geometry import stretches
from kinescribe.records import NO_DEPTH, CameraMotion, Clip, Depth, Kinematics, Poses, Span, Tracks


class Judgement(NamedTuple):
    """A verdict before it has a place in a caption."""

    holds: bool | None
    why: str


@dataclass(frozen=True, eq=False)
class Measurements:
    """What a claim is checked against; what is worked out for one claim is kept for the next."""

    clip: Clip
    camera: CameraMotion
    tracks: Tracks
    poses: Poses
    kinematics: Kinematics
    depth: Depth = NO_DEPTH

    def row(self, subject: int) -> int | None:
        """Return the index of a track on the N axis of the kinematics, or None."""
        return self._rows.get(subject)

    def window(self, subject: int, span: Span | None) -> Window | Judgement:
        """Return the known samples of a subject in a span (of its whole life without one), or why there are too few.

        Raises:
            KeyError: the subject has no path.
        """
        key = (subject, span)
        if key not in self._windows:
            self._windows[key] = _window(self, self._rows[subject], span)
        return self._windows[key]

    def within(self, span: Span) -> Measurements:
        """Return the same without the samples outside a span: what "ever" means in that span.

        The arrays are views: a clip has many spans, and copies of all of them would outgrow it.
        """
        wide = Span(span.start_s, max(span.end_s, span.start_s + 2 * MARGIN_S))
        inside = np.flatnonzero(in_span(self.clip.times_s, wide))
        kept = slice(inside[0], inside[-1] + 1) if len(inside) else slice(0, 0)
        motion, joints = self.kinematics.tracks, self.kinematics.joints
        return replace(
            self,
            clip=_during(self.clip, kept),
            tracks=_during(self.tracks, kept),
            poses=_during(self.poses, kept),
            kinematics=Kinematics(_during(motion, kept), _during(joints, kept)),
            depth=_during(self.depth, kept) if len(self.depth.ids) else self.depth,
        )

    def as_filmed(self) -> Measurements:
        """Return the same with every path in image coordinates: what a viewer of the picture would say."""
        motion = self.kinematics.tracks
        filmed = replace(motion, frame=("image",) * len(motion.ids))
        return replace(self, kinematics=replace(self.kinematics, tracks=filmed))

    @cached_property
    def _rows(self) -> dict[int, int]:
        ids = self.kinematics.tracks.ids.tolist()
        return dict(zip(ids, range(len(ids)), strict=True))

    @cached_property
    def _windows(self) -> dict[tuple[int, Span | None], Window | Judgement]:
        return {}


def _during(record: Any, kept: slice) -> Any:
    """Return a record with its arrays cut to some samples, as views; the types say which axis is time."""
    axes = _time_axes(record.__class__)
    arrays = {name: getattr(record, name) for name in axes}
    return replace(record, **{n: a[(*axes[n], kept)] for n, a in arrays.items() if a is not None})


@cache
def _time_axes(kind: type) -> dict[str, tuple[slice, ...]]:
    """Return, for every field of a record with a time axis, an index that keeps the axes before it."""
    axes = {name: dims for name, hint in get_type_hints(kind).items() for dims in _dims(hint) if "T" in dims}
    return {name: (slice(None),) * dims.index("T") for name, dims in axes.items()}


def _dims(hint: Any) -> Iterator[list[str]]:
    """Yield the axes of the array types in an annotation."""
    for part in (hint, *get_args(hint)):
        if hasattr(part, "dim_str"):
            yield part.dim_str.split()


@dataclass(frozen=True, eq=False)
class Window:
    """The known samples of a subject in the time a claim speaks of."""

    measured: Measurements
    row: int
    times: Float[np.ndarray, "M"]
    path: Float[np.ndarray, "M 2"]
    size: Float[np.ndarray, "M"]
    said: Span | None
    """The claim's span, if it gives one."""

    @property
    def width(self) -> int:
        """Width of the picture in pixels."""
        return self.measured.clip.width

    @cached_property
    def needed(self) -> float:
        """Shift in pixels that counts as motion."""
        noise = float(np.nan_to_num(self.measured.kinematics.tracks.noise_px[self.row]))
        own = float(np.nanmedian(self.size)) if np.isfinite(self.size).any() else 0.0
        return max(MIN_SHIFT_WIDTHS * self.width, MIN_SHIFT_NOISE * noise, MIN_SHIFT_SIZES * own)

    @cached_property
    def extent(self) -> float:
        """Largest side of the box that the path fills, in pixels; 0 for fewer than two samples."""
        return _extent(self.path)

    @cached_property
    def broken(self) -> bool:
        """Whether the place is unknown for a while although the subject is seen: nobody can tell where it went."""
        inside = (self.measured.clip.times_s >= self.times[0]) & (
            self.measured.clip.times_s <= self.times[-1]
        )
        lost = _lost(self.measured, self.row) & inside
        return _longest_s(self.measured.clip.times_s, lost) >= MAX_LOST_S

    @property
    def when(self) -> str:
        """The time in words."""
        return f"{self.times[0]:.1f}-{self.times[-1]:.1f} s"

    @property
    def life(self) -> Window:
        """All of the subject's known samples; itself where those are too few."""
        whole = self.measured.window(int(self.measured.kinematics.tracks.ids[self.row]), None)
        return self if isinstance(whole, Judgement) else whole

    @cached_property
    def stops(self) -> tuple[float, ...]:
        """Instants at which motion turns to rest."""
        return _turns(self, forward=True)

    @cached_property
    def starts(self) -> tuple[float, ...]:
        """Instants at which rest turns to motion."""
        return _turns(self, forward=False)

    @cached_property
    def rests(self) -> tuple[tuple[float, float], ...]:
        """Every stop with the starts up to which it rests."""
        return tuple((stop, start) for stop in self.stops for start in self._ends_of_rest(stop))

    def _ends_of_rest(self, stop: float) -> Iterator[float]:
        for start in self.starts:
            if start <= stop:
                continue
            if self.between(stop + 0.2, start - 0.2).extent >= self.needed:
                return  # and still more until any later start
            yield start

    def part(self, first: int, last: int) -> Window:
        """Return the samples from ``first`` to ``last``, both inclusive."""
        chosen = slice(first, last + 1)
        return replace(self, times=self.times[chosen], path=self.path[chosen], size=self.size[chosen])

    def between(self, start_s: float, end_s: float) -> Window:
        """Return the samples within a time."""
        first, beyond = _bounds(self.times, np.array([start_s]), np.array([end_s]))
        return self.part(int(first[0]), int(beyond[0]) - 1)


def _window(measured: Measurements, row: int, span: Span | None) -> Window | Judgement:
    motion = measured.kinematics.tracks
    path, times = motion.path_px(row), measured.clip.times_s
    known = np.isfinite(path[:, 0])
    within = in_span(times, span)
    share = float(known[within].mean()) if within.any() else 0.0
    if span is not None and share < MIN_KNOWN:
        return Judgement(None, f"unseen in {1 - share:.0%} of {span.start_s:.1f}-{span.end_s:.1f} s")
    chosen = within & known
    if span is None:
        chosen = _unbroken(times, chosen, _lost(measured, row))
    if chosen.sum() < 3:
        return Judgement(None, "seen in fewer than three samples")
    return Window(measured, row, times[chosen], path[chosen], motion.size_px[row, chosen], span)


def _lost(measured: Measurements, row: int) -> Bool[np.ndarray, "T"]:
    """Return when a subject is seen but its place is not known (``stages/trust``): other than when it is not seen."""
    motion, tracks = measured.kinematics.tracks, measured.tracks
    seen = np.flatnonzero(tracks.ids == motion.ids[row])
    if not len(seen):
        return np.zeros(len(measured.clip.times_s), bool)
    lost: Bool[np.ndarray, "T"] = np.isfinite(tracks.xyxy[int(seen[0]), :, 0]) & ~np.isfinite(
        motion.image_px[row, :, 0]
    )
    return lost


def _longest_s(times: Float[np.ndarray, "T"], mask: Bool[np.ndarray, "T"]) -> float:
    """Return the duration of the longest run of samples; from the sample before to the one after it."""
    last = len(times) - 1
    return max(
        (float(times[min(b + 1, last)] - times[max(a - 1, 0)]) for a, b in stretches(mask)), default=0.0
    )


def _unbroken(
    times: Float[np.ndarray, "T"], chosen: Bool[np.ndarray, "T"], lost: Bool[np.ndarray, "T"]
) -> Bool[np.ndarray, "T"]:
    """Return the longest part of some samples in which the place is never lost for long."""
    breaks = [run for run in stretches(lost) if _longest_s(times, _only(lost, run)) >= MAX_LOST_S]
    if not breaks:
        return chosen
    starts, ends = [0, *(b + 1 for _, b in breaks)], [*(a for a, _ in breaks), len(times)]
    parts = [chosen & _only(chosen, (a, b - 1)) for a, b in zip(starts, ends, strict=True)]
    return max(parts, key=lambda part: int(part.sum()))


def _only(mask: Bool[np.ndarray, "T"], run: tuple[int, int]) -> Bool[np.ndarray, "T"]:
    result = np.zeros_like(mask)
    result[run[0] : run[1] + 1] = True
    return result


def _extent(path: Float[np.ndarray, "M 2"]) -> float:
    return float(np.ptp(path, axis=0).max()) if len(path) > 1 else 0.0


def _bounds(
    times: Float[np.ndarray, "M"], start_s: Float[np.ndarray, "S"], end_s: Float[np.ndarray, "S"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first sample of each time, and the first beyond it."""
    return np.searchsorted(times, start_s - 1e-9, "left"), np.searchsorted(times, end_s + 1e-9, "right")


def _turns(window: Window, forward: bool) -> tuple[float, ...]:
    """Return the instants at which motion turns to rest (or, backward in time, rest to motion)."""
    times, path = window.times, window.path
    sign = 1 if forward else -1
    moving = (times - 1.5, times) if forward else (times, times + 1.5)
    near, far = times + sign * 0.2, times + sign * (0.2 + MIN_REST_S)
    resting = (near, far) if forward else (far, near)
    found = []
    for t, a, b, c, d in zip(times, *_bounds(times, *moving), *_bounds(times, *resting), strict=True):
        rested = d - c > 2 and times[d - 1] - times[c] >= 0.7 * MIN_REST_S
        if rested and _extent(path[c:d]) < 0.5 * window.needed and _extent(path[a:b]) >= window.needed:
            found.append(float(t))
    return tuple(found)


# --- small judgements ---------------------------------------------------------------------------------------


def in_span(times: Float[np.ndarray, "T"], span: Span | None) -> Bool[np.ndarray, "T"]:
    """Return which samples a span means: all without one, those near it for an instant."""
    if span is None:
        return np.ones(len(times), bool)
    start, end = span
    if end - start < 2 * MARGIN_S:
        start, end = start - INSTANT_S, end + INSTANT_S
    return (times >= start - MARGIN_S) & (times <= end + MARGIN_S)


def limit(value: float, needed: float, why: str) -> Judgement:
    """True from ``needed`` on, false below ``DOUBT`` of it."""
    if value >= needed:
        return Judgement(True, why)
    return Judgement(False if value < DOUBT * needed else None, why)


def any_of(judgements: Sequence[Judgement]) -> Judgement:
    """Return the best of some judgements, at least one: one that holds, else one that is open, else the first."""
    rank = {True: 0, None: 1, False: 2}
    return min(judgements, key=lambda judged: rank[judged.holds])


def all_of(judgements: Sequence[Judgement]) -> Judgement:
    """False if one is false, else unknown if one is unknown, else true."""
    why = "; ".join(j.why for j in judgements)
    states = [j.holds for j in judgements]
    return Judgement(False if False in states else None if None in states else True, why)


def equal(counted: int, claimed: int, what: str) -> Judgement:
    """Judge a number."""
    return Judgement(counted == claimed, f"counted {counted} {what}")


def rise(signal: Float[np.ndarray, "M"]) -> float:
    """Return the largest climb from an earlier to a later sample."""
    return float((signal - np.minimum.accumulate(signal)).max(initial=0.0))


def rises(signal: Float[np.ndarray, "M"], needed: float) -> int:
    """Return how often a signal climbs by ``needed``: highs after lows (a high at the very start is no climb)."""
    ended = np.concatenate([[signal[0]], signal, [float(signal.min()) - 2 * needed]])
    found, _ = find_peaks(ended, prominence=needed)
    lows = np.minimum.accumulate(ended)
    return int(sum(i > 0 and ended[i] - lows[i - 1] >= needed for i in found))
