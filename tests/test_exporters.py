"""The JSON Lines contract, field by field, and FoundationMotion's layout."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe import plugins, video
from kinescribe.errors import RecipeError, StoreError
from kinescribe.exporters import Exported, Sieve, foundationmotion, jsonl, options, parquet
from kinescribe.plain import to_json
from kinescribe.records import (
    CameraMotion,
    Captions,
    Clip,
    Event,
    Events,
    Facts,
    Hands,
    MotionFact,
    Question,
    Questions,
    Span,
    Tracks,
    Verdict,
    Verdicts,
)
from kinescribe.vocabulary import (
    CAMERA_LABELS,
    CHECKLIST,
    CONTACTS,
    DIRECTIONS,
    KPM_CATEGORIES,
    LEVELS,
    OPTION_ROLES,
    PREDICATES,
    QA_CATEGORIES,
    TRAJECTORIES,
)
from tests import fake_run
from tests.fake_run import FakeFailure, FakeRun, run_of

# --- the contract as a table --------------------------------------------------------------------------------

Check = Callable[[Any], bool]


def real(v: Any) -> bool:
    return isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v)


def whole(v: Any) -> bool:
    return isinstance(v, int) and not isinstance(v, bool)


def text(v: Any) -> bool:
    return isinstance(v, str)


def maybe(check: Check) -> Check:
    return lambda v: v is None or check(v)


def each(check: Check) -> Check:
    return lambda v: isinstance(v, list) and all(map(check, v))


def among(words: Iterable[str]) -> Check:
    known = set(words)
    return lambda v: v in known


def shaped(fields: dict[str, Check]) -> Check:
    return lambda v: (
        isinstance(v, dict) and list(v) == list(fields) and all(c(v[k]) for k, c in fields.items())
    )


def box(v: Any) -> bool:
    return each(real)(v) and len(v) == 4 and 0 <= v[0] < v[2] <= 1 and 0 <= v[1] < v[3] <= 1


VERDICT = {
    "claim": text,
    "start": whole,
    "end": whole,
    "holds": maybe(lambda v: isinstance(v, bool)),
    "why": text,
}
CAMERA = {
    "labels": each(among(CAMERA_LABELS)),
    "score": maybe(real),
    "transforms": each(maybe(lambda v: each(real)(v) and len(v) == 6)),
    "frame_indices": each(whole),
    "stretches": each(shaped({"t_start": real, "t_end": real, "labels": each(among(CAMERA_LABELS))})),
}
CONTRACT: dict[str, dict[str, Check]] = {
    "clips": {
        "clip_id": text, "source": text, "start_s": real, "end_s": real, "fps": maybe(real), "width": whole,
        "height": whole, "num_frames": whole, "camera": shaped(CAMERA),
    },
    "tracks": {
        "clip_id": text, "track_id": whole, "label": text, "frame_indices": each(whole), "boxes": each(maybe(box)),
        "part_of": maybe(whole), "contact": maybe(each(among(CONTACTS))), "same_as": maybe(each(maybe(whole))),
    },
    "facts": {
        "clip_id": text, "fact_id": text, "subject": whole, "predicate": among(PREDICATES), "part": maybe(text),
        "level": among(LEVELS), "direction": each(among(DIRECTIONS)), "magnitude": maybe(text),
        "trajectory": maybe(among(TRAJECTORIES)), "count": maybe(whole), "t_start": real, "t_end": real,
        "object": maybe(whole), "frame_of_reference": among(("image", "scene")), "confidence": maybe(real),
        "evidence": lambda v: isinstance(v, dict) and all(map(maybe(real), v.values())),
    },
    "captions": {
        "clip_id": text, "scope": among(("scene", "region")), "subject": maybe(whole), "text": text, "source": text,
        "verdicts": each(shaped(VERDICT)), "edits": each(text),
    },
    "qa": {
        "clip_id": text, "category": among((*QA_CATEGORIES, *KPM_CATEGORIES, CHECKLIST)), "question": text,
        "options": lambda v: each(text)(v) and len(v) == 4, "answer_index": among(range(4)),
        "subject": maybe(whole), "fact_id": maybe(text), "provenance": text,
        "template": text, "t_start": maybe(real), "t_end": maybe(real), "roles": each(among(OPTION_ROLES)),
    },
}  # fmt: skip
"""DESIGN.md, 'JSON Lines export: a stable contract': keys in order, and what each may hold."""

Rows = dict[str, list[dict[str, Any]]]


def strict(line: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(line, parse_constant=refuse)


def exported(run: FakeRun, out: Path) -> Rows:
    jsonl.export(run, out, contradicted=True)
    rows = {
        name: [strict(x) for x in (out / f"{name}.jsonl").read_text("utf-8").splitlines()]
        for name in CONTRACT
    }
    for name, fields in CONTRACT.items():
        for row in rows[name]:
            assert list(row) == list(fields), name
            for key, check in fields.items():
                assert check(row[key]), f"{name}.{key} = {row[key]!r}"
    for row in rows["tracks"]:
        assert len(row["boxes"]) == len(row["frame_indices"])
    for row in rows["clips"]:
        assert len(row["camera"]["transforms"]) == len(row["camera"]["frame_indices"])
    return rows


NASTY = {
    "street": fake_run.street, "empty": fake_run.empty, "unknown": fake_run.unknown, "one": fake_run.one_sample,
    "crowd": fake_run.crowd, "hostile": fake_run.hostile,
}  # fmt: skip


# --- JSON Lines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", NASTY.values(), ids=NASTY)
def test_every_line_keeps_the_contract(make: Callable[[], dict], tmp_path: Path) -> None:
    rows = exported(run_of(make()), tmp_path)
    assert len(rows["clips"]) == 1


def test_the_checks_can_fail(tmp_path: Path) -> None:
    row = exported(run_of(fake_run.street()), tmp_path)["tracks"][0]
    for spoilt in ([0.1, 0.2, 0.1, 0.4], [0.1, 0.2, 1.2, 0.4], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3, math.nan]):
        assert not CONTRACT["tracks"]["boxes"]([*row["boxes"], spoilt])
    with pytest.raises(AssertionError):
        strict('{"a": NaN}')


def test_boxes_and_transforms_are_the_measured_ones(tmp_path: Path) -> None:
    rows = exported(run_of(fake_run.street()), tmp_path)
    person, car, *_ = rows["tracks"]
    assert (person["track_id"], person["label"], car["track_id"], car["label"]) == (0, "person", 1000, "car")
    assert person["frame_indices"] == fake_run.street_clip().frame_indices.tolist()
    np.testing.assert_allclose(car["boxes"][0], [200 / 320, 110 / 180, 260 / 320, 150 / 180], atol=1e-6)
    hidden = [i for i, b in enumerate(person["boxes"]) if b is None]
    times = fake_run.street_clip().times_s
    assert hidden == np.flatnonzero((times > 0.45) & (times < 0.75)).tolist()
    a, b, c, d, e, f = rows["clips"][0]["camera"]["transforms"][10]
    x, y = car["boxes"][10][0] * 320, car["boxes"][10][1] * 180
    assert (a * x + b * y + c, d * x + e * y + f) == pytest.approx(
        (200, 110), abs=1e-3
    )  # parked in the scene


def test_boxes_are_cut_at_the_border_and_null_outside(tmp_path: Path) -> None:
    records = fake_run.street()
    tracks = records[Tracks]
    xyxy = tracks.xyxy.copy()
    xyxy[1, 0], xyxy[1, 1] = [-50, 20, 60, 400], [-90, 20, -10, 50]
    records[Tracks] = replace(tracks, xyxy=xyxy)
    boxes = exported(run_of(records), tmp_path)["tracks"][1]["boxes"]
    assert boxes[0] == pytest.approx([0, 20 / 180, 60 / 320, 1], abs=1e-6)
    assert boxes[1] is None


def test_hands_and_what_they_hold_are_tracks_of_their_own(tmp_path: Path) -> None:
    left, right, bag = exported(run_of(fake_run.street()), tmp_path)["tracks"][2:]
    clip, hands = fake_run.street_clip(), fake_run.street()[Hands]
    assert [(r["track_id"], r["part_of"]) for r in (left, right, bag)] == [(1, 0), (4, 0), (5, 4)]
    assert [r["label"] for r in (left, right, bag)] == ["left hand", "right hand", "object in right hand"]
    holds = hands.contact[1] > 0
    assert right["contact"] == ["object_contact" if h else "unknown" for h in holds]
    assert [b is not None for b in bag["boxes"]] == holds.tolist()
    assert bag["contact"] is None
    assert bag["same_as"] == [None] * len(clip.times_s)
    np.testing.assert_allclose(left["boxes"][0], hands.xyxy[0, 0] / [320, 180, 320, 180], atol=1e-6)


def test_a_hand_of_nobody_is_part_of_nothing(tmp_path: Path) -> None:
    records = fake_run.street()
    records[Hands] = replace(records[Hands], ids=np.array([11, 14]))
    rows = exported(run_of(records), tmp_path)["tracks"][2:]
    assert [(r["track_id"], r["part_of"]) for r in rows] == [(11, None), (14, None), (15, 14)]


def test_unknown_numbers_are_null(tmp_path: Path) -> None:
    rows = exported(run_of(fake_run.unknown()), tmp_path)
    assert rows["clips"][0]["fps"] is None
    assert rows["clips"][0]["camera"]["score"] is None
    assert set(rows["clips"][0]["camera"]["transforms"]) == {None}
    assert all(set(row["boxes"]) == {None} for row in rows["tracks"])
    assert rows["facts"][1]["evidence"] == {"drift_px": None}


def test_no_camera_record_is_an_unknown_camera(tmp_path: Path) -> None:
    camera = exported(run_of(fake_run.crowd()), tmp_path)["clips"][0]["camera"]
    assert camera["labels"] == []
    assert set(camera["transforms"]) == {None}


def test_a_fact_line_says_what_the_fact_says(tmp_path: Path) -> None:
    fact = exported(run_of(fake_run.street()), tmp_path)["facts"][2]
    assert fact == {
        "clip_id": "street", "fact_id": "f3", "subject": 0, "predicate": "move", "part": None, "level": "individual",
        "direction": ["right"], "magnitude": "slowly", "trajectory": "straight", "count": None, "t_start": 1.0,
        "t_end": 2.5, "object": None, "frame_of_reference": "scene", "confidence": 1.0,
        "evidence": {"path_px": 60.0, "speed_px_s": 40.0},
    }  # fmt: skip


def test_verdicts_point_at_the_words_they_judge(tmp_path: Path) -> None:
    scene, region = exported(run_of(fake_run.street()), tmp_path)["captions"]
    assert [v["holds"] for v in scene["verdicts"]] == [True, False, None]
    for verdict in scene["verdicts"]:
        assert scene["text"][verdict["start"] : verdict["end"]] == verdict["claim"]
    assert scene["verdicts"][1]["claim"] == "The car falls."
    assert (region["subject"], region["verdicts"]) == (1000, [])


def test_the_answer_is_the_option_that_was_meant(tmp_path: Path) -> None:
    question = exported(run_of(fake_run.street()), tmp_path)["qa"][0]
    assert question["options"][question["answer_index"]] == "right"
    assert question["category"] == "motion_attribute"


def test_text_from_outside_comes_back_unchanged_and_stays_on_its_line(tmp_path: Path) -> None:
    rows = exported(run_of(fake_run.hostile()), tmp_path)
    assert [row["label"] for row in rows["tracks"]][:2] == [fake_run.INJECTION, fake_run.UNICODE]
    assert rows["qa"][0]["options"][1] == fake_run.UNICODE


@given(st.text(st.characters()))
def test_any_text_survives(value: str) -> None:
    line = to_json({"a": value})
    assert len(line.splitlines()) == 1
    assert json.loads(line.encode("utf-8")) == {"a": value}


def test_failed_and_pending_clips_are_left_out_and_counted(tmp_path: Path) -> None:
    pending = {Clip: fake_run.street_clip("pending", "videos/a.mp4")}
    failed = (
        FakeFailure("videos/crowd.mp4", "crowd", "pose", "BackendError", "no", 1),
        FakeFailure("videos/crowd.mp4", "crowd", "qa", "BackendError", "no", 1),
        FakeFailure("videos/broken.mp4", None, "ingest", "VideoError", "empty", 3),
    )
    run = run_of(fake_run.street(), fake_run.crowd(), pending, failed=failed)
    for export in (jsonl.export, foundationmotion.export):
        told = export(run, tmp_path / export.__module__)
        assert (told.clips, told.failed, told.pending) == (1, 2, 1)
    clips = (tmp_path / jsonl.__name__ / "clips.jsonl").read_text().splitlines()
    assert [json.loads(line)["clip_id"] for line in clips] == ["street"]


def test_the_order_does_not_depend_on_the_runs(tmp_path: Path) -> None:
    made = [make() for make in NASTY.values()]
    first, second = tmp_path / "a", tmp_path / "b"
    jsonl.export(run_of(*made), first)
    jsonl.export(run_of(*reversed(made)), second)
    for name in CONTRACT:
        assert (first / f"{name}.jsonl").read_bytes() == (second / f"{name}.jsonl").read_bytes()


def spoilt() -> dict[type, Any]:
    records = fake_run.renamed(fake_run.street(), "zzz", source="z.mp4")
    three = Question("motion_object", "What?", ("a", "b", "c"), 0, None, None, "")
    return {**records, Questions: Questions((three,))}


@pytest.mark.parametrize("export", [jsonl.export, foundationmotion.export])
def test_a_question_without_four_options_is_refused(export: Callable[..., Exported], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"3 options.*annotate again"):
        export(run_of(spoilt()), tmp_path)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_an_export_that_breaks_off_leaves_the_one_before(tmp_path: Path) -> None:
    jsonl.export(run_of(fake_run.street()), tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(StoreError):
        jsonl.export(run_of(fake_run.crowd(), spoilt()), tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_empty_run_gives_five_empty_files(tmp_path: Path) -> None:
    told = jsonl.export(run_of(), tmp_path / "new" / "folder")
    assert told == Exported(
        tuple(tmp_path / "new" / "folder" / f"{name}.jsonl" for name in CONTRACT), 0, 0, 0
    )
    assert all(path.read_bytes() == b"" for path in told.files)


@pytest.mark.parametrize("name", ["jsonl", "foundationmotion", "parquet", "motionatlas", "hallucinations"])
def test_exporters_are_found_by_name(name: str) -> None:
    assert name in plugins.names("exporters")
    assert callable(plugins.load("exporters", name))


# --- FoundationMotion ---------------------------------------------------------------------------------------


def foundation(run: FakeRun, out: Path, name: str = "street") -> tuple[Any, Any, Any]:
    foundationmotion.export(run, out)
    folders = ("motion", "videos_captions_kinescribe", "videos_QAs_kinescribe")
    motion, captions, questions = (strict((out / f / f"{name}.json").read_text("utf-8")) for f in folders)
    return motion, captions, questions


def test_motion_has_a_box_per_source_frame(tmp_path: Path) -> None:
    motion, _, _ = foundation(run_of(fake_run.street()), tmp_path)
    assert list(motion) == [f"object_{i:02d}" for i in range(5)]
    car = motion["object_01"]
    assert (car["object_type"], car["track_id"]) == ("car", 1000)
    for thing in motion.values():
        assert len(thing["bbox"]) == len(thing["interactions"]) == 72
    lefts = [200 - 20 * frame / 24 for frame in range(70)]  # also of the frames between samples
    np.testing.assert_allclose([b[0] * 320 for b in car["bbox"][:70]], lefts, atol=0.02)
    assert all(round(x, 4) == x for b in car["bbox"] if b for x in b)


def test_hands_are_objects_of_their_person_and_tied_to_what_they_hold(tmp_path: Path) -> None:
    motion, _, _ = foundation(run_of(fake_run.street()), tmp_path)
    left, right, bag = (motion[f"object_{i:02d}"] for i in (2, 3, 4))
    assert [each["object_type"] for each in (left, right, bag)] == [
        "left hand", "right hand", "object in right hand",
    ]  # fmt: skip
    assert [each["track_id"] for each in (left, right, bag)] == [1, 4, 5]
    assert [each["part_of"] for each in (left, right, bag)] == ["object_00", "object_00", "object_03"]
    assert "contact_state" not in bag
    held = [frame for frame, box in enumerate(bag["bbox"]) if box]
    assert held
    assert all(
        "object_04" in right["interactions"][f] and "object_03" in bag["interactions"][f] for f in held
    )
    assert not any("object_04" in (names or ()) for names in left["interactions"])
    clip = fake_run.street_clip()
    first = int(clip.frame_indices[np.searchsorted(clip.times_s, 2.0)])
    before = int(clip.frame_indices[np.searchsorted(clip.times_s, 2.0) - 1])
    assert right["contact_state"][first] == "object_contact"
    assert right["contact_state"][before] == "unknown"
    assert right["contact_state"][before + 1] is None  # the two samples differ
    assert set(left["contact_state"]) <= {"unknown", None}


def test_a_frame_without_a_sighting_on_both_sides_is_null(tmp_path: Path) -> None:
    motion, _, _ = foundation(run_of(fake_run.street()), tmp_path)
    clip, tracks = fake_run.street_clip(), fake_run.street()[Tracks]
    boxes = motion["object_00"]["bbox"]
    unseen = clip.frame_indices[np.isnan(tracks.xyxy[0, :, 0])]
    seen_before = clip.frame_indices[clip.frame_indices < unseen[0]][-1]
    seen_after = clip.frame_indices[clip.frame_indices > unseen[-1]][0]
    assert [i for i, b in enumerate(boxes[:72]) if b is None and i < 60] == list(
        range(seen_before + 1, seen_after)
    )


def test_boxes_are_not_interpolated_across_a_cut(tmp_path: Path) -> None:
    records = fake_run.street()
    clip = records[Clip]
    records[CameraMotion] = replace(records[CameraMotion], cuts_s=(float(clip.times_s[4]),))
    motion, _, _ = foundation(run_of(records), tmp_path)
    between = range(clip.frame_indices[3] + 1, clip.frame_indices[4])
    assert len(between) >= 1
    assert [motion["object_01"]["bbox"][i] for i in between] == [None] * len(between)


def touching(span: Span, other: int = 1000) -> dict[type, Any]:
    records = fake_run.street()
    facts = records[Facts].facts
    records[Facts] = Facts((*facts, MotionFact("f9", 0, "touch", span, object=other)))
    return records


def test_interactions_are_contacts_seen_from_both_sides(tmp_path: Path) -> None:
    motion, _, _ = foundation(run_of(touching(Span(1.0, 1.5))), tmp_path)
    person, car = motion["object_00"]["interactions"], motion["object_01"]["interactions"]
    assert [f for f, others in enumerate(person) if others] == list(range(24, 37))
    assert person[30] == ["object_01"]
    assert car[30] == ["object_00"]


def test_who_only_comes_near_does_not_interact(tmp_path: Path) -> None:
    """As in ``inputs.motion``: an interaction is a contact."""
    motion, _, _ = foundation(run_of(fake_run.street()), tmp_path)
    assert any(fact.predicate == "approach" for fact in fake_run.street()[Facts].facts)
    assert set(motion["object_01"]["interactions"]) == {None}


def test_a_contact_between_two_frames_is_seen_at_the_nearest(tmp_path: Path) -> None:
    motion, _, _ = foundation(run_of(touching(Span(1.01, 1.02))), tmp_path)
    assert [f for f, others in enumerate(motion["object_01"]["interactions"]) if others] == [24]


def test_a_touch_that_is_only_an_event_counts(tmp_path: Path) -> None:
    records = fake_run.street()
    records[Events] = Events((Event(1000, "touch", Span(2.0, 2.0), other=0),))
    motion, _, _ = foundation(run_of(records), tmp_path)
    assert motion["object_00"]["interactions"][48] == ["object_01"]


def test_a_hand_interacts_with_the_track_that_it_holds(tmp_path: Path) -> None:
    records = fake_run.street()
    hands = records[Hands]
    records[Hands] = replace(hands, held_track=np.where(np.isfinite(hands.held_xyxy[..., 0]), 1000, -1))
    motion, _, _ = foundation(run_of(records), tmp_path)
    sample = int(np.flatnonzero(np.isfinite(hands.held_xyxy[1, :, 0]))[0])
    frame = int(records[Clip].frame_indices[sample])
    assert "object_03" in motion["object_01"]["interactions"][frame]
    assert {"object_01", "object_04"} <= set(motion["object_03"]["interactions"][frame])


def test_a_contact_with_someone_who_is_no_track_is_no_interaction(tmp_path: Path) -> None:
    motion, _, _ = foundation(run_of(touching(Span(0, 3), other=77)), tmp_path)
    assert set(motion["object_01"]["interactions"]) == {None}


def test_its_scripts_find_what_they_read(tmp_path: Path) -> None:
    """Keys as the released code writes and reads them (specs of its code), and a video with as many frames as boxes."""
    clip = fake_run.street_video(tmp_path / "street.mp4")
    records = fake_run.street(clip)
    told = foundationmotion.export(run_of(records), tmp_path / "out", scripts=True)
    folder = tmp_path / "out" / "video_general_obj_det_finished"
    assert {folder / "street.json", folder / "street.mp4"} <= set(told.files)
    found = strict((folder / "street.json").read_text("utf-8"))
    assert list(found) == ["detected_objects", "preson_00"]
    car = found["detected_objects"]["car_1000"]
    assert (car["class_name"], car["class_id"], car["track_id"]) == ("car", 200, 1000)
    person = found["preson_00"]
    assert list(person) == ["bbox", "left_hand", "right_hand"]
    assert list(person["left_hand"]) == ["bbox"]
    assert list(person["right_hand"]) == ["bbox", "right_hand_1st_obj"]
    frames = len(video.scan(folder / "street.mp4").times_s)
    ours = strict((tmp_path / "out" / "motion" / "street.json").read_text("utf-8"))
    for box, same in (
        (car["bbox"], "object_01"), (person["bbox"], "object_00"), (person["left_hand"]["bbox"], "object_02"),
        (person["right_hand"]["bbox"], "object_03"), (person["right_hand"]["right_hand_1st_obj"], "object_04"),
    ):  # fmt: skip
        assert len(box) == frames
        assert box == ours[same]["bbox"]


@pytest.mark.parametrize("make", NASTY.values(), ids=NASTY)
def test_nasty_clips_in_the_shape_of_its_code(make: Callable[[], dict]) -> None:
    records = make()
    found = foundationmotion.code_motion(records[Clip], records)
    people = [name for name in found if name != "detected_objects"]
    tracks = records.get(Tracks)
    assert len(people) == sum(label == "person" for label in tracks.label)
    assert len(people) + len(found["detected_objects"]) == len(tracks.ids)


# --- what is left out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("export", [jsonl.export, foundationmotion.export, parquet.export])
def test_contradicted_captions_are_left_out_and_counted(export: Any, tmp_path: Path) -> None:
    run = run_of(fake_run.street())
    assert export(run, tmp_path / "a").contradicted == 1
    assert export(run, tmp_path / "b", contradicted=True).contradicted == 0

    def told(folder: Path) -> str:
        return "".join(file.read_bytes().decode("latin1") for file in folder.rglob("*.json*"))

    if export is not parquet.export:  # its columns are packed; see test_parquet
        assert "The car falls." not in told(tmp_path / "a")
        assert "The car falls." in told(tmp_path / "b")


def test_verdicts_follow_their_captions() -> None:
    records = fake_run.street()
    first = records[Captions].captions[0]
    records[Captions] = Captions((first, replace(first, source="other")))
    records[Verdicts] = Verdicts(
        (Verdict(0, 1, False, "no"), Verdict(1, 0, True, "yes"), Verdict(1, 1, None, "?"))
    )
    sieve = Sieve()
    sifted = sieve(records[Clip], records)
    (row,) = jsonl.caption_rows(records[Clip], sifted)
    assert row["source"] == "other"
    assert [(v["claim"], v["holds"]) for v in row["verdicts"]] == [
        ("The person walks to the right.", True), ("The car falls.", None),
    ]  # fmt: skip
    assert records[Verdicts].verdicts[0].holds is False  # the run itself is as it was


@pytest.mark.parametrize("export", [jsonl.export, foundationmotion.export, parquet.export])
def test_the_same_question_of_the_same_pictures_is_exported_once(export: Any, tmp_path: Path) -> None:
    records = fake_run.street()
    first = records[Questions].questions[0]
    again = replace(first, options=first.options[::-1], answer_index=3 - first.answer_index)
    records[Questions] = Questions((*records[Questions].questions, again))
    elsewhere = fake_run.renamed(fake_run.street(), "other", source="videos/z.mp4", source_sha256="1" * 64)
    assert export(run_of(records, elsewhere), tmp_path).duplicates == 1


def checklist(*options: str) -> Question:
    roles = ("content", "content", "not_mentioned", "unclear", "differs")[-len(options) :]
    return Question(CHECKLIST, "Which way, then?", options, 1, 0, "f3", "", "ma.way", Span(1.0, 2.5), roles)


def test_checklist_questions_in_json_lines(tmp_path: Path) -> None:
    records = fake_run.street()
    asked = records[Questions].questions
    records[Questions] = Questions((*asked, checklist(*"abcd"), checklist(*"vwxyz")))
    told = jsonl.export(run_of(records), tmp_path / "told")
    assert told.unfit == 1
    rows = exported(run_of(records), tmp_path)["qa"]
    assert [row["category"] for row in rows] == ["motion_attribute", "motion_object", CHECKLIST]
    row = rows[-1]
    assert (row["template"], row["t_start"], row["t_end"]) == ("ma.way", 1.0, 2.5)
    assert row["roles"] == ["content", "not_mentioned", "unclear", "differs"]
    assert (rows[0]["t_start"], rows[0]["roles"], rows[0]["template"]) == (None, [], "")


def test_checklist_questions_are_not_asked_of_a_video(tmp_path: Path) -> None:
    records = fake_run.street()
    records[Questions] = Questions((*records[Questions].questions, checklist(*"abcd")))
    assert foundationmotion.export(run_of(records), tmp_path).unfit == 1
    _, _, asked = foundation(run_of(records), tmp_path)
    assert len(asked["kinescribe_res"]["questions"]) == 2


def test_an_evaluation_reads_our_questions(tmp_path: Path) -> None:
    """As FoundationMotion's scripts do: letters to options, the right one by its letter (specs of its code)."""
    _, _, file = foundation(run_of(fake_run.street()), tmp_path)
    (model,) = (key for key in file if key.endswith("_res"))
    for asked in file[model]["questions"]:
        prompt = asked["question"] + "".join(f"\n{letter}: {asked[letter]}" for letter in "ABCD")
        assert all(option in prompt for option in (asked[letter] for letter in "ABCD"))
        assert asked[asked["correct_answer"]] in ("right", "the car")
    assert file["metadata"]["randomized_answers"] is True


