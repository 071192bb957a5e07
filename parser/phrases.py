"""Noun phrases, directions and places of the motion sentences, with the analysis that EWT gives them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from parser import words
from parser.trees import Node

T = TypeVar("T")
Dependent = tuple[str, Node]

SINGULAR, PLURAL = "Number=Sing", "Number=Plur"
FINITE = {
    "VBZ": "Mood=Ind|Number=Sing|Person=3|Tense=Pres|VerbForm=Fin",
    "VBP": "Mood=Ind|Number=Plur|Person=3|Tense=Pres|VerbForm=Fin",
    "VBD": "Mood=Ind|Number=Sing|Person=3|Tense=Past|VerbForm=Fin",
    "VBD+": "Mood=Ind|Number=Plur|Person=3|Tense=Past|VerbForm=Fin",
}
"""Features of finite verbs; ``VBD+`` is the past of a plural subject."""
OTHER = {
    "VB": "VerbForm=Inf",
    "VBG": "Tense=Pres|VerbForm=Part",
    "GER": "VerbForm=Ger",
    "VBN": "Tense=Past|VerbForm=Part",
    "PASS": "Tense=Past|VerbForm=Part|Voice=Pass",
}
"""Features of other verb forms; ``GER`` is an -ing that is a complement or follows a noun, ``PASS`` a passive."""
_FIELD = {
    "VBZ": "third",
    "VBD": "past",
    "VBD+": "past",
    "VBG": "gerund",
    "GER": "gerund",
    "VBN": "participle",
}


_PLURAL_DETERMINERS = {
    "the": 0.4, "two": 0.14, "both": 0.07, "several": 0.06, "three": 0.05, "some": 0.04, "": 0.2, "all": 0.03,
    "the two": 0.06, "many": 0.02, "these": 0.02,
}  # fmt: skip
_WHERE = {
    "plain": 0.5, "slope": 0.06, "complex": 0.08, "located": 0.1, "away": 0.1, "camera": 0.05, "rival": 0.11,
}  # fmt: skip
_TWO_WAYS = (
    ("back", "forth"), ("up", "down"), ("left", "right"), ("forward", "backward"), ("forward", "upward"), ("in", "out"),
    ("outward", "upward"), ("down", "forward"),
)  # fmt: skip
"""Directions joined by "and"."""
_FROM_TO = (
    ("left", "right"), ("right", "left"), ("side", "side"), ("back", "front"), ("top", "bottom"), ("front", "back"),
    ("one", "other"),
)  # fmt: skip
"""From here to there."""


class Actor(NamedTuple):
    """Whom a clause is about."""

    phrase: Node
    kind: str
    """human, animal, vehicle, thing, part or camera."""
    plural: bool
    poss: str
    """his, her, its or their."""


class Dice:
    """Chance with a seed; words come off shuffled decks, so that all words of a list come up equally often."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._decks: dict[tuple[object, ...], list[object]] = {}

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self._random.random() * len(items))]

    def weighted(self, table: dict[T, float]) -> T:
        return self._random.choices(list(table), list(table.values()))[0]

    def deal(self, items: Sequence[T]) -> T:
        """Return the next of a list's shuffled deck; lists of the same words share a deck."""
        deck = self._decks.setdefault(tuple(items), [])
        if not deck:
            deck.extend(dict.fromkeys(items))
            self._random.shuffle(deck)
        return deck.pop()  # type: ignore[return-value]


# --- single words -------------------------------------------------------------------------------------------


def verb(lemma: str, form: str) -> Node:
    """Return a verb in a form: a key of FINITE or OTHER."""
    field = "participle" if form == "PASS" else _FIELD.get(form, "base")
    tag = {"VBD+": "VBD", "GER": "VBG", "PASS": "VBN"}.get(form, form)
    word = getattr(words.forms(lemma), field)
    return Node(word, lemma, "VERB", tag, FINITE.get(form) or OTHER[form])


def aux(word: str, form: str, lemma: str = "be") -> Node:
    """Return an auxiliary in a form, of ``be`` where nothing else is said."""
    tag = form.removesuffix("+")
    return Node(word, lemma, "AUX", tag, FINITE.get(form) or OTHER.get(form, "VerbForm=Fin"))


