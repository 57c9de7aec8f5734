"""What records say together, in any order; and what is claimed of it, and told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.events import FOREVER, Claim, Content, Interval, Record
from schemas.state import Profile
from tests.customer.desk import BASE_MS, MODEL, RECORD, WHO, Desk, a_model, a_record, kinds, lowered, ms
from topologies.customer.profile import LISTED_MAX, VALUE_CHARS_MAX, is_gone, known_by, merge
from topologies.customer.records import DECISIONS_MAX, RECORDS_MAX

SOURCES = ("salesforce", "hubspot")
SF, HS, ZD = "record:salesforce:contact:51", "record:hubspot:contact:7", "record:zendesk:contact:3"
CASE = "record:zendesk:case:"
GONE = ((ms(1), FOREVER),)


def merged(*records: Record, fields: tuple[str, ...] = ()) -> Profile:
    """Without identifiers, and without the list of records."""
    return replace(merge(records, (), SOURCES, fields), records=())


# ---------------------------------------------------------------- merge
def test_each_field_is_that_of_the_best_source_that_has_it() -> None:
    found = merged(
        a_record({"name": "Annie", "tier": "gold", "owner": "", "company": None}, HS),
        a_record({"name": "Ann", "owner": "olga"}, SF),
        a_record({"name": "A.", "tier": "silver", "company": "Acme"}, ZD, at=ms(99)),
    )
    assert found == Profile(name="Ann", tier="gold", owner="olga", company="Acme")


def test_within_a_source_the_newest_value_wins() -> None:
    other = "record:hubspot:contact:8"
    old, new = a_record({"tier": "gold"}, HS, at=ms(2)), a_record({"tier": "silver"}, other, at=ms(3))
    assert merged(old, new).tier == merged(new, old).tier == "silver"
    tie = a_record({"tier": "basic"}, other, at=ms(2), position="1")
    assert merged(old, tie).tier == "basic"


def test_deleted_records_say_nothing_and_restored_ones_do() -> None:
    assert merged(a_record({"name": "Ann"}, SF, gone=GONE), a_record({"name": "Annie"}, HS)).name == "Annie"
    assert merged(a_record({"name": "Ann"}, SF, gone=((ms(1), ms(2)),))).name == "Ann"
    assert is_gone(a_record({}, SF, gone=GONE))


def test_open_cases_are_counted() -> None:
    cases = [
        a_record({"status": status}, f"{CASE}{n}")
        for n, status in enumerate(("open", "Closed", "solved", None, "deleted"))
    ]
    cases += [a_record({}, f"{CASE}8"), a_record({"status": "open"}, f"{CASE}9", gone=GONE)]
    assert merged(*cases).open_cases == 3


def test_further_fields_are_copied_as_configured() -> None:
    record = a_record({"region": "north", "shoe size": "43"}, SF)
    assert merged(record, fields=("region", "plan")).fields == {"region": "north"}


def test_values_and_lists_are_bounded() -> None:
    records = [a_record({"name": "n" * 9_999}, f"record:hubspot:contact:{n}") for n in range(300)]
    found = merge(records, (f"email:{n}@a.example" for n in range(300)), SOURCES, ())
    assert len(found.name) == VALUE_CHARS_MAX
    assert len(found.records) == len(found.identifiers) == LISTED_MAX


some_records = st.lists(
    st.builds(
        lambda name, hour, position, tier, gone: a_record({"name": name, "tier": tier}, f"record:{name}", at=ms(hour), position=position, gone=GONE if gone else ()),
        st.sampled_from(("salesforce:contact:1", "hubspot:contact:1", "hubspot:contact:2", "x:contact:1", "x:case:1")),
        st.integers(0, 2),
        st.sampled_from("ab"),
        st.sampled_from(("gold", "silver", "", None)),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda record: record.record,
)  # fmt: skip


@given(some_records, st.randoms(use_true_random=False))
def test_the_order_in_which_records_are_known_does_not_matter(records: list[Record], chance: object) -> None:
    shuffled = [*records]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(records, (), SOURCES, ("region",)) == merge(shuffled, (), SOURCES, ("region",))


def test_identifiers_are_those_of_now_that_nobody_has_denied() -> None:
    claims = {
        "account:x:1": (Interval(0, 5, 3, ""),),
        "account:x:2": (Interval(0, FOREVER, 3, ""),),
        "account:x:3": (Interval(0, FOREVER, 3, ""), Interval(0, FOREVER, 0, "")),
        "email:a@a.example": (Interval(0, FOREVER, 2, ""),),
    }
    assert known_by(claims) == ["account:x:2", "email:a@a.example"]


# ---------------------------------------------------------------- profiles
def test_a_profile_is_published_when_it_changes_and_only_then() -> None:
    desk = Desk()
    out = desk.record(
        {"name": "Ann", "phone": "phone:+4930901820", "x": "handle:x:ann account:x:1", "email": "email:ann@a.example"}
    )
    assert kinds(out) == ["profiles"]
    _, key, value = out[0]
    assert (key, value.id, value.name, value.tier) == ("salesforce:contact:51", "salesforce:contact:51", "Ann", None)
    assert value.records == ("salesforce:contact:51",)
    assert value.identifiers == ("x:1", "email:ann@a.example", "handle:x:ann", "phone:+4930901820")
    assert (
        desk.record(
            {
                "name": "Ann",
                "phone": "phone:+4930901820",
                "x": "handle:x:ann account:x:1",
                "email": "email:ann@a.example",
            }
        )
        == []
    )
    assert kinds(desk.record({"name": "Anna"})) == ["profiles"]


def test_older_content_is_no_news() -> None:
    desk = Desk()
    old = Content(RECORD, RECORD, desk.version(), a_record({"name": "Ann"}))
    desk.record({"name": "Anna"})
    assert desk.fold(old) == []
    desk.no_record()
    assert desk.fold(old) == []


def test_a_customer_without_records_leaves_the_topic() -> None:
    desk = Desk()
    desk.record({"name": "Ann", "x": "account:x:1"})
    out = desk.no_record()
    assert out == [("profiles", "salesforce:contact:51", None)]
    assert "profile" not in desk.items
    assert desk.told(Claim)[-1][1].intervals == ()
    assert desk.record({"name": "Ann"})[0][2].name == "Ann"


def test_other_settings_show_at_the_next_event() -> None:
    desk = Desk(a_model())
    desk.record({"name": "Ann", "region": "north"})
    desk.model = replace(MODEL, hash="other", profile=replace(MODEL.profile, fields=()))
    desk.decide("is", "account:x:1")
    assert desk.last("profiles").fields == {}
    assert desk.last("profiles").model == "other"


def test_cases_come_and_go() -> None:
    desk = Desk()
    desk.record({"name": "Ann"})
    desk.record({"status": "open"}, subject=f"{CASE}1")
    assert desk.last("profiles").open_cases == 1
    desk.record({"status": "closed"}, subject=f"{CASE}1")
    assert desk.last("profiles").open_cases == 0


# ---------------------------------------------------------------- claims
def test_claims_are_told_to_accounts_and_handles_where_they_change() -> None:
    desk = Desk()
    desk.record({"x": "account:x:1 handle:x:ann", "email": "email:ann@a.example", "phone": "phone:+4930901820"})
    told = desk.told(Claim)
    assert [(to, claim.sender, [i.strength for i in claim.intervals]) for to, claim in told] == [
        ("account:x:1", WHO, [3]),
        ("handle:x:ann", WHO, [2]),
    ]
    assert told[0][1].intervals[0] == Interval(BASE_MS, FOREVER, 3, "x=salesforce:contact:51")
    desk.sent.clear()
    desk.record({"x": "account:x:1", "name": "Ann"})
    assert [(to, claim.intervals) for to, claim in desk.told(Claim)] == [("handle:x:ann", ())]
    assert desk.told(Claim)[0][1].version > told[1][1].version


def test_people_decide_and_take_it_back() -> None:
    desk = Desk()
    desk.record({"x": "account:x:1"})
    desk.sent.clear()
    desk.decide("is", "account:x:2", 1)
    desk.decide("never", "account:x:1", 1)
    assert [(to, [(i.start, i.end, i.strength) for i in claim.intervals]) for to, claim in desk.told(Claim)] == [
        ("account:x:2", [(0, FOREVER, 4)]),
        ("account:x:1", [(0, FOREVER, 0), (BASE_MS, FOREVER, 3)]),
    ]
    assert desk.last("profiles").identifiers == ("x:2",)
    assert desk.told(Claim)[0][1].intervals[0].evidence == "decision=olga"
    desk.sent.clear()
    desk.decide("unset", "account:x:2", 2)
    desk.decide("is", "account:x:2", 1)
    assert [(to, claim.intervals) for to, claim in desk.told(Claim)] == [("account:x:2", ())]


def test_a_hundred_and_twenty_identifiers_change_at_once() -> None:
    desk = Desk(lowered(MODEL, identifiers_max=120))
    desk.record({"x": " ".join(f"account:x:{n}" for n in range(100, 220))})
    assert len(desk.told(Claim)) == 120
    desk.sent.clear()
    desk.record({"x": " ".join(f"account:x:{n}" for n in range(300, 420))})
    told = desk.told(Claim)
    assert len(told) == 240
    assert sum(claim.intervals == () for _, claim in told) == 120
    assert sorted(name for name in desk.items if name.startswith("told:")) == [
        f"told:claim:account:x:{n}" for n in range(300, 420)
    ]


def test_thousands_of_handles_on_one_contact_are_refused_in_order_of_name() -> None:
    desk = Desk()
    handles = [f"handle:x:ann{n:05d}" for n in range(4_000)]
    out = desk.record({"x": " ".join(handles)})
    assert [to for to, _ in desk.told(Claim)] == handles[:64]
    refused = [value for name, _, value in out if name == "links"]
    assert [value.identifier for value in refused] == handles[64:80]
    assert {(value.status, value.customer) for value in refused} == {("refused", "salesforce:contact:51")}
    assert desk.counted("identifiers_refused_total") == 4_000 - 64
    desk.record({"x": " ".join(handles), "name": "Ann"})
    assert desk.counted("identifiers_refused_total") == 4_000 - 64, "said once"
    desk.record({"x": " ".join(handles[1:])})
    assert desk.told(Claim)[-1][0] == handles[64]


def test_lowering_the_limit_withdraws_what_is_beyond() -> None:
    desk = Desk()
    desk.record({"x": " ".join(f"account:x:{n}" for n in range(10, 20))})
    desk.model = replace(lowered(MODEL, identifiers_max=4), hash="other")
    desk.record({"x": " ".join(f"account:x:{n}" for n in range(10, 20)), "name": "Ann"})
    assert sorted(name for name in desk.items if name.startswith("told:")) == [
        f"told:claim:account:x:{n}" for n in range(10, 14)
    ]


# ---------------------------------------------------------------- caps
def test_of_too_many_records_those_that_matter_least_go_first() -> None:
    desk = Desk()
    desk.record({"name": "Ann"})
    for n in range(RECORDS_MAX - 1):
        desk.record({"status": "closed" if n == 7 else "open"}, subject=f"{CASE}{n}")
    assert desk.last("profiles").open_cases == RECORDS_MAX - 2
    desk.record({"status": "open"}, subject=f"{CASE}next")
    assert f"from:{CASE}7" not in desk.items
    assert desk.last("profiles").open_cases == RECORDS_MAX - 1
    desk.record({"status": "open"}, subject=f"{CASE}last")
    assert desk.last("profiles").open_cases == RECORDS_MAX - 1
    assert desk.counted("customer_records_refused_total") == 1
    assert desk.last("profiles").name == "Ann"


def test_decisions_are_bounded() -> None:
    desk = Desk()
    for n in range(DECISIONS_MAX + 3):
        desk.decide("never", f"account:x:{n}")
    assert sum(name.startswith("decided:") for name in desk.items) == DECISIONS_MAX
    assert desk.counted("customer_records_refused_total") == 3
    desk.decide("unset", "account:x:0", 1)
    assert desk.items["decided:account:x:0"].what == "unset"


@pytest.mark.parametrize("subject", [RECORD, "record:hubspot:company:1", "record:"])
def test_records_of_any_kind_do_no_harm(subject: str) -> None:
    desk = Desk()
    desk.record({"name": "Acme", "x": "account:x:1", "status": "open"}, subject=subject)
    assert ("profile" in desk.items) == (subject == RECORD)
