"""Statistics as files: JSON, CSV, figures, and one page that needs no network and runs nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

import kinescribe
from kinescribe.exporters import whole_files
from kinescribe.plain import to_json
from kinescribe.statistics import tables
from kinescribe.statistics.figures import Figure, figures
from kinescribe.statistics.measure import Statistics
from kinescribe.viewer.report import policy

TEMPLATES = Path(__file__).parent / "templates"


def write(runs: Sequence[Statistics], out: Path) -> list[Path]:
    """Write statistics into a folder and return the files; they are replaced together.

    ``stats.json`` (the document of one run, or a list of several), ``stats.csv`` (run, path, value), ``index.html``,
    and ``figures/NAME.svg`` (of several runs ``figures/1-NAME.svg``, ...).

    Raises:
        OSError: the folder cannot be written.
    """
    out = Path(out)
    drawn = [figures(run) for run in runs]
    several = len(runs) > 1
    texts = {
        "stats.json": json_text(runs) + "\n",
        "stats.csv": csv_text(runs),
        "index.html": html(runs, drawn),
    }
    for number, made in enumerate(drawn, 1):
        for figure in made:
            texts[f"figures/{f'{number}-' if several else ''}{figure.name}.svg"] = figure.svg
    (out / "figures").mkdir(parents=True, exist_ok=True)
    paths = [out / name for name in texts]
    with whole_files(paths) as streams:
        for stream, text in zip(streams, texts.values(), strict=True):
            # Half of a surrogate pair, from a file name that is not UTF-8, cannot be written.
            stream.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    return paths


def json_text(runs: Sequence[Statistics]) -> str:
    """Return the document of one run, or a list of several."""
    documents = [tables.document(run) for run in runs]
    return to_json(documents[0] if len(documents) == 1 else documents, indent=2)


def csv_text(runs: Sequence[Statistics]) -> str:
    """Return every number of every run on a line of its own: run, path, value."""
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(("run", "path", "value"))
    for run in runs:
        for path, value in tables.flat(tables.document(run)):
            rows.writerow((run.run, path, "" if value is None else value))
    return stream.getvalue()


def html(runs: Sequence[Statistics], drawn: Sequence[Sequence[Figure]]) -> str:
    """Return the page."""
    css = Markup((TEMPLATES / "stats.css").read_text("utf-8"))
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["cell"] = tables.cell
    sections = [
        {
            "run": run,
            # Escaped where it was drawn.
            "figures": [Markup(figure.svg) for figure in made],
            "writers": tables.writer_rows(run.writers),
            "calls": tables.call_rows(run),
        }
        for run, made in zip(runs, drawn, strict=True)
    ]
    return env.get_template("stats.html.j2").render(
        sections=sections, rows=_known(tables.main_table(runs)), names=[run.run or "run" for run in runs],
        writer_columns=tables.WRITER_COLUMNS, call_columns=tables.CALL_COLUMNS, css=css, policy=policy(css, ""),
        version=kinescribe.__version__,
    )  # fmt: skip


def _known(rows: Sequence[tables.Row]) -> list[tables.Row]:
    """Return the rows that have a value for some run."""
    return [row for row in rows if any(value is not None for value in row.values)]
