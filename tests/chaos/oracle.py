"""Is what stands in Kafka and Redis exactly what must have come of the raw records? Judged from outside.

    raw records ──normalise──►  events           each once in the inbox
    inbox       ──Refold────►   sends            each once in the inbox, per sender in order
                                documents        each once in its topic, per key in order; of compacted ones the newest
                                letters          each once
                                state            in the changelog and in Redis, item by item
    groups                      stand behind the last record, and say the number of the last commit

Its own clients, its own decoding, its own loop: nothing of the engine's runtime or transport. For a time at which no
worker is at work.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from schemas.log import Tick
from tests.chaos.oracle_fold import TICK, Document, Letter, Refold
from tests.chaos.oracle_read import Kafka, Served, Standing, served
from tests.chaos.products import Product

_SHOWN = 3
_MARKER = b"\0m"
Where = tuple[str, int]


class Verdict(msgspec.Struct):
    """`wrong`: everything that is not as it must be."""

    wrong: list[str] = []
    raw: int = 0
    events: int = 0
    ticks: int = 0
    documents: dict[str, int] = {}
    letters: int = 0
    items: int = 0
    commits: int = 0

    def text(self) -> str:
        """For people."""
        return "\n".join(self.wrong) or "nothing lost, nothing doubled, nothing wrong"


def judge(broker: str, redis_client: Any, product: Product, *, drained: bool = True) -> Verdict:
    """Hold everything against a recomputation. `drained`: nothing may be left undone."""
    judging = Judge(broker, redis_client, product, drained=drained)
    judging.run()
    return judging.verdict


class Judge:
    """One judgement; afterwards what it has read is there to be looked at."""

    def __init__(self, broker: str, redis_client: Any, product: Product, *, drained: bool = True) -> None:
        self.verdict = Verdict()
        self._kafka, self._redis, self._product, self._drained = Kafka(broker), redis_client, product, drained
        topics = [
            product.inbox, product.changelog, product.progress, product.dlq, *product.raw,
            *(topic for topic, _, _ in product.outputs.values()),
        ]  # fmt: skip
        self._counts = self._kafka.partitions(topics)
        if drained:
            self._kafka.settle([where for topic in topics for where in self._wheres(topic)])
        self.records = self._kafka.read({where: 0 for topic in topics for where in self._wheres(topic)})
        inbox, raw = self._wheres(product.inbox), [where for topic in product.raw for where in self._wheres(topic)]
        self._stands = self._kafka.standings(f"{product.app}.fold", inbox)
        self._stands |= self._kafka.standings(f"{product.app}.ingest", raw)
        self._folded: dict[int, Refold] = {}
        self._refused: list[Letter] = []

    def run(self) -> None:
        """All of it."""
        self._check_positions()
        for where in self._wheres(self._product.inbox):
            again = self._folded[where[1]] = Refold(self._product)
            for record in self._done(where):
                again.take(record)
        self._check_inbox(self._normalise())
        for name in self._product.outputs:
            self._check_output(name)
        self._check_letters()
        self._check_progress()
        for partition in range(self._product.partitions):
            self._check_state(partition)

    # -- what the log says of itself

    def _check_positions(self) -> None:
        for where, stand in self._stands.items():
            records = self.records[where]
            if self._drained and records and (stand is None or records[-1].offset() >= stand.offset):
                self._say(f"{_name(where)}: stands at {stand}, but the last record is {records[-1].offset()}")

    def _done(self, where: Where) -> Iterator[Any]:
        """Records of a partition up to where its group stands."""
        stand = self._stands[where]
        return (record for record in self.records[where] if stand is not None and record.offset() < stand.offset)

    # -- into the inbox

    def _normalise(self) -> dict[Where, list[tuple[bytes, bytes]]]:
        """By raw partition the events that its records mean, as (address, event)."""
        found: dict[Where, list[tuple[bytes, bytes]]] = {}
        for topic, normalise in self._product.raw.items():
            for where in self._wheres(topic):
                events = found[where] = []
                for record in self._done(where):
                    self.verdict.raw += 1
                    out = normalise([record])
                    events += [(one.address.encode(), msgspec.msgpack.encode(one.event)) for one in out.arrivals]
                    self._refused += [
                        Letter(record.key(), record.value(), *where, record.offset(), "normalise") for _ in out.refusals
                    ]
        return found

    def _check_inbox(self, means: dict[Where, list[tuple[bytes, bytes]]]) -> None:
        """Every event of a raw record and every send once, in order, and no act behind a tick that rules it out."""
        sent = Counter(send for again in self._folded.values() for send in again.sends)
        found: dict[int, list[tuple[bytes, bytes]]] = {}
        from_raw: dict[int, list[tuple[bytes, bytes]]] = {}
        homes: dict[bytes, int] = {}
        for partition in self._folded:
            upto = 0
            found[partition], from_raw[partition] = [], []
            for record in self.records[self._product.inbox, partition]:
                pair = record.key() or b"", record.value() or b""
                seen_at, event = self._product.read(pair[1])
                if pair[0] == TICK:
                    assert isinstance(event, Tick)
                    self.verdict.ticks += 1
                    upto = max(upto, event.upto[0])
                    continue
                self.verdict.events += 1
                if homes.setdefault(pair[0], partition) != partition:
                    self._say(f"{pair[0]!r} is in inbox[{partition}] and in inbox[{homes[pair[0]]}]")
                found[partition].append(pair)
                if sent[pair] > 0:
                    sent[pair] -= 1
                    continue
                from_raw[partition].append((pair[0], msgspec.msgpack.encode(event)))
                if seen_at < upto and self._product.folds[pair[0].decode().partition(":")[0]][1] == 1:
                    self._say(f"inbox[{partition}] offset {record.offset()}: seen at {seen_at}, behind a tick {upto}")
        everything = Counter(pair for events in means.values() for pair in events)
        self._compare("events of raw records", everything, Counter(pair for part in from_raw.values() for pair in part))
        self._compare("what folds sent", +sent, Counter())
        for sender, again in self._folded.items():
            self._check_lanes(f"what inbox[{sender}] sent", again.sends, homes, found)
        for where, events in means.items():
            self._check_lanes(f"what came of {_name(where)}", events, homes, from_raw)

    def _check_lanes(
        self,
        what: str,
        given: Iterable[tuple[bytes, bytes]],
        homes: dict[bytes, int],
        found: dict[int, list[tuple[bytes, bytes]]],
    ) -> None:
        lanes: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        for pair in given:
            if pair[0] in homes:
                lanes[homes[pair[0]]].append(pair)
        for partition, lane in lanes.items():
            if not is_within(lane, found[partition]):
                self._say(f"{what} is not in inbox[{partition}] in its order")

    # -- out of it

    def _check_output(self, name: str) -> None:
        topic, compact, _ = self._product.outputs[name]
        want: dict[bytes, list[list[Document]]] = defaultdict(list)
        for again in self._folded.values():
            mine: dict[bytes, list[Document]] = defaultdict(list)
            for document in again.documents[name]:
                mine[document.key].append(document)
            for key, documents in mine.items():
                want[key].append(documents)
        found: dict[bytes, list[Document]] = defaultdict(list)
        for where in self._wheres(topic):
            for record in self.records[where]:
                key = record.key() or b""
                found[key].append(Document(key, record.value(), tuple(record.headers() or ())))
        self.verdict.documents[name] = sum(map(len, found.values()))
        if not compact:
            all_wanted = Counter(one for senders in want.values() for documents in senders for one in documents)
            self._compare(topic, all_wanted, Counter(one for documents in found.values() for one in documents))
        for key in want.keys() | found.keys():
            senders, documents = want.get(key, []), found.get(key, [])
            if compact:
                newest = [one[-1] for one in senders]
                in_order = bool(documents) and documents[-1] in newest and (
                    len(senders) > 1 or is_within(documents, senders[0])
                )  # fmt: skip
            else:
                in_order = all(is_within(one, documents) for one in senders)
            if not in_order:
                self._say(f"{topic}: {key!r} has {_few(documents)}, want in this order {_few(senders)}")

    def _check_letters(self) -> None:
        want = Counter([*self._refused, *(letter for again in self._folded.values() for letter in again.letters)])
        found: Counter[Letter] = Counter()
        for where in self._wheres(self._product.dlq):
            for record in self.records[where]:
                said = {name: (value or b"").decode() for name, value in record.headers() or ()}
                if not said.get("cause") or not said.get("path"):
                    self._say(f"a dead letter that does not say why: {said}")
                at = said["topic"], int(said["partition"]), int(said["offset"])
                found[Letter(record.key(), record.value(), *at, said["fold"])] += 1
        self.verdict.letters = sum(found.values())
        self._compare("dead letters", want, found)

    def _check_progress(self) -> None:
        newest: dict[str, tuple[int, ...]] = {}
        for record in self.records[self._product.progress, 0]:
            name = (record.key() or b"").decode()
            if name.startswith(("raw:", "inbox/")):
                newest[name] = tuple(msgspec.msgpack.decode(record.value())[1])
        for where, stand in self._stands.items():
            name = f"inbox/{where[1]}" if where[0] == self._product.inbox else f"raw:{where[0]}/{where[1]}"
            if stand is not None and newest.get(name, (0,) * len(stand.upto)) != stand.upto:
                self._say(f"{name}: published {newest.get(name)}, committed {stand.upto}")

    # -- state

    def _check_state(self, partition: int) -> None:
        again = self._folded[partition]
        stand = self._stands[self._product.inbox, partition] or Standing(0, 0, (0, 0, 0))
        if tuple(again.upto) != stand.upto:
            self._say(f"inbox[{partition}]: stream time {stand.upto} was committed, recomputed {again.upto}")
        in_log, seq = self._changelog(partition)
        if seq != stand.seq:
            self._say(f"changelog[{partition}]: ends with commit {seq}, the position says {stand.seq}")
        want = again.items()
        self.verdict.items += sum(map(len, want.values()))
        self.verdict.commits += seq
        self._compare_state(f"changelog[{partition}]", want, in_log)
        self._check_served(partition, stand.seq, want, again, served(self._redis, self._product.app, partition))

    def _check_served(
        self, partition: int, seq: int, want: dict[str, dict[str, bytes]], again: Refold, found: Served
    ) -> None:
        if found.strange:
            self._say(f"Redis: keys that mean nothing: {found.strange[:_SHOWN]}")
        if found.seq != (seq or None):
            if self._drained or (found.seq or 0) > seq:
                self._say(f"Redis[{partition}]: stands at {found.seq}, the log at {seq}")
            return
        self._compare_state(f"Redis[{partition}]", want, found.items)
        wakes: dict[int, dict[str, int]] = defaultdict(dict)
        for address, due in again.wakes.items():
            wakes[self._product.folds[address.partition(":")[0]][1]][address] = due
        if {level: of_level for level, of_level in found.wakes.items() if of_level} != wakes:
            self._say(f"Redis[{partition}]: its wakes are not those recomputed")

    def _changelog(self, partition: int) -> tuple[dict[str, dict[str, bytes]], int]:
        state: dict[str, dict[str, bytes]] = defaultdict(dict)
        seq = 0
        for record in self.records[self._product.changelog, partition]:
            key, value = record.key() or b"", record.value()
            if key == _MARKER:
                number = msgspec.msgpack.decode(value)[1]
                # Compaction leaves gaps, but no commit comes twice.
                if number <= seq:
                    self._say(f"changelog[{partition}]: commit {number} follows {seq}")
                seq = number
                continue
            address, _, item = key.decode().partition("\0")
            if value is None:
                state[address].pop(item, None)
            else:
                state[address][item] = value
        return {address: items for address, items in state.items() if items}, seq

    # -- pieces

    def _wheres(self, topic: str) -> list[Where]:
        return [(topic, partition) for partition in range(self._counts[topic])]

    def _compare_state(self, where: str, want: dict[str, dict[str, bytes]], found: dict[str, dict[str, bytes]]) -> None:
        differ = sorted(at for at in want.keys() | found.keys() if want.get(at) != found.get(at))
        for address in differ[:_SHOWN]:
            left, right = want.get(address, {}), found.get(address, {})
            items = sorted(item for item in left.keys() | right.keys() if left.get(item) != right.get(item))
            self._say(
                f"{where}: {address} ({len(differ)} differ): items {items[:_SHOWN]}, of {len(items)}, are not as recomputed"
            )

    def _compare(self, what: str, want: Counter[Any], found: Counter[Any]) -> None:
        if missing := want - found:
            self._say(f"{what}: {missing.total()} lost: {_few(missing)}")
        if extra := found - want:
            self._say(f"{what}: {extra.total()} doubled or wrong: {_few(extra)}")

    def _say(self, problem: str) -> None:
        self.verdict.wrong.append(problem)


def is_within(some: Sequence[Any], all_of_them: Iterable[Any]) -> bool:
    """Whether the first is a subsequence of the second."""
    rest = iter(all_of_them)
    return all(one in rest for one in some)


def _name(where: Where) -> str:
    return f"{where[0]}[{where[1]}]"


def _few(things: Iterable[Any]) -> str:
    shown = [str(thing)[:300] for thing, _ in zip(things, range(_SHOWN), strict=False)]
    return ", ".join(shown)
