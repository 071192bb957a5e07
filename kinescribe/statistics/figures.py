"""Figures as SVG: plain files that print well, need nothing and can be told apart without colour.

All text goes through ``_text`` and is escaped; looks are presentation attributes, so that a page may forbid styles.
Colours are Okabe and Ito's (as in Wong, Nature Methods 8, 441, 2011).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import escape

from kinescribe.statistics.measure import HOLDS, NOT_JUDGED, Quiz, Statistics, Writer
from kinescribe.statistics.spread import Histogram, Spread
from kinescribe.viewer.charts import round_step

BLUE, ORANGE, GREEN, VERMILLION, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9"
INK, SOFT, LINE, GREY = "#1c2126", "#59626c", "#d9dbda", "#a7adb3"
WIDTH = 420
LETTER_PX = 6.1
"""Of a letter of 11 px, on average: what labels are cut by."""
MOST_BARS = 14
"""Bars of a figure; the rest is summed up."""
TOP = 66
"""Where a scale that stands upright ends, below the heading."""
FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"


class Figure(NamedTuple):
    """A drawing with a name for its file."""

    name: str
    title: str
    svg: str


class Mark(NamedTuple):
    """A value that a histogram points out."""

    value: float
    label: str


def figures(found: Statistics) -> list[Figure]:
    """Return the figures of a run; what has no numbers has no figure."""
    made = [
        *_questions(found.qa),
        _histogram("clip_duration", "Clip duration", found.video.duration_s, "seconds", "clips", False),
        *_captions(found.writers),
        *_facts(found),
        _answers("checklist_positions", "Checklist: position of the right answer", found.checklist),
        _bars("questions_dropped", "Questions dropped", found.questions_dropped, "questions", ORANGE),
        _bars("failures", "What failed", found.failed.errors, "failures", VERMILLION),
    ]
    return [figure for figure in made if figure is not None]


def _questions(quiz: Quiz) -> list[Figure | None]:
    lengths = {"right answers": quiz.lengths.right, "wrong options": quiz.lengths.wrong}
    longest = quiz.lengths.longest
    told = ""
    if longest is not None and quiz.lengths.chance is not None:
        told = f"right answer is the longest: {longest:.1%} (chance {quiz.lengths.chance:.1%})"
    return [
        _answers("answer_positions", "Position of the right answer", quiz),
        _histogram("question_length", "Question length", quiz.length, "characters", "questions"),
        _histogram("questions_per_clip", "Questions per clip", quiz.per_clip, "questions", "clips"),
        _bars("categories", "Questions by category", quiz.categories, "questions", BLUE, _even(quiz)),
        _ranges("answer_lengths", "Length of options", lengths, "characters", told),
    ]


def _even(quiz: Quiz) -> str:
    return "" if quiz.evenness is None else f"evenness {quiz.evenness:.2f} of 1"


def _captions(writers: Sequence[Writer]) -> list[Figure | None]:
    rows = {f"{w.writer}, {w.scope}": w for w in writers}
    return [
        _verdicts(rows),
        _ranges("words", "Words per caption", {name: w.words for name, w in rows.items()}, "words"),
        _ranges(
            "words_per_s",
            "Annotation density",
            {name: w.words_per_s for name, w in rows.items()},
            "words / s",
        ),
        _ranges("verbs", "Motions per caption", {name: w.verbs for name, w in rows.items()}, "verbs"),
    ]


def _facts(found: Statistics) -> list[Figure | None]:
    motion = found.motion
    return [
        _bars("predicates", "Facts by predicate", found.holds.predicates, "facts", GREEN),
        _bars("directions", "Facts by direction", motion.directions, "facts", GREEN),
        _bars("subjects", "Facts by subject", motion.subjects, "facts", GREEN),
        _bars("trajectories", "Facts by shape of path", motion.trajectories, "facts", GREEN),
        _bars("verbs_used", "Verbs of the captions", motion.verbs, "motions", GREEN),
    ]


# --- kinds of figures ---------------------------------------------------------------------------------------


def _answers(name: str, title: str, quiz: Quiz) -> Figure | None:
    """Columns by letter, and a line at what chance would give (FoundationMotion, figure 5a)."""
    positions, expected = quiz.balance.positions, quiz.balance.expected
    total = sum(positions.values())
    if not total:
        return None
    p = "too few for a test" if quiz.balance.p is None else f"chi-square p = {_p(quiz.balance.p)}"
    top, height = max(*positions.values(), *expected.values(), 1), 230
    axis = _Axis(0, _above(top), height - 40, TOP)
    parts = [*axis.vertical(48, WIDTH - 16, "questions")]
    slot = (WIDTH - 64) / len(positions)
    for i, (letter, number) in enumerate(positions.items()):
        left, y = 48 + slot * (i + 0.12), axis.at(number)
        inside = axis.low - y > 46  # below the line of chance
        at, color = (axis.low - 8, "#fff") if inside else (y - 6, INK)
        parts += [
            _rect(left, y, slot * 0.76, axis.low - y, BLUE),
            _text(left + slot * 0.38, at, f"{number} ({number / total:.0%})", 11, color, "middle"),
            _text(left + slot * 0.38, axis.low + 16, letter, 12, INK, "middle"),
        ]
        y = axis.at(expected.get(letter, 0.0))
        parts.append(_line(48 + slot * i + 4, y, 48 + slot * (i + 1) - 4, y, VERMILLION, 1.5, "5 3"))
    return _figure(name, title, f"n = {total}; dashed: even; {p}", parts, height)


def _histogram(
    name: str, title: str, spread: Spread, unit: str, things: str, whole: bool = True
) -> Figure | None:
    """Columns over equal bins, with mean and median."""
    shown = spread.histogram
    if shown is None or spread.mean is None or spread.median is None:
        return None
    height, left, right = 230, 48, WIDTH - 16
    axis = _Axis(0, _above(max(*shown.bins, shown.over, 1)), height - 40, TOP)
    columns = [*shown.bins, *([shown.over] if shown.over else [])]
    slot = (right - left) / len(columns)
    parts = [*axis.vertical(left, right, things)]
    for i, number in enumerate(columns):
        if number:
            color = BLUE if i < len(shown.bins) else GREY
            y = axis.at(number)
            parts.append(_rect(left + slot * i + 0.5, y, max(slot - 1, 0.5), axis.low - y, color))
    parts += _edges(shown, left, slot, axis.low, whole)
    end = left + slot * len(shown.bins)
    for mark, dash, color in ((spread.median, "", VERMILLION), (spread.mean, "4 3", INK)):
        x = left + ((mark - shown.start) / shown.step + (whole and shown.step == 1) / 2) * slot
        if left <= x <= end:
            parts.append(_line(x, axis.high, x, axis.low, color, 1.5, dash))
    parts.append(_text((left + right) / 2, height - 6, unit, 11, SOFT, "middle"))
    told = f"n = {spread.n}; median {spread.median:.3g} (line), mean {spread.mean:.3g} (dashed)"
    return _figure(name, title, told, parts, height)


def _edges(shown: Histogram, left: float, slot: float, low: float, whole: bool) -> list[str]:
    """Label every so many edges of a histogram's bins."""
    number = len(shown.bins)
    every = max(1, math.ceil(number / 8))
    single = whole and shown.step == 1  # a bin is one number, and its middle is where that stands
    parts = [
        _text(
            left + slot * (i + single / 2),
            low + 15,
            f"{shown.start + shown.step * i:.6g}",
            11,
            SOFT,
            "middle",
        )
        for i in range(0, number + (not single), every)
    ]
    if shown.over:
        parts.append(_text(left + slot * (number + 0.5), low + 15, "more", 11, SOFT, "middle"))
    return parts


