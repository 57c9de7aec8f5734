"""What CRM systems know, before it is spelled in a system's format.

Values    our words for fields → values as people typed them, for one contact
CrmWire   one system: it spells a contact's creation, change and deletion, and cases
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from topologies.traffic.people import Account, Company, Customer, Naming, Platform
from topologies.traffic.truth import Named

Values = Mapping[str, str | None]
"""name, email, phone, tier, owner, company, bluesky, x, mastodon; null: cleared."""


class Raw(NamedTuple):
    """One raw record, but for its time. Null payload: Kafka's tombstone after a deleted row."""

    input: str
    key: bytes
    payload: bytes | None


class CrmWire(Protocol):
    """One system's contacts in its format. `at` is when the change was made there, in milliseconds."""

    def contact(self, customer: Customer, values: Values, at: int) -> list[Raw]:
        """A contact is there."""
        ...

    def changed(self, customer: Customer, changes: Values, at: int) -> list[Raw]:
        """Some fields have other values than before."""
        ...

    def gone(self, customer: Customer, at: int) -> list[Raw]:
        """The contact was deleted."""
        ...


class BusinessWire(Protocol):
    """What only some systems have: companies and cases."""

    def company(self, company: Company, at: int) -> Raw:
        """A company that customers belong to."""
        ...

    def case(self, customer: Customer, number: int, status: str, at: int) -> Raw:
        """A case was opened (`New`), or its status changed."""
        ...


def spelled(account: Account, naming: Naming, number: int) -> str | None:
    """An account as somebody typed it into a free text field: by its id, or by its handle in one of four ways."""
    if naming == "nothing":
        return None
    if account.platform == "mastodon":
        user, _, host = account.name.partition("@")
        return (account.name, f"@{account.name}", f"https://{host}/@{user}", f" {account.name} ")[number % 4]
    if naming == "account":
        return account.name
    page = {"bluesky": "https://bsky.app/profile/", "x": "https://x.com/"}[account.platform]
    return (account.handle, f"@{account.handle}", f"{page}{account.handle}", f" @{account.handle.upper()}")[number % 4]


Names = Mapping[Platform, tuple[Account, Naming]]
"""Which accounts a record names, and how."""


def first_names(customer: Customer) -> Names:
    """What the record names when nobody has made a mistake."""
    accounts = zip(customer.person.accounts, customer.naming, strict=True)
    return {account.platform: (account, naming) for account, naming in accounts}


def first_values(customer: Customer) -> dict[str, str | None]:
    """What else it says."""
    return {
        "name": customer.person.name,
        "email": customer.email,
        "phone": customer.phone,
        "tier": customer.tier,
        "owner": customer.owner,
        "company": customer.company.name if customer.company else None,
    }


def typed(customer: Customer, names: Names) -> dict[str, str | None]:
    """Named accounts as somebody typed them into the record."""
    return {platform: spelled(account, naming, customer.number) for platform, (account, naming) in names.items()}


def said(customer: Customer, names: Names, at: int) -> list[Named]:
    """What a record that names them makes true. Salesforce's clock counts whole seconds."""
    since = at // 1000 * 1000 if customer.source == "salesforce" else at
    facts = []
    for platform, (account, naming) in names.items():
        by_id = naming == "account" or (naming == "handle" and platform == "mastodon")
        handle = f"{platform}:{account.handle.lower()}" if naming == "handle" and not by_id else ""
        facts.append(Named(customer.id, platform, since, account.identifier if by_id else "", handle))
    return facts
