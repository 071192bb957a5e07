"""The report: one file, asks nobody for anything, escapes everything, and is honest about what is unknown."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe import video
from kinescribe.errors import StoreError, VideoError
from kinescribe.records import (
    Action,
    Caption,
    Captions,
    Claim,
    Clip,
    Detections,
    Events,
    Hands,
    Kinematics,
    Tracks,
    Verdicts,
)
from kinescribe.runs.summary import notes
from kinescribe.stages.detect import nothing
from kinescribe.viewer import charts, clippage, report
from kinescribe.viewer.overlay import write_overlay
from kinescribe.viewer.report import write_report
from tests import browser, fake_run
from tests.fake_run import INJECTION, UNICODE, FakeFailure, FakeRun, run_of

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
SVG_LEAVES = frozenset({"path", "rect", "line"})
NASTY = (fake_run.empty, fake_run.unknown, fake_run.one_sample, fake_run.crowd, fake_run.hostile)
FAILURES = (
    FakeFailure("videos/broken.mp4", None, "ingest", "VideoError", "is empty (zero bytes)", 2),
    FakeFailure("videos/crowd.mp4", "crowd", "pose", "BackendError", INJECTION, 1),
)


class Page(HTMLParser):
    """Elements with their attributes and the text below them; refuses what is not nested well."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(html)
        self.close()
        assert not self._open, [self.elements[i][0] for i in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"twice the same attribute: <{tag} {attrs}>"
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG_LEAVES, f"<{tag}/> does not close itself in HTML"
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open[-1]][0] == tag, (
            f"</{tag}> closes <{self.elements[self._open[-1]][0]}>"
        )
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for i in self._open:
            self.elements[i][2].append(data)

    def all(self, tag: str = "", cls: str = "") -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, "".join(parts))
            for name, attributes, parts in self.elements
            if tag in ("", name) and (not cls or cls in (attributes.get("class") or "").split())
        ]

    def text(self, tag: str = "", cls: str = "") -> str:
        return " ".join(" ".join(text.split()) for _, text in self.all(tag, cls))


def page_of(run: FakeRun, tmp_path: Path, **options: Any) -> Page:
    return Page(write_report(run, tmp_path / "report.html", **options).read_text("utf-8"))


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page, Clip]:
    """The report of the street, with its video, and of every nasty clip."""
    folder = tmp_path_factory.mktemp("street")
    clip = fake_run.street_video(folder / "0 street.mp4")
    run = run_of(fake_run.street(clip), *(make() for make in NASTY), failed=FAILURES)
    path = write_report(run, folder / "report.html")
    return path, Page(path.read_text("utf-8")), clip


# --- safe ---------------------------------------------------------------------------------------------------


def test_text_from_outside_stays_text(tmp_path: Path) -> None:
    page = page_of(run_of(fake_run.hostile(), failed=FAILURES), tmp_path)
    assert {tag for tag, _, _ in page.elements} & {"img", "b"} <= {"b"}
    assert not [a for _, a, _ in page.elements if any(name.startswith("on") for name in a)]
    assert [text for _, text in page.all("b")] == ["VideoError", "BackendError", "true", "B"]
    for where in (("span", "label"), ("p", "text"), ("p", "warn"), ("td", ""), ("legend", ""), ("label", "")):
        assert INJECTION in page.text(*where), where
    assert "日本" in page.text("span", "label")
    scripts = page.all("script")
    assert [a.get("type") for a, _ in scripts] == ["application/json", None]


def test_data_for_the_script_cannot_end_its_element() -> None:
    value = {"a": "</script><!--<script>&", "b": float("nan"), "c": [np.pi, -0.0, None, True, UNICODE]}
    text = str(report.script_json(value))
    assert not set("<>&") & set(text)
    assert text.isascii()
    assert json.loads(text) == {**value, "b": None}


