"""Facts in, texts out; what a text asserts is read back by the parser, never taken from the writer.

Writers are given only facts that the judge does not refute, so that nothing known to be false is published. What it
cannot tell may be said; the verdicts on the final texts (``VerifyCaptions``) are made afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from kinescribe.backends import Draft, Scene, Told
from kinescribe.checks import Measurements, check, claims_of, refuted
from kinescribe.errors import BackendError
from kinescribe.language.grounding import ground
from kinescribe.language.mope import parse
from kinescribe.language.referring import names
from kinescribe.language.render import sentence
from kinescribe.llm import client
from kinescribe.llm.client import call_settings
from kinescribe.plugins import load
from kinescribe.records import (
    NO_DEPTH,
    CameraMotion,
    Caption,
    Captions,
    Clip,
    Depth,
    Events,
    Facts,
    Hands,
    Kinematics,
    MotionFact,
    Poses,
    Tracks,
)
from kinescribe.stages import mending
from kinescribe.video import Frames

FALLBACK = "template"
"""Writes where a model gives nothing that can be used: it needs none."""
_NOBODY, _NEVER = np.zeros(0, np.int64), np.zeros((0, 0))
NO_HANDS = Hands(
    ids=_NOBODY,
    xyxy=np.zeros((0, 0, 4)),
    score=_NEVER,
    keypoints=np.zeros((0, 0, 21, 3)),
    seen=_NEVER.astype(bool),
    right=_NEVER,
    contact=_NEVER.astype(np.int64),
    comotion=_NEVER,
    held_xyxy=np.zeros((0, 0, 4)),
    held_track=_NEVER.astype(np.int64),
)
_IS_THE_MOVEMENT = ("back_and_forth", "circular")
"""Shapes that are what is asserted; the others are attributes of a way."""


@dataclass(frozen=True)
class WriteCaptions:
    """Let one or more writers describe the clip, and read every text back into claims.

    What a language model writes is checked at once: claims that are contradicted go back to it with the reason, and
    sentences that still assert one are cut. Where it declines, gives nothing usable or does not answer, the template's
    text stands in; ``Caption.edits`` tells.
    """

    writers: tuple[str, ...] = ("template",)
    """Backends from ``backends/captioners``, in the order in which their texts are kept."""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of the writers, by writer."""
    model: str = ""
    """Whom writers ask that ask a model: ``openai:MODEL[@URL]`` or ``scripted:FILE`` (``llm.client.model_of``)."""
    rounds: int = 2
    """Times that contradicted claims go back to the model before they are cut. As many as the client's repairs: what
    two corrections do not mend, more seldom do."""
    calls: Mapping[str, int | float] = field(default_factory=dict)
    """How the model is asked, and what it may cost: settings of ``llm.client.CallSettings``."""

    revision: ClassVar[int] = 7
    PATIENCE: ClassVar[tuple[str, ...]] = ("calls",)
    """Settings that do not change what is asked: another budget makes no text stale."""

    def __post_init__(self) -> None:
        if self.rounds < 0:
            raise ValueError("rounds must not be negative")
        call_settings(self.calls)

    def __call__(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        facts: Facts,
        frames: Frames = (),
        hands: Hands = NO_HANDS,
        events: Events = Events(()),  # noqa: B008 -- frozen
        depth: Depth = NO_DEPTH,
    ) -> Captions:
        """Leave out what is refuted, write and read back.

        Raises:
            BackendError: a model that is asked did not answer, is out of reach, or its budget is used up; running
                again goes on.
        """
        measured = Measurements(clip, camera, tracks, poses, kinematics, depth)
        sayable = _sayable(facts, measured)
        scene = Scene(measured, frames, hands, sayable, events)
        captions: list[Caption] = []
        given_up: list[str] = []
        for name in self.writers:
            writer = self._writer(name)
            if not _asks(writer):
                captions += _drafted(name, writer(clip, tracks, kinematics, sayable), tracks)
                continue
            for told, mended in self._asked(writer, scene):
                if mended.text:
                    claims = claims_of(mended.text, tracks)
                    written = Caption(mended.text, told.scope, name, claims, told.subject, mended.edits)
                    captions.append(written)
                else:
                    given_up += [f"{name}: {edit}" for edit in mended.edits]
        if (given_up or not captions) and FALLBACK not in self.writers:
            captions += _drafted(FALLBACK, self._writer(FALLBACK)(clip, tracks, kinematics, sayable), tracks)
        return Captions(_noted(captions, tuple(given_up)))

    def identity(self) -> str:
        """Name the writers and what their texts depend on.

        Raises:
            BackendError: a writer asks a model, and none is named, or the other way round.
        """
        writers = {name: self._writer(name) for name in self.writers}
        asking = [name for name, writer in writers.items() if _asks(writer)]
        if asking and not self.model:
            raise BackendError(
                f"the writer {asking[0]} asks a language model: set caption.model, e.g. openai:gpt-4o-mini, "
                "openai:MODEL@http://localhost:8000/v1, or scripted:FILE"
            )
        if self.model and not asking:
            raise BackendError(
                'caption.model is set, but no writer asks a model: set caption.writers, e.g. ["foundationmotion"]'
            )
        told = [f"{name}:{_identity(writer)}" for name, writer in writers.items()]
        if asking:
            fallback = f"{FALLBACK}:{_identity(self._writer(FALLBACK))}"
            told += [f"model:{client.identity(self.model)}", mending.identity(), fallback]
        return " ".join(told)

    def _asked(self, writer: Any, scene: Scene) -> Iterator[tuple[Told, mending.Mended]]:
        """Yield what a writer's model comes to write of a clip."""
        ask = client.shared(self.model, call_settings(self.calls)).ask_all
        for told in writer.tell(scene, ask):
            yield told, mending.mend(told, ask, partial(refuted, measured=scene.measured), self.rounds)

    def _writer(self, name: str) -> Any:
        return load("captioners", name)(**self.options.get(name, {}))


