"""A member's place in its group, as the client hands it on: the one place where those bytes are read and written.

    "CGMDv2:" generation (int32, little-endian) group \\0 member \\0 has-no-instance-id (1 byte) [instance-id \\0]

A broker takes the positions of a consumer that never joined (generation -1, no member) without any check. So what was
read from a live consumer is looked at before it is sent.
"""

import struct

from streams.errors import Fenced, StreamError
from streams.runtime.ports import Membership

_MAGIC = b"CGMDv2:"
_NO_INSTANCE = b"\x01"


def read_membership(data: bytes) -> Membership:
    """From the client's bytes."""
    if not data.startswith(_MAGIC):
        raise StreamError(f"group metadata: want {_MAGIC!r}, found {data[:7]!r}; the client library has changed it")
    (generation,) = struct.unpack_from("<i", data, len(_MAGIC))
    group, member, _ = data[len(_MAGIC) + 4 :].split(b"\0", 2)
    return Membership(group.decode(), generation, member.decode(), data)


def write_membership(membership: Membership) -> bytes:
    """As the client wants it. Raises `Fenced` for one that was read from a consumer that is no member now.

    One that somebody made by hand, generation -1 and no member, is how an operator sets positions of a group at rest.
    """
    if membership.token is not None:
        if membership.generation < 0 or not membership.member:
            raise Fenced(
                f"group {membership.group}: not a member at the moment (generation {membership.generation}, "
                f"member {membership.member!r})"
            )
        return bytes(membership.token)
    place = struct.pack("<i", membership.generation)
    return b"".join((_MAGIC, place, membership.group.encode(), b"\0", membership.member.encode(), b"\0", _NO_INSTANCE))
