"""`/metrics`, `/health` and `/ready` over HTTP, for this machine; for others only with a token.

    GET /metrics   200  everything counted                  Prometheus text
    GET /health    200  the loop turns        503 why not   JSON
    GET /ready     200  works on all it owns  503 what is missing
    no token where one is wanted: 401      other paths: 404      other methods: 405

Whatever is sent here is bounded: bytes of a request, seconds of a connection, connections at a time. Bodies are not
read. It speaks plain HTTP: a token that leaves the machine wants TLS in front of it, or a network of its own.
"""

import hmac
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from streams.errors import Fatal
from streams.observe.health import Health

LOOPBACK = "127.0.0.1"
"""Metrics name topics, partitions and rules: they are for this machine's collector, not for the network."""

TOKEN_CHARS_MIN = 16
REQUEST_BYTES_MAX = 16 << 10
CONNECTION_S_MAX = 5.0
CONNECTIONS_MAX = 8
_POLL_S = 0.1
"""How long closing may take: a worker that is told to leave has a second."""

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
App = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_STATUS = {200: "200 OK", 401: "401 Unauthorized", 404: "404 Not Found", 405: "405 Method Not Allowed"}
_UNAVAILABLE = "503 Service Unavailable"


def make_app(metrics: App, health: Health, token: str) -> App:
    """The WSGI application. `token` empty: everybody may ask."""
    wanted = f"Bearer {token}".encode()

    def answer(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if token and not hmac.compare_digest(given, wanted):
            return _said(start, _STATUS[401], {"status": "who are you?"}, ("WWW-Authenticate", "Bearer"))
        if environ["REQUEST_METHOD"] != "GET":
            return _said(start, _STATUS[405], {"status": "only GET"}, ("Allow", "GET"))
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start)
            case "/health":
                is_fine, said = health.live()
            case "/ready":
                is_fine, said = health.ready()
            case _:
                return _said(start, _STATUS[404], {"status": "there are /metrics, /health and /ready"})
        return _said(start, _STATUS[200] if is_fine else _UNAVAILABLE, said)

    return answer


class Server:
    """Answers on a thread of its own until `close`."""

    def __init__(self, port: int, host: str, token: str, metrics: App, health: Health) -> None:
        """Port 0: any free one. Raises `Fatal` when the port is taken, and for other machines without a token."""
        if token and len(token) < TOKEN_CHARS_MIN:
            raise Fatal(
                f"observe.metrics_token_file: want a token of at least {TOKEN_CHARS_MIN} characters, found one of "
                f"{len(token)}; make one with `openssl rand -hex 32`"
            )
        self._server = _listening(host, port, needs_loopback=not token)
        self._server.set_app(make_app(metrics, health, token))
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=[_POLL_S], name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _listening(host: str, port: int, *, needs_loopback: bool) -> "_HttpServer":
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if needs_loopback and not ip_address(str(address[0])).is_loopback:
            raise Fatal(
                f"observe.metrics_host: want 127.0.0.1 where there is no token, found {host!r}; "
                "name a file with a token in observe.metrics_token_file"
            )
        return _HttpServer(address[:2], family)
    except (OSError, OverflowError) as problem:
        raise Fatal(
            f"observe.metrics_port: want a free port, found {port} taken on {host}, or no such address ({problem}); "
            "name another one, one for each worker of this machine"
        ) from problem


class _HttpServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = False

    def __init__(self, address: Any, family: socket.AddressFamily) -> None:
        self.address_family = family
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without looking up our own name, which may take long and is of no use here."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread each, up to so many; who comes then has to come again."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up, or sends nonsense, is no news."""


class _Handler(WSGIRequestHandler):
    def setup(self) -> None:
        """Read no more, and no longer, than a request may take."""
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Bounded(self.connection))

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  the name of the base
        """Requests are no news."""


class _Bounded(io.RawIOBase):
    """What comes through a socket, up to a size and a time. Then it is as if the other side had said all."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._left = connection, REQUEST_BYTES_MAX
        self._ends_at = time.monotonic() + CONNECTION_S_MAX
        # For writing as well: whoever does not read is left.
        connection.settimeout(CONNECTION_S_MAX)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            return 0
        self._connection.settimeout(left_s)
        try:
            got = self._connection.recv_into(memoryview(into)[: self._left]) if self._left else 0
        finally:
            self._connection.settimeout(CONNECTION_S_MAX)
        self._left -= got
        return got


def _said(start: StartResponse, status: str, said: dict[str, Any], *headers: tuple[str, str]) -> Iterable[bytes]:
    body = json.dumps(said, ensure_ascii=False).encode() + b"\n"
    start(status, [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body))), *headers])
    return [body]
