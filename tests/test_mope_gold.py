"""The rule parser on the project's development captions (../shared/gold/mope): a floor, and the table.

The rules were extended after these captions had been read, so the figure says that nothing is broken, not how well
the parser does on new text; see the paraphrases in ``test_language.py`` and the hidden captions of the project.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from kinescribe.checks import compare
from kinescribe.cli.texts import plain
from kinescribe.language import parse

FLOORS = {
    "action_f1": 0.95, "agent_accuracy": 0.93, "patient_accuracy": 0.95, "direction_f1": 0.93, "order_accuracy": 0.93,
    "count_accuracy": 0.95, "overall": 0.95,
}  # fmt: skip


def _scorer(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("mope_score", folder / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _predicted(gold: dict) -> dict:
    return {"id": gold["id"], "actions": plain(parse(gold["caption"]))}


def test_the_gold_captions(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "gold" / "mope"
    golds = [json.loads(line) for line in (folder / "dev.jsonl").read_text(encoding="utf-8").splitlines()]
    measured = _scorer(folder).score(golds, [_predicted(gold) for gold in golds])
    with capsys.disabled():
        print("\n" + "\n".join(f"{name:30s} {value}" for name, value in measured.items()))
    for name, floor in FLOORS.items():
        assert measured[name] >= floor, name
    assert measured["false_dynamic_rate"] <= 0.05


def test_the_gold_pairs_are_ranked(shared: Path) -> None:
    """Every faithful candidate scores higher than every corrupted one of its group."""
    folder = shared / "gold" / "mope"
    pairs = [
        json.loads(line) for line in (folder / "dev_pairs.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    scores = [
        {"id": p["id"], "score": compare(parse(p["reference"]), parse(p["candidate"])).score} for p in pairs
    ]
    ranked = _scorer(folder).score_pairs(pairs, scores)
    assert ranked["ranking_accuracy_margin"] == 1.0
