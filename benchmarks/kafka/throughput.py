"""How many records a second, and what they cost: the echo and the product on the very same records.

Records of the CRM are there before, as with other engines that were measured. The product's time runs from the first
act it has written into its inbox to its last commit; the times are those the records carry.
"""

import subprocess
import sys
import time
from pathlib import Path

import msgspec

from benchmarks.kafka.drain import drain
from benchmarks.kafka.fill import Truth
from benchmarks.kafka.firehose import CRM, firehose_input
from benchmarks.kafka.live import wait_drained
from benchmarks.kafka.looks import ends, first_act_s, last_write_s, wait_until
from benchmarks.kafka.servers import Site
from benchmarks.kafka.verify import ORACLE_MAX, violations
from benchmarks.kafka.workers import cpu_between, workers
from streams.errors import Fatal

_RUN_S = 900.0
_ECHO_S = 600
_SEEN_S = 10.0
_ROOT = Path(__file__).resolve().parents[2]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to. `checked`: by what its outputs were held against the truth; empty: nothing to check."""

    name: str
    records: int
    wall_s: float
    cpu_s: float
    rss_start_mb: float = 0.0
    rss_end_mb: float = 0.0
    rss_max_mb: float = 0.0
    checked: str = ""

    @property
    def per_s(self) -> float:
        """Records a second."""
        return self.records / self.wall_s

    @property
    def per_cpu_s(self) -> float:
        """Records a second of CPU time, of all threads of the measured process."""
        return self.records / self.cpu_s


class Echoed(msgspec.Struct):
    """What the echo prints."""

    records: int
    wall_s: float
    cpu_s: float
    rss_mb: float


def echo(site: Site, topic: str, records: int, *, transactions: bool) -> Run:
    """Raises `Fatal` when not everything was echoed."""
    name = "echo in transactions" if transactions else "plain echo"
    out = f"bench.echo.{time.time_ns()}"
    site.make_raw(out)
    command = [sys.executable, "-m", "benchmarks.kafka.echo", site.bootstrap, topic, out, str(records)]
    command += ["--transactions"] if transactions else []
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, timeout=_ECHO_S, check=False)  # noqa: S603
        if done.returncode:
            raise Fatal(f"bench: the {name} failed: {done.stderr.decode(errors='replace')[-1_000:]}")
        found = msgspec.json.decode(done.stdout, type=Echoed)
        # A commit is answered a moment before readers see it; each takes an offset of its own.
        wait_until(f"the end of the {name}", lambda: sum(ends(site, out).values()) >= records, _SEEN_S, 0.05)
    finally:
        site.raw.remove(out)
        site.forget([out])
    return Run(
        name=name, records=records, wall_s=found.wall_s, cpu_s=found.cpu_s, rss_max_mb=found.rss_mb,
        checked="all were written",
    )  # fmt: skip


def product(
    site: Site, name: str, topic: str, records_topic: str, truth: Truth, *, count: int = 1, recompute: bool = False
) -> Run:
    """One run of `count` workers over the whole topic. Raises `Fatal` when an output is not as it must be."""
    app = f"bench-{time.time_ns() // 1_000_000}"
    crm = msgspec.structs.replace(CRM, topic=records_topic)
    with site.application(app, [crm]) as before:
        drain(site, before)
        application = site.configure(app, [crm, firehose_input(topic)])
        starts = ends(site, application.topology.inbox)
        with workers(application, count) as running:
            wait_drained(site, application, topic, running, _RUN_S)
            time.sleep(0.3)
        began_s = first_act_s(site, application.topology.inbox, starts)
        ended_s = last_write_s(site, application.topology.changelog)
        recompute = recompute and truth.relevant <= ORACLE_MAX
        if wrong := violations(site, application, truth, recompute=recompute):
            raise Fatal(f"bench: {name} does not count: " + "; ".join(wrong))
        samples = [one.samples for one in running]
    during = [[part.rss_mb for part in one if began_s <= part.at_s <= ended_s] or [one[-1].rss_mb] for one in samples]
    return Run(
        name=name,
        records=truth.records,
        wall_s=ended_s - began_s,
        cpu_s=sum(cpu_between(one, began_s, ended_s) for one in samples),
        rss_start_mb=sum(one[0] for one in during),
        rss_end_mb=sum(one[-1] for one in during),
        rss_max_mb=sum(max(one) for one in during),
        checked="truth, recomputed" if recompute else "truth",
    )
