"""Who should read which partition."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.transport.sticky import assign


def loads(found: dict[int, str | None], members: list[str]) -> list[int]:
    return sorted(list(found.values()).count(member) for member in members)


def test_members_come_and_go_with_few_moves() -> None:
    everything = range(8)
    alone = assign(everything, {"a": everything}, {})
    assert alone == dict.fromkeys(everything, "a")
    pair = assign(everything, {"a": everything, "b": everything}, alone)
    assert loads(pair, ["a", "b"]) == [4, 4]
    three = assign(everything, dict.fromkeys("abc", everything), pair)
    assert loads(three, ["a", "b", "c"]) == [2, 3, 3]
    assert {log for log in everything if three[log] != pair[log]} == {log for log in everything if three[log] == "c"}
    without_b = assign(everything, {"a": everything, "c": everything}, three)
    assert loads(without_b, ["a", "c"]) == [4, 4]
    assert all(without_b[log] == three[log] for log in everything if three[log] != "b")


def test_a_partition_goes_only_to_who_wants_it() -> None:
    assert assign([1, 2, 3], {"a": [1], "b": [2]}, {1: "b", 3: "a"}) == {1: "a", 2: "b", 3: None}


@settings(max_examples=200, deadline=None)
@given(
    logs=st.integers(0, 20),
    members=st.sets(st.sampled_from("abcdef"), min_size=1),
    holders=st.dictionaries(st.integers(0, 25), st.sampled_from([*"abcdefgh", None])),
)
def test_loads_differ_by_one_and_nothing_moves_without_need(
    logs: int, members: set[str], holders: dict[int, str | None]
) -> None:
    everything = range(logs)
    found = assign(everything, dict.fromkeys(members, everything), holders)
    assert set(found) == set(everything)
    low, *_, high = [*loads(found, sorted(members)), max(loads(found, sorted(members)))]
    assert high - low <= 1
    # Everybody keeps what it had, up to its fair share.
    fair = logs // len(members)
    for member in members:
        had = [log for log in everything if holders.get(log) == member]
        kept = [log for log in had if found[log] == member]
        assert len(kept) >= min(len(had), fair)
    assert assign(everything, dict.fromkeys(members, everything), found) == found
