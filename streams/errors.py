"""Errors, named by what the worker does next.

StreamError
├── Retryable    try the same call again after a pause: nothing has changed
├── Fenced       another worker owns the work: drop everything uncommitted, rejoin, go on
├── Doubtful     the outcome of a commit is unknown: new producer, ask the log what it has
├── StateLost    the store does not stand where the log stands: pause the partition, restore it
├── Poison       this record can never succeed: dead-letter it with its cause, go on
└── Fatal        stop the process: a person must look
"""


class StreamError(Exception):
    """Everything the engine raises on purpose."""


class Retryable(StreamError):
    """Try the same call again after a pause: nothing has changed."""


class Fenced(StreamError):
    """Another worker owns the work now. Everything uncommitted is dropped; nothing of it was visible."""


class Doubtful(StreamError):
    """A commit was sent and its outcome is unknown. Only the log's committed offsets can tell."""


class StateLost(StreamError):
    """The store's sequence number of a partition is not the one it was asked for."""

    def __init__(self, partition: int, *, want: int, found: int | None) -> None:
        """`want` is the seq the log has committed, `found` the store's (None: the store is empty)."""
        super().__init__(f"state of partition {partition}: want seq {want}, found {found}; restoring it")
        self.partition, self.want, self.found = partition, want, found


class Poison(StreamError):
    """A record that can never succeed. `path` is where in it the first thing wrong stands."""

    def __init__(self, cause: str, path: str = "$") -> None:
        """`cause` in words for the reader of the dead-letter topic."""
        super().__init__(f"{path}: {cause}")
        self.cause, self.path = cause, path


class Fatal(StreamError):
    """Stop: a person must look. The message says what was wanted, what was found and the way out."""
