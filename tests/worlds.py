"""Rendered worlds: textured things moving over textured grounds before a moving camera, with exact truth.

A ``World`` is a description; ``truth`` computes its records from the geometry alone, ``render`` adds the
pictures, ``write_video`` encodes them; ``observe`` makes what an imperfect detector would say of a world. People of
exact joint angles, without pictures, are in ``tests.bodies``.

``SCENARIOS`` draw their parameters from a seed. **Seeds 0-99 are for development, seeds
1000-1099 are held out**: nobody looks at them while setting thresholds.

Truth speaks the words of the vocabulary, one fact per happening. A rest is a ``pause`` between movements, a
``stop`` after one and a ``stay`` otherwise, and its span is the rest; ``start`` is what a movement after a
``stay`` means and is not listed again. Where two things come together or part, the pair (1000, 1001) stands for
both. All truth is of the scene (``frame="scene"``) except after a cut, where no map leads back to the first
frame. Manners (``magnitude``) are left open; ``evidence`` carries the exact numbers they rest on.

Image coordinates count from the corner of the top-left pixel: a thing that covers pixels 10 to 19 has the
edges 10 and 20. Scene coordinates are the image coordinates of the first frame.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from kinescribe.geometry import apply_affine, compass, compose_affine, invert_affine
from kinescribe.records import (
    CAMERA,
    CameraMotion,
    CameraStretch,
    Clip,
    Detections,
    MotionFact,
    Span,
    Tracks,
)
from kinescribe.video import ArrayFrames, encode
from kinescribe.vocabulary import COMPASS, OPPOSITES

Point = tuple[float, float]
Path2D = Callable[[float], Point]
Signal = Callable[[float], float]
Affine = Float[np.ndarray, "2 3"]
CameraPath = Callable[[float], Affine]
"""Time to the map from the scene to the image."""

SUPERSAMPLING = 2
"""Pictures are drawn at twice the size and averaged, so that edges move by parts of a pixel."""
PATCH_DENSITY = 4
"""Texture pixels per scene pixel of an actor ..."""
LARGEST_SHARP = 64.0
"""... whose longer side is at most this; larger ones have as many texture pixels as that and no more."""
TILE = 512
"""Side of a texture, which repeats; in scene pixels for grounds."""
MIN_SEEN = 0.05
"""An actor of which less than this share is in view has no box."""


# --- what a world is made of --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Texture:
    """A repeatable surface."""

    seed: int
    rgb: tuple[float, float, float] = (120.0, 120.0, 120.0)
    """Mean colour, 0 to 255."""
    contrast: float = 35.0
    """Standard deviation of the brightness."""
    grain_px: float = 3.0
    """Size of the smallest blotches."""
    kind: str = "mottled"
    """``mottled`` (blotches of all sizes above the grain), ``checker`` (checks of the grain), ``flat``, or one of
    ``PHOTOGRAPHIC``."""


@lru_cache(maxsize=32)
def texture_image(texture: Texture) -> Float[np.ndarray, "S S 3"]:
    """Return a texture as a periodic RGB picture, float32 in 0 to 255."""
    rgb = np.asarray(texture.rgb, np.float32)
    if texture.kind == "flat":
        return np.broadcast_to(rgb, (TILE, TILE, 3)).copy()
    if texture.kind == "checker":
        cell = np.arange(TILE) // max(1, round(texture.grain_px))
        light = ((cell[:, None] + cell[None]) % 2 * 2 - 1).astype(np.float32)
        return np.clip(rgb + texture.contrast * light[..., None], 0, 255).astype(np.float32)
    rng = np.random.default_rng(texture.seed)
    if texture.kind in PHOTOGRAPHIC:
        return _photographic(texture, rng)
    if texture.kind != "mottled":
        raise ValueError(f"no texture {texture.kind!r}; there are mottled, checker, flat, {PHOTOGRAPHIC}")
    light = _mottle(rng, texture.grain_px)
    blotches = _mottle(rng, 4 * texture.grain_px)
    tint = np.stack(
        [np.roll(blotches, shift, axis=(0, 1)) for shift in ((0, 0), (171, 85), (341, 299))], axis=-1
    )
    picture = rgb + texture.contrast * (light[..., None] + 0.35 * tint)
    return np.clip(picture, 0, 255).astype(np.float32)


def _mottle(rng: np.random.Generator, grain_px: float) -> Float[np.ndarray, "S S"]:
    """Return periodic noise of unit deviation whose spectrum falls with 1/f and ends at the grain."""
    fy, fx = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None]
    radius = np.hypot(fx, fy)
    gain = np.exp(-((radius * grain_px) ** 2)) / np.maximum(radius, 4 / TILE)
    gain[0, 0] = 0
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((TILE, TILE))) * gain, (TILE, TILE))
    return noise / noise.std()


PHOTOGRAPHIC = ("fractal", "wood", "brick", "foliage", "gradient", "shapes")
"""Surfaces as a camera meets them: detail at all sizes, lines, repeated edges, hardly any detail, print."""


def _photographic(texture: Texture, rng: np.random.Generator) -> Float[np.ndarray, "S S 3"]:
    """Return a surface whose brightness has the texture's mean and deviation, a little discoloured."""
    draw_light = {"fractal": _fractal, "wood": _wood, "brick": _brick, "foliage": _foliage,
                  "gradient": _gradient, "shapes": _print}[texture.kind]  # fmt: skip
    light = draw_light(rng)
    light = (light - light.mean()) / light.std()
    tint = np.stack([_mottle(rng, 12.0) for _ in range(3)], axis=-1)
    picture = np.asarray(texture.rgb) + texture.contrast * (light[..., None] + 0.1 * tint)
    return np.clip(picture, 0, 255).astype(np.float32)


def _fractal(rng: np.random.Generator) -> Float[np.ndarray, "S S"]:
    """Octaves of noise, each of half the strength of the one above: plaster, gravel, clouds."""
    return np.sum([_mottle(rng, grain) * grain**0.5 for grain in (1.0, 2.0, 4.0, 8.0, 16.0)], axis=0)


def _wood(rng: np.random.Generator) -> Float[np.ndarray, "S S"]:
    """Year rings, bent by slow noise, with fibres along them."""
    y = np.arange(TILE)[:, None] / TILE
    bend = _mottle(rng, 40.0)
    fibres = cv2.blur(np.tile(_mottle(rng, 1.0), (1, 3)), (41, 1))[:, TILE : 2 * TILE]
    return np.sin(2 * np.pi * (int(rng.integers(9, 15)) * y + 0.25 * bend)) + 3.0 * fibres


