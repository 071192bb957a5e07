"""What a measurement does not know: boxes whose middle is no path, joints that were mis-seen.

A box or a skeleton always has numbers. Here is said which of them mean nothing, so that they become unknown for
whoever states and for whoever judges alike. Nothing is corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.geometry import (
    apply_affine,
    box_center,
    box_size,
    compose_affine,
    fill_gaps,
    invert_affine,
    smooth,
    stretches,
    touches_border,
)
from kinescribe.kinematics.posture import MIN_TRUNK_PX, SEEN, stays_in_view, trunk_px
from kinescribe.records import CameraMotion, Clip, Poses, Tracks
from kinescribe.vocabulary import PERSON, SKELETONS

# --- boxes --------------------------------------------------------------------------------------------------

AGREE = 0.5
"""Box and pixels go the same way if their velocities differ by less than this share of the larger. In rendered worlds
(development seeds 0 and 1) this doubts 0.9 % of all boxes, nearly all of them boxes that lose or gain a part."""
RIGID = 0.25
"""A box whose opposite edges differ by less than this share of its speed is carried along whole: that is believed
without the pixels. Optical flow loses small things that go further than their own size between two samples."""
ONE_EDGE = 1 / 3
"""Where nothing is known of the pixels: if one of two opposite edges goes less than this share as fast as the other (or
the other way), the box grows or shrinks on one side."""
MIN_SPEED_WIDTHS, MIN_SPEED_SIZES = 0.01, 0.08
"""Slower than both (frame widths, own sizes a second) nothing counts as motion (``FindEvents``), and edges jitter."""
MAX_AREA = 0.4
"""A region of more than this share of the picture is several things or a change of light, no thing that goes anywhere:
two hands with what they hold fill 0.4 to 0.9 of the blocks clip, a kettle with its arm 0.37 of the coffee clip."""
MAX_FLOW_GAP_S = 0.35
"""Shorter gaps in the pixels' velocity are bridged: three missed samples at 10 Hz."""
RADIAL = 0.5
"""Median cosine, of one sign, between a thing's way and the one from the focus: 60 degrees. What jitters has none.
Regions jump from one card to the next in the tunnel worlds, where single cards keep within 30 degrees."""
STREAMING = 3
"""Things that stream before a camera that seems to zoom: two may come up to it."""
ZOOM_SAMPLES, ZOOM_RATE_S = 3, 0.03
"""A camera zooms if over so many samples to either side its scale changes faster than this (ln, a second): 3 % a second
moves the edge of the picture by 1.5 % of its width."""
AT_ONCE = 8
"""Tracks."""
SAME_SHAPE_LOG = 0.25
"""A box keeps its shape while width and height stay within this of their ln: motion blur adds a tenth at the edges."""


def doubtful(
    clip: Clip, camera: CameraMotion, tracks: Tracks, half_window_s: float
) -> Bool[np.ndarray, "N T"]:
    """Return where the middle of a box is no path: a part came or went, pieces merged, or it holds several things.

    A thing that goes somewhere takes both opposite edges along, and the pixels inside go with it. A merge moves one
    edge. An edge on the picture's border says nothing; the other one then speaks for the box.

    Args:
        clip: for its times and size.
        camera: its motion is taken out where it is known.
        tracks: boxes, and the velocity of the pixels inside where the detector measures it.
        half_window_s: smoothing of the paths that are judged.
    """
    doubt = np.zeros(tracks.xyxy.shape[:2], bool)
    # A few tracks at a time: what is worked out on the way is many times as large as the answer.
    for k in range(0, len(doubt), AT_ONCE):
        some = _rows(tracks, slice(k, k + AT_ONCE))
        if np.isfinite(some.xyxy).any():
            doubt[k : k + AT_ONCE] = _doubtful(clip, camera, some, half_window_s)
    return doubt


def _rows(tracks: Tracks, rows: slice) -> Tracks:
    flow = tracks.velocity_px_s
    return Tracks(
        tracks.ids[rows], tracks.label[rows], tracks.xyxy[rows], tracks.score[rows], tracks.detection[rows],
        None if flow is None else flow[rows],
    )  # fmt: skip


