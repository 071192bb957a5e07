"""``python -m perf``: speed and memory of the offline path on one core, as Markdown tables.

    python -m perf                 # nobody (rendered), and a person followed (clips of ../shared, scaled to 640)
    python -m perf --video a.mp4   # your own
    python -m perf --memory        # also: peak memory for 1 and for 10 minutes
    python -m perf --hour          # only: peak memory of a run of an hour-long video

Also: events and facts of a crowded clip, the kinematics of 1,000 clips, reading captions, and calls to a model, in
processes of their own.

Seconds differ between machines and hours; the ratios are taken within one run: to the video's length (times
real time, CPU seconds of one core) and to a yardstick that is run beside it, decoding the same video to RGB.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from perf import facts, kinematics, llm, memory, parser, speed, videos


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m perf", description=__doc__.splitlines()[0])
    parser.add_argument("--video", help="measure on this file instead")
    parser.add_argument("--rounds", type=int, default=3, help="the median of this many rounds counts")
    parser.add_argument(
        "--memory", action="store_true", help="also compare the peak memory of 1 and 10 minutes"
    )
    parser.add_argument(
        "--hour", type=float, nargs="?", const=60.0, metavar="MINUTES",
        help="only: peak memory of a run of a video of so many minutes (60)",
    )  # fmt: skip
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--door", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak:
        print(memory.peak_here(args.peak))
        return 0
    if args.door:
        memory.run_here(*args.door)
        return 0
    with TemporaryDirectory() as folder:
        return _measure(args, Path(folder))


def _measure(args: argparse.Namespace, folder: Path) -> int:
    if args.hour:
        path = args.video or videos.scaled(videos.CROSSING, folder / "door.mp4")
        memory.through_the_door(str(path or videos.rendered(folder / "world.mp4")), folder, args.hour)
        return 0
    speed.one_core()
    shown = [(args.video, "the given video")] if args.video else _defaults(folder)
    kept = [speed.measure(path, title, args.rounds) for path, title in shown]
    if not args.video:
        kept += [facts.table(), kinematics.table(), parser.table(), llm.table()]
    if args.memory:
        kept.append(memory.compare(shown[0][0], folder))
    return int(not all(kept))


def _defaults(folder: Path) -> list[tuple[str, str]]:
    shown = [(str(videos.rendered(folder / "world.mp4")), "rendered, two things move, nobody to follow")]
    for name, title in (
        (videos.PERSON, "one person who never rests"),
        (videos.CROSSING, "people who walk in, stand and leave, one by one"),
    ):
        path = videos.scaled(name, folder / Path(name).name)
        if path is None:
            print(f"not measured: {title} (needs ../shared/videos/{name})")
        else:
            shown.append((str(path), title))
    return shown


if __name__ == "__main__":
    sys.exit(main())
