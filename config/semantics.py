"""What no type can say: ranges, and values that must fit together. Each check yields everything it finds.

Reads the settings only. What it needs to know of the product (formats, the regular expressions of rules) is `Known`.
"""

import re
from collections.abc import Callable, Iterator
from typing import get_args
from urllib.parse import urlsplit

import msgspec

from config.inputs import check_inputs
from config.problems import did_you_mean, shown
from config.read import Wrong
from config.settings import DAY_MS, HOUR_MS, Settings
from config.words import duplicates, integral, is_loopback
from schemas.events import ActKind
from schemas.topics import topics


class Known(msgspec.Struct, frozen=True):
    """What the product knows and the configuration names. Empty: not checked.

    `firehoses` are those of the formats that bring people's acts. `pattern_problem` says what is wrong with a regular
    expression, or None.
    """

    formats: tuple[str, ...] = ()
    firehoses: tuple[str, ...] = ()
    pattern_problem: Callable[[str], str | None] | None = None


RANGES: dict[str, tuple[float, float, str]] = {
    "engine.partitions": (1, 1024, "a worker can own them all, and each costs it a transaction's share"),
    "engine.commit_ms_min": (0, 10_000, "it delays every alert"),
    "engine.commit_ms_max": (1, 10_000, "it delays every alert, three times"),
    "engine.commit_records_max": (1, 1_000_000, "a batch is kept in memory"),
    "engine.commit_bytes_max": (1 << 10, 1 << 30, "a batch is kept in memory"),
    "engine.cache_addresses_max": (1, 100_000_000, "each takes about 2 KB"),
    "engine.session_timeout_ms": (100, HOUR_MS, "for so long nobody takes over from a dead worker"),
    "engine.inbox_generation": (1, (1 << 15) - 1, "it is the upper part of a 64-bit position"),
    "engine.reject_share_max": (0.000_001, 1, "it is a share"),
    "engine.reject_window": (1, 10_000_000, "it is a number of records"),
    "log.replication_factor": (-1, 100, "-1 is as the brokers are set"),
    "identity.look_back_ms": (0, 7 * DAY_MS, "acts are kept for as long"),
    "identity.hold_ms": (1, 7 * DAY_MS, "the inbox keeps 7 days: beyond, nothing could be replayed"),
    "identity.hold_unclaimed_ms": (1, 7 * DAY_MS, "the inbox keeps 7 days"),
    "identity.held_max": (1, 1024, "an identifier's acts are read as a whole"),
    "identity.unclaimed_per_hour_max": (1, 1024, "an identifier's acts are read as a whole"),
    "identity.late_after_ms": (0, 3650 * DAY_MS, "it is a delay"),
    "identity.claimants_max": (1, 128, "they are one state item of at most 256 KiB"),
    "identity.identifiers_max": (1, 120, "a change of all of them is one call, of at most 256 effects"),
    "identity.joined_max": (1, 10_000, "a customer's acts are read as a whole"),
    "identity.erase_keep_ms": (1, 3650 * DAY_MS, "it is a time"),
    "score.half_life_ms": (HOUR_MS * 6, 3650 * DAY_MS, "exact sums take a bit for every half-life since 2020"),
    "score.engagement_kappa": (0.001, 1_000_000, "points are divided by it"),
    "score.risk_kappa": (0.001, 1_000_000, "points are divided by it"),
    "observe.metrics_port": (0, 65_535, "it is a port; 0 is none"),
    "observe.stuck_ms": (35_000, HOUR_MS, "a commit may be tried for 30 s while the brokers are away"),
}
"""Lowest and highest value (both inclusive), and why."""

INBOX_RETENTION_MS = topics("-")["inbox"].retention_ms or 0
POINTS_MAX = 1_000_000
NAMES_MAX = 10_000
"""Entries of any one list: terms, domains, blocked values."""

