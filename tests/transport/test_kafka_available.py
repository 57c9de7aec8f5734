"""Whether the tests against Kafka run here at all. They do not without Java and Maven: then this says so, loudly."""

from tests.support.kafka_broker import need_kafka


def test_a_broker_can_be_had_here() -> None:
    need_kafka()
