"""The judge: whether a claim holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kinescribe.checks.bodies import LIMB_SIGNS, judge_limb
from kinescribe.checks.camera import judge_camera
from kinescribe.checks.depths import along_sight, judge_order
from kinescribe.checks.measurements import Judgement, Measurements, Window
from kinescribe.checks.meetings import judge_meeting
from kinescribe.checks.paths import move, stay
from kinescribe.checks.relations import judge_border, judge_distance
from kinescribe.checks.stances import judge_stance
from kinescribe.checks.tempo import accelerate, decelerate, pause, start, stop
from kinescribe.language.grounding import FRAME_WORDS, meaning
from kinescribe.records import CAMERA, Action, Claim
from kinescribe.vocabulary import ORDERS, RELATIONS


def check(claim: Claim, measurements: Measurements) -> Judgement:
    """Judge one claim.

    Returns:
        ``holds`` None where the words name no track, no measurement exists for the verb, or the data do not say.
    """
    action = claim.action
    if claim.subject is None:
        return Judgement(None, f'nobody that was tracked is called "{action.agent or "(unsaid)"}"')
    meant = meaning(action, claim.subject)
    if meant is None:
        return Judgement(None, f'no measurement shows whether something does "{action.predicate}"')
    found = _affirmed(Claim(meant, claim.subject, claim.object), measurements)
    if not meant.negated or found.holds is None:
        return found
    return Judgement(not found.holds, f"denied; {found.why}")


def _affirmed(claim: Claim, measured: Measurements) -> Judgement:
    """Judge what is denied or not as if it were said to happen."""
    if claim.subject == CAMERA:
        return judge_camera(claim.action, measured)
    assert claim.subject is not None
    predicate = claim.action.predicate
    if predicate in LIMB_SIGNS:
        return judge_limb(claim, measured)
    if predicate in ("lean", "turn", "jump"):
        return judge_stance(claim, measured)
    if measured.row(claim.subject) is None:
        return Judgement(None, f"subject {claim.subject} has no path")
    if predicate in ("approach", "separate"):
        return judge_distance(claim, measured)
    if predicate in ORDERS:
        return judge_order(claim, measured)
    if predicate in RELATIONS:
        return judge_meeting(claim, measured)
    if claim.action.patient is not None and not _is_frame(claim.action.patient):
        return Judgement(None, f'what happens to "{claim.action.patient}" is not measured')
    if predicate in ("enter", "leave"):
        return judge_border(claim, measured)
    if predicate not in _PATH_CHECKS:
        return Judgement(None, f'"{predicate}" is measured for the camera only')
    window = measured.window(claim.subject, claim.action.span)
    if isinstance(window, Judgement):
        return (along_sight(claim, measured) if predicate == "move" else None) or window
    return _PATH_CHECKS[predicate](claim.action, window)


def _is_frame(patient: str) -> bool:
    return patient.split()[-1].lower() in FRAME_WORDS


_PATH_CHECKS: Mapping[str, Callable[[Action, Window], Judgement]] = {
    "move": move,
    "stay": stay,
    "start": start,
    "stop": stop,
    "pause": pause,
    "accelerate": accelerate,
    "decelerate": decelerate,
}
