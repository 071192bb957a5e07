"""The Parquet export: rows, types, splits, and a card that names what is there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.errors import RecipeError, StoreError
from kinescribe.exporters import parquet
from kinescribe.records import Clip, Question, Questions, Span
from kinescribe.vocabulary import CHECKLIST
from tests import built_run, fake_run
from tests.fake_run import FakeRun, run_of


def streets(number: int, clips: int = 1) -> FakeRun:
    return run_of(*(
        fake_run.renamed(
            fake_run.street(), f"clip{v:03d}{c}", source=f"v{v:03d}.mp4", source_sha256=f"{v:064x}",
            start_s=3.0 * c, end_s=3.0 * c + 3,
        )
        for v in range(number) for c in range(clips)
    ))  # fmt: skip


def rows(folder: Path, config: str, split: str = "train") -> list[dict[str, Any]]:
    return pq.read_table(folder / config / f"{split}.parquet").to_pylist()


def front(folder: Path) -> dict[str, dict[str, str]]:
    """Read the front matter's configurations: name to split to path."""
    head = (folder / "README.md").read_text("utf-8").split("---\n")[1]
    configs: dict[str, dict[str, str]] = {}
    for line in head.splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(": ")
        if key == "config_name":
            configs[value] = splits = {}
        elif key == "split":
            split = value
        elif key == "path":
            splits[split] = value
    return configs


def test_captions_with_verdicts(tmp_path: Path) -> None:
    told = parquet.export(run_of(fake_run.street()), tmp_path, contradicted=True)
    assert (told.clips, told.contradicted) == (1, 0)
    scene, region = rows(tmp_path, "captions")
    assert (scene["num_claims"], scene["num_holds"], scene["num_contradicted"], scene["num_unknown"]) == (
        3,
        1,
        1,
        1,
    )
    assert [verdict["holds"] for verdict in scene["verdicts"]] == [True, False, None]
    verdict = scene["verdicts"][1]
    assert scene["text"][verdict["start"] : verdict["end"]] == verdict["claim"] == "The car falls."
    assert (region["subject"], region["subject_label"], region["scope"]) == (1000, "car", "region")
    assert (scene["subject"], scene["subject_label"]) == (None, None)
    assert (scene["clip_start_s"], scene["clip_end_s"], scene["writer"]) == (0.0, 3.0, "template")


def test_contradicted_captions_are_left_out(tmp_path: Path) -> None:
    assert parquet.export(run_of(fake_run.street()), tmp_path).contradicted == 1
    assert [row["text"] for row in rows(tmp_path, "captions")] == ["A quiet street."]
    assert "are left out" in (tmp_path / "README.md").read_text("utf-8")


def test_questions(tmp_path: Path) -> None:
    parquet.export(run_of(fake_run.street()), tmp_path)
    first, second = rows(tmp_path, "qa")
    assert first["options"] == ["left", "right", "up", "down"]
    assert (first["answer_index"], first["answer"], first["subject_label"]) == (1, "right", "person")
    assert (second["answer"], second["t_start"], second["roles"]) == ("the car", None, [])
    assert not (tmp_path / "checklist").exists()


def test_checklist_questions_are_a_configuration_of_their_own(tmp_path: Path) -> None:
    records = fake_run.street()
    asked = Question(
        CHECKLIST, "Which?", tuple("abcde"), 4, 0, "f3", "why", "t", Span(1, 2), ("content",) * 5
    )
    records[Questions] = Questions((*records[Questions].questions, asked))
    told = parquet.export(run_of(records), tmp_path)
    assert told.unfit == 0
    (row,) = rows(tmp_path, "checklist")
    assert (row["options"], row["answer"], row["t_start"], row["template"]) == (list("abcde"), "e", 1.0, "t")
    assert len(rows(tmp_path, "qa")) == 2
    assert set(front(tmp_path)) == {"captions", "qa", "checklist"}


def test_types_are_declared_for_arrow_and_for_datasets(tmp_path: Path) -> None:
    parquet.export(run_of(fake_run.street()), tmp_path)
    for config in ("captions", "qa"):
        schema = pq.read_schema(tmp_path / config / "train.parquet")
        assert schema.names == [column.name for column in parquet.COLUMNS[config]]
        assert [field.type for field in schema] == [column.type for column in parquet.COLUMNS[config]]
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        assert list(features) == schema.names
    assert features["options"] == [{"dtype": "string", "_type": "Value"}]
    assert features["answer_index"] == {"dtype": "int32", "_type": "Value"}
    captions = pq.read_schema(tmp_path / "captions" / "train.parquet")
    features = json.loads(captions.metadata[b"huggingface"])["info"]["features"]
    assert features["verdicts"][0]["holds"] == {"dtype": "bool", "_type": "Value"}


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS", 7)
    parquet.export(streets(10), tmp_path)
    read = pq.ParquetFile(tmp_path / "qa" / "train.parquet").metadata
    assert [read.row_group(i).num_rows for i in range(read.num_row_groups)] == [7, 7, 6]
    assert len({row["clip_id"] for row in rows(tmp_path, "qa")}) == 10


# --- splits -------------------------------------------------------------------------------------------------


