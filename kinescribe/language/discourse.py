"""Who a text has spoken of, and whom its pronouns mean: salience, as Lappin and Leass (1994) weigh it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kinescribe.language import lexicon as lex
from kinescribe.language import nouns
from kinescribe.language.phrases import Phrase, is_plural

RECENCY, SUBJECT, OBJECT, OTHER, PARALLEL = 100.0, 80.0, 50.0, -20.0, 35.0
"""Weights of Lappin and Leass (1994, table 1): being in the sentence, role, same role as the pronoun; what stands in an
adverbial lacks the 50 for those that do not. All are halved with every sentence."""
_ALIVE, _CERTAIN, _TOPIC = 60.0, 60.0, 8.0
"""What makes one of several fitting entities likelier: it lives or moves, its gender is known, it led before (ours)."""
_ROLES = {"subject": SUBJECT, "goal": SUBJECT + 5, "minor": OBJECT, "object": OBJECT, "other": OTHER}
_MEMORY = 64
"""Entities that are kept; far more than a caption has, so that only texts without end are cut short."""
_GENDER = {
    "he": "m", "him": "m", "himself": "m", "his": "m", "she": "f", "her": "f", "hers": "f", "herself": "f",
}  # fmt: skip
_THING = frozenset(["it", "itself", "its"])
_MANY = frozenset(["they", "them", "themselves", "their", "theirs", "both"])
_UNNAMED = {"he": "person", "she": "person", "they": "group", "it": "thing"}
_REFLEXIVE = frozenset(["himself", "herself", "itself", "themselves"])


@dataclass(eq=False)
class Entity:
    """Somebody or something that a text has spoken of."""

    text: str
    head: str
    plural: bool
    kind: str
    """As ``nouns.kind``, or part (of a body)."""
    gender: str | None
    role: str = "other"
    sentence: int = 0
    """In which it was last spoken of."""
    order: int = 0
    led: int = 0
    """Times that it was a subject."""

    def fits(self, pronoun: str) -> bool:
        """Whether a pronoun agrees in number and kind."""
        if (
            self.head in nouns.HOLLOW
            or self.head in lex.EVENT_NOUNS
            and self.head not in ("drink", "stretch")
        ):
            return False
        gender = _GENDER.get(pronoun)
        if gender is not None:
            alive = self.kind in ("person", "animal") or self.kind == "maybe" and self.led > 0
            return alive and not self.plural and self.gender in (None, gender)
        if pronoun in _THING:
            return not self.plural and self.kind != "person"
        return pronoun in _MANY and (self.plural or self.kind == "group")

    def bonus(self, pronoun: str, role: str) -> float:
        """How much better it fits than others of the same salience."""
        gender = _GENDER.get(pronoun)
        topic = min(_TOPIC * self.led, 5 * _TOPIC)
        if gender is not None:
            certain = _CERTAIN if self.gender == gender else 0.0
            return topic + certain + {"person": _ALIVE, "animal": _ALIVE / 3}.get(self.kind, _ALIVE / 2)
        if pronoun in _MANY and role == "subject":
            alive = self.kind in ("person", "animal", "group")
            return topic + _ALIVE * alive - _CERTAIN * (self.kind == "part")
        if pronoun in _MANY:
            return topic - _CERTAIN / 3 * (self.kind == "part")
        mobile = self.head in nouns.MOBILE or self.text in ("robot arm", "robotic arm")
        moves = role == "subject" and (self.kind == "animal" or mobile)
        return topic + _ALIVE * moves


@dataclass
class Discourse:
    """Who was spoken of."""

    resolving: bool = True
    """False leaves pronouns as they are: for comparison."""
    entities: list[Entity] = field(default_factory=list)
    sentence: int = 0
    order: int = 0

    def begin(self) -> None:
        """Begin a sentence."""
        self.sentence += 1
        del self.entities[:-_MEMORY]

    def see(self, phrases: Iterable[Phrase]) -> None:
        """Note phrases that are no subject or object (yet); those seen before are left."""
        for phrase in phrases:
            if phrase.entity is None and not _is_pronoun(phrase):
                self._note(phrase, "minor" if phrase.preposition is None else "other")

    def remember(self, phrase: Phrase, role: str) -> None:
        """Note a subject, a subject of a subordinate clause (``minor``), an object, or to whom something goes (``goal``).

        Of a part its owner is noted. Receivers are spoken of next as likely as givers (Stevenson et al. 1994).
        """
        if _is_pronoun(phrase):
            phrase.entity = phrase.entity or self.resolve(phrase.head, role) or self._unnamed(phrase.head)
            if phrase.entity is not None:
                self._refresh(phrase.entity, role)
            return
        owner = self.owner(phrase) if phrase.head in lex.BODY_PARTS else None
        if owner is not None and role != "object":
            self._refresh(owner, role)
        else:
            self._note(phrase, role)

    def drop(self, phrase: Phrase) -> None:
        """Forget a phrase that names no thing ("takes a step")."""
        self.entities = [e for e in self.entities if e is not phrase.entity]

    def name(self, phrase: Phrase, role: str, agent: str | None = None) -> tuple[str, str | None]:
        """Return what a phrase means after coreference, and the body part it names.

        Args:
            role: ``subject`` or ``object``: what it is to its verb.
            agent: who does it, and so is not meant by an object unless it is reflexive.
        """
        if phrase.text in _REFLEXIVE and role == "object":
            return phrase.text, None
        if _is_pronoun(phrase):
            if phrase.entity is None:
                phrase.entity = self.resolve(phrase.head, role, agent)
            return (phrase.entity.text if phrase.entity is not None else phrase.text), None
        if phrase.head in lex.BODY_PARTS and phrase.text not in ("robot arm", "robotic arm"):
            owner = self.owner(phrase)
            owner = None if owner is not None and owner.kind == "part" else owner
            named = phrase.owner if owner is None and phrase.owner not in lex.POSSESSIVES else None
            return (owner.text if owner is not None else named or phrase.text), phrase.text
        if phrase.entity is not None and phrase.text.endswith(" one"):
            return phrase.entity.text, None
        return self._spelled(phrase), None

    def owner(self, phrase: Phrase) -> Entity | None:
        """Return whose a body part is, where the phrase says it."""
        if phrase.owner is None:
            return None
        if phrase.owner in lex.POSSESSIVES:
            return self.resolve(phrase.owner, "subject")
        known = [e for e in self.entities if e.text == phrase.owner or e.head == phrase.owner]
        return known[-1] if known else self._new(phrase.owner, phrase.owner.split()[-1], False)

    def resolve(self, pronoun: str, role: str, agent: str | None = None) -> Entity | None:
        """Return the most salient entity that a pronoun can mean, and learn from it whether that is a he or a she."""
        if not self.resolving:
            return None
        barred = agent if role == "object" and pronoun not in _REFLEXIVE else None
        fitting = [e for e in self.entities if e.fits(pronoun) and not _same(e, barred)]
        if pronoun in _REFLEXIVE and agent is not None:
            own = [e for e in fitting if _same(e, agent)]
            return own[-1] if own else None
        if pronoun in ("they", "both") and not any(e.kind != "thing" for e in fitting):
            return self._both() or (fitting[-1] if fitting else None)
        if not fitting and pronoun in _GENDER:  # a role that no list holds: "the rigger"
            fitting = [
                e
                for e in self.entities
                if e.led and not e.plural and e.kind == "thing" and not _same(e, barred)
            ]
            fitting = [
                e for e in fitting if e.gender in (None, _GENDER[pronoun]) and e.head not in nouns.HOLLOW
            ]
        found = max(
            fitting, key=lambda e: (self._salience(e, role) + e.bonus(pronoun, role), e.order), default=None
        )
        if found is not None and found.gender is None:
            found.gender = _GENDER.get(pronoun)
        return found

    def _both(self) -> Entity | None:
        """Return two who were named one by one, as "the mare and the foal"."""
        alive = [e for e in self.entities if e.kind in ("person", "animal") and not e.plural]
        two = sorted(alive, key=lambda e: -self._salience(e, "subject"))[:2]
        if len(two) < 2:
            return None
        first, second = sorted(two, key=self.entities.index)
        made = Entity(f"{first.text} and {second.text}", second.head, True, "group", None)
        self.entities.append(made)
        return made

    def _salience(self, entity: Entity, role: str) -> float:
        parallel = PARALLEL if (entity.role == "object") == (role == "object") else 0.0
        return (RECENCY + _ROLES[entity.role] + parallel) * 0.5 ** (self.sentence - entity.sentence)

    def _unnamed(self, pronoun: str) -> Entity | None:
        """Make an entity of a pronoun that nothing went before: later ones mean the same."""
        if not self.resolving or pronoun not in ("he", "she", "they", "it"):
            return None
        made = Entity(pronoun, pronoun, pronoun == "they", _UNNAMED[pronoun], _GENDER.get(pronoun))
        self.entities.append(made)
        return made

    def _note(self, phrase: Phrase, role: str) -> None:
        if phrase.owner is not None and phrase.owner not in lex.POSSESSIVES:
            self.owner(phrase)
        phrase.entity = phrase.entity or self._known(phrase) or self._announced(phrase)
        if phrase.entity is None:
            phrase.entity = self._new(self._spelled(phrase), phrase.head, is_plural(phrase))
        if phrase.owner in lex.POSSESSIVES:
            self.resolve(phrase.owner, "subject")  # "hands it to her apprentice": the carpenter is a she
        self._refresh(phrase.entity, role)

    def _known(self, phrase: Phrase) -> Entity | None:
        """Return the entity that a phrase speaks of again: same head, and one set of words holds the other."""
        alone, many = nouns.singular(phrase.head), is_plural(phrase)
        words = set(phrase.text.split())
        for entity in reversed(self.entities):
            if entity.head == alone and entity.plural == many:
                own = set(entity.text.split())
                if words <= own or own <= words:
                    return entity
        return None

    def _announced(self, phrase: Phrase) -> Entity | None:
        """Return who a pronoun earlier in the sentence meant: "when she stops, the woman waves"."""
        alone = nouns.singular(phrase.head)
        if nouns.kind(alone) != "person" or is_plural(phrase):
            return None
        for entity in self.entities:
            here = entity.text in _UNNAMED and entity.sentence == self.sentence and entity.kind == "person"
            wrong = nouns.FEMALE if entity.gender == "m" else nouns.MALE
            if here and alone not in wrong:
                entity.text, entity.head = self._spelled(phrase), alone
                return entity
        return None

    def _new(self, text: str, head: str, plural: bool) -> Entity:
        alone = nouns.singular(head)
        gender = "f" if alone in nouns.FEMALE else "m" if alone in nouns.MALE else None
        made = Entity(text, alone, plural, _kind(alone, head), gender)
        self.entities.append(made)
        return made

    def _refresh(self, entity: Entity, role: str) -> None:
        higher = entity.sentence < self.sentence or _ROLES[role] > _ROLES[entity.role]
        entity.role = role if higher else entity.role
        entity.sentence = self.sentence
        entity.led += role == "subject"
        self.order += 1
        entity.order = self.order

    def _spelled(self, phrase: Phrase) -> str:
        """Return a phrase, "the taller one" as "taller boy" where boys were spoken of."""
        words = phrase.text.split()
        if len(words) > 1 and words[-1] == "one" and self.resolving:
            many = [e for e in self.entities if e.plural and e.sentence >= self.sentence - 2]
            alive = [e for e in many if e.kind != "thing" and e.kind != "part"]
            if many:
                return " ".join([*words[:-1], (alive or many)[-1].head])
        return phrase.text


def _same(entity: Entity, name: str | None) -> bool:
    """Whether a name is an entity's: "the vehicle" that was called "the ego vehicle" before."""
    words, own = set((name or "").split()), set(entity.text.split())
    return bool(words) and (words <= own or own <= words)


def _is_pronoun(phrase: Phrase) -> bool:
    people = ("someone", "somebody", "one", "anyone")
    words = lex.PRONOUNS | _POINTING
    return phrase.first == phrase.last and phrase.head in words and phrase.head not in people


_POINTING = frozenset(("this that these those what all each which everything nothing something").split())


def _kind(alone: str, head: str) -> str:
    return "part" if head in lex.BODY_PARTS or alone in lex.BODY_PARTS else nouns.kind(alone)
