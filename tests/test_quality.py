"""The measures of the quality suite, against cases whose numbers are known by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinescribe.records import Tracks
from quality import people, sheets, tracking, worlds
from quality.__main__ import GROUPS, SAYING, SEEING, _said, _seen, _table
from quality.matching import Score, score, subjects
from tests.generator import ALL_SCENARIOS
from tests.worlds import BODY_SCENARIOS, SCENARIOS, fact, render

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


# --- cuts, facts, people ------------------------------------------------------------------------------------


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
        assert worlds.measure_body((name, 3, 0.0)).recall == 1.0, name


@pytest.mark.slow
def test_a_world_is_measured_and_fills_its_rows():
    report = worlds.measure_scenario(("move_right", 3, "plain"))
    assert report.boxes.true > 20
    assert report.still_s == 0
    assert len(_seen([report])) == len(SEEING) - 1
    assert len(_said([report])) == len(SAYING) - 1
    still = worlds.measure_scenario(("nothing_noise", 3, "plain"))
    assert still.still_s == pytest.approx(3.0)
    assert still.false_motion == 0
    assert _said([still])[-1] == "0 facts in 3 s"


def test_a_table_escapes_bars():
    assert _table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x/y |"


def test_a_sheet_shows_the_pictures_and_every_sentence():
    from kinescribe import pipeline

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
