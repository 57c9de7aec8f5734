"""How many worlds a property sees: few and always the same in `make test`; as many as asked for, and new ones, by hand.

RAPPORT_EXAMPLES=20000 pytest tests/model
"""

import os

from hypothesis import HealthCheck, Phase, settings

ASKED = os.environ.get("RAPPORT_EXAMPLES")


def examples(count: int, *, shrink: bool = True) -> settings:
    """Settings of a property that needs `count` worlds to be worth its time."""
    return settings(
        max_examples=int(ASKED or count),
        derandomize=ASKED is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        report_multiple_bugs=False,
    )
