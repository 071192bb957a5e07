"""A run in numbers: what dataset papers report of theirs, and what a maker of data wants to know before using it.

``measure`` reads a run once, clip by clip, and keeps numbers only; ``figures`` and ``page`` draw them.

Sources of the figures: FoundationMotion, figure 5 and table 3 (lengths of clips and questions, questions per video and
second, positions of the right answer); KPM-Bench 3.4 (words per second and per video); MotionAtlas' project page
(verbs per sample).
"""
