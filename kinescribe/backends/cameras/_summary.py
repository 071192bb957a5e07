"""What the camera did, stretch by stretch and in the whole clip: words, and FoundationMotion's score.

All lengths here are shares of the picture's longer side, so nothing depends on the resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import uniform_filter1d

from kinescribe.backends.cameras._fit import fit_similarity
from kinescribe.geometry import apply_affine, compose_affine, invert_affine
from kinescribe.records import CameraStretch, Span
from kinescribe.vocabulary import CAMERA_LABELS

SCORE_SAMPLES = 8
"""FoundationMotion looks at this many frames, spread evenly over the clip."""
FOV_DEG = 60
"""Assumed angle of view of the longer side; 50 makes the rotation terms 19 % smaller, 80 makes them 45 % larger."""
STATIC_SCORE = 0.05
"""14 of 15 clips that are static by eye lie below."""


class Clear(NamedTuple):
    """When a motion deserves a word."""

    net: float
    """From beginning to end of a stretch, unless it comes back at once."""
    run: float
    """Even if it comes back."""
    still: float
    """Less than this is nothing."""


SHIFT = Clear(net=0.08, run=0.2, still=0.01)
"""5 and 11 degrees at the assumed angle of view."""
LOG_SCALE = Clear(net=float(np.log(1.06)), run=float(np.log(1.25)), still=0.01)
ROLL_DEG = Clear(net=4, run=12, still=0.6)
TREMBLE, TREMBLE_WINDOW_S, REVERSALS = 0.0012, 1.0, 0.2
"""Hand-held: the path leaves its one-second mean by this (0.4 px at 320) and often turns back."""
MAX_UNKNOWN = 0.2
"""Share of the time without a trusted map from which on the clip's motion is ``complex``."""

KNOWN, UNKNOWN, UNCLEAR, DRIVES, RECEDES, CUT = range(6)
"""States of a step from sample to sample."""
STATE_LABELS = {
    UNKNOWN: ("unknown",),
    UNCLEAR: ("complex",),
    DRIVES: ("dolly_in", "complex"),
    RECEDES: ("dolly_out", "complex"),
}
MIN_STRETCH_S = 0.5
"""Nothing is said of a shorter stretch: five samples at 10 Hz are what a line can be told from noise by."""
MAX_GAP_S = 0.35
"""So long the camera may be unknown (three steps) and is taken to go on; its path there is a guess."""
SNAP_S = 0.4
"""What begins or ends within this time begins or ends together."""
MIN_REST_S = 1.0
"""A camera that rests exactly for this long stands on something."""
CREEP = 0.1
"""A part that is ten times slower than the quickest of a run does not belong to it."""
NOISE, PENALTY = 0.01, 25.0
"""Of the measured path, in units of ``Clear.net`` (a quarter of a pixel of 320), and how many variances of it another
piece must explain. 25: five standard deviations in one sample, or two in six."""
MIN_SHARE = 0.1
"""Of the time that is known; a motion that holds for less does not stand for the clip, unless none holds longer."""
MIN_SEEN_SHARE = 0.5
"""If less is known, the clip's camera is ``unknown``."""

WINDOW_S = 2.0
MIN_STEPS = 5
MOVING_PX = 0.3
"""Of the tracker's small picture."""
MIN_MOVING_CELLS, MIN_RADIAL, MIN_SECTORS = 0.4, 0.75, 5
"""Driving (motorway clip): 85 to 95 % of the cells move on, 80 to 95 % of them away from one point, in 7 to 8 of
eight sectors round it. A static camera has few cells that move on in the median of two seconds."""
MIN_WINDOW_S, MIN_LASTING = 1.5, 0.25
"""And so much of the grid is followed in most of the steps of a window that is at least so long. Driving: 35 to 75 %;
fades and dissolves, in which the little that is left grows: 5 to 20 %."""
MIN_FACING, MIN_FACING_SHARE = 5, 0.6
"""In two sectors that face each other so many cells, and such a share of the sector's, run along: what is away from one
point to one side only is a pan over a deep scene."""
MAX_PLANE_RATIO = 0.6
"""Expansion that a similarity explains this well is a zoom (or a move towards a wall): no parallax."""

