"""What counts as an action: no state, no helper ("begins to"), no possibility; and what is denied."""

from __future__ import annotations

import re

from kinescribe.language import lexicon as lex
from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.phrases import Phrase
from kinescribe.language.tagging import BOUNDARIES


def denied(sentence: Sentence, i: int, opens: int, subject: Phrase | None, found: list[Event]) -> bool:
    """Whether a sentence says that the motion of the verb at ``i`` does not happen."""
    near = sentence.tokens[max(opens, i - 4) : i]
    if any(t.tag == "NEG" for t in near):
        return True
    inverted = [t.low for t in sentence.tokens[opens:i]]
    if {"no", "nowhere", "nor"} & set(inverted) and lex.DO & set(inverted):
        return True  # "at no point do his feet leave the ground"
    governor = sentence.tokens[sentence.group_start(i)].low if sentence.group_start(i) < i else ""
    if (
        governor == "without"
        or i >= 2
        and sentence.tokens[i - 1].low == "of"
        and sentence.tokens[i - 2].low == "instead"
    ):
        return True
    if subject is not None and subject.last < i and subject.denied and subject.first >= opens:
        return True
    if "without" in [t.low for t in sentence.tokens[max(0, i - 6) : i]] and sentence.kind(i) == "gerund":
        between = [t for t in sentence.tokens[max(0, i - 6) : i] if t.tag in ("VERB", "PUNCT")]
        return not between
    alternative = opens and sentence.tokens[opens - 1].low in ("or", "nor") and found and found[-1].negated
    return bool(alternative) or bool(found and found[-1].lemma == "fail" and sentence.kind(i) == "infinitive")


def happens(sentence: Sentence, event: Event, following: int | None, found: list[Event]) -> bool:
    """Whether a verb is an action: no state, no helper, no possibility."""
    i = event.index
    if any(
        t.tag == "MODAL"
        for t in sentence.tokens[max(0, i - 3) : i]
        if t.tag in ("MODAL", "ADV", "NEG", "AUX")
    ):
        return False
    before = [t.low for t in sentence.tokens[max(0, i - 3) : i]]
    if (
        before[-1:]
        and before[-1] in ("almost", "nearly")
        or event.kind == "infinitive"
        and _unreal(sentence, i, found)
    ):
        return False
    if _controls(sentence, event, following) or _causes(sentence, event, following) or _result(sentence, event):
        return False
    if (
        event.kind == "gerund"
        and found
        and found[-1].lemma in ("stop", "cease")
        and sentence.adjacent(found[-1].index, i)
    ):
        return False
    if event.lemma in lex.POSTURES:
        return _posture_change(sentence, event, found)
    if event.lemma == "take" and event.patient == "place":
        return False
    if event.lemma in ("look", "gaze", "stare"):
        return bool(event.direction) or "over" in event.zone or "inside" in event.zone
    if event.agent is not None and event.agent.split()[-1] in ("region", "image", "clip", "video"):
        return False
    if event.lemma == "leave" and event.kind == "gerund" and re.match(r"(?:only|behind|nothing|just|a trail)\b", event.zone):
        return False
    return event.lemma not in lex.STATES and event.lemma not in ("face", "repeat")


def _unreal(sentence: Sentence, i: int, found: list[Event]) -> bool:
    before = [t.low for t in sentence.tokens[max(0, i - 3) : i]]
    if "about" in before or "if" in before or "ready" in before:
        return True
    return bool(found) and found[-1].lemma in lex.UNREALISED


def _controls(sentence: Sentence, event: Event, following: int | None) -> bool:
    if event.lemma not in lex.CONTROL:
        return False
    if following is None:
        return event.lemma not in ("start", "continue", "proceed", "resume")
    form = sentence.tokens[following].form
    joined = (
        sentence.adjacent(event.index, following) and form is not None and form.kind in ("base", "gerund")
    )
    return joined or event.lemma not in ("start", "continue", "proceed", "resume")


def _causes(sentence: Sentence, event: Event, following: int | None) -> bool:
    """Whether a verb says only who made the next one happen: "makes its rider drop the reins"."""
    if event.lemma not in lex.CAUSATIVES or following is None:
        return False
    form = sentence.tokens[following].form
    between = sentence.tokens[event.index + 1 : following]
    caused = any(t.tag in ("NOUN", "PRON") for t in between)
    return caused and form is not None and form.kind == "base" and not any(t.tag in BOUNDARIES for t in between)


def _result(sentence: Sentence, event: Event) -> bool:
    """Whether a participle names a state: "elbows bent", "dressed in black", "had been tilted"; by somebody, an act."""
    if event.kind != "passive" or re.match(r"(?:\w+ ){0,3}by\b", event.zone):
        return False
    if sentence.bare(event.index):
        return True
    helper = sentence.helper(event.index)
    if helper is None:
        return False
    had = any(t.low == "had" for t in sentence.tokens[max(0, event.index - 3) : event.index])
    stative = event.lemma in lex.STATIVE_PASSIVES and sentence.tokens[event.index].relation != "conj"
    return stative or helper.low == "been" and had


def _posture_change(sentence: Sentence, event: Event, found: list[Event]) -> bool:
    if event.kind == "passive" or event.token.form is not None and event.token.form.kind == "participle":
        return False
    turns = {"up", "down", "forward", "backward"} | ({"left", "right"} if event.lemma == "lean" else set())
    if turns & set(event.direction):
        return True
    if event.lemma in ("squat", "crouch"):
        return event.kind == "finite"
    if event.token.form is not None and event.token.form.kind == "gerund" and event.kind == "finite":
        return False  # "was sitting"
    chained = event.lemma in ("sit", "kneel") and event.kind == "finite" and any(e.keep for e in found)
    return chained and sentence.tokens[max(0, event.index - 1)].tag in ("CC", "ADV")
