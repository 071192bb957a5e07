"""Words of models: how they are to call what has a tag on the pictures, and their texts as plain prose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from kinescribe.backends import Scene
from kinescribe.draw import tag_of
from kinescribe.inputs.subjects import person_of, tags
from kinescribe.language import names
from kinescribe.language.chatter import mask_chatter
from kinescribe.language.marks import unmarked
from kinescribe.plain import hand_parts

_MARKS = re.compile(r"^[ \t]*(?:[-*#>]+|\d+[.)])[ \t]+|[*_`]{2,}|`", re.MULTILINE)


def prose(text: str, most_words: int) -> str:
    """Return a text in one line, without marks, hidden characters and what a model says of itself.

    Raises:
        ValueError: it is a flood, JSON, or about the model and nothing else.
    """
    if _is_json(text):
        raise ValueError("give sentences, not JSON inside a text")
    shown = _MARKS.sub("", unmarked(_MARKS.sub("", text)).text)
    plain = " ".join(mask_chatter(shown).split())
    if shown.strip() and not plain:
        raise ValueError("tell what is seen; nothing of yourself or of instructions")
    if len(plain.split()) > most_words:
        raise ValueError(f"give at most {most_words} words")
    return plain if not plain or plain[-1] in ".!?" else f"{plain}."


def _is_json(text: str) -> bool:
    """Whether a text is an object or a list in JSON, whole or cut short."""
    return re.match(r"\s*(?:```\w*\s*)?(?:\{\s*[\"'}]|\[\s*[\"'{\]])", text) is not None


@dataclass(frozen=True, eq=False)
class Naming:
    """Names of subjects, of hands and of what they hold, by tag (``person #10``)."""

    by_tag: Mapping[str, str]

    @classmethod
    def of(cls, scene: Scene) -> Naming:
        """Return the names of everything that has a box on the pictures of a scene."""
        called = names(scene.tracks)
        found = {tag: called[track_id] for track_id, tag in tags(scene.tracks).items()}
        for part in hand_parts(scene.hands):
            owner = called.get(person_of(part.id))
            whose = f" of {owner}" if owner else ""
            found[tag_of(part.label, part.id)] = f"the {part.label.replace('in ', 'in the ')}{whose}"
        return cls(found)

    def __call__(self, text: str) -> str:
        """Return sentences with names in the place of tags, also of ``person 10`` for ``#10``."""
        return re.sub(r"(^|[.!?]\s+)([a-z])", lambda m: m[1] + m[2].upper(), self.bare(text))

    def bare(self, text: str) -> str:
        """Return the same of words that are no sentence."""
        if not self._called:
            return text
        return self._tagged.sub(lambda m: self._called[m[1].casefold()], text)

    @cached_property
    def _called(self) -> dict[str, str]:
        called = {tag.casefold(): name for tag, name in self.by_tag.items()}
        bare = {tag.replace(" #", " "): name for tag, name in called.items()}
        return called | {tag: name for tag, name in bare.items() if tag not in called.values()}

    @cached_property
    def _tagged(self) -> re.Pattern[str]:
        listed = "|".join(re.escape(tag) for tag in sorted(self._called, key=len, reverse=True))
        return re.compile(rf"(?:\bthe\s+)?(?<!\w)({listed})(?!\w)", re.IGNORECASE)
