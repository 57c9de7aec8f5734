"""The promises of a `Consumer`: positions, handover, fences. See `log_edge.py` for how an edge joins.

one partition, three workers        a ──revoked──► (commit counts) ──► b assigned
                                    b silent ─────► c assigned, b is told `lost`, b's commit is fenced
"""

import random
from collections.abc import Sequence

import pytest

from streams.runtime.ports import Position, Producer, TopicPartition
from tests.contracts.log_edge import LogEdge, Member, commit, fill, make_topic, name_of, read_all, until, values


def commit_next(member: Member, producer: Producer, partitions: Sequence[TopicPartition]) -> None:
    """Commit that everything this member has read of these is done."""
    positions = {}
    for at in partitions:
        offsets = [r.offset() for r in member.records if (r.topic(), r.partition()) == at]
        if offsets:
            positions[at] = Position(offsets[-1] + 1, "done")
    commit(producer, member.consumer.membership(), positions)


class GroupPromises:
    """Who reads what, from where."""

    def test_one_member_reads_everything_from_the_start(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log, 3)
        fill(log, topic, 3, 4)
        member = Member(log, name_of(edge, "g"), [topic])
        until(lambda: len(member.records) == 12, member)
        for partition in range(3):
            seen = [r.value() for r in member.records if r.partition() == partition]
            assert seen == [b"%d.%d" % (partition, number) for number in range(4)]
        assert member.turn() == []
        member.consumer.close()

    def test_a_new_member_goes_on_where_the_group_has_committed(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log), name_of(edge, "g")
        fill(log, topic, 1, 5)
        first, producer = Member(log, group, [topic]), log.producer(name_of(edge, "p"))
        until(lambda: len(first.records) == 5, first)
        next_offset = first.records[2].offset() + 1
        commit(producer, first.consumer.membership(), {TopicPartition(topic, 0): Position(next_offset, "")})
        first.consumer.close()
        second = Member(other, group, [topic])
        until(lambda: len(second.records) == 2, second)
        assert values(second.records) == [b"0.3", b"0.4"]
        second.consumer.close()
        producer.close()

    def test_groups_do_not_see_each_other(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        fill(log, topic, 1, 3)
        members = [Member(log, name_of(edge, "g"), [topic]) for _ in range(2)]
        until(lambda: all(len(member.records) == 3 for member in members), *members)
        for member in members:
            member.consumer.close()

    def test_a_member_reads_several_topics(self, edge: LogEdge) -> None:
        log = edge.open()
        topics = [make_topic(edge, log), make_topic(edge, log, 2)]
        for topic, partitions in zip(topics, (1, 2), strict=True):
            fill(log, topic, partitions, 2)
        member = Member(log, name_of(edge, "g"), topics)
        until(lambda: len(member.records) == 6, member)
        assert {(r.topic(), r.partition()) for r in member.records} == {(topics[0], 0), (topics[1], 0), (topics[1], 1)}
        member.consumer.close()

    def test_every_partition_is_handed_over_once_and_never_has_two_owners(self, edge: LogEdge) -> None:
        topic, group = make_topic(edge, edge.open(), 8), name_of(edge, "g")
        everything = {TopicPartition(topic, partition) for partition in range(8)}
        members: list[Member] = []

        def no_other_owner(partitions: Sequence[TopicPartition]) -> None:
            owners = [at for member in members for at in member.owned if at in partitions]
            assert sorted(owners) == sorted(partitions), "a partition was assigned while another member owned it"

        for count in (1, 2, 3):
            joined = Member(edge.open(), group, [topic])
            joined.watcher.on_assigned = no_other_owner
            members.append(joined)
            until(
                lambda count=count: (  # type: ignore[misc]
                    {at for member in members for at in member.owned} == everything
                    and min(len(member.owned) for member in members) >= 8 // count
                ),
                *members,
            )
        # Sticky: the third member's partitions are all that moved, none went between the first two.
        for member in members[:2]:
            assert [what for what, _ in member.watcher.told].count("assigned") == 1
        while members:
            members.pop(0).consumer.close()
            if members:
                until(lambda: {at for member in members for at in member.owned} == everything, *members)

    def test_what_is_committed_while_giving_up_counts(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log, 2), name_of(edge, "g")
        fill(log, topic, 2, 3)
        first, producer = Member(log, group, [topic]), log.producer(name_of(edge, "p"))
        until(lambda: len(first.records) == 6, first)
        first.watcher.on_revoked = lambda partitions: commit_next(first, producer, partitions)
        second = Member(other, group, [topic])
        until(lambda: len(second.owned) == 1 == len(first.owned), first, second)
        assert second.turn() == []
        (handed,) = second.owned
        committed = second.consumer.committed([handed])[handed]
        assert committed is not None
        assert committed.metadata == "done"
        for member in (first, second):
            member.consumer.close()
        producer.close()

    def test_closing_hands_over_at_once_and_its_last_commit_counts(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log), name_of(edge, "g")
        fill(log, topic, 1, 3)
        first, producer = Member(log, group, [topic]), log.producer(name_of(edge, "p"))
        until(lambda: len(first.records) == 3, first)
        second = Member(other, group, [topic])
        for _ in range(3):
            second.turn()
        assert not second.owned
        first.watcher.on_revoked = lambda partitions: commit_next(first, producer, partitions)
        first.consumer.close()
        assert first.watcher.told[-1] == ("revoked", (TopicPartition(topic, 0),))
        until(lambda: bool(second.owned), second)
        assert second.turn() == []
        log.append(topic, [(None, b"next", None, 0)], partition=0)
        until(lambda: bool(second.records), second)
        assert values(second.records) == [b"next"]
        second.consumer.close()
        producer.close()

    def test_a_topic_that_comes_later_is_read_too(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = name_of(edge, "later")
        member = Member(log, name_of(edge, "g"), [topic])
        assert member.turn() == []
        log.create_topic(topic, 2, compact=False, retention_ms=None)
        fill(log, topic, 2, 1)
        until(lambda: len(member.records) == 2, member)
        member.consumer.close()


class ReadingPromises:
    """Pausing, seeking, lag."""

    def test_a_paused_partition_gives_nothing_until_it_is_resumed(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log, 2)
        fill(log, topic, 2, 3)
        member = Member(log, name_of(edge, "g"), [topic])
        paused = TopicPartition(topic, 0)
        # Paused before the first record is fetched, as a worker does that has to restore.
        member.watcher.on_assigned = lambda _: member.consumer.pause([paused])
        until(lambda: len(member.records) == 3, member)
        assert member.turn() == []
        assert {record.partition() for record in member.records} == {1}
        member.consumer.resume([paused])
        until(lambda: len(member.records) == 6, member)
        member.consumer.close()

    def test_a_pause_outlives_a_rebalance(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log, 2), name_of(edge, "g")
        first = Member(log, group, [topic])
        first.watcher.on_assigned = first.consumer.pause
        until(lambda: len(first.owned) == 2, first)
        second = Member(other, group, [topic])
        until(lambda: len(second.owned) == 1 == len(first.owned), first, second)
        fill(log, topic, 2, 2)
        until(lambda: len(second.records) == 2, first, second)
        assert first.records == []
        first.consumer.resume(list(first.owned))
        until(lambda: len(first.records) == 2, first, second)
        for member in (first, second):
            member.consumer.close()

    def test_a_pause_ends_with_what_was_paused(self, edge: LogEdge) -> None:
        """A partition that was given up while it was paused, and comes back, is as any other that comes."""
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log, 2), name_of(edge, "g")
        first = Member(log, group, [topic])
        until(lambda: len(first.owned) == 2, first)
        first.watcher.on_revoked = first.consumer.pause
        second = Member(other, group, [topic])
        until(lambda: len(second.owned) == 1 == len(first.owned), first, second)
        second.consumer.close()
        until(lambda: len(first.owned) == 2, first)
        fill(log, topic, 2, 2)
        until(lambda: len(first.records) == 4, first)
        first.consumer.close()

    @pytest.mark.parametrize("paused", [True, False])
    def test_who_seeks_when_it_is_assigned_begins_there(self, edge: LogEdge, paused: bool) -> None:
        """A log may still be setting the partition up at that moment."""
        log = edge.open()
        topic, group = make_topic(edge, log), name_of(edge, "g")
        fill(log, topic, 1, 4)
        offsets = [record.offset() for record in read_all(log, topic, expect=4)]
        for turn in range(4):
            member = Member(log, f"{group}.{turn}", [topic])

            def begin(partitions: Sequence[TopicPartition], member: Member = member, turn: int = turn) -> None:
                if paused:
                    member.consumer.pause(partitions)
                member.consumer.seek(partitions[0], offsets[turn])
                member.consumer.resume(partitions)

            member.watcher.on_assigned = begin
            until(lambda member=member, turn=turn: len(member.records) == 4 - turn, member)  # type: ignore[misc]
            assert [record.offset() for record in member.records] == offsets[turn:]
            assert member.turn() == []
            member.consumer.close()

    def test_seeking_reads_again_or_passes_over(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        at = TopicPartition(topic, 0)
        fill(log, topic, 1, 4)
        member = Member(log, name_of(edge, "g"), [topic])
        until(lambda: len(member.records) == 4, member)
        offsets = [record.offset() for record in member.records]
        member.records.clear()
        member.consumer.seek(at, offsets[2])
        until(lambda: len(member.records) == 2, member)
        assert [record.offset() for record in member.records] == offsets[2:]
        member.records.clear()
        member.consumer.seek(at, offsets[0])
        member.consumer.seek(at, offsets[3])
        until(lambda: len(member.records) == 1, member)
        assert [record.offset() for record in member.records] == offsets[3:]
        member.consumer.close()

    def test_lag_counts_what_is_left_to_read(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        at = TopicPartition(topic, 0)
        member = Member(log, name_of(edge, "g"), [topic])
        until(lambda: bool(member.owned), member)
        # A log may have to look first: until then something might be left.
        until(lambda: member.consumer.lag(at) == 0, member)
        fill(log, topic, 1, 6)
        until(lambda: member.consumer.lag(at) > 0 or bool(member.records), member)
        until(lambda: len(member.records) == 6, member)
        assert member.consumer.lag(at) <= 1, "no more than a gap is left"
        member.consumer.seek(at, member.records[1].offset())
        assert member.consumer.lag(at) >= 5
        member.consumer.close()

    def test_no_partition_waits_behind_the_backlog_of_another(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log, 3)
        # Large enough, and of bytes that nobody can make smaller, that no log fetches all of it ahead.
        log.append(topic, [(None, random.randbytes(1_000), None, 0) for _ in range(3_000)], partition=0)
        log.append(topic, [(None, b"live", None, 0)], partition=2)
        member = Member(log, name_of(edge, "g"), [topic])
        until(lambda: b"live" in values(member.records), member)
        assert len(member.records) < 3_000
        until(lambda: len(member.records) == 3_001, member)
        member.consumer.close()
