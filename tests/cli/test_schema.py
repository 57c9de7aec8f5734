"""`rapport schema`."""

import json
from pathlib import Path

from schemas.generate import files
from tests.cli.shell import ask


def test_the_repository_is_fresh() -> None:
    answer = ask("schema", "--check")
    assert answer.code == 0, answer.out


def test_write_makes_a_folder_fresh_and_check_sees_what_is_stale(tmp_path: Path) -> None:
    assert ask("schema", "--check", "--out", tmp_path).code == 1
    answer = ask("schema", "--write", "--out", tmp_path, "--json")
    assert sorted(answer.json["written"]) == sorted(files())
    assert ask("schema", "--check", "--out", tmp_path).code == 0
    (tmp_path / "alerts.json").write_text("{}", encoding="utf-8")
    found = ask("schema", "--check", "--out", tmp_path, "--json")
    assert found.code == 1
    assert found.json["stale"] == ["alerts.json"]


def test_check_sees_what_breaks_readers_of_the_last_release(tmp_path: Path) -> None:
    ask("schema", "--write", "--release", "--out", tmp_path)
    assert ask("schema", "--check", "--out", tmp_path).code == 0
    old = json.loads((tmp_path / "previous" / "alerts.json").read_text(encoding="utf-8"))
    old["properties"]["mood"] = {"type": "string"}
    (tmp_path / "previous" / "alerts.json").write_text(json.dumps(old), encoding="utf-8")
    answer = ask("schema", "--check", "--out", tmp_path)
    assert answer.code == 1
    assert "breaks readers of the last release: alerts: $.mood: field removed" in answer.err


def test_one_schema_is_shown() -> None:
    assert ask("schema", "enriched").json["title"] == "Enriched"
    assert ask("schema", "asyncapi").json["asyncapi"] == "3.0.0"
    wrong = ask("schema", "nothing")
    assert wrong.code == 2
    assert "want one of alerts, asyncapi, enriched" in wrong.err.replace("\n│ ", "")
