"""Captions: nothing that the judge refutes is published; what it cannot tell may be said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from kinescribe.backends.captioners.template import Template
from kinescribe.checks import Measurements
from kinescribe.records import Captions, Facts, MotionFact, Span, Verdict
from kinescribe.stages import caption
from kinescribe.stages.caption import WriteCaptions
from kinescribe.stages.verify import VerifyCaptions
from tests.test_qa import measured_world, parts


def written(measured: Measurements, *facts: MotionFact) -> tuple[Captions, tuple[Verdict, ...]]:
    """What the stage says of facts, and the verdicts on it."""
    captions = WriteCaptions()(*parts(measured), Facts(facts))
    return captions, VerifyCaptions()(*parts(measured), captions).verdicts


def true_move() -> tuple[Measurements, MotionFact]:
    measured, facts = measured_world("move_right", 3)
    return measured, next(f for f in facts.facts if f.predicate == "move" and f.direction == ("right",))


def texts(captions: Captions) -> str:
    return " ".join(one.text for one in captions.captions)


def test_a_refuted_fact_is_not_said() -> None:
    measured, facts = measured_world("move_right", 3)
    turned = tuple(replace(f, direction=("left",)) if f.direction == ("right",) else f for f in facts.facts)
    assert turned != facts.facts
    captions, verdicts = written(measured, *turned)
    assert "to the left" not in texts(captions)
    assert all(verdict.holds is not False for verdict in verdicts)
    assert len(captions.captions[0].claims) == sum(f.direction != ("left",) for f in turned)


def test_when_all_is_refuted_nothing_is_written() -> None:
    measured, move = true_move()
    assert written(measured, replace(move, direction=("left",)))[0].captions == ()


@pytest.mark.parametrize(
    ("wrong", "gone", "kept"),
    [
        ({"trajectory": "zigzag", "magnitude": None}, "zigzag", "to the right"),
        ({"trajectory": None, "magnitude": "slightly"}, "slightly", "to the right"),
        ({"trajectory": "straight", "magnitude": "slightly"}, "slightly", "in a straight line"),
        ({"trajectory": "zigzag", "magnitude": "slightly"}, "zigzag", "to the right"),
    ],
)
def test_a_wrong_attribute_goes_and_the_rest_is_said(wrong: dict[str, Any], gone: str, kept: str) -> None:
    measured, move = true_move()
    assert move.span.duration_s > 1
    captions, verdicts = written(measured, replace(move, **wrong))
    assert gone not in texts(captions)
    assert kept in captions.captions[0].text
    assert verdicts
    assert all(verdict.holds is True for verdict in verdicts)


def test_to_and_fro_does_not_become_a_way() -> None:
    """Without its shape it would say something else."""
    measured, move = true_move()
    swing = replace(move, direction=("left", "right"), trajectory="back_and_forth", count=3, magnitude=None)
    assert written(measured, swing)[0].captions == ()


def test_what_is_not_known_may_be_said() -> None:
    measured, move = true_move()
    raising = MotionFact("f900", move.subject, "raise", Span(0.5, 1.5), part="left_arm", level="limb")
    captions, verdicts = written(measured, raising)
    assert "left arm" in captions.captions[0].text
    assert {verdict.holds for verdict in verdicts} == {None}


def test_a_writer_never_sees_a_refuted_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever writer is asked: the stage chooses what may be said."""
    seen: list[MotionFact] = []

    @dataclass(frozen=True)
    class Spy:
        def __call__(self, clip: Any, tracks: Any, kinematics: Any, facts: Facts) -> list[Any]:
            seen.extend(facts.facts)
            return []

    monkeypatch.setattr(caption, "load", lambda kind, name: Spy)
    measured, move = true_move()
    written(measured, move, replace(move, id="f901", direction=("up",)))
    assert seen == [move]


def test_regions_are_those_that_were_given() -> None:
    measured, facts = measured_world("pair_approach", 3)
    tracks = replace(measured.tracks, given=(1001,))
    drafts = Template()(measured.clip, tracks, measured.kinematics, facts)
    assert [(draft.scope, draft.subject) for draft in drafts] == [("scene", None), ("region", 1001)]
