"""How subjects are called, and which subject a phrase means."""

from __future__ import annotations

import re
from collections import Counter

from kinescribe.language import nouns
from kinescribe.records import CAMERA, Tracks

PERSON_WORDS = nouns.PEOPLE
"""Heads that may mean a track labelled ``person``."""
CAMERA_WORDS = frozenset({"camera", "viewpoint"})
_DETERMINERS = frozenset(("the a an this that these those his her its their our my your same").split())


def names(tracks: Tracks) -> dict[int, str]:
    """Return what each subject is called, the camera included.

    A label that occurs once gives ``the car``; several give ``car 1``, ``car 2`` by order of id. Subjects without
    a label are objects.
    """
    nouns = [_noun(label) for label in tracks.label]
    total, seen = Counter(nouns), Counter[str]()
    called = {CAMERA: "the camera"}
    for track_id, noun in sorted(zip(tracks.ids.tolist(), nouns, strict=True)):
        seen[noun] += 1
        called[track_id] = f"the {noun}" if total[noun] == 1 else f"{noun} {seen[noun]}"
    return called


def resolve(phrase: str, tracks: Tracks) -> int | None:
    """Return the subject that a phrase names, or None where it names none or could mean several.

    Determiners and case do not matter. A phrase whose head is a label (or a word for a person) and that is not
    one of the names means the only track with that label. Pronouns mean nothing here; see ``grounding``.
    """
    words = _words(phrase)
    if not words:
        return None
    if words[-1] in CAMERA_WORDS:
        return CAMERA
    wanted = " ".join(words)
    for track_id, name in names(tracks).items():
        if " ".join(_words(name)) == wanted:
            return track_id
    if words[-1].isdigit():
        return None
    fitting = [
        track_id
        for track_id, label in zip(tracks.ids.tolist(), tracks.label, strict=True)
        if _fits(words, _noun(label).lower().split())
    ]
    return fitting[0] if len(fitting) == 1 else None


def _fits(words: list[str], label: list[str]) -> bool:
    """Whether a phrase such as ``small red car`` or ``woman`` can mean something with this label."""
    if words[-len(label) :] == label:
        return True
    return label == ["person"] and words[-1] in PERSON_WORDS


def _noun(label: str) -> str:
    cleaned = re.sub(r"[^\w]+", " ", label.replace("_", " ")).strip()
    return cleaned or "object"


def _words(phrase: str) -> list[str]:
    found = re.findall(r"[^\W_]+", phrase.lower())
    while found and found[0] in _DETERMINERS:
        found = found[1:]
    return found
