"""Whether the questions are right: every option against the world's own truth, which no judge of ours has seen.

The words of questions and options are read back and compared with what the world was told to do: its exact paths, joint
angles and camera, and its list of facts. Three answers: true, false, and not to be told (a rest of a person who moves
an arm, a way that the world's list leaves open). Beside truth: whether the right option can be told by its length, its
size or its place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from kinescribe import pipeline
from kinescribe.language import ground, names, parse
from kinescribe.language.grounding import meaning
from kinescribe.questions.motionatlas import OUTS
from kinescribe.records import (
    CAMERA,
    NO_DEPTH,
    Action,
    CameraMotion,
    Clip,
    Depth,
    MotionFact,
    Poses,
    Question,
    Questions,
    Span,
    Tracks,
)
from kinescribe.stages.qa import AskQuestions
from kinescribe.vocabulary import ANGLES, COMPASS, PERSON, RELATIONS, SKELETONS
from quality.matching import overlap, subjects
from quality.measures import heading_of
from quality.worlds import exact_camera, exact_tracks, world_of
from tests.bodies import BODY_SCENARIOS, Skeletons
from tests.worlds import Truth, render, truth

FAMILIES = ("foundationmotion", "kpm", "motionatlas")
MOST = {"max_per_category": 12, "max_per_clip": 1000}
"""All that can be asked is asked: rare forms are measured, too."""
EXACT, PIXELS = "exact", "pixels"
COUPLES, SEQUENCES = "two people", "one after the other"
RETURNING = (
    "knee_bends", "lifts_left_arm", "lifts_right_arm", "lifts_both_arms", "curls_left_elbow",
    "curls_right_elbow", "kicks_left_leg", "kicks_right_leg", "heel_left_knee", "heel_right_knee",
)  # fmt: skip
"""Bodies that end as they began: another scenario can follow."""
COUPLE_SHIFT_PX = 160.0
ORDER_S = 0.35
UNNEEDED = ("hands", "caption", "verify", "qa")
"""Stages without which the facts are known."""
_SPAN = re.compile(r" between (\d+\.\d) s and (\d+\.\d) s")
_AT = re.compile(r" at (\d+\.\d) s")
_ENDS = {name: ("wrist", "shoulder") if name in ("arm", "hand") else ("ankle", "hip")
         for name in ("arm", "hand", "leg", "foot")}  # fmt: skip
"""Of a part that is raised."""
_NUMBERS = {
    word: n
    for n, word in enumerate(["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
}
_TIMES = {"once": 1, "twice": 2, "three": 3, "four": 4, "five": 5, "six": 6}


# --- worlds -------------------------------------------------------------------------------------------------


def couple(seed: int) -> Skeletons:
    """Two people side by side, each with a scenario of their own, or with the same one."""
    rng = np.random.default_rng([seed, 77])
    one, two = (str(name) for name in rng.choice(RETURNING, 2))
    two = one if rng.random() < 0.3 else two
    return beside(BODY_SCENARIOS[one](seed), BODY_SCENARIOS[two](seed if rng.random() < 0.5 else seed + 1))


def beside(one: Skeletons, two: Skeletons) -> Skeletons:
    """Put two people side by side; who is done first rests until the other is."""
    length = max(len(one.clip.times_s), len(two.clip.times_s))
    longer = one if len(one.clip.times_s) == length else two
    a, b = _padded(one, length), _padded(two, length)
    shift = np.array([COUPLE_SHIFT_PX, 0.0, 0.0])
    ids = np.array([0, 10], np.int64)
    keypoints = np.concatenate([a.poses.keypoints, b.poses.keypoints + shift])
    boxes = np.concatenate([a.tracks.xyxy, b.tracks.xyxy + np.array([1, 0, 1, 0]) * COUPLE_SHIFT_PX])
    tracks = Tracks(
        ids, (PERSON, PERSON), boxes, np.ones((2, length)), np.arange(2 * length).reshape(length, 2).T.copy()
    )
    poses = Poses(ids, keypoints, np.concatenate([a.poses.world, b.poses.world]), a.poses.skeleton)
    facts = (*one.facts, *(replace(f, subject=10, id=f"u{f.id}") for f in two.facts))
    clip = replace(longer.clip, width=480, id=f"{one.clip.id}{two.clip.id}")
    angles = np.concatenate([a.angles_deg, b.angles_deg])
    silent = tuple({*one.silent, *two.silent, *RELATIONS})
    return replace(
        longer, clip=clip, tracks=tracks, poses=poses, facts=facts, angles_deg=angles, silent=silent
    )


def sequence(seed: int) -> Skeletons:
    """One person who does one thing and then another one."""
    rng = np.random.default_rng([seed, 78])
    one, two = (BODY_SCENARIOS[str(name)](seed) for name in rng.choice(RETURNING, 2, replace=False))
    first, second = len(one.clip.times_s), len(two.clip.times_s)
    step = float(one.clip.times_s[1] - one.clip.times_s[0])
    times = np.arange(first + second) * step
    # The second is moved and scaled to where and as large as the first one ends.
    ratio = one.px_per_m / two.px_per_m
    feet_one, feet_two = (_feet(s, at) for s, at in ((one, -1), (two, 0)))
    keypoints = two.poses.keypoints.copy()
    keypoints[..., :2] = (keypoints[..., :2] - feet_two) * ratio + feet_one
    points = np.concatenate([one.poses.keypoints, keypoints], 1)
    boxes = np.concatenate([points[..., :2].min(2) - 6, points[..., :2].max(2) + 6], -1)
    later = tuple(
        replace(f, id=f"v{f.id}", span=Span(f.span.start_s + first * step, f.span.end_s + first * step))
        for f in two.facts
    )
    num = first + second
    tracks = replace(
        one.tracks, xyxy=boxes, score=np.ones((1, num)), detection=np.arange(num)[None].astype(np.int64)
    )
    clip = replace(
        one.clip, id=f"{one.clip.id}{two.clip.id}", times_s=times, frame_indices=np.arange(num),
        num_frames=num, end_s=num * step,
    )  # fmt: skip
    poses = replace(one.poses, keypoints=points, world=np.concatenate([one.poses.world, two.poses.world], 1))
    angles = np.concatenate([one.angles_deg, two.angles_deg], 1)
    camera = replace(one.camera, to_scene=np.repeat(one.camera.to_scene[:1], num, 0),
                     inlier_ratio=np.ones(num), coverage=np.ones(num))  # fmt: skip
    return replace(
        one, clip=clip, camera=camera, tracks=tracks, poses=poses, angles_deg=angles, facts=(*one.facts, *later),
        silent=tuple({*one.silent, *two.silent}),
    )  # fmt: skip


def _feet(body: Skeletons, at: int) -> Float[np.ndarray, "2"]:
    ankles = [SKELETONS[body.poses.skeleton].index(f"{side}_ankle") for side in ("left", "right")]
    feet: Float[np.ndarray, "2"] = body.poses.keypoints[0, at, ankles, :2].mean(0)
    return feet


def _padded(body: Skeletons, length: int) -> Skeletons:
    """Let a person rest in the last pose."""
    more = length - len(body.clip.times_s)

    def longer(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.repeat(values[:, -1:], more, 1)], 1)

    poses = replace(body.poses, keypoints=longer(body.poses.keypoints), world=longer(body.poses.world))
    return replace(
        body,
        poses=poses,
        tracks=replace(
            body.tracks,
            xyxy=longer(body.tracks.xyxy),
            score=longer(body.tracks.score),
            detection=longer(body.tracks.detection),
        ),
        angles_deg=longer(body.angles_deg),
    )


# --- what is true -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Oracle:
    """What is so in a world, asked in words."""

    clip: Clip
    tracks: Tracks
    """True boxes."""
    facts: tuple[MotionFact, ...]
    silent: tuple[str, ...]
    labels: tuple[str, ...]
    """What the camera does all along."""
    cuts: bool
    camera_path: Float[np.ndarray, "T 2 3"]
    poses: Poses | None = None
    angles_deg: Float[np.ndarray, "N T J"] | None = None
    called: Mapping[str, int] = field(default_factory=dict)
    """What questions call the subjects, and who that is in truth."""
    named: Tracks | None = None
    """The tracks that questions speak of."""

    # --- paths ---

    def row(self, subject: int) -> int:
        """Index of a subject on the axis of the tracks."""
        return self.tracks.row(subject)

    def path(self, subject: int, scene: bool = False) -> Float[np.ndarray, "T 2"]:
        """Exact centre as filmed, or in the scene; of people the middle of the hips."""
        if self.poses is not None and subject in self.poses.ids.tolist():
            names_ = SKELETONS[self.poses.skeleton]
            row = self.poses.ids.tolist().index(subject)
            hips = [names_.index(f"{side}_hip") for side in ("left", "right")]
            path: Float[np.ndarray, "T 2"] = self.poses.keypoints[row][:, hips, :2].mean(1)
        else:
            box = self.tracks.xyxy[self.row(subject)]
            path = (box[:, :2] + box[:, 2:]) / 2
        if scene:
            linear, shift = self.camera_path[:, :, :2], self.camera_path[:, :, 2]
            path = np.einsum("tij,tj->ti", linear, path) + shift
        return path

    def during(self, span: Span | None) -> np.ndarray:
        """Which samples a time means."""
        if span is None:
            return np.ones(len(self.clip.times_s), bool)
        wide = Span(span.start_s - 0.06, span.end_s + 0.06)
        return (self.clip.times_s >= wide.start_s) & (self.clip.times_s <= wide.end_s)

    def way(self, subject: int, span: Span | None) -> Float[np.ndarray, "M 2"]:
        """The known part of a path in a time, in frame widths, y up; in the scene where the camera is known."""
        known = np.isfinite(self.camera_path[:, 0, 0]).all() and not self.cuts
        path = self.path(subject, scene=known)[self.during(span)]
        path = path[np.isfinite(path[:, 0])]
        return path / self.clip.width * [1, -1]

    # --- claims ---

    def read(self, sentence: str) -> list[tuple[Action, int | None, int | None]]:
        """What a sentence asserts: in measurable terms, of whom, of whom else, as the world numbers them."""
        tracks = self.named or self.tracks
        called = names(tracks)
        back = {track_id: self.called.get(name) for track_id, name in called.items()}
        found = []
        for claim in ground(parse(sentence), tracks, called):
            meant = meaning(claim.action, claim.subject)
            if meant is None or claim.subject is None:
                return []
            other = None if claim.object is None else back.get(claim.object)
            found.append((meant, back.get(claim.subject), other))
        return found

    def says(self, sentence: str) -> bool | None:
        """Whether one assertion is true."""
        read = self.read(sentence)
        if len(read) != 1:
            return None
        action, subject, other = read[0]
        if subject is None or (other is None and action.predicate in RELATIONS):
            return None
        return self.holds(action, subject, other)

    def holds(self, action: Action, subject: int, other: int | None = None) -> bool | None:
        """Whether an action is so: listed, or plainly not to be seen in paths and joints."""
        if subject == CAMERA:
            return self._camera(action)
        if action.predicate == "stay" and subject in self.tracks.ids.tolist():
            moved = self.way(subject, action.span)
            if action.span is not None and len(moved) > 1 and np.ptp(moved, 0).max() > 0.05:
                return False
        listed = [fact for fact in self.facts if self._listed(fact, action, subject, other)]
        if listed:
            short = action.span is not None and all(
                action.span.duration_s < 0.5 * f.span.duration_s for f in listed
            )
            # Within one of several turns, what is listed for all of them need not be so.
            repeats = all(
                f.count is not None or f.trajectory in ("back_and_forth", "circular", "zigzag")
                for f in listed
            )
            return None if short and repeats and not self._shown(action, subject) else True
        if action.predicate in self.silent:
            return None
        if action.predicate in RELATIONS:
            near = [
                f
                for f in self.facts
                if f.predicate == action.predicate and {f.subject, f.object} == {subject, other}
            ]
            return None if near else False  # fmt: skip
        return self._unlisted(action, subject)

    def _shown(self, action: Action, subject: int) -> bool:
        """Whether a limb plainly does in a time what is listed for a longer one."""
        return action.part is not None and not self._limb_rests(action, subject)

    def _listed(self, fact: MotionFact, action: Action, subject: int, other: int | None) -> bool:
        pair = fact.subject == subject and (other is None or fact.object == other)
        if other is not None and fact.predicate not in ("overtake", "follow") and not fact.direction:
            pair = {fact.subject, fact.object} == {subject, other}
        return (
            pair
            and fact.predicate == action.predicate
            and (action.part is None or _part_of(action.part, fact.part))
            and (action.span is None or overlap(action.span, fact.span) >= 0.5 or _instant(action.span, fact))
            and _way_fits(action, fact)
            and (action.trajectory is None or action.trajectory == fact.trajectory)
            and (action.count is None or action.count == (fact.count or 1))
        )

    def _unlisted(self, action: Action, subject: int) -> bool | None:
        """What is not listed: false where it is plainly not there, else not to be told."""
        predicate, span = action.predicate, action.span
        own = [f for f in self.facts if f.subject == subject]
        at = [f for f in own if span is None or overlap(f.span, span) > 0.1 or _instant(span, f)]
        if action.count is not None:
            same = [f for f in at if f.predicate == predicate and _part_of(action.part, f.part)]
            if same and all((f.count or 1) != action.count for f in same):
                return False
        if action.part is not None:
            return False if self._limb_rests(action, subject) else None
        if predicate == "move":
            return self._unlisted_way(action, subject, at)
        if predicate == "stay":
            moved = self.way(subject, span)
            return False if len(moved) > 1 and np.ptp(moved, 0).max() > 0.05 else None
        if predicate in ("enter", "leave", "pause", "jump", "turn", "lean"):
            return None if any(f.predicate == predicate for f in at) else False
        if predicate in ("stop", "start"):
            rests = [f for f in own if f.predicate in ("stay", "stop", "pause")]
            return None if rests or not own else False
        if predicate in ("accelerate", "decelerate"):
            return self._speeds(action, subject)
        return None

    def _unlisted_way(self, action: Action, subject: int, at: Sequence[MotionFact]) -> bool | None:
        depth = set(action.direction) & {"toward_camera", "away_from_camera"}
        if depth:
            return None if any(depth & set(f.direction) for f in at) else False
        moves = [f for f in at if f.predicate == "move"]
        if action.trajectory is not None:
            shaped = [f for f in moves if f.trajectory is not None]
            return False if shaped and all(f.trajectory != action.trajectory for f in shaped) else None
        if len(action.direction) == 1 and action.direction[0] in COMPASS:
            path = self.way(subject, action.span)
            if len(path) < 2:
                return None
            angle = np.radians(45.0 * COMPASS.index(action.direction[0]))
            along = path @ [np.cos(angle), np.sin(angle)]
            climb = float((along - np.minimum.accumulate(along)).max())
            net = path[-1] - path[0]
            off = abs((np.degrees(np.arctan2(net[1], net[0]) - angle) + 180) % 360 - 180)
            if action.span is not None and np.hypot(*net) > 0.05:
                if off <= 35 and climb > 0.05:
                    return True
                return False if off >= 60 and climb < 0.1 * max(np.hypot(*net), 0.2) + 0.02 else None
            return False if climb < 0.02 else None
        return None if moves else False

    def _speeds(self, action: Action, subject: int) -> bool | None:
        path = self.way(subject, action.span)
        if len(path) < 8:
            return None
        speed = np.hypot(*np.diff(path, axis=0).T)
        third = len(speed) // 3
        ratio = float(speed[-third:].mean() / max(speed[:third].mean(), 1e-9))
        if speed.max() < 1e-4:
            return False
        steady = speed.max() < 1.1 * max(speed.min(), 1e-9)
        against = ratio < 1.05 if action.predicate == "accelerate" else ratio > 0.95
        return False if steady or (against and action.span is not None) else None

    def _limb_rests(self, action: Action, subject: int) -> bool:
        """Whether a part plainly does not do what is said of it (of both sides: one of them does not)."""
        if self.poses is None or self.angles_deg is None or subject not in self.poses.ids.tolist():
            return False
        row = self.poses.ids.tolist().index(subject)
        side, _, name = (action.part or "").partition("_")
        name = name.rstrip("s")
        inside = self.during(action.span)
        sign = 1 if action.predicate in ("raise", "straighten") else -1
        still = []
        for one in ("left", "right") if side == "both" else (side,):
            if action.predicate in ("bend", "straighten"):
                if f"{one}_{name}" not in ANGLES:
                    return False
                signal, limit = self.angles_deg[row, :, list(ANGLES).index(f"{one}_{name}")], 15.0
            else:
                if name not in _ENDS:
                    return False
                ends = _ENDS[name]
                index = [SKELETONS[self.poses.skeleton].index(f"{one}_{end}") for end in ends]
                height = self.poses.world[row][:, index, 1]
                signal, limit = height[:, 1] - height[:, 0], 0.1  # metres
            values = sign * signal[inside]
            climb = float((values - np.minimum.accumulate(values)).max(initial=0.0)) if len(values) else 0.0
            still.append(climb < limit)
        return any(still)

    def _camera(self, action: Action) -> bool | None:
        labels, way = set(self.labels), action.direction[0] if action.direction else None
        said = {
            "stay": {"static"},
            "pan": {f"pan_{way}"} if way else {"pan_left", "pan_right"},
            "tilt": {f"tilt_{way}"} if way else {"tilt_up", "tilt_down"},
            "roll": {f"roll_{way}"} if way else {"roll_clockwise", "roll_counterclockwise"},
            "zoom": {f"zoom_{way}"} if way else {"zoom_in", "zoom_out"},
            "shake": {"handheld"},
            "move": {{"forward": "dolly_in", "backward": "dolly_out"}.get(way or "", "")},
        }.get(action.predicate)
        if said is None or "slight" in labels:
            return None
        if said & labels:
            return True
        loose = "handheld" in labels and action.predicate not in ("stay", "zoom")
        expands = any(label.startswith("dolly") for label in labels) and action.predicate == "zoom"
        return None if loose or (expands and f"dolly_{way}" in labels) else False

    @cached_property
    def people(self) -> list[int]:
        """Ids of people."""
        tracks = self.tracks
        return [i for i, label in zip(tracks.ids.tolist(), tracks.label, strict=True) if label == PERSON]


def _part_of(part: str | None, whole: str | None) -> bool:
    """Whether who does it with the one does it with the other: with both arms, so with the left."""
    if part is None or whole is None:
        return part == whole
    (one, _, a), (two, _, b) = part.partition("_"), whole.partition("_")
    return a.rstrip("s") == b.rstrip("s") and (one == two or two == "both")


def _instant(span: Span, fact: MotionFact) -> bool:
    """Whether an instant is at the beginning or the end of a fact, as starts and stops are said."""
    at = span.start_s
    end = fact.span.end_s if fact.predicate == "leave" else fact.span.start_s
    return span.end_s - at < 0.15 and abs(end - at) <= 0.7


def _way_fits(action: Action, fact: MotionFact) -> bool:
    if not action.direction:
        return True
    one_each = len(action.direction) == len(fact.direction) == 1
    if (
        one_each
        and action.direction[0] in COMPASS
        and fact.direction[0] in COMPASS
        and action.predicate == "move"
    ):
        off = (45.0 * COMPASS.index(action.direction[0]) - heading_of(fact) + 180) % 360 - 180
        return bool(abs(off) <= 45.0)
    return set(action.direction) == set(fact.direction)


# --- questions read back --------------------------------------------------------------------------------------


class Read(NamedTuple):
    """A question taken apart."""

    question: Question
    oracle: Oracle

    @property
    def text(self) -> str:
        """Without the question mark."""
        return self.question.text.removesuffix("?")

    @property
    def when(self) -> str:
        """The time as the question gives it; empty where it gives none."""
        found = _SPAN.search(self.text) or _AT.search(self.text)
        return found[0] if found else ""

    @property
    def span(self) -> Span | None:
        """The time in seconds."""
        between, at = _SPAN.search(self.text), _AT.search(self.text)
        if between:
            return Span(float(between[1]), float(between[2]))
        return Span(float(at[1]), float(at[1])) if at else None

    def of(self, pattern: str) -> list[str]:
        """The groups of a pattern in the text without the time."""
        found = re.search(pattern, self.text.replace(self.when, "") if self.when else self.text)
        return [group.strip() for group in found.groups()] if found else [""] * 4

    def who(self, name: str) -> int | None:
        """Whom a name means in truth."""
        return self.oracle.called.get(name[0].lower() + name[1:] if name else name)


Judge = Callable[[Read, str], bool | None]


def _statement(pattern: str, form: str = "{name} {option}") -> Judge:
    def judge(read: Read, option: str) -> bool | None:
        (name, *rest) = read.of(pattern)
        said = form.format(name=name, option=option, rest=rest[0] if rest else "")
        return read.oracle.says(f"{said}{read.when}.")

    return judge


def _life(pattern: str) -> Judge:
    """A statement without the question's time."""
    return lambda read, option: read.oracle.says(f"{read.of(pattern)[0]} {option}.")


