"""Whatever members do, in whatever order: everything is copied exactly once.

A world is a list of moves on virtual time. Members join, read, hold work in their hands for as long as they like,
commit it, leave, or are killed; silence makes zombies of them. In the end one more member finishes what is left.
"""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import Fenced
from streams.runtime.ports import Position, Record, TopicPartition
from streams.transport.sqlite_log import SqliteLog
from tests.contracts.log_edge import values
from tests.support.clock import ManualClock

PARTITIONS = 3
SESSION_TIMEOUT_MS = 1_000

moves = st.one_of(
    st.tuples(
        st.sampled_from(["work", "work", "work", "take", "take", "give", "give", "close", "kill"]), st.integers(0, 3)
    ),
    st.tuples(st.sampled_from(["work", "take"]), st.integers(0, 3)),
    st.tuples(st.just("join"), st.just(0)),
    st.tuples(st.just("feed"), st.integers(1, 6)),
    st.tuples(st.just("sleep"), st.sampled_from([10, 300, 600, 1_100])),
)


class Copier:
    """A member that copies what it reads; `take` and `give` are the two halves of its work."""

    def __init__(self, log: SqliteLog, number: int) -> None:
        self._producer, self._consumer = log.producer(f"copier-{number}"), log.consumer("g")
        self._consumer.subscribe(["in"], self)
        self._owned: set[TopicPartition] = set()
        self._held: list[Record] = []

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        assert not self._owned & set(partitions)
        self._owned |= set(partitions)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.give()
        self._owned -= set(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        self._held.clear()
        self._owned -= set(partitions)

    def take(self) -> None:
        # In this order: the poll may call `revoked`, which gives what is held.
        got = self._consumer.poll(2, 0)
        self._held += got

    def give(self) -> None:
        """Commit what is held; after a fence go back to what is committed."""
        held, self._held = self._held, []
        if not held:
            return
        self._producer.begin()
        for record in held:
            self._producer.send("out", record.value(), partition=record.partition())
        positions = {TopicPartition("in", record.partition()): Position(record.offset() + 1, "") for record in held}
        try:
            self._producer.send_offsets(positions, self._consumer.membership())
            self._producer.commit()
        except Fenced:
            self._producer.abort()
            for partition, position in self._consumer.committed(sorted(self._owned)).items():
                self._consumer.seek(partition, position.offset if position else 0)

    def close(self) -> None:
        self._consumer.close()
        self._producer.close()


class World:
    """One log and its members."""

    def __init__(self, offset_gap: int, *, strict: bool) -> None:
        self.clock = ManualClock()
        self.log = SqliteLog(
            ":memory:", clock=self.clock, session_timeout_ms=SESSION_TIMEOUT_MS, offset_gap=offset_gap, strict=strict
        )
        for topic in ("in", "out"):
            self.log.create_topic(topic, PARTITIONS, compact=False, retention_ms=None)
        self.copiers: list[Copier] = []
        self.fed = self.joined = 0

    def play(self, move: tuple[str, int]) -> None:
        match move:
            case ("join", _) if len(self.copiers) < 4:
                self.joined += 1
                self.copiers.append(Copier(self.log, self.joined))
            case ("feed", count):
                rows = [(None, b"%d" % number, None, 0) for number in range(self.fed, self.fed + count)]
                self.log.append("in", rows)
                self.fed += count
            case ("sleep", duration_ms):
                self.clock.sleep_ms(duration_ms)
            case (what, index) if self.copiers:
                self.play_on(self.copiers[index % len(self.copiers)], what)

    def play_on(self, copier: Copier, what: str) -> None:
        if what in {"work", "take"}:
            copier.take()
        if what in {"work", "give"}:
            copier.give()
        if what == "close":
            copier.close()
        if what in {"close", "kill"}:
            # Killed: nobody ever hears of it again, its timeout has to do.
            self.copiers.remove(copier)

    def finish(self) -> None:
        for _ in range(2):
            self.clock.sleep_ms(SESSION_TIMEOUT_MS + 1)
            self.play(("join", 0))
            for _ in range(40):
                for copier in self.copiers:
                    self.play_on(copier, "work")

    def content(self, topic: str) -> list[list[bytes | None]]:
        return [values(self.log.reader(topic, partition).poll(10_000, 0)) for partition in range(PARTITIONS)]


@settings(max_examples=100, deadline=None)
@given(script=st.lists(moves, min_size=20, max_size=60), gap=st.integers(0, 2), strict=st.booleans())
def test_everything_is_copied_exactly_once(script: list[tuple[str, int]], gap: int, strict: bool) -> None:
    world = World(gap, strict=strict)
    for move in [("join", 0), ("feed", 4), *script]:
        world.play(move)
    world.finish()
    assert sum(map(len, world.content("in"))) == world.fed
    assert world.content("out") == world.content("in")
    world.log.close()
