"""Parquet for Hugging Face ``datasets``: a folder that ``load_dataset(FOLDER, "captions")`` reads as it is.

``README.md`` is the dataset card: its front matter names the configurations and their splits.
``captions/SPLIT.parquet`` and ``qa/SPLIT.parquet`` hold a row per caption and per question,
``checklist/SPLIT.parquet`` the questions that a caption is to answer. A split without rows has no file: ``datasets``
refuses it. The card says what the columns mean; their types stand in the files, also as ``datasets`` stores its own.
Row groups are bounded and the run is read clip by clip.

Splits are drawn by source video, by the checksum of its bytes: no video is in two. The draw hangs on the seed and the
video alone.

Sources: https://huggingface.co/docs/datasets/repository_structure and /package_reference/main_classes (Features).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

import kinescribe
from kinescribe.errors import RecipeError
from kinescribe.exporters import Exported, RunReader, Sieve, is_pending, wanted_clips, whole_paths
from kinescribe.exporters.jsonl import caption_rows, question_row, question_rows
from kinescribe.plain import number
from kinescribe.records import CAMERA, Captions, Clip, Question, Questions, Tracks
from kinescribe.vocabulary import CHECKLIST

__all__ = ["export"]

ROWS = 1000
"""Of a row group: some hundred kilobytes of text."""
REST = "train"
"""The split of what is in no other."""
CHECKLISTS = "checklist"
MARK = b"kinescribe"
"""Key of our own metadata in a file."""

Records = Mapping[type, Any]
Row = dict[str, Any]


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: pa.DataType
    meaning: str


_VERDICT = pa.struct(
    [
        ("claim", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("holds", pa.bool_()), ("why", pa.string()),
    ]
)  # fmt: skip
_ABOUT = (
    Column("clip_id", pa.string(), "the clip"),
    Column("video", pa.string(), "path of the source video as it was annotated"),
    Column("video_sha256", pa.string(), "checksum of its bytes"),
    Column("clip_start_s", pa.float64(), "where the clip begins in it, in seconds"),
    Column("clip_end_s", pa.float64(), "where it ends"),
    Column("subject", pa.int64(), "id of the track it is about; -1 the camera; null the scene"),
    Column("subject_label", pa.string(), "what that track was named"),
)
_QUESTION = (
    *_ABOUT,
    Column("category", pa.string(), "family of the question"),
    Column("template", pa.string(), "form of the question"),
    Column("question", pa.string(), "the question"),
    Column("options", pa.list_(pa.string()), "the options; exactly one is right"),
    Column("answer_index", pa.int32(), "place of the right one, from 0"),
    Column("answer", pa.string(), "the right one"),
    Column(
        "roles",
        pa.list_(pa.string()),
        "per option: content, not_mentioned, unclear, differs; empty: all contents",
    ),
    Column(
        "t_start",
        pa.float64(),
        "begin of the event asked about, seconds from the clip's start; null: the whole clip",
    ),
    Column("t_end", pa.float64(), "its end"),
    Column("fact_id", pa.string(), "the measured fact that is the answer"),
    Column("provenance", pa.string(), "how the answer is known and the others were found false"),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "captions": (
        *_ABOUT,
        Column("scope", pa.string(), "scene or region (one subject)"),
        Column("text", pa.string(), "the caption"),
        Column("writer", pa.string(), "who wrote it"),
        Column("num_claims", pa.int32(), "motions that it asserts"),
        Column("num_holds", pa.int32(), "of them, confirmed by measurement"),
        Column("num_contradicted", pa.int32(), "... refuted"),
        Column("num_unknown", pa.int32(), "... not to be known from what was measured"),
        Column("verdicts", pa.list_(_VERDICT), "each judged claim: text[start:end], and why"),
        Column("edits", pa.list_(pa.string()), "what was done to the text before"),
    ),
    "qa": _QUESTION,
    CHECKLISTS: _QUESTION,
}
"""The configurations and their columns."""


def export(
    run: RunReader, out: Path, *, split: str = "", seed: int = 0, contradicted: bool = False
) -> Exported:
    """Write a run as a dataset folder; its files are replaced together.

    Args:
        run: what is exported.
        out: the folder; it is made.
        split: shares of source videos, e.g. ``test=0.1`` or ``validation=0.1,test=0.1``; the rest is ``train``.
        seed: of the draw.
        contradicted: whether captions with a contradicted claim are kept, with their verdicts.

    Raises:
        RecipeError: the split cannot be read.
        StoreError: a question that is no checklist question does not have four options.
        OSError: the folder cannot be written.
    """
    out = Path(out)
    clips = wanted_clips(run)
    place = splits({clip.source_sha256 for clip in clips}, shares(split), seed)
    names = [REST, *shares(split)]
    made_of = {**provenance(run), "split": split, "seed": seed, "contradicted_captions": contradicted}
    for config in COLUMNS:
        (out / config).mkdir(parents=True, exist_ok=True)
    paths = [out / config / f"{name}.parquet" for config in COLUMNS for name in names]
    sieve, done, pending = Sieve(contradicted), 0, 0
    with whole_paths([*paths, out / "README.md"]) as partials:
        with ExitStack() as opened:
            tables = {
                key: opened.enter_context(_Table(partial, COLUMNS[key[0]], made_of))
                for key, partial in zip(((c, n) for c in COLUMNS for n in names), partials, strict=False)
            }
            for clip in clips:
                records = run.records(clip.id)
                if is_pending(records):
                    pending += 1
                    continue
                records = sieve(clip, records)
                for config, rows_of in ROWS_OF.items():
                    for row in rows_of(clip, records):
                        tables[config, place[clip.source_sha256]].add(row)
                done += 1
        rows = {key: table.rows for key, table in tables.items() if table.rows}
        for key, partial in zip(tables, partials, strict=False):
            if key not in rows:
                partial.unlink()
        partials[-1].write_text(_clean(card(rows, made_of, settings(run))), encoding="utf-8")
    written = [out / config / f"{name}.parquet" for config, name in rows]
    _forget(out, written)
    return sieve.exported(run, [*written, out / "README.md"], done, pending)


# --- splits -------------------------------------------------------------------------------------------------


def shares(split: str) -> dict[str, float]:
    """Return the share of videos of each split but the rest.

    Raises:
        RecipeError: it is not ``NAME=SHARE,...``, or the shares leave nothing.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in split.split(","))):
        name, _, share = part.partition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            raise RecipeError(f'split "{split}": write it as test=0.1 or validation=0.1,test=0.1') from None
    wrong = [name for name in found if not re.fullmatch(r"\w+", name, re.ASCII) or name == REST]
    if wrong:
        raise RecipeError(f'split "{split}": "{wrong[0]}" cannot be a split\'s name; {REST} is what is left')
    if any(not 0 < share < 1 for share in found.values()) or sum(found.values()) >= 1:
        raise RecipeError(f'split "{split}": shares are above 0 and leave something for {REST}')
    return found


