"""What each room writes: the first file to read.

Axes are letters everywhere: **N** subjects, **T** samples in time, **K** keypoints, **J** joint angles,
**D** detections. Boxes are ``xyxy`` in pixels of the video as it is shown (rotation applied), the origin is
the top-left corner, y grows downwards. *Image* coordinates are as filmed; *scene* coordinates have the
camera's motion removed (the plane of the clip's first frame). Times are seconds from the clip's start,
taken from presentation timestamps.

**Unknown is a value (NaN, None); failure is an exception; nothing is both.**
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

CAMERA = -1
"""The camera as a subject of facts. Track ids are never negative."""


class Span(NamedTuple):
    """A stretch of time in seconds from the clip's start."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, eq=False)
class Clip:
    """A stretch of a video, and the instants at which it is looked at.

    ``source`` time and clip time differ by ``start_s``; everything downstream speaks clip time.
    """

    id: str
    """Content hash of the source and the span: the same bytes and span give the same id anywhere."""
    source: str
    source_sha256: str
    start_s: float
    """Start in the source's presentation time, counted from the source's first frame."""
    end_s: float
    fps: float
    """Average frames per second of the source within the clip; NaN with fewer than two frames."""
    width: int
    height: int
    rotation_deg: int
    """Rotation that was applied to show the video upright (metadata), clockwise."""
    num_frames: int
    """Decodable source frames in the clip."""
    frame_indices: Int[np.ndarray, "T"]
    """Source frame numbers of the samples, counted from the clip's first frame."""
    times_s: Float[np.ndarray, "T"]
    notes: tuple[str, ...] = ()
    """What the door noticed, e.g. that the file ends in the middle of a frame."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


class CameraStretch(NamedTuple):
    """What the camera does in a stretch of time within one shot."""

    span: Span
    labels: tuple[str, ...]
    """From ``vocabulary.CAMERA_LABELS``: all of them hold at once; ``unknown`` alone where nothing can be told."""


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """How the camera moved, and the maps that undo it."""

    to_scene: Float[np.ndarray, "T 2 3"]
    """Affine maps from a sample's pixels to the first frame's pixels; NaN where unknown (after a cut, while
    driving forward), finite again when a known view returns."""
    inlier_ratio: Float[np.ndarray, "T"]
    """Share of grid points that follow the fitted motion since the previous sample; NaN for the first."""
    coverage: Float[np.ndarray, "T"]
    """Share of the cells of a coarse grid that the inliers reach; low means the fit may follow an object."""
    score: float
    """s_m = mean dt + mean dr + 0.5 max dt + 0.5 max dr (FoundationMotion 3.1; weights as in its code)."""
    terms: Float[np.ndarray, "4"]
    """mean dt, mean dr, max dt, max dr."""
    labels: tuple[str, ...]
    """From ``vocabulary.CAMERA_LABELS``: what holds for a fair share of the clip, not necessarily at once."""
    cuts_s: tuple[float, ...] = ()
    """Times at which the picture changes at once: a transform across them means nothing."""
    stretches: tuple[CameraStretch, ...] = ()
    """In order of time, from the first sample to the last without gaps; none where only the whole was looked at."""
    notes: tuple[str, ...] = ()
    """Where its parts were measured in different ways: which is from what; and what could not be done."""

    @property
    def known_share(self) -> float:
        """Share of the samples for which the camera's place is known, and known from something that was seen."""
        return float((np.isfinite(self.to_scene[:, 0, 0]) & ~(self.coverage == 0)).mean())

    def labels_in(self, span: Span) -> frozenset[str]:
        """Return every label that holds at some time in a span; the clip's where its stretches are not known."""
        within = [s for s in self.stretches if s.span.start_s < span.end_s and span.start_s < s.span.end_s]
        return frozenset(label for s in within for label in s.labels) or frozenset(self.labels)

    @property
    def moves(self) -> bool:
        """Whether the camera moved more than slightly; also where that is unknown, to be on the safe side."""
        return "static" not in self.labels and "slight" not in self.labels


