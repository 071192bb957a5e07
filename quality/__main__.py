"""``python -m quality``: Kinescribe's own error, stage by stage, as Markdown tables.

python -m quality                       # development seeds, a few per scenario
python -m quality --held-out --seeds 5  # seeds that nobody looked at while setting thresholds
python -m quality --only gold           # real clips against the notes in ../shared/gold
python -m quality --held-out --write    # put the tables into docs/quality.md and docs/method.md
python -m quality --calibrate --seeds 3 # fit kinescribe/facts/calibration.py, on development seeds only
python -m quality --sheets DIR          # one picture per clip of ../shared/videos, to be looked at
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from kinescribe.cli.texts import plain
from kinescribe.language import parse
from quality import (
    calibration,
    events,
    gold,
    metrics,
    people,
    questions,
    regions,
    sheets,
    tables,
    worlds,
    writers,
)
from quality.parser import tables as parser_tables
from quality.tables import Measured, number, table
from tests.bodies import BODY_SCENARIOS
from tests.generator import ALL_SCENARIOS, DIFFICULTIES

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
PAGES = tuple(ROOT / "docs" / name for name in ("quality.md", "method.md"))
PICTURE = ROOT / "docs" / "images" / "calibration.svg"
"""The reliability diagram, drawn with ``--write``."""

COMPOSED_PER_SEED = 10
"""Composed worlds measured for each seed that a scenario is measured with."""
JITTERS_M = (0.0, 0.02)
"""Disturbance of every joint: none, and about what a pose net has beyond its bias."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m quality", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="worlds per scenario (default 2)")
    parser.add_argument("--held-out", action="store_true", help="use the held-out seeds")
    parser.add_argument(
        "--only",
        choices=[
            "worlds",
            "gold",
            "people",
            "parser",
            "metrics",
            "events",
            "writers",
            "questions",
            "regions",
        ],
    )
    parser.add_argument("--scenario", default="", help="only scenarios whose name holds this")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/quality.md and docs/method.md"
    )
    parser.add_argument(
        "--sheets", type=Path, help="write contact sheets of the shared clips into this folder"
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="fit the confidence of facts on development seeds, into the source",
    )
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args(arguments)
    if args.sheets:
        print(*sheets.write_all(SHARED / "videos", args.sheets, args.scenario, args.workers), sep="\n")
        return 0
    if args.calibrate:
        print(_calibrate(args.seeds, args.scenario, args.workers))
        return 0
    parts: dict[str, Callable[[], str]] = {
        "worlds": lambda: _worlds(args.seeds, args.held_out, args.scenario, args.workers, args.write),
        "gold": _gold,
        "people": lambda: _people(args.workers),
        "parser": _parser,
        "metrics": lambda: metrics.table(
            (worlds.HELD_OUT if args.held_out else worlds.DEVELOPMENT)[: args.seeds]
        ),
        "events": _events,
        "writers": lambda: writers.tables(
            (worlds.HELD_OUT if args.held_out else worlds.DEVELOPMENT)[: args.seeds],
            args.workers,
            args.held_out,
        ),
        "questions": lambda: _questions(args.seeds, args.held_out, args.workers),
        "regions": lambda: regions.table(
            (worlds.HELD_OUT if args.held_out else worlds.DEVELOPMENT)[: args.seeds], workers=args.workers
        ),
    }
    texts = {name: part() for name, part in parts.items() if args.only in (None, name)}
    print("\n\n".join(texts.values()))
    if args.write:
        for name, text in texts.items():
            _write(name, text)
    return 0


