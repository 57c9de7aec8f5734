"""`rapport topics`: the topics an application needs, and whether the log has them so."""

from typing import Annotated, Any

import msgspec
import typer

from config.settings import Settings
from schemas.topics import DAY_MS, TopicSpec
from streams.errors import Fatal
from streams.runtime.ports import Log
from topologies.cli.configured import settings_of
from topologies.cli.shell import PROBLEMS, Configs, Json, answer_json, answers, complain, table, usage

app = typer.Typer(help="The topics Rapport reads and writes. By itself: what each holds.")


class Found(msgspec.Struct, frozen=True):
    """A topic as it is. `partitions` 0: it is not there. `problem`: what must be put right before a worker starts."""

    spec: TopicSpec
    partitions: int
    records: int
    problem: str


@app.callback(invoke_without_command=True)
def topics(
    context: typer.Context,
    config: Configs = [],  # noqa: B006  typer wants a list
    make: Annotated[bool, typer.Option("--create", help="Make those that are missing, then check all.")] = False,
    as_json: Json = False,
) -> None:
    """The topics Rapport reads and writes. By itself: what each holds."""
    if context.invoked_subcommand is not None:
        if config or make:
            raise usage("topics", want="options behind the command", got="options before it", fix="put them at the end")
    elif make:
        create(config, as_json)
    else:
        show(config, as_json)


@app.command("list")
def show(config: Configs = [], as_json: Json = False) -> None:  # noqa: B006  typer wants a list
    """What each topic holds, who writes it, and how many records there are."""
    settings = settings_of(config)
    _answer(_look(settings), as_json=as_json)


@app.command()
def check(config: Configs = [], as_json: Json = False) -> None:  # noqa: B006
    """Whether every topic is there with the right number of partitions; exit code 1 when not."""
    found = _look(settings_of(config))
    missing = [
        msgspec.structs.replace(one, problem="not there; `rapport topics create` makes it")
        if not one.partitions
        else one
        for one in found
    ]
    _answer(missing, as_json=as_json)
    if any(one.problem for one in missing):
        raise typer.Exit(PROBLEMS)


@app.command()
def create(config: Configs = [], as_json: Json = False) -> None:  # noqa: B006
    """Create the topics that are missing. Those that exist stay as they are; exit code 1 when one is not as it must be."""
    from topologies.assemble import create_topics, open_log

    settings = settings_of(config)
    with open_log(settings) as log:
        create_topics(log, settings)
        found = look(log, settings)
    _answer(found, as_json=as_json)
    if any(one.problem for one in found):
        raise typer.Exit(PROBLEMS)


def look(log: Log, settings: Settings) -> list[Found]:
    """Every topic of these settings as the log has it."""
    from topologies.assemble import wanted_topics

    return [_found(log, spec) for spec in wanted_topics(settings)]


def _look(settings: Settings) -> list[Found]:
    """The same, without making a log where there is none."""
    from topologies.assemble import is_there, open_log, wanted_topics

    if not is_there(settings):
        return [Found(spec, 0, 0, "") for spec in wanted_topics(settings)]
    with open_log(settings, create=False) as log:
        return look(log, settings)


def _found(log: Log, spec: TopicSpec) -> Found:
    from topologies.assemble import topic_problems

    try:
        count = log.partitions(spec.name)
    except Fatal:
        return Found(spec, 0, 0, "")
    records = sum(
        log.end_offset(spec.name, partition) - log.start_offset(spec.name, partition) for partition in range(count)
    )
    if count != spec.partitions:
        # In the words of the configuration, which the log does not know.
        fix = f"set engine.partitions to {count}, or use another engine.app"
        return Found(spec, count, records, f"want {spec.partitions} partitions, found {count}; {fix}")
    problems = [problem.removeprefix(f"topic {spec.name}: ") for problem in topic_problems(log, spec)]
    return Found(spec, count, records, "; ".join(problems))


def _answer(found: list[Found], *, as_json: bool) -> None:
    if as_json:
        answer_json({"topics": [_json(one) for one in found]})
        return
    shown = table(
        "topic", "partitions", "records", "kept", "key", "value", "written by", right=("partitions", "records")
    )
    for one in found:
        spec = one.spec
        there = str(one.partitions) if one.partitions else "[yellow]none yet[/]"
        shown.add_row(
            spec.name, there, f"{one.records:,}" if one.partitions else "", _kept(spec), spec.key, spec.value,
            spec.written_by,
        )  # fmt: skip
    answers().print(shown)
    for one in found:
        if one.problem:
            complain(f"{one.spec.name}: {one.problem}")


def _json(found: Found) -> dict[str, Any]:
    spec: dict[str, Any] = msgspec.to_builtins(found.spec)
    return spec | {"wanted_partitions": found.spec.partitions, "partitions": found.partitions,
                   "records": found.records, "problem": found.problem or None}  # fmt: skip


def _kept(spec: TopicSpec) -> str:
    if spec.policy == "compact":
        return "newest per key"
    return "for ever" if spec.retention_ms is None else f"{spec.retention_ms // DAY_MS} days"
