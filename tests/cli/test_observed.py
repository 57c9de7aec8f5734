"""`rapport run` as operators see it from outside: ready or not, alive or not, and how long things take."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.transport.dev_kafka import free_port
from tests.cli.place import PATIENCE_S, TEXT, Place, post
from tests.cli.rapport import rapport

TOKEN = "an-example-of-a-token"


class Watch:
    """Somebody who asks a worker."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, token: str = TOKEN) -> tuple[int, str]:
        """Code 0: nobody answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except urllib.error.URLError:
            return 0, ""

    def wait_for(self, path: str, code: int) -> dict[str, Any]:
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            found, text = self.ask(path)
            if found == code:
                return json.loads(text)  # type: ignore[no-any-return]
            assert time.monotonic() < ends_at, f"{path}: want {code}, got {found} {text}"
            time.sleep(0.1)

    def sum_of(self, name: str, **labels: str) -> float:
        """Of all its samples with these labels."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.ask("/metrics")[1])
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    observe = f'[observe]\nmetrics_host = "0.0.0.0"\nmetrics_token_file = "{tmp_path / "token"}"\n'
    made = Place(tmp_path, observe + TEXT)
    yield made
    made.close()


def test_a_worker_becomes_ready_works_and_says_how_long_it_took(place: Place) -> None:
    watch = Watch(free_port())
    worker = place.worker("--metrics-port", str(watch.port))
    ready = watch.wait_for("/ready", 200)
    assert ready["inbox"] == [0, 1, 2, 3]
    assert len(ready["raw"]) == 8
    assert watch.wait_for("/health", 200)["status"] == "live"
    assert [watch.ask(path, "somebody else's")[0] for path in ("/ready", "/health", "/metrics")] == [401] * 3
    place.feed("raw.people", '{"id":"1","name":"Ann","bluesky":"did:plc:ann"}')
    place.feed("raw.sky", *(post("did:plc:ann", f"a{number}") for number in range(7)))
    place.wait_for({f"a{number}" for number in range(7)})
    # What subscribers see is told right after; the gauges follow within a second or two.
    ends_at = time.monotonic() + PATIENCE_S
    while watch.sum_of("rapport_output_delay_seconds_count", output="enriched") < 7:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    assert watch.sum_of("rapport_output_delay_seconds_bucket", output="enriched", le="60.0") == 7
    assert watch.sum_of("rapport_raw_records_total", topic="raw.sky") == 7
    assert watch.sum_of("rapport_cache_hits_total") > 0
    assert watch.sum_of("rapport_commit_seconds_count") == watch.sum_of("rapport_commits_total") > 0
    assert watch.sum_of("rapport_ready") == 1
    assert watch.sum_of("process_resident_memory_bytes") > 1_000_000
    assert "Ann" not in watch.ask("/metrics")[1]
    assert "did:plc:ann" not in watch.ask("/metrics")[1]
    assert worker.stop() == 0
    assert watch.ask("/health")[0] == 0
    assert all(line["level"] == "info" for line in worker.lines())


def test_one_that_only_reads_is_ready_without_an_inbox(place: Place) -> None:
    watch = Watch(free_port())
    place.worker("--metrics-port", str(watch.port), "--role", "ingest")
    ready = watch.wait_for("/ready", 200)
    assert (ready["inbox"], len(ready["raw"])) == ([], 8)
    place.feed("raw.sky", post("did:plc:ann", "a"))
    ends_at = time.monotonic() + PATIENCE_S
    while watch.sum_of("rapport_events_arrived_total", topic="raw.sky") < 1:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    assert watch.sum_of("rapport_lag_records", topic="raw.sky") == 0


def test_no_port_is_opened_to_others_without_a_token(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    for text, wanted in (
        ("", "observe.metrics_host: want 127.0.0.1 where there is no token, got '0.0.0.0'"),
        ('metrics_token_file = "nowhere"\n', "observe.metrics_token_file: want a file whose first line is the token"),
        (f'metrics_token_file = "{os.devnull}"\n', "observe.metrics_token_file: want a token in the first line of"),
    ):
        config.write_text(
            f'[observe]\nmetrics_port = {free_port()}\nmetrics_host = "0.0.0.0"\n{text}{TEXT}', encoding="utf-8"
        )
        found = rapport("run", "-c", str(config), cwd=tmp_path)
        assert found.returncode == 1
        assert wanted in found.stderr
        assert "Traceback" not in found.stderr
