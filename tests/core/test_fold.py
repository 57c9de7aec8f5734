"""What a fold is given: addresses, a state it can only read, and an order that a restore does not change."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.address import id_of, type_of
from streams.core.fold import GENERATION_SHIFT, Now, State

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)


def test_an_address_is_a_type_and_an_id_with_the_rest_of_the_colons() -> None:
    assert type_of("account:bluesky:did:plc:abc") == "account"
    assert id_of("account:bluesky:did:plc:abc") == "bluesky:did:plc:abc"
    assert (type_of("tick:"), id_of("tick:")) == ("tick", "")
    assert (type_of("nothing"), id_of("nothing")) == ("nothing", "")


@given(st.dictionaries(names, st.integers()), names, st.randoms(use_true_random=False))
def test_items_come_in_order_of_their_names_however_they_were_written(
    items: dict[str, int], prefix: str, chance: random.Random
) -> None:
    pairs = list(items.items())
    chance.shuffle(pairs)
    restored = State("a:1", dict(pairs))
    found = list(restored.starting(prefix))
    assert found == list(State("a:1", items).starting(prefix))
    assert found == sorted((name[len(prefix) :], value) for name, value in items.items() if name.startswith(prefix))
    assert restored.count(prefix) == len(found)


def test_a_state_answers_what_is_there_and_none_for_what_is_not() -> None:
    state = State("a:1", {"head": 1, "act:2": 2, "act:1": None})
    assert (state.get("head"), state.get("tail")) == (1, None)
    assert "act:1" in state
    assert "act:3" not in state
    assert len(state) == 3
    assert [name for name, _ in state.starting("act:")] == ["1", "2"]
    assert list(state.starting("")) == [("act:1", None), ("act:2", 2), ("head", 1)]


def test_what_is_read_does_not_change_under_a_fold_that_goes_on_reading() -> None:
    items: dict[str, Any] = {"act:1": 1, "act:2": 2}
    reading = State("a:1", items).starting("act:")
    next(reading)
    items["act:3"] = 3
    assert [name for name, _ in reading] == ["2"]


@pytest.mark.parametrize("verb", ["put", "set", "__setitem__", "__delitem__", "pop", "clear", "update"])
def test_a_fold_cannot_write(verb: str) -> None:
    assert not hasattr(State("a:1", {}), verb)


def test_a_state_has_no_room_for_anything_else() -> None:
    with pytest.raises(AttributeError):
        State("a:1", {}).memo = 1  # type: ignore[attr-defined]


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.integers(1, 100))
def test_positions_of_a_newer_generation_are_above_all_before(old: int, new: int, generation: int) -> None:
    assert (generation << GENERATION_SHIFT | old) < (generation + 1 << GENERATION_SHIFT | new)


def test_a_time_given_to_a_fold_cannot_be_moved() -> None:
    with pytest.raises(AttributeError):
        Now(1, 2, 3).upto = 9  # type: ignore[misc]
