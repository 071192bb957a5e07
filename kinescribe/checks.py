"""The judge: whether a claim holds, recomputed from paths, sizes, joints and camera labels; how alike two texts are.

``check`` never sees events or facts, so that a wrong fact cannot vouch for itself. A claim with a span is judged in
that span; without one it holds if it is true of some stretch of the subject's life. Three answers: true, false, and
not to be known (``None``): unseen, not measurable, or too close to a limit. ``why`` gives the numbers.

A limit has two sides: an effect above it is true, one below ``DOUBT`` times it is false, between is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment
from scipy.signal import find_peaks

from kinescribe.geometry import chord_deviation, corners, touches_border
from kinescribe.language.grounding import FRAME_WORDS, meaning
from kinescribe.records import CAMERA, Action, CameraMotion, Claim, Clip, Kinematics, Poses, Span, Tracks
from kinescribe.vocabulary import ANGLES, COMPASS, PARTS, SKELETONS, VERB_BY_LEMMA

# --- tolerances ---------------------------------------------------------------------------------------------

DOUBT = 0.6
"""Below this share of a limit an effect is absent; between, nothing is said. Half of it would call jitter unknown."""
MIN_SHIFT_WIDTHS = 0.02
"""A shift must exceed this share of the frame width: 13 px at 640, about the error of a box edge on a person ..."""
MIN_SHIFT_NOISE = 3.0
"""... and this many standard deviations of the box's jitter ..."""
MIN_SHIFT_SIZES = 0.12
"""... and this share of the subject's own size: limbs move the centre of a standing person's box by a tenth."""
SECTOR_DEG = 45.0
"""A heading within this of a compass direction is that direction: neighbours of eight both fit on the border ..."""
SECTOR_DOUBT_DEG = 60.0
"""... one farther off than this is another direction. Perpendicular ways (90) are always another."""
MIN_SHARE_OF_EXTENT = 0.25
"""A way there must be this much of all the subject does: a bob against the way is no change of direction."""
MIN_SCALE_LOG = 0.2
"""Change of ln(size) that shows a change of depth: 22 %, more than a striding person's box breathes."""
MIN_KNOWN = 0.5
"""Share of the samples in a span that must be known."""
MARGIN_S = 0.06
"""Spans are said in tenths of a second."""
INSTANT_S = 0.6
"""An event said "at" a time may be this much off: smoothing spreads a stop over 0.35 s to either side."""
SETTLE_S = 0.35
"""Smoothing reaches this far over the end of a rest."""
MIN_REST_S = 0.6
"""A stop or pause rests at least this long."""
SPEED_RATIO = 1.25
"""Mean speed of the last third over the first: from here on it speeds up; below ``STEADY_RATIO`` it does not."""
STEADY_RATIO = 1.1
MIN_GAP_WIDTHS = 0.06
"""How much the distance of two subjects must change, in frame widths ..."""
MIN_GAP_SHARE = 0.15
"""... and as a share of the larger distance."""
MIN_ARM_TORSOS = 0.4
"""How far a hand must rise in torso lengths: what 20 degrees of error at the shoulder fake for an arm of 1.15."""
MIN_JOINT_DEG = 30.0
"""How far a joint must bend: monocular joint angles are 15 to 20 degrees off (specs/perception.md 1.6)."""
MIN_POINT_SCORE = 0.5
"""A body point below this is unknown."""
CIRCLE_DEG = 270.0
"""Swept about its middle, a path is a circle from here on."""
ROUNDNESS = 0.4
"""Spread of the distances from the middle over their mean: 0 for a circle, 0.33 for an ellipse of 3 to 1, 0.58 for
a line, which sweeps half a turn as it passes its own middle."""
STRAIGHT_DEVIATION = 0.12
"""A straight path leaves the line between its ends by less than this share of its length; a curve by more."""
MANNERS: Mapping[str, tuple[str, str, float]] = {
    "slowly": ("speed", "below", 0.075),
    "quickly": ("speed", "above", 0.32),
    "slightly": ("way", "below", 0.075),
    "far": ("way", "above", 0.4),
}
"""Manners of going: frame widths per second and frame widths. A fifth kinder than what facts demand
(``StateFacts``), because the same path measured again gives another number."""
SYNONYMS = {
    "rapidly": "quickly", "fast": "quickly", "swiftly": "quickly", "hurriedly": "quickly", "gradually": "slowly",
    "leisurely": "slowly", "gently": "slowly", "a little": "slightly", "barely": "slightly", "completely": "fully",
}  # fmt: skip


# --- measurements -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Measurements:
    """What a claim is checked against."""

    clip: Clip
    camera: CameraMotion
    tracks: Tracks
    poses: Poses
    kinematics: Kinematics

    def row(self, subject: int) -> int | None:
        """Return the index of a track on the N axis of the kinematics, or None."""
        found = np.flatnonzero(self.kinematics.tracks.ids == subject)
        return int(found[0]) if len(found) else None

    def within(self, span: Span) -> Measurements:
        """Return the same with everything outside a span unknown: what "ever" means in that span."""
        outside = ~_inside(
            self.clip.times_s, Span(span.start_s, max(span.end_s, span.start_s + 2 * MARGIN_S))
        )
        motion, joints = self.kinematics.tracks, self.kinematics.joints
        motion = replace(
            motion,
            image_px=_blank(motion.image_px, outside),
            scene_px=_blank(motion.scene_px, outside),
            size_px=_blank(motion.size_px, outside),
        )
        joints = replace(joints, angle_deg=_blank(joints.angle_deg, outside))
        return replace(
            self,
            tracks=replace(self.tracks, xyxy=_blank(self.tracks.xyxy, outside)),
            poses=replace(self.poses, keypoints=_blank(self.poses.keypoints, outside)),
            kinematics=replace(self.kinematics, tracks=motion, joints=joints),
        )

    def as_filmed(self) -> Measurements:
        """Return the same with every path in image coordinates: what a viewer of the picture would say."""
        motion = self.kinematics.tracks
        filmed = replace(motion, frame=("image",) * len(motion.ids))
        return replace(self, kinematics=replace(self.kinematics, tracks=filmed))


def _blank(
    values: Float[np.ndarray, "N T *rest"], outside: Bool[np.ndarray, "T"]
) -> Float[np.ndarray, "N T *rest"]:
    blanked = values.copy()
    blanked[:, outside] = np.nan
    return blanked


