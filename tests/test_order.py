"""Order that a text states: read from its words, and held against the measurements."""

from __future__ import annotations

import itertools

import pytest

from kinescribe.checks import Measurements, check_all, claims_of, in_order, refuted
from kinescribe.language import names, parse
from kinescribe.language.render import phrase
from kinescribe.records import CAMERA, Captions, Facts, MotionFact
from kinescribe.stages.caption import WriteCaptions
from kinescribe.stages.verify import VerifyCaptions
from tests.test_qa import WORLDS, measured_world, parts


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("The man jumps, then walks left.", [None, 0]),
        ("The man jumps. Then he walks left.", [None, 0]),
        ("The man jumps. After that, he walks left.", [None, 0]),
        ("The man jumps and finally walks left.", [None, 0]),
        ("The man jumps before walking left.", [None, 0]),
        ("Before the man jumps, he walks left.", [1, None]),
        ("After jumping, the man walks left.", [None, 0]),
        ("The man walks left after he jumps.", [1, None]),
        ("Once the ball stops, the man kicks it.", [None, 0]),
        # No word says which is first.
        ("The man jumps and walks left.", [None, None]),
        ("The man jumps. The man walks left.", [None, None]),
        ("The man jumps while the dog runs.", [None, None]),
        ("The man jumps when the car stops.", [None, None]),
        ("The man walks next to the wall and jumps.", [None, None]),
        ("The man jumps. Next to him, the dog runs.", [None, None]),
    ],
)
def test_only_words_that_say_so_give_an_order(text: str, after: list[int | None]) -> None:
    assert [action.after for action in parse(text)] == after


def pairs() -> list[tuple[str, int, MotionFact, MotionFact]]:
    found = []
    for world, seed in WORLDS:
        _, facts = measured_world(world, seed)
        told = [
            fact for fact in facts.facts if fact.subject != CAMERA and fact.predicate not in ("stay", "pause")
        ]
        found += [
            (world, seed, one, two)
            for one, two in itertools.combinations(told, 2)
            if one.span.end_s <= two.span.start_s + 0.05 and one.predicate != two.predicate
        ]
    return found


def says(measured: Measurements, fact: MotionFact) -> str:
    called = names(measured.tracks)
    said = phrase(fact, None if fact.object is None else called[fact.object], variant=0)
    return f"{called[fact.subject].capitalize()} {said}."


def test_what_happens_one_after_the_other_is_told_from_the_other_way_round() -> None:
    cases = pairs()
    assert len(cases) >= 8
    for world, seed, one, two in cases:
        measured, _ = measured_world(world, seed)
        first, second = says(measured, one), says(measured, two)
        for text, holds in ((f"{first} Then {second}", True), (f"{second} Then {first}", False)):
            judged = check_all(claims_of(text, measured.tracks), measured)
            assert judged[-1].holds is holds, (world, text, judged[-1].why)
            assert bool(refuted(text, measured)) is not holds
        # Without a word for it, no order is stated.
        assert refuted(f"{second} {first}", measured) == []


def test_what_lasts_may_stand_in_either_order() -> None:
    measured, _ = measured_world("pair_approach", 3)
    claims = claims_of("The object moves to the right. Then the box stays still.", measured.tracks)
    assert in_order(*claims, measured).holds is True
    assert in_order(*reversed(claims), measured).holds is True


def test_verdicts_see_the_order() -> None:
    world, seed, one, two = pairs()[0]
    measured, _ = measured_world(world, seed)
    text = f"{says(measured, two)} Then {says(measured, one)}"
    made = WriteCaptions()(*parts(measured), Facts((one, two))).captions[0]
    claims = claims_of(text, measured.tracks)
    caption = type(made)(text, "scene", "test", claims)
    found = VerifyCaptions()(*parts(measured), Captions((caption,))).verdicts
    assert [verdict.holds for verdict in found] == [True, False]
    assert "the other way round" in found[-1].why


def test_a_rest_in_an_order_need_not_last() -> None:
    world, seed = next(w for w in WORLDS if w[0] == "start_stop")
    measured, _ = measured_world(world, seed)
    tracks = measured.tracks
    for text, holds in (
        ("The object stays in place, and then moves.", [True, True]),
        ("The object stays in place.", [False]),
        ("The object moves. Then it stays in place.", [True, True]),
    ):
        assert [j.holds for j in check_all(claims_of(text, tracks), measured)] == holds, text
    moved, seed = next(w for w in WORLDS if w[0].startswith("move_"))
    always, _ = measured_world(moved, seed)
    text = "The object stays in place, and then moves."
    assert check_all(claims_of(text, always.tracks), always)[0].holds is False
