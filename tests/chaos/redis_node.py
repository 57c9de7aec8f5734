"""A real redis-server of the suite's own, that can be treated badly: killed, emptied, set back, filled, put to sleep."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.state.embedded import find_server
from streams.transport.dev_kafka import free_port

_START_S = 20.0
_LOOK_S = 0.02


class RedisNode:
    """One server of one folder, without persistence but for the dumps it is told to make."""

    def __init__(self, folder: Path) -> None:
        """Starts it."""
        self._folder, self.port = folder, free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self._dump, self._kept = folder / "dump.rdb", folder / "kept.rdb"
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Any = redis.Redis(
            port=self.port, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        self.start()

    def start(self) -> None:
        """With the state of the dump, if there is one."""
        command = [
            find_server(),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "no", "--databases", "1", "--maxmemory-policy", "noeviction"),
        ]
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with (self._folder / "redis.log").open("ab") as said:
            self._process = subprocess.Popen(command, stdout=said, stderr=said)
        end = time.monotonic() + _START_S
        while not self.answers():
            assert time.monotonic() < end, f"redis-server did not start: {self._folder / 'redis.log'}"
            time.sleep(_LOOK_S)

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return bool(self.client.ping())
        except redis.exceptions.RedisError:
            return False

    def kill(self) -> None:
        """As a power cut would have it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def restart(self, *, save: bool) -> None:
        """Killed and started again, with what it had just now, or empty."""
        if save:
            self.client.save()
        else:
            self._dump.unlink(missing_ok=True)
        self.kill()
        self.start()

    def keep(self) -> None:
        """Remember what it holds now."""
        self.client.save()
        shutil.copyfile(self._dump, self._kept)

    def roll_back(self) -> None:
        """Killed and started again with what it was told to `keep`."""
        self.kill()
        shutil.copyfile(self._kept, self._dump)
        self.start()

    def sleep(self, seconds: float) -> None:
        """Connections stay open, nothing answers."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop it."""
        self.client.close()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()
