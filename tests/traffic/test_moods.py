"""What the invented people say is heard the way it is meant."""

from random import Random

import pytest

from topologies.customer.lexicon import load_lexicons
from topologies.customer.sentiment import sentiment
from topologies.traffic import phrases
from topologies.traffic.people import BRAND, US
from topologies.traffic.texts import Mood, chat, fill, say

LEXICONS = load_lexicons()
SEEDS = range(200)


def heard(mood: Mood) -> list[int | None]:
    """The sentiment of many sentences of one mood."""
    return [sentiment(say(Random(seed), mood, "en", BRAND)[0], "en", LEXICONS).value for seed in SEEDS]


@pytest.mark.parametrize(
    ("mood", "low", "high"),
    [
        ("praise", 300, 1000),
        ("thanks", 300, 1000),
        ("complaint", -1000, 0),
        ("angry", -1000, -500),
        ("still angry", -1000, -500),
        ("leaving", -1000, -300),
        ("legal", -1000, -300),
    ],
)
def test_a_mood_is_heard(mood: Mood, low: int, high: int) -> None:
    values = heard(mood)
    assert all(value is not None and low <= value <= high for value in values), (mood, values)


def test_questions_and_news_are_not_taken_for_anger() -> None:
    assert all(value is None or value > -300 for mood in ("neutral", "comment") for value in heard(mood))


def test_most_complaints_count_as_complaints() -> None:
    values = heard("complaint")
    assert sum(value is not None and value <= -300 for value in values) > 0.9 * len(values)


def test_a_language_without_a_sentence_of_that_mood_is_spoken_in_english() -> None:
    text, lang = say(Random(1), "legal", "de", BRAND)
    assert lang == "en"
    assert BRAND in text
    assert say(Random(1), "angry", "de", BRAND)[1] == "de"


def test_every_slot_has_words_and_no_chat_names_the_brand() -> None:
    ours = [BRAND.lower(), "acmecloud", *(account.handle for account in US.values() if account.handle != "acme")]
    for seed in range(2_000):
        text, _ = chat(Random(seed), ("en", "de", "fr")[seed % 3])
        assert "{" not in text
        assert not any(word in text.lower() for word in ours), text


def test_a_sentence_begins_with_a_capital_unless_with_a_name() -> None:
    assert fill(Random(1), "{product} is down", "")[0].isupper()
    assert fill(Random(1), "{us} is down", f"@{US['x'].handle}").startswith("@acmecloud")
    assert set(phrases.SLOTS) >= {"product", "joy", "rage"}
