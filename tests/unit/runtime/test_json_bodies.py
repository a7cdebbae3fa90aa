"""JSON bodies: one strict parser, one media type, and all problems at once."""

from typing import Annotated, Literal

import orjson
import pytest
from fastapi import APIRouter, Depends
from samenspel.contracts.problems import PROBLEMS_MAX, Rejected
from samenspel.contracts.strict_json import VALUES_MAX
from samenspel.contracts.values import Model
from samenspel.runtime.json_bodies import json_body, openapi_body, parse_body

from tests.support.asgi import Reply, ask
from tests.support.http_router import app_with


class Wanted(Model):
    action: Literal["retry", "discard"]
    numbers: tuple[int, ...] = ()


async def test_content_type_of_an_empty_body_says_nothing() -> None:
    answer = await act(b"", {"content-type": "application/octet-stream"})
    assert (answer.status, answer.json["errors"][0]["code"]) == (400, "not-json")


def problems(body: bytes) -> set[tuple[str, str]]:
    with pytest.raises(Rejected) as refusal:
        parse_body(Wanted, body)
    return {(problem.code, problem.field) for problem in refusal.value.problems}


@pytest.mark.parametrize(
    "text", [b'{"action":"retry"}', b' {"action": "retry"}\n', b'\xef\xbb\xbf{"action":"retry"}']
)
def test_valid_body_is_read_in_any_spelling(text: bytes) -> None:
    assert parse_body(Wanted, text) == Wanted(action="retry")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {("not-json", "/")}),
        (b"{'action':'retry'}", {("not-json", "/")}),
        (b'{"action":"\xff"}', {("not-utf-8", "/")}),
        (b'{"action":NaN}', {("not-json", "/")}),
        (b"[" * 100 + b"]" * 100, {("not-json", "/")}),
        (b"[]", {("invalid-field", "/")}),
        (b'{"action":"retry","action":"discard"}', {("duplicate-key", "/action")}),
        (b'{"action":"retry","\\u0061ction":"retry"}', {("duplicate-key", "/action")}),
        (b'{"action":"burn","why":1}', {("invalid-field", "/action"), ("unknown-field", "/why")}),
        (b'{"action":"retry","numbers":["1"]}', {("invalid-field", "/numbers/0")}),
        (b'{"action":"retry","numbers":[%b1]}' % (b"1," * VALUES_MAX), {("submission-too-large", "/")}),
    ],
)
def test_invalid_body_is_refused_with_codes_and_fields(body: bytes, expected: set[tuple[str, str]]) -> None:
    assert problems(body) == expected


def test_problems_are_collected_up_to_the_limit_and_counted_beyond() -> None:
    with pytest.raises(Rejected) as refusal:
        parse_body(Wanted, orjson.dumps({"action": "retry", **{f"x{number}": 1 for number in range(500)}}))
    assert (len(refusal.value.problems), refusal.value.left_out) == (PROBLEMS_MAX, 400)
    assert all("GET /v1/openapi.json" in problem.fix for problem in refusal.value.problems)


async def act(body: bytes, headers: dict[str, str]) -> Reply:
    routes = APIRouter(prefix="/v1")

    @routes.post("/actions", openapi_extra=openapi_body(Wanted))
    async def actions(wanted: Annotated[Wanted, Depends(json_body(Wanted))]) -> str:
        return wanted.action

    return await ask(app_with(routes), "POST", "/v1/actions", headers=headers, body=body)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/x-www-form-urlencoded", 415),
        ("text/json", 415),
        ("application/cloudevents+json", 415),
    ],
)
async def test_content_type_is_json_in_any_spelling(content_type: str, status: int) -> None:
    reply = await act(b'{"action":"retry"}', {"content-type": content_type})
    assert reply.status == status
    assert status == 200 or "application/json" in reply.json["detail"]


@pytest.mark.parametrize(("body", "status"), [(b'{"action":1}', 400), (b"[%b1]" % (b"1," * VALUES_MAX), 413)])
async def test_refused_body_is_a_problem_with_its_errors(body: bytes, status: int) -> None:
    reply = await act(body, {})
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.json["errors"][0]["fix"]


def test_body_is_described_in_the_openapi_document() -> None:
    described = openapi_body(Wanted, required=False)["requestBody"]
    assert described["required"] is False
    assert described["content"]["application/json"]["schema"]["additionalProperties"] is False
