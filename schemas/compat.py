"""Whether a reader made for the old schema can read what is written by the new one.

    old ──► reader          breaks: a field that is gone, or may now be missing · a type, or null, that it does not
    new ──► documents       expect · a value outside of its enum, range or format
                            fine: new fields, values that have become impossible, other words in descriptions

New values of an enum are a break: readers generated from a schema refuse what is not in it. Where more values will
come, the schema says `string` from the start.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_RANGES = dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), 1) | dict.fromkeys(
    ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), -1
)
"""Bounds, and in which direction they get tighter."""

_COMPARED = {
    "$ref", "$defs", "anyOf", "oneOf", "type", "enum", "const", "format", "pattern",
    "properties", "required", "additionalProperties", "items", *_RANGES,
}  # fmt: skip
_WORDS = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "discriminator"}
"""What no reader depends on."""

_KINDS = {"string", "integer", "number", "boolean", "null", "array", "object"}


def breaks(old: Schema, new: Schema) -> list[str]:
    """What breaks, each with its path. Empty: every reader of the old schema can read on."""
    return list(_Comparison(old, new).compare(old, new, "$"))


def breaks_of_all(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """The same for schemas by output; an output that is gone breaks its readers."""
    found = []
    for name, schema in old.items():
        if name not in new:
            found.append(f"{name}: no longer published; keep it, or give readers a release to leave")
        else:
            found += [f"{name}: {one}" for one in breaks(schema, new[name])]
    return found


class _Comparison:
    """Of two documents with their definitions. What refers to itself is compared once on the way down."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._open: set[tuple[str, str]] = set()

    def compare(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        choices = _choices(old, self._old)
        for written in _choices(new, self._new):
            one = _resolved(written, self._new)
            fits = [choice for choice in choices if _kinds(one) <= _accepted(_resolved(choice, self._old))]
            if fits:
                # Of several that take such a value, the one that takes this one best.
                yield from min((list(self._open_once(fit, written, path)) for fit in fits), key=len)
            else:
                want = sorted({kind for choice in choices for kind in _kinds(_resolved(choice, self._old))})
                yield f"{path}: was {' or '.join(want)}, can now be {' or '.join(sorted(_kinds(one)))}"

    def _open_once(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if all(pair):
            if pair in self._open:
                return
            self._open.add(pair)
        yield from self._compare_one(_resolved(old, self._old), _resolved(new, self._new), path)
        self._open.discard(pair)

    def _compare_one(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        for name in sorted({*old, *new} - _COMPARED - _WORDS):
            yield f"{path}: {name} is not compared; teach schemas/compat.py what breaks its readers"
        yield from _values(old, new, path)
        yield from _bounds(old, new, path)
        yield from self._fields(old, new, path)
        if "items" in old:
            yield from self.compare(old["items"], new.get("items", {}), f"{path}[]")
        if isinstance(old.get("additionalProperties"), Mapping):
            yield from self.compare(old["additionalProperties"], _others(new), f"{path}.*")

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed = new.get("required", ())
        for name, schema in before.items():
            where = f"{path}.{name}"
            if name not in after:
                yield f"{where}: field removed"
                continue
            if name in old.get("required", ()) and name not in needed:
                yield f"{where}: was always there, may now be missing"
            yield from self.compare(schema, after[name], where)
        if old.get("additionalProperties") is False:
            for name in after:
                if name not in before:
                    yield f"{path}.{name}: new field, and readers were told that there are no others"


def _resolved(schema: Schema, document: Schema) -> Schema:
    """What `$ref` points to. References go to the document's own definitions only."""
    while "$ref" in schema:
        schema = document["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _choices(schema: Schema, document: Schema) -> list[Schema]:
    """What a value may be one of; references are left as they are, for they may lead back here."""
    whole = _resolved(schema, document)
    choices = whole.get("anyOf") or whole.get("oneOf")
    return [schema] if choices is None else [one for choice in choices for one in _choices(choice, document)]


def _kinds(schema: Schema) -> set[str]:
    """The JSON types a value can have."""
    if "const" in schema or "enum" in schema:
        return {_kind(value) for value in schema.get("enum", [schema.get("const")])}
    kinds = schema.get("type", sorted(_KINDS))
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _accepted(schema: Schema) -> set[str]:
    """The JSON types a reader takes: who takes numbers takes whole ones."""
    kinds = _kinds(schema)
    return kinds | {"integer"} if "number" in kinds else kinds


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "object")


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Enums, constants and formats."""
    if "enum" in old or "const" in old:
        known = old.get("enum", [old.get("const")])
        possible = new.get("enum", [new["const"]] if "const" in new else None)
        if possible is None:
            yield f"{path}: was one of {known}, can now be anything"
        elif added := [value for value in possible if value not in known]:
            yield f"{path}: new values {added}; readers know {known}"
    for name in ("format", "pattern"):
        if name in old and new.get(name) != old[name]:
            yield f"{path}: was promised to have the {name} {old[name]}, now {new.get(name, 'none')}"


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for name, direction in _RANGES.items():
        if name in old and (name not in new or (new[name] - old[name]) * direction < 0):
            yield f"{path}: {name} was {old[name]}, is now {new.get(name, 'open')}"


def _others(schema: Schema) -> Schema:
    """The schema of fields without a name of their own."""
    others = schema.get("additionalProperties", {})
    return others if isinstance(others, Mapping) else {}