def _doubtful(
    clip: Clip, camera: CameraMotion, tracks: Tracks, half_window_s: float
) -> Bool[np.ndarray, "N T"]:
    seen = np.isfinite(tracks.xyxy[..., 0])
    boxes, in_scene = _in_scene(camera, tracks)
    edges = _rate(clip, boxes, half_window_s)
    low, high, middle = edges[..., :2], edges[..., 2:], (edges[..., :2] + edges[..., 2:]) / 2
    free = ~touches_border(tracks.xyxy, clip.width, clip.height)
    free_low, free_high = free[..., :2], free[..., 2:]
    pixels = _pixels(clip, camera, tracks, middle, in_scene, half_window_s)
    one = np.where(free_low, low, np.where(free_high, high, pixels))
    box = np.where(free_low & free_high, middle, one)
    with np.errstate(invalid="ignore"):
        least = _least_speed(clip, tracks)
        apart = _length(box - pixels) > np.maximum(AGREE * np.maximum(_length(box), _length(pixels)), least)
        rigid = free.all(-1) & (_length(high - low) / 2 <= RIGID * _length(middle))
        slow, fast = np.minimum(np.abs(low), np.abs(high)), np.maximum(np.abs(low), np.abs(high))
        one_sided = (low * high < 0) | (slow < ONE_EDGE * fast)
        grows = (free_low & free_high & one_sided & (np.abs(middle) > least[..., None])).any(-1)
    known = np.isfinite(pixels[..., 0])
    doubt: Bool[np.ndarray, "N T"] = seen & np.where(known, apart & ~rigid, grows)
    doubt &= ~_in_passing(clip, tracks, doubt)
    return doubt | overlarge(clip, tracks) | (seen & parallax(clip, camera, tracks, half_window_s))


def parallax(
    clip: Clip, camera: CameraMotion, tracks: Tracks, half_window_s: float
) -> Bool[np.ndarray, "N T"]:
    """Return where things stream out of, or into, the point that a zooming camera looks at.

    A zoom has one map for near and far; a camera that drives has not, and where its map still fits the background,
    near things that rest stream radially. Which it is, one thing cannot tell; where several stream, the camera drives,
    and nothing is known of the others either. People are tall enough to be known by.
    """
    boxes, _ = _in_scene(camera, tracks)
    velocity = _rate(clip, box_center(boxes), half_window_s)
    focus = _focus(clip, camera)
    way = box_center(boxes) - focus
    with np.errstate(invalid="ignore", divide="ignore"):
        radial = (way * velocity).sum(-1) / (_length(way) * _length(velocity))
    result = np.zeros(radial.shape, bool)
    for n, row in enumerate(radial):
        known = np.isfinite(row)
        if tracks.label[n] != PERSON and known.any() and abs(float(np.median(row[known]))) > RADIAL:
            result[n] = np.isfinite(focus[:, 0])
    if result.any(1).sum() >= STREAMING:
        result |= np.isfinite(focus[:, 0]) & np.array([label != PERSON for label in tracks.label])[:, None]
    return result


def _focus(clip: Clip, camera: CameraMotion) -> Float[np.ndarray, "T 2"]:
    """Return the point of the scene that a zooming camera keeps in its place; NaN where it does not zoom."""
    count = len(clip.times_s)
    first, last = (np.clip(np.arange(count) + k, 0, count - 1) for k in (-ZOOM_SAMPLES, ZOOM_SAMPLES))
    step = compose_affine(camera.to_scene[last], invert_affine(camera.to_scene[first]))
    seconds = np.maximum(clip.times_s[last] - clip.times_s[first], 1e-6)
    with np.errstate(invalid="ignore", divide="ignore"):
        zooms = np.abs(0.5 * np.log(np.abs(np.linalg.det(step[:, :, :2])))) / seconds > ZOOM_RATE_S
    focus = np.full((count, 2), np.nan)
    for t in np.flatnonzero(zooms):
        focus[t] = np.linalg.lstsq(np.eye(2) - step[t, :, :2], step[t, :, 2], rcond=None)[0]
    return focus


def _in_passing(clip: Clip, tracks: Tracks, doubt: Bool[np.ndarray, "N T"]) -> Bool[np.ndarray, "N T"]:
    """Return the moments of doubt in which a box keeps its shape: optical flow stumbles where a thing turns round."""
    result = np.zeros_like(doubt)
    sides = np.log(np.maximum(tracks.xyxy[..., 2:] - tracks.xyxy[..., :2], 1e-6))
    for n, row in enumerate(doubt):
        for a, b in stretches(row):
            around = sides[n, max(0, a - 1) : b + 2]
            brief = clip.times_s[b] - clip.times_s[a] <= MAX_FLOW_GAP_S
            inside = a > 0 and b + 1 < len(row) and np.isfinite(around).all()
            if brief and inside and float(np.ptp(around, axis=0).max()) <= SAME_SHAPE_LOG:
                result[n, a : b + 1] = True
    return result


