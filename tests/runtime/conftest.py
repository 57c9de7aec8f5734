from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.runtime.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world() -> Iterator[MakeWorld]:
    """Worlds that are closed at the end of the test."""
    worlds: list[World] = []

    def make(*parts: Any, **more: Any) -> World:
        worlds.append(World(*parts, **more))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world with one worker."""
    made = make_world()
    made.worker()
    return made
