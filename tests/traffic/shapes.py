"""Which fields a JSON value has, however deep, and where the real payloads are."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"


def sample_lines(name: str) -> list[Any]:
    """The real payloads of a file. Skips the test where they are not at hand."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip("the real payloads are not at hand")
    return [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every field as a path; items of a list have the same path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{at}.{name}"
            yield from paths(inner, f"{at}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, at)


def fields(values: Iterable[Any]) -> set[str]:
    """Every field that any of the values has."""
    return {path for value in values for path in paths(value)}
