"""A broker of our own: one that asks who we are, and one that stands still or dies in the middle of a commit."""

import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import Doubtful, Fatal, Fenced, Retryable
from streams.runtime.ports import Position, Producer, TopicPartition
from streams.transport.dev_kafka import DevKafka, free_port
from streams.transport.kafka_config import Connection
from streams.transport.kafka_log import KafkaLog
from tests.contracts.log_edge import Member, read_all, until, values
from tests.support.kafka_broker import need_kafka

PASSWORD = "open-sesame+1"


class Guarded:
    """A broker that also listens for clients who say who they are."""

    def __init__(self, folder: Path) -> None:
        need_kafka()
        self.ca = folder / "ca.pem"
        keys = folder / "keys.p12"
        _keytool(
            *("-genkeypair", "-alias", "broker", "-keyalg", "RSA", "-keystore", str(keys), "-storetype", "PKCS12"),
            *("-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1", "-validity", "30"),
        )
        _keytool("-exportcert", "-rfc", "-alias", "broker", "-keystore", str(keys), "-file", str(self.ca))
        self.sasl, self.tls = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        module = "org.apache.kafka.common.security"
        settings = {
            "listeners": f"{{listeners}},SASL://{self.sasl},TLS://{self.tls}",
            "advertised.listeners": f"{{advertised_listeners}},SASL://{self.sasl},TLS://{self.tls}",
            "listener.security.protocol.map": "{listener_security_protocol_map},SASL:SASL_PLAINTEXT,TLS:SASL_SSL",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512,OAUTHBEARER",
            "ssl.keystore.location": str(keys),
            "ssl.keystore.password": PASSWORD,
            "ssl.keystore.type": "PKCS12",
        }
        for name in ("sasl", "tls"):
            jaas = f"listener.name.{name}.{{}}.sasl.jaas.config"
            settings[jaas.format("plain")] = f'{module}.plain.PlainLoginModule required user_alice="{PASSWORD}";'
            settings[jaas.format("scram-sha-512")] = f"{module}.scram.ScramLoginModule required;"
            settings[jaas.format("oauthbearer")] = (
                f'{module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="b";'
            )
        user = f"SCRAM-SHA-512=[name=alice,password={PASSWORD}]"
        self.node = DevKafka(folder / "node", settings=settings, format_arguments=("--add-scram", user))
        self.node.start()

    def open(self, *, secure: bool = False, password: str = PASSWORD, **properties: str) -> KafkaLog:
        given = {name.replace("_", "."): value for name, value in properties.items()}
        given.setdefault("security.protocol", "SASL_SSL" if secure else "SASL_PLAINTEXT")
        given.setdefault("sasl.username", "alice")
        connection = Connection(self.tls if secure else self.sasl, given, {"sasl.password": password})
        return KafkaLog(connection, connect_s=5)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    made = Guarded(tmp_path_factory.mktemp("guarded"))
    yield made
    made.node.stop()


class TestCredentials:
    @pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
    def test_who_has_the_password_is_let_in(self, guarded: Guarded, mechanism: str) -> None:
        log = guarded.open(sasl_mechanism=mechanism)
        use(log)
        log.close()

    def test_a_token_is_taken(self, guarded: Guarded) -> None:
        connection = Connection(
            guarded.sasl,
            {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "OAUTHBEARER",
                "enable.sasl.oauthbearer.unsecure.jwt": True,
            },
            {"sasl.oauthbearer.config": "principal=alice"},
        )
        log = KafkaLog(connection, connect_s=5)
        use(log)
        log.close()

    def test_tls_with_the_right_certificate(self, guarded: Guarded) -> None:
        log = guarded.open(secure=True, sasl_mechanism="SCRAM-SHA-512", ssl_ca_location=str(guarded.ca))
        use(log)
        log.close()

    def test_a_wrong_password_is_said_and_not_shown(self, guarded: Guarded) -> None:
        wrong = "wrong-password"
        with pytest.raises(Fatal, match=r"refuses our credentials: check user, password and sasl\.mechanism") as found:
            guarded.open(password=wrong, sasl_mechanism="PLAIN")
        assert wrong not in str(found.value)

    def test_a_certificate_nobody_knows_is_said(self, guarded: Guarded) -> None:
        with pytest.raises(Fatal, match=r"no TLS with the cluster: check ssl\.ca\.location"):
            guarded.open(secure=True, sasl_mechanism="PLAIN")


