"""The judge: whether a claim holds, recomputed from paths, sizes, joints and camera labels; how alike two texts are.

``check`` never sees events or facts, so that a wrong fact cannot vouch for itself. A claim with a span is judged in
that span; without one it holds if it is true of some stretch of the subject's life. Three answers: true, false, and
not to be known (``None``): unseen, not measurable, or too close to a limit. ``why`` gives the numbers.
"""

from kinescribe.checks.compare import Match, compare
from kinescribe.checks.judge import check
from kinescribe.checks.measurements import Judgement, Measurements
from kinescribe.checks.order import check_all, in_order
from kinescribe.checks.published import Published, kpm
from kinescribe.checks.relations import beside, gap, located, travelled
from kinescribe.checks.texts import Objection, claims_of, refuted
from kinescribe.checks.tolerances import MANNERS

__all__ = [
    "MANNERS",
    "Judgement",
    "Match",
    "Measurements",
    "Objection",
    "Published",
    "beside",
    "check",
    "check_all",
    "claims_of",
    "compare",
    "gap",
    "in_order",
    "kpm",
    "located",
    "refuted",
    "travelled",
]
