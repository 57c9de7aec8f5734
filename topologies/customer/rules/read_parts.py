"""The parts of a rule that are more than one value: its id, what it counts, which score it watches, whom it tells."""

import re
from typing import Literal, cast

import msgspec

from config.problems import did_you_mean
from topologies.customer.rules.located import Located, Reader, span
from topologies.customer.rules.problem import shown

COOLDOWN_MS = 3_600_000
WITHIN_MS_MAX = 30 * 86_400_000
COUNT_MAX = 64
"""An episode keeps as many acts, so it can tell whether it would have fired without some of them."""

TARGETS_MAX = 16
NAME_CHARS_MAX = 64

SCALES = {"engagement": (0.0, 100.0), "risk": (0.0, 100.0), "sentiment": (-1.0, 1.0)}
"""Lowest and highest value of each score."""

GAP_SHARE = 0.1
"""Where a rule gives no `exit`, a score has to come back by this share of its scale: so that it does not flap."""

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Correlation(msgspec.Struct, frozen=True):
    """What turns acts into an episode. The fields are those of `Rule`."""

    kind: Literal["match", "event_count", "score_crosses"] = "match"
    threshold: float = 1.0
    exit: float = 1.0
    rising: bool = True
    score: Literal["", "engagement", "risk", "sentiment"] = ""
    within_ms: int = 0


def read_id(reader: Reader, at: Located, path: str) -> str | None:
    """The rule's id: it becomes part of alert ids and of the names of state items."""
    if "rule" not in at.value:
        reader.wrong(at, path, "`rule: id`", "none", "give the rule an id")
        return None
    found = at.value["rule"]
    if isinstance(found.value, str) and len(found.value) <= NAME_CHARS_MAX and _ID.fullmatch(found.value):
        return found.value
    want = f"lower-case letters, digits and single hyphens, at most {NAME_CHARS_MAX}"
    reader.wrong(found, f"{path}.rule", want, shown(found.value), "write for instance angry-vip")
    return None


def read_count(reader: Reader, at: Located, path: str, hold_ms: int | None) -> Correlation:
    """`{within: 24h, gte: 3}`. Acts are kept for `hold_ms`: a longer window could not be counted exactly."""
    given = _map(reader, at, path, ("within", "gte", "gt"), "{within: 24h, gte: 3}")
    if given is None:
        return Correlation("event_count")
    within_ms = 0
    if "within" not in given:
        reader.wrong(at, path, "within", "none", "say how long, for instance within: 24h")
    else:
        longest = min(WITHIN_MS_MAX, hold_ms or WITHIN_MS_MAX)
        within_ms = reader.duration(given["within"], f"{path}.within", 1_000, longest) or 0
        if hold_ms is not None and reader.problems and reader.problems[-1].path == f"{path}.within":
            reader.problems[-1] = msgspec.structs.replace(
                reader.problems[-1],
                fix=f"acts are kept for identity.hold_ms ({span(hold_ms)}): choose less or raise it",
            )
    names = [name for name in ("gte", "gt") if name in given]
    if len(names) != 1:
        reader.wrong(at, path, "gte or gt", " and ".join(names) or "none", "say how many, for instance gte: 3")
        return Correlation("event_count", within_ms=within_ms)
    name = names[0]
    number = reader.number(given[name], f"{path}.{name}")
    if number is None:
        return Correlation("event_count", within_ms=within_ms)
    wanted = number + (name == "gt")
    if wanted != int(wanted) or not 1 <= wanted <= COUNT_MAX:
        want = f"a whole number, 1 to {COUNT_MAX} acts"
        reader.wrong(given[name], f"{path}.{name}", want, shown(number), "choose one in that range")
    return Correlation("event_count", threshold=float(wanted), within_ms=within_ms)


def read_score(reader: Reader, at: Located, path: str) -> Correlation:
    """`{score: risk, above: 60, exit: 50}` or `{score: sentiment, below: -0.5, exit: -0.3}`."""
    given = _map(reader, at, path, ("score", "above", "below", "exit"), "{score: risk, above: 60, exit: 50}")
    if given is None:
        return Correlation("score_crosses")
    if "score" not in given:
        reader.wrong(at, path, f"score: one of {', '.join(SCALES)}", "none", "say which score")
        return Correlation("score_crosses")
    score = reader.choice(given["score"], f"{path}.score", tuple(SCALES))
    sides = [name for name in ("above", "below") if name in given]
    if len(sides) != 1:
        reader.wrong(at, path, "above or below", " and ".join(sides) or "none", "say which way the score crosses")
        return Correlation("score_crosses")
    if score is None:
        return Correlation("score_crosses")
    low, high = SCALES[score]
    rising = sides[0] == "above"
    threshold = _within(reader, given[sides[0]], f"{path}.{sides[0]}", low, high)
    if threshold is None:
        return Correlation("score_crosses")
    gap = (high - low) * GAP_SHARE
    back = max(low, threshold - gap) if rising else min(high, threshold + gap)
    if "exit" in given:
        found = _within(reader, given["exit"], f"{path}.exit", low, high)
        back = back if found is None else found
        if (back > threshold) if rising else (back < threshold):
            want = f"{'at most' if rising else 'at least'} {threshold:g}"
            fix = "the alert is over when the score has come back there"
            reader.wrong(given["exit"], f"{path}.exit", want, f"{back:g}", fix)
    name = cast("Literal['engagement', 'risk', 'sentiment']", score)
    return Correlation("score_crosses", threshold, back, rising, name)


def read_targets(reader: Reader, given: dict[str, Located], path: str) -> tuple[str, ...]:
    """Names of delivery targets; whether they exist is known where alerts are delivered."""
    if "targets" not in given:
        return ()
    at, path = given["targets"], f"{path}.targets"
    if not isinstance(at.value, list) or len(at.value) > TARGETS_MAX:
        reader.wrong(at, path, f"a list of at most {TARGETS_MAX} names", shown(at.value), "write [slack-support]")
        return ()
    found = []
    for item in at.value:
        name = reader.text(item, path)
        if name is not None and (len(name) > NAME_CHARS_MAX or not _TARGET.fullmatch(name)):
            fix = "name a target as the delivery's configuration does"
            reader.wrong(item, path, "letters, digits, dots, hyphens and underscores", shown(name), fix)
        found.append(name or "")
    return tuple(dict.fromkeys(found))


def _map(reader: Reader, at: Located, path: str, known: tuple[str, ...], example: str) -> dict[str, Located] | None:
    if not isinstance(at.value, dict):
        reader.wrong(at, path, "a map", shown(at.value), f"write for instance {example}")
        return None
    for key in at.value:
        if key not in known:
            fix = did_you_mean(key, known, f"keys are {', '.join(known)}; others are not in this release")
            reader.wrong(at.key(key), f"{path}.{key}", "a known key", repr(key), fix)
    return at.value


def _within(reader: Reader, at: Located, path: str, low: float, high: float) -> float | None:
    number = reader.number(at, path)
    if number is None:
        return None
    if not low <= number <= high:
        reader.wrong(at, path, f"a number in [{low:g}, {high:g}]", f"{number:g}", "choose one in that range")
        return None
    return float(number)
