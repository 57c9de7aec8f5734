"""Which acts matter; and that the cheap look at raw bytes loses none of them."""

import random
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import RelevanceSettings
from streams.runtime.topology import Arrival
from tests.normalise.social import NOW, post, records, spelled, tweet, v1
from topologies.normalise import bluesky, x
from topologies.normalise.base import EachRecord, Format
from topologies.normalise.needles import patterns
from topologies.normalise.relevance import Relevance, relevance_of
from topologies.normalise.scan import HyperscanEngine, Re2Engine, Scanned, engine, engine_name

ENGINES = (HyperscanEngine, Re2Engine) if engine_name() == "hyperscan" else (Re2Engine,)


def brand(**given_settings: Any) -> Relevance:
    return Relevance(RelevanceSettings(**given_settings))


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("Acme", "ACME rocks"),
        ("acme", "theacmes"),
        ("Acme Cloud", "my acme CLOUD is down"),
        ("straße", "STRASSE"),
        ("STRASSE", "Straße"),
        ("ΣΟΦΟΣ", "ο σοφος ήρθε"),
        ("İstanbul", "istanbul"),
        ("istanbul", "İSTANBUL"),
        ("ışık", "IŞIK"),
        ("café", "CAFE\u0301"),
        ("cafe\u0301", "Café"),
        ("kelvin", "\u212aelvin"),
        ("office", "o\ufb03ce"),
        ("東京", "明日は東京へ"),
        ("😀", "so 😀"),
        ("R&D", "our r&d"),
        ('say "hi"', 'Say "HI"'),
        ("a\\b", "A\\B"),
        ("and/or", "AND/OR"),
    ],
)
def test_a_term_is_found_whatever_its_case(term: str, text: str) -> None:
    assert brand(terms=(term,)).judge(text, (), ()) == (term,)
    assert brand(terms=(term,)).judge("nothing of the kind", (), ()) is None


@pytest.mark.parametrize(
    ("domain", "text", "link", "is_ours"),
    [
        ("acme.example", "", "https://acme.example/a?b", True),
        ("acme.example", "", "HTTPS://Shop.ACME.example:8080", True),
        ("acme.example", "", "https://ann:pw@acme.example/", True),
        ("acme.example", "", "https://acme.example.", True),
        ("acme.example", "", "https://acme.example.evil.test/", False),
        ("acme.example", "", "https://notacme.example/", False),
        ("acme.example", "", "https://evil.test/?to=https://acme.example", False),
        ("acme.example", "", "https://acme.example@evil.test/", False),
        ("acme.example", "", "acme.example is no link", False),
        ("acme.example", "see www.ACME.example.", "", True),
        ("acme.example", "see acme.example/x", "", True),
        ("acme.example", "see acme.example.evil.test", "", False),
        ("acme.example", "see notacme.example", "", False),
        ("xn--bcher-kva.example", "", "https://bücher.example/", True),
        ("xn--bcher-kva.example", "", "https://xn--bcher-kva.example/", True),
        ("xn--bcher-kva.example", "bei BÜCHER.example", "", True),
        ("bücher.example", "", "https://xn--bcher-kva.example/", True),
    ],
)
def test_a_link_is_about_us_when_it_leads_to_us(domain: str, text: str, link: str, is_ours: bool) -> None:
    assert (brand(domains=(domain,)).judge(text, [link], ()) is not None) is is_ours


def test_our_accounts_are_known_by_their_names() -> None:
    own = brand(accounts=("bluesky:did:plc:Us", "x:99", "mastodon:Us@social.example"))
    assert own.judge("", (), ["x:99"]) == ()
    assert own.judge("", (), ["mastodon:us@social.example"]) == ()
    assert own.judge("", (), ["bluesky:did:plc:Us"]) == ()
    assert own.judge("", (), ["bluesky:did:plc:us", "x:9", "mastodon:us@other.example"]) is None


def test_topics_are_the_terms_found_in_their_order_and_once() -> None:
    few = brand(terms=("Outage", "acme", "ACME", " Acme Cloud ", "none"))
    many = brand(terms=("Outage", "acme", "ACME", " Acme Cloud ", *(f"term{number}" for number in range(2_000))))
    for relevance in (few, many):
        assert relevance.judge("acme CLOUD outage", (), ()) == ("Outage", "acme", "Acme Cloud")


def test_nothing_is_sought_for_in_nothing() -> None:
    assert brand(terms=("", "  ", "\0", "\u0307")).judge("any text", (), ()) is None
    assert brand(relevance="all").judge("any text", (), ()) == ()


def test_equal_settings_share_their_work() -> None:
    assert relevance_of(RelevanceSettings(terms=("a",))) is relevance_of(RelevanceSettings(terms=("a",)))
    ours = patterns(brand(terms=("Acme",)), "x", entities=True)
    first, second = engine(ours), engine(ours)
    assert first is not second
    assert first.candidates([b'{"a":"acme"}']) == second.candidates([b'{"a":"acme"}']) == [0]


