"""Where things stand in Redis. Everything of a partition has one hash tag, so it is in one slot of a cluster.

{app:p}:meta             seq (or the standing of a rebuild), off (where to read the changelog on), cid (which log)
{app:p}:a:<address>      hash of the items of an address; gone when empty
{app:p}:wakes:<level>    sorted set of addresses by due
"""

REBUILD = b"R:"
"""Begins the standing of a rebuild."""


class Keys:
    """The keys of one partition of an application."""

    def __init__(self, app: str, partition: int) -> None:
        """`app`: without braces and colons."""
        # The braces come first: two applications on a cluster spread over its slots.
        self.prefix = f"{{{app}:{partition}}}:"
        self.meta = self.prefix + "meta"
        self.address = self.prefix + "a:"
        """Followed by the address."""

    def wakes(self, level: int) -> str:
        """The wakes of a level."""
        return f"{self.prefix}wakes:{level}"


def number(seq: bytes | None) -> int | None:
    """A seq as stored; none while a rebuild holds the partition."""
    return None if not seq or seq.startswith(REBUILD) else int(seq)


def literal(text: str) -> str:
    """`text` in a SCAN pattern, standing for itself."""
    return "".join(f"\\{char}" if char in "\\*?[]^" else char for char in text)
