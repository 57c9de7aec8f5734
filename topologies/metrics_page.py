"""`docs/metrics.md`: every metric of engine and product. `python -m topologies.metrics_page` writes it."""

from pathlib import Path

from streams.core.facts import Fact
from streams.observe.metrics import counted_facts
from streams.observe.page import page
from streams.runtime import facts as of_engine
from topologies.customer import facts as of_customers
from topologies.identity import facts as of_identity
from topologies.normalise import crm_facts as of_crm

FILE = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"
WRITE = "python -m topologies.metrics_page"

_MODULES = (of_engine, of_customers, of_identity, of_crm)
"""Where facts that are counted are defined; nowhere else."""


def product_facts() -> list[type[Fact]]:
    """Every fact that is counted, by counter."""
    names = {module.__name__ for module in _MODULES}
    return [kind for kind in counted_facts() if kind.__module__ in names]


def metrics_page() -> str:
    """The page as it should be."""
    return page(product_facts(), WRITE)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(metrics_page(), encoding="utf-8")
