"""Names along a track: one name a thing, whatever single pictures say; a bounce does not make two balls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kinescribe.records import CameraMotion, Clip, Detections, Event, Events, Span, Tracks
from kinescribe.stages.arrivals import absorb
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.track import TrackSubjects
from tests.test_camera import clip_of
from tests.test_detect_onnx import seen, steady_like

Row = tuple[int, str, tuple[float, float, float, float], float]


def clip_with(samples: int) -> Clip:
    return replace(clip_of(np.zeros((samples, 2, 2, 3), np.uint8)), width=640, height=480)


def track(clip: Clip, rows: Sequence[Row], camera: CameraMotion | None = None) -> Tracks:
    return TrackSubjects()(clip, camera or steady_like(clip), seen(*sorted(rows)))


def at(sample: int, label: str, x: float, y: float, score: float = 0.7, side: float = 40) -> Row:
    return sample, label, (x - side / 2, y - side / 2, x + side / 2, y + side / 2), score


def moving(labels: Sequence[str], scores: Sequence[float] | None = None) -> list[Row]:
    return [
        at(t, label, 100 + 8 * t, 200, 0.7 if scores is None else scores[t]) for t, label in enumerate(labels)
    ]


def labels_of(names: Sequence[str], scores: Sequence[float] | None = None) -> tuple[str, ...]:
    return track(clip_with(len(names)), moving(names, scores)).label


def test_a_flickering_name_is_the_one_with_most_weight() -> None:
    assert labels_of(["car", "truck", "car", "car", "truck"] * 4) == ("car",)
    # Twelve of twenty say truck, but not surely.
    assert labels_of(["car", "truck", "car", "truck", "truck"] * 4, [0.9, 0.52, 0.9, 0.52, 0.52] * 4) == (
        "car",
    )


def test_a_name_holds_for_the_times_when_only_motion_is_seen() -> None:
    assert labels_of((["object"] * 3 + ["sports ball"]) * 5) == ("sports ball",)


def test_rare_or_contradicting_names_are_no_names() -> None:
    assert labels_of(["object"] * 18 + ["dog"] * 2) == ("object",)
    assert labels_of(["cow", "dog", "sheep"] * 7) == ("object",)


def test_a_named_thing_is_no_part_of_somebody() -> None:
    """A ball within a person's box: a region there is a moving arm, a ball is a ball."""
    person = [(t, "person", (50.0, 50.0, 200.0, 400.0), 0.9) for t in range(20)]
    for label, tracks in (("object", 1), ("sports ball", 2)):
        clip = clip_with(20)
        found = track(clip, [*person, *(at(t, label, 120, 100 + 10 * t) for t in range(20))])
        assert len(found.ids) == tracks, label


def test_what_moves_on_a_table_is_no_part_of_it() -> None:
    clip = clip_with(20)
    ways = [at(t, "object", 150 + 10 * t, 300) for t in range(20)]
    table = [(t, "dining table", (20.0, 200.0, 620.0, 470.0), 0.8) for t in range(20)]
    truck = [(t, "truck", (20.0, 200.0, 620.0, 470.0), 0.8) for t in range(20)]
    assert track(clip, [*ways, *table]).label == ("object",)  # furniture at rest is no subject
    assert track(clip, [*ways, *truck]).label == ("truck",)


def test_furniture_that_moves_is_a_subject() -> None:
    clip = clip_with(20)
    rows = seen(*(at(t, "chair", 100 + 10 * t, 300, side=90) for t in range(20)))
    carried = replace(rows, source=("flow+onnx",) * 20)
    camera = steady_like(clip)
    assert TrackSubjects()(clip, camera, carried).label == ("chair",)
    assert TrackSubjects()(clip, camera, rows).label == ()


def bounce(label: str, second: str, gap: int = 6) -> list[Row]:
    """A ball falls 40 px a sample, is not seen where it hits the ground, and rises again."""
    fall = [at(t, label, 300, 60 + 40 * t) for t in range(8)]
    rise = [at(7 + gap + t, second, 300, 340 - 40 * t) for t in range(8)]
    return [*fall, *rise]


