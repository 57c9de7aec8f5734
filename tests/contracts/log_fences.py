"""The promises of a `Consumer` and a `Producer` together: who may commit. See `log_edge.py` for how an edge joins.

a silent ──► b assigned ──► a wakes up: its commit is fenced, it is told `lost`, it joins as a new member
"""

import pytest

from streams.errors import Fenced
from streams.runtime.ports import Membership, Position, TopicPartition
from tests.contracts.log_edge import LogEdge, Member, commit, fill, make_topic, name_of, read_all, until, values


class FencePromises:
    """Who may commit."""

    def test_a_member_commits_again_and_again(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        fill(log, topic, 1, 6)
        at = TopicPartition(topic, 0)
        member = Member(log, name_of(edge, "g"), [topic])
        until(lambda: bool(member.owned), member)
        producer = log.producer(name_of(edge, "p"))
        for offset in (1, 2, 5, 3):
            # Back as well: a worker may have to read again what it had committed.
            commit(producer, member.consumer.membership(), {at: Position(offset, str(offset))})
            member.turn()
        assert member.consumer.committed([at]) == {at: Position(3, "3")}
        # A producer that takes over from a dead one goes on in the same membership.
        successor = log.producer(name_of(edge, "p"))
        commit(successor, member.consumer.membership(), {at: Position(4, "4")})
        assert member.consumer.committed([at]) == {at: Position(4, "4")}
        for done in (producer, successor, member.consumer):
            done.close()

    def test_a_membership_from_before_a_rebalance_is_fenced(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log, 2), name_of(edge, "g")
        first = Member(log, group, [topic])
        until(lambda: len(first.owned) == 2, first)
        stale = first.consumer.membership()
        second = Member(other, group, [topic])
        until(lambda: len(second.owned) == 1 == len(first.owned), first, second)
        (mine,) = first.owned
        producer = log.producer(name_of(edge, "p"))
        with pytest.raises(Fenced):
            commit(producer, stale, {mine: Position(1, "stale")}, [(topic, b"never")])
        producer.abort()
        commit(producer, first.consumer.membership(), {mine: Position(1, "live")})
        assert first.consumer.committed([mine]) == {mine: Position(1, "live")}
        assert read_all(log, topic, expect=0) == []
        for member in (first, second):
            member.consumer.close()
        producer.close()

    def test_a_member_that_left_is_fenced(self, edge: LogEdge) -> None:
        log = edge.open()
        topic = make_topic(edge, log)
        at = TopicPartition(topic, 0)
        member = Member(log, name_of(edge, "g"), [topic])
        until(lambda: bool(member.owned), member)
        left = member.consumer.membership()
        member.consumer.close()
        producer = log.producer(name_of(edge, "p"))
        with pytest.raises(Fenced):
            commit(producer, left, {at: Position(1, "")})
        producer.close()

    @pytest.mark.parametrize("newcomer", [True, False])
    def test_a_silent_member_loses_its_partitions_and_learns_of_it(self, edge: LogEdge, newcomer: bool) -> None:
        """Whether the one who takes over has just come or was there all the time."""
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log, 2), name_of(edge, "g")
        out = make_topic(edge, log)
        everything = {TopicPartition(topic, partition) for partition in range(2)}
        silent, producer = Member(log, group, [topic]), log.producer(name_of(edge, "p"))
        until(lambda: silent.owned == everything, silent)
        before = silent.consumer.membership()
        second = Member(other, group, [topic])
        if not newcomer:
            until(lambda: len(silent.owned) == 1 == len(second.owned), silent, second)
        mine_before = set(silent.owned)
        for _ in range(4):
            edge.pass_time(edge.session_timeout_ms // 3)
            if not newcomer:
                second.turn()
        until(lambda: second.owned == everything, second)
        # The zombie wakes up: neither its old nor its present membership commits anything.
        for membership in (before, silent.consumer.membership()):
            with pytest.raises(Fenced):
                commit(producer, membership, dict.fromkeys(mine_before, Position(1, "zombie")), [(out, b"zombie")])
            producer.abort()
        told_before = len(silent.watcher.told)
        until(lambda: "lost" in [what for what, _ in silent.watcher.told], silent)
        # One that it was asked to give up while it slept may be told as revoked first.
        gone = [(what, at) for what, partitions in silent.watcher.told[told_before:] for at in partitions]
        assert {at for what, at in gone if what != "assigned"} == mine_before
        # It joins again as a new member, and gets its share.
        until(lambda: len(silent.owned) == 1 == len(second.owned), silent, second)
        after = silent.consumer.membership()
        assert (after.generation, after.member) != (before.generation, before.member)
        assert silent.owned | second.owned == everything
        (mine,) = silent.owned
        commit(producer, silent.consumer.membership(), {mine: Position(1, "alive")}, [(out, b"alive")])
        assert values(read_all(log, out, expect=1)) == [b"alive"]
        for member in (silent, second):
            member.consumer.close()
        producer.close()

    def test_a_member_that_polls_is_not_silent(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log, 2), name_of(edge, "g")
        members = [Member(log, group, [topic]), Member(other, group, [topic])]
        until(lambda: all(len(member.owned) == 1 for member in members), *members)
        told = [list(member.watcher.told) for member in members]
        for _ in range(5):
            edge.pass_time(edge.session_timeout_ms // 3)
            for member in members:
                member.turn()
        assert [member.watcher.told for member in members] == told
        # A newcomer, who looks at everybody's silence, takes nobody out either.
        members.append(Member(edge.open(), group, [topic]))
        for _ in range(10):
            for member in members:
                member.turn()
        assert not [what for member in members for what, _ in member.watcher.told if what == "lost"]
        for member in members:
            member.consumer.close()

    def test_before_the_first_poll_it_is_no_member(self, edge: LogEdge) -> None:
        log = edge.open()
        consumer = log.consumer(name_of(edge, "g"))
        membership = consumer.membership()
        assert membership.generation < 0 or not membership.member
        consumer.close()

    def test_who_is_no_member_at_all_is_not_checked(self, edge: LogEdge) -> None:
        """As a broker has it. This is why the worker refuses to send such a membership."""
        log = edge.open()
        topic, group = make_topic(edge, log), name_of(edge, "g")
        at = TopicPartition(topic, 0)
        member = Member(log, group, [topic])
        until(lambda: bool(member.owned), member)
        producer = log.producer(name_of(edge, "p"))
        commit(producer, Membership(group, -1, ""), {at: Position(3, "unchecked")})
        assert member.consumer.committed([at]) == {at: Position(3, "unchecked")}
        member.consumer.close()
        producer.close()


class OwnershipPromises:
    """What a log promises that also looks at who owns a partition. Kafka does not: there the generation must do."""

    def test_a_partition_that_was_handed_on_cannot_be_committed(self, edge: LogEdge) -> None:
        log, other = edge.open(), edge.open()
        topic, group = make_topic(edge, log, 2), name_of(edge, "g")
        first = Member(log, group, [topic])
        until(lambda: len(first.owned) == 2, first)
        second = Member(other, group, [topic])
        until(lambda: len(second.owned) == 1 == len(first.owned), first, second)
        (handed,) = second.owned
        producer = log.producer(name_of(edge, "p"))
        with pytest.raises(Fenced, match="does not own"):
            commit(producer, first.consumer.membership(), {handed: Position(1, "")})
        for member in (first, second):
            member.consumer.close()
        producer.close()

    def test_a_position_that_somebody_else_moved_is_not_overwritten_unseen(self, edge: LogEdge) -> None:
        log = edge.open()
        topic, group = make_topic(edge, log), name_of(edge, "g")
        at = TopicPartition(topic, 0)
        member = Member(log, group, [topic])
        until(lambda: bool(member.owned), member)
        producer = log.producer(name_of(edge, "p"))
        commit(producer, member.consumer.membership(), {at: Position(2, "mine")})
        commit(producer, Membership(group, -1, ""), {at: Position(9, "an operator's")})
        with pytest.raises(Fenced, match="somebody else moved it"):
            commit(producer, member.consumer.membership(), {at: Position(3, "mine")})
        producer.abort()
        assert member.consumer.committed([at]) == {at: Position(9, "an operator's")}
        commit(producer, member.consumer.membership(), {at: Position(10, "mine")})
        assert member.consumer.committed([at]) == {at: Position(10, "mine")}
        member.consumer.close()
        producer.close()
