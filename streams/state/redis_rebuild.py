"""Fills a partition anew, faster than scripts could: plain commands in transactions, one under way while the next is made.

standing  R:<token>:0 ──empty──► 1 ──► … ──chunk──► k ──► k+1 ──► … ──finish──► seq

Each step is made on top of the one before, or not at all: WATCH sees whoever moves the standing meanwhile. So a newer
rebuild fences an older one, and a server that forgot a step (emptied, rolled back, replaced by its replica) is noticed
with the next one. Steps hold full values, so one whose answer was lost is looked for, and sent again if need be.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import hiredis
import redis

from schemas.log import SEPARATOR
from streams.errors import Fenced, Retryable
from streams.runtime.ports import WakeChange
from streams.state.redis_errors import in_our_words
from streams.state.redis_keys import REBUILD, Keys, literal
from streams.state.redis_wire import Command, Line, Wire

_SCAN = 2_000
"""Keys looked at at a time: about a millisecond of the server."""

_BEGIN = b"0"
"""Where a scan begins and ends."""

_pack = hiredis.pack_command


def claim() -> bytes:
    """A token that nobody else has."""
    return REBUILD + uuid.uuid4().hex.encode()


class _Step:
    """A transaction that moves the standing, packed. An empty standing: there is none."""

    def __init__(self, before: bytes, after: bytes, commands: Iterable[Command]) -> None:
        packed = [_pack(command) for command in commands]
        self.before, self.after = before, after
        self.answers = len(packed) + 2
        self.data = b"".join([_pack(("MULTI",)), *packed, _pack(("EXEC",))])


class RedisRebuild:
    """See `streams.runtime.ports.Rebuild`. Single-threaded."""

    def __init__(self, wire: Wire, keys: Keys, partition: int, cluster_id: str, token: bytes) -> None:
        """Made by `RedisStore.rebuild`, which has claimed the partition for `token`."""
        self._wire, self._keys, self._partition = wire, keys, partition
        self._cluster_id, self._token = cluster_id.encode(), token
        self._steps = 0
        self._standing = token + b":0"
        self._under_way: _Step | None = None
        self._line: Line | None = None
        self._cursor = _BEGIN
        self._is_empty = False

    def empty(self) -> bool:
        """See the port."""
        if self._is_empty:
            return True
        self._settle()
        line = self._ready()
        if self._cursor == _BEGIN:
            self._refuse_moving(line)
        pattern = literal(self._keys.prefix) + "*"
        self._cursor, found = self._ask(line, ("SCAN", self._cursor, "MATCH", pattern, "COUNT", _SCAN))
        gone = [key for key in found if key != self._keys.meta.encode()]
        if gone:
            self._push([("UNLINK", *gone)])
            self._settle()
        if self._cursor == _BEGIN:
            # The server that was gone through has all of the keys, at the end as at the beginning.
            self._refuse_moving(line)
            self._is_empty = True
        return self._is_empty

    def write(self, rows: Mapping[bytes, bytes | None], wakes: Sequence[WakeChange]) -> None:
        """See the port. Waits for the step before, not for this one: what became of it is told by the next call."""
        while not self.empty():
            pass
        by_address: dict[bytes, list[bytes]] = {}
        removals: list[Command] = []
        begin = self._keys.address.encode()
        for key, value in rows.items():
            address, _, item = key.partition(SEPARATOR)
            if value is None:
                removals.append(("HDEL", begin + address, item))
            elif (items := by_address.get(address)) is not None:
                items += (item, value)
            else:
                by_address[address] = [item, value]
        sets: list[Command] = [("HSET", begin + address, *items) for address, items in by_address.items()]
        self._push([*sets, *removals, *self._of_wakes(wakes)])

    def finish(self, seq: int, changelog_offset: int) -> None:
        """See the port."""
        try:
            while not self.empty():
                pass
            meta = self._keys.meta
            if seq == 0:
                self._send_on(b"", [("DEL", meta)])
            else:
                values = ("seq", seq, "off", changelog_offset, "cid", self._cluster_id)
                self._send_on(b"%d" % seq, [("HSET", meta, *values)])
            self._settle()
            # Nothing comes on top of it.
            self._standing = self._token
        except Fenced:
            # The one that overtook this one may have got there.
            if seq == 0 or self._open()[1] != b"%d" % seq:
                raise
        finally:
            self.close()

    def close(self) -> None:
        """See the port."""
        if self._line is not None:
            self._line.drop()
            self._line = None

    def _of_wakes(self, wakes: Sequence[WakeChange]) -> list[Command]:
        commands: list[Command] = []
        for level in sorted({wake.level for wake in wakes}):
            key = self._keys.wakes(level)
            # The last word on an address wins, as in a dictionary.
            dues = {address: due for of_level, address, due in wakes if of_level == level}
            if scores := [part for address, due in dues.items() if due is not None for part in (due, address)]:
                commands.append(("ZADD", key, *scores))
            if gone := [address for address, due in dues.items() if due is None]:
                commands.append(("ZREM", key, *gone))
        return commands

    def _push(self, commands: list[Command]) -> None:
        """Send these on top of what was sent before, once that is in place."""
        self._steps += 1
        after = b"%b:%d" % (self._token, self._steps)
        self._send_on(after, [*commands, ("HSET", self._keys.meta, "seq", after)])

    def _send_on(self, after: bytes, commands: list[Command]) -> None:
        # Made before it is waited for: meanwhile the server works on what is under way.
        step = _Step(self._under_way.after if self._under_way else self._standing, after, commands)
        self._settle()
        line = self._ready()
        self._under_way = step
        self._send(line, step)

    def _settle(self) -> None:
        """Wait until what is under way is in place; on a new line it is looked for, and sent again if need be."""
        step = self._under_way
        if step is None:
            return
        line = self._line
        if line is None:
            line, standing = self._open()
            if standing == step.before:
                self._send(line, step)
            elif standing == step.after:
                self._placed(step)
                return
            else:
                self._overtaken()
        answers = self._read_many(line, step.answers)
        # What became of each, in the answer to EXEC. Null for all of them, when somebody moved the standing.
        for answer in answers[-1] or ():
            self._told(answer)
        if self._read_standing(line) != step.after:
            self._overtaken()
        self._placed(step)

    def _placed(self, step: _Step) -> None:
        self._under_way = None
        self._standing = step.after

    def _ready(self) -> Line:
        """A line that watches the standing, with no answers to come."""
        if self._line is not None:
            return self._line
        line, standing = self._open()
        if standing != self._standing:
            self._overtaken()
        return line

    def _open(self) -> tuple[Line, bytes]:
        self._line = line = self._wire.line(self._keys.meta)
        # It may lead to another server, where an older cursor says nothing.
        self._cursor = _BEGIN
        self._sent(lambda: line.send(self._look()))
        return line, self._read_standing(line)

    def _send(self, line: Line, step: _Step) -> None:
        def send() -> None:
            line.send_packed([step.data], step.answers)
            line.send(self._look())

        self._sent(send)

    def _look(self) -> list[Command]:
        return [("WATCH", self._keys.meta), ("HMGET", self._keys.meta, "seq", "cid")]

    def _read_standing(self, line: Line) -> bytes:
        """The answer to a look; empty when there is none of this log."""
        self._read(line)
        seq, cluster_id = self._read(line)
        return seq if seq and cluster_id == self._cluster_id else b""

    def _ask(self, line: Line, command: Command) -> Any:
        self._sent(lambda: line.send([command]))
        return self._read(line)

    def _refuse_moving(self, line: Line) -> None:
        if self._wire.is_moving(line, self._keys.meta):
            raise Retryable(f"Redis is moving the slot of partition {self._partition}; it goes on when that is done")

    def _sent(self, send: Callable[[], object]) -> None:
        try:
            send()
        except redis.exceptions.RedisError as error:
            self._broken(error)

    def _read(self, line: Line) -> Any:
        return self._read_many(line, 1)[0]

    def _read_many(self, line: Line, count: int) -> list[Any]:
        try:
            answers = line.read_many(count)
        except redis.exceptions.RedisError as error:
            self._broken(error)
        for answer in answers:
            self._told(answer)
        return answers

    def _told(self, answer: Any) -> Any:
        if isinstance(answer, redis.exceptions.RedisError):
            self._broken(answer)
        return answer

    def _broken(self, error: redis.exceptions.RedisError) -> NoReturn:
        """Begin with a new line: what is still to come on this one cannot be told apart any more."""
        self.close()
        self._wire.doubt()
        raise in_our_words(error) from error

    def _overtaken(self) -> NoReturn:
        self.close()
        raise Fenced(
            f"rebuild of partition {self._partition}: a newer one has begun, or Redis has lost what was written"
        )
