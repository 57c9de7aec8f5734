"""What can be done in a generated world: people act, the company keeps its records, and payloads of it go out.

Every platform takes its time to deliver, so what is done in one order is received in another.
"""

from collections.abc import Callable, Generator, Sequence
from random import Random

import msgspec

from topologies.traffic.outbox import Outbox
from topologies.traffic.people import BRAND, Account, Company, Crm, Customer, Person, Platform, cast
from topologies.traffic.posts import Kind, PlatformWire, Post
from topologies.traffic.records import BusinessWire, CrmWire, Names, Raw, Values, first_names, first_values, said, typed
from topologies.traffic.texts import Mood, say
from topologies.traffic.truth import Decided, Done, Fact, Hidden, Seen, Undone
from topologies.traffic.wire_bluesky import BlueskyWire
from topologies.traffic.wire_debezium import DebeziumWire
from topologies.traffic.wire_files import contact, decision, sighting
from topologies.traffic.wire_hubspot import HubspotWire
from topologies.traffic.wire_mastodon import MastodonWire
from topologies.traffic.wire_salesforce import SalesforceWire
from topologies.traffic.wire_x import XWire

HOUR_MS = 3_600_000
Scene = Generator[float, None, None]
"""A scene does something, then says for how many seconds nothing more comes from it."""

_DELAYS_MS = {
    "bluesky": (120, 1_500),
    "mastodon": (80, 2_500),
    "x": (2_500, 6_500),
    "hubspot": (700, 3_500),
    "salesforce": (600, 2_200),
    "crm": (30, 160),
    "contacts": (10, 50),
    "sightings": (200, 700),
    "decisions": (10, 90),
}
"""How long the sources take, from the deed to the log: from, to."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a world is like. `rate`: payloads a second. Shares are of 1."""

    seed: int = 1
    start_ms: int
    rate: float = 100.0
    relevant: float = 0.3
    """Of the payloads, those that concern the brand; the rest is what everybody else says."""
    customers: int = 300
    duplicates: float = 0.01
    late: float = 0.01
    """Of what people do, that which is received hours later."""
    broken: float = 0.0
    """Broken payloads, for each good one."""


