"""What runs under the suite: the whole product, or the toy for scripts in which every record counts.

A `Product` says what the oracle has to know of it: names, folds, codecs. The folds and normalisers are the truth of
what a record means; what is done with them, and in which order, the oracle decides by itself.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from config.load import load
from config.settings import Settings
from schemas.events import Event
from schemas.log import Tick
from streams.runtime.topology import Topology
from tests.support import toy_topology as toy
from topologies.cli.configured import configured
from topologies.social_crm import topology as social_of
from topologies.traffic.settings import demo_toml

_DAY_MS = 86_400_000
_LIMITS = f"""
[identity]
held_max = 1024
unclaimed_per_hour_max = 1024
joined_max = 10000
hold_ms = {6 * _DAY_MS}
hold_unclaimed_ms = {6 * _DAY_MS}
erase_keep_ms = {15 * _DAY_MS}
"""
"""Out of the way: what the generator knows of who said what knows no caps, and nothing of the days before is forgotten."""


_read_social = msgspec.msgpack.Decoder(tuple[int, Event]).decode
_read_toy = msgspec.msgpack.Decoder(tuple[int, Tick | toy.Add | toy.Bad | toy.Reset | toy.Added | toy.Nudge]).decode


class Product(NamedTuple):
    """For the oracle.

    `raw`: topic → normaliser. `folds`: type of address → (fold, level). `outputs`: name → (topic, whether compacted,
    headers). `read`: an inbox record's value; `write`: how documents are written down.
    """

    app: str
    partitions: int
    inbox: str
    changelog: str
    progress: str
    dlq: str
    raw: Mapping[str, Callable[[Any], Any]]
    folds: Mapping[str, tuple[Callable[..., Any], int]]
    outputs: Mapping[str, tuple[str, bool, Callable[[str, Any], Any]]]
    model: Any
    read: Callable[[bytes], tuple[int, Any]]
    write: Callable[[Any], bytes]


def product_of(topology: Topology) -> Product:
    """The oracle's view of a topology."""
    is_toy = topology.app.startswith(toy.APP)
    return Product(
        topology.app, topology.partitions, topology.inbox, topology.changelog, topology.progress, topology.dlq,
        {entry.topic: entry.normalise for entry in topology.inputs},
        {kind: (stage.fold, stage.level) for kind, stage in topology.stages.items()},
        {name: (output.topic, output.compact, output.headers) for name, output in topology.outputs.items()},
        topology.model,
        _read_toy if is_toy else _read_social,
        topology.encode_output,
    )  # fmt: skip


def write_config(folder: Path, broker: str, redis_url: str, *, partitions: int, session_timeout_ms: int) -> Path:
    """The configuration of the whole product under generated traffic."""
    path = folder / "rapport.toml"
    engine = f"[engine]\npartitions = {partitions}\nsession_timeout_ms = {session_timeout_ms}\n"
    log = f'[log]\ndirectory = "{folder / "data"}"\nbootstrap_servers = "{broker}"\n'
    state = f'[state]\nredis_url = "{redis_url}"\n'
    path.write_text(f"{demo_toml()}\n{engine}\n{log}\n{state}\n{_LIMITS}", encoding="utf-8")
    return path


def settings_of(config: Path) -> Settings:
    """Without anybody else's environment."""
    settings, problems = load(config, {})
    assert settings is not None, problems
    return settings


def social_topology(config: Path) -> Topology:
    """The whole product."""
    return social_of(settings_of(config), configured([config], env={}).model)
