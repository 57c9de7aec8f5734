"""The account of a replay finds what is missing and what was made up."""

from collections.abc import Iterator

import msgspec
import pytest

from config.settings import DAY_MS, EngineSettings, Settings
from schemas.events import AccountStatus, Act, Gone, Purge, ReplyTo
from schemas.state import Kept, PendingReply, encode_item
from streams.core.partition import partition_of
from streams.runtime.codec import letter_headers
from streams.runtime.ports import LogRecord, StateCommit
from streams.runtime.replay import Replay, ReplayClock
from streams.state.dict_store import DictStore
from streams.transport.sqlite_log import SqliteLog
from tests.model.cast import model
from topologies.cli.replay_account import Account, account
from topologies.social_crm import encode_event, topology

AT = 1_760_000_000_000
HOME = "account:x:7"


def act(name: str, **more: str) -> Act:
    return Act(f"x:7/{name}", "1", AT, AT, "x", "post", **more)  # type: ignore[arg-type]


class Books:
    """A log and a store that a test writes by hand."""

    def __init__(self) -> None:
        self.topology = topology(Settings(engine=EngineSettings(partitions=2)), model())
        self.log = SqliteLog(":memory:", clock=ReplayClock(AT))
        self.store = DictStore(self.log.cluster_id)
        Replay(self.topology, self.log, self.store, ReplayClock(AT), list[object]().append).close()

    def came(self, *events: object, address: str = HOME) -> None:
        self.log.append(
            self.topology.inbox, [(address.encode(), encode_event(AT, event), None, AT) for event in events]
        )

    def published(self, output: str, **document: object) -> None:
        self.log.append(self.topology.outputs[output].topic, [(b"k", msgspec.json.encode(document), None, AT)])

    def read(self, now_ms: int = AT) -> Account:
        return account(self.log, self.store, self.topology, now_ms)


@pytest.fixture
def books() -> Iterator[Books]:
    made = Books()
    yield made
    made.log.close()


def test_an_act_without_any_trace_was_lost(books: Books) -> None:
    books.came(act("a"), act("b"))
    books.published("enriched", act={"id": "x:7/a"}, revision=1)
    found = books.read()
    assert (found.acts, found.enriched, found.lost, found.adds_up) == (2, 1, ("x:7/b",), False)


def test_what_never_came_was_invented(books: Books) -> None:
    books.published("unmatched", act={"id": "x:7/a"})
    found = books.read()
    assert (found.acts, found.invented, found.adds_up) == (0, ("x:7/a",), False)


def test_each_act_counts_once_by_the_first_fate_that_fits(books: Books) -> None:
    books.came(*(act(name) for name in "abcde"), act("a"))
    books.published("enriched", act={"id": "x:7/a"}, revision=1)
    books.published("enriched", act={"id": "x:7/a"}, revision=2, retracted=True)
    books.published("unmatched", act={"id": "x:7/b"})
    books.published("late", act="x:7/b")
    books.published("late", act="x:7/c")
    books.published("late", act=None)
    books.came(Gone("x:7/d", "~", AT, AT), Gone("x:7/a", "~", AT, AT))
    value = encode_event(AT, act("e"))
    headers = letter_headers(
        LogRecord(books.topology.inbox, 0, 4, HOME.encode(), value),
        cause="c",
        path="$",
        fold="account",
        code_version="1",
    )
    books.log.append(books.topology.dlq, [(HOME.encode(), value, headers, AT)])
    found = books.read()
    assert (found.acts, found.enriched, found.unmatched, found.late, found.taken_back, found.rejected) == (
        5,
        1,
        1,
        1,
        1,
        1,
    )
    assert found.retracted == 1
    assert found.adds_up


def test_who_is_hidden_or_erased_has_taken_everything_back(books: Books) -> None:
    books.came(act("a"), AccountStatus(hidden=True, status="suspended", at=AT, received_at=AT))
    books.came(act("b"), Purge("customer:c", 1, AT), address="account:x:8")
    books.came(act("c"), AccountStatus(hidden=True, status="x", at=AT, received_at=AT), address="account:x:9")
    books.came(AccountStatus(hidden=False, status="x", at=AT + 1, received_at=AT), address="account:x:9")
    found = books.read()
    assert (found.taken_back, found.lost) == (2, ("x:7/c",))


def test_what_is_kept_is_open(books: Books) -> None:
    books.came(act("a"), act("b"))
    books.came(ReplyTo(act("r", role="reply")), address="post:x:1")
    kept: dict[str, dict[str, Kept | PendingReply]] = {
        HOME: {"act:x:7/a": Kept("1", AT, act("a")), "act:x:7/b": Kept("1", AT, None)},
        "post:x:1": {"reply:x:7/r": PendingReply(act("r", role="reply"))},
    }
    for address, items in kept.items():
        partition = partition_of(address.encode(), 2)
        changes = {address: {name: encode_item(item) for name, item in items.items()}}
        seq = (books.store.position(partition).seq or 0) + 1
        books.store.apply([StateCommit(partition, seq, changes, (), 0)])
    found = books.read()
    assert (found.acts, found.open, found.lost) == (3, 2, ("x:7/b",))


def test_our_answer_to_a_stranger_is_let_go_when_its_hold_is_over(books: Books) -> None:
    books.came(act("r", role="reply"))
    assert books.read(AT + DAY_MS).lost == ("x:7/r",)
    found = books.read(AT + 4 * DAY_MS)
    assert (found.answers, found.adds_up) == (1, True)
