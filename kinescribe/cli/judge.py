"""Commands that let a model judge questions and captions, and set what was measured beside its opinion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinescribe.cli.texts import lines

if TYPE_CHECKING:
    from kinescribe.judges import JudgeSettings, Rating
    from kinescribe.judges.ablation import Written
    from kinescribe.judges.pairs import JudgedPairs
    from kinescribe.judges.questions import Judged
    from kinescribe.judges.sight import Sight
    from kinescribe.llm.client import Client
    from kinescribe.records import Clip

judge = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Let a language model judge questions and captions."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, every single rating included.")]
Model = Annotated[
    str,
    typer.Option(
        "--model", metavar="SPEC", help="Who judges: openai:MODEL, openai:MODEL@URL or scripted:FILE."
    ),
]
Repeats = Annotated[int, typer.Option("--repeats", min=1, help="Times each rating is asked for.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the first time; the next ones follow.")]
Temperature = Annotated[
    float,
    typer.Option(
        "--temperature", min=0, max=2, help="Above 0, repeats differ also where a seed changes nothing."
    ),
]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="Of one answer, thinking included.")]
CallsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--calls",
        metavar="KEY=VALUE",
        help="How it is asked, e.g. in_flight=4, budget_tokens=100000; repeatable.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Where answers and results are kept. Default: answers in the run, if there is one.",
    ),
]
Show = Annotated[
    bool, typer.Option("--frames/--no-frames", help="Show the judge the video, where a run has it.")
]
OfRun = Annotated[
    Path | None, typer.Option("--run", metavar="RUN", help="Run that has the videos, where files are judged.")
]
Source = Annotated[
    str, typer.Option("--source", metavar="WRITER", help="Only captions that this writer wrote.")
]
References = Annotated[
    Path | None,
    typer.Option("--references", metavar="PLACE", help="What is true of each clip: a file or a run."),
]
PLACES = "A run, a folder of exported JSON Lines, or a file."
A = Annotated[Path, typer.Argument(metavar="A", help=PLACES)]
B = Annotated[Path, typer.Argument(metavar="B", help=PLACES)]
MOST_LISTED = 20
"""Ratings that failed, a line each; the rest is counted."""


@judge.command()
def questions(
    a: A,
    b: B,
    model: Model,
    repeats: Repeats = 3,
    seed: Seed = 0,
    temperature: Temperature = 0.0,
    max_tokens: MaxTokens = 4096,
    calls: CallsOption = None,
    out: Out = None,
    run: OfRun = None,
    frames: Show = True,
    as_json: AsJson = False,
) -> None:
    """Let a model give two sets of questions about the same clips 0 to 10 points in four dimensions.

    Each set is shown first about as often as the other, and what being first is worth is told. A rating that fails is
    counted and never a score; running again asks for what is missing, and for nothing twice (with --out or a run).

    Example: kinescribe judge questions run_a run_b --model openai:gpt-4o-mini --out judged
    """
    from kinescribe.cli import judgements as tables
    from kinescribe.judges import rows
    from kinescribe.judges.questions import Sets
    from kinescribe.judges.questions import judge as ask

    own = _settings(repeats, seed, temperature, max_tokens)
    asked = [rows.questions(_rows(place, "qa"), str(place)) for place in (a, b)]
    both = [
        Sets(clip_id, asked[0][clip_id], asked[1][clip_id]) for clip_id in asked[0] if clip_id in asked[1]
    ]
    if not both:
        raise typer.BadParameter(f"{a} and {b} have no clip in common that both ask about")
    with _client(model, calls, out, (b, a)) as client:
        _say(f"asking about {len(both)} clips, {own.repeats} times each")
        judged = ask(client, both, _look(frames, (a, b), run), own)
        told = {
            "judge": "questions",
            "a": str(a),
            "b": str(b),
            **_asked_of(client, own),
            "unpaired": _unpaired(*asked),
            "questions": {
                name: sum(map(len, found.values())) for name, found in zip("ab", asked, strict=True)
            },
            "measured": {name: _measured(place) for name, place in (("a", a), ("b", b))},
            **_without_ratings(judged),
        }
    _finish(told, judged.ratings, out, as_json, lambda: tables.questions(judged, told))


@judge.command()
def captions(
    candidates: Annotated[Path, typer.Argument(metavar="CANDIDATES", help=PLACES)],
    model: Model,
    references: References = None,
    repeats: Repeats = 3,
    seed: Seed = 0,
    temperature: Temperature = 0.0,
    max_tokens: MaxTokens = 4096,
    calls: CallsOption = None,
    out: Out = None,
    run: OfRun = None,
    frames: Show = True,
    source: Source = "",
    as_json: AsJson = False,
) -> None:
    """Let a model score captions, and list what in them is made up, against references, the video, or both.

    Every statement it holds to be made up must be quoted from the caption; where claims of the caption were measured,
    the quotes are set against the verdicts.

    Example: kinescribe judge captions run --model openai:gpt-4o-mini --out judged
    """
    from kinescribe.cli import judgements as tables
    from kinescribe.judges.captions import judge as ask

    own = _settings(repeats, seed, temperature, max_tokens)
    texts = _captions(candidates, source)
    true = _true(references)
    given = [one._replace(references=(*one.references, *true.get(i, ()))) for i, one in texts.by_id.items()]
    look = _look(frames, (candidates,), run)
    _need_truth([one.id for one in given if not one.references], look)
    with _client(model, calls, out, (candidates,)) as client:
        _say(
            f"asking about {len(given)} captions, {own.repeats} times each, for scores and for what is made up"
        )
        judged = ask(client, given, look, own)
        told = {
            "judge": "captions",
            "candidates": str(candidates),
            **_asked_of(client, own),
            "not_judged": texts.others,
            "measured": _claims(one.statements for one in given),
            **_without_ratings(judged),
        }
    _finish(told, judged.ratings, out, as_json, lambda: tables.captions(judged, told))


@judge.command()
def pair(
    a: A,
    b: B,
    model: Model,
    references: References = None,
    repeats: Repeats = 3,
    seed: Seed = 0,
    temperature: Temperature = 0.0,
    max_tokens: MaxTokens = 4096,
    calls: CallsOption = None,
    out: Out = None,
    run: OfRun = None,
    frames: Show = True,
    source: Source = "",
    as_json: AsJson = False,
) -> None:
    """Let a model say which of two captions of a clip is better, each time in both orders.

    A caption wins only if it is preferred in both; where the two answers differ, the comparison is inconsistent, and
    nobody wins it.

    Example: kinescribe judge pair run_a run_b --model openai:gpt-4o-mini --out judged
    """
    from kinescribe.cli import judgements as tables
    from kinescribe.judges.pairs import Pair
    from kinescribe.judges.pairs import judge as ask

    own = _settings(repeats, seed, temperature, max_tokens)
    texts = [_captions(place, source) for place in (a, b)]
    one, two = (found.by_id for found in texts)
    true = _true(references)
    pairs = [
        Pair(i, one[i].text, two[i].text, (*one[i].references, *true.get(i, ()))) for i in one if i in two
    ]
    if not pairs:
        raise typer.BadParameter(f"{a} and {b} have no clip in common that both describe")
    look = _look(frames, (a, b), run)
    _need_truth([p.id for p in pairs if not p.references], look)
    with _client(model, calls, out, (b, a)) as client:
        _say(f"asking about {len(pairs)} pairs, {own.repeats} times each in both orders")
        judged = ask(client, pairs, look, own)
        told = {
            "judge": "pair",
            "a": str(a),
            "b": str(b),
            **_asked_of(client, own),
            "unpaired": _unpaired(one, two),
            "same": sum(p.a == p.b for p in pairs),
            "measured": {
                name: _claims(found[p.id].statements for p in pairs)
                for name, found in (("a", one), ("b", two))
            },
            **_without_ratings(judged),
        }
    _finish(told, judged.ratings, out, as_json, lambda: tables.pairs(judged, told))


@judge.command()
def inputs(
    videos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[VIDEO...]", help="Videos, or folders. None: go on with those of OUT/run."),
    ] = None,
    model: Annotated[str, typer.Option("--model", metavar="SPEC", help="Who writes, and judges.")] = ...,  # type: ignore[assignment]
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where all of it is kept.")] = ...,  # type: ignore[assignment]
    judged_by: Annotated[
        str | None, typer.Option("--judge", metavar="SPEC", help="Who judges instead: better another model.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE.KEY=VALUE", help="As of annotate; repeatable.")
    ] = None,
    number: Annotated[int, typer.Option("--questions", min=1, max=20, help="Asked for of each text.")] = 6,
    repeats: Repeats = 3,
    seed: Seed = 0,
    temperature: Temperature = 0.0,
    max_tokens: MaxTokens = 4096,
    calls: CallsOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that measure.")] = None,
    frames: Show = True,
    as_json: AsJson = False,
) -> None:
    """Let a model write from the video alone and from video and tracks, and have both judged.

    This is FoundationMotion's table 2. The videos are measured once, into OUT/run. Then the model describes each clip,
    and asks about its description, twice: OUT/video_only (A) and OUT/with_tracks (B) hold what it wrote, as it wrote
    it, with our verdicts on its claims. Run it again to go on with what is missing; nothing is done twice.

    Example: kinescribe judge inputs clips/ --model openai:gpt-4o-mini --out ablation
    """
    from kinescribe.cli import judgements as tables
    from kinescribe.judges import ablation, pairs
    from kinescribe.judges import questions as rubric

    own = _settings(repeats, seed, temperature, max_tokens)
    place = out / "run"
    if not videos and not _is_run(place):
        raise typer.BadParameter("name at least one video: there is no run yet to go on with")
    unmeasured = _measure(videos or [], place, settings or [], workers)
    with _client(model, calls, out, ()) as writer, _client(judged_by or model, calls, out, ()) as asked:
        with _scenes(place) as (clip_ids, scene):
            _say(f"writing about {len(clip_ids)} clips, from {' and from '.join(ablation.INPUTS)}")
            written = ablation.write(writer, clip_ids, scene, number, own)
        for name, found in written.by_input.items():
            _write_rows(out / name, ("captions", "qa"), ablation.rows(found))
        look = _look(frames, (place,))
        one, two = written.by_input.values()
        both = [i for i in one if i in two]
        sets = [rubric.Sets(i, one[i].questions, two[i].questions) for i in both]
        sets = [s for s in sets if s.a and s.b]
        texts = [pairs.Pair(i, one[i].text, two[i].text) for i in both if i in look.clips]
        _say(
            f"asking about {len(sets)} sets of questions and {len(texts)} pairs of texts, {repeats} times each"
        )
        by_set = rubric.judge(asked, sets, look, own)
        by_pair = pairs.judge(asked, texts, look, own)
        told = {
            "judge": "inputs",
            "writer": str(writer.model.identity()),
            "judges_itself": writer.model.identity() == asked.model.identity(),
            **_asked_of(asked, own),
            "clips": len(clip_ids),
            **_written(written.ratings, one, two),
            **_both(by_set, by_pair),
        }
    ratings = (*written.ratings, *by_set.ratings, *by_pair.ratings)
    _finish(told, ratings, out, as_json, lambda: tables.inputs(by_set, by_pair, told))
    raise typer.Exit(1 if unmeasured else 0)


def _written(
    ratings: Sequence[Rating], one: Mapping[str, Written], two: Mapping[str, Written]
) -> dict[str, Any]:
    """Return what was written from either input, in numbers, and what was measured of it."""
    from kinescribe.judges import counted

    sides = {"a": one, "b": two}
    return {
        "a": "video_only",
        "b": "with_tracks",
        "written": counted(ratings),
        "unpaired": _unpaired(one, two),
        "questions": {n: sum(len(w.questions) for w in found.values()) for n, found in sides.items()},
        "measured": {
            n: {"claims": _claims(w.statements for w in found.values()), "questions_by_fact": None}
            for n, found in sides.items()
        },
    }


def _both(by_set: Judged, by_pair: JudgedPairs) -> dict[str, Any]:
    return {"by_questions": _without_ratings(by_set), "by_captions": _without_ratings(by_pair)}


def _measure(videos: Sequence[Path], place: Path, settings: Sequence[str], workers: int | None) -> int:
    """Bring a run up to date as far as its facts; return how much of it failed."""
    import dataclasses

    from kinescribe import recipe
    from kinescribe.cli import progress, show
    from kinescribe.runs import execute
    from kinescribe.runs.store import Run

    if _is_run(place) and not settings:
        with Run.open(place) as run:
            chosen = run.recipe
    else:
        chosen = recipe.load(None, ["run.until=facts", *settings])
    if workers is not None:
        chosen = dataclasses.replace(chosen, run=dataclasses.replace(chosen.run, workers=workers))
    with Run.create_or_open(place, chosen) as run, progress.Reporter(show.console(error=True)) as reporter:
        done = execute.annotate_all(videos, run, chosen, reporter)
    if done.failures:
        _say(f"{show.plural(len(done.failures), 'failure')} (run again to retry):")
        show.failures(show.console(error=True), done.failures)
    if done.interrupted:
        _say("stopped; all that was finished is kept")
        raise typer.Exit(130)
    return len(done.failures)


@contextmanager
def _scenes(place: Path) -> Iterator[tuple[list[str], Any]]:
    """Give the clips of a run that were measured to the end, and what gives all that is known of one."""
    from dataclasses import replace

    from kinescribe import records as kinds
    from kinescribe.backends import Scene
    from kinescribe.checks import Measurements
    from kinescribe.exporters import wanted_clips
    from kinescribe.runs.store import Run
    from kinescribe.video import VideoFrames

    measured = (kinds.CameraMotion, kinds.Tracks, kinds.Poses, kinds.Kinematics)
    with Run.open(place) as run:
        clips = {clip.id: clip for clip in wanted_clips(run)}

        def scene(clip_id: str) -> Scene:
            clip, found = clips[clip_id], run.records(clip_id)
            return Scene(
                replace(
                    Measurements(clip, *(found[kind] for kind in measured)),
                    depth=found.get(kinds.Depth, kinds.NO_DEPTH),
                ),
                VideoFrames(clip, run.recipe.ingest.max_side),
                found[kinds.Hands],
                found[kinds.Facts],
                found[kinds.Events],
            )

        yield [i for i in clips if run.record(i, kinds.Facts) is not None], scene


# --- what is judged, and by whom ----------------------------------------------------------------------------


def _rows(place: Path, table: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a run, of an export's file in a folder, or of a file."""
    from kinescribe.exporters import wanted_clips
    from kinescribe.exporters.jsonl import TABLES
    from kinescribe.records import Captions, Questions, Verdicts
    from kinescribe.runs.store import Run

    if place.is_dir() and not _is_run(place):
        file = place / f"{table}.jsonl"
        if not file.is_file():
            raise typer.BadParameter(f"{place} is neither a run nor an export: it has no {file.name}")
        yield from lines(file)
    elif place.is_dir():
        with Run.open(place) as opened:
            for clip in wanted_clips(opened):
                found = {kind: opened.record(clip.id, kind) for kind in (Captions, Verdicts, Questions)}
                yield from TABLES[table](clip, {kind: record for kind, record in found.items() if record})
    elif place.is_file():
        yield from lines(place)
    else:
        raise typer.BadParameter(f"there is no {place}")


