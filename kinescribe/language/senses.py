"""What counts as an action: no state, no helper ("begins to"), no possibility; and what is denied."""

from __future__ import annotations

import re
from typing import NamedTuple

from kinescribe.language import lexicon as lex
from kinescribe.language import nouns
from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.phrases import Phrase
from kinescribe.language.tokens import BOUNDARIES

_NEGATED = re.compile(
    r"\b(?:rather than|instead of|without|without so much as|not so much as|short of|far from|refrain(?:s|ed|ing)? from|"
    r"avoid(?:s|ed|ing)?|neither|nor|no longer|so much as|(?:unable|unwilling|too \w+|powerless|fail(?:s|ed|ing)?|refus(?:es|ed|ing|e)|"
    r"declin(?:es|ed|ing|e)|not allowed|careful not|not)(?: (?:or|and) \w+)? to) (?:\w+ly |even |once )*$"
)
"""What right before a verb says that it does not happen."""
_UNREAL = re.compile(
    r"\b(?:(?:about|ready|going|close|likely|supposed|meant|used|prepar(?:es|ed|ing|e)|threaten(?:s|ed|ing)?|as if|as though|"
    r"afraid|reluctant|eager|willing|told|asked|ordered|allowed|expected|urged|invited|set|poised|due|hop(?:es|ed|ing|e)|"
    r"plan(?:s|ned|ning)?|want(?:s|ed|ing)?|tempted|tend(?:s|ed)?) to|almost|nearly|all but|imagin(?:es|ed|ing|e)|(?:think(?:s|ing)?|thought) about|dream(?:s|ed|ing)? of|on the verge of|close to|"
    r"before (?:\w+ ){1,3}(?:can|could|even|has even|had even)|"
    r"(?:would|could|might|may|should) have (?:\w+ ){0,3}to|(?:as if|as though)(?: \w+){0,3}) (?:\w+ly |just )*$"
)
"""What right before a verb says that it may, might or nearly did happen."""
_LEAD = 8
"""Words before a verb in which such a saying is looked for."""


def _lead(sentence: Sentence, i: int) -> str:
    """Return the words before a verb, up to a mark of punctuation, in lower case and with a blank behind."""
    first = i
    while first > max(0, i - _LEAD) and sentence.tokens[first - 1].tag != "PUNCT":
        first -= 1
    return "".join(token.low + " " for token in sentence.tokens[first:i])


def denied(sentence: Sentence, i: int, opens: int, subject: Phrase | None, found: list[Event]) -> bool:
    """Whether a sentence says that the motion of the verb at ``i`` does not happen."""
    near = sentence.tokens[max(opens, i - 4) : i]
    if "only" in [t.low for t in near] and any(t.low == "not" for t in near):
        return False  # "not only does he jump"
    if any(t.tag == "NEG" for t in near) or i and _NEGATED.search(_lead(sentence, i)):
        return True
    inverted = [t.low for t in sentence.tokens[opens:i]]
    if _NOBODY & set(inverted) and not any(t.tag == "VERB" for t in sentence.tokens[opens:i]):
        return True
    if {"no", "nowhere", "nor"} & set(inverted) and lex.DO & set(inverted):
        return True  # "at no point do his feet leave the ground"
    if subject is not None and subject.last < i and subject.denied and subject.first >= opens:
        return True
    if "without" in [t.low for t in sentence.tokens[max(0, i - 6) : i]] and sentence.kind(i) == "gerund":
        between = [t for t in sentence.tokens[max(0, i - 6) : i] if t.tag in ("VERB", "PUNCT")]
        return not between
    return bool(found) and _governed_denial(sentence, i, opens, found[-1])


_NOBODY = frozenset(["none", "nothing", "nobody", "neither"])


def _governed_denial(sentence: Sentence, i: int, opens: int, before: Event) -> bool:
    """Whether the verb before hands its denial on: "or", "keeps it from landing", "without letting it drop"."""
    if opens and sentence.tokens[opens - 1].low in ("or", "nor") and before.negated:
        return True
    gerund = sentence.kind(i) == "gerund"
    if before.lemma in _PREVENTS and gerund and sentence.tokens[i - 1].low == "from":
        return True
    form = sentence.tokens[i].form
    bare = form is not None and form.kind == "base"
    return bare and before.negated and before.lemma in lex.CAUSATIVES


_PREVENTS = frozenset(["keep", "prevent", "stop", "save", "discourage", "hinder", "block"])


def happens(sentence: Sentence, event: Event, following: int | None, found: list[Event]) -> bool:
    """Whether a verb is an action: no state, no helper, no possibility."""
    i = event.index
    if _possible(sentence, i):
        return False
    if i and _UNREAL.search(_lead(sentence, i)) or event.kind == "infinitive" and _unreal(sentence, i, found):
        return False
    opens = sentence.opens(i)
    if opens and sentence.tokens[opens - 1].low == "if" or _scenery(event):
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
    if event.token.low == "go" and found and found[-1].lemma == "let" and found[-1].keep:
        return False
    if event.lemma in lex.POSTURES:
        return _posture_change(sentence, event, found)
    return not _states(event)


def _states(event: Event) -> bool:
    """Whether a verb, with what belongs to it, tells how things are."""
    lemma, zone = event.lemma, event.zone
    if lemma == "take" and event.patient == "place":
        return True
    if lemma in ("look", "gaze", "stare"):
        return not (event.direction or "over" in zone or "inside" in zone)
    if event.agent is not None and event.agent.split()[-1] in _PICTURES:
        return True
    if lemma == "point" and event.part is not None and event.patient is None and "hand" not in event.part:
        return True  # "the knuckles point up"
    if lemma in ("start", "begin") and re.match(r"(?:at|in|with|from)\b", zone):
        return True
    if lemma in ("create", "give", "make", "add", "bring", "lend") and _ABSTRACT.search(zone):
        return True
    if (
        lemma == "leave"
        and event.kind == "gerund"
        and re.match(r"(?:only|behind|nothing|just|a trail)\b", zone)
    ):
        return True
    return lemma in lex.STATES or lemma in ("face", "repeat")