def _worlds(seeds: int, held_out: bool, scenario: str, workers: int, picture: bool) -> str:
    known = worlds.HELD_OUT if held_out else worlds.DEVELOPMENT
    chosen, composed = known[:seeds], known[: COMPOSED_PER_SEED * seeds]
    jobs = _jobs(chosen, composed, scenario)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        reports = list(pool.map(worlds.measure_scenario, jobs, chunksize=4))
        bodies = {
            jitter: list(pool.map(worlds.measure_body, _bodies(chosen, jitter))) for jitter in JITTERS_M
        }
    found = [Measured(n, look, report) for (n, _, look), report in zip(jobs, reports, strict=True)]
    points = [p for m in found for p in m.report.points]
    if picture:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(calibration.picture(points))
    kind = "held-out" if held_out else "development"
    seeds_used = f"{kind} seeds {chosen[0]}-{chosen[-1]} (composed: to {composed[-1]})"
    exact = bodies[JITTERS_M[0]]
    return "\n\n".join([
        f"### {len(jobs)} rendered worlds and {len(exact)} bodies without pictures, {seeds_used}",
        "#### Aims\n\n" + tables.targets(found, bodies),
        "#### How errors propagate\n\n" + tables.propagation(found),
        "#### Fact by fact\n\n" + tables.kinds(found, exact),
        "#### Shapes of paths, from pixels\n\n" + tables.confusion(found),
        f"#### Confidence, from pixels: calibration error {calibration.error(points):.3f}\n\n"
        + tables.reliability(points),
        "#### Seeing, by scenario\n\n" + tables.by_scenario(found, tables.SEEING, tables.seen),
        "#### Saying, by scenario\n\n" + tables.by_scenario(found, tables.SAYING, tables.said),
    ])  # fmt: skip


def _questions(seeds: int, held_out: bool, workers: int) -> str:
    known = worlds.HELD_OUT if held_out else worlds.DEVELOPMENT
    chosen, composed = known[:seeds], known[: COMPOSED_PER_SEED * seeds]
    names = {**dict.fromkeys((*ALL_SCENARIOS, *BODY_SCENARIOS), chosen), worlds.COMPOSED: composed}
    names |= dict.fromkeys((questions.COUPLES, questions.SEQUENCES), composed)
    jobs = [(name, seed, questions.EXACT) for name in names for seed in names[name]]
    # From pixels: one world of each kind, since each takes seconds.
    pixels = {**dict.fromkeys(ALL_SCENARIOS, chosen[:1]), worlds.COMPOSED: composed[:COMPOSED_PER_SEED]}
    jobs += [(name, seed, questions.PIXELS) for name in pixels for seed in pixels[name]]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        asked = [one for found in pool.map(questions.asked_of, jobs, chunksize=8) for one in found]
    kind = "held-out" if held_out else "development"
    title = f"Questions of {len(jobs)} worlds and bodies, {kind} seeds {chosen[0]}-{chosen[-1]}"
    return questions.table(asked, f"{title} (composed: to {composed[-1]})")


def _jobs(chosen: range, composed: range, scenario: str = "") -> list[tuple[str, int, str]]:
    own = {**dict.fromkeys(ALL_SCENARIOS, chosen), worlds.COMPOSED: composed}
    return [(n, s, look) for look in DIFFICULTIES for n in own if scenario in n for s in own[n]]


def _bodies(seeds: range, jitter_m: float) -> list[tuple[str, int, float]]:
    return [(name, seed, jitter_m) for name in BODY_SCENARIOS for seed in seeds]


def _calibrate(seeds: int, scenario: str, workers: int) -> str:
    """Fit the confidence of facts on development worlds and put the curves into the product."""
    chosen = worlds.DEVELOPMENT[:seeds]
    jobs = _jobs(chosen, worlds.DEVELOPMENT[: COMPOSED_PER_SEED * seeds], scenario)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        points = [p for found in pool.map(worlds.measure_points, jobs, chunksize=4) for p in found]
        for jitter in JITTERS_M:
            points += [
                p for body in pool.map(worlds.measure_body, _bodies(chosen, jitter)) for p in body.points
            ]
    curves = calibration.fit(points)
    note = f"{len(points)} facts of {len(jobs)} worlds, development seeds {chosen[0]}-{chosen[-1]}"
    calibration.write(curves, note)
    fitted = [p._replace(confidence=curves[p.family](p.first)) for p in points]
    return (
        f"### Confidence fitted to {note}\n\ncalibration error {calibration.error(points):.3f} before, "
        + (f"{calibration.error(fitted):.3f} after\n\n{tables.reliability(fitted)}")
    )


