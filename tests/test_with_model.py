"""The whole path with an endpoint: scene and region captions, questions, and a line that goes dead half way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kinescribe.records import Captions, Questions, Verdicts
from kinescribe.runs.store import Run
from tests import worlds
from tests.loopback import Act, Loopback, refuses, says

ROOT = Path(__file__).parents[1]
TRUE = "The camera stays still."
LIE = "The camera pans to the left."
WRITERS = '["foundationmotion", "kpm", "motionatlas"]'


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = worlds.SCENARIOS["pair_approach"](3)
    return worlds.write_video(world, tmp_path_factory.mktemp("film") / "a.mp4", 10)


def filled(schema: dict[str, Any], said: str, whole: dict[str, Any] | None = None) -> Any:
    """Return an answer that fits a schema: every text says the same, lists are as short as may be."""
    whole = whole or schema
    if "$ref" in schema:
        return filled(whole["$defs"][schema["$ref"].rsplit("/", 1)[1]], said, whole)
    if "enum" in schema:
        return schema["enum"][0]
    for choice in schema.get("anyOf", ()):
        return filled(choice, said, whole)
    kind = schema.get("type")
    if kind == "object":
        return {name: filled(part, said, whole) for name, part in schema["properties"].items()}
    if kind == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})] * schema.get("minItems", 0)
        return [filled(item, said, whole) for item in items]
    return {"integer": 1, "number": 1.0, "boolean": True, "null": None}.get(kind, said)


def answers(said: str) -> Any:
    def behaviour(body: dict[str, Any], number: int) -> Act:
        form = body.get("response_format", {}).get("json_schema", {}).get("schema")
        return says(said if form is None else json.dumps(filled(form, said)))

    return behaviour


def annotate(film: Path, out: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    settings = (
        f"caption.writers={WRITERS}", f"caption.model=openai:m@{url}", f"qa.model=openai:m@{url}",
        'qa.families=["foundationmotion", "kpm", "motionatlas"]', "caption.rounds=1", "detect.people=",
        "caption.calls={attempts = 1, repairs = 0, dead_after = 2, dead_s = 0}",
        "qa.calls={attempts = 1, repairs = 0, dead_after = 2, dead_s = 0}", *more,
    )  # fmt: skip
    flags = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "kinescribe", "annotate", str(film), "--out", str(out), "--workers", "1"]
    return subprocess.run([*command, *flags], cwd=ROOT, capture_output=True, text=True, check=False)


def records(out: Path) -> dict[type, Any]:
    with Run.open(out) as run:
        (clip,) = run.clips()
        return run.records(clip.id)


def exported(out: Path, folder: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "kinescribe", "export", str(out), "--to", "jsonl", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return [json.loads(line) for line in (folder / "captions.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_scenes_regions_and_questions_with_an_endpoint_that_lies(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with Loopback(answers(f"{TRUE} {LIE}")) as endpoint:
        done = annotate(film, out, endpoint.url)
        assert done.returncode == 0, done.stderr
        asked = len(endpoint.asked)
        assert asked > 10
        assert annotate(film, out, endpoint.url).returncode == 0
        assert len(endpoint.asked) == asked, "nothing is asked twice"
    got = records(out)
    captions = got[Captions].captions
    scenes = {c.source: c for c in captions if c.scope == "scene"}
    assert {"foundationmotion", "kpm"} <= scenes.keys()
    assert TRUE in scenes["foundationmotion"].text
    assert any(c.scope == "region" for c in captions)
    assert all(LIE not in c.text for c in captions), "what is contradicted is cut"
    assert all(c.edits for c in captions if c.source != "template")
    assert all(verdict.holds is not False for verdict in got[Verdicts].verdicts)
    assert len(exported(out, tmp_path / "data")) == len(captions)
    # A model that chooses the first option knows nothing: what it "answers" without the video is luck.
    questions = got[Questions].questions
    assert questions
    assert all(len({*q.options}) == 4 for q in questions)


@pytest.mark.slow
def test_a_line_that_goes_dead_half_way_loses_nothing(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    alive = answers(TRUE)

    def dies(body: dict[str, Any], number: int) -> Act:
        return alive(body, number) if number < 5 else refuses(503)

    with Loopback(dies) as endpoint:
        done = annotate(film, out, endpoint.url)
        assert done.returncode == 1
        assert "run again" in done.stdout + done.stderr
    assert Captions not in records(out)
    with Loopback(alive, port=endpoint.port) as again:
        assert annotate(film, out, again.url).returncode == 0
        whole = len(again.asked)
    fresh = tmp_path / "fresh"
    with Loopback(alive) as endpoint:
        assert annotate(film, fresh, endpoint.url).returncode == 0
        assert whole <= len(endpoint.asked) - 4, "what was answered before the line died is not asked again"
    assert records(out)[Captions] == records(fresh)[Captions]
    assert records(out)[Questions] == records(fresh)[Questions]
