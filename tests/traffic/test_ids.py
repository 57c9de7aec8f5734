"""Ids are those of the platforms: they hold times, sort, and carry the right checksums."""

from random import Random

from topologies.traffic import ids


def test_a_tid_is_what_bluesky_makes_of_that_time() -> None:
    assert ids.tid(1_783_175_888_085_434, 5) == "3mptbyq5chu27"


def test_tids_sort_by_time() -> None:
    times = [1_700_000_000_000_000 + step * 7_777_777 for step in range(50)]
    made = [ids.tid(at, 1023 - index) for index, at in enumerate(times)]
    assert made == sorted(made)


def test_a_salesforce_id_ends_with_the_checksum_of_its_capitals() -> None:
    assert ids.salesforce_id("003", 1) == "003Np0000000001IAA"
    assert len(ids.salesforce_id("003", 12_345)) == 18


def test_a_cid_looks_like_a_hash_of_a_record() -> None:
    assert ids.cid(b"x").startswith("bafyrei")
    assert len(ids.cid(b"x")) == 59
    assert ids.cid(b"x") != ids.cid(b"y")


def test_snowflakes_hold_their_time() -> None:
    at = 1_764_000_000_123
    assert int(ids.mastodon_id(at, Random(1))) >> 16 == at
    assert (int(ids.x_id(at, Random(1))) >> 22) + 1_288_834_974_657 == at
