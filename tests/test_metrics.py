"""Caption metrics: figures by hand, unknown values that are never zero, and the command that prints them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kinescribe import plugins
from kinescribe.cli.app import app
from kinescribe.errors import BackendError, ParseError, StoreError
from kinescribe.metrics import Column, Item, Metric, mean_interval
from kinescribe.metrics.bert import Bert
from kinescribe.metrics.density import Density
from kinescribe.metrics.mo_hall import MoHall
from kinescribe.metrics.motion import Motion
from kinescribe.metrics.rouge import longest_common, rouge_l

REFERENCE = "A man slowly raises his left arm, turns to the right, and then takes two steps forward."
WRONG_SIDE = REFERENCE.replace("left arm", "right arm")
run = CliRunner()


def test_every_metric_keeps_the_contract() -> None:
    items = [Item("a", REFERENCE, (REFERENCE,), 4.0), Item("b", "", (), None)]
    for name in plugins.names("metrics"):
        if name in ("grounded", "bert"):
            continue  # need a run, a model
        if name == "bleu":
            pytest.importorskip("sacrebleu")
        metric = plugins.load("metrics", name)()
        assert isinstance(metric, Metric)
        for column in metric(items).values():
            assert isinstance(column, Column)
            assert len(column.values) == len(items)
            assert column.whole is None or column.whole.low <= column.whole.value <= column.whole.high


def test_motion_sees_sides_and_mo_hall_does_not() -> None:
    items = [Item("a", WRONG_SIDE, (REFERENCE,))]
    assert Motion()(items)["motion"].values[0] == pytest.approx(0.8)
    assert Motion()(items)["motion_side"].values == (0.0,)
    assert MoHall()(items)["mo_hall"].values == (1.0,)


def test_the_nearest_reference_counts_and_none_is_unknown() -> None:
    items = [Item("a", REFERENCE, (WRONG_SIDE, REFERENCE)), Item("b", REFERENCE), Item("c", "", ("",))]
    assert Motion()(items)["motion"].values == (1.0, None, None)
    assert MoHall()(items)["mo_hall"].values == (1.0, None, None)


def test_density() -> None:
    found = Density()([Item("a", "A man jumps. He does not run.", (), 2.0), Item("b", "", ())])
    assert found["motions"].values == (1.0, 0.0)
    assert found["words"].values == (7.0, 0.0)
    assert found["words_per_s"].values == (3.5, None)
    assert found["motions"].higher_is_better is None


def test_the_interval_is_a_bootstrap_of_the_known_values() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.5, 0.1, 400)
    found = mean_interval([*values.tolist(), None, None])
    assert found is not None
    assert found.value == pytest.approx(values.mean())
    error = values.std() / np.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert found == mean_interval(values.tolist())
    assert mean_interval([None]) is None


# --- words ----------------------------------------------------------------------------------------------------

words = st.lists(st.sampled_from("abcd"), max_size=40)


@given(words, words)
def test_the_longest_common_subsequence_is_that_of_the_table(one: list[str], two: list[str]) -> None:
    table = np.zeros((len(one) + 1, len(two) + 1), int)
    for i, a in enumerate(one):
        for j, b in enumerate(two):
            table[i + 1, j + 1] = table[i, j] + 1 if a == b else max(table[i, j + 1], table[i + 1, j])
    assert longest_common(one, two) == table[-1, -1]


def test_rouge_by_hand() -> None:
    assert rouge_l("the cat sat", "A cat, sat!") == pytest.approx(2 / 3)
    assert rouge_l("the cat sat", "") == 0.0


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_rouge_is_that_of_the_package(one: str, two: str) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="published as source only")
    theirs = scorer.RougeScorer(["rougeL"], use_stemmer=False).score(one, two)["rougeL"].fmeasure
    assert rouge_l(one, two) == pytest.approx(theirs)


def test_bleu_is_that_of_sacrebleu() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    from kinescribe.metrics.bleu import Bleu

    texts, references = (
        ["the cat sat on the mat", "a dog runs"],
        ["the cat sat on a mat", "the dog runs fast"],
    )
    items = [
        Item(str(i), *pair) for i, pair in enumerate(zip(texts, [(r,) for r in references], strict=True))
    ]
    found = Bleu()([*items, Item("none", "a text without a reference")])
    assert found["bleu_4"].whole is not None
    expected = sacrebleu.corpus_bleu(texts, [references]).score / 100
    assert found["bleu_4"].whole.value == pytest.approx(expected)
    assert found["bleu_1"].values[0] == pytest.approx(5 / 6)
    assert found["bleu_1"].values[2] is None


def test_bert_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="--bert-model"):
        Bert()([Item("a", "b", ("c",))])
    with pytest.raises(BackendError, match="pip install bert-score"):
        pytest.importorskip("bert_score") if False else Bert(str(tmp_path))([Item("a", "b", ("c",))])


# --- commands -------------------------------------------------------------------------------------------------


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_score_captions(tmp_path: Path) -> None:
    given_rows = lines(
        tmp_path / "in.jsonl",
        {"id": "a", "candidate": WRONG_SIDE, "reference": REFERENCE, "seconds": 5},
        {"id": "b", "candidate": REFERENCE, "references": [REFERENCE]},
    )
    out = tmp_path / "out.jsonl"
    done = run.invoke(app, ["score", "captions", "--jsonl", str(given_rows), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    whole = json.loads(done.stdout)
    assert whole["items"] == 2
    assert whole["metrics"]["motion"]["value"] == pytest.approx(0.9)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["motion"] for row in rows] == [pytest.approx(0.8), 1.0]
    assert rows[1]["words_per_s"] is None
    table = run.invoke(app, ["score", "captions", "--jsonl", str(given_rows), "--metric", "mo_hall"])
    assert "mo_hall_order" in table.stdout


def test_score_pairs_and_parse_in_batches(tmp_path: Path) -> None:
    rows = lines(
        tmp_path / "in.jsonl",
        {"id": 7, "reference": REFERENCE, "candidate": WRONG_SIDE, "caption": REFERENCE},
    )
    out = tmp_path / "out.jsonl"
    assert run.invoke(app, ["score", "pairs", "--jsonl", str(rows), "--out", str(out)]).exit_code == 0
    assert json.loads(out.read_text()) == {"id": 7, "score": pytest.approx(0.8)}
    assert run.invoke(app, ["parse", "--jsonl", str(rows), "--out", str(out)]).exit_code == 0
    (row,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert row["id"] == 7
    assert [a["predicate"] for a in row["actions"]] == ["raise", "turn", "step"]
    assert [a["order_index"] for a in row["actions"]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": 1, "candidate": "a"', "in.jsonl:1: not JSON"),
        ("[1]", "an object is expected, not list"),
        ('\n{"id": 1}', 'in.jsonl:2: "candidate" is missing'),
        ('{"id": 1, "candidate": 3}', '"candidate" is missing or no text'),
        ('{"id": 1, "candidate": "a", "references": [3]}', '"references" must be texts'),
        ('{"id": 1, "candidate": "a", "references": 5}', '"references" must be texts'),
        ('{"id": 1, "candidate": "a", "references": {"x": "b"}}', '"references" must be texts'),
        ('{"id": 1, "candidate": "a", "seconds": "12"}', '"seconds" must be a number above 0'),
        ('{"id": 1, "candidate": "a", "seconds": NaN}', "NaN is no JSON"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, content: str, message: str) -> None:
    bad = tmp_path / "in.jsonl"
    bad.write_text(content)
    done = run.invoke(app, ["score", "captions", "--jsonl", str(bad)])
    assert isinstance(done.exception, ParseError)
    assert message in str(done.exception)


def test_a_wrong_metric_names_the_nearest(tmp_path: Path) -> None:
    rows = lines(tmp_path / "in.jsonl", {"id": 1, "candidate": "a"})
    done = run.invoke(app, ["score", "captions", "--jsonl", str(rows), "--metric", "rogue"])
    assert done.exit_code == 2
    assert "rouge" in done.output


def test_an_unfinished_clip_is_named(tmp_path: Path) -> None:
    from kinescribe.metrics.grounded import grounding

    with pytest.raises(StoreError, match="clip x has no Clip"):
        grounding("A man jumps.", {}, "x")
