"""MotionAtlas's captions of regions: what one subject does, told from several views of it and checked against them.

Of its pipeline the project page names the four parts (table 6 has their effect) and no more; how each is done here is
our own. For every subject: its motion is cut into events; each event is told from a crop round the subject; the whole
clip is told with the subject outlined; what was said is taken apart, held against the measurements and, where nothing
is measured, asked again (``_checklist``); one text is made of what is left.

Calls for a subject with E events: E descriptions, one of the whole clip; as many to take them apart, ``samples`` times
as many to check them; one to join them. All but the last are of all subjects side by side. Without ``self_bootstrap``
E + 2, with none of ``events``, ``full_video`` and ``self_bootstrap`` one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import AfterValidator, BaseModel, model_validator

from kinescribe import prompts
from kinescribe.backends import Ask, Scene, Told
from kinescribe.backends.captioners import _checklist
from kinescribe.backends.captioners._words import prose
from kinescribe.inputs.crops import Crop, CropSettings, View, crop_of, look, shown_on, within, words
from kinescribe.inputs.frames import FrameSettings, choose
from kinescribe.inputs.parts import life, parts_of
from kinescribe.language import names, sentence
from kinescribe.language.grounding import FRAME_WORDS
from kinescribe.language.lexicon import (
    ADJECTIVES,
    ADVERBS,
    BE,
    BODY_PARTS,
    COORDINATORS,
    DETERMINERS,
    NUMBERS,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
)
from kinescribe.language.nouns import HOLLOW, PEOPLE, VIEWS, singular
from kinescribe.language.tokens import sentences
from kinescribe.llm import messages
from kinescribe.llm.messages import OK, Answer, Part, Request, Text
from kinescribe.plain import to_json
from kinescribe.prompts import Own
from kinescribe.records import CAMERA, Segment, Span
from kinescribe.vocabulary import NAMELESS

__all__ = ["MotionAtlas"]

EVENT, WHOLE, CLAIMS, CHECK, NARRATIVE = (
    "region_event", "region_whole", "region_claims", "region_check", "region_narrative"
)  # fmt: skip
MOST_WORDS = 600
"""Of one description; MotionAtlas's texts have 23 verbs on average, a tenth of what fits."""
MOST_WHAT = 4
"""Words that say what a subject is."""
PERSON = "person"
"""The label of people's tracks."""
NEARLY_ALL = 0.75
"""Share of a picture from which on a crop would show nothing more closely."""
SHOWN = 200
"""Characters of a statement that are kept in a note."""
_OF_PICTURES = re.compile(
    r"\b(?:(?:green|bounding) (?:box|outline|contour|rectangle|frame)|out-?lined?\b|contour|close-?up|crop(?:ped)?\b"
    r"|(?:the|these|first|last|next|whole) (?:pictures?|images?)\b|frame \d)",
    re.IGNORECASE,
)
"""What is said of how the subject is shown, and not of it. "The frame" and "the picture's" border are no such words."""

_CUTS = PREPOSITIONS | RELATIVES | BE | {"to", "moving", "going", "heading", "facing", "wearing", "holding"}
"""Of "car on the right", only what stands before such a word is a name."""
_CLOSED = PRONOUNS | POSSESSIVES | DETERMINERS | ADVERBS | ADJECTIVES | frozenset(NUMBERS)
_WAYS = frozenset(
    (
        "left right up down north south east west leftward rightward upward downward upper lower centre corner viewer "
        "lens viewpoint thing movement path border part area space unknown"
    ).split()
)
_NO_NAMES = BODY_PARTS | VIEWS | HOLLOW | FRAME_WORDS | _CLOSED | _WAYS
"""Words that would, as a name of the subject, replace what a text says of ways, places, parts or the picture."""


def _noun(text: str) -> str:
    """Return a name of a few words, or none."""
    found = re.findall(r"[^\W\d_]+(?:[-'][^\W\d_]+)*", text.casefold())
    found = found[1:] if found and found[0] in ("a", "an", "the") else found
    cut = next((n for n, word in enumerate(found) if _ends_name(word, found[:n])), len(found))
    found = found[:cut]
    machine = found[-2:] in (["robot", "arm"], ["robotic", "arm"])
    named = machine or found and not {found[-1], singular(found[-1])} & _NO_NAMES
    return " ".join(found) if named and len(found) <= MOST_WHAT else ""