def splits(videos: set[str], wanted: Mapping[str, float], seed: int) -> dict[str, str]:
    """Return the split of each video: shares are met to the nearest video, in an order drawn by the seed."""
    drawn = sorted(videos, key=lambda video: hashlib.sha256(f"{seed}:{video}".encode()).digest())
    place = dict.fromkeys(drawn, REST)
    start, edge = 0, 0.0
    for name, share in wanted.items():
        edge += share * len(drawn)
        end = min(max(round(edge), start), len(drawn))
        place.update(dict.fromkeys(drawn[start:end], name))
        start = end
    return place


# --- rows ---------------------------------------------------------------------------------------------------


def _about(clip: Clip, subject: int | None, records: Records) -> Row:
    tracks: Tracks | None = records.get(Tracks)
    label = None
    if subject is not None and tracks is not None and subject in tracks.ids:
        label = tracks.label[tracks.row(subject)]
    return {
        "clip_id": clip.id,
        "video": clip.source,
        "video_sha256": clip.source_sha256,
        "clip_start_s": number(clip.start_s),
        "clip_end_s": number(clip.end_s),
        "subject": subject,
        "subject_label": "camera" if subject == CAMERA else label,
    }


def _captions(clip: Clip, records: Records) -> Iterator[Row]:
    asserted = [len(caption.claims) for caption in records.get(Captions, Captions(())).captions]
    for told, num_claims in zip(caption_rows(clip, records), asserted, strict=True):
        holds = [verdict["holds"] for verdict in told["verdicts"]]
        yield {
            **_about(clip, told["subject"], records),
            "scope": told["scope"],
            "text": told["text"],
            "writer": told["source"],
            "num_claims": num_claims,
            "num_holds": holds.count(True),
            "num_contradicted": holds.count(False),
            "num_unknown": holds.count(None),
            "verdicts": told["verdicts"],
            "edits": told["edits"],
        }


def _questions(clip: Clip, records: Records) -> Iterator[Row]:
    for told in question_rows(clip, records):
        if told["category"] != CHECKLIST:
            yield _question(clip, records, told)


def _checklist(clip: Clip, records: Records) -> Iterator[Row]:
    asked: tuple[Question, ...] = records.get(Questions, Questions(())).questions
    for question in asked:
        if question.category == CHECKLIST and 0 <= question.answer_index < len(question.options):
            yield _question(clip, records, question_row(clip, question))


def _question(clip: Clip, records: Records, told: Row) -> Row:
    kept = {column.name: told[column.name] for column in _QUESTION if column.name in told}
    answer = told["options"][told["answer_index"]]
    return {**kept, **_about(clip, told["subject"], records), "answer": answer}


