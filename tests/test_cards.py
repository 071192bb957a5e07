"""What backends say of themselves: cards, what `kinescribe doctor` makes of them, and docs/backends.md."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kinescribe import checkpoints, plugins, recipe, weights
from kinescribe.backends.card import Card
from kinescribe.cli import doctor
from kinescribe.cli.app import app
from kinescribe.errors import BackendError
from tools import backends as page

ROOT = Path(__file__).parents[1]
ALL = [(kind, name) for kind in plugins.kinds() for name in plugins.names(kind)]
CARDS = {f"{kind}/{name}": getattr(plugins.load(kind, name), "card", None) for kind, name in ALL}
WITH_CARD = {name: card for name, card in CARDS.items() if card is not None}


def test_every_kind_that_a_recipe_names_is_known() -> None:
    named = {kind for pairs in recipe.BACKENDS.values() for kind, _, _ in pairs}
    assert named | {"captioners", "llms", "parsers"} <= set(plugins.kinds())
    assert "nets" not in plugins.kinds()
    assert set(page.WORDS) == set(plugins.kinds())


@pytest.mark.parametrize("name", WITH_CARD)
def test_a_card_says_all_that_is_asked_for(name: str) -> None:
    card = WITH_CARD[name]
    assert isinstance(card, Card)
    assert card.model
    assert card.paper
    assert card.licence
    assert card.memory or not card.weights
    assert card.extra in {"", *doctor.EXTRAS}
    for weight in card.weights:
        known = weight in weights.NETS or weight in weights.PUBLISHED
        hub = re.fullmatch(r"hf:[\w.-]+/[\w.-]+", weight)
        assert known or hub or " " in weight or weight.startswith("https://"), weight


def test_a_backend_on_pytorch_has_a_card_with_its_extra() -> None:
    for name, card in CARDS.items():
        source = (ROOT / "kinescribe" / "backends" / f"{name}.py").read_text(encoding="utf-8")
        if "nets import huggingface" in source or "nets.huggingface" in source:
            assert card is not None, name
            assert card.extra or not card.weights, name


def test_extras_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    stated = {
        name: {re.split(r"[^\w-]", requirement, maxsplit=1)[0].lower() for requirement in requirements}
        for name, requirements in extras.items()
        if name != "dev"
    }
    assert {name: set(packages) for name, (packages, _) in doctor.EXTRAS.items()} == {
        name: packages - {"kinescribe"} for name, packages in stated.items()
    }


def test_the_page_is_current() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run: python -m tools.backends"


def test_the_page_names_every_backend() -> None:
    text = page.page()
    for kind, name in ALL:
        section = text.split(f"In `backends/{kind}`")[1].split("\n## ")[0]
        assert f"- **`{name}`**: " in section
    for card in WITH_CARD.values():
        assert all(weight in text for weight in card.weights)


# --- doctor ---


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no package of any extra, no weights and no GPU."""
    monkeypatch.setattr(doctor, "_there", lambda package: False)
    monkeypatch.setattr(doctor, "_gpu", lambda: False)
    monkeypatch.setattr(checkpoints, "in_place", lambda model: False)
    monkeypatch.setattr(weights, "in_place", lambda file: False)


def test_every_backend_is_named_once() -> None:
    names = [check.name for check in doctor.backends()]
    assert names == [f"{kind}/{name}" for kind, name in ALL]


@pytest.mark.usefixtures("bare")
def test_what_lacks_is_told_for_each_backend() -> None:
    for check in doctor.backends():
        card = CARDS[check.name]
        assert check.fine, "an optional thing that lacks is no fault"
        if card is None:
            assert (check.found, check.needs) == ("ready", None)
            continue
        needs = check.needs or {}
        assert ("extra" in needs) == bool(card.extra)
        assert ("gpu" in needs) == card.gpu
        if card.extra:
            assert needs["extra"] == f'pip install "kinescribe[{card.extra}]"'
        if card.weights and card.weights[0].startswith("hf:"):
            assert f"kinescribe models pull {card.weights[0]}" in needs["weights"]
            assert card.licence in needs["weights"]
            assert card.memory in needs["weights"]
        assert check.found.startswith("needs " if needs else "ready")


CARD = Card("A net", "A paper", "MIT", ("hf:a/b", "hf:a/c"), "1 GB", "hf", True, True)


