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


def pattern_problem(pattern: str) -> str | None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as problem:
        return problem.args[0].decode()  # type: ignore[no-any-return]
    return None


FORMATS = ("bluesky.jetstream", "mastodon.stream", "x.stream", "hubspot.webhook", "debezium", "contacts")
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


LINES: dict[str, tuple[str, str]] = {
    "a name nobody knows": (
        "[engine]\npartitons = 3",
        "c.toml:2: engine.partitons: want a known name, got an unknown one; did you mean partitions?",
    ),
    "a section nobody knows": (
        "[engin]\npartitions = 3",
        "c.toml:1: engin: want a known name, got an unknown one; did you mean engine?",
    ),
    "a name far from all others": (
        "[profile]\nzzz = 3",
        "c.toml:2: profile.zzz: want a known name, got an unknown one; known names: fields",
    ),
    "text for a number": (
        '[engine]\npartitions = "8"',
        "c.toml:2: engine.partitions: want a whole number, got '8'; write digits without quotes",
    ),
    "a fraction for a whole number": (
        "[engine]\npartitions = 8.5",
        "c.toml:2: engine.partitions: want a whole number, got 8.5; write digits without quotes",
    ),
    "true for a number": (
        "[engine]\npartitions = true",
        "c.toml:2: engine.partitions: want a whole number, got true; write digits without quotes",
    ),
    "a number for text": (
        "[engine]\napp = 8",
        "c.toml:2: engine.app: want text, got 8; put it in quotes",
    ),
    "text for true": (
        '[identity]\nsame_email = "yes"',
        "c.toml:2: identity.same_email: want true or false, got 'yes'; write it without quotes, in small letters",
    ),
    "infinity": (
        "[score]\nrisk_kappa = inf",
        "c.toml:2: score.risk_kappa: want a finite number, got inf; choose a number",
    ),
    "more than 64 bits": (
        f"[identity]\nhold_ms = {1 << 70}",
        f"c.toml:2: identity.hold_ms: want a number of at most 64 bits, got {1 << 70}; choose a smaller one",
    ),
    "a word that is no choice": (
        '[observe]\nlog_format = "jsn"',
        "c.toml:2: observe.log_format: want one of 'console', 'json', got 'jsn'; did you mean json?",
    ),
    "text for a list": (
        '[relevance]\nterms = "acme"',
        "c.toml:2: relevance.terms: want a list, got 'acme'; put it in [brackets]",
    ),
    "one wrong entry of a list": (
        '[relevance]\nterms = [\n "acme",\n 5]',
        "c.toml:2: relevance.terms[1]: want text, got 5; put it in quotes",
    ),
    "a value for a section": (
        "score = 5",
        "c.toml:1: score: want a table, got 5; write it as `[score]` with a line for each value",
    ),
    "a value for a map": (
        "[score]\ncaps = 5",
        "c.toml:2: score.caps: want a table, got 5; write it as `caps = {name = value}`",
    ),
    "an input without a format": (
        '[[inputs]]\nname = "a"',
        "c.toml:1: inputs[0].format: want a value, got nothing; add `format = …`",
    ),
    "a format nobody knows": (
        '[[inputs]]\nname = "a"\nformat = "hubspot.webhok"',
        f"c.toml:3: inputs[0].format: want one of {', '.join(FORMATS)}, got 'hubspot.webhok'; did you mean hubspot.webhook?",
    ),
    "two inputs of one name": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\n[[inputs]]\nformat = "contacts"\nname = "a"',
        "c.toml:6: inputs[1].name: want a name of its own, got 'a' again; rename one of them",
    ),
    "two inputs of one topic": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\n[[inputs]]\nname = "b"\nformat = "contacts"\ntopic = "raw.a"',
        "c.toml:7: inputs[1].topic: want a topic of its own, got 'raw.a' again; one input reads one topic: remove one of them",
    ),
    "an input from our own output": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\ntopic = "social.enriched"',
        "c.toml:4: inputs[0].topic: want a raw topic, got 'social.enriched'; Rapport writes that one itself: name the topic of the raw payloads",
    ),
    "a topic no broker takes": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\ntopic = "raw/a"',
        "c.toml:4: inputs[0].topic: want a topic: letters, digits, '.', '_' and '-', at most 249, got 'raw/a'; correct it, or remove the line for `raw.<name>`",
    ),
    "Mastodon without its server": (
        '[relevance]\nterms = ["acme"]\n[[inputs]]\nname = "a"\nformat = "mastodon.stream"',
        "c.toml:3: inputs[0].server: want a host name, got nothing; add the host whose stream this is: accounts and ids are only unique there",
    ),
    "an option of another format": (
        '[[inputs]]\nname = "a"\nformat = "hubspot.webhook"\nserver = "example.social"',
        "c.toml:4: inputs[0].server: want only for mastodon.stream, got for hubspot.webhook; remove it",
    ),
    "rows of nobody knows what": (
        '[[inputs]]\nname = "a"\nformat = "debezium"',
        "c.toml:1: inputs[0].object: want an object, got nothing; say what a row is: one of contact, company, case, or map tables to them in `tables`",
    ),
    "a table of no object of ours": (
        '[[inputs]]\nname = "a"\nformat = "debezium"\ntables = {people = "contacts"}',
        "c.toml:4: inputs[0].tables.people: want one of contact, company, case, got 'contacts'; did you mean contact?",
    ),
    "an app that is no topic": (
        '[engine]\napp = "Rap port"',
        "c.toml:2: engine.app: want small letters, digits, '.', '_' and '-', at most 63, a letter or digit first, got 'Rap port'; it begins the names of topics and groups: choose another",
    ),
    "no partitions": (
        "[engine]\npartitions = 0",
        "c.toml:2: engine.partitions: want 1 to 1,024, got 0; choose one in between: a worker can own them all, and each costs it a transaction's share",
    ),
    "commit times the wrong way round": (
        "[engine]\ncommit_ms_min = 200",
        "c.toml:2: engine.commit_ms_min: want at most engine.commit_ms_max (100), got 200; lower it, or raise engine.commit_ms_max",
    ),
    "a session shorter than its commits": (
        "[engine]\nsession_timeout_ms = 150",
        "c.toml:1: engine.commit_ms_max: want at most half of engine.session_timeout_ms (150), got 100; lower it: a worker in a commit must not be taken for dead",
    ),
    "a password in an address": (
        '[state]\nredis_url = "redis://:secret@cache:6379"',
        "c.toml:2: state.redis_url: want an address without a password, got one with a password; put the password into a file and name it in state.redis_password_file: addresses are logged",
    ),
    "an address that is none": (
        '[state]\nredis_url = "cache:6379"',
        "c.toml:2: state.redis_url: want redis://host:port, rediss://host:port or unix:///path, got 'cache:6379'; correct it, or leave it empty for an embedded server",
    ),
    "a port that is none": (
        '[state]\nredis_url = "redis://cache:99999999"',
        "c.toml:2: state.redis_url: want redis://host:port, rediss://host:port or unix:///path, got 'redis://cache:99999999'; correct it, or leave it empty for an embedded server",
    ),
    "nothing that could ever match": (
        '[[inputs]]\nname = "a"\nformat = "x.stream"',
        'c.toml: relevance: want terms, accounts or domains, got none: nothing would ever match; name your brand in relevance.terms, or set relevance.relevance = "all"',
    ),
    "a term of one letter": (
        '[relevance]\nterms = ["a"]',
        "c.toml:2: relevance.terms[0]: want 2 to 100 letters, got 'a'; a single letter is in every text; a long phrase in none",
    ),
    "a handle for an account": (
        '[relevance]\naccounts = ["bluesky:acme.example"]',
        "c.toml:2: relevance.accounts[0]: want bluesky:did:plc:…, got 'bluesky:acme.example'; handles change: look the DID up",
    ),
    "a platform nobody knows": (
        '[relevance]\naccounts = ["blusky:did:plc:a"]',
        "c.toml:2: relevance.accounts[0]: want bluesky:did:plc:… or x:<number> or mastodon:us@example.social, got 'blusky:did:plc:a'; did you mean bluesky?",
    ),
    "an account without its server": (
        '[relevance]\naccounts = ["mastodon:acme"]',
        "c.toml:2: relevance.accounts[0]: want mastodon:us@example.social, got 'mastodon:acme'; add the account's server",
    ),
    "an address for a domain": (
        '[relevance]\ndomains = ["https://acme.example/"]',
        "c.toml:2: relevance.domains[0]: want a host name like acme.example, got 'https://acme.example/'; write the host only: no https://, no path, no port",
    ),
    "a hold shorter than the look-back": (
        "[identity]\nhold_ms = 1000\nhold_unclaimed_ms = 1000",
        "c.toml:2: identity.hold_ms: want at least identity.look_back_ms (86400000), got 1000; raise it: a claim can only hold for acts that are still kept",
    ),
    "a hold longer than the inbox": (
        f"[identity]\nhold_ms = {8 * DAY_MS}\nerase_keep_ms = {30 * DAY_MS}",
        "c.toml:2: identity.hold_ms: want 1 to 604,800,000, got 691200000; choose one in between: the inbox keeps 7 days: beyond, nothing could be replayed",
    ),
    "strangers kept longer than customers": (
        f"[identity]\nhold_unclaimed_ms = {4 * DAY_MS}",
        "c.toml:2: identity.hold_unclaimed_ms: want at most identity.hold_ms (259200000), got 345600000; lower it: nobody's acts are not kept longer than a customer's",
    ),
    "an erased person who could come back": (
        f"[identity]\nhold_ms = {5 * DAY_MS}",
        "c.toml:1: identity.erase_keep_ms: want at least inbox retention + identity.hold_ms + 1 day (1123200000), got 950400000; raise it: before that an erased person could come back",
    ),
    "a source twice": (
        '[identity]\nsources = ["hubspot", "crm", "hubspot"]',
        "c.toml:2: identity.sources[2]: want each name once, got 'hubspot' again; remove one",
    ),
    "an expression that does not compile": (
        '[identity]\nblocked_patterns = ["a+", "a("]',
        "c.toml:2: identity.blocked_patterns[1]: want an RE2 regular expression, got 'a('; correct it: missing ): a(",
    ),
    "an empty blocked value": (
        '[identity]\nblocked = [" "]',
        "c.toml:2: identity.blocked[0]: want a value, got an empty one; remove it: empty never identifies",
    ),
    "a country in full": (
        '[identity]\ndefault_country = "Germany"',
        "c.toml:2: identity.default_country: want two capital letters, got 'Germany'; write it like DE, or leave it empty",
    ),
    "kappa zero": (
        "[score]\nrisk_kappa = 0",
        "c.toml:2: score.risk_kappa: want 0.001 to 1,000,000, got 0.0; choose one in between: points are divided by it",
    ),
    "points below zero": (
        "[score.engagement]\nlike = -1",
        "c.toml:2: score.engagement.like: want 0 to 1,000,000 points, got -1.0; 0 switches it off",
    ),
    "points finer than thousandths": (
        "[score.caps]\nlike = 0.1234",
        "c.toml:2: score.caps.like: want at most three digits after the point, got 0.1234; round it: points are counted in thousandths",
    ),
    "points for a kind of act nobody does": (
        "[score.engagement]\nlik = 1",
        "c.toml:2: score.engagement.lik: want a kind of act, got 'lik'; did you mean like?",
    ),
    "bands that fall": (
        '[score]\nbands = [{name="a", enter=60, leave=50}, {name="b", enter=50, leave=50}]',
        "c.toml:2: score.bands[1]: want above 'a' (60, left below 50), got 50, left below 50; put bands in rising order",
    ),
    "a band left before it is entered": (
        '[score]\nbands = [{name="a", enter=60, leave=61}]',
        "c.toml:2: score.bands[0].leave: want 0 to its enter (60), got 61.0; lower it: the gap stops flapping",
    ),
    "a band nobody can reach": (
        '[score]\nbands = [{name="a", enter=100, leave=61}]',
        "c.toml:2: score.bands[0].enter: want between 0 and 100, got 100.0; shown risk is never 100",
    ),
    "a band with the name of none": (
        '[score]\nbands = [{name="ok", enter=60, leave=50}]',
        "c.toml:2: score.bands[0].name: want another name, got 'ok'; that is the band below the first",
    ),
    "broken syntax": (
        "[engine]\npartitions = \n",
        "c.toml:2:14: $: want TOML, got 'partitions ='; Invalid value",
    ),
    "a name twice": (
        "[engine]\npartitions = 1\npartitions = 2\n",
        "c.toml:3:15: $: want TOML, got 'partitions = 2'; Cannot overwrite a value",
    ),
}


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
