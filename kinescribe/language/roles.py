"""Who does what to whom: the subject and the objects of every verb."""

from __future__ import annotations

from dataclasses import replace

from kinescribe.language import lexicon as lex
from kinescribe.language import nouns
from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.discourse import Discourse
from kinescribe.language.phrases import Phrase, is_plural

_MEASURES = frozenset(
    (
        "time times moment moments second seconds while way bit lot degree degrees centimeter centimeters meter "
        "meters inch inches minute minutes side distance yard yards lap laps pace paces step steps stride strides rep "
        "reps repetition repetitions goodbye hello front little bit air"
    ).split()
)

_CHAIN = 12
"""Verbs up a tree until a subject is found: more are a loop or a broken tree."""

_REFLEXIVE = frozenset(["himself", "herself", "itself", "themselves"])
_TAKES_IN = frozenset(
    "take tip pull toss plug tuck reel rope fill turn hand bring draw stick breathe suck".split()
)
"""With "in" and a noun, something is moved in: "tips in the garlic"."""
_TRANSFER = frozenset(
    "hand give pass throw toss lob offer kick bring send serve bounce roll slide fling".split()
)
_POINTING = frozenset(["that", "this", "what", "which", "all", "there"])
_PORTIONS = frozenset(
    (
        "handful pair couple bunch cup glass bottle piece slice spoonful bowl plate pile stack set number series lot bit "
        "bucket mouthful sip scoop drop ball roll sheet bag can one two three both each all some half"
    ).split()
)
"""Of "a handful of leaves" the leaves are meant."""


def _commands(event: Event) -> bool:
    """Whether an event is told to somebody: "Bend your knees and jump"."""
    return event.kind == "finite" and event.token.form is not None and event.token.form.kind == "base"


