"""Environment → the settings it overrides: `RAPPORT_<SECTION>__<NAME>=value`.

    RAPPORT_ENGINE__PARTITIONS=16                  numbers, true and false as in TOML
    RAPPORT_STATE__REDIS_URL=redis://cache:6379    text as it is, without quotes
    RAPPORT_RELEVANCE__TERMS=acme,acme cloud       lists with commas, or as in TOML
    RAPPORT_SCORE__CAPS={like = 1.0}               tables as in TOML

Variables without a double underscore belong to somebody else, but for those that look like a setting with one too few.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from msgspec import inspect

from config.problems import did_you_mean
from config.read import Wrong

PREFIX = "RAPPORT_"


def overrides(env: Mapping[str, str], settings: inspect.StructType) -> tuple[dict[str, tuple[str, Any]], list[Wrong]]:
    """`path → (variable, value)`, and what is wrong with the variables' names; their path is the variable."""
    sections = {field.name: field.type for field in settings.fields if isinstance(field.type, inspect.StructType)}
    names = {
        f"{PREFIX}{section}__{field.name}".upper(): (f"{section}.{field.name}", field.type)
        for section, kind in sections.items()
        for field in kind.fields
    }
    near = {name.replace("__", "_"): name for name in names}
    found, wrong = {}, []
    for variable in sorted(env):
        if not variable.startswith(PREFIX):
            continue
        if variable in names:
            path, kind = names[variable]
            found[path] = (variable, _value(env[variable], kind))
        elif variable in near:
            wrong.append(Wrong(variable, "two underscores after the section", "one", f"write {near[variable]}"))
        elif "__" in variable:
            fix = _closest(variable, names)
            wrong.append(Wrong(variable, "a known setting", "an unknown one", fix))
    return found, wrong


def _closest(variable: str, names: Mapping[str, Any]) -> str:
    if variable.startswith(f"{PREFIX}INPUTS"):
        return "inputs stand in the file only"
    known = {name.lower(): name for name in names}
    close = did_you_mean(variable, known, "remove it, or look the name up in config/default.toml")
    for lower, name in known.items():
        close = close.replace(f" {lower}?", f" {name}?")
    return close


def _value(text: str, kind: inspect.Type) -> Any:
    """What the text stands for. Text that is no value of its kind stays text: reading it says what is wrong."""
    if isinstance(kind, inspect.StrType | inspect.LiteralType):
        return text
    is_list = isinstance(kind, inspect.VarTupleType)
    if is_list and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text
