"""One subject goes by another, crosses its way, follows it or meets it.

The finder of events looks at smoothed centres sample by sample. Here the raw boxes' edges say who is before whom and
who meets whom, and lines fitted to whole ways say who crosses and who follows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.checks.measurements import Judgement, Measurements, all_of, any_of, equal, in_span, limit
from kinescribe.checks.relations import common_paths
from kinescribe.checks.tolerances import (
    ALONG_DEG,
    AROUND_S,
    CROSSING_DEG,
    DOUBT,
    FAR_PASS_SIZES,
    MAX_DEEP_SIZES,
    MAX_FOLLOW_CHANGE,
    MAX_FOLLOW_SIZES,
    MAX_PASS_SIZES,
    MAX_TOUCH_SIZES,
    MIN_CHANGED,
    MIN_COMING_SIZES,
    MIN_CROSSING_SIZES,
    MIN_FOLLOW_S,
    MIN_KNOWN,
    MIN_SHIFT_NOISE,
    MIN_SHIFT_WIDTHS,
    MIN_STRAIGHTNESS,
    SECTOR_DEG,
    SECTOR_DOUBT_DEG,
)
from kinescribe.geometry import box_center, box_size
from kinescribe.kinematics.posture import one_level
from kinescribe.records import CAMERA, Claim, Span
from kinescribe.vocabulary import COMPASS, PERSON


class _Both(NamedTuple):
    """The samples in which both subjects of a claim are known, about the time it speaks of."""

    times: Float[np.ndarray, "M"]
    paths: Float[np.ndarray, "2 M 2"]
    """In one frame of reference."""
    boxes: Float[np.ndarray, "2 M 4"]
    """As filmed, not smoothed."""
    said: Bool[np.ndarray, "M"]
    """Which of them the claim speaks of; the others are just before and after."""
    size: float
    """Mean size of both boxes, in pixels."""
    needed: tuple[float, float]
    """Shift of each that counts as motion, in pixels."""


def judge_meeting(claim: Claim, measured: Measurements) -> Judgement:
    """Judge passing, overtaking, crossing, following and touching."""
    if claim.object is None or claim.object == CAMERA or measured.row(claim.object) is None:
        return Judgement(None, f'"{claim.action.patient or "nothing"}" was not tracked')
    if claim.subject == claim.object:
        return Judgement(None, "nobody does it to themselves")
    both = _both(claim, measured)
    if isinstance(both, Judgement):
        return both
    judges = {"pass": _pass, "overtake": _overtake, "cross": _cross, "follow": _follow}
    if claim.action.predicate == "touch":
        return _touch(claim, both, measured)
    return judges[claim.action.predicate](claim, both)


def _both(claim: Claim, measured: Measurements) -> _Both | Judgement:
    """Return what is known of both; why not, where that is too little or where two people are on two levels."""
    rows = [
        row
        for row in (measured.row(i) for i in (claim.subject, claim.object) if i is not None)
        if row is not None
    ]
    tracks = [measured.tracks.row(i) for i in (claim.subject, claim.object) if i is not None]
    motion = measured.kinematics.tracks
    if len({motion.frame[row] for row in rows}) > 1 or (
        motion.frame[rows[0]] == "image" and measured.camera.moves
    ):
        return Judgement(None, "the camera moves, and what both do in the scene is not known")
    paths, boxes = common_paths(measured, rows), measured.tracks.xyxy[tracks]
    times, span = measured.clip.times_s, claim.action.span
    wide = None if span is None else Span(span.start_s - AROUND_S, span.end_s + AROUND_S)
    known = np.isfinite(paths).all((0, 2)) & np.isfinite(boxes).all((0, 2)) & in_span(times, wide)
    said = in_span(times, span)
    if known.sum() < 5 or (span is not None and (known & said).sum() < MIN_KNOWN * said.sum()):
        return Judgement(None, "the two are not seen together long enough")
    nearest = int(np.argmin(np.where(known, np.hypot(*(paths[0] - paths[1]).T), np.inf)))
    people = all(measured.tracks.label[row] == PERSON for row in tracks)
    if people and not one_level(*boxes[:, nearest]):
        return Judgement(None, "they do not stand on one level")
    noise = np.nan_to_num(motion.noise_px[rows])
    one, other = np.maximum(MIN_SHIFT_WIDTHS * measured.clip.width, MIN_SHIFT_NOISE * noise).tolist()
    size = float(np.median(box_size(boxes[:, known]).mean(0)))
    return _Both(times[known], paths[:, known], boxes[:, known], said[known], size, (one, other))


# --- passing ------------------------------------------------------------------------------------------------


class _Order(NamedTuple):
    """How the subject's box lies to the object's along the line on which it goes by it."""

    side: np.ndarray
    """Per sample: -1 clear of it on one side, 1 on the other, 0 beside it."""
    centers: np.ndarray
    """The same by centres alone: -1 or 1."""
    between: np.ndarray
    """How far apart the edges are across that line, in pixels; negative where they overlap."""

    @property
    def changes(self) -> list[tuple[int, int]]:
        """Last sample clear on one side and first sample clear on the other, for each change of sides."""
        clear = np.flatnonzero(self.side)
        turns = np.flatnonzero(np.diff(self.side[clear]) != 0)
        return [(int(clear[k]), int(clear[k + 1])) for k in turns]


def _order(both: _Both) -> _Order:
    middles = box_center(both.boxes)
    apart = middles[0] - middles[1]
    along = _main_line(apart)[0]
    across = np.array([-along[1], along[0]])
    half = (both.boxes[..., 2:] - both.boxes[..., :2]).sum(0) / 2
    ahead, reach = apart @ along, half @ np.abs(along)
    side = np.where(ahead >= reach, 1, np.where(ahead <= -reach, -1, 0))
    return _Order(side, np.where(ahead >= 0, 1, -1), np.abs(apart @ across) - half @ np.abs(across))


def _pass(claim: Claim, both: _Both) -> Judgement:
    """The boxes' edges change their order along the line of the relative way, and it is the subject that goes by."""
    order = _order(both)
    if not order.changes:
        swapped = bool((np.diff(order.centers) != 0).any())
        return Judgement(None if swapped else False, "it is not clear of the other on both sides")
    if claim.action.count is None:
        return any_of([_change(claim, order, both, change) for change in order.changes])
    found = [_near_enough(order, both, *change) for change in order.changes]
    number = equal(sum(j.holds is True for j in found), claim.action.count, "passes")
    whole = order.changes[0][0], order.changes[-1][1]
    return all_of([_change(claim, order, both, order.changes[0], whole), number])