def overlarge(clip: Clip, tracks: Tracks) -> Bool[np.ndarray, "N T"]:
    """Return which boxes are larger than any one thing's."""
    with np.errstate(invalid="ignore"):
        large: Bool[np.ndarray, "N T"] = box_size(tracks.xyxy) ** 2 > MAX_AREA * clip.width * clip.height
    return large


def _in_scene(
    camera: CameraMotion, tracks: Tracks
) -> tuple[Float[np.ndarray, "N T 4"], Bool[np.ndarray, "N"]]:
    """Return the boxes' corners without the camera's motion, and for which tracks that is known."""
    corners = [apply_affine(camera.to_scene[None], tracks.xyxy[..., k : k + 2]) for k in (0, 2)]
    scene = np.concatenate(corners, axis=-1)
    seen = np.isfinite(tracks.xyxy[..., 0])
    known = np.isfinite(scene[..., 0]).sum(1) >= 0.8 * np.maximum(seen.sum(1), 1)
    return np.where(known[:, None, None], scene, tracks.xyxy), known


def _pixels(
    clip: Clip,
    camera: CameraMotion,
    tracks: Tracks,
    middle: Float[np.ndarray, "N T 2"],
    in_scene: Bool[np.ndarray, "N"],
    half_window_s: float,
) -> Float[np.ndarray, "N T 2"]:
    """Return how the pixels go, smoothed as the boxes are: the slope of the way that they have gone."""
    if tracks.velocity_px_s is None:
        return np.full_like(middle, np.nan)
    rows = tracks.velocity_px_s.transpose(0, 2, 1).reshape(-1, len(clip.times_s))
    rows = np.array([fill_gaps(clip.times_s, row, MAX_FLOW_GAP_S) for row in rows])
    velocity = rows.reshape(len(middle), 2, -1).transpose(0, 2, 1)
    step = np.nan_to_num((velocity[:, 1:] + velocity[:, :-1]) / 2) * np.diff(clip.times_s)[:, None]
    way = np.concatenate([np.zeros_like(velocity[:, :1]), np.cumsum(step, axis=1)], axis=1)
    way[~np.isfinite(velocity)] = np.nan
    filmed = _rate(clip, way, half_window_s)
    # Box and pixels are carried along by the camera alike: only their difference is turned into the scene.
    off = _rate(clip, box_center(tracks.xyxy), half_window_s) - filmed
    scene = middle - np.einsum("tij,ntj->nti", camera.to_scene[..., :2], off)
    return np.where(in_scene[:, None, None], scene, filmed)


def _rate(clip: Clip, values: Float[np.ndarray, "N T C"], half_window_s: float) -> Float[np.ndarray, "N T C"]:
    many, times, columns = values.shape
    rows = values.transpose(0, 2, 1).reshape(-1, times)
    rate = smooth(clip.times_s, rows, half_window_s).rate
    return rate.reshape(many, columns, times).transpose(0, 2, 1)


def _least_speed(clip: Clip, tracks: Tracks) -> Float[np.ndarray, "N 1"]:
    sizes = box_size(tracks.xyxy)
    own = [float(np.nanmedian(row)) if np.isfinite(row).any() else 0.0 for row in sizes]
    return np.maximum(MIN_SPEED_WIDTHS * clip.width, MIN_SPEED_SIZES * np.array(own))[:, None]


def _length(vectors: Float[np.ndarray, "N T 2"]) -> Float[np.ndarray, "N T"]:
    return np.hypot(vectors[..., 0], vectors[..., 1])


# --- joints -------------------------------------------------------------------------------------------------