ROWS_OF: dict[str, Callable[[Clip, Records], Iterator[Row]]] = {
    "captions": _captions,
    "qa": _questions,
    CHECKLISTS: _checklist,
}
"""Who fills the configurations."""


# --- files --------------------------------------------------------------------------------------------------


@dataclass
class _Table:
    """A file that is written row group by row group."""

    path: Path
    columns: tuple[Column, ...]
    made_of: Mapping[str, Any]
    rows: int = 0
    _waiting: list[Row] = field(default_factory=list)

    def __enter__(self) -> _Table:
        features = {column.name: _feature(column.type) for column in self.columns}
        metadata = {
            b"huggingface": json.dumps({"info": {"features": features}}).encode(),
            MARK: json.dumps(dict(self.made_of)).encode(),
        }
        self._schema = pa.schema([(c.name, c.type) for c in self.columns], metadata=metadata)
        self._writer = pq.ParquetWriter(self.path, self._schema, compression="zstd")
        return self

    def __exit__(self, kind: type | None, *error: object) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            self._writer.close()

    def add(self, row: Row) -> None:
        """Add a row."""
        self._waiting.append(_clean(row))
        self.rows += 1
        if len(self._waiting) == ROWS:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_pylist(self._waiting, self._schema))
            self._waiting = []


def _feature(kind: pa.DataType) -> Any:
    """Return a column's type as ``datasets`` writes it: a list is a list of one, as all its versions read it."""
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]
    if pa.types.is_struct(kind):
        return {inner.name: _feature(inner.type) for inner in kind}
    names = {pa.bool_(): "bool", pa.float64(): "float64"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}


def _clean(value: Any) -> Any:
    """Return texts as UTF-8 can hold them: a file name need not."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value


def _forget(out: Path, written: list[Path]) -> None:
    """Remove what an export before wrote and this one did not: its videos may be in another split now."""
    for config in COLUMNS:
        for path in (out / config).glob("*.parquet"):
            if path not in written and MARK in (pq.read_metadata(path).metadata or {}):
                path.unlink()
        with suppress(OSError):  # something is in it
            (out / config).rmdir()


# --- the card -----------------------------------------------------------------------------------------------


def settings(run: RunReader) -> str:
    """Return the run's settings as text: its run.toml where it lies on disk, else nothing."""
    folder = getattr(run, "path", None)
    if folder is None or not (Path(folder) / "run.toml").is_file():
        return ""
    return (Path(folder) / "run.toml").read_text(encoding="utf-8", errors="replace").strip()


def provenance(run: RunReader) -> dict[str, Any]:
    """Return what made the rows: this version, and the checksum of the run's settings."""
    told = settings(run)
    recipe = hashlib.sha256(told.encode()).hexdigest() if told else None
    return {"kinescribe": kinescribe.__version__, "recipe_sha256": recipe}


def card(rows: Mapping[tuple[str, str], int], made_of: Mapping[str, Any], recipe: str) -> str:
    """Return the dataset card.

    Args:
        rows: rows by configuration and split.
        made_of: what made them.
        recipe: the run's settings.
    """
    lines = [
        "---",
        "# license: fill in, with the licence of your videos in mind",
        *(["configs:"] if rows else []),
    ]
    configs = list(dict.fromkeys(config for config, _ in rows))
    for config in configs:
        lines += [f"- config_name: {config}", *(["  default: true"] if config == configs[0] else [])]
        lines.append("  data_files:")
        for name in (name for other, name in rows if other == config):
            lines += [f"  - split: {name}", f"    path: {config}/{name}.parquet"]
    lines += ["tags:", "- video", "- motion", "---", "", "# Motion captions and questions", ""]
    lines += [
        "Made by Kinescribe: tracks and motion were measured, and captions and questions checked against that.", "",
        'Captions with a contradicted claim are left out.' if not made_of["contradicted_captions"]
        else "Captions with contradicted claims are kept: look at `num_contradicted`.", "",
        "Videos are named by path and checksum and are not in this folder. Splits are by video: none is in two.", "",
        "| configuration | split | rows |", "|---|---|---|",
        *(f"| {config} | {name} | {number} |" for (config, name), number in rows.items()), "",
    ]  # fmt: skip
    for config in configs:
        lines += [f"## {config}", "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {_said(c.type)} | {c.meaning} |" for c in COLUMNS[config]] + [""]
    lines += ["## How it was made", "", *(f"- {key}: `{value}`" for key, value in made_of.items()), ""]
    if recipe:
        fence = "`" * max(3, *(1 + len(ticks) for ticks in re.findall("`+", recipe)), 0)
        lines += ["The run's settings:", "", f"{fence}toml", recipe, fence, ""]
    return "\n".join(lines)


def _said(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_said(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "{" + ", ".join(inner.name for inner in kind) + "}"
    return str(kind)
