"""Events and receipts of a decision: documented attributes, and a size that fits every reader."""

from bisect import bisect_left
from datetime import UTC, datetime

import orjson
import pytest
from samenspel.contracts import canonical
from samenspel.contracts.attributes import CANONICAL, RECEIPT
from samenspel.contracts.canonical import EVENT_BYTES_MAX, to_headers
from samenspel.contracts.catalogue import EVENT_TYPES, SUBMISSIONS, type_name
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX
from samenspel.contracts.example_states import EXAMPLE_STATES
from samenspel.contracts.initiatives import Initiative
from samenspel.contracts.problems import Rejected
from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.events import append_event, append_receipt, encode
from samenspel.messaging.decisions.state import AggregateChange
from samenspel.messaging.outbox.journal import Lane

from tests.support.documented_attributes import assert_documented

OIN = "00000099000000000344"
LOG_ENTRY_BYTES_MAX = 65_535
"""The capacity of an entry of a C2SP transparency log: lines, an empty line, the value."""
SOURCE = "urn:nld:oin:00000099000000000001:systeem:samenspel-registry"
NOW = "2026-11-24T10:00:00.000Z"
EVENT_ID = "019ab3a0-7c1e-7b2a-9d55-0f6f7a1c2b3d"


def submission(text: str = "x", *, trace: str = "") -> Submission:
    """A submission with this text in all free attributes."""
    kind = SUBMISSIONS[type_name("initiative-registered")]
    data = kind.model.model_validate_json(orjson.dumps(kind.example))
    source = f"urn:nld:oin:{OIN}:{text}"[:ATTRIBUTE_CHARS_MAX]
    received = datetime(2026, 11, 24, tzinfo=UTC)
    return Submission(OIN, source, text, kind, "0", "0", data, b"\xff" * 32, received, "http", text, trace)


def lane(topic: str = "samenspel.initiatives") -> Lane:
    """The lane with the longest numbers there can be."""
    return Lane(topic, 999, 2**31 - 1, 2**63 - 2, 2**256 - 1)


def change(partners: int) -> AggregateChange:
    """A change with a state of 23 more bytes per partner."""
    state = Initiative.model_validate_json(orjson.dumps(EXAMPLE_STATES["initiative.v1"]))
    fact = EVENT_TYPES[type_name("initiative-phase-changed")]
    grown = state.model_copy(update={"partners": (OIN,) * partners})
    return AggregateChange(fact, state.initiative_id, state.initiative_id, grown)


def size(headers: bytes, value: bytes, key: str) -> int:
    """Bytes of a record: names and values of the headers, key and value."""
    return sum(len(name.encode()) + len(text) for name, text in to_headers(headers)) + len(value) + len(key.encode())


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("text", ["x" * ATTRIBUTE_CHARS_MAX, "\U0001f6b2" * ATTRIBUTE_CHARS_MAX, "x"])
def test_largest_state_fits_an_event_and_a_log_entry(text: str) -> None:
    """With the longest permitted attributes, and the most bytes per character."""
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


def test_event_carries_the_documented_attributes() -> None:
    cause, on = submission(trace=TRACE), lane()
    append_event(on, encode(change(1), cause), None, cause, SOURCE, EVENT_ID, NOW)
    assert_documented(CANONICAL, to_headers(on.rows[0][-2]))


def test_receipt_carries_the_documented_attributes() -> None:
    on = lane(f"samenspel.receipts.initiatives.{OIN}")
    append_receipt(on, OIN, b"{}", SOURCE, EVENT_ID, NOW)
    assert_documented(RECEIPT, to_headers(on.rows[0][-2]))


def test_published_event_is_read_back() -> None:
    cause, on = submission("één", trace=TRACE), lane()
    append_event(on, encode(change(1), cause), None, cause, SOURCE, EVENT_ID, NOW)
    *_, headers, value = on.rows[0]
    event = canonical.read(on.topic, on.lane, 7, to_headers(headers), value)
    assert (event.timeline, event.sequence, event.offset) == (on.timeline, on.sequence, 7)
    assert (event.id, event.type) == (EVENT_ID, type_name("initiative-phase-changed"))
    assert (event.aggregate, event.statedigest, event.value) == ("initiative.v1", on.digest, value)
    assert event.lines == headers
