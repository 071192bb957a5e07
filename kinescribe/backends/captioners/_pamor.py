"""PaMoR tuples (KPM-Bench 3.2): as a model lists them, as sentences that are read back, and in order of time.

| PaMoR | here |
|---|---|
| MI, AE, PE, MM, DI | ``Entry``: motion, agent, patient, magnitude, direction; and the part, number and time |
| AQ, PQ | ``Look``: told once of each agent and patient, not anew in every tuple |
| level | the step in which it was listed |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, model_validator

from kinescribe.checks import Measurements, check, claims_of
from kinescribe.language import names
from kinescribe.language.grounding import states
from kinescribe.language.render import INSTANT_S, sentence, times
from kinescribe.records import Claim, Facts, Span
from kinescribe.vocabulary import VERB_BY_LEMMA

MOST_ENTRIES = 24
"""In one step: three times what KPM's captions tell in all (171 words in 7.7 s); more is a model that loops."""
MOST_BRIEF = 12
"""Words in one part of an entry."""
MOST_ADDED = 48
"""Facts that no tuple states and that are handed in, the surest: a long clip has more than a paragraph can hold."""
MOST_TIMES = 99
"""Repetitions that anybody counts."""
_ODD = re.compile(r"[^\w\s',\u2019#-]|_")
"""What no name and no verb has: marks, brackets, the end of a sentence."""
_OWN = re.compile(r"(?:the|his|her|its|their|both|an?) ", re.IGNORECASE)


def _brief(text: str) -> str:
    """Return a part of an entry in plain words, ValueError if it is a text."""
    plain = " ".join(_ODD.sub(" ", text).split())
    if len(plain.split()) > MOST_BRIEF:
        raise ValueError(f"give at most {MOST_BRIEF} words")
    return plain


def _few(listed: tuple[BaseModel, ...]) -> tuple[BaseModel, ...]:
    if len(listed) > MOST_ENTRIES:
        raise ValueError(f"give at most {MOST_ENTRIES}")
    return listed


Brief = Annotated[str, AfterValidator(_brief)]


# --- what is asked for --------------------------------------------------------------------------------------


class Look(BaseModel):
    """Somebody or something, and how it looks: AQ or PQ of all its motions."""

    name: Brief
    look: Annotated[str, AfterValidator(lambda text: " ".join(text.split())[:200])] = ""


class Cast(BaseModel):
    """Step 1."""

    agents: Annotated[tuple[Look, ...], AfterValidator(_few)] = ()
    things: Annotated[tuple[Look, ...], AfterValidator(_few)] = ()


class Entry(BaseModel):
    """A motion of a body or a thing as a whole; whatever does not apply is empty."""

    agent: Brief
    motion: Brief
    patient: Brief = ""
    magnitude: Brief = ""
    direction: Brief = ""
    times: int | None = None
    start_s: float | None = None
    end_s: float | None = None


class PartEntry(Entry):
    """A motion of a part of the body, or with one."""

    part: Brief = ""


class Individual(BaseModel):
    """Step 2."""

    entries: Annotated[tuple[Entry, ...], AfterValidator(_few)]


class Limb(BaseModel):
    """Step 3."""

    entries: Annotated[tuple[PartEntry, ...], AfterValidator(_few)]


class Distal(BaseModel):
    """Step 4."""

    entries: Annotated[tuple[PartEntry, ...], AfterValidator(_few)]


class Patients(BaseModel):
    """Step 5."""

    entries: Annotated[tuple[PartEntry, ...], AfterValidator(_few)]


class Order(BaseModel):
    """Step 6: ids of motions."""

    steps: tuple[tuple[int, ...], ...]
    repeats: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _tells(self) -> Order:
        if not any(self.steps):
            raise ValueError("there are no steps; give every id once")
        return self


# --- as sentences -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pamor:
    """A tuple as it is said, and what that asserts."""

    says: str
    """One sentence."""
    level: str
    """From ``vocabulary.LEVELS``."""
    claims: tuple[Claim, ...]
    """As the parser reads the sentence back."""
    span: Span | None
    """When, in seconds; None where it is not told."""
    measured: bool = False
    """Whether it says a fact."""

    @property
    def subjects(self) -> frozenset[int]:
        """Track ids of who is said to do something, or to have it done to them."""
        return frozenset(i for claim in self.claims for i in (claim.subject, claim.object) if i is not None)


def listed(
    entries: Iterable[Entry], level: str, measured: Measurements, named: Callable[[str], str]
) -> list[Pamor]:
    """Return what a model listed, without entries that say nothing, no sentence twice.

    Args:
        entries: of one step.
        level: of the step; empty where each entry has its own.
        measured: whose tracks the sentences speak of.
        named: puts names in the place of tags.
    """
    found: dict[str, Pamor] = {}
    for entry in entries:
        if entry.agent and entry.motion:
            one = _said(entry, level, measured, named)
            found.setdefault(one.says.casefold(), one)
    return list(found.values())


