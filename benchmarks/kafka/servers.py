"""The broker and the Redis that are measured: our own, gone afterwards, or somebody's that hold nothing of ours yet.

with servers(folder, broker, redis_url) as site:
    with site.application(name, raw topics) as application: …      topics before, nothing of them afterwards
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks.kafka.firehose import CRM
from benchmarks.product import rule_files
from config.reference import toml
from config.settings import InputSettings
from streams.errors import Fatal
from streams.runtime.topology import Topology
from streams.state.embedded import EmbeddedRedis
from streams.transport.dev_kafka import DevKafka
from topologies.assemble import create_topics, open_log, wanted_topics
from topologies.cli.configured import Configured, configured
from topologies.social_crm import topology
from topologies.traffic.settings import RELEVANCE

PARTITIONS = 8
SESSION_TIMEOUT_MS = 10_000
"""The default."""
_RAW_SETTINGS = {"retention.ms": "-1"}
_HEAP_MB = 1_024
_GONE_S = 30.0
_RULES = Path(__file__).with_name("rules")


class Application(msgspec.Struct, frozen=True):
    """What one run of the product is configured with. `config` is the file that `rapport run` reads."""

    name: str
    config: Path
    setup: Configured
    topology: Topology


class Site:
    """Where everything happens. `folder` is for files of runs."""

    def __init__(self, folder: Path, bootstrap: str, redis_url: str, broker_pid: int | None) -> None:
        """`broker_pid`: null when the broker is not ours."""
        self.folder, self.bootstrap, self.redis_url, self.broker_pid = folder, bootstrap, redis_url, broker_pid
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self.redis = redis.Redis.from_url(redis_url)
        self.raw: list[str] = []

    def make_raw(self, topic: str, *, settings: dict[str, str] | None = None) -> None:
        """An empty raw topic."""
        new = NewTopic(topic, PARTITIONS, config={**_RAW_SETTINGS, **(settings or {})})
        self.admin.create_topics([new], operation_timeout=10)[topic].result()
        self.raw.append(topic)

    @contextmanager
    def application(self, name: str, inputs: Sequence[InputSettings]) -> Iterator[Application]:
        """An application of its own, with all of its topics; they and its state go with the block."""
        made = self.configure(name, inputs)
        topics = [spec.name for spec in wanted_topics(made.setup.settings) if spec.name not in self.raw]
        with open_log(made.setup.settings) as log:
            create_topics(log, made.setup.settings)
        try:
            yield made
        finally:
            self.forget(topics)
            self.redis.flushdb()

    def configure(self, name: str, inputs: Sequence[InputSettings]) -> Application:
        """The configuration alone; with other inputs, another one of the same application."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        config = folder / f"rapport-{len(list(folder.glob('*.toml')))}.toml"
        rules = self.folder / "rules"
        if not rules.exists():
            rules.mkdir()
            for path in (*rule_files(), *_RULES.glob("*.yaml")):
                (rules / path.name).write_bytes(path.read_bytes())
        sections: list[tuple[str, dict[str, object]]] = [
            ("[engine]", {"app": name, "partitions": PARTITIONS, "session_timeout_ms": SESSION_TIMEOUT_MS}),
            ("[log]", {"directory": str(folder / "data"), "bootstrap_servers": self.bootstrap}),
            ("[state]", {"redis_url": self.redis_url}),
            ("[rules]", {"directory": str(rules)}),
            ("[observe]", {"log_format": "json"}),
            ("[relevance]", {k: v for k, v in msgspec.structs.asdict(RELEVANCE).items() if k != "relevance"}),
            *(("[[inputs]]", {k: v for k, v in msgspec.structs.asdict(one).items() if v}) for one in inputs),
        ]
        text = "\n".join(
            f"{head}\n" + "".join(f"{k} = {toml(v)}\n" for k, v in body.items()) for head, body in sections
        )
        config.write_text(text, encoding="utf-8")
        setup = configured([config], env={})
        return Application(name, config, setup, topology(setup.settings, setup.model))

    def forget(self, topics: Sequence[str]) -> None:
        """Delete topics, and wait until they are gone."""
        for found in self.admin.delete_topics(list(topics), operation_timeout=10).values():
            try:
                found.result()
            except KafkaException as problem:
                if problem.args[0].name() != "UNKNOWN_TOPIC_OR_PART":
                    raise
        end = time.monotonic() + _GONE_S
        while not self.topics().isdisjoint(topics):
            if time.monotonic() > end:
                raise Fatal(f"bench: topics are still there {_GONE_S:.0f} s after they were deleted")
            time.sleep(0.05)

    def topics(self) -> set[str]:
        """All topics there are."""
        return set(self.admin.list_topics(timeout=10).topics)

    def refuse_used(self) -> None:
        """Raises `Fatal` where somebody else's data would be in the way, or in danger."""
        ours = {spec.name for spec in wanted_topics(self.configure("bench", [CRM]).setup.settings)}
        if used := sorted(self.topics() & ours):
            raise Fatal(f"--broker: want a cluster without our topics, found {', '.join(used)}; name an empty one")
        if keys := self.redis.dbsize():
            raise Fatal(f"--redis: want an empty database (it is emptied again and again), found {keys} keys")


@contextmanager
def servers(folder: Path, broker: str = "", redis_url: str = "") -> Iterator[Site]:
    """Start what is not given. Ours end with the block, and with this process, however it ends."""
    with ExitStack() as stack:
        pid = None
        if not broker:
            node = DevKafka(folder / "kafka", heap_mb=_HEAP_MB, quick=False)
            node.start(make_archive=True)
            stack.callback(node.stop)
            broker, pid = node.bootstrap, node.pid
        if not redis_url:
            redis_url = stack.enter_context(EmbeddedRedis(folder / "redis", persist=False)).url
        site = Site(folder, broker, redis_url, pid)
        stack.callback(site.redis.close)
        site.refuse_used()
        yield site
        if site.raw:
            site.forget(site.raw)


def ticks_per_second() -> int:
    """Of the kernel's count of CPU time."""
    return os.sysconf("SC_CLK_TCK")
