"""Recipes: which settings a run uses. A TOML file with a table per stage; what it leaves out has its default.

``load("offline", ["ingest.max_side=640"])`` reads a shipped recipe, changes one setting and checks everything
against the stages' own dataclasses, before any video is opened. ``to_toml`` gives the fully resolved recipe,
which loads back to the same.
"""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

import tomli_w
from pydantic import ConfigDict, TypeAdapter, ValidationError

from kinescribe import plugins
from kinescribe.checkpoints import PREFIX
from kinescribe.errors import RecipeError, nearest
from kinescribe.pipeline import STAGES

DEFAULT = "offline"
"""The recipe that is used when none is named."""

MIN_CLIP_S = 1.0
"""Shorter clips hold no motion that could be told (0.5 s is the shortest event), and a run drowns in them."""

BACKENDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "camera": (("cameras", "backend", "options"),),
    "detect": (
        ("detectors", "objects", "objects_options"),
        ("namers", "namer", "namer_options"),
        ("detectors", "named", "named_options"),
        ("detectors", "people", "people_options"),
    ),
    "track": (("trackers", "backend", "options"),),
    "pose": (("poses", "backend", "options"),),
    "hands": (("hands", "backend", "options"), ("hands", "touch", "touch_options")),
    "depth": (("depths", "backend", "options"),),
}
"""By stage: kind of a backend, and the fields of the stage that hold its name and its settings."""


@dataclass(frozen=True)
class IngestSettings:
    """How videos become clips."""

    samples_per_s: float = 10.0
    """Instants per second at which a clip is looked at; a slower source gives every frame. FoundationMotion
    tracks at 8-10 Hz; human limb motion is mostly below 5 Hz, which 10 Hz just resolves."""
    max_side: int = 960
    """Pixels of the longer side of the pictures the stages look at; records are in full-size pixels."""
    max_clip_s: float = 600.0
    """A longer video is split into equal clips of at most this many seconds, so that memory and the loss by a
    crash stay bounded. Each clip has its own track ids."""
    start_s: float = 0.0
    """Begin here in every video."""
    end_s: float = math.inf
    """End here in every video."""
    crop_max_s: float = 0.0
    """Of every video longer than ``crop_min_s`` take one stretch of a random length, at most this, near its middle.
    FoundationMotion 3.1 takes 5 to 10 s; 0 takes whole videos."""
    crop_min_s: float = 5.0
    """The least length of such a stretch."""
    split_at_cuts: bool = False
    """Make a clip of every scene between two cuts (PySceneDetect), instead of clips with cuts inside."""
    min_scene_s: float = 1.0
    """A cut that follows another sooner than this makes no clip of its own."""
    seed: int = 0
    """For the crop; ``run.seed`` unless the recipe says otherwise. The same file and seed give the same crop."""

    def __post_init__(self) -> None:
        _demand(self.samples_per_s > 0, "samples_per_s must be above 0")
        _demand(self.max_side >= 16, "max_side must be at least 16 pixels")
        _demand(self.max_clip_s >= MIN_CLIP_S, f"max_clip_s must be at least {MIN_CLIP_S:g} s")
        _demand(0 <= self.start_s < self.end_s, "start_s must be at least 0 and below end_s")
        cropped = MIN_CLIP_S <= self.crop_min_s <= self.crop_max_s < math.inf
        _demand(
            cropped or self.crop_max_s == 0,
            f"crop_max_s must be 0, or {MIN_CLIP_S:g} <= crop_min_s <= crop_max_s",
        )
        _demand(self.min_scene_s >= MIN_CLIP_S, f"min_scene_s must be at least {MIN_CLIP_S:g} s")


