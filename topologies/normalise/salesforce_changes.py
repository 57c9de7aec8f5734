"""What a Salesforce change event changes: names of fields, and their values.

                        UPDATE                                          CREATE            UNDELETE
    changedFields       exactly the fields it names; null or missing:
      (names, bitmaps)  cleared                                         what has a value  what is there,
    none, sparse        what is there; null: cleared                                      null: nothing
    none, full          what has a value, and nulledFields

A bitmap's bit i is field i of the schema, the header being 0. The schema is not in the message; its order is, as the
order of the keys, unless somebody sorted them: so a bitmap is believed when all that has a value is in it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from topologies.normalise.salesforce_envelope import HEADER, Envelope
from topologies.normalise.wire import unwrapped

_BITMAP = re.compile(r"(?:([0-9]{1,4})-)?0x([0-9A-Fa-f]{1,512})")
_DIFF = re.compile(r"--- ?\n\+\+\+ [0-9a-f]{64}\n")
_META = frozenset({HEADER, "Id", "ReplayId", "_ObjectType", "_EventType"})

_NAME_PARTS = frozenset({"firstname", "lastname"})

Row = dict[str, Any]
"""Field in small letters → value. Parts of compound fields as `billingaddress.city`; those of a name also as such."""


def row_of(payload: Mapping[str, Any]) -> Row:
    """All fields of a payload, flat."""
    row: Row = {}
    for key, raw in payload.items():
        value = unwrapped(raw)
        if key in _META:
            continue
        row[key.lower()] = value
        if isinstance(value, dict) and "diff" not in value:
            parts = {part.lower(): unwrapped(inner) for part, inner in value.items()}
            row |= {f"{key.lower()}.{part}": inner for part, inner in parts.items()}
            if key == "Name":
                row |= {part: inner for part, inner in parts.items() if row.get(part) is None}
                row["name"] = None
    if row.get("name") is None and (name := _full_name(row)):
        row["name"] = name
    return row


def changed_names(change: str, header: Mapping[str, Any], envelope: Envelope, row: Row) -> set[str] | None:
    """Names of what has changed, in small letters. None when something was cleared and nobody can say what."""
    names = _changed_names(change, header, envelope, row)
    # A part of a name changes the name; whether it is there as a whole is another question.
    return names if names is None or not names & _NAME_PARTS else names | {"name"}


def _changed_names(change: str, header: Mapping[str, Any], envelope: Envelope, row: Row) -> set[str] | None:
    if change == "UNDELETE":
        return set(row)
    with_value = {name for name, value in row.items() if value is not None}
    if change == "CREATE":
        return with_value
    listed, nulled = _texts(header.get("changedFields")), _texts(header.get("nulledFields"))
    if any(_BITMAP.fullmatch(entry) for entry in (*listed, *nulled)):
        named = _decoded(listed, envelope.payload), _decoded(nulled, envelope.payload)
        if named[0] is not None and named[1] is not None and _covers(named[0], envelope.payload):
            return _with_parents(named[0] | named[1])
        return None if nulled else with_value
    if listed:
        return _with_parents({*listed, *nulled})
    return set(row) if envelope.is_sparse else with_value | _with_parents(set(nulled))


def values_of(row: Row) -> set[str]:
    """Names of what has a value."""
    return {name for name, value in row.items() if value is not None}


def is_diff(value: Any) -> bool:
    """Whether a long text came as the difference to one that nobody here has."""
    if isinstance(value, dict):
        return "diff" in value
    return isinstance(value, str) and bool(_DIFF.match(value))


def _texts(entries: Any) -> list[str]:
    entries = unwrapped(entries)
    return [entry for entry in entries if isinstance(entry, str)] if isinstance(entries, list) else []


def _with_parents(names: set[str]) -> set[str]:
    """`Name.LastName` is a change of `Name`, and of `LastName` where it stands by itself."""
    out: set[str] = set()
    for name in names:
        parent, dot, part = name.lower().partition(".")
        out |= {parent, name.lower()}
        if dot and parent == "name":
            out.add(part)
    return out


def _decoded(entries: list[str], payload: Mapping[str, Any]) -> set[str] | None:
    """Names of bitmaps; None when the keys of the payload cannot be those of its schema."""
    keys = list(payload)
    if keys[:1] != [HEADER]:
        return None
    names: set[str] = set()
    for entry in entries:
        match = _BITMAP.fullmatch(entry)
        if match is None:
            names.add(entry)
            continue
        nested = int(match[1]) if match[1] else None
        if nested is None:
            fields: list[str] | None = keys
        elif nested < len(keys):
            inner = unwrapped(payload[keys[nested]])
            fields = [f"{keys[nested]}.{part}" for part in inner] if isinstance(inner, dict) else [keys[nested]]
        else:
            return None
        for bit in _bits(int(match[2], 16)):
            if fields is None or bit >= len(fields):
                return None
            names.add(fields[bit])
    return names


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _covers(names: set[str], payload: Mapping[str, Any]) -> bool:
    tops = {name.partition(".")[0] for name in names}
    return all(key in tops or value is None for key, value in payload.items() if key not in _META)


def _full_name(row: Row) -> str | None:
    """The name, when all of it is there: an update brings the part that changed."""
    words = [row.get(part) for part in ("firstname", "middlename", "lastname", "suffix")]
    given, last = row.get("firstname"), row.get("lastname")
    if not isinstance(given, str) or not isinstance(last, str):
        return None
    return " ".join(word for word in words if isinstance(word, str) and word)
