"""SAM 3: finds all things of given names and follows their masks.

Carion et al., "SAM 3: Segment Anything with Concepts" (2025, arXiv 2511.16719), ``Sam3VideoModel`` of transformers.
Weights: ``facebook/sam3`` (SAM License; access is granted on request). It needs no detections: newcomers are found
whenever they come. The net looks at each picture once per name: a list of 500 names takes 500 times as long as one.
Within a session it takes things back that it was mistaken about at first; that needs no more than the session, and
sessions are cut so that memory does not grow with the video (``_sessions``). Needs torchvision, as its processor does.
Without the package ``kernels`` transformers leaves out its suppression of doubles and its filling of holes; doubles and
specks are then removed by ``_sessions``.

Run here with tiny random checkpoints only, never with the published weights.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kinescribe.backends.card import Card
from kinescribe.backends.nets import huggingface
from kinescribe.backends.trackers import _sessions
from kinescribe.backends.trackers._memory import forget, in_memory
from kinescribe.backends.trackers._sessions import Prompt, Rules, Seen
from kinescribe.errors import BackendError
from kinescribe.language import nouns
from kinescribe.records import CameraMotion, Clip, Detections, Tracks
from kinescribe.video import Frames
from kinescribe.vocabulary import NAMELESS, PERSON

__all__ = ["Sam3"]

NAME = "trackers/sam3"
KINDS = ("sam3_video",)
MAX_TOKENS = 32
"""Of a name: the length to which its text encoder was trained."""


@dataclass(frozen=True)
class Sam3:
    """Follows all things of the given names."""

    model: str = ""
    """Folder of a checkpoint, or an id that was pulled, e.g. ``facebook/sam3``."""
    device: str = "auto"
    dtype: str = "auto"
    names: Sequence[str] = ()
    """What to look for, as short nouns in the singular; none for the names that the detections of the clip bear."""
    session_samples: int = 300
    """Samples of one session: as for ``Sam2``."""
    overlap_samples: int = 15
    """Samples that two sessions share: as long as SAM 3 keeps back what it may still be mistaken about
    (``hotstart_delay`` of its configuration)."""
    lost_s: float = 1.0
    """Out of sight for no longer, a subject is found again where its way leads: ``ByteTrack.lost_s``."""
    min_area_px: float = 50.0
    """Smaller masks are none, in pixels of the clip (FoundationMotion: things 50, people 100)."""
    max_subjects: int = 40
    """Followed in one session at most, the surest first: each takes its own pass of the decoder."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="SAM 3",
        paper="Carion et al. 2025, arXiv 2511.16719",
        licence="SAM License",
        weights=("hf:facebook/sam3",),
        memory="weights of 3.4 GB in float32 (0.85 billion parameters); per subject about as SAM 2 (not measured); no "
        "more for longer videos",
        extra="hf",
        gpu=True,
        torchvision=True,
        run_here="tiny random checkpoints of the true class",
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype)
        if isinstance(self.names, str):
            raise ValueError('names is a list of names, e.g. ["person", "dog"]')
        object.__setattr__(self, "names", _tidied(self.names))  # a recipe gives a list
        self._rules()

    def identity(self) -> str:
        """Return versions and the checkpoint's checksum."""
        return huggingface.identity(self.model, "torchvision")

    def _rules(self) -> Rules:
        return Rules(
            session=self.session_samples,
            overlap=self.overlap_samples,
            lost_s=self.lost_s,
            min_area_px=self.min_area_px,
            max_subjects=self.max_subjects,
        )

    def follow(self, clip: Clip, frames: Frames, camera: CameraMotion, detections: Detections) -> Tracks:
        """Return the subjects of a clip with their masks, ordered by first appearance.

        Where there is no name to look for, there are none.

        Raises:
            BackendError: packages or the checkpoint are missing, it is another one, a name is too long, or there is not
                enough memory.
        """
        net = _load(self.model, self.device, self.dtype, self._rules())
        names = tuple(self.names) or _tidied((*detections.names, *detections.label))
        return _sessions.follow(clip, frames, camera, detections, net.asked_for(names), self._rules())


def _tidied(names: Iterable[str]) -> tuple[str, ...]:
    """Return names in lower case, each once; what has no name cannot be looked for."""
    tidied = (" ".join(name.replace("_", " ").lower().split()) for name in names)
    return tuple(dict.fromkeys(name for name in tidied if name not in ("", NAMELESS)))


