"""Keys go where Kafka's own clients would send them: a Java producer and we agree on every partition."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.partition import murmur2, partition_of

# As Kafka's UtilsTest.testMurmur2 lists them, as signed integers of 32 bits.
OF_KAFKA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
# As the unit test of librdkafka's rdmurmur2.c lists them.
OF_LIBRDKAFKA = {
    b"kafka": 0xD067CF64,
    b"giberish123456789": 0x8F552B0C,
    b"1234": 0x9FC97B14,
    b"234": 0xE7C009CA,
    b"34": 0x873930DA,
    b"4": 0x5A4B5CA1,
    b"": 0x106E08D9,
}


@pytest.mark.parametrize(("key", "value"), OF_KAFKA.items())
def test_the_hash_is_that_of_the_java_client(key: bytes, value: int) -> None:
    assert murmur2(key) == value & 0xFFFFFFFF


@pytest.mark.parametrize(("key", "value"), OF_LIBRDKAFKA.items())
def test_the_hash_is_that_of_librdkafka(key: bytes, value: int) -> None:
    assert murmur2(key) == value


@pytest.mark.parametrize(("key", "value"), OF_KAFKA.items())
@pytest.mark.parametrize("count", [1, 2, 8, 12, 1_000])
def test_the_sign_is_cut_off_before_the_remainder_is_taken(key: bytes, value: int, count: int) -> None:
    assert partition_of(key, count) == (value & 0x7FFFFFFF) % count


@given(st.binary(max_size=600), st.integers(1, 256))
def test_every_key_has_one_partition_of_those_there_are(key: bytes, count: int) -> None:
    assert 0 <= partition_of(key, count) < count
    assert partition_of(key, count) == partition_of.__wrapped__(key, count)


def test_addresses_spread_evenly() -> None:
    found = Counter(partition_of(f"account:bluesky:did:plc:{number:024}".encode(), 8) for number in range(8_000))
    assert set(found) == set(range(8))
    assert min(found.values()) > 850
