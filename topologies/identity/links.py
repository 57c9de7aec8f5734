"""What subscribers are told of links: the difference between what held before an event and what holds after it.

    before      c1 [10, ∞)                 after     c1 [10, 50)   c2 [40, ∞)
    told        linked c1 [10, 50) · linked c2 [40, ∞) · conflict [40, 50)

Nothing is remembered of what was told: links before and after are both known where they change. Of one customer, start
and strength the newest `linked` or `retracted` holds. A conflict that is over is `retracted` without a customer.
"""

from collections.abc import Iterator

from schemas.outputs import LinkEvent
from streams.core.effects import Effect, Note, Publish
from topologies.identity.documents import identifier_text, link_event
from topologies.identity.facts import LinksUntold
from topologies.identity.join import CONFIDENCE, METHODS, Conflict, Link, Links, conflicts

LINKS_TOLD_MAX = 64
CONFLICTS_TOLD_MAX = 32
"""Documents one event brings about; it takes dozens of customers on one identifier to need more."""

OUTPUT = "links"


def changes(account: str, before: Links, after: Links, cause: str, position: int) -> Iterator[Effect]:
    """Everything to be told when an account's links change by the event at `position`."""
    if before == after:
        return
    told = [*_links(account, before, after, cause, position)]
    undecided = [*_conflicts(account, before, after, position)]
    untold = max(0, len(told) - LINKS_TOLD_MAX) + max(0, len(undecided) - CONFLICTS_TOLD_MAX)
    for document in [*told[:LINKS_TOLD_MAX], *undecided[:CONFLICTS_TOLD_MAX]]:
        yield Publish(OUTPUT, document.identifier, document)
    if untold:
        yield Note(LinksUntold(amount=untold))


def _links(account: str, before: Links, after: Links, cause: str, position: int) -> Iterator[LinkEvent]:
    """What is gone first, then what is new or ends at another time."""
    old, new = _by_beginning(before), _by_beginning(after)
    for key in sorted(old.keys() - new.keys()):
        yield _link_event("retracted", account, old[key], cause, position)
    for key in sorted(new):
        if old.get(key) != new[key]:
            yield _link_event("linked", account, new[key], cause, position)


def _by_beginning(links: Links) -> dict[tuple[str, int, int], Link]:
    return {(link.customer, link.start, link.strength): link for link in links}


def _link_event(status: str, account: str, link: Link, cause: str, position: int) -> LinkEvent:
    return link_event(
        status,
        account,
        link.customer,
        cause,
        position=position,
        start=link.start,
        end=link.end,
        confidence=CONFIDENCE[link.strength] / 1000,
        method=METHODS[link.strength],
        evidence=link.evidence,
    )


def _conflicts(account: str, before: Links, after: Links, position: int) -> Iterator[LinkEvent]:
    old = {(one.start, one.customers): one for one in conflicts(before)}
    new = {(one.start, one.customers): one for one in conflicts(after)}
    for key in sorted(old.keys() - new.keys()):
        yield _conflict_event("retracted", account, old[key], "customers that are not equally near any more", position)
    for key in sorted(new):
        if old.get(key) != new[key]:
            yield _conflict_event("conflict", account, new[key], "customers that are equally near", position)


def _conflict_event(status: str, account: str, one: Conflict, cause: str, position: int) -> LinkEvent:
    evidence = [f"customer={customer.removeprefix('customer:')}" for customer in one.customers]
    said = f"{cause} ({one.among})"
    return link_event(status, account, None, said, position=position, start=one.start, end=one.end, evidence=evidence)


def refused(identifier: str, customer: str, claimants_max: int, position: int) -> Publish:
    """A customer's claim is not listened to."""
    cause = f"{claimants_max} customers claim it already: it does not tell people apart"
    document = link_event("refused", identifier, customer, cause, position=position)
    return Publish(OUTPUT, identifier_text(identifier), document)
