"""What a product gives to the engine: folds by address type, normalisers by topic, outputs, codecs.

A new kind of stage is one function and one `Stage` line.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from streams.core.facts import Fact
from streams.core.fold import Fold
from streams.runtime.ports import Headers, Record


class Stage(msgspec.Struct, frozen=True):
    """One address type. `level`: 1 raw records are sent to it, 2 customers, 3 groups."""

    fold: Fold
    level: Literal[1, 2, 3]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One event that a raw record became. `index` is the record's place in the batch."""

    index: int
    received_at: int
    address: str
    event: Any


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A raw record, or a part of it, that cannot be read. `path` is where the first thing wrong stands."""

    index: int
    path: str
    cause: str


class Normalised(msgspec.Struct):
    """What a batch of raw records became. `last_received_at` is that of the last record, by partition."""

    arrivals: list[Arrival] = msgspec.field(default_factory=list)
    refusals: list[Refusal] = msgspec.field(default_factory=list)
    irrelevant: int = 0
    unknown: dict[str, int] = msgspec.field(default_factory=dict)
    notes: list[Fact] = msgspec.field(default_factory=list)
    last_received_at: dict[int, int] = msgspec.field(default_factory=dict)


class Normaliser(Protocol):
    """Stateless: a batch of raw records of one topic in, addressed events out. Never raises for a bad payload."""

    def __call__(self, records: Sequence[Record], /) -> Normalised:
        """Records of several partitions of one topic, each partition in offset order."""
        ...


class Input(msgspec.Struct, frozen=True):
    """A raw topic. `silence`: what it means when there is nothing to read."""

    topic: str
    normalise: Normaliser
    silence: Literal["nothing happened", "unknown"] = "unknown"


class Output(msgspec.Struct, frozen=True):
    """An output topic. Of a compacted one only the last value per key of a commit is written.

    `headers(key, value)` gives the CloudEvents headers.
    """

    topic: str
    compact: bool
    headers: Callable[[str, Any], Headers]


class Topology(msgspec.Struct, frozen=True):
    """Everything the engine needs to know of a product."""

    app: str
    partitions: int
    inbox: str
    changelog: str
    progress: str
    dlq: str
    inputs: Sequence[Input]
    stages: Mapping[str, Stage]
    outputs: Mapping[str, Output]
    model: Any
    model_hash: str
    encode_event: Callable[[int, Any], bytes]
    decode_event: Callable[[bytes], tuple[int, Any]]
    encode_item: Callable[[Any], bytes]
    decode_item: Callable[[bytes], Any]
    encode_output: Callable[[Any], bytes]
    generation: int = 1
    code_version: str = "0"

    def level(self, address: str) -> int:
        """The level of an address by its type; raises `KeyError` for a type without a stage."""
        return self.stages[address.partition(":")[0]].level
