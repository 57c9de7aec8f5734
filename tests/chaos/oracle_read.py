"""Reading a Kafka and a Redis at rest, for the oracle: plain clients, nothing of the engine's."""

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import redis
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

_PATIENCE_S = 60.0
_END = KafkaError._PARTITION_EOF
_STANDING = re.compile(r"v1;(\d+);(\d+(?:,\d+)*)(?: by \S+)?")
_KEYS_AT_A_TIME = 500


class Standing(NamedTuple):
    """A committed position: the next offset, and what stands beside it."""

    offset: int
    seq: int
    upto: tuple[int, ...]


class Kafka:
    """What a subscriber can see, and where groups stand."""

    def __init__(self, broker: str) -> None:
        self._settings: dict[str, Any] = {
            "bootstrap.servers": broker,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
            "log_level": 0,
            "reconnect.backoff.max.ms": 500,
        }

    def partitions(self, topics: Sequence[str]) -> dict[str, int]:
        """How many each topic has."""
        consumer = self._consumer(f"oracle-{uuid.uuid4().hex}")
        try:
            shown = consumer.list_topics(timeout=20).topics
            return {topic: len(shown[topic].partitions) for topic in topics}
        finally:
            consumer.close()

    def settle(self, wheres: Sequence[tuple[str, int]]) -> None:
        """Wait until no open transaction hides anything: what a dead process has left is ended when its time is over."""
        admin = AdminClient({"bootstrap.servers": self._settings["bootstrap.servers"], "log_level": 0})
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(*where): latest for where in wheres}
        end = time.monotonic() + _PATIENCE_S
        while True:
            ends = [
                {at: answer.result().offset for at, answer in admin.list_offsets(asked, isolation_level=how).items()}
                for how in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED)
            ]
            if ends[0] == ends[1]:
                return
            assert time.monotonic() < end, (
                f"a transaction hangs in {[at for at in ends[0] if ends[0][at] != ends[1][at]]}"
            )
            time.sleep(0.2)

    def read(
        self, starts: Mapping[tuple[str, int], int], *, first_only: bool = False
    ) -> dict[tuple[str, int], list[Any]]:
        """Committed records of partitions, each from an offset to the end of now. `first_only`: stop at the first one."""
        found: dict[tuple[str, int], list[Any]] = {where: [] for where in starts}
        waiting = set(starts)
        consumer = self._consumer(f"oracle-{uuid.uuid4().hex}")
        try:
            consumer.assign([TopicPartition(*where, offset) for where, offset in starts.items()])
            end = time.monotonic() + _PATIENCE_S
            while waiting:
                assert time.monotonic() < end, f"no end of {sorted(waiting)}: is a transaction open?"
                for message in consumer.consume(2_000, 0.05):
                    where = message.topic(), message.partition()
                    error = message.error()
                    if error is None:
                        found[where].append(message)
                        if first_only:
                            return found
                    elif error.code() == _END:
                        waiting.discard(where)
                    else:
                        raise KafkaException(error)
        finally:
            consumer.close()
        return found

    def standings(self, group: str, wheres: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Standing | None]:
        """Where a group stands; null: nowhere yet. Waits for transactions that are open."""
        consumer = self._consumer(group)
        end = time.monotonic() + _PATIENCE_S
        try:
            while True:
                try:
                    found = consumer.committed([TopicPartition(*where) for where in wheres], timeout=5)
                    return {(at.topic, at.partition): _standing(at) for at in found}
                except KafkaException:
                    # A broker that has just started knows no coordinator yet.
                    assert time.monotonic() < end, f"nobody says where {group} stands"
                    time.sleep(0.2)
        finally:
            consumer.close()

    def _consumer(self, group: str) -> Any:
        return Consumer({**self._settings, "group.id": group})


def _standing(at: TopicPartition) -> Standing | None:
    if at.error is not None:
        raise KafkaException(at.error)
    if at.offset < 0:
        return None
    parts = _STANDING.fullmatch(at.metadata or "")
    assert parts is not None, f"{at}: metadata {at.metadata!r}"
    return Standing(at.offset, int(parts[1]), tuple(int(part) for part in parts[2].split(",")))


class Served(NamedTuple):
    """What Redis holds of one partition."""

    seq: int | None
    items: dict[str, dict[str, bytes]]
    wakes: dict[int, dict[str, int]]
    strange: list[str]


def served(client: "redis.Redis", app: str, partition: int) -> Served:
    """Everything under the partition's tag; `strange`: keys that mean nothing."""
    prefix = f"{{{app}:{partition}}}:"
    pattern = prefix.replace("[", r"\[")
    names = sorted(key.decode() for key in client.scan_iter(match=f"{pattern}*", count=5_000))
    out = Served(None, {}, {}, [])
    addresses = []
    for name in names:
        kind, _, rest = name.removeprefix(prefix).partition(":")
        if kind == "meta":
            seq: Any = client.hget(name, "seq")
            out = out._replace(seq=int(seq) if seq and not seq.startswith(b"R:") else None)
        elif kind == "a":
            addresses.append(rest)
        elif kind == "wakes":
            members: Any = client.zrange(name, 0, -1, withscores=True)
            out.wakes[int(rest)] = {member.decode(): int(due) for member, due in members}
        else:
            out.strange.append(name)
    for start in range(0, len(addresses), _KEYS_AT_A_TIME):
        part = addresses[start : start + _KEYS_AT_A_TIME]
        with client.pipeline(transaction=False) as pipeline:
            for address in part:
                pipeline.hgetall(f"{prefix}a:{address}")
            for address, flat in zip(part, pipeline.execute(), strict=True):
                out.items[address] = {item.decode(): value for item, value in flat.items()}
    return out
