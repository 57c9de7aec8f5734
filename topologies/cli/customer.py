"""`rapport customer`: who somebody is, how it goes, and why we think so. From Redis, while workers run."""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from schemas.state import HeardBounds, HeardClaims, Profile, RecordHead
from topologies.cli.configured import configured
from topologies.cli.dossier import ActSeen, Dossier, EpisodeSeen, LinkSeen, dossier
from topologies.cli.shell import PROBLEMS, Configs, Json, answer_json, answers, complain, refuse, table
from topologies.cli.state_view import StateView
from topologies.normalise.identifiers import SOURCES, email_address, identifier_address, named, phone_address

_CUSTOMER = re.compile(r"(?:customer:|record:)?([a-z0-9][a-z0-9_-]*:contact:\S+)")
_SEVERITY = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
_SHOWN_CHARS = 160
_HOPS_MAX = 8
"""Records that name one another go no further."""


def customer(
    who: Annotated[
        str,
        typer.Argument(
            metavar="ID|IDENTIFIER",
            help="hubspot:contact:51, bluesky:did:plc:…, x:@ann, ann@social.example, email:ann@a.example, +49 30 …",
        ),
    ],
    config: Configs = [],  # noqa: B006  typer wants a list
    as_json: Json = False,
) -> None:
    """Profile, score with contributions, links with evidence, open episodes, last acts."""
    from topologies.assemble import SystemClock, open_log, open_store

    setup, clock = configured(config), SystemClock()
    settings = setup.settings
    with open_log(settings, create=False) as log, open_store(settings, log.cluster_id) as store:
        view = StateView(store, settings.engine.partitions, clock)
        candidates = candidates_of(who, settings.identity.default_country)
        found = sorted(dict.fromkeys(owner for one in candidates for owner in owners(view, one)))
        seen = [one for address in found if (one := dossier(view, address, setup.model, clock.now_ms()))]
        if not seen:
            raise refuse(_nobody(who, candidates, is_empty=view.is_empty))
    if as_json:
        answer_json([msgspec.to_builtins(one) for one in seen] if len(seen) > 1 else msgspec.to_builtins(seen[0]))
    elif len(seen) == 1:
        answers().print(shown(seen[0]))
    else:
        _several(who, seen)
    if len(seen) > 1:
        raise typer.Exit(PROBLEMS)


# -- who is meant


def candidates_of(text: str, country: str) -> list[str]:
    """The addresses that a text can mean: of a customer, or of identifiers; none when it is neither."""
    text = text.strip()
    if match := _CUSTOMER.fullmatch(text):
        return [f"customer:{match[1]}"]
    if exact := identifier_address(text, country):
        return [exact]
    guesses = [named(source, text) for source in SOURCES]
    guesses += [email_address(text), phone_address(text, country)]
    return list(dict.fromkeys(one for one in guesses if one))


def owners(view: StateView, address: str) -> Iterator[str]:
    """Customers that the identifier is claimed for, by what it has heard itself; the customer, if it is one."""
    if address.startswith("customer:"):
        found = view.read([address]).get(address, {})
        # A record that belongs to another one may have founded a customer before that was known: an empty one now.
        yield from [address] if "profile" in found else [_leads_to(view, address) or address]
    elif address.startswith(("account:", "handle:")):
        heard = view.read([address]).get(address, {})
        yield from _claimants(heard.get("claims"), heard.get("bounds"))
    else:
        # Nobody acts under an e-mail or a phone, so nobody tells them whose they are: profiles know.
        for owner, items in view.all("customer:"):
            profile = items.get("profile")
            if isinstance(profile, Profile) and address in profile.identifiers:
                yield owner


def _leads_to(view: StateView, address: str) -> str | None:
    """The customer that the record of this name belongs to, through the records it names as its own; None: its own."""
    to = address.replace("customer:", "record:", 1)
    for _ in range(_HOPS_MAX):
        head = view.read([to]).get(to, {}).get("head")
        if not isinstance(head, RecordHead) or not head.target:
            return None
        to = head.target
        if to.startswith("customer:"):
            return to
    return None


def _claimants(claims: HeardClaims | None, bounds: HeardBounds | None) -> Iterator[str]:
    if claims is not None:
        yield from (who for who, (_, intervals) in claims.by.items() if any(one.strength for one in intervals))
    if bounds is not None:
        yield from (claim.customer for _, bound in bounds.by.values() for claim in bound)


def _nobody(who: str, candidates: list[str], *, is_empty: bool) -> str:
    if is_empty:
        return "state: want the state of a worker, found none yet; start `rapport run`, or name its configuration"
    if not candidates:
        return (
            f"ID|IDENTIFIER: want a customer's id like hubspot:contact:51, or an identifier like bluesky:did:plc:…, "
            f"x:@ann, mastodon:ann@social.example or email:ann@a.example; got {who!r}, which is none"
        )
    tried = ", ".join(candidates)
    return (
        f"ID|IDENTIFIER: want a customer, found nobody for {who!r} (looked for {tried}); names may be misspelled, no "
        "record may name it, or a worker has not come so far; `rapport tail identity.links` says what is found"
    )


