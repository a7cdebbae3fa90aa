"""Decoding of ingress records: a submission, or problems for an unreadable record."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from aiokafka import ConsumerRecord

from samenspel.contracts.catalogue import SubmissionType
from samenspel.contracts.cloudevents import Envelope, from_kafka
from samenspel.contracts.problems import Code, Problem, Rejected
from samenspel.contracts.submissions import Submission, read_submission
from samenspel.contracts.topics import organisation_of
from samenspel.messaging.inbox.answers import Incoming, UnreadableSubmission, decision_failed
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.kafka.record_batches import undecodable

UNREADABLE: Final[Code] = "unreadable-record"

log = structlog.get_logger()


def decode(record: ConsumerRecord, types: Mapping[str, SubmissionType]) -> Incoming:
    """The submission in an ingress record, or problems. The topic determines the organisation."""
    organisation = organisation_of(record.topic)
    position = f"{record.topic}/{record.partition}/{record.offset}"
    envelope = Envelope({}, b"")
    try:
        if marker := undecodable(record.headers):
            envelope = from_kafka(record.headers[1:], record.value)
            raise Rejected(_unreadable(marker[0]))
        envelope = from_kafka(record.headers, record.value)
        received = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        return read_submission(envelope, organisation, types, received, position)
    except Rejected as refusal:
        return UnreadableSubmission(organisation, envelope.source, envelope.id, refusal.problems, position)
    except Exception as error:
        # The fault is ours, not the sender's. The other records of the batch must still be decided.
        log.exception("record cannot be decoded", record=position, exc_info=error)
        return UnreadableSubmission(organisation, "", "", [_unreadable("our decoder fails on this record")], position)


def unreadable_problem(incoming: Incoming) -> Problem | None:
    """The reason for an unreadable record, None for a readable record."""
    if isinstance(incoming, Submission):
        return None
    return next((problem for problem in incoming.problems if problem.code == UNREADABLE), None)


def unreadable_records(records: Sequence[ConsumerRecord], incoming: Sequence[Incoming]) -> list[QuarantinedRecord]:
    """Quarantine rows for the unreadable records of a batch."""
    return [
        quarantined_record(record, problem.code, problem.detail)
        for record, each in zip(records, incoming, strict=True)
        if (problem := unreadable_problem(each))
    ]


def decision_failed_for(incoming: Incoming) -> UnreadableSubmission:
    """Input to answer with when processing failed: named by id if the id was checked, else by the record only."""
    source, id = (incoming.source, incoming.id) if isinstance(incoming, Submission) else ("", "")
    return decision_failed((incoming.organisation, source, id), incoming.record)


def quarantined_record(record: ConsumerRecord, reason: str, detail: str) -> QuarantinedRecord:
    """A quarantine row for a record. If the headers cannot be decoded: only the raw bytes, which contain the rest."""
    place = (record.topic, record.partition, record.offset, record.timestamp)
    if marker := undecodable(record.headers):
        return QuarantinedRecord(*place, reason, detail, raw=marker[1])
    return QuarantinedRecord(*place, reason, detail, record.key, record.headers, record.value)


def _unreadable(why: str) -> Problem:
    return Problem(
        code=UNREADABLE,
        field="/",
        detail=f"the record cannot be read: {why}; the record is kept in quarantine",
        fix="Send header names as UTF-8, and batches without compression or with gzip; use a new id.",
    )
