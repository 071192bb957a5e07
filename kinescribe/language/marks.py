"""Marks that are no words: hidden characters, HTML tags, emphasis, and quotes around a direction."""

from __future__ import annotations

import re
from typing import NamedTuple

_HIDDEN = (
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control and format characters (Unicode's Cc and Cf), and selectors of variants; no blank is among them."""
_QUOTES = '"“”„‟«»‹›`\\[\\]'
_INNER = "'‘’‚‛"
_WAY = (
    r"(?:(?:to|toward|towards) (?:the |its |his |her |their )?)?(?:(?:up|down|left|right|upper|lower|top|bottom)(?:wards?)?"
    r"|forwards?|backwards?|(?:counter|anti)?-?clockwise)(?:[ -](?:left|right))?(?: (?:side|edge|corner))?"
)
_SAYS = (
    r"(?i:\b(?:says?|said|saying|sign|text|word|words|label|letters?|reads?|reading|label+ed|called|named|marked|shouts?|"
    r"shouting|yells?|caption|title|arrow|button|titled|written|write|writes)\b[^.!?\n]{0,20})$"
)
"""Before a quotation: what is quoted was said or written, and is no way that something goes."""
_TAGS = (
    "a|abbr|b|big|blockquote|body|center|code|dd|del|dl|dt|em|font|head|html|i|img|ins|kbd|mark|pre|q|s|samp|script|small|"
    "span|strike|strong|style|sub|sup|table|tbody|th|thead|title|tt|u|var"
)
"""Of HTML, those inside a line; others in angles may be names: "<person 1>"."""
_BLANK = re.compile(r"<(?:/?(?:br|p|div|li|ul|ol|tr|td|hr|h\d)\b[^<>]{0,80})>|&nbsp;", re.IGNORECASE)
_GONE = re.compile(
    rf"{_HIDDEN}+|</?(?:{_TAGS})(?:\s[^<>]{{0,200}})?/?>|<!--.{{0,400}}?-->"
    r"|&(?:shy|zwj|zwnj|lrm|rlm);|(?<!\d)\*+|\*+(?!\d)|~~|(?<![^\W_])_+|_+(?![^\W_])",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(
    rf"(?P<open>[{_QUOTES}{_INNER}]{{1,4}})(?P<way>{_WAY})[.,;!?]?(?P<close>[{_QUOTES}{_INNER}]{{1,4}})(?!\w)",
    re.IGNORECASE,
)
_SPOKEN = re.compile(r"[\"“”„«»][\w'’]{1,30}(?:[ ,.!?-]{1,3}[\w'’]{1,30}){0,4}[ ,.!?-]{0,3}[\"“”„«»]")
_SAID = re.compile(_SAYS)
_WANTED = re.compile(rf"{_HIDDEN}|[<&*_~{_QUOTES}{_INNER}]")


class Unmarked(NamedTuple):
    """A text without its marks."""

    text: str
    places: tuple[int, ...] | None
    """Where each character stood before, and one more for the end; None where nothing was taken out."""

    def before(self, offset: int) -> int:
        """Return the offset in the text with marks."""
        return offset if self.places is None else self.places[offset]


def unmarked(text: str) -> Unmarked:
    """Return a text without what would hide a word from a reader of words; quotes stay but around a direction alone."""
    if _WANTED.search(text) is None:
        return Unmarked(text, None)
    found = Unmarked(text, None)
    for take in (_breaks, _marks, _quotes):
        found = take(found)
    return found


def mask_spoken(text: str) -> str:
    """Return a text with the few words blanked out that a sign bears or somebody says; offsets stay."""
    if _SPOKEN.search(text) is None:
        return text

    def masked(match: re.Match[str]) -> str:
        before = text[max(0, match.start() - 40) : match.start()]
        return match[0] if _SAID.search(before) is None else " " * len(match[0])

    return _SPOKEN.sub(masked, text)


def _breaks(held: Unmarked) -> Unmarked:
    return _without(held, [(m.start() + 1, m.end()) for m in _BLANK.finditer(held.text)], blank=True)


def _marks(held: Unmarked) -> Unmarked:
    return _without(held, [m.span() for m in _GONE.finditer(held.text)])


def _quotes(held: Unmarked) -> Unmarked:
    cuts: list[tuple[int, int]] = []
    for match in _QUOTED.finditer(held.text):
        before = held.text[max(0, match.start() - 40) : match.start()]
        inside_word = before[-1:].isalnum()
        if not inside_word and _SAID.search(before) is None:
            cuts += [match.span("open"), match.span("close")]
    return _without(held, cuts)


def _without(held: Unmarked, cuts: list[tuple[int, int]], blank: bool = False) -> Unmarked:
    """Return a text without some stretches; the character right before each becomes a blank if ``blank``."""
    if not cuts:
        return held
    places = held.places or tuple(range(len(held.text) + 1))
    words: list[str] = []
    own: list[int] = []
    last = 0
    for start, end in cuts:
        piece = held.text[last:start]
        words.append(f"{piece[:-1]} " if blank else piece)
        own += places[last:start]
        last = end
    words.append(held.text[last:])
    own += places[last:]
    return Unmarked("".join(words), tuple(own))