class Roles:
    """Who does what to whom in one sentence; asked verb by verb, in its order."""

    def __init__(self, sentence: Sentence, discourse: Discourse) -> None:
        self.sentence, self.discourse = sentence, discourse
        self.tokens, self.phrases = sentence.tokens, sentence.phrases
        self.main: Phrase | None = None
        self.current: Phrase | None = None
        self.waiting: list[Event] = []
        """Fronted "-ing" clauses whose subject is still to come."""
        self.other: Phrase | None = None
        """The last that acted or was shown and is neither camera nor picture."""
        self.governed = False
        """Whether the last finite verb stood in a subordinate clause."""

        colon = next((n for n, token in enumerate(self.tokens) if token.low == ":"), -1)
        verbs = any(token.tag in ("VERB", "AUX") for token in self.tokens[: colon + 1])
        self._label = 0 if verbs else colon + 1
        """Where the sentence begins after a heading: "Action sequence: he squats"."""

    def subject(self, event: Event, opens: int, found: list[Event]) -> Phrase | None:
        """Find a verb's subject, make it the agent, and remember it.

        Args:
            opens: where the verb's clause begins.
            found: the events before it in the sentence.
        """
        self.discourse.see(p for p in self.phrases if p.last < event.index)
        seen = self._seen_subject(event.index)
        seen = None if seen is not None and self._absolute(seen, found) else seen
        subject = self._not_the_camera(event, seen or self._find_subject(event, opens, found))
        fronted = event.kind == "gerund" and subject is None
        if fronted:
            self.waiting.append(event)
            return None
        form = self.tokens[event.index].form
        caused = (
            bool(found) and form is not None and form.kind == "base" and found[-1].lemma in lex.CAUSATIVES
        )
        caused = caused or self.sentence.bare(event.index)
        if event.kind in ("finite", "passive") and subject is not None and not caused:
            governed = self._governed(opens, subject)
            self.governed = governed
            self.current = subject
            if not governed:
                self.main = subject
            self.discourse.remember(subject, "minor" if governed else "subject")
            for earlier in self.waiting:
                self._set_agent(earlier, subject)
            if not governed:
                self.waiting.clear()
        if subject is not None:
            self._set_agent(event, subject)
        return subject

    def _not_the_camera(self, event: Event, subject: Phrase | None) -> Phrase | None:
        """Return who else acts where a camera or a picture cannot: "the camera follows as a man walks, then waves"."""
        if subject is None:
            return None
        head = nouns.singular(subject.head)
        after = self.tokens[event.index + 1].low if event.index + 1 < len(self.tokens) else ""
        films = event.lemma in lex.FILMS and after not in ("his", "her", "their")
        if head in nouns.VIEWS and self.other is not None and not (films and head == "camera"):
            return self.other if event.kind != "passive" and event.lemma not in lex.STATES else subject
        if head not in nouns.VIEWS and subject.head not in lex.PRONOUNS:
            self.other = subject
        return subject

    def _governed(self, opens: int, subject: Phrase) -> bool:
        """Whether a clause is subordinate, itself or as a coordinated part of one ("before he runs up and shoots")."""
        if opens == 0:
            return False
        if self.tokens[opens - 1].tag in ("SUB", "REL"):
            return True
        return self.governed and subject is self.current and subject is not self.main

    def _seen_subject(self, i: int, depth: int = 0) -> Phrase | None:
        """Return the subject that the tree gives a verb, through coordination and control; None where it gives none."""
        token = self.tokens[i]
        if not token.pos or depth > _CHAIN:
            return None
        told = self.sentence.phrase_at(token.agent if self.sentence.kind(i) != "passive" else token.patient)
        if told is not None:
            return told
        own, opens = self.sentence.subject_of(i), self.sentence.opens(i)
        inside = [p for p in self.phrases if opens <= p.first < i and p.preposition is None]
        led = not any(t.tag == "VERB" for t in self.tokens[opens:i])
        if (
            opens
            and self.tokens[opens - 1].tag == "REL"
            and led
            and inside
            and inside[0].head not in _MEASURES
        ):
            return inside[0]  # "the silk that he stuffed into his fist"
        if own is not None and self.tokens[own].tag == "REL":
            return None if token.relation == "conj" else self._relative_subject(i)
        if own is not None:
            found = self.sentence.phrase_at(own)
            named = (
                found is not None and found.preposition is None and found.head not in _MEASURES | _POINTING
            )
            return self._with_others(i, own, found) if named else None  # type: ignore[arg-type]
        relation, head = token.relation.split(":")[0], token.head
        if relation == "acl" and self.tokens[head].tag != "VERB":
            return self._relative_subject(i)
        if self.tokens[head].tag != "VERB" or head == i:
            return None
        if relation == "xcomp" and self._controls_object(head):
            held = self.sentence.child(head, "obj", "iobj")
            if held is not None:
                return self.sentence.phrase_at(held)
        if relation == "conj" and (before := self._right_before(i)) is not None:
            return before
        if relation == "conj":
            head = self._nearer(i, head)
        if relation in ("xcomp", "advcl") or relation == "conj" and self._agree(i, head):
            return self._seen_subject(head, depth + 1)
        return None

    def _right_before(self, i: int) -> Phrase | None:
        """Return the phrase that alone stands between a comma and a verb: "one opens the bag, two scratches his head"."""
        opens = self.sentence.opens(i)
        phrase = next(
            (p for p in self.phrases if opens <= p.first <= opens + 1 and p.preposition is None), None
        )
        if phrase is None or phrase.last >= i or phrase.head in _MEASURES | _POINTING:
            return None
        between = self.tokens[phrase.last + 1 : i]
        return phrase if all(t.tag in ("ADV", "AUX", "NEG") for t in between) else None

    def _nearer(self, i: int, head: int) -> int:
        """Return the verb whose subject a coordinated one shares: the last with one of its own, "he reads it, she nods"."""
        between = [
            j for j in range(head + 1, i)
            if self.tokens[j].tag == "VERB" and self.tokens[j].relation in ("conj", "parataxis", "root")
            and self.sentence.subject_of(j) is not None and self._agree(i, j)
        ]  # fmt: skip
        return between[-1] if between else head

    def _with_others(self, i: int, own: int, phrase: Phrase) -> Phrase | None:
        """Return a subject with those that the tree coordinates with it, where the verb is a plural's; None if there is one."""
        form = self.tokens[i].form
        if form is None or form.kind == "third":
            return phrase
        also = [
            p for p in self.phrases
            if p.last < i and p is not phrase and self.tokens[p.last].head == own and self.tokens[p.last].relation == "conj"
        ]  # fmt: skip
        if also:
            return replace(phrase, text=" and ".join(p.text for p in [phrase, *also]))
        plain = form.kind != "base" or self.sentence.helper(i) is not None
        return phrase if plain or is_plural(phrase) or phrase.head in lex.PRONOUNS else None

    def _relative_subject(self, i: int) -> Phrase | None:
        """Return the noun that a clause describes; "the leg after kicking" is no such clause."""
        head = self.tokens[i].head
        before = self.tokens[i - 1].low if i else ""
        phrase = self.sentence.phrase_at(head)
        if before in ("after", "before", "while", "when", "by", "without") or phrase is None:
            return None
        opens = self.sentence.opens(i)
        who = opens > 0 and self.tokens[opens - 1].low == "who"
        return None if who and nouns.kind(nouns.singular(phrase.head)) == "thing" else phrase

    def _controls_object(self, head: int) -> bool:
        form = self.tokens[head].form
        return form is not None and form.lemma in lex.OBJECT_CONTROL

    def _agree(self, one: int, two: int) -> bool:
        """Whether two verbs can be coordinated: both finite, or of the same form."""
        kinds = [form.kind for form in (self.tokens[one].form, self.tokens[two].form) if form is not None]
        finite = [kind in ("third", "past") for kind in kinds]
        return len(set(kinds)) == 1 or all(finite)

    def _find_subject(self, event: Event, opens: int, found: list[Event]) -> Phrase | None:
        i = event.index
        own = [
            p for p in self.phrases
            if max(opens, self._label) <= p.first and p.last < i and p.preposition is None and p.head not in _MEASURES
        ]  # fmt: skip
        own = [p for p in own if not self._absolute(p, found)]
        if not own and found and found[0].agent is None and _commands(found[0]):
            return None
        if event.kind == "infinitive":
            return self.current
        if event.kind == "gerund":
            return self._gerund_subject(i, opens, own, found)
        if event.kind == "passive" and self.sentence.helper(i) is None:
            nearest = [p for p in self.phrases if p.last < i]
            return nearest[-1] if nearest else None
        if own and not self._between(opens, own[0]):
            form = self.tokens[i].form
            singular = form is not None and form.kind == "third"
            return own[0] if singular else self._joined(own[0], opens)
        if opens and self.tokens[opens - 1].tag == "REL":
            return self._antecedent(opens - 1)
        fresh = self._fresh_subject(i)
        if fresh is not None:
            return fresh
        comma = opens > 0 and any(t.low == "," for t in self.tokens[max(0, opens - 3) : opens])
        if comma and self.main is not None:
            return self.main
        if self.current is None and self.main is None:
            return self._interrupted(opens)
        return self.current or self.main

    def _fresh_subject(self, i: int) -> Phrase | None:
        """Return what a part of the sentence after ";" is about: "...; the younger one, who was behind, turns around"."""
        marks = [n for n in range(i) if self.tokens[n].low == ";"]
        start = marks[-1] + 1 if marks else 0
        rel = next((n for n in range(start, i) if self.tokens[n].tag == "REL"), i)
        verbs = any(t.tag in ("VERB", "AUX") for t in self.tokens[start:rel])
        first = next(
            (p for p in self.phrases if start <= p.first <= start + 1 and p.preposition is None), None
        )
        return first if marks and first is not None and first.last < i and not verbs else None

    def _absolute(self, phrase: Phrase, found: list[Event]) -> bool:
        """Whether a phrase is what a participle before the verb describes: "a woman, her sleeves rolled up, kneads"."""
        return any(self.sentence.bare(e.index) and phrase.last < e.index <= phrase.last + 2 for e in found)

    def _between(self, opens: int, phrase: Phrase) -> bool:
        """Whether a verb stands in the clause before a phrase, so that the phrase is its object."""
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
        people = [p for p in before if nouns.kind(nouns.singular(p.head)) != "thing"]
        adorned = chosen.preposition in ("in", "with", "on", "wearing") and chosen not in people
        if self.tokens[relative].low == "who" and adorned and people:
            return people[-1]  # "the one in the jacket, who ..."
        return chosen

    def _interrupted(self, opens: int) -> Phrase | None:
        before = [
            p for p in self.phrases if self._label <= p.first and p.last < opens and p.preposition is None
        ]
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
                    self.discourse.remember(phrase, "subject")
                    self.current = self.current or phrase
                return phrase
        controlled = any(e.kind == "finite" for e in found) or self.current is not None
        return self.current or self.main if controlled else None

    def _set_agent(self, event: Event, subject: Phrase) -> None:
        name, part = self.discourse.name(subject, "subject", event.agent)
        if event.kind == "passive":
            event.patient, event.part = part or name, part
        else:
            event.agent = name
            event.part = part or event.part

    def objects(self, event: Event, end: int, subject: Phrase | None) -> None:
        """Find what a verb is done to and with, up to token ``end``."""
        if event.kind == "passive":
            by = [p for p in self.phrases if p.preposition == "by" and event.index < p.first < end]
            event.agent = self.discourse.name(by[0], "object")[0] if by else self._passive_owner(subject)
            for phrase in by[:1]:
                self.discourse.remember(phrase, "minor")
            return
        target = self._object_phrase(event, end) or self._seen_object(event, end)
        target = (
            self._second_object(event, target, end) if target is not None else self._far_object(event, end)
        )
        if target is None:
            self._instrument(event, end)
            return
        if event.lemma in lex.SHOWS:
            self.other = target
        if target.text in _REFLEXIVE and event.lemma in lex.INTRANSITIVE:
            return  # "bends down himself"
        name, part = self.discourse.name(target, "object", event.agent)
        event.patient = part or name
        event.part = part or event.part
        if event.lemma not in lex.STATES:
            self.discourse.remember(target, "object")
        self._instrument(event, end)
        self._receiver(event, end)

    def _fronted(self, i: int) -> int:
        """Return where a phrase between commas before a verb begins: "and, with her right fist, punches the ball"."""
        opens = self.sentence.opens(i)
        starts = [n for n in range(max(0, opens - 8), opens - 1) if self.tokens[n].tag == "CC"]
        fronted = starts and self.tokens[opens - 1].low == "," and self.tokens[starts[-1] + 1].low == ","
        return starts[-1] if fronted else i

    def _receiver(self, event: Event, end: int) -> None:
        """Note to whom something is handed or thrown: it is spoken of next."""
        if event.lemma in _TRANSFER:
            for phrase in self.phrases:
                if event.index < phrase.first < end and phrase.preposition == "to":
                    self.discourse.remember(phrase, "goal")

    def _passive_owner(self, subject: Phrase | None) -> str | None:
        if subject is None or subject.head not in lex.BODY_PARTS:
            return None
        owner = self.discourse.owner(subject)
        return owner.text if owner is not None else None

    def _object_phrase(self, event: Event, end: int) -> Phrase | None:
        j = event.index + 1
        while j < end:
            token = self.tokens[j]
            phrase = next((p for p in self.phrases if p.first == j), None)
            particle = token.low in lex.PARTICLES and token.tag in ("PREP", "ADV")
            if phrase is not None:
                if phrase.head in _MEASURES or phrase.head in ("left", "right") or "-" in token.text:
                    return None
                return self._whose_way(phrase)
            movable = event.lemma in lex.TRANSITIVE_PARTICLE and j == event.index + 1
            told = token.relation == "compound:prt" and event.lemma not in lex.INTRANSITIVE
            joined = particle and told and self._object_after(event, j)
            if (
                token.tag in ("ADV", "NEG", "ADJ")
                and not particle
                or particle
                and (movable or joined)
                and self._object_after(event, j)
            ):
                j += 1
                continue
            return None
        return None

    def _seen_object(self, event: Event, end: int) -> Phrase | None:
        """Return the object that the tree gives a verb where the rules find none: "scoops up a handful"."""
        found = self.sentence.child(event.index, "obj")
        told = self.tokens[event.index].patient
        found = told if event.index < told < end else found
        if found is None or not event.index < found < end or self.tokens[found].tag not in ("NOUN", "PRON"):
            return None
        phrase = self.sentence.phrase_at(found)
        sides = phrase is None or phrase.head in _MEASURES or phrase.head in ("left", "right")
        if sides or phrase is None:
            return None
        if self.tokens[found].text.find("-") > 0 and phrase.first == phrase.last:
            return None  # "pitches nose-down"
        particle = (
            self.tokens[phrase.first - 1].relation == "compound:prt" and event.lemma not in lex.INTRANSITIVE
        )
        return self._whose_way(phrase) if phrase.preposition is None or particle else None

    def _far_object(self, event: Event, end: int) -> Phrase | None:
        """Return what is let go "of", and what a relative clause is about: "a leek, which she had sliced"."""
        if event.lemma == "let":
            inner = [p for p in self.phrases if p.preposition == "of" and event.index < p.first < end]
            return inner[0] if inner else None
        opens = self.sentence.opens(event.index)
        between = [p for p in self.phrases if opens <= p.first < event.index and p.preposition is None]
        whom = opens > 0 and self.tokens[opens - 1].tag == "REL" and event.kind == "finite" and bool(between)
        return self._antecedent(opens - 1) if whom and event.lemma not in lex.INTRANSITIVE else None

    def _second_object(self, event: Event, first: Phrase, end: int) -> Phrase:
        """Return what is given, not to whom: "pours him a cup of coffee"; of a part the whole: "a handful of leaves"."""
        adjacent = next((p for p in self.phrases if p.first == first.last + 1 and p.first < end), None)
        person = first.head in lex.PRONOUNS or nouns.kind(nouns.singular(first.head)) == "person"
        begins = adjacent is not None and self.tokens[adjacent.first].tag in ("DET", "POSS", "NUM")
        if adjacent is not None and person and begins and adjacent.head not in _MEASURES:
            first = adjacent
        inner = next((p for p in self.phrases if p.first == first.last + 2 and p.preposition == "of"), None)
        return (
            inner if inner is not None and first.head in _PORTIONS and inner.head not in _MEASURES else first
        )

    def _whose_way(self, phrase: Phrase) -> Phrase:
        """Return whose path is meant by "the path of the car"; any other phrase as it is."""
        owners = (p for p in self.phrases if p.preposition == "of" and p.first == phrase.last + 2)
        return next(owners, phrase) if phrase.head in ("path", "way") else phrase

    def _object_after(self, event: Event, j: int) -> bool:
        """Whether a particle, not a preposition, stands here: "picks up the cup", not "runs up the stairs"."""
        low = self.tokens[j].low
        if self.tokens[j].relation == "case" and low == "in" and event.lemma not in _TAKES_IN:
            return False
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
        first = self._fronted(event.index)
        for phrase in self.phrases:
            near = (
                event.index < phrase.first < end or first <= phrase.first < event.index
            ) and phrase.preposition in ("with", "on", "at", "through")
            if near and phrase.head in lex.BODY_PARTS:
                event.part = phrase.text
                self.discourse.remember(phrase, "minor")
                return
