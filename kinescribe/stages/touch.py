"""What hands touch, from places and co-motion: each state needs its own evidence, else it is unknown.

In a picture a hand before a thing and a hand on it look alike. So nothing is concluded from overlap alone:

- object contact: what is round the hand moves with it, for several samples (``stages/comotion.py``);
- self contact: the hand meets the other hand or the face, and both are as far from the camera;
- contact with another person: the hand lies on a limb of somebody who is as far from the camera;
- no contact: an open hand that moves over what stays, with nothing within reach.

Source: FoundationMotion 3.2.2 (states, after Hands23); thresholds as each one says.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.geometry import box_center, box_iou, stretches
from kinescribe.records import Clip, Poses, Tracks
from kinescribe.stages.comotion import HandShapes
from kinescribe.vocabulary import CONTACTS, HAND_21, LIMBS, SKELETONS

UNKNOWN, NO, SELF, OTHER, OBJECT = (
    CONTACTS.index(state)
    for state in ("unknown", "no_contact", "self_contact", "other_person_contact", "object_contact")
)

MIN_SAMPLES = 3
"""A state shows in this many telling samples in a row, or it is not believed (measured: single samples are noise)."""
MAX_PAUSE_S = 0.45
"""Telling samples further apart are not in a row: in between the hand may have let go."""
MOVES_ALONG = 0.4
"""Co-motion above which something is held. Measured: a kettle 0.43 to 0.99, a cup by its ear 0.31 to 0.59; ten
signers' empty hands have a median of 0.00, and 6 of 139 single samples above this, never three in a row."""
STAYS = 0.1
"""Co-motion below which nothing that shows is held."""
TOUCH = 0.15
"""Gap below which parts touch, in hand lengths: the flesh round the points of both."""
REACH = 0.5
"""What is further than this, in hand lengths, cannot be touched."""
DEPTH_M = 0.12
"""Hands, or hand and face, whose depths differ more are not together; about the skeleton's own error (its joints
are 8 to 13 cm off), so depth excludes a hand held out, not one a hand's breadth before the face."""
SAME_SCALE = 1.33
"""People whose trunks differ by more than this factor in the picture are not as far from the camera."""
LIMB = 0.25
"""How far flesh reaches from a bone, in hand lengths."""
ON_LIMB = 0.4
"""Share of the hand's points that lie on another's limb when it touches it."""

TIPS, MIDDLES = (
    tuple(HAND_21.index(f"{finger}_{i}") for finger in ("index", "middle", "ring", "pinky")) for i in (4, 2)
)
FACE = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "mouth_left", "mouth_right",
)  # fmt: skip


def contact_states(
    clip: Clip,
    tracks: Tracks,
    poses: Poses,
    hands: HandShapes,
    comotion: Float[np.ndarray, "H T"],
    min_length_px: float,
) -> Int[np.ndarray, "H T"]:
    """Return what every hand touches at every sample, as indices into ``vocabulary.CONTACTS``.

    Args:
        clip: the clip.
        tracks: everything that could be touched.
        poses: skeletons; hands 2n and 2n + 1 are the left and right of its row n, those after the last have none.
        hands: where the hands are.
        comotion: share of what is round a hand that moves with it; NaN where nothing tells.
        min_length_px: shorter hands are unknown.
    """
    known = np.isfinite(hands.points).all((2, 3)) & (hands.length_px >= min_length_px)
    bodies = _Bodies(poses)
    tells = known & np.isfinite(comotion)
    states = np.full(comotion.shape, UNKNOWN, np.int8)
    for h in range(len(comotion)):
        if not known[h].any():
            continue
        if h // 2 >= len(bodies.ids):  # a hand without a body: what else could be touched is not known
            states[h, lasting(clip.times_s, tells[h], tells[h] & (comotion[h] > MOVES_ALONG))] = OBJECT
            continue
        free = tells[h] & (comotion[h] < STAYS) & _open(hands.points[h])
        for k in np.flatnonzero(free).tolist():
            free[k] = _is_alone(tracks, bodies, hands, h, k)
        tests = (
            (NO, tells[h], free),
            (OTHER, known[h], _on_others(bodies, hands, known, h)),
            (SELF, known[h], _on_own(bodies, hands, known, h)),
            (OBJECT, tells[h], tells[h] & (comotion[h] > MOVES_ALONG)),
        )
        for state, asked, holds in tests:  # a later one overrules
            states[h, lasting(clip.times_s, asked, holds)] = state
    return states


