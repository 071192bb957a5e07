"""What a judge is shown of a clip: the pictures alone, without boxes, so that no measurement colours its opinion."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from kinescribe.errors import VideoError
from kinescribe.inputs.frames import FrameSettings, choose, pictures
from kinescribe.llm.messages import Frames
from kinescribe.records import Clip
from kinescribe.video import VideoFrames


class Sight:
    """Shows clips by their ids; the last one shown is kept, since all that is asked about a clip is asked in turn.

    Args:
        clips: what can be shown.
        settings: how many pictures, and how large.
    """

    def __init__(self, clips: Iterable[Clip], settings: FrameSettings | None = None) -> None:
        self.settings = settings or FrameSettings()
        self.clips: Mapping[str, Clip] = {clip.id: clip for clip in clips}
        self._last: tuple[str, Frames] | None = None

    def __call__(self, clip_id: str) -> Frames | None:
        """Return the pictures of a clip; None for one that is not known.

        Raises:
            VideoError: its video is not there any more, or cannot be read.
        """
        if clip_id not in self.clips:
            return None
        if self._last is None or self._last[0] != clip_id:
            clip = self.clips[clip_id]
            if not os.path.exists(clip.source):
                raise VideoError(clip.source, "is not there to be shown; bring it back, or use --no-frames")
            frames = VideoFrames(clip, self.settings.max_side_px)
            picked = choose(clip.times_s, self.settings)
            self._last = clip_id, pictures(clip, frames, picked, None, self.settings)
        return self._last[1]