def _ends_name(word: str, before: Sequence[str]) -> bool:
    """Whether a name ends before a word; the "and" of "a black and white dog" ends none."""
    return word in _CUTS or word in COORDINATORS and not (before and before[-1] in ADJECTIVES)


class Described(BaseModel):
    """What a subject does in a stretch of time."""

    what: Annotated[str, AfterValidator(_noun)]
    description: Annotated[str, AfterValidator(partial(prose, most_words=MOST_WORDS))]

    @model_validator(mode="after")
    def _says_something(self) -> Described:
        if not self.description:
            raise ValueError("the description is empty; tell at least whether the subject moves")
        return self


class Narrative(BaseModel):
    """One text of a subject."""

    text: Annotated[str, AfterValidator(partial(prose, most_words=MOST_WORDS))]


@dataclass(frozen=True, eq=False)
class Region:
    """A subject that is told of."""

    subject: int
    name: str
    nameless: bool
    """Whether nobody has told what it is."""
    boxes: Float[np.ndarray, "T 4"]
    events: tuple[Span, ...]
    measured: tuple[str, ...]
    """Its facts in words."""


class Source(NamedTuple):
    """One description of a subject: of one of its events, or of the whole clip."""

    region: Region
    span: Span
    title: str
    whole: bool


class Views(NamedTuple):
    """The pictures of a source."""

    parts: tuple[Part, ...]
    times: Own
    close: bool


@dataclass
class Draft:
    """What came of a source."""

    source: Source
    answer: Answer
    said: list[str]
    """Sentences; empty where there was no usable answer."""
    notes: list[str]
    rulings: dict[str, bool | None] = field(default_factory=dict)
    """By statement, in order: whether it holds as far as is known."""
    open: list[_checklist.Statement] = field(default_factory=list)
    """What is not measured."""


