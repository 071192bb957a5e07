"""A net that sees what hands touch, as a TorchScript module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinescribe.backends import SeenContacts
from kinescribe.backends.hands.hands23 import PARTS, Hands23
from kinescribe.errors import BackendError
from kinescribe.vocabulary import CONTACTS
from tests.test_hands import clip_of

SIDE = 64
BOXES = np.array([[10.0, 20, 30, 40], [28, 18, 50, 36]], np.float32)
OBJECT = CONTACTS.index("object_contact")


def saved(file: Path, named: bool, parts: int = len(PARTS)) -> Path:
    """Script a module that finds a left hand and the object in it, where the picture is not black."""
    import torch

    pairs = torch.zeros(2, 2, 5)
    pairs[..., 0] = 1
    pairs[0, 1] = torch.tensor([0.1, 0, 0, 0.9, 0])
    values = [
        torch.tensor(BOXES),
        torch.tensor([0.95, 0.5]),
        torch.tensor([0, 1]),
        pairs,
        torch.tensor([0, 0]),
    ]

    class Net(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> Any:
            nothing = 0 * image.sum()  # the tracer wants all outputs to depend on the input
            found = [value + nothing for value in values][:parts]
            found[1] = found[1] * (image.amax() > 0)
            return dict(zip(PARTS, found, strict=True)) if named else tuple(found)

    torch.jit.trace(Net(), torch.ones(1, 3, SIDE, SIDE), strict=False).save(str(file))
    return file


def looked(file: Path, grey: int = 90, **settings: Any) -> SeenContacts:
    from kinescribe.video import ArrayFrames

    pictures = ArrayFrames(np.full((3, SIDE, SIDE, 3), grey, np.uint8), np.arange(3) / 10)
    options = {"short_side": SIDE, "long_side": SIDE, "device": "cpu", **settings}
    return Hands23(model=f"torchscript:{file}", **options).touches(clip_of(3), pictures)


@pytest.mark.parametrize("named", [True, False])
def test_a_module_answers_by_name_or_in_order(named: bool, tmp_path: Path) -> None:
    file = saved(tmp_path / "net.pt", named)
    seen = looked(file)
    assert seen.sample.tolist() == [0, 2]
    np.testing.assert_allclose(seen.xyxy, BOXES[[0, 0]])
    np.testing.assert_allclose(seen.held_xyxy, BOXES[[1, 1]])
    assert seen.contact.tolist() == [OBJECT, OBJECT]
    assert seen.score.tolist() == pytest.approx([0.95, 0.95])
    assert not seen.right.any()
    assert len(looked(file, grey=0).score) == 0
    again = looked(file)
    np.testing.assert_array_equal(again.xyxy, seen.xyxy)


def test_files_that_are_no_such_module(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("no net")
    whole = saved(tmp_path / "net.pt", named=False).read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    for name in ("text.pt", "cut.pt"):
        with pytest.raises(BackendError, match="cannot be read as a TorchScript module"):
            looked(tmp_path / name)
    with pytest.raises(
        BackendError, match="gives 4 tensors, expected boxes, scores, labels, pair_probs, side"
    ):
        looked(saved(tmp_path / "four.pt", named=False, parts=4))


def test_other_weights_are_another_identity(tmp_path: Path) -> None:
    net = Hands23(model=f"torchscript:{saved(tmp_path / 'net.pt', named=False)}")
    before = net.identity()
    assert before == net.identity()
    assert before.startswith("torch ")
    saved(tmp_path / "net.pt", named=True)
    assert net.identity() != before


def test_a_device_that_is_not_here(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(BackendError, match="no cuda device"):
        looked(saved(tmp_path / "net.pt", named=False), device="cuda")