MAX_OFF_PX, MAX_OFF_SHARE = 0.75, 0.25
"""A cell leaves the one map if its flow differs by more than both: of what the tracker measures, and of the flow."""
MIN_NEARER, MIN_AWAY = 0.1, 0.9
"""Driving where most of the picture is one far plane: so many cells leave its map, and of those so many go out of the
point that the map grows from (in to the one that it shrinks to). Tunnel worlds: 0.11 and more of the cells while cards
are in view, 0.93 and more of them; zooms, also with things that move before them, have 0 to 0.03."""

CHANNELS = {"x": SHIFT, "y": SHIFT, "log_scale": LOG_SCALE, "roll_deg": ROLL_DEG}
LABELS = {
    "x": ("pan_left", "pan_right"),  # content to the right: the camera turns left
    "y": ("tilt_up", "tilt_down"),  # content down: the camera turns up
    "log_scale": ("zoom_in", "zoom_out"),
    "roll_deg": ("roll_counterclockwise", "roll_clockwise"),  # content clockwise: the camera the other way
}


class Path(NamedTuple):
    """Where the picture's content is, step by step, relative to the first sample."""

    x: Float[np.ndarray, "T"]
    y: Float[np.ndarray, "T"]
    log_scale: Float[np.ndarray, "T"]
    roll_deg: Float[np.ndarray, "T"]
    """Clockwise as seen."""


class Score(NamedTuple):
    """s_m and its terms: mean dt, mean dr, max dt, max dr."""

    value: float
    terms: Float[np.ndarray, "4"]


def score(steps: Float[np.ndarray, "M 2 3"], size: tuple[float, float]) -> Score:
    """Return FoundationMotion's camera score from maps between neighbouring samples.

    dr is the Frobenius norm of the difference of two rotation matrices, dt the change of distance in mean scene
    depths. Shifts are booked as rotation; were they sideways moves, the score would differ by at most sqrt(2).

    Args:
        steps: from each sample's pixels to those of the one before; unknown steps as best guessed, never NaN.
        size: width and height in the same pixels.
    """
    picked = np.unique(np.linspace(0, len(steps), SCORE_SAMPLES).round().astype(int))
    if len(picked) < 2:
        return Score(0.0, np.zeros(4))
    moved = [_shift(_chain(steps[i:j]), size) for i, j in zip(picked[:-1], picked[1:], strict=True)]
    x, y, log_scale, roll = np.array(moved).T
    focal = 0.5 / np.tan(np.radians(FOV_DEG) / 2)
    angle = np.sqrt(np.arctan(x / focal) ** 2 + np.arctan(y / focal) ** 2 + roll**2)
    dr = 2 * np.sqrt(2) * np.sin(np.minimum(angle, np.pi) / 2)
    dt = np.abs(1 - np.exp(-log_scale))
    terms = np.array([dt.mean(), dr.mean(), dt.max(), dr.max()])
    return Score(float(terms @ [1, 1, 0.5, 0.5]), terms)


def path(steps: Float[np.ndarray, "M 2 3"], size: tuple[float, float]) -> Path:
    """Return how the content moved, added up over the steps."""
    moved = np.array([_shift(step, size) for step in steps]).reshape(-1, 4)
    x, y, log_scale, roll = np.vstack([np.zeros(4), np.cumsum(moved, 0)]).T
    return Path(x, y, log_scale, np.degrees(roll))


