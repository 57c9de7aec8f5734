"""Serving state in Redis, one server or a cluster. The keys: `redis_keys`.

One script moves a partition from seq n-1 to n; every read brings the seq along. So a server that was emptied, rolled
back, swapped for another, or replaced by a replica that had not heard the last of it, is noticed with the next call.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import redis

from streams.errors import StateLost
from streams.runtime.ports import StateCommit, StorePosition
from streams.state.redis_errors import in_our_words
from streams.state.redis_keys import Keys, literal, number
from streams.state.redis_rebuild import RedisRebuild, claim
from streams.state.redis_wire import Command, Wire

_SCAN = 1_000
"""Keys looked at at a time: well under a millisecond of the server."""
_APPLIED, _ALREADY = 1, 2


class _Script:
    """A script by its hash. A server that does not know it, after a restart or a fail-over, is sent its text."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire = wire
        self._text = Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8")
        self._hash = hashlib.sha1(self._text.encode()).hexdigest()  # noqa: S324  Redis names scripts by it

    def run_all(self, calls: Sequence[tuple[list[Any], list[Any]]]) -> list[Any]:
        """The answers to calls of (keys, arguments), in one round trip. All are made when one of them fails."""
        answers = self._ask(calls, "EVALSHA", self._hash)
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, redis.exceptions.NoScriptError)]
        if unknown:
            for at, answer in zip(unknown, self._ask([calls[at] for at in unknown], "EVAL", self._text), strict=True):
                answers[at] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise in_our_words(answer) from answer
        return answers

    def _ask(self, calls: Sequence[tuple[list[Any], list[Any]]], how: str, script: str) -> list[Any]:
        return self._wire.ask(
            [(keys[0], (how, script, len(keys), *keys, *arguments)) for keys, arguments in calls],
        )  # fmt: skip


