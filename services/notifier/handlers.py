"""The decider of the notifier: the aggregates that a submission needs, and the resulting changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from samenspel.contracts.catalogue import EVENT_TYPES, ORGANISATION, SUBSCRIPTION, AggregateRef, submissions_of
from samenspel.contracts.notifications import Subscription, SubscriptionCreated
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import NOTIFICATIONS, Domain
from samenspel.messaging import AggregateChange, DecisionState
from samenspel.runtime.postgres import Connection

from services.notifier.domain import subscriptions as domain
from services.notifier.store import endpoints, subscriptions


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
        return [(SUBSCRIPTION.name, submission.subject)]

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [(ORGANISATION.name, submission.organisation)]

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> set[endpoints.EndpointKey]:
        """The existing endpoints of these subscriptions, as (organisation, subscription)."""
        return await endpoints.existing(connection, [(each.organisation, each.subject) for each in submissions])

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        data: Any = submission.data
        present = known.own_state(Subscription, SUBSCRIPTION, submission.subject)
        if isinstance(data, SubscriptionCreated):
            has_endpoint = (submission.organisation, submission.subject) in known.extra
            state = domain.create(data, present, submission.organisation, has_endpoint=has_endpoint)
            self._require_admitted(submission, known)
        else:
            state = domain.cancel(data, present, submission.organisation)
        return [AggregateChange(EVENT_TYPES[submission.type.name], submission.subject, submission.key, state)]

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        for change in changes:
            state = cast(Subscription, change.state)
            if state.status == "active":
                await subscriptions.activate(connection, state, self._lanes)
            else:
                await subscriptions.deactivate(connection, state)

    def private_part_of(self, submission: Submission, known: DecisionState) -> None:
        """None: all submitted data is published; a submission cannot contain an endpoint."""

    def _require_admitted(self, submission: Submission, known: DecisionState) -> None:
        if submission.organisation != self._operator:
            known.require_foreign(Organisation, ORGANISATION, submission.organisation)
