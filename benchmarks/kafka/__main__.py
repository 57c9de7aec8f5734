"""`python -m benchmarks.kafka`: from nothing to numbers. See `rapport bench --help`."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks.kafka import goals
from benchmarks.kafka.fill import Truth, fill_firehose, fill_records
from benchmarks.kafka.latency import latencies
from benchmarks.kafka.plan import PARTS, QUICK, SHARES, TWO_WORKERS, USUAL, Plan
from benchmarks.kafka.report import Measured, as_json, as_text, keep
from benchmarks.kafka.restart import restarts
from benchmarks.kafka.restore import restores
from benchmarks.kafka.servers import Site, servers
from benchmarks.kafka.soak import soak
from benchmarks.kafka.throughput import echo, product
from benchmarks.machine import described, of_servers
from streams.errors import Fatal, Retryable, StreamError

_RECORDS = "bench.crm"
Show = Callable[[str], None]


def main(arguments: Sequence[str]) -> int:
    """Exit codes as of all commands: 0 measured, 1 an output was wrong or something failed, 3 not reachable."""
    given = _parsed(arguments)
    console = Console(stderr=True)
    began = time.monotonic()

    def show(what: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  {what}", highlight=False)

    try:
        measured = measure(_plan(given), given.only or list(PARTS), given.broker, given.redis, show)
    except Retryable as problem:
        console.print(f"[red]{problem}[/red]", highlight=False)
        return 3
    except StreamError as problem:
        console.print(f"[red]{problem}[/red]", highlight=False)
        return 1
    sys.stdout.write(as_json(measured) + "\n" if given.json else as_text(measured))
    if not given.quick and not given.only:
        show(f"kept in {keep(measured).name}, with text and picture beside it")
    return 0


def measure(plan: Plan, parts: Sequence[str], broker: str, redis_url: str, show: Show) -> Measured:
    """Everything that is asked for. Raises `Fatal` when an output is wrong, `Retryable` when a server is not there."""
    measured = Measured(machine=described(), plan=plan)
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        show("starting" if not broker else f"using the broker at {broker}")
        with servers(Path(folder), broker, redis_url, plan.session_timeout_ms, quick=plan.is_quick) as site:
            measured.machine |= of_servers(site.redis.info()["redis_version"], is_own_broker=not broker)
            fill_records(site, _RECORDS, plan.customers)
            topics = _fill(site, plan, parts, show)
            if "throughput" in parts:
                _throughput(site, plan, topics, measured, show)
            _rest(site, plan, parts, measured, show)
    measured.machine["load after"] = f"{os.getloadavg()[0]:.1f}"
    _judge(measured)
    return measured


def _fill(site: Site, plan: Plan, parts: Sequence[str], show: Show) -> dict[float, tuple[str, Truth]]:
    topics = {}
    for share in SHARES if "throughput" in parts else ():
        show(f"writing {plan.count(share):,} records, {share:.0%} relevant")
        topic = f"bench.firehose.{share:.0%}".rstrip("%")
        topics[share] = topic, fill_firehose(site, topic, plan.mix(share), plan.count(share))
    return topics


def _throughput(site: Site, plan: Plan, topics: dict[float, tuple[str, Truth]], measured: Measured, show: Show) -> None:
    topic, truth = topics[USUAL]
    for number in range(plan.rounds):
        for transactions in (False, True):
            measured.runs.append(echo(site, topic, truth.records, transactions=transactions))
            _said(measured, show, number)
        for share, (own, known) in topics.items():
            name = f"{share * 100:.0f} % relevant"
            measured.runs.append(product(site, name, own, _RECORDS, known, recompute=number == 0))
            _said(measured, show, number)
        measured.runs.append(product(site, TWO_WORKERS, topic, _RECORDS, truth, count=2))
        _said(measured, show, number)


def _said(measured: Measured, show: Show, number: int) -> None:
    run = measured.runs[-1]
    show(f"round {number + 1}: {run.name}: {run.per_s:,.0f}/s, {run.per_cpu_s:,.0f} per CPU second")


def _rest(site: Site, plan: Plan, parts: Sequence[str], measured: Measured, show: Show) -> None:
    usual = [run.per_s for run in measured.runs if run.name == "10 % relevant"]
    saturated = statistics.median(usual) if usual else 0.0
    if "latency" in parts:
        rates = [("2k/s", 2_000.0), *((f"{part} % load", saturated * part / 100) for part in (25, 50, 80) if saturated)]
        mix = msgspec.structs.replace(plan.mix(USUAL), alarms=0.2)
        measured.latency = latencies(site, _RECORDS, rates, plan.latency_s, mix, show)
    if "restart" in parts:
        measured.restart = restarts(site, _RECORDS, plan.restart_s, plan.mix(1.0), show)
    if "restore" in parts:
        measured.restore = restores(site, plan.items, show)
    if "soak" in parts:
        measured.soak = soak(site, _RECORDS, saturated or 10_000.0, plan.soak_s, plan.mix(USUAL), show)


def _judge(measured: Measured) -> None:
    found = goals.paces(measured.runs) + goals.latency(measured.latency)
    found += goals.restart(measured.restart, measured.plan.session_timeout_ms) + goals.restore(measured.restore)
    measured.goals = found + ([goals.memory(measured.soak)] if measured.soak else [])


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka", description=__doc__)
    parser.add_argument("--broker", default="", metavar="HOST:PORT", help="default: one of our own")
    parser.add_argument("--redis", default="", metavar="URL", help="default: one of our own; it is emptied")
    parser.add_argument("--quick", action="store_true", help="everything once and small")
    parser.add_argument("--only", action="append", default=[], choices=PARTS, help="may be given again")
    parser.add_argument("--records", type=int, default=0, help="with 1 %% relevant; fewer where more are")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--authors", type=int, default=0, help="who are no customers")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    parser.add_argument("--json", action="store_true", help="for scripts, instead of a table")
    return parser.parse_args(list(arguments))


def _plan(given: argparse.Namespace) -> Plan:
    plan = QUICK if given.quick else Plan()
    changes: dict[str, int | float] = {
        name: value for name in ("records", "rounds", "authors") if (value := getattr(given, name))
    }
    if given.soak:
        changes["soak_s"] = given.soak * 60
    if any(value < 0 for value in changes.values()):
        raise Fatal("bench: want numbers above 0")
    return msgspec.structs.replace(plan, **changes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
