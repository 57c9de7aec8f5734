"""One real redis-server for a whole test run, in a folder of the run's own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from streams.state.embedded import EmbeddedRedis


@contextmanager
def redis_server(*, persist: bool = False) -> Iterator[EmbeddedRedis]:
    """A server for tests; gone with the block, data and all."""
    with (
        tempfile.TemporaryDirectory(prefix="rapport-test-") as folder,
        EmbeddedRedis(folder, persist=persist) as server,
    ):
        yield server