@dataclass(frozen=True)
class MotionAtlas:
    """Asks for one text per subject; ``caption.model`` says whom.

    The four parts can be switched off, as in the paper's table 6. Without ``events``, ``full_video`` and
    ``self_bootstrap`` a subject takes one plain request.
    """

    events: bool = True
    """Whether each stretch of the subject's motion is told by itself; without, its whole life is one."""
    crops: bool = True
    """Whether events are told from a crop round the subject; without, from whole pictures with it outlined."""
    full_video: bool = True
    """Whether the whole clip is told as well, with the subject outlined."""
    self_bootstrap: bool = True
    """Whether every statement is checked before it goes into the text; without, only the stage checks the text."""
    facts: bool = True
    """Whether the subject's facts are joined with what was said."""
    max_subjects: int = 8
    """Those seen longest, of those that move, or those that the user marked: each takes up to 36 calls."""
    max_events: int = 6
    min_event_s: float = 1.0
    """A shorter segment goes to its neighbour: at ``event_rate_hz`` it has too few pictures to show a motion."""
    event_rate_hz: float = 4.0
    """Pictures per second of an event: two for each half of a movement that repeats once a second."""
    event_frames: int = 16
    """At most, as in MotionAtlas's benchmark; a longer event is shown at a part of the rate."""
    rate_hz: float = 2.0
    """Pictures per second of the whole clip."""
    max_frames: int = 32
    max_side_px: int = 768
    context: float = CropSettings.context
    """How much is round the subject (``CropSettings.context``)."""
    outlined: Literal["all", "first"] = "all"
    """Pictures of the whole clip on which the subject is outlined: all that show it, or the first (MotionAtlas's
    "overlay_all" and "first_mask"; its own models were trained on the second)."""
    samples: int = 3
    """Times that what is not measured is asked."""
    agree: float = 0.6
    """Share of these times that a statement must be said again: two of three. Who answers five options by chance says
    it again so often in one case of ten."""
    sample_temperature: float = 0.7
    """Of these answers, so that they need not be the same for no other reason than that they were before."""
    max_tokens: int = 2048
    temperature: float = 0.0
    seed: int = 0

    revision: ClassVar[int] = 2

    def __post_init__(self) -> None:
        self._event_frames()
        self._clip_frames()
        CropSettings(self.context)
        for name in ("max_subjects", "max_events", "samples", "max_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if not 0 < self.agree <= 1:
            raise ValueError("agree must lie above 0 and be at most 1")
        if self.min_event_s < 0:
            raise ValueError("min_event_s must not be negative")

    def identity(self) -> str:
        """Name the prompts: others get other answers."""
        return " ".join(prompts.load(name).identity for name in (EVENT, WHOLE, CLAIMS, CHECK, NARRATIVE))

    def tell(self, scene: Scene, ask: Ask) -> Iterator[Told]:
        """Yield one text per subject.

        Raises:
            BackendError: there was no answer to a request; what was answered is kept by the client.
        """
        regions = self.regions(scene)
        if self._is_plain:
            requests = [request for region in regions for request in self.described(scene, region)]
            for region, request, answer in zip(regions, requests, _came(ask(requests)), strict=True):
                yield Told(request, answer, partial(_plain_text, region, scene), "region", region.subject)
            return
        drafts = self._drafts(scene, regions, ask)
        if self.self_bootstrap:
            self._check(scene, drafts, ask)
        by_region = {r.subject: [d for d in drafts if d.source.region is r] for r in regions}
        worth = [r for r in regions if self._has_notes(r, by_region[r.subject])]
        requests = [self.joined(region, by_region[region.subject]) for region in worth]
        answers = dict(
            zip((r.subject for r in worth), zip(requests, _came(ask(requests)), strict=True), strict=True)
        )
        for region in regions:
            yield self._told(scene, region, by_region[region.subject], answers.get(region.subject))

    # --- whom and when ---

    def regions(self, scene: Scene) -> list[Region]:
        """Return whom is told of: those that the user marked, else those with facts, the longest seen first."""
        tracks, called = scene.tracks, names(scene.tracks)
        own: dict[int, list[str]] = {}
        for fact in scene.facts.facts:
            other = None if fact.object is None else called.get(fact.object)
            if fact.subject in called and (fact.object is None or other is not None):
                for subject in (fact.subject, fact.object):
                    if subject is not None and subject != CAMERA:
                        own.setdefault(subject, []).append(sentence(fact, called[fact.subject], other))
        moving = {fact.subject for fact in scene.facts.facts}
        wanted = [i for i in tracks.given if i in called] or [i for i in tracks.ids.tolist() if i in moving]
        seen = {i: int(np.isfinite(tracks.xyxy[tracks.row(i)]).all(axis=1).sum()) for i in wanted}
        chosen = sorted((i for i in wanted if seen[i]), key=lambda i: (-seen[i], i))[: self.max_subjects]
        return [
            Region(
                subject=i,
                name=called[i],
                nameless=tracks.label[tracks.row(i)] == NAMELESS,
                boxes=tracks.xyxy[tracks.row(i)],
                events=self._events(scene, i),
                measured=tuple(own.get(i, ())) if self.facts else (),
            )
            for i in chosen
        ]

    def _events(self, scene: Scene, subject: int) -> tuple[Span, ...]:
        segments: Sequence[Segment] = scene.events.segments if self.events else ()
        found = parts_of(segments, subject, self.max_events, self.min_event_s)
        return tuple(found) or (life(scene.clip, scene.tracks, subject),)

    def _sources(self, scene: Scene, region: Region) -> list[Source]:
        found = [
            Source(region, span, f"event {number} ({span.start_s:.1f}-{span.end_s:.1f} s)", False)
            for number, span in enumerate(region.events, 1)
        ]
        whole = Source(region, Span(0.0, scene.clip.duration_s), "whole clip", True)
        return [*found, whole] if self.full_video else found

    # --- what is shown ---

    def _event_frames(self) -> FrameSettings:
        return FrameSettings(self.event_rate_hz, self.event_frames, self.max_side_px)

    def _clip_frames(self) -> FrameSettings:
        return FrameSettings(self.rate_hz, self.max_frames, self.max_side_px)

    def views(self, scene: Scene, region: Region) -> list[Views]:
        """Return the pictures of each source of a subject, all taken in one pass."""
        sources = self._sources(scene, region)
        wanted = [self._wanted(scene, source) for source in sources]
        flat = [view for own in wanted for view in own]
        taken = iter(look(scene.clip, scene.frames, region.boxes, flat, self._clip_frames()))
        return [
            _shown(source, own, [next(taken) for _ in own])
            for source, own in zip(sources, wanted, strict=True)
        ]

    def _wanted(self, scene: Scene, source: Source) -> list[View]:
        """Return the views of a source; the last one is the stretch of time, one before it the whole picture."""
        clip, boxes = scene.clip, source.region.boxes
        seen = np.isfinite(boxes).all(axis=1)
        if source.whole:
            regular = choose(clip.times_s, self._clip_frames())
        else:
            regular = within(clip.times_s, source.span, self._event_frames())
        choice = shown_on(regular, boxes, source.span, clip.times_s)
        added = choice != regular
        outlined = [i for i in choice.samples if seen[i]]
        crop = None if source.whole or not self.crops or not outlined else self._crop(scene, source)
        if crop is None:
            few = source.whole and self.outlined == "first"
            return [View(choice, None, frozenset(outlined[:1] if few else outlined), added)]
        middle = outlined[len(outlined) // 2]
        return [
            View(choice._replace(samples=(middle,)), None, frozenset((middle,))),
            View(choice, crop, frozenset(outlined[:1]), added),
        ]

    def _crop(self, scene: Scene, source: Source) -> Crop | None:
        """Return the part of the picture round a subject in an event; None where that is nearly all of it."""
        clip = scene.clip
        inside = (clip.times_s >= source.span.start_s - 1e-9) & (clip.times_s <= source.span.end_s + 1e-9)
        crop = crop_of(clip, source.region.boxes[inside], CropSettings(self.context))
        return crop if crop.width * crop.height < NEARLY_ALL * clip.width * clip.height else None

    # --- descriptions ---

    @property
    def _is_plain(self) -> bool:
        return not (self.events or self.full_video or self.self_bootstrap)

    def described(self, scene: Scene, region: Region) -> Iterator[Request]:
        """Yield what is asked of each source of a subject."""
        for source, views in zip(self._sources(scene, region), self.views(scene, region), strict=True):
            told = self._rendered(scene, source, views)
            yield self._request(told, Described, (*views.parts, Text(told.user)))

    def _rendered(self, scene: Scene, source: Source, views: Views) -> prompts.Rendered:
        given: dict[str, Any] = {
            "times": views.times, "name": source.region.name, "nameless": source.region.nameless,
        }  # fmt: skip
        if source.whole:
            seconds, all_outlined = round(scene.clip.duration_s, 1), self.outlined == "all"
            return prompts.load(WHOLE).render(**given, seconds=seconds, all_outlined=all_outlined)
        start, end = (round(at, 2) for at in source.span)
        alone = len(source.region.events) == 1
        return prompts.load(EVENT).render(**given, start=start, end=end, close=views.close, whole_life=alone)

    def _request(
        self,
        told: prompts.Rendered,
        schema: type[BaseModel],
        parts: tuple[Part, ...] = (),
        sample: int | None = None,
    ) -> Request:
        shown = parts or (Text(told.user),)
        heat, seed = (
            (self.temperature, self.seed) if sample is None else (self.sample_temperature, self.seed + sample)
        )
        return Request(shown, told.system, schema, heat, seed, self.max_tokens, told.identity)

    def _drafts(self, scene: Scene, regions: Sequence[Region], ask: Ask) -> list[Draft]:
        # A generator, so that the pictures of one subject at a time are in memory.
        answers = _came(ask(request for region in regions for request in self.described(scene, region)))
        sources = [source for region in regions for source in self._sources(scene, region)]
        drafts = []
        for source, answer in zip(sources, answers, strict=True):
            draft = Draft(source, answer, [], [])
            if not answer.ok:
                draft.notes.append(f"{source.title}: {_gave(answer)}")
            drafts.append(draft)
        for region in regions:
            own = [draft for draft in drafts if draft.source.region is region and draft.answer.ok]
            whats = {draft.answer.value_of(Described).what for draft in own} - {""}
            for draft in own:
                text = _named(draft.answer.value_of(Described).description, region, whats, scene)
                for start, end in sentences(text):
                    if _OF_PICTURES.search(text[start:end]):
                        draft.notes.append(f"{_quoted(text[start:end])}: of the pictures, not of the subject")
                    else:
                        draft.said.append(text[start:end])
        return drafts

    # --- self-bootstrap ---

    def _check(self, scene: Scene, drafts: Sequence[Draft], ask: Ask) -> None:
        """Leave of what was said only what the measurements bear out, or what is said again and again."""
        spoken = [draft for draft in drafts if draft.said]
        for draft, answer in zip(spoken, _came(ask(self._apart(draft) for draft in spoken)), strict=True):
            self._measure(scene, draft, answer)
        doubtful = [draft for draft in spoken if draft.open]
        sheets = [
            [_checklist.sheet(draft.open, f"{self.seed}/{sample}") for sample in range(self.samples)]
            for draft in doubtful
        ]
        answers = iter(_came(ask(self._checks(scene, doubtful, sheets))))
        for draft, own in zip(doubtful, sheets, strict=True):
            self._count(draft, own, [next(answers) for _ in own])
        for draft in spoken:
            draft.said = [text for text, holds in draft.rulings.items() if holds]

    def _measure(self, scene: Scene, draft: Draft, answer: Answer) -> None:
        """Take a description apart, and note what the measurements say of each statement."""
        source = draft.source
        if not answer.ok:
            draft.notes.append(f"{source.title}, taken apart: {_gave(answer)}")
        span = None if source.whole else source.span
        for statement in _checklist.taken_apart(
            draft.said, answer, source.region.subject, scene.measured, span
        ):
            found = _checklist.judged(statement, scene.measured)
            if found.holds is False:
                draft.rulings[statement.text] = False
                draft.notes.append(f"{_quoted(statement.text)}: {found.why}")
                continue
            text = statement.text if span is None else _checklist.dated(statement, span, scene.measured)
            draft.rulings[text] = found.holds
            if found.holds is None:
                draft.open.append(statement._replace(text=text))
        held = list(draft.rulings.values())
        draft.notes.append(
            f"{source.title}: {len(held)} statements, {held.count(True)} measured to hold, "
            f"{held.count(False)} contradicted, {held.count(None)} not measured"
        )

    def _count(self, draft: Draft, sheets: Sequence[_checklist.Sheet], answers: Sequence[Answer]) -> None:
        """Keep of what is not measured what was said again often enough."""
        agreed = _checklist.agreeing(sheets, answers)
        for statement, times in zip(draft.open, agreed, strict=True):
            stays = times >= self.agree * self.samples - 1e-9
            draft.rulings[statement.text] = stays
            if not stays:
                draft.notes.append(
                    f"{_quoted(statement.text)}: not measured, and said again in {times} of {self.samples} answers"
                )
        kept = sum(draft.rulings[statement.text] is True for statement in draft.open)
        lost = sum(not answer.ok for answer in answers)
        gone = f"; {lost} of {self.samples} answers could not be used" if lost else ""
        draft.notes.append(f"{draft.source.title}: {kept} of {len(agreed)} not measured are kept{gone}")

    def _apart(self, draft: Draft) -> Request:
        lines = "\n".join(f"{number}. {said}" for number, said in enumerate(draft.said, 1))
        told = prompts.load(CLAIMS).render(sentences=lines, name=draft.source.region.name)
        return self._request(told, _checklist.Points)

    def _checks(
        self, scene: Scene, drafts: Sequence[Draft], sheets: Sequence[Sequence[_checklist.Sheet]]
    ) -> Iterator[Request]:
        """Yield the requests of all sheets; pictures are made again, of a subject at a time."""
        views: dict[str, Views] = {}
        region: Region | None = None
        for draft, own in zip(drafts, sheets, strict=True):
            source = draft.source
            if source.region is not region:
                region, made = source.region, self.views(scene, source.region)
                views = {s.title: v for s, v in zip(self._sources(scene, region), made, strict=True)}
            start, end = (round(at, 2) for at in source.span)
            shown = views[source.title]
            for sample, sheet in enumerate(own):
                told = prompts.load(CHECK).render(
                    close=shown.close, times=shown.times, start=start, end=end, number=len(sheet.keys),
                    questions=f"{source.region.name}\n\n{sheet.text}",
                )  # fmt: skip
                yield self._request(told, _checklist.Ticks, (*shown.parts, Text(told.user)), sample)

    # --- one text ---

    @staticmethod
    def _has_notes(region: Region, drafts: Sequence[Draft]) -> bool:
        return any(d.said for d in drafts) or (bool(region.measured) and any(d.answer.ok for d in drafts))

    def joined(self, region: Region, drafts: Sequence[Draft]) -> Request:
        """Return what is asked for one text of all that is left."""
        notes: dict[str, Any] = {
            "name": region.name,
            "stretches": [
                {"from": round(d.source.span.start_s, 1), "to": round(d.source.span.end_s, 1), "seen": d.said}
                for d in drafts
                if d.said and not d.source.whole
            ],
            "whole": [said for d in drafts if d.source.whole for said in d.said],
            "measured": list(region.measured),
        }
        told = prompts.load(NARRATIVE).render(notes=to_json({k: v for k, v in notes.items() if v}))
        return self._request(told, Narrative)

    def _told(
        self, scene: Scene, region: Region, drafts: Sequence[Draft], joined: tuple[Request, Answer] | None
    ) -> Told:
        notes = tuple(note for draft in drafts for note in draft.notes)
        if joined is None:
            # Nothing may be said: the refusal where there is one, else a text of nothing.
            first = next((d for d in drafts if not d.answer.ok), drafts[0])
            request = list(self.described(scene, region))[list(drafts).index(first)]
            return Told(request, first.answer, lambda _: "", "region", region.subject, notes)
        request, answer = joined
        whats = {d.answer.value_of(Described).what for d in drafts if d.answer.ok} - {""}
        if not answer.ok:
            said = [s for d in drafts if not d.source.whole for s in d.said]
            said = said or [s for d in drafts for s in d.said] or list(region.measured)
            notes = (*notes, f"one text of all: {_gave(answer)}; what was to be joined stands as it is")
            left = Narrative.model_construct(text=_joined(said))
            answer = Answer(OK, left.model_dump_json(), left)
        return Told(
            request, answer, partial(_narrative, region, whats, scene), "region", region.subject, notes
        )


def _shown(source: Source, views: Sequence[View], shots: Sequence[messages.Frames]) -> Views:
    times = words(views[-1], shots[-1], "clip" if source.whole else "stretch")
    if len(shots) == 1:
        return Views((shots[0],), times, False)
    around, near = shots
    parts = (
        Text("The whole picture, the subject outlined:"),
        around,
        Text("The part with the subject:"),
        near,
    )
    return Views(parts, times, True)


def _plain_text(region: Region, scene: Scene, answer: Answer) -> str:
    told = answer.value_of(Described)
    return _without_pictures(_named(told.description, region, {told.what} - {""}, scene))


def _narrative(region: Region, whats: Iterable[str], scene: Scene, answer: Answer) -> str:
    return _without_pictures(_named(answer.value_of(Narrative).text, region, whats, scene))


def _without_pictures(text: str) -> str:
    said = [text[start:end] for start, end in sentences(text)]
    return _joined(one for one in said if not _OF_PICTURES.search(one))


def _joined(said: Iterable[str]) -> str:
    """Return sentences as a text, without echoes; what happens again later is said again."""
    return " ".join(next(echoes) for _, echoes in groupby(said, str.casefold))


def _named(text: str, region: Region, whats: Iterable[str], scene: Scene) -> str:
    """Return a text in which the subject has the name that the measurements know it by.

    What the model calls it (``whats``) is replaced where it stands for the subject (``the red car``), and stays where
    it is told of it (``is a red car``). A word for another subject is left alone. Of several people "the man" may be
    any, but where a sentence of a text about one of them begins with it.
    """
    tracks = scene.tracks
    others = {
        word
        for track_id, label in zip(tracks.ids.tolist(), tracks.label, strict=True)
        if track_id != region.subject
        for word in re.findall(r"\w+", label.casefold())
    }
    called = {"subject", "target", "outlined subject", "outlined object"}
    for what in whats:
        *_, head = what.split()
        called |= {what, head} if head not in others else set()
    either = "|".join(re.escape(one) for one in sorted(called, key=len, reverse=True))
    text = re.sub(rf"(?<=\w),\s+an?\s+(?:{either}),", "", text, flags=re.IGNORECASE)
    text = re.sub(rf"\b(?:the|this|that)\s+(?:{either})\b(?!\s*#?\d)", region.name, text, flags=re.IGNORECASE)
    if tracks.label[tracks.row(region.subject)] == PERSON and region.name != f"the {PERSON}":
        text = re.sub(r"(^|[.!?]\s+)The ([a-z]+)\b(?!\s*#?\d)", partial(_of_people, region.name), text)
    return re.sub(r"(^|[.!?]\s+)([a-z])", lambda m: m[1] + m[2].upper(), text)


def _of_people(name: str, found: re.Match[str]) -> str:
    return f"{found[1]}{name}" if found[2] in PEOPLE else found[0]


def _came(answers: list[Answer]) -> list[Answer]:
    """Return answers, whatever they say, if there are any to all that was asked."""
    return [answer.came() for answer in answers]


def _gave(answer: Answer) -> str:
    return f"the model's answer was {answer.status}: {' '.join(answer.error.split())[:SHOWN]}"


def _quoted(text: str) -> str:
    return f'left out "{" ".join(text.split())[:SHOWN]}"'
