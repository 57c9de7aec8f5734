"""JSON Schemas (draft 2020-12) of the documents subscribers read, made from their structs and docstrings.

    outputs.Enriched ─► {"$id": "urn:rapport:enriched:v1", "type": "object", "properties": …, "$defs": …}

Readers must accept fields they do not know: documents only ever gain fields (see `compat`).
"""

from typing import Any

import msgspec

from schemas import outputs
from schemas.base import Document
from schemas.cloudevents import OUTPUT_VERSION
from schemas.docstrings import field_docs
from schemas.topics import OUTPUTS, topics

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/"


def struct_of(output: str) -> type[Document]:
    """The struct of an output's documents. Raises `KeyError` for an unknown output."""
    name = topics("-")[output].schema
    if name is None:
        raise KeyError(output)
    found: type[Document] = getattr(outputs, name)
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each output, by its name."""
    return {output: schema(output) for output in OUTPUTS}


def schema(output: str) -> dict[str, Any]:
    """The schema of one output's documents; it refers to nothing outside itself."""
    struct = struct_of(output)
    _, found = msgspec.json.schema_components([struct], ref_template=_REF + "{name}")
    definitions = {name: _described(name, one) for name, one in sorted(found.items())}
    root = definitions.pop(struct.__name__)
    head = {"$schema": DIALECT, "$id": f"urn:rapport:{output}:v{OUTPUT_VERSION}"}
    return head | root | ({"$defs": definitions} if definitions else {})


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """With what the source says below each field."""
    struct = getattr(outputs, name)
    docs = field_docs(struct)
    for field in msgspec.structs.fields(struct):
        if text := docs.get(field.name):
            schema["properties"][field.encode_name]["description"] = " ".join(text.split())
    return schema
