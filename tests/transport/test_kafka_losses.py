"""What was lost on a broker stops the worker with words that say what and what to do; nothing is passed over silently."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from streams.errors import Fatal
from streams.runtime import facts
from tests.support.kafka_world import KafkaWorld
from tests.support.toy_topology import add, create_topics


@pytest.fixture
def world(kafka: str) -> Iterator[KafkaWorld]:
    """A worker has worked and left."""
    made = KafkaWorld(kafka)
    made.worker()
    made.feed(*(add(f"x{number}", number) for number in range(12)))
    made.until(lambda: folded(made) == 12)
    made.leave()
    yield made
    made.close()


def folded(world: KafkaWorld) -> int:
    """Events of counters that are done with; each leads to one of a total."""
    amounts: list[int] = [fact.amount for fact in world.told(facts.EventsFolded)]
    return sum(amounts) // 2


def delete(world: KafkaWorld, topic: str) -> None:
    world.admin.delete_topics([topic])[topic].result(20)
    while topic in world.admin.list_topics(timeout=10).topics:
        time.sleep(0.1)


def remake(world: KafkaWorld) -> None:
    """What is missing; a broker takes a moment to let go of a name."""
    for _ in range(100):
        try:
            create_topics(world.log, world.topology)
        except Exception:  # noqa: BLE001  not gone yet
            pass
        else:
            return
        time.sleep(0.1)


def test_positions_that_expired(world: KafkaWorld) -> None:
    group = f"{world.topology.app}.fold"
    for done in world.admin.delete_consumer_groups([group]).values():
        done.result(20)
    world.worker()
    assert "want no state where the group has no position, found some" in str(fatal(world))


def test_a_changelog_that_was_made_anew_under_a_store_that_is_intact(world: KafkaWorld) -> None:
    delete(world, world.topology.changelog)
    remake(world)
    world.worker()
    assert "the topic was made anew or set back" in str(fatal(world))


def test_a_changelog_that_was_made_anew_and_no_store(world: KafkaWorld) -> None:
    delete(world, world.topology.changelog)
    remake(world)
    world.store.lose()
    world.worker(restore_stuck_ms=2_000)
    assert "want the marker of the last commit" in str(fatal(world))


def test_a_changelog_that_was_cut_and_no_store(world: KafkaWorld) -> None:
    changelog = world.topology.changelog
    # As it goes: somebody sets another policy, and retention does its work.
    policy(world, changelog, "delete")
    for partition in range(world.topology.partitions):
        world.cut(changelog, partition, 1)
    policy(world, changelog, "compact")
    world.store.lose()
    world.worker()
    assert "found it begins at 1: records were deleted" in str(fatal(world))


def test_a_changelog_that_was_cut_is_no_harm_while_the_store_is_there(world: KafkaWorld) -> None:
    policy(world, world.topology.changelog, "delete")
    for partition in range(world.topology.partitions):
        world.cut(world.topology.changelog, partition, 1)
    policy(world, world.topology.changelog, "compact")
    world.worker()
    before = folded(world)
    world.feed(add("later", 1))
    world.until(lambda: folded(world) > before)


def test_inbox_records_that_were_deleted_before_they_were_read(world: KafkaWorld) -> None:
    inbox = world.topology.inbox
    for partition in range(world.topology.partitions):
        world.log.append(inbox, [(b"counter:1", b"never read", None, 0)] * 5, partition)
        world.cut(inbox, partition, world.log.end_offset(inbox, partition) - 1)
    world.worker()
    assert "records were deleted before they were read; raise the topic's retention" in str(fatal(world))


def test_raw_records_that_were_deleted_before_they_were_read(world: KafkaWorld) -> None:
    raw = world.topology.inputs[0].topic
    world.log.append(raw, [(None, b"never read", None, 0)] * 5, 0)
    world.cut(raw, 0, world.log.end_offset(raw, 0) - 1)
    world.worker()
    assert "records were deleted before they were read; raise the topic's retention" in str(fatal(world))


def test_positions_that_were_set_back(world: KafkaWorld) -> None:
    group = f"{world.topology.app}.fold"
    at = [At(world.topology.inbox, partition, 0) for partition in range(world.topology.partitions)]
    for done in world.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, at)]).values():
        done.result(20)
    world.worker()
    assert "want position metadata like 'v1;<seq>;<times>', found ''" in str(fatal(world))


def fatal(world: KafkaWorld) -> Any:
    problem = world.raised()
    assert isinstance(problem, Fatal), problem
    return problem


def policy(world: KafkaWorld, topic: str, name: str) -> None:
    entry = ConfigEntry("cleanup.policy", name, incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for done in world.admin.incremental_alter_configs([changed]).values():
        done.result(20)
