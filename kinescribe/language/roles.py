"""Who does what to whom: the subject and the objects of every verb."""

from __future__ import annotations

from dataclasses import replace

from kinescribe.language import lexicon as lex
from kinescribe.language.clauses import Event, Sentence
from kinescribe.language.discourse import Discourse
from kinescribe.language.phrases import Phrase

_MEASURES = frozenset(
    (
        "time times moment moments second seconds while way bit lot degree degrees centimeter centimeters meter "
        "meters inch inches minute minutes side"
    ).split()
)


class Roles:
    """Who does what to whom in one sentence; asked verb by verb, in its order."""

    def __init__(self, sentence: Sentence, discourse: Discourse) -> None:
        self.sentence, self.discourse = sentence, discourse
        self.tokens, self.phrases = sentence.tokens, sentence.phrases
        self.main: Phrase | None = None
        self.current: Phrase | None = None
        self.waiting: list[Event] = []
        """Fronted "-ing" clauses whose subject is still to come."""
        self.governed = False
        """Whether the last finite verb stood in a subordinate clause."""

    def subject(self, event: Event, opens: int, found: list[Event]) -> Phrase | None:
        """Find a verb's subject, make it the agent, and remember it.

        Args:
            opens: where the verb's clause begins.
            found: the events before it in the sentence.
        """
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
            self.discourse.remember(subject, minor=governed)
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
        if event.kind == "passive" and self.sentence.helper(i) is None:
            nearest = [p for p in self.phrases if p.last < i]
            return nearest[-1] if nearest else None
        if own and not self._between(opens, own[0]):
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
                    self.discourse.remember(phrase, minor=False)
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
            self.discourse.minor += by[:1]
            return
        target = self._object_phrase(event, end)
        if target is None:
            self._instrument(event, end)
            return
        name, part = self.discourse.name(target, "object", event.agent)
        event.patient = part or name
        event.part = part or event.part
        if target.head not in lex.PRONOUNS and event.lemma not in lex.STATES:
            self.discourse.objects.append(target)
        self._instrument(event, end)

    def _passive_owner(self, subject: Phrase | None) -> str | None:
        if subject is None or subject.head not in lex.BODY_PARTS:
            return None
        return self.discourse.owner(subject)

    def _object_phrase(self, event: Event, end: int) -> Phrase | None:
        j = event.index + 1
        while j < end:
            token = self.tokens[j]
            phrase = next((p for p in self.phrases if p.first == j), None)
            particle = token.low in lex.PARTICLES and token.tag in ("PREP", "ADV")
            if phrase is not None:
                if phrase.head in _MEASURES or phrase.head in ("left", "right"):
                    return None
                return self._whose_way(phrase)
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

    def _whose_way(self, phrase: Phrase) -> Phrase:
        """Return whose path is meant by "the path of the car"; any other phrase as it is."""
        owners = (p for p in self.phrases if p.preposition == "of" and p.first == phrase.last + 2)
        return next(owners, phrase) if phrase.head in ("path", "way") else phrase

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
