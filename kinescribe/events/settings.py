"""Limits of what counts as an event, relative to the subject's size, the frame and the noise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EventSettings:
    """From where on a change is an event. Each family of events reads its own limits."""

    min_speed_widths_s: float = 0.01
    """Slower than this share of the frame width per second is still: at 640 px, 6.4 px/s."""
    min_speed_sizes_s: float = 0.08
    """And slower than this share of the subject's own size per second: a big subject sways without going."""
    min_speed_noise_s: float = 8.0
    """And slower than this many standard deviations of the jitter per second: four times the slope that a
    window of 0.7 s at 10 Hz finds in noise alone."""
    min_shift_widths: float = 0.02
    """A movement must get this far (share of the frame width) ..."""
    min_shift_sizes: float = 0.15
    """... and this far in its own sizes ..."""
    min_shift_noise: float = 4.0
    """... and this many standard deviations of the box's jitter."""
    min_rest_s: float = 1.0
    """A rest shorter than this is not called a pause or a stop."""
    max_entering_share: float = 0.8
    """What comes in shows at first at most this share of the height (or width) it has a second later."""
    min_scale_log: float = 0.3
    """Change of ln(size) that shows a change of depth: 35 % nearer or farther."""
    min_scale_log_blob: float = 0.5
    """The same for regions without a class, whose outlines breathe."""
    min_depth_fit: float = 0.8
    """How straight ln(size) must go with time (r squared) to be a change of depth ..."""
    min_depth_fit_blob: float = 0.93
    """... and for regions without a class."""
    min_arm_torsos: float = 0.6
    """How far a wrist must rise or fall, in torso lengths: hanging is -1, level with the shoulder 0."""
    min_joint_deg: float = 45.0
    """How far a joint must bend: more than twice the 15-20 degrees error of monocular joint angles."""
    max_swing_s: float = 3.0
    """A limb that takes longer is drifting with the body or the net's doubts."""
    min_pair_widths: float = 0.12
    """How much the distance of two subjects must change, in frame widths."""
    max_pairs: int = 66
    """Relations are looked for among the longest-lived tracks only (12 of them), to bound crowds."""
