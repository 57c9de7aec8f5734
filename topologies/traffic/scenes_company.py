"""What the company does: it keeps records of its customers, makes mistakes, corrects them, and finds things out."""

from topologies.traffic import who
from topologies.traffic.names import OWNER
from topologies.traffic.people import TIERS, Crm, Customer
from topologies.traffic.records import Names, first_names
from topologies.traffic.scenes_people import remark
from topologies.traffic.stage import HOUR_MS, Scene, Stage

DAYS = 3
"""Raw topics keep a few days: so old is the oldest change in the log."""
LIVE: tuple[Crm, ...] = ("salesforce", "hubspot", "crm")
"""Sources that go on. A snapshot of contacts is right, and read once."""
_UNKNOWN, _MISTAKEN, _SEEN = 0.08, 0.05, 0.75
"""At the opening: customers in no CRM yet, records that name somebody else's account, claimed handles looked up."""


def opening(stage: Stage) -> None:
    """The days before: companies, then customers as far as anybody knows them; some handles have been looked up."""
    rnd, start_ms = stage.rnd, stage.options.start_ms
    first_ms = start_ms - DAYS * 24 * HOUR_MS
    for company in stage.cast.companies:
        stage.now = first_ms + company.number * 1000
        stage.found(company)
    for customer in stage.cast.customers:
        stage.now = rnd.randint(first_ms + HOUR_MS, start_ms - HOUR_MS)
        is_live, luck = customer.source in LIVE, rnd.random()
        if is_live and luck < _UNKNOWN:
            continue
        names = _mistake(stage, customer) if is_live and luck > 1 - _MISTAKEN else None
        stage.enter(customer, names)
        for account, naming in who.named(customer):
            if account.platform == "bluesky" and naming == "handle" and names is None and rnd.random() < _SEEN:
                stage.see(account)


def newcomer(stage: Stage) -> Scene:
    """Somebody whom no CRM knows yet speaks, and is entered a little later: what was said before is theirs."""
    rnd = stage.rnd
    unknown = [one for one in stage.cast.customers if not one.known]
    if not unknown:
        yield from change(stage)
        return
    customer = rnd.choice(unknown)
    stage.say(customer.person, who.a_mood(rnd, customer.person))
    yield rnd.uniform(3, 30)
    if customer.known:
        return
    stage.enter(customer)
    for account, naming in who.named(customer):
        if account.platform == "bluesky" and naming == "handle":
            yield rnd.uniform(2, 30)
            stage.see(account)


def sighting(stage: Stage) -> Scene:
    """A claimed handle is looked up. Now and then its account takes another one soon after."""
    rnd = stage.rnd
    customers = rnd.sample(stage.cast.customers, min(30, len(stage.cast.customers)))
    claimed = [
        account
        for customer in customers
        if who.is_recorded(customer)
        for account, naming in who.named(customer)
        if account.platform == "bluesky" and naming == "handle"
    ]
    if not claimed:
        yield from remark(stage)
        return
    account = rnd.choice(claimed)
    stage.see(account)
    if rnd.random() < 0.15:
        yield rnd.uniform(5, 40)
        account.handle = f"{account.handle.partition('.')[0]}{stage.next_number()}.example"
        stage.see(account)


def correction(stage: Stage) -> Scene:
    """A record names somebody else's account. It is corrected; or somebody says: that is not them."""
    rnd = stage.rnd
    wrong = [one for one in stage.cast.customers if one.mistaken is not None and who.is_recorded(one)]
    if not wrong:
        yield from change(stage)
        return
    customer = rnd.choice(wrong)
    account, customer.mistaken = customer.mistaken, None
    assert account is not None
    stage.remark(account)
    yield rnd.uniform(3, 20)
    if customer.gone:
        return
    if rnd.random() < 0.7:
        right, naming = first_names(customer)[account.platform]
        stage.change(customer, {}, {account.platform: (right, naming)})
        if account.platform == "bluesky" and naming == "handle":
            yield rnd.uniform(2, 10)
            stage.see(right)
    else:
        stage.decide(customer, account, is_theirs=False)


def decision(stage: Stage) -> Scene:
    """A person knows whose account it is that no record names."""
    unnamed = [
        (customer, account)
        for customer in stage.cast.customers
        if who.is_recorded(customer)
        for account, naming in who.named(customer)
        if naming == "nothing"
    ]
    if not unnamed:
        yield from change(stage)
        return
    customer, account = stage.rnd.choice(unnamed)
    stage.remark(account)
    yield stage.rnd.uniform(2, 15)
    stage.decide(customer, account, is_theirs=True)


def change(stage: Stage) -> Scene:
    """A record gets another tier, owner or phone number."""
    rnd, customer = stage.rnd, who.a_record(stage, *LIVE)
    if customer is None:
        yield from remark(stage)
        return
    match rnd.randrange(3):
        case 0:
            stage.change(customer, {"tier": rnd.choice(TIERS)})
        case 1:
            stage.change(customer, {"owner": rnd.choice(OWNER)})
        case _:
            stage.change(customer, {"phone": f"+4930{rnd.randint(10_000_000, 99_999_999)}"})


def case(stage: Stage) -> Scene:
    """A case is opened, worked on and closed. Its customer may tell everybody meanwhile."""
    rnd, customer = stage.rnd, who.a_record(stage, "salesforce", "crm")
    if customer is None:
        yield from remark(stage)
        return
    number = 40_000 + stage.next_number()
    stage.case(customer, number, "New")
    yield rnd.uniform(5, 30)
    if rnd.random() < 0.5:
        stage.say(customer.person, "complaint")
        yield rnd.uniform(5, 30)
    stage.case(customer, number, "Working")
    yield rnd.uniform(20, 120)
    stage.case(customer, number, "Closed")


def removal(stage: Stage) -> Scene:
    """A record is deleted, which happens."""
    customer = who.a_record(stage, *LIVE)
    if customer is not None:
        stage.remove(customer)
    else:
        yield from remark(stage)


def _mistake(stage: Stage, customer: Customer) -> Names | None:
    """The record's names, but one of them somebody else's. Nothing when there is nobody to take for them."""
    names = dict(first_names(customer))
    for platform, (_, naming) in names.items():
        others = [account for one in stage.cast.strangers for account in one.accounts if account.platform == platform]
        if naming != "nothing" and others:
            customer.mistaken = stage.rnd.choice(others)
            return {**names, platform: (customer.mistaken, naming)}
    return None
