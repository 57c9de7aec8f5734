"""The promise with calls that have next to no room: everything goes on in pages, and everything else comes in between."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Erase
from tests.model import runner, world
from tests.model.cast import C1, C2, External, ms
from tests.model.examples import examples
from tests.model.extract import found, profiles_of, subscribed, sums_in, traces
from tests.model.oracle import answer
from tests.model.test_promise import MODEL, Log, logs, run
from topologies.customer import turn
from topologies.identity import filing, handle, keeping


@pytest.fixture(autouse=True, scope="module")
def _no_room() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "ROOM", 4)
        patch.setattr(filing, "ROOM", 3)
        patch.setattr(handle, "ROOM", 1)
        patch.setattr(turn, "ROOM", 3)
        patch.setattr(runner, "SENDS_PER_EVENT_MAX", 400)
        yield


@examples(60)
@given(world.worlds, logs)
def test_every_order_gives_the_answer(events: list[External], log: Log) -> None:
    assert found(run(events, log)) == answer(events, MODEL)


@examples(40)
@given(world.worlds, logs, st.sampled_from((C1, C2)))
def test_who_is_erased_stays_erased(events: list[External], log: Log, who: str) -> None:
    assert traces(run([*events, (who, Erase(ms(10), ms(10)))], log), who) == []


@examples(40)
@given(world.worlds, logs)
def test_sealing_changes_nothing(events: list[External], log: Log) -> None:
    open_, sealed = run(events, log), run(events, log, until=ms(24 * 30))
    assert subscribed(sealed) == subscribed(open_)
    assert sums_in(sealed) == sums_in(open_)
    assert profiles_of(sealed) == profiles_of(open_)
