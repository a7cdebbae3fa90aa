"""Idempotency keys: found again with the values of the first request, bounded per organisation, forgotten in time."""

import asyncio

import pytest

from services.notifier.store import idempotency
from tests.support.notifier_schema import CITY, NotifierSchema

OTHER = "00000099000000000363"
ONE, TWO = b"1" * 32, b"2" * 32


async def test_repeated_key_brings_the_values_of_the_first_request(notifier: NotifierSchema) -> None:
    pool = notifier.room.pool
    assert await idempotency.claim_key(pool, CITY, "key", ONE, "sealed") == (ONE, "sealed", True)
    assert await idempotency.claim_key(pool, CITY, "key", TWO, "another") == (ONE, "sealed", False)
    assert await idempotency.claim_key(pool, OTHER, "key", TWO, None) == (TWO, None, True)


async def test_of_requests_at_the_same_time_one_is_first(notifier: NotifierSchema) -> None:
    claims = await asyncio.gather(
        *(idempotency.claim_key(notifier.room.pool, CITY, "key", ONE, str(number)) for number in range(5))
    )
    assert sum(claim.is_first for claim in claims) == 1
    assert len({claim.secret for claim in claims}) == 1


async def test_keys_of_one_organisation_are_bounded_and_end(
    notifier: NotifierSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = notifier.room.pool
    monkeypatch.setattr(idempotency, "KEYS_PER_ORGANISATION", 2)
    for key in ("a", "b"):
        await idempotency.claim_key(pool, CITY, key, ONE, None)
    with pytest.raises(idempotency.KeyLimitReached, match="maximum is 2"):
        await idempotency.claim_key(pool, CITY, "c", ONE, None)
    assert not (await idempotency.claim_key(pool, CITY, "a", ONE, None)).is_first, "a repeat needs no room"
    assert (await idempotency.claim_key(pool, OTHER, "c", ONE, None)).is_first, "nobody else is affected"
    await pool.execute("update idempotency_key set made_at = now() - interval '25 hours' where key = 'a'")
    await idempotency.delete_old_keys(pool)
    assert (await idempotency.claim_key(pool, CITY, "c", ONE, None)).is_first
