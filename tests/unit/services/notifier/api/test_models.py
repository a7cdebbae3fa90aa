"""Requests for subscriptions: endpoint, delivery and secret belong together."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.notifier.api.models import AcknowledgeRequest, SubscriptionRequest

URL = "https://utrecht.example/hook"
SECRET = "whsec_" + "A" * 32


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"delivery": "pull"},
        {"endpoint": URL},
        {"endpoint": URL, "delivery": "push", "secret": SECRET, "start": "beginning"},
        {"types": ["nl.samenspel.grant-awarded.v1"]},
    ],
)
def test_consistent_request_is_valid(stated: dict[str, Any]) -> None:
    assert SubscriptionRequest.model_validate(stated, strict=False).endpoint == stated.get("endpoint")


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"delivery": "push"}, "push requires an endpoint"),
        ({"endpoint": URL, "delivery": "pull"}, "pull allows no endpoint"),
        ({"secret": SECRET}, "requires an endpoint"),
        ({"endpoint": URL, "secret": "short"}, "secret"),
        ({"types": ["nl.samenspel.grant-awarded.v1"] * 101}, "types"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_inconsistent_request_is_invalid(stated: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SubscriptionRequest.model_validate(stated, strict=False)


def test_acknowledgement_names_its_cursor() -> None:
    with pytest.raises(ValidationError, match="cursor"):
        AcknowledgeRequest.model_validate({})
