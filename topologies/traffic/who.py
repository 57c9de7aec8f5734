"""Who it happens to. Some customers talk much more than others, and strangers talk as well."""

from collections.abc import Iterator
from random import Random

from topologies.traffic.people import Account, Crm, Customer, Naming, Person, Platform
from topologies.traffic.stage import Stage
from topologies.traffic.texts import Mood

_MOODS: dict[str, tuple[int, ...]] = {"happy": (60, 35, 4, 1), "calm": (30, 58, 10, 2), "grumpy": (5, 30, 40, 25)}
_MOOD_NAMES: tuple[Mood, ...] = ("praise", "neutral", "complaint", "angry")


def a_person(stage: Stage) -> Person:
    """A customer, more often than not; else a stranger."""
    return a_customer(stage).person if stage.rnd.random() < 0.6 else stage.rnd.choice(stage.cast.strangers)


def a_customer(stage: Stage) -> Customer:
    """A customer, known or not."""
    customers = stage.cast.customers
    return customers[int(len(customers) * stage.rnd.random() ** 1.7)]


def a_record(stage: Stage, *sources: Crm) -> Customer | None:
    """A customer with a record in one of these sources; nobody when there seems to be none."""
    for _ in range(50):
        customer = stage.rnd.choice(stage.cast.customers)
        if is_recorded(customer) and customer.source in sources:
            return customer
    return None


def is_recorded(customer: Customer) -> bool:
    """Whether a record of theirs is there."""
    return customer.known and not customer.gone


def on(stage: Stage, platform: Platform) -> tuple[Person, Account]:
    """Somebody with an account there."""
    while True:
        person = a_person(stage)
        for account in person.accounts:
            if account.platform == platform:
                return person, account


def named(customer: Customer) -> Iterator[tuple[Account, Naming]]:
    """The customer's accounts, and how the right record names them."""
    return zip(customer.person.accounts, customer.naming, strict=True)


def a_mood(rnd: Random, person: Person) -> Mood:
    """How somebody of that temper speaks today."""
    return rnd.choices(_MOOD_NAMES, _MOODS[person.temper])[0]
