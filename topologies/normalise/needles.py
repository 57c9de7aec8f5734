r"""What to look for in raw payloads, so that none is passed over that would matter once it is parsed.

    term "Café" ──► (?i)caf(?:\xc3\xa9|\xc3\x89|\\u00[eE]9|\\u00[cC]9)
    odd         ──► payloads that may say the same in bytes we do not foresee: they are parsed, whatever they say

The patterns find too much, never too little: they run over JSON as bytes, where a letter may be escaped, and a letter
may be another one when case is no difference (`fold`). A letter that is not ASCII stands in a pattern in all its
spellings. For ASCII letters that would make every pattern slow, so their rare spellings are odd instead.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from topologies.normalise.relevance import Relevance
from topologies.normalise.text import fold

_CASED_END = 0x20000
"""No script above has capital letters."""

_ESCAPED_HARMLESSLY = "<>&'="
"""Encoders of JSON escape these to be safe inside HTML. They are no reason to parse a payload without a needle that
holds one of them."""

MARKS = (rb"\xcc[\x80-\xbf]|\xcd[\x80-\xaf]", rb"\\u03[0-6]")
"""Accents after their letter: `fold` puts them together, so a letter may be two."""

_SHORT = {
    '"': rb"\\\"",
    "\\": rb"\\\\",
    "/": rb"\\?/",
    "\b": rb"\\b",
    "\f": rb"\\f",
    "\n": rb"\\n",
    "\r": rb"\\r",
    "\t": rb"\\t",
}
r"""How JSON writes them. `\u0020` to `\u007e` are odd."""


def patterns(relevance: Relevance, source: str, tell_tales: Iterable[str] = (), *, entities: bool) -> tuple[bytes, ...]:
    """Regular expressions over bytes, for RE2 and Hyperscan alike.

    `tell_tales` are texts that stand in payloads which always pass, written in JSON without escapes. `entities`: texts
    come with `&amp;`, `&lt;` and `&gt;`.
    """
    accounts = [own.partition(":")[2] for own in sorted(relevance.accounts) if own.startswith(f"{source}:")]
    needles = [*relevance.terms, *relevance.hosts, *(fold(account) for account in accounts)]
    letters = {letter for needle in needles for letter in needle}
    found = [_pattern(needle) for needle in needles]
    found += [re.escape(tale).encode() for tale in tell_tales]
    found += _odd(letters, entities=entities)
    return tuple(dict.fromkeys(found))


def _pattern(needle: str) -> bytes:
    return b"(?i)" + b"".join(_letter(letter) for letter in needle)


def _letter(letter: str) -> bytes:
    """A folded letter in all its spellings, but for those that are odd."""
    if letter < " ":
        return b"(?:" + b"|".join([_escape(letter), *(short for at, short in _SHORT.items() if at == letter)]) + b")"
    if letter.isascii():
        return _SHORT.get(letter) or re.escape(letter).encode()
    same = [letter, *_same_as().get(letter, ())]
    plain = [re.escape(each.encode()) for each in same]
    return b"(?:" + b"|".join(plain + [_escape(each) for each in same]) + b")"


def _escape(letter: str) -> bytes:
    r"""The `\u` escape of a letter, or the two of them; hexadecimal digits in either case."""
    units = letter.encode("utf-16-be").hex()
    return b"".join(rb"\\u(?i:" + units[start : start + 4].encode() + b")" for start in range(0, len(units), 4))


def _odd(letters: set[str], *, entities: bool) -> Iterator[bytes]:
    """Spellings that make a payload worth parsing wherever they stand."""
    yield from MARKS
    harmless = {letter for letter in _ESCAPED_HARMLESSLY if letter not in letters}
    for high in range(2, 8):
        low = "".join(f"{each:x}" for each in range(16) if chr(high * 16 + each) not in harmless)
        yield rf"(?i)\\u00{high}[{low}]".encode()
    for letter, folded in _changing():
        if not letters.isdisjoint(folded):
            yield re.escape(letter.encode())
            yield _escape(letter)
    if entities:
        names = {"&": b"amp", "<": b"lt", ">": b"gt"}
        yield from (b"&" + name + b";" for letter, name in names.items() if letter in letters)


@cache
def _same_as() -> dict[str, list[str]]:
    """By folded letter: the other letters that become it, one for one."""
    found: dict[str, list[str]] = {}
    for letter in _folding():
        folded = fold(letter)
        if len(folded) == 1 and not folded.isascii():
            found.setdefault(folded, []).append(letter)
    return found


@cache
def _changing() -> tuple[tuple[str, str], ...]:
    """Letters that become several, or become ASCII: ß is ss, the sign for Kelvin is k."""
    folds = ((letter, fold(letter)) for letter in _folding())
    return tuple((letter, folded) for letter, folded in folds if len(folded) != 1 or folded.isascii())


@cache
def _folding() -> tuple[str, ...]:
    """All letters that are not ASCII and that `fold` changes. Accents are `MARKS`."""
    every = (chr(code) for code in range(0x80, _CASED_END) if not 0xD800 <= code < 0xE000)
    return tuple(letter for letter in every if fold(letter) != letter and not 0x300 <= ord(letter) <= 0x36F)
