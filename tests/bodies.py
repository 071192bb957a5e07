"""People of exact joint angles, without pictures: what they do, what is true of it, and how a pose net would see it.

``stage_bodies`` makes the records of ``Body`` descriptions; ``disturbed`` shakes, hides or flattens their joints;
``BODY_SCENARIOS`` draw their parameters from a seed, as the worlds of ``tests.worlds`` do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from jaxtyping import Float

from kinescribe.geometry import inner_angle_deg
from kinescribe.records import CameraMotion, Clip, Detections, MotionFact, Poses, Tracks
from kinescribe.vocabulary import ANGLES, BLAZEPOSE_33
from tests.worlds import Path2D, Signal, World, draw, fact, track_ids, truth

GAP_EVERY_S = 1.5
Point3 = Float[np.ndarray, "3"]

RESTING: Mapping[str, float] = {
    **{f"{side}_shoulder": 15.0 for side in ("left", "right")},
    **{f"{side}_{joint}": 175.0 for side in ("left", "right") for joint in ("elbow", "hip", "knee")},
    **{f"{side}_ankle": 110.0 for side in ("left", "right")},
}
"""Inner angles of somebody who stands with hanging arms, in degrees."""

LENGTHS_M: Mapping[str, float] = {
    "torso": 0.50, "shoulders": 0.36, "hips": 0.24, "upper_arm": 0.28, "forearm": 0.25, "hand": 0.09,
    "thigh": 0.42, "shank": 0.42, "heel": 0.08, "foot": 0.18, "neck": 0.22,
}  # fmt: skip
"""Of an adult of about 1.7 m."""


@dataclass(frozen=True)
class Body:
    """A person made of exact joint angles, who faces the camera unless turned."""

    angles_deg: Mapping[str, Signal] = field(default_factory=dict)
    """Inner angles over time by the names of ``vocabulary.ANGLES``; joints left out rest."""
    ground: Path2D = lambda t: (160.0, 170.0)
    """Where the middle between the ankles stands, in scene pixels."""
    px_per_m: float = 80.0
    planes_deg: Mapping[str, Signal] = field(default_factory=dict)
    """Where upper arms and thighs (``left_shoulder``, ``right_hip``, ...) are lifted to: 0 sideways, 90 to the front,
    -90 to the back. Arms are lifted sideways, thighs to the front, unless said otherwise."""
    lean_deg: Signal = lambda t: 0.0
    """Of the trunk, to the front."""
    lean_left_deg: Signal = lambda t: 0.0
    """Of the trunk, to the body's own left."""
    turn_deg: Signal = lambda t: 0.0
    """Where the body faces: 0 the camera, 90 the picture's right (counterclockwise seen from above)."""
    lift_m: Signal = lambda t: 0.0
    """How far the lower foot is above the ground."""
    hangs: bool = False
    """Whether ``ground`` holds the place of the resting feet and the hips stay where they are."""


@dataclass(frozen=True, eq=False)
class Skeletons:
    """The truth of people without pictures."""

    clip: Clip
    camera: CameraMotion
    tracks: Tracks
    detections: Detections
    poses: Poses
    angles_deg: Float[np.ndarray, "N T J"]
    """What the joints really do, in the order of ``vocabulary.ANGLES``."""
    facts: tuple[MotionFact, ...]
    px_per_m: float
    silent: tuple[str, ...] = ()
    """Predicates that the facts say nothing about, though they may be true."""


