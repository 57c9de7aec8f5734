"""Generated traffic on its way out: into a log, as if its sources delivered it now, or into files for a replay."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

import orjson

from config.inputs import topic_of
from config.settings import Settings
from streams.errors import Retryable
from streams.runtime.ports import Clock, Log, Row
from topologies.traffic.outbox import Delivery
from topologies.traffic.settings import INPUTS
from topologies.traffic.truth import Truth
from topologies.traffic.wire_files import CONTACTS

ROWS_MAX = 500
"""Written at a time, so that a worker gets its turn in between."""
_RETRY_MS = 50


def topics_for(settings: Settings) -> dict[str, str]:
    """Topic by generated input: that of the configured input of the same name, else of the first of the same format.

    Inputs that the settings do not have are left out.
    """
    by_name = {one.name: one for one in settings.inputs}
    by_format = {one.format: one for one in reversed(settings.inputs)}
    found = {one.name: by_name.get(one.name) or by_format.get(one.format) for one in INPUTS}
    return {name: topic_of(one) for name, one in found.items() if one is not None}


class Tally:
    """What has gone out: payloads by input, those that had nowhere to go, and bytes."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.written: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.size = 0

    def add(self, one: Delivery) -> None:
        """This one went out."""
        self.written[one.input] += 1
        self.size += len(one.payload or b"")


class LogFeed:
    """Appends deliveries to the raw topics of a log."""

    def __init__(self, log: Log, topics: Mapping[str, str], clock: Clock) -> None:
        """`topics` by input; deliveries of other inputs are left out."""
        self._log, self._topics, self._clock = log, topics, clock
        self.tally = Tally()

    def write(self, deliveries: list[Delivery]) -> None:
        """In the order given, within each topic. Waits while the log is busy."""
        rows: dict[str, list[Row]] = {}
        for one in deliveries:
            topic = self._topics.get(one.input)
            if topic is None:
                self.tally.left_out[one.input] += 1
                continue
            self.tally.add(one)
            rows.setdefault(topic, []).append((one.key, one.payload, None, one.received_at))
        for topic, batch in rows.items():
            for start in range(0, len(batch), ROWS_MAX):
                self._append(topic, batch[start : start + ROWS_MAX])

    def _append(self, topic: str, rows: list[Row]) -> None:
        while True:
            try:
                self._log.append(topic, rows)
            except Retryable:
                self._clock.sleep_ms(_RETRY_MS)
            else:
                return


class FileFeed:
    """Writes one file an input, a payload a line: `<input>.jsonl`. Close it, or use it in a `with` block.

    Where a payload does not say when it was received the line is a delivery: `{"received_at", "key", "body"}`.
    `truth` covers what was written.
    """

    def __init__(self, directory: Path) -> None:
        """The folder is made when it is not there; files of before are replaced."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory, self._stack = directory, ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self.tally, self.truth = Tally(), Truth()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, deliveries: list[Delivery]) -> None:
        """In the order given."""
        for one in deliveries:
            if one.input not in self._files:
                self._files[one.input] = self._stack.enter_context((self._directory / f"{one.input}.jsonl").open("wb"))
            self.tally.add(one)
            self.truth.learn(one.facts)
            self._files[one.input].write(_line(one) + b"\n")


class Cursor:
    """Takes deliveries up to a time; the first one after it stays for the next call."""

    def __init__(self, deliveries: Iterator[Delivery]) -> None:
        """In order of receipt."""
        self._deliveries = deliveries
        self._next: Delivery | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the next delivery was not due at the last call."""
        return self._next is not None

    def take(self, upto: int, count_max: int) -> list[Delivery]:
        """Those received by then (inclusive), at most so many."""
        taken: list[Delivery] = []
        while len(taken) < count_max:
            one = self._next or next(self._deliveries, None)
            self._next = None
            if one is None:
                break
            if one.received_at > upto:
                self._next = one
                break
            taken.append(one)
        return taken


def _line(one: Delivery) -> bytes:
    payload = one.payload or b"null"
    # Jetstream frames hold the time, snapshots have none, and what is broken stays as it is.
    if one.input in {"bluesky", CONTACTS} or one.is_broken:
        return payload
    return b'{"received_at":%d,"key":%s,"body":%s}' % (one.received_at, orjson.dumps(one.key.decode()), payload)
