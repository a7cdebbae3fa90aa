"""Decoding of ingress records: a submission, or problems for an unreadable record."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import structlog
from aiokafka import ConsumerRecord

from samenspel.contracts.catalogue import SubmissionType
from samenspel.contracts.cloudevents import Envelope, from_kafka, too_many_attributes
from samenspel.contracts.problems import Code, Problem, Rejected
from samenspel.contracts.submissions import Submission, read_submission
from samenspel.contracts.topics import organisation_of
from samenspel.messaging.inbox.answers import Incoming, UnreadableSubmission, decision_failed, unreadable_submission
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.kafka.record_batches import excess_headers, undecodable
from samenspel.messaging.kafka.record_format import Headers

UNREADABLE: Final[Code] = "unreadable-record"
NO_EVENT: Final = Envelope({}, b"", is_event=False)

log = structlog.get_logger()


def decode(record: ConsumerRecord, types: Mapping[str, SubmissionType]) -> Incoming:
    """The submission in an ingress record, or problems. The topic determines the organisation."""
    organisation, headers = organisation_of(record.topic), record.headers
    position = f"{record.topic}/{record.partition}/{record.offset}"
    envelope = NO_EVENT
    try:
        problem = _problem_of_marker(headers)
        envelope = from_kafka(headers[1:] if problem else headers, record.value)
        if problem:
            raise Rejected(problem)
        return read_submission(envelope, organisation, types, _time_of(record.timestamp), position)
    except Rejected as refusal:
        return unreadable_submission(organisation, envelope, refusal, position)
    except Exception as error:
        # The fault is ours, not the sender's. The other records of the batch must still be decided.
        log.exception("record cannot be decoded", record=position, exc_info=error)
        return UnreadableSubmission(organisation, "", "", [_unreadable("our decoder fails on this record")], position)


@lru_cache(maxsize=64)
def _time_of(timestamp_ms: int) -> datetime:
    """The broker's clock gives all records of a batch one time."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


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


def _problem_of_marker(headers: Headers) -> Problem | None:
    """The problem of a record that the Kafka consumer did not decode in full."""
    if not headers or type(headers[0][0]) is str:
        return None
    if number := excess_headers(headers):
        return too_many_attributes(number, "headers")
    reason, _ = undecodable(headers) or ("", None)
    return _unreadable(reason)


def _unreadable(why: str) -> Problem:
    return Problem(
        code=UNREADABLE,
        field="/",
        detail=f"the record cannot be read: {why}; the record is kept in quarantine",
        fix="Send header names as UTF-8, and batches without compression or with gzip; use a new id.",
    )
