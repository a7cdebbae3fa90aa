"""The Kafka and HTTP bindings of CloudEvents: envelopes of records and requests, for any bytes."""

import base64

import orjson
import pytest
from samenspel.contracts.attribute_rules import check
from samenspel.contracts.cloudevents import ATTRIBUTES_MAX, Envelope, from_http, from_kafka, from_structured
from samenspel.contracts.media_types import BATCH, STRUCTURED
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


def http(headers: list[tuple[bytes, bytes]], body: bytes) -> Envelope:
    [envelope] = from_http(headers, body).envelopes
    return envelope


def found_in(envelope: Envelope) -> set[tuple[str, str]]:
    return {(problem.code, problem.field) for problem in envelope.problems}


NAMED = [(f"ce_{name}", value.encode()) for name, value in ATTRIBUTES.items()]
OVER_HTTP = [(f"ce-{name}".encode(), value.encode()) for name, value in ATTRIBUTES.items()]


@pytest.mark.parametrize("name", ["id", "note"])
def test_repeated_header_is_a_problem_and_never_the_last_value(name: str) -> None:
    twice = [(f"ce_{name}", b"1"), (f"ce_{name}", b"2")]
    over_kafka = from_kafka([each for each in NAMED if each[0] != f"ce_{name}"] + twice, b"{}")
    raw = [(f"ce-{name}".encode(), value) for _, value in twice]
    over_http = http([each for each in OVER_HTTP if each[0] != f"ce-{name}".encode()] + raw, b"{}")
    for envelope in (over_kafka, over_http):
        assert found_in(envelope) == {("invalid-attribute", name)}
        assert envelope.attributes[name] == "1"


@pytest.mark.parametrize("second", ["application/json", STRUCTURED])
def test_repeated_content_type_is_refused_before_the_mode_is_chosen(second: str) -> None:
    kinds = [b"application/json", second.encode()]
    over_kafka = from_kafka([*NAMED, *(("content-type", kind) for kind in kinds)], b"{}")
    over_http = http([*OVER_HTTP, *((b"content-type", kind) for kind in kinds)], b"{}")
    for envelope in (over_kafka, over_http):
        assert not envelope.is_event
        assert found_in(envelope) == {("invalid-attribute", "datacontenttype")}


@pytest.mark.parametrize(("header", "codes"), [("application/json", set()), ("text/plain", {"invalid-attribute"})])
def test_attribute_of_the_content_type_equals_the_header(header: str, codes: set[str]) -> None:
    headers = [*NAMED, ("ce_datacontenttype", b"Application/JSON"), ("content-type", header.encode())]
    assert {code for code, _ in found_in(from_kafka(headers, b"{}"))} == codes


@pytest.mark.parametrize("value", [b"caf%C3%A9", "café".encode(), '"café"'.encode(), b'"ca\\f%C3%A9"'])
def test_http_header_is_percent_decoded_utf_8(value: bytes) -> None:
    assert http([*OVER_HTTP, (b"ce-note", value)], b"{}").attributes["note"] == "café"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (rb'"say \"hi\" %22"', 'say "hi" "'),
        (rb'"a\\b"', r"a\b"),
        (b'""', ""),
        (b'"', '"'),
        (b'"a"b"', '"a"b"'),
        (rb'"a\"', r'"a\"'),
        (b'a "b"', 'a "b"'),
    ],
)
def test_quotes_around_a_whole_http_header_are_removed(value: bytes, text: str) -> None:
    """HTTP protocol binding §3.1.3.2: quotes first, then percent-encoding. The Kafka binding has neither."""
    assert http([*OVER_HTTP, (b"ce-note", value)], b"{}").attributes["note"] == text
    assert from_kafka([*NAMED, ("ce_note", value)], b"{}").attributes["note"] == value.decode()


@pytest.mark.parametrize("number", [ATTRIBUTES_MAX, ATTRIBUTES_MAX + 1])
def test_attributes_are_counted_in_every_mode(number: int) -> None:
    more = [f"x{each}" for each in range(number - len(ATTRIBUTES))]
    members = orjson.dumps({**ATTRIBUTES, **dict.fromkeys(more, ""), "data": {}})
    envelopes = [
        from_kafka([*NAMED, *((f"ce_{name}", b"") for name in more)], b"{}"),
        http([*OVER_HTTP, *((f"ce-{name}".encode(), b"") for name in more)], b"{}"),
        from_structured(members),
        *from_http([(b"content-type", BATCH.encode())], b"[%b]" % members).envelopes,
    ]
    expected = set() if number == ATTRIBUTES_MAX else {("too-many-attributes", "/")}
    assert [found_in(each) for each in envelopes] == [expected] * 4
    assert [each.is_event for each in envelopes] == [not expected] * 4


def test_structured_event_of_90_000_attributes_is_one_problem_with_its_identity() -> None:
    members = {**ATTRIBUTES, **{f"x{number}": 1 for number in range(40_000)}}
    envelope = from_structured(orjson.dumps(members))
    assert found_in(envelope) == {("too-many-attributes", "/")}
    assert (envelope.id, envelope.source) == (ATTRIBUTES["id"], ATTRIBUTES["source"])
    members |= {f"y{number}": 1 for number in range(50_000)}
    assert found_in(from_structured(orjson.dumps(members))) == {("submission-too-large", "/")}


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (7, "7"), (-(2**31), "-2147483648"), (2**31, None), (1.5, None), ([], None)],
)
def test_member_of_a_structured_event_is_a_string_an_integer_or_a_boolean(value: object, text: str | None) -> None:
    """JSON event format §2.2; an Integer has 32 bits (CloudEvents 1.0.2 §2.2)."""
    envelope = from_structured(orjson.dumps({**ATTRIBUTES, "note": value}))
    assert envelope.attributes.get("note") == text
    assert found_in(envelope) == (set() if text else {("invalid-attribute", "note")})


def test_repeated_key_beside_encoded_data_is_a_problem() -> None:
    data = base64.b64encode(b'{"a":1}').decode()
    text = orjson.dumps({**ATTRIBUTES, "data_base64": data})[:-1] + b',"note":"a","note":"b"}'
    assert found_in(from_structured(text)) == {("duplicate-key", "/note")}


def test_items_of_a_batch_are_decoded_one_by_one_at_their_index() -> None:
    good = orjson.dumps({**ATTRIBUTES, "data": {}})
    deep = good.replace(b"{}", b"[" * 300 + b"]" * 300)
    items = [good, b"1", good[:-1] + b',"note":"a","note":"b"}', deep, good]
    events = from_http([(b"content-type", BATCH.encode())], b"[" + b",".join(items) + b"]")
    found = [found_in(each) for each in events.envelopes]
    not_json = {("not-json", "/")}
    assert (events.is_batch, events.number) == (True, 5)
    assert found == [set(), not_json, {("duplicate-key", "/note")}, not_json, set()]
