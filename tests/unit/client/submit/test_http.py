"""Submitting over HTTP: batches within the service's limits, and the text of a refusal."""

import pytest
from samenspel.client.submit.http import EVENTS_MAX, batches, refusal_text
from samenspel.client.submit.statements import Statement, statement
from samenspel.contracts.examples import EXAMPLES


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"detail": "the service is closed"}', "the service is closed"),
        (
            b'{"detail": "2 problem(s)", "errors": [{"detail": "no title"}, {"detail": "no theme"}]}',
            "no title; no theme",
        ),
        (b"<html>Bad Gateway</html>", "no reason given"),
        (b"[]", "no reason given"),
        (b'{"status": 502}', "no reason given"),
        (b'{"errors": [{"code": "x"}]}', "no reason given"),
        (b'{"errors": 7}', "no reason given"),
        (b"", "no reason given"),
    ],
)
def test_refusal_text_gives_the_reasons_and_the_status(content: bytes, told: str) -> None:
    assert refusal_text(502, content) == f"{told} (HTTP 502)"


OIN = "00000099000000000344"


def registered(**changes: object) -> Statement:
    return statement(OIN, "initiative-registered", {**EXAMPLES["initiative-registered"], **changes})


def test_batches_keep_order_and_the_limits_of_the_service() -> None:
    statements = [registered(summary="x" * 4_000, title=str(number)) for number in range(1_200)]
    made = list(batches(statements))
    assert [each for batch in made for each in batch] == statements
    assert all(len(batch) <= EVENTS_MAX for batch in made)
    assert all(sum(len(each.structured()) + 1 for each in batch) < 1_048_576 for batch in made)
