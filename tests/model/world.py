"""Worlds: sets of external events.

Every (act, version) has one content, every change of a record its own position, all times are within `hold` and all
collections below their caps: these are the worlds the promise of the product speaks of. `ties` gives up the unique
positions; then only "the same in any order" is promised, not which of two equals wins.

A world has a focus: a bit of everything; records and the links between them; a few accounts and what befalls them; or
a crowd of acts of one. Rare conjunctions are rare only where everything is mixed.
"""

from random import Random
from typing import Literal

import msgspec
from hypothesis import strategies as st

from config.settings import HOUR_MS, MINUTE_MS
from schemas.events import (
    FINAL,
    AccountStatus,
    Act,
    ActKind,
    Authored,
    Changed,
    Decided,
    Gone,
    GonePost,
    ReplyTo,
    Sighting,
)
from tests.model.cast import (
    B1,
    B2,
    BA,
    CASES,
    COMPANIES,
    CONTACTS,
    CUSTOMERS,
    H1,
    HANDLES,
    HOURS_MAX,
    M1,
    S1,
    S2,
    X1,
    X2,
    XA,
    XB,
    External,
    act_id,
    choices,
    ms,
)

TEXTS = ("good", "bad", "awful app", "bad", "hello", "")
KINDS: tuple[ActKind, ...] = ("post", "like", "like", "like", "repost", "reply", "quote", "dm", "block")
ACT_HOURS = (*range(HOURS_MAX + 1), *(5, 6) * 5)
"""Some are crowded, so that acts meet in a bucket and exceed its cap."""

Op = Literal["set", "delete", "restore"]
Verdict = Literal["is", "never", "unset"]
VERDICTS: tuple[Verdict, ...] = ("is", "never", "unset")


class Focus(msgspec.Struct, frozen=True):
    """What a world is about. Whatever stands twice comes up twice as often; numbers are the most there can be."""

    accounts: tuple[str, ...] = (X1, X2, B1, M1, X1, B2)
    numbers: int = 5
    records: tuple[str, ...] = CONTACTS * 3 + COMPANIES + CASES * 2
    fields: tuple[str, ...] = ("x", "bluesky") * 4
    ops: tuple[Op, ...] = ("set",) * 8 + ("delete", "restore")
    acts: int = 12
    gones: int = 2
    statuses: int = 2
    sightings: int = 5
    posts: int = 3
    changes: int = 9
    decisions: int = 3


EVERYTHING = Focus()
RECORDS = Focus(
    records=(S1, H1, H1, S2, COMPANIES[0], *CASES * 2, *CONTACTS),
    fields=("external_id", "contact", "company", "status", "x") * 3,
    ops=("set",) * 6 + ("delete", "restore"),
    acts=4,
    statuses=0,
    sightings=2,
    posts=0,
    changes=14,
    decisions=1,
)
FEW = Focus(
    accounts=(M1, X1, X1),
    numbers=2,
    records=(S1, S1, S2),
    fields=("mastodon", "x") * 4,
    ops=("set",) * 3 + ("delete", "restore"),
    acts=8,
    gones=3,
    statuses=2,
    sightings=2,
    posts=5,
    changes=6,
)
CROWD = Focus(
    accounts=(X1,),
    numbers=8,
    records=(S1,),
    fields=("x",) * 4,
    acts=14,
    gones=4,
    statuses=1,
    sightings=0,
    posts=0,
    changes=5,
    decisions=2,
)
FOCI = (EVERYTHING, EVERYTHING, FEW, RECORDS, CROWD)


