"""All that is done to workers, broker, Redis and the networks between them."""

import signal
import time
from collections.abc import Callable

from tests.chaos.proxy import Direction, Proxy
from tests.chaos.siege import SESSION_MS, Fault, Siege, now_ms, wake
from tests.chaos.site import Grounds
from tests.chaos.traps import POINTS, Deed

_STALL_S = 4.0
_LONG_STALL_S = 12.0
"""Longer than a request waits for its answer: what was sent arrives when its sender has given it up."""
_OUTAGE_S = 3.0
_SLEEP_S = SESSION_MS / 1_000 + 1.5
_BEAT_S = 0.5
_GUEST = "guest"


# -- workers


def dies_at(point: str) -> Fault:
    """Kill -9 at a crash point."""

    def fault(siege: Siege) -> int:
        return min(_lure(siege, point, "kill").values())

    return fault


def die_at(*points: str) -> Fault:
    """Kill -9 of several, each at a crash point of its own."""

    def fault(siege: Siege) -> int:
        slots = siege.pick(len(points))
        for slot, point in zip(slots, points, strict=True):
            siege.trap(slot, point, "kill")
        return min(min(siege.sprung([slot], point).values()) for slot, point in zip(slots, points, strict=True))

    return fault


def sleeps_at(point: str) -> Fault:
    """SIGSTOP at a crash point, until somebody else has taken over; then it goes on as if nothing had been."""

    def fault(siege: Siege) -> int:
        found = _lure(siege, point, "stop")
        time.sleep(_SLEEP_S)
        wake(siege, [*found])
        return min(found.values())

    return fault


def _lure(siege: Siege, point: str, deed: Deed) -> dict[str, int]:
    """Set a trap, and bring somebody into it."""
    if point in {"P8b", "P8c"}:
        # A store that is one commit behind: somebody has died in between.
        (dead,) = siege.pick()
        siege.trap(dead, "P4", "kill")
        siege.sprung([dead], "P4")
        heirs = [slot for slot in siege.slots if slot != dead]
        for slot in heirs:
            siege.trap(slot, point, deed)
        return siege.sprung(heirs, point)
    (slot,) = siege.pick()
    siege.trap(slot, point, deed, siege.chance.randrange(3) if point < "P7" else 0)
    if point.startswith("P7"):
        siege.workers.start(_GUEST)
    elif point.startswith("P8"):
        siege.grounds.redis.client.flushall()
    return siege.sprung([slot], point)


def dies(count: int) -> Fault:
    """Kill -9 at whatever moment."""

    def fault(siege: Siege) -> int:
        time.sleep(siege.chance.uniform(0, 0.5))
        since_ms = now_ms()
        for slot in siege.pick(count):
            siege.workers.kill(slot)
        return since_ms

    return fault


def sleeps(siege: Siege) -> int:
    """SIGSTOP at whatever moment, beyond the session, and back."""
    slots = siege.pick(siege.chance.choice((1, 1, 2)))
    since_ms = now_ms()
    for slot in slots:
        siege.workers.signal(slot, signal.SIGSTOP)
    time.sleep(_SLEEP_S)
    wake(siege, slots)
    return since_ms


def leaves(siege: Siege) -> int:
    """SIGTERM: a rolling restart."""
    since_ms = now_ms()
    siege.workers.leave(siege.pick())
    return since_ms


def storm(siege: Siege) -> int:
    """Somebody comes or goes every half a second, well or badly."""
    since_ms = now_ms()
    for turn in range(6):
        if _GUEST in siege.workers.pids:
            siege.workers.kill(_GUEST) if turn % 4 == 1 else siege.workers.leave([_GUEST])
        else:
            siege.workers.start(_GUEST)
        time.sleep(_BEAT_S)
    return since_ms


# -- broker


def broker_dies(siege: Siege) -> int:
    """Kill -9 of the broker, and a new one on the same data."""
    since_ms = now_ms()
    siege.grounds.kafka.kill()
    siege.grounds.kafka.start()
    return since_ms


def broker_sleeps(siege: Siege) -> int:
    """The broker stands still for a while."""
    since_ms = now_ms()
    siege.grounds.kafka.pause()
    time.sleep(_OUTAGE_S)
    siege.grounds.kafka.resume()
    return since_ms


# -- Redis


def redis_emptied(siege: Siege) -> int:
    """FLUSHALL."""
    since_ms = now_ms()
    siege.grounds.redis.client.flushall()
    return since_ms


def redis_dies(*, save: bool) -> Fault:
    """Kill -9 of Redis; the new one is empty, or has what was there a moment ago."""

    def fault(siege: Siege) -> int:
        since_ms = now_ms()
        siege.grounds.redis.restart(save=save)
        return since_ms

    return fault


def redis_rolled_back(siege: Siege) -> int:
    """Redis comes back with what it held two seconds ago."""
    siege.grounds.redis.keep()
    time.sleep(2)
    since_ms = now_ms()
    siege.grounds.redis.roll_back()
    return since_ms


def redis_paused(siege: Siege) -> int:
    """CLIENT PAUSE."""
    since_ms = now_ms()
    siege.grounds.redis.client.client_pause(int(_OUTAGE_S * 1_000))
    time.sleep(_OUTAGE_S)
    return since_ms


