"""Tie the actions of a text to the subjects of a clip, and say which measurable predicate they assert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kinescribe.language.referring import resolve
from kinescribe.records import CAMERA, Action, Claim, MotionFact, Span, Tracks
from kinescribe.vocabulary import ORDERS, PARTS, VERB_BY_LEMMA

FRAME_WORDS = frozenset({"frame", "view", "picture", "scene", "shot", "screen", "image", "video", "sight"})
"""Patients of entering and leaving that mean the picture, not a subject."""
_SINGULAR = frozenset(["he", "she", "it", "him", "her", "one", "itself", "himself", "herself"])
_GOING = frozenset(
    "shift proceed progress veer scoot relocate journey dart dash hurry scurry trundle trot gallop cruise".split()
)
"""Verbs that say, with a direction and without an object, no more than that something goes there."""
_PLURAL = frozenset(["they", "them", "themselves"])


def ground(actions: Sequence[Action], tracks: Tracks, names: Mapping[int, str]) -> tuple[Claim, ...]:
    """Return one claim per action, its subject and object tied to tracks where the words name one.

    A pronoun that the parser left open means the subject of the action before it. A body part without an owner
    (``the left arm``) belongs to the only person, if there is one.

    Args:
        names: how the subjects are called (``referring.names``).
    """
    called = {name.lower(): track_id for track_id, name in names.items()}
    claims: list[Claim] = []
    last: int | None = None
    for action in actions:
        subject = _subject(action, tracks, called, last)
        target = None if action.patient is None else _named(action.patient, tracks, called)
        claims.append(Claim(action, subject, target))
        last = subject if subject is not None else last
    return tuple(claims)


def _subject(action: Action, tracks: Tracks, called: Mapping[str, int], last: int | None) -> int | None:
    agent = action.agent
    if agent is None:
        return None
    if agent.lower() in _SINGULAR | _PLURAL:
        return last
    found = _named(agent, tracks, called)
    if found is None and action.part is not None and action.patient is None:
        return _only_person(tracks)
    return found


def _named(phrase: str, tracks: Tracks, called: Mapping[str, int]) -> int | None:
    bare = phrase.lower()
    for name in (bare, f"the {bare}"):
        if name in called:
            return called[name]
    return resolve(phrase, tracks)


def _only_person(tracks: Tracks) -> int | None:
    people = [i for i, label in zip(tracks.ids.tolist(), tracks.label, strict=True) if label == "person"]
    return people[0] if len(people) == 1 else None


def meaning(action: Action, subject: int | None = None) -> Action | None:
    """Return the action in measurable terms, or None where nothing here measures it.

    The predicate becomes a key of ``vocabulary.PREDICATES``, and a direction that the verb itself asserts is
    spelled out (to rise is to move up). Not moving is staying.
    """
    if action.predicate in ORDERS:
        return action
    verb = VERB_BY_LEMMA.get(action.predicate)
    if verb is None and action.predicate in _GOING and action.direction and action.patient is None:
        verb = VERB_BY_LEMMA["move"]
    if verb is None:
        return None
    direction = action.direction or verb.direction
    meant = replace(action, predicate=verb.predicate, direction=direction)
    if action.part is not None and verb.predicate == "move":
        return _of_part(meant)
    if subject != CAMERA and verb.lemma == "roll" and action.patient is None:
        return replace(meant, predicate="move")
    if verb.lemma == "drop" and action.patient is None and action.part is None:
        return replace(meant, predicate="move", direction=direction or ("down",))
    if verb.predicate == "move" and action.negated and not direction and action.trajectory is None:
        return replace(meant, predicate="stay", negated=False)
    return meant


def _of_part(meant: Action) -> Action | None:
    """A part that moves up is raised, one that moves down is lowered; other ways of parts are not measured."""
    verbs = {("up",): "raise", ("down",): "lower"}
    if meant.part not in PARTS or meant.direction not in verbs:
        return None
    return replace(meant, predicate=verbs[meant.direction], direction=())


def states(claim: Claim, fact: MotionFact) -> bool:
    """Whether a claim says what a fact states: predicate, subjects and part, nothing against its way, number, time."""
    if claim.subject != fact.subject:
        return False
    meant = meaning(claim.action, claim.subject)
    if meant is None or meant.negated or meant.predicate != fact.predicate or meant.part != fact.part:
        return False
    one_way = not meant.direction or not fact.direction or set(meant.direction) <= set(fact.direction)
    return (
        one_way
        and (fact.object is None or claim.object == fact.object)
        and (meant.count is None or fact.count is None or meant.count == fact.count)
        and (meant.span is None or _share_time(meant.span, fact.span))
    )


def _share_time(one: Span, two: Span) -> bool:
    return min(one.end_s, two.end_s) - max(one.start_s, two.start_s) >= -0.1
