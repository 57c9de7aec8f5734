"""Which field of a source feeds which of ours: defaults, the configuration's own, links, constants."""

from typing import Any

import pytest

from config.settings import InputSettings
from tests.normalise.crm import model
from topologies.normalise.base import Parsed
from topologies.normalise.mapping import Defaults, FieldMap

DEFAULTS: Defaults = {
    "contact": {
        "name": ("name",),
        "tier": ("tier",),
        "x": ("twitter",),
        "email": ("email",),
        "email_verified": (),
        "company": (":company_ref", "company"),
        "external_id": (),
    },
    "company": {"name": ("name",), "tier": ("tier",)},
    "case": {"status": ("status",), "contact": ("contact_id",)},
}


def values(row: dict[str, Any], kind: str = "contact", *, rows: bool = True, **fields: str) -> dict[str, str | None]:
    """A row's values, with `fields` of the configuration; a double underscore stands for a dot."""
    settings = InputSettings(name="a", format="b", fields={name.replace("__", "."): to for name, to in fields.items()})
    mapping = FieldMap(settings, model("region"), DEFAULTS, "crm", rows=rows)
    return mapping.read_row(Parsed(0), f"record:crm:{kind}:1", row)


def test_defaults_and_profile_fields_are_read_under_their_own_names() -> None:
    row = {"name": "Ann", "tier": "gold", "twitter": "@ann", "region": "north", "other": 1}
    assert values(row) == {"name": "Ann", "tier": "gold", "x": "handle:x:ann", "region": "north"}


def test_a_column_that_is_missing_changes_nothing_and_an_empty_one_clears() -> None:
    assert values({"tier": "", "twitter": None}) == {"tier": None, "x": None}


def test_the_configuration_names_another_column() -> None:
    assert values({"plan": "gold", "tier": "old"}, tier="Plan") == {"tier": "gold"}


def test_of_rows_the_default_still_counts_where_the_configured_column_is_missing() -> None:
    assert values({"name": "Acme"}, "company", name="full_name") == {"name": "Acme"}
    assert values({"name": "Acme"}, "company", name="full_name", rows=False) == {}


def test_an_empty_name_takes_a_field_away() -> None:
    assert values({"tier": "gold", "name": "Ann"}, tier="") == {"name": "Ann"}


def test_a_mapping_can_be_of_one_object_only() -> None:
    assert values({"plan": "gold"}, "company", company__tier="plan") == {"tier": "gold"}
    assert values({"plan": "gold"}, "contact", company__tier="plan") == {}


def test_a_mapping_goes_where_its_field_is_at_home() -> None:
    row = {"customer": 5, "status": "open", "segment": "a"}
    case = values(row, "case", contact="customer", segment="segment")
    assert case == {"status": "open", "contact": "record:crm:contact:5"}
    assert values(row, "contact", contact="customer", segment="segment") == {"segment": "a"}


def test_a_constant_is_always_there_and_a_value_of_the_row_is_not_asked() -> None:
    row = {"email": "ann@a.example", "tier": "silver"}
    want = {"email": "email:ann@a.example", "email_verified": "true", "tier": "gold"}
    assert values(row, email_verified="=true", tier="=gold") == want


LINKS: list[tuple[str, Any, str | None]] = [
    (":account_no", 7, "record:crm:company:7"),
    ("shop:account_no", "7", "record:shop:company:7"),
    (":account_no", "record:salesforce:company:1", "record:salesforce:company:1"),
    (":account_no", None, None),
    (":account_no", "", None),
    (":account_no", "none", None),
    (":account_no", "a b:c", "record:crm:company:a%20b%3Ac"),
    (":account_no", {"id": 7}, None),
    (":account_no", 1.5, None),
    ("account_no", "Acme", "Acme"),
    ("account_no", "record:crm:company:7", "record:crm:company:7"),
    ("account_no", "record:nonsense", None),
]


@pytest.mark.parametrize(("name", "value", "want"), LINKS)
def test_a_company_is_a_record_or_a_name(name: str, value: Any, want: str | None) -> None:
    assert values({"account_no": value}, company=name) == {"company": want}


def test_a_column_of_company_ids_is_known_by_its_name() -> None:
    assert values({"company_id": 7}, company="company_id") == {"company": "record:crm:company:7"}


def test_the_first_of_two_columns_that_is_there_counts() -> None:
    assert values({"company_ref": 7, "company": "Acme"}) == {"company": "record:crm:company:7"}
    assert values({"company": "Acme"}) == {"company": "Acme"}


EXTERNAL = [
    ("salesforce:sf_id", "0032X00002QU10J", "record:salesforce:contact:0032X00002QU10JQAT"),
    ("sf_id", "salesforce:0032X00002QU10J", "record:salesforce:contact:0032X00002QU10JQAT"),
    ("sf_id", "hubspot:contact:51", "record:hubspot:contact:51"),
    ("sf_id", "record:hubspot:contact:51", "record:hubspot:contact:51"),
    ("sf_id", "51", None),
    ("sf_id", "", None),
    ("hubspot:sf_id", 51, "record:hubspot:contact:51"),
]


@pytest.mark.parametrize(("name", "value", "want"), EXTERNAL)
def test_an_external_id_is_a_record_of_another_system(name: str, value: Any, want: str | None) -> None:
    assert values({"sf_id": value}, external_id=name) == {"external_id": want}


def test_what_is_left_out_is_noted_with_its_reason_and_what_is_too_much_is_refused_with_its_path() -> None:
    mapping = FieldMap(InputSettings(name="a", format="b"), model(), DEFAULTS, "crm", rows=True)
    out = Parsed(0)
    row = {"email": "none; see below", "twitter": [f"@a{number}" for number in range(10_000)]}
    found = mapping.read_row(out, "record:crm:contact:1", row, "$.after")
    assert found["email"] is None
    notes = [(note.field, note.why, note.amount) for note in out.notes]  # type: ignore[attr-defined]
    assert notes == [("email", "blocked", 1), ("email", "unreadable", 1)]
    assert out.refused == [("$.after.twitter", "too many identifiers in x: kept 8, left out 9992")]
