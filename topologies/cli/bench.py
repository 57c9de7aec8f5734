"""`rapport bench`: from nothing to numbers, in a process of its own: the product knows nothing of its benchmarks."""

import subprocess
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from streams.errors import Fatal
from topologies.cli.shell import Json

_PROGRAM = "benchmarks.kafka"


def bench(
    broker: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="An empty Kafka. Default: one of our own.", show_default=False)
    ] = "",
    redis: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="An empty Redis; it is emptied again and again. Default: one of our own.",
            show_default=False,
        ),
    ] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Everything once and small: shows that it works.")] = False,
    only: Annotated[
        list[str],
        typer.Option(
            metavar="PART",
            help="throughput, latency, restart, restore or soak; may be given again.",
            show_default=False,
        ),
    ] = [],  # noqa: B006  typer wants a list
    records: Annotated[
        int,
        typer.Option(min=0, help="With 1 % relevant, fewer where more are. Default: a million.", show_default=False),
    ] = 0,
    rounds: Annotated[int, typer.Option(min=0, help="Default: 3.", show_default=False)] = 0,
    authors: Annotated[
        int, typer.Option(min=0, help="Authors who are no customers. Default: 200,000.", show_default=False)
    ] = 0,
    soak: Annotated[
        float, typer.Option(metavar="MINUTES", min=0, help="At saturation. Default: 1.", show_default=False)
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Measure this machine: throughput against a plain echo, latency, restarts, restores, memory.

    Starts Kafka and Redis, writes a seeded firehose, and checks the outputs of every run before its figures count. A
    complete run of the defaults takes about a quarter of an hour and is kept in `benchmarks/results/`.
    """
    if find_spec(_PROGRAM.partition(".")[0]) is None:
        raise Fatal("bench: want the package `benchmarks`, found none; install Rapport from its repository")
    values = {"--broker": broker, "--redis": redis, "--records": records, "--rounds": rounds}
    values |= {"--authors": authors, "--soak": soak}
    command = [sys.executable, "-m", _PROGRAM]
    for name, value in values.items():
        command += [name, str(value)] if value else []
    for part in only:
        command += ["--only", part]
    command += (["--quick"] if quick else []) + (["--json"] if as_json else [])
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603
