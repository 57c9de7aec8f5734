"""Records and topics that Kafka refuses, or that are not as they must be: each said in words."""

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from streams.errors import Doubtful, Fatal, Fenced, Poison
from streams.transport.kafka_config import RECORD_BYTES_MAX
from tests.contracts.log_edge import read_all, values
from tests.support.kafka_names import Names, flush, until_settled


class TestRecords:
    def test_the_largest_record_goes_through_and_one_byte_more_is_poison(self, names: Names) -> None:
        log = names.log(compression_type="none")
        topic = names.topic(log)
        producer = log.producer(names.name("p"))
        producer.begin()
        producer.send(topic, b"x" * (RECORD_BYTES_MAX - 4_103), b"key", 0, [("a", b"y" * 3_000)])
        producer.send(topic, b"x" * (RECORD_BYTES_MAX - 103), b"key", 0)
        with pytest.raises(Poison, match="1048001 bytes"):
            producer.send(topic, b"x" * (RECORD_BYTES_MAX - 2), b"key", 0)
        producer.commit()
        sizes = [len(value or b"") for value in values(read_all(log, topic, expect=2))]
        assert sizes == [RECORD_BYTES_MAX - 4_103, RECORD_BYTES_MAX - 103]

    def test_more_than_the_client_holds_is_waited_for(self, names: Names) -> None:
        log = names.log(queue_buffering_max_messages=50)
        topic = names.topic(log)
        producer = log.producer(names.name("p"))
        producer.begin()
        for number in range(2_000):
            producer.send(topic, b"%d" % number, None, 0)
        producer.commit()
        assert values(read_all(log, topic, expect=2_000)) == [b"%d" % number for number in range(2_000)]

    def test_what_the_broker_refuses_is_poison_and_nothing_of_it_is_seen(self, names: Names) -> None:
        log = names.log()
        topic = names.name("keyed")
        log.create_topic(topic, 1, compact=True, retention_ms=None)
        producer = log.producer(names.name("p"))
        producer.begin()
        producer.send(topic, b"fine", b"key", 0)
        producer.send(topic, b"without a key", None, 0)
        with pytest.raises(Poison, match="keys"):
            until_settled(producer.commit)
        producer.abort()
        producer.begin()
        producer.send(topic, b"next", b"key", 0)
        producer.commit()
        assert values(read_all(log, topic, expect=1)) == [b"next"]

    def test_a_time_far_from_now_is_poison(self, names: Names) -> None:
        log = names.log()
        topic = names.topic(log)
        with pytest.raises(Poison, match="time"):
            log.append(topic, [(None, b"year 9999", None, 253_402_300_799_999)], 0)
        log.append(topic, [(None, b"now", None, 0)], 0)
        assert values(read_all(log, topic, expect=1)) == [b"now"]


class TestTopics:
    def test_an_unknown_topic_is_said_by_everything_that_needs_it(self, names: Names) -> None:
        log = names.log(topic_metadata_propagation_max_ms=500)
        topic = names.name("nowhere")
        calls: list[Callable[[], object]] = [
            lambda: log.partitions(topic),
            lambda: log.reader(topic, 0),
            lambda: log.end_offset(topic, 0),
            lambda: log.append(topic, [(None, b"x", None, 0)]),
        ]
        for call in calls:
            with pytest.raises(Fatal, match=r"nowhere.*rapport topics create"):
                call()
        producer = log.producer(names.name("p"))
        producer.begin()
        producer.send(topic, b"lost")
        # Nobody asked for it at the start, as a worker does: then all that can be said is that it was not written.
        with pytest.raises((Fenced, Doubtful), match="a topic that is not there"):
            until_settled(producer.commit)

    def test_a_topic_that_is_not_as_wanted_is_refused_with_the_way_out(self, names: Names) -> None:
        log = names.log()
        admin = AdminClient({"bootstrap.servers": names.bootstrap})
        wrong = {
            "count": (
                NewTopic(names.name("count"), 3, 1),
                r"want 2 partitions, found 3; set the configured count to 3",
            ),
            "policy": (
                NewTopic(names.name("policy"), 2, 1, config={"cleanup.policy": "compact"}),
                r"want cleanup.policy=delete, found compact: all but the newest of a key.*kafka-configs --alter",
            ),
            "short": (
                NewTopic(names.name("short"), 2, 1, config={"retention.ms": "1000"}),
                r"want retention.ms=86400000 or more, found 1000.*retention.ms=86400000",
            ),
            "small": (
                NewTopic(names.name("small"), 2, 1, config={"max.message.bytes": "1000"}),
                r"want max.message.bytes=1048588 or more, found 1000",
            ),
        }
        for future in admin.create_topics([topic for topic, _ in wrong.values()]).values():
            future.result(10)
        for word, (_, said) in wrong.items():
            with pytest.raises(Fatal, match=said):
                log.create_topic(names.name(word), 2, compact=False, retention_ms=86_400_000)
            assert len(log.topic_problems(names.name(word), 2, compact=False, retention_ms=86_400_000)) == 1
        forgets = names.topic(log, "forgets", 2)
        with pytest.raises(Fatal, match=r"want cleanup.policy=compact, found delete: what is not written for a while"):
            log.create_topic(forgets, 2, compact=True, retention_ms=None)
        assert "found no such topic" in log.topic_problems(names.name("none"), 2, compact=True, retention_ms=None)[0]

    def test_topics_are_made_as_they_must_be(self, names: Names) -> None:
        log = names.log()
        log.create_topic(names.name("kept"), 2, compact=True, retention_ms=None)
        log.create_topic(names.name("week"), 2, compact=False, retention_ms=604_800_000)
        log.create_topic(names.name("ever"), 2, compact=False, retention_ms=None)
        assert not log.topic_problems(names.name("kept"), 2, compact=True, retention_ms=None)
        assert not log.topic_problems(names.name("week"), 2, compact=False, retention_ms=604_800_000)
        assert not log.topic_problems(names.name("ever"), 2, compact=False, retention_ms=None)
        assert log.topic_problems(names.name("week"), 2, compact=False, retention_ms=None)

    def test_a_plain_consumer_of_somebody_else_sees_what_we_commit_and_nothing_else(self, names: Names) -> None:
        log = names.log()
        topic = names.topic(log)
        producer = log.producer(names.name("p"))
        for number in range(4):
            producer.begin()
            producer.send(topic, b"%d" % number, b"key", 0, [("ce_id", b"1")])
            flush(producer)
            if number % 2:
                producer.commit()
            else:
                producer.abort()
        theirs = Consumer({"bootstrap.servers": names.bootstrap, "group.id": names.name("theirs"), "isolation.level": "read_committed"})  # fmt: skip
        theirs.assign([At(topic, 0, 0)])
        seen = [message for message in theirs.consume(2, 10) if message.error() is None]
        assert [(message.key(), message.value()) for message in seen] == [(b"key", b"1"), (b"key", b"3")]
        assert seen[0].headers() == [("ce_id", b"1")]
        theirs.close()
