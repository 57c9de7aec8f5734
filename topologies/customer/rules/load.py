"""Rule files → rules, or everything that is wrong with them.

    *.yaml ─► documents with places ─► one map per rule ─► Rule     problems of all files together, in order

Reads the files it is given and nothing else. A start with problems is a start that does not happen: no rule of a set
that has any is used.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import config
from config.problems import Problem
from topologies.customer.rules.located import BYTES_MAX, Located, Reader
from topologies.customer.rules.read import read_rule
from topologies.customer.rules.rule import Rule

RULES_MAX = 500
"""Every act of a customer is held against every rule: 500 cost about 0.15 ms."""

FILES_MAX = 1_000


def starter_rules() -> Path:
    """The folder of the rules that come with Rapport."""
    return Path(config.__file__).resolve().parent / "rules"


def load_rules(
    source: Path | str | Iterable[Path | str] | None = None, *, hold_ms: int | None = None
) -> tuple[tuple[Rule, ...], list[Problem]]:
    """All rules of a folder (`*.yaml`, `*.yml`, not deeper) or of files; None: the starter rules.

    Rules come in order of their ids, so that it does not matter which file they are in. Null `hold_ms`: how long acts
    are kept is not checked.
    """
    rules: list[Rule] = []
    problems: list[Problem] = []
    first: dict[str, tuple[str, int]] = {}
    for path in _files(starter_rules() if source is None else source, problems):
        reader = Reader(str(path))
        for at, where in _maps(reader, path):
            rule = read_rule(reader, at, where, hold_ms)
            _note_duplicate(reader, at, first)
            if rule is not None:
                rules.append(rule)
        problems += sorted(reader.problems, key=lambda problem: (problem.line, problem.column))
    if len(rules) > RULES_MAX:
        fix = "several values in one rule cost less than several rules"
        problems.append(Problem("rules", 0, 0, "$", f"at most {RULES_MAX} rules", str(len(rules)), fix))
    return tuple(sorted(rules, key=lambda rule: rule.id)), problems


def _files(source: Path | str | Iterable[Path | str], problems: list[Problem]) -> list[Path]:
    if not isinstance(source, Path | str):
        return [Path(path) for path in source]
    folder = Path(source)
    if not folder.is_dir():
        return [folder]
    found = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    if not found:
        fix = "put rules there, or leave rules.directory empty for the starter rules"
        problems.append(Problem(str(folder), 0, 0, "$", "files named *.yaml", "none", fix))
    if len(found) > FILES_MAX:
        fix = "join some of them"
        problems.append(Problem(str(folder), 0, 0, "$", f"at most {FILES_MAX} files", str(len(found)), fix))
    return found[:FILES_MAX]


def _maps(reader: Reader, path: Path) -> Iterator[tuple[Located, str]]:
    """Each rule of a file with its place: a document is one rule, or a list of them. Empty documents are fine."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as problem:
        fix = "check the path and the permissions"
        reader.wrong(Located(None, 0, 0), "$", "a file that can be read", problem.strerror or str(problem), fix)
        return
    index = 0
    for document in reader.documents(data):
        for item in document.value if isinstance(document.value, list) else [document]:
            if item.value is not None:
                yield item, f"$[{index}]"
            index += 1


def _note_duplicate(reader: Reader, at: Located, first: dict[str, tuple[str, int]]) -> None:
    """An id names one rule, over all files."""
    found = at.value.get("rule") if isinstance(at.value, dict) else None
    if found is None or not isinstance(found.value, str):
        return
    if found.value not in first:
        first[found.value] = (reader.file, found.line)
        return
    file, line = first[found.value]
    got = f"{found.value!r} again, after {file}:{line}"
    reader.wrong(found, f"{found.value}.rule", "an id of its own", got, "rename one of them")
