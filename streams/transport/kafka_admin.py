"""Topics of a Kafka cluster: what they are, what they must be, and making them.

    create_topic     makes it, or holds what is there against what is wanted
    problems         the same in words, for people; nothing is changed

A topic that is not as it must be loses or doubles data silently: another partition count sends keys elsewhere, a
changelog that deletes by age forgets state, an inbox that keeps the newest per key forgets events.
"""

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]

from streams.errors import Fatal, Retryable
from streams.transport.kafka_config import RECORD_BYTES_MAX, Connection
from streams.transport.kafka_errors import Complaints

_MAKE_S = 10.0
_ASK_S = 2.0
_LOOK_S = 0.02
_FOR_EVER = "-1"

NULLS_KEPT_MS = 7 * 86_400_000
"""How long a null is kept after its key was compacted: a store that is less far behind learns of every removal."""
BATCH_BYTES_MIN = RECORD_BYTES_MAX + 588
"""What a topic's max.message.bytes must at least be: Kafka's own default."""


class TopicAdmin:
    """Makes and looks at topics."""

    def __init__(
        self,
        connection: Connection,
        *,
        replication_factor: int = -1,
        topic_properties: Mapping[str, str] | None = None,
    ) -> None:
        """`replication_factor` -1: the cluster's own. `topic_properties`: for every topic that is made here."""
        self._complaints = Complaints(connection, "admin")
        self._factor, self._properties = replication_factor, dict(topic_properties or {})
        config: dict[str, Any] = {**connection.everywhere(), "error_cb": self._complaints.heard}
        self._client: Any = AdminClient(config)

    def create(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> None:
        """Create a topic unless it exists. Raises `Fatal` when it exists and is not as wanted, `Retryable`."""
        if partitions < 1:
            raise Fatal(f"topic {topic}: want at least 1 partition, got {partitions}")
        new = NewTopic(topic, partitions, self._factor, config=self._config(compact=compact, retention_ms=retention_ms))
        try:
            self._ask_for(topic, new)
        except KafkaException as problem:
            if found := self.problems(topic, partitions, compact=compact, retention_ms=retention_ms):
                raise Fatal("; ".join(found)) from problem
        self._wait_for(topic, partitions)

    def _ask_for(self, topic: str, new: Any) -> None:
        """Raises `KafkaException` when there is such a topic already; everything else in our words."""
        end = time.monotonic() + _MAKE_S
        while True:
            try:
                self._client.create_topics([new], operation_timeout=_MAKE_S, request_timeout=_MAKE_S)[topic].result()
            except KafkaException as problem:
                if problem.args[0].name() == "TOPIC_ALREADY_EXISTS":
                    raise
                found = self._complaints.translated(problem, f"create topic {topic}")
                # Brokers that have just started need a moment before they keep anything.
                if not isinstance(found, Retryable) or time.monotonic() > end:
                    raise found from problem
                time.sleep(_LOOK_S)
            else:
                return

    def problems(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> list[str]:
        """What is wrong with a topic, with the way out. Raises `Retryable`."""
        found = self.partitions(topic)
        if found is None:
            return [
                f"topic {topic}: want {partitions} partitions, found no such topic; `rapport topics create` makes it"
            ]
        problems = []
        if found != partitions:
            problems.append(
                f"topic {topic}: want {partitions} partitions, found {found}; "
                f"set the configured count to {found}, or use another application id"
            )
        return problems + _wrong_config(topic, self._describe(topic), compact=compact, retention_ms=retention_ms)

    def partitions(self, topic: str) -> int | None:
        """How many partitions a topic has; null: there is no such topic. Raises `Retryable`, `Fatal`."""
        try:
            shown = self._client.list_topics(topic, _ASK_S).topics[topic]
        except KafkaException as problem:
            raise self._complaints.translated(problem, f"look up topic {topic}") from problem
        if shown.error is None:
            return len(shown.partitions)
        if shown.error.name() in {"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"}:
            return None
        raise self._complaints.translated(shown.error, f"look up topic {topic}")

    def _config(self, *, compact: bool, retention_ms: int | None) -> dict[str, str]:
        if compact:
            return {"cleanup.policy": "compact", "delete.retention.ms": str(NULLS_KEPT_MS), **self._properties}
        kept = _FOR_EVER if retention_ms is None else str(retention_ms)
        return {"cleanup.policy": "delete", "retention.ms": kept, **self._properties}

    def _describe(self, topic: str) -> Mapping[str, str]:
        """A topic's properties; none where we may not see them: they are checked where we can."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        try:
            entries = self._client.describe_configs([resource], request_timeout=_ASK_S)[resource].result()
        except KafkaException as problem:
            if problem.args[0].name() in {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"}:
                return {}
            raise self._complaints.translated(problem, f"look up topic {topic}") from problem
        return {name: entry.value for name, entry in entries.items() if entry.value is not None}

    def _wait_for(self, topic: str, partitions: int) -> None:
        """A topic is there a moment before every broker knows of it."""
        end = time.monotonic() + _MAKE_S
        while self.partitions(topic) != partitions:
            if time.monotonic() > end:
                raise Retryable(f"topic {topic}: made, but not seen for {_MAKE_S:.0f} s")
            time.sleep(_LOOK_S)


def _wrong_config(topic: str, config: Mapping[str, str], *, compact: bool, retention_ms: int | None) -> list[str]:
    """What is wrong with a topic's properties, in words."""
    problems = []
    policy = config.get("cleanup.policy", "compact" if compact else "delete")
    wanted = "compact" if compact else "delete"
    if policy != wanted:
        loss = (
            "what is not written for a while is forgotten" if compact else "all but the newest of a key are forgotten"
        )
        problems.append(
            f"topic {topic}: want cleanup.policy={wanted}, found {policy}: {loss}; "
            f"kafka-configs --alter --topic {topic} --add-config cleanup.policy={wanted}"
        )
    kept = int(config.get("retention.ms", _FOR_EVER))
    if not compact and kept >= 0 and (retention_ms is None or kept < retention_ms):
        want = _FOR_EVER if retention_ms is None else retention_ms
        problems.append(
            f"topic {topic}: want retention.ms={want} or more, found {kept}: records go before they are done with; "
            f"kafka-configs --alter --topic {topic} --add-config retention.ms={want}"
        )
    size = int(config.get("max.message.bytes", BATCH_BYTES_MIN))
    if size < BATCH_BYTES_MIN:
        problems.append(
            f"topic {topic}: want max.message.bytes={BATCH_BYTES_MIN} or more, found {size}: large records are refused; "
            f"kafka-configs --alter --topic {topic} --add-config max.message.bytes={BATCH_BYTES_MIN}"
        )
    return problems
