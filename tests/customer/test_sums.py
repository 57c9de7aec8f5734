"""The sums of a customer to the end: acts come, are edited, go, come back, and are sealed in their time or early.

In the sums is always: what is joined, and what was when it was sealed; of a capped kind within its cap.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import HOUR_MS
from schemas.events import Act
from tests.customer.desk import ANN, Desk, a_model, lowered, ms, post
from tests.model.extract import sums_of
from tests.model.oracle import sums
from topologies.customer.acts import TOO_LATE

HOLD_MS = 10 * HOUR_MS
MODEL = a_model(
    score={"half_life_ms": 64 * HOUR_MS, "caps": {"like": 0.75, "post": 7.0}}, identity={"hold_ms": HOLD_MS}
)
steps = st.tuples(
    st.sampled_from(("join", "join", "unjoin", "tick")),
    st.integers(0, 16),
    st.sampled_from(("bad", "good", "")),
    st.floats(0.05, 3),
    st.sampled_from((0, 0, 0.5, 3, 9, 11)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=60), st.sampled_from((12, 1000)))
def test_nothing_is_lost_or_counted_twice(story: list[tuple[str, int, str, float, float]], joined_max: int) -> None:
    desk, hour = Desk(lowered(MODEL, joined_max=joined_max)), 0.0
    first: dict[int, tuple[float, int]] = {}
    joined: dict[int, Act] = {}
    sealed: list[Act] = []
    desk.tick(ms(0))
    for revision, (what, number, text, hours, lag) in enumerate(story):
        for known in [*joined]:
            item = desk.items.get(f"act:{ANN}\x1fa{known:02d}")
            if item is None or not item.live:
                sealed.append(joined.pop(known))
        if what == "join":
            at, received_at = first.setdefault(number, (hour - lag, ms(hour)))
            act = post(f"a{number:02d}", at, text, kind="post" if number % 3 else "like", received_at=received_at)
            out = desk.join(act, revision=revision)
            if not any(name == "late" and value.reason == TOO_LATE for name, _, value in out):
                joined[number] = act
        elif what == "unjoin" and number in first:
            desk.unjoin(f"a{number:02d}", revision=revision)
            joined.pop(number, None)
        elif what == "tick":
            hour += hours
            desk.tick(ms(hour))
        acts = [*sealed, *joined.values()]
        # Of a capped kind and received that late, an act is worth nothing: only its sentiment counts.
        worth = sums([act for act in acts if act.received_at - act.at <= HOLD_MS], MODEL)
        everything = sums(acts, MODEL)
        if "score" not in desk.items:
            assert acts == []
            continue
        got = sums_of(desk.items["score"])
        assert (got.engagement, got.risk) == (worth.engagement, worth.risk)
        assert (got.sentiment, got.sentiment_weight) == (everything.sentiment, everything.sentiment_weight)
        assert desk.items["score"].acts == len(acts)


def test_what_was_taken_back_and_comes_again_counts_again() -> None:
    desk = Desk()
    desk.join(post("a", 1, "good"))
    score = desk.items["score"]
    desk.unjoin("a")
    desk.tick(ms(1 + 72))
    assert [name for name, _, _ in desk.join(post("a", 1, "good"), revision=3)] == ["enriched", "scores"]
    assert desk.items["score"] == score


def test_what_was_sealed_taken_back_and_comes_again_does_not_count_twice() -> None:
    desk = Desk()
    desk.join(post("a", 1, "good"))
    desk.tick(ms(1 + 74))
    score = desk.items["score"]
    desk.unjoin("a")
    assert [name for name, _, _ in desk.join(post("a", 1, "good"), revision=3)] == ["late"]
    assert desk.items["score"] == score
