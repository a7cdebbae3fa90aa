"""Statements whose cost may grow, with the reason. A reason that no statement needs fails the test."""

from collections.abc import Mapping
from typing import Final

_EACH_LANE: Final[Mapping[str, str]] = {
    "operator.lane_operations.LIST": "the operator lists all lanes",
    "outbox.journal.WITH_PREFIX": "the organisations of a service, one row each, every few seconds",
    "outbox.reconciler.UNRECONCILED": "one row per lane, every two seconds: 0.5 ms for 1,000 organisations",
    "outbox.reconciler.PUBLISHED": "one row per lane, every two seconds, to compare each lane with Kafka",
    "outbox.reconciliation.CLOSE_ALL": "closes all lanes, after a restore",
    "outbox.relay.CLAIM": "one row per lane: 1.6 ms for 1,000 organisations, without a write per event",
    "service.process.BACKLOG": "one row per lane, every few seconds",
}
_BACKGROUND: Final[Mapping[str, str]] = {
    "inbox.storage_budget.USE": "one row per organisation that was ever refused, every few seconds",
    "projections.projector.DELETE_LANE": "a new timeline: the lane is read again from its first event",
    "notifier.store.endpoints.DELETE_UNUSED": "one row per active subscription, every ten minutes",
}

PLANS: Final[Mapping[str, tuple[str, str]]] = {
    **{name: ("", reason) for name, reason in {**_EACH_LANE, **_BACKGROUND}.items()},
    "inbox.due_deferrals.NEEDING": ("Sort of many rows", "at most a page for each aggregate that arrived"),
    "notifier.deliveries.queue.LAGGING_CURSORS": (
        "of many rows",
        "PostgreSQL expects a third of the cursors to lag; few do",
    ),
    "notifier.store.attempts.DELETE_OLD": (
        "large part of attempt_time",
        "PostgreSQL expects a third of the log to be old; the index is a few pages",
    ),
}
"""Statements with a plan that `tests.plans.rules` refuses: the end of the problem (empty: any), and the reason."""
ROWS: Final[Mapping[str, str]] = {
    **_EACH_LANE,
    **_BACKGROUND,
    "inbox.deferrals.QUEUES": "counts the deferrals of each organisation of a batch, up to their limit",
    "inbox.due_deferrals.COUNT": "counts the deferrals of each organisation, up to their limit, every few seconds",
    "notifier.store.subscriptions.COUNT_ACTIVE": "one row per active subscription: at most 20 an organisation",
    "inbox.due_deferrals.NEEDING": "at most a page for each aggregate that arrived",
}
"""Statements that read more rows on a longer history."""


def statement_of(sample: str) -> str:
    """The name of the statement of a sample."""
    return sample.partition(" (")[0]


def is_excepted(sample: str, problem: str) -> bool:
    """Whether there is a reason for this problem of the plan of a sample."""
    ending, reason = PLANS.get(statement_of(sample), ("", ""))
    return bool(reason) and problem.endswith(ending)
