"""Read the motions out of English text: who does what, where to, how often, in which order (MoPE, KPM 4.2).

A parser gives every sentence a tree (backends of the kind ``parsers``); rules over its words say what is an action,
who acts on whom and when. What counts as an action follows the conventions of the project's gold captions:
states, helpers ("begins to"), possibilities ("may jump") and intentions are no actions; denied motion is an action
with ``negated``; "stays still" is denied motion. The only states that are read are who is before whom and who is at
rest (``standing``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from operator import itemgetter

from kinescribe import plugins
from kinescribe.errors import BackendError
from kinescribe.language import directions as ways
from kinescribe.language import lexicon as lex
from kinescribe.language.chatter import mask_chatter
from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.discourse import Discourse
from kinescribe.language.idioms import idioms
from kinescribe.language.marks import mask_spoken, unmarked
from kinescribe.language.nouns import singular
from kinescribe.language.roles import Roles
from kinescribe.language.senses import denied, deny, happens, mask_untrue, settle
from kinescribe.language.standing import orders, rests
from kinescribe.language.syntax import Parser, Tree
from kinescribe.language.tokens import sentences
from kinescribe.records import Action, Span
from kinescribe.vocabulary import PARTS, VERB_BY_LEMMA

DEFAULT = "spacy"
"""The parser that is used where none is named."""
_BATCH = 256
"""Texts that are read at once, at most."""
_BATCH_CHARS = 1 << 18
"""And characters of them."""
_SENTENCES = 1024
"""Sentences whose trees are held at once."""
_BOTH = {"arms": "both_arms", "knees": "both_knees", "both arms": "both_arms", "both knees": "both_knees"}
_POSES = re.compile(
    r"\binto (?:an? |the |his |her |its |their )?(?:\w+ )?(?:squat|crouch|position|pose|stance|dive|roll|handstand|lunge|split|"
    r"plank|view|sight|fist|run|walk|turn|jump|rope|circle|line|ball|shape|half|halves|pieces|slices|cobra|dog|bridge|lane)\b"
)
_UPLESS = frozenset("speed slow give wake back catch end show warm light clean dry hurry".split())
"""With "up" these do not go up."""
_TOGETHER = re.compile(r"\W*(?:meanwhile|at the same time|simultaneously)\b", re.IGNORECASE)
"""A sentence that begins so is about the time of the one before."""
_AFTERWARDS = re.compile(
    r"\W*(?:(?:and )?then|next(?! to)|after(?:wards?| that| this| which)|subsequently|finally|lastly|eventually|"
    r"later(?: on)?)\b",
    re.IGNORECASE,
)
"""A sentence that begins so says that it is about a time after the one before."""
_PRONOUN = re.compile(r"\W*(?:it|its|he|his|she|her|they|their|them|this|these|those|both)\b", re.IGNORECASE)
_COLLIDE = frozenset(["bump", "crash", "collide", "slam", "smash", "knock", "bang"])
"""Into something, these do not go in."""
_TRANSITIVE = frozenset(("raise lower bend straighten approach enter leave shake roll tilt").split())
"""Predicates with an object: a later verb's may be theirs as well."""


def leans(sentence: str) -> bool:
    """Whether a sentence means something else without the one before it: "Then ...", "Meanwhile ...", "It ..."."""
    return any(begins.match(sentence) for begins in (_AFTERWARDS, _TOGETHER, _PRONOUN))


def parse(text: str, parser: str | Parser = DEFAULT) -> tuple[Action, ...]:
    """Return the actions that a text asserts (or denies), in the order of the text.

    ``order`` ranks them in time; equal ranks are simultaneous. ``predicate`` is the verb's lemma (of "takes two
    steps" that of the motion: step). Offsets are those of the sentence.

    Args:
        parser: a backend of the kind ``parsers`` as ``loaded`` names it, or one that was made.
    """
    return next(parse_all([text], parser))


def parse_all(
    texts: Iterable[str], parser: str | Parser = DEFAULT, coreference: bool = True
) -> Iterator[tuple[Action, ...]]:
    """Yield the actions of each text; some hundred texts go to the parser at once, which is several times as fast.

    Args:
        parser: as for ``parse``.
        coreference: False leaves pronouns as they stand (for comparison).
    """
    trees = loaded(parser) if isinstance(parser, str) else parser
    for batch in _batches(texts):
        read = [_Text(text) for text in batch]
        found = _trees(trees, [sentence for one in read for sentence in one.sentences()])
        for one in read:
            yield one.actions(found, coreference)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield texts together, by number and length."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) >= _BATCH or sum(map(len, batch)) > _BATCH_CHARS:
            yield batch
            batch = []
    if batch:
        yield batch


