"""A run in memory, with hand-made records whose truth is known: a street under a panning camera, and nasty ones.

The street (320 x 180 px, 3 s, 10 samples per second): the camera pans right by 20 px/s. Person 0, a box of
30 x 70 px, stands at scene x = 80 until 1 s and then walks right with 40 px/s until 2.5 s; she is hidden from
0.45 to 0.75 s, and a gap from 1.45 to 1.75 s is filled in. Car 1000 is parked at scene (200, 110).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kinescribe import video
from kinescribe.records import (
    CAMERA,
    Action,
    CameraMotion,
    Caption,
    Captions,
    Claim,
    Clip,
    Event,
    Events,
    Facts,
    Hands,
    JointKinematics,
    Kinematics,
    MotionFact,
    Poses,
    Question,
    Questions,
    Span,
    TrackKinematics,
    Tracks,
    Verdict,
    Verdicts,
)
from kinescribe.vocabulary import ANGLE_PAIRS, ANGLES, BLAZEPOSE_33, CONTACTS

R = TypeVar("R")

WIDTH, HEIGHT, FPS, SECONDS = 320, 180, 24, 3.0
PAN_PX_S, WALK_PX_S = 20.0, 40.0
INJECTION = "<img src=x onerror=alert(1)>"
"""Must stay text wherever it is shown."""
UNICODE = "Mädchen 👧 日本 \u2028 </script><b>"


@dataclass(frozen=True)
class FakeFailure:
    """What ``Run.failures()`` lists."""

    source: str
    clip_id: str | None
    stage: str
    error_type: str
    message: str
    attempts: int


@dataclass(frozen=True)
class FakeDrop:
    """What ``Run.dropped()`` lists."""

    clip_id: str


@dataclass(frozen=True)
class FakeRun:
    """What exporters and the viewer need of a run."""

    contents: Mapping[str, Mapping[type, Any]]
    failed: tuple[FakeFailure, ...] = ()
    recipe: Any = field(default_factory=dict)
    drops: tuple[str, ...] = ()

    def clips(self) -> list[Clip]:
        return [records[Clip] for records in self.contents.values()]

    def record(self, clip_id: str, kind: type[R]) -> R | None:
        return self.contents[clip_id].get(kind)

    def records(self, clip_id: str) -> dict[type, Any]:
        return dict(self.contents[clip_id])

    def failures(self) -> list[FakeFailure]:
        return list(self.failed)

    def dropped(self) -> list[FakeDrop]:
        return [FakeDrop(clip_id) for clip_id in self.drops]


def run_of(*clips: Mapping[type, Any], failed: tuple[FakeFailure, ...] = ()) -> FakeRun:
    """Return a run that holds these clips' records."""
    return FakeRun({records[Clip].id: records for records in clips}, failed, {"camera": {"samples": 10}})


# --- the street ---------------------------------------------------------------------------------------------


def person_x(t: np.ndarray | float) -> Any:
    """Left edge of the person in the scene."""
    return 80 + WALK_PX_S * np.clip(np.asarray(t) - 1.0, 0, 1.5)


def street_images() -> Iterator[tuple[float, np.ndarray]]:
    """Yield what the camera sees, at 24 frames per second."""
    columns, rows = np.arange(WIDTH), np.arange(HEIGHT)
    for t in np.arange(round(FPS * SECONDS)) / FPS:
        pan = PAN_PX_S * t
        stripes = (90 + 25 * np.sin((columns[None] + pan) / 9) + 15 * np.sin(rows[:, None] / 13)).astype(
            np.uint8
        )
        image = np.repeat(stripes[..., None], 3, axis=2)
        left = round(float(person_x(t)) - pan)
        image[60:130, max(0, left) : left + 30] = (200, 60, 60)
        image[110:150, max(0, round(200 - pan)) : max(0, round(260 - pan))] = (60, 60, 190)
        yield float(t), image


