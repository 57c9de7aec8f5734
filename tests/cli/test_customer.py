"""`rapport customer` beside a worker: everything that is known of somebody, by whatever is known of them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.live import Live, live_system
from tests.cli.shell import ask
from topologies.traffic.people import Customer


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_system(tmp_path_factory.mktemp("live")) as system:
        yield system


@pytest.fixture(scope="module")
def busiest(live: Live) -> Customer:
    """The customer who did most."""
    ((who, _),) = Counter(live.owned().values()).most_common(1)
    return next(one for one in live.world.customers if one.id == who)


def test_the_acts_and_the_accounts_are_those_of_the_truth(live: Live, busiest: Customer) -> None:
    found = ask("customer", busiest.id, "--config", live.config, "--json").json
    assert found["customer"]["id"] == busiest.id
    assert found["customer"]["name"] == busiest.person.name
    owned = [act for act, who in live.owned().items() if who == busiest.id]
    shown = {act["id"] for act in found["acts"]}
    assert shown <= set(owned)
    assert len(shown) == min(10, len(owned))
    accounts = {account.identifier for account in busiest.person.accounts}
    assert {link["identifier"] for link in found["links"] if link["is_bound"]} <= accounts
    assert all(link["link"]["evidence"] for link in found["links"])


def test_contributions_add_up_to_what_is_shown(live: Live, busiest: Customer) -> None:
    found = ask("customer", busiest.id, "--config", live.config, "--json").json
    total = sum(part["points"] for part in found["contributions"])
    assert total == pytest.approx(found["score"]["engagement"] + found["score"]["risk"], abs=0.01)
    assert found["acts_counted"] > 0


def test_whoever_the_truth_knows_is_found_with_all_their_acts(live: Live) -> None:
    for who, count in sorted(Counter(live.owned().values()).items())[::4]:
        found = ask("customer", who, "--config", live.config, "--json").json
        assert len(found["acts"]) == min(10, count), who


def test_any_identifier_leads_to_the_customer(live: Live, busiest: Customer) -> None:
    found = ask("customer", busiest.id, "--config", live.config, "--json").json
    known = [*found["identifiers"], *(link["identifier"] for link in found["links"])]
    assert busiest.email in {one.removeprefix("email:") for one in known}
    for identifier in [*known, busiest.email, busiest.phone, f"customer:{busiest.id}"]:
        answer = ask("customer", identifier, "--config", live.config, "--json")
        assert answer.code == 0, (identifier, answer.err)
        assert answer.json["customer"]["id"] == busiest.id, identifier


def test_a_second_record_leads_to_the_customer_it_belongs_to(live: Live) -> None:
    twins = [one for one in live.world.customers if one.twin and one.known and not one.gone]
    assert twins
    answer = ask("customer", f"hubspot:contact:{twins[0].twin}", "--config", live.config, "--json")
    assert answer.json["customer"]["id"] == twins[0].id
    assert f"hubspot:contact:{twins[0].twin}" in answer.json["records"]


def test_people_get_one_page(live: Live, busiest: Customer) -> None:
    page = ask("customer", busiest.id, "--config", live.config).out
    assert page.startswith(busiest.person.name)
    for title in ("Score", "Links", "Open episodes", "Last acts"):
        assert f"\n{title}\n" in page


@pytest.mark.parametrize(
    ("who", "wish"),
    [
        ("hubspot:contact:404", "found nobody for 'hubspot:contact:404'"),
        ("nobody@nowhere.example", "email:nobody@nowhere.example"),
        ("@nobody", "handle:x:nobody"),
        ("what?", "want a customer's id like hubspot:contact:51"),
    ],
)
def test_somebody_unknown_is_said_with_the_way_out(live: Live, who: str, wish: str) -> None:
    answer = ask("customer", who, "--config", live.config)
    assert answer.code == 1
    assert wish in answer.err
    assert not answer.out


def test_without_a_log_it_says_so(tmp_path: Path) -> None:
    answer = ask("customer", "hubspot:contact:1", RAPPORT_LOG__DIRECTORY=str(tmp_path / "none"))
    assert answer.code == 1
    assert "found none" in answer.err
    assert not (tmp_path / "none").exists()
