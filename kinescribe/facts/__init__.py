"""What events say, one family a file."""

from kinescribe.facts import bodies, calibration, camera, limbs, pairs, travel
from kinescribe.facts.settings import FactSettings

__all__ = ["FactSettings", "bodies", "calibration", "camera", "limbs", "pairs", "travel"]
