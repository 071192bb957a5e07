"""Read the motions out of English text: who does what, where to, how often, in which order (MoPE, KPM 4.2).

Rules over tokens; no model. What counts as an action follows the conventions of the project's gold captions:
states, helpers ("begins to"), possibilities ("may jump") and intentions are no actions; denied motion is an action
with ``negated``; "stays still" is denied motion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from kinescribe.language import directions as ways
from kinescribe.language import lexicon as lex
from kinescribe.language.tagging import BOUNDARIES, NOUN_PHRASE, Token, sentences, tag, tokenize
from kinescribe.records import Action, Span
from kinescribe.vocabulary import PARTS, VERB_BY_LEMMA

_STILL = frozenset(["still", "motionless", "stationary", "put", "unmoving", "immobile"])
_FIRST = frozenset(["after", "once", "as-soon-as", "when", "whenever"])
"""Their clause happens before the main one."""
_LATER = frozenset({"before", "until"})
_SAME = frozenset({"while", "as", "meanwhile"})
_MEASURES = frozenset(
    (
        "time times moment moments second seconds while way bit lot degree degrees centimeter centimeters meter "
        "meters inch inches minute minutes side"
    ).split()
)
_BOTH = {"arms": "both_arms", "knees": "both_knees", "both arms": "both_arms", "both knees": "both_knees"}
_VIEW = r"(?:the )?(?:view|frame|picture|shot|scene|sight|screen|image)"


@dataclass
class Phrase:
    """A noun phrase in a sentence."""

    first: int
    last: int
    """Index of the head."""
    preposition: str | None
    text: str
    """Without determiners."""
    head: str
    owner: str | None = None
    """Possessive pronoun or noun in front."""
    denied: bool = False
    number: int | None = None


@dataclass
class Event:
    """A verb on its way to becoming an action."""

    index: int
    token: Token
    kind: str
    """finite, gerund, infinitive or passive."""
    lemma: str
    zone: str = ""
    """Text from the verb to the next clause."""
    before: str = ""
    """Text of the clause up to the verb."""
    agent: str | None = None
    patient: str | None = None
    part: str | None = None
    direction: tuple[str, ...] = ()
    shape: str | None = None
    count: int | None = None
    manner: str | None = None
    negated: bool = False
    span: Span | None = None
    relation: str = "next"
    """next, same, earlier (than the one before) or later (than the whole sentence)."""
    keep: bool = True
    rank: int = 0
    sentence: tuple[int, int] = (0, 0)


@dataclass
class Discourse:
    """Who was spoken of, newest last."""

    subjects: list[Phrase] = field(default_factory=list)
    """Of main clauses."""
    minor: list[Phrase] = field(default_factory=list)
    """Subjects of subordinate clauses and agents of passives: less likely to be meant."""
    objects: list[Phrase] = field(default_factory=list)


def parse(text: str) -> tuple[Action, ...]:
    """Return the actions that a text asserts (or denies), in the order of the text.

    ``order`` ranks them in time; equal ranks are simultaneous. ``predicate`` is the verb's lemma (of "takes two
    steps" that of the motion: step). Offsets are those of the sentence.
    """
    masked, times = ways.mask_times(text)
    discourse = Discourse()
    events: list[Event] = []
    rank = 0
    for start, end in sentences(text):
        within = [(at, span) for at, span in times if start <= at < end]
        found = _Sentence(masked[start:end], start, within, discourse).events()
        for event in found:
            event.sentence = (start, end)
        rank = _rank(found, rank)
        events += [event for event in found if event.keep]
    return tuple(_action(event) for event in events)


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


def _place(line: list[list[Event]], anchor: Event | None) -> int:
    return next((i for i, group in enumerate(line) if any(e is anchor for e in group)), 0)


def _action(event: Event) -> Action:
    part = _part_key(event.part)
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


class _Sentence:
    """One sentence: its tokens, its noun phrases, its verbs."""

    def __init__(self, text: str, start: int, times: list[tuple[int, Span]], discourse: Discourse) -> None:
        self.text, self.start, self.times, self.discourse = text, start, times, discourse
        self.tokens = tag(tokenize(text, start))
        self.phrases = self._phrases()
        self.main: Phrase | None = None
        self.current: Phrase | None = None
        self.waiting: list[Event] = []
        """Fronted "-ing" clauses whose subject is still to come."""
        self.governed = False
        """Whether the last finite verb stood in a subordinate clause."""

    def events(self) -> list[Event]:
        """Return the events in text order."""
        verbs = [i for i, token in enumerate(self.tokens) if token.tag == "VERB"]
        found: list[Event] = []
        for n, i in enumerate(verbs):
            following = verbs[n + 1] if n + 1 < len(verbs) else None
            event = self._event(i, following, found)
            found.append(event)
        self._followed_by(found)
        self._share(found)
        self._give_times(found)
        return found

    # --- noun phrases ---------------------------------------------------------------------------------------

    def _phrases(self) -> list[Phrase]:
        phrases: list[Phrase] = []
        i = 0
        while i < len(self.tokens):
            if self.tokens[i].tag in (*NOUN_PHRASE, "PRON"):
                last = self._phrase_end(i)
                found = self._phrase(i, last)
                if found is not None:
                    phrases.append(found)
                i = last + 1
            else:
                i += 1
        return phrases

    def _phrase_end(self, first: int) -> int:
        if self.tokens[first].tag == "PRON":
            return first
        last = first
        for i in range(first + 1, len(self.tokens)):
            fresh = self.tokens[i].tag in ("DET", "POSS") and self.tokens[i - 1].tag not in ("DET", "POSS")
            if self.tokens[i].tag not in NOUN_PHRASE or fresh or self._counts(i):
                break
            last = i
        return last

    def _counts(self, i: int) -> bool:
        """Whether a number after a noun begins a phrase of its own ("both knees four times") and is no name."""
        if self.tokens[i].tag != "NUM" or self.tokens[i - 1].tag != "NOUN":
            return False
        following = self.tokens[i + 1].low if i + 1 < len(self.tokens) else ""
        return not self.tokens[i].low.isdigit() or following in ("times", "more")

    def _phrase(self, first: int, last: int) -> Phrase | None:
        tokens = self.tokens[first : last + 1]
        words = [t for t in tokens if t.tag not in ("DET", "POSS", "POSN") or t.low == "both"]
        counted = words and words[0].tag == "NUM" and len(words) > 1
        number = ways.number(words[0].low) if counted else None
        words = words[1:] if counted else words
        if not words or (len(words) == 1 and words[0].tag == "NUM" and words[0].low != "one"):
            return None
        before = self.tokens[first - 1] if first else None
        preposition = before.low if before is not None and before.tag == "PREP" else None
        owner = next((t for t in tokens if t.tag in ("POSS", "POSN")), None)
        nouns = [t for t in words if t.tag in ("NOUN", "PRON") and (len(t.text) > 1 or len(words) == 1)]
        reciprocal = [t.low for t in tokens] == ["each", "other"]
        return Phrase(
            first,
            last,
            preposition,
            "each other" if reciprocal else " ".join(t.text if len(t.text) == 1 else t.low for t in words),
            (nouns[-1] if nouns else words[-1]).low,
            self._owner(owner, first),
            any(t.low in ("no", "neither", "nobody", "none") for t in tokens),
            number,
        )

    def _owner(self, token: Token | None, first: int) -> str | None:
        if token is None:
            return None
        if token.tag == "POSS":
            return token.low
        names = [t.low for t in self.tokens[first : self.tokens.index(token)] if t.tag not in ("DET", "POSS")]
        return " ".join([*names, token.low.removesuffix("'s").removesuffix("'")])

    # --- one verb -------------------------------------------------------------------------------------------

    def _event(self, i: int, following: int | None, found: list[Event]) -> Event:
        token = self.tokens[i]
        assert token.form is not None
        event = Event(i, token, self._kind(i), token.form.lemma)
        opens = self._opens(i)
        event.before = self._slice(opens, i)
        end = self._zone_end(i, following)
        event.zone = self._slice(i + 1, end)
        event.relation = self._relation(i, opens, found)
        subject = self._subject(event, opens, found)
        self._objects(event, end, subject)
        event.negated = self._denied(i, opens, subject, found)
        self._modifiers(event)
        self._idioms(event, end)
        event.keep = event.keep and self._happens(event, following, found)
        return event

    def _kind(self, i: int) -> str:
        form = self.tokens[i].form
        assert form is not None
        helper = self._helper(i)
        if form.kind == "gerund":
            return "finite" if helper is not None and helper.low in lex.BE else "gerund"
        if form.kind == "participle":
            return "passive" if helper is None or helper.low in lex.BE else "finite"
        if form.kind == "base":
            return "infinitive" if helper is not None and helper.tag == "TO" else "finite"
        return "finite"

    def _helper(self, i: int) -> Token | None:
        """Return the auxiliary, modal or "to" right before a verb, adverbs aside."""
        for token in reversed(self.tokens[:i]):
            if token.tag in ("AUX", "MODAL", "TO"):
                return token
            if token.tag not in ("ADV", "NEG"):
                return None
        return None

    def _opens(self, i: int) -> int:
        """Return where the clause of a verb begins: after the last boundary before it."""
        for j in range(i - 1, -1, -1):
            if self.tokens[j].tag in BOUNDARIES:
                return j + 1
        return 0

    def _zone_end(self, i: int, following: int | None) -> int:
        if following is None:
            return len(self.tokens)
        opens = self._opens(following)
        if opens <= i:
            return self._group_start(following)
        end = opens - 1
        while end - 1 > i and (self.tokens[end - 1].tag in BOUNDARIES or self.tokens[end - 1].low == "then"):
            end -= 1
        return end

    def _group_start(self, i: int) -> int:
        """Return where the verb group of a verb begins: its helpers and what governs it."""
        start = i
        while start and self.tokens[start - 1].tag in ("AUX", "MODAL", "TO", "NEG"):
            start -= 1
        if start and self.tokens[start - 1].low in ("by", "without", "with"):
            start -= 1
        return start

    def _slice(self, first: int, last: int) -> str:
        if first >= last or first >= len(self.tokens):
            return ""
        a = self.tokens[first].start - self.start
        return self.text[a : self.tokens[last - 1].end - self.start]

    def _relation(self, i: int, opens: int, found: list[Event]) -> str:
        """Return when an event happens relative to the one before it."""
        link = self._link(i, opens)
        main_before = any(e.kind == "finite" and e.keep for e in found)
        if link in _LATER:
            return "next" if main_before else "later"
        if link in _FIRST:
            return "earlier" if main_before else "next"
        if link in _SAME:
            return "same" if main_before else "same_ahead"
        helper = self._helper(i)
        in_relative = opens > 0 and self.tokens[opens - 1].tag == "REL"
        if helper is not None and (helper.low == "had" or in_relative and self._perfect(i)):
            return "earlier" if found else "next"
        form = self.tokens[i].form
        if form is not None and form.kind == "gerund" and self._kind(i) == "gerund":
            listed = opens > 0 and self.tokens[opens - 1].tag == "CC" and found and found[-1].kind == "gerund"
            return "same" if found and not listed else "next"
        return "next"

    def _perfect(self, i: int) -> bool:
        return any(t.low in lex.HAVE for t in self.tokens[max(0, i - 3) : i])

    def _link(self, i: int, opens: int) -> str:
        """Return the conjunction that governs a verb's clause."""
        if opens and self.tokens[opens - 1].tag == "SUB":
            link = self.tokens[opens - 1].low
            soon = link == "as" and opens >= 3 and self.tokens[opens - 2].low == "soon"
            return "once" if soon else link
        if self.tokens[i].form is not None and any(t.low == "having" for t in self.tokens[max(0, i - 2) : i]):
            return "after"
        if any(t.low == "meanwhile" for t in self.tokens[max(0, opens - 2) : i]):
            return "meanwhile"
        return ""

    # --- who ------------------------------------------------------------------------------------------------

    def _subject(self, event: Event, opens: int, found: list[Event]) -> Phrase | None:
        subject = self._find_subject(event, opens, found)
        fronted = event.kind == "gerund" and subject is None
        if fronted:
            self.waiting.append(event)
            return None
        if event.kind in ("finite", "passive") and subject is not None:
            governed = self._governed(opens, subject)
            self.governed = governed
            self.current = subject
            if not governed:
                self.main = subject
            self._remember(subject, minor=governed)
            for earlier in self.waiting:
                self._set_agent(earlier, subject)
            if not governed:
                self.waiting.clear()
        if subject is not None:
            self._set_agent(event, subject)
        return subject

    def _governed(self, opens: int, subject: Phrase) -> bool:
        """Whether a clause is subordinate, itself or as a coordinated part of one ("before he runs up and shoots")."""
        if opens == 0:
            return False
        if self.tokens[opens - 1].tag in ("SUB", "REL"):
            return True
        return self.governed and subject is self.current and subject is not self.main

    def _find_subject(self, event: Event, opens: int, found: list[Event]) -> Phrase | None:
        i = event.index
        own = [
            p for p in self.phrases
            if opens <= p.first and p.last < i and p.preposition is None and p.head not in _MEASURES
        ]  # fmt: skip
        if event.kind == "infinitive":
            return self.current
        if event.kind == "gerund":
            return self._gerund_subject(i, opens, own, found)
        if event.kind == "passive" and self._helper(i) is None:
            nearest = [p for p in self.phrases if p.last < i]
            return nearest[-1] if nearest else None
        if own and not self._between(own[0], i, opens):
            form = self.tokens[i].form
            singular = form is not None and form.kind == "third"
            return own[0] if singular else self._joined(own[0], opens)
        if opens and self.tokens[opens - 1].tag == "REL":
            return self._antecedent(opens - 1)
        comma = opens > 0 and any(t.low == "," for t in self.tokens[max(0, opens - 3) : opens])
        if comma and self.main is not None:
            return self.main
        if self.current is None and self.main is None:
            return self._interrupted(opens)
        return self.current or self.main

    def _between(self, phrase: Phrase, i: int, opens: int) -> bool:
        """Whether another verb stands between a phrase and a verb, so that the phrase is its object."""
        return any(
            t.tag == "VERB" and t.form and t.form.kind in ("third", "past")
            for t in self.tokens[opens : phrase.first]
        )

    def _joined(self, phrase: Phrase, opens: int) -> Phrase:
        """``X and Y`` where the clause of Y has the verb."""
        if opens < 2 or self.tokens[opens - 1].low != "and" or phrase.first != opens:
            return phrase
        before = [p for p in self.phrases if p.last < opens - 1]
        verbs = any(t.tag in ("VERB", "AUX") for t in self.tokens[: opens - 1])
        if not before or verbs or before[0].preposition is not None:
            return phrase
        return replace(phrase, text=f"{before[0].text} and {phrase.text}")

    def _antecedent(self, relative: int) -> Phrase | None:
        before = [p for p in self.phrases if p.last < relative]
        if not before:
            return None
        chosen = before[-1]
        # "the one in the jacket, who ...": after a comma, the clause is about the whole subject.
        if self.tokens[relative - 1].low == "," and chosen.preposition is not None:
            heads = [p for p in before if p.preposition is None]
            chosen = heads[-1] if heads else chosen
        return chosen

    def _interrupted(self, opens: int) -> Phrase | None:
        before = [p for p in self.phrases if p.last < opens and p.preposition is None]
        if (
            len(before) > 1
            and before[0].head in ("target", "subject", "object")
            and before[1].first == before[0].last + 2
        ):
            return before[1]  # "the target, a small dog, lies"
        return before[0] if before else None

    def _gerund_subject(self, i: int, opens: int, own: list[Phrase], found: list[Event]) -> Phrase | None:
        direct = [
            p for p in self.phrases if p.last == i - 1 or p.last == i - 2 and self.tokens[i - 1].tag == "ADV"
        ]
        if direct:
            phrase = direct[0]
            absolute = phrase.first == opens and found and phrase.preposition is None
            alone = not found and phrase.preposition is None
            carried = phrase.preposition == "with"
            seen = (
                found
                and found[-1].lemma in ("see", "show", "watch", "depict", "film")
                and phrase.preposition is None
            )
            end = found and found[-1].lemma == "end" and phrase.preposition == "with"
            if absolute or alone or carried or seen or end:
                if alone or seen:
                    self._remember(phrase, minor=False)
                    self.current = self.current or phrase
                return phrase
        controlled = any(e.kind == "finite" for e in found) or self.current is not None
        return self.current or self.main if controlled else None

    def _set_agent(self, event: Event, subject: Phrase) -> None:
        name, part = self._name(subject, "subject", event)
        if event.kind == "passive":
            event.patient, event.part = part or name, part
        else:
            event.agent = name
            event.part = part or event.part

    def _name(self, phrase: Phrase, role: str, event: Event | None = None) -> tuple[str, str | None]:
        """Return what a phrase means after coreference, and the body part it names."""
        if phrase.head in lex.PRONOUNS and phrase.first == phrase.last:
            found = self._resolve(phrase.head, role, event)
            return (found.text, None) if found is not None else (phrase.text, None)
        if phrase.head in lex.BODY_PARTS and phrase.text not in ("robot arm", "robotic arm"):
            owner = self._owner_name(phrase)
            return (owner or phrase.text), phrase.text
        return phrase.text, None

    def _owner_name(self, phrase: Phrase) -> str | None:
        if phrase.owner is None:
            return None
        if phrase.owner not in lex.POSSESSIVES:
            return phrase.owner
        pronoun = {"his": "he", "her": "she", "its": "it", "their": "they"}.get(phrase.owner, "")
        found = self._resolve(pronoun, "subject", None)
        return found.text if found is not None else None

    def _resolve(self, pronoun: str, role: str, event: Event | None) -> Phrase | None:
        subjects, objects = self.discourse.subjects, self.discourse.objects
        if pronoun in ("he", "him", "himself", "she", "her", "herself"):
            wrong = lex.FEMALE if pronoun in ("he", "him", "himself") else lex.MALE
            own = (
                event.agent if event is not None and role == "object" and pronoun in ("him", "her") else None
            )
            for pool in (subjects, self.discourse.minor, objects):
                people = [
                    p for p in pool if p.head in lex.HUMAN_WORDS and p.head not in wrong and p.text != own
                ]
                if people:
                    return people[-1]
            rest = [p for p in subjects if p.head not in wrong and p.head not in lex.BODY_PARTS]
            return rest[-1] if rest else None
        if pronoun in ("it", "itself"):
            return self._thing(role, event)
        if pronoun in ("they", "them", "themselves", "both"):
            pool = [*objects, *subjects] if role == "subject" else [*subjects, *objects]
            plural = [p for p in pool if _plural(p)]
            return plural[-1] if plural else None
        return None

    def _thing(self, role: str, event: Event | None) -> Phrase | None:
        own = event.agent if event is not None else None
        things = [
            p
            for p in self.discourse.objects
            if p.head not in lex.HUMAN_WORDS and p.text != own and not _plural(p)
        ]
        doers = [p for p in self.discourse.subjects if p.head not in lex.HUMAN_WORDS]
        if role == "subject":
            return doers[-1] if doers else things[-1] if things else None
        others = [p for p in doers if p.text != own]
        return things[-1] if things else others[-1] if others else None

    def _remember(self, phrase: Phrase, minor: bool) -> None:
        kept = self.discourse.minor if minor else self.discourse.subjects
        if phrase.head in lex.PRONOUNS and phrase.head not in ("someone", "somebody", "one"):
            found = self._resolve(phrase.head, "subject", None)
            if found is not None:
                kept.append(found)
        elif phrase.head not in lex.BODY_PARTS or phrase.owner is None:
            kept.append(phrase)
        elif phrase.owner not in lex.POSSESSIVES:
            kept.append(replace(phrase, text=phrase.owner, head=phrase.owner.split()[-1], owner=None))

    # --- what, where, how -----------------------------------------------------------------------------------

    def _objects(self, event: Event, end: int, subject: Phrase | None) -> None:
        if event.kind == "passive":
            by = [p for p in self.phrases if p.preposition == "by" and event.index < p.first < end]
            event.agent = self._name(by[0], "object")[0] if by else self._passive_owner(subject)
            self.discourse.minor += by[:1]
            return
        target = self._object_phrase(event, end)
        if target is None:
            self._instrument(event, end)
            return
        name, part = self._name(target, "object", event)
        event.patient = part or name
        event.part = part or event.part
        if target.head not in lex.PRONOUNS and event.lemma not in lex.STATES:
            self.discourse.objects.append(target)
        self._instrument(event, end)

    def _passive_owner(self, subject: Phrase | None) -> str | None:
        if subject is None or subject.head not in lex.BODY_PARTS:
            return None
        return self._owner_name(subject)

    def _object_phrase(self, event: Event, end: int) -> Phrase | None:
        j = event.index + 1
        while j < end:
            token = self.tokens[j]
            phrase = next((p for p in self.phrases if p.first == j), None)
            particle = token.low in lex.PARTICLES and token.tag in ("PREP", "ADV")
            if phrase is not None:
                return None if phrase.head in _MEASURES or phrase.head in ("left", "right") else phrase
            movable = event.lemma in lex.TRANSITIVE_PARTICLE and j == event.index + 1
            if (
                token.tag in ("ADV", "NEG")
                and not particle
                or particle
                and movable
                and self._object_after(event, j)
            ):
                j += 1
                continue
            return None
        return None

    def _object_after(self, event: Event, j: int) -> bool:
        """Whether a particle, not a preposition, stands here: "picks up the cup", not "runs up the stairs"."""
        low = self.tokens[j].low
        if low in ("around", "over", "in", "on", "down") and event.lemma in (
            "turn",
            "move",
            "roll",
            "slide",
            "swing",
            "reach",
        ):
            return False
        return low in ("up", "out", "off", "down", "away", "back", "over", "open", "aside", "on", "in")

    def _instrument(self, event: Event, end: int) -> None:
        """A body part in "with the left hand", "on his knees" is what the motion is made with."""
        if event.part is not None:
            return
        for phrase in self.phrases:
            near = event.index < phrase.first < end and phrase.preposition in ("with", "on", "at", "through")
            if near and phrase.head in lex.BODY_PARTS:
                event.part = phrase.text
                return

    def _modifiers(self, event: Event) -> None:
        found = ways.way(event.zone)
        event.direction, event.shape = found.direction, found.shape
        event.count = ways.count(event.zone) or ways.count(self._near(event))
        event.manner = ways.magnitude(self._near(event)) or ways.magnitude(event.zone)
        if event.lemma in ("enter", "appear", "arrive", "come", "emerge"):
            event.direction = ways.entry_side(event.zone) or event.direction
        if event.lemma in ("exit", "leave", "go", "depart", "disappear"):
            event.direction = ways.exit_side(event.zone) or event.direction

    def _near(self, event: Event) -> str:
        """Adverbs right before the verb."""
        words = []
        for token in reversed(self.tokens[: event.index]):
            if token.tag not in ("ADV", "AUX"):
                break
            words.append(token.text)
        return " ".join(reversed(words))

    # --- sense ----------------------------------------------------------------------------------------------

    def _denied(self, i: int, opens: int, subject: Phrase | None, found: list[Event]) -> bool:
        near = self.tokens[max(opens, i - 4) : i]
        if any(t.tag == "NEG" for t in near):
            return True
        governor = self.tokens[self._group_start(i)].low if self._group_start(i) < i else ""
        if (
            governor == "without"
            or i >= 2
            and self.tokens[i - 1].low == "of"
            and self.tokens[i - 2].low == "instead"
        ):
            return True
        if subject is not None and subject.last < i and subject.denied and subject.first >= opens:
            return True
        if "without" in [t.low for t in self.tokens[max(0, i - 6) : i]] and self._kind(i) == "gerund":
            between = [t for t in self.tokens[max(0, i - 6) : i] if t.tag in ("VERB", "PUNCT")]
            return not between
        alternative = opens and self.tokens[opens - 1].low in ("or", "nor") and found and found[-1].negated
        return bool(alternative) or bool(
            found and found[-1].lemma == "fail" and self._kind(i) == "infinitive"
        )

    def _happens(self, event: Event, following: int | None, found: list[Event]) -> bool:
        """Whether a verb is an action: no state, no helper, no possibility."""
        i = event.index
        if any(
            t.tag == "MODAL"
            for t in self.tokens[max(0, i - 3) : i]
            if t.tag in ("MODAL", "ADV", "NEG", "AUX")
        ):
            return False
        before = [t.low for t in self.tokens[max(0, i - 3) : i]]
        if (
            before[-1:]
            and before[-1] in ("almost", "nearly")
            or event.kind == "infinitive"
            and self._unreal(i, found)
        ):
            return False
        if self._controls(event, following):
            return False
        if (
            event.kind == "gerund"
            and found
            and found[-1].lemma in ("stop", "cease")
            and self._adjacent(found[-1].index, i)
        ):
            return False
        if event.lemma in lex.POSTURES:
            return self._posture_change(event, found)
        if event.lemma == "take" and event.patient == "place":
            return False
        if event.lemma in ("look", "gaze", "stare"):
            return bool(event.direction) or "over" in event.zone or "inside" in event.zone
        return event.lemma not in lex.STATES and event.lemma not in ("face", "repeat")

    def _unreal(self, i: int, found: list[Event]) -> bool:
        before = [t.low for t in self.tokens[max(0, i - 3) : i]]
        if "about" in before or "if" in before or "ready" in before:
            return True
        return bool(found) and found[-1].lemma in lex.UNREALISED

    def _controls(self, event: Event, following: int | None) -> bool:
        if event.lemma not in lex.CONTROL:
            return False
        if following is None:
            return event.lemma not in ("start", "continue", "proceed", "resume")
        form = self.tokens[following].form
        joined = (
            self._adjacent(event.index, following) and form is not None and form.kind in ("base", "gerund")
        )
        return joined or event.lemma not in ("start", "continue", "proceed", "resume")

    def _adjacent(self, i: int, j: int) -> bool:
        """Whether only helpers and adverbs stand between two verbs."""
        return all(t.tag in ("TO", "ADV", "AUX") or t.low == "by" for t in self.tokens[i + 1 : j])

    def _posture_change(self, event: Event, found: list[Event]) -> bool:
        if event.kind == "passive" or event.token.form is not None and event.token.form.kind == "participle":
            return False
        ways_of = {"up", "down", "forward", "backward"} | (
            {"left", "right"} if event.lemma == "lean" else set()
        )
        if ways_of & set(event.direction):
            return True
        if event.lemma in ("squat", "crouch"):
            return event.kind == "finite"
        chained = event.lemma in ("sit", "kneel") and event.kind == "finite" and any(e.keep for e in found)
        return chained and self.tokens[max(0, event.index - 1)].tag in ("CC", "ADV")

    def _idioms(self, event: Event, end: int) -> None:
        """Light verbs, "comes into view", "stays still" and their like."""
        zone = event.zone.lower()
        self._light(event, end)
        self._still(event, zone)
        self._view(event, zone)
        self._relative(event, end)
        if event.lemma == "speed" and zone.startswith("up") or event.lemma == "slow":
            event.direction = ()
        if event.lemma == "set" and event.patient is None:
            event.keep = zone.startswith(("off", "out", "forth"))
            event.direction = tuple(d for d in event.direction if d != "out")
        if (
            event.part is not None
            and event.patient is None
            and event.lemma == "bend"
            and event.kind == "gerund"
        ):
            event.patient = None

    def _light(self, event: Event, end: int) -> None:
        if event.lemma not in lex.LIGHT:
            return
        for phrase in self.phrases:
            goes = event.lemma in ("come", "go")
            near = event.index < phrase.first < end and (
                phrase.preposition in ("to", "into") if goes else True
            )
            head = _singular(phrase.head)
            if not near or head not in lex.EVENT_NOUNS or (goes and phrase.preposition is None):
                continue
            if event.lemma in ("have", "do") and phrase.preposition is not None:
                continue
            event.lemma, event.patient = lex.EVENT_NOUNS[head], None
            own = ways.way(phrase.text.rsplit(" ", 1)[0] + ".").direction if " " in phrase.text else ()
            event.direction = tuple(
                dict.fromkeys([*own, *(d for d in event.direction if d != "in" or not goes)])
            )
            event.count = event.count or (
                phrase.number if phrase.number is not None and head != "moment" else None
            )
            self.discourse.objects = [p for p in self.discourse.objects if p is not phrase]
            return

    def _still(self, event: Event, zone: str) -> None:
        first = re.findall(r"[a-z]+", zone)[:4]
        resting = event.lemma in ("stay", "remain", "stand", "keep", "hold", "sit", "lie")
        if resting and (
            _STILL & set(first) or event.lemma in ("stay", "remain") and "in_place" in event.direction
        ):
            event.lemma, event.negated, event.direction, event.manner = "move", True, (), None

    def _view(self, event: Event, zone: str) -> None:
        """Coming into and going out of the picture."""
        import_words = zone.split()
        if event.lemma in ("come", "move", "walk", "go", "appear", "get") and _matches(
            r"^(?:\w+ly )?(?:into|in|to) " + _VIEW, zone
        ):
            event.lemma = "enter"
        elif event.lemma in ("go", "move", "disappear", "vanish", "get", "come", "walk") and _matches(
            r"^(?:\w+ly )?(?:out of|from|out from) " + _VIEW, zone
        ):
            event.lemma = "leave"
            event.direction = tuple(d for d in ways.exit_side(zone) or event.direction if d != "out")
        if event.lemma == "enter" and import_words:
            event.direction = ways.entry_side(zone) or tuple(d for d in event.direction if d != "in")

    def _relative(self, event: Event, end: int) -> None:
        """Going "away from X" and "closer to X" is about the distance to X."""
        if event.lemma not in ("move", "get", "come", "go", "drift") or event.patient is not None:
            return
        for phrase in self.phrases:
            if not event.index < phrase.first < end or "camera" in phrase.text:
                continue
            if (
                phrase.head == "it"
                and "camera" in self._slice(0, phrase.first).lower()
                and "away from" in event.zone
            ):
                event.direction = ("away_from_camera",)
                return
            words = " ".join(t.low for t in self.tokens[event.index + 1 : phrase.first])
            if _matches(r"(?:away|farther away|further away|farther|further) from$", words):
                event.lemma, event.patient = "separate", self._name(phrase, "object", event)[0]
                return
            if _matches(r"(?:closer|nearer) to(?:wards?)?$", words):
                event.lemma, event.patient = "approach", self._name(phrase, "object", event)[0]
                return

    # --- across verbs ---------------------------------------------------------------------------------------

    def _followed_by(self, found: list[Event]) -> None:
        """Of "a cartwheel followed by a kick", the noun after it is an event too."""
        for n, event in enumerate(list(found)):
            if event.lemma != "follow" or not event.zone.startswith("by"):
                continue
            nouns = [
                p for p in self.phrases if p.first > event.index and _singular(p.head) in lex.EVENT_NOUNS
            ]
            if nouns and n:
                event.lemma = lex.EVENT_NOUNS[_singular(nouns[0].head)]
                event.agent, event.patient, event.relation = found[n - 1].agent, None, "next"
                event.keep = True

    def _share(self, found: list[Event]) -> None:
        """What follows the last verb belongs to both: "lifts and lowers both shoulders twice"."""
        for one, two in reversed(list(zip(found[:-1], found[1:], strict=True))):
            between = self.tokens[one.index + 1 : two.index]
            blank = self.text[one.token.end - self.start : two.token.start - self.start]
            timed = "   " in blank  # a time stood there and is blanked out
            bare = all(t.tag in ("CC", "ADV") or t.low == "," for t in between) and not timed
            if (
                not bare
                or one.negated != two.negated
                or not one.keep
                or not two.keep
                or any(t.low == "then" for t in self.tokens[one.index : two.index])
            ):
                continue
            if one.direction or not any(t.low in ("and", "or") for t in self.tokens[one.index : two.index]):
                continue
            if two.patient is not None and not _intransitive(one.lemma):
                one.patient, one.part = one.patient or two.patient, one.part or two.part
            one.count = one.count or two.count  # "lifts and lowers the arm twice"

    def _give_times(self, found: list[Event]) -> None:
        """A time belongs to the last verb before it; one in front of all verbs to those without their own."""
        for at, span in self.times:
            before = [event for event in found if event.token.start < at]
            if before and before[-1].span is None:
                before[-1].span = span
        fronted = [span for at, span in self.times if found and at < found[0].token.start]
        for event in found:
            event.span = event.span or (fronted[0] if fronted else None)


def _intransitive(lemma: str) -> bool:
    """Whether a verb takes no object, so that a later verb's object cannot be meant for it as well."""
    verb = VERB_BY_LEMMA.get(lemma)
    transitive = (
        "raise",
        "lower",
        "bend",
        "straighten",
        "approach",
        "enter",
        "leave",
        "shake",
        "roll",
        "tilt",
    )
    return (
        verb is not None
        and verb.predicate not in transitive
        and lemma not in ("move", "swing", "ride", "drive", "race")
    )


def _plural(phrase: Phrase) -> bool:
    head = phrase.head
    return head in ("people", "men", "women", "children", "feet") or (
        head.endswith("s") and not head.endswith(("ss", "us")) or " and " in phrase.text
    )


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
