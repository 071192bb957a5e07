"""Two texts: what agrees, what is lost and why, and the published form beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.checks import compare, kpm
from kinescribe.checks.compare import LOSSES, ORDER_WEIGHT
from kinescribe.checks.published import WEIGHTS, Weights
from kinescribe.language import parse
from kinescribe.language.synonyms import same_verb
from kinescribe.records import Action

REFERENCE = "A man slowly raises his left arm, turns to the right, and then takes two steps forward."
WORSE = {
    "direction": "A man slowly raises his left arm, turns to the left, and then takes two steps forward.",
    "side": "A man slowly raises his right arm, turns to the right, and then takes two steps forward.",
    "repetitions": "A man slowly raises his left arm, turns to the right, and then takes three steps forward.",
    "order": "A man turns to the right, slowly raises his left arm, and then takes two steps forward.",
    "adds": "A man slowly raises his left arm, turns to the right, takes two steps forward, and then jumps.",
    "does not say": "A man slowly raises his left arm and then takes two steps forward.",
    "not raise": "A man does not raise his left arm, turns to the right, and then takes two steps forward.",
    "agent": "A dog slowly raises his left arm, turns to the right, and then takes two steps forward.",
}


@pytest.mark.parametrize("what", WORSE)
def test_a_changed_text_scores_lower_and_says_why(what: str) -> None:
    same = compare(parse(REFERENCE), parse(REFERENCE))
    assert (same.score, same.order, same.reasons) == (1.0, 1.0, ())
    assert [(pair.reference, pair.candidate) for pair in same.pairs] == [(0, 0), (1, 1), (2, 2)]
    worse = compare(parse(REFERENCE), parse(WORSE[what]))
    assert worse.score is not None
    assert worse.score < 0.98
    assert any(what in reason for reason in worse.reasons), worse.reasons


def test_a_paraphrase_scores_like_the_original() -> None:
    other = "The man's left arm is slowly lifted; he turns right and after that steps forward twice."
    assert compare(parse(REFERENCE), parse(other)).score == 1.0


def test_nothing_to_compare_is_none() -> None:
    some = parse("The dog runs to the left.")
    assert compare((), ()).score is None
    assert kpm((), ()) == (None, None, None, None)
    silent, inventive = compare(some, ()), compare((), some)
    assert (silent.score, silent.precision, silent.recall, silent.direction) == (0.0, None, 0.0, None)
    assert (inventive.score, inventive.precision, inventive.recall) == (0.0, 0.0, None)
    assert silent.missing == (0,)
    assert inventive.added == (0,)
    assert compare(some, some).repetitions is None, "neither says how often"


def test_counts_by_hand() -> None:
    reference = parse("The dog runs to the left. The cat jumps.")
    found = compare(reference, parse("The dog runs to the right."))
    assert (found.precision, found.recall, found.agent, found.direction) == (1.0, 0.5, 1.0, 0.0)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.order is None, "one common motion has no order"
    assert found.score == pytest.approx((1 - LOSSES["direction"].contradicted) * 2 / 3)
    published = kpm(reference, parse("The dog runs to the right."))
    assert published.action == pytest.approx(2 / 3)
    assert (published.order, published.direction) == (0.0, 0.0)
    assert published.total == pytest.approx(WEIGHTS.action * 2 / 3)


def test_repeated_actions_are_counted_as_a_multiset() -> None:
    jump = Action("jump", 0, 1, agent="cat")
    thrice = tuple(replace(jump, order=i) for i in range(3))
    assert compare(thrice, thrice[:1]).recall == pytest.approx(1 / 3)
    assert kpm(thrice, thrice[:1]).action == pytest.approx(0.5)


def test_the_published_form_leaves_out_a_term_without_anything_to_count() -> None:
    one = (Action("jump", 0, 1, agent="cat"),)
    assert kpm(one, one) == (1.0, None, None, 1.0)
    swapped = [replace(a, order=1 - i) for i, a in enumerate(parse("The cat jumps. The dog runs."))]
    found = kpm(parse("The cat jumps. The dog runs."), swapped, Weights(0.2, 0.8, 0.0))
    assert found.order == 0.0
    assert found.total == pytest.approx(0.2)


def test_the_published_form_is_blind_to_sides_and_counts() -> None:
    """Why it is not our default."""
    for what in ("side", "repetitions"):
        assert kpm(parse(REFERENCE), parse(WORSE[what])).total == 1.0


def test_synonyms() -> None:
    assert same_verb("raise", "lift")
    assert same_verb("go", "walk")
    assert not same_verb("walk", "run")
    assert not same_verb("raise", "lower")


words = st.sampled_from(["raise", "walk", "turn", "jump", "throw"])
actions = st.lists(
    st.builds(
        Action, predicate=words, start=st.just(0), end=st.just(1), agent=st.sampled_from([None, "man", "dog"]),
        patient=st.sampled_from([None, "left arm", "right arm", "ball"]), count=st.sampled_from([None, 1, 2]),
        direction=st.sampled_from([(), ("left",), ("right",), ("up",)]), order=st.integers(0, 4), negated=st.booleans(),
    ), max_size=6,
)  # fmt: skip


@given(actions, actions)
def test_scores_stay_in_bounds_and_only_equal_texts_score_one(reference: list, candidate: list) -> None:
    found, published = compare(reference, candidate), kpm(reference, candidate)
    for value in (*published, found.score, found.f1, *(getattr(found, name) for name in (*LOSSES, "order"))):
        assert value is None or 0 <= value <= 1 + 1e-9
    assert len(found.pairs) + len(found.missing) == len(reference)
    assert len(found.pairs) + len(found.added) == len(candidate)
    if found.score is not None:
        assert (found.score > 1 - 1e-9) == (not found.reasons)


@given(actions)
def test_a_text_agrees_with_itself(reference: list) -> None:
    found = compare(reference, reference)
    assert found.score in (None, 1.0)
    assert kpm(reference, reference).total in (None, 1.0)


@given(actions.filter(lambda some: len(some) > 1))
def test_a_reversed_text_loses_by_its_order(reference: list) -> None:
    apart = [replace(a, predicate=f"verb{i}", order=i, negated=False) for i, a in enumerate(reference)]
    back = [replace(a, order=-a.order) for a in apart]
    assert compare(apart, back).score == pytest.approx(1 - ORDER_WEIGHT)


def test_once_is_a_number_where_another_is_said() -> None:
    once, thrice, unsaid = (Action("jump", 0, 1, agent="cat", count=n) for n in (1, 3, None))
    assert compare([once], [unsaid]).score == compare([unsaid], [once]).score == 1.0
    assert compare([once], [thrice]).score == pytest.approx(1 - LOSSES["repetitions"].contradicted)
    assert compare([unsaid], [thrice]).score == pytest.approx(1 - LOSSES["repetitions"].one_sided)
