"""The answer to an earlier submission, looked up by its sender: deferred, then final, and hidden from others."""

import orjson
from samenspel.messaging.ingress.submissions_api import submission_router

from tests.support.asgi import Reply, ask
from tests.support.deciders import Referring, arrive
from tests.support.deferrals import wake
from tests.support.http_router import always, app_with
from tests.support.service_schema import OPERATOR, Room, registered

OTHER = "00000099000000000344"


async def looked_up(room: Room, source: str, id: str, by: str = OPERATOR) -> Reply:
    app = app_with(submission_router(room.pool, always(by)))  # type: ignore[arg-type]  # the pool of the test
    return await ask(app, "GET", f"/v1/submissions/{source}/{id}")


async def test_final_answer_replaces_the_deferred_one(registry: Room, handlers: Referring) -> None:
    stated = registered()
    await registry.settle(stated, handlers=handlers)
    deferred = (await looked_up(registry, stated.source, stated.id)).json
    assert (deferred["outcome"], deferred["waits_for"]["aggregate"]) == ("deferred", "organisation.v1")
    await arrive(registry)
    await wake(registry, handlers)
    final = (await looked_up(registry, stated.source, stated.id)).json
    assert (final["outcome"], len(final["events"])) == ("accepted", 1)


async def test_answer_is_shown_to_its_sender_only(registry: Room, handlers: Referring) -> None:
    stated = registered()
    await registry.settle(stated, handlers=handlers)
    assert (await looked_up(registry, stated.source, stated.id, OTHER)).status == 404
    assert (await looked_up(registry, stated.source, "unknown")).status == 404
    assert (await looked_up(registry, stated.source, "\x00")).status == 400


async def test_lost_deferral_has_no_answer(registry: Room, handlers: Referring) -> None:
    """The submission must be sent again: nothing waits for its aggregate."""
    stated = registered()
    [answer] = await registry.settle(stated, handlers=handlers)
    lost = orjson.dumps({**orjson.loads(answer.json), "lost": True})
    await registry.pool.execute("update submission set answer = $1", lost)
    assert (await looked_up(registry, stated.source, stated.id)).status == 404
