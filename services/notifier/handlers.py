"""The decider of the notifier: the aggregates that a submission needs, and the resulting changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from services.notifier.domain.subscriptions import SubscriptionLimits
from services.notifier.endpoints.addresses import normalised
from services.notifier.store import endpoints, subscriptions


@dataclass(frozen=True, slots=True)
class KnownSubscriptions:
    """``DecisionState.extra``: stored endpoints, and per organisation the active subscriptions with endpoint."""

    endpoints: Mapping[endpoints.EndpointKey, str]
    active: Mapping[str, Mapping[str, str | None]]


class NotifierDecider:
    """`messaging.Decider` of the notifier; ``DecisionState.extra`` is `KnownSubscriptions`."""

    domain: Domain = "notifications"
    types = submissions_of("notifications")

    def __init__(self, operator: str, lanes: int, limits: SubscriptionLimits = SubscriptionLimits()) -> None:  # noqa: B008  # immutable
        self._operator = operator
        self._lanes = lanes
        self._limits = limits

    def topic_of(self, submission: Submission) -> str:
        return NOTIFICATIONS

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [(SUBSCRIPTION.name, submission.subject)]

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [(ORGANISATION.name, submission.organisation)]

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> KnownSubscriptions:
        stored = await endpoints.existing(connection, [(each.organisation, each.subject) for each in submissions])
        creating = {each.organisation for each in submissions if isinstance(each.data, SubscriptionCreated)}
        return KnownSubscriptions(stored, await subscriptions.active(connection, creating))

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        data: Any = submission.data
        present = known.own_state(Subscription, SUBSCRIPTION, submission.subject)
        if isinstance(data, SubscriptionCreated):
            endpoint = known.extra.endpoints.get((submission.organisation, submission.subject))
            has_endpoint = endpoint is not None
            state = domain.create(data, present, submission.organisation, has_endpoint=has_endpoint)
            self._require_room(submission.organisation, endpoint if data.delivery == "push" else None, known)
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

    def _require_room(self, organisation: str, endpoint: str | None, known: DecisionState) -> None:
        """Raises `Rejected` at a limit on active subscriptions, those of this batch included."""
        others = dict(known.extra.active[organisation])
        for change in known.changes:
            state = cast(Subscription, change.state)
            if state.organisation == organisation:
                others.pop(state.subscription_id, None)
                if state.status == "active":
                    others[state.subscription_id] = known.extra.endpoints.get((organisation, state.subscription_id))
        addresses = [each and normalised(each) for each in others.values()]
        self._limits.require_room(addresses, endpoint and normalised(endpoint))

    def _require_admitted(self, submission: Submission, known: DecisionState) -> None:
        if submission.organisation != self._operator:
            known.require_foreign(Organisation, ORGANISATION, submission.organisation)
