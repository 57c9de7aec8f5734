"""`rapport generate` as a user runs it: into a log, into files, and with what it says when it cannot."""

import signal
import time
from pathlib import Path

import orjson
import pytest

from config.load import load
from streams.errors import StreamError
from streams.transport.sqlite_log import SqliteLog
from tests.cli.rapport import begun
from tests.cli.shell import ask
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
def config(tmp_path: Path) -> Path:
    """The configuration that goes with the traffic; its log is in the same folder."""
    path = tmp_path / "acme.toml"
    assert ask("generate", "--write-config", path).code == 0
    path.write_text(f'{path.read_text()}\n[log]\ndirectory = "{tmp_path / "data"}"\n')
    return path


def test_the_configuration_it_writes_is_in_order_and_is_that_of_the_traffic(tmp_path: Path) -> None:
    path = tmp_path / "new" / "acme.toml"
    assert ask("generate", "--write-config", path).code == 0
    settings, problems = load(str(path), {}, KNOWN)
    assert not problems
    assert settings == demo_settings()
    again = ask("generate", "--write-config", path)
    assert again.code == 2
    assert "not there yet" in again.err


def test_into_a_log(config: Path) -> None:
    done = ask("generate", "-c", config, "--rate", "400", "--count", "150", "--customers", "20", "--json")
    assert done.code == 0, done.err
    assert done.json["payloads"] == done.json["at_the_start"] + 150
    assert not done.json["left_out"]
    for name, count in done.json["by_input"].items():
        assert records(config.parent / "data", f"raw.{name}") == count


def test_files_are_the_same_for_the_same_seed_and_others_for_another(tmp_path: Path) -> None:
    for name, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        done = ask("generate", "--out", tmp_path / name, "--seed", seed, "--seconds", "5", "--customers", "30")
        assert done.code == 0, done.err
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {"contacts.jsonl", "bluesky.jsonl", "rapport.toml", "truth.jsonl"} <= set(files)
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert (tmp_path / "one" / "bluesky.jsonl").read_bytes() != (tmp_path / "three" / "bluesky.jsonl").read_bytes()


def test_a_line_of_a_file_is_a_payload_or_a_delivery(tmp_path: Path) -> None:
    done = ask("generate", "--out", tmp_path / "files", "--count", "400", "--customers", "30")
    assert f"rapport replay --config {tmp_path}/files/rapport.toml" in done.out
    for path in (tmp_path / "files").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            value = orjson.loads(line)
            if path.stem not in {"bluesky", "contacts", "truth"}:
                assert list(value) == ["received_at", "key", "body"]


def test_without_inputs_it_says_the_way_out(tmp_path: Path) -> None:
    done = ask("generate", RAPPORT_LOG__DIRECTORY=str(tmp_path / "data"))
    assert done.code == 1
    assert "--write-config" in done.err
    assert not (tmp_path / "data").exists()


def test_a_place_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for option, path in (("--out", file), ("--out", file / "deeper"), ("--write-config", file / "a.toml")):
        done = ask("generate", option, path)
        assert done.code == 1
        assert f"{option}: want a place that can be written, got {path}" in done.err


def test_inputs_that_are_not_configured_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    inputs = '[[inputs]]\nname = "people"\nformat = "hubspot.webhook"\n'
    path.write_text(f'[log]\ndirectory = "{tmp_path / "data"}"\n{inputs}')
    done = ask("generate", "-c", path, "--count", "10", "--rate", "1000", "--customers", "10")
    assert done.code == 0, done.err
    assert "left out, because the configuration has no such input" in done.err
    assert "Acme Cloud, which is not among relevance.terms" in done.err
    assert records(tmp_path / "data", "raw.people") > 0


def test_ctrl_c_ends_it_with_a_summary(config: Path) -> None:
    process = begun("generate", "-c", "acme.toml", "--customers", "10", cwd=config.parent)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _has_traffic(config.parent / "data"):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "payloads" in out
    assert not err


def _has_traffic(data: Path) -> bool:
    try:
        return (data / "log.sqlite").exists() and records(data, "raw.bluesky") > 0
    except StreamError:
        return False  # The log is just being made.
