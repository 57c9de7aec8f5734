"""What was measured, as one document: for scripts, for people, and as a file that is kept."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.kafka.goals import Goal
from benchmarks.kafka.latency import Latency
from benchmarks.kafka.plan import Plan
from benchmarks.kafka.plots import plot
from benchmarks.kafka.restart import Restart
from benchmarks.kafka.restore import Restored
from benchmarks.kafka.soak import Soak
from benchmarks.kafka.throughput import Run
from benchmarks.report import RESULTS


class Measured(msgspec.Struct, kw_only=True):
    """Everything; what was not measured is empty."""

    machine: dict[str, str]
    plan: Plan
    runs: list[Run] = []
    """In the order of time: round by round."""
    latency: list[Latency] = []
    restart: list[Restart] = []
    restore: list[Restored] = []
    soak: Soak | None = None
    goals: list[Goal] = []


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Median, and from the least to the most where there are several."""
    median = format(statistics.median(values), form)
    return median if len(values) == 1 else f"{median} ({format(min(values), form)}–{format(max(values), form)})"


def as_json(measured: Measured) -> str:
    """For scripts. Rates are there as well, though they follow from the rest."""
    whole = msgspec.to_builtins(measured)
    for shown, run in zip(whole["runs"], measured.runs, strict=True):
        shown |= {"per_s": run.per_s, "per_cpu_s": run.per_cpu_s}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1).decode()


def as_text(measured: Measured, picture: str = "") -> str:
    """Markdown: it reads well on a terminal too."""
    parts = [
        "# Rapport on Kafka and Redis",
        ", ".join(f"{name} {value}" for name, value in measured.machine.items()),
        _remarks(measured.plan),
        f"![rates, latency, memory]({picture})" if picture else "",
        _goals(measured.goals, is_quick=measured.plan.is_quick),
        _runs("Throughput", measured.runs),
        _latency(measured.latency),
        _restart(measured.restart),
        _restore(measured.restore),
        _soak(measured.soak),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def keep(measured: Measured, folder: Path = RESULTS) -> Path:
    """Write JSON, text and picture. What was measured before is never written over."""
    folder.mkdir(exist_ok=True)
    name = f"{measured.machine['date']}-{measured.machine['commit'].replace('+', '-changed')}-kafka"
    number = 1
    while (path := folder / f"{name}-{number}.json").exists():
        number += 1
    path.write_text(as_json(measured) + "\n", encoding="utf-8")
    picture = path.with_suffix(".svg")
    picture.write_text(plot(measured), encoding="utf-8")
    path.with_suffix(".md").write_text(as_text(measured, picture.name), encoding="utf-8")
    return path


def table(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _remarks(plan: Plan) -> str:
    quick = "**Quick: everything once and small. These figures only show that it works.** " if plan.is_quick else ""
    return (
        f"{quick}One worker process (`rapport run`), exactly once, twenty-one rules, {plan.customers:,} customers; broker, Redis, "
        "source and subscriber share its machine. Posts of 560 bytes; of the relevant ones 60 % are by customers. "
        f"{plan.records:,} records with 1 % relevant, fewer where more are, so that runs take 10 to 60 s. Rates: median, least and most of "
        f"{plan.rounds} interleaved rounds. Outputs of every run were held against what the generator knows; of moderate ones all was recomputed."
    )


def _goals(goals: Sequence[Goal], *, is_quick: bool) -> str:
    if not goals:
        return ""
    words = {True: "met", False: "**missed**", None: "not judged"}
    rows = [(one.name, one.wanted, one.found, "quick" if is_quick else words[one.is_met]) for one in goals]
    return "## Goals\n\n" + table([("what", "wanted", "found", ""), *rows])


def _runs(title: str, runs: Sequence[Run]) -> str:
    if not runs:
        return ""
    names = list(dict.fromkeys(run.name for run in runs))
    rows = [("run", "records", "records/s", "records/CPU-s", "us of CPU a record", "RSS MB, most", "checked by")]
    for name in names:
        same = [run for run in runs if run.name == name]
        rows.append(
            (
                name,
                f"{same[0].records:,}",
                spread([run.per_s for run in same]),
                spread([run.per_cpu_s for run in same]),
                spread([1e6 / run.per_cpu_s for run in same], ".1f"),
                f"{max(run.rss_max_mb for run in same):.0f}",
                same[0].checked,
            )
        )
    return f"## {title}\n\n" + table(rows)


def _latency(found: Sequence[Latency]) -> str:
    if not found:
        return ""
    rows = [("rate", "posts/s", "what", "count", "p50 ms", "p99 ms", "p99.9 ms", "most ms", "source late ms", "left")]
    for one in found:
        for what, count, times in (("enriched", one.enriched, one.enriched_ms), ("alerts", one.alerts, one.alerts_ms)):
            shown = [f"{value:.0f}" for value in times] or ["–"] * 4
            rows.append(
                (
                    one.name, f"{one.rate:,.0f}", what, f"{count:,}",
                    shown[0], shown[1], shown[2], shown[3], f"{one.source_behind_ms:.0f}", f"{one.left:,}",
                )
            )  # fmt: skip
    return "## Latency, from the source to a subscriber of committed records\n\n" + table(rows)


def _restart(found: Sequence[Restart]) -> str:
    if not found:
        return ""
    rows = [(one.name, f"{one.first_s:.1f}", f"{one.typical_s:.1f}", f"{one.exit_s:.2f}") for one in found]
    head = ("one of two workers", "slowest partition, s", "middle one, s", "process gone after, s")
    return "## Restart, to the first output of every partition\n\n" + table([head, *rows])


def _restore(found: Sequence[Restored]) -> str:
    if not found:
        return ""
    rows = []
    for one in found:
        rate = "" if one.name == "Redis intact" else f"{one.per_s:,.0f}"
        rows.append((one.name, f"{one.items:,}", f"{one.seconds:.2f}", rate, f"{one.since_start_s:.1f}"))
    return "## Restore\n\n" + table([("state", "items", "s", "items/s", "s since process start"), *rows])


def _soak(found: Soak | None) -> str:
    if found is None:
        return ""
    row = (
        f"{found.seconds / 60:.1f}", f"{found.authors:,}", f"{found.folded:,}", f"{found.rss_start_mb:.0f}",
        f"{found.rss_mean_mb:.0f}", f"{found.rss_max_mb:.0f}", f"{found.drift:+.1%}",
    )  # fmt: skip
    head = ("minutes", "authors", "events folded", "RSS MB at start", "mean", "most", "last quarter against the second")
    return "## Memory at saturation\n\n" + table([head, row])
