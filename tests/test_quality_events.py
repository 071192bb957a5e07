"""Events that people list: what counts as found, and what is drawn to be read."""

from __future__ import annotations

from collections import Counter

from quality.events import Found, Listed, measure, sample_missed

ITEM = Listed(
    "one",
    "A man walks to the door and opens it.",
    ("A man walks to the door.", "The man opens the door.", "The man walks again.", "The man jumps."),
)


def test_an_action_stands_for_one_event() -> None:
    found = measure([ITEM])
    assert (found.events, found.found, found.actions, found.unread) == (4, 2, 2, 0)
    assert [event for _, event in found.missed][-1] == "The man jumps."
    assert found.lemmas == Counter(walk=1, jump=1)


def test_what_is_drawn_is_missed_and_repeats_with_the_seed() -> None:
    missed = tuple((f"clip {n}", f"event {n}") for n in range(40))
    found = Found(1, 40, 0, 0, 0, missed, Counter())
    drawn = sample_missed(found, 25)
    assert drawn == sample_missed(found, 25, seed=0) != sample_missed(found, 25, seed=1)
    assert len(set(drawn)) == 25
    assert set(drawn) <= set(missed)
    assert sorted(sample_missed(found, 99)) == sorted(missed)
