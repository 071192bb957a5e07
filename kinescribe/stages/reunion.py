"""Fragments of one named thing that turned sharply while nobody saw it: a ball that hits a foot.

Fragments without a name are joined by their motion alone (``stages/track.py``), which a bounce breaks. A name says
more: the only ball of a clip that is seen again within its own reach is the same ball.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kinescribe.geometry import box_size, touches_border
from kinescribe.records import Clip, Tracks

FIT_S = 0.6
"""Stretch of a fragment from which its speed and size are taken."""
SLACK = 1.0
"""In sizes: how far beyond its reach at the speed that was seen of it a thing may be: a kick makes it faster."""


class _End(NamedTuple):
    """A fragment near one of its ends."""

    place: Float[np.ndarray, "2"]
    speed: float
    """The highest there, pixels a second."""
    size: float


def successors(
    clip: Clip,
    tracks: Tracks,
    path: Float[np.ndarray, "N T 2"],
    called: Sequence[Set[str]],
    max_gap_s: float,
    max_overlap_s: float,
    max_size_ratio: float,
) -> dict[int, int]:
    """Return which fragment goes on as which, by row; where both are seen, the later one is right.

    The earlier one must end, and the later one begin, away from the border (what leaves and what enters are two),
    within reach of each other, alike in size, and nothing of the same name may be there meanwhile.

    Args:
        clip: for its times and its size.
        tracks: all of them.
        path: their centres.
        called: the names by which each was seen; what has none takes no part.
        max_gap_s: longer out of sight, they are not joined.
        max_overlap_s: so long they may be seen together (a ball at a foot, and then the shoe for the ball).
        max_size_ratio: they differ in size by no more.
    """
    seen = [np.flatnonzero(row >= 0) for row in tracks.detection]
    border = np.asarray(touches_border(tracks.xyxy, clip.width, clip.height).any(-1))
    offers: list[tuple[float, int, int]] = []
    for i, whole in enumerate(seen):
        for j, two in enumerate(seen):
            one = whole[whole < two[0]]
            if i == j or not called[i] & called[j] or not len(one) or whole[-1] >= two[-1]:
                continue
            gap = float(clip.times_s[two[0]] - clip.times_s[one[-1]])
            overlap = float(clip.times_s[whole[-1]] - clip.times_s[two[0]])
            if gap > max_gap_s + 1e-6 or overlap > max_overlap_s + 1e-6:
                continue
            if (
                border[i, one[-1]]
                or border[j, two[0]]
                or _taken(seen, called, i, j, (int(one[-1]), int(two[0])))
            ):
                continue
            a, b = _end(clip, tracks, path[i], i, one[::-1]), _end(clip, tracks, path[j], j, two)
            size = min(a.size, b.size)
            alike = max(a.size, b.size) <= max_size_ratio * size
            if alike and _far(a, b) <= gap * max(a.speed, b.speed) + SLACK * size:
                offers.append((gap, i, j))
    result: dict[int, int] = {}
    for _, i, j in sorted(offers):
        if i not in result and j not in result.values():
            result[i] = j
    return result


def _taken(
    seen: Sequence[Int[np.ndarray, "_"]], called: Sequence[Set[str]], i: int, j: int, gap: tuple[int, int]
) -> bool:
    """Whether another of the same name is seen while the one ends and the other begins."""
    names = called[i] | called[j]
    return any(
        k not in (i, j) and called[k] & names and ((samples >= gap[0]) & (samples <= gap[1])).any()
        for k, samples in enumerate(seen)
    )


def _end(
    clip: Clip, tracks: Tracks, path: Float[np.ndarray, "T 2"], row: int, samples: Int[np.ndarray, "M"]
) -> _End:
    """Describe a fragment where its samples, in this order, begin."""
    near = samples[np.abs(clip.times_s[samples] - clip.times_s[samples[0]]) <= FIT_S]
    steps = np.hypot(*np.diff(path[near], axis=0).T) / np.maximum(np.abs(np.diff(clip.times_s[near])), 1e-6)
    return _End(
        path[near[0]], float(steps.max(initial=0.0)), float(np.median(box_size(tracks.xyxy[row, near])))
    )


def _far(one: _End, two: _End) -> float:
    return float(np.hypot(*(one.place - two.place)))
