"""Reaching a Redis server: connecting, checking that it is fit to keep state, and its errors in our words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.errors import Fatal, Retryable

VERSION_MIN = (6, 2)
_TIMEOUT_S = 5.0
"""Longer than any script of ours takes, by far; a server that is silent for so long is stuck."""

_RETRY_WORDS = {
    "OOM": "is out of memory: raise its `maxmemory`, or give the application more partitions on more servers",
    "MISCONF": "refuses writes because it cannot save to disk: make room on its disk",
    "READONLY": "is a replica: the address must lead to the master",
    "LOADING": "is loading its data after a start",
    "BUSY": "is busy with somebody's long script",
    "CLUSTERDOWN": "says its cluster is down",
    "MASTERDOWN": "has lost its master",
    "NOREPLICAS": "refuses writes until it has enough replicas",
    "TRYAGAIN": "is moving the keys",
}
# The client takes the code out of the text of these.
_CODES: dict[type[Exception], str] = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.TryAgainError: "TRYAGAIN",
}
_CREDENTIALS = (
    redis.exceptions.AuthenticationError,
    redis.exceptions.AuthorizationError,
    redis.exceptions.NoPermissionError,
)
_RETRY_CODE = re.compile(r"\b(" + "|".join(_RETRY_WORDS) + r")\b")


def connect(url: str, password: str = "") -> redis.Redis:
    """A client for `redis://host:port/db`, `rediss://…` or `unix:///path`. Connects with the first call.

    Raises `Fatal` for an address with a password in it: addresses are logged, passwords must not be.
    """
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None or "password=" in parts.query
    except ValueError:
        raise Fatal("redis_url: want redis://host:port/db, got something that is not an address") from None
    if has_password:
        raise Fatal("redis_url: want an address without a password; put the password into `redis_password_file`")
    try:
        return redis.Redis.from_url(
            url,
            password=password or None,
            protocol=3,
            decode_responses=False,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            # A connection that the server has closed meanwhile is replaced at once; everything else is the caller's.
            retry=Retry(NoBackoff(), 1),
            health_check_interval=15,
        )
    except ValueError as error:
        raise Fatal(f"redis_url: want redis://host:port/db, rediss://… or unix:///path, got {url!r}") from error


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the client as ours. What can pass by itself is `Retryable`; the rest needs a person."""
    try:
        yield
    except redis.exceptions.RedisError as error:
        raise in_our_words(error) from error


def in_our_words(error: Exception) -> Retryable | Fatal:
    """The error to raise for one of the client's. Never holds the password: the client's texts do not either."""
    in_text = _RETRY_CODE.search(str(error))
    code = _CODES.get(type(error)) or (in_text[1] if in_text else None)
    if code is not None:
        return Retryable(f"Redis {_RETRY_WORDS[code]} ({error})")
    if isinstance(error, _CREDENTIALS):
        return Fatal("Redis refuses the credentials: check `redis_password_file` and the rights of its user")
    if isinstance(error, redis.exceptions.TimeoutError):
        return Retryable(f"Redis did not answer in {_TIMEOUT_S:.0f} s: look at its load and at the network ({error})")
    if isinstance(error, redis.exceptions.ConnectionError):
        return Retryable(f"Redis cannot be reached: is it running? ({error})")
    return Fatal(f"Redis refused a command: is somebody else using the keys of this application? ({error})")


def check_server(client: redis.Redis) -> None:
    """Raise `Fatal` unless the server is fit to keep state: a master, new enough, never evicting, no cluster node."""
    with translated():
        info: dict[str, Any] = {}
        for section in ("server", "replication", "memory", "cluster"):
            info |= client.info(section)
    problems = []
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < VERSION_MIN:
        problems.append(f"version: want 6.2 or newer, found {version}; upgrade the server")
    if info.get("role") != "master":
        problems.append(f"role: want master, found {info.get('role')}; use the address of the master")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        problems.append(
            f"maxmemory-policy: want noeviction, found {policy}; with another one state vanishes silently; "
            "run CONFIG SET maxmemory-policy noeviction and put it into redis.conf"
        )
    if info.get("cluster_enabled"):
        problems.append("cluster-enabled: want no, found yes; use a server of its own for this application")
    if problems:
        raise Fatal("Redis is not fit to keep state:\n  " + "\n  ".join(problems))
