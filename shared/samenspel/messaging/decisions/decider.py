"""The decider: the service's part of a decision. Names after Chassaing's Decider pattern."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from samenspel.contracts.catalogue import AggregateRef, SubmissionType
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import Domain
from samenspel.contracts.values import Model
from samenspel.messaging.decisions.state import AggregateChange, DecisionState
from samenspel.runtime.postgres import Connection


class Decider(Protocol):
    """The aggregates read by a decision, and the decision as a pure function."""

    domain: Domain
    types: Mapping[str, SubmissionType]

    def topic_of(self, submission: Submission) -> str:
        """The canonical topic for the events of this submission."""

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        """The service's own aggregates read or changed by the decision."""

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        """The other services' aggregates read by the decision."""

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> Any:
        """Rows of the service's own tables for the decisions; passed on as ``DecisionState.extra``."""

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        """The changes caused by the submission. Pure.

        Raises `Rejected`, or `AggregateNotArrived` once all checks without missing aggregates have passed.
        """

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        """Write the service's own tables, in the journal's transaction. A recovery repeats the writes from events."""

    def private_part_of(self, submission: Submission, known: DecisionState) -> tuple[AggregateRef, Model] | None:
        """The unpublished part of an accepted submission, if missing from the stored aggregate.

        No event contains the private part, so a restore from a backup loses the private part. The submission,
        read or sent again, restores the private part.
        """
