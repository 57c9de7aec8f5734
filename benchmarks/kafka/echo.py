"""The baseline: consume, parse, serialise, produce; what any Python program on Kafka does at least.

    python -m benchmarks.kafka.echo BOOTSTRAP TOPIC OUT RECORDS [--transactions]

A process of its own. Reads `TOPIC` from its beginning and writes each record, parsed and serialised anew, to `OUT`. With
transactions: records and positions together, every 100 ms, read committed. Set up as our own clients are, but for what
they need only to be fair between topics: it fetches further ahead. Prints one JSON object.
"""

import argparse
import resource
import sys
import time
import uuid
from typing import Any

import orjson
from confluent_kafka import Consumer, Producer

_POLL_MAX = 4_000
_COMMIT_S = 0.1
_WAIT_S = 30.0


def main() -> int:
    """Exit code 1 when not all records came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("out")
    parser.add_argument("records", type=int)
    parser.add_argument("--transactions", action="store_true")
    given = parser.parse_args()
    producer = Producer(_producer(given.bootstrap, transactions=given.transactions))
    producer.list_topics(timeout=10)
    if given.transactions:
        producer.init_transactions(30)
    consumer = Consumer(_consumer(given.bootstrap))
    consumer.subscribe([given.topic])
    work = _transactions if given.transactions else _plain
    done, wall_s, cpu_s = work(consumer, producer, given.out, given.records)
    consumer.close()
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        orjson.dumps({"records": done, "wall_s": wall_s, "cpu_s": cpu_s, "rss_mb": rss_mb}).decode() + "\n"
    )
    return 0 if done == given.records else 1


def _consumer(bootstrap: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": bootstrap,
        "group.id": f"echo-{uuid.uuid4().hex}",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "partition.assignment.strategy": "cooperative-sticky",
        "fetch.wait.max.ms": 100,
        "fetch.queue.backoff.ms": 5,
        "queued.min.messages": 20_000,
        "log_level": 0,
    }


def _producer(bootstrap: str, *, transactions: bool) -> dict[str, Any]:
    ours = {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 5,
        "retry.backoff.ms": 5,
        "queue.buffering.max.messages": 1_000_000,
        "log_level": 0,
    }
    return ours | ({"transactional.id": f"echo-{uuid.uuid4().hex}"} if transactions else {})


def _first(consumer: Consumer) -> list[Any]:
    """The first records: the clock starts when they are there."""
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        if records := consumer.consume(_POLL_MAX, 0.005):
            return records
    return []


def _plain(consumer: Consumer, producer: Producer, out: str, records: int) -> tuple[int, float, float]:
    produce, loads, dumps = producer.produce, orjson.loads, orjson.dumps
    got = _first(consumer)
    wall, cpu, done = time.perf_counter(), time.process_time(), 0
    while got or done < records:
        for record in got:
            produce(out, dumps(loads(record.value())), record.key())
        done += len(got)
        producer.poll(0)
        if done >= records:
            break
        got = consumer.consume(_POLL_MAX, 0.005)
    producer.flush(30)
    return done, time.perf_counter() - wall, time.process_time() - cpu


def _transactions(consumer: Consumer, producer: Producer, out: str, records: int) -> tuple[int, float, float]:
    produce, loads, dumps = producer.produce, orjson.loads, orjson.dumps
    got = _first(consumer)
    wall, cpu, done = time.perf_counter(), time.process_time(), 0
    producer.begin_transaction()
    committed_at = wall
    while got or done < records:
        for record in got:
            produce(out, dumps(loads(record.value())), record.key())
        done += len(got)
        now = time.perf_counter()
        if now - committed_at >= _COMMIT_S or done >= records:
            # Everything that was handed out is in this transaction.
            places = [place for place in consumer.position(consumer.assignment()) if place.offset >= 0]
            producer.send_offsets_to_transaction(places, consumer.consumer_group_metadata(), 10)
            producer.commit_transaction(30)
            if done >= records:
                break
            producer.begin_transaction()
            committed_at = now
        got = consumer.consume(_POLL_MAX, 0.005)
    return done, time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    sys.exit(main())