_APP = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ACCOUNTS = {
    "bluesky": (re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+"), "bluesky:did:plc:…", "handles change: look the DID up"),
    "x": (re.compile(r"[0-9]+"), "x:<number>", "handles change: look the account's number up"),
    "mastodon": (re.compile(r"[A-Za-z0-9_.-]+@[a-z0-9.-]+"), "mastodon:us@example.social", "add the account's server"),
}
"""How each platform names an account for ever, how that is written, and the way there."""


def check(settings: Settings, known: Known) -> Iterator[Wrong]:
    """Everything that does not fit."""
    yield from _ranges(settings)
    yield from _engine(settings)
    yield from _relevance(settings, known)
    yield from check_inputs(settings, known.formats)
    yield from _identity(settings, known)
    yield from _score(settings)
    yield from _bands(settings)
    yield from _profile(settings)
    yield from _observe(settings)


def _ranges(settings: Settings) -> Iterator[Wrong]:
    for path, (low, high, reason) in RANGES.items():
        section, _, name = path.partition(".")
        value = getattr(getattr(settings, section), name)
        if not low <= value <= high:
            yield Wrong(
                path, f"{low:_} to {high:_}".replace("_", ","), shown(value), f"choose one in between: {reason}"
            )


def _engine(settings: Settings) -> Iterator[Wrong]:
    engine = settings.engine
    if not _APP.fullmatch(engine.app) or engine.app in {".", ".."}:
        want = "small letters, digits, '.', '_' and '-', at most 63, a letter or digit first"
        yield Wrong("engine.app", want, shown(engine.app), "it begins the names of topics and groups: choose another")
    if engine.commit_ms_min > engine.commit_ms_max:
        want = f"at most engine.commit_ms_max ({engine.commit_ms_max})"
        fix = "lower it, or raise engine.commit_ms_max"
        yield Wrong("engine.commit_ms_min", want, shown(engine.commit_ms_min), fix, ("engine.commit_ms_max",))
    if engine.commit_ms_max * 2 > engine.session_timeout_ms:
        want = f"at most half of engine.session_timeout_ms ({engine.session_timeout_ms})"
        fix = "lower it: a worker in a commit must not be taken for dead"
        yield Wrong("engine.commit_ms_max", want, shown(engine.commit_ms_max), fix, ("engine.session_timeout_ms",))
    for name, source in settings.log.secrets.items():
        if not source.startswith(("env:", "file:")):
            # Not shown: the value itself may have been written here.
            fix = "name where it comes from, never the value"
            yield Wrong(f"log.secrets.{name}", "env:NAME or file:PATH", "something else", fix)
    if not settings.log.directory.strip():
        yield Wrong("log.directory", "a folder", "nothing", "name one, or remove the line for `.data`")
    yield from _redis_url(settings.state.redis_url)


def _redis_url(url: str) -> Iterator[Wrong]:
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.path if parts.scheme == "unix" else parts.hostname and (parts.port or True))
    except ValueError:
        parts, is_complete = urlsplit(""), False
    if parts.password is not None:
        fix = "put the password into a file and name it in state.redis_password_file: addresses are logged"
        yield Wrong("state.redis_url", "an address without a password", "one with a password", fix)
    elif url and not (parts.scheme in {"redis", "rediss", "unix"} and is_complete):
        want = "redis://host:port, rediss://host:port or unix:///path"
        yield Wrong("state.redis_url", want, shown(url), "correct it, or leave it empty for an embedded server")


def _relevance(settings: Settings, known: Known) -> Iterator[Wrong]:
    own = settings.relevance
    is_listening = any(one.format in known.firehoses for one in settings.inputs)
    if own.relevance == "brand" and is_listening and not (own.terms or own.accounts or own.domains):
        fix = 'name your brand in relevance.terms, or set relevance.relevance = "all"'
        needs = ("relevance.terms", "relevance.accounts", "relevance.domains", "inputs")
        yield Wrong("relevance", "terms, accounts or domains", "none: nothing would ever match", fix, needs)
    yield from _sizes("relevance", terms=own.terms, accounts=own.accounts, domains=own.domains)
    for index, term in enumerate(own.terms):
        if not 2 <= len(term.strip()) <= 100:
            fix = "a single letter is in every text; a long phrase in none"
            yield Wrong(f"relevance.terms[{index}]", "2 to 100 letters", shown(term), fix)
    for index, account in enumerate(own.accounts):
        yield from _account(f"relevance.accounts[{index}]", account)
    for index, domain in enumerate(own.domains):
        if not _HOST.fullmatch(domain.lower()):
            want = "a host name like acme.example"
            fix = "write the host only: no https://, no path, no port"
            yield Wrong(f"relevance.domains[{index}]", want, shown(domain), fix)


def _account(path: str, account: str) -> Iterator[Wrong]:
    source, _, name = account.partition(":")
    if source not in _ACCOUNTS:
        want = " or ".join(form for _, form, _ in _ACCOUNTS.values())
        fix = did_you_mean(source, _ACCOUNTS, "begin it with the platform") if name else "begin it with the platform"
        yield Wrong(path, want, shown(account), fix)
    elif not _ACCOUNTS[source][0].fullmatch(name):
        yield Wrong(path, _ACCOUNTS[source][1], shown(account), _ACCOUNTS[source][2])


