"""Documents of every shape that the structs of the outputs allow, for Hypothesis."""

import operator
from functools import reduce
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

times = st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z".rjust(24, "0"))
texts = st.text(st.characters(codec="utf-8"), max_size=8)


def documents(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any value of the struct."""
    return _of(inspect.type_info(struct))


def _of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.StructType(cls=struct, fields=fields):
            return st.builds(struct, **{field.name: _of(field.type) for field in fields})
        case inspect.Metadata(type=inspect.StrType(), extra_json_schema={"format": "date-time"}):
            return times
        case inspect.UnionType(types=types):
            return reduce(operator.or_, map(_of, types))
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.VarTupleType(item_type=item):
            return st.lists(_of(item), max_size=2).map(tuple)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of(key), _of(value), max_size=2)
        case inspect.StrType():
            return texts
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType(ge=low, le=high):
            return st.integers(low, high if high is not None else 1 << 53)
        case inspect.FloatType(ge=low, le=high):
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
    raise TypeError(f"say in tests/schemas/documents.py what a {type(kind).__name__} can be")
