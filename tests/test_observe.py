"""One fact = one counter and, unless all is well, one line, in which nobody is named."""

import io
import json
import sys
import urllib.request
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY, CollectorRegistry

from streams.core.facts import Fact, Level
from streams.errors import Fatal
from streams.observe import Observer, masked
from streams.observe.metrics import LABEL_SETS_MAX, Buckets
from streams.observe.page import PROCESS
from streams.runtime import facts
from streams.runtime.measures import DELAYS_MS
from streams.runtime.status import Lag, Restoring, Status


class PostLost(Fact, frozen=True, kw_only=True):
    """For these tests."""

    counter: ClassVar[str] = "posts_lost_total"
    level: ClassVar[Level] = "error"
    labels: ClassVar[tuple[str, ...]] = ("why",)
    help: ClassVar[str] = "Posts nobody can find."
    why: str
    who: tuple[str, ...] = ()


class Watched:
    """An observer, and what it has shown."""

    def __init__(self) -> None:
        self.out, self.registry = io.StringIO(), CollectorRegistry()
        self.observer = Observer(log_format="json", out=self.out, registry=self.registry)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def rejected(cause: str) -> facts.RecordRejected:
    return facts.RecordRejected(topic="raw.a", partition=0, offset=7, fold="account", cause=cause, path="$")


def status(**more: Any) -> Status:
    known: dict[str, Any] = {
        "tasks": (0, 1), "restoring": (2,), "raw": ("raw.a[0]",), "inbox_lag": 5, "residents": 9,
        "upto": (100_000, 90_000, 0), "held_by": ("raw:raw.a/0", 100_000),
    }  # fmt: skip
    return Status(**known | more)


def test_work_that_goes_well_is_counted_and_not_logged(watched: Watched) -> None:
    watched.observer(facts.EventsFolded(amount=3))
    watched.observer(facts.EventsFolded(amount=4))
    assert watched.value("rapport_events_folded_total") == 7
    assert watched.observer.totals["events_folded_total"] == 7
    assert watched.lines() == []


def test_what_somebody_should_know_is_one_line_with_the_facts_name(watched: Watched) -> None:
    watched.observer(PostLost(why="gone", amount=2))
    (line,) = watched.lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "PostLost", "level": "error", "why": "gone", "who": [], "amount": 2}
    assert watched.value("rapport_posts_lost_total", why="gone") == 2


def test_long_lists_are_cut(watched: Watched) -> None:
    watched.observer(PostLost(why="gone", who=tuple(f"a{number}" for number in range(70))))
    assert watched.lines()[0]["who"] == [*(f"a{number}" for number in range(8)), "… 62 more"]


def test_labels_are_those_of_the_fact(watched: Watched) -> None:
    watched.observer(facts.KindUnknown(topic="raw.a", kind="x", amount=2))
    watched.observer(facts.KindUnknown(topic="raw.b", kind="x"))
    assert watched.value("rapport_raw_unknown_total", topic="raw.a", kind="x") == 2
    assert watched.value("rapport_raw_unknown_total", topic="raw.b", kind="x") == 1


def test_a_sender_of_ever_new_kinds_does_not_fill_the_memory(watched: Watched) -> None:
    for number in range(LABEL_SETS_MAX + 50):
        watched.observer(facts.KindUnknown(topic="raw.a", kind=f"k{number}" + "x" * 1_000))
    watched.observer(facts.KindUnknown(topic="raw.a", kind="k0" + "x" * 1_000))
    samples = [s for metric in watched.registry.collect() for s in metric.samples if s.name.endswith("unknown_total")]
    assert len(samples) == LABEL_SETS_MAX + 1
    assert watched.value("rapport_raw_unknown_total", topic="other", kind="other") == 50
    assert all(len(sample.labels["kind"]) <= 100 for sample in samples)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("no such person: ann.miller+x@mail.example.org", "miller"),
        ("account:bluesky:did:plc:abc123 is full", "abc123"),
        ("from account:mastodon:ann@m.example, twice", "ann"),
        ("handle:x:ann_miller moved", "ann_miller"),
        ("phone:+491701234567 and +49 170 1234567", "1234567"),
        ("did:plc:abc123 is unknown", "abc123"),
        ("says @ann_miller", "ann_miller"),
        ("email:ann@a.example", "ann"),
    ],
)
def test_people_are_masked(text: str, hidden: str) -> None:
    assert hidden not in masked(text)
    assert masked(text) == masked(text)


