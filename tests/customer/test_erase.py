"""Forgetting a person: at once, completely, and for as long as something of them may still be under way."""

from typing import Any

import pytest
from msgspec import json, to_builtins
from msgspec.structs import replace

from config.settings import HOUR_MS
from schemas.events import Claim, Content, Join, JoinedAct, Purge
from schemas.log import Continue, Wake
from schemas.state import CustomerHead
from tests.customer.desk import ANN, MODEL, RECORD, WHO, Desk, a_model, a_record, kinds, lowered, ms, post
from tests.customer.test_alerts import ANGRY, a_rule, crosses

KEEP_MS = MODEL.identity.erase_keep_ms
KEY = "salesforce:contact:51"
WORDS = ("Ann", "awful", "gold", "secret", "olga")
"""What would give the person away."""


def known(desk: Desk) -> Desk:
    """Somebody of whom much is known."""
    desk.record({"name": "Ann", "tier": "gold", "x": f"{ANN} handle:x:secret", "email": "email:secret@a.example"})
    desk.record({"status": "open", "owner": "olga"}, subject="record:zendesk:case:1")
    desk.decide("never", "account:x:2")
    desk.join(post("x:1/1", 1, "awful", handle="handle:x:secret", name="Ann"), revision=4)
    desk.join(post("x:1/2", 1, "awful"), revision=1)
    desk.join(post("x:3/1", 1, "awful"), account="account:x:3", revision=1)
    desk.unjoin("x:1/2", revision=2)
    return desk


def test_everything_goes_but_a_tombstone() -> None:
    desk = known(Desk(a_model(ANGRY, crosses())))
    start = len(desk.published)
    desk.sent.clear()
    desk.erase(ms(5))
    head = desk.items.pop("head")
    assert desk.items == {}
    assert (head.erased_at, head.erased_until, head.identifiers) == (ms(5), ms(5) + KEEP_MS, ())
    out = desk.published[start:]
    assert [(name, value) for name, key, value in out if value is None] == [("profiles", None), ("scores", None)]
    assert [(v.act.id, v.revision, v.retracted, v.act.text) for n, _, v in out if n == "enriched"] == [
        ("x:1/1", 5, True, ""),
        ("x:3/1", 2, True, ""),
    ]
    alerts = [value for name, _, value in out if name == "alerts"]
    assert [(value.rule, value.status, value.reason) for value in alerts] == [
        ("angry", "resolved", "Over: erased"),
        ("at-risk", "resolved", "Over: erased"),
    ]
    assert all(value.evidence == () and value.link_confidence is None for value in alerts)
    said = json.encode(to_builtins([value for _, _, value in out if value is not None])).decode()
    assert not any(word in said for word in WORDS)
    assert desk.counted("customers_erased_total") == 1


def test_claims_are_withdrawn_and_everybody_who_keeps_something_is_told() -> None:
    desk = known(Desk())
    desk.sent.clear()
    desk.erase(ms(5))
    assert {to for to, claim in desk.told(Claim) if claim.intervals == ()} == {ANN, "handle:x:secret", "account:x:2"}
    purged = desk.told(Purge)
    records = {RECORD, "record:zendesk:case:1"}
    assert {to for to, _ in purged} == {ANN, "handle:x:secret", "account:x:2", "account:x:3"} | records
    assert len(purged) == 6
    assert {(event.sender, event.at) for _, event in purged} == {(WHO, ms(5))}


def test_an_account_is_purged_also_when_its_acts_were_sealed() -> None:
    desk = Desk()
    desk.join(post("x:3/1", 1, "awful"), account="account:x:3")
    desk.tick(ms(24 * 9))
    desk.erase(ms(24 * 9))
    assert [to for to, _ in desk.told(Purge)] == ["account:x:3"]


def test_what_comes_later_is_dropped_and_counted_and_asked_to_forget() -> None:
    desk = known(Desk())
    desk.erase(ms(5))
    items = dict(desk.items)
    desk.sent.clear()
    assert desk.join(post("x:4/1", 6, "awful"), account="account:x:4") == []
    assert desk.record({"name": "Ann"}, subject="record:hubspot:contact:7") == []
    assert desk.decide("is", "account:x:9") == []
    assert desk.items == items
    facts = [fact.kind for fact in desk.notes if fact.counter == "erased_events_dropped_total"]
    assert facts == ["join", "content", "decided"]
    assert [to for to, _ in desk.told(Purge)] == ["account:x:4", "record:hubspot:contact:7"]