MAX_JITTER = 0.45
"""A joint whose second difference is this many trunk lengths in the median was not followed: jumping jacks reach 0.39
at 10 Hz, signs and kicks 0.2; a cartoon rabbit's feet and hands that a table hides 0.5 to 1."""
MAX_SCALE_RATE_S = 0.25
"""While the trunk's length changes faster (ln, a second) the skeleton is being fitted anew: the fog clip's grows from
half to whole size in 1.8 s (0.33). Leaning bodies reach 0.1 ..."""
SCALE_WINDOW_S = 1.0
"""... measured over so long to either side: hips that a table or the border hides are guessed anew each time."""
SWAP_GAIN, MIN_SWAP = 0.5, 0.5
"""Left and right have changed places if exchanging them halves the way that limbs go in one sample, and that way is
more than half a trunk for each joint: legs that pass each other in a walk come close first."""
MAX_AREA_STEP = np.log(1.6)
"""A person's box that changes by this factor of its area in one sample belongs to another fit. Raised arms and steps
change it by up to 1.45 (camera clips)."""
MAX_JUMP = 0.1
"""... if the body leaves its path by this share of the box's size in that sample, too."""
MIN_PIECE_S = 0.3
"""What is left of a skeleton before the first or after the last jump is dropped if it is shorter."""
ARM, LEG = ("elbow", "wrist", "pinky", "index", "thumb"), ("knee", "ankle", "heel", "foot_index")


def trusted(clip: Clip, tracks: Tracks, poses: Poses) -> Poses:
    """Return the skeletons with the scores of mis-seen joints set to 0; where they are seen stays as it was.

    Taken back are: joints outside the picture; the whole skeleton where it jumps; arms and legs where left and right
    have changed places, of people too small to tell, while the skeleton changes its size, and joints that jitter.
    """
    keypoints = poses.keypoints.copy()
    names = SKELETONS[poses.skeleton]
    for row, subject in enumerate(poses.ids.tolist()):
        points = keypoints[row]
        boxes = tracks.xyxy[tracks.row(subject)]
        points[_outside(clip, points)] *= [1, 1, 0]
        points[_jumps(clip, boxes, points, names), :, 2] *= 0
        for mask, columns in _mis_seen(clip, points, poses.skeleton):
            points[np.ix_(mask, columns, np.array([2]))] *= 0
    return replace(poses, keypoints=keypoints)


def _outside(clip: Clip, points: Float[np.ndarray, "T K 3"]) -> Bool[np.ndarray, "T K"]:
    x, y = points[..., 0], points[..., 1]
    outside: Bool[np.ndarray, "T K"] = (x < 0) | (x > clip.width) | (y < 0) | (y > clip.height)
    return outside


def _jumps(
    clip: Clip, boxes: Float[np.ndarray, "T 4"], points: Float[np.ndarray, "T K 3"], names: tuple[str, ...]
) -> Bool[np.ndarray, "T"]:
    """Return the samples of another fit: both sides of a jump, and short pieces that only jumps lead to."""
    body = points[:, [names.index(f"{side}_shoulder") for side in ("left", "right")], :2].mean(1)
    size, there = box_size(boxes), np.isfinite(body[:, 0])
    turn = np.full(len(body), np.nan)
    turn[1:-1] = np.hypot(*(body[2:] - 2 * body[1:-1] + body[:-2]).T)
    near = np.fmax(turn, np.fmax(np.append(turn[1:], np.nan), np.insert(turn[:-1], 0, np.nan)))
    with np.errstate(invalid="ignore", divide="ignore"):
        far = near > MAX_JUMP * size
        step = np.abs(np.diff(2 * np.log(size))) > MAX_AREA_STEP
    bad = np.zeros(len(body), bool)
    for t in np.flatnonzero(step):
        if far[t] or far[t + 1]:
            bad[t : t + 2] = True
    pieces = stretches(there & ~bad)
    for a, b in pieces if bad.any() else ():
        at_end = (a, b) in (pieces[0], pieces[-1])
        if at_end and len(pieces) > 1 and clip.times_s[b] - clip.times_s[a] < MIN_PIECE_S:
            bad[a : b + 1] = True
    return bad


def _mis_seen(
    clip: Clip, points: Float[np.ndarray, "T K 3"], skeleton: str
) -> Iterator[tuple[Bool[np.ndarray, "T"], np.ndarray]]:
    """Yield times, and columns of the joints that are not to be believed at those times."""
    names, trunk = SKELETONS[skeleton], trunk_px(points, skeleton)
    typical = float(np.nanmedian(trunk)) if np.isfinite(trunk).any() else np.nan
    limbs = {parts: _columns(names, parts) for parts in (ARM, LEG)}
    both = np.concatenate(list(limbs.values()))
    logs = smooth(clip.times_s, np.log(trunk)[None], SCALE_WINDOW_S, degree=1)
    with np.errstate(invalid="ignore"):
        yield np.exp(logs.value[0]) < MIN_TRUNK_PX, both
        yield np.abs(logs.rate[0]) > MAX_SCALE_RATE_S, both
    if not np.isfinite(typical):
        return
    for columns in limbs.values():
        yield _swapped(points, names, columns, typical), columns
    always = np.ones(len(points), bool)
    jittery = [k for k in both.tolist() if jitter(points[:, k]) > MAX_JITTER * typical]
    yield always, np.array(jittery, np.int64)


