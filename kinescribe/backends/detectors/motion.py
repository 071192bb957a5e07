"""Moving things without a name, from what changes in the picture. Needs no weights.

Steady camera: a *clean plate* per minute, the median of up to 45 samples before and after (not only before, so
drifting exposure and steady traffic do no harm), each brought to one exposure. A pixel is foreground where it
leaves the plate by more than its own noise; connected foreground becomes a box. Where a thing stands longer than
not, the plate shows the thing: a region then seems to lie still at its place before it comes, and the plate is
mended with what is seen in that region. What moves in place all the time gets boxes only where it moves.

Moving camera: a sample is compared with neighbours that the camera's maps bring into its place; what fits neither
the past nor the future is boxed. Boxes are approximate, and thresholds prefer misses to false boxes. Where the
camera is unknown nothing is looked for, unless the picture itself proves to be steady.

``Detections.notes`` says which of these was done when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from kinescribe.geometry import apply_affine, box_cover, box_size, compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frame, Frames

__all__ = ["MotionRegions"]

# Lengths below are pixels of the small picture (320 on its longer side); levels are grey levels.
MIN_LEVELS, MIN_COLOUR_LEVELS = 14.0, 8.0
"""Foreground leaves the plate by at least this. H.264 noise in static clips stays below 10 and 5."""
NOISE_FACTOR = 5.0
"""And by this many robust standard deviations of the pixel."""
DARKER, SHADOW = 1.6, 0.8
"""A darker pixel must differ this much more, and fall below this share of the plate: soft shadows have no colour of
their own and take up to a fifth of the light."""
MAX_STEADY_SHIFT = 0.08
"""A camera that strays less than this (of the longer side) keeps one plate, into which samples are warped."""
STEADY_NOISE, STEADY_SHARE = 3.0, 0.75
"""A picture of unknown camera is steady if this share of its pixels varies less than these levels."""
MAX_FOREGROUND, MAX_RESIDUAL, MAX_BOX = 0.6, 0.25, 0.85
"""More of the picture than this does not move at once: the light or the camera changed."""
CHANGE_S, CHANGE_LEVELS = 0.2, 4.0
"""A region changes if its pixels do by this much on average within this time; codec noise makes 1 to 2."""
MODE_SHARE, MODE_SIGMAS, MODE_LEVELS = 0.25, 0.64, 10.0
"""The densest quarter of a pixel's values spans 0.64 standard deviations where they are Gaussian; it is preferred
to the median when the quarter round that spans more than twice as much, and these levels."""
MIN_HOLE, HOLE_SAMPLES = 5, 9
"""Samples of a hole before the plate is mended, and samples it is mended with."""
MIN_LIFE_S = 1.0
"""A region that is seen at one place for longer than this without any change is no moving thing but a mistake of the
plate (what somebody stood in front of for most of the minute)."""
GHOST = 0.5
"""A region whose outline shows this much less in the sample than in the plate is a hole, left by what went away."""
NEIGHBOURS_S = (0.3, 0.8)
"""With a moving camera: how far the compared samples are away. A fast thing is not met twice in the short time; a
slow and plain one needs the long one to leave its own outline."""
RESIDUAL_LEVELS = 24.0
MIN_INLIER_RATIO = 0.55
"""Below, parallax makes still things seem to move."""
EXPOSURE = 0.01
"""Changes of exposure below this are left."""


class Region(NamedTuple):
    """A box in the small picture, how far it stands out in [0, 1), and whether anything in it changes just now."""

    xyxy: tuple[float, float, float, float]
    score: float
    changing: bool
    ghost: bool = False
    """Whether its outline is on the plate rather than in the sample."""


class Sample(NamedTuple):
    """What is kept of a sample while its stretch is looked at."""

    number: int
    yuv: UInt8[np.ndarray, "R w"]
    """I420: luma, then both colours at half the resolution."""


class Stretch(NamedTuple):
    """Samples [start, stop) with one way of looking at them: plate, neighbours, or nothing."""

    start: int
    stop: int
    way: str


@dataclass(frozen=True)
class MotionRegions:
    """Detections labelled ``object``, source ``motion``."""

    side: int = 320
    """Longer side of the picture that is looked at."""
    plate_s: float = 60.0
    """A plate stands for at most this long: memory stays flat, daylight may drift, and somebody may stand still
    for half of it without becoming background. 600 small pictures take 52 MB."""
    plate_samples: int = 45
    """Samples in a plate (perception 4.1)."""
    min_area: float = 0.0005
    """Smallest region, share of the picture: 29 pixels of 320 x 180, a ball of 6."""

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Find what moves; ``regions`` are not used."""
        notes: list[str] = []
        found: dict[int, list[Region]] = {}
        stretches = iter(self._stretches(clip, camera))
        stretch, held = next(stretches, None), list[Sample]()
        scale = np.ones(2)
        for frame in frames:
            sample, scale = self._small(frame, clip)
            held.append(sample)
            if stretch is not None and frame.sample == stretch.stop - 1:
                look = Look(self, clip, camera, held, scale)
                found.update(look.at(stretch, notes))
                stretch, held = next(stretches, None), []
        return _detections(found, np.array([clip.width, clip.height]), scale, notes)

    def _small(self, frame: Frame, clip: Clip) -> tuple[Sample, Float[np.ndarray, "2"]]:
        """Return the small picture and the clip's pixels per pixel of it."""
        height, width = frame.image.shape[:2]
        shrink = max(1.0, max(height, width) / self.side)
        # I420 halves both sides for the colours.
        size = (max(2, round(width / shrink / 2) * 2), max(2, round(height / shrink / 2) * 2))
        image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        scale = np.array([clip.width / size[0], clip.height / size[1]])
        return Sample(frame.sample, np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420))), scale

    def _stretches(self, clip: Clip, camera: CameraMotion) -> list[Stretch]:
        """Cut the clip where the picture cuts and where the camera's maps begin or end, then by the minute."""
        known = np.isfinite(camera.to_scene[:, 0, 0])
        cut = np.isin(np.arange(len(known)), np.searchsorted(clip.times_s, np.array(camera.cuts_s) - 1e-6))
        breaks = np.flatnonzero(cut[1:] | (known[1:] != known[:-1])) + 1
        blind = any(label.startswith(("dolly", "complex")) for label in camera.labels)
        stretches: list[Stretch] = []
        for run in np.split(np.arange(len(known)), breaks):
            length = float(clip.times_s[run[-1]] - clip.times_s[run[0]])
            for part in np.array_split(run, max(1, int(np.ceil(length / self.plate_s - 1e-9)))):
                way = "unknown" if blind else "try"
                if known[part[0]]:
                    way = "plate" if _strays(clip, camera.to_scene[part]) < MAX_STEADY_SHIFT else "neighbours"
                stretches.append(Stretch(int(part[0]), int(part[-1]) + 1, way))
        return stretches


