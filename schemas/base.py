"""The two shapes everything written down has.

`Wire` structs are arrays on the wire: small, fast, append-only. A field is never removed, renamed or re-typed; a new
one goes to the end with a default. `Document` structs are JSON objects with named fields: they are read by others.
"""

import msgspec

TAG_RANGES = {
    "engine events": range(1, 10),
    "product events": range(10, 100),
    "state items": range(100, 1000),
}
"""Which tag numbers belong to whom. A tag is never used again for something else."""


class Wire(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An array on the wire: `[tag, field, field, …]`. Fields are append-only with defaults."""


class Document(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A JSON object. Field names are a contract with subscribers."""