@dataclass(frozen=True, eq=False)
class Detections:
    """What was seen in single samples: flat columns of one length D, so indexing is the query language."""

    sample: Int[np.ndarray, "D"]
    xyxy: Float[np.ndarray, "D 4"]
    score: Float[np.ndarray, "D"]
    label: tuple[str, ...]
    source: tuple[str, ...]
    """Backend that saw it."""
    keypoints: Float[np.ndarray, "D K 3"]
    """x, y in pixels and a score in [0, 1], from one-stage pose detectors; NaN otherwise. K may be 0."""
    world: Float[np.ndarray, "D K 3"]
    """Hip-centred metres, x right, y down, z away from the camera; NaN where unknown."""
    skeleton: str | None = None
    notes: tuple[str, ...] = ()
    """What could not be done, e.g. that the person nets are not on this machine."""
    velocity_px_s: Float[np.ndarray, "D 2"] | None = None
    """How the pixels inside move, as filmed, where the detector measures it (optical flow); NaN where unknown."""
    names: tuple[str, ...] = ()
    """What a model said there is to look for (``detect.namer``), the likeliest first; not all of it need be found."""


@dataclass(frozen=True, eq=False)
class Masks:
    """Which pixels are a subject's, on a picture of this size (that at which the tracker looked)."""

    height: int
    width: int
    rle: tuple[tuple[str | None, ...], ...]
    """Per subject and sample, COCO's run lengths (``kinescribe.masks``); None where unknown."""

    @property
    def known(self) -> Bool[np.ndarray, "N T"]:
        """Where there is a mask."""
        if not self.rle:
            return np.zeros((0, 0), dtype=bool)
        return np.array([[one is not None for one in row] for row in self.rle], dtype=bool)

    def of(self, rows: Int[np.ndarray, "M"]) -> Masks:
        """Return those of some subjects, in the given order."""
        return Masks(self.height, self.width, tuple(self.rle[row] for row in rows.tolist()))


@dataclass(frozen=True, eq=False)
class Tracks:
    """Subjects over time.

    Ids: person p is 10p (its left hand 10p+1, object in it 10p+2, right hand 10p+4, object in it 10p+5);
    objects count from 1000 (FoundationMotion 3.2.3).
    """

    ids: Int[np.ndarray, "N"]
    label: tuple[str, ...]
    xyxy: Float[np.ndarray, "N T 4"]
    score: Float[np.ndarray, "N T"]
    detection: Int[np.ndarray, "N T"]
    """Row in ``Detections``; -1 where the box was filled in or the subject is not seen."""
    velocity_px_s: Float[np.ndarray, "N T 2"] | None = None
    """Of the pixels inside, as filmed, where the detector measures it; NaN where unknown."""
    given: tuple[int, ...] = ()
    """Ids of the subjects that the user marked (``track.regions``), in the file's order; none where nothing was."""
    regions: Mapping[str, int] = field(default_factory=dict)
    """What the file of marks calls them: its id to the track's. Several marks may be of one subject."""
    masks: Masks | None = None
    """From trackers that see pixels; their boxes are the masks', and what is hidden is unknown."""

    @property
    def filled(self) -> Bool[np.ndarray, "N T"]:
        """Where a short gap was bridged: a box that was not detected, has no mask and was not marked by the user."""
        return np.isfinite(self.xyxy[..., 0]) & ~self.seen

    @property
    def seen(self) -> Bool[np.ndarray, "N T"]:
        """Where a box was detected, has a mask, or was marked by the user."""
        marked = np.isin(self.ids, self.given)[:, None] & np.isfinite(self.score)
        if self.masks is not None and len(self.ids):
            marked = marked | self.masks.known
        return np.isfinite(self.xyxy[..., 0]) & ((self.detection >= 0) | marked)

    def row(self, track_id: int) -> int:
        """Return the index on the N axis of a track id; KeyError if there is none."""
        found = np.flatnonzero(self.ids == track_id)
        if not len(found):
            raise KeyError(track_id)
        return int(found[0])


