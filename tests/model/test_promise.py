"""The promise: the same set of events gives the same pairs, links, profiles and sums, whatever happens on the way.

any order · any interleaving · any duplication · 1-8 partitions · no channel order      = oracle
what is undone leaves no trace · what is erased stays erased · volume is bounded
"""

from itertools import product

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import AccountStatus, Act, Changed, Decided, Erase, Gone, ReplyTo
from schemas.state import JoinedItem, Kept
from tests.model import cast, world
from tests.model.cast import C1, C2, C9, CASES, H1, S1, S2, X1, External, ms
from tests.model.examples import examples
from tests.model.extract import found, profiles_of, subscribed, sums_in, traces
from tests.model.oracle import ASSERTED, CONFIRMED, HANDLE, answer, unmatched
from tests.model.records import Entry, Records
from tests.model.runner import Played, play
from topologies.social_crm import stages

STAGES = stages()
MODEL = cast.model()
SENDS_PER_EVENT = 6.0
"""On average: the semantics promise that volume is bounded, the model needed 3.5."""


class Log(msgspec.Struct, frozen=True):
    """How a log may treat events."""

    seed: int
    partitions: int
    reorder: bool
    duplicate: bool
    echo: bool


def log_of(number: int) -> Log:
    """One number is a whole log. See `world.worlds` for why nothing is drawn twice."""
    flags, number = number & 7, number >> 3
    return Log(number >> 3 & 0xFFFF, 1 + number % 8, bool(flags & 1), bool(flags & 2), bool(flags & 4))


logs = st.integers(0, (1 << 22) - 1).map(log_of)
two_logs = st.integers(0, (1 << 44) - 1).map(lambda number: (log_of(number), log_of(number >> 22)))


def run(events: list[External], log: Log, *, until: int = 0) -> Played:
    """Play a world in a log."""
    return play(events, STAGES, MODEL, **msgspec.structs.asdict(log), until=until)


def test_every_order_gives_the_answer_and_volume_is_bounded() -> None:
    said = [0, 0]

    @examples(400)
    @given(world.worlds, logs)
    def check(events: list[External], log: Log) -> None:
        played = run(events, log)
        got, want = found(played), answer(events, MODEL)
        assert got.links == want.links
        assert got.pairs == want.pairs
        assert got.profiles == want.profiles
        assert got.sums == want.sums
        said[0] += played.sends
        said[1] += played.external

    check()
    assert said[0] <= SENDS_PER_EVENT * said[1], f"{said[0]} sends for {said[1]} external events"


def undone(events: list[External], account: str, record: str, who: str) -> list[External]:
    """Things that happen and are taken back."""
    known = Records(events, MODEL.identity.sources)
    field = "x" if account == X1 else "bluesky"
    late = 600

    def newest(name: str) -> Entry:
        return known.newest(record, name)

    act = Act(f"{account}/99", "1", ms(15), ms(15), "x", "post", text="awful", lang="en")
    deleted_field = "external_id" if record == H1 else "mastodon"
    return [
        (account, act),
        (account, Gone(act.id, "1", ms(16), ms(16))),
        (account, AccountStatus(True, "suspended", ms(late), ms(16))),
        (account, AccountStatus(known_hidden(events, account), "as before", ms(late + 1), ms(16))),
        (record, Changed(ms(late), "a", "set", {field: account, deleted_field: S2 if record == H1 else None}, 0)),
        (record, Changed(ms(late), "b", "set", {field: newest(field).value}, 0)),
        (record, Changed(ms(late), "c", "set", {deleted_field: newest(deleted_field).value}, 0)),
        ("record:hubspot:case:77", Changed(ms(0), "a", "set", {"contact": record, "status": "open"}, 0)),
        ("record:hubspot:case:77", Changed(ms(1), "a", "delete", {}, 0)),
        (who, Decided(ms(late), "a", "is", account, "ann")),
        (who, Decided(ms(late), "b", "unset", account, "ann")),
    ]


def known_hidden(events: list[External], account: str) -> bool:
    """Whether the account ends up hidden."""
    seen = [(e.at, e.hidden) for address, e in events if address == account and isinstance(e, AccountStatus)]
    return max(seen)[1] if seen else False


@examples(120)
@given(world.worlds, two_logs, st.sampled_from([*product((X1, cast.B1), (S1, S2, H1), (C1, C2, C9))]))
def test_what_is_undone_leaves_no_trace(
    events: list[External], both: tuple[Log, Log], what: tuple[str, str, str]
) -> None:
    (one, two), (account, record, who) = both, what
    # A decision that is taken back takes every older one of the same customer on the same identifier with it.
    events = [(to, e) for to, e in events if not (to == who and isinstance(e, Decided) and e.identifier == account)]
    events = [(to, e) for to, e in events if to not in CASES or not isinstance(e, Changed) or e.op == "set"]
    extra = undone(events, account, record, who)
    assert answer(events + extra, MODEL) == answer(events, MODEL), "the undoing itself is wrong"
    assert found(run(events + extra, one)) == found(run(events, two))


@examples(80)
@given(world.worlds_with_ties, two_logs)
def test_ties_are_broken_the_same_way_in_every_order(events: list[External], both: tuple[Log, Log]) -> None:
    one, two = both
    assert found(run(events, one)) == found(run(events, two))


@examples(100)
@given(world.worlds, logs, st.sampled_from((C1, C2)))
def test_who_is_erased_stays_erased(events: list[External], log: Log, who: str) -> None:
    played = run([*events, (who, Erase(ms(10), ms(10)))], log)
    assert traces(played, who) == []


@examples(100)
@given(world.worlds, logs)
def test_sealing_changes_nothing_and_leaves_no_act_out(events: list[External], log: Log) -> None:
    open_, sealed = run(events, log), run(events, log, until=ms(24 * 30))
    assert subscribed(sealed) == subscribed(open_)
    assert sums_in(sealed) == sums_in(open_)
    assert profiles_of(sealed) == profiles_of(open_)
    ours = {event.id for _, event in events if isinstance(event, Act) and event.role == "reply"}
    ours |= {event.act.id for _, event in events if isinstance(event, ReplyTo)}
    said = [(value.act.id, value.reason) for name, _, value in sealed.published if name == "unmatched"]
    assert len(said) == len(set(said)), "an act is sealed twice"
    assert {act: why for act, why in said if act not in ours} == unmatched(events, MODEL)
    kept = [item for items in sealed.items.values() for item in items.values() if isinstance(item, Kept | JoinedItem)]
    assert kept == [], "something is kept beyond its hold"


def test_worlds_are_worth_their_time() -> None:
    counts = dict.fromkeys(("worlds", "pairs", "profiles", "asserted", "handle", "confirmed", "negative"), 0)
    strengths = {ASSERTED: "asserted", HANDLE: "handle", CONFIRMED: "confirmed"}

    @examples(150)
    @given(world.worlds)
    def count(events: list[External]) -> None:
        want = answer(events, MODEL)
        counts["worlds"] += 1
        counts["pairs"] += bool(want.pairs)
        counts["profiles"] += bool(want.profiles)
        counts["negative"] += any(sums.risk for sums in want.sums.values())
        for strength, name in strengths.items():
            counts[name] += any(link.strength == strength for link in want.links)

    count()
    assert min(counts.values()) * 10 >= counts["worlds"], counts
    assert counts["pairs"] * 2 >= counts["worlds"], counts