def test_no_video_is_in_two_splits_and_shares_are_met(tmp_path: Path) -> None:
    run = streets(20, clips=2)
    parquet.export(run, tmp_path, split="validation=0.1,test=0.25", seed=3)
    videos = {
        split: {row["video"] for row in rows(tmp_path, "qa", split)}
        for split in ("train", "validation", "test")
    }
    assert {split: len(found) for split, found in videos.items()} == {"train": 13, "validation": 2, "test": 5}
    assert len(set.union(*videos.values())) == 20
    for split, found in videos.items():
        assert {row["video"] for row in rows(tmp_path, "captions", split)} == found
    assert front(tmp_path)["qa"] == {split: f"qa/{split}.parquet" for split in videos}


def test_the_draw_hangs_on_the_seed() -> None:
    videos = {f"{i:064x}" for i in range(50)}
    first, again, other = (parquet.splits(videos, {"test": 0.2}, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@given(st.sets(st.text(max_size=4), max_size=40), st.floats(0.01, 0.6), st.floats(0.01, 0.39), st.integers())
def test_every_video_has_one_split(videos: set[str], a: float, b: float, seed: int) -> None:
    place = parquet.splits(videos, {"a": a, "b": b}, seed)
    assert set(place) == videos
    for name, share in (("a", a), ("b", b)):
        assert abs(sum(split == name for split in place.values()) - share * len(videos)) <= 1


@pytest.mark.parametrize(
    "split",
    [
        "test",
        "test=x",
        "train=0.1",
        "a/b=0.1",
        "../x=0.1",
        "test=0",
        "test=1",
        "a=0.5,b=0.5",
        "test=nan",
        "=0.1",
    ],
)
def test_a_split_that_cannot_be_is_refused(split: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="split"):
        parquet.export(streets(2), tmp_path, split=split)
    assert not list(tmp_path.rglob("*.parquet"))


# --- files --------------------------------------------------------------------------------------------------


def spoilt() -> dict[type, Any]:
    records = fake_run.renamed(fake_run.street(), "zzz", source="z.mp4", source_sha256="2" * 64)
    return {
        **records,
        Questions: Questions((Question("motion_object", "What?", tuple("abc"), 0, None, None, ""),)),
    }


def test_an_export_that_breaks_off_leaves_the_one_before(tmp_path: Path) -> None:
    parquet.export(streets(3), tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(StoreError, match="3 options"):
        parquet.export(run_of(fake_run.street(), spoilt()), tmp_path, split="test=0.5")
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        parquet.export(streets(5), tmp_path / name, split="test=0.4")
    for file in (tmp_path / "a").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_splits_of_before_do_not_linger(tmp_path: Path) -> None:
    parquet.export(streets(4), tmp_path, split="test=0.5")
    (tmp_path / "qa" / "mine.parquet").write_bytes((tmp_path / "qa" / "test.parquet").read_bytes())
    foreign = tmp_path / "captions" / "foreign.parquet"
    pq.write_table(pq.read_table(tmp_path / "qa" / "train.parquet").replace_schema_metadata({}), foreign)
    parquet.export(streets(4), tmp_path)
    assert not (tmp_path / "qa" / "test.parquet").exists()
    assert foreign.exists()
    assert set(front(tmp_path)["qa"]) == {"train"}


def test_texts_from_outside(tmp_path: Path) -> None:
    records = fake_run.hostile()
    records[Clip] = replace(records[Clip], source="a\udcff.mp4")
    parquet.export(run_of(records), tmp_path)
    (row,) = rows(tmp_path, "qa")
    assert row["options"][:2] == [fake_run.INJECTION, fake_run.UNICODE]
    assert row["video"] == "a\\udcff.mp4"


def test_the_card_tells_what_made_it(tmp_path: Path) -> None:
    from kinescribe.runs.store import Run

    built_run.build(tmp_path / "run", [fake_run.street()])
    (tmp_path / "run" / "run.toml").open("a").write("# ```\n---\n")
    with Run.open(tmp_path / "run") as run:
        parquet.export(run, tmp_path / "out", seed=5)
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "- seed: `5`" in card
    assert "# license:" in card
    assert "| captions | train | 1 |" in card
    assert "\n````toml\n" in card
    made = json.loads(pq.read_schema(tmp_path / "out" / "qa" / "train.parquet").metadata[b"kinescribe"])
    assert len(made["recipe_sha256"]) == 64
    assert made["recipe_sha256"] in card


def test_a_run_without_texts_is_a_card(tmp_path: Path) -> None:
    told = parquet.export(run_of(fake_run.empty()), tmp_path)
    assert told.clips == 1
    assert [file.name for file in told.files] == ["README.md"]
    assert not list(tmp_path.rglob("*.parquet"))
    assert front(tmp_path) == {}


def test_a_split_without_rows_has_no_file(tmp_path: Path) -> None:
    """``datasets`` refuses it."""
    parquet.export(streets(3), tmp_path, split="test=0.1")
    assert front(tmp_path) == {config: {"train": f"{config}/train.parquet"} for config in ("captions", "qa")}
    assert {file.name for file in tmp_path.rglob("*.parquet")} == {"train.parquet"}
