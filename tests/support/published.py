"""Holds what was written to an output topic against the schema that is published for it."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from schemas.json_schema import schema

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
"""How we write times: RFC 3339, UTC, milliseconds."""


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or TIME.fullmatch(value) is not None


_formats = FormatChecker(formats=())
_formats.checks("date-time")(_is_time)


def validator_of(schema: Mapping[str, Any]) -> Any:
    """Checks formats too; times in the one way we write them."""
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=_formats)


@lru_cache(maxsize=16)
def _validator(output: str) -> Any:
    return validator_of(schema(output))


def problems(output: str, value: bytes | None) -> list[str]:
    """What a reader of the output would refuse, each with its path. Null erases a key: nothing to read."""
    if value is None:
        return []
    return [f"{error.json_path}: {error.message}" for error in _validator(output).iter_errors(json.loads(value))]
