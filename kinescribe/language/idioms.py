"""Where a verb means more than itself: light verbs, "comes into view", "stays still" and their like."""

from __future__ import annotations

import re

from kinescribe.language import directions as ways
from kinescribe.language import lexicon as lex
from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.discourse import Discourse
from kinescribe.language.nouns import singular

_STILL = frozenset(["still", "motionless", "stationary", "put", "unmoving", "immobile"])
_CAMERA_MOVES = frozenset(["pan", "tilt", "zoom", "roll"])
"""Of a camera, what it makes or has; of a cook, "a pan" is none."""
_VIEW = r"(?:the )?(?:view|frame|picture|shot|scene|sight|screen|image)"


def idioms(sentence: Sentence, discourse: Discourse, event: Event, end: int) -> None:
    """Give an event the verb, ways and patient that an idiom means.

    Args:
        end: token before which what belongs to the verb ends.
    """
    zone = event.zone.lower()
    _way(event, zone)
    _light(sentence, discourse, event, end)
    _still(event, zone)
    _view(event, zone)
    _relative(sentence, discourse, event, end)
    if event.lemma == "speed" and zone.startswith("up") or event.lemma == "slow":
        event.direction = ()
    if event.lemma == "set" and event.patient is None:
        event.keep = zone.startswith(("off", "out", "forth"))
        event.direction = tuple(d for d in event.direction if d != "out")


def _way(event: Event, zone: str) -> None:
    """Making one's way and being headed are going; a direction that no picture shows is a patient that nobody measures."""
    if event.lemma == "make" and _matches(r"^(?:its|his|her|their) (?:own )?way\b", zone):
        event.lemma, event.patient = "move", None
    if event.lemma == "head" and event.kind == "passive" and event.agent is None and event.direction:
        event.agent, event.patient = event.patient, None
    if event.patient is None and not event.direction:
        event.patient = ways.unread(zone)


def _light(sentence: Sentence, discourse: Discourse, event: Event, end: int) -> None:
    """Of "takes a step", the noun is the motion."""
    if event.lemma not in lex.LIGHT:
        return
    shows = event.agent is not None and event.agent.split()[-1] == "camera"
    for phrase in sentence.phrases:
        goes = event.lemma in ("come", "go")
        near = event.index < phrase.first < end and (phrase.preposition in ("to", "into") if goes else True)
        head = singular(phrase.head)
        films = shows and head in _CAMERA_MOVES
        if not near or head not in lex.EVENT_NOUNS and not films or (goes and phrase.preposition is None):
            continue
        if event.lemma in ("have", "do") and phrase.preposition is not None:
            continue
        event.lemma, event.patient = head if films else lex.EVENT_NOUNS[head], None
        own = ways.way(phrase.text.rsplit(" ", 1)[0] + ".").direction if " " in phrase.text else ()
        event.direction = tuple(dict.fromkeys([*own, *(d for d in event.direction if d != "in" or not goes)]))
        event.count = event.count or (
            phrase.number if phrase.number is not None and head != "moment" else None
        )
        discourse.drop(phrase)
        return


def _still(event: Event, zone: str) -> None:
    """Staying still is denied motion."""
    if event.lemma not in ("stay", "remain", "stand", "keep", "hold", "sit", "lie"):
        return
    first = re.findall(r"[a-z]+", zone)[:4]
    if _STILL & set(first) or event.lemma in ("stay", "remain") and "in_place" in event.direction:
        event.lemma, event.negated, event.direction, event.manner = "move", True, (), None


def _view(event: Event, zone: str) -> None:
    """Coming into and going out of the picture."""
    if event.lemma in ("come", "move", "walk", "go", "appear", "get") and _matches(
        r"^(?:\w+ly )?(?:into|in|to) " + _VIEW, zone
    ):
        event.lemma = "enter"
    elif event.lemma in ("go", "move", "disappear", "vanish", "get", "come", "walk") and _matches(
        r"^(?:\w+ly )?(?:out of|from|out from) " + _VIEW, zone
    ):
        event.lemma = "leave"
        event.direction = tuple(d for d in ways.exit_side(zone) or event.direction if d != "out")
    if event.lemma == "enter" and zone.split():
        event.direction = ways.entry_side(zone) or tuple(d for d in event.direction if d != "in")


def _relative(sentence: Sentence, discourse: Discourse, event: Event, end: int) -> None:
    """Going "away from X" and "closer to X" is about the distance to X."""
    if event.lemma not in ("move", "get", "come", "go", "drift") or event.patient is not None:
        return
    for phrase in sentence.phrases:
        if not event.index < phrase.first < end or "camera" in phrase.text:
            continue
        if (
            phrase.head == "it"
            and "camera" in sentence.words(0, phrase.first).lower()
            and "away from" in event.zone
        ):
            event.direction = ("away_from_camera",)
            return
        words = " ".join(t.low for t in sentence.tokens[event.index + 1 : phrase.first])
        if _matches(r"(?:away|farther away|further away|farther|further) from$", words):
            event.lemma, event.patient = "separate", discourse.name(phrase, "object", event.agent)[0]
            return
        if _matches(r"(?:closer|nearer) to(?:wards?)?$", words):
            event.lemma, event.patient = "approach", discourse.name(phrase, "object", event.agent)[0]
            return


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