class Judgement(NamedTuple):
    """A verdict before it has a place in a caption."""

    holds: bool | None
    why: str


@dataclass(frozen=True, eq=False)
class _Window:
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
        return self.measured.clip.width

    @property
    def needed(self) -> float:
        """Shift in pixels that counts as motion."""
        noise = float(np.nan_to_num(self.measured.kinematics.tracks.noise_px[self.row]))
        own = float(np.nanmedian(self.size)) if np.isfinite(self.size).any() else 0.0
        return max(MIN_SHIFT_WIDTHS * self.width, MIN_SHIFT_NOISE * noise, MIN_SHIFT_SIZES * own)

    @property
    def when(self) -> str:
        return f"{self.times[0]:.1f}-{self.times[-1]:.1f} s"

    def part(self, first: int, last: int) -> _Window:
        """Return the samples from ``first`` to ``last``, both inclusive."""
        inside = slice(first, last + 1)
        return replace(self, times=self.times[inside], path=self.path[inside], size=self.size[inside])

    def between(self, start_s: float, end_s: float) -> _Window:
        """Return the samples within a time."""
        inside = (self.times >= start_s - 1e-9) & (self.times <= end_s + 1e-9)
        return replace(self, times=self.times[inside], path=self.path[inside], size=self.size[inside])

    @property
    def extent(self) -> float:
        """Largest side of the box that the path fills, in pixels; 0 for fewer than two samples."""
        return float(np.ptp(self.path, axis=0).max()) if len(self.path) > 1 else 0.0


def check(claim: Claim, measurements: Measurements) -> Judgement:
    """Judge one claim.

    Returns:
        ``holds`` None where the words name no track, no measurement exists for the verb, or the data do not say.
    """
    action = claim.action
    if claim.subject is None:
        return Judgement(None, f'nobody that was tracked is called "{action.agent or "(unsaid)"}"')
    meant = meaning(action, claim.subject)
    if meant is None:
        return Judgement(None, f'no measurement shows whether something does "{action.predicate}"')
    found = _affirmed(replace(claim, action=replace(meant, negated=False)), measurements)
    if not meant.negated or found.holds is None:
        return found
    return Judgement(not found.holds, f"denied; {found.why}")


def _affirmed(claim: Claim, measured: Measurements) -> Judgement:
    if claim.subject == CAMERA:
        return _camera(claim.action, measured)
    assert claim.subject is not None
    predicate = claim.action.predicate
    if predicate in _LIMB_CHECKS:
        return _limb(claim, measured)
    if measured.row(claim.subject) is None:
        return Judgement(None, f"subject {claim.subject} has no path")
    if predicate in ("approach", "separate"):
        return _distance(claim, measured)
    if claim.action.patient is not None and not _is_frame(claim.action.patient):
        return Judgement(None, f'what happens to "{claim.action.patient}" is not measured')
    if predicate in ("enter", "leave"):
        return _border(claim, measured)
    if predicate not in _PATH_CHECKS:
        return Judgement(None, f'"{predicate}" is measured for the camera only')
    window = _window(claim.subject, claim.action.span, measured)
    return window if isinstance(window, Judgement) else _PATH_CHECKS[predicate](claim.action, window)


def _is_frame(patient: str) -> bool:
    return patient.split()[-1].lower() in FRAME_WORDS


def _window(subject: int, span: Span | None, measured: Measurements) -> _Window | Judgement:
    """Return the known samples in a span, or why there are too few."""
    row = measured.row(subject)
    assert row is not None
    motion = measured.kinematics.tracks
    path, times = motion.path_px(row), measured.clip.times_s
    known = np.isfinite(path[:, 0])
    inside = _inside(times, span)
    share = float(known[inside].mean()) if inside.any() else 0.0
    if span is not None and share < MIN_KNOWN:
        return Judgement(None, f"unseen in {1 - share:.0%} of {span.start_s:.1f}-{span.end_s:.1f} s")
    chosen = inside & known
    if chosen.sum() < 3:
        return Judgement(None, "seen in fewer than three samples")
    return _Window(measured, row, times[chosen], path[chosen], motion.size_px[row, chosen], span)


def _inside(times: Float[np.ndarray, "T"], span: Span | None) -> Bool[np.ndarray, "T"]:
    if span is None:
        return np.ones(len(times), bool)
    start, end = span
    if end - start < 2 * MARGIN_S:
        start, end = start - INSTANT_S, end + INSTANT_S
    return (times >= start - MARGIN_S) & (times <= end + MARGIN_S)


def _limit(value: float, needed: float, why: str) -> Judgement:
    """True from ``needed`` on, false below ``DOUBT`` of it."""
    if value >= needed:
        return Judgement(True, why)
    return Judgement(False if value < DOUBT * needed else None, why)


def _all(judgements: Sequence[Judgement]) -> Judgement:
    """False if one is false, else unknown if one is unknown, else true."""
    why = "; ".join(j.why for j in judgements)
    states = [j.holds for j in judgements]
    return Judgement(False if False in states else None if None in states else True, why)


# --- going --------------------------------------------------------------------------------------------------


def _move(action: Action, window: _Window) -> Judgement:
    """Motion of the place: its direction, shape, number and manner must all hold of one stretch."""
    compass = [d for d in action.direction if d in COMPASS]
    others = [d for d in action.direction if d not in COMPASS]
    repeated = action.trajectory == "back_and_forth" or "back_and_forth" in others
    if repeated:
        return _all([_to_and_fro(window, compass, action.count), *_manner(action, window)])
    judged: list[Judgement] = []
    stretch = window
    for direction in compass:
        judgement, stretch = _went(window, direction)
        judged.append(judgement)
    judged += [_other_way(window, direction, action) for direction in others]
    if not judged:
        judged.append(_moved(window))
    if action.trajectory is not None and action.trajectory != "static":
        judged.append(_shape(stretch, action.trajectory))
    if action.count is not None and not _turning(action):
        judged.append(_strokes(window, compass, action.count))
    return _all([*judged, *_manner(action, stretch)])


def _turning(action: Action) -> bool:
    return action.trajectory == "circular" or bool({"clockwise", "counterclockwise"} & set(action.direction))


def _inner(window: _Window) -> _Window:
    """Leave out the ends of a claimed span as far as smoothing reaches in from outside."""
    if window.said is None or window.times[-1] - window.times[0] <= 3 * SETTLE_S:
        return window
    return window.between(window.times[0] + SETTLE_S, window.times[-1] - SETTLE_S)


