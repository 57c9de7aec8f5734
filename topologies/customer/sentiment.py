"""Sentiment of a text in one pass over its words.

    "The app is NOT good, but support was really kind!!"
              not ×-0.74  ▲       +0.293 ▲       ▲ +0.584
                    before "but" ×0.5    after it ×1.5

Words have weights; the three words before one change it, a contrast moves the accent, shouting and exclamation marks
add to it. The sum s is shown as s / √(s² + 15), as VADER does it (Hutto and Gilbert: "VADER", ICWSM 2014), so that
figures can be compared. Only + - * / and √ are used: IEEE 754 defines all five to the last bit, so every machine gets
the same integer.
"""

import math

import msgspec

BOOST = 0.293
"""What one degree adverb adds or takes. This and the next five figures are the paper's, fitted to human ratings."""
SHOUT = 0.733
TURN = -0.74
DISTANCE = (1.0, 0.95, 0.9)
EXCLAMATION, EXCLAMATIONS_MAX = 0.292, 4
QUESTION, QUESTIONS_PLAIN_MAX, QUESTIONS_MANY = 0.18, 3, 0.96
SPREAD = 15.0

TEXT_CHARS_MAX = 10_000
"""What stands behind is not read: no platform allows more, and one text must not hold up its neighbours."""

_EDGES = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class Lexicon(msgspec.Struct, frozen=True):
    """Words of one language and what they weigh.

    `words` maps words, emoticons and emoji to weights in [-4, 4]; `degree` degree adverbs to what they add;
    `pairs` the last word of a dampening pair ("kind of") to its first words; `phrases` a first word to (all words,
    weight), longest first. `plain` is for `str.translate`: it sets emoji apart and straightens quotes. `digest` covers
    all of it.
    """

    digest: str
    words: dict[str, float]
    degree: dict[str, float] = {}
    pairs: dict[str, frozenset[str]] = {}
    negations: frozenset[str] = frozenset()
    contrasts: frozenset[str] = frozenset()
    phrases: dict[str, tuple[tuple[tuple[str, ...], float], ...]] = {}
    plain: dict[int, str] = {}


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a text says.

    `value` in thousandths, in [-1000, 1000]; None where the language is unknown or has no lexicon, or where no word
    weighs anything: "nothing said" is not "neutral". `lang` is the base language of the platform's tag, None without
    one. `hits` are the words that counted.
    """

    value: int | None
    lang: str | None
    hits: int


def sentiment(text: str, lang: str, lexicons: dict[str, Lexicon]) -> Reading:
    """Read a text. `lang` is the platform's own tag (`en`, `en-US`); it is believed, and empty or `und` is unknown."""
    base = lang if lang in lexicons else base_language(lang)
    lexicon = lexicons.get(base or "")
    if lexicon is None or not text:
        return Reading(None, base, 0)
    total, hits = _weigh(text[:TEXT_CHARS_MAX], lexicon)
    return Reading(round(1000 * total / math.sqrt(total * total + SPREAD)) if hits else None, base, hits)


def base_language(tag: str) -> str | None:
    """`en-US` and `EN_us` → `en`; empty, `und` and `zxx` (no language) → None."""
    base = tag.replace("_", "-").partition("-")[0].lower()
    return None if base in {"", "und", "zxx"} else base


def _weigh(text: str, lexicon: Lexicon) -> tuple[float, int]:
    """The sum of what the words weigh, and how many counted."""
    if text.isascii():
        # A third of the price of a translation, and most texts are.
        text = text.replace(".", " ").replace(",", " ").replace("*", " ")
    else:
        text = text.translate(lexicon.plain)
    words, hits = _find(text.lower(), lexicon)
    if not lexicon.phrases.keys().isdisjoint(words):
        hits = _join_phrases(words, hits, lexicon)
    if not hits:
        return 0.0, 0
    shouted = _shouted(text, [at for at, _ in hits])
    turn = -1
    if not lexicon.contrasts.isdisjoint(words):
        turn = next(at for at, word in enumerate(words) if word in lexicon.contrasts)
    total = 0.0
    for at, weight in hits:
        value = _in_context(words, at, weight, lexicon)
        if at in shouted:
            value += SHOUT if value > 0 else -SHOUT
        if turn >= 0 and at != turn:
            value *= 0.5 if at < turn else 1.5
        total += value
    emphasis = _emphasis(text)
    if total > 0:
        total += emphasis
    elif total < 0:
        total -= emphasis
    return total, len(hits)