def _order(read: Read, option: str) -> bool | None:
    told = [read.oracle.read(f"{part}.") for part in option.split(", then ")]
    if len(told) != 2 or any(len(one) != 1 or one[0][1] is None for one in told):
        return None
    happen = []
    for ((action, subject, other),) in told:
        assert subject is not None
        facts = [f for f in read.oracle.facts if read.oracle._listed(f, action, subject, other)]
        if not facts:
            return False if read.oracle.holds(action, subject, other) is False else None
        happen.append(facts)
    ordered = [(a, b) for a in happen[0] for b in happen[1] if a is not b]
    if any(a.span.end_s <= b.span.start_s + ORDER_S and a.span.start_s < b.span.start_s for a, b in ordered):
        return True
    return False if all(a.span.start_s >= b.span.start_s for a, b in ordered) else None


def _actor(read: Read, option: str) -> bool | None:
    (said,) = read.of(r"Who or what (.*)")[:1]
    if option == "none of them":
        listed = [o for o in read.question.options if o.lower() != "none of them"]
        judged = [read.oracle.says(f"{_lower(o)} {said}{read.when}.") for o in listed]
        return True if all(j is False for j in judged) else False if True in judged else None
    return read.oracle.says(f"{option} {said}{read.when}.")


def _two(read: Read, option: str) -> bool | None:
    a, b, said = read.of(r"Which of the two, (.*?) or (.*?), (.*)")[:3]
    return _either(read, option, a, b, [read.oracle.says(f"{n} {said}{read.when}.") for n in (a, b)])


