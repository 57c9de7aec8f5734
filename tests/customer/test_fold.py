"""Acts of a customer as time flows: joined, edited, gone, sealed; and what subscribers are told of them and the score."""

from typing import Any

import pytest

from config.settings import DAY_MS, HOUR_MS
from schemas.events import Join, JoinedAct, Sighting
from schemas.log import SwitchModel, Wake
from schemas.state import JoinedItem, ScoreItem, Shown
from streams.core.effects import Reject
from streams.core.fold import Now, State
from tests.customer.desk import ANN, MODEL, WHO, Desk, a_model, kinds, lowered, ms, post
from topologies.customer.acts import SEAL_SLACK_MS
from topologies.customer.fold import customer

KEY = "salesforce:contact:51"
HOLD_MS = MODEL.identity.hold_ms


def items(desk: Desk) -> dict[str, JoinedItem]:
    """Kept acts by id."""
    return {name.partition("\x1f")[2]: item for name, item in desk.items.items() if isinstance(item, JoinedItem)}


# ---------------------------------------------------------------- acts
def test_an_act_is_enriched_once_and_counted() -> None:
    desk = Desk()
    desk.record({"name": "Ann Lee", "tier": "gold", "region": "north"})
    act = post(
        "x:1/7", 1, "awful app", uri="https://x.example/7", targets=("account:x:99",), handle="handle:x:ann", name="Ann"
    )
    out = desk.join(act, revision=3, evidence=("x=salesforce:contact:51", "handle=x:ann"), since=ms(0))
    assert kinds(out) == ["enriched", "scores"]
    assert [key for _, key, _ in out] == [KEY, KEY]
    value = out[0][2]
    assert (value.revision, value.retracted, value.model) == (3, False, MODEL.hash)
    assert (value.act.id, value.act.text, value.act.targets) == ("x:1/7", "awful app", ("x:99",))
    assert (value.author.identifier, value.author.handle, value.author.name) == ("x:1", "ann", "Ann")
    assert (value.customer.id, value.customer.tier, value.customer.fields) == (KEY, "gold", {"region": "north"})
    assert (value.link.confidence, value.link.method) == (0.999, "asserted")
    assert [(one.kind, one.value) for one in value.link.evidence] == [
        ("x", "salesforce:contact:51"),
        ("handle", "x:ann"),
    ]
    assert value.link.evidence[0].since == "2025-10-09T08:53:20.000Z"
    assert (value.sentiment.value, value.sentiment.lang, value.sentiment.hits) == (-0.67, "en", 1)
    assert (value.score.engagement, value.score.risk, value.score.band) == (13.9, 28.5, "ok")
    assert value.intents == ()


def test_the_same_stance_again_is_no_news_nor_is_an_older_one() -> None:
    desk = Desk()
    joined = JoinedAct(post("a", 1, "good"), ANN, 999, "asserted", (), 0)
    new, old = Join(ANN, "a", 200, 2, joined), Join(ANN, "a", 100, 1, joined)
    assert kinds(desk.fold(new)) == ["enriched", "scores"]
    assert desk.fold(new) == []
    assert desk.fold(old) == []
    assert desk.fold(Join(ANN, "a", 150, 1, None)) == []


def test_an_edit_replaces_the_act() -> None:
    desk = Desk()
    desk.join(post("a", 1, "awful"))
    out = desk.join(post("a", 1, "good", version="2"), revision=2)
    assert kinds(out) == ["enriched", "scores"]
    assert (out[0][2].revision, out[0][2].act.text, out[0][2].sentiment.value) == (2, "good", 0.459)
    assert (out[1][2].acts, out[1][2].risk, out[1][2].trend) == (1, 0.0, "down")


def test_the_same_revision_is_not_enriched_again() -> None:
    desk = Desk()
    desk.join(post("a", 1, "good"), revision=4)
    assert desk.join(post("a", 1, "good"), revision=4, confidence=1000) == []
    assert items(desk)["a"].confidence == 1000


