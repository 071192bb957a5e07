"""Models behind stages: one file each, chosen by its file name (``plugins.load``).

A backend is a frozen dataclass: its fields are its settings (set in a recipe as ``[stage.options]``), its
``__call__`` does the work. An optional ``identity() -> str`` (a classmethod, or a method where the settings name a
file of weights) names what its answers depend on besides the settings (weights present, their checksum); a changed
identity makes stored results stale. It does not fail where weights or packages are missing.
``revision`` (a class variable) is raised when the same input gives another output than before.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from kinescribe.llm.messages import Answer, Request, Send
from kinescribe.records import CameraMotion, Clip, Detections, Facts, Hands, Kinematics, Poses, Tracks
from kinescribe.video import Frames


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


class Scene(NamedTuple):
    """What a writer may show to a language model."""

    clip: Clip
    frames: Frames
    tracks: Tracks
    hands: Hands
    facts: Facts
    """Without those that the judge refutes."""


@runtime_checkable
class AskingCaptioner(Protocol):
    """``backends/captioners`` that ask a language model: what is asked, and the text of an answer.

    The stage asks, checks the text, sends back what is contradicted and cuts it in the end.
    """

    def request(self, scene: Scene) -> Request:
        """Return what is asked about a clip."""
        ...

    def text(self, answer: Answer, scene: Scene) -> str:
        """Return the caption of the whole clip that an answer holds; asked only where ``answer.ok``."""
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
