"""`rapport erase`: forget a person. A decision in the log like any other, so every replay keeps it.

    {"what": "erase", "customer": …}  ──►  raw topic of an input of format `decisions`  ──►  Erase to customer:…

The receipt names the day on which the last copy is gone.
"""

import getpass
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import orjson
import typer
from rich.text import Text

from config.inputs import topic_of
from config.settings import Settings
from topologies.cli.configured import configured
from topologies.cli.customer import candidates_of, owners
from topologies.cli.dossier import Dossier, dossier
from topologies.cli.shell import Configs, Json, answer_json, answers, refuse, table, usage
from topologies.cli.state_view import StateView
from topologies.identity.documents import time_text
from topologies.normalise.times import parse_time

FORMAT = "decisions"
TOMBSTONE = "the id alone: what still arrives of this person is dropped"
WRITTEN_BEFORE = "what was written before"
COMPACTED = "replaced by nothing at once; older values go with the next compaction"
_IMPERSONAL = ("workers", "rapport apply")
"""Who writes topics that say nothing of anybody."""


class Place(msgspec.Struct, frozen=True):
    """Where something of a person can still be, and until when."""

    place: str
    until: str
    why: str


class Receipt(msgspec.Struct, frozen=True):
    """Proof that somebody asked. `gone_on`: the first day (UTC) on which no copy of ours is left."""

    customer: str
    asked_at: str
    by: str
    topic: str
    gone_on: str
    places: tuple[Place, ...]


def erase(
    who: Annotated[
        str, typer.Argument(metavar="CUSTOMER", help="The customer's id, or an identifier that is nobody else's.")
    ],
    config: Configs = [],  # noqa: B006  typer wants a list
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    by: Annotated[
        str, typer.Option(help="Who decided it. Default: the user of this machine.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Forget a person, also in every replay. Cannot be undone."""
    from topologies.assemble import SystemClock, create_topics, open_log, open_store

    setup, clock = configured(config), SystemClock()
    settings = setup.settings
    topic = _topic(settings)
    with open_log(settings, create=False) as log, open_store(settings, log.cluster_id) as store:
        view = StateView(store, settings.engine.partitions, clock)
        found = _only_one(view, who, settings)
        known = dossier(view, found, setup.model, clock.now_ms())
        if known is None:
            raise refuse(f"CUSTOMER: want a customer, found nobody at {found}; `rapport customer` looks people up")
        if not yes:
            _ask(known)
        now_ms = clock.now_ms()
        receipt = _receipt(known.customer.id, topic, by or getpass.getuser(), now_ms, settings)
        create_topics(log, settings)
        what = {"what": "erase", "customer": receipt.customer, "at": receipt.asked_at, "by": receipt.by}
        log.append(topic, [(receipt.customer.encode(), orjson.dumps(what), None, now_ms)])
    if as_json:
        answer_json(msgspec.to_builtins(receipt))
    else:
        _show(known, receipt)


def _topic(settings: Settings) -> str:
    """Where decisions go. Raises `Fatal` when there is no input for them."""
    for one in settings.inputs:
        if one.format == FORMAT:
            return topic_of(one)
    raise refuse(
        "inputs: want an input of format decisions, found none: an erasure is an event in the log, and a worker must "
        'read it; add [[inputs]] with name = "decisions" and format = "decisions"'
    )


def _only_one(view: StateView, who: str, settings: Settings) -> str:
    """The address of the customer who is meant. Raises a usage error when that is not clear."""
    candidates = candidates_of(who, settings.identity.default_country)
    if not candidates:
        raise usage(
            "CUSTOMER", want="a customer's id like hubspot:contact:51", got=repr(who), fix="see `rapport customer`"
        )
    found = sorted({owner for one in candidates for owner in owners(view, one)})
    if len(found) > 1:
        names = ", ".join(one.removeprefix("customer:") for one in found)
        raise usage("CUSTOMER", want="one customer", got=f"{who!r}, which is claimed for {names}", fix="name the id")
    if not found:
        raise refuse(
            f"CUSTOMER: want a customer, found nobody for {who!r}; nothing was written. `rapport customer` looks people "
            "up, and a worker must have come so far"
        )
    return found[0]


def _ask(known: Dossier) -> None:
    who = known.customer
    if not sys.stdin.isatty():
        raise usage("--yes", want="it, where nobody can be asked", got="nothing", fix="add --yes if you are sure")
    answers().print(Text(f"{who.name or '(no name)'}  {who.id}", "bold"))
    typer.confirm("Forget this person for ever?", abort=True)


def _receipt(customer: str, topic: str, by: str, now_ms: int, settings: Settings) -> Receipt:
    from topologies.assemble import wanted_topics

    places = [Place("tombstone", time_text(now_ms + settings.identity.erase_keep_ms), TOMBSTONE)]
    for spec in wanted_topics(settings):
        if spec.written_by in _IMPERSONAL:
            continue
        if spec.retention_ms is None:
            places.append(Place(spec.name, time_text(now_ms), COMPACTED))
        else:
            places.append(Place(spec.name, time_text(now_ms + spec.retention_ms), WRITTEN_BEFORE))
    last = max(parse_time(place.until) for place in places)
    # The first whole day: nobody should have to think about hours.
    gone_on = datetime.fromtimestamp(last / 1000, UTC).date() + timedelta(days=1)
    return Receipt(customer, time_text(now_ms), by, topic, gone_on.isoformat(), tuple(places))


def _show(known: Dossier, receipt: Receipt) -> None:
    console = answers()
    console.print(Text(f"{known.customer.name or receipt.customer} will be forgotten.", "bold"))
    rows = table("", "")
    rows.show_header = False
    for name, value in (
        ("customer", receipt.customer),
        ("decided by", f"{receipt.by}, {receipt.asked_at}"),
        ("written to", receipt.topic),
        ("last copy gone on", receipt.gone_on),
    ):
        rows.add_row(name, Text(value, "bold" if name.startswith("last") else ""))
    console.print(rows)
    later = table("until", "in", "what")
    for until, why in sorted({(place.until, place.why) for place in receipt.places}):
        names = [place.place for place in receipt.places if (place.until, place.why) == (until, why)]
        later.add_row(until[:10], ", ".join(names), why)
    console.print("", later, "")
    console.print(
        Text(
            "A worker does it with its next commits. Delete the record in the CRM as well: what the CRM says after "
            f"{receipt.places[0].until[:10]} makes a new customer.",
            "dim",
        )
    )
