"""Verb phrases of the motion sentences: what somebody or something does, in any form of the verb."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from parser import words
from parser.phrases import (
    Actor,
    Dependent,
    Phrases,
    adjective,
    adverb,
    article,
    attach,
    be,
    conjunction,
    infinitive_to,
    nonce,
    noun,
    number,
    particle,
    verb,
    with_case,
)
from parser.trees import Node

FRAMES = {
    "human": {
        "move": 0.19, "posture": 0.09, "part": 0.2, "thing": 0.15, "person": 0.05, "path": 0.04, "put": 0.11,
        "up": 0.08, "light": 0.06, "control": 0.04, "perceive": 0.015, "give": 0.015, "keep": 0.015, "state": 0.02,
        "any": 0.04, "nonce": 0.04, "into": 0.012, "cause": 0.02,
    },
    "animal": {
        "move": 0.34, "posture": 0.1, "part": 0.16, "thing": 0.1, "path": 0.06, "up": 0.12, "any": 0.03,
        "nonce": 0.04, "control": 0.03,
    },
    "vehicle": {
        "move": 0.3, "thing intransitive": 0.3, "path": 0.16, "up": 0.12, "nonce": 0.04, "control": 0.04,
        "any": 0.02, "into": 0.02,
    },
    "thing": {"thing intransitive": 0.74, "up": 0.05, "path": 0.07, "nonce": 0.05, "control": 0.04, "any": 0.05},
    "part": {"limb": 0.82, "nonce": 0.05, "path": 0.04, "control": 0.04, "any": 0.05},
}  # fmt: skip
"""How often each kind of actor does what."""


class Actions:
    """Verb phrases drawn by chance. A verb's form is a key of ``phrases.FINITE`` or ``phrases.OTHER``."""

    def __init__(self, phrases: Phrases) -> None:
        self.phrases = phrases
        self.dice = phrases.dice
        self._frames: dict[str, Callable[[str, Actor], Node]] = {
            "move": self._move, "posture": self._posture, "limb": self._limb, "thing intransitive": self._happening,
            "part": self._part, "thing": self._thing, "person": self._person, "path": self._path, "put": self._put,
            "up": self._up, "light": self._light, "into": self._into, "control": self._control, "give": self._give,
            "perceive": self._perceive, "keep": self._keep, "state": self._state, "any": self._any,
            "nonce": self._nonce, "cause": self._cause,
        }  # fmt: skip

    def action(self, form: str, actor: Actor, plain: bool = False) -> Node:
        """Return a verb phrase; a plain one has no verb below it."""
        shares = FRAMES[actor.kind]
        while True:
            frame = self.dice.weighted(shares)
            if not (plain and frame in ("control", "perceive", "cause")):
                break
        phrase = self._frames[frame](form, actor)
        if self.dice.chance(0.12):
            phrase = phrase.left("advmod", adverb(self.dice.deal(words.MANNERS)))
        if not plain and actor.kind in ("human", "animal") and self.dice.chance(0.05):
            phrase = phrase.right("advcl", self.infinitive(actor))
        return phrase

    def infinitive(self, actor: Actor) -> Node:
        return self.action("VB", actor, plain=True).left("mark", infinitive_to())

    def ending(self, actor: Actor) -> list[Dependent]:
        """Return what may close a verb phrase: direction, place, manner, count, means, or nothing."""
        phrases, dice = self.phrases, self.dice
        shares = {
            "none": 0.24,
            "direction": 0.28,
            "goal": 0.28,
            "manner": 0.1,
            "measure": 0.09,
            "means": 0.05,
            "two": 0.06,
        }
        way = dice.weighted(shares)
        if way == "two":
            where = phrases.direction()
            return [*where, *(phrases.measure() if dice.pick((True, False)) else phrases.goal(actor.poss))]
        ways: dict[str, Callable[[], list[Dependent]]] = {
            "none": list[Dependent],
            "direction": phrases.direction,
            "goal": lambda: phrases.goal(actor.poss),
            "measure": phrases.measure,
            "manner": self._manner,
            "means": lambda: phrases.means(actor.poss),
        }
        return ways[way]()

    def _manner(self) -> list[Dependent]:
        return [
            (
                "advmod",
                adverb(self.dice.deal(words.LATE_MANNERS if self.dice.chance(0.25) else words.MANNERS)),
            )
        ]

    def _move(self, form: str, actor: Actor) -> Node:
        return self._going(words.FREQUENT if self.dice.chance(0.35) else words.MOVE, form, actor)

    def _posture(self, form: str, actor: Actor) -> Node:
        return self._going(words.EVERYDAY if self.dice.chance(0.4) else words.POSTURE, form, actor)

    def _limb(self, form: str, actor: Actor) -> Node:
        return self._going(words.LIMB, form, actor)

    def _happening(self, form: str, actor: Actor) -> Node:
        return self._going(words.THING, form, actor)

    def _going(self, lemmas: Sequence[str], form: str, actor: Actor) -> Node:
        return attach(verb(self.dice.deal(lemmas), form), self.ending(actor))

    def _part(self, form: str, actor: Actor) -> Node:
        poss = actor.poss
        thing, _ = self.phrases.part(poss)
        if self.dice.chance(0.1):
            other, _ = self.phrases.part(poss)
            thing = thing.right("conj", other.left("cc", conjunction()))
        elif self.dice.chance(0.04):
            thing = self.phrases.reflexive(poss)
        head = verb(self.dice.deal(words.GESTURING if self.dice.chance(0.4) else words.PART), form)
        if self.dice.chance(0.06):  # raises and lowers his arms: the object belongs to both
            second = verb(self.dice.deal(words.PART), form).left("cc", conjunction())
            return head.right("conj", second).right("obj", thing)
        return attach(head.right("obj", thing), self.ending(actor))

    def _object(self) -> Node:
        if self.dice.chance(0.16):
            return self.phrases.accusative()
        if self.dice.chance(0.12):
            stuff = noun(self.dice.deal(words.MASS))
            return article(stuff, "the") if self.dice.chance(0.4) else stuff
        if self.dice.chance(0.05):
            return Node("clothes", "clothes", "NOUN", "NNS", "Number=Ptan")
        if self.dice.chance(0.08):  # telegraphic: opens door, kicks balls
            return noun(self.dice.deal(words.THINGS), self.dice.chance(0.6))
        thing = self.phrases.thing()
        if self.dice.chance(0.06):
            return thing.right("conj", self.phrases.thing().left("cc", conjunction()))
        if self.dice.chance(0.03):
            return thing.right("nmod", with_case(self.phrases.place(), "of"))
        return thing

    def _thing(self, form: str, actor: Actor) -> Node:
        lemma = self.dice.deal(words.HANDLING if self.dice.chance(0.4) else words.OBJECT)
        head = verb(lemma, form).right("obj", self._object())
        return attach(head, self.ending(actor))

    def _person(self, form: str, actor: Actor) -> Node:
        if self.dice.chance(0.2):
            target = self.phrases.accusative()
        elif self.dice.chance(0.1):
            each = Node("each", "each", "DET", "DT", "PronType=Rcp")
            target = each.right("fixed", adjective("other"))
        else:
            target = self.phrases.somebody().phrase
        head = verb(self.dice.deal(words.PERSONAL), form).right("obj", target)
        return attach(head, self.ending(actor))

    def _path(self, form: str, actor: Actor) -> Node:
        target = self.phrases.place()
        if self.dice.chance(0.15):
            target = self.phrases.vehicle().phrase
        head = verb(self.dice.deal(words.PATH), form).right("obj", target)
        return attach(head, self.ending(actor) if self.dice.chance(0.5) else [])

    def _put(self, form: str, actor: Actor) -> Node:
        common = self.dice.chance(0.5)
        lemma, word = self.dice.deal(words.EVERYDAY_PARTICLE if common else words.TRANSITIVE_PARTICLE)
        thing = self._object()
        dependents = [particle(word), ("obj", thing)]
        if thing.upos == "PRON" or self.dice.chance(0.3):
            dependents.reverse()
        tail = self.phrases.goal(actor.poss) if self.dice.chance(0.4) else []
        return attach(verb(lemma, form), [*dependents, *tail])

    def _up(self, form: str, actor: Actor) -> Node:
        lemma, word = self.dice.deal(words.INTRANSITIVE_PARTICLE)
        tail = self.ending(actor) if self.dice.chance(0.5) else []
        label, child = particle(word)
        if label == "compound:prt" and lemma in words.MOVE and lemma not in ("slow", "speed", "back"):
            label, child = "advmod", adverb(word)  # run up, jump down: a way, not a part of the verb
        return attach(verb(lemma, form).right(label, child), tail)

    def _light(self, form: str, actor: Actor) -> Node:
        dice = self.dice
        lemma = dice.pick(tuple(words.LIGHT_NOUNS))
        plural = dice.chance(0.3)
        thing = noun(dice.deal(words.LIGHT_NOUNS[lemma]), plural)
        if dice.chance(0.45):
            thing = thing.left("amod", adjective(dice.deal(words.MOTION_ADJECTIVES)))
        if plural:
            thing = (
                article(thing, "several")
                if dice.chance(0.2)
                else thing.left("nummod", number(dice.pick(words.NUMBERS)))
            )
        else:
            thing = article(thing, dice.weighted({"a": 0.8, "another": 0.14, "one": 0.06}))
        if dice.chance(0.08):
            more = article(noun(dice.deal(words.MOTION_NOUNS)), "a")
            if dice.chance(0.5):
                followed = verb("follow", "PASS").right("obl:agent", with_case(more, "by"))
                thing = thing.right("acl", followed)
            else:
                thing = thing.right("conj", more.left("cc", conjunction()))
        head = verb(lemma, form)
        if lemma == "give" and dice.chance(0.5):
            head = head.right(
                "iobj", self.phrases.somebody().phrase if dice.chance(0.7) else self.phrases.accusative()
            )
        tails: list[Callable[[], list[Dependent]]] = [
            self.phrases.direction,
            lambda: self.phrases.goal(actor.poss),
            list[Dependent],
        ]
        tail = dice.pick(tails)()
        return attach(head.right("obj", thing), tail)

    def _into(self, form: str, actor: Actor) -> Node:
        lemma, case, listed = self.dice.pick(words.LIGHT_INTO)
        thing = noun(self.dice.pick(listed.split()))
        if self.dice.chance(0.3):
            thing = thing.left(
                "amod", adjective(self.dice.pick("full slow sudden complete deep low".split()))
            )
        return verb(lemma, form).right("obl", with_case(article(thing, "a"), case))

    def _control(self, form: str, actor: Actor) -> Node:
        if self.dice.chance(0.5):
            lemma = self.dice.deal(words.INFINITIVE_CONTROL)
            return verb(lemma, form).right("xcomp", self.infinitive(actor))
        lemma = self.dice.deal(words.GERUND_CONTROL)
        return verb(lemma, form).right("xcomp", self.action("GER", actor, plain=True))

    def _perceive(self, form: str, actor: Actor) -> Node:
        other = self.phrases.actor(simple=True)
        phrase = other.phrase if other.phrase.upos != "PRON" else self.phrases.accusative()
        below = self.action(self.dice.pick(["GER", "VB"]), other, plain=True)
        return verb(self.dice.deal(words.PERCEPTION), form).right("obj", phrase).right("xcomp", below)

    def _cause(self, form: str, actor: Actor) -> Node:
        other = self.phrases.actor(simple=True)
        phrase = other.phrase if other.phrase.upos != "PRON" else self.phrases.accusative()
        if self.dice.chance(0.5):
            below = self.action("VB", other, plain=True)
            return verb(self.dice.deal(words.CAUSATIVE), form).right("obj", phrase).right("xcomp", below)
        if self.dice.chance(0.4):
            below = attach(verb(self.dice.deal(words.THING), "GER"), self.ending(actor))
            return (
                verb(self.dice.pick(["send", "leave", "keep"]), form)
                .right("obj", phrase)
                .right("xcomp", below)
            )
        below = self.infinitive(other)
        return verb(self.dice.deal(words.TO_CAUSATIVE), form).right("obj", phrase).right("xcomp", below)

    def _give(self, form: str, actor: Actor) -> Node:
        head = verb(self.dice.deal(words.DITRANSITIVE), form)
        somebody = self.phrases.accusative() if self.dice.chance(0.3) else self.phrases.somebody().phrase
        if self.dice.chance(0.5):
            return head.right("iobj", somebody).right("obj", self.phrases.thing())
        return head.right("obj", self.phrases.thing()).right("obl", with_case(somebody, "to"))

    def _keep(self, form: str, actor: Actor) -> Node:
        state = adjective(
            self.dice.pick(
                "straight bent still steady flat parallel level low high open closed apart".split()
            )
        )
        if self.dice.chance(0.6):
            thing, _ = self.phrases.part(actor.poss)
            return (
                verb(self.dice.pick(["keep", "hold", "leave"]), form)
                .right("obj", thing)
                .right("xcomp", state)
            )
        return verb(self.dice.pick(["stay", "remain", "lie", "land", "stand", "fall"]), form).right(
            "xcomp", state
        )

    def _state(self, form: str, actor: Actor) -> Node:
        lemma = self.dice.deal(words.STATES)
        thing = self.phrases.clothes() if lemma == "wear" else self.phrases.thing()
        if lemma in ("remain", "stay", "wait"):
            return attach(verb(lemma, form), self.phrases.goal(actor.poss))
        return attach(verb(lemma, form).right("obj", thing), self.ending(actor))

    def _any(self, form: str, actor: Actor) -> Node:
        head = verb(self.dice.deal(words.UNLISTED), form)
        if actor.kind == "human" and self.dice.chance(0.55):
            head = head.right("obj", self._object())
        return attach(head, self.ending(actor))

    def _nonce(self, form: str, actor: Actor) -> Node:
        lemma = nonce(self.dice)
        head = verb(lemma, form)
        if actor.kind == "human" and self.dice.chance(0.45):
            head = head.right(
                "obj", self._object() if self.dice.chance(0.5) else self.phrases.part(actor.poss)[0]
            )
        return attach(head, self.ending(actor))

    def passive(self, actor: Actor, finite: bool = True) -> Node:
        """Return a passive verb phrase, with its auxiliary where it is finite."""
        dice = self.dice
        if dice.chance(0.25):
            lemma, word = dice.deal(words.TRANSITIVE_PARTICLE)
            head = verb(lemma, "PASS").right(*particle(word))
        else:
            part = actor.kind == "part"
            people = actor.kind == "human"
            head = verb(dice.deal(words.PART if part else words.PERSONAL if people else words.OBJECT), "PASS")
        if dice.chance(0.4):
            head = attach(
                head, self.phrases.direction() if dice.chance(0.5) else self.phrases.goal(actor.poss)
            )
        if dice.chance(0.45):
            head = head.right("obl:agent", with_case(self.phrases.somebody().phrase, "by"))
        if finite:
            past = dice.chance(0.15)
            if dice.chance(0.25):
                being = Node("being", "be", "AUX", "VBG", "Tense=Pres|VerbForm=Part")
                head = head.left("aux:pass", being)
                return head.left("aux", be(actor.plural, past))
            head = head.left("aux:pass", be(actor.plural, past))
        return head
