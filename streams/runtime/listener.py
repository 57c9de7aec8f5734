"""What a worker does when partitions come and go. Called inside `poll`, on the worker's only thread."""

from collections.abc import Callable, Sequence

from streams.core.facts import Fact
from streams.runtime import facts
from streams.runtime.inbox import InboxSide
from streams.runtime.ports import TopicPartition
from streams.runtime.raw import RawSide


class Listener:
    """Tells a worker about partitions; see `streams.runtime.ports.Rebalance`."""

    def __init__(
        self,
        owned: InboxSide | RawSide,
        settle: Callable[[], None],
        abandon: Callable[[str], None],
        tell: Callable[[Fact], None],
    ) -> None:
        """`settle`: commit what is in hand. `abandon`: drop it."""
        self._owned, self._settle, self._abandon, self._tell = owned, settle, abandon, tell

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """They begin paused."""
        self._note("assigned", partitions)
        self._owned.add(partitions)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Commit, then let go."""
        self._note("revoked", partitions)
        self._settle()
        self._owned.give_up(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Let go; the transaction holds work of theirs, so all of it goes."""
        self._note("lost", partitions)
        self._abandon(f"lost {len(partitions)} partitions")
        self._owned.drop(partitions)

    def _note(self, change: str, partitions: Sequence[TopicPartition]) -> None:
        names = tuple(f"{topic}[{partition}]" for topic, partition in partitions)
        self._tell(facts.PartitionsChanged(change=change, partitions=names))
