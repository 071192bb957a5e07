"""Skeletons that the detector has already seen, gathered along the tracks (one-stage pose).

A detector such as ``detectors/blazepose`` finds joints while it follows people; running the net a second time
would double the cost for the same answer. Samples whose box was filled in have no skeleton: NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinescribe.records import Clip, Detections, Poses, Tracks
from kinescribe.video import Frames

__all__ = ["DetectedPoses"]


@dataclass(frozen=True)
class DetectedPoses:
    """No settings: the detector's are the ones that matter."""

    def __call__(self, clip: Clip, frames: Frames, detections: Detections, tracks: Tracks) -> Poses:
        """Return a skeleton for every track of which at least one sample has one."""
        points = detections.keypoints.shape[1]
        row = np.maximum(tracks.detection, 0)
        known = tracks.detection >= 0
        if not points or detections.skeleton is None:
            row, known = row[:0], known[:0]
        keypoints = np.where(known[..., None, None], detections.keypoints[row], np.nan)
        world = np.where(known[..., None, None], detections.world[row], np.nan)
        has = np.isfinite(keypoints).any((1, 2, 3))
        return Poses(
            ids=tracks.ids[: len(row)][has],
            keypoints=keypoints[has],
            world=world[has],
            skeleton=detections.skeleton or "blazepose33",
        )
