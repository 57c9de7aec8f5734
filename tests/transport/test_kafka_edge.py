"""What only Kafka does: open transactions that hide what is behind them, zombies, generations, positions that wait."""

import time
from collections.abc import Sequence

import pytest
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import AdminClient

from streams.errors import Fatal, Fenced, Retryable, StreamError
from streams.runtime.ports import Membership, Position, TopicPartition
from streams.transport.kafka_predecessors import signed
from tests.contracts.log_edge import Member, commit, committed_position, drain, read_all, until, values
from tests.support.kafka_names import Names, flush


class TestWhatReadersSee:
    def test_an_open_transaction_hides_itself_and_what_is_behind_it(self, names: Names) -> None:
        log = names.log()
        topic = names.topic(log)
        one, two = log.producer(names.name("one")), log.producer(names.name("two"))
        one.begin()
        one.send(topic, b"open", partition=0)
        # Written for certain: the second one's commit would not wait for it.
        flush(one)
        commit(two, sends=[(topic, b"committed behind it")])
        end = log.end_offset(topic, 0)
        assert read_all(log, topic, expect=0) == []
        assert end == 0, "the end is that of what can be read"
        one.commit()
        assert values(read_all(log, topic, expect=2)) == [b"open", b"committed behind it"]
        assert log.end_offset(topic, 0) > end

    def test_aborted_records_are_passed_over(self, names: Names) -> None:
        log = names.log()
        topic = names.topic(log)
        producer = log.producer(names.name("p"))
        for number in range(6):
            producer.begin()
            for part in range(50):
                producer.send(topic, b"%d.%d" % (number, part), partition=0)
            flush(producer)
            if number % 2:
                producer.commit()
            else:
                producer.abort()
        seen = values(read_all(log, topic, expect=150))
        assert seen == [b"%d.%d" % (number, part) for number in (1, 3, 5) for part in range(50)]

    def test_an_empty_answer_means_that_everything_was_given(self, names: Names) -> None:
        log = names.log()
        topic = names.topic(log)
        reader = log.reader(topic, 0)
        for number in range(30):
            end = log.end_offset(topic, 0)
            log.append(topic, [(None, b"%d" % number, None, 0)], 0)
            # Committed is not yet seen: the end of the transaction has to reach the partition.
            while log.end_offset(topic, 0) == end:
                time.sleep(0.001)
            got: list[bytes | None] = []
            while records := reader.poll(10, 0):
                got += values(records)
            assert got == [b"%d" % number], "without any wait"
        reader.close()

    def test_beyond_the_end_nothing_is_there(self, names: Names) -> None:
        log = names.log()
        topic = names.topic(log)
        log.append(topic, [(None, b"x", None, 0)] * 3, 0)
        reader = log.reader(topic, 0, 1_000)
        assert reader.poll(10, 50) == []
        assert reader.poll(10, 0) == []
        reader.close()


