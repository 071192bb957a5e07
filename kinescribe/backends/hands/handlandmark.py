"""The 21 points of hands by MediaPipe's nets, at every second or third sample.

Model: MediaPipe Hands full, with the re-crop net of MediaPipe Holistic. Weights: ``kinescribe models pull``,
Apache-2.0. Papers: Zhang et al. 2020, arXiv:2006.10214. The nets are in ``backends/nets/handlandmark.py``.

The landmark net looks along the forearm first; where it finds nothing, once more where the re-crop net says. On
14 clips of signers, sportsmen and passers-by (964 visible wrists), the share of hands found was 0.68 along the
forearm, 0.66 by re-cropping alone, 0.73 by both in turn, which costs nothing where the first look finds the hand.

When to look, measured on 11 clips against looking at every sample (571 hands known after short gaps are filled):
every second sample loses 81 of them with 420 looks; every third, sooner where the arm moves or a hand was just lost,
loses 38 with 337. The lite net of the same wheel takes half the time of a look, but finds 5 % fewer hands, and its
side agrees with the arm's for 91 % instead of 94 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from kinescribe import weights
from kinescribe.backends import Arms, SeenHands
from kinescribe.backends.card import Card
from kinescribe.backends.nets import graph
from kinescribe.backends.nets.blazepose import Region, crop_region, whole
from kinescribe.backends.nets.handlandmark import (
    POINTS,
    Hand,
    HandLandmarks,
    PalmDetector,
    region_of_arm,
    shared,
)
from kinescribe.records import Clip
from kinescribe.video import Frame, Frames

__all__ = ["LandmarkHands"]

NETS = ("hand_landmark_full", "hand_recrop", "palm_detection_full")
FREE_LOOK, FREE_EVERY = 2, 2
"""Hands without bodies are followed at every second sample (nothing else says where they are in between), and palms
looked for at every second of these looks, 2.5 times a second; 4.6 ms each."""
FOREARM_MARGIN = 1.1
"""Side of the square that is searched, in forearms: a hand is 0.7 long, the wrist of a skeleton 0.1 to 0.2 off."""
ONWARD = 0.35
"""How far beyond the wrist its middle lies, in forearms: half a hand."""
FOREARM, KNUCKLES = 0, 1
"""Ways to look: along the forearm, or where the re-crop net says, given the skeleton's knuckles."""
THUMBNAIL = 24
"""Side in pixels of the small picture that is compared to see whether anything changed."""


