"""`rapport generate` as a user runs it: into a log, into files, and with what it says when it cannot."""

import json
import signal
import time
from pathlib import Path

import orjson
import pytest

from config.load import load
from streams.transport.sqlite_log import SqliteLog
from tests.cli.rapport import begun, rapport
from topologies.assemble import SystemClock
from topologies.normalise.formats import KNOWN
from topologies.traffic.settings import demo_settings


def records(directory: Path, topic: str) -> int:
    """How many records a topic holds."""
    log = SqliteLog(str(directory / "log.sqlite"), clock=SystemClock())
    try:
        return sum(log.end_offset(topic, partition) for partition in range(log.partitions(topic)))
    finally:
        log.close()


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """A folder with the configuration that goes with the traffic."""
    assert rapport("generate", "--write-config", "acme.toml", cwd=tmp_path).returncode == 0
    return tmp_path


def test_the_configuration_it_writes_is_in_order_and_is_that_of_the_traffic(configured: Path) -> None:
    settings, problems = load(str(configured / "acme.toml"), {}, KNOWN)
    assert not problems
    assert settings == demo_settings()
    again = rapport("generate", "--write-config", "acme.toml", cwd=configured)
    assert again.returncode == 2
    assert "not there yet" in again.stderr


def test_into_a_log(configured: Path) -> None:
    done = rapport(
        "generate", "-c", "acme.toml", "--rate", "400", "--count", "150", "--customers", "20", "--json", cwd=configured
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["payloads"] == summary["at_the_start"] + 150
    assert not summary["left_out"]
    for name, count in summary["by_input"].items():
        assert records(configured / ".data", f"raw.{name}") == count


def test_files_are_the_same_for_the_same_seed_and_others_for_another(tmp_path: Path) -> None:
    for name, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        done = rapport("generate", "--out", name, "--seed", seed, "--seconds", "5", "--customers", "30", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {"contacts.jsonl", "bluesky.jsonl", "rapport.toml", "truth.jsonl"} <= set(files)
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert (tmp_path / "one" / "bluesky.jsonl").read_bytes() != (tmp_path / "three" / "bluesky.jsonl").read_bytes()


def test_a_line_of_a_file_is_a_payload_or_a_delivery(tmp_path: Path) -> None:
    done = rapport("generate", "--out", "files", "--count", "400", "--customers", "30", cwd=tmp_path)
    assert "rapport replay --config files/rapport.toml" in done.stdout
    for path in (tmp_path / "files").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            value = orjson.loads(line)
            if path.stem not in {"bluesky", "contacts", "truth"}:
                assert list(value) == ["received_at", "key", "body"]


def test_without_inputs_it_says_the_way_out(tmp_path: Path) -> None:
    done = rapport("generate", cwd=tmp_path)
    assert done.returncode == 1
    assert "--write-config" in done.stderr
    assert not (tmp_path / ".data").exists()


def test_inputs_that_are_not_configured_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('[[inputs]]\nname = "crm"\nformat = "hubspot.webhook"\n')
    done = rapport("generate", "-c", "one.toml", "--count", "10", "--rate", "1000", "--customers", "10", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "left out, because the configuration has no such input" in done.stderr
    assert "Acme Cloud, which is not among relevance.terms" in done.stderr
    assert records(tmp_path / ".data", "raw.crm") > 0


def test_ctrl_c_ends_it_with_a_summary(configured: Path) -> None:
    process = begun("generate", "-c", "acme.toml", "--customers", "10", cwd=configured)
    file = configured / ".data" / "log.sqlite"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (file.exists() and _has_traffic(configured)):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "payloads" in out
    assert not err


def _has_traffic(folder: Path) -> bool:
    try:
        return records(folder / ".data", "raw.bluesky") > 0
    except Exception:  # noqa: BLE001  the log is just being made
        return False
