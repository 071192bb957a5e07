"""Worlds composed at random from a seed: ``generate(seed, difficulty)``, and scenarios for relations and depth.

``plain`` is the look of ``tests/worlds.py``: clean pictures, blotchy grounds. ``filmed`` gives any world photographic
surfaces, soft shadows, motion blur, the lens's blur, sensor noise, flickering light and compression; its truth stays
the same. Seeds are split as in ``tests/worlds.py``: 0-99 for development, 1000-1099 held out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from kinescribe.geometry import compose_affine
from kinescribe.records import CAMERA, MotionFact, Span
from kinescribe.vocabulary import RELATIONS
from tests import worlds as w
from tests.travelling import TRAVEL_SCENARIOS, on_a_line, quickening
from tests.worlds import HEIGHT, MIDDLE, WIDTH, Actor, Path2D, Scenario, Texture, World, draw, fact, straight

DIFFICULTIES = ("plain", "filmed")

# --- looks --------------------------------------------------------------------------------------------------


def look(world: World, difficulty: str) -> World:
    """Return a world as it looks at a difficulty."""
    if difficulty not in DIFFICULTIES:
        raise ValueError(f"no difficulty {difficulty!r}; there are {DIFFICULTIES}")
    return filmed(world) if difficulty == "filmed" else world


def filmed(world: World) -> World:
    """Return a world with the faults of a filmed picture; what happens in it stays the same.

    A wall without detail is given to resting cameras alone: no eye could tell how a camera moves before it.
    """
    rng = draw(f"filmed {world.name}", world.seed)
    at_rest = world.camera_labels == ("static",)
    kinds = w.PHOTOGRAPHIC if at_rest else tuple(k for k in w.PHOTOGRAPHIC if k != "gradient")
    contrast = float(rng.uniform(22, 34))
    ground = _surface(rng, world.ground, kinds, contrast)
    cuts = tuple((at, _surface(rng, texture, kinds, contrast)) for at, texture in world.cuts)
    things = tuple(k for k in w.PHOTOGRAPHIC if k != "foliage")
    actors = tuple(
        replace(
            actor,
            texture=_surface(rng, actor.texture, things, float(rng.uniform(12, 24))),
            shadow=float(rng.uniform(0.15, 0.3)) if actor.subject else 0.0,
        )
        for actor in world.actors
    )
    return replace(
        world, ground=ground, cuts=cuts, actors=actors,
        noise=max(world.noise, float(rng.uniform(1.5, 4))), flicker=max(world.flicker, float(rng.uniform(0.002, 0.01))),
        blur_px=float(rng.uniform(0.4, 0.8)), shutter_s=float(rng.uniform(0.015, 0.033)), crf=int(rng.integers(20, 30)),
    )  # fmt: skip


def _surface(rng: np.random.Generator, texture: Texture, kinds: tuple[str, ...], contrast: float) -> Texture:
    return replace(texture, kind=str(rng.choice(kinds)), contrast=contrast, seed=int(rng.integers(1 << 30)))


# --- scenarios beyond those of tests/worlds.py --------------------------------------------------------------


def relation(kind: str, seed: int) -> World:
    """Two things: what one does to the other, by name (``RELATION_KINDS``)."""
    name = f"pair_{kind}"
    rng = draw(name, seed)
    over, sign = float(rng.uniform(3.0, 4.0)), 1 if rng.random() < 0.5 else -1
    y = MIDDLE[1] + float(rng.uniform(-20, 20))

    def x(from_middle: float) -> float:
        return MIDDLE[0] + sign * from_middle

    apart = float(rng.uniform(38, 46))  # lanes that keep the boxes apart while one passes the other
    if kind not in RELATION_KINDS:
        raise ValueError(f"no relation {kind!r}")
    said = RELATION_KINDS[kind](_Stage(rng, x, y, over, apart, "right" if sign > 0 else "left"))
    actors = tuple(w._thing(rng, path, (SIDE, SIDE)) for path in said.paths)
    return w._world(name, seed, rng, said.over, actors=actors, facts=said.facts, silent=said.silent)


SIDE = 32.0
"""Width and height of the things in relations, in pixels."""


class _Stage(NamedTuple):
    """What a relation is played on."""

    rng: np.random.Generator
    x: Callable[[float], float]
    """Place at a distance from the middle; half of the worlds are mirrored."""
    y: float
    over: float
    apart: float
    """Between two lanes."""
    onward: str
    """Direction in which ``x`` grows."""


class _Played(NamedTuple):
    """What the things of a relation do."""

    paths: tuple[Path2D, Path2D]
    facts: tuple[MotionFact, ...]
    over: float
    silent: tuple[str, ...] = ()


def _overtake(at: _Stage) -> _Played:
    """Both go one way; the faster one comes from behind."""
    paths = (
        w.waypoints((0, at.x(-120), at.y - at.apart / 2), (at.over, at.x(120), at.y - at.apart / 2)),
        w.waypoints((0, at.x(-50), at.y + at.apart / 2), (at.over, at.x(50), at.y + at.apart / 2)),
    )
    facts = (
        *(straight(1000 + i, path, 0, at.over) for i, path in enumerate(paths)),
        w.beside(1000, 1001, paths, at.over, SIDE, "overtake"),
    )
    return _Played(paths, facts, at.over, w.PARTS_OF_PASSING)


def _follow(at: _Stage) -> _Played:
    """One behind the other at a steady distance."""
    paths = (
        w.waypoints((0, at.x(-125), at.y), (at.over, at.x(20), at.y)),
        w.waypoints((0, at.x(-35), at.y), (at.over, at.x(110), at.y)),
    )
    facts = (
        *(straight(1000 + i, path, 0, at.over) for i, path in enumerate(paths)),
        fact(1000, "follow", 0, at.over, object=1001),
    )
    return _Played(paths, facts, at.over)


COME_S = 1.0
"""The one that is come up to has come to its place before: it is not seen until it moves."""


def _contact(at: _Stage) -> _Played:
    """One comes up to the other, which rests, until their edges meet."""
    go, over = COME_S + 0.6 * at.over, at.over + 2.0
    paths = (
        w.waypoints((0, at.x(-115), at.y), (go, at.x(60 - SIDE), at.y)),
        w.waypoints((0, at.x(125), at.y), (COME_S, at.x(60), at.y)),
    )
    facts = (
        straight(1000, paths[0], 0, go),
        fact(1000, "stop", go, over),
        straight(1001, paths[1], 0, COME_S),
        fact(1001, "stop", COME_S, over),
        fact(1000, "approach", 0, go, object=1001),
        fact(1000, "touch", go - 0.1, go + 0.5, object=1001),
    )
    return _Played(paths, facts, over)


def _push(at: _Stage) -> _Played:
    """One comes up to the other and stops there; the other goes on, as balls on a table do."""
    go, over = COME_S + 0.6 * at.over, COME_S + at.over
    paths = (
        w.waypoints((0, at.x(-115), at.y), (go, at.x(-2), at.y)),
        w.waypoints(
            (0, at.x(95), at.y), (COME_S, at.x(-2 + SIDE), at.y), (go, at.x(-2 + SIDE), at.y), (over, at.x(110), at.y)
        ),
    )  # fmt: skip
    facts = (
        straight(1000, paths[0], 0, go),
        fact(1000, "stop", go, over),
        straight(1001, paths[1], 0, COME_S),
        fact(1001, "pause", COME_S, go),
        straight(1001, paths[1], go, over),
        fact(1000, "approach", 0, go, object=1001),
        fact(1000, "touch", go - 0.1, go + 0.5, object=1001),
        fact(1001, "separate", go, over, object=1000),
    )
    return _Played(paths, facts, over)


def _pass(at: _Stage) -> _Played:
    """One comes and stops; then the other, which has rested, goes by it."""
    come, begin = 1.3, 1.9
    over = begin + at.over
    paths = (
        w.waypoints((begin, at.x(-120), at.y - at.apart / 2), (over, at.x(120), at.y - at.apart / 2)),
        w.waypoints((0, at.x(-75), at.y + at.apart / 2), (come, at.x(0), at.y + at.apart / 2)),
    )
    facts = (
        fact(1000, "stay", 0, begin),
        straight(1000, paths[0], begin, over),
        straight(1001, paths[1], 0, come),
        fact(1001, "stop", come, over),
        w.beside(1000, 1001, paths, over, SIDE, "pass", direction=(at.onward,)),
    )
    return _Played(paths, facts, over, w.PARTS_OF_PASSING)


def _meet(at: _Stage) -> _Played:
    """Both come from opposite sides, one two and a half times as fast: that one passes the other."""
    paths = (
        w.waypoints((0, at.x(-125), at.y - at.apart / 2), (at.over, at.x(125), at.y - at.apart / 2)),
        w.waypoints((0, at.x(60), at.y + at.apart / 2), (at.over, at.x(-40), at.y + at.apart / 2)),
    )
    facts = (
        *(straight(1000 + i, path, 0, at.over) for i, path in enumerate(paths)),
        w.beside(1000, 1001, paths, at.over, SIDE, "pass", direction=(at.onward,)),
    )
    return _Played(paths, facts, at.over, w.PARTS_OF_PASSING)


def _crossing(at: _Stage) -> _Played:
    """One goes sideways, the other up or down, through one point, one after the other."""
    side = 1 if at.rng.random() < 0.5 else -1
    off, lean, sense = side * float(at.rng.uniform(50, 60)), float(at.rng.uniform(-30, 30)), side * 65
    paths = (
        w.waypoints((0, at.x(-110), at.y), (at.over, at.x(110), at.y)),
        w.waypoints((0, at.x(off - lean), MIDDLE[1] - sense), (at.over, at.x(off + lean), MIDDLE[1] + sense)),
    )
    # Where the second is at the first's height, and when each is there.
    there = (at.y - MIDDLE[1] + sense) / (2 * sense)
    place = off - lean + 2 * lean * there
    moments = (at.over * (place + 110) / 220, at.over * there)
    half = [SIDE / 2 / (length / at.over) for length in (220.0, float(np.hypot(2 * sense, 2 * lean)))]
    later = int(moments[1] > moments[0])
    facts = (
        *(straight(1000 + i, path, 0, at.over) for i, path in enumerate(paths)),
        fact(
            1000 + later, "cross", min(m - h for m, h in zip(moments, half, strict=True)),
            max(m + h for m, h in zip(moments, half, strict=True)), object=1001 - later,
        ),
    )  # fmt: skip
    return _Played(paths, facts, at.over, w.PARTS_OF_PASSING)


RELATION_KINDS: Mapping[str, Callable[[_Stage], _Played]] = {
    "overtake": _overtake,
    "follow": _follow,
    "contact": _contact,
    "push": _push,
    "pass": _pass,
    "meet": _meet,
    "crossing": _crossing,
}
"""What ``relation`` can play, by name."""


def behind_a_post(seed: int) -> World:
    """A thing crosses the picture behind a post that is narrower than it."""
    name = "behind_a_post"
    rng = draw(name, seed)
    over, sign = float(rng.uniform(3.0, 4.5)), 1 if rng.random() < 0.5 else -1
    y = MIDDLE[1] + float(rng.uniform(-30, 30))
    path = w.waypoints((0, MIDDLE[0] - sign * 115, y), (over, MIDDLE[0] + sign * 115, y))
    thing = w._thing(rng, path, (float(rng.uniform(36, 46)), float(rng.uniform(30, 40))))
    post = _post(rng, MIDDLE[0] + float(rng.uniform(-40, 40)))
    return w._world(name, seed, rng, over, actors=(thing, post), facts=(straight(1000, path, 0, over),))


def _post(rng: np.random.Generator, x: float) -> Actor:
    texture = Texture(int(rng.integers(1 << 30)), (70.0, 60.0, 55.0), 12.0)
    return Actor(w.still(x, HEIGHT / 2), (float(rng.uniform(9, 15)), 2.0 * HEIGHT), texture, subject=False)


NEAREST = 0.08
"""How near a card of the tunnel comes before it is beside the camera, in distances of the wall."""


def dolly(direction: str, seed: int) -> World:
    """The camera drives through a tunnel of cards towards a wall, or back: near cards stream faster than far ones."""
    name = f"camera_dolly_{direction}"
    rng = draw(name, seed)
    over, depth = 4.0, float(rng.uniform(0.5, 0.7))  # how far it drives, in distances of the back wall

    def gone(t: float) -> float:
        return depth * (t if direction == "in" else over - t) / over

    def view(distance: float) -> w.CameraPath:
        return w.about(MIDDLE, lambda t: distance / max(distance - gone(t), NEAREST / 2))

    cards = []
    for distance in np.geomspace(0.95, 0.17, 7).tolist():  # far to near
        radius, first = 42 / distance, float(rng.uniform(0, 2 * np.pi))
        passed = over * min(1.0, (distance - NEAREST) / depth)  # then it is beside the camera
        present = Span(-np.inf, passed) if direction == "in" else Span(over - passed, np.inf)
        for turn in (first + 2 * np.pi * np.arange(7) / 7).tolist():
            center = w.still(MIDDLE[0] + 1.6 * radius * np.cos(turn), MIDDLE[1] + radius * np.sin(turn))
            grey = float(rng.uniform(50, 200))
            texture = Texture(int(rng.integers(1 << 30)), (grey, grey, grey), 30.0)
            side = (float(radius * rng.uniform(0.7, 1.3)), float(radius * rng.uniform(0.5, 0.9)))
            cards.append(Actor(center, side, texture, present=present, subject=False, view=view(distance)))
    said = fact(CAMERA, "move", 0, over, direction=("forward" if direction == "in" else "backward",))
    made = World(
        name, seed, duration_s=over, ground=w._ground(rng), actors=tuple(cards), camera=view(1.0),
        camera_labels=(f"dolly_{direction}",), camera_known=False, facts=(replace(said, id="t000"),),
    )  # fmt: skip
    return made


def slight(seed: int) -> World:
    """A camera on a loose tripod: it trembles by less than anybody would call a movement."""
    name = "camera_slight"
    rng = draw(name, seed)
    scenery = w._thing(rng, w.still(MIDDLE[0] + float(rng.uniform(-60, 60)), MIDDLE[1]), subject=False)
    made = World(
        name, seed, duration_s=3.0, ground=w._ground(rng), actors=(scenery,),
        camera=w.trembling(seed, float(rng.uniform(0.4, 0.8)), 0.0, cutoff_hz=1.0), camera_labels=("slight",),
    )  # fmt: skip
    return made


def compound(seed: int) -> World:
    """The camera pans and zooms at once."""
    name = "camera_pan_and_zoom"
    rng = draw(name, seed)
    over, sign = float(rng.uniform(3.0, 4.0)), 1 if rng.random() < 0.5 else -1
    speed, ratio = sign * float(rng.uniform(25, 45)), float(rng.uniform(1.4, 1.7))
    pan, zoom = w.panning(speed, 0), w.about(MIDDLE, w.ramp(0, over, 1, ratio))
    scenery = w._thing(
        rng, w.still(MIDDLE[0] + sign * float(rng.uniform(0, 60)), MIDDLE[1] - 30), subject=False
    )
    return w._world(
        name, seed, rng, over, actors=(scenery,), camera=lambda t: compose_affine(zoom(t), pan(t)),
        camera_labels=("pan_right" if sign > 0 else "pan_left", "zoom_in"),
    )  # fmt: skip


def nothing_compressed(seed: int) -> World:
    """Nothing moves before a noisy sensor, and hard compression makes blocks of the noise."""
    world = w.nothing("noise", seed)
    return replace(world, name="nothing_compressed", crf=34)


def cut_back(seed: int) -> World:
    """Three shots without anything in motion; the third is the place of the first again."""
    name = "cut_back"
    rng = draw(name, seed)
    first, second = (float(v) / 10 for v in (rng.integers(10, 16), rng.integers(24, 32)))
    ground = w._ground(rng)
    other = replace(w._ground(rng), rgb=(60.0, 80.0, 110.0))
    made = World(name, seed, duration_s=second + 1.3, ground=ground, cuts=((first, other), (second, ground)))
    return w._finished(made)


MORE_SCENARIOS: Mapping[str, Scenario] = {
    **{f"pair_{kind}": partial(relation, kind) for kind in RELATION_KINDS},
    "behind_a_post": behind_a_post,
    **{f"camera_dolly_{way}": partial(dolly, way) for way in ("in", "out")},
    "camera_slight": slight,
    "camera_pan_and_zoom": compound,
    "nothing_compressed": nothing_compressed,
    "cut_back": cut_back,
    **TRAVEL_SCENARIOS,
    "crowd": lambda seed: crowd(seed),
    "two_shots": lambda seed: two_shots(seed),
}
"""Worlds by name, from a seed."""

ALL_SCENARIOS: Mapping[str, Scenario] = {**w.SCENARIOS, **MORE_SCENARIOS}


# --- composition --------------------------------------------------------------------------------------------

LANES = (36.0, 90.0, 144.0)
"""Heights at which things go their ways, far enough from each other not to touch."""
BEHAVIOURS = ("move", "swing", "start_stop", "pause", "enter", "leave", "speed_up", "slow_down", "rest")
SHAPES = ("circle", "curve", "zigzag")
"""Behaviours that need the room of two lanes."""


class Part(NamedTuple):
    """What one thing does."""

    path: Path2D
    facts: tuple[MotionFact, ...]


def generate(seed: int, difficulty: str = "plain") -> World:
    """Return a world of one to three things in lanes, each with its own behaviour, before some camera.

    The things' relations are left open: the world is silent about them.

    Args:
        seed: of everything.
        difficulty: one of ``DIFFICULTIES``; the same things happen in each.
    """
    name = "generated"
    rng = draw(name, seed)
    over = float(rng.uniform(4.0, 6.0))
    label, camera, slide = _camera(rng, seed, over)
    lanes = rng.permutation(len(LANES))[: int(rng.integers(1, 4))].tolist()
    actors: list[Actor] = []
    facts: list[MotionFact] = []
    if slide == 0 and rng.random() < 0.5:
        lanes = lanes[:1] if lanes[0] != 1 else [0]  # the other two are one
        thing = w._thing(rng, w.still(0, 0), (26.0, 26.0))
        middle = (sum(LANES) - LANES[lanes[0]]) / 2
        part = _shape(rng, str(rng.choice(SHAPES)), 1000, middle, over)
        actors.append(replace(thing, path=part.path))
        facts += part.facts
    for lane in lanes:
        # Behaviours that begin or end beyond the border or rest need a camera that stays where it is.
        options = BEHAVIOURS if slide == 0 else ("move", "swing")
        kind = str(rng.choice(options))
        thing = w._thing(rng, w.still(0, 0), tuple(float(v) for v in rng.uniform(26, 36, 2)))  # type: ignore[arg-type]
        y = LANES[lane]
        if kind == "rest":
            actors.append(replace(thing, path=w.still(float(rng.uniform(60, 260)), y), subject=False))
            continue
        part = _part(rng, kind, 1000 + sum(a.subject for a in actors), y, over, slide, thing.size[0])
        actors.append(replace(thing, path=part.path))
        facts += part.facts
    if rng.random() < 0.3 and slide == 0:
        actors.append(_post(rng, float(rng.uniform(100, 220))))
    made = w._world(
        name, seed, rng, over, actors=tuple(actors), facts=tuple(facts), camera=camera, camera_labels=(label,),
        silent=RELATIONS,
    )  # fmt: skip
    return look(made, difficulty)


def crowd(seed: int) -> World:
    """Five things in narrow lanes, each with its own behaviour, every other time behind a post."""
    name = "crowd"
    rng = draw(name, seed)
    over = float(rng.uniform(4.5, 6.0))
    things = [w._thing(rng, w.still(0, 0), tuple(rng.uniform((24, 20), (32, 25)).tolist())) for _ in range(5)]
    kinds = [str(rng.choice(("move", "swing", "start_stop", "pause", "leave", "speed_up"))) for _ in things]
    parts = [
        _part(rng, kind, 1000 + i, 18.0 + 36 * i, over, 0.0, thing.size[0])
        for i, (kind, thing) in enumerate(zip(kinds, things, strict=True))
    ]
    actors = tuple(replace(thing, path=part.path) for thing, part in zip(things, parts, strict=True))
    post = (_post(rng, float(rng.uniform(100, 220))),) if rng.random() < 0.5 else ()
    facts = tuple(said for part in parts for said in part.facts)
    return w._world(name, seed, rng, over, actors=actors + post, facts=facts, silent=RELATIONS)


def two_shots(seed: int) -> World:
    """Two places with one or two things each, which know nothing of the other place's."""
    name = "two_shots"
    rng = draw(name, seed)
    at = round(float(rng.uniform(4.0, 4.6)), 1)
    over = at + float(rng.uniform(4.0, 4.6))
    actors: list[Actor] = []
    facts: list[MotionFact] = []
    for begin, end, frame in ((0.0, at, "scene"), (at, over, "image")):
        for lane in rng.permutation(len(LANES))[: int(rng.integers(1, 3))].tolist():
            kind = str(rng.choice(("move", "pause", "speed_up", "slow_down")))
            thing = w._thing(rng, w.still(0, 0), tuple(rng.uniform(26, 36, 2).tolist()))
            part = _part(rng, kind, 1000 + len(actors), LANES[lane], end - begin, 0.0, thing.size[0])
            present = Span(-np.inf, at) if begin == 0 else Span(at, np.inf)
            actors.append(replace(thing, path=_later(part.path, begin), present=present))
            facts += [
                replace(said, span=Span(said.span.start_s + begin, said.span.end_s + begin), frame=frame)
                for said in part.facts
            ]
    other = replace(w._ground(rng), rgb=(70.0, 80.0, 115.0))
    return w._world(
        name, seed, rng, over, actors=tuple(actors), facts=tuple(facts), cuts=((at, other),), silent=RELATIONS
    )


