"""How all commands answer and fail."""

import subprocess

import pytest

from tests.cli.rapport import RAPPORT, ROOT
from tests.cli.shell import ask, config_in
from topologies.cli.main import app

COMMANDS = sorted(
    [command.name or "" for command in app.registered_commands] + [group.name or "" for group in app.registered_groups]
)


def test_help_names_every_command_and_the_exit_codes() -> None:
    answer = ask("--help")
    assert answer.code == 0
    assert "0 fine, 1 problems were found, 2 wrong usage" in answer.out
    for name in COMMANDS:
        assert f" {name} " in answer.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    answer = ask(name, "--help")
    assert answer.code == 0
    assert len(answer.out.splitlines()) > 5


def test_without_a_command_there_is_help() -> None:
    assert "Usage: rapport" in ask().out + ask().err


def test_the_release_is_shown() -> None:
    assert ask("--version").out.startswith("rapport 0")


def test_wrong_usage_is_two() -> None:
    assert ask("nothing").code == 2
    assert ask("tail").code == 2
    assert ask("run", "--role", "boss").code == 2


def test_json_counts_before_the_command_and_behind_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    config = config_in(tmp_path)
    before, behind = (
        ask("--json", "topics", "list", "-c", config),
        ask("topics", "list", "-c", config, "--json"),
    )
    assert before.json == behind.json


def test_the_console_script_is_the_same_program() -> None:
    found = subprocess.run([*RAPPORT, "--version"], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout == ask("--version").out


def test_an_answer_that_nobody_reads_to_its_end_is_no_error() -> None:
    """A reader like `head -1` is not an error of ours."""
    process = subprocess.Popen(
        [*RAPPORT, "schema", "enriched"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()
