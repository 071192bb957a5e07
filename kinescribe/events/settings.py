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
    window of 0.7 s finds in noise alone at 10 Hz, to which other rates are brought."""
    min_shift_widths: float = 0.02
    """A movement must get this far (share of the frame width) ..."""
    min_shift_sizes: float = 0.15
    """... and this far in its own sizes ..."""
    min_shift_noise: float = 4.0
    """... and this many standard deviations of the box's jitter."""
    min_rest_s: float = 1.0
    """A rest shorter than this is not called a pause or a stop."""
    min_settled_s: float = 0.6
    """A rest of at least this before the first movement shows that it sets off: the judge's ``MIN_REST_S``."""
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
    min_depth_log: float = 0.15
    """Change of ln(distance) that shows that something comes or goes, where a metric net looks: 16 %, half of what
    sizes must show; a step of 0.3 m at two metres ..."""
    min_depth_share: float = 0.08
    """... of a relative net, in shares of how deep the picture is; such a step is 0.26 in a room from two to six ..."""
    min_depth_noise: float = 6.0
    """... and this many standard deviations of the noise. Of things that rest, this many are said to come or go within
    six seconds, where a metric net errs by 6 % (10 %): of white noise none (none); if half of it lasts for 0.2 s, 0.2 %
    (0.8 %); if four fifths of it do, 6 % (12 %)."""
    min_order: float = 0.1
    """By so much one is nearer than another to be in front of it: of ln(distance), or of how deep the picture is ..."""
    min_order_share: float = 0.7
    """... in this share of the looks from the first such to the last ..."""
    min_order_s: float = 1.0
    """... for so long at least."""
    min_arm_torsos: float = 0.6
    """How far a wrist or an ankle must rise or fall, in torso lengths: hanging is -1, level with the shoulder 0."""
    min_middle_torsos: float = 0.2
    """An arm is lifted if the elbow rises by this much, too (a leg, the knee): the upper arm leaves the trunk by 45
    degrees. Else it is the hand that is lifted."""
    min_own_share: float = 0.6
    """Share of what an ankle rises to the hip that must be its own way in the scene: in a squat the hips sink."""
    min_joint_deg: float = 45.0
    """How far a joint must bend: more than twice the 15-20 degrees error of monocular joint angles."""
    max_swing_s: float = 3.0
    """A limb that takes longer is drifting with the body or the net's doubts."""
    min_lean_deg: float = 25.0
    """How far a trunk must tip: people who stand sway by 5, who reach by 15 degrees; and the errors of four joints."""
    depth_doubt: float = 0.6
    """By this share more where it tips along the line of sight: there only the depth shows it, which is a guess."""
    max_upright_deg: float = 20.0
    """Who leans was upright before, within this much: a camera that looks down lets everybody lean ..."""
    max_lean_deg: float = 62.0
    """... and is not bent level or lying afterwards: that is bending at the hips, or falling."""
    min_turn_deg: float = 60.0
    """How far a body must turn: the yaw of a skeleton from one camera is off by 20 to 30 degrees."""
    max_turn_s: float = 8.0
    """Slower than this a body does not turn, the view of it does."""
    max_turn_deg_s: float = 300.0
    """Faster than this no body turns but a dancer's; skeletons whose left and right change places do."""
    max_yaw_off_deg: float = 25.0
    """The shoulders keep as close to the smooth yaw of the trunk while it turns; seen from behind, skeletons tremble by
    40 (the woman of the store aisle clip)."""
    min_jump_torsos: float = 0.2
    """How far both feet and the hips must leave the ground: 10 cm, a flight of 0.29 s."""
    max_flight_s: float = 1.0
    """Nobody flies for longer: 0.9 s is a jump of 1 m."""
    max_jump_torsos: float = 1.0
    """How far the hips may go sideways meanwhile: who runs leaves the ground, too, and gets twice as far."""
    max_pause_s: float = 4.0
    """Swings of a limb that are further apart do not belong together (``FactSettings.max_pause_s``)."""
    min_pair_widths: float = 0.12
    """How much the distance of two subjects must change, in frame widths."""
    max_pairs: int = 66
    """Relations are looked for among the longest-lived tracks only (12 of them), to bound crowds."""
    max_pass_sizes: float = 1.5
    """What goes by leaves at most so many sizes (mean of both) between the edges: beyond, a viewer sees no passing."""
    min_pass_widths: float = 0.04
    """What goes by is clear of the other and this far before it, then this far behind it (share of the frame width)."""
    max_resting_share: float = 0.25
    """Of two, one rests beside the other if it gets on by less than this share of the other's way."""
    max_parallel_deg: float = 35.0
    """Ways that differ by less are one way; within as much of 180, opposite ways. Coarser than eight directions tell
    apart (22.5 to either side) by the error of a heading over a short way."""
    min_crossing_deg: float = 45.0
    """Ways that differ by at least as much (and from 180) cross at a clear angle."""
    min_crossing_sizes: float = 0.75
    """Each path goes on for so many own sizes before and after the crossing, or it only reaches the other path."""
    max_crossing_s: float = 3.0
    """Longer after the other has been there, to cross its path is no relation that a viewer sees."""
    min_follow_s: float = 1.5
    """As long, at least, one is behind the other."""
    max_follow_deg: float = 30.0
    """Headings of the two, and the leader's place off the follower's heading, differ by less."""
    max_follow_sizes: float = 6.0
    """A farther one is not followed (distance of centres, in mean sizes)."""
    max_follow_change: float = 0.3
    """A steady distance changes by less than this share of its median."""
    min_touch_gap: float = 0.4
    """What comes up to something was so many sizes away from it (between the edges) ..."""
    max_touch_gap: float = 0.12
    """... then at most so many; a detector's edge is about as far off ..."""
    max_touch_overlap: float = 0.3
    """... and never overlaps it by more: what does has gone before or behind it."""
    min_touch_change: float = 0.6
    """In contact, the velocity that brought one up to the other changes by this share of itself, at least."""
