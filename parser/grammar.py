"""Generates motion sentences with their exact trees, in the analysis that the treebanks give such sentences.

The words are dealt from shuffled decks (every verb comes up), some verbs and nouns are made up, and nouns that look
like verbs occur as nouns, so that the model reads place and ending and not the word alone. What the sentences say
makes no sense, and need not: attachment is learned from their form, and the treebanks teach the rest.

The trees follow the English treebanks (https://universaldependencies.org/en/), as found in EWT: a direction is
``advmod``, a place ``obl``, a count ``obl:unmarked``, a temporal clause ``advcl`` with ``mark`` (``when``: ``advmod``),
a participle after a noun ``acl``, after a comma ``advcl``, in an absolute (``his arms swinging``) ``advcl`` with a
subject of its own. What closes a chain of coordinated verbs hangs on the last of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from parser import words
from parser.actions import Actions
from parser.phrases import (
    Actor,
    Dice,
    Phrases,
    adjective,
    adverb,
    article,
    attach,
    aux,
    be,
    comma,
    conjunction,
    negation,
    noun,
    subordinator,
    verb,
    with_case,
)
from parser.trees import Node, Sentence, linearise

LONGEST = 48
"""Words of the longest sentence: longer ones are dropped."""
_WHEN = {
    "while": 0.2, "as": 0.25, "before": 0.17, "after": 0.14, "until": 0.08, "once": 0.06, "when": 0.07,
    "as soon as": 0.03,
}  # fmt: skip
_OPENINGS = (
    ("begin", "with"), ("open", "with"), ("start", "with"), ("cut", "to"), ("switch", "to"), ("shift", "to"),
    ("end", "with"), ("transition", "to"), ("focus", "on"),
)  # fmt: skip
"""What a scene does with whom it shows."""
_SETTINGS = (
    ("in", "video"), ("in", "background"), ("at", "end"), ("at", "beginning"), ("in", "foreground"), ("in", "clip"),
    ("on", "left"), ("on", "right"), ("at", "same_time"), ("throughout", "scene"), ("in", "frame"), ("from", "left"),
    ("after", "jump"), ("during", "run"), ("on", "stage"),
)  # fmt: skip
"""Phrases that open a sentence."""


def sentences(count: int, seed: int) -> Iterator[Sentence]:
    """Yield as many sentences, always the same for a seed and the same word lists."""
    grammar = Grammar(seed)
    made = 0
    while made < count:
        sentence = grammar.sentence()
        if len(sentence) <= LONGEST:
            made += 1
            yield sentence


class Grammar:
    """Sentences drawn by chance; ``sentence`` returns the next."""

    def __init__(self, seed: int) -> None:
        self.dice = Dice(seed)
        self.phrases = Phrases(self.dice)
        self.actions = Actions(self.phrases)
        self._kinds: dict[Callable[[], Node], float] = {
            self.chained: 0.27, self.adjoined: 0.12, self.temporal: 0.16, self.passive: 0.05, self.existing: 0.05,
            self.absolute: 0.07, self.camera: 0.05, self.described: 0.06, self.negated: 0.04, self.several: 0.08,
            self.nominal: 0.04, self.stated: 0.04, self.subjectless: 0.02, self.modal: 0.02,
        }  # fmt: skip

    def sentence(self) -> Sentence:
        """Return a sentence with its full stop, or, as some captions are, in lower case and without one."""
        root = self.dice.weighted(self._kinds)()
        root = self._lead(root)
        small = self.dice.chance(0.12)
        if not small or self.dice.chance(0.4):
            root = root.right("punct", Node(".", ".", "PUNCT", ".", glued=True))
        return linearise(root, capital=not small)

    def _lead(self, root: Node) -> Node:
        dice = self.dice
        if dice.chance(0.12):
            if dice.chance(0.6):
                root = root.left("punct", comma())
            return root.left("advmod", adverb(dice.deal(words.LEADS)))
        if dice.chance(0.05):
            case, name = dice.pick(_SETTINGS)
            phrase = noun(name) if name != "same_time" else noun("time").left("amod", adjective("same"))
            if dice.chance(0.85):
                root = root.left("punct", comma())
            return root.left("obl", with_case(article(phrase, "the"), case))
        return root

    # --- clauses ---

    def form(self, actor: Actor) -> str:
        """Return a finite form that agrees with the subject, mostly present."""
        if self.dice.chance(0.1):
            return "VBD+" if actor.plural else "VBD"
        return "VBP" if actor.plural else "VBZ"

    def clause(
        self, actor: Actor | None = None, plain: bool = False, links: tuple[int, ...] = (0, 0, 0, 1)
    ) -> Node:
        """Return a clause with its subject; ``links`` are numbers of further verbs, one of which is drawn."""
        actor = actor or self.phrases.actor(simple=self.dice.chance(0.5))
        if self.dice.chance(0.14):
            head = self.actions.action("VBG", actor, plain).left(
                "aux", be(actor.plural, self.dice.chance(0.12))
            )
            form = "VBG"
        elif self.dice.chance(0.02):
            head = self.actions.action("VBN", actor, plain)
            head = head.left("aux", aux("have", "VBP", "have") if actor.plural else aux("has", "VBZ", "have"))
            form = "VBN"
        else:
            form = self.form(actor)
            head = self.actions.action(form, actor, plain)
        return self.linked(head, form, actor, self.dice.pick(links)).left("nsubj", actor.phrase)

    def linked(self, head: Node, form: str, actor: Actor, links: int, tail: Node | None = None) -> Node:
        """Coordinate further verbs of the same subject; ``tail`` goes below the last verb."""
        dice = self.dice
        if not links:
            return head.right("advcl", tail) if tail else head
        bare = dice.chance(0.12)  # no "and" before the last
        for i in range(links):
            last = i == links - 1
            if form in ("VBZ", "VBP") and dice.chance(0.02):
                link = self.actions.passive(actor)
            else:
                link = self.actions.action(form, actor, plain=dice.chance(0.6))
            if last and tail:
                link = link.right("advcl", tail)
            head = head.right("conj", self._joined(link, last and not bare, links > 1))
        return head

    def _joined(self, link: Node, last: bool, listed: bool) -> Node:
        dice = self.dice
        if not last:
            if dice.chance(0.15):
                link = link.left("advmod", adverb(dice.pick(["then", "then", "next", "quickly"])))
            return link.left("punct", comma())
        way = dice.weighted({"and": 0.64, "and then": 0.13, "then": 0.13, "but": 0.04, "and adverb": 0.06})
        if way == "and then":
            link = link.left("advmod", adverb("then"))
        elif way == "and adverb":
            link = link.left(
                "advmod", adverb(dice.pick("finally again immediately eventually simultaneously".split()))
            )
        elif way == "then":
            return link.left("advmod", adverb(dice.pick(["then", "then", "finally"]))).left("punct", comma())
        link = link.left("cc", conjunction("but" if way == "but" else "and"))
        return link.left("punct", comma()) if dice.chance(0.7 if listed else 0.25) else link

    # --- kinds of sentences ---

    def chained(self) -> Node:
        """The man walks to the door, opens it and leaves."""
        return self.clause(links=(0, 0, 1, 1, 1, 2, 2, 3))

    def adjoined(self) -> Node:
        """She leaps forward, kicking her left leg up."""
        dice = self.dice
        actor = self.phrases.actor(simple=dice.chance(0.6))
        adjunct = self.actions.action("VBG", actor, plain=dice.chance(0.7))
        if dice.chance(0.15):
            adjunct = self.linked(adjunct, "VBG", actor, 1)
        shares = {"after": 0.58, "before": 0.16, "by": 0.07, "having": 0.04, "bare": 0.04, "state": 0.11}
        way = dice.weighted(shares)
        if way == "state":
            return self._in_state(actor)
        if way == "having":
            adjunct = self.actions.action("VBN", actor, plain=True).left(
                "aux", Node("having", "have", "AUX", "VBG", "Tense=Pres|VerbForm=Part")
            )
            return self.clause(actor, plain=True).left("advcl", adjunct.right("punct", comma()))
        if way == "before":
            return self.clause(actor, plain=True).left("advcl", adjunct.right("punct", comma()))
        if way == "by":
            adjunct = adjunct.left("mark", subordinator(dice.pick(["by", "by", "without", "instead"])))
            if adjunct.lefts[0][1].form == "instead":
                instead = Node("instead", "instead", "ADV", "RB").right(
                    "fixed", Node("of", "of", "SCONJ", "IN")
                )
                adjunct = replace(adjunct, lefts=(("mark", instead), *adjunct.lefts[1:]))
        elif way == "after":
            adjunct = adjunct.left("punct", comma())
        form = self.form(actor)
        head = self.actions.action(form, actor, plain=True)
        return self.linked(head, form, actor, dice.pick((0, 0, 1, 2)), adjunct).left("nsubj", actor.phrase)

    def _in_state(self, actor: Actor) -> Node:
        """Followed by a dog, he enters. She sings, dressed in white."""
        dice = self.dice
        if dice.chance(0.5):
            lemma = dice.pick(
                "follow follow accompany surround chase lead watch lift push carry hold join".split()
            )
            state = verb(lemma, "PASS").right(
                "obl:agent", with_case(self.phrases.actor(simple=True).phrase, "by")
            )
        elif dice.chance(0.4):
            state = verb("dress", "PASS").right("obl", with_case(self.phrases.clothes(), "in"))
        else:
            lemma = dice.pick(
                "seat position perch cover tie strap stand lean bend arch curl stretch prop bind mount".split()
            )
            state = attach(verb(lemma, "PASS"), self.phrases.goal(actor.poss))
        return self._around(actor, "advcl", state, bare=True)

    def temporal(self) -> Node:
        """Before jumping, she bends her knees. He waves as the car passes."""
        dice = self.dice
        actor = self.phrases.actor(simple=dice.chance(0.6))
        word = dice.weighted(_WHEN)
        if word in ("before", "after", "while", "when") and dice.chance(0.6 if word != "when" else 0.25):
            below = self.actions.action("VBG", actor, plain=True)
            below = self.linked(below, "VBG", actor, 1) if dice.chance(0.15) else below
        else:
            same = actor.kind == "human" and dice.chance(0.35)
            other = self._again(actor) if same else self.phrases.actor(simple=True)
            below = self.clause(other, plain=True, links=(0, 0, 0, 0, 1, 2))
        below = self._marked(below, word)
        if dice.chance(0.38):
            head = self.clause(actor, plain=True, links=(0, 0, 1, 1, 2))
            return head.left("advcl", below.right("punct", comma()) if dice.chance(0.9) else below)
        if dice.chance(0.22):
            below = below.left("punct", comma())
        form = self.form(actor)
        if dice.chance(0.1):
            return self.camera(below)
        head = self.actions.action(form, actor, plain=True)
        return self.linked(head, form, actor, dice.pick((0, 0, 0, 1, 2)), below).left("nsubj", actor.phrase)

    def _again(self, actor: Actor) -> Actor:
        """Return the pronoun that takes up a subject."""
        word = {"his": "he", "her": "she", "its": "it"}.get(actor.poss, "they")
        count = "Number=Plur" if word == "they" else "Number=Sing"
        node = Node(word, word, "PRON", "PRP", f"{count}|Person=3|PronType=Prs")
        return Actor(node, actor.kind, word == "they", actor.poss)

    def _marked(self, below: Node, word: str) -> Node:
        if word == "when":
            return below.left("advmod", Node("when", "when", "ADV", "WRB", "PronType=Int"))
        if word == "as soon as":
            soon = Node("soon", "soon", "ADV", "RB").left("advmod", Node("as", "as", "ADV", "RB"))
            return soon.right("advcl", below.left("mark", subordinator("as")))
        return below.left("mark", subordinator(word))

    def passive(self) -> Node:
        """The ball is thrown up by a boy."""
        actor = self.phrases.actor(simple=True)
        head = self.actions.passive(actor)
        if self.dice.chance(0.3):
            form = "VBP" if actor.plural else "VBZ"
            if self.dice.chance(0.5):
                link = self.actions.passive(actor, finite=False)
            else:
                link = self.actions.action(form, actor, plain=True)
            head = head.right("conj", self._joined(link, True, False))
        if self.dice.chance(0.2):
            head = head.right("advcl", self.actions.action("VBG", actor, plain=True).left("punct", comma()))
        return head.left("nsubj:pass", actor.phrase)

    def existing(self) -> Node:
        """There is a dog running. A man is seen walking. The video shows a boy jumping."""
        dice = self.dice
        actor = dice.pick(
            [self.phrases.human, self.phrases.human, self.phrases.animal, self.phrases.vehicle]
        )(True)
        below = self.actions.action("GER", actor, plain=True)
        below = self.linked(below, "GER", actor, dice.pick((0, 0, 1, 2)))
        way = dice.pick(["there", "seen", "can", "shows", "begins", "fragment"])
        if way == "fragment" and actor.phrase.upos == "NOUN":
            return actor.phrase.right("acl", below)
        if way == "there" or (way in ("shows", "begins", "fragment") and actor.phrase.upos != "NOUN"):
            there = Node("there", "there", "PRON", "EX")
            head = Node(
                "are" if actor.plural else "is",
                "be",
                "VERB",
                "VBP" if actor.plural else "VBZ",
                be(actor.plural).feats,
            )
            return head.right("nsubj", actor.phrase.right("acl", below)).left("expl", there)
        if way in ("shows", "begins"):
            scene = article(noun(dice.deal(words.SCENES)), "the")
            if way == "begins":
                of = dice.pick(_OPENINGS)
                head = verb(of[0], "VBZ").right("obl", with_case(actor.phrase.right("acl", below), of[1]))
            else:
                shown = verb(dice.pick(["show", "show", "feature", "depict", "capture"]), "VBZ")
                head = shown.right("obj", actor.phrase.right("acl", below))
            return head.left("nsubj", scene)
        head = verb(dice.pick(["see", "see", "show", "film", "observe"]), "PASS")
        if way == "can":
            head = head.left("aux:pass", Node("be", "be", "AUX", "VB", "VerbForm=Inf"))
            head = head.left("aux", Node("can", "can", "AUX", "MD", "VerbForm=Fin"))
        else:
            head = head.left("aux:pass", be(actor.plural))
        return head.right("xcomp", below).left("nsubj:pass", actor.phrase)

    def absolute(self) -> Node:
        """He stands still, his arms swinging. With her knees bent, she leans forward."""
        dice = self.dice
        actor = self.phrases.human(simple=True)
        owner = actor.poss
        phrase, plural = self.phrases.part(owner)
        part = Actor(phrase, "part", plural, owner)
        way = dice.weighted({"active": 0.4, "passive": 0.35, "adjective": 0.1, "place": 0.15})
        if way == "active":
            if dice.chance(0.3):
                part = self.phrases.actor(simple=True)
                part = part if part.phrase.upos == "NOUN" else self.phrases.animal()
                phrase = part.phrase
            below = self.actions.action("VBG", part, plain=True).left("nsubj", phrase)
        elif way == "passive":
            lemma = dice.deal(words.PART)
            below = verb(lemma, "PASS")
            if dice.chance(0.6):
                below = attach(
                    below, self.phrases.direction() if dice.chance(0.6) else self.phrases.goal(owner)
                )
            below = (
                below.left("advmod", adverb(dice.pick(["slightly", "fully", "firmly", "still"])))
                if dice.chance(0.2)
                else below
            )
            below = below.left("nsubj:pass", phrase)
        elif way == "adjective":
            below = adjective(
                dice.pick("straight apart wide together parallel flat open high low still upright".split())
            )
            below = below.left("nsubj", phrase)
        else:
            where = with_case(self.phrases.part(owner)[0], dice.pick(["on", "behind", "at", "in", "above"]))
            tail = with_case(phrase.right("nmod", where), "with")
            return self._around(actor, "obl", tail)
        below = below.left("mark", subordinator("with")) if dice.chance(0.55) else below
        marked = below.lefts[0][0] == "mark"
        return self._around(actor, "advcl", below, bare=not marked)

    def _around(self, actor: Actor, label: str, tail: Node, bare: bool = False) -> Node:
        """Put a phrase after a clause, or before it."""
        if self.dice.chance(0.25):
            return self.clause(actor, plain=True).left(label, tail.right("punct", comma()))
        if bare or self.dice.chance(0.4):
            tail = tail.left("punct", comma())
        return self.clause(actor, plain=True, links=(0,)).right(label, tail)

    def camera(self, below: Node | None = None) -> Node:
        """The camera pans left, following the runner as he turns."""
        dice = self.dice
        subject = article(
            noun(dice.pick("camera camera camera shot view footage scene video".split())), "the"
        )
        lemma = dice.pick(
            "follow pan shake zoom tilt move cut switch shift track rotate pull tilt roll circle stay remain".split()
        )
        head = verb(lemma, "VBZ")
        actor = self.phrases.human(simple=True)
        target = actor.phrase
        if below is None and dice.chance(0.35):
            target = target.right("acl", self.actions.action("GER", actor, plain=True))
        if lemma in ("follow", "track", "circle"):
            head = head.right("obj", target)
        elif lemma in ("cut", "switch", "shift"):
            head = head.right("obl", with_case(target, "to"))
        elif lemma in ("stay", "remain"):
            head = head.right("xcomp", adjective(dice.pick(["still", "static", "steady"])))
        else:
            ways = (
                "left right up down upward downward in out around back slightly slowly closer forward".split()
            )
            head = (
                head.right("advmod", adverb(dice.pick(ways)))
                if dice.chance(0.6)
                else attach(head, self.phrases.direction())
            )
        if below is not None:
            head = head.right("advcl", below)
        elif dice.chance(0.25):
            follow = verb(dice.pick(["follow", "show", "reveal", "keep", "capture"]), "VBG")
            head = head.right(
                "advcl", follow.right("obj", self.phrases.somebody().phrase).left("punct", comma())
            )
        elif dice.chance(0.25):
            other = self.clause(plain=True)
            return head.left("nsubj", subject).right(
                "conj", other.left("cc", conjunction()).left("punct", comma())
            )
        return head.left("nsubj", subject)

    def described(self) -> Node:
        """The woman who was dancing stops. A boy chased by a dog falls. The man holding the rope pulls it."""
        dice = self.dice
        actor = dice.pick(
            [
                self.phrases.human,
                self.phrases.human,
                self.phrases.animal,
                self.phrases.thing_actor,
                self.phrases.vehicle,
            ]
        )(True)
        way = dice.pick(["who", "who", "participle", "passive"])
        if actor.phrase.upos != "NOUN":
            way = "participle"
        if way == "who":
            plain = actor.kind == "human" and dice.chance(0.65)
            who = Node("who", "who", "PRON", "WP", "PronType=Rel")
            if not plain:
                word = dice.pick(["that", "which"])
                who = Node(word, word, "PRON", "WDT", "PronType=Rel")
            if dice.chance(0.15):
                below = self.actions.passive(actor).left("nsubj:pass", who)
            elif dice.chance(0.12):
                below = self.actions.action("VBG", actor, plain=True).left(
                    "aux", Node("been", "be", "AUX", "VBN", "Tense=Past|VerbForm=Part")
                )
                below = below.left(
                    "aux", aux("have", "VBP", "have") if actor.plural else aux("has", "VBZ", "have")
                ).left("nsubj", who)
            else:
                fixed = Actor(who, actor.kind, actor.plural, actor.poss)
                below = self.clause(fixed, plain=True)
            if who.form == "which" or dice.chance(0.35):
                below = below.left("punct", comma()).right("punct", comma())
            label = "acl:relcl"
        elif way == "passive":
            below, label = self.actions.passive(actor, finite=False), "acl"
        else:
            below, label = self.actions.action("GER", actor, plain=True), "acl"
        if label == "acl" and dice.chance(0.3):  # as an object, at the end
            subject = self.phrases.somebody()
            head = verb(dice.deal(words.PERSONAL), self.form(subject))
            return head.right("obj", actor.phrase.right(label, below)).left("nsubj", subject.phrase)
        if label == "acl" and dice.chance(0.2):
            below = below.left("punct", comma()).right("punct", comma())
        phrase = actor.phrase.right(label, below)
        whole = Actor(phrase, actor.kind, actor.plural, actor.poss)
        return self.clause(whole, plain=True)

    def negated(self) -> Node:
        """The dog does not move. She never stops. Neither turns around without looking."""
        dice = self.dice
        actor = self.phrases.actor(simple=True)
        if dice.chance(0.2):
            head = self.actions.action(self.form(actor), actor, plain=True)
            return head.left(
                "advmod", adverb(dice.pick(["never", "no_longer", "hardly"]).replace("no_longer", "barely"))
            ).left("nsubj", actor.phrase)
        if dice.chance(0.15):
            head = (
                self.actions.action("VBG", actor, plain=True)
                .left("advmod", negation())
                .left("aux", be(actor.plural))
            )
            return head.left("nsubj", actor.phrase)
        if dice.chance(0.12):
            nobody = article(noun(dice.pick(["man", "person", "car", "animal", "player"])), "no")
            return self.clause(Actor(nobody, "human", False, "his"), plain=True)
        head = self.actions.action("VB", actor, plain=True)
        short = dice.chance(0.35)
        head = head.left("advmod", Node("n't", "not", "PART", "RB", glued=True) if short else negation())
        if dice.chance(0.2):
            head = head.left("aux", Node("did", "do", "AUX", "VBD", be(actor.plural, past=True).feats))
        else:
            head = head.left("aux", aux("do", "VBP", "do") if actor.plural else aux("does", "VBZ", "do"))
        if dice.chance(0.3):
            link = self.actions.action("VBP" if actor.plural else "VBZ", actor, plain=True).left(
                "cc", conjunction("but")
            )
            head = head.right("conj", link.left("punct", comma()) if dice.chance(0.5) else link)
        return head.left("nsubj", actor.phrase)

    def several(self) -> Node:
        """His left knee bends, both arms rise, and the torso leans forward."""
        dice = self.dice
        first = self.clause(plain=dice.chance(0.7))
        links = dice.pick((1, 1, 1, 2, 2, 3))
        for i in range(links):
            link = self.clause(plain=True, links=(0, 0, 0, 1))
            last = i == links - 1
            way = (
                dice.weighted({"and": 0.6, "while": 0.14, "comma": 0.14, ";": 0.06, "then": 0.06})
                if last
                else "comma"
            )
            if way == "while":
                first = first.right("advcl", link.left("mark", subordinator("while")).left("punct", comma()))
            elif way == ";":
                mark = Node(";", ";", "PUNCT", ":", glued=True)
                first = first.right("parataxis", link.left("punct", mark))
            elif way == "comma":
                first = first.right("conj", link.left("punct", comma()))
            elif way == "then":
                first = first.right("conj", link.left("advmod", adverb("then")).left("punct", comma()))
            else:
                link = link.left("cc", conjunction("and" if dice.chance(0.9) else "but"))
                first = first.right("conj", link.left("punct", comma()) if dice.chance(0.7) else link)
        return first

    def nominal(self) -> Node:
        """The jump ends in a roll. Her swings are wide. Nouns that could be verbs, where they are nouns."""
        dice = self.dice
        subject = self.phrases.motion_noun()
        plural = subject.xpos == "NNS"
        if dice.chance(0.4):
            quality = adjective(
                dice.pick("wide fast slow smooth short powerful strong clear high long".split())
            )
            return quality.left("cop", be(plural)).left("nsubj", subject)
        head = verb(
            dice.pick(["end", "begin", "follow", "start", "continue", "last", "finish", "look"]),
            "VBP" if plural else "VBZ",
        )
        if head.lemma in ("end", "begin", "start", "finish", "continue"):
            head = head.right(
                "obl",
                with_case(self.phrases.motion_noun(False), dice.pick(["in", "with", "after", "during"])),
            )
        elif head.lemma == "look":
            head = head.right("xcomp", adjective(dice.pick(["fast", "smooth", "slow", "easy"])))
        return head.left("nsubj", subject)

    def stated(self) -> Node:
        """The man is next to a car. Her arms are extended to the sides."""
        dice = self.dice
        actor = self.phrases.actor(simple=True)
        way = dice.pick(["adjective", "participle", "place", "place"])
        if way == "adjective":
            head = adjective(
                dice.pick(
                    "still tall bent straight ready visible upright motionless open wide visible parallel".split()
                )
            )
            return head.left("cop", be(actor.plural, dice.chance(0.1))).left("nsubj", actor.phrase)
        if way == "participle":
            return self.actions.passive(actor).left("nsubj:pass", actor.phrase)
        place = with_case(
            self.phrases.place(), dice.pick(["in", "on", "at", "near", "next to", "behind", "under"])
        )
        return place.left("cop", be(actor.plural)).left("nsubj", actor.phrase)

    def subjectless(self) -> Node:
        """Walks forward and turns left. Turning around, stepping back."""
        form = self.dice.pick(["VBZ", "VBZ", "VBG"])
        actor = self.phrases.human(simple=True)
        return self.linked(self.actions.action(form, actor), form, actor, self.dice.pick((0, 1, 1, 2, 3)))

    def modal(self) -> Node:
        """The player is about to jump. She may fall. He prepares to throw."""
        dice = self.dice
        actor = self.phrases.actor(simple=True)
        way = dice.pick(["about", "modal", "ready", "as if", "purpose"])
        if way == "about":
            head = Node("about", "about", "ADJ", "JJ", "Degree=Pos").right(
                "xcomp", self.actions.infinitive(actor)
            )
            return head.left("cop", be(actor.plural)).left("nsubj", actor.phrase)
        if way == "ready":
            head = adjective(dice.pick(["ready", "able", "unable"])).right(
                "xcomp", self.actions.infinitive(actor)
            )
            return head.left("cop", be(actor.plural)).left("nsubj", actor.phrase)
        if way == "as if":
            below = (
                self.actions.infinitive(actor)
                .left("mark", subordinator("if"))
                .left("mark", subordinator("as"))
            )
            return self.clause(actor, plain=True).right("advcl", below)
        if way == "purpose":
            below = self.actions.infinitive(actor)
            order = Node("in", "in", "ADP", "IN").right("fixed", noun("order")) if dice.chance(0.2) else None
            below = below.left("mark", order) if order else below.right("punct", comma())
            if order:
                return self.clause(actor, plain=True).right("advcl", below)
            return self.clause(actor, plain=True).left("advcl", below)
        head = self.actions.action("VB", actor, plain=True)
        head = head.left(
            "aux",
            Node(
                word := dice.pick("may can will could might must".split()), word, "AUX", "MD", "VerbForm=Fin"
            ),
        )
        return head.left("nsubj", actor.phrase)


__all__ = ["Grammar", "sentences"]
