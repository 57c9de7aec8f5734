"""Settings → what runs. The one place that knows which log and which store are meant.

with open_log(settings) as log,                        log.bootstrap_servers, or <log.directory>/log.sqlite
     open_store(settings, log.cluster_id) as store,    state.redis_url, or a redis-server in <log.directory>/redis
     open_worker(...) as worker: …                     closed in the opposite order: commit, leave, release
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.inputs import topic_of
from config.settings import Settings
from schemas.topics import DAY_MS, TopicSpec, topics
from streams.core.facts import Fact
from streams.errors import Fatal
from streams.runtime.limits import Limits
from streams.runtime.ports import Clock, Log, StateStore
from streams.runtime.topology import Topology
from streams.runtime.worker import Role, Worker
from streams.state.embedded import EmbeddedRedis
from streams.state.redis_store import RedisStore
from streams.transport.sqlite_log import SqliteLog
from topologies.slots import make_folder

RAW_RETENTION_MS = 7 * DAY_MS
"""Of raw topics that we create ourselves; where they belong to somebody else, so does the decision."""


class SystemClock:
    """See `streams.runtime.ports.Clock`."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        """Wait."""
        time.sleep(duration_ms / 1000)


def log_file(settings: Settings) -> Path:
    """Where the log is when there is no broker."""
    return Path(settings.log.directory) / "log.sqlite"


def log_name(settings: Settings) -> str:
    """The log, for people."""
    return settings.log.bootstrap_servers or str(log_file(settings))


def is_there(settings: Settings) -> bool:
    """Whether there is a log to look into. A broker is always taken for there: asking it says what is wrong."""
    return bool(settings.log.bootstrap_servers) or log_file(settings).exists()


@contextmanager
def open_log(settings: Settings, clock: Clock | None = None, *, create: bool = True) -> Iterator[Log]:
    """The log of these settings. Not to `create`: raises `Fatal` where there is none yet."""
    log = _kafka(settings) if settings.log.bootstrap_servers else _sqlite(settings, clock or SystemClock(), create)
    try:
        yield log
    finally:
        log.close()


def _kafka(settings: Settings) -> Log:
    """Raises `Fatal` when the brokers do not let us in, `Retryable` when they are not there."""
    # Loaded by those who have brokers: the client is large.
    from streams.transport.kafka_config import Connection, read_secrets
    from streams.transport.kafka_log import KafkaLog

    own, engine = settings.log, settings.engine
    secrets = read_secrets(own.secrets, os.environ)
    connection = Connection(own.bootstrap_servers, own.properties, secrets, client_id=engine.app)
    return KafkaLog(
        connection, session_timeout_ms=engine.session_timeout_ms, replication_factor=own.replication_factor
    )  # fmt: skip


def _sqlite(settings: Settings, clock: Clock, create: bool) -> Log:
    path = log_file(settings)
    if create:
        make_folder(path.parent)
    elif not path.exists():
        raise Fatal(
            f"log.directory: want a log at {path}, found none; start `rapport run` first, "
            "or name the configuration it was started with"
        )
    return SqliteLog(str(path), clock=clock, session_timeout_ms=settings.engine.session_timeout_ms)


@contextmanager
def open_store(settings: Settings, cluster_id: str) -> Iterator[RedisStore]:
    """The Redis of these settings, or one of our own. Raises `Fatal` when it is not fit, `Retryable` when not there."""
    with ExitStack() as stack:
        url = settings.state.redis_url
        if not url:
            url = stack.enter_context(EmbeddedRedis(Path(settings.log.directory) / "redis")).url
        store = RedisStore.connect(url, app=settings.engine.app, cluster_id=cluster_id, password=password_of(settings))
        stack.callback(store.close)
        yield store


@contextmanager
def open_worker(
    settings: Settings,
    topology: Topology,
    log: Log,
    store: StateStore,
    tell: Callable[[Fact], None],
    *,
    slot: str = "0",
    role: Role = "both",
    clock: Clock | None = None,
) -> Iterator[Worker]:
    """A worker that commits and leaves at the end of the block. Raises `Fatal` when a topic is not as it must be."""
    worker = Worker(
        topology, log, store, clock or SystemClock(), tell, slot=slot, limits=limits_of(settings), role=role
    )
    try:
        yield worker
    finally:
        worker.close()


def limits_of(settings: Settings) -> Limits:
    """The settings an operator may change, and the product's own values for the rest."""
    engine = settings.engine
    return Limits(
        commit_ms_min=engine.commit_ms_min,
        commit_ms_max=engine.commit_ms_max,
        commit_records_max=engine.commit_records_max,
        commit_bytes_max=engine.commit_bytes_max,
        cache_addresses_max=engine.cache_addresses_max,
        reject_share_max=engine.reject_share_max,
        reject_window=engine.reject_window,
    )