def _either(read: Read, option: str, a: str, b: str, judged: Sequence[bool | None]) -> bool | None:
    wanted = {
        f"only {a}": (True, False), f"only {b}": (False, True), f"both {a} and {b}": (True, True),
        f"neither {a} nor {b}": (False, False),
        f"no, only {a} does": (True, False), f"no, only {b} does": (False, True),
        "yes, both of them do": (True, True), "no, neither of them does": (False, False),
    }.get(option)  # fmt: skip
    if wanted is None:
        return None
    if any(j is not None and j is not w for j, w in zip(judged, wanted, strict=True)):
        return False
    return True if None not in judged else None


def _same(read: Read, option: str) -> bool | None:
    people = {name: i for name, i in read.oracle.called.items() if i in read.oracle.people}
    (said,) = read.of(r"so that each of them (.*)")[:1]
    if len(people) != 2:
        return None
    a, b = sorted(people)
    return _either(read, option, a, b, [read.oracle.says(f"{n} {said}{read.when}.") for n in (a, b)])


def _quarter(read: Read, option: str) -> bool | None:
    subject = read.who(read.of(r"quarter of the picture is (.*)")[0])
    if subject is None:
        return None
    path = read.oracle.path(subject)[read.oracle.during(read.span)]
    path = path[np.isfinite(path[:, 0])] / [read.oracle.clip.width, read.oracle.clip.height] - 0.5
    signs = [1 if "right" in option else -1, 1 if "lower" in option else -1]
    inside = (path * signs > 0.01).all(1)
    return True if inside.all() else False if not (path * signs > 0.02).all(1).any() else None


