"""Skeletons that the detector has already seen, gathered along the tracks (one-stage pose).

A detector such as ``detectors/blazepose`` finds joints while it follows people; running the net a second time
would double the cost for the same answer. Samples whose box was filled in have no skeleton: NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinescribe.records import Clip, Detections, Poses, Tracks
from kinescribe.video import Frames
from kinescribe.vocabulary import SKELETONS

__all__ = ["DetectedPoses"]


@dataclass(frozen=True)
class DetectedPoses:
    """No settings: the detector's are the ones that matter."""

    def __call__(self, clip: Clip, frames: Frames, detections: Detections, tracks: Tracks) -> Poses:
        """Return a skeleton for every track of which at least one sample has one."""
        if detections.skeleton is None:
            return nobody(len(clip.times_s))
        if not len(detections.sample):
            return nobody(len(clip.times_s), detections.skeleton)
        row, known = np.maximum(tracks.detection, 0), tracks.detection >= 0
        # Most tracks are things without joints: leave them out before their emptiness takes up memory.
        jointed = np.isfinite(detections.keypoints).any((1, 2))
        has = (jointed[row] & known).any(1)
        row, known = row[has], known[has][..., None, None]
        return Poses(
            ids=tracks.ids[has],
            keypoints=np.where(known, detections.keypoints[row], np.nan),
            world=np.where(known, detections.world[row], np.nan),
            skeleton=detections.skeleton,
        )


def nobody(samples: int, skeleton: str = "blazepose33") -> Poses:
    """Return the poses of a clip in which nobody has one."""
    none = np.zeros((0, samples, len(SKELETONS[skeleton]), 3))
    return Poses(np.zeros(0, np.int64), none, none, skeleton)
