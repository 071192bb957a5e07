"""True captions made false in one known way: what hallucination metrics are tested on (KPM-HA).

An edit of the words is proposed and kept only if the parser reads exactly the intended difference: one motion more, one
order, way, side, number or agent changed, and nothing else. So each kept text is labelled by what it asserts, not by
what the edit was meant to do.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kinescribe.checks import Match, compare
from kinescribe.checks.compare import likeness
from kinescribe.language import parse
from kinescribe.records import Action

KINDS = ("added_action", "swapped_order", "wrong_direction", "wrong_side", "wrong_count", "wrong_agent")
"""What can be made wrong."""

_PAIRS = (
    ("left", "right"), ("leftward", "rightward"), ("leftwards", "rightwards"), ("up", "down"),
    ("upward", "downward"), ("upwards", "downwards"), ("upper", "lower"), ("forward", "backward"),
    ("forwards", "backwards"), ("clockwise", "counterclockwise"), ("toward", "away from"),
    ("towards", "away from"), ("into", "out of"),
)  # fmt: skip
_OTHER_WAY: Mapping[str, str] = {**{b: a for a, b in _PAIRS}, **dict(_PAIRS)}
_NUMBERS = (
    "once",
    "twice",
    "three times",
    "four times",
    "five times",
    "six times",
    "seven times",
    "eight times",
)
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
_FIXED = re.compile(
    r"\b(?:up and down|left and right|"
    r"(?:pick|put|set|stand|sit|lie|get|slow|speed|kneel)(?:s|ed|t?ing)? (?:up|down))\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?:from \d+\.\d s to \d+\.\d s|at \d+\.\d s)", re.IGNORECASE)
_EXTRA = (
    "jumps twice",
    "spins around",
    "kneels down",
    "waves",
    "claps",
    "falls down",
    "walks backward",
    "leans forward",
)
"""Motions to invent."""
_STRANGERS = ("the dog", "the woman", "the child", "the robot", "the car")


class Corruption(NamedTuple):
    """A text that asserts something false."""

    kind: str
    text: str
    changed: str
    """The difference, in words."""


def corrupt(text: str, seed: int = 0, kinds: Sequence[str] = KINDS) -> list[Corruption]:
    """Return one corruption of each kind that a text allows, in the order of the kinds.

    Args:
        text: a caption that is true.
        seed: chooses among the edits that do it.
        kinds: some of ``KINDS``.

    Raises:
        ValueError: a kind is not one of them.
    """
    unknown = set(kinds) - set(KINDS)
    if unknown:
        raise ValueError(f"no corruption {sorted(unknown)[0]!r}; there are {', '.join(KINDS)}")
    actions = parse(text)
    made = (_first(text, actions, kind, random.Random(f"{seed}:{kind}:{text}")) for kind in kinds)
    return [corruption for corruption in made if corruption is not None]


def _first(text: str, actions: Sequence[Action], kind: str, rng: random.Random) -> Corruption | None:
    proposals = [edited for edited in _EDITS[kind](text, actions) if edited != text]
    rng.shuffle(proposals)
    for proposal in dict.fromkeys(proposals):
        read = parse(proposal)
        match = compare(actions, read)
        if _is_only(kind, match, actions, read):
            return Corruption(kind, proposal, "; ".join(match.reasons))
    return None


def _is_only(kind: str, match: Match, known: Sequence[Action], added: Sequence[Action]) -> bool:
    """Whether two texts differ in one thing of a kind."""
    differs = [name for pair in match.pairs for name in pair.differs]
    in_order = match.order in (None, 1.0)
    if kind == "added_action":
        news = all(not likeness(action, added[j]) for j in match.added for action in known)
        return not match.missing and len(match.added) == 1 and not differs and in_order and news
    if match.missing or match.added:
        return False
    if kind == "swapped_order":
        return not differs and any(reason.startswith("order:") for reason in match.reasons)
    return in_order and set(differs) == {_ATTRIBUTES[kind]}


_ATTRIBUTES = {
    "wrong_direction": "direction",
    "wrong_side": "side",
    "wrong_count": "repetitions",
    "wrong_agent": "agent",
}


# --- edits ----------------------------------------------------------------------------------------------------


def _other_way(text: str, actions: Sequence[Action]) -> Iterator[str]:
    """Turn one word of direction or side round; not in "up and down", nor the particle of "picks up"."""
    fixed = [range(*found.span()) for found in _FIXED.finditer(text)]
    for found in re.finditer(r"\b(?:away from|out of|[a-z]+)\b", text, re.IGNORECASE):
        other = _OTHER_WAY.get(found.group().lower())
        if other is not None and not any(found.start() in some for some in fixed):
            yield _put(text, found, other)


def _other_number(text: str, actions: Sequence[Action]) -> Iterator[str]:
    for told in (_NUMBERS, _WORDS):
        for found in re.finditer(r"\b(?:" + "|".join(told) + r")\b", text, re.IGNORECASE):
            at = told.index(found.group().lower())
            # At least two off: a count of cycles may be one off without being false to everybody.
            yield from (_put(text, found, other) for k, other in enumerate(told) if abs(k - at) >= 2 and k)
    for found in re.finditer(r"\b(\d+) times\b", text):
        yield from (_put(text, found, f"{int(found.group(1)) + more} times") for more in (2, 3))


def _other_agent(text: str, actions: Sequence[Action]) -> Iterator[str]:
    """Put another of the text's agents, or a stranger, for one of them."""
    agents = list(dict.fromkeys(a.agent for a in actions if a.agent and a.agent not in ("camera",)))
    for agent in agents:
        others = [f"the {other}" for other in agents if other != agent] + list(_STRANGERS)
        for found in re.finditer(rf"\b(?:(?:a|an|the) )?{re.escape(agent)}\b", text, re.IGNORECASE):
            yield from (_put(text, found, other) for other in others)


