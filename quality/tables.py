"""The tables of rendered worlds, as Markdown: each takes reports of worlds and returns rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np

from quality import calibration, tracking, worlds
from quality.matching import Score
from quality.measures import MISSED, UNSAID, Said
from quality.worlds import EXACT, MEASURED, VARIANTS, Body, Report
from tests.travelling import TRAVEL_SCENARIOS

GROUPS: dict[str, Callable[[str], bool]] = {
    "one thing moves straight": lambda n: n.startswith("move_"),
    "stops and pauses": lambda n: n in ("start_stop", "pause"),
    "gets faster, slower, sets off": lambda n: n in TRAVEL_SCENARIOS and n != "nearer_on_its_way",
    "swings, counted": lambda n: n.startswith("back_and_forth"),
    "circle, curve, zigzag": lambda n: n in ("circle", "curve", "zigzag"),
    "nearer, farther": lambda n: n.endswith("_camera") or n == "nearer_on_its_way",
    "enters, leaves": lambda n: n.startswith(("enter", "leave")),
    "two things": lambda n: n.startswith("pair"),
    "five things": lambda n: n == "crowd",
    "behind a post": lambda n: n == "behind_a_post",
    "only the camera moves": lambda n: (
        n.startswith("camera_") and n not in ("camera_static", "camera_slight") and "dolly" not in n
    ),
    "the camera drives": lambda n: n.startswith("camera_dolly"),
    "camera and thing move": lambda n: n == "pan_with_mover",
    "nothing moves": lambda n: n.startswith("nothing") or n in ("camera_static", "camera_slight"),
    "cuts": lambda n: n.startswith("cut"),
    "composed at random": lambda n: n == worlds.COMPOSED,
    "composed, with a cut": lambda n: n == "two_shots",
}
"""Rows by scenario."""


class Measured(NamedTuple):
    """A report and the world it is of."""

    name: str
    difficulty: str
    report: Report


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def number(value: float) -> str:
    """Return two digits, or a dash for what is not known."""
    return "-" if np.isnan(value) else f"{value:.2f}"


def rates(score: Score) -> str:
    """Return precision and recall."""
    return f"{number(score.precision)} / {number(score.recall)}"


def share(part: int, whole: int) -> str:
    """Return a share in per cent and the number it is of."""
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "-"


def sums(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Add rows up column by column."""
    return tuple(sum(column) for column in zip(*rows, strict=True))


def total(said: Iterable[Said]) -> Said:
    """Add worlds up."""
    return reduce(add, said, Said())


# --- what the issue asks ------------------------------------------------------------------------------------

TARGETS = [
    "measure",
    "aim",
    "exact boxes",
    "pixels, plain",
    "pixels, filmed",
    "exact joints",
    "joints off by 20 mm",
]


def targets(found: Sequence[Measured], bodies: Mapping[float, Sequence[Body]]) -> str:
    """Return what the issue sets aims for, side by side."""
    reports = [m.report for m in found]
    columns = [total(r.said[EXACT] for r in reports)]
    looks = {look: [m.report for m in found if m.difficulty == look] for look in ("plain", "filmed")}
    columns += [total(r.said[MEASURED] for r in own) for own in looks.values()]
    columns += [total(b.said for b in own) for own in bodies.values()]
    rows = [[name, aim, *(say(column) for column in columns)] for name, aim, say in ASKED]
    motion = [_false_motion(own) for own in looks.values()]
    rows.append(["motion stated where nothing moves", "0", "-", *motion, *["-"] * len(bodies)])
    points = [[p for r in own for p in r.points] for own in looks.values()]
    points += [[p for b in own for p in b.points] for own in bodies.values()]
    rows.append(["calibration error of confidence", "", "-", *(number(calibration.error(p)) for p in points)])
    return table(TARGETS, rows)


def _false_motion(reports: Sequence[Report]) -> str:
    seconds = sum(r.still_s for r in reports)
    return f"{sum(r.false_motion for r in reports)} facts in {seconds:.0f} s"


