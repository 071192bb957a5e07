"""Statistics as tables: the one that papers print, one per writer, and everything as plain rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kinescribe.statistics.measure import Statistics, Writer
from kinescribe.statistics.spread import Histogram, Spread


class Row(NamedTuple):
    """A line of the main table."""

    title: str
    unit: str
    values: tuple[float | int | None, ...]
    """One per run."""
    published: str = ""
    """What a paper reports of its data set, to compare with."""


def main_table(runs: Sequence[Statistics]) -> list[Row]:
    """Return what papers report of data sets, a value per run."""

    def row(title: str, unit: str, value: Any, published: str = "") -> Row:
        return Row(title, unit, tuple(value(run) for run in runs), published)

    return [
        row("videos", "", lambda s: s.holds.sources),
        row("clips", "", lambda s: s.holds.clips),
        row("length of all clips", "hours", lambda s: s.holds.video_s / 3600),
        row("clip duration, mean", "s", lambda s: s.video.duration_s.mean, "17.51 (FoundationMotion)"),
        row("questions", "", lambda s: s.qa.questions),
        row("questions per clip, mean", "", lambda s: s.qa.per_clip.mean, "10.04 (FoundationMotion)"),
        row("questions per second, mean of clips", "1/s", lambda s: s.qa.per_s.mean, "1.671 (FoundationMotion)"),
        row("question length, mean", "characters", lambda s: s.qa.length.mean, "55.9 (FoundationMotion)"),
        row("answer positions even, chi-square p", "", lambda s: s.qa.balance.p),
        row("right answer is the longest", "%", lambda s: _percent(s.qa.lengths.longest)),
        row("... by chance", "%", lambda s: _percent(s.qa.lengths.chance)),
        row("questions made and dropped", "", lambda s: sum(s.questions_dropped.values())),
        row("checklist questions", "", lambda s: s.checklist.questions),
        row("captions", "", lambda s: s.holds.captions),
        row("words per scene caption, mean", "", lambda s: _mean(s.writers, "scene", "words"), "171.39 (KPM-Cap)"),
        row(
            "words per second, scene captions, mean", "1/s",
            lambda s: _mean(s.writers, "scene", "words_per_s"), "22.21 (KPM-Cap)",
        ),
        row(
            "verbs per region caption, mean", "",
            lambda s: _mean(s.writers, "region", "verbs"), "23 (MotionAtlas-Data)",
        ),
        row("claims that hold", "%", lambda s: _verdict(s.writers, "holds")),
        row("claims contradicted", "%", lambda s: _verdict(s.writers, "contradicted")),
        row("claims unknown", "%", lambda s: _verdict(s.writers, "unknown")),
        row("facts", "", lambda s: s.holds.facts),
        row("failures", "", lambda s: s.holds.failures),
        row("clips dropped on purpose", "", lambda s: s.holds.dropped),
        row("calls of language models", "", lambda s: sum(m.calls for m in s.calls.models) if s.calls else None),
        row("... tokens", "", lambda s: sum(m.tokens_in + m.tokens_out for m in s.calls.models) if s.calls else None),
        row("... cost where known", "USD", lambda s: sum(m.cost_usd for m in s.calls.models) if s.calls else None),
    ]  # fmt: skip


WRITER_COLUMNS = (
    "writer", "scope", "captions", "words", "words/s", "verbs", "claims", "hold %", "contradicted %", "unknown %",
    "sent back", "left out", "cut",
)  # fmt: skip


def writer_rows(writers: Sequence[Writer]) -> list[tuple[str, ...]]:
    """Return a line per writer and scope; words and verbs are means per caption."""
    return [
        (
            w.writer,
            w.scope,
            str(w.captions),
            *(cell(spread.mean) for spread in (w.words, w.words_per_s, w.verbs)),
            str(sum(w.verdicts.values())),
            *(cell(_percent(_share(w.verdicts, name))) for name in ("holds", "contradicted", "unknown")),
            str(w.edits["claims_sent_back"]),
            str(w.edits["claims_left_out"]),
            str(w.edits["sentences_cut"]),
        )
        for w in writers
    ]


CALL_COLUMNS = (
    "model",
    "calls",
    "tokens in",
    "tokens out",
    "cost (USD)",
    "of unknown cost",
    "mean latency (s)",
)


def call_rows(found: Statistics) -> list[tuple[str, ...]]:
    """Return a line per language model."""
    return [
        (
            m.model, str(m.calls), str(m.tokens_in), str(m.tokens_out), f"{m.cost_usd:.4f}", str(m.unpriced),
            cell(m.latency_s),
        )
        for m in (found.calls.models if found.calls else ())
    ]  # fmt: skip


def document(found: Statistics) -> dict[str, Any]:
    """Return a run as JSON: what it holds at the top, then a table per topic. Keys are only ever added."""
    holds = {f.name: getattr(found.holds, f.name) for f in dataclasses.fields(found.holds)}
    topics = ("video", "writers", "qa", "checklist", "questions_dropped", "motion", "failed", "calls")
    return {"run": found.run, **holds, **{name: plain(getattr(found, name)) for name in topics}}


def plain(value: Any) -> Any:
    """Return dataclasses and named tuples as mappings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Histogram):
        return {**value._asdict(), "bins": list(value.bins)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number and text of a document with its path; without histograms."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key != "histogram":
                yield from flat(item, f"{path}/{key}" if path else str(key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            named = isinstance(item, Mapping) and "writer" in item
            yield from flat(item, f"{path}/{item['writer']}, {item['scope']}" if named else f"{path}/{i}")
    else:
        yield path, value


def cell(value: float | int | None) -> str:
    """Return a number as people write it; a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _mean(writers: Sequence[Writer], scope: str, what: str) -> float | None:
    """Return the mean over the captions of all writers in a scope."""
    spreads: list[Spread] = [getattr(w, what) for w in writers if w.scope == scope]
    number = sum(spread.n for spread in spreads)
    return sum(spread.sum for spread in spreads) / number if number else None


def _verdict(writers: Sequence[Writer], name: str) -> float | None:
    """Return which percentage of all judged claims got a verdict."""
    judged = {key: sum(w.verdicts[key] for w in writers) for key in ("holds", "contradicted", "unknown")}
    return _percent(_share(judged, name))


def _share(found: Mapping[str, int], name: str) -> float | None:
    """Return a verdict's share of the judged claims."""
    judged = sum(found[key] for key in ("holds", "contradicted", "unknown"))
    return found[name] / judged if judged else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
