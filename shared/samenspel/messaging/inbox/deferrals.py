"""Deferrals: submissions with a missing aggregate, in a queue per organisation and subject.

The aggregate belongs to another service, or is an own aggregate that only an earlier deferral is about, or an own
application without the plan lost in a restore.

A deferral is a durable condition, not a retry. The head of a queue is decided once the aggregate exists or the
deadline has passed (`due_deferrals`). The queue is read and changed only under the lane lock.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from samenspel.contracts.catalogue import SUBMISSIONS, AggregateRef, SubmissionType
from samenspel.contracts.problems import Problem
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId
from samenspel.messaging.inbox.answers import SubmissionIdentity, rfc3339
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.limits import DEFERRED_SUBMISSIONS
from samenspel.runtime.postgres import Connection

PATIENCE: Final = timedelta(days=5)
"""Time from the deferral to the deadline, for a submission type without a setting of its own."""


class Queue(NamedTuple):
    """The deferrals of one organisation about one subject, decided in order of number."""

    lane: LaneId
    subject: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Condition:
    """The aggregate that a submission waits for.

    ``behind`` is empty for an aggregate that has to arrive. *own-queue*: earlier deferrals of the same queue are
    about the aggregate. *deferral*: so is an earlier deferral of another queue, and the aggregate does not exist.
    """

    waits_for: AggregateRef
    behind: Literal["", "own-queue", "deferral"] = ""

    @property
    def columns(self) -> tuple[str | None, str | None, bool]:
        """``needs_aggregate``, ``needs_subject`` and ``after_deferral``."""
        aggregate, subject = (None, None) if self.behind == "own-queue" else self.waits_for
        return aggregate, subject, self.behind == "deferral"


@dataclass(frozen=True, slots=True)
class NewDeferral:
    """A submission to append to a queue."""

    submission: Submission
    queue: Queue
    condition: Condition
    deadline: datetime


@dataclass(slots=True)
class QueueState:
    """The queues that matter for a batch, including the deferrals of earlier submissions of the same batch.

    ``now`` is the database's clock, which all instances share; the instances' own clocks may differ. ``deadlines``
    has the last deadline of each queue with a deferral, ``earliest`` the lowest number of a deferral per subject.
    """

    now: datetime
    limit: int = DEFERRED_SUBMISSIONS.default
    deadlines: dict[Queue, datetime] = field(default_factory=dict)
    earliest: dict[tuple[LaneId, str], int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def is_full(self, organisation: str) -> bool:
        """Whether the organisation has as many deferrals as the limit allows."""
        return self.counts[organisation] >= self.limit

    def deadline(self, queue: Queue, patience: timedelta) -> datetime:
        """``patience`` from now, and not before the deadline of an earlier deferral of the queue."""
        return max(self.now + patience, self.deadlines.get(queue, self.now))

    def has_deferral(self, lane: LaneId, subject: str, before: float) -> bool:
        """Whether a deferral with a number below ``before`` is about the subject."""
        return self.earliest.get((lane, subject), before) < before

    def add(self, deferral: NewDeferral) -> None:
        """Count a deferral of this batch. Its number is unknown, and below that of any later submission."""
        queue = deferral.queue
        self.deadlines[queue] = deferral.deadline
        self.earliest.setdefault((queue.lane, queue.subject), 0)
        self.counts[queue.organisation] += 1


@dataclass(frozen=True, slots=True)
class DeferredSubmission:
    """A queued submission as stored. A submission that this version cannot read is answered too.

    ``is_overdue`` uses the database's clock.
    """

    number: int
    queue: Queue
    is_overdue: bool
    row: Mapping[str, Any]

    @property
    def identity(self) -> SubmissionIdentity:
        return self.queue.organisation, self.row["source"], self.row["id"]

    @property
    def condition(self) -> tuple[str | None, str | None, bool]:
        """The stored condition, as `Condition.columns`."""
        row = self.row
        return row["needs_aggregate"], row["needs_subject"], row["after_deferral"]

    @property
    def aggregate_refs(self) -> Sequence[AggregateRef]:
        """The aggregate that the submission is about; empty for an unknown type."""
        submission_type = SUBMISSIONS.get(self.row["type"])
        return [(submission_type.aggregate.name, self.queue.subject)] if submission_type else []

    def submission(self, types: Mapping[str, SubmissionType]) -> Submission:
        """The submission. Raises `KeyError` or `ValidationError` when another version stored unreadable content."""
        row, submission_type = self.row, types[self.row["type"]]
        data = submission_type.model.model_validate_json(row["data"])
        return Submission(
            organisation=self.queue.organisation,
            source=row["source"],
            id=row["id"],
            type=submission_type,
            subject=self.queue.subject,
            key=getattr(data, submission_type.key_field),
            data=data,
            hash=row["hash"],
            received_at=row["received_at"],
            record=row["record"],
            correlationid=row["correlationid"],
            traceparent=row["traceparent"],
        )


# Lateral subqueries with a limit keep the planner from joining with a scan of the whole table.
QUEUES = """
select q.topic, q.lane, q.subject, q.organisation, d.number, d.deadline, null::timestamptz as now
from unnest($1::text[], $2::int[], $3::text[], $4::text[]) as q (topic, lane, subject, organisation)
cross join lateral (
  select number, deadline from deferral
  where (topic, lane, subject, organisation) = (q.topic, q.lane, q.subject, q.organisation)
  order by number desc limit 1) d
union all
select s.topic, s.lane, s.subject, null, d.number, null, null
from unnest($5::text[], $6::int[], $7::text[]) as s (topic, lane, subject)
cross join lateral (
  select number from deferral where (topic, lane, subject) = (s.topic, s.lane, s.subject) order by number limit 1) d
