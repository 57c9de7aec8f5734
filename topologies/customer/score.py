"""The score of a customer: exact sums of what acts were worth, and what is shown of them.

    act ─► points in 1/1000 ─► sum of its (kind, bucket) ─► min(sum, cap) x weight(bucket) ─► W        any order, exact
    W / weight(now) = S ─► 100 (1 - exp(-S / kappa)) ─► tenths that are shown ─► band

Sums are whole numbers: what is added can be taken away, and nothing is left. Sealed acts stay in them. Of kinds without
a cap only W is kept; of capped kinds also the points of each bucket, for as long as acts in it can come or go.

Only + - * / and whole numbers are used where something is shown, so every machine shows the same.
"""

from typing import NamedTuple

import msgspec

from config.settings import ScoreSettings
from schemas.events import Act
from schemas.state import JoinedItem, ScoreItem
from streams.core.decay import LANDMARK, STEPS, bucket_of, weight, worth_at

OK = "ok"
"""The band below the first."""

SUMS_MAX = 256
"""Buckets of capped kinds that can change at a time; of more the oldest are closed early."""

CONTRIBUTIONS_MAX = 3
OTHER = "other"
"""The contribution of all kinds beyond the largest."""


class Recipe(msgspec.Struct, frozen=True):
    """What of the settings decides sums and what is shown. Points in 1/1000, limits of bands in tenths.

    `place` of a band by its name: 0 is that below the first.
    """

    half_life_ms: int
    hold_ms: int
    points: dict[str, int]
    caps: dict[str, int]
    risk_per_negative: float
    engagement_kappa: float
    risk_kappa: float
    bands: tuple[tuple[str, int, int], ...]
    place: dict[str, int]


def recipe_of(settings: ScoreSettings, hold_ms: int) -> Recipe:
    """The settings in the units of sums."""
    return Recipe(
        settings.half_life_ms,
        hold_ms,
        {kind: round(1000 * points) for kind, points in settings.engagement.items()},
        {kind: round(1000 * points) for kind, points in settings.caps.items()},
        settings.risk_per_negative,
        settings.engagement_kappa,
        settings.risk_kappa,
        tuple((band.name, round(band.enter * 10), round(band.leave * 10)) for band in settings.bands),
        {OK: 0} | {band.name: place for place, band in enumerate(settings.bands, 1)},
    )


def points_of(act: Act, sentiment: int | None, recipe: Recipe) -> tuple[int, int]:
    """(engagement, risk) of an act, by itself. Our own answers are worth nothing.

    Nor is an act of a capped kind that was received more than `hold` after its time: what else is in its bucket is not
    known any more, so nobody could say whether the cap has room for it.
    """
    if act.role or (act.kind in recipe.caps and act.received_at - act.at > recipe.hold_ms):
        return 0, 0
    risk = round(recipe.risk_per_negative * -sentiment) if sentiment is not None and sentiment < 0 else 0
    return recipe.points.get(act.kind, 0), risk