def _later(path: Path2D, begin_s: float) -> Path2D:
    return lambda t: path(t - begin_s)


class _Camera(NamedTuple):
    label: str
    path: w.CameraPath
    slide_px_s: float
    """How fast its view goes to the right over the scene."""


def _camera(rng: np.random.Generator, seed: int, over: float) -> _Camera:
    kind = str(rng.choice(["static", "handheld", "pan_left", "pan_right"], p=[0.5, 0.2, 0.15, 0.15]))
    if kind == "static":
        return _Camera(kind, w.panning(0, 0), 0.0)
    if kind == "handheld":
        return _Camera(kind, w.trembling(seed, float(rng.uniform(3, 5)), 0.4), 0.0)
    speed = float(rng.uniform(20, 30)) * (1 if kind == "pan_right" else -1)
    return _Camera(kind, w.panning(speed, 0), speed)


def _shape(rng: np.random.Generator, kind: str, number: int, y: float, over: float) -> Part:
    """Return a path that needs the height of two lanes round ``y``, and its fact."""
    sign = 1 if rng.random() < 0.5 else -1
    if kind == "circle":
        turns, radius = (2 if over > 5 else 1), float(rng.uniform(33, 38))
        center = (MIDDLE[0] + float(rng.uniform(-90, 90)), y)
        path = w.arc(center, radius, float(rng.uniform(0, 360)), sign * 360 * turns, 0, over)
        said = fact(
            number, "move", 0, over, direction=("counterclockwise" if sign > 0 else "clockwise",),
            trajectory="circular", count=turns if turns > 1 else None,
        )  # fmt: skip
        return Part(path, (said,))
    if kind == "zigzag":
        legs, height = int(rng.integers(4, 6)), float(rng.uniform(64, 74))
        points = [
            (share * over, MIDDLE[0] + sign * (share - 0.5) * 240, y + (0.5 if i % 2 else -0.5) * height)
            for i, share in enumerate(np.linspace(0, 1, legs + 1).tolist())
        ]
        onward = "right" if sign > 0 else "left"
        said = fact(number, "move", 0, over, direction=(onward,), trajectory="zigzag")
        return Part(w.waypoints(*points), (said,))
    # An arc whose middle has the heading right or left, and whose highest and lowest points lie evenly about y.
    by, radius = float(rng.uniform(105, 130)) * sign, float(rng.uniform(72, 84))
    heading = float(rng.choice([0.0, 180.0]))
    outward = heading - sign * 90
    depth = radius * (1 + np.cos(np.radians(by / 2))) / 2 * np.sin(np.radians(outward))
    path = w.arc((MIDDLE[0], y + float(depth)), radius, outward - by / 2, by, 0, over)
    return Part(path, (replace(straight(number, path, 0, over), trajectory="curved"),))


