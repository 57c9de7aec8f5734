"""A small product that uses everything the engine offers: three levels, sends, wakes, both kinds of outputs, rejects.

    raw.a, raw.b ──► counter:<n> ──Added──► total:<n> ──Added──► board:<n>
                        ▲  │ wakes             │ wakes             │ counts
                        └──┼──── Nudge ────────┘                   │
                           └──► seen (delete), counts (compact)    └──► boards (delete)

Everything a fold is told (position, seen_at, upto) goes into outputs or items, so that a wrong one shows.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from schemas.base import Wire
from schemas.log import Tick, Wake
from schemas.state import WakeDue
from streams.core.effects import Drop, Effect, Forget, Publish, Put, Reject, Send, WakeAt
from streams.core.fold import Now, State
from streams.runtime.ports import Headers, Log, Record
from streams.runtime.topology import Arrival, Input, Normalised, Output, Refusal, Stage, Topology

APP = "toy"
ACTS_MAX = 6
QUIET_MS = 4_000
PATIENCE_MS = 9_000


class Add(Wire, frozen=True, tag=10):
    id: str
    amount: int
    total: str


class Bad(Wire, frozen=True, tag=11):
    id: str
    how: str


class Reset(Wire, frozen=True, tag=12):
    id: str


class Added(Wire, frozen=True, tag=13):
    sender: str
    version: int
    count: int


class Nudge(Wire, frozen=True, tag=14):
    sender: str


class Count(Wire, frozen=True, tag=200):
    count: int
    acts: int
    position: int


class Kept(Wire, frozen=True, tag=201):
    amount: int
    seen_at: int


class Heard(Wire, frozen=True, tag=202):
    version: int
    count: int


class Envelope(msgspec.Struct, array_like=True, frozen=True):
    seen_at: int
    event: Tick | Add | Bad | Reset | Added | Nudge


_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
_decode_item = msgspec.msgpack.Decoder(WakeDue | Count | Kept | Heard).decode


def encode_event(seen_at: int, event: Any) -> bytes:
    return _encode(Envelope(seen_at, event))


def decode_event(data: bytes) -> tuple[int, Any]:
    envelope = _decode_envelope(data)
    return envelope.seen_at, envelope.event


def counter(state: State, event: Any, now: Now, model: Any, /) -> Iterator[Effect]:
    """Adds up; keeps the last acts; says when it has been quiet for a while."""
    head: Count = state.get("head") or Count(0, 0, 0)
    match event:
        case Add(id, amount, total):
            head = Count(head.count + amount, head.acts + 1, now.position)
            yield Put(f"act:{head.acts:06}", Kept(amount, now.seen_at))
            kept = [name for name, _ in state.starting("act:")]
            for name in kept[: max(0, len(kept) + 1 - ACTS_MAX)]:
                yield Drop(f"act:{name}")
            yield Put("head", head)
            yield Send(total, Added(state.address, now.position, head.count))
            yield Publish("seen", id, {"id": id, "count": head.count, "at": now.seen_at, "upto": now.upto})
            yield Publish("counts", state.address, {"count": head.count, "model": model})
            yield WakeAt(now.seen_at + QUIET_MS)
        case Wake(due):
            yield Publish("seen", state.address, {"quiet": due, "upto": now.upto, "position": now.position})
            yield Drop("act:000001")
            yield Put("head", Count(head.count, head.acts, now.position))
            if head.count % 3 == 0:
                yield WakeAt(now.upto + QUIET_MS)
            if head.count % 7 == 0:
                yield WakeAt(due)
        case Nudge():
            yield Put("nudged", Count(head.count, 1, now.position))
        case Reset():
            yield Forget()
            yield Publish("counts", state.address, None)
        case Bad(id, how):
            yield Put("head", Count(-1, -1, -1))
            yield Send("total:bad", Added(state.address, now.position, -1))
            yield from bad(id, how)


def bad(name: str, how: str) -> Iterator[Effect]:
    if how == "reject":
        yield Reject("not wanted", "$.how")
    elif how == "many":
        yield from (Put(f"x{number}", Count(1, 1, 1)) for number in range(300))
    elif how == "output":
        yield Publish("nowhere", name, {})
    elif how == "item":
        yield Put("x", Add("not", 1, "an item"))
    elif how == "large":
        yield Put("x", Kept(1, 1))
        yield Publish("seen", name, {"text": "x" * 2_000_000})
    else:
        raise RuntimeError(f"told to fail: {how}")


def total(state: State, event: Any, now: Now, model: Any, /) -> list[Effect]:
    """Sums what counters say; nudges them when it has waited long enough; tells the board."""
    match event:
        case Added(sender, version, count):
            heard = state.get(f"heard:{sender}")
            if heard is not None and heard.version >= version:
                return []
            others = sum(item.count for name, item in state.starting("heard:") if name != sender)
            return [
                Put(f"heard:{sender}", Heard(version, count)),
                Put("sum", Count(others + count, 0, now.position)),
                Publish("totals", state.address, {"sum": others + count}),
                WakeAt(now.seen_at + PATIENCE_MS),
            ]
        case Wake(due):
            first = next(state.starting("heard:"), None)
            effects: list[Effect] = [
                Publish("late", state.address, {"due": due, "upto": now.upto, "position": now.position}),
                Send("board:0", Added(state.address, now.position, state.get("sum").count)),
            ]
            return effects if first is None else [*effects, Send(first[0], Nudge(state.address))]
    return [Reject(f"a total does not know {type(event).__name__}")]


def board(state: State, event: Any, now: Now, model: Any, /) -> list[Effect]:
    """Counts what totals tell it, and looks again when its own level's time has come."""
    before = state.get("n") or Count(0, 0, 0)
    told = {"n": before.count + 1, "upto": now.upto, "at": now.seen_at}
    effects: list[Effect] = [Put("n", Count(before.count + 1, 0, now.position)), Publish("boards", state.address, told)]
    return effects if isinstance(event, Wake) else [*effects, WakeAt(now.seen_at + 1_000)]


