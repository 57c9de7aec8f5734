"""Reaching Redis, one server or a cluster, and checking that it is fit to keep state."""

import re
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import SSLConnection
from redis.retry import Retry

from streams.errors import Fatal
from streams.state.redis_errors import translated

VERSION_MIN = (6, 2)
_SOCKET_S = 0.5
"""To connect, and for one piece of a command to be taken. Short, since a worker that is to leave waits for it."""
_PORT = 6379
_WANT = "redis://host:port/db, rediss://…, unix:///path or redis+cluster://host:port,host:port"

# Without types there.
_node: Any = redis.cluster.ClusterNode
_parse_url: Any = redis.connection.parse_url

# Errors are the caller's to try again: it also has other things to do. The old protocol: ours is nothing but bytes.
_OPTIONS: dict[str, Any] = {
    "protocol": 2,
    "decode_responses": False,
    "socket_timeout": _SOCKET_S,
    "socket_connect_timeout": _SOCKET_S,
    "health_check_interval": 15,
    # Nothing is said before the first command: its answer is waited for with an eye on who wants to leave.
    "driver_info": None,
}


def is_cluster(url: str) -> bool:
    """Whether the address is a cluster's."""
    return url.partition("://")[0] in {"redis+cluster", "rediss+cluster"}


def connect(url: str, password: str = "") -> redis.Redis:
    """A client for `redis://host:port/db`, `rediss://…` or `unix:///path`. Connects with the first call.

    Raises `Fatal` for an address with a password in it: addresses are logged, passwords must not be.
    """
    _refuse_password(url)
    try:
        return redis.Redis.from_url(url, password=password or None, retry=Retry(NoBackoff(), 0), **_OPTIONS)
    except ValueError as error:
        raise Fatal(f"redis_url: want {_WANT}, got {url!r}") from error


def connect_cluster(url: str, password: str = "") -> RedisCluster:
    """A client for `redis+cluster://host:port,host:port,…` (some of the nodes) or `rediss+cluster://…`. Connects.

    Raises `Fatal` when it is no cluster or does not let us in, `Retryable` when none of the nodes is there.
    """
    _refuse_password(url)
    scheme, _, rest = url.partition("://")
    hosts, *more = re.split(r"(?=[/?])", rest, maxsplit=1)
    user, _, names = hosts.rpartition("@")
    try:
        nodes = [urlsplit(f"redis://{name}") for name in names.split(",")]
        startup = [_node(node.hostname, node.port or _PORT) for node in nodes if node.hostname]
        user_part = f"{user}@" if user else ""
        options = dict(_parse_url(f"{scheme.partition('+')[0]}://{user_part}{names.split(',')[0]}{''.join(more)}"))
        if len(startup) < len(nodes) or options.pop("db", 0):
            raise ValueError(url)  # noqa: TRY301  the same as what the client does not understand
    except ValueError:
        raise Fatal(f"redis_url: want redis+cluster://host:port,host:port (a cluster has no db), got {url!r}") from None
    for name in ("host", "port"):
        options.pop(name, None)
    ssl = options.pop("connection_class", None) is SSLConnection
    with translated():
        # The addresses of the configuration stay: they may be names that lead to new nodes one day.
        return RedisCluster(
            startup_nodes=startup, ssl=ssl, password=password or None, dynamic_startup_nodes=False,
            require_full_coverage=False, **_OPTIONS, **options,
        )  # fmt: skip


def check_server(client: redis.Redis) -> None:
    """Raise `Fatal` unless the server is fit to keep state: a master, new enough, never evicting, no cluster node."""
    info = _info(client)
    problems = _problems(info)
    if info.get("cluster_enabled"):
        problems.append(
            "cluster-enabled: want no, found yes; write redis_url as redis+cluster://host:port,host:port with some of the nodes"
        )
    _refuse(problems)


def check_cluster(cluster: Any) -> None:
    """The same for every master of a cluster."""
    problems = []
    for node in cluster.get_primaries():
        found = _problems(_info(cluster.get_redis_connection(node)))
        problems += [f"{node.name}: {problem}" for problem in found]
    _refuse(problems)


def _info(client: redis.Redis) -> dict[str, Any]:
    info: dict[str, Any] = {}
    with translated():
        for section in ("server", "replication", "memory", "cluster"):
            info |= client.info(section)
    return info


def _problems(info: dict[str, Any]) -> list[str]:
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
    return problems


def _refuse(problems: list[str]) -> None:
    if problems:
        raise Fatal("Redis is not fit to keep state:\n  " + "\n  ".join(problems))


def _refuse_password(url: str) -> None:
    try:
        parts = urlsplit(url)
        has_password = ":" in parts.netloc.rpartition("@")[0] or "password=" in parts.query
    except ValueError:
        raise Fatal(f"redis_url: want {_WANT}, got something that is not an address") from None
    if has_password:
        raise Fatal("redis_url: want an address without a password; put the password into `redis_password_file`")