def _is_run(place: Path) -> bool:
    return (place / "run.toml").is_file()


def _captions(place: Path, source: str) -> Any:
    from kinescribe.judges import rows

    found = rows.captions(_rows(place, "captions"), str(place), source)
    if not found.by_id:
        of = f" by {source}" if source else ""
        raise typer.BadParameter(f"{place} holds no captions of whole clips{of}")
    return found


def _true(place: Path | None) -> dict[str, tuple[str, ...]]:
    from kinescribe.judges import rows

    return {} if place is None else rows.references(_rows(place, "captions"), str(place))


def _look(frames: bool, places: Iterable[Path], run: Path | None = None) -> Sight:
    """Return what shows the clips of a run, and of the runs among places."""
    from kinescribe.judges.sight import Sight
    from kinescribe.runs.store import Run

    clips: list[Clip] = []
    named = [] if run is None else [run]
    for place in [*filter(_is_run, places), *named] if frames else ():
        with Run.open(place) as opened:
            clips += opened.clips()
    return Sight(clips)


def _need_truth(bare: Sequence[str], look: Sight) -> None:
    """Refuse to have a caption judged by nothing but how it sounds."""
    unseen = next((item for item in bare if item not in look.clips), None)
    if unseen is not None:
        raise typer.BadParameter(
            f'nothing tells what is true of "{unseen}": give --references, or --run RUN with its video'
        )