def _trees(parser: Parser, sentences: Sequence[str]) -> Iterator[Tree]:
    """Yield the trees of many sentences, some hundred at a time: a text without end needs no more memory for them."""
    for start in range(0, len(sentences), _SENTENCES):
        yield from parser(sentences[start : start + _SENTENCES])


@cache
def loaded(name: str) -> Parser:
    """Return a parser: ``spacy``, ``spacy:en_core_web_sm`` or another backend and what it shall load.

    One of each is kept, since loading takes longer than reading.

    Raises:
        BackendError: there is no such backend.
    """
    kind, colon, model = name.partition(":")
    own = kind in plugins.names("parsers")
    make = plugins.load("parsers", kind if own else name)
    if not isinstance(make, type):
        raise BackendError(f'"{name}" is no parser: name a class whose objects take sentences to trees')
    made = make(model) if own and colon else make()
    if not isinstance(made, Parser):
        raise BackendError(f'"{name}" is no parser: its objects cannot be called')
    return made


class _Text:
    """A text on its way to actions."""

    def __init__(self, text: str) -> None:
        self.shown = unmarked(text)
        self.written = list(sentences(text)) if self.shown.places is not None else []
        text, self.untrue = mask_untrue(mask_spoken(mask_chatter(self.shown.text)))
        masked, self.times = ways.mask_times(text)
        self.masked, self.metres = ways.mask_metres(masked)
        self.spans = [(a, b) for a, b in sentences(self.shown.text) if self.masked[a:b].strip()]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a sentence stands in the text with its marks."""
        if not self.written:
            return start, end
        place = self.shown.before(start)
        return self.written[max(0, bisect_right(self.written, place, key=itemgetter(0)) - 1)]

    def sentences(self) -> list[str]:
        return [self.masked[start:end] for start, end in self.spans]

    def actions(self, trees: Iterator[Tree], coreference: bool = True) -> tuple[Action, ...]:
        """Return the actions, given the trees of the sentences."""
        discourse = Discourse(resolving=coreference)
        events: list[Event] = []
        rank = 0
        for start, end in self.spans:
            discourse.begin()
            sentence = Sentence(self.masked[start:end], start, next(trees))
            found = _read(sentence, discourse)
            _give_times(found, [(at, span) for at, span in self.times if start <= at < end])
            _give_metres(found, [(at, metres) for at, metres in self.metres if start <= at < end])
            for event in found:
                event.sentence = self.span(start, end)
            for scope in self.untrue:
                if start <= scope.start < end:
                    deny(scope, found)
            together = rank > 0 and _TOGETHER.match(sentence.text) is not None
            rank = _rank(found, rank - together)
            kept = [event for event in found if event.keep]
            if kept and events and _AFTERWARDS.match(sentence.text):
                min(kept, key=lambda event: event.rank).after = max(events, key=lambda event: event.rank)
            _say_order(kept)
            events += kept
        return tuple(_action(event, _index(events, event.after)) for event in events)


def _rank(events: list[Event], base: int) -> int:
    """Give the events of a sentence their ranks in time; return the next free rank."""
    line: list[list[Event]] = []
    held: list[Event] = []
    anchor: Event | None = None
    waiting = False
    for event in events:
        if event.relation == "later":
            held.append(event)
            continue
        place = _place(line, anchor)
        if event.relation == "same" and anchor is not None or waiting and event.relation == "next":
            line[place if anchor is not None else -1].append(event)
            waiting = False
        elif event.relation == "earlier" and anchor is not None:
            line.insert(place, [event])
            continue
        else:
            line.append([event])
            waiting = event.relation == "same_ahead"
        anchor = event
    line += [[event] for event in held]
    for offset, group in enumerate(line):
        for event in group:
            event.rank = base + offset
    return base + len(line)


def _say_order(events: list[Event]) -> None:
    """Note which events of a sentence are said to come after which, from the ranks that they have."""
    for before, event in zip(events, events[1:], strict=False):
        if event.ordered != "back" and before.ordered != "ahead" or event.rank == before.rank:
            continue
        first, second = sorted((before, event), key=lambda one: one.rank)
        second.after = second.after or first


def _index(events: list[Event], wanted: Event | None) -> int | None:
    return next((i for i, event in enumerate(events) if event is wanted), None)


def _place(line: list[list[Event]], anchor: Event | None) -> int:
    return next((i for i, group in enumerate(line) if any(e is anchor for e in group)), 0)


def _action(event: Event, after: int | None) -> Action:
    # A pronoun may stand for a part: "raises the right leg, then lowers it".
    patient = _part_key(event.patient)
    part = patient if event.part is None and patient in PARTS else _part_key(event.part)
    return Action(
        predicate=event.lemma,
        start=event.sentence[0],
        end=event.sentence[1],
        agent=event.agent,
        patient=event.patient,
        direction=event.direction,
        magnitude=event.manner,
        trajectory=event.shape,
        count=event.count,
        part=part,
        level=_level(event),
        negated=event.negated,
        order=event.rank,
        span=event.span,
        metres=event.metres,
        after=after,
    )


def _part_key(part: str | None) -> str | None:
    if part is None:
        return None
    key = _BOTH.get(part, part.replace(" ", "_"))
    return key if key in PARTS else part.replace(" ", "_")


def _level(event: Event) -> str:
    head = event.part.split()[-1] if event.part else ""
    if head in lex.DISTAL_PARTS:
        return "distal"
    if head in lex.LIMB_PARTS:
        return "limb"
    if event.lemma in lex.DISTAL_VERBS:
        return "distal"
    if event.lemma in lex.LIMB_VERBS and event.patient is not None:
        return "limb"
    return "individual"


def _read(sentence: Sentence, discourse: Discourse) -> list[Event]:
    """Return the events of a sentence in its order."""
    roles = Roles(sentence, discourse)
    verbs = [i for i, token in enumerate(sentence.tokens) if token.tag == "VERB"]
    found: list[Event] = []
    for i, following in zip(verbs, [*verbs[1:], None], strict=False):
        found.append(_event(sentence, roles, i, following, found))
    discourse.see(sentence.phrases)
    settle(sentence, found)
    _followed_by(sentence, found)
    _share(sentence, found)
    _in_all(sentence, found)
    standing = [*orders(sentence, discourse, found), *rests(sentence, discourse, found)]
    return sorted([*found, *standing], key=lambda event: event.index) if standing else found


def _event(sentence: Sentence, roles: Roles, i: int, following: int | None, found: list[Event]) -> Event:
    """Read the verb at ``i``, given the events before it and where the next verb stands."""
    token = sentence.tokens[i]
    assert token.form is not None
    event = Event(i, token, sentence.kind(i), token.form.lemma)
    opens = sentence.opens(i)
    end = sentence.zone_end(i, following)
    event.zone = sentence.words(i + 1, end)
    event.relation = sentence.relation(i, opens, found)
    event.ordered = sentence.ordered(i, opens, found)
    subject = roles.subject(event, opens, found)
    roles.objects(event, end, subject)
    event.negated = denied(sentence, i, opens, subject, found)
    _modifiers(sentence, event)
    idioms(sentence, roles.discourse, event, end)
    event.keep = event.keep and happens(sentence, event, following, found)
    return event


def _modifiers(sentence: Sentence, event: Event) -> None:
    """Read where to, how often and how."""
    found, near = ways.way(event.zone), _near(sentence, event)
    event.direction, event.shape = _with_particles(sentence, event, found.direction), found.shape
    event.count = ways.count(event.zone) or ways.count(near)
    if event.lemma in _UPLESS and event.zone.lower().startswith("up"):
        event.direction = tuple(d for d in event.direction if d != "up")
    if event.lemma in _COLLIDE and event.patient is None:
        event.direction = tuple(d for d in event.direction if d != "in")
    event.manner = ways.magnitude(near) or ways.magnitude(event.zone)
    if event.lemma in ("enter", "appear", "arrive", "come", "emerge"):
        event.direction = ways.entry_side(event.zone) or event.direction
    if event.lemma in ("exit", "leave", "depart", "disappear"):
        event.direction = ways.exit_side(event.zone) or event.direction


def _with_particles(sentence: Sentence, event: Event, said: tuple[str, ...]) -> tuple[str, ...]:
    """Add the particles that the tree hangs on a verb: "taps the pin in with a mallet"; into things that are acted on."""
    inward = event.patient is not None and re.search(r"\binto (?:\w+[ -]){1,4}", event.zone + " ")
    aims = [
        t.low
        for t in sentence.tokens
        if t.head == event.index and t.relation in _PARTICLE and t.tag in _LOOSE
    ]
    found = [low for low in aims if low in ("in", "out")] or (
        ["in"] if inward and not _POSES.search(event.zone) else []
    )
    opposite = {"in": "out", "out": "in"}
    return tuple(dict.fromkeys([*said, *(d for d in found if opposite[d] not in said)]))


_PARTICLE, _LOOSE = ("compound:prt", "advmod"), ("PREP", "ADV")


def _near(sentence: Sentence, event: Event) -> str:
    """Adverbs right before the verb."""
    words = []
    for token in reversed(sentence.tokens[: event.index]):
        if token.tag not in ("ADV", "AUX"):
            break
        words.append(token.text)
    return " ".join(reversed(words))


def _followed_by(sentence: Sentence, found: list[Event]) -> None:
    """Of "a cartwheel followed by a kick", the noun after it is an event too."""
    for n, event in enumerate(list(found)):
        if event.lemma != "follow" or not event.zone.startswith("by"):
            continue
        nouns = [p for p in sentence.phrases if p.first > event.index and singular(p.head) in lex.EVENT_NOUNS]
        if nouns and n:
            event.lemma = lex.EVENT_NOUNS[singular(nouns[0].head)]
            event.agent, event.patient, event.relation = found[n - 1].agent, None, "next"
            event.count = event.count or nouns[0].number
            event.keep = True


def _share(sentence: Sentence, found: list[Event]) -> None:
    """What follows the last verb belongs to both: "lifts and lowers both shoulders twice"."""
    for one, two in reversed(list(zip(found[:-1], found[1:], strict=True))):
        between = sentence.tokens[one.index + 1 : two.index]
        blank = sentence.text[one.token.end - sentence.start : two.token.start - sentence.start]
        timed = "   " in blank  # a time stood there and is blanked out
        bare = all(t.tag in ("CC", "ADV") or t.low == "," for t in between) and not timed
        if (
            not bare
            or one.negated != two.negated
            or not one.keep
            or not two.keep
            or any(t.low == "then" for t in sentence.tokens[one.index : two.index])
        ):
            continue
        if one.direction or not any(t.low in ("and", "or") for t in sentence.tokens[one.index : two.index]):
            continue
        if two.patient is not None and not _intransitive(one.lemma):
            one.patient, one.part = one.patient or two.patient, one.part or two.part
        one.count = one.count or two.count  # "lifts and lowers the arm twice"


def _in_all(sentence: Sentence, found: list[Event]) -> None:
    """Of "steps up and steps down, six times in all", the number is that of each."""
    if not found or not any(event.count for event in found) and "times" not in sentence.text:
        return
    fronted = re.match(rf"(?:{ways.NUMBERS}) times\b,?\s", sentence.text, re.IGNORECASE)
    if fronted is not None:
        count = ways.count(fronted.group() + " ")
        for event in found:
            event.count = event.count or count
    said = re.search(r"\b(?:in all|in total|altogether|each)\b", sentence.text)
    last = found[-1] if found else None
    if said is None or last is None or last.count is None:
        return
    for event in found:
        if event.agent == last.agent and event.count is None:
            event.count = last.count


def _give_times(found: list[Event], times: list[tuple[int, Span]]) -> None:
    """A time belongs to the last verb before it; one in front of all verbs to those without their own."""
    for at, span in times:
        before = [event for event in found if event.token.start < at]
        if before and before[-1].span is None:
            before[-1].span = span
    fronted = [span for at, span in times if found and at < found[0].token.start]
    for event in found:
        event.span = event.span or (fronted[0] if fronted else None)


def _give_metres(found: list[Event], metres: list[tuple[int, float]]) -> None:
    """A way in metres belongs to the last verb before it."""
    for at, length in metres:
        before = [event for event in found if event.token.start < at]
        if before:
            before[-1].metres = length


def _intransitive(lemma: str) -> bool:
    """Whether a verb takes no object, so that a later verb's object cannot be meant for it as well."""
    if lemma in lex.INTRANSITIVE and lemma not in ("swing", "roll", "turn", "spin", "bounce"):
        return True
    verb = VERB_BY_LEMMA.get(lemma)
    return (
        verb is not None
        and verb.predicate not in _TRANSITIVE
        and lemma not in ("move", "swing", "ride", "drive", "race")
    )
