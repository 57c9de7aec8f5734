"""Whose act it is, told by hand: small stories with the answer beside them."""

from topologies.traffic.truth import Decided, Done, Hidden, Named, Seen, Truth, Undone

ANN, BEA = "hubspot:contact:1", "hubspot:contact:2"
ACCOUNT = "bluesky:did:plc:a"
HOUR = 3_600_000
NOON = 1_764_000_000_000


def act(name: str, at: int = NOON, author: str = ACCOUNT, handle: str = "") -> Done:
    return Done(name, author, at, handle, is_relevant=True)


def owners(*facts: Done | Undone | Hidden | Seen | Named | Decided) -> dict[str, str | None]:
    """The answer once all of it was delivered."""
    truth = Truth()
    truth.learn(facts)
    return truth.owners()


def test_an_account_that_a_record_names_is_the_customers() -> None:
    assert owners(Named(ANN, "bluesky", NOON - HOUR, ACCOUNT), act("1")) == {"1": ANN}


def test_what_was_said_up_to_a_day_before_is_the_customers_too() -> None:
    facts = Named(ANN, "bluesky", NOON, ACCOUNT), act("1", NOON - 24 * HOUR), act("2", NOON - 24 * HOUR - 1)
    assert owners(*facts) == {"1": ANN, "2": None}


def test_a_handle_is_the_customers_once_somebody_is_seen_to_use_it() -> None:
    claim = Named(ANN, "bluesky", NOON - HOUR, handle="bluesky:ann.example")
    assert owners(claim, act("1")) == {"1": None}
    assert owners(claim, act("1"), Seen(ACCOUNT, "bluesky:ann.example", NOON + HOUR)) == {"1": ANN}


def test_a_corrected_record_keeps_what_it_said_while_it_said_it() -> None:
    facts = (
        Named(ANN, "bluesky", NOON - HOUR, ACCOUNT),
        Named(ANN, "bluesky", NOON + HOUR, "bluesky:did:plc:right"),
        act("1"),
        act("2", NOON + 2 * HOUR),
        act("3", NOON, "bluesky:did:plc:right"),
    )
    assert owners(*facts) == {"1": ANN, "2": None, "3": ANN}


def test_two_customers_with_equal_claims_get_nothing() -> None:
    assert owners(Named(ANN, "x", 0, ACCOUNT), Named(BEA, "x", 0, ACCOUNT), act("1")) == {"1": None}


def test_what_a_person_says_beats_records() -> None:
    claim = Named(ANN, "x", 0, ACCOUNT)
    assert owners(claim, act("1"), Decided(BEA, ACCOUNT, is_theirs=True)) == {"1": BEA}
    assert owners(claim, act("1"), Decided(ANN, ACCOUNT, is_theirs=False)) == {"1": None}


def test_deleted_acts_and_those_of_hidden_accounts_are_nobodys_business() -> None:
    claim = Named(ANN, "x", 0, ACCOUNT)
    assert owners(claim, act("1"), Undone("1"), act("2")) == {"2": ANN}
    assert owners(claim, act("1"), Hidden(ACCOUNT, is_away=True)) == {}
    assert owners(claim, act("1"), Hidden(ACCOUNT, is_away=True), Hidden(ACCOUNT, is_away=False)) == {"1": ANN}