class TestDoubt:
    def test_a_commit_that_the_broker_sleeps_through_is_asked_for_again_and_happens_once(
        self, guarded: Guarded
    ) -> None:
        log = KafkaLog(Connection(guarded.node.bootstrap, {"socket.timeout.ms": 2_000}))
        topic, producer = new_topic(log), log.producer("sleeper")
        producer.begin()
        producer.send(topic, b"once", partition=0)
        guarded.node.pause()
        waker = threading.Timer(2.5, guarded.node.resume)
        waker.start()
        assert finish(producer) is None
        waker.join()
        before = producer._client
        producer.begin()
        assert producer._client is not before, "whatever the old one still has on its way must not end this one"
        producer.send(topic, b"next", partition=0)
        producer.commit()
        assert values(read_all(log, topic, expect=2)) == [b"once", b"next"]
        log.close()

    def test_an_abort_without_an_answer_does_not_hang_and_is_done_by_the_successor(self, guarded: Guarded) -> None:
        log = KafkaLog(Connection(guarded.node.bootstrap))
        topic, producer = new_topic(log), log.producer("aborter")
        producer.begin()
        producer.send(topic, b"never", partition=0)
        assert producer._client is not None
        producer._client.flush(5)
        guarded.node.pause()
        began = time.monotonic()
        producer.abort()
        assert time.monotonic() - began < 10
        guarded.node.resume()
        begin_again(producer)
        producer.send(topic, b"next", partition=0)
        assert finish(producer) is None
        assert values(read_all(log, topic, expect=1)) == [b"next"]
        log.close()

    def test_a_broker_that_dies_in_a_commit_leaves_all_of_it_or_nothing(self, guarded: Guarded) -> None:
        log = KafkaLog(Connection(guarded.node.bootstrap))
        topic, out, group = new_topic(log), new_topic(log), f"g-{uuid.uuid4().hex}"
        at = TopicPartition(topic, 0)
        member = Member(log, group, [topic])
        producer: Producer = log.producer("survivor")
        done = 0
        for number in range(3):
            # A broker that was away for too long has forgotten its members: they join anew.
            until(lambda: bool(member.owned and member.consumer.membership().member), member)
            producer.begin()
            producer.send(out, b"%d" % number, partition=0)
            producer.send_offsets({at: Position(0, f"v1;{number + 1}")}, member.consumer.membership())
            killer = threading.Thread(target=restart, args=[guarded.node]) if number == 1 else None
            if killer is not None:
                killer.start()
                time.sleep(0.002)
            problem = finish(producer)
            if killer is not None:
                killer.join()
            if problem is not None:
                # As the worker does: a new producer, then ask the log.
                producer = renewed(log, "survivor")
            done = committed_number(member, at)
            assert done in ({number + 1} if problem is None else {number, number + 1})
            assert values(read_all(log, out, expect=done)) == [b"%d" % sent for sent in range(done)]
            if done != number + 1:
                break
        assert done >= 1
        member.consumer.close()
        log.close()

    def test_while_the_broker_is_away_polling_is_quiet_and_calls_say_so(self, guarded: Guarded) -> None:
        log = KafkaLog(Connection(guarded.node.bootstrap))
        topic = new_topic(log)
        member = Member(log, f"g-{uuid.uuid4().hex}", [topic])
        until(lambda: bool(member.owned), member)
        guarded.node.pause()
        try:
            for _ in range(5):
                assert member.turn() == []
            with pytest.raises(Retryable, match=r"no answer yet|not now"):
                member.consumer.committed([TopicPartition(topic, 0)])
            with pytest.raises(Retryable, match="not now"):
                log.end_offset(topic, 0)
        finally:
            guarded.node.resume()
        log.append(topic, [(None, b"after", None, 0)], 0)
        until(lambda: bool(member.records), member)
        member.consumer.close()
        log.close()


def use(log: KafkaLog) -> None:
    """Write and read something."""
    topic = new_topic(log)
    log.append(topic, [(None, b"secret", None, 0)], 0)
    assert values(read_all(log, topic, expect=1)) == [b"secret"]


def new_topic(log: KafkaLog) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    log.create_topic(name, 1, compact=False, retention_ms=None)
    return name


def finish(producer: Producer) -> Exception | None:
    """Commit as long as it may be tried; what came of it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            producer.commit()
        except Retryable:
            continue
        except (Fenced, Doubtful) as problem:
            return problem
        return None
    raise AssertionError("no end of it within a minute")


def begin_again(producer: Producer) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            producer.begin()
        except Retryable:
            assert time.monotonic() < end
            continue
        return


def renewed(log: KafkaLog, name: str) -> Producer:
    end = time.monotonic() + 60
    while True:
        try:
            return log.producer(name)
        except Retryable:
            assert time.monotonic() < end


def restart(node: DevKafka) -> None:
    node.kill()
    # Not tied: it would end with this thread.
    node.start(tied=False)


def committed_number(member: Member, at: TopicPartition) -> int:
    """The number in the metadata of the committed position; 0: none."""
    end = time.monotonic() + 60
    while True:
        try:
            position = member.consumer.committed([at])[at]
        except Retryable:
            assert time.monotonic() < end
            continue
        return 0 if position is None else int(position.metadata.removeprefix("v1;"))


def _keytool(*arguments: str) -> None:
    subprocess.run(["keytool", *arguments, "-storepass", PASSWORD], check=True, capture_output=True)
