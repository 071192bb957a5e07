"""The measures of the quality suite, against cases whose numbers are known by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from kinescribe import pipeline
from kinescribe.facts import calibration as product
from kinescribe.records import CameraMotion, Facts, MotionFact, Span, Tracks
from kinescribe.vocabulary import PREDICATES
from quality import calibration, measures, people, sheets, tables, tracking, worlds
from quality.calibration import Point
from quality.matching import Score, same, score, subjects
from quality.measures import MISSED, UNSAID, Said
from quality.tables import GROUPS, SAYING, SEEING, Measured, table
from tests.bodies import BODY_SCENARIOS
from tests.generator import ALL_SCENARIOS
from tests.worlds import SCENARIOS, fact, render, truth

LEFT, RIGHT = np.array([0.0, 0, 10, 10]), np.array([100.0, 0, 110, 10])


def tracks(*paths: np.ndarray) -> Tracks:
    """Tracks 1000, 1001, ... of boxes per sample."""
    boxes = np.stack(paths)
    known = np.isfinite(boxes[..., 0])
    ids = 1000 + np.arange(len(paths))
    return Tracks(
        ids, ("object",) * len(paths), boxes, np.where(known, 1.0, np.nan), np.where(known, 0, -1).astype(np.int64)
    )  # fmt: skip


def staying(box: np.ndarray, times: int = 10) -> np.ndarray:
    return np.tile(box, (times, 1))


# --- tracking -----------------------------------------------------------------------------------------------


def measured(known: Tracks, found: Tracks, seen: np.ndarray | None = None) -> tracking.Identities:
    share = np.ones(known.xyxy.shape[:2]) if seen is None else seen
    return tracking.total([tracking.measure(known, share, found)])


def test_the_truth_itself_has_full_marks():
    known = tracks(staying(LEFT), staying(RIGHT))
    assert measured(known, known) == tracking.Identities(
        pytest.approx(1), pytest.approx(1), pytest.approx(1), 0
    )


def test_a_track_that_changes_owner_half_way_is_two_switches_and_half_an_identity():
    known = tracks(staying(LEFT), staying(RIGHT))
    swapped = tracks(
        np.concatenate([staying(LEFT, 5), staying(RIGHT, 5)]),
        np.concatenate([staying(RIGHT, 5), staying(LEFT, 5)]),
    )
    result = measured(known, swapped)
    assert result.switches == 2
    assert result.idf1 == pytest.approx(0.5)
    # Detection is perfect; each pair shares 5 of 15 box-times: association 1/3, HOTA its square root.
    assert result.hota == pytest.approx(np.sqrt(1 / 3), abs=1e-6)


def test_a_missed_half_and_a_ghost_count_against_identity():
    known = tracks(staying(LEFT))
    half = staying(LEFT).copy()
    half[5:] = np.nan
    ghost = staying(RIGHT)
    assert measured(known, tracks(half)).idf1 == pytest.approx(2 * 5 / (10 + 5))
    assert measured(known, tracks(staying(LEFT), ghost)).idf1 == pytest.approx(2 * 10 / (10 + 20))


def test_mean_overlap_is_of_matched_boxes():
    shifted = staying(LEFT + np.array([2.0, 0, 2, 0]))  # 8 of 12 columns
    assert measured(tracks(staying(LEFT)), tracks(shifted)).mean_iou == pytest.approx(8 / 12)


def test_a_hidden_subject_is_neither_asked_for_nor_held_against_its_finder():
    known = tracks(staying(LEFT), staying(RIGHT))
    seen = np.ones((2, 10))
    seen[1] = 0.2
    for found in (tracks(staying(LEFT)), tracks(staying(LEFT), staying(RIGHT))):
        assert measured(known, found, seen).idf1 == pytest.approx(1)


def test_worlds_add_up_by_counts_and_nothing_to_follow_is_unknown():
    known = tracks(staying(LEFT))
    nothing = replace(known, xyxy=np.full((1, 10, 4), np.nan))
    ones = np.ones((1, 10))
    all_right, all_missed = tracking.measure(known, ones, known), tracking.measure(known, ones, nothing)
    assert tracking.total([all_right, all_missed]).idf1 == pytest.approx(2 * 10 / 30)
    assert np.isnan(tracking.total([tracking.measure(nothing, ones, nothing)]).hota)


# --- facts --------------------------------------------------------------------------------------------------

ONE = {worlds.CAMERA: worlds.CAMERA, 1000: 1000, 1001: 1001}
"""Everybody stands for himself."""


def move(direction: str, start: float = 0, end: float = 4, **more: object) -> MotionFact:
    return fact(1000, "move", start, end, direction=(direction,), **more)


@pytest.mark.parametrize(
    ("said", "true", "verdict"),
    [
        ([move("right")], move("right"), "right"),
        ([move("upper_right")], move("right"), "right"),  # 45 degrees off
        ([move("up")], move("right"), "wrong"),
        ([move("left")], move("right"), "wrong"),
        # A heading of 40 degrees is called upper right; "up" is 50 off, "right" is 40 off.
        ([move("up")], move("upper_right", evidence={"dx_px": 76.6, "dy_px": -64.3}), "wrong"),
        ([move("right")], move("upper_right", evidence={"dx_px": 76.6, "dy_px": -64.3}), "right"),
        ([move("clockwise")], move("counterclockwise"), "wrong"),
        ([move("clockwise")], move("right"), "wrong"),
        ([], move("right"), MISSED),
        ([move("right", 5, 8)], move("right"), MISSED),  # at another time
        ([replace(move("right"), subject=1001)], move("right"), MISSED),
        # The one that lasts as long as the truth counts, not the glance before it.
        ([move("left", 0, 0.5), move("right", 0.5, 4)], move("right"), "right"),
    ],
)
def test_a_direction_is_right_within_45_degrees(said: list[MotionFact], true: MotionFact, verdict: str):
    assert measures.directions(said, [true], ONE) == {verdict: 1}


def test_two_movements_at_once_are_each_judged_by_their_own_words():
    known = [move("right"), move("toward_camera")]
    assert measures.directions(known[::-1], known, ONE) == {"right": 2}
    assert measures.directions([move("toward_camera")], known, ONE) == {"right": 1, MISSED: 1}


def test_directions_are_asked_of_things_that_move_alone():
    camera = fact(worlds.CAMERA, "move", 0, 4, direction=("forward",))
    assert not measures.directions([], [fact(1000, "stay", 0, 4), camera, fact(1000, "move", 0, 4)], ONE)


def test_shapes_fall_into_a_table_of_true_and_stated():
    circle = move("clockwise", trajectory="circular")
    known = [circle, replace(circle, subject=1001), move("left", 6, 9, trajectory="straight")]
    said = [replace(circle, trajectory="curved"), move("left", 6, 9)]
    assert measures.shapes(said, known, ONE) == {
        ("circular", "curved"): 1,
        ("circular", MISSED): 1,
        ("straight", UNSAID): 1,
    }


@pytest.mark.parametrize(
    ("said", "verdict"), [(3, "exact"), (4, "off by one"), (2, "off by one"), (5, "wrong"), (None, "refused")]
)
def test_counts_are_exact_off_by_one_wrong_or_refused(said: int | None, verdict: str):
    true = fact(1000, "move", 0, 4, direction=("left", "right"), trajectory="back_and_forth", count=3)
    assert measures.counts([replace(true, count=said)], [true], ONE) == {verdict: 1}
    assert measures.counts([], [true], ONE) == {MISSED: 1}


def test_a_count_of_what_was_not_repeated_is_made_up():
    assert measures.counts([move("right", count=3)], [move("right")], ONE) == {"made up": 1}
    assert not measures.counts([move("right")], [move("right")], ONE)


def test_orders_are_of_happenings_one_after_the_other():
    first, second = fact(1000, "stay", 0, 2), move("right", 2, 4)
    meanwhile = fact(1001, "stay", 0, 4)
    known = [first, second, meanwhile, fact(worlds.CAMERA, "stay", 0, 1)]
    whole = [(0, 0), (1, 1), (2, 2)]
    assert measures.orders(known, known, whole) == {"right": 1}
    assert measures.orders(known, known, [(1, 1)]) == {MISSED: 1}
    late = replace(first, span=Span(4.2, 5))
    assert measures.orders([late, second], known, [(0, 0), (1, 1)]) == {"wrong": 1}
    long = replace(first, span=Span(0, 2.6))
    assert measures.orders([long, second], known, [(0, 0), (1, 1)]) == {"at once": 1}
    smoothed = replace(first, span=Span(0, 2.3))
    assert measures.orders([smoothed, second], known, [(0, 0), (1, 1)]) == {"right": 1}


def test_boundaries_are_off_by_what_was_said_too_late_and_no_one_sees_after_the_last_sample():
    known = [move("right", 1.0, 5.0), fact(worlds.CAMERA, "stay", 0, 5)]
    said = [move("right", 1.2, 4.8), fact(worlds.CAMERA, "stay", 0, 4.9)]
    measured = measures.measure(said, known, ONE, last_s=4.9)
    assert measured.starts_s == pytest.approx((0.2,))
    assert measured.ends_s == pytest.approx((-0.1,))


def test_what_is_said_adds_up_over_worlds_and_kinds():
    one = measures.measure([move("right")], [move("right")], ONE, 4)
    none = measures.measure([move("left")], [move("right"), fact(1000, "leave", 3, 4)], ONE, 4)
    both = one + none
    assert both.score() == Score(1, 2, 3, 1)
    assert both.score("move") == Score(1, 2, 2, 1)
    assert both.score("leave") == Score(0, 0, 1, 0)
    assert both.directions == {"right": 1, "wrong": 1}
    assert Said() + both == both


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({}, True),
        ({"trajectory": "zigzag"}, False),
        ({"trajectory": "curved"}, True),
        ({"count": 2}, True),
        ({"part": "left_arm"}, False),
        ({"span": Span(3, 9)}, False),
        ({"span": Span(2, 5)}, True),
        ({"subject": 1001}, False),
        ({"object": 77}, False),  # of which nobody knows whom it stands for
        ({"predicate": "stay"}, False),
    ],
)
def test_a_fact_is_true_in_all_it_says(said: dict[str, object], holds: bool):
    assert same(replace(move("right"), **said), move("right", trajectory="curved"), ONE) is holds


def test_who_does_it_matters_where_the_truth_says_so():
    def relation(one: int, two: int, predicate: str, *direction: str) -> MotionFact:
        return fact(one, predicate, 0, 4, object=two, direction=direction)

    for mutual in (relation(1000, 1001, "approach"), relation(1000, 1001, "pass")):
        assert same(relation(1001, 1000, mutual.predicate), mutual, ONE)
    for one_way in (relation(1000, 1001, "overtake"), relation(1000, 1001, "pass", "right")):
        assert same(one_way, one_way, ONE)
        assert not same(replace(one_way, subject=1001, object=1000), one_way, ONE)


# --- calibration --------------------------------------------------------------------------------------------


def facts_of(first: float, right: int, wrong: int, confidence: float = 0.5) -> list[Point]:
    return [Point("travel", first, confidence, i < right) for i in range(right + wrong)]


def test_the_calibration_error_is_the_distance_from_the_truth_weighted_by_facts():
    found = facts_of(0.9, 30, 10, confidence=0.75) + facts_of(0.9, 60, 0, confidence=0.9)
    assert [(b.facts, b.right) for b in calibration.bins(found)] == [(40, 0.75), (60, 1.0)]
    assert calibration.error(found) == pytest.approx(0.6 * 0.1)
    assert np.isnan(calibration.error([]))


def test_a_fitted_curve_says_how_often_facts_are_true_and_never_falls():
    found = facts_of(0.55, 120, 80) + facts_of(0.95, 195, 5)
    curve = calibration.fit(found)["travel"]
    assert curve(0.55) == pytest.approx(0.6, abs=0.06)
    assert curve(0.95) == pytest.approx(0.97, abs=0.03)
    against = calibration.fit(facts_of(0.55, 195, 5) + facts_of(0.95, 100, 100))["travel"]
    assert against.steepness == 0


def test_few_facts_leave_a_curve_flat_and_unsure():
    curve = calibration.fit(facts_of(0.8, 3, 0))["travel"]
    assert curve(0.8) == pytest.approx(4 / 5, abs=0.02)
    assert curve.steepness < 1


def test_facts_keep_their_first_confidence_and_are_calibrated_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(product, "CURVES", {"travel": product.Curve(-1.0, 4.0)})
    once = product.calibrated(replace(move("right"), confidence=0.75, evidence={"net_px": 9.0}))
    assert once.confidence == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-3)
    assert once.evidence == {"net_px": 9.0, product.EFFECT: 0.75}
    assert product.calibrated(once) == once
    rest = fact(1000, "stay", 0, 4, confidence=0.8)
    assert product.calibrated(rest).confidence == 0.8


def test_curves_are_written_between_their_marks(tmp_path: Path):
    path = tmp_path / "calibration.py"
    before, mark = "A = 1\n", calibration.MARKS
    path.write_text(f"{before}{mark[0]}CURVES = {{}}\n{mark[1]}B = 2\n")
    curves = {"borders": product.Curve(1.5, 0.25)}
    calibration.write(curves, "3 facts", path)
    calibration.write(curves, "3 facts", path)
    lines = path.read_text().splitlines()
    assert lines[0] == "A = 1"
    assert lines[-1] == "B = 2"
    assert '    "borders": Curve(1.5, 0.25),' in lines
    assert path.read_text().count("CURVES") == 1


def test_every_fact_has_a_family_with_a_curve():
    every = [
        fact(1000, name, 0, 1, part="left_arm" if name in ("raise", "lower", "bend", "straighten") else None)
        for name in PREDICATES
    ]
    families = {product.family(f) for f in every} | {product.family(fact(worlds.CAMERA, "pan", 0, 1))}
    families |= {product.family(move("toward_camera")), product.family(move("left", count=2))}
    assert families == {
        "camera",
        "relations",
        "bodies",
        "borders",
        "rests",
        "tempo",
        "depth",
        "seen_depth",
        "repeats",
        "travel",
    }
    assert set(product.CURVES) <= families
    assert all(curve.steepness >= 0 for curve in product.CURVES.values())


def test_the_diagram_is_a_small_picture():
    drawn = ElementTree.fromstring(calibration.picture(facts_of(0.9, 30, 10, confidence=0.75)))
    circle = next(e for e in drawn if e.tag.endswith("circle"))
    assert float(circle.get("cx", "0")) == pytest.approx(calibration.MARGIN + 0.5 * calibration.SIDE, abs=0.1)
    assert float(circle.get("cy", "0")) == pytest.approx(
        calibration.MARGIN + 0.25 * calibration.SIDE, abs=0.1
    )


# --- cuts, people ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "true", "expected"),
    [
        ((1.0,), (1.1,), Score(1, 1, 1, 1)),
        ((1.0,), (1.2,), Score(0, 1, 1, 0)),
        ((0.9, 1.0), (1.0,), Score(1, 2, 1, 1)),
        ((), (1.0, 2.0), Score(0, 0, 2, 0)),
        ((3.0,), (), Score(0, 1, 0, 0)),
    ],
)
def test_cuts_match_one_to_one_within_a_sample_and_a_half(
    said: tuple[float, ...], true: tuple[float, ...], expected: Score
):
    assert worlds.cut_score(said, true) == expected


def test_a_fact_counts_once_and_only_with_its_direction():
    right = fact(1000, "move", 0, 2, direction=("right",))
    left = replace(right, direction=("left",))
    ids = subjects(tracks(staying(LEFT)), tracks(staying(LEFT)))
    assert score([right, right], [right], ids) == Score(1, 2, 1, 1)
    assert score([left], [right], ids) == Score(0, 1, 1, 0)


def test_joints_on_the_spot_are_alike_and_far_ones_are_not():
    names = ("nose", "left_hip")
    true = np.array([[10.0, 10, 2], [50, 50, 2]])
    assert people.oks(true, true[:, :2], 400.0, names) == pytest.approx(1)
    # A nose one deviation away: 2 sigma sqrt(area) = 0.052 * 20 px, exp(-1/2); the hip is exact.
    moved = true[:, :2] + np.array([[0.052 * 20, 0], [0, 0]])
    assert people.oks(true, moved, 400.0, names) == pytest.approx((np.exp(-0.5) + 1) / 2)


def test_joints_that_nobody_annotated_do_not_count_and_unknown_ones_are_wrong():
    names = ("nose", "left_hip", "right_hip")
    true = np.array([[10.0, 10, 2], [50, 50, 1], [0, 0, 0]])
    found = np.array([[10.0, 10], [np.nan, np.nan], [99, 99]])
    assert people.oks(true, found, 400.0, names) == pytest.approx(0.5)


def test_boxes_are_matched_one_to_one():
    near = LEFT + np.array([1.0, 0, 1, 0])
    assert people.matched(np.stack([LEFT, RIGHT]), np.stack([near, LEFT])) == [(0, 1)]
    assert people.matched(np.stack([LEFT]), np.zeros((0, 4))) == []


# --- reports ------------------------------------------------------------------------------------------------


def test_every_scenario_stands_in_one_row_of_the_table():
    for name in (*ALL_SCENARIOS, worlds.COMPOSED):
        assert sum(belongs(name) for belongs in GROUPS.values()) == 1, name
    assert set(SCENARIOS) < set(ALL_SCENARIOS)


def test_limbs_of_exact_joints_are_all_stated():
    for name in BODY_SCENARIOS:
        assert worlds.measure_body((name, 3, 0.0)).said.score().recall == 1.0, name


@pytest.mark.slow
def test_a_world_is_measured_and_fills_its_rows():
    report = worlds.measure_scenario(("move_right", 3, "plain"))
    assert report.boxes.true > 20
    assert report.still_s == 0
    assert set(report.said) == set(worlds.VARIANTS)
    assert all(said.directions == {"right": 1} for said in report.said.values())
    assert len(report.points) == report.facts.stated
    moved = [Measured("move_right", "plain", report)]
    assert len(tables.seen(moved)) == len(SEEING) - 1
    assert len(tables.said(moved)) == len(SAYING) - 1
    still = worlds.measure_scenario(("nothing_noise", 3, "plain"))
    assert still.still_s == pytest.approx(3.0)
    assert still.false_motion == 0
    both = [*moved, Measured("nothing_noise", "plain", still)]
    assert tables.said(both[1:])[-1] == "0 facts in 3 s"
    whole = tables.targets(both, {0.0: [], 0.02: []})
    assert (
        "| direction within 45 degrees, of all movements | 97 % | 100.0 % of 1 | 100.0 % of 1 | - | - | - |"
        in whole
    )
    assert tables.propagation(both).count("\n") == 2 * len(worlds.VARIANTS)
    assert "| straight | 1 |" in tables.confusion(both)


def test_replacing_a_record_by_the_truth_uses_the_truth():
    world = SCENARIOS["move_right"](4)
    known = render(world)
    told = {CameraMotion: worlds.exact_camera(known), **worlds.exact_tracks(known)}
    got = pipeline.annotate(known.clip, known.frames, worlds._stages(*worlds.UNTIL_FACTS), told)
    assert got[Tracks] is known.tracks
    assert score(got[Facts].facts, known.facts, ONE) == Score(2, 2, 2, 2)


def test_the_exact_camera_rests_in_every_shot():
    camera = worlds.exact_camera(truth(SCENARIOS["cut"](2)))
    assert len(camera.stretches) == 2
    assert camera.stretches[0].span.end_s == camera.cuts_s[0] == camera.stretches[1].span.start_s


def test_a_table_escapes_bars():
    assert table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x/y |"


def test_a_sheet_shows_the_pictures_and_every_sentence():
    world = render(SCENARIOS["move_right"](1))
    stages = {name: stage() for name, stage in pipeline.STAGES.items()}
    for name in ("people", "named"):
        if name in type(stages["detect"]).__dataclass_fields__:
            stages["detect"] = replace(stages["detect"], **{name: ""})
    got = pipeline.annotate(world.clip, world.frames, stages)
    said = list(sheets.lines("a.mp4", world.clip, got))
    assert any("right" in line and "[+]" in line for line in said)
    picture = sheets.sheet("a.mp4", world.clip, world.frames, got)
    assert picture.shape[1] == 4 * sheets.TILE_PX
    assert picture.shape[0] > 3 * sheets.TILE_PX * 180 // 320, "three rows of tiles and the words"
