"""A camera before a plain wall rests although no corner says so; a drive is told from a zoom by what is nearer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.backends.cameras._summary import expansion
from kinescribe.backends.cameras._whole import rests
from kinescribe.stages.camera import MeasureCamera
from tests import worlds as w
from tests.generator import ALL_SCENARIOS, look

HEIGHT, WIDTH = 180, 320


def wall(
    shift: tuple[float, float] = (0, 0), noise: float = 0.0, seed: int = 0, gain: float = 1.0
) -> np.ndarray:
    """A wall in uneven light, whose content is moved by so many pixels."""
    x = np.arange(WIDTH)[None] - shift[0]
    y = np.arange(HEIGHT)[:, None] - shift[1]
    light = 110 + 25 * np.sin(2 * np.pi * x / 512) + 25 * np.sin(2 * np.pi * y / 512 + 1)
    light = gain * light + np.random.default_rng(seed).normal(0, noise, (HEIGHT, WIDTH))
    return np.clip(light, 0, 255).round().astype(np.uint8)


def with_thing(picture: np.ndarray, x: int) -> np.ndarray:
    shown = picture.copy()
    shown[70:110, x : x + 45] = 20
    return shown


@given(
    noise=st.floats(0, 4),
    gain=st.floats(0.97, 1.03),
    x=st.integers(10, 200),
    step=st.integers(-10, 10),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_a_wall_rests_under_noise_flicker_and_a_thing_that_passes(
    noise: float, gain: float, x: int, step: int, seed: int
) -> None:
    here = with_thing(wall(noise=noise, seed=seed), x)
    there = with_thing(wall(noise=noise, seed=seed + 100, gain=gain), x + step)
    whole = rests(here, there)
    assert whole is not None
    assert whole.share > 0.85
    assert whole.coverage >= 0.8


@pytest.mark.parametrize("shift", [(30, 0), (-30, 0), (0, 25), (20, -20)])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_wall_that_goes_somewhere_does_not_rest(shift: tuple[float, float], noise: float) -> None:
    assert rests(wall(noise=noise), wall(shift, noise=noise, seed=1)) is None


@pytest.mark.parametrize("noise", [0.0, 1.0, 4.0])
def test_a_blank_tells_nothing(noise: float) -> None:
    pictures = [
        np.clip(np.random.default_rng(k).normal(90, noise, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)
        for k in range(2)
    ]
    assert rests(*pictures) is None


@pytest.mark.parametrize("level", [0, 4, 90, 200])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_wall_that_gives_way_to_a_blank_is_no_rest(noise: float, level: int) -> None:
    """To a blank every picture is a matter of gain and offset."""
    blank = (
        np.random.default_rng(3).normal(level, noise, (HEIGHT, WIDTH)).clip(0, 255).round().astype(np.uint8)
    )
    assert rests(wall(noise=noise), blank) is None
    assert rests(blank, wall(noise=noise)) is None


@given(contrast=st.floats(5, 60), sigma=st.floats(2, 12), seed=st.integers(0, 99), lettering=st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_picture_that_gives_way_to_a_title_on_black_is_no_rest(
    contrast: float, sigma: float, seed: int, lettering: bool
) -> None:
    rng = np.random.default_rng(seed)
    blotches = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)), (0, 0), sigma)
    scene = np.clip(110 + contrast * blotches / blotches.std(), 0, 255).round().astype(np.uint8)
    title = np.zeros_like(scene)
    if lettering:
        cv2.putText(title, "presents", (110, 90), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    assert rests(scene, title) is None


@pytest.mark.parametrize("left", [0.8, 0.5, 0.1])
@pytest.mark.parametrize("ends_at", [0.0, 255.0])
def test_a_fade_is_no_rest(left: float, ends_at: float) -> None:
    faded = (left * wall() + (1 - left) * ends_at).round().astype(np.uint8)
    assert rests(wall(), faded) is None


def test_texture_that_moves_is_no_rest() -> None:
    rng = np.random.default_rng(4)
    scene = cv2.GaussianBlur(rng.uniform(0, 255, (HEIGHT, WIDTH + 20)).astype(np.float32), (0, 0), 3)
    scene = ((scene - scene.min()) / np.ptp(scene) * 255).astype(np.uint8)
    assert rests(scene[:, 20:], scene[:, 14:-6]) is None


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_a_camera_that_rests_before_a_filmed_wall_is_static(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ground = w.Texture(int(rng.integers(1 << 30)), (110.0, 105.0, 120.0), 28.0, kind="gradient")
    thing = w.Actor(
        w.waypoints((0, 40, 90), (3, 280, 90)), (40.0, 34.0), w.Texture(9, (20.0, 30.0, 25.0), 15.0)
    )
    made = w.World(
        "wall", seed, duration_s=3.0, ground=ground, actors=(thing,), noise=3.0, flicker=0.005, blur_px=0.6,
        shutter_s=0.02, crf=26,
    )  # fmt: skip
    known = w.render(made)
    camera = MeasureCamera()(known.clip, known.frames)
    assert camera.labels == ("static",)
    assert np.isfinite(camera.to_scene).all()
    assert np.abs(camera.to_scene - np.eye(2, 3)).max() < 2  # pixels: corners of the thing may be in it


@pytest.mark.parametrize("difficulty", ["plain", "filmed"])
@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize("seed", [1])
def test_a_drive_is_not_called_a_zoom(way: str, seed: int, difficulty: str) -> None:
    known = w.render(look(ALL_SCENARIOS[f"camera_dolly_{way}"](seed), difficulty))
    assert MeasureCamera()(known.clip, known.frames).labels == (f"dolly_{way}", "complex")


@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize("seed", [1])
def test_a_zoom_is_not_called_a_drive(way: str, seed: int) -> None:
    known = w.render(look(ALL_SCENARIOS[f"camera_zoom_{way}"](seed), "filmed"))
    assert MeasureCamera()(known.clip, known.frames).labels == (f"zoom_{way}",)


def flow_of(nearer: float, scale: float, near_share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Flow of an even grid about the middle, of which a share of cells goes ``nearer`` times as fast."""
    y, x = np.mgrid[8:180:16, 8:320:16].reshape(2, -1).astype(float)
    cells = np.stack([x, y], axis=1)
    rng = np.random.default_rng(seed)
    near = rng.random(len(cells)) < near_share
    flow = (cells - [160, 90]) * (scale * np.where(near, nearer, 1.0))[:, None]
    return np.repeat(flow[None], 40, axis=0) + rng.normal(0, 0.1, (40, len(cells), 2)), cells


