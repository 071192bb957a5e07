"""Directions, shapes, counts, manners and times in a stretch of text, by phrase."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from kinescribe.language import lexicon as lex
from kinescribe.records import Span

_SIDE = r"(?:left|right)"
_POSSESSOR = r"(?:the|his|her|its|their|my|your|one's|\w+'s)"
_EDGE = r"(?:[ -]hand)?(?: (?:side|edge|border|end|half|corner|part)\b)?"
_END = r"(?=$|\s*[,.;:!?)\]…—–]|\s+[\u2190-\u2bff\U0001f000-\U0001faff]|[^\w\s'’&/-]|['’](?!\w)|\s+(?:{})\b|\s+\w+ly\b)".format(
    "|".join(sorted(lex.PREPOSITIONS | lex.COORDINATORS | lex.SUBORDINATORS | {"then", "again", "once", "twice",
    "to", "a", "two", "three", "four", "five", "six", "slightly", "slowly", "quickly", "fast", "first"}))
)  # fmt: skip
"""What may follow a bare direction word; a noun would make it an adjective."""
_UP, _DOWN = r"(?:up(?:ward|wards)?|top|upper)", r"(?:down(?:ward|wards)?|bottom|lower)"
_COLLISIONS = (
    "lane|table|wall|door|car|truck|bus|person|man|woman|tree|pole|post|spin|squat|crouch|position|pose|stance|dive|roll|"
    "handstand|lunge|view|sight|frame|ground|floor|fence|object|kneeling|standing|sitting|run|walk|turn|jump"
)


class Found(NamedTuple):
    """A direction at a place in the text."""

    start: int
    directions: tuple[str, ...]
    shape: str | None = None


def _compound(match: re.Match[str]) -> tuple[str, ...]:
    """``up and to the left`` and its like name a diagonal."""
    text = match.group().lower()
    vertical = "upper" if re.search(_UP, text) else "lower"
    return (f"{vertical}_{'left' if 'left' in text else 'right'}",)


def _side_of(match: re.Match[str]) -> tuple[str, ...]:
    return ("left" if "left" in match.group().lower() else "right",)


def _target(match: re.Match[str]) -> tuple[str, ...]:
    """``from X to Y`` goes to Y."""
    return _END_WORDS[match.group(1).lower()]


_END_WORDS = {
    "left": ("left",), "right": ("right",), "top": ("up",), "bottom": ("down",), "front": ("forward",),
    "back": ("backward",), "above": ("up",), "below": ("down",),
}  # fmt: skip
_WORDS = "|".join(_END_WORDS)

_ARROWS = {
    "[←⬅⇐]": "left", "[→➡⇒]": "right", "[↑⬆⇑]": "up", "[↓⬇⇓]": "down",
    "[↖⬉]": "upper_left", "[↗⬈]": "upper_right", "[↙⬋]": "lower_left", "[↘⬊]": "lower_right",
}  # fmt: skip

_Meaning = tuple[str, ...] | Callable[[re.Match[str]], tuple[str, ...]]
_CAMERA = r"(?:the )?(?:camera|viewer|lens|viewpoint|screen|us)\b"
_RULES: tuple[tuple[str, _Meaning, str | None], ...] = (
    # Not directions at all: eaten first.
    (r"\b(?:out of|from|into|in|within) (?:the )?(?:view|sight|frame|picture|shot|scene|screen)\b", (), None),
    (rf"\bfrom {_POSSESSOR} (?:{_UP}|{_DOWN})[ -]{_SIDE}(?:[ -](?:hand )?(?:corner|edge|side))?", (), None),
    (rf"\b(?:on|in|at|along|with|from|of) {_POSSESSOR} (?:far |very )?{_SIDE}{_EDGE}(?: of\b)?(?!\w)", (), None),
    (r"\b(?:down|up|along|across) (?:the|a) (?:street|road|hall|hallway|corridor|path|aisle|track|river|lane|line|court|pitch|"
     r"sidewalk|beach|runway)\b", (), None),
    (r"\bright (?:away|behind|next|after|before|under|above|over|beside|now)\b", (), None),
    (r"\bup (?:to|with) (?:the|a|an|his|her|its|their|him|them|it|each|one)\b", (), None),
    (r"\b(?:upside[- ]down|upside|up and running)\b", (), None),
    (r"\b(?:his|her|its|their|your|one's|\w+'s) (?:own |left |right |upper |lower )*back\b(?! side)", (), None),
    (r"\bto [^,.;]{1,40} and back(?=$|[,.;])", (), None),
    (r"\bin front of\b|\bface[- ](?:down|up)\b|\bpalms?[- ](?:down|up)\b", (), None),
    # To and fro.
    (r"\b(?:back and forth|backwards? and forwards?|forwards? and backwards?|to and fro|(?:from )?side to side)\b",
     ("back_and_forth",), "back_and_forth"),
    (r"\b(?:left and right|right and left|left to right and back|from left to right and back(?: again)?)\b",
     ("left", "right"), "back_and_forth"),
    (r"\b(?:up and down|down and up|upwards? and downwards?)\b", ("up", "down"), "back_and_forth"),
    # Diagonals.
    (rf"\b(?:{_UP}|{_DOWN})[ -](?:and |& )?(?:(?:to|toward|towards) (?:the |its |his |her )?)?{_SIDE}(?:wards?)?\b"
     rf"(?:[ -](?:hand )?(?:corner|edge|side))?", _compound, None),
    (rf"\b{_SIDE}(?:wards?)? and (?:{_UP}|{_DOWN})\b", _compound, None),
    # From X to Y.
    (r"(?<!from )\b(?:left|right|top|bottom) to (left|right|top|bottom)\b(?! and back)", _target, None),
    (rf"\bfrom (?:the )?(?:{_WORDS})(?: side)?(?: of the \w+)? (?:to|toward|towards) (?:the )?({_WORDS})\b", _target, None),
    # Sides.
    (rf"\b(?:to|toward|towards) {_POSSESSOR} (?:far |very |own |camera |camera's )?{_SIDE}{_EDGE}{_END}", _side_of, None),
    (rf"\b{_SIDE}wards?\b", _side_of, None),
    (rf"(?<!the )(?<!his )(?<!her )(?<!its )(?<!their )\b{_SIDE}{_END}", _side_of, None),
    # The camera.
    (rf"\b(?:toward|towards|closer to|nearer to|at) {_CAMERA}", ("toward_camera",), None),
    (rf"\b(?:away from|farther from|further from) {_CAMERA}", ("away_from_camera",), None),
    # Turning.
    (r"\b(?:counter[- ]?clockwise|anti[- ]?clockwise)\b", ("counterclockwise",), None),
    (r"\bclockwise\b", ("clockwise",), None),
    (r"\bin (?:a |an )?(?:\w+ )?circles?\b", ("around",), "circular"),
    (r"\bu-turn\b", ("around",), None),
    (r"\baround\b(?! (?:a corner|the corner))", ("around",), None),
    # Depth and in-and-out.
    (r"\b(?:straight )?(?:forwards?|ahead)\b", ("forward",), None),
    (r"\bbackwards?\b", ("backward",), None),
    (rf"\bback{_END}(?!\s+(?:to|toward|towards|in|into|on|onto|at|from|and forth|again|up|down|inside|over)\b)",
     ("backward",), None),
    (r"\b(?:in place|on the spot)\b", ("in_place",), None),
    (r"\b(?:inwards?|inside)\b", ("in",), None),
    (rf"\binto\b(?! (?:the |a |an |his |her |its |another )?(?:\w+ )?(?:{_COLLISIONS})\b)", ("in",), None),
    (r"\bin(?=$|\s*[,.;]|\s+(?:and|with|by|again|then|from)\b)", ("in",), None),
    (r"\b(?:outwards?|outside|out of|out)\b", ("out",), None),
    # Up and down, last: "up to the left" is eaten above.
    (r"\b(?:upwards?|uphill|upstairs|overhead|up)\b", ("up",), None),
    (r"\b(?:downwards?|downhill|downstairs|down)\b", ("down",), None),
    # Arrows, but not one that leads from one act to the next.
    *((rf"{arrow}\ufe0f?(?=$|\s*[,.;:!?)])", (value,), None) for arrow, value in _ARROWS.items()),
    # Shapes.
    (r"\bin a straight line\b|\bstraight\b", (), "straight"),
    (r"\b(?:along|in|on|through) (?:a|an) (?:\w+ )?(?:curved path|curve|arc|curving path)\b", (), "curved"),
    (r"\b(?:in|along) (?:a )?zig-?zags?\b(?: (?:path|line|pattern))?", (), "zigzag"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), value, shape) for pattern, value, shape in _RULES)

_EDGES = {
    "from": re.compile(r"\bfrom (?:the )?(?:(upper|top|lower|bottom)[ -])?(left|right|top|bottom|above|below)\b", re.I),
    "at": re.compile(r"\b(?:at|on|over|through|to) (?:the )?(?:(upper|top|lower|bottom)[ -])?(left|right|top|bottom)\b", re.I),
}  # fmt: skip


_DIRECTIONAL = frozenset(
    (
        "left right leftward leftwards rightward rightwards up upward upwards uphill upstairs upper overhead down downward "
        "downwards downhill downstairs lower top bottom above below forward forwards ahead backward backwards back front "
        "camera viewer lens viewpoint screen us counterclockwise clockwise anticlockwise counter anti circle circles u turn "
        "around place spot inward inwards inside into in outward outwards outside out straight curve curved curving arc "
        "zigzag zigzags zig side fro"
    ).split()
)
"""Without one of these words a text names no way; asking for them first spares it forty patterns."""

_ARROW = re.compile("|".join(_ARROWS))


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", text.lower()))


class Way(NamedTuple):
    """Where and along what shape something goes."""

    direction: tuple[str, ...] = ()
    shape: str | None = None


def way(text: str) -> Way:
    """Return the directions of a stretch of text, in the order in which they are said, and its shape."""
    found: list[Found] = []
    if _DIRECTIONAL.isdisjoint(_words(text)) and _ARROW.search(text) is None:
        return Way()
    for pattern, value, shape in _COMPILED:
        for match in pattern.finditer(text):
            directions = value(match) if callable(value) else value
            found.append(Found(match.start(), directions, shape))
            text = f"{text[: match.start()]}{',' * len(match.group())}{text[match.end() :]}"
    found.sort()
    said = list(dict.fromkeys(d for item in found for d in item.directions))
    shapes = [item.shape for item in found if item.shape]
    if "around" in said and {"clockwise", "counterclockwise"} & set(said):
        said.remove("around")
    return Way(tuple(said), shapes[0] if shapes else None)


def entry_side(text: str) -> tuple[str, ...]:
    """Return the way something goes that comes into view ``from the left``; empty where it is not said."""
    match = _EDGES["from"].search(text)
    if match is None:
        return ()
    opposite = {
        "left": "right",
        "right": "left",
        "top": "down",
        "above": "down",
        "bottom": "up",
        "below": "up",
    }
    level = {None: "", "upper": "lower_", "top": "lower_", "lower": "upper_", "bottom": "upper_"}[
        match.group(1) and match.group(1).lower()
    ]
    return (level + opposite[match.group(2).lower()],)


def exit_side(text: str) -> tuple[str, ...]:
    """Return the side at which something leaves the picture; empty where it is not said."""
    match = _EDGES["at"].search(text)
    if match is None:
        return ()
    side = {"left": "left", "right": "right", "top": "up", "bottom": "down"}[match.group(2).lower()]
    level = {None: "", "upper": "upper_", "top": "upper_", "lower": "lower_", "bottom": "lower_"}[
        match.group(1) and match.group(1).lower()
    ]
    return (level + side,)


NUMBERS = "|".join([*lex.NUMBERS, r"\d+"])
_COUNT = re.compile(rf"\b(?:(once|twice|thrice)|({NUMBERS})(?: more)? times?)\b", re.IGNORECASE)

_STEPS = re.compile(
    rf"\b({NUMBERS})(?: (?:more|small|large|big|quick|slow|long|short|full|light|heavy))* "
    r"(?:steps?|paces?|strides?|laps?|reps?|repetitions|rounds|hops|turns|spins|rotations|revolutions|circles)\b",
    re.IGNORECASE,
)


_VAGUE = re.compile(
    rf"\b(?:{NUMBERS})\s*(?:-|–|to|or)\s*(?:{NUMBERS})\s+(?:more )?\w+|\d[.,]\d+\s+(?:times|laps?|steps?|turns?|rotations?)",
    re.IGNORECASE,
)
"""No number of repetitions: "two or three times", "1.5 times"."""
_COUNTED = frozenset(
    (
        "once twice thrice time times step steps pace paces stride strides lap laps rep reps repetition repetitions rounds hop "
        "hops turn turns spin spins rotation rotations revolution revolutions circle circles"
    ).split()
)


def count(text: str) -> int | None:
    """Return how often something happens, where a number is given: times, or steps of the motion."""
    if _COUNTED.isdisjoint(_words(text)) or _VAGUE.search(text) is not None:
        return None
    match = _COUNT.search(text)
    if match is not None and match.group(1):
        return {"once": 1, "twice": 2, "thrice": 3}[match.group(1).lower()]
    said = match.group(2) if match is not None else None
    steps = _STEPS.search(text)
    said = steps.group(1) if said is None and steps is not None else said
    return None if said is None else number(said)


def number(word: str) -> int | None:
    """Return a number from its word or digits."""
    return int(word) if word.isdigit() else lex.NUMBERS.get(word.lower())


_DEGREE_PHRASES = (
    (re.compile(r"\ba (?:little|bit)(?: bit)?\b", re.I), "slightly"),
    (re.compile(r"\ball the way\b", re.I), "fully"),
    (re.compile(r"\ba long way\b", re.I), "far"),
    (re.compile(r"\bat (?:a )?(high|low|constant|great|full) speed\b", re.I), None),
    (
        re.compile(
            r"\b(?:with|in) (?:a )?((?:large|small|wide|great) (?:amplitude|arc|circles?|motion))\b", re.I
        ),
        None,
    ),
)
_NOT_MANNER = frozenset(
    ("only directly finally initially simultaneously likely actually possibly apparently recently").split()
)
_MANNERS = frozenset(
    ["far", "fast", "wider", "repeatedly", "again-and-again", "abruptly", "somewhat", "high"]
)


_DEGREES = frozenset("little bit way speed amplitude arc circle circles motion again".split())


def magnitude(text: str) -> str | None:
    """Return the first word or phrase of manner: how much or how fast."""
    found: list[tuple[int, str]] = []
    words = _words(text)
    if not any(word in _MANNERS or word[-2:] == "ly" for word in words) and _DEGREES.isdisjoint(words):
        return None
    for pattern, meaning in _DEGREE_PHRASES:
        for match in pattern.finditer(text):
            found.append(
                (match.start(), meaning or match.group(1) if match.lastindex else meaning or match.group())
            )
    for match in re.finditer(r"[A-Za-z]+", text):
        word = match.group().lower()
        manner = word.endswith("ly") and len(word) > 4 and word not in lex.NOT_ADVERBS | _NOT_MANNER
        if manner or word in _MANNERS:
            found.append((match.start(), word))
    return min(found)[1] if found else None


_UNIT = r"\s*(?:s|secs?|seconds?)\b"
_VALUE = r"(?<![\d.])(\d{1,7}(?:\.\d{1,6})?)(?!\d)"
_TIMES = (
    re.compile(
        rf"\b(?:from|between)\s+{_VALUE}(?:{_UNIT})?\s*(?:to|and|until|till|-|–)\s*{_VALUE}{_UNIT}", re.I
    ),
    re.compile(rf"\(?{_VALUE}\s*[-–]\s*{_VALUE}{_UNIT}\)?", re.I),
    re.compile(rf"\b(?:at|around)\s+(?:about\s+|around\s+)?{_VALUE}{_UNIT}", re.I),
)


def mask_times(text: str) -> tuple[str, list[tuple[int, Span]]]:
    """Return the text with its times blanked out (offsets stay), and the times with their places."""
    found: list[tuple[int, Span]] = []
    if not any(map(str.isdigit, text)):
        return text, found
    for pattern in _TIMES:
        for match in pattern.finditer(text):
            start = float(match.group(1))
            end = float(match.group(2)) if match.lastindex == 2 else start
            found.append((match.start(), Span(min(start, end), max(start, end))))
        text = pattern.sub(lambda m: " " * len(m.group()), text)
    return text, sorted(found)


_METRES = re.compile(
    r"\b(?:(?:about|around|roughly|some|by) )*(\d+(?:\.\d+)?) ?(?:m|met(?:re|er)s?)\b"
    r"(?= (?:away|towards?|closer|nearer|farther|further|back)\b)",
    re.IGNORECASE,
)


def mask_metres(text: str) -> tuple[str, list[tuple[int, float]]]:
    """Return the text with ways in metres ("2.3 m away") blanked out (offsets stay), and them with their places."""
    found = [(match.start(), float(match.group(1))) for match in _METRES.finditer(text)]
    return (_METRES.sub(lambda m: " " * len(m.group()), text), found) if found else (text, [])


_COMPASS_WORD = r"(?:north|south)(?:[- ]?(?:east|west))?|east|west"
_UNREAD = re.compile(
    rf"^\W*(?:\w+ly )?(?:(?:(?:to|toward|towards) (?:the )?)?({_COMPASS_WORD})(?:wards?|erly|ern direction)?\b"
    r"|(?:to|toward|towards|at|in) (?:the |about |around )*(\d{1,2} ?o'? ?clock)\b)",
    re.IGNORECASE,
)


def unread(text: str) -> str | None:
    """Return the direction that a stretch of text begins with and that no picture shows: "to the west"."""
    match = _UNREAD.match(text)
    return None if match is None else (match[1] or match[2]).lower()
