"""The client's errors in our words: the one place where Kafka's error codes are read.

    the record is too large, or not well-formed               Poison
    a person is needed: rights, credentials, topics, sizes    Fatal
    another owner, another producer, an old generation        Fenced
    the call may be made again: the network, a leader moved   Retryable
    the transaction cannot be committed any more              Fenced: nothing of it was ever visible
    anything else                                             Fatal

A commit without an answer is `Doubtful`; only the producer knows when one is.
"""

from confluent_kafka import KafkaError, KafkaException

from streams.errors import Fatal, Fenced, Poison, Retryable, StreamError
from streams.transport.kafka_config import Connection

_POISON = {
    "MSG_SIZE_TOO_LARGE": "a record has more bytes than the log takes",
    "RECORD_LIST_TOO_LARGE": "a batch has more bytes than the log takes",
    "INVALID_RECORD": "a record the log refuses (a topic that keeps the newest per key wants keys)",
    "INVALID_TIMESTAMP": "a record's time is further from now than the topic allows",
}

_CREDENTIALS = "the cluster refuses our credentials: check user, password and sasl.mechanism"
_FATAL = {
    "_AUTHENTICATION": _CREDENTIALS,
    "SASL_AUTHENTICATION_FAILED": _CREDENTIALS,
    "UNSUPPORTED_SASL_MECHANISM": "the cluster does not offer this sasl.mechanism: use one that it has",
    "_SSL": "no TLS with the cluster: check ssl.ca.location, the host name and the certificates",
    "TOPIC_AUTHORIZATION_FAILED": "no right to the topic: grant READ, WRITE and DESCRIBE",
    "GROUP_AUTHORIZATION_FAILED": "no right to the group: grant READ",
    "CLUSTER_AUTHORIZATION_FAILED": "no right on the cluster: grant IDEMPOTENT_WRITE, and CREATE where topics are made",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "no right to the transactional id: grant WRITE and DESCRIBE",
    "TOPIC_EXCEPTION": "the topic's name is not allowed: use letters, digits, '.', '_' and '-'",
    "POLICY_VIOLATION": "the cluster's policy refuses it: ask who runs the cluster",
    "INVALID_REPLICATION_FACTOR": "more copies wanted than there are brokers: lower replication_factor",
    "INVALID_CONFIG": "a topic property is not one that the cluster knows, or its value is wrong",
    "UNSUPPORTED_VERSION": "the cluster is too old: want Kafka 2.5 or newer",
    "_UNSUPPORTED_FEATURE": "the cluster is too old for this, or the client was built without it",
    "INVALID_TRANSACTION_TIMEOUT": "transaction.timeout.ms is above the cluster's transaction.max.timeout.ms",
    "INVALID_SESSION_TIMEOUT": "session_timeout_ms is outside of what the cluster allows",
    "INCONSISTENT_GROUP_PROTOCOL": "a member of the group shares out partitions in another way: stop it first",
    "OFFSET_METADATA_TOO_LARGE": "a position's metadata has more than offset.metadata.max.bytes (4095 characters)",
    "_AUTO_OFFSET_RESET": (
        "the position is not in the log: records were deleted before they were read, or the topic was made anew; "
        "raise the topic's retention, then set the group's position by hand"
    ),
    "_INVALID_ARG": "a property or an argument the client does not take",
}

_OTHER_EPOCH = "the group has gone on to another generation"
_FENCED = {
    "_FENCED": "a newer producer has this transactional id now, or the transaction ran out of time",
    "PRODUCER_FENCED": "a newer producer has this transactional id now",
    "INVALID_PRODUCER_EPOCH": "a newer producer has this transactional id now",
    "INVALID_TXN_STATE": "the log has ended the transaction already",
    "INVALID_PRODUCER_ID_MAPPING": "the log has forgotten this producer",
    "UNKNOWN_PRODUCER_ID": "the log has forgotten this producer",
    "ILLEGAL_GENERATION": _OTHER_EPOCH,
    "STALE_MEMBER_EPOCH": _OTHER_EPOCH,
    "FENCED_MEMBER_EPOCH": _OTHER_EPOCH,
    "REBALANCE_IN_PROGRESS": "the group is sharing out its partitions anew",
    "UNKNOWN_MEMBER_ID": "not a member of the group any more",
    "FENCED_INSTANCE_ID": "another member has our place in the group",
}