def street_video(path: Path) -> Clip:
    """Write the street to a file and return its clip, as the door would."""
    video.encode(path, street_images(), (WIDTH, HEIGHT), crf=18)
    source = video.scan(path)
    return video.make_clip(source, 0.0, source.duration_s, 10.0)


def street_clip(clip_id: str = "street", source: str = "videos/street.mp4") -> Clip:
    """The street's clip without a file behind it."""
    indices = np.unique(np.round(np.arange(0, SECONDS, 0.1) * FPS).astype(np.int64))
    return Clip(
        id=clip_id, source=source, source_sha256="0" * 64, start_s=0.0, end_s=SECONDS, fps=float(FPS),
        width=WIDTH, height=HEIGHT, rotation_deg=0, num_frames=round(FPS * SECONDS), frame_indices=indices,
        times_s=indices / FPS,
    )  # fmt: skip


def street(clip: Clip | None = None) -> dict[type, Any]:
    """Every record of the street."""
    clip = clip or street_clip()
    tracks, camera = street_tracks(clip), street_camera(clip)
    poses = street_poses(clip, tracks)
    made = [
        clip, camera, tracks, poses, street_hands(clip, poses), street_kinematics(clip, tracks, camera),
        street_events(), street_facts(), street_captions(), street_verdicts(), street_questions(),
    ]  # fmt: skip
    return {type(record): record for record in made}


def street_camera(clip: Clip) -> CameraMotion:
    t = clip.times_s
    to_scene = np.tile(np.array([[1.0, 0, 0], [0, 1.0, 0]]), (len(t), 1, 1))
    to_scene[:, 0, 2] = PAN_PX_S * t
    return CameraMotion(
        to_scene=to_scene,
        inlier_ratio=np.r_[np.nan, np.full(len(t) - 1, 0.9)],
        coverage=np.r_[np.nan, np.full(len(t) - 1, 0.8)],
        score=0.125,
        terms=np.array([0.05, 0.0, 0.15, 0.0]),
        labels=("pan_right",),
    )


def street_tracks(clip: Clip) -> Tracks:
    t = clip.times_s
    left = person_x(t) - PAN_PX_S * t
    person = np.stack([left, np.full_like(t, 60), left + 30, np.full_like(t, 130)], axis=1)
    person[(t > 0.45) & (t < 0.75)] = np.nan
    car_left = 200 - PAN_PX_S * t
    car = np.stack([car_left, np.full_like(t, 110), car_left + 60, np.full_like(t, 150)], axis=1)
    detection = np.arange(2 * len(t)).reshape(2, -1)
    detection[0, ((t > 1.45) & (t < 1.75)) | ((t > 0.45) & (t < 0.75))] = -1
    return Tracks(
        ids=np.array([0, 1000]),
        label=("person", "car"),
        xyxy=np.stack([person, car]),
        score=np.where(detection >= 0, 0.9, np.nan),
        detection=detection,
    )


def street_poses(clip: Clip, tracks: Tracks) -> Poses:
    """A skeleton that fills the person's box; its right elbow bends from 180 to 90 degrees and back."""
    places = {
        "nose": (0.5, 0.05), "left_shoulder": (0.7, 0.2), "right_shoulder": (0.3, 0.2), "left_elbow": (0.75, 0.37),
        "right_elbow": (0.25, 0.37), "left_wrist": (0.75, 0.52), "right_wrist": (0.25, 0.52),
        "left_hip": (0.62, 0.52), "right_hip": (0.38, 0.52), "left_knee": (0.62, 0.74), "right_knee": (0.38, 0.74),
        "left_ankle": (0.62, 0.95), "right_ankle": (0.38, 0.95), "left_foot_index": (0.75, 0.99),
        "right_foot_index": (0.5, 0.99),
    }  # fmt: skip
    keypoints = np.full((1, len(clip.times_s), 33, 3), np.nan)
    box = tracks.xyxy[0]
    for name, (x, y) in places.items():
        keypoints[0, :, BLAZEPOSE_33.index(name), 0] = box[:, 0] + x * 30
        keypoints[0, :, BLAZEPOSE_33.index(name), 1] = box[:, 1] + y * 70
        keypoints[0, :, BLAZEPOSE_33.index(name), 2] = np.where(np.isfinite(box[:, 0]), 0.9, np.nan)
    return Poses(np.array([0]), keypoints, np.full_like(keypoints, np.nan), "blazepose33")


