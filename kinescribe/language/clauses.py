"""The clauses of a sentence: where a verb's begins and ends, what governs it, when it happens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kinescribe.language import lexicon as lex
from kinescribe.language.phrases import Phrase, noun_phrases
from kinescribe.language.syntax import Tree
from kinescribe.language.tagging import tag
from kinescribe.language.tokens import BOUNDARIES, Token, tokenize
from kinescribe.records import Span

_FIRST = frozenset(["after", "once", "as-soon-as", "when", "whenever"])
"""Their clause happens before the main one."""
_LATER = frozenset({"before", "until"})
_SAME = frozenset({"while", "as", "meanwhile"})
_LOOSELY = frozenset({"when", "whenever", "until"})
"""What happens when, or until, something happens may begin before it."""
_THEN = frozenset({"then", "afterwards", "afterward", "subsequently", "next", "finally", "eventually"})


@dataclass
class Event:
    """A verb on its way to becoming an action."""

    index: int
    token: Token
    kind: str
    """finite, gerund, infinitive or passive."""
    lemma: str
    zone: str = ""
    """Text from the verb to the next clause."""
    agent: str | None = None
    patient: str | None = None
    part: str | None = None
    direction: tuple[str, ...] = ()
    shape: str | None = None
    count: int | None = None
    manner: str | None = None
    negated: bool = False
    span: Span | None = None
    metres: float | None = None
    relation: str = "next"
    """next, same, earlier (than the one before) or later (than the whole sentence)."""
    keep: bool = True
    rank: int = 0
    sentence: tuple[int, int] = (0, 0)
    ordered: str = ""
    """Where a word says that this is earlier or later than another one: than the one ``back`` or the one ``ahead``."""
    after: Event | None = None
    """The one that it is said to come after."""


class Sentence:
    """One sentence: its tokens and noun phrases, and how its clauses hang together.

    Args:
        text: the sentence, its times blanked out.
        start: its offset in the whole text, from which the tokens' offsets count.
        tree: what a parser says of it.
    """

    def __init__(self, text: str, start: int, tree: Tree = ()) -> None:
        self.text, self.start = text, start
        self.tokens = tag(tokenize(text, start), tree, start)
        self.phrases = noun_phrases(self.tokens)
        self._children: dict[int, list[int]] = {}
        self._opens: list[int] = []
        for n, token in enumerate(self.tokens):
            self._opens.append(0 if not n else n if self.tokens[n - 1].tag in BOUNDARIES else self._opens[-1])
            if token.head not in (n, -1):
                self._children.setdefault(token.head, []).append(n)

    def phrase_at(self, i: int) -> Phrase | None:
        """Return the noun phrase that holds a token."""
        return next((p for p in self.phrases if p.first <= i <= p.last), None)

    def child(self, i: int, *relations: str) -> int | None:
        """Return the first token that depends on another one in one of the relations, subtypes included."""
        children = self._children.get(i, ())
        return next((j for j in children if self.tokens[j].relation.split(":")[0] in relations), None)

    def subject_of(self, i: int) -> int | None:
        """Return the token that the tree makes the subject of a verb, a relative pronoun only if there is no other."""
        found = [
            j for j in self._children.get(i, ()) if self.tokens[j].relation.startswith(("nsubj", "csubj"))
        ]
        named = [j for j in found if self.tokens[j].tag != "REL"]
        found = named or found
        return found[-1] if found else None

    def kind(self, i: int) -> str:
        """Return how a verb stands: finite, gerund, infinitive or passive."""
        form = self.tokens[i].form
        assert form is not None
        helper = self.helper(i)
        if form.kind == "gerund":
            return "finite" if helper is not None and helper.low in lex.BE else "gerund"
        if form.kind == "participle":
            chained = self._chained(i) if helper is None else None
            if chained is not None:
                return chained
            if helper is not None and helper.low == "'s" and self._has_object(i):
                return "finite"  # "he's raised his arm", "she's jumped"
            return "passive" if helper is None or helper.low in lex.BE | lex.GET else "finite"
        if form.kind == "base":
            return "infinitive" if helper is not None and helper.tag == "TO" else "finite"
        return "finite"

    def _has_object(self, i: int) -> bool:
        form = self.tokens[i].form
        after = self.tokens[i + 1].tag if i + 1 < len(self.tokens) else ""
        return after in ("DET", "POSS", "PRON", "NUM") or form is not None and form.lemma in lex.INTRANSITIVE

    def bare(self, i: int) -> bool:
        """Whether a verb is a participle without a helper, its own or one that it shares."""
        form = self.tokens[i].form
        participle = form is not None and form.kind == "participle"
        return participle and self.helper(i) is None and self._chained(i) is None

    def _chained(self, i: int) -> str | None:
        """Return how a participle stands that shares the helper of a verb before: "has hooked it and removed"."""
        head = self.tokens[i].head
        shares = self.tokens[i].relation == "conj" and 0 <= head < i and self.tokens[head].form is not None
        if not shares or self.tokens[head].form.kind != "participle":  # type: ignore[union-attr]
            return None
        return self.kind(head) if self.helper(head) is not None else None

    def helper(self, i: int) -> Token | None:
        """Return the auxiliary, modal or "to" right before a verb, adverbs aside."""
        for token in reversed(self.tokens[:i]):
            if token.tag in ("AUX", "MODAL", "TO"):
                return token
            if token.tag not in ("ADV", "NEG"):
                return None
        return None

    def opens(self, i: int) -> int:
        """Return where the clause of a verb begins: after the last boundary before it."""
        return self._opens[i]

    def zone_end(self, i: int, following: int | None) -> int:
        """Return where what belongs to a verb ends, given the verb after it."""
        if following is None:
            return len(self.tokens)
        opens = self.opens(following)
        for n in range(i + 1, opens - 1):
            if self.tokens[n].tag == "CC" and self.tokens[n + 1].low == ",":
                return n  # "dives and, with her right fist, punches the ball"
        if opens <= i:
            return self.group_start(following)
        end = opens - 1
        while end - 1 > i and (self.tokens[end - 1].tag in BOUNDARIES or self.tokens[end - 1].low == "then"):
            end -= 1
        return end

    def group_start(self, i: int) -> int:
        """Return where the verb group of a verb begins: its helpers and what governs it."""
        start = i
        while start and self.tokens[start - 1].tag in ("AUX", "MODAL", "TO", "NEG"):
            start -= 1
        if start and self.tokens[start - 1].low in ("by", "without", "with"):
            start -= 1
        return start

    def words(self, first: int, last: int) -> str:
        """Return the text of the tokens from ``first`` to before ``last``."""
        if first >= last or first >= len(self.tokens):
            return ""
        a = self.tokens[first].start - self.start
        return self.text[a : self.tokens[last - 1].end - self.start]

    def relation(self, i: int, opens: int, found: list[Event]) -> str:
        """Return when an event happens relative to the one before it."""
        link = self._link(i, opens)
        main_before = any(e.kind == "finite" and e.keep for e in found)
        if link in _LATER:
            return "next" if main_before else "later"
        if link in _FIRST:
            return "earlier" if main_before and not self._leads(i, opens) else "next"
        if link in _SAME:
            return "same" if main_before else "same_ahead"
        helper = self.helper(i)
        in_relative = opens > 0 and self.tokens[opens - 1].tag == "REL"
        if helper is not None and (helper.low == "had" or in_relative and self._perfect(i)):
            return "earlier" if found else "next"
        form = self.tokens[i].form
        if form is not None and form.kind == "gerund" and self.kind(i) == "gerund":
            listed = opens > 0 and self.tokens[opens - 1].tag == "CC" and found and found[-1].kind == "gerund"
            since = self.tokens[found[-1].index : i] if found else []
            listed = listed or any(token.low in ("then", "afterwards", "next") for token in since)
            return "same" if found and not listed else "next"
        return "next"

    def ordered(self, i: int, opens: int, found: list[Event]) -> str:
        """Return whether a word ("then", "before", "after") ranks an event in time: by the one ``back`` or ``ahead``."""
        link = self._link(i, opens)
        if link in _LATER | _FIRST:
            main_before = any(e.kind == "finite" and e.keep for e in found)
            leads = not main_before or link in _FIRST and self._leads(i, opens)
            return "" if link in _LOOSELY else "ahead" if leads else "back"
        since = self.tokens[found[-1].index + 1 : i] if found else []
        return "back" if any(t.low in _THEN and not self._beside(t) for t in since) else ""

    def _beside(self, token: Token) -> bool:
        """Whether "next" is a place: "next to the wall"."""
        return token.low == "next" and re.match(r"\s+to\b", self.text[token.end - self.start :]) is not None

    def _leads(self, i: int, opens: int) -> bool:
        """Whether a clause with "after" belongs to what follows: "she dives in and, after surfacing, waves"."""
        before = self.tokens[opens - 2].low if opens >= 2 else ""
        later = next((n for n in range(i + 1, len(self.tokens)) if self.tokens[n].tag == "VERB"), None)
        joins = later is not None and self.tokens[max(0, self.opens(later) - 1)].low == ","
        return before in (",", "and", "then", "but") and joins

    def _perfect(self, i: int) -> bool:
        return any(t.low in lex.HAVE for t in self.tokens[max(0, i - 3) : i])

    def _link(self, i: int, opens: int) -> str:
        """Return the conjunction that governs a verb's clause."""
        if opens and self.tokens[opens - 1].tag == "SUB":
            link = self.tokens[opens - 1].low
            soon = link == "as" and opens >= 3 and self.tokens[opens - 2].low == "soon"
            return "once" if soon else link
        if i >= 2 and (self.tokens[i - 2].low, self.tokens[i - 1].low) == ("prior", "to"):
            return "before"
        if self.tokens[i].form is not None and any(t.low == "having" for t in self.tokens[max(0, i - 2) : i]):
            return "after"
        if any(t.low == "meanwhile" for t in self.tokens[max(0, opens - 2) : i]):
            return "meanwhile"
        return ""

    def adjacent(self, i: int, j: int) -> bool:
        """Whether only helpers and adverbs stand between two verbs."""
        return all(t.tag in ("TO", "ADV", "AUX") or t.low == "by" for t in self.tokens[i + 1 : j])