def lasting(
    times_s: Float[np.ndarray, "T"], asked: Bool[np.ndarray, "T"], holds: Bool[np.ndarray, "T"]
) -> Bool[np.ndarray, "T"]:
    """Return where a state lasts: from the first to the last of enough telling samples in a row that show it.

    Args:
        times_s: of the samples.
        asked: where a sample can tell.
        holds: where it tells that the state holds.
    """
    result = np.zeros(len(times_s), dtype=bool)
    telling = np.flatnonzero(asked)
    if not len(telling):
        return result
    parted = np.flatnonzero(np.diff(times_s[telling]) > MAX_PAUSE_S) + 1
    for row in np.split(telling, parted):
        for first, last in stretches(holds[row]):
            if last - first + 1 >= MIN_SAMPLES:
                result[row[first] : row[last] + 1] = True
    return result


def held_tracks(
    tracks: Tracks, boxes: Float[np.ndarray, "H T 4"], holds: Bool[np.ndarray, "H T"]
) -> Int[np.ndarray, "H T"]:
    """Return the track of the object in each hand: its box overlaps the hand's and moves as it does; else -1.

    Over each stretch of holding one track is chosen: the one that overlaps the hand's box for at least half of
    it, and whose middle keeps its place in the hand best, if it keeps it at all: its middle wanders no more
    than a third of the hand's own way.
    """
    found = np.full(holds.shape, -1, np.int64)
    things = [row for row, label in enumerate(tracks.label) if label not in ("person", "hand")]
    for h in range(len(holds)):
        for first, last in stretches(holds[h]):
            span = slice(first, last + 1)
            hand = boxes[h, span]
            scores = {row: _rides(tracks.xyxy[row, span], hand) for row in things}
            best = max(things, key=lambda row: scores[row], default=-1)
            if best >= 0 and scores[best] > 0:
                found[h, span] = np.where(np.isfinite(tracks.xyxy[best, span, 0]), int(tracks.ids[best]), -1)
    return found


def _rides(thing: Float[np.ndarray, "T 4"], hand: Float[np.ndarray, "T 4"]) -> float:
    """Return how well a thing keeps its place in a hand, in (0, 1]; 0 if it does not."""
    both = np.isfinite(thing[:, 0]) & np.isfinite(hand[:, 0])
    if both.sum() < MIN_SAMPLES:
        return 0.0
    overlap = np.array([box_iou(a[None], b[None])[0, 0] > 0 for a, b in zip(thing, hand, strict=True)])
    if (overlap & both).sum() < len(thing) / 2:
        return 0.0
    at = box_center(hand[both])
    offset = box_center(thing[both]) - at
    way = np.linalg.norm(at - at.mean(0), axis=1).mean()
    wander = np.linalg.norm(offset - np.median(offset, axis=0), axis=1).mean()
    return float(1 - wander / way) if wander < way / 3 else 0.0


# --- what is near -------------------------------------------------------------------------------------------


class _Bodies:
    """Skeletons by the names of their points."""

    def __init__(self, poses: Poses) -> None:
        self.ids, self._poses = poses.ids, poses
        self._place = {name: i for i, name in enumerate(SKELETONS[poses.skeleton])}

    def points(self, row: int, k: int, names: tuple[str, ...]) -> Float[np.ndarray, "M 2"]:
        """Return the visible ones of some points at a sample."""
        at = self._poses.keypoints[row, k, [self._place[name] for name in names if name in self._place]]
        sure: Float[np.ndarray, "M 2"] = at[at[:, 2] > 0.5, :2].astype(np.float64)
        return sure

    def depth(self, row: int, k: int, name: str) -> float:
        """Return how far behind the middle of the hips a point is, in metres; NaN if unknown."""
        return float(self._poses.world[row, k, self._place[name], 2]) if name in self._place else np.nan

    def bones(self, row: int, k: int) -> list[Float[np.ndarray, "2 2"]]:
        """Return the visible limbs."""
        pairs = [self.points(row, k, pair) for pair in LIMBS]
        return [pair for pair in pairs if len(pair) == len(LIMBS[0])]

    def trunk(self, row: int, k: int) -> float:
        """Return the length of the trunk in px; NaN if it is not seen."""
        shoulders = self.points(row, k, ("left_shoulder", "right_shoulder"))
        hips = self.points(row, k, ("left_hip", "right_hip"))
        if len(shoulders) < 2 or len(hips) < 2:
            return np.nan
        return float(np.hypot(*(shoulders.mean(0) - hips.mean(0))))