def test_the_policy_allows_the_pages_own_code_and_nothing_else(street: tuple[Path, Page, Clip]) -> None:
    _, page, _ = street
    (policy,) = [
        a["content"] for a, _ in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    own = [text for a, text in page.all("script") if "type" not in a] + [
        text for _, text in page.all("style")
    ]
    digests = [f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in own]
    assert rules["default-src"] == ["'none'"]
    assert [rules["script-src"], rules["style-src"]] == [[digests[0]], [digests[1]]]
    assert rules["img-src"] + rules["media-src"] == ["data:", "blob:"]
    assert not [a for _, a, _ in page.elements if "style" in a], "a style attribute would be blocked"


def test_nothing_is_fetched(street: tuple[Path, Page, Clip]) -> None:
    path, page, _ = street
    for tag, attributes, _ in page.elements:
        for name in ("src", "href", "poster", "action", "data", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), f"<{tag} {name}={value[:60]}>"
    code = (report.TEMPLATES / "report.css").read_text() + (report.TEMPLATES / "report.js").read_text()
    assert not re.search(r"url\(|@import|https?:|fetch\(|XMLHttp|innerHTML|eval\(", code)
    assert path.stat().st_size < 2_000_000


# --- complete -----------------------------------------------------------------------------------------------


def test_the_head_counts_what_is_below(street: tuple[Path, Page, Clip]) -> None:
    _, page, _ = street
    counts = dict(
        zip((t for _, t in page.all("dt")), (" ".join(t.split()) for _, t in page.all("dd")), strict=True)
    )
    assert counts == {
        "clips": "6", "failures": "2", "subjects": "47", "facts": "55", "captions": "5", "questions": "5",
        "claims in them": "✓ 3 true ✗ 2 false ? 2 unknown",
    }  # fmt: skip
    assert len(page.all("article", "clip")) == 6
    failures = page.text("section", "failures")
    assert "broken.mp4" in failures
    assert "is empty (zero bytes)" in failures
    assert "pose failed (BackendError)" in page.text("p", "warn")


def test_the_embedded_video_shows_every_source_frame(street: tuple[Path, Page, Clip], tmp_path: Path) -> None:
    _, page, clip = street
    (media,) = page.all("script", "media")
    file = tmp_path / "embedded.mp4"
    file.write_bytes(base64.b64decode(media[1]))
    found = video.scan(file)
    assert len(found.times_s) == clip.num_frames == 72
    np.testing.assert_allclose(found.times_s, np.arange(72) / 24, atol=1e-3)
    with av.open(str(file)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    (poster,) = [a["poster"] or "" for a, _ in page.all("video")]
    assert base64.b64decode(poster.split(",")[1])[:2] == b"\xff\xd8"


def test_facts_say_who_what_when_and_why(street: tuple[Path, Page, Clip]) -> None:
    _, page, _ = street
    rows = [" ".join(text.split()) for attributes, text in page.all("tr") if "data-seek" in attributes]
    assert (
        rows[2]
        == "person#0 moves to the right in a straight line 1.00–2.50 s slowly 1.00 path_px 60 speed_px_s 40"
    )
    assert rows[1] == "car#1000 stays 0.00–3.00 s 0.80 drift_px unknown"
    assert rows[3] == "person#0 approaches car #1000 1.00–2.50 s 0.90 none given"
    assert rows[4] == "person#0 bends right elbow 1.50–2.20 s deeply, 2× 1.00 change_deg 88"
    spans = [(a["data-seek"], a["data-until"]) for a, _ in page.all("tr") if "data-seek" in a]
    assert spans[2] == ("1.0", "2.5")


def test_claims_carry_their_verdict_in_colour_sign_and_words(street: tuple[Path, Page, Clip]) -> None:
    _, page, _ = street
    claims = page.all("span", "claim")[:3]
    assert [(a["class"] or "").split()[1] for a, _ in claims] == ["true", "false", "unknown"]
    assert claims[1][1] == "The car falls. (false: car 1000 stays within 1 px)"
    assert claims[1][0]["data-why"] == "false: car 1000 stays within 1 px"
    assert [text for _, text in page.all("span", "marks")][:3] == ["✓", "✗", "?"]
    # The first claim has no time in its words: it points at the fact; the third says its own time.
    assert [(a.get("data-seek"), a.get("data-until")) for a, _ in claims] == [
        ("1.0", "2.5"),
        (None, None),
        ("2.5", "2.6"),
    ]


def test_questions_reveal_their_answer_and_how_it_is_known(street: tuple[Path, Page, Clip]) -> None:
    _, page, _ = street
    attributes, text = page.all("fieldset")[0]
    assert attributes["data-answer"] == "1"
    assert "B right" in " ".join(text.split())
    assert "measured by f3; the others contradict its direction" in text
    names = Counter(a["name"] for a, _ in page.all("input") if a.get("type") == "radio")
    assert set(names.values()) == {4}, "each question is a radio group of its own"


def test_everything_that_can_be_operated_has_a_name(street: tuple[Path, Page, Clip]) -> None:
    _, page, _ = street
    for tag in ("input", "select", "video"):
        assert all(a.get("aria-label") or a.get("type") == "radio" for a, _ in page.all(tag)), tag
    assert all(a.get("aria-label") or text.strip() for a, text in page.all("button"))
    assert all(a.get("aria-label") or a.get("aria-hidden") or not a.get("class") for a, _ in page.all("svg"))
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(set(ids)) == len(ids)
    for _, attributes, _ in page.elements:
        assert (attributes.get("aria-labelledby") or ids[0]) in ids


# --- honest -------------------------------------------------------------------------------------------------


def test_empty_states_say_so(tmp_path: Path) -> None:
    text = page_of(run_of(fake_run.empty()), tmp_path).text("p", "empty")
    for words in ("Nothing moved clearly enough", "No subject was tracked", "nothing to plot", "No caption",
                  "No question", "is not there any more"):  # fmt: skip
        assert words in text
    assert "This run holds no clip yet." in page_of(run_of(), tmp_path).text("p", "empty")


def test_pending_failed_and_left_out_clips_are_told(tmp_path: Path) -> None:
    pending = {Clip: fake_run.street_clip("pending", "videos/a.mp4")}
    page = page_of(
        run_of(pending, fake_run.crowd(), fake_run.empty(), failed=FAILURES), tmp_path, max_clips=2
    )
    assert "This clip is not annotated yet." in page.text("p", "warn")
    assert "the first 2 of 3 clips" in page.text("p", "note")
    assert len(page.all("article")) == 2
    assert "Plotted: the 7 of 40 subjects" in page.text("p", "note")
    assert "28 more subjects" in page.text("summary")


def test_notes_stand_with_their_clip_and_shared_ones_in_the_head(tmp_path: Path) -> None:
    note, own = f"people: not looked for {INJECTION}", "ends at 1.00 s"
    clips = [dict(make()) for make in (fake_run.empty, fake_run.unknown, fake_run.one_sample)]
    for records in clips[:2]:
        records[Detections] = replace(nothing(), notes=(note, note))
    clips[0][Clip] = replace(clips[0][Clip], notes=(own,))
    page = page_of(run_of(*clips), tmp_path)
    said = [" ".join(text.split()) for _, text in page.all("p", "warn")]
    assert said.count(note) == 2
    assert said.count(own) == 1
    assert said.count(f"2 clips: {note}") == 1
    assert sum(own in text for text in said) == 1
    clips[2][Detections] = clips[1][Detections]
    assert f"All clips: {note}" in page_of(run_of(*clips), tmp_path).text("header", "run")
    assert f"All shown clips: {note}" in page_of(run_of(*clips), tmp_path, max_clips=2).text("header", "run")
    assert f"clips: {note}" not in page_of(run_of(clips[1]), tmp_path).text("header", "run")


def test_notes_of_the_hands_stage_are_said() -> None:
    records = fake_run.street()
    note = "hands have no points, only boxes: run kinescribe models pull"
    before = notes(records)
    records[Hands] = replace(records[Hands], notes=(note, note))
    assert note not in before
    assert notes(records) == (*before, note)


def test_claims_without_a_verdict_are_unchecked_not_true() -> None:
    records = fake_run.street()
    del records[Verdicts]
    told = clippage.told(records, clippage.subjects(records[Tracks]), ())
    assert told[0].tally == Counter(unchecked=3)


def test_a_source_that_is_gone_costs_the_picture_only(tmp_path: Path) -> None:
    page = page_of(run_of(fake_run.street()), tmp_path)
    assert not page.all("video")
    assert len([1 for a, _ in page.all("tr") if "data-seek" in a]) == 5


def test_a_broken_source_gives_the_decoders_words(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    records = fake_run.street(fake_run.street_clip("x", str(tmp_path / "broken.mp4")))
    assert "not a video that can be opened" in page_of(run_of(records), tmp_path).text("p", "empty")


def test_a_file_name_that_is_not_utf8_can_be_written(tmp_path: Path) -> None:
    records = fake_run.renamed(fake_run.street(), "x", source="videos/\udcff.mp4")
    assert "?.mp4" in page_of(run_of(records), tmp_path).text("h2")


def test_long_clips_embed_only_the_beginning_and_say_so(tmp_path: Path) -> None:
    clip = fake_run.street_video(tmp_path / "street.mp4")
    page = page_of(run_of(fake_run.street(clip)), tmp_path, max_video_s=1.0)
    assert "The picture shows the first 1 s; the numbers cover all 3.00 s." in page.text("p", "note")
    (media,) = page.all("script", "media")
    (tmp_path / "short.mp4").write_bytes(base64.b64decode(media[1]))
    assert len(video.scan(tmp_path / "short.mp4").times_s) == 25


def test_what_was_done_to_a_caption_is_shown_as_text(tmp_path: Path) -> None:
    records = fake_run.street(fake_run.street_video(tmp_path / "street.mp4"))
    first, *rest = records[Captions].captions
    edited = replace(
        first, edits=('cut "<b>It flies.</b>": it does not', "round 1: 1 contradicted claims sent back")
    )
    page = page_of(run_of({**records, Captions: Captions((edited, *rest))}), tmp_path)
    assert "How it came to be: 2 steps" in page.text("summary")
    assert 'cut "<b>It flies.</b>": it does not' in page.text("li")


# --- captions, cut into segments ----------------------------------------------------------------------------


def test_a_sentence_with_two_claims_shows_the_worse() -> None:
    caption = Caption("It goes and falls. Fin", "scene", "x", (_claim(0, 18), _claim(0, 18)))
    judged = [clippage.Judged("", verdict, "", None) for verdict in ("true", "false")]
    segments = clippage.segments(caption, judged)
    assert [(s.text, s.verdict, len(s.claims)) for s in segments] == [
        ("It goes and falls.", "false", 2),
        (" Fin", "", 0),
    ]


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(-3, 40), st.integers(-3, 40)), max_size=5))
def test_segments_are_the_whole_text_in_order(text: str, spans: list[tuple[int, int]]) -> None:
    caption = Caption(text, "scene", "x", tuple(_claim(*span) for span in spans))
    judged = [clippage.Judged("", "true", "", None)] * len(spans)
    assert "".join(segment.text for segment in clippage.segments(caption, judged)) == text