def test_what_is_nobodys_name_stays_readable() -> None:
    for text in (
        "rapport.inbox stands at 1760000000000 in group rapport.fold",
        "raw.bluesky[3]: want position metadata like v1;0;5",
        "customer:salesforce:contact:51",
        "producer rapport-0: epoch 1 was replaced by 2",
    ):
        assert masked(text) == text


def test_the_same_person_has_the_same_mask_in_all_lines() -> None:
    one, two, other = (masked(f"handle:x:{name}") for name in ("ann", "ann", "bea"))
    assert one == two != other
    assert one.startswith("handle:x:#")


def test_what_a_payload_said_stays_in_the_dead_letter_topic(watched: Watched) -> None:
    watched.observer(rejected("want a name, got 'Ann Miller, Main Street 5' for ann@a.example"))
    watched.observer(PostLost(why="gone", who=("handle:x:ann",)))
    assert "Ann" not in watched.out.getvalue()
    assert "ann" not in watched.out.getvalue()
    assert "want a name, got '…' for #" in watched.lines()[0]["cause"]


def test_the_gauges_show_a_status(watched: Watched) -> None:
    watched.observer.show(status(), 130_000)
    assert watched.value("rapport_inbox_lag_records") == 5
    assert watched.value("rapport_tasks") == 2
    assert watched.value("rapport_restoring_tasks") == 1
    assert watched.value("rapport_raw_tasks") == 1
    assert watched.value("rapport_resident_addresses") == 9
    assert watched.value("rapport_stream_time_behind_seconds", level="1") == 30
    assert watched.value("rapport_stream_time_behind_seconds", level="2") == 40
    assert watched.value("rapport_stream_time_behind_seconds", level="3") == 0, "nobody knows yet"
    assert watched.value("rapport_stream_time_held_by", task="raw:raw.a/0") == 100


def test_only_the_task_that_holds_time_now_is_named(watched: Watched) -> None:
    watched.observer.show(status(), 1_000)
    watched.observer.show(status(held_by=("raw:raw.b/1", 5_000)), 2_000)
    assert watched.value("rapport_stream_time_held_by", task="raw:raw.a/0") is None
    assert watched.value("rapport_stream_time_held_by", task="raw:raw.b/1") == 5


def test_throughput_is_what_was_done_since_the_last_look(watched: Watched) -> None:
    watched.observer(facts.EventsFolded(amount=1_000))
    watched.observer.show(status(), 10_000)
    watched.observer(facts.EventsFolded(amount=300))
    watched.observer(facts.RecordsIngested(topic="raw.a", amount=100))
    watched.observer.show(status(), 12_000)
    assert watched.value("rapport_throughput_records_per_second") == 200


def test_the_console_line_is_for_people() -> None:
    out = io.StringIO()
    observer = Observer(out=out, registry=CollectorRegistry())
    observer(PostLost(why="gone"))
    observer.say("worker starts", slot="0")
    first, second = out.getvalue().splitlines()
    assert "PostLost" in first
    assert "why=gone" in first
    assert "worker starts" in second
    assert "\x1b" not in first, "no colours where nobody looks"