@dataclass(frozen=True, eq=False)
class Poses:
    """Skeletons of the tracks that have one (its own N: usually only the people)."""

    ids: Int[np.ndarray, "N"]
    keypoints: Float[np.ndarray, "N T K 3"]
    """x, y in pixels and a score in [0, 1]; NaN where unknown."""
    world: Float[np.ndarray, "N T K 3"]
    """Hip-centred metres (not metric in depth unless the backend says so)."""
    skeleton: str
    """Key of ``vocabulary.SKELETONS``."""


@dataclass(frozen=True, eq=False)
class Hands:
    """Hands of the people that are tracked, H in all: two per person with a skeleton.

    A hand at a sample is known in one of four ways, the surest first: ``seen`` by the hand net; ``filled``
    between two such samples; as a box that the body's skeleton gives, without points; not at all (NaN).
    """

    ids: Int[np.ndarray, "H"]
    """Left hand of person p: p + 1, right hand p + 4, where p is the person's track id (see ``Tracks``)."""
    xyxy: Float[np.ndarray, "H T 4"]
    """Round the points where they are known, else where the skeleton has its hand; clipped to the picture."""
    score: Float[np.ndarray, "H T"]
    """In [0, 1]: the net's where seen, the wrist's where the skeleton gave the box; NaN where filled."""
    keypoints: Float[np.ndarray, "H T 21 3"]
    """x, y in pixels and a score in [0, 1]; NaN where unknown."""
    seen: Bool[np.ndarray, "H T"]
    """Where the net looked and found the hand."""
    right: Float[np.ndarray, "H T"]
    """In [0, 1]: the net's own opinion that it is a right hand; NaN where not seen. The side in ``ids`` is the
    skeleton's."""
    contact: Int[np.ndarray, "H T"]
    """Index into ``vocabulary.CONTACTS``; 0 is unknown, the default."""
    comotion: Float[np.ndarray, "H T"]
    """Share of what lies round the hand that moves with it: what object contact rests on; NaN where the hand
    rests, nothing round it could tell, or a net says what hands touch."""
    held_xyxy: Float[np.ndarray, "H T 4"]
    """The object in the hand, as far as it shows beside the hand; NaN where there is none or none is known."""
    held_track: Int[np.ndarray, "H T"]
    """Track id of the object in the hand; -1 where it has none. Otherwise the object is the hand's id + 1."""
    skeleton: str = "hand21"
    """Key of ``vocabulary.SKELETONS``."""
    notes: tuple[str, ...] = ()
    """What could not be done, e.g. that the hand nets are not on this machine."""
    second_xyxy: Float[np.ndarray, "H T 4"] | None = None
    """What the object in the hand is used on, where a net says so (Hands23's second object); NaN where nothing."""

    @property
    def filled(self) -> Bool[np.ndarray, "H T"]:
        """Where a short gap between two looks was bridged."""
        return np.isfinite(self.keypoints[..., 0, 0]) & ~self.seen


