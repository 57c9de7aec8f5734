"""How clients of Kafka are set up: what passes, what does not, and that no secret is ever shown. Needs no broker."""

import socket
import time
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.errors import Fatal, Fenced, Poison, Retryable, StreamError
from streams.runtime.ports import Membership
from streams.transport.kafka_config import Connection, check_properties, is_secret, read_secrets
from streams.transport.kafka_errors import Complaints
from streams.transport.kafka_group import read_membership, write_membership
from streams.transport.kafka_log import KafkaLog

SECRET = "hunter2+/="


class TestProperties:
    def test_any_property_of_the_client_passes_and_comes_before_ours(self) -> None:
        connection = Connection(
            "a:1,b:2", {"linger.ms": 20, "security.protocol": "SASL_SSL", "ssl.ca.location": "/ca.pem"}
        )
        for made in (
            connection.everywhere(),
            connection.consumer("g", 10_000),
            connection.reader(),
            connection.producer("p"),
        ):
            assert made["bootstrap.servers"] == "a:1,b:2"
            assert made["security.protocol"] == "SASL_SSL"
            assert made["linger.ms"] == 20

    @pytest.mark.parametrize(
        "name",
        ["isolation.level", "enable.auto.commit", "transactional.id", "partitioner", "auto.offset.reset", "group.id"],
    )
    def test_what_the_promises_hang_from_cannot_be_set(self, name: str) -> None:
        with pytest.raises(Fatal, match=rf"properties\.{name}: cannot be set: "):
            Connection("a:1", {name: "x"})
        with pytest.raises(Fatal, match=rf"secrets\.{name}: cannot be set: "):
            Connection("a:1", secrets={name: "x"})

    def test_everything_wrong_is_said_at_once(self) -> None:
        problems = check_properties({"group.id": "g", "sasl.password": SECRET, "linger.ms": 5, "acks": 1})
        assert len(problems) == 3
        assert not any(SECRET in problem for problem in problems)

    def test_members_of_the_newer_protocol_leave_to_the_broker_what_is_its_own(self) -> None:
        newer = Connection("a:1", {"group.protocol": "consumer"})
        member, reader = newer.consumer("g", 10_000), newer.reader()
        assert "session.timeout.ms" not in member
        assert "partition.assignment.strategy" not in member
        assert "group.protocol" not in reader

    def test_a_property_the_client_does_not_know_is_said(self) -> None:
        with pytest.raises(Fatal, match=r"no\.such\.property"):
            KafkaLog(Connection("127.0.0.1:1", {"no.such.property": "x"}), connect_s=0.1)

    def test_no_address_is_said(self) -> None:
        with pytest.raises(Fatal, match="bootstrap_servers: want host:port, found nothing"):
            Connection(" ")


