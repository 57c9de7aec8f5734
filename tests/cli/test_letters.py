"""`rapport tail` and `rapport dlq` on a log that others write."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from config.load import load
from schemas.cloudevents import headers
from schemas.events import Envelope, Gone, encode_envelope
from schemas.log import Progress, encode_wire
from schemas.outputs import Alert, CustomerOut
from streams.runtime.codec import letter_headers
from streams.runtime.ports import LogRecord
from streams.transport.sqlite_log import SqliteLog
from tests.cli.shell import ask, config_in
from tests.support.clock import RealClock
from topologies.assemble import create_topics

AT = 1_760_000_000_000
INPUT = '[engine]\npartitions = 2\n[[inputs]]\nname = "people"\nformat = "contacts"\n'


class Place:
    """A log that a test writes, and its configuration."""

    def __init__(self, folder: Path) -> None:
        self.config = config_in(folder, INPUT)
        settings, problems = load(self.config, {})
        assert settings is not None, problems
        (folder / "data").mkdir()
        self.log = SqliteLog(str(folder / "data" / "log.sqlite"), clock=RealClock())
        create_topics(self.log, settings)

    def letter(
        self, value: bytes | None, cause: str, *, topic: str = "raw.people", offset: int = 0, at: int = AT,
        key: bytes | None = b"k", own: list[tuple[str, bytes]] | None = None,
    ) -> None:  # fmt: skip
        record = LogRecord(topic, 1, offset, key, value, at, own)
        said = letter_headers(record, cause=cause, path="$.a", fold="normalise", code_version="0.1")
        self.log.append("rapport.dlq", [(key, value, said, at)], 0)

    def records(self, topic: str) -> list[tuple[int, bytes | None, bytes | None, dict[str, bytes], int]]:
        found = []
        for partition in range(self.log.partitions(topic)):
            for record in self.log.reader(topic, partition).poll(1_000, 0):
                own = dict(record.headers() or ())
                found.append((partition, record.key(), record.value(), own, record.timestamp()[1]))
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.log.close()


def alert(reason: str) -> Alert:
    return Alert(
        id="a1", rule="angry-vip", model="m", status="fired", severity="high", customer=CustomerOut(id="c1"),
        episode_start="2026-01-01T00:00:00.000Z", at="2026-01-01T00:00:00.000Z", value=1, threshold=1, reason=reason,
        evidence=(), link_confidence=None, group={}, runbook=None, targets=(),
    )  # fmt: skip


def test_tail_shows_the_last_records_of_all_partitions_in_order_of_time(place: Place) -> None:
    for number in range(30):
        place.log.append("raw.people", [(None, b'{"n":%d}' % number, None, AT + number)], number % 2)
    answer = ask("tail", "people", "-c", place.config, "-n", "7", "--json")
    assert answer.code == 0
    assert [line["value"]["n"] for line in answer.lines] == [23, 24, 25, 26, 27, 28, 29]
    assert ask("tail", "raw.people", "-c", place.config, "-n", "7", "--json").out == answer.out


def test_tail_says_an_alert_in_words(place: Place) -> None:
    value = alert("Ann (gold) is angry: “again!”")
    place.log.append("alerts", [(b"a1", msgspec.json.encode(value), headers("alerts", "a1", value), AT)])
    answer = ask("tail", "alerts", "-c", place.config)
    assert "a1 fired high angry-vip: Ann (gold) is angry: “again!”" in answer.out
    (line,) = ask("tail", "alerts", "-c", place.config, "--json").lines
    assert line["value"]["reason"] == value.reason
    assert line["headers"]["ce_type"] == "rapport.alerts.v1"


def test_tail_decodes_what_the_engine_writes(place: Place) -> None:
    event = encode_envelope(Envelope(AT, Gone("bluesky:1", "~", AT, AT)))
    place.log.append("rapport.inbox", [(b"account:bluesky:did:plc:a", event, None, AT)])
    place.log.append("rapport.progress", [(b"inbox/0", encode_wire(Progress((1, 2, 3))), None, AT)])
    (line,) = ask("tail", "inbox", "-c", place.config, "--json").lines
    assert line["key"] == "account:bluesky:did:plc:a"
    assert line["value"]["event"] == {"type": "Gone", "id": "bluesky:1", "version": "~", "at": AT, "received_at": AT}
    (line,) = ask("tail", "progress", "-c", place.config, "--json").lines
    assert line["value"] == {"type": "Progress", "upto": [1, 2, 3]}


def test_tail_shows_broken_and_null_values_as_they_are(place: Place) -> None:
    place.log.append(
        "raw.people", [(b"\xff", b"\xfe\x00", None, AT), (b"k", None, None, AT), (b"k", b"{oops", None, AT)], 0
    )
    lines = ask("tail", "people", "-c", place.config, "--json").lines
    assert [line["value"] for line in lines] == [{"hex": "fe00"}, None, "{oops"]
    assert lines[0]["key"] == {"hex": "ff"}
    assert ask("tail", "people", "-c", place.config).code == 0


def test_tail_of_what_is_not_there_names_what_is(place: Place, tmp_path: Path) -> None:
    wrong = ask("tail", "alert", "-c", place.config)
    assert wrong.code == 2
    assert "did you mean alerts?" in wrong.err
    elsewhere = ask("tail", "alerts", "-c", config_in(tmp_path / "data"))
    assert elsewhere.code == 1
    assert "found none; start `rapport run` first" in elsewhere.err


def test_ls_and_show_say_what_is_wrong_and_where(place: Place) -> None:
    place.letter(b"{broken", "no JSON", offset=5)
    place.letter(b"\xff\xfe", "not text [bold]", offset=6, key=None)
    listed = ask("dlq", "ls", "-c", place.config)
    assert "no JSON" in listed.out
    assert "not text [bold]" in listed.out
    assert "raw.people[1]:5" in listed.out
    found = ask("dlq", "ls", "-c", place.config, "--json").json
    assert found["total"] == 2
    assert [letter["place"] for letter in found["letters"]] == ["0:0", "0:1"]
    one = ask("dlq", "show", "0:0", "-c", place.config, "--json").json
    assert (one["value"], one["cause"], one["path"], one["attempt"]) == ("{broken", "no JSON", "$.a", 1)
    assert "{broken" in ask("dlq", "show", "0:0", "-c", place.config).out
    assert ask("dlq", "show", "9:9", "-c", place.config).code == 2


def test_requeue_puts_records_back_whole_and_only_once(place: Place) -> None:
    place.letter(b"{broken", "no JSON", offset=5, own=[("received_at", b"123"), ("attempt", b"2")])
    event = encode_envelope(Envelope(AT, Gone("x:1", "~", AT, AT)))
    place.letter(event, "fold failed", topic="rapport.inbox", offset=9, key=b"account:x:1")
    answer = ask("dlq", "requeue", "-c", place.config, "--json")
    assert answer.json == {"dry_run": False, "letters": ["0:0", "0:1"], "written": 2, "unable": {}}
    assert place.records("raw.people") == [(1, b"k", b"{broken", {"received_at": b"123", "attempt": b"3"}, AT)]
    ((_, key, value, own, _),) = place.records("rapport.inbox")
    assert (key, value, own) == (b"account:x:1", event, {"attempt": b"1"})
    again = ask("dlq", "requeue", "-c", place.config, "--json")
    assert again.json["letters"] == []
    assert all(letter["requeued_at"] for letter in ask("dlq", "ls", "-c", place.config, "--json").json["letters"])
    assert ask("dlq", "requeue", "--again", "-c", place.config, "--json").json["written"] == 2


def test_requeue_takes_only_what_it_is_told(place: Place) -> None:
    place.letter(b"1", "no JSON", offset=1)
    place.letter(b"2", "too deep", offset=2, at=AT + 86_400_000)
    place.letter(b"3", "no JSON", offset=3, at=AT + 86_400_000)

    def tried(*options: str) -> list[str]:
        letters: list[str] = ask("dlq", "requeue", "--dry-run", "-c", place.config, "--json", *options).json["letters"]
        return letters

    assert tried() == ["0:0", "0:1", "0:2"]
    assert tried("--reason", "NO json") == ["0:0", "0:2"]
    assert tried("--since", "2025-10-10T00:00:00Z") == ["0:1", "0:2"]
    assert tried("--since", "2025-10-10T00:00:00Z", "--reason", "json") == ["0:2"]
    assert tried("0:1") == ["0:1"]
    assert place.records("raw.people") == [], "a dry run does nothing"
    assert ask("dlq", "requeue", "--since", "tomorrow", "-c", place.config).code == 2
    assert ask("dlq", "requeue", "7:7", "-c", place.config).code == 2


def test_several_parts_of_one_record_are_put_back_as_one(place: Place) -> None:
    for _ in range(3):
        place.letter(b"[1,2,3]", "part of it", offset=4)
    answer = ask("dlq", "requeue", "-c", place.config, "--json")
    assert answer.json["written"] == 1
    assert len(answer.json["letters"]) == 3
    assert len(place.records("raw.people")) == 1


def test_what_was_cut_cannot_be_put_back(place: Place) -> None:
    place.log.append("rapport.dlq", [(b"k", b"{", [("topic", b"raw.people"), ("cut_from_bytes", b"20000000")], AT)], 0)
    answer = ask("dlq", "requeue", "-c", place.config)
    assert answer.code == 1
    assert "0:0 cannot be requeued: it was too large for the log and is not whole" in answer.err
    assert place.records("raw.people") == []