def jitter(points: Float[np.ndarray, "T 3"]) -> float:
    """Return the median second difference of a joint where it is seen, in pixels; 0 where it is never."""
    with np.errstate(invalid="ignore"):
        place = np.where((points[:, 2] >= SEEN)[:, None], points[:, :2], np.nan)
    turn = np.hypot(*(place[2:] - 2 * place[1:-1] + place[:-2]).T)
    return float(np.nanmedian(turn)) if np.isfinite(turn).sum() >= 4 else 0.0


def _swapped(
    points: Float[np.ndarray, "T K 3"], names: tuple[str, ...], columns: np.ndarray, trunk: float
) -> Bool[np.ndarray, "T"]:
    """Return where left and right are not as they are for most of the time."""
    joints = [f"left_{joint}" for joint in ("elbow", "wrist", "knee", "ankle")]
    left = [k for k in columns.tolist() if names[k] in joints]
    right = [names.index(names[k].replace("left_", "right_")) for k in left]
    one, two = points[:, left, :2], points[:, right, :2]
    kept = _way(one[:-1], one[1:]) + _way(two[:-1], two[1:])
    changed = _way(one[:-1], two[1:]) + _way(two[:-1], one[1:])
    with np.errstate(invalid="ignore"):
        swaps = (changed < SWAP_GAIN * kept) & (kept > MIN_SWAP * trunk * 2 * len(left))
    other = np.insert(np.cumsum(swaps) % 2 == 1, 0, False)
    there = np.isfinite(one[:, 0, 0])
    return other if (other & there).sum() * 2 <= there.sum() else ~other


def _way(a: Float[np.ndarray, "M J 2"], b: Float[np.ndarray, "M J 2"]) -> Float[np.ndarray, "M"]:
    return np.hypot(*np.moveaxis(b - a, -1, 0)).sum(1)


def _columns(names: tuple[str, ...], parts: tuple[str, ...]) -> np.ndarray:
    return np.array([k for k, name in enumerate(names) if name.partition("_")[2] in parts], np.int64)


# --- ghosts -------------------------------------------------------------------------------------------------

MIN_SHIFT_WIDTHS, MIN_SHIFT_SIZES = 0.02, 0.15
"""What counts as going somewhere (``FindEvents``)."""
MIN_GROWTH_LOG = 0.25
"""Regions that grow or shrink by more come nearer or go away. Outlines of what rests breathe by 0.1."""


def ghosts(
    clip: Clip, camera: CameraMotion, tracks: Tracks, half_window_s: float = 0.35
) -> Bool[np.ndarray, "N"]:
    """Return which regions without a class come and go, but never move: uncovered floor, a shadow's edge, a gleam.

    Neither their boxes (where they are believed) nor the pixels in them go anywhere, and they do not grow. Where the
    detector does not measure how pixels go, nothing is called a ghost.
    """
    result = np.zeros(len(tracks.ids), bool)
    if tracks.velocity_px_s is None:
        return result
    doubt = doubtful(clip, camera, tracks, half_window_s)
    boxes, _ = _in_scene(camera, tracks)
    for n, label in enumerate(tracks.label):
        seen = np.isfinite(tracks.xyxy[n, :, 0])
        if label != "object" or not seen.any() or stays_in_view(tracks.xyxy[n]):
            continue
        size = box_size(tracks.xyxy[n, seen])
        needed = max(MIN_SHIFT_WIDTHS * clip.width, MIN_SHIFT_SIZES * float(np.median(size)))
        low, high = np.percentile(np.log(np.maximum(size, 1e-6)), [10, 90])
        middle = box_center(boxes[n])
        pieces = stretches(np.isfinite(middle[:, 0]) & ~doubt[n])
        shifts = [float(np.ptp(middle[a : b + 1], axis=0).max()) for a, b in pieces]
        velocity = np.nan_to_num(tracks.velocity_px_s[n])
        way = np.cumsum(velocity[1:] * np.diff(clip.times_s)[:, None], axis=0)
        pixels = float(np.ptp(way, axis=0).max(initial=0.0))
        result[n] = max([pixels, *shifts]) < needed and high - low < MIN_GROWTH_LOG
    return result
