"""The broker that tests of this folder share."""

import os
from collections.abc import Iterator

import pytest

from streams.transport import dev_kafka_jars
from tests.support.kafka_broker import shared_kafka
from tests.support.kafka_names import Names

# Without a broker one test says so (`test_kafka_available.py`), instead of a hundred.
collect_ignore = (
    [f"test_kafka_{part}.py" for part in ("log", "edge", "topics", "broker", "worker", "handover", "losses")]
    if dev_kafka_jars.missing()
    else []
)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real broker."""
    base = tmp_path_factory.getbasetemp()
    # Processes of one run have folders of their own under a common one.
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with shared_kafka(common / "kafka") as address:
        yield address


@pytest.fixture
def names(kafka: str) -> Iterator[Names]:
    made = Names(kafka)
    yield made
    for log in made.logs:
        log.close()
