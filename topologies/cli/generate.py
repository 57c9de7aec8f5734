"""`rapport generate`: traffic of a small invented world, in the true wire formats, into a log or into files.

rapport generate --write-config acme.toml          the inputs and the relevance that go with it
rapport generate -c acme.toml --rate 200           into the raw topics, as if it happened now, until Ctrl-C
rapport generate --out DIR --seconds 600           into files for `rapport replay`, the same for the same seed
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import msgspec
import orjson
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from config.settings import Settings
from streams.runtime.ports import Clock
from topologies.cli.configured import settings_of
from topologies.cli.shell import Configs, Json, answer_json, answers, asides, refuse, table, usage, writing
from topologies.traffic.feed import Cursor, FileFeed, LogFeed, Tally, topics_for
from topologies.traffic.people import BRAND
from topologies.traffic.settings import INPUTS, demo_toml
from topologies.traffic.stage import Options
from topologies.traffic.world import World

FILES_START_MS = 1_767_600_000_000
"""2026-01-05T08:00:00Z: files are the same whenever they are written."""
FILES_SECONDS = 60.0
CONFIG, TRUTH = "rapport.toml", "truth.jsonl"
_TURN_MS = 40
_TURN_MAX = 2_000
_NEVER_MS = 1 << 60


class Extent(msgspec.Struct, frozen=True):
    """How much comes after the opening: so many seconds of the world, so many payloads; neither: without end."""

    seconds: float | None = None
    count: int | None = None

    def end_ms(self, start_ms: int) -> int:
        """The time of the last payload, at most (inclusive)."""
        return _NEVER_MS if self.seconds is None else start_ms + int(self.seconds * 1000)

    def room(self, sent: int) -> int:
        """How many may be taken at once."""
        return _TURN_MAX if self.count is None else min(_TURN_MAX, self.count - sent)

    def part(self, passed_ms: int, sent: int) -> float | None:
        """How much of it is done, of 1; None when it has no end."""
        parts = [passed_ms / 1000 / self.seconds] if self.seconds else []
        parts += [sent / self.count] if self.count else []
        return min(1.0, max(parts)) if parts else None


def generate(
    config: Configs = [],  # noqa: B006  typer wants a list
    seed: Annotated[int, typer.Option(help="The same seed is the same world.")] = 1,
    rate: Annotated[float, typer.Option(help="Payloads a second.", min=0.01, max=1_000_000)] = 100.0,
    seconds: Annotated[float | None, typer.Option(help="How long. Into a log: without it until Ctrl-C.", min=0)] = None,
    count: Annotated[
        int | None, typer.Option(help="How many payloads, besides the CRM records at the start.", min=0)
    ] = None,
    relevant: Annotated[float, typer.Option(help="Share of payloads that concern the brand.", min=0, max=1)] = 0.3,
    customers: Annotated[int, typer.Option(help="How many people the CRMs know.", min=1, max=100_000)] = 300,
    broken: Annotated[float, typer.Option(help="Broken payloads, for each good one.", min=0, max=1)] = 0.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Write files for `rapport replay` instead.")
    ] = None,
    write_config: Annotated[
        Path | None,
        typer.Option(
            "--write-config", metavar="FILE", help="Write the configuration that goes with it, and nothing else."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Traffic of a small invented world, in the true wire formats: into a log, or into files."""
    if write_config is not None:
        _write_config(write_config, as_json=as_json)
        return
    options = Options(
        seed=seed, start_ms=FILES_START_MS, rate=rate, relevant=relevant, customers=customers, broken=broken
    )
    extent = Extent(seconds, count)
    if out is not None:
        _into_files(options, extent if extent != Extent() else Extent(FILES_SECONDS), out, as_json=as_json)
    else:
        _into_log(options, extent, settings_of(config), as_json=as_json)