def _claim(start: int, end: int) -> Claim:
    return Claim(Action("move", start, end), 0)


# --- charts -------------------------------------------------------------------------------------------------

VALUES = st.floats(-1e9, 1e9, allow_subnormal=False) | st.just(float("nan"))


def test_gaps_stay_gaps_and_a_lone_value_is_a_dot() -> None:
    y = np.array([0.0, 0.5, np.nan, 1.0, np.nan])
    assert charts.path(np.linspace(0, 1, 5), y) == "M0.0 6.0L250.0 50.0M750.0 94.0h0"


def test_the_street_has_a_hole_where_she_is_hidden() -> None:
    records = fake_run.street()
    page = clippage.clip_page(records[Clip], records, [])
    speed = next(plot for plot in page.plots if plot.title == "speed")
    person, car = speed.lines
    assert (person.path.count("M"), car.path.count("M")) == (2, 1)
    assert None in person.values
    assert max(v for v in person.values if v is not None) == pytest.approx(40)
    assert [plot.title for plot in page.plots] == [
        "speed", "size", "position x →", "position y ↓", "angles of person #0",
    ]  # fmt: skip
    assert [line.name for line in page.plots[-1].lines] == [
        "right elbow",
        "left knee",
    ]  # by range; unknown ones out
    y = page.plots[3]
    assert y.top < y.bottom


