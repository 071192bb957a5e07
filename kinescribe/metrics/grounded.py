"""How much of a caption the measurements bear out, and how much of what was measured it says, without a reference.

Precision asks the judge (``checks.check``), which reads tracks, joints and camera and no facts; recall asks which of
the run's facts the caption states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from kinescribe.checks import Measurements, check
from kinescribe.errors import StoreError
from kinescribe.exporters import RunReader
from kinescribe.language import ground, names
from kinescribe.language.grounding import states
from kinescribe.metrics import Column, Item, actions, column, read
from kinescribe.records import NO_DEPTH, CameraMotion, Clip, Depth, Facts, Kinematics, Poses, Tracks

__all__ = ["Grounded"]


class Grounding(NamedTuple):
    """What a run says of one caption."""

    true: int
    false: int
    unknown: int
    said: int
    """Facts of the run that the caption states."""
    facts: int


class Grounded:
    """Against a run; the id of an item is the id of a clip."""

    def __init__(self, run: RunReader) -> None:
        self.run = run

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return ``grounded_precision``, ``grounded_recall`` and ``contradicted``, all in [0, 1].

        Raises:
            StoreError: an item is no clip of the run, or one that was not annotated to the end.
        """
        read([Item(item.id, item.candidate) for item in items])
        found = [grounding(item.candidate, self.run.records(item.id), item.id) for item in items]
        judged = [one.true + one.false for one in found]
        return {
            "grounded_precision": column(
                [one.true / n if n else None for one, n in zip(found, judged, strict=True)]
            ),
            "grounded_recall": column([one.said / one.facts if one.facts else None for one in found]),
            "contradicted": column(
                [one.false / n if (n := one.true + one.false + one.unknown) else None for one in found], False
            ),
        }


def grounding(text: str, records: Mapping[type, object], clip_id: str) -> Grounding:
    """Judge a text against the records of its clip.

    Raises:
        StoreError: a record that is needed is missing.
    """
    needed = (Clip, CameraMotion, Tracks, Poses, Kinematics, Facts)
    missing = [kind.__name__ for kind in needed if kind not in records]
    if missing:
        raise StoreError(
            f"clip {clip_id} has no {missing[0]} in this run: give ids of its clips (kinescribe stats RUN lists "
            "them), and annotate it to the end first"
        )
    depth = records.get(Depth, NO_DEPTH)
    assert isinstance(depth, Depth)
    measured = replace(Measurements(*(records[kind] for kind in needed[:5])), depth=depth)  # type: ignore[arg-type]
    tracks, facts = measured.tracks, records[Facts]
    assert isinstance(facts, Facts)
    claims = ground(actions(text), tracks, names(tracks))
    verdicts = [check(claim, measured).holds for claim in claims]
    said = sum(any(states(claim, fact) for claim in claims) for fact in facts.facts)
    return Grounding(
        verdicts.count(True), verdicts.count(False), verdicts.count(None), said, len(facts.facts)
    )
