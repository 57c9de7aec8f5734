"""Small questions several checks ask."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address


def duplicates(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Names that stood before, with their index."""
    seen = set()
    for index, name in enumerate(names):
        if name in seen:
            yield index, name
        seen.add(name)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name other than `localhost` may be anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def integral(value: float) -> bool:
    """Whether a product of decimals is meant to be a whole number: 0.1 x 3 x 1000 is not exactly 300."""
    return abs(value - round(value)) < 1e-6
