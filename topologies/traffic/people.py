"""Who there is: the brand, its customers, strangers who talk about it, and everybody else.

Person ── accounts on platforms          Customer ── a record in one CRM that names some of them
"""

import unicodedata
from random import Random
from typing import Literal

import msgspec

from topologies.traffic import ids, names

Platform = Literal["bluesky", "mastodon", "x"]
PLATFORMS: tuple[Platform, ...] = ("bluesky", "mastodon", "x")
Crm = Literal["salesforce", "hubspot", "crm", "contacts"]
Naming = Literal["account", "handle", "nothing"]
"""How the CRM names an account: by its immutable id, by its handle, or not at all."""
Temper = Literal["calm", "happy", "grumpy"]
TIERS = ("Standard", "Silver", "Gold", "Platinum", "Enterprise")

DAY_MS = 86_400_000


class Account(msgspec.Struct):
    """An account. `name` is for ever: a DID, `user@host`, or X's number. `local_id` is what Mastodon's server says."""

    platform: Platform
    name: str
    handle: str
    display: str
    lang: str
    born_at: int
    clock: int
    local_id: str = ""

    @property
    def identifier(self) -> str:
        """As outputs name it: `bluesky:did:plc:…`."""
        return f"{self.platform}:{self.name}"


class Person(msgspec.Struct):
    """Somebody who writes."""

    first: str
    last: str
    lang: str
    temper: Temper
    accounts: tuple[Account, ...]

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


class Company(msgspec.Struct):
    """Whom customers belong to. The ids are its records in the two systems that have companies."""

    number: int
    name: str
    domain: str


class Customer(msgspec.Struct):
    """A person with a record. `naming` goes with `person.accounts`: how the record names them when it is right.

    `twin` is a second record of the same person, in HubSpot, that points to this one in Salesforce; 0: none.
    `mistaken` is somebody else's account that the record names instead of theirs. `known`: the record is there, or
    was; `gone`: was.
    """

    person: Person
    source: Crm
    number: int
    record_id: str
    company: Company | None
    tier: str
    owner: str
    email: str
    phone: str
    naming: tuple[Naming, ...]
    twin: int = 0
    known: bool = False
    gone: bool = False
    mistaken: Account | None = None

    @property
    def id(self) -> str:
        """As outputs name the customer."""
        return f"{self.source}:contact:{self.record_id}"


class Cast(msgspec.Struct):
    """Everybody. `crowd` are those who never speak of the brand; `on_bluesky` their accounts there."""

    us: dict[Platform, Account]
    customers: list[Customer]
    strangers: list[Person]
    crowd: list[Person]
    on_bluesky: list[Account]
    companies: list[Company]


BRAND = "Acme Cloud"
US: dict[Platform, Account] = {
    "bluesky": Account("bluesky", "did:plc:acme2cloud3demo4brand5xy", "acme.example", BRAND, "en", 0, 17),
    "mastodon": Account("mastodon", "acme@social.example", "acme", BRAND, "en", 0, 18, "109000000000000001"),
    "x": Account("x", "1500000000000000001", "acmecloud", BRAND, "en", 0, 19),
}
"""The same in every world: the settings name them."""


