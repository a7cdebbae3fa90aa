"""Rules of the context attributes: names, values, and a fix in the words of the entry point."""

import pytest
from samenspel.contracts.attribute_rules import check, quoted
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX, Envelope, from_http, from_kafka, from_structured
from samenspel.contracts.media_types import BATCH, STRUCTURED

GOOD = {"specversion": "1.0", "id": "1", "source": "urn:nld:oin:00000099000000000344", "type": "x"}
EVENT = b'{"specversion":"1.0","id":"1"}'


@pytest.mark.parametrize("name", ["a", "0", "iodebeziumtxdatacollectionorder", "x" * ATTRIBUTE_CHARS_MAX])
def test_name_of_lower_case_letters_and_digits_is_valid_at_any_length(name: str) -> None:
    """CloudEvents 1.0.2 §3 recommends 20 characters, and does not require them."""
    assert check(Envelope({**GOOD, name: "1"}, b"")) == []


@pytest.mark.parametrize("name", ["", "A", "a_b", "a-b", "é", "data", "x" * (ATTRIBUTE_CHARS_MAX + 1)])
def test_name_that_the_specification_forbids_is_invalid(name: str) -> None:
    [problem] = check(Envelope({**GOOD, name: "1"}, b""))
    assert (problem.code, problem.field) == ("invalid-attribute", name[:60])
    assert "CloudEvents 1.0.2 §3" in problem.detail


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_content_type_of_json_is_valid_in_any_spelling(kind: str) -> None:
    assert check(Envelope({**GOOD, "datacontenttype": kind}, b"")) == []


@pytest.mark.parametrize("kind", ["application/jsonp", "application/json-patch+json", "text/json", BATCH])
def test_other_content_type_is_invalid(kind: str) -> None:
    assert [problem.field for problem in check(Envelope({**GOOD, "datacontenttype": kind}, b""))] == [
        "datacontenttype"
    ]


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-24T10:00:00Z",
        "2026-11-24t10:00:00.1234567890z",
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:59:60+01:00",
        "2016-06-30T23:59:60.999-00:00",
    ],
)
def test_time_of_rfc_3339_is_valid(time: str) -> None:
    """§5.6: T and Z in any case, any number of decimals, and a leap second at the end of a month in UTC."""
    assert check(Envelope({**GOOD, "time": time}, b"")) == []


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-24",
        "2026-11-24 10:00:00Z",
        "2026-11-24T10:00:00",
        "2026-11-24T24:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-24T10:00:60Z",
        "2016-12-30T23:59:60Z",
        "2017-01-01T00:59:60Z",
        "2016-12-31T23:59:61Z",
        "9999-12-31T23:59:60Z",
        "0001-01-01T00:00:60+01:00",
        "２０２６-11-24T10:00:00Z",
    ],
)
def test_other_time_is_invalid(time: str) -> None:
    assert [problem.field for problem in check(Envelope({**GOOD, "time": time}, b""))] == ["time"]


def http(content_type: str, body: bytes) -> Envelope:
    [envelope] = from_http([(b"content-type", content_type.encode())], body).envelopes
    return envelope


@pytest.mark.parametrize(
    ("envelope", "fix"),
    [
        (from_kafka([], b"{}"), "Send header ce_id."),
        (http("application/json", b"{}"), "Send header ce-id."),
        (from_structured(b"{}"), 'Send member "id".'),
        (http("application/json", EVENT), STRUCTURED),
        (http("text/plain", b" " + EVENT), STRUCTURED),
        (http("application/json", b"[%b]" % EVENT), BATCH),
        (from_kafka([("content-type", b"application/json")], EVENT), STRUCTURED),
        (from_kafka([("content-type", b"application/json")], b"[%b]" % EVENT), STRUCTURED),
    ],
    ids=["Kafka", "HTTP", "structured", "whole event", "whole event as text", "batch", "in Kafka", "batch in Kafka"],
)
def test_fix_of_a_missing_attribute_speaks_of_the_entry_point(envelope: Envelope, fix: str) -> None:
    [problem] = [each for each in check(envelope) if each.field == "id"]
    assert problem.code == "missing-attribute"
    assert fix in problem.fix


@pytest.mark.parametrize("text", ["x" * 1_000, "\x01" * 1_000, "\U000e0001" * 1_000])
def test_quoted_text_is_short_however_it_is_escaped(text: str) -> None:
    assert len(quoted(text, 60)) <= 62
