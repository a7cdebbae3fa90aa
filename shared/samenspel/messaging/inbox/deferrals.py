"""Deferrals: submissions that refer to a missing aggregate of another service, in a queue per subject.

A deferral is a durable condition, not a retry. The head of a subject's queue is decided once the aggregate exists or
the deadline has passed. The queue is read and changed only under the lane lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from samenspel.contracts.catalogue import AggregateRef, SubmissionType
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId
from samenspel.messaging.inbox.answers import SubmissionIdentity
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection

DEFERRAL_MAX: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class DeferredSubmission:
    """A queued submission as stored. A submission that this version cannot read is answered too.

    ``is_overdue`` uses the database's clock, which all instances share; the instances' own clocks may differ.
    """

    number: int
    lane: LaneId
    subject: str
    organisation: str
    is_overdue: bool
    row: Mapping[str, Any]

    @property
    def identity(self) -> SubmissionIdentity:
        return self.organisation, self.row["source"], self.row["id"]

    def submission(self, types: Mapping[str, SubmissionType]) -> Submission:
        """The submission. Raises `KeyError` or `ValidationError` when another version stored unreadable content."""
        row, submission_type = self.row, types[self.row["type"]]
        data = submission_type.model.model_validate_json(row["data"])
        return Submission(
            organisation=self.organisation,
            source=row["source"],
            id=row["id"],
            type=submission_type,
            subject=self.subject,
            key=getattr(data, submission_type.key_field),
            data=data,
            hash=row["hash"],
            received_at=row["received_at"],
            record=row["record"],
            correlationid=row["correlationid"],
            traceparent=row["traceparent"],
        )


SUBJECTS = """
select distinct topic, lane, subject from deferral
where (topic, lane) in (select * from unnest($1::text[], $2::int[]))
"""

ENQUEUE = """
insert into deferral (topic, lane, subject, needs_aggregate, needs_subject, deadline, organisation, source, id, type,
                     hash, data, received_at, record, correlationid, traceparent)
values ($1, $2, $3, $4, $5, clock_timestamp() + $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""

READY = """
select w.number from deferral w
where w.number = (select min(x.number) from deferral x
                  where (x.topic, x.lane, x.subject) = (w.topic, w.lane, w.subject))
  and (w.needs_aggregate is null or w.deadline <= clock_timestamp()
       or exists (select from projection p where not p.stale
                  and (p.aggregate, p.subject) = (w.needs_aggregate, w.needs_subject))
       or exists (select from aggregate a where a.private is not null
                  and (a.aggregate, a.subject) = (w.needs_aggregate, w.needs_subject)))
order by w.number limit 100
"""

READ = "select *, deadline <= clock_timestamp() as is_overdue from deferral where number = $1"
HEAD_OF_QUEUE = """
select number from deferral where (topic, lane, subject) = ($1, $2, $3) order by number limit 1
"""
REMOVE = "delete from deferral where number = $1"
CHANGE_CONDITION = "update deferral set needs_aggregate = $2, needs_subject = $3 where number = $1"
COUNT = "select count(*) from deferral"


async def queued_subjects(connection: Connection, lanes: Sequence[LaneId]) -> set[tuple[LaneId, str]]:
    """Lane and subject of every queue on these lanes. Requires the lane locks."""
    failpoints.reached("deferrals.subjects")
    rows = await connection.fetch(SUBJECTS, *as_arrays(sorted(lanes), 2))
    return {((row["topic"], row["lane"]), row["subject"]) for row in rows}


async def enqueue(
    connection: Connection,
    submission: Submission,
    lane: LaneId,
    needs: AggregateRef | None,
    max_wait: timedelta,
) -> None:
    """Append a submission to its subject's queue; ``needs`` is the missing aggregate.

    ``needs`` is None for a submission that only waits for earlier submissions.
    """
    failpoints.reached("deferrals.enqueue")
    await connection.execute(
        ENQUEUE,
        *lane,
        submission.subject,
        *(needs or (None, None)),
        max_wait,
        submission.organisation,
        submission.source,
        submission.id,
        submission.type.name,
        submission.hash,
        submission.data.model_dump_json(exclude_unset=True).encode(),
        submission.received_at,
        submission.record,
        submission.correlationid,
        submission.traceparent,
    )


async def ready(connection: Connection) -> list[int]:
    """Numbers of up to 100 queue heads with an existing aggregate or a passed deadline."""
    failpoints.reached("deferrals.ready")
    return [row["number"] for row in await connection.fetch(READY)]


async def read(connection: Connection, number: int) -> DeferredSubmission | None:
    """The queued submission with this number, or None when the submission has left the queue."""
    failpoints.reached("deferrals.read")
    row = await connection.fetchrow(READ, number)
    if row is None:
        return None
    lane = row["topic"], row["lane"]
    return DeferredSubmission(number, lane, row["subject"], row["organisation"], row["is_overdue"], row)


async def heads_queue(connection: Connection, deferred: DeferredSubmission) -> bool:
    """Whether the submission still heads its queue. Requires the lane lock."""
    failpoints.reached("deferrals.heads-queue")
    first = await connection.fetchval(HEAD_OF_QUEUE, *deferred.lane, deferred.subject)
    return bool(first == deferred.number)


async def remove(connection: Connection, number: int) -> None:
    failpoints.reached("deferrals.remove")
    await connection.execute(REMOVE, number)


async def change_condition(connection: Connection, number: int, needs: AggregateRef) -> None:
    """Set another missing aggregate; the deadline stays."""
    failpoints.reached("deferrals.change-condition")
    await connection.execute(CHANGE_CONDITION, number, *needs)


async def count(connection: Connection) -> int:
    return int(await connection.fetchval(COUNT))
