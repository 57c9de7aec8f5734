"""Effects and facts are values: equal when they say the same, and nobody changes them afterwards."""

import inspect
import typing

import msgspec
import pytest

from streams.core import effects
from streams.core.effects import EFFECTS_MAX, Drop, Effect, Forget, Note, Publish, Put, Reject, Send, WakeAt
from streams.core.facts import Fact, Level
from streams.runtime import facts
from streams.runtime.outcome import Encoder
from tests.support.toy_topology import toy_topology

ONE_OF_EACH = [
    Put("item", 1),
    Drop("item"),
    Forget(),
    Send("a:1", {"x": 1}),
    Publish("seen", "key", {}),
    WakeAt(5),
    Reject("cause"),
    Note(facts.EventsFolded()),
]


KINDS_OF_FACTS: list[type[Fact]] = [
    found for found in vars(facts).values() if inspect.isclass(found) and issubclass(found, Fact) and found is not Fact
]


def test_there_is_an_example_of_every_effect() -> None:
    assert {type(one) for one in ONE_OF_EACH} == set(typing.get_args(Effect))
    structs = {one for one in vars(effects).values() if inspect.isclass(one) and issubclass(one, msgspec.Struct)}
    assert structs - {Fact, msgspec.Struct} == set(typing.get_args(Effect)), "an effect that is not in the union"


@pytest.mark.parametrize("effect", ONE_OF_EACH, ids=lambda effect: type(effect).__name__)
def test_an_effect_is_a_value(effect: msgspec.Struct) -> None:
    assert effect == msgspec.structs.replace(effect)
    for field in effect.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(effect, field, None)


@pytest.mark.parametrize("effect", ONE_OF_EACH, ids=lambda effect: type(effect).__name__)
def test_every_effect_is_carried_out(effect: msgspec.Struct) -> None:
    """A new kind of effect that the runtime does not know must not pass for one that does nothing."""
    topology = msgspec.structs.replace(
        toy_topology(),
        encode_item=msgspec.msgpack.encode,
        decode_item=msgspec.msgpack.decode,
        encode_event=lambda seen_at, event: msgspec.msgpack.encode((seen_at, event)),
    )
    nothing = Encoder(topology, 1_000).encode([], {"item": 1}, 0, 0)
    outcome = Encoder(topology, 1_000).encode([effect], {"item": 1}, 0, 0)
    parts = ("changes", "sends", "published", "notes", "wake", "rejected")
    assert any(getattr(outcome, part) != getattr(nothing, part) for part in parts)


def test_one_call_may_ask_for_256_things() -> None:
    """As the design says; folds count on it when they cut their work into pages."""
    assert EFFECTS_MAX == 256


@pytest.mark.parametrize("fact", KINDS_OF_FACTS, ids=lambda fact: fact.__name__)
def test_every_fact_says_what_it_means_and_has_a_counter(fact: type[Fact]) -> None:
    assert fact.__doc__, "say what has happened"
    assert fact.help, "say what it means for who looks at the counter"
    assert fact.help != fact.__doc__
    assert fact.counter.endswith("_total")
    assert fact.level in typing.get_args(Level)
    assert set(fact.labels) <= set(fact.__struct_fields__), "a label is one of the fact's fields"


def test_no_two_facts_share_a_counter() -> None:
    counters = [fact.counter for fact in KINDS_OF_FACTS]
    assert sorted(counters) == sorted(set(counters))
