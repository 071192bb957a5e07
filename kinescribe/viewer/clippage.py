"""What the report says about one clip, as plain values for the template: no markup, no style.

Verdicts are ``true``, ``false``, ``unknown`` or ``unchecked`` (no verify stage has looked).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.draw import palette_index
from kinescribe.exporters import Failure, is_pending
from kinescribe.geometry import box_center, stretches
from kinescribe.language import referring
from kinescribe.records import (
    CAMERA,
    CameraMotion,
    Caption,
    Captions,
    Claim,
    Clip,
    Events,
    Facts,
    Kinematics,
    MotionFact,
    Questions,
    Span,
    Tracks,
    Verdicts,
)
from kinescribe.viewer import charts
from kinescribe.vocabulary import ANGLES, DIRECTION_PHRASES, PARTS, TRAJECTORY_PHRASES, VERB_BY_LEMMA

MAX_LINES = 7
"""Subjects in a plot: as many as there are colours; more could not be told apart."""
MAX_LANES = 12
"""Lanes of the timeline that are open; the others fold away."""
MAX_JOINT_PLOTS = 3
MAX_JOINTS = 3
"""Joint angles per person: as many as there are dash patterns."""

Records = Mapping[type, Any]


class Subject(NamedTuple):
    """Who a fact, a line or a lane is about."""

    id: int
    label: str
    called: str
    """The label with the number that captions tell it from others by; empty where there is none."""
    color: int | None
    """Place in ``draw.PALETTE``; None for the camera."""


class Happening(NamedTuple):
    """A bar in a lane."""

    words: str
    detail: str
    span: Span
    place: charts.Placed


class Presence(NamedTuple):
    """A stretch in which a subject is seen, or its box was filled in."""

    place: charts.Placed
    filled: bool


class Lane(NamedTuple):
    """A row of the timeline."""

    subject: Subject
    bars: list[Happening]
    seen: list[Presence]
    rows: int


class Statement(NamedTuple):
    """A fact in words."""

    id: str
    subject: Subject
    words: str
    span: Span
    amount: str
    frame: str
    confidence: float
    evidence: Mapping[str, float]


class Judged(NamedTuple):
    """A claim with its verdict."""

    words: str
    verdict: str
    why: str
    span: Span | None
    """Where to look: the time the words give, else that of the fact they match."""


class Segment(NamedTuple):
    """A part of a caption under which the same claims stand."""

    text: str
    claims: list[Judged]
    verdict: str
    """The worst of the claims'; empty where nothing is claimed."""

    @property
    def span(self) -> Span | None:
        """Where to look."""
        return next((claim.span for claim in self.claims if claim.span), None)


class Told(NamedTuple):
    """A caption with its verdicts."""

    scope: str
    subject: Subject | None
    source: str
    segments: list[Segment]
    claims: list[Judged]
    tally: Counter[str]
    edits: tuple[str, ...]
    """What was done to the text before it was kept."""


class Asked(NamedTuple):
    """A question."""

    category: str
    text: str
    options: tuple[str, ...]
    answer: int
    provenance: str
    span: Span | None


@dataclass(frozen=True)
class ClipPage:
    """Everything the template shows of a clip; the video is added by the report."""

    clip: Clip
    pending: bool
    failures: Sequence[Failure]
    camera: CameraMotion | None
    length_s: float
    """Length of the time axis."""
    subjects: list[Subject]
    lanes: list[Lane]
    ticks: list[charts.Tick]
    plots: list[charts.Plot]
    hidden_lines: int
    """Subjects that are in the table and the timeline but not in the plots."""
    facts: list[Statement]
    captions: list[Told]
    questions: list[Asked]
    tally: Counter[str]

    @property
    def num_open(self) -> int:
        """Lanes that are not folded away: the camera's and ``MAX_LANES``."""
        return MAX_LANES + sum(lane.subject.id == CAMERA for lane in self.lanes)