def test_a_bounce_makes_one_ball_of_two() -> None:
    assert track(clip_with(24), bounce("sports ball", "sports ball")).label == ("sports ball",)


@pytest.mark.parametrize(("label", "second"), [("object", "object"), ("sports ball", "frisbee")])
def test_without_a_shared_name_they_are_two(label: str, second: str) -> None:
    """Nobody knows whether a thing without a name turned back or another one came."""
    assert len(track(clip_with(24), bounce(label, second)).ids) == 2


def test_a_whole_has_the_names_of_its_pieces() -> None:
    """The second and the third piece share no name, but the first one bears both."""
    first = [at(t, ("sports ball", "frisbee")[t % 2], 300, 60 + 40 * t, 0.8) for t in range(8)]
    second = [at(13 + t, "sports ball", 300, 340 - 30 * t, 0.9) for t in range(8)]
    third = [at(26 + t, "frisbee", 300, 130 + 40 * t, 0.6) for t in range(8)]
    found = track(clip_with(36), [*first, *second, *third])
    assert found.label == ("sports ball",)
    assert int((found.detection >= 0).sum()) == 24


def test_with_another_ball_about_they_are_two() -> None:
    other = [at(t, "sports ball", 500, 400) for t in range(24)]
    assert len(track(clip_with(24), [*bounce("sports ball", "sports ball"), *other]).ids) == 3


def test_what_leaves_and_what_enters_are_two() -> None:
    """One car drives out on the right; another one comes in there, backwards, a moment later."""
    out = [at(t, "car", 500 + 20 * t, 200, side=80) for t in range(6)]
    back = [at(12 + t, "car", 600 - 20 * t, 200, side=80) for t in range(6)]
    assert len(track(clip_with(20), [*out, *back]).ids) == 2


def test_only_what_has_no_name_is_an_arrival() -> None:
    clip = clip_with(20)
    boxes = np.full((2, 20, 4), np.nan)
    boxes[0, 8:], boxes[1, :8] = (100, 100, 180, 300), (110, 120, 170, 200)
    detection = np.where(np.isfinite(boxes[..., 0]), np.arange(40).reshape(2, 20), -1)
    for label, left in (("object", 1), ("bottle", 2)):
        tracks = Tracks(np.array([0, 1000]), ("person", label), boxes.copy(), boxes[..., 0].copy(), detection)
        assert len(absorb(clip, tracks, 2.0, 0.5).ids) == left, label


def rests(label: str, known: bool, moved: bool = False) -> list[str]:
    clip = clip_with(30)
    camera = steady_like(clip)
    if not known:
        camera = replace(camera, to_scene=np.full((30, 2, 3), np.nan), labels=("complex",))
    tracks = Tracks(
        np.array([1000]),
        (label,),
        np.tile([10.0, 10, 50, 50], (1, 30, 1)),
        np.ones((1, 30)),
        np.zeros((1, 30), np.int64),
    )
    values = {"after_move": 0.0, "before_move": 0.0, "extent_px": 0.0, "in_scene": float(known)}
    events = [Event(1000, "still", Span(0.0, 2.0), values)]
    if moved:
        way = {"length_px": 100.0, "net_px": 100.0, "needed_px": 10.0, "shape_quality": 1.0, "in_scene": 1.0,
               "speed_widths_s": 0.1, "net_widths": 0.2}  # fmt: skip
        events.append(Event(1000, "move", Span(2.0, 2.9), way, direction=("left",)))
    facts = StateFacts()(clip, camera, tracks, Events(tuple(events)))
    return [fact.predicate for fact in facts.facts if fact.subject == 1000]


def test_a_named_thing_rests_if_the_camera_is_known() -> None:
    assert rests("bottle", known=True) == ["stay"]
    assert rests("bottle", known=False) == []  # a car ahead keeps its place in the picture at 100 km/h
    assert rests("bottle", known=False, moved=True) == ["stay", "move"]
    assert rests("object", known=True) == []
    assert rests("person", known=False) == ["stay"]


def test_seen_makes_detections() -> None:
    found = seen(at(0, "car", 10, 10))
    assert isinstance(found, Detections)
    assert found.label == ("car",)
