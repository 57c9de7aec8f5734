"""Workers are killed under load, Redis is emptied under them: nothing is lost, nothing is doubled, joins are right.

Few kills here; `python -m tests.stories.siege --kills 50 --flush` for the whole of it.
"""

from pathlib import Path

import pytest

from tests.stories.siege import Siege


@pytest.mark.timeout(240)
@pytest.mark.parametrize("flush", [False, True], ids=["workers die", "workers die and Redis is emptied"])
def test_whoever_is_killed_nothing_is_lost_or_doubled(tmp_path: Path, *, flush: bool) -> None:
    siege = Siege(tmp_path, seed=3 + flush, rate=300)
    siege.run(6, flush=flush)
    assert siege.kills == 6
    assert siege.fed > 1_000
