"""`rapport bench` on a real broker, small: what it measures is there and was checked; what is wrong does not count.

No time is judged here.
"""

from collections.abc import Iterator

import pytest

from benchmarks.kafka.fill import Truth, fill_firehose, fill_records
from benchmarks.kafka.latency import latencies
from benchmarks.kafka.plan import Plan
from benchmarks.kafka.restore import restores
from benchmarks.kafka.servers import Site, servers
from benchmarks.kafka.throughput import echo, product
from streams.errors import Fatal
from tests.support.kafka_broker import need_kafka

PLAN = Plan(customers=60, authors=2_000)
RECORDS = "bench.crm"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need_kafka()
    with servers(tmp_path_factory.mktemp("bench"), quick=True) as made:
        fill_records(made, RECORDS, PLAN.customers)
        yield made


@pytest.fixture(scope="module")
def firehose(site: Site) -> Truth:
    return fill_firehose(site, "bench.firehose", PLAN.mix(0.1), 2_500)


def test_echo_and_product_read_the_same_records(site: Site, firehose: Truth) -> None:
    runs = [echo(site, "bench.firehose", firehose.records, transactions=kind) for kind in (False, True)]
    runs.append(product(site, "10 % relevant", "bench.firehose", RECORDS, firehose, recompute=True))
    assert [run.name for run in runs] == ["plain echo", "echo in transactions", "10 % relevant"]
    assert {run.records for run in runs} == {2_500}
    assert all(run.wall_s > 0 and run.cpu_s > 0 and run.rss_max_mb > 10 for run in runs)
    assert runs[-1].checked == "truth, recomputed"


def test_a_figure_with_a_wrong_output_does_not_count(site: Site, firehose: Truth) -> None:
    act, *_ = firehose.owners
    wrong = Truth(firehose.records, firehose.bytes, firehose.relevant, firehose.owners | {act: "crm:contact:0"})
    with pytest.raises(Fatal, match="1 acts have another customer"):
        product(site, "10 % relevant", "bench.firehose", RECORDS, wrong)


def test_latency_is_that_of_committed_outputs(site: Site) -> None:
    (found,) = latencies(site, RECORDS, [("slow", 400.0)], 1.5, PLAN.mix(1.0), lambda _: None)
    assert found.enriched > 100
    assert found.alerts > 0
    assert 0 < found.enriched_ms[0] <= found.enriched_ms[1] <= found.enriched_ms[2] <= found.enriched_ms[3]


def test_every_item_is_restored(site: Site) -> None:
    found = restores(site, 2_000, lambda _: None)
    assert [one.name for one in found] == ["Redis lost before the start", "Redis intact", "Redis lost under way"]
    assert {one.items for one in found} == {2_000}
    assert all(one.seconds > 0 for one in found)


def test_a_cluster_with_our_topics_is_left_alone(site: Site, firehose: Truth) -> None:
    """Outputs have fixed names: whoever runs Rapport there would lose them."""
    site.make_raw("social.enriched")
    try:
        with pytest.raises(Fatal, match=r"want a cluster without our topics, found social\.enriched"):
            site.refuse_used()
    finally:
        site.raw.remove("social.enriched")
        site.forget(["social.enriched"])
