"""The command line as a user runs it: a process of its own in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

RAPPORT = [sys.executable, "-c", "from topologies.cli.main import main; main()"]
ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: the code of this tree, and nothing that others have set for Rapport."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("RAPPORT_", "DEMO_"))}
    return {**own, "PYTHONPATH": str(ROOT), **more}


def rapport(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; it must come within a minute."""
    return subprocess.run(
        [*RAPPORT, *arguments],
        cwd=cwd,
        env=environment(**env),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def begun(*arguments: str, cwd: Path, **env: str) -> subprocess.Popen[str]:
    """Begin a command that goes on until somebody stops it."""
    return subprocess.Popen(
        [*RAPPORT, *arguments],
        cwd=cwd,
        env=environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