def label_of(name: str) -> str:
    """Return what subjects of a name are called: all people are persons, as everywhere."""
    return PERSON if nouns.kind(name.split()[-1]) == "person" else name


@dataclass(frozen=True, eq=False)
class _Net:
    """A model on its device, and the processor of its pictures and names."""

    model: Any
    processor: Any
    where: huggingface.Place
    rules: Rules

    def asked_for(self, names: Sequence[str]) -> _Asked:
        """Return what begins sessions that look for some names."""
        tokens = {name: len(self.processor.tokenizer(name).input_ids) for name in names}
        long = [name for name, number in tokens.items() if number > MAX_TOKENS]
        if long:
            raise BackendError(f'{NAME}: the name "{long[0][:80]}" is too long; it takes short nouns')
        return _Asked(self, tuple(names))


class _Asked:
    """Begins sessions."""

    def __init__(self, net: _Net, names: tuple[str, ...]) -> None:
        self._net, self._names = net, names

    def __call__(self) -> Sam3Session:
        return Sam3Session(self._net, self._names)


def _load(model: str, device: str, dtype: str, rules: Rules) -> _Net:
    transformers = huggingface.transformers(NAME, torchvision=True)
    folder = huggingface.checkpoint(model, NAME)
    huggingface.expect(folder, KINDS, NAME)
    where = huggingface.place(device, dtype, NAME)
    processor = huggingface.processor(transformers.Sam3VideoProcessor, folder, NAME)
    net = huggingface.load(transformers.Sam3VideoModel, folder, where, NAME)
    net.max_num_objects = min(net.max_num_objects, rules.max_subjects)
    logging.getLogger(type(net).__module__).setLevel(logging.ERROR)  # it warns in each picture of a crowd
    return _Net(net, processor, where, rules)


@dataclass(eq=False)
class Sam3Session:
    """One memory of the net."""

    net: _Net
    names: tuple[str, ...]
    prompted: bool = False
    state: Any = field(init=False)
    """``Sam3VideoInferenceSession``."""
    number: int = field(init=False, default=-1)
    """Of the picture within the session."""

    def __post_init__(self) -> None:
        self.state = self.net.processor.init_video_session(
            inference_device=self.net.where.device, dtype=self.net.where.dtype
        )
        self.net.processor.add_text_prompt(self.state, list(self.names))
        # The net asks how long the video is; of its pictures it needs the present one.
        self.state.processed_frames = dict.fromkeys(range(self.net.rules.session))

    def look(self, image: np.ndarray) -> dict[int, Seen]:
        """Return what is followed, in the next picture."""
        self.number += 1
        if not self.names:
            return {}
        torch = huggingface.torch(NAME)
        pixels = self.net.processor(
            images=image, device=self.net.where.device, return_tensors="pt"
        ).pixel_values
        self._forget()
        self.state.add_new_frame(pixels[0], self.number)
        self.state.video_height, self.state.video_width = image.shape[:2]
        with torch.inference_mode():
            # Not as a stream: in a stream it takes nothing back.
            out = in_memory(lambda: self.net.model(inference_session=self.state, frame_idx=self.number), NAME)
            told = self.net.processor.postprocess_outputs(self.state, out)
        self.state.processed_frames[self.number] = None
        masks, scores = told["masks"].cpu().numpy(), told["scores"].float().cpu().numpy()
        called = {number: name for name, some in told["prompt_to_obj_ids"].items() for number in some}
        return {
            number: Seen(masks[i], float(scores[i]), label_of(called[number]))
            for i, number in enumerate(told["object_ids"].tolist())
        }

    def again(self, prompts: Sequence[Prompt]) -> dict[int, Seen]:
        """It takes no prompts."""
        raise NotImplementedError

    def mistakes(self) -> frozenset[int]:
        """Return what it took back."""
        return frozenset(int(number) for number in self.state.removed_obj_ids)

    def _forget(self) -> None:
        """Drop what is no longer compared with."""
        config = self.net.model.config.tracker_config
        forget(
            self.state,
            self.number,
            memories=int(config.num_maskmem),
            pointers=int(config.max_object_pointers_in_encoder),
            prompts=int(config.max_cond_frame_num),
        )
        for kept in (self.state.obj_id_to_tracker_score_frame_wise, self.state.suppressed_obj_ids):
            for old in [k for k in kept if k < self.number - 1]:
                del kept[old]
