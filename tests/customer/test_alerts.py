"""Rules at a customer: what people who have to act are told, and when, and that it is taken back."""

from typing import Any

from jsonschema import Draft202012Validator
from msgspec import json, structs

from config.settings import DAY_MS, HOUR_MS
from schemas.json_schema import schemas
from schemas.state import EpisodeItem
from tests.customer.desk import ANN, MODEL, Desk, a_model, ms, post
from tests.customer.episodes import rule
from topologies.customer.rules.expr import compile_expr
from topologies.customer.rules.load import load_rules
from topologies.customer.rules.rule import Rule

HOUR = HOUR_MS


def a_rule(rule_id: str, expr: str, **more: Any) -> Rule:
    """A rule about acts that are not ours."""
    rest: dict[str, Any] = {"kind": "match", "threshold": 1.0, "within_ms": HOUR, "cooldown_ms": HOUR} | more
    condition = compile_expr(f'({expr}) && act.role == ""')
    source = {"id": rule_id, "hash": rest.get("hash", rule_id)}
    return rule(id=rule_id, title=rule_id, condition=condition, source=source, **({"hash": rule_id} | rest))


def crosses(rule_id: str = "at-risk", expr: str = "true", **more: Any) -> Rule:
    """A rule about the risk of a customer."""
    rest: dict[str, Any] = {
        "hash": rule_id,
        "threshold": 40.0,
        "exit": 30.0,
        "score": "risk",
        "cooldown_ms": HOUR,
    } | more
    return rule(
        id=rule_id, title=rule_id, kind="score_crosses", condition=compile_expr(expr), source={"id": rule_id}, **rest
    )


ANGRY = a_rule("angry", "sentiment <= -0.5", severity="high", runbook="call", targets=("support",))
THRICE = a_rule("thrice", "sentiment < 0.0", kind="event_count", threshold=3.0)


def desk_of(*rules: Rule, **more: Any) -> Desk:
    return Desk(a_model(*rules, **more))


# ---------------------------------------------------------------- match
def test_an_act_fires_and_the_alert_says_why_and_what_to_do() -> None:
    desk = desk_of(structs.replace(ANGRY, reason="{customer.name} is angry: “{act.text}”"))
    desk.record({"name": "Ann Lee", "tier": "gold"})
    out = desk.join(post("x:1/7", 1, "awful"), confidence=950)
    (value,) = [value for name, _, value in out if name == "alerts"]
    assert ("alerts", value.id, value) in out
    assert (value.rule, value.status, value.severity) == ("angry", "fired", "high")
    assert (value.value, value.threshold, value.evidence, value.link_confidence) == (1, 1, ("x:1/7",), 0.95)
    assert value.reason == "Ann Lee is angry: “awful”"
    assert (value.runbook, value.targets, value.group) == ("call", ("support",), {})
    assert (value.customer.name, value.episode_start, value.at) == (
        "Ann Lee",
        "2025-10-09T09:53:20.000Z",
        "2025-10-09T09:53:20.000Z",
    )


def test_an_alert_is_over_when_stream_time_says_so() -> None:
    desk = desk_of(ANGRY)
    desk.join(post("a", 1, "awful"))
    assert desk.due() == ms(2)
    desk.tick(ms(2) - 1)
    assert desk.alerts() == ["angry fired"]
    desk.tick(ms(2))
    assert desk.alerts() == ["angry fired", "angry resolved"]
    assert desk.last("alerts").at == "2025-10-09T10:53:20.000Z"


def test_later_acts_of_an_open_alert_move_its_end_and_cost_one_wake() -> None:
    desk = desk_of(ANGRY)
    for minute in range(0, 50, 10):
        desk.join(post(f"a{minute}", 1 + minute / 60, "awful"))
    assert desk.due() == ms(2)
    desk.tick(ms(2))
    assert desk.due() == ms(1 + 40 / 60) + HOUR
    assert desk.alerts() == ["angry fired"] + ["angry updated"] * 4


