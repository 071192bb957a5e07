"""The numbers that docs/method.md sets against the paper's are what the code gives.

``python -m tests.test_method`` prints the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from kinescribe.geometry import inner_angle_deg, spectrum
from kinescribe.kinematics import body, kpm
from kinescribe.vocabulary import ANGLES, COCO_WHOLEBODY_133
from tests import test_body, test_kinematics

PAGE = Path(__file__).parents[1] / "docs" / "method.md"
ALL = kpm.KpmSettings(frames=None)
ELBOW, ANKLE = list(ANGLES).index("left_elbow"), list(ANGLES).index("left_ankle")


class Row(NamedTuple):
    """One error, what shows it, and the numbers."""

    error: str
    shown_by: str
    published: str
    ours: str


def said(*values: float, digits: int = 2) -> str:
    return ", ".join(f"{abs(v) if abs(v) < 0.5 * 10**-digits else v:.{digits}f}" for v in values)


def sine(seconds: float, hertz: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(30 * seconds)) / 30 + 0.7)


def someone(samples: int) -> np.ndarray:
    """A standing body of 133 points, in metres; what BlazePose has no name for lies at the nose and the wrists."""
    named = dict(zip(test_body.NAMES, np.moveaxis(test_body.standing(1), 1, 0)[:, 0], strict=True))
    sides = {"left": "left_wrist", "right": "right_wrist"}
    other = [named[sides.get(name.split("_")[0], "nose")] for name in COCO_WHOLEBODY_133]
    points = np.array([named.get(name, place) for name, place in zip(COCO_WHOLEBODY_133, other, strict=True)])
    return np.repeat(points[None], samples, axis=0)


def both(points: np.ndarray, times: np.ndarray, score: np.ndarray | None = None):
    score = np.ones(points.shape[:2]) if score is None else score
    published = kpm.measure(points, score, times, settings=ALL)
    assert published is not None
    return published, body.measure(points, score, times, "coco_wholebody133")


def squares() -> Row:
    published = (np.fft.fft(sine(10)) ** 2).sum().real
    ours = spectrum(sine(10), 30).power.sum()
    return Row("V[k]^2 of complex numbers (eq. 6)", "energy of 10 s of a sine of 1 Hz, phase 0.7, at 30 Hz",
               said(published, digits=0), said(ours))  # fmt: skip


def mirrored() -> Row:
    found = spectrum(sine(10), 30)
    ours = found.power[found.frequency_hz > 2.5].sum() / found.power.sum()
    published = kpm.spectral(sine(10)[None], kpm.KpmSettings(delta=20)).high_share[0]
    return Row(
        "k runs over the mirrored half (eq. 7)", "high share of that sine", said(published), said(ours)
    )


def bins() -> Row:
    delta, cut = kpm.KpmSettings().delta, body.BodySettings().high_hz
    published = said(*(delta / seconds for seconds in (5, 10, 20)), digits=1)
    return Row(
        "delta counts bins (eq. 7)", "cut in Hz in 5, 10 and 20 s", published, said(cut, cut, cut, digits=1)
    )


def constant() -> Row:
    published = np.abs(np.fft.fft(5 + sine(10))) ** 2
    ours = spectrum(5 + sine(10), 30).power
    return Row("the mean is not removed (eq. 6-8)", "share of the energy of 5 + sine that is its mean",
               said(published[0] / published.sum()), said(ours[0] / ours.sum()))  # fmt: skip


def growing() -> Row:
    published = [kpm.spectral(sine(s)[None], ALL).energy[0] for s in (5, 10, 20)]
    ours = [spectrum(sine(s), 30).power.sum() for s in (5, 10, 20)]
    return Row(
        "E grows with T^2 (eq. 6)", "the sine for 5, 10 and 20 s", said(*published, digits=0), said(*ours)
    )


def spreading() -> Row:
    published, ours = [], []
    for seconds in (5, 10, 20):
        signal = sine(seconds) + sine(seconds, 3)
        published.append(kpm.spectral(signal[None], ALL).sigma[0])
        speed = signal[:, None].repeat(len(ANGLES), 1)
        ours.append(body.summary(np.arange(len(signal)) / 30, speed, speed).sigma[0])
    return Row("sigma grows with the root of T (eq. 8)", "sines of 1 and 3 Hz for 5, 10 and 20 s (ours in Hz)",
               said(*published, digits=1), said(*ours))  # fmt: skip


def waving() -> Row:
    times = np.arange(120) / 30
    points = someone(120)
    hand = [i for i, name in enumerate(COCO_WHOLEBODY_133) if name == "left_wrist" or i in range(91, 112)]
    points[:, hand, 0] += 0.2 * np.sin(2 * np.pi * times)[:, None]
    published, ours = both(points, times)
    return Row("eq. 2 is no centre of mass", "m/s while one hand waves by 20 cm at 1 Hz",
               said(published.mean_speed.mean()), said(ours.com_speed.mean() * ours.torso))  # fmt: skip


def jitter() -> Row:
    points = someone(600) + np.random.default_rng(0).normal(0, 0.01, (600, 133, 3))
    published, ours = both(points, np.arange(600) / 30)
    return Row("frame differences", "m/s of points that stand still with 1 cm of jitter, 30 Hz",
               said(published.speed.mean()), said(ours.point_speed.mean() * ours.torso))  # fmt: skip


def signed() -> Row:
    times = np.arange(0, 4 + 1e-9, 1 / 30)
    points = someone(len(times))
    shoulder, elbow, wrist = (COCO_WHOLEBODY_133.index(name) for name in ANGLES["left_elbow"])
    arm = points[:, shoulder] - points[:, elbow]
    turn = np.radians(120 + 30 * np.sin(2 * np.pi * times))[:, None]
    across = np.stack([-arm[:, 1], arm[:, 0], arm[:, 2]], 1)
    points[:, wrist] = points[:, elbow] + np.cos(turn) * arm + np.sin(turn) * across
    published, ours = both(points, times)
    mean, rms = np.degrees(published.joint_mean[ELBOW]), ours.angles.rms_deg_s[ELBOW]
    return Row("mean omega is signed (eq. 4)", "degrees/s of an elbow that swings by 30 at 1 Hz (RMS: 133)",
               said(mean, digits=0), said(rms, digits=0))  # fmt: skip


def straight() -> Row:
    angle = np.radians(179.99)
    limb = np.array([[np.cos(angle), np.sin(angle), 0]], np.float32)
    first, corner = np.array([[1, 0, 0]], np.float32), np.zeros((1, 3), np.float32)
    cosine = (limb * first).sum(-1) / np.sqrt((limb**2).sum(-1))
    published = float(np.degrees(np.arccos(cosine))[0])
    return Row("arccos near 180 degrees (eq. 3)", "an angle of 179.99 degrees in single precision",
               said(published), said(float(inner_angle_deg(first, corner, limb)[0])))  # fmt: skip


def uneven() -> Row:
    times = np.arange(60) / 30
    times = times[np.arange(60) % 3 != 2]  # every third frame is missing
    points = someone(len(times))
    points[..., 0] += times[:, None]
    constant_step = np.diff(points[:, 0, 0]) / np.diff(times).mean()
    _, ours = both(points, times)
    speed = ours.point_speed * ours.torso
    return Row("one Delta t for all frames (eq. 1)", "slowest and fastest m/s of 1 m/s, every third frame lost",
               said(constant_step.min(), constant_step.max()), said(speed.min(), speed.max()))  # fmt: skip


def missing() -> Row:
    points, rng = someone(300), np.random.default_rng(0)
    published, ours = both(points, np.arange(300) / 30, (rng.random((300, 133)) > 0.43).astype(float))
    share = [float(np.isfinite(a[:, :8]).mean()) for a in (published.angle_rad, ours.angle_deg)]
    return Row(
        "gaps (appendix B.2)",
        "share of angles that are known when 43 % of the points are missing",
        *map(said, share),
    )


def rooted() -> Row:
    walk = np.column_stack([20 + 100 * test_kinematics.T, 0 * test_kinematics.T + 180])
    found = test_kinematics.measured(test_kinematics.tracks(walk, size=(60, 180))).tracks
    published, _ = both(someone(60), test_kinematics.T)  # whatever walks, its hips are the origin
    hips = COCO_WHOLEBODY_133.index("left_hip")
    return Row("poses are relative to the hips", "body lengths that somebody of 180 px walks on 590 px",
               *map(said, (published.speed[:, hips].sum() / 10, found.distance_px[0] / found.body_px[0])))  # fmt: skip


def toggling() -> Row:
    points, score = someone(60), np.ones((60, 133))
    score[30:36, COCO_WHOLEBODY_133.index("left_heel")] = 0
    published, ours = both(points, np.arange(60) / 30, score)
    jump = [
        float(np.nanmax(np.abs(np.diff(a, axis=0))))
        for a in (np.degrees(published.angle_rad[:, [ANKLE]]), ours.angle_deg[:, [ANKLE]])
    ]
    return Row(
        "heel or toe (table 4)",
        "degrees by which a resting ankle jumps while its heel is unseen",
        *(said(j, digits=0) for j in jump),
    )


ROWS = (
    squares, mirrored, bins, constant, growing, spreading, waving, jitter, signed, straight, uneven, missing, rooted,
    toggling,
)  # fmt: skip


def line(row: Row) -> str:
    return "| " + " | ".join(row) + " |"


@pytest.mark.parametrize("made", ROWS, ids=lambda made: made.__name__)
def test_the_table_of_errors_says_what_the_code_gives(made):
    assert line(made()) in PAGE.read_text().splitlines()


def test_the_page_names_every_choice_of_the_published_kinematics():
    """Numbered alike in ``kpm``'s docstring and on the page."""
    text = PAGE.read_text()
    numbers = [n for n in range(1, 30) if f"\n{n}. *" in kpm.__doc__]
    assert numbers == list(range(1, 14))
    assert all(f"\n| {n} | " in text for n in numbers)


def test_the_page_names_every_quantity_of_bodies():
    text = PAGE.read_text()
    shown = {*body.Angles._fields, *body.Trunk._fields}
    assert not [name for name in shown if f"`{name}`" not in text]


if __name__ == "__main__":
    print("\n".join(line(made()) for made in ROWS))