def test_an_act_that_leaves_is_retracted_without_its_text_and_does_not_count() -> None:
    desk = Desk()
    desk.join(post("a", 1, "awful", handle="handle:x:ann", name="Ann"))
    out = desk.unjoin("a", revision=2)
    assert kinds(out) == ["enriched", "scores"]
    value = out[0][2]
    assert (value.revision, value.retracted, value.act.id, value.act.text) == (2, True, "a", "")
    assert (value.link, value.sentiment, value.author.name, value.author.handle) == (None, None, None, None)
    assert (value.act.source, value.act.kind, value.act.at) == ("x", "post", "2025-10-09T09:53:20.000Z")
    assert (out[1][2].engagement, out[1][2].risk, out[1][2].sentiment, out[1][2].acts) == (0.0, 0.0, None, 0)
    assert out[1][2].contributions == ()


def test_an_act_can_come_back() -> None:
    desk = Desk()
    desk.join(post("a", 1, "awful"))
    before = desk.items["score"]
    desk.unjoin("a", revision=2)
    assert desk.unjoin("a", revision=3) == []
    out = desk.join(post("a", 1, "awful"), revision=4)
    assert (out[0][2].revision, out[0][2].retracted) == (4, False)
    assert desk.items["score"] == before


def test_an_absence_that_comes_first_wins_over_the_older_act() -> None:
    desk = Desk()
    joined = JoinedAct(post("a", 1, "good"), ANN, 999, "asserted", (), 0)
    assert desk.fold(Join(ANN, "a", 200, 2, None), ms(1)) == []
    assert desk.fold(Join(ANN, "a", 100, 1, joined), ms(1)) == []
    assert desk.due() == ms(1) + HOLD_MS + SEAL_SLACK_MS
    desk.tick(desk.due())
    assert items(desk) == {}


def test_our_own_answer_joins_and_scores_nothing() -> None:
    desk = Desk()
    answer = post("x:99/1", 2, "awful, sorry!", kind="reply", role="reply", handle="handle:x:acme", in_reply_to="x:1/7")
    out = desk.join(answer)
    assert kinds(out) == ["enriched"]
    value = out[0][2]
    assert (value.author.identifier, value.author.handle) == ("x:99", "acme")
    assert (value.score.engagement, value.score.risk, value.score.sentiment, value.score.band) == (0.0, 0.0, None, "ok")
    assert "score" not in desk.items
    desk.join(post("x:1/8", 3, "good"))
    assert desk.last("scores").acts == 1
    assert kinds(desk.unjoin("x:99/1")) == ["enriched"]
    assert desk.items["score"].acts == 1


@pytest.mark.parametrize(
    ("text", "lang", "kind", "value", "base", "hits"),
    [
        ("awful", "en", "post", -0.67, "en", 1),
        ("awful", "de", "post", None, "de", 0),
        ("awful", "", "post", None, None, 0),
        ("hello there", "en", "post", None, "en", 0),
    ],
)
def test_sentiment_is_read_where_there_is_a_lexicon(
    text: str, lang: str, kind: Any, value: float | None, base: str | None, hits: int
) -> None:
    desk = Desk()
    found = desk.join(post("a", 1, text, lang=lang, kind=kind))[0][2].sentiment
    assert (found.value, found.lang, found.hits) == (value, base, hits)
    assert desk.last("scores").sentiment == value


def test_an_act_without_words_has_no_sentiment() -> None:
    assert Desk().join(post("a", 1, "", kind="like"))[0][2].sentiment is None


# ---------------------------------------------------------------- score
def test_a_score_is_published_when_it_moves_a_point_or_changes_its_band() -> None:
    desk = Desk(a_model(score={"engagement": {"post": 0.1}, "risk_per_negative": 0.0}))
    assert kinds(desk.join(post("a", 0))) == ["enriched", "scores"]
    assert kinds(desk.join(post("b", 0))) == ["enriched"]
    assert kinds(desk.join(post("c", 0))) == ["enriched", "scores"]
    assert [value.engagement for value in desk.of("scores")] == [0.5, 1.5]


def test_bands_and_trends_are_those_since_the_last_one() -> None:
    desk = Desk()
    for name in "abcd":
        desk.join(post(name, 1, "awful"))
    told = [(value.band, value.previous_band, value.trend, value.risk) for value in desk.of("scores")]
    assert told == [
        ("ok", None, "same", 28.5),
        ("watch", "ok", "up", 48.8),
        ("at-risk", "watch", "up", 63.4),
        ("at-risk", "at-risk", "up", 73.8),
    ]
    assert [one.points for one in desk.last("scores").contributions] == [118.9]
    assert desk.last("scores").engagement == 45.1