def _write_config(path: Path, *, as_json: bool) -> None:
    if path.exists():
        raise usage("--write-config", want="a file that is not there yet", got=str(path), fix="name another one")
    with writing("--write-config", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(demo_toml(), encoding="utf-8")
    if as_json:
        answer_json({"config": str(path)})
    else:
        answers().print(Text(f"{path}: the inputs and the relevance of generated traffic"))


def _into_log(options: Options, extent: Extent, settings: Settings, *, as_json: bool) -> None:
    from topologies.assemble import SystemClock, create_topics, open_log

    topics = topics_for(settings)
    if not topics:
        raise refuse(
            "inputs: want inputs for generated traffic, found none; make a configuration with "
            "`rapport generate --write-config FILE` and name it with --config"
        )
    if settings.relevance.relevance != "all" and BRAND not in settings.relevance.terms:
        asides().print(Text(f"note: the traffic is about {BRAND}, which is not among relevance.terms", "yellow"))
    clock = SystemClock()
    with open_log(settings) as log:
        create_topics(log, settings)
        feed = LogFeed(log, topics, clock)
        options = msgspec.structs.replace(options, start_ms=clock.now_ms())
        opening = _play(World(options), extent, feed, clock)
    took_s = (clock.now_ms() - options.start_ms) / 1000
    _answer(options, feed.tally, opening, took_s, settings.log.directory, as_json=as_json)


def _into_files(options: Options, extent: Extent, out: Path, *, as_json: bool) -> None:
    world = World(options)
    with writing("--out", out):
        out.mkdir(parents=True, exist_ok=True)
        (out / CONFIG).write_text(demo_toml(), encoding="utf-8")
    with FileFeed(out) as feed:
        opening = _play(world, extent, feed, None)
    with (out / TRUTH).open("wb") as truth:
        for act, customer in sorted(feed.truth.owners().items()):
            truth.write(orjson.dumps({"act": act, "customer": customer}) + b"\n")
    took_s = (world.now_ms - options.start_ms) / 1000
    _answer(options, feed.tally, opening, took_s, str(out), as_json=as_json)
    if not as_json:
        files = [f"--in {one.name}={out / one.name}.jsonl" for one in INPUTS if feed.tally.written[one.name]]
        command = " \\\n    ".join([f"rapport replay --config {out / CONFIG}", *files, f"--out {out / 'outputs'}"])
        answers().print(Text(f"\n{out / TRUTH} says whose every act is. Through the engine:\n\n  {command}"))


def _play(world: World, extent: Extent, feed: LogFeed | FileFeed, clock: Clock | None) -> int:
    """Everything of the opening, then beats as time passes, or without waiting when there is no clock.

    Returns how many payloads the opening had. Ctrl-C ends it well.
    """
    opening = list(world.opening())
    feed.write(opening)
    beats, sent, start_ms = Cursor(world.beats()), 0, world.options.start_ms
    end_ms = extent.end_ms(start_ms)
    with suppress(KeyboardInterrupt), _progress() as show:
        while extent.room(sent) > 0:
            upto = end_ms if clock is None else min(end_ms, clock.now_ms())
            taken = beats.take(upto, extent.room(sent))
            feed.write(taken)
            sent += len(taken)
            show(extent.part((upto if clock else world.now_ms) - start_ms, sent), sent)
            if beats.is_waiting and upto >= end_ms:
                break
            if beats.is_waiting and clock is not None:
                clock.sleep_ms(_TURN_MS)
    return len(opening)


@contextmanager
def _progress() -> Iterator[Callable[[float | None, int], None]]:
    """Shows (part done, payloads) on a terminal."""
    columns = TextColumn("{task.fields[sent]:,} payloads"), BarColumn(), TimeElapsedColumn()
    console = asides()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None, sent=0)

        def show(part: float | None, sent: int) -> None:
            progress.update(task, total=None if part is None else 1.0, completed=part or 0.0, sent=sent)

        yield show


def _answer(options: Options, tally: Tally, opening: int, took_s: float, where: str, *, as_json: bool) -> None:
    total = sum(tally.written.values())
    if as_json:
        by_input = {one.name: tally.written[one.name] for one in INPUTS}
        answer_json({
            "where": where,
            "seed": options.seed,
            "payloads": total,
            "at_the_start": opening,
            "bytes": tally.size,
            "seconds": round(took_s, 3),
            "by_input": by_input,
            "left_out": dict(sorted(tally.left_out.items())),
        })  # fmt: skip
        return
    shown = table("input", "format", "payloads", right=("payloads",))
    for one in INPUTS:
        if tally.written[one.name]:
            shown.add_row(one.name, one.format, f"{tally.written[one.name]:,}")
    console = answers()
    console.print(shown)
    rate = f", {(total - opening) / took_s:,.0f} a second" if took_s > 0 else ""
    console.print(
        Text(f"{total:,} payloads ({opening:,} of them from the days before) in {took_s:,.1f} s{rate} → {where}")
    )
    if tally.left_out:
        missing = ", ".join(f"{count:,} of {name}" for name, count in sorted(tally.left_out.items()))
        asides().print(Text(f"left out, because the configuration has no such input: {missing}", "yellow"))
