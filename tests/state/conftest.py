"""Servers for all tests of this folder, each started once, by the first test that needs it."""

from collections.abc import Iterator

import pytest

from streams.state.embedded import EmbeddedRedis
from tests.support.redis_nodes import Cluster, cluster
from tests.support.redis_server import redis_server


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    """A real redis-server."""
    with redis_server() as running:
        yield running


@pytest.fixture(scope="session")
def three() -> Iterator[Cluster]:
    """A cluster of three masters, each with a replica."""
    with cluster(replicas=True) as running:
        yield running
