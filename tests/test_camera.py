"""The camera is measured: known pans, zooms, rolls and tremble come back, rest is exact, the unknown is NaN."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from kinescribe import pipeline, plugins
from kinescribe.backends.cameras import _summary
from kinescribe.backends.cameras._fit import fit_similarity
from kinescribe.backends.cameras._step import Step, Stepper
from kinescribe.errors import BackendError
from kinescribe.geometry import apply_affine, compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip
from kinescribe.stages.camera import MeasureCamera
from kinescribe.video import ArrayFrames, VideoFrames, encode, make_clip, scan
from kinescribe.vocabulary import CAMERA_LABELS
from tests import worlds

WIDTH, HEIGHT = 480, 270


# --- small pictures with a known truth ----------------------------------------------------------------------


def texture(width: int, height: int, seed: int) -> np.ndarray:
    """Colour noise on four scales: something to hold on to everywhere."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cell, gain in ((64, 60), (24, 45), (8, 35), (3, 20)):
        coarse = rng.normal(0, gain, (height // cell + 2, width // cell + 2, 3))
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(total + 128, 0, 255).astype(np.uint8)


WALL = texture(1600, 1200, 1)
MIDDLE = np.array([[1.0, 0, 800 - WIDTH / 2], [0, 1.0, 600 - HEIGHT / 2]])
"""From the first sample to the wall."""


def about_center(
    shift: tuple[float, float] = (0, 0), scale: float = 1.0, turn_deg: float = 0.0
) -> np.ndarray:
    """A sample's map to the first: turned clockwise and scaled about the centre, then shifted."""
    angle = np.radians(turn_deg)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    center = np.array([WIDTH, HEIGHT]) / 2
    return np.column_stack([linear, center - linear @ center + shift])


def filmed(to_scene: np.ndarray, noise: float = 2.0, wall: np.ndarray = WALL, seed: int = 0) -> np.ndarray:
    """Pictures of the wall, with sensor noise. Maps are continuous: pixel centres at half pixels."""
    rng, half = np.random.default_rng(seed), np.array([[1.0, 0, 0.5], [0, 1.0, 0.5]])
    images = []
    for place in to_scene:
        look = compose_affine(invert_affine(half), compose_affine(compose_affine(MIDDLE, place), half))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(wall, look, (WIDTH, HEIGHT), flags=flags).astype(float)
        images.append(np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8))
    return np.stack(images)


def clip_of(images: np.ndarray) -> Clip:
    count, height, width = images.shape[:3]
    times = np.arange(count) / 10
    return Clip(
        "c", "c.mp4", "0", 0.0, count / 10, 10.0, width, height, 0, count, np.arange(count, dtype=np.int64), times
    )  # fmt: skip


def measure(images: np.ndarray, **options: object) -> CameraMotion:
    clip = clip_of(images)
    return MeasureCamera(options=options)(clip, ArrayFrames(images, clip.times_s))


def error_px(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean distance over a grid of points, per sample."""
    x, y = np.meshgrid(np.linspace(0, WIDTH, 9), np.linspace(0, HEIGHT, 6))
    points = np.stack([x.ravel(), y.ravel()], 1)
    off = apply_affine(found[:, None], points[None]) - apply_affine(true[:, None], points[None])
    return np.hypot(off[..., 0], off[..., 1]).mean(1)


def steady(count: int, x: float = 0, y: float = 0, grow: float = 1.0, turn_deg: float = 0) -> np.ndarray:
    """The camera moves evenly: shift per sample, content growth per sample, content turn per sample."""
    return np.stack([about_center((x * t, y * t), grow**-t, -turn_deg * t) for t in range(count)])


def shaking(count: int, px: float = 4.0, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    jitter = rng.normal(0, [px, px, 0.2], (count, 3))
    jitter[0] = 0
    return np.stack([about_center((x, y), 1.0, turn) for x, y, turn in jitter])


def with_foreground(images: np.ndarray, speed: tuple[float, float], seed: int = 9) -> np.ndarray:
    """Cover a quarter of every picture with a textured patch that moves on its own, bouncing at the borders."""
    images = images.copy()
    side = (WIDTH // 2, HEIGHT // 2)
    patch = texture(*side, seed)
    free = np.array([WIDTH - side[0], HEIGHT - side[1]])
    for t, image in enumerate(images):
        x, y = (np.abs((np.array(speed) * t + free / 2 + free) % (2 * free) - free)).astype(int)
        image[y : y + side[1], x : x + side[0]] = patch
    return images


MOVES = {
    "pan": (steady(25, x=6), 0.5, ("pan_right",)),
    "fast pan": (steady(15, x=-30), 1.0, ("pan_left",)),
    "tilt": (steady(25, y=-4), 0.5, ("tilt_up",)),
    "zoom": (steady(25, grow=1.015), 0.5, ("zoom_in",)),
    "zoom out": (steady(25, grow=1 / 1.015), 0.5, ("zoom_out",)),
    "roll": (steady(25, turn_deg=0.6), 0.5, ("roll_counterclockwise",)),
    "shake": (shaking(40), 0.5, ("handheld",)),
}


@pytest.mark.parametrize("name", MOVES)
def test_known_motion_comes_back(name: str) -> None:
    true, limit, labels = MOVES[name]
    camera = measure(filmed(true))
    error = error_px(camera.to_scene, true)
    assert error.max() < limit, error.round(2)
    assert camera.labels == labels
    assert np.array_equal(camera.to_scene[0], np.eye(2, 3))
    assert np.isnan(camera.inlier_ratio[0])
    assert (camera.inlier_ratio[1:] > 0.8).all()
    assert camera.cuts_s == ()


@pytest.mark.parametrize(("name", "limit"), [("pan", 0.8), ("zoom", 0.8), ("roll", 0.8), ("shake", 0.8)])
@pytest.mark.parametrize("speed", [(9.0, 5.0), (-14.0, 3.0)])
def test_a_foreground_over_a_quarter_does_not_pull(
    name: str, limit: float, speed: tuple[float, float]
) -> None:
    true, _, labels = MOVES[name]
    camera = measure(with_foreground(filmed(true), speed))
    assert error_px(camera.to_scene, true).max() < limit
    assert camera.labels == labels


def test_rest_is_exact_for_ten_minutes() -> None:
    still = filmed(steady(20), noise=6.0)
    order = np.random.default_rng(0).integers(0, 20, 600)
    camera = measure(still[order])
    assert (camera.to_scene == np.eye(2, 3)).all(), "600 noisy samples must not drift by a single bit"
    assert camera.labels == ("static",)
    assert camera.score == 0
    assert not camera.moves


def test_rest_behind_a_foreground_and_under_changing_light() -> None:
    still = filmed(steady(40))
    light = np.linspace(0.7, 1.15, 40)[:, None, None, None]
    assert measure(with_foreground(still, (7, 4))).labels == ("static",)
    dimmed = measure(np.clip(still * light, 0, 255).astype(np.uint8))
    assert (dimmed.to_scene == np.eye(2, 3)).all()


def test_one_object_on_a_bare_wall_is_not_the_camera() -> None:
    rng = np.random.default_rng(5)
    images = np.full((30, HEIGHT, WIDTH, 3), 200, dtype=np.float64)
    images[:, 8:20, 8:460:40], images[:, 250:262, 8:460:40] = 90, 90  # a few marks near the borders
    patch = texture(200, 180, 4)
    for t, image in enumerate(images):
        image[45:225, 40 + 6 * t : 240 + 6 * t] = patch
    noisy = np.clip(images + rng.normal(0, 2, images.shape), 0, 255).astype(np.uint8)
    camera = measure(noisy)
    assert camera.labels == ("static",)
    assert (camera.to_scene == np.eye(2, 3)).all()


def test_slow_drift_is_seen_although_each_step_is_below_noise() -> None:
    true = steady(120, x=0.25)
    camera = measure(filmed(true))
    assert error_px(camera.to_scene, true).max() < 1.0
    assert np.abs(camera.to_scene[-1, 0, 2] - 29.75) < 0.6


def test_there_and_back_ends_where_it_began() -> None:
    path = 120 * np.sin(np.linspace(0, np.pi, 40))
    true = np.stack([about_center((x, 0)) for x in path])
    camera = measure(filmed(true))
    assert error_px(camera.to_scene, true).max() < 0.6
    assert {"pan_left", "pan_right"} == set(camera.labels), "each way is 25 % of the width"


def test_after_a_cut_the_first_plane_is_unknown() -> None:
    images = np.concatenate([filmed(steady(12)), filmed(steady(12), wall=texture(1600, 1200, 77))])
    camera = measure(images)
    assert camera.cuts_s == (1.2,)
    assert np.isfinite(camera.to_scene[:12]).all()
    assert np.isnan(camera.to_scene[12:]).all()
    assert camera.labels == ("static",)
    assert camera.score == 0


def test_a_view_that_comes_back_is_known_again() -> None:
    first, other = filmed(steady(24)), filmed(steady(8), wall=texture(1600, 1200, 77))
    camera = measure(np.concatenate([first[:8], other, first[8:16]]))
    assert camera.cuts_s == (0.8, 1.6)
    assert np.isnan(camera.to_scene[8:16]).all()
    assert (camera.to_scene[16:] == np.eye(2, 3)).all()


def test_a_flash_is_no_cut() -> None:
    images = filmed(steady(20))
    images[10] = 255
    camera = measure(images)
    assert camera.cuts_s == ()
    assert (camera.to_scene == np.eye(2, 3)).all(), "the camera stood at the same place before and after"


def test_a_pan_goes_on_behind_something_that_passes() -> None:
    true = steady(24, x=7)
    images = filmed(true)
    images[11] = texture(WIDTH, HEIGHT, 50)
    camera = measure(images)
    assert np.isnan(camera.to_scene[11]).all()
    assert error_px(camera.to_scene[12:], true[12:]).max() < 1.0
    assert camera.cuts_s == ()


def driving(count: int, forward: bool = True, seed: int = 2) -> np.ndarray:
    """Posts beside a road, seen from a car: near ones stream past, far ones hardly grow."""
    rng = np.random.default_rng(seed)
    depths = np.linspace(14, 1.2, 420)
    posts = [
        (z, rng.uniform(-1.5, 1.5), rng.uniform(-0.8, 0.8), texture(48, 48, i)) for i, z in enumerate(depths)
    ]
    images = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    for t in range(count):
        travelled = 0.18 * (t if forward else count - t)
        image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        placed = sorted(((z - travelled - 1.2) % 12.8 + 1.2, x, y, patch) for z, x, y, patch in posts)
        for z, x, y, patch in reversed(placed):
            if abs(x) < 0.25 and abs(y) < 0.25:
                continue
            side = max(4, int(70 / z))
            left, top = (
                int(WIDTH / 2 + 300 * x / z * 2 - side / 2),
                int(HEIGHT / 2 + 300 * y / z * 2 - side / 2),
            )
            _paste(image, cv2.resize(patch, (side, side), interpolation=cv2.INTER_AREA), left, top)
        images[t] = image
    return images


def _paste(image: np.ndarray, patch: np.ndarray, left: int, top: int) -> None:
    x0, y0, x1, y1 = (
        max(left, 0),
        max(top, 0),
        min(left + patch.shape[1], WIDTH),
        min(top + patch.shape[0], HEIGHT),
    )
    if x0 < x1 and y0 < y1:
        image[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]


@pytest.mark.parametrize(("forward", "word"), [(True, "dolly_in"), (False, "dolly_out")])
def test_driving_is_named_and_its_maps_are_not_trusted(forward: bool, word: str) -> None:
    camera = measure(driving(40, forward))
    assert word in camera.labels
    assert "complex" in camera.labels
    assert camera.moves
    assert np.isnan(camera.to_scene[2:]).all()
    assert camera.cuts_s == ()
    assert np.isfinite(camera.score)


def test_a_blank_picture_says_nothing_and_neither_does_one_sample() -> None:
    blank = np.full((12, HEIGHT, WIDTH, 3), 90, np.uint8)
    assert measure(blank).labels == ("unknown",)
    fading = blank + np.arange(12, dtype=np.uint8)[:, None, None, None] * 8
    assert np.isnan(measure(fading).to_scene[1:]).all()
    assert measure(fading).cuts_s == ()
    assert "static" not in measure(fading).labels
    single = measure(filmed(steady(1)))
    assert single.to_scene.shape == (1, 2, 3)
    assert single.labels == ("unknown",)
    assert single.score == 0


@pytest.mark.parametrize("size", [(16, 16), (40, 200), (330, 30)])
def test_odd_shapes_do_not_fail(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (6, size[1], size[0], 3), dtype=np.uint8)
    assert len(measure(images).to_scene) == 6


def test_the_scale_of_frames_does_not_matter() -> None:
    true = steady(12, x=8)
    images = filmed(true)
    clip = clip_of(images)
    half = np.stack([cv2.resize(i, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA) for i in images])
    camera = MeasureCamera()(clip, ArrayFrames(half, clip.times_s, scale=2.0))
    assert error_px(camera.to_scene, true).max() < 0.8


def test_an_affine_camera_is_fitted_on_request() -> None:
    shear = np.stack([np.array([[1, 0.02 * t, -2.5 * t], [0, 1 - 0.01 * t, 1.5 * t]]) for t in range(12)])
    images = filmed(shear)
    assert error_px(measure(images, model="affine").to_scene, shear).max() < 0.5
    assert np.isnan(measure(images).to_scene[-1]).all(), (
        "no similarity explains this: better unknown than wrong"
    )


def test_slow_zoom_is_seen_although_its_middle_rests() -> None:
    true = steady(80, grow=1.0015)
    camera = measure(filmed(true))
    error = error_px(camera.to_scene, true)
    assert error.max() < 1.0, "a little is lost to rest at first"
    assert error[-1] < 0.3, "but nothing is lost for good"
    assert camera.labels == ("zoom_in",)


# --- score and fit, by hand ---------------------------------------------------------------------------------


def test_score_of_an_even_pan_is_what_the_paper_s_code_gives() -> None:
    size, degrees = (640.0, 360.0), 40.0
    focal = 320 / np.tan(np.radians(30))
    step = focal * np.tan(np.radians(degrees / 7))
    pan = np.repeat(np.array([[[1.0, 0, step], [0, 1.0, 0]]]), 7, axis=0)
    value, terms = _summary.score(pan, size)
    # 1.5 sqrt(2) Theta / 7 for small angles.
    assert value == pytest.approx(0.303 * np.radians(degrees), rel=0.01)
    assert terms[:1] == pytest.approx(0)
    assert terms[1] == pytest.approx(2 * np.sqrt(2) * np.sin(np.radians(degrees / 14)))
    assert terms[1] == pytest.approx(terms[3])


def test_score_of_a_zoom_is_a_change_of_distance() -> None:
    closer = np.repeat(
        np.array([[[1 / 1.1, 0, 320 * (1 - 1 / 1.1)], [0, 1 / 1.1, 180 * (1 - 1 / 1.1)]]]), 7, axis=0
    )
    value, terms = _summary.score(closer, (640.0, 360.0))
    assert terms == pytest.approx([1 - 1 / 1.1, 0, 1 - 1 / 1.1, 0], abs=1e-9)
    assert value == pytest.approx(1.5 * (1 - 1 / 1.1))


def turned(x: float = 0.0, grow: float = 1.0, size: tuple[float, float] = (640.0, 360.0)) -> np.ndarray:
    """A sample's map to the one before: the camera pans by ``x`` pixels, the content grows about the middle."""
    middle = np.array(size) / 2
    return np.column_stack([np.eye(2) / grow, middle - middle / grow + [x, 0]])


def panned(degrees: float) -> float:
    """Pixels that a pan shifts the middle by, at the assumed angle of view."""
    return float(320 / np.tan(np.radians(30)) * np.tan(np.radians(degrees)))


def test_what_the_threshold_of_the_paper_s_filter_means() -> None:
    """0.3 is an even pan by 57 degrees, one jerk by 19 degrees, or an even dolly by 1.4 depths."""
    even = np.stack([turned(panned(57 / 7))] * 7)
    assert _summary.score(even, (640.0, 360.0)).value == pytest.approx(0.3, abs=0.01)
    jerk = np.stack([turned(panned(19.0)) if i == 3 else turned() for i in range(7)])
    found = _summary.score(jerk, (640.0, 360.0))
    assert found.value == pytest.approx(0.3, abs=0.01)
    one = 2 * np.sqrt(2) * np.sin(np.radians(19) / 2)
    assert found.terms == pytest.approx([0, one / 7, 0, one])
    # Seven steps of a fifth of the depth, 1.4 in all: the mean counts once, the greatest half.
    dolly = np.stack([turned(grow=1 / (1 - 0.2))] * 7)
    assert _summary.score(dolly, (640.0, 360.0)).terms == pytest.approx([0.2, 0, 0.2, 0], abs=1e-9)
    assert _summary.score(dolly, (640.0, 360.0)).value == pytest.approx(0.2 * 1.5)


@pytest.mark.parametrize("steps", [7, 14, 70, 399])
def test_the_score_looks_at_eight_samples_whatever_the_length(steps: int) -> None:
    pan = np.stack([turned(140 / steps)] * steps)
    assert _summary.score(pan, (640.0, 360.0)).value == pytest.approx(
        _summary.score(np.stack([turned(20)] * 7), (640.0, 360.0)).value, rel=0.12
    )
    # There and back between two of the eight samples is not seen: the paper's rule, not ours to mend.
    hidden = np.stack([turned()] * steps)
    if steps >= 70:
        hidden[1], hidden[3] = turned(100), turned(-100)
    assert _summary.score(hidden, (640.0, 360.0)).value == pytest.approx(0, abs=1e-9)


def test_the_gate_drops_above_and_keeps_the_unknown() -> None:
    motion = measure(filmed(steady(25, x=6)))
    assert MeasureCamera().drops(motion) is None
    assert MeasureCamera(drop_above=motion.score + 0.01).drops(motion) is None
    why = MeasureCamera(drop_above=0.1).drops(motion)
    assert why is not None
    assert why == f"s_m = {motion.score:.2f} is above camera.drop_above = 0.1"
    assert MeasureCamera(drop_above=0.0).drops(replace(motion, score=float("nan"))) is None
    with pytest.raises(ValueError, match="at least 0"):
        MeasureCamera(drop_above=-1.0)


def test_the_gate_does_not_change_what_is_measured() -> None:
    plain, gated = (pipeline.digests({"camera": MeasureCamera(drop_above=limit)}) for limit in (None, 0.3))
    assert plain == gated
    assert plain != pipeline.digests({"camera": MeasureCamera(backend="codec")})


# --- screening by the codec's vectors -----------------------------------------------------------------------


def screened(world: worlds.World, folder: Path, fps: float = 30.0) -> tuple[CameraMotion, Clip]:
    source = scan(worlds.write_video(world, folder / "v.mp4", fps=fps, crf=23))
    clip = make_clip(source, 0, source.duration_s, 10)
    return MeasureCamera(backend="codec")(clip, VideoFrames(clip)), clip


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "name",
    [
        f"camera_{label}"
        for label in ("static", "pan_left", "tilt_down", "roll_clockwise", "zoom_in", "handheld")
    ]
    + ["pan_with_mover", "move_left"],
)
def test_stored_vectors_tell_what_the_pictures_tell(name: str, seed: int, tmp_path: Path) -> None:
    world = worlds.SCENARIOS[name](seed)
    found, clip = screened(world, tmp_path)
    to_scene = worlds.truth(world).camera.to_scene
    steps = compose_affine(invert_affine(to_scene[:-1]), to_scene[1:])
    true = _summary.score(steps, (float(clip.width), float(clip.height))).value
    assert found.score == pytest.approx(true, abs=0.02)
    assert found.labels == world.camera_labels
    if found.labels == ("static",):
        assert (found.to_scene == np.eye(2, 3)).all()
    else:
        assert np.isnan(found.to_scene[1:]).all(), "it screens; where the camera was it does not say"


def test_where_there_are_no_vectors_nothing_is_claimed(tmp_path: Path) -> None:
    still = filmed(steady(20))
    without_file = MeasureCamera(backend="codec")(clip_of(still), ArrayFrames(still, np.arange(20) / 10))
    assert without_file.labels == ("unknown",)
    assert np.isnan(without_file.score)
    assert np.isnan(without_file.to_scene[1:]).all()
    for codec, name in (("libvpx-vp9", "v.webm"), ("mjpeg", "v.avi")):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height = WIDTH, HEIGHT
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for image in still:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
        source = scan(tmp_path / name)
        clip = make_clip(source, 0, source.duration_s, 10)
        assert MeasureCamera(backend="codec")(clip, VideoFrames(clip)).labels == ("unknown",), codec


def test_zeros_at_a_low_frame_rate_are_no_evidence_of_rest(tmp_path: Path) -> None:
    world = worlds.SCENARIOS["camera_static"](0)
    (tmp_path / "slow").mkdir()
    assert screened(world, tmp_path)[0].labels == ("static",)
    slow = screened(world, tmp_path / "slow", fps=6.0)[0]
    assert slow.labels == ("unknown",)
    assert np.isnan(slow.score)


def test_a_part_of_a_file_is_screened_alone(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    pan = steady(60, x=5)
    moves = np.concatenate([np.repeat(pan[:1], 60, axis=0), pan])
    encode(path, ((k / 30, image) for k, image in enumerate(filmed(moves))), (WIDTH, HEIGHT), 23)
    source = scan(path)
    still, panning = (make_clip(source, a, a + 1.9, 10) for a in (0.0, 2.1))
    assert MeasureCamera(backend="codec")(still, VideoFrames(still)).labels == ("static",)
    assert MeasureCamera(backend="codec")(panning, VideoFrames(panning)).labels == ("pan_right",)


def test_fit_survives_half_of_the_points_astray() -> None:
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 320, (200, 2))
    true = np.array([[1.02, -0.03, 5.0], [0.03, 1.02, -2.0]])
    target = apply_affine(true, source) + rng.normal(0, 0.05, (200, 2))
    target[:100] += rng.uniform(-40, 40, (100, 2))
    fit = fit_similarity(source, target, 1.0, np.eye(2, 3)[None])
    assert fit.affine == pytest.approx(true, abs=0.05)
    assert fit.inliers[100:].all()
    assert fit.inliers[:100].sum() < 10


# --- the stage ----------------------------------------------------------------------------------------------


def test_stage_reaches_backends_by_name() -> None:
    assert "lk_grid" in plugins.names("cameras")
    assert "lk_grid" in MeasureCamera().identity()
    with pytest.raises(BackendError, match="lk_grid"):
        MeasureCamera(backend="lk_grud")(
            clip_of(filmed(steady(2))), ArrayFrames(filmed(steady(2)), np.arange(2) / 10)
        )


# --- real clips ---------------------------------------------------------------------------------------------

REAL = {
    "sam2/04_coffee.mp4": ("static",),
    "sam2/05_default_juggle.mp4": ("static",),
    "sports2d/demo.mp4": ("static",),
    "udacity/solidWhiteRight.mp4": ("dolly_in", "complex"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_clips_have_the_labels_that_people_gave(shared: Path, name: str) -> None:
    file = shared / "videos" / name
    if not file.exists():
        pytest.skip(f"needs {name} in ../shared/videos")
    source = scan(file)
    clip = make_clip(source, 0, source.duration_s, 10)
    camera = MeasureCamera()(clip, VideoFrames(clip))
    assert camera.labels == REAL[name]
    assert set(camera.labels) <= set(CAMERA_LABELS)
    if camera.labels == ("static",):
        assert (camera.to_scene == np.eye(2, 3)).all()
    else:
        assert np.isnan(camera.to_scene[1:]).all()


def test_while_the_camera_rests_one_look_a_sample_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    step = Stepper.step

    def counted(self: Stepper, *pictures: object, **options: object) -> Step:
        looks.append(len(looks))
        return step(self, *pictures, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Stepper, "step", counted)
    resting = measure(filmed(steady(20)))
    assert len(looks) == 19
    assert resting.labels == ("static",)
    looks.clear()
    measure(filmed(steady(20, x=3.0)))
    assert len(looks) > 2 * 18