def _brick(rng: np.random.Generator) -> Float[np.ndarray, "S S"]:
    """Rows of bricks, every other one shifted by half a brick, each of its own shade, with lighter mortar."""
    tall, long = 32, 64
    row, y = np.divmod(np.arange(TILE), tall)
    x = np.arange(TILE)[None] + np.where(row % 2, long // 2, 0)[:, None]
    shade = rng.normal(0, 0.7, (TILE // tall, TILE // long))
    bricks = shade[row[:, None], x // long % (TILE // long)]
    mortar = (y[:, None] < 3) | (x % long < 3)
    return np.where(mortar, 2.0, bricks) + 0.4 * _mottle(rng, 2.0)


def _foliage(rng: np.random.Generator) -> Float[np.ndarray, "S S"]:
    """Leaves over leaves: the lower ones larger and darker."""
    light = np.full((TILE, TILE), -1.5, np.float32)
    for number in range(900):
        depth = number / 900
        x, y = (int(v) for v in rng.integers(0, TILE, 2))
        axes = (int(rng.uniform(8, 22) * (1.3 - 0.6 * depth)), int(rng.uniform(3, 8)))
        shade, turn = float(2.5 * depth - 1 + rng.normal(0, 0.4)), float(rng.uniform(0, 360))
        for dx in (-TILE, 0, TILE):  # leaves that cross the tile's border go on at the other side
            for dy in (-TILE, 0, TILE):
                cv2.ellipse(light, (x + dx, y + dy), axes, turn, 0, 360, shade, -1)
    return light + 0.2 * _mottle(rng, 1.5)


def _gradient(rng: np.random.Generator) -> Float[np.ndarray, "S S"]:
    """A wall in uneven light: next to no detail."""
    phase = 2 * np.pi * rng.random(2)
    x = 2 * np.pi * np.arange(TILE) / TILE
    return np.sin(x + phase[0])[None] + np.sin(x + phase[1])[:, None] + 0.06 * _mottle(rng, 1.5)


def _print(rng: np.random.Generator) -> Float[np.ndarray, "S S"]:
    """Discs, bars and triangles in flat shades: a poster, a packet."""
    light = np.zeros((TILE, TILE), np.float32)
    for _ in range(60):
        x, y = (float(v) for v in rng.integers(40, TILE - 40, 2))
        size, shade = float(rng.uniform(8, 38)), float(rng.choice([-2.0, -1.0, 1.0, 2.0]))
        sides, turn = int(rng.choice([3, 4, 24])), float(rng.uniform(0, 2 * np.pi))
        angles = turn + 2 * np.pi * np.arange(sides) / sides
        corners = np.stack([x + size * np.cos(angles), y + size * np.sin(angles)], axis=-1)
        cv2.fillPoly(light, [corners.astype(np.int32)], shade)
    return light + 0.05 * _mottle(rng, 1.5)


ALWAYS = Span(-np.inf, np.inf)


@dataclass(frozen=True)
class Actor:
    """A thing in the scene. Later actors stand before earlier ones."""

    path: Path2D
    """Time to the centre, in scene pixels."""
    size: Point = (40.0, 30.0)
    """Width and height at scale 1, in scene pixels."""
    texture: Texture = Texture(1, (220.0, 200.0, 60.0))
    shape: str = "rectangle"
    """``rectangle`` or ``ellipse``."""
    scale: Signal = lambda t: 1.0
    turn_deg: Signal = lambda t: 0.0
    """Rotation about the centre, counterclockwise as seen."""
    present: Span = ALWAYS
    """When it exists."""
    label: str = "object"
    subject: bool = True
    """Whether it is part of the truth; scenery (an occluder, a still thing) is not."""
    shadow: float = 0.0
    """Share of the light that its soft shadow takes from what is behind it; no part of its box."""
    view: CameraPath | None = None
    """How the camera sees its layer, where that lies at another depth than the ground; None for the ground's."""


@dataclass(frozen=True)
class World:
    """A scene, a camera and what happens."""

    name: str
    seed: int = 0
    size: tuple[int, int] = (320, 180)
    fps: float = 10.0
    """Samples per second of ``truth`` and ``render``."""
    duration_s: float = 4.0
    ground: Texture = Texture(0)
    camera: CameraPath = lambda t: np.eye(2, 3)
    camera_labels: tuple[str, ...] = ("static",)
    actors: tuple[Actor, ...] = ()
    cuts: tuple[tuple[float, Texture], ...] = ()
    """Times at which the ground is another one; actors of one shot limit their presence themselves."""
    facts: tuple[MotionFact, ...] = ()
    noise: float = 0.0
    """Standard deviation of the sensor's noise, in grey levels."""
    blur_px: float = 0.0
    """Standard deviation of the lens's blur."""
    flicker: float = 0.0
    """Relative amplitude of a 3.1 Hz flicker of the light."""
    shutter_s: float = 0.0
    """Exposure time; 0 freezes every movement."""
    crf: int | None = None
    """Rate factor of the H.264 compression that the pictures went through (0 none, 51 worst); None for none."""
    camera_known: bool = True
    """Whether one map brings the picture back to the first one; not while driving into a layered scene."""
    silent: tuple[str, ...] = ()
    """Predicates that ``facts`` leaves open: what is stated with them is neither true nor false here."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What is so in a world, as the records that stages write."""

    clip: Clip
    camera: CameraMotion
    """Exact maps; the score and its terms, which rest on a guessed lens, are NaN."""
    tracks: Tracks
    """Boxes of the parts inside the picture; a thing behind another keeps its whole box."""
    detections: Detections
    """One row per box of the tracks."""
    facts: tuple[MotionFact, ...]
    seen: Float[np.ndarray, "N T"]
    """Share of each subject that is inside the picture and not behind another actor."""


@dataclass(frozen=True, eq=False)
class Rendered(Truth):
    """A world's truth and its pictures."""

    frames: ArrayFrames


# --- truth --------------------------------------------------------------------------------------------------


def sample_times(duration_s: float, fps: float) -> Float[np.ndarray, "T"]:
    """Return the instants at which a world is looked at."""
    return np.arange(max(1, round(duration_s * fps))) / fps


def truth(world: World, fps: float | None = None) -> Truth:
    """Return the records of a world, computed from its geometry alone.

    Args:
        world: the world.
        fps: samples per second; the world's own by default.
    """
    clip = _clip(world.name, world.seed, world.size, world.duration_s, fps or world.fps)
    subjects = [i for i, actor in enumerate(world.actors) if actor.subject]
    shape = (len(subjects), len(clip.times_s))
    boxes, seen = np.full((*shape, 4), np.nan), np.zeros(shape)
    for row, i in enumerate(subjects):
        for column, t in enumerate(clip.times_s.tolist()):
            seen[row, column] = _seen(world, i, t)
            if _inside(world, i, t).mean() >= MIN_SEEN and seen[row, column] > 0:
                boxes[row, column] = _clipped_box(world, world.actors[i], t)
    labels = tuple(world.actors[i].label for i in subjects)
    tracks, detections = _as_records(labels, boxes)
    return Truth(clip, _camera_truth(world, clip.times_s), tracks, detections, world.facts, seen)


def _clip(name: str, seed: int, size: tuple[int, int], duration_s: float, fps: float) -> Clip:
    times = sample_times(duration_s, fps)
    return Clip(
        id=f"{zlib.crc32(f'{name}:{seed}'.encode()):08x}{seed:08x}",
        source=f"world:{name}:{seed}",
        source_sha256="",
        start_s=0.0,
        end_s=duration_s,
        fps=fps,
        width=size[0],
        height=size[1],
        rotation_deg=0,
        num_frames=len(times),
        frame_indices=np.arange(len(times)),
        times_s=times,
    )


def _camera_truth(world: World, times_s: Float[np.ndarray, "T"]) -> CameraMotion:
    first = world.camera(0.0)
    to_scene = np.array([compose_affine(first, invert_affine(world.camera(t))) for t in times_s.tolist()])
    cuts = tuple(at for at, _ in world.cuts)
    if cuts:
        to_scene[times_s >= min(cuts)] = np.nan
    if not world.camera_known:
        to_scene[times_s > 0] = np.nan
    known = np.where(np.arange(len(times_s)) > 0, 1.0, np.nan)
    nothing = np.full(4, np.nan)
    bounds = (0.0, *cuts, float(times_s[-1]))
    shots = tuple(
        CameraStretch(Span(a, b), world.camera_labels) for a, b in zip(bounds[:-1], bounds[1:], strict=True)
    )
    stretches = shots if cuts else ()
    return CameraMotion(
        to_scene, known, known.copy(), float("nan"), nothing, world.camera_labels, cuts, stretches
    )


def track_ids(labels: tuple[str, ...]) -> Int[np.ndarray, "N"]:
    """Return ids as the design counts them: people 0, 10, 20, ..., everything else 1000, 1001, ..."""
    people = [label == "person" for label in labels]
    return np.array(
        [10 * sum(people[:i]) if person else 1000 + i - sum(people[:i]) for i, person in enumerate(people)],
        dtype=np.int64,
    )


def _as_records(labels: tuple[str, ...], boxes: Float[np.ndarray, "N T 4"]) -> tuple[Tracks, Detections]:
    known = np.isfinite(boxes[..., 0])
    columns, rows = np.nonzero(known.T)  # by time, as a detector reports
    number = np.full(known.shape, -1, dtype=np.int64)
    number[rows, columns] = np.arange(len(rows))
    tracks = Tracks(track_ids(labels), labels, boxes, np.where(known, 1.0, np.nan), number)
    return tracks, _detections(columns, boxes[rows, columns], tuple(labels[row] for row in rows))


def _detections(
    sample: Int[np.ndarray, "D"],
    xyxy: Float[np.ndarray, "D 4"],
    label: tuple[str, ...],
    score: Float[np.ndarray, "D"] | None = None,
) -> Detections:
    count = len(sample)
    return Detections(
        sample=sample.astype(np.int64),
        xyxy=xyxy.reshape(count, 4),
        score=np.ones(count) if score is None else score,
        label=label,
        source=("truth",) * count,
        keypoints=np.full((count, 0, 3), np.nan),
        world=np.full((count, 0, 3), np.nan),
    )


def placement(world: World, actor: Actor, t: float) -> Affine:
    """Return the map from an actor's own pixels (origin at its centre, scale 1) to the image."""
    angle = np.radians(actor.turn_deg(t))
    c, s = actor.scale(t) * np.cos(angle), actor.scale(t) * np.sin(angle)
    x, y = actor.path(t)
    return compose_affine((actor.view or world.camera)(t), np.array([[c, s, x], [-s, c, y]]))


def whole_box(world: World, actor: Actor, t: float) -> Float[np.ndarray, "4"]:
    """Return the exact box of an actor in the image, also where it lies outside."""
    matrix = placement(world, actor, t)
    reach = matrix[:, :2] * (np.asarray(actor.size) / 2)
    half = np.hypot(*reach.T) if actor.shape == "ellipse" else np.abs(reach).sum(1)
    return np.concatenate([matrix[:, 2] - half, matrix[:, 2] + half])


def _clipped_box(world: World, actor: Actor, t: float) -> Float[np.ndarray, "4"]:
    limit = np.array([*world.size, *world.size], dtype=np.float64)
    return np.clip(whole_box(world, actor, t), 0, limit)


@lru_cache(maxsize=8)
def _probe(shape: str) -> Float[np.ndarray, "P 2"]:
    """Return points spread evenly over a shape of size 1 round the origin."""
    line = (np.arange(24) + 0.5) / 24 - 0.5
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return points[_in_shape(points, shape)]


def _in_shape(unit: Float[np.ndarray, "P 2"], shape: str) -> np.ndarray:
    if shape == "ellipse":
        return np.asarray((unit**2).sum(-1) <= 0.25)
    if shape == "rectangle":
        return (np.abs(unit) <= 0.5).all(-1)
    raise ValueError(f"no shape {shape!r}; there are rectangle and ellipse")


def _inside(world: World, index: int, t: float) -> np.ndarray:
    """Return for points spread over an actor whether they are in the picture."""
    actor = world.actors[index]
    if not actor.present.start_s <= t < actor.present.end_s:
        return np.zeros(len(_probe(actor.shape)), bool)
    points = apply_affine(placement(world, actor, t), _probe(actor.shape) * np.asarray(actor.size))
    return np.asarray(((points >= 0) & (points <= np.asarray(world.size))).all(-1))


def _seen(world: World, index: int, t: float) -> float:
    """Return the share of an actor that is in the picture and not behind another."""
    actor = world.actors[index]
    clear = _inside(world, index, t)
    points = apply_affine(placement(world, actor, t), _probe(actor.shape) * np.asarray(actor.size))
    for other in world.actors[index + 1 :]:
        if other.present.start_s <= t < other.present.end_s:
            own = apply_affine(invert_affine(placement(world, other, t)), points) / np.asarray(other.size)
            clear &= ~_in_shape(own, other.shape)
    return float(clear.mean())


# --- pictures -----------------------------------------------------------------------------------------------


def render(world: World, fps: float | None = None) -> Rendered:
    """Return a world's truth and pictures; the same world gives the same bytes."""
    facts = truth(world, fps)
    images = np.stack([picture(world, t) for t in facts.clip.times_s.tolist()])
    if world.crf is not None:
        images = compressed(images, facts.clip.times_s, world.crf)
    frames = ArrayFrames(images, facts.clip.times_s)
    return Rendered(**{name: getattr(facts, name) for name in Truth.__dataclass_fields__}, frames=frames)


def compressed(
    images: UInt8[np.ndarray, "T H W 3"], times_s: Float[np.ndarray, "T"], crf: int
) -> UInt8[np.ndarray, "T H W 3"]:
    """Return pictures as they come back from an H.264 file; even sides, as the codec wants them."""
    size = (images.shape[2], images.shape[1])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "world.mp4"
        encode(path, zip(times_s.tolist(), images, strict=True), size, crf)
        with av.open(str(path)) as container:
            back = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(back)


def write_video(world: World, path: str | Path, fps: float = 30.0, crf: int = 18) -> Path:
    """Encode a world as an MP4 file and return its path."""
    times = sample_times(world.duration_s, fps).tolist()
    encode(path, ((t, picture(world, t)) for t in times), world.size, crf)
    return Path(path)


def picture(world: World, t: float) -> UInt8[np.ndarray, "H W 3"]:
    """Return what the camera sees at a time."""
    instants = [t] if not world.shutter_s else [t + world.shutter_s * (i / 4 - 0.5) for i in range(5)]
    image = np.mean([_exposed(world, at, t) for at in instants], axis=0)
    if world.blur_px:
        image = cv2.GaussianBlur(image, (0, 0), world.blur_px)
    image = image * (1 + world.flicker * np.sin(2 * np.pi * 3.1 * t + world.seed))
    if world.noise:
        rng = np.random.default_rng([world.seed, round(t * 1e6)])
        image = image + world.noise * rng.standard_normal(image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _exposed(world: World, at: float, frame_s: float) -> Float[np.ndarray, "H W 3"]:
    """Return the picture of one instant; ``frame_s`` decides on which side of a cut it lies."""
    width, height = world.size
    to_image = _scaled(SUPERSAMPLING)
    ground = next((texture for time_s, texture in reversed(world.cuts) if frame_s >= time_s), world.ground)
    canvas = _warp(
        texture_image(ground),
        compose_affine(to_image, world.camera(at)),
        (SUPERSAMPLING * width, SUPERSAMPLING * height),
        cv2.BORDER_WRAP,
    )
    for actor in world.actors:
        if actor.present.start_s <= frame_s < actor.present.end_s:
            matrix = compose_affine(to_image, placement(world, actor, at))
            if actor.shadow:
                _paint_shadow(canvas, matrix, actor)
            _paint(canvas, matrix, actor)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)


SHADOW_SHIFT = (0.12, 0.18)
"""Where a shadow falls, in an actor's widths and heights: to the lower right, as light from the upper left does."""
SHADOW_SOFT = 0.12
"""Standard deviation of a shadow's edge, in an actor's heights."""


def _paint_shadow(canvas: Float[np.ndarray, "H W 3"], matrix: Affine, actor: Actor) -> None:
    """Darken what is behind an actor by a soft shape like it, to the lower right."""
    width, height = actor.size
    shift = np.array([[1, 0, SHADOW_SHIFT[0] * width], [0, 1, SHADOW_SHIFT[1] * height]])
    where = compose_affine(matrix, shift)
    soft = SHADOW_SOFT * height * float(np.hypot(*where[:, 0]))
    margin = 3 * soft
    corners = apply_affine(where, np.array([[-1.0, -1], [1, -1], [-1, 1], [1, 1]]) * np.array(actor.size) / 2)
    x0, y0 = np.maximum(np.floor(corners.min(0) - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(corners.max(0) + margin), canvas.shape[1::-1]).astype(int)
    if x1 <= x0 or y1 <= y0:
        return
    y, x = np.mgrid[y0:y1, x0:x1] + 0.5
    unit = apply_affine(invert_affine(where), np.stack([x, y], -1).reshape(-1, 2)) / np.array(actor.size)
    sharp = _in_shape(unit, actor.shape).reshape(y.shape).astype(np.float32)
    dark = cv2.GaussianBlur(sharp, (0, 0), max(soft, 0.5), borderType=cv2.BORDER_REPLICATE)
    canvas[y0:y1, x0:x1] *= 1 - actor.shadow * dark[..., None]


def _paint(canvas: Float[np.ndarray, "H W 3"], matrix: Affine, actor: Actor) -> None:
    """Blend an actor into the canvas, touching only the pixels near it."""
    patch = _patch(actor.texture, actor.size, actor.shape)
    middle = np.array([[1, 0, -patch.shape[1] / 2], [0, 1, -patch.shape[0] / 2]], dtype=np.float64)
    matrix = compose_affine(matrix, compose_affine(_scaled(1 / _density(actor.size)), middle))
    extent = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * np.array(patch.shape[1::-1])
    corners = apply_affine(matrix, extent.astype(np.float64))
    x0, y0 = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(corners.max(0)), canvas.shape[1::-1]).astype(int)
    if x1 <= x0 or y1 <= y0:
        return
    shifted = matrix - np.array([[0, 0, x0], [0, 0, y0]])
    layer = _warp(patch, shifted, (int(x1 - x0), int(y1 - y0)), cv2.BORDER_CONSTANT)
    canvas[y0:y1, x0:x1] *= 1 - layer[..., 3:]
    canvas[y0:y1, x0:x1] += layer[..., :3]


def _density(size: Point) -> float:
    return PATCH_DENSITY * min(1.0, LARGEST_SHARP / max(size))


@lru_cache(maxsize=64)
def _patch(texture: Texture, size: Point, shape: str) -> Float[np.ndarray, "H W 4"]:
    """Return an actor's colours times its opacity, and the opacity (0 to 1), with a clear margin."""
    density = _density(size)
    width, height = (round(density * side) + 4 for side in size)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    unit = np.stack([x - width / 2, y - height / 2], -1) / (density * np.asarray(size))
    alpha = _in_shape(unit, shape).astype(np.float32)[..., None]
    tile = cv2.resize(texture_image(texture), None, fx=density, fy=density)
    rows, columns = np.arange(height) % len(tile), np.arange(width) % len(tile)
    return np.concatenate([tile[rows][:, columns] * alpha, alpha], axis=-1).astype(np.float32)


def _scaled(factor: float) -> Affine:
    return np.array([[factor, 0, 0], [0, factor, 0]], dtype=np.float64)


def _warp(
    image: Float[np.ndarray, "h w c"], matrix: Affine, size: tuple[int, int], border: int
) -> Float[np.ndarray, "H W c"]:
    """Warp by a map between corner coordinates; OpenCV counts from the middle of the first pixel."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5]])
    back = compose_affine(invert_affine(half), compose_affine(invert_affine(matrix), half))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, back, size, flags=flags, borderMode=border, borderValue=0)


# --- paths, signals, cameras --------------------------------------------------------------------------------


def still(x: float, y: float) -> Path2D:
    """A path that stays."""
    return lambda t: (x, y)


def waypoints(*points: tuple[float, float, float]) -> Path2D:
    """A path through (time, x, y) in straight lines, at rest before the first and after the last."""
    times, xs, ys = (list(column) for column in zip(*points, strict=True))
    return lambda t: (float(np.interp(t, times, xs)), float(np.interp(t, times, ys)))


def swinging(center: Point, swing: Point, period_s: float, begin_s: float, count: int) -> Path2D:
    """A path that goes from ``center - swing`` to ``center + swing`` and back ``count`` times."""

    def path(t: float) -> Point:
        phase = np.clip((t - begin_s) / period_s, 0, count)
        share = -float(np.cos(2 * np.pi * phase))
        return (center[0] + share * swing[0], center[1] + share * swing[1])

    return path


def arc(center: Point, radius: float, from_deg: float, by_deg: float, begin_s: float, end_s: float) -> Path2D:
    """A path round a centre; positive angles are counterclockwise as seen."""

    def path(t: float) -> Point:
        share = float(np.clip((t - begin_s) / (end_s - begin_s), 0, 1))
        angle = np.radians(from_deg + share * by_deg)
        return (center[0] + radius * float(np.cos(angle)), center[1] - radius * float(np.sin(angle)))

    return path


def ramp(begin_s: float, end_s: float, start: float, end: float) -> Signal:
    """A signal that goes from one value to another in a straight line."""
    return lambda t: float(np.interp(t, [begin_s, end_s], [start, end]))


def panning(vx: float, vy: float) -> CameraPath:
    """A camera that turns: its view moves over the scene with (vx, vy) pixels per second."""
    return lambda t: np.array([[1, 0, -vx * t], [0, 1, -vy * t]], dtype=np.float64)


def about(center: Point, scale: Signal, turn_deg: Signal = lambda t: 0.0) -> CameraPath:
    """A camera that magnifies and rolls about a point; the picture turns clockwise by ``turn_deg``."""

    def camera(t: float) -> Affine:
        angle = np.radians(turn_deg(t))
        c, s = scale(t) * np.cos(angle), scale(t) * np.sin(angle)
        linear = np.array([[c, -s], [s, c]])
        return np.column_stack([linear, np.asarray(center) - linear @ np.asarray(center)])

    return camera


def trembling(seed: int, amplitude_px: float, roll_deg: float = 0.0, cutoff_hz: float = 3.0) -> CameraPath:
    """A camera in a hand: smooth random shifts and rolls of the given standard deviations, from 0 on."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.3, cutoff_hz, (3, 8))
    phase = rng.uniform(0, 2 * np.pi, (3, 8))

    def camera(t: float) -> Affine:
        wave = (np.sin(2 * np.pi * frequency * t + phase) - np.sin(phase)).sum(1) / 2  # 8 sines: deviation 2
        turn = about((160.0, 90.0), lambda _: 1.0, lambda _: roll_deg * float(wave[2]))(t)
        return turn + np.array([[0, 0, amplitude_px * wave[0]], [0, 0, amplitude_px * wave[1]]])

    return camera


# --- facts --------------------------------------------------------------------------------------------------


def fact(subject: int, predicate: str, start_s: float, end_s: float, **more: object) -> MotionFact:
    """Return a true fact; ids are given by the world."""
    return MotionFact("", subject, predicate, Span(start_s, end_s), **more)  # type: ignore[arg-type]


def straight(subject: int, path: Path2D, start_s: float, end_s: float, frame: str = "scene") -> MotionFact:
    """Return the fact that a subject moves in a straight line, its direction measured on its path."""
    (x0, y0), (x1, y1) = path(start_s), path(end_s)
    length = float(np.hypot(x1 - x0, y1 - y0))
    evidence = {"dx_px": x1 - x0, "dy_px": y1 - y0, "speed_px_s": length / (end_s - start_s)}
    direction = (compass(x1 - x0, y1 - y0),)
    return fact(
        subject,
        "move",
        start_s,
        end_s,
        direction=direction,
        trajectory="straight",
        frame=frame,
        evidence=evidence,
    )


CAMERA_WORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "static": ("stay", ()),
    "pan_left": ("pan", ("left",)),
    "pan_right": ("pan", ("right",)),
    "tilt_up": ("tilt", ("up",)),
    "tilt_down": ("tilt", ("down",)),
    "roll_clockwise": ("roll", ("clockwise",)),
    "roll_counterclockwise": ("roll", ("counterclockwise",)),
    "zoom_in": ("zoom", ("in",)),
    "zoom_out": ("zoom", ("out",)),
    "handheld": ("shake", ()),
}
"""What each camera label means as a fact."""


def _finished(world: World) -> World:
    """Add the camera's facts, order all facts by start and number them."""
    said = [
        fact(CAMERA, CAMERA_WORDS[label][0], 0.0, world.duration_s, direction=CAMERA_WORDS[label][1])
        for label in world.camera_labels
    ]
    every = sorted([*said, *world.facts], key=lambda f: (f.span.start_s, f.subject, f.predicate))
    return replace(world, facts=tuple(replace(f, id=f"t{i:03d}") for i, f in enumerate(every)))


# --- scenarios ----------------------------------------------------------------------------------------------

Scenario = Callable[[int], World]

WIDTH, HEIGHT = 320, 180
MIDDLE = (WIDTH / 2, HEIGHT / 2)
UNIT: Mapping[str, Point] = {
    word: (float(np.cos(i * np.pi / 4)), float(-np.sin(i * np.pi / 4))) for i, word in enumerate(COMPASS)
}
"""Directions as image vectors (y down)."""


def draw(name: str, seed: int) -> np.random.Generator:
    """Return the source of a scenario's parameters: another one for every name and seed."""
    return np.random.default_rng([zlib.crc32(name.encode()), seed])


def _ground(rng: np.random.Generator) -> Texture:
    grey = rng.uniform(85, 150)
    rgb = tuple(float(v) for v in grey + rng.uniform(-25, 25, 3))
    return Texture(int(rng.integers(1 << 30)), rgb, float(rng.uniform(20, 35)), float(rng.uniform(2.5, 5)))  # type: ignore[arg-type]


def _thing(rng: np.random.Generator, path: Path2D, size: Point | None = None, **more: object) -> Actor:
    """Return an actor that stands out from every ground: lighter or darker by 60 grey levels or more."""
    base = rng.uniform(210, 235) if rng.random() < 0.5 else rng.uniform(15, 25)
    rgb = tuple(float(v) for v in np.clip(base + rng.uniform(-20, 20, 3), 0, 255))
    texture = Texture(int(rng.integers(1 << 30)), rgb, float(rng.uniform(8, 18)), 3.0)  # type: ignore[arg-type]
    width, height = (float(v) for v in rng.uniform(30, 46, 2))
    shape = str(rng.choice(["rectangle", "ellipse"]))
    return Actor(path, size or (width, height), texture, shape, **more)  # type: ignore[arg-type]


def _world(name: str, seed: int, rng: np.random.Generator, duration_s: float, **more: object) -> World:
    return _finished(World(name, seed, duration_s=duration_s, ground=_ground(rng), **more))  # type: ignore[arg-type]


def _room(unit: Point, margin: float = 30.0) -> float:
    """Return how far one can go through the middle in a direction and keep off the borders."""
    reach = [
        (limit - 2 * margin) / abs(step)
        for limit, step in zip((WIDTH, HEIGHT), unit, strict=True)
        if abs(step) > 1e-9
    ]
    return min(reach)


def _through_middle(rng: np.random.Generator, direction: str, low: float = 0.65) -> tuple[Point, Point]:
    """Return the ends of a way through the middle."""
    ux, uy = UNIT[direction]
    half = _room((ux, uy)) * rng.uniform(low, 0.95) / 2
    return (MIDDLE[0] - half * ux, MIDDLE[1] - half * uy), (MIDDLE[0] + half * ux, MIDDLE[1] + half * uy)


def move(direction: str, seed: int) -> World:
    """One thing moves all the time in one of eight directions."""
    name = f"move_{direction}"
    rng = draw(name, seed)
    start, end = _through_middle(rng, direction)
    duration = float(rng.uniform(2.5, 4.5))
    path = waypoints((0, *start), (duration, *end))
    return _world(
        name, seed, rng, duration, actors=(_thing(rng, path),), facts=(straight(1000, path, 0, duration),)
    )


def start_stop(seed: int) -> World:
    """A thing rests, moves and rests again."""
    name = "start_stop"
    rng = draw(name, seed)
    start, end = _through_middle(rng, str(rng.choice(COMPASS)), 0.8)
    begin, go, rest = (float(v) for v in rng.uniform((1.3, 1.5, 1.5), (2.0, 2.5, 2.2)))
    path = waypoints((begin, *start), (begin + go, *end))
    over = begin + go + rest
    facts = (
        fact(1000, "stay", 0, begin),
        straight(1000, path, begin, begin + go),
        fact(1000, "stop", begin + go, over),
    )
    return _world(name, seed, rng, over, actors=(_thing(rng, path),), facts=facts)


def pause(seed: int) -> World:
    """A thing moves, rests and moves on."""
    name = "pause"
    rng = draw(name, seed)
    direction = str(rng.choice(["left", "right"]))
    start, end = _through_middle(rng, direction, 0.9)
    middle = tuple(np.array(start) + rng.uniform(0.4, 0.6) * (np.array(end) - start))
    first, rest, second = (float(v) for v in rng.uniform((1.4, 1.5, 1.4), (2.0, 2.5, 2.0)))
    a, b, over = first, first + rest, first + rest + second
    path = waypoints((0, *start), (a, *middle), (b, *middle), (over, *end))
    facts = (straight(1000, path, 0, a), fact(1000, "pause", a, b), straight(1000, path, b, over))
    return _world(name, seed, rng, over, actors=(_thing(rng, path),), facts=facts)


def back_and_forth(axis: str, seed: int) -> World:
    """A thing swings sideways or up and down a number of times."""
    name = f"back_and_forth_{axis}"
    rng = draw(name, seed)
    count, period = int(rng.integers(2, 6)), float(rng.uniform(1.4, 2.2))
    swing = float(rng.uniform(0.2, 0.36)) * WIDTH if axis == "horizontal" else float(rng.uniform(35, 55))
    sign = 1 if rng.random() < 0.5 else -1
    vector, direction = (
        ((sign * swing, 0.0), ("left", "right"))
        if axis == "horizontal"
        else ((0.0, sign * swing), ("up", "down"))
    )
    over = count * period
    path = swinging(MIDDLE, vector, period, 0, count)
    said = fact(
        1000, "move", 0, over, direction=direction, trajectory="back_and_forth",
        count=count, evidence={"swing_px": 2 * swing, "period_s": period},
    )  # fmt: skip
    return _world(name, seed, rng, over, actors=(_thing(rng, path),), facts=(said,))


def circle(seed: int) -> World:
    """A thing goes round once or twice."""
    name = "circle"
    rng = draw(name, seed)
    turns, period = int(rng.integers(1, 3)), float(rng.uniform(2.5, 3.5))
    radius, sign = float(rng.uniform(38, 55)), 1 if rng.random() < 0.5 else -1
    center = (MIDDLE[0] + float(rng.uniform(-60, 60)), MIDDLE[1])
    over = turns * period
    path = arc(center, radius, float(rng.uniform(0, 360)), sign * 360 * turns, 0, over)
    said = fact(
        1000, "move", 0, over, direction=("counterclockwise" if sign > 0 else "clockwise",),
        trajectory="circular", count=turns if turns > 1 else None, evidence={"turned_deg": sign * 360.0 * turns},
    )  # fmt: skip
    return _world(name, seed, rng, over, actors=(_thing(rng, path, (30.0, 30.0)),), facts=(said,))


def curve(seed: int) -> World:
    """A thing follows an arc of a third of a circle whose ends lie in one of the directions of the compass."""
    name = "curve"
    rng = draw(name, seed)
    direction = str(rng.choice(["left", "right", "upper_left", "upper_right", "lower_left", "lower_right"]))
    by = float(rng.uniform(100, 140)) * (1 if rng.random() < 0.5 else -1)
    heading = 45.0 * COMPASS.index(direction)
    side = 1 if by > 0 else -1
    radius = float(rng.uniform(58, 68))
    from_deg = heading - side * 90 - by / 2  # half way round, the tangent has the heading
    outward = np.radians(heading - side * 90)
    depth = radius * (1 + np.cos(np.radians(by / 2))) / 2
    center = (MIDDLE[0] - depth * float(np.cos(outward)), MIDDLE[1] + depth * float(np.sin(outward)))
    over = float(rng.uniform(2.5, 3.5))
    path = arc(center, radius, from_deg, by, 0, over)
    said = replace(straight(1000, path, 0, over), trajectory="curved")
    return _world(name, seed, rng, over, actors=(_thing(rng, path, (30.0, 26.0)),), facts=(said,))


def zigzag(seed: int) -> World:
    """A thing gets on sideways while going up and down in straight lines."""
    name = "zigzag"
    rng = draw(name, seed)
    legs, sign = int(rng.integers(4, 7)), 1 if rng.random() < 0.5 else -1
    step, height = 240 / legs, float(rng.uniform(0.9, 1.2)) * 120 / legs + 20
    leg_s = float(rng.uniform(0.8, 1.1))
    points = [
        (
            i * leg_s,
            MIDDLE[0] + sign * (i * step - 120),
            MIDDLE[1] + (0.5 if i % 2 else -0.5) * min(height, 100),
        )
        for i in range(legs + 1)
    ]
    path, over = waypoints(*points), legs * leg_s
    direction = ("right" if sign > 0 else "left",)
    said = fact(
        1000, "move", 0, over, direction=direction, trajectory="zigzag", evidence={"legs": float(legs)}
    )
    return _world(name, seed, rng, over, actors=(_thing(rng, path, (26.0, 26.0)),), facts=(said,))


def depth(direction: str, seed: int) -> World:
    """A thing grows or shrinks in place: it comes nearer or goes away."""
    name = direction
    rng = draw(name, seed)
    ratio, over = float(rng.uniform(1.9, 2.6)), float(rng.uniform(2.5, 4.0))
    near, far = float(rng.uniform(2.0, 2.6)), float(rng.uniform(2.0, 2.6)) / ratio
    start, end = (far, near) if direction == "toward_camera" else (near, far)
    actor = _thing(rng, still(*MIDDLE), (36.0, 32.0), scale=ramp(0, over, start, end))
    said = fact(
        1000, "move", 0, over, direction=(direction,), evidence={"log_scale": float(np.log(end / start))}
    )
    return _world(name, seed, rng, over, actors=(actor,), facts=(said,))


def border(kind: str, side: str, seed: int) -> World:
    """A thing comes into view at a side and rests inside, or sets off inside and goes out of view."""
    name = f"{kind}_{side}"
    rng = draw(name, seed)
    ux, uy = UNIT[side]
    outside = (MIDDLE[0] + ux * (WIDTH / 2 + 40), MIDDLE[1] + uy * (HEIGHT / 2 + 40))
    begin, speed = float(rng.uniform(0.5, 1.0)), float(rng.uniform(70, 110))
    length = float(np.hypot(outside[0] - MIDDLE[0], outside[1] - MIDDLE[1]))
    end = begin + length / speed
    actor = _thing(rng, still(0, 0))
    half = actor.size[0 if ux else 1] / 2
    way, hidden = length / (end - begin), 40 - half  # px/s; how far outside it starts or ends
    if kind == "enter":
        path = waypoints((begin, *outside), (end, *MIDDLE))
        seen_s, direction, over = begin + hidden / way, OPPOSITES[side], end + 1.5
        moved = straight(1000, path, seen_s, end)
        facts = (fact(1000, "enter", seen_s, seen_s + 2 * half / way, direction=(direction,)), moved,
                 fact(1000, "stop", end, over))  # fmt: skip
    else:
        begin += 1.0
        end += 1.0
        path = waypoints((begin, *MIDDLE), (end, *outside))
        gone_s, over = end - hidden / way, end + 0.8
        facts = (fact(1000, "stay", 0, begin), straight(1000, path, begin, gone_s),
                 fact(1000, "leave", gone_s - 2 * half / way, gone_s, direction=(side,)))  # fmt: skip
    return _world(name, seed, rng, over, actors=(replace(actor, path=path),), facts=facts)


def pair(kind: str, seed: int) -> World:
    """Two things: one approaches or leaves a resting one, or two that are equally fast pass each other.

    What rests all the time has a name: nobody can tell that a nameless region is anything unless it moves.
    """
    name = f"pair_{kind}"
    rng = draw(name, seed)
    over, sign = float(rng.uniform(3.0, 4.0)), 1 if rng.random() < 0.5 else -1
    y = MIDDLE[1] + float(rng.uniform(-25, 25))

    def x(from_middle: float) -> float:
        return MIDDLE[0] + sign * from_middle

    silent: tuple[str, ...] = ()
    if kind == "cross":
        apart = float(rng.uniform(10, 22))
        paths = (
            waypoints((0, x(-115), y), (over, x(115), y)),
            waypoints((0, x(115), y + apart), (over, x(-115), y + apart)),
        )
        facts = (
            *(straight(1000 + i, path, 0, over) for i, path in enumerate(paths)),
            # Of two alike, the one that comes from the left is said to pass.
            beside(1000 + (sign < 0), 1001 - (sign < 0), paths, over, 32.0, "pass", direction=("right",)),
        )
        silent = PARTS_OF_PASSING
    else:
        far, near = (0, x(-115), y), (over, x(25), y)
        path = waypoints(far, near) if kind == "approach" else waypoints((0, *near[1:]), (over, *far[1:]))
        paths = path, still(x(95), y)
        facts = (
            straight(1000, path, 0, over),
            fact(1001, "stay", 0, over),
            fact(1000, kind, 0, over, object=1001),
        )
    labels = ("object", "object" if kind == "cross" else "box")
    actors = tuple(
        _thing(rng, path, (32.0, 32.0), label=label) for path, label in zip(paths, labels, strict=True)
    )
    return _world(name, seed, rng, over, actors=actors, facts=facts, silent=silent)


PARTS_OF_PASSING = ("approach", "separate")
"""Whatever goes by something comes up to it and goes away from it: such worlds leave open whether that is said, too."""


def beside(
    subject: int,
    other: int,
    paths: tuple[Path2D, Path2D],
    over: float,
    width: float,
    kind: str,
    **more: object,
) -> MotionFact:
    """Return the fact that one goes by the other sideways, in the time in which neither is clear of the other.

    Args:
        subject: who passes.
        other: who is passed.
        paths: theirs.
        over: end of the world, in seconds.
        width: of both, in pixels.
        kind: ``pass`` or ``overtake``.
        more: further fields of the fact.
    """
    times = np.arange(0, over, 0.01)
    offset = np.array([paths[0](t)[0] - paths[1](t)[0] for t in times.tolist()])
    during = times[np.abs(offset) < width]
    return fact(subject, kind, float(during[0]), float(during[-1]), object=other, **more)


def camera_moves(label: str, seed: int) -> World:
    """The camera moves over a scene in which nothing does."""
    name = f"camera_{label}"
    rng = draw(name, seed)
    over = float(rng.uniform(2.5, 4.0))
    speed, ratio, turn = float(rng.uniform(25, 60)), float(rng.uniform(1.5, 2.0)), float(rng.uniform(15, 35))
    scenery = _thing(rng, still(MIDDLE[0] + float(rng.uniform(-60, 60)), MIDDLE[1]), subject=False)
    cameras: dict[str, CameraPath] = {
        "pan_left": panning(-speed, 0),
        "pan_right": panning(speed, 0),
        "tilt_up": panning(0, -speed),
        "tilt_down": panning(0, speed),
        "zoom_in": about(MIDDLE, ramp(0, over, 1, ratio)),
        "zoom_out": about(MIDDLE, ramp(0, over, 1, 1 / ratio)),
        # The camera rolls against the turn of the picture.
        "roll_clockwise": about(MIDDLE, lambda t: 1.0, ramp(0, over, 0, -turn)),
        "roll_counterclockwise": about(MIDDLE, lambda t: 1.0, ramp(0, over, 0, turn)),
        "handheld": trembling(seed, float(rng.uniform(3, 5)), 0.6),
        "static": panning(0, 0),
    }
    return _world(name, seed, rng, over, actors=(scenery,), camera=cameras[label], camera_labels=(label,))


def pan_with_mover(seed: int) -> World:
    """The camera pans while a thing moves with it, against it or across."""
    name = "pan_with_mover"
    rng = draw(name, seed)
    over, sign = float(rng.uniform(2.5, 3.5)), 1 if rng.random() < 0.5 else -1
    vx = sign * float(rng.uniform(25, 45))
    ux, uy = UNIT[str(rng.choice(["left", "right", "up", "down"]))]
    speed = float(rng.uniform(28, 38)) if uy else float(rng.uniform(45, 65))
    # In the middle of the picture half way through, so that it stays in view.
    x, y = MIDDLE[0] + vx * over / 2, MIDDLE[1]
    half = speed * over / 2
    path = waypoints((0, x - half * ux, y - half * uy), (over, x + half * ux, y + half * uy))
    label = "pan_right" if sign > 0 else "pan_left"
    return _world(
        name, seed, rng, over, actors=(_thing(rng, path),), facts=(straight(1000, path, 0, over),),
        camera=panning(vx, 0), camera_labels=(label,),
    )  # fmt: skip


def nothing(kind: str, seed: int) -> World:
    """Nothing moves; in the noisy kind the sensor and the light do."""
    name = f"nothing_{kind}"
    rng = draw(name, seed)
    scenery = _thing(rng, still(MIDDLE[0] + float(rng.uniform(-60, 60)), MIDDLE[1]), subject=False)
    rough = (
        {"noise": float(rng.uniform(4, 9)), "flicker": float(rng.uniform(0.01, 0.03))}
        if kind == "noise"
        else {}
    )
    return _world(name, seed, rng, 3.0, actors=(scenery,), **rough)


def cut(seed: int) -> World:
    """Two shots: another place and another thing that moves the other way."""
    name = "cut"
    rng = draw(name, seed)
    at, over, sign = float(rng.integers(15, 22)) / 10, 4.0, 1 if rng.random() < 0.5 else -1
    one = waypoints((0, MIDDLE[0] - sign * 90, 70), (at, MIDDLE[0] + sign * 40, 70))
    two = waypoints((at, MIDDLE[0] + sign * 60, 110), (over, MIDDLE[0] - sign * 90, 110))
    actors = (_thing(rng, one, present=Span(-np.inf, at)), _thing(rng, two, present=Span(at, np.inf)))
    facts = (straight(1000, one, 0, at), straight(1001, two, at, over, frame="image"))
    other = replace(_ground(rng), rgb=(60.0, 90.0, 70.0))
    return _world(name, seed, rng, over, actors=actors, facts=facts, cuts=((at, other),))


SCENARIOS: Mapping[str, Scenario] = {
    **{f"move_{word}": partial(move, word) for word in COMPASS},
    "start_stop": start_stop,
    "pause": pause,
    **{f"back_and_forth_{axis}": partial(back_and_forth, axis) for axis in ("horizontal", "vertical")},
    "circle": circle,
    "curve": curve,
    "zigzag": zigzag,
    **{word: partial(depth, word) for word in ("toward_camera", "away_from_camera")},
    **{
        f"{kind}_{side}": partial(border, kind, side)
        for kind in ("enter", "leave")
        for side in ("left", "right", "up", "down")
    },
    **{f"pair_{kind}": partial(pair, kind) for kind in ("approach", "separate", "cross")},
    **{f"camera_{label}": partial(camera_moves, label) for label in CAMERA_WORDS},
    "pan_with_mover": pan_with_mover,
    **{f"nothing_{kind}": partial(nothing, kind) for kind in ("clean", "noise")},
    "cut": cut,
}
"""Worlds by name, from a seed."""


# --- what an imperfect detector says ------------------------------------------------------------------------


def observe(
    known: Truth,
    seed: int = 0,
    jitter_px: float = 0.0,
    miss: float = 0.0,
    false_per_sample: float = 0.0,
    split: float = 0.0,
    merge: bool = False,
) -> Detections:
    """Return detections of a world's truth with the faults of a motion detector, in random order per sample.

    Args:
        known: the truth.
        seed: of all faults.
        jitter_px: standard deviation of every box edge.
        miss: probability that a subject is not seen in a sample.
        false_per_sample: mean number of boxes without a subject (Poisson), 10 to 40 px wide, of lower score.
        split: probability that a box falls into two parts with a gap, side by side or one above the other.
        merge: overlapping boxes of one label are seen as one.
    """
    rng = np.random.default_rng(seed)
    clip = known.clip
    rows: list[tuple[int, Float[np.ndarray, "4"], str, float]] = []
    for sample in range(len(clip.times_s)):
        rows_here = np.flatnonzero(known.detections.sample == sample)
        here = [(known.detections.xyxy[d], known.detections.label[d]) for d in rows_here]
        here = [(box, label) for box, label in here if rng.random() >= miss]
        here = _merged(here) if merge else here
        parts = [(_halves(rng, box) if rng.random() < split else [box], label) for box, label in here]
        here = [(box, label) for boxes, label in parts for box in boxes]
        found = [
            (sample, _jittered(rng, box, jitter_px), label, rng.uniform(0.7, 1.0)) for box, label in here
        ]
        for _ in range(rng.poisson(false_per_sample)):
            x, y, w, h = rng.uniform((0, 0, 10, 10), (clip.width - 40, clip.height - 40, 40, 40))
            found.append((sample, np.array([x, y, x + w, y + h]), "object", rng.uniform(0.3, 0.8)))
        rows += [found[i] for i in rng.permutation(len(found))]
    return _detections(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.float64).reshape(-1, 4),
        tuple(row[2] for row in rows),
        np.array([row[3] for row in rows], dtype=np.float64),
    )


def _jittered(
    rng: np.random.Generator, box: Float[np.ndarray, "4"], jitter_px: float
) -> Float[np.ndarray, "4"]:
    moved = box + jitter_px * rng.standard_normal(4)
    return np.concatenate([np.minimum(moved[:2], moved[2:] - 2), moved[2:]])


def _halves(rng: np.random.Generator, box: Float[np.ndarray, "4"]) -> list[Float[np.ndarray, "4"]]:
    axis, share = int(rng.integers(2)), rng.uniform(0.3, 0.7)
    middle, gap = box[axis] + share * (box[axis + 2] - box[axis]), 0.05 * (box[axis + 2] - box[axis])
    low, high = box.copy(), box.copy()
    low[axis + 2], high[axis] = middle - gap, middle + gap
    return [low, high]


def _merged(boxes: list[tuple[Float[np.ndarray, "4"], str]]) -> list[tuple[Float[np.ndarray, "4"], str]]:
    """Replace boxes of one label that overlap by the box round them, until none overlap."""
    for i, (a, label) in enumerate(boxes):
        for j in range(i + 1, len(boxes)):
            b = boxes[j][0]
            if boxes[j][1] == label and (np.maximum(a[:2], b[:2]) < np.minimum(a[2:], b[2:])).all():
                union = np.concatenate([np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])])
                return _merged([*boxes[:i], (union, label), *boxes[i + 1 : j], *boxes[j + 1 :]])
    return boxes


def every_world(seed: int) -> Iterator[World]:
    """Yield one world of every scenario."""
    for scenario in SCENARIOS.values():
        yield scenario(seed)
