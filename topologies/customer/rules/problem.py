"""Values of rule files in messages. The messages themselves are `config.problems`: `rapport check` prints both in one list."""

from typing import Any

from config import problems


def shown(value: Any) -> str:
    """A value as its author wrote it, more or less. What is a table in TOML is a map in YAML."""
    return f"a map of {len(value)}" if isinstance(value, dict) else problems.shown(value)
