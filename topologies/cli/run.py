"""`rapport run`: a worker. Start more of them: they share the work."""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
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
from topologies.cli.shell import Configs, Json, complain, usage
from topologies.cli.workers import Crew
from topologies.slots import SLOTS_MAX, claim_slot

SHOW_MS = 1_000
"""How often the gauges are set."""
SAY_MS = 10_000
"""How often a line says how it goes, while something is done."""
_PORT_MAX = 65_535

_SLOT_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_SLOT_CHARS_MAX = 64

_SLOT_HELP = (
    "A name that no other worker has, the same after a restart: then what a dead worker left open is taken over at once. "
    "Default: a free number, on a broker behind the names of the host and of log.directory; name it where these change "
    "with a restart (containers)."
)
_WORKERS_HELP = (
    "So many workers, each a process, under one that looks after them. Slots: --slot NAME gives NAME-0, NAME-1, …; "
    "metrics ports count up from the first. Lines carry the slot. SIGTERM and Ctrl-C are passed on: all commit and "
    "leave. One that dies is started again, after a pause that grows from half a second to half a minute; one that ends "
    "with a problem that a person must look at stops all, with its exit code. Without a redis_url they share one Redis. "
    "More workers than engine.partitions leave some without work. On several machines with one broker and one Redis: "
    "start this on each."
)


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
    slot: Annotated[str, typer.Option(help=_SLOT_HELP, show_default=False)] = "",
    metrics_port: Annotated[
        int,
        typer.Option(
            help="Port of /metrics, /health and /ready; overrides observe.metrics_port; 0: none.", show_default=False
        ),
    ] = -1,
    workers: Annotated[
        int,
        typer.Option(min=1, max=SLOTS_MAX, help="So many workers, each a process, under one that looks after them."),
    ] = 1,
    held: Annotated[bool, typer.Option(hidden=True, help="Whoever started this holds the slot.")] = False,
    as_json: Json = False,
) -> None:
    """A worker: reads, recognises, scores, alerts, until SIGTERM or Ctrl-C. Several share the work.

    Without a broker the log is one SQLite file, and Redis is one of our own unless state.redis_url names another.
    """
    if role not in {"both", "ingest", "fold"}:
        raise usage("--role", want="both, ingest or fold", got=repr(role), fix="choose one")
    if not held and (not set(slot) <= _SLOT_CHARS or len(slot) > _SLOT_CHARS_MAX):
        raise usage("--slot", want="letters, digits, '_' and '-', at most 64", got=repr(slot), fix="choose another")
    setup = configured(config)
    settings = setup.settings
    if not settings.inputs:
        raise Fatal(
            "inputs: want at least one, got none; name a configuration with [[inputs]] by --config, "
            "or look around with `rapport demo`"
        )
    log_format = "json" if as_json else settings.observe.log_format
    observer = Observer(log_format=log_format, stuck_ms=settings.observe.stuck_ms)
    port = settings.observe.metrics_port if metrics_port < 0 else metrics_port
    if workers > 1:
        options = [part for path in config for part in ("--config", str(path))] + ["--role", role]
        options += ["--json"] if log_format == "json" else []
        _run_crew(settings, observer, workers, slot, port, options, as_json=log_format == "json")
        return
    from topologies.social_crm import topology

    stop = Stop()
    with _answering(settings, observer, port), nullcontext(slot) if held else _claimed(settings, slot) as own:
        work(settings, topology(settings, setup.model), observer, stop, slot=own, role=role)  # type: ignore[arg-type]  # checked above


def _run_crew(
    settings: Settings, observer: Observer, count: int, slot: str, port: int, options: list[str], *, as_json: bool
) -> None:
    """Several workers. Raises `typer.Exit`, unless all of them left because they were told to."""
    ports = [port + number if port else 0 for number in range(count)]
    if ports[-1] > _PORT_MAX:
        raise usage(
            "--workers", want=f"metrics ports up to {_PORT_MAX}", got=str(ports[-1]), fix="begin with a lower one"
        )
    with ExitStack() as stack:
        names = [f"{slot}-{number}" if slot else None for number in range(count)]
        slots = [stack.enter_context(claim_slot(settings, name)) for name in names]
        observer.say("workers start", workers=count, slots=[one.name for one in slots], metrics_ports=ports)
        crew = Crew(slots, lambda number: [*options, "--metrics-port", str(ports[number])], observer, as_json=as_json)
        code = crew.run()
        observer.say("workers left")
    if crew.cause is not None:
        complain(f"worker {crew.cause.slot.name} ended with exit code {code}, so all left: {crew.cause.said}")
    if code:
        raise typer.Exit(code)


@contextmanager
def _answering(settings: Settings, observer: Observer, port: int) -> Iterator[None]:
    """Answer those who ask how it goes, from before the first connection on; port 0: nobody."""
    if not port:
        yield
        return
    from topologies.assemble import metrics_token_of

    server = observer.serve(port, host=settings.observe.metrics_host, token=metrics_token_of(settings))
    try:
        yield
    finally:
        server.close()


@contextmanager
def _claimed(settings: Settings, slot: str) -> Iterator[str]:
    with claim_slot(settings, slot or None) as own:
        yield own.name


def work(
    settings: Settings,
    topology: Topology,
    observer: Observer,
    stop: Callable[[], bool],
    *,
    slot: str,
    role: Role,
) -> None:
    """Work until told to stop, then commit and leave. Raises `Fatal` when a person must look."""
    from topologies.assemble import SystemClock, log_name, open_log, open_store, open_worker, prepare_topics

    clock = SystemClock()
    with (
        open_log(settings, clock) as log,
        open_store(settings, log.cluster_id) as store,
    ):
        prepare_topics(log, settings)
        _spare_the_collector()
        with open_worker(settings, topology, log, store, observer, slot=slot, role=role, clock=clock) as worker:
            observer.say(
                "worker starts",
                slot=slot,
                role=role,
                log=log_name(settings),
                redis=settings.state.redis_url or "embedded",
                inputs=[one.name for one in settings.inputs],
                partitions=topology.partitions,
                model=topology.model_hash,
            )
            _loop(worker, observer, clock.now_ms, stop)
            observer.say("worker stops", slot=slot, **_totals(observer))
    observer.say("worker left", slot=slot)


def _loop(worker: Worker, observer: Observer, now: Callable[[], int], stop: Callable[[], bool]) -> None:
    worker.heed(stop)
    shown_at = said_at = now()
    said = _totals(observer)
    while not stop():
        worker.step()
        observer.turned()
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


def _spare_the_collector() -> None:
    """Look for cycles less often: state and events are trees, and there are many of them.

    By default a twentieth of a busy worker's time goes into looking at what it keeps.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
