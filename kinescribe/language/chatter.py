"""What a language model says around a caption and not about the clip: whole sentences, outside quotes."""

from __future__ import annotations

import re

_OPENINGS = re.compile(
    r"^\s*(?:(?:sure|certainly|of course|okay|ok|great|absolutely)\b[!,.]*\s*)?(?:here(?:['’]s| is| are)|below is)\b[^:.\n\"]{0,120}"
    r"\b(?:captions?|descriptions?|summary|answer|response|version|text|sentences?|breakdown|motions?)\b[^:.\n\"]{0,60}:",
    re.IGNORECASE,
)
"""At the start of a text, up to the colon: "Sure! Here is the caption you asked for:"."""
_SENTENCES = re.compile(
    r"(?:^|(?<=[.!?\n]))\s*(?:please |and |also )?(?:let me know|feel free to|i hope (?:this|that|it)\b|hope this helps|"
    r"would you like me|as an ai (?:language )?(?:model|assistant)|i['’]m sorry, but i|i am sorry, but i|i['’]d be happy|"
    r"i would be happy|do you want me)[^.!?\n\"]*[.!?]*",
    re.IGNORECASE,
)
"""Sentences to whoever asked."""
_MACHINES = re.compile(
    r"(?:^|(?<=[.!?\n]))[^\S\n]*(?:please |now |so |first,? )*(?:"
    r"(?:ignore|disregard|forget|override) (?:(?:all|any|of|the|your|my|these|previous|prior|above|earlier|other|system) )*"
    r"(?:instructions?|prompts?|guidelines)\b|"
    r"(?:print|reveal|show|repeat|output|display)(?: me)? (?:(?:the|your) )*(?:(?:system|hidden|original) )+(?:prompt|instructions)\b|"
    r"(?:as an?|being an?|i am an?|i['’]m an?|i['’]m just an?|i am just an?) (?:ai|artificial intelligence|(?:large )?(?:vision[- ])?language model)\b|"
    r"(?:(?:unfortunately|sorry|i apologi[sz]e),? (?:but )?)?i (?:can['’]?t|cannot|can not|am unable to|am not able to|do not|don['’]t)"
    r" (?:actually |directly |have (?:access|the ability) to )?(?:view|see|watch|access|analy[sz]e|process|open)? ?"
    r"(?:the|this|any|your|that)?(?: attached| provided| given)? ?(?:videos?|clips?|images?|frames?|files?|attachments?|pictures?)\b"
    r")[^.!?\n\"]*[.!?]*",
    re.IGNORECASE,
)
"""Sentences about the model, its prompt or its instructions."""
_HINTS = (
    "here", "below is", "let me know", "feel free", "hope", "would you", "as an ai", "i'm sorry", "i am sorry", "i'd be",
    "i would be", "do you want", "ignore", "disregard", "forget", "override", "system prompt", "instructions", "prompt", "language model",
    " ai ", "i can", "i am ", "i'm ", "i do",
)  # fmt: skip
"""Without one of these neither is there; looking for them alone is quick."""


def mask_chatter(text: str) -> str:
    """Return a text with chatter blanked out; offsets stay."""
    low = text.lower().replace("’", "'")
    if not any(hint in low for hint in _HINTS):
        return text
    for pattern in (_OPENINGS, _SENTENCES, _MACHINES):
        text = pattern.sub(lambda found: re.sub(r"\S", " ", found.group()), text)
    return text