def _change(
    claim: Claim,
    order: _Order,
    both: _Both,
    change: tuple[int, int],
    during: tuple[int, int] | None = None,
) -> Judgement:
    """Judge one change of sides.

    Args:
        during: the samples of which some must be those that the claim speaks of; by default the change's own.
    """
    first, last = change
    gone = both.paths[:, last] - both.paths[:, first]
    judged = [_near_enough(order, both, first, last), _own_way(gone), _beside_its_way(gone, both)]
    judged += [_towards(direction, gone[0]) for direction in claim.action.direction if direction in COMPASS]
    a, b = during or change
    if not both.said[a : b + 1].any():
        judged.append(Judgement(False, "at another time"))
    return all_of(judged)


def _beside_its_way(gone: Float[np.ndarray, "2 2"], both: _Both) -> Judgement:
    """Of two that both go, one passes the other along its way; across it, it is a matter of words."""
    off = _off_deg(*gone)
    across = bool((np.hypot(*gone.T) >= both.needed).all()) and SECTOR_DEG < off < 180 - SECTOR_DEG
    return Judgement(None if across else True, f"their ways differ by {off:.0f} degrees")


def _near_enough(order: _Order, both: _Both, a: int, b: int) -> Judgement:
    sizes = float(order.between[a : b + 1].min()) / both.size
    why = f"goes by {max(sizes, 0):.1f} sizes from it at {both.times[a]:.1f}-{both.times[b]:.1f} s"
    return Judgement(True if sizes <= MAX_PASS_SIZES else False if sizes > FAR_PASS_SIZES else None, why)


def _own_way(gone: Float[np.ndarray, "2 2"]) -> Judgement:
    own, other = np.hypot(*gone.T).tolist()
    share = own / max(own + other, 1e-9)
    return Judgement(
        True if share >= 0.35 else False if share < 0.2 else None, f"{share:.0%} of it its own doing"
    )


def _towards(direction: str, way: Float[np.ndarray, "2"]) -> Judgement:
    heading = float(np.degrees(np.arctan2(-way[1], way[0])))
    off = abs((heading - 45 * COMPASS.index(direction) + 180) % 360 - 180)
    return Judgement(
        True if off <= SECTOR_DEG else False if off > SECTOR_DOUBT_DEG else None,
        f"heading {heading % 360:.0f} degrees",
    )


