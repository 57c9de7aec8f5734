"""Changes of a schema that would break a reader are found, and those that would not are let through."""

from typing import Any

import pytest

from schemas.compat import breaks, breaks_of_all

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
WHOLE: dict[str, Any] = {"type": "integer"}
NULL: dict[str, Any] = {"type": "null"}


def thing(field: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"type": "object", "properties": {"f": field}, "required": ["f"] if required else []}


def either(*choices: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": list(choices)}


def part(field: dict[str, Any]) -> dict[str, Any]:
    """The field stands in a definition."""
    return thing({"$ref": "#/$defs/Part"}) | {"$defs": {"Part": thing(field)}}


NOTHING: dict[str, Any] = {"type": "object", "properties": {}}

BREAKS = {
    "a field is gone": (thing(TEXT), NOTHING, "$.f: field removed"),
    "an optional field is gone": (thing(TEXT, required=False), NOTHING, "$.f: field removed"),
    "a field is renamed": (thing(TEXT), {"type": "object", "properties": {"g": TEXT}}, "$.f: field removed"),
    "a field may be missing": (thing(TEXT), thing(TEXT, required=False), "$.f: was always there, may now be missing"),
    "another type": (thing(TEXT), thing(WHOLE), "$.f: was string, can now be integer"),
    "whole numbers become any": (thing(WHOLE), thing(NUMBER), "$.f: was integer, can now be number"),
    "null may come": (thing(TEXT), thing(either(TEXT, NULL)), "$.f: was string, can now be null"),
    "a type without a name": (thing(TEXT), thing({}), "$.f: was string, can now be array or boolean"),
    "a new choice": (thing(either(TEXT, NULL)), thing(either(TEXT, NULL, WHOLE)), "$.f: was null or string, can now be integer"),
    "a new value": (thing({"enum": ["a"]}), thing({"enum": ["a", "b"]}), "$.f: new values ['b']; readers know ['a']"),
    "values are open": (thing({"enum": ["a"]}), thing(TEXT), "$.f: was one of ['a'], can now be anything"),
    "another constant": (thing({"const": "a"}), thing({"const": "b"}), "$.f: new values ['b']; readers know ['a']"),
    "an enum may be null": (thing({"enum": ["a"]}), thing(either({"enum": ["a"]}, NULL)), "$.f: was string, can now be null"),
    "no format": (thing({**TEXT, "format": "date-time"}), thing(TEXT), "$.f: was promised to have the format date-time, now none"),
    "another pattern": (thing({**TEXT, "pattern": "a"}), thing({**TEXT, "pattern": "b"}), "$.f: was promised to have the pattern a"),
    "less than before": (thing({**NUMBER, "minimum": 0}), thing({**NUMBER, "minimum": -1}), "$.f: minimum was 0, is now -1"),
    "more than before": (thing({**NUMBER, "maximum": 1}), thing({**NUMBER, "maximum": 9}), "$.f: maximum was 1, is now 9"),
    "no bound": (thing({**NUMBER, "maximum": 1}), thing(NUMBER), "$.f: maximum was 1, is now open"),
    "inside of a list": ({"type": "array", "items": TEXT}, {"type": "array", "items": WHOLE}, "$[]: was string, can now be integer"),
    "a list of anything": ({"type": "array", "items": TEXT}, {"type": "array"}, "$[]: was string"),
    "inside of a map": (
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": WHOLE},
        "$.*: was string, can now be integer",
    ),
    "inside of a definition": (part(TEXT), part(WHOLE), "$.f.f: was string, can now be integer"),
    "inside of one choice": (
        thing(either(thing(TEXT), NULL)),
        thing(either(thing(WHOLE), NULL)),
        "$.f.f: was string, can now be integer",
    ),
    "a field nobody may add": (
        {"type": "object", "properties": {}, "additionalProperties": False},
        thing(TEXT),
        "$.f: new field, and readers were told that there are no others",
    ),
    "a word this page does not know": (
        thing({"type": "array", "prefixItems": [TEXT]}),
        thing({"type": "array", "prefixItems": [WHOLE]}),
        "$.f: prefixItems is not compared",
    ),
}  # fmt: skip

FINE = {
    "nothing": (thing(TEXT), thing(TEXT)),
    "a new field": (NOTHING, thing(TEXT)),
    "a field that is always there now": (thing(TEXT, required=False), thing(TEXT)),
    "null comes no more": (thing(either(TEXT, NULL)), thing(TEXT)),
    "whole numbers only": (thing(NUMBER), thing(WHOLE)),
    "a value that comes no more": (thing({"enum": ["a", "b"]}), thing({"enum": ["a"]})),
    "a constant of an enum": (thing({"enum": ["a", "b"]}), thing({"const": "a"})),
    "known values": (thing(TEXT), thing({"enum": ["a"]})),
    "a closer range": (thing({**NUMBER, "minimum": 0}), thing({**NUMBER, "minimum": 1, "maximum": 2})),
    "other words": (thing({**TEXT, "description": "old"}), thing({**TEXT, "description": "new", "title": "x"})),
    "choices in another order": (thing(either(TEXT, NULL)), thing(either(NULL, TEXT))),
    "a definition with another name": (part(TEXT), thing(thing(TEXT))),
    "an open field gets a type": (thing({}), thing(TEXT)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_readers_is_found_with_its_path(name: str) -> None:
    old, new, want = BREAKS[name]
    found = breaks(old, new)
    assert found, f"{name}: not found"
    assert any(one.startswith(want) for one in found), found


@pytest.mark.parametrize("name", FINE)
def test_what_breaks_nobody_is_let_through(name: str) -> None:
    assert breaks(*FINE[name]) == []


@pytest.mark.parametrize("name", [*BREAKS, *FINE])
def test_no_schema_breaks_its_own_readers(name: str) -> None:
    for one in (BREAKS | FINE)[name][:2]:
        assert [found for found in breaks(one, one) if "not compared" not in found] == []


def test_all_that_breaks_is_told_at_once() -> None:
    old = {"type": "object", "properties": {"a": TEXT, "b": WHOLE}, "required": ["a", "b"]}
    new = {"type": "object", "properties": {"a": WHOLE}, "required": []}
    assert breaks(old, new) == [
        "$.a: was always there, may now be missing",
        "$.a: was string, can now be integer",
        "$.b: field removed",
    ]


def test_what_refers_to_itself_comes_to_an_end() -> None:
    def tree(leaf: dict[str, Any]) -> dict[str, Any]:
        node = {"type": "object", "properties": {"leaf": leaf, "next": either({"$ref": "#/$defs/Node"}, NULL)}}
        return {"$ref": "#/$defs/Node", "$defs": {"Node": node}}

    assert breaks(tree(TEXT), tree(TEXT)) == []
    assert breaks(tree(TEXT), tree(WHOLE)) == ["$.leaf: was string, can now be integer"]


def test_an_output_that_is_gone_breaks_its_readers_and_a_new_one_breaks_nobody() -> None:
    assert breaks_of_all({"a": thing(TEXT)}, {"b": thing(TEXT)}) == [
        "a: no longer published; keep it, or give readers a release to leave"
    ]
    assert breaks_of_all({}, {"b": thing(TEXT)}) == []
    assert breaks_of_all({"a": thing(TEXT)}, {"a": thing(WHOLE)}) == ["a: $.f: was string, can now be integer"]