def normalise(records: Sequence[Record], /) -> Normalised:
    """JSON lines: one payload may hold several events."""
    out = Normalised()
    for index, record in enumerate(records):
        out.last_received_at[record.partition()] = record.timestamp()[1]
        try:
            payload = json.loads(record.value() or b"")
        except ValueError as problem:
            out.refusals.append(Refusal(index, "$", f"no JSON: {problem}"))
            continue
        if payload.get("irrelevant"):
            out.irrelevant += 1
        for event in payload.get("events", ()):
            out.arrivals.append(Arrival(index, record.timestamp()[1], event["to"], read_event(event)))
        if "refuse" in payload:
            out.refusals.append(Refusal(index, "$.refuse", "half of it is wrong"))
    return out


def read_event(event: dict[str, Any]) -> Any:
    if "bad" in event:
        return Bad(event["id"], event["bad"])
    if "reset" in event:
        return Reset(event["id"])
    return Add(event["id"], event["amount"], event["total"])


def headers(key: str, value: Any) -> Headers:
    return [("ce_id", key.encode()), ("ce_size", b"%d" % len(value))]


def toy_topology(partitions: int = 3, silence: Any = "nothing happened") -> Topology:
    return Topology(
        app=APP,
        partitions=partitions,
        inbox="toy.inbox",
        changelog="toy.changelog",
        progress="toy.progress",
        dlq="toy.dlq",
        inputs=[Input("raw.a", normalise, silence), Input("raw.b", normalise, silence)],
        stages={"counter": Stage(counter, 1), "total": Stage(total, 2), "board": Stage(board, 3)},
        outputs={
            "seen": Output("toy.seen", compact=False, headers=headers),
            "late": Output("toy.late", compact=False, headers=headers),
            "boards": Output("toy.boards", compact=False, headers=headers),
            "counts": Output("toy.counts", compact=True, headers=headers),
            "totals": Output("toy.totals", compact=True, headers=headers),
        },
        model="m",
        model_hash="m1",
        encode_event=encode_event,
        decode_event=decode_event,
        encode_item=_encode,
        decode_item=_decode_item,
        encode_output=msgspec.json.Encoder().encode,
        code_version="test",
    )


def create_topics(log: Log, topology: Topology, raw_partitions: int = 2) -> None:
    for name in (topology.inbox, topology.dlq):
        log.create_topic(name, topology.partitions, compact=False, retention_ms=None)
    log.create_topic(topology.changelog, topology.partitions, compact=True, retention_ms=None)
    log.create_topic(topology.progress, 1, compact=True, retention_ms=None)
    for entry in topology.inputs:
        log.create_topic(entry.topic, raw_partitions, compact=False, retention_ms=None)
    for output in topology.outputs.values():
        log.create_topic(output.topic, 2, compact=output.compact, retention_ms=None)


def payload(*events: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"events": events, **more}).encode()


def add(name: str, to: int | str = 1, amount: int = 1, total: int | str = 1) -> dict[str, Any]:
    return {"id": name, "to": f"counter:{to}", "amount": amount, "total": f"total:{total}"}
