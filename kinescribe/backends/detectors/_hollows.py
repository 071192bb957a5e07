"""What grows or shrinks in its place is part of its own background: the plate shows it at a middling size.

While it is larger than that, its region is its own box. While it is smaller, the region is the ring of ground between
the thing and its image on the plate: a box that stays as it is, though something in it changes all the time, and that
comes before the growth (or after the shrinkage). What is seen in the ring when it is widest is the ground.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.backends.detectors._chains import Chain, chains_of
from kinescribe.backends.detectors._regions import Corners, Region

MIN_GROWTH_LOG = 0.1
"""By which both sides grow outside the plate's image: outlines of what rests breathe by less."""
MIN_GROWTH = 5
"""Samples of growth: what a trend can be told from noise by."""
MIN_TREND = 0.9
"""Correlation of size and time while a region grows."""
EDGE_PX = 1.5
"""Every edge goes outward by more than this, and a box is the same while no edge moves by more: a pixel is noise."""
STEP_PX = 4.0
"""No edge goes further from sample to sample: what doubles its size of 60 pixels in a second goes 3."""
MIN_RING = 4
"""Samples in which the ring must show ..."""
SEEN = 3
"""... of which so many at its widest mend the plate."""
INSIDE = 0.7
"""A region that lies with this share in the ring belongs to it: shadows and noise join it now and then."""
LEAST, SMALLER = 0.4, 0.9
"""On the mended plate, the thing at its smallest is smaller than the ring by this, but not by that."""


class Hollow(NamedTuple):
    """The ring in which the plate shows more of a thing than there is."""

    box: Corners
    """Of the thing on the plate."""
    samples: tuple[int, ...]
    """In which the ring shows, from the widest on."""

    @property
    def emptiest(self) -> Chain:
        """The samples in which the ring is widest, with its box."""
        return [(i, Region(self.box, 1.0, True)) for i in self.samples[:SEEN]]

    def explained_by(self, regions: Sequence[list[Region] | None]) -> list[list[Region] | None] | None:
        """Return regions that show a thing that grows to the ring's size instead of the ring; None if they do not.

        Its pieces are put together; where it is as small as on the plate, what is left of it is no box and is dropped.
        """
        inside = [self._inside(regions[i] or []) for i in self.samples]
        whole = [_round(parts, self.box) if parts else None for parts in inside]
        size = np.array([_size(one.xyxy) if one else 0.0 for one in whole])
        known = np.flatnonzero(size >= LEAST * _size(self.box))
        if len(known) < MIN_RING or _trend(known, size[known]) < MIN_TREND:
            return None
        if size[known[: max(1, len(known) // 3)]].mean() > SMALLER * _size(self.box):
            return None
        expected = np.polyval(np.polyfit(known, size[known], 1), np.arange(len(size)))
        told = [None if found is None else list(found) for found in regions]
        for k, i in enumerate(self.samples):
            one, fits = whole[k], size[k] >= SMALLER * expected[k]
            if one is not None:
                others = [region for region in regions[i] or [] if region not in inside[k]]
                told[i] = [*others, one] if fits else others
        return told

    def _inside(self, regions: Sequence[Region]) -> list[Region]:
        """Return the regions that lie in the ring."""
        found = []
        for region in regions:
            low, high = np.maximum(region.xyxy[:2], self.box[:2]), np.minimum(region.xyxy[2:], self.box[2:])
            if np.maximum(high - low, 0).prod() >= INSIDE * region.area:
                found.append(region)
        return found


def hollows(regions: Sequence[list[Region] | None]) -> Iterator[Hollow]:
    """Yield the rings of things that grow (and, backwards in time, of those that shrink)."""
    last = len(regions) - 1
    for order in (list(range(last + 1)), list(range(last, -1, -1))):
        for chain in chains_of([regions[i] or [] for i in order]):
            start = _begins_to_grow(chain)
            if start is None:
                continue
            found = Hollow(chain[start][1].xyxy, ())
            ring: list[int] = []
            for i in range(chain[start][0] - 1, -1, -1):
                if not found._inside(regions[order[i]] or []):
                    break
                ring.append(order[i])
            if len(ring) >= MIN_RING:
                yield found._replace(samples=tuple(reversed(ring)))


def _begins_to_grow(chain: Chain) -> int | None:
    """Return the link of a chain from which it grows on all four sides to its end; None if it does not."""
    boxes = np.array([region.xyxy for _, region in chain])
    outward = np.diff(boxes, axis=0) * [-1, -1, 1, 1]
    first_step = len(boxes) - 1
    while first_step > 0 and (np.abs(outward[first_step - 1]) <= STEP_PX).all():
        first_step -= 1
    moved = np.abs(boxes - boxes[first_step]).max(1) > EDGE_PX
    moved[:first_step] = False
    start = max(first_step, int(np.argmax(moved)) - 1) if moved.any() else len(boxes)
    grown = boxes[start:]
    if len(grown) < MIN_GROWTH:
        return None
    outward = (grown[-1] - grown[0]) * [-1, -1, 1, 1]
    first, last = (grown[k, 2:] - grown[k, :2] for k in (0, -1))
    grows = (outward > EDGE_PX).all() and (np.log(last / first) >= MIN_GROWTH_LOG).all()
    sizes = np.sqrt(np.prod(grown[:, 2:] - grown[:, :2], axis=1))
    return start if grows and _trend(np.arange(len(sizes)), sizes) >= MIN_TREND else None


def _round(parts: Sequence[Region], limit: Corners) -> Region:
    """Return one region for several, within a box."""
    corners = np.array([part.xyxy for part in parts])
    low = np.maximum(corners[:, :2].min(0), limit[:2]).tolist()
    high = np.minimum(corners[:, 2:].max(0), limit[2:]).tolist()
    changing = any(part.changing for part in parts)
    return Region((low[0], low[1], high[0], high[1]), max(part.score for part in parts), changing)


def _size(box: Corners) -> float:
    return float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))


def _trend(order: np.ndarray, sizes: Float[np.ndarray, "M"]) -> float:
    """Return the correlation of sizes with their order; 0 where they do not change."""
    return float(np.corrcoef(order, sizes)[0, 1]) if np.ptp(sizes) > 0 else 0.0
