"""Who is before whom, and who is at rest: "is in front of the car", "is stationary", "there is no movement".

The only states that are read: measurements show them, so that they can be judged. Rest is denied motion.
"""

from __future__ import annotations

import re

from kinescribe.language import directions as ways
from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.discourse import Discourse
from kinescribe.language.nouns import singular
from kinescribe.language.phrases import Phrase
from kinescribe.language.senses import denied

_STANDS = re.compile(r"is|are|was|were|stays?|remains?|stayed|remained")
_ORDER = re.compile(
    r"\s+(?P<denied>not\s+)?(?:(?:still|always|clearly|directly|right)\s+)*(?:"
    r"(?P<in_front_of>in front of|(?:near|clos)er (?:to )?the camera than)|"
    r"(?P<behind>behind|(?:farther|further)(?: away)? from the camera than))\s+",
    re.IGNORECASE,
)
"""After the verb: what is said to be nearer, and what farther."""


def orders(sentence: Sentence, discourse: Discourse, found: list[Event]) -> list[Event]:
    """Return what a sentence says of who is before whom.

    Args:
        found: the sentence's motions: whose subject is meant where none stands before the verb.
    """
    result: list[Event] = []
    for i, token in enumerate(sentence.tokens):
        if not _STANDS.fullmatch(token.low):
            continue
        said = _ORDER.match(sentence.text, token.end - sentence.start)
        if said is None:
            continue
        at = said.end()
        named = [p for p in sentence.phrases if _starts(sentence, p) <= at < _ends(sentence, p)]
        event = Event(i, token, "finite", "behind" if said["behind"] else "in_front_of")
        event.negated = said["denied"] is not None
        event.agent = _agent(sentence, discourse, i, [*found, *result])
        event.patient = discourse.name(named[0], "object")[0] if named else None
        event.relation = "same" if found else "next"
        if event.agent is not None and event.patient is not None:
            result.append(event)
    return result


def _agent(sentence: Sentence, discourse: Discourse, i: int, found: list[Event]) -> str | None:
    opens = sentence.opens(i)
    own = [p for p in sentence.phrases if opens <= p.first and p.last < i and p.preposition is None]
    if own:
        name, part = discourse.name(own[0], "subject", None)
        return name if part is None else None  # nobody knows how near an arm is
    before = [event for event in found if event.index < i and event.agent is not None]
    return max(before, key=lambda event: event.index).agent if before else None


def _starts(sentence: Sentence, phrase: Phrase) -> int:
    """Where a phrase begins in the sentence, its determiner included."""
    first = phrase.first
    if first and sentence.tokens[first - 1].tag in ("DET", "POSS"):
        first -= 1
    return sentence.tokens[first].start - sentence.start


def _ends(sentence: Sentence, phrase: Phrase) -> int:
    return sentence.tokens[phrase.last].end - sentence.start


_BE = re.compile(r"is|are|was|were|am|'s|'re|being")
_REST = re.compile(
    r"(?P<denied>\s*n['’]t\b|\s+(?:not|never|no longer)\b)?(?:\s+(?:all|both|each|now|also|then|just|always|again|still|"
    r"\w{2,}ly))*\s+(?:stationary|motionless|immobile|unmoving|static|at rest|at a standstill|still(?=\s*$|\s*[^\w\s]|\s+(?:for|"
    r"throughout|during|while|and|but|then|until|from|all|at (?:first|the)|in th(?:e|is) (?:clip|video|frame|scene))\b))"
    r"(?!\s+(?:electricity|image|shot|bikes?)\b|-)",
    re.IGNORECASE,
)
"""After the verb: what is said to rest. "Is still" alone is a rest, "is still moving" and "is still red" are none."""
_NO_MOTION = re.compile(
    r"\bthere(?:['’]s|\s+(?:is|was|are|were))\s+(?:no|not any|n't any)\s+(?:(?:visible|apparent|noticeable|other|real|discernible)"
    r"\s+)*(?:movements?|motions?)\b(?!\s+(?:of|from|by|between|to|in (?!th(?:e|is) (?:clip|video|scene|frame|shot|picture)\b)))",
    re.IGNORECASE,
)
_GOES = re.compile(
    r"\s+(?=(?:\w+ly\s+)?(?:(?:to|toward|towards)\s+the\s+)?(?:left|right|up|down|forward|backward|clockwise|counter|toward|away))",
    re.IGNORECASE,
)
_MOTION = frozenset(["movement", "motion"])
_UNSURE = frozenset(
    ["if", "until", "before", "because", "since", "unless", "as", "once", "whether", "when", "whenever"]
)


def rests(sentence: Sentence, discourse: Discourse, found: list[Event]) -> list[Event]:
    """Return what a sentence says to be at rest, and which way it says that somebody's movement is.

    Args:
        found: the sentence's motions; "then" of one that follows a rest is noted.
    """
    result = _nothing_moves(sentence, found)
    for i, token in enumerate(sentence.tokens):
        if not _BE.fullmatch(token.low):
            continue
        at = token.end - sentence.start
        said, goes = _REST.match(sentence.text, at), _GOES.match(sentence.text, at)
        opens = sentence.opens(i)
        governed = opens > 0 and (
            sentence.tokens[opens - 1].tag == "REL" or sentence.tokens[opens - 1].low in _UNSURE
        )
        subject = _own(sentence, i)
        moved = subject is not None and singular(subject.head) in _MOTION
        if governed or not (goes if moved else said):
            continue
        event = Event(i, token, "finite", "move")
        event.negated = not moved
        if said is not None and not moved:
            before = [one for one in found if one.index < i]
            event.negated = said["denied"] is None and not denied(sentence, i, opens, subject, before)
            event.agent = _agent(sentence, discourse, i, [*found, *result])
            event.relation = sentence.relation(i, opens, before)
            event.ordered = sentence.ordered(i, opens, before)
        elif goes is not None and subject is not None:
            event.zone = sentence.words(i + 1, len(sentence.tokens))
            event.direction = ways.way(event.zone).direction
            owner = discourse.owner(subject)
            event.agent = owner.text if owner is not None else None
        if event.agent is not None:
            result.append(event)
            _then(sentence, event, found)
    return result


def _nothing_moves(sentence: Sentence, found: list[Event]) -> list[Event]:
    said = _NO_MOTION.search(sentence.text)
    if said is None:
        return []
    i = next(n for n, t in enumerate(sentence.tokens) if t.end - sentence.start > said.start())
    event = Event(i, sentence.tokens[i], "finite", "move", agent="nothing", negated=True)
    event.relation = "same" if found else "next"
    return [event]


def _own(sentence: Sentence, i: int) -> Phrase | None:
    """Return the subject right in a verb's clause."""
    opens = sentence.opens(i)
    return next(
        (p for p in sentence.phrases if opens <= p.first and p.last < i and p.preposition is None), None
    )


def _then(sentence: Sentence, event: Event, found: list[Event]) -> None:
    """Note when a motion happens beside a rest that opens the sentence: "is stationary, then moves"."""
    later = next((one for one in found if one.index > event.index and one.keep), None)
    if later is None or any(one.index < event.index for one in found):
        return
    opens = sentence.opens(later.index)
    later.relation = sentence.relation(later.index, opens, [event])
    later.ordered = later.ordered or sentence.ordered(later.index, opens, [event])