def _settings(repeats: int, seed: int, temperature: float, max_tokens: int) -> JudgeSettings:
    from kinescribe.judges import JudgeSettings

    return JudgeSettings(repeats, seed, temperature, max_tokens)


@contextmanager
def _client(
    model: str, calls: Sequence[str] | None, out: Path | None, places: Sequence[Path]
) -> Iterator[Client]:
    """Give whom to ask; the answers are kept in a folder, if there is one to keep them in."""
    from kinescribe import recipe
    from kinescribe.llm import client

    # The same settings, read in the same way, as those of a writer.
    stage = recipe.load(None, [f"caption.calls.{one}" for one in calls or ()]).stages["caption"]
    folder = out or next((place for place in places if _is_run(place)), None)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"{folder} is a file; name a folder to keep answers in")
    if folder is None:
        _say("answers are not kept; with --out DIR, a judgement that is broken off can be gone on with")
    with client.Client(client.model_of(model), client.CallSettings(**stage.calls), folder) as opened:
        try:
            yield opened
        except KeyboardInterrupt:
            kept = "was not kept (name --out)" if folder is None else "is kept: run again to go on"
            _say(f"stopped; what was answered {kept}")
            raise typer.Exit(130) from None


# --- what comes of it ---------------------------------------------------------------------------------------