def street_hands(clip: Clip, poses: Poses) -> Hands:
    """Hands of 6 px round the wrists; seen at every second sample. From 2 s the right hand holds a bag of 8 px."""
    wrists = poses.keypoints[0][:, [BLAZEPOSE_33.index(f"{side}_wrist") for side in ("left", "right")]]
    middle = np.moveaxis(wrists[..., :2], 1, 0)  # (2, T, 2)
    around = np.stack(np.meshgrid(np.linspace(-2, 2, 7), np.linspace(-2, 2, 3)), axis=-1).reshape(21, 2)
    known = np.isfinite(middle[..., 0])
    seen = known & (np.arange(len(clip.times_s)) % 2 == 0)
    points = middle[:, :, None] + around
    score = np.broadcast_to(np.where(seen, 0.9, 0.5)[..., None, None], (*points.shape[:-1], 1))
    holds = known & (clip.times_s >= 2.0) & np.array([[False], [True]])
    bag = np.concatenate([middle + np.array([-4, 3]), middle + np.array([4, 11])], axis=-1)
    return Hands(
        ids=np.array([1, 4]),
        xyxy=np.concatenate([middle - 3, middle + 3], axis=-1),
        score=np.where(seen, 0.9, np.nan),
        keypoints=np.where(known[..., None, None], np.concatenate([points, score], axis=-1), np.nan),
        seen=seen,
        right=np.where(seen, np.array([[0.1], [0.9]]), np.nan),
        contact=np.where(holds, CONTACTS.index("object_contact"), 0).astype(np.int8),
        comotion=np.where(holds, 0.8, np.nan),
        held_xyxy=np.where(holds[..., None], bag, np.nan),
        held_track=np.full(known.shape, -1),
    )


def street_kinematics(clip: Clip, tracks: Tracks, camera: CameraMotion) -> Kinematics:
    t = clip.times_s
    image = (tracks.xyxy[..., :2] + tracks.xyxy[..., 2:]) / 2
    scene = image + camera.to_scene[None, :, :, 2]
    velocity = np.gradient(scene, t, axis=1)
    speed = np.hypot(velocity[..., 0], velocity[..., 1])
    size = np.sqrt(np.prod(tracks.xyxy[..., 2:] - tracks.xyxy[..., :2], axis=-1))
    motion = TrackKinematics(
        ids=tracks.ids, frame=("scene",) * len(tracks.ids), image_px=image, scene_px=scene,
        velocity_px_s=velocity, speed_px_s=speed, acceleration_px_s2=np.gradient(speed, t, axis=1),
        heading_deg=np.where(speed > 5, 0.0, np.nan), size_px=size,
        scale_rate_s=np.gradient(np.log(size), t, axis=1), noise_px=np.array([0.4, 0.3]),
    )  # fmt: skip
    angle = np.full((1, len(t), len(ANGLES)), np.nan)
    angle[0, :, list(ANGLES).index("right_elbow")] = 135 + 45 * np.cos(2 * np.pi * t / 1.5)
    angle[0, :, list(ANGLES).index("left_knee")] = 170 + 3 * np.sin(t)
    angle[0, np.isnan(image[0, :, 0])] = np.nan
    spectra = np.full((1, len(ANGLES)), 1.0)
    pairs = np.full((1, len(ANGLE_PAIRS)), 0.5)
    joints = JointKinematics(
        np.array([0]),
        angle,
        np.gradient(angle, t, axis=1),
        *[spectra] * 7,
        pairs,
        pairs,
        np.ones((1, len(t))),
    )
    return Kinematics(motion, joints)