def _overtake(claim: Claim, both: _Both) -> Judgement:
    """A pass in which both go one way, and the subject comes from behind."""
    order = _order(both)
    if claim.action.count is not None or not order.changes:
        return _pass(claim, both)
    return any_of([_gets_before(claim, order, both, change) for change in order.changes])


def _gets_before(claim: Claim, order: _Order, both: _Both, change: tuple[int, int]) -> Judgement:
    passed, (a, b) = _change(claim, order, both, change), change
    own, other = both.paths[:, b] - both.paths[:, a]
    goes = limit(float(np.hypot(*other)), both.needed[1], "the other goes, too")
    apart = both.paths[0] - both.paths[1]
    line = other / max(float(np.hypot(*other)), 1e-9)
    gained = Judgement(bool(apart[b] @ line > 0 > apart[a] @ line), "from behind to before it")
    return all_of([passed, goes, _one_way(own, other), gained])


def _one_way(own: Float[np.ndarray, "2"], other: Float[np.ndarray, "2"]) -> Judgement:
    off = _off_deg(own, other)
    why = f"their ways differ by {off:.0f} degrees"
    return Judgement(True if off <= SECTOR_DEG else False if off > SECTOR_DOUBT_DEG else None, why)


# --- crossing and following ---------------------------------------------------------------------------------


def _cross(claim: Claim, both: _Both) -> Judgement:
    """Lines fitted to both ways meet at an angle, with both subjects on both sides of the other's line."""
    lines = [_main_line(path) for path in both.paths]
    moved = all_of(
        [
            limit(float(np.ptp(path @ line)), needed, "both go")
            for path, (line, _), needed in zip(both.paths, lines, both.needed, strict=True)
        ]
    )
    if moved.holds is not True:
        return moved
    if min(share for _, share in lines) < MIN_STRAIGHTNESS:
        return Judgement(None, "their ways are bent")
    angle = _off_deg(lines[0][0], lines[1][0])
    angle = min(angle, 180 - angle)
    crossing = Judgement(
        True if angle >= CROSSING_DEG else False if angle < ALONG_DEG else None,
        f"their ways meet at {angle:.0f} degrees",
    )
    if crossing.holds is False:
        return crossing
    arms = [_arms(both, k, lines[1 - k][0], np.radians(angle)) for k in (0, 1)]
    through = limit(
        min(arms), MIN_CROSSING_SIZES, f"each is {min(arms):.1f} sizes on both sides of the other's way"
    )
    counted = (
        [] if claim.action.count is None else [equal(1, claim.action.count, "crossing of straight ways")]
    )
    return all_of([crossing, through, *counted])


def _arms(both: _Both, k: int, line: Float[np.ndarray, "2"], angle: float) -> float:
    """Return how many sizes a subject goes beyond the other's line on its shorter side; negative if it stays on one."""
    normal = np.array([-line[1], line[0]])
    away = (both.paths[k] - both.paths[1 - k].mean(0)) @ normal / np.sin(angle)
    return float(min(away.max(), -away.min())) / both.size


def _follow(claim: Claim, both: _Both) -> Judgement:
    """Both go one way in step, the subject behind: by straight lines fitted to their progress."""
    chosen = both.said if both.said.sum() >= 5 else np.ones(len(both.times), bool)
    times, paths = both.times[chosen], both.paths[:, chosen]
    ways = paths[:, -1] - paths[:, 0]
    going = [
        limit(float(np.hypot(*way)), needed, "both go") for way, needed in zip(ways, both.needed, strict=True)
    ]
    lasting = limit(float(times[-1] - times[0]), MIN_FOLLOW_S, f"for {times[-1] - times[0]:.1f} s")
    judged = all_of([*going, lasting, _one_way(ways[0], ways[1])])
    if judged.holds is False:
        return judged
    if min(_main_line(path)[1] for path in paths) < MIN_STRAIGHTNESS:
        return Judgement(None, "their ways are bent")
    line = ways.sum(0) / max(float(np.hypot(*ways.sum(0))), 1e-9)
    ahead = (paths[1] - paths[0]) @ line
    aside = np.abs((paths[1] - paths[0]) @ np.array([-line[1], line[0]]))
    slope, start = np.polyfit(times - times[0], ahead, 1)
    middle = start + slope * (times[-1] - times[0]) / 2
    change = abs(float(slope) * float(times[-1] - times[0])) / max(abs(float(middle)), 1e-9)
    behind = float((ahead > aside).mean())
    why = f"{behind:.0%} of the time behind it, {middle / both.size:.1f} sizes away, changing by {change:.0%}"
    place = Judgement(True if behind >= 0.9 else False if behind < 0.5 else None, why)
    near = _below(float(middle) / both.size, MAX_FOLLOW_SIZES, "distance")
    return all_of([judged, place, near, _below(change, MAX_FOLLOW_CHANGE, "change of it")])


