"""What an address tells another is a full replacement, sent only when it changed; the newest version wins."""

import random
import subprocess
import sys
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import Wire
from schemas.state import Told
from streams.core.effects import Drop, Effect, Put, Send
from streams.core.fold import State
from streams.core.stance import fingerprint, tell, told


class Stand(Wire, frozen=True, tag=90):
    version: int
    value: tuple[str, ...]


class Sender:
    """An address that tells others things, as a task would carry it out."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}
        self.sent: list[tuple[str, Stand]] = []
        self.version = 0

    def say(self, to: str, value: tuple[str, ...], *, kind: str = "claim", subject: str = "") -> list[Effect]:
        self.version += 1
        stand = Stand(self.version, value)
        effects = list(tell(State("customer:1", self.items), kind, to, stand, value, subject=subject))
        for effect in effects:
            match effect:
                case Put(item, put):
                    self.items[item] = put
                case Drop(item):
                    del self.items[item]
                case Send(address, event):
                    self.sent.append((address, event))
        return effects


values = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(tuple)


@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), values)), st.randoms(use_true_random=False))
def test_a_receiver_ends_with_the_last_word_whatever_the_channel_does(
    said: list[tuple[str, tuple[str, ...]]], chance: random.Random
) -> None:
    sender = Sender()
    for to, value in said:
        sender.say(to, value)
    arrived = sender.sent + chance.choices(sender.sent, k=len(sender.sent)) if sender.sent else []
    chance.shuffle(arrived)
    heard: dict[str, Stand] = {}
    for to, stand in arrived:
        if to not in heard or stand.version > heard[to].version:
            heard[to] = stand
    for to in ("x", "y"):
        last = next((value for name, value in reversed(said) if name == to), ())
        assert heard.get(to, Stand(0, ())).value == last


@given(st.lists(values))
def test_nothing_is_sent_unless_the_value_changed(said: list[tuple[str, ...]]) -> None:
    sender = Sender()
    before: tuple[str, ...] = ()
    for value in said:
        assert bool(sender.say("x", value)) == (value != before)
        before = value
    assert [value for value in said if value] == [] or bool(sender.items) == bool(before)


def test_taking_back_sends_the_empty_value_once_and_leaves_nothing_behind() -> None:
    sender = Sender()
    assert sender.say("x", ()) == [], "what was never told need not be taken back"
    sender.say("x", ("a",))
    assert sender.say("x", ()) == [Drop("told:claim:x"), Send("x", Stand(3, ()))]
    assert sender.items == {}
    assert sender.say("x", ()) == []


def test_subjects_and_kinds_are_told_apart() -> None:
    sender = Sender()
    sender.say("x", ("a",), subject="s1")
    sender.say("x", ("a",), subject="s2")
    sender.say("x", ("a",), kind="bound")
    sender.say("x", ("a",))
    assert len(sender.sent) == 4
    assert list(told(State("customer:1", sender.items), "claim")) == ["x", "x\x1fs1", "x\x1fs2"]
    assert list(told(State("customer:1", sender.items), "bound")) == ["x"]


def test_a_lost_memo_costs_a_repetition_and_no_mistake() -> None:
    sender = Sender()
    sender.say("x", ("a",))
    sender.items.clear()
    sender.say("x", ("a",))
    assert [stand.version for _, stand in sender.sent] == [1, 2]


def test_the_memo_is_a_digest_of_fixed_size() -> None:
    sender = Sender()
    sender.say("x", ("long" * 10_000,))
    (memo,) = sender.items.values()
    assert memo == Told(fingerprint(("long" * 10_000,)))
    assert len(memo.digest) == 16


@given(st.dictionaries(st.text(), st.integers(-(1 << 63), (1 << 64) - 1)), st.randoms(use_true_random=False))
def test_a_fingerprint_is_that_of_the_value_and_not_of_the_order_it_was_built_in(
    value: dict[str, int], chance: random.Random
) -> None:
    pairs = list(value.items())
    chance.shuffle(pairs)
    assert fingerprint(value) == fingerprint(dict(pairs))
    assert fingerprint(value) != fingerprint({**value, "one more": 1} if "one more" not in value else {})


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    value = {"b": (1, None), "a": msgspec.to_builtins(Stand(1, ("x", "ü")))}
    program = (
        "from streams.core.stance import fingerprint as f;"
        "print(f({'a': [90, 1, ['x', 'ü']], 'b': (1, None)}).hex(), end='')"
    )
    for seed in ("0", "1"):
        found = subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert found.stdout == fingerprint(value).hex()
