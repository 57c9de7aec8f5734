"""`rapport replay`: files of raw payloads through the very same code, and one file per output topic."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import orjson
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from streams.core.facts import Fact
from streams.runtime import facts
from streams.runtime.oracle_log import read
from streams.runtime.ports import Log, Record
from streams.runtime.replay import SESSION_TIMEOUT_MS, Replay, ReplayClock
from streams.runtime.topology import Topology
from topologies.cli.configured import configured
from topologies.cli.replay_account import Account, account
from topologies.cli.replay_input import Source, recorded, size_of, sources_of
from topologies.cli.shell import PROBLEMS, Configs, Json, answer_json, answers, asides, complain, table, usage, writing
from topologies.normalise.times import parse_time

IN_MEMORY_BYTES_MAX = 256 << 20
"""Of input. The log of a larger one is kept in a temporary file."""
CAUSES_MAX = 5


class Tally(msgspec.Struct):
    """What a replay was told: counts by topic, unknown kinds, and why records were rejected."""

    payloads: Counter[str] = msgspec.field(default_factory=Counter)
    events: Counter[str] = msgspec.field(default_factory=Counter)
    irrelevant: Counter[str] = msgspec.field(default_factory=Counter)
    unknown: dict[str, Counter[str]] = {}
    rejected: Counter[str] = msgspec.field(default_factory=Counter)
    causes: Counter[str] = msgspec.field(default_factory=Counter)
    noted: Counter[str] = msgspec.field(default_factory=Counter)

    def __call__(self, fact: Fact) -> None:
        """Count it."""
        match fact:
            case facts.RecordsIngested():
                self.payloads[fact.topic] += fact.amount
            case facts.EventsArrived():
                self.events[fact.topic] += fact.amount
            case facts.RecordsIrrelevant():
                self.irrelevant[fact.topic] += fact.amount
            case facts.KindUnknown():
                self.unknown.setdefault(fact.topic, Counter())[fact.kind] += fact.amount
            case facts.RecordRejected():
                self.rejected[fact.topic] += fact.amount
                self.causes[f"{fact.path}: {fact.cause}"] += fact.amount
            case _ if not type(fact).__module__.startswith("streams."):
                self.noted[fact.counter] += fact.amount


class Summary(msgspec.Struct, frozen=True):
    """What a replay came to."""

    seed: int
    model: str
    time: int
    tally: Tally
    outputs: dict[str, int]
    acts: Account


def replay(
    given: Annotated[
        list[str],
        typer.Option("--in", metavar="FORMAT=FILE", help="Raw payloads, one a line. Give it once for each file."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write one file per output topic.")],
    config: Configs = [],  # noqa: B006  typer wants a list
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="DIR", help="Use these rules instead of the configured ones.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another one is another interleaving of the partitions, nothing else.")] = 0,
    until: Annotated[
        str, typer.Option(metavar="TIME", help="Let time run on to here after the last payload.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Who said it? Files of raw payloads through the same code as production, as fast as it goes.

    The same files and seed give the same bytes. FORMAT is a wire format or the name of a configured input. A line
    {"received_at", "headers", "body"} is a webhook delivery; contacts=FILE (JSON lines or CSV) is read first.
    """
    ends_at = _until(until)
    setup = configured(config, rules)
    settings, sources = sources_of(given, setup.settings)
    with writing("--out", out):
        out.mkdir(parents=True, exist_ok=True)
    from topologies.social_crm import topology

    summary = run(topology(settings, setup.model), sources, out, seed=seed, until=ends_at, model=setup.model.hash)
    if as_json:
        answer_json(to_json(summary))
    else:
        _show(summary, out)
    if not summary.acts.adds_up:
        complain(
            f"the account does not add up: {len(summary.acts.lost)} acts lost {list(summary.acts.lost)}, "
            f"{len(summary.acts.invented)} invented {list(summary.acts.invented)}; this is a mistake of ours: "
            "please report it with the command"
        )
        raise typer.Exit(PROBLEMS)


def run(topology: Topology, sources: list[Source], out: Path, *, seed: int, until: int | None, model: str) -> Summary:
    """Replay, and write the outputs."""
    from streams.state.dict_store import DictStore

    tally = Tally()
    clock = ReplayClock()
    normalisers = {entry.topic: entry.normalise for entry in topology.inputs}
    with _log(clock, size_of(sources)) as log:
        store = DictStore(log.cluster_id)
        with closing(Replay(topology, log, store, clock, tally, seed=seed)) as running:
            with _progress(size_of(sources)) as done:
                running.feed(recorded(sources, normalisers), done)
            if until is not None:
                running.pass_to(until)
            time = clock.now_ms()
        names = [*(output.topic for output in topology.outputs.values()), topology.dlq]
        outputs = {name: _write(log, name, out / f"{name}.jsonl") for name in names}
        return Summary(seed, model, time, tally, outputs, account(log, store, topology, time))