@dataclass(frozen=True)
class RunSettings:
    """How the work is done; nothing here but ``seed`` and ``until`` changes a record."""

    workers: int = 0
    """Processes; 0 takes one per CPU core that this process may use."""
    clip_timeout_s: float = 300.0
    """A clip (or the scan of a file) that takes longer than this, plus the allowance below, is given up and
    recorded as failed. Five minutes cover the start of any backend here."""
    timeout_per_s: float = 60.0
    """Seconds allowed on top per second of video: the shipped backends need 1 to 5 on a laptop core."""
    seed: int = 0
    """For every stage with a ``seed`` of its own that the recipe does not set."""
    until: str = ""
    """The last stage to run; empty means all."""

    def __post_init__(self) -> None:
        _demand(self.workers >= 0, "workers must be at least 0")
        _demand(self.clip_timeout_s > 0 and self.timeout_per_s >= 0, "timeouts must be positive")
        _demand(
            not self.until or self.until in STAGES,
            f'until: no stage "{self.until}"{nearest(self.until, STAGES)}',
        )


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a run computes."""

    ingest: IngestSettings = field(default_factory=IngestSettings)
    run: RunSettings = field(default_factory=RunSettings)
    stages: Mapping[str, Any] = field(default_factory=dict)
    """Stage instances by name, in order, up to ``run.until``."""


def names() -> list[str]:
    """Return the names of the shipped recipes."""
    return sorted(
        path.name.removesuffix(".toml") for path in _shipped().iterdir() if path.name.endswith(".toml")
    )


def load(name_or_file: str | None = None, overrides: Sequence[str] = ()) -> Recipe:
    """Return a checked recipe.

    Args:
        name_or_file: a shipped recipe's name or the path of a ``.toml`` file; None takes ``offline``.
        overrides: ``table.key=value``; the value is TOML, a bare word is a string.

    Raises:
        RecipeError: there is no such recipe or backend, it is not TOML, or a key or value does not fit.
        BackendError: a backend needs a package that is not installed.
    """
    name = name_or_file or DEFAULT
    tables = _parse(_text(name), name)
    for override in overrides:
        _override(tables, override)
    recipe = resolve(tables)
    check_backends(recipe.stages)
    return recipe


def resolve(tables: Mapping[str, Any]) -> Recipe:
    """Check a recipe's tables, all but the backends, and return the recipe; errors as ``load``."""
    known = ["ingest", "run", *STAGES]
    for name, table in tables.items():
        if name not in known:
            raise RecipeError(f"[{name}]: no such table{nearest(name, known)}")
        if not isinstance(table, Mapping):
            raise RecipeError(f"{name} must be a table of settings: [{name}]")
    run = _build(RunSettings, "run", tables.get("run", {}))
    order = list(STAGES)
    wanted = order[: order.index(run.until) + 1] if run.until else order
    # All tables are checked, also those of stages that are left out.
    stages = {
        name: _build(STAGES[name], name, _seeded(name, tables.get(name, {}), run.seed)) for name in order
    }
    ingest = _build(IngestSettings, "ingest", {"seed": run.seed, **tables.get("ingest", {})})
    return Recipe(ingest, run, {name: stages[name] for name in wanted})


def check_backends(stages: Mapping[str, Any]) -> None:
    """Raise, as ``load`` does, unless every backend that stages name exists and has the settings it is given.

    Args:
        stages: stages by name; those that are not in ``STAGES`` answer for themselves.
    """
    for name, pairs in BACKENDS.items():
        if isinstance(stages.get(name), STAGES[name]):
            for kind, key, options in pairs:
                chosen, settings = getattr(stages[name], key), getattr(stages[name], options)
                _check_backend(kind, chosen, f"{name}.{key}", f"{name}.{options}", settings)
    if isinstance(stages.get("caption"), STAGES["caption"]):
        _check_writers(stages["caption"])


def models(recipe: Recipe) -> list[str]:
    """Return the files, addresses and names of weights that a recipe's backends name (``model = "KIND:FILE"``)."""
    named = [
        getattr(recipe.stages[stage], options).get("model")
        for stage, pairs in BACKENDS.items()
        if isinstance(recipe.stages.get(stage), STAGES[stage])
        for _, key, options in pairs
        if getattr(recipe.stages[stage], key)
    ]
    return [spec.partition(":")[2] for spec in named if isinstance(spec, str) and ":" in spec]


def checkpoints(recipe: Recipe) -> list[str]:
    """Return the checkpoints of the Hub, by folder or id, that a recipe names, each once."""
    backends = [
        getattr(recipe.stages[stage], options).get("model")
        for stage, pairs in BACKENDS.items()
        if isinstance(recipe.stages.get(stage), STAGES[stage])
        for kind, key, options in pairs
        if _reads_checkpoints(kind, getattr(recipe.stages[stage], key))
    ]
    asked = [str(getattr(stage, "model", "")) for stage in recipe.stages.values()]
    llms = [_without_settings(model) for model in asked if model.startswith(PREFIX)]
    return list(dict.fromkeys(model for model in [*backends, *llms] if isinstance(model, str) and model))


def _without_settings(model: str) -> str:
    """Return the checkpoint of ``hf:CHECKPOINT[?SETTING=VALUE...]`` (``backends/llms/hf``)."""
    argument = model.removeprefix(PREFIX)
    return argument if Path(argument).expanduser().is_dir() else argument.partition("?")[0]