def body_points(
    angles_deg: Mapping[str, float],
    planes_deg: Mapping[str, float] | None = None,
    lean_deg: float = 0.0,
    lean_left_deg: float = 0.0,
    turn_deg: float = 0.0,
) -> dict[str, Point3]:
    """Return all 33 points in metres from the middle of the hips: x right, y down, z away from the camera.

    Arms are lifted sideways and thighs to the front unless ``planes_deg`` says otherwise, elbows bend to the front,
    knees to the back. Every inner angle is exact in space (while the trunk leans, hips and shoulders are what comes
    of it).
    """
    size = LENGTHS_M
    upper: dict[str, Point3] = {}
    lower: dict[str, Point3] = {}
    planes = {"left_shoulder": 0.0, "right_shoulder": 0.0, "left_hip": 90.0, "right_hip": 90.0}
    planes |= dict(planes_deg or {})
    front, back = np.array([0.0, 0, -1]), np.array([0.0, 0.5, 1])
    # The left hand of somebody who faces us is on the right.
    for side, sign in (("left", 1.0), ("right", -1.0)):
        outward = np.array([sign, 0, 0])
        to = {
            joint: np.cos(np.radians(planes[f"{side}_{joint}"])) * outward
            + np.sin(np.radians(planes[f"{side}_{joint}"])) * front
            for joint in ("shoulder", "hip")
        }
        hip = outward * size["hips"] / 2
        shoulder = outward * size["shoulders"] / 2 - np.array([0, size["torso"], 0])
        elbow = _limb(shoulder, hip, to["shoulder"], angles_deg[f"{side}_shoulder"], size["upper_arm"])
        wrist = _limb(elbow, shoulder, front, angles_deg[f"{side}_elbow"], size["forearm"])
        knee = _limb(hip, shoulder, to["hip"], angles_deg[f"{side}_hip"], size["thigh"])
        ankle = _limb(knee, hip, back, angles_deg[f"{side}_knee"], size["shank"])
        heel = _limb(ankle, knee, back, angles_deg[f"{side}_ankle"], size["heel"])
        toe = _limb(ankle, knee, front, 110.0, size["foot"])
        along = (wrist - elbow) / size["forearm"] * size["hand"]
        arm = {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "pinky": wrist + 0.8 * along,
               "index": wrist + along, "thumb": wrist + 0.5 * along}  # fmt: skip
        leg = {"hip": hip, "knee": knee, "ankle": ankle, "heel": heel, "foot_index": toe}
        upper |= {f"{side}_{name}": point for name, point in arm.items()} | _half_face(side, sign)
        lower |= {f"{side}_{name}": point for name, point in leg.items()}
    upper["nose"] = np.array([0.0, -size["torso"] - size["neck"], -0.12])
    lean, turn = _leaning(lean_deg, lean_left_deg), _turning(turn_deg)
    return {name: turn @ lean @ point for name, point in upper.items()} | {
        name: turn @ point for name, point in lower.items()
    }


def _leaning(forward_deg: float, left_deg: float) -> Float[np.ndarray, "3 3"]:
    """The rotation that tips what points up to the front (-z), then to the left (+x)."""
    a, b = np.radians([forward_deg, left_deg])
    forward = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    left = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    rotation: Float[np.ndarray, "3 3"] = left @ forward
    return rotation


def _turning(deg: float) -> Float[np.ndarray, "3 3"]:
    a = np.radians(deg)
    return np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])


def _half_face(side: str, sign: float) -> dict[str, Point3]:
    nose_y = -LENGTHS_M["torso"] - LENGTHS_M["neck"]
    places = {
        "eye_inner": (0.02, -0.04),
        "eye": (0.035, -0.04),
        "eye_outer": (0.05, -0.04),
        "ear": (0.08, -0.02),
    }
    face = {f"{side}_{name}": np.array([sign * x, nose_y + y, -0.08]) for name, (x, y) in places.items()}
    return {**face, f"mouth_{side}": np.array([sign * 0.03, nose_y + 0.05, -0.1])}


def _limb(vertex: Point3, before: Point3, toward: Point3, angle_deg: float, length: float) -> Point3:
    """Return the end of a limb that leaves ``vertex`` at an inner angle to ``before``, bending ``toward``."""
    along = (before - vertex) / np.linalg.norm(before - vertex)
    across = toward - (toward @ along) * along
    across = across / np.linalg.norm(across)
    angle = np.radians(angle_deg)
    end: Point3 = vertex + length * (np.cos(angle) * along + np.sin(angle) * across)
    return end


