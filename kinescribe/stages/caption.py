"""Facts in, texts out; what a text asserts is read back by the parser, never taken from the writer.

Writers are given only facts that the judge does not refute, so that nothing known to be false is published. What it
cannot tell may be said; the verdicts on the final texts (``VerifyCaptions``) are made afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from kinescribe.backends import Draft
from kinescribe.checks import Measurements, check
from kinescribe.language.grounding import ground
from kinescribe.language.mope import parse
from kinescribe.language.referring import names
from kinescribe.language.render import sentence
from kinescribe.plugins import load
from kinescribe.records import (
    CameraMotion,
    Caption,
    Captions,
    Clip,
    Facts,
    Kinematics,
    MotionFact,
    Poses,
    Tracks,
)

_IS_THE_MOVEMENT = ("back_and_forth", "circular")
"""Shapes that are what is asserted; the others are attributes of a way."""


@dataclass(frozen=True)
class WriteCaptions:
    """Let one or more writers describe the clip, and read every text back into claims."""

    writers: tuple[str, ...] = ("template",)
    """Backends from ``backends/captioners``, in the order in which their texts are kept."""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of the writers, by writer."""

    revision: ClassVar[int] = 5

    def __call__(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        facts: Facts,
    ) -> Captions:
        """Leave out what is refuted, write and read back."""
        sayable = _sayable(facts, Measurements(clip, camera, tracks, poses, kinematics))
        captions = [
            _read_back(draft, writer, tracks)
            for writer in self.writers
            for draft in self._writer(writer)(clip, tracks, kinematics, sayable)
        ]
        return Captions(tuple(captions))

    def identity(self) -> str:
        """Name the writers and what their texts depend on."""
        return " ".join(f"{name}:{_identity(self._writer(name))}" for name in self.writers)

    def _writer(self, name: str) -> Any:
        return load("captioners", name)(**self.options.get(name, {}))


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


def _read_back(draft: Draft, writer: str, tracks: Tracks) -> Caption:
    claims = ground(parse(draft.text), tracks, names(tracks))
    return Caption(draft.text, draft.scope, writer, claims, draft.subject)


def _identity(backend: Any) -> str:
    own = backend.identity() if hasattr(backend, "identity") else ""
    return f"{getattr(backend, 'revision', 1)}{own}"