def _asks(writer: Any) -> bool:
    """Whether a writer asks a model (``backends.AskingCaptioner``)."""
    return hasattr(writer, "tell")


def _noted(captions: Sequence[Caption], given_up: tuple[str, ...]) -> tuple[Caption, ...]:
    """Return captions; the first one that stands in for others tells why."""
    first = next((i for i, caption in enumerate(captions) if caption.source == FALLBACK), -1)
    return tuple(
        replace(caption, edits=(*caption.edits, *given_up)) if i == first else caption
        for i, caption in enumerate(captions)
    )


def _sayable(facts: Facts, measured: Measurements) -> Facts:
    """Return the facts without what the judge refutes: first an attribute goes, then the fact."""
    called = names(measured.tracks)
    kept = (
        next((said for said in _less_and_less(fact) if not _refuted(said, called, measured)), None)
        for fact in facts.facts
    )
    return Facts(tuple(fact for fact in kept if fact is not None))


def _less_and_less(fact: MotionFact) -> Iterator[MotionFact]:
    """Yield a fact, then without its shape, without its manner, and without either."""
    yield fact
    shaped = fact.trajectory is not None and fact.trajectory not in _IS_THE_MOVEMENT
    if shaped:
        yield replace(fact, trajectory=None)
    if fact.magnitude is not None:
        yield replace(fact, magnitude=None)
        if shaped:
            yield replace(fact, magnitude=None, trajectory=None)


def _refuted(fact: MotionFact, called: Mapping[int, str], measured: Measurements) -> bool:
    """Whether a fact's sentence, read back, asserts something false."""
    other = None if fact.object is None else called[fact.object]
    claims = ground(parse(sentence(fact, called[fact.subject], other)), measured.tracks, called)
    return any(check(claim, measured).holds is False for claim in claims)


def _drafted(writer: str, drafts: Sequence[Draft], tracks: Tracks) -> list[Caption]:
    """Return a writer's texts with what they assert."""
    return [
        Caption(draft.text, draft.scope, writer, claims_of(draft.text, tracks), draft.subject)
        for draft in drafts
    ]


def _identity(backend: Any) -> str:
    own = backend.identity() if hasattr(backend, "identity") else ""
    return f"{getattr(backend, 'revision', 1)}{own}"
