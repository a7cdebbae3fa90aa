"""Encoding of canonical events and receipts: the bytes for the journal. These bytes never change again."""

from dataclasses import dataclass
from typing import Final

from samenspel.contracts.canonical import EVENT_BYTES_MAX
from samenspel.contracts.catalogue import RECEIPT_SCHEMA_URI
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX
from samenspel.contracts.digest import REMOVED, state_hash, to_hex
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.receipts import RECEIPT_TYPE
from samenspel.contracts.sequencing import is_removal
from samenspel.contracts.submission_hashes import PublishedHash
from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.state import AggregateChange, StoredAggregate
from samenspel.messaging.inbox.answers import EventRef
from samenspel.messaging.outbox.journal import Lane

_HEADER_BYTES: Final = 1_600
"""Size of the headers without the submission's id, source and correlation id; measured by a test."""
_SMALL_VALUE: Final = EVENT_BYTES_MAX - _HEADER_BYTES - 4 * 4 * ATTRIBUTE_CHARS_MAX
"""Bytes of a value that fits with any four attributes of the sender: a character has at most four bytes."""


@dataclass(slots=True)
class EncodedChange:
    """A change with encoded bytes. All changes of a submission are encoded before the first is appended."""

    change: AggregateChange
    value: bytes
    private: bytes | None
    new_hash: int


def encode(change: AggregateChange, cause: Submission) -> EncodedChange:
    """Encode a change. Raises `Rejected` (``state-too-large``) if the state exceeds the size limit of an event.

    A private part requires a submission type that declares one: the plain hash of the submission would disclose it.
    """
    if change.private is not None and not cause.type.has_private_part:
        raise TypeError(f"{cause.type.name} does not declare a private part")
    value = change.state.model_dump_json(exclude_none=True).encode()
    if len(value) > _SMALL_VALUE and len(value) + _named_bytes(cause) + _HEADER_BYTES > EVENT_BYTES_MAX:
        raise Rejected(_too_large(len(value)))
    aggregate = change.event_type.aggregate.name.encode()
    new_hash = REMOVED if is_removal(value) else state_hash(aggregate, change.subject.encode(), value)
    private = change.private.model_dump_json(exclude_none=True).encode() if change.private else None
    return EncodedChange(change, value, private, new_hash)


def _named_bytes(cause: Submission) -> int:
    """Bytes of the attributes that the sender chose; an event repeats the id."""
    return len(f"{cause.id}{cause.id}{cause.correlationid or cause.id}{cause.source}".encode())


def append_event(
    lane: Lane,
    encoded: EncodedChange,
    before: StoredAggregate | None,
    cause: Submission,
    submission_hash: PublishedHash,
    source: str,
    id: str,
    now: str,
) -> EventRef:
    """Append the event to the lane: sequence and digest advance, and the lane gets a journal row."""
    change = encoded.change
    lane.advance(before.hash if before else REMOVED, encoded.new_hash)
    lines = _lines(lane, change, cause, submission_hash, source, id, now)
    lane.append(change.key, lines.encode(), encoded.value)
    return {
        "lane": lane.name,
        "timeline": lane.timeline,
        "sequence": lane.sequence,
        "id": id,
        "type": change.event_type.name,
    }


# Header lines are sorted by name: the journal, the relay and the fingerprints rely on this order.


def _lines(
    lane: Lane,
    change: AggregateChange,
    cause: Submission,
    submission_hash: PublishedHash,
    source: str,
    id: str,
    now: str,
) -> str:
    aggregate = change.event_type.aggregate
    trace = f"ce_traceparent:{cause.traceparent}\n" if cause.traceparent else ""
    hash_key = f"ce_submissionhashkey:{submission_hash.key_id}\n" if submission_hash.key_id else ""
    return (
        f"ce_aggregate:{aggregate.name}\nce_authid:urn:nld:oin:{cause.organisation}\nce_causationid:{cause.id}\n"
        f"ce_correlationid:{cause.correlationid or cause.id}\nce_dataschema:{aggregate.schema_uri}\nce_id:{id}\n"
        f"ce_lane:{lane.name}\nce_partitionkey:{change.key}\nce_sequence:{lane.sequence:020d}\nce_source:{source}\n"
        f"ce_specversion:1.0\nce_statedigest:{to_hex(lane.digest)}\nce_subject:{change.subject}\n"
        f"ce_submissionhash:{submission_hash.hash}\n{hash_key}"
        f"ce_submissionid:{cause.id}\nce_submissionsource:{cause.source}\n"
        f"ce_time:{now}\nce_timeline:{lane.timeline}\n{trace}ce_type:{change.event_type.name}\n"
    )


def append_receipt(lane: Lane, organisation: str, value: bytes, source: str, id: str, now: str) -> None:
    """Append a receipt to the organisation's receipts lane. A receipt has a sequence but no digest."""
    lane.sequence += 1
    lines = (
        f"ce_authid:urn:nld:oin:{organisation}\nce_dataschema:{RECEIPT_SCHEMA_URI}\nce_id:{id}\n"
        f"ce_lane:{lane.name}\nce_sequence:{lane.sequence:020d}\nce_source:{source}\nce_specversion:1.0\n"
        f"ce_subject:{organisation}\nce_time:{now}\nce_timeline:{lane.timeline}\nce_type:{RECEIPT_TYPE}\n"
    )
    lane.append(organisation, lines.encode(), value)


def _too_large(size: int) -> Problem:
    return Problem(
        code="state-too-large",
        field="/",
        detail=f"the state after this would be {size:,} bytes; an event carries at most {EVENT_BYTES_MAX:,}",
        fix="Shorten texts or lists, and link to what is large.",
    )