@given(st.lists(VALUES, min_size=1, max_size=20))
def test_limits_hold_every_value(values: list[float]) -> None:
    array = np.array(values)
    plot = charts.plot("x", "px", np.arange(len(values)) / 10, 2.0, [charts.Series(0, "a", array)])
    if np.isnan(array).all():
        assert plot is None
        return
    assert plot is not None
    assert plot.bottom <= np.nanmin(array) <= np.nanmax(array) <= plot.top
    assert plot.bottom < plot.top
    assert [v is None for v in plot.lines[0].values] == np.isnan(array).tolist()


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=25), st.floats(0.01, 20))
def test_packed_bars_do_not_cover_each_other(spans: list[tuple[float, float]], length_s: float) -> None:
    ordered = sorted((min(s), max(s)) for s in spans)
    placed = charts.pack(ordered, length_s)
    for i, a in enumerate(placed):
        assert a.left >= 0
        assert a.left + a.width <= 100.01
        for b in placed[:i]:
            apart = a.left + a.width <= b.left + 0.01 or b.left + b.width <= a.left + 0.01
            assert a.row != b.row or apart


@given(st.floats(1e-3, 1e5))
def test_time_ticks_are_few_and_inside(length_s: float) -> None:
    ticks = charts.time_ticks(length_s)
    assert 1 <= len(ticks) <= 9
    assert ticks[0] == (0, "0")
    assert ticks[-1].left <= 100.001


