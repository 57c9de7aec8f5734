"""What is in hand between two commits, besides state: the open transaction, compacted outputs, notes, counts.

fold, normalise ──► send (into the transaction)            delete outputs, events, dead letters
                ──► newest[output, key]                    compacted outputs: the last of a commit, written at its end
                ──► notes                                  given out once the commit went through
"""

from collections import defaultdict
from collections.abc import Callable

from streams.core.facts import Fact
from streams.errors import Retryable
from streams.runtime import facts
from streams.runtime.codec import fit_letter, letter_headers
from streams.runtime.limits import Limits
from streams.runtime.outcome import Outcome, Published
from streams.runtime.ports import Producer, Record
from streams.runtime.topology import Topology


class Batch:
    """One transaction at a time, on one producer."""

    def __init__(self, producer: Producer, topology: Topology, limits: Limits) -> None:
        """Nothing is open."""
        self.producer = producer
        self.send = producer.send
        self._inbox, self._dlq, self._code_version = topology.inbox, topology.dlq, topology.code_version
        self._letter_bytes_max = limits.record_bytes_max
        self.open = False
        self.spent = False
        """The producer is of no use any more; the worker makes a new one before its next turn."""
        self.clear()

    def clear(self) -> None:
        """Forget what was in hand."""
        self.records = self.events = self.wakes = self.sends = self.bytes = self.rejects = self.loads = 0
        self.newest: dict[tuple[str, bytes], Published] = {}
        self.notes: list[Fact] = []
        self.load_ms: list[int] = []
        # When what led to each document was received, by output.
        self.published: defaultdict[str, list[int]] = defaultdict(list)

    def begin(self) -> None:
        """Open a transaction unless one is open. Raises `Fenced` when the producer was replaced, `Retryable`."""
        if self.spent:
            raise Retryable("waiting for a new producer")
        if not self.open:
            self.producer.begin()
            self.open = True

    def take(self, outcome: Outcome, seen_at: int) -> None:
        """Everything of an outcome but its state. `seen_at`: of the event it came of."""
        send, inbox = self.send, self._inbox
        for data, key in outcome.sends:
            send(inbox, data, key)
        for document in outcome.published:
            self.published[document.name].append(seen_at)
            if document.output.compact:
                self.newest[document.name, document.key] = document
            else:
                send(document.output.topic, document.value, document.key, -1, document.headers)
        self.sends += len(outcome.sends)
        self.notes += outcome.notes

    def finish(self) -> None:
        """Write the compacted outputs, in the order in which their keys were first touched."""
        for document in self.newest.values():
            self.send(document.output.topic, document.value, document.key, -1, document.headers)
        self.newest = {}

    def reject(
        self,
        record: Record,
        *,
        cause: str,
        path: str = "$",
        fold: str,
        key: bytes | None = None,
        number: int | None = None,
    ) -> None:
        """Write a record to the dead-letter topic. `key`: the address, where it is not the record's own key."""
        headers = letter_headers(
            record, cause=cause, path=path, fold=fold, code_version=self._code_version, number=number
        )
        own_key = record.key() if key is None else key
        fitted_key, value, fitted = fit_letter(own_key, record.value(), headers, self._letter_bytes_max)
        self.send(self._dlq, value, fitted_key, -1, fitted)
        self.rejects += 1
        self.notes.append(
            facts.RecordRejected(
                topic=record.topic(),
                partition=record.partition(),
                offset=record.offset(),
                fold=fold,
                cause=cause[:300],
                path=path[:300],
            )
        )

    def release(self, tell: Callable[[Fact], None], committed_at: int) -> None:
        """The commit went through: give out what was noted, and start anew. `committed_at`: since when all can see it."""
        notes, events, wakes, published = self.notes, self.events, self.wakes, self.published
        loads, load_ms = self.loads, self.load_ms
        self.open = False
        self.clear()
        if events:
            tell(facts.EventsFolded(amount=events))
        if wakes:
            tell(facts.WakesFired(amount=wakes))
        if loads:
            tell(facts.AddressesLoaded(amount=loads, took_ms=load_ms))
        if events + wakes > loads:
            tell(facts.AddressesAtHand(amount=events + wakes - loads))
        for output, seen in published.items():
            delays_ms = [committed_at - at for at in seen]
            tell(facts.OutputsPublished(output=output, amount=len(seen), delays_ms=delays_ms))
        for note in notes:
            tell(note)
