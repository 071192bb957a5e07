"""Who is before whom: "is in front of the car", "is nearer to the camera than the car".

The only states that are read: a depth net shows them (``records.Depth``), so that they can be judged.
"""

from __future__ import annotations

import re

from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.discourse import Discourse
from kinescribe.language.phrases import Phrase

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
