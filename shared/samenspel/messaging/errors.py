"""Errors that stop a transaction without a fault of the sender. The transaction is retried.

MessagingError
├── LaneNotReconciled    a lane was not compared with Kafka since the database (re)started
├── LaneNotFound         a lane does not exist yet: the organisation or the topic is new
├── Fenced               another transaction was first: this transaction may write nothing
├── LaneDiverged         a lane that the decision needs is diverged
├── LogEndsUnavailable   Kafka does not say where the lanes end
└── NoHashKey            the setting submission_hash_keys has no key for a submission with a private part
"""

from collections.abc import Iterable, Sequence

import asyncpg

from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId, lane_label


class MessagingError(Exception):
    """Base class of the transient errors of messaging itself."""


class LaneNotReconciled(MessagingError):
    """A lane was not compared with Kafka since the database (re)started, or differs from Kafka."""


class LaneNotFound(MessagingError):
    """A lane does not exist yet: the organisation or the topic is new."""


class Fenced(MessagingError):
    """Another transaction was first: it advanced the offset, stored the aggregate or answered the submission."""


class LaneDiverged(MessagingError):
    """A lane that a decision needs is diverged: nothing that depends on the lane is decided or deferred.

    ``submissions`` are the submissions of the batch that need one of ``lanes``.
    """

    def __init__(self, lanes: Iterable[LaneId], submissions: Sequence[Submission]) -> None:
        self.lanes, self.submissions = frozenset(lanes), submissions
        names = ", ".join(map(lane_label, sorted(self.lanes)))
        super().__init__(f"a lane that this decision needs has diverged from its owner: {names}")


class LogEndsUnavailable(MessagingError):
    """Kafka does not answer, so the present ends of the lanes are unknown."""


class NoHashKey(MessagingError):
    """The settings have no key to publish the hash of a submission with a private part."""


TRANSIENT = (
    MessagingError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # raised by asyncpg's rollback after a timeout during a query
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.PostgresSystemError,
    # A database during a restore does not exist, or accepts no connections yet.
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
"""Errors that end without an operator. The caller reads again from the stored offset and continues."""