def _moved(window: _Window) -> Judgement:
    window = _inner(window)
    why = f"its path fills {window.extent:.0f} px in {window.when}, {window.needed:.0f} px count as motion"
    return _limit(window.extent, window.needed, why)


def _stay(action: Action, window: _Window) -> Judgement:
    """No clear motion of the place or the size."""
    inner = _inner(window)
    nearer = float(np.ptp(np.log(np.maximum(inner.size, 1e-6)))) if len(inner.size) else 0.0
    why = f"its path fills {inner.extent:.0f} px in {inner.when}, {inner.needed:.0f} px count as motion"
    if inner.extent < inner.needed:
        return Judgement(True if nearer < 3 * MIN_SCALE_LOG else None, why)
    return Judgement(False if inner.extent >= inner.needed / DOUBT else None, why)


def _went(window: _Window, direction: str) -> tuple[Judgement, _Window]:
    """Whether it goes one of eight ways, and the stretch in which it does.

    In a span the net way counts; where the subject comes back to where it was, the span's net says nothing. Without
    a span some stretch between two instants must go that way.
    """
    heading = COMPASS.index(direction) * 45.0
    stretch = _best_stretch(window, heading, SECTOR_DEG)
    if window.said is None:
        return _somewhere(window, heading, stretch)
    shift = window.path[-1] - window.path[0]
    net, off = float(np.hypot(*shift)), _off(shift, heading)
    why = f"moved {_way(shift, window)} in {window.when}"
    if net < max(window.needed, MIN_SHARE_OF_EXTENT * window.extent):
        return Judgement(None if stretch is not None else False, f"{why}, there and back"), window
    if off <= SECTOR_DEG:
        return Judgement(True, why), window
    return Judgement(False if off > SECTOR_DOUBT_DEG else None, f"{why}, {off:.0f} degrees off"), window


def _somewhere(window: _Window, heading: float, stretch: tuple[int, int] | None) -> tuple[Judgement, _Window]:
    if stretch is not None:
        part = window.part(*stretch)
        return Judgement(True, f"moved {_way(part.path[-1] - part.path[0], window)} in {part.when}"), part
    near = _best_stretch(window, heading, SECTOR_DOUBT_DEG)
    shift = window.path[-1] - window.path[0]
    why = f"never moved that way by {window.needed:.0f} px in {window.when}; net {_way(shift, window)}"
    return Judgement(False if near is None else None, why), window


def _best_stretch(window: _Window, heading: float, sector: float) -> tuple[int, int] | None:
    """Return the two instants between which the way within a sector is longest, if it is long enough."""
    index = np.unique(np.linspace(0, len(window.path) - 1, min(len(window.path), 400)).astype(int))
    path = window.path[index]
    shift = path[None, :] - path[:, None]
    length = np.hypot(shift[..., 0], shift[..., 1])
    off = np.abs((np.degrees(np.arctan2(-shift[..., 1], shift[..., 0])) - heading + 180) % 360 - 180)
    fits = np.triu(np.ones_like(length, dtype=bool), 1) & (off <= sector)
    reach = np.where(fits, length, 0.0)
    a, b = np.unravel_index(int(reach.argmax()), reach.shape)
    enough = reach[a, b] >= max(window.needed, MIN_SHARE_OF_EXTENT * window.extent)
    return (int(index[a]), int(index[b])) if enough else None


def _off(shift: Float[np.ndarray, "2"], heading: float) -> float:
    own = float(np.degrees(np.arctan2(-shift[1], shift[0])))
    return abs((own - heading + 180) % 360 - 180)


def _way(shift: Float[np.ndarray, "2"], window: _Window) -> str:
    """Say a shift in pixels and frame widths: ``182 px right (0.28 widths)``."""
    length = float(np.hypot(*shift))
    if length < 0.5:
        return "0 px"
    heading = COMPASS[round(float(np.degrees(np.arctan2(-shift[1], shift[0]))) / 45) % 8]
    return f"{length:.0f} px {heading.replace('_', ' ')} ({length / window.width:.2f} widths)"


def _other_way(window: _Window, direction: str, action: Action) -> Judgement:
    if direction in ("toward_camera", "away_from_camera"):
        return _depth(window, 1 if direction == "toward_camera" else -1)
    if direction in ("clockwise", "counterclockwise"):
        return _turned(window, 1 if direction == "counterclockwise" else -1, action.count)
    if direction == "around" and action.trajectory == "circular":
        return _turned(window, 0, action.count)
    if direction == "in_place":
        return _stay(action, window)
    return Judgement(None, f'"{direction}" cannot be told from the path of a box')


def _depth(window: _Window, sign: int) -> Judgement:
    """Nearer is larger, as long as neither the camera's scale nor the border changes the box."""
    labels = window.measured.camera.labels
    if any(label.startswith(("zoom", "dolly", "complex")) for label in labels):
        return Judgement(None, f"sizes change with the camera ({', '.join(labels)})")
    size = np.log(np.maximum(window.size, 1e-6)) * sign
    if not np.isfinite(size).all():
        return Judgement(None, "size unknown")
    change = _rise(size) if window.said is None else float(size[-1] - size[0])
    why = f"its size changed {np.exp(sign * change):.2f}-fold in {window.when}"
    return _limit(change, MIN_SCALE_LOG, why)


def _rise(signal: Float[np.ndarray, "M"]) -> float:
    """Return the largest climb from an earlier to a later sample."""
    return float((signal - np.minimum.accumulate(signal)).max(initial=0.0))


def _turned(window: _Window, sign: int, count: int | None) -> Judgement:
    """Angle swept about the middle of the path: circles, their sense and number."""
    arm = window.path - (window.path.max(0) + window.path.min(0)) / 2
    swept = np.degrees(np.unwrap(np.arctan2(-arm[:, 1], arm[:, 0])))
    turned = float(swept[-1] - swept[0])
    why = f"swept {turned:+.0f} degrees about its middle in {window.when}"
    if window.extent < window.needed:
        return Judgement(False, f"did not move; {why}")
    radius = np.hypot(*arm.T)
    if float(radius.std() / radius.mean()) > ROUNDNESS:
        return Judgement(False, f"not round; {why}")
    judged = [_limit(abs(turned) if sign == 0 else sign * turned, CIRCLE_DEG, why)]
    if count is not None:
        judged.append(_equal(round(abs(turned) / 360), count, "turns"))
    return _all(judged)