@dataclass(frozen=True, eq=False)
class Depth:
    """How near the tracks' subjects are to the camera, where a depth net looked; without one, no rows.

    *Nearness* is inverse depth: larger is nearer. A metric net gives it in 1/m. A relative net gives it up to a scale
    and a shift that differ from picture to picture (Ranftl et al. 2020, arXiv:1907.01341): within one picture it tells
    what is before what, over time it says something only after the background, which rests, was brought to agree.
    """

    ids: Int[np.ndarray, "N"]
    """Track ids, in the order of ``Tracks``."""
    nearness: Float[np.ndarray, "N T"]
    """As the net gave it in that picture: the median over the subject's pixels. NaN where nobody looked, or nothing of
    the subject shows. Of the same picture, it compares."""
    spread: Float[np.ndarray, "N T"]
    """Robust standard deviation of nearness over those pixels."""
    extent: Float[np.ndarray, "T"]
    """From the 5th to the 95th percentile of nearness over the whole picture; NaN where nobody looked."""
    scale: Float[np.ndarray, "T"]
    """With ``shift``, what brings a picture in line with the others: ``scale * nearness + shift`` compares over time.
    NaN where the background does not tell (the camera's place is unknown, things hide it, or a relative net sees no
    depth in it)."""
    shift: Float[np.ndarray, "T"]
    noise: Float[np.ndarray, "T"]
    """Robust standard deviation of the background round what it is in the other pictures, once in line, in the units
    of ``signal``: a smaller change of a subject is no change."""
    metric: bool
    """Whether nearness is in 1/m."""
    notes: tuple[str, ...] = ()
    """What could not be done."""

    @property
    def known(self) -> bool:
        """Whether anything is known at all."""
        return bool(np.isfinite(self.nearness).any())

    @property
    def usual_extent(self) -> float:
        """Extent of the pictures that are in line, in the median; NaN where there are none."""
        extents = (self.scale * self.extent)[np.isfinite(self.scale * self.extent)]
        return float(np.median(extents)) if len(extents) else float("nan")

    @property
    def signal(self) -> Float[np.ndarray, "N T"]:
        """What a change of depth shows in; it grows as a subject comes nearer, NaN where unknown.

        Of a metric net the logarithm of nearness, so that 0.1 is a tenth nearer; else nearness in shares of
        ``usual_extent``, 0 at the same place all the time.
        """
        aligned = self.scale * self.nearness + self.shift
        with np.errstate(invalid="ignore", divide="ignore"):
            found = (
                np.log(np.where(aligned > 0, aligned, np.nan)) if self.metric else aligned / self.usual_extent
            )
        return np.where(np.isfinite(found), found, np.nan)

    def row(self, track_id: int) -> int | None:
        """Return the index on the N axis of a track id, or None."""
        found = np.flatnonzero(self.ids == track_id)
        return int(found[0]) if len(found) else None


NO_DEPTH = Depth(
    ids=np.zeros(0, np.int64),
    nearness=np.zeros((0, 0)),
    spread=np.zeros((0, 0)),
    extent=np.zeros(0),
    scale=np.zeros(0),
    shift=np.zeros(0),
    noise=np.zeros(0),
    metric=False,
)
"""Nobody looked."""


@dataclass(frozen=True, eq=False)
class TrackKinematics:
    """How each track's box moves: in scene coordinates where the camera is known, else as filmed."""

    ids: Int[np.ndarray, "N"]
    frame: tuple[str, ...]
    """Per track, which path the rates below are taken from: ``scene`` or ``image``."""
    image_px: Float[np.ndarray, "N T 2"]
    """Smoothed centre as filmed: of the torso where a skeleton shows it, else of the box."""
    scene_px: Float[np.ndarray, "N T 2"]
    """The same with the camera's motion removed."""
    velocity_px_s: Float[np.ndarray, "N T 2"]
    """Of ``path_px``."""
    speed_px_s: Float[np.ndarray, "N T"]
    acceleration_px_s2: Float[np.ndarray, "N T"]
    """Rate of change of the speed (tangential)."""
    heading_deg: Float[np.ndarray, "N T"]
    """0 right, 90 up, 180 left, 270 down; NaN while still."""
    size_px: Float[np.ndarray, "N T"]
    """Square root of the box area, smoothed."""
    scale_rate_s: Float[np.ndarray, "N T"]
    """d ln(size) / dt: positive while growing."""
    noise_px: Float[np.ndarray, "N"]
    """Robust standard deviation of the box centre round its smoothed path: what a measured shift must exceed."""
    distance_px: Float[np.ndarray, "N"] | None = None
    """Length of ``path_px``, followed within twice its noise, so that what trembles goes nowhere; straight over gaps.
    NaN where it is nowhere known. (None in this and the next three: records of before they were measured.)"""
    displacement_px: Float[np.ndarray, "N 2"] | None = None
    """From where the path begins to where it ends: net."""
    body_px: Float[np.ndarray, "N"] | None = None
    """A body length in the picture: the longer side of the box, in the median. ``distance_px`` over this is travel in
    body lengths; over the clip's width, in frame widths."""
    jerk_px_s3: Float[np.ndarray, "N"] | None = None
    """Root mean square rate of change of ``acceleration_px_s2``."""

    def path_px(self, row: int) -> Float[np.ndarray, "T 2"]:
        """Return the smoothed path of one track in its frame of reference."""
        path: Float[np.ndarray, "T 2"] = (self.scene_px if self.frame[row] == "scene" else self.image_px)[row]
        return path


