"""The broker and the Redis that are measured: our own, gone afterwards, or somebody's that hold nothing of ours yet.

with servers(folder, broker, redis_url) as site:
    with site.application(name, raw topics) as application: …      topics before, nothing of them afterwards
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import redis
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]

from benchmarks.kafka.firehose import CRM
from benchmarks.product import rule_files
from config.reference import toml
from config.settings import InputSettings
from schemas.topics import TopicSpec
from streams.errors import Fatal, Retryable
from streams.runtime.topology import Topology
from streams.state.embedded import EmbeddedRedis
from streams.transport.dev_kafka import DevKafka
from topologies.assemble import wanted_topics
from topologies.cli.configured import Configured, configured
from topologies.social_crm import topology
from topologies.traffic.settings import RELEVANCE

PARTITIONS = 8
SESSION_TIMEOUT_MS = 10_000
"""The default."""
_RAW_SETTINGS = {"retention.ms": "-1"}
_HEAP_MB = 1_024
_PATIENT = {"broker.session.timeout.ms": "9000", "broker.heartbeat.interval.ms": "2000"}
"""Kafka's defaults: nobody kills this broker, and a busy machine must not have it taken for dead."""
_GONE_S = 30.0
_ANSWER_S = 5.0
_RULES = Path(__file__).with_name("rules")


class Application(msgspec.Struct, frozen=True):
    """What one run of the product is configured with. `config` is the file that `rapport run` reads."""

    name: str
    config: Path
    setup: Configured
    topology: Topology


class Site:
    """Where everything happens. `folder` is for files of runs."""

    def __init__(self, folder: Path, bootstrap: str, redis_url: str, session_timeout_ms: int) -> None:
        """Nothing is made yet. `session_timeout_ms`: of workers."""
        self.folder, self.bootstrap, self.redis_url = folder, bootstrap, redis_url
        self.session_timeout_ms = session_timeout_ms
        self.admin = self._connected()
        self.redis = redis.Redis.from_url(redis_url)
        self.raw: list[str] = []

    def make_raw(self, topic: str, *, settings: dict[str, str] | None = None) -> None:
        """An empty raw topic."""
        new = NewTopic(topic, PARTITIONS, config={**_RAW_SETTINGS, **(settings or {})})
        self.admin.create_topics([new], operation_timeout=10)[topic].result()
        self._await_leaders({topic: PARTITIONS})
        self.raw.append(topic)

    @contextmanager
    def application(self, name: str, inputs: Sequence[InputSettings]) -> Iterator[Application]:
        """An application of its own, with all of its topics; they and its state go with the block."""
        made = self.configure(name, inputs)
        topics = [spec for spec in wanted_topics(made.setup.settings) if spec.name not in self.raw]
        self._make(topics)
        try:
            yield made
        finally:
            self.forget([spec.name for spec in topics])
            self.redis.flushdb()

    def _make(self, topics: Sequence[TopicSpec]) -> None:
        """All in one request; the worker checks them when it starts."""
        new = []
        for spec in topics:
            config: dict[str, str] = {"cleanup.policy": spec.policy}
            if spec.policy == "delete":
                config["retention.ms"] = str(-1 if spec.retention_ms is None else spec.retention_ms)
            new.append(NewTopic(spec.name, spec.partitions, config=config))
        for made in self.admin.create_topics(new, operation_timeout=30).values():
            made.result()
        self._await_leaders({one.name: one.partitions for one in topics})

    def _await_leaders(self, topics: Mapping[str, int]) -> None:
        """A topic is there a moment before everybody knows, its leaders too. `topics`: with their partition counts."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(name, number): latest for name, count in topics.items() for number in range(count)}
        end = time.monotonic() + _GONE_S
        while any(found.exception() for found in self.admin.list_offsets(asked, request_timeout=10).values()):
            if time.monotonic() > end:
                raise Retryable(f"bench: topics that were made have no leaders after {_GONE_S:.0f} s")
            time.sleep(0.05)
            # One that has once been told of no such topic never asks again.
            self.admin = self._connected()

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
            ("[engine]", {"app": name, "partitions": PARTITIONS, "session_timeout_ms": self.session_timeout_ms}),
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
        # The client remembers a topic that is gone, and takes a new one of the same name for it.
        self.admin = self._connected()

    def _connected(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def topics(self) -> set[str]:
        """All topics there are."""
        return set(self.admin.list_topics(timeout=_ANSWER_S).topics)

    def refuse_used(self) -> None:
        """Raises `Fatal` where somebody else's data would be in the way, or in danger; `Retryable` where nobody answers."""
        try:
            there = self.topics()
        except KafkaException as problem:
            raise Retryable(
                f"--broker: no answer from {self.bootstrap}; is it running, and the address right?"
            ) from problem
        try:
            keys = self.redis.dbsize()
        except redis.exceptions.RedisError as problem:
            raise Retryable(f"--redis: no answer from {self.redis_url}: {problem}") from problem
        ours = {spec.name for spec in wanted_topics(self.configure("bench", [CRM]).setup.settings)}
        if used := sorted(there & ours):
            raise Fatal(f"--broker: want a cluster without our topics, found {', '.join(used)}; name an empty one")
        if keys:
            raise Fatal(f"--redis: want an empty database (it is emptied again and again), found {keys} keys")


@contextmanager
def servers(
    folder: Path,
    broker: str = "",
    redis_url: str = "",
    session_timeout_ms: int = SESSION_TIMEOUT_MS,
    *,
    quick: bool = False,
) -> Iterator[Site]:
    """Start what is not given. Ours end with the block, and with this process, however it ends.

    `quick`: the broker starts sooner and runs slower.
    """
    with ExitStack() as stack:
        if not broker:
            node = DevKafka(folder / "kafka", heap_mb=_HEAP_MB, quick=quick, settings=_PATIENT)
            node.start(make_archive=True)
            stack.callback(node.stop)
            broker = node.bootstrap
        if not redis_url:
            redis_url = stack.enter_context(EmbeddedRedis(folder / "redis", persist=False)).url
        site = Site(folder, broker, redis_url, session_timeout_ms)
        stack.callback(site.redis.close)
        site.refuse_used()
        yield site
        if site.raw:
            site.forget(site.raw)
