"""A store in memory that counts what is read from it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from streams.state.dict_store import DictStore


class CountingStore(DictStore):
    """`loads`: addresses asked for, by partition."""

    def __init__(self, cluster_id: str) -> None:
        super().__init__(cluster_id)
        self.loads: Counter[int] = Counter()

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        for partition, addresses in wanted.items():
            self.loads[partition] += len(addresses)
        return super().load(wanted, seqs)