def stage_bodies(
    name: str,
    bodies: tuple[Body, ...],
    duration_s: float,
    facts: tuple[MotionFact, ...] = (),
    seed: int = 0,
    fps: float = 10.0,
    size: tuple[int, int] = (320, 180),
) -> Skeletons:
    """Return people's tracks, poses and angles."""
    empty = truth(World(name, seed, size, fps, duration_s))
    clip = empty.clip
    shape = (len(bodies), len(clip.times_s))
    keypoints, world = np.ones((*shape, len(BLAZEPOSE_33), 3)), np.zeros((*shape, len(BLAZEPOSE_33), 3))
    angles = np.zeros((*shape, len(ANGLES)))
    for n, body in enumerate(bodies):
        for i, t in enumerate(clip.times_s.tolist()):
            angles[n, i], world[n, i] = _posed(body, t)
            ankles = [world[n, i, BLAZEPOSE_33.index(f"{side}_ankle"), 1] for side in ("left", "right")]
            feet = LENGTHS_M["thigh"] + LENGTHS_M["shank"] if body.hangs else max(ankles)
            place = np.array(body.ground(t)) - [0, body.px_per_m * body.lift_m(t)]
            keypoints[n, i, :, :2] = place + body.px_per_m * (world[n, i, :, :2] - [0, feet])
    tracks = _tracks(keypoints)
    detections = Detections(
        sample=np.repeat(np.arange(shape[1]), shape[0]),
        xyxy=tracks.xyxy.transpose(1, 0, 2).reshape(-1, 4),
        score=np.ones(shape[0] * shape[1]),
        label=("person",) * (shape[0] * shape[1]),
        source=("truth",) * (shape[0] * shape[1]),
        keypoints=keypoints.transpose(1, 0, 2, 3).reshape(-1, 33, 3),
        world=world.transpose(1, 0, 2, 3).reshape(-1, 33, 3),
        skeleton="blazepose33",
    )
    poses = Poses(tracks.ids, keypoints, world, "blazepose33")
    numbered = tuple(replace(f, id=f"t{i:03d}") for i, f in enumerate(facts))
    scale = bodies[0].px_per_m
    # Whether somebody who moves limbs only "stays in place" is a matter of taste.
    silent: tuple[str, ...] = () if any(f.predicate in ("stay", "move") for f in facts) else ("stay",)
    if any("elbow" in (f.part or "") for f in facts):
        silent += ("raise", "lower")  # an elbow that bends lifts the hand
    return Skeletons(clip, empty.camera, tracks, detections, poses, angles, numbered, scale, silent)


def _posed(body: Body, t: float) -> tuple[Float[np.ndarray, "J"], Float[np.ndarray, "K 3"]]:
    now = {**RESTING, **{joint: signal(t) for joint, signal in body.angles_deg.items()}}
    planes = {joint: signal(t) for joint, signal in body.planes_deg.items()}
    lean, left, turn = body.lean_deg(t), body.lean_left_deg(t), body.turn_deg(t)
    points = body_points(now, planes, lean, left, turn)
    if lean or left:
        corners = (np.array([points[ends[i]] for ends in ANGLES.values()]) for i in range(3))
        now |= dict(zip(ANGLES, inner_angle_deg(*corners).tolist(), strict=True))
    return np.array([now[joint] for joint in ANGLES]), np.array([points[k] for k in BLAZEPOSE_33])


def _tracks(keypoints: Float[np.ndarray, "N T K 3"]) -> Tracks:
    boxes = np.concatenate([keypoints[..., :2].min(2) - 6, keypoints[..., :2].max(2) + 6], axis=-1)
    people, times = boxes.shape[:2]
    labels = ("person",) * people
    detection = np.arange(people * times).reshape(times, people).T.copy()
    return Tracks(track_ids(labels), labels, boxes, np.ones((people, times)), detection)