# --- shapes, numbers, manners of a path ---------------------------------------------------------------------


def _shape(window: _Window, trajectory: str) -> Judgement:
    """Straight, curved, circular or zigzag; shapes exclude each other."""
    if window.extent < window.needed:
        return Judgement(None, f"too short a way for a shape in {window.when}")
    return _SHAPES[trajectory](window)


def _deviation(window: _Window) -> float:
    """Largest distance from the line between the ends, as a share of the way between them."""
    chord = float(np.hypot(*(window.path[-1] - window.path[0])))
    return chord_deviation(window.path) / max(chord, 1e-9)


def _is_straight(window: _Window) -> Judgement:
    off = _deviation(window)
    why = f"leaves a straight line by {off:.2f} of its length in {window.when}"
    if off <= STRAIGHT_DEVIATION * 1.25:
        return Judgement(True, why)
    return Judgement(False if off > STRAIGHT_DEVIATION * 2 else None, why)


def _is_curved(window: _Window) -> Judgement:
    """One bend to one side, less than a circle."""
    off, bends = _deviation(window), _bends(window)
    why = f"leaves a straight line by {off:.2f} of its length, bends to {bends} sides in {window.when}"
    if off <= STRAIGHT_DEVIATION * DOUBT or bends > 2 or _turned(window, 0, None).holds:
        return Judgement(False, why)
    return Judgement(True if off >= STRAIGHT_DEVIATION * 0.8 and bends == 1 else None, why)


def _is_circular(window: _Window) -> Judgement:
    return _turned(window, 0, None)


def _is_zigzag(window: _Window) -> Judgement:
    """At least three corners that alternate."""
    bends = _bends(window)
    why = f"changes sides {bends - 1} times in {window.when}"
    return Judgement(True if bends >= 3 else None if bends == 2 else False, why)


_SHAPES: Mapping[str, Callable[[_Window], Judgement]] = {
    "straight": _is_straight,
    "curved": _is_curved,
    "circular": _is_circular,
    "zigzag": _is_zigzag,
}


def _bends(window: _Window) -> int:
    """Return how many runs of corners to one side the path has (0 for a line)."""
    points = window.path[corners(window.path, max(window.needed / 2, 0.04 * window.extent))]
    sides = np.diff(points, axis=0)
    if len(sides) < 2:
        return 0
    signs = np.sign(sides[:-1, 0] * sides[1:, 1] - sides[:-1, 1] * sides[1:, 0])
    return 1 + int((np.diff(signs) != 0).sum())


def _to_and_fro(window: _Window, axes: Sequence[str], count: int | None) -> Judgement:
    """Repeated swings along an axis; a time there and back is two swings.

    The number is counted by zero crossings about the middle of the swing with a dead band, and must be exactly the
    claimed one; a half swing over makes two numbers possible, so neither is refused nor confirmed.
    """
    axis = _axis(window, axes)
    signal = window.path[:, axis]
    half_swings = _half_swings(signal, max(window.needed, 0.4 * float(np.ptp(signal))))
    name = ("left and right", "up and down")[axis]
    why = f"{half_swings} swings {name} of over {window.needed:.0f} px in {window.when}"
    if half_swings < 3:
        return Judgement(None if half_swings == 2 else False, why)
    if count is None:
        return Judgement(True, why)
    if half_swings % 2 and abs(half_swings / 2 - count) < 1:
        return Judgement(None, f"{why}: between {half_swings // 2} and {half_swings // 2 + 1} times")
    return Judgement(half_swings == 2 * count, why)


def _axis(window: _Window, axes: Sequence[str]) -> int:
    if set(axes) & {"left", "right"}:
        return 0
    if set(axes) & {"up", "down"}:
        return 1
    return int(np.ptp(window.path, axis=0).argmax())


def _half_swings(signal: Float[np.ndarray, "M"], swing: float) -> int:
    """Return how many monotone swings of at least ``swing`` follow each other (peaks of both signs)."""
    high = _peaks(signal, swing)
    low = _peaks(-signal, swing)
    turns = sorted([(i, 1) for i in high] + [(i, -1) for i in low])
    alternating = [turn for n, turn in enumerate(turns) if n == 0 or turns[n - 1][1] != turn[1]]
    return max(0, len(alternating) - 1)


def _peaks(signal: Float[np.ndarray, "M"], prominence: float) -> list[int]:
    """Return the highs that stand out, the ends included (a far lower value is put before and after)."""
    floor = float(signal.min()) - 2 * prominence
    padded = np.concatenate([[floor], signal, [floor]])
    found, _ = find_peaks(padded, prominence=prominence)
    return [int(i) - 1 for i in found if signal[int(i) - 1] - signal.min() >= prominence * 0.5]


def _strokes(window: _Window, compass: Sequence[str], count: int) -> Judgement:
    """How often it goes one way."""
    if len(compass) != 1:
        return Judgement(None, "what is counted has no direction")
    angle = np.radians(COMPASS.index(compass[0]) * 45.0)
    along = window.path @ np.array([np.cos(angle), -np.sin(angle)])
    return _equal(_rises(along, window.needed), count, f"ways {compass[0].replace('_', ' ')}")


def _rises(signal: Float[np.ndarray, "M"], needed: float) -> int:
    """Return how often a signal climbs by ``needed``: highs after lows (a high at the very start is no climb)."""
    ended = np.concatenate([[signal[0]], signal, [float(signal.min()) - 2 * needed]])
    found, _ = find_peaks(ended, prominence=needed)
    return int(
        sum(signal[: int(i)].size > 0 and ended[int(i)] - ended[: int(i)].min() >= needed for i in found)
    )


def _equal(counted: int, claimed: int, what: str) -> Judgement:
    return Judgement(counted == claimed, f"counted {counted} {what}")


def _manner(action: Action, window: _Window) -> list[Judgement]:
    """Judge words of speed and extent; other manners are left out."""
    manner = SYNONYMS.get(action.magnitude or "", action.magnitude or "")
    if manner not in MANNERS:
        return []
    quantity, side, limit = MANNERS[manner]
    steps = np.hypot(*np.diff(window.path, axis=0).T)
    seconds = float(window.times[-1] - window.times[0])
    net = float(np.hypot(*(window.path[-1] - window.path[0])))
    value = {"speed": float(steps.sum()) / max(seconds, 1e-9), "way": net}[quantity] / window.width
    unit = "widths/s" if quantity == "speed" else "widths"
    why = f"{value:.2f} {unit} for {manner}"
    if side == "above":
        return [_limit(value, limit, why)]
    return [Judgement(True if value <= limit else False if value > limit / DOUBT else None, why)]


