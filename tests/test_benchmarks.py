"""Figures are only worth something when they are kept as they were measured, with what they were measured on."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import main
from benchmarks.case import Case, Goal, Run, compare, measure
from benchmarks.cases import BASELINES, all_cases
from benchmarks.machine import described


@contextmanager
def busy() -> Iterator[Run]:
    def run() -> int:
        return len([None for _ in range(20_000)])

    yield run


CASES = [
    Case("base", "a turn", busy, rounds=3),
    Case("met", "a turn", busy, Goal(us_max=1_000.0), rounds=2),
    Case("missed", "a turn", busy, Goal(us_max=0.0)),
    Case("slow", "a turn", busy, Goal(baseline="base", pace_min=1e9)),
    Case("alone", "a turn", busy, Goal(baseline="not measured", pace_min=1.0)),
]


def test_a_row_says_what_was_measured_and_whether_the_goal_is_met() -> None:
    shown: list[str] = []
    rows = measure(CASES, shown.append)
    compare(rows, ["base", "not measured"])
    assert [row.is_met for row in rows] == [None, True, False, False, None]
    assert [row.rounds for row in rows] == [3, 2, 7, 7, 7]
    assert {row.records for row in rows} == {20_000}
    assert all(0 < row.best_us <= row.median_us for row in rows)
    assert rows[0].paces == {"base": 1.0}
    assert shown[:6] == ["base 1/3", "met 1/2", "missed 1/7", "slow 1/7", "alone 1/7", "base 2/3"], "in turn"


def test_tables_json_and_files_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    rows, machine = measure(CASES[:3], lambda _: None), described()
    compare(rows, ["base"])
    first, second = report.keep(rows, machine), report.keep(rows, machine)
    assert first != second, "what was measured before is never written over"
    kept = json.loads(first.read_text(encoding="utf-8"))
    assert kept == json.loads(report.as_json(rows, machine))
    assert [row["name"] for row in kept["rows"]] == ["base", "met", "missed"]
    text = first.with_suffix(".md").read_text(encoding="utf-8")
    assert text == report.table(rows, machine) + "\n"
    for row in rows:
        assert f"{row.median_us:.2f}" in text


def test_a_machine_is_described_without_naming_anybody() -> None:
    found = described()
    assert {"date", "commit", "processor", "cores", "python", "sqlite", "msgspec"} <= set(found)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert re.fullmatch(r"[0-9a-f]{7,12}\+?|unknown", found["commit"])


def test_every_case_has_a_name_of_its_own_and_every_goal_its_baseline() -> None:
    cases = all_cases()
    names = [case.name for case in cases]
    assert len(names) == len(set(names))
    assert set(BASELINES) <= set(names)
    assert {case.goal.baseline for case in cases} - {""} <= set(BASELINES)
    for part in ("scan.", "normalise.", "fold.account.", "fold.customer.", "task.redis", "path.10% relevant"):
        assert any(name.startswith(part) for name in names), part


def test_a_name_that_nothing_has_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "--list"])
    assert main() == 0
    assert "path.10% relevant" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["benchmarks", "--only", "nothing of the kind"])
    assert main() == 2
    assert "path.10% relevant" in capsys.readouterr().out, "says what there is"


def test_one_round_of_a_real_case_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that needs least."""
    monkeypatch.setattr("benchmarks.payloads.PAYLOADS", 300)
    monkeypatch.setattr("sys.argv", ["benchmarks", "--only", "normalise.sightings", "--rounds", "1", "--json"])
    monkeypatch.setattr("benchmarks.__main__.BASELINES", ())
    assert main() == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["name"] == "normalise.sightings"
    assert row["records"] > 0
