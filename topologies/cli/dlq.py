"""`rapport dlq`: what could not be processed, why, and putting it back."""

from typing import Annotated, Any

import msgspec
import typer

from config.settings import Settings
from topologies.cli.configured import settings_of
from topologies.cli.letters import Letter, letters, matching, requeue, why_not
from topologies.cli.records import readable
from topologies.cli.shell import PROBLEMS, Configs, Json, answer_json, answers, complain, table, usage
from topologies.identity.documents import time_text
from topologies.normalise.times import parse_time

app = typer.Typer(help="Records that could not be processed: look at them, put them back.", no_args_is_help=True)

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Only those whose cause or path holds this.")]
Since = Annotated[str, typer.Option("--since", metavar="TIME", help="Only those written since, 2026-07-04T12:00:00Z.")]
SHOWN_MAX = 50


@app.command()
def ls(
    config: Configs = [],  # noqa: B006  typer wants a list
    reason: Reason = "",
    since: Since = "",
    count: Annotated[int, typer.Option("-n", "--count", help="At most so many, the newest.", min=1)] = SHOWN_MAX,
    as_json: Json = False,
) -> None:
    """What is there, newest last, with its cause and where in the record it stands."""
    found = matching(_all(settings_of(config)), reason=reason, since=_since(since), again=True)
    found.sort(key=lambda letter: (letter.at, letter.place))
    shown = found[-count:]
    if as_json:
        answer_json({"letters": [_json(letter) for letter in shown], "total": len(found)})
        return
    rows = table("place", "when", "from", "fold", "attempt", "path", "cause", "", right=("attempt",))
    for letter in shown:
        rows.add_row(
            letter.place, time_text(letter.at)[:19], f"{letter.topic}[{letter.partition}]:{letter.offset}", letter.fold,
            str(letter.attempt), _safe(letter.path), _safe(letter.cause), "requeued" if letter.requeued_at else "",
        )  # fmt: skip
    answers().print(rows)
    answers().print(f"{len(shown):,} of {len(found):,}; `rapport dlq show PLACE` shows one whole")


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="As `ls` names it: partition:offset.")],
    config: Configs = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """One record whole: everything said about it, its own headers, its bytes."""
    found = _one(settings_of(config), place)
    if as_json:
        answer_json(_json(found) | {"value": readable(found.value)})
        return
    console = answers()
    for name, value in _json(found).items():
        console.print(f"{name + ':':14} {value}", markup=False, soft_wrap=True)
    console.print(str(readable(found.value)), markup=False, soft_wrap=True)


@app.command("requeue")
def put_back(
    places: Annotated[list[str] | None, typer.Argument(help="Only these; none: all that match.")] = None,
    config: Configs = [],  # noqa: B006
    reason: Reason = "",
    since: Since = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were requeued before.")] = False,
    as_json: Json = False,
) -> None:
    """Put records back where they came from, after the cause was put right. Safe to repeat: versions decide."""
    from topologies.assemble import SystemClock, open_log

    settings = settings_of(config)
    found = matching(_all(settings), reason=reason, since=_since(since), again=again or bool(places))
    if places:
        unknown = sorted(set(places) - {letter.place for letter in found})
        if unknown:
            raise usage(
                "PLACES", want="places as `rapport dlq ls` names them", got=", ".join(unknown), fix="look again"
            )
        found = [letter for letter in found if letter.place in places]
    able = [letter for letter in found if why_not(letter) is None]
    written = 0
    if not dry_run and able:
        with open_log(settings, create=False) as log:
            written = requeue(log, settings.engine.app, able, SystemClock().now_ms())
    _answer(found, able, written, dry_run=dry_run, as_json=as_json)


def _answer(found: list[Letter], able: list[Letter], written: int, *, dry_run: bool, as_json: bool) -> None:
    unable = {letter.place: why_not(letter) for letter in found if why_not(letter) is not None}
    if as_json:
        answer_json(
            {"dry_run": dry_run, "letters": [letter.place for letter in able], "written": written, "unable": unable}
        )
    else:
        words = "would be requeued" if dry_run else f"requeued as {written:,} records"
        answers().print(f"{len(able):,} letters {words}")
        for place, why in unable.items():
            complain(f"{place} cannot be requeued: {why}")
    if unable and not able:
        raise typer.Exit(PROBLEMS)


def _all(settings: Settings) -> list[Letter]:
    from topologies.assemble import open_log

    with open_log(settings, create=False) as log:
        return list(letters(log, settings.engine.app))


def _one(settings: Settings, place: str) -> Letter:
    found = next((letter for letter in _all(settings) if letter.place == place), None)
    if found is None:
        raise usage("PLACE", want="a place as `rapport dlq ls` names it", got=repr(place), fix="look it up there")
    return found


def _since(text: str) -> int:
    if not text:
        return 0
    try:
        return parse_time(text)
    except ValueError as problem:
        raise usage("--since", want="a time like 2026-07-04T12:00:00Z", got=repr(text), fix="correct it") from problem


def _json(letter: Letter) -> dict[str, Any]:
    fields = msgspec.structs.asdict(letter)
    del fields["value"]
    return fields | {
        "at": time_text(letter.at),
        "key": readable(letter.key),
        "headers": {name: readable(value) for name, value in letter.headers},
        "requeued_at": time_text(letter.requeued_at) if letter.requeued_at else None,
    }


def _safe(text: str) -> str:
    """Without what a table would take for its markup."""
    return text.replace("[", "\\[")