# ---------------------------------------------------------------- single events
class Maker:
    """Makes the events of one world from a source of chance."""

    def __init__(self, rnd: Random, focus: Focus, *, ties: bool) -> None:
        """`ties`: changes of records share positions, and accounts change their status twice at once."""
        self._rnd, self._focus, self._ties = rnd, focus, ties
        self._versions: dict[str, int] = {}
        self._statuses: set[tuple[str, int]] = set()
        self._position = 0

    def world(self) -> list[External]:
        """Some events of each kind."""
        focus = self._focus
        kinds = (
            (self._act, focus.acts),
            (self._gone, focus.gones),
            (self._status, focus.statuses),
            (self._sighting, focus.sightings),
            (self._post, focus.posts),
            (self._changed, focus.changes),
            (self._decided, focus.decisions),
        )
        return [make() for make, most in kinds for _ in range(self._rnd.randint(most // 2, most))]

    def _hour(self) -> int:
        return self._rnd.randint(0, HOURS_MAX)

    def _account(self) -> str:
        return self._rnd.choice(self._focus.accounts)

    def _number(self) -> int:
        return self._rnd.randrange(self._focus.numbers)

    def _next_position(self) -> str:
        self._position += 1
        return f"{self._position:04d}"

    def _act(self) -> External:
        account, hour, kind = self._account(), self._rnd.choice(ACT_HOURS), self._rnd.choice(KINDS)
        ours = self._rnd.random() < 0.15
        found = act_id(account, self._number(), ours=ours)
        # The second act with the same id is an edit of the first.
        version = self._versions[found] = self._versions.get(found, 0) + 1
        return account, Act(
            id=found,
            version=str(version),
            at=ms(hour),
            received_at=ms(hour) + self._rnd.choice((0, MINUTE_MS, 2 * HOUR_MS)),
            source=account.split(":")[1],
            kind="reply" if ours else kind,
            text="" if kind in {"like", "repost", "block"} else self._rnd.choice(TEXTS),
            lang=self._rnd.choice(("en", "en", "en", "de", "")),
            # Our own reply carries our handle, not that of the account it is kept at.
            handle=self._rnd.choice(HANDLES[account]) if account.startswith("account:x:") else "",
            role="reply" if ours else "",
        )

    def _gone(self) -> External:
        account, hour = self._account(), self._hour()
        found = act_id(account, self._number(), ours=self._rnd.random() < 0.3)
        return account, Gone(found, self._rnd.choice(("1", "2", FINAL)), ms(hour), ms(hour))

    def _status(self) -> External:
        account, hour = self._account(), self._hour()
        while not self._ties and (account, hour) in self._statuses:
            account, hour = self._account(), self._hour()
        self._statuses.add((account, hour))
        hidden = self._rnd.random() < 0.5
        return account, AccountStatus(hidden, "suspended" if hidden else "active", ms(hour), ms(hour))

    def _sighting(self) -> External:
        account, hour = self._rnd.choice((B1, B2, B1, B2, X1)), self._hour()
        return account, Sighting(self._rnd.choice(HANDLES[account][:2]), ms(hour), ms(hour))

    def _post(self) -> External:
        number, hour, what = self._number(), self._hour(), self._rnd.choice(("authored", "gone", "reply"))
        found = act_id(M1, number)
        if what == "authored":
            return f"post:{found}", Authored(M1, found, ms(0))
        if what == "gone":
            return f"post:{found}", GonePost(ms(hour), ms(hour))
        reply = Act(f"mastodon:m.example/us{number}", "1", ms(number), ms(number), "mastodon", "reply", role="reply")
        return f"post:{found}", ReplyTo(reply)

    def _changed(self) -> External:
        record, op = self._rnd.choice(self._focus.records), self._rnd.choice(self._focus.ops)
        possible, fields = choices(record), dict[str, str | None]()
        likely = [name for name in self._focus.fields if name in possible]
        for _ in range(self._rnd.randint(1, 3) if op != "delete" else 0):
            name = (
                self._rnd.choice(likely or [*possible]) if self._rnd.random() < 0.7 else self._rnd.choice([*possible])
            )
            fields[name] = self._rnd.choice(possible[name])
        position = self._rnd.choice("01") if self._ties else self._next_position()
        hour = self._hour()
        return record, Changed(ms(hour), position, op, fields, ms(hour))

    def _decided(self) -> External:
        who, hour, what = self._rnd.choice(CUSTOMERS), self._hour(), self._rnd.choice(VERDICTS)
        return who, Decided(ms(hour), self._next_position(), what, self._rnd.choice((X1, X2, B1, XA, XB, BA)), "ann")


# ---------------------------------------------------------------- worlds
@st.composite
def _worlds(draw: st.DrawFn, *, ties: bool) -> list[External]:
    """Chance makes a world at a stroke, which is quick and varied; Hypothesis leaves out of it what it can.

    Of each kind of draw there is one: of two it would exchange the values to make new examples, and five in six of them
    would be of a world that was tried before.
    """
    rnd = draw(st.randoms(use_true_random=True))
    focus = rnd.choice(FOCI)
    world = Maker(rnd, focus, ties=ties).world()
    kept = draw(st.binary(min_size=len(world), max_size=len(world)))
    return [event for event, keep in zip(world, kept, strict=True) if keep]


worlds = _worlds(ties=False)
worlds_with_ties = _worlds(ties=True)
