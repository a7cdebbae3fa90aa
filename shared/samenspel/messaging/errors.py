"""What can stop a transaction that is nobody's fault. None of these is ever blamed on a sender.

MessagingError
├── DoorsClosed    the lanes have not been compared with Kafka since the database (re)started
├── LaneMissing    a lane is not there yet: its organisation is new, or its topic is
└── FenceLost      another instance has moved the position: what was read is not ours to decide
"""

import asyncpg


class MessagingError(Exception):
    """Base of the law's own interruptions; all of them pass."""


class LaneNotReconciled(MessagingError):
    """The lanes have not been compared with Kafka since the database (re)started."""


class LaneNotFound(MessagingError):
    """A lane is not there yet: its organisation is new, or its topic is."""


class Fenced(MessagingError):
    """Another instance has moved the position: what was read is not ours to decide."""


TRANSIENT = (
    MessagingError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg's rollback raises when the time is over amid a question
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.PostgresSystemError,
    # A database that is being restored: it is not there, or takes no connections yet.
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
"""Errors that pass by themselves: read again from where the database says we are, and go on."""