class Stage:
    """People, records, and what they can do. Time stands at `now` until somebody moves it."""

    def __init__(self, options: Options) -> None:
        """Nothing has happened yet."""
        self.options, self.rnd, self.now = options, Random(options.seed), options.start_ms
        self.cast = cast(self.rnd, options.start_ms, options.customers)
        self.news: dict[Platform, list[Post]] = {"bluesky": [], "mastodon": [], "x": []}
        """The last things the brand said, for others to answer."""
        self.chat: list[Post] = []
        """The last things everybody else said."""
        rnd, start_ms = self.rnd, options.start_ms
        self._bluesky, self._hubspot = BlueskyWire(rnd), HubspotWire(rnd)
        salesforce, shop = SalesforceWire(rnd), DebeziumWire(rnd, start_ms)
        self._platforms: dict[Platform, PlatformWire] = {
            "bluesky": self._bluesky,
            "mastodon": MastodonWire(rnd),
            "x": XWire(rnd),
        }
        self._crms: dict[Crm, CrmWire] = {
            "salesforce": salesforce,
            "hubspot": self._hubspot,
            "crm": shop,
        }
        self._businesses: dict[str, BusinessWire] = {"salesforce": salesforce, "crm": shop}
        self.outbox = Outbox(self.rnd, duplicates=options.duplicates, broken=options.broken)
        self._number = 0

    # -- what people do

    def do(
        self,
        account: Account,
        kind: Kind,
        text: str = "",
        lang: str = "en",
        target: Post | None = None,
        *,
        is_relevant: bool = True,
    ) -> Post:
        """An account does something now; or it did so hours ago, and only now has a network."""
        rnd, at = self.rnd, self.now
        is_ours = account is self.cast.us[account.platform]
        if not is_ours and rnd.random() < self.options.late:
            at -= rnd.randint(2 * HOUR_MS, 7 * HOUR_MS)
        wire = self._platforms[account.platform]
        post = wire.compose(account, kind, at, text, lang, target)
        # What we answer is kept with whom we answered; what else we say is nobody's.
        about = (target.account if target else None) if is_ours else account
        handle = f"x:{account.handle.lower()}" if account.platform == "x" and not is_ours else ""
        facts = [Done(post.act, about.identifier, post.at, handle, is_relevant)] if about else []
        self._send_post(post, wire.created, facts)
        return post

    def remark(self, account: Account) -> Post:
        """This very account says something about the brand."""
        mood: Mood = self.rnd.choice(("praise", "neutral", "complaint"))
        text, lang = say(self.rnd, mood, account.lang, BRAND)
        return self.do(account, "post", text, lang)

    def say(self, person: Person, mood: Mood, target: Post | None = None, kind: Kind | None = None) -> Post:
        """A person says something about the brand, or to it, on an account that fits."""
        account = self.account_of(person, target.account.platform if target else None)
        us = self.cast.us[account.platform]
        by_name = target is not None or self.rnd.random() < 0.6
        text, lang = say(self.rnd, mood, person.lang, BRAND if by_name else f"@{us.handle}")
        return self.do(account, kind or ("reply" if target else "post"), text, lang, target)

    def announce(self, platform: Platform, mood: Mood, target: Post | None = None) -> Post:
        """The brand says something: news, or an answer to somebody."""
        text, lang = say(self.rnd, mood, "en", BRAND)
        post = self.do(self.cast.us[platform], "reply" if target else "post", text, lang, target)
        if target is None:
            self.news[platform] = [*self.news[platform][-7:], post]
        return post

    def edit(self, post: Post, text: str) -> None:
        """The author puts it in other words."""
        post.text, post.edited_at = text, self.now
        self._send_post(post, self._platforms[post.account.platform].edited)

    def delete(self, post: Post) -> None:
        """The author takes it back."""
        self._send_post(post, self._platforms[post.account.platform].deleted, [Undone(post.act)])

    def leave(self, account: Account, *, is_away: bool) -> None:
        """A Bluesky account is deactivated, or comes back."""
        received_at = self._received("bluesky")
        payload = self._bluesky.account_status(account, received_at, "deactivated" if is_away else "")
        self._send_frame(account, payload, received_at, Hidden(account.identifier, is_away))

    def see(self, account: Account) -> None:
        """Somebody looks up which handle a Bluesky account has; or its host says so by itself."""
        fact = Seen(account.identifier, f"bluesky:{account.handle}", self.now)
        if self.now >= self.options.start_ms and self.rnd.random() < 0.3:
            received_at = self._received("bluesky")
            payload = self._bluesky.identity(account, received_at, account.handle)
            self._send_frame(account, payload, received_at, fact)
        else:
            self.outbox.send(sighting(account, self.now), self._received("sightings"), [fact])

    def other(self, account: Account) -> None:
        """A Bluesky account does something in somebody else's application."""
        received_at = self._received("bluesky")
        self._send_frame(account, self._bluesky.other(account, received_at), received_at)

    # -- what the company does

    def enter(self, customer: Customer, names: Names | None = None) -> None:
        """The customer's record is made; `names`: the accounts it names, when that is a mistake."""
        names = names or first_names(customer)
        customer.known = True
        values = {**first_values(customer), **typed(customer, names)}
        if customer.source == "contacts":
            raws = [contact(customer, values, self.now)]
        else:
            raws = self._crms[customer.source].contact(customer, values, self.now)
        self._send_all(customer, raws, names)
        if customer.twin:
            self._send_all(customer, self._hubspot.twin(customer, self.now), {})

    def change(self, customer: Customer, values: Values, names: Names | None = None) -> None:
        """Somebody changes the customer's record: other values, other names."""
        changes = {**values, **typed(customer, names or {})}
        self._send_all(customer, self._crms[customer.source].changed(customer, changes, self.now), names or {})

    def remove(self, customer: Customer) -> None:
        """The customer's record is deleted: it names nobody any more."""
        customer.gone = True
        nothing: Names = {account.platform: (account, "nothing") for account in customer.person.accounts}
        self._send_all(customer, self._crms[customer.source].gone(customer, self.now), nothing)

    def found(self, company: Company) -> None:
        """A company's record is made, in every system that has companies."""
        for source, wire in self._businesses.items():
            self.outbox.send(wire.company(company, self.now), self._received(source))

    def case(self, customer: Customer, number: int, status: str) -> None:
        """A case of the customer's is opened or goes on."""
        self._send_all(customer, [self._businesses[customer.source].case(customer, number, status, self.now)], {})

    def decide(self, customer: Customer, account: Account, *, is_theirs: bool) -> None:
        """A person says whose account it is, or is not."""
        fact = Decided(customer.id, account.identifier, is_theirs)
        raw = decision(customer.id, account, is_theirs=is_theirs, at=self.now)
        self.outbox.send(raw, self._received("decisions"), [fact])

    # -- what scenes ask

    def account_of(self, person: Person, platform: Platform | None = None) -> Account:
        """One of the person's accounts; on `platform` if there is one."""
        fitting = [one for one in person.accounts if one.platform == platform]
        return self.rnd.choice(fitting or person.accounts)

    def next_number(self) -> int:
        """A number nobody has had."""
        self._number += 1
        return self._number

    def _send_post(self, post: Post, spell: Callable[[Post], bytes], facts: Sequence[Fact] = ()) -> None:
        account = post.account
        post.received_at = self._received(account.platform)
        self.outbox.send(Raw(account.platform, account.name.encode(), spell(post)), post.received_at, facts)

    def _send_frame(
        self, account: Account, payload: bytes, received_at: int, fact: Hidden | Seen | None = None
    ) -> None:
        self.outbox.send(Raw("bluesky", account.name.encode(), payload), received_at, [fact] if fact else [])

    def _received(self, source: str) -> int:
        """When the log gets what a source is given now. Most take little, few take long."""
        low, high = _DELAYS_MS[source]
        return self.now + low + int((high - low) * self.rnd.random() ** 3)

    def _send_all(self, customer: Customer, raws: list[Raw], names: Names) -> None:
        """Payloads of one change, in the order given; what it makes true goes with the first."""
        received_at = self._received(raws[0].input)
        for index, raw in enumerate(raws):
            self.outbox.send(raw, received_at, said(customer, names, self.now) if index == 0 else [])
