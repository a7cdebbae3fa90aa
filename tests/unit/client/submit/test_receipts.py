"""Final answers are awaited, up to a time limit."""

import asyncio

import orjson
from samenspel.client.submit.receipts import ReceiptCollector, outcome_of

SOURCE = "urn:nld:oin:00000099000000000344:systeem:tests"


def receipt(id: str, outcome: str, first: str | None = None) -> bytes:
    answer = {"source": SOURCE, "id": id, "outcome": outcome, **({"first_outcome": first} if first else {})}
    return orjson.dumps({"answers": [answer]})


async def test_deferred_answer_is_not_final() -> None:
    kept = ReceiptCollector()
    kept.expect([(SOURCE, "1")])
    waiting = asyncio.create_task(kept.wait_for_final([(SOURCE, "1")], 5))
    kept.add(receipt("1", "deferred"))
    await asyncio.sleep(0)
    assert not waiting.done()
    kept.add(receipt("1", "accepted"))
    (answer,) = await waiting
    assert answer is not None
    assert answer.outcome == "accepted"


async def test_repeat_of_a_deferred_submission_is_not_final() -> None:
    kept = ReceiptCollector()
    kept.expect([(SOURCE, "1")])
    kept.add(receipt("1", "repeated", "deferred"))
    kept.add(receipt("1", "rejected"))
    (answer,) = await kept.wait_for_final([(SOURCE, "1")], 5)
    assert answer is not None
    assert outcome_of(answer) == "rejected"


async def test_timeout_returns_the_latest_answers() -> None:
    kept = ReceiptCollector()
    kept.expect([(SOURCE, "1"), (SOURCE, "2")])
    kept.add(receipt("1", "deferred"))
    first, second = await kept.wait_for_final([(SOURCE, "1"), (SOURCE, "2")], 0)
    assert first is not None
    assert first.outcome == "deferred"
    assert second is None


async def test_unexpected_answers_and_invalid_records_are_ignored() -> None:
    kept = ReceiptCollector()
    kept.expect([(SOURCE, "1")])
    kept.add(b"no receipt")
    kept.add(receipt("2", "accepted"))
    kept.add(receipt("1", "repeated", "accepted"))
    (answer,) = await kept.wait_for_final([(SOURCE, "1")], 5)
    assert answer is not None
    assert outcome_of(answer) == "accepted"
