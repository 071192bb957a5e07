"""What a language model says around a caption and not about the clip: whole sentences, outside quotes."""

from __future__ import annotations

import re

_OPENINGS = re.compile(
    r"^\s*(?:(?:sure|certainly|of course|okay|ok|great|absolutely)\b[!,.]*\s*)?(?:here(?:'s| is| are)|below is)\b[^:.\n\"]{0,120}"
    r"\b(?:captions?|descriptions?|summary|answer|response|version|text|sentences?|breakdown|motions?)\b[^:.\n\"]{0,60}:",
    re.IGNORECASE,
)
"""At the start of a text, up to the colon: "Sure! Here is the caption you asked for:"."""
_SENTENCES = re.compile(
    r"(?:^|(?<=[.!?\n]))\s*(?:please |and |also )?(?:let me know|feel free to|i hope (?:this|that|it)\b|hope this helps|"
    r"would you like me|as an ai (?:language )?(?:model|assistant)|i'm sorry, but i|i am sorry, but i|i'd be happy|"
    r"i would be happy|do you want me)[^.!?\n\"]*[.!?]*",
    re.IGNORECASE,
)
"""Sentences to whoever asked."""
_HINTS = (
    "here", "below is", "let me know", "feel free", "hope", "would you", "as an ai", "i'm sorry", "i am sorry", "i'd be",
    "i would be", "do you want",
)  # fmt: skip
"""Without one of these neither is there; looking for them alone is quick."""


def mask_chatter(text: str) -> str:
    """Return a text with chatter blanked out; offsets stay."""
    low = text.lower()
    if not any(hint in low for hint in _HINTS):
        return text
    for pattern in (_OPENINGS, _SENTENCES):
        text = pattern.sub(lambda found: re.sub(r"\S", " ", found.group()), text)
    return text
