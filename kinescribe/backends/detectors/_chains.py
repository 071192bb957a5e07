"""Regions from sample to sample: what shows only once is flicker, and what never moves is a mistake of the plate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinescribe.backends.detectors._regions import Region, overlap

HELD = 0.8
"""A region holds another that lies in it with this share: outlines stray."""
Chain = list[tuple[int, Region]]
"""One region over time: sample of the stretch, and what it looks like there."""


def seen_twice(regions: Sequence[list[Region] | None], both_sides: bool = False) -> list[list[Region]]:
    """Return the regions that a neighbouring sample (or both) shows too: flicker does not come twice."""
    full = [found or [] for found in regions]
    twice = []
    for i, now in enumerate(full):
        before = full[i - 1] if i else []
        after = full[i + 1] if i + 1 < len(full) else []
        near = [(region.is_near(before), region.is_near(after)) for region in now]
        twice.append(
            [r for r, (a, b) in zip(now, near, strict=True) if ((a and b) if both_sides else (a or b))]
        )
    return twice


def without_mistakes(regions: Sequence[list[Region]], shortest: int) -> list[list[Region]]:
    """Return the regions less those of ``mistakes``."""
    kept = [list(found) for found in regions]
    for chain in mistakes(regions, shortest):
        for i, region in chain:
            kept[i].remove(region)
    return kept


def mistakes(regions: Sequence[Sequence[Region]], shortest: int) -> list[Chain]:
    """Return the chains of at least so many samples that show the plate's mistakes.

    They keep their place and do not change. A thing at rest does so too; but its outline is in the sample, and a
    thing of its size comes before or goes after.
    """
    whole = chains_of(regions)
    chains = [part for chain in whole for part in (_by_ghost(chain) if _idles(chain) else [chain])]
    alive = [chain for chain in chains if not _idles(chain)]
    return [
        chain
        for chain in chains
        if len(chain) >= shortest and _idles(chain) and (_is_ghostly(chain) or not _leads_on(chain, alive))
    ]


def chains_of(regions: Sequence[Sequence[Region]]) -> list[Chain]:
    """Link regions from sample to sample: where they overlap by half, or else lie near and are alike in size."""
    chains: list[Chain] = []
    going: list[Chain] = []
    for i, now in enumerate(regions):
        free, going_on = list(now), list[Chain]()
        for reaches in (_overlaps, _leaps):
            for chain in [c for c in going if c[-1][0] < i]:
                next_one = _most_like(chain[-1][1], free)
                if next_one is not None and reaches(chain[-1][1], next_one):
                    free.remove(next_one)
                    chain.append((i, next_one))
                    going_on.append(chain)
        new = [[(i, region)] for region in free]
        chains, going = chains + new, going_on + new
    return chains


def _most_like(last: Region, regions: Sequence[Region]) -> Region | None:
    return max(regions, key=lambda region: overlap(region, last), default=None)


def _overlaps(a: Region, b: Region) -> bool:
    return overlap(a, b) >= 0.5


def _leaps(a: Region, b: Region) -> bool:
    return b.changing and _follows(a, b)


def _follows(a: Region, b: Region) -> bool:
    """Whether the second may be the first a moment later: alike in size and near."""
    return 0.5 < b.area / a.area < 2 and a.is_near([b])


def _is_ghostly(chain: Chain) -> bool:
    return sum(region.ghost for _, region in chain) > 0.5 * len(chain)


def _leads_on(chain: Chain, alive: Sequence[Chain]) -> bool:
    """Whether something that moves comes to the chain's place before it, or goes from there after it."""
    return any(
        _continues(chain, other, chain[-1][1]) or _continues(other, chain, chain[0][1]) for other in alive
    )


def _continues(first: Chain, then: Chain, whole: Region) -> bool:
    """Whether a chain begins where and when another one ends, or the ``whole`` one takes the other in."""
    (end, last), (start, next_one) = first[-1], then[0]
    part = last if whole is next_one else next_one
    return -2 <= start - end <= 4 and (_follows(last, next_one) or _holds(whole, part))


def _holds(whole: Region, part: Region) -> bool:
    """Whether a region holds another: a thing that comes up to one at rest is one region with it."""
    x0, y0, x1, y1 = whole.xyxy
    a0, b0, a1, b1 = part.xyxy
    shared = max(0.0, min(x1, a1) - max(x0, a0)) * max(0.0, min(y1, b1) - max(y0, b0))
    return shared >= HELD * part.area


def _by_ghost(chain: Chain) -> list[Chain]:
    """Split a chain where a thing at rest gives way to the hole that it leaves, or the other way round."""
    ghost = np.array([region.ghost for _, region in chain], dtype=np.float64)
    if not 0.1 < ghost.mean() < 0.9:
        return [chain]
    sums = np.cumsum(ghost)[:-1]
    before = sums / np.arange(1, len(ghost))
    after = (ghost.sum() - sums) / np.arange(len(ghost) - 1, 0, -1)
    at = int(np.abs(after - before).argmax()) + 1
    return [chain[:at], chain[at:]] if abs(after[at - 1] - before[at - 1]) > 0.8 else [chain]


def _idles(chain: Chain) -> bool:
    """Whether a chain never leaves its place and mostly nothing in it changes: a mistake of the plate.

    A thing that came or goes has moved along its chain, so its rests are none, however long.
    """
    return _stays(chain) and sum(region.changing for _, region in chain) < 0.3 * len(chain)


def _stays(chain: Chain) -> bool:
    boxes = np.array([region.xyxy for _, region in chain])
    middle = Region(tuple(np.median(boxes, axis=0).tolist()), 0.0, False)
    return min(overlap(middle, region) for _, region in chain) > 0.2
