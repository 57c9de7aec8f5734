"""The files under `schemas/published`: what subscribers generate their readers from. Kept in the repository.

    published/<output>.json          JSON Schema of each output
    published/asyncapi.json          every topic, AsyncAPI 3.0
    published/previous/<output>.json the same as of the last release: readers of these must not break

Files are made here and held against the repository by a test; `rapport schema --write`, or `python -m schemas.generate`,
writes them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from schemas.asyncapi import document
from schemas.json_schema import schemas

PUBLISHED = Path(__file__).with_name("published")
WRITE = "rapport schema --write"


def files() -> dict[str, bytes]:
    """Content by file name, relative to `published`."""
    found = {f"{output}.json": _bytes(schema) for output, schema in schemas().items()}
    return found | {"asyncapi.json": _bytes(document())}


def stale(folder: Path = PUBLISHED) -> list[str]:
    """Names of files that are missing, differ, or should not be there."""
    wanted = files()
    there = {path.name for path in folder.glob("*.json")}
    changed = {name for name, content in wanted.items() if name in there and (folder / name).read_bytes() != content}
    return sorted(changed | (wanted.keys() ^ there))


def write(folder: Path = PUBLISHED) -> list[str]:
    """Make the folder fresh; the names of what was changed."""
    names, wanted = stale(folder), files()
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in wanted:
            (folder / name).write_bytes(wanted[name])
        else:
            (folder / name).unlink()
    return names


def release(folder: Path = PUBLISHED) -> list[str]:
    """Keep the schemas as those of a release: from here on their readers must not break. The names of the files."""
    previous = folder / "previous"
    previous.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (previous / f"{name}.json").write_bytes(_bytes(schema))
    return sorted(path.name for path in previous.glob("*.json"))


def previous(folder: Path = PUBLISHED) -> dict[str, dict[str, Any]]:
    """The schemas of the last release, by output."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((folder / "previous").glob("*.json"))}


def _bytes(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    sys.stdout.write("".join(f"written: {name}\n" for name in write()))
