"""Every backend file passes these the moment it exists: one file, one name, frozen settings, valid records."""

from __future__ import annotations

import dataclasses
import importlib
import re
from functools import cache

import numpy as np
import pytest

from kinescribe import plugins
from kinescribe.errors import BackendError
from kinescribe.records import CameraMotion, Clip, Detections, Facts, Kinematics, Poses, Tracks
from kinescribe.stages.detect import DetectSubjects, nothing
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.video import ArrayFrames
from kinescribe.vocabulary import CAMERA_LABELS, SKELETONS
from tests.worlds import SCENARIOS, Rendered, render

KINDS = ("cameras", "detectors", "trackers", "poses", "hands", "depths", "namers", "captioners")
ALL = [(kind, name) for kind in KINDS for name in plugins.names(kind)]


@cache
def world(name: str) -> Rendered:
    return render(SCENARIOS[name](3))


def still_frame() -> tuple[Clip, ArrayFrames]:
    known = world("move_right")
    clip = dataclasses.replace(
        known.clip, num_frames=1, frame_indices=known.clip.frame_indices[:1], times_s=known.clip.times_s[:1]
    )
    return clip, ArrayFrames(known.frames.images[:1], known.frames.times_s[:1])


def first_sample(camera: CameraMotion) -> CameraMotion:
    return dataclasses.replace(
        camera,
        to_scene=camera.to_scene[:1],
        inlier_ratio=camera.inlier_ratio[:1],
        coverage=camera.coverage[:1],
    )


