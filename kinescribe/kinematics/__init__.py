"""How bodies move, from keypoints: ``kpm`` exactly as published, ``body`` as it is right to measure. Pure numpy."""
