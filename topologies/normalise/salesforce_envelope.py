"""How a Salesforce change event is wrapped: four dialects, one inside.

    CometD            {"data": {"schema", "payload", "event": {"replayId"}}, "channel"}, or without `data`
    CloudEvents       {"specversion", "type": "com.salesforce…", "data": <CometD>};  EventBridge {"detail": …}
    Pub/Sub API       {"replayId", "payload"}, or the payload alone: every field is there, unchanged ones as null
    Kafka Connect     {"schema": {…}, "payload"}, or the payload alone, with `ReplayId`, `_ObjectType`, `_EventType`

The payload is `{"ChangeEventHeader": {…}, <field>: <value>, …}`.
"""

from typing import Any

import msgspec

from topologies.normalise.wire import kind_name, want_object

HEADER = "ChangeEventHeader"
_WRAPPERS = ("data", "detail")
_PUSH_TOPIC_KINDS = frozenset({"created", "updated", "deleted", "undeleted"})


class Envelope(msgspec.Struct, frozen=True):
    """A payload and where it stands in the message.

    `is_sparse`: a field that is there as null was cleared; else null says nothing. `label` names messages that are no
    change events.
    """

    payload: dict[str, Any]
    path: str
    replay: Any
    is_sparse: bool
    label: str


def unwrap(body: Any) -> Envelope:
    """The payload of a message. Raises `Poison` when there is none."""
    message, path = want_object(body, "$"), "$"
    label = _label(message)
    # Twice: CometD has a wrapper, and CloudEvents one around it.
    for wrapper in _WRAPPERS * 2:
        if "payload" not in message and HEADER not in message and isinstance(message.get(wrapper), dict):
            message, path = message[wrapper], f"{path}.{wrapper}"
    event = message.get("event")
    is_sparse = isinstance(event, dict)
    replay = event.get("replayId") if isinstance(event, dict) else message.get("replayId")
    payload = message
    if "payload" in message:
        path = f"{path}.payload"
        payload = want_object(message["payload"], path)
    label = _label(payload) or label
    return Envelope(payload, path, payload.get("ReplayId", replay), is_sparse, label)


def _label(message: dict[str, Any]) -> str:
    """What a message says of its object. `_EventType` is a word for PushTopics and a schema's id elsewhere."""
    if isinstance(message.get("_ObjectType"), str):
        kind = str(message.get("_EventType"))
        return kind_name(message["_ObjectType"], kind if kind in _PUSH_TOPIC_KINDS else "")
    for name in ("channel", "subject", "detail-type"):
        if isinstance(message.get(name), str):
            return kind_name(message[name])
    return ""
