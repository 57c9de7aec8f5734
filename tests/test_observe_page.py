"""What is written for operators names only what exists, and everything that exists has its meaning and advice."""

import importlib
import pkgutil
import re
from typing import Any

import pytest
from ruamel.yaml import YAML

import streams
import topologies
from config.settings import Settings
from streams.core.facts import Fact
from streams.observe.metrics import counted_facts
from streams.observe.page import Row, rows
from topologies.metrics_page import FILE, WRITE, metrics_page, product_facts

DOCS = FILE.parent
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}
ROWS = {row.name: row for row in rows(product_facts())}

_METRIC = re.compile(r"\b(?:rapport|process)_[a-z0-9_]+")
_SELECTED = re.compile(r"\b((?:rapport|process)_[a-z0-9_]+)\{([^}]*)\}")
_TICKED = re.compile(r"`([^`\n]+)`")
_SETTING = re.compile(r"(?:engine|log|state|relevance|identity|score|rules|profile|observe)\.[a-z_]+")


def row_of(name: str) -> Row | None:
    """The metric that a name of a sample belongs to."""
    if name in ROWS:
        return ROWS[name]
    for kind, suffixes in SUFFIXES.items():
        for suffix in suffixes:
            row = ROWS.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
            if row is not None and row.type == kind:
                return row
    return None


def rules() -> list[dict[str, Any]]:
    (group,) = YAML(typ="safe").load((DOCS / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}


def written() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.iterdir())}


def test_the_page_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == metrics_page(), f"stale: {WRITE}"


def test_every_fact_that_is_counted_is_on_the_page() -> None:
    """Also one in a module that nobody has thought of yet."""
    for package in (streams, topologies):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    ours = [kind for kind in counted_facts() if kind.__module__.startswith(("streams.", "topologies."))]
    assert ours == product_facts()


def test_no_two_metrics_share_a_name() -> None:
    names = [row.name for row in rows(product_facts())]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_metric_has_its_meaning_and_says_what_to_do(row: Row) -> None:
    for text in (row.help, row.advice):
        assert len(text.split()) >= 2, f"{row.name}: {text!r}"
        assert text.endswith((".", "?", ")")), f"{row.name}: {text!r}"
    assert row.help != row.advice
    assert row.type != "counter" or row.name.endswith("_total")
    assert row.type != "histogram" or row.name.endswith("_seconds")


@pytest.mark.parametrize("fact", product_facts(), ids=lambda fact: fact.__name__)
def test_labels_and_measures_are_fields_of_their_fact(fact: type[Fact]) -> None:
    fields = fact.__struct_fields__
    assert set(fact.labels) <= set(fields)
    assert {measure.field for measure in fact.measures} <= set(fields)
    for measure in fact.measures:
        assert list(measure.bounds_ms) == sorted(set(measure.bounds_ms))


@pytest.mark.parametrize("name", sorted(written()))
def test_what_is_named_exists(name: str) -> None:
    text = written()[name]
    for metric in _METRIC.findall(text):
        assert row_of(metric), f"{name}: there is no metric {metric}"
    for ticked in _TICKED.findall(text):
        # Where metrics are mentioned the page gives their whole names: what is left has none.
        assert not re.fullmatch(r"[a-z_]+_(total|seconds|records|bytes|ratio)", ticked) or row_of(ticked), ticked
        if _SETTING.fullmatch(ticked):
            section, _, field = ticked.partition(".")
            assert hasattr(getattr(Settings(), section), field), f"{name}: there is no setting {ticked}"
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        assert not path or (DOCS / path).exists(), f"{name}: no file {path}"
        assert not anchor or anchor in anchors(written()[path or name]), f"{name}: nothing at {target}"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_alert_rules_ask_for_what_workers_show(rule: dict[str, Any]) -> None:
    expression = rule["expr"]
    for metric, matchers in _SELECTED.findall(expression):
        row = row_of(metric)
        assert row is not None, f"there is no metric {metric}"
        for label in re.findall(r"(\w+)\s*[=!]", matchers):
            assert label in {*row.labels, "le"}, f"{metric} has no label {label}"
    known = {label for metric in _METRIC.findall(expression) if (row := row_of(metric)) for label in row.labels} | {
        "le"
    }
    for labels in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in labels.split(",")} <= known, f"by ({labels})"
    assert expression.count("(") == expression.count(")")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors((DOCS.parent / page).read_text(encoding="utf-8"))


def test_the_runbook_names_commands_that_exist() -> None:
    from topologies.cli.main import app

    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    for words in re.findall(r"`rapport ([a-z]+)(?: ([a-z]+))?", (DOCS / "runbook.md").read_text(encoding="utf-8")):
        command, sub = words
        assert command in commands | set(groups), f"there is no rapport {command}"
        if sub and groups.get(command) is not None:
            below = groups[command].registered_commands  # type: ignore[union-attr]  # a group has an application
            assert sub in {one.name or one.callback.__name__ for one in below if one.callback}, (
                f"rapport {command} {sub}"
            )
