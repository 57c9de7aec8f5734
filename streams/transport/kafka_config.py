"""How to reach a cluster, and how its clients are set up, with the reason for each setting.

    ours (below)  ◄── an operator's properties on top  ◄── secrets, from the environment or from files

Any property of librdkafka passes, but for those that the promises of the log hang from. A secret is never a property: it
is named by where it comes from (`env:NAME`, `file:PATH`), kept out of every message, and read once.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streams.errors import Fatal

Property = str | int | float | bool
Properties = Mapping[str, Property]

RECORD_BYTES_MAX = 1_048_000
"""Key, value, headers and frame (up to 100 bytes) of one record. A topic takes batches of 1,048,588 bytes."""

SOCKET_TIMEOUT_MS = 10_000
"""A request without an answer for so long is sent again. A minute by default: too long to leave a commit in doubt."""

TRANSACTION_TIMEOUT_MS = 15_000
"""What a dead worker left open is aborted then; readers and its successor wait no longer. 150 times a commit interval."""

_EVERYWHERE: Properties = {
    # What a client has to say goes into our errors; printing it would tear up a terminal. Set it to see more.
    "log_level": 0,
    "enable.metrics.push": False,
    "socket.timeout.ms": SOCKET_TIMEOUT_MS,
    "socket.keepalive.enable": True,
    # Requests are small and awaited: waiting to fill a packet only delays them.
    "socket.nagle.disable": True,
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1_000,
}

_READING: Properties = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    # A position that is not there any more is an error for a person to look at, never a silent jump.
    "auto.offset.reset": "error",
    # Control records take offsets: only this says that there is nothing left to read.
    "enable.partition.eof": True,
    # A partition that is resumed waits for the fetch under way: half a second by default.
    "fetch.wait.max.ms": 100,
    # A consumer whose queue was full waits so long before it fetches again: a whole second by default.
    "fetch.queue.backoff.ms": 5,
}

_CONSUMER: Properties = {
    "partition.assignment.strategy": "cooperative-sticky",
    "max.poll.interval.ms": 300_000,
    # Positions that wait for the end of a transaction are asked for again after so long.
    "retry.backoff.ms": 20,
    # A topic that comes later is seen then.
    "topic.metadata.refresh.interval.ms": 30_000,
    # Partitions share one queue, first come first served. Little is fetched ahead, so nobody waits long behind a
    # backlog: p99 of 0.15 s instead of 3 s, at the same throughput.
    "queued.min.messages": 1_000,
    "max.partition.fetch.bytes": 131_072,
    # What bounds the memory of a member, however many partitions it has and however large records are: what is fetched
    # and not taken yet, and one answer under way. 64 MB and 50 MB by default.
    "queued.max.messages.kbytes": 16_384,
    "fetch.max.bytes": 8_388_608,
}

_READER: Properties = {
    # The end is seen with the fetch that finds nothing: readers are asked for it, and few.
    "fetch.wait.max.ms": 20,
    # One partition alone: what counts is how fast a restore is.
    "queued.min.messages": 20_000,
    "queued.max.messages.kbytes": 16_384,
}

_PRODUCER: Properties = {
    "enable.idempotence": True,
    "acks": "all",
    "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
    # As Java clients and the engine itself compute it.
    "partitioner": "murmur2_random",
    "compression.type": "lz4",
    "linger.ms": 5,
    # A transaction that follows at once waits for the end of the one before: 100 ms by default, measured 12 times dearer.
    "retry.backoff.ms": 5,
    # A commit holds back far less; this only bounds memory. Who sends more waits until some of it is written.
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 65_536,
    "message.max.bytes": RECORD_BYTES_MAX,
    # A topic that is not there by then is not there: half a minute by default, all of it inside of a commit.
    "topic.metadata.propagation.max.ms": 5_000,
}

_CLASSIC_ONLY = ("partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms")
"""Not allowed with the newer group protocol (`group.protocol = "consumer"`): there the broker decides."""

_MEMBERS_ONLY = (*_CLASSIC_ONLY, "max.poll.interval.ms", "group.protocol", "group.remote.assignor")
"""What only says something about members of groups, and is refused where it does not fit."""

_OURS = {
    "bootstrap.servers": "name it as log.bootstrap_servers",
    "partition.assignment.strategy": "a handover must not stop everybody",
    "group.id": "groups are named after the application",
    "group.instance.id": "every worker would claim the same place",
    "transactional.id": "it names the worker's slot",
    "enable.auto.commit": "positions are committed in transactions",
    "enable.auto.offset.store": "positions are committed in transactions",
    "enable.idempotence": "transactions need it",
    "enable.partition.eof": "the end of a partition is seen by it",
    "isolation.level": "uncommitted records must never be read",
    "auto.offset.reset": "records must never be skipped silently",
    "partitioner": "all writers must agree where a key belongs",
    "acks": "transactions need all",
    "plugin.library.paths": "code is not loaded by configuration",
}
"""Properties that an operator may not set, and why."""

_SECRET_PARTS = ("password", "secret", "key.pem", "oauthbearer.config", "token", "assertion")


_NOWHERE = logging.Logger("rapport.kafka", logging.CRITICAL + 1)  # noqa: LOG001  nobody else is to find it


class Connection:
    """How to reach a cluster. Shows no secret when it is printed."""

    def __init__(
        self,
        bootstrap_servers: str,
        properties: Properties | None = None,
        secrets: Mapping[str, str] | None = None,
        *,
        client_id: str = "rapport",
    ) -> None:
        """`bootstrap_servers`: `host:port,…`. `secrets`: property → its value; see `read_secrets`.

        `client_id`: prefix of what the log makes for itself: the group of readers, transactional ids of `append`.
        Raises `Fatal` for a property that may not be set, or that is a secret, or for no server.
        """
        self.bootstrap_servers, self.client_id = bootstrap_servers, client_id
        self._properties, self._secrets = dict(properties or {}), dict(secrets or {})
        problems = [] if bootstrap_servers.strip() else ["bootstrap_servers: want host:port, found nothing"]
        problems += check_properties(self._properties)
        problems += [f"secrets.{name}: cannot be set: {why}" for name, why in _OURS.items() if name in self._secrets]
        if problems:
            raise Fatal("kafka: " + "; ".join(problems))

    def __repr__(self) -> str:
        """Names of properties only: values may hold user names."""
        return f"Connection({self.bootstrap_servers!r}, properties={sorted(self._properties)})"

    def everywhere(self) -> dict[str, Any]:
        """For any client."""
        return self._made({})

    def consumer(self, group: str, session_timeout_ms: int) -> dict[str, Any]:
        """For a member of a group."""
        membership: Properties = {
            "session.timeout.ms": session_timeout_ms,
            # A handover takes two of these; the traffic is nothing.
            "heartbeat.interval.ms": max(1, session_timeout_ms // 10),
        }
        made = self._made({**_READING, **_CONSUMER, **membership}, members=True) | {"group.id": group}
        if made.get("group.protocol") == "consumer":
            made = {name: value for name, value in made.items() if name not in _CLASSIC_ONLY}
        return made

    def reader(self) -> dict[str, Any]:
        """For reading without a group; the client wants one to be named all the same."""
        return self._made({**_READING, **_READER}) | {"group.id": f"{self.client_id}.reader"}

    def producer(self, transactional_id: str) -> dict[str, Any]:
        """For a transactional producer."""
        made = self._made(_PRODUCER) | {"transactional.id": transactional_id}
        # A retry may not wait less than the next one.
        made["retry.backoff.max.ms"] = max(1_000, int(made["retry.backoff.ms"]))
        return made

    def setting(self, name: str, default: int) -> int:
        """A whole number among the properties."""
        return int(self._properties.get(name, default))

    def hide(self, text: str) -> str:
        """The text without any secret."""
        for value in self._secrets.values():
            if value:
                text = text.replace(value, "…")
        return text

    def _made(self, ours: Properties, *, members: bool = False) -> dict[str, Any]:
        """Ours, the operator's on top, then the secrets; what is for members of groups only where they are."""
        made: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": self.client_id,
            **_EVERYWHERE,
            **ours,
            **self._properties,
            **self._secrets,
        }
        if not {"log_level", "debug"} & self._properties.keys():
            # It prints even on the lowest level, in the middle of our lines; what it says comes by its errors as well.
            made["logger"] = _NOWHERE
        return made if members else {name: value for name, value in made.items() if name not in _MEMBERS_ONLY}