# ---------------------------------------------------------------- sums
class Ledger:
    """The sums of one customer, to be worked on: whole numbers instead of bytes."""

    __slots__ = (
        "_before", "_recipe", "acts", "by_kind", "engagement", "frozen", "latest_at", "risk", "sentiment", "sums", "weight",
    )  # fmt: skip

    def __init__(self, item: ScoreItem | None, recipe: Recipe) -> None:
        """`item` as it is kept; it is not changed."""
        before = item or ScoreItem()
        self._before, self._recipe = before, recipe
        self.engagement, self.risk = number(before.engagement), number(before.risk)
        self.sentiment, self.weight = number(before.sentiment), number(before.sentiment_weight)
        self.acts, self.latest_at, self.frozen = before.acts, before.latest_at, before.frozen
        self.by_kind = before.by_kind
        self.sums = before.sums

    def add(self, item: JoinedItem) -> None:
        """Count an act."""
        self._count(item, 1)
        self.latest_at = max(self.latest_at, item.at)

    def remove(self, item: JoinedItem) -> None:
        """Take back an act that was added; exactly, in any order."""
        self._count(item, -1)

    def _count(self, item: JoinedItem, sign: int) -> None:
        bucket = bucket_of(item.at, self._recipe.half_life_ms)
        engagement, risk = item.engagement, item.risk
        if item.kind in self._recipe.caps and (engagement or risk):
            engagement, risk = self._within_cap(item.kind, bucket, sign * engagement, sign * risk)
        else:
            engagement, risk = sign * engagement, sign * risk
        w = weight(bucket)
        if engagement or risk:
            self.move(item.kind, engagement * w, risk * w)
        if item.has_sentiment:
            self.sentiment += sign * item.sentiment * w
            self.weight += sign * w
        self.acts += sign

    def _within_cap(self, kind: str, bucket: int, engagement: int, risk: int) -> tuple[int, int]:
        """What a change of a bucket's points changes of what they are worth."""
        if bucket < self.frozen:
            return 0, 0
        key, cap = f"{kind}:{bucket}", self._recipe.caps[kind]
        before = self.sums.get(key, (0, 0))
        after = before[0] + engagement, before[1] + risk
        self.sums = {**self.sums, key: after}
        if after == (0, 0):
            del self.sums[key]
        return min(after[0], cap) - min(before[0], cap), min(after[1], cap) - min(before[1], cap)

    def move(self, kind: str, engagement: int, risk: int) -> None:
        """Add to the W of a kind, and so to the totals."""
        self.engagement += engagement
        self.risk += risk
        one, two = self.by_kind.get(kind, (b"\0", b"\0"))
        after = number(one) + engagement, number(two) + risk
        self.by_kind = {**self.by_kind, kind: (data(after[0]), data(after[1]))}
        if after == (0, 0):
            del self.by_kind[kind]

    def close_before(self, at: int) -> None:
        """Let go of the points of buckets that end at or before `at`: nothing in them changes from here on."""
        bucket = bucket_of(at, self._recipe.half_life_ms)
        if any(_bucket(key) < bucket for key in self.sums):
            self._freeze(bucket)

    @property
    def ends_at(self) -> int | None:
        """When the last of the buckets whose points are kept ends; None: there is none."""
        if not self.sums:
            return None
        return begins_at(max(map(_bucket, self.sums)) + 1, self._recipe.half_life_ms)

    def _freeze(self, bucket: int) -> None:
        if bucket > self.frozen:
            self.frozen = bucket
            self.sums = {key: found for key, found in self.sums.items() if _bucket(key) >= bucket}

    def item(self) -> ScoreItem:
        """As it is kept."""
        if len(self.sums) > SUMS_MAX:
            self._freeze(sorted(map(_bucket, self.sums))[-SUMS_MAX])
        return ScoreItem(
            data(self.engagement),
            data(self.risk),
            data(self.sentiment),
            data(self.weight),
            self.acts,
            self.sums,
            self.by_kind,
            self.latest_at,
            self._recipe.half_life_ms,
            self.frozen,
        )


def rescaled(item: ScoreItem, kept: list[JoinedItem], recipe: Recipe) -> Ledger:
    """Sums that were made with another half-life, in this one's.

    Acts that are still kept are counted anew; the worth of the others stays what it is at the time of the latest act.
    """
    old = Ledger(item, msgspec.structs.replace(recipe, half_life_ms=item.half_life_ms))
    for act in kept:
        old.remove(act)
    new = Ledger(None, recipe)
    was, now = (weight(bucket_of(item.latest_at, half)) or 1 for half in (item.half_life_ms, recipe.half_life_ms))
    for kind in sorted(old.by_kind):
        one, two = old.by_kind[kind]
        new.move(kind, max(0, number(one)) * now // was, max(0, number(two)) * now // was)
    new.sentiment, new.weight = old.sentiment * now // was, max(0, old.weight) * now // was
    new.acts, new.latest_at = old.acts, old.latest_at
    for act in kept:
        new.add(act)
    return new


def number(data: bytes) -> int:
    """The whole number that a state item holds."""
    return int.from_bytes(data, "little", signed=True)


def data(number: int) -> bytes:
    """Little-endian, signed, as short as it can be."""
    return number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)


def _bucket(key: str) -> int:
    return int(key.rpartition(":")[2])


# ---------------------------------------------------------------- what is shown
class Numbers(NamedTuple):
    """What is shown at some time: engagement and risk in tenths, in [0, 1000]; sentiment in thousandths."""

    engagement: int
    risk: int
    sentiment: int | None


NOTHING = Numbers(0, 0, None)
"""Of a customer of whom no act has counted yet."""


