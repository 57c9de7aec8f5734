"""What must hold in every history of acts, and that the rules of episodes are those of the definition."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.customer.episodes import World, lives, rule
from topologies.customer.rules.rule import Rule
from topologies.customer.rules.runs import runs

# What must hold in every history. Times are small, so that windows, cooldowns and ticks meet at their edges.

TIMES = st.integers(1, 60)
OPS = st.lists(
    st.one_of(
        st.tuples(st.just("act"), TIMES),
        st.tuples(st.just("act"), TIMES),
        st.tuples(st.just("gone"), st.integers(0, 20)),
        st.tuples(st.just("seal"), st.just(0)),
        st.tuples(st.just("tick"), st.integers(0, 12)),
    ),
    max_size=30,
)
RULES = st.builds(
    lambda count, within, cooldown, hold: rule(
        threshold=float(count), within_ms=within, cooldown_ms=cooldown, for_ms=hold
    ),
    st.integers(1, 3),
    st.integers(1, 12),
    st.integers(1, 25),
    st.sampled_from([0, 0, 1, 5]),
)


class History(World):
    """A world with its own record of what counts: acts that are there, and acts that were sealed."""

    def __init__(self, watching: Rule) -> None:
        super().__init__(watching)
        self.sealed: list[tuple[int, int]] = []
        self.serial = 0

    def apply(self, verb: str, number: int) -> None:
        names = sorted(self.acts)
        if verb == "act":
            self.serial += 1
            self.act(number, f"{self.serial:03}")
        elif verb == "gone" and names:
            self.gone(names[number % len(names)])
        elif verb == "seal" and names:
            self.sealed.append((self.acts[names[0]].at, len(self.told)))
            self.seal(names[0])
        elif verb == "tick":
            self.tick(self.upto + number)

    def enough(self, time: int) -> bool:
        """Whether the rule holds at `time`, with what was sealed since it fired then."""
        fired = next(i for i, c in enumerate(self.told) if (c.status, c.episode_start) == ("fired", time))
        times = [act.at for act in self.acts.values()] + [at for at, told in self.sealed if told > fired]
        return sum(time - self.rule.within_ms < at <= time for at in times) >= self.rule.threshold

    def standing(self) -> set[int]:
        """Starts of alerts that were fired and not taken back."""
        fired = {change.episode_start for change in self.told if change.status == "fired"}
        return fired - {change.episode_start for change in self.told if change.status == "withdrawn"}


@settings(deadline=None, max_examples=300)
@given(RULES, OPS)
def test_every_alert_lives_once_and_in_order(watching: Rule, ops: list[tuple[str, int]]) -> None:
    history = History(watching)
    for verb, number in ops:
        history.apply(verb, number)
        before = len(history.told)
        history.go()
        assert len(history.told) == before, "called again with nothing new, it must say nothing"
    history.tick(10_000)
    for statuses in lives(history.told).values():
        assert statuses[0] == "fired"
        assert statuses.count("fired") == 1
        assert statuses.count("resolved") <= 1
        assert statuses.count("withdrawn") <= 1
        assert {"resolved", "withdrawn"} & set(statuses), "time ends every episode"
        assert "updated" not in statuses[statuses.index("resolved") :] if "resolved" in statuses else True
        assert statuses[-1] == "withdrawn" or "withdrawn" not in statuses
    starts = [change.episode_start for change in history.told if change.status == "fired"]
    assert starts == sorted(set(starts))


@settings(deadline=None, max_examples=300)
@given(RULES.filter(lambda watching: watching.for_ms == 0), OPS)
def test_an_alert_is_withdrawn_iff_it_would_not_have_fired(watching: Rule, ops: list[tuple[str, int]]) -> None:
    history = History(watching)
    for verb, number in ops:
        before = history.standing()
        history.apply(verb, number)
        for start in before:
            assert (start in history.standing()) == history.enough(start), (start, verb, number)
        for start in history.standing():
            assert history.enough(start)


@settings(deadline=None, max_examples=100)
@given(RULES, OPS)
def test_the_same_history_tells_the_same(watching: Rule, ops: list[tuple[str, int]]) -> None:
    one, other = History(watching), History(watching)
    for verb, number in ops:
        one.apply(verb, number)
        other.apply(verb, number)
    assert (one.told, one.episode, one.wake) == (other.told, other.episode, other.wake)


def naive(watching: Rule, times: list[int]) -> list[tuple[int, int]]:
    """The definition, moment by moment: (start, end) of every episode when acts come in order and time follows."""
    found: list[tuple[int, int]] = []
    pending = start = None
    bound = 0
    for now in range(200):
        enough = sum(now - watching.within_ms < at <= now for at in times) >= watching.threshold
        if start is not None and not enough:
            found.append((start, now))
            bound, start = max(start + watching.cooldown_ms, now), None
        if not enough:
            pending = None
        if start is None and enough:
            if pending is None and now in times and now >= bound:
                pending = now
            if pending is not None and now >= pending + watching.for_ms:
                start, pending = pending, None
        if start is None and pending is not None and not enough:
            pending = None
    return found


@settings(deadline=None, max_examples=300)
@given(RULES, st.lists(TIMES, max_size=14))
def test_acts_in_order_give_what_the_definition_says(watching: Rule, times: list[int]) -> None:
    history = History(watching)
    for now in range(200):
        for at in sorted(times):
            if at == now:
                history.apply("act", at)
        history.tick(now)
    ends = {change.episode_start: change.at for change in history.told if change.status == "resolved"}
    starts = [change.episode_start for change in history.told if change.status == "fired"]
    assert [(start, ends[start]) for start in starts] == naive(watching, times)


@settings(deadline=None, max_examples=200)
@given(st.lists(TIMES, max_size=12), st.integers(1, 4), st.integers(1, 12))
def test_runs_are_the_times_at_which_enough_acts_are_in_the_window(times: list[int], count: int, within: int) -> None:
    held = {now for now in range(100) if sum(now - within < at <= now for at in times) >= count}
    found = runs(sorted(times), count, within)
    assert held == {now for run in found for now in range(run.start, run.end)}
    assert all(run.start < run.end for run in found)
    assert all(one.end < other.start for one, other in pairwise(found))