def _more(text: str, actions: Sequence[Action]) -> Iterator[str]:
    """Let an agent of the text do something else besides."""
    agents = dict.fromkeys(
        a.agent for a in actions if a.agent and a.agent != "camera" and " and " not in a.agent
    )
    text = text if re.search(r"[.!?]\s*$", text) else f"{text.rstrip()}."
    ends = [found.end() for found in re.finditer(r"[.!?](?=\s|$)", text)] or [len(text)]
    for agent in agents:
        for extra in _EXTRA:
            for end in ends:
                yield f"{text[:end]} {_as_subject(agent, text)} {extra}.{text[end:]}"


def _as_subject(agent: str, text: str) -> str:
    """Write an agent as the text does, with its article."""
    found = re.search(rf"\b(?:(?:a|an|the) )?{re.escape(agent)}\b", text, re.IGNORECASE)
    told = re.sub(r"^an? ", "the ", found.group(), flags=re.IGNORECASE) if found else f"the {agent}"
    return told[0].upper() + told[1:]


def _other_order(text: str, actions: Sequence[Action]) -> Iterator[str]:
    """Exchange two sentences, or the times of two motions, or turn "before" into "after"."""
    times = list(_TIME.finditer(text))
    for i, one in enumerate(times):
        for two in times[i + 1 :]:
            if one.group().lower() != two.group().lower():
                first, second = _cased(one.group(), two.group()), _cased(two.group(), one.group())
                yield f"{text[: one.start()]}{first}{text[one.end() : two.start()]}{second}{text[two.end() :]}"
    if times:
        return
    sentences = re.findall(r"[^.!?]+[.!?]+", text)
    for i in range(len(sentences) - 1):
        swapped = [*sentences[:i], sentences[i + 1], sentences[i], *sentences[i + 2 :]]
        yield " ".join(sentence.strip() for sentence in swapped)
    for found in re.finditer(r"\b(?:before|after)\b", text, re.IGNORECASE):
        yield _put(text, found, "after" if found.group().lower() == "before" else "before")
    yield from _other_clauses(text)


def _other_clauses(text: str) -> Iterator[str]:
    """Exchange two parts of a list of motions: "jumps, turns and sits" to "turns, jumps and sits"."""
    for found in re.finditer(r"(?<=, )([^,.;]+), ([^,.;]+)(?=[,.;])", text):
        one, two = (part.removeprefix("and ").removeprefix("then ") for part in found.groups())
        yield f"{text[: found.start()]}{two}, {_link(found.group(2))}{one}{text[found.end() :]}"


def _link(clause: str) -> str:
    found = re.match(r"(?:and )?(?:then )?", clause)
    return found.group() if found else ""


def _cased(place: str, words: str) -> str:
    """Return words with a capital if those whose place they take have one."""
    first = words[0].upper() if place[0].isupper() else words[0].lower()
    return first + words[1:]


def _put(text: str, found: re.Match[str], words: str) -> str:
    return text[: found.start()] + _cased(found.group(), words) + text[found.end() :]


_EDITS: Mapping[str, Callable[[str, Sequence[Action]], Iterator[str]]] = {
    "added_action": _more,
    "swapped_order": _other_order,
    "wrong_direction": _other_way,
    "wrong_side": _other_way,
    "wrong_count": _other_number,
    "wrong_agent": _other_agent,
}
