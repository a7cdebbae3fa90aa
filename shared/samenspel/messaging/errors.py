"""Errors that stop a transaction without a fault of the sender. The transaction is retried.

MessagingError
├── LaneNotReconciled    a lane was not compared with Kafka since the database (re)started
├── LaneNotFound         a lane does not exist yet: the organisation or the topic is new
└── Fenced               another transaction was first: this transaction may write nothing
"""

import asyncpg


class MessagingError(Exception):
    """Base class of the transient errors of messaging itself."""


class LaneNotReconciled(MessagingError):
    """A lane was not compared with Kafka since the database (re)started, or differs from Kafka."""


class LaneNotFound(MessagingError):
    """A lane does not exist yet: the organisation or the topic is new."""


class Fenced(MessagingError):
    """Another transaction was first: it advanced the offset, stored the aggregate or answered the submission."""


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
