"""Small questions several checks ask."""

from collections.abc import Iterator, Sequence


def duplicates(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Names that stood before, with their index."""
    seen = set()
    for index, name in enumerate(names):
        if name in seen:
            yield index, name
        seen.add(name)


def integral(value: float) -> bool:
    """Whether a product of decimals is meant to be a whole number: 0.1 x 3 x 1000 is not exactly 300."""
    return abs(value - round(value)) < 1e-6
