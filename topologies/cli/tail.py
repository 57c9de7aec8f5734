"""`rapport tail`: what stands in a topic, decoded, and what comes."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.text import Text

from topologies.cli.configured import settings_of
from topologies.cli.records import as_document, find_topic, following, last_records
from topologies.cli.shell import Configs, Json, answer_json_line, answers

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "default"}


def tail(
    topic: Annotated[str, typer.Argument(help="alerts, enriched, scores, links, dlq, inbox …, or an input's name.")],
    config: Configs = [],  # noqa: B006  typer wants a list
    count: Annotated[
        int, typer.Option("-n", "--count", help="How many of those that are there.", min=0, max=100_000)
    ] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """The last records of a topic, and with --follow those that come. While workers run, or not."""
    from topologies.assemble import open_log

    settings = settings_of(config)
    named = find_topic(topic, settings)
    console = answers()
    with open_log(settings, create=False) as log:
        records, ends = last_records(log, named.topic, count)
        try:
            for record in records:
                _answer(as_document(record, named.kind), named.kind, console, as_json=as_json)
            for record in following(log, named.topic, ends) if follow else ():
                _answer(as_document(record, named.kind), named.kind, console, as_json=as_json)
        except KeyboardInterrupt:
            # The way to leave.
            return


def _answer(document: dict[str, Any], kind: str, console: Console, *, as_json: bool) -> None:
    if as_json:
        answer_json_line(document)
    else:
        console.print(_line(document, kind), soft_wrap=True)
    # Whoever reads through a pipe wants it now.
    sys.stdout.flush()


def _line(document: dict[str, Any], kind: str) -> Text:
    text = Text(f"{document['time'][11:23]} ", style="dim")
    text.append(f"{document['partition']}:{document['offset']} ", style="dim")
    text.append(f"{document['key']} ", style="bold")
    value = document["value"]
    if value is None:
        return text.append("(erased)", style="dim")
    if kind == "dlq":
        headers = document["headers"]
        return text.append(f"{headers.get('path')}: {headers.get('cause')}", style="red")
    show = _SHOWN.get(kind)
    if show is not None and isinstance(value, dict):
        return text.append_text(show(value))
    return text.append(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode(), style="default")


def _alert(value: dict[str, Any]) -> Text:
    style = _STYLES.get(value["severity"], "default") if value["status"] == "fired" else "dim"
    return Text(f"{value['status']} {value['severity']} {value['rule']}: {value['reason']}", style=style)


def _enriched(value: dict[str, Any]) -> Text:
    act, score = value["act"], value["score"]
    who = value["customer"]["name"] or value["customer"]["id"]
    if value["retracted"]:
        return Text(f"retracted from {who}: {act['id']}", style="dim")
    mood = (value["sentiment"] or {}).get("value")
    shown = "" if mood is None else f" ({mood:+.2f})"
    return Text(f"{who} {act['kind']}{shown} risk {score['risk']:.0f} {score['band']}: {act['text']}", style="default")


def _score(value: dict[str, Any]) -> Text:
    return Text(
        f"engagement {value['engagement']:.1f} risk {value['risk']:.1f} {value['band']} {value['trend']}",
        style="default",
    )


def _link(value: dict[str, Any]) -> Text:
    return Text(f"{value['status']} {value['customer'] or ''}: {value['cause']}", style="default")


_SHOWN: dict[str, Callable[[dict[str, Any]], Text]] = {
    "alerts": _alert, "enriched": _enriched, "scores": _score, "links": _link,
}  # fmt: skip
"""What people want to see first; everything else with --json."""
