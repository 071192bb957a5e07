"""Parts of speech: closed classes by lists and neighbours, then the verbs, then what is left."""

from __future__ import annotations

from functools import lru_cache

from kinescribe.language import lexicon as lex
from kinescribe.language.syntax import Tree
from kinescribe.language.tokens import BOUNDARIES, Token, hang
from kinescribe.language.verbs import Verbs


def tag(tokens: list[Token], tree: Tree = (), offset: int = 0) -> list[Token]:
    """Tag the tokens of one sentence in place, and return them.

    Args:
        tree: what a parser says of the same sentence; empty if nothing.
        offset: of the sentence, from which the tree counts.
    """
    hang(tokens, tree, offset)
    for i in range(len(tokens)):
        tokens[i].tag = _closed_class(tokens, i)
    for before, link, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if link.tag == "CC" and before.tag == after.tag == "ADJ":
            link.tag = "ADJ"  # "a black and white dress": no clause begins here
    Verbs(tokens).find()
    for token in tokens:
        token.tag = token.tag or "NOUN"
    return tokens


def _closed_class(tokens: list[Token], i: int) -> str:
    """Return the tag that the word itself decides; empty for open classes."""
    low = tokens[i].low
    following = tokens[i + 1].low if i + 1 < len(tokens) else ""
    before = tokens[i - 1] if i else None
    if not low[0].isalnum() and low not in _CONTRACTED:
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

_CONTRACTED = frozenset(["n't", "'s", "'re", "'m", "'ve", "'d", "'ll"])
_CLASS_OF = {word: name for words, name in reversed(_CLASSES) for word in words}
_AMBIGUOUS = frozenset(
    (
        "left right her after before then does did has had have once one no both all each some that this these those another "
        "none neither top bottom inside back go still a to fast high low straight opposite next clockwise counterclockwise "
        "counter anti anticlockwise forward backward sideways upward downward outward inward"
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
    if low in ("counter", "anti") and following == "clockwise":
        return "ADV"
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
        return (
            "TO" if tokens[i].relation == "mark" and not numbered or _opens_infinitive(tokens, i) else "PREP"
        )
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
