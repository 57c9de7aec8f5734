"""Is what stands in the log and in the store what must have come of the raw records? Recomputed, then compared.

    raw records  ──normalise──►  events            each exactly once in the inbox
    inbox        ──Replica────►  sends, outputs,   each exactly once in the log, per sender in order;
                                 letters, state    state in the store and in the changelog

For a log at rest: no worker runs, nothing is in flight.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from schemas.log import MARKER_KEY, TICK_ADDRESS, WAKE_ITEM, Tick, decode_marker
from schemas.state import WakeDue
from streams.core.partition import partition_of
from streams.errors import StateLost
from streams.runtime.oracle_fold import Letter, Replica, Written
from streams.runtime.oracle_log import deadly, position_of, positions, progress, read
from streams.runtime.ports import Log, Record, StateStore, TopicPartition
from streams.runtime.topology import Topology

_SHOWN_MAX = 3
_ALL = 1 << 62


class Verdict(msgspec.Struct):
    """What the oracle found. Empty `violations`: everything is as it must be."""

    violations: list[str] = []
    raw_records: int = 0
    inbox_records: int = 0
    ticks: int = 0
    letters: int = 0
    deadly: int = 0
    outputs: int = 0


def check(log: Log, store: StateStore, topology: Topology, *, value_bytes_max: int, promise: bool = True) -> Verdict:
    """Hold everything against a recomputation. `promise`: ticks promise also what folds send to the level above."""
    oracle = _Oracle(log, store, topology, value_bytes_max)
    oracle.check_ingest(promise=promise)
    oracle.check_outputs()
    oracle.check_letters()
    oracle.check_progress()
    for partition in range(topology.partitions):
        oracle.check_state(partition)
    return oracle.verdict


class _Oracle:
    def __init__(self, log: Log, store: StateStore, topology: Topology, value_bytes_max: int) -> None:
        self.verdict = Verdict()
        self._log, self._store, self._topology = log, store, topology
        self._positions = positions(log, f"{topology.app}.fold", topology.inbox, topology.partitions)
        self._inbox: dict[int, list[Record]] = {}
        self._replicas: dict[int, Replica] = {}
        self._refused: list[Letter] = []
        self._deadly = deadly(log, topology)
        self.verdict.deadly = len(self._deadly)
        for partition in range(topology.partitions):
            records = list(read(log, topology.inbox, partition))
            position = self._positions[TopicPartition(topology.inbox, partition)]
            done = position.offset if position else 0
            replica = Replica(topology, partition, value_bytes_max)
            for record in records:
                if (topology.inbox, partition, record.offset()) in self._deadly:
                    self._refused.append(_letter(record, "$", ""))
                elif record.offset() < done:
                    replica.fold(record)
            if unread := [record.offset() for record in records if record.offset() >= done]:
                self._wrong(f"inbox[{partition}]: {len(unread)} records were never folded, from offset {unread[0]} on")
            self._inbox[partition], self._replicas[partition] = records, replica
            self.verdict.inbox_records += len(records)

    def check_ingest(self, *, promise: bool) -> None:
        """Every raw event and every send stands in the inbox once, in order, and behind no tick that excludes it."""
        arrived: list[tuple[bytes, bytes]] = []
        for entry in self._topology.inputs:
            for partition in range(self._log.partitions(entry.topic)):
                arrived += self._ingest(TopicPartition(entry.topic, partition))
        sent = [send for replica in self._replicas.values() for send in replica.sent]
        self._check_sends()
        open_sends = Counter((send.key, send.value) for send in sent)
        upward = {(send.key, send.value): send.level for send in sent}
        found: Counter[tuple[bytes, bytes]] = Counter()
        for partition, records in self._inbox.items():
            upto = (0, 0, 0)
            for record in records:
                key, value = record.key() or b"", record.value() or b""
                seen_at, event = self._topology.decode_event(value)
                if key == TICK_ADDRESS.encode():
                    assert isinstance(event, Tick)
                    upto = (max(upto[0], event.upto[0]), max(upto[1], event.upto[1]), max(upto[2], event.upto[2]))
                    self.verdict.ticks += 1
                    continue
                is_raw = open_sends[key, value] == 0
                if is_raw:
                    found[key, self._topology.encode_event(0, event)] += 1
                else:
                    open_sends[key, value] -= 1
                stage = self._topology.stages.get(key.decode().partition(":")[0])
                level = stage.level if stage else 0
                is_act = level == 1 if is_raw else promise and level == upward[key, value] + 1
                if is_act and seen_at < upto[level - 1]:
                    self._wrong(f"inbox[{partition}] offset {record.offset()}: seen at {seen_at} behind a tick {upto}")
        self._compare("raw events in the inbox", Counter(arrived), found)
        self._compare("sends in the inbox", +open_sends, Counter())

    def check_outputs(self) -> None:
        """Outputs: each document once and per sender in order; of compacted ones the last."""
        written = [
            (partition, document) for partition, replica in self._replicas.items() for document in replica.written
        ]
        for name, output in self._topology.outputs.items():
            ours = [(sender, document) for sender, document in written if document.output == name]
            for partition in range(self._log.partitions(output.topic)):
                found = [
                    Written(name, record.key() or b"", record.value(), tuple(record.headers() or ()))
                    for record in read(self._log, output.topic, partition)
                ]
                self.verdict.outputs += len(found)
                count = self._log.partitions(output.topic)
                here = [
                    (sender, document) for sender, document in ours if partition_of(document.key, count) == partition
                ]
                where = f"{output.topic}[{partition}]"
                if output.compact:
                    self._check_newest(where, here, found)
                    continue
                self._compare(where, Counter(document for _, document in here), Counter(found))
                for sender in self._replicas:
                    if not _is_within([document for at, document in here if at == sender], found):
                        self._wrong(f"{where}: what inbox[{sender}] published is out of order")

    def check_letters(self) -> None:
        """Dead letters: the original bytes and where they came from, once each."""
        want = Counter(letter for replica in self._replicas.values() for letter in replica.letters)
        want += Counter(self._refused)
        found: Counter[Letter] = Counter()
        for partition in range(self._log.partitions(self._topology.dlq)):
            for record in read(self._log, self._topology.dlq, partition):
                headers = {name: value.decode() for name, value in record.headers() or ()}
                if not headers.get("cause"):
                    self._wrong(f"a dead letter without a cause: {headers}")
                letter = Letter(
                    record.key(), record.value(), headers["path"], headers["fold"], headers["topic"],
                    int(headers["partition"]), int(headers["offset"]),
                )  # fmt: skip
                is_cut = "cut_from_bytes" in headers or "key_cut_from_bytes" in headers
                found[_uncut(letter, want) if is_cut else letter] += 1
        self.verdict.letters = sum(found.values())
        self._compare("dead letters", want, found)

    def check_progress(self) -> None:
        """What tasks have published of themselves is where they stand."""
        stand: list[tuple[str, tuple[int, ...]]] = [
            (f"inbox/{partition}", replica.upto) for partition, replica in self._replicas.items()
        ]
        for entry in self._topology.inputs:
            for partition in range(self._log.partitions(entry.topic)):
                where = TopicPartition(entry.topic, partition)
                position = position_of(self._log, f"{self._topology.app}.ingest", where)
                stand.append((f"raw:{entry.topic}/{partition}", position.upto if position else (0,)))
        want = Counter((task, upto) for task, upto in stand if any(upto))
        self._compare("progress", want, Counter(progress(self._log, self._topology).items()))

    def check_state(self, partition: int) -> None:
        """The state in the changelog and in the store, against the recomputed one."""
        replica = self._replicas[partition]
        position = self._positions[TopicPartition(self._topology.inbox, partition)]
        seq = position.seq if position else 0
        encode = self._topology.encode_item
        want = {
            address: {item: encode(value) for item, value in items.items()} for address, items in replica.items.items()
        }
        for address, due in replica.wakes.items():
            want.setdefault(address, {})[WAKE_ITEM] = encode(WakeDue(due))
        if position and tuple(position.upto) != replica.upto:
            self._wrong(f"inbox[{partition}]: committed stream time {position.upto}, recomputed {replica.upto}")
        in_log, last_seq = self._changelog(partition)
        if last_seq != seq:
            self._wrong(f"changelog[{partition}]: last marker {last_seq}, the position says {seq}")
        self._compare_state(f"changelog[{partition}]", want, in_log)
        if seq == 0:
            return
        try:
            addresses = sorted({*want, *in_log})
            in_store = self._store.load({partition: addresses}, {partition: seq})
            wakes = {
                address: (level, due)
                for level in (1, 2, 3)
                for due, address in self._store.due(partition, level, _ALL, _ALL, seq)
            }
        except StateLost as problem:
            self._wrong(f"store[{partition}]: {problem}")
            return
        self._compare_state(f"store[{partition}]", want, {at: dict(items) for at, items in in_store.items() if items})
        want_wakes = {address: (self._topology.level(address), due) for address, due in replica.wakes.items()}
        if wakes != want_wakes:
            self._wrong(f"store[{partition}]: wakes {_few(wakes.items())}, recomputed {_few(want_wakes.items())}")

    # -- pieces

    def _ingest(self, where: TopicPartition) -> Iterator[tuple[bytes, bytes]]:
        (entry,) = (entry for entry in self._topology.inputs if entry.topic == where.topic)
        position = position_of(self._log, f"{self._topology.app}.ingest", where)
        done = position.offset if position else 0
        for record in read(self._log, *where):
            if record.offset() >= done:
                self._wrong(f"{where.topic}[{where.partition}]: offset {record.offset()} was never read")
                return
            self.verdict.raw_records += 1
            if (*where, record.offset()) in self._deadly:
                self._refused.append(_letter(record, "$", ""))
                continue
            out = entry.normalise([record])
            for arrival in out.arrivals:
                yield arrival.address.encode(), self._topology.encode_event(0, arrival.event)
            self._refused += [_letter(record, refusal.path, "normalise") for refusal in out.refusals]

    def _check_sends(self) -> None:
        """What one partition sent stands in each partition in the order of sending."""
        count = self._topology.partitions
        found = {
            partition: [(record.key(), record.value()) for record in records]
            for partition, records in self._inbox.items()
        }
        for sender, replica in self._replicas.items():
            lanes: dict[int, list[tuple[bytes | None, bytes | None]]] = defaultdict(list)
            for send in replica.sent:
                lanes[partition_of(send.key, count)].append((send.key, send.value))
            for partition, lane in lanes.items():
                if not _is_within(lane, found[partition]):
                    self._wrong(f"inbox[{partition}]: what inbox[{sender}] sent is missing or out of order")

    def _check_newest(self, where: str, here: Sequence[tuple[int, Written]], found: Sequence[Written]) -> None:
        by_key: dict[bytes, dict[int, list[Written]]] = defaultdict(lambda: defaultdict(list))
        for sender, document in here:
            by_key[document.key][sender].append(document)
        last = {document.key: document for document in found}
        for key, by_sender in by_key.items():
            if last.get(key) not in [documents[-1] for documents in by_sender.values()]:
                self._wrong(
                    f"{where}: newest of {key!r} is {last.get(key)}, recomputed {[d[-1] for d in by_sender.values()]}"
                )
            ours = [document for document in found if document.key == key]
            if len(by_sender) == 1 and not _is_within(ours, next(iter(by_sender.values()))):
                self._wrong(f"{where}: {key!r} has values that were never published, or out of order")
        if extra := [key for key in last if key not in by_key]:
            self._wrong(f"{where}: keys that nobody published: {_few(extra)}")

    def _changelog(self, partition: int) -> tuple[dict[str, dict[str, bytes]], int]:
        state: dict[str, dict[str, bytes]] = defaultdict(dict)
        seq = 0
        for record in read(self._log, self._topology.changelog, partition):
            key, value = record.key() or b"", record.value()
            if key == MARKER_KEY:
                marker = decode_marker(value or b"")
                # Compaction may have taken markers in between, but order it cannot change.
                if marker.seq <= seq:
                    self._wrong(f"changelog[{partition}]: marker {marker.seq} follows {seq}")
                seq = marker.seq
                continue
            address, _, item = key.partition(b"\0")
            if value is None:
                state[address.decode()].pop(item.decode(), None)
            else:
                state[address.decode()][item.decode()] = value
        return {address: items for address, items in state.items() if items}, seq

    def _compare_state(self, where: str, want: dict[str, dict[str, bytes]], found: dict[str, dict[str, bytes]]) -> None:
        wrong = [address for address in sorted({*want, *found}) if want.get(address, {}) != found.get(address, {})]
        for address in wrong[:_SHOWN_MAX]:
            self._wrong(
                f"{where}: {address} holds {self._readable(found.get(address, {}))}, "
                f"recomputed {self._readable(want.get(address, {}))}"
            )
        if len(wrong) > _SHOWN_MAX:
            self._wrong(f"{where}: … {len(wrong) - _SHOWN_MAX} more addresses differ")

    def _readable(self, items: dict[str, bytes]) -> dict[str, Any]:
        return {item: self._topology.decode_item(data) for item, data in sorted(items.items())}

    def _compare(self, what: str, want: Counter[Any], found: Counter[Any]) -> None:
        if missing := want - found:
            self._wrong(f"{what}: {missing.total()} missing: {_few(missing)}")
        if extra := found - want:
            self._wrong(f"{what}: {extra.total()} too many: {_few(extra)}")

    def _wrong(self, what: str) -> None:
        self.verdict.violations.append(what)


def _letter(record: Record, path: str, fold: str) -> Letter:
    return Letter(record.key(), record.value(), path, fold, record.topic(), record.partition(), record.offset())


def _uncut(letter: Letter, want: Iterable[Letter]) -> Letter:
    """The letter as it was before it was cut to what the log takes; itself when nothing wanted begins like it."""
    return next(
        (
            whole
            for whole in want
            if whole[2:] == letter[2:]
            and (whole.key or b"").startswith(letter.key or b"")
            and (whole.value or b"").startswith(letter.value or b"")
        ),
        letter,
    )


def _is_within(part: Sequence[Any], whole: Iterable[Any]) -> bool:
    """Whether `part` can be had from `whole` by leaving things out."""
    rest = iter(whole)
    return all(any(want == have for have in rest) for want in part)


def _few(things: Iterable[Any]) -> str:
    listed = list(things)
    more = f", … {len(listed) - _SHOWN_MAX} more" if len(listed) > _SHOWN_MAX else ""
    return ", ".join(repr(thing) for thing in listed[:_SHOWN_MAX]) + more
