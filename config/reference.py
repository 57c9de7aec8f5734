"""The configuration as text, from the sections' types and what stands below each field.

`default_toml` is `config/default.toml`, `reference` a page for readers. `python -m config.reference` writes the file.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

from config.environment import PREFIX
from config.read import default_of, shape_of
from config.settings import DAY_MS, HOUR_MS, MINUTE_MS, InputSettings, Settings
from schemas.docstrings import class_doc, field_docs

FILE = Path(__file__).with_name("default.toml")
WRITE = "python -m config.reference"
WIDTH = 110

_HEAD = f"""\
Every setting with its default and the reason for it. Copy what you want to change into a file of your own and
name it with `--config`; what is not there keeps its default. Lists and tables of values are replaced as a whole.

The environment wins over files: {PREFIX}<SECTION>__<NAME>=value, for instance {PREFIX}ENGINE__PARTITIONS=16.
Passwords stand in neither: name the file that holds them. `rapport check` says what is wrong.

Made from config/settings.py by `{WRITE}`; a test holds the two together."""

_EXAMPLES: dict[str, Any] = {"name": "bluesky", "format": "bluesky.jetstream"}


def default_toml() -> str:
    """The whole configuration as a TOML file, with a reason at each value."""
    lines = _comment(_HEAD)
    for name, shape in _sections():
        lines += ["", *_comment(class_doc(shape.cls)), f"[{name}]"]
        for field in shape.fields:
            lines += [*_comment(_doc(shape, field)), _setting(field.name, default_of(field)), ""]
        lines.pop()
    lines += ["", *_comment(class_doc(InputSettings)), "#[[inputs]]"]
    for field in shape_of(InputSettings).fields:
        value = _EXAMPLES[field.name] if field.required else default_of(field)
        lines += [*_comment(_doc(shape_of(InputSettings), field)), f"#{_setting(field.name, value)}"]
    return "\n".join(lines) + "\n"


def reference() -> str:
    """The configuration reference in Markdown: a table for each section."""
    parts = []
    for name, shape in [*_sections(), ("[inputs]", shape_of(InputSettings))]:
        rows = [f"| `{field.name}` | {_shown_default(field)} | {_cell(_doc(shape, field))} |" for field in shape.fields]
        head = [f"### `[{name}]`", "", class_doc(shape.cls), "", "| name | default | meaning |", "|---|---|---|"]
        parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts) + "\n"


def undocumented() -> list[str]:
    """Paths of settings without a reason."""
    sections = [*_sections(), ("inputs", shape_of(InputSettings))]
    return [f"{name}.{field.name}" for name, shape in sections for field in shape.fields if not _doc(shape, field)]


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, msgspec.Struct):
        return toml(msgspec.structs.asdict(value))
    return "[" + ", ".join(toml(one) for one in value) + "]"


def write(path: Path = FILE) -> None:
    """Write the file of defaults."""
    path.write_text(default_toml(), encoding="utf-8")


def _sections() -> Iterator[tuple[str, inspect.StructType]]:
    for field in shape_of(Settings).fields:
        if isinstance(field.type, inspect.StructType):
            yield field.name, field.type


def _doc(shape: inspect.StructType, field: inspect.Field) -> str:
    """What stands below the field, then what stands below the fields of the structs it lists."""
    said = field_docs(shape.cls).get(field.name, "")
    if isinstance(field.type, inspect.VarTupleType) and isinstance(field.type.item_type, inspect.StructType):
        parts = field_docs(field.type.item_type.cls)
        said += "".join(f"\n`{name}`: {text}" for name, text in parts.items())
    if isinstance(field.type, inspect.LiteralType):
        said += f"\nOne of {', '.join(toml(value) for value in field.type.values if value)}."
    return said


def _setting(name: str, value: Any) -> str:
    line = f"{name} = {toml(value)}"
    return f"{line}  # {_spoken(value)}" if name.endswith("_ms") and value else line


def _spoken(duration_ms: int) -> str:
    """Milliseconds in the largest unit of which they are a whole number."""
    units = {"days": DAY_MS, "hours": HOUR_MS, "minutes": MINUTE_MS, "s": 1000, "ms": 1}
    name, size = next((name, size) for name, size in units.items() if duration_ms % size == 0)
    count = duration_ms // size
    return f"{count} {name.removesuffix('s') if count == 1 and size >= MINUTE_MS else name}"


def _comment(text: str) -> list[str]:
    lines = [line for block in text.split("\n") for line in (textwrap.wrap(block, WIDTH) if block else [""])]
    return [f"# {line}".rstrip() for line in lines]


def _shown_default(field: inspect.Field) -> str:
    if field.default is NODEFAULT and field.default_factory is NODEFAULT:
        return "required"
    value = default_of(field)
    spoken = f" ({_spoken(value)})" if field.name.endswith("_ms") and value else ""
    return f"`{toml(value)}`{spoken}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    write()
