"""Names of things in one form: "Two red bikes" and "a bicycle" are both "bicycle"; people are "person".

For lists that models make of what they see, and that a detector is then to look for. Things of one kind are told apart
by where they are, never by their look, so colours and sizes are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kinescribe.language.lexicon import DETERMINERS, NUMBERS, POSSESSIVES
from kinescribe.language.nouns import ANIMALS, GROUPS, HOLLOW, PEOPLE, SCENERY, kind, singular
from kinescribe.vocabulary import PERSON

MOST_WORDS = 3
""""Remote control car" has three; more is a description."""
MOST_LETTERS = 30
_BULLET = re.compile(r"^(?:\d+[.)]|[-*•])\s*")
_NAME = re.compile(r"[a-z][a-z0-9'-]*(?: [a-z0-9][a-z0-9'-]*)*")
_ENDS = re.compile(
    r"[,;:.(/\[]| (?:with|in|on|at|from|by|near|under|over|behind|beside|above|below|inside|to|for|that|which|who|being|"
    r"holding|wearing|and|or) "
)
"""Where a description begins."""

_HOLDS = frozenset(
    "piece pieces slice pair pairs group bunch set stack pile row kind part parts lot number couple flock herd pack".split()
)
"""Words before "of" that mean what comes after it: a piece of paper is paper. A cup of coffee is a cup."""
_PERSONS = GROUPS - set("flock herd pack swarm pair group".split())
_PLURAL = frozenset(
    "sunglasses goggles pants trousers jeans shorts leggings scissors tongs pliers tweezers headphones "
    "binoculars clothes".split()
)
"""One of them is several already."""
_IRREGULAR = {"leaves": "leaf", "loaves": "loaf", "wolves": "wolf", "calves": "calf", "oxen": "ox"}
_LOOKS = frozenset(
    "red green blue yellow orange purple pink brown black white gray grey golden silver dark bright colorful colourful "
    "big large small little tiny huge tall short long wide thin thick round square old young new wooden metal metallic "
    "plastic striped left right upper lower front rear nearby distant other another second first third single multiple "
    "various moving parked empty full open closed beautiful visible unknown numerous".split()
)
"""In front of a noun these say how or where it is, and hardly ever what."""
_BODY = frozenset(
    "hand arm leg foot finger thumb head face hair eye mouth nose ear body torso shoulder elbow wrist knee ankle hip back "
    "chest neck waist limb palm fist skin tail paw wing".split()
)
"""Parts of somebody: their motion is told by the skeleton, or is the whole's."""
_VAGUE = frozenset(
    "object thing item stuff something anything nothing none unknown n/a scenery nature wall ceiling window door-frame "
    "sand water snow grass dirt sea ocean lake sunset weather wind text logo caption subtitle watermark".split()
)
"""No thing of which there is one, or nothing that a detector could find."""
_SAME = """
bicycle bike pushbike cycle
motorcycle motorbike
car automobile sedan suv hatchback
airplane plane aeroplane aircraft jet
television tv
sofa couch
phone smartphone cellphone cell-phone mobile-phone telephone mobile
laptop laptop-computer notebook-computer
refrigerator fridge
bag handbag
backpack rucksack knapsack
dog puppy
cat kitten kitty
duck duckling
horse pony foal
rabbit bunny
ball football soccer-ball soccerball basketball volleyball baseball tennis-ball
bus minibus coach-bus
truck lorry
boat rowboat motorboat
ship vessel
trash-can garbage-can dustbin trash-bin
cup mug
pan frying-pan skillet
drawer drawers
glass drinking-glass
shopping-cart trolley shopping-trolley cart
stroller pram pushchair baby-carriage
skateboard longboard
toy-car remote-control-car rc-car
"""
"""A line of names for what a detector finds at the same place by any of them; the first one stays."""
_ONE_NAME: Mapping[str, str] = {
    other: names[0] for line in _SAME.strip().splitlines() for names in [line.split()] for other in names[1:]
}
_ONE_NAME = {other.replace("-", " "): name.replace("-", " ") for other, name in _ONE_NAME.items()}
_KINDS: Mapping[str, frozenset[str]] = {
    "vehicle": frozenset(
        "car bus truck van taxi motorcycle bicycle train tram scooter tractor airplane boat".split()
    ),
    "animal": ANIMALS - {"animal", "creature", "beast"},
    "bird": frozenset(
        "duck goose swan turkey pigeon dove crow parrot eagle hawk owl gull seagull chicken hen".split()
    ),
    "furniture": frozenset("table chair sofa bed desk shelf cabinet bench stool".split()),
}
"""General names, which a detector finds at the same place as the particular ones."""


