"""Every model accepts exactly the values that the model's published JSON Schema accepts, for generated values."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from samenspel.contracts.catalogue import AGGREGATES, RECEIPT_MODEL, SUBMISSIONS
from samenspel.contracts.jsonschema import schemas
from samenspel.contracts.values import BEYOND_SCHEMA, Model

from services.notifier.api.models import AcknowledgeRequest, RotationRequest, SubscriptionRequest
from tests.support.schema_values import SPECIAL, changed_values, judge, places, replaced, valid_values

SCHEMAS: Final = schemas()
REQUESTS: Final[dict[type[Model], dict[str, Any]]] = {
    SubscriptionRequest: {
        "endpoint": "https://utrecht.example/hook",
        "secret": "whsec_" + "A" * 32,
        "types": ["nl.samenspel.grant-awarded.v1"],
        "start": "now",
        "delivery": "push",
    },
    RotationRequest: {"secret": "whsec_" + "A" * 32},
    AcknowledgeRequest: {"cursor": "abc"},
}
"""Request bodies with a schema in the OpenAPI document, each with an example."""
Extra = Literal["forbid", "ignore"]
Case = tuple[type[Model], Any, Extra]
SLOW: Final = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
briefly = settings(max_examples=6, suppress_health_check=SLOW)
"""Each run of `make test` generates other values, so few values per run and model are enough."""
thoroughly = settings(max_examples=60, suppress_health_check=SLOW)


def cases() -> Iterator[Any]:
    """Model, schema, and the handling of unknown fields: a reader of published data ignores these."""
    for submission in SUBMISSIONS.values():
        name = submission.schema_uri.rpartition("/schemas/")[2]
        yield pytest.param((submission.model, SCHEMAS[name], "forbid"), id=name)
    for aggregate in AGGREGATES.values():
        yield pytest.param((aggregate.model, SCHEMAS[f"{aggregate.name}.json"], "ignore"), id=aggregate.name)
    for model, example in REQUESTS.items():
        yield pytest.param((model, {**model.model_json_schema(), "examples": [example]}, "forbid"), id=model.__name__)
    yield pytest.param((RECEIPT_MODEL, SCHEMAS["receipt.json"], "ignore"), id="receipt")


every_type = pytest.mark.parametrize("case", list(cases()))


def errors_of(model: type[Model], value: Any, extra: Extra) -> set[str]:
    """The error types of a value that arrives as JSON text; empty for a valid value."""
    try:
        model.model_validate_json(json.dumps(value), extra=extra)
    except ValidationError as error:
        return {each["type"] for each in error.errors()}
    return set()


@cache
def _judge(schema: str) -> Any:
    return judge(json.loads(schema))


def assert_agree(case: Case, value: Any) -> None:
    model, schema, extra = case
    problems = list(_judge(json.dumps(schema)).iter_errors(value))
    errors = errors_of(model, value, extra)
    if not problems and errors == {BEYOND_SCHEMA}:
        return
    assert bool(problems) == bool(errors), (value, errors, [each.message for each in problems])


@every_type
@briefly
@given(data=st.data())
def test_model_accepts_what_the_schema_accepts(case: Case, data: st.DataObject) -> None:
    assert_agree(case, data.draw(valid_values(case[1])))


@pytest.mark.long
@every_type
@thoroughly
@given(data=st.data())
def test_model_accepts_what_the_schema_accepts_for_more_values(case: Case, data: st.DataObject) -> None:
    assert_agree(case, data.draw(valid_values(case[1])))


@every_type
@briefly
@given(data=st.data())
def test_model_refuses_what_the_schema_refuses(case: Case, data: st.DataObject) -> None:
    assert_agree(case, data.draw(changed_values(case[1], case[1]["examples"][0])))


@pytest.mark.long
@every_type
@thoroughly
@given(data=st.data())
def test_model_refuses_what_the_schema_refuses_for_more_values(case: Case, data: st.DataObject) -> None:
    assert_agree(case, data.draw(changed_values(case[1], case[1]["examples"][0])))


@every_type
def test_model_and_schema_agree_on_special_texts_in_every_field(case: Case) -> None:
    (given_example,) = case[1]["examples"]
    for place in places(given_example):
        for special in SPECIAL:
            assert_agree(case, replaced(given_example, place, special))
