"""`rapport topics`."""

from pathlib import Path

from tests.cli.shell import ask, config_in

INPUT = '[[inputs]]\nname = "people"\nformat = "contacts"\n'


def test_list_names_every_topic_before_there_is_a_log_and_makes_none(tmp_path: Path) -> None:
    answer = ask("topics", "list", "-c", config_in(tmp_path, INPUT), "--json")
    assert answer.code == 0
    found = {topic["name"]: topic for topic in answer.json["topics"]}
    assert {"raw.people", "rapport.inbox", "social.enriched", "alerts", "rapport.dlq"} <= found.keys()
    assert all(topic["partitions"] == 0 for topic in found.values())
    assert not (tmp_path / "data").exists()


def test_create_makes_what_is_missing_and_can_be_repeated(tmp_path: Path) -> None:
    config = config_in(tmp_path, INPUT + "[engine]\npartitions = 3\n")
    assert ask("topics", "check", "-c", config).code == 1
    for _ in range(2):
        answer = ask("topics", "create", "-c", config, "--json")
        assert answer.code == 0
        counts = {topic["name"]: topic["partitions"] for topic in answer.json["topics"]}
        assert counts["rapport.inbox"] == counts["raw.people"] == 3
        assert counts["rapport.progress"] == 1
    assert ask("topics", "check", "-c", config).code == 0


def test_check_finds_another_number_of_partitions(tmp_path: Path) -> None:
    ask("topics", "create", "-c", config_in(tmp_path, "[engine]\npartitions = 3\n"))
    answer = ask("topics", "check", "-c", config_in(tmp_path, "[engine]\npartitions = 4\n"))
    assert answer.code == 1
    assert "want 4 partitions, found 3; set engine.partitions to 3, or use another engine.app" in answer.err


def test_another_application_on_the_same_log_has_topics_of_its_own(tmp_path: Path) -> None:
    ask("topics", "create", "-c", config_in(tmp_path))
    answer = ask("topics", "list", "-c", config_in(tmp_path, '[engine]\napp = "other"\n'), "--json")
    found = {topic["name"]: topic["partitions"] for topic in answer.json["topics"]}
    assert found["other.inbox"] == 0
    assert found["alerts"] == 8


def test_the_table_is_for_people(tmp_path: Path) -> None:
    answer = ask("topics", "list", "-c", config_in(tmp_path))
    assert "none yet" in answer.out
    assert "newest per key" in answer.out
    assert "30 days" in answer.out


def test_by_itself_it_lists_and_with_create_it_makes_and_checks(tmp_path: Path) -> None:
    config = config_in(tmp_path, INPUT + "[engine]\npartitions = 3\n")
    assert "none yet" in ask("topics", "-c", config).out
    assert ask("topics", "--create", "-c", config).code == 0
    assert ask("topics", "check", "-c", config).code == 0
    wrong = ask("topics", "--create", "-c", config_in(tmp_path, INPUT + "[engine]\npartitions = 4\n"))
    assert wrong.code == 1
    assert "want 4 partitions, found 3" in wrong.err


def test_options_before_a_command_are_refused_and_not_forgotten(tmp_path: Path) -> None:
    answer = ask("topics", "--create", "list", "-c", config_in(tmp_path))
    assert answer.code == 2
    assert "put them at the end" in answer.err
