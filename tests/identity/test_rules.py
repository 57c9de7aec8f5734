"""The pure rules, held against the oracle's, which were written without looking at them."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import FOREVER, Act, Changed, FieldValue, Interval, Record, Sighting
from schemas.state import HeardBounds, HeardClaims, Kept
from tests.model import oracle
from tests.model.records import Records
from topologies.identity.claims import INTERVALS_MAX, claims_of
from topologies.identity.histories import HISTORY_MAX, stretches_gone, with_change, with_entry
from topologies.identity.join import Conflict, Run, conflicts, links_of, owner_at, winner
from topologies.identity.sightings import in_order, runs_of

RECORD = "record:salesforce:contact:1"
times = st.integers(0, 12)
spans = st.tuples(times, st.integers(0, 9)).map(lambda span: (span[0], span[0] + span[1]))
examples = settings(max_examples=300, deadline=None)


# ---------------------------------------------------------------- claims
values = st.sampled_from(["account:x:1", "handle:x:ann", "account:x:1 handle:x:ann", "", None])
writings = st.lists(st.tuples(times, st.integers(0, 9), values), max_size=HISTORY_MAX)
deletions = st.lists(st.tuples(times, st.sampled_from(["delete", "restore"])), max_size=HISTORY_MAX)


@examples
@given(writings, deletions, st.randoms())
def test_claims_are_those_of_the_oracle_in_any_order(writings: list[Any], deletions: list[Any], rnd: Any) -> None:
    facts: list[Any] = [
        (RECORD, Changed(at, f"{n:03d}", "set", {"x": value})) for n, (at, _, value) in enumerate(writings)
    ]
    facts += [(RECORD, Changed(at, f"{n:03d}", op, {})) for n, (at, op) in enumerate(deletions, 100)]
    want = {(who, name, start, end) for who, name, start, end in Records(facts, ("salesforce",)).claims()}
    entries: tuple[FieldValue, ...] = ()
    gone: tuple[Any, ...] = ()
    for _, event in rnd.sample(facts, len(facts)):
        if event.op == "set":
            entries, _ = with_entry(entries, FieldValue(event.at, event.position, event.fields["x"]))
        else:
            gone, _ = with_change(gone, (event.at, event.position, event.op))
    found = claims_of([Record(RECORD, {}, {"x": entries}, stretches_gone(gone))])
    assert {
        ("customer:salesforce:contact:1", name, one.start, one.end) for name, mine in found.items() for one in mine
    } == want


@examples
@given(st.lists(st.tuples(times, values), max_size=40), st.integers(0, 1 << 20))
def test_a_history_says_what_its_newest_values_say_whatever_is_forgotten(writings: list[Any], seed: int) -> None:
    entries: tuple[FieldValue, ...] = ()
    for n, (at, value) in enumerate(writings):
        entries, _ = with_entry(entries, FieldValue(at, f"{n:03d}", value))
        assert len(entries) <= HISTORY_MAX
        assert list(entries) == sorted(entries, key=lambda entry: (entry.at, entry.position))
    if writings:
        newest = max((at, f"{n:03d}", value or "") for n, (at, value) in enumerate(writings))
        assert (entries[-1].at, entries[-1].position, entries[-1].value or "") == newest


def test_of_very_many_claims_on_one_identifier_the_newest_are_told() -> None:
    records = [
        Record(f"record:crm:contact:{n}", {}, {"x": (FieldValue(n, "0", "handle:x:ann"),)}, ((n + 1, FOREVER),))
        for n in range(30)
    ]
    told = claims_of(records)["handle:x:ann"]
    assert [one.start for one in told] == list(range(30 - INTERVALS_MAX, 30))


def test_only_contacts_claim_and_evidence_is_no_novel() -> None:
    history: dict[str, tuple[FieldValue, ...]] = {"x": (FieldValue(1, "0", "handle:x:ann"),)}
    assert claims_of([Record("record:crm:case:1", {}, history), Record("record:crm:company:1", {}, history)]) == {}
    (one,) = claims_of([Record("record:crm:contact:" + "ü" * 400, {}, history)])["handle:x:ann"]
    assert len(one.evidence.encode()) <= 64
    assert one.evidence.startswith("x=crm:contact:ü")


# ---------------------------------------------------------------- handles
@examples
@given(
    st.lists(st.tuples(times, st.integers(0, 9), st.sampled_from("abc"), st.booleans()), max_size=12),
)
def test_runs_are_those_of_the_oracle(seen: list[tuple[int, int, str, bool]]) -> None:
    acts = {
        str(n): Act(str(n), "1", at, at, "x", "post", handle=handle)
        for at, n, handle, is_act in seen
        if is_act
    }  # fmt: skip
    facts: list[Any] = [("account:x:1", Sighting(handle, at, at)) for at, _, handle, is_act in seen if not is_act]
    want = {
        handle: sorted((run.start, run.end) for run in found)
        for handle, found in oracle.runs(facts, {"account:x:1": acts}).items()
    }
    sightings = tuple(sorted({(event.at, event.handle) for _, event in facts}))
    found = runs_of(in_order(sightings, [Kept("1", act.at, act) for act in acts.values()]))
    assert {handle: sorted(runs) for handle, runs in found.items()} == want


@examples
@given(st.lists(st.tuples(spans, st.sampled_from("abc")), max_size=10), spans)
def test_a_claim_binds_whom_the_oracle_says(users: list[Any], claim: tuple[int, int]) -> None:
    want = oracle.owner_at([oracle.Run(start, end, who) for (start, end), who in users], *claim)
    found = owner_at(sorted(Run(start, who, end) for (start, end), who in users), *claim)
    assert (found.account if found else None) == want


# ---------------------------------------------------------------- winners
intervals = st.builds(
    lambda span, strength: Interval(span[0], span[1], strength, "e"), spans.filter(lambda s: s[0] < s[1]), st.sampled_from([2, 3, 3, 4])
)  # fmt: skip
heard = st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), st.lists(intervals, max_size=3).map(tuple), max_size=3)


def links(by: dict[str, tuple[Interval, ...]]) -> Any:
    """The links of an account that has heard this."""
    return links_of(HeardClaims({who: (1, mine) for who, mine in by.items()}), HeardBounds({}))


@examples
@given(heard, times, st.integers(0, 5))
def test_the_winner_is_the_oracles(by: dict[str, tuple[Interval, ...]], at: int, look_back: int) -> None:
    claims = [oracle.Claimed(who, one.start, one.end, one.strength) for who, mine in by.items() for one in mine]
    top = oracle.leaders(claims, at, look_back)
    link, tied = winner(links(by), at, look_back)
    assert (link.customer if link else None, tied) == (top[0] if len(top) == 1 else None, len(top) > 1)
    if link is not None:
        assert link.start - look_back <= at < link.end


@examples
@given(heard)
def test_there_is_a_conflict_exactly_while_nobody_wins(by: dict[str, tuple[Interval, ...]]) -> None:
    found = conflicts(links(by))
    for at in range(25):
        _, tied = winner(links(by), at, 0)
        assert tied == any(one.start <= at < one.end for one in found)
    assert all(one.start < one.end for one in found)
    for one, after in pairwise(found):
        assert one.end <= after.start
        assert (one.end, one.customers) != (after.start, after.customers), "one conflict is told as two"


def test_a_conflict_of_many_names_the_first() -> None:
    by: dict[str, tuple[Interval, ...]] = {f"c{n:02d}": (Interval(0, 5, 3, "e"),) for n in range(20)}
    assert conflicts(links(by)) == [Conflict(0, 5, tuple(f"c{n:02d}" for n in range(8)), 20)]
