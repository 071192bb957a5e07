"""Worlds composed at random: their truth says what happens in them, and things keep out of each other's way."""

from __future__ import annotations

import numpy as np
import pytest

from kinescribe.geometry import apply_affine, box_center, box_iou, fit_circle, turning_points
from kinescribe.records import CAMERA, MotionFact
from quality import worlds as q
from quality.matching import Score, score, subjects
from tests import generator as g
from tests.worlds import World, truth

SEEDS = range(16)
COMPOSED = {"generated": g.generate, "crowd": g.crowd, "two_shots": g.two_shots}


def path(world: World, subject: int, said: MotionFact) -> np.ndarray:
    """The way of a thing's centre through the scene during a fact, 50 times a second."""
    actor = [a for a in world.actors if a.subject][subject - 1000]
    return np.array([actor.path(t) for t in np.arange(said.span.start_s, said.span.end_s, 0.02)])


@pytest.mark.parametrize("kind", COMPOSED)
def test_things_never_touch_and_are_in_view_unless_they_come_or_go(kind: str):
    for seed in SEEDS:
        world = COMPOSED[kind](seed)
        known = truth(world)
        for sample in range(0, len(known.clip.times_s), 3):
            boxes = known.tracks.xyxy[:, sample]
            here = boxes[np.isfinite(boxes[:, 0])]
            overlaps = box_iou(here, here)
            np.fill_diagonal(overlaps, 0)
            assert not overlaps.any(), (seed, sample)
        passing = {f.subject for f in known.facts if f.predicate in ("enter", "leave")}
        for row, subject in enumerate(known.tracks.ids.tolist()):
            if subject not in passing and not world.cuts:
                centers = box_center(known.tracks.xyxy[row])
                hidden = ~np.isfinite(centers[:, 0])
                assert hidden.mean() < 0.2, (seed, subject)  # behind a post at most


@pytest.mark.parametrize("kind", COMPOSED)
def test_what_is_said_of_a_way_is_so(kind: str):
    shapes = set()
    for seed in SEEDS:
        world = COMPOSED[kind](seed)
        for said in world.facts:
            if said.subject == CAMERA:
                continue
            way = path(world, said.subject, said)
            steps = np.hypot(*np.diff(way, axis=0).T)
            if said.predicate in ("stay", "stop", "pause"):
                assert steps.sum() == pytest.approx(0, abs=1e-6)
            elif said.predicate in ("accelerate", "decelerate"):
                ratio = steps[-1] / steps[0]
                assert (ratio if said.predicate == "accelerate" else 1 / ratio) > 2.5
            elif said.trajectory == "straight":
                line = way[-1] - way[0]
                across = (way - way[0]) @ np.array([-line[1], line[0]]) / np.hypot(*line)
                assert np.abs(across).max() < 1e-6
                assert (line[0] > 0) == (said.direction == ("right",))
            shapes.add(said.trajectory)
            _check_shape(said, way)
    assert kind != "generated" or {"circular", "curved", "zigzag", "back_and_forth", "straight"} <= shapes


def _check_shape(said: MotionFact, way: np.ndarray) -> None:
    if said.trajectory == "back_and_forth":
        assert len(turning_points(way[:, 0], 20.0)) == 2 * int(said.count or 0) + 1
    elif said.trajectory in ("circular", "curved"):
        circle = fit_circle(way)
        assert circle is not None
        assert circle.residual < 1e-6
        turned = 360 * (said.count or 1) if said.trajectory == "circular" else circle.turned_deg
        assert abs(circle.turned_deg) == pytest.approx(abs(turned), abs=5)
        if said.trajectory == "circular":
            assert (circle.turned_deg > 0) == (said.direction == ("counterclockwise",))
        else:
            assert 100 < abs(turned) < 135
            assert (way[-1, 0] > way[0, 0]) == (said.direction == ("right",))
    elif said.trajectory == "zigzag":
        assert len(turning_points(way[:, 1], 20.0)) >= 5
        assert (way[-1, 0] > way[0, 0]) == (said.direction == ("right",))


def test_the_second_shot_is_said_as_filmed_and_begins_at_the_cut():
    for seed in SEEDS:
        world = g.two_shots(seed)
        at = world.cuts[0][0]
        for said in world.facts:
            if said.subject != CAMERA:
                assert said.frame == ("scene" if said.span.end_s <= at else "image")
                assert said.span.end_s <= at or said.span.start_s >= at


def test_the_same_seed_makes_the_same_world():
    one, two = truth(g.generate(7)), truth(g.generate(7))
    assert one.facts == two.facts
    np.testing.assert_array_equal(one.tracks.xyxy, two.tracks.xyxy)
    assert truth(g.generate(8)).facts != one.facts


def test_a_panned_world_keeps_its_things_in_the_picture_and_its_words_in_the_scene():
    panned = [world for world in map(g.generate, SEEDS) if world.camera_labels[0].startswith("pan")]
    assert panned
    for world in panned:
        known = truth(world)
        for said in (f for f in known.facts if f.trajectory == "straight"):
            row = known.tracks.row(said.subject)
            in_scene = apply_affine(known.camera.to_scene, box_center(known.tracks.xyxy[row])[:, None])[:, 0]
            went = in_scene[-1, 0] - in_scene[0, 0]
            assert (went > 0) == (said.direction == ("right",))


def test_exact_boxes_of_composed_worlds_let_the_truth_be_said():
    total = Score()
    for make in (g.generate, g.crowd):
        for seed in range(8):
            world = make(seed)
            known = truth(world)
            stated = [f for f in q._measured_facts(known, known.tracks) if f.predicate not in world.silent]
            total += score(stated, known.facts, subjects(known.tracks, known.tracks))
    assert total.precision > 0.95
    assert total.recall > 0.95
