"""What the writer and the judge both ask of bodies and boxes before they believe them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.geometry import apply_affine, fill_gaps, median, quantile
from kinescribe.vocabulary import SKELETONS

SEEN = 0.5
"""A joint with a lower score is not seen."""
MIN_TRUNK_PX = 25.0
"""Limbs of smaller people are not to be told: a trunk of 25 px is a person of about 85, whose forearm has 12. The man
of 77 px in the NASA clip (trunk 19) has wrists that jump by 0.6 trunks."""
MAX_GAP_S = 0.31
"""Gaps that are bridged: two samples at 10 Hz (and a hundredth, since times are not exact)."""
FLIP_TRUNKS = 0.3
"""Shoulders so wide on both sides of an exchange within 0.1 s turned by more than 100 degrees, or never did."""
MAX_STEP_TRUNKS = 0.5
"""A foot that gets farther has been moved: half a trunk is 28 cm, a short step; ankles at rest stray by 0.1."""
MAX_TURN_LOG = 0.25
"""Shoulders whose width in the picture changes by more of its ln come nearer, go away or turn."""
IN_VIEW = 0.8
"""Share of the clip's samples."""
MAX_LATE_S = 0.5
"""How much longer than the clip had run something may have taken to come in: it need not have been as slow before."""
LEVEL_HEIGHTS, LEVEL_RATIO = 0.75, 1.5
"""Two people of about one size (ratio) stand on different levels if their feet are this many heights apart in the
picture: at one distance from the camera, one floor is at one height."""


def trunk_px(points: Float[np.ndarray, "T K 3"], skeleton: str) -> Float[np.ndarray, "T"]:
    """Return the length of the trunk, from the middle of the shoulders to that of the hips; NaN where unseen."""
    shoulders, hips = (_pair(points, skeleton, joint) for joint in ("shoulder", "hip"))
    length = np.hypot(*(shoulders[..., :2].mean(1) - hips[..., :2].mean(1)).T)
    with np.errstate(invalid="ignore"):
        seen = (np.minimum(shoulders, hips)[..., 2] >= SEEN).all(1)
        return np.where(seen & (length > 0), length, np.nan)


@dataclass(frozen=True, eq=False)
class Figure:
    """A body as the picture shows it, measured in its own trunk lengths; NaN where a joint is not seen for a while.

    Joints that are unseen for ``MAX_GAP_S`` at most are taken to go straight on. A trunk length is the median over the
    clip: the body leans and turns in between.
    """

    times_s: Float[np.ndarray, "T"]
    points: Float[np.ndarray, "T K 3"]
    skeleton: str
    to_scene: Float[np.ndarray, "T 2 3"] | None = None
    """Maps that undo the camera's motion, where they are known; as filmed without."""

    @cached_property
    def trunk(self) -> float:
        """In pixels; NaN where no trunk is ever seen."""
        length = trunk_px(self.points, self.skeleton)
        return median(length[known]) if (known := np.isfinite(length)).any() else float("nan")

    @cached_property
    def _places(self) -> dict[str, Float[np.ndarray, "T 2"]]:
        return {}

    def at(self, joint: str) -> Float[np.ndarray, "T 2"]:
        """Return where a joint is, in trunk lengths: x to the right, y up. ``shoulder`` or ``hip`` is the middle."""
        if joint not in self._places:
            self._places[joint] = self._place(joint)
        return self._places[joint]

    def _place(self, joint: str) -> Float[np.ndarray, "T 2"]:
        names = SKELETONS[self.skeleton]
        # Also where a skeleton has a middle of its own: not all nets of it find that.
        if f"left_{joint}" in names:
            middle: Float[np.ndarray, "T 2"] = (self.at(f"left_{joint}") + self.at(f"right_{joint}")) / 2
            return middle
        known = self._seen[:, names.index(joint)]
        if np.isfinite(known).all():
            return known
        return np.stack([bridged(self.times_s, known[:, k]) for k in (0, 1)], axis=1)

    @cached_property
    def _seen(self) -> Float[np.ndarray, "T K 2"]:
        """Where each joint is in trunk lengths, y up, in the samples in which it is seen."""
        place = self.points[..., :2]
        if self.to_scene is not None:
            mapped = apply_affine(self.to_scene[:, None], place)
            place = np.where(np.isfinite(self.to_scene[:, :1, :1]), mapped, place)
        with np.errstate(invalid="ignore"):
            seen = self.points[..., 2:] >= SEEN
        return np.where(seen, place * [1, -1], np.nan) / self.trunk

    @property
    def placed(self) -> Bool[np.ndarray, "T"]:
        """Where its place is free of the camera's motion; elsewhere joints are as filmed, to be compared only."""
        if self.to_scene is None:
            return np.ones(len(self.times_s), bool)
        return np.asarray(np.isfinite(self.to_scene[:, 0, 0]))

    @property
    def is_large_enough(self) -> bool:
        """Whether limbs can be told."""
        return self.trunk >= MIN_TRUNK_PX

    @cached_property
    def upright(self) -> Bool[np.ndarray, "T"]:
        """Whether the trunk is within 35 degrees of the picture's vertical."""
        axis = self.at("shoulder") - self.at("hip")
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(axis[:, 0]) <= 0.7 * axis[:, 1])

    @cached_property
    def flips(self) -> Bool[np.ndarray, "T"]:
        """Where left and right have changed places from one sample to the next: which is which is not known there."""
        across = (self.at("left_shoulder") - self.at("right_shoulder"))[:, 0]
        with np.errstate(invalid="ignore"):
            wide = np.minimum(np.abs(across[1:]), np.abs(across[:-1])) >= FLIP_TRUNKS
            flips = wide & (np.sign(across[1:]) != np.sign(across[:-1]))
        return np.asarray(np.append(flips, False) | np.insert(flips, 0, False))


