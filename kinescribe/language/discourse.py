"""Who a text has spoken of, and whom its pronouns mean."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kinescribe.language import lexicon as lex
from kinescribe.language.phrases import Phrase, is_plural

_MEMORY = 64
"""Phrases of each kind; far more than a caption has, so that only texts without end are cut short."""


@dataclass
class Discourse:
    """Who was spoken of, newest last."""

    subjects: list[Phrase] = field(default_factory=list)
    """Of main clauses."""
    minor: list[Phrase] = field(default_factory=list)
    """Subjects of subordinate clauses and agents of passives: less likely to be meant."""
    objects: list[Phrase] = field(default_factory=list)

    def name(self, phrase: Phrase, role: str, agent: str | None = None) -> tuple[str, str | None]:
        """Return what a phrase means after coreference, and the body part it names."""
        if phrase.head in lex.PRONOUNS and phrase.first == phrase.last:
            found = self.resolve(phrase.head, role, agent)
            return (found.text, None) if found is not None else (phrase.text, None)
        if phrase.head in lex.BODY_PARTS and phrase.text not in ("robot arm", "robotic arm"):
            owner = self.owner(phrase)
            return (owner or phrase.text), phrase.text
        return phrase.text, None

    def owner(self, phrase: Phrase) -> str | None:
        """Return whose a body part is, where the phrase says it."""
        if phrase.owner is None:
            return None
        if phrase.owner not in lex.POSSESSIVES:
            return phrase.owner
        pronoun = {"his": "he", "her": "she", "its": "it", "their": "they"}.get(phrase.owner, "")
        found = self.resolve(pronoun, "subject")
        return found.text if found is not None else None

    def resolve(self, pronoun: str, role: str, agent: str | None = None) -> Phrase | None:
        """Return the latest phrase that a pronoun can mean.

        Args:
            role: ``subject`` or ``object``: what the pronoun is to its verb.
            agent: who does it, and so is not meant by an object.
        """
        subjects, objects = self.subjects, self.objects
        if pronoun in ("he", "him", "himself", "she", "her", "herself"):
            wrong = lex.FEMALE if pronoun in ("he", "him", "himself") else lex.MALE
            own = agent if role == "object" and pronoun in ("him", "her") else None
            for pool in (subjects, self.minor, objects):
                people = [
                    p for p in pool if p.head in lex.HUMAN_WORDS and p.head not in wrong and p.text != own
                ]
                if people:
                    return people[-1]
            rest = [p for p in subjects if p.head not in wrong and p.head not in lex.BODY_PARTS]
            return rest[-1] if rest else None
        if pronoun in ("it", "itself"):
            return self._thing(role, agent)
        if pronoun in ("they", "them", "themselves", "both"):
            pool = [*objects, *subjects] if role == "subject" else [*subjects, *objects]
            plural = [p for p in pool if is_plural(p)]
            return plural[-1] if plural else None
        return None

    def _thing(self, role: str, own: str | None) -> Phrase | None:
        things = [
            p for p in self.objects if p.head not in lex.HUMAN_WORDS and p.text != own and not is_plural(p)
        ]
        doers = [p for p in self.subjects if p.head not in lex.HUMAN_WORDS]
        if role == "subject":
            return doers[-1] if doers else things[-1] if things else None
        others = [p for p in doers if p.text != own]
        return things[-1] if things else others[-1] if others else None

    def forget(self) -> None:
        """Keep the newest of each: nobody means by "he" somebody of fifty sentences ago."""
        for kept in (self.subjects, self.minor, self.objects):
            del kept[:-_MEMORY]

    def remember(self, phrase: Phrase, minor: bool) -> None:
        """Note a subject; of a pronoun whom it means, of a body part its owner."""
        kept = self.minor if minor else self.subjects
        if phrase.head in lex.PRONOUNS and phrase.head not in ("someone", "somebody", "one"):
            found = self.resolve(phrase.head, "subject")
            if found is not None:
                kept.append(found)
        elif phrase.head not in lex.BODY_PARTS or phrase.owner is None:
            kept.append(phrase)
        elif phrase.owner not in lex.POSSESSIVES:
            kept.append(replace(phrase, text=phrase.owner, head=phrase.owner.split()[-1], owner=None))
