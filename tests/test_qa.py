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
from kinescribe.records import CAMERA, Captions, Clip, Facts, MotionFact, Question, Questions, Span, Verdicts
from kinescribe.stages.caption import WriteCaptions
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.stages.qa import AskQuestions
from kinescribe.stages.verify import VerifyCaptions
from kinescribe.vocabulary import COMPASS, QA_CATEGORIES
from tests import worlds
from tests.bodies import BODY_SCENARIOS
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
        people = BODY_SCENARIOS[name](seed)
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


WORLDS = [(name, seed) for name in (*worlds.SCENARIOS, *BODY_SCENARIOS) for seed in SEEDS]


@cache
def everything() -> tuple[tuple[str, int, Question], ...]:
    return tuple((name, seed, q) for name, seed in WORLDS for q in asked(name, seed).questions)


def test_all_categories_are_asked() -> None:
    asked_of = Counter(question.category for _, _, question in everything())
    assert set(asked_of) >= set(QA_CATEGORIES), asked_of
    # What no measurement answers needs a model.
    assert set(asked_of) - set(QA_CATEGORIES) == {"kpm_human", "kpm_movement", "kpm_camera"}, asked_of


def test_form() -> None:
    for name, seed, question in everything():
        _, facts = measured_world(name, seed)
        assert len(question.options) == len(set(question.options)) == 4
        assert 0 <= question.answer_index < 4
        assert question.fact_id in {None, *(fact.id for fact in facts.facts)}
        of = "measured" if question.fact_id is None else f"fact {question.fact_id}"
        assert f"{of}; answer checked true" in question.provenance
        assert question.template.split(".")[0] in ("fm", "kpm")
        assert question.roles == ()
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
    if question.template == "fm.actor" and "none" not in option:
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
            assert said.removesuffix("ward") == name.removeprefix("move_"), (name, seed, question)
            directions += 1
        answer = question.options[question.answer_index].lower()
        if question.text.startswith("What does") and name.startswith("move_") and answer.startswith("moves"):
            said = answer.removeprefix("moves ").removeprefix("to the ").replace(" ", "_")
            assert said == name.removeprefix("move_"), (name, seed, question)
            directions += 1
        if question.category == "repetition_count":
            facts = {**worlds.SCENARIOS, **BODY_SCENARIOS}[name](seed).facts
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
        if question.category != "motion_recognition":
            continue
        for one, two in combinations(question.options, 2):
            assert not one.startswith(two + " in a straight")
            assert not any(
                one.startswith(word) and two.startswith(word) for word in ("Enters", "Leaves", "Stays")
            )


def test_one_question_about_what_a_fact_does() -> None:
    """What a subject does and which way it goes (or how its speed changes) are one question; either form is asked."""
    asked_of: Counter[tuple[str, int, str | None]] = Counter()
    forms: dict[str, Counter[bool]] = {"way": Counter(), "speed": Counter()}
    for name, seed, question in everything():
        way, speed = (
            question.text.startswith(f"{w} ") for w in ("In which direction does", "How does the speed")
        )
        if not (way or speed or question.category == "motion_recognition"):
            continue
        asked_of[(name, seed, question.fact_id)] += 1
        (fact,) = (f for f in measured_world(name, seed)[1].facts if f.id == question.fact_id)
        if fact.predicate in ("accelerate", "decelerate"):
            forms["speed"][speed] += 1
        elif fact.predicate == "move" and fact.direction and fact.direction[0] in COMPASS:
            forms["way"][way] += 1
    assert max(asked_of.values()) == 1
    assert min(forms["way"][True], forms["way"][False]) >= 5, forms