def _bars(
    name: str, title: str, found: Mapping[str, int], things: str, color: str, told: str = ""
) -> Figure | None:
    """Bars by name, the longest first; the many short ones are summed up."""
    rows = [(label.replace("_", " "), number) for label, number in found.items() if number]
    if not rows:
        return None
    total = sum(number for _, number in rows)
    if len(rows) > MOST_BARS:
        rest = rows[MOST_BARS - 1 :]
        rows = [*rows[: MOST_BARS - 1], (f"{len(rest)} others", sum(number for _, number in rest))]
    left = _room([label for label, _ in rows])
    scale = (WIDTH - left - 84) / max(number for _, number in rows)
    parts = []
    for i, (label, number) in enumerate(rows):
        y = 52 + 20 * i
        grey = len(found) > MOST_BARS and i == len(rows) - 1
        parts += [
            _label(left - 6, y + 11, label, left - 10),
            _rect(left, y, max(number * scale, 1), 14, GREY if grey else color),
            _text(left + number * scale + 5, y + 11, f"{number} ({number / total:.0%})", 11, INK),
        ]
    return _figure(
        name, title, f"n = {total} {things}{'; ' if told else ''}{told}", parts, 60 + 20 * len(rows)
    )


def _ranges(name: str, title: str, found: Mapping[str, Spread], unit: str, told: str = "") -> Figure | None:
    """Per row the middle half as a bar, the median as a line in it and the mean as a point."""
    rows = {label: spread for label, spread in found.items() if spread.n}
    if not rows:
        return None
    left, right = _room(rows), WIDTH - 24
    top = max(max(s.p75 or 0.0, s.mean or 0.0) for s in rows.values())
    axis = _Axis(0, _above(top), left, right)
    low = 56 + 26 * len(rows)
    parts = []
    for tick in axis.ticks():
        parts.append(_line(axis.at(tick), 50, axis.at(tick), low, LINE, 1))
        parts.append(_text(axis.at(tick), low + 15, f"{tick:g}", 11, SOFT, "middle"))
    for i, (label, spread) in enumerate(rows.items()):
        y = 66 + 26 * i
        lower, upper = axis.at(spread.p25 or 0.0), axis.at(spread.p75 or 0.0)
        middle, mean = axis.at(spread.median or 0.0), axis.at(spread.mean or 0.0)
        parts += [
            _label(left - 8, y + 4, label, left - 10),
            _rect(lower, y - 7, max(upper - lower, 1), 14, SKY),
            _line(middle, y - 8, middle, y + 8, INK, 2),
            f'<circle cx="{mean:.1f}" cy="{y}" r="3.5" fill="{VERMILLION}" stroke="#fff" stroke-width="1"/>',
        ]
    way = f"{unit} (bar: middle half; line: median; point: mean)"
    parts.append(_text(WIDTH - 8, low + 32, way, 11, SOFT, "end"))
    return _figure(name, title, told or f"n = {sum(s.n for s in rows.values())}", parts, low + 40)


