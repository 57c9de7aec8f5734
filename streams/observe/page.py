"""Every metric on one page of Markdown: name, labels, meaning, and what to do. Made from where they are defined."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.core.facts import Fact
from streams.observe.gauges import GAUGES
from streams.observe.metrics import NAMESPACE

PROCESS = (
    ("process_resident_memory_bytes", "Memory of the process.",
     "It should be flat. Grows: lower `engine.cache_addresses_max` (about 2 KB each) or `engine.commit_bytes_max`."),
    ("process_cpu_seconds_total", "CPU time of the process.",
     "A rate near 1 while `lag_records` grows: one core is all that a worker uses; add workers."),
    ("process_open_fds", "Open files and connections.", "Near `process_max_fds`: raise the limit of the service."),
    ("process_max_fds", "How many of them there may be.", "See `process_open_fds`."),
    ("process_start_time_seconds", "When the process started (unix time).",
     "Changes again and again: it is killed or crashes; look at the last lines of its log."),
)  # fmt: skip
"""What prometheus_client itself measures (on Linux) and an operator should know: name, meaning, what to do."""

_QUOTED = re.compile(r"`(\w+)`")


class Row(NamedTuple):
    """One metric. `says`: the log line of a counter."""

    name: str
    type: str
    labels: Sequence[str]
    help: str
    advice: str
    says: str = ""
    bounds: str = ""


def rows(facts: Iterable[type[Fact]]) -> list[Row]:
    """All metrics: gauges in the order of their definition, then counters and histograms by name, then the process."""
    kinds = list(facts)
    found = [Row(f"{NAMESPACE}_{one.name}", "gauge", one.labels, one.help, one.advice) for one in GAUGES]
    for kind in sorted(kinds, key=lambda kind: kind.counter):
        says = "" if kind.level == "debug" else f"`{kind.__name__}` ({kind.level})"
        found.append(Row(f"{NAMESPACE}_{kind.counter}", "counter", kind.labels, kind.help, kind.advice, says))
    measures = [(measure, kind.labels) for kind in kinds for measure in kind.measures]
    for one, labels in sorted(measures, key=lambda found: found[0].name):
        bounds = ", ".join(f"{bound / 1000:g}" for bound in one.bounds_ms)
        found.append(Row(f"{NAMESPACE}_{one.name}", "histogram", labels, one.help, one.advice, bounds=bounds))
    found += [Row(name, "process", (), meaning, advice) for name, meaning, advice in PROCESS]
    return found


def page(facts: Iterable[type[Fact]], write: str) -> str:
    """The page. `write`: the command that writes it."""
    every = rows(facts)
    names = {row.name.removeprefix(f"{NAMESPACE}_"): row.name for row in every}

    def table(kind: str, columns: Sequence[str]) -> str:
        found = [_cells(row, names) for row in every if row.type == kind]
        lines = [columns, ["---"] * len(columns), *([cells[column] for column in columns] for cells in found)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    common = ["name", "labels"]
    said = ["meaning", "what to do"]
    return f"""\
# Metrics

`rapport run --metrics-port 9100` answers `GET /metrics` on 127.0.0.1 (`observe.metrics_host`; for other machines with a
token, `observe.metrics_token_file`), `/health` (200 while the worker's loop turns, else 503 with the reason) and
`/ready` (200 once it has joined and works on all that it owns, else 503 with what is missing). With `--workers N` each
worker has a port of its own, counting up.

Every metric is of one worker: sum over them. What has a log line is counted under the same name, so a line that was
read can be counted, and a counter that rises can be read. At most 200 sets of label values are kept for a counter;
further ones are counted as `other`. What to do by symptom: [runbook](runbook.md); example alerts: [alerts.yaml](alerts.yaml).

This page is made from the code by `{write}`; a test holds the two together.

## Gauges

{table("gauge", [*common, *said])}

## Counters

What is counted is committed: work that was aborted is done again and counted once. A counter begins anew with its process.

{table("counter", [*common, "log line", *said])}

## Histograms

{table("histogram", [*common, "buckets (s)", *said])}

## The process

{table("process", ["name", *said])}
"""


def _cells(row: Row, names: dict[str, str]) -> dict[str, str]:
    """What stands in each column. Metrics that are mentioned get their whole names."""

    def text(said: str) -> str:
        return _QUOTED.sub(lambda found: f"`{names.get(found[1], found[1])}`", said).replace("|", "\\|")

    return {
        "name": f"`{row.name}`",
        "labels": ", ".join(row.labels) or "–",
        "meaning": text(row.help),
        "what to do": text(row.advice),
        "log line": row.says or "–",
        "buckets (s)": row.bounds,
    }