def test_metrics_are_served_on_loopback_only(watched: Watched) -> None:
    watched.observer(facts.EventsFolded(amount=3))
    server = watched.observer.serve(0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            assert b"rapport_events_folded_total 3.0" in answer.read()
        with pytest.raises(Fatal, match=rf"observe\.metrics_port: want a free port, found {server.port} taken"):
            watched.observer.serve(server.port)
    finally:
        server.close()


def test_a_duration_of_a_fact_is_a_histogram_in_seconds(watched: Watched) -> None:
    for took_ms, apply_ms in ((5, None), (6, 1), (700, 600)):
        watched.observer(
            facts.BatchCommitted(records=1, sends=0, items=1, partitions=1, bytes=9, took_ms=took_ms, apply_ms=apply_ms)
        )
    assert watched.value("rapport_commit_seconds_bucket", le="0.005") == 1, "a bound belongs to its bucket"
    assert watched.value("rapport_commit_seconds_bucket", le="0.01") == 2
    assert (
        watched.value("rapport_commit_seconds_bucket", le="+Inf") == watched.value("rapport_commit_seconds_count") == 3
    )
    assert watched.value("rapport_commit_seconds_sum") == pytest.approx(0.711)
    assert watched.value("rapport_apply_seconds_count") == 2, "where nothing was applied nothing is measured"


@given(st.lists(st.lists(st.integers(-5, 5_000_000)), max_size=5))
def test_a_histogram_of_lists_is_that_of_each_value(lists: list[list[int]]) -> None:
    buckets = Buckets(DELAYS_MS)
    for values in lists:
        buckets.add(values)
    flat = [max(0, value) for values in lists for value in values]
    shown, total_s = buckets.shown()
    assert [count for _, count in shown[:-1]] == [sum(value <= bound for value in flat) for bound in DELAYS_MS]
    assert shown[-1][1] == len(flat)
    assert total_s == pytest.approx(sum(flat) / 1000)


def test_delays_are_by_output(watched: Watched) -> None:
    watched.observer(facts.OutputsPublished(output="alerts", amount=2, delays_ms=[40, 90_000]))
    watched.observer(facts.OutputsPublished(output="enriched", amount=1, delays_ms=[40]))
    assert watched.value("rapport_output_delay_seconds_bucket", output="alerts", le="0.05") == 1
    assert watched.value("rapport_output_delay_seconds_count", output="alerts") == 2
    assert watched.value("rapport_output_delay_seconds_count", output="enriched") == 1


def test_what_has_not_happened_yet_is_zero(watched: Watched) -> None:
    """A counter that appears with its first increment never rises: no alert rule would see it."""
    assert watched.value("rapport_fenced_total") == 0
    watched.observer(facts.WorkerFenced(reason="slow"))
    assert watched.value("rapport_fenced_total") == 1


def test_the_lag_is_by_partition(watched: Watched) -> None:
    watched.observer.show(status(lags=(Lag("raw.a", 0, 7), Lag("rapport.inbox", 3, 8)), raw_held=True), 1_000)
    assert watched.value("rapport_lag_records", topic="raw.a", partition="0") == 7
    assert watched.value("rapport_lag_records", topic="rapport.inbox", partition="3") == 8
    assert watched.value("rapport_raw_held") == 1
    watched.observer.show(status(), 2_000)
    assert watched.value("rapport_lag_records", topic="raw.a", partition="0") is None, "not ours any more"


def test_before_a_worker_has_started_nothing_is_claimed(watched: Watched) -> None:
    assert watched.value("rapport_tasks") is None
    assert watched.value("rapport_ready") == 0


def test_memory_and_cpu_time_of_the_process_are_among_the_metrics() -> None:
    names = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    assert sys.platform != "linux" or {name for name, _, _ in PROCESS} <= names


def test_a_restore_says_how_far_it_is_and_how_long_it_will_take(watched: Watched) -> None:
    def look(now_s: int, *progress: Restoring) -> None:
        watched.observer.show(status(progress=progress), now_s * 1000)

    look(0, Restoring(2, 0, 0, 0))
    assert watched.value("rapport_restore_done_ratio", partition="2") == 0
    assert watched.value("rapport_restore_left_seconds", partition="2") is None, "nobody knows"
    for second in range(1, 31):
        look(second, Restoring(2, second * 100, 4_000, second * 90), Restoring(5, 40, 40, 40))
    assert watched.value("rapport_restore_done_ratio", partition="2") == 0.75
    assert watched.value("rapport_restore_left_seconds", partition="2") == 10
    assert watched.value("rapport_restore_left_seconds", partition="5") == 0
    lines = [line for line in watched.lines() if line["event"] == "restoring"]
    assert len(lines) == 3, "every ten seconds"
    assert lines[-1]["level"] == "info"
    assert lines[-1] | {"partitions": [2, 5], "done_percent": 75, "items": 2_740, "left_s": 10} == lines[-1]
    look(31)
    assert watched.value("rapport_restore_done_ratio", partition="2") is None
    assert watched.value("rapport_restore_left_seconds", partition="2") is None


def test_a_restore_that_begins_anew_is_estimated_anew(watched: Watched) -> None:
    for second, done in enumerate((0, 500, 0, 100, 200)):
        watched.observer.show(status(progress=(Restoring(2, done, 1_000, done),)), second * 1000)
    assert watched.value("rapport_restore_left_seconds", partition="2") == 8


def test_one_that_stands_still_has_no_end(watched: Watched) -> None:
    for second in range(60):
        watched.observer.show(status(progress=(Restoring(2, min(second, 5), 1_000, 0),)), second * 1000)
    assert watched.value("rapport_restore_left_seconds", partition="2") is None
