"""A firehose at a given rate: each post is made the moment it is sent, and says when that was.

    python -m benchmarks.kafka.pace BOOTSTRAP TOPIC RATE SECONDS MIX TRUTH

A process of its own, so that nobody else's work delays it. `MIX` is JSON, see `firehose.Mix`. Writes what is true of
what it has sent to the file `TRUTH`, and how much it fell behind at most to standard output, in seconds.
"""

import sys
import time
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from benchmarks.kafka.fill import Truth, producer_settings
from benchmarks.kafka.firehose import Firehose, Mix

_SLICE_S = 0.002
_LINGER_MS = 1
_FLUSH_S = 30


def main(arguments: list[str]) -> int:
    """Exit code 1 when something could not be sent."""
    bootstrap, topic, rate, seconds, mix, path = arguments
    firehose = Firehose(msgspec.json.decode(mix, type=Mix))
    producer = Producer(producer_settings(bootstrap, _LINGER_MS))
    producer.list_topics(topic, 10)
    truth, behind_s = _send(firehose, producer, topic, float(rate), float(seconds))
    left = producer.flush(_FLUSH_S)
    Path(path).write_bytes(msgspec.msgpack.encode(truth))
    sys.stdout.write(f"{behind_s:.3f}\n")
    return 1 if left else 0


def _send(firehose: Firehose, producer: Producer, topic: str, rate: float, seconds: float) -> tuple[Truth, float]:
    truth, sent, behind_s, last_us = Truth(), 0, 0.0, 0
    began = time.perf_counter()
    produce, note = producer.produce, truth.note
    while (passed := time.perf_counter() - began) < seconds:
        due = int(passed * rate)
        behind_s = max(behind_s, (due - sent) / rate)
        while sent < due:
            # Names of posts are made of their times: no two may be the same.
            last_us = max(last_us + 1, time.time_ns() // 1_000)
            item = firehose.next(last_us)
            try:
                produce(topic, item.payload, item.key)
            except BufferError:
                producer.poll(0.01)
                continue
            note(item)
            sent += 1
            if time.perf_counter() - began >= seconds:
                break
        producer.poll(0)
        time.sleep(_SLICE_S)
    return truth, behind_s


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