def _counted(pattern: str) -> Judge:
    def judge(read: Read, option: str) -> bool | None:
        name, said = read.of(pattern)[:2]
        return read.oracle.says(f"{name} {said} {option}{read.when}.")

    return judge


def _percent(option: str) -> float:
    found = re.search(r"(\d+) %", option)
    return float(found[1]) / 100 if found else float("nan")


def _near(value: float, said: float, true: float = 1.22, false: float = 1.28) -> bool | None:
    if not (value > 0 and said > 0):
        return None
    off = max(value / said, said / value)
    return True if off <= true else False if off >= false else None


def _distance(read: Read, option: str) -> bool | None:
    subject = read.who(read.of(r"How far does (.*) move")[0])
    if subject is None:
        return None
    way = read.oracle.way(subject, read.span)
    return _near(float(np.hypot(*(way[-1] - way[0]))), _percent(option)) if len(way) > 1 else None


def _speed_change(read: Read, option: str) -> bool | None:
    (name,) = read.of(r"speed of (.*) change")[:1]
    words = {
        "it speeds up": "speeds up",
        "it slows down": "slows down",
        "it stays in place": "stays in place",
    }
    if option in words:
        return read.oracle.says(f"{name} {words[option]}{read.when}.")
    changes = [read.oracle.says(f"{name} {w}{read.when}.") for w in ("speeds up", "slows down")]
    return False if True in changes else True if all(c is False for c in changes) else None


