"""Facts in, texts out; what a text asserts is read back by the parser, never taken from the writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kinescribe.backends import Draft
from kinescribe.language.grounding import ground
from kinescribe.language.parse import parse
from kinescribe.language.referring import names
from kinescribe.plugins import load
from kinescribe.records import Caption, Captions, Clip, Facts, Kinematics, Tracks


@dataclass(frozen=True)
class WriteCaptions:
    """Let one or more writers describe the clip, and read every text back into claims."""

    writers: tuple[str, ...] = ("template",)
    """Backends from ``backends/captioners``, in the order in which their texts are kept."""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of the writers, by writer."""

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, tracks: Tracks, kinematics: Kinematics, facts: Facts) -> Captions:
        """Write and read back."""
        captions = [
            _read_back(draft, writer, tracks)
            for writer in self.writers
            for draft in self._writer(writer)(clip, tracks, kinematics, facts)
        ]
        return Captions(tuple(captions))

    def identity(self) -> str:
        """Name the writers and what their texts depend on."""
        return " ".join(f"{name}:{_identity(self._writer(name))}" for name in self.writers)

    def _writer(self, name: str) -> Any:
        return load("captioners", name)(**self.options.get(name, {}))


def _read_back(draft: Draft, writer: str, tracks: Tracks) -> Caption:
    claims = ground(parse(draft.text), tracks, names(tracks))
    return Caption(draft.text, draft.scope, writer, claims, draft.subject)


def _identity(backend: Any) -> str:
    own = backend.identity() if hasattr(backend, "identity") else ""
    return f"{getattr(backend, 'revision', 1)}{own}"