def clip_page(clip: Clip, records: Records, failures: Sequence[Failure]) -> ClipPage:
    """Gather what is known of a clip."""
    tracks: Tracks | None = records.get(Tracks)
    who = subjects(tracks)
    length_s = axis_length(clip)
    busiest = ranked(tracks, records.get(Kinematics))
    facts = records.get(Facts, Facts(())).facts
    captions = told(records, who, facts)
    return ClipPage(
        clip=clip,
        pending=is_pending(records),
        failures=failures,
        camera=records.get(CameraMotion),
        length_s=length_s,
        subjects=[who[i] for i in busiest],
        lanes=lanes(clip, records, who, busiest, length_s),
        ticks=charts.time_ticks(length_s),
        plots=plots(clip, records, who, busiest[:MAX_LINES], length_s),
        hidden_lines=max(0, len(busiest) - MAX_LINES),
        facts=[state(fact, who) for fact in facts],
        captions=captions,
        questions=asked(records, facts),
        tally=sum((caption.tally for caption in captions), Counter()),
    )


def axis_length(clip: Clip) -> float:
    """Return the length of a clip's time axis in seconds: above 0 also for a single picture."""
    last = float(clip.times_s[-1]) if len(clip.times_s) else 0.0
    return max(clip.duration_s, last) or 1.0


# --- subjects -----------------------------------------------------------------------------------------------


def subjects(tracks: Tracks | None) -> dict[int, Subject]:
    """Return every subject by id, the camera included."""
    found = {CAMERA: Subject(CAMERA, "camera", "", None)}
    if tracks is None:
        return found
    called = referring.names(tracks)
    for track_id, label in zip(tracks.ids.tolist(), tracks.label, strict=True):
        name = called[track_id].removeprefix("the ")
        numbered = name if name != label and name.startswith(label) else ""
        found[track_id] = Subject(track_id, label, numbered, palette_index(track_id))
    return found


def lookup(who: Mapping[int, Subject], track_id: int | None) -> Subject | None:
    """Return a subject, also one that no track has."""
    if track_id is None:
        return None
    return who.get(track_id, Subject(track_id, "unknown subject", "", palette_index(abs(track_id))))


def ranked(tracks: Tracks | None, kinematics: Kinematics | None) -> list[int]:
    """Return the ids of all tracks, those with the longest way first."""
    if tracks is None:
        return []
    ways = []
    for row, path in enumerate(paths(tracks, kinematics)):
        steps = np.hypot(*np.diff(path[np.isfinite(path).all(axis=1)], axis=0).T)
        ways.append((-float(np.sum(steps)), int(tracks.ids[row])))
    return [track_id for _, track_id in sorted(ways)]


def paths(tracks: Tracks, kinematics: Kinematics | None) -> list[Float[np.ndarray, "T 2"]]:
    """Return each track's path in pixels: as measured, else the middle of its box as filmed."""
    measured = {} if kinematics is None else {int(i): row for row, i in enumerate(kinematics.tracks.ids)}
    return [
        kinematics.tracks.path_px(measured[track_id])
        if kinematics is not None and track_id in measured
        else box_center(tracks.xyxy[row])
        for row, track_id in enumerate(tracks.ids.tolist())
    ]


# --- timeline -----------------------------------------------------------------------------------------------


def lanes(
    clip: Clip, records: Records, who: Mapping[int, Subject], busiest: Sequence[int], length_s: float
) -> list[Lane]:
    """Return the camera's lane, then those of the busiest subjects by id, then the others."""
    tracks: Tracks | None = records.get(Tracks)
    facts = records.get(Facts, Facts(())).facts
    camera = [(f.span, _short(f), words(f, who)) for f in facts if f.subject == CAMERA]
    result = [_lane(who[CAMERA], camera, [], length_s)] if camera else []
    happened: dict[int, list[tuple[Span, str, str]]] = {track_id: [] for track_id in busiest}
    for event in records.get(Events, Events(())).events:
        if event.kind == "visible" or event.subject not in happened:  # the strip below the bars shows it
            continue
        part = f" {_part(event.part)}" if event.part else ""
        other = lookup(who, event.other)
        detail = ", ".join(f"{key} {value:.3g}" for key, value in event.values.items())
        short = event.kind + part + (f" → {other.label} #{other.id}" if other else "")
        happened[event.subject].append((event.span, short, f"{short}: {detail}" if detail else short))
    for track_id in [*sorted(busiest[:MAX_LANES]), *busiest[MAX_LANES:]]:
        seen = [] if tracks is None else presence(clip, tracks, tracks.row(track_id), length_s)
        result.append(_lane(who[track_id], happened[track_id], seen, length_s))
    return result


