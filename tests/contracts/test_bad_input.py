"""Bad input: every kind is refused with the same codes at both doors, and each problem says where and how to mend it.

Over the running doors `tests/shared/test_poison.py` sends more of it; here it is only read.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.canonical import SUBMISSION_BYTES_MAX
from samenspel.contracts.catalogue import SUBMISSIONS, submissions_of, type_name
from samenspel.contracts.cloudevents import Envelope, HttpEvents, from_http, from_kafka
from samenspel.contracts.media_types import BATCH, STRUCTURED
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.strict_json import TEXT_BYTES_MAX
from samenspel.contracts.submissions import read_submission

OIN = "00000099000000000344"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROGRAMME = SUBMISSIONS[type_name("programme-opened")].example
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "1",
    "source": f"urn:nld:oin:{OIN}:systeem:zaaksysteem",
    "type": type_name("programme-opened"),
}
WHOLE = "/"
"""Where a problem lies that is not of one field."""

Found = set[tuple[str, str]]
"""Code and field of each problem."""


def given_as(field: str, text: str | bytes) -> bytes:
    """The example's JSON, with this text, as it is, in place of one field's value."""
    marked = json.dumps({**PROGRAMME, field: "@"}).encode()
    return marked.replace(b'"@"', text.encode() if isinstance(text, str) else text)


def with_fields(**changes: Any) -> bytes:
    return json.dumps({**PROGRAMME, **changes}).encode()


def problems_of(envelope: Envelope) -> tuple[Problem, ...]:
    try:
        read_submission(envelope, OIN, submissions_of("funding"), NOON, "")
    except Rejected as refusal:
        return refusal.problems
    return ()


def kafka(data: bytes | None, attributes: Mapping[str, str | bytes | None] = ATTRIBUTES) -> tuple[Problem, ...]:
    raw = [(f"ce_{name}", value.encode() if isinstance(value, str) else value) for name, value in attributes.items()]
    return problems_of(from_kafka([*raw, ("content-type", b"application/json")], data))


def structured(data: bytes) -> tuple[Problem, ...]:
    body = json.dumps(ATTRIBUTES).encode()[:-1] + b',"data":' + data + b"}"
    try:
        return problems_of(one(from_http([(b"content-type", STRUCTURED.encode())], body)))
    except Rejected as refusal:
        return refusal.problems


def one(events: HttpEvents) -> Envelope:
    [envelope] = events.envelopes
    return envelope


def found_in(problems: tuple[Problem, ...]) -> Found:
    return {(problem.code, problem.field) for problem in problems}


CENTS = "/ceiling_cents"
TWICE = '{"start":"2026-01-01","start":"2027-01-01"}'
DEEP = b"[" * 10_000 + b"]" * 10_000
DATA: dict[str, tuple[bytes, Found]] = {
    "nothing": (b"", {("not-json", WHOLE)}),
    "not JSON": (b"{'a': 1}", {("not-json", WHOLE)}),
    "cut off": (with_fields()[:-1], {("not-json", WHOLE)}),
    "something behind it": (with_fields() + b"x", {("not-json", WHOLE)}),
    "NaN": (given_as("ceiling_cents", "NaN"), {("not-json", WHOLE)}),
    "infinity": (given_as("ceiling_cents", "Infinity"), {("not-json", WHOLE)}),
    "a number beyond any": (given_as("ceiling_cents", "1e400"), {("not-json", WHOLE)}),
    "5,000 digits": (given_as("ceiling_cents", "9" * 5_000), {("not-json", WHOLE)}),
    "300 digits": (given_as("ceiling_cents", "9" * 300), {("invalid-field", CENTS)}),
    "64 bits and one": (given_as("ceiling_cents", str(2**64)), {("invalid-field", CENTS)}),
    "a number as text": (given_as("ceiling_cents", '"100"'), {("invalid-field", CENTS)}),
    "a fraction": (given_as("ceiling_cents", "100.5"), {("invalid-field", CENTS)}),
    "a whole number with a fraction": (given_as("ceiling_cents", "100.0"), {("invalid-field", CENTS)}),
    "a truth as number": (given_as("ceiling_cents", "true"), {("invalid-field", CENTS)}),
    "zero euro": (given_as("ceiling_cents", "0"), {("invalid-field", CENTS)}),
    "less than nothing": (given_as("ceiling_cents", "-1"), {("invalid-field", CENTS)}),
    "a zero in front": (given_as("ceiling_cents", "0100"), {("not-json", WHOLE)}),
    "NaN hidden by a second key": (given_as("x", "NaN").replace(b'"x"', b'"name"'), {("not-json", WHOLE)}),
    "a key twice": (with_fields()[:-1] + b',"name":"x"}', {("duplicate-key", "/name")}),
    "a key twice, one escaped": (with_fields()[:-1] + b',"na\\u006de":"x"}', {("duplicate-key", "/name")}),
    "a key twice, with a space": (with_fields()[:-1] + b', "name" : "x"}', {("duplicate-key", "/name")}),
    "a key twice, deeper": (given_as("period", TWICE), {("duplicate-key", "/start")}),
    "10,000 deep": (given_as("name", DEEP), {("not-json", WHOLE)}),
    "65 deep": (given_as("name", "[" * 65 + "]" * 65), {("not-json", WHOLE)}),
    "10,000 deep and alone": (DEEP, {("not-json", WHOLE)}),
    "Latin-1": (given_as("name", '"caf\u00e9"'.encode("latin-1")), {("not-utf-8", WHOLE)}),
    "UTF-16": (with_fields().decode().encode("utf-16-le"), {("not-json", WHOLE)}),
    "a byte order mark": (b"\xef\xbb\xbf" * 2 + with_fields(), {("not-json", WHOLE)}),
    "half a surrogate pair": (given_as("name", '"\\ud800"'), {("not-json", WHOLE)}),
    "half a pair as bytes": (given_as("name", b'"\xed\xa0\x80"'), {("not-utf-8", WHOLE)}),
    "NUL, escaped": (given_as("name", '"a\\u0000b"'), {("invalid-field", "/name")}),
    "NUL, as it is": (given_as("name", b'"a\x00b"'), {("not-json", WHOLE)}),
    "blank": (with_fields(name=" \t"), {("invalid-field", "/name")}),
    "too long": (with_fields(name="x" * 201), {("invalid-field", "/name")}),
    "a day that is none": (with_fields(period={"start": "2026-02-30"}), {("invalid-field", "/period/start")}),
    "a moment for a day": (with_fields(period={"start": "2026-02-03T00:00Z"}), {("invalid-field", "/period/start")}),
    "a number for a day": (with_fields(period={"start": 20_000}), {("invalid-field", "/period/start")}),
    "the end before the start": (
        with_fields(period={"start": "2026-02-03", "end": "2026-02-02"}),
        {("invalid-field", "/period")},
    ),
    "a field that is none": (with_fields(budget=1), {("unknown-field", "/budget")}),
    "one with a pointer's signs": (with_fields(**{"a/b~c": 1}), {("unknown-field", "/a~1b~0c")}),
    "a list": (b"[]", {("invalid-field", WHOLE)}),
    "everything at once": (
        b'{"programme_id":"x","name":"","budget":1}',
        {
            ("invalid-field", "/programme_id"),
            ("invalid-field", "/name"),
            ("unknown-field", "/budget"),
            *(("missing-field", f"/{field}") for field in ("ceiling_cents", "instrument", "legal_basis")),
            *(("missing-field", f"/{field}") for field in ("period", "distribution_method")),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), DATA.values(), ids=DATA)
def test_bad_data_is_refused_with_its_codes(data: bytes, expected: Found) -> None:
    assert found_in(kafka(data)) == expected


@pytest.mark.parametrize(("data", "expected"), DATA.values(), ids=DATA)
def test_a_structured_event_is_refused_as_a_binary_one_is(data: bytes, expected: Found) -> None:
    """Where the data cannot be told from what surrounds it, the whole is not JSON."""
    codes = {problem.code for problem in structured(data)}
    assert codes == {code for code, _ in expected} or codes == {"not-json"}


@pytest.mark.parametrize("data", [data for data, _ in DATA.values()], ids=DATA)
def test_every_problem_says_what_was_wrong_and_how_to_mend_it(data: bytes) -> None:
    for problem in (*kafka(data), *structured(data)):
        assert problem.detail
        assert len(problem.detail) <= 500
        assert problem.fix.endswith((".", "…"))


def changed(**changes: str | bytes | None) -> dict[str, str | bytes | None]:
    return {**ATTRIBUTES, **changes}


ENVELOPES: dict[str, tuple[Mapping[str, str | bytes | None], Found]] = {
    "no attributes": (
        {},
        {("missing-attribute", name) for name in ("specversion", "id", "source", "type")},
    ),
    "an empty id": (changed(id=""), {("missing-attribute", "id")}),
    "an id without a value": (changed(id=None), {("missing-attribute", "id")}),
    "an id that is not UTF-8": (changed(id=b"\xff"), {("invalid-attribute", "id")}),
    "a control character": (changed(id="a\nb"), {("invalid-attribute", "id")}),
    "a long id": (changed(id="x" * 5_000), {("invalid-attribute", "id")}),
    "another version": (changed(specversion="0.3"), {("invalid-attribute", "specversion")}),
    "a moment without a zone": (changed(time="2026-11-24T10:00:00"), {("invalid-attribute", "time")}),
    "a day for a moment": (changed(time="2026-11-24"), {("invalid-attribute", "time")}),
    "ISO 8601 that is not RFC 3339": (changed(time="20261124T100000Z"), {("invalid-attribute", "time")}),
    "a moment that is none": (changed(time="2026-11-31T10:00:00Z"), {("invalid-attribute", "time")}),
    "a trace that is none": (changed(traceparent="00-1-2-3"), {("invalid-attribute", "traceparent")}),
    "a name that is none": (changed(MyField="x"), {("invalid-attribute", "MyField")}),
    "data that is not JSON": (changed(datacontenttype="text/xml"), {("invalid-attribute", "datacontenttype")}),
    "a type that is none": (changed(type="nl.samenspel.money-printed.v1"), {("unknown-type", "type")}),
    "a type of another domain": (changed(type=type_name("rollout-started")), {("unknown-type", "type")}),
    "another organisation": (
        changed(source="urn:nld:oin:00000099000000000363:systeem:x"),
        {("source-mismatch", "source")},
    ),
    "one that only begins like it": (changed(source=f"urn:nld:oin:{OIN}0"), {("source-mismatch", "source")}),
    "another subject": (changed(subject="x"), {("subject-mismatch", "subject")}),
}  # fmt: skip


@pytest.mark.parametrize(("attributes", "expected"), ENVELOPES.values(), ids=ENVELOPES)
def test_bad_attributes_are_refused_with_their_codes(
    attributes: Mapping[str, str | bytes | None], expected: Found
) -> None:
    assert found_in(kafka(with_fields(), attributes)) == expected


def test_an_attribute_may_not_come_twice() -> None:
    headers = [(f"ce_{name}", value.encode()) for name, value in [*ATTRIBUTES.items(), ("id", "2")]]
    assert found_in(problems_of(from_kafka(headers, with_fields()))) == {("invalid-attribute", "id")}


def test_attributes_and_data_are_looked_at_together() -> None:
    found = found_in(kafka(given_as("ceiling_cents", "0"), changed(specversion="2.0")))
    assert found == {("invalid-attribute", "specversion"), ("invalid-field", CENTS)}


def test_too_much_is_refused_by_its_size() -> None:
    empty = len(orjson.dumps({**PROGRAMME, "source": ""}))
    largest = orjson.dumps({**PROGRAMME, "source": "x" * (SUBMISSION_BYTES_MAX - empty)})
    too_large = {("submission-too-large", WHOLE)}
    for spaces in (b"", b" " * 1_000):
        assert found_in(kafka(largest + spaces)) == {("invalid-field", "/source")}
        assert found_in(kafka(largest.replace(b"xx", b"xxx", 1) + spaces)) == too_large
    assert found_in(kafka(with_fields() + b" " * TEXT_BYTES_MAX)) == too_large


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_value_is_no_event(value: bytes | None) -> None:
    assert found_in(kafka(value)) == {("not-json", WHOLE)}


@pytest.mark.parametrize("body", [b"{}", b"1", b"null", b'"x"', b"", b"[1", b"[1]x"])
def test_a_batch_is_an_array(body: bytes) -> None:
    with pytest.raises(Rejected):
        from_http([(b"content-type", BATCH.encode())], body)


@pytest.mark.parametrize("item", [b"1", b"[]", b"null", b'"x"', b"[" * 300 + b"]" * 300])
def test_an_item_of_a_batch_that_is_no_event_costs_no_other_item(item: bytes) -> None:
    good = json.dumps({**ATTRIBUTES, "data": PROGRAMME}).encode()
    events = from_http([(b"content-type", BATCH.encode())], b"[" + good + b"," + item + b"," + good + b"]")
    assert events.is_batch
    assert [found_in(problems_of(each)) for each in events.envelopes] == [set(), {("not-json", WHOLE)}, set()]


ANY = st.binary(max_size=60)


@given(st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_", "content-type", "x"]), st.none() | ANY)), ANY)
def test_any_record_is_read_or_refused(headers: list[tuple[str, bytes | None]], value: bytes) -> None:
    try:
        problems = problems_of(from_kafka(headers, value))
    except Rejected as refusal:
        problems = refusal.problems
    assert problems
    assert all(problem.code and problem.field is not None for problem in problems)
