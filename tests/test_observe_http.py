"""Who asks how it goes gets an answer, and nobody else; what is sent here is bounded."""

import http.client
import io
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from streams.errors import Fatal
from streams.observe import Observer
from streams.observe import server as http_server
from streams.observe.health import Health
from streams.observe.server import CONNECTIONS_MAX, REQUEST_BYTES_MAX, Server
from streams.runtime import facts
from streams.runtime.status import Status

TOKEN = "a token of some length"
STATUS = Status(
    tasks=(0, 1), restoring=(), raw=("raw.a[0]",), inbox_lag=0, residents=0, upto=(0, 0, 0), held_by=("", 0)
)  # fmt: skip


class Place:
    """An observer that answers, and its clock."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.observer = Observer(out=io.StringIO(), registry=CollectorRegistry())
        self.observer.health = Health(60_000, lambda: self.seconds)
        self.servers: list[Server] = []

    def serve(self, **more: Any) -> Server:
        self.servers.append(self.observer.serve(0, **more))
        return self.servers[-1]

    def ask(self, path: str, method: str = "GET", server: Server | None = None, **headers: str) -> tuple[int, str]:
        server = server or (self.servers[0] if self.servers else self.serve())
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask_json(self, path: str) -> tuple[int, dict[str, Any]]:
        code, text = self.ask(path)
        return code, json.loads(text)


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    for server in made.servers:
        server.close()


def test_alive_while_the_loop_turns(place: Place) -> None:
    place.seconds += 60
    assert place.ask_json("/health") == (200, {"status": "live", "turned_s_ago": 60.0})
    place.seconds += 1
    code, said = place.ask_json("/health")
    assert code == 503
    assert said["status"] == "stuck"
    assert "has not turned for 61 s, want a turn every 60 s" in said["reason"]
    place.observer.turned()
    assert place.ask_json("/health")[0] == 200


def test_a_loop_that_stands_says_what_it_had_last_tried_and_names_nobody(place: Place) -> None:
    place.observer(facts.CallRetried(what="commit", reason="brokers are down, said ann@a.example"))
    place.seconds += 61
    reason = place.ask_json("/health")[1]["reason"]
    assert "61 s ago: commit: brokers are down" in reason
    assert "ann" not in reason


def test_what_is_waited_for_is_said_while_the_loop_turns(place: Place) -> None:
    place.observer.show(replace(STATUS, waits_for="the log to take a commit: no leader"), 0)
    assert place.ask_json("/health") == (
        200, {"status": "live", "turned_s_ago": 0.0, "waits_for": "the log to take a commit: no leader"}
    )  # fmt: skip


def test_ready_once_it_has_joined_and_works_on_all_it_owns(place: Place) -> None:
    code, said = place.ask_json("/ready")
    assert (code, said["missing"]) == (503, ["the worker is starting"])
    missing = ("group toy.fold: not joined yet", "toy.inbox[1]: its state is being restored")
    place.observer.show(replace(STATUS, missing=missing), 0)
    assert place.ask_json("/ready") == (503, {"status": "not ready", "missing": list(missing)})
    assert "rapport_ready 0.0" in place.ask("/metrics")[1]
    place.observer.show(STATUS, 0)
    assert place.ask_json("/ready") == (200, {"status": "ready", "inbox": [0, 1], "raw": ["raw.a[0]"]})
    assert "rapport_ready 1.0" in place.ask("/metrics")[1]


def test_a_worker_that_is_stuck_is_not_ready(place: Place) -> None:
    place.observer.show(STATUS, 0)
    place.seconds += 61
    code, said = place.ask_json("/ready")
    assert code == 503
    assert "has not turned" in said["missing"][0]


def test_other_paths_and_methods_are_refused_in_words(place: Place) -> None:
    assert place.ask("/")[0] == 404
    assert place.ask("/metrics/../health")[0] == 404
    for path in ("/metrics", "/health", "/ready"):
        assert place.ask(path, "POST")[0] == 405


@pytest.mark.parametrize("path", ["/metrics", "/health", "/ready", "/else"])
def test_with_a_token_only_who_has_it_is_answered(place: Place, path: str) -> None:
    server = place.serve(token=TOKEN)
    place.observer.show(STATUS, 0)
    wanted = 404 if path == "/else" else 200
    assert place.ask(path, server=server, Authorization=f"Bearer {TOKEN}")[0] == wanted
    for wrong in ("", TOKEN, "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer \xe4"):
        code, text = place.ask(path, server=server, Authorization=wrong)
        assert code == 401, wrong
        assert "rapport_" not in text
    assert place.ask(path, server=server)[0] == 401


def test_no_other_machine_may_ask_without_a_token(place: Place) -> None:
    with pytest.raises(
        Fatal, match=r"observe\.metrics_host: want 127\.0\.0\.1 where there is no token, found '0\.0\.0\.0'"
    ):
        place.serve(host="0.0.0.0")
    server = place.serve(host="0.0.0.0", token=TOKEN)
    assert place.ask("/health", server=server)[0] == 401
    assert place.ask("/health", server=server, Authorization=f"Bearer {TOKEN}")[0] == 200


def test_a_token_that_can_be_guessed_is_refused(place: Place) -> None:
    with pytest.raises(Fatal, match=r"metrics_token_file: want a token of at least 16 characters, found one of 6"):
        place.serve(token="secret")


def test_an_address_that_is_not_ours_is_said_in_words(place: Place) -> None:
    with pytest.raises(Fatal, match=r"observe\.metrics_port: want a free port"):
        place.serve(host="192.0.2.1", token=TOKEN)


def send(server: Server, *parts: bytes) -> bytes:
    """What comes back until the other side hangs up; it may do so at any time."""
    found = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while part := connection.recv(65536):
                found += part
        except OSError:
            pass
    return found


def test_a_request_without_end_is_cut_off(place: Place) -> None:
    """No more is read than a request may take: what stands behind it is never seen."""
    server = place.serve(token=TOKEN)
    filler = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 500) for number in range(2 * REQUEST_BYTES_MAX // 500))
    found = send(server, b"GET /health HTTP/1.0\r\n", filler, b"Authorization: Bearer %s\r\n\r\n" % TOKEN.encode())
    assert b"200" not in found[:20]
    found = send(server, b"GET /" + b"x" * (4 * REQUEST_BYTES_MAX) + b" HTTP/1.0\r\n\r\n")
    assert b"200" not in found[:20]
    assert place.ask("/health", server=server, Authorization=f"Bearer {TOKEN}")[0] == 200


def test_nonsense_stops_nothing(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    server = place.serve()
    for nonsense in (
        b"\0\xff\r\n\r\n",
        b"\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/9\r\n\r\n",
        b"GET /health\xff HTTP/1.0\r\nA\r\n\r\n",
    ):
        send(server, nonsense)
    socket.create_connection(("127.0.0.1", server.port)).close()
    assert place.ask("/health")[0] == 200
    assert capfd.readouterr().err == "", "and is no news"


def test_who_says_nothing_takes_a_place_for_a_while_only(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "CONNECTION_S_MAX", 0.5)
    server = place.serve()
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(CONNECTIONS_MAX)]
    try:
        closed = [threading.Thread(target=connection.recv, args=[1]) for connection in silent]
        for thread in closed:
            thread.start()
        for thread in closed:
            thread.join(30)
            assert not thread.is_alive(), "still connected"
        assert place.ask("/health")[0] == 200
    finally:
        for connection in silent:
            connection.close()


def test_a_body_is_not_waited_for(place: Place) -> None:
    found = send(place.serve(), b"GET /health HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n")
    assert b" 200 " in found[:20]
