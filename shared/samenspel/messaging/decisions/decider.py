"""What a service brings to a decision: the states it needs, and a pure function over them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from samenspel.contracts.catalogue import Reference, SubmissionType
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import Domain
from samenspel.contracts.values import Model
from samenspel.messaging.decisions.state import Change, World
from samenspel.runtime.postgres import Connection


class Handlers(Protocol):
    """What a service brings to the desk: which aggregates decide, and the decision itself."""

    domain: Domain
    types: Mapping[str, SubmissionType]

    def topic_of(self, submission: Submission) -> str:
        """The canonical topic that this submission's facts go to."""

    def own(self, submission: Submission) -> Sequence[Reference]:
        """The service's own aggregates that the decision reads or changes."""

    def foreign(self, submission: Submission) -> Sequence[Reference]:
        """The other services' aggregates that the decision reads."""

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> Any:
        """What the service keeps in tables of its own; becomes ``world.extra``."""

    def decide(self, submission: Submission, world: World, now: datetime) -> Sequence[Change]:
        """Pure. Raises `Rejected`, or `MissingFact` once every check that needs no missing fact has passed."""

    async def save(self, connection: Connection, world: World, changes: Sequence[Change]) -> None:
        """Write the service's own tables, in the transaction of the journal; a recovery repeats it from the facts."""

    def withheld(self, submission: Submission, world: World) -> tuple[Reference, Model] | None:
        """What an accepted submission said that is kept without being published, when it is missing.

        It is in no event, so a restore from a backup loses it; the submission, read or sent again, has it.
        """
