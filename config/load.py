"""TOML files and environment → settings, or everything that is wrong with them.

    files ─► tables ─┐
                     ├─► one table ─► read (types) ─► check (what fits together) ─► Settings | problems
    environment ─────┘

Later files win over earlier ones, value by value, and the environment wins over all. Lists, maps of points and
`[[inputs]]` are replaced as a whole. Each problem names the place its value came from.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from config.environment import overrides
from config.problems import Problem, shown
from config.read import Wrong, read, shape_of
from config.semantics import Known, check
from config.settings import Settings
from config.toml_lines import lines_of

BYTES_MAX = 1 << 20
PROBLEMS_MAX = 200
"""More than anybody reads; the rest is counted."""

DEFAULTS = "(defaults)"
"""The place of values that nobody has set."""


class Place(NamedTuple):
    """Where a value was set; line 0: unknown."""

    file: str
    line: int


_SHAPE = shape_of(Settings)


def load(
    path: Path | str | Sequence[Path | str] | None, env: Mapping[str, str], known: Known | None = None
) -> tuple[Settings | None, list[Problem]]:
    """The settings, or None and the problems. Without a path: the defaults and the environment."""
    paths = [] if path is None else [path] if isinstance(path, Path | str) else list(path)
    problems: list[Problem] = []
    table: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for file in map(str, paths):
        parsed = _parse(file, problems)
        if parsed is not None:
            _merge(table, places, *parsed, file)
    found, wrong = overrides(env, _SHAPE)
    problems += [Problem(f"${one.path}", 0, 0, one.path, one.want, one.got, one.fix) for one in wrong]
    for name, (variable, value) in found.items():
        section, _, field = name.partition(".")
        if isinstance(table.setdefault(section, {}), dict):
            table[section][field] = value
            places[name] = Place(f"${variable}", 0)
    settings, wrong = _read_all(table, known or Known())
    default = Place(str(paths[-1]) if paths else DEFAULTS, 0)
    problems += [_placed(one, places, default) for one in wrong]
    problems.sort(key=lambda problem: (problem.file, problem.line))
    return None if problems else settings, _capped(problems)


def _parse(file: str, problems: list[Problem]) -> tuple[dict[str, Any], dict[str, int]] | None:
    """The tables of a file and the lines of its names."""
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        problems.append(Problem(file, 0, 0, "$", "a file that can be read", why, "check the path and the permissions"))
        return None
    if len(data) > BYTES_MAX:
        problems.append(Problem(file, 0, 0, "$", f"at most {BYTES_MAX:,} bytes", "more", "is it the right file?"))
        return None
    try:
        # Windows' line ends and its mark at the start of a file are no mistakes.
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text), lines_of(text)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        byte = f"byte 0x{data[problem.start]:02x}"
        problems.append(Problem(file, line, 0, "$", "UTF-8", byte, "save the file as UTF-8"))
    except tomllib.TOMLDecodeError as problem:
        problems.append(_syntax(file, text, str(problem)))
    except RecursionError:
        problems.append(Problem(file, 0, 0, "$", "TOML", "brackets in brackets without end", "is it the right file?"))
    return None


def _syntax(file: str, text: str, message: str) -> Problem:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    lines = text.split("\n")
    line, column = (int(found[1]), int(found[2])) if found else (len(lines), 0)
    return Problem(file, line, column, "$", "TOML", shown(lines[line - 1].strip()), message.partition(" (at")[0])


def _merge(
    table: dict[str, Any], places: dict[str, Place], parsed: dict[str, Any], lines: dict[str, int], file: str
) -> None:
    """Lay a file over those before."""
    for section, values in parsed.items():
        before = table.get(section)
        is_section = isinstance(values, dict) and isinstance(before, dict)
        table[section] = before | values if is_section else values
        replaced = [f"{section}.{name}" for name in values] if is_section else [section]
        for path in [path for path in places if _is_under(path, replaced)]:
            del places[path]
    places.update({path: Place(file, line) for path, line in lines.items()})


def _read_all(table: dict[str, Any], known: Known) -> tuple[Settings, list[Wrong]]:
    """Types first; then what can be said of the values that could be read."""
    wrong: list[Wrong] = []
    settings = read(table, _SHAPE, "", wrong)
    broken = {one.path for one in wrong}
    around = {outer for path in broken for outer in _outwards(path)}
    wrong += [one for one in check(settings, known) if not _rests_on(one, broken, around)]
    return settings, wrong


def _rests_on(one: Wrong, broken: set[str], around: set[str]) -> bool:
    """Whether a conclusion was drawn from a value that could not be read."""
    paths = (one.path, *one.needs)
    return any(path in around or not broken.isdisjoint(_outwards(path)) for path in paths)


def _is_under(path: str, others: Sequence[str]) -> bool:
    return any(path == other or path.startswith((f"{other}.", f"{other}[")) for other in others)


def _placed(one: Wrong, places: Mapping[str, Place], default: Place) -> Problem:
    place = next((places[path] for path in _outwards(one.path) if path in places), default)
    return Problem(place.file, place.line, 0, one.path or "$", one.want, one.got, one.fix)


def _outwards(path: str) -> Iterator[str]:
    """The path, and what it stands in."""
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]


def _capped(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= PROBLEMS_MAX:
        return problems
    last = problems[PROBLEMS_MAX]
    got = f"{len(problems) - PROBLEMS_MAX} more"
    more = Problem(last.file, 0, 0, "$", f"at most {PROBLEMS_MAX} problems", got, "put these right first")
    return [*problems[:PROBLEMS_MAX], more]