def test_normalisers_scan_at_the_same_time_without_disturbing_each_other() -> None:
    ours = patterns(brand(terms=("Acme",)), "x", entities=True)
    batch = [b'{"a":"acme"}' if number % 3 == 0 else b'{"a":"other"}' for number in range(3_000)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda scanner: scanner.candidates(batch), [engine(ours) for _ in range(16)]))
    assert found == [list(range(0, 3_000, 3))] * 16


def test_the_engine_is_the_fastest_there_is() -> None:
    assert engine_name() in {"hyperscan", "re2"}
    assert isinstance(engine(()), ENGINES[0])


@pytest.mark.parametrize("make", ENGINES)
@pytest.mark.parametrize("payload", [b"", b" ", b"\r\n", b"null", b"[1]", b'{"a":1', b"{} x", b"x {}", b"\0", b"{}\0x"])
def test_what_is_no_object_is_looked_at(make: Any, payload: bytes) -> None:
    scanner = make(patterns(brand(terms=("Acme",)), "x", entities=True))
    assert scanner.candidates([b"{}", payload, b'{"a":"b"}\r\n', b' {"acme":1}']) == [1, 3]


@pytest.mark.parametrize("make", ENGINES)
def test_escapes_that_encoders_write_for_every_page_are_no_reason_to_parse(make: Any) -> None:
    scanner = make(patterns(brand(terms=("Café", "Tesla")), "x", entities=True))
    plain = rb'{"text":"\u003cp\u003e it\u0027s \u0026 \u00e8 \ud83d\ude00 \u4e2d &amp; \n \" "}'
    assert scanner.candidates([plain, "{'ascii': 'Grün wie è'}".encode()]) == []
    assert scanner.candidates([rb'{"text":"caf\u00C9"}', rb'{"text":"\u0054esla"}', b'{"t":"TESLA"}']) == [0, 1, 2]


# From here on: the fast path gives what parsing everything gives.

LETTERS = 'aceikmstAKISß ſ\u212aİıéÉèΣσςǰﬁﬀŉΐάΆñ日😀&<>"\\/-_.1\t\u0301\u0307\u030cÅ\u212b'
TERMS = st.lists(
    st.one_of(
        st.text(LETTERS, min_size=1, max_size=5),
        st.sampled_from(["Acme", "R&D", "Straße", "İstanbul", "café", "ΣΟΦΟΣ", "a/b", 'say "hi"', "office", "日本"]),
    ),
    max_size=12,
)
DOMAINS = st.lists(st.sampled_from(["acme.example", "xn--bcher-kva.example", "kiosk.example"]), max_size=2)
SEEDS = st.integers(0, 1 << 32).map(random.Random)
"""A draw per letter would make most of the time of these tests."""
OWN = ("bluesky:did:plc:us", "x:99")


def disguised(term: str, rnd: random.Random) -> str:
    """The term in another case, letter by letter, put together or taken apart."""
    changes = (str.upper, str.lower, str.title, str.casefold, str.swapcase, str)
    changed = "".join(rnd.choice(changes)(letter) for letter in term)
    return unicodedata.normalize(rnd.choice(("NFC", "NFD")), changed) if rnd.random() < 0.5 else changed


def sentence(terms: list[str], rnd: random.Random) -> str:
    parts = [
        rnd.choice(("well", " ", "ß", "İ", "日", "\n", "é", "ﬁ", "&lt;", "&", "😀")) for _ in range(rnd.randint(0, 4))
    ]
    if terms and rnd.random() < 0.6:
        parts.insert(rnd.randint(0, len(parts)), disguised(rnd.choice(terms), rnd))
    return "".join(parts)


def link(rnd: random.Random) -> str:
    hosts = (
        "acme.example",
        "Shop.ACME.example",
        "bücher.example",
        "BÜCHER.example",
        "\u212aiosk.example",
        "kıosk.example",
    )
    return f"https://{rnd.choice((*hosts, 'other.example', 'xn--bcher-kva.example'))}/{rnd.choice(('', 'a?b=c'))}"


def bluesky_frame(terms: list[str], rnd: random.Random) -> dict[str, Any]:
    us = f"at://did:plc:{rnd.choice(('us', 'you'))}/app.bsky.feed.post/3k"
    extra: list[dict[str, Any]] = [
        {},
        {"tags": [sentence(terms, rnd)]},
        {"reply": {"parent": {"uri": us}, "root": {"uri": us}}},
        {"embed": {"record": {"uri": us}}},
        {"embed": {"external": {"uri": link(rnd)}}},
        {"facets": [{"features": [{"did": "did:plc:us"}, {"uri": link(rnd)}], "index": {"byteStart": -1}}]},
    ]
    did = rnd.choice(("did:plc:ann", "did:plc:ann", "did:plc:us"))
    return rnd.choice(
        (
            v1(post(sentence(terms, rnd), **rnd.choice(extra)), did=did),
            v1(did=did),
            v1({"subject": {"uri": us}}, collection="app.bsky.feed.like", did=did),
            v1({"subject": rnd.choice(("did:plc:us", "did:plc:you"))}, collection="app.bsky.graph.follow"),
            {"did": did, "time_us": NOW, "kind": "identity", "identity": {"handle": "ann.example"}},
            {"did": did, "time_us": NOW, "kind": "account", "account": {"active": rnd.random() < 0.5}},
            {"kind": "heartbeat", "payload": "acme"},
        )
    )


