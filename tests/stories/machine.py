"""The whole product in one process: every input format, real folds, a log in memory, a clock that is moved by hand.

feed(input, payload …) ─► worker ─► outputs, letters;   judge() holds all of it against a recomputation
"""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from config.settings import InputSettings, RelevanceSettings, Settings
from streams.runtime.oracle import check
from streams.runtime.oracle_log import waiting
from tests.runtime.world import World
from topologies.customer.lexicon import load_lexicons
from topologies.customer.rules.load import load_rules
from topologies.model import build_model
from topologies.social_crm import topology

INPUTS = (
    InputSettings(name="bluesky", format="bluesky.jetstream"),
    InputSettings(name="mastodon", format="mastodon.stream", server="m.example"),
    InputSettings(name="x", format="x.stream"),
    InputSettings(name="hubspot", format="hubspot.webhook"),
    InputSettings(name="salesforce", format="salesforce.cdc"),
    InputSettings(name="rows", format="debezium", object="contact"),
    InputSettings(name="contacts", format="contacts"),
    InputSettings(name="sightings", format="sightings"),
    InputSettings(name="decisions", format="decisions"),
)
BRAND = RelevanceSettings(terms=("acme",), accounts=("bluesky:did:plc:acme",), domains=("acme.example",))


class Machine(World):
    """See above. Settings may be given; the inputs are those above."""

    def __init__(self, settings: Settings | None = None, *, record_bytes_max: int = 1 << 20) -> None:
        chosen = settings or Settings(relevance=BRAND)
        rules, problems = load_rules(None, hold_ms=chosen.identity.hold_ms)
        assert not problems
        self.settings = msgspec.structs.replace(chosen, inputs=INPUTS)
        super().__init__(
            topology(self.settings, build_model(self.settings, rules, load_lexicons())),
            record_bytes_max=record_bytes_max,
        )
        self.worker()

    def put(self, name: str, *payloads: bytes | None, partition: int = 0, key: bytes | None = None) -> None:
        """Raw payloads as they come from a source."""
        rows = [(key, payload, None, self.clock.now_ms()) for payload in payloads]
        self.log.append(f"raw.{name}", rows, partition)

    def drain(self) -> None:
        """Work until nothing is left to read."""
        for _ in range(200):
            self.run(ms=200)
            if not waiting(self.log, self.topology):
                return
        raise AssertionError(f"still waiting: {waiting(self.log, self.topology)}")

    def judge(self) -> None:
        """Log, outputs, changelog and store are what must have come of the raw records."""
        verdict = check(
            self.log, self.store, self.topology, value_bytes_max=self.limits.record_bytes_max, promise=False
        )
        assert verdict.violations == []

    def causes(self) -> list[str]:
        """`path: cause` of each dead letter."""
        return [f"{letter['path'].decode()}: {letter['cause'].decode()}" for letter in self.letters()]

    def pairs(self) -> set[tuple[str, str]]:
        """(act id, customer id) for a subscriber who keeps the highest revision of each act."""
        newest: dict[str, tuple[int, bool, str]] = {}
        for key, value in self.outputs("enriched"):
            entry = value["revision"], not value["retracted"], key
            newest[value["act"]["id"]] = max(entry, newest.get(value["act"]["id"], (-1, False, "")))
        return {(act, who) for act, (_, live, who) in newest.items() if live}

    def bluesky_post(self, did: str, rkey: str, text: str, **more: Any) -> bytes:
        """A post as Jetstream sends it, created and received now."""
        now_ms = self.clock.now_ms()
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": iso(now_ms), "langs": ["en"]} | more
        commit = {
            "rev": f"3k{now_ms}", "operation": "create", "collection": "app.bsky.feed.post", "rkey": rkey,
            "record": record, "cid": "bafyrei",
        }  # fmt: skip
        return dumps({"did": did, "time_us": now_ms * 1000, "kind": "commit", "commit": commit})

    def contact(self, number: str, **fields: str) -> bytes:
        """A line of a contacts snapshot."""
        return dumps({"id": number, **fields})


def dumps(value: Any) -> bytes:
    """JSON as sources write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def iso(time_ms: int) -> str:
    """RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
