"""How many of the events that people list for a caption our parser finds in it: DREAM-1K and FAVOR-Bench.

An event is found if one of the caption's actions has its verb (or a synonym), each action standing for one event. The
verb of an event is read by the same parser from the list's own short sentence; where it reads none, the event counts as
missed. FAVOR lists every motion, so there precision (actions that somebody listed) is told as well.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinescribe.checks.compare import align
from kinescribe.language import parse
from kinescribe.language.synonyms import same_verb
from kinescribe.records import Action

READ_WHILE_DEVELOPING = 400
"""The first so many FAVOR captions may be looked at when rules are made; the others are for figures."""
_CAMERA = re.compile(r"\b(camera|shot|lens|video|footage|scene|view)\b")


class Listed(NamedTuple):
    """A caption and the events that people list for it."""

    name: str
    caption: str
    events: tuple[str, ...]


class Found(NamedTuple):
    """What the parser made of a set."""

    captions: int
    events: int
    unread: int
    """Events in whose own sentence no verb was read."""
    found: int
    actions: int
    """Asserted, the camera's left out."""
    missed: tuple[tuple[str, str], ...]
    """Name of the caption and event."""
    lemmas: Counter[str]
    """Verbs of missed events."""


def dream(shared: Path) -> Iterator[Listed]:
    """Yield DREAM-1K (Tarsier, arXiv:2407.00634)."""
    path = shared / "bench" / "tarsier_annotations" / "DREAM-1k.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        caption = row["messages"][1]["content"][0]["reference"]
        yield Listed(str(row["vid"]), caption, tuple(row["extra_info"]["events"]))


def favor(shared: Path) -> Iterator[Listed]:
    """Yield the captions of FAVOR-Bench (arXiv:2503.14935) that nobody read while rules were made."""
    rows = json.loads((shared / "bench" / "favor_bench" / "FAVOR_gt_annotations.json").read_text("utf-8"))
    for name, row in sorted(rows.items())[READ_WHILE_DEVELOPING:]:
        told = re.split(r"\(Subject[^)]*\)\s*,?", row["chronological_motion_list"])
        yield Listed(name, row["caption"], tuple(event.strip(" ,.") for event in told if event.strip(" ,.")))


def measure(items: Sequence[Listed], subject: str = "") -> Found:
    """Count what is found.

    Args:
        items: captions.
        subject: what to put before an event that has no subject of its own.
    """
    events = unread = found = asserted = 0
    missed: list[tuple[str, str]] = []
    lemmas: Counter[str] = Counter()
    for item in items:
        said = [a for a in parse(item.caption) if not a.negated and not _CAMERA.search(a.agent or "")]
        verbs = [_verb(event, subject) for event in item.events]
        matched = {i for i, _ in _matched([verb or "" for verb in verbs], said)}
        events += len(verbs)
        unread += sum(verb is None for verb in verbs)
        found += len(matched)
        asserted += len(said)
        for i, verb in enumerate(verbs):
            if i not in matched:
                missed.append((item.name, item.events[i]))
                lemmas[verb or "(unread)"] += 1
    return Found(len(items), events, unread, found, asserted, tuple(missed), lemmas)


def sample_missed(found: Found, size: int, seed: int = 0) -> list[tuple[str, str]]:
    """Draw missed events to be read by a person: name of the caption and event, at most ``size`` of them.

    What is drawn of a held-out set has been read, and is held out no longer: rules are to be made from other sentences.
    """
    return random.Random(seed).sample(found.missed, min(size, len(found.missed)))


def _verb(event: str, subject: str) -> str | None:
    words = event[0].lower() + event[1:] if subject else event
    read = parse(f"{subject} {words}.".strip())
    return read[0].predicate if read else None


def _matched(verbs: Sequence[str], said: Sequence[Action]) -> list[tuple[int, int]]:
    gain = np.array(
        [[float(same_verb(verb, a.predicate)) + (verb == a.predicate) for a in said] for verb in verbs]
    )
    return align(gain.reshape(len(verbs), len(said)))


def table(shared: Path) -> str:
    """Return the table, as Markdown."""
    lines = [
        "### Events that people list, found by the parser",
        "",
        "| captions | events | found | of them | actions asserted, share listed by people | most missed verbs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    sets = (
        ("DREAM-1K", list(dream(shared)), ""),
        ("FAVOR-Bench, held out", list(favor(shared)), "The person"),
    )
    for title, items, subject in sets:
        one = measure(items, subject)
        verbs = ", ".join(f"{verb} {n}" for verb, n in one.lemmas.most_common(8))
        listed = f"{one.found / max(one.actions, 1):.3f}" if subject else "(not all are listed)"
        lines.append(
            f"| {title}, {one.captions} | {one.events} | {one.found} | {one.found / max(one.events, 1):.3f} "
            f"| {listed} | {verbs} |"
        )
    return "\n".join(lines)
