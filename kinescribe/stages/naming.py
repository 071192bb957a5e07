"""Detections with a name meet those without: who is who, and what is what.

A region of motion is tight in time and has no name; a detector of classes knows names and flickers; a skeleton is
surer of a person than both. In each sample every subject is to be one detection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.geometry import box_cover, box_iou
from kinescribe.records import Detections
from kinescribe.vocabulary import HOLDERS, PERSON, SKELETONS

BOTH = "+"
"""In the source of a detection: a moving region and a named thing in one."""
HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
HEAD_SHARE = 0.25
"""A named thing smaller than this share of somebody's box that holds the whole face is the head, or is worn on it:
small detectors call helmets and bald heads balls."""
PERSON_IOU = 0.3
"""A skeleton and a box called a person that overlap so are one: a skeleton's box ends at the joints that are seen, and
an arm held out is half of one box and not of the other."""
THING_IOU = 0.3
"""A moving region and a named box that overlap so are one thing: regions have shadows and halos."""
MISTAKEN_IOU = 0.5
"""A named thing that overlaps so with somebody's skeleton, where the namer sees no person, is that person."""
PART_COVER = 0.7
"""A region with this share inside a named thing is a part of it (a wheel of a car)."""


def people_without_skeleton(named: Detections, people: Detections) -> Bool[np.ndarray, "D"]:
    """Return which named detections are people whom no skeleton explains; a skeleton explains one of them."""
    person = np.array([label == PERSON for label in named.label], dtype=bool)
    return person & (partners(named, people, PERSON_IOU, lambda row: bool(person[row])) < 0)


def with_named_boxes(people: Detections, named: Detections) -> Detections:
    """Give people with a skeleton the box of the named person they are.

    The boxes of both differ by a tenth of a body (a skeleton ends at its joints): somebody whose skeleton comes and
    goes would jump. They keep their score, by which the person net followed them.
    """
    partner = partners(people, named, PERSON_IOU, lambda row: True, lambda row: named.label[row] == PERSON)
    xyxy, source = people.xyxy.copy(), list(people.source)
    for row, other in enumerate(partner.tolist()):
        if other >= 0:
            xyxy[row], source[row] = named.xyxy[other], f"{people.source[row]}{BOTH}{named.source[other]}"
    return replace(people, xyxy=xyxy, source=tuple(source))


def mistaken(named: Detections, people: Detections) -> Bool[np.ndarray, "D"]:
    """Return which named things are people with a skeleton, or their heads, under a wrong name."""
    person = np.array([label == PERSON for label in named.label], dtype=bool)
    known = partners(people, named, PERSON_IOU, lambda row: True, lambda row: bool(person[row])) >= 0
    result = np.zeros(len(named.sample), dtype=bool)
    for rows, others in by_sample(named, people):
        unknown = others[~known[others]]
        result[rows] = box_iou(named.xyxy[rows], people.xyxy[unknown]).max(1, initial=0.0) >= MISTAKEN_IOU
        result[rows] |= [
            any(_is_head(named.xyxy[row], people, int(other)) for other in others) for row in rows
        ]
    return result & ~person


def _is_head(thing: Float[np.ndarray, "4"], people: Detections, row: int) -> bool:
    names = SKELETONS.get(people.skeleton or "", ())
    face = people.keypoints[row, [i for i, name in enumerate(names) if name in HEAD], :2]
    if not len(face) or not np.isfinite(face).all():
        return False
    inside = bool(((face >= thing[:2]) & (face <= thing[2:])).all())
    area, whole = ((box[2:] - box[:2]).prod() for box in (thing, people.xyxy[row]))
    return inside and float(area) <= HEAD_SHARE * float(whole)


class Named(NamedTuple):
    """Regions after they met the named things."""

    regions: Detections
    nameless: Bool[np.ndarray, "D"]
    """Which of them have no name."""
    used: Bool[np.ndarray, "N"]
    """Which named things are among them."""


def name_regions(regions: Detections, named: Detections) -> Named:
    """Give regions the names and the boxes of the things they are; how their pixels move is kept.

    Parts of named things are left out, but not what moves in the box of a thing that holds others
    (``vocabulary.HOLDERS``).
    """
    partner = partners(regions, named, THING_IOU)
    used = np.zeros(len(named.sample), dtype=bool)
    used[partner[partner >= 0]] = True
    label, source = list(regions.label), list(regions.source)
    score, xyxy = regions.score.copy(), regions.xyxy.copy()
    for row, other in enumerate(partner.tolist()):
        if other >= 0:
            label[row], score[row] = named.label[other], max(score[row], named.score[other])
            xyxy[row], source[row] = named.xyxy[other], f"{regions.source[row]}{BOTH}{named.source[other]}"
    part = np.zeros(len(regions.sample), dtype=bool)
    whole = np.array([name not in HOLDERS for name in named.label], dtype=bool)
    for rows, others in by_sample(regions, named):
        cover = box_cover(regions.xyxy[rows], named.xyxy[others[whole[others]]])
        part[rows] = cover.max(1, initial=0.0) >= PART_COVER
    left = np.flatnonzero((partner >= 0) | ~part)
    called = replace(regions, label=tuple(label), source=tuple(source), score=score, xyxy=xyxy)
    return Named(rows_of(called, left), partner[left] < 0, used)


def partners(
    one: Detections,
    two: Detections,
    min_iou: float,
    of_one: Callable[[int], bool] = lambda row: True,
    of_two: Callable[[int], bool] = lambda row: True,
) -> Int[np.ndarray, "D"]:
    """Return for each detection of ``one`` the row of ``two`` that it is, or -1: one to one, the best pairs first.

    Args:
        one: detections.
        two: others.
        min_iou: pairs overlap by at least this.
        of_one: which rows of ``one`` take part.
        of_two: which rows of ``two`` take part.
    """
    partner = np.full(len(one.sample), -1, dtype=np.int64)
    for rows, others in by_sample(one, two):
        overlap = box_iou(one.xyxy[rows], two.xyxy[others])
        overlap[[not of_one(int(row)) for row in rows]] = 0
        overlap[:, [not of_two(int(row)) for row in others]] = 0
        while overlap.size and overlap.max() >= min_iou:
            i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
            partner[rows[i]] = others[j]
            overlap[i], overlap[:, j] = 0, 0
    return partner


def by_sample(one: Detections, two: Detections) -> list[tuple[Int[np.ndarray, "_"], Int[np.ndarray, "_"]]]:
    """Return the rows of both, for every sample in which both have some."""
    shared = np.intersect1d(one.sample, two.sample)
    return [(np.flatnonzero(one.sample == s), np.flatnonzero(two.sample == s)) for s in shared]


def rows_of(detections: Detections, rows: Int[np.ndarray, "R"]) -> Detections:
    """Return some rows of detections, in the given order."""
    velocity = detections.velocity_px_s
    return replace(
        detections,
        sample=detections.sample[rows],
        xyxy=detections.xyxy[rows],
        score=detections.score[rows],
        label=tuple(detections.label[i] for i in rows),
        source=tuple(detections.source[i] for i in rows),
        keypoints=detections.keypoints[rows],
        world=detections.world[rows],
        velocity_px_s=None if velocity is None else velocity[rows],
    )
