"""A receipt stays within its bytes, whatever was wrong and however it was written."""

import json
from datetime import UTC, datetime

import orjson
import pytest
from samenspel.contracts.catalogue import SUBMISSIONS, submissions_of, type_name
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX, Envelope, from_kafka
from samenspel.contracts.problems import PROBLEMS_MAX, Rejected
from samenspel.contracts.receipts import RECEIPT_BYTES_MAX, Receipt
from samenspel.contracts.submissions import read_submission
from samenspel.messaging.inbox.answers import RenderedAnswer, receipts_of, refused, render, unreadable

OIN = "00000099000000000344"
KIND = SUBMISSIONS[type_name("initiative-registered")]


def answer_to(envelope: Envelope) -> RenderedAnswer:
    with pytest.raises(Rejected) as refusal:
        read_submission(envelope, OIN, submissions_of("initiatives"), datetime.now(UTC), "")
    given = unreadable(OIN, envelope, refusal.value, "http")
    return render(given, refused(given.problems, given.problems_left_out))


def with_attributes(**attributes: str) -> Envelope:
    named = {"specversion": "1.0", "id": "1", "source": f"urn:nld:oin:{OIN}", "type": KIND.name, **attributes}
    headers = [(f"ce_{name}", value.encode()) for name, value in named.items()]
    return from_kafka(headers, json.dumps(KIND.example).encode())


def with_data(**changes: object) -> Envelope:
    envelope = with_attributes()
    envelope.data = json.dumps({**KIND.example, **changes}, ensure_ascii=False).encode()
    return envelope


LARGE = {
    "an id": with_attributes(id="~" * 900_000),
    "a source": with_attributes(source="\x01" * 900_000),
    "a type": with_attributes(type="\U0001f6b2" * 100_000),
    "an attribute's name": with_attributes(**{"x" * 900_000: "x"}),
    "a field's name": with_data(**{"~" * 45_000: 1}),
    "a hundred names of fields": with_data(**{f"{number:03d}" + "/" * 400: 1 for number in range(100)}),
    "a hundred invisible values": with_data(partners=["\u009f\u200b" * 80] * 100),
    "a hundred wheels": with_data(partners=["\U0001f6b2" * 112] * 100),
    "a thousand small ones": with_data(**{f"x{number}": 1 for number in range(1_000)}),
}


@pytest.mark.parametrize("envelope", LARGE.values(), ids=LARGE)
def test_what_is_large_is_answered_in_one_small_receipt(envelope: Envelope) -> None:
    ((organisation, value),) = receipts_of([answer_to(envelope)])
    assert organisation == OIN
    assert len(value) <= RECEIPT_BYTES_MAX
    (answer,) = Receipt.model_validate_json(value).answers
    assert 1 <= len(answer.problems) <= PROBLEMS_MAX
    assert max(len(answer.source), len(answer.id)) <= ATTRIBUTE_CHARS_MAX


def test_what_is_left_out_is_counted() -> None:
    body = orjson.loads(answer_to(LARGE["a thousand small ones"]).json)
    assert (len(body["problems"]), body["problems_left_out"]) == (100, 900)


def test_answers_that_do_not_fit_together_are_spread_in_order() -> None:
    given = [answer_to(LARGE["a hundred wheels"]), answer_to(LARGE["an id"]), answer_to(LARGE["a hundred wheels"])]
    values = [value for _, value in receipts_of(given)]
    assert all(len(value) <= RECEIPT_BYTES_MAX for value in values)
    found = [answer for value in values for answer in orjson.loads(value)["answers"]]
    assert found == [orjson.loads(each.json) for each in given]
