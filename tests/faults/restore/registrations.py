"""Submissions to the registry before and after a backup."""

from tests.support.events import Event, initiative
from tests.support.organisations import Organisation
from tests.support.reading import answers_to
from tests.support.submitting import post, send


async def some_submissions(city: Organisation, number: int) -> list[Event]:
    """``number`` new initiatives, accepted over Kafka; a change and a refused submission, over HTTP."""
    over_kafka = [city.event("initiative-registered", initiative()) for _ in range(number)]
    await send(city, over_kafka)
    await answers_to(city, [event["id"] for event in over_kafka], seconds=40)
    stated = over_kafka[0]["data"]["initiative_id"]
    changed = city.event("initiative-changed", {"initiative_id": stated, "based_on_version": 1, "title": "Anders"})
    refused = city.event("initiative-changed", {"initiative_id": stated, "based_on_version": 1, "title": "Te laat"})
    assert (await post(city, "registry", changed)).outcome == "accepted"
    assert (await post(city, "registry", refused)).codes == {"stale-version"}
    return [*over_kafka, changed, refused]
