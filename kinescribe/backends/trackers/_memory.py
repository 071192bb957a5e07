"""What the sessions of SAM 2 and SAM 3 in transformers keep of the past, and how much of it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinescribe.backends.nets import huggingface


def forget(state: Any, now: int, memories: int, pointers: int, prompts: int) -> None:
    """Take from a session of SAM 2 or 3 what no later picture is compared with.

    Transformers keeps the masks of all pictures in two sizes, which is where the gigabytes of long videos are. Answers
    stay what they were, but for vectors of prompted pictures older than the ``prompts`` nearest ones, which it would
    still look at.

    Args:
        state: the session.
        now: the number of the picture that is looked at next.
        memories: pictures whose masks are compared with.
        pointers: pictures of which one vector is.
        prompts: prompted pictures that are compared with, the nearest ones; none or less for four.
    """
    for number, kept in state.output_dict_per_obj.items():
        shown, followed = kept["cond_frame_outputs"], kept["non_cond_frame_outputs"]
        for old in sorted(shown)[: -(prompts if prompts > 0 else 4)]:
            del shown[old]
        for old in [k for k in followed if k < now - pointers]:
            del followed[old]
        for k, one in (*shown.items(), *followed.items()):
            one.pop("high_res_masks", None)
            if k < now - memories and k in followed:
                followed[k] = {"object_pointer": one["object_pointer"]}
        for inputs in (state.point_inputs_per_obj, state.mask_inputs_per_obj, state.frames_tracked_per_obj):
            for old in [k for k in inputs.get(number, {}) if k < now]:
                del inputs[number][old]


def in_memory(run: Callable[[], Any], needed_by: str) -> Any:
    """Return what a net answers; BackendError with a remedy where it does not fit into memory."""
    return next(huggingface.batches([run], 1, lambda some: [one() for one in some], _nothing, needed_by))


def _nothing(note: str) -> None:
    """Nothing is to be noted: there is only one picture at a time."""
