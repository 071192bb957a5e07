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
    kept_from = found and found[-1].lemma in ("keep", "prevent", "stop", "save", "discourage") and i >= 1
    if kept_from and sentence.kind(i) == "gerund" and sentence.tokens[i - 1].low == "from":
        return True
    let = found and found[-1].negated and found[-1].lemma in lex.CAUSATIVES
    if let and sentence.tokens[i].form is not None and sentence.tokens[i].form.kind == "base":  # type: ignore[union-attr]
        return True
    return bool(alternative) or bool(found and found[-1].lemma == "fail" and sentence.kind(i) == "infinitive")


def happens(sentence: Sentence, event: Event, following: int | None, found: list[Event]) -> bool:
    """Whether a verb is an action: no state, no helper, no possibility."""
    i = event.index
    if _possible(sentence, i):
        return False
    before = [t.low for t in sentence.tokens[max(0, i - 3) : i]]
    if (
        before[-1:]
        and before[-1] in ("almost", "nearly")
        or event.kind == "infinitive"
        and _unreal(sentence, i, found)
    ):
        return False
    if (
        _controls(sentence, event, following)
        or _causes(sentence, event, following)
        or _result(sentence, event)
    ):
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
    if event.agent is not None and event.agent.split()[-1] in _PICTURES:
        return False
    if (
        event.lemma == "point"
        and event.part is not None
        and event.patient is None
        and "hand" not in event.part
    ):
        return False
    if event.lemma in ("start", "begin") and re.match(r"(?:at|in|with|from)\b", event.zone):
        return False
    if event.lemma in ("create", "give", "make") and _ABSTRACT.search(event.zone):
        return False
    if (
        event.lemma == "leave"
        and event.kind == "gerund"
        and re.match(r"(?:only|behind|nothing|just|a trail)\b", event.zone)
    ):
        return False
    return event.lemma not in lex.STATES and event.lemma not in ("face", "repeat")


_PICTURES = frozenset(
    ("region image clip video scene footage shot picture story interaction background atmosphere").split()
)
_ABSTRACT = re.compile(
    r"\b(?:sense|mood|feeling|atmosphere|impression|look|appearance|effect|contrast|scene|tension|air|vibe|ambiance)\b"
)


def _unreal(sentence: Sentence, i: int, found: list[Event]) -> bool:
    before = [t.low for t in sentence.tokens[max(0, i - 3) : i]]
    if found and found[-1].lemma in lex.UNREALISED:
        return True
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


def _possible(sentence: Sentence, i: int) -> bool:
    """Whether a modal governs a verb: helpers and adverbs alone stand between ("can be seen riding" is seen)."""
    for token in reversed(sentence.tokens[max(0, i - 4) : i]):
        if token.tag == "MODAL":
            return True
        if token.tag not in ("ADV", "NEG", "AUX"):
            return False
    return False


def _causes(sentence: Sentence, event: Event, following: int | None) -> bool:
    """Whether a verb says only who made the next one happen: "makes its rider drop the reins"."""
    if event.lemma not in lex.CAUSATIVES or following is None:
        return False
    form = sentence.tokens[following].form
    between = sentence.tokens[event.index + 1 : following]
    caused = any(t.tag in ("NOUN", "PRON") for t in between)
    return (
        caused and form is not None and form.kind == "base" and not any(t.tag in BOUNDARIES for t in between)
    )


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


def settle(sentence: Sentence, found: list[Event]) -> None:
    """Keep postures that stand in a row of acts: "kneels beside the wheel, fits the wrench, and stands on the handle"."""
    for event in found:
        finite = (
            event.kind == "finite"
            and event.token.form is not None
            and event.token.form.kind in ("third", "past")
        )
        if event.keep or event.lemma not in lex.POSTURES or not finite or event.negated:
            continue
        row = [e for e in found if e.keep and e.agent == event.agent and _in_a_row(sentence, event, e)]
        moves = event.lemma in ("kneel", "crouch", "squat", "sit") or re.match(
            r"(?:out|in|over|toward|down|up)\b", event.zone
        )
        event.keep = any(e.index < event.index or moves for e in row)


def _in_a_row(sentence: Sentence, one: Event, two: Event) -> bool:
    """Whether two finite verbs are coordinated: a comma or "and" leads to the later, whose clause has no subject."""
    later = max(one.index, two.index)
    opens = sentence.opens(later)
    joined = opens > 0 and (sentence.tokens[opens - 1].tag == "CC" or sentence.tokens[opens - 1].low == ",")
    alone = not any(opens <= p.first < later and p.preposition is None for p in sentence.phrases)
    return two.kind == "finite" and joined and alone


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
