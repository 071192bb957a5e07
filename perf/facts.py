"""CPU time of events and facts together, for a clip that is as full as clips get: 10 s with 20 tracks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np

from kinescribe.records import CameraMotion, Clip, Kinematics, Poses, Tracks
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from perf.kinematics import THREADS
from tests import bodies as b
from tests import worlds as w

LIMIT_MS = 50.0
"""For a clip of 10 s with 20 tracks."""
SECONDS, PEOPLE, THINGS = 10.0, 8, 12
ROUNDS = 9
"""Of which the median counts."""
SIZE = (640, 360)
JITTER_PX = 1.0
"""Of every joint and box: exact paths have fewer corners than measured ones, and are quicker to describe."""


class Taken(NamedTuple):
    """CPU milliseconds, and how much there was to say."""

    events_ms: float
    facts_ms: float
    events: int
    facts: int


def table() -> bool:
    """Print a table, and return whether the limit was kept; in a process of its own, as ``perf.kinematics``."""
    one_thread = {**os.environ, **dict.fromkeys(THREADS, "1")}
    return subprocess.run([sys.executable, "-m", "perf.facts"], env=one_thread, check=False).returncode == 0


def _measure() -> bool:
    whole = crowd()
    taken = [describe(*whole) for _ in range(ROUNDS + 1)][1:]  # the first round loads what is loaded late
    events, facts = (
        float(np.median([getattr(t, name) for t in taken])) for name in ("events_ms", "facts_ms")
    )
    print(
        f"\n### events and facts of a clip of {SECONDS:.0f} s with {PEOPLE} people and {THINGS} things, one core\n"
    )
    print("| part | CPU ms | found |\n| --- | --- | --- |")
    print(f"| events | {events:.1f} | {taken[0].events} |\n| facts | {facts:.1f} | {taken[0].facts} |")
    print(f"| together | {events + facts:.1f} | |")
    if events + facts > LIMIT_MS:
        print(f"\nmissed: together they must take at most {LIMIT_MS:g} ms")
    return events + facts <= LIMIT_MS


def describe(clip: Clip, camera: CameraMotion, tracks: Tracks, poses: Poses, kinematics: Kinematics) -> Taken:
    """Find the events and state the facts of one clip."""
    started = time.process_time()
    events = FindEvents()(clip, camera, tracks, poses, kinematics)
    between = time.process_time()
    facts = StateFacts()(clip, camera, tracks, events)
    done = time.process_time()
    return Taken(1000 * (between - started), 1000 * (done - between), len(events.events), len(facts.facts))


def crowd(seed: int = 0) -> tuple[Clip, CameraMotion, Tracks, Poses, Kinematics]:
    """Return people who wave, bend their knees and walk, among things that go, swing, circle, stop and meet."""
    rng = np.random.default_rng(seed)
    people = b.stage_bodies("perf", tuple(_person(rng, n) for n in range(PEOPLE)), SECONDS, size=SIZE)
    boxes = np.array([[_box(path(t)) for t in people.clip.times_s.tolist()] for path in _paths(rng)])
    xyxy = np.concatenate([people.tracks.xyxy, boxes])
    xyxy = np.sort(
        (xyxy + JITTER_PX * rng.standard_normal(xyxy.shape)).reshape(*xyxy.shape[:2], 2, 2), axis=2
    )
    xyxy = xyxy.reshape(*xyxy.shape[:2], 4)
    ids = np.concatenate([people.tracks.ids, 1000 + np.arange(THINGS)])
    known = np.ones(xyxy.shape[:2])
    labels = ("person",) * PEOPLE + ("object",) * THINGS
    tracks = Tracks(ids, labels, xyxy, known, np.zeros(xyxy.shape[:2], np.int64))
    poses = b.disturbed(people, seed, JITTER_PX / people.px_per_m).poses
    camera = CameraMotion(
        people.camera.to_scene,
        people.camera.inlier_ratio,
        people.camera.coverage,
        0.0,
        np.zeros(4),
        ("static",),
    )
    return people.clip, camera, tracks, poses, MeasureKinematics()(people.clip, camera, tracks, poses)


def _person(rng: np.random.Generator, number: int) -> b.Body:
    period = float(rng.uniform(1.4, 2.2))
    turns = [i * period / 2 for i in range(int(2 * SECONDS / period) + 1)]
    joints = (("left_shoulder", 15.0, 160.0), ("right_knee", 175.0, 90.0), ("left_elbow", 170.0, 60.0))
    joint, low, high = joints[number % 3]
    signal = b.eased(*((t, low if i % 2 == 0 else high) for i, t in enumerate(turns)))
    x = 60.0 + 70 * number
    ground = w.still(x, 330.0) if number % 4 else w.waypoints((0, x, 330.0), (SECONDS, 640 - x, 330.0))
    return b.Body({joint: signal}, ground, px_per_m=float(rng.uniform(80, 120)))


def _paths(rng: np.random.Generator) -> list[w.Path2D]:
    def place() -> w.Point:
        return float(rng.uniform(80, 560)), float(rng.uniform(40, 300))

    def swing() -> w.Path2D:
        return w.swinging(place(), (float(rng.uniform(30, 60)), 0.0), 1.8, 0, 5)

    def circle() -> w.Path2D:
        return w.arc(place(), 40.0, 0.0, 720.0, 0, SECONDS)

    def way() -> w.Path2D:
        (x0, y0), (x1, y1) = place(), place()
        return w.waypoints((1.5, x0, y0), (4.0, x1, y1), (6.0, x1, y1), (8.5, x0, y0))

    kinds = (swing, circle, way, way)
    return [kinds[n % len(kinds)]() for n in range(THINGS)]


def _box(center: w.Point, half: float = 18.0) -> list[float]:
    x, y = center
    return [x - half, y - half, x + half, y + half]


if __name__ == "__main__":
    sys.exit(not _measure())