def numbers(ledger: Ledger, bucket: int, recipe: Recipe) -> Numbers:
    """What is shown in a bucket of time. Sentiment is a mean: it does not decay, it is only replaced."""
    return Numbers(
        saturated(worth_at(ledger.engagement, bucket), recipe.engagement_kappa),
        saturated(worth_at(ledger.risk, bucket), recipe.risk_kappa),
        _rounded(ledger.sentiment, ledger.weight) if ledger.weight > 0 else None,
    )


def saturated(worth: float, kappa: float) -> int:
    """1000 (1 - exp(-S / kappa)), rounded: tenths of a score. `worth` is S in 1/1000; below nothing is nothing."""
    x = worth / 1000 / kappa
    if x <= 0:
        return 0
    if x > _SATURATED:
        return 1000
    # exp(-x) = exp(-x / 1024) ^ 1024: `math.exp` is not the same on every machine, these operations are.
    y = x / 1024
    rest = 1 - y * (1 - y / 2 * (1 - y / 3 * (1 - y / 4 * (1 - y / 5))))
    for _ in range(10):
        rest *= rest
    return round(1000 * (1 - rest))


_SATURATED = 30.0
"""exp(-30) is far below a tenth."""


def _rounded(total: int, parts: int) -> int:
    """The quotient, to the nearest whole number."""
    return max(-1000, min(1000, (2 * total + parts) // (2 * parts)))


def band_of(risk: int, before: str, recipe: Recipe) -> str:
    """The band of a risk in tenths, coming from the band `before`. Entered at `enter`, left below `leave`."""
    at = recipe.place.get(before, 0)
    while at < len(recipe.bands) and risk >= recipe.bands[at][1]:
        at += 1
    while at and risk < recipe.bands[at - 1][2]:
        at -= 1
    return recipe.bands[at - 1][0] if at else OK


def leaves_below(band: str, recipe: Recipe) -> int:
    """The risk in tenths below which a band is left; 0: never."""
    place = recipe.place.get(band, 0)
    return recipe.bands[place - 1][2] if place else 0


def falls_below(total: int, kappa: float, limit: int, after: int) -> int | None:
    """The first bucket above `after` in which a sum shows less than `limit` tenths; None: it never does.

    What is shown only falls with time, so the bucket is found by halving.
    """
    if limit <= 0 or total <= 0:
        return None
    low, span = after, STEPS
    while saturated(worth_at(total, low + span), kappa) >= limit:
        low, span = low + span, span * 2
    high = low + span
    while high - low > 1:
        middle = (low + high) // 2
        if saturated(worth_at(total, middle), kappa) >= limit:
            low = middle
        else:
            high = middle
    return high


def begins_at(bucket: int, half_life_ms: int) -> int:
    """The first millisecond of a bucket."""
    return LANDMARK - (-bucket * half_life_ms // STEPS)


def contributions(ledger: Ledger, shown: Numbers) -> list[tuple[str, int]]:
    """(kind, tenths), the largest first: what each kind adds to engagement + risk as shown.

    At most three; where there are more kinds the last is `other`. They add up to what is shown, to the tenth: what
    rounding leaves over goes to the kinds it was taken from most.
    """
    total = shown.engagement + shown.risk
    if len(ledger.by_kind) == 1:
        # By far the commonest: a customer who only writes.
        return [(kind, total) for kind in ledger.by_kind if total]
    parts: list[tuple[int, str]] = []
    for kind, (one, two) in ledger.by_kind.items():
        share = (shown.engagement * max(0, number(one)) << 32) // max(1, ledger.engagement)
        parts.append((share + (shown.risk * max(0, number(two)) << 32) // max(1, ledger.risk), kind))
    whole = {kind: share >> 32 for share, kind in parts}
    left = total - sum(whole.values())
    by_rest = sorted(parts, key=lambda part: (-(part[0] & 0xFFFFFFFF), part[1]))
    for _, kind in by_rest[: max(0, left)]:
        whole[kind] += 1
    found = sorted(((kind, tenths) for kind, tenths in whole.items() if tenths), key=lambda one: (-one[1], one[0]))
    if len(found) <= CONTRIBUTIONS_MAX:
        return found
    named = found[: CONTRIBUTIONS_MAX - 1]
    return [*named, (OTHER, sum(tenths for _, tenths in found[CONTRIBUTIONS_MAX - 1 :]))]
