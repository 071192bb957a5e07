"""What two subjects do to each other in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float

from kinescribe.events.scene import Scene, core, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import stretches, turning_points
from kinescribe.kinematics.posture import one_level, stays_in_view
from kinescribe.records import Clip, Event, Kinematics, Tracks

GOES = ("move", "oscillate", "enter", "leave")
"""What shows that something goes somewhere."""


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield relations; a region without a class that comes and goes nowhere may be nothing, and is nobody's other."""
    clip, tracks, kinematics = scene.clip, scene.tracks, scene.kinematics
    going = {event.subject for event in found if event.kind in GOES}
    lifetime = np.isfinite(kinematics.tracks.image_px[..., 0]).sum(1)
    worth = [
        n
        for n, label in enumerate(tracks.label)
        if label != "object" or int(tracks.ids[n]) in going or stays_in_view(tracks.xyxy[n])
    ]
    longest = sorted(sorted(worth, key=lambda n: (-lifetime[n], n))[:12])
    for i, j in list(combinations(longest, 2))[: settings.max_pairs]:
        yield from _pair(clip, tracks, kinematics, i, j, settings)


def _pair(
    clip: Clip, tracks: Tracks, kinematics: Kinematics, i: int, j: int, settings: EventSettings
) -> Iterator[Event]:
    path = kinematics.tracks.image_px
    gap = np.hypot(*(path[j] - path[i]).T) / clip.width
    for a, b in stretches(np.isfinite(gap)):
        if clip.times_s[b] - clip.times_s[a] < 0.8:
            continue
        turns = turning_points(gap[a : b + 1], settings.min_pair_widths)
        for one, two in zip(turns[:-1], turns[1:], strict=True):
            p, q = core(gap[a : b + 1], one.at, two.at)
            p, q = a + p, a + q
            change = two.value - one.value
            if abs(change) < 0.3 * max(one.value, two.value) or clip.times_s[q] - clip.times_s[p] < 0.4:
                continue
            if not _on_one_level(tracks, i, j, p if change > 0 else q):
                continue
            shares = [_share(path, x, y, p, q) for x, y in ((i, j), (j, i))]
            mover, still = (i, j) if shares[0] >= shares[1] else (j, i)
            values = {
                "from_widths": one.value,
                "to_widths": two.value,
                "share": max(shares),
                "needed": settings.min_pair_widths,
            }
            kind = "separate" if change > 0 else "approach"
            ids = tracks.ids
            yield Event(int(ids[mover]), kind, span_of(clip, p, q), values, other=int(ids[still]))


def _share(path: Float[np.ndarray, "N T 2"], mover: int, still: int, p: int, q: int) -> float:
    """Return how much of the change of distance is the first one's doing, in [0, 1]."""
    line = path[still, p] - path[mover, p]
    line = line / max(float(np.hypot(*line)), 1e-9)
    own = abs(float((path[mover, q] - path[mover, p]) @ line))
    others = abs(float((path[still, q] - path[still, p]) @ line))
    return own / max(own + others, 1e-9)


def _on_one_level(tracks: Tracks, i: int, j: int, at: int) -> bool:
    people = tracks.label[i] == tracks.label[j] == "person"
    return not people or one_level(tracks.xyxy[i, at], tracks.xyxy[j, at])