def _part(
    rng: np.random.Generator, kind: str, number: int, y: float, over: float, slide: float, width: float
) -> Part:
    """Return a path at a height and its facts; ``slide`` is carried along so that the thing stays in view."""
    sign = 1 if rng.random() < 0.5 else -1
    go = "right" if sign > 0 else "left"

    def x(share: float) -> float:
        """Place between the borders, from -1 (where it starts) to 1, with room for a hand that trembles."""
        return WIDTH / 2 + sign * share * (WIDTH / 2 - 42)

    a, b = over * float(rng.uniform(0.32, 0.4)), over * float(rng.uniform(0.66, 0.72))
    if kind == "move":
        # Over the scene: against the pan or with it, and 100 px at least.
        reach = max(0.95 * (WIDTH / 2 - 42), 0)
        start, end = MIDDLE[0] - sign * reach, MIDDLE[0] + sign * reach + slide * over
        if abs(end - start) < 100:
            sign, start, end = -sign, MIDDLE[0] + sign * reach, MIDDLE[0] - sign * reach + slide * over
        path = w.waypoints((0, start, y), (over, end, y))
        return Part(path, (straight(number, path, 0, over),))
    if kind == "swing":
        count = int(rng.integers(2, max(3, int(over / 1.4)) + 1))
        swing = float(rng.uniform(50, 80))
        still_x = MIDDLE[0] + slide * over / 2
        path = w.swinging((still_x, y), (sign * swing, 0.0), over / count, 0, count)
        said = fact(
            number, "move", 0, over, direction=("left", "right"), trajectory="back_and_forth", count=count
        )
        return Part(path, (said,))
    if kind in ("speed_up", "slow_down"):
        ratio = float(rng.uniform(3.0, 5.0)) ** (1 if kind == "speed_up" else -1)
        path = on_a_line((x(-1), y), (x(1), y), quickening(0, over, ratio))
        manner = fact(number, "accelerate" if kind == "speed_up" else "decelerate", 0, over)
        return Part(path, (straight(number, path, 0, over), manner))
    if kind == "start_stop":
        path = w.waypoints((a, x(-0.9), y), (b, x(0.9), y))
        return Part(
            path,
            (fact(number, "stay", 0, a), straight(number, path, a, b), fact(number, "stop", b, over)),
        )
    if kind == "pause":
        path = w.waypoints((0, x(-1), y), (a, x(0), y), (b, x(0), y), (over, x(1), y))
        return Part(
            path,
            (straight(number, path, 0, a), fact(number, "pause", a, b), straight(number, path, b, over)),
        )
    outside = WIDTH / 2 + 60
    reach = outside - sign * float(rng.uniform(-30, 30)) * sign
    if kind == "enter":
        begin, end = 0.5, min(0.5 + reach / float(rng.uniform(80, 110)), over - 1.3)
        path = w.waypoints(
            (begin, MIDDLE[0] - sign * outside, y), (end, MIDDLE[0] - sign * (outside - reach), y)
        )
        speed = reach / (end - begin)
        seen = begin + (60 - width / 2) / speed
        said = fact(number, "enter", seen, seen + width / speed, direction=(go,))
        return Part(path, (said, straight(number, path, seen, end), fact(number, "stop", end, over)))
    if kind == "leave":
        end = over - 0.4
        begin = max(end - reach / float(rng.uniform(80, 110)), 1.3)
        path = w.waypoints(
            (begin, MIDDLE[0] + sign * (outside - reach), y), (end, MIDDLE[0] + sign * outside, y)
        )
        speed = reach / (end - begin)
        gone = end - (60 - width / 2) / speed
        said = fact(number, "leave", gone - width / speed, gone, direction=(go,))
        return Part(path, (fact(number, "stay", 0, begin), straight(number, path, begin, gone), said))
    raise ValueError(f"no behaviour {kind!r}")
