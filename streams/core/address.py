"""Addresses: `<type>:<id>`. Each type has one fold.

account:bluesky:did:plc:abc      type "account", id "bluesky:did:plc:abc"
"""

from typing import NewType

Address = NewType("Address", str)

ADDRESS_BYTES_MAX = 512
"""Longer identifiers are refused where they come in."""


def type_of(address: str) -> str:
    """The part before the first colon."""
    return address.partition(":")[0]


def id_of(address: str) -> str:
    """The part after the first colon."""
    return address.partition(":")[2]
