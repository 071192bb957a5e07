"""Boxes and identities against the truth, by the metrics of multi-object tracking (library: ``trackers.eval``).

HOTA: Luiten et al. 2021, doi:10.1007/s11263-020-01375-2. IDF1: Ristani et al. 2016, arXiv:1609.01775. CLEAR (identity
switches, mean overlap): Bernardin and Stiefelhagen 2008, doi:10.1155/2008/246309.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from trackers.eval import compute_clear_metrics, compute_hota_metrics, compute_identity_metrics
from trackers.eval.clear import aggregate_clear_metrics
from trackers.eval.hota import aggregate_hota_metrics
from trackers.eval.identity import aggregate_identity_metrics

from kinescribe.geometry import box_iou
from kinescribe.records import Tracks

MATCH_IOU = 0.5
"""Overlap from which a box counts as found: the usual one of detection benchmarks (PASCAL VOC)."""
MIN_SEEN = 0.5
"""A subject of which less than this share can be seen is neither asked for nor held against whoever finds it."""


class Tracking(NamedTuple):
    """What the library counted in one world; ``total`` adds worlds up."""

    clear: dict[str, Any]
    hota: dict[str, Any]
    identity: dict[str, Any]


class Identities(NamedTuple):
    """The numbers of the table, NaN where there was nothing to follow."""

    hota: float
    idf1: float
    mean_iou: float
    """Of matched boxes."""
    switches: int


def measure(known: Tracks, seen: np.ndarray, measured: Tracks) -> Tracking:
    """Compare measured tracks with the true ones, sample by sample.

    Args:
        known: the true tracks.
        seen: share of each true subject that can be seen (N, T).
        measured: the tracks to judge, on the same samples.
    """
    true_ids, ids, overlaps = [], [], []
    for sample in range(known.xyxy.shape[1]):
        exists = np.isfinite(known.xyxy[:, sample, 0])
        asked = exists & (seen[:, sample] > MIN_SEEN)
        found = np.isfinite(measured.xyxy[:, sample, 0])
        iou = box_iou(known.xyxy[:, sample], measured.xyxy[:, sample])
        iou = np.where(exists[:, None] & found[None], iou, 0.0)
        found &= ~_only_matches(iou, asked, exists & ~asked)
        true_ids.append(known.ids[asked])
        ids.append(measured.ids[found])
        overlaps.append(iou[asked][:, found])
    return Tracking(
        compute_clear_metrics(true_ids, ids, overlaps, MATCH_IOU),
        compute_hota_metrics(true_ids, ids, overlaps),
        compute_identity_metrics(true_ids, ids, overlaps, MATCH_IOU),
    )


def _only_matches(iou: np.ndarray, asked: np.ndarray, spared: np.ndarray) -> np.ndarray:
    """Return which measured boxes lie on a subject that is not asked for, and on none that is."""
    on_spared = (iou[spared] >= MATCH_IOU).any(0)
    return np.asarray(on_spared & ~(iou[asked] >= MATCH_IOU).any(0))


def total(worlds: Iterable[Tracking]) -> Identities:
    """Add worlds up as the library does: counts are summed, rates are made of the sums."""
    rows = list(worlds)
    clear = aggregate_clear_metrics([row.clear for row in rows])
    if not clear["CLR_TP"] + clear["CLR_FN"]:
        return Identities(float("nan"), float("nan"), float("nan"), 0)
    hota = aggregate_hota_metrics([row.hota for row in rows])
    identity = aggregate_identity_metrics([row.identity for row in rows])
    overlap = clear["MOTP"] if clear["CLR_TP"] else float("nan")
    return Identities(float(hota["HOTA"]), float(identity["IDF1"]), float(overlap), int(clear["IDSW"]))