def redis_sleeps(siege: Siege) -> int:
    """SIGSTOP of Redis, for longer than a client waits."""
    since_ms = now_ms()
    siege.grounds.redis.sleep(6)
    return since_ms


def redis_full(siege: Siege) -> int:
    """No memory left for writes."""
    since_ms = now_ms()
    siege.grounds.redis.client.config_set("maxmemory", "1mb")
    time.sleep(_OUTAGE_S)
    siege.grounds.redis.client.config_set("maxmemory", "0")
    return since_ms


# -- networks


def stalled(net: Callable[[Grounds], Proxy], direction: Direction, seconds: float = _STALL_S) -> Fault:
    """Connections that say nothing any more in one direction; then everything arrives at once."""

    def fault(siege: Siege) -> int:
        since_ms = now_ms()
        net(siege.grounds).stall(direction)
        time.sleep(seconds)
        net(siege.grounds).flow()
        return since_ms

    return fault


def cut(net: Callable[[Grounds], Proxy], how: Callable[[Proxy], None]) -> Fault:
    """Connections that end."""

    def fault(siege: Siege) -> int:
        since_ms = now_ms()
        how(net(siege.grounds))
        return since_ms

    return fault


# -- several at once


def at_once(first: Fault, second: Fault) -> Fault:
    """The second while the first has not been mended yet."""

    def fault(siege: Siege) -> int:
        first(siege)
        return second(siege)

    return fault


def _kafka(grounds: Grounds) -> Proxy:
    return grounds.kafka_net


def _redis(grounds: Grounds) -> Proxy:
    return grounds.redis_net


_SLEEPS_AT = ("P1", "P2", "P3a", "P3", "P4", "P5", "P7a", "P8b", "P8e")
"""Where a worker may fall asleep with something in its hands."""

CRASHES: dict[str, Fault] = {f"kill -9 at {point}: {what}": dies_at(point) for point, what in POINTS.items()}
ZOMBIES: dict[str, Fault] = {f"SIGSTOP at {point}: {POINTS[point]}": sleeps_at(point) for point in _SLEEPS_AT}
OTHERS: dict[str, Fault] = {
    "kill -9 of a worker at random": dies(1),
    "kill -9 of all workers": dies(3),
    "SIGSTOP of workers at random, beyond the session": sleeps,
    "SIGTERM of a worker": leaves,
    "rebalance storm, every 0.5 s": storm,
    "broker: kill -9, restart": broker_dies,
    "broker: SIGSTOP for 3 s": broker_sleeps,
    "Redis: FLUSHALL": redis_emptied,
    "Redis: kill -9, empty afterwards": redis_dies(save=False),
    "Redis: kill -9, state of a moment ago": redis_dies(save=True),
    "Redis: rolled back by 2 s": redis_rolled_back,
    "Redis: CLIENT PAUSE for 3 s": redis_paused,
    "Redis: SIGSTOP for 6 s": redis_sleeps,
    "Redis: full for 3 s": redis_full,
    "net to Kafka: stalled for 4 s": stalled(_kafka, "to server"),
    "net from Kafka: stalled for 4 s": stalled(_kafka, "to client"),
    "net to Kafka: reset": cut(_kafka, Proxy.reset),
    "net from Kafka: half closed": cut(_kafka, Proxy.close_half),
    "net to Redis: stalled for 4 s": stalled(_redis, "to server"),
    "net from Redis: stalled for 4 s": stalled(_redis, "to client"),
    "net to Redis: reset": cut(_redis, Proxy.reset),
    "net from Redis: half closed": cut(_redis, Proxy.close_half),
}
LONG: dict[str, Fault] = {
    "net to Kafka: stalled for 12 s": stalled(_kafka, "to server", _LONG_STALL_S),
    "net from Kafka: stalled for 12 s": stalled(_kafka, "to client", _LONG_STALL_S),
}
_TWO: dict[str, Fault] = {
    "kill -9": dies(1), "SIGSTOP": sleeps, "SIGTERM": leaves, "broker": broker_dies, "FLUSHALL": redis_emptied,
    "Redis killed": redis_dies(save=False), "Redis rolled back": redis_rolled_back,
    "net to Kafka": cut(_kafka, Proxy.reset), "net to Redis": cut(_redis, Proxy.reset),
}  # fmt: skip
PAIRS: dict[str, Fault] = {
    f"two at once: {one}, {two}": at_once(_TWO[one], _TWO[two])
    for one, two in (
        ("kill -9", "FLUSHALL"), ("broker", "kill -9"), ("SIGSTOP", "Redis killed"), ("Redis rolled back", "SIGTERM"),
        ("FLUSHALL", "broker"), ("net to Kafka", "Redis killed"), ("kill -9", "net to Redis"), ("SIGTERM", "SIGSTOP"),
    )
}  # fmt: skip
CROWDS: dict[str, Fault] = {
    f"kill -9 of all, at {', '.join(points)}": die_at(*points)
    for points in (("P0", "P2a", "P3"), ("P1", "P3a", "P5"), ("P2", "P4", "P6"))
}
"""Several crash points in the time of one."""
FAULTS: dict[str, Fault] = CROWDS | CRASHES | ZOMBIES | OTHERS | LONG | PAIRS
