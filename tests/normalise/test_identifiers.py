"""However somebody writes an account, a handle, an e-mail or a phone number: same person, same address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import IdentitySettings
from streams.core.address import ADDRESS_BYTES_MAX
from topologies.normalise.identifiers import (
    SOURCES,
    account_address,
    email_address,
    handle_address,
    identifier_address,
    is_blocked,
    named,
    phone_address,
)
from topologies.normalise.salesforce_id import long_id

SAME: dict[str, tuple[str, tuple[str, ...]]] = {
    "handle:bluesky:ann.bsky.social": (
        "bluesky",
        (
            "ann.bsky.social", "@ann.bsky.social", " @Ann.BSKY.social\t", "https://bsky.app/profile/ann.bsky.social",
            "bsky.app/profile/ann.bsky.social/post/3kabc?ref=x#top", "at://ann.bsky.social", "https://ann.bsky.social",
            "\u200eann.bsky.social\u200b", "ann.bsky.social.",
        ),
    ),
    "account:bluesky:did:plc:abc234": (
        "bluesky",
        ("did:plc:abc234", "DID:plc:abc234", "@did:plc:abc234", "https://bsky.app/profile/did:plc:abc234", "at://did:plc:abc234/app.bsky.feed.post/3k"),
    ),
    "handle:x:ann_lee": (
        "x",
        (
            "ann_lee", "@Ann_Lee", "  @ANN_LEE ", "https://x.com/ann_lee", "http://www.twitter.com/Ann_Lee/", "x.com/ann_lee/status/12",
            "https://mobile.twitter.com/ann_lee?lang=de", "https://twitter.com/#!/ann_lee", "https://x.com/@ann_lee",
            "https://twitter.com/intent/user?screen_name=ann_lee",
        ),
    ),
    "handle:x:12345": ("x", ("@12345", "https://x.com/12345")),
    "account:x:12345": ("x", ("12345", "https://x.com/i/user/12345", "https://x.com/intent/user?user_id=12345")),
    "account:mastodon:ann@m.example": (
        "mastodon",
        (
            "ann@m.example", "@ann@m.example", " @Ann@M.Example ", "https://m.example/@ann", "m.example/@ann/1122",
            "https://other.example/@ann@m.example", "https://m.example/users/ann", "acct:ann@m.example",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("address", SAME)
def test_every_way_to_write_it_is_one_address(address: str) -> None:
    source, texts = SAME[address]
    assert {text: named(source, text) for text in texts} == dict.fromkeys(texts, address)


NOBODY = {
    "bluesky": (
        "", "   ", "ann", "@", "handle.invalid", "https://facebook.com/ann", "https://bsky.app/", "facebook.com/ann",
        "ann lee", "did:", "ann..example", "-ann.example", "ann.1", "e.g", "http://[", "at://",
    ),
    "x": (
        "", "@", "ann lee", "ann.lee", "https://x.com/", "https://x.com/home", "https://x.com/i/lists/1",
        "https://x.com/search?q=ann", "https://bsky.app/profile/ann.example", "a" * 21, "änn", "012", "1" * 25,
    ),
    "mastodon": (
        "", "ann", "@ann", "ann@", "@@m.example", "ann@localhost", "https://m.example/", "https://m.example/ann",
        "ann@m example", "ann@m.example@o.example", ".@m.example",
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_a_text_that_names_nobody_is_none(source: str) -> None:
    assert {text: named(source, text) for text in NOBODY[source]} == dict.fromkeys(NOBODY[source])


def test_an_account_is_named_by_what_never_changes() -> None:
    assert account_address("bluesky", "did:plc:abc") == "account:bluesky:did:plc:abc"
    assert account_address("bluesky", "ann.example") is None
    assert account_address("x", "123") == "account:x:123"
    assert account_address("x", "ann") is None
    assert account_address("mastodon", "Ann", "M.example") == "account:mastodon:ann@m.example"
    assert account_address("mastodon", "ann@o.example", "m.example") == "account:mastodon:ann@o.example"
    assert account_address("mastodon", "ann") is None
    assert account_address("elsewhere", "ann") is None


def test_a_handle_of_digits_is_a_handle_where_a_platform_says_so() -> None:
    assert handle_address("x", "123") == "handle:x:123"
    assert handle_address("bluesky", "did:plc:abc") is None
    assert handle_address("mastodon", "@ann@m.example") == "account:mastodon:ann@m.example"


EMAILS = {
    "ann@a.example": "email:ann@a.example",
    " Ann@A.Example ": "email:ann@a.example",
    "ann+news@a.example": "email:ann+news@a.example",
    "Ann Lee <Ann@a.example>": "email:ann@a.example",
    "mailto:ann@a.example?subject=hi": "email:ann@a.example",
    "ann@bücher.example": "email:ann@xn--bcher-kva.example",
    "ann@XN--BCHER-KVA.example": "email:ann@xn--bcher-kva.example",
    "jürgen@a.example": "email:jürgen@a.example",
    "o'neil@a.example": "email:o'neil@a.example",
    "ann@localhost": None,
    "ann": None,
    "@a.example": None,
    "ann@": None,
    "ann@@a.example": None,
    "ann lee@a.example": None,
    ".ann@a.example": None,
    "an..n@a.example": None,
    f"{'a' * 65}@a.example": None,
    "ann@a..example": None,
}


@pytest.mark.parametrize("text", EMAILS)
def test_an_email_is_written_in_one_way(text: str) -> None:
    assert email_address(text) == EMAILS[text]


PHONES = {
    ("(030) 90 18 20", "DE"): "phone:+4930901820",
    ("+49 30 901820", ""): "phone:+4930901820",
    ("0049 30 901820", "DE"): "phone:+4930901820",
    ("tel:+49-30-901820", ""): "phone:+4930901820",
    ("+1 415 555 1212 ext. 7", ""): "phone:+14155551212;ext=7",
    ("(415) 555-1212", "US"): "phone:+14155551212",
    ("(415) 555-1212", ""): None,
    ("12", "US"): None,
    ("call me", "US"): None,
    ("", "US"): None,
    ("1" * 400, "US"): None,
    ("+999 123456", ""): None,
}


@pytest.mark.parametrize(("text", "country"), PHONES)
def test_a_phone_number_is_written_in_one_way(text: str, country: str) -> None:
    assert phone_address(text, country) == PHONES[text, country]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("bluesky:did:plc:abc", "account:bluesky:did:plc:abc"),
        ("bluesky:ann.example", "handle:bluesky:ann.example"),
        ("x:123", "account:x:123"),
        ("x:@ann", "handle:x:ann"),
        ("handle:x:123", "handle:x:123"),
        ("account:x:123", "account:x:123"),
        ("account:x:ann", None),
        ("mastodon:Ann@m.example", "account:mastodon:ann@m.example"),
        ("email:Ann@a.example", "email:ann@a.example"),
        ("phone:+4930901820", "phone:+4930901820"),
        ("customer:x:contact:1", None),
        ("ann", None),
    ],
)
def test_what_outputs_call_an_identifier_is_read_back(text: str, address: str | None) -> None:
    assert identifier_address(text) == address


BLOCKED = (
    "", "  ", "-", "---", "n/a", "N/A", "None", "NULL", "unknown", "Anonymous", "test", "@test", "-1", "0", "00000",
    "0000-0000", "111 111 111", "1234567890", "+1 234 567 8901", "phone:+49300000000", "test@a.example",
    "email:test@a.example", "TEST+1@a.example", "noreply@a.example", "no-reply@a.example", "email:nobody@a.example",
    "handle:x:null", "account:mastodon:test@m.example", "????",
)  # fmt: skip


@pytest.mark.parametrize("value", BLOCKED)
def test_a_filler_is_blocked(value: str) -> None:
    assert is_blocked(value, IdentitySettings())


FINE = (
    "ann", "handle:x:ann", "account:x:12345", "account:x:1000000", "ann@a.example", "ann@example.com", "tester.jones@a.example",
    "info@a.example", "email:support@a.example", "phone:+4930901820", "+49 171 5550123", "handle:bluesky:test.example",
    "account:mastodon:user@m.example", "account:bluesky:did:plc:none", "nona@a.example", "handle:x:anna",
)  # fmt: skip


@pytest.mark.parametrize("value", FINE)
def test_what_may_be_somebody_is_not_blocked(value: str) -> None:
    assert not is_blocked(value, IdentitySettings())


def test_a_company_blocks_what_it_knows_better() -> None:
    own = IdentitySettings(
        blocked=("Kasse@Shop.example", "x_brand"),
        blocked_patterns=(r".*@temp\..*", r"demo\d+"),
        block_role_addresses=True,
    )
    blocked = (
        "email:kasse@shop.example",
        "handle:x:x_brand",
        "a@temp.example",
        "Demo12",
        "info@a.example",
        "sales+de@a.example",
    )
    assert [is_blocked(value, own) for value in blocked] == [True] * len(blocked)
    assert not is_blocked("mydemo12", own), "a pattern is held against the whole value"
    assert not is_blocked("account:mastodon:info@m.example", own), "roles are mailboxes, not accounts"


@given(st.sampled_from(SOURCES), st.text(max_size=80))
def test_any_text_is_an_address_that_reads_as_itself_or_nothing(source: str, text: str) -> None:
    address = named(source, text)
    if address is not None:
        assert address == identifier_address(address)
        assert address.isprintable()
        assert " " not in address
        assert len(address.encode()) <= ADDRESS_BYTES_MAX


@given(st.text(max_size=80), st.sampled_from(("", "DE", "US")))
def test_any_text_is_read_without_an_exception(text: str, country: str) -> None:
    for address in (email_address(text), phone_address(text, country), identifier_address(text, country)):
        if address is not None:
            assert not any(char.isspace() for char in address)
            assert identifier_address(address) == address
    is_blocked(text, IdentitySettings())


@pytest.mark.parametrize("length", [1_000, 100_000])
def test_a_long_text_is_no_identifier_and_costs_nothing(length: int) -> None:
    text = "a." * length + "example"
    assert [named(source, text) for source in SOURCES] == [None] * 3
    assert email_address(f"ann@{text}") is None
    assert phone_address("1" * length) is None


def test_a_short_salesforce_id_is_its_long_one() -> None:
    assert long_id("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert long_id("001D000000IqhSLIAZ") == "001D000000IqhSLIAZ"
    assert long_id("C-1") == "C-1"
