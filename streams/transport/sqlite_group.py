"""Consumer groups as rows: who is a member, who owns which log, and who should.

    assignments(log, owner, target)     owner = target     settled
                                        owner ≠ target     the owner gives it up in its next poll
                                        owner null         the target takes it in its next poll

A change of members raises the group's generation and computes new targets. An owner keeps its logs until it gives
them up, dies, or has been silent for its session timeout: so no log ever has two owners, and every handover is one row.

All functions run inside a write transaction, but for those that say "read".
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from streams.errors import Fenced
from streams.runtime.ports import Membership
from streams.transport.sqlite_presence import Presence
from streams.transport.sqlite_schema import Database
from streams.transport.sticky import assign


class Standing(msgspec.Struct, frozen=True):
    """How a member stands, as one read finds it. `gone`: it was expired."""

    gone: bool
    generation: int
    release: tuple[int, ...]
    claim: tuple[int, ...]


def join(
    db: sqlite3.Connection, group: str, topics: Sequence[str], now_ms: int, timeout_ms: int, presence: Presence
) -> str:
    """Add a member and give back its name, which no member of this file ever had before."""
    db.execute("INSERT OR IGNORE INTO groups VALUES (?, 0, 0)", (group,))
    db.execute("UPDATE groups SET members_ever = members_ever + 1 WHERE name = ?", (group,))
    (number,) = db.execute("SELECT members_ever FROM groups WHERE name = ?", (group,)).fetchone()
    name = f"{group}/{number}"
    wants = json.dumps(sorted(set(topics)))
    row = (name, group, now_ms, timeout_ms, wants, presence.show())
    db.execute("INSERT INTO members VALUES (?, ?, 0, ?, ?, ?, ?)", row)
    _drop_silent(db, group, now_ms, presence)
    rebalance(db, group)
    return name


def leave(db: sqlite3.Connection, group: str, member: str) -> None:
    """Take a member out, with all it owns. Nothing happens when it is out already."""
    if db.execute("DELETE FROM members WHERE name = ?", (member,)).rowcount:
        rebalance(db, group)


def heartbeat(db: sqlite3.Connection, group: str, member: str, now_ms: int, presence: Presence) -> None:
    """Say that this member lives, and take out those that are dead or have not said so for too long."""
    db.execute("UPDATE members SET heartbeat_at = ? WHERE name = ?", (now_ms, member))
    if _drop_silent(db, group, now_ms, presence):
        rebalance(db, group)


def standing(rows: Sequence[tuple[int, str | None, str | None]], generation: int | None, member: str) -> Standing:
    """What a member has to do, from the answer to `STANDING`, which is a read."""
    return Standing(
        gone=generation is None,
        generation=generation or 0,
        release=tuple(log for log, owner, target in rows if owner == member and target != member),
        claim=tuple(log for log, owner, target in rows if owner is None and target == member),
    )


GENERATION = """SELECT g.generation FROM groups g JOIN members m ON m.in_group = g.name WHERE m.name = ?"""
STANDING = "SELECT log, owner, target FROM assignments WHERE in_group = ? ORDER BY log"


def acknowledge(db: sqlite3.Connection, member: str, generation: int) -> None:
    """The member knows this generation from here on; a membership read before is stale."""
    db.execute("UPDATE members SET generation = ? WHERE name = ?", (generation, member))


def release(db: sqlite3.Connection, group: str, member: str, logs: Iterable[int]) -> None:
    """Give logs up."""
    db.executemany(
        "UPDATE assignments SET owner = NULL WHERE in_group = ? AND log = ? AND owner = ?",
        [(group, log, member) for log in logs],
    )


def claim(db: sqlite3.Connection, group: str, member: str, logs: Iterable[int]) -> list[int]:
    """Take logs that are free and meant for this member; gives back those it got."""
    return [
        log
        for log in logs
        if db.execute(
            "UPDATE assignments SET owner = target WHERE in_group = ? AND log = ? AND owner IS NULL AND target = ?",
            (group, log, member),
        ).rowcount
    ]


def rebalance(db: sqlite3.Connection, group: str) -> None:
    """A new generation with new targets."""
    db.execute("UPDATE groups SET generation = generation + 1 WHERE name = ?", (group,))
    wanted = {
        name: [log for topic in json.loads(topics) for log in _logs_of(db, topic)]
        for name, topics in db.execute("SELECT name, topics FROM members WHERE in_group = ?", (group,))
    }
    held = {
        log: (owner if owner in wanted else None, target)
        for log, owner, target in db.execute(STANDING, (group,)).fetchall()
    }
    logs = sorted({log for wants in wanted.values() for log in wants})
    # A log on its way stays on its way, unless its target is gone: its owner has been told already.
    holders = {log: (target if target in wanted else owner) for log, (owner, target) in held.items()}
    targets = assign(logs, wanted, holders)
    db.execute("DELETE FROM assignments WHERE in_group = ?", (group,))
    owners = {log: owner for log, (owner, _) in held.items() if owner is not None}
    db.executemany(
        "INSERT INTO assignments VALUES (?, ?, ?, ?)",
        [(group, log, owners.get(log), targets.get(log)) for log in sorted({*targets, *owners})],
    )


def rebalance_readers_of(db: sqlite3.Connection, topic: str) -> None:
    """A topic has come to be: groups that subscribed to it before get its partitions."""
    waiting = {
        group
        for group, topics in db.execute("SELECT in_group, topics FROM members").fetchall()
        if topic in json.loads(topics)
    }
    for group in sorted(waiting):
        rebalance(db, group)


def check(db: Database, membership: Membership) -> None:
    """Raise `Fenced` unless the member stands in the group as its membership says. A read."""
    rows = db.rows(
        "SELECT generation FROM members WHERE name = ? AND in_group = ?", (membership.member, membership.group)
    )
    if not rows:
        raise Fenced(f"group {membership.group}: member {membership.member!r} is not in it (expired, or it left)")
    if rows[0][0] != membership.generation:
        raise Fenced(
            f"group {membership.group}: member {membership.member!r} is in generation {rows[0][0]}, "
            f"its membership is of generation {membership.generation}"
        )


def _drop_silent(db: sqlite3.Connection, group: str, now_ms: int, presence: Presence) -> bool:
    """Take out members that are silent or dead; true when there were any.

    A heartbeat from the future counts as silence: the wall clock was set back.
    """
    gone = [
        (name,)
        for name, process, silent in db.execute(
            "SELECT name, process, abs(? - heartbeat_at) > timeout_ms FROM members WHERE in_group = ?", (now_ms, group)
        )
        if silent or presence.is_dead(process)
    ]
    db.executemany("DELETE FROM members WHERE name = ?", gone)
    return bool(gone)


def _logs_of(db: sqlite3.Connection, topic: str) -> range:
    row = db.execute("SELECT base, partitions FROM topics WHERE name = ?", (topic,)).fetchone()
    return range(row[0], row[0] + row[1]) if row else range(0)