# --- options ------------------------------------------------------------------------------------------------


def test_options_have_the_types_of_their_defaults() -> None:
    def export(
        run: Any, out: Any, *, seed: int = 0, share: float = 0.1, name: str = "", videos: bool = True
    ) -> Any: ...

    given = ["seed=7", "share = 1e-3", "name=a=b", "videos=False"]
    assert options(export, given) == {"seed": 7, "share": 1e-3, "name": "a=b", "videos": False}
    assert options(export, []) == {}
    for text, words in (
        ("sed=7", 'did you mean "seed"'), ("seed=x", "a whole number"), ("share=x", "a number"),
        ("videos=1", "true or false"), ("seed", "KEY=VALUE"), ("run=x", "no option"),
    ):  # fmt: skip
        with pytest.raises(RecipeError, match=words):
            options(export, [text])


def test_captions_found_false_are_left_out(tmp_path: Path) -> None:
    records = fake_run.street()
    _, captions, _ = foundation(run_of(records), tmp_path)
    assert captions == {"kinescribe_res": "- A quiet street."}
    verdicts = tuple(replace(v, holds=v.holds is None or None) for v in records[Verdicts].verdicts)
    records[Verdicts] = Verdicts(verdicts)
    _, captions, _ = foundation(run_of(records), tmp_path)
    scene = records[Captions].captions[0].text
    assert captions == {"kinescribe_res": f"{scene}\n\n- A quiet street."}