def _verdicts(rows: Mapping[str, Writer]) -> Figure | None:
    """Claims by verdict, a stacked bar per writer and scope."""
    judged = {label: w for label, w in rows.items() if sum(w.verdicts.values())}
    if not judged:
        return None
    looks = dict(
        zip(
            (HOLDS[True], HOLDS[None], HOLDS[False], NOT_JUDGED),
            (BLUE, "#c9ced2", VERMILLION, "#fff"),
            strict=True,
        )
    )
    left, right = _room(judged), WIDTH - 16
    parts = []
    x = 60.0
    for name, color in looks.items():
        parts += [_rect(x, 44, 10, 10, color, GREY), _text(x + 14, 53, name.replace("_", " "), 11, SOFT)]
        x += 30 + LETTER_PX * len(name)
    for i, (label, writer) in enumerate(judged.items()):
        y, x, total = 66 + 40 * i, float(left), sum(writer.verdicts.values())
        parts.append(_label(left - 8, y + 13, label, left - 10))
        for name, color in looks.items():
            width = (right - left) * writer.verdicts[name] / total
            if width:
                parts.append(_rect(x, y, width, 18, color, GREY))
            x += width
        told = ", ".join(
            f"{writer.verdicts[n] / total:.1%} {n.replace('_', ' ')}" for n in looks if writer.verdicts[n]
        )
        parts.append(_text(WIDTH - 8, y + 29, f"{total} claims: {told}", 10, SOFT, "end"))
    return _figure("verdicts", "Claims of the captions, checked", "", parts, 70 + 40 * len(judged))


# --- pieces -------------------------------------------------------------------------------------------------


class _Axis:
    """A scale from numbers to pixels."""

    def __init__(self, start: float, end: float, low: float, high: float) -> None:
        self.start, self.end, self.low, self.high = start, end, low, high

    def at(self, value: float) -> float:
        """Return where a value lies."""
        return self.low + (value - self.start) / (self.end - self.start) * (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return four to ten round values."""
        step = round_step((self.end - self.start) / 5)
        return [self.start + step * i for i in range(math.floor((self.end - self.start) / step + 1e-9) + 1)]

    def vertical(self, left: float, right: float, things: str) -> list[str]:
        """Draw the scale at the left, with lines across; counts have no halves."""
        parts = [_text(left - 6, self.high - 10, things, 11, SOFT)]
        for tick in self.ticks():
            if tick == round(tick):
                parts.append(_line(left, self.at(tick), right, self.at(tick), LINE, 1))
                parts.append(_text(left - 6, self.at(tick) + 4, f"{tick:g}", 11, SOFT, "end"))
        return parts


def _above(value: float) -> float:
    """Return a round number that leaves room above the largest value."""
    step = round_step(max(value, 1e-9) / 5)
    return step * math.ceil(1.08 * value / step) or 1.0


def _room(labels: Sequence[str] | Mapping[str, object]) -> float:
    """Return how far from the left bars begin, so that their labels fit."""
    return min(max(60.0, 16 + LETTER_PX * max(len(label) for label in labels)), 170.0)


def _label(x: float, y: float, label: str, room: float) -> str:
    """Return a text that ends at x; a long one is cut, and is whole where the pointer rests."""
    most = max(int(room / LETTER_PX), 4)
    shown = label if len(label) <= most else f"{label[: most - 1]}…"
    return _text(x, y, shown, 11, INK, "end", whole=label if shown.endswith("…") else "")


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _text(
    x: float, y: float, text: str, size: int, color: str, anchor: str = "start", whole: str = ""
) -> str:
    """Return a text; characters that XML does not know are shown as unknown."""
    title = f"<title>{_xml(whole)}</title>" if whole else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}">'
        f"{title}{_xml(text)}</text>"
    )


def _xml(text: str) -> str:
    known = (
        c
        if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff")
        else "\ufffd"
        for c in text
    )
    return str(escape("".join(known)))


def _rect(x: float, y: float, width: float, height: float, color: str, edge: str = "") -> str:
    border = f' stroke="{edge}" stroke-width="0.5"' if edge else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"{border}/>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str, width: float, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-width="{width}"{dashed}/>'
    )


def _figure(name: str, title: str, told: str, parts: Sequence[str], height: float) -> Figure:
    heading = [
        f'<text x="8" y="18" font-size="13" font-weight="600" fill="{INK}">{_xml(title)}</text>',
        _text(8, 35, told, 11, SOFT),
    ]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" font-family="{escape(FONT)}">'
        f"<title>{_xml(title)}</title>"
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>{"".join([*heading, *parts])}</svg>\n'
    )
    return Figure(name, title, svg)
