"""With all folds together, in any order: nothing that an erased person said, or that was said of them, is left in state."""

from typing import Any

import pytest

from schemas.events import Erase
from schemas.state import encode_item
from tests.model import cast
from tests.model.cast import BA, C1, H1, MAIL, S1, X1, ms
from tests.model.runner import play
from tests.model.stories import act, change
from topologies.social_crm import stages

CASE, OTHER = "record:zendesk:case:2", "record:zendesk:contact:3"
WORDS = (b"Annabel", b"awful", b"Hamburg", b"ann@a.example", b"broken")

WORLD: list[tuple[str, Any]] = [
    change(S1, 0, x=X1, name="Annabel", email=MAIL),
    change(S1, 2, name="Annabel Lee", region="Hamburg"),
    change(H1, 1, external_id=S1, name="Annabel L.", bluesky=BA),
    change(OTHER, 1, external_id=H1, owner="Annabel"),
    change(CASE, 1, contact=H1, status="broken"),
    act("x:1/p", 10, text="awful", name="Annabel"),
    act("x:1/q", 11, text="awful", name="Annabel"),
]


@pytest.mark.parametrize("seed", range(120))
def test_nothing_is_left_of_an_erased_person(seed: int) -> None:
    """Whatever was received before it was asked for, wherever it was under way.

    An account that no record has ever tied to the person is nobody's: its acts go when their hold is over.
    """
    done = play(
        [*WORLD, (C1, Erase(ms(12), ms(12)))],
        stages(),
        cast.model(),
        seed=seed,
        partitions=1 + seed % 8,
        reorder=bool(seed % 2),
        duplicate=bool(seed % 3),
    )
    left = {
        (address, item, word)
        for address, items in done.items.items()
        if not address.startswith("account:") or "claims" in items
        for item, value in items.items()
        for word in WORDS
        if word in encode_item(value)
    }
    assert left == set()