def test_presence_shows_seen_filled_and_hidden() -> None:
    records = fake_run.street()
    page = clippage.clip_page(records[Clip], records, [])
    lanes = {lane.subject.id: lane for lane in page.lanes}
    assert [part.filled for part in lanes[0].seen] == [False, False, False, True]
    assert [part.filled for part in lanes[1000].seen] == [False]
    assert [bar.words for bar in lanes[0].bars] == [
        "still",
        "approach → car #1000",
        "move",
        "bend right elbow",
    ]
    assert [bar.words for bar in lanes[-1].bars] == ["pan right"]


def test_people_that_captions_number_carry_their_number() -> None:
    crowd = fake_run.crowd()
    who = clippage.subjects(crowd[Tracks])
    assert (who[10].called, clippage.tag(who[10])) == ("person 2", "person 2 #10")
    assert clippage.subjects(fake_run.street()[Tracks])[0].called == ""


def test_the_busiest_come_first_and_the_unknown_last() -> None:
    records = fake_run.street()
    assert clippage.ranked(records[Tracks], records[Kinematics]) == [0, 1000]
    wild = records[Tracks].xyxy.copy()
    wild[1, ::2, [0, 2]] += 50
    assert clippage.ranked(replace(records[Tracks], xyxy=wild), None) == [1000, 0]
    nothing = replace(records[Tracks], xyxy=np.full_like(records[Tracks].xyxy, np.nan))
    assert clippage.ranked(nothing, None) == [0, 1000]


def test_a_fact_about_no_track_is_shown() -> None:
    records = fake_run.street()
    records[Tracks] = fake_run.empty()[Tracks]
    del records[Kinematics], records[Events]
    page = clippage.clip_page(records[Clip], records, [])
    assert {fact.subject.label for fact in page.facts} == {"camera", "unknown subject"}


# --- the overlay video --------------------------------------------------------------------------------------


def test_the_overlay_has_every_frame_at_its_time(tmp_path: Path) -> None:
    clip = fake_run.street_video(tmp_path / "street.mp4")
    path = write_overlay(
        run_of(fake_run.street(clip)), clip.id, tmp_path / "new" / "overlay.mp4", max_side=160
    )
    found = video.scan(path)
    assert (found.width, found.height, len(found.times_s)) == (160, 90, 72)
    np.testing.assert_allclose(found.times_s, np.arange(72) / 24, atol=1e-3)