def presence(clip: Clip, tracks: Tracks, row: int, length_s: float) -> list[Presence]:
    """Return when a subject is seen, and when its box was filled in."""
    times = clip.times_s
    edges = np.concatenate([[0.0], (times[1:] + times[:-1]) / 2, [length_s]])
    known = np.isfinite(tracks.xyxy[row]).all(axis=1)
    result = []
    for filled in (False, True):
        for first, last in stretches(known & (tracks.filled[row] == filled)):
            spans = [(float(edges[first]), float(edges[last + 1]))]
            result.append(Presence(charts.pack(spans, length_s, least=0.2)[0], filled))
    return result


def _lane(
    subject: Subject, found: list[tuple[Span, str, str]], seen: list[Presence], length_s: float
) -> Lane:
    found = sorted(found, key=lambda item: (item[0].start_s, -item[0].end_s, item[1]))
    places = charts.pack([span for span, _, _ in found], length_s)
    bars = [
        Happening(short, detail, span, place)
        for (span, short, detail), place in zip(found, places, strict=True)
    ]
    return Lane(subject, bars, seen, max((place.row + 1 for place in places), default=1))


# --- plots --------------------------------------------------------------------------------------------------


def plots(
    clip: Clip, records: Records, who: Mapping[int, Subject], shown: Sequence[int], length_s: float
) -> list[charts.Plot]:
    """Return the plots of which anything is known."""
    tracks: Tracks | None = records.get(Tracks)
    if tracks is None:
        return []
    kinematics: Kinematics | None = records.get(Kinematics)
    wanted = sorted(shown)
    path = dict(zip(tracks.ids.tolist(), paths(tracks, kinematics), strict=True))
    frames = set() if kinematics is None else set(kinematics.tracks.frame)
    unit = f"px, {frames.pop()}" if len(frames) == 1 else "px"
    found = [] if kinematics is None else _rates(clip, kinematics, who, wanted, length_s)
    for axis, title in enumerate(("position x →", "position y ↓")):
        series = [charts.Series(i, tag(who[i]), path[i][:, axis]) for i in wanted]
        found.append(charts.plot(title, unit, clip.times_s, length_s, series, downwards=axis == 1))
    if kinematics is not None:
        found += _joints(clip, kinematics, who, length_s)
    return [plot for plot in found if plot is not None]


def _rates(
    clip: Clip, kinematics: Kinematics, who: Mapping[int, Subject], wanted: Sequence[int], length_s: float
) -> list[charts.Plot | None]:
    rows = {int(i): row for row, i in enumerate(kinematics.tracks.ids)}
    quantities = (
        ("speed", "px/s", kinematics.tracks.speed_px_s),
        ("size", "px", kinematics.tracks.size_px),
    )
    return [
        charts.plot(
            title, unit, clip.times_s, length_s,
            [charts.Series(i, tag(who[i]), values[rows[i]]) for i in wanted if i in rows],
        )
        for title, unit, values in quantities
    ]  # fmt: skip


def _joints(
    clip: Clip, kinematics: Kinematics, who: Mapping[int, Subject], length_s: float
) -> list[charts.Plot | None]:
    """Return a plot for each of the people whose joints move most, with the joints of the largest range."""
    joints, names = kinematics.joints, list(ANGLES)
    known = np.isfinite(joints.angle_deg)
    high = np.where(known, joints.angle_deg, -np.inf).max(axis=1, initial=-np.inf)
    low = np.where(known, joints.angle_deg, np.inf).min(axis=1, initial=np.inf)
    ranges = np.where(known.any(axis=1), high - low, -np.inf)
    people = np.argsort(-ranges.max(axis=1, initial=-np.inf), kind="stable")[:MAX_JOINT_PLOTS]
    found = []
    for row in people.tolist():
        subject = lookup(who, int(joints.ids[row]))
        assert subject is not None
        largest = np.argsort(-ranges[row], kind="stable")[:MAX_JOINTS].tolist()
        series = [
            charts.Series(subject.id, names[j].replace("_", " "), joints.angle_deg[row, :, j], dash)
            for dash, j in enumerate(largest)
        ]
        title = f"angles of {tag(subject)}"
        found.append(charts.plot(title, "°", clip.times_s, length_s, series))
    return found


def tag(subject: Subject) -> str:
    """Return what a subject is called in a legend."""
    return subject.label if subject.id == CAMERA else f"{subject.called or subject.label} #{subject.id}"