def needs_nets(kind: str, name: str) -> None:
    thing = plugins.load(kind, name)
    state = thing().identity() if hasattr(thing, "identity") else ""
    if state == "none":
        pytest.skip(f"{kind}/{name} needs nets: kinescribe models pull")
    if state in ("no file", "no onnxruntime"):
        pytest.skip(f"{kind}/{name} runs a file that the user names; it has tests of its own with tiny nets")
    if re.match("no (torch|transformers|vggt|checkpoint)", state):
        pytest.skip(f"{kind}/{name} needs a checkpoint; it is tested in tests/hf with a tiny one")


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_backend_is_a_file_with_one_frozen_dataclass(kind, name):
    thing = plugins.load(kind, name)
    assert dataclasses.is_dataclass(thing)
    assert thing.__dataclass_params__.frozen
    thing()  # every setting has a default
    module = importlib.import_module(thing.__module__)
    assert module.__doc__
    assert len(module.__doc__.split()) > 20, (
        "the docstring says what it is, and model, weights and paper if any"
    )
    assert name in plugins.identity(kind, name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_name_lists_what_there_is(kind):
    with pytest.raises(BackendError, match=f"no {kind} backend"):
        plugins.load(kind, "surely_not_there")
    name = plugins.names(kind)[0]
    with pytest.raises(BackendError, match=f'did you mean "{name}"'):
        plugins.load(kind, name + "x")


def test_a_backend_from_outside_is_reached_by_a_dotted_name():
    assert plugins.load("detectors", "tests.test_backends:DetectSubjects") is DetectSubjects
    with pytest.raises(BackendError, match="pip install surely_not_installed"):
        plugins.load("detectors", "surely_not_installed.mod:Thing")
    with pytest.raises(BackendError, match='has no "Nothing"'):
        plugins.load("detectors", "tests.test_backends:Nothing")


# --- cameras ------------------------------------------------------------------------------------------------


def valid_camera(camera: CameraMotion, samples: int) -> None:
    assert camera.to_scene.shape == (samples, 2, 3)
    np.testing.assert_allclose(camera.to_scene[0], np.eye(2, 3), atol=1e-9)
    assert set(camera.labels) <= set(CAMERA_LABELS)
    assert len(camera.labels) >= 1
    assert "static" not in camera.labels or camera.labels == ("static",)
    assert np.isfinite(camera.score) or camera.labels == ("unknown",)
    assert camera.terms.shape == (4,)
    assert camera.score == pytest.approx(camera.terms @ [1, 1, 0.5, 0.5], abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", plugins.names("cameras"))
@pytest.mark.parametrize("scenario", ["move_right", "camera_pan_left", "cut", "nothing_noise"])
def test_cameras(name, scenario):
    needs_nets("cameras", name)
    known = world(scenario)
    camera = plugins.load("cameras", name)()(known.clip, known.frames)
    valid_camera(camera, len(known.clip.times_s))
    again = plugins.load("cameras", name)()(known.clip, known.frames)
    np.testing.assert_array_equal(camera.to_scene, again.to_scene)
    # A backend that reads the file itself (codec vectors) cannot tell anything of pictures without one.
    assert camera.labels == ("unknown",) or set(known.camera.labels) <= set(camera.labels)


@pytest.mark.parametrize("name", plugins.names("cameras"))
def test_cameras_with_one_frame(name):
    needs_nets("cameras", name)
    clip, frames = still_frame()
    valid_camera(plugins.load("cameras", name)()(clip, frames), 1)


# --- detectors ----------------------------------------------------------------------------------------------


def valid_detections(found: Detections, clip: Clip) -> None:
    count = len(found.sample)
    assert found.xyxy.shape == (count, 4)
    assert len(found.label) == len(found.source) == len(found.score) == count
    assert found.keypoints.shape[:1] == found.world.shape[:1] == (count,)
    assert (np.diff(found.sample) >= 0).all()
    assert ((found.sample >= 0) & (found.sample < len(clip.times_s))).all()
    assert np.isfinite(found.xyxy).all()
    assert (found.xyxy[:, 2:] > found.xyxy[:, :2]).all()
    assert (found.xyxy >= 0).all()
    assert (found.xyxy[:, ::2] <= clip.width).all()
    assert (found.xyxy[:, 1::2] <= clip.height).all()
    assert ((found.score >= 0) & (found.score <= 1)).all()
    if found.skeleton is not None:
        assert found.keypoints.shape[1] == len(SKELETONS[found.skeleton])


@pytest.mark.parametrize("name", plugins.names("detectors"))
@pytest.mark.parametrize("scenario", ["move_right", "pan_with_mover", "cut", "camera_zoom_in"])
def test_detectors(name, scenario):
    needs_nets("detectors", name)
    known = world(scenario)
    runs = [
        plugins.load("detectors", name)()(known.clip, known.frames, known.camera, known.detections)
        for _ in "ab"
    ]
    valid_detections(runs[0], known.clip)
    np.testing.assert_array_equal(runs[0].xyxy, runs[1].xyxy)


@pytest.mark.parametrize("name", plugins.names("detectors"))
@pytest.mark.parametrize("scenario", ["nothing_clean", "nothing_noise", "camera_handheld", "camera_pan_left"])
def test_detectors_see_nothing_where_nothing_moves(name, scenario):
    needs_nets("detectors", name)
    known = world(scenario)
    found = plugins.load("detectors", name)()(known.clip, known.frames, known.camera, nothing())
    assert len(found.sample) == 0


@pytest.mark.parametrize("name", plugins.names("detectors"))
def test_detectors_with_one_frame(name):
    needs_nets("detectors", name)
    clip, frames = still_frame()
    camera = first_sample(world("move_right").camera)
    valid_detections(plugins.load("detectors", name)()(clip, frames, camera, nothing()), clip)


# --- trackers, poses, captioners ----------------------------------------------------------------------------


def empty_poses(samples: int) -> Poses:
    none = np.zeros((0, samples, 33, 3))
    return Poses(np.zeros(0, np.int64), none, none, "blazepose33")


@pytest.mark.parametrize("name", plugins.names("trackers"))
def test_trackers(name):
    if hasattr(plugins.load("trackers", name), "follow"):
        pytest.skip(f"trackers/{name} needs a checkpoint; it is tested in tests/hf with a tiny one")
    known = world("pair_cross")
    tracks = plugins.load("trackers", name)()(known.clip, known.camera, known.detections)
    shape = (len(tracks.ids), len(known.clip.times_s))
    assert tracks.xyxy.shape == (*shape, 4)
    assert tracks.detection.shape == tracks.score.shape == shape
    assert len(set(tracks.ids.tolist())) == len(tracks.ids)
    rows = tracks.detection[tracks.detection >= 0]
    assert len(rows) == len(set(rows.tolist())), "a detection belongs to one track"


@pytest.mark.parametrize("name", plugins.names("poses"))
def test_poses_of_nobody(name):
    needs_nets("poses", name)
    known = world("move_right")
    poses = plugins.load("poses", name)()(known.clip, known.frames, known.detections, known.tracks)
    assert poses.keypoints.shape == (0, len(known.clip.times_s), len(SKELETONS[poses.skeleton]), 3)
    nobody = dataclasses.replace(
        known.tracks, ids=known.tracks.ids[:0], label=(), xyxy=known.tracks.xyxy[:0], score=known.tracks.score[:0],
        detection=known.tracks.detection[:0],
    )  # fmt: skip
    poses = plugins.load("poses", name)()(known.clip, known.frames, nothing(), nobody)
    assert len(poses.ids) == 0


ASKING = [name for name in plugins.names("captioners") if hasattr(plugins.load("captioners", name), "tell")]


@pytest.mark.parametrize("name", sorted({*plugins.names("captioners")} - {*ASKING}))
@pytest.mark.parametrize("scenario", ["pause", "pair_approach", "camera_pan_left", "nothing_clean"])
def test_captioners(name, scenario):
    known = world(scenario)
    camera = dataclasses.replace(known.camera, score=0.0, terms=np.zeros(4))
    poses = empty_poses(len(known.clip.times_s))
    kinematics: Kinematics = MeasureKinematics()(known.clip, camera, known.tracks, poses)
    events = FindEvents()(known.clip, camera, known.tracks, poses, kinematics)
    facts: Facts = StateFacts()(known.clip, camera, known.tracks, events)
    drafts = plugins.load("captioners", name)()(known.clip, known.tracks, kinematics, facts)
    assert [d.scope for d in drafts][:1] == ["scene"]
    assert all(d.text.strip() for d in drafts)
    assert {d.subject for d in drafts if d.scope == "region"} <= set(known.tracks.ids.tolist())


# --- the stage that joins the detectors ---------------------------------------------------------------------


def people_at(boxes: dict[int, list[float]]) -> Detections:
    count = len(boxes)
    points = np.full((count, 33, 3), np.nan)  # no bone is known: the box has to do
    return Detections(
        np.array(list(boxes), np.int64), np.array(list(boxes.values()), float).reshape(-1, 4), np.full(count, 0.9),
        ("person",) * count, ("fake",) * count, points, points, "blazepose33",
    )  # fmt: skip


def things_at(boxes: list[tuple[int, list[float]]]) -> Detections:
    none = np.zeros((len(boxes), 0, 3))
    return Detections(
        np.array([k for k, _ in boxes], np.int64), np.array([b for _, b in boxes], float).reshape(-1, 4),
        np.full(len(boxes), 0.7), ("object",) * len(boxes), ("fake",) * len(boxes), none, none,
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class FakePeople:
    def __call__(self, clip, frames, camera, regions):
        return people_at({2: [100.0, 20, 140, 120]})


@dataclasses.dataclass(frozen=True)
class FakeThings:
    def __call__(self, clip, frames, camera, regions):
        return things_at(
            [
                (2, [105.0, 40, 120, 60]),  # an arm
                (2, [95.0, 15, 145, 125]),  # the person, with a shadow
                (2, [150.0, 100, 165, 115]),  # a ball beside
                (3, [105.0, 40, 120, 60]),  # the same place, but nobody is seen there in this sample
            ]
        )


@dataclasses.dataclass(frozen=True)
class WithoutNets:
    def __call__(self, clip, frames, camera, regions):
        raise BackendError("the nets are not here: kinescribe models pull")


def detect(objects: str, people: str) -> Detections:
    known = world("move_right")
    names = {name: f"tests.test_backends:{name}" if name else "" for name in (objects, people)}
    return DetectSubjects(objects=names[objects], people=names[people])(
        known.clip, known.frames, known.camera
    )


def test_a_region_that_a_person_explains_is_dropped_and_a_ball_beside_stays():
    found = detect("FakeThings", "FakePeople")
    rows = list(zip(found.sample.tolist(), found.label, found.xyxy[:, 0].tolist(), strict=True))
    assert rows == [(2, "object", 150.0), (2, "person", 100.0), (3, "object", 105.0)]
    assert found.keypoints.shape == (3, 33, 3)
    assert found.skeleton == "blazepose33"


def test_missing_nets_cost_the_people_and_say_so():
    found = detect("FakeThings", "WithoutNets")
    assert set(found.label) == {"object"}
    assert any("models pull" in note for note in found.notes)


def test_both_can_be_turned_off():
    assert len(detect("", "").sample) == 0


def test_tracks_of_a_world_are_valid():
    known = world("pause")
    assert isinstance(known.tracks, Tracks)
    assert not known.tracks.filled.any()
