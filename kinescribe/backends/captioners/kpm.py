"""KPM-Bench's captions (3.1 to 3.3): kinematic attributes, PaMoR tuples in six steps, and one dense text from them.

The paper names six stages and shows them as pictures; the steps and all words are our own: (1) who and what takes
part, and how it looks; (2) whole bodies; (3) limbs; (4) hands, feet, head; (5) what is done to whom, and the camera;
(6) order. Other than in the paper, every tuple is held against the measurements as soon as it is told: one that they
contradict goes back with the reason, and is left out if that does not help; what was measured and no step told is
handed in at the last, which can put in order and drop repeats, but add nothing.

A clip costs 7 calls, one more for each of the steps 2 to 5 with something contradicted, and with ``regions`` one more
for each person; 1 where there is nobody whose joints can be trusted (appendix B.2). Besides, the stage sends back what
it finds wrong with a text. Steps that need nothing of each other are asked side by side: 1 with 2, and 3 with 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, ClassVar, NamedTuple

from pydantic import AfterValidator, BaseModel

from kinescribe import prompts
from kinescribe.backends import Ask, Scene, Told
from kinescribe.backends.captioners import _pamor as pamor
from kinescribe.backends.captioners._pamor import Cast, Order, Pamor
from kinescribe.backends.captioners._words import Naming, prose
from kinescribe.inputs import InputSettings, show
from kinescribe.inputs.attributes import attributes, reliable
from kinescribe.inputs.frames import FrameSettings, choose
from kinescribe.language import names
from kinescribe.llm.messages import Answer, Frames, Part, Request, Text, Turn
from kinescribe.plain import to_json
from kinescribe.records import Facts
from kinescribe.vocabulary import LEVELS

__all__ = ["Kpm"]

MOST_WORDS = 600
"""Of a text: three and a half times KPM's average (171 words, of clips of 7.7 s)."""
INPUT, ENTRIES, CORRECT, TEXT, VIDEO = (
    f"caption_kpm_{name}" for name in ("input", "entries", "correct", "text", "video")
)


class Step(NamedTuple):
    """What is asked on the way to the tuples."""

    prompt: str
    schema: type[BaseModel]
    level: str = ""
    """Of all its tuples; empty where each has its own."""


CAST = Step("caption_kpm_1_cast", Cast)
INDIVIDUAL, LIMB, DISTAL = (
    Step(f"caption_kpm_{number}_{level}", schema, level)
    for number, level, schema in zip(
        (2, 3, 4), LEVELS, (pamor.Individual, pamor.Limb, pamor.Distal), strict=True
    )
)
PATIENTS = Step("caption_kpm_5_patients", pamor.Patients)
ORDER = Step("caption_kpm_6_order", Order)
STEPS = (CAST, INDIVIDUAL, LIMB, DISTAL, PATIENTS, ORDER)


def _told(text: str) -> str:
    """Return a text as plain prose; ValueError if it is none."""
    plain = prose(text, MOST_WORDS)
    if not plain:
        raise ValueError("the text is empty")
    return plain


class Description(BaseModel):
    """The text."""

    text: Annotated[str, AfterValidator(_told)]


