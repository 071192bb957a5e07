"""The measure of lying writers: its lies are lies, and it tells a judge from none."""

from __future__ import annotations

import random

import pytest

from kinescribe.checks import Objection
from kinescribe.stages import caption
from quality import writers
from quality.writers import EXACT, Tally


def tally(*worlds: str) -> Tally:
    found = Tally()
    for name in worlds:
        found += writers.measure((name, 0, EXACT))
    return found


WORLDS = ("pair_approach", "enter_left", "start_stop", "curls_left_elbow")


def worlds() -> tuple[str, ...]:
    return tuple(name for name in WORLDS if name in {**writers.ALL_SCENARIOS, **writers.BODY_SCENARIOS})


def test_lies_are_caught_and_truths_stay() -> None:
    found = tally(*worlds())
    assert found.lies.total() >= 4
    assert found.true >= 20
    assert found.caught == found.lies
    assert found.cut == 0


def test_without_a_judge_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caption, "refuted", lambda text, measured: [])
    found = tally(*worlds())
    assert found.lies.total() >= 4
    assert found.caught.total() == 0
    assert len(found.missed) == found.lies.total()


def test_a_judge_that_refuses_everything_is_told_from_a_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of(text: str, measured: object) -> list[Objection]:
        return [Objection(0, len(text), "no")] if text else []

    monkeypatch.setattr(caption, "refuted", all_of)
    found = tally("pair_approach")
    assert found.caught == found.lies
    assert found.cut == found.true > 0


def test_a_lie_is_never_true_of_another_movement() -> None:
    told = writers._told("back_and_forth_horizontal", 0, EXACT)
    assert told is not None
    rng = random.Random(0)
    made = [line for _ in range(40) for line in writers._lines(told, rng) if line.lie]
    assert made
    assert {line.lie for line in made} == {"count"}, "to and fro is no way that could be turned round"