def _said(entry: Entry, level: str, measured: Measurements, named: Callable[[str], str]) -> Pamor:
    span = _span(entry, measured.clip.duration_s)
    says = named(_sentence(entry, span))
    claims = claims_of(says, measured.tracks)
    own = claims[0].action.level if claims else "individual"
    return Pamor(says, level or own, claims, span)


def _span(entry: Entry, duration_s: float) -> Span | None:
    """Return when something happens, within the clip; None where the model does not tell, or not of this clip."""
    start, end = entry.start_s, entry.end_s
    if start is None or not 0 <= start <= duration_s:
        return None
    end = start if end is None or end < start else min(end, duration_s)
    return Span(round(start, 1), round(end, 1))


def _sentence(entry: Entry, span: Span | None) -> str:
    """Return an entry in words, in an order that the parser reads."""
    part = getattr(entry, "part", "")
    whose = part if not part or _OWN.match(part) else f"the {part}"
    objects = f"{entry.patient} with {whose}" if entry.patient and part else entry.patient or whose
    number = times(entry.times) if entry.times and 1 <= entry.times <= MOST_TIMES else ""
    words = [entry.agent, _third(entry.motion), objects, entry.magnitude, entry.direction, number]
    text = " ".join(word for word in words if word)
    if span is not None:
        short = span.duration_s < INSTANT_S
        text += f" at {span.start_s:.1f} s" if short else f" from {span.start_s:.1f} s to {span.end_s:.1f} s"
    return f"{text[0].upper()}{text[1:]}."


def _third(motion: str) -> str:
    """Return a verb in the third person: models write "raise" as well."""
    first, *rest = motion.split()
    known = VERB_BY_LEMMA.get(first.lower())
    return " ".join([known.third if known else first, *rest])


def missed(facts: Facts, told: Sequence[Pamor], measured: Measurements) -> list[Pamor]:
    """Return the facts that no tuple states, as tuples; ``MOST_ADDED`` at most."""
    called = names(measured.tracks)
    claims = [claim for one in told for claim in one.claims]
    unsaid = [fact for fact in facts.facts if not any(states(claim, fact) for claim in claims)]
    surest = sorted(unsaid, key=lambda fact: -fact.confidence)[:MOST_ADDED]
    found = []
    for fact in surest:
        says = sentence(fact, called[fact.subject], None if fact.object is None else called[fact.object])
        found.append(Pamor(says, fact.level, claims_of(says, measured.tracks), fact.span, True))
    return found


def objection(one: Pamor, measured: Measurements) -> str:
    """Return why a tuple is false; empty where it is not known to be."""
    judged = (check(claim, measured) for claim in one.claims)
    return "; ".join(dict.fromkeys(found.why for found in judged if found.holds is False))


# --- in order of time ---------------------------------------------------------------------------------------


def by_time(told: Iterable[Pamor]) -> list[Pamor]:
    """Return tuples by when they begin; those without a time stay behind the one before them."""
    return [one for group in in_time([[one] for one in told]) for one in group]


def ordered(order: Order, told: Sequence[Pamor]) -> list[list[Pamor]]:
    """Return tuples in the steps that a model puts them in, against which no time speaks.

    Ids are positions in ``told``; unknown ones and second mentions are passed over. What the model forgot, and what
    it calls the repeat of a motion although nobody else's motion is left of its subject, comes back.
    """
    left = dict(enumerate(told))
    steps = [[left.pop(i) for i in step if i in left] for step in order.steps]
    kept = {subject for step in steps for one in step for subject in one.subjects}
    back = [one for i, one in left.items() if i not in order.repeats or not (one.subjects <= kept)]
    return in_time([*(step for step in steps if step), *([one] for one in back)])


def in_time(steps: Iterable[Sequence[Pamor]]) -> list[list[Pamor]]:
    """Return steps in order of time; of one step, what does not happen at one time is taken apart."""
    at, found = 0.0, []
    for step in steps:
        for part in _together(step):
            at = min((one.span.start_s for one in part if one.span is not None), default=at)
            found.append((at, part))
    return [part for _, part in sorted(found, key=lambda pair: pair[0])]


def _together(step: Sequence[Pamor]) -> Iterator[list[Pamor]]:
    """Yield the parts of a step whose times overlap; what has no time goes with the first."""
    part = [one for one in step if one.span is None]
    end = None
    for one in sorted((one for one in step if one.span is not None), key=lambda one: one.span or Span(0, 0)):
        assert one.span is not None
        if end is not None and one.span.start_s >= end:
            yield part
            part = []
        part.append(one)
        end = max(end or 0.0, one.span.end_s)
    yield part
