"""Models behind stages: one file each, chosen by its file name (``plugins.load``).

A backend is a frozen dataclass: its fields are its settings (set in a recipe as ``[stage.options]``), its
``__call__`` does the work. An optional ``identity() -> str`` (a classmethod, or a method where the settings name a
file of weights) names what its answers depend on besides the settings (weights present, their checksum); a changed
identity makes stored results stale. It does not fail where weights or packages are missing.
``revision`` (a class variable) is raised when the same input gives another output than before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.checks import Measurements
from kinescribe.llm.messages import Answer, Request, Send
from kinescribe.records import CameraMotion, Clip, Detections, Events, Facts, Hands, Kinematics, Poses, Tracks
from kinescribe.video import Frame, Frames


@runtime_checkable
class Camera(Protocol):
    """``backends/cameras``: how the camera moves."""

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion: ...


@runtime_checkable
class Detector(Protocol):
    """``backends/detectors``: what is seen in single samples.

    ``regions`` are proposals of the detectors that ran before (moving things without a name).
    """

    def __call__(
        self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections
    ) -> Detections: ...


@runtime_checkable
class Tracker(Protocol):
    """``backends/trackers``: which detections are the same subject over time."""

    def __call__(self, clip: Clip, camera: CameraMotion, detections: Detections) -> Tracks: ...


@runtime_checkable
class MaskTracker(Protocol):
    """``backends/trackers`` that look at the pictures and give masks: their tracks are whole, nothing is bridged."""

    def follow(self, clip: Clip, frames: Frames, camera: CameraMotion, detections: Detections) -> Tracks: ...


@runtime_checkable
class Pose(Protocol):
    """``backends/poses``: skeletons for tracks."""

    def __call__(self, clip: Clip, frames: Frames, detections: Detections, tracks: Tracks) -> Poses: ...


class Arms(NamedTuple):
    """Where hands may be: the arms that skeletons show, H of them."""

    points: Float[np.ndarray, "H T 4 2"]
    """Elbow, wrist, first knuckle of the little and of the index finger, in pixels of the clip; NaN where the hand
    need not be looked for."""
    length_px: Float[np.ndarray, "H T"]
    """Of the forearm, as if it did not point at the camera."""


class SeenHands(NamedTuple):
    """What was found at the ends of ``Arms``; NaN where nothing was, or nobody looked."""

    points: Float[np.ndarray, "H T 21 2"]
    """Pixels of the clip, order ``vocabulary.HAND_21``."""
    score: Float[np.ndarray, "H T"]
    """That there is a hand, in [0, 1]."""
    right: Float[np.ndarray, "H T"]
    """That it is a right hand, in [0, 1]."""


@runtime_checkable
class HandFinder(Protocol):
    """``backends/hands``: the points of hands at the ends of arms.

    A backend may also offer ``free(clip, frames) -> SeenHands``: hands without bodies, a row for each that was
    followed; it is asked where there is nobody.
    """

    def __call__(self, clip: Clip, frames: Frames, arms: Arms) -> SeenHands: ...


class SeenContacts(NamedTuple):
    """Hands that a net sees as boxes, and what they touch: flat columns of one length D, whoever they belong to."""

    sample: Int[np.ndarray, "D"]
    """Position on the T axis."""
    xyxy: Float[np.ndarray, "D 4"]
    """Of the hand, in pixels of the clip."""
    score: Float[np.ndarray, "D"]
    """That there is a hand, in [0, 1]."""
    right: Bool[np.ndarray, "D"]
    """Whether it is a right hand."""
    contact: Int[np.ndarray, "D"]
    """Index into ``vocabulary.CONTACTS``."""
    held_xyxy: Float[np.ndarray, "D 4"]
    """The object in the hand; NaN where it touches no object."""
    second_xyxy: Float[np.ndarray, "D 4"]
    """What that object is used on; NaN where there is nothing."""


@runtime_checkable
class ContactFinder(Protocol):
    """``backends/hands`` that say what hands touch (``hands.touch``); whose hands they are is the stage's business."""

    def touches(self, clip: Clip, frames: Frames) -> SeenContacts: ...


