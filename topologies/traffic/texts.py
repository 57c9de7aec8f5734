"""What somebody says, drawn from `phrases.py` with seeded slots."""

import re
from random import Random
from typing import Literal

from topologies.traffic import phrases

Mood = Literal[
    "praise", "neutral", "complaint", "angry", "leaving", "legal", "thanks", "still angry", "comment", "news", "answer"
]

_ENGLISH: dict[Mood, tuple[str, ...]] = {
    "praise": phrases.PRAISE,
    "neutral": phrases.NEUTRAL,
    "complaint": phrases.COMPLAINT,
    "angry": phrases.ANGRY,
    "leaving": phrases.LEAVING,
    "legal": phrases.LEGAL,
    "thanks": phrases.THANKS,
    "still angry": phrases.STILL_ANGRY,
    "comment": phrases.COMMENT,
    "news": phrases.OUR_NEWS,
    "answer": phrases.OUR_ANSWER,
}
_OTHERS = {"de": phrases.GERMAN, "fr": phrases.FRENCH}
_SLOT = re.compile(r"\{(\w+)\}")
_FOREIGN = ("ja", "ja", "pt", "es", "ko", "de", "fr")


def say(rnd: Random, mood: Mood, lang: str, us: str) -> tuple[str, str]:
    """A text in that mood that names the brand as `us`, and its language.

    Who speaks a language without sentences of that mood says it in English.
    """
    own = _OTHERS.get(lang, {}).get(mood)
    return fill(rnd, rnd.choice(own or _ENGLISH[mood]), us), lang if own else "en"


def chat(rnd: Random, lang: str) -> tuple[str, str]:
    """Something that has nothing to do with the brand, and its language."""
    if rnd.random() < 0.3:
        lang = rnd.choice(_FOREIGN)
    own = phrases.FOREIGN_NOISE.get(lang) or _OTHERS.get(lang, {}).get("noise")
    return fill(rnd, rnd.choice(own or phrases.NOISE), ""), lang if own else "en"


def fill(rnd: Random, template: str, us: str) -> str:
    """The sentence with its slots filled; begins with a capital, ends without blanks."""
    text = _SLOT.sub(lambda slot: us if slot[1] == "us" else rnd.choice(phrases.SLOTS[slot[1]]), template).strip()
    return text if text[:1] in {"@", "#"} else text[:1].upper() + text[1:]