def _directions(said: Said) -> str:
    return share(said.directions["right"], sum(said.directions.values()))


def _directions_said(said: Said) -> str:
    return share(said.directions["right"], said.directions["right"] + said.directions["wrong"])


def _shapes(said: Said) -> str:
    return share(
        sum(n for (true, stated), n in said.shapes.items() if true == stated), sum(said.shapes.values())
    )


def _counts(said: Said) -> str:
    true = sum(n for what, n in said.counts.items() if what != "made up")
    return share(said.counts["exact"], true)


def _miscounts(said: Said) -> str:
    return ", ".join(str(said.counts[what]) for what in ("off by one", "wrong", "refused", MISSED, "made up"))


def _orders(said: Said) -> str:
    return share(said.orders["right"], sum(n for what, n in said.orders.items() if what != MISSED))


def _boundaries(errors: Sequence[float]) -> str:
    if not errors:
        return "-"
    off = np.abs(errors)
    return f"{np.median(off):.2f}, {np.percentile(off, 95):.2f}"


ASKED: tuple[tuple[str, str, Callable[[Said], str]], ...] = (
    ("direction within 45 degrees, of all movements", "97 %", _directions),
    ("the same, of those that were stated", "", _directions_said),
    ("shape of the path", "90 %", _shapes),
    ("repetitions counted exactly", "90 %", _counts),
    ("off by one, wrong, refused, not stated, made up", "", _miscounts),
    ("order of two happenings, of pairs stated", "97 %", _orders),
    ("start off by (s; median, p95)", "", lambda said: _boundaries(said.starts_s)),
    ("end off by (s; median, p95)", "", lambda said: _boundaries(said.ends_s)),
    ("facts: precision", "95 %", lambda said: share(said.score().right, said.score().stated)),
    ("facts: recall", "85 %", lambda said: share(said.score().right, said.score().true)),
)


# --- how errors propagate -----------------------------------------------------------------------------------

PROPAGATION = [
    "measured, the rest is the truth", "look", "facts P / R", "direction, of all movements", "shape", "count", "order",
]  # fmt: skip


def propagation(found: Sequence[Measured]) -> str:
    """Return what facts are worth as one stage after the other is measured instead of told."""
    rows = []
    for variant in VARIANTS:
        looks = ("both",) if variant == EXACT else ("plain", "filmed")  # exact boxes do not know the look
        for look in looks:
            said = total(m.report.said[variant] for m in found if look in ("both", m.difficulty))
            measures = (_directions(said), _shapes(said), _counts(said), _orders(said))
            rows.append([variant, look, rates(said.score()), *measures])
    return table(PROPAGATION, rows)


# --- fact by fact -------------------------------------------------------------------------------------------

KINDS = [
    "fact",
    "true",
    "exact boxes P / R",
    "plain P / R",
    "filmed P / R",
    "wrongly stated: exact, plain, filmed",
]


def kinds(found: Sequence[Measured], bodies: Sequence[Body]) -> str:
    """Return precision and recall by kind of fact; those of bodies are from exact joints."""
    exact = total([*(m.report.said[EXACT] for m in found), *(b.said for b in bodies)])
    looks = [
        total(m.report.said[MEASURED] for m in found if m.difficulty == look) for look in ("plain", "filmed")
    ]
    every = sorted({kind for said in (exact, *looks) for kind, _ in said.facts})
    rows = []
    for kind in every:
        scores = [said.score(kind) for said in (exact, *looks)]
        wrong = ", ".join(str(s.stated - s.right) for s in scores)
        rows.append([kind, str(scores[0].true), *(rates(s) for s in scores), wrong])
    return table(KINDS, rows)


