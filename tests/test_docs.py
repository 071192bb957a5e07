"""What the docs point to exists, what they name can be run, and the default recipe is the default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kinescribe import pipeline, recipe
from kinescribe.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "design").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert re.match(r"https?://", target) or (page.parent / target).exists(), (
            f"{page.name} links to {target}"
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_make_targets_exist(page):
    text = page.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"^make ([a-z]+)", text, re.MULTILINE):
        assert target in targets, f"{page.name}: make {target}"
    for block in re.findall(r"```\n(.*?)```", text, re.DOTALL):
        for name in re.findall(r"^kinescribe ([a-z]+)", block, re.MULTILINE):
            assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0, f"{page.name}: kinescribe {name}"


def test_every_help_has_an_example():
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        shown = CliRunner().invoke(app, [name, "--help"]).stdout
        assert "Example: kinescribe" in shown, name


def test_the_default_recipe_says_what_the_stages_default_to():
    shipped = recipe.load("offline")
    assert {name: stage() for name, stage in pipeline.STAGES.items()} == dict(shipped.stages)


def test_settings_named_in_the_docs_are_real():
    text = "\n".join((ROOT / "docs" / name).read_text() for name in ("cli.md", "captions.md"))
    settings = re.findall(r"^--set (\S+)", text, re.MULTILINE)
    assert len(settings) > 3
    for setting in settings:
        recipe.load("offline", [setting])
