"""How metrics are validated: the area by hand, and candidates that are what they are called."""

from __future__ import annotations

import numpy as np
import pytest

from kinescribe.checks import compare
from kinescribe.language import parse
from quality.metrics import auc, candidates


def test_the_area_by_hand() -> None:
    assert auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auc(np.array([0.0]), np.array([1.0])) == 0.0
    assert auc(np.array([1.0, 1.0]), np.array([1.0])) == 0.5
    assert auc(np.array([1.0, 3.0]), np.array([2.0])) == pytest.approx(0.5)


def test_honest_candidates_say_the_same_in_other_words() -> None:
    found = list(candidates([0]))[:40]
    assert {c.kind for c in found} > {"honest", "wrong_direction"}
    for candidate in found:
        score = compare(parse(candidate.reference), parse(candidate.text)).score
        assert candidate.text != candidate.reference
        assert (score == 1.0) == (candidate.kind == "honest"), candidate
