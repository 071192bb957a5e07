"""What a model's judgement looks like on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from kinescribe.cli import show
from kinescribe.judges.captions import JudgedCaptions
from kinescribe.judges.figures import Figure
from kinescribe.judges.pairs import JudgedPairs
from kinescribe.judges.questions import Judged


def questions(judged: Judged, told: Mapping[str, Any]) -> None:
    """Print what is said of two sets of questions."""
    columns = ("of 10", "A", "B", "B - A", "95 % interval", "spread", "place")
    show.table(
        show.console(),
        columns,
        [
            (
                name,
                f"{d.a.mean:.2f}",
                f"{d.b.mean:.2f}",
                f"{d.gain.mean:+.2f}",
                *_cells(d.gain),
                _mean(d.place_bonus),
            )
            for name, d in judged.dimensions.items()
        ],
    )
    _show_measured("A", told["measured"]["a"])
    _show_measured("B", told["measured"]["b"])
    _show_statuses(judged.statuses, told)
    if judged.one_order:
        typer.echo(f"rated in one order only: {show.plural(len(judged.one_order), 'clip')}")
    typer.echo("spread: of B - A from repeat to repeat; place: what being shown first is worth")


def inputs(by_set: Judged, by_pair: JudgedPairs, told: Mapping[str, Any]) -> None:
    """Print what is said of questions and texts that were written from two kinds of input."""
    typer.echo("A: from the video alone; B: from video, boxes, trajectories and facts")
    if told["judges_itself"]:
        typer.echo("the writer judged itself; --judge names another model")
    questions(by_set, told)
    typer.echo("")
    pairs(by_pair, {**told, "measured": {"a": None, "b": None}})


def captions(judged: JudgedCaptions, told: Mapping[str, Any]) -> None:
    """Print what is said of captions."""
    rows = [(name, f"{f.mean:.2f}", *_cells(f), f.items, "higher") for name, f in judged.scores.items()]
    if judged.hallucinations is not None:
        made_up = judged.hallucinations
        rows.append(("hallucinations", f"{made_up.mean:.2f}", *_cells(made_up), made_up.items, "lower"))
    show.table(show.console(), ("", "mean", "95 % interval", "spread", "captions", "better"), rows)
    if judged.free_of_them is not None:
        typer.echo(f"free of hallucinations: {judged.free_of_them:.0%} of the captions")
    if told["measured"] is not None:
        _show_claims("the captions", told["measured"])
        quoted = ", ".join(f"{n} {name}" for name, n in judged.by_verdict.items())
        typer.echo(f"quoted as made up, by what was measured of the words: {quoted}")
    for prompt, statuses in judged.statuses.items():
        typer.echo(f"{prompt}: {_listed(statuses)}")
    if told["not_judged"]:
        typer.echo(
            f"not judged: {told['not_judged']} captions of regions, by other writers, or second ones of a clip"
        )


def pairs(judged: JudgedPairs, told: Mapping[str, Any]) -> None:
    """Print what is said of pairs of captions."""
    show.table(show.console(), tuple(judged.outcomes), [tuple(judged.outcomes.values())])
    if judged.win is not None:
        interval, spread = _cells(judged.win)
        typer.echo(
            f"B's wins less A's: {judged.win.mean:+.2f} of 1, 95 % interval {interval}, spread {spread}, over "
            f"{show.plural(judged.win.items, 'pair')}"
        )
    if judged.first_share is not None:
        typer.echo(
            f"the one shown first is preferred in {judged.first_share:.0%} of the answers that prefer one"
        )
    for name in "ab":
        _show_claims(name.upper(), told["measured"][name])
    _show_statuses(judged.statuses, told)


def _show_measured(name: str, measured: Mapping[str, Any] | None) -> None:
    if measured is None:
        return
    _show_claims(f"{name}'s captions", measured["claims"])
    if measured["questions_by_fact"] is not None:
        typer.echo(f"{name}'s questions: {measured['questions_by_fact']:.0%} answered by a measured fact")


def _show_claims(name: str, claims: Mapping[str, Any] | None) -> None:
    if claims is None or claims["shares"]["holds"] is None:
        return
    shares = ", ".join(f"{share:.0%} {verdict}" for verdict, share in claims["shares"].items())
    total = claims["holds"] + claims["contradicted"] + claims["unknown"]
    typer.echo(f"{name}, as measured: {shares} (of {total} claims)")


def _show_statuses(statuses: Mapping[str, int], told: Mapping[str, Any]) -> None:
    alone = {name.upper(): len(found) for name, found in told["unpaired"].items() if found}
    left_out = "".join(f"; {show.plural(n, 'clip')} only in {name}" for name, n in alone.items())
    typer.echo(f"ratings: {_listed(statuses)}{left_out}")


def _listed(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {status}" for status, n in sorted(statuses.items())) or "none"


def _cells(figure: Figure) -> tuple[str, str]:
    """Return a figure's interval and spread as cells."""
    spread = "-" if figure.spread is None else f"{figure.spread:.2f}"
    return f"{figure.low:.2f} to {figure.high:.2f}", spread


def _mean(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.mean:+.2f}"
