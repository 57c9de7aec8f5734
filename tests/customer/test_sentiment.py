"""Sentiment: what the words around a word do, what is unknown, and how close it is to people and to VADER."""

import html
import statistics
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from topologies.customer.lexicon import Surroundings, build, load_lexicons
from topologies.customer.sentiment import TEXT_CHARS_MAX, Reading, sentiment

TWEETS = Path(__file__).resolve().parents[3] / "shared" / "samples" / "sentiment" / "tweets_GroundTruth.txt"
LEXICONS = load_lexicons()


def read(text: str, lang: str = "en") -> Reading:
    return sentiment(text, lang, LEXICONS)


def value(text: str) -> int:
    found = read(text).value
    assert found is not None, text
    return found


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("this is good", "this is very good"),
        ("very the good", "the very good"),
        ("this is kind of good", "this is good"),
        ("this is somewhat good", "this is good"),
        ("this is good", "this is GOOD"),
        ("this is good", "this is good!!"),
        ("this is good!!!!", "this is very good!!!!"),
        ("this is not good", "this is good"),
        ("this isn’t good", "this is good"),
        ("no good", "good"),
        ("least helpful", "helpful"),
        ("I hate it", "it is not bad"),
        ("good, but slow and terrible", "slow and terrible, but good"),
        ("fed up with this", "nice"),
        ("what a waste of money", "not a waste of money"),
        ("😡", "😍"),
        ("great😡", "great😍"),
        (":(", ":)"),
    ],
)
def test_context_changes_what_a_word_weighs(weaker: str, stronger: str) -> None:
    assert value(weaker) < value(stronger)


def test_the_picture_in_the_docstring_holds() -> None:
    assert value("The app is NOT good, but support was really kind!!") > 0
    assert value("The app is NOT good!!") < 0


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("I love it", "", Reading(None, None, 0)),
        ("I love it", "und", Reading(None, None, 0)),
        ("ich liebe es", "de", Reading(None, "de", 0)),
        ("the table has four legs", "en", Reading(None, "en", 0)),
        ("", "en", Reading(None, "en", 0)),
        ("@hope #", "en", Reading(None, "en", 0)),
    ],
)
def test_nothing_known_is_not_neutral(text: str, lang: str, expected: Reading) -> None:
    assert read(text, lang) == expected


@pytest.mark.parametrize("tag", ["en", "EN", "en-US", "en_GB", "en-Latn-US"])
def test_the_base_of_the_platforms_tag_chooses_the_lexicon(tag: str) -> None:
    assert read("I love it", tag) == Reading(637, "en", 1)


def test_shouting_counts_only_where_not_everything_is_shouted() -> None:
    assert value("THIS IS GOOD") == value("this is good")
    assert value("this is GOOD") > value("this is good")


def test_words_stuck_together_by_dots_are_found() -> None:
    assert read("awful...never again,terrible").hits == 3


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(["good", "BAD", "not", "but", "very", "kind", "of", "no", "!!", "😡", "'", "..", "@hope", "\ud800", "İ", "fed", "up"]), max_size=30))  # fmt: skip
def test_every_text_gives_a_number_in_range_or_none(words: list[str]) -> None:
    found = read(" ".join(words))
    assert (found.value is None) == (found.hits == 0)
    assert found.value is None or -1000 <= found.value <= 1000


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=80))
def test_no_text_is_an_error(text: str) -> None:
    assert read(text).hits >= 0


def test_a_huge_text_is_cut() -> None:
    assert read("good " * TEXT_CHARS_MAX).hits == TEXT_CHARS_MAX // len("good ")


def test_the_digest_covers_every_part() -> None:
    around = Surroundings(negations="not")
    base = build({"good": 1.9}, {"very": 0.3}, around)
    others = [
        build({"good": 1.8}, {"very": 0.3}, around),
        build({"good": 1.9}, {"very": 0.2}, around),
        build({"good": 1.9}, {"very": 0.3}, Surroundings(negations="never")),
        build({"good": 1.9}, {"very": 0.3}, Surroundings(negations="not", phrases={"so so": 0.1})),
    ]
    assert len({base.digest, *(other.digest for other in others)}) == 5
    assert build({"good": 1.9}, {"very": 0.3}, around).digest == base.digest
    assert load_lexicons()["en"].digest == LEXICONS["en"].digest


@pytest.mark.skipif(not TWEETS.exists(), reason="the sample tweets are not beside the repository")
def test_it_agrees_with_people_and_with_vader() -> None:
    rows = [line.split("\t") for line in TWEETS.read_text(encoding="utf-8").splitlines()]
    people = [float(row[1]) for row in rows]
    texts = [html.unescape(row[2]) for row in rows]
    theirs = SentimentIntensityAnalyzer()
    ours = [(read(text).value or 0) / 1000 for text in texts]
    assert len(rows) == 4200
    assert statistics.correlation(ours, people) >= 0.86
    assert statistics.correlation(ours, [theirs.polarity_scores(text)["compound"] for text in texts]) >= 0.96
