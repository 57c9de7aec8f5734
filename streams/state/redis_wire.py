"""Carries commands to the server that keeps their keys: the only one, or one of the masters of a cluster.

    ask([(key, command), …])     sent to all servers concerned, then the answers are read: one round trip
    line(key)                    a connection for a while, for what belongs together

A cluster's answers say when keys are elsewhere; who keeps what is asked again after anything that may have changed it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

import redis
from redis.cluster import RedisCluster

from streams.state.redis_client import check_cluster, check_server, connect, connect_cluster, is_cluster
from streams.state.redis_errors import PATIENCE_S, in_our_words, translated

Command = tuple[Any, ...]
_REDIRECTS_MAX = 3
_LOOK_S = 0.05
"""How often a wait looks up to see whether it has to end."""
_HURRY_S = 0.2
"""So long a server may be silent when somebody waits for us to leave."""
_PIECE = 1 << 16
"""Sent at a time: a large command on a slow network makes progress, and is not taken for a stuck one."""
_MOVED = (
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.MasterDownError,
    redis.exceptions.MovedError,
)


class Wire:
    """The way to a server or to a cluster. Threads may share it."""

    def __init__(self, client: redis.Redis | RedisCluster) -> None:
        """Owns the client from here on."""
        self._client = client
        self._server: Any = None if isinstance(client, RedisCluster) else client
        self._cluster: Any = client if isinstance(client, RedisCluster) else None
        self._is_stale = False
        self.hurries: Callable[[], bool] = lambda: False
        """Whether somebody waits for us to leave: then a server that is silent is not waited for."""

    @classmethod
    def open(cls, url: str, password: str = "") -> Self:
        """To the address of a server or a cluster. Raises `Fatal`, `Retryable`."""
        return cls(connect_cluster(url, password) if is_cluster(url) else connect(url, password))

    def check(self) -> None:
        """Raise `Fatal` unless every server is fit to keep state."""
        if self._cluster is None:
            check_server(self._server)
        else:
            check_cluster(self._cluster)

    def ask(self, calls: Sequence[tuple[str, Command]]) -> list[Any]:
        """The answers to (key, command), errors of single commands among them. Raises `Retryable`, `Fatal`."""
        answers = self._round(calls)
        for _ in range(_REDIRECTS_MAX if self._cluster else 0):
            again = [number for number, answer in enumerate(answers) if isinstance(answer, redis.exceptions.MovedError)]
            if not again:
                break
            for number, answer in zip(again, self._round([calls[number] for number in again]), strict=True):
                answers[number] = answer
        return answers

    def line(self, key: str) -> "Line":
        """A connection to the server of a key. Raises `Retryable`, `Fatal`."""
        with translated():
            return Line(self._pool(key), self)

    def is_moving(self, line: "Line", key: str) -> bool:
        """Whether the slot of a key is on its way to another server: then no server has all of its keys."""
        if self._cluster is None:
            return False
        answer = line.ask(("CLUSTER", "NODES"))
        if isinstance(answer, Exception):
            raise in_our_words(answer)
        own = next((words for words in answer.decode().splitlines() if "myself" in words), "")
        return f"[{self._cluster.keyslot(key)}-" in own

    def doubt(self) -> None:
        """Ask again who keeps what, before the next call: of a cluster its nodes, else whoever resolves the address."""
        self._is_stale = True
        if self._server is not None:
            # A master that became a replica keeps its connections, while the address leads to another one.
            self._server.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        """Release the connections."""
        self._client.close()

    def _round(self, calls: Sequence[tuple[str, Command]]) -> list[Any]:
        answers: list[Any] = [None] * len(calls)
        failed: redis.exceptions.RedisError | None = None
        lines: list[tuple[Line, list[int]]] = []
        with translated():
            try:
                for pool, numbers in self._by_pool(calls).items():
                    # One server that is not there keeps nobody from the others.
                    try:
                        line = Line(pool, self)
                        lines.append((line, numbers))
                        line.send([calls[number][1] for number in numbers])
                    except redis.exceptions.RedisError as error:
                        failed = failed or error
                for line, numbers in lines:
                    try:
                        for number in numbers if line.awaited else ():
                            answers[number] = line.read()
                    except redis.exceptions.RedisError as error:
                        failed = failed or error
            finally:
                for line, _ in lines:
                    line.close()
            if failed is not None:
                self.doubt()
                raise failed
        if any(isinstance(answer, _MOVED) for answer in answers):
            self.doubt()
        return answers

    def _by_pool(self, calls: Sequence[tuple[str, Command]]) -> dict[Any, list[int]]:
        if self._cluster is None:
            return {self._server.connection_pool: list(range(len(calls)))}
        by_pool: dict[Any, list[int]] = {}
        for number, (key, _) in enumerate(calls):
            by_pool.setdefault(self._pool(key), []).append(number)
        return by_pool

    def _pool(self, key: str) -> Any:
        cluster = self._cluster
        if cluster is None:
            return self._server.connection_pool
        if self._is_stale:
            manager = cluster.nodes_manager
            known = [(node.host, node.port) for node in list(manager.nodes_cache.values())]
            manager.initialize(additional_startup_nodes_info=known)
            self._is_stale = False
        return cluster.get_redis_connection(cluster.get_node_from_key(key)).connection_pool


class Line:
    """A connection for a while. One that is closed with answers still to come is cut off."""

    def __init__(self, pool: Any, wire: Wire) -> None:
        """Connects. Raises the client's errors, as the other methods do."""
        self._pool, self._wire = pool, wire
        self._connection = pool.get_connection()
        self.awaited = 0
        """Answers that are still to come."""

    def send(self, commands: Iterable[Command]) -> None:
        """Without waiting for the answers."""
        commands = list(commands)
        self.send_packed(self._connection.pack_commands(commands), len(commands))

    def send_packed(self, parts: Iterable[bytes], count: int) -> None:
        """The same for `count` commands that are packed already."""
        self._connection.send_packed_command(list(_pieces(parts)))
        self.awaited += count

    def read(self) -> Any:
        """The next answer; the error of a command is an answer as well."""
        gives_up_at = 0.0
        connection = self._connection
        while True:
            try:
                if connection.can_read(_LOOK_S):
                    answer = connection.read_response(disconnect_on_error=False)
                    break
            except redis.exceptions.ResponseError as error:
                answer = error
                break
            except redis.exceptions.TimeoutError:
                pass  # In the middle of an answer; what was read of it is kept.
            now = time.monotonic()
            gives_up_at = gives_up_at or now - _LOOK_S + PATIENCE_S
            if now > gives_up_at or (self._wire.hurries() and now > gives_up_at - PATIENCE_S + _HURRY_S):
                raise redis.exceptions.TimeoutError(f"nothing from {_name(connection)}")
        self.awaited -= 1
        return answer

    def read_many(self, count: int) -> list[Any]:
        """The next answers. Waits for the first of them as `read` does; the others come with it."""
        answers = [self.read()]
        read = self._connection.read_response
        try:
            while len(answers) < count:
                answers.append(read(disconnect_on_error=False))
                self.awaited -= 1
        except (redis.exceptions.ResponseError, redis.exceptions.TimeoutError) as error:
            if isinstance(error, redis.exceptions.ResponseError):
                answers.append(error)
                self.awaited -= 1
            answers += [self.read() for _ in range(count - len(answers))]
        return answers

    def ask(self, command: Command) -> Any:
        """One command and its answer, in our errors."""
        with translated():
            self.send([command])
            return self.read()

    def drop(self) -> None:
        """Give the connection back, cut off."""
        self._connection.disconnect()
        self.awaited = 0
        self._pool.release(self._connection)

    def close(self) -> None:
        """Give the connection back."""
        if self.awaited:
            self.drop()
        else:
            self._pool.release(self._connection)


def _pieces(parts: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    for part in parts:
        if len(part) <= _PIECE:
            yield part
        else:
            view = memoryview(part)
            for start in range(0, len(part), _PIECE):
                yield view[start : start + _PIECE]


def _name(connection: Any) -> str:
    return getattr(connection, "path", None) or f"{connection.host}:{connection.port}"
