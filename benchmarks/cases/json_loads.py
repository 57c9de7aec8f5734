"""Baseline: parse the payloads of a firehose, and do nothing with them."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from benchmarks.case import Case, Run
from benchmarks.payloads import FIREHOSE, records

NAME = "baseline.json"


def cases() -> list[Case]:
    """What no program that looks into every payload can go below."""
    return [Case(NAME, "a Bluesky payload, parsed", _prepare)]


@contextmanager
def _prepare() -> Iterator[Run]:
    payloads = [record.value() or b"" for record in records(FIREHOSE, 8_000, 0.1)]

    def run() -> int:
        loads = orjson.loads
        for payload in payloads:
            loads(payload)
        return len(payloads)

    yield run
