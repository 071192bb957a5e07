"""Captions made false: one known difference each, read back by the parser; and the set that a run exports."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.checks import compare
from kinescribe.corruptions import KINDS, corrupt
from kinescribe.language import parse

REFERENCE = "A man slowly raises his left arm, turns to the right, and then takes two steps forward."
TIMED = (
    "Object 1 moves to the left from 0.0 s to 2.1 s, pauses from 2.1 s to 3.2 s, and then moves to the right from "
    "3.3 s to 5.0 s. From 1.0 s to 3.0 s, object 2 moves up and down three times."
)


def test_all_kinds_where_the_text_allows_them() -> None:
    made = {c.kind: c for c in corrupt(REFERENCE + " A dog jumps three times.")}
    assert set(made) == set(KINDS)
    assert "right arm" in made["wrong_side"].text
    assert compare(parse(REFERENCE), parse(REFERENCE)).score == 1.0


@pytest.mark.parametrize(
    "text", [REFERENCE, TIMED, "The girl picks up the ball, throws it to her brother, and runs away."]
)
def test_each_corruption_is_read_back_as_its_kind(text: str) -> None:
    attribute = {
        "wrong_direction": "direction",
        "wrong_side": "side",
        "wrong_count": "repetitions",
        "wrong_agent": "agent",
    }
    for made in corrupt(text):
        match = compare(parse(text), parse(made.text))
        assert match.score is not None
        assert match.score < 1, made
        if made.kind in attribute:
            assert {name for pair in match.pairs for name in pair.differs} == {attribute[made.kind]}
            assert not match.missing
            assert not match.added
        if made.kind == "added_action":
            assert len(match.added) == 1
        if made.kind == "swapped_order":
            assert match.order is not None
            assert match.order < 1


def test_times_are_the_order_where_they_are_given() -> None:
    (made,) = corrupt(TIMED, kinds=["swapped_order"])
    assert made.text.count(" s") == TIMED.count(" s")
    assert "before" in made.changed


def test_fixed_phrases_stay() -> None:
    fixed = "The cup moves up and down twice. A man picks up the cup."
    assert list(corrupt(fixed, kinds=["wrong_direction"])) == []
    assert list(corrupt(f"{fixed} The dog walks to the left.", kinds=["wrong_direction"]))


def test_the_seed_chooses_and_is_all_that_chooses() -> None:
    assert corrupt(TIMED, seed=1) == corrupt(TIMED, seed=1)
    assert len({str(corrupt(TIMED, seed=s)) for s in range(5)}) > 1


def test_an_unknown_kind_lists_the_known() -> None:
    with pytest.raises(ValueError, match="added_action"):
        corrupt(REFERENCE, kinds=["wrong_colour"])


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    for made in corrupt(text):
        assert made.text != text


def test_what_a_text_says_is_no_addition() -> None:
    for seed in range(12):
        (made,) = corrupt("A man waves.", seed, ("added_action",))
        assert made.text.count("waves") == 1
