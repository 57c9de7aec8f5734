"""A Kafka to develop and test on: one node of Apache Kafka 4.1 on this machine, without containers.

    python -m streams.transport.dev_kafka start DIRECTORY      in the background; prints its address
    python -m streams.transport.dev_kafka stop DIRECTORY

It listens on loopback only. Never for production: one copy of everything, and timeouts that make tests quick.
"""

import argparse
import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from streams.errors import Fatal
from streams.transport import dev_kafka_jars

_READY_S = 90.0
_STOP_S = 30.0
_LOOK_S = 0.05
_PORT = 9092
_READY = "__ready"

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A broker that was killed waits until its former self has expired: 4 s instead of 13.
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    # Members of tests come and go.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "300",
    "group.consumer.min.session.timeout.ms": "300",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.consumer.session.timeout.ms": "3000",
    "group.consumer.heartbeat.interval.ms": "300",
    # What a killed producer left open is aborted a second after its time, not ten.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # 128 MB of the heap by default, more than all of ours.
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.cleaner.backoff.ms": "1000",
}


class DevKafka:
    """One broker of one directory. What was written survives `stop` and `kill`."""

    def __init__(
        self,
        directory: str | Path,
        *,
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        heap_mb: int = 256,
        quick: bool = True,
        format_arguments: tuple[str, ...] = (),
    ) -> None:
        """`port` 0: a free one, kept over restarts. `settings`: on top of ours. `quick`: starts sooner, runs slower.

        `format_arguments`: for Kafka's storage tool, when the directory is new (users of SCRAM).
        """
        self.directory = Path(directory).absolute()
        self._settings, self._heap_mb, self._quick = dict(settings or {}), heap_mb, quick
        self._format_arguments = format_arguments
        self._ports = (port or free_port(), free_port())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        return running(self.directory)

    def start(self, *, tied: bool = True, make_archive: bool = False) -> None:
        """Start and wait until clients are served. Raises `Fatal` with what the broker said.

        `tied`: it ends with the calling thread, so with its process, however that ends (on Linux).
        `make_archive`: a clean `stop` writes the class archive that later starts are faster with.
        """
        if problem := dev_kafka_jars.missing():
            raise Fatal(f"development broker: {problem}")
        self.directory.mkdir(parents=True, exist_ok=True)
        properties = self.directory / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._all_settings().items()))
        if not (self.directory / "data").is_dir():
            self._format(properties)
        command = [*self._java(make_archive=make_archive), "kafka.Kafka", str(properties)]
        if tied and (setpriv := shutil.which("setpriv")):
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with (self.directory / "broker.log").open("ab") as log:
            # A session of its own: a terminal's Ctrl-C is for whoever uses it.
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self.directory / "pid").write_text(str(self._process.pid))
        (self.directory / "bootstrap").write_text(self.bootstrap)
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End cleanly, and wait for it."""
        self._end(signal.SIGTERM)
        made = self.directory / "classes.jsa"
        if made.exists():
            # Another process may have been faster; both archives are good.
            shutil.copyfile(made, copy := dev_kafka_jars.archive().with_suffix(f".{os.getpid()}"))
            copy.replace(dev_kafka_jars.archive())
            made.unlink()

    def kill(self) -> None:
        """End at once, as a power cut would have it."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stand still: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._signal(signal.SIGCONT)

    # -- pieces

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(signal.SIGCONT)
        self._signal(number)
        end = time.monotonic() + _STOP_S
        while self.pid is not None:
            if time.monotonic() > end:
                self._signal(signal.SIGKILL)
            time.sleep(_LOOK_S)
        self._process = None
        (self.directory / "pid").unlink(missing_ok=True)

    def _all_settings(self) -> dict[str, str]:
        port, controller_port = self._ports
        ours = {
            **_SETTINGS,
            "log.dirs": str(self.directory / "data"),
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }
        return {**ours, **{name: value.format(**_by_name(ours)) for name, value in self._settings.items()}}

    def _java(self, *, make_archive: bool) -> list[str]:
        libs = dev_kafka_jars.jars()
        archive = dev_kafka_jars.archive()
        command = ["java", f"-Xms{self._heap_mb}m", f"-Xmx{self._heap_mb}m"]
        if self._quick:
            command += ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        if archive.exists():
            command += [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto"]
        elif make_archive:
            command += [f"-XX:ArchiveClassesAtExit={self.directory / 'classes.jsa'}"]
        return [*command, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{libs}/*"]

    def _format(self, properties: Path) -> None:
        command = [
            *self._java(make_archive=False),
            *("kafka.tools.StorageTool", "format", "--cluster-id", _cluster_id(), "--config", str(properties)),
            *self._format_arguments,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise Fatal(f"development broker: could not format {self.directory}: {(done.stdout + done.stderr)[-500:]}")

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _READY_S
        client: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "log_level": 0,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 100,
        }
        admin = AdminClient(client)
        while True:
            if self.pid is None:
                raise Fatal(f"development broker: it ended while it started: {self._tail()}")
            if time.monotonic() > end:
                raise Fatal(f"development broker: it was not ready after {_READY_S:.0f} s: {self._tail()}")
            try:
                if admin.list_topics(timeout=0.5).brokers:
                    break
            except KafkaException:
                continue
        _warm_up(admin, client)

    def _tail(self) -> str:
        return (self.directory / "broker.log").read_text(errors="replace")[-1_500:]


def _warm_up(admin: AdminClient, client: dict[str, Any]) -> None:
    """One transaction with positions: makes the broker's own topics, which the first user would wait for else."""
    try:
        admin.create_topics([NewTopic(_READY, 1, 1)])[_READY].result(20)
    except KafkaException as problem:
        if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    producer = Producer({**client, "transactional.id": _READY, "retry.backoff.ms": 20})
    producer.list_topics(timeout=10)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(_READY, b"", partition=0)
    consumer = Consumer({**client, "group.id": _READY, "isolation.level": "read_committed"})
    at = TopicPartition(_READY, 0, 1)
    producer.send_offsets_to_transaction([at], consumer.consumer_group_metadata(), 20)
    producer.commit_transaction(20)
    if consumer.committed([at], timeout=20)[0].offset != 1:
        raise Fatal("development broker: it does not keep what is committed")
    consumer.close()


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def running(directory: Path) -> int | None:
    """The process of a directory's broker, or nothing."""
    try:
        pid = int((directory / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    # The number may be somebody else's by now.
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return pid if str(directory) in shown.stdout and "<defunct>" not in shown.stdout else None


def main(arguments: list[str]) -> int:
    """`start` or `stop` the broker of a directory."""
    parser = argparse.ArgumentParser(prog="python -m streams.transport.dev_kafka", description=__doc__)
    parser.add_argument("what", choices=["start", "stop"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=0, help=f"default: {_PORT}, or a free one when it is taken")
    wanted = parser.parse_args(arguments)
    directory = wanted.directory.absolute()
    try:
        if wanted.what == "stop":
            DevKafka(directory).stop()
        elif running(directory) is None:
            broker = DevKafka(directory, port=wanted.port or _usual_port(), heap_mb=512)
            broker.start(tied=False, make_archive=True)
    except Fatal as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    if wanted.what == "start":
        sys.stdout.write(f"{(directory / 'bootstrap').read_text()}\n")
    return 0


def _usual_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            return 0
    return _PORT


def _cluster_id() -> str:
    """Kafka's way of writing a UUID; its tool takes none that begins with a hyphen."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _by_name(settings: Mapping[str, str]) -> dict[str, str]:
    """For settings that continue one of ours: `{listeners},SASL://…`."""
    return {name.replace(".", "_"): value for name, value in settings.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
