"""Where words and their weights come from. The only module here that reads files of packages.

vaderSentiment  vader_lexicon.txt          words, emoticons → weight        ┐
                emoji_utf8_lexicon.txt     emoji → its description in words ├─►  Lexicon
config/lexicons en.yaml                    what surrounding words do        ┘
"""

import hashlib
from importlib.resources import files
from typing import Any

import msgspec
from ruamel.yaml import YAML

from streams.errors import Fatal
from topologies.customer.sentiment import BOOST, Lexicon

RECIPE = 1
"""Of the scoring in `sentiment.py`: raise it when the same words give other numbers, so that the model's hash changes."""

_STRAIGHT = {ord("’"): "'", ord("‘"): "'", 0xFE0F: ""} | {ord(c): " " for c in ".,*…—–“”«»"}
_WEIGHT_MAX = 4.0


class Surroundings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of `config/lexicons`. Word lists are separated by white space."""

    boosters: str = ""
    dampeners: str = ""
    negations: str = ""
    contrasts: str = ""
    dampening_pairs: tuple[str, ...] = ()
    phrases: dict[str, float] = {}
    words: dict[str, float] = {}


def load_lexicons() -> dict[str, Lexicon]:
    """All lexicons of this release, by language. Raises `Fatal` when a file cannot be read."""
    return {"en": english()}


def english() -> Lexicon:
    """The English lexicon. Same packages, same digest, in every process."""
    around = _surroundings("en")
    package = files("vaderSentiment")
    words = _weights(package.joinpath("vader_lexicon.txt").read_text(encoding="utf-8")) | around.words
    emoji = _emoji(package.joinpath("emoji_utf8_lexicon.txt").read_text(encoding="utf-8"), words)
    degree = dict.fromkeys(around.boosters.split(), BOOST) | dict.fromkeys(around.dampeners.split(), -BOOST)
    return build(emoji | words, degree, around)


def build(words: dict[str, float], degree: dict[str, float], around: Surroundings) -> Lexicon:
    """Put a lexicon together and name it by its content."""
    phrases: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    for phrase, weight in around.phrases.items():
        parts = tuple(phrase.split())
        phrases.setdefault(parts[0], []).append((parts, weight))
    pairs: dict[str, frozenset[str]] = {}
    for pair in around.dampening_pairs:
        first, _, last = pair.partition(" ")
        phrases.setdefault(first, []).append(((first, last), 0.0))
        pairs[last] = pairs.get(last, frozenset()) | {first}
    plain = _STRAIGHT | {ord(sign): f" {sign} " for sign in words if len(sign) == 1 and not sign.isascii()}
    content: list[Any] = [RECIPE, words, degree, around]
    return Lexicon(
        digest=hashlib.blake2b(msgspec.json.encode(content, order="deterministic"), digest_size=16).hexdigest(),
        words=words,
        degree=degree,
        pairs=pairs,
        negations=frozenset(around.negations.split()),
        contrasts=frozenset(around.contrasts.split()),
        phrases={first: tuple(sorted(found, key=lambda p: (-len(p[0]), p[0]))) for first, found in phrases.items()},
        plain=plain,
    )


def _surroundings(language: str) -> Surroundings:
    path = files("config").joinpath("lexicons", f"{language}.yaml")
    try:
        found = msgspec.convert(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")), Surroundings)
    except (msgspec.ValidationError, OSError) as problem:
        raise Fatal(f"{path}: {problem}; restore the file that came with this release") from problem
    if wrong := [word for word, weight in (found.words | found.phrases).items() if abs(weight) > _WEIGHT_MAX]:
        raise Fatal(f"{path}: want weights in [-4, 4], got others for {', '.join(wrong[:5])}; correct them")
    return found


def _weights(table: str) -> dict[str, float]:
    """`word TAB weight TAB …` a line."""
    rows = (line.split("\t") for line in table.splitlines() if "\t" in line)
    return {row[0].lower(): float(row[1]) for row in rows}


def _emoji(table: str, words: dict[str, float]) -> dict[str, float]:
    """Emoji of one code point weigh what the words of their description weigh together; most weigh nothing."""
    rows = (line.split("\t") for line in table.splitlines() if "\t" in line)
    weights = {row[0]: sum(words.get(word, 0.0) for word in row[1].lower().split()) for row in rows if len(row[0]) == 1}
    return {sign: max(-_WEIGHT_MAX, min(_WEIGHT_MAX, round(w, 3))) for sign, w in weights.items() if round(w, 3) != 0}
