"""Which member of a group should read which partition: balanced, and with as few moves as that allows.

    before            a: 0 1 2 3    b: 4 5 6 7
    c joins           a: 0 1 2      b: 4 5 6      c: 3 7
    b dies            a: 0 1 2 4 6                c: 3 5 7      (nothing moves between a and c)

Pure: the same input gives the same answer in every process.
"""

from collections.abc import Collection, Mapping


def assign(
    logs: Collection[int], members: Mapping[str, Collection[int]], holders: Mapping[int, str | None]
) -> dict[int, str | None]:
    """The member each of `logs` should go to; null when nobody wants it.

    `members`: what each member wants to read. `holders`: who has it now. Loads of members that want the same differ
    by one at most.
    """
    wanted = {member: frozenset(wants) for member, wants in members.items()}
    shares: dict[str, list[int]] = {member: [] for member in sorted(wanted)}
    homeless = []
    for log in sorted(logs):
        holder = holders.get(log)
        if holder is not None and log in wanted.get(holder, ()):
            shares[holder].append(log)
        else:
            homeless.append(log)
    for log in homeless:
        takers = [member for member in shares if log in wanted[member]]
        if takers:
            shares[min(takers, key=lambda member: len(shares[member]))].append(log)
    while move := _move(shares, wanted):
        log, giver, taker = move
        shares[giver].remove(log)
        shares[taker].append(log)
    found = {log: member for member, share in shares.items() for log in share}
    return {log: found.get(log) for log in logs}


def _move(shares: Mapping[str, list[int]], wanted: Mapping[str, frozenset[int]]) -> tuple[int, str, str] | None:
    """One partition that should move from a loaded member to one with at least two fewer."""
    by_load = sorted(shares, key=lambda member: len(shares[member]))
    for giver in reversed(by_load):
        for taker in by_load:
            if len(shares[giver]) - len(shares[taker]) < 2:
                break
            movable = wanted[taker].intersection(shares[giver])
            if movable:
                return max(movable), giver, taker
    return None
