"""Golden bytes: one encoded example of every struct on the wire, for every number of fields it has had.

    python -m tests.support.golden      adds examples of new structs and of structs that have got a field

An example is never changed: what was written to a log yesterday must be readable today. Only while no release has
written such a struct may its entry be deleted and made anew.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from schemas import events, log, state

FOLDER = Path(__file__).resolve().parents[1] / "schemas" / "golden"
WRITE = "python -m tests.support.golden"
MODULES = {"log": log, "events": events, "state": state}

Golden = dict[str, Any]


def wire_structs(module: str) -> dict[str, type[msgspec.Struct]]:
    """The structs a module defines that are arrays on the wire."""
    found = vars(MODULES[module]).values()
    return {
        one.__name__: one
        for one in found
        if isinstance(one, type)
        and issubclass(one, msgspec.Struct)
        and one.__struct_config__.array_like
        and one.__module__ == MODULES[module].__name__
    }


def key_of(struct: type[msgspec.Struct]) -> str:
    """The name of a struct's example: with the number of its fields and of those of all structs inside it."""
    return f"{struct.__name__}/{sum(len(one.__struct_fields__) for one in _parts(inspect.type_info(struct), set()))}"


def _parts(kind: Any, seen: set[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """The structs a type is made of."""
    if isinstance(kind, inspect.StructType):
        if kind.cls in seen:
            return seen
        seen.add(kind.cls)
        inner: Any = [field.type for field in kind.fields]
    else:
        inner = [getattr(kind, name, ()) for name in ("types", "item_types", "item_type", "key_type", "value_type")]
    for one in inner:
        for part in one if isinstance(one, tuple) else (one,):
            _parts(part, seen)
    return seen


def example(kind: inspect.Type, name: str = "value") -> Any:
    """A value of a type, the same in every process, with nothing left at its default."""
    match kind:
        case inspect.StructType(cls=struct, fields=fields):
            return struct(**{field.name: example(field.type, field.name) for field in fields})
        case inspect.UnionType(types=types):
            return example(next(one for one in types if not isinstance(one, inspect.NoneType)), name)
        case inspect.LiteralType(values=values):
            return values[-1]
        case inspect.VarTupleType(item_type=item):
            return (example(item, name), example(item, name))
        case inspect.TupleType(item_types=items):
            return tuple(example(item, f"{name}{index}") for index, item in enumerate(items))
        case inspect.DictType(key_type=key, value_type=value):
            return {example(key, f"{name} key"): example(value, name)}
        case inspect.StrType():
            return f"{name} ä€😀"
        case inspect.BytesType():
            return name.encode() + b"\x00\xff"
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 1_760_000_000_000 + len(name) if name.endswith(("at", "due", "now", "start", "end")) else len(name)
    raise TypeError(f"{name}: say in tests/support/golden.py what an example of {type(kind).__name__} is")


def golden_of(struct: type[msgspec.Struct]) -> Golden:
    """The entry of a struct as it is now."""
    value = example(inspect.type_info(struct))
    tag = struct.__struct_config__.tag
    return {
        "tag": tag,
        "fields": struct.__struct_fields__,
        "hex": msgspec.msgpack.encode(value).hex(),
        "value": msgspec.to_builtins(value),
    }


def load(module: str) -> dict[str, Golden]:
    """All entries of a module."""
    path = FOLDER / f"{module}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def add_missing() -> list[str]:
    """Write what is not there yet; the names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    added = []
    for module in MODULES:
        entries = load(module)
        for struct in wire_structs(module).values():
            if key_of(struct) not in entries:
                entries[key_of(struct)] = golden_of(struct)
                added.append(key_of(struct))
        rows = [f"{json.dumps(key)}: {json.dumps(entries[key], ensure_ascii=False)}" for key in entries]
        (FOLDER / f"{module}.json").write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    return added


if __name__ == "__main__":
    sys.stdout.write("".join(f"added {name}\n" for name in add_missing()))
