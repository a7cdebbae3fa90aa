"""The digest is a sum over live aggregates: equal contents give an equal number on any path."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.digest import MODULUS, REMOVED, replaced, state_hash, to_hex

Write = tuple[bytes, bytes, bytes | None]
"""Aggregate, subject and value; None removes the aggregate."""

names = st.binary(max_size=6)
writes = st.lists(st.tuples(names, st.sampled_from([b"a", b"b", b"ab", b""]), st.none() | names), max_size=30)


def hash_of(write: Write) -> int:
    aggregate, subject, value = write
    return REMOVED if value is None else state_hash(aggregate, subject, value)


def followed(history: Sequence[Write]) -> int:
    """As computed by a lane: a subtraction and an addition per write."""
    digest, stored = 0, dict[tuple[bytes, bytes], int]()
    for write in history:
        before = stored.get(write[:2], REMOVED)
        digest, stored[write[:2]] = replaced(digest, before, hash_of(write)), hash_of(write)
    return digest


def recounted(history: Sequence[Write]) -> int:
    """From the live aggregates at the end only."""
    alive = {write[:2]: hash_of(write) for write in history}
    return sum(alive.values()) % MODULUS


@given(writes)
def test_digest_of_all_writes_equals_the_sum_of_live_aggregates(history: list[Write]) -> None:
    assert followed(history) == recounted(history)


@given(writes, st.randoms(use_true_random=False))
def test_digest_does_not_depend_on_the_order_of_aggregates(history: list[Write], chance: Random) -> None:
    last = list({write[:2]: write for write in history}.values())
    chance.shuffle(last)
    assert followed(last) == followed(history)


@given(writes)
def test_digest_without_aggregates_is_zero(history: list[Write]) -> None:
    removals: list[Write] = [(aggregate, subject, None) for aggregate, subject, _ in history]
    assert followed([*history, *removals]) == 0


@given(names, names, names, names, names, names)
def test_no_two_different_aggregates_have_the_same_hash(
    one: bytes, its: bytes, value: bytes, other: bytes, thing: bytes, content: bytes
) -> None:
    same = (one, its, value) == (other, thing, content)
    assert (state_hash(one, its, value) == state_hash(other, thing, content)) is same


def test_hash_covers_the_length_of_each_part() -> None:
    assert state_hash(b"ab", b"c", b"") != state_hash(b"a", b"bc", b"")
    assert state_hash(b"a", b"b", b"c") != state_hash(b"a", b"bc", b"")


def test_hash_equals_the_documented_example() -> None:
    """Made with printf and sha256sum, as a reference for implementations in other languages."""
    made = state_hash(b"initiative.v1", b"0f8f6a52-9d3e-4c57-9a61-0d7b1c0a4e10", b'{"version":1}')
    assert to_hex(made) == "1e34ac55b4f489b11a06cc56123b58c1e53070a409d9f58a9b0aa8983bd1f28d"


def test_hex_always_has_64_digits() -> None:
    assert to_hex(0) == "0" * 64
    assert to_hex(MODULUS - 1) == "f" * 64