def test_a_deleted_act_takes_its_alert_back() -> None:
    desk = desk_of(ANGRY)
    desk.join(post("a", 1, "awful"))
    desk.unjoin("a")
    assert desk.alerts() == ["angry fired", "angry withdrawn"]
    assert "Taken back" in desk.last("alerts").reason


def test_an_edited_act_that_no_longer_matches_takes_its_alert_back() -> None:
    desk = desk_of(ANGRY)
    desk.join(post("a", 1, "awful"))
    desk.join(post("a", 1, "good"), revision=2)
    assert desk.alerts() == ["angry fired", "angry withdrawn"]


def test_a_link_that_is_not_sure_enough_fires_nothing_and_takes_back_what_it_did() -> None:
    desk = desk_of(structs.replace(ANGRY, link_confidence_min=0.96))
    desk.join(post("a", 1, "awful"), confidence=950)
    assert desk.alerts() == []
    desk.join(post("b", 1.1, "awful"), confidence=999)
    desk.join(post("b", 1.1, "awful"), confidence=950, revision=2)
    assert desk.alerts() == ["angry fired", "angry withdrawn"]


def test_our_own_answer_meets_no_condition_that_does_not_ask_for_it() -> None:
    rules, problems = load_rules()
    assert not problems
    desk = desk_of(*rules)
    desk.record({"name": "Ann", "tier": "gold"})
    for name in "abc":
        desk.join(post(name, 1, "awful, we are sorry about your lawyer", kind="reply", role="reply"))
    assert desk.alerts() == []
    desk.join(post("d", 1, "awful, here comes my lawyer"))
    assert desk.alerts() == ["angry-vip fired", "legal-or-press fired"]


def test_our_own_answers_can_be_asked_for() -> None:
    asks = structs.replace(ANGRY, condition=compile_expr('act.role == "reply" && act.kind == "reply"'))
    desk = desk_of(asks)
    desk.join(post("a", 1, "awful"))
    assert desk.alerts() == []
    desk.join(post("b", 1, "sorry", kind="reply", role="reply"))
    assert desk.alerts() == ["angry fired"]


# ---------------------------------------------------------------- event_count
def test_acts_are_counted_over_the_time_they_were_done_in() -> None:
    desk = desk_of(THRICE)
    desk.join(post("a", 1, "bad"))
    desk.join(post("c", 1.5, "bad"))
    assert desk.alerts() == []
    desk.join(post("b", 1.2, "bad"))
    assert desk.alerts() == ["thrice fired"]
    assert desk.last("alerts").evidence == ("c", "b", "a")
    desk.unjoin("b")
    assert desk.alerts() == ["thrice fired", "thrice withdrawn"]


def test_an_act_at_two_accounts_of_one_customer_is_counted_once() -> None:
    twice = structs.replace(THRICE, threshold=2.0)
    desk = desk_of(twice)
    for account in (ANN, "account:x:2"):
        desk.join(post("a", 1, "bad"), account=account)
    assert desk.alerts() == []


