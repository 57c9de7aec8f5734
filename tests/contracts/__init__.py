"""What every edge of a port promises, as suites that an edge's tests inherit from."""

import pytest

pytest.register_assert_rewrite(
    "tests.contracts.log",
    "tests.contracts.log_edge",
    "tests.contracts.log_groups",
    "tests.contracts.log_fences",
    "tests.contracts.state",
)