def cast(rnd: Random, start_ms: int, customers: int) -> Cast:
    """A world's people. The crowd is five times the customers, strangers are as many as they."""
    maker = _Maker(rnd, start_ms)
    companies = [maker.company(number) for number in range(1, max(2, customers // 8))]
    known = [maker.customer(number, rnd.choice(companies)) for number in range(1, customers + 1)]
    strangers = [maker.person() for _ in range(max(8, customers))]
    crowd = [maker.person(accounts=1) for _ in range(max(40, customers * 5))]
    on_bluesky = [account for one in crowd for account in one.accounts if account.platform == "bluesky"]
    return Cast(US, known, strangers, crowd, on_bluesky, companies)


class _Maker:
    """Makes people; no two accounts have a name or handle in common."""

    def __init__(self, rnd: Random, start_ms: int) -> None:
        self._rnd, self._start_ms = rnd, start_ms
        self._taken: set[str] = set()

    def company(self, number: int) -> Company:
        rnd = self._rnd
        base = names.COMPANY[(number - 1) % len(names.COMPANY)]
        name = f"{base} {rnd.choice(names.COMPANY_FORM)}"
        domain = self._free(_plain(base).replace(" ", "")) + ".example"
        return Company(number, name, domain)

    def person(self, accounts: int = 0) -> Person:
        rnd = self._rnd
        first, last = rnd.choice(names.FIRST), rnd.choice(names.LAST)
        lang = rnd.choices(("en", "de", "fr"), (80, 12, 8))[0]
        temper: Temper = rnd.choices(("calm", "happy", "grumpy"), (66, 22, 12))[0]
        platforms = [one for one, share in zip(PLATFORMS, (0.72, 0.4, 0.3), strict=True) if rnd.random() < share]
        chosen = (platforms or ["bluesky"])[: accounts or 3]
        return Person(first, last, lang, temper, tuple(self._account(one, first, last, lang) for one in chosen))

    def customer(self, number: int, company: Company) -> Customer:
        rnd = self._rnd
        person = self.person()
        source: Crm = rnd.choices(("hubspot", "salesforce", "crm", "contacts"), (34, 34, 20, 12))[0]
        record_id = {
            "hubspot": str(100_000_000 + number * 37),
            "salesforce": ids.salesforce_id("003", number),
            "crm": str(1000 + number),
            "contacts": f"C-{20_000 + number}",
        }[source]
        mail = f"{_plain(person.first)}.{_plain(person.last)}".replace(" ", "")
        return Customer(
            person=person,
            source=source,
            number=number,
            record_id=record_id,
            company=company if rnd.random() < 0.8 else None,
            tier=rnd.choices(TIERS, (50, 20, 17, 7, 6))[0],
            owner=rnd.choice(names.OWNER),
            email=f"{self._free(mail)}@{company.domain}",
            phone=f"+4930{rnd.randint(10_000_000, 99_999_999)}",
            naming=tuple(self._naming(account) for account in person.accounts),
            twin=200_000_000 + number * 41 if source == "salesforce" and rnd.random() < 0.2 else 0,
        )

    def _account(self, platform: Platform, first: str, last: str, lang: str) -> Account:
        rnd = self._rnd
        nick = self._nick(first, last)
        born_at = self._start_ms - rnd.randint(20, 2500) * DAY_MS - rnd.randint(0, DAY_MS)
        display = rnd.choice((f"{first} {last}", first, f"{first} {last[0]}.", nick, f"{first} ✨"))
        clock = rnd.randrange(1024)
        match platform:
            case "bluesky":
                host = rnd.choice(("bsky.example", "bsky.example", f"{_plain(last).replace(' ', '')}.example"))
                return Account(
                    platform, ids.did(rnd), f"{nick.replace('_', '-')}.{host}", display, lang, born_at, clock
                )
            case "mastodon":
                server = rnd.choices(names.SERVERS, (5, 2, 2, 1))[0]
                acct = nick if server == names.SERVERS[0] else f"{nick}@{server}"
                local_id = ids.mastodon_id(born_at, rnd)
                return Account(platform, f"{nick}@{server}", acct, display, lang, born_at, clock, local_id)
            case "x":
                handle = rnd.choice((nick, nick.capitalize()))
                return Account(platform, ids.x_id(born_at, rnd), handle, display, lang, born_at, clock)

    def _nick(self, first: str, last: str) -> str:
        rnd = self._rnd
        a, b = _plain(first), _plain(last)
        return self._free(rnd.choice((f"{a}{b}", f"{a}_{b}", f"{a[0]}{b}", f"{a}{rnd.randint(70, 99)}", f"{b}{a[0]}")))

    def _naming(self, account: Account) -> Naming:
        shares = {"bluesky": (55, 37, 8), "mastodon": (92, 0, 8), "x": (30, 62, 8)}[account.platform]
        return self._rnd.choices(("account", "handle", "nothing"), shares)[0]

    def _free(self, wish: str) -> str:
        """The wish, or the wish with the first number that is free."""
        name, number = wish[:14], 1
        while name in self._taken:
            number += 1
            name = f"{wish[:12]}{number}"
        self._taken.add(name)
        return name


def _plain(text: str) -> str:
    """Small letters without accents."""
    flat = unicodedata.normalize("NFKD", text.lower().replace("ø", "o"))
    return "".join(c for c in flat if (c.isalnum() and c.isascii()) or c == " ")
