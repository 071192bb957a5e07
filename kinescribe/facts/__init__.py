"""What events say, one family a file."""

from kinescribe.facts import camera, limbs, pairs, travel
from kinescribe.facts.settings import FactSettings

__all__ = ["FactSettings", "camera", "limbs", "pairs", "travel"]
