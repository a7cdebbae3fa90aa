"""Results of attempts: a delivery frees the subject, a failure waits, an absent receiver is left alone."""

from typing import Any

from services.notifier.deliveries.attempts import AttemptResult, record_attempts
from services.notifier.deliveries.queue import Delivery
from services.notifier.domain.retry import ResponseClass
from tests.support.notifier_schema import NotifierSchema

DELIVERED = ResponseClass(delivered=True)
FAILED = ResponseClass(delivered=False, error="500")
ABSENT = ResponseClass(delivered=False, error="ClientConnectorError", unavailable=True)
GONE = ResponseClass(delivered=False, error="410", gone=True)


async def recorded(notifier: NotifierSchema, *results: AttemptResult) -> Any:
    """The subscription's row afterwards."""
    await record_attempts(notifier.room.pool, results)
    [row] = await notifier.room.rows("select * from subscription")
    return row


async def claimed(notifier: NotifierSchema, *subjects: str) -> list[Delivery]:
    await notifier.publish(*subjects)
    await notifier.subscribe()
    return sorted(await notifier.claim(), key=lambda each: each.sequence)


async def test_delivered_event_makes_the_next_of_its_subject_due(notifier: NotifierSchema) -> None:
    [first] = await claimed(notifier, "a", "a")
    row = await recorded(notifier, AttemptResult(first, DELIVERED, 0.1, 204))
    assert (row["sent"], row["failed"]) == (1, 0)
    [second] = await notifier.claim()
    assert second.sequence == 2


async def test_failed_event_waits_and_holds_back_its_subject_only(notifier: NotifierSchema) -> None:
    first, _ = await claimed(notifier, "a", "b", "a")
    row = await recorded(notifier, AttemptResult(first, FAILED, 0.1, 500, retry_seconds=600))
    assert (row["sent"], row["failed"], row["last_error"]) == (0, 1, "500")
    assert await notifier.claim() == []
    [waiting] = await notifier.room.rows("select * from delivery where sequence = 1")
    assert (waiting["attempts"], waiting["holder"], waiting["last_error"]) == (1, None, "500")


async def test_absent_receiver_is_asked_one_thing_after_its_pause(notifier: NotifierSchema) -> None:
    first, second = await claimed(notifier, "a", "b")
    results = [AttemptResult(each, ABSENT, 5, retry_seconds=0, pause_seconds=600) for each in (first, second)]
    row = await recorded(notifier, *results)
    assert row["rounds"] == 1, "a round of failures counts once"
    assert await notifier.claim() == []
    await notifier.room.pool.execute("update subscription set resume_at = now() - interval '1 second'")
    assert len(await notifier.claim()) == 1


async def test_success_after_an_absence_makes_every_postponed_event_due(notifier: NotifierSchema) -> None:
    first, second = await claimed(notifier, "a", "b")
    await recorded(
        notifier, *(AttemptResult(each, ABSENT, 5, retry_seconds=600, pause_seconds=0) for each in (first, second))
    )
    await notifier.room.pool.execute("update delivery set due_at = now() where sequence = 1")
    [again] = await notifier.claim()
    row = await recorded(notifier, AttemptResult(again, DELIVERED, 0.1, 204))
    assert row["rounds"] == 0
    assert [each.sequence for each in await notifier.claim()] == [2]


async def test_receiver_that_is_gone_is_told_nothing_more(notifier: NotifierSchema) -> None:
    first, _ = await claimed(notifier, "a", "b")
    row = await recorded(notifier, AttemptResult(first, GONE, 0.1, 410, retry_seconds=0))
    assert row["gone"]
    assert await notifier.claim() == []


async def test_every_attempt_is_in_the_log(notifier: NotifierSchema) -> None:
    first, second = await claimed(notifier, "a", "b")
    await recorded(
        notifier, AttemptResult(first, DELIVERED, 0.25, 204), AttemptResult(second, ABSENT, 5, retry_seconds=1)
    )
    rows = await notifier.room.rows("select event_id, seconds, status, error from attempt order by number")
    assert [tuple(row) for row in rows] == [
        (first.event_id, 0.25, 204, None),
        (second.event_id, 5.0, None, "ClientConnectorError"),
    ]
