"""Whatever a source sends: it never stops the work, never hurts what stands beside it, and never vanishes.

bad payload ─► rapport.dlq with the cause and its path     too late, or too much ─► rapport.late with the reason
the payloads before and behind it ─► joined as if it were not there
"""

import tracemalloc
from collections.abc import Iterator

import pytest

from config.settings import RelevanceSettings, Settings
from schemas.state import STATE_BYTES_MAX
from streams.runtime.facts import KindUnknown
from streams.transport.sqlite_log import RECORD_BYTES_MAX
from tests.stories.machine import Machine, dumps, iso

ANN = "did:plc:ann"
DEEP = b'{"did":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
HUGE = b'{"did":"did:plc:ann","kind":"commit","text":"acme ' + b"x" * (20 << 20) + b'"}'
INPUTS = ("bluesky", "mastodon", "x", "hubspot", "salesforce", "rows", "contacts", "sightings", "decisions")


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    made.put("contacts", made.contact("1", name="Ann", bluesky=ANN))
    made.drain()
    yield made
    made.close()


def neighbours_are_unharmed(machine: Machine, before: bytes, *bad: bytes | None, name: str = "bluesky") -> None:
    """A post, what is bad, and another post, all in one partition."""
    machine.put("bluesky", before)
    machine.put(name, *bad)
    machine.put("bluesky", machine.bluesky_post(ANN, "after", "acme again"))
    machine.drain()
    assert ("bluesky:did:plc:ann/app.bsky.feed.post/after", "contacts:contact:1") in machine.pairs()
    machine.judge()