def _gold() -> str:
    if not (SHARED / "gold" / "videos.jsonl").exists():
        return "### Real clips against notes\n\nnot run: ../shared/gold is not here"
    notes = gold.measure(SHARED)
    rows = [[n.video, n.note, "yes" if n.found else "**no**", n.by or "-"] for n in notes]
    found = sum(n.found for n in notes)
    title = f"### Real clips against notes by hand: {found} of {len(notes)} found"
    return f"{title}\n\n" + table(["video", "note", "stated", "by"], rows)


def _people(workers: int) -> str:
    if not (SHARED / "gt" / "coco_keypoints_mini").is_dir():
        return "### People in real pictures\n\nnot run: ../shared/gt is not here"
    images = [
        [r.detector, f"{r.found} of {r.true}", number(r.precision), number(r.oks)]
        for r in people.measure_images(SHARED)
    ]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        signed = list(pool.map(people.measure_signer, people.signers(SHARED)))
        agreed = list(pool.map(people.measure_agreement, people.jobs(SHARED)))
    parts = [
        "### People in four COCO pictures, boxes at IoU 0.5\n\n"
        + table(["detector", "people found", "precision", "mean OKS of those found"], images),
        "### Signers: share of the samples in which they are found\n\n"
        + table(["video", "person", "left hand", "right hand"], [_signer_row(row) for row in signed]),
    ]
    rows = [
        [
            a.video,
            str(a.yolox),
            _of(a.of_yolox, a.yolox),
            str(a.offline),
            _of(a.of_offline, a.offline),
        ]
        for a in agreed
        if a is not None
    ]
    if rows:
        parts.append(
            "### The offline person detector beside YOLOX-nano (score > 0.5), every fifth sample, IoU 0.5\n\n"
            + table(
                ["video", "YOLOX people", "of them found offline", "offline people", "of them YOLOX finds"],
                rows,
            )
        )
    return "\n\n".join(parts)


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "-"


def _signer_row(row: people.Signer) -> list[str]:
    return [row.video, *(number(share) for share in (row.person, row.left_hand, row.right_hand))]


def _parser() -> str:
    return parser_tables() + "\n\n" + _shared_parser()


def _shared_parser() -> str:
    folder = SHARED / "gold" / "mope"
    if not folder.is_dir():
        return "### Caption parser\n\nnot run: ../shared/gold/mope is not here"
    with TemporaryDirectory() as place:
        out = Path(place) / "predictions.jsonl"
        lines = (folder / "dev.jsonl").read_text().splitlines()
        out.write_text("\n".join(json.dumps(_prediction(json.loads(line))) for line in lines))
        command = [sys.executable, str(folder / "score.py"), str(folder / "dev.jsonl"), str(out)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    measured = json.loads(answer.stdout.strip().splitlines()[-1])
    rows = [[key, f"{value:.3f}"] for key, value in measured.items() if isinstance(value, float)]
    return f"### Caption parser on {len(lines)} annotated captions (development)\n\n" + table(
        ["measure", ""], rows
    )


def _events() -> str:
    if not (SHARED / "bench").is_dir():
        return "### Events that people list\n\nnot run: ../shared/bench is not here"
    return events.table(SHARED)


def _prediction(gold: dict[str, str]) -> dict[str, object]:
    """Return what ``kinescribe parse --jsonl`` writes for a caption."""
    return {"id": gold["id"], "actions": plain(parse(gold["caption"]))}


def _write(name: str, text: str) -> None:
    """Replace what stands between the marks ``<!-- name -->`` and ``<!-- /name -->``."""
    mark = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
    place = next((page for page in PAGES if mark.search(page.read_text())), None)
    if place is None:
        raise SystemExit(f"no page of docs/ has a place for {name}: add <!-- {name} --><!-- /{name} -->")
    place.write_text(mark.sub(lambda m: f"{m[1]}\n{text}\n{m[2]}", place.read_text()))


if __name__ == "__main__":
    sys.exit(main())