@contextmanager
def _log(clock: ReplayClock, size: int) -> Iterator[Any]:
    from streams.transport.sqlite_log import SqliteLog

    with tempfile.TemporaryDirectory(prefix="rapport-replay-") as folder:
        place = ":memory:" if size <= IN_MEMORY_BYTES_MAX else f"{folder}/log.sqlite"
        with closing(SqliteLog(place, clock=clock, session_timeout_ms=SESSION_TIMEOUT_MS)) as log:
            yield log


@contextmanager
def _progress(size: int) -> Iterator[Callable[[int, int], None]]:
    """A bar where somebody looks; else nothing."""
    console = asides()
    columns = (TextColumn("replay"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[records]:,} payloads"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("replay", total=size, records=0)
        counted = [0]

        def done(records: int, fed: int) -> None:
            counted[0] += records
            # Line ends are in the files, not in the payloads.
            bar.update(task, advance=fed + records, records=counted[0])

        yield done


def _write(log: Log, topic: str, path: Path) -> int:
    """One line per record, in the order of the log; how many there were."""
    count = 0
    with path.open("wb") as file:
        for record in read(log, topic, 0):
            file.write(line_of(record))
            count += 1
    return count


def line_of(record: Record) -> bytes:
    """`{"key", "headers", "value"}`. JSON values stand as they are in the log, byte for byte; other ones as text."""
    key, value = record.key(), record.value()
    headers = {name: _text(data) for name, data in record.headers() or ()}
    head = orjson.dumps({"key": None if key is None else _text(key), "headers": headers})
    is_json = headers.get("content-type") == "application/json"
    data = b"null" if value is None else value if is_json else orjson.dumps(_text(value))
    return head[:-1] + b',"value":' + data + b"}\n"


def _text(data: bytes | None) -> str | dict[str, str]:
    """As text; what is none, in base64."""
    try:
        return (data or b"").decode()
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"base64": b64encode(data or b"").decode()}


def _until(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError as problem:
        raise usage("--until", want="a time like 2026-07-04T12:00:00Z", got=repr(text), fix="correct it") from problem


def to_json(summary: Summary) -> dict[str, Any]:
    """The summary for scripts."""
    from topologies.identity.documents import time_text

    tally = summary.tally
    return {
        "seed": summary.seed,
        "model": summary.model,
        "time": time_text(summary.time) if summary.time else None,
        "inputs": {
            topic: {
                "payloads": count,
                "events": tally.events[topic],
                "irrelevant": tally.irrelevant[topic],
                "unknown": dict(sorted(tally.unknown.get(topic, {}).items())),
                "rejected": tally.rejected[topic],
            }
            for topic, count in sorted(tally.payloads.items())
        },
        "rejected": sum(tally.rejected.values()),
        "noted": dict(sorted(tally.noted.items())),
        "outputs": summary.outputs,
        "acts": msgspec.to_builtins(summary.acts) | {"adds_up": summary.acts.adds_up},
    }


def _show(summary: Summary, out: Path) -> None:
    from topologies.identity.documents import time_text

    console, tally, acts = answers(), summary.tally, summary.acts
    names = ("payloads", "events", "irrelevant", "unknown kinds", "rejected")
    read_table = table("input", *names, right=names)
    for topic in sorted({*tally.payloads, *tally.rejected}):
        unknown = sum(tally.unknown.get(topic, {}).values())
        numbers = (tally.payloads[topic], tally.events[topic], tally.irrelevant[topic], unknown, tally.rejected[topic])
        read_table.add_row(topic, *(f"{number:,}" for number in numbers))
    console.print(read_table)
    for cause, count in tally.causes.most_common(CAUSES_MAX):
        console.print(f"  rejected {count:,}× {cause}", markup=False)
    written = table("output", "records", "file", right=("records",))
    for name, count in summary.outputs.items():
        written.add_row(name, f"{count:,}", str(out / f"{name}.jsonl"))
    console.print()
    console.print(written)
    console.print()
    parts = (
        (acts.enriched, "enriched"), (acts.unmatched, "unmatched"), (acts.open, "still open"), (acts.late, "late"),
        (acts.rejected, "rejected"), (acts.taken_back, "taken back"), (acts.answers, "our answers to others"),
    )  # fmt: skip
    terms = " + ".join(f"{count:,} {name}" for count, name in parts[:5] + tuple(part for part in parts[5:] if part[0]))
    sign, style = ("=", "green") if acts.adds_up else ("≠", "bold red")
    console.print(f"acts: {terms} {sign} {acts.acts:,}", style=style)
    if acts.retracted:
        console.print(f"of the enriched ones {acts.retracted:,} were retracted later")
    console.print(f"time stands at {time_text(summary.time)} · model {summary.model} · seed {summary.seed}")