# --- starting, resting, speed -------------------------------------------------------------------------------


def _stops(window: _Window, forward: bool) -> list[float]:
    """Return the instants at which motion turns to rest (or, backward in time, rest to motion)."""
    sign = 1 if forward else -1
    found = []
    for t in window.times:
        before = window.between(*sorted((t - sign * 1.5, t)))
        after = window.between(*sorted((t + sign * 0.2, t + sign * (0.2 + MIN_REST_S))))
        rested = len(after.times) > 2 and after.times[-1] - after.times[0] >= 0.7 * MIN_REST_S
        if rested and after.extent < 0.5 * window.needed and before.extent >= window.needed:
            found.append(float(t))
    return found


def _at_change(action: Action, window: _Window, forward: bool) -> Judgement:
    """Judge a start or stop: near the claimed time, or anywhere."""
    life = _window_of(window)
    instants = _stops(life, forward)
    near = [t for t in instants if action.span is None or _inside(np.array([t]), action.span)[0]]
    word = "comes to rest" if forward else "sets off"
    if near:
        return Judgement(True, f"{word} at {near[0]:.1f} s")
    seen = ", ".join(f"{t:.1f}" for t in instants[:3])
    return Judgement(False, f"{word} at {seen} s only" if seen else f"never {word} in {life.when}")


def _window_of(window: _Window) -> _Window:
    """Return the whole life of a window's subject."""
    subject = int(window.measured.kinematics.tracks.ids[window.row])
    life = _window(subject, None, window.measured)
    return window if isinstance(life, Judgement) else life


def _stop(action: Action, window: _Window) -> Judgement:
    return _at_change(action, window, forward=True)


def _start(action: Action, window: _Window) -> Judgement:
    return _at_change(action, window, forward=False)


def _pause(action: Action, window: _Window) -> Judgement:
    """A rest between two motions: a stop and a later start, near the claimed span."""
    life = _window_of(window)
    stops, starts = _stops(life, True), _stops(life, False)
    rests = [
        (a, b) for a in stops for b in starts if b > a and life.between(a + 0.2, b - 0.2).extent < life.needed
    ]
    for a, b in rests:
        if action.span is None or (
            a <= action.span.end_s + INSTANT_S and b >= action.span.start_s - INSTANT_S
        ):
            return Judgement(True, f"rests from {a:.1f} to {b:.1f} s")
    return Judgement(False, f"no rest between two motions in {window.when}")


def _speed_changes(window: _Window, sign: int) -> Judgement:
    """Mean speed of the last third against the first; without a span, of some stretch of a second or more."""
    step = np.diff(window.times)
    speed = np.hypot(*np.diff(window.path, axis=0).T) / np.maximum(step, 1e-9)
    if len(speed) < 6:
        return Judgement(None, f"too short to compare speeds in {window.when}")
    if float(speed.mean()) * (window.times[-1] - window.times[0]) < window.needed:
        return Judgement(False, f"hardly moves in {window.when}")
    ratio = _third_ratio(speed) if window.said is not None else _largest_ratio(speed, window, sign)
    ratio = ratio if sign > 0 else 1 / max(ratio, 1e-9)
    why = f"speed changes {ratio if sign > 0 else 1 / max(ratio, 1e-9):.2f}-fold in {window.when}"
    if ratio >= SPEED_RATIO:
        return Judgement(True, why)
    return Judgement(False if ratio <= STEADY_RATIO else None, why)


