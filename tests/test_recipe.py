"""A recipe is checked before anything runs; what it resolves to loads back to the same."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe import pipeline, recipe
from kinescribe.errors import RecipeError
from kinescribe.recipe import IngestSettings, Recipe, RunSettings
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import Frames

ROOT = Path(__file__).parents[1]


def back(made: Recipe) -> Recipe:
    return recipe.resolve(tomllib.loads(recipe.to_toml(made)))


@pytest.mark.parametrize("name", recipe.names())
def test_every_shipped_recipe_loads_and_comes_back(name: str) -> None:
    made = recipe.load(name)
    pipeline.check(list(made.stages.values()))
    assert back(made) == made


def test_the_default_is_all_stages_in_order() -> None:
    made = recipe.load()
    assert made == recipe.load("offline")
    assert list(made.stages) == list(pipeline.STAGES)
    assert (made.ingest, made.run) == (IngestSettings(), RunSettings())


def test_the_shipped_recipes_are_those_of_the_repository() -> None:
    assert recipe.names() == sorted(path.stem for path in (ROOT / "recipes").glob("*.toml"))


def test_a_file_and_overrides(tmp_path: Path) -> None:
    file = tmp_path / "mine ü.toml"
    file.write_text('[track]\nmin_length_s = 2\n[track.options]\nsure_score = 0.5\n[run]\nuntil = "facts"\n')
    changes = ["track.max_gap_s=0.25", "run.seed=7", "qa.seed=3"]
    made = recipe.load(str(file), changes)
    assert list(made.stages)[-1] == "facts"
    assert made.stages["track"].min_length_s == 2.0
    assert isinstance(made.stages["track"].min_length_s, float)
    assert made.stages["track"].max_gap_s == 0.25
    assert made.stages["track"].options == {"sure_score": 0.5}
    assert back(made) == made


def test_the_runs_seed_reaches_stages_that_have_one() -> None:
    assert recipe.load(None, ["run.seed=7"]).stages["qa"].seed == 7
    assert recipe.load(None, ["run.seed=7", "qa.seed=3"]).stages["qa"].seed == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("trak.max_gap_s=1", r'\[trak\].*did you mean "track"'),
        ("track.max_gap=1", r'track\.max_gap: .*did you mean "max_gap_s"'),
        ("track.max_gap_s=soon", r"track\.max_gap_s: expected float, got 'soon'"),
        ("track.max_gap_s=true", r"track\.max_gap_s: expected float, got True"),
        ('track.min_detections="4"', r"track\.min_detections: expected int, got '4'"),
        ("track.min_detections=4.5", r"track\.min_detections: expected int, got 4.5"),
        ("track.max_gap_s=2026-01-01", r"track\.max_gap_s: expected float, got datetime"),
        ("track.backend=1", r"track\.backend: expected str, got 1"),
        ("caption.writers=[1]", r"caption\.writers\.0: expected tuple"),
        ("caption.writers=template", r"caption\.writers: expected tuple"),
        ("camera.options=3", r"camera\.options: expected .*Mapping"),
        ("camera.backend.x=1", "backend is a value, not a table"),
        ("ingest.samples_per_s=0", r"\[ingest\]: samples_per_s must be above 0"),
        ("ingest.start_s=-1", r"\[ingest\]: start_s"),
        ("ingest.max_side=8", r"\[ingest\]: max_side"),
        ("ingest.max_clip_s=0.999", r"\[ingest\]: max_clip_s must be at least 1 s"),
        ("run.until=fact", r'\[run\]: until: no stage "fact"; did you mean "facts"'),
        ("run.workers=-1", r"\[run\]: workers"),
        ("run.clip_timeout_s=0", r"\[run\]: timeouts"),
        ("camera.options.foo=1", r"camera\.options\.foo: no such setting; known: "),
        ("detect.people=foo", r'detect\.people: no backend "foo"; known: blazepose'),
        ("detect.objects=flwo", r'detect\.objects: no backend "flwo"; did you mean "flow"'),
        ("detect.people_options.x=1", r"detect\.people_options\.x: no such setting"),
        ("track.backend=bytetrak", r'track\.backend: .*did you mean "bytetrack"'),
        ("track.options.sure_scor=1", r'track\.options\.sure_scor: .*did you mean "sure_score"'),
        ("track.options.sure_score=x", r"track\.options\.sure_score: expected float, got 'x'"),
        ("pose.backend=", r'pose\.backend: no backend ""; known: detected'),
        ('caption.writers=["nope"]', r'caption\.writers: no backend "nope"'),
        (
            "caption.options.templat.x=1",
            r'caption\.options\.templat: no such writer; did you mean "template"',
        ),
        ("track=1", r"expected table\.key=value, e\.g\. ingest\.max_side=640"),
        ("track.max_gap_s", "expected table.key=value"),
        ("track..x=1", "expected table.key=value"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(change: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        recipe.load(None, [change])


def test_the_example_of_the_hint_is_true() -> None:
    assert recipe.load(None, ["ingest.max_side=640"]).ingest.max_side == 640


def test_a_detector_can_be_switched_off_and_a_backend_come_from_outside() -> None:
    assert recipe.load(None, ["detect.people=", "detect.objects="]).stages["detect"].people == ""
    made = recipe.load(None, ["camera.backend=fractions:Fraction", "camera.options.numerator=1"])
    assert made.stages["camera"].backend == "fractions:Fraction"


def test_a_setting_is_no_table_and_a_table_no_setting(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="max_gap_s is a value"):
        recipe.load(None, ["track.max_gap_s=1", "track.max_gap_s.x=1"])
    file = tmp_path / "a.toml"
    file.write_text("track = 3\n")
    with pytest.raises(RecipeError, match=r"track must be a table"):
        recipe.load(str(file))
    file.write_text("[verify]\nx = 1\n")
    with pytest.raises(RecipeError, match=r"verify\.x: no such setting"):
        recipe.load(str(file), ["run.until=facts"])  # checked although it is left out


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match='no recipe "ofline"; did you mean "offline"'):
        recipe.load("ofline")
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        recipe.load(str(tmp_path / "no.toml"))
    (tmp_path / "bad.toml").write_text("[track\n")
    with pytest.raises(RecipeError, match="is not TOML"):
        recipe.load(str(tmp_path / "bad.toml"))


@given(
    samples=st.floats(0.1, 1e3),
    end=st.floats(1, 1e9) | st.just(math.inf),
    seed=st.integers(-(2**63), 2**63 - 1),
    until=st.sampled_from(["", *pipeline.STAGES]),
    gap=st.floats(allow_nan=False),
    options=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.booleans()
        | st.integers(-9, 9)
        | st.floats(allow_nan=False)
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
        | st.lists(st.integers(0, 5), max_size=3),
        max_size=3,
    ),
)
def test_any_recipe_comes_back(
    samples: float, end: float, seed: int, until: str, gap: float, options: dict[str, Any]
) -> None:
    made = recipe.resolve(
        {
            "ingest": {"samples_per_s": samples, "end_s": end},
            "run": {"seed": seed, "until": until},
            "track": {"max_gap_s": gap},
            "camera": {"options": options},
        }
    )
    assert back(made) == made


def test_none_is_left_out_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Look:
        limit: float | None = None
        nested: tuple[tuple[int, ...], ...] = ((1, 2), ())
        options: dict[str, Any] = field(default_factory=dict)

        def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
            raise NotImplementedError

    monkeypatch.setitem(pipeline.STAGES, "camera", Look)
    made = recipe.resolve({"run": {"until": "camera"}})
    assert made.stages == {"camera": Look()}
    assert back(made) == made
    some = recipe.resolve({"run": {"until": "camera"}, "camera": {"limit": 1, "nested": [[3]]}})
    assert some.stages["camera"] == Look(1.0, ((3,),))
    assert back(some) == some


def test_lists_of_options_are_what_backends_declare() -> None:
    """A backend's field is a tuple; a recipe's TOML has only lists."""
    chosen = recipe.load(
        None, ["detect.named=grounding_dino", 'detect.named_options={names = ["cup", "ball"]}']
    )
    assert chosen.stages["detect"].named_options == {"names": ("cup", "ball")}
    assert recipe.resolve(recipe.to_tables(chosen)) == chosen