def street_events() -> Events:
    return Events(
        (
            Event(0, "still", Span(0.0, 1.0)),
            Event(1000, "visible", Span(0.0, 3.0)),
            Event(0, "move", Span(1.0, 2.5), {"path_px": 60.0, "speed_px_s": 40.0}),
            Event(0, "approach", Span(1.0, 2.5), {"shrink": 0.4}, other=1000),
            Event(0, "bend", Span(1.5, 2.2), {"change_deg": 88.0}, part="right_elbow"),
        )
    )


def street_facts() -> Facts:
    return Facts(
        (
            MotionFact("f1", CAMERA, "pan", Span(0.0, 3.0), direction=("right",), frame="image",
                       evidence={"shift_px": 60.0}),
            MotionFact("f2", 1000, "stay", Span(0.0, 3.0), confidence=0.8, evidence={"drift_px": np.nan}),
            MotionFact("f3", 0, "move", Span(1.0, 2.5), direction=("right",), magnitude="slowly",
                       trajectory="straight", evidence={"path_px": 60.0, "speed_px_s": 40.0}),
            MotionFact("f4", 0, "approach", Span(1.0, 2.5), object=1000, confidence=0.9),
            MotionFact("f5", 0, "bend", Span(1.5, 2.2), part="right_elbow", level="limb", count=2,
                       magnitude="deeply", evidence={"change_deg": 88.0}),
        )
    )  # fmt: skip


def street_captions() -> Captions:
    first, second, third = "The person walks to the right.", "The car falls.", "Then the person stops."
    text = f"{first} {second} {third}"
    spans = [(text.index(s), text.index(s) + len(s)) for s in (first, second, third)]
    claims = (
        Claim(Action("walk", *spans[0], agent="person", direction=("right",)), 0),
        Claim(Action("fall", *spans[1], agent="car", direction=("down",), order=1), 1000),
        Claim(Action("stop", *spans[2], agent="person", order=2, span=Span(2.5, 2.6)), 0),
    )
    return Captions(
        (
            Caption(text, "scene", "template", claims),
            Caption("A quiet street.", "region", "template", (), subject=1000),
        )
    )


def street_verdicts() -> Verdicts:
    return Verdicts(
        (
            Verdict(0, 0, True, "moves 60 px to the right between 1.0 and 2.5 s"),
            Verdict(0, 1, False, "car 1000 stays within 1 px"),
            Verdict(0, 2, None, "unseen after 2.9 s"),
        )
    )


def street_questions() -> Questions:
    return Questions(
        (
            Question("motion_attribute", "Which way does the person move?", ("left", "right", "up", "down"), 1, 0,
                     "f3", "measured by f3; the others contradict its direction"),
            Question("motion_object", "What stays in place?", ("the person", "the dog", "the car", "nothing"), 2,
                     1000, "f2", "measured by f2"),
        )
    )  # fmt: skip


# --- nasty ones ---------------------------------------------------------------------------------------------


def renamed(records: Mapping[type, Any], clip_id: str, **changes: Any) -> dict[type, Any]:
    """Return a clip's records under another id (and with other fields of its clip)."""
    return {**records, Clip: replace(records[Clip], id=clip_id, **changes)}


def empty(clip_id: str = "empty") -> dict[type, Any]:
    """Analysed, and nothing found: zero tracks, facts, captions and questions; an unknown camera."""
    clip = street_clip(clip_id, "videos/empty.mp4")
    unseen = np.full(len(clip.times_s), np.nan)
    camera = CameraMotion(
        np.full((len(unseen), 2, 3), np.nan), unseen, unseen, float("nan"), np.full(4, np.nan), ()
    )
    none = tracks_of(clip, [])
    made = [
        clip, camera, none, Poses(none.ids, np.empty((0, len(unseen), 33, 3)), np.empty((0, len(unseen), 33, 3)),
        "blazepose33"), Events(()), Facts(()), Captions(()), Verdicts(()), Questions(()),
    ]  # fmt: skip
    return {type(record): record for record in made}


