"""What is seen in single samples, one backend per file (``plugins.load("detectors", name)``)."""
