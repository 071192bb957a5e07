"""What runs hold, in numbers: on the terminal, as JSON, as files with figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # --help answers at once
    from rich.console import Console

    from kinescribe.records import Clip
    from kinescribe.runs.store import Drop
    from kinescribe.statistics.measure import Statistics

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; several stand side by side.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Write stats.json, stats.csv, figures/*.svg and index.html there."
    ),
]


def stats(runs: Runs, as_json: AsJson = False, out: Out = None) -> None:
    """Count and draw what a run holds, as papers report their data sets.

    Example: kinescribe stats run --out figures
    """
    from kinescribe.cli import show
    from kinescribe.runs.store import Run
    from kinescribe.statistics import page, tables
    from kinescribe.statistics.measure import measure

    for run in runs:
        if out is not None:
            show.spare_the_run(run, out)
    found: list[Statistics] = []
    clips: list[Clip] = []
    dropped: list[Drop] = []
    for run in runs:
        with Run.open(run) as opened:
            found.append(measure(opened, opened.ledger, run))
            if len(runs) == 1:
                clips, dropped = opened.clips(), opened.dropped()
    if out is not None:
        for file in page.write(found, out):
            typer.echo(file, err=as_json)
    if as_json:
        typer.echo(page.json_text(found))
    elif out is None:
        console = show.console()
        if len(found) == 1:
            _one(console, found[0])
            rows = [(clip.id, clip.source, f"{clip.start_s:.1f}", f"{clip.duration_s:.1f}") for clip in clips]
            show.table(console, ("clip", "source", "from s", "seconds"), rows)
            if dropped:
                show.table(
                    console, ("dropped", "source", "why"), [(d.clip_id, d.source, d.why) for d in dropped]
                )
        else:
            titles = ("", *(run.run for run in found), "unit", "published")
            cells = [
                (r.title, *map(tables.cell, r.values), r.unit, r.published) for r in tables.main_table(found)
            ]
            show.table(console, titles, cells)


def _one(console: Console, found: Statistics) -> None:
    """Print a run: what it holds, how it compares, and how everything is spread."""
    from kinescribe.cli import show
    from kinescribe.statistics import tables

    for line in show.lines(found.holds):
        console.print(line, highlight=False)
    show.notes(console, found.holds, most=len(found.holds.notes))
    rows = [
        (row.title, tables.cell(row.values[0]), row.unit, row.published)
        for row in tables.main_table([found])
        if row.values[0] is not None
    ]
    show.table(console, ("", "this run", "unit", "published"), rows)
    if found.writers:
        show.table(console, tables.WRITER_COLUMNS, tables.writer_rows(found.writers))
    if found.calls is not None and found.calls.models:
        show.table(console, tables.CALL_COLUMNS, tables.call_rows(found))
    for title, counts in _distributions(found):
        show.table(console, (title, ""), [(name, show.number(number)) for name, number in counts.items()])


def _distributions(found: Statistics) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yield the titled distributions that are not empty."""
    from kinescribe.cli import show

    yield from show.distributions(found.holds)
    more = {
        "right answer": found.qa.balance.positions,
        "checklist: right answer": found.checklist.balance.positions,
        "checklist: what is right": found.checklist.answer_roles,
        "questions dropped": found.questions_dropped,
        "facts by direction": found.motion.directions,
        "facts by subject": found.motion.subjects,
        "failures": found.failed.errors,
        "requests to models": found.calls.statuses if found.calls else {},
    }
    yield from ((title, counts) for title, counts in more.items() if counts)
