"""From text to tokens with a part of speech: by closed classes, verb forms and place, and by a parser's tree.

Closed classes are decided by lists. Whether a word of an open class is a verb is asked twice, of the rules and of the
tree, and ``_Verbs`` says who is believed where they differ.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from kinescribe.language import lexicon as lex
from kinescribe.language.syntax import Tree

BOUNDARIES = ("PUNCT", "CC", "SUB", "REL")
"""Tags after which another clause may begin."""
NOUN_PHRASE = ("DET", "POSS", "POSN", "NUM", "ADJ", "NOUN")
LONGEST = 1200
"""Characters of the longest sentence that is read as one: half as much again as the longest of 18,000 sentences of human captions."""
_PLURALS = frozenset(["people", "men", "women", "children", "feet", "they", "both", "others"])
_ORDINALS = frozenset(["first", "second", "third", "other", "former", "latter"])
_CAUSATIVES = frozenset(["make", "let", "help", "watch", "see"])


@dataclass(slots=True)
class Token:
    """A word or mark; offsets count from the start of the whole text."""

    text: str
    start: int
    end: int
    tag: str = ""
    form: lex.Form | None = None
    seen: lex.Form | None = None
    """How the tree reads it as a verb."""
    pos: str = ""
    """The tree's part of speech; empty without one."""
    head: int = -1
    """The token it depends on in the tree; its own index if on none, -1 without a tree."""
    relation: str = ""
    agent: int = -1
    """The token that acts, where a parser says so itself; -1 if not."""
    patient: int = -1

    low: str = field(init=False)
    """Lower case."""

    def __post_init__(self) -> None:
        self.low = self.text.lower().replace("’", "'")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the character offsets of the sentences; a point inside a number ends none.

    What has no end within ``LONGEST`` characters is cut at a comma or a blank, so that time grows with the text's length.
    """
    for found in re.finditer(r"(?:[^.!?\n]+|\.(?=\d))+[.!?]*", text):
        start, end = found.span()
        while end - start > LONGEST:
            cut = max(text.rfind(mark, start + LONGEST // 2, start + LONGEST) for mark in (", ", "; "))
            cut = cut if cut > 0 else text.rfind(" ", start + 1, start + LONGEST)
            cut = cut + 1 if cut > 0 else start + LONGEST
            yield from _trimmed(text, start, cut)
            start = cut
        yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    words = text[start:end]
    if words.strip():
        start += len(words) - len(words.lstrip())
        yield start, start + len(words.strip())


def tokenize(text: str, offset: int = 0) -> list[Token]:
    """Split into words, numbers and marks; ``n't`` and the ``'s`` of "she's" are words of their own."""
    tokens: list[Token] = []
    for found in _WORD.finditer(text):
        word, start, end = found.group(), found.start() + offset, found.end() + offset
        cut = _contraction(word) if "'" in word or "’" in word else 0
        if 0 < cut < len(word):
            tokens.append(Token(word[:-cut], start, end - cut))
            tokens.append(Token(word[-cut:], end - cut, end))
        else:
            tokens.append(Token(word, start, end))
    return tokens


_WORD = re.compile(r"[A-Za-zÀ-ÿ]+(?:[-'’][A-Za-zÀ-ÿ]+)*(?:_\d+)?|\d+|[^\w\s]")


def _contraction(word: str) -> int:
    """Return how many characters of a word are another word: ``n't``, or the ``'s`` of "she's"."""
    low = word.lower().replace("’", "'")
    if low.endswith("n't"):
        return 3
    return 2 if low.endswith("'s") and low[:-2] in lex.SUBJECT_PRONOUNS else 0


def tag(tokens: list[Token], tree: Tree = (), offset: int = 0) -> list[Token]:
    """Tag the tokens of one sentence in place, and return them.

    Args:
        tree: what a parser says of the same sentence; empty if nothing.
        offset: of the sentence, from which the tree counts.
    """
    _hang(tokens, tree, offset)
    for i in range(len(tokens)):
        tokens[i].tag = _closed_class(tokens, i)
    for before, link, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if link.tag == "CC" and before.tag == after.tag == "ADJ":
            link.tag = "ADJ"  # "a black and white dress": no clause begins here
    _Verbs(tokens).find()
    for token in tokens:
        token.tag = token.tag or "NOUN"
    return tokens


def _hang(tokens: list[Token], tree: Tree, offset: int) -> None:
    """Note at each token what the tree says of it; one that the tree splits ("left-hand") stands with its last part."""
    if not tokens:
        return
    starts = [token.start - offset for token in tokens]
    of_word = [max(0, bisect_right(starts, word.start) - 1) for word in tree]
    for word, own in zip(tree, of_word, strict=True):
        token = tokens[own]
        token.pos, token.relation = word.pos, word.relation
        token.head = of_word[word.head]
        token.agent = -1 if word.agent is None else of_word[word.agent]
        token.patient = -1 if word.patient is None else of_word[word.patient]
        verbal = word.pos == "VERB" and word.form is not None
        token.seen = lex.Form(word.lemma, word.form or "") if verbal else None


def _closed_class(tokens: list[Token], i: int) -> str:
    """Return the tag that the word itself decides; empty for open classes."""
    low = tokens[i].low
    following = tokens[i + 1].low if i + 1 < len(tokens) else ""
    before = tokens[i - 1] if i else None
    if not low[0].isalnum() and low not in ("n't", "'s"):
        return "PUNCT"
    if low.endswith(("'s", "s'")):
        return "AUX" if low == "'s" else "POSN"
    if low in _AMBIGUOUS or "-" in low:
        special = _ambiguous(tokens, i, low, following, before)
        if special is not None:
            return special
    if low in _CLASS_OF:
        return _CLASS_OF[low]
    if low.isdigit():
        return "NUM"
    if low.endswith("ly") and low not in lex.NOT_ADVERBS and len(low) > 4:
        return "ADV"
    return "ADJ" if low in lex.ADJECTIVES else ""


_CLASSES = (
    (lex.NEGATIONS - {"without"}, "NEG"),
    (lex.BE | lex.HAVE | lex.DO, "AUX"),
    (lex.MODALS, "MODAL"),
    (lex.COORDINATORS - {"then"}, "CC"),
    (lex.SUBORDINATORS, "SUB"),
    (lex.RELATIVES, "REL"),
    (lex.DETERMINERS, "DET"),
    (lex.POSSESSIVES, "POSS"),
    (lex.PRONOUNS, "PRON"),
    (lex.NUMBERS.keys(), "NUM"),
    (lex.PREPOSITIONS, "PREP"),
    (lex.ADVERBS, "ADV"),
)

_CLASS_OF = {word: name for words, name in reversed(_CLASSES) for word in words}
_AMBIGUOUS = frozenset(
    (
        "left right her after before then does did has had have once one no both all each some that this these those another "
        "none neither top bottom inside back go still a to fast high low straight opposite next clockwise counterclockwise "
        "anticlockwise forward backward sideways upward downward outward inward"
    ).split()
)


def _ambiguous(tokens: list[Token], i: int, low: str, following: str, before: Token | None) -> str | None:
    """Words of several classes, by their neighbours."""
    starts = before is None or before.tag in BOUNDARIES
    opens_phrase = before is not None and before.tag in ("DET", "POSS", "POSN", "ADJ")
    if low in ("left", "right"):
        return _side(tokens, i, following, before)
    if low == "her" and following == "back" and before is not None and before.low in _BACKED:
        return "POSS"
    if low == "her" and following.endswith("ing") and before is not None and before.low.startswith(_SHOWING):
        return "PRON"
    if low == "her" and tokens[i].relation == "nmod:poss" and following != "back":
        return "POSS"
    if low == "her":
        return "POSS" if _owned(tokens, i, following) else "PRON"
    if low in ("after", "before") and following in ("that", "this", "which"):
        return "PREP"
    if low == "then":
        return "CC" if _verb_before(tokens, i) else "ADV"
    if (
        low in ("does", "did", "has", "had", "have")
        and following in _BEGIN_PHRASE
        and not {"no", "never", "nor", "neither", "only"} & {t.low for t in tokens[:i]}
    ):
        return ""
    if low == "once":
        if before is not None and before.low in ("never", "not", "at", "all"):
            return "ADV"
        if tokens[i].relation == "mark":
            return "SUB"
        return "SUB" if starts and following and following not in lex.PREPOSITIONS | {",", "and"} else "ADV"
    if low == "one":
        inside = i >= 2 and tokens[i - 2].tag == "DET" and before is not None and before.tag in ("", "ADJ")
        return "NOUN" if opens_phrase or inside else "NUM" if _noun_like(following) else "PRON"
    if low in _WAYS and opens_phrase and _noun_like(following):
        return "ADJ"
    if "-" in low and low.endswith(("-down", "-first", "-forward", "-legged", "-long", "-wise")):
        return "ADV"
    if low == "no" and following == "one":
        return "DET"
    if low in ("both", "all", "each", "some", "that", "this", "these", "those", "another", "none", "neither"):
        alone = tokens[i].relation.startswith("nsubj") and low not in ("that", "this", "these", "those", "no")
        return "PRON" if alone else _quantifier(low, following, before)
    if low in ("top", "bottom", "inside") and opens_phrase and not _noun_like(following):
        return ""
    if low == "back":
        return "NOUN" if opens_phrase else "ADV"
    if low == "go" and before is not None and before.low in ("let", "lets", "letting"):
        return "ADV"  # one verb: let go
    if low == "still":
        return "ADJ" if opens_phrase else "ADV"
    if low == "a" and tokens[i].text == "A" and before is None and _third(following):
        return "NOUN"  # "A circles to the right", of two who are called A and B
    if low == "a" and tokens[i].text == "A" and before is not None and before.tag not in BOUNDARIES:
        return "NOUN"  # "Pedestrian A"
    if low == "to":
        numbered = i + 2 < len(tokens) and tokens[i + 2].low.isdigit()  # "closer to object 2"
        return "TO" if tokens[i].relation == "mark" and not numbered or _opens_infinitive(tokens, i) else "PREP"
    adjectives = ("fast", "high", "low", "straight", "opposite", "top", "bottom", "next", "inside")
    if opens_phrase and low in adjectives and (_noun_like(following) or low in ("fast", "high", "low")):
        return "ADJ"
    return None


_SHOWING = ("show", "captur", "depict", "see", "watch", "film", "reveal", "catch")
_BEGIN_PHRASE = lex.DETERMINERS | lex.POSSESSIVES | lex.NUMBERS.keys()
_BACKED = frozenset(
    "turns turn turned turning arches arch arched arching straightens straighten rounds round bends bend rests".split()
)
"""Verbs whose object her back is: "turns her back to him"."""
_WAYS = frozenset(
    "clockwise counterclockwise anticlockwise forward backward sideways upward downward outward inward".split()
)


def _third(word: str) -> bool:
    return any(form.kind == "third" for form in lex.FORMS.get(word, ()))


def _side(tokens: list[Token], i: int, following: str, before: Token | None) -> str:
    """``left`` and ``right``: a side of the body, a direction, or the past of to leave."""
    article = following in lex.DETERMINERS | lex.POSSESSIVES
    after_noun = before is not None and before.tag in ("", "NOUN", "PRON", "NUM")
    closes = not following or following in ".,;" or following in ("and", "then", "at")
    if tokens[i].low == "left" and after_noun and (article or closes and not _verb_before(tokens, i)):
        return ""
    if following and following[0].isalpha() and _noun_like(following):
        return "ADJ"
    return "NOUN" if before is not None and before.tag in ("DET", "POSS", "POSN") else "ADV"


def _verb_before(tokens: list[Token], i: int) -> bool:
    """Whether a word before, up to a clause boundary, can only be a finite verb in this place."""
    for token in reversed(tokens[:i]):
        if token.tag in BOUNDARIES:
            return False
        kinds = {form.kind for form in lex.FORMS.get(token.low, ())}
        if kinds & {"third", "past", "gerund"} and token.tag == "" and token.low not in lex.NOT_VERBS:
            return True
    return False


def _quantifier(low: str, following: str, before: Token | None) -> str:
    if low == "neither" and _third(following):
        return "NEG"
    if low == "that":
        noun_before = before is not None and before.tag in ("", "NOUN", "NUM")
        return "REL" if noun_before else "DET" if _noun_like(following) else "PRON"
    if low == "both" and before is not None and before.tag in ("PRON", "ADV"):
        return "ADV"
    if low in ("this", "these", "those"):
        return "DET" if _noun_like(following) else "PRON"
    return "DET" if _noun_like(following) or following == "of" else "PRON"


def _owned(tokens: list[Token], i: int, following: str) -> bool:
    """Whether "her" owns what follows ("her left arm") or is an object ("guides her back to the left")."""
    beyond = tokens[i + 2].low if i + 2 < len(tokens) else ""
    if following == "back":
        return beyond not in ("to", "toward", "towards", "into", "in", "onto", "up", "down", "again", "out")
    return following in ("left", "right") and _noun_like(beyond) or _noun_like(following)


_CLOSED = (
    lex.PREPOSITIONS | lex.COORDINATORS | lex.SUBORDINATORS | lex.BE | lex.HAVE | lex.DO | lex.MODALS | lex.ADVERBS
    | lex.NEGATIONS | lex.RELATIVES | lex.DETERMINERS | lex.POSSESSIVES | lex.PRONOUNS | {"to", "an", "a"}
)  # fmt: skip


@lru_cache(maxsize=100_000)
def _noun_like(word: str) -> bool:
    """Whether a word can begin or continue a noun phrase: not a closed class, an adverb or a sure verb."""
    if not word or not word[0].isalnum():
        return False
    if word in lex.ADJECTIVES or word in lex.NUMBERS or word in lex.BODY_PARTS:
        return True
    if word in _CLOSED or (word.endswith("ly") and word not in lex.NOT_ADVERBS):
        return False
    kinds = {form.kind for form in lex.FORMS.get(word, ())}
    return not kinds & {"third", "past", "gerund"} or "base" in kinds


def _opens_infinitive(tokens: list[Token], i: int) -> bool:
    for token in tokens[i + 1 :]:
        if token.low in lex.ADVERBS or token.low.endswith("ly"):
            continue
        return token.low in ("be", "have") or any(form.kind == "base" for form in lex.readings(token.low))
    return False


_OPEN = {"ADJ": "ADJ", "ADV": "ADV", "SCONJ": "SUB", "INTJ": "ADV"}
"""What the tree may say of a word that no list holds; all else is a noun."""


_SEVERAL = frozenset(["they", "we", "you", "i", "both", "all", "some", "others"])
_SAME = frozenset(["spread", "set", "put", "cut", "shut", "split"])
"""Participles that look like the plural's verb."""
_PRESENT = frozenset(["is", "are", "has", "have", "does", "do"])


