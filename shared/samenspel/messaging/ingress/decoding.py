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
from samenspel.messaging.inbox.answers import Inbound, Refusal, undecided
from samenspel.messaging.inbox.quarantine import Quarantined
from samenspel.messaging.kafka.record_batches import undecoded

UNREADABLE: Final[Code] = "unreadable-record"


log = structlog.get_logger()


def read_record(record: ConsumerRecord, types: Mapping[str, SubmissionType]) -> Inbound:
    """The submission in a record of an ingress topic, or why it is none; addressed by where the record lies."""
    organisation = organisation_of(record.topic)
    where = f"{record.topic}/{record.partition}/{record.offset}"
    envelope = Envelope({}, b"")
    try:
        if lost := undecoded(record.headers):
            envelope = from_kafka(record.headers[1:], record.value)
            raise Rejected(_unreadable(lost[0]))
        envelope = from_kafka(record.headers, record.value)
        received = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        return read_submission(envelope, organisation, types, received, where)
    except Rejected as refusal:
        return Refusal(organisation, envelope.source, envelope.id, refusal.problems, where)
    except Exception as error:
        # Our fault, not the sender's; but it may not keep the others of this batch from being decided.
        log.exception("record cannot be read", record=where, exc_info=error)
        return Refusal(organisation, "", "", [_unreadable("it breaks our reading")], where)


def _unreadable(why: str) -> Problem:
    return Problem(
        code=UNREADABLE,
        field="/",
        detail=f"the record cannot be read: {why}; it is kept in quarantine",
        fix="Send header names as UTF-8, and batches without compression or with gzip; under a new id.",
    )


def _undecided(inbound: Inbound) -> Refusal:
    """Told by id when that was checked, else by the record's place."""
    source, id = (inbound.source, inbound.id) if isinstance(inbound, Submission) else ("", "")
    return undecided((inbound.organisation, source, id), inbound.record)


def _set_apart(records: Sequence[ConsumerRecord], inbound: Sequence[Inbound]) -> list[Quarantined]:
    return [
        _quarantined(record, problem.code, problem.detail)
        for record, each in zip(records, inbound, strict=True)
        if (problem := unreadable_in(each))
    ]


def unreadable_in(inbound: Inbound) -> Problem | None:
    """Why the record could not even be read; None when it could."""
    if isinstance(inbound, Submission):
        return None
    return next((problem for problem in inbound.problems if problem.code == UNREADABLE), None)


def _quarantined(record: ConsumerRecord, reason: str, detail: str) -> Quarantined:
    lost = undecoded(record.headers)
    return Quarantined(
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
