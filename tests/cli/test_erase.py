"""`rapport erase`: a decision in the log, and a receipt that says when the last copy is gone."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from config.settings import DAY_MS
from tests.cli.live import Live, live_system
from tests.cli.rapport import rapport
from tests.cli.shell import ask
from topologies.assemble import SystemClock


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_system(tmp_path_factory.mktemp("live")) as system:
        yield system


@pytest.fixture
def someone(live: Live) -> str:
    """The id of a customer with acts, whom nobody has asked to forget yet."""
    for who, _ in Counter(live.owned().values()).most_common():
        if ask("customer", who, "--config", live.config, "--json").json["erased_at"] is None:
            return who
    raise AssertionError("everybody is forgotten")


def test_an_erased_customer_is_forgotten_and_the_receipt_says_until_when(live: Live, someone: str) -> None:
    before = ask("customer", someone, "--config", live.config, "--json").json
    answer = ask("erase", someone, "--yes", "--by", "olga", "--config", live.config, "--json")
    assert answer.code == 0, answer.err
    receipt = answer.json
    assert receipt["customer"] == someone
    assert receipt["by"] == "olga"
    # Alerts and links are kept longest of what may hold something: 30 days.
    asked = datetime.fromisoformat(receipt["asked_at"])
    assert receipt["gone_on"] == (asked + timedelta(days=31)).date().isoformat()
    assert {place["place"]: place["until"] for place in receipt["places"]}["tombstone"] == _later(receipt, days=11)
    live.settle()
    after = ask("customer", someone, "--config", live.config, "--json").json
    assert after["erased_at"] == receipt["asked_at"]
    assert not after["customer"]["name"]
    assert [after["acts"], after["links"], after["identifiers"]] == [[], [], []]
    for link in before["links"]:
        assert ask("customer", link["identifier"], "--config", live.config).code == 1


def test_it_is_an_event_in_the_log_so_that_replays_keep_it(live: Live, someone: str) -> None:
    assert ask("erase", someone, "--yes", "--config", live.config).code == 0
    last = ask("tail", "decisions", "--count", "1", "--config", live.config, "--json").lines[-1]
    assert last["topic"] == "raw.decisions"
    assert last["value"]["what"] == "erase"
    assert last["value"]["customer"] == someone
    assert abs(SystemClock().now_ms() - _ms(last["value"]["at"])) < DAY_MS


def test_people_are_told_what_becomes_of_it(live: Live, someone: str) -> None:
    page = ask("erase", someone, "--yes", "--config", live.config).out
    assert "will be forgotten" in page
    assert "last copy gone on" in page
    assert "Delete the record in the CRM as well" in page


def test_nobody_is_erased_without_being_asked_about(live: Live, someone: str) -> None:
    answer = rapport("erase", someone, "--config", "rapport.toml", cwd=live.folder)
    assert answer.returncode == 2
    assert "--yes" in answer.stderr
    assert ask("customer", someone, "--config", live.config, "--json").json["erased_at"] is None


@pytest.mark.parametrize(("who", "code"), [("hubspot:contact:404", 1), ("what?", 2)])
def test_nobody_is_taken_for_somebody_else(live: Live, who: str, code: int) -> None:
    answer = ask("erase", who, "--yes", "--config", live.config)
    assert answer.code == code


def test_without_an_input_for_decisions_it_says_the_way_out(live: Live) -> None:
    path = live.folder / "without.toml"
    path.write_text(f'[log]\ndirectory = "{live.folder / "data"}"\n[engine]\npartitions = 2\n')
    answer = ask("erase", "hubspot:contact:1", "--yes", "--config", path)
    assert answer.code == 1
    assert 'format = "decisions"' in answer.err


def _ms(time: str) -> int:
    return int(datetime.fromisoformat(time).astimezone(UTC).timestamp() * 1000)


def _later(receipt: dict[str, str], days: int) -> str:
    at = datetime.fromisoformat(receipt["asked_at"]) + timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
