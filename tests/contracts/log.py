"""The promises of a `Log`: records, readers, transactions. `log_groups.py` has those of consumer groups.

An edge inherits from the classes and gives them the fixture `edge`: see `log_edge.py`.
"""

import pytest

from streams.core.partition import partition_of
from streams.errors import Fatal, Fenced, Poison
from streams.runtime.ports import Position, TopicPartition
from tests.contracts.log_edge import (
    LogEdge,
    Member,
    commit,
    committed_at_rest,
    committed_position,
    drain,
    make_topic,
    name_of,
    read_all,
    until,
    values,
)


class RecordPromises:
    """What is written comes back: whole, in order, where it belongs."""

    def test_every_part_of_a_record_comes_back(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        log.append(
            topic,
            [
                (b"key", b"value", [("a", b"1"), ("a", b""), ("b", b"\xff\x00")], 1_700_000_000_123),
                (None, b"\x00\xff", None, 1),
                (b"", b"", None, edge.time_ms_max),
                (b"gone", None, None, 5),
            ],
            partition=0,
        )
        records = read_all(log, topic, expect=4)
        assert [(r.key(), r.value(), list(r.headers() or []), r.timestamp()[1]) for r in records] == [
            (b"key", b"value", [("a", b"1"), ("a", b""), ("b", b"\xff\x00")], 1_700_000_000_123),
            (None, b"\x00\xff", [], 1),
            (b"", b"", [], edge.time_ms_max),
            (b"gone", None, [], 5),
        ]
        assert {(r.topic(), r.partition()) for r in records} == {(topic, 0)}

    def test_a_record_without_a_time_gets_the_time_of_writing(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        producer = log.producer(name_of(edge, "p"))
        for value in (b"early", b"late"):
            commit(producer, sends=[(topic, value)])
            edge.pass_time(20)
        producer.close()
        early, late = (record.timestamp()[1] for record in read_all(log, topic, expect=2))
        assert early > 1_000_000_000_000
        assert late >= early + 20

    def test_a_partition_keeps_the_order_of_sending_over_many_transactions(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log, 2)
        producer = log.producer(name_of(edge, "p"))
        sent: dict[int, list[bytes | None]] = {0: [], 1: []}
        for number in range(60):
            if number % 10 == 0:
                producer.begin()
            value = b"%d" % number
            producer.send(topic, value, partition=number % 2)
            sent[number % 2].append(value)
            if number % 10 == 9:
                producer.commit()
        producer.close()
        for partition, want in sent.items():
            records = read_all(log, topic, partition, expect=30)
            assert values(records) == want
            offsets = [record.offset() for record in records]
            assert offsets == sorted(set(offsets)), "offsets grow"

    def test_a_key_goes_to_its_murmur2_partition(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log, 5)
        keys = [b"", b"a", b"account:bluesky:did:plc:abc", "é".encode(), b"\xff" * 7, *(b"k%d" % n for n in range(20))]
        producer = log.producer(name_of(edge, "p"))
        producer.begin()
        for key in keys:
            producer.send(topic, b"by producer", key)
        producer.commit()
        producer.close()
        log.append(topic, [(key, b"by append", None, 0) for key in keys])
        for partition in range(5):
            want = [key for key in keys if partition_of(key, 5) == partition]
            records = read_all(log, topic, partition, expect=2 * len(want))
            assert [record.key() for record in records] == want + want

    def test_a_reader_begins_at_any_offset_and_goes_on_with_what_comes(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        for number in range(5):
            log.append(topic, [(None, b"%d" % number, None, 0)], partition=0)
        records = read_all(log, topic, expect=5)
        for index, record in enumerate(records):
            assert values(read_all(log, topic, 0, record.offset(), expect=5 - index)) == values(records)[index:]
        reader = log.reader(topic, 0, records[-1].offset() + 1)
        assert reader.poll(10, 50) == []
        log.append(topic, [(None, b"next", None, 0)], partition=0)
        assert values(drain(reader, 1)) == [b"next"]
        reader.close()

    def test_a_reader_gives_no_more_than_asked_for(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        log.append(topic, [(None, b"%d" % number, None, 0) for number in range(10)], partition=0)
        reader = log.reader(topic, 0)
        seen: list[bytes | None] = []
        for _ in range(200):
            got = reader.poll(3, 50)
            assert len(got) <= 3
            seen += values(got)
            if len(seen) == 10:
                break
        assert seen == [b"%d" % number for number in range(10)]
        reader.close()

    def test_what_is_at_hand_can_be_taken_without_asking_for_the_end(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        log.append(topic, [(None, b"%d" % number, None, 0) for number in range(10)], partition=0)
        reader = log.reader(topic, 0)
        seen: list[bytes | None] = []
        for _ in range(500):
            got = reader.take(4, 50)
            assert len(got) <= 4
            seen += values(got)
            if len(seen) == 10:
                break
        assert seen == [b"%d" % number for number in range(10)]
        assert reader.take(4, 0) == []
        reader.close()

    def test_start_and_end_enclose_what_is_there(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        assert log.start_offset(topic, 0) == log.end_offset(topic, 0) == 0
        log.append(topic, [(None, b"x", None, 0)] * 3, partition=0)
        records = read_all(log, topic, expect=3)
        assert log.start_offset(topic, 0) <= records[0].offset()
        assert records[-1].offset() < log.end_offset(topic, 0)

    def test_append_writes_all_or_nothing(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        with pytest.raises(Poison):
            log.append(
                topic, [(None, b"small", None, 0), (None, b"x" * (edge.record_bytes_max + 1), None, 0)], partition=0
            )
        log.append(topic, [(None, b"after", None, 0)], partition=0)
        assert values(read_all(log, topic, expect=1)) == [b"after"]

    def test_a_topic_is_created_once_and_keeps_its_partitions(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log, 3)
        log.append(topic, [(None, b"kept", None, 0)], partition=2)
        log.create_topic(topic, 3, compact=False, retention_ms=None)
        assert log.partitions(topic) == 3
        assert values(read_all(log, topic, 2, expect=1)) == [b"kept"]
        with pytest.raises(Fatal, match=r"want 4.*found 3"):
            log.create_topic(topic, 4, compact=False, retention_ms=None)
        with pytest.raises(Fatal, match="nowhere"):
            log.partitions(name_of(edge, "nowhere"))

    def test_handles_of_one_log_know_that_they_are(self, edge: LogEdge) -> None:
        assert edge.open().cluster_id == edge.open().cluster_id != ""


class TransactionPromises:
    """All or nothing, and one producer at a time."""

    def test_nothing_is_visible_before_the_commit_and_all_of_it_after(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic = make_topic(edge, log, 2)
        producer = log.producer(name_of(edge, "p"))
        producer.begin()
        for partition in (0, 1):
            producer.send(topic, b"value", partition=partition)
        readers = [other.reader(topic, partition) for partition in (0, 1)]
        assert [reader.poll(10, 50) for reader in readers] == [[], []]
        producer.commit()
        assert [values(drain(reader, 1)) for reader in readers] == [[b"value"], [b"value"]]
        for reader in readers:
            reader.close()
        producer.close()

    def test_after_an_abort_there_is_silence_and_the_next_transaction_works(self, edge: LogEdge) -> None:
        log = edge.open()
        topic, group = make_topic(edge, log), name_of(edge, "g")
        at = TopicPartition(topic, 0)
        member = Member(log, group, [topic])
        until(lambda: bool(member.owned), member)
        producer = log.producer(name_of(edge, "p"))
        producer.begin()
        producer.send(topic, b"aborted", partition=0)
        producer.send_offsets({at: Position(7, "no")}, member.consumer.membership())
        producer.abort()
        assert member.consumer.committed([at]) == {at: None}
        commit(producer, sends=[(topic, b"kept")])
        assert values(read_all(log, topic, expect=1)) == [b"kept"]
        producer.close()
        member.consumer.close()

    def test_closing_a_producer_aborts_what_is_open(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        producer = log.producer(name_of(edge, "p"))
        producer.begin()
        producer.send(topic, b"never", partition=0)
        producer.close()
        log.append(topic, [(None, b"after", None, 0)], partition=0)
        assert values(read_all(log, topic, expect=1)) == [b"after"]

    def test_positions_and_their_metadata_come_with_the_records(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, out, group = make_topic(edge, log, 2), make_topic(edge, log), name_of(edge, "g")
        first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
        member = Member(log, group, [topic])
        until(lambda: member.owned == {first, second}, member)
        assert member.consumer.committed([first, second]) == {first: None, second: None}
        positions = {first: Position(3, "v1;12;1700000000000"), second: Position(0, "é" + "x" * 4000)}
        producer = log.producer(name_of(edge, "p"))
        commit(producer, member.consumer.membership(), positions, [(out, b"result")])
        assert member.consumer.committed([first, second]) == positions
        watcher = other.consumer(group)
        assert watcher.committed([first, second]) == positions
        assert values(read_all(other, out, expect=1)) == [b"result"]
        watcher.close()
        producer.close()
        member.consumer.close()

    def test_two_groups_commit_in_one_transaction(self, edge: LogEdge) -> None:
        log = edge.open()
        topics = [make_topic(edge, log), make_topic(edge, log)]
        members = [Member(log, name_of(edge, "g"), [topic]) for topic in topics]
        until(lambda: all(member.owned for member in members), *members)
        producer = log.producer(name_of(edge, "p"))
        producer.begin()
        for topic, member in zip(topics, members, strict=True):
            producer.send_offsets({TopicPartition(topic, 0): Position(5, topic)}, member.consumer.membership())
        for topic, member in zip(topics, members, strict=True):
            at = TopicPartition(topic, 0)
            assert committed_at_rest(member.consumer, at) is None
        producer.commit()
        for topic, member in zip(topics, members, strict=True):
            assert committed_position(member.consumer, TopicPartition(topic, 0)) == Position(5, topic)
            member.consumer.close()
        producer.close()

    def test_a_newer_producer_with_the_same_id_fences_the_older(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, name = make_topic(edge, log), name_of(edge, "p")
        old = log.producer(name)
        commit(old, sends=[(topic, b"before")])
        old.begin()
        old.send(topic, b"zombie", partition=0)
        new = other.producer(name)
        with pytest.raises(Fenced):
            old.commit()
        old.abort()
        commit(new, sends=[(topic, b"new")])
        with pytest.raises(Fenced):
            commit(old, sends=[(topic, b"zombie again")])
        assert values(read_all(log, topic, expect=2)) == [b"before", b"new"]
        old.close()
        new.close()

    def test_producers_with_different_ids_leave_each_other_alone(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        one, two = log.producer(name_of(edge, "p")), log.producer(name_of(edge, "p"))
        one.begin()
        one.send(topic, b"one", partition=0)
        commit(two, sends=[(topic, b"two")])
        one.commit()
        assert sorted(values(read_all(log, topic, expect=2)), key=str) == [b"one", b"two"]
        one.close()
        two.close()

    def test_a_record_that_is_too_large_leaves_the_transaction_usable(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        producer = log.producer(name_of(edge, "p"))
        producer.begin()
        producer.send(topic, b"before", partition=0)
        with pytest.raises(Poison, match="bytes"):
            producer.send(topic, b"x" * (edge.record_bytes_max + 1), partition=0)
        producer.send(topic, b"after", partition=0)
        producer.commit()
        assert values(read_all(log, topic, expect=2)) == [b"before", b"after"]
        producer.close()

    def test_a_large_transaction_is_whole(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log, 4)
        producer = log.producer(name_of(edge, "p"))
        producer.begin()
        for number in range(10_000):
            producer.send(topic, b"%d" % number, partition=number % 4)
        producer.commit()
        producer.close()
        for partition in range(4):
            records = read_all(log, topic, partition, expect=2500)
            assert values(records) == [b"%d" % number for number in range(partition, 10_000, 4)]
