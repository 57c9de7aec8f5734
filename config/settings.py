"""Every setting, with its unit in the name, its default, and the reason for the default.

Secrets are never here: they come from the environment or from files named here.
"""

from typing import Literal

import msgspec

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the configuration file. Unknown names are errors: a typo never passes as a default."""


class EngineSettings(Section, frozen=True, kw_only=True):
    """How work is cut and committed."""

    app: str = "rapport"
    """Prefix of internal topics and groups."""
    partitions: int = 8
    """Of every topic of the application; fixed once the topics exist. Eight keep two to eight workers busy."""
    commit_ms_min: int = 20
    """A commit costs 3-5 ms; below 20 ms it takes a quarter of the time."""
    commit_ms_max: int = 100
    """Each hop costs one interval under backlog; an alert is three hops."""
    commit_records_max: int = 20_000
    """A batch of so many records is committed at once, whatever the time."""
    commit_bytes_max: int = 8 << 20
    """The same for bytes: it bounds the memory of a batch."""
    cache_addresses_max: int = 100_000
    """Addresses whose decoded items stay in memory, per worker; about 2 KB each."""
    session_timeout_ms: int = 10_000
    """A worker that is silent for so long has lost its partitions."""
    inbox_generation: int = 1
    """Raise it when the inbox is made anew (repartition): stances of the new inbox beat those of the old."""
    reject_share_max: float = 0.5
    """More dead letters than this share of the last `reject_window` records stop the worker loudly."""
    reject_window: int = 1_000
    """Records that `reject_share_max` is taken over: enough that a few bad ones stop nobody."""


class LogSettings(Section, frozen=True, kw_only=True):
    """Where the log is. Without a broker everything is in one SQLite file."""

    directory: str = ".data"
    """Holds `log.sqlite` and the embedded Redis's files; relative to the working directory."""
    bootstrap_servers: str = ""
    """Kafka brokers, `host:port,host:port`; empty: the SQLite file in `directory`."""
    properties: dict[str, str] = {}
    """Any property of librdkafka (TLS, SASL, time-outs), on top of Rapport's own. Secrets are refused here."""
    secrets: dict[str, str] = {}
    """Property to where its value comes from, `env:NAME` or `file:PATH`: `"sasl.password" = "env:KAFKA_PASSWORD"`."""
    replication_factor: int = -1
    """Of topics that `rapport topics create` makes; -1: as the brokers are set."""


class StateSettings(Section, frozen=True, kw_only=True):
    """Where the state is served from."""

    redis_url: str = ""
    """Empty: an embedded redis-server under the log's directory. A password belongs into `redis_password_file`.

    One server, a master: `redis://host:port/0`, `rediss://…` (TLS) or `unix:///path`.

    A Redis Cluster: `redis+cluster://h1:p1,h2:p2` or `rediss+cluster://…`; two or three of its nodes are enough.
    """
    redis_password_file: str = ""
    """A file whose first line is the password; empty: none is sent."""


class RelevanceSettings(Section, frozen=True, kw_only=True):
    """Which acts matter."""

    relevance: Literal["brand", "all"] = "brand"
    """`brand`: what names or answers us, by the lists below. `all`: every act, for replays and small streams."""
    terms: tuple[str, ...] = ()
    """Words and phrases, found anywhere in the text, whatever their case."""
    accounts: tuple[str, ...] = ()
    """Our own accounts, as identifiers: `bluesky:did:plc:…`, `x:123`, `mastodon:us@example.social`."""
    domains: tuple[str, ...] = ()
    """Our web domains; a link to one of them is about us."""


class InputSettings(Section, frozen=True, kw_only=True):
    """One raw topic."""

    name: str
    """What logs and metrics call it."""
    format: str
    """The wire format of its payloads."""
    topic: str = ""
    """Default: `raw.<name>`."""
    silence: Literal["", "nothing happened", "unknown"] = ""
    """What an empty topic means. Default: "nothing happened" for CRM formats, "unknown" for firehoses."""
    source: str = ""
    """CRM formats: the source name in record addresses. Default: the format's own (`hubspot`, `salesforce`, …)."""
    server: str = ""
    """Mastodon: the host whose stream this is; local accounts and ids are scoped by it."""
    object: str = ""
    """Debezium: which of our objects a row is (`contact`, `company`, `case`); empty: by the table map."""
    tables: dict[str, str] = {}
    """Debezium: table name to object."""
    key: str = ""
    """Debezium, contacts: the column that holds the record's id. Default: `id`."""
    fields: dict[str, str] = {}
    """Our field name to the source's, on top of the format's defaults; an empty value removes a default.

    `company.tier = "Segment"`: of companies only. `tier = "=gold"`: a constant. `company = ":AccountId"`:
    the id of a record of the same source; `external_id = "hubspot:hs_id"`: of another.
    """


