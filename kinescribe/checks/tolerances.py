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
DEPTH_CHANGE_LOG = 0.1
"""Change of ln(distance) that a metric depth net must show: a tenth; facts ask for 0.15 ..."""
DEPTH_CHANGE_SHARE = 0.055
"""... of a relative net, in shares of how deep the picture is (facts: 0.08) ..."""
DEPTH_NOISE = 5.0
"""... and so many standard deviations of its noise (facts: 6). Of what rests so much seems to come in three seconds,
where a metric net errs by 6 %: of white noise 1 %, if half of it lasts for 0.2 s 5 %, if four fifths do 9 %."""
METRES_OFF, METRES_OFF_M = 0.2, 0.2
"""A distance in metres may be off by this share or this much; at twice it, it is wrong. On rooms that nets were trained
on they are off by 5 to 10 % (AbsRel on NYU: Bhat et al. 2023, arXiv:2302.12288), elsewhere by more."""
MIN_DEPTH_ORDER = 0.07
"""By this share of their distance (of the picture's depth, where it is not metric) one is before another (facts: 0.1)
..."""
MIN_BEFORE = 0.9
"""... in this share of the looks at least."""
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
AROUND_S = 0.6
"""What one does to another is looked for so long before and after the time that is claimed: a pass is over when the
boxes are clear of each other, an instant said of it when they begin to be."""
MAX_PASS_SIZES, FAR_PASS_SIZES = 2.5, 4.0
"""Edges this many mean sizes apart as one goes by the other: up to the first it passes, beyond the second it does
not."""
CROSSING_DEG, ALONG_DEG = 40.0, 27.0
"""Lines that meet at more than the first cross; at less than the second they go along each other."""
MIN_CROSSING_SIZES = 0.5
"""Each goes on for this many own sizes on both sides of a crossing."""
MIN_STRAIGHTNESS = 0.95
"""Share of a way's variance along one line from which on the line stands for the way."""
MIN_FOLLOW_S = 1.35
"""What follows something does so for this long: a tenth less than events ask, for spans are said in tenths."""
MAX_FOLLOW_SIZES = 6.5
"""What is followed is at most this far ahead (mean sizes); at ``1 / DOUBT`` times it nobody follows it."""
MAX_FOLLOW_CHANGE = 0.36
"""A steady distance changes by at most this share of itself; at ``1 / DOUBT`` times it is not steady."""
MAX_TOUCH_SIZES = 0.25
"""Edges that meet come this near (mean sizes); a detector's are about a tenth off ..."""
MAX_DEEP_SIZES = 0.4
"""... and do not overlap by more, or one is before the other."""
MIN_COMING_SIZES = 0.3
"""What meets something comes up to it by this much at least."""
MIN_CHANGED = 0.5
"""Where two are to each other a moment after they meet is off, by this share of the way, from where they were going."""
MIN_ARM_TORSOS = 0.4
"""How far a hand must rise in torso lengths: what 20 degrees of error at the shoulder fake for an arm of 1.15."""
MIN_JOINT_DEG = 30.0
"""How far a joint must bend: monocular joint angles are 15 to 20 degrees off (docs/method.md)."""
TYPICAL = 0.4
"""Swings under this share of the largest are not counted: a limb trembles while it is used."""
REACHED: Mapping[tuple[str, str], tuple[float, float]] = {
    ("raise", "fully"): (0.7, 0.4),
    ("bend", "deeply"): (95.0, 115.0),
    ("straighten", "fully"): (155.0, 140.0),
}
"""Words for how far a limb gets: where it must get for them to be true, and what it must not reach to be false.
Hands in trunk lengths above the shoulder (the head ends at 0.7), joints in degrees. Kinder than the facts are, by half
the error of a monocular skeleton."""
SLIGHT_DEG = 70.0
"""A joint that bends by at most so much does so slightly."""
MIN_LEAN_TRUNKS = 0.3
"""How far the shoulders must go out over the hips, in trunk lengths: a trunk that tips by 17 degrees."""
MIN_TURN_DEG = 50.0
"""How far a body must turn: what facts demand (60) less half the error of the yaw, which is 20 to 30 degrees."""
MIN_JUMP_TRUNKS = 0.15
"""How far shoulders and feet must go up and come down, in trunk lengths: 8 cm."""
FLIGHT_S = 1.0
"""From the ground to the ground: 0.9 s is a jump of 1 m."""
SHOULDER_TRUNKS, NOSE_TRUNKS = 0.7, 0.3
"""Half turns in the picture: how wide shoulders are from the front, and how far the nose is beside them from the
side, in trunk lengths (demo clip: 0.7 and 0.35; the worlds' bodies: 0.72 and 0.24)."""
MIN_POINT_SCORE = 0.5
"""A body point below this is unknown."""
CIRCLE_DEG = 270.0
"""Swept about its middle, a path is a circle from here on."""
ROUNDNESS = 0.4
"""Spread of the distances from the middle over their mean: 0 for a circle, 0.33 for an ellipse of 3 to 1, 0.58 for
a line, which sweeps half a turn as it passes its own middle."""
OPEN = 0.8
"""A path whose ends are this much of its extent apart is no circle: those of one that is 60 degrees short are 0.5, of
an arc of 240 degrees 0.87."""
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
