"""What a language model says around a caption and not about the clip."""

from __future__ import annotations

import re

_OPENINGS = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|great|absolutely)\b[!,.]*\s*)?(?:here(?:'s| is| are)|below is)\b[^:.\n]{0,160}:",
    re.IGNORECASE,
)
"""Up to the colon: "Sure! Here is the caption you asked for:"."""
_SENTENCES = re.compile(
    r"(?:^|(?<=[.!?\n]))[^.!?\n]*\b(?:let me know|feel free to|i hope (?:this|that|it)|hope this helps|would you like|"
    r"as an ai|i'm sorry|i am sorry|i cannot|i can't|i'd be happy|i would be happy|do you want me)\b[^.!?\n]*[.!?]*",
    re.IGNORECASE,
)
"""Sentences to whoever asked."""

_HINTS = (
    "here", "below is", "let me", "feel free", "hope", "would you", "as an ai", "sorry", "i can", "i'd", "i would", "do you",
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