class IdentitySettings(Section, frozen=True, kw_only=True):
    """How people are recognised."""

    look_back_ms: int = DAY_MS
    """A claim also holds for acts up to a day older: CRM entries follow conversations."""
    hold_ms: int = 3 * DAY_MS
    """How long an act can still be re-joined. At least look_back + the CRM delay to survive."""
    hold_unclaimed_ms: int = DAY_MS + 12 * HOUR_MS
    """The same for identifiers nobody ever claimed: they are most of a firehose."""
    held_max: int = 64
    """Acts kept per identifier; older ones are sealed early."""
    unclaimed_per_hour_max: int = 16
    """Acts kept per hour of an identifier nobody ever claimed."""
    late_after_ms: int = HOUR_MS
    """An act is late iff it was received longer than this after its time."""
    claimants_max: int = 64
    """Customers that may claim one identifier; further ones are refused and published as such."""
    identifiers_max: int = 64
    """Identifiers one customer may claim; further ones (in order of name) are refused and published as such."""
    sources: tuple[str, ...] = ("salesforce", "hubspot", "zendesk", "crm", "contacts")
    """CRM sources by priority, highest first: profile fields and customer ids come from the first that has them."""
    same_email: bool = False
    """Records of two sources with an equal verified e-mail are one customer."""
    blocked: tuple[str, ...] = ()
    """Identifier values that never identify anybody, on top of the built-in ones (null, none, test@…, zeros)."""
    blocked_patterns: tuple[str, ...] = ()
    """The same as RE2 regular expressions, matched against the whole value."""
    block_role_addresses: bool = False
    """Also block info@, support@, sales@ … addresses."""
    erase_keep_ms: int = 7 * DAY_MS + 3 * DAY_MS + DAY_MS
    """An erased person's tombstone: inbox retention + hold + 1 day."""
    joined_max: int = 512
    """Unsealed acts kept per customer; older ones are sealed early and noted."""
    default_country: str = ""
    """Two letters; how phone numbers without a country code are read. Empty: they are refused."""


class Band(Section, frozen=True, kw_only=True):
    """A band of the risk score: entered at `enter` (inclusive), left below `leave`."""

    name: str
    """What subscribers and rules call it."""
    enter: float
    """Entered at this shown risk (inclusive)."""
    leave: float
    """Left below this shown risk (exclusive)."""


class ScoreSettings(Section, frozen=True, kw_only=True):
    """What acts are worth. Points are thousandths inside; here they are points."""

    half_life_ms: int = 7 * DAY_MS
    """A week: what was said last month is one sixteenth."""
    engagement_kappa: float = 20.0
    """Shown = 100 (1 - exp(-S / kappa)): 20 points of fresh engagement show 63."""
    risk_kappa: float = 6.0
    """The same for risk: two acts of sentiment -1 show 63."""
    engagement: dict[str, float] = msgspec.field(
        default_factory=lambda: {
            "post": 3.0,
            "reply": 3.0,
            "quote": 3.0,
            "repost": 2.0,
            "like": 0.5,
            "follow": 1.0,
            "dm": 3.0,
        }
    )
    """Points by kind of act."""
    risk_per_negative: float = 3.0
    """Risk points of an act with sentiment -1; in proportion down to 0."""
    risk_intents: dict[str, float] = {}
    """Risk points of an act by the intent found in it."""
    caps: dict[str, float] = msgspec.field(default_factory=lambda: {"like": 2.0, "repost": 6.0})
    """Most points (of engagement, and of risk) a kind can earn in one bucket (half_life / 64: 2.6 hours at a week)."""
    bands: tuple[Band, ...] = (
        Band(name="watch", enter=40, leave=30),
        Band(name="at-risk", enter=60, leave=50),
    )
    """Of risk, rising. Below the first: `ok`. The gap between enter and leave keeps a score from flapping."""


class RulesSettings(Section, frozen=True, kw_only=True):
    """Where rules come from."""

    directory: str = ""
    """Folder of `*.yaml`; empty: the starter rules that come with Rapport."""


class ProfileSettings(Section, frozen=True, kw_only=True):
    """What subscribers see of a customer."""

    fields: tuple[str, ...] = ()
    """Further record fields that are copied into profiles and enriched events."""


class ObserveSettings(Section, frozen=True, kw_only=True):
    """What operators see."""

    log_format: Literal["console", "json"] = "console"
    """For people, or one JSON object a line for collectors."""
    metrics_port: int = 0
    """Port of `/metrics`, `/health` and `/ready`; 0: none. With `--workers N` each has its own, counting up from here."""
    metrics_host: str = "127.0.0.1"
    """The address they are on. Names of topics and rules are nobody else's business: another one needs a token."""
    metrics_token_file: str = ""
    """A file whose first line is the token: who asks must send it, `Authorization: Bearer …`. Empty: nobody must."""
    stuck_ms: int = 60_000
    """`/health` says 503 when the loop has not turned for so long: twice what a commit is tried for without brokers."""


class Settings(Section, frozen=True, kw_only=True):
    """The whole configuration."""

    engine: EngineSettings = EngineSettings()
    log: LogSettings = LogSettings()
    state: StateSettings = StateSettings()
    relevance: RelevanceSettings = RelevanceSettings()
    identity: IdentitySettings = IdentitySettings()
    score: ScoreSettings = ScoreSettings()
    rules: RulesSettings = RulesSettings()
    profile: ProfileSettings = ProfileSettings()
    observe: ObserveSettings = ObserveSettings()
    inputs: tuple[InputSettings, ...] = ()