def test_questions_have_letters(tmp_path: Path) -> None:
    _, _, questions = foundation(run_of(fake_run.street()), tmp_path)
    assert questions["kinescribe_res"]["questions"][1] == {
        "question": "What stays in place?", "A": "the person", "B": "the dog", "C": "the car", "D": "nothing",
        "correct_answer": "C", "category": "motion_object",
    }  # fmt: skip
    assert questions["metadata"]["correct_answer_field"] == "correct_answer"


@pytest.mark.parametrize("make", NASTY.values(), ids=NASTY)
def test_nasty_clips_give_valid_files(make: Callable[[], dict], tmp_path: Path) -> None:
    told = foundationmotion.export(run_of(make()), tmp_path)
    assert len(told.files) == 3
    for file in told.files:
        strict(file.read_text("utf-8"))


def test_clips_of_one_video_and_videos_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    sources = ["a/walk.v2.mp4", "b/Walk.V2.mov", "c/run.mp4", "d/..", ".."]
    clips = [fake_run.street_clip(f"id{i}", source) for i, source in enumerate(sources)]
    found = foundationmotion.names(clips)
    assert found[:3] == ["walk.v2_id0", "Walk.V2_id1", "run"]
    assert len({name.casefold() for name in found}) == len(found)
    assert not {".", "..", ""} & set(found)


@pytest.mark.parametrize("exporter", [jsonl.export, foundationmotion.export])
def test_dropped_clips_are_left_out(tmp_path: Path, exporter) -> None:
    street, crowd = fake_run.street(), fake_run.crowd()
    run = replace(run_of(street, crowd), drops=(crowd[Clip].id,))
    assert exporter(run, tmp_path).clips == 1
    written = "".join(path.read_text() for path in tmp_path.rglob("*.json*"))
    assert crowd[Clip].id not in written