def _third_ratio(speed: Float[np.ndarray, "M"]) -> float:
    third = max(2, len(speed) // 3)
    return float(speed[-third:].mean() / max(float(speed[:third].mean()), 1e-9))


def _largest_ratio(speed: Float[np.ndarray, "M"], window: _Window, sign: int) -> float:
    """Largest change of the speed (mean over half a second) while it moves."""
    samples = max(2, round(0.5 / float(np.median(np.diff(window.times)))))
    even = np.convolve(speed, np.full(samples, 1 / samples), "valid")
    moving = even[even >= 0.5 * window.needed]
    if len(moving) < 4:
        return 1.0
    climb = moving / np.minimum.accumulate(moving)
    fall = np.maximum.accumulate(moving) / moving
    return float(climb.max()) if sign > 0 else 1 / float(fall.max())


def _accelerate(action: Action, window: _Window) -> Judgement:
    return _speed_changes(window, 1)


def _decelerate(action: Action, window: _Window) -> Judgement:
    return _speed_changes(window, -1)


_PATH_CHECKS: Mapping[str, Callable[[Action, _Window], Judgement]] = {
    "move": _move,
    "stay": _stay,
    "start": _start,
    "stop": _stop,
    "pause": _pause,
    "accelerate": _accelerate,
    "decelerate": _decelerate,
}


# --- coming and going ---------------------------------------------------------------------------------------


def _border(claim: Claim, measured: Measurements) -> Judgement:
    """Entering and leaving: the box appears (vanishes) at a border, within the clip and the claimed time."""
    assert claim.subject is not None
    entering = claim.action.predicate == "enter"
    xyxy = measured.tracks.xyxy[measured.tracks.row(claim.subject)]
    times = measured.clip.times_s
    seen = np.flatnonzero(np.isfinite(xyxy[:, 0]))
    if not len(seen):
        return Judgement(None, "never seen")
    at = int(seen[0] if entering else seen[-1])
    word = "first" if entering else "last"
    why = f"{word} seen at {times[at]:.1f} s of {times[0]:.1f}-{times[-1]:.1f} s"
    if abs(times[at] - times[0 if entering else -1]) < 0.25:
        return Judgement(False, f"{why}: in view {'from the start' if entering else 'to the end'}")
    if claim.action.span is not None and not _inside(times[at : at + 1], claim.action.span)[0]:
        return Judgement(False, why)
    borders = touches_border(xyxy[at], measured.clip.width, measured.clip.height, 0.03)
    touched = [name for name, hit in zip(("left", "up", "right", "down"), borders, strict=True) if hit]
    if not touched:
        return Judgement(None, f"{why}, away from the border: it may have been lost or found there")
    return _side(claim.action, touched, entering, f"{why}, at the border {' and '.join(touched)}")


def _side(action: Action, touched: Sequence[str], entering: bool, why: str) -> Judgement:
    """A subject that enters to the right comes in at the left border."""
    for direction in action.direction:
        if direction not in COMPASS:
            continue
        wanted = COMPASS[(COMPASS.index(direction) + (4 if entering else 0)) % 8]
        sides = {"upper": "up", "lower": "down"}
        parts = {sides.get(part, part) for part in wanted.split("_")}
        if not parts & set(touched):
            return Judgement(False, why)
    return Judgement(True, why)


# --- pairs --------------------------------------------------------------------------------------------------


def _distance(claim: Claim, measured: Measurements) -> Judgement:
    """Approaching and separating: the distance as filmed, and who makes it change."""
    assert claim.subject is not None
    if claim.object is None or claim.object == CAMERA or measured.row(claim.object) is None:
        return Judgement(None, f'"{claim.action.patient or "nothing"}" was not tracked')
    span = claim.action.span
    rows = [row for row in (measured.row(claim.subject), measured.row(claim.object)) if row is not None]
    paths = measured.kinematics.tracks.image_px[rows]
    known = np.isfinite(paths[..., 0]).all(0) & _inside(measured.clip.times_s, span)
    if (
        known.sum() < 3
        or span is not None
        and known.sum() < MIN_KNOWN * _inside(measured.clip.times_s, span).sum()
    ):
        return Judgement(None, "the two are not seen together long enough")
    gap = np.hypot(*(paths[1] - paths[0])[known].T) / measured.clip.width
    sign = -1 if claim.action.predicate == "approach" else 1
    change = float((gap[-1] - gap[0]) * sign) if span is not None else _rise(gap * sign)
    why = f"their distance changes by {sign * change:+.2f} widths from {gap[0]:.2f}"
    needed = max(MIN_GAP_WIDTHS, MIN_GAP_SHARE * float(gap.max()))
    return _all([_limit(change, needed, why), _own_doing(claim, measured, known)])


def _own_doing(claim: Claim, measured: Measurements, known: Bool[np.ndarray, "T"]) -> Judgement:
    """Whether the subject itself makes the distance change, camera removed."""
    motion = measured.kinematics.tracks
    rows = [measured.row(i) for i in (claim.subject, claim.object) if i is not None]
    one, two = (motion.path_px(row)[known] for row in rows if row is not None)
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        return Judgement(None, "paths unknown")
    line = two[0] - one[0]
    line = line / max(float(np.hypot(*line)), 1e-9)
    own, other = (float(np.ptp(path @ line)) for path in (one, two))
    share = own / max(own + other, 1e-9)
    return Judgement(
        True if share >= 0.35 else False if share < 0.2 else None, f"{share:.0%} of it its own doing"
    )


# --- limbs --------------------------------------------------------------------------------------------------

_ENDS = {
    "arm": ("wrist", "shoulder"), "hand": ("wrist", "shoulder"), "leg": ("ankle", "hip"), "foot": ("ankle", "hip"),
    "knee": ("knee", "hip"), "elbow": ("elbow", "shoulder"),
}  # fmt: skip
"""Of a part that is raised: its end, and the joint over which it rises."""
_JOINTS = {
    "arm": "elbow",
    "leg": "knee",
    "elbow": "elbow",
    "knee": "knee",
    "hip": "hip",
    "shoulder": "shoulder",
}
"""Of a part that is bent: the joint."""
_LIMB_CHECKS = {"raise": 1, "lower": -1, "bend": -1, "straighten": 1}
"""Sign of the change of height or angle."""


def _limb(claim: Claim, measured: Measurements) -> Judgement:
    """Raising, lowering, bending and straightening, of one side or both."""
    predicate, part = claim.action.predicate, claim.action.part
    if part is None or part not in PARTS and part.split("_")[-1].rstrip("s") not in _ENDS:
        return Judgement(
            None, f'"{predicate}" of "{claim.action.patient or part or "nothing"}" is not measured'
        )
    side, _, name = part.partition("_")
    name = name.rstrip("s")
    sides = ("left", "right") if side == "both" else (side,)
    known = _ENDS.keys() if predicate in ("raise", "lower") else _JOINTS.keys()
    if name not in known or sides[0] not in ("left", "right"):
        return Judgement(None, f'how "{part}" moves is not measured')
    row = np.flatnonzero(measured.poses.ids == claim.subject)
    if not len(row):
        return Judgement(None, f"subject {claim.subject} has no skeleton")
    judged = []
    for one in sides:
        high = predicate in ("raise", "lower")
        signal = (
            _height(measured, int(row[0]), one, _ENDS[name])
            if high
            else _angle(measured, int(row[0]), one, _JOINTS[name])
        )
        judged.append(_swing(claim.action, measured, signal, f"{one} {name}"))
    return _all(judged)


def _height(measured: Measurements, row: int, side: str, ends: tuple[str, str]) -> Float[np.ndarray, "T"]:
    """Height of a limb's end above its root along the trunk, in trunk lengths; NaN where unsure."""
    index = {name: i for i, name in enumerate(SKELETONS[measured.poses.skeleton])}
    points = measured.poses.keypoints[row]
    hips, shoulders = (
        (points[:, index[f"left_{joint}"]] + points[:, index[f"right_{joint}"]]) / 2
        for joint in ("hip", "shoulder")
    )
    trunk = shoulders[:, :2] - hips[:, :2]
    if not np.isfinite(trunk).any():
        return np.full(len(points), np.nan)
    length = float(np.nanmedian(np.hypot(*trunk.T)))
    end, root = (points[:, index[f"{side}_{joint}"]] for joint in ends)
    with np.errstate(invalid="ignore", divide="ignore"):
        axis = trunk / np.hypot(*trunk.T)[:, None]
        height = ((end - root)[:, :2] * axis).sum(1) / length
        sure = np.minimum(end[:, 2], root[:, 2]) >= MIN_POINT_SCORE
    return np.where(sure, height, np.nan)


def _angle(measured: Measurements, row: int, side: str, joint: str) -> Float[np.ndarray, "T"]:
    joints = measured.kinematics.joints
    found = np.flatnonzero(joints.ids == measured.poses.ids[row])
    if not len(found):
        return np.full(len(measured.clip.times_s), np.nan)
    angle: Float[np.ndarray, "T"] = joints.angle_deg[int(found[0]), :, list(ANGLES).index(f"{side}_{joint}")]
    return angle


def _swing(action: Action, measured: Measurements, signal: Float[np.ndarray, "T"], name: str) -> Judgement:
    """Judge a rise (or fall) of a limb's signal in the claimed time, and its number."""
    inside = _inside(measured.clip.times_s, action.span)
    known = inside & np.isfinite(signal)
    if known.sum() < max(3, MIN_KNOWN * inside.sum() if action.span is not None else 3):
        return Judgement(None, f"{name} unseen in {1 - known.sum() / max(1, inside.sum()):.0%} of the time")
    high = action.predicate in ("raise", "lower")
    needed, unit = (MIN_ARM_TORSOS, "trunk lengths") if high else (MIN_JOINT_DEG, "degrees")
    values = signal[known] * _LIMB_CHECKS[action.predicate]
    change = _rise(values)
    why = f"{name} changes by {_LIMB_CHECKS[action.predicate] * change:+.{2 if high else 0}f} {unit}"
    judged = [_limit(change, needed, why)]
    if action.count is not None:
        judged.append(_equal(_rises(values, needed), action.count, "times"))
    return _all(judged)


# --- the camera ---------------------------------------------------------------------------------------------

_CAMERA_LABELS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("stay", None): ("static", "slight"),
    ("move", "forward"): ("dolly_in",), ("move", "backward"): ("dolly_out",),
    ("move", "left"): ("pan_left",), ("move", "right"): ("pan_right",),
    ("move", "up"): ("tilt_up",), ("move", "down"): ("tilt_down",),
    ("pan", "left"): ("pan_left",), ("pan", "right"): ("pan_right",), ("pan", None): ("pan_left", "pan_right"),
    ("tilt", "up"): ("tilt_up",), ("tilt", "down"): ("tilt_down",), ("tilt", None): ("tilt_up", "tilt_down"),
    ("roll", "clockwise"): ("roll_clockwise",), ("roll", "counterclockwise"): ("roll_counterclockwise",),
    ("roll", None): ("roll_clockwise", "roll_counterclockwise"),
    ("zoom", "in"): ("zoom_in",), ("zoom", "out"): ("zoom_out",), ("zoom", None): ("zoom_in", "zoom_out"),
    ("shake", None): ("handheld",),
}  # fmt: skip
"""Which labels make a statement about the camera true. Moving sideways looks like panning."""


