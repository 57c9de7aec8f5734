"""Raw records become events in the inbox. No state but how far each raw partition is.

    poll ──► by topic ──► normalise ──► arrivals ──► inbox, with `seen_at`
                                   └──► refusals ──► dead letters

`seen_at` of a record is its receive time, made monotone within its partition and never below the progress that was
published for it: what was promised to be complete stays complete.
"""

from collections.abc import Iterable, Mapping, Sequence

from streams.runtime import facts
from streams.runtime.batch import Batch
from streams.runtime.limits import Limits
from streams.runtime.outcome import KEY_BYTES_MAX
from streams.runtime.ports import Clock, Record, TopicPartition
from streams.runtime.topology import Arrival, Input, Normalised, Topology


class RawTask:
    """How far one raw partition is. `seen_at` is also its progress."""

    __slots__ = ("partition", "position", "published", "seen_at", "silence")

    def __init__(self, partition: TopicPartition, silence: str, *, position: int, seen_at: int) -> None:
        """`position` (offset of the next record) and `seen_at` as committed."""
        self.partition, self.silence = partition, silence
        self.position = position
        self.seen_at = self.published = seen_at


class Ingest:
    """Takes batches of raw records of any topics."""

    def __init__(self, topology: Topology, limits: Limits, clock: Clock) -> None:
        """One per worker."""
        self._inputs = {entry.topic: entry for entry in topology.inputs}
        self._encode_event, self._inbox = topology.encode_event, topology.inbox
        self._limits, self._clock = limits, clock

    def take(self, records: Sequence[Record], tasks: Mapping[TopicPartition, RawTask], batch: Batch) -> None:
        """Normalise and send. Records of partitions without a task are passed over: they belong to somebody else."""
        # In one go over the records: this is paid for every record of a firehose.
        homes = [(record.topic(), record.partition()) for record in records]
        last = dict(zip(homes, records, strict=True))
        first = dict(zip(reversed(homes), reversed(records), strict=True))
        if any(home not in tasks or record.offset() < tasks[home].position for home, record in first.items()):  # type: ignore[index]  # equal tuples
            records = _next_ones(records, tasks)
            last = {(record.topic(), record.partition()): record for record in records}
        by_topic: dict[str, dict[int, Record]] = {}
        for (topic, partition), record in last.items():
            by_topic.setdefault(topic, {})[partition] = record
        for topic in sorted(by_topic):
            of_topic = records if len(by_topic) == 1 else [record for record in records if record.topic() == topic]
            self._take_topic(self._inputs[topic], of_topic, by_topic[topic], tasks, batch)
        for home, record in last.items():
            tasks[TopicPartition(*home)].position = record.offset() + 1

    def _take_topic(
        self,
        entry: Input,
        records: Sequence[Record],
        last: Mapping[int, Record],
        tasks: Mapping[TopicPartition, RawTask],
        batch: Batch,
    ) -> None:
        """`last`: the last one of each partition."""
        topic = entry.topic
        try:
            found = entry.normalise(records)
        except Exception:  # noqa: BLE001  a normaliser promises not to raise; its neighbours must not pay when it does
            found = self._one_by_one(entry, records, batch)
        ceiling = self._clock.now_ms() + self._limits.ahead_ms_max
        for arrival in found.arrivals:
            record = records[arrival.index]
            task = tasks[TopicPartition(topic, record.partition())]
            if arrival.received_at > task.seen_at:
                task.seen_at = self._believed(arrival.received_at, record, ceiling, batch, task.seen_at)
            self._send(arrival, record, task.seen_at, batch)
        for refusal in found.refusals:
            batch.reject(records[refusal.index], cause=refusal.cause, path=refusal.path, fold="normalise")
        for partition, record in last.items():
            received_at = found.last_received_at.get(partition, 0)
            task = tasks[TopicPartition(topic, partition)]
            task.seen_at = max(task.seen_at, self._believed(received_at, record, ceiling, batch, task.seen_at))
        self._note(topic, len(records), found, batch)

    def _send(self, arrival: Arrival, record: Record, seen_at: int, batch: Batch) -> None:
        try:
            data = self._encode_event(seen_at, arrival.event)
            key = arrival.address.encode()
        except Exception as problem:  # noqa: BLE001  whatever a product's codec raises
            batch.reject(record, cause=f"{type(problem).__name__}: {problem}", fold="normalise")
            return
        size = len(data)
        if size > self._limits.record_bytes_max or len(key) > KEY_BYTES_MAX:
            cause = (
                f"an event of {size} bytes, up to {self._limits.record_bytes_max}, for an address of {len(key)} bytes, "
                f"up to {KEY_BYTES_MAX}: {arrival.address[:100]}"
            )
            batch.reject(record, cause=cause, fold="normalise")
            return
        batch.send(self._inbox, data, key)
        batch.sends += 1
        batch.bytes += size

    def _believed(self, received_at: int, record: Record, ceiling: int, batch: Batch, seen_at: int) -> int:
        """A receive time that is not far ahead of the clock or of the log's own time; else the log's."""
        if received_at <= ceiling:
            return received_at
        _, logged_at = record.timestamp()
        if received_at <= logged_at + self._limits.ahead_ms_max:
            return received_at
        batch.notes.append(facts.TimeNotBelieved(topic=record.topic(), ahead_ms=received_at - logged_at))
        return max(seen_at, logged_at)

    def _one_by_one(self, entry: Input, records: Sequence[Record], batch: Batch) -> Normalised:
        out = Normalised()
        for index, record in enumerate(records):
            try:
                found = entry.normalise([record])
            except Exception as problem:  # noqa: BLE001  see the caller
                batch.reject(record, cause=f"{type(problem).__name__}: {problem}", fold="normalise")
                continue
            out.arrivals += [Arrival(index, part.received_at, part.address, part.event) for part in found.arrivals]
            for refusal in found.refusals:
                batch.reject(record, cause=refusal.cause, path=refusal.path, fold="normalise")
            out.irrelevant += found.irrelevant
            out.notes += found.notes
            out.last_received_at.update(found.last_received_at)
            for kind, count in found.unknown.items():
                out.unknown[kind] = out.unknown.get(kind, 0) + count
        return out

    def _note(self, topic: str, records: int, found: Normalised, batch: Batch) -> None:
        notes = batch.notes
        notes.append(facts.RecordsIngested(topic=topic, amount=records))
        if found.arrivals:
            notes.append(facts.EventsArrived(topic=topic, amount=len(found.arrivals)))
        if found.irrelevant:
            notes.append(facts.RecordsIrrelevant(topic=topic, amount=found.irrelevant))
        notes += [facts.KindUnknown(topic=topic, kind=kind, amount=count) for kind, count in found.unknown.items()]
        notes += found.notes


def _next_ones(records: Iterable[Record], tasks: Mapping[TopicPartition, RawTask]) -> list[Record]:
    """Records of partitions that have a task, each once: a client may give records again after a rebalance."""
    next_offsets = {where: task.position for where, task in tasks.items()}
    kept = []
    for record in records:
        where = TopicPartition(record.topic(), record.partition())
        if where in next_offsets and record.offset() >= next_offsets[where]:
            next_offsets[where] = record.offset() + 1
            kept.append(record)
    return kept
