"""Three minutes of chaos on a real Kafka and a real Redis; `make chaos` for ten.

Every crash point is met, every part is broken once; then an oracle of its own says whether anything was lost, doubled
or wrong. And the oracle is put to the test: it has to find out broken protocols.
"""

import ast
import sys
from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.report import rows, table
from tests.chaos.trial import besiege, mutants
from tests.support.kafka_broker import need_kafka

SHORT = (
    "kill -9 of all, at P0, P2a, P3",
    "Redis: FLUSHALL",
    "SIGSTOP at P1: after the sends, before the positions",
    "kill -9 of all, at P1, P3a, P5",
    "broker: kill -9, restart",
    "rebalance storm, every 0.5 s",
    "kill -9 of all, at P2, P4, P6",
    "Redis: kill -9, empty afterwards",
    "kill -9 at P7: told to give up partitions, after the commit",
    "Redis: full for 3 s",
    "kill -9 at P8b: restore: before the store is brought up to date",
    "SIGSTOP at P4: after the commit, before the store",
    "kill -9 at P8e: rebuild: in the middle of it",
    "net from Kafka: stalled for 4 s",
    "Redis: rolled back by 2 s",
)
"""The others take their turn in `make chaos`."""
SHORT_MUTANTS = ("store before the log", "no seq check on writes", "state kept after an abort")
HAPPENS = ("enriched", "retracted", "link linked", "alert fired", "alert updated")


@pytest.fixture(autouse=True)
def _broker() -> None:
    need_kafka()


@pytest.mark.timeout(600)
def test_whatever_breaks_nothing_is_lost_doubled_or_wrong() -> None:
    done = besiege([(name, FAULTS[name]) for name in SHORT], seed=11, say=_say)
    said = f"{table(rows(done.suffered))}\n{done.told}\n{done.happened}\n{done.verdict.text()}"
    assert not done.verdict.wrong, said
    assert [one.name for one in done.suffered[1:]] == [*SHORT]
    # A trial in which little happens proves little.
    assert all(done.happened.get(what) for what in HAPPENS), said
    assert all(done.told.get(what) for what in ("how='caught up'", "how='rebuilt'", "WorkerFenced", "change='lost'")), (
        said
    )
    assert done.verdict.raw > 3_000


@pytest.mark.timeout(300)
def test_the_oracle_finds_out_broken_protocols() -> None:
    found = mutants(SHORT_MUTANTS, control=False, say=_say)
    assert all(found.values()), [name for name, wrong in found.items() if not wrong]


def test_the_oracle_uses_nothing_of_what_it_judges() -> None:
    for path in Path(__file__).parent.glob("oracle*.py"):
        names = [
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            )
        ]  # fmt: skip
        strange = [name for name in names if name.startswith(("streams.runtime", "streams.transport", "streams.state"))]
        assert not strange, f"{path.name}: {strange}"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
