"""What people typed into CRM fields: several in one field, sentences, fillers, and ten thousand of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import IdentitySettings
from topologies.normalise.values import (
    CLAIM_BYTES_MAX,
    IDENTIFIERS_MAX,
    TEXT_BYTES_MAX,
    Found,
    flag_of,
    identifiers_of,
    text_of,
)

PLAIN = IdentitySettings(default_country="DE")

FIELDS: list[tuple[str, Any, str | None, tuple[str, ...]]] = [
    ("x", "@ann", "handle:x:ann", ()),
    ("x", "@ann, @bea; https://x.com/cia", "handle:x:ann handle:x:bea handle:x:cia", ()),
    ("x", "@ann @bea", "handle:x:ann handle:x:bea", ()),
    ("x", "@ann\n@ANN", "handle:x:ann", ()),
    ("x", "@ ann", "handle:x:ann", ()),
    ("x", ["@ann", "123"], "handle:x:ann account:x:123", ()),
    ("x", 123, "account:x:123", ()),
    ("x", "Ann Lee (@annlee)", "handle:x:annlee", ()),
    ("x", "see LinkedIn", None, ("unreadable",)),
    ("x", "https://bsky.app/profile/ann.example", None, ("unreadable",)),
    ("x", "account:x:1 handle:x:ann", "account:x:1 handle:x:ann", ()),
    ("x", "handle:bluesky:ann.example", None, ("unreadable",)),
    ("x", "x:@ann", "handle:x:ann", ()),
    ("bluesky", "ann.example bea.example", "handle:bluesky:ann.example handle:bluesky:bea.example", ()),
    ("bluesky", "my handle is @ann.example", "handle:bluesky:ann.example", ()),
    ("bluesky", "did:plc:abc234", "account:bluesky:did:plc:abc234", ()),
    ("mastodon", "@ann@m.example / ann@o.example", "account:mastodon:ann@m.example account:mastodon:ann@o.example", ()),
    ("email", "Ann <ann@a.example>, bea@b.example", "email:ann@a.example email:bea@b.example", ()),
    ("email", "n/a", None, ("blocked",)),
    ("email", "ann@a.example; none", "email:ann@a.example", ("blocked",)),
    ("email", "test@a.example", None, ("blocked",)),
    ("email", "not yet", None, ("unreadable",)),
    ("phone", "030 90 18 20; +1 415 555 1212", "phone:+4930901820 phone:+14155551212", ()),
    ("phone", "000 000 000", None, ("blocked",)),
    ("phone", 4930901820, "phone:+4930901820", ()),
    ("x", None, None, ()),
    ("x", "", None, ()),
    ("x", "  ", None, ()),
    ("x", [], None, ()),
    ("x", {"handle": "ann"}, None, ("unreadable",)),
    ("x", True, None, ("blocked",)),
]


@pytest.mark.parametrize(("field", "value", "want", "left_out"), FIELDS)
def test_a_field_becomes_identifiers(field: str, value: Any, want: str | None, left_out: tuple[str, ...]) -> None:
    assert identifiers_of(field, value, PLAIN) == Found(want, left_out)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [" ".join, list, ", ".join])
def test_of_ten_thousand_handles_a_few_are_kept_and_the_rest_is_counted(form: Any) -> None:
    found = identifiers_of("x", form([f"@ann{number}" for number in range(10_000)]), PLAIN)
    assert found.value == " ".join(f"handle:x:ann{number}" for number in range(IDENTIFIERS_MAX))
    assert found.too_many == 10_000 - IDENTIFIERS_MAX


def test_ten_thousand_words_are_not_looked_at_one_by_one() -> None:
    found = identifiers_of("email", ", ".join(["nobody"] * 10_000), PLAIN)
    assert found.value is None
    assert len(found.left_out) < 100
    assert found.too_many > 9_000


def test_a_field_is_bounded_in_bytes_as_well() -> None:
    hosts = [".".join([letter * 60] * 4) + ".example" for letter in "abcdefghi"]
    found = identifiers_of("bluesky", hosts, PLAIN)
    assert len(found.value or "") <= CLAIM_BYTES_MAX
    assert found.value == " ".join(f"handle:bluesky:{host}" for host in hosts[: len((found.value or "").split())])


TEXTS: list[tuple[Any, str | None]] = [
    (None, None),
    ("", None),
    ("  ", None),
    (" Gold ", "Gold"),
    (True, "true"),
    (7, "7"),
    (7.0, "7"),
    (7.5, "7.5"),
    (1e300, "1e+300"),
    (12345678901234567890123, "12345678901234567890123"),
    (["a", "b", 3], "a; b; 3"),
    ([], None),
    ({}, None),
    ({"a": 1}, '{"a":1}'),
    ([{"a": 1}], '[{"a":1}]'),
    (10**2000, None),
]


@pytest.mark.parametrize(("value", "want"), TEXTS)
def test_any_value_has_one_text(value: Any, want: str | None) -> None:
    assert text_of(value) == Found(want)


def test_a_long_text_is_cut_between_letters() -> None:
    found = text_of("ä" * TEXT_BYTES_MAX)
    assert found == Found("ä" * (TEXT_BYTES_MAX // 2), ("too long",))


@pytest.mark.parametrize(
    ("value", "want"),
    [(True, "true"), ("Yes", "true"), (1, "true"), ("false", "false"), (0, "false"), (None, None), ("", None)],
)
def test_a_flag_is_true_false_or_nothing(value: Any, want: str | None) -> None:
    assert flag_of(value) == Found(want)


def test_a_flag_that_is_neither_is_left_out() -> None:
    assert flag_of("maybe") == Found(None, ("unreadable",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(("bluesky", "x", "mastodon", "email", "phone")), JSON)
def test_any_value_of_a_field_gives_clean_identifiers_of_its_kind(field: str, value: Any) -> None:
    found = identifiers_of(field, value, PLAIN)
    kinds = (f"{field}:",) if field in {"email", "phone"} else (f"account:{field}:", f"handle:{field}:")
    identifiers = (found.value or "").split(" ") if found.value else []
    assert all(identifier.startswith(kinds) for identifier in identifiers)
    assert len(identifiers) == len(set(identifiers)) <= IDENTIFIERS_MAX
    text_of(value)
    flag_of(value)
