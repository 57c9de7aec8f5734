"""What was written to a log yesterday can be read today: golden bytes of every struct, and the rules of its shape."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from schemas.base import TAG_RANGES
from schemas.events import Envelope, Event, decode_envelope, encode_envelope
from schemas.state import StateItem, decode_item, encode_item
from tests.support.golden import MODULES, WRITE, Golden, golden_of, key_of, load, wire_structs

RANGE_OF = {"log": "engine events", "events": "product events", "state": "state items"}
STRUCTS = {name: one for module in MODULES for name, one in wire_structs(module).items()}
GOLDEN = {key: (module, entry) for module in MODULES for key, entry in load(module).items()}
NAMES = sorted(STRUCTS)


def struct_of(key: str) -> type[msgspec.Struct]:
    name = key.partition("/")[0]
    assert name in STRUCTS, f"{key}: the struct is gone, but logs still hold it: keep it for one release more"
    return STRUCTS[name]


def read(struct: type[msgspec.Struct], data: bytes) -> Any:
    """As the product reads it, where it has a way to: the unions of events and of state items."""
    if struct in Event.__args__:
        envelope = decode_envelope(b"\x92\x05" + data)
        assert envelope.seen_at == 5
        return envelope.event
    if struct in StateItem.__args__:
        return decode_item(data)
    return msgspec.msgpack.decode(data, type=struct)


def least(struct: type[msgspec.Struct]) -> int:
    """How many fields have no default."""
    return sum(field.required for field in msgspec.structs.fields(struct))


@pytest.mark.parametrize("name", NAMES)
def test_every_struct_has_an_example_and_is_written_like_it(name: str) -> None:
    struct = STRUCTS[name]
    assert key_of(struct) in GOLDEN, f"{key_of(struct)} has no golden bytes: run `{WRITE}` and keep what it adds"
    entry = GOLDEN[key_of(struct)][1]
    fresh = golden_of(struct)
    assert (fresh["tag"], fresh["hex"]) == (entry["tag"], entry["hex"]), f"{name} is written differently now"


@pytest.mark.parametrize("key", sorted(GOLDEN))
def test_golden_bytes_are_read_as_what_was_written(key: str) -> None:
    struct, entry = struct_of(key), GOLDEN[key][1]
    fields = list(struct.__struct_fields__[: len(entry["fields"])])
    assert fields == entry["fields"], f"{key}: fields are append-only; never renamed, moved or removed"
    value = read(struct, bytes.fromhex(entry["hex"]))
    assert type(value) is struct
    assert value == msgspec.convert(entry["value"], type=struct)


@pytest.mark.parametrize("key", sorted(GOLDEN))
def test_bytes_from_before_a_field_was_there_are_read_with_its_default(key: str) -> None:
    struct, entry = struct_of(key), GOLDEN[key][1]
    whole: list[Any] = msgspec.msgpack.decode(bytes.fromhex(entry["hex"]))
    tags = len(whole) - len(entry["fields"])
    for count in range(least(struct), len(entry["fields"]) + 1):
        value = read(struct, msgspec.msgpack.encode(whole[: tags + count]))
        for index, field in enumerate(msgspec.structs.fields(struct)):
            if index >= count:
                default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
                assert getattr(value, field.name) == default
            else:
                # As JSON, like the example: it has no tuples.
                found = msgspec.json.decode(msgspec.json.encode(getattr(value, field.name)))
                assert found == entry["value"][tags + index]


@pytest.mark.parametrize("key", sorted(GOLDEN))
def test_bytes_without_a_field_that_must_be_there_are_refused(key: str) -> None:
    struct, entry = struct_of(key), GOLDEN[key][1]
    if not least(struct):
        return
    whole: list[Any] = msgspec.msgpack.decode(bytes.fromhex(entry["hex"]))
    tags = len(whole) - len(entry["fields"])
    with pytest.raises(msgspec.ValidationError):
        read(struct, msgspec.msgpack.encode(whole[: tags + least(struct) - 1]))


def test_what_a_newer_release_wrote_is_refused_by_its_tag_and_read_without_its_new_fields() -> None:
    """A changed item has a new tag: the task stops. An appended field alone does not keep older workers from reading."""
    unknown = max(entry["tag"] for _, entry in GOLDEN.values() if entry["tag"]) + 500
    with pytest.raises(msgspec.ValidationError, match="Invalid value"):
        decode_item(msgspec.msgpack.encode([unknown, b"x"]))
    with pytest.raises(msgspec.ValidationError, match="Invalid value"):
        decode_envelope(msgspec.msgpack.encode([0, [unknown, b"x"]]))
    key = key_of(STRUCTS["Told"])
    longer = [*msgspec.msgpack.decode(bytes.fromhex(GOLDEN[key][1]["hex"])), "a new field"]
    assert decode_item(msgspec.msgpack.encode(longer)) == read(STRUCTS["Told"], bytes.fromhex(GOLDEN[key][1]["hex"]))


@pytest.mark.parametrize("module", MODULES)
def test_tags_are_unique_for_ever_and_in_their_range(module: str) -> None:
    owners: dict[int, set[str]] = {}
    for one, entries in ((one, load(one)) for one in MODULES):
        for key, entry in entries.items():
            if entry["tag"] is not None:
                owners.setdefault(entry["tag"], set()).add(key.partition("/")[0])
        for struct in wire_structs(one).values():
            tag = struct.__struct_config__.tag
            if isinstance(tag, int):
                owners.setdefault(tag, set()).add(struct.__name__)
    assert {tag: names for tag, names in owners.items() if len(names) > 1} == {}, "a tag is never used again"
    for struct in wire_structs(module).values():
        tag = struct.__struct_config__.tag
        if struct is not Envelope:
            assert tag in TAG_RANGES[RANGE_OF[module]], f"{struct.__name__}: tag {tag} belongs to somebody else"


def test_ranges_of_tags_do_not_meet() -> None:
    spans = sorted((span.start, span.stop) for span in TAG_RANGES.values())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("name", NAMES)
def test_fields_after_the_first_default_have_one(name: str) -> None:
    required = [field.required for field in msgspec.structs.fields(STRUCTS[name])]
    assert required == sorted(required, reverse=True)


def test_a_value_comes_back_through_the_encoders_the_engine_uses() -> None:
    event = msgspec.convert(GOLDEN[key_of(STRUCTS["Join"])][1]["value"], type=STRUCTS["Join"])
    envelope = Envelope(7, event)  # type: ignore[arg-type]
    assert decode_envelope(encode_envelope(envelope)) == envelope
    for struct in StateItem.__args__:
        value = msgspec.convert(GOLDEN[key_of(struct)][1]["value"], type=struct)
        assert decode_item(encode_item(value)) == value


def test_the_example_of_a_type_nobody_has_used_yet_says_what_to_do() -> None:
    from tests.support.golden import example

    with pytest.raises(TypeError, match=r"tests/support/golden\.py"):
        example(inspect.type_info(complex))


def test_seeded_mistakes_are_found() -> None:
    """What these tests are for: a moved field and a changed type do not pass."""

    class Moved(msgspec.Struct, array_like=True, tag=11):
        version: str
        id: str
        at: int
        received_at: int

    class Retyped(msgspec.Struct, array_like=True, tag=11):
        id: str
        version: int
        at: int
        received_at: int

    entry: Golden = GOLDEN["Gone/4"][1]
    assert list(Moved.__struct_fields__) != entry["fields"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(bytes.fromhex(entry["hex"]), type=Retyped)
