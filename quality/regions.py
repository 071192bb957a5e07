"""What each part of the writer ``motionatlas`` costs and brings, with a model that lies, on worlds with exact truth.

``python -m quality --only regions``: the model says what is true of a world, but lies in 30 % of its sentences about
direction, number, order and subject, and makes up details that nothing measures. Asked again it tells a truth in nine
of ten answers; of what it made up it chooses an option by lot. It does not look at pictures: what crops bring is not
measured here.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from kinescribe.backends import Scene
from kinescribe.backends.captioners.motionatlas import MotionAtlas
from kinescribe.backends.llms.scripted import Scripted
from kinescribe.checks import Measurements, refuted
from kinescribe.language import names
from kinescribe.language.render import phrase
from kinescribe.language.tokens import sentences
from kinescribe.llm.client import Client
from kinescribe.llm.messages import Request
from kinescribe.records import CAMERA, Facts, MotionFact, Span
from kinescribe.stages import mending
from kinescribe.stages.caption import NO_HANDS
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.video import ArrayFrames
from kinescribe.vocabulary import DIRECTION_PHRASES, OPPOSITES
from tests import worlds
from tests.generator import ALL_SCENARIOS, generate
from tests.test_facts import no_poses


def _composed(number: int, seed: int) -> worlds.World:
    return generate(COMPOSED * seed + number)


COMPOSED = 10
"""Worlds of several things for each seed of the others."""
LIES = 0.3
"""Share of the sentences that could be one."""
KNOWS = 0.9
"""Share of the answers in which the model says again what is true."""
KINDS = ("direction", "number", "order", "subject", "event", "detail")
"""Of lies: ``event`` is what is true of another event of the same subject, ``detail`` what nothing measures."""
TRUE_DETAIL = "has a smooth surface"
MADE_UP = (
    "has a red lid",
    "carries a flag",
    "wears a hat",
    "has four wheels",
    "holds a cup",
    "has a long tail",
)
VARIANTS: dict[str, dict[str, Any]] = {
    "all four parts": {},
    "without self-bootstrap": {"self_bootstrap": False},
    "without full video": {"full_video": False},
    "without crops": {"crops": False},
    "without events": {"events": False},
    "none of them": dict.fromkeys(("self_bootstrap", "full_video", "crops", "events"), False),
}
SCENARIOS: Mapping[str, Callable[[int], worlds.World]] = {
    **ALL_SCENARIOS,
    **{f"composed {i}": partial(_composed, i) for i in range(COMPOSED)},
}
NO_LIE = "true"
_TIME = re.compile(r" from \d+\.\d s to \d+\.\d s(?=\.$)")


@dataclass
class Noisy:
    """The model."""

    facts: Sequence[MotionFact]
    """What is true of the world."""
    called: dict[int, str]
    seed: int
    said: list[tuple[str, str, str]] = field(default_factory=list)
    """Whom it was asked about, a sentence, and its kind (``NO_LIE`` or one of ``KINDS``)."""
    calls: Counter[str] = field(default_factory=Counter)
    misplaced: list[tuple[str, float, str]] = field(default_factory=list)
    """Whom it was asked about, from which second on, and what it said of that time that is of another one."""
    joined: dict[tuple[str, float], list[str]] = field(default_factory=dict)
    """What it was given to join, by whom it is about, and from which second on."""

    def __call__(self, request: Request) -> str:
        """Answer by the prompt's name."""
        name = request.prompt.partition("@")[0]
        self.calls[name] += 1
        data = re.findall(r"----- data (\w+) -----\n(.*?)\n----- end of data \1", request.text(), re.DOTALL)
        shown = [text for _, text in data]
        chance = random.Random(f"{self.seed}/{request.key('')}")
        if name in ("region_event", "region_whole"):
            return self._described(request.text(), shown[0], chance)
        if name == "region_claims":
            return self._apart(shown[0])
        if name == "region_check":
            return self._ticked(shown[0], chance)
        notes = json.loads(shown[0])
        for stretch in notes.get("stretches", []):
            self.joined[notes["name"], stretch["from"]] = [_TIME.sub("", said) for said in stretch["seen"]]
        seen = [said for stretch in notes.get("stretches", []) for said in stretch["seen"]]
        return json.dumps({"text": " ".join(dict.fromkeys([*seen, *notes.get("whole", [])])) or "Nothing."})

    def lies(self, name: str) -> dict[str, str]:
        """Return what was said falsely of a subject and nowhere rightly, with its kind."""
        right = {said for who, said, kind in self.said if who == name and kind == NO_LIE}
        return {
            said: kind
            for who, said, kind in self.said
            if who == name and kind not in (NO_LIE, "event") and said not in right
        }

    def truths(self, name: str) -> set[str]:
        """Return what was said rightly of a subject."""
        return {said for who, said, kind in self.said if who == name and kind == NO_LIE}

    def _described(self, text: str, name: str, chance: random.Random) -> str:
        (subject,) = [track_id for track_id, called in self.called.items() if called == name]
        within = re.search(r"from (\d+\.\d+) s to (\d+\.\d+) s", text)
        span = Span(float(within[1]), float(within[2])) if within else Span(-1.0, 1e9)
        own = [
            f for f in self.facts if f.subject == subject and _shared(f.span, span) >= 0.5 * f.span.duration_s
        ]
        others = self._elsewhere(subject, span) if within else []
        told = []
        for fact in own:
            told.append(self._perhaps([*self._lies(fact, span), *others], self._sentence(fact), name, chance))
            if ("event", told[-1]) in others:
                self.misplaced.append((name, round(span.start_s, 1), told[-1]))
        if within is None:
            told += [self._perhaps(lies, right, name, chance) for right, lies in self._pairs(own)]
        made_up = [("detail", f"{_upper(name)} {chance.choice(MADE_UP)}.")]
        told.append(self._perhaps(made_up, f"{_upper(name)} {TRUE_DETAIL}.", name, chance))
        return json.dumps({"what": "", "description": " ".join(told)})

    def _perhaps(self, lies: list[tuple[str, str]], right: str, name: str, chance: random.Random) -> str:
        kind, said = chance.choice(lies) if lies and chance.random() < LIES else (NO_LIE, right)
        self.said.append((name, said, kind))
        return said

    def _sentence(self, fact: MotionFact, subject: int | None = None) -> str:
        other = None if fact.object is None else self.called[fact.object]
        who = self.called[fact.subject if subject is None else subject]
        return f"{_upper(who)} {phrase(fact, other, 0)}."

    def _lies(self, fact: MotionFact, span: Span) -> list[tuple[str, str]]:
        """Return sentences that are like a fact's, and false in a time."""
        found = []
        during = [f for f in self.facts if _shared(f.span, span) > 0]
        both = {d for f in during if f.subject == fact.subject for d in f.direction}
        turned = tuple(OPPOSITES[d] for d in fact.direction if d in OPPOSITES)
        if (
            len(fact.direction) == len(turned) == 1
            and not set(turned) & both
            and turned[0] in DIRECTION_PHRASES
        ):
            found.append(("direction", self._sentence(replace(fact, direction=turned))))
        if fact.count is not None:
            found.append(("number", self._sentence(replace(fact, count=fact.count + 2))))
        for other in self.called:
            like = [f for f in during if f.subject == other and f.predicate == fact.predicate]
            if other not in (CAMERA, fact.subject) and fact.object is None and not like:
                found.append(("subject", self._sentence(fact, other)))
        return found

    def _elsewhere(self, subject: int, span: Span) -> list[tuple[str, str]]:
        """Return what is true of the subject at another time, and not in this one."""
        own = [f for f in self.facts if f.subject == subject and f.object is None and f.count is None]
        here = {f.predicate for f in own if _shared(f.span, span) > 0}
        still = {"stay", "stop", "pause", "start"}
        return [
            ("event", self._sentence(f))
            for f in own
            if _shared(f.span, span) == 0
            and f.predicate not in here
            and not (f.predicate in still and here & still)
        ]

    def _pairs(self, own: Sequence[MotionFact]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield what happens after what, and the other way round."""
        once = Counter((f.predicate, f.direction) for f in own)
        alone = [
            f for f in own if once[f.predicate, f.direction] == 1 and f.count is None and f.object is None
        ]
        for first in alone:
            for second in alone:
                if 0 <= second.span.start_s - first.span.end_s < 1.0:
                    name = _upper(self.called[first.subject])
                    one, two = phrase(first, None, 0), phrase(second, None, 0)
                    wrong = ("order", f"{name} {two}, and then {one}.")
                    yield f"{name} {one}, and then {two}.", [wrong]

    def _apart(self, listed: str) -> str:
        lines = [line.partition(". ") for line in listed.splitlines()]
        others = ("the opposite of it", "nothing of the kind")
        points = [
            {
                "sentence": int(n),
                "statement": said,
                "question": "What is so?",
                "answer": said,
                "others": others,
            }
            for n, _, said in lines
        ]
        return json.dumps({"points": points})

    def _ticked(self, listed: str, chance: random.Random) -> str:
        kinds = {said: kind for _, said, kind in self.said}
        answers: list[dict[str, Any]] = []
        for block in re.split(r"\n(?=\d+\. )", listed)[1:]:
            options = dict(re.findall(r"^ +([A-Z])\. (.*)$", block, re.MULTILINE))
            own = next(letter for letter, option in options.items() if option in kinds)
            known = kinds[options[own]] == NO_LIE and chance.random() < KNOWS
            letter = own if known else chance.choice(sorted(options))
            answers.append({"number": int(block.split(".")[0]), "letter": letter})
        return json.dumps({"answers": answers})


@dataclass
class Score:
    """What came of the sentences of a variant."""

    told: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    """Of them, in the texts at the end."""
    calls: int = 0
    subjects: int = 0

    def row(self, name: str) -> str:
        """Return a line of the table."""
        caught = [
            f"{1 - self.left[k] / self.told[k]:.0%} of {self.told[k]}" if self.told[k] else "-" for k in KINDS
        ]
        true = f"{1 - self.left[NO_LIE] / max(1, self.told[NO_LIE]):.1%} of {self.told[NO_LIE]}"
        return f"| {name} | {self.calls / max(1, self.subjects):.1f} | {' | '.join(caught)} | {true} |"


def measure(seeds: Sequence[int], scenarios: Sequence[str], settings: dict[str, Any]) -> Score:
    """Return what a variant of the writer makes of a model that lies."""
    score = Score()
    for scenario in scenarios:
        for seed in seeds:
            _of_world(scenario, seed, settings, score)
    return score


def _of_world(scenario: str, seed: int, settings: dict[str, Any], score: Score) -> None:
    truth = worlds.truth(SCENARIOS[scenario](seed))
    jitter = np.random.default_rng([seed, 5]).normal(0, 0.5, truth.tracks.xyxy.shape)
    clip, camera, tracks = truth.clip, truth.camera, replace(truth.tracks, xyxy=truth.tracks.xyxy + jitter)
    poses = no_poses(clip.times_s)
    kinematics = MeasureKinematics()(clip, camera, tracks, poses)
    events = FindEvents()(clip, camera, tracks, poses, kinematics)
    facts: Facts = StateFacts()(clip, camera, tracks, events)
    measured = Measurements(clip, camera, tracks, poses, kinematics)
    grey = ArrayFrames(np.full((len(clip.times_s), clip.height, clip.width, 3), 128, np.uint8), clip.times_s)
    scene = Scene(measured, grey, NO_HANDS, facts, events)
    called = names(tracks)
    model = Noisy(truth.facts, called, seed)
    with Client(Scripted("", model, f"noisy/{scenario}/{seed}")) as client:
        objections = partial(refuted, measured=measured)
        texts = {
            told.subject: mending.mend(told, client.ask_all, objections, 0).text
            for told in MotionAtlas(**settings).tell(scene, client.ask_all)
        }
    score.calls += sum(model.calls.values())
    for who, start_s, said in model.misplaced:
        score.told["event"] += 1
        score.left["event"] += said in model.joined.get((who, start_s), ())
    for subject, text in texts.items():
        assert subject is not None
        score.subjects += 1
        found = {_TIME.sub("", text[start:end]) for start, end in sentences(text)}
        for said, kind in model.lies(called[subject]).items():
            score.told[kind] += 1
            score.left[kind] += said in found
        for said in model.truths(called[subject]):
            score.told[NO_LIE] += 1
            score.left[NO_LIE] += said in found


def table(seeds: Sequence[int], scenarios: Sequence[str] = (), workers: int = 1) -> str:
    """Return the table of all variants, as Markdown."""
    chosen = scenarios or tuple(SCENARIOS)
    jobs = [(list(seeds), list(chosen), own) for own in VARIANTS.values()]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        scores = list(pool.map(measure, *zip(*jobs, strict=True)))
    heads = [
        "lies left out: direction",
        "number",
        "order",
        "subject",
        "event",
        "details made up",
        "truths lost",
    ]
    lines = [f"| parts | calls a subject | {' | '.join(heads)} |", "|---|---|" + "---|" * len(heads)]
    return "\n".join([*lines, *(score.row(name) for name, score in zip(VARIANTS, scores, strict=True))])


def _shared(one: Span, other: Span) -> float:
    return max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]