# --- meeting ------------------------------------------------------------------------------------------------


def _touch(claim: Claim, both: _Both, measured: Measurements) -> Judgement:
    """Edges come together without overlapping, and neither goes on as it came."""
    tracks = [measured.tracks.row(i) for i in (claim.subject, claim.object) if i is not None]
    if any(measured.tracks.label[row] == PERSON for row in tracks):
        return Judgement(None, "where a person's box ends, nobody is touched yet")
    gap = _edges(both.boxes) / both.size
    at = _first_low(gap)
    apart = _below(
        float(gap[at]), MAX_TOUCH_SIZES, f"edges {gap[at]:+.2f} sizes apart at {both.times[at]:.1f} s"
    )
    if apart.holds is False:
        return apart
    before = (both.times >= both.times[at] - AROUND_S) & (both.times <= both.times[at])
    after = (both.times >= both.times[at]) & (both.times <= both.times[at] + AROUND_S)
    if before.sum() < 3 or after.sum() < 4:
        return Judgement(None, f"{apart.why}; what is before or after is not seen")
    deep = _below(-float(gap[after].min()), MAX_DEEP_SIZES, "overlap")
    came_up = limit(float(gap[before].max() - gap[at]), MIN_COMING_SIZES, "comes up to it")
    return all_of([apart, deep, came_up, _ends_there(both, before, after), _goes(both, before)])


def _ends_there(both: _Both, before: Bool[np.ndarray, "M"], after: Bool[np.ndarray, "M"]) -> Judgement:
    """Whether they are elsewhere, a moment later, than what they did before would have brought them to."""
    middles = box_center(both.boxes)
    apart = middles[0] - middles[1]
    course = np.polyfit(both.times[before], apart[before], 1)
    ahead = both.times[after][-1] - both.times[before][-1]
    off = apart[after][-1] - (course[0] * both.times[after][-1] + course[1])
    kept = float(np.hypot(*off)) / max(float(np.hypot(*course[0])) * float(ahead), 1e-9)
    return limit(kept, MIN_CHANGED, f"{kept:.0%} off its course a moment later")


def _goes(both: _Both, before: Bool[np.ndarray, "M"]) -> Judgement:
    index = np.flatnonzero(before)
    return _own_way(both.paths[:, index[-1]] - both.paths[:, index[0]])


def _first_low(gap: Float[np.ndarray, "M"]) -> int:
    """Return the first sample at which edges are about as near as they ever get (or overlap)."""
    return int(np.flatnonzero(gap <= max(float(gap.min()) + 0.1, 0.0))[0])


def _edges(boxes: Float[np.ndarray, "2 M 4"]) -> Float[np.ndarray, "M"]:
    """Return how far boxes are apart along the axis on which they are farther apart; negative where they overlap."""
    low, high = boxes[..., :2].max(0), boxes[..., 2:].min(0)
    return np.asarray((low - high).max(1))


# --- in common ----------------------------------------------------------------------------------------------


def _main_line(points: Float[np.ndarray, "M 2"]) -> tuple[Float[np.ndarray, "2"], float]:
    """Return the direction of the line that points lie along best, and the share of their variance along it."""
    centred = points - points.mean(0)
    power, axes = np.linalg.eigh(centred.T @ centred)
    return axes[:, 1], float(power[1] / max(float(power.sum()), 1e-12))


def _off_deg(one: Float[np.ndarray, "2"], other: Float[np.ndarray, "2"]) -> float:
    cosine = float(one @ other) / max(float(np.hypot(*one) * np.hypot(*other)), 1e-12)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _below(value: float, most: float, why: str) -> Judgement:
    """True up to ``most``, false from ``1 / DOUBT`` times it on."""
    return Judgement(
        True if value <= most else False if value > most / DOUBT else None, f"{why}: {value:.2f}"
    )