def wanted_topics(settings: Settings) -> list[TopicSpec]:
    """Every topic an application needs, raw ones included; each with its partition count."""
    count = settings.engine.partitions
    raw = [
        TopicSpec(topic_of(one), "any", f"payloads of {one.format}", "delete", "their source", RAW_RETENTION_MS, count)
        for one in settings.inputs
    ]
    own = [
        TopicSpec(
            spec.name, spec.key, spec.value, spec.policy, spec.written_by, spec.retention_ms,
            spec.partitions or count, spec.schema,
        )
        for spec in topics(settings.engine.app).values()
    ]  # fmt: skip
    return raw + own


def create_topics(log: Log, settings: Settings) -> None:
    """Create what is missing. Raises `Fatal` for a topic that is not as it must be."""
    for spec in wanted_topics(settings):
        log.create_topic(spec.name, spec.partitions, compact=spec.policy == "compact", retention_ms=spec.retention_ms)


def prepare_topics(log: Log, settings: Settings) -> None:
    """Before a worker starts: on one machine topics are made, on a broker they are somebody's decision.

    Raises `Fatal` with everything that is wrong, and the way out.
    """
    if not settings.log.bootstrap_servers:
        create_topics(log, settings)
        return
    own = {spec.name for spec in topics(settings.engine.app).values()}
    problems: list[str] = []
    for spec in wanted_topics(settings):
        if spec.name in own:
            problems += topic_problems(log, spec)
        else:
            # Raw topics are their owners': it is enough that they are there.
            try:
                log.partitions(spec.name)
            except Fatal as problem:
                problems.append(str(problem))
    if problems:
        raise Fatal("topics: " + "; ".join(problems))


def topic_problems(log: Log, spec: TopicSpec) -> list[str]:
    """What is wrong with a topic, in words with the way out; empty: nothing."""
    return log.topic_problems(
        spec.name, spec.partitions, compact=spec.policy == "compact", retention_ms=spec.retention_ms
    )  # fmt: skip


def password_of(settings: Settings) -> str:
    """The password of Redis, from its file; empty: none. Raises `Fatal` when the file cannot be read."""
    return _first_line("state.redis_password_file", settings.state.redis_password_file, "the password")


def metrics_token_of(settings: Settings) -> str:
    """The token of `/metrics`, from its file; empty: none is wanted. Raises `Fatal` when the file has none."""
    name = settings.observe.metrics_token_file
    token = _first_line("observe.metrics_token_file", name, "the token")
    if name and not token:
        raise Fatal(f"observe.metrics_token_file: want a token in the first line of {name!r}, found none; write one")
    return token


def _first_line(setting: str, name: str, what: str) -> str:
    """Of a file that a setting names; empty: it names none."""
    if not name:
        return ""
    try:
        return Path(name).read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise Fatal(
            f"{setting}: want a file whose first line is {what}, found {name!r} unreadable ({problem}); "
            "check the path and the permissions"
        ) from problem
