"""`rapport run` as processes: they work, share, stop when told, and say what they do."""

import json
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.place import PATIENCE_S, TEXT, Place, post
from tests.cli.rapport import begun, rapport
from tests.cli.shell import ask, config_in


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def test_workers_share_the_work_and_leave_in_good_order(place: Place) -> None:
    place.feed("raw.people", '{"id":"1","name":"Ann","bluesky":"did:plc:ann"}')
    one = place.worker()
    started = one.wait_until("worker starts")
    assert (started["slot"], started["role"], started["inputs"]) == ("0", "both", ["sky", "people"])
    place.feed("raw.sky", *(post("did:plc:ann", f"a{number}") for number in range(7)))
    place.wait_for({f"a{number}" for number in range(7)})
    two = place.worker()
    assert two.wait_until("worker starts")["slot"] == "1"
    two.wait_until("StateRestored")
    place.feed("raw.sky", *(post("did:plc:ann", f"b{number}") for number in range(7)))
    assert one.stop() == 0
    place.wait_for({f"b{number}" for number in range(7)})
    assert one.lines()[-1]["event"] == "worker left"
    assert two.stop(signal.SIGINT) == 0
    assert sorted(place.acts()) == sorted([f"a{number}" for number in range(7)] + [f"b{number}" for number in range(7)])
    assert all(line["level"] == "info" for worker in (one, two) for line in worker.lines()), "nobody had to be told off"


def test_a_worker_that_comes_back_goes_on_where_it_was(place: Place) -> None:
    place.feed("raw.people", '{"id":"1","name":"Ann","bluesky":"did:plc:ann"}')
    place.feed("raw.sky", post("did:plc:ann", "a"))
    first = place.worker()
    place.wait_for({"a"})
    assert first.stop() == 0
    place.feed("raw.sky", post("did:plc:ann", "b"))
    place.worker("--slot", "again")
    place.wait_for({"b"})
    assert sorted(place.acts()) == ["a", "b"]


def test_a_slot_belongs_to_one_worker(place: Place) -> None:
    one = place.worker("--slot", "mine")
    assert one.wait_until("worker starts")["slot"] == "mine"
    two = rapport("run", "-c", str(place.config), "--slot", "mine", cwd=place.folder)
    assert two.returncode == 1
    assert "--slot: want a slot of its own, found 'mine' taken by a worker that runs" in two.stderr


def test_metrics_can_be_read(place: Place) -> None:
    taken = place.worker("--metrics-port", "19187")
    taken.wait_until("StateRestored")
    with urllib.request.urlopen("http://127.0.0.1:19187/metrics", timeout=10) as answer:
        assert b"rapport_restores_total" in answer.read()
    other = rapport("run", "-c", str(place.config), "--metrics-port", "19187", cwd=place.folder)
    assert other.returncode == 1
    assert "want a free port, found 19187 taken" in other.stderr


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    assert "inputs: want at least one, got none" in ask("run", "-c", config_in(tmp_path)).err
    wrong = ask("run", "-c", config_in(tmp_path, "[engine]\npartitions = 0\napp = 'A'\n"))
    assert wrong.code == 1
    assert "engine.partitions: want 1 to 1,024, got 0" in wrong.err
    assert "engine.app: want small letters" in wrong.err
    assert "2 problems; nothing was started" in wrong.err
    assert ask("run", "-c", config_in(tmp_path), "--slot", "../x").code == 2


def test_a_redis_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    found = rapport(
        "run", "-c", str(config_in(tmp_path, TEXT + '[state]\nredis_url = "redis://127.0.0.1:1"\n')), cwd=tmp_path
    )
    assert found.returncode == 3
    assert "Redis cannot be reached: is it running?" in found.stderr
    assert "Traceback" not in found.stderr


def test_tail_follows_what_comes(place: Place) -> None:
    place.feed("raw.sky", '{"n":0}', '{"n":1}')
    following = begun("tail", "sky", "-n", "1", "--follow", "--json", "-c", str(place.config), cwd=place.folder)
    try:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["value"] in ({"n": 0}, {"n": 1})
        place.feed("raw.sky", '{"n":2}')
        assert json.loads(following.stdout.readline())["value"] == {"n": 2}
        following.send_signal(signal.SIGINT)
        assert following.wait(timeout=PATIENCE_S) == 0
    finally:
        following.kill()
        following.communicate()


def test_nothing_is_left_running(place: Place) -> None:
    """The redis-server of one's own goes with its last user."""
    worker = place.worker()
    worker.wait_until("worker starts")
    assert worker.stop() == 0
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(place.folder / "data") not in found