def _paces(read: Read, ids: Iterable[int]) -> list[float]:
    found = []
    for subject in ids:
        way = read.oracle.way(subject, read.span)
        times = read.oracle.clip.times_s[read.oracle.during(read.span)]
        length = float(np.hypot(*np.diff(way, axis=0).T).sum()) if len(way) > 1 else 0.0
        found.append(length / max(float(times[-1] - times[0]), 1e-6) if len(times) > 1 else 0.0)
    return found


def _faster(read: Read, option: str) -> bool | None:
    a, b = read.of(r", (.*) or (.*)$")[:2]
    ids = [i for i in (read.who(a), read.who(b)) if i is not None]
    if len(ids) < 2:
        return None
    one, two = _paces(read, ids)
    ratio = max(one, two) / max(min(one, two), 1e-9)
    if option == "neither of them moves":
        return max(one, two) < 0.005
    if option.startswith("both"):
        return False if max(one, two) < 0.005 else _sure(ratio < 1.2, ratio > 1.25)
    larger = one > two if option == a else two > one
    return _sure(larger and ratio > 1.2, not larger or ratio < 1.15)


def _sure(true: bool, false: bool) -> bool | None:
    return True if true else False if false else None


_GAPS = (
    ("first grows", "rise_fall"), ("first shrinks", "fall_rise"), ("and move apart", "fall_rise"), ("closer", "fall"),
    ("shrinks", "fall"), ("apart", "rise"), ("grows", "rise"), ("hardly", "flat"), ("keep", "flat"),
)  # fmt: skip


def _gap(read: Read, option: str) -> bool | None:
    a, b = (
        read.of(r"distance between (.*) and (.*) change")
        if "distance" in read.text
        else read.of(r"Do (.*) and (.*) come")
    )[:2]
    ids = [i for i in (read.who(a), read.who(b)) if i is not None]
    if len(ids) < 2:
        return None
    inside = read.oracle.during(read.span)
    apart = (
        np.hypot(*(read.oracle.path(ids[0]) - read.oracle.path(ids[1]))[inside].T) / read.oracle.clip.width
    )
    apart = apart[np.isfinite(apart)]
    if len(apart) < 3:
        return None
    net, first, last, low, high = apart[-1] - apart[0], apart[0], apart[-1], apart.min(), apart.max()
    turns = high - low - abs(net)  # beyond where it begins and ends
    effect = {
        "fall": -net - turns, "rise": net - turns, "flat": 0.09 - (high - low),
        "rise_fall": min(high - first, high - last), "fall_rise": min(first - low, last - low),
    }[next(kind for word, kind in _GAPS if word in option)]  # fmt: skip
    return True if effect > 0.05 else False if effect < 0.045 else None


def _side(read: Read, option: str) -> bool | None:
    a, b = read.of(r"Where is (.*) relative to (.*), as seen")[:2]
    ids = [i for i in (read.who(a), read.who(b)) if i is not None]
    inside = read.oracle.during(read.span)
    if len(ids) < 2 or not inside.any():
        return None
    x, y = np.nanmean((read.oracle.path(ids[0]) - read.oracle.path(ids[1]))[inside], 0)
    side = (
        "left"
        if option.startswith("to the left")
        else option.split()[2 if option.startswith("to the") else 0]
    )
    along, across = {"left": (-x, y), "right": (x, y), "above": (-y, x), "below": (y, x)}[side]
    return _sure(along > 1.5 * abs(across), along < 0.8 * abs(across))


def _apart(read: Read, option: str) -> bool | None:
    a, b = read.of(r"middles of (.*) and (.*)")[:2]
    ids = [i for i in (read.who(a), read.who(b)) if i is not None]
    inside = read.oracle.during(read.span)
    if len(ids) < 2 or not inside.any():
        return None
    x, y = np.nanmean((read.oracle.path(ids[0]) - read.oracle.path(ids[1]))[inside], 0)
    return _near(float(np.hypot(x, y)) / read.oracle.clip.width, _percent(option))


def _nearest(read: Read, option: str) -> bool | None:
    subject = read.who(read.of(r"nearest to (.*)")[0])
    others = {_lower(o): read.who(o) for o in read.question.options}
    inside = read.oracle.during(read.span)
    if subject is None or None in others.values() or not inside.any():
        return None
    far = {
        name: float(
            np.hypot(*np.nanmean(read.oracle.path(i) - read.oracle.path(subject), 0, where=inside[:, None]))
        )
        for name, i in others.items()
        if i is not None
    }
    return far[option] <= min(far.values()) + 1e-9


def _people(read: Read, option: str) -> bool | None:
    return int(option) == len(read.oracle.people)


def _moving(read: Read, option: str) -> bool | None:
    moving = {f.subject for f in read.oracle.facts if f.predicate not in ("stay", "stop", "pause")}
    return int(option) == len(moving & set(read.oracle.people))


