"""Tables and sentences of the command line."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kinescribe.exporters import Exported
from kinescribe.records import Action
from kinescribe.runs.execute import Summary
from kinescribe.runs.store import Failure
from kinescribe.runs.summary import Counts

MOST_FAILURES = 20
"""Lines of a list of failures; the rest is counted."""
MOST_NOTES = 5
"""Lines of notes after an annotation: most name a time of one clip, and the report shows them there."""


def console(error: bool = False) -> Console:
    """Return the terminal, or what takes its place."""
    # Piped output is not cut to the width of a terminal that is not there.
    stream = sys.stderr if error else sys.stdout
    return Console(stderr=error, width=None if stream.isatty() else 200, soft_wrap=not stream.isatty())


def to_json(value: Any) -> str:
    """Return JSON; what is not finite is null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=True)


def table(console: Console, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table of plain texts."""
    made = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        made.add_row(*(escape(str(cell)) for cell in row))
    console.print(made)


def failures(console: Console, found: Sequence[Failure], most: int = MOST_FAILURES) -> None:
    """Print what failed and why, a line each: a path that is cut or wrapped cannot be copied."""
    for failure in found[:most]:
        what = failure.source if failure.clip_id is None else f"{failure.source} (clip {failure.clip_id})"
        tries = f", tried {failure.attempts} times" if failure.attempts > 1 else ""
        line = f"  {what}: {failure.stage}{tries}: {failure.error_type}: {reason(failure)}"
        console.print(escape(line), highlight=False, soft_wrap=True)
    if len(found) > most:
        console.print(f"  and {len(found) - most} more: kinescribe failures RUN")


def reason(failure: Failure) -> str:
    """Return why something failed, without the path that stands beside it."""
    return failure.message.removeprefix(f"{failure.source}: ")


def number(value: float) -> str:
    """Return a number as people write it: no decimals for a count, three digits for a measurement."""
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def summary(console: Console, done: Summary, counts: Counts) -> None:
    """Print what an annotation did and what the run holds now."""
    speed = f", {done.video_s / done.wall_s:.2f} x real time" if done.video_s and done.wall_s else ""
    work = f"{plural(done.annotated, 'clip')} annotated ({done.video_s:.1f} s of video)"
    if done.given_up:
        work += f", {done.given_up} failed,"
    if not (done.annotated or done.given_up or done.scanned):
        work = "nothing to do: everything is up to date"
    console.print(f"{work} in {done.wall_s:.1f} s{speed}", highlight=False)
    if done.answers:
        told = ", ".join(f"{number} {status}" for status, number in sorted(done.answers.items()))
        console.print(f"  answers of language models: {told}", highlight=False)
    for line in lines(counts):
        console.print(f"  {line}", highlight=False)
    notes(console, counts, MOST_NOTES)


def notes(console: Console, counts: Counts, most: int) -> None:
    """Print what could not be done, with the number of clips that it concerns, a line each."""
    for note, number in list(counts.notes.items())[:most]:
        where = plural(number, "clip")
        console.print(f"  note ({where}): {note}", highlight=False, markup=False, soft_wrap=True)
    if len(counts.notes) > most:
        console.print(f"  and {plural(len(counts.notes) - most, 'note')} more: kinescribe stats RUN")


def lines(counts: Counts) -> list[str]:
    """Return what a run holds, a line per kind."""
    claims = ", ".join(f"{number} {verdict}" for verdict, number in counts.claims.items() if number)
    return [
        f"{plural(counts.clips, 'clip')} of {plural(counts.sources, 'video')}, {counts.video_s:.1f} s",
        f"{plural(counts.people, 'person', 'people')}, {plural(counts.objects, 'object')}",
        plural(counts.facts, "fact"),
        f"{plural(counts.captions, 'caption')}{f' (claims: {claims})' if claims else ''}",
        plural(counts.questions, "question"),
    ] + [f"{plural(number, 'clip')} dropped on purpose" for number in [counts.dropped] if number]


def left_out(exported: Exported, dropped: int) -> list[str]:
    """Return what is not in an export, and why, in words."""
    found = (
        (exported.failed, f"{exported.failed} failed"),
        (dropped, f"{dropped} dropped on purpose"),
        (exported.pending, f"{exported.pending} not begun"),
        (exported.contradicted, plural(exported.contradicted, "contradicted caption")),
        (exported.duplicates, plural(exported.duplicates, "repeated question")),
        (exported.unfit, plural(exported.unfit, "question") + " of a kind this format does not hold"),
    )
    return [words for number, words in found if number]


def distributions(counts: Counts) -> Iterable[tuple[str, Mapping[str, float]]]:
    """Yield the titled distributions of a run that are not empty."""
    titled = {
        "camera": counts.camera, "subjects": counts.labels, "facts": counts.predicates,
        "claims": counts.claims, "questions": counts.categories, "seconds by stage": counts.stage_s,
    }  # fmt: skip
    return ((title, found) for title, found in titled.items() if found)


def spare_the_run(run: Path, out: Path) -> None:
    """Refuse to write over what a run is made of."""
    from kinescribe.runs.store import OWN_NAMES

    folder, target = run.resolve(), out.resolve()
    if target == folder or folder not in target.parents:
        return
    first = target.relative_to(folder).parts[0]
    if any(first == name or first in (f"{name}.part", f"{name}-wal", f"{name}-shm") for name in OWN_NAMES):
        raise typer.BadParameter(f"{out} belongs to the run itself; choose another --out")


def action_row(action: Action) -> list[str]:
    """Return an action as the cells of a table."""
    negated = "not " if action.negated else ""
    count = "" if action.count is None else str(action.count)
    return [
        str(action.order), action.agent or "", negated + action.predicate, ", ".join(action.direction),
        action.magnitude or "", action.trajectory or "", count, action.part or "", action.patient or "",
    ]  # fmt: skip


ACTION_COLUMNS = ("order", "who", "does", "direction", "manner", "path", "count", "part", "to what")


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return "1 clip" or "2 clips"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _finite(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _finite({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if hasattr(value, "_asdict"):
        return _finite(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
