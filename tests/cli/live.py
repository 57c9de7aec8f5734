"""A small system that has worked through some generated traffic, with a worker that still runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.inputs import topic_of
from config.settings import Settings
from streams.runtime.ports import Log, TopicPartition
from tests.cli.rapport import begun
from topologies.assemble import SystemClock, create_topics, open_log
from topologies.cli.configured import settings_of
from topologies.traffic.feed import Cursor, LogFeed, topics_for
from topologies.traffic.settings import demo_toml
from topologies.traffic.stage import Options
from topologies.traffic.truth import Truth
from topologies.traffic.world import World

CONFIG = "rapport.toml"
ENGINE = "[engine]\npartitions = 2\n"
PAYLOADS = 400


class Live:
    """`folder` holds the configuration; `truth` is what was delivered; `world` who there is."""

    def __init__(self, folder: Path, world: World, truth: Truth, settings: Settings) -> None:
        self.folder, self.world, self.truth, self.settings = folder, world, truth, settings
        self.config = folder / CONFIG

    def owned(self) -> dict[str, str]:
        """Customer by act."""
        return {act: who for act, who in self.truth.owners().items() if who is not None}

    def settle(self) -> None:
        """Wait until the worker has done everything that is in the log."""
        with open_log(self.settings, create=False) as log:
            _wait_until_drained(log, self.settings)


@contextmanager
def live_system(folder: Path) -> Iterator[Live]:
    """Traffic first, then the worker; it is asked to leave at the end."""
    (folder / CONFIG).write_text(demo_toml(str(folder / "data")) + ENGINE, encoding="utf-8")
    settings = settings_of([folder / CONFIG], {})
    options = Options(start_ms=SystemClock().now_ms() - 60_000, rate=20, relevant=1.0, customers=30)
    world, truth = World(options), Truth()
    with open_log(settings) as log:
        create_topics(log, settings)
        feed = LogFeed(log, topics_for(settings), SystemClock())
        deliveries = [*world.opening(), *Cursor(world.beats()).take(1 << 60, PAYLOADS)]
        feed.write(deliveries)
        for one in deliveries:
            truth.learn(one.facts)
    worker = begun("run", "--config", CONFIG, cwd=folder)
    live = Live(folder, world, truth, settings)
    try:
        live.settle()
        yield live
    finally:
        worker.terminate()
        worker.communicate(timeout=30)


def _wait_until_drained(log: Log, settings: Settings) -> None:
    app = settings.engine.app
    wanted = {f"{app}.ingest": [topic_of(one) for one in settings.inputs], f"{app}.fold": [f"{app}.inbox"]}
    calm = 0
    for _ in range(1_200):
        calm = calm + 1 if all(_is_drained(log, group, names) for group, names in wanted.items()) else 0
        if calm > 3:
            return
        time.sleep(0.05)
    raise AssertionError("the worker has not come to the end of the log within a minute")


def _is_drained(log: Log, group: str, names: list[str]) -> bool:
    partitions = [TopicPartition(name, number) for name in names for number in range(log.partitions(name))]
    committed = log.consumer(group).committed(partitions)
    for one in partitions:
        at = committed[one]
        if (0 if at is None else at.offset) < log.end_offset(*one):
            return False
    return True
