"""What is written about the configuration is what the configuration is."""

import tomllib
from pathlib import Path

from config.load import load
from config.reference import FILE, WRITE, default_toml, reference, toml, undocumented
from config.settings import Settings


def test_the_file_of_defaults_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == default_toml(), f"config/default.toml is stale: run `{WRITE}`"


def test_the_file_of_defaults_loads_as_the_defaults() -> None:
    assert load(FILE, {}) == (Settings(), [])


def test_its_example_of_an_input_is_an_input(tmp_path: Path) -> None:
    """Taking away the signs in front of it makes it one."""
    head, _, example = default_toml().partition("#[[inputs]]")
    lines = [line if line.startswith("# ") else line.removeprefix("#") for line in example.splitlines()]
    file = tmp_path / "c.toml"
    file.write_text(f"{head}[[inputs]]\n" + "\n".join(lines))
    found, problems = load(file, {})
    assert problems == []
    assert found is not None
    assert [(one.name, one.format) for one in found.inputs] == [("bluesky", "bluesky.jetstream")]


def test_every_setting_has_a_reason() -> None:
    assert undocumented() == [], "say in config/settings.py, below the field, what it means and why it is so"


def test_the_reference_names_every_setting_with_its_default() -> None:
    text = reference()
    for section, values in tomllib.loads(default_toml()).items():
        part = text.split(f"### `[{section}]`\n")[1].split("\n### ")[0]
        for name, value in values.items():
            if not isinstance(value, list | dict):
                assert f"| `{name}` | `{toml(value)}`" in part
    assert "| `look_back_ms` | `86_400_000` (1 day) |" in text
    assert "| `format` | required |" in text


def test_values_survive_their_spelling() -> None:
    for value in ("", 'a"b\\c\n', True, 12_345, -0.5, ["a"], {"a": [1, 2.5]}):
        assert tomllib.loads(f"v = {toml(value)}") == {"v": value}