class TestZombies:
    def test_a_producer_that_was_replaced_is_fenced_whatever_it_does(self, names: Names) -> None:
        log, other = names.log(), names.log()
        topic = names.topic(log)
        for what in ("begin", "send", "commit", "abort"):
            old = log.producer(names.name(what))
            if what != "begin":
                old.begin()
                old.send(topic, b"zombie", partition=0)
                flush(old)
            other.producer(names.name(what))
            if what == "abort":
                old.abort()
            else:
                with pytest.raises(Fenced):
                    act(old, what, topic)
            with pytest.raises(Fenced):
                commit(old, sends=[(topic, b"zombie again")])
        assert read_all(log, topic, expect=0) == []

    def test_what_a_dead_producer_left_open_its_successor_aborts_at_once(self, names: Names) -> None:
        log, other = names.log(), names.log()
        topic = names.topic(log)
        dead = log.producer(names.name("p"))
        dead.begin()
        dead.send(topic, b"left", partition=0)
        flush(dead)
        began = time.monotonic()
        successor = other.producer(names.name("p"))
        commit(successor, sends=[(topic, b"next")])
        assert values(read_all(log, topic, expect=1)) == [b"next"]
        assert time.monotonic() - began < 10, "long before the transaction's own time is over"

    def test_a_transaction_that_ran_out_of_time_is_fenced(self, names: Names) -> None:
        log = names.log(transaction_timeout_ms=1_000, socket_timeout_ms=900)
        topic = names.topic(log)
        producer = log.producer(names.name("p"))
        producer.begin()
        producer.send(topic, b"too late", partition=0)
        flush(producer)
        time.sleep(3.5)
        with pytest.raises(StreamError) as found:
            producer.commit()
        assert not isinstance(found.value, Retryable)
        commit(log.producer(names.name("p")), sends=[(topic, b"next")])
        assert values(read_all(log, topic, expect=1)) == [b"next"]

    def test_a_transaction_that_has_failed_says_why_with_every_record(self, names: Names) -> None:
        """It may fail between two calls; then sending is the first to notice."""
        log = names.log()
        topic, group = names.topic(log), names.name("g")
        member, producer = Member(log, group, [topic]), log.producer(names.name("p"))
        until(lambda: len(member.owned) == 1, member)
        stranger = Membership(group, member.consumer.membership().generation, "nobody")
        producer.begin()
        with pytest.raises(Fenced):
            producer.send_offsets({TopicPartition(topic, 0): Position(0, "")}, stranger)
        with pytest.raises(Fenced, match="not a member"):
            producer.send(topic, b"not committed", partition=0)
        producer.abort()
        commit(producer, sends=[(topic, b"committed")])
        assert values(read_all(log, topic, expect=1)) == [b"committed"]
        member.consumer.close()

    def test_a_membership_read_from_a_consumer_that_is_none_is_never_sent(self, names: Names) -> None:
        """The broker would take its positions without any check."""
        log = names.log()
        topic, group = names.topic(log), names.name("g")
        consumer, producer = log.consumer(group), log.producer(names.name("p"))
        at = TopicPartition(topic, 0)
        producer.begin()
        with pytest.raises(Fenced, match="not a member at the moment"):
            producer.send_offsets({at: Position(7, "")}, consumer.membership())
        producer.abort()
        assert consumer.committed([at]) == {at: None}
        consumer.close()

    def test_wrong_generations_and_unknown_members_are_fenced(self, names: Names) -> None:
        log = names.log()
        topic, group = names.topic(log), names.name("g")
        at = TopicPartition(topic, 0)
        member = Member(log, group, [topic])
        until(lambda: bool(member.owned), member)
        live = member.consumer.membership()
        producer = log.producer(names.name("p"))
        for wrong in (
            Membership(group, live.generation - 1, live.member),
            Membership(group, live.generation + 1, live.member),
            Membership(group, live.generation, "somebody"),
            Membership(group, live.generation, ""),
        ):
            producer.begin()
            with pytest.raises(Fenced):
                producer.send_offsets({at: Position(7, "")}, wrong)
            producer.abort()
        commit(producer, live, {at: Position(1, "live")})
        assert member.consumer.committed([at]) == {at: Position(1, "live")}
        member.consumer.close()