_RETRY = frozenset((
    *("_TRANSPORT", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "_MSG_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_RETRY"),
    *("_WAIT_COORD", "_WAIT_CACHE", "_IN_PROGRESS", "_PREV_IN_PROGRESS", "_CONFLICT", "_QUEUE_FULL"),
    *("LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "REPLICA_NOT_AVAILABLE", "BROKER_NOT_AVAILABLE"),
    *("COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "NOT_CONTROLLER"),
    *("CONCURRENT_TRANSACTIONS", "UNSTABLE_OFFSET_COMMIT", "OFFSET_NOT_AVAILABLE", "UNKNOWN_LEADER_EPOCH"),
    *("FENCED_LEADER_EPOCH", "REQUEST_TIMED_OUT", "NETWORK_EXCEPTION", "KAFKA_STORAGE_ERROR", "REBOOTSTRAP_REQUIRED"),
    *("NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "THROTTLING_QUOTA_EXCEEDED"),
    # What was asked of a broker that had gone, before the client noticed.
    "_DESTROY_BROKER",
    # A broker that has just started knows no topic for a moment. Whether a topic exists is looked up before it is used.
    *("UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"),
))  # fmt: skip
"""What the client does not call retriable by itself in every place, but which is."""

_STARTING = "fenced"
"""In the words of a cluster whose brokers have just started, and do not keep anything yet."""

_TROUBLE = frozenset(("_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN"))
_REFUSED = frozenset(("_AUTHENTICATION", "_SSL", "SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM"))


class Complaints:
    """What one client complains of, between calls (`heard`) and by exceptions (`translated`)."""

    def __init__(self, connection: Connection, client: str) -> None:
        """`client`: which one, for people."""
        self._hide, self._client = connection.hide, client
        self.last: KafkaError | None = None
        """The last complaint."""
        self.troubled = False
        """A connection was lost, or a request had no answer, since somebody set this to false."""

    def heard(self, error: KafkaError) -> None:
        """The client's `error_cb`: it goes on by itself, but an operator wants to know why it takes so long."""
        self.last = error
        self.troubled = self.troubled or error.name() in _TROUBLE

    @property
    def refused(self) -> bool:
        """Whether the last complaint was that the cluster does not let us in."""
        return self.last is not None and self.last.name() in _REFUSED

    def translated(self, problem: KafkaException | KafkaError, doing: str) -> StreamError:
        """The error to raise. `doing`: what was tried, for people."""
        error = problem if isinstance(problem, KafkaError) else problem.args[0]
        if not isinstance(error, KafkaError):
            return Fatal(self._hide(f"{self._client}: {doing}: {error}"))
        name = error.name()
        if name in _POISON:
            return Poison(self._hide(f"{_POISON[name]} ({doing}: {error.str()})"))

        def said(why: str) -> str:
            # The broker's own words may hold anything, braces too.
            return self._hide(f"{self._client}: {doing}: {why} ({name}: {error.str()})")

        if name in _FATAL and not (name == "INVALID_REPLICATION_FACTOR" and _STARTING in error.str()):
            return Fatal(said(_FATAL[name]))
        if name in _FENCED:
            return Fenced(said(_FENCED[name]))
        if error.retriable():
            return Retryable(said("not now" + self._why()))
        if name == "_INCONSISTENT":
            # The client keeps to itself why. A topic that was there at the start is not likely the reason.
            return Fenced(said("records could not be written: no answer, or a topic that is not there"))
        if error.txn_requires_abort():
            return Fenced(said("the transaction cannot be committed any more"))
        if error.fatal() or name == "_FATAL":
            return Fenced(said("the producer is of no use any more"))
        if name in _RETRY or name in _FATAL:
            return Retryable(said("not now" + self._why()))
        return Fatal(said("the client gave up; look the code up in Kafka's protocol guide"))

    def _why(self) -> str:
        return f", last complaint: {self.last.str()}" if self.last is not None else ""
