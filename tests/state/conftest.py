"""One Redis for all tests of this folder."""

from collections.abc import Iterator

import pytest

from streams.state.embedded import EmbeddedRedis
from tests.support.redis_server import redis_server


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    """A real redis-server, started once."""
    with redis_server() as running:
        yield running
