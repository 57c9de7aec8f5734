"""What must not have happened to a changelog: then the state that can be had is not all of it, and nobody would notice.

begins above 0                             cut: compaction never moves the beginning, retention and deletion do
ends before what a store has seen of it    made anew, or set back
"""

from streams.errors import Fatal
from streams.runtime.ports import Log


def refuse_cut(log: Log, topic: str, partition: int) -> None:
    """Raise `Fatal` when the changelog does not begin at its beginning. Raises `Retryable`."""
    start = log.start_offset(topic, partition)
    if start:
        raise Fatal(
            f"{topic}[{partition}]: want a changelog from offset 0 on, found it begins at {start}: records were deleted, "
            "so the state cannot be filled from it; set its cleanup.policy to compact alone, restore the topic from a "
            "copy, or use another application id to start anew"
        )


def refuse_short(log: Log, topic: str, partition: int, *, seq: int, seen: int) -> None:
    """Raise `Fatal` when the changelog is shorter than the store, intact at `seq`, knows it to be. Raises `Retryable`.

    `seen`: an offset that it had once.
    """
    end = log.end_offset(topic, partition)
    # Every commit has at least one item, and its marker.
    want = max(seen, 2 * seq)
    if end < want:
        raise Fatal(
            f"{topic}[{partition}]: want a changelog of at least {want} offsets, as the store has seen {seq} commits, found "
            f"it ends at {end}: the topic was made anew or set back, and holds less than the state; restore it from a copy "
            "and empty the store, which is filled from it, or use another application id to start anew"
        )
