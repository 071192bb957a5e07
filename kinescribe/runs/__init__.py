"""A run: videos become clips at the door, workers annotate them, one writer commits, everyone else only reads."""