class RedisStore:
    """See `streams.runtime.ports.StateStore`. Threads may share it."""

    def __init__(self, wire: Wire, app: str, cluster_id: str) -> None:
        """`cluster_id`: of the log this state is built from. The store owns the wire from here on."""
        if set(app) & set("{}:"):
            raise ValueError(f"app: want a name without braces and colons, got {app!r}")
        self._wire, self._cluster_id = wire, cluster_id
        self._keys_of = _Memo(partial(Keys, app))
        self._apply, self._load, self._wakes_of = (_Script(wire, name) for name in ("apply", "load", "wakes"))

    @classmethod
    def connect(cls, url: str, *, app: str, cluster_id: str, password: str = "") -> "RedisStore":
        """Connect and check the servers. Raises `Fatal` when one is not fit, `Retryable` when it is not there."""
        wire = Wire.open(url, password)
        try:
            wire.check()
        except BaseException:
            wire.close()
            raise
        return cls(wire, app, cluster_id)

    def check_server(self) -> None:
        """Raise `Fatal` unless every server is fit to keep state."""
        self._wire.check()

    def heed(self, should_stop: Callable[[], bool]) -> None:
        """See the port."""
        self._wire.hurries = should_stop

    def position(self, partition: int) -> StorePosition:
        """See the port."""
        seq, offset, cluster_id = self._ask(self._keys_of[partition].meta, "HMGET", "seq", "off", "cid")
        return StorePosition(number(seq), int(offset or 0), (cluster_id or b"").decode())

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        """See the port."""
        if not wanted:
            return {}
        calls: list[tuple[list[Any], list[Any]]] = []
        for partition, addresses in wanted.items():
            keys = self._keys_of[partition]
            calls.append(([keys.meta, *[keys.address + address for address in addresses]], []))
        answers = self._load.run_all(calls)
        loaded: dict[str, dict[str, bytes]] = {}
        for (partition, addresses), (seq, cluster_id, *found) in zip(wanted.items(), answers, strict=True):
            self._check(partition, seqs[partition], seq, cluster_id)
            for address, flat in zip(addresses, found, strict=True):
                loaded[address] = {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
        return loaded

    def due(self, partition: int, level: int, upto: int, limit: int, seq: int) -> list[tuple[int, str]]:
        """See the port."""
        found = self._wakes(partition, level, seq, str(upto), limit)
        return [(due, address.decode()) for due, address in found]

    def next_due(self, partition: int, level: int, seq: int) -> int | None:
        """See the port."""
        found = self._wakes(partition, level, seq, "+inf", 1)
        return found[0][0] if found else None

    def apply(self, commits: Sequence[StateCommit]) -> None:
        """See the port."""
        self._move([("" if commit.seq == 1 else str(commit.seq - 1), commit) for commit in commits])

    def catch_up(self, partition: int, seq_from: int, commit: StateCommit) -> None:
        """See the port. `seq_from` 0: from an empty partition."""
        if partition != commit.partition:
            raise ValueError(f"want a commit of partition {partition}, got one of {commit.partition}")
        self._move([(str(seq_from) if seq_from else "", commit)])

    def rebuild(self, partition: int) -> RedisRebuild:
        """See the port."""
        keys = self._keys_of[partition]
        token = claim()
        self._ask(keys.meta, "HSET", "seq", token + b":0", "cid", self._cluster_id)
        return RedisRebuild(self._wire, keys, partition, self._cluster_id, token)

    def read_address(self, partition: int, address: str) -> dict[str, bytes]:
        """The items of an address as of now, unchecked: may be behind the log. For looking, never for folding."""
        flat = self._ask(self._keys_of[partition].address + address, "HGETALL")
        return {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}

    def scan_addresses(self, partition: int, prefix: str = "") -> Iterator[str]:
        """Addresses that begin with `prefix`, in no order; unchecked like `read_address`. Goes through all keys."""
        keys = self._keys_of[partition]
        line = self._wire.line(keys.meta)
        seen: set[str] = set()
        try:
            cursor: Any = 0
            while cursor != b"0":
                answer = line.ask(("SCAN", cursor, "MATCH", literal(keys.address + prefix) + "*", "COUNT", _SCAN))
                if isinstance(answer, Exception):
                    raise in_our_words(answer) from answer
                cursor, found = answer
                for address in {key.decode()[len(keys.address) :] for key in found} - seen:
                    seen.add(address)
                    yield address
        finally:
            line.close()

    def close(self) -> None:
        """See the port."""
        self._wire.close()

    def _ask(self, key: str, name: str, *arguments: Any) -> Any:
        command: Command = (name, key, *arguments)
        (answer,) = self._wire.ask([(key, command)])
        if isinstance(answer, Exception):
            raise in_our_words(answer) from answer
        return answer

    def _move(self, moves: Sequence[tuple[str, StateCommit]]) -> None:
        if not moves:
            return
        answers = self._apply.run_all([self._call(commit, start) for start, commit in moves])
        for (start, commit), (status, found) in zip(moves, answers, strict=True):
            if status not in {_APPLIED, _ALREADY}:
                raise StateLost(commit.partition, want=int(start or 0), found=number(found))

    def _call(self, commit: StateCommit, start: str) -> tuple[list[Any], list[Any]]:
        """Keys and arguments of `apply.lua`."""
        of = self._keys_of[commit.partition]
        keys: list[Any] = [of.meta]
        arguments: list[Any] = [start, commit.seq, commit.changelog_offset, self._cluster_id, len(commit.changes)]
        for address, items in commit.changes.items():
            keys.append(of.address + address)
            sets: list[Any] = []
            removals: list[str] = []
            for item, value in items.items():
                if value is None:
                    removals.append(item)
                else:
                    sets += (item, value)
            arguments += (len(sets), len(removals), *sets, *removals)
        for level in sorted({wake.level for wake in commit.wakes}):
            # The last word on an address wins, as in a dictionary.
            dues = {address: due for of_level, address, due in commit.wakes if of_level == level}
            scores = [part for address, due in dues.items() if due is not None for part in (due, address)]
            gone = [address for address, due in dues.items() if due is None]
            keys.append(of.wakes(level))
            arguments += (len(scores), len(gone), *scores, *gone)
        return keys, arguments

    def _wakes(self, partition: int, level: int, seq: int, upper: str, limit: int) -> list[tuple[int, bytes]]:
        keys = self._keys_of[partition]
        ((found, cluster_id, wakes),) = self._wakes_of.run_all([([keys.meta, keys.wakes(level)], [upper, limit])])
        self._check(partition, seq, found, cluster_id)
        return [(int(wakes[i + 1]), wakes[i]) for i in range(0, len(wakes), 2)]

    def _check(self, partition: int, want: int, seq: bytes | None, cluster_id: bytes | None) -> None:
        if seq != b"%d" % want or cluster_id != self._cluster_id.encode():
            raise StateLost(partition, want=want, found=number(seq))


class _Memo(dict[int, Keys]):
    """Keys by partition, made when they are first asked for."""

    def __init__(self, make: Callable[[int], Keys]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, partition: int) -> Keys:
        made = self[partition] = self._make(partition)
        return made