def check_properties(properties: Properties) -> list[str]:
    """Everything that is wrong with an operator's properties, in words; values of secrets are not repeated."""
    problems = []
    for name in properties:
        if name in _OURS:
            problems.append(f"properties.{name}: cannot be set: {_OURS[name]}")
        elif is_secret(name):
            problems.append(
                f"properties.{name}: is a secret and does not belong into a configuration file; "
                f'write secrets."{name}" = "env:NAME" or "file:PATH" instead'
            )
    return problems


def is_secret(name: str) -> bool:
    """Whether a property's value must not be shown."""
    return any(part in name for part in _SECRET_PARTS) and not name.endswith((".url", ".location", ".file"))


def read_secrets(sources: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Property → value, from property → `env:NAME` or `file:PATH` (its first line; all of it where it is PEM).

    Raises `Fatal` that names every one that cannot be had.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for name, source in sources.items():
        kind, _, where = source.partition(":")
        if kind == "env" and where in environ:
            found[name] = environ[where]
        elif kind == "env":
            problems.append(f"secrets.{name}: the environment has no variable {where!r}")
        elif kind == "file":
            try:
                found[name] = _secret_in(Path(where))
            except (OSError, UnicodeDecodeError) as problem:
                problems.append(f"secrets.{name}: cannot read {where!r} ({type(problem).__name__}); check its rights")
        else:
            # The value itself may be the secret, written into the wrong place.
            problems.append(f"secrets.{name}: want env:NAME or file:PATH")
    if problems:
        raise Fatal("kafka: " + "; ".join(problems))
    return found


def _secret_in(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return text if "-----BEGIN" in text else text.partition("\n")[0].strip()
