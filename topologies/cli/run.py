"""`rapport run`: a worker. Start more of them: they share the work."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

from config.settings import Settings
from streams.errors import Fatal
from streams.observe import Observer
from streams.runtime import facts
from streams.runtime.topology import Topology
from streams.runtime.worker import Role, Worker
from topologies.cli.configured import configured
from topologies.cli.shell import Configs, Json, usage

SHOW_MS = 1_000
"""How often the gauges are set."""
SAY_MS = 10_000
"""How often a line says how it goes, while something is done."""

_SLOT_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Stop:
    """Asked for by SIGTERM or Ctrl-C. A second Ctrl-C does not wait for the commit."""

    def __init__(self) -> None:
        """Listens from here on."""
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.asked

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True


def run(
    config: Configs = [],  # noqa: B006  typer wants a list
    role: Annotated[
        str, typer.Option(help="`ingest` reads raw topics, `fold` works on the inbox; `both` does both.")
    ] = "both",
    slot: Annotated[
        str,
        typer.Option(
            help="A name no other worker has, the same after a restart. Default: a free number.", show_default=False
        ),
    ] = "",
    metrics_port: Annotated[
        int,
        typer.Option(help="Port of /metrics on loopback; overrides observe.metrics_port; 0: none.", show_default=False),
    ] = -1,
    as_json: Json = False,
) -> None:
    """A worker: reads, recognises, scores, alerts, until SIGTERM or Ctrl-C. Several share the work.

    Without a broker the log is one SQLite file, and Redis is one of our own unless state.redis_url names another.
    """
    if role not in {"both", "ingest", "fold"}:
        raise usage("--role", want="both, ingest or fold", got=repr(role), fix="choose one")
    if not set(slot) <= _SLOT_CHARS or len(slot) > 64:
        raise usage("--slot", want="letters, digits, '_' and '-', at most 64", got=repr(slot), fix="choose another")
    setup = configured(config)
    settings = setup.settings
    if not settings.inputs:
        raise Fatal(
            "inputs: want at least one, got none; name a configuration with [[inputs]] by --config, "
            "or look around with `rapport demo`"
        )
    log_format = "json" if as_json else settings.observe.log_format
    observer = Observer(log_format=log_format)
    from topologies.social_crm import topology

    stop = Stop()
    port = settings.observe.metrics_port if metrics_port < 0 else metrics_port
    server = observer.serve(port) if port else None
    try:
        work(settings, topology(settings, setup.model), observer, stop, slot=slot or None, role=role)  # type: ignore[arg-type]  # checked above
    finally:
        if server is not None:
            server.close()


def work(
    settings: Settings,
    topology: Topology,
    observer: Observer,
    stop: Callable[[], bool],
    *,
    slot: str | None,
    role: Role,
) -> None:
    """Work until told to stop, then commit and leave. Raises `Fatal` when a person must look."""
    from topologies.assemble import SystemClock, claim_slot, log_name, open_log, open_store, open_worker, prepare_topics

    clock = SystemClock()
    with (
        claim_slot(settings, slot) as own,
        open_log(settings, clock) as log,
        open_store(settings, log.cluster_id) as store,
    ):
        prepare_topics(log, settings)
        with open_worker(settings, topology, log, store, observer, slot=own, role=role, clock=clock) as worker:
            observer.say(
                "worker starts",
                slot=own,
                role=role,
                log=log_name(settings),
                redis=settings.state.redis_url or "embedded",
                inputs=[one.name for one in settings.inputs],
                partitions=topology.partitions,
                model=topology.model_hash,
            )
            _loop(worker, observer, clock.now_ms, stop)
            observer.say("worker stops", slot=own, **_totals(observer))
    observer.say("worker left", slot=own)


def _loop(worker: Worker, observer: Observer, now: Callable[[], int], stop: Callable[[], bool]) -> None:
    worker.heed(stop)
    shown_at = said_at = now()
    said = _totals(observer)
    while not stop():
        worker.step()
        now_ms = now()
        if now_ms - shown_at < SHOW_MS:
            continue
        shown_at = now_ms
        status = worker.status()
        observer.show(status, now_ms)
        if now_ms - said_at >= SAY_MS:
            said_at = now_ms
            if (done := _totals(observer)) != said:
                said = done
                observer.say("working", **done, waiting=status.inbox_lag, partitions=len(status.tasks))


def _totals(observer: Observer) -> dict[str, int]:
    """What was done since the start."""
    totals = observer.totals
    return {
        "payloads": totals[facts.RecordsIngested.counter],
        "events": totals[facts.EventsFolded.counter],
        "outputs": totals[facts.OutputsPublished.counter],
        "rejected": totals[facts.RecordRejected.counter],
    }