class TestRebalances:
    @pytest.mark.parametrize("protocol", ["classic", "consumer"])
    def test_what_is_given_up_can_be_committed_inside_of_the_call(self, names: Names, protocol: str) -> None:
        """With cooperative-sticky the generation has gone up by then; with the newer protocol it has not."""
        log, other = names.log(group_protocol=protocol), names.log(group_protocol=protocol)
        topic, group = names.topic(log, partitions=2), names.name("g")
        first, producer = Member(log, group, [topic]), log.producer(names.name("p"))
        until(lambda: len(first.owned) == 2, first)
        everything = {TopicPartition(topic, partition): Position(5, "given up") for partition in (0, 1)}
        first.watcher.on_revoked = lambda _: commit(producer, first.consumer.membership(), everything)
        second = Member(other, group, [topic])
        until(lambda: len(second.owned) == 1 == len(first.owned), first, second)
        assert second.consumer.committed(list(everything)) == everything
        first.watcher.on_revoked = lambda _: None
        for member in (first, second):
            member.consumer.close()

    def test_records_of_a_partition_that_went_in_the_same_call_are_not_given(self, names: Names) -> None:
        log, other = names.log(), names.log()
        topic, group = names.topic(log, partitions=2), names.name("g")
        first = Member(log, group, [topic])
        until(lambda: len(first.owned) == 2, first)
        second = Member(other, group, [topic])
        for fed in range(400):
            log.append(topic, [(None, b"%d" % fed, None, 0)] * 20, fed % 2)
            for member in (first, second):
                for record in member.turn():
                    where = TopicPartition(record.topic(), record.partition())
                    assert where in member.owned, "given after it was given up"
            if len(first.owned) == 1 == len(second.owned):
                break
        assert len(first.owned) == 1 == len(second.owned)
        for member in (first, second):
            member.consumer.close()

    def test_what_a_listener_raises_comes_out_of_the_call_and_the_handover_goes_on(self, names: Names) -> None:
        log, other = names.log(), names.log()
        topic, group = names.topic(log, partitions=2), names.name("g")
        first = Member(log, group, [topic])
        until(lambda: len(first.owned) == 2, first)

        def fail(partitions: Sequence[TopicPartition]) -> None:
            first.watcher.owned -= set(partitions)
            raise Fatal("a person must look")

        first.watcher.on_revoked = fail
        second = Member(other, group, [topic])
        with pytest.raises(Fatal, match="a person must look"):
            until(lambda: False, first, second)
        first.watcher.on_revoked = lambda _: None
        until(lambda: bool(second.owned), second)
        for member in (second, first):
            member.consumer.close()


