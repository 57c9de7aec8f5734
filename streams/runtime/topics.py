"""Whether the topics of an application are there: said at the start, and not by the first record for one of them."""

from streams.errors import Fatal
from streams.runtime.ports import Log
from streams.runtime.topology import Topology


def check_topics(topology: Topology, log: Log) -> None:
    """Raise `Fatal` when a topic is missing, or has another number of partitions than the application."""
    for topic in (topology.dlq, topology.progress, *(output.topic for output in topology.outputs.values())):
        log.partitions(topic)
    want = topology.partitions
    for topic in (topology.inbox, topology.changelog):
        found = log.partitions(topic)
        if found != want:
            raise Fatal(
                f"topic {topic}: want {want} partitions as configured, found {found}; set partitions to {found}, "
                "or use another application id"
            )
