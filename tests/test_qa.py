"""Questions: exactly one true option, honest distractors, no position that wins."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chisquare

from kinescribe.checks import Measurements, check
from kinescribe.language import ground, names, parse
from kinescribe.records import Captions, Clip, Facts, Question, Questions, Verdicts
from kinescribe.stages.caption import WriteCaptions
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.stages.qa import AskQuestions
from kinescribe.stages.verify import VerifyCaptions
from kinescribe.vocabulary import QA_CATEGORIES
from tests import worlds
from tests.test_facts import no_poses

SEEDS = (3,)


@cache
def measured_world(name: str, seed: int) -> tuple[Measurements, Facts]:
    """What the pipeline measures of a world whose boxes are seen with half a pixel of jitter."""
    if name in worlds.SCENARIOS:
        seen = worlds.truth(worlds.SCENARIOS[name](seed))
        poses = no_poses(seen.clip.times_s)
        jitter = np.random.default_rng([seed, 5]).normal(0, 0.5, seen.tracks.xyxy.shape)
        clip, camera, tracks = seen.clip, seen.camera, replace(seen.tracks, xyxy=seen.tracks.xyxy + jitter)
    else:
        people = worlds.BODY_SCENARIOS[name](seed)
        clip, camera, tracks, poses = people.clip, people.camera, people.tracks, people.poses
    kinematics = MeasureKinematics()(clip, camera, tracks, poses)
    events = FindEvents()(clip, camera, tracks, poses, kinematics)
    facts = StateFacts()(clip, camera, tracks, events)
    return Measurements(clip, camera, tracks, poses, kinematics), facts


def parts(measured: Measurements) -> tuple:
    return measured.clip, measured.camera, measured.tracks, measured.poses, measured.kinematics


def asked(name: str, world_seed: int, **settings: int) -> Questions:
    measured, facts = measured_world(name, world_seed)
    return AskQuestions(**settings)(*parts(measured), facts)


WORLDS = [(name, seed) for name in (*worlds.SCENARIOS, *worlds.BODY_SCENARIOS) for seed in SEEDS]


@cache
def everything() -> tuple[tuple[str, int, Question], ...]:
    return tuple((name, seed, q) for name, seed in WORLDS for q in asked(name, seed).questions)


def test_all_categories_are_asked() -> None:
    asked_of = Counter(question.category for _, _, question in everything())
    assert set(asked_of) == set(QA_CATEGORIES), asked_of


def test_form() -> None:
    for name, seed, question in everything():
        _, facts = measured_world(name, seed)
        assert len(question.options) == len(set(question.options)) == 4
        assert 0 <= question.answer_index < 4
        assert question.fact_id in {fact.id for fact in facts.facts}
        assert f"fact {question.fact_id}; answer checked true" in question.provenance
        assert "checked false" in question.provenance
        assert question.text.endswith("?")


def whole(question: Question, option: str) -> str | None:
    """A question and one option as a statement, for the categories in which that is easy."""
    option = option[0].lower() + option[1:]
    if question.category == "motion_recognition" and " do" in question.text:
        name, _, when = question.text.removeprefix("What does ").removesuffix("?").partition(" do")
        return f"{name} {option}{when}."
    if question.text.startswith("In which direction"):
        name, _, when = (
            question.text.removeprefix("In which direction does ").removesuffix("?").partition(" move")
        )
        return f"{name} moves {option}{when}."
    if question.category == "motion_object" and "both" not in option and "none" not in option:
        return f"{option} {question.text.removeprefix('Who or what ').removesuffix('?')}."
    return None


def test_read_as_a_sentence_the_answer_is_true_and_the_others_are_false() -> None:
    """A second way to the verdict: through the words, the parser and the grounding."""
    judged = 0
    for name, seed, question in everything():
        measured, _ = measured_world(name, seed)
        called = names(measured.tracks)
        for i, option in enumerate(question.options):
            text = whole(question, option)
            if text is not None:
                (claim,) = ground(parse(text), measured.tracks, called)
                found = check(claim, measured)
                assert found.holds is (i == question.answer_index), (name, seed, question, text, found)
                judged += 1
    assert judged > 200


def test_the_truth_of_the_world_agrees() -> None:
    """The answer to a question about a direction is what the world was told to do."""
    directions = 0
    for name, seed, question in everything():
        if question.text.startswith("In which direction") and name.startswith("move_"):
            said = question.options[question.answer_index].lower().removeprefix("to the ").replace(" ", "_")
            assert said == name.removeprefix("move_"), (name, seed, question)
            directions += 1
        if question.category == "repetition_count":
            facts = {**worlds.SCENARIOS, **worlds.BODY_SCENARIOS}[name](seed).facts
            numbers = {
                "Once": 1,
                "Twice": 2,
                "Three times": 3,
                "Four times": 4,
                "Five times": 5,
                "Six times": 6,
            }
            said = question.options[question.answer_index]
            assert numbers.get(said, int(said.split()[0]) if said[0].isdigit() else 0) in {
                f.count for f in facts
            }
    assert directions >= 8


def test_positions_are_even() -> None:
    """Over many clips; a fixed position or a position that follows the category would show."""
    measured, facts = measured_world("start_stop", 3)
    counts: Counter[int] = Counter()
    by_category: dict[str, Counter[int]] = {}
    for number in range(80):
        clip: Clip = replace(measured.clip, id=f"clip{number:04d}")
        moved = replace(measured, clip=clip)
        for question in AskQuestions(max_per_category=2)(*parts(moved), facts).questions:
            counts[question.answer_index] += 1
            by_category.setdefault(question.category, Counter())[question.answer_index] += 1
    assert chisquare([counts[i] for i in range(4)]).pvalue > 0.01, counts
    for category, own in by_category.items():
        assert chisquare([own[i] for i in range(4)]).pvalue > 0.001, (category, own)


def test_the_same_clip_gives_the_same_questions_and_another_seed_others() -> None:
    assert asked("start_stop", 3) == asked("start_stop", 3)
    assert asked("start_stop", 3) != asked("start_stop", 3, seed=1)


def test_no_more_than_wanted() -> None:
    few = asked("pair_cross", 3, max_per_category=1)
    assert max(Counter(q.category for q in few.questions).values()) == 1
    assert len(asked("pair_cross", 3).questions) > len(few.questions)


def test_a_wrong_fact_gives_no_question() -> None:
    measured, facts = measured_world("move_right", 3)
    wrong = tuple(
        replace(fact, direction=("left",)) if fact.direction == ("right",) else fact for fact in facts.facts
    )
    assert wrong != facts.facts
    found = AskQuestions()(*parts(measured), Facts(wrong))
    assert all("direction" not in q.text for q in found.questions)
    assert all("left" not in q.options[q.answer_index] for q in found.questions)


def test_orders_do_not_overlap() -> None:
    for name, seed, question in everything():
        if question.category != "action_order":
            continue
        assert sum("stays" in option for option in question.options) == 0
        answer = question.options[question.answer_index]
        first, _, second = answer.partition(", then ")
        swapped = f"{second}, then {first}".lower()
        assert swapped in {option.lower() for option in question.options}, (name, seed, question)


def test_no_two_options_mean_the_same() -> None:
    for _, _, question in everything():
        for one, two in combinations(question.options, 2):
            assert not one.startswith(two + " in a straight")
            assert not any(
                one.startswith(word) and two.startswith(word) for word in ("Enters", "Leaves", "Stays")
            )


# --- captions and verdicts on the same worlds ---------------------------------------------------------------


@pytest.mark.parametrize("name", [*worlds.SCENARIOS, *worlds.BODY_SCENARIOS])
def test_the_writer_is_read_back_and_confirmed(name: str) -> None:
    measured, facts = measured_world(name, 3)
    captions: Captions = WriteCaptions()(measured.clip, measured.tracks, measured.kinematics, facts)
    verdicts: Verdicts = VerifyCaptions()(*parts(measured), captions)
    own = [fact for fact in facts.facts if fact.subject >= 0]
    assert len(captions.captions[0].claims) == len(facts.facts)
    assert sum(len(caption.claims) for caption in captions.captions[1:]) == len(own)
    assert {caption.scope for caption in captions.captions} <= {"scene", "region"}
    assert [v for v in verdicts.verdicts if v.holds is not True] == [], captions.captions[0].text


def test_a_wrong_sentence_is_refused() -> None:
    """A caption that turns every direction round is refused, whatever the facts say."""
    measured, facts = measured_world("move_right", 3)
    turned = tuple(replace(f, direction=("left",)) if f.direction == ("right",) else f for f in facts.facts)
    captions = WriteCaptions()(measured.clip, measured.tracks, measured.kinematics, Facts(turned))
    verdicts = VerifyCaptions()(*parts(measured), captions)
    assert any(verdict.holds is False and "right" in verdict.why for verdict in verdicts.verdicts)


def test_no_facts_no_words() -> None:
    measured, _ = measured_world("nothing_noise", 3)
    captions = WriteCaptions()(measured.clip, measured.tracks, measured.kinematics, Facts(()))
    assert captions.captions == ()
    assert AskQuestions()(*parts(measured), Facts(())).questions == ()