@dataclass(frozen=True)
class LandmarkHands:
    """Points of hands; the side is the arm's, the net's own opinion of it is handed on."""

    every: int = 3
    """Look at every third sample at the latest, 3.3 times a second at 10 samples per second ..."""
    sooner: int = 2
    """... and at every second one while the arm moves, as fast as FoundationMotion (every fifth frame, 6 Hz)."""
    max_move: float = 0.5
    """An arm moves if the place of its hand does by this share of the forearm (0.7 hands) since the last look ..."""
    max_turn: float = 0.5
    """... or if the forearm turns by this angle, radians: then the points in between cannot be filled in well."""
    retry: int = 3
    """A hand that is not found is looked for at the next sample again, if it was found so many samples before."""
    min_presence: float = 0.5
    """The landmark net's own threshold."""
    min_forearm_px: float = 40.0
    """Shorter forearms (in pixels of the picture that is looked at) are not asked: their hands are below 28 px.
    With forearms of 62 px the net's side agreed with the skeleton's for 92 % of the hands, with 32 px for 76 %."""
    max_off: float = 0.4
    """A hand whose wrist lies further from the skeleton's, in forearms, is not the one that was looked for."""
    max_arms: int = 12
    """Arms asked per sample, the longest first: bounds the cost of crowds. FoundationMotion follows six people."""
    max_change: float = 3.0
    """Grey levels, mean over the square: below it, and while the arm rests, the last answer stands. Noise of a
    phone camera is 1 to 2."""
    max_shift: float = 0.03
    """An arm whose wrist moves less than this share of its length rests."""

    min_life: int = 4
    """Looks for which a hand without a body must be followed: 0.8 s. What the palm detector takes for a hand
    and is none does not last."""

    revision: ClassVar[int] = 3
    card: ClassVar[Card] = Card(
        model="MediaPipe Hands full, with Holistic's re-crop net",
        paper="Zhang et al. 2020, arXiv:2006.10214",
        licence="Apache-2.0",
        weights=("hand_landmark_full", "palm_detection_full", "hand_recrop"),
        memory="8 MB of files; tens of MB a process",
        run_here="default recipe, on every video of the acceptance list",
    )

    @classmethod
    def identity(cls) -> str:
        """Name the nets, or say that they are not here: pulling them makes earlier answers stale."""
        if not all(weights.available(name) for name in NETS):
            return "none"
        return "nets in 8 bits" if graph.is_possible() else "nets"

    def __call__(self, clip: Clip, frames: Frames, arms: Arms) -> SeenHands:
        """Look for the hands of all arms; raises BackendError if the nets are not on this machine."""
        shape = arms.length_px.shape
        found = SeenHands(
            np.full((*shape, POINTS, 2), np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
        )
        search = _Search(self, shared())
        for frame in frames:
            for arm in self._asked(arms, frame):
                points = arms.points[arm, frame.sample] / frame.scale
                length = float(arms.length_px[arm, frame.sample]) / frame.scale
                hand = search(frame, arm, points, length)
                if hand is not None:
                    found.points[arm, frame.sample] = hand.points[:, :2] * frame.scale
                    found.score[arm, frame.sample] = hand.presence
                    found.right[arm, frame.sample] = hand.right
        return found

    def free(self, clip: Clip, frames: Frames) -> SeenHands:
        """Look for hands without bodies: palms twice a second, which are then followed by their points.

        Returns:
            A row per hand that was followed for at least ``min_life``, in the order of appearance.

        Raises:
            BackendError: the nets are not on this machine.
        """
        net, palms = shared(), PalmDetector()
        chains: list[dict[int, tuple[Hand, float]]] = []
        for frame in frames:
            if frame.sample % FREE_LOOK:
                continue
            here: list[Hand] = []
            last = frame.sample - FREE_LOOK
            for chain in [chain for chain in chains if last in chain]:
                hand = net.landmarks(frame.image, chain[last][0].region)
                if self._is_new(hand, here):
                    here.append(hand)
                    chain[frame.sample] = hand, frame.scale
            if frame.sample // FREE_LOOK % FREE_EVERY == 0:
                for region in palms(frame.image, whole(frame.image)):
                    hand = net.landmarks(frame.image, region)
                    if len(here) < self.max_arms and self._is_new(hand, here):
                        here.append(hand)
                        chains.append({frame.sample: (hand, frame.scale)})
        return _rows(len(clip.times_s), [chain for chain in chains if len(chain) >= self.min_life])

    def _is_new(self, hand: Hand, others: Sequence[Hand]) -> bool:
        middle = hand.points[:, :2].mean(0)
        return hand.presence > self.min_presence and all(
            np.hypot(*(middle - other.points[:, :2].mean(0))) > hand.region.size / 6 for other in others
        )

    def _asked(self, arms: Arms, frame: Frame) -> list[int]:
        """Return the arms to look at in a sample, the longest first."""
        length = arms.length_px[:, frame.sample] / frame.scale
        known = np.isfinite(arms.points[:, frame.sample]).all((1, 2)) & (length >= self.min_forearm_px)
        order = [int(arm) for arm in np.argsort(-np.nan_to_num(length), kind="stable") if known[arm]]
        return order[: self.max_arms]


def _rows(samples: int, chains: Sequence[dict[int, tuple[Hand, float]]]) -> SeenHands:
    points = np.full((len(chains), samples, POINTS, 2), np.nan)
    score, right = np.full((2, len(chains), samples), np.nan)
    for row, chain in enumerate(chains):
        for sample, (hand, scale) in chain.items():
            points[row, sample] = hand.points[:, :2] * scale
            score[row, sample], right[row, sample] = hand.presence, hand.right
    return SeenHands(points, score, right)


@dataclass
class _Search:
    """The nets and, per arm, what was looked at last."""

    settings: LandmarkHands
    net: HandLandmarks
    last: dict[int, _Look] = field(default_factory=dict)

    def __call__(
        self, frame: Frame, arm: int, points: Float[np.ndarray, "4 2"], length: float
    ) -> Hand | None:
        """Return the hand of an arm; None if it is not found, or need not be looked for now."""
        region = region_of_forearm(points[0], points[1], length)
        before = self.last.get(arm)
        if before is not None and not self._is_due(frame.sample, before, region, length):
            return None
        picture = crop_region(frame.image, region, THUMBNAIL, cv2.BORDER_REPLICATE)
        if before is not None and self._same(before, region, picture):
            hand = before.hand
        else:
            hand, way = self._along_the_arm(frame, region, points, length, self._ways(before))
            before = _Look(region, picture, hand, frame.sample, before.found if before else None, way)
        found = before.found if hand is None else frame.sample
        self.last[arm] = before._replace(sample=frame.sample, found=found)
        return hand

    def _is_due(self, sample: int, before: _Look, region: Region, length: float) -> bool:
        """Whether to look again: in time, sooner where the arm moves, at once where the hand was just lost."""
        settings, ago = self.settings, sample - before.sample
        if ago >= settings.every:
            return True
        if before.hand is None:
            return self._just_lost(before)
        moved = float(np.hypot(*(region.center - before.region.center)))
        turned = abs(math.remainder(region.angle - before.region.angle, math.tau))
        return ago >= settings.sooner and (moved > settings.max_move * length or turned > settings.max_turn)

    def _ways(self, before: _Look | None) -> tuple[int, ...]:
        """Return in which ways to look: first as it was found last; one at a time where it stays away."""
        if before is None:
            return FOREARM, KNUCKLES
        other = KNUCKLES if before.way == FOREARM else FOREARM
        stays_away = before.hand is None and not self._just_lost(before)
        return (other,) if stays_away else (before.way, other)

    def _just_lost(self, before: _Look) -> bool:
        return before.found is not None and before.sample - before.found <= self.settings.retry

    def _along_the_arm(
        self,
        frame: Frame,
        region: Region,
        points: Float[np.ndarray, "4 2"],
        length: float,
        ways: tuple[int, ...],
    ) -> tuple[Hand | None, int]:
        """Return the hand, if it is found, and the way that was tried last."""
        way = ways[0]
        for way in ways:
            square: Region | None = region
            if way == KNUCKLES:
                square = self._by_the_knuckles(frame, points, length)
            hand = self.net.landmarks(frame.image, square) if square else None
            if hand is not None and self._is_it(hand, points[1], length):
                return hand, way
        return None, way

    def _by_the_knuckles(
        self, frame: Frame, points: Float[np.ndarray, "4 2"], length: float
    ) -> Region | None:
        wide = region_of_arm(points[1], points[2], points[3])
        if not self.settings.min_forearm_px / 4 < wide.size < 8 * length:
            return None  # knuckles on the wrist, or flung far away
        return self.net.recrop(frame.image, wide)

    def _is_it(self, hand: Hand, wrist: Float[np.ndarray, "2"], length: float) -> bool:
        off = float(np.hypot(*(hand.points[0, :2] - wrist)))
        return (
            hand.presence > self.settings.min_presence
            and off < self.settings.max_off * length
            and bool(np.isfinite(hand.points).all())
        )

    def _same(self, before: _Look, region: Region, picture: UInt8[np.ndarray, "S S 3"]) -> bool:
        shift = float(np.hypot(*(region.center - before.region.center)))
        change = float(np.abs(picture.astype(np.int16) - before.picture).mean())
        return shift < self.settings.max_shift * region.size and change < self.settings.max_change


class _Look(NamedTuple):
    region: Region
    picture: UInt8[np.ndarray, "S S 3"]
    hand: Hand | None
    sample: int
    """When the arm was looked at last, or seen to look as then."""
    found: int | None
    """When the hand was there last."""
    way: int
    """In which way it was looked at last; in which it was found, if it was."""


def region_of_forearm(elbow: Float[np.ndarray, "2"], wrist: Float[np.ndarray, "2"], length: float) -> Region:
    """Return the square beyond a wrist in which the hand is looked for; it stands as the forearm points."""
    along = wrist - elbow
    along = along / max(float(np.hypot(*along)), 1e-6)
    return Region(
        wrist + ONWARD * length * along, FOREARM_MARGIN * length, float(np.arctan2(along[0], -along[1]))
    )
