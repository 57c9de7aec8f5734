"""On which line of a TOML file each name stands. The parser does not say; this reads only as much as it takes.

    [identity]          identity          1
    hold_ms = 5         identity.hold_ms  2
    [[inputs]]          inputs[0]         3
    name = "a"          inputs[0].name    4

For a file the parser has accepted. Names inside inline tables and arrays have no line of their own: ask for the
nearest name around them.
"""

import re

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_TOKEN = re.compile(r"""\"{3}|'{3}|"(?:\\.|[^"\\])*"|'[^']*'|[\[\]{}]|\#""")


def lines_of(text: str) -> dict[str, int]:
    """Line numbers, from 1, by path."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix, depth, quote = "", 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        rest = line
        if not quote and depth == 0:
            if header := _HEADER.match(line):
                prefix = _table(_parts(header[2]), header[1] == "[[", counts)
                found.setdefault(prefix, number)
                continue
            if key := _KEY.match(line):
                found.setdefault(".".join([*([prefix] if prefix else []), *_parts(key[1])]), number)
                rest = line[key.end() :]
        depth, quote = _still_open(rest, depth, quote)
    return found


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _table(parts: list[str], is_array: bool, counts: dict[str, int]) -> str:
    """The path of a table; tables of arrays count from 0, and what stands under one belongs to the last."""
    path = ""
    for index, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        if is_array and index == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = f"{path}[{counts[path]}]"
    return path


def _still_open(text: str, depth: int, quote: str) -> tuple[int, str]:
    """What the line leaves open: how many brackets, and which kind of long string."""
    at = 0
    while True:
        if quote:
            end = text.find(quote, at)
            if end < 0:
                return depth, quote
            at, quote = end + 3, ""
        token = _TOKEN.search(text, at)
        if token is None or token[0] == "#":
            return depth, ""
        at = token.end()
        if token[0] in {'"""', "'''"}:
            quote = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
