"""SAM 2: masks that follow what detections show, through the net's own memory of the last pictures.

Ravi et al., "SAM 2: Segment Anything in Images and Videos" (2024, arXiv 2408.00714), ``Sam2VideoModel`` of
transformers. Weights (Apache-2.0): ``facebook/sam2.1-hiera-tiny``, ``-small``, ``-base-plus``, ``-large``.
FoundationMotion takes the small ones, prompts people and things by boxes in the first picture and, in a second pass, in
every 5th. Here newcomers are prompted whenever they are seen, in one pass, and sessions are cut so that memory does not
grow with the video (``_sessions``). Needs torchvision, as its processor does.

Run here with tiny random checkpoints only, never with the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kinescribe.backends.card import Card
from kinescribe.backends.nets import huggingface
from kinescribe.backends.trackers import _sessions
from kinescribe.backends.trackers._memory import forget, in_memory
from kinescribe.backends.trackers._sessions import Prompt, Rules, Seen
from kinescribe.records import CameraMotion, Clip, Detections, Tracks
from kinescribe.video import Frames

__all__ = ["Sam2"]

NAME = "trackers/sam2"
KINDS = ("sam2_video",)


@dataclass(frozen=True)
class Sam2:
    """Follows the masks of what detections show; people, things and regions alike."""

    model: str = ""
    """Folder of a checkpoint, or an id that was pulled, e.g. ``facebook/sam2.1-hiera-small``."""
    device: str = "auto"
    dtype: str = "auto"
    session_samples: int = 300
    """Samples of one session: FoundationMotion takes up to 300 frames. Who is gone costs time until its end."""
    overlap_samples: int = 10
    """Samples that two sessions share: one second, as long as ``lost_s``, so that who is out of sight at the border may
    come back in the older one, which knows them."""
    lost_s: float = 1.0
    """Out of sight for no longer, a subject is found again where its way leads: ``ByteTrack.lost_s``."""
    sure_score: float = 0.5
    """Detections from here on are prompts (``ByteTrack.sure_score``). Grounding DINO is sure from 0.3 on: set that
    with it, as the recipes do."""
    refine_every: int = 5
    """In every so many samples, named detections that fit a mask are prompts again (FoundationMotion, second pass); 0
    for never."""
    min_area_px: float = 50.0
    """Smaller masks are none, in pixels of the clip (FoundationMotion: things 50, people 100)."""
    max_subjects: int = 40
    """Followed in one session at most, the surest first: each takes 21 MB (float32) and its own pass of the decoder."""

    revision: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        model="SAM 2.1 (Hiera)",
        paper="Ravi et al. 2024, arXiv 2408.00714",
        licence="Apache-2.0",
        weights=tuple(f"hf:facebook/sam2.1-hiera-{size}" for size in ("tiny", "small", "base-plus", "large")),
        memory="weights of 0.16 (tiny) to 0.9 GB (large) in float32; 0.12 GB for a picture and 21 MB per subject "
        "(measured with random weights of the tiny one's size), half of it in bfloat16; no more for longer videos",
        extra="hf",
        gpu=True,
        torchvision=True,
        run_here="tiny random checkpoints of the true class",
    )

    def __post_init__(self) -> None:
        huggingface.check_choice(self.device, self.dtype)
        self._rules()

    def identity(self) -> str:
        """Return versions and the checkpoint's checksum."""
        return huggingface.identity(self.model, "torchvision")

    def _rules(self) -> Rules:
        return Rules(
            session=self.session_samples,
            overlap=self.overlap_samples,
            lost_s=self.lost_s,
            sure_score=self.sure_score,
            refine_every=self.refine_every,
            min_area_px=self.min_area_px,
            max_subjects=self.max_subjects,
        )

    def follow(self, clip: Clip, frames: Frames, camera: CameraMotion, detections: Detections) -> Tracks:
        """Return the subjects of a clip with their masks, ordered by first appearance.

        Raises:
            BackendError: packages or the checkpoint are missing, it is another one, or there is not enough memory.
        """
        net = _load(self.model, self.device, self.dtype)
        return _sessions.follow(clip, frames, camera, detections, net.session, self._rules())


