"""Draw records on a picture: boxes with tags, trails, skeletons, what the camera does, the time.

What is drawn is what was measured. A box that bridges a gap is dashed, a trail has a hole where the path is
unknown, and nothing is drawn where nothing is known. Between two samples positions are interpolated, for
display only; never across a cut, and never further than a sample reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from kinescribe.geometry import apply_affine, box_center, invert_affine
from kinescribe.records import CameraMotion, Clip, Hands, Kinematics, Poses, Tracks
from kinescribe.vocabulary import CONTACTS, HAND_BONES, LIMBS, SKELETONS, hand_side

Color = tuple[int, int, int]
Image = UInt8[np.ndarray, "H W 3"]

PALETTE: tuple[Color, ...] = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0),
    (0, 114, 178),
)  # fmt: skip
"""Sky blue, orange, bluish green, reddish purple, yellow, vermillion, blue: distinct to colour-blind eyes
(Okabe and Ito's set, as in Wong, Nature Methods 8, 441, 2011; black is left out)."""

LEFT, RIGHT, MIDDLE = PALETTE[0], PALETTE[1], (235, 235, 235)
"""Tints of the body's left and right side, and of what joins them."""

DARK: Color = (18, 20, 24)
LIGHT: Color = (250, 250, 250)

TRAIL_S = 2.0
"""How far back a trail reaches: about what fits on a picture without hiding it."""

OUTLINE: Color = (0, 255, 0)
OUTLINE_PX = 3
"""Colour and thickness of the contour that says whom a region's text is about: MotionAtlas's benchmark draws it so, and
models that were trained for it know it."""

CAMERA_WINDOW_S = 0.5
"""The camera arrow shows the mean motion over this long, so that trembling does not make it spin."""

CAMERA_FULL = 0.2
"""Camera speed, in picture lengths per second, at which the arrow has its full length."""

CAMERA_STILL = 0.01
"""Camera speed, in picture lengths per second, below which a dot is drawn instead of an arrow."""

LONGEST_TAG = 28
"""Characters of a label that are shown; the report shows the whole."""

_SUBPIXEL = 3  # cv2 takes fixed-point coordinates with this many bits of fraction
_FAR_PX = 1e5  # beyond any picture, and safe as a fixed-point integer
_DASH_PX = 4.0
_FONT = (
    cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None
)  # since OpenCV 5: every script, not ASCII alone
_HERSHEY_PX = 30.0  # at scale 1, Hershey's letters are as tall as those of a TrueType font of this size


def palette_index(track_id: int) -> int:
    """Return a track's place in ``PALETTE``: it depends on the id alone, so colours agree everywhere.

    People (0, 10, 20, ...) and objects (1000, 1001, ...) each walk through the palette.
    """
    return (track_id // 10 + track_id % 10) % len(PALETTE)


def color_of(track_id: int) -> Color:
    """Return a track's RGB colour."""
    return PALETTE[palette_index(track_id)]


def tag_of(label: str, track_id: int) -> str:
    """Return what a track is called on a picture, e.g. ``person #10``: printable and not too long."""
    shown = "".join(c if c.isprintable() else " " for c in label).strip()
    if len(shown) > LONGEST_TAG:
        shown = shown[: LONGEST_TAG - 1] + "…"
    return f"{shown} #{track_id}".strip()


def overlay(image: Image, clip: Clip, records: Mapping[type, Any], t: float, scale: float = 1.0) -> Image:
    """Return a copy of a picture with everything that is known at a time drawn on it.

    Args:
        image: RGB, upright.
        clip: the clip the picture belongs to.
        records: records by type; those that are missing are not drawn.
        t: seconds from the clip's start; need not be a sample.
        scale: clip pixels per image pixel.
    """
    canvas = np.ascontiguousarray(image).copy()
    pen = Pen.of(canvas)
    camera, tracks = records.get(CameraMotion), records.get(Tracks)
    moment = _moment(clip, camera.cuts_s if camera else (), t)
    if moment is not None and tracks is not None:
        kinematics = records.get(Kinematics)
        draw_trails(canvas, clip, camera, tracks, kinematics, moment, scale, pen)
        if records.get(Poses) is not None:
            draw_skeletons(canvas, records[Poses], moment, scale, pen)
        draw_boxes(canvas, tracks, moment, scale, pen)
        if records.get(Hands) is not None:
            draw_hands(canvas, records[Hands], moment, scale, pen)
    if camera is not None:
        draw_camera(canvas, clip, camera, moment, pen)
    draw_time(canvas, t, pen)
    return canvas


@dataclass(frozen=True)
class Pen:
    """Sizes that fit a picture: a picture of twice the size gets lines and letters of twice the size."""

    line: int
    """Thickness of a line in pixels."""
    font: int
    """Height of letters in pixels."""

    @classmethod
    def of(cls, image: Image) -> Pen:
        """Return the pen for a picture, by its longer side (2 px lines and 13 px letters at 640)."""
        side = max(image.shape[:2])
        return cls(line=max(2, round(side / 400)), font=max(9, round(side / 48)))


class Moment(NamedTuple):
    """A time on a clip's T axis: between two samples, or at one."""

    t: float
    before: int
    after: int
    weight: float
    """Share of ``after``, in [0, 1]."""
    since: int
    """First sample of the shot: trails do not reach across a cut."""

    @property
    def nearest(self) -> int:
        """The sample that is closer."""
        return self.after if self.weight >= 0.5 else self.before

    def of(self, values: Float[np.ndarray, "N T *X"]) -> Float[np.ndarray, "N *X"]:
        """Return values at this time: interpolated where both samples know, else of the nearer one."""
        before, after = values[:, self.before], values[:, self.after]
        mixed = before + (after - before) * self.weight
        at: Float[np.ndarray, "N *X"] = np.where(np.isfinite(mixed), mixed, values[:, self.nearest])
        return at


def _moment(clip: Clip, cuts_s: tuple[float, ...], t: float) -> Moment | None:
    """Return where a time lies on the T axis; None beyond the reach of the samples."""
    times = clip.times_s
    if not len(times):
        return None
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.1
    if t < times[0] - step or t > times[-1] + step:
        return None
    after = int(np.clip(np.searchsorted(times, t), 0, len(times) - 1))
    before = after if times[after] <= t or after == 0 else after - 1
    gap = float(times[after] - times[before])
    weight = float(np.clip((t - times[before]) / gap, 0, 1)) if gap > 0 else 0.0
    parting = [cut for cut in cuts_s if times[before] < cut <= times[after]]
    if parting:
        weight = 1.0 if t >= parting[-1] else 0.0
        before = after = after if weight else before
    past = [cut for cut in cuts_s if cut <= times[before]]
    since = int(np.searchsorted(times, max(past))) if past else 0
    return Moment(t, before, after, weight, since)


# --- subjects -----------------------------------------------------------------------------------------------


def draw_boxes(canvas: Image, tracks: Tracks, moment: Moment, scale: float, pen: Pen) -> None:
    """Draw each visible subject's box and tag; a box without a detection behind it is dashed."""
    boxes = moment.of(tracks.xyxy) / scale
    filled = tracks.filled[:, moment.nearest]
    rows = [int(i) for i in np.argsort(-_area(boxes), kind="stable") if np.isfinite(boxes[i]).all()]
    for row in rows:  # small boxes last, on top
        color = color_of(int(tracks.ids[row]))
        for thickness, shade in ((pen.line + 2, DARK), (pen.line, color)):
            dash = _DASH_PX * pen.line if filled[row] else 0.0
            _polyline(canvas, _corners(boxes[row]), shade, thickness, dash)
    taken: list[Rect] = []
    for row in rows:
        _tag(canvas, tracks.label[row], int(tracks.ids[row]), boxes[row], taken, pen)


def draw_outline(canvas: Image, box: Float[np.ndarray, "4"]) -> None:
    """Draw the contour of one subject's box, as far as it lies in the picture; nothing where it is unknown (NaN).

    Args:
        canvas: the picture.
        box: edges in pixels of this picture. The contour's middle line is the outermost pixels inside, as
            ``cv2.findContours`` finds them of a mask.
    """
    if not np.isfinite(box).all():
        return
    tall, wide = canvas.shape[:2]
    left, right = np.clip([round(float(box[0])), round(float(box[2])) - 1], 0, wide - 1).tolist()
    top, bottom = np.clip([round(float(box[1])), round(float(box[3])) - 1], 0, tall - 1).tolist()
    cv2.rectangle(canvas, (left, top), (max(left, right), max(top, bottom)), OUTLINE, OUTLINE_PX)


def draw_trails(
    canvas: Image,
    clip: Clip,
    camera: CameraMotion | None,
    tracks: Tracks,
    kinematics: Kinematics | None,
    moment: Moment,
    scale: float,
    pen: Pen,
) -> None:
    """Draw where each visible subject came from, on the scene as it lies in this picture."""
    visible = np.isfinite(moment.of(tracks.xyxy)).all(axis=1)
    trails = trail_points(clip, camera, tracks, kinematics, moment) / scale
    layer = canvas.copy()
    for row in np.flatnonzero(visible):
        color = color_of(int(tracks.ids[row]))
        for piece in _pieces(trails[row], at_least=3.0 * pen.line):
            _polyline(layer, piece, DARK, pen.line + 2)
            _polyline(layer, piece, color, pen.line)
            _dot(layer, piece[-1], pen.line + 1.0, color)
    cv2.addWeighted(layer, 0.7, canvas, 0.3, 0, dst=canvas)


def trail_points(
    clip: Clip,
    camera: CameraMotion | None,
    tracks: Tracks,
    kinematics: Kinematics | None,
    moment: Moment,
) -> Float[np.ndarray, "N M 2"]:
    """Return each subject's last ``TRAIL_S`` seconds as pixels of the picture at a moment; NaN where unknown.

    Earlier places are carried into this picture by the camera's motion: to_scene(now)^-1 to_scene(then).
    Where the camera is unknown now, the places are as filmed.
    """
    recent = np.flatnonzero((clip.times_s >= moment.t - TRAIL_S) & (clip.times_s <= moment.t))
    recent = recent[recent >= moment.since]
    centers = _centers(tracks, kinematics)
    now = moment.of(centers)[:, None]
    past = centers[:, recent]
    to_scene = moment.of(camera.to_scene[None])[0] if camera is not None else np.full((2, 3), np.nan)
    if camera is not None and np.isfinite(to_scene).all():
        past = apply_affine(invert_affine(to_scene), apply_affine(camera.to_scene[recent], past))
    points: Float[np.ndarray, "N M 2"] = np.concatenate([past, now], axis=1)
    return points


def draw_skeletons(canvas: Image, poses: Poses, moment: Moment, scale: float, pen: Pen) -> None:
    """Draw the limbs, the body's left side tinted blue and its right side orange, and dots at the joints."""
    names = SKELETONS.get(poses.skeleton, ())
    place = {name: k for k, name in enumerate(names)}
    ends = [(place[a], place[b], _tint(a, b)) for a, b in LIMBS if a in place and b in place]
    drawn = sorted({k for a, b, _ in ends for k in (a, b)}) or range(poses.keypoints.shape[2])
    for row, points in enumerate(moment.of(poses.keypoints)[..., :2] / scale):
        for thickness, halo in ((pen.line + 2, True), (pen.line, False)):
            for a, b, tint in ends:
                if np.isfinite(points[[a, b]]).all():
                    _polyline(canvas, points[[a, b]], DARK if halo else tint, thickness)
        for k in drawn:
            if np.isfinite(points[k]).all():
                _dot(canvas, points[k], pen.line + 1.5, DARK)
                _dot(canvas, points[k], pen.line + 0.5, color_of(int(poses.ids[row])))


def draw_hands(canvas: Image, hands: Hands, moment: Moment, scale: float, pen: Pen) -> None:
    """Draw hands in the tint of their side, with the contact state where it is known, and what they hold.

    Bones show where the points are known; a box that does not come from the net is dashed.
    """
    place = {name: k for k, name in enumerate(SKELETONS[hands.skeleton])}
    boxes, held = moment.of(hands.xyxy) / scale, moment.of(hands.held_xyxy) / scale
    thin = max(1, pen.line - 1)
    for row, points in enumerate(moment.of(hands.keypoints)[..., :2] / scale):
        side = hand_side(int(hands.ids[row]))
        tint = LEFT if side == "left" else RIGHT
        if np.isfinite(points).all():
            for a, b in HAND_BONES:
                _polyline(canvas, points[[place[a], place[b]]], DARK, thin + 1)
            for a, b in HAND_BONES:
                _polyline(canvas, points[[place[a], place[b]]], tint, thin)
        if np.isfinite(boxes[row]).all():
            dash = 0.0 if hands.seen[row, moment.nearest] else _DASH_PX * thin
            _polyline(canvas, _corners(boxes[row]), tint, thin, dash)
            state = CONTACTS[int(hands.contact[row, moment.nearest])]
            words = (
                side[0].upper() if state == CONTACTS[0] else f"{side[0].upper()}: {state.replace('_', ' ')}"
            )
            _label(canvas, words, boxes[row], pen)
        if np.isfinite(held[row]).all():
            _polyline(canvas, _corners(held[row]), DARK, thin + 2)
            _polyline(canvas, _corners(held[row]), tint, thin, 2 * _DASH_PX)


def _label(canvas: Image, words: str, box: Float[np.ndarray, "4"], pen: Pen) -> None:
    """Write small letters under a box, or as near as they fit."""
    size = max(8, round(0.8 * pen.font))
    wide, tall = _text_width(words, size) + size // 2, round(1.4 * size)
    left = int(np.clip(round(float(box[0])), 0, max(0, canvas.shape[1] - wide)))
    top = int(np.clip(round(float(box[3])) + 1, 0, max(0, canvas.shape[0] - tall)))
    _shade(canvas, Rect(left, top, left + wide, top + tall))
    _text(canvas, words, (left + size // 4, top + round(1.05 * size)), LIGHT, size)


def _centers(tracks: Tracks, kinematics: Kinematics | None) -> Float[np.ndarray, "N T 2"]:
    """Return the smoothed centres as filmed where they were measured, else the boxes' middles."""
    centers = box_center(tracks.xyxy)
    if kinematics is None:
        return centers
    smooth = {int(i): row for row, i in enumerate(kinematics.tracks.ids)}
    for row, track_id in enumerate(int(i) for i in tracks.ids):
        path = kinematics.tracks.image_px[smooth[track_id]] if track_id in smooth else centers[row]
        if np.isfinite(path).any():  # one or the other, not both: they may be of different points of a body
            centers[row] = path
    return centers


def _tint(a: str, b: str) -> Color:
    sides = {name.split("_")[0] for name in (a, b)}
    return LEFT if sides == {"left"} else RIGHT if sides == {"right"} else MIDDLE


def _area(boxes: Float[np.ndarray, "N 4"]) -> Float[np.ndarray, "N"]:
    area: Float[np.ndarray, "N"] = np.nan_to_num(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    return area


# --- camera and time ----------------------------------------------------------------------------------------


def draw_camera(canvas: Image, clip: Clip, camera: CameraMotion, moment: Moment | None, pen: Pen) -> None:
    """Draw, top right, what the camera does (at this moment, or in the clip) and an arrow of where it goes."""
    speed = None if moment is None else camera_speed(clip, camera, moment)
    now = None if moment is None else float(clip.times_s[moment.nearest])
    here = [s.labels for s in camera.stretches if now is not None and s.span.start_s <= now <= s.span.end_s]
    words = (
        ", ".join(label.replace("_", " ") for label in (here[-1] if here else camera.labels)) or "no label"
    )
    text = f"camera: {words}" if here or speed is not None else "camera: unknown here"
    pad, dial = pen.font // 2, pen.font
    width = _text_width(text, pen.font)
    right, top = canvas.shape[1] - pad, pad
    room = 2 * dial if speed is not None else 0
    _shade(canvas, Rect(right - width - 2 * pad - room, top, right, top + 2 * dial))
    _text(canvas, text, (right - width - pad - room, top + round(1.36 * pen.font)), LIGHT, pen.font)
    if speed is not None:
        _arrow(canvas, np.array([right - dial, top + dial], dtype=float), speed, 0.7 * dial, pen)


def camera_speed(clip: Clip, camera: CameraMotion, moment: Moment) -> Float[np.ndarray, "2"] | None:
    """Return how fast the picture's middle moves over the scene; None if unknown.

    In picture lengths per second, x right, y down; the mean over the last ``CAMERA_WINDOW_S`` (the next, at
    the clip's start).
    """
    times = clip.times_s
    here = moment.nearest
    window = np.flatnonzero(np.abs(times - times[here]) <= CAMERA_WINDOW_S + 1e-9)
    window = window[window >= moment.since]
    earlier = window[window < here]
    there = int(earlier[0]) if len(earlier) else int(window[-1])
    if there == here:
        return None
    middle = np.array([clip.width / 2, clip.height / 2])
    shift = apply_affine(camera.to_scene[here], middle) - apply_affine(camera.to_scene[there], middle)
    speed: Float[np.ndarray, "2"] = shift / (times[here] - times[there]) / max(clip.width, clip.height)
    return speed if np.isfinite(speed).all() else None


def draw_time(canvas: Image, t: float, pen: Pen) -> None:
    """Draw the time, bottom left."""
    text, pad = f"{t:.2f} s", pen.font // 2
    bottom = canvas.shape[0] - pad
    _shade(canvas, Rect(pad, bottom - 2 * pen.font, 3 * pad + _text_width(text, pen.font), bottom))
    _text(canvas, text, (2 * pad, bottom - round(0.64 * pen.font)), LIGHT, pen.font)


def _arrow(
    canvas: Image, middle: Float[np.ndarray, "2"], speed: Float[np.ndarray, "2"], radius: float, pen: Pen
) -> None:
    magnitude = float(np.hypot(*speed))
    if magnitude < CAMERA_STILL:
        _dot(canvas, middle, pen.line + 1.0, LIGHT)
        return
    reach = speed / magnitude * radius * (0.4 + 0.6 * min(1.0, magnitude / CAMERA_FULL))
    start, end = _fixed(np.stack([middle - reach, middle + reach]))
    cv2.arrowedLine(
        canvas, start, end, LIGHT, max(1, pen.line - 1), cv2.LINE_AA, shift=_SUBPIXEL, tipLength=0.4
    )


# --- strokes ------------------------------------------------------------------------------------------------


class Rect(NamedTuple):
    """Whole pixels, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    def overlaps(self, other: Rect) -> bool:
        """Whether two rectangles share a pixel."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def _tag(
    canvas: Image, label: str, track_id: int, box: Float[np.ndarray, "4"], taken: list[Rect], pen: Pen
) -> None:
    """Write a track's tag where there is room: in full, else the id alone, else (in a crowd) not at all."""
    for text in (tag_of(label, track_id), tag_of("", track_id)):
        place = _free_place(canvas, box, _text_width(text, pen.font) + pen.font // 2 * 2, pen, taken)
        if place is not None:
            break
    else:
        return
    taken.append(place)
    color = color_of(track_id)
    cv2.rectangle(canvas, (place.left, place.top), (place.right - 1, place.bottom - 1), color, cv2.FILLED)
    at = (place.left + pen.font // 2, place.top + round(1.12 * pen.font))
    _text(canvas, text, at, DARK if _luminance(color) > 110 else LIGHT, pen.font)


def _free_place(
    canvas: Image, box: Float[np.ndarray, "4"], wide: int, pen: Pen, taken: list[Rect]
) -> Rect | None:
    """Return a place above a box, below it or inside it that is in the picture and free."""
    height, width = canvas.shape[:2]
    tall = round(1.5 * pen.font)
    near = np.clip(box, -_FAR_PX, _FAR_PX)
    left = int(np.clip(round(near[0]), 0, max(0, width - wide)))
    top, bottom = round(near[1]), round(near[3])
    tops = [y for y in (top - tall, bottom, top, bottom - tall) if 0 <= y <= height - tall]
    tops = tops or [int(np.clip(top, 0, max(0, height - tall)))]
    places = [Rect(left, y, left + wide, y + tall) for y in tops]
    return next((p for p in places if not any(p.overlaps(other) for other in taken)), None)


def _luminance(color: Color) -> float:
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def _text(canvas: Image, text: str, at: tuple[int, int], color: Color, size: int) -> None:
    if _FONT is not None:
        cv2.putText(canvas, text, at, color, _FONT, size, 500)
    else:
        cv2.putText(
            canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, size / _HERSHEY_PX, color, _stroke(size), cv2.LINE_AA
        )


def _text_width(text: str, size: int) -> int:
    """Width of a text in pixels."""
    if _FONT is not None:
        return int(cv2.getTextSize((0, 0), text, (0, 0), _FONT, size, 500)[2])
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size / _HERSHEY_PX, _stroke(size))[0][0])


def _stroke(size: int) -> int:
    return max(1, round(size / 14))


def _shade(canvas: Image, rect: Rect) -> None:
    """Darken a rectangle, so that light letters can be read on it."""
    part = canvas[max(0, rect.top) : max(0, rect.bottom), max(0, rect.left) : max(0, rect.right)]
    part[:] = (part * 0.35).astype(np.uint8)


def _dot(canvas: Image, center: Float[np.ndarray, "2"], radius: float, color: Color) -> None:
    (at,) = _fixed(center[None])
    cv2.circle(canvas, at, round(radius * 2**_SUBPIXEL), color, cv2.FILLED, cv2.LINE_AA, shift=_SUBPIXEL)


def _polyline(
    canvas: Image, points: Float[np.ndarray, "M 2"], color: Color, thickness: int, dash: float = 0.0
) -> None:
    for piece in _dashes(points, dash) if dash else (points,):
        fixed = np.array(_fixed(piece), dtype=np.int32).reshape(-1, 1, 2)
        cv2.polylines(canvas, [fixed], False, color, thickness, cv2.LINE_AA, shift=_SUBPIXEL)


def _fixed(points: Float[np.ndarray, "M 2"]) -> list[tuple[int, int]]:
    scaled = np.round(np.clip(points, -_FAR_PX, _FAR_PX) * 2**_SUBPIXEL).astype(int)
    return [(int(x), int(y)) for x, y in scaled]


def _corners(box: Float[np.ndarray, "4"]) -> Float[np.ndarray, "5 2"]:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])


def _dashes(points: Float[np.ndarray, "M 2"], dash: float) -> Iterator[Float[np.ndarray, "2 2"]]:
    """Yield every second stretch of ``dash`` pixels along each leg."""
    for start, end in pairwise(np.clip(points, -_FAR_PX, _FAR_PX)):
        length = float(np.hypot(*(end - start)))
        marks = np.arange(0, min(length, 1e4), 2 * dash)
        for mark in marks:
            ends = np.array([mark, min(mark + dash, length)]) / max(length, 1e-9)
            yield start + ends[:, None] * (end - start)


def _pieces(path: Float[np.ndarray, "M 2"], at_least: float) -> Iterator[Float[np.ndarray, "L 2"]]:
    """Yield the stretches of a path that are known and reach over ``at_least`` pixels."""
    known: Bool[np.ndarray, "M"] = np.isfinite(path).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    for start, end in edges.reshape(-1, 2):
        if np.hypot(*np.ptp(path[start:end], axis=0)) >= at_least:
            yield path[start:end]
