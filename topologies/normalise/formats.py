"""The wire formats by name: which module reads one, and what its silence means.

    [[inputs]] format = "hubspot.webhook" ──► topologies.normalise.hubspot.build(settings, model) ──► Normaliser

A new format is one module with a `build`, and one line here. Modules are imported when an input needs them.
"""

from importlib import import_module
from typing import Literal

import msgspec

from config.semantics import Known
from config.settings import InputSettings
from streams.errors import Fatal
from streams.runtime.topology import Normaliser
from topologies.customer.rules.expr_check import pattern_problem
from topologies.model import Model

Silence = Literal["nothing happened", "unknown"]


class FormatSpec(msgspec.Struct, frozen=True):
    """A format. `firehose`: it brings acts of people, so relevance matters; else changes and findings."""

    module: str
    firehose: bool = False


_SPECS = {
    "bluesky.jetstream": FormatSpec("bluesky", firehose=True),
    "mastodon.stream": FormatSpec("mastodon", firehose=True),
    "x.stream": FormatSpec("x", firehose=True),
    "hubspot.webhook": FormatSpec("hubspot"),
    "salesforce.cdc": FormatSpec("salesforce"),
    "debezium": FormatSpec("debezium"),
    "contacts": FormatSpec("contacts"),
    "sightings": FormatSpec("sightings"),
    "decisions": FormatSpec("decisions"),
}

FORMATS = tuple(_SPECS)
FIREHOSES = tuple(name for name, spec in _SPECS.items() if spec.firehose)

KNOWN = Known(FORMATS, FIREHOSES, pattern_problem)
"""What the checks of the configuration need to know of the product."""


def build(settings: InputSettings, model: Model) -> Normaliser:
    """The normaliser of an input. Raises `Fatal` for an unknown format."""
    spec = _SPECS.get(settings.format)
    if spec is None:
        raise Fatal(f"inputs: want one of {', '.join(FORMATS)} as format of {settings.name}, got {settings.format!r}")
    normaliser: Normaliser = import_module(f"topologies.normalise.{spec.module}").build(settings, model)
    return normaliser


def silence_of(settings: InputSettings) -> Silence:
    """What it means when an input has nothing to read.

    A CRM that says nothing has seen no change. A firehose that says nothing is probably broken: absence must not be
    concluded from it.
    """
    if settings.silence:
        return settings.silence
    return "unknown" if settings.format in FIREHOSES else "nothing happened"
