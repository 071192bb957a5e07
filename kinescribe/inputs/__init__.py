"""What a model is shown: ``show`` gives frames with true times, and the same subjects as JSON beside them.

Boxes on the pictures and in the JSON are of the same subjects at the same instants, under the same tags and colours
(``subjects``). Labels and everything else in the JSON is data: prompts fence it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kinescribe.inputs.facts import fact_lines
from kinescribe.inputs.frames import FrameSettings, choose, pictures
from kinescribe.inputs.motion import trajectories
from kinescribe.inputs.subjects import shown
from kinescribe.llm import messages
from kinescribe.plain import to_json
from kinescribe.prompts import Own
from kinescribe.records import Clip, Events, Facts, Hands, Tracks
from kinescribe.video import Frames


@dataclass(frozen=True)
class InputSettings:
    """What of a clip a model gets to see."""

    frames: FrameSettings = field(default_factory=FrameSettings)
    boxes: bool = True
    """Whether boxes are drawn and trajectories given; without, the model has the video alone."""
    max_subjects: int = 16
    """Subjects that are drawn and listed, those that are seen longest: more boxes hide the picture."""

    def __post_init__(self) -> None:
        if self.max_subjects < 1:
            raise ValueError("max_subjects must be at least 1")


@dataclass(frozen=True)
class Inputs:
    """What a model is shown of one clip."""

    frames: messages.Frames
    motion: str
    """JSON (``motion.trajectories``); empty for the video alone."""
    facts: str
    """JSON, one fact a line; empty where there are none."""
    times: Own
    """How the frames were taken, for the prompt."""


def show(
    clip: Clip,
    frames: Frames,
    tracks: Tracks,
    facts: Facts,
    hands: Hands | None = None,
    events: Events | None = None,
    settings: InputSettings | None = None,
) -> Inputs:
    """Return what a model is shown of a clip.

    Args:
        clip: the clip.
        frames: its samples.
        tracks: who is drawn and listed.
        facts: what is told; contacts among them are interactions, too.
        hands: drawn and listed as subjects of their own, with what they hold.
        events: contacts that no fact states.
        settings: how much.
    """
    chosen = settings or InputSettings()
    picked = choose(clip.times_s, chosen.frames)
    seen = shown(tracks, hands, chosen.max_subjects) if chosen.boxes else None
    motion = "" if seen is None else to_json(trajectories(clip, seen, picked.samples, facts, events, hands))
    images = pictures(clip, frames, picked, seen, chosen.frames)
    return Inputs(images, motion, fact_lines(facts, tracks), _words(images))


def _words(images: messages.Frames) -> Own:
    times = [time_s for time_s, _ in images.shots]
    if len(times) < 2:
        return Own("1 frame")
    return Own(
        f"{len(times)} frames, taken {images.rate_hz:.4g} times a second, the last frame of the clip besides; "
        f"the first is at {times[0]:.2f} s, the last at {times[-1]:.2f} s"
    )
