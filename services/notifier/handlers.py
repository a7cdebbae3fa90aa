"""The decider of the notifier: the aggregates that a submission needs, and the resulting changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

from samenspel.contracts.catalogue import (
    EVENT_TYPES,
    ORGANISATION,
    SUBSCRIPTION,
    SUBSCRIPTION_V1,
    AggregateRef,
    submissions_of,
    type_name,
)
from samenspel.contracts.notifications import (
    AnySubscription,
    Subscription,
    SubscriptionCreated,
    SubscriptionTerms,
    SubscriptionV1,
)
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import NOTIFICATIONS, Domain
from samenspel.contracts.values import Model
from samenspel.messaging import AggregateChange, DecisionState
from samenspel.runtime.postgres import Connection

from services.notifier.domain import subscriptions as domain
from services.notifier.store import endpoints, subscriptions

CREATED: Final = EVENT_TYPES[type_name("subscription-created", 2)]
CANCELLED: Final = EVENT_TYPES[type_name("subscription-cancelled", 2)]
CANCELLED_V1: Final = EVENT_TYPES[type_name("subscription-cancelled")]


class NotifierDecider:
    """`messaging.Decider` of the notifier; ``DecisionState.extra`` is the set of existing endpoints."""

    domain: Domain = "notifications"
    types = submissions_of("notifications")

    def __init__(self, operator: str, lanes: int) -> None:
        self._operator = operator
        self._lanes = lanes

    def topic_of(self, submission: Submission) -> str:
        return NOTIFICATIONS

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [(each.name, submission.subject) for each in (SUBSCRIPTION, SUBSCRIPTION_V1)]

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [(ORGANISATION.name, submission.organisation)]

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> set[endpoints.EndpointKey]:
        """The existing endpoints of these subscriptions, as (organisation, subscription)."""
        return await endpoints.existing(connection, [(each.organisation, each.subject) for each in submissions])

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        data: Any = submission.data
        present = _present(submission, known)
        if isinstance(data, SubscriptionCreated):
            has_endpoint = (submission.organisation, submission.subject) in known.extra
            state, terms = domain.create(data, present, submission.organisation, has_endpoint=has_endpoint)
            self._require_admitted(submission, known)
            return [AggregateChange(CREATED, submission.subject, submission.key, state, private=terms)]
        cancelled = domain.cancel(data, present, submission.organisation)
        event_type = CANCELLED if isinstance(cancelled, Subscription) else CANCELLED_V1
        return [AggregateChange(event_type, submission.subject, submission.key, cancelled)]

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        for change in changes:
            state = cast(AnySubscription, change.state)
            if state.status == "active":
                await subscriptions.activate(connection, state, _terms_in(change), self._lanes)
            else:
                await subscriptions.deactivate(connection, state)

    def private_part_of(
        self, submission: Submission, known: DecisionState
    ) -> tuple[AggregateRef, SubscriptionTerms] | None:
        """The terms of an active subscription whose terms are missing; None otherwise."""
        data: Any = submission.data
        present = known.own_state(Subscription, SUBSCRIPTION, submission.subject)
        if not isinstance(data, SubscriptionCreated) or present is None or present.status != "active":
            return None
        if known.private_part(SubscriptionTerms, SUBSCRIPTION, submission.subject) is not None:
            return None
        return (SUBSCRIPTION.name, submission.subject), domain.terms_of(data)

    async def save_private_part(self, connection: Connection, state: Model, private: Model) -> None:
        restored = cast(Subscription, state)
        await subscriptions.activate(connection, restored, cast(SubscriptionTerms, private), self._lanes)

    def _require_admitted(self, submission: Submission, known: DecisionState) -> None:
        if submission.organisation != self._operator:
            known.require_foreign(Organisation, ORGANISATION, submission.organisation)


def _present(submission: Submission, known: DecisionState) -> AnySubscription | None:
    """The subscription in the version in which it was created; None if unknown."""
    present = known.own_state(Subscription, SUBSCRIPTION, submission.subject)
    return present or known.own_state(SubscriptionV1, SUBSCRIPTION_V1, submission.subject)


def _terms_in(change: AggregateChange) -> SubscriptionTerms | None:
    """The terms of a new subscription. None for an event that a recovery read: no event contains the terms."""
    if isinstance(change.state, SubscriptionV1):
        return domain.terms_of(change.state)
    return cast(SubscriptionTerms | None, change.private)