def _together(read: Read, option: str) -> bool | None:
    found = re.search(r"^Who (.*) first, (.*) or (.*)$", read.text)
    if found is None:
        return None
    said, names_ = found[1], (found[2], found[3])
    begins = []
    for name in names_:
        told = read.oracle.read(f"{name} {said}.")
        if len(told) != 1 or told[0][1] is None:
            return None
        action, subject, _ = told[0]
        facts = [f for f in read.oracle.facts if read.oracle._listed(f, action, int(subject or 0), None)]
        if not facts:
            return None
        begins.append(min(f.span.start_s for f in facts))
    later = begins[1] - begins[0]
    if option == "both at the same time":
        return _sure(abs(later) < 0.45, abs(later) > 0.5)
    if option == "only one of them":
        return False
    first = option.startswith(names_[0])
    return _sure((later if first else -later) > 0.5, (later if first else -later) < 0.45)


def _seconds(option: str) -> float:
    found = re.search(r"(\d+\.\d) s", option)
    return float(found[1]) if found else float("nan")


def _duration(read: Read, option: str) -> bool | None:
    found = re.search(r"that (.*), from about (\d+\.\d) s on", read.text)
    told = read.oracle.read(f"{found[1]}.") if found else []
    if found is None or len(told) != 1 or told[0][1] is None:
        return None
    action, subject, _ = told[0]
    facts = [f for f in read.oracle.facts if read.oracle._listed(f, action, int(subject or 0), None)]
    facts = [f for f in facts if abs(f.span.start_s - float(found[2])) < 0.6]
    if len(facts) != 1:
        return None
    lasts = min(facts[0].span.end_s, float(read.oracle.clip.times_s[-1])) - facts[0].span.start_s
    off = abs(lasts - _seconds(option))
    return _sure(off <= 0.2 * lasts + 0.2, off >= 0.3 * lasts + 0.2)


def _speed(read: Read, option: str) -> bool | None:
    subject = read.who(read.of(r"How fast does (.*) go")[0])
    if subject is None:
        return None
    (pace,) = _paces(read, [subject])
    paces = {
        "fast": (1 / 3, 99.0),
        "medium": (1 / 12, 1 / 3),
        "slowly": (0.003, 1 / 12),
        "not at all": (-1.0, 0.003),
    }
    low, high = paces[option.partition(":")[0]]
    return _sure(low * 1.03 <= pace <= high / 1.03, pace < low / 1.03 or pace > high * 1.03)


def _rests(read: Read, option: str) -> bool | None:
    subject = read.who(read.of(r"How many times does (.*) come to rest")[0])
    if subject is None:
        return None
    pauses = sum(f.subject == subject and f.predicate == "pause" for f in read.oracle.facts)
    return {"not once": 0, "just once": 1, "2 times": 2, "3 times": 3}[option] == pauses


def _rhythm(read: Read, option: str) -> bool | None:
    name, said = read.of(r"does (.*) repeat this: \1 (.*)")[:2]
    told = read.oracle.read(f"{name} {said}{read.when}.")
    if len(told) != 1 or told[0][1] is None:
        return None
    action, subject, _ = told[0]
    facts = [
        f for f in read.oracle.facts if read.oracle._listed(f, action, int(subject or 0), None) and f.count
    ]
    if len(facts) != 1:
        return None
    turns = (facts[0].count or 1) - (0.5 if facts[0].part else 0.0)
    if facts[0].predicate in ("jump",):
        return None
    return _near(facts[0].span.duration_s / turns, _seconds(option), 1.25, 1.35)


def _posture(read: Read, option: str) -> bool | None:
    name = read.of(r"upper body of (.*) do in")[0]
    subject = read.who(name)
    tips = [
        f
        for f in read.oracle.facts
        if f.subject == subject and (f.predicate == "lean" or f.part == "both_hips")
    ]
    if option == "stays upright":
        return not tips
    if any(f.part == "both_hips" for f in tips):
        return None
    return read.oracle.says(f"{name} {option}.")


def _description(read: Read, option: str) -> bool | None:
    name = read.of(r"description of what (.*) does in the video")[0]
    judged = [read.oracle.says(f"{name} {part}.") for part in _halves(option)]
    return False if False in judged else None if None in judged or not judged else True


def _halves(option: str) -> list[str]:
    """The two statements of an option; where a way has an "and" of its own, the split that both sides can bear."""
    parts = option.split(" and ")
    if len(parts) == 2:
        return parts
    verbs = re.compile(r"^[a-z]+s\b")
    for i in range(1, len(parts)):
        if verbs.match(parts[i]) and parts[i].split()[0] not in ("downs", "backwards"):
            return [" and ".join(parts[:i]), " and ".join(parts[i:])]
    return []


def _synchrony(read: Read, option: str) -> bool | None:
    part, name, verb = read.of(r"Which (\w+) does (.*) (\w+)$")[:3]
    judged = [read.oracle.says(f"{name} {verb}s the {side} {part}{read.when}.") for side in ("left", "right")]
    wanted = {"both": (True, True), "only the left": (True, False), "only the right": (False, True)}
    for word, pair in wanted.items():
        if option.startswith(word):
            if any(j is not None and j is not w for j, w in zip(judged, pair, strict=True)):
                return False
            return True if None not in judged else None
    # One after the other: in the worlds both move at once, or one does.
    return False if None not in judged else None


def _initiating(read: Read, option: str) -> bool | None:
    subject = read.who(read.of(r"body does (.*) move first")[0])
    own = sorted(
        (f for f in read.oracle.facts if f.subject == subject and f.part), key=lambda f: f.span.start_s
    )
    if not own:
        return None
    part = option.removeprefix("the ").replace(" ", "_")
    if part == own[0].part:
        return True
    return False if not _part_of(part, own[0].part) and not _part_of(own[0].part, part) else None


def _camera_rest(read: Read, option: str) -> bool | None:
    labels = set(read.oracle.labels)
    if "unknown" in labels:
        return None
    still = bool(labels & {"static", "slight"})
    return {"still all the while": still, "moving all the time": not still}.get(option, False)