def confusion(found: Sequence[Measured]) -> str:
    """Return true shapes against stated ones, both looks together."""
    counted: Counter[tuple[str, str]] = total(m.report.said[MEASURED] for m in found).shapes
    true = sorted({t for t, _ in counted})
    stated = [*sorted({s for _, s in counted} - {UNSAID, MISSED}), UNSAID, MISSED]
    rows = [[t.replace("_", " "), *(str(counted[t, s] or "") for s in stated)] for t in true]
    return table(["true shape", *(s.replace("_", " ") for s in stated)], rows)


# --- by scenario --------------------------------------------------------------------------------------------

SEEING = [
    "scenario", "camera error px (median, p95)", "camera label", "cuts P / R", "boxes P / R", "mean IoU", "HOTA",
    "IDF1", "ID switches", "tracks per subject", "ghost tracks",
]  # fmt: skip
SAYING = [
    "scenario", "facts from exact boxes P / R", "plain P / R", "filmed P / R", "claims true / false / unknown",
    "lies refused", "answers true", "false motion where nothing moves",
]  # fmt: skip


def by_scenario(
    found: Sequence[Measured], head: list[str], row: Callable[[Sequence[Measured]], list[str]]
) -> str:
    """Return a table with a row for every group of scenarios, and rows for all."""
    grouped: dict[str, list[Measured]] = {
        group: [m for m in found if belongs(m.name)] for group, belongs in GROUPS.items()
    }
    grouped["**all, plain**"] = [m for m in found if m.difficulty == "plain"]
    grouped["**all, filmed**"] = [m for m in found if m.difficulty == "filmed"]
    return table(head, [[group, *row(own)] for group, own in grouped.items() if own])


def seen(found: Sequence[Measured]) -> list[str]:
    """Return the cells of ``SEEING`` after the first."""
    reports = [m.report for m in found]
    errors = [e for r in reports for e in r.camera_error_px]
    followed = tracking.total(r.tracking for r in reports)
    tracks = sums(r.fragments for r in reports)
    return [
        f"{np.median(errors):.2f}, {np.percentile(errors, 95):.2f}" if errors else "-",
        "{} of {}".format(*sums(r.camera_label for r in reports)),
        rates(_scores(r.cuts for r in reports)),
        rates(_scores(r.boxes for r in reports)),
        number(followed.mean_iou),
        number(followed.hota),
        number(followed.idf1),
        str(followed.switches),
        f"{tracks[0] / tracks[1]:.2f}" if tracks[1] else "-",
        str(sum(r.ghosts for r in reports)),
    ]


def said(found: Sequence[Measured]) -> list[str]:
    """Return the cells of ``SAYING`` after the first."""
    reports = [m.report for m in found]
    looks = [[m.report for m in found if m.difficulty == look] for look in ("plain", "filmed")]
    still = any(r.still_s for r in reports)
    return [
        rates(_scores(r.facts_from_truth for r in reports)),
        *(rates(_scores(r.facts for r in own)) for own in looks),
        " / ".join(map(str, sums(r.claims for r in reports))),
        _of(sums(r.lies for r in reports)),
        _of(sums(r.answers for r in reports)),
        _false_motion(reports) if still else "-",
    ]


def _scores(scores: Iterable[Score]) -> Score:
    return reduce(add, scores, Score())


def _of(counts: tuple[int, ...]) -> str:
    return f"{counts[0]} of {counts[1]}" if counts[1] else "-"


# --- calibration --------------------------------------------------------------------------------------------

RELIABILITY = ["confidence", "facts", "mean confidence", "share true"]


def reliability(points: Sequence[calibration.Point]) -> str:
    """Return the reliability diagram as a table, the families under it."""
    rows: list[list[Any]] = [
        [f"{b.low:g} to {b.high:g}", str(b.facts), number(b.confidence), number(b.right)]
        for b in calibration.bins(points)
    ]
    for name in sorted({p.family for p in points}):
        own = [p for p in points if p.family == name]
        confidence = float(np.mean([p.confidence for p in own]))
        rows.append(
            [f"*{name}*", str(len(own)), number(confidence), number(float(np.mean([p.right for p in own])))]
        )
    return table(RELIABILITY, rows)
