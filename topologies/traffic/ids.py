"""Ids as the platforms make them: times inside, checksums right, and the same for the same world.

bluesky    did:plc:<24>, TID (13 letters that sort by time), CIDv1 of what it names
mastodon   snowflake: milliseconds << 16          x   snowflake: milliseconds since 2010-11-04 << 22
salesforce 15 letters and digits, and 3 that say which of them are capitals
"""

import base64
import hashlib
from random import Random

_SORTED32 = "234567abcdefghijklmnopqrstuvwxyz"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CAPITALS32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_CID_PREFIX = b"\x01\x71\x12\x20"
"""CIDv1, dag-cbor, sha2-256, 32 bytes."""
_X_EPOCH_MS = 1_288_834_974_657


def did(rnd: Random) -> str:
    """A Bluesky account."""
    return "did:plc:" + "".join(rnd.choices(_BASE32, k=24))


def tid(at_us: int, clock: int) -> str:
    """A record key or revision: microseconds and the id of a clock (below 1024)."""
    number = at_us << 10 | clock
    return "".join(_SORTED32[number >> shift & 31] for shift in range(60, -1, -5))


def cid(content: bytes) -> str:
    """The content id of a record."""
    digest = hashlib.sha256(content).digest()
    return "b" + base64.b32encode(_CID_PREFIX + digest).decode().lower().rstrip("=")


def mastodon_id(at_ms: int, rnd: Random) -> str:
    """A status or account of a Mastodon server."""
    return str(at_ms << 16 | rnd.getrandbits(16))


def x_id(at_ms: int, rnd: Random) -> str:
    """A post or user of X."""
    return str(at_ms - _X_EPOCH_MS << 22 | rnd.getrandbits(22))


def salesforce_id(prefix: str, number: int) -> str:
    """A record of Salesforce in its 18-letter form. `prefix` has 3 letters and says which object it is."""
    short = prefix + "Np" + "00000" + base62(number, 5)
    capitals = [sum(1 << i for i, c in enumerate(short[at : at + 5]) if c.isupper()) for at in (0, 5, 10)]
    return short + "".join(_CAPITALS32[bits] for bits in capitals)


def base62(number: int, width: int) -> str:
    """A number in digits and letters; the highest digits are lost when it does not fit."""
    letters = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        letters.append(_BASE62[digit])
    return "".join(reversed(letters))


def uuid(rnd: Random) -> str:
    """A random UUID in its usual spelling."""
    text = f"{rnd.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