def _identity(settings: Settings, known: Known) -> Iterator[Wrong]:
    own = settings.identity
    if own.hold_ms < own.look_back_ms:
        want = f"at least identity.look_back_ms ({own.look_back_ms})"
        fix = "raise it: a claim can only hold for acts that are still kept"
        yield Wrong("identity.hold_ms", want, shown(own.hold_ms), fix, ("identity.look_back_ms",))
    if own.hold_unclaimed_ms > own.hold_ms:
        want = f"at most identity.hold_ms ({own.hold_ms})"
        fix = "lower it: nobody's acts are not kept longer than a customer's"
        yield Wrong("identity.hold_unclaimed_ms", want, shown(own.hold_unclaimed_ms), fix, ("identity.hold_ms",))
    keep = INBOX_RETENTION_MS + own.hold_ms + DAY_MS
    if own.erase_keep_ms < keep:
        want = f"at least inbox retention + identity.hold_ms + 1 day ({keep})"
        fix = "raise it: before that an erased person could come back"
        yield Wrong("identity.erase_keep_ms", want, shown(own.erase_keep_ms), fix, ("identity.hold_ms",))
    yield from _sizes("identity", sources=own.sources, blocked=own.blocked, blocked_patterns=own.blocked_patterns)
    yield from _names("identity.sources", own.sources)
    for index, value in enumerate(own.blocked):
        if not value.strip():
            yield Wrong(f"identity.blocked[{index}]", "a value", "an empty one", "remove it: empty never identifies")
    for index, pattern in enumerate(own.blocked_patterns):
        problem = known.pattern_problem(pattern) if known.pattern_problem else None
        if problem is not None:
            fix = f"correct it: {problem}"
            yield Wrong(f"identity.blocked_patterns[{index}]", "an RE2 regular expression", shown(pattern), fix)
    if own.default_country and not re.fullmatch("[A-Z]{2}", own.default_country):
        fix = "write it like DE, or leave it empty"
        yield Wrong("identity.default_country", "two capital letters", shown(own.default_country), fix)


def _score(settings: Settings) -> Iterator[Wrong]:
    own, kinds = settings.score, get_args(ActKind)
    tables = {"engagement": own.engagement, "risk_intents": own.risk_intents, "caps": own.caps}
    for table, points in tables.items():
        for name, value in points.items():
            path = f"score.{table}.{name}"
            if table != "risk_intents" and name not in kinds:
                yield Wrong(path, "a kind of act", shown(name), did_you_mean(name, kinds, f"known: {', '.join(kinds)}"))
            yield from _points(path, value)
    yield from _points("score.risk_per_negative", own.risk_per_negative)


def _points(path: str, value: float) -> Iterator[Wrong]:
    if not 0 <= value <= POINTS_MAX:
        yield Wrong(path, f"0 to {POINTS_MAX:,} points", shown(value), "0 switches it off")
    elif not integral(value * 1000):
        want = "at most three digits after the point"
        yield Wrong(path, want, shown(value), "round it: points are counted in thousandths")


def _bands(settings: Settings) -> Iterator[Wrong]:
    bands, needs = settings.score.bands, ("score.bands",)
    yield from _names("score.bands", [band.name for band in bands], ".name")
    for index, band in enumerate(bands):
        path = f"score.bands[{index}]"
        if band.name == "ok":
            yield Wrong(f"{path}.name", "another name", "'ok'", "that is the band below the first", needs)
        if not 0 < band.enter < 100:
            yield Wrong(f"{path}.enter", "between 0 and 100", shown(band.enter), "shown risk is never 100", needs)
        if not 0 <= band.leave <= band.enter:
            want = f"0 to its enter ({band.enter:g})"
            yield Wrong(f"{path}.leave", want, shown(band.leave), "lower it: the gap stops flapping", needs)
        if index and (band.enter <= bands[index - 1].enter or band.leave < bands[index - 1].leave):
            want = (
                f"above {bands[index - 1].name!r} ({bands[index - 1].enter:g}, left below {bands[index - 1].leave:g})"
            )
            got = f"{band.enter:g}, left below {band.leave:g}"
            yield Wrong(path, want, got, "put bands in rising order", needs)


def _profile(settings: Settings) -> Iterator[Wrong]:
    yield from _sizes("profile", maximum=64, fields=settings.profile.fields)
    yield from _names("profile.fields", settings.profile.fields)


def _sizes(section: str, *, maximum: int = NAMES_MAX, **lists: tuple[str, ...]) -> Iterator[Wrong]:
    for name, values in lists.items():
        if len(values) > maximum:
            yield Wrong(f"{section}.{name}", f"at most {maximum:,} entries", f"{len(values):,}", "leave some out")


def _names(path: str, names: list[str] | tuple[str, ...], field: str = "") -> Iterator[Wrong]:
    """Short names of plain letters, each once."""
    for index, name in enumerate(names):
        if not _NAME.fullmatch(name):
            want = "letters, digits, '.', '_' and '-', at most 64"
            yield Wrong(f"{path}[{index}]{field}", want, shown(name), "choose another name", (path,))
    for index, name in duplicates(names):
        yield Wrong(f"{path}[{index}]{field}", "each name once", f"{name!r} again", "remove one", (path,))


def _observe(settings: Settings) -> Iterator[Wrong]:
    own = settings.observe
    if not own.metrics_token_file and not is_loopback(own.metrics_host):
        want, fix = "127.0.0.1 where there is no token", "name a file with a token in observe.metrics_token_file"
        yield Wrong("observe.metrics_host", want, shown(own.metrics_host), fix, ("observe.metrics_token_file",))
