"""What a worker says of itself to people who look at it."""

import msgspec


class Status(msgspec.Struct, frozen=True):
    """What a worker is doing. `held_by`: the raw task that stream time waits for, and how far it is."""

    tasks: tuple[int, ...]
    restoring: tuple[int, ...]
    raw: tuple[str, ...]
    inbox_lag: int
    residents: int
    upto: tuple[int, int, int]
    held_by: tuple[str, int]