# --- facts --------------------------------------------------------------------------------------------------


def state(fact: MotionFact, who: Mapping[int, Subject]) -> Statement:
    """Return a fact in words."""
    amount = [fact.magnitude or "", "" if fact.count is None else f"{fact.count}×"]
    subject = lookup(who, fact.subject)
    assert subject is not None
    return Statement(
        fact.id, subject, words(fact, who), fact.span, ", ".join(filter(None, amount)), fact.frame,
        fact.confidence, fact.evidence,
    )  # fmt: skip


def words(fact: MotionFact, who: Mapping[int, Subject]) -> str:
    """Return what a fact asserts, without its subject, time and amount, e.g. ``moves to the right``."""
    verb = VERB_BY_LEMMA.get(fact.predicate)
    other = lookup(who, fact.object)
    said = [verb.third if verb else fact.predicate, _part(fact.part)]
    said += [DIRECTION_PHRASES.get(direction, direction) for direction in fact.direction]
    said += (
        [TRAJECTORY_PHRASES.get(fact.trajectory or "", "")] if "back_and_forth" not in fact.direction else []
    )
    said += [tag(other)] if other else []
    return " ".join(filter(None, said))


def _short(fact: MotionFact) -> str:
    return " ".join([fact.predicate, *(direction.replace("_", " ") for direction in fact.direction)])


def _part(part: str | None) -> str:
    return PARTS[part][0] if part in PARTS else (part or "").replace("_", " ")


# --- captions and questions ---------------------------------------------------------------------------------


def told(records: Records, who: Mapping[int, Subject], facts: Sequence[MotionFact]) -> list[Told]:
    """Return the captions, scene first, with each claim's verdict."""
    verdicts = {(v.caption, v.claim): v for v in records.get(Verdicts, Verdicts(())).verdicts}
    result = []
    for index, caption in enumerate(records.get(Captions, Captions(())).captions):
        judged = []
        for number, claim in enumerate(caption.claims):
            verdict = verdicts.get((index, number))
            said = caption.text[claim.action.start : claim.action.end]
            if verdict is None:
                judged.append(Judged(said, "unchecked", "no verdict was recorded", _when(claim, facts)))
                continue
            holds = "unknown" if verdict.holds is None else "true" if verdict.holds else "false"
            judged.append(Judged(said, holds, verdict.why, _when(claim, facts)))
        subject = lookup(who, caption.subject)
        tally = Counter(claim.verdict for claim in judged)
        cut = segments(caption, judged)
        result.append(Told(caption.scope, subject, caption.source, cut, judged, tally, caption.edits))
    return sorted(result, key=lambda caption: caption.scope != "scene")


def segments(caption: Caption, judged: Sequence[Judged]) -> list[Segment]:
    """Cut a caption where a claim's words start or end."""
    size = len(caption.text)
    spans = [
        (min(max(claim.action.start, 0), size), min(max(claim.action.end, 0), size))
        for claim in caption.claims
    ]
    marks = sorted({0, size, *(mark for span in spans for mark in span)})
    result = []
    for start, end in zip(marks[:-1], marks[1:], strict=True):
        under = [
            claim for claim, span in zip(judged, spans, strict=True) if span[0] <= start and end <= span[1]
        ]
        worst = next(
            (v for v in ("false", "unknown", "unchecked", "true") if v in {c.verdict for c in under}), ""
        )
        result.append(Segment(caption.text[start:end], under, worst))
    return result


def asked(records: Records, facts: Sequence[MotionFact]) -> list[Asked]:
    """Return the questions, with the time of the fact each rests on."""
    spans = {fact.id: fact.span for fact in facts}
    return [
        Asked(
            q.category, q.text, q.options, q.answer_index, q.provenance, q.span or spans.get(q.fact_id or "")
        )
        for q in records.get(Questions, Questions(())).questions
    ]


def _when(claim: Claim, facts: Sequence[MotionFact]) -> Span | None:
    """Return the time a claim's words give, else that of the first fact with its subject and predicate."""
    if claim.action.span is not None:
        return claim.action.span
    verb = VERB_BY_LEMMA.get(claim.action.predicate)
    meant = verb.predicate if verb else claim.action.predicate
    return next((f.span for f in facts if f.subject == claim.subject and f.predicate == meant), None)
