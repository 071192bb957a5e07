"""What limbs and joints do, relative to the body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.events.scene import Scene, core, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import Smoother, stretches, turning_points
from kinescribe.kinematics.posture import Figure, bridged, wavering
from kinescribe.records import Clip, Event
from kinescribe.vocabulary import ANGLES

CALM_S = 0.25
"""Half window of the smoothing before turning points: 5 samples at 10 Hz."""
BONES = {"elbow": 1.06, "knee": 1.68}
"""Length of both bones at a joint in trunk lengths (0.28 + 0.25 m, 0.42 + 0.42 m, to 0.50 m)."""
SHOWN = 0.7
"""Share of the way that the ends of a limb go to each other that must be seen in the picture."""
MIN_PLANE = 0.75
"""Share of its length that a bone must show: it is then within 41 degrees of the picture's plane."""


class Swing(NamedTuple):
    """A rise or fall of a signal between two turning points."""

    first: int
    """Sample at which 5 % of it are done."""
    last: int
    """Sample at which 95 % are."""
    start: float
    end: float
    needed: float
    """What it had to exceed."""

    @property
    def rises(self) -> bool:
        """Whether the signal grows."""
        return self.end > self.start


class Limb(NamedTuple):
    """A limb that is raised: its end and its middle joint rise over its root."""

    name: str
    end: str
    middle: str
    root: str
    short: str | None
    """What rises when the middle joint does not: a forearm alone lifts the hand. A shank alone only bends the knee."""


LIMBS = (Limb("arm", "wrist", "elbow", "shoulder", "hand"), Limb("leg", "ankle", "knee", "hip", None))


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield how far limbs go up and down and joints bend and straighten, swing by swing."""
    smoother = calm(scene.clip)
    for row, subject in enumerate(scene.poses.ids.tolist()):
        figure = scene.figures[row]
        if not figure.is_large_enough:
            continue
        angles = scene.kinematics.joints.angle_deg[row]
        flat = not np.isfinite(scene.poses.world[row]).any()
        for side in ("left", "right"):
            for limb in LIMBS:
                yield from _lifts(scene.clip, smoother, subject, figure, limb, side, settings)
            for joint in ("elbow", "knee", "hip"):
                part, needed = f"{side}_{joint}", settings.min_joint_deg
                angle = angles[:, list(ANGLES).index(part)]
                if flat:
                    angle = np.where(_in_plane(figure, part), angle, np.nan)
                for swing in swings(smoother, angle, needed, settings.max_swing_s):
                    if _is_sided(figure, swing) and (joint == "hip" or _shows(figure, part, swing)):
                        kind = "straighten" if swing.rises else "bend"
                        yield _event(scene.clip, subject, kind, part, swing, {})


def height(figure: Figure, joint: str, root: str) -> Float[np.ndarray, "T"]:
    """Return how far a joint is above another in trunk lengths; NaN unless both are seen on an upright body."""
    return np.where(figure.upright, figure.at(joint)[:, 1] - figure.at(root)[:, 1], np.nan)


def calm(clip: Clip) -> Smoother:
    """Return what smooths signals before their turning points are looked for."""
    return Smoother(clip.times_s, CALM_S)


def swings(
    smoother: Smoother, signal: Float[np.ndarray, "T"], needed: float, longest_s: float
) -> Iterator[Swing]:
    """Yield the rises and falls of a signal by ``needed``, and the jitter besides, between its turning points."""
    times = smoother.times_s
    filled = bridged(times, signal)
    known = np.isfinite(filled)
    if not known.any() or float(np.ptp(filled[known])) < needed:
        return
    needed += wavering(filled)
    # Gaps that remain are wider than the window.
    calmed = smoother(filled[None]).value[0]
    for a, b in stretches(known):
        if b - a < 4:
            continue
        value = calmed[a : b + 1]
        turns = turning_points(value, needed)
        for one, two in zip(turns[:-1], turns[1:], strict=True):
            i, j = core(value, one.at, two.at)
            if times[a + j] - times[a + i] <= longest_s:
                yield Swing(a + i, a + j, one.value, two.value, needed)


def _lifts(
    clip: Clip,
    smoother: Smoother,
    subject: int,
    figure: Figure,
    limb: Limb,
    side: str,
    settings: EventSettings,
) -> Iterator[Event]:
    """What a limb's end does over its root: the limb is lifted if its middle joint goes along, else its short part."""
    end, middle, root = (f"{side}_{joint}" for joint in (limb.end, limb.middle, limb.root))
    above = height(figure, end, root)
    bend, own = height(figure, middle, root), np.where(figure.placed, figure.at(end)[:, 1], np.nan)
    for swing in swings(smoother, above, settings.min_arm_torsos, settings.max_swing_s):
        if not _is_sided(figure, swing):
            continue
        change = swing.end - swing.start
        along = _change(bend, swing) / np.sign(change)
        # Hips that sink bring the feet nearer to them, and raise no leg.
        if limb.short is None and not _change(own, swing) / change >= settings.min_own_share:
            continue
        whole = along >= settings.min_middle_torsos
        if np.isfinite(along) and (whole or limb.short is not None):
            part = f"{side}_{limb.name if whole else limb.short}"
            yield _event(clip, subject, "raise" if swing.rises else "lower", part, swing, {"middle": along})


def _in_plane(figure: Figure, joint: str) -> Bool[np.ndarray, "T"]:
    """Where the two bones at a joint lie in the picture's plane.

    Without depth, one that points at the camera looks short, and the joint bent.
    """
    ends = [figure.at(name) for name in ANGLES[joint]]
    plane = np.ones(len(ends[0]), bool)
    for one, two in zip(ends[:-1], ends[1:], strict=True):
        length = np.hypot(*(one - two).T)
        if np.isfinite(length).any():
            with np.errstate(invalid="ignore"):
                plane &= length >= MIN_PLANE * np.nanpercentile(length, 90)
    return plane


def _is_sided(figure: Figure, swing: Swing) -> bool:
    """Whether the skeleton knows its left from its right meanwhile."""
    return not figure.flips[swing.first : swing.last + 1].any()


def _shows(figure: Figure, joint: str, swing: Swing) -> bool:
    """Whether the picture shows that a joint bends: the ends of a limb come nearer by the law of cosines.

    A leg whose foot and hip stay where they are cannot bend its knee, whatever the depth says.
    """
    before, _, after = ANGLES[joint]
    ends = figure.at(after) - figure.at(before)
    moved = float(np.hypot(*(ends[swing.last] - ends[swing.first])))
    chord = [np.sin(np.radians(angle) / 2) for angle in (swing.start, swing.end)]
    expected = SHOWN * BONES[joint.split("_")[1]] * abs(chord[1] - chord[0])
    return not np.isfinite(moved) or bool(moved >= expected)


def _change(signal: Float[np.ndarray, "T"], swing: Swing) -> float:
    return float(signal[swing.last] - signal[swing.first])


def _event(clip: Clip, subject: int, kind: str, part: str, swing: Swing, more: dict[str, float]) -> Event:
    values = {"from": swing.start, "to": swing.end, "needed": swing.needed}
    values |= {key: value for key, value in more.items() if np.isfinite(value)}
    return Event(subject, kind, span_of(clip, swing.first, swing.last), values, part=part)
