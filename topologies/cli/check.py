"""`rapport check`: everything that is wrong, at once, before a worker finds out bit by bit.

configuration · rules and the tests inside them · topics · Redis · the relevance scan · an estimate of the size
"""

import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.text import Text

from config.load import load
from config.settings import Settings
from streams.errors import Retryable, StreamError
from topologies.cli.configured import rules_folder, rules_shown
from topologies.cli.shell import PROBLEMS, UNREACHABLE, Configs, Json, answer_json, answers, problem_json, problem_text
from topologies.normalise.formats import KNOWN

Kind = Literal["fine", "note", "problem", "unreachable"]
_MARKS: dict[Kind, tuple[str, str]] = {
    "fine": ("✓", "green"),
    "note": ("!", "yellow"),
    "problem": ("✗", "bold red"),
    "unreachable": ("?", "bold red"),
}


class Finding(msgspec.Struct, frozen=True):
    """What one look came to. `problem`: with its place, where it has one."""

    area: str
    kind: Kind
    text: str
    problem: Any = None


def check(
    config: Configs = [],  # noqa: B006  typer wants a list
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="DIR", help="Check these rules instead of the configured ones.")
    ] = None,
    customers: Annotated[int, typer.Option(help="For the estimate: how many customers.", min=0)] = 100_000,
    acts: Annotated[int, typer.Option(help="For the estimate: relevant acts a day.", min=0)] = 100_000,
    as_json: Json = False,
) -> None:
    """Everything that is wrong with the configuration, the rules, the topics and Redis."""
    findings = list(look(config, rules, customers=customers, acts_per_day=acts))
    if as_json:
        answer_json({"findings": [_json(one) for one in findings], "problems": _count(findings)})
    else:
        _show(findings)
    kinds = {one.kind for one in findings}
    if "problem" in kinds:
        raise typer.Exit(PROBLEMS)
    if "unreachable" in kinds:
        raise typer.Exit(UNREACHABLE)


def look(config: list[Path], rules: Path | None, *, customers: int, acts_per_day: int) -> Iterator[Finding]:
    """All findings. What rests on a configuration that is not in order is left out, and that is said."""
    settings, problems = load(list(config), os.environ, KNOWN)
    for problem in problems:
        yield Finding("configuration", "problem", problem_text(problem), problem)
    if settings is not None:
        files = ", ".join(map(str, config)) or "defaults"
        yield Finding("configuration", "fine", f"{files}: {_inputs(settings)}")
        if not settings.inputs:
            yield Finding("configuration", "note", "no input, so a worker has nothing to read; add [[inputs]]")
    folder = str(rules) if rules is not None else rules_folder(settings, config, os.environ)
    yield from _rules(folder, settings)
    yield _scan()
    if settings is None:
        yield Finding("topics", "note", "not looked at: the configuration comes first")
        yield Finding("redis", "note", "not looked at: the configuration comes first")
        return
    yield from _topics(settings)
    yield _redis(settings)
    yield _size(settings, customers, acts_per_day)


def _inputs(settings: Settings) -> str:
    count = len(settings.inputs)
    names = ", ".join(f"{one.name} ({one.format})" for one in settings.inputs)
    return f"{count} input{'' if count == 1 else 's'}{': ' if names else ''}{names}"


def _rules(folder: str, settings: Settings | None) -> Iterator[Finding]:
    from topologies.customer.rules.load import load_rules
    from topologies.customer.rules.trial import run_tests

    hold_ms = None if settings is None else settings.identity.hold_ms
    found, wrong = load_rules(folder or None, hold_ms=hold_ms)
    failed = run_tests(found)
    for problem in [*wrong, *failed]:
        yield Finding("rules", "problem", problem_text(problem), problem)
    tests = sum(len(rule.tests) for rule in found)
    if not wrong and not failed:
        where = folder or (rules_shown(settings) if settings else "those that come with Rapport")
        yield Finding("rules", "fine", f"{where}: {len(found)} rules, {tests} tests pass")
    for rule in found:
        if not rule.tests:
            yield Finding("rules", "note", f"{rule.id}: no test says what it should and should not match")


def _scan() -> Finding:
    from topologies.normalise.scan import engine_name

    name = engine_name()
    if name != "hyperscan":
        text = f"no Hyperscan for this platform: {name} takes its place, several times slower; fine for small streams"
        return Finding("relevance scan", "note", text)
    return Finding("relevance scan", "fine", f"Hyperscan {version(name)}")


def _topics(settings: Settings) -> Iterator[Finding]:
    from topologies.assemble import is_there, log_name, open_log
    from topologies.cli.topics import look as look_at

    path = log_name(settings)
    if not is_there(settings):
        yield Finding("topics", "fine", f"{path}: not there yet, the first `rapport run` makes it")
        return
    try:
        with open_log(settings, create=False) as log:
            found = look_at(log, settings)
    except StreamError as problem:
        yield _failed("topics", problem)
        return
    for one in found:
        if one.problem:
            yield Finding("topics", "problem", f"{path}: {one.spec.name}: {one.problem}")
    missing = [one.spec.name for one in found if not one.partitions]
    if missing:
        text = f"{path}: {', '.join(missing)} not there yet: `rapport topics create` or `rapport run` makes them"
        yield Finding("topics", "note", text)
    if not missing and not any(one.problem for one in found):
        yield Finding(
            "topics", "fine", f"{path}: {len(found)} topics, each with {settings.engine.partitions} partitions or 1"
        )


def _redis(settings: Settings) -> Finding:
    from streams.state.embedded import find_server
    from streams.state.redis_wire import Wire
    from topologies.assemble import password_of

    try:
        if not settings.state.redis_url:
            return Finding("redis", "fine", f"embedded: {find_server()}")
        wire = Wire.open(settings.state.redis_url, password_of(settings))
        try:
            wire.check()
        finally:
            wire.close()
    except StreamError as problem:
        return _failed("redis", problem)
    return Finding("redis", "fine", f"{settings.state.redis_url}: new enough, a master, never evicts")


def _size(settings: Settings, customers: int, acts_per_day: int) -> Finding:
    from topologies.sizing import Load, estimate, shown_bytes

    size = estimate(settings, Load(customers, acts_per_day))
    text = (
        f"about {shown_bytes(size.redis_bytes)} of Redis and {shown_bytes(size.log_bytes)} of log for {customers:,} customers "
        f"and {acts_per_day:,} relevant acts a day ({size.held_acts:,} kept at a time); raw topics come on top"
    )
    return Finding("size", "fine", text)


def _failed(area: str, problem: StreamError) -> Finding:
    return Finding(area, "unreachable" if isinstance(problem, Retryable) else "problem", str(problem))


def _show(findings: list[Finding]) -> None:
    console = answers()
    area = ""
    for one in findings:
        if one.area != area:
            area = one.area
            console.print(Text(area, style="bold"))
        mark, style = _MARKS[one.kind]
        console.print(Text(f"  {mark} ", style=style) + Text(one.text, style="default"), soft_wrap=True)
    count = _count(findings)
    if count:
        console.print(Text(f"{count} problem{'' if count == 1 else 's'}", style="bold red"))
    else:
        console.print(Text("ready", style="bold green"))


def _count(findings: list[Finding]) -> int:
    return sum(one.kind in {"problem", "unreachable"} for one in findings)


def _json(one: Finding) -> dict[str, Any]:
    return {
        "area": one.area,
        "kind": one.kind,
        "text": one.text,
        "problem": None if one.problem is None else problem_json(one.problem),
    }
