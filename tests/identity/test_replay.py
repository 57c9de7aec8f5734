"""The same log gives the same bytes, however often everything is read back from what was written."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.state import encode_item
from tests.identity.town import Town
from tests.model import world
from tests.model.cast import External
from topologies.social_crm import stages

FOLDS = {name: stage.fold for name, stage in stages().items()}
encode = msgspec.msgpack.Encoder(order="deterministic").encode


def run(events: list[External], seed: int, *, restarts: bool) -> tuple[bytes, ...]:
    """Everything that is published, kept and due after a log with ticks in it, as bytes."""
    town, rnd = Town(FOLDS, held_max=3, unclaimed_per_hour_max=2, same_email=True), Random(seed)
    for n, (address, event) in enumerate(rnd.sample(events, len(events))):
        town.tell(address, event)
        if rnd.random() < 0.2:
            town.tick(rnd.randint(0, 80))
        if restarts and n % 2:
            town.restart()
    town.tick(rnd.choice((10, 500)))
    published = encode([(name, key, value) for name, key, value in town.published])
    items = {who: {name: encode_item(item) for name, item in mine.items()} for who, mine in town.items.items() if mine}
    return published, encode(items), encode(town.wakes)


@settings(max_examples=80, deadline=None)
@given(world.worlds_with_ties, st.integers(0, 1 << 20))
def test_a_restart_is_not_seen(events: list[External], seed: int) -> None:
    assert run(events, seed, restarts=True) == run(events, seed, restarts=False)
