"""From a record to a submission, or to why it is none."""

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
    """The submission in a record of an ingress topic, or why it is none; addressed by where the record lies."""
    organisation = organisation_of(record.topic)
    where = f"{record.topic}/{record.partition}/{record.offset}"
    envelope = Envelope({}, b"")
    try:
        if lost := undecodable(record.headers):
            envelope = from_kafka(record.headers[1:], record.value)
            raise Rejected(_unreadable(lost[0]))
        envelope = from_kafka(record.headers, record.value)
        received = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        return read_submission(envelope, organisation, types, received, where)
    except Rejected as refusal:
        return UnreadableSubmission(organisation, envelope.source, envelope.id, refusal.problems, where)
    except Exception as error:
        # Our fault, not the sender's; but it may not keep the others of this batch from being decided.
        log.exception("record cannot be read", record=where, exc_info=error)
        return UnreadableSubmission(organisation, "", "", [_unreadable("it breaks our reading")], where)


def _unreadable(why: str) -> Problem:
    return Problem(
        code=UNREADABLE,
        field="/",
        detail=f"the record cannot be read: {why}; it is kept in quarantine",
        fix="Send header names as UTF-8, and batches without compression or with gzip; under a new id.",
    )


def decision_failed_for(incoming: Incoming) -> UnreadableSubmission:
    """Told by id when that was checked, else by the record's place."""
    source, id = (incoming.source, incoming.id) if isinstance(incoming, Submission) else ("", "")
    return decision_failed((incoming.organisation, source, id), incoming.record)


def unreadable_records(records: Sequence[ConsumerRecord], incoming: Sequence[Incoming]) -> list[QuarantinedRecord]:
    return [
        quarantined_record(record, problem.code, problem.detail)
        for record, each in zip(records, incoming, strict=True)
        if (problem := unreadable_problem(each))
    ]


def unreadable_problem(incoming: Incoming) -> Problem | None:
    """Why the record could not even be read; None when it could."""
    if isinstance(incoming, Submission):
        return None
    return next((problem for problem in incoming.problems if problem.code == UNREADABLE), None)


def quarantined_record(record: ConsumerRecord, reason: str, detail: str) -> QuarantinedRecord:
    lost = undecodable(record.headers)
    return QuarantinedRecord(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        reason,
        detail,
        record.key,
        None if lost else record.headers,
        record.value,
        lost[1] if lost else None,
    )