@dataclass(frozen=True, eq=False)
class JointKinematics:
    """Joint angles, what they did over the clip, and the centre of mass, for tracks with a skeleton."""

    ids: Int[np.ndarray, "N"]
    angle_deg: Float[np.ndarray, "N T J"]
    """Inner angles in [0, 180], order of ``vocabulary.ANGLES``; KPM table 4."""
    speed_deg_s: Float[np.ndarray, "N T J"]
    energy: Float[np.ndarray, "N J"]
    """Mean power of the angular speed, (deg/s)^2; KPM eq. 6, one-sided, mean removed, divided by length."""
    high_share: Float[np.ndarray, "N J"]
    """Share of the power above 2.5 Hz; KPM eq. 7 with the cut in Hz."""
    sigma: Float[np.ndarray, "N J"]
    """Spread of the power over frequencies, Hz (standard deviation); in the place of KPM eq. 8."""
    range_deg: Float[np.ndarray, "N J"]
    """Range of motion: from the 5th to the 95th percentile."""
    rms_deg_s: Float[np.ndarray, "N J"]
    """Root mean square angular speed."""
    dominant_hz: Float[np.ndarray, "N J"]
    """Frequency of the strongest line of the spectrum."""
    smoothness: Float[np.ndarray, "N J"]
    """Log dimensionless jerk (Balasubramanian et al. 2012); lower is jerkier."""
    symmetry: Float[np.ndarray, "N P"]
    """Per pair of ``vocabulary.ANGLE_PAIRS``: smaller over larger range of motion."""
    phase: Float[np.ndarray, "N P"]
    """Per pair: correlation of left and right, 1 in unison, -1 in turn."""
    com_speed: Float[np.ndarray, "N T"]
    """Of the centre of mass relative to the hips, in torso lengths per second (de Leva 1996)."""
    lean_deg: Float[np.ndarray, "N T"] | None = None
    """The trunk off the camera's vertical towards the body's own front: 0 upright, 90 bent level, negative backward;
    NaN where unknown. The pitch of the camera adds to it: only changes are sure. (None in this and the next two:
    records of before they were measured.)"""
    lean_left_deg: Float[np.ndarray, "N T"] | None = None
    """The same towards the body's own left: negative to its right."""
    yaw_deg: Float[np.ndarray, "N T"] | None = None
    """Where the body faces, about the vertical: 0 the camera, positive counterclockwise seen from above (90 is the
    picture's right), unwrapped: two whole turns are 720. Over a gap the shorter way round is assumed."""
    jerk_deg_s3: Float[np.ndarray, "N J"] | None = None
    """Root mean square angular jerk. None in records of before it was measured."""


@dataclass(frozen=True, eq=False)
class Kinematics:
    """Everything about motion that is computed rather than seen."""

    tracks: TrackKinematics
    joints: JointKinematics


@dataclass(frozen=True)
class Event:
    """A measured happening, with the numbers it rests on."""

    subject: int
    """Track id."""
    kind: str
    """From ``vocabulary.EVENTS``."""
    span: Span
    values: Mapping[str, float] = field(default_factory=dict)
    part: str | None = None
    other: int | None = None
    """Second track of a relation."""
    direction: tuple[str, ...] = ()
    shape: str | None = None
    """Of a movement, from ``vocabulary.TRAJECTORIES``; None where no shape fits."""


@dataclass(frozen=True)
class Segment:
    """A stretch of time in which the same goes on: of one subject's life, or of the scene."""

    subject: int | None
    """Track id; None for the scene as a whole, which is also cut where the camera changes and at cuts."""
    span: Span
    events: tuple[int, ...]
    """Indices into ``Events.events``: what goes on; none where nothing that was measured does."""


@dataclass(frozen=True)
class Events:
    """All events of a clip, by start time."""

    events: tuple[Event, ...]
    segments: tuple[Segment, ...] = ()
    """Each subject's in turn, in order of time and without gaps but where it is not seen; the scene's last."""