def _find(lowered: str, lexicon: Lexicon) -> tuple[list[str], list[tuple[int, float]]]:
    """The words without punctuation, and those that weigh something as (place, weight)."""
    weigh, degree = lexicon.words.get, lexicon.degree
    words: list[str] = []
    hits: list[tuple[int, float]] = []
    for token in lowered.split():
        word, weight = token, weigh(token)
        if weight is None:
            word = token.strip(_EDGES)
            # A mention of @hope says nothing about hope.
            weight = weigh(word) if word != token and token[0] != "@" else None
        if weight is not None and word not in degree:
            hits.append((len(words), weight))
        words.append(word)
    return words, [hit for hit in hits if not _is_bare_no(words, hit[0], lexicon)]


def _is_bare_no(words: list[str], at: int, lexicon: Lexicon) -> bool:
    """In "no good" the no turns the next word; alone it is a word of its own."""
    return words[at] in lexicon.negations and at + 1 < len(words) and words[at + 1] in lexicon.words


def _join_phrases(words: list[str], hits: list[tuple[int, float]], lexicon: Lexicon) -> list[tuple[int, float]]:
    """Phrases replace the words in them. A phrase stands where its first word stands."""
    covered: set[int] = set()
    found: list[tuple[int, float]] = []
    phrases, last = lexicon.phrases, len(words) - 1
    for at in [at for at, word in enumerate(words) if word in phrases]:
        if at in covered:
            continue
        second = words[at + 1] if at < last else ""
        for phrase, weight in phrases[words[at]]:
            # Most begin with a common word, and it is the second one that differs.
            if phrase[-1] != second and len(phrase) == 2:
                continue
            if tuple(words[at : at + len(phrase)]) == phrase:
                covered.update(range(at, at + len(phrase)))
                found.append((at, weight))
                break
    if not covered:
        return hits
    kept = [hit for hit in hits if hit[0] not in covered]
    return sorted(kept + [hit for hit in found if hit[1] != 0])


def _in_context(words: list[str], at: int, value: float, lexicon: Lexicon) -> float:
    """What the three words before make of a word's weight."""
    degree, negations = lexicon.degree, lexicon.negations
    for distance in range(min(3, at)):
        before = words[at - distance - 1]
        added = degree.get(before)
        if before in lexicon.pairs and distance + 2 <= at and words[at - distance - 2] in lexicon.pairs[before]:
            added = -BOOST
        if added is not None:
            value += (added if value > 0 else -added) * DISTANCE[distance]
        if before in negations or before.endswith("n't"):
            value *= TURN
    if at > 0 and words[at - 1] == "least" and (at == 1 or words[at - 2] not in {"at", "very"}):
        value *= TURN
    return value


def _shouted(text: str, places: list[int]) -> frozenset[int]:
    """Which of these words are in capitals, in a text that is not. A text all in capitals is a habit, not a shout."""
    if text.islower() or text.isupper():
        return frozenset()
    tokens = text.split()
    return frozenset(at for at in places if len(tokens[at]) > 1 and tokens[at].isupper())


def _emphasis(text: str) -> float:
    """What exclamation and question marks add to whatever was said."""
    exclaimed = min(text.count("!"), EXCLAMATIONS_MAX) * EXCLAMATION
    asked = text.count("?")
    if asked <= 1:
        return exclaimed
    return exclaimed + (asked * QUESTION if asked <= QUESTIONS_PLAIN_MAX else QUESTIONS_MANY)
