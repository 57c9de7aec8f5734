"""`rapport check`: one run tells everything."""

from pathlib import Path

import pytest

from streams.state.embedded import EmbeddedRedis
from streams.state.redis_client import connect
from tests.cli.shell import ask, config_in
from tests.support.redis_server import redis_server

GOOD = '[relevance]\nterms = ["acme"]\n[[inputs]]\nname = "sky"\nformat = "bluesky.jetstream"\n'
RULE = "- rule: r\n  when: {act.kind: post}\n  tests:\n    - {name: a post, act: {act.kind: post}, matches: true}\n"


def test_what_is_in_order_is_said_area_by_area(tmp_path: Path) -> None:
    answer = ask("check", "-c", config_in(tmp_path, GOOD))
    assert answer.code == 0, answer.out
    for text in ("sky (bluesky.jetstream)", "6 rules", "tests pass", "embedded: /", "of Redis and", "ready"):
        assert text in answer.out
    assert not (tmp_path / "data").exists(), "looking leaves no trace"


def test_every_problem_of_configuration_and_rules_at_once(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("- rule: one\n  when: {customer.tear: gold}\n  severity: loud\n", encoding="utf-8")
    (rules / "b.yaml").write_text(RULE.replace("matches: true", "matches: false"), encoding="utf-8")
    text = f'[engine]\npartitons = 3\ncommit_ms_min = -1\n[rules]\ndirectory = "{rules}"\n[[inputs]]\nname = "a"\nformat = "blusky"\n'
    answer = ask("check", "-c", config_in(tmp_path, text))
    assert answer.code == 1
    for problem in (
        f"{tmp_path}/rapport.toml:4: engine.partitons: want a known name, got an unknown one; did you mean partitions?",
        f"{tmp_path}/rapport.toml:5: engine.commit_ms_min: want 0 to 10,000, got -1; ",
        "inputs[0].format: want one of bluesky.jetstream, ",
        f"{rules}/a.yaml:2:",
        "did you mean customer.tier?",
        f"{rules}/a.yaml:3:",
        "r.tests: a post: want matches: false, got true; correct the rule or the test",
    ):
        assert problem in answer.out
    assert "6 problems" in answer.out
    as_json = ask("check", "-c", tmp_path / "rapport.toml", "--json")
    assert as_json.code == 1
    assert as_json.json["problems"] == 6
    placed = [found["problem"] for found in as_json.json["findings"] if found["kind"] == "problem"]
    assert all(problem["file"] and problem["want"] and problem["got"] and problem["fix"] for problem in placed)


def test_other_rules_can_be_tried(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(RULE, encoding="utf-8")
    answer = ask("check", "-c", config_in(tmp_path, GOOD), "--rules", tmp_path)
    assert answer.code == 0
    assert "1 rules, 1 tests pass" in answer.out


def test_a_rule_without_tests_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("- rule: bare\n  when: {act.kind: post}\n", encoding="utf-8")
    answer = ask("check", "-c", config_in(tmp_path, GOOD), "--rules", tmp_path)
    assert answer.code == 0
    assert "bare: no test says what it should and should not match" in answer.out


def test_topics_of_another_shape_are_found(tmp_path: Path) -> None:
    ask("topics", "create", "-c", config_in(tmp_path, GOOD))
    answer = ask("check", "-c", config_in(tmp_path, GOOD + "[engine]\npartitions = 2\n"))
    assert answer.code == 1
    assert "rapport.inbox: want 2 partitions, found 8" in answer.out


@pytest.fixture(scope="module")
def server():  # type: ignore[no-untyped-def]
    with redis_server() as running:
        yield running


def test_a_redis_that_forgets_is_found(tmp_path: Path, server: EmbeddedRedis) -> None:
    config = config_in(tmp_path, GOOD + f'[state]\nredis_url = "{server.url}"\n')
    assert ask("check", "-c", config).code == 0
    client = connect(server.url)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        answer = ask("check", "-c", config)
        assert answer.code == 1
        assert "want noeviction, found allkeys-lru" in answer.out
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.close()


def test_a_redis_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    config = config_in(tmp_path, GOOD + '[state]\nredis_url = "redis://127.0.0.1:1"\n')
    answer = ask("check", "-c", config)
    assert answer.code == 3
    assert "Redis cannot be reached: is it running?" in answer.out


def test_the_estimate_grows_with_the_load(tmp_path: Path) -> None:
    def size(acts: int) -> str:
        answer = ask("check", "-c", config_in(tmp_path, GOOD), "--customers", "1000", "--acts", str(acts), "--json")
        return str(next(found["text"] for found in answer.json["findings"] if found["area"] == "size"))

    assert "for 1,000 customers and 10 relevant acts a day" in size(10)
    assert " GB of Redis" in size(10_000_000)
    assert " MB of Redis" in size(10)
