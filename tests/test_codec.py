"""Whatever a record holds comes back from Arrow, from the spool and from Lance bit for bit."""

from __future__ import annotations

import dataclasses
import math
import struct
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinescribe import records
from kinescribe.errors import StoreError
from kinescribe.records import Events, MotionFact, Span
from kinescribe.runs import codec, spool
from kinescribe.runs.tables import Table

TYPES = [kind for kind in vars(records).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOATS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, math.nan, 5e-324])


def values(hint: Any, draw: Any, sizes: dict[str, int]) -> Any:
    """A value of a type; axes of one name get one size."""
    if hasattr(hint, "dim_str"):
        return array(hint, draw, sizes)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (a for a in arguments if a is not type(None))
        return None if draw(st.booleans()) else values(inner, draw, sizes)
    if origin is tuple:
        return tuple(values(arguments[0], draw, sizes) for _ in range(draw(st.integers(0, 3))))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {draw(TEXT): values(arguments[1], draw, sizes) for _ in range(draw(st.integers(0, 3)))}
    plain = {str: TEXT, float: FLOATS, int: st.integers(-(2**63), 2**63 - 1), bool: st.booleans()}
    return draw(plain[hint]) if hint in plain else make(hint, draw)


def array(hint: Any, draw: Any, sizes: dict[str, int]) -> np.ndarray:
    for axis in hint.dim_str.split():
        sizes.setdefault(axis, int(axis) if axis.isdigit() else draw(st.integers(0, 3)))
    shape = [sizes[axis] for axis in hint.dim_str.split()]
    kind = (
        "f"
        if any("float" in d for d in hint.dtypes)
        else "i"
        if any("int" in d for d in hint.dtypes)
        else "?"
    )
    dtype = np.dtype(kind + {"f": "8", "i": "8", "?": ""}[kind])
    bits = draw(st.binary(min_size=math.prod(shape) * 8, max_size=math.prod(shape) * 8))
    raw = np.frombuffer(bits, dtype="<i8").reshape(shape)
    return raw % 2 == 0 if kind == "?" else raw.view(dtype) if kind == "f" else raw.astype(dtype)


def make(kind: type, draw: Any) -> Any:
    sizes: dict[str, int] = {}
    return kind(**{name: values(hint, draw, sizes) for name, hint in get_type_hints(kind).items()})


@st.composite
def any_record(draw: Any) -> Any:
    return make(draw(st.sampled_from(TYPES)), draw)


