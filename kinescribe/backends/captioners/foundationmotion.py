"""FoundationMotion's captions (3.3): a model sees frames, boxes and trajectories, and tells seven aspects of motion.

The prompt is our own. The model is also given the facts, which the paper's is not, and what it writes is checked:
the stage reads every text back, and sends back or cuts what the measurements contradict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, model_validator

from kinescribe import prompts
from kinescribe.backends import Ask, Scene, Told
from kinescribe.backends.captioners._words import Naming, prose
from kinescribe.inputs import InputSettings, show
from kinescribe.inputs.frames import FrameSettings
from kinescribe.language.mope import leans
from kinescribe.language.tokens import sentences
from kinescribe.llm.messages import Answer, Part, Request, Text
from kinescribe.plain import to_json
from kinescribe.records import Facts

__all__ = ["FoundationMotion"]

PROMPT = "caption_foundationmotion"
MOST_WORDS = 250
"""Of one aspect: ten times what the paper's captions spend on one; more is no description but a flood."""
Prose = Annotated[str, AfterValidator(partial(prose, most_words=MOST_WORDS))]


class Aspects(BaseModel):
    """What is asked for; the seven aspects of the paper's 3.3, after an overview."""

    overview: Prose
    recognition: Prose
    order: Prose
    links: Prose
    location: Prose
    repetition: Prose
    course: Prose
    relations: Prose

    @model_validator(mode="after")
    def _says_something(self) -> Aspects:
        if not any(self.told()):
            raise ValueError("all aspects are empty; tell at least what the overview asks for")
        return self

    def told(self) -> list[str]:
        """Return the aspects in order, empty ones included."""
        return [getattr(self, name) for name in type(self).model_fields]


@dataclass(frozen=True)
class FoundationMotion:
    """Asks for one dense text about a clip; ``caption.model`` says whom."""

    rate_hz: float = 2.0
    """Frames per second that are shown; the paper's (see ``inputs.FrameSettings``)."""
    max_frames: int = 32
    max_side_px: int = 768
    boxes: bool = True
    """Whether boxes are drawn and trajectories given; without both and without facts, the model has the video alone,
    as in the paper's ablation."""
    facts: bool = True
    """Whether the facts are told."""
    max_subjects: int = 16
    max_tokens: int = 2048
    temperature: float = 0.0
    seed: int = 0

    revision: ClassVar[int] = 3

    def __post_init__(self) -> None:
        self._inputs()
        if self.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")

    def tell(self, scene: Scene, ask: Ask) -> Iterator[Told]:
        """Yield one text about the whole clip."""
        request = self.request(scene)
        (answer,) = ask([request])
        yield Told(request, answer, partial(self.text, scene=scene))

    def request(self, scene: Scene) -> Request:
        """Return what a model is asked about a clip."""
        facts = scene.facts if self.facts else Facts(())
        seen = show(scene.clip, scene.frames, scene.tracks, facts, scene.hands, scene.events, self._inputs())
        told = prompts.load(PROMPT).render(
            times=seen.times,
            seconds=round(scene.clip.duration_s, 1),
            motion=seen.motion if len(scene.tracks.ids) else "",
            facts=seen.facts,
            names=to_json(dict(Naming.of(scene).by_tag)),
        )
        parts: tuple[Part, ...] = (seen.frames, Text(told.user))
        return Request(
            parts, told.system, Aspects, self.temperature, self.seed, self.max_tokens, told.identity
        )

    def text(self, answer: Answer, scene: Scene) -> str:
        """Return the caption: the aspects in their order, no sentence twice, subjects by their names."""
        said = [aspect[a:b] for aspect in answer.value_of(Aspects).told() for a, b in sentences(aspect)]
        return Naming.of(scene)(" ".join(_once(said)))

    def identity(self) -> str:
        """Name the prompt: another one gets other answers."""
        return prompts.load(PROMPT).identity

    def _inputs(self) -> InputSettings:
        frames = FrameSettings(self.rate_hz, self.max_frames, self.max_side_px)
        return InputSettings(frames, self.boxes, self.max_subjects)


def _once(said: Sequence[str]) -> Iterator[str]:
    """Yield sentences without those that were said before, unless the next one leans on it."""
    before: set[str] = set()
    for sentence, following in zip(said, [*said[1:], ""], strict=True):
        if sentence.casefold() not in before or leans(following):
            yield sentence
        before.add(sentence.casefold())
