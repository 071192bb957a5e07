"""Where a video cuts from one scene to another, by PySceneDetect, fed while the door decodes a file once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from kinescribe.errors import BackendError

CLOCK_HZ = 1000.0
"""PySceneDetect wants a frame rate beside each time, to count frames with; its answers here do not depend on it."""
MIN_CHANGE = 22.0
"""Levels (of hue, saturation and brightness, on average) that a cut changes. PySceneDetect's own 15 takes a sun that
blinks through leaves for two cuts (sports2d demo: 20); its ContentDetector has 27. True cuts here have 26 to 80."""


class CutFinder:
    """Sees a video's frames one by one, and knows the cuts at the end.

    PySceneDetect's ``AdaptiveDetector``: a cut is a frame that differs from the one before three times as much as
    its four neighbours do on average, so that a fast pan is none, and by ``MIN_CHANGE``. Fades are none either.

    Args:
        min_scene_s: a cut that follows another, or the beginning, sooner than this is none.

    Raises:
        BackendError: PySceneDetect is not installed.
    """

    def __init__(self, min_scene_s: float) -> None:
        try:
            from scenedetect.common import FrameTimecode  # type: ignore[import-untyped]
            from scenedetect.detectors import AdaptiveDetector  # type: ignore[import-untyped]
        except ModuleNotFoundError as error:
            raise BackendError(
                "ingest.split_at_cuts needs the package scenedetect: pip install scenedetect"
            ) from error
        self._timecode: Any = FrameTimecode
        self._detector: Any = AdaptiveDetector(min_scene_len=float(min_scene_s), min_content_val=MIN_CHANGE)
        self._size: tuple[int, int] | None = None
        self._last_s = -1.0
        self._found: list[float] = []

    def see(self, time_s: float, image: UInt8[np.ndarray, "h w 3"]) -> None:
        """Look at the next frame (RGB); one that is not later than the last is passed over."""
        if time_s <= self._last_s:
            return
        self._last_s = time_s
        self._size = self._size or (image.shape[1], image.shape[0])
        if (image.shape[1], image.shape[0]) != self._size:
            image = np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        moment = self._timecode(float(time_s), fps=CLOCK_HZ)
        bgr = np.ascontiguousarray(image[..., ::-1])
        self._found += [float(cut.seconds) for cut in self._detector.process_frame(moment, bgr)]

    def cuts_s(self) -> tuple[float, ...]:
        """Return the times of the first frames of new scenes, in order."""
        return tuple(sorted(self._found))
