"""A table as parsed → a section, or everything that is wrong with it. Nothing is said about values that fit together.

The sections' own types decide. What cannot be read becomes its default, or an empty value, so that the rest can still
be looked at; its path is among the wrongs.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import NODEFAULT, inspect

from config.problems import did_you_mean, shown


class Wrong(NamedTuple):
    """A problem before it has a place. `needs` are the paths whose values it was concluded from, besides its own."""

    path: str
    want: str
    got: str
    fix: str
    needs: tuple[str, ...] = ()


_SCALARS: dict[type[inspect.Type], tuple[type | tuple[type, ...], str, str, Any]] = {
    inspect.StrType: (str, "text", "put it in quotes", ""),
    inspect.BoolType: (bool, "true or false", "write it without quotes, in small letters", False),
    inspect.IntType: (int, "a whole number", "write digits without quotes", 0),
    inspect.FloatType: ((int, float), "a number", "write digits without quotes", 0.0),
}
"""Accepted types, what they are called, the way out, and the value that stands in."""

_INTEGER_MAX = (1 << 63) - 1


def shape_of(section: type[msgspec.Struct]) -> inspect.StructType:
    """The names and types of a section."""
    shape = inspect.type_info(section)
    assert isinstance(shape, inspect.StructType)
    return shape


def read(value: Any, kind: inspect.Type, path: str, wrong: list[Wrong]) -> Any:
    """`value` as `kind`; what is wrong is added to `wrong`."""
    match kind:
        case inspect.StructType():
            return _read_struct(value, kind, path, wrong)
        case inspect.VarTupleType(item_type=item):
            if not isinstance(value, list):
                wrong.append(Wrong(path, "a list", shown(value), "put it in [brackets]"))
                return ()
            return tuple(read(one, item, f"{path}[{index}]", wrong) for index, one in enumerate(value))
        case inspect.DictType(value_type=item):
            if not isinstance(value, dict):
                wrong.append(Wrong(path, "a table", shown(value), f"write it as `{_last(path)} = {{name = value}}`"))
                return {}
            return {name: read(one, item, f"{path}.{name}", wrong) for name, one in value.items()}
        case inspect.LiteralType(values=values):
            return _read_literal(value, values, path, wrong)
    return _read_scalar(value, kind, path, wrong)


def _read_struct(value: Any, kind: inspect.StructType, path: str, wrong: list[Wrong]) -> Any:
    fields = {field.encode_name: field for field in kind.fields}
    if not isinstance(value, dict):
        wrong.append(Wrong(path, "a table", shown(value), f"write it as `[{path}]` with a line for each value"))
        value = {}
    for name in value:
        if name not in fields:
            fix = did_you_mean(name, fields, f"known names: {', '.join(sorted(fields))}")
            wrong.append(Wrong(_join(path, name), "a known name", "an unknown one", fix))
    read_fields = {}
    for name, field in fields.items():
        where = _join(path, name)
        if name in value:
            before = len(wrong)
            found = read(value[name], field.type, where, wrong)
            # Values that stand in for broken ones inside of lists keep the others in their places.
            own = any(one.path == where for one in wrong[before:])
            read_fields[name] = found if field.required or not own else default_of(field)
        elif field.required:
            wrong.append(Wrong(where, "a value", "nothing", f"add `{name} = …`"))
            read_fields[name] = _stand_in(field.type)
    return kind.cls(**read_fields)


def default_of(field: inspect.Field) -> Any:
    """The default of a field that has one."""
    return field.default if field.default is not NODEFAULT else field.default_factory()


def _read_literal(value: Any, values: Sequence[Any], path: str, wrong: list[Wrong]) -> Any:
    if isinstance(value, str) and value in values:
        return value
    choices = [repr(one) for one in values if one != ""]
    fix = did_you_mean(value, [str(one) for one in values], "choose one") if isinstance(value, str) else "choose one"
    wrong.append(Wrong(path, f"one of {', '.join(choices)}", shown(value), fix))
    return values[0]


def _read_scalar(value: Any, kind: inspect.Type, path: str, wrong: list[Wrong]) -> Any:
    accepted, want, fix, stand_in = _SCALARS[type(kind)]
    if not isinstance(value, accepted) or (isinstance(value, bool) and accepted is not bool):
        wrong.append(Wrong(path, want, shown(value), fix))
        return stand_in
    if isinstance(value, int) and abs(value) > _INTEGER_MAX:
        wrong.append(Wrong(path, "a number of at most 64 bits", shown(value), "choose a smaller one"))
        return stand_in
    if isinstance(value, float) and not math.isfinite(value):
        wrong.append(Wrong(path, "a finite number", shown(value), "choose a number"))
        return stand_in
    return float(value) if isinstance(kind, inspect.FloatType) and isinstance(value, int) else value


def _stand_in(kind: inspect.Type) -> Any:
    """An empty value of a kind, for a required one that is missing."""
    return _SCALARS[type(kind)][3]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _last(path: str) -> str:
    return path.rpartition(".")[2]
