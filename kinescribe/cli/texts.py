"""Commands about texts: what they assert, and how good they are."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import tee
from pathlib import Path
from typing import Annotated, Any

import typer

from kinescribe.errors import ParseError, nearest

TEXT_SUFFIXES = (".txt", ".md", ".text", ".srt", ".vtt", ".json", ".jsonl", ".csv")
"""What ends so is meant as a file, also where there is none."""
DEFAULT_METRICS = ("motion", "mo_hall", "rouge", "density")
"""What needs nothing but texts and no extra package."""

score = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Score captions.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Rows = Annotated[
    Path, typer.Option("--jsonl", metavar="IN", help="JSON Lines, one object per line.")
]  # fmt: skip


def parse(
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT|FILE", help='A text, a text file, or "-" for standard input.'),
    ] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(metavar="IN", help="Parse every line's caption instead."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="OUT", help="With --jsonl: where to write.")] = None,
    parser: Annotated[
        str,
        typer.Option(
            metavar="NAME[:MODEL]",
            help="Backend that parses sentences: spacy (our own pipeline), spacy:en_core_web_sm or another pipeline's "
            "name or folder, amr:FOLDER, or rules (no model).",
        ),
    ] = "spacy",
    as_json: AsJson = False,
) -> None:
    """Read which motions a text asserts: who does what, where to, how, how often and in which order.

    With --jsonl IN --out OUT, lines {"id", "caption"} become lines {"id", "actions"}.

    Example: kinescribe parse "The man walks to the left, then waves twice."
    """
    from kinescribe.cli import show
    from kinescribe.language import parse as read
    from kinescribe.language import parse_all

    if jsonl is None and out is not None:
        raise typer.BadParameter("--out belongs to --jsonl; a TEXT is printed")
    if (text is None) == (jsonl is None):
        raise typer.BadParameter("give a TEXT or FILE, or --jsonl IN --out OUT")
    if jsonl is not None:
        _need(out, jsonl)
        asked, again = tee(lines(jsonl, "id", "caption"))  # read ahead by one batch, never the whole file
        found = parse_all((row["caption"] for row in asked), parser)
        rows = (
            {"id": row["id"], "actions": plain(actions)} for row, actions in zip(again, found, strict=True)
        )
        typer.echo(f"{_write(out, rows)} captions parsed", err=True)  # type: ignore[arg-type]
        return
    actions = read(_text(text or ""), parser)
    if as_json:
        typer.echo(show.to_json(actions))
        return
    show.table(show.console(), show.ACTION_COLUMNS, map(show.action_row, actions))
    if not actions:
        typer.echo("the text asserts no motion", err=True)


@score.command()
def captions(
    jsonl: Rows,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Which; repeatable. Default: what needs no extra."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Also ask this run what its measurements say.")
    ] = None,
    bert_model: Annotated[Path | None, typer.Option(metavar="DIR", help="Model for --metric bert.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Also write every item's figures as JSON Lines.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score captions against references, or against what a run has measured.

    Lines: {"id", "candidate", "references": [text, ...] or "reference": text, "seconds": length of the video}; the last
    three may be left out. With --run, an id is the id of a clip. The table gives the figure of the whole set with its
    95 % interval (bootstrap), and how many items have one.

    Example: kinescribe score captions --jsonl captions.jsonl --run run
    """  # fmt: skip
    from kinescribe.cli import show
    from kinescribe.metrics import Item

    items = [
        Item(str(row["id"]), row["candidate"], _references(row), _seconds(row))
        for row in lines(jsonl, "id", "candidate")
    ]
    if not items:
        raise typer.BadParameter(f"{jsonl} holds no captions")
    columns = _columns(items, tuple(metric or DEFAULT_METRICS), run, bert_model)
    if out is not None:
        _write(
            out,
            (
                {"id": item.id, **{name: c.values[i] for name, c in columns.items()}}
                for i, item in enumerate(items)
            ),
        )
    if as_json:
        whole = {name: None if c.whole is None else c.whole._asdict() for name, c in columns.items()}
        typer.echo(show.to_json({"items": len(items), "metrics": whole}))
        return
    rows = [
        (name, *("-" if c.whole is None else f"{v:.3f}" for v in c.whole or (0, 0, 0)),
         sum(value is not None for value in c.values), _SENSE[c.higher_is_better])
        for name, c in columns.items()
    ]  # fmt: skip
    show.table(show.console(), ("metric", "value", "low", "high", f"items of {len(items)}", "better"), rows)


_SENSE = {True: "higher", False: "lower", None: ""}


