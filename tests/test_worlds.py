"""The truth of worlds is true: of their pixels, of their paths and of the bodies' joints."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from kinescribe.geometry import (
    apply_affine,
    box_center,
    box_iou,
    compose_affine,
    inner_angle_deg,
    invert_affine,
)
from kinescribe.records import CAMERA, Span
from kinescribe.video import VideoFrames, make_clip, scan
from kinescribe.vocabulary import (
    ANGLES,
    BLAZEPOSE_33,
    CAMERA_LABELS,
    DIRECTIONS,
    PARTS,
    PREDICATES,
    TRAJECTORIES,
)
from tests import generator as g
from tests import worlds as w
from tests.bodies import BODY_SCENARIOS

GREY = w.Texture(5, (120.0, 120.0, 120.0), kind="flat")


def world(**more: object) -> w.World:
    return w.World("test", duration_s=1.0, ground=GREY, **more)  # type: ignore[arg-type]


def changed(scene: w.World, t: float) -> np.ndarray:
    """The box round the pixels that the actors cover by at least half."""
    covered = np.abs(w.picture(scene, t).astype(int) - 120).max(2) > 20
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
@pytest.mark.parametrize("turn", [0.0, 30.0])
@pytest.mark.parametrize("x", [100.0, 100.25, 133.7])
def test_the_true_box_is_the_box_of_the_pixels(shape: str, turn: float, x: float):
    white = w.Texture(1, (230.0, 230.0, 230.0), kind="flat")
    actor = w.Actor(
        w.still(x, 80.0), (41.0, 26.0), white, shape, turn_deg=lambda t: turn, scale=lambda t: 1.3
    )
    scene = world(actors=(actor,), camera=w.about((160.0, 90.0), lambda t: 1.2, lambda t: 7.0))
    np.testing.assert_allclose(w.truth(scene).tracks.xyxy[0, 0], changed(scene, 0.0), atol=1.01)


def test_edges_move_by_parts_of_a_pixel():
    white = w.Texture(1, (255.0, 255.0, 255.0), kind="flat")

    def lit(x: float) -> float:
        scene = world(actors=(w.Actor(w.still(x, 90.0), (20.0, 20.0), white),))
        return float(
            ((w.picture(scene, 0.0)[90, :, 0].astype(float) - 120) / 135 * (np.arange(320) + 0.5)).sum() / 20
        )

    for x in (100.0, 100.3, 100.5, 100.8):
        assert lit(x) == pytest.approx(x, abs=0.1), "the centre of the light is the centre of the actor"


def test_a_box_is_cut_at_the_border_and_unknown_outside():
    path = w.waypoints((0, -40, 90), (1, 40, 90))
    known = w.truth(world(actors=(w.Actor(path, (30.0, 20.0)),)))
    boxes = known.tracks.xyxy[0]
    assert np.isnan(boxes[0]).all()
    assert known.tracks.detection[0, 0] == -1
    assert boxes[5].tolist() == [0.0, 80.0, 15.0, 100.0]
    assert known.seen[0, 5] == pytest.approx(0.5)


def test_an_occluder_hides_and_is_no_subject():
    thing = w.Actor(w.waypoints((0, 60, 90), (1, 260, 90)), (30.0, 20.0))
    wall = w.Actor(w.still(160.0, 90.0), (60.0, 120.0), subject=False)
    known = w.truth(world(actors=(thing, wall)), fps=20)
    assert known.tracks.ids.tolist() == [1000]
    assert known.seen[0, 0] == 1.0
    assert known.seen[0, 10] == 0.0
    assert np.isnan(known.tracks.xyxy[0, 10]).all()


@pytest.mark.parametrize("label", ["pan_left", "tilt_down", "zoom_in", "roll_clockwise", "handheld"])
def test_camera_maps_bring_the_ground_back_to_the_first_picture(label: str):
    scene = w.SCENARIOS[f"camera_{label}"](4)
    rendered = w.render(scene)
    first, later = rendered.frames.images[0], rendered.frames.images[9]
    half = np.array([[1, 0, 0.5], [0, 1, 0.5]])
    centers = compose_affine(invert_affine(half), compose_affine(rendered.camera.to_scene[9], half))
    back = cv2.warpAffine(later, centers, first.shape[1::-1])
    inside = cv2.warpAffine(np.full(later.shape[:2], 255, np.uint8), centers, first.shape[1::-1]) == 255
    shown = np.abs(back.astype(int) - first)[inside].mean()
    assert inside.mean() > 0.2
    assert shown < 4, "the pictures must agree"
    assert np.abs(later.astype(int) - first)[inside].mean() > 3 * shown, "and would not without the map"


def test_the_words_for_camera_moves_say_what_the_picture_does():
    def shown(label: str, point: tuple[float, float]) -> np.ndarray:
        known = w.truth(w.SCENARIOS[f"camera_{label}"](2))
        return (
            apply_affine(invert_affine(known.camera.to_scene[-1]), np.array(point, dtype=np.float64)) - point
        )

    assert shown("pan_right", (160, 90))[0] < -20, "the ground goes left when the camera pans right"
    assert shown("tilt_up", (160, 90))[1] > 20
    assert shown("zoom_in", (260, 90))[0] > 20
    assert shown("zoom_out", (260, 90))[0] < -20
    assert shown("roll_clockwise", (260, 90))[1] < -20, "the picture turns against the camera"


@pytest.mark.parametrize("name", w.SCENARIOS)
def test_scenarios_repeat_by_seed_and_differ_between_seeds(name: str):
    one, same, other = (w.SCENARIOS[name](seed) for seed in (7, 7, 8))
    t = one.duration_s / 2
    np.testing.assert_array_equal(w.picture(one, t), w.picture(same, t))
    assert one.facts == same.facts
    assert (w.picture(one, t) != w.picture(other, t)).any()
    np.testing.assert_array_equal(w.truth(one).tracks.xyxy, w.truth(same).tracks.xyxy)


@pytest.mark.parametrize("name", w.SCENARIOS)
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
def test_facts_of_scenarios_are_sayable_and_fit_their_tracks(name: str, seed: int):
    scene = w.SCENARIOS[name](seed)
    known = w.truth(scene)
    assert set(scene.camera_labels) <= set(CAMERA_LABELS)
    ids = known.tracks.ids.tolist()
    for fact in scene.facts:
        assert fact.predicate in PREDICATES
        assert set(fact.direction) <= set(DIRECTIONS)
        assert fact.trajectory is None or fact.trajectory in TRAJECTORIES
        assert fact.subject in (CAMERA, *ids)
        assert fact.object is None or fact.object in ids
        assert 0 <= fact.span.start_s < fact.span.end_s <= scene.duration_s + 1e-9
    assert len({fact.id for fact in scene.facts}) == len(scene.facts)
    for row, track_id in enumerate(ids):
        inside = known.clip.times_s[np.isfinite(known.tracks.xyxy[row, :, 0])]
        told = [fact.span for fact in scene.facts if fact.subject == track_id]
        told += [fact.span for fact in scene.facts if fact.object == track_id]
        assert all(any(a <= t <= b + 0.11 for a, b in told) for t in inside), "all of its life is told"


@pytest.mark.parametrize("name", [name for name in w.SCENARIOS if not name.startswith(("enter", "leave"))])
@pytest.mark.parametrize("seed", range(6))
def test_subjects_stay_in_the_picture(name: str, seed: int):
    known = w.truth(w.SCENARIOS[name](seed))
    known_boxes = np.isfinite(known.tracks.xyxy[..., 0])
    assert (known_boxes.all(1) | (name == "cut")).all()
    assert known.tracks.xyxy.size == 0 or (known.seen[known_boxes] > 0.2).all()


@pytest.mark.parametrize("name", [n for n in w.SCENARIOS if n.startswith("move_")])
@pytest.mark.parametrize("seed", [0, 5])
def test_straight_movements_go_where_the_fact_says(name: str, seed: int):
    known = w.truth(w.SCENARIOS[name](seed))
    fact = next(f for f in known.facts if f.subject == 1000)
    center = box_center(known.tracks.xyxy[0])
    step = (center[-1] - center[0]) / np.hypot(*(center[-1] - center[0]))
    assert name == f"move_{fact.direction[0]}"
    np.testing.assert_allclose(step, w.UNIT[fact.direction[0]], atol=0.02)
    assert np.hypot(*np.diff(center, axis=0).T).mean() * 10 == pytest.approx(
        fact.evidence["speed_px_s"], rel=0.01
    )


@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
@pytest.mark.parametrize("seed", range(4))
def test_swings_are_counted_right(axis: str, seed: int):
    known = w.truth(w.SCENARIOS[f"back_and_forth_{axis}"](seed), fps=50)
    fact = next(f for f in known.facts if f.subject == 1000)
    line = box_center(known.tracks.xyxy[0])[:, 0 if axis == "horizontal" else 1]
    middle = (line.max() + line.min()) / 2
    assert int((np.diff(np.sign(line - middle)) != 0).sum()) == 2 * (fact.count or 0)


@pytest.mark.parametrize("seed", range(6))
def test_circles_turn_the_way_the_fact_says(seed: int):
    known = w.truth(w.SCENARIOS["circle"](seed), fps=30)
    fact = next(f for f in known.facts if f.subject == 1000)
    path = box_center(known.tracks.xyxy[0])
    x, y = (path - (path.max(0) + path.min(0)) / 2).T
    turned = np.degrees(np.ptp(np.unwrap(np.arctan2(-y, x))))
    sign = np.sign(np.unwrap(np.arctan2(-y, x))[-1] - np.unwrap(np.arctan2(-y, x))[0])
    assert round(turned / 360) == (fact.count or 1)
    assert fact.direction == ("counterclockwise" if sign > 0 else "clockwise",)


def test_after_a_cut_the_camera_is_unknown_and_the_subject_another():
    known = w.truth(w.SCENARIOS["cut"](1))
    cut = known.camera.cuts_s[0]
    after = known.clip.times_s >= cut
    assert np.isnan(known.camera.to_scene[after]).all()
    assert np.isfinite(known.camera.to_scene[~after]).all()
    one, two = np.isfinite(known.tracks.xyxy[..., 0])
    assert (one == ~after).all()
    assert (two == after).all()


def test_noise_flicker_blur_and_exposure_change_the_picture_and_not_the_truth():
    path = w.waypoints((0, 60, 90), (1, 260, 90))
    plain = w.World("test", ground=w.Texture(2), actors=(w.Actor(path),))
    sharp = w.picture(plain, 0.5).astype(float)
    for more in ({"noise": 6.0}, {"flicker": 0.1}, {"blur_px": 1.5}, {"shutter_s": 0.1}):
        rough = w.World("test", ground=w.Texture(2), actors=(w.Actor(path),), **more)  # type: ignore[arg-type]
        assert np.abs(w.picture(rough, 0.5) - sharp).mean() > 0.5, more
        np.testing.assert_array_equal(w.truth(rough).tracks.xyxy, w.truth(plain).tracks.xyxy)
    noisy = w.World("test", ground=GREY, noise=6.0)
    assert w.picture(noisy, 0.0).astype(float).std() == pytest.approx(6.0, rel=0.05)
    assert (w.picture(noisy, 0.0) != w.picture(noisy, 0.1)).any()


def test_a_written_video_shows_the_world(tmp_path):
    scene = w.SCENARIOS["move_right"](3)
    clip = make_clip(scan(w.write_video(scene, tmp_path / "world.mp4")), 0.0, np.inf, 10.0)
    assert (clip.width, clip.height) == scene.size
    assert clip.fps == pytest.approx(30, rel=1e-3)
    shown = np.stack([frame.image for frame in VideoFrames(clip)])
    drawn = w.render(scene).frames.images
    np.testing.assert_allclose(clip.times_s[:20], w.truth(scene).clip.times_s[:20], atol=1e-3)
    assert np.abs(shown[:20].astype(int) - drawn[:20]).mean() < 8


def test_observations_have_the_faults_that_were_asked_for():
    known = w.truth(w.SCENARIOS["move_right"](0))
    total = len(known.clip.times_s)
    assert len(w.observe(known, miss=1.0).sample) == 0
    np.testing.assert_array_equal(w.observe(known).xyxy, known.tracks.xyxy[0])
    assert len(w.observe(known, split=1.0).sample) == 2 * total
    assert len(w.observe(known, false_per_sample=3.0).sample) > 2 * total
    both = w.truth(w.SCENARIOS["pair_cross"](0))
    merged = w.observe(both, merge=True)
    assert len(both.clip.times_s) <= len(merged.sample) < 2 * len(both.clip.times_s)
    again = w.observe(known, 3, jitter_px=2.0, miss=0.2, false_per_sample=1.0)
    np.testing.assert_array_equal(
        again.xyxy, w.observe(known, 3, jitter_px=2.0, miss=0.2, false_per_sample=1.0).xyxy
    )


@pytest.mark.parametrize("name", BODY_SCENARIOS)
@pytest.mark.parametrize("seed", [0, 1])
def test_bodies_have_the_angles_they_claim(name: str, seed: int):
    people = BODY_SCENARIOS[name](seed)
    for j, points in enumerate(ANGLES.values()):
        a, b, c = (people.poses.world[:, :, BLAZEPOSE_33.index(point)] for point in points)
        np.testing.assert_allclose(inner_angle_deg(a, b, c), people.angles_deg[..., j], atol=1e-6)
    assert np.isfinite(people.poses.keypoints).all()
    hips = people.poses.world[:, :, [BLAZEPOSE_33.index(f"{side}_hip") for side in ("left", "right")]]
    np.testing.assert_allclose(hips.mean(2), 0, atol=1e-9)
    for fact in people.facts:
        assert fact.predicate in PREDICATES
        assert fact.part is None or fact.part in PARTS
        assert 0 <= fact.span.start_s < fact.span.end_s <= people.clip.end_s + 1e-9


def test_a_raised_left_arm_is_on_the_right_of_the_picture_and_above():
    people = BODY_SCENARIOS["raise_left_arm"](0)
    wrist, other, shoulder = (
        people.poses.keypoints[0, :, BLAZEPOSE_33.index(name), :2]
        for name in ("left_wrist", "right_wrist", "left_shoulder")
    )
    assert wrist[-1, 1] < shoulder[-1, 1] < wrist[0, 1]
    assert wrist[0, 0] > other[0, 0]
    np.testing.assert_allclose(other[0], other[-1], atol=1e-9)


def test_knees_bend_as_often_as_the_fact_says_and_feet_stay_on_the_ground():
    for seed in range(4):
        people = BODY_SCENARIOS["knee_bends"](seed)
        bend = next(f for f in people.facts if f.predicate == "bend")
        knee = people.angles_deg[0, :, list(ANGLES).index("left_knee")]
        deep = knee < 140
        assert int((np.diff(deep.astype(int)) == 1).sum()) == (bend.count or 1)
        ankles = people.poses.keypoints[
            0, :, [BLAZEPOSE_33.index(f"{s}_ankle") for s in ("left", "right")], 1
        ]
        np.testing.assert_allclose(ankles.max(0), 170.0, atol=1e-6)


def test_people_and_things_are_numbered_as_the_design_says():
    actors = tuple(
        w.Actor(w.still(40.0 * i + 40, 90.0), (20.0, 20.0), label=label)
        for i, label in enumerate(["person", "object", "person", "car"])
    )
    assert w.truth(world(actors=actors)).tracks.ids.tolist() == [0, 1000, 10, 1001]


def test_an_actor_exists_only_while_it_is_present():
    thing = w.Actor(w.still(160.0, 90.0), present=Span(0.3, 0.6))
    known = w.truth(world(actors=(thing,)))
    assert np.flatnonzero(np.isfinite(known.tracks.xyxy[0, :, 0])).tolist() == [3, 4, 5]
    assert (w.picture(world(actors=(thing,)), 0.2) == 120).all()
    assert box_iou(known.tracks.xyxy[0, [3]], changed(world(actors=(thing,)), 0.3)[None])[0, 0] > 0.9


# --- the generator ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", w.PHOTOGRAPHIC)
def test_photographic_surfaces_keep_their_mean_and_contrast_and_repeat_seamlessly(kind: str):
    texture = w.Texture(4, (130.0, 110.0, 100.0), 24.0, kind=kind)
    image = w.texture_image(texture)
    np.testing.assert_allclose(image.mean((0, 1)), texture.rgb, atol=3)
    assert image.mean(2).std() == pytest.approx(24, rel=0.1)
    for axis in (0, 1):
        seam = np.abs(np.take(image, 0, axis) - np.take(image, -1, axis)).mean()
        inside = np.abs(np.diff(image, axis=axis)).mean((1 - axis, 2))
        assert seam <= 1.3 * inside.max(), "the seam is no sharper than the edges of the surface itself"


@pytest.mark.parametrize("difficulty", g.DIFFICULTIES)
def test_generated_worlds_repeat_by_seed(difficulty: str):
    one, same, other = (g.generate(seed, difficulty) for seed in (3, 3, 4))
    for t in (0.0, 1.3):
        np.testing.assert_array_equal(w.picture(one, t), w.picture(same, t))
        assert (w.picture(one, t) != w.picture(other, t)).any()
    assert w.truth(one).facts == w.truth(same).facts


@pytest.mark.parametrize("seed", range(30))
def test_generated_truth_is_consistent(seed: int):
    scene = g.generate(seed)
    known = w.truth(scene)
    boxes = known.tracks.xyxy[np.isfinite(known.tracks.xyxy[..., 0])]
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= scene.size).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert ((known.seen >= 0) & (known.seen <= 1)).all()
    np.testing.assert_array_equal(np.isfinite(known.tracks.xyxy[..., 0]), known.tracks.detection >= 0)
    assert {f.subject for f in known.facts} == {CAMERA, *known.tracks.ids.tolist()} - (
        set() if known.facts[0].subject == CAMERA else {CAMERA}
    )
    for said in known.facts:
        assert 0 <= said.span.start_s < said.span.end_s <= scene.duration_s + 1e-6, said
        assert said.predicate not in scene.silent


@pytest.mark.parametrize("seed", range(30))
def test_generated_movements_go_where_their_facts_say_and_stay_in_view(seed: int):
    scene = g.generate(seed)
    known = w.truth(scene)
    gone = {f.subject for f in known.facts if f.predicate in ("enter", "leave")}
    subjects = [a for a in scene.actors if a.subject]
    for track_id, actor, seen in zip(known.tracks.ids.tolist(), subjects, known.seen, strict=True):
        if track_id not in gone:
            assert seen.min() > 0.4, "only a post or a trembling hand takes parts of it away"
        for said in known.facts:
            if said.subject == track_id and said.predicate == "move" and said.trajectory == "straight":
                (x0, _), (x1, _) = actor.path(said.span.start_s), actor.path(said.span.end_s)
                assert said.direction == (("right",) if x1 > x0 else ("left",))
                assert abs(x1 - x0) > 60


@pytest.mark.parametrize("name", g.MORE_SCENARIOS)
def test_a_filmed_world_is_the_same_world_in_other_pictures(name: str):
    plain = g.ALL_SCENARIOS[name](6)
    filmed = g.filmed(plain)
    assert w.truth(filmed).facts == w.truth(plain).facts
    np.testing.assert_array_equal(w.truth(filmed).tracks.xyxy, w.truth(plain).tracks.xyxy)
    assert (filmed.noise, filmed.crf, filmed.shutter_s) != (plain.noise, plain.crf, plain.shutter_s)
    assert g.look(plain, "plain") is plain
    with pytest.raises(ValueError, match="difficulty"):
        g.look(plain, "easy")


def test_a_shadow_darkens_the_ground_to_the_lower_right_and_is_no_part_of_the_box():
    white = w.Texture(1, (230.0, 230.0, 230.0), kind="flat")
    lit = w.Actor(w.still(100.0, 80.0), (40.0, 30.0), white)
    dark = w.Actor(w.still(100.0, 80.0), (40.0, 30.0), white, shadow=0.4)
    a, b = (w.picture(world(actors=(one,)), 0.0).astype(int) for one in (lit, dark))
    assert (a - b)[96:100, 100:120].mean() > 10, "below the thing"
    assert np.abs(a - b)[60:64].max() <= 1, "above it there is light"
    assert np.abs(a - b)[70:90, 85:115].max() <= 1, "the thing lies over its shadow"
    one, other = (w.truth(world(actors=(x,))).tracks.xyxy for x in (lit, dark))
    np.testing.assert_array_equal(one, other)


def test_compression_keeps_the_number_of_pictures_and_loses_detail():
    scene = w.SCENARIOS["move_right"](2)
    clean, rough = w.render(scene).frames.images, w.render(replace(scene, crf=40)).frames.images
    assert clean.shape == rough.shape
    assert 1 < np.abs(clean.astype(int) - rough).mean() < 25


@pytest.mark.parametrize(("way", "grows"), [("in", True), ("out", False)])
def test_driving_makes_near_cards_stream_faster_than_far_ones(way: str, grows: bool):
    scene = g.dolly(way, 1)
    known = w.truth(scene)
    assert np.isnan(known.camera.to_scene[1:]).all(), "no one map undoes it"
    far, near = scene.actors[0], scene.actors[20]
    t0, t1 = (0.4, 0.9) if grows else (3.1, 3.6)

    def growth(card: w.Actor) -> float:
        sizes = [np.ptp(w.whole_box(scene, card, t)[[0, 2]]) for t in (t0, t1)]
        return float(np.log(sizes[1] / sizes[0]))

    assert (growth(far) > 0) == grows
    assert abs(growth(near)) > abs(growth(far))


def test_things_in_contact_touch_and_a_follower_keeps_its_distance():
    contact, follow = g.relation("contact", 3), g.relation("follow", 3)
    touching = [w.whole_box(contact, a, contact.duration_s) for a in contact.actors]
    gap = max(touching[0][0], touching[1][0]) - min(touching[0][2], touching[1][2])
    assert gap == pytest.approx(0, abs=1e-6)
    distances = [follow.actors[1].path(t)[0] - follow.actors[0].path(t)[0] for t in (0.0, 1.0, 2.5)]
    np.testing.assert_allclose(distances, distances[0])
