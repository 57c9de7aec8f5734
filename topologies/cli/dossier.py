"""Everything that is known of one customer, put together from the state.

customer:…  profile · score · episodes · which acts        account:…  what was said · why we think it is them
handle:…    claims that nobody was seen to use yet
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from schemas.events import FOREVER
from schemas.outputs import ContributionOut, CustomerOut, LinkOut, ScoreNow
from schemas.state import CustomerHead, EpisodeItem, HeardClaims, JoinedItem, Kept, Profile, ScoreItem, Shown
from streams.core.decay import bucket_of
from topologies.cli.state_view import Items, StateView
from topologies.customer.documents import customer_out, score_now
from topologies.customer.plan import plan_of
from topologies.customer.rules.rule import Rule
from topologies.customer.score import OK, Ledger, band_of, contributions, numbers
from topologies.customer.turn import ACT, RULE, split
from topologies.identity.documents import (
    end_text,
    evidence_out,
    handle_text,
    identifier_text,
    start_text,
    time_text,
)
from topologies.identity.join import CONFIDENCE, METHODS, links_of
from topologies.model import Model

ACTS_MAX = 10


class LinkSeen(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """Why an account, or a handle that nobody was seen to use yet, is the customer's. `start`, `end`: null: open."""

    identifier: str
    handle: str | None
    name: str | None
    start: str | None
    end: str | None
    is_bound: bool
    link: LinkOut


class EpisodeSeen(msgspec.Struct, frozen=True):
    """A rule that fires now, or is about to (`pending`)."""

    rule: str
    title: str
    severity: str
    status: str
    since: str
    alert: str
    acts: int


class ActSeen(msgspec.Struct, frozen=True):
    """Something the customer did, or we answered (`role`). `text` null: it is not kept any more."""

    id: str
    at: str
    kind: str
    role: str
    author: str
    text: str | None
    uri: str
    engagement: float
    risk: float


class Dossier(msgspec.Struct, frozen=True):
    """One customer. `score` null: no act has counted yet."""

    customer: CustomerOut
    erased_at: str | None
    forgotten_at: str | None
    records: Sequence[str]
    identifiers: Sequence[str]
    score: ScoreNow | None
    contributions: Sequence[ContributionOut]
    acts_counted: int
    links: Sequence[LinkSeen]
    episodes: Sequence[EpisodeSeen]
    acts: Sequence[ActSeen]


def dossier(view: StateView, address: str, model: Model, now_ms: int) -> Dossier | None:
    """The customer at that address as of now; None: there is none."""
    items = view.read([address]).get(address)
    if not items:
        return None
    head: CustomerHead = items.get("head") or CustomerHead()
    profile: Profile = items.get("profile") or Profile()
    acts = _acts(items)
    beside = _beside(view, head, profile, [split(name)[0] for name, _ in acts])
    score, parts = _score(items, model, now_ms)
    return Dossier(
        customer=customer_out(address.removeprefix("customer:"), profile),
        erased_at=time_text(head.erased_at) if head.erased_at else None,
        forgotten_at=time_text(head.erased_until) if head.erased_until else None,
        records=profile.records,
        identifiers=tuple(map(identifier_text, profile.identifiers)),
        score=score,
        contributions=parts,
        acts_counted=items["score"].acts if "score" in items else 0,
        links=_links(beside, address),
        episodes=list(_episodes(items, model.rules)),
        acts=[_act(name, item, beside) for name, item in acts],
    )


def _acts(items: Items) -> list[tuple[str, JoinedItem]]:
    """The last ones, newest first."""
    kept = [(name.removeprefix(ACT), item) for name, item in items.items() if name.startswith(ACT) and item.live]
    return sorted(kept, key=lambda one: (one[1].at, one[0]), reverse=True)[:ACTS_MAX]


