"""Errors of the Redis client in our words: what can pass by itself is `Retryable`, the rest needs a person."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from streams.errors import Fatal, Retryable

PATIENCE_S = 5.0
"""Longer than any command of ours takes, by far; a server that is silent for so long is stuck."""

_RETRY_WORDS = {
    "OOM": "is out of memory: raise its `maxmemory`, or give the application more partitions on more servers",
    "MISCONF": "refuses writes because it cannot save to disk: make room on its disk",
    "READONLY": "is a replica: the address must lead to the master",
    "LOADING": "is loading its data after a start",
    "BUSY": "is busy with somebody's long script",
    "CLUSTERDOWN": "says its cluster is down: are the masters of all slots running?",
    "MASTERDOWN": "has lost its master",
    "NOREPLICAS": "refuses writes until it has enough replicas",
    "TRYAGAIN": "is moving the keys to another node; it goes on when they are there",
    "MOVED": "has moved the keys to another node",
    "ASK": "is moving the keys to another node; it goes on when they are there",
}
# The client takes the code out of the text of these.
_CODES: dict[type[Exception], str] = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.SlotNotCoveredError: "CLUSTERDOWN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.MovedError: "MOVED",
    redis.exceptions.AskError: "ASK",
}
_CREDENTIALS = (
    redis.exceptions.AuthenticationError,
    redis.exceptions.AuthorizationError,
    redis.exceptions.NoPermissionError,
)
_RETRY_CODE = re.compile(r"\b(" + "|".join(_RETRY_WORDS) + r")\b")
_NO_CLUSTER = ("cluster support disabled", "Cluster mode is not enabled")


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the client as ours."""
    try:
        yield
    except (redis.exceptions.RedisError, redis.exceptions.RedisClusterException) as error:
        raise in_our_words(error) from error


def in_our_words(error: Exception) -> Retryable | Fatal:
    """The error to raise for one of the client's. Never holds the password: the client's texts do not either."""
    if type(error) is redis.exceptions.RedisClusterException:
        return _of_cluster(error)
    in_text = _RETRY_CODE.search(str(error))
    code = _CODES.get(type(error)) or (in_text[1] if in_text else None)
    if code is not None:
        return Retryable(f"Redis {_RETRY_WORDS[code]} ({error})")
    if isinstance(error, _CREDENTIALS):
        return Fatal("Redis refuses the credentials: check `redis_password_file` and the rights of its user")
    if isinstance(error, redis.exceptions.TimeoutError):
        return Retryable(f"Redis did not answer in time: look at its load and at the network ({error})")
    if isinstance(error, redis.exceptions.ConnectionError):
        return Retryable(f"Redis cannot be reached: is it running? ({error})")
    return Fatal(f"Redis refused a command: is somebody else using the keys of this application? ({error})")


def _of_cluster(error: Exception) -> Retryable | Fatal:
    """The client could not learn who keeps which keys."""
    if any(words in str(error) for words in _NO_CLUSTER):
        return Fatal(
            "redis_url: want a cluster at redis+cluster://…, found a server of its own; write redis://host:port/0"
        )
    if isinstance(error.__cause__, redis.exceptions.RedisError):
        # What one node said, if any, tells why.
        return in_our_words(error.__cause__)
    return Retryable(f"Redis {_RETRY_WORDS['CLUSTERDOWN']} ({error})")
