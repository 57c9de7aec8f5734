"""A wrong configuration costs one read: every problem at once, each with its place, wish, value and way out."""

from pathlib import Path
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from config.load import BYTES_MAX, PROBLEMS_MAX, load
from config.problems import Problem
from config.read import shape_of
from config.reference import toml
from config.semantics import RANGES, Known
from config.settings import DAY_MS, InputSettings, Settings
from tests.config.mistakes import FORMATS, LINES


def pattern_problem(pattern: str) -> str | None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as problem:
        return problem.args[0].decode()  # type: ignore[no-any-return]
    return None


KNOWN = Known(FORMATS, ("bluesky.jetstream", "mastodon.stream", "x.stream"), pattern_problem)


def problems_of(folder: Path, text: str, **env: str) -> list[str]:
    """The problems of a configuration, as lines that begin with the file's name."""
    file = folder / "c.toml"
    file.write_text(text, encoding="utf-8")
    found, problems = load(file, env, KNOWN)
    assert (found is None) == bool(problems)
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def loaded(folder: Path, *texts: str, **env: str) -> Settings:
    files = []
    for index, text in enumerate(texts):
        files.append(folder / f"{index}.toml")
        files[-1].write_text(text, encoding="utf-8")
    found, problems = load(files, env, KNOWN)
    assert problems == []
    assert found is not None
    return found


@pytest.mark.parametrize("name", LINES)
def test_a_mistake_is_said_in_one_line(name: str, tmp_path: Path) -> None:
    text, line = LINES[name]
    assert problems_of(tmp_path, text) == [line]


def test_all_mistakes_are_said_at_once_and_in_order(tmp_path: Path) -> None:
    text = """[engine]
partitions = 0
app = "A"
[relevance]
terms = ["acme"]
accounts = ["x:acme"]
[[inputs]]
name = "a"
format = "x.strem"
[[inputs]]
nme = "b"
format = "x.stream"
"""
    found = problems_of(tmp_path, text, RAPPORT_SCORE__RISK_KAPPA="-1", RAPPORT_SCOR__CAPS="{}")
    assert [line.split(": want")[0] for line in found] == [
        "$RAPPORT_SCORE__RISK_KAPPA: score.risk_kappa",
        "$RAPPORT_SCOR__CAPS: RAPPORT_SCOR__CAPS",
        "c.toml:2: engine.partitions",
        "c.toml:3: engine.app",
        "c.toml:6: relevance.accounts[0]",
        "c.toml:9: inputs[0].format",
        "c.toml:10: inputs[1].name",
        "c.toml:11: inputs[1].nme",
    ]


def test_a_value_that_could_not_be_read_draws_no_conclusions(tmp_path: Path) -> None:
    """hold_ms falls back on its default, 3 days: below this look_back, but nobody said so."""
    text = f'[identity]\nhold_ms = "8"\nlook_back_ms = {6 * DAY_MS}'
    assert problems_of(tmp_path, text) == [
        "c.toml:2: identity.hold_ms: want a whole number, got '8'; write digits without quotes"
    ]


def test_the_defaults_are_fine() -> None:
    assert load(None, {}, KNOWN) == (Settings(), [])


def test_later_files_win_value_by_value_and_lists_as_a_whole(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        '[engine]\napp = "one"\npartitions = 3\n[relevance]\nterms = ["a1", "b1"]\n[score.caps]\nlike = 9\nrepost = 9',
        '[engine]\napp = "two"\n[relevance]\nterms = ["c1"]\n[score.caps]\nlike = 1',
    )
    assert (found.engine.app, found.engine.partitions) == ("two", 3)
    assert found.relevance.terms == ("c1",)
    assert found.score.caps == {"like": 1.0}