def _scenery(event: Event) -> bool:
    """Whether a verb tells how a place lies: "the road winds", "a rug covering the floor", "sunlight falls"."""
    head = nouns.singular(event.agent.split()[-1]) if event.agent else ""
    if head in nouns.SCENERY and event.lemma in lex.LIES:
        return True
    still = nouns.kind(head) == "thing" and head not in nouns.MOBILE and head not in lex.BODY_PARTS
    return (
        bool(head)
        and still
        and head not in lex.PRONOUNS
        and event.lemma in lex.COVERS
        and event.kind == "gerund"
    )


_PICTURES = frozenset(
    ("region image clip video scene footage shot picture story interaction background atmosphere").split()
)
_ABSTRACT = re.compile(
    r"\b(?:sense|mood|feeling|atmosphere|impression|look|appearance|effect|contrast|scene|tension|vibe|ambiance|glow|warmth|drama)\b"
)


def _unreal(sentence: Sentence, i: int, found: list[Event]) -> bool:
    before = [t.low for t in sentence.tokens[max(0, i - 3) : i]]
    if "about" in before or "if" in before or "ready" in before:
        return True
    return bool(found) and found[-1].lemma in lex.UNREALISED


def _controls(sentence: Sentence, event: Event, following: int | None) -> bool:
    if event.lemma in ("go", "come") and _goes_on(sentence, event, following):
        return True
    if event.lemma not in lex.CONTROL:
        return False
    if event.lemma == "help" and (following is None or sentence.opens(following) > event.index):
        return False  # "helps her to her feet"
    if following is None:
        return event.lemma not in ("start", "continue", "proceed", "resume")
    form = sentence.tokens[following].form
    joined = (
        sentence.adjacent(event.index, following) and form is not None and form.kind in ("base", "gerund")
    )
    return joined or event.lemma not in ("start", "continue", "proceed", "resume")


def _goes_on(sentence: Sentence, event: Event, following: int | None) -> bool:
    """Whether going is no going: "goes on to bark", "comes bounding through the snow", "comes close to falling"."""
    if re.match(r"close to\b", event.zone):
        return True
    form = sentence.tokens[following].form if following is not None else None
    if form is None or following is None:
        return False
    between = [t.low for t in sentence.tokens[event.index + 1 : following]]
    if between in (["on"], ["on", "to"]) or between == ["to"] and event.token.low == "going":
        return True
    return form.kind == "gerund" and sentence.adjacent(event.index, following)


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
    if sentence.tokens[following].low == "go" and event.lemma == "let":
        return False  # one act: let it go
    if event.kind == "passive":
        return sentence.tokens[following - 1].tag == "TO"  # "are made to get off"
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
        head = nouns.singular(event.agent.split()[-1]) if event.agent else ""
        if (
            re.match(r"(?:on|against|upon)\b", event.zone)
            and event.lemma == "lean"
            or nouns.kind(head) == "thing"
        ):
            continue
        row = [
            e
            for e in found
            if e.keep and not e.negated and e.agent == event.agent and _in_a_row(sentence, event, e)
        ]
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
    absolute = event.kind == "gerund" and event.index > 0 and sentence.tokens[event.index - 1].tag == "NOUN"
    if absolute:
        return False  # "his trunk leaning forward"
    turns = {"up", "down", "forward", "backward"} | ({"left", "right"} if event.lemma == "lean" else set())
    if turns & set(event.direction):
        return True
    if event.lemma in ("squat", "crouch"):
        return event.kind == "finite"
    if event.token.form is not None and event.token.form.kind == "gerund" and event.kind == "finite":
        return False  # "was sitting"
    chained = event.lemma in ("sit", "kneel") and event.kind == "finite" and any(e.keep for e in found)
    return chained and sentence.tokens[max(0, event.index - 1)].tag in ("CC", "ADV")


_UNTRUE = re.compile(
    r"(?:^|(?<=[.!?;\n]))\s*it(?:['’]s|(?: is| was))(?: simply| just| clearly)? "
    r"(?:false|untrue|wrong|incorrect|not (?:true|correct|right|the case|so))(?: to say| to claim)? that\b|"
    r"(?:^|(?<=[.!?;\n]))\s*it (?:isn|wasn)['’]t (?:true|correct|right|the case)(?: to say)? that\b",
    re.IGNORECASE,
)
_BEYOND = re.compile(r"[.!?;\n]|,? but\b|, (?:and|instead|rather)\b", re.IGNORECASE)


class Scope(NamedTuple):
    """Where in a text something is said to be false."""

    start: int
    end: int


def mask_untrue(text: str) -> tuple[str, list[Scope]]:
    """Return a text with "it is false that" blanked out (offsets stay), and what each is said of."""
    found: list[Scope] = []
    for match in _UNTRUE.finditer(text):
        ends = _BEYOND.search(text, match.end())
        found.append(Scope(match.end(), ends.start() if ends is not None else len(text)))
    return (_UNTRUE.sub(lambda m: " " * len(m.group()), text) if found else text), found


def deny(scope: Scope, found: list[Event]) -> None:
    """Turn what is said into its denial; of several acts nobody knows which one is false, and none is kept."""
    own = [event for event in found if event.keep and scope.start <= event.token.start < scope.end]
    for event in own:
        event.negated = not event.negated
        event.keep = len(own) == 1
