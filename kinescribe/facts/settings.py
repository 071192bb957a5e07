"""Limits of what may be said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FactSettings:
    """From where on an event may be said, and with which word."""

    min_confidence: float = 0.5
    """Facts that are less likely to be true, as counted on rendered worlds (``facts.calibration``), are not stated."""
    slow_widths_s: float = 0.06
    """Slower than this many frame widths per second is "slowly": over 16 s from side to side."""
    quick_widths_s: float = 0.4
    """Faster is "quickly": under 2.5 s from side to side."""
    slight_widths: float = 0.06
    """A shorter way is "slightly"."""
    far_widths: float = 0.5
    """A longer one is "far"."""
    min_camera_share: float = 0.9
    """Share of the clip in which the camera must do something for it to be said of the whole clip, in which it must be
    known to be said to stand still where only the whole was looked at, and for a named thing that never
    moves to be said to stay."""
    min_camera_s: float = 1.0
    """The camera is said to stand still for at least this long; half as long between two motions is no pause."""
    min_life_s: float = 0.95
    """Nothing is said of regions without a class that are seen for less: fragments of people and of edges before an
    unsteady camera live 0.5 to 0.9 s, hands that come and go over 1 s."""
    max_pause_s: float = 4.0
    """Longer apart, two swings of a limb are two actions, not one that is repeated."""
    max_tempo: float = 1.7
    """The same if the time between them changes by more than this factor, or their length by 1.8 times it."""
    max_cycles_off: float = 0.6
    """A count is said if the rhythm has as many cycles: half a cycle is one swing up (or down) more than down (up)."""
    min_rhythm_share: float = 0.75
    """The rhythm must have been seen for most of the time in which the swings are counted."""
    full_torsos: float = 0.8
    """An arm is raised "fully" with the wrist so far above the shoulder: above the head, which ends at 0.7."""
    slight_deg: float = 60.0
    """A joint that bends by less, and stays open by twice that, does so "slightly" ..."""
    deep_deg: float = 85.0
    """... one that is folded to less than this, a right angle within the error of skeletons, "deeply" ..."""
    straight_deg: float = 160.0
    """... and one that is straightened from there to beyond this, "fully"."""
    min_bow_deg: float = 65.0
    """Hips bend in most of what bodies do; from here on it is a bow."""
    min_kick_torsos: float = 1.0
    """A foot that is lifted so far, in trunk lengths, does not step: heels of runners come up by 0.8."""
    max_turns_off: float = 0.2
    """Whole turns are counted if they are whole within a fifth."""
