"""The product that is measured: generated traffic's configuration, twenty rules, and what a worker is made of."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from config.settings import Settings
from streams.errors import Fatal
from streams.runtime.topology import Topology
from topologies.cli.configured import model_of
from topologies.customer.rules.load import load_rules, starter_rules
from topologies.model import Model
from topologies.social_crm import topology as wired
from topologies.traffic.settings import demo_settings

RULES = 20
_MORE = Path(__file__).with_name("rules")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The defaults, with the inputs and the relevance of generated traffic."""
    return demo_settings()


def rule_files() -> list[Path]:
    """Those that come with Rapport, and as many more as make twenty rules."""
    return [path for folder in (starter_rules(), _MORE) for path in sorted(folder.glob("*.yaml"))]


@lru_cache(maxsize=1)
def model() -> Model:
    """With the rules that come with Rapport and as many more as make twenty."""
    rules, problems = load_rules(rule_files())
    if problems or len(rules) != RULES:
        raise Fatal(f"benchmarks: want {RULES} rules, found {len(rules)}; " + "; ".join(map(str, problems)))
    return model_of(settings(), rules)


@lru_cache(maxsize=1)
def topology() -> Topology:
    """As `rapport run` has it."""
    return wired(settings(), model())


@contextmanager
def folder() -> Iterator[Path]:
    """For files of a round; gone at its end."""
    path = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
