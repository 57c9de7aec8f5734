"""The command line in this process, where a process of its own (`tests.cli.rapport`) makes no difference."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tests.cli.rapport import ROOT
from topologies.cli.main import app

SAMPLES = ROOT.parent / "shared" / "samples"


class Answer:
    """What a command said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """One JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def ask(*arguments: str | Path, **env: str) -> Answer:
    """Run a command. A mistake of ours fails the test with its traceback."""
    result = CliRunner(env=env).invoke(app, [str(argument) for argument in arguments], prog_name="rapport")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def config_in(folder: Path, text: str = "") -> Path:
    """A configuration whose log is in the same folder."""
    path = folder / "rapport.toml"
    path.write_text(f'[log]\ndirectory = "{folder / "data"}"\n{text}', encoding="utf-8")
    return path