union all
select null, null, null, o.organisation, d.number, null, clock_timestamp()
from unnest($8::text[]) as o (organisation)
cross join lateral (
  select count(*) as number
  from (select from deferral where organisation = o.organisation order by source, id limit $9) c) d
"""

ENQUEUE = """
insert into deferral (topic, lane, subject, organisation, needs_aggregate, needs_subject, after_deferral, deadline,
                      source, id, type, hash, data, received_at, record, correlationid, traceparent)
select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[],
                     $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bytea[],
                     $14::timestamptz[], $15::text[], $16::text[], $17::text[])
"""

READ = """
select d.*, d.deadline <= statement_timestamp() as is_overdue
from unnest($1::text[], $2::int[], $3::text[], $4::text[]) as q (topic, lane, subject, organisation)
cross join lateral (
  select * from deferral
  where (topic, lane, subject, organisation) = (q.topic, q.lane, q.subject, q.organisation)
  order by number limit $5) d
order by d.number limit $5
"""
NUMBERS = """
select q.topic, q.lane, q.subject, q.organisation, d.number
from unnest($1::text[], $2::int[], $3::text[], $4::text[]) as q (topic, lane, subject, organisation)
cross join lateral (
  select number from deferral
  where (topic, lane, subject, organisation) = (q.topic, q.lane, q.subject, q.organisation)
  order by number limit $5) d
order by d.number
"""
REMOVE = "delete from deferral where number = any($1::bigint[])"
CHANGE_CONDITIONS = """
update deferral d set needs_aggregate = x.aggregate, needs_subject = x.subject, after_deferral = x.after_deferral
from unnest($1::bigint[], $2::text[], $3::text[], $4::bool[]) as x (number, aggregate, subject, after_deferral)
where d.number = x.number
"""
ROWS_MAX: Final = 100
"""Deferrals read at once: a transaction decides at most this number."""


async def load(
    connection: Connection,
    queues: Collection[Queue],
    subjects: Collection[tuple[LaneId, str]],
    organisations: Collection[str],
    limit: int,
) -> QueueState:
    """The state of these queues, the deferrals about these subjects, and the number per organisation up to ``limit``.

    ``organisations`` is not empty. Requires the lane locks.
    """
    named = [(*lane, subject) for lane, subject in sorted(subjects)]
    parameters = [*as_arrays(_rows(queues), 4), *as_arrays(named, 3), sorted(organisations), limit]
    failpoints.reached("deferrals.load")
    rows = await connection.fetch(QUEUES, *parameters)
    state = QueueState(next(row["now"] for row in rows if row["now"]), limit)
    for row in rows:
        if row["now"]:
            state.counts[row["organisation"]] = row["number"]
        elif row["organisation"]:
            state.deadlines[queue_of(row)] = row["deadline"]
        else:
            state.earliest[(row["topic"], row["lane"]), row["subject"]] = row["number"]
    return state


async def enqueue(connection: Connection, new: Sequence[NewDeferral]) -> None:
    """Append submissions to their queues, in order."""
    if new:
        rows = as_arrays([_row(each) for each in new], 17)
        failpoints.reached("deferrals.enqueue")
        await connection.execute(ENQUEUE, *rows)


async def read(connection: Connection, queues: Collection[Queue]) -> list[DeferredSubmission]:
    """The first deferrals of these queues, at most `ROWS_MAX`, in order of number."""
    failpoints.reached("deferrals.read")
    rows = await connection.fetch(READ, *as_arrays(_rows(queues), 4), ROWS_MAX)
    return [DeferredSubmission(row["number"], queue_of(row), row["is_overdue"], row) for row in rows]


async def numbers(connection: Connection, queues: Collection[Queue]) -> dict[Queue, list[int]]:
    """The numbers that these queues begin with, at most `ROWS_MAX` each, in order. Requires the lane locks."""
    failpoints.reached("deferrals.numbers")
    rows = await connection.fetch(NUMBERS, *as_arrays(_rows(queues), 4), ROWS_MAX)
    found: dict[Queue, list[int]] = {queue: [] for queue in queues}
    for row in rows:
        found[queue_of(row)].append(row["number"])
    return found


async def remove(connection: Connection, numbers: Sequence[int]) -> None:
    if numbers:
        failpoints.reached("deferrals.remove")
        await connection.execute(REMOVE, numbers)


async def change_conditions(connection: Connection, changed: Sequence[tuple[int, Condition]]) -> None:
    """Set other conditions, by number; the deadlines stay."""
    if changed:
        rows = as_arrays([(number, *condition.columns) for number, condition in changed], 4)
        failpoints.reached("deferrals.change-conditions")
        await connection.execute(CHANGE_CONDITIONS, *rows)


def queue_of(row: Mapping[str, Any]) -> Queue:
    return Queue((row["topic"], row["lane"]), row["subject"], row["organisation"])


def never_arrived(condition: Condition, deadline: datetime) -> Problem:
    """The problem of a deferred submission after its deadline."""
    aggregate, subject = condition.waits_for
    kind = aggregate.partition(".")[0]
    return Problem.model_validate(
        {
            "code": f"unknown-{kind}",
            "field": "/",
            "detail": f"{kind} {subject} did not become known until {rfc3339(deadline)}",
            "fix": f"Register the {kind} first, then submit this again under a new id.",
        }
    )


def _rows(queues: Collection[Queue]) -> list[tuple[str, int, str, str]]:
    return [(*lane, subject, organisation) for lane, subject, organisation in sorted(queues)]


def _row(new: NewDeferral) -> tuple[Any, ...]:
    submission, queue = new.submission, new.queue
    return (
        *queue.lane,
        queue.subject,
        queue.organisation,
        *new.condition.columns,
        new.deadline,
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
