"""A call of the client that never returns holds up nobody for ever."""

import threading

import pytest

from streams.errors import Fenced
from streams.runtime.ports import Position, TopicPartition
from streams.transport.kafka_beside import Beside
from tests.contracts.log_edge import Member, commit, read_all, until, values
from tests.support.kafka_names import Names


def test_a_call_is_made_as_if_it_were_made_here() -> None:
    beside, seen = Beside(), list[int]()
    for number in range(3):
        assert beside.call(lambda number=number: seen.append(number), 10)  # type: ignore[misc]
    with pytest.raises(ZeroDivisionError):
        beside.call(lambda: 1 // 0, 10)  # type: ignore[arg-type]
    assert beside.call(lambda: seen.append(3), 10)
    assert seen == [0, 1, 2, 3]
    beside.close()


def test_a_call_that_hangs_is_left_alone() -> None:
    beside, end, seen = Beside(), threading.Event(), list[int]()
    assert not beside.call(lambda: end.wait(60), 0.05)  # type: ignore[arg-type]
    assert beside.call(lambda: seen.append(1), 10)
    assert seen == [1]
    end.set()
    beside.close()


def test_a_client_that_never_answers_is_given_up(names: Names) -> None:
    log = names.log(transaction_timeout_ms=1_000, socket_timeout_ms=1_000)
    topic, group = names.topic(log), names.name("g")
    member, producer = Member(log, group, [topic]), log.producer(names.name("p"))
    until(lambda: len(member.owned) == 1, member)
    end = threading.Event()

    class Hangs:
        def send_offsets_to_transaction(self, *_: object) -> None:
            end.wait(60)

    producer.begin()
    real, producer._client = producer._client, Hangs()  # type: ignore[assignment]  # the injected fault
    with pytest.raises(Fenced, match="no answer"):
        producer.send_offsets({TopicPartition(topic, 0): Position(0, "")}, member.consumer.membership())
    producer._client = real
    producer.abort()
    commit(log.producer(names.name("p")), sends=[(topic, b"committed")])
    assert values(read_all(log, topic, expect=1)) == [b"committed"]
    end.set()
    member.consumer.close()
