"""Serving state in Redis.

Per partition `p` of an application, all in one slot:

    {app:p}:meta             seq (or the token of a rebuild), off (where to read the changelog on), cid (which log)
    {app:p}:a:<address>      hash of the items of an address; gone when empty
    {app:p}:wakes:<level>    sorted set of addresses by due

One script moves a partition from seq n-1 to n; every read brings the seq along. So a server that was emptied, rolled
back, or swapped for another, is noticed with the next call, whatever it is.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import redis

from streams.errors import Fenced, StateLost
from streams.runtime.ports import StateCommit, StorePosition, WakeChange
from streams.state.redis_client import check_server, connect, translated

_Changes = Mapping[str, Mapping[str, bytes | None]]
_TOKEN = b"R:"
_SCAN = 1_000
"""Keys asked for, and removed, at a time: well under a millisecond of the server."""
_APPLIED, _ALREADY = 1, 2


class _Script:
    """A script by its hash; the server forgets it when it restarts."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._client = client
        self._text = Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8")
        self._hash = ""

    def run_all(self, calls: Sequence[tuple[list[Any], list[Any]]]) -> list[Any]:
        """The answers to calls of (keys, arguments), in one round trip. Safe to repeat, so it does after NOSCRIPT."""
        with translated():
            try:
                return self._send(calls)
            except redis.exceptions.NoScriptError:
                self._hash = ""
                return self._send(calls)

    def _send(self, calls: Sequence[tuple[list[Any], list[Any]]]) -> list[Any]:
        if not self._hash:
            self._hash = str(self._client.script_load(self._text))
        with self._client.pipeline(transaction=False) as pipeline:
            for keys, arguments in calls:
                pipeline.evalsha(self._hash, len(keys), *keys, *arguments)
            answers = pipeline.execute(raise_on_error=False)
        errors = [answer for answer in answers if isinstance(answer, Exception)]
        if errors:
            # NOSCRIPT first: it is the one that repeating cures at once.
            raise next((e for e in errors if isinstance(e, redis.exceptions.NoScriptError)), errors[0])
        return answers


