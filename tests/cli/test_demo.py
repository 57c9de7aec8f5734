"""`rapport demo` as a user runs it: three seconds of it, to its end, or to Ctrl-C."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.cli.rapport import begun, rapport


def processes_about(text: str) -> list[str]:
    """Command lines of running processes that name this text."""
    found = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    return [line for line in found.splitlines() if text in line and not line.startswith("ps ")]


def test_it_ends_by_itself_with_a_summary_and_leaves_nothing(tmp_path: Path) -> None:
    done = rapport("demo", "--seconds", "3", "--customers", "40", cwd=tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert "Rapport demo: what there was" in done.stdout
    for name in ("payloads", "links", "acts", "alerts", "latency"):
        assert f"\n{name} " in done.stdout
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("rapport-demo-")]
    assert not processes_about(str(tmp_path))


def test_everything_is_recognised_scored_and_counted(tmp_path: Path) -> None:
    done = rapport(
        "demo", "--seconds", "4", "--customers", "40", "--relevant", "0.8", "--json", cwd=tmp_path, DEMO_SECONDS="3600"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["payloads"] == summary["payloads_sent"] > 100
    assert summary["links"] > 10
    assert summary["acts"] > 10
    assert summary["outputs"]["scores"] > 10
    assert "dlq" not in summary["outputs"]
    assert summary["seconds"] < 60


def test_ctrl_c_ends_it_well_and_a_named_folder_is_kept(tmp_path: Path) -> None:
    process = begun("demo", "--dir", "here", "--customers", "20", cwd=tmp_path, DEMO_SECONDS="3600")
    assert process.stdout is not None
    while "payloads" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=40)
    assert process.returncode == 0, err
    assert not err
    assert "what there was" in out
    assert (tmp_path / "here" / "log.sqlite").exists()
    assert not processes_about(str(tmp_path / "here"))
    alerts = rapport("tail", "scores", "--config", "here/rapport.toml", "--json", cwd=tmp_path)
    assert alerts.returncode == 0, alerts.stderr
    assert alerts.stdout.splitlines()


def test_a_demo_that_is_killed_takes_its_worker_with_it(tmp_path: Path) -> None:
    process = begun("demo", "--dir", "here", "--customers", "20", cwd=tmp_path, DEMO_SECONDS="3600")
    assert process.stdout is not None
    while "payloads" not in process.stdout.readline():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    for _ in range(400):
        if not processes_about(str(tmp_path / "here")):
            return
        time.sleep(0.1)
    raise AssertionError(processes_about(str(tmp_path / "here")))


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = rapport("demo", "--dir", "file", cwd=tmp_path)
    assert done.returncode == 1
    assert "--dir: want a place that can be written, got file" in done.stderr


def test_a_duration_that_is_none_is_refused(tmp_path: Path) -> None:
    done = rapport("demo", cwd=tmp_path, DEMO_SECONDS="soon")
    assert done.returncode == 2
    assert "DEMO_SECONDS" in done.stderr
