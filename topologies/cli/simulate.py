"""`rapport simulate`: a cluster in one process where everything goes wrong, the same for the same seed."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from streams.runtime.simulator import Report, Scenario
from streams.runtime.simulator import simulate as run
from topologies.cli.shell import PROBLEMS, Json, answer_json, answers, asides, table, usage

PRODUCT = "topologies.simulation:scenario"
SEEDS_MAX = 100_000


def simulate(
    seed: Annotated[int | None, typer.Option(help="One world, and the end of its story.", show_default=False)] = None,
    seeds: Annotated[str, typer.Option(metavar="A..B", help="Many worlds, A and B included.", show_default=False)] = "",
    scenario: Annotated[
        str,
        typer.Option(metavar="MODULE:FUNCTION", help="What is simulated. Default: the product.", show_default=False),
    ] = PRODUCT,
    as_json: Json = False,
) -> None:
    """Crashes, rebalances, zombies, lost stores and repeated input from one seed, and an oracle that checks the outcome.

    A failing seed prints the command that runs it again. Without a seed: 0..19.
    """
    chosen = _seeds(seed, seeds)
    world = _scenario(scenario)
    reports = []
    with _progress(len(chosen)) as told:
        for number in chosen:
            reports.append(run(number, world))
            told(reports[-1])
    _answer(reports, one=seed is not None, as_json=as_json)
    if not all(report.ok for report in reports):
        raise typer.Exit(PROBLEMS)


def _seeds(seed: int | None, seeds: str) -> list[int]:
    if seed is not None and seeds:
        raise usage("--seeds", want="--seed or --seeds", got="both", fix="leave one out")
    if seed is not None:
        return [seed]
    found = re.fullmatch(r"(\d{1,12})\.\.(\d{1,12})", seeds or "0..19")
    if found is None or not 0 <= int(found[2]) - int(found[1]) < SEEDS_MAX:
        raise usage("--seeds", want="two numbers like 0..199, the smaller first", got=repr(seeds), fix="correct it")
    return list(range(int(found[1]), int(found[2]) + 1))


def _scenario(name: str) -> Scenario:
    module, _, function = name.partition(":")
    try:
        made = getattr(import_module(module), function)()
    except (ImportError, AttributeError, TypeError, ValueError) as problem:
        fix = f"leave it out, or name a function like {PRODUCT}"
        raise usage(
            "--scenario", want="a function that makes a Scenario", got=f"{name!r} ({problem})", fix=fix
        ) from problem
    if not isinstance(made, Scenario):
        raise usage("--scenario", want="a function that makes a Scenario", got=repr(name), fix="look at the default")
    return made


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Report], None]]:
    """How many worlds are done, where somebody looks; each failure at once."""
    console = asides()
    columns = (SpinnerColumn(), TextColumn("{task.completed} of {task.total} worlds"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def told(report: Report) -> None:
            bar.advance(task)
            if not report.ok:
                console.print(Text(report.text(), style="default"))

        yield told


def _answer(reports: list[Report], *, one: bool, as_json: bool) -> None:
    if as_json:
        answer_json({"worlds": [_json(report) for report in reports], "failed": [r.seed for r in reports if not r.ok]})
        return
    console = answers()
    if one:
        for line in reports[0].timeline:
            console.print(Text(line, style="dim"), soft_wrap=True)
        happened = table("what happened", "how often", right=("how often",))
        for what, count in sorted(reports[0].counts.items(), key=lambda pair: (-pair[1], pair[0])):
            happened.add_row(Text(what), f"{count:,}")
        console.print(happened)
    verdicts = [report.verdict for report in reports if report.verdict is not None]
    console.print(
        f"{len(reports):,} worlds: {sum(v.raw_records for v in verdicts):,} payloads, "
        f"{sum(v.inbox_records for v in verdicts):,} events, {sum(v.outputs for v in verdicts):,} outputs, "
        f"{sum(v.letters for v in verdicts):,} dead letters"
    )
    failed = [report.seed for report in reports if not report.ok]
    if failed:
        console.print(
            Text(f"{len(failed)} worlds are not as they must be: {', '.join(map(str, failed))}", style="bold red")
        )
    else:
        console.print(Text("nothing lost, nothing doubled, nothing invented", style="green"))


def _json(report: Report) -> dict[str, Any]:
    return {
        "seed": report.seed,
        "ok": report.ok,
        "violations": report.violations,
        "counts": dict(sorted(report.counts.items())),
        "verdict": None if report.verdict is None else msgspec.to_builtins(report.verdict),
    }
