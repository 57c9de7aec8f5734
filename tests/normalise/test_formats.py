"""Formats by name."""

from typing import Any

import pytest

from config.settings import InputSettings
from streams.errors import Fatal
from tests.model.cast import model
from topologies.normalise.formats import FIREHOSES, FORMATS, KNOWN, build, silence_of

OPTIONS: dict[str, dict[str, Any]] = {"mastodon.stream": {"server": "m.example"}, "debezium": {"object": "contact"}}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_built_and_reads_an_empty_batch(name: str) -> None:
    normalise = build(InputSettings(name="a", format=name, **OPTIONS.get(name, {})), model())
    found = normalise([])
    assert (found.arrivals, found.refusals, found.irrelevant) == ([], [], 0)


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(Fatal, match=r"want one of bluesky\.jetstream, .* as format of a, got 'myspace'"):
        build(InputSettings(name="a", format="myspace"), model())


@pytest.mark.parametrize("name", FORMATS)
def test_only_a_firehose_that_is_silent_leaves_open_what_happened(name: str) -> None:
    assert silence_of(InputSettings(name="a", format=name)) == ("unknown" if name in FIREHOSES else "nothing happened")


def test_the_configuration_decides_what_silence_means() -> None:
    assert silence_of(InputSettings(name="a", format="x.stream", silence="nothing happened")) == "nothing happened"
    assert silence_of(InputSettings(name="a", format="contacts", silence="unknown")) == "unknown"


def test_the_checks_know_formats_and_regular_expressions() -> None:
    assert KNOWN.formats == FORMATS
    assert KNOWN.pattern_problem is not None
    assert KNOWN.pattern_problem("a+") is None
    assert KNOWN.pattern_problem("(") is not None
