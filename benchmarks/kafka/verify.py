"""Is everything there that must be, once, and nothing else? A figure counts only when it is.

By what the generator knows: every act of a customer enriched once, with that customer; nobody else's; one alert of the
rule `bench-alarm` for each customer who named the word; no id twice; no dead letters, nothing unmatched, nothing late.
And, for runs of moderate size, by recomputation: inbox, outputs, changelog and Redis.
"""

import time
from collections import Counter
from typing import Any

import orjson

from benchmarks.kafka.drain import drain, edges
from benchmarks.kafka.fill import Truth
from benchmarks.kafka.firehose import ALARM_RULE
from benchmarks.kafka.looks import values
from benchmarks.kafka.servers import Application, Site
from streams.runtime.oracle import check
from topologies.assemble import limits_of

_SEEN_S = 0.3
ORACLE_MAX = 30_000
"""Relevant payloads, up to which everything is recomputed: 10 to 20 seconds."""


def violations(site: Site, application: Application, truth: Truth, *, recompute: bool = False) -> list[str]:
    """What is wrong, in words; empty: nothing."""
    # A commit is answered a moment before readers see it.
    time.sleep(_SEEN_S)
    return by_truth(site, application, truth) or (by_oracle(site, application) if recompute else [])


def by_truth(site: Site, application: Application, truth: Truth) -> list[str]:
    """Held against what the generator knows."""
    found: list[str] = []
    enriched = [orjson.loads(value) for value in _values(site, application, "enriched")]
    owners = {one["act"]["id"]: one["customer"]["id"] for one in enriched}
    found += _twice("enriched", [f"{one['id']} revision {one['revision']}" for one in enriched])
    found += _twice("acts enriched", [one["act"]["id"] for one in enriched])
    missing = truth.owners.keys() - owners.keys()
    extra = owners.keys() - truth.owners.keys()
    wrong = [act for act, owner in owners.items() if truth.owners.get(act, owner) != owner]
    for what, acts in (("were not enriched", missing), ("are nobody's, and were enriched", extra), ("have another customer", wrong)):  # fmt: skip
        if acts:
            found.append(f"{len(acts)} acts {what}: {sorted(acts)[:2]}")
    alerts = [orjson.loads(value) for value in _values(site, application, "alerts")]
    fired = [one for one in alerts if one["rule"] == ALARM_RULE and one["status"] == "fired"]
    found += _twice("alerts fired", [one["id"] for one in alerts if one["status"] == "fired"])
    alarmed = {one["customer"]["id"] for one in fired}
    if alarmed != truth.alarmed or len(fired) != len(alarmed):
        found.append(
            f"alerts of {ALARM_RULE}: want {len(truth.alarmed)} customers, once; found {len(fired)} of {len(alarmed)}"
        )
    for output in ("unmatched", "late"):
        if count := len(_values(site, application, output)):
            found.append(f"{count} documents in {output}, want none")
    if count := len(values(site, application.topology.dlq)):
        found.append(f"{count} dead letters, want none")
    return found


def by_oracle(site: Site, application: Application) -> list[str]:
    """Recomputed from the raw records. Works off what is left first: ticks that came last."""
    drain(site, application)
    with edges(application) as (log, store):
        bytes_max = limits_of(application.setup.settings).record_bytes_max
        return check(log, store, application.topology, value_bytes_max=bytes_max).violations


def _values(site: Site, application: Application, output: str) -> list[bytes]:
    return values(site, application.topology.outputs[output].topic)


def _twice(what: str, ids: list[Any]) -> list[str]:
    return [f"{what} twice: {one}, {count} times" for one, count in Counter(ids).items() if count > 1][:3]