def be(plural: bool, past: bool = False) -> Node:
    """Return the finite copula or auxiliary."""
    if past:
        return aux("were" if plural else "was", "VBD+" if plural else "VBD")
    return aux("are" if plural else "is", "VBP" if plural else "VBZ")


def adverb(word: str) -> Node:
    """Return an adverb."""
    return Node(word, word, "ADV", "RB", "PronType=Dem" if word in ("then", "there", "here", "now") else "")


def adjective(word: str) -> Node:
    """Return an adjective; older and younger are the only comparatives."""
    if word in ("older", "younger"):
        return Node(word, word[:-2], "ADJ", "JJR", "Degree=Cmp")
    return Node(word, word, "ADJ", "JJ", "Degree=Pos")


def preposition(word: str) -> Node:
    """Return a preposition."""
    return Node(word, word, "ADP", "IN")


def conjunction(word: str = "and") -> Node:
    """Return a coordinating conjunction."""
    return Node(word, word, "CCONJ", "CC")


def subordinator(word: str) -> Node:
    """Return a word that begins a clause."""
    return Node(word, word, "SCONJ", "IN")


def infinitive_to() -> Node:
    """Return the ``to`` of an infinitive."""
    return Node("to", "to", "PART", "TO")


def negation() -> Node:
    """Return ``not``."""
    return Node("not", "not", "PART", "RB")


def comma() -> Node:
    """Return a comma."""
    return Node(",", ",", "PUNCT", ",", glued=True)


def particle(word: str) -> Dependent:
    """Return what follows a verb as its own part: a particle, or an adverb or adjective of place or result."""
    if word in words.PARTICLES:
        return "compound:prt", Node(word, word, "ADP", "RP")
    if word in ("open", "shut"):
        return "xcomp", adjective(word)
    return "advmod", adverb(word)


def number(word: str) -> Node:
    """Return a numeral."""
    return Node(word, word, "NUM", "CD")


def possessive(word: str) -> Node:
    """Return his, her, its or their."""
    count = PLURAL if word == "their" else SINGULAR
    return Node(word, word, "PRON", "PRP$", f"{count}|Person=3|Poss=Yes|PronType=Prs")


def article(phrase: Node, word: str) -> Node:
    """Put a determiner before all of a phrase; ``a`` becomes ``an`` where it must."""
    kinds = {
        "the": "PronType=Art", "a": "PronType=Art", "another": "PronType=Ind", "some": "PronType=Ind",
        "both": "PronType=Tot",
        "all": "PronType=Tot", "each": "PronType=Tot", "every": "PronType=Tot", "no": "PronType=Neg",
        "this": "Number=Sing|PronType=Dem", "these": "Number=Plur|PronType=Dem", "either": "PronType=Ind",
    }  # fmt: skip
    if word in ("one", *words.NUMBERS):
        return phrase.left("nummod", number(word))
    if word in ("several", "many"):
        return phrase.left("amod", adjective(word))
    shown = "an" if word == "a" and re.match(r"[aeioAEIO]|u(?!ni)|SUV", phrase.first) else word
    return phrase.left("det", Node(shown, "this" if word == "these" else word, "DET", "DT", kinds[word]))


def noun(lemma: str, plural: bool = False) -> Node:
    """Return a noun; underscores and hyphens join compounds, as the tokenizer splits them."""
    *others, head = re.split(r"_|(-)", lemma)
    shown = words.plural(head) if plural else head
    node = Node(shown, head, "NOUN", "NNS" if plural else "NN", PLURAL if plural else SINGULAR)
    others = [part for part in others if part]
    if "-" in others:
        node = Node(shown, head, node.upos, node.xpos, node.feats, glued=True)
        node = node.left("punct", Node("-", "-", "PUNCT", "HYPH", glued=True))
        others.remove("-")
    for part in reversed(others):
        node = node.left("compound", Node(part, part, "NOUN", "NN", SINGULAR))
    return node


