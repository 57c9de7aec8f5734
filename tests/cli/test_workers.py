"""`rapport run --workers N`: they share, are looked after, and leave together."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.transport.dev_kafka import free_port
from tests.cli.place import PATIENCE_S, TEXT, Place, Worker, post
from tests.cli.rapport import rapport
from tests.cli.shell import config_in


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def said(crew: Worker, event: str, slot: str | None = None) -> list[Any]:
    return [line for line in crew.lines() if line["event"] == event and slot in {None, line.get("slot")}]


def wait_for(crew: Worker, event: str, slots: set[str], count: int = 1) -> None:
    """Until each of these has said it so often."""
    ends_at = time.monotonic() + PATIENCE_S
    while not all(len(said(crew, event, slot)) >= count for slot in slots):
        assert crew.process.poll() is None, crew.said.read_text(encoding="utf-8")
        assert time.monotonic() < ends_at, crew.said.read_text(encoding="utf-8")
        time.sleep(0.05)


def processes(crew: Worker) -> dict[str, int]:
    """The workers' processes by slot."""
    pids = subprocess.run(
        ["ps", "-ww", "--ppid", str(crew.process.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    words = [line.split() for line in pids.splitlines()]
    return {line[line.index("--slot") + 1]: int(line[0]) for line in words if "--slot" in line}


def test_they_share_the_work_are_started_again_and_leave_together(place: Place) -> None:
    port = free_port()
    place.feed("raw.people", '{"id":"1","name":"Ann","bluesky":"did:plc:ann"}')
    crew = place.worker("--workers", "2", "--metrics-port", str(port))
    started = crew.wait_until("workers start")
    assert (started["slots"], started["metrics_ports"]) == (["0", "1"], [port, port + 1])
    wait_for(crew, "StateRestored", {"0", "1"})
    for number in started["metrics_ports"]:
        with urllib.request.urlopen(f"http://127.0.0.1:{number}/metrics", timeout=10) as answer:
            assert b"rapport_restores_total" in answer.read()
    place.feed("raw.sky", *(post("did:plc:ann", f"a{number}") for number in range(7)))
    place.wait_for({f"a{number}" for number in range(7)})
    # One is killed: its place is taken by another process with the same slot, and nothing is lost or doubled.
    os.kill(processes(crew)["1"], signal.SIGKILL)
    place.feed("raw.sky", *(post("did:plc:ann", f"b{number}") for number in range(7)))
    wait_for(crew, "worker starts", {"1"}, 2)
    (died,) = said(crew, "WorkerDied")
    assert (died["slot"], died["how"], died["deaths"]) == ("1", "killed by SIGKILL", 1)
    place.wait_for({f"b{number}" for number in range(7)})
    assert crew.stop() == 0, crew.said.read_text(encoding="utf-8")
    assert {line["slot"] for line in said(crew, "worker left")} == {"0", "1"}
    assert crew.lines()[-1]["event"] == "workers left"
    assert sorted(place.acts()) == sorted(f"{letter}{number}" for letter in "ab" for number in range(7))


def test_told_to_stop_they_commit_and_leave_within_a_second(place: Place) -> None:
    crew = place.worker("--workers", "2")
    wait_for(crew, "StateRestored", {"0", "1"})
    place.feed("raw.sky", *(post("did:plc:ann", f"a{number}") for number in range(200)))
    pids = processes(crew)
    began = time.monotonic()
    crew.process.send_signal(signal.SIGTERM)
    while len(said(crew, "worker stops")) < 2:
        assert time.monotonic() < began + PATIENCE_S
        time.sleep(0.01)
    # A second is the promise; a machine that does other things as well gets one more.
    assert time.monotonic() - began < 2
    assert crew.process.wait(PATIENCE_S) == 0
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_without_the_one_that_looks_after_them_they_leave_in_good_order(place: Place) -> None:
    crew = place.worker("--workers", "2")
    wait_for(crew, "StateRestored", {"0", "1"})
    pids = processes(crew)
    crew.process.kill()
    crew.process.wait()
    ends_at = time.monotonic() + PATIENCE_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids.values()):
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    # Their slots are free again, and what they had is committed.
    place.feed("raw.sky", post("did:plc:ann", "later"))
    assert place.worker("--slot", "0").wait_until("worker starts")


def test_a_problem_of_one_stops_all_with_what_it_said(place: Place) -> None:
    """A port that is taken: nobody can work as told, and nobody is left behind."""
    port = free_port()
    first = place.worker("--metrics-port", str(port))
    first.wait_until("worker starts")
    crew = rapport(
        "run",
        "-c",
        str(place.config),
        "--workers",
        "2",
        "--metrics-port",
        str(port),
        "--slot",
        "mine",
        cwd=place.folder,
    )
    assert crew.returncode == 1
    last = crew.stderr.strip().splitlines()[-1]
    assert "worker mine-0 ended with exit code 1, so all left: error: observe.metrics_port: want a free port" in last
    assert "[mine-1] " in crew.stderr
    assert "WorkerDied" not in crew.stderr
    assert first.process.poll() is None


def test_what_cannot_be_reached_at_the_start_ends_all(tmp_path: Path) -> None:
    config = config_in(tmp_path, TEXT + '[state]\nredis_url = "redis://127.0.0.1:1"\n')
    found = rapport("run", "-c", str(config), "--workers", "2", "--json", cwd=tmp_path)
    assert found.returncode == 3
    lines = found.stderr.strip().splitlines()
    assert "Redis cannot be reached: is it running?" in lines[-1]
    assert {json.loads(line)["level"] for line in lines[:-1]} == {"info", "error"}, "one JSON object a line"


def test_a_number_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    config = str(config_in(tmp_path, TEXT))
    assert rapport("run", "-c", config, "--workers", "0", cwd=tmp_path).returncode == 2
    found = rapport("run", "-c", config, "--workers", "3", "--metrics-port", "65534", cwd=tmp_path)
    assert found.returncode == 2
    assert "metrics ports up to 65535, got 65536" in " ".join(found.stderr.replace("│", " ").split())