def _columns(
    items: list[Any], wanted: tuple[str, ...], run: Path | None, bert_model: Path | None
) -> dict[str, Any]:
    from kinescribe import plugins
    from kinescribe.runs.store import Run

    known = [name for name in plugins.names("metrics") if name != "grounded"]
    columns: dict[str, Any] = {}
    for name in wanted:
        if ":" not in name and name not in known:
            raise typer.BadParameter(
                f'no metric "{name}"{nearest(name, known)}; there are {", ".join(known)}'
            )
        kind = plugins.load("metrics", name)
        columns |= (kind(str(bert_model or "")) if name == "bert" else kind())(items)
    if run is not None:
        with Run.open(run) as opened:
            columns |= plugins.load("metrics", "grounded")(opened)(items)
    return columns


@score.command()
def pairs(jsonl: Rows, out: Annotated[Path, typer.Option(metavar="OUT", help="Where to write.")]) -> None:
    """Score each candidate against its reference; higher is more faithful.

    Lines {"id", "reference", "candidate"} become lines {"id", "score"}. The score is that of "motion": how faithful
    the candidate's motions are; null if neither text asserts a motion.

    Example: kinescribe score pairs --jsonl pairs.jsonl --out scores.jsonl
    """
    from kinescribe.checks import compare
    from kinescribe.language import parse_all

    _need(out, jsonl)
    asked, again = tee(lines(jsonl, "id", "reference", "candidate"))
    found = parse_all(text for row in asked for text in (row["reference"], row["candidate"]))
    rows = ({"id": row["id"], "score": compare(next(found), next(found)).score} for row in again)
    typer.echo(f"{_write(out, rows)} pairs scored", err=True)


def plain(actions: Iterable[Any]) -> list[dict[str, Any]]:
    """Return a caption's actions as the batch form writes them."""
    return [
        {
            "predicate": a.predicate, "agent": a.agent, "patient": a.patient, "direction": list(a.direction),
            "count": a.count, "magnitude": a.magnitude, "trajectory": a.trajectory, "body_part": a.part,
            "level": a.level, "negated": a.negated, "order_index": a.order, "start": a.start, "end": a.end,
        }
        for a in actions
    ]  # fmt: skip


def lines(path: Path, *needed: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file; empty lines are skipped.

    Raises:
        ParseError: a line is no object, or lacks a key or holds no text under it; with its number.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line, parse_constant=_no_number)
            except (ValueError, RecursionError) as error:
                raise ParseError(f"{path}:{number}: not JSON ({error}); write one object per line") from error
            if not isinstance(row, dict):
                raise ParseError(f"{path}:{number}: an object is expected, not {type(row).__name__}")
            for key in needed:
                if key not in row or key != "id" and not isinstance(row[key], str):
                    raise ParseError(f'{path}:{number}: "{key}" is missing or no text')
            yield row


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _references(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the references of an item; one without a word is none."""
    given = row.get("references", row.get("reference"))
    given = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise ParseError(f'item {row["id"]}: "references" must be texts')
    return tuple(text for text in given if any(map(str.isalnum, text)))


def _seconds(row: Mapping[str, Any]) -> float | None:
    given = row.get("seconds")
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < math.inf:
        raise ParseError(f'item {row["id"]}: "seconds" must be a number above 0')
    return float(given)


def _write(out: Path, rows: Iterator[dict[str, Any]]) -> int:
    from kinescribe.exporters import whole_files
    from kinescribe.plain import to_json

    written = 0
    with whole_files([out]) as (stream,):
        for row in rows:
            stream.write(to_json(row) + "\n")
            written += 1
    return written


def _need(out: Path | None, source: Path) -> None:
    """Check where to write before anything is read."""
    if out is None:
        raise typer.BadParameter("--jsonl needs --out OUT")
    if out.is_dir():
        raise typer.BadParameter(f"{out} is a folder: name the file to write")
    if out.exists() and source.exists() and out.samefile(source):
        raise typer.BadParameter(f"{out} is what is read: name another file to write")


def _text(text_or_file: str) -> str:
    """Return a text: standard input for "-", a file's where it names one, else itself."""
    try:
        if text_or_file == "-":
            return sys.stdin.read()
        if len(text_or_file) < 4096 and os.path.isfile(text_or_file):
            return Path(text_or_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {text_or_file}: {error}") from error
    if _is_path(text_or_file):
        raise typer.BadParameter(
            f"there is no file {text_or_file}; to read these words, end them with a full stop"
        )
    return text_or_file


def _is_path(text: str) -> bool:
    """Return whether an argument names a file and is no sentence."""
    one_line = len(text) < 4096 and "\n" not in text
    slashed = any(mark in text for mark in {"/", os.sep}) and not any(map(str.isspace, text))
    return one_line and not text.endswith(".") and (slashed or text.lower().endswith(TEXT_SUFFIXES))
