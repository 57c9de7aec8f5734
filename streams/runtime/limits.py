"""How work is cut, how long things are tried, how often things are looked at. Plain values: `config` fills them in."""

import msgspec

KIB = 1024
_FOR_EVER_MS = 1 << 60


def elapsed_ms(since: int, now_ms: int) -> int:
    """How long ago `since` was. Ages ago when the clock was set back meanwhile: nothing may wait for it to catch up."""
    return now_ms - since if now_ms >= since else _FOR_EVER_MS


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults are the product's; the reasons for those an operator may set stand in `config/settings.py`."""

    commit_ms_min: int = 20
    """At least so long between two commits."""
    commit_ms_max: int = 100
    """At most so long from the last commit to the next, while there is something to commit."""
    commit_records_max: int = 20_000
    commit_bytes_max: int = 8 << 20

    inbox_records_max: int = 2_000
    """Taken from the inbox at a time."""
    raw_records_max: int = 4_000
    """Taken from the raw topics at a time: one relevance scan."""
    inbox_busy_records: int = 200
    """When the inbox gave as many, raw records wait."""
    raw_busy_records: int = 1_000
    """When the raw topics gave as many at a time, they are behind: commits come at `commit_ms_max`, not sooner."""
    inbox_lag_max: int = 10_000
    """With more waiting in the inbox (about two commits' worth), raw records wait."""
    idle_wait_ms: int = 5
    """How long an idle worker waits for raw records; an inbox record that comes meanwhile waits as well."""

    cache_addresses_max: int = 100_000
    record_bytes_max: int = 1000 * KIB
    """Of a value we write: below the log's own limit (1 MiB), so that key and headers fit beside it."""

    tick_ms: int = 1_000
    """Ticks, progress of idle inputs, and reading the progress of others: at most so often."""
    quiet_tick_ms: int = 60_000
    """The same for a worker none of whose addresses waits for a time."""
    wakes_max: int = 500
    """Wakes fired in one commit of a task."""
    drained_ms: int = 5_000
    """A drained input is complete up to now minus this."""
    ahead_ms_max: int = 60_000
    """A receive time that is further ahead of the log's own is not believed: it would end every window at once."""

    probe_ms: int = 2_000
    """How often the store is asked about partitions that were neither read nor written."""
    maintain_ms: int = 5_000
    retry_ms: int = 20
    """Pause before the same call is made again."""
    commit_retry_ms: int = 30_000
    """A commit that could not be finished by then is doubtful."""
    apply_retry_ms: int = 3_000
    """A store that could not be reached by then is restored, while polling goes on."""
    close_ms: int = 800
    """The same when the worker leaves."""

    restore_records_max: int = 2_000
    """Changelog records per slice, some ten milliseconds of work; polling goes on in between."""
    restore_wait_ms: int = 5
    """How long a slice waits for records: others are kept waiting by it."""
    restore_turn_ms: int = 10
    """A turn of the worker that has spent so long on restores begins no further slice: other partitions wait for it."""
    restore_stuck_ms: int = 45_000
    """Without any progress for so long the changelog cannot be complete: three transaction timeouts."""
    catch_up_items_max: int = 100_000
    """A store that is further behind is filled anew."""
    catch_up_age_ms: int = 12 * 3_600_000
    """The same when the gap is older: a log removes nulls after a day."""

    crashes_max: int = 2
    """So many deaths at one offset, and records are taken one by one; so many more at one record, and it is rejected."""
    reject_share_max: float = 0.5
    reject_window: int = 1_000
    """More dead letters than this share of so many records stop the worker loudly."""
