"""One AsyncAPI 3.0 document: every topic, who writes it, how it is keyed, and what its records are.

    channel   = topic           outputs and dead letters: Rapport sends · raw inputs: Rapport receives
    message   = kind of record  payload by reference to the JSON Schemas beside the document; CloudEvents headers

Topics of Rapport's own are listed, so that nobody uses their names; nobody else reads or writes them.
"""

from typing import Any

from schemas.cloudevents import CONTENT_TYPE, OUTPUT_VERSION, SPEC_VERSION, event_type
from schemas.json_schema import DIALECT, struct_of
from schemas.topics import OUTPUTS, TopicSpec, topics

VERSION = "3.0.0"
BINDING = "0.5.0"
APP = "{app}"
"""Stands for the application id in addresses: a parameter of the channel."""

_MSGPACK = "application/msgpack"
_TEXT = {"type": "string"}
_HOW_DEAD = {
    "cause": "In words, why it could not be processed.",
    "path": "Where in the record the first thing wrong stands.",
    "fold": "Who could not process it.",
    "topic": "The record's own place:",
    "partition": "its partition,",
    "offset": "and its offset.",
    "code_version": "The release that could not.",
    "attempt": "How often it was tried, counting requeues.",
}


def document() -> dict[str, Any]:
    """The whole document."""
    table = topics(APP)
    channels = {name: _channel(name, spec) for name, spec in table.items()} | {"raw": _raw_channel()}
    messages = {name: message for name, spec in table.items() for name, message in _messages(name, spec).items()}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Rapport",
            "version": f"{OUTPUT_VERSION}.0.0",
            "description": (
                "Joins what people say in public with what a company knows about them. Outputs are written in "
                "transactions: read them with `isolation.level=read_committed` and each document is seen exactly once."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": _operations(table),
        "components": {"messages": messages | {"raw": _raw_message()}, "schemas": {"headers": _event_headers()}},
    }


def _channel(name: str, spec: TopicSpec) -> dict[str, Any]:
    configuration: dict[str, Any] = {"cleanup.policy": [spec.policy]}
    if spec.retention_ms is not None:
        configuration["retention.ms"] = spec.retention_ms
    found: dict[str, Any] = {
        "address": spec.name,
        "summary": f"Written by {spec.written_by}. Key: {spec.key}. Value: {spec.value}.",
        "messages": {one: {"$ref": f"#/components/messages/{one}"} for one in _messages(name, spec)},
        "bindings": {"kafka": {"topicConfiguration": configuration, "bindingVersion": BINDING}},
    }
    if APP in spec.name:
        found["parameters"] = {"app": {"default": "rapport", "description": "The application id, `engine.app`."}}
    if _is_inner(name):
        found["tags"] = [{"name": "internal", "description": "Not an interface: it changes from release to release."}]
    return found


def _messages(name: str, spec: TopicSpec) -> dict[str, Any]:
    """The messages of a topic; a compacted output has a second one, for erased keys."""
    binding = {"kafka": {"key": {"type": "string", "description": spec.key}, "bindingVersion": BINDING}}
    if name == "dlq":
        return {"dlq": _dead_letter(binding)}
    if _is_inner(name):
        key = {"kafka": {"bindingVersion": BINDING}}
        return {name: {"name": name, "contentType": _MSGPACK, "summary": spec.value, "bindings": key}}
    struct = struct_of(name)
    found = {
        "name": event_type(name),
        "title": struct.__name__,
        "summary": (struct.__doc__ or "").split("\n", maxsplit=1)[0],
        "contentType": CONTENT_TYPE,
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/headers"},
                {"type": "object", "properties": {"ce_type": {"const": event_type(name)}}},
            ]
        },
        "payload": {
            "schemaFormat": f"application/schema+json;version={DIALECT.split('/')[4]}",
            "schema": {"$ref": f"./{name}.json"},
        },
        "bindings": binding,
    }
    if spec.policy == "delete":
        return {name: found}
    erased = {
        "name": f"{event_type(name)}.erased",
        "summary": "No value: forget what was written under this key.",
        "payload": {"type": "null"},
        "bindings": binding,
    }
    return {name: found, f"{name}Erased": erased}


def _event_headers() -> dict[str, Any]:
    """CloudEvents in binary mode."""
    said = {
        "ce_specversion": _TEXT | {"const": SPEC_VERSION},
        "ce_id": _TEXT | {"description": "The same in every replay: de-duplicate by it."},
        "ce_type": _TEXT,
        "ce_source": _TEXT | {"description": "`/rapport/<application id>`."},
        "ce_subject": _TEXT | {"description": "The record's key."},
        "ce_time": _TEXT | {"format": "date-time", "description": "Event time; left out where there is none."},
        "content-type": _TEXT | {"const": CONTENT_TYPE},
    }
    return {"type": "object", "properties": said, "required": [name for name in said if name != "ce_time"]}


def _dead_letter(binding: dict[str, Any]) -> dict[str, Any]:
    said = {name: _TEXT | {"description": text} for name, text in _HOW_DEAD.items()}
    return {
        "name": "rapport.dlq",
        "summary": "A record that could not be processed, byte for byte; its own headers follow as `header.<name>`.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": said, "required": list(said)},
        "bindings": binding,
    }


def _raw_channel() -> dict[str, Any]:
    return {
        "address": "raw.{input}",
        "summary": "Payloads as they were received, in the format that `[[inputs]]` names for the topic. Any key.",
        "parameters": {"input": {"description": "The input's name. `inputs.topic` names another topic."}},
        "messages": {"raw": {"$ref": "#/components/messages/raw"}},
    }


def _raw_message() -> dict[str, Any]:
    return {"name": "raw", "summary": "One payload of a source, unchanged; it may hold many events."}


def _operations(table: dict[str, TopicSpec]) -> dict[str, Any]:
    found = {f"send_{name}": _operation("send", name) for name in table if not _is_inner(name)}
    return found | {"receive_raw": _operation("receive", "raw")}


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _is_inner(name: str) -> bool:
    return name not in OUTPUTS and name != "dlq"
