"""A hallucination set (as KPM-HA): verified captions, honest and made false in one known way each.

``hallucinations.jsonl``, one object per line: id, clip_id, source, t_start, t_end (of the clip), movement, reference,
candidate, honest, type, changed, refuted. An honest candidate is the reference's own claims in other words; the
others carry one error of ``type`` (``corruptions.KINDS``), which ``changed`` says and which the measurements refute
(``refuted``) or, for inventions that nothing measures, leave open. A good metric ranks honest candidates first.

Only scene captions of which every judged claim holds are used, evenly over the movements that they tell of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from kinescribe.checks import Measurements, check
from kinescribe.corruptions import corrupt
from kinescribe.exporters import (
    Exported,
    RunReader,
    is_pending,
    num_failed,
    wanted_clips,
    whole_files,
)
from kinescribe.language import ground, names, parse, render
from kinescribe.language.grounding import states
from kinescribe.plain import to_json
from kinescribe.records import (
    NO_DEPTH,
    CameraMotion,
    Caption,
    Captions,
    Clip,
    Depth,
    Facts,
    Kinematics,
    MotionFact,
    Poses,
    Tracks,
    Verdicts,
)

__all__ = ["export"]

SEED = 0
"""Chooses among the edits that make a text false."""
MOST_PER_MOVEMENT = 25
"""Clips of one movement: a set of walkers would test one word."""


class Source(NamedTuple):
    """A caption that may be used."""

    clip: Clip
    caption: Caption
    number: int
    """Of the caption within its clip."""
    movement: str
    records: Mapping[type, Any]


def export(run: RunReader, out: Path) -> Exported:
    """Write the set into a folder.

    Raises:
        OSError: the folder cannot be written.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    pending = 0
    by_movement: dict[str, list[Source]] = defaultdict(list)
    for clip in wanted_clips(run):
        records = run.records(clip.id)
        pending += is_pending(records)
        for source in _verified(clip, records):
            if len(by_movement[source.movement]) < MOST_PER_MOVEMENT:
                by_movement[source.movement].append(source)
    chosen = _evenly(by_movement)
    path = out / "hallucinations.jsonl"
    with whole_files([path]) as (stream,):
        stream.writelines(to_json(row) + "\n" for source in chosen for row in _rows(source))
    return Exported((path,), len(chosen), num_failed(run), pending)


def _verified(clip: Clip, records: Mapping[type, Any]) -> Iterator[Source]:
    """Yield the scene captions that say something true and nothing false or open."""
    if Captions not in records or Verdicts not in records or Facts not in records:
        return
    verdicts = records[Verdicts].verdicts
    for i, caption in enumerate(records[Captions].captions):
        judged = [verdict.holds for verdict in verdicts if verdict.caption == i]
        if caption.scope == "scene" and judged and all(judged):
            yield Source(clip, caption, i, _movement(records[Facts]), records)


def _movement(facts: Facts) -> str:
    """Name what a clip mainly shows: the motion that lasts longest; of the camera only where nothing else moves."""
    motions = [f for f in facts.facts if f.predicate not in ("stay", "pause", "stop")]
    longest = max(motions, key=lambda f: (f.subject >= 0, f.span.duration_s, f.id), default=None)
    if longest is None:
        return "rest"
    return " ".join(word for word in (longest.predicate, longest.trajectory, longest.part) if word)


def _evenly(by_movement: Mapping[str, list[Source]]) -> list[Source]:
    """Take captions of every movement in turn."""
    columns = [sources for _, sources in sorted(by_movement.items())]
    return [source for row in zip_longest(*columns) for source in row if source is not None]


def _rows(source: Source) -> Iterator[dict[str, Any]]:
    clip, caption = source.clip, source.caption
    shared = {
        "clip_id": clip.id,
        "source": clip.source,
        "t_start": clip.start_s,
        "t_end": clip.end_s,
        "movement": source.movement,
        "reference": caption.text,
    }
    honest = _in_other_words(source)
    rows = [(honest, True, "honest", "", False)]
    rows += [
        (made.text, False, made.kind, made.changed, _refuted(made.text, source.records))
        for made in corrupt(honest, SEED)
        if not all(_verdicts(made.text, source.records))  # what the clip shows as well is not false
    ]
    for k, (text, is_honest, kind, changed, refuted) in enumerate(rows):
        told = {"candidate": text, "honest": is_honest, "type": kind, "changed": changed, "refuted": refuted}
        yield {"id": f"{clip.id}-{source.number}-{k}", **shared, **told}


def _in_other_words(source: Source) -> str:
    """Write the facts of a caption anew, with other verbs and times elsewhere; another writer's text stays."""
    if source.caption.source != "template":
        return source.caption.text
    tracks = source.records[Tracks]
    said = [fact for fact in source.records[Facts].facts if _is_said(fact, source.caption)]
    other = [replace(fact, id=f"{fact.id}'") for fact in said]
    text = render(other, names(tracks)) if other else source.caption.text
    return source.caption.text if _refuted(text, source.records) else text


def _is_said(fact: MotionFact, caption: Caption) -> bool:
    return any(states(claim, fact) for claim in caption.claims)


def _refuted(text: str, records: Mapping[type, Any]) -> bool:
    return any(holds is False for holds in _verdicts(text, records))


def _verdicts(text: str, records: Mapping[type, Any]) -> list[bool | None]:
    """Return what the measurements say of each claim of a text."""
    needed = (Clip, CameraMotion, Tracks, Poses, Kinematics)
    measured = replace(Measurements(*(records[kind] for kind in needed)), depth=records.get(Depth, NO_DEPTH))
    claims = ground(parse(text), measured.tracks, names(measured.tracks))
    return [check(claim, measured).holds for claim in claims]