class Named(NamedTuple):
    """Names, and what was not taken for one."""

    names: tuple[str, ...]
    left_out: tuple[str, ...]


def name_of(said: str) -> str | None:
    """Return what is said of a thing as a name: lower case, singular, without article, number and look.

    ``person`` for people of all kinds; None for parts of a body, for scenery and for what is no name.
    """
    plain = _BULLET.sub("", " ".join(said.casefold().replace("_", " ").split()))
    words = _ENDS.split(plain)[0].strip(" '\"-*`").split()
    words = _without_front(_after_of(_without_front(words)))
    while len(words) > 1 and words[-1].isdigit():  # "car 2"
        words.pop()
    if not 0 < len(words) <= MOST_WORDS or _is_front(words[-1]) and words != ["orange"]:
        return None
    head = _singular(words[-1], alone=len(words) == 1)
    if PERSON in (head, kind(head)) or head in PEOPLE or head in _PERSONS:
        return PERSON
    name = " ".join([*words[:-1], head])
    name = _ONE_NAME.get(name, name)
    if name != "traffic light" and any(head in words for words in (_BODY, _VAGUE, HOLLOW, SCENERY, GROUPS)):
        return None
    return name if len(name) <= MOST_LETTERS and len(name) > 1 and _NAME.fullmatch(name) else None


def merged(lists: Iterable[Iterable[str]], most: int) -> Named:
    """Return the names of several lists as one: those that most lists have come first, then those said first.

    Args:
        lists: what was said, a list for each answer.
        most: so many names are kept.
    """
    votes: Counter[str] = Counter()
    left_out: dict[str, None] = {}
    for said in lists:
        own: dict[str, None] = {}
        for one in said:
            name = name_of(one)
            own |= {name: None} if name else {}
            left_out |= {} if name else {one: None}
        votes.update(own.keys())
    named = dict(votes.most_common())  # equal ones stay in the order in which they came
    for name in list(named):
        instead = _instead(name, named)
        if instead:
            named[instead] += named.pop(name)
    order = sorted(named, key=lambda name: -named[name])
    return Named(tuple(order[:most]), (*left_out, *order[most:]))


def _instead(name: str, named: Mapping[str, int]) -> str:
    """Return another name of the list that a detector finds at the same place, or nothing.

    Of "water bottle" and "bottle" the shorter stays, which holds for all of them; of "vehicle" and "car" the particular.
    """
    words = name.split()
    for start in range(1, len(words)):
        if " ".join(words[start:]) in named:
            return " ".join(words[start:])
    return next((other for other in named if other in _KINDS.get(name, ())), "")


def _singular(word: str, alone: bool) -> str:
    if word in _PLURAL or (word == "glasses" and alone):  # wine glasses are many
        return word
    return _IRREGULAR.get(word) or singular(word)


def _without_front(words: list[str]) -> list[str]:
    """Return words without articles, numbers and looks in front; the last word stays."""
    start = 0
    while start < len(words) - 1 and (_is_front(words[start]) or words[start] == "of"):
        start += 1
    return words[start:]


def _is_front(word: str) -> bool:
    parts = word.split("-")  # "light-blue"
    bare = parts[-1] if len(parts) > 1 else word
    return bare in DETERMINERS or bare in POSSESSIVES or bare in NUMBERS or bare in _LOOKS or word.isdigit()


def _after_of(words: list[str]) -> list[str]:
    """Return what "a piece of it" is of; of "a cup of coffee" the cup."""
    if "of" not in words:
        return words
    place = words.index("of")
    return words[place + 1 :] if place and words[place - 1] in _HOLDS else words[:place]