class _Verbs:
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

    def _against_tense(self, i: int) -> bool:
        """Whether an -ed word after a noun stands among verbs in the present: "he bows, arms stretched overhead"."""
        before = self._previous(i)
        comma = before is not None and before.low == "," and i >= 2
        before = self.tokens[self.tokens.index(before) - 1] if comma and before is not None else before
        present = any(t.low in _PRESENT or t.seen is not None and t.seen.kind == "third" for t in self.tokens)
        return before is not None and before.tag == "NOUN" and present

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
        present = any(t.low in _PRESENT or t.seen is not None and t.seen.kind == "third" for t in self.tokens)
        return not present and (token.seen.kind == "past" or self._child(i, "nsubj"))

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
        for token in [*reversed(self.tokens[:i])]:
            if token.tag in BOUNDARIES:
                break
            if (
                token.tag in ("AUX", "MODAL")
                or token.seen is not None
                and token.seen.kind in ("third", "past")
            ):
                return True
        for token in self.tokens[i + 1 :]:
            if token.tag in ("PUNCT", "CC", "SUB", "REL"):
                break
            if (
                token.tag in ("AUX", "MODAL")
                or token.seen is not None
                and token.seen.kind in ("third", "past")
            ):
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
        elif token.tag == "PUNCT" and token.low == "," and self.finite:
            pass
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
        if not options or (low in lex.NOT_VERBS and low not in lex.FORMS):
            return None
        if low in lex.NOT_VERBS:
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
        return starts and opens and self.tokens[i].pos != "PROPN"

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
            if token.tag in ("CC", "SUB", "REL") or token.low in ";":
                return False
            kinds = {form.kind for form in lex.FORMS.get(token.low, ())}
            if token.tag in ("AUX", "MODAL") or "third" in kinds and token.low not in lex.NOT_VERBS:
                return True
        return False
