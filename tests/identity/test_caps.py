"""Every collection has a cap, and says what happens at it. `Town` holds each call against the size of effects and items."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import (
    FINAL,
    FOREVER,
    AccountStatus,
    Bound,
    BoundClaim,
    Changed,
    Claim,
    Content,
    Decided,
    Gone,
    Interval,
    Purge,
    Record,
    Seen,
)
from schemas.state import Heard, decode_item, encode_item
from tests.identity.town import ALWAYS, ANN, C1, C2, T0, X1, Town, claim, ms, post_, sighting
from topologies.identity.claims import EVIDENCE_BYTES_MAX, INTERVALS_MAX
from topologies.identity.facts import (
    ActCut,
    ActSealedEarly,
    ActTooLate,
    ChildRefused,
    ClaimRefused,
    HistoryFolded,
    LinksUntold,
    SightingRefused,
    ValueCut,
)
from topologies.identity.heard import BOUND_CLAIMS_MAX, BOUND_HANDLES_MAX, DECISIONS_MAX, SILENT_MAX
from topologies.identity.sightings import SEEN_MAX

MINUTE = 1 / 60
LONG = "a" * (512 - len("customer:"))


# ---------------------------------------------------------------- acts
def test_beyond_held_max_the_oldest_act_is_sealed_and_its_join_stays() -> None:
    town = Town(held_max=4).tell(X1, claim(C1, 1, ALWAYS), *(post_(n, n) for n in range(6)))
    assert sorted(town.kept()) == [f"x:1/{n:06d}" for n in (2, 3, 4, 5)]
    assert sorted(town.joined()) == [f"x:1/{n:06d}" for n in range(6)]
    assert [(one.act, one.reason) for one in town.said("late")] == [
        ("x:1/000000", "sealed early: held_max reached"),
        ("x:1/000001", "sealed early: held_max reached"),
    ]
    assert town.noted(ActSealedEarly) == 2
    town.tell(X1, claim(C1, 2))
    assert sorted(town.joined()) == ["x:1/000000", "x:1/000001"], "a sealed join is final"


def test_what_comes_after_it_was_sealed_early_is_late_and_joins_nothing() -> None:
    town = Town(held_max=4).tell(X1, claim(C1, 1, ALWAYS), *(post_(n, n) for n in range(6)))
    before = len(town.sent)
    town.tell(X1, post_(1, 1), post_(9, 0.5), post_(1, 1, version="2"))
    assert [one.act for one in town.said("late")[2:]] == ["x:1/000001", "x:1/000009", "x:1/000001"]
    assert town.noted(ActTooLate) == 3
    assert len(town.sent) == before


def test_the_oldest_may_be_the_one_that_has_just_come() -> None:
    town = Town(held_max=2).tell(X1, claim(C1, 1, ALWAYS), post_(5, 5), post_(6, 6), post_(1, 1))
    assert sorted(town.kept()) == ["x:1/000005", "x:1/000006"]
    assert sorted(town.joined()) == ["x:1/000001", "x:1/000005", "x:1/000006"]
    assert [one.act for one in town.said("late")] == ["x:1/000001"]


def test_an_account_nobody_claimed_has_sixteen_acts_an_hour() -> None:
    town = Town().tell(X1, *(post_(n, n * MINUTE) for n in range(20)))
    assert sorted(town.kept()) == [f"x:1/{n:06d}" for n in range(4, 20)]
    assert [one.act.id for one in town.said("unmatched")] == [f"x:1/{n:06d}" for n in range(4)]
    assert {one.reason for one in town.said("late")} == {"sealed early: unclaimed_per_hour_max reached"}
    town.tell(X1, *(post_(100 + n, 1 + n * MINUTE) for n in range(16)))
    assert len(town.kept()) == 32, "the next hour has its own"
    town.tell(X1, claim(C1, 1, ALWAYS), *(post_(200 + n, 2 + n * MINUTE) for n in range(20)))
    assert len(town.kept()) == 52, "who is claimed has no such cap"


def test_tombstones_count_and_leave_nothing_to_say() -> None:
    town = Town(held_max=4).tell(X1, *(Gone(f"x:1/{n:06d}", FINAL, ms(n), ms(n)) for n in range(6)))
    assert len(town.kept()) == 4
    assert (town.said("late"), town.said("unmatched")) == ([], [])
    assert town.noted(ActSealedEarly) == 2
    assert [one.act for one in town.tell(X1, post_(0, 0)).said("late")] == ["x:1/000000"], "its tombstone is gone"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=60),
    st.integers(1, 6),
    st.integers(1, 6),
    st.booleans(),
)
def test_caps_hold_in_any_order_and_every_act_is_accounted_for(
    acts: list[tuple[int, bool]], held_max: int, hourly_max: int, is_claimed: bool
) -> None:
    town = Town(held_max=held_max, unclaimed_per_hour_max=hourly_max)
    if is_claimed:
        town.tell(X1, claim(C1, 1, (-99.0, float("inf"))))
    for number, is_repeated in acts:
        town.tell(X1, *[post_(number, number * MINUTE)] * (1 + is_repeated))
        assert len(town.kept()) <= held_max
    came = {f"x:1/{number:06d}" for number, _ in acts}
    late, said = {one.act for one in town.said("late")}, [one.act.id for one in town.said("unmatched")]
    assert came == {*town.kept(), *late}
    if is_claimed:
        assert said == []
        assert set(town.kept()) <= set(town.joined())
    else:
        hours = [kept.received_at // 3_600_000 for kept in town.kept().values()]
        assert all(hours.count(hour) <= hourly_max for hour in hours)
        assert len(said) == len(set(said))
        assert set(said) <= late


def test_a_year_of_one_author_stays_as_small_as_a_week() -> None:
    town, sizes = Town(), []
    for n in range(4_000):
        town.tell(X1, post_(n, n * 0.05, handle=ANN))
        if n % 20 == 0:
            town.tick(n * 0.05 - 1)
        if n % 1000 == 999:
            sizes.append(sum(len(encode_item(item)) for item in town.items[X1].values()))
    assert max(sizes) < 1.1 * min(sizes)
    assert len(town.said("unmatched")) + len(town.kept()) == 4_000
    assert town.items[ANN]["seen:account:x:1"].runs == ((T0, FOREVER),), "it had one handle all the time"


@pytest.mark.parametrize("change", ["claim", "hide", "purge", "seal"])
def test_a_thousand_acts_change_their_customer_in_calls_of_less_than_256_effects(change: str) -> None:
    town = Town(held_max=1000).tell(X1, claim(C1, 1, ALWAYS))
    town.tell(X1, *(post_(n, n * MINUTE, handle=f"handle:x:{n // 10}") for n in range(1000)))
    assert len(town.joined()) == 1000
    match change:
        case "claim":
            town.tell(X1, claim(C1, 2), claim(C2, 2, ALWAYS))
            assert (len(town.joined(C1)), len(town.joined(C2))) == (0, 1000)
        case "hide":
            town.tell(X1, AccountStatus(True, "suspended", ms(20), ms(20)))
            assert len(town.joined()) == 0
            assert all(not items[f"seen:{X1}"].runs for who, items in town.items.items() if who[:6] == "handle")
        case "purge":
            town.tell(X1, Purge(C1, 9, ms(20)))
            assert [kept for kept in town.kept().values() if kept.act is not None] == []
        case _:
            town.tell(X1, claim(C1, 2)).tick(100)
            assert town.kept() == {}
            assert len(town.said("unmatched")) == 1000


def test_a_smaller_cap_is_reached_in_pages() -> None:
    town = Town(held_max=1000).tell(X1, claim(C1, 1, ALWAYS), *(post_(n, n * MINUTE) for n in range(1000)))
    town.model = Town(held_max=10).model
    town.tell(X1, post_(2000, 50))
    assert len(town.kept()) == 10
    assert town.noted(ActSealedEarly) == 991


def test_an_act_larger_than_what_is_kept_is_cut_and_noted() -> None:
    big = post_(1, 0, text="ü" * 900_000, targets=tuple(f"account:x:{n}" for n in range(5000)), handle="h" * 3000)
    town = Town().tell(X1, big)
    kept = town.kept()["x:1/000001"].act
    assert kept is not None
    assert (len(kept.text), len(kept.targets), kept.handle) == (16_000, 64, "")
    assert town.noted(ActCut) == 1
    assert len(encode_item(town.kept()["x:1/000001"])) < 100_000


# ---------------------------------------------------------------- claims
def customer(n: int) -> str:
    """With the longest name there can be."""
    return f"customer:{n:05d}{LONG}"[:512]


def most_intervals() -> tuple[Interval, ...]:
    """More than a customer can claim of one identifier, all different, with evidence as long as it may be."""
    evidence = "e" * EVIDENCE_BYTES_MAX
    return tuple(Interval(ms(n), ms(n) + 1, 3, evidence) for n in range(INTERVALS_MAX + DECISIONS_MAX + 50))


@pytest.mark.parametrize("who", [X1, ANN])
def test_too_many_claimants_are_refused_and_that_is_published(who: str) -> None:
    town = Town(claimants_max=128).tell(who, *(Claim(customer(n), 1, most_intervals()) for n in range(130)))
    assert [one.customer for one in town.said("links", "refused")] == [customer(n)[9:] for n in (128, 129)]
    assert town.noted(ClaimRefused) == 2
    town.tell(who, *(Claim(customer(n), 2, ()) for n in range(128)))
    assert len(town.items[who]["claims"].by) == SILENT_MAX, "who claims nothing any more is forgotten at last"
    town.tell(who, Claim(customer(129), 3, (Interval(0, FOREVER, 3, "e"),)))
    assert len(town.said("links", "refused")) == 2, "there is room again"


def test_an_account_is_bound_by_a_dozen_handles_at_most() -> None:
    claims = tuple(BoundClaim(customer(n), interval) for n, interval in enumerate(most_intervals()))
    town = Town()
    for n in range(BOUND_HANDLES_MAX + 2):
        town.tell(X1, Bound(f"handle:x:{n}{LONG}"[:512], 1, claims))
    assert len(town.items[X1]["bounds"].by) == BOUND_HANDLES_MAX
    assert all(len(bound) == BOUND_CLAIMS_MAX for _, bound in town.items[X1]["bounds"].by.values())
    assert town.noted(SightingRefused) == 2


def test_what_a_hundred_customers_claim_is_told_of_with_a_limit() -> None:
    town = Town(claimants_max=100)
    town.tell(X1, *(claim(f"customer:{n:03d}", 1, *((float(k), k + 1.5) for k in range(12))) for n in range(100)))
    assert len(town.said("links", "linked")) == 1200
    before = len(town.said("links"))
    town.tell(X1, Decided(ms(0), "1", "never", X1, "ann"))
    told = len(town.said("links")) - before
    assert (told, town.noted(LinksUntold)) == (64 + 1, 1200 - 64)
    assert town.tell(X1, post_(1, 1)).sent == []


# ---------------------------------------------------------------- handles
def test_a_handle_remembers_64_accounts_and_notes_more() -> None:
    town = Town().tell(ANN, *(Seen(f"account:x:{n}", 1, ((ms(n), FOREVER),)) for n in range(70)))
    assert len(town.items[ANN]) == 64
    assert town.noted(SightingRefused) == 6
    town.tell(ANN, *(Seen(f"account:x:{n}", 2, ()) for n in range(64)))
    assert len(town.items[ANN]) <= SILENT_MAX + 1
    town.tell(ANN, Seen("account:x:99", 1, ((ms(0), FOREVER),)))
    assert town.items[ANN]["seen:account:x:99"].runs


def test_a_handle_that_changes_hands_all_the_time_binds_in_pages() -> None:
    town = Town(claimants_max=128)
    town.tell(ANN, *(Claim(customer(n), 1, (Interval(ms(n), ms(n + 1), 2, "e"),)) for n in range(128)))
    town.tell(ANN, *(Seen(f"account:x:{n}", 1, ((ms(n), ms(n + 1)),)) for n in range(64)))
    assert [len(town.bound(f"account:x:{n}")) for n in range(64)] == [1] * 64
    town.tell(ANN, *(Claim(customer(n), 2, ()) for n in range(128)))
    assert [town.bound(f"account:x:{n}") for n in range(64)] == [()] * 64


def test_who_renames_himself_every_hour_keeps_the_newest_handles() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), *(sighting(f"handle:x:{n}", n) for n in range(100)))
    assert len(town.items[X1]["head"].seen) == SEEN_MAX
    assert town.items[X1]["head"].handle == "handle:x:99"
    assert town.noted(HistoryFolded) == 100 - SEEN_MAX
    assert town.items["handle:x:5"]["seen:account:x:1"].runs == ()
    assert town.items["handle:x:98"]["seen:account:x:1"].runs == ((ms(98), ms(99)),)


def test_a_handle_seen_every_day_is_one_sighting_when_there_is_no_room() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), *(sighting(ANN, n) for n in range(100)))
    assert len(town.items[X1]["head"].seen) == SEEN_MAX
    assert town.items[ANN]["seen:account:x:1"].runs == ((T0, FOREVER),)
    assert town.noted(HistoryFolded) == 0


# ---------------------------------------------------------------- records
S1 = "record:salesforce:contact:1"
FIELDS = ("bluesky", "x", "mastodon", "email", "phone")


def fields(position: int, size: int) -> dict[str, str | None]:
    """As many fields as there can be, each as long as somebody makes them."""
    claims = {name: " ".join(f"handle:x:{position}.{n}" for n in range(size)) for name in FIELDS}
    return {**claims, **{f"field{n}": "ü" * size for n in range(200)}}


def test_ten_thousand_handles_on_one_contact_harm_nobody() -> None:
    town = Town().tell(S1, Changed(T0, "1", "set", fields(1, 10_000), T0))
    (_, event) = town.sent[-1]
    assert event.content is not None
    assert len(event.content.histories["x"][-1].value.split()) < 200
    assert town.noted(ValueCut) > 0


def test_a_record_with_everything_at_its_limit_is_still_one_event_and_one_item() -> None:
    town = Town()
    for n in range(20):
        town.tell(S1, Changed(ms(n), f"{n:0200d}", "set", fields(n, 10_000), ms(n)))
        town.tell(S1, Changed(ms(n), f"{n:0200d}", "restore" if n % 2 else "delete", {}, ms(n)))
    content = town.sent[-1][1]
    assert isinstance(content, Content)
    assert len(encode_item(Heard(content))) < 256 * 1024
    assert decode_item(encode_item(Heard(content))) == Heard(content)
    assert len(town.items[S1]) <= 64 + 5
    assert town.noted(HistoryFolded) > 0


def test_a_history_forgets_what_changes_nothing_before_it_forgets_the_oldest() -> None:
    town = Town()
    for n in range(40):
        town.tell(S1, Changed(ms(n), f"{n:03d}", "set", {"x": ANN}, ms(n)))
    entries = town.items[S1]["hist:x"].entries
    assert (len(entries), entries[0].at) == (16, ms(0)), "ann has had the handle from the first day"
    assert town.noted(HistoryFolded) == 0
    for n in range(40, 60):
        town.tell(S1, Changed(ms(n), f"{n:03d}", "set", {"x": f"handle:x:{n}"}, ms(n)))
    entries = town.items[S1]["hist:x"].entries
    assert [entry.at for entry in entries] == [ms(n) for n in range(44, 60)]
    assert town.noted(HistoryFolded) == 5


def test_a_company_with_more_contacts_than_are_followed_says_so() -> None:
    town, company = Town(), "record:salesforce:company:1"
    for n in range(4100):
        contact = f"record:salesforce:contact:{n}"
        town.tell(company, Content(contact, contact, 1, Record(contact, {}, {})))
    assert len(town.items[company]) <= 4096 + 2
    assert town.noted(ChildRefused) == 4
    town.tell(company, Content("record:salesforce:contact:0", "record:salesforce:contact:0", 2, None))
    town.tell(
        company, Content("record:salesforce:contact:9999", "record:salesforce:contact:9999", 2, Record("", {}, {}))
    )
    assert town.noted(ChildRefused) == 4, "one has gone, there is room"