def bridged(times_s: Float[np.ndarray, "T"], signal: Float[np.ndarray, "T"]) -> Float[np.ndarray, "T"]:
    """Return a signal with gaps up to ``MAX_GAP_S`` filled by straight lines."""
    known = np.isfinite(signal)
    return signal if known.all() or not known.any() else fill_gaps(times_s, signal, MAX_GAP_S)


def wavering(signal: Float[np.ndarray, "T"]) -> float:
    """Return twice the standard deviation of a signal's jitter: what its swings must exceed besides.

    From the fourth differences of neighbours, to which white noise gives sqrt(70) of its standard deviation but a swing
    of 1 Hz, sampled at 10 Hz, only 0.15 of its height. (Second differences take a third of it for noise.)
    """
    for _ in range(4):
        signal = signal[1:] - signal[:-1]
    bend = np.abs(signal[np.isfinite(signal)])
    return 2 * 1.4826 / math.sqrt(70) * median(bend) if len(bend) else 0.0


def keeps_place(points: Float[np.ndarray, "T K 3"], during: Bool[np.ndarray, "T"], skeleton: str) -> bool:
    """Whether nothing that is seen of a body speaks against its staying: feet that step, shoulders that turn.

    Of bodies too small to tell (a hand that was taken for somebody) it is not said, either, nor while
    the skeleton of somebody who has one is lost.

    Args:
        points: the skeleton over all its life.
        during: the samples that are asked about.
        skeleton: key of ``vocabulary.SKELETONS``.
    """
    with np.errstate(invalid="ignore"):
        seen = np.asarray((points[..., 2] >= SEEN).any(1))
    if seen.any() and seen[during].sum() < during.sum() / 2:
        return False
    points = points[during]
    lengths = trunk_px(points, skeleton)
    lengths = lengths[np.isfinite(lengths)]
    if len(lengths):
        trunk = median(lengths)
        if trunk < MIN_TRUNK_PX:
            return False
        ankles = _pair(points, skeleton, "ankle")
        for ankle in np.moveaxis(ankles, 1, 0):
            place = ankle[ankle[:, 2] >= SEEN, :2]
            if len(place) >= max(3, len(points) / 2):
                strayed = max(quantile(way, 0.95) - quantile(way, 0.05) for way in place.T)
                if strayed > MAX_STEP_TRUNKS * trunk:
                    return False
    shoulders = _pair(points, skeleton, "shoulder")
    shoulders = shoulders[(shoulders[..., 2] >= SEEN).all(1)]
    width = np.hypot(*(shoulders[:, 0, :2] - shoulders[:, 1, :2]).T)
    if len(width) < 3 or not (width > 0).all():
        return True
    logs = np.log(width)
    # Jitter alone spreads over 3.3 of its standard deviations.
    spread = (quantile(logs, 0.95) - quantile(logs, 0.05)) ** 2 - (1.645 * wavering(logs)) ** 2
    return spread <= MAX_TURN_LOG**2


def one_level(one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"]) -> bool:
    """Whether two people's boxes can stand on one floor; a climber on a roof is not approached from the street."""
    heights = sorted((float(one[3] - one[1]), float(two[3] - two[1])))
    alike = heights[1] <= LEVEL_RATIO * heights[0]
    return not (alike and abs(float(one[3] - two[3])) > LEVEL_HEIGHTS * sum(heights) / 2)


def stays_in_view(boxes: Float[np.ndarray, "T 4"]) -> bool:
    """Whether something is seen (nearly) all the time: what comes and goes without moving is light, or uncovered."""
    return float(np.isfinite(boxes[:, 0]).mean()) >= IN_VIEW


def crossing_s(
    times_s: Float[np.ndarray, "M"], boxes: Float[np.ndarray, "M 4"], border: int, limit: float
) -> float:
    """Return how long something took to come in over a border at the speed it then has; infinite if it rests.

    What stands in view when the clip begins, and is noticed a little later, would have had to come in faster.

    Args:
        times_s: from the first sight on, or from the last sight back.
        boxes: of the same samples.
        border: 0 left, 1 up, 2 right, 3 down.
        limit: where that border is.
    """
    inner = boxes[:, (border + 2) % 4]
    way = np.abs(inner - inner[0])
    at = int(way.argmax())
    speed = float(way[at]) / max(abs(float(times_s[at] - times_s[0])), 1e-9)
    return abs(float(inner[0]) - limit) / speed if speed > 0 else float("inf")


def _pair(points: Float[np.ndarray, "T K 3"], skeleton: str, joint: str) -> Float[np.ndarray, "T 2 3"]:
    names = SKELETONS[skeleton]
    return points[:, [names.index(f"left_{joint}"), names.index(f"right_{joint}")]]