def _camera(action: Action, measured: Measurements) -> Judgement:
    """Judge by the clip's labels: they hold for the clip as a whole, so a claimed time is not judged."""
    labels = measured.camera.labels
    if not labels:
        return Judgement(None, "the camera's motion is not known")
    why = f"camera: {', '.join(labels)} (s_m {measured.camera.score:.2f})"
    if action.predicate == "move" and not action.direction:
        return Judgement(measured.camera.moves, why)
    judged = []
    for direction in action.direction or (None,):
        wanted = _CAMERA_LABELS.get((action.predicate, direction))
        if wanted is None:
            return Judgement(None, f'no measurement shows whether the camera does "{action.predicate}"')
        judged.append(Judgement(_labelled(wanted, labels), why))
    return _all(judged)


def _labelled(wanted: Sequence[str], labels: Sequence[str]) -> bool | None:
    if set(wanted) & set(labels):
        return True
    return None if "complex" in labels and "static" not in wanted else False


# --- places (for questions) ---------------------------------------------------------------------------------


def located(measured: Measurements, subject: int, quadrant: str, span: Span) -> Judgement:
    """Judge whether a subject's centre is in one quarter of the picture, as filmed, for a whole span.

    Args:
        quadrant: ``upper_left``, ``upper_right``, ``lower_left`` or ``lower_right``. Within 4 % of a middle line it
            is in neither.
    """
    row = measured.row(subject)
    inside = _inside(measured.clip.times_s, span)
    path = measured.kinematics.tracks.image_px[row][inside] if row is not None else np.zeros((0, 2))
    known = path[np.isfinite(path[:, 0])]
    if len(known) < MIN_KNOWN * max(1, inside.sum()):
        return Judgement(None, "unseen")
    place = known / [measured.clip.width, measured.clip.height] - 0.5
    place = place * [1 if quadrant.endswith("right") else -1, 1 if quadrant.startswith("lower") else -1]
    why = f"centre at {known.mean(0)[0]:.0f}, {known.mean(0)[1]:.0f} px"
    if (place > 0.04).all():
        return Judgement(True, why)
    return Judgement(False if (place < -0.04).any(1).all() else None, why)


def beside(measured: Measurements, subject: int, other: int, side: str, span: Span) -> Judgement:
    """Judge whether a subject is to one side of another, as filmed, for a whole span.

    Args:
        side: ``left``, ``right``, ``up`` (above) or ``down`` (below). The larger of the two distances decides; it
            must be twice the smaller and exceed 5 % of the frame width.
    """
    inside = _inside(measured.clip.times_s, span)
    rows = [measured.row(subject), measured.row(other)]
    if None in rows:
        return Judgement(None, "not tracked")
    one, two = (measured.kinematics.tracks.image_px[row][inside] for row in rows if row is not None)
    offset = (one - two)[np.isfinite(one - two).all(1)]
    if len(offset) < MIN_KNOWN * max(1, inside.sum()):
        return Judgement(None, "not seen together")
    axis, sign = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}[side]
    along, across = offset[:, axis] * sign, np.abs(offset[:, 1 - axis])
    least = 0.05 * measured.clip.width
    why = f"offset {offset.mean(0)[0]:+.0f}, {offset.mean(0)[1]:+.0f} px"
    if ((along >= least) & (along >= 2 * across)).all():
        return Judgement(True, why)
    clearly_not = (along <= -least) | (across >= np.maximum(2 * np.abs(along), least))
    return Judgement(False if clearly_not.all() else None, why)


def travelled(measured: Measurements, subject: int, widths: tuple[float, float], span: Span) -> Judgement:
    """Judge whether a subject's net way in a span lies in a range of frame widths; 15 % beside it is unsure."""
    row = measured.row(subject)
    window = _window(subject, span, measured) if row is not None else Judgement(None, "not tracked")
    if isinstance(window, Judgement):
        return window
    net = float(np.hypot(*(window.path[-1] - window.path[0]))) / window.width
    why = f"moved {net:.2f} frame widths"
    low, high = widths
    if low <= net <= high:
        return Judgement(True, why)
    return Judgement(False if net < low * 0.85 or net > high * 1.15 else None, why)


