"""Dead letters: what could not be processed, and why; and putting it back.

    letter ──requeue──► the topic it came from, with its key, its headers and `attempt`
           ──────────► rapport.progress: "requeued:<partition>/<offset>"        both in one transaction

Requeueing is safe, also twice: stances and acts carry versions, and what was there before stays out.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from schemas.log import Progress, decode_progress, encode_wire
from schemas.topics import topics
from streams.runtime.oracle_log import read
from streams.runtime.ports import Headers, Log, Producer, Record

MARK = "requeued:"
BATCH_MAX = 500
"""Letters in one transaction."""
_OWN = "header."


class Letter(msgspec.Struct, frozen=True):
    """A record of the dead-letter topic. `place` names it; `requeued_at` 0: it was not."""

    place: str
    at: int
    cause: str
    path: str
    fold: str
    topic: str
    partition: int
    offset: int
    attempt: int
    code_version: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    is_cut: bool
    requeued_at: int


def letters(log: Log, app: str) -> Iterator[Letter]:
    """All letters, by partition, oldest first."""
    dlq, progress = (topics(app)[name].name for name in ("dlq", "progress"))
    marks = _marks(log, progress)
    for partition in range(log.partitions(dlq)):
        for record in read(log, dlq, partition):
            yield _letter(record, marks.get(f"{partition}:{record.offset()}", 0))


def requeue(log: Log, app: str, chosen: Sequence[Letter], now_ms: int) -> int:
    """Put letters back; how many records that were. Several parts of one record are one record."""
    inbox, progress = (topics(app)[name].name for name in ("inbox", "progress"))
    producer = log.producer(f"{app}-dlq")
    written = 0
    seen: set[tuple[str, int, int]] = set()
    try:
        for start in range(0, len(chosen), BATCH_MAX):
            producer.begin()
            for letter in chosen[start : start + BATCH_MAX]:
                origin = (letter.topic, letter.partition, letter.offset)
                if origin not in seen:
                    seen.add(origin)
                    _send(producer, letter, inbox)
                    written += 1
                key = f"{MARK}{letter.place.replace(':', '/')}".encode()
                producer.send(progress, encode_wire(Progress((now_ms,))), key, 0)
            producer.commit()
    finally:
        producer.close()
    return written


def why_not(letter: Letter) -> str | None:
    """Why a letter cannot be put back; None: it can."""
    if letter.is_cut:
        return "it was too large for the log and is not whole"
    if not letter.topic:
        return "it does not say which topic it came from"
    return None


def _send(producer: Producer, letter: Letter, inbox: str) -> None:
    headers = [*letter.headers, ("attempt", b"%d" % letter.attempt)]
    # Inbox records go where their address lives; raw ones where they were: the order of a partition means something.
    partition = -1 if letter.topic == inbox else letter.partition
    producer.send(letter.topic, letter.value, letter.key, partition, headers, letter.at)


def _letter(record: Record, requeued_at: int) -> Letter:
    own: list[tuple[str, bytes]] = []
    said: dict[str, str] = {}
    for name, value in record.headers() or ():
        if name.startswith(_OWN):
            own.append((name.removeprefix(_OWN), value))
        else:
            said[name] = value.decode(errors="replace")
    return Letter(
        place=f"{record.partition()}:{record.offset()}",
        at=record.timestamp()[1],
        cause=said.get("cause", ""),
        path=said.get("path", ""),
        fold=said.get("fold", ""),
        topic=said.get("topic", ""),
        partition=_number(said.get("partition")),
        offset=_number(said.get("offset")),
        attempt=_number(said.get("attempt")) or 1,
        code_version=said.get("code_version", ""),
        key=record.key(),
        value=record.value(),
        headers=own,
        is_cut="cut_from_bytes" in said,
        requeued_at=requeued_at,
    )


def _marks(log: Log, progress: str) -> dict[str, int]:
    """When letters were requeued, by their place."""
    found = {}
    for record in read(log, progress, 0):
        key = (record.key() or b"").decode(errors="replace")
        if key.startswith(MARK) and (value := record.value()) is not None:
            found[key.removeprefix(MARK).replace("/", ":")] = decode_progress(value).upto[0]
    return found


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def matching(found: Iterable[Letter], *, reason: str, since: int, again: bool) -> list[Letter]:
    """Letters whose cause or path holds `reason`, written since then (ms), and not requeued before unless `again`."""
    wanted = reason.lower()
    return [
        letter
        for letter in found
        if wanted in f"{letter.path}: {letter.cause}".lower()
        and letter.at >= since
        and (again or not letter.requeued_at)
    ]
