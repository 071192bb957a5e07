"""Records as Arrow rows, by their type hints: a new record or field needs no code here.

================================  =====================================================
Python                            Arrow
================================  =====================================================
``str int float bool``            string, int64, float64, bool
``T | None``                      T, nullable
``tuple[T, ...]``                 list of T
``Mapping[str, T]``               list of struct(key, value), in the mapping's order
dataclass, ``NamedTuple``         struct of its fields
``np.ndarray``, jaxtyping array   struct(dtype, shape, data): C order, little endian
================================  =====================================================

The way back is exact: NaN stays NaN and is not None, -0.0 keeps its sign, an empty array keeps its shape.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from kinescribe.errors import StoreError

T = TypeVar("T")

ARRAY = pa.struct([("dtype", pa.string()), ("shape", pa.list_(pa.int64())), ("data", pa.large_binary())])
"""An array of any shape and type in one cell."""


class Codec(NamedTuple):
    """How one Python type goes to Arrow and back; ``to`` and ``back`` never see None for a plain type."""

    arrow: pa.DataType
    to: Callable[[Any], Any]
    back: Callable[[Any], Any]


def schema_of(record_type: type[Any]) -> pa.Schema:
    """Return the Arrow columns of a record type.

    Raises:
        StoreError: a field has a type that cannot be stored.
    """
    return pa.schema(list(_codec(record_type).arrow))


def to_row(record: Any) -> dict[str, Any]:
    """Return a record as the Python values that ``pa.Table.from_pylist`` takes with ``schema_of``."""
    row: dict[str, Any] = _codec(type(record)).to(record)
    return row


def from_row(record_type: type[T], row: Mapping[str, Any]) -> T:
    """Return the record that ``to_row`` was given. A column that is not there gives the field's default.

    Raises:
        StoreError: a column is missing and its field has no default.
    """
    record: T = _codec(record_type).back(row)
    return record


def _codec(hint: Any) -> Codec:
    return _made(hint)


@functools.cache
def _made(hint: Any) -> Codec:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if _is_array(hint):
        return Codec(ARRAY, _array_to_cell, _array_from_cell)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _optional(hint, arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _sequence(arguments[0])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(hint, arguments)
    if dataclasses.is_dataclass(hint) or _is_named_tuple(hint):
        return _struct(hint)
    raise StoreError(f"cannot store a value of type {hint}; see the table at the head of runs/codec.py")


_PLAIN = {
    str: Codec(pa.string(), str, str),
    bool: Codec(pa.bool_(), bool, bool),
    int: Codec(pa.int64(), int, int),
    float: Codec(pa.float64(), float, float),
}


def _optional(hint: Any, arguments: tuple[Any, ...]) -> Codec:
    inner = [a for a in arguments if a is not type(None)]
    if len(inner) != 1:
        raise StoreError(f"cannot store a value of type {hint}: only one type besides None")
    arrow, to, back = _codec(inner[0])
    return Codec(
        arrow,
        lambda value: None if value is None else to(value),
        lambda value: None if value is None else back(value),
    )


def _sequence(item: Any) -> Codec:
    arrow, to, back = _codec(item)
    return Codec(
        pa.list_(arrow),
        lambda values: [to(value) for value in values],
        lambda values: tuple(back(value) for value in values),
    )


def _mapping(hint: Any, arguments: tuple[Any, ...]) -> Codec:
    if arguments[0] is not str:
        raise StoreError(f"cannot store a value of type {hint}: keys must be str")
    arrow, to, back = _codec(arguments[1])
    return Codec(
        pa.list_(pa.struct([("key", pa.string()), ("value", arrow)])),
        lambda items: [{"key": key, "value": to(value)} for key, value in items.items()],
        lambda items: {item["key"]: back(item["value"]) for item in items},
    )


def _struct(cls: type) -> Codec:
    hints = get_type_hints(cls)
    names = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else list(cls._fields)  # type: ignore[attr-defined]
    codecs = {name: _codec(hints[name]) for name in names}
    defaults = _defaults(cls)

    def to(record: Any) -> dict[str, Any]:
        return {name: codec.to(getattr(record, name)) for name, codec in codecs.items()}

    def back(row: Mapping[str, Any]) -> Any:
        missing = [name for name in names if name not in row and name not in defaults]
        if missing:
            raise StoreError(
                f"a stored {cls.__name__} has no {', '.join(missing)}: another version of Kinescribe wrote it; "
                "annotate into a new folder"
            )
        return cls(**{name: codec.back(row[name]) for name, codec in codecs.items() if name in row})

    return Codec(pa.struct([(name, codec.arrow) for name, codec in codecs.items()]), to, back)


def _defaults(cls: type) -> set[str]:
    """Return the names of the fields that may be left out."""
    if not dataclasses.is_dataclass(cls):
        return set(cls._field_defaults)  # type: ignore[attr-defined]
    absent = dataclasses.MISSING
    return {
        f.name for f in dataclasses.fields(cls) if f.default is not absent or f.default_factory is not absent
    }


def _is_named_tuple(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def _is_array(hint: Any) -> bool:
    # A jaxtyping annotation is a class of its own that remembers the array type it describes.
    return hint is np.ndarray or getattr(hint, "array_type", None) is np.ndarray


def _array_to_cell(array: Any) -> dict[str, Any]:
    if array.dtype.hasobject:
        raise StoreError("cannot store an array of Python objects; give it a numeric dtype")
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(array.dtype.newbyteorder("<"))
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": array.tobytes()}


def _array_from_cell(cell: Mapping[str, Any]) -> Any:
    flat = np.frombuffer(bytearray(cell["data"]), dtype=np.dtype(cell["dtype"]))
    return flat.reshape(cell["shape"])