class DepthMap(NamedTuple):
    """What a depth net says of one picture."""

    sample: int
    """Position on the T axis."""
    nearness: Float[np.ndarray, "h w"]
    """Inverse depth of the whole picture, in any resolution: in 1/m where metric, else up to a scale and a shift.
    Larger is nearer; NaN where the net does not tell."""


class DepthMaps(NamedTuple):
    """What a depth net says of a clip."""

    metric: bool
    maps: Iterator[DepthMap]
    """One per picture, in order, made as they are asked for: a clip's would not fit into memory."""
    notes: list[str]
    """What could not be done; complete once all maps were taken."""


@runtime_checkable
class DepthFinder(Protocol):
    """``backends/depths``: how near to the camera each pixel is."""

    def __call__(self, clip: Clip, frames: Iterable[Frame]) -> DepthMaps: ...


@runtime_checkable
class Draft(Protocol):
    """A text before it is read back: scope, subject and the words."""

    @property
    def text(self) -> str:
        """The words."""
        ...

    @property
    def scope(self) -> str:
        """``scene`` or ``region``."""
        ...

    @property
    def subject(self) -> int | None:
        """Track id of a region's subject; None for a scene."""
        ...


@runtime_checkable
class Captioner(Protocol):
    """``backends/captioners``: texts about a clip. What they assert is read back by the parser, not taken on trust."""

    def __call__(self, clip: Clip, tracks: Tracks, kinematics: Kinematics, facts: Facts) -> list[Draft]: ...


@dataclass(frozen=True, eq=False)
class Scene:
    """What a writer that asks a language model may show to it, and check its answers against."""

    measured: Measurements
    frames: Frames
    hands: Hands
    facts: Facts
    """Without those that the judge refutes."""
    events: Events

    @property
    def clip(self) -> Clip:
        return self.measured.clip

    @property
    def tracks(self) -> Tracks:
        return self.measured.tracks


Ask = Callable[[Iterable[Request]], list[Answer]]
"""Asks a model several things at once (``llm.client.Client.ask_all``)."""


class Names(NamedTuple):
    """Which things to look for."""

    names: tuple[str, ...]
    """In the singular and lower case, the likeliest first; people are ``vocabulary.PERSON``."""
    notes: tuple[str, ...] = ()
    """What could not be done."""


@runtime_checkable
class Namer(Protocol):
    """``backends/namers``: which things there are in a clip, for a detector that can look for any name.

    ``regions`` are the moving things that were found without a name. Detectors and trackers that take names offer
    ``with_names(names)``, which returns the same backend looking for those.
    """

    def __call__(self, clip: Clip, frames: Frames, regions: Detections, ask: Ask) -> Names: ...


class Told(NamedTuple):
    """What a model was asked last for a text, and what it answered."""

    request: Request
    """Objections go back in its conversation."""
    answer: Answer
    words: Callable[[Answer], str]
    """The text of an answer to the request, or to the request with objections, that is ``ok``."""
    scope: str = "scene"
    subject: int | None = None
    """Track id of a region's subject."""
    notes: tuple[str, ...] = ()
    """What was done on the way: steps that gave nothing, claims that were left out."""


@runtime_checkable
class AskingCaptioner(Protocol):
    """``backends/captioners`` that ask a language model, once or in several steps.

    The stage reads every text back, sends back what the measurements contradict and cuts it in the end. A text that
    it comes to nothing is replaced by the template's.
    """

    def tell(self, scene: Scene, ask: Ask) -> Iterable[Told]:
        """Yield the texts about a clip, each with what was asked and answered last."""
        ...


@runtime_checkable
class LanguageModel(Protocol):
    """``backends/llms``: sends one request, once; all else is ``llm.client``'s.

    Made from the text after its name in ``openai:MODEL@URL`` by a classmethod ``of(text)``.
    """

    def connect(self) -> AbstractAsyncContextManager[Send]:
        """Give a coroutine function from ``Request`` to ``Reply``; it raises ``CallError`` where there is no answer."""
        ...

    def identity(self) -> str:
        """Name the model and whatever else its answers depend on besides the request."""
        ...