def test_a_rule_that_has_to_hold_waits_for_stream_time() -> None:
    desk = desk_of(structs.replace(THRICE, for_ms=HOUR // 4))
    for name in "abc":
        desk.join(post(name, 1, "bad"))
    assert desk.alerts() == []
    assert desk.due() == ms(1.25)
    desk.tick(ms(1.25))
    assert desk.alerts() == ["thrice fired"]


def test_cooldown_lets_one_of_two_bursts_fire() -> None:
    desk = desk_of(structs.replace(ANGRY, within_ms=HOUR, cooldown_ms=4 * HOUR))
    desk.join(post("a", 1, "awful"))
    desk.tick(ms(2))
    desk.join(post("b", 3, "awful"))
    assert desk.alerts() == ["angry fired", "angry resolved"]
    desk.join(post("c", 5, "awful"))
    assert desk.alerts()[2:] == ["angry fired"]


def test_sealed_acts_keep_their_alert() -> None:
    desk = desk_of(structs.replace(ANGRY, within_ms=5 * DAY_MS, cooldown_ms=5 * DAY_MS))
    desk.join(post("a", 1, "awful"))
    desk.tick(ms(24 * 4))
    assert [name for name in desk.items if name.startswith("act:")] == []
    assert desk.alerts() == ["angry fired"]
    desk.tick(ms(24 * 5 + 1))
    assert desk.alerts() == ["angry fired", "angry resolved"]


# ---------------------------------------------------------------- score_crosses
def test_a_score_that_rises_fires_and_is_over_when_it_has_fallen() -> None:
    desk = desk_of(crosses())
    desk.join(post("a", 1, "awful"))
    assert desk.alerts() == []
    desk.join(post("b", 1, "awful"))
    first = desk.last("alerts")
    assert (first.status, first.value, first.threshold, first.evidence) == ("fired", 48.8, 40.0, ("b", "a"))
    while desk.alerts()[-1] != "at-risk resolved":
        desk.tick(desk.due())
    assert desk.alerts() == ["at-risk fired", "at-risk updated", "at-risk resolved"]
    assert [value.value for value in desk.of("alerts")] == [48.8, 39.0, 29.8]


def test_a_score_must_hold_for_as_long_as_the_rule_says() -> None:
    desk = desk_of(crosses(for_ms=HOUR))
    desk.join(post("a", 1, "awful"))
    desk.join(post("b", 1, "awful"))
    assert desk.alerts() == []
    desk.tick(ms(2) - 1)
    assert desk.alerts() == []
    desk.tick(ms(2))
    assert desk.alerts() == ["at-risk fired"]


def test_a_retracted_act_ends_the_alert_on_the_score() -> None:
    desk = desk_of(crosses())
    desk.join(post("a", 1, "awful"))
    desk.join(post("b", 1, "awful"))
    desk.unjoin("b")
    assert desk.alerts() == ["at-risk fired", "at-risk resolved"]


def test_a_score_that_falls_by_itself_fires_from_above() -> None:
    quiet = crosses("quiet", score="engagement", rising=False, threshold=5.0, exit=20.0)
    desk = desk_of(quiet)
    for name in "abcd":
        desk.join(post(name, 1))
    while desk.alerts() == []:
        desk.tick(desk.due())
    assert desk.alerts() == ["quiet fired"]
    assert desk.last("alerts").value == 5.0


def test_a_condition_on_the_customer_opens_and_closes_with_the_profile() -> None:
    desk = desk_of(crosses(expr='customer.tier == "gold"'))
    desk.join(post("a", 1, "awful"))
    desk.join(post("b", 1, "awful"))
    assert desk.alerts() == []
    assert desk.counted("conditions_unknown_total") == 2
    desk.record({"tier": "gold"})
    assert desk.alerts() == ["at-risk fired"]
    desk.record({"tier": "silver"})
    assert desk.alerts() == ["at-risk fired", "at-risk resolved"]


def test_an_act_is_judged_by_the_customer_of_its_moment() -> None:
    desk = desk_of(a_rule("vip", 'customer.tier == "gold"'))
    desk.join(post("a", 1))
    desk.record({"tier": "gold"})
    assert desk.alerts() == []
    desk.join(post("b", 2))
    assert desk.alerts() == ["vip fired"]


# ---------------------------------------------------------------- models
def test_a_removed_rule_ends_its_alert_with_its_reason() -> None:
    desk = desk_of(ANGRY)
    desk.join(post("a", 1, "awful"))
    desk.model = a_model(THRICE)
    desk.join(post("b", 1.1, "good"))
    assert desk.alerts() == ["angry fired", "angry resolved"]
    assert desk.last("alerts").reason == "Over: rule changed"
    assert "rule:angry" not in desk.items


def test_a_changed_rule_ends_its_alert_and_knows_nothing_of_what_the_old_one_saw() -> None:
    desk = desk_of(structs.replace(ANGRY, kind="event_count", threshold=1.0))
    desk.join(post("a", 1, "awful"))
    changed = structs.replace(
        ANGRY, hash="other", source={"id": "angry", "hash": "other"}, kind="event_count", threshold=2.0
    )
    desk.model = a_model(changed)
    desk.join(post("b", 1.1, "good"))
    assert desk.alerts() == ["angry fired", "angry resolved"]
    desk.join(post("c", 2.5, "awful"))
    assert desk.alerts()[2:] == []
    desk.join(post("d", 2.6, "awful"))
    assert desk.alerts()[2:] == ["angry fired"]
    assert desk.last("alerts").evidence == ("d", "c")


def test_a_new_title_leaves_an_alert_alone() -> None:
    desk = desk_of(ANGRY)
    desk.join(post("a", 1, "awful"))
    desk.model = a_model(
        structs.replace(ANGRY, title="Furious", severity="low", source={"id": "angry", "title": "Furious"})
    )
    desk.join(post("b", 1.1, "good"))
    assert desk.alerts() == ["angry fired"]
    desk.tick(ms(2))
    assert (desk.last("alerts").status, desk.last("alerts").severity) == ("resolved", "low")


def test_hundreds_of_removed_rules_are_ended_page_by_page() -> None:
    desk = desk_of(*(a_rule(f"r{n:03d}", "true") for n in range(300)))
    desk.join(post("a", 1))
    assert desk.alerts() == [f"r{n:03d} fired" for n in range(300)]
    desk.model = MODEL
    desk.join(post("b", 2))
    assert sorted(desk.alerts()[300:]) == [f"r{n:03d} resolved" for n in range(300)]
    assert not any(isinstance(item, EpisodeItem) for item in desk.items.values())


# ---------------------------------------------------------------- many rules
def test_hundreds_of_rules_fire_page_by_page_each_once_and_are_taken_back() -> None:
    rules = [a_rule(f"r{n:03d}", "true") for n in range(300)] + [
        crosses(f"s{n:03d}", threshold=20.0, exit=10.0) for n in range(200)
    ]
    desk = desk_of(*rules)
    desk.join(post("a", 1, "awful"))
    fired = [f"r{n:03d} fired" for n in range(300)] + [f"s{n:03d} fired" for n in range(200)]
    assert sorted(desk.alerts()) == fired
    assert len({value.id for value in desk.of("alerts")}) == 500
    desk.unjoin("a")
    taken = [f"r{n:03d} withdrawn" for n in range(300)] + [f"s{n:03d} resolved" for n in range(200)]
    assert sorted(desk.alerts()[500:]) == taken


def test_unknown_conditions_are_counted_per_rule_and_bounded() -> None:
    desk = desk_of(a_rule("gold", 'customer.tier == "gold"'), a_rule("cases", "customer.open_cases > 0"), ANGRY)
    desk.join(post("a", 1, "hello"))
    assert [fact.rule for fact in desk.notes if fact.counter == "conditions_unknown_total"] == ["angry", "gold"]
    many = desk_of(*(a_rule(f"r{n:03d}", 'customer.tier == "gold"') for n in range(400)))
    many.join(post("a", 1, "hello"))
    assert many.counted("conditions_unknown_total") == 400
    assert many.alerts() == []


def test_every_alert_is_as_published() -> None:
    rules, _ = load_rules()
    desk = desk_of(*rules)
    desk.record({"name": "Ann", "tier": "gold"})
    for n in range(4):
        desk.join(post(f"a{n}", n, "awful, here comes my lawyer"))
    desk.unjoin("a0")
    for hour in range(4, 60):
        desk.tick(ms(hour))
    known = schemas()
    seen = set()
    for output, _, value in desk.published:
        Draft202012Validator(known[output]).validate(json.decode(json.encode(value)))
        seen.add((output, getattr(value, "status", "")))
    assert seen >= {("alerts", one) for one in ("fired", "updated", "resolved", "withdrawn")} | {
        ("scores", ""),
        ("enriched", ""),
    }