def speeding_up() -> tuple[Measurements, Facts]:
    """One car whose speed grows all the time, unlike any in the worlds; and the fact of it."""
    measured, _ = measured_world("move_right", 3)
    t = measured.clip.times_s
    x = 30 + 20 * t + 300 * t**2 / (2 * t[-1]) * (0.5 * measured.clip.width / (170 * t[-1]))
    box = np.stack([x, 0 * t + 100, x + 40, 0 * t + 140], -1)[None]
    ids, seen = np.array([1000], np.int64), np.zeros((1, len(t)), np.int64)
    tracks = replace(measured.tracks, ids=ids, label=("car",), xyxy=box, score=seen + 1.0, detection=seen)
    tracks = replace(tracks, velocity_px_s=None)
    kinematics = MeasureKinematics()(measured.clip, measured.camera, tracks, measured.poses)
    fact = MotionFact("f000", 1000, "accelerate", Span(0.5, float(t[-1]) - 0.5))
    return replace(measured, tracks=tracks, kinematics=kinematics), Facts((fact,))


def test_a_change_of_speed_is_asked_once() -> None:
    measured, facts = speeding_up()
    forms: Counter[str] = Counter()
    for seed in range(12):
        found = AskQuestions(seed=seed)(*parts(measured), facts).questions
        own = [q.text.split()[0] for q in found if q.text.startswith(("What does", "How does the speed"))]
        assert len(own) == 1
        forms[own[0]] += 1
    assert set(forms) == {"What", "How"}


def test_another_fact_does_not_reshuffle_the_rest() -> None:
    """Without the last fact (and with other ids) the questions about the others stay as they were."""
    measured, facts = measured_world("pair_cross", 3)
    fewer = tuple(replace(fact, id=f"g{i}") for i, fact in enumerate(facts.facts[:-1]))
    wide = AskQuestions(max_per_category=1000)
    found = [wide(*parts(measured), Facts(some)).questions for some in (facts.facts, fewer)]
    own = {fact.id for fact in facts.facts[:-1]}
    unrelated = ("location_motion", "motion_attribute", "spatial_relation", "repetition_count")
    one, two = (
        [
            replace(q, fact_id=None, provenance="")
            for q in some
            if q.fact_id in ids and q.category in unrelated
        ]
        for some, ids in zip(found, (own, {f.id for f in fewer}), strict=True)
    )
    assert one == two
    assert len(one) >= 3


def test_who_is_mentioned_nowhere_else_is_not_offered() -> None:
    """Where two are spoken of, it is asked which of the two, whoever else stands about."""
    measured, facts = measured_world("pair_cross", 3)
    called = names(measured.tracks)
    ids = [i for i in measured.tracks.ids.tolist() if any(f.subject == i for f in facts.facts)]
    assert len(ids) == 2
    crowded = with_strangers(measured, 3)
    strangers = {name for i, name in names(crowded.tracks).items() if i not in called}
    assert len(strangers) == 3
    who = [
        question
        for number in range(10)
        for question in AskQuestions(seed=number)(*parts(crowded), facts).questions
        if question.category == "motion_object"
    ]
    assert len(who) >= 10
    for question in who:
        text = " ".join((question.text, *question.options)).lower()
        assert not any(stranger in text for stranger in strangers), question
    answers = Counter(question.options[question.answer_index].split()[0] for question in who)
    assert answers["Only"] > answers["Neither"] > 0, answers


def with_strangers(measured: Measurements, number: int) -> Measurements:
    """The same with subjects that stay where the first one begins, and of whom no fact speaks."""
    tracks = measured.tracks
    ids = np.concatenate([tracks.ids, 2000 + np.arange(number)])
    still = np.broadcast_to(tracks.xyxy[:1, :1], (number, *tracks.xyxy.shape[1:]))
    tracks = replace(
        tracks,
        ids=ids,
        label=(*tracks.label, *["object"] * number),
        xyxy=np.concatenate([tracks.xyxy, np.where(np.isfinite(still), still, 50.0) + np.zeros_like(still)]),
        score=np.concatenate([tracks.score, np.ones((number, tracks.score.shape[1]))]),
        detection=np.concatenate([tracks.detection, np.zeros((number, tracks.detection.shape[1]), np.int64)]),
        velocity_px_s=None,
    )
    kinematics = MeasureKinematics()(measured.clip, measured.camera, tracks, measured.poses)
    return replace(measured, tracks=tracks, kinematics=kinematics)


