"""A receipt stays within the size limit, for any problem in any spelling."""

import json
from datetime import UTC, datetime

import orjson
import pytest
from samenspel.contracts.catalogue import SUBMISSIONS, submissions_of, type_name
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX, Envelope, from_kafka
from samenspel.contracts.problems import PROBLEMS_MAX, Rejected
from samenspel.contracts.receipts import RECEIPT_BYTES_MAX, Receipt
from samenspel.contracts.submissions import read_submission
from samenspel.messaging.inbox.answers import RenderedAnswer, receipts_of, refused, render, unreadable_submission

from tests.hostile_input.huge import HUGE

OIN = "00000099000000000344"
KIND = SUBMISSIONS[type_name("initiative-registered")]


def answer_to(envelope: Envelope) -> RenderedAnswer:
    with pytest.raises(Rejected) as refusal:
        read_submission(envelope, OIN, submissions_of("initiatives"), datetime.now(UTC), "")
    given = unreadable_submission(OIN, envelope, refusal.value, "http")
    return render(given, refused(given.problems, given.problems_left_out))


def huge(name: str) -> Envelope:
    changes, fields = HUGE[name]
    attributes = {"specversion": "1.0", "id": "1", "source": f"urn:nld:oin:{OIN}", "type": KIND.name, **changes}
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    return from_kafka(headers, json.dumps({**KIND.example, **fields}, ensure_ascii=False).encode())


@pytest.mark.parametrize("name", HUGE)
def test_huge_submission_is_answered_in_one_receipt_within_its_size(name: str) -> None:
    ((organisation, value),) = receipts_of([answer_to(huge(name))])
    assert organisation == OIN
    assert len(value) <= RECEIPT_BYTES_MAX
    (answer,) = Receipt.model_validate_json(value).answers
    assert 1 <= len(answer.problems) <= PROBLEMS_MAX
    assert max(len(answer.source), len(answer.id)) <= ATTRIBUTE_CHARS_MAX


def test_problems_beyond_the_limit_are_counted() -> None:
    body = orjson.loads(answer_to(huge("1,000 unknown fields")).json)
    assert (len(body["problems"]), body["problems_left_out"]) == (100, 900)


def test_answers_beyond_one_receipt_are_spread_in_order() -> None:
    given = [
        answer_to(huge("100 values of wheels")),
        answer_to(huge("an id of 900 kB")),
        answer_to(huge("100 values of wheels")),
    ]
    values = [value for _, value in receipts_of(given)]
    assert all(len(value) <= RECEIPT_BYTES_MAX for value in values)
    found = [answer for value in values for answer in orjson.loads(value)["answers"]]
    assert found == [orjson.loads(each.json) for each in given]
