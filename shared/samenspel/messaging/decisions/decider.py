"""What a service brings to a decision: the states it needs, and a pure function over them."""

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
    """What a service brings to the desk: which aggregates decide, and the decision itself."""

    domain: Domain
    types: Mapping[str, SubmissionType]

    def topic_of(self, submission: Submission) -> str:
        """The canonical topic that this submission's facts go to."""

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        """The service's own aggregates that the decision reads or changes."""

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        """The other services' aggregates that the decision reads."""

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> Any:
        """What the service keeps in tables of its own; becomes ``world.extra``."""

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        """Pure. Raises `Rejected`, or `MissingFact` once every check that needs no missing fact has passed."""

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        """Write the service's own tables, in the transaction of the journal; a recovery repeats it from the facts."""

    def private_part_of(self, submission: Submission, known: DecisionState) -> tuple[AggregateRef, Model] | None:
        """What an accepted submission said that is kept without being published, when it is missing.

        It is in no event, so a restore from a backup loses it; the submission, read or sent again, has it.
        """
