"""One subject's life in a few parts: what a model is shown of it, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinescribe.records import Clip, Segment, Span, Tracks


def life(clip: Clip, tracks: Tracks, track_id: int) -> Span:
    """Return the time from a subject's first box to its last; KeyError if there is none of this id.

    Without any box it is the whole clip.
    """
    seen = np.flatnonzero(np.isfinite(tracks.xyxy[tracks.row(track_id)]).all(axis=1))
    if not len(seen):
        return Span(0.0, clip.duration_s)
    return Span(float(clip.times_s[seen[0]]), float(clip.times_s[seen[-1]]))


def parts_of(segments: Sequence[Segment], track_id: int, most: int, least_s: float) -> list[Span]:
    """Return a subject's segments in order of time, with crumbs joined to a neighbour; a long rest is a part, too.

    The shortest is joined first, to the neighbour that is nearer in time, and of two that are equally near to the
    shorter one. A part may so hold a time in which the subject is not seen.

    Args:
        segments: of all subjects (``records.Events``).
        track_id: whose.
        most: parts, at most.
        least_s: a shorter part is a crumb, unless it is the only one.
    """
    spans = sorted(segment.span for segment in segments if segment.subject == track_id)
    while len(spans) > 1:
        i = min(range(len(spans)), key=lambda k: spans[k].duration_s)
        if len(spans) <= most and spans[i].duration_s >= least_s:
            break
        beside = [k for k in (i - 1, i + 1) if 0 <= k < len(spans)]
        j = min(beside, key=lambda k: (_gap_s(spans[i], spans[k]), spans[k].duration_s))
        first, last = sorted((i, j))
        spans[first : last + 1] = [Span(spans[first].start_s, max(spans[first].end_s, spans[last].end_s))]
    return spans


def _gap_s(one: Span, other: Span) -> float:
    # Boxes touch one sample apart; times are compared as they are written down.
    return round(max(one.start_s, other.start_s) - min(one.end_s, other.end_s), 3)
