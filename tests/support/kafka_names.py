"""Names on a broker that nobody used before, and the verbs of tests that look at Kafka itself."""

import uuid
from collections.abc import Callable

from streams.errors import Retryable
from streams.transport.kafka_config import Connection
from streams.transport.kafka_log import KafkaLog

SESSION_TIMEOUT_MS = 1_500


class Names:
    """Names nobody used before, and logs that are closed at the end."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.unique = uuid.uuid4().hex[:8]
        self.logs: list[KafkaLog] = []

    def log(self, **properties: int | str) -> KafkaLog:
        given = {name.replace("_", "."): value for name, value in properties.items()}
        connection = Connection(self.bootstrap, given, client_id=f"test-{self.unique}")
        self.logs.append(KafkaLog(connection, session_timeout_ms=SESSION_TIMEOUT_MS))
        return self.logs[-1]

    def name(self, word: str) -> str:
        return f"{word}.{self.unique}"

    def topic(self, log: KafkaLog, word: str = "topic", partitions: int = 1) -> str:
        log.create_topic(self.name(word), partitions, compact=False, retention_ms=None)
        return self.name(word)


def flush(producer: object) -> None:
    """Have everything written, as a large transaction would before its end."""
    client = producer._client  # type: ignore[attr-defined]
    assert client.flush(10) == 0


def until_settled(call: Callable[[], None]) -> None:
    """The same call again while it says so."""
    for _ in range(30):
        try:
            call()
        except Retryable:
            continue
        return
