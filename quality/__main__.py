"""``python -m quality``: Kinescribe's own error, stage by stage, as Markdown tables.

python -m quality                       # development seeds, a few per scenario
python -m quality --held-out --seeds 5  # seeds that nobody looked at while setting thresholds
python -m quality --only gold           # real clips against the notes in ../shared/gold
python -m quality --held-out --write    # put the tables into docs/quality.md
python -m quality --sheets DIR          # one picture per clip of ../shared/videos, to be looked at
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
from quality import gold, people, sheets, tracking, worlds
from quality.matching import Score
from tests.generator import ALL_SCENARIOS, DIFFICULTIES
from tests.worlds import BODY_SCENARIOS

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
    "behind a post": lambda n: n == "behind_a_post",
    "only the camera moves": lambda n: (
        n.startswith("camera_") and n not in ("camera_static", "camera_slight") and "dolly" not in n
    ),
    "the camera drives": lambda n: n.startswith("camera_dolly"),
    "camera and thing move": lambda n: n == "pan_with_mover",
    "nothing moves": lambda n: n.startswith("nothing") or n in ("camera_static", "camera_slight"),
    "cuts": lambda n: n.startswith("cut"),
    "composed at random": lambda n: n == worlds.COMPOSED,
}
COMPOSED_PER_SEED = 6
"""Composed worlds measured for each seed that a scenario is measured with."""
JITTERS_M = (0.0, 0.02)
"""Disturbance of every joint: none, and about what a pose net has beyond its bias."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m quality", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="worlds per scenario (default 2)")
    parser.add_argument("--held-out", action="store_true", help="use the held-out seeds")
    parser.add_argument("--only", choices=["worlds", "gold", "people", "parser"])
    parser.add_argument("--scenario", default="", help="only scenarios whose name holds this")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/quality.md")
    parser.add_argument(
        "--sheets", type=Path, help="write contact sheets of the shared clips into this folder"
    )
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args(arguments)
    if args.sheets:
        print(*sheets.write_all(SHARED / "videos", args.sheets, args.scenario, args.workers), sep="\n")
        return 0
    parts: dict[str, Callable[[], str]] = {
        "worlds": lambda: _worlds(args.seeds, args.held_out, args.scenario, args.workers),
        "gold": _gold,
        "people": lambda: _people(args.workers),
        "parser": _parser,
    }
    texts = {name: part() for name, part in parts.items() if args.only in (None, name)}
    print("\n\n".join(texts.values()))
    if args.write:
        for name, text in texts.items():
            _write(name, text)
    return 0


def _worlds(seeds: int, held_out: bool, scenario: str, workers: int) -> str:
    known = worlds.HELD_OUT if held_out else worlds.DEVELOPMENT
    chosen, composed = known[:seeds], known[: COMPOSED_PER_SEED * seeds]
    own = {**dict.fromkeys(ALL_SCENARIOS, chosen), worlds.COMPOSED: composed}
    jobs = [(n, s, look) for look in DIFFICULTIES for n in own if scenario in n for s in own[n]]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        reports = list(pool.map(worlds.measure_scenario, jobs, chunksize=4))
    kind = "held-out" if held_out else "development"
    texts = [
        f"### {len(jobs)} rendered worlds, {kind} seeds {chosen[0]}-{chosen[-1]} (composed: to {composed[-1]})"
    ]
    for look in DIFFICULTIES:
        told = [(n, report) for (n, _, d), report in zip(jobs, reports, strict=True) if d == look]
        grouped = {group: [r for n, r in told if belongs(n)] for group, belongs in GROUPS.items()}
        grouped = {group: rows for group, rows in grouped.items() if rows}
        grouped["**all**"] = [r for _, r in told]
        texts.append(
            f"#### Seeing, {look}\n\n" + _table(SEEING, [[g, *_seen(r)] for g, r in grouped.items()])
        )
        texts.append(
            f"#### Saying, {look}\n\n" + _table(SAYING, [[g, *_said(r)] for g, r in grouped.items()])
        )
    return "\n\n".join([*texts, _bodies(chosen)])