def _beside(view: StateView, head: CustomerHead, profile: Profile, authors: Iterable[str]) -> dict[str, Items]:
    """The accounts and handles of a customer."""
    wanted = [*profile.identifiers, *head.identifiers, *authors]
    found = view.read([one for one in wanted if one.startswith(("account:", "handle:"))])
    bound = [name.removeprefix(_BOUND) for items in found.values() for name in items if name.startswith(_BOUND)]
    return found | view.read(bound)


_BOUND = "told:bound:"


def _score(items: Items, model: Model, now_ms: int) -> tuple[ScoreNow | None, list[ContributionOut]]:
    """Decayed to now; the band it comes from is the one last published."""
    kept: ScoreItem | None = items.get("score")
    if kept is None:
        return None, []
    recipe, before = plan_of(model).recipe, items.get("shown")
    ledger = Ledger(kept, recipe)
    shown = numbers(ledger, bucket_of(max(now_ms, kept.latest_at), recipe.half_life_ms), recipe)
    band = band_of(shown.risk, before.band if isinstance(before, Shown) else OK, recipe)
    parts = [ContributionOut(kind=kind, points=tenths / 10) for kind, tenths in contributions(ledger, shown)]
    return score_now(shown, band), parts


def _links(beside: Mapping[str, Items], customer: str) -> list[LinkSeen]:
    found: list[LinkSeen] = []
    for address, items in sorted(beside.items()):
        if address.startswith("account:"):
            found += _at_account(address, items, customer)
        elif not any(name.startswith(_BOUND) for name in items):
            found += _at_handle(address, items, customer)
    return found


def _at_account(address: str, items: Items, customer: str) -> Iterable[LinkSeen]:
    head = items.get("head")
    for link in links_of(items.get("claims"), items.get("bounds")):
        if link.customer == customer:
            yield LinkSeen(
                identifier=identifier_text(address),
                handle=handle_text(head.handle) or None if head else None,
                name=head.name or None if head else None,
                start=start_text(link.start),
                end=end_text(link.end),
                is_bound=True,
                link=LinkOut(
                    confidence=CONFIDENCE[link.strength] / 1000,
                    method=METHODS[link.strength],
                    evidence=evidence_out(link.evidence),
                ),
            )


def _at_handle(address: str, items: Items, customer: str) -> Iterable[LinkSeen]:
    claims = items.get("claims")
    _, intervals = claims.by.get(customer, (0, ())) if isinstance(claims, HeardClaims) else (0, ())
    for interval in intervals:
        if interval.strength and interval.end >= FOREVER:
            yield LinkSeen(
                identifier=address,
                handle=handle_text(address),
                name=None,
                start=start_text(interval.start),
                end=None,
                is_bound=False,
                link=LinkOut(confidence=0.0, method="handle", evidence=evidence_out([interval.evidence])),
            )


def _episodes(items: Items, rules: Iterable[Rule]) -> Iterable[EpisodeSeen]:
    for rule in rules:
        item: EpisodeItem | None = items.get(RULE + rule.id)
        if item is None or not (item.status == "firing" or item.pending_since):
            continue
        is_firing = item.status == "firing"
        yield EpisodeSeen(
            rule=rule.id,
            title=rule.title,
            severity=rule.severity,
            status="firing" if is_firing else "pending",
            since=time_text(item.start if is_firing else item.pending_since),
            alert=item.alert if is_firing else "",
            acts=len(item.acts),
        )


def _act(name: str, item: JoinedItem, beside: Mapping[str, Items]) -> ActSeen:
    account, act_id = split(name)
    kept = beside.get(account, {}).get(f"act:{act_id}")
    act = kept.act if isinstance(kept, Kept) else None
    return ActSeen(
        id=act_id,
        at=time_text(item.at),
        kind=item.kind,
        role=item.role,
        author=identifier_text(account),
        text=None if act is None else act.text,
        uri="" if act is None else act.uri,
        engagement=item.engagement / 1000,
        risk=item.risk / 1000,
    )
