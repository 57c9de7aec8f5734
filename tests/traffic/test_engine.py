"""Generated traffic through the product: everything can be read, and every act is joined to whom the truth says."""

from collections import defaultdict
from itertools import islice
from pathlib import Path

import orjson
import pytest

from schemas.events import Act, ReplyTo
from streams.runtime.ports import LogRecord
from tests.cli.shell import ask
from topologies.model import build_model
from topologies.normalise.formats import build
from topologies.traffic.feed import Cursor, FileFeed
from topologies.traffic.outbox import Delivery
from topologies.traffic.settings import INPUTS, demo_settings, demo_toml
from topologies.traffic.stage import Options
from topologies.traffic.truth import Done
from topologies.traffic.world import World

START_MS = 1_764_000_000_000


def by_input(options: Options, count: int) -> dict[str, list[Delivery]]:
    """The first so many deliveries."""
    found: dict[str, list[Delivery]] = defaultdict(list)
    for one in islice(World(options), count):
        found[one.input].append(one)
    return found


def test_everything_is_understood_and_what_matters_is_told_from_what_does_not() -> None:
    found = by_input(Options(start_ms=START_MS, customers=60, broken=0.02), 3_000)
    model = build_model(demo_settings(), (), {})
    for entry in INPUTS:
        deliveries = found[entry.name]
        records = [
            LogRecord(f"raw.{entry.name}", 0, offset, one.key, one.payload, one.received_at)
            for offset, one in enumerate(deliveries)
        ]
        normalised = build(entry, model)(records)
        refused = {refusal.index for refusal in normalised.refusals}
        assert {index for index in refused if not deliveries[index].is_broken} == set(), entry.name
        assert not normalised.unknown, (entry.name, normalised.unknown)
        told = [one.event.act if isinstance(one.event, ReplyTo) else one.event for one in normalised.arrivals]
        acts = {event.id for event in told if isinstance(event, Act)}
        relevant = {
            fact.act for one in deliveries for fact in one.facts if isinstance(fact, Done) and fact.is_relevant
        }  # fmt: skip
        ours = tuple(account.partition(":")[2] for account in demo_settings().relevance.accounts)
        assert relevant <= acts, entry.name
        assert all(any(name in act for name in ours) or act.startswith("mastodon:") for act in acts - relevant)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_act_is_joined_to_whom_the_truth_says(seed: int, tmp_path: Path) -> None:
    world = World(
        Options(start_ms=START_MS, seed=seed, customers=60, relevant=0.8, rate=10, late=0.02, duplicates=0.03)
    )
    with FileFeed(tmp_path) as feed:
        feed.write(list(world.opening()))
        feed.write(Cursor(world.beats()).take(1 << 60, 600))
    (tmp_path / "rapport.toml").write_text(demo_toml(str(tmp_path / "data")), encoding="utf-8")
    files = [f"--in={one.name}={tmp_path / one.name}.jsonl" for one in INPUTS if feed.tally.written[one.name]]
    out = tmp_path / "out"
    answer = ask("replay", *files, "--config", tmp_path / "rapport.toml", "--out", out, "--json")
    assert answer.code == 0, answer.err
    # The truth knows no caps: nobody here says so much that they matter.
    assert not (out / "rapport.late.jsonl").read_bytes()
    newest: dict[str, tuple[int, str | None]] = {}
    for line in (out / "social.enriched.jsonl").read_bytes().splitlines():
        value = orjson.loads(line)["value"]
        owner = None if value["retracted"] else value["customer"]["id"]
        newest[value["act"]["id"]] = max((value["revision"], owner), newest.get(value["act"]["id"], (-1, None)))
    joined = {act: who for act, (_, who) in newest.items() if who is not None}
    assert joined == {act: who for act, who in feed.truth.owners().items() if who is not None}
    assert len(joined) > 120
