"""Which words of a sentence are verbs: asked of the rules and of the tree, and who is believed where they differ."""

from __future__ import annotations

from itertools import takewhile

from kinescribe.language import lexicon as lex
from kinescribe.language.tokens import BOUNDARIES, NOUN_PHRASE, Token

_PLURALS = frozenset(["people", "men", "women", "children", "feet", "they", "both", "others"])
_ORDINALS = frozenset(["first", "second", "third", "other", "former", "latter"])
_CAUSATIVES = frozenset(["make", "let", "help", "watch", "see"])
_OPEN = {"ADJ": "ADJ", "ADV": "ADV", "SCONJ": "SUB", "INTJ": "ADV"}
"""What the tree may say of a word that no list holds; all else is a noun."""


_SEVERAL = frozenset(["they", "we", "you", "i", "both", "all", "some", "others"])
_SAME = frozenset(["spread", "set", "put", "cut", "shut", "split"])
"""Participles that look like the plural's verb."""
_PRESENT = frozenset(["is", "are", "has", "have", "does", "do"])


class Verbs:
    """Finds the verbs of one sentence from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.finite = False
        """Whether the clause so far has its finite verb."""
        self.kinds: set[str] = set()
        """Kinds of all verbs so far."""
        self.last_kind = ""
        """Kind of the last verb: what a coordinated verb must agree with."""
        self.subject_open = False
        """Whether a relative clause interrupts a main clause that still lacks its verb."""
        self.causative = False

    def find(self) -> None:
        for i, token in enumerate(self.tokens):
            if token.tag in BOUNDARIES:
                self._boundary(token)
            elif token.tag in ("AUX", "MODAL"):
                self.finite = True
                self.kinds.add("third")
            elif token.tag in ("", "ADJ") or token.tag == "ADV" and token.seen is not None:
                own = self._form(i) if token.tag != "ADV" else None
                form = self._believed(i, own)
                if form is not None:
                    token.tag, token.form = "VERB", form
                    if i and self.tokens[i - 1].tag == "ADJ" and form.kind == "third":
                        self.tokens[i - 1].tag = "NOUN"
                    self._note(form)
                elif token.tag == "":
                    inside = i > 0 and self.tokens[i - 1].tag in ("DET", "POSS", "POSN", "ADJ")
                    after = self.tokens[i + 1] if i + 1 < len(self.tokens) else None
                    ends = after is None or after.tag not in ("", "NOUN", "ADJ") or after.seen is not None
                    token.tag = "NOUN" if inside and ends else _OPEN.get(token.pos, "NOUN")

    def _believed(self, i: int, own: lex.Form | None) -> lex.Form | None:
        """Return how a word is read as a verb, given how the rules read it; None for no verb."""
        token = self.tokens[i]
        if not token.pos:
            return own
        if own is not None:
            guessed = token.low not in lex.FORMS and token.pos in ("NOUN", "PROPN")
            if guessed and own.kind in ("third", "base") and not self._predicate(i):
                return None
            if self._subject_ahead(i) and own.kind in ("third", "base"):
                return None  # "the hazard lights of the car start"
            if own.kind == "base" and token.low in lex.BODY_PARTS and not self._child(i, "obj"):
                return None  # "palm up"
            if own.kind == "participle" and self._told(i):
                return lex.Form(own.lemma, "past")
            participle = own.kind == "past" and (self._describes(i) or self._against_tense(i))
            participle = participle or own.kind == "base" and token.low in _SAME and self._posed(i)
            return lex.Form(own.lemma, "participle") if participle else own
        if token.seen is not None and self._can_be_verb(i):
            late = token.seen.kind == "past" and self._against_tense(i)
            if token.seen.kind == "participle" and self._told(i):
                return lex.Form(token.seen.lemma, "past")
            return lex.Form(token.seen.lemma, "participle") if late else token.seen
        if token.seen is not None:
            return None
        return self._noun_with_subject(i)

    def _present(self) -> bool:
        """Whether the sentence is told in the present."""
        return any(t.low in _PRESENT or t.seen is not None and t.seen.kind == "third" for t in self.tokens)

    def _against_tense(self, i: int) -> bool:
        """Whether an -ed word after a noun stands among verbs in the present: "he bows, arms stretched overhead"."""
        before = self._previous(i)
        comma = before is not None and before.low == "," and i >= 2
        before = self.tokens[self.tokens.index(before) - 1] if comma and before is not None else before
        return before is not None and before.tag == "NOUN" and self._present()

    def _posed(self, i: int) -> bool:
        """Whether "spread" and its like tell how something is held: "the hands part, fingers spread wide"."""
        tags = [t.tag for t in self.tokens[:i]]
        last = max((n for n, tag in enumerate(tags) if tag in ("PUNCT", "PREP")), default=-1)
        links = last >= 0 and self.tokens[last].low in (",", "with")
        phrase = all(tag in NOUN_PHRASE for tag in tags[last + 1 :]) and last + 1 < i
        return links and phrase and self._against_tense(i) and not self._child(i, "obj")

    def _told(self, i: int) -> bool:
        """Whether an -ed word is a past tense: the tree says so or gives it a subject, and no helper or present is near."""
        token, before = self.tokens[i], self._previous(i)
        if token.seen is None or before is not None and before.tag == "AUX" or self._against_tense(i):
            return False
        return not self._present() and (token.seen.kind == "past" or self._child(i, "nsubj"))

    def _describes(self, i: int) -> bool:
        """Whether an -ed word is a participle: the tree says so, and it hangs on a noun or the text is told in the present."""
        token = self.tokens[i]
        if token.seen is None or token.seen.kind != "participle" or not self._finite_elsewhere(i):
            return False
        hangs = token.relation.split(":")[0] in ("acl", "amod") or self._child(i, "nsubj:pass")
        return hangs or any(t.seen is not None and t.seen.kind == "third" for t in self.tokens)

    def _finite_elsewhere(self, i: int) -> bool:
        """Whether another verb can be the sentence's; where none can, "the bear headed to the bridge" is one itself."""
        for n, token in enumerate(self.tokens):
            kind = token.seen.kind if token.seen is not None else ""
            finite = kind == "third" or kind in ("base", "past") and self._child(n, "nsubj")
            if n != i and (finite or token.tag in ("AUX", "MODAL")):
                return True
        return False

    def _subject_ahead(self, i: int) -> bool:
        """Whether the tree makes a word the subject of a verb further on."""
        token = self.tokens[i]
        ahead = token.head > i + 1 and self.tokens[token.head].seen is not None
        ahead = ahead and not any(t.tag == "PUNCT" for t in self.tokens[i : token.head])
        following = self.tokens[i + 1].tag if i + 1 < len(self.tokens) else ""
        alone = following in ("PREP", "PUNCT", "ADV", "REL", "CC")  # what takes an object is a verb after all
        return token.pos == "NOUN" and token.relation.startswith("nsubj") and ahead and alone

    def _can_be_verb(self, i: int) -> bool:
        """Whether the tree's verb may stand here: no part of a noun phrase, nor right behind a verb."""
        before = self.tokens[i - 1].tag if i else ""
        token = self.tokens[i]
        if before == "VERB" and self.subject_open:
            return True  # "a person who was sitting gets up"
        if (
            before == "ADJ"
            and token.seen is not None
            and token.seen.kind == "third"
            and token.relation != "amod"
        ):
            return not self.finite  # "the drum major lowers": what stands before it is its subject
        if token.relation in ("amod", "compound") or before in ("DET", "POSS", "POSN", "ADJ", "VERB"):
            return False
        if token.low in lex.BODY_PARTS and before in ("TO", "PREP"):
            return False  # "to hip height"
        if before == "PRON" and self.causative:
            return True  # "makes it yaw"
        bare = token.seen is not None and token.seen.kind == "base"  # most nouns look like one
        if bare and before == "PREP":
            return False
        return not bare or before in ("TO", "MODAL") or token.relation == "conj" or self._child(i, "nsubj")

    def _predicate(self, i: int) -> bool:
        """Whether the tree gives a word that it calls a noun a subject, and no "is": then it is a verb after all."""
        following = (
            self.tokens[i + 2].low if i + 2 < len(self.tokens) and self.tokens[i + 1].tag == "CC" else ""
        )
        if any(form.kind == "third" for form in lex.FORMS.get(following, ())) and not self.finite:
            return True  # "the rider signs and gives it back"
        if self._child(i, "nsubj") and not self._child(i, "cop"):
            return True
        before = self.tokens[i - 1] if i else None
        low = self.tokens[i].low
        third = (
            before is not None and before.tag == "NOUN" and low.endswith("s") and not before.low.endswith("s")
        )
        return third and lex.is_verb(lex.verb_lemma(low)) and not self.finite and not self._finite_near(i)

    def _finite_near(self, i: int) -> bool:
        """Whether another word of the clause can be its finite verb: "the pirate thrusts at him" has none but one."""
        for side in (self.tokens[i - 1 :: -1] if i else [], self.tokens[i + 1 :]):
            for token in takewhile(lambda t: t.tag not in BOUNDARIES, side):
                seen = token.seen is not None and token.seen.kind in ("third", "past")
                if seen or token.tag in ("AUX", "MODAL"):
                    return True
        return False

    def _noun_with_subject(self, i: int) -> lex.Form | None:
        token = self.tokens[i]
        before = self.tokens[i - 1].tag if i else "DET"
        if (
            token.pos not in ("NOUN", "PROPN", "ADJ")
            or before in ("DET", "POSS", "POSN", "VERB")
            or not self._predicate(i)
        ):
            return None
        finite = [form for form in lex.readings(token.low) if form.kind in ("third", "base")]
        return finite[0] if finite else lex.Form(token.low, "base") if lex.is_verb(token.low) else None

    def _child(self, i: int, relation: str) -> bool:
        return any(t.head == i and t.relation == relation and t is not self.tokens[i] for t in self.tokens)

    def _boundary(self, token: Token) -> None:
        if token.tag == "REL":
            self.subject_open = self.subject_open or not self.finite
        self.finite = False

    def _note(self, form: lex.Form) -> None:
        if form.kind in ("third", "past", "base"):
            if self.finite:
                self.subject_open = False
            self.finite = True
        self.last_kind = form.kind
        self.kinds.add(form.kind)
        self.causative = form.lemma in _CAUSATIVES

    def _form(self, i: int) -> lex.Form | None:
        low = self.tokens[i].low
        if self._cut_off(i):
            return lex.Form(lex.verb_lemma(low), "participle")
        if self.tokens[i].tag == "ADJ" and low != "open":
            return None
        if self._hands_over(i):
            return lex.Form("hand", "third")
        options = {form.kind: form for form in lex.readings(low)}
        if not options or low in lex.NOT_VERBS:
            return None
        direct = self.tokens[i - 1].tag if i else "START"
        colour = direct == "ADJ" and i > 1 and self.tokens[i - 2].tag == "PREP"  # "the one in blue shoots"
        if (
            direct in ("DET", "POSS", "POSN", "ADJ")
            and not colour
            and not self._after_ordinal(i)
            or direct == "NUM"
            and not self._names(i - 1)
        ):
            return None
        previous = self._previous(i)
        for rule in (self._after_helper, self._third, self._gerund, self._base, self._past):
            form = rule(i, options, previous)
            if form is not None:
                return form
        return None

    def _cut_off(self, i: int) -> bool:
        """Whether a sentence begins with a passive participle: "Cut off by a defender, she stops"."""
        if i:
            return False
        participle = any(form.kind == "participle" for form in lex.readings(self.tokens[i].low))
        comma = next((n for n, t in enumerate(self.tokens) if t.low == ","), 0)
        return participle and any(t.low == "by" for t in self.tokens[:comma])

    def _after_ordinal(self, i: int) -> bool:
        """Whether "the first", "the other" is the subject of a word: "the other walks around"."""
        alone = i >= 2 and self.tokens[i - 1].low in _ORDINALS and self.tokens[i - 2].low == "the"
        third = any(form.kind == "third" for form in lex.FORMS.get(self.tokens[i].low, ()))
        return alone and third and self._opens_complement(i, strict=False)

    def _hands_over(self, i: int) -> bool:
        """Whether "hands" is what somebody does: "hands over a book"."""
        if self.tokens[i].low != "hands":
            return False
        after = [t.low for t in self.tokens[i + 1 : i + 3]]
        free = i > 0 and self.tokens[i - 1].tag in ("NOUN", "PRON", "CC", "PUNCT", "ADJ", "ADV")
        given = lex.DETERMINERS | lex.POSSESSIVES | lex.OBJECT_PRONOUNS
        gives = after and (after[-1] in given if after[0] in ("over", "out", "off") else after[0] in given)
        return free and bool(gives) and not self.finite

    def _names(self, i: int) -> bool:
        """Whether a number belongs to a name ("person 1") instead of counting what follows."""
        return i > 0 and self.tokens[i - 1].tag == "NOUN"

    def _previous(self, i: int) -> Token | None:
        for token in reversed(self.tokens[:i]):
            if token.tag not in ("ADV", "NEG") and token.low != "both":
                return token
        return None

    def _after_helper(self, i: int, options: dict[str, lex.Form], previous: Token | None) -> lex.Form | None:
        if previous is None:
            return None
        if previous.tag in ("TO", "MODAL") or previous.tag == "AUX" and previous.low in lex.DO:
            return options.get("base")
        if previous.low in lex.GET and previous.tag in ("VERB", "AUX") and "participle" in options:
            previous.tag, previous.form = "AUX", None  # "gets tossed"
            return options["participle"]
        if previous.tag == "AUX" and previous.low in lex.BE:
            return options.get("gerund") or options.get("participle")
        if previous.tag == "AUX":
            return options.get("participle") or options.get("past")
        return None

    def _third(self, i: int, options: dict[str, lex.Form], previous: Token | None) -> lex.Form | None:
        form = options.get("third")
        if form is None:
            return None
        known = self.tokens[i].low in lex.FORMS
        if i + 1 < len(self.tokens) and self.tokens[i + 1].tag in ("AUX", "MODAL"):
            return None  # "several plants can be seen"
        if previous is None or previous.tag in ("REL", "PRON"):
            return form if known or previous is not None else None
        if previous.tag in ("NOUN", "NUM", "ADJ"):
            free = not self.finite or self.subject_open
            return form if free and (known or self._opens_complement(i, strict=False)) else None
        if previous.tag in ("PUNCT", "CC"):
            agrees = self.last_kind in ("third", "gerund", "participle", "") or "third" in self.kinds
            return form if agrees and (known or self._opens_complement(i, strict=True)) else None
        return None

    def _opens_complement(self, i: int, strict: bool) -> bool:
        """Whether what follows can follow a verb."""
        if i + 1 == len(self.tokens):
            return not strict
        tag, low = self.tokens[i + 1].tag, self.tokens[i + 1].low
        if strict:
            return tag in ("DET", "POSS", "ADV") or low in lex.PARTICLES
        return tag not in ("", "NOUN", "AUX", "MODAL")

    def _gerund(self, i: int, options: dict[str, lex.Form], previous: Token | None) -> lex.Form | None:
        token = self.tokens[i]
        following = self.tokens[i + 1].tag if i + 1 < len(self.tokens) else ""
        if token.relation in ("amod", "compound") and following in ("", "NOUN") or token.relation == "nsubj":
            return None  # "alternating arms"
        before = self.tokens[i - 1].tag if i else ""
        if token.pos == "NOUN" and before in ("NOUN", "ADJ") and token.relation in ("obj", "obl", "nmod"):
            return None  # "the zebra crossing"
        return options.get("gerund")

    def _base(self, i: int, options: dict[str, lex.Form], previous: Token | None) -> lex.Form | None:
        form = options.get("base")
        if form is not None and self._commands(i):
            return form
        if form is None or previous is None or self.tokens[i].low not in lex.FORMS:
            return None
        if previous.tag in ("PUNCT", "CC"):
            return form if self.last_kind == "base" and not self.finite else None
        if self.finite and not self.causative:
            return None
        if previous.tag == "PRON":
            plural = previous.low in _SEVERAL or self.causative
            return form if plural else None
        if previous.tag == "NOUN":
            return form if self._plural(previous, i) or self.causative else None
        if previous.tag == "NUM" and self.tokens[max(0, i - 2)].tag == "DET":
            return form  # "the two collide"
        return None

    def _commands(self, i: int) -> bool:
        """Whether a sentence begins with a verb: "Lift your knee", "(2) kick forward"."""
        before = self.tokens[i - 1] if i else None
        starts = (
            before is None
            or before.low in ("1", ")", ".", "-", "•", ":", "*")
            or before.tag == "NUM"
            and i == 1
        )
        following = self.tokens[i + 1] if i + 1 < len(self.tokens) else None
        opens = following is not None and following.tag in ("DET", "POSS", "ADV", "PREP", "PRON", "NUM")
        return starts and opens

    def _plural(self, noun: Token, i: int) -> bool:
        low = noun.low
        if low in _PLURALS or low.endswith("s") and not low.endswith(("ss", "us")):
            return True
        before = self.tokens[: self.tokens.index(noun)]
        joined = [n for n, t in enumerate(before) if t.tag in ("CC", "VERB", "AUX")]
        return (
            bool(joined)
            and before[joined[-1]].low == "and"
            and before[joined[-1] - 1].tag in ("NOUN", "PRON")
        )

    def _past(self, i: int, options: dict[str, lex.Form], previous: Token | None) -> lex.Form | None:
        form = options.get("past")
        if form is None or previous is None:
            return None
        if self.tokens[i].low.endswith("by"):
            return None
        follows_by = i + 1 < len(self.tokens) and self.tokens[i + 1].low == "by"
        if previous.tag in ("PRON", "REL"):
            return None if self.finite else form
        if previous.tag in ("NOUN", "NUM"):
            if follows_by:
                return options.get("participle") or form
            return form if not self.finite and not self._finite_ahead(i) else None
        if previous.tag in ("PUNCT", "CC"):
            if self.last_kind == "participle" and "participle" in options:
                return options["participle"]
            return form if self.last_kind == "past" else None
        return None

    def _finite_ahead(self, i: int) -> bool:
        """Whether the clause goes on to a finite verb, so that an -ed word before it is a participle."""
        for token in self.tokens[i + 1 :]:
            if token.tag in ("CC", "SUB", "REL") or token.low == ";":
                return False
            kinds = {form.kind for form in lex.FORMS.get(token.low, ())}
            if token.tag in ("AUX", "MODAL") or "third" in kinds and token.low not in lex.NOT_VERBS:
                return True
        return False