@dataclass(frozen=True)
class MotionFact:
    """A sayable claim about motion that can be checked: a PaMoR tuple with a span and evidence (KPM 3.2).

    MI is ``predicate``, AE ``subject``, PE ``object``, MM ``magnitude``, DI ``direction``.
    """

    id: str
    subject: int
    predicate: str
    """From ``vocabulary.PREDICATES``."""
    span: Span
    part: str | None = None
    level: str = "individual"
    """individual, limb or distal."""
    direction: tuple[str, ...] = ()
    magnitude: str | None = None
    trajectory: str | None = None
    count: int | None = None
    object: int | None = None
    frame: str = "scene"
    """Frame of reference: image or scene."""
    confidence: float = 1.0
    evidence: Mapping[str, float] = field(default_factory=dict)
    """The numbers it rests on. Toward or away from the camera: ``depth_change`` where a depth net saw it, ``log_scale``
    where the box's size did; both where they agree."""
    metres: float | None = None
    """How far it moves toward or away from the camera, where a metric depth net says so."""


@dataclass(frozen=True)
class Facts:
    """The clip's facts, by start time."""

    facts: tuple[MotionFact, ...]


@dataclass(frozen=True)
class Action:
    """One motion that a sentence asserts (MoPE, KPM 4.2): words, not yet tied to any track."""

    predicate: str
    """Verb lemma, or one of ``vocabulary.ORDERS``."""
    start: int
    """Character offset of the sentence that holds it."""
    end: int
    agent: str | None = None
    patient: str | None = None
    direction: tuple[str, ...] = ()
    magnitude: str | None = None
    trajectory: str | None = None
    count: int | None = None
    part: str | None = None
    level: str = "individual"
    negated: bool = False
    order: int = 0
    """Rank in time; equal ranks are simultaneous."""
    span: Span | None = None
    """Seconds, where the sentence gives them."""
    metres: float | None = None
    """How far, where the sentence gives metres."""
    after: int | None = None
    """Index, among the text's actions, of one that this is said to come after ("then", "before", ...); None where no
    word says so: that one sentence follows another is no statement."""


@dataclass(frozen=True)
class Claim:
    """An action tied to the tracks it speaks of; ``None`` where the words name no track."""

    action: Action
    subject: int | None
    object: int | None = None


@dataclass(frozen=True)
class Caption:
    """A text about the clip (scope ``scene``) or about one subject (scope ``region``)."""

    text: str
    scope: str
    source: str
    """Backend that wrote it."""
    claims: tuple[Claim, ...]
    """What the text asserts, as the parser reads it back: never what the writer meant."""
    subject: int | None = None
    edits: tuple[str, ...] = ()
    """What was done to it before: claims that went back to the writer, sentences that were cut, a writer that gave
    nothing, so that another one wrote this."""


@dataclass(frozen=True)
class Captions:
    """All captions of a clip."""

    captions: tuple[Caption, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds: true, false, or not to be known from what was measured; and why."""

    caption: int
    """Index into ``Captions.captions``."""
    claim: int
    """Index into that caption's claims."""
    holds: bool | None
    why: str


@dataclass(frozen=True)
class Verdicts:
    """One verdict per claim of every caption."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Question:
    """A multiple-choice question with exactly one true option."""

    category: str
    """From ``vocabulary.QA_CATEGORIES``, ``KPM_CATEGORIES``, or ``CHECKLIST``."""
    text: str
    options: tuple[str, ...]
    answer_index: int
    subject: int | None
    fact_id: str | None
    provenance: str
    """How the answer is known and how the distractors were found false."""
    template: str = ""
    """Which form of question it is, e.g. ``kpm.camera.static``: what questions are counted and compared by."""
    span: Span | None = None
    """The event that is asked about; None for the whole clip."""
    roles: tuple[str, ...] = ()
    """Per option, from ``vocabulary.OPTION_ROLES``; empty where all four are contents."""


@dataclass(frozen=True)
class Questions:
    """All questions of a clip."""

    questions: tuple[Question, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)
    """How many were made and not kept, by why: those that a model did not stand by, or answered without the video."""