def with_case(phrase: Node, word: str) -> Node:
    """Put a preposition of one or two words before a phrase."""
    for part in reversed(word.split()):
        phrase = phrase.left("case", preposition(part))
    return phrase


_SYLLABLES = (
    "b bl br ch cl d dr f fl fr g gl gr h j k kl l m n p pl pr qu r s sk sl sm sn sp spl st str sw t tr tw v w z",
    "a e i o u ea oo ai ou",
    "b ck d dge ff g ll lk lp lt m mp n nch nd nk nt p r rk rp rt sh sk st t tch x zz ve ne le",
)
"""Beginnings, vowels and ends."""


def nonce(dice: Dice) -> str:
    """Return a word that does not exist, so that the model learns to read a word from its place and ending."""
    return "".join(dice.pick(part.split()) for part in _SYLLABLES)


# --- noun phrases -------------------------------------------------------------------------------------------


class Phrases:
    """Noun phrases and what may follow a verb, drawn by chance."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self._kinds: dict[str, Callable[[bool], Actor]] = {
            "human": self.human, "animal": self.animal, "vehicle": self.vehicle, "thing": self.thing_actor,
            "part": self.part_actor, "pronoun": self.pronoun,
        }  # fmt: skip

    def actor(self, simple: bool = False) -> Actor:
        """Return a subject."""
        shares = {"human": 0.42, "pronoun": 0.16, "part": 0.2, "animal": 0.06, "vehicle": 0.07, "thing": 0.09}
        return self._kinds[self.dice.weighted(shares)](simple)

    def somebody(self, simple: bool = True) -> Actor:
        """Return a human subject with a noun."""
        return self.human(simple)

    def human(self, simple: bool = False) -> Actor:
        dice = self.dice
        if dice.chance(0.06):
            return self._indefinite()
        if dice.chance(0.03):
            name = dice.deal(words.NAMES)
            return Actor(
                Node(name, name, "PROPN", "NNP", SINGULAR), "human", False, dice.pick(["his", "her"])
            )
        plural = dice.chance(0.24)
        group = dice.weighted({"men": 0.3, "women": 0.22, "people": 0.48})
        nouns = {"men": words.MEN, "women": words.WOMEN, "people": words.PEOPLE}[group]
        lemma = dice.deal(nouns) if dice.chance(0.6) else dice.pick(nouns[:4])
        if lemma in ("crowd", "team", "couple", "pair", "group"):
            phrase = self._determined(noun(lemma), False)
            if lemma in ("pair", "group", "crowd") or dice.chance(0.2):
                phrase = phrase.right("nmod", with_case(noun(dice.deal(words.PEOPLE[:60]), True), "of"))
            return Actor(phrase, "human", False, "their")
        poss = (
            "their"
            if plural
            else {"men": "his", "women": "her"}.get(group) or dice.pick(["his", "her", "their"])
        )
        phrase = noun(lemma, plural)
        if dice.chance(0.06):
            phrase = phrase.left("compound", noun(dice.pick(words.COMPOUNDS)))
        if dice.chance(0.3):
            phrase = self._qualified(phrase, words.PERSON_ADJECTIVES)
        if dice.chance(0.05) and not plural:
            letter = dice.pick(["A", "B", "C", "1", "2", "3"])
            label = number(letter) if letter.isdigit() else Node(letter, letter, "PROPN", "NNP", SINGULAR)
            phrase = phrase.right("nmod", label)
            phrase = article(phrase, "the") if dice.chance(0.5) else phrase
        else:
            phrase = self._determined(phrase, plural)
        if dice.chance(0.16 if simple else 0.34):
            phrase = self._described(phrase, poss, plural)
        if dice.chance(0.03) and not simple:
            other = self._determined(noun(dice.deal(words.PEOPLE)), False).left("cc", conjunction())
            return Actor(phrase.right("conj", other), "human", True, "their")
        return Actor(phrase, "human", plural, poss)

    def _indefinite(self) -> Actor:
        word = self.dice.pick("someone somebody nobody everyone another both each all others one".split())
        if word in ("someone", "somebody", "nobody", "everyone"):
            kind = {"nobody": "Neg", "everyone": "Tot"}.get(word, "Ind")
            return Actor(
                Node(word, word, "PRON", "NN", f"{SINGULAR}|PronType={kind}"), "human", False, "their"
            )
        if word == "others":
            node = article(Node("others", "other", "NOUN", "NNS", PLURAL), "the")
            return Actor(node, "human", True, "their")
        if word == "one":
            node = number("one").right(
                "nmod", with_case(article(noun(self.dice.deal(words.PEOPLE[:60]), True), "the"), "of")
            )
            return Actor(node, "human", False, "his")
        plural = word in ("both", "all")
        node = Node(word, word, "DET", "DT", "PronType=Ind" if word == "another" else "PronType=Tot")
        if plural and self.dice.chance(0.5):
            them = Node("them", "they", "PRON", "PRP", f"{PLURAL}|Person=3|PronType=Prs")
            node = node.right("nmod", with_case(them, "of"))
        return Actor(node, "human", plural, "their" if plural else "his")

    def _described(self, phrase: Node, poss: str, plural: bool) -> Node:
        """Add clothing, hair or a place to somebody."""
        dice = self.dice
        way = dice.pick(["wearing", "in", "in", "in", "hair", "place", "dressed", "who"])
        if way == "place":
            if dice.chance(0.35):
                side = article(noun(dice.pick(["left", "right"])), "the")
                return phrase.right("nmod", with_case(side, dice.pick(["on", "to"])))
            return phrase.right(
                "nmod", with_case(self.place(), dice.pick(["on", "in", "at", "near", "behind"]))
            )
        if way == "hair":
            hair = noun("hair").left("amod", adjective(dice.pick(words.HAIR)))
            return phrase.right("nmod", with_case(hair, "with"))
        if way == "wearing":
            return phrase.right("acl", verb("wear", "GER").right("obj", self.clothes()))
        if way == "dressed":
            return phrase.right("acl", verb("dress", "PASS").right("obl", with_case(self.clothes(), "in")))
        if way == "who":
            who = Node(dice.pick(["who", "that"]), "who", "PRON", "WP", "PronType=Rel")
            who = Node("that", "that", "PRON", "WDT", "PronType=Rel") if who.form == "that" else who
            clause = verb(dice.pick(["wear", "hold", "carry"]), "VBP" if plural else "VBZ").right(
                "obj", self.clothes()
            )
            return phrase.right("acl:relcl", clause.left("nsubj", who))
        return phrase.right("nmod", with_case(self.clothes(), "in"))

    def clothes(self) -> Node:
        """Return what somebody wears."""
        dice = self.dice
        first = self._garment()
        if dice.chance(0.3):
            first = first.right("conj", self._garment().left("cc", conjunction()))
        return first

    def _garment(self) -> Node:
        dice = self.dice
        if dice.chance(0.15):  # in black
            return adjective(dice.pick(words.COLORS))
        plural = dice.chance(0.3)
        lemma = dice.deal(words.PLURAL_CLOTHES if plural else words.CLOTHES)
        node = Node(lemma, lemma, "NOUN", "NNS", "Number=Ptan") if plural else noun(lemma)
        node = self._colored(node) if dice.chance(0.85) else node
        return node if plural else article(node, dice.pick(["a", "a", "the"]))

    def _colored(self, garment: Node) -> Node:
        dice = self.dice
        if dice.chance(0.25):  # a short-sleeved shirt: three words
            first, second = dice.pick(words.HYPHENATED)
            whole = replace(adjective(second), glued=True)
            hyphen = Node("-", "-", "PUNCT", "HYPH", glued=True)
            return garment.left("amod", whole.left("punct", hyphen).left("amod", adjective(first)))
        color = adjective(dice.pick(words.COLORS) if dice.chance(0.6) else dice.deal(words.THING_ADJECTIVES))
        return garment.left("amod", color)

    def _qualified(self, phrase: Node, adjectives: Sequence[str]) -> Node:
        phrase = phrase.left("amod", adjective(self.dice.deal(adjectives)))
        if self.dice.chance(0.12) and not _ranked(phrase):
            phrase = phrase.left("amod", adjective(self.dice.deal(adjectives)))
        return phrase

    def _determined(self, phrase: Node, plural: bool) -> Node:
        if plural:
            return self._plural_determined(phrase)
        if _ranked(phrase):
            return article(phrase, "the")
        words_ = {"the": 0.5, "a": 0.34, "another": 0.06, "one": 0.04, "this": 0.03, "each": 0.02, "": 0.01}
        word = self.dice.weighted(words_)
        return article(phrase, word) if word else phrase

    def _plural_determined(self, phrase: Node) -> Node:
        word = self.dice.weighted(_PLURAL_DETERMINERS)
        if word == "the two":
            return article(article(phrase, "two"), "the")
        return article(phrase, word) if word else phrase

    def animal(self, simple: bool = False) -> Actor:
        dice = self.dice
        plural = dice.chance(0.25)
        phrase = noun(dice.deal(words.ANIMALS), plural)
        if dice.chance(0.3):
            phrase = self._qualified(phrase, words.THING_ADJECTIVES)
        return Actor(self._determined(phrase, plural), "animal", plural, "their" if plural else "its")

    def vehicle(self, simple: bool = False) -> Actor:
        dice = self.dice
        plural = dice.chance(0.2)
        phrase = noun(dice.deal(words.VEHICLES), plural)
        if dice.chance(0.4):
            phrase = self._qualified(phrase, words.THING_ADJECTIVES)
        return Actor(self._determined(phrase, plural), "vehicle", plural, "their" if plural else "its")

    def thing_actor(self, simple: bool = False) -> Actor:
        if self.dice.chance(0.15):
            node = noun(self.dice.deal(words.MASS))
            node = article(node, "the") if self.dice.chance(0.8) else node
            return Actor(node, "thing", False, "its")
        plural = self.dice.chance(0.25)
        return Actor(self.thing(plural), "thing", plural, "their" if plural else "its")

    def thing(self, plural: bool | None = None) -> Node:
        """Return a phrase for a thing."""
        dice = self.dice
        plural = dice.chance(0.15) if plural is None else plural
        phrase = noun(nonce(dice) if dice.chance(0.05) else dice.deal(words.THINGS), plural)
        if dice.chance(0.1):
            phrase = phrase.left("compound", noun(dice.pick(words.COMPOUNDS)))
        if dice.chance(0.35):
            phrase = self._qualified(phrase, words.THING_ADJECTIVES)
        return self._determined(phrase, plural)

    def place(self) -> Node:
        """Return a phrase for a place."""
        dice = self.dice
        lemma = dice.deal(words.PLACES)
        phrase = noun(lemma) if lemma != "stairs" else Node("stairs", "stair", "NOUN", "NNS", PLURAL)
        if dice.chance(0.2):
            phrase = self._qualified(phrase, words.THING_ADJECTIVES)
        return article(phrase, "the" if _ranked(phrase) or lemma == "stairs" or dice.chance(0.75) else "a")

    def part(self, poss: str, plural: bool | None = None) -> tuple[Node, bool]:
        """Return a phrase for a part of a body, and whether it is plural."""
        dice = self.dice
        if plural is None and dice.chance(0.25):
            common = dice.chance(0.4)  # captions speak of few parts most of the time
            phrase = noun(dice.pick(words.SINGLE_PARTS[:5]) if common else dice.deal(words.SINGLE_PARTS))
            if phrase.lemma in ("body", "torso", "back") and dice.chance(0.4):
                phrase = phrase.left("amod", adjective(dice.pick(["upper", "lower", "whole", "entire"])))
            return self._owned(phrase, poss, False), False
        plural = dice.chance(0.36) if plural is None else plural
        common = dice.chance(0.5)
        phrase = noun(dice.pick(words.PAIRED_PARTS[:12]) if common else dice.deal(words.PAIRED_PARTS), plural)
        if plural:
            if dice.chance(0.3):
                return article(phrase, "both"), True
            if dice.chance(0.1):
                phrase = phrase.left("amod", adjective(dice.deal(words.PART_ADJECTIVES)))
            return self._owned(phrase, poss, True), True
        if dice.chance(0.05):
            return article(phrase, "one"), False
        side = adjective(dice.pick(["left", "right"]))
        phrase = phrase.left(
            "amod", adjective(dice.deal(words.PART_ADJECTIVES)) if dice.chance(0.15) else side
        )
        return self._owned(phrase, poss, False), False

    def _owned(self, phrase: Node, poss: str, plural: bool) -> Node:
        dice = self.dice
        if dice.chance(0.13):
            return article(phrase, "the")
        if dice.chance(0.05):
            owner = article(noun(dice.deal(words.PEOPLE[:100])), "the")
            owner = owner.right("case", Node("'s", "'s", "PART", "POS", glued=True))
            return phrase.left("nmod:poss", owner)
        if dice.chance(0.08 if plural else 0.04):
            return phrase
        return phrase.left("nmod:poss", possessive(poss))

    def part_actor(self, simple: bool = False) -> Actor:
        poss = self.dice.pick(["his", "her", "its", "their", "the"])
        if poss == "the" and not self.dice.chance(0.5):
            phrase, plural = self.part("his", self.dice.chance(0.45))
            owner = article(noun(self.dice.deal(words.PEOPLE)), self.dice.pick(["the", "a"]))
            phrase = Node(phrase.form, phrase.lemma, phrase.upos, phrase.xpos, phrase.feats, False,
                          tuple(pair for pair in phrase.lefts if pair[0] == "amod"))  # fmt: skip
            owner = owner.right("case", Node("'s", "'s", "PART", "POS", glued=True))
            return Actor(phrase.left("nmod:poss", owner), "part", plural, "his")
        poss = "his" if poss == "the" else poss
        phrase, plural = self.part(poss)
        if self.dice.chance(0.06):
            other, _ = self.part(poss)
            return Actor(phrase.right("conj", other.left("cc", conjunction())), "part", True, poss)
        return Actor(phrase, "part", plural, poss)

    def pronoun(self, simple: bool = False) -> Actor:
        word = self.dice.weighted({"he": 0.34, "she": 0.32, "they": 0.22, "it": 0.12})
        poss = {"he": "his", "she": "her", "they": "their", "it": "its"}[word]
        count = PLURAL if word == "they" else SINGULAR
        node = Node(word, word, "PRON", "PRP", f"{count}|Person=3|PronType=Prs")
        return Actor(node, "animal" if word == "it" else "human", word == "they", poss)

    def accusative(self) -> Node:
        """Return a pronoun as an object."""
        word, lemma = self.dice.pick(
            [("him", "he"), ("her", "she"), ("it", "it"), ("them", "they"), ("it", "it")]
        )
        count = PLURAL if word == "them" else SINGULAR
        return Node(word, lemma, "PRON", "PRP", f"{count}|Person=3|PronType=Prs")

    def reflexive(self, poss: str) -> Node:
        word = {"his": "himself", "her": "herself", "its": "itself"}.get(poss, "themselves")
        count = PLURAL if poss == "their" else SINGULAR
        return Node(word, word, "PRON", "PRP", f"{count}|Person=3|PronType=Prs")

    # --- what follows a verb ---

    def direction(self) -> list[Dependent]:
        """Return adverbs of direction."""
        dice = self.dice
        way = dice.weighted(
            {
                "one": 0.5,
                "measured": 0.1,
                "pair": 0.08,
                "side": 0.14,
                "across": 0.07,
                "shape": 0.07,
                "place": 0.04,
            }
        )
        if way == "measured":
            degree = dice.pick("slightly straight further diagonally directly halfway quickly".split())
            return [("advmod", adverb(dice.deal(words.DIRECTIONS)).left("advmod", adverb(degree)))]
        if way == "pair":
            first, second = dice.pick(_TWO_WAYS)
            return [("advmod", adverb(first).right("conj", adverb(second).left("cc", conjunction())))]
        if way == "side":
            return [("obl", self._side())]
        if way == "across":
            return self._across()
        if way == "shape":
            shape = noun(dice.pick("circle arc line zigzag loop curve spiral motion line figure".split()))
            if dice.chance(0.5):
                shape = shape.left(
                    "amod", adjective(dice.pick("wide smooth straight circular small large tight".split()))
                )
            if dice.chance(0.3):
                return [("obl", with_case(noun(dice.pick(["circle", "loop"]), True), "in"))]
            return [("obl", with_case(article(shape, "a"), dice.pick(["in", "in", "along"])))]
        if way == "place":
            return [
                (
                    "obl",
                    with_case(noun("place"), "in")
                    if dice.chance(0.6)
                    else with_case(article(noun("spot"), "the"), "on"),
                )
            ]
        return [("advmod", adverb(dice.deal(words.DIRECTIONS)))]

    def _side(self) -> Node:
        dice = self.dice
        side = dice.pick(["left", "right", "side"])
        owner = dice.weighted({"the": 0.65, "his": 0.15, "her": 0.1, "its": 0.05, "their": 0.05})
        node = noun(side)
        if dice.chance(0.2):
            node = noun("side").left("amod", adjective(dice.pick(["left", "right", "far", "other"])))
        elif dice.chance(0.1) and side != "side":
            node = node.left("amod", adjective(dice.pick(["upper", "lower", "far"])))
        node = article(node, "the") if owner == "the" else node.left("nmod:poss", possessive(owner))
        if dice.chance(0.2):
            node = node.right(
                "nmod",
                with_case(article(noun(dice.pick("frame screen road room court".split())), "the"), "of"),
            )
        return with_case(node, dice.weighted({"to": 0.6, "toward": 0.2, "towards": 0.1, "on": 0.1}))

    def _across(self) -> list[Dependent]:
        dice = self.dice
        first, second = dice.pick(_FROM_TO)
        if first == "one":
            start = noun("side").left("nummod", number("one"))
            end = article(Node("other", "other", "ADJ", "JJ", "Degree=Pos"), "the")
        else:
            start, end = noun(first), noun(second)
            if first != "side" and dice.chance(0.3):
                start, end = article(start, "the"), article(end, "the")
        return [("obl", with_case(start, "from")), ("obl", with_case(end, "to"))]

    def goal(self, poss: str) -> list[Dependent]:
        """Return a phrase of place or goal."""
        dice = self.dice
        way = dice.weighted(_WHERE)
        if way == "slope":
            lemma = dice.deal(words.SLOPES)
            node = noun(lemma, lemma == "stair")
            node = article(node, "the" if lemma == "stair" or dice.chance(0.8) else "a")
            return [("obl", with_case(node, dice.pick(["up", "down"])))]
        if way == "complex":
            return [("obl", with_case(self.place(), " ".join(dice.pick(words.COMPLEX_PREPOSITIONS))))]
        if way == "located":
            case, where = dice.pick(words.LOCATED)
            node = noun(where)
            if where not in ("front", "top"):
                node = article(node, "the")
            target = self.place() if dice.chance(0.6) else self.somebody().phrase
            return [("obl", with_case(node.right("nmod", with_case(target, "of")), case))]
        if way == "away":
            lead = dice.pick(["away", "away", "back", "down", "up", "forward", "over", "out", "off"])
            case = (
                "from" if lead == "away" else dice.pick(["to", "toward", "onto", "into", "from", "through"])
            )
            target = with_case(self.place() if dice.chance(0.6) else self.somebody().phrase, case)
            if lead == "away":
                return [("advmod", adverb(lead).right("obl", target))]
            return [("advmod", adverb(lead)), ("obl", target)]
        if way == "camera":
            target = article(noun(dice.pick(["camera", "camera", "viewer"])), "the")
            if dice.chance(0.3):
                return [("advmod", adverb("away").right("obl", with_case(target, "from")))]
            return [("obl", with_case(target, dice.pick(["toward", "towards", "to", "past"])))]
        if way == "rival":
            target = self.somebody().phrase if dice.chance(0.5) else self.part(poss)[0]
            return [
                (
                    "obl",
                    with_case(
                        target,
                        dice.pick("toward past over behind onto around beside against to between".split()),
                    ),
                )
            ]
        if dice.chance(0.05):
            other = Node("each", "each", "DET", "DT", "PronType=Rcp").right("fixed", adjective("other"))
            return [("obl", with_case(other, dice.pick(["toward", "past", "around", "with", "at"])))]
        node = noun(dice.deal(words.MASS)) if dice.chance(0.08) else self.place()
        return [
            (
                "obl",
                with_case(
                    node, dice.deal(words.GOALS) if dice.chance(0.8) else dice.deal(words.PREPOSITIONS)
                ),
            )
        ]

    def measure(self) -> list[Dependent]:
        """Return how often, how far or how long."""
        dice = self.dice
        way = dice.weighted(
            {"times": 0.42, "twice": 0.14, "degrees": 0.14, "for": 0.1, "few": 0.1, "distance": 0.1}
        )
        if way == "twice":
            word = dice.pick("twice once again repeatedly".split())
            return [("advmod", adverb(word).right("advmod", adverb("more"))) if word == "once" and dice.chance(0.3)
                    else ("advmod", adverb(word))]  # fmt: skip
        if way == "few":
            few = (
                article(noun("time", True).left("amod", adjective("few")), "a")
                if dice.chance(0.6)
                else article(noun("time", True), "several")
            )
            return [("obl:unmarked", few)]
        if way == "degrees":
            return [
                (
                    "obl:unmarked",
                    noun("degree", True).left("nummod", number(dice.pick("90 180 360 45 30 ninety".split()))),
                )
            ]
        if way == "for":
            unit = noun(dice.pick(["second", "moment", "minute"]), True)
            return [("obl", with_case(unit.left("nummod", number(dice.pick(words.NUMBERS))), "for"))]
        if way == "distance":
            unit = noun(dice.pick(["meter", "step", "pace", "centimeter", "foot"]), True)
            return [("obl:unmarked", unit.left("nummod", number(dice.pick(words.NUMBERS))))]
        times = noun("time", True)
        times = times.left("amod", adjective("more")) if dice.chance(0.1) else times
        return [("obl:unmarked", times.left("nummod", number(dice.pick(words.NUMBERS))))]

    def means(self, poss: str) -> list[Dependent]:
        """Return what something is done with, or how."""
        dice = self.dice
        way = dice.pick(["hand", "tool", "motion", "noun"])
        if way == "hand":
            return [
                (
                    "obl",
                    with_case(
                        self.part(poss)[0],
                        dice.pick(["with", "with", "using", "in", "by"]) if dice.chance(0.9) else "on",
                    ),
                )
            ]
        if way == "tool":
            return [("obl", with_case(self.thing(False), "with"))]
        if way == "noun":
            concept = noun(dice.pick(words.CONCEPTS))
            concept = concept.left(
                "amod", adjective(dice.pick("steady slow controlled constant fast straight high".split()))
            )
            return [("obl", with_case(article(concept, "a"), dice.pick(["at", "in", "with"])))]
        return [
            (
                "obl",
                with_case(
                    self.motion_noun(False), dice.pick(["with", "in", "with", "after", "during", "before"])
                ),
            )
        ]

    def motion_noun(self, plural: bool | None = None) -> Node:
        """Return a phrase whose noun could be a verb."""
        dice = self.dice
        plural = dice.chance(0.35) if plural is None else plural
        node = noun(dice.deal(words.MOTION_NOUNS), plural)
        for _ in range(dice.pick([0, 1, 1, 2])):
            node = node.left("amod", adjective(dice.deal(words.MOTION_ADJECTIVES)))
        if plural:
            return article(node, dice.pick(["the", "two", "several", "three", "some"]))
        return article(node, dice.pick(["a", "a", "the", "another", "each"]))


def _ranked(phrase: Node) -> bool:
    """The phrase begins with an adjective that asks for ``the``."""
    return phrase.first in ("other", "same", "first", "second", "third")


def attach(head: Node, dependents: Iterable[Dependent]) -> Node:
    """Put dependents after a word."""
    for label, child in dependents:
        head = head.right(label, child)
    return head
