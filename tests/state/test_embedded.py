"""The embedded redis-server: shared by processes, gone with the last of them, however it ends."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.errors import Fatal
from streams.state import embedded
from streams.state.embedded import EmbeddedRedis
from streams.state.redis_client import check_server, connect

ROOT = Path(__file__).resolve().parents[2]
USER = """
import sys, time
from streams.state.embedded import EmbeddedRedis
server = EmbeddedRedis(sys.argv[1])
print("ready", flush=True)
time.sleep(60)
"""


def server_pid(server: EmbeddedRedis) -> int:
    client = connect(server.url)
    try:
        return int(client.info("server")["process_id"])
    finally:
        client.close()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended and was not yet taken note of is not running.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "not within ten seconds"
        time.sleep(0.01)


class OtherProcess:
    """Another process that uses the server."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def end(self, number: signal.Signals) -> None:
        """To its whole group, as a terminal does with Ctrl-C."""
        os.killpg(self._process.pid, number)
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own folder: its name may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="rapport-test-") as name:
        yield Path(name)


def test_it_is_fit_to_keep_state_and_open_to_this_user_only(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        client = connect(server.url)
        check_server(client)
        assert client.info("server")["tcp_port"] == 0
        assert not [module for module in client.module_list() if module[b"path"]], "nothing but what is built in"
        client.close()
        assert stat.S_IMODE(Path(server.socket).stat().st_mode) == 0o700


def test_it_stops_with_its_last_user_and_keeps_what_was_written(folder: Path) -> None:
    with EmbeddedRedis(folder) as one:
        pid = server_pid(one)
        with EmbeddedRedis(folder) as two:
            assert server_pid(two) == pid
            client = connect(two.url)
            client.set("kept", "1")
            client.close()
        assert is_running(pid), "one still uses it"
        assert server_pid(one) == pid
    assert not is_running(pid)
    with EmbeddedRedis(folder) as again:
        client = connect(again.url)
        assert client.get("kept") == b"1"
        client.close()


def test_without_persistence_it_begins_empty(folder: Path) -> None:
    for _ in range(2):
        with EmbeddedRedis(folder, persist=False) as server:
            client = connect(server.url)
            assert client.dbsize() == 0
            client.set("gone", "1")
            client.close()
    assert not (folder / "appendonlydir").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_it_outlives_the_process_that_started_it_while_another_uses_it(folder: Path, number: signal.Signals) -> None:
    other = OtherProcess(folder)
    with EmbeddedRedis(folder) as server:
        pid = server_pid(server)
        other.end(number)
        time.sleep(0.3)
        assert server_pid(server) == pid
    assert not is_running(pid)


def test_it_stops_when_its_only_user_is_killed(folder: Path) -> None:
    other = OtherProcess(folder)
    with EmbeddedRedis(folder) as server:
        pid = server_pid(server)
    other.end(signal.SIGKILL)
    wait_until(lambda: not is_running(pid))
    with EmbeddedRedis(folder) as server:
        assert server_pid(server) != pid


@pytest.mark.skipif(sys.platform != "linux", reason="finds the guard by /proc")
def test_a_killed_guard_takes_the_server_along_and_the_next_start_is_clean(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        pid = server_pid(server)
        guard = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda: not is_running(pid))
        with EmbeddedRedis(folder) as again:
            assert server_pid(again) != pid


def test_a_killed_server_is_started_again(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        client = connect(server.url)
        client.set("kept", "1")
        client.close()
        pid = server_pid(server)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: embedded._answers(client) and client.get("kept") == b"1")
        client.close()
        assert server_pid(server) != pid


def test_a_folder_with_a_long_name_gets_its_socket_elsewhere(folder: Path) -> None:
    deep = folder / ("long" * 20) / ("name" * 20)
    with EmbeddedRedis(deep) as server:
        place = Path(server.socket).parent
        assert deep not in place.parents
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        with EmbeddedRedis(deep) as other:
            assert server_pid(other) == server_pid(server)
    assert not place.exists()


def test_two_folders_have_two_servers(folder: Path) -> None:
    with EmbeddedRedis(folder / "a") as one, EmbeddedRedis(folder / "b") as two:
        assert server_pid(one) != server_pid(two)


def test_a_server_that_does_not_start_is_told_with_its_last_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_START_S", 0.5)
    manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
    manifest.parent.mkdir()
    manifest.write_text("nonsense\n")
    with pytest.raises(Fatal, match=r"manifest.*move the folder away|move the folder away"):
        EmbeddedRedis(folder)
    wait_until(lambda: not _is_guarded(folder))


def _is_guarded(folder: Path) -> bool:
    probe = object.__new__(EmbeddedRedis)
    probe._folder = folder
    return probe._is_guarded()


def test_without_any_redis_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "VERSION_MIN", (99, 0))
    with pytest.raises(Fatal, match="install one, or set `redis_url`"):
        embedded.find_server()