def _zoom(read: Read, option: str) -> bool | None:
    labels = set(read.oracle.labels)
    if any(label.startswith("dolly") for label in labels):
        return None
    said = {"inward": "zoom_in", "outward": "zoom_out"}.get(option)
    if said:
        return said in labels
    return not labels & {"zoom_in", "zoom_out"} if option == "neither" else False


def _course(read: Read, option: str) -> bool | None:
    judged = [read.oracle.says(f"the camera {p.removeprefix('it ')}.") for p in option.split(", then ")]
    return False if False in judged else None


_ABOUT = (
    r"about that (.*?) "
    r"(passes|overtakes|follows|touches|approaches|crosses the path of|moves away from)$"
)
_DO = r"What does (.*) do"
JUDGES: Mapping[str, Judge] = {
    "fm.recognition": _statement(_DO), "kpm.type": _statement(r"Which of these does (.*) do"),
    "kpm.legs": _statement(r"What does (.*) do with the legs"),
    "kpm.hands": _statement(r"What does (.*) do with the arms"),
    "kpm.subtle": _statement(r"Which small movement does (.*) make"), "ma.what": _statement(_DO),
    "kpm.interaction_kind": _statement(r"What does (.*) do with regard"),
    "kpm.camera_movement": lambda r, o: r.oracle.says(f"the camera {o}{r.when}."),
    "ma.next": _life(r"What does (.*) do after this"),
    "fm.direction": _statement(r"In which direction does (.*) move", "{name} moves {option}"),
    "ma.direction": _statement(r"In which direction does (.*) move", "{name} moves {option}"),
    "fm.trajectory": _statement(r"What path does (.*) follow", "{name} moves {option}"),
    "ma.path": _statement(r"What is the path of (.*) like", "{name} moves {option}"),
    "ma.part": _statement(r"that (.*) (\w+)$", "{name} {rest} {option}"),
    "ma.reference": _statement(_ABOUT, "{name} {rest} {option}"),
    "fm.order": _order, "kpm.order": _order, "fm.actor": _actor, "fm.which_of_two": _two, "fm.quarter": _quarter,
    "fm.count": _counted(r"happen: (.*?) ((?:moves|raises|lowers|bends|straightens|turns|jumps|pass).*)"),
    "kpm.count": _counted(r"does (.*) repeat this: \1 (.*)"), "ma.count": _counted(r"does (.*) do this: \1 (.*)"),
    "fm.distance": _distance, "fm.speed_change": _speed_change, "fm.faster": _faster, "fm.gap": _gap,
    "fm.side_first": _side, "fm.side_last": _side, "fm.apart": _apart, "fm.nearest": _nearest,
    "kpm.interaction": _gap, "kpm.people_count": _people, "kpm.people_moving": _moving, "kpm.same_movement": _same,
    "kpm.together": _together, "kpm.duration": _duration, "kpm.speed": _speed, "kpm.continuity": _rests,
    "kpm.rhythm": _rhythm, "kpm.posture": _posture, "kpm.description": _description, "kpm.synchrony": _synchrony,
    "kpm.initiating": _initiating, "kpm.camera_static": _camera_rest, "kpm.camera_zoom": _zoom,
    "kpm.camera_course": _course,
    "kpm.touches_thing": _statement(r"What does (.*) touch", "{name} touches {option}"),
    "kpm.touches_person": _statement(r"Whom does (.*) touch", "{name} touches {option}"),
}  # fmt: skip
"""How the options of each form of question are read."""


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def verdicts(question: Question, oracle: Oracle) -> list[bool | None]:
    """Return, by option, whether it is the right answer in truth; None where the world does not tell."""
    judge, read = JUDGES.get(question.template), Read(question, oracle)
    if judge is None:
        return [None] * len(question.options)
    roles = question.roles or ("content",) * len(question.options)
    found = [
        judge(read, _lower(option)) if role == "content" else False
        for option, role in zip(question.options, roles, strict=True)
    ]
    if "differs" in roles:
        contents = [f for f, role in zip(found, roles, strict=True) if role == "content"]
        found[roles.index("differs")] = (
            False if True in contents else True if all(c is False for c in contents) else None
        )
    return found


# --- measuring ------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """One question of a world, and what is true."""

    world: str
    seen: str
    """``EXACT`` or ``PIXELS``."""
    question: Question
    truth: tuple[bool | None, ...]
    about_nothing: bool
    """Whether it is about a track that stands for nothing in the world."""


def oracle_of(known: Truth | Skeletons, silent: tuple[str, ...], tracks: Tracks | None = None) -> Oracle:
    """Return what is so in a world, for questions about its true tracks, or about measured ones."""
    named = tracks or known.tracks
    stands = subjects(known.tracks, named)
    called = {name: stands[i] for i, name in names(named).items() if i in stands}
    return Oracle(
        known.clip, known.tracks, known.facts, silent, known.camera.labels, bool(known.camera.cuts_s),
        known.camera.to_scene,
        known.poses if isinstance(known, Skeletons) else None,
        known.angles_deg if isinstance(known, Skeletons) else None,
        called, named,
    )  # fmt: skip


def asked_of(job: tuple[str, int, str]) -> list[Asked]:
    """Return the questions of a world (its scenario, its seed, ``EXACT`` or ``PIXELS``) with what is true."""
    cv2.setNumThreads(1)
    name, seed, seen = job
    if name in BODY_SCENARIOS or name in (COUPLES, SEQUENCES):
        make = {COUPLES: couple, SEQUENCES: sequence}.get(name) or BODY_SCENARIOS[name]
        body = make(seed)
        have: dict[type, Any] = {
            Clip: body.clip, CameraMotion: exact_camera(body), Tracks: body.tracks, Poses: body.poses,
        }  # fmt: skip
        return _asked(name, seen, have, oracle_of(body, body.silent))
    world = world_of(name, seed, "plain")
    if seen == EXACT:
        known = truth(world)
        have = {Clip: known.clip, CameraMotion: exact_camera(known), **exact_tracks(known)}
        return _asked(name, seen, have, oracle_of(known, world.silent))
    rendered = render(world)
    stages = {stage: kind() for stage, kind in pipeline.STAGES.items() if stage not in UNNEEDED}
    have = pipeline.annotate(rendered.clip, rendered.frames, stages)
    return _asked(name, seen, have, oracle_of(rendered, world.silent, have[Tracks]))


