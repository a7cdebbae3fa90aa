"""Malformed input of an organisation may not lose, delay or duplicate another organisation's events."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.conftest import Admit
from tests.hostile_input.huge import HUGE
from tests.support.database import rows
from tests.support.events import Event, binary, initiative
from tests.support.organisations import Organisation
from tests.support.reading import answers_of, answers_to, receipt_records
from tests.support.record_batches import batch_of, raw, send_batch
from tests.support.submitting import Record, send, send_raw
from tests.support.waiting import eventually

RECEIPT_MAX = 64_000


def _good(city: Organisation, number: int) -> list[Event]:
    return [city.event("initiative-registered", initiative()) for _ in range(number)]


async def _outcomes(city: Organisation, events: Sequence[Event]) -> list[str]:
    answers = await answers_to(city, [event["id"] for event in events])
    return [answer["outcome"] for answer in answers.values()]


async def _answer_at(city: Organisation, offset: int) -> dict[str, Any]:
    """The answer to the record at this offset of the city's ingress, on arrival."""
    record = f"{ingress('initiatives', city.oin)}/0/{offset}"

    async def found() -> dict[str, Any]:
        return next((answer for answer in await answers_of(city) if answer["record"] == record), {})

    return await eventually(found, saying=f"an answer to {record}")


@pytest.mark.parametrize("poison_first", [True, False], ids=["poison first", "poison last"])
async def test_header_name_that_is_not_utf_8_costs_other_records_nothing(
    system: LocalSystem, organisation: Admit, poison_first: bool
) -> None:
    """aiokafka loses other partitions' records for such a header; nothing may be lost here, of nobody."""
    innocent, clumsy = await organisation(), await organisation()
    theirs, before, after = _good(innocent, 5), _good(clumsy, 2), _good(clumsy, 2)
    bad = _good(clumsy, 1)[0]
    headers, value = binary(bad)
    poison = raw(headers, value)
    poison = replace(poison, headers=[*poison.headers, (b"\xff\xfePLACEHOL\xc3", b"x")])
    batch = [*(raw(*binary(each)) for each in before), poison, *(raw(*binary(each)) for each in after)]
    topic = ingress("initiatives", clumsy.oin)
    if not poison_first:
        await send(innocent, theirs)
    assert await send_batch(clumsy, topic, batch_of(batch)) == (0, 0)
    if poison_first:
        await send(innocent, theirs)
    assert await _outcomes(innocent, theirs) == ["accepted"] * 5
    assert await _outcomes(clumsy, [*before, *after]) == ["accepted"] * 4
    answer = await _answer_at(clumsy, 2)
    assert (answer["outcome"], answer["id"]) == ("rejected", bad["id"])
    assert [problem["code"] for problem in answer["problems"]] == ["unreadable-record"]
    [row] = await rows(system, "registry", "select * from quarantine where topic = $1", topic)
    assert (row["offset"], row["reason"]) == (2, "unreadable-record")
    assert value is not None and value in row["raw"], "the raw bytes are kept whole"
    assert row["value"] is None, "and once"


async def test_null_headers_and_values_cost_other_records_nothing(organisation: Admit) -> None:
    """A null header value, a null value, and an empty record."""
    city = await organisation()
    first, last = _good(city, 2)
    headers, value = binary(_good(city, 1)[0])
    null_id: Record = [(name, None if name == "ce_id" else text) for name, text in headers], value
    null_unknown: Record = [*headers, ("ce_note", None)], value
    null_other: Record = [*headers, ("note", None)], value
    no_value: Record = headers, None
    nothing: Record = [], b""
    await send_raw(city, [binary(first), null_id, null_unknown, null_other, no_value, nothing, binary(last)])
    assert await _outcomes(city, [first, last]) == ["accepted", "accepted"]
    codes = [
        {each["code"] for each in (await _answer_at(city, offset)).get("problems", ())} for offset in range(1, 6)
    ]
    assert codes[0] == {"missing-attribute"}
    assert codes[1] == set()
    assert (await _answer_at(city, 3))["outcome"] == "repeated"
    assert codes[3] == {"not-json"}
    assert "missing-attribute" in codes[4]


DEPTHS = (150, 255, 1_000, 1_030, 5_000)


async def test_huge_event_is_answered_in_a_receipt_of_at_most_64_kb(organisation: Admit) -> None:
    city = await organisation()
    huge = [
        binary({**city.event("initiative-registered", initiative(**fields)), **attributes})
        for attributes, fields in HUGE.values()
    ]
    await _refused_among_good_ones(city, huge)
    assert max(len(record.value) for record in await receipt_records(city)) <= RECEIPT_MAX


async def test_deeply_nested_structured_event_is_refused_among_good_ones(organisation: Admit) -> None:
    """Two parsers and a serialiser are involved, each with a different limit."""
    city = await organisation()
    await _refused_among_good_ones(
        city, [_nested(city, place, depth) for place in ("data", "extension") for depth in DEPTHS]
    )


async def _refused_among_good_ones(city: Organisation, bad: Sequence[Record]) -> None:
    good = _good(city, len(bad))
    await send_raw(city, [record for pair in zip(map(binary, good), bad, strict=True) for record in pair])
    assert await _outcomes(city, good) == ["accepted"] * len(good)
    answers = [await _answer_at(city, 2 * number + 1) for number in range(len(bad))]
    assert [answer["outcome"] for answer in answers] == ["rejected"] * len(bad)


def _nested(city: Organisation, place: str, depth: int) -> Record:
    event = city.event("initiative-registered", initiative())
    text = orjson.dumps({**event, place: "NESTED"}).replace(b'"NESTED"', b"[" * depth + b"]" * depth)
    return [("content-type", b"application/cloudevents+json")], text.replace(b'":', b'" :')