def test_a_problem_names_the_file_its_value_came_from(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text("[engine]\n\npartitions = 0\ncommit_ms_max = 0\n")
    second.write_text("[engine]\ncommit_ms_max = -1\n")
    found, problems = load([first, second], {}, KNOWN)
    assert found is None
    places = [(Path(one.file).name, one.line, one.path) for one in problems if one.path != "engine.commit_ms_min"]
    assert places == [("first.toml", 3, "engine.partitions"), ("second.toml", 2, "engine.commit_ms_max")]


def test_the_environment_wins(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "[engine]\npartitions = 3",
        RAPPORT_ENGINE__PARTITIONS="16",
        RAPPORT_ENGINE__APP="other",
        RAPPORT_STATE__REDIS_URL="redis://cache:6379",
        RAPPORT_RELEVANCE__TERMS="acme, acme cloud,",
        RAPPORT_RELEVANCE__DOMAINS='["acme.example"]',
        RAPPORT_IDENTITY__SAME_EMAIL="true",
        RAPPORT_SCORE__CAPS="{like = 1}",
        RAPPORT_SCORE__RISK_KAPPA="7.5",
        RAPPORT_CONFIG="not.a.setting",
        HOME="nobody",
    )
    assert (found.engine.partitions, found.engine.app) == (16, "other")
    assert found.state.redis_url == "redis://cache:6379"
    assert found.relevance.terms == ("acme", "acme cloud")
    assert found.relevance.domains == ("acme.example",)
    assert found.identity.same_email
    assert (found.score.caps, found.score.risk_kappa) == ({"like": 1.0}, 7.5)


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("RAPPORT_ENGINE__PARTITIONS", "many", "$RAPPORT_ENGINE__PARTITIONS: engine.partitions: want a whole number, got 'many'; write digits without quotes"),
        ("RAPPORT_ENGINE__PARTITIONS", "4\nx = 5", "$RAPPORT_ENGINE__PARTITIONS: engine.partitions: want a whole number, got '4\\nx = 5'; write digits without quotes"),
        ("RAPPORT_ENGINE__PARTITION", "4", "$RAPPORT_ENGINE__PARTITION: RAPPORT_ENGINE__PARTITION: want a known setting, got an unknown one; did you mean RAPPORT_ENGINE__PARTITIONS?"),
        ("RAPPORT_ENGINE_PARTITIONS", "4", "$RAPPORT_ENGINE_PARTITIONS: RAPPORT_ENGINE_PARTITIONS: want two underscores after the section, got one; write RAPPORT_ENGINE__PARTITIONS"),
        ("RAPPORT_INPUTS__0__NAME", "a", "$RAPPORT_INPUTS__0__NAME: RAPPORT_INPUTS__0__NAME: want a known setting, got an unknown one; inputs stand in the file only"),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_said_in_one_line(variable: str, value: str, line: str) -> None:
    found, problems = load(None, {variable: value}, KNOWN)
    assert (found, [str(problem) for problem in problems]) == (None, [line])


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'[engine]\napp = "\xe9"')
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    (tmp_path / "large.toml").write_text("#" * (BYTES_MAX + 1))
    names = ["missing.toml", "", "latin.toml", "deep.toml", "large.toml"]
    found, problems = load([tmp_path / name for name in names], {}, KNOWN)
    assert found is None
    assert sorted((Path(one.file).name, one.line, one.got) for one in problems) == sorted(
        [
            ("missing.toml", 0, "No such file or directory"),
            (tmp_path.name, 0, "Is a directory"),
            ("latin.toml", 2, "byte 0xe9"),
            ("deep.toml", 0, "brackets in brackets without end"),
            ("large.toml", 0, "more"),
        ]
    )


def test_a_file_from_windows_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(b"\xef\xbb\xbf[engine]\r\npartitions = 4\r\n")
    found, problems = load(file, {}, KNOWN)
    assert problems == []
    assert found is not None
    assert found.engine.partitions == 4


def test_ten_thousand_mistakes_are_counted_not_printed(tmp_path: Path) -> None:
    found = problems_of(tmp_path, f"[relevance]\nterms = [{', '.join(['5'] * 10_000)}]")
    assert len(found) == PROBLEMS_MAX + 1
    assert found[-1] == f"c.toml: $: want at most 200 problems, got {10_000 - PROBLEMS_MAX} more; put these right first"


def test_every_number_has_a_range() -> None:
    numbers = {
        f"{section.name}.{field.name}"
        for section in shape_of(Settings).fields
        if isinstance(section.type, inspect.StructType)
        for field in section.type.fields
        if isinstance(field.type, inspect.IntType | inspect.FloatType)
    }
    assert numbers - set(RANGES) == {"score.risk_per_negative"}, "give each new number a range in config/semantics.py"


def test_a_problem_without_numbers_has_no_colons_for_them() -> None:
    assert str(Problem("f", 0, 0, "p", "a", "b", "c")) == "f: p: want a, got b; c"
    assert str(Problem("f", 3, 7, "p", "a", "b", "c")) == "f:3:7: p: want a, got b; c"


NAMES = sorted(
    {
        field.name
        for section in shape_of(Settings).fields
        if isinstance(section.type, inspect.StructType)
        for field in section.type.fields
    }
)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "enter", "leave", "like", "zz"]), inner, max_size=3)
    ),
    max_leaves=6,
)
INPUT = st.dictionaries(st.sampled_from([field.name for field in shape_of(InputSettings).fields]), VALUES, max_size=4)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([field.name for field in shape_of(Settings).fields]),
        st.one_of(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), VALUES, st.lists(INPUT, max_size=3)),
        max_size=5,
    )
)
def test_no_configuration_is_a_crash(tmp_path_factory: pytest.TempPathFactory, table: dict[str, Any]) -> None:
    """Whatever stands there: settings, or problems that all have a wish, a value and a way out."""
    file = tmp_path_factory.mktemp("any") / "c.toml"
    file.write_text("\n".join(f"{name} = {toml(value)}" for name, value in table.items()), encoding="utf-8")
    found, problems = load(file, {}, KNOWN)
    assert (found is None) == bool(problems)
    for problem in problems:
        assert problem.got != ""
        assert problem.want != ""
        assert problem.fix != ""
        assert problem.want != "TOML", f"the test wrote it: {problem}"
