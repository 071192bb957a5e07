"""The template writer: says the facts and nothing else. No model, no weights.

One dense text about the scene, camera first, and one text per subject that has facts; where subjects were given
(``Tracks.given``), only for those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from kinescribe.language.referring import names
from kinescribe.language.render import render
from kinescribe.records import CAMERA, Clip, Facts, Kinematics, Tracks

__all__ = ["Template"]


class Text(NamedTuple):
    """A draft: what is written before it is read back."""

    text: str
    scope: str
    subject: int | None = None


@dataclass(frozen=True)
class Template:
    """Facts in, plain sentences out; the same facts always give the same words."""

    revision: ClassVar[int] = 3

    def __call__(self, clip: Clip, tracks: Tracks, kinematics: Kinematics, facts: Facts) -> list[Text]:
        """Return the scene text and one text per subject; none where there are no facts."""
        called = names(tracks)
        drafts = [Text(render(facts.facts, called), "scene")] if facts.facts else []
        told = {fact.subject for fact in facts.facts} - {CAMERA}
        for subject in [given for given in tracks.given if given in told] if tracks.given else sorted(told):
            own = [fact for fact in facts.facts if fact.subject == subject]
            drafts.append(Text(render(own, called), "region", subject))
        return drafts
