"""The Kafka and HTTP bindings of CloudEvents: envelopes of records and requests, for any bytes."""

import pytest
from samenspel.contracts.attribute_rules import check
from samenspel.contracts.cloudevents import from_http, from_kafka
from samenspel.contracts.media_types import BATCH
from samenspel.contracts.problems import Rejected

ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "urn:nld:oin:00000099000000000344", "type": "x"}


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_header_without_value_is_a_missing_attribute(name: str) -> None:
    headers = [(f"ce_{each}", value.encode() if each != name else None) for each, value in ATTRIBUTES.items()]
    found = check(from_kafka(headers, b"{}"))
    assert {(problem.code, problem.field) for problem in found} == {("missing-attribute", name)}


@pytest.mark.parametrize("body", [b"{}", b"1", b"null", b'"x"', b"", b"[1", b"[1]x"])
def test_batch_that_is_no_array_is_rejected(body: bytes) -> None:
    with pytest.raises(Rejected):
        from_http([(b"content-type", BATCH.encode())], body)
