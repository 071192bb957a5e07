"""Facts in, multiple-choice questions out: one true option, three that are checked to be false (FoundationMotion A.3).

What is asked, and which options are taken, is the business of ``kinescribe.questions``; here stand the settings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from kinescribe.checks import Measurements
from kinescribe.errors import nearest
from kinescribe.inputs import InputSettings, show
from kinescribe.inputs.frames import FrameSettings
from kinescribe.llm import client
from kinescribe.llm.client import call_settings
from kinescribe.questions import FAMILIES, Scene, ask, blind, spread, voiced
from kinescribe.records import (
    NO_DEPTH,
    CameraMotion,
    Clip,
    Depth,
    Facts,
    Hands,
    Kinematics,
    Poses,
    Question,
    Questions,
    Tracks,
)
from kinescribe.stages.caption import NO_HANDS
from kinescribe.video import Frames
from kinescribe.vocabulary import KPM_CATEGORIES

OVER = "over the limit per clip"
ASKED_OF_A_MODEL = "kpm"
"""The family some of whose templates no measurement answers."""


@dataclass(frozen=True)
class AskQuestions:
    """Ask about the surest facts of a clip; every option is judged, positions are shuffled per clip.

    With a model, KPM's templates that no measurement answers are asked of it over frames, and kept only if it stands by
    its answer; and all questions that it answers without the video are dropped. ``Questions.dropped`` counts.
    """

    seed: int = 0
    """With the clip's id it decides which distractors are taken and where the answer stands."""
    families: tuple[str, ...] = ("foundationmotion", "kpm")
    """Kinds of questions (``questions.FAMILIES``), in the order in which they are asked. ``motionatlas`` is not among
    them by default: its questions are to be answered from a caption, not from a video."""
    max_per_category: int = 4
    """Keeps clips with many subjects from crowding out the others (FoundationMotion: about six per clip in all)."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Other limits for some categories, e.g. ``{kpm_camera = 1}``; 0 asks none."""
    max_per_clip: int = 24
    """Questions in all: the first of every category are kept before the second of any. Two for each of the twelve
    categories of the two families."""
    model: str = ""
    """Whom to ask what no measurement answers: ``openai:MODEL[@URL]``, ``scripted:FILE`` (``llm.client.model_of``)."""
    calls: Mapping[str, int | float] = field(default_factory=dict)
    """How the model is asked, and what it may cost: settings of ``llm.client.CallSettings``."""
    votes: int = 3
    """Times that a model's question is asked again with the video; all must agree. By luck alone one of 64 would."""
    blind: bool = True
    """Whether questions that the model answers without the video are dropped."""
    blind_rounds: int = 3
    """Times that each is asked without the video; right by luck every time is one of 64."""
    rate_hz: float = 2.0
    """Frames per second that the model is shown (``inputs.FrameSettings``)."""
    max_frames: int = 32
    max_side_px: int = 768

    revision: ClassVar[int] = 6

    def __post_init__(self) -> None:
        for name in self.families:
            if name not in FAMILIES:
                raise ValueError(
                    f'no questions "{name}"{nearest(name, FAMILIES)}; there are {", ".join(FAMILIES)}'
                )
        known = [category for family in FAMILIES.values() for category in family.categories]
        for name in self.limits:
            if name not in known:
                raise ValueError(f'limits: no category "{name}"{nearest(name, known)}')
        if min(self.max_per_category, self.max_per_clip, *self.limits.values()) < 0:
            raise ValueError("numbers of questions must not be negative")
        if self.votes < 1:
            raise ValueError("votes must be at least 1")
        if self.blind_rounds < blind.MIN_ROUNDS:
            raise ValueError(f"blind_rounds must be at least {blind.MIN_ROUNDS}: fewer are passed by luck")
        call_settings(self.calls)
        self._inputs()

    def __call__(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        facts: Facts,
        frames: Frames = (),
        hands: Hands = NO_HANDS,
        depth: Depth = NO_DEPTH,
    ) -> Questions:
        """Ask what can be asked, by category.

        Raises:
            BackendError: a model that is asked is out of reach, or its budget is used up; running again goes on.
        """
        measured = Measurements(clip, camera, tracks, poses, kinematics, depth)
        scene = Scene(measured, facts.facts, hands, f"{self.seed}:{clip.id}")
        dropped: Counter[str] = Counter()
        asked = ask(scene, self.families, self.max_per_category, self.limits)
        if self.model:
            asked += self._voiced(scene, asked, frames, facts, dropped)
        kept = spread(asked, self.max_per_clip)
        dropped[OVER] = len(asked) - len(kept)
        if self.model and self.blind:
            model = client.shared(self.model, call_settings(self.calls))
            kept = blind.unguessed(kept, model.ask_all, self.blind_rounds, self.seed, dropped)
        return Questions(tuple(kept), {why: number for why, number in sorted(dropped.items()) if number})

    def identity(self) -> str:
        """Name the model and the prompts, where a model is asked."""
        if not self.model:
            return ""
        return f"model:{client.identity(self.model)} {voiced.identity()} {blind.identity()}"

    def _voiced(
        self, scene: Scene, asked: list[Question], frames: Frames, facts: Facts, dropped: Counter[str]
    ) -> list[Question]:
        """Return a model's questions, as many as KPM's groups have places left."""
        wanted = list(self._topics(scene, asked))
        if not wanted:
            return []
        measured = scene.measured
        seen = show(measured.clip, frames, measured.tracks, facts, scene.hands, settings=self._inputs())
        model = client.shared(self.model, call_settings(self.calls))
        voice = voiced.Voice(model.ask_all, self.model, seen, self.votes, self.seed)
        return voiced.voiced(scene, voice, wanted, dropped)

    def _topics(self, scene: Scene, asked: list[Question]) -> list[voiced.Template]:
        """Return what a model is asked about, in an order that is drawn per clip."""
        if ASKED_OF_A_MODEL not in self.families:
            return []
        left = {c: self.limits.get(c, self.max_per_category) for c in KPM_CATEGORIES}
        for question in asked:
            if question.category in left:
                left[question.category] -= 1
        chosen = []
        for topic in scene.shuffled(voiced.topics(), "topics"):
            if left[topic.group] > 0:
                left[topic.group] -= 1
                chosen.append(topic)
        return chosen

    def _inputs(self) -> InputSettings:
        return InputSettings(FrameSettings(self.rate_hz, self.max_frames, self.max_side_px))