@pytest.mark.parametrize(
    ("nearer", "scale", "near_share", "verdict"),
    [
        (3.0, 0.02, 0.25, 1),
        (3.0, -0.02, 0.25, -1),
        (1.0, 0.02, 0.25, 0),  # a zoom
        (3.0, 0.02, 0.03, 0),  # a few things move before it
        (-2.0, 0.02, 0.25, 0),  # and not out of its focus
        (3.0, 0.0002, 0.25, 0),  # nothing is scaled
    ],
)
def test_what_leaves_the_map_tells_a_drive_from_a_zoom(
    nearer: float, scale: float, near_share: float, verdict: int
) -> None:
    flow, cells = flow_of(nearer, scale, near_share)
    ratio = np.full(40, 0.75)
    found = expansion(flow, cells, ratio, (320.0, 180.0), 10.0, np.full(40, np.log1p(scale)))
    assert found.tolist() == [verdict] * 40


def test_the_same_scaling_before_it_belongs_to_the_drive_and_another_does_not() -> None:
    flow, cells = flow_of(3.0, 0.02, 0.25)
    flow = np.concatenate([flow, flow])
    flow[:40] = (cells - [160, 90]) * 0.02  # nothing near is in view yet
    for scale, wanted in ((0.02, 1), (-0.02, 0), (0.0, 0)):
        log_scale = np.concatenate([np.full(30, scale), np.full(50, 0.02)])
        found = expansion(flow, cells, np.full(80, 0.75), (320.0, 180.0), 10.0, log_scale)
        assert found[40:].tolist() == [1] * 40
        assert found[:20].tolist() == [wanted] * 20