def _asked(name: str, seen: str, have: dict[type, Any], oracle: Oracle) -> list[Asked]:
    have.setdefault(Depth, NO_DEPTH)
    for stage_name in ("kinematics", "events", "facts"):
        stage = pipeline.STAGES[stage_name]()
        if pipeline.writes(stage) not in have:
            given = {k: have[kind] for k, kind in pipeline.reads(stage).items() if kind in have}
            have[pipeline.writes(stage)] = stage(**given)
    stage = AskQuestions(families=FAMILIES, **MOST)  # type: ignore[arg-type]
    given = {k: have[kind] for k, kind in pipeline.reads(stage).items() if kind in have}
    questions: Questions = stage(**given)
    ghosts = {i for i, n in names(have[Tracks]).items() if n not in oracle.called}
    return [
        Asked(name, seen, q, tuple(verdicts(q, oracle)), q.subject is not None and q.subject in ghosts)
        for q in questions.questions
    ]


class Score(NamedTuple):
    """Of one form of question: counts."""

    asked: int
    right: int
    """Answers that are true ..."""
    answers: int
    """... of those that the world can tell."""
    false: int
    """Distractors that are false ..."""
    distractors: int
    """... of those that the world can tell."""
    longest: float
    """Questions whose answer is the longest option; several that are equally long share it."""
    shortest: float
    first: int
    """Questions whose answer stands first."""


def score(asked: Sequence[Asked]) -> Score:
    """Count over some questions."""
    answers = [a.truth[a.question.answer_index] for a in asked]
    wrong = [
        t for a in asked for i, t in enumerate(a.truth)
        if i != a.question.answer_index and (not a.question.roles or a.question.roles[i] == "content")
    ]  # fmt: skip
    return Score(
        len(asked), answers.count(True), len(answers) - answers.count(None),
        wrong.count(False), len(wrong) - wrong.count(None),
        sum(_share_of_extreme(a.question, 1) for a in asked), sum(_share_of_extreme(a.question, -1) for a in asked),
        sum(a.question.answer_index == 0 for a in asked),
    )  # fmt: skip


def _share_of_extreme(question: Question, sign: int) -> float:
    lengths = [sign * len(option) for option in question.options]
    most = [i for i, length in enumerate(lengths) if length == max(lengths)]
    return 1 / len(most) if question.answer_index in most else 0.0


_NUMBER = re.compile(
    r"(\d+(?:\.\d+)?)|\b(none|once|twice|one|two|three|four|five|six|seven|eight|nine)\b", re.IGNORECASE
)


def rank(question: Question) -> int | None:
    """Return the place of the answer among the options sorted by their number; None where they are no numbers."""
    values = []
    for option in question.options:
        found = _NUMBER.match(option.removeprefix("About ").removeprefix("every "))
        if found is None:
            return None
        word = found[0].lower()
        values.append(float(word) if found[1] else float({**_NUMBERS, **_TIMES}[word]))
    return sorted(values).index(values[question.answer_index])


def wrong_ones(asked: Iterable[Asked]) -> Iterator[str]:
    """Yield every option that is keyed wrongly, in words, for whoever tunes."""
    for one in asked:
        q = one.question
        for i, held in enumerate(one.truth):
            if held is not None and held is not (i == q.answer_index):
                yield f"{one.world} {one.seen} {q.template}: {q.text} [{q.options[i]}] is {held}; {q.provenance}"


COLUMNS = (
    "questions", "seen", "asked", "answers true", "not to tell", "distractors false", "not to tell", "longest",
    "shortest",
)  # fmt: skip


def table(asked: Sequence[Asked], title: str) -> str:
    """Return the measured tables, as Markdown."""
    lines = [
        f"### {title}",
        "",
        "Answers true and distractors false by the worlds' truth, of those that it can tell; per cent of questions "
        "whose answer is the longest or shortest option (25 by chance).",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|" + " --- |" * len(COLUMNS),
    ]
    families = {"fm": "FoundationMotion", "kpm": "KPM-QA", "ma": "MotionAtlas"}
    for seen in (EXACT, PIXELS):
        for short, family in {**families, "": "all"}.items():
            own = [a for a in asked if a.seen == seen and a.question.template.startswith(short)]
            if own:
                lines.append(_row(family, seen, own))
    lines += ["", "By form of question, exact tracks:", "", *lines[4:6]]
    for template in sorted({a.question.template for a in asked}):
        own = [a for a in asked if a.question.template == template and a.seen == EXACT]
        if own:
            lines.append(_row(template, EXACT, own))
    places = Counter(a.question.answer_index for a in asked)
    ranks = Counter(r for a in asked if not a.question.roles and (r := rank(a.question)) is not None)
    lines += ["", f"Where the answer stands (A to D, per cent of {sum(places.values())}): {_shares(places)}."]
    total = sum(ranks.values())
    lines += ["", f"Its place among sorted numbers, smallest first (per cent of {total}): {_shares(ranks)}."]
    nothing = sum(a.about_nothing for a in asked)
    lines += ["", f"Questions about a track that stands for nothing: {nothing} of {len(asked)}."]
    return "\n".join(lines)


def _row(name: str, seen: str, own: Sequence[Asked]) -> str:
    s = score(own)
    cells = [
        name, seen, s.asked, _percents(s.right, s.answers), s.asked - s.answers, _percents(s.false, s.distractors),
        3 * s.asked - s.distractors, f"{100 * s.longest / s.asked:.0f}", f"{100 * s.shortest / s.asked:.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _percents(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "-"


def _shares(counted: Counter[int]) -> str:
    total = max(1, sum(counted.values()))
    return ", ".join(f"{100 * counted[i] / total:.0f}" for i in range(4))


__all__ = [
    "EXACT",
    "OUTS",
    "PIXELS",
    "Asked",
    "Oracle",
    "asked_of",
    "oracle_of",
    "rank",
    "score",
    "table",
    "verdicts",
    "wrong_ones",
]
