"""Worlds of how things go: speeding up and slowing down, setting off, coming nearer on the way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from tests import worlds as w
from tests.worlds import MIDDLE, Path2D, Scenario, Signal, World, draw, fact, straight


def quickening(begin_s: float, end_s: float, ratio: float) -> Signal:
    """Return the share of a way that is gone at a time, at a speed that grows evenly ``ratio``-fold."""

    def share(t: float) -> float:
        u = float(np.clip((t - begin_s) / (end_s - begin_s), 0, 1))
        return (u + (ratio - 1) * u * u / 2) / ((ratio + 1) / 2)

    return share


def on_a_line(start: w.Point, end: w.Point, share: Signal) -> Path2D:
    """Return a path on a line at a share of its length."""

    def path(t: float) -> w.Point:
        s = share(t)
        return (start[0] + s * (end[0] - start[0]), start[1] + s * (end[1] - start[1]))

    return path


def change_of_speed(kind: str, seed: int) -> World:
    """One thing goes all the time, three to five times as fast at one end of its way as at the other."""
    name = f"{kind}s"
    rng = draw(name, seed)
    start, end = w._through_middle(rng, str(rng.choice(["left", "right"])), 0.85)
    over, ratio = float(rng.uniform(3.0, 4.5)), float(rng.uniform(3.0, 5.0))
    path = on_a_line(start, end, quickening(0, over, ratio if kind == "accelerate" else 1 / ratio))
    facts = (straight(1000, path, 0, over), fact(1000, kind, 0, over, evidence={"ratio": ratio}))
    return w._world(name, seed, rng, over, actors=(w._thing(rng, path),), facts=facts)


def up_and_down(seed: int) -> World:
    """One thing speeds up to the middle of its way and slows down to its end."""
    name = "speeds_up_then_slows_down"
    rng = draw(name, seed)
    start, end = w._through_middle(rng, str(rng.choice(["left", "right"])), 0.9)
    half, ratio = float(rng.uniform(2.2, 2.8)), float(rng.uniform(3.5, 5.0))
    rise, fall = quickening(0, half, ratio), quickening(half, 2 * half, 1 / ratio)
    path = on_a_line(start, end, lambda t: (rise(t) + fall(t)) / 2)
    facts = (
        straight(1000, path, 0, 2 * half),
        fact(1000, "accelerate", 0, half),
        fact(1000, "decelerate", half, 2 * half),
    )
    return w._world(name, seed, rng, 2 * half, actors=(w._thing(rng, path, (30.0, 26.0)),), facts=facts)


def round_a_bend(seed: int) -> World:
    """One thing speeds up while it follows an arc."""
    name = "speeds_up_round_a_bend"
    rng = draw(name, seed)
    by = float(rng.uniform(110, 150)) * (1 if rng.random() < 0.5 else -1)
    over, radius = float(rng.uniform(3.0, 4.0)), float(rng.uniform(60, 68))
    side = 1 if by > 0 else -1
    from_deg = -side * 90 - by / 2  # half way round it goes to the right
    depth = side * radius * (1 + float(np.cos(np.radians(by / 2)))) / 2
    share = quickening(0, over, float(rng.uniform(3.0, 4.5)))
    center = (MIDDLE[0], MIDDLE[1] - depth)

    def path(t: float) -> w.Point:
        angle = np.radians(from_deg + share(t) * by)
        return (center[0] + radius * float(np.cos(angle)), center[1] - radius * float(np.sin(angle)))

    said = straight(1000, path, 0, over)
    facts = (w.replace(said, trajectory="curved"), fact(1000, "accelerate", 0, over))
    return w._world(name, seed, rng, over, actors=(w._thing(rng, path, (28.0, 24.0)),), facts=facts)


def sets_off(seed: int) -> World:
    """One thing rests for a moment, too short to be said, and sets off."""
    name = "sets_off"
    rng = draw(name, seed)
    start, end = w._through_middle(rng, str(rng.choice(w.COMPASS)), 0.8)
    begin, go = float(rng.uniform(0.72, 0.88)), float(rng.uniform(1.8, 2.5))
    path = w.waypoints((begin, *start), (begin + go, *end))
    facts = (fact(1000, "start", begin, begin + 1.0), straight(1000, path, begin, begin + go))
    return w._world(name, seed, rng, begin + go, actors=(w._thing(rng, path),), facts=facts)


def nearer_on_its_way(seed: int) -> World:
    """One thing goes sideways and comes nearer meanwhile."""
    name = "nearer_on_its_way"
    rng = draw(name, seed)
    over, sign = float(rng.uniform(3.0, 4.0)), 1 if rng.random() < 0.5 else -1
    path = w.waypoints((0, MIDDLE[0] - sign * 85, MIDDLE[1]), (over, MIDDLE[0] + sign * 70, MIDDLE[1]))
    grown = float(rng.uniform(2.0, 2.5))
    actor = w._thing(rng, path, (34.0, 30.0), scale=lambda t: grown ** (t / over))
    facts = (
        straight(1000, path, 0, over),
        fact(
            1000, "move", 0, over, direction=("toward_camera",), evidence={"log_scale": float(np.log(grown))}
        ),
    )
    return w._world(name, seed, rng, over, actors=(actor,), facts=facts)


TRAVEL_SCENARIOS: Mapping[str, Scenario] = {
    **{f"{kind}s": partial(change_of_speed, kind) for kind in ("accelerate", "decelerate")},
    "speeds_up_then_slows_down": up_and_down,
    "speeds_up_round_a_bend": round_a_bend,
    "sets_off": sets_off,
    "nearer_on_its_way": nearer_on_its_way,
}
"""Worlds by name, from a seed."""