def x_message(terms: list[str], rnd: random.Random) -> dict[str, Any]:
    escaped = sentence(terms, rnd).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    other = {"id": "5", "author_id": rnd.choice(("99", "8")), "text": escaped}
    mention = rnd.choice(({"username": "Us"}, {"id": "99"}, {"username": "you"}))
    extra: list[dict[str, Any]] = [
        {},
        {"note_tweet": {"text": escaped}, "text": "beginning"},
        {"entities": {"urls": [{"expanded_url": link(rnd)}], "mentions": [mention]}},
        {"referenced_tweets": [{"type": rnd.choice(("quoted", "retweeted", "replied_to")), "id": "5"}]},
        {"in_reply_to_user_id": rnd.choice(("99", "8"))},
        {"author_id": "99", "in_reply_to_user_id": "8"},
    ]
    return rnd.choice(
        (
            tweet(**({"text": escaped} | rnd.choice(extra)), users=[{"id": "99", "username": "us"}], tweets=[other]),
            tweet(**({"text": escaped} | rnd.choice(extra))),
            {"data": {"delete": {"tweet": {"id": "1", "author_id": "7"}, "event_at": "2026-07-04T11:59:00Z"}}},
            {"data": {rnd.choice(("user_suspend", "user_unprotect")): {"user": {"id": "7"}}}},
            {
                "data": {
                    "user_profile_modification": {"user": {"id": "7"}, "profile_field": "username", "new_value": "n"}
                }
            },
        )
    )


def arrivals(form: Format, source: str, batch: list[bytes], relevance: Relevance, tales: Any) -> list[list[Arrival]]:
    needles = patterns(relevance, source, tales, entities=source == "x")
    fast = [Scanned(form, make(needles))(records(batch)).arrivals for make in ENGINES]
    return [EachRecord(form)(records(batch)).arrivals, *fast]


@settings(max_examples=50, deadline=None)
@given(TERMS, DOMAINS, SEEDS)
def test_scanning_first_loses_nothing_of_bluesky(terms: list[str], domains: list[str], rnd: random.Random) -> None:
    relevance = Relevance(RelevanceSettings(terms=tuple(terms), domains=tuple(domains), accounts=OWN))
    batch = [spelled(bluesky_frame(terms, rnd), rnd) for _ in range(40)]
    every, *fast = arrivals(bluesky.Jetstream(relevance), "bluesky", batch, relevance, bluesky.TELL_TALES)
    assert all(found == every for found in fast), batch


@settings(max_examples=50, deadline=None)
@given(TERMS, DOMAINS, SEEDS)
def test_scanning_first_loses_nothing_of_x(terms: list[str], domains: list[str], rnd: random.Random) -> None:
    relevance = Relevance(RelevanceSettings(terms=tuple(terms), domains=tuple(domains), accounts=OWN))
    batch = [spelled(x_message(terms, rnd), rnd) for _ in range(40)]
    every, *fast = arrivals(x.Stream(relevance), "x", batch, relevance, x.TELL_TALES)
    assert all(found == every for found in fast), batch


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=8), st.text(max_size=30), SEEDS)
def test_scanning_first_loses_no_term_of_any_script(term: str, around: str, rnd: random.Random) -> None:
    relevance = Relevance(RelevanceSettings(terms=(term,)))
    batch = [spelled(v1(post(around + disguised(term, rnd) + around)), rnd)]
    every, *fast = arrivals(bluesky.Jetstream(relevance), "bluesky", batch, relevance, ())
    assert all(found == every for found in fast), batch


@pytest.mark.parametrize("source", ["bluesky", "x"])
def test_many_terms_and_none_of_them_lost(source: str) -> None:
    rnd = random.Random(5)
    terms = ["".join(rnd.choice("abcdefghij") for _ in range(9)) for _ in range(2_000)]
    relevance = Relevance(RelevanceSettings(terms=tuple(terms)))
    form: Format = bluesky.Jetstream(relevance) if source == "bluesky" else x.Stream(relevance)
    say = (lambda text: v1(post(text))) if source == "bluesky" else tweet
    batch = [spelled(say(f"about {term.upper()} and other things"), rnd) for term in terms[::7]]
    every, *fast = arrivals(form, source, batch, relevance, ())
    assert len(every) == len(batch)
    assert all(found == every for found in fast)
