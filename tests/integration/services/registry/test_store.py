"""The registry's index of initiatives: written with the decision, read by filter and page."""

from collections.abc import Sequence
from typing import Any

import orjson

from services.registry import store
from tests.support.service_schema import OPERATOR, Room, changed, registered, statement, submission

CITY = "00000099000000000344"


async def found(room: Room, **wanted: Any) -> list[dict[str, Any]]:
    filters = {"after": "", "theme": None, "phase": None, "lead": None, "limit": 100, **wanted}
    return [orjson.loads(value) for value in await store.initiatives(room.pool, **filters)]


def ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["initiative_id"] for row in rows]


async def test_initiatives_are_found_by_each_filter(registry: Room) -> None:
    one, other = registered(theme="housing", phase="idea"), registered(theme="energy-transition", phase="pilot")
    await registry.settle(one, other)
    assert ids(await found(registry)) == sorted([one.subject, other.subject])
    assert ids(await found(registry, theme="housing")) == [one.subject]
    assert ids(await found(registry, phase="pilot")) == [other.subject]
    assert ids(await found(registry, lead=OPERATOR)) == sorted([one.subject, other.subject])
    assert await found(registry, lead=CITY) == []


async def test_page_continues_behind_an_id(registry: Room) -> None:
    stated = [registered() for _ in range(5)]
    await registry.settle(*stated)
    subjects = sorted(each.subject for each in stated)
    assert ids(await found(registry, limit=2)) == subjects[:2]
    assert ids(await found(registry, after=subjects[1], limit=9)) == subjects[2:]


async def test_change_of_an_initiative_is_shown_at_once(registry: Room) -> None:
    stated = registered()
    await registry.settle(stated, changed(stated.subject, 1, "Anders"))
    [row] = await found(registry)
    assert (row["title"], row["version"]) == ("Anders", 2)


async def test_organisations_are_listed_in_order_of_oin(registry: Room) -> None:
    for oin in ("00000099000000000363", CITY):
        data = {"oin": oin, "name": "Gemeente", "kind": "municipality"}
        await registry.settle(submission(statement("organisation-admitted", data)))
    rows = [orjson.loads(value)["oin"] for value in await store.organisations(registry.pool, "", 9)]
    assert rows == [CITY, "00000099000000000363"]
    assert len(await store.organisations(registry.pool, CITY, 9)) == 1


async def test_aggregate_is_shown_as_published_and_an_unknown_one_is_none(registry: Room) -> None:
    stated = registered()
    await registry.settle(stated)
    value = await store.aggregate(registry.pool, "initiative.v1", stated.subject)
    assert value is not None
    assert orjson.loads(value)["initiative_id"] == stated.subject
    assert await store.aggregate(registry.pool, "initiative.v1", "unknown") is None
