"""The README's commands, word for word, in an empty folder."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.load import load
from streams.transport.kafka_config import Connection, read_secrets

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
ENV = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")} | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
}


def commands(block: str) -> list[str]:
    """Without what is explained behind them."""
    lines = [re.sub(r"\s+#.*", "", line) for line in block.splitlines()]
    return [line for line in lines if line.strip()]


def block_with(text: str) -> str:
    (found,) = [block for block in BLOCKS if text in block]
    return found


def run(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        command, check=False, shell=True, cwd=folder, env=ENV, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first block has been run."""
    made = tmp_path_factory.mktemp("readme")
    for command in commands(block_with("rapport replay")):
        run(command, made)
    return made


def test_recorded_payloads_say_who_said_it(folder: Path) -> None:
    found = (folder / "out" / "social.enriched.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(found[0])["value"]
    assert first["customer"]["id"]
    assert first["link"]["evidence"]


def test_it_runs_and_can_be_looked_at_meanwhile(folder: Path) -> None:
    worker, generate, tail, customer = commands(block_with("rapport generate --config"))
    said_by_worker = (folder / "worker.txt").open("wb")
    running = subprocess.Popen(worker.split(), cwd=folder, env=ENV, stdout=said_by_worker, stderr=said_by_worker)
    try:
        run(f"{generate} --count 400", folder)
        deadline = time.monotonic() + 60
        look = "rapport tail social.enriched --config world/rapport.toml --json"
        while not (seen := [json.loads(line) for line in run(look, folder).stdout.splitlines()]):
            assert time.monotonic() < deadline, "nobody was recognised"
        run(tail.replace(" --follow", ""), folder)
        who = seen[-1]["value"]["author"]["identifier"]
        said = run(customer.replace("bluesky:did:plc:…", who), folder).stdout
        assert seen[-1]["value"]["customer"]["name"] in said
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        said_by_worker.close()


def test_the_configuration_for_brokers_is_understood(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    path = tmp_path / "prod.toml"
    path.write_text(text, encoding="utf-8")
    settings, problems = load(path, {})
    assert settings is not None, problems
    secrets = read_secrets(settings.log.secrets, {"KAFKA_PASSWORD": "s"})
    asked = Connection(settings.log.bootstrap_servers, settings.log.properties, secrets)
    assert asked.producer("one")["sasl.password"] == "s"


def test_the_two_commands_are_those_of_the_makefile() -> None:
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands(block_with("make demo")):
        assert f"\n{command.removeprefix('make ')}:" in targets


def test_every_file_and_folder_it_names_is_there() -> None:
    named = re.findall(r"`([\w./]+/[\w./]*)`", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
