"""Trackers: which detections are the same subject over time.

A tracker is given all detections of a clip and answers with its raw tracks: every finite box is a detection
(``detection >= 0``), every detection is in at most one track, no track crosses a cut, and ids are any numbers
from 0. ``TrackSubjects`` bridges, joins, drops and numbers them. A new file here is covered by the conformance
test in ``tests/test_track.py``.

A tracker with ``follow`` (``backends.MaskTracker``) looks at the pictures as well and gives masks. Its tracks are whole
subjects: a box is a mask's, where there is none the subject is unknown, and ``TrackSubjects`` only drops and numbers.
"""