class TestSecrets:
    def test_they_come_from_the_environment_and_from_files(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_text(f"{SECRET}\nnot this\n")
        (tmp_path / "key").write_text("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n")
        found = read_secrets(
            {
                "sasl.password": f"file:{tmp_path}/one",
                "ssl.key.pem": f"file:{tmp_path}/key",
                "sasl.oauthbearer.client.secret": "env:SOME_NAME",
            },
            {"SOME_NAME": "from there"},
        )
        assert found["sasl.password"] == SECRET
        assert found["ssl.key.pem"].count("\n") == 3
        assert found["sasl.oauthbearer.client.secret"] == "from there"

    def test_every_one_that_cannot_be_had_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Fatal) as found:
            read_secrets({"sasl.password": "env:NOT_SET", "b": f"file:{tmp_path}/none", "c": SECRET}, {})
        said = str(found.value)
        assert "secrets.sasl.password: the environment has no variable 'NOT_SET'" in said
        assert f"secrets.b: cannot read '{tmp_path}/none'" in said
        assert "secrets.c: want env:NAME or file:PATH" in said
        assert SECRET not in said

    def test_they_are_not_shown(self) -> None:
        connection = Connection("a:1", {"sasl.username": "us"}, {"sasl.password": SECRET})
        assert SECRET not in repr(connection)
        assert connection.hide(f"cannot log in with {SECRET}!") == "cannot log in with …!"
        error = KafkaError(KafkaError._INVALID_ARG, f"bad value {SECRET}")
        assert SECRET not in str(Complaints(connection, "log").translated(error, f"with {SECRET}"))

    def test_a_wrong_value_of_a_secret_is_not_repeated(self) -> None:
        with pytest.raises(Fatal) as found:
            KafkaLog(Connection("127.0.0.1:1", {"security.protocol": "ssl"}, {"ssl.key.pem": SECRET}), connect_s=0.1)
        assert SECRET not in str(found.value)

    @pytest.mark.parametrize(
        ("name", "secret"),
        [
            ("sasl.password", True),
            ("ssl.key.password", True),
            ("ssl.keystore.password", True),
            ("ssl.key.pem", True),
            ("sasl.oauthbearer.client.secret", True),
            ("sasl.oauthbearer.config", True),
            ("sasl.oauthbearer.token.endpoint.url", False),
            ("ssl.key.location", False),
            ("ssl.ca.pem", False),
            ("sasl.username", False),
        ],
    )
    def test_which_they_are(self, name: str, secret: bool) -> None:
        assert is_secret(name) == secret


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "kind", "said"),
        [
            (KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), Poison, "more bytes"),
            (KafkaError(KafkaError.INVALID_RECORD), Poison, "wants keys"),
            (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), Fatal, "grant READ, WRITE and DESCRIBE"),
            (KafkaError(KafkaError._AUTHENTICATION), Fatal, "check user, password"),
            (KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), Retryable, "not now"),
            (KafkaError(KafkaError._UNKNOWN_PARTITION), Retryable, "not now"),
            (KafkaError(KafkaError._FENCED, "x", True), Fenced, "newer producer"),
            (KafkaError(KafkaError.ILLEGAL_GENERATION, "x", False, False, True), Fenced, "another generation"),
            (KafkaError(KafkaError.UNKNOWN_MEMBER_ID, "x", False, False, True), Fenced, "not a member"),
            (KafkaError(KafkaError._TIMED_OUT, "x", False, True), Retryable, "not now"),
            (KafkaError(KafkaError._TRANSPORT), Retryable, "not now"),
            (KafkaError(KafkaError.NOT_COORDINATOR), Retryable, "not now"),
            (KafkaError(KafkaError.UNKNOWN, "x", False, False, True), Fenced, "cannot be committed"),
            (KafkaError(KafkaError.UNKNOWN, "x", True), Fenced, "of no use any more"),
            (KafkaError(KafkaError.UNKNOWN), Fatal, "gave up"),
        ],
    )
    def test_what_the_client_says_in_our_words(self, error: KafkaError, kind: type[StreamError], said: str) -> None:
        complaints = Complaints(Connection("a:1"), "producer p")
        for problem in (error, KafkaException(error)):
            found = complaints.translated(problem, "do something")
            assert type(found) is kind
            assert said in str(found)
            assert "do something" in str(found)

    def test_the_words_of_a_broker_may_hold_anything(self) -> None:
        complaints = Complaints(Connection("a:1"), "producer p")
        error = KafkaError(KafkaError._FENCED, "old epoch (broker 1 PID{Id:2,Epoch:6}) {}", fatal=True)
        assert "PID{Id:2,Epoch:6}) {}" in str(complaints.translated(error, "commit {this}"))

    def test_why_it_takes_so_long_is_told_beside_it(self) -> None:
        complaints = Complaints(Connection("a:1"), "log")
        complaints.heard(KafkaError(KafkaError._TRANSPORT, "a:1: Connection refused"))
        found = complaints.translated(KafkaError(KafkaError._TIMED_OUT), "look up topic t")
        assert isinstance(found, Retryable)
        assert "last complaint: a:1: Connection refused" in str(found)

    def test_a_cluster_that_is_not_there_can_be_tried_again(self) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{nobody.getsockname()[1]}"
            began = time.monotonic()
            with pytest.raises(Retryable, match=f"no answer from {address}.*is the cluster running"):
                KafkaLog(Connection(address), connect_s=0.6)
            assert time.monotonic() - began < 10


class TestMembership:
    @pytest.mark.parametrize(
        "membership", [Membership("group", 7, "member-ä"), Membership("g", -1, ""), Membership("", 2**31 - 1, "m")]
    )
    def test_what_is_written_is_read(self, membership: Membership) -> None:
        found = read_membership(write_membership(membership))
        assert (found.group, found.generation, found.member) == (
            membership.group,
            membership.generation,
            membership.member,
        )

    @pytest.mark.parametrize(("generation", "member"), [(-1, ""), (-1, "m"), (3, "")])
    def test_one_read_from_who_is_no_member_is_not_sent(self, generation: int, member: str) -> None:
        live = read_membership(write_membership(Membership("g", generation, member)))
        with pytest.raises(Fenced, match="not a member at the moment"):
            write_membership(live)

    def test_bytes_of_another_form_are_said(self) -> None:
        with pytest.raises(StreamError, match="the client library has changed it"):
            read_membership(b"CGMDv3:\0\0\0\0g\0m\0\1")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("All brokers are currently fenced.", Retryable),
        ("Unable to replicate the partition 3 time(s): only 1 broker(s) are registered.", Fatal),
    ],
)
def test_brokers_that_have_just_started_are_waited_for(said: str, found: type[Exception]) -> None:
    error = KafkaError(KafkaError.INVALID_REPLICATION_FACTOR, said)
    assert isinstance(Complaints(Connection("a:1"), "admin").translated(error, "create topic t"), found)
