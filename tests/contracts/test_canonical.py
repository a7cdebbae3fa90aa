"""A canonical event's bytes: made once, the same in journal, Kafka, feed and log, and never too many."""

import re
from bisect import bisect_left
from datetime import UTC, datetime
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts import canonical
from samenspel.contracts.attributes import CANONICAL, RECEIPT, Attribute, header_schema
from samenspel.contracts.canonical import EVENT_BYTES_MAX, to_headers, to_lines, to_structured
from samenspel.contracts.catalogue import EVENT_TYPES, SUBMISSIONS, type_name
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX
from samenspel.contracts.example_states import EXAMPLE_STATES
from samenspel.contracts.initiatives import Initiative
from samenspel.contracts.problems import Rejected
from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.events import append_event, append_receipt, encode
from samenspel.messaging.decisions.state import AggregateChange
from samenspel.messaging.outbox.journal import Lane

OIN = "00000099000000000344"
LOG_ENTRY_BYTES_MAX = 65_535
"""What an entry of a C2SP transparency log can hold: lines, an empty line, the value."""
SOURCE = "urn:nld:oin:00000099000000000001:systeem:samenspel-registry"
NOW = "2026-11-24T10:00:00.000Z"
EVENT_ID = "019ab3a0-7c1e-7b2a-9d55-0f6f7a1c2b3d"

names = st.from_regex(r"ce_[a-z0-9]{1,20}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40).map(str.encode)


@given(st.dictionaries(names, texts, max_size=20))
def test_lines_and_headers_are_the_same_thing(attributes: dict[str, bytes]) -> None:
    lines = to_lines(attributes.items())
    headers = to_headers(lines)
    assert headers[-1] == ("content-type", b"application/json")
    assert dict(headers[:-1]) == attributes
    assert [name for name, _ in headers[:-1]] == sorted(attributes)
    assert to_lines(headers) == lines


@given(st.dictionaries(names, texts, max_size=20), st.randoms(use_true_random=False))
def test_lines_do_not_depend_on_the_order_in_which_headers_came(attributes: dict[str, bytes], chance: Random) -> None:
    pairs = list(attributes.items())
    chance.shuffle(pairs)
    assert to_lines(pairs) == to_lines(attributes.items())


@given(st.dictionaries(names, texts, max_size=20))
def test_a_structured_event_says_what_the_lines_say(attributes: dict[str, bytes]) -> None:
    value = b'{"title":  "spaces stay"}'
    made = to_structured(to_lines(attributes.items()), value)
    assert made.endswith(b'"data":' + value + b"}")
    expected = {name[3:]: text.decode() for name, text in attributes.items()}
    assert orjson.loads(made) == {**expected, "datacontenttype": "application/json", "data": orjson.loads(value)}


def submission(text: str = "x", *, trace: str = "") -> Submission:
    """One whose free attributes are all this text."""
    kind = SUBMISSIONS[type_name("initiative-registered")]
    data = kind.model.model_validate_json(orjson.dumps(kind.example))
    source = f"urn:nld:oin:{OIN}:{text}"[:ATTRIBUTE_CHARS_MAX]
    received = datetime(2026, 11, 24, tzinfo=UTC)
    return Submission(OIN, source, text, kind, "0", "0", data, b"\xff" * 32, received, "http", text, trace)


def lane(topic: str = "samenspel.initiatives") -> Lane:
    """The lane with the longest numbers there can be."""
    return Lane(topic, 999, 2**31 - 1, 2**63 - 2, 2**256 - 1)


def change(partners: int) -> AggregateChange:
    """A change whose state grows by 23 bytes for each partner."""
    state = Initiative.model_validate_json(orjson.dumps(EXAMPLE_STATES["initiative.v1"]))
    fact = EVENT_TYPES[type_name("initiative-phase-changed")]
    grown = state.model_copy(update={"partners": (OIN,) * partners})
    return AggregateChange(fact, state.initiative_id, state.initiative_id, grown)


def size(headers: bytes, value: bytes, key: str) -> int:
    """Bytes of a record: names and values of its headers, its key and its value."""
    return sum(len(name.encode()) + len(text) for name, text in to_headers(headers)) + len(value) + len(key.encode())


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("text", ["x" * ATTRIBUTE_CHARS_MAX, "\U0001f6b2" * ATTRIBUTE_CHARS_MAX, "x"])
def test_what_may_be_published_fits_an_event_and_a_log_entry(text: str) -> None:
    """With the longest attributes that a submission may have, in the most bytes that a character takes."""
    cause = submission(text, trace=TRACE)
    largest = bisect_left(range(3_000), True, key=lambda number: not fits(change(number), cause)) - 1
    assert largest > 2_000
    on = lane()
    append_event(on, encode(change(largest), cause), None, cause, SOURCE, EVENT_ID, NOW)
    *_, key, headers, value = on.rows[0]
    assert size(headers, value, key) <= EVENT_BYTES_MAX
    assert len(headers) + 1 + len(value) <= LOG_ENTRY_BYTES_MAX


def fits(wanted: AggregateChange, cause: Submission) -> bool:
    try:
        encode(wanted, cause)
    except Rejected as refusal:
        assert [problem.code for problem in refusal.problems] == ["state-too-large"]
        return False
    return True


def test_an_event_carries_the_attributes_that_are_documented() -> None:
    cause, on = submission(trace=TRACE), lane()
    append_event(on, encode(change(1), cause), None, cause, SOURCE, EVENT_ID, NOW)
    assert_documented(CANONICAL, to_headers(on.rows[0][-2]))


def test_a_receipt_carries_the_attributes_that_are_documented() -> None:
    on = lane(f"samenspel.receipts.initiatives.{OIN}")
    append_receipt(on, OIN, b"{}", SOURCE, EVENT_ID, NOW)
    assert_documented(RECEIPT, to_headers(on.rows[0][-2]))


def assert_documented(attributes: tuple[Attribute, ...], headers: list[tuple[str, bytes]]) -> None:
    assert [name for name, _ in headers[:-1]] == [f"ce_{each.name}" for each in attributes]
    properties = header_schema(attributes)["properties"]
    for name, value in headers[:-1]:
        assert re.search(properties[name].get("pattern", ""), value.decode()), name


@pytest.mark.parametrize("attributes", [CANONICAL, RECEIPT], ids=["canonical", "receipt"])
def test_the_documented_examples_look_as_documented(attributes: tuple[Attribute, ...]) -> None:
    assert_documented(attributes, [*((f"ce_{each.name}", each.example.encode()) for each in attributes), ("", b"")])


def test_what_was_published_is_read_back() -> None:
    cause, on = submission("één", trace=TRACE), lane()
    append_event(on, encode(change(1), cause), None, cause, SOURCE, EVENT_ID, NOW)
    *_, headers, value = on.rows[0]
    event = canonical.read(on.topic, on.lane, 7, to_headers(headers), value)
    assert (event.timeline, event.sequence, event.offset) == (on.timeline, on.sequence, 7)
    assert (event.id, event.type) == (EVENT_ID, type_name("initiative-phase-changed"))
    assert (event.aggregate, event.statedigest, event.value) == ("initiative.v1", on.digest, value)
    assert event.lines == headers