def bits_of(value: Any) -> Any:
    """A value as something that == compares bit for bit."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if dataclasses.is_dataclass(value):
        return (type(value), [bits_of(getattr(value, f.name)) for f in dataclasses.fields(value)])
    if isinstance(value, Mapping):
        return [(key, bits_of(item)) for key, item in value.items()]
    if isinstance(value, tuple):
        return (type(value), [bits_of(item) for item in value])
    return (type(value), value)


@given(any_record())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_record_comes_back_from_arrow_bit_for_bit(record: Any) -> None:
    table = pa.Table.from_pylist([codec.to_row(record)], schema=codec.schema_of(type(record)))
    assert bits_of(codec.from_row(type(record), table.to_pylist()[0])) == bits_of(record)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(deadline=None, max_examples=3, suppress_health_check=[HealthCheck.too_slow])
def test_records_come_back_from_disk_bit_for_bit(kind: type, data: Any, tmp_path_factory: Any) -> None:
    folder: Path = tmp_path_factory.mktemp("disk")
    made = [make(kind, data.draw) for _ in range(3)]
    for i, record in enumerate(made[:2]):  # by way of the spool
        spool.put(folder, kind, spool.Row(f"c{i}", "stage", f"p{i}", record), 0.25)
    left = list(spool.take(folder))
    assert [(item.clip_id, item.stage, item.record, item.seconds) for item in left] == [
        ("c0", "stage", kind.__name__, 0.25),
        ("c1", "stage", kind.__name__, 0.25),
    ]
    table = Table(folder / "x.lance", kind)
    table.append(pa.concat_tables([item.table for item in left]))
    table.append(spool.to_table(kind, [spool.Row("c2", "stage", "p2", made[2])]))
    keys = [("c2", "p2"), ("c0", "p0"), ("c1", "p1")]
    for reader in (table, Table(folder / "x.lance", kind)):
        got = reader.read(keys)
        assert [bits_of(record) for record in got] == [bits_of(made[i]) for i in (2, 0, 1)]


def test_the_later_of_two_rows_counts(tmp_path: Path) -> None:
    table = Table(tmp_path / "x.lance", Span)
    for i in range(3):
        table.append(spool.to_table(Span, [spool.Row("c", "s", "p", Span(i, i))]))
    assert table.read([("c", "p")]) == Table(tmp_path / "x.lance", Span).read([("c", "p")]) == [Span(2, 2)]


def test_compaction_keeps_every_row_in_its_place(tmp_path: Path) -> None:
    table = Table(tmp_path / "x.lance", Span)
    reader = None
    for i in range(70):  # passes two compactions
        table.append(spool.to_table(Span, [spool.Row(f"c{i % 60}", "s", "p", Span(i, i))]))
        reader = reader or Table(tmp_path / "x.lance", Span)
    keys = [(f"c{i}", "p") for i in range(60)]
    expected = [Span(i + 60 if i < 10 else i, i + 60 if i < 10 else i) for i in range(60)]
    assert table.read(keys) == expected
    fresh = Table(tmp_path / "x.lance", Span)
    assert fresh.read(keys) == expected
    assert reader is not None
    assert reader.read([("c0", "p")]) == [Span(0, 0)]  # what it opened is still there
    table.compact()
    assert len(list((tmp_path / "x.lance" / "data").iterdir())) >= 1
    assert Table(tmp_path / "x.lance", Span).read(keys) == expected


def test_arrays_of_any_type_and_order() -> None:
    @dataclass(frozen=True)
    class Held:
        a: np.ndarray

    for array in (
        np.zeros((0, 7, 4)),
        np.array(3.5),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([True, False]),
        np.arange(6, dtype=np.float32)[::2],
    ):
        back = codec.from_row(Held, codec.to_row(Held(array))).a
        assert back.shape == array.shape
        assert back.dtype == array.dtype.newbyteorder("<")
        np.testing.assert_array_equal(back, array)
        back[...] = 1  # writable, like any array
    with pytest.raises(StoreError, match="Python objects"):
        codec.to_row(Held(np.array([object()])))


def test_unknown_is_not_nan() -> None:
    @dataclass(frozen=True)
    class Held:
        a: float | None
        b: float | None

    row = pa.Table.from_pylist(
        [codec.to_row(Held(None, math.nan))], schema=codec.schema_of(Held)
    ).to_pylist()[0]
    back = codec.from_row(Held, row)
    assert back.a is None
    assert back.b is not None
    assert math.isnan(back.b)


def test_a_type_that_cannot_be_stored_is_named() -> None:
    @dataclass(frozen=True)
    class Held:
        a: set[int]

    with pytest.raises(StoreError, match=r"set\[int\]"):
        codec.schema_of(Held)

    @dataclass(frozen=True)
    class Both:
        a: int | str

    with pytest.raises(StoreError, match="only one type besides None"):
        codec.schema_of(Both)


def test_a_column_that_is_not_there_gives_the_default_or_an_error() -> None:
    row = codec.to_row(MotionFact("f0", 3, "move", Span(0.0, 1.0)))
    del row["confidence"], row["evidence"]
    assert codec.from_row(MotionFact, row) == MotionFact("f0", 3, "move", Span(0.0, 1.0))
    del row["predicate"]
    with pytest.raises(StoreError, match=r"no predicate.*another version"):
        codec.from_row(MotionFact, row)


def test_another_versions_columns_are_refused(tmp_path: Path) -> None:
    class Event(NamedTuple):
        x: int

    Table(tmp_path / "x.lance", Event).append(spool.to_table(Event, [spool.Row("c", "s", "p", Event(1))]))
    with pytest.raises(StoreError, match=r"another version.*delete"):
        Table(tmp_path / "x.lance", Events).append(
            spool.to_table(Events, [spool.Row("c", "s", "p", Events(()))])
        )


def test_a_field_may_not_be_named_like_a_key() -> None:
    class Bad(NamedTuple):
        stage: str

    with pytest.raises(StoreError, match="stage"):
        spool.schema_of(Bad)


def test_a_torn_spool_file_is_passed_over(tmp_path: Path) -> None:
    spool.put(tmp_path, Span, spool.Row("c", "a", "p", Span(0, 1)), 0.1)
    spool.put(tmp_path, Span, spool.Row("c", "b", "p", Span(0, 1)), 0.1)
    file = tmp_path / "c.a.arrow"
    file.write_bytes(file.read_bytes()[:50])
    assert [item.stage for item in spool.take(tmp_path)] == ["b"]
    spool.clear(tmp_path, "c")
    assert not list(tmp_path.iterdir())