def test_the_overlay_follows_the_subject(tmp_path: Path) -> None:
    clip = fake_run.street_video(tmp_path / "street.mp4")
    path = write_overlay(run_of(fake_run.street(clip)), clip.id, tmp_path / "overlay.mp4")
    whole = video.make_clip(video.scan(path), 0, 9, 24)
    for t, image in video.iterate_all(whole):
        reddish = (image[..., 0] > 150) & (image[..., 1] < 110) & (image[..., 2] < 110)
        left = float(fake_run.person_x(t)) - 20 * t
        if 0.8 < t < 2.8:
            columns = np.flatnonzero(reddish[70:120].any(axis=0))
            assert left - 2 <= columns.min()
            assert columns.max() <= left + 32


def test_an_overlay_of_no_clip_or_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no clip"):
        write_overlay(run_of(), "nobody", tmp_path / "x.mp4")
    with pytest.raises(VideoError):
        write_overlay(run_of(fake_run.street()), "street", tmp_path / "x.mp4")
    assert not list(tmp_path.iterdir())


# --- in a browser -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    if browser.find() is None:
        pytest.skip("needs a Chromium, which is not here")
    with browser.Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)])
def test_the_page_works(
    chromium: browser.Browser, street: tuple[Path, Page, Clip], width: int, dark: bool
) -> None:
    chromium.errors.clear()
    chromium.requests.clear()
    chromium.open(street[0], width=width, dark=dark)
    chromium.until("document.querySelector('video').readyState >= 2")
    assert chromium.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the window"
    assert chromium.evaluate("document.querySelector('video').duration") == pytest.approx(3, abs=0.1)

    # A click on a fact seeks the video, the playheads and the read-outs.
    chromium.evaluate("document.querySelectorAll('tr[data-seek]')[2].click()")
    chromium.until("!document.querySelector('video').seeking")
    assert chromium.evaluate("document.querySelector('video').currentTime") == pytest.approx(1.0, abs=0.01)
    heads = chromium.evaluate(
        "[...document.querySelector('article').querySelectorAll('.playhead')].map(l => l.getAttribute('x1'))"
    )
    assert {round(float(head.rstrip("%")), 1) for head in heads} == {33.3}
    assert chromium.evaluate("document.querySelector('output[data-line]').textContent") == "20.0"
    assert chromium.evaluate("[...document.querySelectorAll('tr.now .say')].slice(0, 3).map(e => e.textContent)") == [
        "pans to the right", "stays", "moves to the right in a straight line",
    ]  # fmt: skip

    # A click in a plot seeks there; a hidden subject reads unknown.
    chromium.evaluate("""(() => {
        const plot = document.querySelector('.plot'), box = plot.getBoundingClientRect();
        plot.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: box.left + 0.2 * box.width}));
    })()""")
    assert chromium.evaluate("document.querySelector('.clock').textContent") == "0.60 s"
    assert chromium.evaluate("document.querySelector('output[data-line]').textContent") == "unknown"

    # The keyboard reaches a claim, which says why and seeks.
    chromium.evaluate("document.querySelector('.claim').focus()")
    assert chromium.evaluate("document.getElementById('tip').hidden") is False
    assert "moves 60 px" in chromium.evaluate("document.getElementById('tip').textContent")
    chromium.evaluate(
        "document.querySelector('.claim').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))"
    )
    assert chromium.evaluate("document.querySelector('.clock').textContent") == "1.00 s"

    # The quiz judges; the filter hides the others; playing moves the clock.
    chromium.evaluate("document.querySelectorAll('fieldset input')[0].click()")
    assert chromium.evaluate("document.querySelector('.result').textContent") == "✗ No, it is B"
    chromium.evaluate("document.querySelector('[data-filter=\"1000\"]').click()")
    assert (
        chromium.evaluate("getComputedStyle(document.querySelectorAll('tr[data-seek]')[2]).display") == "none"
    )
    chromium.evaluate("document.querySelector('.play').click()")
    chromium.until("parseFloat(document.querySelector('.clock').textContent) > 1.2")

    assert chromium.errors == []
    assert [url for url in chromium.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert chromium.evaluate("document.querySelectorAll('img').length") == 0