def disturbed(
    known: Skeletons, seed: int, jitter_m: float = 0.0, gap_s: float = 0.0, flat: bool = False
) -> Skeletons:
    """Return people as a pose net would see them.

    Args:
        known: the truth.
        seed: of what is random.
        jitter_m: standard deviation by which every joint is off in every sample, in space and in the picture.
        gap_s: the skeleton is lost for so long once in ``GAP_EVERY_S``.
        flat: a net that sees the picture only: no points in space.
    """
    rng = np.random.default_rng([seed, 5])
    noise_m = jitter_m * rng.standard_normal(known.poses.world.shape)
    keypoints, world = known.poses.keypoints.copy(), known.poses.world + noise_m
    keypoints[..., :2] += known.px_per_m * noise_m[..., :2]
    step = float(known.clip.times_s[1] - known.clip.times_s[0])
    times = np.arange(keypoints.shape[1])[None] * step
    phase = rng.uniform(0, GAP_EVERY_S, (len(keypoints), 1))
    unseen = (times + phase) % GAP_EVERY_S < gap_s - 1e-9
    keypoints[unseen] = np.nan
    world[unseen] = np.nan
    if flat:
        world = np.full_like(world, np.nan)
    return replace(known, poses=replace(known.poses, keypoints=keypoints, world=world))


# --- signals ------------------------------------------------------------------------------------------------


def eased(*points: tuple[float, float]) -> Signal:
    """A signal through (time, value) that starts and stops gently at each."""
    times, values = (list(column) for column in zip(*points, strict=True))

    def signal(t: float) -> float:
        i = int(np.clip(np.searchsorted(times, t) - 1, 0, len(times) - 2))
        share = float(np.clip((t - times[i]) / (times[i + 1] - times[i]), 0, 1))
        return values[i] + (values[i + 1] - values[i]) * share * share * (3 - 2 * share)

    return signal


def _there_and_back(begin_s: float, period_s: float, count: int, rest: float, far: float) -> Signal:
    """A signal that goes from ``rest`` to ``far`` and back so many times."""
    times = [begin_s + i * period_s / 2 for i in range(2 * count + 1)]
    return eased(*((t, far if i % 2 else rest) for i, t in enumerate(times)))


