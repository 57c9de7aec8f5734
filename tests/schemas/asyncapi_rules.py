"""What the AsyncAPI 3 specification asks of the structure of a document, as far as Kafka applications use it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FIELDS = {
    "document": {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"},
    "info": {"title", "version", "description", "termsOfService", "contact", "license", "tags", "externalDocs"},
    "channel": {
        "address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "externalDocs",
        "bindings",
    },
    "parameter": {"enum", "default", "description", "examples", "location"},
    "operation": {
        "action", "channel", "title", "summary", "description", "security", "tags", "externalDocs", "bindings",
        "traits", "messages", "reply",
    },
    "message": {
        "headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "tags",
        "externalDocs", "bindings", "examples", "traits",
    },
    "multi format schema": {"schemaFormat", "schema"},
    "Kafka channel": {"topic", "partitions", "replicas", "topicConfiguration", "bindingVersion"},
    "Kafka message": {
        "key", "schemaIdLocation", "schemaIdPayloadEncoding", "schemaLookupStrategy", "bindingVersion",
    },
    "components": {
        "schemas", "servers", "channels", "operations", "messages", "securitySchemes", "serverVariables", "parameters",
        "correlationIds", "replies", "replyAddresses", "externalDocs", "tags", "operationTraits", "messageTraits",
        "serverBindings", "channelBindings", "operationBindings", "messageBindings",
    },
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def problems(document: dict[str, Any], folder: Path | None = None) -> list[str]:
    """What is wrong, each with its path. `folder`: where files that are referred to should be."""
    return [*_references(document, document, "#", folder), *_document(document)]


def _document(document: dict[str, Any]) -> Iterator[str]:
    yield from _known("document", document, "#")
    if not re.fullmatch(r"3\.\d+\.\d+", str(document.get("asyncapi"))):
        yield f"#/asyncapi: want 3.x, found {document.get('asyncapi')!r}"
    yield from _known("info", document.get("info", {}), "#/info")
    yield from (f"#/info/{name}: missing" for name in ("title", "version") if name not in document.get("info", {}))
    channels, components = document.get("channels", {}), document.get("components", {})
    yield from _known("components", components, "#/components")
    for name, channel in channels.items():
        yield from _channel(_resolved(channel, document), f"#/channels/{name}", document)
    for name, operation in document.get("operations", {}).items():
        yield from _operation(_resolved(operation, document), f"#/operations/{name}", document)
    for name, message in components.get("messages", {}).items():
        yield from _message(_resolved(message, document), f"#/components/messages/{name}")
    for part, entries in components.items():
        yield from (f"#/components/{part}/{name}: no name" for name in entries if not _NAME.fullmatch(name))


def _channel(channel: dict[str, Any], path: str, document: dict[str, Any]) -> Iterator[str]:
    yield from _known("channel", channel, path)
    address, parameters = channel.get("address"), channel.get("parameters", {})
    if address is not None and not isinstance(address, str):
        yield f"{path}/address: want text or null"
    elif isinstance(address, str) and set(re.findall(r"\{([^}]*)\}", address)) != set(parameters):
        yield f"{path}: parameters {sorted(parameters)} are not those of the address {address}"
    for name, parameter in parameters.items():
        yield from _known("parameter", _resolved(parameter, document), f"{path}/parameters/{name}")
    for name, message in channel.get("messages", {}).items():
        yield from _message(_resolved(message, document), f"{path}/messages/{name}")
    yield from _known("Kafka channel", channel.get("bindings", {}).get("kafka", {}), f"{path}/bindings/kafka")


def _operation(operation: dict[str, Any], path: str, document: dict[str, Any]) -> Iterator[str]:
    yield from _known("operation", operation, path)
    if operation.get("action") not in {"send", "receive"}:
        yield f"{path}/action: want send or receive, found {operation.get('action')!r}"
    target = operation.get("channel", {}).get("$ref", "")
    if not target.startswith("#/channels/"):
        yield f"{path}/channel: want a reference to one of the channels of the document, found {target!r}"
        return
    offered = _resolved({"$ref": target}, document).get("messages", {})
    for message in operation.get("messages", ()):
        if message["$ref"].removeprefix(f"{target}/messages/") not in offered:
            yield f"{path}/messages: {message['$ref']} is no message of its channel"


def _message(message: dict[str, Any], path: str) -> Iterator[str]:
    yield from _known("message", message, path)
    payload = message.get("payload", {})
    if "schemaFormat" in payload:
        yield from _known("multi format schema", payload, f"{path}/payload")
        if "schema" not in payload:
            yield f"{path}/payload/schema: missing"
    content_type = message.get("contentType", "a/b")
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+(;.*)?", content_type):
        yield f"{path}/contentType: want type/subtype, found {content_type!r}"
    yield from _known("Kafka message", message.get("bindings", {}).get("kafka", {}), f"{path}/bindings/kafka")


def _known(kind: str, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: want a {kind} object, found {value!r}"
        return
    for name in value:
        if name not in _FIELDS[kind] and not name.startswith("x-") and name != "$ref":
            yield f"{path}/{name}: no field of a {kind}"


def _references(value: Any, document: dict[str, Any], path: str, folder: Path | None) -> Iterator[str]:
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            if target.startswith("#"):
                if _at(target, document) is None:
                    yield f"{path}: {target} leads nowhere"
            elif folder is not None and not (folder / target).is_file():
                yield f"{path}: there is no file {target}"
        for name, part in value.items():
            yield from _references(part, document, f"{path}/{name}", folder)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _references(part, document, f"{path}/{index}", folder)


def _at(target: str, document: Any) -> Any:
    for name in target.removeprefix("#").strip("/").split("/"):
        unescaped = name.replace("~1", "/").replace("~0", "~")
        document = document.get(unescaped) if isinstance(document, dict) else None
    return document


def _resolved(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value and value["$ref"].startswith("#"):
        value = _at(value["$ref"], document) or {}
    return value