class TestPositions:
    def test_waiting_for_a_dead_worker_s_transaction_does_not_hold_up_the_others(self, names: Names) -> None:
        log = names.log()
        topic, group = names.topic(log, partitions=2), names.name("g")
        held, free = TopicPartition(topic, 0), TopicPartition(topic, 1)
        dead = log.producer(names.name("dead"))
        dead.begin()
        dead.send_offsets({held: Position(1, "held")}, Membership(group, -1, ""))
        member = Member(log, group, [topic])
        member.watcher.on_assigned = lambda _: member.consumer.pause([held])
        until(lambda: len(member.owned) == 2, member)
        waits = []
        for number in range(6):
            began = time.monotonic()
            with pytest.raises(Retryable, match=r"asked, no answer yet|not now"):
                member.consumer.committed([held])
            waits.append(time.monotonic() - began)
            log.append(topic, [(None, b"%d" % number, None, 0)], 1)
            until(lambda number=number: len(member.records) == number + 1, member)  # type: ignore[misc]
        assert sorted(waits)[-2] < 0.2, "once for a moment, then it is only looked at"
        assert {record.partition() for record in member.records} == {free.partition}
        dead.commit()
        assert committed_position(member.consumer, held) == Position(1, "held")
        member.consumer.close()

    def test_the_transaction_of_a_dead_predecessor_is_ended_before_its_time(self, names: Names) -> None:
        """Else its partitions, and all who read what it wrote, would wait for 15 s and more."""
        log, other = names.log(), names.log()
        topic, group = names.topic(log), names.name("g")
        at = TopicPartition(topic, 0)
        first, dead = Member(log, group, [topic]), log.producer(names.name("dead"))
        until(lambda: bool(first.owned), first)
        commit(dead, first.consumer.membership(), {at: Position(0, "before")}, [(topic, b"done")])
        dead.begin()
        dead.send(topic, b"never to be seen", partition=0)
        flush(dead)
        dead.send_offsets({at: Position(1, "open")}, first.consumer.membership())
        first.consumer.close()
        second = Member(other, group, [topic])
        second.watcher.on_assigned = second.consumer.pause
        until(lambda: bool(second.owned), second)
        # Asked for ten seconds at most.
        assert committed_position(second.consumer, at) == Position(0, "before")
        other.append(topic, [(None, b"behind it", None, 0)], 0)
        assert values(read_all(other, topic, expect=2)) == [b"done", b"behind it"]
        with pytest.raises(Fenced):
            dead.commit()
        second.consumer.close()

    def test_nobody_is_ended_who_still_answers_in_time(self, names: Names) -> None:
        log, other = names.log(), names.log()
        topic, group = names.topic(log, partitions=2), names.name("g")
        everything = {TopicPartition(topic, partition): Position(0, "mine") for partition in (0, 1)}
        first, producer = Member(log, group, [topic]), log.producer(names.name("p"))
        until(lambda: len(first.owned) == 2, first)
        first.watcher.on_revoked = lambda _: commit(producer, first.consumer.membership(), everything)
        second = Member(other, group, [topic])
        until(lambda: len(first.owned) == len(second.owned) == 1, first, second)
        first.watcher.on_revoked = lambda _: None
        (given,) = second.owned
        assert committed_position(second.consumer, given) == Position(0, "mine")
        commit(producer, sends=[(topic, b"goes on")])
        for member in (second, first):
            member.consumer.close()

    def test_an_answer_from_before_a_seek_is_not_given_after_it(self, names: Names) -> None:
        log = names.log()
        topic, group = names.topic(log), names.name("g")
        log.append(topic, [(None, b"x", None, 0)] * 9, 0)
        at = TopicPartition(topic, 0)
        member, producer = Member(log, group, [topic]), log.producer(names.name("p"))
        until(lambda: bool(member.records), member)
        producer.begin()
        producer.send_offsets({at: Position(1, "one")}, member.consumer.membership())
        with pytest.raises(Retryable):
            member.consumer.committed([at])
        producer.commit()
        time.sleep(1.2)
        commit(producer, member.consumer.membership(), {at: Position(2, "two")})
        member.consumer.seek(at, 2)
        assert committed_position(member.consumer, at) == Position(2, "two")
        member.consumer.close()

    def test_a_position_that_is_gone_is_said_and_never_jumped_over(self, names: Names) -> None:
        log = names.log()
        topic, group = names.topic(log), names.name("g")
        log.append(topic, [(None, b"x", None, 0)] * 10, 0)
        admin = AdminClient({"bootstrap.servers": names.bootstrap})
        admin.delete_records([At(topic, 0, 8)])[At(topic, 0, 8)].result(10)
        assert log.start_offset(topic, 0) == 8
        member = Member(log, group, [topic])
        member.watcher.on_assigned = lambda partitions: member.consumer.seek(partitions[0], 3)
        with pytest.raises(Fatal, match=r"at 3: the position is not in the log"):
            until(lambda: bool(member.records), member)
        reader = log.reader(topic, 0, 3)
        assert [record.offset() for record in drain(reader, 2)] == [8, 9]
        reader.close()
        member.consumer.close()

    def test_metadata_beyond_the_limit_of_the_broker_stops_the_worker(self, names: Names) -> None:
        log = names.log()
        topic, group = names.topic(log), names.name("g")
        at = TopicPartition(topic, 0)
        member = Member(log, group, [topic])
        until(lambda: bool(member.owned), member)
        name = names.name("p")
        producer, room = log.producer(name), 4_095 - len(signed("", name))
        commit(producer, member.consumer.membership(), {at: Position(1, "x" * room)})
        producer.begin()
        with pytest.raises(Fatal, match=r"4095 characters"):
            producer.send_offsets({at: Position(2, "x" * (room + 1))}, member.consumer.membership())
        producer.abort()
        assert member.consumer.committed([at]) == {at: Position(1, "x" * room)}
        member.consumer.close()


def act(producer: object, what: str, topic: str) -> None:
    """Do one thing that needs the broker."""
    if what == "begin":
        producer.begin()  # type: ignore[attr-defined]
        producer.send(topic, b"zombie", partition=0)  # type: ignore[attr-defined]
        producer.commit()  # type: ignore[attr-defined]
    elif what == "send":
        for _ in range(200):
            producer.send(topic, b"zombie", partition=0)  # type: ignore[attr-defined]
            time.sleep(0.02)
    else:
        getattr(producer, what)()