def _several(who: str, found: list[Dossier]) -> None:
    shown = table("customer", "name", "tier", "company")
    for one in found:
        shown.add_row(one.customer.id, one.customer.name, one.customer.tier, one.customer.company)
    answers().print(shown)
    complain(f"{who!r} is claimed for {len(found)} customers; name one of them by its id")


# -- what it looks like


def shown(one: Dossier) -> RenderableType:
    """A customer on one page."""
    parts: list[RenderableType] = [_head(one)]
    if one.erased_at:
        return Group(*parts)
    parts += [_score(one)]
    for title, rows, empty in (
        ("Links", _links(one.links), "nobody's account is linked yet"),
        ("Open episodes", _episodes(one.episodes), "none"),
        ("Last acts", _acts(one.acts), "none are kept"),
    ):
        parts += [Text(f"\n{title}", "bold"), rows or Text(f"  {empty}", "dim")]
    return Group(*parts)


def _head(one: Dossier) -> RenderableType:
    who = one.customer
    title = Text("(forgotten)" if one.erased_at else who.name or "(no name)", "bold") + Text(f"   {who.id}", "dim")
    if one.erased_at:
        until = (one.forgotten_at or "")[:10]
        return Group(
            title, Text(f"erased {_short(one.erased_at)}; what still arrives is dropped until {until}", "yellow")
        )
    known = [("tier", who.tier), ("company", who.company), ("owner", who.owner), *who.fields.items()]
    if who.open_cases:
        known.append(("open cases", str(who.open_cases)))
    line = "   ".join(f"{name} {value}" for name, value in known if value)
    lines = [title, Text(line)] if line else [title]
    others = [name for name in one.records if name != who.id]
    if others:
        lines.append(Text(f"also {', '.join(others)}", "dim"))
    contacts = [name for name in one.identifiers if name.startswith(("email:", "phone:"))]
    if contacts:
        lines.append(Text("   ".join(contacts), "dim"))
    return Group(*lines)


def _score(one: Dossier) -> RenderableType:
    if one.score is None:
        return Group(Text("\nScore", "bold"), Text("  no act has counted yet", "dim"))
    score = one.score
    mood = "–" if score.sentiment is None else f"{score.sentiment:+.2f}"
    line = Text("  risk ") + Text(f"{score.risk:.1f} ({score.band})", _risk_style(score.risk))
    line += Text(
        f"   engagement {score.engagement:.1f}   sentiment {mood}   of {one.acts_counted:,} act{'' if one.acts_counted == 1 else 's'}"
    )
    parts = ", ".join(f"{part.kind} {part.points:.1f}" for part in one.contributions)
    return Group(Text("\nScore", "bold"), line, Text(f"  points by kind of act: {parts or 'none'}", "dim"))


def _links(links: Iterable[LinkSeen]) -> RenderableType | None:
    rows = table("  identifier", "handle", "by", "sure", "since", "evidence")
    for one in links:
        evidence = "; ".join(f"{part.kind} {part.value}" for part in one.link.evidence)
        until = f" until {_short(one.end)}" if one.end else ""
        rows.add_row(
            f"  {one.identifier}",
            one.handle or "",
            one.link.method if one.is_bound else "nobody seen yet",
            f"{one.link.confidence:.1%}" if one.is_bound else "",
            (_short(one.start) if one.start else "ever") + until,
            evidence,
        )
    return rows if rows.row_count else None


def _episodes(episodes: Iterable[EpisodeSeen]) -> RenderableType | None:
    rows = table("  rule", "severity", "status", "since", "acts", "alert", right=("acts",))
    for one in episodes:
        severity = Text(one.severity, _SEVERITY.get(one.severity, ""))
        rows.add_row(f"  {one.rule}: {one.title}", severity, one.status, _short(one.since), str(one.acts), one.alert)
    return rows if rows.row_count else None


def _acts(acts: Iterable[ActSeen]) -> RenderableType | None:
    rows = table("  at", "what", "by", "text", "risk", right=("risk",))
    for one in acts:
        what = "our answer" if one.role else one.kind
        text = "(not kept any more)" if one.text is None else " ".join(one.text.split())
        by = "" if one.role else one.author
        cut = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
        rows.add_row(f"  {_short(one.at)}", what, by, Text(cut), f"{one.risk:+.2f}" if one.risk else "")
    return rows if rows.row_count else None


def _short(time: str | None) -> str:
    """Without the milliseconds."""
    return "" if time is None else f"{time[:10]} {time[11:19]}Z"


def _risk_style(risk: float) -> str:
    return "red" if risk >= 60 else "yellow" if risk >= 40 else "green"