UNREADABLE = {
    "broken JSON": b'{"did":"did:plc:ann","kind":"commit", acme',
    "not JSON at all": b"acme <html>",
    "invalid UTF-8": b'{"did":"did:plc:ann","kind":"commit","text":"acme \xff\xfe"}',
    "nested without end": DEEP,
    "a list of nothing": b"[[[]]]",
    "a bare number": b"17",
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_set_aside_with_its_cause(name: str, what: str) -> None:
    # Every act matters here, so that firehoses cannot pass over it unread either.
    machine = Machine(Settings(relevance=RelevanceSettings(relevance="all")))
    machine.put("contacts", machine.contact("1", name="Ann", bluesky=ANN))
    bad = UNREADABLE[what]
    neighbours_are_unharmed(machine, machine.bluesky_post(ANN, "before", "acme"), bad, name=name)
    letters = [record for record in machine.records(machine.topology.dlq) if record.value() == bad]
    unknown = machine.told(KindUnknown)
    assert letters or unknown, "it vanished"
    assert all(cause.strip() for cause in machine.causes())
    machine.close()


def test_a_payload_of_twenty_mebibytes_is_refused_in_a_letter_that_fits() -> None:
    # Brokers can be set to let it through; the log for one machine is told to, here.
    machine = Machine(record_bytes_max=32 << 20)
    machine.put("contacts", machine.contact("1", name="Ann", bluesky=ANN))
    machine.drain()
    neighbours_are_unharmed(machine, machine.bluesky_post(ANN, "before", "acme"), HUGE)
    (letter,) = machine.records(machine.topology.dlq)
    assert len(letter.value() or b"") <= RECORD_BYTES_MAX
    assert "bytes" in machine.causes()[0]
    machine.close()


def test_wrong_types_of_what_people_write_do_not_lose_the_act(machine: Machine) -> None:
    odd = machine.bluesky_post(ANN, "odd", "acme", langs=[7, None], reply="yes", facets={"no": "list"}, embed=3)
    neighbours_are_unharmed(machine, odd)
    assert ("bluesky:did:plc:ann/app.bsky.feed.post/odd", "contacts:contact:1") in machine.pairs()


@pytest.mark.parametrize("name", INPUTS)
def test_a_null_value_is_no_payload_and_no_crash(machine: Machine, name: str) -> None:
    neighbours_are_unharmed(machine, machine.bluesky_post(ANN, "before", "acme"), None, name=name)


@pytest.mark.parametrize(
    "claimed",
    [
        "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "yesterday", 17, None, "",
    ],
)  # fmt: skip
def test_a_time_nobody_believes_becomes_the_receive_time(machine: Machine, claimed: object) -> None:
    odd = machine.bluesky_post(ANN, "odd", "acme", createdAt=claimed)
    neighbours_are_unharmed(machine, odd)
    (act,) = [value["act"] for _, value in machine.outputs("enriched") if value["act"]["id"].endswith("/odd")]
    assert abs(int(act["received_at"][:4]) - int(act["at"][:4])) <= 1


@pytest.mark.parametrize("number", [1 << 64, -(1 << 64), 1 << 200, 1e400, -1])
def test_integers_of_any_length(machine: Machine, number: float) -> None:
    text = b'{"did":"did:plc:ann","time_us":%s,"kind":"commit","commit":{"rev":"3k","operation":"delete","collection":"app.bsky.feed.post","rkey":"1"}}'
    odd = text % str(number).encode()
    event = b'[{"eventId":%s,"subscriptionType":"contact.propertyChange","objectId":%s,"occurredAt":%s,"propertyName":"firstname","propertyValue":"Ann"}]'
    written = str(number).replace("inf", "1e999").encode()
    neighbours_are_unharmed(machine, machine.bluesky_post(ANN, "before", "acme"), odd.replace(b"inf", b"1e999"))
    machine.put("hubspot", event % (written, written, written))
    machine.drain()
    machine.judge()


def test_ten_thousand_handles_on_one_contact(machine: Machine) -> None:
    handles = " ".join(f"@ann{number}" for number in range(10_000))
    line = machine.contact("1", name="Ann", bluesky=ANN, x=handles)
    neighbours_are_unharmed(machine, machine.bluesky_post(ANN, "before", "acme"), line, name="contacts")
    refused = [value for _, value in machine.outputs("links") if value["status"] == "refused"]
    assert machine.causes() or refused, "nobody was told that handles were left out"
    state = machine.records(machine.topology.changelog)
    assert all(len(record.value() or b"") <= STATE_BYTES_MAX for record in state)


def test_a_crowd_of_acts_of_one_author_takes_bounded_memory_and_nothing_is_unaccounted_for() -> None:
    """What is kept of an author does not grow with what the author says: a thousand acts show it as well as a million."""
    machine = Machine(Settings(relevance=RelevanceSettings(relevance="all")))
    sizes, total = [], 0
    for _ in range(5):
        posts = [machine.bluesky_post("did:plc:bot", f"p{total + n}", f"spam {total + n}") for n in range(200)]
        machine.put("bluesky", *posts)
        total += len(posts)
        machine.drain()
        items = machine.items("account:bluesky:did:plc:bot")
        sizes.append(sum(len(machine.topology.encode_item(item)) for item in items.values()))
    assert max(sizes) <= 2 * sizes[0] + 4_096, sizes
    kept = sum(name.startswith("act:") for name in machine.items("account:bluesky:did:plc:bot"))
    sealed = {value["act"]["id"] for _, value in machine.outputs("unmatched")}
    late = [value for _, value in machine.outputs("late")]
    early = {value["act"] for value in late if value["reason"].startswith("sealed early")}
    forgotten = {value["act"] for value in late} - early
    assert early, "acts that were sealed early are said to be"
    assert early <= sealed
    assert kept + len(sealed | forgotten) == total, f"{total} acts, {kept} kept, {len(sealed)} sealed"
    machine.judge()
    machine.close()


def test_memory_does_not_grow_with_bad_input(machine: Machine) -> None:
    bad = dumps({"did": ANN, "kind": "commit", "commit": "acme" * 50, "time_us": "x"})
    for _ in range(2):
        machine.put("bluesky", *[bad] * 400, *[machine.bluesky_post(ANN, f"n{n}", "acme") for n in range(600)])
        machine.drain()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    machine.put("bluesky", *[bad] * 400, *[machine.bluesky_post(ANN, f"m{n}", "acme") for n in range(600)])
    machine.drain()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # What the log in memory keeps of 1,000 records, and nothing that grows beside it.
    assert after - before < 8 << 20


def test_a_claimed_future_moves_no_window(machine: Machine) -> None:
    ahead = iso(machine.clock.now_ms() + 3_600_000)
    neighbours_are_unharmed(machine, machine.bluesky_post(ANN, "ahead", "acme", createdAt=ahead))
    (act,) = [value["act"] for _, value in machine.outputs("enriched") if value["act"]["id"].endswith("/ahead")]
    assert act["at"] == act["received_at"]
