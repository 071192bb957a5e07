"""Facts to words and back; sentences by hand; who is called what."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.language import ground, names, parse, render, resolve, sentence
from kinescribe.language.grounding import meaning
from kinescribe.language.render import _VERBS, in_order, phrase, said_shape, said_span
from kinescribe.records import CAMERA, Action, Claim, MotionFact, Span, Tracks
from kinescribe.vocabulary import (
    COMPASS,
    MAGNITUDES,
    ORDERS,
    PARTS,
    PREDICATES,
    RELATIONS,
    TRAJECTORY_PHRASES,
    VERBS,
)


def tracks_of(*labels: str) -> Tracks:
    ids = np.array([10 * i if label == "person" else 1000 + i for i, label in enumerate(labels)], np.int64)
    shape = (len(labels), 2)
    return Tracks(ids, labels, np.zeros((*shape, 4)), np.ones(shape), np.zeros(shape, np.int64))


STREET = tracks_of("person", "person", "car", "object")
PERSON, OTHER, CAR, THING = (int(i) for i in STREET.ids)
CALLED = names(STREET)

# --- round trip ---------------------------------------------------------------------------------------------

GOING = {
    CAMERA: {"pan": ["left", "right"], "tilt": ["up", "down"], "roll": ["clockwise", "counterclockwise"],
             "zoom": ["in", "out"], "move": ["forward", "backward"], "shake": [], "stay": []},
    PERSON: {
        "move": [*COMPASS, "toward_camera", "away_from_camera"],
        "enter": list(COMPASS), "leave": list(COMPASS),
        "pass": ["left", "right", "up", "down"], "lean": ["left", "right", "forward", "backward"],
        "turn": ["left", "right", "clockwise", "counterclockwise"],
        **{p: [] for p in ("start", "stop", "pause", "stay", "accelerate", "decelerate", "jump",
                           "raise", "lower", "bend", "straighten", *(r for r in RELATIONS if r != "pass"), *ORDERS)},
    },
}  # fmt: skip
"""Which directions each predicate can have, for the camera and for the rest."""
assert {p for some in GOING.values() for p in some} == set(PREDICATES)
ARMS = tuple(part for part in PARTS if any(limb in part for limb in ("arm", "leg", "hand")))
JOINTS = tuple(part for part in PARTS if part not in ARMS)


@st.composite
def motion_facts(draw: st.DrawFn, subject: int | None = None) -> MotionFact:
    """Any fact that the facts stage could state, and more."""
    who = draw(st.sampled_from([CAMERA, PERSON, CAR, THING])) if subject is None else subject
    table = GOING[CAMERA if who == CAMERA else PERSON]
    predicate = draw(st.sampled_from(sorted(table)))
    start = draw(st.floats(0, 50))
    span = Span(start, start + draw(st.sampled_from([0.0, 0.4, 2.5, 30.0])))
    more: dict[str, object] = {}
    if table[predicate]:
        optional = predicate in ("move", "enter", "leave", "pan") and draw(st.booleans())
        more["direction"] = () if optional else (draw(st.sampled_from(table[predicate])),)
    if predicate == "move" and who != CAMERA:
        more |= draw(moves())
        if set(more.get("direction", ())) & {"toward_camera", "away_from_camera"}:  # type: ignore[call-overload]
            more["metres"] = draw(st.one_of(st.none(), st.integers(1, 400).map(lambda tenths: tenths / 10)))
    elif predicate in ("raise", "lower"):
        more |= {
            "part": draw(st.sampled_from(ARMS)),
            "count": draw(counts),
            "magnitude": draw(maybe(("slightly", "fully"))),
        }
    elif predicate in ("bend", "straighten"):
        more |= {
            "part": draw(st.sampled_from(JOINTS)),
            "count": draw(counts),
            "magnitude": draw(maybe(("deeply", "slightly"))),
        }
    elif predicate == "jump":
        more["count"] = draw(counts)
    elif predicate in (*RELATIONS, *ORDERS):
        more["object"] = draw(st.sampled_from([i for i in (PERSON, OTHER, CAR, THING) if i != who]))
    name = f"f{draw(st.integers(0, 999)):03d}"
    return MotionFact(name, who, predicate, span, **more)  # type: ignore[arg-type]


counts = st.one_of(st.none(), st.integers(1, 15))


def maybe(words: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(words))


@st.composite
def moves(draw: st.DrawFn) -> dict[str, object]:
    """Straight, curved and circular ways, zigzags, and to and fro."""
    shape = draw(maybe(tuple(TRAJECTORY_PHRASES)))
    more: dict[str, object] = {
        "trajectory": shape,
        "magnitude": draw(maybe(("slowly", "quickly", "slightly", "far"))),
    }
    if shape == "back_and_forth":
        both = draw(st.sampled_from([("left", "right"), ("up", "down"), ()]))
        more |= {"direction": both, "count": draw(counts)}
    if shape == "circular":
        more |= {
            "direction": (draw(st.sampled_from(["clockwise", "counterclockwise"])),),
            "count": draw(counts),
        }
    return more


def assert_says(claim: Claim, fact: MotionFact) -> None:
    """The claim read back asserts what the fact states, as far as sentences say it."""
    meant = meaning(claim.action, claim.subject)
    assert meant is not None
    assert not meant.negated
    assert (meant.predicate, claim.subject, claim.object) == (fact.predicate, fact.subject, fact.object)
    unsaid = {"back_and_forth"} if fact.trajectory == "back_and_forth" else set()
    assert set(meant.direction) - unsaid == set(fact.direction) - unsaid
    assert (meant.trajectory, meant.count, meant.part) == (said_shape(fact), fact.count, fact.part)
    assert (meant.magnitude, meant.span, meant.metres) == (fact.magnitude, said_span(fact), fact.metres)


@given(motion_facts())
def test_a_sentence_reads_back_as_its_fact(fact: MotionFact) -> None:
    other = None if fact.object is None else CALLED[fact.object]
    claims = ground(parse(sentence(fact, CALLED[fact.subject], other)), STREET, CALLED)
    assert len(claims) == 1
    assert_says(claims[0], fact)


@given(st.lists(motion_facts(), min_size=1, max_size=8))
def test_a_text_reads_back_as_its_facts(facts: list[MotionFact]) -> None:
    text = render(facts, CALLED)
    claims = ground(parse(text), STREET, CALLED)
    ordered = in_order(facts)
    starts = [(said_span(fact) or Span(0, 0)).start_s for fact in ordered]
    assert starts == sorted(starts)
    assert len(claims) == len(facts), text
    for claim, fact in zip(claims, ordered, strict=True):
        assert_says(claim, fact)
    assert text == render(list(facts), CALLED)


def fact_of(number: int, predicate: str, start_s: float, end_s: float, **more: object) -> MotionFact:
    return MotionFact(f"f{number:03d}", PERSON, predicate, Span(start_s, end_s), **more)  # type: ignore[arg-type]


def test_entering_is_said_first_and_leaving_last() -> None:
    moves = fact_of(1, "move", 5.8, 6.4, direction=("right",))
    facts = [moves, fact_of(2, "enter", 5.8, 6.2), fact_of(0, "leave", 6.0, 6.4)]
    meant = [meaning(action) for action in parse(render(facts, CALLED))]
    assert [a and a.predicate for a in meant] == ["enter", "move", "leave"]
    assert [a.span and a.span.start_s for a in meant if a] == [5.8, 5.8, 6.4]
    same = [fact_of(1, "move", 2.8, 3.0), fact_of(0, "leave", 2.5, 2.8), fact_of(2, "enter", 2.8, 3.0)]
    assert [fact.predicate for fact in in_order(same)] == ["enter", "move", "leave"]


def test_short_and_slight_ways_are_not_called_straight() -> None:
    said = {
        "short": phrase(fact_of(0, "move", 1.0, 1.8, trajectory="straight")),
        "slight": phrase(fact_of(0, "move", 1.0, 4.0, trajectory="straight", magnitude="slightly")),
        "long": phrase(fact_of(0, "move", 1.0, 4.0, trajectory="straight")),
        "round": phrase(fact_of(0, "move", 1.0, 1.8, trajectory="curved")),
    }
    assert {key: "straight" in text or "curved" in text for key, text in said.items()} == {
        "short": False, "slight": False, "long": True, "round": True,
    }  # fmt: skip


def test_one_wording_within_a_text_and_several_between_texts() -> None:
    texts = []
    for number in range(0, 120, 6):
        facts = [fact_of(number + i, "move", 2.0 * i, 2.0 * i + 1, direction=("up",)) for i in range(6)]
        actions = parse(render(facts, CALLED))
        assert len({action.predicate for action in actions}) == 1
        texts.append(actions[0].predicate)
    assert set(texts) == {"move", "travel", "go"}


@pytest.mark.parametrize("predicate", sorted(_VERBS))
def test_every_wording_of_a_predicate_means_it(predicate: str) -> None:
    subject = CAMERA if predicate in ("pan", "tilt", "roll", "zoom", "shake") else PERSON
    part = {"raise": "left_arm", "lower": "left_arm", "bend": "left_knee", "straighten": "left_knee"}.get(
        predicate
    )
    other = CAR if predicate in (*RELATIONS, *ORDERS) else None
    way = ("forward",) if predicate == "lean" else ()
    fact = MotionFact("f", subject, predicate, Span(0, 1), part=part, object=other, direction=way)
    for variant in range(len(_VERBS[predicate])):
        text = f"{CALLED[subject]} {phrase(fact, other and CALLED[other], variant)}."
        (claim,) = ground(parse(text), STREET, CALLED)
        meant = meaning(claim.action, claim.subject)
        assert meant is not None, text
        assert (meant.predicate, meant.part, claim.object) == (predicate, part, other), text


SPECIAL = {"set": "sets off", "appear": "appears in view", "disappear": "disappears from view",
           "stay": "stays still", "remain": "remains still", "speed": "speeds up", "slow": "slows down",
           "lean": "leans forward"}  # fmt: skip
LIMB = {
    "raise": "the left arm",
    "lower": "the left arm",
    "bend": "the left knee",
    "straighten": "the left knee",
}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.lemma)
def test_every_verb_of_the_vocabulary_is_read(verb: object) -> None:
    """In the third person, the progressive and the past, with what its predicate needs."""
    third = SPECIAL.get(verb.lemma, verb.third)  # type: ignore[attr-defined]
    rest = third.partition(" ")[2]
    patient = LIMB.get(verb.predicate, "the car" if verb.predicate in RELATIONS else "")  # type: ignore[attr-defined]
    subject = "The camera" if verb.predicate in ("pan", "tilt", "roll", "zoom", "shake") else "The person"  # type: ignore[attr-defined]
    for form in (verb.third, f"is {verb.gerund}", verb.past):  # type: ignore[attr-defined]
        text = f"{subject} {form} {rest or patient}".strip() + "."
        (action,) = parse(text)
        meant = meaning(action, CAMERA if subject == "The camera" else 0)
        assert meant is not None, text
        assert meant.predicate == verb.predicate, text  # type: ignore[attr-defined]
        assert set(verb.direction) <= set(meant.direction), text  # type: ignore[attr-defined]


@pytest.mark.parametrize(("magnitude", "direction"), list(product(MAGNITUDES[:4], ("left", "upper_right"))))
def test_a_side_is_a_direction_and_a_body_side_is_none(magnitude: str, direction: str) -> None:
    fact = MotionFact("f", PERSON, "move", Span(0, 2), direction=(direction,), magnitude=magnitude)
    (going,) = parse(sentence(fact, "person 1"))
    (raising,) = parse(f"Person 1 {magnitude} raises the left arm.")
    assert going.direction == (direction,)
    assert going.part is None
    assert raising.direction == ()
    assert raising.part == "left_arm"
    assert raising.magnitude == magnitude


# --- sentences by hand --------------------------------------------------------------------------------------


def brief(text: str) -> list[str]:
    """Actions as short strings: ``agent predicate patient direction xN part!``; ``-`` marks denial."""
    said = []
    for a in parse(text):
        words = [
            a.agent or "?",
            ("-" if a.negated else "") + a.predicate,
            a.patient or "",
            "+".join(a.direction),
        ]
        said.append(" ".join(w for w in [*words, f"x{a.count}" if a.count else ""] if w))
    return said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Directions in many words.
        ("The car drifts leftward.", ["car drift left"]),
        ("he steps to his right.", ["he step right"]),
        ("The drone ascends straight up.", ["drone ascend up"]),
        ("The ball rolls down and to the left.", ["ball roll lower_left"]),
        ("The bird flies toward the upper right corner.", ["bird fly upper_right"]),
        ("A wheel spins counter-clockwise.", ["wheel spin counterclockwise"]),
        ("The girl runs toward the camera.", ["girl run toward_camera"]),
        ("The girl runs away from the camera.", ["girl run away_from_camera"]),
        ("A soldier marches in place.", ["soldier march in_place"]),
        ("The swing moves back and forth.", ["swing move back_and_forth"]),
        ("The elevator goes up and down three times.", ["elevator go up+down x3"]),
        ("The train travels from left to right.", ["train travel right"]),
        ("The skater turns left and then right.", ["skater turn left+right"]),
        ("The cyclist turns around.", ["cyclist turn around"]),
        ("The boy walks backward.", ["boy walk backward"]),
        # What is no direction.
        ("The man waves with his left hand.", ["man wave"]),
        ("The truck stays in the left lane and stops.", ["truck stop"]),
        ("The woman raises her right arm.", ["woman raise right arm"]),
        ("she walks down the street.", ["she walk"]),
        ("The dancer bends the left knee twice.", ["dancer bend left knee x2"]),
        # left: a side, and the past of to leave.
        ("The man left the room.", ["man leave room"]),
        ("The man turned left.", ["man turn left"]),
        ("The car left.", ["car leave"]),
        # Several words that make one verb.
        ("The runner sets off.", ["runner set"]),
        ("A bus comes into view from the right.", ["bus enter left"]),
        ("The bus goes out of view.", ["bus leave"]),
        ("The bus speeds up.", ["bus speed"]),
        ("The bus slows down.", ["bus slow"]),
        ("The bus comes to a stop.", ["bus stop"]),
        ("The person moves away from the car.", ["person separate car"]),
        ("The person moves closer to the car.", ["person approach car"]),
        ("A person takes two steps forward.", ["person step forward x2"]),
        ("The gymnast performs a backward flip.", ["gymnast flip backward"]),
        # Denial, possibility, intention, states.
        ("The dog does not move.", ["dog -move"]),
        ("The dog stays still.", ["dog -move"]),
        ("The man leaves without closing the door.", ["man leave", "man -close door"]),
        ("Nobody moves.", ["nobody -move"]),
        ("The man may jump.", []),
        ("The man is about to jump.", []),
        ("The man seems to be running.", ["man run"]),
        ("A woman wearing a hat stands near a tree.", []),
        ("The child tries to climb the fence.", ["child climb fence"]),
        ("The man stops running.", ["man stop"]),
        ("The man starts running.", ["man run"]),
        # Passives.
        ("The ball is kicked by the boy.", ["boy kick ball"]),
        ("The man's left arm is slowly raised.", ["man raise left arm"]),
        # Sharing subjects, objects and counts.
        ("he raises and lowers his arm three times.", ["he raise arm x3", "he lower arm x3"]),
        ("A man walks to the left, stops, and waves.", ["man walk left", "man stop", "man wave"]),
        ("A man in a hat and a dog run.", ["man and dog run"]),
        ("The boy, who is holding a bag, jumps.", ["boy jump"]),
        ("A man in a black and white shirt walks left.", ["man walk left"]),
        ("The camera shakes as a man in a blue top walks left.", ["camera shake", "man walk left"]),
        ("The woman pushes a cart that rolls away.", ["woman push cart", "cart roll"]),
        ("A cat jumps onto the table. It knocks over a vase.", ["cat jump", "cat knock vase"]),
        ("A man lifts a box and puts it down.", ["man lift box", "man put box down"]),
        # Verbs that no list holds.
        ("The robot moonwalks to the left.", ["robot moonwalk left"]),
        ("The penguin is waddling forward.", ["penguin waddle forward"]),
        ("The acrobat pirouetted twice.", ["acrobat pirouette x2"]),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert brief(text) == expected


@pytest.mark.parametrize(
    ("text", "predicates"),
    [
        ("He walks, then sits down.", ["walk", "sit"]),
        ("Before jumping, she bends her knees.", ["bend", "jump"]),
        ("She lands after spinning.", ["spin", "land"]),
        ("After she spins, she lands.", ["spin", "land"]),
        ("When the man throws the ball, the dog runs.", ["throw", "run"]),
        ("She bows before leaving the stage.", ["bow", "leave"]),
        ("He stretches. Finally, he runs.", ["stretch", "run"]),
    ],
)
def test_order_in_time(text: str, predicates: list[str]) -> None:
    actions = parse(text)
    assert [a.predicate for a in sorted(actions, key=lambda a: a.order)] == predicates
    assert len({a.order for a in actions}) == len(actions)


@pytest.mark.parametrize(
    "text",
    [
        "The man walks while the dog runs.",
        "While the man walks, the dog runs.",
        "As the man walks, the dog runs.",
        "The man walks, swinging his arms.",
    ],
)
def test_at_the_same_time(text: str) -> None:
    one, two = parse(text)
    assert one.order == two.order


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("The car moves from 1.2 s to 3.4 s.", [(1.2, 3.4)]),
        ("Between 2 and 5 seconds, the car moves.", [(2, 5)]),
        ("The car stops at 5.0 s.", [(5, 5)]),
        ("The car moves (0.5-2.5 s), then stops at 2.5 s.", [(0.5, 2.5), (2.5, 2.5)]),
        ("The car moves.", [None]),
    ],
)
def test_times(text: str, spans: list[tuple[float, float] | None]) -> None:
    assert [a.span and tuple(a.span) for a in parse(text)] == spans


def test_offsets_are_those_of_the_sentence() -> None:
    text = "The car stops at 1.5 s. Then the person walks and jumps!  "
    stop, walk, jump = parse(text)
    assert text[stop.start : stop.end] == "The car stops at 1.5 s."
    assert text[walk.start : walk.end] == text[jump.start : jump.end] == "Then the person walks and jumps!"


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    for action in parse(text):
        assert 0 <= action.start < action.end <= len(text)


WORDS = (
    "the a man dog her left right arm raises lowers and , then to not is walking while before who it up . "
    "twice 3 s from"
).split()


@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_order_of_words_can_be_read(words: list[str]) -> None:
    text = " ".join(words)
    for action in parse(text):
        assert text[action.start : action.end].strip()
        assert action.predicate


# --- names and grounding ------------------------------------------------------------------------------------


def test_names() -> None:
    assert names(tracks_of("person", "car", "object", "object")) == {
        CAMERA: "the camera", 0: "the person", 1001: "the car", 1002: "object 1", 1003: "object 2",
    }  # fmt: skip
    assert names(tracks_of("person", "person"))[10] == "person 2"


@pytest.mark.parametrize(
    ("phrase_said", "meant"),
    [
        ("Person 1", PERSON), ("person 2", OTHER), ("the car", CAR), ("The red car", CAR), ("the camera", CAMERA),
        ("object", THING), ("person", None), ("the man", None), ("person 3", None), ("bicycle", None), ("", None),
    ],
)  # fmt: skip
def test_resolve(phrase_said: str, meant: int | None) -> None:
    assert resolve(phrase_said, STREET) == meant


def test_a_word_for_a_person_means_the_only_one() -> None:
    alone = tracks_of("person", "car")
    assert resolve("a young woman", alone) == 0
    assert resolve("the driver", alone) == 0


@given(st.lists(st.sampled_from(["person", "car", "object", "traffic_light"]), min_size=1, max_size=6))
def test_resolve_undoes_names(labels: list[str]) -> None:
    tracks = tracks_of(*labels)
    for track_id, name in names(tracks).items():
        assert resolve(name, tracks) == resolve(name.upper(), tracks) == track_id


def test_pronouns_mean_the_subject_before() -> None:
    actions = parse("Person 2 walks to the left. They stop. Person 1 approaches them.")
    claims = ground(actions, STREET, CALLED)
    assert [claim.subject for claim in claims] == [OTHER, OTHER, PERSON]


def test_a_body_part_belongs_to_the_only_person() -> None:
    alone = tracks_of("person", "car")
    (claim,) = ground(parse("The left arm rises."), alone, names(alone))
    assert claim.subject == 0
    meant = meaning(claim.action, 0)
    assert meant is not None
    assert (meant.predicate, meant.part) == ("raise", "left_arm")


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action("smile", 0, 1), None),
        (Action("walk", 0, 1, direction=("left",)), ("move", ("left",), False)),
        (Action("fall", 0, 1), ("move", ("down",), False)),
        (Action("walk", 0, 1, negated=True), ("stay", (), False)),
        (Action("walk", 0, 1, direction=("left",), negated=True), ("move", ("left",), True)),
        (Action("roll", 0, 1, direction=("left",)), ("move", ("left",), False)),
        (Action("swing", 0, 1, part="left_arm"), None),
    ],
)
def test_meaning(action: Action, expected: tuple | None) -> None:
    meant = meaning(action, 0)
    assert (meant and (meant.predicate, meant.direction, meant.negated)) == expected


READINGS = {
    "Prior to jumping, he waves.": [("jump", "he", (), None, 1), ("wave", "he", (), None, 0)],
    "The video shows a man jumping, then running.": [("jump", "man", (), None, 0), ("run", "man", (), None, 1)],
    "He steps back with his left foot.": [("step", "he", ("backward",), None, 0)],
    "Not only does he jump, he also spins.": [("jump", "he", (), None, 0), ("spin", "he", (), None, 1)],
    "They're dancing and she's raised her left arm.": [("dance", "they", (), None, 0), ("raise", "she", (), None, 1)],
    "He turns counter clockwise.": [("turn", "he", ("counterclockwise",), None, 0)],
    "Bend your knees and jump.": [("bend", None, (), None, 0), ("jump", None, (), None, 1)],
    "Jump twice, turn left and sit down.": [
        ("jump", None, (), 2, 0), ("turn", None, ("left",), None, 1), ("sit", None, ("down",), None, 2),
    ],
    "He goes up and to the left.": [("go", "he", ("upper_left",), None, 0)],
    "A dog runs into the house.": [("run", "dog", ("in",), None, 0)],
    "He jumps fifteen times.": [("jump", "he", (), 15, 0)],
    "He jumps two or three times.": [("jump", "he", (), None, 0)],
    "He spins 1.5 times.": [("spin", "he", (), None, 0)],
    "If he jumps, she falls.": [("fall", "she", (), None, 1)],
    "He walks. Meanwhile, she waves.": [("walk", "he", (), None, 0), ("wave", "she", (), None, 0)],
    "Person 1's left hand moves up.": [("move", "person 1", ("up",), None, 0)],
    "A woman walks up to the table.": [("walk", "woman", (), None, 0)],
    "The camera follows as a woman eats, turns her head, and leans.": [
        ("follow", "camera", (), None, 0), ("eat", "woman", (), None, 0), ("turn", "woman", (), None, 1),
        ("lean", "woman", (), None, 2),
    ],
}  # fmt: skip


@pytest.mark.parametrize("text", READINGS)
def test_readings_that_were_wrong(text: str) -> None:
    found = [(a.predicate, a.agent, a.direction, a.count, a.order) for a in parse(text)]
    wanted = READINGS[text]
    low = min(order for *_, order in found)
    assert [(*rest, order - low) for *rest, order in found] == [
        (*rest, order - min(order for *_, order in wanted)) for *rest, order in wanted
    ]
