"""A body's skeleton and its hands as the 133 points of COCO-WholeBody."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from kinescribe.vocabulary import COCO_WHOLEBODY_133, HAND_21, SKELETONS


def whole_body(
    body: Float[np.ndarray, "*B K C"],
    left: Float[np.ndarray, "*B 21 C"],
    right: Float[np.ndarray, "*B 21 C"],
    skeleton: str = "blazepose33",
) -> Float[np.ndarray, "*B 133 C"]:
    """Return the points in the order of ``vocabulary.COCO_WHOLEBODY_133``; NaN where there is none.

    A point is taken by its name. Where a hand is unknown, the knuckles that the body's skeleton has stand in
    for its own. BlazePose has neither small toes nor a face but for the corners of eyes and mouth.

    Args:
        body: points of one skeleton; x, y and whatever else stands beside them.
        left: points of the left hand, order ``vocabulary.HAND_21``; NaN where unknown.
        right: the same of the right hand.
        skeleton: key of ``vocabulary.SKELETONS``.
    """
    place = {name: i for i, name in enumerate(COCO_WHOLEBODY_133)}
    points = np.full((*body.shape[:-2], len(place), body.shape[-1]), np.nan)
    for i, name in enumerate(SKELETONS[skeleton]):
        if name in place:
            points[..., place[name], :] = body[..., i, :]
    for side, hand in (("left", left), ("right", right)):
        start = place[f"{side}_hand_root"]
        own = points[..., start : start + len(HAND_21), :]
        points[..., start : start + len(HAND_21), :] = np.where(np.isnan(hand), own, hand)
    return points