def _hops(begin_s: float, period_s: float, count: int, flight_s: float) -> Signal:
    """Height above the ground of jumps, each a free fall upward and down (9.81 m/s^2)."""

    def signal(t: float) -> float:
        i = int((t - begin_s) // period_s)
        into = t - begin_s - i * period_s
        return 9.81 / 2 * into * (flight_s - into) if 0 <= i < count and 0 < into < flight_s else 0.0

    return signal


def _sides(part: str) -> tuple[str, ...]:
    return ("left", "right") if part.startswith("both") else (part.split("_")[0],)


# --- scenarios ----------------------------------------------------------------------------------------------


def stand(seed: int) -> Skeletons:
    """Somebody stands still."""
    rng = draw("stand", seed)
    facing = float(rng.uniform(-60, 60))
    body = Body(turn_deg=lambda t: facing)
    return stage_bodies("stand", (body,), 3.0, (fact(0, "stay", 0, 3.0),), seed)


def arm(kind: str, side: str, seed: int) -> Skeletons:
    """Somebody raises or lowers one arm or both, once, and keeps it there."""
    name = f"{kind}_{side}"
    rng = draw(name, seed)
    begin, go = float(rng.uniform(0.8, 1.3)), float(rng.uniform(0.7, 1.2))
    low, high = float(rng.uniform(8, 20)), float(rng.uniform(150, 172))
    start, end = (low, high) if kind == "raise" else (high, low)
    signal = eased((begin, start), (begin + go, end))
    body = Body({f"{one}_shoulder": signal for one in _sides(side)}, px_per_m=float(rng.uniform(60, 85)))
    said = fact(0, kind, begin, begin + go, part=side, level="limb")
    return stage_bodies(name, (body,), begin + go + 1.2, (said,), seed)


def repeated(
    name: str,
    part: str,
    kinds: tuple[str, str],
    far_deg: tuple[float, float],
    seed: int,
    hangs: bool = False,
) -> Skeletons:
    """Somebody does something with a limb and undoes it, one to six times, and rests before and after.

    Args:
        name: of the scenario.
        part: which limb.
        kinds: what is done and what undoes it.
        far_deg: range of the angle that its joint reaches.
        seed: of what is random.
        hangs: whether the body hangs.
    """
    rng = draw(name, seed)
    count, period = int(rng.integers(1, 7)), float(rng.uniform(1.2, 2.6))
    begin, far = float(rng.uniform(0.6, 1.2)), float(rng.uniform(*far_deg))
    joint = {"arm": "shoulder", "leg": "hip"}.get(
        part.split("_")[1].rstrip("s"), part.split("_")[1].rstrip("s")
    )
    signal = _there_and_back(begin, period, count, RESTING[f"left_{joint}"], far)
    angles = {f"{side}_{joint}": signal for side in _sides(part)}
    end = begin + count * period
    said = {"part": part, "level": "limb", "count": count if count > 1 else None}
    facts = (
        fact(0, kinds[0], begin, end - period / 2, **said),
        fact(0, kinds[1], begin + period / 2, end, **said),
    )
    body = Body(angles, px_per_m=float(rng.uniform(60, 85)), hangs=hangs)
    return stage_bodies(name, (body,), end + 1.0, facts, seed)


def knee_bends(seed: int) -> Skeletons:
    """Somebody bends both knees a number of times with an upright body."""
    name = "knee_bends"
    rng = draw(name, seed)
    count, period = int(rng.integers(1, 5)), float(rng.uniform(1.6, 2.4))
    deep, begin = float(rng.uniform(75, 105)), float(rng.uniform(0.6, 1.0))
    points = [(begin + i * period / 2, 175.0 if i % 2 == 0 else deep) for i in range(2 * count + 1)]
    knee = eased(*points)
    hip = eased(*((t, 180 - (180 - angle) / 2) for t, angle in points))  # keeps the feet below the hips
    joints = {"knee": knee, "hip": hip}
    angles = {f"{side}_{joint}": signal for side in ("left", "right") for joint, signal in joints.items()}
    body = Body(angles, px_per_m=float(rng.uniform(60, 85)))
    end = points[-1][0]
    more = {"part": "both_knees", "level": "limb", "count": count if count > 1 else None}
    facts = (
        fact(0, "bend", begin, end - period / 2, **more),
        fact(0, "straighten", begin + period / 2, end, **more),
    )
    return stage_bodies(name, (body,), end + 0.8, facts, seed)


def arm_circles(side: str, seed: int) -> Skeletons:
    """Somebody who is seen from the front swings an arm in circles: forward, up, backward and down."""
    name = f"circles_{side}_arm"
    rng = draw(name, seed)
    count, period = int(rng.integers(2, 6)), float(rng.uniform(1.4, 2.4))
    begin, sense = float(rng.uniform(0.5, 1.0)), float(rng.choice([-1.0, 1.0]))
    end = begin + count * period

    def swept(t: float) -> float:
        return sense * 360 * float(np.clip((t - begin) / period, 0, count)) % 360

    def inner(t: float) -> float:
        return max(3.0, 180 - abs(180 - swept(t)))

    body = Body(
        {f"{side}_shoulder": inner},
        planes_deg={f"{side}_shoulder": lambda t: 90.0 if swept(t) < 180 else -90.0},
        px_per_m=float(rng.uniform(60, 85)),
    )
    said = {"part": f"{side}_arm", "level": "limb", "count": count}
    facts = (
        fact(0, "raise", begin, end - period / 2, **said),
        fact(0, "lower", begin + period / 2, end, **said),
    )
    return stage_bodies(name, (body,), end + 0.8, facts, seed)


def walks(direction: str, seed: int) -> Skeletons:
    """Somebody walks through the picture: legs and arms swing as they do in a walk (Whittle, Gait Analysis)."""
    name = f"walks_{direction}"
    rng = draw(name, seed)
    sign = 1.0 if direction == "right" else -1.0
    pace, scale = float(rng.uniform(0.9, 1.1)), float(rng.uniform(60, 80))
    speed, phase = 1.3 * pace * scale, float(rng.uniform(0, 1))
    angles: dict[str, Signal] = {}
    planes: dict[str, Signal] = {}

    def swing(joint: str, far_deg: float, back_deg: float, shift: float) -> None:
        """A limb that swings as a pendulum between the front and the back."""

        def signed(t: float) -> float:
            s = np.sin(2 * np.pi * (pace * t + phase + shift))
            return float(max(far_deg if s > 0 else back_deg, 1.0) * s)

        rest, sense = (0.0, 1.0) if joint.endswith("shoulder") else (180.0, -1.0)
        angles[joint] = lambda t: rest + sense * abs(signed(t))
        planes[joint] = lambda t: 90.0 if signed(t) >= 0 else -90.0

    for side, shift in (("left", 0.0), ("right", 0.5)):
        swing(f"{side}_hip", 28.0, 12.0, shift)
        swing(f"{side}_shoulder", 22.0, 22.0, shift + 0.5)
        # The knee bends by 60 degrees while its leg swings to the front.
        angles[f"{side}_knee"] = partial(_swing_knee, pace, phase + shift)
        angles[f"{side}_elbow"] = lambda t: 160.0
    start = 60.0 if sign > 0 else 420.0
    body = Body(
        angles,
        ground=lambda t: (start + sign * speed * t, 170.0),
        px_per_m=scale,
        planes_deg=planes,
        turn_deg=lambda t: sign * 90.0,
    )
    way = fact(0, "move", 0, 3.5, direction=(direction,), trajectory="straight")
    return stage_bodies(name, (body,), 3.5, (way,), seed, size=(480, 180))


def _swing_knee(pace: float, phase: float, t: float) -> float:
    into = (pace * t + phase + 0.25) % 1.0
    return 175.0 - 55.0 * float(np.sin(np.pi * into / 0.4)) if into < 0.4 else 175.0


def leans(direction: str, seed: int) -> Skeletons:
    """Somebody who stands tips the trunk and stays so; to a side it is the picture's, seen from the front."""
    name = f"leans_{direction}"
    rng = draw(name, seed)
    begin, go, by = (float(rng.uniform(*ends)) for ends in ((0.7, 1.2), (0.6, 1.2), (38, 55)))
    signal = eased((begin, 0.0), (begin + go, by if direction in ("forward", "left") else -by))
    # The left of somebody who faces us is the picture's right.
    facing = float(rng.choice([-1, 1])) * float(rng.uniform(60, 90)) if direction.endswith("ward") else 0.0
    sideways = direction in ("left", "right")
    body = Body(
        lean_deg=(lambda t: 0.0) if sideways else signal,
        lean_left_deg=(lambda t: -signal(t)) if sideways else (lambda t: 0.0),
        turn_deg=lambda t: facing,
        px_per_m=float(rng.uniform(60, 80)),
    )
    end = begin + go + 1.2
    said = fact(0, "lean", begin, begin + go, direction=(direction,), frame="image" if sideways else "scene")
    return stage_bodies(name, (body,), end, (said,), seed)


def bows(seed: int) -> Skeletons:
    """Somebody seen from the side bends deeply at the hips and comes up again, once to four times."""
    rng = draw("bows", seed)
    count, period, deep = int(rng.integers(1, 5)), float(rng.uniform(1.8, 2.8)), float(rng.uniform(80, 95))
    begin, facing = float(rng.uniform(0.6, 1.0)), float(rng.choice([-1, 1])) * float(rng.uniform(70, 100))
    end = begin + count * period
    body = Body(
        lean_deg=_there_and_back(begin, period, count, 0.0, deep),
        turn_deg=lambda t: facing,
        px_per_m=float(rng.uniform(60, 80)),
    )
    more = {"part": "both_hips", "level": "limb", "count": count if count > 1 else None}
    facts = (
        fact(0, "bend", begin, end - period / 2, **more),
        fact(0, "straighten", begin + period / 2, end, **more),
    )
    return stage_bodies("bows", (body,), end + 0.8, facts, seed)


def turns(direction: str, seed: int) -> Skeletons:
    """Somebody who stands turns about himself, by a quarter to two whole turns, and stays so."""
    name = f"turns_{direction}"
    rng = draw(name, seed)
    begin, from_deg = float(rng.uniform(0.7, 1.2)), float(rng.uniform(-180, 180))
    by = float(rng.choice([90.0, 120.0, 180.0, 360.0, 720.0]))
    go = by / float(rng.uniform(90, 140))
    signal = eased(
        (begin, from_deg), (begin + go, from_deg + (by if direction == "counterclockwise" else -by))
    )
    body = Body(turn_deg=signal, px_per_m=float(rng.uniform(60, 80)))
    said = fact(
        0, "turn", begin, begin + go, direction=(direction,), count=round(by / 360) if by > 400 else None
    )
    return stage_bodies(name, (body,), begin + go + 1.2, (said,), seed)


def jumps(seed: int) -> Skeletons:
    """Somebody jumps up, once to six times, from slightly bent knees."""
    rng = draw("jumps", seed)
    count, period = int(rng.integers(1, 7)), float(rng.uniform(0.9, 1.4))
    begin, flight = float(rng.uniform(0.8, 1.3)), float(rng.uniform(0.42, 0.55))
    end = begin + (count - 1) * period + flight

    def crouched(t: float) -> float:
        into = (t - begin + 0.3) % period
        return float(np.sin(np.pi * into / 0.3)) if into < 0.3 and begin - 0.3 <= t < end else 0.0

    body = Body(
        {
            **{f"{side}_knee": lambda t: 175 - 25 * crouched(t) for side in ("left", "right")},
            **{f"{side}_hip": lambda t: 175 - 12 * crouched(t) for side in ("left", "right")},
        },
        lift_m=_hops(begin, period, count, flight),
        px_per_m=float(rng.uniform(60, 75)),
    )
    said = fact(0, "jump", begin, end, count=count if count > 1 else None)
    return stage_bodies("jumps", (body,), end + 1.0, (said,), seed)


def _scenarios() -> dict[str, Callable[[int], Skeletons]]:
    named: dict[str, Callable[[int], Skeletons]] = {"stand": stand, "knee_bends": knee_bends, "bows": bows}
    for one in ("left", "right", "both"):
        arms, knees, elbows, legs = (
            f"{one}_{part}{'s' if one == 'both' else ''}" for part in ("arm", "knee", "elbow", "leg")
        )
        for kind in ("raise", "lower"):
            named[f"{kind}_{arms}"] = partial(arm, kind, arms)
        plans: dict[str, tuple[str, tuple[str, str], tuple[float, float]]] = {
            f"lifts_{arms}": (arms, ("raise", "lower"), (85.0, 120.0)),
            f"curls_{elbows}": (elbows, ("bend", "straighten"), (35.0, 70.0)),
            f"kicks_{legs}": (legs, ("raise", "lower"), (80.0, 100.0)),
        }
        if one != "both":
            plans[f"heel_{knees}"] = (knees, ("bend", "straighten"), (60.0, 90.0))
            named[f"circles_{arms}"] = partial(arm_circles, one)
            named[f"walks_{one}"] = partial(walks, one)
        for name, (part, kinds, far) in plans.items():
            hangs = name == "kicks_both_legs"
            named[name] = partial(repeated, name, part, kinds, far, hangs=hangs)
    for way in ("left", "right", "forward", "backward"):
        named[f"leans_{way}"] = partial(leans, way)
    for sense in ("clockwise", "counterclockwise"):
        named[f"turns_{sense}"] = partial(turns, sense)
    return named | {"jumps": jumps}


BODY_SCENARIOS: Mapping[str, Callable[[int], Skeletons]] = _scenarios()
"""People by name, from a seed."""
