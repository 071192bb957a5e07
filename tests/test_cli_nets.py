"""``--detector`` and ``--pose``: from the command line to the records, with tiny nets."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kinescribe import video
from kinescribe.cli.app import app
from kinescribe.errors import BackendError
from kinescribe.records import Detections, Poses, Tracks
from kinescribe.runs.store import Run
from tests import test_detect_onnx, test_pose_rtmlib


def film(path: Path) -> Path:
    """Two seconds of still noise, 64 x 64."""
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    video.encode(path, ((i / 10, image) for i in range(20)), (64, 64))
    return path


def test_a_named_person_gets_133_points_in_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = [((10.0, 4.0, 40.0, 60.0), 0, 0.9), ((44.0, 30.0, 62.0, 60.0), 39, 0.8)]
    grid = test_detect_onnx.grid_answer(planted)
    test_detect_onnx.save(tmp_path / "eyes.onnx", {"output": grid})
    test_pose_rtmlib.save(tmp_path / "pose.onnx", test_pose_rtmlib.bins_of(133, 4, "xyz"))
    monkeypatch.chdir(tmp_path)
    arguments = ["annotate", str(film(tmp_path / "a.mp4")), "--out", "run", "--detector", "yolox:eyes.onnx",
                 "--pose", "rtmw3d:pose.onnx", "--set", 'detect.people=""', "--workers", "1"]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    settings = tomllib.loads((tmp_path / "run" / "run.toml").read_text())
    settings = settings.get("recipe", settings)
    assert settings["detect"]["named"] == "onnx"
    assert settings["detect"]["named_options"] == {"model": f"yolox:{tmp_path / 'eyes.onnx'}"}
    assert settings["pose"]["backend"] == "rtmlib"
    assert settings["pose"]["options"] == {"model": f"rtmw3d:{tmp_path / 'pose.onnx'}"}
    with Run.open(tmp_path / "run") as run:
        (clip,) = run.clips()
        records = run.records(clip.id)
    assert set(records[Detections].label) == {"person", "bottle"}
    assert sorted(records[Tracks].label) == ["bottle", "person"]
    poses = records[Poses]
    assert (poses.skeleton, poses.ids.tolist()) == ("coco_wholebody133", [0])
    assert np.isfinite(poses.keypoints).all()


def test_a_file_that_is_not_there_stops_before_the_work(tmp_path: Path) -> None:
    arguments = ["annotate", str(film(tmp_path / "a.mp4")), "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(app, [*arguments, "--detector", f"yolox:{tmp_path}/nowhere.onnx"])
    assert isinstance(done.exception, BackendError)
    assert not (tmp_path / "run").exists()


def test_published_files_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path))
    done = CliRunner().invoke(app, ["models", "list"])
    assert "yolox_s" in done.output
    assert "rtmw3d_x" in done.output