class RedisStore:
    """See `streams.runtime.ports.StateStore`. Threads may share it."""

    def __init__(self, client: redis.Redis, app: str, cluster_id: str) -> None:
        """`cluster_id`: of the log this state is built from. The store owns the client from here on."""
        if set(app) & set("{}:"):
            raise ValueError(f"app: want a name without braces and colons, got {app!r}")
        self._client, self._app, self._cluster_id = client, app, cluster_id
        self._apply, self._load, self._drop = (_Script(client, name) for name in ("apply", "load", "drop"))

    @classmethod
    def connect(cls, url: str, *, app: str, cluster_id: str, password: str = "") -> "RedisStore":
        """Connect and check the server. Raises `Fatal` when it is not fit, `Retryable` when it is not there."""
        client = connect(url, password)
        try:
            check_server(client)
        except BaseException:
            client.close()
            raise
        return cls(client, app, cluster_id)

    def check_server(self) -> None:
        """Raise `Fatal` unless the server is fit to keep state."""
        check_server(self._client)

    def position(self, partition: int) -> StorePosition:
        """See the port."""
        with translated():
            found = self._client.hmget(self._meta(partition), ["seq", "off", "cid"])
        seq, offset, cluster_id = cast("list[bytes | None]", found)
        return StorePosition(_number(seq), int(offset or 0), (cluster_id or b"").decode())

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        """See the port."""
        if not wanted:
            return {}
        answers = self._load.run_all(
            [
                ([self._meta(partition), *[self._key(partition, address) for address in addresses]], [])
                for partition, addresses in wanted.items()
            ]
        )
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

    def rebuild(self, partition: int) -> "RedisRebuild":
        """See the port."""
        token = _TOKEN + uuid.uuid4().hex.encode()
        meta = self._meta(partition)
        with translated(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(meta)
            pipeline.hset(meta, mapping={"seq": token, "cid": self._cluster_id})
            pipeline.execute()
        self._empty(partition, token)
        return RedisRebuild(self, partition, token)

    def read_address(self, partition: int, address: str) -> dict[str, bytes]:
        """The items of an address as of now, unchecked: may be behind the log. For looking, never for folding."""
        with translated():
            found = cast("dict[bytes, bytes]", self._client.hgetall(self._key(partition, address)))
        return {item.decode(): value for item, value in found.items()}

    def scan_addresses(self, partition: int, prefix: str = "") -> Iterator[str]:
        """Addresses that begin with `prefix`, in no order; unchecked like `read_address`. Goes through all keys."""
        begin = self._key(partition, "")
        key: Any
        with translated():
            for key in self._client.scan_iter(match=_literal(begin + prefix) + "*", count=_SCAN):
                yield key.decode()[len(begin) :]

    def close(self) -> None:
        """See the port."""
        self._client.close()

    def write_chunk(self, partition: int, token: bytes, changes: _Changes, wakes: Sequence[WakeChange]) -> None:
        """Write under a token. Raises `Fenced` when it does not hold."""
        call = self._call(StateCommit(partition, 0, changes, wakes, 0), token, token)
        self._fence(partition, self._apply.run_all([call])[0][0])

    def finish(self, partition: int, token: bytes, seq: int, changelog_offset: int) -> None:
        """End a rebuild. Raises `Fenced` when its token does not hold; done already is success."""
        if seq == 0:
            meta = self._meta(partition)
            self._fence(partition, self._drop.run_all([([meta, meta], [token])])[0])
            return
        call = self._call(StateCommit(partition, seq, {}, (), changelog_offset), token, str(seq))
        self._fence(partition, self._apply.run_all([call])[0][0])

    def _move(self, moves: Sequence[tuple[str, StateCommit]]) -> None:
        if not moves:
            return
        answers = self._apply.run_all([self._call(commit, start, str(commit.seq)) for start, commit in moves])
        for (start, commit), (status, found) in zip(moves, answers, strict=True):
            if status not in {_APPLIED, _ALREADY}:
                raise StateLost(commit.partition, want=int(start or 0), found=_number(found))

    def _call(self, commit: StateCommit, start: str | bytes, to: str | bytes) -> tuple[list[Any], list[Any]]:
        """Keys and arguments of `apply.lua`."""
        partition = commit.partition
        keys: list[Any] = [self._meta(partition)]
        arguments: list[Any] = [start, to, commit.changelog_offset, self._cluster_id, len(commit.changes)]
        for address, items in commit.changes.items():
            keys.append(self._key(partition, address))
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
            keys.append(self._wakes_key(partition, level))
            arguments += (len(scores), len(gone), *scores, *gone)
        return keys, arguments

    def _wakes(self, partition: int, level: int, seq: int, upper: str, limit: int) -> list[tuple[int, bytes]]:
        with translated(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.hmget(self._meta(partition), ["seq", "cid"])
            pipeline.zrange(
                self._wakes_key(partition, level), "-inf", upper, byscore=True, offset=0, num=limit, withscores=True
            )  # fmt: skip
            (seq_found, cluster_id), wakes = pipeline.execute()
        self._check(partition, seq, seq_found, cluster_id)
        return [(int(due), address) for address, due in wakes]

    def _check(self, partition: int, want: int, seq: bytes | None, cluster_id: bytes | None) -> None:
        if seq != b"%d" % want or cluster_id != self._cluster_id.encode():
            raise StateLost(partition, want=want, found=_number(seq))

    def _empty(self, partition: int, token: bytes) -> None:
        """Remove what the partition held. Through the script, so that a rebuild that was overtaken removes nothing."""
        meta = self._meta(partition)
        cursor = 0
        while True:
            with translated():
                cursor, keys = self._client.scan(cursor, match=_literal(self._prefix(partition)) + "*", count=_SCAN)
            gone = [key for key in keys if key != meta.encode()]
            if gone and not self._drop.run_all([([meta, *gone], [token])])[0]:
                self._fence(partition, 0)
            if cursor == 0:
                return

    def _fence(self, partition: int, status: int) -> None:
        if status not in {_APPLIED, _ALREADY}:
            raise Fenced(f"rebuild of partition {partition}: a newer one has begun, or Redis was emptied")

    def _prefix(self, partition: int) -> str:
        # The braces come first: two applications on a cluster spread over its slots.
        return f"{{{self._app}:{partition}}}:"

    def _meta(self, partition: int) -> str:
        return self._prefix(partition) + "meta"

    def _key(self, partition: int, address: str) -> str:
        return f"{self._prefix(partition)}a:{address}"

    def _wakes_key(self, partition: int, level: int) -> str:
        return f"{self._prefix(partition)}wakes:{level}"


class RedisRebuild:
    """See `streams.runtime.ports.Rebuild`."""

    def __init__(self, store: RedisStore, partition: int, token: bytes) -> None:
        """Made by `RedisStore.rebuild`."""
        self._store, self._partition, self._token = store, partition, token

    def write(self, changes: _Changes, wakes: Sequence[WakeChange]) -> None:
        """See the port."""
        self._store.write_chunk(self._partition, self._token, changes, wakes)

    def finish(self, seq: int, changelog_offset: int) -> None:
        """See the port."""
        self._store.finish(self._partition, self._token, seq, changelog_offset)


def _number(seq: bytes | None) -> int | None:
    """A seq as stored; none while a rebuild holds the partition."""
    return None if not seq or seq.startswith(_TOKEN) else int(seq)


def _literal(text: str) -> str:
    """`text` in a SCAN pattern, standing for itself."""
    return "".join(f"\\{char}" if char in "\\*?[]^" else char for char in text)
