"""``python -m quality``: Kinescribe's own error, stage by stage, as Markdown tables.

python -m quality                       # development seeds, a few per scenario
python -m quality --held-out --seeds 5  # seeds that nobody looked at while setting thresholds
python -m quality --only gold           # real clips against the notes in ../shared/gold
python -m quality --held-out --write    # put the tables into docs/quality.md
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from multiprocessing import get_context
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kinescribe.language import parse
from quality import gold, worlds
from tests.worlds import SCENARIOS

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
DOCS = ROOT / "docs" / "quality.md"

GROUPS: dict[str, Callable[[str], bool]] = {
    "one thing moves straight": lambda n: n.startswith("move_"),
    "stops and pauses": lambda n: n in ("start_stop", "pause"),
    "swings, counted": lambda n: n.startswith("back_and_forth"),
    "circle, curve, zigzag": lambda n: n in ("circle", "curve", "zigzag"),
    "nearer, farther": lambda n: n.endswith("_camera"),
    "enters, leaves": lambda n: n.startswith(("enter", "leave")),
    "two things": lambda n: n.startswith("pair"),
    "only the camera moves": lambda n: n.startswith("camera_") and n != "camera_static",
    "camera and thing move": lambda n: n == "pan_with_mover",
    "nothing moves": lambda n: n.startswith("nothing") or n == "camera_static",
    "a cut": lambda n: n == "cut",
}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m quality", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="worlds per scenario (default 2)")
    parser.add_argument("--held-out", action="store_true", help="use the held-out seeds")
    parser.add_argument("--only", choices=["worlds", "gold", "parser"])
    parser.add_argument("--scenario", default="", help="only scenarios whose name holds this")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/quality.md")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args(arguments)
    parts: dict[str, Callable[[], str]] = {
        "worlds": lambda: _worlds(args.seeds, args.held_out, args.scenario, args.workers),
        "gold": _gold,
        "parser": _parser,
    }
    texts = {name: part() for name, part in parts.items() if args.only in (None, name)}
    print("\n\n".join(texts.values()))
    if args.write:
        for name, text in texts.items():
            _write(name, text)
    return 0


def _worlds(seeds: int, held_out: bool, scenario: str, workers: int) -> str:
    chosen = (worlds.HELD_OUT if held_out else worlds.DEVELOPMENT)[:seeds]
    jobs = [(name, seed) for name in SCENARIOS if scenario in name for seed in chosen]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        reports = list(pool.map(worlds.measure_scenario, jobs))
    rows = []
    for group, belongs in GROUPS.items():
        own = [report for (name, _), report in zip(jobs, reports, strict=True) if belongs(name)]
        if own:
            rows.append([group, *_row(own)])
    rows.append(["**all**", *_row(reports)])
    kind = "held-out" if held_out else "development"
    title = f"{len(jobs)} rendered worlds, {kind} seeds {chosen[0]}-{chosen[-1]}"
    return f"### {title}\n\n" + _table(
        [
            "scenario", "camera error px (median, p95)", "camera label", "boxes P / R", "tracks per subject",
            "ghost tracks", "facts from exact boxes P / R", "facts from pixels P / R",
            "claims true / false / unknown", "lies refused", "answers true",
        ],
        rows,
    )  # fmt: skip


def _row(reports: list[worlds.Report]) -> list[str]:
    errors = [e for r in reports for e in r.camera_error_px]
    camera = f"{np.median(errors):.2f}, {np.percentile(errors, 95):.2f}" if errors else "-"
    boxes = reduce(add, (r.boxes for r in reports))
    exact = reduce(add, (r.facts_from_truth for r in reports))
    facts = reduce(add, (r.facts for r in reports))
    tracks = _sums(r.fragments for r in reports)
    claims = _sums(r.claims for r in reports)
    return [
        camera,
        _share(_sums(r.camera_label for r in reports)),
        f"{_number(boxes.precision)} / {_number(boxes.recall)}",
        f"{tracks[0] / tracks[1]:.2f}" if tracks[1] else "-",
        str(sum(r.ghosts for r in reports)),
        f"{_number(exact.precision)} / {_number(exact.recall)}",
        f"{_number(facts.precision)} / {_number(facts.recall)}",
        " / ".join(map(str, claims)),
        _share(_sums(r.lies for r in reports)),
        _share(_sums(r.answers for r in reports)),
    ]


def _sums(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*rows, strict=True))


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _share(counts: tuple[int, ...]) -> str:
    return f"{counts[0]} of {counts[1]}" if counts[1] else "-"


def _gold() -> str:
    if not (SHARED / "gold" / "videos.jsonl").exists():
        return "### Real clips against notes\n\nnot run: ../shared/gold is not here"
    notes = gold.measure(SHARED)
    rows = [[n.video, n.note, "yes" if n.found else "**no**", n.by or "-"] for n in notes]
    found = sum(n.found for n in notes)
    title = f"### Real clips against notes by hand: {found} of {len(notes)} found"
    return f"{title}\n\n" + _table(["video", "note", "stated", "by"], rows)


def _parser() -> str:
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
    return f"### Caption parser on {len(lines)} annotated captions (development)\n\n" + _table(
        ["measure", ""], rows
    )


def _prediction(gold: dict[str, str]) -> dict[str, object]:
    actions = [
        {
            "predicate": a.predicate,
            "agent": a.agent,
            "patient": a.patient,
            "direction": list(a.direction),
            "count": a.count,
            "order_index": a.order,
            "negated": a.negated,
            "magnitude": a.magnitude,
            "level": a.level,
        }
        for a in parse(gold["caption"])
    ]
    return {"id": gold["id"], "actions": actions}


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def _write(name: str, text: str) -> None:
    """Replace what stands between the marks ``<!-- name -->`` and ``<!-- /name -->``."""
    mark = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
    page = DOCS.read_text()
    if not mark.search(page):
        raise SystemExit(f"docs/quality.md has no place for {name}: add <!-- {name} --><!-- /{name} -->")
    DOCS.write_text(mark.sub(lambda m: f"{m[1]}\n{text}\n{m[2]}", page))


if __name__ == "__main__":
    sys.exit(main())