def stretches(
    way: Path,
    times_s: Float[np.ndarray, "T"],
    known: Bool[np.ndarray, "M"],
    unclear: Bool[np.ndarray, "M"],
    radial: Int[np.ndarray, "M"],
    cuts: Int[np.ndarray, "C"],
) -> tuple[CameraStretch, ...]:
    """Return what the camera does, stretch by stretch; together they fill the time from the first sample to the last.

    A stretch lies within one shot, and the camera is known all along or nowhere in it. What is known is divided
    where one of the four motions begins or ends (``_runs``).

    Args:
        way: where the content went.
        times_s: of the samples.
        known: steps (from sample to sample) whose motion was measured.
        unclear: of the others, those whose picture has enough to hold on to: something moves, but not as one.
        radial: 1 for steps of driving forward, -1 backward, 0 otherwise (``expansion``).
        cuts: samples at which another picture begins; the steps to them mean nothing.
    """
    states = np.select([radial > 0, radial < 0, known, unclear], [DRIVES, RECEDES, KNOWN, UNCLEAR], UNKNOWN)
    states[cuts - 1] = CUT
    way = _carried_on(way, states == KNOWN)
    found: list[CameraStretch] = []
    for piece in _pieces(states, times_s):
        span = Span(float(times_s[piece.first]), float(times_s[piece.last + (piece.cut_after)]))
        if piece.state == KNOWN:
            found += _known_stretches(
                _part(way, piece.first, piece.last), times_s[piece.first : piece.last + 1], span
            )
        else:
            found.append(CameraStretch(span, STATE_LABELS[piece.state]))
    return tuple(found)


def summary(found: Sequence[CameraStretch]) -> tuple[str, ...]:
    """Return the words for a whole clip, from ``vocabulary.CAMERA_LABELS``.

    What holds for a fair share of the time in which something is seen (or, of what moves, longest); opposites only if
    each has a stretch of its own. ``static`` only if nothing else is known; ``unknown`` if little is known.
    """
    shares = _shares(found)
    seen = 1 - shares.pop("unknown", 0.0)
    if seen < MIN_SEEN_SHARE:
        return ("unknown",)
    shares = {label: share / seen for label, share in shares.items()}
    moves = {label: share for label, share in shares.items() if label not in ("static", "slight", "complex")}
    fair = max(moves, key=lambda label: moves[label], default="")
    words = [label for label in CAMERA_LABELS if moves.get(label, 0.0) >= MIN_SHARE or label == fair]
    if shares.get("complex", 0.0) > MAX_UNKNOWN or {"dolly_in", "dolly_out"} & set(words):
        words.append("complex")
    return tuple(words or ["slight" if shares.get("slight", 0.0) > 0 else "static"])


def labels(
    way: Path,
    value: float,
    samples_per_s: float,
    unknown: Bool[np.ndarray, "M"],
    radial: Int[np.ndarray, "M"],
) -> tuple[str, ...]:
    """Return the words for a clip without cuts whose samples are evenly spaced.

    Args:
        way: where the content went.
        value: the score: above ``STATIC_SCORE`` nothing is called static.
        samples_per_s: of the path.
        unknown: steps without a trusted map.
        radial: 1 for steps of driving forward, -1 backward, 0 otherwise (``expansion``).
    """
    times_s = np.arange(len(way.x)) / samples_per_s
    # A screen by motion vectors has as many steps as coded frames: told of the samples they span.
    steps = np.linspace(0, max(len(unknown) - 1, 0), max(len(way.x) - 1, 0)).round().astype(int)
    none = np.zeros(0, dtype=np.int64)
    found = summary(stretches(way, times_s, ~unknown[steps], unknown[steps], radial[steps], none))
    return ("slight",) if found == ("static",) and value > STATIC_SCORE else found