def gap(measured: Measurements, subject: int, other: int, change: str, span: Span) -> Judgement:
    """Judge how the distance of two subjects changes in a span, as filmed, whoever makes it change.

    Args:
        change: ``shrinks``, ``grows``, ``constant``, ``grows_then_shrinks`` or ``shrinks_then_grows``.
    """
    rows = [row for row in (measured.row(subject), measured.row(other)) if row is not None]
    inside = _inside(measured.clip.times_s, span)
    if len(rows) < 2 or not inside.any():
        return Judgement(None, "not tracked")
    one, two = measured.kinematics.tracks.image_px[rows][:, inside]
    distance = np.hypot(*(two - one).T) / measured.clip.width
    distance = distance[np.isfinite(distance)]
    if len(distance) < max(3, MIN_KNOWN * inside.sum()):
        return Judgement(None, "not seen together")
    net, up, down = float(distance[-1] - distance[0]), _rise(distance), _rise(-distance)
    needed = max(MIN_GAP_WIDTHS, MIN_GAP_SHARE * float(distance.max()))
    why = f"distance {distance[0]:.2f} to {distance[-1]:.2f} widths (rises {up:.2f}, falls {down:.2f})"
    effects = {
        "shrinks": -net, "grows": net, "constant": 2 * needed - max(up, down),
        "grows_then_shrinks": min(float(distance.max() - distance[0]), float(distance.max() - distance[-1])),
        "shrinks_then_grows": min(float(distance[0] - distance.min()), float(distance[-1] - distance.min())),
    }  # fmt: skip
    return _limit(effects[change], needed, why)


# --- two texts ----------------------------------------------------------------------------------------------


class Match(NamedTuple):
    """How a candidate text's actions agree with a reference's; all shares in [0, 1]."""

    precision: float
    recall: float
    f1: float
    agent: float
    """Share of the matched actions with the same agent (likewise below)."""
    patient: float
    direction: float
    repetitions: float
    order: float
    """Share of the reference's ordered pairs that the candidate has in the same order; missing ones are wrong."""
    pairs: tuple[tuple[int, int], ...]
    """(reference, candidate) indices of the matched actions."""

    @property
    def score(self) -> float:
        """One number: F1 times the mean agreement of the attributes."""
        return self.f1 * (self.agent + self.patient + self.direction + self.repetitions + self.order) / 5


def compare(reference: Sequence[Action], candidate: Sequence[Action]) -> Match:
    """Align two texts' actions one to one by verb, then by attributes, and count what agrees.

    Verbs match by lemma or by what they assert (to raise, to lift). Denied actions match denied ones only.
    Two texts without actions agree fully.
    """
    pairs = _aligned(reference, candidate)
    hits = len(pairs)
    if not reference and not candidate:
        return Match(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, ())
    precision = hits / len(candidate) if candidate else 0.0
    recall = hits / len(reference) if reference else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    both = [(reference[i], candidate[j]) for i, j in pairs]
    shares = {name: _share([agree(a, b) for a, b in both]) for name, agree in _AGREE.items()}
    return Match(precision, recall, f1, **shares, order=_order(reference, candidate, pairs), pairs=pairs)


def _aligned(reference: Sequence[Action], candidate: Sequence[Action]) -> tuple[tuple[int, int], ...]:
    if not reference or not candidate:
        return ()
    gain = np.array([[_likeness(a, b) for b in candidate] for a in reference])
    rows, columns = linear_sum_assignment(-gain)
    return tuple((int(i), int(j)) for i, j in zip(rows, columns, strict=True) if gain[i, j] > 0)


def _likeness(a: Action, b: Action) -> float:
    """0 where the verbs do not match; else more, the more attributes agree."""
    if a.negated != b.negated or not _same_verb(a, b):
        return 0.0
    return 10.0 + (a.predicate == b.predicate) + sum(agree(a, b) for agree in _AGREE.values())


def _same_verb(a: Action, b: Action) -> bool:
    if a.predicate == b.predicate:
        return True
    one, two = VERB_BY_LEMMA.get(a.predicate), VERB_BY_LEMMA.get(b.predicate)
    return one is not None and two is not None and one.predicate == two.predicate


def _same_phrase(a: str | None, b: str | None) -> bool:
    if a is None or b is None:
        return a is b
    one, two = a.lower().split(), b.lower().split()
    sides = {"left", "right", "both", "other"}
    return one[-1] == two[-1] and set(one) & sides == set(two) & sides


def _ways(action: Action) -> frozenset[str]:
    """Directions with those of the verb, diagonals as two."""
    verb = VERB_BY_LEMMA.get(action.predicate)
    own = action.direction or (verb.direction if verb is not None else ())
    named = {"upper": "up", "lower": "down"}
    return frozenset(named.get(p, p) for d in own for p in (d.split("_") if d in COMPASS else [d]))


def _same_agent(a: Action, b: Action) -> bool:
    return _same_phrase(a.agent, b.agent)


def _same_patient(a: Action, b: Action) -> bool:
    return _same_phrase(a.patient or a.part, b.patient or b.part)


def _same_direction(a: Action, b: Action) -> bool:
    return _ways(a) == _ways(b)


def _same_count(a: Action, b: Action) -> bool:
    return (a.count or 1) == (b.count or 1)


_AGREE: Mapping[str, Callable[[Action, Action], bool]] = {
    "agent": _same_agent,
    "patient": _same_patient,
    "direction": _same_direction,
    "repetitions": _same_count,
}


def _share(agreements: Sequence[bool]) -> float:
    return float(np.mean(agreements)) if agreements else 0.0


def _order(
    reference: Sequence[Action], candidate: Sequence[Action], pairs: Sequence[tuple[int, int]]
) -> float:
    """Share of the reference's strict before-pairs kept by the candidate; 1 where there are none."""
    partner = dict(pairs)
    ordered = [
        (i, j)
        for i, a in enumerate(reference)
        for j, b in enumerate(reference)
        if a.order < b.order and not a.negated and not b.negated
    ]
    kept = [
        i in partner and j in partner and candidate[partner[i]].order < candidate[partner[j]].order
        for i, j in ordered
    ]
    return _share(kept) if ordered else 1.0
