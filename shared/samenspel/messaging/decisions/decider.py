"""The decider: the part of a decision that each service brings. Names after Chassaing's Decider pattern."""

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
    """The aggregates that a decision reads, and the decision itself as a pure function."""

    domain: Domain
    types: Mapping[str, SubmissionType]

    def topic_of(self, submission: Submission) -> str:
        """The canonical topic for the events of this submission."""

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        """The service's own aggregates that the decision reads or changes."""

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        """The other services' aggregates that the decision reads."""

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> Any:
        """Rows of the service's own tables that decisions need; passed on as ``DecisionState.extra``."""

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        """The changes that the submission leads to. Pure.

        Raises `Rejected`, or `MissingFact` once every check that needs no missing aggregate has passed.
        """

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        """Write the service's own tables, in the transaction of the journal. A recovery repeats it from events."""

    def private_part_of(self, submission: Submission, known: DecisionState) -> tuple[AggregateRef, Model] | None:
        """The unpublished part of an accepted submission, if the stored aggregate lacks it.

        No event contains the private part, so a restore from a backup loses it. The submission, read or sent again,
        brings it back.
        """
