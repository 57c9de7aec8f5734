"""Snapshots of contacts: JSON and CSV, as payloads and as files."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.normalise.crm import model, normaliser, read, told
from topologies.contact_files import rows_of_file

PLAIN = normaliser("contacts")
AT = 1_751_328_000_000
LINE = f"set contact:51 @{AT} name=Ann Lee email=email:ann@a.example x=handle:x:ann"
ROW = {"id": "51", "name": "Ann Lee", "email": "ann@a.example", "x": "@ann", "updated_at": "2025-07-01T00:00:00Z"}

SAME: dict[str, Any] = {
    "JSON": ROW,
    "JSON with a number for its id": ROW | {"id": 51},
    "JSON with a list of handles": ROW | {"x": ["@ann"]},
    "JSON, time in milliseconds": ROW | {"updated_at": AT},
    "JSON, a day": ROW | {"updated_at": "2025-07-01"},
    "an array": [ROW],
    "CSV": b"id,name,email,x,updated_at\n51,Ann Lee,ann@a.example,@ann,2025-07-01T00:00:00Z",
    "CSV with semicolons": b"id;name;email;x;updated_at\r\n51;Ann Lee;ann@a.example;@ann;2025-07-01\r\n",
    "CSV with tabs": b"id\tname\temail\tx\tupdated_at\n51\tAnn Lee\tann@a.example\t@ann\t1751328000000",
    "CSV in quotes": b'"id","name","email","x","updated_at"\n"51","Ann Lee","ann@a.example","@ann","2025-07-01"',
    "CSV with a mark in front": b"\xef\xbb\xbfid,name,email,x,updated_at\n51,Ann Lee,ann@a.example,@ann,2025-07-01",
    "CSV with names as people write them": b"ID,Full Name,E-Mail,Twitter,Updated At\n51,Ann Lee,ann@a.example,@ann,2025-07-01",
}


@pytest.mark.parametrize("form", SAME)
def test_a_contact_is_the_same_in_every_form(form: str) -> None:
    assert told(PLAIN, SAME[form]) == [LINE]


def test_a_missing_column_changes_nothing_and_an_empty_cell_clears() -> None:
    assert told(PLAIN, {"id": 51, "email": None, "x": ""}) == ["set contact:51 @received email=- x=-"]
    assert told(PLAIN, b"id,email,x\n51,,") == ["set contact:51 @received email=- x=-"]
    assert told(PLAIN, b"id,email,x\n51,ann@a.example") == ["set contact:51 @received email=email:ann@a.example"]


def test_companies_and_cases_are_rows_too() -> None:
    assert told(PLAIN, {"id": 3, "object": "company", "name": "Acme"}) == ["set company:3 @received name=Acme"]
    case = {"id": 9, "object": "Case", "status": "open", "contact_id": 51}
    assert told(PLAIN, case) == ["set case:9 @received status=open contact=record:contacts:contact:51"]
    person = {"id": 51, "company": "Acme", "external_id": "hubspot:7"}
    assert told(PLAIN, person) == ["set contact:51 @received company=Acme external_id=record:hubspot:contact:7"]


def test_a_row_can_say_that_its_record_is_gone_or_there_again() -> None:
    assert told(PLAIN, {"id": 51, "name": "Ann", "deleted": True}) == ["delete contact:51 @received"]
    assert told(PLAIN, {"id": 51, "name": "Ann", "deleted": "no"}) == ["restore contact:51 @received name=Ann"]


def test_key_source_and_columns_are_configured() -> None:
    normalise = normaliser("contacts", model("region"), source="erp", key="Customer No", fields={"tier": "Segment"})
    (arrival,) = read(normalise, b"customer no;segment;region\nA 7;gold;north").arrivals
    assert arrival.address == "record:erp:contact:A%207"
    assert arrival.event.fields == {"tier": "gold", "region": "north"}


def test_the_later_of_two_lines_counts_when_neither_has_a_time() -> None:
    first, second = read(PLAIN, b"id,tier\n51,gold\n51,silver").arrivals
    assert first.event.position < second.event.position
    (third,) = read(PLAIN, {"id": 51, "tier": "bronze"}, offset=8).arrivals
    assert second.event.position < third.event.position


def test_one_bad_row_does_not_harm_the_others() -> None:
    rows = [{"id": 1}, {"name": "x"}, 7, {"id": 2, "updated_at": "soon"}, {"id": 3, "object": "deal"}, {"id": 4}]
    assert told(PLAIN, rows) == [
        "set contact:1 @received",
        "set contact:4 @received",
        "refused $[1].id",
        "refused $[2]",
        "refused $[3].updated_at",
        "refused $[4].object",
    ]


BAD: list[bytes | None] = [
    None,
    b"",
    b"{",
    b"7",
    b"id,name",
    b"\xff\xfe,\n1,2",
    b"id,name\n1,\xff",
    b"id,name\n1,Ann,Lee",
    b"[" * 5000,
    b'{"id": NaN}',
]


@pytest.mark.parametrize("payload", BAD)
def test_what_is_neither_json_nor_csv_is_refused(payload: bytes | None) -> None:
    assert told(PLAIN, payload) == ["refused $"]


def test_a_time_nobody_believes_is_the_receive_time() -> None:
    for when in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 0):
        assert told(PLAIN, {"id": 1, "updated_at": when}) == ["set contact:1 @received"]
    assert told(PLAIN, {"id": 1, "updated_at": "0000-01-01T00:00:00Z"}) == ["refused $.updated_at"]


# ------------------------------------------------------------ files


def rows(folder: Path, name: str, content: bytes) -> list[bytes]:
    file = folder / name
    file.write_bytes(content)
    return list(rows_of_file(file))


def test_a_file_of_json_lines_is_its_lines(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"id": 1}\r\n\n {"id": 2} \n{broken') == [
        b'{"id": 1}',
        b'{"id": 2}',
        b"{broken",
    ]


def test_a_file_with_one_array_is_its_elements(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.json", b'[\n {"id": 1},\n {"id": 2}\n]') == [b'{"id": 1}', b'{"id": 2}']
    assert rows(tmp_path, "b.jsonl", b'[{"id": 1}]\n[{"id": 2}]') == [b'[{"id": 1}]', b'[{"id": 2}]']


def test_each_row_of_a_csv_file_brings_its_header(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbfid;name\r\n1;"Lee; Ann\r\nof Acme"\r\n\r\n2;"B ""x"""\r\n'
    found = rows(tmp_path, "a.csv", content)
    assert [told(PLAIN, payload) for payload in found] == [
        ["set contact:1 @received name=Lee; Ann\r\nof Acme"],
        ['set contact:2 @received name=B "x"'],
    ]


def test_a_row_that_is_no_utf8_is_refused_alone(tmp_path: Path) -> None:
    found = rows(tmp_path, "a.csv", b"id,name\n1,Ann\n2,\xff\n3,Bea\n")
    assert [told(PLAIN, payload) for payload in found] == [
        ["set contact:1 @received name=Ann"],
        ["refused $"],
        ["set contact:3 @received name=Bea"],
    ]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"id,name\n"])
def test_a_file_without_rows_has_none(tmp_path: Path, content: bytes) -> None:
    assert rows(tmp_path, "a.csv", content) == []


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20).map(str.strip)


@given(st.lists(st.tuples(CELLS.filter(bool), CELLS), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_what_a_spreadsheet_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]], delimiter: str
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(
        [("id", "name"), *((f"n{n}", name) for n, (_, name) in enumerate(table))]
    )
    found = rows(tmp_path_factory.mktemp("csv"), "a.csv", out.getvalue().encode())
    names = [read(PLAIN, payload).arrivals[0].event.fields["name"] for payload in found]
    assert names == [name or None for _, name in table]