def _open(points: Float[np.ndarray, "T 21 2"]) -> Bool[np.ndarray, "T"]:
    """Return where three fingers or more are stretched: a closed hand may hold what does not show."""
    reach = np.linalg.norm(points - points[:, :1], axis=-1)
    stretched: Bool[np.ndarray, "T"] = (reach[:, TIPS] > 1.15 * reach[:, MIDDLES]).sum(1) >= 3
    return stretched


def _on_own(
    bodies: _Bodies, hands: HandShapes, known: Bool[np.ndarray, "H T"], h: int
) -> Bool[np.ndarray, "T"]:
    """Return where a hand meets the other hand or the face, as far from the camera as it is."""
    row, other = h // 2, h ^ 1
    side, opposite = ("left", "right") if h % 2 == 0 else ("right", "left")
    holds = np.zeros(known.shape[1], dtype=bool)
    for k in np.flatnonzero(known[h]).tolist():
        at, reach = hands.points[h, k], TOUCH * float(hands.length_px[h, k])
        depth = bodies.depth(row, k, f"{side}_wrist")
        if known[other, k] and _apart(at, hands.points[other, k]) < reach:
            holds[k] |= abs(depth - bodies.depth(row, k, f"{opposite}_wrist")) < DEPTH_M
        face = bodies.points(row, k, FACE)
        if len(face) >= 3 and _apart(at, face) < reach:
            holds[k] |= abs(depth - bodies.depth(row, k, "nose")) < DEPTH_M
    return holds


def _on_others(
    bodies: _Bodies, hands: HandShapes, known: Bool[np.ndarray, "H T"], h: int
) -> Bool[np.ndarray, "T"]:
    """Return where a hand lies on a limb of somebody else who is as far from the camera."""
    row = h // 2
    holds = np.zeros(known.shape[1], dtype=bool)
    for k in np.flatnonzero(known[h]).tolist() if len(bodies.ids) > 1 else ():
        own, reach = bodies.trunk(row, k), LIMB * float(hands.length_px[h, k])
        for somebody in set(range(len(bodies.ids))) - {row}:
            scale = bodies.trunk(somebody, k) / own
            if not 1 / SAME_SCALE < scale < SAME_SCALE:
                continue
            near = [_to_segment(hands.points[h, k], bone) < reach for bone in bodies.bones(somebody, k)]
            holds[k] |= bool(near) and bool(np.any(near, axis=0).mean() >= ON_LIMB)
    return holds


def _is_alone(tracks: Tracks, bodies: _Bodies, hands: HandShapes, h: int, k: int) -> bool:
    """Whether nothing that could be touched is within reach of a hand."""
    row, at = h // 2, hands.points[h, k]
    reach = REACH * float(hands.length_px[h, k])
    others = tracks.xyxy[tracks.ids != bodies.ids[row], k]
    low, high = at.min(0) - reach, at.max(0) + reach
    if ((others[:, :2] < high) & (others[:, 2:] > low)).all(1).any():
        return False
    if np.isfinite(hands.points[h ^ 1, k]).all() and _apart(at, hands.points[h ^ 1, k]) < reach:
        return False
    arm = "left" if h % 2 == 0 else "right"
    own_arm = {(f"{arm}_shoulder", f"{arm}_elbow"), (f"{arm}_elbow", f"{arm}_wrist")}
    bones = [bodies.points(row, k, pair) for pair in LIMBS if pair not in own_arm]
    if any(len(bone) == 2 and _to_segment(at, bone).min() < reach for bone in bones):
        return False
    for names in (FACE, ("left_shoulder", "right_shoulder", "left_hip", "right_hip")):
        part = bodies.points(row, k, names)
        if len(part) >= 3 and _apart(at, part) < reach:
            return False
    return True


def _apart(points: Float[np.ndarray, "M 2"], shape: Float[np.ndarray, "L 2"]) -> float:
    """Return the least distance of points from the hull of others; 0 inside."""
    hull = cv2.convexHull(shape.astype(np.float32))
    inside = [cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in points]
    return max(0.0, -max(inside))


def _to_segment(points: Float[np.ndarray, "M 2"], ends: Float[np.ndarray, "2 2"]) -> Float[np.ndarray, "M"]:
    """Return the distances of points from a line segment."""
    along = ends[1] - ends[0]
    share = np.clip((points - ends[0]) @ along / max(float(along @ along), 1e-9), 0, 1)
    away: Float[np.ndarray, "M"] = np.linalg.norm(points - ends[0] - share[:, None] * along, axis=1)
    return away