def test_a_score_that_falls_out_of_its_band_is_told_at_that_time() -> None:
    desk = Desk()
    for name in "abc":
        desk.join(post(name, 1, "awful"))
    bands = [("at-risk", 63.4)]
    while desk.last("scores").band != "ok":
        count = len(desk.of("scores"))
        desk.tick(desk.due() - 1)
        assert len(desk.of("scores")) == count
        desk.tick(desk.upto + 1)
        # A wake that seals an act tells of a score that has moved meanwhile, too.
        if len(desk.of("scores")) > count and desk.last("scores").band != bands[-1][0]:
            bands.append((desk.last("scores").band, desk.last("scores").risk))
            assert desk.last("scores").trend == "down"
    assert bands == [("at-risk", 63.4), ("watch", 49.7), ("ok", 29.9)]
    assert desk.items["shown"].at == desk.upto


def test_what_is_shown_is_decayed_to_the_latest_time_that_is_known() -> None:
    desk = Desk()
    desk.join(post("a", 24 * 7, "awful"))
    desk.join(post("b", 0, "awful"))  # late: worth half by then
    shown: Shown = desk.items["shown"]
    assert shown.at == ms(24 * 7)
    early = Desk()
    early.join(post("b", 0, "awful"))
    early.join(post("a", 24 * 7, "awful"))
    assert early.items["score"] == desk.items["score"]
    assert early.items["shown"] == shown
    desk.tick(ms(24 * 14))
    desk.join(post("c", 24 * 14 - 1, "good"))
    bucket_ms = MODEL.score.half_life_ms // 64
    assert ms(24 * 14) - bucket_ms < desk.items["shown"].at <= ms(24 * 14)


def test_how_fine_ticks_are_does_not_show() -> None:
    """Of two seeds of a replay one may have ticked a second earlier."""
    one, two = Desk(), Desk()
    one.tick(ms(1))
    two.tick(ms(1) + 7)
    for desk in (one, two):
        desk.join(post("a", 0.5, "awful"))
    assert one.published == two.published


def test_kinds_share_in_what_is_shown() -> None:
    desk = Desk()
    for n, kind in enumerate(("post", "post", "repost", "like", "follow")):
        desk.join(post(f"a{n}", 1, "awful" if n == 0 else "", kind=kind))
    last = desk.last("scores")
    assert [one.kind for one in last.contributions] == ["post", "repost", "other"]
    assert sum(one.points for one in last.contributions) == pytest.approx(last.engagement + last.risk)
    assert last.acts == 5


# ---------------------------------------------------------------- sealed
def test_acts_are_sealed_after_their_hold_and_stay_in_the_sums() -> None:
    desk = Desk()
    desk.join(post("a", 1, "good"))
    desk.join(post("b", 30, "good"))
    before: ScoreItem = desk.items["score"]
    assert desk.due() == ms(1) + HOLD_MS + SEAL_SLACK_MS
    desk.tick(desk.due())
    assert [*items(desk)] == ["b"]
    assert desk.due() == ms(30) + HOLD_MS + SEAL_SLACK_MS
    desk.tick(desk.due())
    assert items(desk) == {}
    assert desk.due() == 0
    assert desk.items["score"] == before
    assert desk.of("late") == []


def test_acts_of_one_hour_are_sealed_in_one_wake() -> None:
    desk = Desk()
    for n in range(300):
        desk.join(post(f"a{n}", n / 300))
    calls = desk.calls
    desk.tick(desk.due())
    assert items(desk) == {}
    assert desk.calls - calls <= 3


def test_a_join_after_the_hold_does_not_count_twice() -> None:
    desk = Desk()
    act = post("a", 1, "good")
    desk.join(act)
    desk.tick(ms(1) + HOLD_MS + SEAL_SLACK_MS)
    before = desk.items["score"]
    out = desk.join(act, revision=2)
    assert kinds(out) == ["late"]
    assert (out[0][1], out[0][2].act, out[0][2].at) == (WHO, "a", "2025-10-09T09:53:20.000Z")
    assert desk.items["score"] == before
    assert desk.counted("joins_too_late_total") == 1
    assert desk.unjoin("a", revision=3) == []