def _asked_of(client: Client, settings: JudgeSettings) -> dict[str, Any]:
    return {
        "model": str(client.model.identity()),
        "settings": vars(settings),
        "spent": client.spent()._asdict(),
    }


def _without_ratings(judged: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(judged).items() if name != "ratings"}


def _unpaired(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the clips that only one of two has."""
    return {"a": [i for i in a if i not in b], "b": [i for i in b if i not in a]}


def _measured(place: Path) -> dict[str, Any] | None:
    """Return what was measured of a run's or an export's captions and questions; None for a file of questions."""
    from kinescribe.judges import rows

    if not place.is_dir() or not (_is_run(place) or (place / "captions.jsonl").is_file()):
        return None
    found = rows.captions(_rows(place, "captions"), str(place)).by_id.values()
    asked = [row.get("fact_id") is not None for row in _rows(place, "qa")]
    by_fact = sum(asked) / len(asked) if asked else None
    return {"claims": _claims(one.statements for one in found), "questions_by_fact": by_fact}


def _claims(statements: Iterable[Any]) -> dict[str, Any] | None:
    """Return the claims of captions by verdict, in numbers and shares; None where none was measured."""
    from kinescribe.judges.measured import verdicts

    known = [one for one in statements if one is not None]
    if not known:
        return None
    found = verdicts(claim for one in known for claim in one)
    return {"captions": len(known), **found._asdict(), "shares": found.shares()}


def _finish(
    told: dict[str, Any], ratings: Sequence[Rating], out: Path | None, as_json: bool, show: Any
) -> None:
    """Write and print a judgement, and list what failed."""
    from kinescribe.cli import show as printed

    every = [rating.row() for rating in ratings]
    if out is not None:
        _write(out, told, every)
    if as_json:
        typer.echo(printed.to_json({**told, "ratings": every}))
    else:
        show()
    for note in dict.fromkeys(note for rating in ratings for note in rating.notes):
        _say(f"the endpoint did not get all that was asked: {note}")
    failed = [rating for rating in ratings if rating.value is None]
    if failed:
        what = printed.plural(len(failed), "rating")
        _say(f"{what} of {len(ratings)} gave no score; what failed is asked again by the next run:")
        for rating in failed[:MOST_LISTED]:
            _say(
                f"  {rating.id}, {rating.judge}, repeat {rating.repeat}: {rating.status}: {rating.error[:200]}"
            )
        if len(failed) > MOST_LISTED:
            _say(f"  and {len(failed) - MOST_LISTED} more")
        raise typer.Exit(1)


def _write(out: Path, told: dict[str, Any], ratings: Sequence[dict[str, Any]]) -> None:
    from kinescribe.cli import show
    from kinescribe.exporters import whole_files
    from kinescribe.plain import to_json

    name = told["judge"]
    with whole_files([out / f"{name}.json", out / f"{name}_ratings.jsonl"]) as (whole, each):
        whole.write(show.to_json(told) + "\n")
        each.writelines(to_json(row) + "\n" for row in ratings)


def _write_rows(folder: Path, names: Sequence[str], tables: Iterable[list[dict[str, Any]]]) -> None:
    from kinescribe.exporters import whole_files
    from kinescribe.plain import to_json

    folder.mkdir(parents=True, exist_ok=True)
    with whole_files([folder / f"{name}.jsonl" for name in names]) as streams:
        for stream, table in zip(streams, tables, strict=True):
            stream.writelines(to_json(row) + "\n" for row in table)


def _say(words: str) -> None:
    # A name outside UTF-8 or a control character in an id must not break the terminal.
    typer.echo("".join(c if c.isprintable() else "?" for c in words), err=True)
