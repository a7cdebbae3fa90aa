"""An event end to end, over Kafka and HTTP."""

from samenspel.contracts.topics import INITIATIVES

from tests.conftest import Admit
from tests.support.events import initiative
from tests.support.reading import answers_to, canonical
from tests.support.submitting import post, send
from tests.support.waiting import eventually


async def test_event_over_http_is_answered_at_once_and_with_a_receipt(organisation: Admit) -> None:
    city = await organisation()
    event = city.event("initiative-registered", initiative())
    answer = await post(city, "registry", event)
    assert (answer.status, answer.outcome) == (200, "accepted")
    receipt = (await answers_to(city, [event["id"]]))[event["id"]]
    assert receipt == answer.body


async def test_event_over_kafka_becomes_canonical(organisation: Admit) -> None:
    city = await organisation()
    event = city.event("initiative-registered", initiative())
    await send(city, [event])
    receipt = (await answers_to(city, [event["id"]]))[event["id"]]
    assert receipt["outcome"] == "accepted"

    async def is_canonical() -> bool:
        ids = {dict(record.headers)["ce_id"].decode() for record in await canonical(city, INITIATIVES)}
        return receipt["events"][0]["id"] in ids

    await eventually(is_canonical, saying="the event, which a receipt may precede,")