@dataclass(frozen=True)
class Kpm:
    """Asks for the motion level by level, then for one dense text about a clip; ``caption.model`` says whom."""

    rate_hz: float = 2.0
    """Pictures per second that are shown, and instants at which attributes are told (see ``inputs.FrameSettings``)."""
    max_frames: int = 32
    """KPM's number of frames (appendix D)."""
    max_side_px: int = 768
    max_subjects: int = 16
    max_people: int = 4
    """People whose attributes are told, those first that a file of regions names, then those whose joints are known
    longest: up to 1500 tokens each for ten seconds."""
    corrections: int = 1
    """Times that the contradicted tuples of a step go back."""
    facts: bool = True
    """Whether what was measured and no step told is handed in at the last."""
    regions: bool = False
    """Whether one text is written of each of these people (of each subject that a file of regions names, where there is
    one), besides the clip's: one more call each."""
    max_tokens: int = 3072
    """Of an answer: the longest list of entries allowed is some 2000."""
    temperature: float = 0.0
    seed: int = 0

    revision: ClassVar[int] = 2

    def __post_init__(self) -> None:
        self._inputs(boxes=True)
        for name in ("max_people", "max_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.corrections < 0:
            raise ValueError("corrections must not be negative")

    def tell(self, scene: Scene, ask: Ask) -> Iterator[Told]:
        """Yield one text about the whole clip, and one about each person where that is asked for.

        Raises:
            BackendError: a step got no answer at all; running again goes on.
        """
        given = scene.tracks.given
        known = reliable(scene.clip, scene.measured.kinematics.joints)
        people = sorted(known, key=lambda person: person not in given)[: self.max_people]
        if not people:
            yield self._from_video(scene, ask, "nobody with reliable joints")
            return
        talk = _Talk(self, scene, ask, people)
        steps = talk.steps()
        if not steps:
            told = self._from_video(scene, ask, "no tuple was left")
            yield told._replace(notes=(*talk.notes, *told.notes))
            return
        moving = {subject for step in steps for one in step for subject in one.subjects}
        wanted = given or sorted(people)
        subjects = [None, *(subject for subject in wanted if self.regions and subject in moving)]
        requests = [talk.text_request(steps, subject) for subject in subjects]
        for subject, request, answer in zip(subjects, requests, ask(requests), strict=True):
            words = partial(_text, named=talk.named)
            scope, notes = ("scene", tuple(talk.notes)) if subject is None else ("region", ())
            yield Told(request, answer, words, scope, subject, notes)

    def identity(self) -> str:
        """Name the prompts: others get other answers."""
        used = (INPUT, *(step.prompt for step in STEPS), ENTRIES, CORRECT, TEXT, VIDEO)
        return " ".join(prompts.load(name).identity for name in used)

    def _from_video(self, scene: Scene, ask: Ask, why: str) -> Told:
        """Return a text from the pictures alone, without boxes, attributes or facts (KPM B.2)."""
        seen = show(scene.clip, scene.frames, scene.tracks, Facts(()), settings=self._inputs(boxes=False))
        told = prompts.load(VIDEO).render(times=seen.times, seconds=round(scene.clip.duration_s, 1))
        request = self._request((seen.frames, Text(told.user)), told, Description, told.system)
        (answer,) = ask([request])
        words = partial(_text, named=Naming.of(scene))
        return Told(request, answer, words, notes=(f"{why}: asked from the video alone",))

    def _request(
        self, parts: tuple[Part, ...], told: prompts.Rendered, schema: type[BaseModel], system: str
    ) -> Request:
        return Request(parts, system, schema, self.temperature, self.seed, self.max_tokens, told.identity)

    def _inputs(self, boxes: bool) -> InputSettings:
        frames = FrameSettings(self.rate_hz, self.max_frames, self.max_side_px)
        return InputSettings(frames, boxes, self.max_subjects)


def _text(answer: Answer, named: Callable[[str], str]) -> str:
    return named(answer.value_of(Description).text)


# --- the conversation ---------------------------------------------------------------------------------------


@dataclass
class _Listing:
    """One step's entries on their way to tuples."""

    step: Step
    request: Request
    answer: Answer
    kept: list[Pamor] = field(default_factory=list)
    wrong: list[tuple[Pamor, str]] = field(default_factory=list)
    """With what the measurements say."""


class _Talk:
    """What a model is asked about one clip, and what came of it. Every step is shown the same pictures first.

    The steps do not quote each other's answers as turns, but what is left of them: a false tuple is not repeated to the
    model, and endpoints that keep a common beginning (pictures, attributes) read it once.
    """

    def __init__(self, writer: Kpm, scene: Scene, ask: Ask, people: Sequence[int]) -> None:
        self.writer, self.scene, self.ask = writer, scene, ask
        self.named = Naming.of(scene)
        self.notes: list[str] = []
        self.looks: dict[str, str] = {}
        self.told: list[Pamor] = []
        self._frames, self._seen = self._shown(people)
        left_out = len(scene.measured.kinematics.joints.ids) - len(people)
        if left_out > 0:
            self.notes.append(
                f"people without attributes (joints not reliable, or beyond max_people): {left_out}"
            )

    def steps(self) -> list[list[Pamor]]:
        """Return what happens, in order of time: the six steps."""
        cast, *whole = self._put(CAST, INDIVIDUAL)
        self._keep_looks(cast)
        self._keep(whole)
        self._keep(self._put(LIMB, DISTAL))
        self._keep(self._put(PATIENTS))
        return self._in_order()

    def text_request(self, steps: Sequence[Sequence[Pamor]], subject: int | None) -> Request:
        """Return what a model is asked to write of the steps, of all or of what one subject has part in."""
        chosen = [[one for one in step if subject is None or subject in one.subjects] for step in steps]
        about = names(self.scene.tracks)[subject] if subject is not None else ""
        listed = enumerate((step for step in chosen if step), 1)
        told = prompts.load(TEXT).render(
            about=about,
            steps="\n".join(
                to_json({"step": i, "motions": [one.says for one in step]}) for i, step in listed
            ),
            looks="\n".join(
                to_json({"name": name, "look": look}) for name, look in self.looks.items() if look
            ),
        )
        return self._asked(told, told.user, Description)

    # --- what is shown ---

    def _shown(self, people: Sequence[int]) -> tuple[Frames, prompts.Rendered]:
        """Return the pictures, and what is said about them at every step."""
        scene, inputs = self.scene, self.writer._inputs(boxes=True)
        seen = show(scene.clip, scene.frames, scene.tracks, Facts(()), scene.hands, settings=inputs)
        samples = choose(scene.clip.times_s, inputs.frames).samples
        measured = attributes(scene.clip, scene.tracks, scene.measured.kinematics, samples, people)
        told = prompts.load(INPUT).render(
            times=seen.times,
            seconds=round(scene.clip.duration_s, 1),
            names=to_json(self.named.by_tag),
            attributes="\n".join(to_json({tag: of}) for tag, of in measured.items()),
        )
        return seen.frames, told

    def _asked(self, told: prompts.Rendered, words: str, schema: type[BaseModel]) -> Request:
        parts = (self._frames, Text(self._seen.user), Text(words))
        return self.writer._request(parts, told, schema, self._seen.system)

    def _request(self, step: Step) -> Request:
        prompt = prompts.load(step.prompt)
        known = {"so_far": "\n".join(one.says for one in pamor.by_time(self.told))}
        told = prompt.render(**{name: known[name] for name in prompt.variables})
        if step is CAST:
            return self._asked(told, told.user, step.schema)
        parts = issubclass(step.schema, pamor.Limb | pamor.Distal | pamor.Patients)
        entries = prompts.load(ENTRIES).render(most=pamor.MOST_ENTRIES, parts=parts)
        return self._asked(told, f"{told.user}\n\n{entries.user}", step.schema)

    # --- what comes back ---

    def _put(self, *steps: Step) -> list[_Listing]:
        """Ask for several steps side by side; none may need the answer of another."""
        requests = [self._request(step) for step in steps]
        answers = self.ask(requests)
        return [_Listing(*asked) for asked in zip(steps, requests, answers, strict=True)]

    def _came(self, step: Step, answer: Answer) -> bool:
        """Whether there is something to read; what gave nothing is noted."""
        if not answer.came().ok:
            self.notes.append(f"{_called(step)}: {answer.problem}")
        return answer.ok

    def _keep_looks(self, cast: _Listing) -> None:
        if self._came(cast.step, cast.answer):
            found = cast.answer.value_of(Cast)
            self.looks = {
                self.named.bare(one.name): one.look for one in (*found.agents, *found.things) if one.name
            }

    def _keep(self, listings: Sequence[_Listing]) -> None:
        """Take over what is not false, after what is was sent back."""
        for one in listings:
            self._sort(one, one.answer)
        for _ in range(self.writer.corrections):
            self._correct([one for one in listings if one.wrong and one.answer.ok])
        for one in listings:
            self.notes += [f'left out "{false.says}": {why}' for false, why in one.wrong]
            self.told = list({before.says.casefold(): before for before in (*self.told, *one.kept)}.values())

    def _sort(self, listing: _Listing, answer: Answer) -> None:
        """Add the tuples of an answer to what is kept, or to what is wrong."""
        if not self._came(listing.step, answer):
            return
        measured = self.scene.measured
        entries = answer.value_of(listing.step.schema).entries  # type: ignore[attr-defined]
        for one in pamor.listed(entries, listing.step.level, measured, self.named):
            why = pamor.objection(one, measured)
            if why:
                listing.wrong.append((one, why))
            else:
                listing.kept.append(one)

    def _correct(self, listings: Sequence[_Listing]) -> None:
        """Send back what is wrong, and take what comes instead of it."""
        if not listings:
            return
        for one in listings:
            lines = "\n".join(f"{false.says} -> {why}" for false, why in one.wrong)
            told = prompts.load(CORRECT).render(wrong=len(one.wrong), objections=lines)
            turns = (*one.request.turns, Turn(one.answer.text, told.user))
            one.request = replace(one.request, turns=turns, prompt=told.identity)
        for one, answer in zip(listings, self.ask([one.request for one in listings]), strict=True):
            self.notes.append(f"{_called(one.step)}: {len(one.wrong)} contradicted tuples sent back")
            one.answer = answer
            if answer.ok:
                one.wrong = []
            self._sort(one, answer)

    # --- order ---

    def _in_order(self) -> list[list[Pamor]]:
        """Return the tuples, those that only the measurements give among them, in steps."""
        scene = self.scene
        more = pamor.missed(scene.facts, self.told, scene.measured) if self.writer.facts else []
        if more:
            self.notes.append(f"{len(more)} measured motions added")
        told = pamor.by_time([*self.told, *more])
        if len(told) < 2:
            return [[one] for one in told]
        rendered = prompts.load(ORDER.prompt).render(
            motions=len(told), listed="\n".join(_line(i, one) for i, one in enumerate(told))
        )
        request = self.writer._request((Text(rendered.user),), rendered, Order, rendered.system)
        (answer,) = self.ask([request])
        if not self._came(ORDER, answer):
            return [[one] for one in told]
        return pamor.ordered(answer.value_of(Order), told)


def _line(number: int, one: Pamor) -> str:
    return to_json(
        {"id": number, "level": one.level, "says": one.says} | ({"measured": True} if one.measured else {})
    )


def _called(step: Step) -> str:
    return f"step {step.prompt.removeprefix('caption_kpm_').replace('_', ' ')}"