class Look:
    """One stretch of a clip, held in memory."""

    def __init__(
        self,
        backend: MotionRegions,
        clip: Clip,
        camera: CameraMotion,
        samples: Sequence[Sample],
        scale: Float[np.ndarray, "2"],
    ) -> None:
        self.backend, self.clip, self.camera, self.samples = backend, clip, camera, samples
        self.width = samples[0].yuv.shape[1]
        self.height = samples[0].yuv.shape[0] * 2 // 3
        unit = np.array([[1, scale[1] / scale[0], 1 / scale[0]], [scale[0] / scale[1], 1, 1 / scale[1]]])
        start, stop = samples[0].number, samples[-1].number + 1
        self.places = camera.to_scene[start:stop] * unit
        """The camera's maps in pixels of the small pictures."""

    def at(self, stretch: Stretch, notes: list[str]) -> dict[int, list[Region]]:
        """Return the regions of every sample, and note what could not be done."""
        when = f"{self.clip.times_s[stretch.start]:.1f}-{self.clip.times_s[stretch.stop - 1]:.1f} s"
        if stretch.way == "unknown" or (stretch.way != "neighbours" and len(self.samples) < 3):
            notes.append(f"motion: camera unknown at {when}, nothing looked for")
            return {}
        if stretch.way == "neighbours":
            notes.append(f"motion: camera moves at {when}, boxes are approximate and many things are missed")
            return self._kept(_twice(list(self._by_neighbours()), both_sides=True))
        if stretch.way == "try":
            self.places = np.repeat(np.eye(2, 3)[None], len(self.samples), axis=0)
        middle = len(self.samples) // 2
        into = compose_affine(invert_affine(self.places), self.places[middle][None])
        yuv = self._aligned(middle, into)
        plate = Plate.of(
            [yuv[i] for i in self._spread(len(yuv))], tolerant=bool((into != np.eye(2, 3)).any())
        )
        if stretch.way == "try" and (plate.noise[: self.height] <= STEADY_NOISE).mean() < STEADY_SHARE:
            notes.append(f"motion: camera unknown at {when}, nothing looked for")
            return {}
        regions = self._seen(plate, yuv, into)
        holes = _mistakes(_twice(regions), MIN_HOLE)
        if holes:
            plate = self._mended(plate, yuv, into, holes)
            regions = self._seen(plate, yuv, into)
        crowded = sum(r is None for r in regions)
        if crowded:
            notes.append(f"motion: {crowded} samples of {when} change almost everywhere (light?), left out")
        solid = [[r for r in found or [] if not r.ghost] for found in regions]
        return self._kept(_twice(solid))

    # --- steady camera --------------------------------------------------------------------------------------

    def _spread(self, count: int) -> Int[np.ndarray, "k"]:
        return np.unique(np.linspace(0, count - 1, self.backend.plate_samples).round().astype(int))

    def _aligned(self, middle: int, into: Float[np.ndarray, "P 2 3"]) -> list[UInt8[np.ndarray, "R w"]]:
        """Return the samples in the exposure of the middle one, and in its place (``into`` leads back)."""
        lit = _thumbnail(self.samples[middle].yuv[: self.height])
        pictures = []
        for sample, affine in zip(self.samples, into, strict=True):
            yuv = sample.yuv
            gain = float(np.median(lit / _thumbnail(yuv[: self.height])))
            if abs(gain - 1) > EXPOSURE:
                yuv = np.concatenate(
                    [cv2.convertScaleAbs(yuv[: self.height], alpha=gain), yuv[self.height :]]
                )
            pictures.append(self._warped(yuv, affine) if (affine != np.eye(2, 3)).any() else yuv)
        return pictures

    def _warped(
        self, yuv: UInt8[np.ndarray, "R w"], affine: Float[np.ndarray, "2 3"]
    ) -> UInt8[np.ndarray, "R w"]:
        luma, *colours = self._planes(yuv)
        half = affine * [[1, 1, 0.5], [1, 1, 0.5]]
        planes = [_warp(luma, affine), *(_warp(colour, half) for colour in colours)]
        return np.concatenate([plane.reshape(-1) for plane in planes]).reshape(yuv.shape)

    def _planes(self, yuv: UInt8[np.ndarray, "R w"]) -> list[UInt8[np.ndarray, "_ _"]]:
        """Return luma and the two colours at half the resolution."""
        pixels, flat = self.width * self.height, yuv.reshape(-1)
        shape = (self.height // 2, self.width // 2)
        colours = [part.reshape(shape) for part in np.split(flat[pixels:], 2)]
        return [yuv[: self.height], *colours]

    def _seen(
        self, plate: Plate, pictures: Sequence[UInt8[np.ndarray, "R w"]], into: Float[np.ndarray, "P 2 3"]
    ) -> list[list[Region] | None]:
        return [self._by_plate(plate, pictures, i, into[i]) for i in range(len(pictures))]

    def _mended(
        self,
        plate: Plate,
        pictures: Sequence[UInt8[np.ndarray, "R w"]],
        into: Float[np.ndarray, "P 2 3"],
        holes: Sequence[Sequence[tuple[int, Region]]],
    ) -> Plate:
        """Return the plate with the holes filled by what is seen in them."""
        median, noise = plate.median.copy(), plate.noise.copy()
        for hole in holes:
            spread = np.unique(np.linspace(0, len(hole) - 1, HOLE_SAMPLES).round().astype(int))
            seen = [pictures[hole[k][0]] for k in spread]
            back = invert_affine(into[hole[len(hole) // 2][0]])
            area = self._area(_mapped(hole[len(hole) // 2][1].xyxy, back), median.shape)
            unlike = np.mean([cv2.inRange(picture, plate.low, plate.high) == 0 for picture in seen], axis=0)
            patch = area & (cv2.dilate((unlike >= 0.5).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
            median[patch] = _sorted(seen)[len(seen) // 2][patch]
            noise[patch] = np.minimum(noise[patch], np.median(noise))
        return Plate.round(median, noise, tolerant=bool((into != np.eye(2, 3)).any()))

    def _area(
        self, xyxy: tuple[float, float, float, float], shape: tuple[int, ...]
    ) -> Bool[np.ndarray, "R w"]:
        """Return the pixels of a box (and a margin) in all three planes."""
        area = np.zeros(shape, np.uint8)
        for plane, scale in zip(self._planes(area), (1, 2, 2), strict=True):
            x0, y0, x1, y1 = (int(v / scale) for v in xyxy)
            plane[max(0, y0 - 3) : y1 + 4, max(0, x0 - 3) : x1 + 4] = 1
        return area > 0

    def _by_plate(
        self,
        plate: Plate,
        pictures: Sequence[UInt8[np.ndarray, "R w"]],
        i: int,
        into: Float[np.ndarray, "2 3"],
    ) -> list[Region] | None:
        """Return the regions of a sample in its own pixels; None if nearly everything changed."""
        yuv, warped = pictures[i], bool((into != np.eye(2, 3)).any())
        inside = self._planes(cv2.inRange(yuv, plate.low, plate.high))
        colour = cv2.bitwise_not(cv2.bitwise_and(inside[1], inside[2]))
        mask = cv2.resize(colour, inside[0].shape[::-1], interpolation=cv2.INTER_NEAREST)
        mask = np.asarray(cv2.medianBlur(cv2.bitwise_or(cv2.bitwise_not(inside[0]), mask), 3))
        if warped:
            seen = _warp(np.full_like(mask, 255), into, cv2.BORDER_CONSTANT)
            mask = np.asarray(cv2.bitwise_and(mask, cv2.erode(seen, np.ones((5, 5), np.uint8))))
        if np.count_nonzero(mask) > MAX_FOREGROUND * mask.size:
            return None
        if not mask.any():
            return []
        luma, still = yuv[: self.height], plate.median[: self.height]
        excess = cv2.absdiff(luma, still) / plate.least
        regions = self._regions(mask, excess, self._change(pictures, i), (5, 9), (luma, still))
        return [region._replace(xyxy=_mapped(region.xyxy, into)) for region in regions] if warped else regions

    def _change(self, pictures: Sequence[UInt8[np.ndarray, "R w"]], i: int) -> UInt8[np.ndarray, "h w"]:
        """Return how much each pixel changes from a little before to a little after."""
        step = max(1, round(CHANGE_S * _samples_per_s(self.clip)))
        a, b = pictures[max(0, i - step)], pictures[min(len(pictures) - 1, i + step)]
        return np.asarray(cv2.absdiff(a[: self.height], b[: self.height]))

    # --- moving camera --------------------------------------------------------------------------------------

    def _by_neighbours(self) -> Iterator[list[Region]]:
        numbers = [sample.number for sample in self.samples]
        times, ratio = self.clip.times_s[numbers], self.camera.inlier_ratio[numbers]
        for i in range(len(self.samples)):
            pairs = [pair for lag in NEIGHBOURS_S if (pair := _neighbours(times, i, lag)) is not None]
            reach = [k for pair in pairs[:1] for k in (*pair, i)]
            if not pairs or np.nanmin(ratio[min(reach) + 1 : max(reach) + 1]) < MIN_INLIER_RATIO:
                yield []
            else:
                yield self._unlike(i, pairs)

    def _unlike(self, i: int, pairs: Sequence[tuple[int, int]]) -> list[Region]:
        """Return what, for one of the pairs, neither of its samples shows at its place."""
        luma = self.samples[i].yuv[: self.height]
        most = np.zeros_like(luma)
        for pair in pairs:
            least = np.full_like(luma, 255)
            for j in pair:
                place = compose_affine(invert_affine(self.places[j]), self.places[i])
                least = cv2.min(least, self._difference(luma, self.samples[j].yuv[: self.height], place))
            most = cv2.max(most, least)
        level = max(RESIDUAL_LEVELS, 3 * float(np.percentile(most, 75)))
        mask = np.asarray(cv2.medianBlur((most > level).astype(np.uint8) * 255, 3))
        if np.count_nonzero(mask) > MAX_RESIDUAL * mask.size:
            return []
        return self._regions(mask, most / level, None, (11, 15), None)

    def _difference(
        self, luma: UInt8[np.ndarray, "h w"], other: UInt8[np.ndarray, "h w"], place: Float[np.ndarray, "2 3"]
    ) -> UInt8[np.ndarray, "h w"]:
        """Return how far a picture leaves the other's 5 x 5 neighbourhood; 0 where the other did not look."""
        warped = _warp(other, place)
        seen = _warp(np.full_like(other, 255), place, cv2.BORDER_CONSTANT)
        gain = float(np.median(_thumbnail(luma) / _thumbnail(warped)))
        warped = cv2.convertScaleAbs(warped, alpha=gain)
        square = np.ones((5, 5), np.uint8)
        above = cv2.subtract(luma, cv2.dilate(warped, square))
        below = cv2.subtract(cv2.erode(warped, square), luma)
        return np.asarray(cv2.bitwise_and(cv2.max(above, below), cv2.erode(seen, square)))

    # --- regions --------------------------------------------------------------------------------------------

    def _regions(
        self,
        mask: UInt8[np.ndarray, "h w"],
        excess: Float[np.ndarray, "h w"],
        change: UInt8[np.ndarray, "h w"] | None,
        reach: tuple[int, int],
        ghosts: tuple[UInt8[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]] | None,
    ) -> list[Region]:
        """Return the connected parts of a mask.

        Args:
            mask: 255 where something moves.
            excess: by how many thresholds.
            change: grey levels within a short time; None where all that is found moves.
            reach: width and height over which parts are joined; taller than wide, as people are.
            ghosts: sample and plate, to tell holes.
        """
        if not mask.any():
            return []
        joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones(reach[::-1], np.uint8))
        count, label, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        hit = mask > 0
        parts = label[hit]
        area = np.maximum(np.bincount(parts, minlength=count), 1)
        strength = np.bincount(parts, weights=excess[hit], minlength=count) / area
        changing = np.ones(count, dtype=bool)
        if change is not None:
            changing = np.bincount(parts, weights=change[hit], minlength=count) / area > CHANGE_LEVELS
        keep = area >= max(6.0, self.backend.min_area * mask.size)
        keep &= stats[:, 2] * stats[:, 3] <= MAX_BOX * mask.size
        keep[0] = False
        ghost = np.zeros(count, dtype=bool)
        if ghosts is not None and keep.any():
            ghost = _is_ghost(label, joined, count, *ghosts)
        regions = []
        for k in np.flatnonzero(keep):
            x, y, w, h = (float(v) for v in stats[k, :4])
            score = 1 - 1 / (1 + max(0.0, float(strength[k]) - 0.5))
            regions.append(Region((x, y, x + w, y + h), score, bool(changing[k]), bool(ghost[k])))
        return _outer(regions)

    def _kept(self, regions: list[list[Region]]) -> dict[int, list[Region]]:
        """Return the regions by sample, without those that never move."""
        longest = round(MIN_LIFE_S * _samples_per_s(self.clip))
        for chain in _mistakes(regions, longest + 1):
            for i, region in chain:
                regions[i].remove(region)
        return {self.samples[i].number: found for i, found in enumerate(regions) if found}


class Plate(NamedTuple):
    """The picture without what moves, and the band in which its pixels stay."""

    median: UInt8[np.ndarray, "R w"]
    noise: Float[np.ndarray, "R w"]
    """Robust standard deviation."""
    low: UInt8[np.ndarray, "R w"]
    high: UInt8[np.ndarray, "R w"]
    least: Float[np.ndarray, "h w"]
    """What a luma pixel must differ by."""

    @classmethod
    def of(cls, pictures: Sequence[UInt8[np.ndarray, "R w"]], tolerant: bool) -> Plate:
        """Return the plate of some pictures.

        Args:
            pictures: I420, aligned.
            tolerant: let every luma pixel have its neighbours' values too (for warped pictures).
        """
        lane = _sorted(pictures)
        median, narrow, width = _steadiest(lane)
        spread = _sorted([cv2.absdiff(picture, median) for picture in pictures])[len(pictures) // 2]
        # The neighbourhood's noise: a leaf that sways here sways next to here too.
        noise = 1.4826 * _in_planes(spread, cv2.dilate).astype(np.float64)
        noise[narrow] = width[narrow] / MODE_SIGMAS
        return cls.round(median, noise, tolerant)

    @classmethod
    def round(
        cls, median: UInt8[np.ndarray, "R w"], noise: Float[np.ndarray, "R w"], tolerant: bool
    ) -> Plate:
        """Return the band round a picture."""
        rows = len(median) * 2 // 3
        level = median.astype(np.float64)
        margin = np.maximum(MIN_LEVELS, NOISE_FACTOR * noise)
        # Less light makes colours paler in proportion.
        paler = (1 - SHADOW) * np.abs(level[rows:] - 128)
        margin[rows:] = np.maximum(MIN_COLOUR_LEVELS, NOISE_FACTOR * noise[rows:]) + paler
        above, below = level, level
        if tolerant:
            above, below = (
                _in_planes(median, change).astype(np.float64) for change in (cv2.dilate, cv2.erode)
            )
        low, high = below - margin, above + margin
        low[:rows] = np.minimum(below[:rows] - DARKER * margin[:rows], SHADOW * below[:rows])
        bytes_low, bytes_high = (np.clip(band, 0, 255).astype(np.uint8) for band in (low, high))
        return cls(median, noise, bytes_low, bytes_high, margin[:rows])


def _in_planes(yuv: UInt8[np.ndarray, "R w"], change: Callable[..., np.ndarray]) -> UInt8[np.ndarray, "R w"]:
    """Return an I420 picture after a 3 x 3 operation on each of its planes."""
    rows, width = len(yuv) * 2 // 3, yuv.shape[1]
    square = np.ones((3, 3), np.uint8)
    colours = yuv[rows:].reshape(2, rows // 2, width // 2)
    parts = [change(yuv[:rows], square), *(change(colour, square) for colour in colours)]
    return np.concatenate([np.asarray(part).reshape(-1) for part in parts]).reshape(yuv.shape)


def _sorted(pictures: Sequence[UInt8[np.ndarray, "R w"]]) -> list[UInt8[np.ndarray, "R w"]]:
    """Return, pixel by pixel, the smallest, second smallest, ... value of some pictures.

    Batcher's odd-even merge sort with pictures for numbers: a comparison is one min and one max over bytes, which
    is 30 times faster than sorting every pixel's values.
    """
    lane = list(pictures)
    count = len(lane)
    step = 1
    while step < count:
        for width in _halvings(step):
            for i in range(width % step, count - width, 2 * width):
                for j in range(i, min(i + width, count - width)):
                    if j // (2 * step) == (j + width) // (2 * step):
                        lane[j], lane[j + width] = _in_order(lane[j], lane[j + width])
        step *= 2
    return lane


def _steadiest(
    lane: Sequence[UInt8[np.ndarray, "R w"]],
) -> tuple[UInt8[np.ndarray, "R w"], Bool[np.ndarray, "R w"], UInt8[np.ndarray, "R w"]]:
    """Return the plate's values, where they are modes, and the width of the shortest interval of values.

    A thing that creeps over a pixel for most of the time brings many different values, the background always the
    same: where the values round the median are scattered, the densest ones are taken.

    Args:
        lane: pictures sorted pixel by pixel.
    """
    count, middle = len(lane), len(lane) // 2
    inside = max(2, round(MODE_SHARE * count))
    if count < 2 * inside:
        return lane[middle], np.zeros(lane[0].shape, dtype=bool), np.zeros_like(lane[0])
    low = middle - inside // 2
    central = cv2.subtract(lane[low + inside], lane[low])
    width, mode = central.copy(), lane[middle].copy()
    for i in range(count - inside):
        here = cv2.subtract(lane[i + inside], lane[i])
        better = here < width
        np.copyto(width, here, where=better)
        np.copyto(mode, lane[i + inside // 2], where=better)
    narrow = central > 2.0 * width + MODE_LEVELS
    return np.where(narrow, mode, lane[middle]), narrow, np.asarray(width)


def _in_order(
    a: UInt8[np.ndarray, "R w"], b: UInt8[np.ndarray, "R w"]
) -> tuple[UInt8[np.ndarray, "R w"], UInt8[np.ndarray, "R w"]]:
    return np.asarray(cv2.min(a, b)), np.asarray(cv2.max(a, b))


def _halvings(step: int) -> Iterator[int]:
    while step:
        yield step
        step //= 2


def _strays(clip: Clip, places: Float[np.ndarray, "P 2 3"]) -> float:
    """Return how far the corners of the picture stray from their median place, share of the longer side."""
    corners = np.array(
        [[0, 0], [clip.width, 0], [0, clip.height], [clip.width, clip.height]], dtype=np.float64
    )
    moved = apply_affine(places[:, None], corners[None])
    away = moved - np.median(moved, axis=0)
    return float(np.hypot(away[..., 0], away[..., 1]).max()) / max(clip.width, clip.height)


def _neighbours(times_s: Float[np.ndarray, "P"], i: int, lag_s: float) -> tuple[int, int] | None:
    """Return a sample before and one after, or two on the same side at the ends; None in short stretches."""
    slack = 0.02
    before, after = times_s[i] - times_s[0] >= lag_s - slack, times_s[-1] - times_s[i] >= lag_s - slack
    offsets = (-lag_s, lag_s) if before and after else (lag_s, 2 * lag_s) if after else (-lag_s, -2 * lag_s)
    wanted = times_s[i] + np.array(offsets)
    if (wanted < times_s[0] - slack).any() or (wanted > times_s[-1] + slack).any():
        return None
    a, b = (int(np.abs(times_s - t).argmin()) for t in wanted)
    return None if i in (a, b) or a == b else (a, b)


def _warp(
    plane: UInt8[np.ndarray, "h w"], place: Float[np.ndarray, "2 3"], border: int = cv2.BORDER_REPLICATE
) -> UInt8[np.ndarray, "h w"]:
    """Return what a plane shows at ``place(x)`` for every pixel x; maps are continuous, pixel centres at halves."""
    centre = place.copy()
    centre[:, 2] += place[:, :2] @ [0.5, 0.5] - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, centre, plane.shape[::-1], flags=flags, borderMode=border))


def _thumbnail(luma: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, "12 20"]:
    return np.asarray(cv2.resize(luma, (20, 12), interpolation=cv2.INTER_AREA)).astype(np.float64) + 1


def _is_ghost(
    label: Int[np.ndarray, "h w"] | np.ndarray,
    joined: UInt8[np.ndarray, "h w"],
    count: int,
    luma: UInt8[np.ndarray, "h w"],
    plate: UInt8[np.ndarray, "h w"],
) -> Bool[np.ndarray, "L"]:
    """Return which parts have their outline in the plate rather than in the picture."""
    square = np.ones((3, 3), np.uint8)
    rim = (joined > 0) & (cv2.erode(joined, square) == 0)
    here, there = (
        np.bincount(label[rim], weights=cv2.morphologyEx(p, cv2.MORPH_GRADIENT, square)[rim], minlength=count)
        for p in (luma, plate)
    )
    ghost: Bool[np.ndarray, "L"] = here < GHOST * there
    return ghost


def _twice(regions: Sequence[list[Region] | None], both_sides: bool = False) -> list[list[Region]]:
    """Return the regions that a neighbouring sample (or both) shows too: flicker does not come twice."""
    full = [found or [] for found in regions]
    twice = []
    for i, now in enumerate(full):
        before = full[i - 1] if i else []
        after = full[i + 1] if i + 1 < len(full) else []
        near = [(_near(region, before), _near(region, after)) for region in now]
        twice.append(
            [r for r, (a, b) in zip(now, near, strict=True) if ((a and b) if both_sides else (a or b))]
        )
    return twice


def _chains(regions: Sequence[Sequence[Region]]) -> list[list[tuple[int, Region]]]:
    """Link regions from sample to sample: where they overlap by half, or else lie near and are alike in size."""
    chains: list[list[tuple[int, Region]]] = []
    going: list[list[tuple[int, Region]]] = []
    for i, now in enumerate(regions):
        free, going_on = list(now), []
        for reaches in (_overlaps, _leaps):
            for chain in [c for c in going if c[-1][0] < i]:
                next_one = max(free, key=lambda r, last=chain[-1][1]: _overlap(r, last), default=None)  # type: ignore[misc]
                if next_one is not None and reaches(chain[-1][1], next_one):
                    free.remove(next_one)
                    chain.append((i, next_one))
                    going_on.append(chain)
        new = [[(i, region)] for region in free]
        chains, going = chains + new, going_on + new
    return chains


def _overlaps(a: Region, b: Region) -> bool:
    return _overlap(a, b) >= 0.5


def _leaps(a: Region, b: Region) -> bool:
    return b.changing and 0.5 < _area_of(b) / _area_of(a) < 2 and _near(a, [b])


def _mistakes(regions: Sequence[Sequence[Region]], shortest: int) -> list[list[tuple[int, Region]]]:
    """Return the chains of at least so many samples that show the plate's mistakes.

    They keep their place and do not change. A thing at rest does so too; but its outline is in the sample, and a
    thing of its size comes before or goes after.
    """
    chains = [
        part for chain in _chains(regions) for part in ([chain] if not _idles(chain) else _by_ghost(chain))
    ]
    alive = [chain for chain in chains if not _idles(chain)]
    mistakes = []
    for chain in chains:
        if len(chain) >= shortest and _idles(chain):
            ghostly = sum(region.ghost for _, region in chain) > 0.5 * len(chain)
            if ghostly or not any(_continues(chain, other) or _continues(other, chain) for other in alive):
                mistakes.append(chain)
    return mistakes


def _by_ghost(chain: list[tuple[int, Region]]) -> list[list[tuple[int, Region]]]:
    """Split a chain where a thing at rest gives way to the hole that it leaves, or the other way round."""
    ghost = np.array([region.ghost for _, region in chain], dtype=np.float64)
    if not 0.1 < ghost.mean() < 0.9:
        return [chain]
    sums = np.cumsum(ghost)[:-1]
    before = sums / np.arange(1, len(ghost))
    after = (ghost.sum() - sums) / np.arange(len(ghost) - 1, 0, -1)
    at = int(np.abs(after - before).argmax()) + 1
    return [chain[:at], chain[at:]] if abs(after[at - 1] - before[at - 1]) > 0.8 else [chain]


def _continues(first: Sequence[tuple[int, Region]], then: Sequence[tuple[int, Region]]) -> bool:
    """Whether a chain begins where and when another one ends."""
    (end, last), (start, next_one) = first[-1], then[0]
    return (
        -2 <= start - end <= 4 and 0.5 < _area_of(next_one) / _area_of(last) < 2 and _near(last, [next_one])
    )


def _idles(chain: Sequence[tuple[int, Region]]) -> bool:
    """Whether a chain never leaves its place and mostly nothing in it changes: a mistake of the plate.

    A thing that came or goes has moved along its chain, so its rests are none, however long.
    """
    boxes = np.array([region.xyxy for _, region in chain])
    middle = Region(tuple(np.median(boxes, axis=0).tolist()), 0.0, False)
    stays = min(_overlap(middle, region) for _, region in chain) > 0.2
    return stays and sum(region.changing for _, region in chain) < 0.3 * len(chain)


def _area_of(region: Region) -> float:
    x0, y0, x1, y1 = region.xyxy
    return (x1 - x0) * (y1 - y0)


def _overlap(a: Region, b: Region) -> float:
    """Return intersection over union."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.xyxy, b.xyxy
    shared = max(0.0, min(ax1, bx1) - max(ax0, bx0)) * max(0.0, min(ay1, by1) - max(ay0, by0))
    return shared / ((ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - shared)


def _outer(regions: list[Region]) -> list[Region]:
    """Drop boxes that lie in another one (parts in the hollow of a whole)."""
    if len(regions) < 2:
        return regions
    boxes = np.array([region.xyxy for region in regions])
    cover = box_cover(boxes, boxes)
    area = box_size(boxes)
    inner = np.any((cover > 0.9) & (area[:, None] < area[None]), axis=1).tolist()
    return [region for region, hidden in zip(regions, inner, strict=True) if not hidden]


def _mapped(
    xyxy: tuple[float, float, float, float], affine: Float[np.ndarray, "2 3"]
) -> tuple[float, float, float, float]:
    """Return the box round a mapped box."""
    x0, y0, x1, y1 = xyxy
    corners = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]) @ affine[:, :2].T + affine[:, 2]
    low, high = corners.min(0), corners.max(0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _samples_per_s(clip: Clip) -> float:
    length = float(clip.times_s[-1] - clip.times_s[0])
    return (len(clip.times_s) - 1) / length if length > 0 else 10.0


def _near(region: Region, others: Sequence[Region]) -> bool:
    """Whether one of the others lies within a box's own size and has a like size."""
    x0, y0, x1, y1 = region.xyxy
    w, h = x1 - x0, y1 - y0
    reach = max(w, h)
    for other in others:
        a0, b0, a1, b1 = other.xyxy
        close = a0 < x1 + reach and a1 > x0 - reach and b0 < y1 + reach and b1 > y0 - reach
        if close and 1 / 6 < (a1 - a0) * (b1 - b0) / (w * h) < 6:
            return True
    return False


def _detections(
    found: dict[int, list[Region]],
    size: Int[np.ndarray, "2"],
    scale: Float[np.ndarray, "2"],
    notes: Sequence[str],
) -> Detections:
    rows = [(sample, region) for sample in sorted(found) for region in found[sample]]
    boxes = np.array([region.xyxy for _, region in rows], dtype=np.float64).reshape(-1, 4)
    return Detections(
        sample=np.array([sample for sample, _ in rows], dtype=np.int64),
        xyxy=np.clip(boxes * np.tile(scale, 2), 0, np.tile(size, 2)),
        score=np.array([region.score for _, region in rows], dtype=np.float64),
        label=("object",) * len(rows),
        source=("motion",) * len(rows),
        keypoints=np.zeros((len(rows), 0, 3)),
        world=np.zeros((len(rows), 0, 3)),
        notes=tuple(notes),
    )