@pytest.mark.parametrize(
    ("there", "pulled", "gpu", "needs"),
    [
        (set(), set(), False, ["extra", "torchvision", "weights", "gpu"]),
        ({"torchvision"}, set(), True, ["extra", "weights"]),
        ({"hf"}, {"a/c"}, True, ["torchvision"]),
        ({"hf", "torchvision"}, {"a/d"}, True, ["weights"]),
        ({"hf", "torchvision"}, {"a/b"}, False, ["gpu"]),
        ({"hf", "torchvision"}, {"a/c"}, True, []),
    ],
)
def test_each_lack_is_seen_by_itself(
    there: set[str], pulled: set[str], gpu: bool, needs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = set(doctor.EXTRAS["hf"][0]) if "hf" in there else set(doctor.EXTRAS["hf"][0][1:])
    monkeypatch.setattr(doctor, "_there", lambda package: package in packages | there)
    monkeypatch.setattr(doctor, "_gpu", lambda: gpu)
    monkeypatch.setattr(checkpoints, "in_place", lambda model: model in pulled)
    assert list(doctor.lacks(CARD)) == needs


def test_of_the_default_nets_all_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = list(weights.NETS)[:2]
    card = Card("Two nets", "A paper", "MIT", (first, second))
    monkeypatch.setattr(weights, "available", lambda name: name == first)
    assert list(doctor.lacks(card)) == ["weights"]
    assert doctor.lacks(card)["weights"].startswith("kinescribe models pull;")
    monkeypatch.setattr(weights, "available", lambda name: True)
    assert doctor.lacks(card) == {}


@pytest.mark.usefixtures("bare")
def test_optional_things_that_are_missing_do_not_fail_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "available", lambda name: True)
    monkeypatch.setattr(doctor, "PACKAGES", ())
    shown = CliRunner().invoke(app, ["doctor"])
    assert shown.exit_code == 0, shown.output
    assert "opt   depths/hf: needs the extra hf, weights\n" in shown.output
    assert '\n       -> pip install "kinescribe[hf]"\n' in shown.output
    found = {
        check["name"]: check for check in json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)
    }
    assert set(found["depths/hf"]["needs"]) == {"extra", "weights"}
    assert found["detectors/flow"]["needs"] is None


# --- recipes that name models ---


@pytest.mark.parametrize("name", recipe.names())
def test_a_shipped_recipe_loads_and_names_what_is_to_be_pulled(name: str) -> None:
    """Loading needs no models; each one that it names is in the comments that tell what to pull."""
    loaded = recipe.load(name)
    comments = (ROOT / "recipes" / f"{name}.toml").read_text(encoding="utf-8").split("\n[")[0]
    pulls = {
        word
        for line in comments.splitlines()
        if line.startswith("#   kinescribe models pull")
        for word in line.split("pull", 1)[1].split()
    }
    ids = {f"{checkpoints.PREFIX}{model}" for model in recipe.checkpoints(loaded)}
    assert ids == {word for word in pulls if checkpoints.is_checkpoint(word)}
    assert set(recipe.models(loaded)) <= pulls


@pytest.mark.parametrize("name", ["best", "foundationmotion"])
@pytest.mark.usefixtures("bare")
def test_a_run_says_at_once_which_checkpoints_are_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "fetch", lambda *args: pytest.fail("nothing is fetched before"))
    (tmp_path / "clip.mp4").touch()
    done = CliRunner().invoke(
        app, ["annotate", str(tmp_path / "clip.mp4"), "--out", str(tmp_path / "run"), "--recipe", name]
    )
    ids = [f"hf:{model}" for model in recipe.checkpoints(recipe.load(name))]
    assert isinstance(done.exception, BackendError)
    assert f"run `kinescribe models pull {' '.join(ids)}`" in str(done.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("bare")
def test_a_folder_is_a_checkpoint_if_it_has_a_config(tmp_path: Path) -> None:
    assert not checkpoints.there(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert checkpoints.there(str(tmp_path))
    chosen = recipe.load("offline", ["depth.backend=hf", f"depth.options.model={json.dumps(str(tmp_path))}"])
    assert recipe.checkpoints(chosen) == [str(tmp_path)]
    assert recipe.checkpoints(recipe.load("offline", ["depth.options.model=a/b"])) == []
    asked = ["caption.model=hf:a/b?batch=2", "qa.model=hf:a/b", "detect.model=hf:a/c", "detect.namer=vlm"]
    assert recipe.checkpoints(recipe.load("offline", asked)) == ["a/c", "a/b"]
    assert recipe.checkpoints(recipe.load("offline", ["caption.model=openai:hf:a"])) == []