SEEING = [
    "scenario", "camera error px (median, p95)", "camera label", "cuts P / R", "boxes P / R", "mean IoU", "HOTA",
    "IDF1", "ID switches", "tracks per subject", "ghost tracks",
]  # fmt: skip
SAYING = [
    "scenario", "facts from exact boxes P / R", "facts from pixels P / R", "claims true / false / unknown",
    "lies refused", "answers true", "false motion where nothing moves",
]  # fmt: skip


def _seen(reports: list[worlds.Report]) -> list[str]:
    errors = [e for r in reports for e in r.camera_error_px]
    camera = f"{np.median(errors):.2f}, {np.percentile(errors, 95):.2f}" if errors else "-"
    followed = tracking.total(r.tracking for r in reports)
    tracks = _sums(r.fragments for r in reports)
    return [
        camera,
        _share(_sums(r.camera_label for r in reports)),
        _rates(r.cuts for r in reports),
        _rates(r.boxes for r in reports),
        _number(followed.mean_iou),
        _number(followed.hota),
        _number(followed.idf1),
        str(followed.switches),
        f"{tracks[0] / tracks[1]:.2f}" if tracks[1] else "-",
        str(sum(r.ghosts for r in reports)),
    ]


def _said(reports: list[worlds.Report]) -> list[str]:
    still_s = sum(r.still_s for r in reports)
    false = sum(r.false_motion for r in reports)
    return [
        _rates(r.facts_from_truth for r in reports),
        _rates(r.facts for r in reports),
        " / ".join(map(str, _sums(r.claims for r in reports))),
        _share(_sums(r.lies for r in reports)),
        _share(_sums(r.answers for r in reports)),
        f"{false} facts in {still_s:.0f} s" if still_s else "-",
    ]


def _bodies(seeds: range) -> str:
    rows = [
        [f"{1000 * jitter:.0f} mm", _rates(worlds.measure_body((n, s, jitter)) for n in BODY_SCENARIOS for s in seeds)]
        for jitter in JITTERS_M
    ]  # fmt: skip
    return "#### Limbs: facts from exact joints\n\n" + _table(["joints disturbed by", "facts P / R"], rows)


def _rates(scores: Iterable[Score]) -> str:
    whole = reduce(add, scores)
    return f"{_number(whole.precision)} / {_number(whole.recall)}"


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


def _people(workers: int) -> str:
    if not (SHARED / "gt" / "coco_keypoints_mini").is_dir():
        return "### People in real pictures\n\nnot run: ../shared/gt is not here"
    images = [
        [r.detector, f"{r.found} of {r.true}", _number(r.precision), _number(r.oks)]
        for r in people.measure_images(SHARED)
    ]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        signed = list(pool.map(people.measure_signer, people.signers(SHARED)))
        agreed = list(pool.map(people.measure_agreement, people.jobs(SHARED)))
    parts = [
        "### People in four COCO pictures, boxes at IoU 0.5\n\n"
        + _table(["detector", "people found", "precision", "mean OKS of those found"], images),
        "### Signers: share of the samples in which they are found\n\n"
        + _table(["video", "person", "left hand", "right hand"], [_signer_row(row) for row in signed]),
    ]
    rows = [
        [
            a.video,
            str(a.yolox),
            _share((a.of_yolox, a.yolox)),
            str(a.offline),
            _share((a.of_offline, a.offline)),
        ]
        for a in agreed
        if a is not None
    ]
    if rows:
        parts.append(
            "### The offline person detector beside YOLOX-nano (score > 0.5), every fifth sample, IoU 0.5\n\n"
            + _table(
                ["video", "YOLOX people", "of them found offline", "offline people", "of them YOLOX finds"],
                rows,
            )
        )
    return "\n\n".join(parts)


def _signer_row(row: people.Signer) -> list[str]:
    return [row.video, *(_number(share) for share in (row.person, row.left_hand, row.right_hand))]


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
