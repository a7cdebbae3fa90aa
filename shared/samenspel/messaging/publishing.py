"""Making canonical events and receipts: the bytes that the journal keeps and that never change again."""

from dataclasses import dataclass
from typing import Final

from samenspel.contracts.canonical import EVENT_BYTES_MAX
from samenspel.contracts.catalogue import RECEIPT_SCHEMA_URI
from samenspel.contracts.digest import REMOVED, state_hash, to_hex
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.receipts import RECEIPT_TYPE
from samenspel.contracts.submissions import Submission
from samenspel.messaging.lanes import Lane
from samenspel.messaging.law import is_removal
from samenspel.messaging.states import Change, Held

# Sorted by name, as the journal, the relay and the transparency log want them; made in one formatting.
_LINES: Final = (
    "ce_aggregate:{aggregate}\nce_authid:urn:nld:oin:{organisation}\nce_causationid:{submission_id}\n"
    "ce_correlationid:{correlation_id}\nce_dataschema:{schema}\nce_id:{id}\nce_lane:{lane}\nce_partitionkey:{key}\n"
    "ce_sequence:{sequence:020d}\nce_source:{source}\nce_specversion:1.0\nce_statedigest:{digest}\n"
    "ce_subject:{subject}\nce_submissionhash:{hash}\nce_submissionid:{submission_id}\n"
    "ce_submissionsource:{submission_source}\nce_time:{time}\nce_timeline:{timeline}\n{trace}ce_type:{type}\n"
)
_RECEIPT_LINES: Final = (
    "ce_authid:urn:nld:oin:{organisation}\nce_dataschema:{schema}\nce_id:{id}\nce_lane:{lane}\n"
    "ce_sequence:{sequence:020d}\nce_source:{source}\nce_specversion:1.0\nce_subject:{organisation}\n"
    "ce_time:{time}\nce_timeline:{timeline}\nce_type:{type}\n"
)
_HEADER_BYTES: Final = 1_600
"""What the headers take beside the submission's own id, source and correlation id; measured by a test."""

Published = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Draft:
    """A change with its bytes made and measured, before it is certain that all of its siblings fit."""

    change: Change
    value: bytes
    private: bytes | None
    new_hash: int


def draft(change: Change, cause: Submission) -> Draft:
    """The bytes of a change. Raises `Rejected` (``state-too-large``) when no event could carry them."""
    value = change.state.model_dump_json(exclude_none=True).encode()
    named = f"{cause.id}{cause.id}{cause.correlationid or cause.id}{cause.source}"
    if len(value) + len(named.encode()) + _HEADER_BYTES > EVENT_BYTES_MAX:
        raise Rejected(_too_large(len(value)))
    aggregate = change.fact.aggregate.name.encode()
    new_hash = REMOVED if is_removal(value) else state_hash(aggregate, change.subject.encode(), value)
    private = change.private.model_dump_json(exclude_none=True).encode() if change.private else None
    return Draft(change, value, private, new_hash)


def publish(
    lane: Lane, made: Draft, before: Held | None, cause: Submission, source: str, id: str, now: str
) -> Published:
    """Put the drafted event on its lane: sequence and digest advance, and the journal gets its row.

    Returns it as a receipt names it (`contracts.receipts.PublishedEvent`).
    """
    change = made.change
    lane.advance(before.hash if before else REMOVED, made.new_hash)
    lines = _LINES.format(
        aggregate=change.fact.aggregate.name,
        organisation=cause.organisation,
        submission_id=cause.id,
        correlation_id=cause.correlationid or cause.id,
        schema=change.fact.aggregate.schema_uri,
        id=id,
        lane=lane.name,
        key=change.key,
        sequence=lane.sequence,
        source=source,
        digest=to_hex(lane.digest),
        subject=change.subject,
        hash=cause.hash.hex(),
        submission_source=cause.source,
        time=now,
        timeline=lane.timeline,
        trace=f"ce_traceparent:{cause.traceparent}\n" if cause.traceparent else "",
        type=change.fact.name,
    )
    lane.journal(change.key, lines.encode(), made.value)
    return {
        "lane": lane.name,
        "timeline": lane.timeline,
        "sequence": lane.sequence,
        "id": id,
        "type": change.fact.name,
    }


def publish_receipt(lane: Lane, organisation: str, value: bytes, source: str, id: str, now: str) -> None:
    """Put a receipt on the organisation's receipts lane: numbered like a fact, without a digest."""
    lane.sequence += 1
    lines = _RECEIPT_LINES.format(
        organisation=organisation,
        schema=RECEIPT_SCHEMA_URI,
        id=id,
        lane=lane.name,
        sequence=lane.sequence,
        source=source,
        time=now,
        timeline=lane.timeline,
        type=RECEIPT_TYPE,
    )
    lane.journal(organisation, lines.encode(), value)


def _too_large(size: int) -> Problem:
    return Problem(
        code="state-too-large",
        field="/",
        detail=f"the state after this would be {size:,} bytes; an event carries at most {EVENT_BYTES_MAX:,}",
        fix="Shorten texts or lists, and link to what is large.",
    )