def test_a_join_for_a_time_that_has_passed_counts_when_it_is_found() -> None:
    desk = Desk()
    desk.tick(ms(50))
    assert kinds(desk.join(post("a", 1, "good"))) == ["enriched", "scores"]


def test_too_many_acts_are_sealed_early_oldest_first_and_noted() -> None:
    desk = Desk(lowered(MODEL, joined_max=40))
    for n in range(41):
        desk.join(post(f"a{n:02d}", 1 + n / 60, "good"))
    assert [*items(desk)] == [f"a{n:02d}" for n in range(5, 41)]
    assert [value.act for value in desk.of("late")] == [f"a{n:02d}" for n in range(5)]
    assert {value.reason for value in desk.of("late")} == {
        "sealed early: the customer has more than identity.joined_max unsealed acts"
    }
    assert desk.counted("acts_sealed_early_total") == 5
    score = desk.items["score"]
    assert score.acts == 41
    # What was sealed early is as final as the rest.
    assert kinds(desk.join(post("a03", 1 + 3 / 60, "good"), revision=2)) == ["late"]
    out = desk.unjoin("a04", revision=2)
    assert [(name, value.retracted, value.revision) for name, _, value in out] == [("enriched", True, 2)]
    assert desk.items["score"] == score
    # Nor does it count a second time when it comes back.
    assert kinds(desk.join(post("a04", 1 + 4 / 60, "good"), revision=3)) == ["late"]
    assert desk.items["score"] == score


def test_a_lower_cap_is_reached_page_by_page() -> None:
    desk = Desk()
    for n in range(500):
        desk.join(post(f"a{n:03d}", n / 100))
    desk.model = lowered(MODEL, joined_max=10)
    desk.join(post("b", 6))
    assert len(items(desk)) <= 10
    assert "b" in items(desk)
    assert len(desk.of("late")) == 491


def test_a_million_acts_of_one_customer_are_bounded() -> None:
    desk = Desk(lowered(MODEL, joined_max=20))
    for n in range(400):
        desk.join(post(f"a{n}", n / 3600, "good"))
    assert len(items(desk)) <= 20
    assert desk.items["score"].acts == 400
    assert len(desk.items) <= 25


# ---------------------------------------------------------------- the rest
def test_another_half_life_is_taken_over_at_the_next_event() -> None:
    desk, other = Desk(), Desk(a_model(score={"half_life_ms": DAY_MS}))
    for name in "abc":
        desk.join(post(name, 1, "awful"))
        other.join(post(name, 1, "awful"))
    desk.model = other.model
    desk.join(post("d", 2, "good"))
    other.join(post("d", 2, "good"))
    assert desk.items["score"] == other.items["score"]
    assert desk.items["head"].model == other.model.hash


def test_a_switch_of_the_model_by_the_engine_is_enough() -> None:
    desk = Desk()
    desk.record({"name": "Ann", "region": "north", "phase": "late"})
    desk.model = a_model(score={"half_life_ms": DAY_MS})
    assert desk.fold(SwitchModel(desk.model.hash)) == []
    assert desk.items["head"].model == desk.model.hash
    assert desk.fold(SwitchModel(desk.model.hash)) == []


def test_what_no_customer_understands_is_refused() -> None:
    effects = [*customer(State(WHO, {}), Sighting("handle:x:ann", 0, 0), Now(1, 0, 0), MODEL)]
    assert [type(effect) for effect in effects] == [Reject]


def test_a_wake_without_a_cause_leaves_nothing() -> None:
    desk = Desk()
    desk.fold(Wake(0))
    assert desk.items == {}
    assert desk.due() == 0


def test_wakes_are_few() -> None:
    desk = Desk()
    for n in range(60):
        desk.join(post(f"a{n}", n / 10, "awful"))
    calls = desk.calls
    for hour in range(24 * 60):
        desk.tick(ms(hour))
    assert desk.due() == 0
    assert desk.calls - calls < 20
    assert HOUR_MS == SEAL_SLACK_MS