def test_echoes_of_the_erasing_are_not_counted() -> None:
    desk = known(Desk())
    desk.erase(ms(5))
    desk.sent.clear()
    assert desk.unjoin("x:1/1", revision=5) == []
    assert desk.no_record() == []
    desk.fold(Continue("rest"))
    assert desk.sent == []
    assert desk.counted("erased_events_dropped_total") == 0


def test_whoever_is_not_known_leaves_a_tombstone_too() -> None:
    desk = Desk()
    assert desk.erase(ms(5)) == []
    assert [*desk.items] == ["head"]
    assert desk.join(post("a", 6, "awful")) == []


def test_the_tombstone_goes_when_its_time_has_come() -> None:
    desk = known(Desk())
    desk.erase(ms(5))
    assert desk.due() == ms(5) + KEEP_MS
    desk.tick(ms(5) + KEEP_MS - 1)
    assert isinstance(desk.items["head"], CustomerHead)
    desk.fold(Wake(0))
    assert desk.due() == ms(5) + KEEP_MS
    desk.tick(ms(5) + KEEP_MS)
    assert desk.items == {}
    assert desk.due() == 0


def test_asked_again_the_tombstone_stays_longer() -> None:
    desk = known(Desk())
    desk.erase(ms(5))
    published = len(desk.published)
    desk.erase(ms(9))
    assert (desk.items["head"].erased_at, desk.items["head"].erased_until) == (ms(5), ms(9) + KEEP_MS)
    desk.erase(ms(7))
    assert desk.due() == ms(9) + KEEP_MS
    assert len(desk.published) == published
    assert desk.counted("customers_erased_total") == 1


def test_a_time_of_zero_erases_as_well() -> None:
    desk = known(Desk())
    desk.erase(0)
    assert [*desk.items] == ["head"]
    assert desk.join(post("a", 6, "awful")) == []


def test_nothing_is_said_of_what_was_never_published() -> None:
    desk = Desk()
    desk.record({"x": ANN})
    desk.no_record()
    start = len(desk.published)
    desk.erase(ms(5))
    assert desk.published[start:] == []


@pytest.mark.parametrize("count", [512, 90, 1])
def test_hundreds_of_acts_go_page_by_page(count: int) -> None:
    rules = [a_rule(f"r{n:02d}", 'act.text == "awful"') for n in range(90)]
    desk = Desk(lowered(a_model(*rules), identifiers_max=120))
    desk.record({"name": "Ann", "x": " ".join(f"account:x:{n}" for n in range(120))})
    for n in range(count):
        desk.join(post(f"x:{n}/1", n / 600, "" if n else "awful"), account=f"account:x:{n}")
    open_alerts = {value.id for value in desk.of("alerts")}
    desk.sent.clear()
    start = len(desk.published)
    desk.erase(ms(5))
    assert [*desk.items] == ["head"]
    assert desk.items["head"].identifiers == ()
    out = desk.published[start:]
    assert {value.act.id for name, _, value in out if name == "enriched"} == {f"x:{n}/1" for n in range(count)}
    assert {value.id for name, _, value in out if name == "alerts"} == open_alerts
    assert {to for to, _ in desk.told(Purge)} == {RECORD, *(f"account:x:{n}" for n in range(max(count, 120)))}
    assert kinds(out).count("profiles") == kinds(out).count("scores") == 1


def test_what_was_under_way_between_two_pages_is_dropped() -> None:
    desk = Desk()
    for n in range(300):
        desk.join(post(f"x:1/{n}", n / 300, "awful"))
    late: Any = Join(ANN, "x:1/7", desk.version(), 2, JoinedAct(post("x:1/7", 0, "awful"), ANN, 999, "asserted", (), 0))
    record = Content(RECORD, RECORD, desk.version(), a_record({"name": "Ann"}))
    desk.erase(ms(5))
    desk.fold(late)
    desk.fold(record)
    assert [*desk.items] == ["head"]


def test_a_new_model_does_not_wake_the_dead() -> None:
    desk = known(Desk(a_model(ANGRY)))
    desk.erase(ms(5))
    desk.model = replace(MODEL, hash="other")
    assert desk.join(post("a", 6, "awful")) == []
    desk.tick(ms(6) + HOUR_MS)
    assert [*desk.items] == ["head"]