def asked_of_camera(*labels: str) -> list[Question]:
    """What is asked about the camera of a clip without subjects, with these labels."""
    measured, _ = measured_world("nothing_noise", 3)
    camera = replace(measured.camera, labels=labels)
    events = FindEvents()(measured.clip, camera, *parts(measured)[2:])
    facts = StateFacts()(measured.clip, camera, measured.tracks, events)
    found = AskQuestions(families=("foundationmotion",))(
        measured.clip, camera, *parts(measured)[2:], facts
    ).questions
    return [question for question in found if question.subject == CAMERA]


@pytest.mark.parametrize("labels", [("static",), ("pan_left",), ("zoom_out",), ("tilt_up", "handheld")])
def test_the_camera_is_asked_about(labels: tuple[str, ...]) -> None:
    """Once, even where two things are true all along: the same words would have two answers in one clip."""
    (question,) = questions = asked_of_camera(*labels)
    said = {"static": "Stays still", "pan_left": "Pans to the left", "zoom_out": "Zooms out", "tilt_up": "Tilts up",
            "handheld": "Shakes"}  # fmt: skip
    assert question.options[question.answer_index] in {said[label] for label in labels}
    assert {question.category for question in questions} == {"motion_recognition"}
    assert not any("forward" in o or "backward" in o for q in questions for o in q.options)


@pytest.mark.parametrize(
    ("label", "answer", "false"),
    [
        ("dolly_in", "Moves forward", {"Moves backward", "Zooms out", "Stays still"}),
        ("dolly_out", "Moves backward", {"Moves forward", "Zooms in", "Stays still"}),
    ],
)
def test_driving_is_asked_about_though_more_may_happen(label: str, answer: str, false: set[str]) -> None:
    """Of what else the camera does while it drives only this much is known to be false."""
    (question,) = asked_of_camera(label, "complex")
    assert question.options[question.answer_index] == answer
    assert set(question.options) == {answer, *false}


def test_where_more_happens_than_is_known_nothing_is_asked() -> None:
    assert asked_of_camera("pan_left", "complex") == []


def test_the_shape_of_a_short_straight_way_is_not_asked_for() -> None:
    measured, facts = measured_world("move_right", 3)
    (move,) = (fact for fact in facts.facts if fact.predicate == "move")
    wide = replace(move, trajectory="straight", magnitude=None, span=Span(1.0, 3.0))
    short = replace(wide, span=Span(1.0, 1.8))
    path = [
        ["path" in q.text for q in AskQuestions()(*parts(measured), Facts((fact,))).questions]
        for fact in (wide, short)
    ]
    assert any(path[0])
    assert not any(path[1])


# --- captions and verdicts on the same worlds ---------------------------------------------------------------


@pytest.mark.parametrize("name", [*worlds.SCENARIOS, *BODY_SCENARIOS])
def test_the_writer_is_read_back_and_confirmed(name: str) -> None:
    measured, facts = measured_world(name, 3)
    captions: Captions = WriteCaptions()(*parts(measured), facts)
    verdicts: Verdicts = VerifyCaptions()(*parts(measured), captions)
    own = [fact for fact in facts.facts if fact.subject >= 0]
    assert len(captions.captions[0].claims) == len(facts.facts)
    assert sum(len(caption.claims) for caption in captions.captions[1:]) == len(own)
    assert {caption.scope for caption in captions.captions} <= {"scene", "region"}
    assert [v for v in verdicts.verdicts if v.holds is not True] == [], captions.captions[0].text


def test_no_facts_no_words() -> None:
    measured, _ = measured_world("nothing_noise", 3)
    captions = WriteCaptions()(*parts(measured), Facts(()))
    assert captions.captions == ()
    assert AskQuestions()(*parts(measured), Facts(())).questions == ()
