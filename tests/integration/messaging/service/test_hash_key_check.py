"""Missing keys of submission hashes are named, with the remedy, for a service that needs them."""

from samenspel.contracts.catalogue import submissions_of
from samenspel.contracts.submission_hashes import HashKeys, key_id_of
from samenspel.messaging.service.hash_key_check import HashKeyCheck

from tests.support.service_schema import Room

KEY = "k" * 40
ANSWER = "insert into keyed_answer (organisation, source, id, key_id) values ('o', 's', $1, $2)"


async def problems(registry: Room, keys: str, domain: str = "funding") -> dict[str, str]:
    check = HashKeyCheck(HashKeys.parse(keys), submissions_of(domain).values())  # type: ignore[arg-type]
    async with registry.pool.acquire() as connection:
        await check.refresh(connection)
    return check.problems()


async def test_service_with_private_parts_needs_a_key(registry: Room) -> None:
    assert "restore the key" in (await problems(registry, ""))["submission hash key"]
    assert await problems(registry, KEY) == {}
    assert await problems(registry, "", "initiatives") == {}


async def test_former_keys_that_answers_need_are_named(registry: Room) -> None:
    for number, key_id in enumerate(("aaaaaaaaaaaa", "bbbbbbbbbbbb", "bbbbbbbbbbbb", key_id_of(KEY.encode()))):
        await registry.pool.execute(ANSWER, str(number), key_id)
    found = await problems(registry, f"{KEY} lost:aaaaaaaaaaaa")
    assert list(found) == ["submission hash key bbbbbbbbbbbb"]
    assert "backup of secrets" in found["submission hash key bbbbbbbbbbbb"]