@dataclass(frozen=True, eq=False)
class _Net:
    """A model on its device, and the processor of its pictures and prompts."""

    model: Any
    processor: Any
    where: huggingface.Place

    def session(self) -> Sam2Session:
        return Sam2Session(self)


def _load(model: str, device: str, dtype: str) -> _Net:
    transformers = huggingface.transformers(NAME, torchvision=True)
    folder = huggingface.checkpoint(model, NAME)
    huggingface.expect(folder, KINDS, NAME)
    where = huggingface.place(device, dtype, NAME)
    processor = huggingface.processor(transformers.Sam2VideoProcessor, folder, NAME)
    return _Net(huggingface.load(transformers.Sam2VideoModel, folder, where, NAME), processor, where)


@dataclass(eq=False)
class Sam2Session:
    """One memory of the net. Of what is past it keeps what the next picture is compared with, and no more."""

    net: _Net
    prompted: bool = True
    state: Any = field(init=False)
    """``Sam2VideoInferenceSession``."""
    number: int = field(init=False, default=-1)
    """Of the picture within the session."""

    def __post_init__(self) -> None:
        self.state = self.net.processor.init_video_session(
            inference_device=self.net.where.device, dtype=self.net.where.dtype
        )

    def look(self, image: np.ndarray) -> dict[int, Seen]:
        """Return what is followed, in the next picture."""
        self.number += 1
        self.state.video_height, self.state.video_width = image.shape[:2]
        pixels = self.net.processor(
            images=image, device=self.net.where.device, return_tensors="pt"
        ).pixel_values
        self.state.add_new_frame(pixels[0], self.number)
        self._forget()
        return self._run() if self.state.get_obj_num() else {}

    def again(self, prompts: Sequence[Prompt]) -> dict[int, Seen]:
        """Return what is followed, in the same picture, now with these prompts."""
        add = self.net.processor.add_inputs_to_inference_session
        boxes = [prompt for prompt in prompts if prompt.box is not None]
        shown = [prompt for prompt in prompts if prompt.mask is not None]
        if boxes:
            corners = [[[float(edge) for edge in p.box] for p in boxes if p.box is not None]]
            add(self.state, self.number, [p.subject for p in boxes], input_boxes=corners)
        if shown:
            add(self.state, self.number, [p.subject for p in shown], input_masks=[p.mask for p in shown])
        # Each call says that its own objects are those with news.
        self.state.obj_with_new_inputs = [prompt.subject for prompt in prompts]
        return self._run()

    def mistakes(self) -> frozenset[int]:
        """Return nothing: what is prompted is there."""
        return frozenset()

    def _run(self) -> dict[int, Seen]:
        torch = huggingface.torch(NAME)
        frame = self.state.processed_frames[self.number]
        with torch.inference_mode():
            out = in_memory(
                lambda: self.net.model(inference_session=self.state, frame=frame, frame_idx=self.number), NAME
            )
            size = (int(self.state.video_height), int(self.state.video_width))
            masks = self.net.processor.post_process_masks([out.pred_masks.float()], [size], binarize=True)[0]
            scores = out.object_score_logits.float().sigmoid().reshape(-1).cpu().numpy()
        shown = masks[:, 0].cpu().numpy()
        return {int(number): Seen(shown[i], float(scores[i])) for i, number in enumerate(out.object_ids)}

    def _forget(self) -> None:
        """Drop what is no longer compared with: the older pictures, masks, memories and prompts."""
        config = self.net.model.config
        for number in [k for k in self.state.processed_frames if k < self.number]:
            del self.state.processed_frames[number]
        forget(
            self.state,
            self.number,
            memories=int(config.num_maskmem),
            pointers=int(config.max_object_pointers_in_encoder),
            prompts=int(config.max_cond_frame_num),
        )
