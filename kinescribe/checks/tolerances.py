"""The limits of the judge.

A limit has two sides: an effect above it is true, one below ``DOUBT`` times it is false, between is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

DOUBT = 0.6
"""Below this share of a limit an effect is absent; between, nothing is said. Half of it would call jitter unknown."""
MIN_SHIFT_WIDTHS = 0.02
"""A shift must exceed this share of the frame width: 13 px at 640, about the error of a box edge on a person ..."""
MIN_SHIFT_NOISE = 3.0
"""... and this many standard deviations of the box's jitter ..."""
MIN_SHIFT_SIZES = 0.12
"""... and this share of the subject's own size: limbs move the centre of a standing person's box by a tenth."""
SECTOR_DEG = 45.0
"""A heading within this of a compass direction is that direction: neighbours of eight both fit on the border ..."""
SECTOR_DOUBT_DEG = 60.0
"""... one farther off than this is another direction. Perpendicular ways (90) are always another."""
MIN_SHARE_OF_EXTENT = 0.25
"""A way there must be this much of all the subject does: a bob against the way is no change of direction."""
MIN_SCALE_LOG = 0.2
"""Change of ln(size) that shows a change of depth: 22 %, more than a striding person's box breathes."""
MIN_KNOWN = 0.5
"""Share of the samples in a span that must be known."""
MAX_LOST_S = 0.35
"""A subject whose place is unknown for so long is not followed across it: three samples at 10 Hz can be bridged."""
MARGIN_S = 0.06
"""Spans are said in tenths of a second."""
INSTANT_S = 0.6
"""An event said "at" a time may be this much off: smoothing spreads a stop over 0.35 s to either side."""
SETTLE_S = 0.35
"""Smoothing reaches this far over the end of a rest."""
MIN_REST_S = 0.6
"""A stop or pause rests at least this long."""
SPEED_RATIO = 1.25
"""Mean speed of the last third over the first: from here on it speeds up; below ``STEADY_RATIO`` it does not."""
STEADY_RATIO = 1.1
MIN_GAP_WIDTHS = 0.06
"""How much the distance of two subjects must change, in frame widths ..."""
MIN_GAP_SHARE = 0.15
"""... and as a share of the larger distance."""
MIN_ARM_TORSOS = 0.4
"""How far a hand must rise in torso lengths: what 20 degrees of error at the shoulder fake for an arm of 1.15."""
MIN_JOINT_DEG = 30.0
"""How far a joint must bend: monocular joint angles are 15 to 20 degrees off (docs/method.md)."""
MIN_POINT_SCORE = 0.5
"""A body point below this is unknown."""
CIRCLE_DEG = 270.0
"""Swept about its middle, a path is a circle from here on."""
ROUNDNESS = 0.4
"""Spread of the distances from the middle over their mean: 0 for a circle, 0.33 for an ellipse of 3 to 1, 0.58 for
a line, which sweeps half a turn as it passes its own middle."""
STRAIGHT_DEVIATION = 0.12
"""A straight path leaves the line between its ends by less than this share of its length; a curve by more."""
MANNERS: Mapping[str, tuple[str, str, float]] = {
    "slowly": ("speed", "below", 0.075),
    "quickly": ("speed", "above", 0.32),
    "slightly": ("way", "below", 0.075),
    "far": ("way", "above", 0.4),
}
"""Manners of going: frame widths per second and frame widths. A fifth kinder than what facts demand
(``StateFacts``), because the same path measured again gives another number."""
SYNONYMS = {
    "rapidly": "quickly", "fast": "quickly", "swiftly": "quickly", "hurriedly": "quickly", "gradually": "slowly",
    "leisurely": "slowly", "gently": "slowly", "a little": "slightly", "barely": "slightly", "completely": "fully",
}  # fmt: skip