def unknown(clip_id: str = "unknown") -> dict[type, Any]:
    """The street with every measured number unknown."""
    records = street(street_clip(clip_id, "videos/unknown.mp4"))
    tracks, kinematics = records[Tracks], records[Kinematics]
    records[Tracks] = replace(tracks, xyxy=np.full_like(tracks.xyxy, np.nan))
    records[Kinematics] = Kinematics(_unknown(kinematics.tracks), _unknown(kinematics.joints))
    records[Poses] = replace(records[Poses], keypoints=np.full_like(records[Poses].keypoints, np.nan))
    records[Hands] = _unknown(records[Hands])
    records[CameraMotion] = empty()[CameraMotion]
    records[Clip] = replace(records[Clip], fps=float("nan"))
    return records


def one_sample(clip_id: str = "one") -> dict[type, Any]:
    """A single picture: no duration, no motion."""
    clip = replace(
        street_clip(clip_id, "videos/one.png"), end_s=0.0, fps=float("nan"), num_frames=1,
        frame_indices=np.array([0]), times_s=np.array([0.0]),
    )  # fmt: skip
    tracks = tracks_of(clip, ["person"])
    camera = CameraMotion(
        np.array([[[1.0, 0, 0], [0, 1.0, 0]]]),
        np.array([np.nan]),
        np.array([np.nan]),
        0.0,
        np.zeros(4),
        ("static",),
    )
    return {Clip: clip, CameraMotion: camera, Tracks: tracks, Facts: Facts(())}


def crowd(clip_id: str = "crowd", count: int = 40) -> dict[type, Any]:
    """Forty people, each walking down its own lane; no camera, no poses."""
    clip = street_clip(clip_id, "videos/crowd.mp4")
    tracks = tracks_of(clip, ["person"] * count)
    facts = tuple(
        MotionFact(f"f{i}", int(i), "move", Span(0.0, 3.0), direction=("right",)) for i in tracks.ids
    )
    events = tuple(
        Event(int(i), "move", Span(0.1 * n % 2, 0.1 * n % 2 + 1)) for n, i in enumerate(tracks.ids)
    )
    made = [clip, tracks, Facts(facts), Events(events)]
    return {type(record): record for record in made}


def hostile(clip_id: str = "hostile") -> dict[type, Any]:
    """Markup, line separators and a script's end wherever a text can come from outside."""
    records = street(street_clip(clip_id, f"videos/{INJECTION} {UNICODE}.mp4"))
    records[Clip] = replace(records[Clip], notes=(INJECTION,))
    records[Tracks] = replace(records[Tracks], label=(INJECTION, UNICODE))
    text = f"{INJECTION} {UNICODE} moves."
    claim = Claim(Action("move", 0, len(text), agent=INJECTION), 0)
    records[Captions] = Captions((Caption(text, "scene", INJECTION, (claim,)),))
    records[Verdicts] = Verdicts((Verdict(0, 0, True, INJECTION),))
    options = (INJECTION, UNICODE, "javascript:alert(1)", "'\"><script>alert(1)</script>")
    records[Questions] = Questions((Question("motion_object", text, options, 1, 0, "f3", INJECTION),))
    return records


def tracks_of(clip: Clip, labels: list[str]) -> Tracks:
    """Return people with ids 0, 10, 20, ... that cross the picture side by side."""
    n, t = len(labels), clip.times_s
    left = 10 + 30 * t[None] + 5.0 * np.arange(n)[:, None]
    top = np.broadcast_to((4.0 * np.arange(n))[:, None], left.shape)
    boxes = np.stack([left, top, left + 12, top + 18], axis=-1)
    rows = np.arange(n * len(t)).reshape(n, len(t))
    return Tracks(10 * np.arange(n), tuple(labels), boxes, np.full((n, len(t)), 0.7), rows)


def _unknown(record: Any) -> Any:
    arrays = {
        name: np.full_like(value, np.nan)
        for name, value in vars(record).items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    return replace(record, **arrays)
