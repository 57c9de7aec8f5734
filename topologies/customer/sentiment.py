"""Sentiment of a text in one pass."""

import msgspec


class Lexicon(msgspec.Struct, frozen=True):
    """Words of one language and what they weigh."""

    digest: str
    words: dict[str, float]
