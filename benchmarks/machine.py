"""What the figures were measured on: enough to tell two of them apart, and nothing that names anybody's machine."""

import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("confluent-kafka", "msgspec", "orjson", "redis", "hiredis", "hyperscan", "google-re2")
_ROOT = Path(__file__).resolve().parents[1]


def described() -> dict[str, str]:
    """Date, commit, processor, system and versions."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: _version(name) for name in _LIBRARIES},
    }


def of_servers(redis: str, *, is_own_broker: bool) -> dict[str, str]:
    """Of broker and Redis; of somebody else's broker the version is not known."""
    from confluent_kafka import libversion

    from streams.transport.dev_kafka_jars import KAFKA_VERSION

    kafka = f"{KAFKA_VERSION}, one node" if is_own_broker else "somebody else's"
    return {"librdkafka": libversion()[0], "kafka": kafka, "redis-server": redis}


def _commit() -> str:
    """Abbreviated; with a + where tracked files of the product differ from it."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git(
            "status", "--porcelain", "--untracked-files=no", "--", "streams", "schemas", "topologies", "config"
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+" if changed else head


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603, S607


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:
        return "none"