def _reads_checkpoints(kind: str, name: str) -> bool:
    card = getattr(plugins.load(kind, name), "card", None) if name else None
    return card is not None and any(weights.startswith(PREFIX) for weights in card.weights)


def to_tables(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return the resolved recipe as plain tables; settings that are None are left out, as TOML has none."""
    sections = {"ingest": recipe.ingest, "run": recipe.run, **recipe.stages}
    return {name: _plain(dataclasses.asdict(section)) for name, section in sections.items()}


def to_toml(recipe: Recipe) -> str:
    """Return the resolved recipe as TOML; ``load`` gives the same recipe back."""
    return tomli_w.dumps(to_tables(recipe))


# --- reading ------------------------------------------------------------------------------------------------


def _shipped() -> Any:
    """Return the folder of recipes: inside the installed package, or beside it in a checkout."""
    packaged = importlib.resources.files("kinescribe") / "recipes"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "recipes"


def _text(name: str) -> str:
    if name.endswith(".toml") or "/" in name or "\\" in name:
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"cannot read the recipe {name}: {error}") from error
    if name not in names():
        raise RecipeError(f'no recipe "{name}"{nearest(name, names())}; a file is named with its .toml')
    text: str = (_shipped() / f"{name}.toml").read_text(encoding="utf-8")
    return text


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name} is not TOML: {error}") from error


def _override(tables: dict[str, Any], override: str) -> None:
    """Put one ``table.key=value`` into the tables."""
    dotted, equals, value = override.partition("=")
    *path, key = [part.strip() for part in dotted.split(".")]
    if not equals or not path or not all([*path, key]):
        raise RecipeError(f'"{override}": expected table.key=value, e.g. ingest.max_side=640')
    table = tables
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RecipeError(f'"{override}": {part} is a value, not a table')
    table[key] = _value(value.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


# --- checking -----------------------------------------------------------------------------------------------


def _seeded(name: str, table: Mapping[str, Any], seed: int) -> Mapping[str, Any]:
    has_seed = any(f.name == "seed" for f in dataclasses.fields(STAGES[name]))
    return {"seed": seed, **table} if has_seed else table


def _build(cls: Any, name: str, table: Mapping[str, Any]) -> Any:
    """Return ``cls`` with a table's values, each checked against its field's type."""
    hints = get_type_hints(cls)
    known = [f.name for f in dataclasses.fields(cls)]
    for key in table:
        if key not in known:
            raise RecipeError(f"{name}.{key}: no such setting{nearest(key, known)}")
    values = {key: _checked(f"{name}.{key}", hints[key], value) for key, value in table.items()}
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"[{name}]: {error}") from error


def _check_writers(stage: Any) -> None:
    known = {*stage.writers, *plugins.names("captioners")}
    for writer in stage.options:
        if writer not in known:
            raise RecipeError(f"caption.options.{writer}: no such writer{nearest(writer, known)}")
    for writer in stage.writers:
        own = stage.options.get(writer, {})
        _check_backend("captioners", writer, "caption.writers", f"caption.options.{writer}", own)


def _check_backend(kind: str, chosen: str, key: str, options_key: str, options: Mapping[str, Any]) -> None:
    """Check one backend's name and settings; one from outside may be no dataclass and is taken as it is."""
    if not chosen and key.startswith(("detect.", "hands.", "depth.")):
        return  # that detector is switched off
    if ":" not in chosen and chosen not in plugins.names(kind):
        raise RecipeError(f'{key}: no backend "{chosen}"{nearest(chosen, plugins.names(kind))}')
    backend = plugins.load(kind, chosen)
    if options and dataclasses.is_dataclass(backend):
        _build(backend, options_key, options)


def _checked(key: str, hint: Any, value: Any) -> Any:
    """Return a TOML value as the field's type. Strict: "3" is no number and 3 no truth value; 3 is a float."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
        # By way of JSON, in which an array may become a tuple though everything else is strict.
        return _frozen(adapter.validate_json(json.dumps(value), strict=True))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([key, *map(str, first["loc"])])
        raise RecipeError(f"{where}: expected {_type_name(hint)}, got {value!r} ({first['msg']})") from error
    except TypeError as error:  # a TOML date, which no setting takes
        raise RecipeError(f"{key}: expected {_type_name(hint)}, got {value!r}") from error


def _frozen(value: Any) -> Any:
    """Return a value whose lists, also those within tables of options, are tuples: settings do not change."""
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return value


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _demand(fine: bool, message: str) -> None:
    if not fine:
        raise ValueError(message)