def expansion(
    flow: Float[np.ndarray, "M C 2"],
    cells: Float[np.ndarray, "C 2"],
    ratio: Float[np.ndarray, "M"],
    size: tuple[float, float],
    samples_per_s: float,
    log_scale: Float[np.ndarray, "M"],
) -> Int[np.ndarray, "M"]:
    """Return which steps look like driving: 1 forward, -1 backward, 0 neither.

    Near things stream away from one point faster than far things do. In any one sample that drowns in cars and
    wrong matches; the median flow of each cell over two seconds shows it plainly. Where one map explains most of the
    picture (a wall at the end of a corridor), those who leave it tell a drive from a zoom; and what scales the picture
    on in the seconds before and after is the same drive.

    Args:
        flow: of each cell from sample to sample, NaN where none, in pixels of the tracker's picture.
        cells: centres of the cells, in the same pixels.
        ratio: share of the corners that follow the one fitted map.
        size: width and height of the tracker's picture.
        samples_per_s: steps per second.
        log_scale: by which the fitted map scales the content in each step.
    """
    verdict = np.zeros(len(flow), dtype=np.int64)
    length = max(MIN_STEPS, round(WINDOW_S * samples_per_s))
    for start in range(0, max(1, len(flow) - length + 1), max(1, length // 2)):
        window = slice(start, start + length if start + 2 * length <= len(flow) else len(flow))
        if len(flow[window]) < max(MIN_STEPS, MIN_WINDOW_S * samples_per_s):
            continue
        sign = 0
        if np.median(ratio[window]) < MAX_PLANE_RATIO:
            sign = _radial_sign(flow[window], cells, size)
        if not sign and abs(log_scale[window].sum()) >= LOG_SCALE.net:
            # Near things pass quickly: a longer window would hold several in every cell.
            sign = _parallax_sign(flow[start : start + length], cells)
        verdict[window] = sign or verdict[window]
    return _with_the_same_scaling(verdict, log_scale, max(1, length // 2)) if verdict.any() else verdict


def _with_the_same_scaling(
    verdict: Int[np.ndarray, "M"], log_scale: Float[np.ndarray, "M"], width: int
) -> Int[np.ndarray, "M"]:
    """Return the steps of driving with those next to them in which the picture goes on being scaled the same way."""
    least = LOG_SCALE.net / width
    pace = uniform_filter1d(log_scale, width, mode="nearest")
    result = verdict.copy()
    for order in (range(1, len(verdict)), range(len(verdict) - 2, -1, -1)):
        step = order.step
        for k in order:
            sign = result[k - step]
            if sign and not result[k] and sign * pace[k] >= least:
                result[k] = sign
    return result


# --- parts --------------------------------------------------------------------------------------------------


def _shift(step: Float[np.ndarray, "2 3"], size: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return x, y (shares of the longer side), log scale and clockwise roll (radians) of the content."""
    content = invert_affine(step)
    center = np.array(size) / 2
    x, y = (apply_affine(content, center) - center) / max(size)
    a, b, c, d = content[0, 0], content[0, 1], content[1, 0], content[1, 1]
    return x, y, 0.5 * float(np.log(max(a * d - b * c, 1e-6))), float(np.arctan2(c - b, a + d))


def _chain(steps: Float[np.ndarray, "M 2 3"]) -> Float[np.ndarray, "2 3"]:
    total = np.eye(2, 3)
    for step in steps:
        total = compose_affine(total, step)
    return total


class _Piece(NamedTuple):
    """Samples of one shot between which all steps are in the same state."""

    state: int
    first: int
    last: int
    """Inclusive; the next piece begins there too, unless a cut lies between."""
    cut_after: bool


def _pieces(states: Int[np.ndarray, "M"], times_s: Float[np.ndarray, "T"]) -> list[_Piece]:
    """Divide the samples by state; states that last too short are unknown, or as before and after them."""
    states = states.copy()
    shots = np.split(np.arange(len(states)), np.flatnonzero(states == CUT))
    found: list[_Piece] = []
    for i, shot in enumerate(shots):
        steps = shot[states[shot] != CUT]
        first = int(shot[0]) + (i > 0) if len(shot) else 0
        if not len(steps):  # one sample between two cuts, or at the end
            found.append(_Piece(UNKNOWN, first, first, i < len(shots) - 1))
            continue
        own = _without_short(states[steps], np.diff(times_s)[steps])
        edges = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(own)]
        for a, b in pairwise(edges):
            ends = i < len(shots) - 1 and b == len(own)
            found.append(_Piece(int(own[a]), first + a, first + b, ends))
    return found


def _without_short(states: Int[np.ndarray, "M"], lengths_s: Float[np.ndarray, "M"]) -> Int[np.ndarray, "M"]:
    """Bridge short gaps in what is known, give up what is known too briefly; the rest is unclear if most of it is."""
    states = states.copy()
    for old, new, longest_s in ((-1, KNOWN, MAX_GAP_S), (KNOWN, UNKNOWN, MIN_STRETCH_S)):
        edges = [0, *(np.flatnonzero(np.diff(states == KNOWN)) + 1).tolist(), len(states)]
        for a, b in pairwise(edges):
            is_known = bool(states[a] == KNOWN)
            inside = a > 0 and b < len(states)
            brief = lengths_s[a:b].sum() < longest_s - 1e-6
            if brief and (is_known if old == KNOWN else not is_known and inside):
                states[a:b] = new
    edges = [0, *(np.flatnonzero(np.diff(_kind(states))) + 1).tolist(), len(states)]
    for a, b in pairwise(edges):
        if _kind(states[a : a + 1])[0] == UNKNOWN:
            states[a:b] = UNCLEAR if 2 * (states[a:b] == UNCLEAR).sum() > b - a else UNKNOWN
    return states


def _kind(states: Int[np.ndarray, "M"]) -> Int[np.ndarray, "M"]:
    """Return states without the difference between what is unclear and what is unknown."""
    return np.where(states == UNCLEAR, UNKNOWN, states)


def _carried_on(way: Path, known: Bool[np.ndarray, "M"]) -> Path:
    """Return a path whose unknown steps are as those before and after them."""
    if known.all() or not known.any():
        return way
    steps = np.arange(len(known))
    moved = [np.interp(steps, steps[known], np.diff(values)[known]) for values in way]
    return Path(
        *(values[0] + np.concatenate([[0.0], np.cumsum(m)]) for values, m in zip(way, moved, strict=True))
    )


def _part(way: Path, first: int, last: int) -> Path:
    return Path(*(values[first : last + 1] for values in way))


class Run(NamedTuple):
    """One motion from a sample to another."""

    first: int
    last: int
    net: float
    """How far, in units of ``Clear.net``; positive where the content moves right or down, grows, or turns clockwise."""


def _known_stretches(way: Path, times_s: Float[np.ndarray, "T"], span: Span) -> list[CameraStretch]:
    """Return the stretches of samples of one shot whose camera is known."""
    holding: list[tuple[int, int, str]] = []
    for name, clear in CHANNELS.items():
        for run in _runs(
            getattr(way, name) / clear.net, times_s, clear.run / clear.net, clear.still / clear.net
        ):
            holding.append((run.first, run.last, LABELS[name][run.net < 0]))
    bends = [times_s[edge] for first, last, _ in holding for edge in (first, last)]
    holding += [(a, b, "handheld") for a, b in _trembling(way, times_s, np.array(bends))]
    knots = _snapped(times_s, [edge for a, b, _ in holding for edge in (a, b)])
    found: list[CameraStretch] = []
    for a, b in pairwise(knots):
        words = tuple(
            w for w in CAMERA_LABELS if any(label == w and _covers(c, d, a, b) for c, d, label in holding)
        )
        words = words or ("static" if _is_still(_part(way, a, b)) else "slight",)
        start = span.start_s if a == 0 else float(times_s[a])
        end = span.end_s if b == len(times_s) - 1 else float(times_s[b])
        if found and found[-1].labels == words:
            found[-1] = CameraStretch(Span(found[-1].span.start_s, end), words)
        else:
            found.append(CameraStretch(Span(start, end), words))
    return found


def _covers(first: int, last: int, a: int, b: int) -> bool:
    return min(last, b) - max(first, a) > 0.5 * (b - a)


def _snapped(times_s: Float[np.ndarray, "T"], edges: Sequence[int]) -> list[int]:
    """Return where stretches begin and end: edges that are nearly at the same time are one."""
    end = len(times_s) - 1
    knots, group = [0], [0]
    for edge in sorted(edges):
        if times_s[edge] - times_s[group[0]] < SNAP_S:
            group.append(edge)
        else:
            group = [edge]
            knots.append(edge)
        if len(knots) > 1:
            knots[-1] = round(sum(group) / len(group))
    while len(knots) > 1 and times_s[end] - times_s[knots[-1]] < SNAP_S:
        knots.pop()
    return [*knots, end]


def _runs(
    values: Float[np.ndarray, "T"], times_s: Float[np.ndarray, "T"], alone: float, still: float
) -> list[Run]:
    """Return when one kind of motion goes one way, and how far.

    The path is divided into straight pieces (bottom-up merging: Keogh, Chu, Hart and Pazzani 2001); neighbours that go
    the same way are one run. A run that comes to less than 1 is nothing, and neither is a swing that is undone at
    once, unless it comes to ``alone``.

    Args:
        values: the path in units of what deserves a word.
        times_s: of the samples.
        alone: a swing from there on deserves it even if it comes back.
        still: a piece that comes to less is rest.
    """
    swings: list[Run] = []
    pieces = [(a, b, float(values[b] - values[a])) for a, b in pairwise(_knots(values, times_s))]
    for _, group in groupby(pieces, key=lambda p: 0 if abs(p[2]) < still else int(np.sign(p[2]))):
        for chain in _without_slow(list(group), times_s):
            first, last = chain[0][0], chain[-1][1]
            swings.append(Run(first, last, float(values[last] - values[first])))
    return [
        run for i, run in enumerate(swings) if abs(run.net) >= 1 and not _undone(swings, i, times_s, alone)
    ]


def _without_slow(
    chain: list[tuple[int, int, float]], times_s: Float[np.ndarray, "T"]
) -> list[list[tuple[int, int, float]]]:
    """Leave out pieces that creep before, after or between others; what creeps far enough is a run of its own."""
    rate = [abs(net) / (times_s[b] - times_s[a]) for a, b, net in chain]
    quick = [r >= CREEP * max(rate) for r in rate]
    groups = groupby(zip(chain, quick, strict=True), key=lambda p: p[1])
    if all(is_quick or sum(abs(p[2]) for p, _ in group) < 1 for is_quick, group in groups):
        groups = groupby(zip(chain, quick, strict=True), key=lambda p: p[1])
        return [[piece for piece, _ in group] for is_quick, group in groups if is_quick]
    return [chain]


def _undone(swings: Sequence[Run], i: int, times_s: Float[np.ndarray, "T"], alone: float) -> bool:
    """Whether a swing that is small comes from, or goes back, the other way at once: a hand that sways."""
    run = swings[i]
    if abs(run.net) >= alone:
        return False
    for other in (*swings[max(0, i - 1) : i], *swings[i + 1 : i + 2]):
        apart = max(times_s[other.first] - times_s[run.last], times_s[run.first] - times_s[other.last])
        if apart < MIN_STRETCH_S and other.net * run.net < 0 and abs(other.net) >= 0.5 * abs(run.net):
            return True
    return False


def _knots(values: Float[np.ndarray, "T"], times_s: Float[np.ndarray, "T"]) -> list[int]:
    """Return the samples that divide a path into straight pieces, its ends included.

    Pieces are merged, the best match first, as long as the squared error grows by less than ``PENALTY`` variances of
    the noise; then the short ones.
    """
    last = len(values) - 1
    spread = max(NOISE, _jitter(values, times_s))
    error = _line_errors(values, times_s)
    before, after = list(range(-1, last)), list(range(1, last + 2))
    alive = [True] * (last + 1)
    cost = np.zeros(last + 1)
    cost[1:last] = error(np.arange(last - 1), np.arange(2, last + 1))
    queue = [(float(cost[k]), k) for k in range(1, last)]
    heapify(queue)

    def price(k: int) -> float:
        whole, left, right = error(
            np.array([before[k], before[k], k]), np.array([after[k], k, after[k]])
        ).tolist()
        return float(whole - left - right)

    def remove(k: int) -> None:
        alive[k] = False
        a, b = before[k], after[k]
        after[a], before[b] = b, a
        for near in (a, b):
            if 0 < near < last:
                cost[near] = price(near)
                heappush(queue, (float(cost[near]), near))

    while queue and queue[0][0] < PENALTY * spread**2:
        price_then, k = heappop(queue)
        if alive[k] and price_then == cost[k]:
            remove(k)

    def is_short(a: int, b: int) -> bool:
        return bool(times_s[b] - times_s[a] < MIN_STRETCH_S - 1e-6)

    def brief() -> list[int]:
        left = [k for k in range(1, last) if alive[k]]
        return [k for k in left if is_short(before[k], k) or is_short(k, after[k])]

    while candidates := brief():
        remove(min(candidates, key=lambda k: cost[k]))
    return [k for k in range(last + 1) if alive[k]]


def _line_errors(
    values: Float[np.ndarray, "T"], times_s: Float[np.ndarray, "T"]
) -> Callable[[Int[np.ndarray, "P"], Int[np.ndarray, "P"]], Float[np.ndarray, "P"]]:
    """Return a function from first and last samples to the squared error of the straight line between them."""
    t, v = times_s - times_s.mean(), values - values.mean()
    sums = np.zeros((6, len(t) + 1))
    sums[:, 1:] = np.cumsum([np.ones_like(t), t, v, t * t, t * v, v * v], axis=1)

    def error(first: Int[np.ndarray, "P"], last: Int[np.ndarray, "P"]) -> Float[np.ndarray, "P"]:
        n, st, sv, stt, stv, svv = sums[:, last + 1] - sums[:, first]
        tt, tv, vv = stt - st * st / n, stv - st * sv / n, svv - sv * sv / n
        return np.maximum(vv - tv * tv / np.maximum(tt, 1e-12), 0.0)

    return error


def _shares(found: Sequence[CameraStretch]) -> dict[str, float]:
    """Return for what share of the time each label holds."""
    total = sum(stretch.span.duration_s for stretch in found)
    shares: dict[str, float] = {}
    for stretch in found:
        for label in stretch.labels:
            share = stretch.span.duration_s / total if total > 0 else 1 / len(found)
            shares[label] = shares.get(label, 0.0) + share
    return shares


def _is_still(way: Path) -> bool:
    return all(np.ptp(getattr(way, name)) < clear.still for name, clear in CHANNELS.items())


def _trembling(
    way: Path, times_s: Float[np.ndarray, "T"], bends_s: Float[np.ndarray, "B"]
) -> list[tuple[int, int]]:
    """Return the first and last samples between which the camera is held by hand: such a camera never rests.

    Near the bends, where a motion begins or ends, every path leaves its mean.
    """
    off = np.abs(np.subtract.outer(times_s, bends_s)).min(axis=1, initial=np.inf)
    calm: Bool[np.ndarray, "T"] = off >= 0.5 * TREMBLE_WINDOW_S
    moved: Bool[np.ndarray, "M"] = np.hypot(np.diff(way.x), np.diff(way.y)) > 1e-9
    edges = [0, *(np.flatnonzero(np.diff(moved)) + 1).tolist(), len(moved)]
    rests = [(a, b) for a, b in pairwise(edges) if not moved[a] and times_s[b] - times_s[a] >= MIN_REST_S]
    bounds = [0, *(edge for rest in rests for edge in rest), len(moved)]
    found = []
    for a, b in zip(bounds[::2], bounds[1::2], strict=True):
        if b > a and _trembles(_part(way, a, b), (b - a) / float(times_s[b] - times_s[a]), calm[a : b + 1]):
            found.append((a, b))
    return found


def _jitter(values: Float[np.ndarray, "T"], times_s: Float[np.ndarray, "T"]) -> float:
    """Return how far a path strays from its mean over a second (the median ignores where a pan starts or stops)."""
    width = round(TREMBLE_WINDOW_S * (len(values) - 1) / float(times_s[-1] - times_s[0])) | 1
    if len(values) < 2 * width:
        return 0.0
    return float(1.48 * np.median(np.abs(values - uniform_filter1d(values, width))))


def _trembles(way: Path, samples_per_s: float, calm: Bool[np.ndarray, "T"]) -> bool:
    width = round(TREMBLE_WINDOW_S * samples_per_s) | 1
    if len(way.x) < 2 * width:
        return False
    both = np.stack([way.x, way.y])
    # The ends have no full window round them.
    inner = slice(width // 2, -(width // 2))
    jitter = (both - uniform_filter1d(both, width, axis=1))[:, inner][:, calm[inner]]
    if jitter.shape[1] < width:
        return False
    turns = (np.diff(np.sign(np.diff(both, axis=1)), axis=1) != 0).mean(1)
    spread = 1.48 * np.median(np.abs(jitter), axis=1)
    return bool(((spread > TREMBLE) & (turns > REVERSALS)).any())


def _radial_sign(
    flow: Float[np.ndarray, "M C 2"], cells: Float[np.ndarray, "C 2"], size: tuple[float, float]
) -> int:
    times_seen = np.isfinite(flow[..., 0]).sum(0)
    seen = times_seen >= MIN_STEPS
    if seen.sum() < 20 or (times_seen >= len(flow) / 2).mean() < MIN_LASTING:
        return 0
    mean, center = np.nanmedian(flow[:, seen], axis=0), cells[seen]
    length = np.hypot(mean[:, 0], mean[:, 1])
    moving = length > MOVING_PX
    if moving.mean() < MIN_MOVING_CELLS:
        return 0
    mean, center, length = mean[moving], center[moving], length[moving]
    focus = _focus(center, mean, length)
    if not (np.abs(focus / size - 0.5) < 0.6).all():
        return 0
    arm = center - focus
    outward = (arm * mean).sum(1) / np.maximum(length * np.hypot(arm[:, 0], arm[:, 1]), 1e-9)
    for sign in (1, -1):
        along = sign * outward > 0.5
        sector = (np.degrees(np.arctan2(arm[:, 1], arm[:, 0])) % 360 // 45).astype(int)
        running, all_there = np.bincount(sector[along], minlength=8), np.bincount(sector, minlength=8)
        firm = (running >= MIN_FACING) & (running >= MIN_FACING_SHARE * all_there)
        facing = bool((firm & np.roll(firm, 4)).any())
        if along.mean() >= MIN_RADIAL and (running > 0).sum() >= MIN_SECTORS and facing:
            return sign
    return 0


def _parallax_sign(flow: Float[np.ndarray, "M C 2"], cells: Float[np.ndarray, "C 2"]) -> int:
    """Return 1 if what leaves the map of a growing picture streams out of its focus; -1 of a shrinking one, into it."""
    seen = np.isfinite(flow[..., 0]).sum(0) >= MIN_STEPS
    if seen.sum() < 20:
        return 0
    mean, center = np.nanmedian(flow[:, seen], axis=0).astype(np.float64), cells[seen]
    length = np.hypot(mean[:, 0], mean[:, 1])
    affine = fit_similarity(center, center + mean, MAX_OFF_PX, np.eye(2, 3)[None]).affine
    scale = 0.5 * float(np.log(max(np.linalg.det(affine[:, :2]), 1e-6)))
    if abs(scale) < 1e-3:
        return 0
    arm = center - np.linalg.solve(np.eye(2) - affine[:, :2], affine[:, 2])
    off = mean - (center @ affine[:, :2].T + affine[:, 2] - center)
    far_off = np.hypot(off[:, 0], off[:, 1])
    leaves = far_off > np.maximum(MAX_OFF_PX, MAX_OFF_SHARE * length)
    if leaves.mean() < MIN_NEARER:
        return 0
    arm, off, far_off = arm[leaves], off[leaves], far_off[leaves]
    away = np.sign(scale) * (arm * off).sum(1) > 0.5 * far_off * np.hypot(arm[:, 0], arm[:, 1])
    sector = (np.degrees(np.arctan2(arm[away, 1], arm[away, 0])) % 360 // 45).astype(int)
    firm = np.bincount(sector, minlength=8) >= MIN_FACING
    facing = bool((firm & np.roll(firm, 4)).any())
    return int(np.sign(scale)) if away.mean() >= MIN_AWAY and facing else 0


def _focus(
    points: Float[np.ndarray, "C 2"], flow: Float[np.ndarray, "C 2"], length: Float[np.ndarray, "C"]
) -> Float[np.ndarray, "2"]:
    """Return the point from which (or to which) most of the flow runs: where the lines of flow meet."""
    normal = np.stack([-flow[:, 1], flow[:, 0]], 1) / length[:, None]
    offset = (normal * points).sum(1)
    weight = np.minimum(length, 2.0)
    focus = points.mean(0)
    for _ in range(8):
        system = normal * weight[:, None]
        focus = np.linalg.lstsq(system.T @ normal + 1e-6 * np.eye(2), system.T @ offset, rcond=None)[0]
        weight = np.minimum(length, 2.0) / (1 + ((normal @ focus - offset) / 15) ** 2)
    return focus
